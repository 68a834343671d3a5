package planner

import (
	"math"

	"aisim/cluster/pipeline"
	"aisim/internal/result"
)

// pipelines plays one run of each pipeline on the nominal future. A run is charged with the
// share of the bill that its nodes' time is; the interval at which staleness costs as much
// follows where the scenario says what quality is worth.
func (e *evaluation) pipelines(run *result.Run) error {
	played, err := e.nominal.Pipelines()
	if err != nil {
		return err
	}
	a := e.base[0].account
	perNodeSec := 0.0
	if a.reason == "" {
		perNodeSec = a.ledger.TotalUSD / (a.bill.PeriodSec * float64(e.w.Scenario.Cluster.Nodes))
	}
	for _, s := range e.nominal.ErasureScans() {
		put := func(key, unit string, v float64) {
			run.Metrics[s.Data+"."+key] = result.Number{Value: v, Low: v, High: v, Unit: unit, Pedigree: result.Derived, NoInterval: "one future"}
		}
		put("erase_scan", "s", s.MeanSec)
		put("erase_bytes_per_day", "B", s.Bytes*86400/s.EverySec)
		// All nodes read: their time is charged.
		put("erase_cost_per_year", "USD", perNodeSec*float64(e.w.Scenario.Cluster.Nodes)*s.MeanSec*365*86400/s.EverySec)
	}
	for _, p := range played {
		out := result.Pipeline{ID: p.ID, Name: p.Name, Engine: p.Engine, Nodes: p.PoolNodes, RunSec: p.Seconds, IntervalSec: p.IntervalSec, CanarySec: p.CanarySec,
			StalenessSec: p.Staleness, CoreHours: p.CoreSec / 3600}
		// The host cores of a node stand for the node: what else it does meanwhile is not charged off.
		out.CostUSD = perNodeSec * (p.CoreSec/float64(p.Pool.Cores)*float64(p.PoolNodes) + p.TrainNodes)
		if p.DecayPerDay != nil && p.USDPerDay != nil && out.CostUSD > 0 {
			if t := pipeline.OptimalInterval(out.CostUSD, *p.USDPerDay/86400, *p.DecayPerDay/86400); !math.IsInf(t, 1) {
				out.OptimalSec = t
			}
		}
		for _, s := range p.Spans {
			out.Stages = append(out.Stages, result.PipelineStage{ID: s.ID, Tasks: s.Tasks, Start: s.Start, End: s.End, Bound: string(s.Bound)})
		}
		run.Pipelines = append(run.Pipelines, out)
		for _, m := range []struct {
			key, unit string
			v         float64
		}{{result.MetricRunTime, "s", p.Seconds}, {result.MetricInterval, "s", p.IntervalSec}, {result.MetricStaleness, "s", p.Staleness}, {result.MetricCoreHours, "h", p.CoreSec / 3600}} {
			run.Metrics[p.ID+"."+m.key] = result.Number{Value: m.v, Low: m.v, High: m.v, Unit: m.unit, Pedigree: result.Assumed, NoInterval: "rates per core are assumed"}
		}
	}
	return nil
}
