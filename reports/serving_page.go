package reports

import (
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// servingPage is what the first page of a service shows between the key figures
// and what limits it.
func (p *page) servingPage(run *result.Run, w *result.Workload) {
	var left, right []string
	if f, ok := loadFigure(w); ok {
		left = append(left, "<h3>How much load before the limits break?</h3>"+f.HTML())
	}
	if f, ok := latencyFigure(w); ok {
		right = append(right, "<h3>Latency, and the limit of each</h3>"+f.HTML())
	}
	if f, ok := ttftFigure(w); ok {
		right = append(right, "<h3>What is a slow first token made of?</h3>"+f.HTML())
	}
	if f, ok := hoursFigure(run, w); ok {
		left = append(left, "<h3>"+esc(f.Title)+"</h3>"+f.HTML())
	}
	if len(left) == 0 && len(right) > 1 {
		left, right = right[:1], right[1:]
	}
	if len(left)+len(right) == 0 {
		return
	}
	p.raw(`<div class="two">`)
	for _, side := range [][]string{left, right} {
		if len(side) > 0 {
			p.raw("<div>")
			for i, x := range side {
				if i > 0 {
					p.raw(`<div style="height:16px"></div>`)
				}
				p.raw(x)
			}
			p.raw("</div>")
		}
	}
	p.raw("</div>\n")
}

// loadFigure is attainment against offered load with its 90 % band.
func loadFigure(w *result.Workload) (figure.Figure, bool) {
	pts := w.Serving.Load
	f := figure.Figure{ID: "load-" + w.ID, Title: "Attainment against load"}
	if len(pts) < 2 {
		return f, false
	}
	first, last := pts[0].RequestsPerSec, pts[len(pts)-1].RequestsPerSec
	if !(last > first) {
		return f, false
	}
	const h, top = 128.0, 16.0
	a := figure.Linear(first, last)
	y := func(share float64) float64 { return top + (1-math.Min(1, math.Max(0, share)))*(h-top) }
	d := figure.Drawing{Height: h + 20}
	for _, g := range []float64{0, 0.5, 1} {
		d.Line(0, y(g), 100, y(g), "hair", 1)
		d.Text(0, y(g)+4, -6, figure.End, number.Format{Div: 0.01, Unit: "%"}.With(g))
	}
	band := figure.Path{Fill: "comp2", Opacity: 0.35}
	line := figure.Path{Fill: figure.None, Stroke: "comp", Width: 2}
	hasBand := false
	for i, pt := range pts {
		x := a.At(pt.RequestsPerSec)
		hi := pt.Attainment.Value
		if hasInterval(pt.Attainment) {
			hi, hasBand = pt.Attainment.High, true
		}
		if i == 0 {
			band.MoveTo(x, y(hi))
			line.MoveTo(x, y(pt.Attainment.Value))
		} else {
			band.LineTo(x, y(hi))
			line.LineTo(x, y(pt.Attainment.Value))
		}
	}
	for i := len(pts) - 1; i >= 0; i-- {
		band.LineTo(a.At(pts[i].RequestsPerSec), y(lowOf(pts[i].Attainment)))
	}
	band.Close()
	if hasBand {
		d.Add(&band)
	}
	d.Add(&line)
	said := "Attainment from " + number.Percent(pts[0].Attainment.Value) + " at " + number.Of(first, "requests/s") + " to " +
		number.Percent(pts[len(pts)-1].Attainment.Value) + " at " + number.Of(last, "requests/s")
	for _, pt := range pts {
		if !pt.Asked {
			continue
		}
		x := a.At(pt.RequestsPerSec)
		d.Line(x, 4, x, h, "ink", 1.3)
		anchor, dx := figure.Start, 5.0
		if x > 60 {
			anchor, dx = figure.End, -5
		}
		d.Text(x, 12, dx, anchor, "asked "+number.Of(pt.RequestsPerSec, "requests/s")).Strong()
		said += "; asked for " + number.Of(pt.RequestsPerSec, "requests/s") + ", which gives " + number.Percent(pt.Attainment.Value)
	}
	if c, ok := w.Metrics[result.MetricCapacity]; ok && c.Value > first && c.Value < last {
		x := a.At(c.Value)
		d.Dashed(x, 18, x, h, "fail", 1.4)
		anchor, dx := figure.Start, 5.0
		if x > 60 {
			anchor, dx = figure.End, -5
		}
		d.Text(x, h-8, dx, anchor, valueText(c)+" within the limits").Strong()
		said += "; capacity within the limits " + valueText(c)
	}
	dec := tickDecimals(a, 1)
	for i, t := range a.Ticks {
		x := a.At(t)
		d.Line(x, h, x, h+4, "faint", 1)
		anchor := figure.Middle
		if x < 4 {
			anchor = figure.Start
		} else if x > 96 {
			anchor = figure.End
		}
		d.Text(x, h+16, 0, anchor, number.Format{Div: 1, Unit: "req/s", Decimals: dec}.With(t))
		if i%2 == 1 && len(a.Ticks) > 4 {
			d.Wide()
		}
	}
	d.Label = said
	f.Rows = []figure.Row{{Draw: d, Pad: 44}}
	f.Caption = "Share of requests within all limits."
	if hasBand {
		f.Caption += " The band is the 90 % interval."
	}
	return f, true
}

// latencyFigure has a bar p10–p95 with dots at p50, p95 and p99 a row, on a log axis.
func latencyFigure(w *result.Workload) (figure.Figure, bool) {
	rows := w.Serving.Latency
	f := figure.Figure{ID: "latency-" + w.ID, Title: "Latency and limits", LabelRem: 6.6, ValueRem: 11.2, PrintLabelRem: 5.8, PrintValueRem: 9.4}
	lo, hi := math.Inf(1), 0.0
	for _, r := range rows {
		for _, v := range []float64{r.P10, r.P50, r.P95, r.P99, r.Limit} {
			if v > 0 {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	if len(rows) == 0 || hi == 0 {
		return f, false
	}
	a := figure.Log10(lo, hi, 3)
	var limits []string
	for _, r := range rows {
		d := figure.Drawing{Height: 16}
		value := number.Of(r.P50, "s") + " · " + number.Of(r.P95, "s") + " · " + number.Of(r.P99, "s")
		d.Label = r.Name + ": p50, p95, p99 " + value
		d.Line(0, 8, 100, 8, "hair", 1)
		if r.P10 > 0 && r.P95 > r.P10 {
			d.Rect(a.At(r.P10), 4, a.At(r.P95)-a.At(r.P10), 8, "comp2")
		}
		d.Dot(a.At(r.P50), 8, 3.8, "ink").Dot(a.At(r.P95), 8, 3.2, "comp").Dot(a.At(r.P99), 8, 2.8, "mut")
		row := figure.Row{Label: latencyLabel(r.Name), Value: value, Draw: d}
		if r.Limit > 0 {
			x := a.At(r.Limit)
			row.Draw.Line(x, 0, x, 16, "fail", 1.7)
			limit := latencyLabel(r.Name) + " ≤ " + limitText(r.Limit)
			if r.At != "" {
				limit += " at " + r.At
			}
			limits = append(limits, limit)
			row.Draw.Label += "; limit " + limitText(r.Limit)
		}
		f.Rows = append(f.Rows, row)
	}
	f.Rows = append(f.Rows, a.Draw(func(v float64) string { return limitText(v) }))
	f.Caption = "Values and dots are p50 · p95 · p99, the bar is p10 to p95. Logarithmic axis."
	if len(limits) > 0 {
		f.Caption += " Red, the limits: " + strings.Join(limits, "; ") + "."
	}
	return f, true
}

// latencyLabel is the field's name of a latency.
func latencyLabel(name string) string {
	switch latencyKind(name) {
	case "ttft":
		return "TTFT"
	case "tpot":
		return "Time per token"
	}
	return upperFirst(name)
}

func ttftAt(w *result.Workload, percentile string) ([]result.StepPart, string) {
	if w.Serving == nil || len(w.Serving.TTFTParts) == 0 {
		return nil, ""
	}
	for _, t := range w.Serving.TTFTParts {
		if t.Percentile == percentile {
			return t.Parts, percentile
		}
	}
	t := w.Serving.TTFTParts[len(w.Serving.TTFTParts)-1]
	return t.Parts, t.Percentile
}

// ttftFigure stacks the parts of the time to first token at each percentile.
func ttftFigure(w *result.Workload) (figure.Figure, bool) {
	f := figure.Figure{ID: "ttft-" + w.ID, Title: "Parts of the time to first token", LabelRem: 3, ValueRem: 5, PrintLabelRem: 2.6, PrintValueRem: 4.6}
	var top float64
	for _, t := range w.Serving.TTFTParts {
		_, total := largestPart(t.Parts)
		top = math.Max(top, total)
	}
	if top <= 0 {
		return f, false
	}
	a := figure.Linear(0, top)
	paints := map[string]figure.Paint{}
	taken := map[figure.Paint]bool{}
	for _, t := range w.Serving.TTFTParts {
		_, total := largestPart(t.Parts)
		d := figure.Drawing{Height: 16}
		said := ""
		x := 0.0
		for _, s := range t.Parts {
			if s.Seconds <= 0 {
				continue
			}
			paint, ok := paints[s.Name]
			if !ok {
				paint = partPaint(s, taken)
				paints[s.Name] = paint
				taken[paint] = true
				f.Legend = append(f.Legend, figure.Key{Name: s.Name, Paint: paint})
			}
			w := a.At(x+s.Seconds) - a.At(x)
			d.Rect(a.At(x), 2, math.Max(w, 0.15), 12, paint)
			x += s.Seconds
			said += ", " + s.Name + " " + number.Of(s.Seconds, "s")
		}
		d.Label = "TTFT at " + t.Percentile + " " + number.Of(total, "s") + said
		f.Rows = append(f.Rows, figure.Row{Label: t.Percentile, Value: number.Of(total, "s"), Draw: d})
	}
	unit := number.For(top, top, top, "s")
	dec := tickDecimals(a, unit.Div)
	f.Rows = append(f.Rows, a.Draw(func(v float64) string { return number.Format{Div: unit.Div, Unit: unit.Unit, Decimals: dec}.With(v) }))
	f.Caption = "Means over the requests about each percentile, so that the parts add up."
	return f, true
}

// partPaint keeps parts of one kind apart: hatch for waiting, grey when taken.
func partPaint(s result.StepPart, taken map[figure.Paint]bool) figure.Paint {
	paint := paintOf(s.Kind, s.Waiting || s.Kind == result.KindWait)
	if !taken[paint] {
		return paint
	}
	for _, alt := range []figure.Paint{"wait", "comp2", "fac", "usd2", "faint"} {
		if !taken[alt] {
			return alt
		}
	}
	return paint
}

// lowHour is the attainment below which an hour is drawn red where no goal is set.
const lowHour = 0.95

// maxHours is the most hours that are drawn one by one.
const maxHours = 72

func hoursFigure(run *result.Run, w *result.Workload) (figure.Figure, bool) {
	hours := w.Serving.Hours
	f := figure.Figure{ID: "hours-" + w.ID, Title: "Load by hour; red where under 95" + number.Gap + "% of requests are within the limits"}
	if len(hours) < 2 {
		return f, false
	}
	if len(hours) > maxHours {
		hours = hours[:maxHours]
		f.Caption = "The first " + number.Int(maxHours) + " hours; all stand in tables/hours.csv."
	}
	var top float64
	for _, h := range hours {
		top = math.Max(top, h.RequestsPerSec)
	}
	if top <= 0 {
		return f, false
	}
	const h = 62.0
	d := figure.Drawing{Height: h + 18}
	slot := 100 / float64(len(hours))
	red, worst := 0, 0
	for i, x := range hours {
		bar := math.Max(1, x.RequestsPerSec/top*(h-16))
		paint := figure.Paint("comp2")
		if x.Attainment < lowHour {
			paint = "fail"
			red++
		}
		if x.Attainment < hours[worst].Attainment {
			worst = i
		}
		d.Rect(float64(i)*slot+slot*0.04, h-bar, slot*0.92, bar, paint)
	}
	every := 6
	if len(hours) <= 12 {
		every = 2
	} else if len(hours) > 36 {
		every = 12
	}
	for i := 0; i < len(hours); i += every {
		x := float64(i) * slot
		d.Text(x, h+15, 0, figure.Start, number.Int(hours[i].Hour)+number.Gap+"h")
	}
	d.Label = "Load by hour, at most " + number.Of(top, "requests/s") + "; " + number.Int(red) + " of " + number.Int(len(hours)) + " hours below 95 %"
	if red > 0 {
		x := (float64(worst) + 0.5) * slot
		anchor := figure.Middle
		if x < 8 {
			anchor = figure.Start
		} else if x > 92 {
			anchor = figure.End
		}
		y := h - hours[worst].RequestsPerSec/top*(h-16) - 4
		d.Text(x, y, 0, anchor, number.Percent(hours[worst].Attainment)).Strong()
		d.Label += ", the worst " + number.Percent(hours[worst].Attainment)
	}
	f.Rows = []figure.Row{{Draw: d}}
	f.Caption = joinSentences("Highest bar: "+number.Of(top, "requests/s")+".", f.Caption)
	return f, true
}

func joinSentences(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}
