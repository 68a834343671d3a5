package topology

import (
	"fmt"
	"strings"
)

// Describe is the fabric in words: hosts, switches, links and oversubscription by level.
func (g *Graph) Describe() string {
	var b strings.Builder
	name := g.spec.Topology
	if name == "" {
		name = "fat-tree"
	}
	routing := g.spec.Routing
	if routing == "" {
		routing = "adaptive"
	}
	fmt.Fprintf(&b, "%s, %d switch levels, %s routing\n", name, len(g.tiers), routing)
	for i := range g.groups {
		gr := &g.groups[i]
		fmt.Fprintf(&b, "hosts    %-12s %6d × ", gr.Name, gr.Count)
		if gr.ChipsPerHost > 0 {
			fmt.Fprintf(&b, "%d chips, ", gr.ChipsPerHost)
		}
		fmt.Fprintf(&b, "%d NICs", gr.HostGroup.NICs)
		if gr.HostGroup.NICs > 0 {
			fmt.Fprintf(&b, " of %s", gbps(gr.NICBytesPerSec))
		}
		if gr.perDomain > 1 {
			fmt.Fprintf(&b, "; scale-up %s of %d chips", gr.suKind, gr.perDomain)
			if len(gr.dims) > 0 && gr.suKind == "torus" {
				fmt.Fprintf(&b, " %v", gr.dims)
			}
			fmt.Fprintf(&b, ", %s one way per chip", gbps(gr.ScaleUp.BytesPerSec))
		}
		b.WriteByte('\n')
	}
	for i := len(g.tiers) - 1; i >= 0; i-- {
		t := &g.tiers[i]
		fmt.Fprintf(&b, "switches %-12s %6d", tierNames[i], t.perBlock*t.blocks)
		if g.free != nil {
			g.describeFree(&b, i)
			continue
		}
		if i == len(g.tiers)-1 {
			fmt.Fprintf(&b, ", all ports down")
		} else {
			fmt.Fprintf(&b, ", %d ports down, %d up, %.3g:1", t.down, t.up, g.Oversubscription(i))
		}
		if g.rails > 0 && t.blocks >= g.rails {
			fmt.Fprintf(&b, "; %d on each of %d rails", t.perBlock*t.blocks/g.rails, g.rails)
		} else if t.blocks > 1 && i > 0 {
			fmt.Fprintf(&b, "; %d pods of %d", t.blocks, t.perBlock)
		}
		if t.trunk > 1 {
			fmt.Fprintf(&b, "; %d cables from each to each block below", t.trunk)
		}
		b.WriteByte('\n')
	}
	for _, l := range g.Levels() {
		rate := gbps(l.BytesPerSec)
		if l.MaxBytesPerSec > l.BytesPerSec {
			rate = gbps(l.BytesPerSec) + " to " + gbps(l.MaxBytesPerSec)
		}
		fmt.Fprintf(&b, "links    %-12s %6d cables of %s, %.4g TB/s both ways", l.Key, (l.Links+1)/2, rate, l.TotalBytesPerSec/1e12)
		if l.Failed > 0 {
			fmt.Fprintf(&b, "; %d directions failed", l.Failed)
		}
		fmt.Fprintf(&b, "  (%s)\n", l.Name)
	}
	for _, n := range g.notes {
		fmt.Fprintf(&b, "note     %s\n", n)
	}
	return b.String()
}

// describeFree ends the line of a tier of a network without formula.
func (g *Graph) describeFree(b *strings.Builder, i int) {
	t := &g.tiers[i]
	if g.free.dragonfly {
		fmt.Fprintf(b, ", %d ports down, %d %s, %.3g:1; %d groups of %d\n", t.down, t.up, [2]string{"up", "to other groups"}[i], g.Oversubscription(i), t.blocks, t.perBlock)
		return
	}
	least, most := 1<<30, 0
	for k := range t.perBlock {
		n := len(g.Out(t.first + NodeID(k)))
		least, most = min(least, n), max(most, n)
	}
	fmt.Fprintf(b, ", %d to %d cables each", least, most)
	if o := g.Oversubscription(i); o > 0 {
		fmt.Fprintf(b, ", %.3g:1 at the fullest", o)
	}
	b.WriteByte('\n')
}

func gbps(bytesPerSec float64) string { return fmt.Sprintf("%.4g Gb/s", bytesPerSec*8/1e9) }

// Switches counts the switches of each tier from the leaf up, by name; for price books.
func (g *Graph) Switches() (names []string, counts []int) {
	for i := range g.tiers {
		names = append(names, tierNames[i])
		counts = append(counts, g.tiers[i].perBlock*g.tiers[i].blocks)
	}
	return names, counts
}

// Cables counts the cables of a level, failed ones included.
func (g *Graph) Cables(l LevelID) int {
	n := 0
	for _, x := range g.level {
		if x == l {
			n++
		}
	}
	return n / 2
}
