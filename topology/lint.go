package topology

import "fmt"

// Finding is something about a fabric that its owner may not have meant.
type Finding struct {
	Severity string // "error": traffic cannot flow; "warning": money or speed is lost; "note"
	Element  string
	Text     string
}

// maxFindings of one kind are listed one by one; the rest is counted.
const maxFindings = 20

// Lint looks for unused switches, failed and parallel links, unequal tiers, hosts that
// are cut off, and oversubscription other than asked for.
func (g *Graph) Lint() []Finding {
	var out []Finding
	out = g.lintHosts(out)
	out = g.lintSwitches(out)
	if g.free != nil {
		out = g.lintFree(out)
	} else {
		out = g.lintTiers(out)
	}
	for _, n := range g.notes {
		out = append(out, Finding{"note", "fabric", n})
	}
	return out
}

func (g *Graph) lintHosts(out []Finding) []Finding {
	cut := 0
	for i := range g.groups {
		gr := &g.groups[i]
		n := gr.HostGroup.NICs
		if n == 0 {
			continue
		}
		for h := range gr.Count {
			live := 0
			for k := range n {
				if g.nicOK[int(gr.nicBase)+h*n+k] {
					live++
				}
			}
			name := g.hostName(gr, h)
			switch {
			case live == 0:
				if cut++; cut <= maxFindings {
					out = append(out, Finding{"error", name, fmt.Sprintf("host %s is disconnected: none of its %d NICs has a live link", name, n)})
				}
			case live < n:
				out = append(out, Finding{"warning", name, fmt.Sprintf("host %s has %d of %d NICs", name, live, n)})
			}
		}
	}
	if cut > maxFindings {
		out = append(out, Finding{"error", "hosts", fmt.Sprintf("%d more hosts are disconnected", cut-maxFindings)})
	}
	return out
}

func (g *Graph) lintSwitches(out []Finding) []Finding {
	for i := range g.tiers {
		t := &g.tiers[i]
		unused, damaged := 0, 0
		for s := range t.perBlock * t.blocks {
			node := t.first + NodeID(s)
			links, live, down := 0, 0, 0
			for _, id := range g.Out(node) {
				links++
				if g.failed[id] {
					continue
				}
				live++
				if i == 0 && g.level[id] == NICLevel || i > 0 && g.level[id] == LeafLevel+LevelID(i-1) {
					down++
				}
			}
			name := g.Name(node)
			switch {
			case down == 0:
				if unused++; unused <= maxFindings {
					out = append(out, Finding{"warning", name, fmt.Sprintf("switch %s is unused: nothing live hangs below it", name)})
				}
			case live < links:
				if damaged++; damaged <= maxFindings {
					out = append(out, Finding{"warning", name, fmt.Sprintf("switch %s has %d of %d links", name, live, links)})
				}
			}
		}
		if n := unused - maxFindings; n > 0 {
			out = append(out, Finding{"warning", tierNames[i], fmt.Sprintf("%d more %s switches are unused", n, tierNames[i])})
		}
		if n := damaged - maxFindings; n > 0 {
			out = append(out, Finding{"warning", tierNames[i], fmt.Sprintf("%d more %s switches lack links", n, tierNames[i])})
		}
		if i > 0 && g.tiers[i-1].blocks == 1 && g.free == nil {
			out = append(out, Finding{"warning", tierNames[i], fmt.Sprintf("the %d %s switches are unused: all hosts meet below them", t.perBlock*t.blocks, tierNames[i])})
		}
		if t.trunk > 1 {
			out = append(out, Finding{"note", tierNames[i], fmt.Sprintf("%d parallel cables between a %s switch and each block below it", t.trunk, tierNames[i])})
		}
	}
	return out
}

func (g *Graph) lintTiers(out []Finding) []Finding {
	for i := 1; i < len(g.tiers); i++ {
		t, c := &g.tiers[i], &g.tiers[i-1]
		if rest := c.blocks % t.fan; g.rails == 0 && rest != 0 && t.blocks > 1 {
			out = append(out, Finding{"note", tierNames[i], fmt.Sprintf("unequal tier: the last of %d %s pods joins %d blocks, the others %d", t.blocks, tierNames[i], rest, t.fan)})
		}
	}
	if len(g.tiers) > 1 {
		most, least := 0, 1<<30
		for s := range g.tiers[0].blocks {
			n := 0
			for _, id := range g.Out(g.tiers[0].first + NodeID(s)) {
				if g.level[id] == NICLevel {
					n++
				}
			}
			most, least = max(most, n), min(least, n)
		}
		if most != least {
			out = append(out, Finding{"note", tierNames[0], fmt.Sprintf("unequal tier: leaves have between %d and %d hosts' links", least, most)})
		}
	}
	for i := 0; i+1 < len(g.tiers); i++ {
		asked := 1.0
		if i < len(g.spec.Oversubscription) {
			asked = g.spec.Oversubscription[i]
		}
		got := g.Oversubscription(i)
		switch {
		case got > asked*1.001:
			out = append(out, Finding{"warning", tierNames[i], fmt.Sprintf("oversubscription of the %s level is %.3g:1, asked for %.3g:1", tierNames[i], got, asked)})
		case got < asked*0.999:
			out = append(out, Finding{"note", tierNames[i], fmt.Sprintf("oversubscription of the %s level is only %.3g:1 of the %.3g:1 asked for: its downlinks are not all taken or do not divide evenly", tierNames[i], got, asked)})
		case got > 1.001:
			out = append(out, Finding{"note", tierNames[i], fmt.Sprintf("oversubscription of the %s level is %.3g:1", tierNames[i], got)})
		}
	}
	return out
}
