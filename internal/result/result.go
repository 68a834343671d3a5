package result

// Schema is the name of the JSON contract that Run is written in.
const Schema = "aisim.run/v1"

// Pedigree says what a number rests on.
type Pedigree string

// The pedigrees, from best known to least known.
const (
	Measured  Pedigree = "measured"  // read off a real machine
	Derived   Pedigree = "derived"   // computed or fitted from measurements
	Datasheet Pedigree = "datasheet" // stated by the vendor
	Assumed   Pedigree = "assumed"   // taken as given, no source that can be checked
)

// Kind names the cause that a share of time or money belongs to. Reports map
// each to one colour, the same in every figure.
type Kind string

// The kinds, as the report specification lists them.
const (
	KindCompute  Kind = "comp"  // matrix work
	KindCompute2 Kind = "comp2" // other kernels, memory-bound work, forward
	KindScaleUp  Kind = "nv"    // scale-up link (NVLink, ICI)
	KindNetwork  Kind = "net"   // scale-out network
	KindWait     Kind = "wait"  // waiting, overhead, bubbles, assumed
	KindStorage  Kind = "sto"   // storage
	KindFailure  Kind = "fail"  // failures, limits, goals
	KindIT       Kind = "usd"   // money: accelerators and servers
	KindIT2      Kind = "usd2"  // money: network and storage
	KindFacility Kind = "fac"   // money: facility and people
	KindPower    Kind = "el"    // money: electricity
)

// Number is one quantity with its 90 % interval. When nothing supports an
// interval, Low and High equal Value and NoInterval says why.
type Number struct {
	Value          float64              `json:"value"`
	Low            float64              `json:"low"`
	High           float64              `json:"high"`
	Level          float64              `json:"level,omitempty"`
	Unit           string               `json:"unit"`
	Pedigree       Pedigree             `json:"pedigree,omitempty"`
	PedigreeShares map[Pedigree]float64 `json:"pedigree_shares,omitempty"`
	Rung           string               `json:"rung,omitempty"`
	NoInterval     string               `json:"no_interval,omitempty"`
}

// Run is everything that one `aisim run` found out. It holds nothing that
// differs between two runs of the same input: no clock, no host, no worker count.
type Run struct {
	Schema       string            `json:"schema"`
	Version      string            `json:"version"`
	Revision     string            `json:"revision"`
	Complete     bool              `json:"complete"`
	Stopped      string            `json:"stopped,omitempty"` // "stopped at 31 of 54 days"
	Scenario     ScenarioRef       `json:"scenario"`
	Profiles     []FileRef         `json:"profiles"`
	Catalogue    FileRef           `json:"catalogue"`
	Seed         uint64            `json:"seed"`
	Replicas     int               `json:"replicas"`
	Banners      []string          `json:"banners,omitempty"`
	Metrics      map[string]Number `json:"metrics"` // "pretrain.step_time", "ledger.capex", "facility.power"
	Workloads    []Workload        `json:"workloads"`
	Fabric       []FabricLevel     `json:"fabric"`
	SwitchTiers  []SwitchTier      `json:"switch_tiers,omitempty"`
	Bottlenecks  []Bottleneck      `json:"bottlenecks"`
	Elasticities []Elasticity      `json:"elasticities"`
	Levers       []Lever           `json:"levers,omitempty"`
	NotWorth     []Lever           `json:"not_worth,omitempty"`
	Where        []Bar             `json:"where,omitempty"` // at most three 100 % bars
	Storage      []StoragePath     `json:"storage,omitempty"`
	Ledger       Ledger            `json:"ledger"`
	Energy       *EnergyNode       `json:"energy,omitempty"`
	Tornado      []TornadoRow      `json:"tornado,omitempty"`
	Rungs        []RungShare       `json:"rungs,omitempty"`
	Assumptions  []Assumption      `json:"assumptions"`
	Warnings     []Warning         `json:"warnings"`
	Refused      []Refusal         `json:"refused,omitempty"`
	Compliance   *Compliance       `json:"compliance,omitempty"` // nil when no rules were asked for
	Pipelines    []Pipeline        `json:"pipelines,omitempty"`
	Queues       []Queue           `json:"queues,omitempty"`
	Offloads     []Offload         `json:"offloads,omitempty"`
	Updates      []FleetUpdate     `json:"updates,omitempty"`
	Functions    []Function        `json:"functions,omitempty"`
	Streams      []Stream          `json:"streams,omitempty"`
}

// ScenarioRef names the scenario of a run by content.
type ScenarioRef struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Source      string   `json:"source"` // built-in id or file base name
	SHA256      string   `json:"sha256"`
	Overrides   []string `json:"overrides,omitempty"`
	Machine     string   `json:"machine"` // "16,384 H100 on a 3-level fat-tree"
}

// FileRef names an input by content.
type FileRef struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Workload is the result of one workload of the scenario.
type Workload struct {
	ID        string            `json:"id"`
	Kind      string            `json:"kind"` // training | serving
	Title     string            `json:"title,omitempty"`
	Eyebrow   string            `json:"eyebrow,omitempty"` // model, framework, precision, parallelism, batch
	Requests  int               `json:"requests,omitempty"`
	Placement string            `json:"placement,omitempty"` // of a service that is not alone on its nodes
	Objective string            `json:"objective"`           // the metric key that elasticities speak of
	Metrics   map[string]Number `json:"metrics"`
	Step      []StepPart        `json:"step,omitempty"`
	Stages    []Stage           `json:"stages,omitempty"`
	Memory    []MemoryClass     `json:"memory,omitempty"`
	Losses    []Loss            `json:"losses,omitempty"`
	Serving   *Serving          `json:"serving,omitempty"`
	Timeline  []TimePoint       `json:"timeline,omitempty"` // what happened over simulated time, for explore.html
}

// StepPart is one part of the critical path of a step (or of a request).
type StepPart struct {
	Name          string  `json:"name"`
	Kind          Kind    `json:"kind"`
	Seconds       float64 `json:"seconds"`
	HiddenSeconds float64 `json:"hidden_seconds"` // ran beside other work, never drawn as time
	Waiting       bool    `json:"waiting,omitempty"`
}

// Stage is one class of alike ranks of a pipeline with its spans over one step.
type Stage struct {
	Name  string `json:"name"`
	Twins int    `json:"twins"` // ranks that the class stands for
	Spans []Span `json:"spans"`
	// BusySec is the work of the whole step; between OmittedFrom and OmittedTo the spans are
	// left out, where there are too many to draw.
	BusySec     float64 `json:"busy_s"`
	OmittedFrom float64 `json:"omitted_from_s,omitempty"`
	OmittedTo   float64 `json:"omitted_to_s,omitempty"`
}

// Span is one activity of a stage; times are seconds from the step's start.
type Span struct {
	Start float64 `json:"start_s"`
	End   float64 `json:"end_s"`
	What  string  `json:"what"` // forward | backward | exchange | optimizer
	Micro int     `json:"micro"`
	Chunk int     `json:"chunk,omitempty"`
}

// MemoryClass is what one class of alike ranks keeps in device memory.
type MemoryClass struct {
	Name      string       `json:"name"`
	Ranks     int          `json:"ranks"`
	Parts     []MemoryPart `json:"parts"`
	UsableGiB float64      `json:"usable_gib"`
	TotalGiB  float64      `json:"total_gib"`
}

// MemoryPart is one use of device memory in GiB.
type MemoryPart struct {
	Name string  `json:"name"` // weights | gradients | optimizer | activations | kv cache | buffers | fragmentation
	GiB  float64 `json:"gib"`
}

// Loss is one cause for which bought accelerator time did no useful work.
type Loss struct {
	Cause    string  `json:"cause"`
	Kind     Kind    `json:"kind"`
	Share    float64 `json:"share"` // of all accelerator time
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	GPUHours float64 `json:"gpu_hours"`
	Note     string  `json:"note,omitempty"`
}

// Serving holds what is particular to a service.
type Serving struct {
	Latency    []LatencyRow `json:"latency"`
	TTFTParts  []PartsAt    `json:"ttft_parts"`
	Load       []LoadPoint  `json:"load"`       // attainment against offered load
	Hours      []HourPoint  `json:"hours"`      // load and attainment by hour of the day
	Cumulative []CDF        `json:"cumulative"` // for explore.html
}

// LatencyRow is one latency metric with its percentiles and limit, in seconds.
type LatencyRow struct {
	Name  string  `json:"name"`            // "first token", "time per output token", "whole request"
	Class string  `json:"class,omitempty"` // of requests that the row is for; empty: all
	P10   float64 `json:"p10_s"`
	P50   float64 `json:"p50_s"`
	P90   float64 `json:"p90_s"`
	P95   float64 `json:"p95_s"`
	P99   float64 `json:"p99_s"`
	P999  float64 `json:"p999_s"`
	Limit float64 `json:"limit_s,omitempty"`
	At    string  `json:"at,omitempty"` // percentile that the limit is for, "p95"
}

// PartsAt breaks a latency percentile into its parts.
type PartsAt struct {
	Percentile string     `json:"percentile"`
	Parts      []StepPart `json:"parts"`
}

// LoadPoint is attainment at one offered load.
type LoadPoint struct {
	RequestsPerSec float64 `json:"requests_per_s"`
	Attainment     Number  `json:"attainment"`
	TTFTP95        float64 `json:"ttft_p95_s"`
	Asked          bool    `json:"asked,omitempty"`
}

// HourPoint is the load and the attainment of one hour of simulated time.
type HourPoint struct {
	Hour           int     `json:"hour"`
	RequestsPerSec float64 `json:"requests_per_s"`
	Attainment     float64 `json:"attainment"`
}

// CDF is a cumulative distribution, for interactive charts.
type CDF struct {
	Name    string    `json:"name"`
	Unit    string    `json:"unit"`
	Value   []float64 `json:"value"`
	Percent []float64 `json:"percent"`
}

// TimePoint is one entry of a workload's life: what it did from Start to End.
type TimePoint struct {
	Start float64 `json:"start_s"`
	End   float64 `json:"end_s"`
	What  string  `json:"what"` // train | checkpoint | failed | restart | load | idle
	Note  string  `json:"note,omitempty"`
}

// FabricLevel is one level of links of the network, both directions counted.
type FabricLevel struct {
	Name        string  `json:"name"` // "leaf to spine"
	Links       int     `json:"links"`
	Gbps        float64 `json:"gbps"` // per link and direction
	CapacityTBs float64 `json:"capacity_tb_per_s"`
	Mean        float64 `json:"mean"` // utilisation 0..1 while the workloads run
	P99         float64 `json:"p99"`
	Max         float64 `json:"max"`
}

// SwitchTier is the busiest link of every switch of one tier, pods side by side.
type SwitchTier struct {
	Name string      `json:"name"`
	Pods [][]float64 `json:"pods"` // [pod][switch] utilisation of its busiest link, 0..1
}

// Bottleneck is a share of the time on the critical path by the resource that bounds it.
type Bottleneck struct {
	Workload string  `json:"workload"`
	Resource string  `json:"resource"` // an Elasticity's Resource
	Name     string  `json:"name"`
	Kind     Kind    `json:"kind"`
	Share    float64 `json:"share"` // of the critical path
	Seconds  float64 `json:"seconds"`
}

// Elasticity is what a stated change of one resource gained, re-simulated.
type Elasticity struct {
	Workload string  `json:"workload"`
	Resource string  `json:"resource"` // stable key: compute, hbm, scaleup, nic, fabric.spine …
	Name     string  `json:"name"`
	Metric   string  `json:"metric"` // the workload's objective
	Step     float64 `json:"step"`   // 0.10 is 10 % more
	Gain     Number  `json:"gain"`   // relative gain of the objective, positive is better
	Free     bool    `json:"free"`   // gain within ±0.05 %: do not spend here
	Double   float64 `json:"double"` // relative gain when the resource is doubled
}

// Lever is one change that a planner can make, simulated.
type Lever struct {
	Action         string  `json:"action"`
	Detail         string  `json:"detail,omitempty"`
	ObjectiveGain  Number  `json:"objective_gain"`
	UnitCostChange Number  `json:"unit_cost_change"`
	CapitalUSD     float64 `json:"capital_usd"`
	PWorth         float64 `json:"p_worth"` // probability that the unit cost falls
	Condition      string  `json:"condition,omitempty"`
	Together       bool    `json:"together,omitempty"` // the row that applies all others
}

// Bar is one 100 % bar: shares sum to 1.
type Bar struct {
	Name  string  `json:"name"` // "each second of a step"
	Parts []Share `json:"parts"`
}

// Share is one part of a Bar.
type Share struct {
	Name  string  `json:"name"`
	Kind  Kind    `json:"kind"`
	Share float64 `json:"share"`
	Hatch bool    `json:"hatch,omitempty"`
}

// StoragePath is the way of the bytes through one store for one use.
type StoragePath struct {
	Store    string         `json:"store"`
	Workload string         `json:"workload"`
	Use      string         `json:"use"` // checkpoint write | restore | dataset read | model load
	Bytes    float64        `json:"bytes"`
	Seconds  float64        `json:"seconds"`
	Reached  float64        `json:"reached_bytes_per_sec"`
	Stages   []StorageStage `json:"stages"`
	GPUShare float64        `json:"gpu_time_share"` // of accelerator time lost to it
}

// StorageStage is what one stage of the path could carry for this use.
type StorageStage struct {
	Stage       string  `json:"stage"`
	BytesPerSec float64 `json:"bytes_per_sec"`
	Narrowest   bool    `json:"narrowest,omitempty"`
}

// Ledger is the money of the run. Lines sum to Total; Capital sums the capex column.
type Ledger struct {
	Mode     string       `json:"mode"` // buy | rent
	Period   string       `json:"period"`
	NoPrices string       `json:"no_prices,omitempty"` // why there is no money in this run
	Lines    []LedgerLine `json:"lines"`
	Units    []UnitCost   `json:"units"`
	Carbon   []CarbonLine `json:"carbon"`
	TotalUSD Number       `json:"total_usd"`
	Capital  Number       `json:"capital_usd"`
}

// LedgerLine is one cost of the period.
type LedgerLine struct {
	Item     string   `json:"item"`
	Basis    string   `json:"basis"` // "2,048 × 270 k USD, 4 y, residual 10 %"
	Kind     Kind     `json:"kind"`
	CapexUSD float64  `json:"capex_usd"`
	Life     float64  `json:"life_years,omitempty"`
	Rate     float64  `json:"rate,omitempty"` // cost of capital per year
	Residual float64  `json:"residual,omitempty"`
	USD      float64  `json:"usd"` // for the period
	Low      float64  `json:"low"`
	High     float64  `json:"high"`
	Pedigree Pedigree `json:"pedigree"`
	Source   string   `json:"source,omitempty"`
}

// UnitCost is a price per unit of what the machine delivered.
type UnitCost struct {
	Key   string `json:"key"` // usd_per_m_tokens, usd_per_gpu_hour_owned …
	Name  string `json:"name"`
	Value Number `json:"value"`
}

// CarbonLine is one source of greenhouse gas of the period.
type CarbonLine struct {
	Name  string `json:"name"`
	Basis string `json:"basis"` // "location-based, direct"
	Value Number `json:"value"` // tCO2e
}

// EnergyNode is one node of the tree from device to meter: a node's MWh and mean
// MW are the sums of its children's unless it has none.
type EnergyNode struct {
	Name     string       `json:"name"`
	Kind     Kind         `json:"kind,omitempty"`
	MWMean   float64      `json:"mw_mean"`
	MWh      float64      `json:"mwh"`
	Low      float64      `json:"low_mw"`
	High     float64      `json:"high_mw"`
	Children []EnergyNode `json:"children,omitempty"`
}

// TornadoRow is the swing of the unit cost over one input's own 90 % range.
type TornadoRow struct {
	Input    string   `json:"input"`
	Unit     string   `json:"unit"`
	Low      float64  `json:"low"`
	High     float64  `json:"high"`
	AtLow    float64  `json:"at_low"` // unit cost with the input at Low
	AtHigh   float64  `json:"at_high"`
	Base     float64  `json:"base"`
	CostUnit string   `json:"cost_unit"`
	Pedigree Pedigree `json:"pedigree"`
}

// RungShare is the share of the objective's time by the rung that predicted it.
type RungShare struct {
	Rung     string   `json:"rung"`
	Pedigree Pedigree `json:"pedigree"`
	Share    float64  `json:"share"`
}

// Assumption is one input that was taken as given, with its source.
type Assumption struct {
	Name     string   `json:"name"`
	Value    string   `json:"value"` // with unit, as text
	Pedigree Pedigree `json:"pedigree"`
	Source   string   `json:"source"`
	Weight   float64  `json:"weight,omitempty"` // share of the objective's variance, 0 when unknown
}

// Offload is a service answered at the edge sites and in a region, at the same loads. The
// region's list ends where the sites' links are full.
type Offload struct {
	Workload string      `json:"workload"`
	Local    []LoadPoint `json:"local"`
	Remote   []LoadPoint `json:"remote"`
	LinkFull float64     `json:"link_full_requests_per_s"`
}

// FleetUpdate is how a model reaches the sites and samples come back.
type FleetUpdate struct {
	Workload          string  `json:"workload"`
	ModelBytes        float64 `json:"model_bytes"`
	RolloutSec        float64 `json:"rollout_s"`
	StalenessSec      float64 `json:"staleness_s"`
	SampleBytesPerDay float64 `json:"sample_bytes_per_day"`
	LinkShare         float64 `json:"link_share"`
	OutagesPerYear    float64 `json:"outages_per_year"` // of each site
	BufferBytes       float64 `json:"buffer_bytes"`     // that a site keeps through a mean outage
	CatchUpSec        float64 `json:"catch_up_s"`
	EgressUSDPerYear  float64 `json:"egress_usd_per_year"`
}

// Queue is what batch jobs made of the nodes that they share, under one draw of them.
type Queue struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Nodes     int          `json:"nodes"`
	GPUs      int          `json:"gpus"`
	Order     string       `json:"order"`
	Backfill  string       `json:"backfill"`
	Jobs      int          `json:"jobs"`
	Load      float64      `json:"offered_load"`
	Busy      float64      `json:"utilisation"` // while jobs come in
	SpanSec   float64      `json:"span_s"`
	Stops     int          `json:"stops"`
	Killed    int          `json:"killed_at_limit"`
	Resizes   int          `json:"resizes"`
	Speed     []float64    `json:"speed_by_spread,omitempty"` // in one node, one leaf, one pod, beyond
	Failures  int          `json:"failures"`                  // that hit a job
	MeanQueue float64      `json:"mean_queue"`
	MaxQueue  int          `json:"max_queue"`
	All       QueueClass   `json:"all"`
	Use       []QueueUse   `json:"use"`
	Classes   []QueueClass `json:"classes"`
	Tenants   []QueueClass `json:"tenants"`
}

// QueueUse is a share of the GPU time, by what became of it.
type QueueUse struct {
	What  string  `json:"what"`
	Share float64 `json:"share"`
}

// QueueClass is the jobs of one size or of one tenant.
type QueueClass struct {
	Name        string  `json:"name"`
	Jobs        int     `json:"jobs"`
	GPUHours    float64 `json:"gpu_hours"`
	WaitMeanSec float64 `json:"wait_mean_s"`
	WaitP50Sec  float64 `json:"wait_p50_s"`
	WaitP95Sec  float64 `json:"wait_p95_s"`
	JCTMeanSec  float64 `json:"jct_mean_s"`
	Slowdown    float64 `json:"slowdown"` // bounded, mean
	WithinSLO   float64 `json:"within_slo"`
	CostUSD     float64 `json:"cost_usd"`
}

// Function is a serverless function as it was simulated.
type Function struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Requests    int     `json:"requests"`
	ColdShare   float64 `json:"cold_share"`
	ColdSec     float64 `json:"cold_start_s"` // mean, added to a request that starts an instance
	Instances   float64 `json:"instances"`    // mean
	Busy        float64 `json:"busy_instances"`
	Peak        int     `json:"peak_instances"`
	ResponseP50 float64 `json:"response_p50_s"`
	ResponseP99 float64 `json:"response_p99_s"`
	Priced      bool    `json:"priced"`
	USDPerHour  float64 `json:"usd_per_hour,omitempty"`
	// BreakEven is the rate of requests from which reserved machines cost less; 0 when none was
	// named or when they never do (Never).
	BreakEven float64 `json:"break_even_requests_per_s,omitempty"`
	Reserved  bool    `json:"reserved_named"`
	Never     bool    `json:"never_breaks_even,omitempty"`
}

// Stream is elements that come without end, and the workers that follow them.
type Stream struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	PerSec      float64 `json:"elements_per_s"`
	Workers     float64 `json:"workers"` // mean
	Peak        int     `json:"peak_workers"`
	Starts      int     `json:"worker_starts"`
	Backlog     float64 `json:"backlog_peak"` // elements
	LagMeanSec  float64 `json:"lag_mean_s"`
	LagP99Sec   float64 `json:"lag_p99_s"`
	Within      float64 `json:"within_lag_slo"` // share of the elements
	LagSLO      float64 `json:"lag_slo_s,omitempty"`
	USDPerHour  float64 `json:"usd_per_hour,omitempty"`
	Priced      bool    `json:"priced"`
	DurationSec float64 `json:"duration_s"`
}

// Pipeline is one run of a graph of stages, and how often it runs.
type Pipeline struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Engine       string          `json:"engine"`
	Nodes        int             `json:"nodes"`
	RunSec       float64         `json:"run_s"`
	IntervalSec  float64         `json:"interval_s"` // between starts
	CanarySec    float64         `json:"canary_s"`
	StalenessSec float64         `json:"staleness_s"` // mean age of what the serving model has learnt
	CoreHours    float64         `json:"core_hours"`  // of one run
	CostUSD      float64         `json:"cost_usd"`    // of the nodes for one run
	OptimalSec   float64         `json:"optimal_interval_s,omitempty"`
	Stages       []PipelineStage `json:"stages"`
}

// PipelineStage is when a stage of the run was at work, in seconds from its start.
type PipelineStage struct {
	ID    string  `json:"id"`
	Tasks int     `json:"tasks,omitempty"`
	Start float64 `json:"start_s"`
	End   float64 `json:"end_s"`
	Bound string  `json:"bound"` // cpu | read | shuffle | write | task launch | fixed
}

// Compliance is the plan held against the rules of the regimes that the scenario names.
type Compliance struct {
	Rules      []ComplianceRule `json:"rules"`
	AuditBytes Number           `json:"audit_bytes"` // that the audit log holds when its oldest records go
}

// ComplianceRule is one rule over the whole plan; Findings hold what does not pass.
type ComplianceRule struct {
	Rule     string              `json:"rule"`
	Regime   string              `json:"regime"` // GDPR | HIPAA
	Title    string              `json:"title"`
	Basis    string              `json:"basis"`  // the article
	Status   string              `json:"status"` // pass | fail | needs declaration | not applicable
	Checked  int                 `json:"checked"`
	Findings []ComplianceFinding `json:"findings,omitempty"`
}

// ComplianceFinding is what a rule says of one subject.
type ComplianceFinding struct {
	Subject string `json:"subject"`
	Status  string `json:"status"`
	Why     string `json:"why"`
}

// Warning says what is not as the reader might think, and how much it matters.
type Warning struct {
	What   string `json:"what"`
	Why    string `json:"why"`
	Effect string `json:"effect"`
}
