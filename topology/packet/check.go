package packet

import "fmt"

// check asserts conservation at the end of a run: what was booked arrived, what came in
// went out, and every unit of room is with the sender, held back for a batch, or under a
// packet that waits.
func (n *network) check(over bool) {
	if !over {
		return
	}
	m := n.model
	must := func(ok bool, format string, a ...any) {
		if !ok {
			panic("packet: invariant: " + fmt.Sprintf(format, a...))
		}
	}
	var booked, arrived, data, acks, waits uint64
	for i := range m.parts {
		p := &m.parts[i]
		booked += p.booked
		arrived += p.arrived
		data += p.data
		acks += p.acks
		waits += uint64(p.waitingNow)
	}
	must(booked == arrived, "%d packets were put on links, %d came off", booked, arrived)
	var sent, got, back uint64
	for i := range m.senders {
		sent += uint64(m.senders[i].seq)
		got += uint64(m.sinks[i].got)
		back += uint64(m.senders[i].acked)
	}
	must(sent == data && got == acks, "%d packets sent, %d injected; %d received, %d acknowledged", sent, data, got, acks)
	must(sent+acks == got+back+waits, "lost: %d packets and %d acknowledgements sent, %d and %d received, %d wait", sent, acks, got, back, waits)
	held := make([]int32, len(m.ins))
	for i := range m.outs {
		pool := m.poolOf(int32(i) / m.lanes)
		for w := m.outs[i].head; w != none; w = pool[w].next {
			if pool[w].in != none {
				held[pool[w].in] += m.blocks(pool[w].arg)
			}
		}
	}
	for i := range m.ins {
		a := int32(i) / m.lanes
		if m.roce {
			must(m.ins[i].used == held[i], "%s: %d blocks in its buffer, packets of %d wait", m.f.name(m.recv[a].back), m.ins[i].used, held[i])
			continue
		}
		q := &m.outs[m.recv[a].back*m.lanes+int32(i)%m.lanes]
		must(q.credit+m.ins[i].freed+held[i] == q.capacity, "%s: credits %d + %d held back + %d in use, the buffer has %d",
			m.f.name(m.recv[a].back), q.credit, m.ins[i].freed, held[i], q.capacity)
	}
}
