package result

// Metric keys that reports look for in Workload.Metrics (and, when a workload
// has no such entry, in Run.Metrics under "WORKLOAD_ID.key"). A metric that is
// absent is printed as "no data"; any further metric is kept in result.json and
// in the tables. The unit stands in each Number: seconds "s", shares "ratio",
// money "USD", power "W", energy "Wh", rates "tokens/s" and so on.
const (
	// Training.
	MetricTokens           = "tokens"                      // tokens trained in the run
	MetricSamples          = "samples"                     // samples trained, where there are no tokens
	MetricSteps            = "steps"                       // optimizer steps completed
	MetricDuration         = "duration"                    // simulated wall time of the run, s
	MetricStepTime         = "step_time"                   // s
	MetricGoodput          = "goodput"                     // useful share of bought accelerator time
	MetricMFU              = "mfu"                         // model FLOP utilisation while stepping
	MetricModelFlopsPerGPU = "model_flops_per_accelerator" // FLOP/s
	MetricTokensPerSec     = "tokens_per_second"
	MetricFailures         = "failures" // expected number in the run
	MetricGPUHours         = "gpu_hours"
	MetricCheckpointEvery  = "checkpoint_interval" // s

	// Serving.
	MetricCapacity          = "capacity"                 // highest load within the limits, requests/s
	MetricSaturation        = "saturation"               // completed per second by replicas that always have work
	MetricHeadroom          = "headroom"                 // capacity over the load asked for, less 1
	MetricGoodRequests      = "good_requests_per_second" // answered within the limits
	MetricGoodTokens        = "good_output_tokens_per_second"
	MetricPerUser           = "tokens_per_second_per_user" // what the median request sees
	MetricPerAccelerator    = "tokens_per_second_per_accelerator"
	MetricSimulated         = "simulated"           // time of the service that was simulated, s
	MetricOffered           = "requests_per_second" // load asked for
	MetricTTFTP95           = "ttft_p95"            // s
	MetricTPOTP95           = "tpot_p95"            // s
	MetricLatencyP95        = "latency_p95"         // whole request, s
	MetricAttainment        = "attainment"          // share of requests within the limits
	MetricOutputTokens      = "output_tokens"
	MetricOutputTokenPerSec = "output_tokens_per_second"
	MetricUtilisation       = "utilisation"

	// Money and power, of a workload or of the whole run.
	MetricCost            = "cost"                    // of the period, USD
	MetricCostPerMTokens  = "usd_per_m_tokens"        // USD per million tokens trained
	MetricCostPerMOutput  = "usd_per_m_output_tokens" // USD per million output tokens
	MetricCostPerMRequest = "usd_per_m_requests"      // USD per million requests
	MetricPower           = "power"                   // mean at the meter, W
	MetricLedgerTotal     = "ledger.total"            // USD
	MetricLedgerPerYear   = "ledger.per_year"         // USD for a year at the rate of the period
	MetricLedgerCapital   = "ledger.capital"          // USD
	MetricFacilityPower   = "facility.power"          // mean at the meter, W
	MetricFacilityEnergy  = "facility.energy"         // Wh
	MetricFacilityCarbon  = "facility.carbon"         // tCO2e

	// Queues of batch jobs, under "QUEUE_ID.key".
	MetricWaitMean   = "wait"       // s
	MetricWaitP95    = "wait_p95"   // s
	MetricJCT        = "jct"        // from submission to end, s
	MetricFragmented = "fragmented" // share of GPU time
	MetricWithinSLO  = "within_slo" // share of jobs

	// Pipelines, under "PIPELINE_ID.key".
	MetricRunTime   = "run_time"  // of one run, s
	MetricInterval  = "interval"  // between runs, s
	MetricStaleness = "staleness" // mean age of what the serving model has learnt, s
	MetricCoreHours = "core_hours"

	// Functions, under "FUNCTION_ID.key".
	MetricColdStarts  = "cold_starts" // share of requests that start an instance
	MetricInstances   = "instances"   // mean
	MetricResponseP99 = "response_p99"
	MetricUSDPerHour  = "usd_per_hour"

	// Streams, under "STREAM_ID.key"; usd_per_hour, too.
	MetricLagP99  = "lag_p99" // from an element's arrival to its end
	MetricLagMean = "lag_mean"
	MetricWorkers = "workers" // mean
	MetricBacklog = "backlog_peak"

	// Rules of data protection, of the whole run.
	MetricComplianceFailed     = "compliance.failed"     // rules that fail
	MetricComplianceUndeclared = "compliance.undeclared" // rules that need a declaration
)

// Refusal says that a part of the run was not computed, and what would be
// needed to compute it. Section is the name of the report section that prints
// it: step, pipeline, fabric, memory, goodput, storage, ledger or sensitivity.
type Refusal struct {
	Workload string `json:"workload,omitempty"`
	Section  string `json:"section"`
	What     string `json:"what"`    // what is missing
	Measure  string `json:"measure"` // what to measure or state
}
