package fit

import (
	"cmp"
	"fmt"
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

// Measurements that lie this far from the constants that fit the others of their group, and three
// times as far as those scatter, are named: they are measured again first.
const (
	farOffShare = 0.5
	mostFarOff  = 8 // of a group
)

// farOff names the measurements that the fit does not believe, the worst first.
func farOff(group string, samples []*sample, predict func(*sample) float64) []string {
	limit := math.Max(math.Log1p(farOffShare), 3*spread(errorsOf(samples, predict, func(*sample) bool { return true })))
	type far struct {
		s   *sample
		off float64
	}
	var all []far
	for _, s := range samples {
		if off := math.Log(s.sec / predict(s)); math.Abs(off) > limit {
			all = append(all, far{s, off})
		}
	}
	slices.SortStableFunc(all, func(a, b far) int { return cmp.Compare(math.Abs(b.off), math.Abs(a.off)) })
	var out []string
	for _, f := range all[:min(len(all), mostFarOff)] {
		times, how := math.Exp(f.off), "slower"
		if f.off < 0 {
			times, how = 1/times, "faster"
		}
		out = append(out, fmt.Sprintf("%s, %s in %s: %.3g times %s than what fits the others", group, f.s.what, place(f.s.source), times, how))
	}
	if n := len(all) - mostFarOff; n > 0 {
		out = append(out, fmt.Sprintf("%s: %d more", group, n))
	}
	return out
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
