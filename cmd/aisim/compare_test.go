package main

import (
	"encoding/json"
	"strings"
	"testing"

	"aisim/internal/result"
)

// A comparison ends with 4 when a condition holds, with the result written all the same,
// and with 2 for what cannot be compared.
func TestCompareSaysWhichIsWorse(t *testing.T) {
	args := append([]string{"compare"}, quick["serving"]...)
	args = append(args, "--with", "cluster.nodes=9; workload.chat.replicas=8")
	dir := t.TempDir()
	out, errs := aisim(t, exitGoal, append(args, "--fail-if", "cost>+5%", "--format", "json", "-o", dir)...)
	var c result.Comparison
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatal(err)
	}
	if c.Schema != result.CompareSchema || len(c.Designs) != 2 || c.Decision.Preferred != "A" || len(c.Changes) != 2 || !c.Conditions[0].Failed {
		t.Errorf("not as expected: %+v %+v %+v", c.Decision, c.Changes, c.Conditions)
	}
	if !strings.Contains(errs, "cost>+5%: ledger.total of B is 0.1") {
		t.Errorf("stderr: %s", errs)
	}
	files := tree(t, dir)
	for _, name := range []string{"report.html", "result.json", "tables/compare.csv"} {
		if files[name] == "" {
			t.Errorf("%s was not written", name)
		}
	}
	if page := files["report.html"]; strings.Contains(page, "http:") || strings.Contains(page, "https:") || strings.Contains(page, "<script") {
		t.Error("the page reaches outside itself")
	}
	aisim(t, 0, append(args, "--fail-if", "cost>+50%")...)
	if _, errs := aisim(t, exitUsage, append(args, "--fail-if", "speed>+5%")...); !strings.Contains(errs, `no metric that the designs share is called "speed"`) {
		t.Errorf("stderr: %s", errs)
	}
	aisim(t, exitUsage, "compare", "llama3-70b-serving")
	aisim(t, exitScenario, "compare", "llama3-70b-serving", "--with", "cluster.nods=3")
}
