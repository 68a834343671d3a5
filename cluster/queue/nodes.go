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
	count     []int // of nodes in each set
	leafFree  []int // wholly free nodes of each leaf
	freeGPUs  int
	flat      bool // one GPU a node and one leaf: nodes are interchangeable
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
	n := &nodes{perNode: int32(p.GPUsPerNode), leafNodes: p.LeafNodes, podLeaves: p.PodLeaves, freeGPUs: p.gpus(), flat: flat}
	if flat {
		return n
	}
	if n.leafNodes == 0 {
		n.leafNodes = p.Nodes
	}
	leaves := (p.Nodes + n.leafNodes - 1) / n.leafNodes
	if n.podLeaves == 0 {
		n.podLeaves = leaves
	}
	n.free, n.down = make([]int32, p.Nodes), make([]bool, p.Nodes)
	n.sets, n.count = make([]set, p.GPUsPerNode+1), make([]int, p.GPUsPerNode+1)
	n.leafFree = make([]int, leaves)
	for f := range n.sets {
		n.sets[f] = newSet(p.Nodes)
	}
	for i := range n.free {
		n.free[i] = n.perNode
		n.sets[n.perNode].add(i)
		n.leafFree[i/n.leafNodes]++
	}
	n.count[n.perNode] = p.Nodes
	return n
}

// move changes the free GPUs of a node that is up.
func (n *nodes) move(i int, free int32) {
	old := n.free[i]
	n.sets[old].remove(i)
	n.count[old]--
	n.sets[free].add(i)
	n.count[free]++
	if old == n.perNode {
		n.leafFree[i/n.leafNodes]--
	}
	if free == n.perNode {
		n.leafFree[i/n.leafNodes]++
	}
	n.freeGPUs += int(free - old)
	n.free[i] = free
}

// fits says whether a gang of so many GPUs can be placed now.
func (n *nodes) fits(gpus int) bool {
	if gpus > n.freeGPUs {
		return false
	}
	if n.flat {
		return true
	}
	whole, rest := gpus/int(n.perNode), gpus%int(n.perNode)
	if n.count[n.perNode] < whole {
		return false
	}
	if rest == 0 {
		return true
	}
	if n.count[n.perNode] > whole {
		return true
	}
	for f := rest; f < int(n.perNode); f++ {
		if n.count[f] > 0 {
			return true
		}
	}
	return false
}

// take places a gang that fits, appends its grants to out and says how far it is spread:
// 0 one node, 1 one leaf, 2 one pod, 3 beyond.
func (n *nodes) take(gpus int, out []grant) (_ []grant, level int) {
	if n.flat {
		n.freeGPUs -= gpus
		return out, 0
	}
	whole, rest := gpus/int(n.perNode), int32(gpus%int(n.perNode))
	from := len(out)
	if whole > 0 {
		out = n.takeWhole(whole, out)
	}
	if rest > 0 {
		// The fullest node that holds the rest; for a gang of several nodes one on a leaf
		// that it already uses is looked for first.
		at := -1
		if whole > 0 {
			leaf := int(out[from].node) / n.leafNodes
			for f := rest; f <= n.perNode && at < 0; f++ {
				if i := n.sets[f].first(leaf * n.leafNodes); i >= 0 && i/n.leafNodes == leaf {
					at = i
				}
			}
		}
		for f := rest; f <= n.perNode && at < 0; f++ {
			at = n.sets[f].first(0)
		}
		n.move(at, n.free[at]-rest)
		out = append(out, grant{int32(at), rest})
	}
	return out, n.level(out[from:])
}

// takeWhole takes wholly free nodes: of the leaf with the fewest that suffice, else of the
// pod with the fewest that suffice, else from the leaves that have most.
func (n *nodes) takeWhole(k int, out []grant) []grant {
	best := -1
	for l, f := range n.leafFree {
		if f >= k && (best < 0 || f < n.leafFree[best]) {
			best = l
		}
	}
	if best >= 0 {
		return n.takeLeaf(best, k, out)
	}
	pods := (len(n.leafFree) + n.podLeaves - 1) / n.podLeaves
	pod, podFree := -1, 0
	if pods > 1 {
		for p := range pods {
			sum := 0
			for l := p * n.podLeaves; l < min((p+1)*n.podLeaves, len(n.leafFree)); l++ {
				sum += n.leafFree[l]
			}
			if sum >= k && (pod < 0 || sum < podFree) {
				pod, podFree = p, sum
			}
		}
	}
	lo, hi := 0, len(n.leafFree)
	if pod >= 0 {
		lo, hi = pod*n.podLeaves, min((pod+1)*n.podLeaves, len(n.leafFree))
	}
	for k > 0 {
		most := lo
		for l := lo; l < hi; l++ {
			if n.leafFree[l] > n.leafFree[most] {
				most = l
			}
		}
		now := min(k, n.leafFree[most])
		if now == 0 {
			panic("queue: invariant: fewer free nodes than were counted")
		}
		out = n.takeLeaf(most, now, out)
		k -= now
	}
	return out
}

func (n *nodes) takeLeaf(leaf, k int, out []grant) []grant {
	i := leaf * n.leafNodes
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
		n.freeGPUs += gpus
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

// fail takes a node out; what it had free is gone until it is back.
func (n *nodes) fail(i int) {
	f := n.free[i]
	n.sets[f].remove(i)
	n.count[f]--
	if f == n.perNode {
		n.leafFree[i/n.leafNodes]--
	}
	n.freeGPUs -= int(f)
	n.down[i] = true
}

// repair brings a node back.
func (n *nodes) repair(i int) {
	f := n.free[i]
	n.down[i] = false
	n.sets[f].add(i)
	n.count[f]++
	if f == n.perNode {
		n.leafFree[i/n.leafNodes]++
	}
	n.freeGPUs += int(f)
}
