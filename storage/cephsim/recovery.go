package cephsim

import (
	"math"

	"aisim/sim"
)

// Documented defaults of recovery and scrub.
const (
	activeFlash  = 10        // osd_recovery_max_active_ssd
	activeDisk   = 3         // osd_recovery_max_active_hdd
	sleepDiskSec = 0.1       // osd_recovery_sleep_hdd, under wpq
	sleepLogSec  = 0.025     // osd_recovery_sleep_hybrid
	scrubBytes   = 512 << 10 // osd_deep_scrub_stride
)

// move is one placement group to be rebuilt on another OSD.
type move struct {
	pg, target int32
	objects    int32
}

// moves are the backfills of an OSD: those that it leads, one at a time (osd_max_backfills), and the places
// that it gives to others.
type moves struct {
	list    []move
	active  int32   // objects of the first in flight
	giving  bool    // a place is taken
	waiting []int32 // OSDs that want one
}

// planMoves lists what is rebuilt once the lost OSDs are out: groups that had one, at their primaries.
func (p *Pool) planMoves(rebuilt acting, down []bool) {
	objects := int32(math.Round(p.groupBytes() / float64(p.works[workMoveWrite].driveBytes)))
	for pg := range p.costs.PGs {
		before, after := p.epochs[0].acting.of(pg), rebuilt.of(pg)
		lead := primary(p.epochs[1].acting.of(pg), p.live)
		if lead == none || objects == 0 {
			continue
		}
		for at, o := range before {
			if o == none || !down[o] {
				continue
			}
			target := after[at]
			if p.costs.Protection.Replicated {
				target = newcomer(before, after)
			}
			if target != none && !down[target] {
				m := &p.osd(lead).moves
				m.list = append(m.list, move{int32(pg), target, objects})
				p.toMove += int64(objects)
			}
		}
	}
}

// newcomer is an OSD of after that before does not have.
func newcomer(before, after []int32) int32 {
	for _, o := range after {
		known := o == none
		for _, b := range before {
			known = known || b == o
		}
		if !known {
			return o
		}
	}
	return none
}

// groupBytes is what one place of a placement group holds.
func (p *Pool) groupBytes() float64 {
	places := float64(p.costs.PGs * p.costs.Protection.Width())
	return p.costs.Drive.Bytes * p.costs.FullRatio * p.costs.Fill * float64(p.costs.Nodes*p.costs.PerNode) / places
}

// scheduleBackground puts in the loss, the start of backfills and the first scrubs.
func (p *Pool) scheduleBackground() error {
	for i := range p.nodes {
		self := sim.Entity(i)
		if p.c.Failure != nil {
			if err := p.engine.Schedule(p.lost, self, evLose, 0); err != nil {
				return err
			}
		}
		for d := range p.nodes[i].osds {
			o := &p.nodes[i].osds[d]
			if len(o.moves.list) > 0 {
				if err := p.engine.ScheduleEvent(p.backfillAt, 0, sim.Event{Dst: self, Kind: evObject, Aux: uint16(d)}); err != nil {
					return err
				}
			}
			if gap := p.scrubGap(o); gap > 0 {
				first := sim.Duration(float64(gap) * (float64(i*p.costs.PerNode+d) + 0.5) / float64(p.costs.Nodes*p.costs.PerNode))
				if err := p.engine.ScheduleEvent(first, 0, sim.Event{Dst: self, Kind: evScrub, Aux: uint16(d)}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// scrubGap is the time between the chunks of a deep scrub that reads all once in its interval.
func (p *Pool) scrubGap(o *osd) sim.Duration {
	if p.c.ScrubDays == 0 || o.stored < scrubBytes {
		return 0
	}
	return max(1, ticks(p.c.ScrubDays*86400*scrubBytes/o.stored))
}

// background handles recovery and scrub.
func (p *Pool) background(ctx *sim.Context, n *node, ev *sim.Event) {
	i := int32(ev.Aux)
	o := &n.osds[i]
	mine := int32(ev.Dst)*int32(p.costs.PerNode) + i
	switch ev.Kind {
	case evLose:
		p.lose(n, ev.Dst)
	case evScrub:
		if !o.down && !p.draining(ctx.Now()) {
			p.put(ctx, n, i, item{work: workScrub})
			ctx.SendEvent(p.scrubGap(o), 0, sim.Event{Dst: ev.Dst, Kind: evScrub, Aux: ev.Aux})
			p.dispatch(ctx, n)
		}
	case evObject:
		if ev.Arg == 1 { // after a pause
			p.nextObject(ctx, n, i)
			p.dispatch(ctx, n)
			return
		}
		if len(o.moves.list) > 0 {
			to := o.moves.list[0].target
			p.send(ctx, &n.out, &n.counts, ev.Dst, p.entity(to), ctx.Now(), evReserve, p.local(to), uint64(mine), nil)
		}
	case evReserve:
		if o.moves.giving {
			o.moves.waiting = append(o.moves.waiting, int32(ev.Arg))
			return
		}
		o.moves.giving = true
		p.grant(ctx, n, int32(ev.Arg))
	case evGrant:
		window := int32(activeFlash)
		if p.costs.Drive.Rotating {
			window = activeDisk
		}
		for range min(window, o.moves.list[0].objects) {
			p.nextObject(ctx, n, i)
		}
		p.dispatch(ctx, n)
	case evRelease:
		o.moves.giving = false
		if len(o.moves.waiting) > 0 {
			next := o.moves.waiting[0]
			o.moves.waiting = o.moves.waiting[1:]
			o.moves.giving = true
			p.grant(ctx, n, next)
		}
	}
}

func (p *Pool) grant(ctx *sim.Context, n *node, to int32) {
	p.send(ctx, &n.out, &n.counts, ctx.Event().Dst, p.entity(to), ctx.Now(), evGrant, p.local(to), 0, nil)
}

// nextObject starts the next object of the group that an OSD backfills.
func (p *Pool) nextObject(ctx *sim.Context, n *node, i int32) {
	m := &n.osds[i].moves
	if len(m.list) == 0 || m.list[0].objects == 0 {
		return
	}
	m.list[0].objects--
	m.active++
	e := n.open(ctx)
	q := &n.ops[e]
	q.arg, q.osd, q.stage = uint64(m.list[0].pg), i, workMove
	p.put(ctx, n, i, item{arg: uint64(e), work: workMove})
}

// leadMove reads an object at its primary, with the other shards that the code needs, and pushes
// what was lost to the target.
func (p *Pool) leadMove(ctx *sim.Context, n *node, i int32, o *osd, e uint32, w *work, soft sim.Time) {
	q := &n.ops[e]
	now, self := ctx.Now(), ctx.Event().Dst
	mine := int32(self)*int32(p.costs.PerNode) + i
	q.ready = p.access(now, soft, o, w)
	if !p.costs.Protection.Replicated {
		osds := p.epochs[n.epoch].acting.of(int(q.arg))
		left := p.costs.Protection.Data - 1
		for at, other := range osds {
			if other != none && other != mine && left > 0 {
				left--
				q.mask |= 1 << at
				p.send(ctx, &n.out, &n.counts, self, p.entity(other), soft, evSub, p.local(other), packSub(uint32(self), e, q.turn, at, workMoveRead), nil)
			}
		}
	}
	if q.mask == 0 {
		p.completeMove(ctx, n, e)
	}
}

// completeMove pushes an object that has been read, or counts one that has been stored.
func (p *Pool) completeMove(ctx *sim.Context, n *node, e uint32) {
	q := &n.ops[e]
	now, self := ctx.Now(), ctx.Event().Dst
	m := &n.osds[q.osd].moves
	if q.stage == workMove {
		q.stage, q.mask = workMoveWrite, 1
		q.turn = (q.turn + 1) & (1<<genBits - 1)
		to := m.list[0].target
		p.send(ctx, &n.out, &n.counts, self, p.entity(to), max(now, q.ready), evSub, p.local(to), packSub(uint32(self), e, q.turn, 0, workMoveWrite), &p.moveLen)
		return
	}
	i := q.osd
	n.close(e)
	n.counts.moved++
	n.counts.movedBytes += p.moveLen.bytes
	n.counts.lastMove = now
	m.active--
	switch {
	case m.list[0].objects > 0:
		if sleep := p.recoverySleep(); sleep > 0 {
			ctx.SendEvent(sleep, 0, sim.Event{Dst: self, Kind: evObject, Aux: uint16(i), Arg: 1})
			return
		}
		p.nextObject(ctx, n, i)
	case m.active == 0:
		to := m.list[0].target
		p.send(ctx, &n.out, &n.counts, self, p.entity(to), now, evRelease, p.local(to), 0, nil)
		m.list = m.list[1:]
		ctx.SendEvent(0, 0, sim.Event{Dst: self, Kind: evObject, Aux: uint16(i)})
	}
}

// recoverySleep is the pause between the objects of a backfill, which only wpq keeps.
func (p *Pool) recoverySleep() sim.Duration {
	switch {
	case p.order.mclock || !p.costs.Drive.Rotating:
		return 0
	case p.c.Spec.LogOnFlash:
		return ticks(sleepLogSec)
	}
	return ticks(sleepDiskSec)
}
