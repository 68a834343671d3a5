package collective

import "aisim/topology"

// layRing is NCCL's ring: as many rings (channels) as a domain has ranks, each entering
// and leaving every domain at its own rank, so that all NICs work. Every second domain
// is walked backwards, which keeps a channel on its rail; on a mesh the channels zigzag
// over all its links. Each edge carries passes·(n−1)/n of S.
func layRing(passes float64) func(*builder, *placed) error {
	return func(b *builder, g *placed) error {
		n := float64(len(g.ranks))
		bytes := passes * (n - 1) / n / float64(g.width)
		su, _ := b.g.ScaleUpOf(g.ranks[0])
		for ch := range g.width {
			b.order = g.ringOrder(ch, su.Kind, b.order[:0])
			for i, rank := range b.order {
				if err := b.edge(rank, b.order[(i+1)%len(b.order)], bytes, ch == 0); err != nil {
					return err
				}
			}
		}
		b.own(g)
		b.chain(passes*(n-1), n)
		return nil
	}
}

// ringOrder appends the ranks in the order in which a channel's ring visits them.
func (g *placed) ringOrder(ch int, kind string, order []topology.NodeID) []topology.NodeID {
	zigzag := kind == "mesh" && len(g.domains) > 1 && g.even && g.width%2 == 0
	for d, dom := range g.domains {
		m := len(dom)
		for k := range m {
			at := (ch + k) % m
			if zigzag {
				at = zigzagAt(ch+d%2*m/2, k, m)
			} else if d%2 == 1 {
				at = (ch - 1 - k + 2*m*(1+ch/m)) % m
			}
			order = append(order, dom[at])
		}
	}
	return order
}

// zigzagAt is place k of the path first, first+1, first−1, first+2, … over m places
// (Walecki; Lucas 1892): over all m starts, each pair of a mesh is used once each way.
func zigzagAt(first, k, m int) int {
	step := (k + 1) / 2
	if k%2 == 0 {
		step = -step
	}
	return ((first+step)%m + m) % m
}

// own books the part of S that a rank keeps: it is copied or reduced as well, by the
// same cores.
func (b *builder) own(g *placed) {
	if su, ok := b.g.ScaleUpOf(g.ranks[0]); ok && su.BytesPerSec > 0 {
		b.ph.ownPerCapacity = max(b.ph.ownPerCapacity, 1/float64(len(g.ranks))/su.BytesPerSec)
	}
}

// layRails rings over the domains, one ring per index in the domain, on 1/width of S.
func layRails(passes float64, _ bool) func(*builder, *placed) error {
	return func(b *builder, g *placed) error {
		n := float64(len(g.domains))
		bytes := passes * (n - 1) / n / float64(g.width)
		for i := range g.width {
			for d := range g.domains {
				next := g.domains[(d+1)%len(g.domains)][i]
				if err := b.edge(g.domains[d][i], next, bytes, i == 0); err != nil {
					return err
				}
			}
		}
		b.chain(passes*(n-1), n)
		return nil
	}
}

// inside is reduce-scatter or all-gather in each domain, by what its fabric does best.
func (c *Comm) inside(kind string, groups []placed, reduce bool) []phase {
	switch kind {
	case "mesh":
		return []phase{{traffic: ringTraffic, lay: perDomain(layDirect)}}
	case "torus", "ring":
		if boxes(c.g, groups) {
			return torusPhases(c.g, groups, reduce, !reduce)
		}
	}
	return []phase{{traffic: ringTraffic, lay: perDomain(layRing(1))}}
}

// perDomain applies a layout to each domain as a group of its own.
func perDomain(lay func(*builder, *placed) error) func(*builder, *placed) error {
	return func(b *builder, g *placed) error {
		for _, d := range g.domains {
			if len(d) < 2 {
				continue
			}
			sub := placed{ranks: d, domains: [][]topology.NodeID{d}, width: len(d), even: true}
			if err := lay(b, &sub); err != nil {
				return err
			}
		}
		return nil
	}
}

// layDirect: each rank sends 1/n of S to each other rank, all at once.
func layDirect(b *builder, g *placed) error {
	n := float64(len(g.ranks))
	for i, from := range g.ranks {
		for j, to := range g.ranks {
			if i != j {
				if err := b.edge(from, to, 1/n, i == 0); err != nil {
					return err
				}
			}
		}
	}
	b.longest()
	return nil
}

// longest books one step over the longest counted edge.
func (b *builder) longest() {
	wire := b.maxWire
	if b.net > 0 {
		b.ph.netSteps = max(b.ph.netSteps, 1)
	} else {
		b.ph.scaleSteps = max(b.ph.scaleSteps, 1)
	}
	b.ph.wireSec = max(b.ph.wireSec, wire)
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
}

// layChain: a pipelined broadcast from the first rank through all others, the data in
// as many channels as a domain has ranks.
func layChain(b *builder, g *placed) error {
	share := 1 / float64(g.width)
	for ch := range g.width {
		last := g.ranks[0]
		edges := 0
		visit := func(rank topology.NodeID) error {
			if rank == g.ranks[0] {
				return nil
			}
			err := b.edge(last, rank, share, ch == 0)
			last = rank
			edges++
			return err
		}
		for _, dom := range g.domains {
			for k := range dom {
				if err := visit(dom[(ch+k)%len(dom)]); err != nil {
					return err
				}
			}
		}
	}
	n := float64(len(g.ranks) - 1)
	b.chain(n, n)
	return nil
}

// laySendRecv: rank i sends S to rank i+1.
func laySendRecv(b *builder, g *placed) error {
	for i := range len(g.ranks) - 1 {
		if err := b.edge(g.ranks[i], g.ranks[i+1], 1, true); err != nil {
			return err
		}
	}
	b.longest()
	return nil
}
