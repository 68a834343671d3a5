package planner

import "aisim/internal/result"

// edge plays the services of an edge scenario at the sites and in the region, and the life of
// their models on the fleet.
func (e *evaluation) edge(run *result.Run) error {
	updates, err := e.nominal.Updates()
	if err != nil {
		return err
	}
	for _, u := range updates {
		run.Updates = append(run.Updates, result.FleetUpdate{Workload: u.Workload, ModelBytes: u.ModelBytes, RolloutSec: u.RolloutSec, StalenessSec: u.MeanStaleness,
			SampleBytesPerDay: u.SampleBytesPerDay, LinkShare: u.LinkShare, OutagesPerYear: u.OutagesPerYear, BufferBytes: u.BufferBytes, CatchUpSec: u.CatchUpSec, EgressUSDPerYear: u.EgressUSDPerYear})
		run.Metrics[u.Workload+"."+result.MetricStaleness] = result.Number{Value: u.MeanStaleness, Low: u.MeanStaleness, High: u.MeanStaleness, Unit: "s", Pedigree: result.Assumed, NoInterval: "follows from the update's schedule"}
	}
	played, err := e.nominal.Offloads()
	for _, o := range played {
		run.Offloads = append(run.Offloads, result.Offload{Workload: o.Workload, Local: o.Local, Remote: o.Remote, LinkFull: o.LinkFull})
	}
	return err
}
