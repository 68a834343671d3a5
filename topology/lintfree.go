package topology

import (
	"cmp"
	"fmt"
	"slices"
)

// lintFree looks at a network without formula: pieces, cables that others of their kind
// have once or more often, and oversubscription.
func (g *Graph) lintFree(out []Finding) []Finding {
	if a, b, cut := g.pieces(); cut > 0 {
		out = append(out, Finding{"error", g.Name(b), fmt.Sprintf("the fabric is not connected: no cables lead from %s to %s and %d other NICs", g.Name(a), g.Name(b), cut-1)})
	}
	out = append(out, g.imported...)
	if !g.free.dragonfly {
		out = g.lintUplinks(out)
		out = g.lintParallel(out)
	}
	for i := range g.tiers {
		asked, got := 1.0, g.Oversubscription(i)
		if i < len(g.spec.Oversubscription) {
			asked = g.spec.Oversubscription[i]
		}
		switch {
		case got > asked*1.001 && g.free.dragonfly:
			out = append(out, Finding{"warning", tierNames[i], fmt.Sprintf("oversubscription of the %s level is %.3g:1, asked for %.3g:1: not all ports to other groups divide evenly", tierNames[i], got, asked)})
		case got > 1.001:
			out = append(out, Finding{"note", tierNames[i], fmt.Sprintf("oversubscription of the %s level is %.3g:1 at its fullest switch", tierNames[i], got)})
		}
	}
	return out
}

// lintUplinks compares the cables up of the switches of one tier: where most have a
// number and few have less, cables may be missing.
func (g *Graph) lintUplinks(out []Finding) []Finding {
	for i := 0; i+1 < len(g.tiers); i++ {
		t := &g.tiers[i]
		ups := make([]int, t.perBlock)
		count := map[int]int{}
		for k := range t.perBlock {
			for _, id := range g.Out(t.first + NodeID(k)) {
				if int(g.owner[g.to[id]]) > i && g.level[id] > NICLevel {
					ups[k]++
				}
			}
			count[ups[k]]++
		}
		usual := 0
		for n, c := range count { // the largest of the commonest
			if c > count[usual] || c == count[usual] && n > usual {
				usual = n
			}
		}
		said := 0
		for k, n := range ups {
			if n == usual {
				continue
			}
			if said++; said > maxFindings {
				break
			}
			word := "missing"
			if n > usual {
				word = "duplicated"
			}
			name := g.Name(t.first + NodeID(k))
			out = append(out, Finding{"warning", name, fmt.Sprintf("unequal tier: switch %s has %d links up, most of the %s level have %d: a link may be %s", name, n, tierNames[i], usual, word)})
		}
	}
	return out
}

// lintParallel finds pairs of switches with more cables between them than most pairs of
// their level.
func (g *Graph) lintParallel(out []Finding) []Finding {
	type pair struct {
		level LevelID
		a, b  NodeID
	}
	var all []pair
	for id, from := range g.from {
		if g.level[id] > NICLevel && from < g.to[id] {
			all = append(all, pair{g.level[id], from, g.to[id]})
		}
	}
	slices.SortFunc(all, func(x, y pair) int {
		return cmp.Or(cmp.Compare(x.level, y.level), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	type run struct {
		pair
		n int
	}
	var runs []run
	for _, p := range all {
		if k := len(runs) - 1; k >= 0 && runs[k].pair == p {
			runs[k].n++
		} else {
			runs = append(runs, run{p, 1})
		}
	}
	least := map[LevelID]int{}
	for _, r := range runs {
		if l, ok := least[r.level]; !ok || r.n < l {
			least[r.level] = r.n
		}
	}
	said := 0
	for _, r := range runs {
		if r.n <= least[r.level] {
			continue
		}
		if said++; said > maxFindings {
			break
		}
		out = append(out, Finding{"warning", g.Name(r.a), fmt.Sprintf("duplicated link: %d cables between %s and %s, other pairs of the %s level have %d", r.n, g.Name(r.a), g.Name(r.b), r.level.Key(), least[r.level])})
	}
	return out
}
