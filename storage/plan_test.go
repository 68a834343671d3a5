package storage

import (
	"strings"
	"testing"
)

func planChoices() []Choice {
	three, code := testSpec(), testSpec()
	code.Profile = "ec-6+2"
	return []Choice{{three, 20000, 1500}, {code, 20000, 1500}}
}

func TestPlanCeph(t *testing.T) {
	need := Need{ReadBytesPerSec: 100e9, WriteBytesPerSec: 60e9, KeepBytes: 2e15, GrowthPerYear: 0.2, Years: 3}
	plans, err := PlanCeph(need, planChoices())
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) != 2 || plans[0].CostUSD > plans[1].CostUSD {
		t.Fatalf("%+v", plans)
	}
	for _, p := range plans {
		if p.ReadBytesPerSec < need.ReadBytesPerSec || p.WriteBytesPerSec < need.WriteBytesPerSec || p.FreeBytes < 2e15*1.728 || len(p.Reasons) == 0 || p.RebuildSec <= 0 || p.USDPerGBPerSec <= 0 {
			t.Errorf("%s, %d nodes: %+v", p.Spec.Profile, p.Spec.Nodes, p)
		}
		smaller := p.Spec
		smaller.Nodes--
		if w, free, err := smaller.rate(Write, defaultObjectBytes); err == nil && w >= need.WriteBytesPerSec && free >= 2e15*1.728 {
			if r, _, _ := smaller.rate(Read, defaultObjectBytes); r >= need.ReadBytesPerSec {
				t.Errorf("%s: one node fewer does it too", p.Spec.Profile)
			}
		}
	}
	// Every part of the need moves the answer.
	for name, turn := range map[string]func(*Need){
		"reads":      func(n *Need) { n.ReadBytesPerSec *= 20 },
		"writes":     func(n *Need) { n.WriteBytesPerSec *= 20 },
		"bytes":      func(n *Need) { n.KeepBytes *= 3 },
		"growth":     func(n *Need) { n.GrowthPerYear = 1 },
		"years":      func(n *Need) { n.Years = 9 },
		"lost nodes": func(n *Need) { n.LostNodes = 2 },
		"rebuild":    func(n *Need) { n.RebuildSec = plans[0].RebuildSec / 2 },
		"requests":   func(n *Need) { n.RequestBytes = 4096; n.ReadBytesPerSec = 50e9 },
	} {
		more := need
		turn(&more)
		if now, err := PlanCeph(more, planChoices()); err != nil || now[0].CostUSD <= plans[0].CostUSD {
			t.Errorf("%s: %v, %v", name, now, err)
		}
	}
	for word, turn := range map[string]func(*Need){
		"budget":         func(n *Need) { n.BudgetUSD = 1000 },
		"survives":       func(n *Need) { n.LostShards = 4 },
		"want 0":         func(n *Need) { n.Years = -1 },
		"cost":           func(n *Need) { n.BudgetUSD = plans[0].CostUSD / 2 },
		"not enough":     func(n *Need) { n.WriteBytesPerSec = 1e18 },
		"do not rebuild": func(n *Need) { n.RebuildSec = 1e-9 },
	} {
		bad := need
		turn(&bad)
		if _, err := PlanCeph(bad, planChoices()); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
	if _, err := PlanCeph(need, nil); err == nil {
		t.Error("no choices were accepted")
	}
}
