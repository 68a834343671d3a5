package planner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"aisim/internal/result"
	"aisim/planner/search"
	"aisim/scenarios"
)

const planHead = `
version = 1
name = "small plan"
replicas = 9
[cluster]
server = "dgx-h100"
nodes = 4
[cluster.fabric]
topology = "fat-tree"
switch = "qm9700-ndr"
[[storage]]
id = "ckpt"
kind = "ceph"
nodes = 4
server = "storage-nvme-24"
drives = { type = "nvme4-pm9a3", per_node = 4 }
pool = { profile = "rep-3", failure_domain = "host" }
[[workload]]
id = "train"
kind = "training"
model = "llama3.1-8b"
parallelism = { tensor = 2 }
batch = { global = 256, micro = 1, sequence = 4096 }
tokens = "20 G"
checkpoint = { to = "ckpt", every = "30 min" }
[faults]
node_failures_per_1000_node_days = 20
recovery = "10 min"
`

const planGoal = `
[goal]
minimise = "ledger.total"
constraints = ["train.finish <= 3 d", "ledger.capital <= 3 MUSD"]
[[goal.variable]]
key = "cluster.nodes"
values = [2, 4, 8, 16]
[[goal.variable]]
key = "workload.train.batch.micro"
values = [1, 2, 4]
[[goal.variable]]
key = "workload.train.parallelism.tensor"
values = [1, 2, 8]
[[goal.variable]]
key = "storage.ckpt.nodes"
values = [4, 8]
[[goal.variable]]
key = "economics.electricity"
values = ["0.05 USD/kWh", "0.2 USD/kWh"]
`

func planned(t *testing.T, workers int, text string, sets ...string) (*result.Plan, error) {
	t.Helper()
	sc, err := scenarios.Parse("plan.toml", []byte(text), sets)
	if err != nil {
		return nil, err
	}
	return Plan(context.Background(), sc, PlanOptions{Workers: workers})
}

// The plan is the optimum of the whole space on the fine rung, every design of which is
// looked at here, and the same on any number of workers.
func TestPlanIsTheOptimum(t *testing.T) {
	p, err := planned(t, 2, planHead+planGoal)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := scenarios.Parse("plan.toml", []byte(planHead+planGoal), nil)
	if err != nil {
		t.Fatal(err)
	}
	pl := &planning{ctx: context.Background(), goal: sc.Goal, opt: PlanOptions{Workers: 2}, base: sc, reached: map[int]*reached{}, looked: map[int]*reached{}}
	if err := pl.read(sc); err != nil {
		t.Fatal(err)
	}
	n := search.Size(pl.sizes)
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	best := -1
	for id, o := range pl.outcomes(ids, pl.fine, pl.looked) {
		if o.Keeps() && (best < 0 || o.Objective < pl.looked[best].objective) {
			best = id
		}
	}
	s := &p.Steps[0]
	labels, _ := pl.design(best)
	if got := strings.Join(s.Choice.Labels, " "); got != strings.Join(labels, " ") {
		t.Errorf("chose %s at %g, the optimum is %v at %g", got, s.Choice.Objective.Value, labels, pl.looked[best].objective)
	}
	if s.Effort.Designs != n || s.Effort.Fine >= n || s.Effort.Pruned == 0 || s.Effort.Pruned+s.Effort.Screened != n || !s.Effort.Whole {
		t.Errorf("effort: %+v", s.Effort)
	}
	if len(s.Front) == 0 || len(s.RunnersUp) == 0 || s.Robust.Replicas != 9 || s.Robust.All.Value < 0 {
		t.Errorf("the plan is not whole: %+v", s)
	}
	for i := 1; i < len(s.Front); i++ {
		if s.Front[i].Objective.Value < s.Front[i-1].Objective.Value || s.Front[i].Trade.Value >= s.Front[i-1].Trade.Value {
			t.Errorf("the front is not one: %+v", s.Front)
		}
	}
	again, err := planned(t, 1, planHead+planGoal)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal(p)
	y, _ := json.Marshal(again)
	if !bytes.Equal(x, y) {
		t.Error("the plan depends on the number of workers")
	}
}

// The bounds lie on the safe side of what any design of the space comes to.
func TestBoundsNeverCut(t *testing.T) {
	for _, sets := range [][]string{{}, {"cluster.nodes=2"}, {"cluster.nodes=8", "workload.train.parallelism.tensor=8"}, {"cluster.server=dgx-a100-640"}, {"workload.train.precision=fp8"}, {"economics.prices.server=1 USD"}} {
		w := load(t, planHead, sets...)
		p, err := Play(context.Background(), w, PlayOptions{Replicas: 1, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range p.Keys {
			v := p.Values(key)[0]
			if lo := lowerBound(w.Scenario, key); lo > v {
				t.Errorf("%v: %s is %g, below its bound %g", sets, key, v, lo)
			}
			if hi := upperBound(w.Scenario, key); hi < v {
				t.Errorf("%v: %s is %g, above its bound %g", sets, key, v, hi)
			}
		}
		if lowerBound(w.Scenario, "ledger.capital") == 0 || lowerBound(w.Scenario, "train.finish") == 0 || math.IsInf(upperBound(w.Scenario, "train.tokens_per_second"), 1) {
			t.Errorf("%v: nothing is bounded", sets)
		}
	}
}

// A goal that nothing meets says by how much, and its relaxation is met.
func TestInfeasibleGoalsSayWhatWouldDo(t *testing.T) {
	hard := strings.Replace(planHead+planGoal, `"train.finish <= 3 d"`, `"train.finish <= 2 h"`, 1)
	p, err := planned(t, 2, hard)
	if err != nil {
		t.Fatal(err)
	}
	inf := p.Steps[0].Infeasible
	if p.Feasible || inf == nil || len(inf.Alone) != 1 || inf.Alone[0].Constraint != "train.finish <= 2 h" || inf.Alone[0].Over < 1 {
		t.Fatalf("infeasible: %+v", inf)
	}
	relaxed := p.Goal.Constraints
	var cons []string
	for _, c := range relaxed {
		v := c.Limit
		for _, u := range inf.Relaxation {
			if u.Constraint == c.Text {
				v = u.Reached
			}
		}
		cons = append(cons, c.Metric+" <= "+jsonNumber(v))
	}
	text, _ := json.Marshal(cons)
	again, err := planned(t, 2, hard, "goal.constraints="+string(text))
	if err != nil || !again.Feasible {
		t.Errorf("relaxed to %s there is no plan: %v %+v", text, err, again)
	}
}

func jsonNumber(v float64) string { b, _ := json.Marshal(v); return string(b) }

// Goals that make no sense are refused with their place.
func TestGoalsAreChecked(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`minimise = "ledger.total"`, `minimise = "ledger.totl"`, `plan.toml:31:12: goal.minimise: no design has a metric "ledger.totl"`},
		{`"train.finish <= 3 d"`, `"chat.ttft_p99 <= 1 s"`, `plan.toml:32:16: goal.constraints[0]: no design has a metric "chat.ttft_p99"`},
		{`"train.finish <= 3 d"`, `"train.finish <= 3 MW"`, "goal.constraints[0]"},
		{`"train.finish <= 3 d"`, `"ledger.capital >= 5 MUSD"`, "contradicts ledger.capital >= 5 MUSD"},
	} {
		_, err := planned(t, 1, strings.Replace(planHead+planGoal, c.from, c.to, 1))
		var inv *scenarios.Invalid
		if !errors.As(err, &inv) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.to, err, c.want)
		}
	}
	if _, err := planned(t, 1, planHead); err == nil {
		t.Error("a scenario without a goal is planned")
	}
}

// Percentiles over the futures, confidence and an uncertain demand each make a promise
// harder to keep.
func TestUncertaintyCosts(t *testing.T) {
	goal := `
[goal]
maximise = "chat.output_tokens_per_second"
constraints = ["chat.ttft_p95 <= 2 s"]
[[goal.variable]]
key = "workload.chat.arrivals.rate"
values = ["8/s"]
`
	short := []string{`workload.chat.duration="30 s"`, "workload.chat.warm=true", "replicas=16"}
	reach := func(sets ...string) (limit, kept float64) {
		p, err := planned(t, 2, chat+goal, append(short, sets...)...)
		if err != nil {
			t.Fatal(err)
		}
		s := &p.Steps[0]
		if s.Choice == nil {
			return s.Infeasible.Design.Values[0].Value, 0
		}
		return s.Choice.Values[0].Value, s.Choice.Values[0].High
	}
	median, spread := reach()
	if p90, _ := reach(`goal.constraints=["chat.ttft_p95_p90 <= 2 s"]`); p90 <= median {
		t.Errorf("the 90th percentile of the futures is %g, their median %g", p90, median)
	}
	if sure, _ := reach("goal.confidence=0.9"); sure <= median {
		t.Errorf("at a confidence of 0.9 the value is %g, the median %g", sure, median)
	}
	if _, wide := reach("goal.demand_uncertainty=0.4"); wide <= spread {
		t.Errorf("an uncertain demand moves the upper end from %g to %g", spread, wide)
	}
}
