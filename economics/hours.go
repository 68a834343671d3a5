package economics

import (
	"fmt"
	"math"
	"sort"
)

// hoursOfDay is the length of every profile over the day.
const hoursOfDay = 24

// Shift moves a share of a day's load to the hours in which it costs least, money or
// carbon, without any hour exceeding most, and returns the load by hour; the sum stays.
// load and cost have 24 entries. Work that waits goes from the dearest hours first
// (OpenDC's time shifting starts work when the intensity is among the lowest of the next
// day; with a known day the best such rule is this exchange).
func Shift(load, cost []float64, share, most float64) []float64 {
	out := append([]float64(nil), load...)
	order := make([]int, len(cost))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return cost[order[a]] < cost[order[b]] })
	movable := 0.0
	for _, l := range load {
		movable += share * l
	}
	from := len(order) - 1
	taken := make([]float64, len(load))
	for to := 0; to < from && movable > 1e-12; {
		room := most - out[order[to]]
		have := share*load[order[from]] - taken[from]
		switch {
		case cost[order[to]] >= cost[order[from]]:
			return out
		case room <= 1e-12:
			to++
		case have <= 1e-12:
			from--
		default:
			d := math.Min(room, math.Min(have, movable))
			out[order[to]] += d
			out[order[from]] -= d
			taken[from] += d
			movable -= d
		}
	}
	return out
}

// weighted is the mean of values by hour over a load by hour.
func weighted(values, load []float64) float64 {
	sum, total := 0.0, 0.0
	for h := range values {
		sum += values[h] * load[h]
		total += load[h]
	}
	if total == 0 {
		return 0
	}
	return sum / total
}

func flat() []float64 {
	out := make([]float64, hoursOfDay)
	for i := range out {
		out[i] = 1
	}
	return out
}

// byHour works the mean tariff and carbon intensity out of their profiles over the day:
// the load is the same in every hour but for the share that can wait, which goes where
// the tariff, or without one the carbon, is lowest, up to the peak of the IT.
func (b *Bill) byHour(meanWatts, peakWatts float64) error {
	for _, p := range [][]float64{b.TariffByHour, b.CarbonByHour} {
		if len(p) != 0 && len(p) != hoursOfDay {
			return fmt.Errorf("economics: a profile over the day has %d entries, it needs %d", len(p), hoursOfDay)
		}
	}
	if b.ShiftShare < 0 || b.ShiftShare > 1 {
		return fmt.Errorf("economics: share of the load that can wait is %g, outside 0 to 1", b.ShiftShare)
	}
	load := flat()
	guide := b.TariffByHour
	if len(guide) == 0 {
		guide = b.CarbonByHour
	}
	if len(guide) > 0 && b.ShiftShare > 0 && meanWatts > 0 {
		load = Shift(load, guide, b.ShiftShare, math.Max(1, peakWatts/meanWatts))
	}
	if len(b.TariffByHour) > 0 {
		b.Tariff.USD = weighted(b.TariffByHour, load)
	}
	if len(b.CarbonByHour) > 0 {
		b.CarbonGPerKWh = weighted(b.CarbonByHour, load)
	}
	return nil
}
