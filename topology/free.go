package topology

import (
	"fmt"
	"sync/atomic"
)

// freeNet is a network of switches without a formula for its wiring: a dragonfly+, or
// what a file lists. Routes are found by breadth-first search and remembered per
// destination switch.
type freeNet struct {
	dragonfly bool
	first     NodeID // switch 0
	switches  int
	// toward[s] is filled when a route to switch s is first asked for. Whoever fills it
	// first, the content is the same.
	toward []atomic.Pointer[reach]
	byName map[string][]NodeID
}

// reach says how far each switch is from one destination, and by how many shortest
// paths.
type reach struct {
	hops  []uint16
	paths []float64
}

const unreached = ^uint16(0)

func (g *Graph) newFreeNet(first NodeID, switches int) *freeNet {
	return &freeNet{first: first, switches: switches, toward: make([]atomic.Pointer[reach], switches)}
}

// reach finds the live shortest paths to switch dst.
func (g *Graph) reach(dst int) *reach {
	f := g.free
	if r := f.toward[dst].Load(); r != nil {
		return r
	}
	r := &reach{hops: make([]uint16, f.switches), paths: make([]float64, f.switches)}
	for i := range r.hops {
		r.hops[i] = unreached
	}
	r.hops[dst], r.paths[dst] = 0, 1
	queue := []int32{int32(dst)}
	for head := 0; head < len(queue); head++ {
		x := queue[head]
		for _, id := range g.Out(f.first + NodeID(x)) {
			y := int32(g.to[id] - f.first)
			if g.level[id] <= NICLevel || g.failed[id] {
				continue
			}
			if r.hops[y] == unreached {
				r.hops[y] = r.hops[x] + 1
				queue = append(queue, y)
			}
			if r.hops[y] == r.hops[x]+1 {
				r.paths[y] += r.paths[x]
			}
		}
	}
	f.toward[dst].Store(r)
	return r
}

// freeRoute routes between two NICs of a free network.
func (r *router) freeRoute(a, b int32, salt uint64, w float64, out []Share) ([]Share, float64, error) {
	g := r.g
	f := g.free
	up, down := g.nicUp[a], g.nicUp[b]+1
	src, dst := g.nicTo[a], g.nicTo[b]
	to := g.reach(int(dst))
	if to.hops[src] == unreached {
		return out, 0, fmt.Errorf("no live link leads from %s to %s", g.Name(f.first+NodeID(src)), g.Name(f.first+NodeID(dst)))
	}
	out = append(out, Share{up, w})
	lat := g.lat[up] + g.lat[down]
	if g.mode == adaptive {
		var l float64
		out, l = r.freeSpread(src, dst, to, w, out)
		return append(out, Share{down, w}), lat + l, nil
	}
	for x, hop := src, 0; x != dst; hop++ {
		next := 0 // live links that are on a shortest path
		for _, id := range g.Out(f.first + NodeID(x)) {
			if g.onward(id, to, x) {
				next++
			}
		}
		nth := int(b) % next
		if g.mode == ecmp {
			nth = g.port(next, 1, a, b, hop, salt)
		}
		for _, id := range g.Out(f.first + NodeID(x)) {
			if !g.onward(id, to, x) {
				continue
			}
			if nth == 0 {
				out = append(out, Share{id, w})
				lat += g.lat[id]
				x = int32(g.to[id] - f.first)
				break
			}
			nth--
		}
	}
	return append(out, Share{down, w}), lat, nil
}

// onward says whether link id of switch x is live and on a shortest path.
func (g *Graph) onward(id LinkID, to *reach, x int32) bool {
	return g.level[id] > NICLevel && !g.failed[id] && to.hops[g.to[id]-g.free.first]+1 == to.hops[x]
}

// freeSpread splits evenly over all shortest paths: a link's share is the paths through
// it over all paths. Switches are taken in the order of their distance.
func (r *router) freeSpread(src, dst int32, to *reach, w float64, out []Share) ([]Share, float64) {
	g := r.g
	f := g.free
	if len(r.freeW) < f.switches {
		r.freeW, r.freeLat = make([]float64, f.switches), make([]float64, f.switches)
	}
	layer := append(r.layer[:0], src)
	r.freeW[src], r.freeLat[src] = w, 0
	for at := 0; at < len(layer); at++ {
		x := layer[at]
		if x == dst {
			continue
		}
		wx, lx := r.freeW[x], r.freeLat[x]
		r.freeW[x] = 0
		for _, id := range g.Out(f.first + NodeID(x)) {
			if !g.onward(id, to, x) {
				continue
			}
			y := int32(g.to[id] - f.first)
			share := wx * to.paths[y] / to.paths[x]
			out = append(out, Share{id, share})
			if r.freeW[y] == 0 {
				layer = append(layer, y)
				r.freeLat[y] = 0
			}
			r.freeW[y] += share
			r.freeLat[y] = max(r.freeLat[y], lx+g.lat[id])
		}
	}
	r.freeW[dst] = 0
	r.layer = layer
	return out, r.freeLat[dst]
}

// checkConnected refuses a network in two or more pieces, naming a host of each. A real
// fabric that was only imported to look at it may be in pieces: Lint says so.
func (g *Graph) checkConnected(file *fileNet) error {
	if g.free == nil || file != nil && file.lenient {
		return nil
	}
	a, b, cut := g.pieces()
	if cut == 0 {
		return nil
	}
	return fmt.Errorf("topology: the fabric is not connected: no cables lead from %s to %s", g.Name(a), g.Name(b))
}

// pieces looks for NICs that the first NIC cannot reach over switches: it gives the
// first of both sides and the number of NICs cut off.
func (g *Graph) pieces() (a, b NodeID, cut int) {
	if g.nics == 0 {
		return 0, 0, 0
	}
	to := g.reach(int(g.nicTo[0]))
	a = g.from[g.nicUp[0]]
	for k, leaf := range g.nicTo {
		if to.hops[leaf] == unreached {
			if cut++; cut == 1 {
				b = g.from[g.nicUp[k]]
			}
		}
	}
	return a, b, cut
}
