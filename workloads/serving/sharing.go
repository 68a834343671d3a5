package serving

import (
	"fmt"
	"math"
	"slices"
)

// Neighbour is another service whose replicas stand on the same chips, replica by replica, with
// memory of its own. Its load is played beside the service's.
type Neighbour struct {
	Service  *Prepared
	Requests []Request
	Options  Options
	Share    float64 // of the chips' time when both want it, over the sum of all
	Before   bool    // it goes first among equals
	SwapSec  float64 // see Swap
}

// Swap lets services on the same chips hold them whole, one at a time: the weights of the others wait
// in the host's memory. The one on the chips gives way when it has nothing to do, or when others have
// waited for PatienceSec; its cache is lost then, and what it had under way is computed again.
type Swap struct {
	Sec         float64 // that the service's weights take to the chips; 0 for all: nothing is swapped
	PatienceSec float64
}

// validateSharing says what cannot stand on shared chips.
func (p *Prepared) validateSharing() error {
	ok := func(q *Prepared, share float64) error {
		switch c := &q.Config; {
		case q.Model == nil:
			return fmt.Errorf("serving: %s is known by totals only: sharing chips is modelled for language models", c.Arch.ID)
		case q.Prefill != nil:
			return fmt.Errorf("serving: pools of %s on shared chips are not modelled: serve from one pool", c.Arch.ID)
		case c.Autoscale.Max > 0:
			return fmt.Errorf("serving: autoscaling of %s on shared chips is not modelled", c.Arch.ID)
		case !(share > 0) || math.IsInf(share, 0):
			return fmt.Errorf("serving: %s has a share of %v of its chips' time: expected more than 0", c.Arch.ID, share)
		case p.Swap.Sec > 0 && c.Adapters.Count > 0:
			return fmt.Errorf("serving: adapters of %s are not modelled where services are swapped", c.Arch.ID)
		case c.StaleSec > 0:
			return fmt.Errorf("serving: a router over shared chips sees their present state: staleness %v s must be 0", c.StaleSec)
		}
		return nil
	}
	if err := ok(p, p.Share); err != nil {
		return err
	}
	ranks := func(q *Prepared) int { return q.Config.TP * q.Config.PP * q.Config.AttentionDP }
	for _, n := range p.Neighbours {
		if (n.SwapSec > 0) != (p.Swap.Sec > 0) || !(n.SwapSec >= 0 && p.Swap.Sec >= 0 && p.Swap.PatienceSec >= 0) || math.IsInf(n.SwapSec+p.Swap.Sec, 0) {
			return fmt.Errorf("serving: swaps of %v s and %v s after %v s: expected finite times from 0 (a host link whose rate is known), and all services on the same chips swapped or none", p.Swap.Sec, n.SwapSec, p.Swap.PatienceSec)
		}
		if err := ok(n.Service, n.Share); err != nil {
			return err
		}
		if a, b := ranks(p), ranks(n.Service); a != b {
			return fmt.Errorf("serving: replicas of %d chips (%s) and of %d (%s) on the same chips: they must be alike", a, p.Config.Arch.ID, b, n.Service.Config.Arch.ID)
		}
	}
	return nil
}

// chip is the chips of a replica of each of several services, whose engines take turns at them: a
// step runs alone and to its end. When more than one wants to go on, it is the turn of the one that
// has had the least time for its share since it last had nothing to do (start-time fair queueing,
// Goyal, Vin and Cheng 1996, with steps for packets).
type chip struct {
	members []tenant
	holder  int     // whose step runs, −1: none
	virtual float64 // of the last that ran
	last    int

	swaps    bool // one holds them whole
	patience float64
	resident int     // who does
	since    float64 // others have waited, +Inf: nobody waits
}

// tenant is one engine on a chip.
type tenant struct {
	r       *replica
	f       *fleet
	number  int // of the replica in its fleet
	share   float64
	virtual float64 // time over share that it had
	swapSec float64
	active  bool // it wanted the chip when that was last given
}

// sameTurn is by how much times over shares may differ for tenants to count as equals; runs and
// single steps add them up in another order.
const sameTurn = 1e-9

// wants says whether an engine has anything to compute at time t, as far as can be told without trying.
func (r *replica) wants(t float64) bool {
	return r.running > 0 || r.part >= 0 || len(r.back) > 0 || r.waits() > r.qLen ||
		r.qLen > 0 && r.queue[r.qHead].ready <= t || r.isLoading && r.loading.ready <= t ||
		r.adapters != nil && r.adapters.next() <= t
}

// turn is what an engine does instead of scheduling at the end of a step, or when something came
// for it while it was idle.
func (c *chip) turn(r *replica, t float64) {
	m := &c.members[r.seatOnChip]
	if c.holder == r.seatOnChip {
		m.virtual += (t - r.start) / m.share
		c.virtual, c.last, c.holder = m.virtual, r.seatOnChip, -1
	}
	if c.holder >= 0 {
		h := &c.members[c.holder]
		if r.denied = r.wants(t); r.denied {
			c.since = math.Min(c.since, t)
		}
		if r.denied && h.r.doing == decodes {
			h.r.cut(c.until(t))
			h.f.look(h.number)
		}
		return
	}
	c.give(t, r)
}

// until is when the one that runs must make way for one that wants to at time t.
func (c *chip) until(t float64) float64 {
	if c.swaps {
		return c.since + c.patience
	}
	return t
}

// swap brings another tenant onto the chips at time t; what the one there had under way has to be
// computed again.
func (c *chip) swap(next int, t float64) {
	out, in := c.members[c.resident].r, &c.members[next]
	out.now = math.Max(out.now, t)
	if out.part >= 0 {
		out.preempt(out.part)
	}
	for out.running > 0 {
		out.preempt(out.victim())
	}
	if out.prefix != nil {
		out.prefix.clear()
	}
	c.resident = next
	in.r.doing, in.r.start, in.r.end = swaps, t, t+in.swapSec
}

// give lets the tenant whose turn it is go on at time t. Those that turn out to have nothing to do let
// the next go. by is the one that looks itself up with its fleet, if any.
func (c *chip) give(t float64, by *replica) {
	for i := range c.members {
		m := &c.members[i]
		want := m.r.wants(t)
		if want && !m.active {
			m.virtual = math.Max(m.virtual, c.virtual)
		}
		m.active, m.r.denied = want, false
	}
	waits := false
	for i := range c.members {
		waits = waits || c.members[i].active && i != c.resident
	}
	switch {
	case !waits:
		c.since = math.Inf(1)
	case math.IsInf(c.since, 1):
		c.since = t
	}
	for {
		next := -1
		stays := c.swaps && c.members[c.resident].active && t < c.since+c.patience
		for i := range c.members {
			m := &c.members[i]
			if !m.active || m.r.denied || stays && i != c.resident || c.swaps && !stays && i == c.resident && waits {
				continue
			}
			if next < 0 || m.virtual < c.members[next].virtual-sameTurn || m.virtual <= c.members[next].virtual+sameTurn && next == c.last {
				next = i
			}
		}
		if next < 0 {
			break
		}
		m := &c.members[next]
		m.r.contested = false
		for i := range c.members {
			m.r.contested = m.r.contested || i != next && c.members[i].active && !c.members[i].r.denied
		}
		m.r.now = math.Max(m.r.now, t)
		if c.swaps && next != c.resident {
			c.swap(next, t)
			c.since = math.Inf(1)
		} else {
			m.r.contested = m.r.contested && !c.swaps
			m.r.begin()
			if c.swaps && m.r.doing == decodes && c.since+c.patience < m.r.end {
				m.r.cut(c.since + c.patience)
			}
		}
		if m.r.doing != idle {
			c.holder = next
			for i := range c.members {
				if i != next && c.members[i].active {
					c.members[i].r.denied = true
				}
			}
			break
		}
		m.active = false
	}
	for i := range c.members {
		if m := &c.members[i]; m.r != by {
			m.f.look(m.number)
			m.f.asked = append(m.f.asked, m.number)
		}
	}
}

// abandons gives the chip away that a replica leaves at time t.
func (c *chip) abandons(r *replica, t float64) {
	m := &c.members[r.seatOnChip]
	m.active, r.denied = false, false
	if c.holder == r.seatOnChip {
		m.virtual += (t - r.start) / m.share
		c.virtual, c.last, c.holder = m.virtual, r.seatOnChip, -1
		c.give(t, r)
	}
}

// together plays a service beside its neighbours, event by event in order of time, until its own
// load is served. What becomes of the neighbours' requests is not counted here.
func (p *Prepared) together(f *fleet, changes []change, own *tally) error {
	mine, err := newPlayer(f, changes, own)
	if err != nil {
		return err
	}
	mine.swapSec = p.Swap.Sec
	all, shares := []*player{mine}, []float64{p.Share}
	before := 0
	for k := range p.Neighbours {
		n := &p.Neighbours[k]
		opt := n.Options
		opt.Workers = 1
		opt.EveryStep = f.opt.EveryStep
		count := n.Service.newTally(&opt)
		count.goodOnly = true
		nf, changes, err := n.Service.ready(&recorded{n.Requests}, opt, count, true)
		if err != nil {
			return err
		}
		q, err := newPlayer(nf, changes, count)
		if err != nil {
			return err
		}
		q.swapSec = n.SwapSec
		at := len(all)
		if n.Before {
			at = before
			before++
		}
		all, shares = slices.Insert(all, at, q), slices.Insert(shares, at, n.Share)
	}
	share(all, shares, p)
	for {
		var first *player
		t := math.Inf(1)
		for _, q := range all {
			at, err := q.next()
			if err != nil {
				return err
			}
			if q == mine && math.IsInf(at, 1) && q.f.empty() {
				q.finish()
				return nil
			}
			if at < t {
				first, t = q, at
			}
		}
		if first == nil {
			mine.finish()
			return nil
		}
		if _, err := first.step(); err != nil {
			return err
		}
		for _, q := range all { // who gave up when it was looked at
			for _, i := range q.f.asked {
				q.ended(&q.f.reps[i], t)
			}
			q.f.asked = q.f.asked[:0]
		}
	}
}

// share puts replicas of one number on the same chips.
func share(all []*player, shares []float64, p *Prepared) {
	most := 0
	for _, q := range all {
		most = max(most, len(q.f.reps))
	}
	for k := range most {
		c := &chip{holder: -1, last: -1, swaps: p.Swap.Sec > 0, patience: p.Swap.PatienceSec, since: math.Inf(1)}
		for i, q := range all {
			if k < len(q.f.reps) {
				r := &q.f.reps[k]
				r.chip, r.seatOnChip = c, len(c.members)
				c.members = append(c.members, tenant{r: r, f: q.f, number: k, share: shares[i], swapSec: q.swapSec})
			}
		}
	}
}

// empty says whether no request is in flight.
func (f *fleet) empty() bool {
	for i := range f.reps {
		if f.reps[i].outstand > 0 {
			return false
		}
	}
	return true
}
