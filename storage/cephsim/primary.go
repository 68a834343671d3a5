package cephsim

import (
	"math/bits"

	"aisim/sim"
)

// request takes a client's request at its primary.
func (p *Pool) request(ctx *sim.Context, n *node, ev *sim.Event) {
	write := ev.Arg>>20&1 == 1
	if write && !p.arrive(ctx, &n.in, &n.counts, &p.putLen) {
		return
	}
	i := int32(ev.Aux)
	o := &n.osds[i]
	if o.down {
		n.counts.lost++
		return
	}
	if write && p.c.NewBytes && o.stored >= p.full {
		n.counts.refused++
		host, slot, gen := uint32(ev.Arg>>45), uint32(ev.Arg>>25)&(1<<slotBits-1), uint8(ev.Arg>>21)&(1<<genBits-1)
		p.send(ctx, &n.out, &n.counts, ev.Dst, sim.Entity(host), ctx.Now(), evReply, 0, packReply(slot, gen, true), nil)
		return
	}
	if !write && p.costs.Protection.Replicated {
		p.put(ctx, n, i, item{arg: ev.Arg, work: workRead})
	} else {
		p.plan(ctx, n, i, ev.Arg)
	}
	p.dispatch(ctx, n)
}

// plan opens an entry for an operation of several OSDs and queues the primary's part.
func (p *Pool) plan(ctx *sim.Context, n *node, i int32, arg uint64) {
	e := n.open(ctx)
	q := &n.ops[e]
	q.arg, q.osd, q.stage = arg, i, workGather
	if arg>>20&1 == 1 {
		q.stage = workWrite
		if p.partial {
			q.stage = workModify
		}
	}
	p.put(ctx, n, i, item{arg: uint64(e), work: q.stage})
}

// open takes a free entry.
func (n *node) open(ctx *sim.Context) uint32 {
	if k := len(n.unused); k > 0 {
		e := n.unused[k-1]
		n.unused = n.unused[:k-1]
		n.ops[e].used = true
		return e
	}
	if len(n.ops) >= 1<<slotBits {
		ctx.Fail(errTooMany)
		return 0
	}
	n.ops = append(n.ops, pending{used: true})
	return uint32(len(n.ops) - 1)
}

// close returns an entry; late answers to it are told by their turn.
func (n *node) close(e uint32) {
	q := &n.ops[e]
	q.used, q.mask = false, 0
	q.turn = (q.turn + 1) & (1<<genBits - 1)
	n.unused = append(n.unused, e)
}

// places are the shards that a stage of an operation on a group needs: for reads the first that serve (or the
// partial read's own), for writes all that are there.
func (p *Pool) places(osds []int32, stage uint8, arg uint64) (mask uint32) {
	k, width := p.costs.Protection.Data, len(osds)
	take := func(from, count int) {
		for step := 0; step < width && count > 0; step++ {
			at := (from + step) % width
			if osds[at] != none && mask&(1<<at) == 0 {
				mask |= 1 << at
				count--
			}
		}
	}
	if p.costs.Protection.Replicated {
		take(0, width)
		return mask
	}
	if !p.partial || !p.c.FastEC {
		if stage == workWrite {
			take(0, width)
		} else {
			take(0, k)
		}
		return mask
	}
	// Fast erasure coding: the data shards of the request, which lie anywhere; for a write the parities
	// too. Its read takes the cheaper of the old data and parities (d + m) and of the
	// other data shards (k − d).
	start := int(arg>>25) % k
	data := func() {
		for d := range p.data {
			if at := (start + d) % k; osds[at] != none {
				mask |= 1 << at
			}
		}
	}
	parity := func() {
		for at := k; at < width; at++ {
			if osds[at] != none {
				mask |= 1 << at
			}
		}
	}
	switch {
	case stage == workGather:
		data()
		if bits.OnesCount32(mask) < p.data { // a shard is lost: the stripe is read
			mask = 0
			take(0, k)
		}
	case stage == workModify && k-p.data < p.data+p.costs.Protection.Parity:
		take((start+p.data)%k, k-p.data)
	default:
		data()
		parity()
	}
	return mask
}

// lead is a primary's own part of an operation: it starts what the others do.
func (p *Pool) lead(ctx *sim.Context, n *node, i int32, o *osd, it item, w *work, soft sim.Time) {
	e := uint32(it.arg)
	q := &n.ops[e]
	if q.stage == workMove || q.stage == workMoveWrite {
		p.leadMove(ctx, n, i, o, e, w, soft)
		return
	}
	now, self := ctx.Now(), ctx.Event().Dst
	osds := p.epochs[n.epoch].acting.of(int(q.arg & (1<<slotBits - 1)))
	q.mask = p.places(osds, q.stage, q.arg)
	q.ready = soft
	mine := int32(self)*int32(p.costs.PerNode) + i
	l, sub := (*wireLen)(nil), workShardRead
	if q.stage == workWrite {
		l, sub = &p.pushLen, workShardWrite
	}
	for at, other := range osds {
		switch {
		case q.mask&(1<<at) == 0:
		case other == mine:
			q.mask &^= 1 << at
			if sub == workShardWrite {
				p.store(o, w)
			}
			q.ready = p.access(now, soft, o, w)
		default:
			p.send(ctx, &n.out, &n.counts, self, p.entity(other), soft, evSub, p.local(other), packSub(uint32(self), e, q.turn, at, sub), l)
		}
	}
	if q.mask == 0 {
		p.complete(ctx, n, e)
	}
}

// sub takes a primary's message at a shard.
func (p *Pool) sub(ctx *sim.Context, n *node, ev *sim.Event) {
	work := subWork(ev.Arg)
	if work == workShardWrite && !p.arrive(ctx, &n.in, &n.counts, &p.pushLen) || work == workMoveWrite && !p.arrive(ctx, &n.in, &n.counts, &p.moveLen) {
		return
	}
	i := int32(ev.Aux)
	if n.osds[i].down {
		n.counts.lost++
		return
	}
	p.put(ctx, n, i, item{arg: ev.Arg, work: uint8(work)})
	p.dispatch(ctx, n)
}

// answer takes a shard's answer at the primary.
func (p *Pool) answer(ctx *sim.Context, n *node, ev *sim.Event) {
	switch subWork(ev.Arg) {
	case workShardRead:
		if !p.arrive(ctx, &n.in, &n.counts, &p.pullLen) {
			return
		}
	case workMoveRead:
		if !p.arrive(ctx, &n.in, &n.counts, &p.moveLen) {
			return
		}
	}
	e, turn, at := uint32(ev.Arg>>13)&(1<<slotBits-1), uint8(ev.Arg>>9)&(1<<genBits-1), ev.Arg>>4&(1<<placeBits-1)
	q := &n.ops[e]
	if !q.used || q.turn != turn || q.mask&(1<<at) == 0 || n.osds[q.osd].down {
		return // of an operation that was started anew
	}
	if q.mask &^= 1 << at; q.mask == 0 {
		p.complete(ctx, n, e)
		p.dispatch(ctx, n)
	}
}

// complete goes on when all shards of a stage have answered.
func (p *Pool) complete(ctx *sim.Context, n *node, e uint32) {
	q := &n.ops[e]
	now, self := ctx.Now(), ctx.Event().Dst
	switch q.stage {
	case workModify:
		q.stage = workWrite
		q.turn = (q.turn + 1) & (1<<genBits - 1)
		p.put(ctx, n, q.osd, item{arg: uint64(e), work: workWrite})
	case workMove, workMoveWrite:
		p.completeMove(ctx, n, e)
	default:
		host, slot, gen := uint32(q.arg>>45), uint32(q.arg>>25)&(1<<slotBits-1), uint8(q.arg>>21)&(1<<genBits-1)
		l := (*wireLen)(nil)
		if q.stage == workGather {
			l = &p.readLen
		}
		n.counts.finished++
		p.send(ctx, &n.out, &n.counts, self, sim.Entity(host), max(now, q.ready), evReply, 0, packReply(slot, gen, false), l)
		n.close(e)
	}
}
