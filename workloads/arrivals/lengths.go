package arrivals

import (
	"fmt"
	"math"
	"sort"

	"aisim/sim"
)

// Lengths is a distribution of token counts: Mean with CV (0: all alike), or
// P50 with P95, both lognormal; or Quantiles at the probabilities At, with
// straight lines between. Draws are rounded and kept within Min (at least 1)
// and Max (0: DefaultMax).
type Lengths struct {
	Mean, CV      float64
	P50, P95      float64
	At, Quantiles []float64
	Min, Max      int
}

// DefaultMax bounds a length when no Max is given: the longest context windows
// offered.
const DefaultMax = 1 << 20

// z95 is the 95th percentile of the standard normal distribution.
const z95 = 1.6448536269514722

// Validate says what is impossible about a distribution.
func (l *Lengths) Validate() error {
	for _, v := range []float64{l.Mean, l.CV, l.P50, l.P95} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("lengths: %v: must not be negative", v)
		}
	}
	forms := 0
	if l.Mean > 0 {
		forms++
	}
	if l.P50 > 0 || l.P95 > 0 {
		forms++
	}
	if len(l.At) > 0 || len(l.Quantiles) > 0 {
		forms++
	}
	switch {
	case forms != 1:
		return fmt.Errorf("lengths: give either mean (with cv), or p50 with p95, or quantiles")
	case l.CV > 0 && l.Mean == 0:
		return fmt.Errorf("lengths: cv goes with mean")
	case l.CV > 100:
		return fmt.Errorf("lengths: cv %v: at most 100", l.CV)
	case (l.P50 > 0 || l.P95 > 0) && !(l.P50 > 0 && l.P95 >= l.P50):
		return fmt.Errorf("lengths: p50 %v and p95 %v: expected 0 < p50 ≤ p95", l.P50, l.P95)
	case l.Mean > DefaultMax || l.P95 > DefaultMax:
		return fmt.Errorf("lengths: more than %d tokens", DefaultMax)
	case l.Min < 0 || l.Max < 0 || l.Max > DefaultMax || (l.Max > 0 && l.Min > l.Max):
		return fmt.Errorf("lengths: min %d and max %d: expected 0 ≤ min ≤ max ≤ %d", l.Min, l.Max, DefaultMax)
	}
	if len(l.At) != len(l.Quantiles) || len(l.At) == 1 {
		return fmt.Errorf("lengths: %d probabilities for %d quantiles: expected as many, and at least two", len(l.At), len(l.Quantiles))
	}
	for i := range l.At {
		if !(l.Quantiles[i] >= 0) || l.Quantiles[i] > DefaultMax || (i > 0 && (l.At[i] <= l.At[i-1] || l.Quantiles[i] < l.Quantiles[i-1])) {
			return fmt.Errorf("lengths: probabilities must rise and quantiles must not fall")
		}
	}
	if n := len(l.At); n > 0 && (l.At[0] != 0 || l.At[n-1] != 1) {
		return fmt.Errorf("lengths: probabilities must go from 0 to 1")
	}
	return nil
}

// MeanTokens is the mean of the distribution before rounding and bounds.
func (l *Lengths) MeanTokens() float64 {
	switch {
	case l.Mean > 0:
		return l.Mean
	case l.P50 > 0:
		s := math.Log(l.P95/l.P50) / z95
		return l.P50 * math.Exp(s*s/2)
	}
	m := 0.0
	for i := 1; i < len(l.At); i++ {
		m += (l.At[i] - l.At[i-1]) * (l.Quantiles[i] + l.Quantiles[i-1]) / 2
	}
	return m
}

// Draw returns one length.
func (l *Lengths) Draw(s *sim.Stream) int32 {
	var v float64
	switch {
	case l.Mean > 0 && l.CV == 0:
		v = l.Mean
	case l.Mean > 0:
		s2 := math.Log1p(l.CV * l.CV)
		v = s.LogNormal(math.Log(l.Mean)-s2/2, math.Sqrt(s2))
	case l.P50 > 0:
		v = s.LogNormal(math.Log(l.P50), math.Log(l.P95/l.P50)/z95)
	default:
		v = interpolate(l.At, l.Quantiles, s.Float64())
	}
	return l.bound(v)
}

func (l *Lengths) bound(v float64) int32 {
	low, high := float64(max(l.Min, 1)), float64(DefaultMax)
	if l.Max > 0 {
		high = float64(l.Max)
	}
	return int32(math.Round(math.Min(math.Max(v, low), high)))
}

// interpolate reads the line through (at, v) at p; at rises from 0 to 1.
func interpolate(at, v []float64, p float64) float64 {
	i := sort.SearchFloat64s(at, p)
	if i == 0 {
		return v[0]
	}
	if i >= len(at) {
		return v[len(v)-1]
	}
	w := (p - at[i-1]) / (at[i] - at[i-1])
	return v[i-1] + w*(v[i]-v[i-1])
}
