package topology

import "fmt"

// addDragonfly makes a dragonfly+ (Shpiner et al., HiPINEB 2017): groups of leaves and
// spines, each leaf joined to each spine of its group, and spines joined to those of
// other groups, so that every two groups have the same number of cables. A switch
// of radix k has ⌊k/(1+o)⌋ ports up (a spine: to other groups) and the rest, at most o
// times as many, down.
func (g *Graph) addDragonfly(port float64) error {
	s := g.spec
	if s.Radix < 4 {
		return fmt.Errorf("topology: radix %d cannot make a dragonfly+: a leaf and a spine need two ports down and two up (radix ≥ 4)", s.Radix)
	}
	if s.Levels != 0 && s.Levels != 2 {
		return fmt.Errorf("topology: a dragonfly+ has two levels of switches, not %d", s.Levels)
	}
	if len(s.Oversubscription) > 2 {
		return fmt.Errorf("topology: oversubscription has %d entries; a dragonfly+ has two levels of switches", len(s.Oversubscription))
	}
	var up, down [2]int
	for i := range up {
		o := 1.0
		if i < len(s.Oversubscription) {
			o = s.Oversubscription[i]
		}
		up[i] = int(float64(s.Radix) / (1 + o))
		if up[i] < 1 {
			return fmt.Errorf("topology: radix %d leaves no uplink at oversubscription %g of the %s level", s.Radix, o, tierNames[i])
		}
		down[i] = min(int(o*float64(up[i])+1e-9), s.Radix-up[i])
	}
	leaf := tier{perBlock: down[1], up: up[0], down: down[0], fan: down[0], trunk: 1}
	spine := tier{perBlock: up[0], up: up[1], down: down[1], fan: down[1], trunk: 1}
	g.tiers = []tier{leaf, spine}
	leaves := g.countLeaves(leaf.down, byHost)
	groups := (leaves + leaf.perBlock - 1) / leaf.perBlock
	cables := 0
	if groups > 1 {
		if cables = spine.perBlock * spine.up / (groups - 1); cables == 0 {
			return fmt.Errorf("topology: a dragonfly+ of radix %d has room for %d groups of %d hosts' links; %d NICs need %d groups: take a larger radix",
				s.Radix, spine.perBlock*spine.up+1, leaf.perBlock*leaf.down, g.nics, groups)
		}
	} else {
		g.notes = append(g.notes, fmt.Sprintf("all hosts fit one group of the dragonfly+: the spines' %d ports to other groups are free", spine.perBlock*spine.up))
	}
	for i := range g.tiers {
		t := &g.tiers[i]
		t.blocks = groups
		t.first = NodeID(len(g.kind))
		for n := range t.perBlock * t.blocks {
			g.addNode(Switch, i, n)
		}
	}
	g.free = g.newFreeNet(g.tiers[0].first, g.tiers[0].perBlock*groups+g.tiers[1].perBlock*groups)
	g.free.dragonfly = true
	g.hangNICs(port, func(gr *group, n int) int { return gr.firstLeaf + n/leaf.down })
	lat := g.cableSec + g.switchSec
	for b := range groups {
		for l := range leaf.perBlock {
			for p := range spine.perBlock {
				g.addPair(g.tiers[0].first+NodeID(b*leaf.perBlock+l), g.tiers[1].first+NodeID(b*spine.perBlock+p), port, lat, lat, LeafLevel)
			}
		}
	}
	// Cable c between groups a < b takes port (peer's place)·cables + c of each side, dealt
	// over the spines in turn.
	at := func(own, peer, c int) NodeID {
		place := peer
		if peer > own {
			place--
		}
		return g.tiers[1].first + NodeID(own*spine.perBlock+(place*cables+c)%spine.perBlock)
	}
	for a := range groups {
		for b := a + 1; b < groups; b++ {
			for c := range cables {
				g.addPair(at(a, b, c), at(b, a, c), port, lat, lat, SpineLevel)
			}
		}
	}
	return nil
}
