package topology

import (
	"fmt"
	"sort"
	"strings"
)

// Graph is a built fabric. It is immutable and safe for concurrent readers;
// WithCapacity makes a sibling that shares everything but capacities.
type Graph struct {
	spec  Spec
	scale [NumLevels]float64
	mode  routing
	*wiring
}

// wiring is what siblings share: flat arrays, one entry per node or link.
type wiring struct {
	kind  []NodeKind
	owner []int16 // index into groups, or tiers for switches
	index []int32 // chip, NIC or domain within its group; switch within its tier

	from, to []NodeID
	cap      []float64 // nominal, before scale and failure
	lat      []float64
	level    []LevelID
	failed   []bool

	outStart []int32 // CSR: links that leave node n are outLinks[outStart[n]:outStart[n+1]]
	outLinks []LinkID

	groups []group
	tiers  []tier
	nics   int // all NICs
	nicUp  []LinkID
	nicTo  []int32 // leaf of each NIC, counted over all groups
	nicOK  []bool

	free     *freeNet  // networks without a formula: dragonfly+, files
	names    []string  // of nodes that a file names; "" takes the built one
	rails    int       // separate networks of a rail-only fabric, 0 elsewhere
	imported []Finding // what a fabric file says of itself

	anyFailed  bool      // a link between switches is down
	dirty      [4][]bool // per tier and block: one of its uplinks is down
	anyScaleUp bool      // a scale-up link is down
	notes      []string
	cableSec   float64
	switchSec  float64
}

// group is a HostGroup with where its nodes and links begin.
type group struct {
	HostGroup
	chips, nics    int // in the whole group
	chip0, nic0    NodeID
	nicBase        int32 // of its first NIC in nicUp
	dom0           NodeID
	domains        int
	perDomain      int
	suFirst        LinkID
	suKind         string
	dims           []int
	neighbour      []LinkID // torus: (chip*D+dim)*2+dir; −1 at an edge without wrap
	firstLeaf, end int      // its leaves are [firstLeaf, end)
}

// Spec is what the graph was built from.
func (g *Graph) Spec() Spec { return g.spec }

// NumNodes counts the nodes, NumLinks the directed links.
func (g *Graph) NumNodes() int { return len(g.kind) }

// NumLinks counts the directed links, failed ones included.
func (g *Graph) NumLinks() int { return len(g.from) }

// Link describes link id.
func (g *Graph) Link(id LinkID) Link {
	return Link{From: g.from[id], To: g.to[id], BytesPerSec: g.Capacity(id), LatencySec: g.lat[id], Level: g.level[id], Failed: g.failed[id]}
}

// Capacity is what link id carries in bytes per second; zero when it has failed.
func (g *Graph) Capacity(id LinkID) float64 {
	if g.failed[id] {
		return 0
	}
	return g.cap[id] * g.scale[g.level[id]]
}

// LevelOf is the level of link id.
func (g *Graph) LevelOf(id LinkID) LevelID { return g.level[id] }

// Scale is the factor on the capacities of a level, 1 in a graph as built.
func (g *Graph) Scale(l LevelID) float64 { return g.scale[l] }

// Out lists the links that leave node n; not to be changed.
func (g *Graph) Out(n NodeID) []LinkID { return g.outLinks[g.outStart[n]:g.outStart[n+1]] }

// Kind is the kind of node n.
func (g *Graph) Kind(n NodeID) NodeKind { return g.kind[n] }

// Node describes node n.
func (g *Graph) Node(n NodeID) Node {
	out := g.builtNode(n)
	if int(n) < len(g.names) && g.names[n] != "" {
		out.Name = g.names[n]
	}
	return out
}

// builtNode describes a node under the name that its place gives it.
func (g *Graph) builtNode(n NodeID) Node {
	i := int(g.index[n])
	if g.kind[n] == Switch {
		t := int(g.owner[n])
		return Node{Name: fmt.Sprintf("%s-%d", tierNames[t], i), Kind: Switch, Host: -1, Index: i, Tier: t + 1}
	}
	gr := &g.groups[g.owner[n]]
	out := Node{Kind: g.kind[n], Group: gr.Name, Host: -1, Index: i}
	switch out.Kind {
	case Chip:
		out.Host, out.Index = i/gr.ChipsPerHost, i%gr.ChipsPerHost
		out.Name = fmt.Sprintf("%s-%d.chip-%d", gr.Name, out.Host, out.Index)
	case NIC:
		out.Host, out.Index = i/gr.NICs, i%gr.NICs
		out.Name = fmt.Sprintf("%s-%d.nic-%d", gr.Name, out.Host, out.Index)
	case ScaleUpSwitch:
		out.Name = fmt.Sprintf("%s.scaleup-%d", gr.Name, i)
	}
	return out
}

// Name is the name of node n, as FailedLinks takes it.
func (g *Graph) Name(n NodeID) string { return g.Node(n).Name }

// Groups lists the names of the host groups in order.
func (g *Graph) Groups() []string {
	out := make([]string, len(g.groups))
	for i := range g.groups {
		out[i] = g.groups[i].Name
	}
	return out
}

func (g *Graph) group(name string) *group {
	for i := range g.groups {
		if g.groups[i].Name == name {
			return &g.groups[i]
		}
	}
	return nil
}

// hostName is the name of a host: the file's, or its group's with its number.
func (g *Graph) hostName(gr *group, host int) string {
	if gr.HostGroup.NICs > 0 {
		if n := int(gr.nic0) + host*gr.HostGroup.NICs; n < len(g.names) && g.names[n] != "" {
			name, _, _ := strings.Cut(g.names[n], ".")
			return name
		}
	}
	return fmt.Sprintf("%s-%d", gr.Name, host)
}

// HostCount is the number of hosts of a group, 0 for an unknown one.
func (g *Graph) HostCount(name string) int {
	if gr := g.group(name); gr != nil {
		return gr.Count
	}
	return 0
}

// Chips lists the accelerators of a group in rank order, host by host.
func (g *Graph) Chips(name string) []NodeID {
	gr := g.group(name)
	if gr == nil {
		return nil
	}
	return sequence(gr.chip0, gr.chips)
}

// NICs lists the NICs of a group, host by host: the endpoints of hosts without chips.
func (g *Graph) NICs(name string) []NodeID {
	gr := g.group(name)
	if gr == nil {
		return nil
	}
	return sequence(gr.nic0, gr.nics)
}

// HostNICs lists the NICs of one host.
func (g *Graph) HostNICs(name string, host int) []NodeID {
	gr := g.group(name)
	if gr == nil || host < 0 || host >= gr.Count {
		return nil
	}
	return sequence(gr.nic0+NodeID(host*gr.HostGroup.NICs), gr.HostGroup.NICs)
}

// HostChips lists the accelerators of one host.
func (g *Graph) HostChips(name string, host int) []NodeID {
	gr := g.group(name)
	if gr == nil || host < 0 || host >= gr.Count {
		return nil
	}
	return sequence(gr.chip0+NodeID(host*gr.ChipsPerHost), gr.ChipsPerHost)
}

func sequence(first NodeID, n int) []NodeID {
	out := make([]NodeID, n)
	for i := range out {
		out[i] = first + NodeID(i)
	}
	return out
}

// HostOf is the group index and host index of a chip or NIC; ok is false for switches.
func (g *Graph) HostOf(n NodeID) (groupIndex, host int, ok bool) {
	switch g.kind[n] {
	case Chip:
		return int(g.owner[n]), int(g.index[n]) / g.groups[g.owner[n]].ChipsPerHost, true
	case NIC:
		return int(g.owner[n]), int(g.index[n]) / g.groups[g.owner[n]].HostGroup.NICs, true
	}
	return 0, 0, false
}

// Domain identifies the scale-up domain of a chip: equal for chips that reach each
// other without the network, −1 − n for a chip n that is on its own.
func (g *Graph) Domain(n NodeID) int32 {
	if g.kind[n] != Chip {
		return -1 - int32(n)
	}
	gr := &g.groups[g.owner[n]]
	if gr.perDomain <= 1 {
		return -1 - int32(n)
	}
	return int32(g.owner[n])<<24 | g.index[n]/int32(gr.perDomain)
}

// ScaleUpOf describes the scale-up fabric that a chip belongs to.
func (g *Graph) ScaleUpOf(n NodeID) (ScaleUp, bool) {
	if g.kind[n] != Chip {
		return ScaleUp{}, false
	}
	gr := &g.groups[g.owner[n]]
	su := gr.ScaleUp
	su.DomainChips, su.Kind, su.Dims = gr.perDomain, gr.suKind, gr.dims
	return su, gr.perDomain > 1
}

// Coordinate is a chip's position in its torus, in the order of Dims; nil elsewhere.
func (g *Graph) Coordinate(n NodeID, buf []int) []int {
	if g.kind[n] != Chip {
		return nil
	}
	gr := &g.groups[g.owner[n]]
	if len(gr.dims) == 0 {
		return nil
	}
	buf = append(buf[:0], make([]int, len(gr.dims))...)
	c := int(g.index[n]) % gr.perDomain
	for d := len(gr.dims) - 1; d >= 0; d-- {
		buf[d], c = c%gr.dims[d], c/gr.dims[d]
	}
	return buf
}

// HasNetwork says whether node n, a chip or NIC, reaches the network at all.
func (g *Graph) HasNetwork(n NodeID) bool {
	switch g.kind[n] {
	case NIC:
		return true
	case Chip:
		return g.groups[g.owner[n]].HostGroup.NICs > 0
	}
	return false
}

// SameLeaf says whether two nodes' first NICs hang on one leaf; used to place ranks.
func (g *Graph) SameLeaf(a, b NodeID) bool {
	na, nb := g.firstNIC(a), g.firstNIC(b)
	return na >= 0 && nb >= 0 && g.nicTo[na] == g.nicTo[nb]
}

// Leaf is the number of the leaf switch of a node's first NIC, −1 without one.
func (g *Graph) Leaf(n NodeID) int {
	if i := g.firstNIC(n); i >= 0 {
		return int(g.nicTo[i])
	}
	return -1
}

// NetworkBytesPerSec is the nominal one-way rate of a node into the network: of all
// NICs that a chip may use.
func (g *Graph) NetworkBytesPerSec(n NodeID) float64 {
	var r router
	r.g = g
	sum := 0.0
	for _, i := range r.nicsOf(n, nil) {
		sum += g.Capacity(g.nicUp[i])
	}
	return sum
}

// Levels lists the levels that the graph has, from the chip up.
func (g *Graph) Levels() []Level {
	var all [NumLevels]Level
	for id := range g.from {
		l := &all[g.level[id]]
		if l.Links == 0 || g.cap[id]*g.scale[g.level[id]] < l.BytesPerSec {
			l.BytesPerSec = g.cap[id] * g.scale[g.level[id]]
		}
		l.MaxBytesPerSec = max(l.MaxBytesPerSec, g.cap[id]*g.scale[g.level[id]])
		l.Links++
		if g.failed[id] {
			l.Failed++
		}
		l.TotalBytesPerSec += g.Capacity(LinkID(id))
	}
	var out []Level
	for i := range all {
		if all[i].Links > 0 {
			l := all[i]
			l.ID, l.Key = LevelID(i), LevelID(i).Key()
			l.Name = g.levelName(l.ID)
			out = append(out, l)
		}
	}
	return out
}

func (g *Graph) levelName(l LevelID) string {
	switch l {
	case ScaleUpLevel:
		for i := range g.groups {
			switch g.groups[i].suKind {
			case "mesh", "ring", "torus":
				return "chip to chip"
			}
		}
		return "chip to scale-up switch"
	case NICLevel:
		if len(g.tiers) == 1 {
			return "host to switch"
		}
		return "host to leaf"
	case LeafLevel:
		return "leaf to spine"
	case SpineLevel:
		if g.free != nil && g.free.dragonfly {
			return "group to group"
		}
		return "spine to core"
	}
	return "core to super-core"
}

// WithCapacity is a graph with the capacities of whole levels multiplied, keys as
// LevelID.Key; it shares everything else and costs nothing. Factors multiply those
// that g already has. Unknown keys and factors that are not positive are errors.
func (g *Graph) WithCapacity(scale map[string]float64) (*Graph, error) {
	out := *g
	keys := make([]string, 0, len(scale))
	for k := range scale {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		l, ok := ParseLevel(k)
		if !ok {
			return nil, fmt.Errorf("topology: unknown level %q (want scaleup, nic, leaf, spine or core)", k)
		}
		if !(scale[k] > 0) || scale[k] > 1e12 {
			return nil, fmt.Errorf("topology: capacity factor %v of level %s is not positive and finite", scale[k], k)
		}
		out.scale[l] *= scale[k]
	}
	return &out, nil
}

// SameWiring says whether two graphs differ in capacities only.
func (g *Graph) SameWiring(o *Graph) bool { return g.wiring == o.wiring }
