package planner

import (
	"slices"
	"strings"
	"testing"
)

// A plan splits a service into pools of its own: with steady tokens as a limit it takes a layout with
// workers for prompts, and with a budget below that one it says what the budget would have to be.
func TestPlanSplitsPools(t *testing.T) {
	const service = `
version = 1
name = "papers"
[cluster]
server = "dgx-h100"
nodes = 2
[cluster.fabric]
switch = "qm9700-ndr"
[[workload]]
id = "read"
kind = "serving"
model = "llama3.1-70b"
precision = "fp8"
kv_precision = "fp8"
parallelism = { tensor = 4 }
arrivals = { process = "poisson", rate = "6/s", prompt = { mean = 4000, cv = 0.5 }, output = { mean = 100, cv = 0.5 } }
duration = "60 s"
prefill = { nodes = 1 }
[economics]
mode = "buy"
years = 4
electricity = "0.08 USD/kWh"
[economics.prices]
server = "270000 USD"
[goal]
minimise = "ledger.total"
constraints = ["read.ttft_p99 <= 2 s", "read.tpot_p99 <= 16 ms"]
[[goal.variable]]
key = "cluster.nodes"
range = [1, 3]
[[goal.variable]]
key = "workload.read.prefill.nodes"
values = ["0", "1", "2"]
[[goal.variable]]
key = "workload.read.prefill.tensor"
values = ["4", "8"]
`
	p, err := planned(t, 2, service, "replicas=5")
	if err != nil {
		t.Fatal(err)
	}
	s := &p.Steps[0]
	if s.Choice == nil || !slices.Contains([]string{"1", "2"}, s.Choice.Labels[1]) {
		t.Fatalf("no pool for prompts in %+v", s.Choice)
	}
	cost := s.Choice.Objective.Value
	if p, err = planned(t, 2, strings.Replace(service, "16 ms\"]", "16 ms\", \"ledger.total <= "+jsonNumber(cost*0.9)+" USD\"]", 1), "replicas=5"); err != nil {
		t.Fatal(err)
	}
	if s := &p.Steps[0]; s.Choice != nil || s.Infeasible == nil {
		t.Errorf("a budget of nine tenths of the least cost, %v USD, is kept by %+v", cost, s.Choice)
	}
}
