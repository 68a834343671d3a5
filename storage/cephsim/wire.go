package cephsim

import "aisim/sim"

// A message carries all that its receiver needs in the argument of its event:
//
//	request  host 17 | slot 20 | generation 4 | write 1 | group 20
//	sub      primary 17 | entry 20 | turn 4 | place 5 | work 4
//	answer   entry 20 | turn 4 | place 5 | work 4
//	reply    slot 20 | generation 4 | refused 1
const (
	entityBits = 17
	slotBits   = 20
	genBits    = 4
	placeBits  = 5
	workBits   = 4
)

func packRequest(host, slot uint32, gen uint8, write bool, pg int32) uint64 {
	w := uint64(0)
	if write {
		w = 1
	}
	return uint64(host)<<45 | uint64(slot)<<25 | uint64(gen)<<21 | w<<20 | uint64(pg)
}

func packSub(primary, entry uint32, turn uint8, place, work int) uint64 {
	return uint64(primary)<<33 | uint64(entry)<<13 | uint64(turn)<<9 | uint64(place)<<4 | uint64(work)
}

func subPrimary(a uint64) sim.Entity { return sim.Entity(a >> 33) }
func subWork(a uint64) int           { return int(a & (1<<workBits - 1)) }

// packAnswer is what a sub-message says without its sender.
func packAnswer(sub uint64) uint64 { return sub & (1<<(slotBits+genBits+placeBits+workBits) - 1) }

func packReply(slot uint32, gen uint8, refused bool) uint64 {
	r := uint64(0)
	if refused {
		r = 1
	}
	return uint64(slot)<<5 | uint64(gen)<<1 | r
}

// send puts a message on the wire. It leaves at the time at, or when its port and uplink have drained;
// length nil is a message without data, which occupies nothing.
func (p *Pool) send(ctx *sim.Context, out *port, c *counts, from, to sim.Entity, at sim.Time, kind sim.Kind, aux uint16, arg uint64, l *wireLen) {
	now := ctx.Now()
	leave := at
	if l != nil {
		serial := l.node
		if int(from) >= p.costs.Nodes {
			serial = l.host
		}
		leave = out.take(now, at, serial)
		if p.c.Oversubscription > 1 && p.rackOf[from] != p.rackOf[to] {
			leave = p.racks[p.rackOf[from]].up.take(now, leave-l.uplink, l.uplink)
		}
		c.messages++
		c.sent += l.bytes
	}
	ctx.SendEvent(leave-now+p.half, 0, sim.Event{Dst: to, Kind: kind, Aux: aux, Arg: arg})
}

// arrive takes a message off the wire: true if it is in, false if the port is busy and the
// message comes again when it has drained.
func (p *Pool) arrive(ctx *sim.Context, in *port, c *counts, l *wireLen) bool {
	ev := ctx.Event()
	if ev.Kind >= received {
		return true
	}
	now := ctx.Now()
	serial := l.node
	if int(ev.Dst) >= p.costs.Nodes {
		serial = l.host
	}
	c.received++
	c.arrived += l.bytes
	end := in.take(now, now-serial, serial)
	if p.c.Oversubscription > 1 && p.rackOf[ev.Dst] != p.rackOf[ev.Source()] {
		end = max(end, p.racks[p.rackOf[ev.Dst]].down.take(now, now-l.uplink, l.uplink))
	}
	if end <= now {
		return true
	}
	ctx.SendEvent(end-now, 0, sim.Event{Dst: ev.Dst, Kind: ev.Kind + received, Aux: ev.Aux, Arg: ev.Arg})
	return false
}
