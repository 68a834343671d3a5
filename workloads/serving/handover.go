package serving

import "math"

// What a replica does where prompts are computed by another pool.

// pulled is a cache that a replica asks for.
type pulled struct {
	ticket int32
	bytes  int32 // tokens of it
}

// hand lets go of a sequence whose prompt is computed for others: its seat is free, its
// own blocks stay until they are taken.
func (r *replica) hand(slot int32) {
	s := &r.slots[slot]
	req := s.req
	own := r.blocksOf(s.kv0)
	if s.pins > 0 {
		own -= int(s.pins) * r.prefix.blocks
	}
	r.mark(req, atLeaving)
	r.release(slot, r.blocksOf(s.kv0))
	r.count(r.now)
	r.used += own
	r.kept += own
	r.outstand--
	r.inFlight -= tokensOf(r.book.req(req))
	if checked {
		r.leftSec += r.now
	}
	r.handed = append(r.handed, handover{req, own})
}

// count brings the integral of blocks that wait to be taken up to time t.
func (r *replica) count(t float64) {
	if t > r.keptAt {
		r.keptSec += float64(r.kept) * (t - r.keptAt)
		r.keptAt = t
	}
}

// pull sets blocks aside for a cache and asks for it; false when there is no room.
func (r *replica) pull(w *waiting, free int) (blocks int, ok bool) {
	q := r.book.req(w.req)
	c := coming{w: *w, own: r.blocksOf(q.Prompt)}
	idle := 0
	if r.prefix != nil && q.HashCount > 0 {
		c.pins, idle, _ = r.prefix.find(q, q.Prompt+1)
		idle *= r.prefix.blocks
		c.own -= int(c.pins) * r.prefix.blocks
	}
	if r.eng.ReserveOutput > 0 {
		c.promise = r.blocksOf(q.Prompt + int32(r.eng.ReserveOutput*float64(q.Output)))
	}
	if c.own+idle > free || r.reserved+c.promise > r.blocks {
		return 0, false
	}
	r.take()
	tokens := q.Prompt
	if c.pins > 0 {
		r.prefix.pin(q, c.pins)
		tokens -= c.pins * r.prefix.tokens
	}
	if r.prefix != nil {
		r.prefix.asked += int64(q.Prompt)
	}
	r.used += c.own + idle
	r.peak = max(r.peak, r.used)
	r.reserved += c.promise
	r.coming = append(r.coming, c)
	r.pulls = append(r.pulls, pulled{c.w.ticket, tokens})
	return c.own + idle, true
}

// land says that a cache is there at time t; its sequence joins at the next step.
func (r *replica) land(ticket int32, first, t float64) {
	for k := range r.coming {
		if r.coming[k].w.ticket == ticket {
			c := r.coming[k]
			c.w.ready, c.first = t, first
			r.coming = append(r.coming[:k], r.coming[k+1:]...)
			r.landed = append(r.landed, c)
			break
		}
	}
	r.wake(t)
	if r.doing == decodes && !r.full() && t < r.end {
		r.cut(t)
	}
}

// joinLanded gives seats to sequences whose caches are there.
func (r *replica) joinLanded() {
	n := 0
	for ; n < len(r.landed) && !r.full(); n++ {
		c := &r.landed[n]
		slot := r.seat(&c.w, c.promise)
		s := &r.slots[slot]
		r.mark(c.w.req, atEntering)
		if rec := r.book.record(c.w.req); !r.early && rec.shownSec == 0 {
			rec.shownSec = float32(r.now - rec.first)
		}
		s.pins = c.pins
		if r.prefix != nil {
			r.share(s, s.prompt)
		}
		s.kv0, s.d0 = s.prompt, int32(r.clock)
		r.decodes(slot, r.clock+int64(s.output)-1)
		if l := r.log; l != nil {
			shown := c.first
			if !r.early {
				shown = r.now
			}
			e := l.add(tookOver, r)
			e.start, e.batch = shown, int32(r.kinds.of(c.w.req))
		}
	}
	r.landed = append(r.landed[:0], r.landed[n:]...)
}

// cancel forgets at time t a cache that will not come, and its request.
func (r *replica) cancel(ticket, req int32, t float64) {
	r.wake(t)
	if r.doing == decodes && t < r.end { // what waits may find blocks now
		r.closed = false
		r.cut(t)
	}
	r.outstand--
	r.inFlight -= tokensOf(r.book.req(req))
	for k := range r.coming {
		if c := &r.coming[k]; c.w.ticket == ticket {
			r.used -= c.own
			r.reserved -= c.promise
			if c.pins > 0 {
				r.used -= r.prefix.unpin(r.book.req(req), c.pins) * r.prefix.blocks
			}
			r.coming = append(r.coming[:k], r.coming[k+1:]...)
			return
		}
	}
	if r.levels != nil {
		r.levels.remove(req)
	}
	kept := 0
	for range r.qLen {
		w := r.pop()
		if w.req != req {
			r.queue[(r.qHead+r.qLen)&(len(r.queue)-1)] = *w
			kept++
			r.qLen++
		}
	}
	r.qLen = kept
}

// wake lets an idle replica look again for blocks that are free at time t.
func (r *replica) wake(t float64) {
	r.blocked = false
	if r.doing == idle {
		r.now = math.Max(r.now, t)
		r.roused = true
	}
}
