package cephsim

import (
	"errors"

	"aisim/sim"
)

var errTooMany = errors.New("cephsim: more than 1048576 operations wait at one node or host: the open loop asks for more than the pool gives")

// client handles a client host's events.
func (p *Pool) client(ctx *sim.Context, ev *sim.Event, i int) {
	h := &p.hosts[i]
	switch ev.Kind {
	case evIssue:
		if p.draining(ctx.Now()) {
			return
		}
		if p.c.InFlight == 0 {
			ctx.Send(ev.Dst, max(1, ctx.Ticks(h.random.Exp(1/p.c.ArrivalsPerSec))), evIssue, 0)
		}
		slot, ok := uint32(ev.Arg), true
		if p.c.InFlight == 0 {
			slot, ok = h.slot()
			if !ok {
				ctx.Fail(errTooMany)
				return
			}
		}
		p.issue(ctx, h, uint32(ev.Dst), slot)
	case evReply, evReply + received:
		slot, gen, refused := uint32(ev.Arg>>5), uint8(ev.Arg>>1)&(1<<genBits-1), ev.Arg&1 == 1
		r := &h.requests[slot]
		if !refused && !r.write && !p.arrive(ctx, &h.in, &h.counts, &p.readLen) {
			return
		}
		if !r.live || r.gen != gen {
			return
		}
		p.finish(ctx, h, ev.Dst, slot, refused)
	case evEpoch:
		p.resend(ctx, h, uint32(ev.Dst), int(ev.Arg))
	}
}

// draining tells that no more is issued: the run's end has come.
func (p *Pool) draining(now sim.Time) bool { return now >= p.end }

// slot finds room for one more request of an open loop.
func (h *host) slot() (uint32, bool) {
	if k := len(h.unused); k > 0 {
		s := h.unused[k-1]
		h.unused = h.unused[:k-1]
		return s, true
	}
	if len(h.requests) >= maxSlots {
		return 0, false
	}
	h.requests = append(h.requests, request{})
	return uint32(len(h.requests) - 1), true
}

// issue sends a new request to a group drawn evenly, as names hash to groups.
func (p *Pool) issue(ctx *sim.Context, h *host, self, slot uint32) {
	if p.c.Requests > 0 && h.issued >= p.c.Requests {
		return
	}
	draw := h.random.Uint64()
	r := &h.requests[slot]
	r.pg = int32((draw >> 32) * uint64(p.costs.PGs) >> 32)
	r.write = float64(draw&(1<<32-1)) >= p.c.ReadShare*(1<<32)
	r.start, r.live, r.stuck = ctx.Now(), true, false
	r.gen = (r.gen + 1) & (1<<genBits - 1)
	h.issued++
	p.transmit(ctx, h, self, slot)
}

// transmit sends a request to its primary; one whose group cannot serve waits for another map.
func (p *Pool) transmit(ctx *sim.Context, h *host, self, slot uint32) {
	r := &h.requests[slot]
	to := primary(p.epochs[h.epoch].acting.of(int(r.pg)), p.live)
	if to == none {
		r.stuck = true
		return
	}
	l := (*wireLen)(nil)
	if r.write {
		l = &p.putLen
	}
	p.send(ctx, &h.out, &h.counts, sim.Entity(self), p.entity(to), ctx.Now(), evRequest, p.local(to), packRequest(self, slot, r.gen, r.write, r.pg), l)
}

// finish ends a request and, in a closed loop, starts the next.
func (p *Pool) finish(ctx *sim.Context, h *host, self sim.Entity, slot uint32, refused bool) {
	now := ctx.Now()
	r := &h.requests[slot]
	r.live = false
	took := now - r.start
	h.last = now
	h.hash = (h.hash ^ uint64(now)<<20 ^ uint64(slot)) * 0x100000001b3
	switch {
	case refused:
		h.refused++
	case r.write:
		h.done++
		p.racks[ctx.Partition()].writes.RecordTime(took)
	default:
		h.done++
		h.doneRead++
		p.racks[ctx.Partition()].reads.RecordTime(took)
	}
	if p.c.InFlight == 0 {
		h.unused = append(h.unused, slot)
		return
	}
	if refused || p.draining(now) { // a full pool stops its writers
		return
	}
	if p.c.ThinkSec > 0 {
		ctx.Send(self, max(1, ctx.Ticks(h.random.Exp(p.c.ThinkSec))), evIssue, uint64(slot))
		return
	}
	p.issue(ctx, h, uint32(self), slot)
}
