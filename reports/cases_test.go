package reports

import (
	"strings"

	"aisim/internal/result"
)

// fixtures are all runs that the tests go through, by name.
func fixtures() map[string]*result.Run {
	return map[string]*result.Run{
		"training":     trainingRun(),
		"levers":       withLevers(trainingRun()),
		"serving":      servingRun(),
		"mixed":        mixedRun(),
		"incomplete":   incompleteRun(),
		"uncalibrated": uncalibratedRun(),
		"nofit":        noFitRun(),
		"noprices":     noPricesRun(),
		"refused":      refusedRun(),
		"hostile":      hostileRun(),
		"bare":         bareRun(),
		"rented":       rentedRun(),
	}
}

func incompleteRun() *result.Run {
	run := trainingRun()
	run.Complete = false
	run.Stopped = "stopped at 31 of 54 days"
	return run
}

func uncalibratedRun() *result.Run {
	run := trainingRun()
	run.Banners = []string{"No measurements of H100: every rate is a datasheet's", "second banner", "third banner"}
	run.Rungs = []result.RungShare{{Rung: "datasheet roofline", Pedigree: result.Datasheet, Share: 0.8}, {Rung: "assumed", Pedigree: result.Assumed, Share: 0.2}}
	return run
}

func noFitRun() *result.Run {
	run := trainingRun()
	w := &run.Workloads[0]
	w.Step, w.Stages, w.Losses = nil, nil, nil
	w.Metrics = nil
	w.Memory[0].TotalGiB = 83.7
	w.Memory[0].Parts[3].GiB += 83.7 - 60.8
	run.Metrics, run.Elasticities, run.Bottlenecks = nil, nil, nil
	return run
}

func noPricesRun() *result.Run {
	run := trainingRun()
	run.Ledger = result.Ledger{NoPrices: "the scenario has no [economics]", Carbon: run.Ledger.Carbon}
	delete(run.Workloads[0].Metrics, result.MetricCost)
	delete(run.Workloads[0].Metrics, result.MetricCostPerMTokens)
	run.Tornado = nil
	return run
}

func refusedRun() *result.Run {
	run := trainingRun()
	w := &run.Workloads[0]
	w.Step, w.Stages, w.Losses = nil, nil, nil
	w.Metrics = map[string]result.Number{}
	run.Elasticities = nil
	run.Tornado = nil
	run.Refused = []result.Refusal{
		{Workload: "pretrain", Section: "step", What: "No efficiency of fp4 matrix work on this chip is known", Measure: "Measure a GEMM of 8192 × 8192 × 8192 in fp4 on one chip"},
		{Section: "sensitivity", What: "There is no unit cost to move", Measure: "It follows once the step is known"},
	}
	return run
}

func hostileRun() *result.Run {
	run := trainingRun()
	evil := `"><script>alert(1)</script><img src=x onerror=alert(2)>` + "\u202e" + strings.Repeat("שלום", 60) + strings.Repeat("W", 300)
	run.Scenario.Name = evil
	run.Scenario.Description = evil
	run.Scenario.Machine = evil
	w := &run.Workloads[0]
	w.ID, w.Title, w.Eyebrow = evil, evil, evil
	w.Step[0].Name = evil
	w.Losses[0].Cause = evil
	w.Memory[0].Name = evil
	w.Stages[0].Name = evil
	for i := range run.Elasticities {
		run.Elasticities[i].Workload = evil
	}
	for i := range run.Bottlenecks {
		run.Bottlenecks[i].Workload = evil
	}
	run.Elasticities[0].Name = evil
	run.Ledger.Lines[0].Item = evil
	run.Ledger.Lines[0].Basis = evil
	run.Assumptions[0].Source = evil
	run.Fabric[0].Name = evil
	run.Banners = []string{evil}
	return run
}

// bareRun has one metric and nothing else.
func bareRun() *result.Run {
	return &result.Run{Schema: result.Schema, Complete: true, Scenario: result.ScenarioRef{Name: "bare"},
		Workloads: []result.Workload{{ID: "w", Kind: "training", Metrics: map[string]result.Number{result.MetricStepTime: {Value: 1.5, Low: 1.5, High: 1.5, Unit: "s", NoInterval: "one replica"}}}}}
}

func rentedRun() *result.Run {
	run := trainingRun()
	run.Ledger.Mode = "rent"
	run.Ledger.Lines = run.Ledger.Lines[:1]
	run.Ledger.Lines[0].CapexUSD = 0
	run.Ledger.TotalUSD = num90(run.Ledger.Lines[0].USD, 21e6, 26.6e6, "USD", result.Datasheet)
	return run
}
