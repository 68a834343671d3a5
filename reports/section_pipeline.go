package reports

import (
	"math"
	"sort"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// Caps of the pipeline's timeline.
const (
	maxStages     = 16
	maxMarks      = 3000
	stageRow      = 10.0 // px
	timelinePad   = 54.0 // px for the stage names
	timelineRungs = 5    // at most so many names at the side
)

// spanPaint is the colour of an activity: light forward, strong backward, orange exchange.
func spanPaint(what string) (figure.Paint, string) {
	switch {
	case strings.HasPrefix(what, "forward"):
		return "comp2", "forward"
	case strings.HasPrefix(what, "backward"):
		return "comp", "backward"
	case strings.HasPrefix(what, "optim"):
		return "nv", "optimizer"
	}
	return "net", "exposed exchange"
}

var spanPaints = []figure.Paint{"comp2", "comp", "net", "nv"}

func pipelineSection(run *result.Run, w *result.Workload, extra Extra) (section, bool) {
	s := section{id: "pipeline", number: "2", name: "Pipeline"}
	if len(w.Stages) == 0 {
		return refused(run, w, s, "pipeline")
	}
	f, idle, ok := pipelineFigure(w, extra)
	if !ok {
		return s, false
	}
	s.body = f.HTML()
	s.question = "Which rank waits for whom? One row a stage; data-parallel and tensor-parallel twins are folded. Pale gaps are idle time."
	s.finding = "The mean stage is idle for " + number.Format{Div: 0.01, Unit: "%"}.With(idle) + " of the step"
	return s, true
}

// pipelineFigure draws the whole step and, below it, the part where stages wait
// most; idle is the mean share of a stage without work.
func pipelineFigure(w *result.Workload, extra Extra) (f figure.Figure, idle float64, ok bool) {
	end := 0.0
	for _, s := range w.Stages {
		for _, x := range s.Spans {
			if finite(x.End) {
				end = math.Max(end, x.End)
			}
		}
	}
	if end <= 0 {
		return f, 0, false
	}
	for _, s := range w.Stages {
		idle += 1 - busy(s)/end
	}
	idle = math.Max(0, idle/float64(len(w.Stages)))
	stages := pickStages(w.Stages)
	f = figure.Figure{ID: "pipeline-" + w.ID, Title: "The pipeline over one step", Gap: 10}
	used := map[string]figure.Paint{}
	for _, s := range stages {
		for _, x := range s.Spans {
			paint, name := spanPaint(x.What)
			used[name] = paint
		}
	}
	for _, name := range []string{"forward", "backward", "exposed exchange", "optimizer"} {
		if paint, ok := used[name]; ok {
			f.Legend = append(f.Legend, figure.Key{Name: name, Paint: paint})
		}
	}
	f.Legend = append(f.Legend, figure.Key{Name: "idle", Paint: "panel", Open: true})

	budget := maxMarks
	from, to := densestIdle(stages, end)
	windowed := end > 0 && len(stages) > 1
	if windowed {
		budget = maxMarks / 2
	}
	whole, repeat := timeline(stages, 0, end, budget)
	whole.Label = "Timeline of one step of " + number.Of(end, "s") + " over " + number.Int(len(w.Stages)) + " stages; idle " + number.Percent(idle)
	f.Rows = append(f.Rows, figure.Row{Draw: whole, Pad: timelinePad})
	if windowed {
		part, _ := timeline(stages, from, to, budget)
		part.Label = "The part of the step from " + number.Step(end, end, end).With(from) + " to " + number.Step(end, end, end).With(to) + ", enlarged, where stages wait most"
		f.Rows = append(f.Rows, figure.Row{Draw: part, Pad: timelinePad})
		f.Caption = "Above, the whole step; below, the part where stages wait most, enlarged."
	} else {
		f.Caption = "One step."
	}
	if repeat != "" {
		f.Caption += " " + repeat
	}
	if len(stages) < len(w.Stages) {
		f.Caption += " First, last and the " + number.Int(len(stages)-2) + " idlest of " + number.Int(len(w.Stages)) + " stages."
	}
	twins := 0
	for _, s := range w.Stages {
		twins = max(twins, s.Twins)
	}
	if twins > 1 {
		f.Caption += " Each row stands for " + number.Int(twins) + " ranks."
	}
	if extra.Perfetto {
		f.Caption += " The same events stand in trace.perfetto.json."
	}
	return f, idle, true
}

// busy is a stage's work. Results of older versions hold spans alone.
func busy(s result.Stage) float64 {
	if s.BusySec > 0 {
		return s.BusySec
	}
	spans := append([]result.Span(nil), s.Spans...)
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].Start < spans[j].Start })
	total, last := 0.0, math.Inf(-1)
	for _, x := range spans {
		if a := math.Max(x.Start, last); x.End > a {
			total += x.End - a
			last = x.End
		}
	}
	return total
}

// pickStages keeps at most maxStages: the first, the last and the idlest.
func pickStages(all []result.Stage) []result.Stage {
	if len(all) <= maxStages {
		return all
	}
	order := make([]int, 0, len(all)-2)
	for i := 1; i < len(all)-1; i++ {
		order = append(order, i)
	}
	sort.SliceStable(order, func(a, b int) bool { return busy(all[order[a]]) < busy(all[order[b]]) })
	order = append(order[:maxStages-2], 0, len(all)-1)
	sort.Ints(order)
	out := make([]result.Stage, len(order))
	for i, k := range order {
		out[i] = all[k]
	}
	return out
}

// omitted is the part of a window in which spans are left out of some stage; 0, 0 where
// there is none.
func omitted(stages []result.Stage, from, to float64) (lo, hi float64) {
	lo, hi = to, from
	for _, s := range stages {
		if s.OmittedTo > from && s.OmittedFrom < to && s.OmittedTo > s.OmittedFrom {
			lo, hi = math.Min(lo, math.Max(s.OmittedFrom, from)), math.Max(hi, math.Min(s.OmittedTo, to))
		}
	}
	if hi <= lo {
		return 0, 0
	}
	return lo, hi
}

// windowShare is the length of the enlarged part, of the step.
const windowShare = 0.12

// densestIdle finds the window in which the stages are idle most. Spans that are left out
// are taken for work.
func densestIdle(stages []result.Stage, end float64) (from, to float64) {
	const bins = 400
	var work [bins]float64
	for _, s := range stages {
		for _, x := range append([]result.Span{{Start: s.OmittedFrom, End: s.OmittedTo}}, s.Spans...) {
			lo, hi := x.Start/end*bins, x.End/end*bins
			for b := max(int(lo), 0); b < bins && float64(b) < hi; b++ {
				work[b] += math.Min(hi, float64(b+1)) - math.Max(lo, float64(b))
			}
		}
	}
	width := int(windowShare * bins)
	best, at := math.Inf(1), 0
	for b := 0; b+width <= bins; b++ {
		sum := 0.0
		for _, v := range work[b : b+width] {
			sum += v
		}
		if sum < best-1e-9 {
			best, at = sum, b
		}
	}
	return float64(at) / bins * end, float64(at+width) / bins * end
}

// timeline draws the spans between from and to, one path a colour. Where there
// are more than budget marks, touching spans of one kind are joined; if that is
// not enough, the steady middle is drawn once and named as a repeat.
func timeline(stages []result.Stage, from, to float64, budget int) (figure.Drawing, string) {
	h := stageRow * float64(len(stages))
	d := figure.Drawing{Height: h + 18}
	a := figure.Linear(from, to)
	d.Rect(0, 0, 100, h, "panel")
	paths := map[figure.Paint]*figure.Path{}
	for _, p := range spanPaints {
		paths[p] = &figure.Path{Fill: p}
	}
	type bar struct {
		row    int
		lo, hi float64
		paint  figure.Paint
	}
	collect := func(gap float64) []bar {
		var bars []bar
		for i, s := range stages {
			last := -1
			for _, x := range s.Spans {
				lo, hi := math.Max(x.Start, from), math.Min(x.End, to)
				if hi <= lo {
					continue
				}
				paint, _ := spanPaint(x.What)
				if last >= 0 && bars[last].paint == paint && lo-bars[last].hi <= gap {
					bars[last].hi = math.Max(bars[last].hi, hi)
					continue
				}
				bars = append(bars, bar{i, lo, hi, paint})
				last = len(bars) - 1
			}
		}
		return bars
	}
	bars := collect(-1)
	for gap := (to - from) * 1e-4; len(bars) > budget && gap < (to-from)*3e-3; gap *= 2 {
		bars = collect(gap)
	}
	repeat := ""
	cutLo, cutHi := omitted(stages, from, to)
	if len(bars) > budget {
		// Keep both ends in full; the middle is one stretch of the same pattern.
		keep := 0.5 * (1 - float64(budget)/float64(len(bars)))
		lo, hi := from+(to-from)*(0.5-keep), from+(to-from)*(0.5+keep)
		if cutLo, cutHi = math.Min(lo, cutLo), math.Max(hi, cutHi); cutLo == 0 {
			cutLo = lo
		}
		kept := bars[:0]
		for _, b := range bars {
			if b.hi <= cutLo || b.lo >= cutHi {
				kept = append(kept, b)
				continue
			}
			if b.lo < cutLo {
				kept = append(kept, bar{b.row, b.lo, cutLo, b.paint})
			}
			if b.hi > cutHi {
				kept = append(kept, bar{b.row, cutHi, b.hi, b.paint})
			}
		}
		bars = kept
	}
	if cutHi > cutLo {
		repeat = "The steady middle repeats the pattern at its edges and is left pale."
	}
	const inset = 0.5
	for _, b := range bars {
		x, w := a.At(b.lo), a.At(b.hi)-a.At(b.lo)
		slim := math.Min(0.06, w*0.2) // leaves a hair between neighbours
		paths[b.paint].Rect(x, float64(b.row)*stageRow+inset, w-slim, stageRow-2*inset)
	}
	for _, p := range spanPaints {
		d.Add(paths[p])
	}
	if cutHi > cutLo {
		d.Box(a.At(cutLo), 0.5, a.At(cutHi)-a.At(cutLo), h-1, "panel", "faint")
		d.Text((a.At(cutLo)+a.At(cutHi))/2, h/2+4, 0, figure.Middle, "the same pattern, repeated")
	}
	step := max(1, int(math.Ceil(float64(len(stages))/timelineRungs)))
	for i := 0; i < len(stages); i += step {
		d.Text(0, float64(i)*stageRow+9, -6, figure.End, clip(strings.SplitN(stages[i].Name, ",", 2)[0], 9)).Small()
	}
	span := number.For(to, to, to, "s")
	dec := 0
	for ; dec < 4; dec++ {
		ok := true
		for _, t := range a.Ticks {
			x := t / span.Div * math.Pow10(dec)
			ok = ok && math.Abs(x-math.Round(x)) < 1e-6
		}
		if ok {
			break
		}
	}
	span.Decimals = dec
	for i, t := range a.Ticks {
		x := a.At(t)
		d.Line(x, h, x, h+4, "faint", 1)
		anchor := figure.Middle
		if x < 4 {
			anchor = figure.Start
		} else if x > 96 {
			anchor = figure.End
		}
		d.Text(x, h+15, 0, anchor, span.With(t))
		if i%2 == 1 && len(a.Ticks) > 4 {
			d.Wide()
		}
	}
	return d, repeat
}
