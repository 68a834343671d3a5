package planner

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/internal/result"
	"aisim/planner/search"
	"aisim/scenarios"
)

// PlanOptions say how a goal is planned. The plan does not depend on Workers.
type PlanOptions struct {
	Workers           int
	Profiles          []*profile.Profile
	Fine              int // evaluations on the fine rung at most; 0: one in twenty designs, between fineLeast and fineMost
	Screen            int // on the coarse rung; 0: screenMost
	Progress          func(done, total int)
	Version, Revision string
}

// The rungs of a plan, and how far they are gone.
const (
	fineLeast      = 40
	fineMost       = 240
	screenMost     = 20000
	coarseRequests = 4000 // of a service's peak, about a minute of a busy one
	fineFutures    = 5
	tailFutures    = 17 // where a percentile over the futures is asked for
	frontMost      = 24 // designs that the front is decided with
)

// target is one metric of a goal: a key, over the futures its median or a percentile.
type target struct {
	key, unit string
	quantile  float64
}

// limit is one constraint in the unit of its metric.
type limit struct {
	target
	atMost bool
	value  float64
	text   string
	name   string // of the metric, as written
}

// over is a value over its limit in the sense of search: at most 1 keeps it.
func (l *limit) over(v float64) float64 {
	switch {
	case math.IsNaN(v):
		return math.Inf(1)
	case l.atMost && l.value > 0:
		return v / l.value
	case !l.atMost && v > 0:
		return l.value / v
	case l.atMost == (v <= l.value): // limits of zero and below have no ratio
		return 0.5
	}
	return 2
}

// rung is one way to evaluate a design.
type rung struct {
	futures, requests int
	fabric            string // model in place of the scenario's
	demandSD          float64
	name              string
}

// planning is the state of one stage of a plan.
type planning struct {
	ctx       context.Context
	base      *scenarios.Scenario
	goal      *scenarios.Goal
	opt       PlanOptions
	settings  [][]scenarios.Setting
	sizes     []int
	objective target
	maximise  bool
	trade     *target
	limits    []limit
	capacity  bool // some metric is a load that services carry
	coarse    rung
	fine      rung
	reached   map[int]*reached // coarse
	looked    map[int]*reached // fine
	bounds    bool
	err       error
	done      int
}

// reached is what one design came to on one rung.
type reached struct {
	reason    string // why it cannot be built; empty when it can
	pruned    bool   // a bound says that it misses a limit
	objective float64
	trade     float64
	limits    []float64
	spans     [][]float64 // by future: objective, trade, limits
}

// Plan finds the design that a scenario's [goal] asks for.
//
// An error of kind *scenarios.Invalid is a goal that makes no sense, with its place in
// the file. A goal that no design meets is a Plan with Feasible false.
func Plan(ctx context.Context, sc *scenarios.Scenario, opt PlanOptions) (*result.Plan, error) {
	if sc.Goal == nil {
		return nil, scenarios.Problems(sc.ProblemAt("goal", "", "", `write [goal] with minimise = "ledger.total" and a [[goal.variable]]`, "is missing: what is to be planned"))
	}
	if opt.Workers == 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	p := &result.Plan{Schema: result.PlanSchema, Version: opt.Version, Revision: opt.Revision, Seed: sc.Seed, Feasible: true, Catalogue: result.FileRef{Name: "embedded catalogue", SHA256: hardware.Default().SHA256()},
		Scenario: result.ScenarioRef{Name: sc.Name, Description: sc.Description, Source: sc.Source(), SHA256: sc.SHA256(), Overrides: sc.Overrides()}}
	stages := append([]scenarios.Step{{Name: "as asked"}}, sc.Goal.Steps...)
	for i, stage := range stages {
		pl := &planning{ctx: ctx, goal: sc.Goal, opt: opt, reached: map[int]*reached{}, looked: map[int]*reached{}}
		var err error
		if pl.base, err = sc.With(stage.Set...); err != nil {
			return nil, err
		}
		if err := pl.read(sc); err != nil {
			return nil, err
		}
		if i == 0 {
			p.Goal, p.FineRung, p.CoarseRung = pl.describe(sc), pl.fine.name, pl.coarse.name
		}
		step, err := pl.step(stage)
		if err != nil {
			return nil, err
		}
		p.Feasible = p.Feasible && step.Choice != nil
		p.Steps = append(p.Steps, *step)
	}
	return p, nil
}

// read resolves the goal: variables to places, metrics to keys that designs have, limits
// to numbers in the units of their metrics.
func (pl *planning) read(sc *scenarios.Scenario) error {
	g := sc.Goal
	for i := range g.Variables {
		s, err := g.Variables[i].Settings()
		if err != nil {
			return scenarios.Problems(sc.ProblemAt(fmt.Sprintf("goal.variable[%d]", i), "", "", "", err.Error()))
		}
		pl.settings, pl.sizes = append(pl.settings, s), append(pl.sizes, len(s))
	}
	text := g.Minimise + g.Maximise + g.Trade
	cons := make([]scenarios.Constraint, len(g.Constraints))
	for i, c := range g.Constraints {
		cons[i], _ = scenarios.ParseConstraint(c) // checked when the scenario was loaded
		text += cons[i].Metric
	}
	for _, s := range searched {
		pl.capacity = pl.capacity || strings.Contains(text, "."+s.key)
	}
	units, order, err := pl.known()
	if err != nil {
		return err
	}
	var problems []*scenarios.Problem
	resolve := func(at, metric string) target {
		t, ok := targetOf(metric, units)
		if !ok {
			hint := "there are " + strings.Join(alike(metric, order), ", ")
			problems = append(problems, sc.ProblemAt(at, metric, "", hint, fmt.Sprintf("no design has a metric %q", metric)))
		}
		return t
	}
	if pl.maximise = g.Maximise != ""; pl.maximise {
		pl.objective = resolve("goal.maximise", g.Maximise)
	} else {
		pl.objective = resolve("goal.minimise", g.Minimise)
	}
	for i, c := range cons {
		at := fmt.Sprintf("goal.constraints[%d]", i)
		l := limit{target: resolve(at, c.Metric), atMost: c.AtMost, text: c.Text, name: c.Metric}
		if l.key == "" {
			continue
		}
		if l.value, err = c.Value(l.unit); err != nil {
			problems = append(problems, sc.ProblemAt(at, c.Text, "", "the metric is in "+l.unit, err.Error()))
			continue
		}
		for k := range pl.limits {
			o := &pl.limits[k]
			if o.key == l.key && o.atMost != l.atMost && (o.atMost && o.value < l.value || l.atMost && l.value < o.value) {
				problems = append(problems, sc.ProblemAt(at, c.Text, "", "", "contradicts "+o.text))
			}
		}
		if l.quantile == 0.5 { // no percentile was asked for by name
			if l.quantile = g.Confidence; !l.atMost {
				l.quantile = 1 - g.Confidence
			}
		}
		pl.limits = append(pl.limits, l)
	}
	switch {
	case g.Trade != "":
		t := resolve("goal.trade", g.Trade)
		pl.trade = &t
	case len(pl.limits) > 0 && pl.limits[0].key != pl.objective.key:
		pl.trade = &target{pl.limits[0].key, pl.limits[0].unit, 0.5}
	}
	if len(problems) > 0 {
		return scenarios.Problems(problems...)
	}
	pl.rungs()
	return nil
}

var tailForm = regexp.MustCompile(`^(.+)_p([0-9]{1,2})$`)

// shortNames are other words for metrics.
var shortNames = map[string]string{"ledger.capex": result.MetricLedgerCapital, "ledger.cost": result.MetricLedgerTotal, "facility.energy_wh": result.MetricFacilityEnergy}

// targetOf finds the metric of a name: a key, or a key and a percentile of the futures.
func targetOf(name string, units map[string]string) (target, bool) {
	if s, ok := shortNames[name]; ok {
		name = s
	}
	if u, ok := units[name]; ok {
		return target{name, u, 0.5}, true
	}
	if m := tailForm.FindStringSubmatch(name); m != nil {
		if u, ok := units[m[1]]; ok {
			n, _ := strconv.Atoi(m[2])
			return target{m[1], u, float64(n) / 100}, true
		}
	}
	return target{}, false
}

// alike are the metrics of the same workload or ledger as a name, or all of them.
func alike(name string, order []string) []string {
	id, _, _ := strings.Cut(name, ".")
	var out []string
	for _, k := range order {
		if strings.HasPrefix(k, id+".") {
			out = append(out, k)
		}
	}
	if out == nil {
		return order
	}
	return out
}

// knownTries is how many designs are built in search of one that shows its metrics.
const knownTries = 64

// known are the metrics that designs have: of the scenario as it stands, or of the first
// design that can be built.
func (pl *planning) known() (units map[string]string, order []string, err error) {
	n := search.Size(pl.sizes)
	units = map[string]string{}
	for try := -1; try < min(n, knownTries); try++ {
		var sets []string
		if try >= 0 {
			id := try * max(1, n/knownTries) // spread over the space
			_, sets = pl.design(id)
		}
		if err = pl.ctx.Err(); err != nil {
			return nil, nil, err
		}
		var w *scenarios.World
		var sc *scenarios.Scenario
		if sc, err = pl.base.With(sets...); err == nil {
			w, err = scenarios.Assemble(sc, scenarios.Options{Profiles: pl.opt.Profiles, Untried: true, Requests: coarseRequests})
		}
		if err != nil {
			continue
		}
		var played *Played
		if played, err = Play(pl.ctx, w, PlayOptions{Replicas: 1, Workers: 1}); err != nil {
			continue
		}
		for _, key := range played.Keys {
			if _, had := units[key]; !had {
				units[key] = played.Units[key]
				order = append(order, key)
			}
		}
		for i := range w.Placed {
			if w.Placed[i].SLO != nil {
				for _, s := range searched {
					units[w.Placed[i].ID+"."+s.key] = s.unit
				}
			}
		}
		return units, order, nil
	}
	return nil, nil, err
}

// rungs chooses how designs are evaluated.
func (pl *planning) rungs() {
	tail := pl.objective.quantile != 0.5
	for i := range pl.limits {
		tail = tail || pl.limits[i].quantile != 0.5
	}
	pl.fine = rung{futures: fineFutures, demandSD: pl.goal.DemandSD}
	if tail {
		pl.fine.futures = tailFutures
	}
	what := "median"
	if tail {
		what = "median, or the percentile that was asked for,"
	}
	pl.fine.name = fmt.Sprintf("%s of %d futures, all requests, fabric as in the scenario", what, pl.fine.futures)
	pl.coarse = rung{futures: 1, requests: coarseRequests, name: fmt.Sprintf("nominal future, %d requests of the busiest time of each service", coarseRequests)}
	if m := pl.base.Cluster.Fabric.Model; m == "packet" {
		pl.coarse.fabric = "flow"
		pl.coarse.name += ", flow fabric"
	}
}

// design is the labels and overrides of a design.
func (pl *planning) design(id int) (labels, sets []string) {
	for i, k := range search.Places(id, pl.sizes) {
		labels = append(labels, pl.settings[i][k].Label)
		sets = append(sets, pl.settings[i][k].Sets...)
	}
	return labels, sets
}

// describe is the goal with its units.
func (pl *planning) describe(sc *scenarios.Scenario) result.PlanGoal {
	g := result.PlanGoal{Objective: sc.Goal.Minimise + sc.Goal.Maximise, Maximise: pl.maximise, Unit: pl.objective.unit, Constraints: []result.PlanConstraint{}}
	if pl.trade != nil {
		g.Trade, g.TradeUnit = pl.trade.key, pl.trade.unit
	}
	for i := range pl.limits {
		l := &pl.limits[i]
		g.Constraints = append(g.Constraints, result.PlanConstraint{Text: l.text, Metric: l.name, Unit: l.unit, AtMost: l.atMost, Limit: l.value})
	}
	for i := range sc.Goal.Variables {
		v := result.SweepVariable{Title: sc.Goal.Variables[i].Title()}
		for _, s := range pl.settings[i] {
			v.Places = append(v.Places, s.Label)
		}
		g.Variables = append(g.Variables, v)
	}
	return g
}
