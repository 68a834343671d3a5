package validate

import (
	"fmt"
	"slices"
	"strings"
)

// Text is the report for a terminal.
func (r *Report) Text() []byte {
	var b strings.Builder
	r.writeCases(&b)
	b.WriteByte('\n')
	r.writeGroups(&b)
	return []byte(b.String())
}

// Summarised is Text without the cases.
func (r *Report) Summarised() []byte {
	var b strings.Builder
	r.writeGroups(&b)
	return []byte(b.String())
}

func (r *Report) writeCases(b *strings.Builder) {
	fmt.Fprintf(b, "%-28s %-9s %12s %12s %9s %9s  %s\n", "case", "use", "measured", "predicted", "error", "roofline", "")
	for i := range r.Cases {
		c := &r.Cases[i]
		name, of := c.ID, func(k int) bool { return k >= 0 && k < len(r.Cases) && r.Cases[k].ID == c.ID }
		if of(i-1) || of(i+1) { // a row of several metrics
			name += " " + c.Metric
		}
		if c.Status != Predicted {
			if of(i+1) && r.Cases[i+1].Reason == c.Reason {
				name = c.ID // said once for the row
			}
			if !of(i-1) || r.Cases[i-1].Reason != c.Reason {
				fmt.Fprintf(b, "%-28s %-9s %s: %s\n", name, c.Use, c.Status, c.Reason)
			}
			continue
		}
		right := ""
		if c.Correct != nil {
			right = map[bool]string{true: "right", false: "wrong"}[*c.Correct]
		}
		fmt.Fprintf(b, "%-28s %-9s %12s %12s %9s %9s  %s\n", name, c.Use, number(c.Measured)+" "+c.Unit, number(c.Predicted)+" "+c.Unit, percent(c.Error), percent(c.RooflineError), strings.TrimSpace(right+" "+c.Note))
		if len(c.Assumed) > 0 && (i == 0 || !slices.Equal(c.Assumed, r.Cases[i-1].Assumed)) {
			fmt.Fprintf(b, "%-28s assumed: %s\n", "", strings.Join(c.Assumed, "; "))
		}
	}
}

func (r *Report) writeGroups(b *strings.Builder) {
	fmt.Fprintf(b, "%-64s %5s %5s %8s %8s %8s %8s %9s %9s\n", "", "cases", "done", "median", "p90", "bias", "inside", "roof med", "roof p90")
	line := func(name string, f Figures) {
		fmt.Fprintf(b, "%-64s %5d %5d %8s %8s %8s %8s %9s %9s", name, f.Total, f.Predicted, percent(f.MedianAbsError), percent(f.P90AbsError), percent(f.Bias), percent(f.InsideInterval), percent(f.RooflineMedian), percent(f.RooflineP90))
		if f.BalancedAccuracy != nil {
			fmt.Fprintf(b, "  balanced accuracy %s", percent(f.BalancedAccuracy))
		}
		if f.Rank != nil {
			fmt.Fprintf(b, "  rank %.3f", *f.Rank)
		}
		b.WriteByte('\n')
	}
	for _, g := range r.Groups {
		name := g.By + ": " + g.Key
		if g.Use != UseGate {
			name += " (info)"
		}
		if len(name) > 64 {
			name = name[:61] + "..."
		}
		line(name, g.Figures)
	}
	line("all gate cases", r.Summary)
	fmt.Fprintf(b, "%d rows skipped (use=exclude)\n", r.Skipped)
	if len(r.Rankings) > 0 {
		fmt.Fprintf(b, "\n%-64s %5s %7s %9s %12s\n", "ranking by tokens/s and chip, medians over groups", "cases", "groups", "Spearman", "chosen/best")
		for _, x := range r.Rankings {
			fmt.Fprintf(b, "%-64s %5d %7d %9s %12s\n", x.What, x.Cases, x.Groups, number(x.Spearman), percent(x.Chosen))
		}
	}
	if len(r.HeldOut) > 0 {
		fmt.Fprintf(b, "\n%-64s %5s %7s %8s %8s\n", "one source left out at a time", "cases", "sources", "fitted", "held out")
		for _, h := range r.HeldOut {
			note := ""
			if h.HeldOutP90 != nil && h.Rank != nil {
				note = fmt.Sprintf("  p90 %s, rank %.3f", percent(h.HeldOutP90), *h.Rank)
			}
			if h.Inside != nil {
				note += ", inside " + percent(h.Inside)
			}
			if h.LineRatesOnly {
				note = "  (one source: line rates alone)"
			}
			fmt.Fprintf(b, "%-64s %5d %7d %8s %8s%s\n", h.Class, h.Cases, h.Sources, percent(h.Fitted), percent(h.HeldOut), note)
		}
	}
}

func percent(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100**v)
}

func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4g", *v)
}
