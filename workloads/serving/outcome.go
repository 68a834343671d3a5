package serving

import (
	"math"
	"sort"

	"aisim/internal/result"
	"aisim/sim"
)

// Outcome is what happened to a load. Times are in seconds as a client sees
// them: from the arrival at the service to the answer, network included.
type Outcome struct {
	Requests  int // offered
	Completed int
	Lost      int // refused because they can never fit, or never served
	Shed      int // of the lost: turned away because too many were in flight
	TimedOut  int // of the lost: given up by their clients
	TooLong   int // of the lost: of more tokens than MaxTokens
	MaxTokens int // of prompt and output that context and cache hold, 0: no limit
	Longest   int // tokens of the longest that was refused
	Unsent    int // turns of talks whose answer before never came: they are not among the requests
	Retried   int // sent again after an outage
	Preempted int // preemptions by recompute
	Attained  int // completed within the SLO

	PromptTokens, OutputTokens int64   // of completed requests
	StartSec, EndSec           float64 // first arrival, last answer

	TTFT, TPOT, E2E, Queue Distribution
	ITL                    Distribution // between deliveries to a client, of all requests
	OfferedPerSec          float64      // requests per second offered
	RequestsPerSec         float64      // completed, between first arrival and last answer
	OutputPerSec           float64      // tokens
	GoodPerSec             float64      // requests within the SLO
	GoodOutputPerSec       float64      // tokens of requests within the SLO
	Attainment             float64      // share of offered requests within the SLO; lost ones are not

	Utilisation float64 // busy share of the replicas' time
	// PrefillShare is the share of busy seconds that prompts cause, the rest is decode's:
	// where a step does both, each bears what it would take alone, less half of what is saved.
	PrefillShare float64
	MeanBatch    float64 // sequences per step, weighted by time
	CacheMean    float64 // share of the key-value cache in use, over busy time
	CachePeak    float64
	// PrefixTokens are tokens of prompts that were found cached, in the chips' memory and
	// then by tier; PromptAsked the prompt tokens looked up, those of repeated attempts too.
	PrefixTokens []int64
	PromptAsked  int64
	Memory       Memory
	Replicas     []ReplicaUse
	Scaling      *Scaling    // nil without autoscaling
	Prefill      *PoolUse    // nil without workers of their own for prompts; other means are then of those that decode
	Adapters     *AdapterUse // nil without adapters
	MoveSec      float64     // mean time of a prompt's cache on its way between pools
	Classes      []ClassOutcome

	TTFTParts []result.PartsAt  // at p50, p95 and p99
	E2EParts  []result.StepPart // means over all completed requests
	TTFTBy    []ResourceShare   // of the mean time to first token
	LatencyBy []ResourceShare   // of the mean time of a whole request
	BusyBy    []ResourceShare   // of busy seconds
	Hours     []result.HourPoint

	// Digest sums up, in order of arrival, which replica served each request and when
	// it gave the first and the last token, to the bit. 0 unless it was asked for.
	Digest uint64
	Events int64 // processed by the simulator
	Steps  int64 // engine steps that they stand for
}

// PrefixHitRate is the share of prompt tokens that were found cached.
func (o *Outcome) PrefixHitRate() float64 {
	if o.PromptAsked == 0 {
		return 0
	}
	n := int64(0)
	for _, t := range o.PrefixTokens {
		n += t
	}
	return float64(n) / float64(o.PromptAsked)
}

// ReplicaUse is what one replica did between the first arrival and the last answer.
type ReplicaUse struct {
	BusySec, IdleSec float64
	Requests         int
	Steps            int64
	OutputTokens     int64 // emitted, those of repeated attempts included
	MeanBatch        float64
	CacheMean        float64
}

// ResourceShare is the part of a time that one resource causes. Shares of step
// time are elasticities: doubling the rate of a resource without a share
// changes nothing.
type ResourceShare struct {
	Resource string // compute, hbm, scaleup, host, queueing, wan
	Name     string
	Kind     result.Kind
	Seconds  float64
	Share    float64
}

// Distribution holds exact order statistics of one latency, in seconds.
type Distribution struct {
	Count                                             int
	Mean, SD, Min, P10, P50, P90, P95, P99, P999, Max float64
	runs                                              [][]float64    // all values, each run sorted
	counted                                           *sim.Histogram // instead, of more than exactRequests
}

// Quantile returns the p-quantile, 0 ≤ p ≤ 1, with straight lines between order
// statistics; NaN when there are no values.
func (d *Distribution) Quantile(p float64) float64 {
	if d.counted != nil {
		return d.counted.Percentile(100 * p)
	}
	if d.Count == 0 {
		return math.NaN()
	}
	x := min(max(p, 0), 1) * float64(d.Count-1)
	i := int(x)
	v := d.nth(i)
	if i+1 >= d.Count || x == float64(i) {
		return v
	}
	return v + (x-float64(i))*(d.nth(i+1)-v)
}

// nth is the value before which i lie, in order.
func (d *Distribution) nth(i int) float64 {
	if len(d.runs) == 1 {
		return d.runs[0][i]
	}
	// The least key up to which more than i values lie.
	low, high := orderKey(d.Min), orderKey(d.Max)
	for low < high {
		mid := low + (high-low)/2
		if d.upTo(mid) > i {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return ofKey(low)
}

// upTo counts the values whose keys are not above key.
func (d *Distribution) upTo(key uint64) (n int) {
	x := ofKey(key)
	for _, run := range d.runs {
		n += sort.Search(len(run), func(k int) bool { return run[k] > x })
	}
	return n
}

// orderKey orders floats as unsigned numbers.
func orderKey(x float64) uint64 {
	b := math.Float64bits(x)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

func ofKey(k uint64) float64 {
	if k>>63 != 0 {
		return math.Float64frombits(k &^ (1 << 63))
	}
	return math.Float64frombits(^k)
}

// countedDistribution is that of a histogram.
func countedDistribution(h *sim.Histogram) Distribution {
	d := Distribution{Count: int(h.Count()), counted: h}
	if d.Count > 0 {
		d.Mean, d.SD, d.Min, d.Max = h.Mean(), h.SD(), h.Min(), h.Max()
		d.percentiles()
	}
	return d
}

func (d *Distribution) percentiles() {
	d.P10, d.P50, d.P90 = d.Quantile(.10), d.Quantile(.50), d.Quantile(.90)
	d.P95, d.P99, d.P999 = d.Quantile(.95), d.Quantile(.99), d.Quantile(.999)
}

// newDistribution sorts v, which it keeps.
func newDistribution(v []float64) Distribution {
	if len(v) == 0 {
		return Distribution{}
	}
	sortSeconds(v)
	var sum, square float64
	for _, x := range v {
		sum += x
	}
	mean := sum / float64(len(v))
	for _, x := range v {
		square += (x - mean) * (x - mean)
	}
	return runsDistribution([][]float64{v}, mean, math.Sqrt(square/float64(len(v))))
}

// runsDistribution is that of values in sorted runs, which it keeps.
func runsDistribution(runs [][]float64, mean, sd float64) Distribution {
	d := Distribution{runs: runs, Mean: mean, SD: sd, Min: math.Inf(1), Max: math.Inf(-1)}
	for _, run := range runs {
		d.Count += len(run)
		d.Min, d.Max = math.Min(d.Min, run[0]), math.Max(d.Max, run[len(run)-1])
	}
	d.percentiles()
	return d
}

// use sums what the replicas did.
func (f *fleet) use(o *Outcome, per []int) {
	span := o.EndSec - o.StartSec
	var cum split
	var cache, seqs, busy float64
	blocks := float64(max(o.Memory.Blocks, 1))
	if f.pools != nil {
		o.Prefill = &PoolUse{}
	}
	prompts, work := 0.0, 0.0 // seconds of chips
	for i := range f.reps {
		r, acc := &f.reps[i], &f.accounts[i]
		chips, held := float64(r.chips), blocks
		if r.prompts {
			held = float64(r.blocks)
		}
		u := ReplicaUse{BusySec: r.busySec, IdleSec: math.Max(0, span-r.busySec), Requests: per[i], Steps: r.steps0, OutputTokens: r.doneTokens}
		if r.busySec > 0 {
			u.MeanBatch = r.seqSeconds / r.busySec
			u.CacheMean = r.kvIntegral / r.busySec / held
		}
		o.Replicas = append(o.Replicas, u)
		cum = cum.plus(acc.cum)
		work += chips * r.busySec
		prompts += chips * acc.prefillSec
		o.Events += r.events
		o.Steps += r.steps0
		if r.prompts {
			o.Prefill.add(r, span)
		} else {
			busy += r.busySec
			cache += r.kvIntegral
			seqs += r.seqSeconds
			o.CachePeak = math.Max(o.CachePeak, float64(r.peak)/blocks)
		}
		if r.prefix != nil && (f.pools == nil || r.prompts) { // replicas that decode look caches up, not prompts
			o.PromptAsked += r.prefix.asked
			if o.PrefixTokens == nil {
				o.PrefixTokens = make([]int64, len(r.prefix.hits))
			}
			for t, n := range r.prefix.hits {
				o.PrefixTokens[t] += n
			}
		}
	}
	there := span * float64(f.c.Replicas) // replica-seconds
	if o.Scaling != nil {
		there = o.Scaling.ReplicaSeconds
	}
	if there > 0 {
		o.Utilisation = busy / there
	}
	if work > 0 {
		o.PrefillShare = prompts / work
	}
	if busy > 0 {
		o.MeanBatch, o.CacheMean = seqs/busy, cache/busy/blocks
	}
	if h := f.accounts[0].gaps.h; h != nil {
		o.ITL = countedDistribution(h)
	}
	if f.c.Adapters.Count > 0 {
		o.Adapters = f.adapterUse()
	}
	for k, g := range f.accounts[0].kinds {
		o.Classes[k].ITL = countedDistribution(g.h)
	}
	o.BusyBy = resourceShares(cum, 0, 0, 0)
}

// scaled counts busy time over the time that workers were there.
func (u *PoolUse) scaled(s *Scaling) {
	if u.Scaling = s; s != nil && s.ReplicaSeconds > 0 {
		u.Utilisation = u.BusySec / s.ReplicaSeconds
	}
}

// add counts what a worker did in a span.
func (u *PoolUse) add(r *replica, span float64) {
	u.Workers++
	u.BusySec += r.busySec
	if there := span * float64(u.Workers); there > 0 {
		u.Utilisation = u.BusySec / there
		blocks := float64(max(r.blocks, 1))
		u.CacheMean += ((r.kvIntegral+r.keptSec)/blocks/span - u.CacheMean) / float64(u.Workers)
		u.CachePeak = math.Max(u.CachePeak, float64(r.peak)/blocks)
	}
}
