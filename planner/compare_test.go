package planner

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"aisim/internal/result"
	"aisim/scenarios"
)

func compared(t *testing.T, workers int, worlds ...*scenarios.World) *result.Comparison {
	t.Helper()
	c, err := Compare(context.Background(), worlds, CompareOptions{Replicas: 6, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What the designs share cancels: twice the same design differs by nothing, and a dearer
// server moves the bill by the share that servers have of it, in every future.
func TestPairedFuturesCancel(t *testing.T) {
	short := []string{`workload.chat.duration="20 s"`, "workload.chat.warm=true"}
	same := compared(t, 2, load(t, chat, short...), load(t, chat, short...))
	for _, r := range same.Rows {
		if d := r.Differences[0]; d.Absolute.Value != 0 || d.Absolute.Low != 0 || d.Absolute.High != 0 || d.Clear {
			t.Errorf("%s differs from itself by %+v", r.Metric, d.Absolute)
		}
	}
	if same.Decision.Preferred != "" || len(same.Changes) != 0 {
		t.Errorf("a design is preferred to itself: %+v", same.Decision)
	}
	dear := append(short, `economics.prices.server="300000 USD"`)
	a := compared(t, 1, load(t, chat, append(short, `economics.prices.server="270000 USD"`)...), load(t, chat, dear...))
	if a.Decision.Preferred != "A" || a.Decision.Probability != 1 {
		t.Errorf("the cheaper design is not preferred: %+v", a.Decision)
	}
	for _, r := range a.Rows {
		if r.Metric == "chat.ttft_p95" && r.Differences[0].Absolute.High != 0 {
			t.Errorf("a price changed a latency: %+v", r.Differences[0])
		}
	}
	var servers, before float64
	for _, l := range a.Ledger {
		if l.Item == "Servers" {
			servers, before = l.USD[1], l.USD[0]
		}
	}
	if math.Abs(servers/before-300.0/270) > 1e-9 {
		t.Errorf("servers went from %g to %g", before, servers)
	}
	b := compared(t, 2, load(t, chat, append(short, `economics.prices.server="270000 USD"`)...), load(t, chat, dear...))
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if !bytes.Equal(x, y) {
		t.Error("the comparison depends on the number of workers")
	}
}

// The bridge's steps sum to the difference that they explain, and the break-even price
// makes the designs cost the same.
func TestBridgeAndFlipsHold(t *testing.T) {
	short := []string{`workload.chat.duration="20 s"`, "workload.chat.warm=true", `economics.prices.server="270000 USD"`}
	a, b := load(t, chat, short...), load(t, chat, append(short, "cluster.nodes=3", `economics.electricity="0.2 USD/kWh"`)...)
	c := compared(t, 2, a, b)
	var row result.CompareRow
	for _, r := range c.Rows {
		if r.Metric == c.Decision.Metric {
			row = r
		}
	}
	sum := 0.0
	for _, s := range c.Bridge {
		sum += s.Amount.Value
	}
	if d := row.Differences[0].Absolute.Value; math.Abs(sum-d) > 1e-9*math.Abs(row.Values[0].Value) || d <= 0 {
		t.Errorf("the bridge sums to %g, the difference is %g", sum, d)
	}
	for _, f := range c.Flips {
		if f.Input != "price of a server of B" {
			continue
		}
		w := load(t, chat, append(short, "cluster.nodes=3", `economics.electricity="0.2 USD/kWh"`)...)
		w.Scenario.Economics.Prices.ServerUSD = &f.At
		if d := compared(t, 2, a, w); math.Abs(relative(d, c.Decision.Metric)) > 1e-6 {
			t.Errorf("at its break-even of %g USD the designs still differ by %g", f.At, relative(d, c.Decision.Metric))
		}
		return
	}
	t.Errorf("no break-even price of a server: %+v", c.Flips)
}

func relative(c *result.Comparison, key string) float64 {
	for _, r := range c.Rows {
		if r.Metric == key {
			return r.Differences[0].Relative.Value
		}
	}
	return math.NaN()
}

func TestConditions(t *testing.T) {
	c := &result.Comparison{Rows: []result.CompareRow{
		{Metric: "ledger.total", Unit: "USD", Values: []result.Number{{Value: 100}, {Value: 106}}, Differences: []result.Difference{{Design: "B", Absolute: result.Number{Value: 6}, Relative: result.Number{Value: 0.06}}}},
		{Metric: "chat.ttft_p95", Unit: "s", Values: []result.Number{{Value: 0.4}, {Value: 0.6}}, Differences: []result.Difference{{Design: "B", Absolute: result.Number{Value: 0.2}, Relative: result.Number{Value: 0.5}}}},
	}}
	for text, want := range map[string]bool{"cost>+5%": true, "cost > +7 %": false, "cost>+5": true, "cost>105": true, "cost>0.11 kUSD": false, "ttft_p95>500ms": true, "chat.ttft_p95>=+300 ms": false, "cost<-1%": false} {
		got, err := CheckConditions(c, []string{text})
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"cost", "speed>5%", "cost>+5 kg", ">5"} {
		if _, err := CheckConditions(c, []string{text}); err == nil || !strings.Contains(err.Error(), text[:1]) {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
}

// The row that pulls several levers pulls those that pay, and costs no more than the best
// of them alone.
func TestTheBestSetOfLeversIsPicked(t *testing.T) {
	run, err := Evaluate(context.Background(), load(t, planHead, "replicas=9", "faults.recovery=1 h", "storage.ckpt.drives.per_node=1", `economics.prices.storage_node="2000 USD"`, `workload.train.checkpoint.every="5 min"`), Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	least, set := 0.0, result.Lever{}
	for _, l := range run.Levers {
		if l.Together {
			set = l
		} else {
			least = math.Min(least, l.UnitCostChange.Value)
		}
	}
	if set.Action == "" {
		t.Fatalf("no set was played: %+v", run.Levers)
	}
	if set.UnitCostChange.Value > least+1e-9 {
		t.Errorf("%s changes the unit cost by %+.2f %%, the best lever alone by %+.2f %%", set.Action, 100*set.UnitCostChange.Value, 100*least)
	}
}
