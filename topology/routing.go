package topology

import "fmt"

// router finds paths. It holds scratch space and belongs to one goroutine.
type router struct {
	g          *Graph
	nicA, nicB []int32
	cntA, cntB [4][]float64 // paths from a leaf up to each switch of its blocks, per tier
	wA, wB     [4][]float64
	queue      []NodeID
	via        []LinkID
	seen       []int32
	stamp      int32
	freeW      []float64 // share and latency at each switch of a free network
	freeLat    []float64
	layer      []int32
}

// Route lists the links of a transfer from chip or NIC src to chip or NIC dst with the
// fraction of its bytes that crosses each, and the latency of the longest path used. The
// salt tells flows of one pair apart under "ecmp". The result is appended to buf.
func (g *Graph) Route(src, dst NodeID, salt uint64, buf []Share) ([]Share, float64, error) {
	r := router{g: g}
	return r.route(src, dst, salt, 1, buf)
}

// Router finds routes without allocating in steady state. It holds scratch space and
// belongs to one goroutine.
type Router struct{ r router }

// NewRouter returns a Router of g.
func (g *Graph) NewRouter() *Router { return &Router{router{g: g}} }

// Route is Graph.Route.
func (r *Router) Route(src, dst NodeID, salt uint64, buf []Share) ([]Share, float64, error) {
	return r.r.route(src, dst, salt, 1, buf)
}

func (r *router) route(src, dst NodeID, salt uint64, w float64, out []Share) ([]Share, float64, error) {
	g := r.g
	if src == dst {
		return out, 0, nil
	}
	if int(src) >= len(g.kind) || int(dst) >= len(g.kind) || src < 0 || dst < 0 || g.kind[src] > NIC || g.kind[dst] > NIC {
		return out, 0, fmt.Errorf("topology: transfers go between chips and NICs, not from node %d to node %d", src, dst)
	}
	if d := g.Domain(src); d >= 0 && d == g.Domain(dst) {
		got, lat, ok := r.scaleUp(src, dst, w, out)
		if ok {
			return got, lat, nil
		}
		if !g.HasNetwork(src) {
			return out, 0, fmt.Errorf("topology: no route from %s to %s: the failed links cut their scale-up domain", g.Name(src), g.Name(dst))
		}
	}
	a, b := r.nicsOf(src, r.nicA[:0]), r.nicsOf(dst, r.nicB[:0])
	r.nicA, r.nicB = a, b
	if len(a) == 0 || len(b) == 0 {
		return out, 0, fmt.Errorf("topology: no route from %s to %s: no live NIC at %s", g.Name(src), g.Name(dst), g.Name(pick(len(a) == 0, src, dst)))
	}
	// A node with several NICs stripes over them, rail to rail.
	n := max(len(a), len(b))
	lat := 0.0
	for i := range n {
		var l float64
		var err error
		if x, y := a[i*len(a)/n], b[i*len(b)/n]; g.rails > 0 && g.rail(x) != g.rail(y) {
			out, l, err = r.acrossRails(src, dst, x, y, salt+uint64(i), w/float64(n), out)
		} else {
			out, l, err = r.network(x, y, salt+uint64(i), w/float64(n), out)
		}
		if err != nil {
			return out, 0, fmt.Errorf("topology: no route from %s to %s: %w", g.Name(src), g.Name(dst), err)
		}
		lat = max(lat, l)
	}
	return out, lat, nil
}

func pick(c bool, a, b NodeID) NodeID {
	if c {
		return a
	}
	return b
}

// nicsOf lists the live NICs, by their overall number, that a chip or NIC sends
// through: its own, else any live one of its host.
func (r *router) nicsOf(n NodeID, out []int32) []int32 {
	g := r.g
	gr := &g.groups[g.owner[n]]
	if gr.HostGroup.NICs == 0 {
		return out
	}
	i := int(g.index[n])
	if g.kind[n] == NIC {
		if k := gr.nicBase + int32(i); g.nicOK[k] {
			out = append(out, k)
		}
		return out
	}
	host, c := i/gr.ChipsPerHost, i%gr.ChipsPerHost
	base := gr.nicBase + int32(host*gr.HostGroup.NICs)
	lo, hi := c*gr.HostGroup.NICs/gr.ChipsPerHost, (c+1)*gr.HostGroup.NICs/gr.ChipsPerHost
	if hi == lo {
		hi = lo + 1
	}
	for k := lo; k < hi; k++ {
		if g.nicOK[base+int32(k)] {
			out = append(out, base+int32(k))
		}
	}
	if len(out) == 0 {
		for k := range gr.HostGroup.NICs {
			if g.nicOK[base+int32(k)] {
				out = append(out, base+int32(k))
			}
		}
	}
	return out
}

func (g *Graph) firstNIC(n NodeID) int32 {
	if g.kind[n] > NIC {
		return -1
	}
	gr := &g.groups[g.owner[n]]
	if gr.HostGroup.NICs == 0 {
		return -1
	}
	i := int(g.index[n])
	if g.kind[n] == NIC {
		return gr.nicBase + int32(i)
	}
	return gr.nicBase + int32(i/gr.ChipsPerHost*gr.HostGroup.NICs+i%gr.ChipsPerHost*gr.HostGroup.NICs/gr.ChipsPerHost)
}

// apex is the lowest tier at which two leaves have a block in common.
func (g *Graph) apex(leafA, leafB int) int {
	t := 0
	for leafA != leafB {
		t++
		leafA, leafB = leafA/g.tiers[t].fan, leafB/g.tiers[t].fan
	}
	return t
}

// network routes between two NICs.
func (r *router) network(a, b int32, salt uint64, w float64, out []Share) ([]Share, float64, error) {
	g := r.g
	if g.free != nil {
		return r.freeRoute(a, b, salt, w, out)
	}
	up, down := g.nicUp[a], g.nicUp[b]+1
	out = append(out, Share{up, w})
	la, lb := int(g.nicTo[a]), int(g.nicTo[b])
	top := g.apex(la, lb)
	var err error
	if top > 0 {
		switch {
		case !g.clean(la, lb, top):
			out, top, err = r.survivors(la, lb, top, a, b, salt, w, out)
		case g.mode == adaptive:
			out = g.spread(la, lb, top, w, out)
		default:
			out = g.single(la, lb, top, a, b, salt, w, out)
		}
		if err != nil {
			return out, 0, err
		}
	}
	out = append(out, Share{down, w})
	return out, g.lat[up] + g.lat[down] + float64(2*top)*(g.cableSec+g.switchSec), nil
}

// spread uses every uplink of the blocks on the way evenly: by symmetry that is an
// even spread over all shortest paths.
func (g *Graph) spread(la, lb, top int, w float64, out []Share) []Share {
	for i := range top {
		t := &g.tiers[i]
		u := t.uplinks()
		each := w / float64(u)
		firstA, firstB := t.upFirst+LinkID(2*la*u), t.upFirst+LinkID(2*lb*u)
		for j := range u {
			out = append(out, Share{firstA + LinkID(2*j), each}, Share{firstB + LinkID(2*j) + 1, each})
		}
		fan := g.tiers[i+1].fan
		la, lb = la/fan, lb/fan
	}
	return out
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// port chooses among n uplinks at a tier; product is the number of uplink choices of
// the tiers below.
func (g *Graph) port(n, product int, a, b int32, tier int, salt uint64) int {
	if g.mode == dModK {
		return int(b) / product % n
	}
	h := mix(mix(uint64(uint32(a))<<32|uint64(uint32(b))) + salt*0x9e3779b97f4a7c15 + uint64(tier)*0xd1342543de82ef95)
	return int(h % uint64(n))
}

// single walks one path up by port and down by the wiring.
func (g *Graph) single(la, lb, top int, a, b int32, salt uint64, w float64, out []Share) []Share {
	in, block, product := 0, la, 1 // switch within its block, block, choices below
	for i := range top {
		t := &g.tiers[i]
		j := g.port(t.up, product, a, b, i, salt)
		product *= t.up
		out = append(out, Share{t.upFirst + LinkID(2*((block*t.perBlock+in)*t.up+j)), w})
		in, block = (in*t.up+j)/g.tiers[i+1].trunk, block/g.tiers[i+1].fan
	}
	var blocks [4]int
	for i, x := 0, lb; i < top; i++ {
		blocks[i] = x
		x /= g.tiers[i+1].fan
	}
	for i := top - 1; i >= 0; i-- {
		t, p := &g.tiers[i], &g.tiers[i+1]
		u := in * p.trunk
		if p.trunk > 1 {
			u += g.port(p.trunk, 1, a, b, 8+i, salt)
		}
		in = u / t.up
		out = append(out, Share{t.upFirst + LinkID(2*(blocks[i]*t.uplinks()+u)) + 1, w})
	}
	return out
}

// survivors counts the live shortest paths from both ends and spreads over them or picks
// one. Where no shortest path is left it tries the next tier up.
func (r *router) survivors(la, lb, top int, a, b int32, salt uint64, w float64, out []Share) ([]Share, int, error) {
	g := r.g
	r.count(la, &r.cntA)
	r.count(lb, &r.cntB)
	for ; top < len(g.tiers); top++ {
		total := 0.0
		for p := range g.tiers[top].perBlock {
			total += r.cntA[top][p] * r.cntB[top][p]
		}
		if total == 0 {
			continue
		}
		if g.mode == adaptive {
			out = r.emit(la, top, total, &r.cntA, &r.cntB, &r.wA, w, 0, out)
			out = r.emit(lb, top, total, &r.cntB, &r.cntA, &r.wB, w, 1, out)
			return out, top, nil
		}
		r.weigh(la, top, total, &r.cntA, &r.cntB, &r.wA)
		return r.walk(la, lb, top, a, b, salt, w, out), top, nil
	}
	return out, 0, fmt.Errorf("the failed links leave no path between %s-%d and %s-%d", tierNames[0], la, tierNames[0], lb)
}

func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// count fills cnt[i][p] with the number of live paths from a leaf up to switch p of its block at tier i.
func (r *router) count(leaf int, cnt *[4][]float64) {
	g := r.g
	cnt[0] = resize(cnt[0], 1)
	cnt[0][0] = 1
	block := leaf
	for i := 0; i+1 < len(g.tiers); i++ {
		t, p := &g.tiers[i], &g.tiers[i+1]
		cnt[i+1] = resize(cnt[i+1], p.perBlock)
		first := t.upFirst + LinkID(2*block*t.uplinks())
		for u := range t.uplinks() {
			if !g.failed[first+LinkID(2*u)] {
				cnt[i+1][u/p.trunk] += cnt[i][u/t.up]
			}
		}
		block /= p.fan
	}
}

// weigh fills wt[i][p] with the share of the transfer per path that passes switch p at tier i.
func (r *router) weigh(leaf, top int, total float64, cnt, other, wt *[4][]float64) {
	g := r.g
	wt[top] = resize(wt[top], g.tiers[top].perBlock)
	for p := range wt[top] {
		wt[top][p] = other[top][p] / total
	}
	blocks := g.blocksOf(leaf)
	for i := top - 1; i >= 0; i-- {
		t, p := &g.tiers[i], &g.tiers[i+1]
		wt[i] = resize(wt[i], t.perBlock)
		first := t.upFirst + LinkID(2*blocks[i]*t.uplinks())
		for u := range t.uplinks() {
			if !g.failed[first+LinkID(2*u)] {
				wt[i][u/t.up] += wt[i+1][u/p.trunk]
			}
		}
	}
}

func (g *Graph) blocksOf(leaf int) (blocks [4]int) {
	for i := range g.tiers {
		if i > 0 {
			leaf /= g.tiers[i].fan
		}
		blocks[i] = leaf
	}
	return blocks
}

// emit lists one side's links (dir 0 up, 1 down) with their shares.
func (r *router) emit(leaf, top int, total float64, cnt, other, wt *[4][]float64, w float64, dir LinkID, out []Share) []Share {
	g := r.g
	r.weigh(leaf, top, total, cnt, other, wt)
	blocks := g.blocksOf(leaf)
	for i := range top {
		t, p := &g.tiers[i], &g.tiers[i+1]
		first := t.upFirst + LinkID(2*blocks[i]*t.uplinks())
		for u := range t.uplinks() {
			id := first + LinkID(2*u)
			if g.failed[id] {
				continue
			}
			if f := cnt[i][u/t.up] * wt[i+1][u/p.trunk]; f > 0 {
				out = append(out, Share{id + dir, w * f})
			}
		}
	}
	return out
}

// walk picks one live path: up over uplinks that still lead there, down likewise.
func (r *router) walk(la, lb, top int, a, b int32, salt uint64, w float64, out []Share) []Share {
	g := r.g
	ba, bb := g.blocksOf(la), g.blocksOf(lb)
	in, product := 0, 1
	for i := range top {
		t, p := &g.tiers[i], &g.tiers[i+1]
		base := t.upFirst + LinkID(2*(ba[i]*t.uplinks()+in*t.up))
		live := 0
		ok := func(j int) bool {
			return !g.failed[base+LinkID(2*j)] && r.wA[i+1][(in*t.up+j)/p.trunk] > 0
		}
		for j := range t.up {
			if ok(j) {
				live++
			}
		}
		// The port of the intact fabric if it lives, else another: only affected flows move.
		j := g.port(t.up, product, a, b, i, salt)
		if !ok(j) {
			nth := g.port(live, product, a, b, i, salt+1)
			for j = 0; ; j++ {
				if ok(j) {
					if nth == 0 {
						break
					}
					nth--
				}
			}
		}
		product *= t.up
		out = append(out, Share{base + LinkID(2*j), w})
		in = (in*t.up + j) / p.trunk
	}
	for i := top - 1; i >= 0; i-- {
		t, p := &g.tiers[i], &g.tiers[i+1]
		first := t.upFirst + LinkID(2*bb[i]*t.uplinks())
		start := 0
		if p.trunk > 1 {
			start = g.port(p.trunk, 1, a, b, 8+i, salt)
		}
		for k := range p.trunk {
			u := in*p.trunk + (start+k)%p.trunk
			if !g.failed[first+LinkID(2*u)] && r.cntB[i][u/t.up] > 0 {
				out = append(out, Share{first + LinkID(2*u) + 1, w})
				in = u / t.up
				break
			}
		}
	}
	return out
}
