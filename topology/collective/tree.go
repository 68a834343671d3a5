package collective

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

// secondTree is the place in the second tree of place i of the first.
func secondTree(i, n int) int {
	if n%2 == 0 {
		return n - 1 - i
	}
	return (i + 1) % n
}

// layTreeEdges is the double binary tree over domains (Sanders, Speck & Träff 2009;
// NCCL 2.4): two trees with half the data each, the second a mirror (even n) or a shift
// (odd n) of the first, so that a rank is inner in at most one. Each index in the domain
// is a channel with its share of the data.
func layTreeEdges(b *builder, g *placed) error {
	n := len(g.domains)
	half := 0.5 / float64(g.width)
	for i := 1; i < n; i++ {
		up := parent(i, n)
		for tree := range 2 {
			x, y := i, up
			if tree == 1 {
				x, y = secondTree(i, n), secondTree(up, n)
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
	if b.net > 0 {
		b.ph.netSteps = max(b.ph.netSteps, depth)
	} else { // blocks of one wide domain
		b.ph.scaleSteps = max(b.ph.scaleSteps, depth)
	}
	b.ph.wireSec = max(b.ph.wireSec, depth*wire)
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	return nil
}

// layTree: reduce along a chain in each domain to the channel's rank, the double tree
// between domains, and back.
func layTree(b *builder, g *placed) error {
	if len(g.domains) == 1 {
		g = blocks(g)
	}
	deep := b.ph.scaleSteps
	if err := layTreeEdges(b, g); err != nil {
		return err
	}
	deep = b.ph.scaleSteps - deep
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
			b.ph.scaleSteps = max(b.ph.scaleSteps, deep+2*float64(min(m-1, maxChainSteps)))
		}
		b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
	}
	b.ph.wireSec += 2 * hop * float64(min(g.width-1, maxChainSteps))
	return nil
}

// maxChainSteps: beyond a chain of eight, libraries split the domain (kernel,
// collective and storage notes, B1: 2·min(g−1, 7)·l).
const maxChainSteps = 7

// chainChips is how many chips of one switch domain a chain joins; wider domains are a
// tree over blocks of them, as libraries treat the hosts of a rack-wide domain.
const chainChips = 8

// blocks cuts one wide domain into blocks of chainChips.
func blocks(g *placed) *placed {
	out := &placed{ranks: g.ranks, even: len(g.ranks)%chainChips == 0}
	for at := 0; at < len(g.ranks); at += chainChips {
		block := g.ranks[at:min(at+chainChips, len(g.ranks))]
		out.domains = append(out.domains, block)
		out.width = max(out.width, len(block))
	}
	return out
}
