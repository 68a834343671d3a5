package planner

import (
	"fmt"
	"math"
	"sort"

	"aisim/internal/result"
	"aisim/planner/search"
	"aisim/scenarios"
)

// step searches one stage and writes down what was found.
func (pl *planning) step(stage scenarios.Step) (*result.PlanStep, error) {
	n := search.Size(pl.sizes)
	budget, screen := pl.opt.Fine, pl.opt.Screen
	if budget == 0 {
		budget = min(max(n/20, fineLeast), fineMost)
	}
	if screen == 0 {
		screen = screenMost
	}
	pl.bounds = true
	r := pl.search(budget, screen)
	if r.Best < 0 && pl.pruned() > 0 && pl.err == nil && pl.ctx.Err() == nil {
		// Nothing fits: what the bounds put aside may miss by least.
		pl.bounds, pl.reached, pl.looked = false, map[int]*reached{}, map[int]*reached{}
		r = pl.search(budget, screen)
	}
	if pl.err != nil {
		return nil, pl.err
	}
	if err := pl.ctx.Err(); err != nil {
		return nil, err
	}
	step := &result.PlanStep{Name: stage.Name, Set: stage.Set, Front: []result.PlanDesign{}, RunnersUp: []result.PlanDesign{}, Binding: []result.Binding{}}
	pl.whole(&r, n)
	pl.front(&r)
	if r.Best >= 0 {
		if err := pl.choose(step, &r); err != nil {
			return nil, err
		}
		step.RunnersUp = pl.runnersUp(&r)
		step.Binding = pl.binding(&r)
	} else {
		step.Infeasible = pl.infeasible(&r)
	}
	for _, id := range pl.efficient(&r) {
		step.Front = append(step.Front, pl.report(id, pl.looked[id]))
	}
	step.Effort = result.PlanEffort{Designs: n, Screened: len(r.Screened), Pruned: pl.pruned(), Fine: len(pl.looked), Settled: r.Settled, Whole: r.Whole}
	step.Effort.Screened -= step.Effort.Pruned
	step.Effort.Impossible, step.Effort.Reasons = pl.reasons()
	if pl.err != nil {
		return nil, pl.err
	}
	return step, pl.ctx.Err()
}

func (pl *planning) search(budget, screen int) search.Result {
	stop := func(ids []int, do func() []search.Outcome) []search.Outcome {
		if pl.err != nil || pl.ctx.Err() != nil { // the rest of the search is idle
			return make([]search.Outcome, len(ids))
		}
		return do()
	}
	return search.Run(search.Problem{Sizes: pl.sizes, Budget: budget, Screen: screen, Seed: pl.base.Seed,
		Coarse: func(ids []int) []search.Outcome {
			return stop(ids, func() []search.Outcome { return pl.outcomes(ids, pl.coarse, pl.reached) })
		},
		Fine: func(ids []int) []search.Outcome {
			return stop(ids, func() []search.Outcome { return pl.outcomes(ids, pl.fine, pl.looked) })
		}})
}

func (pl *planning) pruned() int {
	n := 0
	for _, v := range pl.reached {
		if v.pruned {
			n++
		}
	}
	return n
}

// reasons counts why designs cannot be built, the commonest first.
func (pl *planning) reasons() (total int, out []string) {
	count := map[string]int{}
	for _, v := range pl.reached {
		if v.reason != "" {
			count[v.reason]++
			total++
		}
	}
	var list []string
	for r := range count {
		list = append(list, r)
	}
	sort.Slice(list, func(a, b int) bool {
		if count[list[a]] != count[list[b]] {
			return count[list[a]] > count[list[b]]
		}
		return list[a] < list[b]
	})
	for _, r := range list[:min(len(list), 5)] {
		out = append(out, fmt.Sprintf("%d: %s", count[r], r))
	}
	return total, out
}

// keeps says whether a design met all limits on the fine rung.
func (pl *planning) keeps(id int) bool {
	v := pl.looked[id]
	return v != nil && pl.outcome(v).Keeps()
}

// sign makes less of the objective better.
func (pl *planning) sign() float64 {
	if pl.maximise {
		return -1
	}
	return 1
}

// whole looks closely at every design of a space that is small enough.
func (pl *planning) whole(r *search.Result, n int) {
	if n > fineLeast || pl.err != nil || pl.ctx.Err() != nil {
		return
	}
	var missing []int
	for _, id := range r.Screened {
		if r.Coarse[id].Valid && pl.looked[id] == nil {
			missing = append(missing, id)
		}
	}
	pl.look(r, missing)
}

// look evaluates designs on the fine rung and takes a better choice where one turns up.
func (pl *planning) look(r *search.Result, ids []int) {
	if len(ids) == 0 {
		return
	}
	pl.evaluate(ids, pl.fine, pl.looked)
	for _, id := range ids {
		if v := pl.looked[id]; v != nil && pl.outcome(v).Keeps() && (r.Best < 0 || pl.outcome(v).Objective < pl.outcome(pl.looked[r.Best]).Objective) {
			r.Best = id
		}
	}
}

// front looks closely at the designs that the coarse rung holds for efficient, best
// objective first, so that the front is decided on the fine rung.
func (pl *planning) front(r *search.Result) {
	if pl.trade == nil {
		return
	}
	var list []int
	for _, id := range r.Screened {
		if o := r.Coarse[id]; o.Keeps() && !math.IsNaN(pl.reached[id].trade) {
			list = append(list, id)
		}
	}
	var missing []int
	for _, id := range pl.undominated(list, pl.reached) {
		if pl.looked[id] == nil && len(missing) < frontMost {
			missing = append(missing, id)
		}
	}
	if pl.err == nil && pl.ctx.Err() == nil {
		pl.look(r, missing)
	}
}

// efficient are the designs that no other beats in both the objective and the trade, as
// the fine rung saw them, best objective first.
func (pl *planning) efficient(r *search.Result) []int {
	var list []int
	for id := range pl.looked {
		if pl.keeps(id) {
			list = append(list, id)
		}
	}
	sort.Ints(list)
	if pl.trade == nil {
		if r.Best >= 0 {
			return []int{r.Best}
		}
		return nil
	}
	return pl.undominated(list, pl.looked)
}

func (pl *planning) undominated(list []int, of map[int]*reached) []int {
	tradeSign := -float64(Better(pl.trade.key))
	if tradeSign == 0 {
		tradeSign = 1
	}
	sorted := append([]int(nil), list...)
	sort.SliceStable(sorted, func(a, b int) bool {
		x, y := of[sorted[a]], of[sorted[b]]
		if x.objective != y.objective {
			return pl.sign()*x.objective < pl.sign()*y.objective
		}
		return tradeSign*x.trade < tradeSign*y.trade
	})
	var out []int
	best := math.Inf(1)
	for _, id := range sorted {
		if t := tradeSign * of[id].trade; t < best {
			best = t
			out = append(out, id)
		}
	}
	return out
}

// report is a design with the numbers of a rung.
func (pl *planning) report(id int, v *reached) result.PlanDesign {
	labels, sets := pl.design(id)
	d := result.PlanDesign{Labels: labels, Set: sets, Objective: pl.number(v, 0, &pl.objective, v.objective), Values: []result.Number{}}
	if pl.trade != nil {
		t := pl.number(v, 1, pl.trade, v.trade)
		d.Trade = &t
	}
	for j := range pl.limits {
		d.Values = append(d.Values, pl.number(v, 2+j, &pl.limits[j].target, v.limits[j]))
	}
	return d
}

func (pl *planning) number(v *reached, k int, t *target, value float64) result.Number {
	x := []float64{value}
	for _, s := range v.spans {
		x = append(x, s[k])
	}
	n := number(x[1:], t.unit, "", "")
	n.Value = value
	n.Low, n.High = math.Min(n.Low, value), math.Max(n.High, value)
	if math.IsNaN(value) {
		n = result.Number{Unit: t.unit, NoInterval: "the design has none of it"}
	}
	return n
}

// choose plays the choice over all futures of the scenario, the uncertain demand among
// what is drawn, and counts in how many it keeps its limits.
func (pl *planning) choose(step *result.PlanStep, r *search.Result) error {
	d := pl.report(r.Best, pl.looked[r.Best])
	step.Choice = &d
	_, sets := pl.design(r.Best)
	sc, err := pl.base.With(sets...)
	if err != nil {
		return err
	}
	w, err := scenarios.Assemble(sc, scenarios.Options{Profiles: pl.opt.Profiles, Untried: true, DemandSD: pl.goal.DemandSD})
	if err != nil {
		return err
	}
	n := pl.base.Replicas
	capacities := 0
	if pl.capacity {
		capacities = n
	}
	played, err := Play(pl.ctx, w, PlayOptions{Replicas: n, Workers: pl.opt.Workers, Capacities: capacities})
	if err != nil {
		return err
	}
	v := &reached{}
	kept, each := 0, make([]int, len(pl.limits))
	for _, pt := range played.points {
		s := pl.span(pt.m)
		v.spans = append(v.spans, s)
		all := true
		for j := range pl.limits {
			if pl.limits[j].over(s[2+j]) <= 1 {
				each[j]++
			} else {
				all = false
			}
		}
		if all {
			kept++
		}
	}
	pl.settle(v)
	d = pl.report(r.Best, v)
	// The point values are those that decided; the intervals are of all futures.
	fine := pl.report(r.Best, pl.looked[r.Best])
	pick := func(n *result.Number, f result.Number) {
		n.Value = f.Value
		n.Low, n.High = math.Min(n.Low, n.Value), math.Max(n.High, n.Value)
	}
	pick(&d.Objective, fine.Objective)
	if d.Trade != nil {
		pick(d.Trade, *fine.Trade)
	}
	for j := range d.Values {
		pick(&d.Values[j], fine.Values[j])
	}
	step.Choice = &d
	step.Robust = &result.Robustness{Replicas: n, All: share(kept, n), Each: []float64{}}
	for _, k := range each {
		step.Robust.Each = append(step.Robust.Each, float64(k)/float64(n))
	}
	return nil
}

// share is k of n as a probability with Wilson's interval of 90 % (J. Am. Stat. Assoc.
// 22, 1927).
func share(k, n int) result.Number {
	p, m := float64(k)/float64(n), float64(n)
	z2 := z90 * z90
	mid := (p + z2/(2*m)) / (1 + z2/m)
	half := z90 / (1 + z2/m) * math.Sqrt(p*(1-p)/m+z2/(4*m*m))
	return result.Number{Value: p, Low: math.Max(0, math.Min(p, mid-half)), High: math.Min(1, math.Max(p, mid+half)), Level: level, Unit: "ratio"}
}

// runners are how many designs are listed that were not chosen.
const runners = 8

// runnersUp are the next designs that keep all limits, and the better ones that miss one,
// each with the reason why it is not the choice.
func (pl *planning) runnersUp(r *search.Result) []result.PlanDesign {
	var keep, miss []int
	for id := range pl.looked {
		switch {
		case id == r.Best || pl.looked[id].reason != "":
		case pl.keeps(id):
			keep = append(keep, id)
		case pl.sign()*pl.looked[id].objective < pl.sign()*pl.looked[r.Best].objective:
			miss = append(miss, id)
		}
	}
	order := func(list []int, key func(id int) float64) []int {
		sort.Ints(list)
		sort.SliceStable(list, func(a, b int) bool { return key(list[a]) < key(list[b]) })
		return list[:min(len(list), runners)]
	}
	objective := func(id int) float64 { return pl.sign() * pl.looked[id].objective }
	excess := func(id int) float64 { o, _ := pl.worst(pl.looked[id]); return o }
	var out []result.PlanDesign
	best := pl.looked[r.Best].objective
	for _, id := range order(keep, objective) {
		d := pl.report(id, pl.looked[id])
		d.Reason = fmt.Sprintf("keeps all limits, %s %s worse", pl.objective.key, percent(pl.looked[id].objective/best-1))
		out = append(out, d)
	}
	for _, id := range order(miss, excess) {
		d := pl.report(id, pl.looked[id])
		over, j := pl.worst(pl.looked[id])
		d.Reason = fmt.Sprintf("%s %s better, but misses %s by %s", pl.objective.key, percent(pl.looked[id].objective/best-1), pl.limits[j].text, percent(over-1))
		out = append(out, d)
	}
	return out
}

// percent is the size of a change with two digits, in full from ten on.
func percent(x float64) string {
	if x = 100 * math.Abs(x); x >= 10 {
		return fmt.Sprintf("%.0f %%", x)
	}
	return fmt.Sprintf("%.2g %%", x)
}

// worst is the limit that a design misses by most.
func (pl *planning) worst(v *reached) (over float64, j int) {
	over = math.Inf(-1)
	for k := range pl.limits {
		if o := pl.limits[k].over(v.limits[k]); o > over {
			over, j = o, k
		}
	}
	return over, j
}
