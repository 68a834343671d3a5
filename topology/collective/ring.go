package collective

import "aisim/topology"

// layRing is NCCL's ring: as many rings (channels) as a domain has ranks, each entering
// and leaving every domain at its own rank, so that all NICs work. Every second domain
// is walked backwards, which keeps a channel on its rail. Each edge carries
// passes·(n−1)/n of S.
func layRing(passes float64) func(*builder, *placed) error {
	return func(b *builder, g *placed) error {
		n := float64(len(g.ranks))
		channels := g.width
		bytes := passes * (n - 1) / n / float64(channels)
		for ch := range channels {
			var first, last topology.NodeID = -1, -1
			for d, dom := range g.domains {
				m := len(dom)
				for k := range m {
					at := (ch + k) % m
					if d%2 == 1 {
						at = (ch - 1 - k + 2*m*(1+ch/m)) % m
					}
					rank := dom[at]
					if last < 0 {
						first = rank
					} else if err := b.edge(last, rank, bytes, ch == 0); err != nil {
						return err
					}
					last = rank
				}
			}
			if err := b.edge(last, first, bytes, ch == 0); err != nil {
				return err
			}
		}
		b.own(g)
		b.chain(passes*(n-1), n)
		return nil
	}
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
