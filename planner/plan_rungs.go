package planner

import (
	"errors"
	"math"
	"sort"
	"strings"

	"aisim/planner/search"
	"aisim/scenarios"
)

// outcomes evaluates designs on a rung for the search.
func (pl *planning) outcomes(ids []int, r rung, into map[int]*reached) []search.Outcome {
	out := make([]search.Outcome, len(ids))
	pl.evaluate(ids, r, into)
	for k, id := range ids {
		if v := into[id]; v != nil {
			out[k] = pl.outcome(v)
		}
	}
	return out
}

func (pl *planning) outcome(v *reached) search.Outcome {
	if v.reason != "" || v.pruned || math.IsNaN(v.objective) {
		return search.Outcome{}
	}
	o := search.Outcome{Valid: true, Objective: v.objective}
	if pl.maximise {
		o.Objective = -v.objective
	}
	for j := range pl.limits {
		o.Limits = append(o.Limits, pl.limits[j].over(v.limits[j]))
	}
	return o
}

// evaluate plays designs. Those that differ in money alone are one machine: it is played
// once, and the bill is made for each.
func (pl *planning) evaluate(ids []int, r rung, into map[int]*reached) {
	var groups [][]int
	at := map[string]int{}
	for _, id := range ids {
		_, sets := pl.design(id)
		key := physical(sets)
		g, ok := at[key]
		if !ok {
			g, at[key] = len(groups), len(groups)
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], id)
	}
	got := make([]map[int]*reached, len(groups))
	errs := make([]error, len(groups))
	parallel(pl.opt.Workers, len(groups), func() func(int) {
		return func(g int) {
			if pl.ctx.Err() == nil {
				got[g], errs[g] = pl.group(groups[g], r)
			}
		}
	})
	for g := range groups {
		if errs[g] != nil && pl.err == nil {
			pl.err = errs[g]
		}
		for id, v := range got[g] {
			into[id] = v
		}
	}
	if pl.done += len(ids); pl.opt.Progress != nil {
		pl.opt.Progress(pl.done, max(pl.done, search.Size(pl.sizes)))
	}
}

// physical is what of a design is not money. Instances that are taken away are not.
func physical(sets []string) string {
	var out []string
	for _, s := range sets {
		s = strings.TrimSpace(s)
		if !strings.HasPrefix(s, "economics.") || strings.HasPrefix(s, "economics.rent.interruptions") || strings.HasPrefix(s, "economics.mode") {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\x00")
}

// group plays one machine and bills every design of it.
func (pl *planning) group(ids []int, r rung) (map[int]*reached, error) {
	out := map[int]*reached{}
	var world *scenarios.World
	var futures []*scenarios.Future
	var points []*point
	var fault error // of the machine: the same for all of its designs
	for _, id := range ids {
		_, sets := pl.design(id)
		if r.fabric != "" {
			sets = append(sets, "cluster.fabric.model="+r.fabric)
		}
		sc, err := pl.base.With(sets...)
		if err == nil && pl.bounds {
			if pl.misses(sc) {
				out[id] = &reached{pruned: true}
				continue
			}
		}
		if err == nil && world == nil && fault == nil {
			if world, err = scenarios.Assemble(sc, scenarios.Options{Profiles: pl.opt.Profiles, Untried: true, Requests: r.requests, DemandSD: r.demandSD}); err == nil {
				futures, points, err = pl.futures(world, r)
			}
			fault = err
		}
		if err == nil {
			err = fault
		}
		if err != nil {
			reason, ok := impossible(err)
			if !ok {
				return nil, err
			}
			out[id] = &reached{reason: reason}
			continue
		}
		if out[id], err = pl.bill(sc, world, futures, points); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bill reads the goal's metrics off played futures under the prices of one design.
func (pl *planning) bill(sc *scenarios.Scenario, world *scenarios.World, futures []*scenarios.Future, points []*point) (*reached, error) {
	w := *world
	w.Scenario = sc
	v := &reached{}
	for i, f := range futures {
		g := *f
		g.World = &w
		acc, err := newAccount(&g)
		if err != nil {
			return nil, err
		}
		m := measure(&g, acc)
		for k := range w.Placed { // what only a search finds does not hang on money
			for _, s := range searched {
				key := w.Placed[k].ID + "." + s.key
				if x, ok := points[i].m.values[key]; ok {
					m.put(key, s.unit, x)
				}
			}
		}
		v.spans = append(v.spans, pl.span(m))
	}
	pl.settle(v)
	return v, nil
}

// futures plays a machine on a rung.
func (pl *planning) futures(w *scenarios.World, r rung) ([]*scenarios.Future, []*point, error) {
	e := &evaluation{w: w}
	bench := w.NewBench()
	var futures []*scenarios.Future
	var points []*point
	for i := range r.futures {
		if err := pl.ctx.Err(); err != nil {
			return nil, nil, err
		}
		f, err := bench.Sample(i).Play(nil)
		if err != nil {
			return nil, nil, err
		}
		p, err := e.see(f, nil, pl.capacity)
		if err != nil {
			return nil, nil, err
		}
		futures, points = append(futures, f), append(points, p)
	}
	return futures, points, nil
}

// span are the goal's metrics of one future: objective, trade, limits.
func (pl *planning) span(m *measures) []float64 {
	get := func(t *target) float64 {
		if t == nil {
			return math.NaN()
		}
		if v, ok := m.values[t.key]; ok && !math.IsInf(v, 0) {
			return v
		}
		return math.NaN()
	}
	out := []float64{get(&pl.objective), get(pl.trade)}
	for j := range pl.limits {
		out = append(out, get(&pl.limits[j].target))
	}
	return out
}

// settle takes the median, or the percentile that was asked for, over the futures.
func (pl *planning) settle(v *reached) {
	over := func(k int, q float64) float64 {
		var x []float64
		for _, s := range v.spans {
			if math.IsNaN(s[k]) {
				return math.NaN()
			}
			x = append(x, s[k])
		}
		sort.Float64s(x)
		return quantile(x, q)
	}
	v.objective, v.trade = over(0, pl.objective.quantile), over(1, 0.5)
	for j := range pl.limits {
		v.limits = append(v.limits, over(2+j, pl.limits[j].quantile))
	}
}

// impossible says why a design cannot be built, or that the error is another one.
func impossible(err error) (string, bool) {
	var invalid *scenarios.Invalid
	if !errors.As(err, &invalid) {
		return "", false
	}
	p := invalid.Problems[0]
	return p.Key + ": " + p.Message, true
}
