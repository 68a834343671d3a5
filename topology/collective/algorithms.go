package collective

import (
	"fmt"

	"aisim/topology"
)

// maxPairs bounds algorithms that look at every pair of ranks of a group.
const maxPairs = 4 << 20

// algorithms lists those that fit an operation and all groups; a name asks for one.
func (c *Comm) algorithms(op Op, groups []placed, name string) ([]candidate, error) {
	one, wide, even, big := true, 1, true, 0
	kind := ""
	for i := range groups {
		g := &groups[i]
		one = one && len(g.domains) == 1
		wide = max(wide, g.width)
		even = even && g.even
		big = max(big, len(g.ranks))
		if g.width > 1 {
			su, _ := c.g.ScaleUpOf(g.domains[0][0])
			kind = su.Kind
		}
	}
	net := c.links.ScaleUp.InNetwork > 0 && kind == "switch"
	pairs := big*big <= maxPairs
	var out []candidate
	add := func(ok bool, name string, phases ...phase) {
		if ok {
			out = append(out, candidate{name, phases})
		}
	}
	ph := func(t traffic, lay func(*builder, *placed) error) phase { return phase{traffic: t, lay: lay} }
	torus := func(reduce, gather bool) []phase { return torusPhases(c.g, groups, reduce, gather) }
	isTorus := (kind == "torus" || kind == "ring") && one && boxes(c.g, groups)
	switch op {
	case AllReduce, Barrier:
		add(true, "ring", ph(ringTraffic, layRing(2)))
		add(!one, "tree", ph(ringTraffic, layTree))
		if even && !one && wide > 1 {
			scatter, gather := c.inside(kind, groups, true), c.inside(kind, groups, false)
			phases := append(scatter, ph(ringTraffic, layRails(2, false)))
			add(name == "hierarchical" || kind != "switch", "hierarchical", append(phases, gather...)...)
		}
		add(one && kind == "mesh", "direct", ph(ringTraffic, layDirect), ph(ringTraffic, layDirect))
		add(isTorus, "torus", torus(true, true)...)
		if net && wide > 2 {
			p := ph(switchTraffic, layNVLS)
			p.extraSec = nvlsFixedSec(wide)
			add(one, "nvls", p)
			p.traffic, p.lay = switchTreeTraffic, layNVLSTree
			add(!one && even, "nvls-tree", p)
		}
	case AllGather, ReduceScatter:
		add(true, "ring", ph(ringTraffic, layRing(1)))
		if even && !one && wide > 1 {
			in := c.inside(kind, groups, op == ReduceScatter)
			rails := ph(ringTraffic, layRails(1, op == AllGather))
			if op == AllGather {
				in = append([]phase{rails}, in...)
			} else {
				in = append(in, rails)
			}
			add(name == "hierarchical" || kind != "switch", "hierarchical", in...)
		}
		add(one && kind == "mesh" || name == "direct" && pairs, "direct", ph(ringTraffic, layDirect))
		add(isTorus, "torus", torus(op == ReduceScatter, op == AllGather)...)
	case AllToAll:
		add(true, "direct", ph(shuffleTraffic, layAllToAll))
		add(!one && wide > 1 && even && pairs, "pxn", ph(shuffleTraffic, layPXN))
	case Broadcast:
		add(true, "chain", ph(ringTraffic, layChain))
	case SendRecv:
		add(true, "direct", ph(pairTraffic, laySendRecv))
	}
	if name == "" {
		return out, nil
	}
	var names []string
	for i := range out {
		if out[i].name == name {
			return out[i : i+1], nil
		}
		names = append(names, out[i].name)
	}
	return nil, fmt.Errorf("collective: algorithm %q does not fit %s over these groups (want one of %v)", name, op, names)
}

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
		b.chain(passes*(n-1), n)
		return nil
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

// parent of rank i in a binary tree over n ranks whose inner ranks are the odd ones and
// multiples of higher powers of two; −1 for the root, rank 0.
func parent(i, n int) int {
	if i == 0 {
		return -1
	}
	bit := i & -i
	up := (i ^ bit) | bit<<1
	if up >= n {
		up = i ^ bit
	}
	return up
}

// treeDepth is the number of edges of the longest way to the root.
func treeDepth(n int) int {
	depth := 0
	for i := range n {
		d := 0
		for x := i; x > 0; x = parent(x, n) {
			d++
		}
		depth = max(depth, d)
	}
	return depth
}

// layTreeEdges is the double binary tree over domains (Sanders, Speck & Träff 2009;
// NCCL 2.4): two trees with half the data each, the second a mirror (even n) or a shift
// (odd n) of the first, so that a rank is inner in at most one. Each index in the domain
// is a channel with its share of the data.
func layTreeEdges(b *builder, g *placed) error {
	n := len(g.domains)
	second := func(i int) int {
		if n%2 == 0 {
			return n - 1 - i
		}
		return (i + 1) % n
	}
	half := 0.5 / float64(g.width)
	for i := 1; i < n; i++ {
		up := parent(i, n)
		for tree := range 2 {
			x, y := i, up
			if tree == 1 {
				x, y = second(i), second(up)
			}
			for ch := range g.width {
				a, z := g.domains[x][ch%len(g.domains[x])], g.domains[y][ch%len(g.domains[y])]
				if err := b.edge(a, z, half, tree == 0 && ch == 0); err != nil {
					return err
				}
				if err := b.edge(z, a, half, false); err != nil {
					return err
				}
			}
		}
	}
	wire := b.maxWire
	depth := float64(2 * treeDepth(n))
	b.ph.netSteps = max(b.ph.netSteps, depth)
	b.ph.wireSec = max(b.ph.wireSec, depth*wire)
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	return nil
}

// layTree: reduce along a chain in each domain to the channel's rank, the double tree
// between domains, and back.
func layTree(b *builder, g *placed) error {
	if err := layTreeEdges(b, g); err != nil {
		return err
	}
	share := 1 / float64(g.width)
	hop := 0.0
	for _, dom := range g.domains {
		m := len(dom)
		for ch := range g.width {
			for k := 1; k < m; k++ {
				x, y := dom[(ch+k)%m], dom[(ch+k-1)%m]
				if err := b.edge(x, y, share, true); err != nil {
					return err
				}
				if err := b.edge(y, x, share, false); err != nil {
					return err
				}
			}
		}
		if m > 1 {
			hop = max(hop, b.maxWire)
			b.ph.scaleSteps = max(b.ph.scaleSteps, 2*float64(min(m-1, maxChainSteps)))
		}
		b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	}
	b.ph.wireSec += 2 * hop * float64(min(g.width-1, maxChainSteps))
	return nil
}

// maxChainSteps: beyond a chain of eight, libraries split the domain (kernel,
// collective and storage notes, B1: 2·min(g−1, 7)·l).
const maxChainSteps = 7

// layNVLS: the switch reduces. A rank's links carry 2(n−1)/n of S in the convention in
// which in-network efficiency is given (bus bandwidth per line rate).
func layNVLS(b *builder, g *placed) error {
	for _, d := range g.domains {
		if len(d) < 2 {
			continue
		}
		m := float64(len(d))
		for i, x := range d {
			if err := b.edge(x, d[(i+1)%len(d)], 2*(m-1)/m, false); err != nil {
				return err
			}
		}
	}
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	return nil
}

func layNVLSTree(b *builder, g *placed) error {
	if err := layTreeEdges(b, g); err != nil {
		return err
	}
	return layNVLS(b, g)
}

// layAllToAll: S/n to every rank, oneself included, all at once. Libraries hide part of
// the step latencies: √(n−1) of them show (kernel, collective and storage notes, B1).
func layAllToAll(b *builder, g *placed) error {
	n := len(g.ranks)
	lat, err := b.load.AddUniform(g.ranks, 1/float64(n))
	if err != nil {
		return err
	}
	steps := sqrt(float64(n - 1))
	if len(g.domains) > 1 {
		b.ph.netSteps = max(b.ph.netSteps, steps)
	} else {
		b.ph.scaleSteps = max(b.ph.scaleSteps, steps)
	}
	b.ph.wireSec = max(b.ph.wireSec, lat)
	return nil
}

// layPXN: data for rank j of another domain goes first to rank j of one's own over the
// scale-up fabric, then along that rank's rail.
func layPXN(b *builder, g *placed) error {
	n := float64(len(g.ranks))
	domains, width := len(g.domains), g.width
	wire := 0.0
	for _, dom := range g.domains {
		for i, x := range dom {
			for j, y := range dom {
				if i != j {
					if err := b.edge(x, y, float64(domains)/n, true); err != nil {
						return err
					}
				}
			}
		}
	}
	wire += b.maxWire
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	for d, dom := range g.domains {
		for e := range g.domains {
			if d == e {
				continue
			}
			for j, x := range dom {
				if err := b.edge(x, g.domains[e][j], float64(width)/n, true); err != nil {
					return err
				}
			}
		}
	}
	wire += b.maxWire
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	b.ph.scaleSteps = max(b.ph.scaleSteps, 1)
	b.ph.netSteps = max(b.ph.netSteps, sqrt(float64(domains-1)))
	b.ph.wireSec = max(b.ph.wireSec, wire)
	return nil
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
