package cephsim

import (
	"aisim/sim"
)

// fail adds the maps of a failure: the OSDs down, then out.
func (p *Pool) fail() error {
	f := p.c.Failure
	if f == nil {
		return nil
	}
	down := make([]bool, p.costs.Nodes*p.costs.PerNode)
	for _, o := range f.OSDs {
		down[o] = true
	}
	if len(f.OSDs) == 0 {
		for d := range p.costs.PerNode {
			down[f.Node*p.costs.PerNode+d] = true
		}
	}
	serve := ticks(f.AtSec + f.DetectSec + f.PeeringSec)
	degraded := epoch{at: serve, acting: p.epochs[0].acting.without(down, p.costs.Protection.Replicated), down: down}
	p.epochs = append(p.epochs, degraded)
	p.lost = ticks(f.AtSec)
	out := ticks(f.AtSec + f.DetectSec + f.OutSec)
	if out < serve {
		out = serve
	}
	p.backfillAt = out
	rebuilt, err := place(&p.costs, down)
	if err != nil {
		return err
	}
	p.planMoves(rebuilt, down)
	return nil
}

// peer is a node under a new map: what waits for an OSD that is gone starts anew.
func (p *Pool) peer(ctx *sim.Context, n *node, to int) {
	before := p.epochs[n.epoch].acting
	n.epoch = to
	down := p.epochs[to].down
	for e := range n.ops {
		q := &n.ops[e]
		if !q.used || n.osds[q.osd].down || q.stage == workMove || q.stage == workMoveWrite {
			continue
		}
		again := false
		for at, o := range before.of(int(q.arg & (1<<slotBits - 1))) {
			again = again || q.mask&(1<<at) != 0 && o != none && down[o]
		}
		if !again {
			continue
		}
		arg, osd := q.arg, q.osd
		n.close(uint32(e))
		if primary(p.epochs[to].acting.of(int(arg&(1<<slotBits-1))), p.live) != none {
			p.plan(ctx, n, osd, arg)
		}
	}
	p.dispatch(ctx, n)
}

// lose takes a node's OSDs that fail at this time.
func (p *Pool) lose(n *node, self sim.Entity) {
	for i := range n.osds {
		o := &n.osds[i]
		if !p.epochs[1].down[int(self)*p.costs.PerNode+i] {
			continue
		}
		o.down = true
		o.queue = queue{}
	}
	for e := range n.ops {
		if q := &n.ops[e]; q.used && n.osds[q.osd].down {
			n.close(uint32(e))
		}
	}
}

// resend is a client host under a new map: requests whose primary changed go to the new one, and those that
// could not be served are tried again.
func (p *Pool) resend(ctx *sim.Context, h *host, self uint32, to int) {
	before := p.epochs[h.epoch].acting
	h.epoch = to
	for s := range h.requests {
		r := &h.requests[s]
		if !r.live {
			continue
		}
		was, is := primary(before.of(int(r.pg)), p.live), primary(p.epochs[to].acting.of(int(r.pg)), p.live)
		switch {
		case is == none:
			r.stuck = true
		case was != is || r.stuck:
			r.stuck = false
			r.gen = (r.gen + 1) & (1<<genBits - 1)
			h.resent++
			p.transmit(ctx, h, self, uint32(s))
		}
	}
}
