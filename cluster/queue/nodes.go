package queue

import "math/bits"

// grant is GPUs of one node.
type grant struct{ node, gpus int32 }

// nodes keeps the free GPUs of a pool's nodes. Nodes with equally many free GPUs stand in
// one set, from which the first is taken.
type nodes struct {
	perNode   int32
	leafNodes int
	podLeaves int
	free      []int32
	down      []bool
	sets      []set // by number of free GPUs; nodes that are down are in none
	leaves    int
	views     []view // all nodes, then the partitions
	flat      bool   // one GPU a node and one leaf: nodes are interchangeable
}

// view is a range of a pool's nodes: all, or those of a partition. Ranges may overlap.
type view struct {
	lo, hi   int
	count    []int // nodes that are up by free GPUs
	leafFree []int // wholly free nodes of each leaf
	freeGPUs int
	ends     ends // when its GPUs are expected back
}

// shift counts a node into (+1) or out of (-1) the views that it is in.
func (n *nodes) shift(i int, free int32, sign int) {
	for v := range n.views {
		x := &n.views[v]
		if i < x.lo || i >= x.hi {
			continue
		}
		x.count[free] += sign
		x.freeGPUs += sign * int(free)
		if free == n.perNode {
			x.leafFree[i/n.leafNodes] += sign
		}
	}
}

// within is how many GPUs of a gang lie in a view.
func (n *nodes) within(v int, gpus int32, g []grant) (sum int32) {
	if v == 0 {
		return gpus
	}
	for _, x := range g {
		if int(x.node) >= n.views[v].lo && int(x.node) < n.views[v].hi {
			sum += x.gpus
		}
	}
	return sum
}

// set of nodes as bits, with a summary bit for each word.
type set struct{ words, summary []uint64 }

func newSet(n int) set {
	w := (n + 63) / 64
	return set{make([]uint64, w), make([]uint64, (w+63)/64)}
}

func (s *set) add(i int) {
	s.words[i>>6] |= 1 << (i & 63)
	s.summary[i>>12] |= 1 << (i >> 6 & 63)
}

func (s *set) remove(i int) {
	s.words[i>>6] &^= 1 << (i & 63)
	if s.words[i>>6] == 0 {
		s.summary[i>>12] &^= 1 << (i >> 6 & 63)
	}
}

func (s *set) has(i int) bool { return s.words[i>>6]>>(i&63)&1 != 0 }

// first is the smallest member from i on, or -1.
func (s *set) first(i int) int {
	w := i >> 6
	if w >= len(s.words) {
		return -1
	}
	if rest := s.words[w] >> (i & 63); rest != 0 {
		return i + bits.TrailingZeros64(rest)
	}
	w++
	for k := w >> 6; k < len(s.summary); k++ {
		m := s.summary[k]
		if k == w>>6 {
			m = m >> (w & 63) << (w & 63)
		}
		if m != 0 {
			w = k<<6 + bits.TrailingZeros64(m)
			return w<<6 + bits.TrailingZeros64(s.words[w])
		}
	}
	return -1
}

func newNodes(p Pool, flat bool) *nodes {
	n := &nodes{perNode: int32(p.GPUsPerNode), leafNodes: p.LeafNodes, podLeaves: p.PodLeaves, flat: flat, views: []view{{hi: p.Nodes}}}
	if n.leafNodes == 0 {
		n.leafNodes = p.Nodes
	}
	n.leaves = (p.Nodes + n.leafNodes - 1) / n.leafNodes
	if flat {
		n.views[0].freeGPUs = p.gpus()
		return n
	}
	if n.podLeaves == 0 {
		n.podLeaves = n.leaves
	}
	n.free, n.down = make([]int32, p.Nodes), make([]bool, p.Nodes)
	n.sets = make([]set, p.GPUsPerNode+1)
	for f := range n.sets {
		n.sets[f] = newSet(p.Nodes)
	}
	for _, x := range p.Partitions {
		n.views = append(n.views, view{lo: x.First, hi: x.First + x.Nodes})
	}
	for v := range n.views {
		n.views[v].count, n.views[v].leafFree = make([]int, p.GPUsPerNode+1), make([]int, n.leaves)
	}
	for i := range n.free {
		n.free[i] = n.perNode
		n.sets[n.perNode].add(i)
		n.shift(i, n.perNode, 1)
	}
	return n
}

// move changes the free GPUs of a node that is up.
func (n *nodes) move(i int, free int32) {
	old := n.free[i]
	n.sets[old].remove(i)
	n.shift(i, old, -1)
	n.sets[free].add(i)
	n.shift(i, free, 1)
	n.free[i] = free
}

// fits says whether a gang of so many GPUs can be placed in the view now.
func (n *nodes) fits(v, gpus int) bool {
	x := &n.views[v]
	if gpus > x.freeGPUs {
		return false
	}
	if n.flat {
		return true
	}
	whole, rest := gpus/int(n.perNode), gpus%int(n.perNode)
	if x.count[n.perNode] < whole {
		return false
	}
	if rest == 0 {
		return true
	}
	if x.count[n.perNode] > whole {
		return true
	}
	for f := rest; f < int(n.perNode); f++ {
		if x.count[f] > 0 {
			return true
		}
	}
	return false
}

// take places a gang that fits, appends its grants to out and says how far it is spread:
// 0 one node, 1 one leaf, 2 one pod, 3 beyond.
func (n *nodes) take(v, gpus int, out []grant) (_ []grant, level int) {
	x := &n.views[v]
	if n.flat {
		x.freeGPUs -= gpus
		return out, 0
	}
	whole, rest := gpus/int(n.perNode), int32(gpus%int(n.perNode))
	from := len(out)
	if whole > 0 {
		out = n.takeWhole(x, whole, out)
	}
	if rest > 0 {
		// The fullest node that holds the rest; for a gang of several nodes one on a leaf
		// that it already uses is looked for first.
		at := -1
		if whole > 0 {
			leaf := int(out[from].node) / n.leafNodes
			for f := rest; f <= n.perNode && at < 0; f++ {
				if i := n.sets[f].first(max(x.lo, leaf*n.leafNodes)); i >= 0 && i < x.hi && i/n.leafNodes == leaf {
					at = i
				}
			}
		}
		for f := rest; f <= n.perNode && at < 0; f++ {
			if i := n.sets[f].first(x.lo); i < x.hi {
				at = i
			}
		}
		n.move(at, n.free[at]-rest)
		out = append(out, grant{int32(at), rest})
	}
	return out, n.level(out[from:])
}

// takeWhole takes wholly free nodes: of the leaf with the fewest that suffice, else of the
// pod with the fewest that suffice, else from the leaves that have most.
func (n *nodes) takeWhole(x *view, k int, out []grant) []grant {
	best := -1
	for l, f := range x.leafFree {
		if f >= k && (best < 0 || f < x.leafFree[best]) {
			best = l
		}
	}
	if best >= 0 {
		return n.takeLeaf(x, best, k, out)
	}
	pods := (len(x.leafFree) + n.podLeaves - 1) / n.podLeaves
	pod, podFree := -1, 0
	if pods > 1 {
		for p := range pods {
			sum := 0
			for l := p * n.podLeaves; l < min((p+1)*n.podLeaves, len(x.leafFree)); l++ {
				sum += x.leafFree[l]
			}
			if sum >= k && (pod < 0 || sum < podFree) {
				pod, podFree = p, sum
			}
		}
	}
	lo, hi := 0, len(x.leafFree)
	if pod >= 0 {
		lo, hi = pod*n.podLeaves, min((pod+1)*n.podLeaves, len(x.leafFree))
	}
	for k > 0 {
		most := lo
		for l := lo; l < hi; l++ {
			if x.leafFree[l] > x.leafFree[most] {
				most = l
			}
		}
		now := min(k, x.leafFree[most])
		if now == 0 {
			panic("queue: invariant: fewer free nodes than were counted")
		}
		out = n.takeLeaf(x, most, now, out)
		k -= now
	}
	return out
}

func (n *nodes) takeLeaf(x *view, leaf, k int, out []grant) []grant {
	i := max(x.lo, leaf*n.leafNodes)
	for range k {
		i = n.sets[n.perNode].first(i)
		n.move(i, 0)
		out = append(out, grant{int32(i), n.perNode})
	}
	return out
}

func (n *nodes) level(g []grant) int {
	if len(g) == 1 {
		return 0
	}
	leaf := int(g[0].node) / n.leafNodes
	level := 1
	for _, x := range g[1:] {
		l := int(x.node) / n.leafNodes
		if l != leaf {
			level = max(level, 2)
		}
		if l/n.podLeaves != leaf/n.podLeaves {
			return 3
		}
	}
	return level
}

// release gives back a gang's GPUs.
func (n *nodes) release(gpus int, g []grant) {
	if n.flat {
		n.views[0].freeGPUs += gpus
		return
	}
	for _, x := range g {
		if n.down[x.node] {
			n.free[x.node] += x.gpus // seen again when the node is back
		} else {
			n.move(int(x.node), n.free[x.node]+x.gpus)
		}
	}
}

// fitsInstead says whether a gang of so many GPUs can be placed where another, placed, is
// given back.
func (n *nodes) fitsInstead(v int, had int32, g []grant, gpus int32) bool {
	n.release(int(had), g)
	ok := n.fits(v, int(gpus))
	if n.flat {
		n.views[0].freeGPUs -= int(had)
	}
	for _, x := range g {
		if n.down[x.node] {
			n.free[x.node] -= x.gpus
		} else {
			n.move(int(x.node), n.free[x.node]-x.gpus)
		}
	}
	return ok
}

// fail takes a node out; what it had free is gone until it is back.
func (n *nodes) fail(i int) {
	n.sets[n.free[i]].remove(i)
	n.shift(i, n.free[i], -1)
	n.down[i] = true
}

// repair brings a node back.
func (n *nodes) repair(i int) {
	n.down[i] = false
	n.sets[n.free[i]].add(i)
	n.shift(i, n.free[i], 1)
}

func (n *nodes) freeGPUs() int { return n.views[0].freeGPUs }
