package serving

import (
	"fmt"
	"math"
	"slices"

	"aisim/topology/flow"
)

// A service may have workers of their own that compute prompts (prefill), on other chips and
// cut otherwise than the replicas that make the answers (decode). A prompt's cache stays in the
// blocks of its worker until the replica that it was given to has set blocks aside and taken
// it over the fabric; there all such transfers share the links by max–min fairness.

// Handover is how a prompt that was computed comes to a replica.
type Handover struct {
	// Early: clients have the first token from the worker that computed it. Otherwise from the
	// replica, when the sequence joins its batch, as behind the routers of SGLang, Dynamo and llm-d,
	// whose clients hold a stream of the replica's alone.
	Early bool
	// Layers: caches leave layer by layer while they are made. Otherwise when the prompt is done.
	Layers bool
}

// Way is the fabric from the workers that compute prompts to the replicas that decode.
type Way struct {
	Capacity   []float64    // of its resources, bytes/s
	Uses       [][]flow.Use // by worker × replicas that decode + replica
	LatencySec []float64    // the same
}

// WithPrefill is p with workers that compute its prompts.
func (p *Prepared) WithPrefill(prefill *Prepared, way *Way) (*Prepared, error) {
	c, d := &p.Config, &prefill.Config
	pairs := c.Replicas * d.Replicas
	switch {
	case p.Model == nil || prefill.Model == nil:
		return nil, fmt.Errorf("serving: %s is known by totals only: a pool for prompts needs a language model", c.Arch.ID)
	case c.Arch.ID != d.Arch.ID || c.KVPrecision != d.KVPrecision:
		return nil, fmt.Errorf("serving: prompts of %s with a cache in %s, answers of %s with one in %s: both pools must agree", d.Arch.ID, d.KVPrecision, c.Arch.ID, c.KVPrecision)
	case c.Speculation.Tokens != d.Speculation.Tokens:
		return nil, fmt.Errorf("serving: drafts of %d tokens where answers are made, of %d where prompts are computed: both pools compute the draft's cache", c.Speculation.Tokens, d.Speculation.Tokens)
	case c.Adapters.Count > 0:
		return nil, fmt.Errorf("serving: adapters in separate pools are not modelled: leave them out, or serve from one pool")
	case c.Network.Sites != d.Network.Sites:
		return nil, fmt.Errorf("serving: replicas at %d sites, workers at %d: each site needs both", c.Network.Sites, d.Network.Sites)
	case c.StaleSec > 0:
		return nil, fmt.Errorf("serving: a router of separate pools sees their present state: staleness %v s must be 0", c.StaleSec)
	case way != nil && (len(way.Uses) != pairs || len(way.LatencySec) != pairs):
		return nil, fmt.Errorf("serving: ways of %d pairs of workers, latencies of %d: expected %d × %d", len(way.Uses), len(way.LatencySec), d.Replicas, c.Replicas)
	}
	out := *p
	out.Prefill, out.Way = prefill, way
	return &out, nil
}

// PoolUse is what the workers that compute prompts did.
type PoolUse struct {
	Workers     int
	Utilisation float64 // busy share of their time
	BusySec     float64 // of all
	CacheMean   float64 // share of their blocks in use, those that wait to be taken included, over all of the time
	CachePeak   float64
	Scaling     *Scaling // nil without autoscaling
}

// pools is the state between the two pools while a load is played.
type pools struct {
	f          *fleet
	n          int     // replicas that decode
	load       []loads // of the replicas that decode, by site
	scale      *scaler // of the replicas that decode
	low        bounds
	way        *Way
	net        *flow.Net
	prompts    *Config
	tokenBytes float64
	handSec    float64 // from the end of a prompt to the replica that it is given to
	tickets    []ticket
	free       []int32
	by         []int32   // ticket, by flow
	landing    []arrival // caches that have left, in order of arrival
	waiting    []int32   // tickets that no replica takes

	// Of caches that leave while they are made (layers.go).
	early  map[int32]int32 // ticket by request, of prompts in progress; nil: caches leave whole
	layers float64
	dues   []dueFlow // in order of time
}

// ticket follows one prompt's cache.
type ticket struct {
	state        ticketState
	req          int32
	from, to     int32
	blocks       int // that its worker keeps
	flow         flow.FlowID
	bytes        float64
	handed, left float64 // when it was computed, and when it set out: with layers, what was left of it then
	streams
}

type ticketState uint8

const (
	unused ticketState = iota
	waits              // for blocks of the replica that it was given to
	moves              // over the fabric
	lands              // has left, and has not arrived
)

type arrival struct {
	at     float64
	ticket int32
}

// handover is a prompt computed.
type handover struct {
	req    int32
	blocks int
}

// coming is a cache for which a replica has set blocks aside.
type coming struct {
	w       waiting
	own     int // blocks
	promise int
	pins    int32
	first   float64 // when its first token was out
}

func newPools(f *fleet, p *Prepared) *pools {
	c := &p.Config
	s := &pools{f: f, n: c.Replicas, load: siteLoads(c.Replicas, c.Network.Sites), low: p.Prefill.Model.lowerBounds(), way: p.Way, prompts: &p.Prefill.Config,
		tokenBytes: p.Memory.TokenBytes * float64(c.TP*c.PP), handSec: p.Model.HandoverSec}
	if p.Way != nil {
		s.net = flow.NewNet(p.Way.Capacity)
		if c.Handover.Layers {
			s.early, s.layers = map[int32]int32{}, float64(c.Arch.Layers)
		}
	}
	return s
}

// next is when a cache next leaves a worker or arrives, +Inf for never.
func (s *pools) next() float64 {
	at := math.Inf(1)
	if s == nil {
		return at
	}
	if len(s.landing) > 0 {
		at = s.landing[0].at
	}
	if len(s.dues) > 0 {
		at = math.Min(at, s.dues[0].at)
	}
	if s.net != nil && s.net.Flows() > 0 {
		if sec, _, ok := s.net.NextCompletion(); ok {
			at = math.Min(at, sec)
		}
	}
	return at
}

// event processes what next announced for time t.
func (s *pools) event(t float64) error {
	if s.net != nil {
		for _, c := range s.net.Advance(t) {
			k := s.by[c.Flow]
			s.by[c.Flow] = none
			if s.early == nil {
				s.leaves(k, t)
				continue
			}
			s.tickets[k].parts--
			s.settle(k, t)
		}
		if err := s.flowsDue(t); err != nil {
			return err
		}
	}
	for len(s.landing) > 0 && s.landing[0].at <= t {
		k := s.landing[0].ticket
		s.landing = s.landing[1:]
		s.arrives(k, t)
	}
	return nil
}

// collect takes what replica i has to hand on after an event at time t.
func (s *pools) collect(i int, t float64) error {
	r := &s.f.reps[i]
	for _, h := range r.handed {
		if s.early != nil {
			if err := s.made(s.early[h.req], h, t); err != nil {
				return err
			}
			continue
		}
		s.give(s.newTicket(ticket{state: waits, req: h.req, from: int32(i), to: -1, blocks: h.blocks, handed: t}), t)
	}
	r.handed = r.handed[:0]
	if s.early != nil {
		if err := s.begun(i, t); err != nil {
			return err
		}
	}
	for _, c := range r.pulls {
		if err := s.setOut(c.ticket-1, c.bytes, t); err != nil {
			return err
		}
	}
	r.pulls = r.pulls[:0]
	return nil
}

func (s *pools) newTicket(x ticket) (k int32) {
	if n := len(s.free); n > 0 {
		k, s.free = s.free[n-1], s.free[:n-1]
		s.tickets[k] = x
		return k
	}
	s.tickets = append(s.tickets, x)
	return int32(len(s.tickets) - 1)
}

// give chooses the replica that decodes: the one with the fewest requests at the worker's site.
func (s *pools) give(k int32, t float64) {
	sites := len(s.load)
	site := (int(s.tickets[k].from) - s.n) % sites
	i := s.load[site].leastLoaded()
	if i < 0 {
		s.waiting = append(s.waiting, k)
		if s.scale != nil {
			s.scale.held(t)
		}
		return
	}
	x := &s.tickets[k]
	i = i*sites + site
	x.to = int32(i)
	s.f.book.record(x.req).replica = x.to
	x.given = t + s.handSec
	if checked && (s.early == nil || x.computed) {
		s.f.heldSec += s.handSec
	}
	s.f.reps[i].enqueue(x.req, t+s.handSec, k+1)
	s.f.look(i)
}

// sendOn gives away what waited for a replica that is there again.
func (s *pools) sendOn(t float64) {
	list := s.waiting
	s.waiting = nil
	for _, k := range list {
		if x := &s.tickets[k]; checked && (s.early == nil || x.computed) {
			s.f.heldSec += t - x.handed
		}
		s.give(k, t)
	}
}

// setOut starts a cache's way.
func (s *pools) setOut(k int32, tokens int32, t float64) error {
	x := &s.tickets[k]
	x.left, x.bytes = t, float64(tokens)*s.tokenBytes
	if s.early != nil {
		x.state, x.open, x.sent = moves, true, s.f.book.req(x.req).Prompt-tokens
		s.net.Advance(t)
		return s.stream(k, t)
	}
	if s.net == nil || x.bytes == 0 {
		s.leaves(k, t)
		return nil
	}
	s.net.Advance(t) // to the present: what ends by then has been seen
	id, err := s.net.Add(flow.Demand{Uses: s.usesOf(x), Bytes: x.bytes})
	if err != nil {
		return fmt.Errorf("serving: a cache of %.3g MB from worker %d to replica %d: %w", x.bytes/1e6, int(x.from)-s.n, x.to, err)
	}
	x.state, x.flow = moves, id
	s.note(id, k)
	return nil
}

// usesOf is the way of a cache.
func (s *pools) usesOf(x *ticket) []flow.Use { return s.way.Uses[int(x.from-int32(s.n))*s.n+int(x.to)] }

// none is the ticket of no flow.
const none = -1

// note remembers whose flow it is.
func (s *pools) note(id flow.FlowID, k int32) {
	for int(id) >= len(s.by) {
		s.by = append(s.by, none)
	}
	s.by[id] = k
}

// leaves frees the blocks of a cache's worker: the last byte has set out.
func (s *pools) leaves(k int32, t float64) {
	x := &s.tickets[k]
	x.state = lands
	s.release(x, t)
	at := t
	if s.way != nil && x.bytes > 0 {
		at += s.way.LatencySec[int(x.from-int32(s.n))*s.n+int(x.to)]
	}
	i := len(s.landing)
	for i > 0 && s.landing[i-1].at > at {
		i--
	}
	s.landing = slices.Insert(s.landing, i, arrival{at, k})
}

func (s *pools) release(x *ticket, t float64) {
	r := &s.f.reps[x.from]
	r.count(t)
	r.kept -= x.blocks
	r.used -= x.blocks
	r.wake(t)
	s.f.look(int(x.from))
}

func (s *pools) arrives(k int32, t float64) {
	x := &s.tickets[k]
	s.f.book.record(x.req).moveSec += float32(t - x.left)
	s.f.reps[x.to].land(k+1, x.handed, t)
	s.f.look(int(x.to))
	s.drop(k)
}

func (s *pools) drop(k int32) {
	s.tickets[k].state = unused
	s.free = append(s.free, k)
}

// forget is told that replica i has gone, and adds to the requests that it dropped those
// whose caches went with it.
func (s *pools) forget(i int, t float64, dropped []int32) []int32 {
	var moved []int32 // prompts in progress whose replica has gone
	for k := range s.tickets {
		x := &s.tickets[k]
		inProgress := s.early != nil && x.state != lands && !x.computed
		switch {
		case x.state == unused:
			continue
		case inProgress && int(x.to) == i && i < s.n:
			dropped = slices.DeleteFunc(dropped, func(q int32) bool { return q == x.req })
			moved = append(moved, int32(k))
			continue
		case inProgress && int(x.from) == i:
			s.withdraw(int32(k), t)
			delete(s.early, x.req)
			s.drop(int32(k))
			continue
		case int(x.to) == i && i < s.n:
			if x.state != lands {
				s.release(x, t)
			}
		case int(x.from) == i && x.state != lands:
			if x.to >= 0 {
				s.f.reps[x.to].cancel(int32(k)+1, x.req, t)
			} else {
				s.waiting = slices.DeleteFunc(s.waiting, func(o int32) bool { return o == int32(k) })
			}
			dropped = append(dropped, x.req)
		default:
			continue
		}
		switch x.state {
		case moves:
			if s.early != nil {
				s.strip(int32(k), t)
				break
			}
			s.net.Advance(t)
			s.net.Remove(x.flow)
		case lands:
			s.landing = slices.DeleteFunc(s.landing, func(a arrival) bool { return a.ticket == int32(k) })
		}
		if x.to >= 0 {
			s.f.look(int(x.to))
		}
		s.drop(int32(k))
	}
	for _, k := range moved {
		s.again(k, t)
	}
	slices.Sort(dropped)
	return dropped
}
