package cephsim

import "aisim/sim"

// Handle implements sim.Model.
func (p *Pool) Handle(ctx *sim.Context) {
	for ctx.Next() {
		ev := ctx.Event()
		if int(ev.Dst) >= p.costs.Nodes {
			p.client(ctx, ev, int(ev.Dst)-p.costs.Nodes)
			continue
		}
		n := &p.nodes[ev.Dst]
		switch kind := ev.Kind; kind {
		case evCore:
			n.free++
			o := &n.osds[ev.Aux]
			o.threads--
			if o.queue.waiting > 0 && !o.runnable {
				n.wait(int32(ev.Aux), o)
			}
			p.dispatch(ctx, n)
		case evRequest, evRequest + received:
			p.request(ctx, n, ev)
		case evSub, evSub + received:
			p.sub(ctx, n, ev)
		case evAnswer, evAnswer + received:
			p.answer(ctx, n, ev)
		case evWake:
			o := &n.osds[ev.Aux]
			o.wakeAt = 0
			if o.queue.waiting > 0 && !o.runnable {
				n.wait(int32(ev.Aux), o)
			}
			p.dispatch(ctx, n)
		case evEpoch:
			p.peer(ctx, n, int(ev.Arg))
		default:
			p.background(ctx, n, ev)
		}
	}
}

// wait puts an OSD into the line for a core.
func (n *node) wait(i int32, o *osd) {
	o.runnable = true
	at := n.head + n.queued
	if at >= len(n.line) {
		at -= len(n.line)
	}
	n.line[at] = i
	n.queued++
}

// put adds an item to an OSD's queue.
func (p *Pool) put(ctx *sim.Context, n *node, i int32, it item) {
	o := &n.osds[i]
	o.queue.push(p.works[it.work].class, it, ctx.Now().Seconds())
	if !o.runnable && int(o.threads) < p.costs.OSDThreads {
		n.wait(i, o)
	}
}

// dispatch hands free cores to the OSDs in line, an item each in turn.
func (p *Pool) dispatch(ctx *sim.Context, n *node) {
	for n.free > 0 && n.queued > 0 {
		i := n.line[n.head]
		if n.head++; n.head == len(n.line) {
			n.head = 0
		}
		n.queued--
		o := &n.osds[i]
		o.runnable = false
		if int(o.threads) >= p.costs.OSDThreads || o.queue.waiting == 0 {
			continue
		}
		now := ctx.Now()
		class, reserved, wake := p.order.pick(&o.queue, now.Seconds())
		if class < 0 {
			if at := now + max(1, ctx.Ticks(wake-now.Seconds())); o.wakeAt == 0 || at < o.wakeAt {
				o.wakeAt = at
				ctx.SendEvent(at-now, 0, sim.Event{Dst: ctx.Event().Dst, Kind: evWake, Aux: uint16(i)})
			}
			continue
		}
		head := &o.queue.rings[class]
		it := p.order.take(&o.queue, class, reserved, p.works[head.items[head.head].work].cost)
		n.free--
		o.threads++
		w := &p.works[it.work]
		n.busy += w.core
		ctx.SendEvent(w.core, 0, sim.Event{Dst: ctx.Event().Dst, Kind: evCore, Aux: uint16(i)})
		p.begin(ctx, n, i, o, it, w)
		if o.queue.waiting > 0 && int(o.threads) < p.costs.OSDThreads && !o.runnable {
			n.wait(i, o)
		}
	}
}

// access is one access of a drive that is ready at a time: its end, as the one who waits sees it.
func (p *Pool) access(now, ready sim.Time, o *osd, w *work) sim.Time {
	if !w.write {
		o.driveReads++
		o.readBytes += w.driveBytes
		return o.drive.take(now, ready, w.drive) + w.latency
	}
	o.driveWrites++
	o.writeBytes += w.driveBytes
	end := o.drive.take(now, ready, w.drive)
	if w.deferred { // applied later, but not by more than the throttle
		backlog := sim.Duration(deferredThrottleBytes / w.driveBytes * int64(w.drive))
		end = max(ready, o.drive.until-backlog)
	}
	return o.commit(end, w.commit)
}

// deferredThrottleBytes is bluestore_throttle_deferred_bytes.
const deferredThrottleBytes = 128 << 20

// commit is the group commit: whoever is ready before the sync that starts at o.sync shares it, who comes
// while it runs waits for the next.
func (o *osd) commit(ready sim.Time, length sim.Duration) sim.Time {
	if ready > o.sync {
		if ready < o.sync+length {
			o.sync += length
		} else {
			o.sync = ready
		}
	}
	return o.sync + length
}

// begin starts an item that has a core.
func (p *Pool) begin(ctx *sim.Context, n *node, i int32, o *osd, it item, w *work) {
	now := ctx.Now()
	soft := now + w.soft
	self := ctx.Event().Dst
	switch it.work {
	case workRead:
		host, slot, gen := uint32(it.arg>>45), uint32(it.arg>>25)&(1<<slotBits-1), uint8(it.arg>>21)&(1<<genBits-1)
		n.counts.finished++
		p.send(ctx, &n.out, &n.counts, self, sim.Entity(host), p.access(now, soft, o, w), evReply, 0, packReply(slot, gen, false), &p.readLen)
	case workShardRead, workMoveRead:
		l := &p.pullLen
		if it.work == workMoveRead {
			l = &p.moveLen
		}
		p.send(ctx, &n.out, &n.counts, self, subPrimary(it.arg), p.access(now, soft, o, w), evAnswer, 1, packAnswer(it.arg), l)
	case workShardWrite, workMoveWrite:
		p.store(o, w)
		p.send(ctx, &n.out, &n.counts, self, subPrimary(it.arg), p.access(now, soft, o, w), evAnswer, 0, packAnswer(it.arg), nil)
	case workScrub:
		p.access(now, soft, o, w)
		n.counts.scrubbed += w.driveBytes
	default:
		p.lead(ctx, n, i, o, it, w, soft)
	}
}

// store counts new data.
func (p *Pool) store(o *osd, w *work) {
	if p.c.NewBytes || w == &p.works[workMoveWrite] {
		o.stored += float64(w.driveBytes)
	}
}
