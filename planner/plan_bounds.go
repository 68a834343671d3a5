package planner

import (
	"math"

	"aisim/hardware"
	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/workloads"
)

// misses says that a design cannot keep a limit whatever a simulation finds. Each bound
// follows from parts that only add:
//
//   - the capital is at least that of the servers, since no price is negative;
//   - a campaign trains at most as many tokens a second as all matrix units at their peak
//     could, three times the forward pass each, and so does not finish earlier.
//
// Prices and peaks are nominal, and drawn ones vary around them: only limits on the
// median are bounded so, with the slack that the draws of a median have.
func (pl *planning) misses(sc *scenarios.Scenario) bool {
	for j := range pl.limits {
		l := &pl.limits[j]
		if l.quantile != 0.5 {
			continue
		}
		if lo := lowerBound(sc, l.key); l.atMost && lo*(1-boundSlack) > l.value {
			return true
		}
		if hi := upperBound(sc, l.key); !l.atMost && hi*(1+boundSlack) < l.value {
			return true
		}
	}
	return false
}

// boundSlack is what a median of five futures can lie from the nominal value of an input
// that is known to 15 %: its standard error is 8 %, and three of them are rare.
const boundSlack = 0.25

// lowerBound is a value that a metric cannot be below, 0 where none is known.
func lowerBound(sc *scenarios.Scenario, key string) float64 {
	if key == result.MetricLedgerCapital && sc.Economics.Mode == "buy" {
		return serversUSD(sc)
	}
	for i := range sc.Workloads {
		w := &sc.Workloads[i]
		if key == w.ID+".finish" && w.Tokens != nil {
			if rate := peakTokensPerSec(sc, w); rate > 0 {
				return *w.Tokens / rate
			}
		}
	}
	return 0
}

// upperBound is a value that a metric cannot exceed, +Inf where none is known.
func upperBound(sc *scenarios.Scenario, key string) float64 {
	for i := range sc.Workloads {
		w := &sc.Workloads[i]
		if key == w.ID+"."+result.MetricTokensPerSec {
			if rate := peakTokensPerSec(sc, w); rate > 0 {
				return rate
			}
		}
	}
	return math.Inf(1)
}

// serversUSD is the price of the servers alone, 0 where it is not known.
func serversUSD(sc *scenarios.Scenario) float64 {
	n := float64(sc.Cluster.Nodes)
	switch {
	case sc.Economics.Prices.ServerUSD != nil:
		return n * *sc.Economics.Prices.ServerUSD
	case sc.Cluster.Override.PriceUSD != nil:
		return n * *sc.Cluster.Override.PriceUSD
	}
	if v, err := hardware.Default().ServerPrice(sc.Cluster.Server); err == nil {
		return n * v.V
	}
	return 0
}

// peakTokensPerSec is what a campaign would train if every accelerator of the machine did
// nothing but its matrix work at the peak; 0 where the model or the peak is not known.
func peakTokensPerSec(sc *scenarios.Scenario, w *scenarios.Workload) float64 {
	if w.Kind != "training" || w.Model == "" {
		return 0
	}
	cat := hardware.Default()
	server, err := cat.Server(sc.Cluster.Server)
	if err != nil || sc.Cluster.Override.PeakBF16FlopsPerSec != nil || sc.Cluster.Override.PeakFP8FlopsPerSec != nil {
		return 0
	}
	chip, err := cat.Accelerator(server.AcceleratorID)
	if err != nil {
		return 0
	}
	model, err := cat.Model(w.Model)
	if err != nil {
		return 0
	}
	arch, err := workloads.FromCard(model)
	if err != nil || arch.Generic != nil {
		return 0
	}
	best := 0.0 // of any precision: frameworks keep some layers in another one
	for _, v := range chip.Peak {
		best = math.Max(best, v.V)
	}
	perToken := 3 * arch.MatrixFlopsPerToken() // attention's scores only add
	if best == 0 || perToken <= 0 {
		return 0
	}
	return float64(sc.Cluster.Nodes*server.AcceleratorCount) * best / perToken
}
