package planner

import (
	"math"

	"aisim/internal/result"
)

// functions simulates the serverless functions of the scenario.
func (e *evaluation) functions(run *result.Run) error {
	played, err := e.w.Scenario.PlayFunctions()
	if err != nil {
		return err
	}
	for _, p := range played {
		f := result.Function{ID: p.ID, Name: p.Name, Requests: p.Outcome.Requests, ColdShare: p.ColdProb, ColdSec: p.ColdMeanSec, Instances: p.MeanInstances, Busy: p.MeanBusy,
			Peak: p.PeakInstances, ResponseP50: p.RespP50Sec, ResponseP99: p.RespP99Sec, Priced: p.Priced, USDPerHour: p.HourlyUSD, Reserved: p.Reserved != nil}
		if f.Never = math.IsInf(p.BreakEven, 1); !f.Never {
			f.BreakEven = p.BreakEven
		}
		run.Functions = append(run.Functions, f)
		for _, m := range []struct {
			key, unit string
			v         float64
		}{{result.MetricColdStarts, "ratio", f.ColdShare}, {result.MetricInstances, "instances", f.Instances}, {result.MetricResponseP99, "s", f.ResponseP99}, {result.MetricUSDPerHour, "USD/h", f.USDPerHour}} {
			run.Metrics[p.ID+"."+m.key] = result.Number{Value: m.v, Low: m.v, High: m.v, Unit: m.unit, Pedigree: result.Assumed, NoInterval: "one simulation"}
		}
	}
	return nil
}
