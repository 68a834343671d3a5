package reports_test

import (
	"fmt"
	"strings"

	"aisim/internal/result"
	"aisim/reports"
)

func Example() {
	run := &result.Run{Schema: result.Schema, Complete: true,
		Scenario: result.ScenarioRef{Name: "a small run", Machine: "8 H100 in one server"},
		Workloads: []result.Workload{{ID: "train", Kind: "training", Metrics: map[string]result.Number{
			result.MetricSteps: {Value: 1000, Unit: "steps", NoInterval: "given"},
		}}},
	}
	// A value and its unit are held together by a narrow space.
	fmt.Println(strings.ReplaceAll(reports.VerdictText(run, &run.Workloads[0]), "\u202f", " "))
	// Output: The 8 H100 in one server train 1,000 steps. No goal is set.
}
