package phold

import (
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"runtime/metrics"
	"time"

	"aisim/sim"
)

// TicksPerUnit is the length of PHOLD's unit of time.
const TicksPerUnit = 1e6

// Config describes one run. The zero value of a field that must not be zero is
// replaced by the default in brackets, which are those of the ROSS model.
type Config struct {
	LPs         int     // logical processes [65,536]
	EventsPerLP int     // events that each starts with [1]
	End         float64 // length of the run in units of PHOLD [50]
	Remote      float64 // probability of an event to a random LP; negative means 0 [0.25]
	Lookahead   float64 // smallest delay [0.1]
	Mean        float64 // mean delay, above the lookahead [1]
	Partitions  int     // parts that may run at once [chosen from the load]
	Workers     int     // threads [all]
	Queue       sim.Queue
}

// Result is what a run measured. Events and Hash depend on the model alone.
type Result struct {
	Events           uint64
	WallSeconds      float64 // of the events, without the set-up
	PeakBytes        uint64  // memory taken from the system at the end; queues never shrink
	SimulatedSeconds float64 // the end of the run, in units of PHOLD
	Hash             uint64  // order-sensitive per LP, summed over the LPs
	Stats            sim.Stats
}

func (c Config) withDefaults() Config {
	set := func(v *float64, def float64) {
		if *v == 0 {
			*v = def
		}
	}
	setInt := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	setInt(&c.LPs, 65536)
	setInt(&c.EventsPerLP, 1)
	set(&c.End, 50)
	set(&c.Remote, 0.25)
	set(&c.Lookahead, 0.1)
	set(&c.Mean, 1)
	// Measured: 4 to 32 parts are alike; below a few hundred events per window and
	// part their upkeep shows.
	perWindow := float64(c.LPs) * float64(c.EventsPerLP) * c.Lookahead / c.Mean
	setInt(&c.Partitions, max(min(int(perWindow/512), 16, c.LPs), 1))
	return c
}

// Run runs PHOLD once.
func Run(config Config) (Result, error) {
	c := config.withDefaults()
	switch {
	case c.LPs < 1 || c.LPs > sim.MaxEntities:
		return Result{}, fmt.Errorf("phold: LPs = %d, must be 1 to %d", c.LPs, sim.MaxEntities)
	case !(c.Lookahead > 0):
		return Result{}, fmt.Errorf("phold: lookahead = %g, must be positive", c.Lookahead)
	case c.EventsPerLP < 0:
		return Result{}, fmt.Errorf("phold: events per LP = %d, must not be negative", c.EventsPerLP)
	case !(c.End >= 0 && c.End*TicksPerUnit < 1<<62):
		return Result{}, fmt.Errorf("phold: end = %g, must be 0 to 4e12", c.End)
	case !(c.Remote <= 1):
		return Result{}, fmt.Errorf("phold: remote = %g, must be at most 1", c.Remote)
	case !(c.Mean >= c.Lookahead && c.Mean < 1e9):
		return Result{}, fmt.Errorf("phold: mean = %g, must be %g (the lookahead) to 1e9", c.Mean, c.Lookahead)
	}
	m := &model{
		lps: make([]lp, c.LPs), remote: c.Remote,
		base: sim.Duration(c.Lookahead * TicksPerUnit), spread: (c.Mean - c.Lookahead) * TicksPerUnit,
	}
	engine, err := sim.New(sim.Config{
		Entities: c.LPs, Partitions: c.Partitions, Lookahead: m.base, Queue: c.Queue, Workers: c.Workers,
	}, m)
	if err != nil {
		return Result{}, err
	}
	for i := range m.lps {
		m.lps[i].state = uint64(i)*gamma + 12345
		for range c.EventsPerLP {
			if err := engine.Schedule(m.delay(&m.lps[i]), sim.Entity(i), 0, 0); err != nil {
				return Result{}, err
			}
		}
	}
	end := sim.Time(c.End * TicksPerUnit)
	runtime.GC()
	start := time.Now()
	if err := engine.Run(end); err != nil {
		return Result{}, err
	}
	r := Result{
		WallSeconds: time.Since(start).Seconds(), Events: engine.Events(), PeakBytes: systemBytes(),
		SimulatedSeconds: float64(engine.Now()) / TicksPerUnit, Stats: engine.Stats(),
	}
	for i := range m.lps {
		r.Hash += m.lps[i].hash
	}
	return r, nil
}

const gamma = 0x9e3779b97f4a7c15

type lp struct{ state, hash uint64 }

type model struct {
	lps    []lp
	remote float64
	base   sim.Duration
	spread float64 // mean of the random part of the delay, in ticks
}

// Handle is the model: one event in, one event out.
func (m *model) Handle(ctx *sim.Context) {
	for ctx.Next() {
		ev := ctx.Event()
		dst := ev.Dst
		p := &m.lps[dst]
		p.hash = (p.hash ^ uint64(ev.Time) ^ (uint64(ev.Source())<<32 | ev.Sequence())) * 0x100000001b3
		if p.uniform() <= m.remote {
			hi, _ := bits.Mul64(p.uint64(), uint64(len(m.lps)))
			dst = sim.Entity(hi)
		}
		ctx.Send(dst, m.delay(p), 0, 0)
	}
}

func (m *model) delay(p *lp) sim.Duration {
	return m.base + sim.Duration(-m.spread*math.Log(p.uniform()))
}

func (p *lp) uint64() uint64 {
	p.state += gamma
	z := p.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform is in (0, 1].
func (p *lp) uniform() float64 { return float64(p.uint64()>>11+1) * (1.0 / (1 << 53)) }

// systemBytes returns the memory that the Go runtime holds.
func systemBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
