package topology

import (
	"fmt"
	"math"
	"slices"
)

type routing uint8

const (
	adaptive routing = iota
	ecmp
	dModK
)

// maxNodes bounds a graph, so that a slip in a scenario is an error and not an exhausted machine.
const maxNodes = 8 << 20

// Build makes the graph of a Spec. Errors name the element and the range.
func Build(s Spec) (*Graph, error) {
	g := &Graph{spec: s, wiring: &wiring{cableSec: s.LinkLatencySec, switchSec: s.SwitchLatencySec}}
	for l := range g.scale {
		g.scale[l] = 1
	}
	switch s.Routing {
	case "", "adaptive":
		g.mode = adaptive
	case "ecmp":
		g.mode = ecmp
	case "d-mod-k":
		g.mode = dModK
	default:
		return nil, fmt.Errorf("topology: routing %q is not known (want ecmp, d-mod-k or adaptive)", s.Routing)
	}
	var file *fileNet
	if s.Topology == "file" {
		var err error
		if file, err = matchFile(&g.spec); err != nil {
			return nil, err
		}
		s = g.spec
	} else if s.File != "" {
		return nil, fmt.Errorf("topology: a fabric file needs the topology file, not %q", s.Topology)
	}
	if err := check(s); err != nil {
		return nil, err
	}
	if err := g.addGroups(); err != nil {
		return nil, err
	}
	if g.nics > 0 {
		if err := g.addNetwork(file); err != nil {
			return nil, err
		}
	}
	if len(g.groups) > 1 || g.nics == 0 {
		for i := range g.groups {
			gr := &g.groups[i]
			if gr.HostGroup.NICs == 0 && (len(g.groups) > 1 || gr.domains > 1) {
				return nil, fmt.Errorf("topology: hosts of group %q are disconnected: they have no NIC and share no scale-up domain", gr.Name)
			}
		}
	}
	g.buildCSR()
	if err := g.checkConnected(file); err != nil {
		return nil, err
	}
	if err := g.applyFailures(s.FailedLinks); err != nil {
		return nil, err
	}
	return g, nil
}

func check(s Spec) error {
	if len(s.Hosts) == 0 {
		return fmt.Errorf("topology: no hosts")
	}
	if bad(s.LinkLatencySec) || bad(s.SwitchLatencySec) || bad(s.SwitchBytesPerSec) {
		return fmt.Errorf("topology: latencies and switch bandwidth must be finite and not negative (link %g s, switch %g s, port %g B/s)", s.LinkLatencySec, s.SwitchLatencySec, s.SwitchBytesPerSec)
	}
	if s.Radix < 0 || s.Radix > 4096 {
		return fmt.Errorf("topology: radix %d is outside 0..4096", s.Radix)
	}
	for i, o := range s.Oversubscription {
		if !(o >= 1) || o > 1024 {
			return fmt.Errorf("topology: oversubscription[%d] = %g is outside 1..1024", i, o)
		}
	}
	names, nodes := map[string]bool{}, 0
	for i, h := range s.Hosts {
		switch {
		case h.Name == "":
			return fmt.Errorf("topology: host group %d has no name", i)
		case names[h.Name] || isTierName(h.Name):
			return fmt.Errorf("topology: host group name %q is taken", h.Name)
		case h.Count <= 0:
			return fmt.Errorf("topology: host group %q has %d hosts, want at least 1", h.Name, h.Count)
		case h.ChipsPerHost < 0 || h.NICs < 0 || h.ChipsPerHost > 4096 || h.NICs > 1024:
			return fmt.Errorf("topology: host group %q has %d chips and %d NICs per host (want 0..4096 and 0..1024)", h.Name, h.ChipsPerHost, h.NICs)
		case h.ChipsPerHost == 0 && h.NICs == 0:
			return fmt.Errorf("topology: hosts of group %q have neither chips nor NICs", h.Name)
		case h.NICs > 0 && (!(h.NICBytesPerSec > 0) || math.IsInf(h.NICBytesPerSec, 0)):
			return fmt.Errorf("topology: NIC bandwidth of group %q is %g B/s, want a positive finite rate", h.Name, h.NICBytesPerSec)
		case bad(h.ScaleUp.BytesPerSec) || bad(h.ScaleUp.LatencySec):
			return fmt.Errorf("topology: scale-up of group %q: bandwidth %g B/s and latency %g s must be finite and not negative", h.Name, h.ScaleUp.BytesPerSec, h.ScaleUp.LatencySec)
		case h.NICs > 0 && h.ChipsPerHost > h.NICs && h.ChipsPerHost%h.NICs != 0 || h.ChipsPerHost > 0 && h.NICs > h.ChipsPerHost && h.NICs%h.ChipsPerHost != 0:
			return fmt.Errorf("topology: group %q: %d NICs cannot be shared evenly by %d chips per host", h.Name, h.NICs, h.ChipsPerHost)
		}
		names[h.Name] = true
		if h.Count > maxNodes || h.Count*(h.ChipsPerHost+h.NICs) > maxNodes {
			return fmt.Errorf("topology: host group %q has more than %d nodes", h.Name, maxNodes)
		}
		nodes += h.Count * (h.ChipsPerHost + h.NICs)
	}
	if nodes > maxNodes {
		return fmt.Errorf("topology: %d nodes are more than %d", nodes, maxNodes)
	}
	return nil
}

func bad(v float64) bool { return v < 0 || math.IsNaN(v) || math.IsInf(v, 0) }

func (g *Graph) addNode(k NodeKind, owner, index int) NodeID {
	g.kind = append(g.kind, k)
	g.owner = append(g.owner, int16(owner))
	g.index = append(g.index, int32(index))
	return NodeID(len(g.kind) - 1)
}

func (g *Graph) addLink(from, to NodeID, bytesPerSec, latencySec float64, l LevelID) LinkID {
	g.from = append(g.from, from)
	g.to = append(g.to, to)
	g.cap = append(g.cap, bytesPerSec)
	g.lat = append(g.lat, latencySec)
	g.level = append(g.level, l)
	g.failed = append(g.failed, false)
	return LinkID(len(g.from) - 1)
}

// reserve makes room for so many more nodes and links.
func (g *Graph) reserve(nodes, links int) {
	g.kind = slices.Grow(g.kind, nodes)
	g.owner = slices.Grow(g.owner, nodes)
	g.index = slices.Grow(g.index, nodes)
	g.from = slices.Grow(g.from, links)
	g.to = slices.Grow(g.to, links)
	g.cap = slices.Grow(g.cap, links)
	g.lat = slices.Grow(g.lat, links)
	g.level = slices.Grow(g.level, links)
	g.failed = slices.Grow(g.failed, links)
}

// addPair adds both directions of a cable; the reverse is always the next number.
func (g *Graph) addPair(a, b NodeID, bytesPerSec, latUp, latDown float64, l LevelID) LinkID {
	id := g.addLink(a, b, bytesPerSec, latUp, l)
	g.addLink(b, a, bytesPerSec, latDown, l)
	return id
}

// addGroups makes the chips, NICs and scale-up domains of every group.
func (g *Graph) addGroups() error {
	nodes := 0
	for _, h := range g.spec.Hosts {
		nodes += h.Count * (h.ChipsPerHost + h.NICs)
	}
	g.reserve(nodes, 2*nodes)
	for i, h := range g.spec.Hosts {
		gr := group{HostGroup: h, chips: h.Count * h.ChipsPerHost, nics: h.Count * h.NICs, nicBase: int32(g.nics)}
		gr.chip0 = NodeID(len(g.kind))
		for c := range gr.chips {
			g.addNode(Chip, i, c)
		}
		gr.nic0 = NodeID(len(g.kind))
		for n := range gr.nics {
			g.addNode(NIC, i, n)
		}
		g.nics += gr.nics
		if err := g.addScaleUp(&gr, i); err != nil {
			return err
		}
		g.groups = append(g.groups, gr)
	}
	return nil
}

func (g *Graph) buildCSR() {
	n := len(g.kind)
	g.outStart = make([]int32, n+1)
	for _, f := range g.from {
		g.outStart[f+1]++
	}
	for i := range n {
		g.outStart[i+1] += g.outStart[i]
	}
	g.outLinks = make([]LinkID, len(g.from))
	next := append([]int32(nil), g.outStart[:n]...)
	for id, f := range g.from {
		g.outLinks[next[f]] = LinkID(id)
		next[f]++
	}
}
