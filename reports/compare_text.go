package reports

import (
	"fmt"
	"strconv"
	"strings"

	"aisim/internal/result"
	"aisim/reports/number"
)

// maxComparedRows is how many metrics the terminal and the first page show.
const maxComparedRows = 16

// CompareText is a comparison for a terminal.
func CompareText(c *result.Comparison) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, d := range c.Designs {
		line("%s: %s", d.Name, clip(d.Title, longestTitle))
		line("   %s", d.Scenario.Machine)
	}
	line("")
	wrapped(&b, c.Decision.Text, "")
	if len(c.Changes) > 0 {
		line("\nWhat differs")
		for i, ch := range c.Changes {
			if i == maxComparedRows {
				line("  and %d keys more", len(c.Changes)-i)
				break
			}
			line("  %s %s", pad(ch.Key, 40), strings.Join(orDefault(ch.Values), " | "))
		}
	}
	for k := 1; k < len(c.Designs); k++ {
		line("\n%s %14s %14s  %s %s  %s", pad("", 40), "A", c.Designs[k].Name, pad(c.Designs[k].Name+" against A", 12), pad("90 % interval", 22), "P(better)")
		for _, r := range headRows(c) {
			f := rowFormat(r)
			d := r.Differences[k-1]
			p := "-"
			if r.Better != 0 {
				p = number.Probability(d.PBetter)
			}
			line("%s %14s %14s  %s %s  %s", pad(r.Metric, 40), f.With(r.Values[0].Value), f.With(r.Values[k].Value), pad(changeText(d), 12), pad(relInterval(d), 22), p)
		}
	}
	textBridge(&b, c)
	if len(c.Flips) > 0 {
		line("\nWhat would flip the choice")
		for _, f := range c.Flips {
			line("  %s %s -> %s", pad(f.Input, 46), number.Of(f.Now, f.Unit), number.Of(f.At, f.Unit))
		}
	} else if c.Decision.Metric != "" {
		line("\nNo price within five times its value flips the choice.")
	}
	for _, x := range c.Conditions {
		verdict := "ok"
		if x.Failed {
			verdict = "FAILED"
		}
		line("\n%s  %s: %s of %s is %s", verdict, x.Text, x.Metric, x.Design, strconv.FormatFloat(x.Value, 'g', 4, 64))
	}
	line("\nIntervals are 90 %% of differences taken future by future. Seed %d, %s futures.", c.Seed, number.Int(c.Replicas))
	return ascii(b.String())
}

func orDefault(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		if out[i] = v; v == "" {
			out[i] = "(default)"
		}
	}
	return out
}

func textBridge(b *strings.Builder, c *result.Comparison) {
	last := ""
	for _, s := range c.Bridge {
		if s.Design != last {
			fmt.Fprintf(b, "\nWhy %s differs from A in %s\n", s.Design, c.Decision.Metric)
			last = s.Design
		}
		f := formatOf(s.Amount)
		iv := ""
		if hasInterval(s.Amount) {
			iv = f.Interval(s.Amount.Low, s.Amount.High)
		}
		fmt.Fprintf(b, "  %s %14s  %s\n", pad(s.Cause, 34), f.Signed(s.Amount.Value), iv)
	}
}

// headRows are the metrics that the first page has room for: money first, then what the
// designs do; those that are zero or alike in all futures come last and are left out.
func headRows(c *result.Comparison) []result.CompareRow {
	var head, rest []result.CompareRow
	for _, r := range c.Rows {
		same := true
		for _, d := range r.Differences {
			same = same && d.Absolute.Value == 0 && d.Absolute.Low == 0 && d.Absolute.High == 0
		}
		switch {
		case r.Metric == c.Decision.Metric:
			head = append([]result.CompareRow{r}, head...)
		case same:
		case r.Better != 0:
			rest = append(rest, r)
		}
	}
	head = append(head, rest...)
	return head[:min(len(head), maxComparedRows)]
}

// rowFormat is the scale that all values of a row share.
func rowFormat(r result.CompareRow) number.Format {
	v := r.Values[0].Value
	for _, n := range r.Values {
		v = max(v, n.Value)
	}
	return number.For(v, v, v, r.Unit)
}

// changeText is a difference in per cent, or ≈ where its interval holds zero.
func changeText(d result.Difference) string {
	if d.Relative.NoInterval != "" && d.Relative.Level == 0 && d.Relative.Value == 0 && d.Absolute.Value != 0 {
		return formatOf(d.Absolute).Signed(d.Absolute.Value)
	}
	s := number.ChangeFine(d.Relative.Value)
	if !d.Clear && d.Absolute.Low != d.Absolute.High {
		s = "≈ " + s
	}
	return s
}

func relInterval(d result.Difference) string {
	if !hasInterval(d.Relative) {
		return ""
	}
	return number.Format{Div: 0.01, Unit: "%", Decimals: 1}.Interval(d.Relative.Low, d.Relative.High)
}

// CompareCSV is every metric of a comparison, one row per design.
func CompareCSV(c *result.Comparison) [][]string {
	rows := [][]string{{"metric", "unit", "design", "value", "low", "high", "difference", "difference_low", "difference_high", "change", "change_low", "change_high", "p_better"}}
	g := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, r := range c.Rows {
		for k, n := range r.Values {
			cells := []string{r.Metric, r.Unit, c.Designs[k].Name, g(n.Value), g(n.Low), g(n.High)}
			if k == 0 {
				cells = append(cells, "", "", "", "", "", "", "")
			} else {
				d := r.Differences[k-1]
				cells = append(cells, g(d.Absolute.Value), g(d.Absolute.Low), g(d.Absolute.High), g(d.Relative.Value), g(d.Relative.Low), g(d.Relative.High), g(d.PBetter))
			}
			rows = append(rows, cells)
		}
	}
	return rows
}
