package loader

import (
	"fmt"
	"math"

	"aisim/sim"
)

// Config is a run of accelerators that train in step, each with a loader of its own before one store.
type Config struct {
	Workload     Workload
	StepSec      float64 // computation of a batch
	Accelerators int
	Pipeline     Pipeline
	Store        Store
	HitRatio     float64 // share of the samples that a local cache serves, at LocalBytes per second and accelerator
	LocalBytes   float64
	NoBarrier    bool // accelerators do not wait for each other
	Seed         uint64
	EndSec       float64
	Workers      int // threads of the engine
}

// Result is what a run measured after every accelerator's first step.
type Result struct {
	SimulatedSec  float64
	Events        uint64
	Hash          uint64
	Steps         int64   // of all accelerators
	Utilisation   float64 // computation over the time of the steps
	SamplesPerSec float64
	BytesPerSec   float64 // from the store
	StoreBusy     float64
	WaitSec       float64 // for data, mean of a step
}

// Kinds of event.
const (
	evRead sim.Kind = iota // samples are in and decoded: Arg is worker and batch
	evStep                 // an accelerator has computed
	evTick                 // the first reads
)

// feed is the loader of one accelerator.
type feed struct {
	next     int64   // batch that will be started next
	taken    int64   // batches that the accelerator has had
	left     []int32 // samples that the batches in the window lack, in a ring
	unread   int32   // samples of batch next−1 that no worker has taken (shared batches)
	idle     []int32 // workers without work
	waiting  bool    // the accelerator waits for data
	since    sim.Time
	started  sim.Time // after the first step
	steps    int64
	waited   sim.Duration
	computed sim.Duration
	random   sim.Stream
	holds    []int32 // of each worker: samples still to read of its batch (PyTorch)
	of       []int64 // and which
}

type model struct {
	c       Config
	feeds   []feed
	ahead   int64
	unit    int32 // samples that a shared worker takes at once
	backlog sim.Time
	busy    sim.Duration
	at      int // accelerators at the barrier
	line    []int32
	read    float64 // bytes
	step    sim.Duration
	hash    uint64
	stretch float64
}

// Run plays a configuration on one partition: the barrier joins all.
func Run(c Config) (*Result, error) {
	for _, err := range []error{c.Pipeline.check(), c.Store.check()} {
		if err != nil {
			return nil, err
		}
	}
	switch {
	case c.Accelerators < 1 || c.Accelerators > 1<<20:
		return nil, fmt.Errorf("loader: %d accelerators: want 1 to %d", c.Accelerators, 1<<20)
	case !(c.StepSec > 0) || !(c.EndSec > 0):
		return nil, fmt.Errorf("loader: steps of %g s until %g s: want above 0", c.StepSec, c.EndSec)
	case c.Workload.Batch < 1 || !(c.Workload.RecordBytes > 0):
		return nil, fmt.Errorf("loader: batches of %d samples of %g B: want 1 or more, above 0", c.Workload.Batch, c.Workload.RecordBytes)
	case !(c.HitRatio >= 0 && c.HitRatio <= 1) || c.HitRatio > 0 && !(c.LocalBytes > 0):
		return nil, fmt.Errorf("loader: a cache that serves %g of the samples at %g B/s: want 0 to 1, above 0", c.HitRatio, c.LocalBytes)
	}
	m := &model{c: c, ahead: int64(c.Pipeline.ahead()), step: ticks(c.StepSec), feeds: make([]feed, c.Accelerators), stretch: c.Pipeline.stretch()}
	m.unit = 1
	if c.Workload.SamplesPerFile > 1 { // records of one file are read in a row
		m.unit = int32(max(1, c.Workload.Batch/c.Pipeline.Workers))
	}
	root := sim.NewStream(c.Seed, "loader")
	e, err := sim.New(sim.Config{Entities: c.Accelerators, Window: max(2, m.step/64), Workers: c.Workers}, m)
	if err != nil {
		return nil, err
	}
	for i := range m.feeds {
		f := &m.feeds[i]
		f.random = root.Sub(uint64(i))
		f.left = make([]int32, m.ahead+1)
		f.holds, f.of = make([]int32, c.Pipeline.Workers), make([]int64, c.Pipeline.Workers)
		f.waiting = true
		for w := range c.Pipeline.Workers {
			f.idle = append(f.idle, int32(w))
		}
		if err := e.Schedule(0, sim.Entity(i), evTick, 0); err != nil {
			return nil, err
		}
	}
	if err := e.Run(ticks(c.EndSec)); err != nil {
		return nil, err
	}
	return m.result(e), nil
}

func ticks(sec float64) sim.Duration { return sim.Duration(math.Round(sec * sim.TicksPerSecond)) }

// Handle implements sim.Model.
func (m *model) Handle(ctx *sim.Context) {
	for ctx.Next() {
		ev := ctx.Event()
		i := int32(ev.Dst)
		f := &m.feeds[i]
		switch ev.Kind {
		case evTick:
			m.work(ctx, f)
		case evRead:
			m.arrived(ctx, f, i, int32(ev.Aux), int64(ev.Arg>>20), int32(ev.Arg&(1<<20-1)))
		case evStep:
			m.stepped(ctx, f, i)
		}
	}
}

// work gives idle workers what there is to read, within the window of batches ahead.
func (m *model) work(ctx *sim.Context, f *feed) {
	batch := int32(m.c.Workload.Batch)
	for len(f.idle) > 0 {
		w := f.idle[len(f.idle)-1]
		fresh := f.unread == 0 || m.c.Pipeline.Framework == PyTorch
		if fresh {
			if f.next-f.taken >= m.ahead {
				return
			}
			f.left[f.next%int64(len(f.left))] = batch
			f.unread = batch
			f.next++
		}
		count := min(m.unit, f.unread)
		if m.c.Pipeline.Framework == PyTorch {
			count = min(m.unit, batch)
			f.holds[w], f.unread = batch-count, 0
		} else {
			f.unread -= count
		}
		f.idle = f.idle[:len(f.idle)-1]
		f.of[w] = f.next - 1
		m.fetch(ctx, f, w, count)
	}
}

// fetch reads and decodes samples on a worker.
func (m *model) fetch(ctx *sim.Context, f *feed, w, count int32) {
	now := ctx.Now()
	size := 0.0
	for range count {
		size += m.recordBytes(f)
	}
	end := now
	if m.c.HitRatio > 0 && f.random.Float64() < m.c.HitRatio {
		end += ctx.Ticks(size / m.c.LocalBytes)
	} else {
		s := &m.c.Store
		serial := ctx.Ticks(size / s.BytesPerSec)
		m.backlog = max(m.backlog, now) + serial
		m.busy += serial
		m.read += size
		alone := serial
		if s.StreamBytes > 0 {
			alone = max(alone, ctx.Ticks(size/s.StreamBytes))
		}
		if s.LatencySec > 0 {
			alone += ctx.Ticks(f.random.Exp(s.LatencySec))
		}
		end = max(now+alone, m.backlog)
	}
	if d := m.c.Pipeline.DecodeSec; d > 0 {
		mean := d * float64(count) * m.stretch
		if v := m.c.Pipeline.DecodeSpread; v > 0 {
			shape := float64(count) / (v * v)
			mean = f.random.Gamma(shape, mean/shape)
		}
		end += ctx.Ticks(mean)
	}
	ctx.SendEvent(end-now, 0, sim.Event{Dst: ctx.Event().Dst, Kind: evRead, Aux: uint16(w), Arg: uint64(f.of[w])<<20 | uint64(count)})
}

// recordBytes draws a sample's size: normal, cut at a tenth of the mean.
func (m *model) recordBytes(f *feed) float64 {
	w := &m.c.Workload
	if w.RecordSDBytes == 0 {
		return w.RecordBytes
	}
	return math.Max(w.RecordBytes/10, f.random.Normal(w.RecordBytes, w.RecordSDBytes))
}

// arrived counts samples of a batch; the worker goes on.
func (m *model) arrived(ctx *sim.Context, f *feed, i, w int32, batch int64, count int32) {
	f.left[batch%int64(len(f.left))] -= count
	if m.c.Pipeline.Framework == PyTorch && f.holds[w] > 0 {
		n := min(m.unit, f.holds[w])
		f.holds[w] -= n
		m.fetch(ctx, f, w, n)
	} else {
		f.idle = append(f.idle, w)
		m.work(ctx, f)
	}
	if f.waiting {
		m.begin(ctx, f, i)
	}
}

// begin starts a step if its batch is whole: batches are taken in order, so one that is
// late holds those behind it.
func (m *model) begin(ctx *sim.Context, f *feed, i int32) {
	if f.taken >= f.next || f.left[f.taken%int64(len(f.left))] > 0 {
		f.waiting = true
		return
	}
	now := ctx.Now()
	f.waiting = false
	if f.steps > 0 {
		f.waited += now - f.since
	}
	f.taken++
	ctx.SendEvent(m.step, 0, sim.Event{Dst: sim.Entity(i), Kind: evStep})
	if len(f.idle) > 0 {
		m.refill(ctx, f, i)
	}
}

// refill lets the workers of an accelerator go on after room was made.
func (m *model) refill(ctx *sim.Context, f *feed, i int32) {
	if sim.Entity(i) == ctx.Event().Dst {
		m.work(ctx, f)
		return
	}
	ctx.SendEvent(0, 0, sim.Event{Dst: sim.Entity(i), Kind: evTick})
}

// stepped ends a step: at the barrier the last lets all go on.
func (m *model) stepped(ctx *sim.Context, f *feed, i int32) {
	now := ctx.Now()
	if f.steps == 0 {
		f.started = now
	} else {
		f.computed += m.step
	}
	f.steps++
	m.hash = (m.hash ^ uint64(now)<<20 ^ uint64(i)) * 0x100000001b3
	f.since = now
	if m.c.NoBarrier {
		m.begin(ctx, f, i)
		return
	}
	m.line = append(m.line, i)
	if len(m.line) < len(m.feeds) {
		return
	}
	for _, k := range m.line {
		m.feeds[k].since = now
		m.begin(ctx, &m.feeds[k], k)
	}
	m.line = m.line[:0]
}

func (m *model) result(e *sim.Engine) *Result {
	end := e.Now()
	owed := max(0, m.backlog-end) // what the store has yet to send
	r := &Result{SimulatedSec: end.Seconds(), Events: e.Events(), Hash: m.hash, StoreBusy: float64(m.busy-owed) / float64(end)}
	r.BytesPerSec = (m.read - owed.Seconds()*m.c.Store.BytesPerSec) / end.Seconds()
	var spent, computed, waited float64
	for i := range m.feeds {
		f := &m.feeds[i]
		if f.steps > 1 {
			spent += (f.since - f.started).Seconds()
			computed += f.computed.Seconds()
			waited += f.waited.Seconds()
			r.Steps += f.steps - 1
		}
	}
	if spent > 0 {
		r.Utilisation = computed / spent
		r.SamplesPerSec = float64(r.Steps) * float64(m.c.Workload.Batch) / (spent / float64(len(m.feeds)))
		r.WaitSec = waited / float64(r.Steps)
	}
	return r
}
