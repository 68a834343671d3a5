package planner

import (
	"fmt"
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/scenarios"
)

// condition is one --fail-if: a metric whose change, difference or amount is bounded.
type condition struct {
	text, metric, op, limit string
}

// parseCondition reads "METRIC > LIMIT". A limit with a sign and "%" is a change relative
// to the first design, one with a sign and without "%" a difference, any other an amount.
func parseCondition(text string) (condition, error) {
	for _, op := range []string{">=", "<=", ">", "<"} {
		if metric, limit, ok := strings.Cut(text, op); ok {
			c := condition{text, strings.TrimSpace(metric), op, strings.TrimSpace(limit)}
			if c.metric != "" && c.limit != "" {
				return c, nil
			}
			break
		}
	}
	return condition{}, fmt.Errorf("%q is not METRIC > LIMIT, like cost>+5%% or chat.ttft_p95>500ms", text)
}

// aliases are short names of metrics.
var aliases = map[string]string{"cost": result.MetricLedgerTotal, "capital": result.MetricLedgerCapital, "power": result.MetricFacilityPower, "carbon": result.MetricFacilityCarbon, "energy": result.MetricFacilityEnergy}

// find returns the rows that a condition's metric names: a key, a short name, or the end
// of a key, in which case every workload's row counts.
func (c condition) find(rows []result.CompareRow, decisive string) []*result.CompareRow {
	key := c.metric
	if a, ok := aliases[key]; ok {
		key = a
	}
	if key == "unit_cost" {
		key = decisive
	}
	var exact, tail []*result.CompareRow
	for i := range rows {
		switch {
		case rows[i].Metric == key:
			exact = append(exact, &rows[i])
		case strings.HasSuffix(rows[i].Metric, "."+key):
			tail = append(tail, &rows[i])
		}
	}
	if exact != nil {
		return exact
	}
	return tail
}

// CheckConditions tests every --fail-if on a comparison and adds what became of it. An
// error is a condition that cannot be read or names no metric of the comparison.
func CheckConditions(c *result.Comparison, texts []string) (failed bool, err error) {
	for _, text := range texts {
		cond, err := parseCondition(text)
		if err != nil {
			return false, err
		}
		rows := cond.find(c.Rows, c.Decision.Metric)
		if len(rows) == 0 {
			names := make([]string, len(c.Rows))
			for i, r := range c.Rows {
				names[i] = r.Metric
			}
			return false, fmt.Errorf("%q: no metric that the designs share is called %q; there are cost, unit_cost, %s", text, cond.metric, strings.Join(names, ", "))
		}
		for _, row := range rows {
			for k := range row.Differences {
				got, err := cond.test(row, k)
				if err != nil {
					return false, fmt.Errorf("%q: %w", text, err)
				}
				failed = failed || got.Failed
				c.Conditions = append(c.Conditions, got)
			}
		}
	}
	return failed, nil
}

func (c condition) test(row *result.CompareRow, k int) (result.Condition, error) {
	d := &row.Differences[k]
	out := result.Condition{Text: c.text, Metric: row.Metric, Design: d.Design}
	var limit float64
	var err error
	signed := strings.HasPrefix(c.limit, "+") || strings.HasPrefix(c.limit, "-")
	switch {
	case signed && strings.HasSuffix(c.limit, "%"):
		out.Value = d.Relative.Value
		limit, err = scenarios.ParseMetric(c.limit, "ratio")
	case signed:
		out.Value = d.Absolute.Value
		limit, err = scenarios.ParseMetric(c.limit, row.Unit)
	default:
		out.Value = row.Values[k+1].Value
		limit, err = scenarios.ParseMetric(c.limit, row.Unit)
	}
	if err != nil {
		return out, err
	}
	switch c.op {
	case ">":
		out.Failed = out.Value > limit
	case ">=":
		out.Failed = out.Value >= limit
	case "<":
		out.Failed = out.Value < limit
	default:
		out.Failed = out.Value <= limit
	}
	if math.IsNaN(out.Value) {
		return out, fmt.Errorf("design %s has no value", d.Design)
	}
	return out, nil
}
