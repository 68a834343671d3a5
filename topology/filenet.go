package topology

import (
	"fmt"
	"math"
	"slices"
)

// fileNet is a parsed fabric file with the place of its hosts in the Spec's groups.
type fileNet struct {
	*File
	lenient bool  // imported to be looked at: pieces and loose ends are findings
	order   []int // host of the file by its overall number in the Spec
}

// matchFile parses the Spec's file and finds out which host of the Spec each of its
// hosts is. Without hosts in the Spec it makes groups of hosts with equal NICs.
func matchFile(s *Spec) (*fileNet, error) {
	if s.File == "" {
		return nil, fmt.Errorf("topology: the topology file has no text")
	}
	f, err := ParseFile(s.File)
	if err != nil {
		return nil, err
	}
	n := &fileNet{File: f}
	if len(f.Switches) == 0 {
		return nil, fmt.Errorf("topology: the fabric file has no switch")
	}
	if len(f.Hosts) == 0 {
		return nil, fmt.Errorf("topology: the fabric file has no host")
	}
	if len(s.Hosts) == 0 {
		n.lenient = f.Format != "aisim"
		s.Hosts = n.ownGroups()
		return n, nil
	}
	return n, n.match(s.Hosts)
}

// ownGroups makes host groups of the file: one, or one for each number of NICs.
func (n *fileNet) ownGroups() []HostGroup {
	var sizes []int
	for _, h := range n.Hosts {
		sizes = append(sizes, len(h.NICs))
	}
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	rate := 0.0
	for _, c := range n.Cables {
		if c.A.Host || c.B.Host {
			rate = max(rate, c.BytesPerSec)
		}
	}
	var out []HostGroup
	for _, k := range sizes {
		g := HostGroup{Name: "host", NICs: k, NICBytesPerSec: rate}
		if len(sizes) > 1 {
			g.Name = fmt.Sprintf("host%dnic", k)
		}
		for i, h := range n.Hosts {
			if len(h.NICs) == k {
				n.order = append(n.order, i)
				g.Count++
			}
		}
		out = append(out, g)
	}
	return out
}

// match gives the file's hosts to the groups of the Spec: by name where every name fits,
// else in order.
func (n *fileNet) match(groups []HostGroup) error {
	total := 0
	for _, g := range groups {
		if g.Count < 0 || g.Count > maxNodes {
			return fmt.Errorf("topology: host group %q has %d hosts", g.Name, g.Count)
		}
		if g.NICs > 0 {
			total += g.Count
		}
	}
	if total != len(n.Hosts) {
		return fmt.Errorf("topology: the fabric file has %d hosts, the host groups with NICs have %d", len(n.Hosts), total)
	}
	byName := make(map[string]int, total)
	for i, h := range n.Hosts {
		byName[h.Name] = i
	}
	var names, ordered []int
	for _, g := range groups {
		for h := range g.Count {
			if g.NICs == 0 {
				break
			}
			if i, ok := byName[fmt.Sprintf("%s-%d", g.Name, h)]; ok {
				names = append(names, i)
			}
			ordered = append(ordered, len(ordered))
		}
	}
	n.order = ordered
	if len(names) == total {
		n.order = names
	}
	at := 0
	for _, g := range groups {
		for h := range g.Count {
			if g.NICs == 0 {
				break
			}
			if own := n.Hosts[n.order[at]]; len(own.NICs) != g.NICs {
				return fmt.Errorf("topology: line %d: host %s has %d NICs, %s-%d of the host groups has %d", own.Line, own.Name, len(own.NICs), g.Name, h, g.NICs)
			}
			at++
		}
	}
	return nil
}

// addFile makes the switches and cables of a fabric file. Switches stand by their
// distance from the hosts: a switch with a host is a leaf, one that has a leaf a spine,
// and so on; cables between two of one distance belong to the level above them.
func (g *Graph) addFile(n *fileNet) error {
	s := g.spec
	if s.Levels != 0 || len(s.Oversubscription) > 0 {
		return fmt.Errorf("topology: a fabric file says itself what levels and oversubscription there are: leave them out")
	}
	if err := n.checkRadix(s.Radix); err != nil {
		return err
	}
	distance, err := n.distances()
	if err != nil {
		return err
	}
	g.tiers = make([]tier, slices.Max(distance)+1)
	index := make([]int, len(n.Switches)) // within its tier
	for i, d := range distance {
		index[i] = g.tiers[d].perBlock
		g.tiers[d].perBlock++
	}
	for i := range g.tiers {
		t := &g.tiers[i]
		t.blocks, t.fan, t.trunk, t.first = 1, 1, 1, NodeID(len(g.kind))
		for k := range t.perBlock {
			g.addNode(Switch, i, k)
		}
	}
	g.free = g.newFreeNet(g.tiers[0].first, len(n.Switches))
	g.names = make([]string, len(g.kind))
	g.free.byName = map[string][]NodeID{}
	node := make([]NodeID, len(n.Switches))
	for i, sw := range n.Switches {
		node[i] = g.tiers[distance[i]].first + NodeID(index[i])
		g.names[node[i]] = sw.Name
		g.free.byName[sw.Name] = append(g.free.byName[sw.Name], node[i])
	}
	// The overall number of NIC 0 of each host, and the hosts' own names.
	nic0 := make([]int32, len(n.Hosts))
	at := 0
	for gi := range g.groups {
		gr := &g.groups[gi]
		for h := range gr.Count {
			if gr.HostGroup.NICs == 0 {
				break
			}
			i := n.order[at]
			at++
			nic0[i] = gr.nicBase + int32(h*gr.HostGroup.NICs)
			own := n.Hosts[i]
			for k, name := range own.NICs {
				id := gr.nic0 + NodeID(h*gr.HostGroup.NICs+k)
				g.names[id] = own.Name + "." + name
				g.free.byName[g.names[id]] = append(g.free.byName[g.names[id]], id)
				g.free.byName[own.Name] = append(g.free.byName[own.Name], id)
			}
			for c := range gr.ChipsPerHost {
				id := gr.chip0 + NodeID(h*gr.ChipsPerHost+c)
				g.free.byName[own.Name] = append(g.free.byName[own.Name], id)
			}
		}
	}
	g.nicUp, g.nicTo, g.nicOK = make([]LinkID, g.nics), make([]int32, g.nics), make([]bool, g.nics)
	for _, c := range n.Cables {
		if !(c.BytesPerSec > 0) || math.IsInf(c.BytesPerSec, 0) {
			return &FileError{c.Line, fmt.Sprintf("a cable has %g bytes/s, want a positive finite rate", c.BytesPerSec), ""}
		}
		lat := c.LatencySec
		if lat < 0 {
			lat = g.cableSec
		}
		a, b := c.A, c.B
		if b.Host {
			a, b = b, a
		}
		if a.Host {
			k := nic0[a.Index] + int32(a.NIC)
			if g.nicOK[k] {
				return &FileError{c.Line, fmt.Sprintf("NIC %s of host %s has a second cable", n.Hosts[a.Index].NICs[a.NIC], n.Hosts[a.Index].Name), ""}
			}
			from, rate := g.nicNode(k)
			g.nicUp[k] = g.addPair(from, node[b.Index], min(c.BytesPerSec, rate), lat+g.switchSec, lat, NICLevel)
			g.nicTo[k], g.nicOK[k] = int32(node[b.Index]-g.free.first), true
			continue
		}
		level := LeafLevel + LevelID(min(distance[a.Index], distance[b.Index], int(CoreLevel-LeafLevel)))
		if distance[a.Index] > distance[b.Index] {
			a, b = b, a
		}
		g.addPair(node[a.Index], node[b.Index], c.BytesPerSec, lat+g.switchSec, lat+g.switchSec, level)
	}
	for k, ok := range g.nicOK {
		if !ok {
			id, _ := g.nicNode(int32(k))
			return fmt.Errorf("topology: %s is disconnected: the fabric file has no cable for it", g.Name(id))
		}
	}
	g.imported = n.Findings
	return nil
}

// checkRadix refuses a switch with more cables than ports; 0 takes what the file says.
func (n *fileNet) checkRadix(radix int) error {
	if radix == 0 {
		return nil
	}
	cables := make([]int, len(n.Switches))
	for _, c := range n.Cables {
		for _, e := range [2]FileEnd{c.A, c.B} {
			if e.Host {
				continue
			}
			if cables[e.Index]++; cables[e.Index] > radix {
				return &FileError{c.Line, fmt.Sprintf("switch %s has more cables than its radix of %d", n.Switches[e.Index].Name, radix), ""}
			}
		}
	}
	return nil
}

// nicNode is the node and rate of a NIC by its overall number.
func (g *Graph) nicNode(k int32) (NodeID, float64) {
	for i := range g.groups {
		if gr := &g.groups[i]; k < gr.nicBase+int32(gr.nics) {
			return gr.nic0 + NodeID(k-gr.nicBase), gr.NICBytesPerSec
		}
	}
	return -1, 0
}

// distances counts the switches between each switch and its nearest host, at most the
// tiers that have a name; switches that no host reaches stand at the top.
func (n *fileNet) distances() ([]int, error) {
	next := make([][]int32, len(n.Switches))
	out := make([]int, len(n.Switches))
	for i := range out {
		out[i] = -1
	}
	var queue []int32
	for _, c := range n.Cables {
		for _, e := range [2][2]FileEnd{{c.A, c.B}, {c.B, c.A}} {
			switch {
			case e[0].Host:
			case e[1].Host:
				if out[e[0].Index] < 0 {
					out[e[0].Index] = 0
					queue = append(queue, int32(e[0].Index))
				}
			default:
				next[e[0].Index] = append(next[e[0].Index], int32(e[1].Index))
			}
		}
	}
	if len(queue) == 0 {
		return nil, fmt.Errorf("topology: no host of the fabric file has a cable to a switch")
	}
	top := 0
	for head := 0; head < len(queue); head++ {
		for _, y := range next[queue[head]] {
			if out[y] < 0 {
				out[y] = min(out[queue[head]]+1, len(tierNames)-1)
				top = max(top, out[y])
				queue = append(queue, y)
			}
		}
	}
	for i, d := range out {
		if d < 0 {
			out[i] = top
		}
	}
	return out, nil
}
