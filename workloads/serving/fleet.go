package serving

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// fleet is all replicas of a service behind its router.
type fleet struct {
	c       *Config
	opt     *Options
	reqs    []Request
	rec     []record
	reps    []replica
	next    []float64 // each replica's next event, side by side for scanning
	load    []int32   // each replica's requests in flight
	down    []int32   // reasons for which a replica is away; 0: it serves
	turn    []int     // per site, for round robin
	link    []float64
	held    []int32 // requests that wait for a replica, per arrival order
	retries int
	maxLen  int
}

// change is a moment at which a replica comes or goes.
type change struct {
	at      float64
	replica int
	up      bool
}

// Simulate runs the requests, which must be in order of arrival, through the
// service and returns what happened. Results depend on nothing but the
// arguments, and not on Options.Workers.
func Simulate(c Config, m Machine, reqs []Request, opt Options) (*Outcome, error) {
	p, err := Prepare(c, m)
	if err != nil {
		return nil, err
	}
	return p.Simulate(reqs, opt)
}

// Prepared is a service whose tables are made, to be run on many loads.
type Prepared struct {
	Config Config // with defaults filled in
	Model  *StepModel
	Memory Memory
	batch  *batchModel
}

// Prepare checks a configuration and makes its tables.
func Prepare(c Config, m Machine) (*Prepared, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	p := &Prepared{Config: c.withDefaults()}
	var err error
	if c.Arch.Generic != nil {
		p.Config.Engine.Request.Value = 0
		if p.batch, err = newBatchModel(c, m); err != nil {
			return nil, err
		}
		p.Memory = p.batch.memory
		return p, nil
	}
	if p.Model, err = NewStepModel(c, m); err != nil {
		return nil, err
	}
	p.Memory = p.Model.Memory
	return p, nil
}

// Simulate runs requests through a prepared service.
func (p *Prepared) Simulate(reqs []Request, opt Options) (*Outcome, error) {
	f, err := p.run(reqs, opt)
	if err != nil {
		return nil, err
	}
	return p.outcome(f), nil
}

func (p *Prepared) run(reqs []Request, opt Options) (*fleet, error) {
	if err := checkRequests(reqs, opt.Concurrency > 0); err != nil {
		return nil, err
	}
	changes, err := p.changes(&opt)
	if err != nil {
		return nil, err
	}
	c := &p.Config
	f := &fleet{c: c, opt: &opt, reqs: reqs, rec: make([]record, len(reqs)), down: make([]int32, c.Replicas),
		turn: make([]int, c.Network.Sites), link: make([]float64, c.Network.Sites), reps: make([]replica, c.Replicas),
		next: make([]float64, c.Replicas), load: make([]int32, c.Replicas)}
	for i := range f.turn {
		f.turn[i] = i
	}
	for i := range f.reps {
		f.down[i] = 1 // until it is ready
		f.reps[i] = newReplica(p.Model, p.batch, c, reqs, f.rec, opt.EveryStep)
		f.look(i)
	}
	if p.Model != nil {
		f.maxLen = p.Memory.Tokens
		if limit := c.MaxContext; limit > 0 {
			f.maxLen = min(f.maxLen, limit)
		} else if c.Arch.MaxSeq > 0 {
			f.maxLen = min(f.maxLen, c.Arch.MaxSeq)
		}
	}
	switch {
	case opt.Concurrency > 0:
		f.closedLoop(changes)
	case c.Router == RoundRobin && !slices.ContainsFunc(changes, func(g change) bool { return !g.up }):
		f.independent(changes)
	default:
		f.open(changes)
	}
	return f, nil
}

func checkRequests(reqs []Request, closed bool) error {
	if len(reqs) == 0 {
		return fmt.Errorf("serving: no requests")
	}
	last := math.Inf(-1)
	for i, q := range reqs {
		switch {
		case q.Prompt < 1 || q.Output < 1:
			return fmt.Errorf("serving: request %d has %d prompt and %d output tokens: expected at least 1 of each", i, q.Prompt, q.Output)
		case !closed && (!(q.ArriveSec >= last) || math.IsInf(q.ArriveSec, 0) || q.ArriveSec < 0):
			return fmt.Errorf("serving: request %d arrives at %v s: expected times from 0 upwards in order", i, q.ArriveSec)
		}
		last = q.ArriveSec
	}
	return nil
}

// changes lists when replicas come and go, in order of time.
func (p *Prepared) changes(opt *Options) ([]change, error) {
	n := p.Config.Replicas
	if len(opt.ReadyAt) > n {
		return nil, fmt.Errorf("serving: %d ready times for %d replicas", len(opt.ReadyAt), n)
	}
	if opt.Concurrency < 0 {
		return nil, fmt.Errorf("serving: concurrency %d: must not be negative", opt.Concurrency)
	}
	var list []change
	for i := range n {
		at := 0.0
		if i < len(opt.ReadyAt) {
			at = opt.ReadyAt[i]
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

// open serves an open load in order of time.
func (f *fleet) open(changes []change) {
	ci := 0
	sees := f.c.Router == LeastOutstanding
	for i := range f.reqs {
		t := f.reqs[i].ArriveSec
		for ; ci < len(changes) && changes[ci].at <= t; ci++ {
			f.apply(changes[ci])
		}
		if sees {
			f.advance(t - f.c.StaleSec)
		}
		f.send(int32(i), t)
	}
	for ; ci < len(changes); ci++ {
		f.apply(changes[ci])
	}
	f.advance(math.Inf(1))
	f.giveUp()
}

// independent serves an open load whose routing does not depend on the state of
// replicas: each replica runs alone, on as many goroutines as asked.
func (f *fleet) independent(changes []change) {
	ci := 0
	for i := range f.reqs {
		t := f.reqs[i].ArriveSec
		for ; ci < len(changes) && changes[ci].at <= t; ci++ {
			f.apply(changes[ci])
		}
		f.send(int32(i), t)
	}
	for ; ci < len(changes); ci++ {
		f.apply(changes[ci])
	}
	workers := min(max(f.opt.Workers, 1), len(f.reps))
	if workers == 1 {
		f.advance(math.Inf(1))
	} else {
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := w; i < len(f.reps); i += workers {
					f.reps[i].advance(math.Inf(1))
				}
			})
		}
		wg.Wait()
	}
	f.giveUp()
}

// closedLoop keeps a number of requests in flight.
func (f *fleet) closedLoop(changes []change) {
	next, ci := 0, 0
	send := func(t float64) {
		if next < len(f.reqs) {
			next++
			f.send(int32(next-1), t)
		}
	}
	for ; ci < len(changes) && changes[ci].at <= 0; ci++ {
		f.apply(changes[ci])
	}
	for range min(f.opt.Concurrency, len(f.reqs)) {
		send(0)
	}
	for {
		best, at := -1, math.Inf(1)
		for i, t := range f.next {
			if t < at {
				best, at = i, t
			}
		}
		if ci < len(changes) && changes[ci].at <= at {
			f.apply(changes[ci])
			ci++
			continue
		}
		if best < 0 {
			// Refused requests end at once; the loop goes on while some are left.
			if next < len(f.reqs) && len(f.held) == 0 {
				send(f.latest())
				continue
			}
			break
		}
		r := &f.reps[best]
		r.event(at)
		f.look(best)
		for ; r.finished > 0; r.finished-- {
			send(at)
		}
	}
	f.giveUp()
}

func (f *fleet) latest() float64 {
	t := 0.0
	for i := range f.reps {
		t = math.Max(t, f.reps[i].now)
	}
	return t
}

// advance lets every replica process its events up to and including time until.
func (f *fleet) advance(until float64) {
	for i, t := range f.next {
		if t <= until && !math.IsInf(t, 1) {
			f.reps[i].advance(until)
			f.look(i)
		}
	}
}

// look notes what the router and the loops ask of a replica.
func (f *fleet) look(i int) {
	f.next[i], f.load[i] = f.reps[i].nextTime(), f.reps[i].outstand
}

// send takes request i, which arrived at t, through its site's link to the router.
func (f *fleet) send(i int32, t float64) {
	rec, q := &f.rec[i], &f.reqs[i]
	rec.arrive, rec.replica = t, -1
	net := &f.c.Network
	site := int(i) % net.Sites
	ready := t
	if net.BytesPerSec > 0 {
		f.link[site] = math.Max(f.link[site], t) + f.requestBytes(q)/net.BytesPerSec
		ready = f.link[site]
	}
	rec.ready = ready + net.LatencySec
	if f.maxLen > 0 && int64(q.Prompt)+int64(q.Output) > int64(f.maxLen) {
		rec.lost = true
		return
	}
	f.route(i, rec.ready)
}

func (f *fleet) requestBytes(q *Request) float64 {
	if g := f.c.Arch.Generic; g != nil {
		return g.SampleBytes
	}
	return float64(q.Prompt) * f.c.Network.TokenBytes
}

// route gives a request to a replica of its site, or holds it until one is up.
func (f *fleet) route(i int32, ready float64) {
	sites := f.c.Network.Sites
	site := int(i) % sites
	n := len(f.reps)
	// Both routers walk their site's replicas in turn; the least outstanding
	// takes the first of the least loaded, so that ties go round.
	best, least := -1, int32(math.MaxInt32)
	j := f.turn[site]
	for range (n - site + sites - 1) / sites {
		if f.down[j] == 0 {
			load := f.load[j]
			if f.c.Router == RoundRobin {
				load = 0
			}
			if load < least {
				best, least = j, load
			}
			if least == 0 {
				break
			}
		}
		if j += sites; j >= n {
			j = site
		}
	}
	if best < 0 {
		f.held = append(f.held, i)
		return
	}
	if f.turn[site] = best + sites; f.turn[site] >= n {
		f.turn[site] = site
	}
	f.rec[i].replica = int32(best)
	f.reps[best].enqueue(waiting{ready: ready, req: i})
	f.look(best)
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
		held := f.held
		f.held = nil
		for _, i := range held {
			f.route(i, math.Max(f.rec[i].ready, g.at))
		}
		return
	}
	if f.down[g.replica]++; f.down[g.replica] > 1 {
		return
	}
	f.advance(g.at)
	dropped := r.abandon(g.at)
	f.look(g.replica)
	for _, i := range dropped {
		f.rec[i].retried++
		f.retries++
		f.route(i, math.Max(f.rec[i].ready, g.at))
	}
}

// giveUp marks what nobody was there to serve.
func (f *fleet) giveUp() {
	for _, i := range f.held {
		f.rec[i].lost = true
	}
}

// abandon drops all work of a replica at time t and returns its requests in
// order of their numbers.
func (r *replica) abandon(t float64) []int32 {
	var list []int32
	if r.batcher == nil {
		for s := r.head; s >= 0; s = r.slots[s].next {
			list = append(list, r.slots[s].req)
		}
	} else {
		list = append(list, r.batch...)
		r.batch = r.batch[:0]
	}
	for _, w := range r.back {
		list = append(list, w.req)
	}
	for r.qLen > 0 {
		list = append(list, r.pop().req)
	}
	if r.doing == decodes || r.doing == mixes {
		// Work in progress took the device's time and came to nothing.
		r.cum = r.cum.plus(hostTime(math.Max(0, t-r.start)))
	}
	for _, i := range list {
		rec := &r.rec[i]
		if rec.first > 0 && !rec.moved {
			rec.decode = minus(r.cum, rec.decode)
			rec.moved = true
		}
	}
	slices.Sort(list)
	r.back = r.back[:0]
	r.heap = r.heap[:0]
	r.whole = r.whole[:0]
	clear(r.phases)
	r.free = r.free[:0]
	for i := range r.slots {
		r.free = append(r.free, int32(len(r.slots)-1-i))
	}
	r.head, r.tail, r.part = -1, -1, -1
	r.running, r.kvSum, r.used, r.reserved, r.outstand = 0, 0, 0, 0, 0
	r.doing, r.now = idle, t
	return list
}
