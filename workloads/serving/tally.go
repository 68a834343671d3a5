package serving

import (
	"math"
	"sync"

	"aisim/internal/result"
	"aisim/sim"
)

// exactRequests is how many requests keep their latencies, so that percentiles are
// order statistics; beyond it they come from histograms.
const exactRequests = 2 << 20

// tally counts what became of requests, chunk by chunk in order of arrival.
type tally struct {
	p           *Prepared
	fixed, back float64
	held        int32 // tokens that hold the first one back
	late        bool  // latencies depend on the end of the run
	goodOnly    bool  // count attainment and nothing else
	digested    bool
	workers     int
	reps        []replica // for late latencies

	scaling, promptScaling                                  *Scaling // of the replicas, and of workers that compute prompts
	shed, timedOut                                          int
	seen, unsent                                            int
	requests, completed, lost, preempted, attained, retried int
	promptTokens, outputTokens, goodTokens                  int64
	start, end, lastArrival                                 float64
	digest                                                  uint64
	stays                                                   float64 // requests' times at the replicas, under the invariants tag
	ttft, tpot, e2e, queue                                  latency
	hours                                                   hourly
	sum                                                     phases
	byTTFT                                                  []phases
	per                                                     []int    // completed, by replica
	kept                                                    []record // all of them, if not nil
	classes                                                 []classTally
}

// latency gathers one latency: all values up to a number of them, then a histogram.
type latency struct {
	full [][]float64 // runs of sortedRun
	v    []float64   // the last run
	// Sums of what values are above the first, and of its squares, in order of arrival.
	first, sum, square float64
	h                  *sim.Histogram
	ahead              bool // another core counts: runs are sorted as they come, so that little is left for the end
}

// sortedRun is how many values lie side by side.
const sortedRun = 1 << 14

func (l *latency) add(x float64) {
	if l.h != nil {
		l.h.Record(x)
		return
	}
	if len(l.v) == sortedRun {
		if l.ahead {
			sortSeconds(l.v)
		}
		l.full, l.v = append(l.full, l.v), make([]float64, 0, sortedRun)
		if len(l.full) == exactRequests/sortedRun {
			l.h = sim.NewHistogram()
			for _, run := range l.full {
				for _, y := range run {
					l.h.Record(y)
				}
			}
			l.full, l.v = nil, nil
			l.h.Record(x)
			return
		}
	} else if l.v == nil {
		l.first = x
	}
	l.v = append(l.v, x)
	l.sum += x - l.first
	l.square += (x - l.first) * (x - l.first)
}

func (l *latency) distribution() Distribution {
	if l.h != nil {
		return countedDistribution(l.h)
	}
	if len(l.v) == 0 { // a run begins with a value: there is none
		return Distribution{}
	}
	sortSeconds(l.v)
	if !l.ahead {
		for _, run := range l.full {
			sortSeconds(run)
		}
	}
	n := float64(len(l.full)*sortedRun + len(l.v))
	mean := l.sum / n
	return runsDistribution(append(l.full, l.v), l.first+mean, math.Sqrt(math.Max(0, l.square/n-mean*mean)))
}

func (p *Prepared) newTally(opt *Options) *tally {
	t := &tally{p: p, digested: opt.Digest, digest: fnvStart, workers: opt.Workers, start: math.Inf(1), per: make([]int, p.replicas())}
	for _, l := range []*latency{&t.ttft, &t.tpot, &t.e2e, &t.queue} {
		l.ahead = opt.Workers > 1
	}
	t.classes = make([]classTally, len(p.Config.Classes))
	t.late = p.Config.Engine.Cadence.Value > 0 && p.Config.Arch.Experts > 0 && !(p.Prefill != nil && p.Config.Handover.Early)
	if p.Model != nil {
		t.fixed = p.Model.RequestSec
		if n := p.Config.StreamInterval; n > 1 && p.Config.Engine.HoldsFirst { // what recipes of mixtures do is in the cadence
			t.held = int32(n - 1)
		}
	}
	n := &p.Config.Network
	t.back = n.LatencySec
	if n.BytesPerSec > 0 {
		t.back += p.Config.Batcher.AnswerBytes / n.BytesPerSec
	}
	return t
}

// latencies are the times of one completed request.
type latencies struct{ network, queue, prefill, fixed, shown, held, ttft, tpot, e2e float64 }

func (t *tally) latencies(rec *record, output int32) latencies {
	l := latencies{network: rec.ready - rec.arrive + t.back, queue: rec.sched - rec.ready, prefill: rec.first - rec.sched, fixed: t.fixed, shown: float64(rec.shownSec)}
	if t.late {
		l.fixed += t.unseen(rec.replica)
	}
	if k := min(t.held, output-1); k > 0 { // the first token leaves with k more
		l.held = (rec.finish - rec.first - l.shown) * float64(k) / float64(output-1)
	}
	l.ttft = l.network + l.queue + l.prefill + l.fixed
	l.e2e = l.ttft + rec.finish - rec.first
	l.ttft += l.shown + l.held
	l.tpot = math.NaN()
	if output > 1 {
		l.tpot = (rec.finish - rec.first - l.shown - l.held) / float64(output-1)
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
func (t *tally) unseen(replica int32) float64 {
	if replica < 0 {
		return 0
	}
	r := &t.reps[replica]
	if r.steps0 == 0 || r.busySec <= 0 {
		return 0
	}
	batch := r.seqSeconds / r.busySec
	return t.p.Config.Engine.Cadence.Value * r.busySec / float64(r.steps0) * min(1, batch/cadenceBatch)
}

// within says whether a request's latencies keep the SLO.
func (p *Prepared) within(l *latencies, output int32, class int) bool {
	s := p.Config.slo(class)
	good := s.TTFTSec == 0 || l.ttft <= s.TTFTSec
	if output > 1 && p.batch == nil {
		good = good && (s.TPOTSec == 0 || l.tpot <= s.TPOTSec)
	}
	return good
}

// FNV-1a over words of 64 bits.
const (
	fnvStart = 0xcbf29ce484222325
	fnvPrime = 0x100000001b3
)

// chunk counts the requests of a chunk.
func (t *tally) chunk(c *chunk) {
	number := t.seen
	t.seen += len(c.rec)
	if t.kept != nil {
		t.kept = append(t.kept, c.rec...)
		for i, end := range c.ends {
			t.kept[number+i].finish = end
		}
	}
	for i := range c.rec {
		rec, q := &c.rec[i], &c.reqs[i]
		rec.finish = c.ends[i]
		if rec.unsent {
			t.unsent++
			continue
		}
		t.requests++
		ended := !rec.lost && rec.finish != 0
		class := 0
		if len(t.classes) > 0 {
			class = classOf(t.p.Config.Classes, number+i)
			t.classes[class].requests++
		}
		if t.goodOnly {
			if ended {
				l := t.latencies(rec, q.Output)
				if t.p.within(&l, q.Output, class) {
					t.attained++
				}
			}
			continue
		}
		if t.digested {
			for _, w := range [...]uint64{uint64(rec.replica), math.Float64bits(rec.first + float64(rec.shownSec)), math.Float64bits(rec.finish)} {
				t.digest = (t.digest ^ w) * fnvPrime
			}
		}
		t.start = math.Min(t.start, rec.arrive)
		t.lastArrival = math.Max(t.lastArrival, rec.arrive)
		t.retried += int(rec.retried)
		if !ended {
			t.lost++
			switch {
			case rec.shed:
				t.shed++
			case rec.timedOut:
				t.timedOut++
			}
			t.hours.add(rec.arrive, false)
			continue
		}
		t.ended(rec, &c.bills[i], &c.totals[i], q, class)
	}
}

// ended counts a request that was answered.
func (t *tally) ended(rec *record, b *bill, end *split, q *Request, class int) {
	l := t.latencies(rec, q.Output)
	t.completed++
	if checked {
		t.stays += rec.finish - rec.ready
	}
	t.per[rec.replica]++
	t.preempted += int(rec.preempted)
	t.promptTokens += int64(q.Prompt)
	t.outputTokens += int64(q.Output)
	t.end = math.Max(t.end, rec.arrive+l.e2e)
	t.ttft.add(l.ttft)
	t.e2e.add(l.e2e)
	t.queue.add(l.queue)
	if q.Output > 1 && t.p.batch == nil {
		t.tpot.add(l.tpot)
	}
	good := t.p.within(&l, q.Output, class)
	if len(t.classes) > 0 {
		t.classes[class].ended(&l, good)
	}
	if good {
		t.attained++
		t.goodTokens += int64(q.Output)
	}
	t.hours.add(rec.arrive, good)
	if t.byTTFT == nil {
		t.byTTFT = make([]phases, ttftCells)
	}
	t.sum.add(rec, b, end, &l)
	t.byTTFT[ttftCell(l.ttft)].add(rec, b, end, &l)
}

// Cells of the time to first token, 1.1 % wide, from a microsecond to ten days.
const (
	cellsPerOctave = 64
	firstOctave    = -20
	ttftOctaves    = 40
	ttftCells      = ttftOctaves * cellsPerOctave
)

// ttftCell reads the octave and the 64th of it that sec lies in from its bits.
func ttftCell(sec float64) int {
	const mantissaBits, bias = 52, 1023
	k := int(math.Float64bits(max(sec, 0))>>(mantissaBits-6)) - (bias+firstOctave)*cellsPerOctave
	return min(max(k, 0), ttftCells-1)
}

func (t *tally) outcome(f *fleet) *Outcome {
	o := &Outcome{Requests: t.requests, Unsent: t.unsent, Completed: t.completed, Lost: t.lost, TooLong: f.tooLong, MaxTokens: f.maxLen, Longest: int(f.longest), Shed: t.shed, TimedOut: t.timedOut, Retried: t.retried, Preempted: t.preempted, Attained: t.attained,
		Scaling: t.scaling, PromptTokens: t.promptTokens, OutputTokens: t.outputTokens, StartSec: t.start, EndSec: math.Max(t.end, t.lastArrival), Memory: t.p.Memory}
	if t.digested {
		o.Digest = t.digest
	}
	o.Classes = t.classOutcomes()
	o.Hours = t.hours.points(t.lastArrival)
	jobs := [...]struct {
		to *Distribution
		l  *latency
	}{{&o.TTFT, &t.ttft}, {&o.TPOT, &t.tpot}, {&o.E2E, &t.e2e}, {&o.Queue, &t.queue}}
	if t.workers > 1 && t.completed > chunkSize {
		var wg sync.WaitGroup
		for w := range min(t.workers, len(jobs)) {
			wg.Go(func() {
				for k := w; k < len(jobs); k += t.workers {
					*jobs[k].to = jobs[k].l.distribution()
				}
			})
		}
		wg.Wait()
	} else {
		for _, j := range jobs {
			*j.to = j.l.distribution()
		}
	}
	if math.IsInf(o.StartSec, 1) {
		o.StartSec = 0
	}
	if span := o.EndSec - o.StartSec; span > 0 {
		o.RequestsPerSec = float64(o.Completed) / span
		o.OutputPerSec = float64(o.OutputTokens) / span
		o.GoodPerSec = float64(o.Attained) / span
		o.GoodOutputPerSec = float64(t.goodTokens) / span
	}
	if span := t.lastArrival - o.StartSec; span > 0 {
		o.OfferedPerSec = float64(o.Requests-1) / span
	}
	o.Attainment = float64(o.Attained) / float64(o.Requests)
	f.use(o, t.per)
	if o.Prefill != nil {
		o.Prefill.scaled(t.promptScaling)
	}
	if o.Completed > 0 {
		t.sum.shares(o)
		if o.Adapters != nil {
			o.Adapters.WaitSec = t.sum.adapters / float64(t.sum.n)
		}
		o.TTFTParts = t.partsAt(&o.TTFT)
	}
	return o
}

// partsAt makes the parts of the time to first token at percentiles: means over the
// requests in the cells within half a percentile of it, so that the parts add up.
func (t *tally) partsAt(d *Distribution) (out []result.PartsAt) {
	for _, level := range [...]struct {
		name string
		p    float64
	}{{"p50", .50}, {"p95", .95}, {"p99", .99}} {
		var sum phases
		for k := ttftCell(d.Quantile(level.p - .005)); k <= ttftCell(d.Quantile(level.p+.005)); k++ {
			sum.merge(&t.byTTFT[k])
		}
		if sum.n > 0 {
			out = append(out, result.PartsAt{Percentile: level.name, Parts: sum.firstToken()})
		}
	}
	return out
}

// Attainment runs requests and returns only the share of them within the SLO: what a
// search for a capacity asks for, at a fraction of the cost of an Outcome.
func (p *Prepared) Attainment(reqs []Request, opt Options) (float64, error) {
	t := p.newTally(&opt)
	t.goodOnly = true
	if _, err := p.run(&recorded{reqs}, opt, t); err != nil {
		return 0, err
	}
	return float64(t.attained) / float64(t.requests), nil
}
