package main

import (
	"encoding/json"
	"strings"
	"testing"

	"aisim/internal/result"
)

// A plan is written whole; a goal that nothing meets ends with 4 and says what would do.
func TestPlanEndsWithItsVerdict(t *testing.T) {
	small := []string{"plan", "training-plan", "--set", "replicas=5", "--set", `goal.constraints=["pretrain.finish <= 45 d"]`}
	dir := t.TempDir()
	out, _ := aisim(t, 0, append(small, "--format", "json", "-o", dir)...)
	var p result.Plan
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	if p.Schema != result.PlanSchema || !p.Feasible || p.Steps[0].Choice == nil || p.Steps[0].Effort.Designs != 288 {
		t.Errorf("not as expected: %+v", p.Steps[0])
	}
	files := tree(t, dir)
	for _, name := range []string{"report.html", "result.json", "tables/plan.csv"} {
		if files[name] == "" {
			t.Errorf("%s was not written", name)
		}
	}
	if page := files["report.html"]; strings.Contains(page, "http:") || strings.Contains(page, "https:") || strings.Contains(page, "<script") {
		t.Error("the page reaches outside itself")
	}
	_, errs := aisim(t, exitGoal, append(small[:4:4], "--set", `goal.constraints=["pretrain.finish <= 1 d"]`)...)
	if !strings.Contains(errs, "cannot be met by any design: pretrain.finish <= 1 d") || !strings.Contains(errs, "smallest relaxation") {
		t.Errorf("stderr: %s", errs)
	}
	aisim(t, exitScenario, append(small[:4:4], "--set", "goal.minimise=ledger.totl")...)
	aisim(t, exitScenario, "plan", "llama3-70b-serving")
}
