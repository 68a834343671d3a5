package planner

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"aisim/scenarios"
)

// A service whose limits no rate holds has a result that can be written: its capacity is zero,
// and what more of a resource gains is finite.
func TestNoCapacityIsAResult(t *testing.T) {
	sc, err := scenarios.Parse("none.toml", []byte(`version = 1
name = "none"
[cluster]
server = "dgx-a100-640"
nodes = 1
[cluster.fabric]
switch = "qm9700-ndr"
[[workload]]
id = "chat"
kind = "serving"
model = "llama3.1-70b"
parallelism = { tensor = 8 }
duration = "20 s"
arrivals = { process = "azure-conv", rate = "2/s" }
slo = { ttft = "500 ms", tpot = "50 ms" }
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := scenarios.Assemble(sc, scenarios.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Evaluate(context.Background(), w, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	// Where next to nothing fits the cache: metrics without a value are left out, and it is said why.
	sc.Workloads[0].CacheBlocks = ptr(2)
	if w, err = scenarios.Assemble(sc, scenarios.Options{}); err != nil {
		t.Fatal(err)
	}
	if r, err = Evaluate(context.Background(), w, Options{Workers: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	said := false
	for _, w := range r.Warnings {
		said = said || strings.Contains(w.Why, "longer than the 32 tokens of prompt and output that the cache of a replica holds")
	}
	if !said {
		t.Errorf("nothing is said of requests that the cache cannot hold: %v", r.Warnings)
	}
	for _, x := range []struct{ v, was, want float64 }{{3, 2, 0.5}, {0, 0, 0}, {2, 0, 1}, {-1, 0, -1}} {
		if got := gained(x.v, x.was); got != x.want {
			t.Errorf("from %g to %g is %g, want %g", x.was, x.v, got, x.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }
