package topology

import (
	"math"
	"slices"
)

// LevelUse is how busy the links of one level are, 0..1 of their capacity.
type LevelUse struct {
	Level
	Mean, P99, Max float64 // over live links
}

// SwitchUse is the busiest link of every switch of one tier, pods side by side. A pod is
// a block of the tier below the top; the switches of the top tier stand by plane.
type SwitchUse struct {
	Name string // "leaf"
	Pods [][]float64
}

// Use turns bytes per link (indexed by LinkID) moved in a period into utilisations.
func (g *Graph) Use(bytesPerLink []float64, periodSec float64) ([]LevelUse, []SwitchUse) {
	util := make([]float64, len(g.from))
	var byLevel [NumLevels][]float64
	for id := range util {
		if c := g.Capacity(LinkID(id)); c > 0 && periodSec > 0 && id < len(bytesPerLink) {
			util[id] = bytesPerLink[id] / (c * periodSec)
			byLevel[g.level[id]] = append(byLevel[g.level[id]], util[id])
		}
	}
	var levels []LevelUse
	for _, l := range g.Levels() {
		u := LevelUse{Level: l}
		if v := byLevel[l.ID]; len(v) > 0 {
			slices.Sort(v)
			sum := 0.0
			for _, x := range v {
				sum += x
			}
			u.Mean = sum / float64(len(v))
			u.P99 = v[int(math.Ceil(0.99*float64(len(v))))-1]
			u.Max = v[len(v)-1]
		}
		levels = append(levels, u)
	}
	var tiers []SwitchUse
	for i := range g.tiers {
		t := &g.tiers[i]
		n := t.perBlock * t.blocks
		s := SwitchUse{Name: tierNames[i]}
		per := g.podSize(i)
		for first := 0; first < n; first += per {
			pod := make([]float64, 0, per)
			for k := first; k < min(first+per, n); k++ {
				busiest := 0.0
				for _, id := range g.Out(t.first + NodeID(k)) {
					busiest = max(busiest, util[id])
					if back, ok := g.reverse(id); ok {
						busiest = max(busiest, util[back])
					}
				}
				pod = append(pod, busiest)
			}
			s.Pods = append(s.Pods, pod)
		}
		tiers = append(tiers, s)
	}
	return levels, tiers
}

// podSize is the number of switches of tier i in one pod.
func (g *Graph) podSize(i int) int {
	top := len(g.tiers) - 1
	switch {
	case g.free != nil:
		return max(1, g.tiers[i].perBlock)
	case top == 0:
		return 1
	case i == top:
		if c := &g.tiers[top-1]; top > 1 {
			return max(1, c.up/g.tiers[top].trunk)
		}
		return g.tiers[i].perBlock
	}
	n := g.tiers[i].perBlock
	for k := i + 1; k < top; k++ {
		n *= g.tiers[k].fan
	}
	if top == 1 {
		n *= g.tiers[0].blocks
	}
	return max(1, n)
}

// Oversubscription is the realised ratio of bandwidth down to bandwidth up of a switch
// level (0 leaf, 1 spine, …), of its fullest block; 0 at the top or beyond.
func (g *Graph) Oversubscription(tierIndex int) float64 {
	toGroups := g.free != nil && g.free.dragonfly // whose top level has cables among itself
	if tierIndex < 0 || tierIndex >= len(g.tiers) || tierIndex+1 == len(g.tiers) && !toGroups {
		return 0
	}
	t := &g.tiers[tierIndex]
	n := t.perBlock * t.blocks
	down, up := make([]float64, n), make([]float64, n)
	for s := range n {
		for _, id := range g.Out(t.first + NodeID(s)) {
			if g.level[id] == LeafLevel+LevelID(tierIndex) {
				up[s] += g.Capacity(id)
			} else {
				down[s] += g.Capacity(id)
			}
		}
	}
	worst := 0.0
	for s := range n {
		if up[s] > 0 {
			worst = max(worst, down[s]/up[s])
		}
	}
	return worst
}
