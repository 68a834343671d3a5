package topology

import (
	"fmt"
)

var tierNames = [...]string{"leaf", "spine", "core", "super"}

func isTierName(s string) bool {
	for _, t := range tierNames {
		if s == t {
			return true
		}
	}
	return false
}

// tier is one level of switches. Blocks of a tier have perBlock switches each; a block
// joins up to fan blocks of the tier below through their uplinks, numbered 0…U−1 over
// the block's switches: uplink j goes to switch j/trunk of the parent.
type tier struct {
	first    NodeID
	perBlock int
	blocks   int
	up       int    // uplinks per switch
	down     int    // ports down that a switch may use
	fan      int    // child blocks of a block (hosts' ports of a leaf in tier 0)
	trunk    int    // parallel cables from a switch to one child block
	upFirst  LinkID // uplink j of switch s is upFirst + 2·(s·up+j), its reverse the next
}

func (t *tier) uplinks() int { return t.perBlock * t.up } // of one block

// arrangement is how NICs hang on the leaves of a tree.
type arrangement uint8

const (
	byHost   arrangement = iota // all NICs of a host on one leaf, as far as ports go
	byRail                      // rail-optimised: NIC i of neighbouring hosts on one leaf
	railOnly                    // a network of its own for every rail
)

// addNetwork makes the switches: a tree of one to four tiers, or what a file lists.
func (g *Graph) addNetwork(file *fileNet) error {
	s := g.spec
	port := s.SwitchBytesPerSec
	if port == 0 {
		for i := range g.groups {
			port = max(port, g.groups[i].NICBytesPerSec)
		}
	}
	hang := byHost
	switch s.Topology {
	case "fat-tree", "":
	case "rail-optimised", "rail-optimized":
		hang = byRail
	case "rail-only":
		hang = railOnly
		for i := range g.groups {
			g.rails = max(g.rails, g.groups[i].HostGroup.NICs)
		}
	case "dragonfly+":
		return g.addDragonfly(port)
	case "file":
		return g.addFile(file)
	case "single-switch":
		if s.Levels > 1 {
			return fmt.Errorf("topology: single-switch has one level, not %d", s.Levels)
		}
		if len(s.Oversubscription) > 0 {
			return fmt.Errorf("topology: single-switch takes no oversubscription")
		}
		if s.Radix > 0 && g.nics > s.Radix {
			return fmt.Errorf("topology: single switch of radix %d cannot take %d NICs; use a fat-tree", s.Radix, g.nics)
		}
		return g.addTree([]tier{{perBlock: 1, blocks: 1, down: g.nics, fan: g.nics}}, port, byHost)
	case "torus":
		g.notes = append(g.notes, "the data-centre network beside the torus is one non-blocking switch; give the chips a torus scale-up and name a fat-tree to model it")
		return g.addTree([]tier{{perBlock: 1, blocks: 1, down: g.nics, fan: g.nics}}, port, byHost)
	default:
		return fmt.Errorf("topology: %q is not known (want fat-tree, rail-optimised, rail-only, dragonfly+, single-switch, torus or file)", s.Topology)
	}
	if s.Levels < 0 || s.Levels > len(tierNames) {
		return fmt.Errorf("topology: fat-tree levels = %d is outside 1..%d", s.Levels, len(tierNames))
	}
	if s.Radix < 2 {
		return fmt.Errorf("topology: radix %d cannot make a fat-tree: a switch needs a port down and a port up (radix ≥ 2)", s.Radix)
	}
	lo, hi := s.Levels, s.Levels
	if s.Levels == 0 {
		lo, hi = 1, len(tierNames)
		if len(s.Oversubscription) > 0 {
			lo = len(s.Oversubscription) + 1
		}
	}
	if n := len(s.Oversubscription); n > hi-1 {
		return fmt.Errorf("topology: oversubscription has %d entries; a fat-tree of %d levels has %d switch levels with uplinks", n, hi, hi-1)
	}
	var last error
	for l := lo; l <= hi; l++ {
		tiers, err := g.planTree(l, hang)
		if err == nil {
			return g.addTree(tiers, port, hang)
		}
		last = err
	}
	return last
}

// planTree sizes the tiers of a tree of the given levels.
func (g *Graph) planTree(levels int, hang arrangement) ([]tier, error) {
	s := g.spec
	tiers := make([]tier, levels)
	for i := range tiers {
		t := &tiers[i]
		if i == levels-1 {
			t.down = s.Radix
			continue
		}
		o := 1.0
		if i < len(s.Oversubscription) {
			o = s.Oversubscription[i]
		}
		t.up = int(float64(s.Radix) / (1 + o))
		if t.up < 1 {
			return nil, fmt.Errorf("topology: radix %d leaves no uplink at oversubscription %g of the %s level", s.Radix, o, tierNames[i])
		}
		t.down = min(int(o*float64(t.up)+1e-9), s.Radix-t.up)
	}
	leaves, ports := 1, g.nics
	if hang == railOnly {
		ports = g.railPorts()
	}
	if levels > 1 {
		leaves = g.countLeaves(tiers[0].down, hang)
	} else if ports > s.Radix {
		return nil, fmt.Errorf("topology: %d NICs do not fit one switch of radix %d", ports, s.Radix)
	}
	tiers[0].perBlock, tiers[0].blocks, tiers[0].fan = 1, leaves, tiers[0].down
	for i := 1; i < levels; i++ {
		c, t := &tiers[i-1], &tiers[i]
		u := c.uplinks()
		t.fan = min(t.down, c.blocks)
		if i == levels-1 && c.blocks > t.down {
			return nil, fmt.Errorf("topology: a fat-tree of %d levels with radix %d and oversubscription %v has room for %d %s blocks; %d NICs need %d: add a level or a larger radix",
				levels, s.Radix, s.Oversubscription, t.down, tierNames[i-1], ports, c.blocks)
		}
		if hang == railOnly { // equal blocks, so that rails lie side by side
			parents := (c.blocks + t.fan - 1) / t.fan
			t.fan = (c.blocks + parents - 1) / parents
		}
		// Few children leave ports free: use fewer switches with parallel cables.
		t.trunk = 1
		for d := 2; d <= u; d++ {
			if u%d == 0 && t.fan*d <= t.down {
				t.trunk = d
			}
		}
		t.perBlock = u / t.trunk
		t.blocks = (c.blocks + t.fan - 1) / t.fan
		if n := t.perBlock * t.blocks; n > maxNodes {
			return nil, fmt.Errorf("topology: %d switches of the %s level are more than %d", n, tierNames[i], maxNodes)
		}
	}
	if hang == railOnly {
		tiers[levels-1].blocks = g.rails
		for i := levels - 1; i > 0; i-- {
			tiers[i-1].blocks = tiers[i].blocks * tiers[i].fan
		}
		if n := tiers[0].blocks; n > maxNodes {
			return nil, fmt.Errorf("topology: %d leaves of %d rails are more than %d", n, g.rails, maxNodes)
		}
	}
	return tiers, nil
}

// countLeaves says how many leaves the groups take: each group starts on a new leaf.
// A rail-optimised unit is `down` hosts under one leaf per rail; fewer hosts share
// leaves between rails.
func (g *Graph) countLeaves(down int, hang arrangement) int {
	n := 0
	for i := range g.groups {
		gr := &g.groups[i]
		gr.firstLeaf = n
		switch {
		case gr.nics == 0:
		case hang == railOnly:
			n += (g.railPortsOf(gr) + down - 1) / down
		case hang == byRail:
			full := gr.Count / down
			n += full * gr.HostGroup.NICs
			if rest := gr.Count % down; rest > 0 {
				n += railLeaves(gr.HostGroup.NICs, rest, down)
			}
		default:
			n += (gr.nics + down - 1) / down
		}
		gr.end = n
	}
	return max(n, 1)
}

// railLeaves is the fewest leaves that keep each rail on one leaf: a divisor of rails.
func railLeaves(rails, hosts, down int) int {
	for m := 1; m < rails; m++ {
		if rails%m == 0 && rails/m*hosts <= down {
			return m
		}
	}
	return rails
}

// leafOf places NIC i of a group.
func (g *Graph) leafOf(gr *group, i int, hang arrangement) int {
	down := g.tiers[0].down
	if hang == railOnly {
		perRail := g.tiers[0].blocks / g.rails
		if perRail == 1 {
			return i % g.rails
		}
		return i%g.rails*perRail + gr.firstLeaf + i/g.rails/down
	}
	if len(g.tiers) == 1 {
		return 0
	}
	if hang == byHost {
		return gr.firstLeaf + i/down
	}
	rails := gr.HostGroup.NICs
	host, r := i/rails, i%rails
	full := gr.Count / down
	unit := host / down
	if unit < full {
		return gr.firstLeaf + unit*rails + r
	}
	m := railLeaves(rails, gr.Count%down, down)
	return gr.firstLeaf + full*rails + r/(rails/m)
}

// railPortsOf counts the NICs of a group on its fullest rail: NIC i of host h is on
// rail (h·NICs + i) mod rails, so that hosts with few NICs spread over the rails.
func (g *Graph) railPortsOf(gr *group) int { return (gr.nics + g.rails - 1) / g.rails }

func (g *Graph) railPorts() int {
	n := 0
	for i := range g.groups {
		n += g.railPortsOf(&g.groups[i])
	}
	return n
}

// hangNICs cables each NIC to the leaf that place gives for NIC n of its group.
func (g *Graph) hangNICs(port float64, place func(gr *group, n int) int) {
	g.nicUp = make([]LinkID, g.nics)
	g.nicTo = make([]int32, g.nics)
	g.nicOK = make([]bool, g.nics)
	for i := range g.groups {
		gr := &g.groups[i]
		if gr.NICBytesPerSec > port && gr.nics > 0 {
			g.notes = append(g.notes, fmt.Sprintf("NICs of group %q are held to the switch port's rate", gr.Name))
		}
		for n := range gr.nics {
			leaf := place(gr, n)
			k := int(gr.nicBase) + n
			g.nicUp[k] = g.addPair(gr.nic0+NodeID(n), g.tiers[0].first+NodeID(leaf), min(gr.NICBytesPerSec, port), g.cableSec+g.switchSec, g.cableSec, NICLevel)
			g.nicTo[k] = int32(leaf)
			g.nicOK[k] = true
		}
	}
}

// addTree makes nodes and links of sized tiers and hangs the NICs on the leaves.
func (g *Graph) addTree(tiers []tier, port float64, hang arrangement) error {
	g.tiers = tiers
	switches, links := 0, 2*g.nics
	for i := range tiers {
		n := tiers[i].perBlock * tiers[i].blocks
		switches, links = switches+n, links+2*n*tiers[i].up
	}
	g.reserve(switches, links)
	for i := range tiers {
		t := &tiers[i]
		t.first = NodeID(len(g.kind))
		for n := range t.perBlock * t.blocks {
			g.addNode(Switch, i, n)
		}
	}
	g.hangNICs(port, func(gr *group, n int) int { return g.leafOf(gr, n, hang) })
	up := g.cableSec + g.switchSec
	for i := 0; i+1 < len(tiers); i++ {
		c, p := &tiers[i], &tiers[i+1]
		c.upFirst = LinkID(len(g.from))
		for s := range c.perBlock * c.blocks {
			block, inBlock := s/c.perBlock, s%c.perBlock
			for j := range c.up {
				parent := block/p.fan*p.perBlock + (inBlock*c.up+j)/p.trunk
				g.addPair(c.first+NodeID(s), p.first+NodeID(parent), port, up, up, LeafLevel+LevelID(i))
			}
		}
	}
	return nil
}
