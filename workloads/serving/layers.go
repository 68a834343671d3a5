package serving

import (
	"fmt"
	"math"
	"slices"

	"aisim/topology/flow"
)

// Caches may leave while they are made (Handover.Layers): a replica is chosen when the prompt
// begins, and once it has set blocks aside, what is computed leaves layer by layer. A step of T
// seconds over L layers has the first layer's part ready T/L after its start and the others at the
// same pace, so that its part of the cache is a flow that starts then, goes no faster than it is made
// until the step ends, and no faster than the fabric after that. Alone on a port that takes S seconds
// for the whole, it is there max(T + S/L, T/L + S) after the start.

// chunkOf is tokens of a prompt in a step.
type chunkOf struct{ req, past, n int32 }

// streams is how far the cache of a prompt is.
type streams struct {
	given      float64 // when its replica knew of it
	open       bool    // the replica has set blocks aside
	computed   bool    // the whole prompt
	done       int32   // tokens computed before the present step
	sent       int32   // tokens that have set out, will in this step, or are there already
	start, end float64 // of the present step
	upTo       int32   // tokens after it
	parts      int32   // flows under way or to come
}

// dueFlow is a part of a cache that sets out at a time; or, with a flow, one that is no longer
// held up by its making.
type dueFlow struct {
	at, bytes, cap, end float64
	ticket              int32
	flow                flow.FlowID
	made                bool
}

// begun takes the chunks of the step that worker i starts at time t.
func (s *pools) begun(i int, t float64) error {
	r := &s.f.reps[i]
	for _, req := range r.vain {
		if k, ok := s.early[req]; ok {
			s.withdraw(k, t)
			delete(s.early, req)
			s.drop(k)
		}
	}
	r.vain = r.vain[:0]
	for _, c := range r.begun {
		k, ok := s.early[c.req]
		if !ok {
			k = s.newTicket(ticket{state: waits, req: c.req, from: int32(i), to: -1})
			s.early[c.req] = k
			s.give(k, t)
		}
		x := &s.tickets[k]
		x.done, x.start, x.end, x.upTo = c.past, t, r.end, c.past+c.n
		if err := s.stream(k, t); err != nil {
			return err
		}
	}
	r.begun = r.begun[:0]
	return nil
}

// made is told that a worker has computed the whole prompt of ticket k.
func (s *pools) made(k int32, h handover, t float64) error {
	x := &s.tickets[k]
	delete(s.early, h.req)
	x.computed, x.blocks, x.handed = true, h.blocks, t
	x.left = math.Max(x.left, t)
	x.done = s.f.book.req(h.req).Prompt
	if checked && x.to >= 0 { // both had it from then on
		s.f.heldSec += x.given - t
	}
	return s.stream(k, t)
}

// stream sends what is ready of a cache, and sees to what the present step makes.
func (s *pools) stream(k int32, t float64) error {
	x := &s.tickets[k]
	if !x.open {
		return nil
	}
	if x.done > x.sent {
		bytes := float64(x.done-x.sent) * s.tokenBytes
		x.sent = x.done
		if err := s.flowOut(dueFlow{bytes: bytes, ticket: k}, t); err != nil {
			return err
		}
		x = &s.tickets[k]
	}
	if x.end > t && x.upTo > x.sent && !x.computed {
		bytes := float64(x.upTo-x.sent) * s.tokenBytes
		x.sent = x.upTo
		sec := x.end - x.start
		ready := math.Max(0, math.Ceil((t-x.start)/sec*s.layers)-1)
		if ready > 0 {
			if err := s.flowOut(dueFlow{bytes: bytes * ready / s.layers, ticket: k}, t); err != nil {
				return err
			}
			x = &s.tickets[k]
		}
		x.parts++
		s.put(dueFlow{at: math.Max(t, x.start+sec/s.layers), bytes: bytes * (1 - ready/s.layers), cap: bytes / sec, end: x.end, ticket: k})
	}
	s.settle(k, t)
	return nil
}

// settle lets a cache go whose last part has left.
func (s *pools) settle(k int32, t float64) {
	if x := &s.tickets[k]; x.open && x.computed && x.parts == 0 {
		s.leaves(k, t)
	}
}

// flowOut starts a part; a part that is still made will be let loose at its end.
func (s *pools) flowOut(d dueFlow, t float64) error {
	x := &s.tickets[d.ticket]
	x.parts++
	id, err := s.net.Add(flow.Demand{Uses: s.usesOf(x), Bytes: d.bytes, RateCapBytesPerSec: d.cap})
	if err != nil {
		return fmt.Errorf("serving: part of a cache, %.3g MB from worker %d to replica %d: %w", d.bytes/1e6, int(x.from)-s.n, x.to, err)
	}
	s.note(id, d.ticket)
	if d.cap > 0 {
		s.put(dueFlow{at: d.end, ticket: d.ticket, flow: id, made: true})
	}
	return nil
}

func (s *pools) put(d dueFlow) {
	i := len(s.dues)
	for i > 0 && s.dues[i-1].at > d.at {
		i--
	}
	s.dues = slices.Insert(s.dues, i, d)
}

// flowsDue does what falls due up to time t.
func (s *pools) flowsDue(t float64) error {
	for len(s.dues) > 0 && s.dues[0].at <= t {
		d := s.dues[0]
		s.dues = slices.Delete(s.dues, 0, 1)
		s.tickets[d.ticket].parts-- // flowOut counts it again
		if d.made {
			d.bytes, d.cap, d.made = s.net.BytesLeft(d.flow), 0, false
			s.net.Remove(d.flow)
			s.by[d.flow] = none
		}
		if err := s.flowOut(d, t); err != nil {
			return err
		}
	}
	return nil
}

// strip takes all parts of a cache off the fabric.
func (s *pools) strip(k int32, t float64) {
	s.net.Advance(t)
	for f := range s.by {
		if s.by[f] == k {
			s.net.Remove(flow.FlowID(f))
			s.by[f] = none
		}
	}
	s.dues = slices.DeleteFunc(s.dues, func(d dueFlow) bool { return d.ticket == k })
	s.tickets[k].parts = 0
}

// withdraw tells the replica of a cache that it will not come.
func (s *pools) withdraw(k int32, t float64) {
	x := &s.tickets[k]
	s.strip(k, t)
	if x.to >= 0 {
		s.f.reps[x.to].cancel(k+1, x.req, t)
		s.f.look(int(x.to))
	} else {
		s.waiting = slices.DeleteFunc(s.waiting, func(o int32) bool { return o == k })
	}
}

// again gives a prompt in progress, whose replica has gone, to another.
func (s *pools) again(k int32, t float64) {
	x := &s.tickets[k]
	s.strip(k, t)
	x.state, x.open, x.sent, x.to = waits, false, 0, -1
	s.give(k, t)
}
