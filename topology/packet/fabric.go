package packet

import (
	"fmt"
	"math"

	"aisim/sim"
	"aisim/topology"
)

// fabric is the graph as the hot loop wants it: live links only, their sending ends
// numbered by the node that they leave, their receiving ends by the node that they
// enter, so that a node's state lies together.
type fabric struct {
	g     *topology.Graph
	link  []topology.LinkID // of each sending end
	from  []topology.NodeID
	to    []topology.NodeID
	out   []int32 // first sending end of each node; len = nodes+1
	in    []int32 // first receiving end of each node
	peer  []int32 // sending end → receiving end
	back  []int32 // receiving end → sending end
	end   []int32 // LinkID → sending end, -1 if down
	rate  []float64
	num   []uint64 // ticks of a byte, per sending end
	den   []uint64
	delay []sim.Duration
}

func newFabric(g *topology.Graph) (*fabric, error) {
	n, m := g.NumNodes(), g.NumLinks()
	f := &fabric{g: g, out: make([]int32, n+1), in: make([]int32, n+1), end: make([]int32, m)}
	for v := range n {
		f.out[v] = int32(len(f.link))
		for _, id := range g.Out(topology.NodeID(v)) {
			f.end[id] = -1
			l := g.Link(id)
			if l.Failed {
				continue
			}
			delay, err := sim.FromSeconds(l.LatencySec)
			switch {
			case !(l.BytesPerSec >= minRate && l.BytesPerSec < 1e14):
				return nil, fmt.Errorf("packet: link %s → %s runs at %g B/s, must be %g to 1e14", g.Name(l.From), g.Name(l.To), l.BytesPerSec, minRate)
			case err != nil || delay < 0 || delay > math.MaxUint32:
				return nil, fmt.Errorf("packet: link %s → %s has a latency of %g s, must be 0 to 0.4", g.Name(l.From), g.Name(l.To), l.LatencySec)
			}
			f.end[id] = int32(len(f.link))
			f.link = append(f.link, id)
			f.from = append(f.from, l.From)
			f.to = append(f.to, l.To)
			f.rate = append(f.rate, l.BytesPerSec)
			num, den := ratio(l.BytesPerSec)
			f.num = append(f.num, num)
			f.den = append(f.den, den)
			f.delay = append(f.delay, delay)
		}
	}
	f.out[n] = int32(len(f.link))
	for _, v := range f.to {
		f.in[v+1]++
	}
	for v := range n {
		f.in[v+1] += f.in[v]
	}
	next := append([]int32(nil), f.in[:n]...)
	f.peer = make([]int32, len(f.link))
	f.back = make([]int32, len(f.link))
	for p, v := range f.to {
		f.peer[p] = next[v]
		f.back[next[v]] = int32(p)
		next[v]++
	}
	if 2*len(f.link) > sim.MaxEntities {
		return nil, fmt.Errorf("packet: %d links are more than %d", len(f.link), sim.MaxEntities/2)
	}
	return f, nil
}

// name says which link a sending end is.
func (f *fabric) name(p int32) string { return f.g.Name(f.from[p]) + " → " + f.g.Name(f.to[p]) }

// parts cuts the graph into at most want parts that may run at the same time (0: 64)
// and returns the part of each node and the lookahead. Where taking out the highest tier
// of switches leaves several components (pods), these are kept whole and the highest
// tier is dealt over them; otherwise nodes are cut in the order of a breadth-first
// search.
func (f *fabric) parts(want int) (part []uint16, n int, lookahead sim.Duration) {
	nodes := f.g.NumNodes()
	if want == 0 {
		want = 64
	}
	top := 0
	tier := make([]uint8, nodes)
	for v := range nodes {
		if f.g.Kind(topology.NodeID(v)) == topology.Switch {
			tier[v] = uint8(f.g.Node(topology.NodeID(v)).Tier)
			top = max(top, int(tier[v]))
		}
	}
	comp, comps := f.components(tier, uint8(top))
	part = make([]uint16, nodes)
	if comps > 1 && top > 0 {
		want = min(want, comps)
		dealt := 0
		for v := range nodes {
			if comp[v] >= 0 {
				part[v] = uint16(int(comp[v]) * want / comps)
			} else {
				part[v] = uint16(dealt % want)
				dealt++
			}
		}
	} else {
		want = min(want, max(1, nodes/8))
		order := f.breadthFirst()
		for i, v := range order {
			part[v] = uint16(i * want / nodes)
		}
	}
	lookahead = sim.Never
	for p := range f.link {
		if part[f.from[p]] != part[f.to[p]] {
			lookahead = min(lookahead, f.delay[p])
		}
	}
	if want == 1 || lookahead < 2 || lookahead == sim.Never {
		clear(part)
		return part, 1, 0
	}
	return part, want, lookahead
}

// components numbers the components that are left without the switches of one tier, in
// the order of their first node; those switches get -1.
func (f *fabric) components(tier []uint8, without uint8) (comp []int32, n int) {
	comp = make([]int32, len(tier))
	for v := range comp {
		comp[v] = -2
		if without > 0 && tier[v] == without {
			comp[v] = -1
		}
	}
	var stack []topology.NodeID
	for v := range comp {
		if comp[v] != -2 {
			continue
		}
		comp[v] = int32(n)
		for stack = append(stack[:0], topology.NodeID(v)); len(stack) > 0; {
			u := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for p := f.out[u]; p < f.out[u+1]; p++ {
				if w := f.to[p]; comp[w] == -2 {
					comp[w] = int32(n)
					stack = append(stack, w)
				}
			}
		}
		n++
	}
	return comp, n
}

func (f *fabric) breadthFirst() []topology.NodeID {
	seen := make([]bool, f.g.NumNodes())
	order := make([]topology.NodeID, 0, len(seen))
	for v := range seen {
		if seen[v] {
			continue
		}
		seen[v] = true
		order = append(order, topology.NodeID(v))
		for head := len(order) - 1; head < len(order); head++ {
			for p := f.out[order[head]]; p < f.out[order[head]+1]; p++ {
				if w := f.to[p]; !seen[w] {
					seen[w] = true
					order = append(order, w)
				}
			}
		}
	}
	return order
}
