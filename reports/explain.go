package reports

import (
	"fmt"
	"sort"
	"strings"

	"aisim/internal/result"
	"aisim/reports/number"
)

// Explain says why a workload is as fast as it is: the critical path by the
// resource that bounds it, what more of each resource gains, what ran hidden, and
// what the numbers rest on. An empty id means the only workload; an unknown one
// is an error that lists those of the run.
func Explain(run *result.Run, workloadID string) (string, error) {
	run = forDisplay(run)
	var w *result.Workload
	var ids []string
	for i := range run.Workloads {
		ids = append(ids, run.Workloads[i].ID)
		if run.Workloads[i].ID == workloadID || workloadID == "" && len(run.Workloads) == 1 {
			w = &run.Workloads[i]
		}
	}
	if w == nil {
		if workloadID == "" {
			return "", fmt.Errorf("reports: explain: name one of the workloads: %s", strings.Join(ids, ", "))
		}
		return "", fmt.Errorf("reports: explain: no workload %q in this run; it has %s", workloadID, strings.Join(ids, ", "))
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s: %s", w.ID, workloadTitle(w))
	line("%s", run.Scenario.Machine)
	if !run.Complete {
		line("! %s", incomplete(run))
	}
	if !fits(w) {
		line("")
		wrapped(&b, Verdict(run, w).String(), "")
		return ascii(b.String()), nil
	}
	explainPath(&b, w)
	line("")
	line("What bounds the critical path")
	bound := false
	es := elasticities(run, w)
	for _, x := range run.Bottlenecks {
		if x.Workload != w.ID {
			continue
		}
		bound = true
		gain := ""
		for _, e := range es {
			if e.Resource == x.Resource {
				gain = number.Format{Div: 0.01, Unit: "%"}.With(e.Step) + " more gains " + number.ChangeFine(e.Gain.Value)
				if e.Free {
					gain += ": free, do not spend here"
				}
			}
		}
		line("  %s %8s %12s  %s", pad(x.Name, 34), number.Format{Div: 0.01, Unit: "%", Decimals: 1}.With(x.Share), number.Of(x.Seconds, "s"), gain)
	}
	if !bound {
		line("  %s", number.NoData)
	}
	if len(es) > 0 {
		line("")
		line("What more of each resource gains in %s (90 %% interval; then: when doubled)", metricName(w.Objective))
		for _, e := range es {
			iv := "no interval"
			if hasInterval(e.Gain) {
				iv = number.Format{Div: 0.01, Unit: "%", Decimals: 1}.Interval(e.Gain.Low, e.Gain.High)
			}
			line("  %s %9s  %s %s", pad(e.Name, 34), number.ChangeFine(e.Gain.Value), pad(iv, 22), number.ChangeFine(e.Double))
		}
		wrapped(&b, limitsCaption(es), "  ")
	}
	if len(w.Losses) > 0 {
		textLosses(&b, w)
	}
	explainRest(&b, run, w)
	return ascii(b.String()), nil
}

// explainPath prints the critical path in order, with the running total.
func explainPath(b *strings.Builder, w *result.Workload) {
	show := func(title string, parts []result.StepPart) {
		_, total := largestPart(parts)
		if total <= 0 {
			return
		}
		fmt.Fprintf(b, "\n%s\n  %s %12s %8s %12s %12s\n", title, pad("part", 34), "time", "share", "until", "hidden")
		until := 0.0
		shares := make([]float64, len(parts))
		for i, s := range parts {
			shares[i] = s.Seconds / total
		}
		pc := number.Percents(shares, 1)
		for i, s := range parts {
			until += s.Seconds
			hidden := ""
			if s.HiddenSeconds > 0 {
				hidden = number.Of(s.HiddenSeconds, "s")
			}
			fmt.Fprintf(b, "  %s %12s %8s %12s %12s\n", pad(s.Name, 34), number.Of(s.Seconds, "s"), pc[i], number.Of(until, "s"), hidden)
		}
	}
	if len(w.Step) > 0 {
		_, total := largestPart(w.Step)
		show("The critical path of a "+spanOf(w)+", "+number.Step(total, total, total).With(total), w.Step)
	}
	if w.Serving != nil {
		for _, t := range w.Serving.TTFTParts {
			_, total := largestPart(t.Parts)
			show("The time to first token at "+t.Percentile+", "+number.Of(total, "s"), t.Parts)
		}
	}
}

// explainRest says what storage costs the workload and what the prediction rests on.
func explainRest(b *strings.Builder, run *result.Run, w *result.Workload) {
	for _, s := range run.Storage {
		if s.Workload != w.ID && s.Workload != "" {
			continue
		}
		narrow := ""
		for _, st := range s.Stages {
			if st.Narrowest {
				narrow = ", bounded by " + lowerFirst(st.Stage) + " at " + number.Of(st.BytesPerSec, "B/s")
			}
		}
		fmt.Fprintf(b, "\n%s through %s: %s in %s, %s%s; %s of GPU time\n", upperFirst(s.Use), s.Store, number.Of(s.Bytes, "B"),
			number.Of(s.Seconds, "s"), number.Of(s.Reached, "B/s"), narrow, number.Percent(s.GPUShare))
	}
	if len(run.Rungs) > 0 {
		rungs := append([]result.RungShare(nil), run.Rungs...)
		sort.SliceStable(rungs, func(i, j int) bool { return rungs[i].Share > rungs[j].Share })
		fmt.Fprintf(b, "\nWhat the prediction rests on\n")
		for _, r := range rungs {
			fmt.Fprintf(b, "  %s %8s  %s\n", pad(r.Rung, 34), number.Percent(r.Share), pedigreeWord(r.Pedigree))
		}
	}
}
