package validate

import (
	"math"
	"slices"
	"sort"
)

// Figures count the cases of a summary or a group.
type Figures struct {
	Total          int      `json:"total"` // gate cases
	Predicted      int      `json:"predicted"`
	Refused        int      `json:"refused"`
	Failed         int      `json:"failed"`
	MedianAbsError *float64 `json:"median_abs_error"`
	P90AbsError    *float64 `json:"p90_abs_error"`
	Bias           *float64 `json:"bias"`            // median of the signed errors
	InsideInterval *float64 `json:"inside_interval"` // share of measurements inside the 90 % interval
	// What a plain roofline reaches on the same cases.
	RooflineMedian *float64 `json:"roofline_median_abs_error"`
	RooflineP90    *float64 `json:"roofline_p90_abs_error"`
	// BalancedAccuracy is the mean of the shares of yes and of no that were right.
	BalancedAccuracy *float64 `json:"balanced_accuracy,omitempty"`
	// Rank is Spearman's correlation of predicted and measured, where it is asked for.
	Rank *float64 `json:"rank_correlation,omitempty"`
}

// Group is the figures of the cases that share a key. A group without gate cases counts
// its info cases, and says so.
type Group struct {
	By  string `json:"by"`
	Key string `json:"key"`
	Use string `json:"use"`
	Figures
}

// Report is the schema aisim.validate/v1.
type Report struct {
	Schema  string  `json:"schema"`
	Kind    string  `json:"kind"`
	Cases   []Case  `json:"cases"`
	Summary Figures `json:"summary"`
	Skipped int     `json:"skipped"` // rows with use=exclude
	Groups  []Group `json:"groups"`
	// HeldOut is what leaving sources out gives, of kinds whose constants were fitted in part on their table.
	HeldOut []HeldOut `json:"held_out,omitempty"`
	// Rankings are of kinds whose rows are choices.
	Rankings []Ranking `json:"rankings,omitempty"`
}

func figures(cases []Case) Figures {
	var f Figures
	var abs, signed, roof []float64
	inside, intervals := 0, 0
	var right, count [2]float64
	for i := range cases {
		c := &cases[i]
		f.Total++
		switch c.Status {
		case Predicted:
			f.Predicted++
		case Refused:
			f.Refused++
		default:
			f.Failed++
		}
		if c.scale == YesNo && c.Correct != nil && c.Measured != nil {
			class := 0
			if *c.Measured != 0 {
				class = 1
			}
			count[class]++
			if *c.Correct {
				right[class]++
			}
			continue
		}
		if c.Error == nil {
			continue
		}
		abs, signed = append(abs, math.Abs(*c.Error)), append(signed, *c.Error)
		if c.RooflineError != nil {
			roof = append(roof, math.Abs(*c.RooflineError))
		}
		if c.Low != nil && c.High != nil {
			intervals++
			if *c.Low <= *c.Measured && *c.Measured <= *c.High {
				inside++
			}
		}
	}
	f.MedianAbsError, f.P90AbsError, f.Bias = quantile(abs, 0.5), quantile(abs, 0.9), quantile(signed, 0.5)
	f.RooflineMedian, f.RooflineP90 = quantile(roof, 0.5), quantile(roof, 0.9)
	if intervals > 0 {
		f.InsideInterval = ptr(float64(inside) / float64(intervals))
	}
	switch {
	case count[0] > 0 && count[1] > 0:
		f.BalancedAccuracy = ptr((right[0]/count[0] + right[1]/count[1]) / 2)
	case count[0]+count[1] > 0:
		f.BalancedAccuracy = ptr((right[0] + right[1]) / (count[0] + count[1]))
	}
	return f
}

// rankCorrelation is Spearman's, of what cases predict and what was measured.
func rankCorrelation(cases []Case) *float64 {
	var predicted, measured []float64
	for _, c := range cases {
		if c.Predicted != nil && c.Measured != nil {
			predicted, measured = append(predicted, *c.Predicted), append(measured, *c.Measured)
		}
	}
	return spearman(predicted, measured)
}

// spearman is the correlation of ranks, ties in the order given; nil for under three pairs.
func spearman(x, y []float64) *float64 {
	n := float64(len(x))
	if n < 3 {
		return nil
	}
	a, b := ranks(x), ranks(y)
	sum := 0.0
	for i := range a {
		d := float64(a[i] - b[i])
		sum += d * d
	}
	return ptr(1 - 6*sum/(n*(n*n-1)))
}

func ranks(v []float64) []int {
	order, rank := make([]int, len(v)), make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return v[order[i]] < v[order[j]] })
	for r, i := range order {
		rank[i] = r
	}
	return rank
}

func ptr(v float64) *float64 { return &v }

// quantile by linear interpolation between order statistics; nil for none.
func quantile(x []float64, q float64) *float64 {
	if len(x) == 0 {
		return nil
	}
	s := slices.Clone(x)
	sort.Float64s(s)
	at := q * float64(len(s)-1)
	k := int(at)
	v := s[k]
	if k+1 < len(s) {
		v += (at - float64(k)) * (s[k+1] - s[k])
	}
	return &v
}

// summarise fills the summary and the groups.
func (r *Report) summarise() {
	var gate []Case
	by := map[groupKey][]Case{}
	var order []groupKey
	for _, c := range r.Cases {
		if c.Use == UseGate && c.scale != Size && c.scale != YesNo {
			gate = append(gate, c)
		}
		for _, k := range c.keys {
			if by[k] == nil {
				order = append(order, k)
			}
			by[k] = append(by[k], c)
		}
	}
	r.Summary = figures(gate)
	r.Groups = []Group{}
	slices.SortStableFunc(order, func(a, b groupKey) int {
		switch {
		case a.by < b.by:
			return -1
		case a.by > b.by:
			return 1
		}
		return 0
	})
	for _, k := range order {
		cases, use := []Case(nil), UseGate
		for _, c := range by[k] {
			if c.Use == UseGate {
				cases = append(cases, c)
			}
		}
		if len(cases) == 0 {
			cases, use = by[k], UseInfo
		}
		r.Groups = append(r.Groups, Group{By: k.by, Key: k.key, Use: use, Figures: figures(cases)})
	}
}
