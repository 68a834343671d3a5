package serving

import (
	"fmt"
	"math"
)

// Disaggregated is a service whose prompts and outputs are computed by different
// pools. A prompt waits for a prefill worker, its cache moves to the decode worker
// with the fewest sequences, and the rest of the output is made there.
type Disaggregated struct {
	Prefill, Decode               *Prepared
	PrefillWorkers, DecodeWorkers int
	// CacheBytesPerSec is the rate at which one prompt's cache moves between the
	// pools; 0: no time.
	CacheBytesPerSec float64
	// LinkBytesPerSec is the rate of a prefill worker's own link to the decode pool: its
	// caches leave one after the other, and decoding begins when one has arrived. 0: no link.
	LinkBytesPerSec float64
}

// Pools is what came of a load.
type Pools struct {
	TTFT, TPOT, E2E Distribution
	EndSec          float64
	OutputTokens    int64
	// PrefillBusy and DecodeBusy are busy shares of the workers' time.
	PrefillBusy, DecodeBusy float64
}

// pooled is one request on its way.
type pooled struct {
	start, first, move, finish float64
}

// prefiller is a worker of the prefill pool.
type prefiller struct {
	until float64
	batch []int32
	busy  float64
	link  float64 // its link is taken until then
}

// arriving is a cache on its way to the decode pool.
type arriving struct {
	at  float64
	req int32
}

// decoder is a worker of the decode pool. Sequences leave at a count of steps, so
// that a heap orders them; ends steps on.
type decoder struct {
	until   float64 // end of the current step, +Inf: idle
	heap    []finishing
	waiting []int32
	kv      float64
	step    int64
	tokens  int // that its sequences will have cached when they are done
	busy    float64
}

// Replay serves requests as they arrive.
func (d *Disaggregated) Replay(reqs []Request) (*Pools, error) {
	last := math.Inf(-1)
	for i := range reqs {
		if err := checkRequest(&reqs[i], i, last, false); err != nil {
			return nil, err
		}
		last = reqs[i].ArriveSec
	}
	return d.simulate(reqs, 0)
}

// Simulate keeps concurrency requests in flight over the whole service until all
// are served.
func (d *Disaggregated) Simulate(reqs []Request, concurrency int) (*Pools, error) {
	if concurrency < 1 {
		return nil, fmt.Errorf("serving: concurrency %d: expected at least 1", concurrency)
	}
	return d.simulate(reqs, concurrency)
}

func (d *Disaggregated) simulate(reqs []Request, concurrency int) (*Pools, error) {
	switch {
	case d.Prefill == nil || d.Decode == nil || d.Prefill.Model == nil || d.Decode.Model == nil:
		return nil, fmt.Errorf("serving: a disaggregated service needs a model of both pools")
	case d.Prefill.Config.Speculation.Tokens > 0 || d.Decode.Config.Speculation.Tokens > 0:
		return nil, fmt.Errorf("serving: speculative decoding in separate pools is not modelled: leave it out, or serve from one pool")
	case d.PrefillWorkers < 1 || d.DecodeWorkers < 1:
		return nil, fmt.Errorf("serving: %d prefill and %d decode workers: expected at least one of each", d.PrefillWorkers, d.DecodeWorkers)
	case !(d.CacheBytesPerSec >= 0) || !(d.LinkBytesPerSec >= 0):
		return nil, fmt.Errorf("serving: cache transfer at %v B/s over links of %v B/s: must not be negative", d.CacheBytesPerSec, d.LinkBytesPerSec)
	}
	if len(reqs) == 0 {
		return nil, fmt.Errorf("serving: no requests")
	}
	for i := range reqs {
		if err := checkRequest(&reqs[i], i, 0, true); err != nil {
			return nil, err
		}
		if n := int(reqs[i].Prompt + reqs[i].Output); n > d.Decode.Memory.Tokens {
			return nil, fmt.Errorf("serving: request %d of %d tokens exceeds the cache of %d tokens of a decode worker", i, n, d.Decode.Memory.Tokens)
		}
	}
	r := poolRun{d: d, reqs: reqs, at: make([]pooled, len(reqs)), pre: make([]prefiller, d.PrefillWorkers), dec: make([]decoder, d.DecodeWorkers)}
	for i := range r.pre {
		r.pre[i].until = math.Inf(1)
	}
	for i := range r.dec {
		r.dec[i].until = math.Inf(1)
	}
	r.open = concurrency == 0
	r.run(concurrency)
	return r.outcome(), nil
}

type poolRun struct {
	d    *Disaggregated
	reqs []Request
	at   []pooled
	pre  []prefiller
	dec  []decoder
	wait []int32 // for a prefill worker
	next int
	now  float64
	open bool       // requests come at their own times
	way  []arriving // caches on their way, of a few workers
}

func (r *poolRun) send() {
	if r.open {
		return
	}
	r.admit()
}

func (r *poolRun) admit() {
	if r.next < len(r.reqs) {
		r.at[r.next].start = r.now
		r.wait = append(r.wait, int32(r.next))
		r.next++
	}
}

func (r *poolRun) run(concurrency int) {
	for range concurrency {
		r.send()
	}
	for {
		for i := range r.pre {
			r.startPrefill(&r.pre[i])
		}
		best, at, decode := -1, math.Inf(1), false
		for i := range r.pre {
			if r.pre[i].until < at {
				best, at = i, r.pre[i].until
			}
		}
		for i := range r.dec {
			if r.dec[i].until < at {
				best, at, decode = i, r.dec[i].until, true
			}
		}
		first := -1 // of the caches on their way
		for i := range r.way {
			if r.way[i].at < at {
				first, at = i, r.way[i].at
			}
		}
		if r.open && r.next < len(r.reqs) && r.reqs[r.next].ArriveSec <= at {
			r.now = r.reqs[r.next].ArriveSec
			r.admit()
			continue
		}
		if first >= 0 {
			r.now = at
			i := r.way[first].req
			r.way[first] = r.way[len(r.way)-1]
			r.way = r.way[:len(r.way)-1]
			r.decode(i)
			continue
		}
		if best < 0 {
			return
		}
		r.now = at
		if decode {
			r.endSteps(&r.dec[best])
		} else {
			r.endPrefill(&r.pre[best])
		}
	}
}

// startPrefill gives an idle worker as many whole prompts as its token budget holds,
// at least one.
func (r *poolRun) startPrefill(p *prefiller) {
	if !math.IsInf(p.until, 1) || len(r.wait) == 0 {
		return
	}
	m, budget := r.d.Prefill.Model, r.d.Prefill.Config.TokenBudget
	tokens, pairs, n := 0, 0.0, 0
	for n < len(r.wait) && n < r.d.Prefill.Config.MaxBatch {
		q := int(r.reqs[r.wait[n]].Prompt)
		if n > 0 && tokens+q > budget {
			break
		}
		tokens += q
		pairs += float64(q) * float64(q) / 2
		n++
	}
	p.batch = append(p.batch[:0], r.wait[:n]...)
	r.wait = r.wait[n:]
	sec := 0.0
	for left := tokens; left > 0; {
		chunk := min(left, len(m.linear)-1)
		sec += m.step(chunk, pairs*float64(chunk)/float64(tokens), 0, 0, min(n, len(m.head)-1), n)
		left -= chunk
	}
	// One prompt cannot be spread over attention groups: the others wait for it.
	if groups := r.d.Prefill.Config.AttentionDP; groups > n {
		sec *= 1 + r.groupShare(m, tokens)*(float64(groups)/float64(n)-1)
	}
	p.busy += sec
	p.until = r.now + sec
}

// groupShare is the part of a prefill step that an attention group does alone.
func (r *poolRun) groupShare(m *StepModel, tokens int) float64 {
	whole := m.linear[min(tokens, len(m.linear)-1)].sec
	if whole <= 0 {
		return 0
	}
	return min(1, m.groupSec(tokens)/whole)
}

func (r *poolRun) endPrefill(p *prefiller) {
	p.until = math.Inf(1)
	for _, i := range p.batch {
		a := &r.at[i]
		a.first = r.now
		if r.reqs[i].Output == 1 {
			a.finish = r.now
			r.send()
			continue
		}
		if rate := r.d.LinkBytesPerSec; rate > 0 {
			p.link = math.Max(p.link, r.now) + float64(r.reqs[i].Prompt)*r.cacheBytes()/rate
			r.way = append(r.way, arriving{p.link, i})
			continue
		}
		r.decode(i)
	}
}

// cacheBytes is what one token of a prompt takes on the way.
func (r *poolRun) cacheBytes() float64 {
	return r.d.Decode.Config.Arch.KVBytesPerToken(r.d.Decode.Config.KVPrecision)
}

// decode hands a request whose prompt is computed to the decode worker with the fewest.
func (r *poolRun) decode(i int32) {
	best := 0
	for k := range r.dec {
		if len(r.dec[k].heap)+len(r.dec[k].waiting) < len(r.dec[best].heap)+len(r.dec[best].waiting) {
			best = k
		}
	}
	if rate := r.d.CacheBytesPerSec; rate > 0 {
		r.at[i].move = float64(r.reqs[i].Prompt) * r.cacheBytes() / rate
	}
	d := &r.dec[best]
	d.waiting = append(d.waiting, i)
	if math.IsInf(d.until, 1) {
		r.startSteps(d)
	}
}

// startSteps admits what fits and runs until the first sequence ends; arrivals join
// at the end of a step.
func (r *poolRun) startSteps(d *decoder) {
	m := r.d.Decode.Model
	for len(d.waiting) > 0 && len(d.heap) < r.d.Decode.Config.MaxBatch {
		q := &r.reqs[d.waiting[0]]
		if need := int(q.Prompt + q.Output); d.tokens+need > r.d.Decode.Memory.Tokens {
			break
		} else {
			d.tokens += need
		}
		d.push(finishing{step: d.step + int64(q.Output) - 1, slot: d.waiting[0]})
		d.kv += float64(q.Prompt)
		d.waiting = d.waiting[1:]
	}
	if len(d.heap) == 0 {
		d.until = math.Inf(1)
		return
	}
	b := len(d.heap)
	sec := m.step(0, 0, b, d.kv+float64(b), b, 0)
	d.busy += sec
	d.until = r.now + sec
}

func (r *poolRun) endSteps(d *decoder) {
	d.step++
	d.kv += float64(len(d.heap))
	for len(d.heap) > 0 && d.heap[0].step <= d.step {
		i := d.pop()
		q := &r.reqs[i]
		d.kv -= float64(q.Prompt + q.Output - 1)
		d.tokens -= int(q.Prompt + q.Output)
		r.at[i].finish = r.now + r.at[i].move
		r.send()
	}
	r.startSteps(d)
}

func (d *decoder) push(f finishing) {
	h := append(d.heap, f)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up].step <= h[i].step {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	d.heap = h
}

func (d *decoder) pop() int32 {
	h := d.heap
	top := h[0].slot
	h[0] = h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; ; {
		k := 2*i + 1
		if k >= len(h) {
			break
		}
		if k+1 < len(h) && h[k+1].step < h[k].step {
			k++
		}
		if h[i].step <= h[k].step {
			break
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
	d.heap = h
	return top
}

func (r *poolRun) outcome() *Pools {
	o := &Pools{}
	fixed := r.d.Prefill.Model.RequestSec
	var ttft, tpot, e2e []float64
	for i := range r.at {
		a, n := &r.at[i], r.reqs[i].Output
		ttft = append(ttft, a.first-a.start+fixed)
		e2e = append(e2e, a.finish-a.start+fixed)
		if n > 1 {
			tpot = append(tpot, (a.finish-a.first)/float64(n-1))
		}
		o.OutputTokens += int64(n)
		o.EndSec = math.Max(o.EndSec, a.finish)
	}
	o.TTFT, o.TPOT, o.E2E = newDistribution(ttft), newDistribution(tpot), newDistribution(e2e)
	if o.EndSec > 0 {
		for i := range r.pre {
			o.PrefillBusy += r.pre[i].busy / o.EndSec / float64(len(r.pre))
		}
		for i := range r.dec {
			o.DecodeBusy += r.dec[i].busy / o.EndSec / float64(len(r.dec))
		}
	}
	return o
}
