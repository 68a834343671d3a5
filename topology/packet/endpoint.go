package packet

import "aisim/sim"

// begin puts a stream into the ring of its port.
func (m *model) begin(ctx *sim.Context, pa *part, o, f int32, now sim.Time) {
	s := &m.srcs[o]
	x := &m.senders[f]
	if s.last == none {
		x.next = f
	} else {
		x.next = m.senders[s.last].next
		m.senders[s.last].next = f
	}
	s.last = f
	if m.roce {
		m.pacers[f].start(now)
		if s.wake > now {
			m.serve(ctx, pa, o, now)
		}
	} else if s.wake == sim.Never {
		m.pump(ctx, pa, o, now)
	}
}

// deliver handles a packet at its destination. Its buffer is free, and what it brings
// is known, when its tail is in.
func (m *model) deliver(ctx *sim.Context, pa *part, a int32, arg uint64, now sim.Time) {
	in := &m.recv[a]
	f := int32(arg & flowMask)
	tail := now + sim.Time(arg>>63)
	switch {
	case arg&ackFlag != 0:
		tail += sim.Time(in.ackTicks)
	case arg&lastFlag != 0:
		whole, _ := ticks(m.bytes(arg), m.f.num[in.back], m.f.den[in.back])
		tail += sim.Time(whole)
	default:
		tail += sim.Time(in.fullTicks)
	}
	if !m.roce {
		m.release(ctx, a*m.lanes+int32(arg>>laneShift&laneMask), m.blocks(arg), tail, now)
	}
	if arg&ackFlag != 0 {
		x := &m.senders[f]
		x.acked++
		x.done = max(x.done, tail)
		if m.roce && arg&markFlag != 0 {
			m.pacers[f].notify(&m.dcqcn, now)
		}
		return
	}
	k := &m.sinks[m.sinkAt[f]]
	k.got++
	k.finish = max(k.finish, tail)
	pa.acks++
	if m.heirAt != nil && k.got == m.packetsOf[f] {
		m.inherit(ctx, f, k.finish, now)
	}
	ack := uint64(f) | arg&(seqMask<<seqShift) | uint64(m.lane[f])<<laneShift | ackFlag
	if arg&markFlag != 0 && tail-k.notified >= m.dcqcn.notice {
		k.notified = tail
		pa.notices++
		ack |= markFlag
	}
	o := m.r.first[2*f+1]
	if m.wraps != nil {
		if ack &^= laneOne; m.wraps[o] {
			ack |= laneOne
		}
	}
	if m.roce {
		m.enqueue(ctx, pa, o, none, ack, tail, tail)
		return
	}
	m.forwardLater(ctx, pa, o, ack, tail, now)
}

// inherit starts the streams that have waited for stream f, which has arrived, and for
// no other any more. They leave from the node that it came to.
func (m *model) inherit(ctx *sim.Context, f int32, tail, now sim.Time) {
	for _, h := range m.heirs[m.heirAt[f]:m.heirAt[f+1]] {
		x := &m.senders[h]
		x.start = max(x.start, tail)
		if m.awaits[h]--; m.awaits[h] == 0 {
			ctx.Send(m.ends+sim.Entity(m.r.first[2*h]), x.start-now, kindStart, uint64(h))
		}
	}
}

// forwardLater is forward for an acknowledgement that is ready a little later.
func (m *model) forwardLater(ctx *sim.Context, pa *part, o int32, arg uint64, ready, now sim.Time) {
	q := &m.outs[o*m.lanes+int32(arg>>laneShift&laneMask)]
	if q.head != none || q.credit < m.ackBlocks {
		if q.head == none {
			q.since = now
		}
		pa.stalls++
		m.wait(pa, q, waiting{arg: arg, at: ready, ready: ready, in: none})
		m.load[o] = max(m.load[o], now) + m.span(o, arg)
		return
	}
	m.depart(ctx, pa, o, q, none, m.ackBlocks, arg, ready, ready, now)
}
