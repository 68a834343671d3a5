package serving

import (
	"fmt"
	"math"

	"aisim/sim"
)

// player plays a load in which requests wait for answers (clients, talks of several turns),
// replicas for one another (pools) or services for one another (shared chips): event by event in order
// of time. At one moment the fleet changes first, then requests are sent, then caches leave and
// arrive, then replicas go on in order of their numbers.
type player struct {
	f       *fleet
	who     callers
	changes []change
	scalers []*scaler
	count   *tally
	swapSec float64 // onto shared chips
}

func newPlayer(f *fleet, changes []change, count *tally) (*player, error) {
	changes, scalers := f.scalers(changes)
	for i := range f.reps {
		f.reps[i].tells = true
		f.look(i)
	}
	p := &player{f: f, who: callers{f: f, free: f.opt.Concurrency, open: f.opt.Concurrency == 0, away: count.fixed + count.back}, changes: changes, scalers: scalers, count: count}
	if f.talks {
		return p, p.who.readTalks()
	}
	return p, nil
}

// inOrder plays a load to its end.
func (f *fleet) inOrder(changes []change, count *tally) error {
	p, err := newPlayer(f, changes, count)
	for done := false; err == nil && !done; {
		done, err = p.step()
	}
	return err
}

// next is when anything happens next, +Inf for never; scalers apart.
func (p *player) next() (float64, error) {
	_, at := p.f.due.first()
	call, err := p.who.next()
	t := math.Min(at, math.Min(call, p.f.pools.next()))
	if len(p.changes) > 0 {
		t = math.Min(t, p.changes[0].at)
	}
	return t, err
}

// step plays what happens next and says whether that is nothing any more.
func (p *player) step() (done bool, err error) {
	f, who := p.f, &p.who
	i, at := f.due.first()
	call, err := who.next()
	if err != nil {
		return false, err
	}
	move := f.pools.next()
	t := math.Min(at, math.Min(call, move))
	scaler := nextScaler(p.scalers, math.IsInf(t, 1) && len(p.changes) == 0)
	switch {
	case scaler != nil && scaler.next() <= t && (len(p.changes) == 0 || scaler.next() <= p.changes[0].at):
		scaler.before(scaler.next())
	case len(p.changes) > 0 && p.changes[0].at <= t:
		t = p.changes[0].at
		f.apply(p.changes[0])
		p.changes = p.changes[1:]
	case math.IsInf(t, 1):
		p.finish()
		return true, nil
	case call == t:
		who.send(t)
	case move == t:
		if err := f.pools.event(t); err != nil {
			return false, err
		}
	default:
		r := &f.reps[i]
		r.event(at)
		f.look(i)
		if f.pools != nil {
			if err := f.pools.collect(i, t); err != nil {
				return false, err
			}
		}
		p.ended(r, t)
	}
	for k := 0; k < len(f.gone); k++ {
		who.ended(f.gone[k], t)
	}
	f.gone = f.gone[:0]
	f.pump.post(postAt)
	return false, nil
}

// ended tells the callers which requests of a replica have ended.
func (p *player) ended(r *replica, t float64) {
	for _, q := range r.ended {
		p.who.ended(q, t)
	}
	r.ended = r.ended[:0]
}

// finish ends the load.
func (p *player) finish() {
	f, count := p.f, p.count
	p.who.finish()
	if f.scale != nil {
		count.scaling = f.scale.total()
	}
	if f.pools != nil && f.pools.scale != nil {
		count.scaling, count.promptScaling = f.pools.scale.total(), count.scaling
	} else if f.pools != nil {
		count.scaling, count.promptScaling = nil, count.scaling
	}
}

// scalers makes the autoscalers of the pools, to which the failures of their replicas are left.
func (f *fleet) scalers(changes []change) (rest []change, list []*scaler) {
	add := func(a Autoscale, lo, hi int) *scaler {
		if a.Max == 0 {
			return nil
		}
		var fails, others []change
		for _, g := range changes {
			if g.replica >= lo && g.replica < hi {
				fails = append(fails, g)
			} else {
				others = append(others, g)
			}
		}
		changes = others
		s := newScaler(f, a, lo, hi, fails)
		list = append(list, s)
		return s
	}
	if f.pools == nil {
		f.scale = add(f.c.Autoscale, 0, len(f.reps))
		return changes, list
	}
	f.scale = add(f.pools.prompts.Autoscale, f.front, len(f.reps))
	f.pools.scale = add(f.c.Autoscale, 0, f.front)
	return changes, list
}

// nextScaler is the one that acts next; when nothing else happens, of those that still bring something about.
func nextScaler(list []*scaler, quiet bool) (first *scaler) {
	for _, s := range list {
		if (!quiet || s.pending()) && (first == nil || s.next() < first.next()) {
			first = s
		}
	}
	return first
}

// callers are those who send requests: in an open load at the times of the requests (of the
// first of each talk), in a closed one as many clients as are free. In a talk each turn
// follows the answer to the one before it and a time to think.
type callers struct {
	f      *fleet
	open   bool
	free   int     // clients that may send at once
	away   float64 // from an answer's last step to the engine's sight of what its client sends at once
	cursor int32   // the request to be sent next of those that follow no other
	loaded int32   // requests in the book
	end    bool    // of the load
	calls  sim.PriorityQueue[call]
	follow []int32 // by request: the turn after it, −1 for none; nil without talks
}

// nobody is the request of a call that takes the next of the load.
const nobody = -1

// hasTurns says whether requests of a load wait for answers to others.
func hasTurns(src Source) bool {
	s, ok := src.(*recorded)
	if !ok {
		return false
	}
	for i := range s.reqs {
		if s.reqs[i].Back != 0 {
			return true
		}
	}
	return false
}

// readTalks puts the whole load into the book, since turns of many talks interleave.
func (c *callers) readTalks() error {
	for !c.end {
		if err := c.more(); err != nil {
			return err
		}
	}
	c.follow = make([]int32, c.loaded)
	for i := range c.follow {
		c.follow[i] = -1
	}
	for i := range c.loaded {
		if back := c.turn(i); back >= 0 {
			if c.follow[back] >= 0 {
				return fmt.Errorf("serving: requests %d and %d both wait for the answer to %d: a talk has one turn after the other", c.follow[back], i, back)
			}
			c.follow[back] = i
		}
	}
	return nil
}

// turn is the request whose answer request i waits for, −1 for none.
func (c *callers) turn(i int32) int32 {
	if q := c.f.book.req(i); c.f.talks && q.Back > 0 {
		return i - q.Back
	}
	return -1
}

func (c *callers) more() error {
	chunk, _, err := c.f.pump.take()
	if err != nil {
		return err
	}
	if c.end = chunk == nil; !c.end {
		c.loaded += int32(len(chunk.reqs))
	}
	return nil
}

// head moves the cursor to a request that follows no other; false at the end of the load.
func (c *callers) head() (bool, error) {
	for {
		for ; c.cursor < c.loaded; c.cursor++ {
			if c.turn(c.cursor) < 0 {
				return true, nil
			}
		}
		if c.end {
			return false, nil
		}
		if err := c.more(); err != nil {
			return false, err
		}
	}
}

// next is when the next request is sent, +Inf for never.
func (c *callers) next() (float64, error) {
	at := math.Inf(1)
	if len(c.calls) > 0 {
		at = c.calls[0].at
	}
	if !c.open && c.free == 0 && (len(c.calls) == 0 || c.calls[0].req != nobody) {
		return at, nil
	}
	switch ok, err := c.head(); {
	case err != nil:
		return 0, err
	case ok && c.open:
		at = math.Min(at, c.f.book.req(c.cursor).ArriveSec)
	case ok && c.free > 0:
		at = 0
	case !ok:
		for len(c.calls) > 0 && c.calls[0].req == nobody { // clients without anything left to ask
			c.calls.Pop()
		}
		c.free = 0
		at = math.Inf(1)
		if len(c.calls) > 0 {
			at = c.calls[0].at
		}
	}
	return at, nil
}

// send sends what is due at time t.
func (c *callers) send(t float64) {
	i := c.cursor
	switch {
	case c.free > 0:
		c.free--
		c.cursor++
	case len(c.calls) > 0 && c.calls[0].at <= t:
		if j := c.calls.Pop().req; j != nobody {
			i = j
		} else {
			c.cursor++
		}
	default:
		c.cursor++
	}
	c.f.send(i, t)
}

// ended is told that request i was answered, or never will be, at time t.
func (c *callers) ended(i int32, t float64) {
	if c.follow != nil && c.follow[i] >= 0 && !c.f.book.record(i).lost {
		j := c.follow[i]
		c.calls.Push(call{t + c.away + float64(c.f.book.req(j).ThinkSec), j})
		return
	}
	if !c.open {
		c.calls.Push(call{t + c.away + c.f.opt.ThinkSec, nobody})
	}
}

// finish marks the turns that were never sent because a talk broke off.
func (c *callers) finish() {
	for i := range int32(len(c.follow)) {
		if back := c.turn(i); back >= 0 {
			if b, rec := c.f.book.record(back), c.f.book.record(i); b.lost || c.f.book.end(back) == 0 {
				rec.lost, rec.unsent = true, true
			}
		}
	}
}

// call is a request that will be sent; calls are ordered by time, then by the order in which
// they were made for one request of the load, by number for turns.
type call struct {
	at  float64
	req int32
}

// Before orders calls by time, then request.
func (a call) Before(b call) bool { return a.at < b.at || a.at == b.at && a.req < b.req }

func (f *fleet) latest() float64 {
	t := 0.0
	for i := range f.reps {
		t = math.Max(t, f.reps[i].now)
	}
	return t
}
