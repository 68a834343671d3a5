package serving

import (
	"fmt"
	"math"
	"slices"
)

// change is a moment at which a replica comes or goes.
type change struct {
	at      float64
	replica int
	up      bool
}

// changes lists when replicas come and go, in order of time.
func (p *Prepared) changes(opt *Options) ([]change, error) {
	n := p.replicas()
	if len(opt.ReadyAt) > n {
		return nil, fmt.Errorf("serving: %d ready times for %d replicas", len(opt.ReadyAt), n)
	}
	if opt.Concurrency < 0 || !(opt.ThinkSec >= 0) || math.IsInf(opt.ThinkSec, 0) {
		return nil, fmt.Errorf("serving: concurrency %d of clients that think for %v s: must not be negative", opt.Concurrency, opt.ThinkSec)
	}
	var list []change
	for i := range n {
		scaled := p.autoscaleOf(i).Max > 0 // an autoscaler says itself when replicas come
		at := 0.0
		if i < len(opt.ReadyAt) {
			at = opt.ReadyAt[i]
		}
		if scaled && (opt.Concurrency > 0 || at > 0) {
			return nil, fmt.Errorf("serving: autoscaling takes an open load, and replicas that do not start late")
		}
		if scaled {
			continue
		}
		if !(at >= 0) {
			return nil, fmt.Errorf("serving: replica %d is ready at %v s: must not be negative", i, at)
		}
		if !math.IsInf(at, 1) {
			list = append(list, change{at, i, true})
		}
	}
	for _, o := range opt.Outages {
		if o.Replica < 0 || o.Replica >= n || !(o.Start >= 0) || !(o.End >= o.Start) {
			return nil, fmt.Errorf("serving: outage of replica %d from %v to %v s: expected a replica below %d and 0 ≤ start ≤ end", o.Replica, o.Start, o.End, n)
		}
		list = append(list, change{o.Start, o.Replica, false})
		if !math.IsInf(o.End, 1) {
			list = append(list, change{o.End, o.Replica, true})
		}
	}
	slices.SortStableFunc(list, func(a, b change) int {
		switch {
		case a.at != b.at:
			if a.at < b.at {
				return -1
			}
			return 1
		case a.replica != b.replica:
			return a.replica - b.replica
		case a.up != b.up:
			if a.up {
				return 1
			}
			return -1
		}
		return 0
	})
	return list, nil
}

// autoscaleOf is how the pool of replica i is scaled.
func (p *Prepared) autoscaleOf(i int) Autoscale {
	if p.Prefill != nil && i >= p.Config.Replicas {
		return p.Prefill.Config.Autoscale
	}
	return p.Config.Autoscale
}

// apply lets a replica come or go. Without outages nothing has to be advanced:
// a replica that comes has had no work.
func (f *fleet) apply(g change) {
	r := &f.reps[g.replica]
	if g.up {
		if f.down[g.replica]--; f.down[g.replica] > 0 {
			return
		}
		r.now = math.Max(r.now, g.at)
		f.look(g.replica)
		if f.pools != nil && g.replica < f.front {
			f.pools.sendOn(g.at)
			return
		}
		held := f.held
		f.held = nil
		for _, i := range held {
			if ready := f.book.record(i).ready; checked && g.at > ready {
				f.heldSec += g.at - ready
			}
			f.route(i, math.Max(f.book.record(i).ready, g.at))
		}
		return
	}
	if f.down[g.replica]++; f.down[g.replica] > 1 {
		return
	}
	if !f.ordered {
		f.advance(g.at)
	}
	f.deliver(g.replica)
	dropped := r.abandon(g.at)
	l, k := f.seat(g.replica)
	l.set(k, away)
	if f.pools != nil {
		dropped = f.pools.forget(g.replica, g.at, dropped)
	}
	f.look(g.replica)
	for _, i := range dropped {
		f.book.record(i).retried++
		f.route(i, math.Max(f.book.record(i).ready, g.at))
	}
}

// giveUp marks what nobody was there to serve.
func (f *fleet) giveUp() {
	for _, i := range f.held {
		f.book.record(i).lost = true
	}
}

// abandon drops all work of a replica at time t and returns its requests in
// order of their numbers.
func (r *replica) abandon(t float64) []int32 {
	var list []int32
	if r.batcher == nil {
		for s := range r.slots {
			if q := r.slots[s].req; q != noRequest {
				list = append(list, q)
			}
		}
	} else {
		list = append(list, r.batch...)
		r.batch = r.batch[:0]
	}
	for _, w := range r.back {
		list = append(list, w.req)
	}
	for k := range r.coming {
		list = append(list, r.coming[k].w.req)
	}
	for k := range r.landed {
		list = append(list, r.landed[k].w.req)
	}
	if r.isLoading {
		list = append(list, r.loading.req)
		r.isLoading = false
	}
	if r.prefix != nil {
		r.prefix.clear()
	}
	for r.qLen > 0 {
		list = append(list, r.pop().req)
	}
	if l := r.levels; l != nil {
		for k := range l.wait {
			for _, w := range l.wait[k].v[l.wait[k].head:] {
				list = append(list, w.req)
			}
			l.wait[k] = fifo{}
		}
		l.n = 0
	}
	if p := r.adapters; p != nil {
		for _, all := range p.order {
			for k := all.head; k >= 0; k = p.wait[k].next {
				list = append(list, p.wait[k].w.req)
			}
		}
		p.reset()
	}
	lost := 0.0
	if r.doing == decodes || r.doing == mixes {
		lost = math.Max(0, t-r.start)
		r.busySec += lost
	}
	if r.doing == decodes && r.model.width > 1 && lost > 0 { // what a step gains goes by its number
		r.decoded += r.stepsIn(lost) - 1
	}
	if l := r.log; l != nil {
		l.add(lostWork, r).start = lost
	}
	for _, i := range list {
		if r.book.record(i).first > 0 {
			r.mark(i, atLeaving)
		}
	}
	slices.Sort(list)
	r.back = r.back[:0]
	r.handed, r.pulls, r.coming, r.landed, r.kept, r.blocked = r.handed[:0], r.pulls[:0], r.coming[:0], r.landed[:0], 0, false
	r.heap = r.heap[:0]
	r.whole = r.whole[:0]
	clear(r.phases)
	if r.kinds != nil {
		clear(r.kinds.running)
	}
	r.slots, r.free, r.since, r.seated, r.part = r.slots[:0], r.free[:0], r.since[:0], r.seated[:0], -1
	r.running, r.kvSum, r.used, r.reserved, r.outstand, r.inFlight = 0, 0, 0, 0, 0, 0
	r.doing, r.now = idle, t
	if r.chip != nil {
		r.chip.abandons(r, t)
	}
	return list
}
