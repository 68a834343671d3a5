package serving

import (
	"fmt"
	"math"
	"slices"
)

// Autoscale lets the number of replicas follow the load, as the autoscalers of Kubernetes
// do: every IntervalSec as many are wanted as keep the requests in flight per replica at
// Target; more are started at once and answer StartSec later; fewer are kept only when fewer
// were wanted for DownAfterSec. A replica that goes takes no more requests and ends what it
// has. With Min 0 the last goes too, and a request that finds none starts one.
type Autoscale struct {
	Min, Max     int     // replicas; Max 0: no autoscaling
	Target       float64 // requests in flight per replica
	IntervalSec  float64
	StartSec     float64 // from the decision to the first answer: provision, pull, load, capture, warm up
	DownAfterSec float64

	// Image that each of them pulls besides, at what it takes in or its share of what a
	// registry sends to all that pull at once.
	PullBytes, PullBytesPerSec, RegistryBytesPerSec float64
}

// startSec is the time to the first answer of replicas of which so many pull at once.
func (a *Autoscale) startSec(pulling int) float64 {
	if a.PullBytes == 0 {
		return a.StartSec
	}
	return a.StartSec + a.PullBytes/math.Min(a.PullBytesPerSec, a.RegistryBytesPerSec/float64(pulling))
}

func (a *Autoscale) validate(replicas int) error {
	switch {
	case a.Max == 0:
		return nil
	case a.Min < 0 || a.Max < max(a.Min, 1) || a.Max > replicas:
		return fmt.Errorf("serving: autoscaling between %d and %d replicas of %d: expected 0 ≤ min ≤ max ≤ replicas and max above 0", a.Min, a.Max, replicas)
	case !(a.Target > 0) || math.IsInf(a.Target, 0):
		return fmt.Errorf("serving: autoscaling to %v requests in flight per replica: expected a positive number", a.Target)
	case a.PullBytes != 0 && !(a.PullBytes > 0 && a.PullBytesPerSec > 0 && a.RegistryBytesPerSec > 0):
		return fmt.Errorf("serving: replicas that pull %v bytes at %v/s of a registry's %v/s: expected positive numbers", a.PullBytes, a.PullBytesPerSec, a.RegistryBytesPerSec)
	case !(a.IntervalSec > 0) || !(a.StartSec >= 0) || !(a.DownAfterSec >= 0) || math.IsInf(a.IntervalSec+a.StartSec+a.DownAfterSec, 0):
		return fmt.Errorf("serving: autoscaling every %v s, start in %v s, down after %v s: expected a positive interval and times from 0 upwards", a.IntervalSec, a.StartSec, a.DownAfterSec)
	}
	return nil
}

// Scaling is what an autoscaler did.
type Scaling struct {
	Replaced       int     // replicas that failed
	Starts         int     // replicas started after the beginning
	Peak           int     // replicas that existed at once
	ReplicaSeconds float64 // of replicas that existed: starting, serving or ending
}

type scaleState uint8

const (
	off scaleState = iota
	starting
	serves
	ending
	broken
)

// scaler is the autoscaler of a fleet, or of one of its pools.
type scaler struct {
	Autoscale
	f     *fleet
	lo    int // its replicas
	hi    int
	tick  float64
	state []scaleState
	since []float64 // when a replica was started
	queue []change  // replicas that will be up, in order of time
	want  []wanted  // of the last DownAfterSec, falling
	on    int       // starting or serving
	goal  int       // as many should be: more than on when too few places are left that are not broken
	fails []change  // to come
	out   Scaling
}

type wanted struct {
	at float64
	n  int
}

func newScaler(f *fleet, a Autoscale, lo, hi int, fails []change) *scaler {
	s := &scaler{fails: fails, goal: a.Min, Autoscale: a, f: f, lo: lo, hi: hi, state: make([]scaleState, hi-lo), since: make([]float64, hi-lo)}
	s.tick = s.IntervalSec
	for k := range s.Min {
		s.state[k] = serves
		s.on++
		f.down[lo+k]--
		f.look(lo + k)
	}
	s.out.Peak = s.Min
	return s
}

// before does what falls due up to and including time t.
func (s *scaler) before(t float64) {
	for {
		at := s.next()
		switch {
		case at > t:
			return
		case len(s.fails) > 0 && s.fails[0].at == at:
			g := s.fails[0]
			s.fails = s.fails[1:]
			if g.up {
				s.state[g.replica-s.lo] = off
				s.more(at, s.goal)
			} else {
				s.fail(g.replica, at)
			}
		case at == s.ready():
			s.up(s.queue[0])
			s.queue = s.queue[1:]
		default:
			s.f.catchUp(at)
			s.decide(at)
			s.tick += s.IntervalSec
		}
	}
}

// next is when something falls due.
func (s *scaler) next() float64 {
	at := math.Min(s.tick, s.ready())
	if len(s.fails) > 0 {
		at = math.Min(at, s.fails[0].at)
	}
	return at
}

// fail takes a place away until its node is back. What was in flight there goes to the
// router again, and another replica is started at once where there is room, as the
// controllers of Kubernetes do.
func (s *scaler) fail(i int, t float64) {
	f, was := s.f, s.state[i-s.lo]
	s.state[i-s.lo] = broken
	if was == off || was == broken {
		return
	}
	s.out.Replaced++
	s.out.ReplicaSeconds += t - s.since[i-s.lo]
	if was == starting {
		s.queue = slices.DeleteFunc(s.queue, func(g change) bool { return g.replica == i })
	}
	if was == serves || was == starting {
		s.on--
	}
	f.catchUp(t)
	var dropped []int32
	if was != starting {
		r := &f.reps[i]
		if !f.ordered {
			r.advance(t)
		}
		if was == serves { // one that ends is away already
			f.down[i]++
		}
		dropped = r.abandon(t)
		l, k := f.seat(i)
		l.set(k, away)
		if f.pools != nil {
			dropped = f.pools.forget(i, t, dropped)
		}
		f.look(i)
	}
	s.more(t, s.goal)
	for _, q := range dropped {
		f.book.record(q).retried++
		f.route(q, math.Max(f.book.record(q).ready, t))
	}
}

// ready is when the next replica that was started will be up.
func (s *scaler) ready() float64 {
	if len(s.queue) == 0 {
		return math.Inf(1)
	}
	return s.queue[0].at
}

func (s *scaler) up(g change) {
	s.state[g.replica-s.lo] = serves
	s.f.apply(g)
}

// held is told that a request found no replica at time t.
func (s *scaler) held(t float64) {
	if s.on == 0 {
		s.goal = max(s.goal, 1)
		s.more(t, s.goal)
	}
}

// decide compares what is wanted with what there is.
func (s *scaler) decide(t float64) {
	f := s.f
	inFlight := s.without()
	for k := range s.state {
		r := &f.reps[s.lo+k]
		inFlight += int(r.outstand)
		if s.state[k] == ending && r.outstand == 0 && r.kept == 0 { // caches that are still to be taken keep a worker
			s.end(k, t)
		}
	}
	n := min(max(int(math.Ceil(float64(inFlight)/s.Target)), s.Min), s.Max)
	for len(s.want) > 0 && s.want[len(s.want)-1].n <= n {
		s.want = s.want[:len(s.want)-1]
	}
	s.want = append(s.want, wanted{t, n})
	for s.want[0].at < t-s.DownAfterSec {
		s.want = s.want[1:]
	}
	keep := s.want[0].n // the most of the window
	s.goal = min(max(s.goal, n), keep)
	switch {
	case s.goal > s.on:
		s.more(t, s.goal)
	case s.goal < s.on:
		s.fewer(s.goal)
	}
}

// without is the requests that wait because no replica of the pool is up.
func (s *scaler) without() int {
	if s.hi <= s.f.front {
		return len(s.f.pools.waiting)
	}
	return len(s.f.held)
}

// more brings the replicas up to n: those that are ending first, then new ones.
func (s *scaler) more(t float64, n int) {
	for i := 0; i < len(s.state) && s.on < n; i++ {
		if s.state[i] == ending {
			s.state[i] = serves
			s.on++
			s.f.apply(change{at: t, replica: s.lo + i, up: true})
		}
	}
	ready := t + s.startSec(len(s.queue)+n-s.on)
	if k := len(s.queue); k > 0 { // replicas come up in the order in which they were started
		ready = math.Max(ready, s.queue[k-1].at)
	}
	for i := 0; i < len(s.state) && s.on < n; i++ {
		if s.state[i] == off {
			s.state[i], s.since[i] = starting, t
			s.on++
			s.out.Starts++
			s.queue = append(s.queue, change{at: ready, replica: s.lo + i, up: true})
		}
	}
	exist := 0
	for _, st := range s.state {
		if st != off && st != broken {
			exist++
		}
	}
	s.out.Peak = max(s.out.Peak, exist)
}

// fewer lets the replicas with the highest numbers that serve end, down to n.
func (s *scaler) fewer(n int) {
	for i := len(s.state) - 1; i >= 0 && s.on > n; i-- {
		if s.state[i] == serves {
			s.state[i] = ending
			s.on--
			s.f.down[s.lo+i]++
			l, k := s.f.seat(s.lo + i)
			l.set(k, away)
		}
	}
}

// end lets a replica go, by its number in the pool.
func (s *scaler) end(i int, t float64) {
	s.state[i] = off
	s.out.ReplicaSeconds += t - s.since[i]
	if p := s.f.reps[s.lo+i].prefix; p != nil {
		p.clear()
	}
}

// finish serves what is left once no more requests arrive, and counts to the end of a fleet without pools.
func (s *scaler) finish() *Scaling {
	for s.pending() || len(s.fails) > 0 && s.works() {
		s.before(s.next())
	}
	s.f.advance(math.Inf(1))
	return s.total()
}

// pending says whether something is to come of it while nothing else happens.
func (s *scaler) pending() bool { return len(s.queue) > 0 || s.without() > 0 && s.hopes() }

// total counts to the end.
func (s *scaler) total() *Scaling {
	for i := range s.state {
		if s.state[i] != off && s.state[i] != broken {
			s.end(i, math.Max(s.f.latest(), s.since[i]))
		}
	}
	return &s.out
}

// hopes says whether a place is left, or comes back, for those that wait at the router.
func (s *scaler) hopes() bool {
	return len(s.fails) > 0 || slices.ContainsFunc(s.state, func(st scaleState) bool { return st != broken })
}

// works says whether requests are in flight.
func (s *scaler) works() bool {
	s.f.catchUp(s.fails[0].at)
	return slices.ContainsFunc(s.f.reps, func(r replica) bool { return r.outstand > 0 })
}
