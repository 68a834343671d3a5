package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"aisim/internal/units"
)

// Goal is what `aisim plan` looks for: the best design of a space under constraints.
type Goal struct {
	Minimise    string     `toml:"minimise"` // metric; one of Minimise and Maximise is set
	Maximise    string     `toml:"maximise"`
	Constraints []string   `toml:"constraints"` // "chat.ttft_p99 <= 500 ms"
	Trade       string     `toml:"trade"`       // second axis of the front; empty: the first constraint's metric
	DemandSD    float64    `toml:"demand_uncertainty"`
	Confidence  float64    `toml:"confidence"` // share of the futures in which each constraint must hold
	Variables   []Variable `toml:"variable"`
	Steps       []Step     `toml:"step"`
}

// Sweep is the space that `aisim sweep` plays point by point.
type Sweep struct {
	Sampling  string     `toml:"sampling"` // grid | latin
	Points    *int       `toml:"points"`   // of a latin hypercube
	Replicas  int        `toml:"replicas"`
	Capacity  bool       `toml:"capacity"` // search for what services can carry at each point
	Variables []Variable `toml:"variable"`
}

// Variable is one dimension of a space: a key with values, a key with a range, or
// options that set several keys each.
type Variable struct {
	Key     string   `toml:"key"`
	Name    string   `toml:"name"` // nil: the key
	Values  []Scalar `toml:"values"`
	Range   []Scalar `toml:"range"`
	Step    *float64 `toml:"step"`
	Count   *int     `toml:"count"`
	Scale   string   `toml:"scale"` // linear | log
	Options []Option `toml:"option"`
}

// Option is one choice of a variable that sets several keys.
type Option struct {
	Name string   `toml:"name"`
	Set  []string `toml:"set"` // "key=value", as for --set
}

// Step is one stage of growth: the goal is planned again with the overrides.
type Step struct {
	Name string   `toml:"name"`
	Set  []string `toml:"set"`
}

// Scalar is any value of TOML, kept as the text that --set takes.
type Scalar struct{ Text string }

// Setting is one place of a variable: what it is called and what it overrides.
type Setting struct {
	Label string
	Sets  []string
}

// MaxSettings bounds the places of one variable.
const MaxSettings = 10000

// Title is what reports call the variable.
func (v *Variable) Title() string {
	if v.Name != "" {
		return v.Name
	}
	return v.Key
}

// Settings are the places of the variable, in order. Numbers of a range keep the unit of
// its ends; bounds of whole numbers give whole numbers.
func (v *Variable) Settings() ([]Setting, error) {
	var out []Setting
	for _, o := range v.Options {
		out = append(out, Setting{o.Name, o.Set})
	}
	for _, s := range v.Values {
		out = append(out, Setting{s.Text, []string{v.Key + "=" + s.Text}})
	}
	if len(v.Range) == 2 {
		texts, err := v.between()
		if err != nil {
			return nil, err
		}
		for _, t := range texts {
			out = append(out, Setting{t, []string{v.Key + "=" + t}})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("has no places: give values, range or option")
	}
	return out, nil
}

// between are the places of a range.
func (v *Variable) between() ([]string, error) {
	lo, unit, err := split(v.Range[0].Text)
	if err != nil {
		return nil, err
	}
	hi, other, err := split(v.Range[1].Text)
	switch {
	case err != nil:
		return nil, err
	case unit != other:
		return nil, fmt.Errorf("the ends have the units %q and %q", unit, other)
	case hi < lo:
		return nil, fmt.Errorf("is empty: %g is above %g", lo, hi)
	case v.Scale == "log" && lo <= 0:
		return nil, fmt.Errorf("a logarithmic range begins above 0")
	}
	whole := lo == math.Trunc(lo) && hi == math.Trunc(hi) && unit == "" && kindOf(patternOf(v.Key)) == "whole"
	n, step := 0, 0.0
	switch {
	case v.Count != nil:
		n = *v.Count
	case v.Step != nil:
		step = *v.Step
		n = int((hi-lo)/step*(1+1e-12)) + 1
	case whole:
		step, n = 1, int(hi-lo)+1
	default:
		return nil, fmt.Errorf("needs step or count")
	}
	if n > MaxSettings {
		return nil, fmt.Errorf("has %d places, at most %d are allowed", n, MaxSettings)
	}
	var out []string
	for i := range n {
		x := lo + float64(i)*step
		if step == 0 && n > 1 {
			f := float64(i) / float64(n-1)
			if x = lo + f*(hi-lo); v.Scale == "log" {
				x = lo * math.Pow(hi/lo, f)
			}
		}
		if whole {
			x = math.Round(x)
		}
		text := strconv.FormatFloat(x, 'g', 12, 64)
		if whole {
			text = strconv.FormatFloat(x, 'f', 0, 64)
		}
		if unit != "" {
			text += " " + unit
		}
		if len(out) == 0 || out[len(out)-1] != text {
			out = append(out, text)
		}
	}
	return out, nil
}

// split is "500 ms" as its number and its unit.
func split(text string) (float64, string, error) {
	text = strings.TrimSpace(text)
	for i := len(text); i > 0; i-- {
		if v, err := strconv.ParseFloat(strings.TrimSpace(text[:i]), 64); err == nil {
			if math.IsInf(v, 0) || math.IsNaN(v) {
				break
			}
			return v, strings.TrimSpace(text[i:]), nil
		}
	}
	return 0, "", fmt.Errorf("%q does not begin with a number", text)
}

// patternOf is a key path without the ids of entries.
func patternOf(key string) string {
	parts := strings.Split(key, ".")
	if len(parts) > 2 && keyedByID(parts[0]) {
		return joinKey(parts[0], strings.Join(parts[2:], "."))
	}
	return key
}

// Constraint is one bound on a metric.
type Constraint struct {
	Metric  string
	AtMost  bool // otherwise at least
	Limit   string
	Text    string
	Percent float64 // 1..99 where the metric ends in _pNN and asks for that percentile of the futures; set by the planner
}

// ParseConstraint reads "METRIC <= LIMIT" or "METRIC >= LIMIT".
func ParseConstraint(text string) (Constraint, error) {
	for _, op := range []string{"<=", ">=", "≤", "≥", "<", ">"} {
		metric, limit, ok := strings.Cut(text, op)
		if !ok {
			continue
		}
		metric, limit = strings.TrimSpace(metric), strings.Trim(strings.TrimSpace(limit), `"'`)
		if metric == "" || limit == "" {
			break
		}
		return Constraint{Metric: metric, AtMost: op == "<=" || op == "≤" || op == "<", Limit: limit, Text: metric + " " + op + " " + limit}, nil
	}
	return Constraint{}, fmt.Errorf("is not METRIC <= LIMIT or METRIC >= LIMIT")
}

// dimensionOf are the dimensions of the units that metrics have.
var dimensionOf = map[string]units.Dimension{"s": units.Time, "USD": units.Money, "W": units.Power, "B": units.Bytes, "B/s": units.BytesPerSec,
	"FLOP/s": units.FlopsPerSec, "ratio": units.Ratio, "h": units.Time, "Wh": units.Energy, "requests/s": units.Rate, "tokens/s": units.Rate,
	"tokens": units.Count, "requests": units.Count, "failures": units.Count, "steps": units.Count, "samples": units.Count, "USD/h": units.MoneyPerHour}

// perBase is how many of the dimension's base units one unit of a metric is.
var perBase = map[string]float64{"h": 3600, "Wh": 3600}

// Value is the limit in the unit of its metric. A bare number is taken in that unit, as
// is a number followed by it.
func (c Constraint) Value(unit string) (float64, error) { return ParseMetric(c.Limit, unit) }

// ParseMetric reads an amount of a metric whose unit is known.
func ParseMetric(text, unit string) (float64, error) {
	v, rest, err := split(text)
	if err != nil {
		return 0, err
	}
	if rest == "" || rest == unit {
		return v, nil
	}
	d, ok := dimensionOf[unit]
	if !ok {
		return 0, fmt.Errorf("%q is not in %s", text, unit)
	}
	if v, err = units.Parse(text, d); err != nil {
		return 0, err
	}
	if per := perBase[unit]; per > 0 {
		v /= per
	}
	return v, nil
}
