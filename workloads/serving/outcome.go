package serving

import (
	"math"
	"slices"

	"aisim/internal/result"
	"aisim/sim"
)

// Outcome is what happened to a load. Times are in seconds as a client sees
// them: from the arrival at the service to the answer, network included.
type Outcome struct {
	Requests  int // offered
	Completed int
	Lost      int // refused because they can never fit, or never served
	Retried   int // sent again after an outage
	Preempted int // preemptions by recompute
	Attained  int // completed within the SLO

	PromptTokens, OutputTokens int64   // of completed requests
	StartSec, EndSec           float64 // first arrival, last answer

	TTFT, TPOT, E2E, Queue      Distribution
	TTFTHist, TPOTHist, E2EHist *sim.Histogram

	OfferedPerSec    float64 // requests per second offered
	RequestsPerSec   float64 // completed, between first arrival and last answer
	OutputPerSec     float64 // tokens
	GoodPerSec       float64 // requests within the SLO
	GoodOutputPerSec float64 // tokens of requests within the SLO
	Attainment       float64 // share of offered requests within the SLO; lost ones are not

	Utilisation float64 // busy share of the replicas' time
	MeanBatch   float64 // sequences per step, weighted by time
	CacheMean   float64 // share of the key-value cache in use, over busy time
	CachePeak   float64
	Memory      Memory
	Replicas    []ReplicaUse

	TTFTParts []result.PartsAt  // at p50, p95 and p99
	E2EParts  []result.StepPart // means over all completed requests
	TTFTBy    []ResourceShare   // of the mean time to first token
	LatencyBy []ResourceShare   // of the mean time of a whole request
	BusyBy    []ResourceShare   // of busy seconds
	Hours     []result.HourPoint

	Events int64 // processed by the simulator
	Steps  int64 // engine steps that they stand for
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
	sorted                                            []float64
}

// Quantile returns the p-quantile, 0 ≤ p ≤ 1, with straight lines between order
// statistics; NaN when there are no values.
func (d *Distribution) Quantile(p float64) float64 { return quantile(d.sorted, p) }

func quantile(v []float64, p float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	x := min(max(p, 0), 1) * float64(len(v)-1)
	i := int(x)
	if i+1 >= len(v) {
		return v[len(v)-1]
	}
	return v[i] + (x-float64(i))*(v[i+1]-v[i])
}

// newDistribution sorts v, which it keeps.
func newDistribution(v []float64) Distribution {
	d := Distribution{Count: len(v), sorted: v}
	if len(v) == 0 {
		return d
	}
	slices.Sort(v)
	var sum, square float64
	for _, x := range v {
		sum += x
	}
	d.Mean = sum / float64(len(v))
	for _, x := range v {
		square += (x - d.Mean) * (x - d.Mean)
	}
	d.SD = math.Sqrt(square / float64(len(v)))
	d.Min, d.Max = v[0], v[len(v)-1]
	d.P10, d.P50, d.P90 = d.Quantile(.10), d.Quantile(.50), d.Quantile(.90)
	d.P95, d.P99, d.P999 = d.Quantile(.95), d.Quantile(.99), d.Quantile(.999)
	return d
}

// latencies are the times of one completed request.
type latencies struct{ network, queue, prefill, fixed, ttft, tpot, e2e float64 }

func (f *fleet) latencies(i int, fixed, back float64) latencies {
	rec := &f.rec[i]
	l := latencies{network: rec.ready - rec.arrive + back, queue: rec.sched - rec.ready, prefill: rec.first - rec.sched, fixed: fixed + f.unseen(rec.replica)}
	l.ttft = l.network + l.queue + l.prefill + l.fixed
	l.e2e = l.ttft + rec.finish - rec.first
	l.tpot = math.NaN()
	if n := f.reqs[i].Output; n > 1 {
		l.tpot = (rec.finish - rec.first) / float64(n-1)
	}
	return l
}

// cadenceBatch is the mean batch from which the cadence of an engine shows whole: beside
// few sequences schedulers look at their queue more often.
const cadenceBatch = 16

// unseen is how long a request waits in the mean before a busy scheduler looks at its
// queue, for engines that do so every few steps in the recipes of mixtures (SGLang's
// scheduler-recv-interval of 10 to 30). It is added to the answer and not played: the
// steps go on meanwhile.
func (f *fleet) unseen(replica int32) float64 {
	cadence := f.c.Engine.Cadence.Value
	if cadence == 0 || replica < 0 || f.c.Arch.Experts == 0 {
		return 0
	}
	r := &f.reps[replica]
	if r.steps0 == 0 || r.cum.sec <= 0 {
		return 0
	}
	batch := r.seqSeconds / r.cum.sec
	return cadence * r.cum.sec / float64(r.steps0) * min(1, batch/cadenceBatch)
}

// Attainment runs requests and returns only the share of them within the SLO: what a
// search for a capacity asks for, at a fraction of the cost of an Outcome.
func (p *Prepared) Attainment(reqs []Request, opt Options) (float64, error) {
	f, err := p.run(reqs, opt)
	if err != nil {
		return 0, err
	}
	fixed, back := p.ends()
	good := 0
	for i := range f.rec {
		if rec := &f.rec[i]; !rec.lost && rec.finish != 0 {
			l := f.latencies(i, fixed, back)
			if p.within(&l, f.reqs[i].Output) {
				good++
			}
		}
	}
	return float64(good) / float64(len(f.reqs)), nil
}

// ends is the time of a request outside the engine: its fixed part, and the way back.
func (p *Prepared) ends() (fixed, back float64) {
	if p.Model != nil {
		fixed = p.Model.RequestSec
	}
	n := &p.Config.Network
	back = n.LatencySec
	if n.BytesPerSec > 0 {
		back += p.Config.Batcher.AnswerBytes / n.BytesPerSec
	}
	return fixed, back
}

// within says whether a request's latencies keep the SLO.
func (p *Prepared) within(l *latencies, output int32) bool {
	s := &p.Config.SLO
	good := s.TTFTSec == 0 || l.ttft <= s.TTFTSec
	if output > 1 && p.batch == nil {
		good = good && (s.TPOTSec == 0 || l.tpot <= s.TPOTSec)
	}
	return good
}

func (p *Prepared) outcome(f *fleet) *Outcome {
	o := &Outcome{Requests: len(f.reqs), Retried: f.retries, Memory: p.Memory,
		TTFTHist: sim.NewHistogram(), TPOTHist: sim.NewHistogram(), E2EHist: sim.NewHistogram()}
	fixed, back := p.ends()
	n := len(f.reqs)
	ttft, tpot, e2e, queue := make([]float64, 0, n), make([]float64, 0, n), make([]float64, 0, n), make([]float64, 0, n)
	o.StartSec, o.EndSec = math.Inf(1), 0
	var hours hourly
	var sum phases
	var goodTokens int64
	lastArrival := 0.0
	for i := range f.rec {
		rec, q := &f.rec[i], &f.reqs[i]
		o.StartSec = math.Min(o.StartSec, rec.arrive)
		lastArrival = math.Max(lastArrival, rec.arrive)
		if rec.lost || rec.finish == 0 {
			o.Lost++
			hours.add(rec.arrive, false)
			continue
		}
		l := f.latencies(i, fixed, back)
		o.Completed++
		o.Preempted += int(rec.preempted)
		o.PromptTokens += int64(q.Prompt)
		o.OutputTokens += int64(q.Output)
		o.EndSec = math.Max(o.EndSec, rec.arrive+l.e2e)
		ttft = append(ttft, l.ttft)
		e2e = append(e2e, l.e2e)
		queue = append(queue, l.queue)
		if q.Output > 1 && p.batch == nil {
			tpot = append(tpot, l.tpot)
		}
		good := p.within(&l, q.Output)
		if good {
			o.Attained++
			goodTokens += int64(q.Output)
		}
		hours.add(rec.arrive, good)
		sum.add(rec, &l)
	}
	o.Hours = hours.points(lastArrival)
	for _, h := range []struct {
		to *sim.Histogram
		v  []float64
	}{{o.TTFTHist, ttft}, {o.TPOTHist, tpot}, {o.E2EHist, e2e}} {
		for _, x := range h.v {
			h.to.Record(x)
		}
	}
	o.TTFT, o.TPOT, o.E2E, o.Queue = newDistribution(ttft), newDistribution(tpot), newDistribution(e2e), newDistribution(queue)
	if math.IsInf(o.StartSec, 1) {
		o.StartSec = 0
	}
	o.EndSec = math.Max(o.EndSec, lastArrival)
	if span := o.EndSec - o.StartSec; span > 0 {
		o.RequestsPerSec = float64(o.Completed) / span
		o.OutputPerSec = float64(o.OutputTokens) / span
		o.GoodPerSec = float64(o.Attained) / span
		o.GoodOutputPerSec = float64(goodTokens) / span
	}
	if span := lastArrival - o.StartSec; span > 0 {
		o.OfferedPerSec = float64(o.Requests-1) / span
	}
	o.Attainment = float64(o.Attained) / float64(o.Requests)
	f.use(o)
	if o.Completed > 0 {
		sum.shares(o)
		f.partsAt(o, fixed, back)
	}
	return o
}

// use sums what the replicas did.
func (f *fleet) use(o *Outcome) {
	span := o.EndSec - o.StartSec
	var cum split
	var cache, seqs, busy float64
	blocks := float64(max(o.Memory.Blocks, 1))
	per := make([]int, len(f.reps))
	for i := range f.rec {
		if k := f.rec[i].replica; k >= 0 && f.rec[i].finish > 0 {
			per[k]++
		}
	}
	for i := range f.reps {
		r := &f.reps[i]
		u := ReplicaUse{BusySec: r.cum.sec, IdleSec: math.Max(0, span-r.cum.sec), Requests: per[i], Steps: r.steps0, OutputTokens: r.doneTokens}
		if r.cum.sec > 0 {
			u.MeanBatch = r.seqSeconds / r.cum.sec
			u.CacheMean = r.kvIntegral / r.cum.sec / blocks
		}
		o.Replicas = append(o.Replicas, u)
		cum = cum.plus(r.cum)
		busy += r.cum.sec
		cache += r.kvIntegral
		seqs += r.seqSeconds
		o.CachePeak = math.Max(o.CachePeak, float64(r.peak)/blocks)
		o.Events += r.events
		o.Steps += r.steps0
	}
	if span > 0 {
		o.Utilisation = busy / (span * float64(len(f.reps)))
	}
	if busy > 0 {
		o.MeanBatch, o.CacheMean = seqs/busy, cache/busy/blocks
	}
	o.BusyBy = resourceShares(cum, 0, 0, 0)
}

// hourly counts arrivals by hour.
type hourly struct{ all, good []int }

// maxHours bounds the table of hours: a century.
const maxHours = 24 * 366 * 100

func (h *hourly) add(at float64, good bool) {
	k := int(math.Min(at/3600, maxHours))
	for len(h.all) <= k {
		h.all = append(h.all, 0)
		h.good = append(h.good, 0)
	}
	h.all[k]++
	if good {
		h.good[k]++
	}
}

// points gives the rate of each hour; the last is as long as there were arrivals.
func (h *hourly) points(lastArrival float64) []result.HourPoint {
	out := make([]result.HourPoint, 0, len(h.all))
	for i, n := range h.all {
		long := min(3600, lastArrival-3600*float64(i))
		if long <= 0 {
			long = 3600
		}
		p := result.HourPoint{Hour: i, RequestsPerSec: float64(n) / long, Attainment: 1}
		if n > 0 {
			p.Attainment = float64(h.good[i]) / float64(n)
		}
		out = append(out, p)
	}
	return out
}
