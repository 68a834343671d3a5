package fit

import (
	"maps"
	"math"
	"slices"

	"aisim/hardware/profile"
)

// residuals reports a group under the fitted constants and under those there were before.
func residuals(group string, samples []*sample, now, before func(*sample) float64) profile.Residual {
	fitted := errorsOf(samples, now, func(s *sample) bool { return !s.held })
	held := errorsOf(samples, now, func(s *sample) bool { return s.held })
	all := slices.Concat(fitted, held)
	r := profile.Residual{Group: group, Fitted: len(fitted), HeldOut: len(held),
		Median: quantileAbs(fitted, 0.5), P90: quantileAbs(fitted, 0.9),
		HeldOutMedian: quantileAbs(held, 0.5), HeldOutP90: quantileAbs(held, 0.9),
		Bias: median(all), Before: quantileAbs(errorsOf(samples, before, func(*sample) bool { return true }), 0.5)}
	limit := 3 * math.Max(leastNoise, spread(fitted))
	for _, e := range all {
		if math.Abs(e) > limit {
			r.Outliers++
		}
	}
	round(&r.Median, &r.P90, &r.HeldOutMedian, &r.HeldOutP90, &r.Bias, &r.Before)
	return r
}

// uncertainty is the relative standard deviation that a group's errors leave on a prediction:
// of those held out where there are enough, else of all, wider.
func uncertainty(samples []*sample, predict func(*sample) float64) float64 {
	held := errorsOf(samples, predict, func(s *sample) bool { return s.held })
	if len(held) >= 4 {
		return math.Max(leastNoise, spread(held))
	}
	all := errorsOf(samples, predict, func(*sample) bool { return true })
	few := 1 + 2/math.Max(1, float64(len(all))) // a handful of residuals understates what the next one will be
	return math.Max(2*leastNoise, few*spread(all))
}

// round keeps four figures, so that a file is read by people too.
func round(values ...*float64) {
	for _, v := range values {
		if *v == 0 || math.IsInf(*v, 0) || math.IsNaN(*v) {
			continue
		}
		scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(*v))))
		*v = math.Round(*v*scale) / scale
	}
}

// ranges are the extents of what was measured of a group.
func ranges(group string, samples []*sample) []profile.Range {
	lo, hi := map[string]float64{}, map[string]float64{}
	for _, s := range samples {
		for _, d := range s.dims {
			if _, ok := lo[d.name]; !ok || d.v < lo[d.name] {
				lo[d.name] = d.v
			}
			hi[d.name] = math.Max(hi[d.name], d.v)
		}
	}
	var out []profile.Range
	for _, name := range slices.Sorted(maps.Keys(lo)) {
		out = append(out, profile.Range{Group: group, What: name, Low: lo[name], High: hi[name]})
	}
	return out
}

// byGroup splits samples, with the groups in order of their names.
func byGroup(samples []*sample) ([]string, map[string][]*sample) {
	out := map[string][]*sample{}
	for _, s := range samples {
		out[s.group] = append(out[s.group], s)
	}
	return slices.Sorted(maps.Keys(out)), out
}
