package reports

import (
	"math"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// leastLoss is the share below which causes of lost time are merged.
const leastLoss = 0.0001

func goodputSection(run *result.Run, w *result.Workload) (section, bool) {
	s := section{id: "goodput", number: "5", name: "Goodput"}
	if len(w.Losses) == 0 {
		return refused(run, w, s, "goodput")
	}
	f, from := goodputFigure(run, w)
	s.body = f.HTML()
	s.question = "How much of the bought time turns into progress, and what eats the rest?"
	if n, ok := metric(run, w, result.MetricFailures); ok && n.Value > 0 {
		s.question += " " + upperFirst(number.Of(n.Value, "")) + " failures are expected"
		if d, ok := metric(run, w, result.MetricDuration); ok {
			s.question += ", one every " + spanText(result.Number{Value: d.Value / n.Value, Low: d.Value / n.Value, High: d.Value / n.Value, Unit: d.Unit})
		}
		s.question += "."
	}
	if from > 0 {
		s.question += " The axis starts at " + number.Format{Div: 0.01, Unit: "%"}.With(from) + "."
	}
	best := 0
	for i, l := range w.Losses {
		if l.Share > w.Losses[best].Share {
			best = i
		}
	}
	top := w.Losses[best]
	s.finding = upperFirst(clip(top.Cause, 40)) + " takes " + number.Percent(top.Share) + " of GPU time"
	if top.GPUHours > 0 {
		s.finding += ", " + number.Of(top.GPUHours, "GPU-h")
	}
	return s, true
}

// mergeLosses joins causes below leastLoss.
func mergeLosses(list []result.Loss) []result.Loss {
	var out []result.Loss
	var rest result.Loss
	n := 0
	for _, l := range list {
		if l.Share < leastLoss {
			if l.Share > 0 {
				n++
				rest.Share += l.Share
				rest.GPUHours += l.GPUHours
			}
			continue
		}
		out = append(out, l)
	}
	if n > 0 {
		rest.Cause, rest.Kind = "other ("+number.Int(n)+")", result.KindWait
		out = append(out, rest)
	}
	return out
}

// goodputFigure is the waterfall from all the time bought down to the useful
// part; from is where its axis starts.
func goodputFigure(run *result.Run, w *result.Workload) (f figure.Figure, from float64) {
	losses := mergeLosses(w.Losses)
	parts := make([]float64, len(losses)+1)
	lost := 0.0
	for i, l := range losses {
		parts[i] = l.Share
		lost += l.Share
	}
	useful := 1 - lost
	parts[len(losses)] = useful
	column := number.ColumnIn(parts, 1, number.Format{Div: 0.01, Unit: "%", Decimals: 2})
	good, ok := metric(run, w, result.MetricGoodput)
	low := useful
	if ok && hasInterval(good) {
		low = math.Min(low, good.Low)
	}
	if low > 0.5 {
		from = math.Max(0, math.Floor(low*20-0.5)/20)
	}
	a := figure.Linear(from, 1)
	f = figure.Figure{ID: "goodput-" + w.ID, Title: "What eats the bought time", LabelRem: 15, ValueRem: 10.5, PrintLabelRem: 13, PrintValueRem: 9}
	hours, hasHours := metric(run, w, result.MetricGPUHours)
	scale := number.For(hours.Value, hours.Value, hours.Value, "GPU-h")
	scale.Decimals = 2
	gpuh := func(h float64) string {
		switch {
		case h <= 0:
			return ""
		case !hasHours:
			return number.Of(h, "GPU-h")
		}
		return scale.With(h)
	}
	d := figure.Drawing{Height: 14, Label: "All GPU time: 100 %"}
	d.Rect(0, 3, 100, 8, "faint")
	all := figure.Row{Label: "All GPU time", Value: column.Total + number.Gap + "%", Draw: d}
	if hasHours {
		all.ValueNote = gpuh(hours.Value)
	}
	f.Rows = append(f.Rows, all)
	x := 1.0
	for i, l := range losses {
		d := figure.Drawing{Height: 14, Label: l.Cause + ": " + column.Cells[i] + " % lost"}
		lo := a.At(x - l.Share)
		d.Line(a.At(x), -2.5, a.At(x), 16.5, "rule", 1)
		d.Rect(lo, 2, math.Max(a.At(x)-lo, 0.25), 10, lossPaint(l.Kind))
		x -= l.Share
		f.Rows = append(f.Rows, figure.Row{Label: l.Cause, LabelNote: l.Note, Value: minus(column.Cells[i]) + number.Gap + "%", ValueNote: gpuh(l.GPUHours), Draw: d})
	}
	t := figure.Drawing{Height: 14, Label: "Useful: " + column.Cells[len(losses)] + " %"}
	t.Rect(0, 3, a.At(useful), 8, "ink")
	if ok && hasInterval(good) {
		split(&t, a, good, useful)
	}
	row := figure.Row{Label: "Useful", Value: column.Cells[len(losses)] + number.Gap + "%", Draw: t, Total: true}
	if hasHours {
		row.ValueNote = gpuh(hours.Value * useful)
	}
	f.Rows = append(f.Rows, row, a.Draw(func(v float64) string {
		return number.Format{Div: 0.01, Unit: "%", Decimals: tickDecimals(a, 0.01)}.With(v)
	}))
	f.Caption = "Red: failures; purple: storage; grey: the rest."
	if ok && hasInterval(good) {
		f.Caption += " Interval of the useful share (90 %): " + formatOf(good).Interval(good.Low, good.High) + "."
	}
	if c, ok := metric(run, w, result.MetricCheckpointEvery); ok {
		f.Caption += " A checkpoint every " + spanText(c) + "."
	}
	if good.Rung != "" {
		f.Caption += " Predicted by: " + good.Rung + "."
	}
	return f, from
}

func minus(s string) string {
	if s == "0" || s == "0.00" {
		return s
	}
	if len(s) > 0 && s[0] == '<' {
		return s
	}
	return number.Minus + s
}

func lossPaint(k result.Kind) figure.Paint {
	switch k {
	case result.KindFailure, result.KindStorage, result.KindNetwork:
		return figure.Paint(k)
	case result.KindWait:
		return figure.Hatch
	}
	return "wait"
}
