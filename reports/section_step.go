package reports

import (
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// Caps of the step's waterfall.
const (
	leastPart   = 0.005 // parts below this share are merged
	maxStepRows = 14
)

// workloadSections are the sections that belong to one workload.
func workloadSections(run *result.Run, w *result.Workload, prefix string, extra Extra) []section {
	var out []section
	add := func(s section, ok bool) {
		if ok {
			s.id = prefix + s.id
			out = append(out, s)
		}
	}
	if fits(w) {
		add(stepSection(run, w))
		add(pipelineSection(run, w, extra))
	}
	add(memorySection(run, w))
	if fits(w) {
		add(goodputSection(run, w))
	}
	return out
}

// refused makes a section that prints its reasons, if it has any.
func refused(run *result.Run, w *result.Workload, s section, key string) (section, bool) {
	body, ok := refusals(run, w, key)
	if !ok {
		return s, false
	}
	s.finding = s.name + " is not predicted"
	s.body = body
	return s, true
}

// mergeParts keeps the parts in order, puts those below leastPart and beyond
// maxStepRows into one "other (n)".
func mergeParts(parts []result.StepPart) []result.StepPart {
	var total float64
	for _, s := range parts {
		total += s.Seconds
	}
	if !(total > 0) || !finite(total) {
		parts = dropEmpty(parts)
		return parts[:min(len(parts), maxStepRows)]
	}
	least := leastPart * total
	for {
		var out []result.StepPart
		other := result.StepPart{Kind: result.KindWait}
		n := 0
		for _, s := range parts {
			if s.Seconds < least {
				n++
				other.Seconds += s.Seconds
				other.HiddenSeconds += s.HiddenSeconds
				continue
			}
			out = append(out, s)
		}
		if n == 1 && other.Seconds > 0 && len(parts) <= maxStepRows { // a row of its own costs no more than "other (1)"
			return dropEmpty(parts)
		}
		if other.Seconds > 0 {
			other.Name = "other (" + number.Int(n) + ")"
			out = append(out, other)
		}
		if len(out) <= maxStepRows {
			return out
		}
		least = math.Max(least*1.5, total*1e-4)
	}
}

func dropEmpty(parts []result.StepPart) []result.StepPart {
	var out []result.StepPart
	for _, s := range parts {
		if s.Seconds > 0 {
			out = append(out, s)
		}
	}
	return out
}

// spanOf is what the parts of w.Step add up to.
func spanOf(w *result.Workload) string {
	if w.Serving != nil {
		return "mean request"
	}
	return "step"
}

// percentileTable has the percentiles of every latency, of all requests and by class.
func percentileTable(rows []result.LatencyRow) string {
	if len(rows) == 0 {
		return ""
	}
	cols := []column{{head: "Latency"}}
	for _, name := range []string{"p50", "p90", "p95", "p99", "p99.9"} {
		cols = append(cols, column{head: name, number: true})
	}
	var out []tableRow
	for _, r := range rows {
		c := []cell{txt(upperFirst(r.Name))}
		for _, sec := range []float64{r.P50, r.P90, r.P95, r.P99, r.P999} {
			if sec > 0 {
				c = append(c, txt(number.Of(sec, "s")))
			} else {
				c = append(c, txt(number.NoData))
			}
		}
		out = append(out, cells(c...))
	}
	p := &page{}
	p.table("", cols, out)
	return p.String()
}

func stepSection(run *result.Run, w *result.Workload) (section, bool) {
	s := section{id: "step", number: "1", name: "Step"}
	if len(w.Step) == 0 {
		return refused(run, w, s, "step")
	}
	f, total := stepFigure(run, w)
	s.body = f.HTML()
	s.question = "Where does a step go? The critical path of the pacing rank, laid end to end."
	if w.Serving != nil {
		s.name = "Request"
		s.question = "Where does a mean request go? From its arrival to its last token, laid end to end."
		s.body += percentileTable(w.Serving.Latency)
	}
	var hidden, exposed float64
	for _, x := range w.Step {
		hidden += x.HiddenSeconds
		if x.Kind == result.KindNetwork || x.Kind == result.KindScaleUp {
			exposed += x.Seconds
		}
	}
	if hidden > 0 {
		fm := number.Step(total, total, total)
		s.question += " Hidden communication is not drawn: " + fm.With(hidden) + " runs beside other work, " + fm.With(exposed) + " does not."
	}
	s.finding = stepFinding(w, total)
	return s, true
}

// stepFinding is "Computation takes 62 % of the step; waiting takes 18 %".
func stepFinding(w *result.Workload, total float64) string {
	var comp, wait, comm float64
	for _, s := range w.Step {
		switch {
		case s.Waiting || s.Kind == result.KindWait:
			wait += s.Seconds
		case s.Kind == result.KindCompute || s.Kind == result.KindCompute2:
			comp += s.Seconds
		case s.Kind == result.KindScaleUp || s.Kind == result.KindNetwork:
			comm += s.Seconds
		}
	}
	if total <= 0 {
		return "The " + spanOf(w) + " takes no time"
	}
	pc := func(x float64) string { return number.Format{Div: 0.01, Unit: "%"}.With(x / total) }
	second := "waiting takes " + pc(wait)
	if comm > wait {
		second = "communication takes " + pc(comm)
	}
	return "Computation takes " + pc(comp) + " of the " + spanOf(w) + "; " + second
}

// stepFigure is the waterfall of a step, and its total.
func stepFigure(run *result.Run, w *result.Workload) (figure.Figure, float64) {
	parts := mergeParts(w.Step)
	seconds := make([]float64, len(parts))
	shares := make([]float64, len(parts))
	var total float64
	for i, x := range parts {
		seconds[i] = x.Seconds
		total += x.Seconds
	}
	for i := range parts {
		shares[i] = parts[i].Seconds / total
	}
	n, hasStep := metric(run, w, result.MetricStepTime)
	if !hasStep {
		n = result.Number{Value: total, Low: total, High: total, Unit: "s", NoInterval: "not drawn"}
	}
	format := number.Step(total, total, total)
	least := math.Inf(1)
	for _, x := range seconds {
		least = math.Min(least, x)
	}
	for format.Decimals < 2 && least < 0.5*math.Pow10(-format.Decimals) {
		format.Decimals++
	}
	column := number.ColumnIn(seconds, total, format)
	percents := number.Percents(shares, 1)
	high := total
	if hasInterval(n) {
		high = math.Max(high, n.High)
	}
	a := figure.Linear(0, high)
	f := figure.Figure{ID: "step-" + w.ID, Title: "Where a " + spanOf(w) + " goes", LabelRem: 14.5, ValueRem: 8.2, PrintLabelRem: 13, PrintValueRem: 7.4}
	used := map[result.Kind]bool{}
	hatched := false
	x := 0.0
	for i, s := range parts {
		hatch := s.Waiting || s.Kind == result.KindWait
		hatched = hatched || hatch
		if !hatch {
			used[s.Kind] = true
		}
		d := figure.Drawing{Height: 14, Label: s.Name + ": " + column.Cells[i] + " s, " + percents[i]}
		x0 := a.At(x)
		d.Line(x0, -2.5, x0, 16.5, "rule", 1)
		d.Rect(x0, 2, math.Max(a.At(x+s.Seconds)-x0, 0.2), 10, paintOf(s.Kind, hatch))
		x += s.Seconds
		f.Rows = append(f.Rows, figure.Row{Label: s.Name, Value: column.Cells[i] + number.Gap + "s", ValueNote: percents[i], Draw: d})
	}
	d := figure.Drawing{Height: 14, Label: "The whole " + spanOf(w) + ": " + format.With(total)}
	d.Rect(0, 3, a.At(total), 8, "ink")
	if hasInterval(n) {
		split(&d, a, n, total)
	}
	whole := number.Percents([]float64{1}, 1)[0]
	f.Rows = append(f.Rows, figure.Row{Label: "Whole", Value: column.Total + number.Gap + "s", ValueNote: whole, Draw: d, Total: true})
	dec := tickDecimals(a, 1)
	f.Rows = append(f.Rows, a.Draw(func(v float64) string { return number.Format{Div: 1, Unit: "s", Decimals: dec}.With(v) }))
	f.Legend = legendOf(used, hatched)
	f.Caption = "Bars follow each other on the critical path."
	if hasInterval(n) {
		f.Caption += " Interval of the total (90 %): " + number.Step(n.Value, n.Low, n.High).Interval(n.Low, n.High) + "."
	}
	if n.Rung != "" {
		f.Caption += " Predicted by: " + n.Rung + "."
	}
	return f, total
}

// split draws an interval over a dark bar: pale inside it, dark beyond.
func split(d *figure.Drawing, a figure.Axis, n result.Number, edge float64) {
	if n.Low < edge {
		d.Line(a.At(n.Low), 7, a.At(math.Min(edge, n.High)), 7, "bg", 1.8)
	}
	if n.High > edge {
		d.Line(a.At(math.Max(edge, n.Low)), 7, a.At(n.High), 7, "ink", 1.8)
	}
}

// legendOf is the legend of the kinds in use, in the palette's order.
func legendOf(used map[result.Kind]bool, hatched bool) []figure.Key {
	var keys []figure.Key
	for _, k := range kindOrder {
		if used[k] {
			keys = append(keys, figure.Key{Name: kindNames[k], Paint: figure.Paint(k)})
		}
	}
	if hatched {
		keys = append(keys, figure.Key{Name: "waiting", Paint: figure.Hatch})
	}
	return keys
}

// memorySection is section 4.
func memorySection(run *result.Run, w *result.Workload) (section, bool) {
	s := section{id: "memory", number: "4", name: "Memory"}
	if len(w.Memory) == 0 {
		return refused(run, w, s, "memory")
	}
	f := memoryFigure(w)
	s.body = f.HTML()
	s.question = "Does it fit, and with what slack? Peak over the step, per accelerator; the red line is the memory that a job can use."
	least := w.Memory[0]
	for _, m := range w.Memory {
		if m.UsableGiB-m.TotalGiB < least.UsableGiB-least.TotalGiB {
			least = m
		}
	}
	slack := least.UsableGiB - least.TotalGiB
	name := clip(least.Name, 24)
	switch {
	case slack < 0:
		s.finding = upperFirst(name) + " does not fit: " + gib(-slack) + " over"
	case len(w.Memory) == 1:
		s.finding = "It fits with " + gib(slack) + " to spare"
	default:
		s.finding = "Every class fits; " + lowerFirst(name) + " has " + gib(slack) + " to spare"
	}
	return s, true
}

// memoryPaint maps a use of memory to the ramp of state, grey or hatch.
func memoryPaint(name string) (figure.Paint, bool) {
	n := strings.ToLower(name)
	switch {
	case strings.Contains(n, "free"):
		return "panel", true
	case strings.Contains(n, "weight"), strings.Contains(n, "param"):
		return "h5", false
	case strings.Contains(n, "gradient"):
		return "h4", false
	case strings.Contains(n, "optim"):
		return "usd", false
	case strings.Contains(n, "activation"):
		return "h2", false
	case strings.Contains(n, "kv"), strings.Contains(n, "cache"):
		return "h3", false
	case strings.Contains(n, "fragment"), strings.Contains(n, "reserve"):
		return figure.Hatch, false
	}
	return "wait", false
}

// maxMemoryRows is first, typical, last and worst class.
const maxMemoryRows = 4

func memoryFigure(w *result.Workload) figure.Figure {
	f := figure.Figure{ID: "memory-" + w.ID, Title: "Memory of an accelerator", LabelRem: 10, ValueRem: 9, PrintLabelRem: 8.6, PrintValueRem: 8}
	list := w.Memory
	if len(list) > maxMemoryRows {
		worst := 0
		for i, m := range list {
			if m.TotalGiB-m.UsableGiB > list[worst].TotalGiB-list[worst].UsableGiB {
				worst = i
			}
		}
		pick := map[int]bool{0: true, len(list) / 2: true, len(list) - 1: true, worst: true}
		var short []result.MemoryClass
		for i, m := range list {
			if pick[i] {
				short = append(short, m)
			}
		}
		list = short
	}
	var top float64
	for _, m := range list {
		top = math.Max(top, math.Max(m.TotalGiB, m.UsableGiB))
	}
	a := figure.Linear(0, top*1.06)
	seen := map[string]bool{}
	for _, m := range list {
		d := figure.Drawing{Height: 16}
		x := 0.0
		var said []string
		for _, part := range m.Parts {
			if part.GiB <= 0 {
				continue
			}
			paint, open := memoryPaint(part.Name)
			if !seen[part.Name] {
				seen[part.Name] = true
				f.Legend = append(f.Legend, figure.Key{Name: part.Name, Paint: paint, Open: open})
			}
			w := a.At(x+part.GiB) - a.At(x)
			if open {
				d.Box(a.At(x), 2, w, 12, paint, "faint")
			} else {
				d.Rect(a.At(x), 2, math.Max(w-0.12, 0.1), 12, paint)
			}
			x += part.GiB
			said = append(said, part.Name+" "+gib(part.GiB))
		}
		d.Line(a.At(m.UsableGiB), -2, a.At(m.UsableGiB), 18, "fail", 1.5)
		value, note := gib(m.TotalGiB), gib(m.UsableGiB-m.TotalGiB)+" free"
		if m.TotalGiB > m.UsableGiB {
			value, note = gib(m.TotalGiB-m.UsableGiB)+" over", "of "+gib(m.UsableGiB)
		}
		d.Label = m.Name + ": " + strings.Join(said, ", ") + "; " + value + ", " + note
		row := figure.Row{Label: m.Name, Value: value, ValueNote: note, Draw: d}
		if m.Ranks > 0 {
			row.LabelNote = number.Int(m.Ranks) + " ranks"
		}
		f.Rows = append(f.Rows, row)
	}
	dec := tickDecimals(a, 1)
	f.Rows = append(f.Rows, a.Draw(func(v float64) string { return number.Format{Div: 1, Unit: "GiB", Decimals: dec}.With(v) }))
	usable := list[0].UsableGiB
	f.Caption = "Red line: " + gib(usable) + " usable."
	if len(list) < len(w.Memory) {
		f.Caption += " First, typical, last and worst of " + number.Int(len(w.Memory)) + " classes; all stand in tables/memory.csv."
	}
	return f
}
