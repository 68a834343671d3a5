package serving

import (
	"fmt"
	"math"

	"aisim/hardware"
)

// batchModel is the dynamic batching of a model known by totals per sample.
type batchModel struct {
	max    int
	window float64
	host   float64
	sample []split // by samples in the batch
	memory Memory
}

// defaultBatch is used when no batch limit is given: the largest preferred
// batch of common model repositories for vision.
const defaultBatch = 8

func newBatchModel(c Config, m Machine) (*batchModel, error) {
	if m.Device == nil {
		return nil, fmt.Errorf("serving: no device given")
	}
	mem, err := PlanMemory(c, m)
	if err != nil {
		return nil, err
	}
	c = c.withDefaults()
	dt, err := computeType(m.Device, c.Precision)
	if err != nil {
		return nil, err
	}
	b := &batchModel{max: c.Batcher.Max, window: c.Batcher.WindowSec, memory: mem}
	if b.max == 0 {
		b.max = defaultBatch
	}
	if b.max > maxBatch {
		return nil, fmt.Errorf("serving: batches of %d samples: at most %d", b.max, maxBatch)
	}
	host := m.HostSpeed
	if host == 0 {
		host = 1
	}
	g := c.Arch.Generic
	touched := g.TouchedParams
	if touched == 0 {
		touched = g.Params
	}
	weight := touched * c.Precision.Bytes()
	// What stays on the chip is not streamed for every batch.
	if spill := weight - m.Device.OnChipBytes; g.TouchedParams == 0 {
		weight = math.Max(0, spill)
	}
	fast := m.Device.Scale(hardware.Scaling{Compute: 1 + probe})
	fixed := (math.Max(0, c.Batcher.FixedSec)+m.Device.LaunchSec)/host + 2*m.CrossingSec
	b.sample = make([]split, b.max+1)
	for i := 1; i <= b.max; i++ {
		n := float64(i)
		bytes := n*g.BytesPerSample + weight
		if g.TouchedParams > 0 {
			bytes = n * (g.BytesPerSample + weight)
		}
		t := attributed(m.Device, fast, func(d *hardware.Device) hardware.Cost { return d.Generic(n*g.FlopsPerSample, bytes, dt) })
		t.sec += fixed
		if g.SampleBytes > 0 && m.Device.HostBytesPerSec > 0 {
			t.sec += n * g.SampleBytes / m.Device.HostBytesPerSec // not overlapped: first order
		}
		b.sample[i] = t
	}
	if last := b.sample[b.max].sec; !(last > 0) || math.IsInf(last, 0) {
		return nil, fmt.Errorf("serving: %s on %s in %s: the time of a batch is not finite: the chip's rates are not known", c.Arch.ID, m.Device.ID, c.Precision)
	}
	return b, nil
}

// batchStart is when the next batch may start: the device is free and Max
// samples wait, or the oldest has waited the window.
func (r *replica) batchStart() float64 {
	t := r.queue[r.qHead].ready + r.batcher.window
	if r.qLen >= r.batcher.max {
		t = math.Min(t, r.queue[(r.qHead+r.batcher.max-1)&(len(r.queue)-1)].ready)
	}
	return math.Max(t, r.now)
}

func (r *replica) scheduleBatch() {
	if r.qLen == 0 {
		r.doing = idle
		return
	}
	if t := r.batchStart(); t > r.now {
		r.doing, r.start, r.end = holds, r.now, t
		return
	}
	r.batch = r.batch[:0]
	for r.qLen > 0 && len(r.batch) < r.batcher.max && r.queue[r.qHead].ready <= r.now {
		w := r.pop()
		if r.timeout > 0 && r.late(w.req) {
			continue
		}
		rec := r.book.record(w.req)
		rec.sched = r.now
		r.mark(w.req, atStart)
		r.batch = append(r.batch, w.req)
	}
	if len(r.batch) == 0 { // all had given up
		r.scheduleBatch()
		return
	}
	r.doing, r.start = mixes, r.now
	r.tokens = len(r.batch)
	r.end = r.now + r.batcher.sample[r.tokens].sec
}

func (r *replica) completeBatch() {
	if r.doing != mixes {
		return
	}
	if l := r.log; l != nil {
		l.add(batchStep, r).tokens = int32(r.tokens)
	}
	r.seqSeconds += (r.end - r.start) * float64(r.tokens)
	r.steps0++
	for _, q := range r.batch {
		rec := r.book.record(q)
		rec.first = r.now
		r.book.ends(q, r.now)
		r.mark(q, atFirst)
		r.mark(q, atEnd)
		r.doneTokens++
		r.ends(q, tokensOf(r.book.req(q)))
	}
	r.batch = r.batch[:0]
}
