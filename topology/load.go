package topology

import (
	"cmp"
	"fmt"
	"slices"
)

// Load adds up what transfers put on the links of a graph. Under adaptive routing a
// transfer between leaves with all their uplinks takes O(1) work: blocks of switches are
// summed and spread over their uplinks once. Where links have failed, pairs of leaves are
// summed and their surviving paths counted once each.
type Load struct {
	g       *Graph
	r       router
	perLink []float64
	touched []LinkID
	up      [3][]float64 // per block of each tier: bytes up through its uplinks, and down
	down    [3][]float64
	pairs   []leafPair
	shares  []Share
	folded  bool
}

type leafPair struct {
	key uint64
	w   float64
}

// NewLoad returns an empty account for g.
func (g *Graph) NewLoad() *Load {
	l := &Load{g: g, r: router{g: g}, perLink: make([]float64, len(g.from))}
	l.folded = g.mode == adaptive && !g.anyFailed && g.free == nil && g.rails == 0
	if g.mode == adaptive && g.free == nil {
		for i := 0; i+1 < len(g.tiers); i++ {
			l.up[i] = make([]float64, g.tiers[i].blocks)
			l.down[i] = make([]float64, g.tiers[i].blocks)
		}
	}
	return l
}

// Reset empties the account for another use on a graph with the same wiring.
func (l *Load) Reset() {
	for _, id := range l.touched {
		l.perLink[id] = 0
	}
	l.touched = l.touched[:0]
	for i := range l.up {
		clear(l.up[i])
		clear(l.down[i])
	}
	l.pairs = l.pairs[:0]
}

func (l *Load) put(id LinkID, w float64) {
	if l.perLink[id] == 0 {
		l.touched = append(l.touched, id)
	}
	l.perLink[id] += w
}

// Add puts a transfer of `bytes` from src to dst on the account and returns the
// latency of its longest path. Salt is as in Route.
func (l *Load) Add(src, dst NodeID, bytes float64, salt uint64) (latencySec float64, err error) {
	if bytes == 0 {
		bytes = 1e-300 // still a path, still a latency
	}
	g := l.g
	if g.mode == adaptive && src != dst && g.free == nil {
		if d := g.Domain(src); d < 0 || d != g.Domain(dst) {
			if lat, ok := l.addNetwork(src, dst, bytes); ok {
				return lat, nil
			}
		}
	}
	l.shares, latencySec, err = l.r.route(src, dst, salt, bytes, l.shares[:0])
	for _, s := range l.shares {
		l.put(s.Link, s.Fraction)
	}
	return latencySec, err
}

// addNetwork is the short way for adaptive routes; ok is false when Route must say what is wrong.
func (l *Load) addNetwork(src, dst NodeID, bytes float64) (lat float64, ok bool) {
	g := l.g
	if g.kind[src] > NIC || g.kind[dst] > NIC {
		return 0, false
	}
	a, b := l.r.nicsOf(src, l.r.nicA[:0]), l.r.nicsOf(dst, l.r.nicB[:0])
	l.r.nicA, l.r.nicB = a, b
	if len(a) == 0 || len(b) == 0 {
		return 0, false
	}
	n := max(len(a), len(b))
	for i := range n {
		if g.rails > 0 && g.rail(a[i*len(a)/n]) != g.rail(b[i*len(b)/n]) {
			return 0, false
		}
	}
	w := bytes / float64(n)
	for i := range n {
		x, y := a[i*len(a)/n], b[i*len(b)/n]
		la, lb := int(g.nicTo[x]), int(g.nicTo[y])
		top := g.apex(la, lb)
		clean := g.clean(la, lb, top)
		if !clean {
			if top = l.r.reach(la, lb, top); top < 0 {
				return 0, false
			}
			l.pairs = append(l.pairs, leafPair{uint64(la)<<32 | uint64(lb), w})
		}
		up, down := g.nicUp[x], g.nicUp[y]+1
		l.put(up, w)
		l.put(down, w)
		lat = max(lat, g.lat[up]+g.lat[down]+float64(2*top)*(g.cableSec+g.switchSec))
		if clean {
			for t := range top {
				l.up[t][la] += w
				l.down[t][lb] += w
				la, lb = la/g.tiers[t+1].fan, lb/g.tiers[t+1].fan
			}
		}
	}
	return lat, true
}

// reach is the tier at which two leaves still meet, −1 if none.
func (r *router) reach(la, lb, top int) int {
	g := r.g
	r.count(la, &r.cntA)
	r.count(lb, &r.cntB)
	for ; top < len(g.tiers); top++ {
		for p := range g.tiers[top].perBlock {
			if r.cntA[top][p]*r.cntB[top][p] > 0 {
				return top
			}
		}
	}
	return -1
}

// Sum spreads what is pending and lists each link that carries anything with its
// bytes, in link order. The result is valid until the next call.
func (l *Load) Sum() ([]Share, error) {
	g := l.g
	if g.mode == adaptive && g.free == nil {
		for i := 0; i+1 < len(g.tiers); i++ {
			t := &g.tiers[i]
			u := t.uplinks()
			for b := range t.blocks {
				for dir, sum := range [2]float64{l.up[i][b], l.down[i][b]} {
					if sum <= 0 { // nothing, or what rounding leaves of pairs that stay off the network
						continue
					}
					first := t.upFirst + LinkID(2*b*u+dir)
					for j := range u {
						l.put(first+LinkID(2*j), sum/float64(u))
					}
				}
			}
			clear(l.up[i])
			clear(l.down[i])
		}
	}
	slices.SortStableFunc(l.pairs, func(a, b leafPair) int { return cmp.Compare(a.key, b.key) })
	for i := 0; i < len(l.pairs); {
		key, w := l.pairs[i].key, 0.0
		for ; i < len(l.pairs) && l.pairs[i].key == key; i++ {
			w += l.pairs[i].w
		}
		la, lb := int(key>>32), int(uint32(key))
		var err error
		l.shares, _, err = l.r.survivors(la, lb, g.apex(la, lb), 0, 0, 0, w, l.shares[:0])
		if err != nil {
			return nil, err
		}
		for _, s := range l.shares {
			l.put(s.Link, s.Fraction)
		}
	}
	l.pairs = l.pairs[:0]
	slices.Sort(l.touched)
	l.shares = l.shares[:0]
	for _, id := range l.touched {
		l.shares = append(l.shares, Share{id, l.perLink[id]})
	}
	return l.shares, nil
}

// Spread is the mean share of each link for transfers of one byte from every src to
// every dst in equal parts: what a class of alike clients puts on the fabric when each
// talks to all of the servers. Both directions of a dialogue need two calls.
func (g *Graph) Spread(src, dst []NodeID) ([]Share, error) {
	if len(src) == 0 || len(dst) == 0 {
		return nil, fmt.Errorf("topology: spread needs sources and destinations, got %d and %d", len(src), len(dst))
	}
	l := g.NewLoad()
	w := 1 / float64(len(src)*len(dst))
	for i, s := range src {
		for j, d := range dst {
			if _, err := l.Add(s, d, w, uint64(i*len(dst)+j)); err != nil {
				return nil, err
			}
		}
	}
	sum, err := l.Sum()
	return slices.Clone(sum), err
}

// maxUniform bounds an all-to-all that must be laid pair by pair: 36 million pairs.
const maxUniform = 6000

// AddUniform puts `bytes` from every node of a group to every other on the account, as
// an all-to-all does, and returns the latency of the longest path. Where the fabric
// folds, it takes work in proportion to the nodes, not to the pairs.
func (l *Load) AddUniform(nodes []NodeID, bytes float64) (latencySec float64, err error) {
	if l.folded && len(nodes) > 64 {
		if lat, ok := l.addUniformFolded(nodes, bytes); ok {
			return lat, nil
		}
	}
	if len(nodes) > maxUniform {
		return 0, fmt.Errorf("topology: an all-to-all of %d nodes is over %d on a fabric with failed switch links, several NICs per chip or routing other than adaptive", len(nodes), maxUniform)
	}
	for i, a := range nodes {
		for j, b := range nodes {
			if i == j {
				continue
			}
			lat, err := l.Add(a, b, bytes, 0)
			if err != nil {
				return 0, err
			}
			latencySec = max(latencySec, lat)
		}
	}
	return latencySec, nil
}

// addUniformFolded counts the nodes below each block. Pairs inside a scale-up domain
// stay off the network and are handled one by one. ok is false when a node has not
// exactly one live NIC of its own.
func (l *Load) addUniformFolded(nodes []NodeID, bytes float64) (lat float64, ok bool) {
	g := l.g
	order := make([]NodeID, len(nodes))
	copy(order, nodes)
	slices.SortStableFunc(order, func(a, b NodeID) int { return cmp.Compare(g.Domain(a), g.Domain(b)) })
	leaf := make(map[NodeID]int, len(nodes))
	for _, n := range nodes {
		k := l.r.nicsOf(n, l.r.nicA[:0])
		l.r.nicA = k
		if len(k) != 1 {
			return 0, false
		}
		leaf[n] = int(g.nicTo[k[0]])
	}
	var below [4][]int32
	for i := range g.tiers {
		below[i] = make([]int32, g.tiers[i].blocks)
	}
	top := 0
	for _, n := range nodes {
		blocks := g.blocksOf(leaf[n])
		for i := range g.tiers {
			below[i][blocks[i]]++
		}
	}
	for i := 0; i+1 < len(g.tiers); i++ {
		for b, c := range below[i] {
			if out := float64(c) * float64(int32(len(nodes))-c); out > 0 {
				l.up[i][b] += out * bytes
				l.down[i][b] += out * bytes
				top = max(top, i+1)
			}
		}
	}
	// Take the pairs inside a domain off the network again and put them where they go.
	inside := make(map[NodeID]int, len(nodes))
	for s := 0; s < len(order); {
		e := s + 1
		for e < len(order) && g.Domain(order[e]) == g.Domain(order[s]) {
			e++
		}
		for _, a := range order[s:e] {
			inside[a] = e - s - 1
			for _, b := range order[s:e] {
				if a == b {
					continue
				}
				la, lb := leaf[a], leaf[b]
				for t := range g.apex(la, lb) {
					l.up[t][la] -= bytes
					l.down[t][lb] -= bytes
					la, lb = la/g.tiers[t+1].fan, lb/g.tiers[t+1].fan
				}
				x, err := l.Add(a, b, bytes, 0)
				if err != nil {
					return 0, false
				}
				lat = max(lat, x)
			}
		}
		s = e
	}
	for _, n := range nodes {
		if w := float64(len(nodes)-1-inside[n]) * bytes; w > 0 {
			up := g.nicUp[g.firstNIC(n)]
			if !g.nicOK[g.firstNIC(n)] {
				k := l.r.nicsOf(n, l.r.nicA[:0])
				up = g.nicUp[k[0]]
			}
			l.put(up, w)
			l.put(up+1, w)
			lat = max(lat, g.lat[up]+g.lat[up+1]+float64(2*top)*(g.cableSec+g.switchSec))
		}
	}
	return lat, true
}
