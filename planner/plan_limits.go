package planner

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"aisim/internal/result"
	"aisim/planner/search"
)

// binding finds for every limit the least relaxation of it alone that lets a better
// design in. Where none of the designs looked at gives one the limit costs nothing.
func (pl *planning) binding(r *search.Result) []result.Binding {
	var out []result.Binding
	best := pl.looked[r.Best]
	for j := range pl.limits {
		l := &pl.limits[j]
		at, over := -1, math.Inf(1)
		for id, v := range pl.looked {
			if v.reason != "" || math.IsNaN(v.objective) || pl.sign()*v.objective >= pl.sign()*best.objective {
				continue
			}
			others := true
			for k := range pl.limits {
				others = others && (k == j || pl.limits[k].over(v.limits[k]) <= 1)
			}
			if o := l.over(v.limits[j]); others && (o < over || o == over && id < at) {
				at, over = id, o
			}
		}
		if at < 0 || math.IsInf(over, 0) {
			continue
		}
		v := pl.looked[at]
		labels, _ := pl.design(at)
		gain := pl.sign() * (best.objective - v.objective)
		out = append(out, result.Binding{Constraint: l.text, Limit: l.value, Reached: best.limits[j], RelaxTo: v.limits[j], Unit: l.unit, Gain: gain,
			Shadow: gain / math.Abs(v.limits[j]-l.value), Labels: labels})
	}
	sort.SliceStable(out, func(a, b int) bool { // the one that gives way first binds
		return math.Abs(out[a].RelaxTo/out[a].Limit-1) < math.Abs(out[b].RelaxTo/out[b].Limit-1)
	})
	return out
}

// infeasible says which limits cannot be met, and the least relaxation that gives a plan:
// that of the design whose largest excess is the smallest.
func (pl *planning) infeasible(r *search.Result) *result.Infeasibility {
	out := &result.Infeasibility{Alone: []result.UnmetLimit{}, Relaxation: []result.UnmetLimit{}}
	all := map[int]*reached{}
	for id, v := range pl.reached {
		all[id] = v
	}
	for id, v := range pl.looked { // the fine rung knows better
		all[id] = v
	}
	nearest := func() (at int) {
		at, least := -1, math.Inf(1)
		for id, v := range all {
			if v.reason != "" || v.pruned || math.IsNaN(v.objective) {
				continue
			}
			if o, _ := pl.worst(v); o < least || o == least && id < at {
				at, least = id, o
			}
		}
		return at
	}
	// The nearest design of the coarse rung is looked at closely, until it stays nearest.
	at := nearest()
	for range 10 {
		if at < 0 || pl.looked[at] != nil || pl.err != nil || pl.ctx.Err() != nil {
			break
		}
		pl.evaluate([]int{at}, pl.fine, pl.looked)
		all[at] = pl.looked[at]
		at = nearest()
	}
	if at < 0 {
		out.Text = "no design of the space can be built"
		if _, reasons := pl.reasons(); len(reasons) > 0 {
			out.Text += "; the commonest reason, " + reasons[0]
		}
		return out
	}
	for j := range pl.limits {
		l := &pl.limits[j]
		best, over := math.NaN(), math.Inf(1)
		for _, v := range all {
			if v.reason == "" && !v.pruned {
				if o := l.over(v.limits[j]); o < over {
					best, over = v.limits[j], o
				}
			}
		}
		if over > 1 && !math.IsNaN(best) {
			out.Alone = append(out.Alone, unmet(l, best, over))
		}
	}
	var relax []string
	for j := range pl.limits {
		l := &pl.limits[j]
		if o := l.over(all[at].limits[j]); o > 1 {
			u := unmet(l, all[at].limits[j], o)
			out.Relaxation = append(out.Relaxation, u)
			relax = append(relax, fmt.Sprintf("%s to %.7g %s (%s)", l.key, u.Reached, l.unit, change(u.Reached/l.value-1)))
		}
	}
	d := pl.report(at, all[at])
	out.Design = &d
	out.Text = "no design keeps all limits; the smallest relaxation that gives a plan: " + strings.Join(relax, " and ")
	if len(out.Alone) > 0 {
		var alone []string
		for _, u := range out.Alone {
			alone = append(alone, fmt.Sprintf("%s (the best of all designs is %.6g %s, %s)", u.Constraint, u.Reached, u.Unit, change(u.Over)))
		}
		out.Text = "cannot be met by any design: " + strings.Join(alone, "; ") + ". The smallest relaxation that gives a plan: " + strings.Join(relax, " and ")
	}
	return out
}

func unmet(l *limit, v, over float64) result.UnmetLimit {
	return result.UnmetLimit{Constraint: l.text, Limit: l.value, Reached: loosened(v, l.atMost), Unit: l.unit, Over: over - 1}
}

// loosened rounds a limit to six digits towards the side on which it is still kept.
func loosened(v float64, atMost bool) float64 {
	if v == 0 {
		return 0
	}
	step := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-5)
	if atMost {
		return math.Ceil(v/step) * step
	}
	return math.Floor(v/step) * step
}

// change is a relative difference in words: large ones as a multiple.
func change(x float64) string {
	if x >= 1 {
		return fmt.Sprintf("%.3g times the limit", 1+x)
	}
	return fmt.Sprintf("%+.3g %%", 100*x)
}
