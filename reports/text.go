package reports

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"aisim/internal/result"
	"aisim/reports/number"
)

// textWidth is the width that running text is wrapped to on a terminal.
const textWidth = 96

// Text is the run for a terminal: verdict, key figures, what limits it, where
// the money goes, warnings. It is the same answer as report.html's first page.
func Text(run *result.Run) string {
	run = forDisplay(run)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", clip(run.Scenario.Name, longestTitle))
	if run.Scenario.Machine != "" {
		line("%s", run.Scenario.Machine)
	}
	if !run.Complete {
		line("")
		line("! %s", incomplete(run))
	}
	for _, x := range run.Banners {
		line("! %s", x)
	}
	if len(run.Workloads) != 1 {
		line("")
		wrapped(&b, clusterVerdict(run).String(), "")
	}
	for i := range run.Workloads {
		w := &run.Workloads[i]
		line("")
		if len(run.Workloads) > 1 {
			line("== %s: %s", w.ID, workloadTitle(w))
		}
		wrapped(&b, Verdict(run, w).String(), "")
		line("")
		if fits(w) {
			textFigures(&b, keyFigures(run, w))
			textLimits(&b, run, w)
			textStep(&b, run, w)
			textLosses(&b, w)
		} else {
			for _, m := range w.Memory {
				line("  %s %s of %s usable", pad(m.Name, 34), gib(m.TotalGiB), gib(m.UsableGiB))
			}
		}
	}
	if run.Ledger.NoPrices == "" && len(run.Ledger.Lines) > 0 && simulated(run) {
		usd := make([]float64, len(run.Ledger.Lines))
		var sum float64
		for i, l := range run.Ledger.Lines {
			usd[i] = l.USD
			sum += l.USD
		}
		c := number.NewColumn(usd, sum, "USD")
		line("")
		line("Cost of %s, %s", orElse(run.Ledger.Period, "the period"), c.Unit)
		for i, l := range run.Ledger.Lines {
			line("  %s %12s  %s", pad(l.Item, 46), c.Cells[i], pedigreeWord(l.Pedigree))
		}
		line("  %s %12s", pad("Total", 46), c.Total)
		for _, u := range run.Ledger.Units {
			line("  %s %s", pad(u.Name, 46), valueText(u.Value)+"  ("+intervalText(u.Value)+")")
		}
	}
	if run.Energy != nil && simulated(run) {
		line("")
		line("At the meter: %s on average, %s", number.Of(run.Energy.MWMean*1e6, "W"), number.Of(run.Energy.MWh*1e6, "Wh"))
	}
	for _, r := range run.Refused {
		line("")
		wrapped(&b, "Refused ("+r.Section+"): "+sentence(r.What)+" "+sentence(r.Measure), "")
	}
	for i := range run.Queues {
		line("")
		wrapped(&b, "Queue "+run.Queues[i].ID+": "+queueWords(&run.Queues[i]), "")
		for _, t := range append(run.Queues[i].Tenants, run.Queues[i].Classes...) {
			line("  %s %8s jobs  wait %10s, 95 %% under %10s", pad(t.Name, 24), number.Int(t.Jobs), number.Of(t.WaitMeanSec, "s"), number.Of(t.WaitP95Sec, "s"))
		}
	}
	for i := range run.Pipelines {
		line("")
		wrapped(&b, "Pipeline "+run.Pipelines[i].ID+": "+pipelineWords(&run.Pipelines[i]), "")
		for _, st := range run.Pipelines[i].Stages {
			line("  %s %12s  %s", pad(st.ID, 37), number.Of(st.End-st.Start, "s"), st.Bound)
		}
	}
	for _, o := range run.Offloads {
		line("")
		wrapped(&b, o.Workload+": "+offloadWords(&o), "")
	}
	for _, u := range run.Updates {
		wrapped(&b, u.Workload+": "+updateWords(&u), "")
	}
	for i := range run.Functions {
		line("")
		wrapped(&b, "Function "+run.Functions[i].ID+": "+functionWords(&run.Functions[i]), "")
	}
	for i := range run.Streams {
		line("")
		wrapped(&b, "Stream "+run.Streams[i].ID+": "+streamWords(&run.Streams[i]), "")
	}
	if c := run.Compliance; c != nil {
		line("")
		line("Data protection, not legal advice: %s", complianceCount(c))
		for _, r := range c.Rules {
			if f := findings(r); f != "" {
				wrapped(&b, r.Status+": "+r.Title+" ("+r.Basis+"): "+f, "  ")
			}
		}
	}
	placed := false
	for _, w := range run.Workloads {
		if w.Placement == "" {
			continue
		}
		if !placed {
			line("")
			line("Which replicas stand where")
			placed = true
		}
		wrapped(&b, w.ID+": "+w.Placement, "  ")
	}
	if len(run.Warnings) > 0 {
		line("")
		line("Warnings")
		for _, w := range run.Warnings {
			wrapped(&b, strings.TrimSpace(sentence(w.What)+" "+upperFirst(sentence(w.Why))+" "+upperFirst(sentence(w.Effect))), "  ")
		}
	}
	line("")
	line("Intervals are 90 %%. Seed %d, %s replicas. Assumptions: %s, with their sources in %s.", run.Seed, number.Int(run.Replicas), number.Int(len(run.Assumptions)), ResultFile)
	return ascii(b.String())
}

// ascii trades the narrow no-break space for a plain one: terminals and grep
// know no other.
func ascii(s string) string { return strings.ReplaceAll(s, number.Gap, " ") }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// pad fills s with spaces to n characters, and cuts what is longer.
func pad(s string, n int) string {
	s = clip(s, n)
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

func wrapped(b *strings.Builder, s, indent string) {
	col := 0
	for _, w := range strings.Split(s, " ") {
		if w == "" {
			continue
		}
		n := utf8.RuneCountInString(w)
		switch {
		case col == 0:
			b.WriteString(indent)
			col = len(indent)
		case col+1+n > textWidth:
			b.WriteString("\n" + indent)
			col = len(indent)
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(w)
		col += n
	}
	b.WriteByte('\n')
}

func textFigures(b *strings.Builder, list []keyFigure) {
	for _, k := range list {
		if k.none != "" {
			fmt.Fprintf(b, "  %s %s\n", pad(k.name, 26), k.none)
			continue
		}
		f := k.format()
		iv := intervalText(k.number)
		if hasInterval(k.number) {
			iv = f.Interval(k.number.Low, k.number.High)
		}
		fmt.Fprintf(b, "  %s %s %s %s\n", pad(k.name, 26), pad(f.With(k.number.Value), 16), pad(iv, 24), strings.TrimSpace(pad(pedigreeWord(pedigreeOf(k.number)), 26)+" "+k.context))
	}
}

func textLimits(b *strings.Builder, run *result.Run, w *result.Workload) {
	list := elasticities(run, w)
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\nWhat limits it: %s\n", gainTitle(run, w))
	for i, e := range list {
		if i == maxLimits {
			break
		}
		iv := ""
		if hasInterval(e.Gain) {
			iv = number.Format{Div: 0.01, Unit: "%", Decimals: 1}.Interval(e.Gain.Low, e.Gain.High)
		}
		fmt.Fprintf(b, "  %s %9s  %s\n", pad(e.Name, 34), number.ChangeFine(e.Gain.Value), iv)
	}
	if levers := run.Levers; len(levers) > 0 && len(run.Workloads) == 1 {
		fmt.Fprintf(b, "\nWhat to change\n")
		for _, l := range levers {
			fmt.Fprintf(b, "  %s %9s  unit cost %s, %s\n", pad(l.Action, 46), number.ChangeFine(l.ObjectiveGain.Value), number.ChangeFine(l.UnitCostChange.Value), capital(l.CapitalUSD))
		}
	}
}

func textStep(b *strings.Builder, run *result.Run, w *result.Workload) {
	if len(w.Step) == 0 {
		return
	}
	parts := mergeParts(w.Step)
	_, total := largestPart(parts)
	if total <= 0 {
		return
	}
	shares := make([]float64, len(parts))
	for i := range parts {
		shares[i] = parts[i].Seconds / total
	}
	pc := number.Percents(shares, 1)
	fmt.Fprintf(b, "\nWhere a %s of %s goes\n", spanOf(w), number.Step(total, total, total).With(total))
	for i, s := range parts {
		fmt.Fprintf(b, "  %s %9s\n", pad(s.Name, 34), pc[i])
	}
}

func textLosses(b *strings.Builder, w *result.Workload) {
	if len(w.Losses) == 0 {
		return
	}
	fmt.Fprintf(b, "\nWhat eats the bought time\n")
	for _, l := range mergeLosses(w.Losses) {
		fmt.Fprintf(b, "  %s %9s\n", pad(l.Cause, 34), number.Percent(l.Share))
	}
}
