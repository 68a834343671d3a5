package serving

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"aisim/sim"
)

// fleet is all replicas of a service behind its router.
type fleet struct {
	c      *Config
	opt    *Options
	book   *book
	pump   pump
	reps   []replica
	next   []float64 // each replica's next event, side by side for scanning
	due    due       // when each replica may end a request
	sites  []loads   // requests in flight by replica; replica r is number r/sites of site r mod sites
	down   []int32   // reasons for which a replica is away; 0: it serves
	link   []float64
	held   []int32 // requests that wait for a replica, per arrival order
	maxLen int
	low    bounds
	scale  *scaler
	gaps   []*sim.Histogram // one for each goroutine of advanceOn; counts add up to the same whichever replica is whose
	seen   map[int64]int32  // replica that a prefix hash was last sent to, for routers that ask
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

	// Hashes are the prefix hashes that requests point at, each for HashTokens tokens,
	// where Options gives none.
	Hashes     []int64
	HashTokens int
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
	return p.Stream(&recorded{reqs}, opt)
}

// Stream runs the requests of a source through a prepared service, in memory that
// grows with the requests in flight; percentiles of more than a few million requests
// come from histograms (0.1 %).
func (p *Prepared) Stream(src Source, opt Options) (*Outcome, error) {
	t := p.newTally(&opt)
	f, err := p.run(src, opt, t)
	if err != nil {
		return nil, err
	}
	return t.outcome(f), nil
}

// Completions runs requests and returns only when each was answered, in their order; 0
// for those that never were.
func (p *Prepared) Completions(reqs []Request, opt Options) ([]float64, error) {
	t := p.newTally(&opt)
	t.kept = make([]record, 0, len(reqs))
	if _, err := p.run(&recorded{reqs}, opt, t); err != nil {
		return nil, err
	}
	done := make([]float64, len(t.kept))
	for i := range t.kept {
		done[i] = t.kept[i].finish
	}
	return done, nil
}

// run plays a load; what becomes of its requests is counted in t.
func (p *Prepared) run(src Source, opt Options, t *tally) (*fleet, error) {
	changes, err := p.changes(&opt)
	if err != nil {
		return nil, err
	}
	if opt.Hashes == nil {
		opt.Hashes, opt.HashTokens = p.Hashes, p.HashTokens
	}
	c := &p.Config
	n, sites := c.Replicas, c.Network.Sites
	f := &fleet{c: c, opt: &opt, book: newBook(), down: make([]int32, n), link: make([]float64, sites),
		reps: make([]replica, n), next: make([]float64, n), due: newDue(n), sites: make([]loads, sites)}
	for s := range f.sites {
		f.sites[s] = newLoads((n - s + sites - 1) / sites)
	}
	if p.Model != nil {
		f.low = p.Model.lowerBounds()
		f.maxLen = p.Memory.Tokens - c.Speculation.Tokens // a step that verifies holds room for all of them
		if limit := c.MaxContext; limit > 0 {
			f.maxLen = min(f.maxLen, limit)
		} else if c.Arch.MaxSeq > 0 {
			f.maxLen = min(f.maxLen, c.Arch.MaxSeq)
		}
	}
	shared := c.Prefix.Enabled && p.Model != nil && len(opt.Hashes) > 0
	if shared && (opt.HashTokens < c.Engine.BlockTokens || opt.HashTokens%c.Engine.BlockTokens != 0) {
		return nil, fmt.Errorf("serving: prefix hashes of %d tokens over blocks of %d: expected a multiple", opt.HashTokens, c.Engine.BlockTokens)
	}
	if len(opt.Hashes) > 0 && (c.Router == PrefixAware || c.Router == KVAware) {
		f.seen = map[int64]int32{}
	}
	if !t.goodOnly && t.kept == nil && p.Model != nil {
		for range f.workers() {
			f.gaps = append(f.gaps, sim.NewHistogram())
		}
	}
	for i := range f.reps {
		f.down[i] = 1 // until it is ready
		f.reps[i] = newReplica(p.Model, p.batch, c, f.book, &f.low, opt.EveryStep)
		if len(f.gaps) > 0 {
			f.reps[i].gaps.h = f.gaps[i%len(f.gaps)]
		}
		if shared {
			f.reps[i].mostBlocks = math.MaxInt // a step may hold any number of cached blocks
			f.reps[i].prefix = newPrefixes(&c.Prefix, opt.Hashes, opt.HashTokens, c.Engine.BlockTokens, c.Arch.KVBytesPerToken(c.KVPrecision))
		}
		f.look(i)
	}
	t.reps = f.reps
	f.pump = newPump(src, f.book, t, &opt)
	defer f.pump.stop()
	switch {
	case opt.Concurrency > 0:
		err = f.closedLoop(changes)
	case c.Router == RoundRobin && c.Limits.MaxQueue == 0 && c.Autoscale.Max == 0 && !slices.ContainsFunc(changes, func(g change) bool { return !g.up }):
		err = f.independent(changes)
	default:
		err = f.open(changes, t)
	}
	if err != nil {
		return nil, err
	}
	f.giveUp()
	f.pump.finish()
	if t.requests == 0 {
		return nil, fmt.Errorf("serving: no requests")
	}
	return f, nil
}

// checkRequest says what is impossible about request i after one that arrived at last.
func checkRequest(q *Request, i int, last float64, closed bool) error {
	switch {
	case q.Prompt < 1 || q.Output < 1:
		return fmt.Errorf("serving: request %d has %d prompt and %d output tokens: expected at least 1 of each", i, q.Prompt, q.Output)
	case !closed && (!(q.ArriveSec >= last) || math.IsInf(q.ArriveSec, 0)):
		return fmt.Errorf("serving: request %d arrives at %v s: expected times from 0 upwards in order", i, q.ArriveSec)
	}
	return nil
}

// changes lists when replicas come and go, in order of time.
func (p *Prepared) changes(opt *Options) ([]change, error) {
	n := p.Config.Replicas
	if len(opt.ReadyAt) > n {
		return nil, fmt.Errorf("serving: %d ready times for %d replicas", len(opt.ReadyAt), n)
	}
	if opt.Concurrency < 0 || !(opt.ThinkSec >= 0) || math.IsInf(opt.ThinkSec, 0) {
		return nil, fmt.Errorf("serving: concurrency %d of clients that think for %v s: must not be negative", opt.Concurrency, opt.ThinkSec)
	}
	var list []change
	if scale := p.Config.Autoscale.Max > 0; scale && (opt.Concurrency > 0 || len(opt.ReadyAt) > 0 || len(opt.Outages) > 0) {
		return nil, fmt.Errorf("serving: autoscaling takes an open load, and replicas that neither fail nor start late")
	} else if scale {
		return nil, nil
	}
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
func (f *fleet) open(changes []change, count *tally) error {
	ci := 0
	if f.c.Autoscale.Max > 0 {
		f.scale = newScaler(f)
	}
	sees := f.c.Router != RoundRobin || f.c.Limits.MaxQueue > 0
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
			if sees {
				f.catchUp(t - f.c.StaleSec)
			}
			f.send(first+int32(k), t)
		}
		if !sees {
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
				f.reps[i].advance(until)
			}
		})
	}
	wg.Wait()
	for i := range f.reps {
		f.look(i)
	}
}

// closedLoop keeps a number of requests in flight.
func (f *fleet) closedLoop(changes []change) error {
	var c *chunk
	var first int32
	k, ci := 0, 0
	// send brings the next request, false when there is none.
	send := func(t float64) (bool, error) {
		if c == nil || k == len(c.reqs) {
			var err error
			if c, first, err = f.pump.take(); err != nil || c == nil {
				return false, err
			}
			k = 0
		}
		k++
		f.send(first+int32(k-1), t)
		return true, nil
	}
	for ; ci < len(changes) && changes[ci].at <= 0; ci++ {
		f.apply(changes[ci])
	}
	more := true
	var err error
	var thinking thinkers
	for n := 0; more && n < f.opt.Concurrency; n++ {
		if more, err = send(0); err != nil {
			return err
		}
	}
	for {
		best, at := -1, math.Inf(1)
		for i, t := range f.next {
			if t < at {
				best, at = i, t
			}
		}
		if ci < len(changes) && changes[ci].at <= math.Min(at, thinking.first()) {
			f.apply(changes[ci])
			ci++
			continue
		}
		if t := thinking.first(); t <= at && !math.IsInf(t, 1) {
			thinking.drop()
			if more, err = send(t); err != nil {
				return err
			}
			continue
		}
		if best < 0 {
			// Refused requests end at once; the loop goes on while some are left.
			if more && len(f.held) == 0 {
				if more, err = send(f.latest()); err != nil {
					return err
				}
				continue
			}
			return nil
		}
		r := &f.reps[best]
		r.event(at)
		f.look(best)
		for ; r.finished > 0; r.finished-- {
			if !more {
				continue
			}
			if f.opt.ThinkSec > 0 {
				thinking.add(at + f.opt.ThinkSec)
			} else if more, err = send(at); err != nil {
				return err
			}
		}
	}
}

// thinkers are the times at which clients send again, in order, since all think as long.
type thinkers struct {
	at   []float64
	head int
}

func (t *thinkers) first() float64 {
	if t.head == len(t.at) {
		return math.Inf(1)
	}
	return t.at[t.head]
}

func (t *thinkers) drop() {
	if t.head++; t.head == len(t.at) {
		t.at, t.head = t.at[:0], 0
	}
}

func (t *thinkers) add(at float64) { t.at = append(t.at, at) }

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

// catchUp lets those replicas process their events that may end a request up to and
// including time until, so that the loads are those of that time.
func (f *fleet) catchUp(until float64) {
	for {
		i, at := f.due.first()
		if at > until || math.IsInf(at, 1) {
			return
		}
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
	f.due.set(i, r.endsNoEarlier())
	if f.down[i] == 0 {
		f.sites[i%len(f.sites)].set(i/len(f.sites), r.outstand)
	}
}

// send takes request i, which arrived at t, through its site's link to the router.
func (f *fleet) send(i int32, t float64) {
	rec, q := f.book.record(i), f.book.req(i)
	rec.arrive, rec.replica = t, -1
	net := &f.c.Network
	site := siteOf(int(i), net.Sites)
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
	sites := len(f.sites)
	site := siteOf(int(i), sites)
	l := &f.sites[site]
	k := -1
	switch f.c.Router {
	case RoundRobin:
		k = l.inTurn()
	case LeastOutstanding:
		k = l.leastLoaded()
	case PrefixAware:
		k = f.prefixAware(i, l)
	case KVAware:
		k = f.kvAware(i, l)
	}
	if k < 0 {
		f.held = append(f.held, i)
		if f.scale != nil {
			f.scale.held(ready)
		}
		return
	}
	if most := f.c.Limits.MaxQueue; most > 0 && l.at(k) >= int32(most) {
		rec := f.book.record(i)
		rec.lost, rec.shed = true, true
		return
	}
	at := k*sites + site
	if f.seen != nil {
		for _, h := range f.chain(i) {
			f.seen[h] = int32(at)
		}
	}
	f.book.record(i).replica = int32(at)
	r := &f.reps[at]
	r.enqueue(waiting{ready: ready, req: i})
	l.set(k, r.outstand)
	f.next[at] = r.nextTime()
	if r.batcher != nil {
		f.due.set(at, f.next[at])
	} else if end := ready + float64(f.book.req(i).Output)*f.low.any; end < f.due.at[at] {
		f.due.set(at, end)
	}
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
			f.route(i, math.Max(f.book.record(i).ready, g.at))
		}
		return
	}
	if f.down[g.replica]++; f.down[g.replica] > 1 {
		return
	}
	f.advance(g.at)
	dropped := r.abandon(g.at)
	f.sites[g.replica%len(f.sites)].set(g.replica/len(f.sites), away)
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
	if r.doing == decodes || r.doing == mixes {
		// Work in progress took the device's time and came to nothing.
		r.cum = r.cum.plus(hostTime(math.Max(0, t-r.start)))
	}
	for _, i := range list {
		rec := r.book.record(i)
		if rec.first > 0 && !rec.moved {
			rec.cumSched, rec.cumFirst = minus(rec.cumFirst, rec.cumSched), minus(r.cum, rec.cumFirst)
			rec.moved = true
		}
	}
	slices.Sort(list)
	r.back = r.back[:0]
	r.heap = r.heap[:0]
	r.whole = r.whole[:0]
	r.gaps.last = r.gaps.last[:0]
	clear(r.phases)
	r.free = r.free[:0]
	for i := range r.slots {
		r.free = append(r.free, int32(len(r.slots)-1-i))
	}
	r.head, r.tail, r.part = -1, -1, -1
	r.running, r.kvSum, r.used, r.reserved, r.outstand, r.inFlight = 0, 0, 0, 0, 0, 0
	r.doing, r.now = idle, t
	return list
}
