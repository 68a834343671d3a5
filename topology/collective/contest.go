package collective

import (
	"fmt"
	"math"
	"slices"

	"aisim/topology"
	"aisim/topology/flow"
)

// contest is a phase's groups beside background transfers, with links that nobody can
// tell apart folded into one. A group is one coupled flow: a ring moves at the pace of its
// slowest edge and holds no bandwidth that it cannot use.
type contest struct {
	background []flow.Demand // as given
	caps       []float64     // nominal, of the folded links
	levels     []topology.LevelID
	demands    []flow.Demand // groups, then background
	groups     int
}

// contestOf finds or folds the contest of a phase with a background. Capacities do not
// enter but for their nominal values, so scaled graphs share it.
func (c *Comm) contestOf(s *shape, ph *phase, background []flow.Demand) (*contest, error) {
	c.kept.mu.Lock()
	defer c.kept.mu.Unlock()
	for _, have := range ph.contests {
		if slices.EqualFunc(have.background, background, sameDemand) {
			return have, nil
		}
	}
	if err := c.layGroups(s, ph); err != nil {
		return nil, err
	}
	x := &contest{groups: len(ph.uses)}
	for _, d := range background {
		d.Uses = slices.Clone(d.Uses)
		x.background = append(x.background, d)
	}
	nominal := make([]float64, c.g.NumLinks())
	demands := make([]flow.Demand, 0, len(ph.uses)+len(background)+int(topology.NumLevels))
	for _, uses := range ph.uses {
		demands = append(demands, flow.Demand{Name: "group", Uses: uses, Bytes: 1})
	}
	for _, d := range background {
		d.Uses = linkUses(d.Uses, c.g.NumLinks())
		d.Bytes = math.Inf(1)
		demands = append(demands, d)
	}
	// One marker per level keeps links of unlike levels apart, which scale on their own.
	real := len(demands)
	marks := make([][]flow.Use, topology.NumLevels)
	used := make([]bool, c.g.NumLinks())
	for _, d := range demands {
		for _, u := range d.Uses {
			used[u.Res] = true
		}
	}
	for id, yes := range used {
		l := c.g.LevelOf(topology.LinkID(id))
		nominal[id] = c.g.Capacity(topology.LinkID(id)) / c.g.Scale(l)
		if yes {
			marks[l] = append(marks[l], flow.Use{Res: flow.ResourceID(id), Weight: 1})
		}
	}
	for _, m := range marks {
		demands = append(demands, flow.Demand{Uses: m})
	}
	caps, folded, _ := flow.Fold(nominal, demands)
	x.caps, x.levels = caps, make([]topology.LevelID, len(caps))
	for l, d := range folded[real:] {
		for _, u := range d.Uses {
			x.levels[u.Res] = topology.LevelID(l)
		}
	}
	x.demands = folded[:real]
	ph.contests = append(ph.contests, x)
	return x, nil
}

func sameDemand(a, b flow.Demand) bool {
	return a.Count == b.Count && a.RateCapBytesPerSec == b.RateCapBytesPerSec && a.Share == b.Share && slices.Equal(a.Uses, b.Uses)
}

// capacity of folded link r under the present scale and constants.
func (c *Comm) contestCapacity(x *contest, r int, t traffic) float64 {
	l := x.levels[r]
	return x.caps[r] * c.g.Scale(l) * c.efficiency(l, t)
}

// simulate runs the groups until the last has moved one byte of S beside the
// background, and names the level of the fullest link that a group crosses.
func (c *Comm) simulate(s *shape, ph *phase, background []flow.Demand) (float64, topology.LevelID, error) {
	x, err := c.contestOf(s, ph, background)
	if err != nil {
		return 0, 0, err
	}
	caps := make([]float64, len(x.caps))
	for r := range caps {
		caps[r] = c.contestCapacity(x, r, ph.traffic)
	}
	net := flow.NewNet(caps)
	left := 0
	slowest, lowest := flow.FlowID(-1), math.Inf(1)
	ids := make([]flow.FlowID, x.groups)
	for i, d := range x.demands {
		if len(d.Uses) == 0 && (i < x.groups || d.RateCapBytesPerSec == 0) {
			continue
		}
		id, err := net.Add(d)
		if err != nil {
			return 0, 0, fmt.Errorf("collective: %s: %w", s.op, err)
		}
		if i < x.groups {
			ids[i] = id
			left++
		}
	}
	if left == 0 {
		return 0, 0, nil
	}
	at := -1
	for i := range x.groups {
		if len(x.demands[i].Uses) > 0 && net.Rate(ids[i]) < lowest {
			lowest, slowest, at = net.Rate(ids[i]), ids[i], i
		}
	}
	level, fullest := topology.LevelID(0), 0.0
	if slowest >= 0 {
		for _, u := range x.demands[at].Uses {
			if use := net.Utilisation(u.Res); use > fullest+tie {
				fullest, level = use, x.levels[u.Res]
			} else if use > fullest-tie && x.levels[u.Res] < level {
				level = x.levels[u.Res]
			}
		}
	}
	done := net.Advance(math.Inf(1))
	if len(done) < left {
		return 0, 0, fmt.Errorf("collective: %s: %d of %d groups are starved by the background", s.op, left-len(done), left)
	}
	return net.Now(), level, nil
}

// bound is the analytic answer: on each link the background moves as many bytes as a
// group does, or its cap where that is less.
func (c *Comm) bound(s *shape, ph *phase, background []flow.Demand) (float64, topology.LevelID, error) {
	x, err := c.contestOf(s, ph, background)
	if err != nil {
		return 0, 0, err
	}
	load := make([]float64, len(x.caps))
	free := make([]float64, len(x.caps))  // weight of background without a cap
	fixed := make([]float64, len(x.caps)) // rate of background at its cap
	for i, d := range x.demands {
		n := float64(max(d.Count, 1))
		for _, u := range d.Uses {
			switch {
			case i < x.groups:
				load[u.Res] += u.Weight
			case d.RateCapBytesPerSec > 0:
				fixed[u.Res] += n * u.Weight * d.RateCapBytesPerSec
				free[u.Res] += n * u.Weight
			default:
				free[u.Res] += n * u.Weight
			}
		}
	}
	worst, level := 0.0, topology.LevelID(0)
	for r := range load {
		if load[r] == 0 {
			continue
		}
		cap := c.contestCapacity(x, r, ph.traffic)
		t := (load[r] + free[r]) / cap
		if fixed[r] > 0 && cap > fixed[r] {
			t = min(t, load[r]/(cap-fixed[r]))
		}
		if t > worst*(1+tie) || t > worst*(1-tie) && x.levels[r] < level {
			level = x.levels[r]
		}
		worst = max(worst, t)
	}
	return worst, level, nil
}

// layGroups keeps each group's own uses of the links. The caller holds the lock.
func (c *Comm) layGroups(s *shape, ph *phase) error {
	if len(ph.uses) > 0 {
		return nil
	}
	load := c.g.NewLoad()
	scratch := *ph
	for _, ranks := range s.groups {
		var uses []flow.Use
		if len(ranks) > 1 {
			g := place(c.g, ranks)
			load.Reset()
			if err := ph.lay(&builder{g: c.g, load: load, lockStep: c.opt.LockStep, ph: &scratch}, &g); err != nil {
				return err
			}
			sum, err := load.Sum()
			if err != nil {
				return err
			}
			uses = make([]flow.Use, len(sum))
			for i, x := range sum {
				uses[i] = flow.Use{Res: flow.ResourceID(x.Link), Weight: x.Fraction}
			}
		}
		ph.uses = append(ph.uses, uses)
	}
	return nil
}

// linkUses keeps the uses that are links: other resources of a Net (drives, CPUs) are
// not part of the graph.
func linkUses(uses []flow.Use, links int) []flow.Use {
	out := make([]flow.Use, 0, len(uses))
	for _, u := range uses {
		if int(u.Res) < links {
			out = append(out, u)
		}
	}
	return out
}
