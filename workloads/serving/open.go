package serving

import (
	"math"
	"sync"
)

// open serves an open load in order of time.
func (f *fleet) open(changes []change, count *tally) error {
	ci := 0
	if f.c.Autoscale.Max > 0 {
		f.scale = newScaler(f, f.c.Autoscale, 0, len(f.reps), changes)
		changes = nil
	}
	for {
		c, first, err := f.pump.take()
		if err != nil {
			return err
		}
		if c == nil {
			break
		}
		for k := range c.reqs {
			t := c.reqs[k].ArriveSec
			for ; ci < len(changes) && changes[ci].at <= t; ci++ {
				f.apply(changes[ci])
			}
			if f.scale != nil {
				f.scale.before(t)
			}
			if f.asks {
				f.catchUp(t - f.c.StaleSec)
			}
			f.send(first+int32(k), t)
			f.pump.post(postAt)
		}
		if !f.asks {
			f.advance(c.reqs[len(c.reqs)-1].ArriveSec)
		}
	}
	for ; ci < len(changes); ci++ {
		f.apply(changes[ci])
	}
	if f.scale != nil {
		count.scaling = f.scale.finish()
	}
	f.advance(math.Inf(1))
	return nil
}

// independent serves an open load whose routing does not depend on the state of
// replicas: each replica runs alone, on as many goroutines as asked.
func (f *fleet) independent(changes []change) error {
	ci := 0
	for {
		c, first, err := f.pump.take()
		if err != nil {
			return err
		}
		if c == nil {
			break
		}
		for k := range c.reqs {
			t := c.reqs[k].ArriveSec
			for ; ci < len(changes) && changes[ci].at <= t; ci++ {
				f.apply(changes[ci])
			}
			f.send(first+int32(k), t)
		}
		f.advanceOn(f.workers(), c.reqs[len(c.reqs)-1].ArriveSec)
	}
	for ; ci < len(changes); ci++ {
		f.apply(changes[ci])
	}
	f.advanceOn(f.workers(), math.Inf(1))
	return nil
}

// workers is the goroutines that replicas may run on.
func (f *fleet) workers() int { return min(max(f.opt.Workers, 1), len(f.reps)) }

// advanceOn is advance on several goroutines.
func (f *fleet) advanceOn(workers int, until float64) {
	if workers == 1 {
		f.advance(until)
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(f.reps); i += workers {
				f.deliver(i)
				f.reps[i].advance(until)
			}
		})
	}
	wg.Wait()
	for i := range f.reps {
		f.look(i)
	}
}

// advance lets every replica process its events up to and including time until.
func (f *fleet) advance(until float64) {
	for i, t := range f.next {
		if t <= until && !math.IsInf(t, 1) {
			f.deliver(i)
			f.reps[i].advance(until)
			f.look(i)
			f.pump.post(postAt)
		}
	}
}

// catchUp lets those replicas process their events that may end a request up to and
// including time until, so that the loads are those of that time.
func (f *fleet) catchUp(until float64) {
	if f.ordered { // all has been played that came before
		return
	}
	for {
		i, at := f.due.first()
		if at > until || math.IsInf(at, 1) {
			return
		}
		f.deliver(i)
		r := &f.reps[i]
		if checked {
			r.advance(at * (1 - 1e-12)) // a run that was cut for nothing ends as early by rounding
			f.noneEnded(i, at)
		}
		r.advance(until)
		f.look(i)
	}
}

// look notes what the router and the loops ask of a replica.
func (f *fleet) look(i int) {
	r := &f.reps[i]
	f.next[i] = r.nextTime()
	if f.ordered {
		f.due.set(i, f.next[i])
	} else {
		f.due.set(i, r.endsNoEarlier())
	}
	f.tokens[i] = r.inFlight
	if f.down[i] == 0 {
		if l, k := f.seat(i); f.asks || l.at(k) == away {
			l.set(k, r.outstand)
		}
	}
}

// seat is where a router finds the load of replica i.
func (f *fleet) seat(i int) (*loads, int) {
	if f.pools != nil && i < f.front {
		n := len(f.sites)
		return &f.pools.load[i%n], i / n
	}
	i -= f.front
	return &f.sites[i%len(f.sites)], i / len(f.sites)
}
