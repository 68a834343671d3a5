package pipeline

import "math"

// OptimalInterval is the time between retrainings at which the cost of a run equals what
// waiting longer would lose, in seconds. Quality falls linearly by decay per second, a unit of
// it is worth value per second: runs cost C ÷ T and staleness value × decay × T ÷ 2 per
// second, so that T* = √(2 C ÷ (value × decay)).
func OptimalInterval(runCost, value, decay float64) float64 {
	if value*decay <= 0 {
		return math.Inf(1)
	}
	return math.Sqrt(2 * runCost / (value * decay))
}

// MeanStaleness is the mean age of what the serving model has learnt, in seconds: half
// the interval, and the lag from the data to the full roll-out.
func MeanStaleness(interval, lag float64) float64 { return interval/2 + lag }

// DriftFound is the least Kolmogorov–Smirnov distance that a test of n against n samples
// finds at the 5 % level: 1.36 √(2 ÷ n) (Smirnov 1948).
func DriftFound(n float64) float64 { return 1.36 * math.Sqrt(2/n) }

// DriftInterval is the time between retrainings that drift triggers, in seconds: until the
// distance, growing by drift per second, can be found, and until a window of n samples of
// a share of the requests is full.
func DriftInterval(n, drift, requestsPerSec, share float64) float64 {
	return DriftFound(n)/drift + n/(requestsPerSec*share)
}

// Normal quantiles of the canary's test: 5 % one-sided, 80 % power.
const (
	zAlpha = 1.6449
	zBeta  = 0.8416
)

// CanarySamples is how many requests each side needs to find that the error rate rose from
// e0 to e1, at the 5 % level with 80 % power: the two-proportion formula (Fleiss, Levin &
// Paik, Statistical Methods for Rates and Proportions).
func CanarySamples(e0, e1 float64) float64 {
	d := e1 - e0
	return (zAlpha + zBeta) * (zAlpha + zBeta) * (e0*(1-e0) + e1*(1-e1)) / (d * d)
}

// CanarySec is how long a roll-out takes over stages with shares of the traffic: each is held
// for hold seconds, and for as long as its samples take.
func CanarySec(shares []float64, hold, samples, requestsPerSec float64) float64 {
	t := 0.0
	for _, s := range shares {
		t += math.Max(hold, samples/(s*requestsPerSec))
	}
	return t
}

// Backlog of a stream that arrives at rate per second for a burst of burstSec above its
// capacity and at base afterwards: its peak and when it is gone, in units and seconds from
// the burst's start. It is never gone when base is not below capacity.
func Backlog(rate, base, capacity, burstSec float64) (peak, gone float64) {
	peak = math.Max(0, rate-capacity) * burstSec
	switch {
	case peak == 0:
		return 0, 0
	case base >= capacity:
		return peak, math.Inf(1)
	}
	return peak, burstSec + peak/(capacity-base)
}
