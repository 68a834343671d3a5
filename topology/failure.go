package topology

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// applyFailures takes the named links out, both directions.
func (g *Graph) applyFailures(names []string) error {
	if g.free != nil && len(names) > 0 {
		for i := range g.free.toward {
			g.free.toward[i].Store(nil)
		}
	}
	for _, name := range names {
		links, err := g.FindLinks(name)
		if err != nil {
			return err
		}
		for _, id := range links {
			g.failed[id] = true
			switch g.level[id] {
			case ScaleUpLevel:
				g.anyScaleUp = true
			case NICLevel:
			default:
				g.anyFailed = true
			}
		}
	}
	for i := 0; g.anyFailed && g.free == nil && i+1 < len(g.tiers); i++ {
		t := &g.tiers[i]
		g.dirty[i] = make([]bool, t.blocks)
		for u := range t.blocks * t.uplinks() {
			if id := t.upFirst + LinkID(2*u); g.failed[id] || g.failed[id+1] {
				g.dirty[i][u/t.uplinks()] = true
			}
		}
	}
	for k, up := range g.nicUp {
		g.nicOK[k] = !g.failed[up] && !g.failed[up+1]
	}
	return nil
}

// WithFailures is the graph with more links failed, named as in Spec.FailedLinks: the
// fabric during an outage. It shares what a failure does not touch; its wiring counts as
// another one, so collectives are laid anew.
func (g *Graph) WithFailures(names []string) (*Graph, error) {
	w := *g.wiring
	w.failed = slices.Clone(w.failed)
	w.nicOK = slices.Clone(w.nicOK)
	if w.free != nil { // what it remembers of routes is of the graph without the failures
		free := *w.free
		free.toward = make([]atomic.Pointer[reach], free.switches)
		w.free = &free
	}
	out := &Graph{spec: g.spec, scale: g.scale, mode: g.mode, wiring: &w}
	out.spec.FailedLinks = append(slices.Clone(g.spec.FailedLinks), names...)
	if err := out.applyFailures(names); err != nil {
		return nil, err
	}
	return out, nil
}

// FindLinks resolves "leaf-3:spine-2", "leaf-3:spine-2#1" (one of parallel cables), or
// "spine-2" (all links of an element) to directed links.
func (g *Graph) FindLinks(name string) ([]LinkID, error) {
	pair, nth := name, -1
	if at := strings.LastIndexByte(name, '#'); at >= 0 {
		n, err := strconv.Atoi(name[at+1:])
		if err != nil || n < 0 {
			return nil, fmt.Errorf("topology: link %q: %q is not the number of a parallel cable", name, name[at+1:])
		}
		pair, nth = name[:at], n
	}
	a, b, two := g.cutPair(pair)
	from, err := g.find(a)
	if err != nil {
		return nil, fmt.Errorf("topology: link %q: %w", name, err)
	}
	var out []LinkID
	if !two {
		for _, n := range from {
			for _, id := range g.Out(n) {
				out = append(out, id)
				if back, ok := g.reverse(id); ok {
					out = append(out, back)
				}
			}
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("topology: %q has no links", name)
		}
		return out, nil
	}
	to, err := g.find(b)
	if err != nil {
		return nil, fmt.Errorf("topology: link %q: %w", name, err)
	}
	isTo := make(map[NodeID]bool, len(to))
	for _, n := range to {
		isTo[n] = true
	}
	n := 0
	for _, x := range from {
		for _, id := range g.Out(x) {
			if !isTo[g.to[id]] {
				continue
			}
			if nth < 0 || nth == n {
				out = append(out, id)
				if back, ok := g.reverse(id); ok {
					out = append(out, back)
				}
			}
			n++
		}
	}
	if len(out) == 0 {
		if nth >= 0 && n > 0 {
			return nil, fmt.Errorf("topology: link %q: there are %d cables between %s and %s, numbered from 0", name, n, a, b)
		}
		return nil, fmt.Errorf("topology: there is no link between %s and %s", a, b)
	}
	return out, nil
}

// reverse is the other direction of a cable.
func (g *Graph) reverse(id LinkID) (LinkID, bool) {
	a, b := g.from[id], g.to[id]
	if id^1 >= 0 && int(id^1) < len(g.from) && g.from[id^1] == b && g.to[id^1] == a {
		return id ^ 1, true
	}
	nth := 0 // among parallel links a→b
	for _, o := range g.Out(a) {
		if o == id {
			break
		}
		if g.to[o] == b {
			nth++
		}
	}
	for _, o := range g.Out(b) {
		if g.to[o] == a {
			if nth == 0 {
				return o, true
			}
			nth--
		}
	}
	return 0, false
}

// cutPair cuts "a:b" in two. Switches of real fabrics have colons in their names: the
// colon counts that leaves two elements, and none does where the whole is one.
func (g *Graph) cutPair(pair string) (a, b string, two bool) {
	if g.free != nil && g.free.byName != nil {
		if _, err := g.find(pair); err == nil {
			return pair, "", false
		}
		for at := range len(pair) {
			if pair[at] != ':' {
				continue
			}
			_, errA := g.find(pair[:at])
			_, errB := g.find(pair[at+1:])
			if errA == nil && errB == nil {
				return pair[:at], pair[at+1:], true
			}
		}
	}
	return strings.Cut(pair, ":")
}

// find resolves an element's name to nodes: a switch, a host (all its chips and NICs),
// a NIC, a chip or a scale-up domain.
func (g *Graph) find(name string) ([]NodeID, error) {
	if g.free != nil {
		if nodes := g.free.byName[name]; len(nodes) > 0 {
			return nodes, nil
		}
	}
	if head, num, ok := cutNumber(name); ok {
		for t := range g.tiers {
			if tierNames[t] == head {
				n := g.tiers[t].perBlock * g.tiers[t].blocks
				if num >= n {
					return nil, fmt.Errorf("there is no %s: the graph has %s-0 to %s-%d", name, head, head, n-1)
				}
				return []NodeID{g.tiers[t].first + NodeID(num)}, nil
			}
		}
		if isTierName(head) {
			return nil, fmt.Errorf("there is no %s: the graph has no %s level", name, head)
		}
	}
	host, part, hasPart := strings.Cut(name, ".")
	if gr := g.group(host); gr != nil && hasPart {
		if kind, d, ok := cutNumber(part); ok && kind == "scaleup" && gr.suKind == "switch" && d < gr.domains {
			return []NodeID{gr.dom0 + NodeID(d)}, nil
		}
		return nil, fmt.Errorf("group %q has no element %q", host, part)
	}
	head, num, ok := cutNumber(host)
	gr := g.group(head)
	if !ok || gr == nil {
		return nil, fmt.Errorf("there is no element %q (hosts are in groups %v; switches are leaf-0, spine-0, …)", name, g.Groups())
	}
	if num >= gr.Count {
		return nil, fmt.Errorf("there is no host %s: group %q has %d", host, head, gr.Count)
	}
	if !hasPart {
		return append(g.HostChips(head, num), g.HostNICs(head, num)...), nil
	}
	kind, i, ok := cutNumber(part)
	switch {
	case ok && kind == "nic" && i < gr.HostGroup.NICs:
		return []NodeID{g.HostNICs(head, num)[i]}, nil
	case ok && kind == "chip" && i < gr.ChipsPerHost:
		return []NodeID{g.HostChips(head, num)[i]}, nil
	}
	return nil, fmt.Errorf("host %s has no %q: it has %d chips (chip-0, …) and %d NICs (nic-0, …)", host, part, gr.ChipsPerHost, gr.HostGroup.NICs)
}

func cutNumber(s string) (head string, n int, ok bool) {
	at := strings.LastIndexByte(s, '-')
	if at <= 0 {
		return "", 0, false
	}
	n, err := strconv.Atoi(s[at+1:])
	if err != nil || n < 0 {
		return "", 0, false
	}
	return s[:at], n, true
}

// clean says whether two leaves that meet at tier top have all the uplinks on the way.
func (g *Graph) clean(la, lb, top int) bool {
	if !g.anyFailed {
		return true
	}
	for i := range top {
		if g.dirty[i][la] || g.dirty[i][lb] {
			return false
		}
		fan := g.tiers[i+1].fan
		la, lb = la/fan, lb/fan
	}
	return true
}
