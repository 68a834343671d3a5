package planner

import "aisim/internal/result"

// streams simulates the streams of the scenario.
func (e *evaluation) streams(run *result.Run) error {
	played, err := e.w.Scenario.PlayStreams()
	if err != nil {
		return err
	}
	for _, p := range played {
		s := result.Stream{ID: p.ID, Name: p.Name, PerSec: p.Elements / p.DurationSec, Workers: p.MeanWorkers, Peak: p.PeakWorkers, Starts: p.Starts, Backlog: p.PeakBacklog,
			LagMeanSec: p.MeanLagSec, LagP99Sec: p.LagP99Sec, Within: p.Within, USDPerHour: p.HourlyUSD, Priced: p.USDPerHour != nil, DurationSec: p.DurationSec}
		if p.LagSLOSec != nil {
			s.LagSLO = *p.LagSLOSec
		}
		run.Streams = append(run.Streams, s)
		for _, m := range []struct {
			key, unit string
			v         float64
		}{{result.MetricLagP99, "s", s.LagP99Sec}, {result.MetricLagMean, "s", s.LagMeanSec}, {result.MetricWorkers, "workers", s.Workers}, {result.MetricBacklog, "elements", s.Backlog},
			{result.MetricUSDPerHour, "USD/h", s.USDPerHour}, {result.MetricWithinSLO, "ratio", s.Within}} {
			if m.key == result.MetricWithinSLO && s.LagSLO == 0 || m.key == result.MetricUSDPerHour && !s.Priced {
				continue
			}
			run.Metrics[p.ID+"."+m.key] = result.Number{Value: m.v, Low: m.v, High: m.v, Unit: m.unit, Pedigree: result.Assumed, NoInterval: "one simulation"}
		}
	}
	return nil
}
