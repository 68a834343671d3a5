package packet

import "aisim/sim"

// forward books a packet if there is room for it at the far end, and lets it wait
// otherwise.
func (m *model) forward(ctx *sim.Context, pa *part, o, from int32, arg uint64, now, ready sim.Time) {
	q := &m.outs[o*m.lanes+int32(arg>>laneShift&laneMask)]
	blocks := m.blocks(arg)
	if q.head != none || q.credit < blocks {
		if q.head == none {
			q.since = now
		}
		pa.stalls++
		m.wait(pa, q, waiting{arg: arg, at: now, ready: ready, in: from})
		m.load[o] = max(m.load[o], now) + m.span(o, arg)
		return
	}
	m.depart(ctx, pa, o, q, from, blocks, arg, now, ready, now)
}

// depart books a packet for which there is room, and gives back the room that it leaves.
func (m *model) depart(ctx *sim.Context, pa *part, o int32, q *outLane, from, blocks int32, arg uint64, at, ready, now sim.Time) sim.Time {
	q.credit -= blocks
	pa.occupancy.add(uint64(q.capacity - q.credit))
	if invariants && q.credit < 0 {
		panic("packet: invariant: credits: a packet was sent without room for it")
	}
	start, end := m.book(ctx, pa, o, arg, at, max(ready, now), now)
	if from != none {
		m.release(ctx, from, blocks, end, now)
	}
	return start
}

// release gathers the room of a packet that has left, and returns it in batches.
func (m *model) release(ctx *sim.Context, from, blocks int32, end, now sim.Time) {
	l := &m.ins[from]
	l.freed += blocks
	l.freedAt = max(l.freedAt, end)
	a, lane := from, int32(0)
	if m.lanes > 1 {
		a, lane = from/m.lanes, from%m.lanes
	}
	in := &m.recv[a]
	if l.freed < in.batch {
		return
	}
	ctx.Send(m.ends+sim.Entity(in.back), l.freedAt-now+in.backDelay, kindCredit, uint64(lane)<<32|uint64(l.freed))
	l.freed = 0
}

// credit adds room to a lane and books what waits for it.
func (m *model) credit(ctx *sim.Context, pa *part, o int32, arg uint64, now sim.Time) {
	q := &m.outs[o*m.lanes+int32(arg>>32)]
	q.credit += int32(uint32(arg))
	if invariants && q.credit > q.capacity {
		panic("packet: invariant: credits: more room was given back than there is")
	}
	for q.head != none {
		arg := pa.pool[q.head].arg
		blocks := m.blocks(arg)
		if q.credit < blocks {
			return
		}
		w := pa.unwait(q)
		if q.head == none {
			m.stalled(pa, o, now-q.since)
		}
		m.depart(ctx, pa, o, q, w.in, blocks, arg, w.at, w.ready, now)
	}
	if s := &m.srcs[o]; s.last != none && s.wake == sim.Never {
		m.pump(ctx, pa, o, now)
	}
}

// stalled accounts for the time that packets waited at a lane for room.
func (m *model) stalled(pa *part, o int32, d sim.Duration) {
	pa.stallTicks += uint64(d)
	m.stall[o] += d
}

// span is the time of a packet on a link, whole ticks.
func (m *model) span(o int32, arg uint64) sim.Duration {
	p := &m.ports[o]
	switch {
	case arg&ackFlag != 0:
		return sim.Duration(p.ackTicks)
	case arg&lastFlag != 0:
		whole, _ := ticks(m.bytes(arg), m.f.num[o], p.den)
		return sim.Duration(whole)
	}
	return sim.Duration(p.fullTicks)
}

// pump books the next packets of the streams that start here, in turn. A few at a time
// suffice to keep the port busy and leave acknowledgements a place between them.
func (m *model) pump(ctx *sim.Context, pa *part, o int32, now sim.Time) {
	s := &m.srcs[o]
	if m.ports[o].free > now+pumpBurst*sim.Time(m.ports[o].fullTicks) {
		m.wakeAt(ctx, o, m.ports[o].free-sim.Time(m.ports[o].fullTicks), now, kindPump)
		return
	}
	start := now
	booked := 0
	for booked < pumpBurst && s.last != none {
		f, prev, ok := m.ready(o, s)
		if !ok {
			break
		}
		arg := m.packet(f)
		q := &m.outs[o*m.lanes+int32(arg>>laneShift&laneMask)]
		start = m.depart(ctx, pa, o, q, none, m.blocks(arg), arg, now, now, now)
		pa.data++
		booked++
		m.advance(s, f, prev)
	}
	if booked > 0 && s.last != none {
		m.wakeAt(ctx, o, max(start, now+1), now, kindPump)
	}
}

// ready finds the next stream of a source, in turn, that has room for a packet.
func (m *model) ready(o int32, s *source) (f, prev int32, ok bool) {
	prev = s.last
	for {
		f = m.senders[prev].next
		q := &m.outs[o*m.lanes+int32(m.lane[f])]
		if q.head == none && q.credit >= m.fullBlocks {
			return f, prev, true
		}
		if f == s.last || m.lanes == 1 {
			return 0, 0, false
		}
		prev = f
	}
}

// packet is the next packet of a stream.
func (m *model) packet(f int32) uint64 {
	s := &m.senders[f]
	arg := uint64(f) | uint64(s.seq)<<seqShift | uint64(m.lane[f])<<laneShift
	if s.seq++; s.seq == s.packets {
		arg |= lastFlag
	}
	return arg
}

// advance makes stream f, which follows prev, the one served last, or takes it out of
// the ring when all its packets are booked.
func (m *model) advance(s *source, f, prev int32) {
	x := &m.senders[f]
	if x.seq < x.packets {
		s.last = f
		return
	}
	if prev == f {
		s.last = none
		return
	}
	m.senders[prev].next = x.next
	s.last = prev
}

// wakeAt sends a source its next event; an earlier one that waits becomes stale.
func (m *model) wakeAt(ctx *sim.Context, o int32, at, now sim.Time, kind sim.Kind) {
	s := &m.srcs[o]
	if s.wake <= at {
		return
	}
	s.wake = at
	ctx.Send(m.ends+sim.Entity(o), at-now, kind, 0)
}
