package validate

import (
	"math"
	"slices"
)

// HeldOut is a class of cases predicted without one of its sources at a time: the rate of the
// class is set by the median of the other sources, and the rows of the one left out are
// predicted with it. A class that rests on one source has nothing to hold out; beside its error stands
// that of the line rates alone.
type HeldOut struct {
	Class         string   `json:"class"`
	Cases         int      `json:"cases"`
	Sources       int      `json:"sources"`
	Fitted        *float64 `json:"fitted_median_abs_error"`
	HeldOut       *float64 `json:"held_out_median_abs_error"`
	HeldOutP90    *float64 `json:"held_out_p90_abs_error,omitempty"`
	Rank          *float64 `json:"held_out_rank_correlation,omitempty"`
	Inside        *float64 `json:"held_out_inside_interval,omitempty"` // share of measurements inside the 90 % intervals
	LineRatesOnly bool     `json:"line_rates_only,omitempty"`          // of one source
}

// crossValidator is a kind whose constants were fitted on rows of the table in part.
type crossValidator interface {
	// crossValidated names the group of a class and the columns of the source: of each class the
	// first in which its cases differ.
	crossValidated() (group string, columns []string)
}

func heldOut(k crossValidator, t *Table, r *Report) []HeldOut {
	group, columns := k.crossValidated()
	sources := make([]map[string]string, len(columns))
	for i, column := range columns {
		sources[i] = map[string]string{}
		for _, row := range t.Rows {
			sources[i][row.Text("id")] = row.Text(column)
		}
	}
	byClass := map[string][]*Case{}
	var classes []string
	for i := range r.Cases {
		c := &r.Cases[i]
		if c.Use != UseGate || c.Predicted == nil || c.Measured == nil || c.Error == nil || sources[0][c.ID] == "" {
			continue
		}
		for _, key := range c.keys {
			if key.by == group {
				if byClass[key.key] == nil {
					classes = append(classes, key.key)
				}
				byClass[key.key] = append(byClass[key.key], c)
			}
		}
	}
	var out []HeldOut
	for _, class := range classes {
		var h HeldOut
		for i := range sources {
			if h = holdOut(class, byClass[class], sources[i]); h.Sources > 1 {
				break
			}
		}
		out = append(out, h)
	}
	return out
}

func holdOut(class string, cases []*Case, source map[string]string) HeldOut {
	h := HeldOut{Class: class, Cases: len(cases)}
	var names []string
	var fitted, held, line []float64
	for _, c := range cases {
		if s := source[c.ID]; !slices.Contains(names, s) {
			names = append(names, s)
		}
		fitted = append(fitted, math.Abs(*c.Error))
		if c.RooflineError != nil {
			line = append(line, math.Abs(*c.RooflineError))
		}
	}
	h.Sources, h.Fitted = len(names), middle(fitted)
	if len(names) == 1 {
		h.HeldOut, h.LineRatesOnly = middle(line), true
		return h
	}
	for _, name := range names {
		var others []float64 // predicted over measured time
		for _, c := range cases {
			if source[c.ID] != name {
				others = append(others, 1+*c.Error)
			}
		}
		factor := *middle(others)
		for _, c := range cases {
			if source[c.ID] == name {
				held = append(held, math.Abs((1+*c.Error)/factor-1))
			}
		}
	}
	h.HeldOut = middle(held)
	return h
}

func middle(v []float64) *float64 {
	if len(v) == 0 {
		return nil
	}
	v = slices.Clone(v)
	slices.Sort(v)
	m := v[len(v)/2]
	if len(v)%2 == 0 {
		m = (m + v[len(v)/2-1]) / 2
	}
	return &m
}
