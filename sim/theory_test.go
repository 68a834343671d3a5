package sim

import (
	"math"
	"testing"
)

// station is one server with a line: entity i of a model that runs many of them,
// each in a partition of its own or not.
type station struct {
	arrivals, services Stream
	line               []Time
	head               int
	wait               Tally // time in line, without service
	sojourn            Histogram
	present            Level
	arrived            int64
}

type stations struct {
	all          []station
	intervalSec  float64
	serviceSec   float64
	constant     bool // service times: M/D/1 instead of M/M/1
	arrive, done Kind
}

func (m *stations) service(ctx *Context, s *station) Duration {
	if m.constant {
		return ctx.Ticks(m.serviceSec)
	}
	return ctx.Ticks(s.services.Exp(m.serviceSec))
}

func (m *stations) Handle(ctx *Context) {
	for ctx.Next() {
		ev := ctx.Event()
		s := &m.all[ev.Dst]
		switch ev.Kind {
		case m.arrive:
			s.arrived++
			s.line = append(s.line, ev.Time)
			s.present.Add(ev.Time, 1)
			if len(s.line)-s.head == 1 {
				s.wait.Add(0)
				ctx.Send(ev.Dst, m.service(ctx, s), m.done, 0)
			}
			ctx.Send(ev.Dst, ctx.Ticks(s.arrivals.Exp(m.intervalSec)), m.arrive, 0)
		case m.done:
			s.present.Add(ev.Time, -1)
			s.sojourn.RecordTime(ev.Time - s.line[s.head])
			if s.head++; s.head == len(s.line) {
				s.line, s.head = s.line[:0], 0
				break
			}
			s.wait.Add((ev.Time - s.line[s.head]).Seconds())
			ctx.Send(ev.Dst, m.service(ctx, s), m.done, 0)
		}
	}
}

// Waiting times by Pollaczek and Khinchine, W = ρ·S·(1+cv²)/(2(1−ρ)); the
// sojourn of M/M/1 is exponential with mean S/(1−ρ); Little: L = λ·W.
func TestQueuesAgainstTheory(t *testing.T) {
	const n, serviceSec = 64, 1e-3
	end := 20 * Second // 64 × 20 s × 700/s = 0.9 million customers
	for _, c := range []struct {
		name     string
		constant bool
		rho, cv2 float64
	}{{"M/M/1", false, 0.7, 1}, {"M/D/1", true, 0.7, 0}, {"M/M/1 light", false, 0.1, 1}} {
		m := &stations{all: make([]station, n), intervalSec: serviceSec / c.rho, serviceSec: serviceSec, constant: c.constant, done: 1}
		root := NewStream(1, c.name)
		e, err := New(Config{Entities: n, Partitions: 4, Lookahead: 10 * Millisecond, Workers: 2}, m)
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.all {
			s := root.Sub(uint64(i))
			m.all[i].arrivals, m.all[i].services = s.Child("arrivals"), s.Child("services")
			if err := e.Schedule(0, Entity(i), m.arrive, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Run(end); err != nil {
			t.Fatal(err)
		}
		var wait, perStation Tally
		var sojourn Histogram
		present, arrived := 0.0, int64(0)
		for i := range m.all {
			s := &m.all[i]
			wait.Merge(s.wait)
			perStation.Add(s.wait.Mean())
			sojourn.Merge(&s.sojourn)
			present += s.present.Mean(end)
			arrived += s.arrived
		}
		// The stations are independent, so their spread gives the standard error
		// of the mean; four of them.
		wantWait := c.rho * serviceSec * (1 + c.cv2) / (2 * (1 - c.rho))
		if tolerance := 4 * perStation.SD() / math.Sqrt(n); math.Abs(wait.Mean()-wantWait) > tolerance || tolerance > 0.1*wantWait {
			t.Errorf("%s: wait %g s, want %g ± %g", c.name, wait.Mean(), wantWait, tolerance)
		}
		// Little's law holds for every path up to the customers present at the
		// end, who are counted in L but not in W: fewer than 1 in 10,000.
		lambda := float64(arrived) / end.Seconds()
		if l := lambda * sojourn.Mean(); math.Abs(present/l-1) > 1e-3 {
			t.Errorf("%s: %g customers present, λ·W = %g", c.name, present, l)
		}
		if !c.constant {
			mean := serviceSec / (1 - c.rho)
			for _, p := range []float64{50, 90, 99} {
				if want := -mean * math.Log(1-p/100); math.Abs(sojourn.Percentile(p)/want-1) > 0.04 {
					t.Errorf("%s: P%g of sojourn %g s, want %g", c.name, p, sojourn.Percentile(p), want)
				}
			}
		}
	}
}
