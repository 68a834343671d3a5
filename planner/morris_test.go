package planner

import (
	"context"
	"encoding/json"
	"math"
	"testing"
)

// Of a bill that is a sum, the effect of a price is its share of the sum times its range,
// the same in every trajectory, so that its spread is small; seeds have no part in it; and
// the workers change nothing.
func TestMorrisFindsWhatMatters(t *testing.T) {
	w := load(t, planHead, `economics.prices.server="270000 USD"`)
	rows, err := Morris(context.Background(), w, MorrisOptions{Trajectories: 4, Workers: 2, Metric: "ledger.capital"})
	if err != nil {
		t.Fatal(err)
	}
	if rows[0].Input != "economics/server" {
		t.Errorf("the capital hangs on %s first", rows[0].Input)
	}
	p, err := Play(context.Background(), w, PlayOptions{Replicas: 1, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	sigma := math.Sqrt(math.Log1p(0.05 * 0.05))
	want := 4 * 270e3 / p.Values("ledger.capital")[0] * 2 * math.Sinh(z90*sigma)
	if math.Abs(rows[0].Mean/want-1) > 0.02 || rows[0].Spread > 0.1*rows[0].Mean {
		t.Errorf("the server's effect is %g ± %g, by hand %g", rows[0].Mean, rows[0].Spread, want)
	}
	for _, r := range rows {
		if r.Input == "faults/rate" && r.MeanAbs != 0 {
			t.Errorf("failures change the capital by %g", r.MeanAbs)
		}
	}
	again, err := Morris(context.Background(), w, MorrisOptions{Trajectories: 4, Workers: 1, Metric: "ledger.capital"})
	if err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal(rows)
	y, _ := json.Marshal(again)
	if string(x) != string(y) {
		t.Error("the screening depends on the number of workers")
	}
}
