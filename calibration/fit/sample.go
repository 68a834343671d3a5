package fit

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"aisim/calibration/ingest"
)

// sample is one measurement that constants can be fitted on.
type sample struct {
	group  string // what is reported together: "gemm bf16", "memory", "nvlink4 all_reduce"
	what   string // shape or size, also what identifies a repetition
	sec    float64
	source ingest.Source
	body   ingest.Body
	dims   []dim   // what was varied
	sd     float64 // relative standard error of the measurement, where the record states it
	held   bool    // kept out of the fit
	out    bool    // contradicted, kept out of everything
}

type dim struct {
	name string
	v    float64
}

// contradiction is how far two measurements of one thing may lie apart: as ingest has it.
const contradiction = 0.25

// contradictions marks the samples that measure one thing with different outcomes. Averaging
// them would make a number that nobody saw.
func contradictions(samples []*sample) []string {
	byKey := map[string][]*sample{}
	var order []string
	for _, s := range samples {
		key := s.group + "|" + s.what
		if byKey[key] == nil {
			order = append(order, key)
		}
		byKey[key] = append(byKey[key], s)
	}
	var out []string
	for _, key := range order {
		same := byKey[key]
		lo := slices.MinFunc(same, func(a, b *sample) int { return cmp.Compare(a.sec, b.sec) })
		hi := slices.MaxFunc(same, func(a, b *sample) int { return cmp.Compare(a.sec, b.sec) })
		if hi.sec/lo.sec-1 <= contradiction {
			continue
		}
		for _, s := range same {
			s.out = true
		}
		out = append(out, fmt.Sprintf("%s, %s: %.4g s in %s and %.4g s in %s: none of the %d is used, measure again",
			lo.group, lo.what, lo.sec, place(lo.source), hi.sec, place(hi.source), len(same)))
	}
	return out
}

func place(s ingest.Source) string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// hold keeps every fourth thing measured of a group out of the fit, with all of its
// repetitions: of three to seven things one, of fewer none.
func hold(samples []*sample) {
	byGroup := map[string][]*sample{}
	for _, s := range samples {
		if !s.out {
			byGroup[s.group] = append(byGroup[s.group], s)
		}
	}
	for _, group := range byGroup {
		slices.SortStableFunc(group, func(a, b *sample) int {
			for i := range min(len(a.dims), len(b.dims)) {
				if c := cmp.Compare(a.dims[i].v, b.dims[i].v); c != 0 {
					return c
				}
			}
			return cmp.Compare(a.what, b.what)
		})
		distinct := 0
		for i, s := range group {
			if i > 0 && s.what != group[i-1].what {
				distinct++
			}
		}
		every, at := 4, 2
		if distinct++; distinct < 3 {
			continue
		} else if distinct < 8 {
			every, at = distinct, distinct/2
		}
		k := 0
		for i, s := range group {
			if i > 0 && s.what != group[i-1].what {
				k++
			}
			s.held = k%every == at
		}
	}
}

// used are the samples of a fit: neither held out nor contradicted.
func used(samples []*sample) []*sample {
	return slices.DeleteFunc(slices.Clone(samples), func(s *sample) bool { return s.held || s.out })
}

// errors are predicted/measured − 1 of the samples that keep is true of.
func errorsOf(samples []*sample, predict func(*sample) float64, keep func(*sample) bool) []float64 {
	var out []float64
	for _, s := range samples {
		if !s.out && keep(s) {
			out = append(out, predict(s)/s.sec-1)
		}
	}
	return out
}

// quantileAbs is a quantile of |e|, 0 of nothing.
func quantileAbs(e []float64, q float64) float64 {
	if len(e) == 0 {
		return 0
	}
	a := make([]float64, len(e))
	for i, v := range e {
		a[i] = math.Abs(v)
	}
	slices.Sort(a)
	return a[min(len(a)-1, int(q*float64(len(a))))]
}

func median(e []float64) float64 {
	if len(e) == 0 {
		return 0
	}
	a := slices.Clone(e)
	slices.Sort(a)
	if len(a)%2 == 0 {
		return (a[len(a)/2-1] + a[len(a)/2]) / 2
	}
	return a[len(a)/2]
}
