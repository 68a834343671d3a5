package reports

import (
	"math"
	"strconv"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// maxPoints bounds the marks of one interactive chart.
const maxPoints = 20_000

// midBlue and its like are read on a white and on a dark page alike.
var exploreColours = map[figure.Paint]string{"h3": "#4f8fc0", "fail": "#d05a70", "sto": "#8a63b8", "wait": "#8b929a"}

func exploreColour(p figure.Paint) string {
	if c, ok := exploreColours[p]; ok {
		return c
	}
	return lightHex(p)
}

// base is what all charts share: a legend, a tooltip, room for the slider.
func base(xName, yName string, zoom bool) []charts.GlobalOpts {
	list := []charts.GlobalOpts{
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(true), Type: "scroll", Top: "0"}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true)}),
		charts.WithXAxisOpts(opts.XAxis{Type: "value", Name: xName, NameLocation: "middle", NameGap: 28, Scale: opts.Bool(zoom)}), // bars start at zero, timelines where they start
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Name: yName}),
	}
	if zoom {
		list = append(list, charts.WithDataZoomOpts(
			opts.DataZoom{Type: "inside", XAxisIndex: 0, FilterMode: "weakFilter"},
			opts.DataZoom{Type: "slider", XAxisIndex: 0, FilterMode: "weakFilter"}),
			charts.WithGridOpts(opts.Grid{Left: "10", Right: "30", Top: "48", Bottom: "85", ContainLabel: opts.Bool(true)}))
	} else {
		list = append(list, charts.WithGridOpts(opts.Grid{Left: "10", Right: "30", Top: "48", Bottom: "35", ContainLabel: opts.Bool(true)}))
	}
	return list
}

// spanSeries is one colour of a timeline.
type spanSeries struct {
	name   string
	colour string
	data   []opts.CustomData
}

func timelineChart(xName string, rows []string, series []spanSeries) map[string]any {
	c := charts.NewCustom()
	c.SetGlobalOptions(base(xName, "", true)...)
	c.SetGlobalOptions(charts.WithYAxisOpts(opts.YAxis{Type: "category", Data: rows, Inverse: opts.Bool(true)}))
	for _, s := range series {
		c.AddSeries(s.name, s.data, charts.WithItemStyleOpts(opts.ItemStyle{Color: s.colour}))
	}
	c.Validate()
	return c.JSON()
}

// stageChart is the pipeline of one step, zoomable.
func stageChart(w *result.Workload) (exploreChart, bool) {
	if len(w.Stages) == 0 {
		return exploreChart{}, false
	}
	order := []string{"forward", "backward", "exposed exchange", "optimizer"}
	byName := map[string]*spanSeries{}
	var rows []string
	n, cut := 0, false
	for i, s := range w.Stages {
		rows = append(rows, s.Name)
		for _, x := range s.Spans {
			if n == maxPoints {
				cut = true
				break
			}
			paint, name := spanPaint(x.What)
			if byName[name] == nil {
				byName[name] = &spanSeries{name: name, colour: exploreColour(paint)}
			}
			label := s.Name + ", " + x.What + " " + strconv.Itoa(x.Micro)
			if x.Chunk > 0 {
				label += ", chunk " + strconv.Itoa(x.Chunk)
			}
			byName[name].data = append(byName[name].data, opts.CustomData{Name: label, Value: []any{i, x.Start, x.End}})
			n++
		}
	}
	var series []spanSeries
	for _, name := range order {
		if byName[name] != nil {
			series = append(series, *byName[name])
		}
	}
	c := exploreChart{title: "One step of " + w.ID + ", stage by stage", height: 150 + 22*min(len(rows), 24),
		note: "Seconds from the start of the step; a row stands for all alike ranks of a stage.", option: timelineChart("s", rows, series)}
	if cut {
		c.note += " The first " + number.Int(maxPoints) + " spans; all stand in result.json."
	}
	if f, _, ok := pipelineFigure(w, Extra{}); ok {
		c.static = f.HTML()
	}
	return c, true
}

// campaignChart is what a workload did over simulated time.
func campaignChart(w *result.Workload) (exploreChart, bool) {
	if len(w.Timeline) == 0 {
		return exploreChart{}, false
	}
	var rows []string
	row := map[string]int{}
	for _, x := range w.Timeline {
		if _, ok := row[x.What]; !ok {
			row[x.What] = len(rows)
			rows = append(rows, x.What)
		}
	}
	last := w.Timeline[len(w.Timeline)-1].End
	div, unit := 1.0, "s"
	switch {
	case last > 4*86400:
		div, unit = 86400, "days"
	case last > 4*3600:
		div, unit = 3600, "hours"
	}
	series := make([]spanSeries, len(rows))
	for i, what := range rows {
		series[i] = spanSeries{name: what, colour: whatColour(what)}
	}
	list := w.Timeline
	note := "What the workload did over " + number.Short(last, "s") + " of simulated time."
	if len(list) > maxPoints {
		list = list[:maxPoints]
		note += " The first " + number.Int(maxPoints) + " entries; all stand in tables/timeline.csv."
	}
	for _, x := range list {
		i := row[x.What]
		name := x.What
		if x.Note != "" {
			name += ": " + x.Note
		}
		series[i].data = append(series[i].data, opts.CustomData{Name: name, Value: []any{i, x.Start / div, x.End / div}})
	}
	c := exploreChart{title: "The life of " + w.ID, note: note, height: 170 + 34*len(rows), option: timelineChart(unit, rows, series)}
	if f, ok := goodputStatic(w); ok {
		c.static = f
	}
	return c, true
}

func goodputStatic(w *result.Workload) (string, bool) {
	if len(w.Losses) == 0 {
		return "", false
	}
	f, _ := goodputFigure(&result.Run{}, w)
	return f.HTML(), true
}

func whatColour(what string) string {
	switch what {
	case "train", "serve", "step":
		return exploreColour("comp")
	case "checkpoint", "load", "restore":
		return exploreColour("sto")
	case "failed", "failure", "restart", "repair", "down":
		return exploreColour("fail")
	}
	return exploreColour("wait")
}

// cdfChart shows the latency distributions.
func cdfChart(w *result.Workload) (exploreChart, bool) {
	if len(w.Serving.Cumulative) == 0 {
		return exploreChart{}, false
	}
	c := charts.NewLine()
	c.SetGlobalOptions(base("s, logarithmic", "% of requests", true)...)
	c.SetGlobalOptions(charts.WithXAxisOpts(opts.XAxis{Type: "log", Name: "seconds, logarithmic", NameLocation: "middle", NameGap: 28}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis"}))
	colours := []figure.Paint{"comp", "net", "usd", "sto", "fac"}
	for i, d := range w.Serving.Cumulative {
		var data []opts.LineData
		for j := range d.Value {
			if j < len(d.Percent) && d.Value[j] > 0 {
				data = append(data, opts.LineData{Value: []any{d.Value[j], d.Percent[j]}})
			}
		}
		name := d.Name
		if d.Unit != "" {
			name += ", " + d.Unit
		}
		colour := exploreColour(colours[i%len(colours)])
		c.AddSeries(name, data, charts.WithLineChartOpts(opts.LineChart{ShowSymbol: opts.Bool(false)}),
			charts.WithLineStyleOpts(opts.LineStyle{Color: colour}), charts.WithItemStyleOpts(opts.ItemStyle{Color: colour}))
	}
	c.Validate()
	out := exploreChart{title: "Latency of " + w.ID + ", cumulative", height: 420, option: c.JSON(), note: "Share of requests at or below a latency."}
	if f, ok := latencyFigure(w); ok {
		out.static = f.HTML()
	}
	return out, true
}

// loadChart is latency and attainment against offered load.
func loadChart(w *result.Workload) (exploreChart, bool) {
	if len(w.Serving.Load) < 2 {
		return exploreChart{}, false
	}
	var att, low, high, ttft []opts.LineData
	for _, p := range w.Serving.Load {
		x := p.RequestsPerSec
		att = append(att, opts.LineData{Value: []any{x, 100 * p.Attainment.Value}})
		low = append(low, opts.LineData{Value: []any{x, 100 * lowOf(p.Attainment)}})
		high = append(high, opts.LineData{Value: []any{x, 100 * highOf(p.Attainment)}})
		ttft = append(ttft, opts.LineData{Value: []any{x, p.TTFTP95}})
	}
	c := charts.NewLine()
	c.SetGlobalOptions(base("requests/s", "%", false)...)
	c.SetGlobalOptions(charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis"}))
	c.ExtendYAxis(opts.YAxis{Type: "value", Name: "s"})
	add := func(name string, data []opts.LineData, p figure.Paint, width float32, axis int) {
		colour := exploreColour(p)
		c.AddSeries(name, data, charts.WithLineChartOpts(opts.LineChart{ShowSymbol: opts.Bool(width > 1.5), YAxisIndex: axis}),
			charts.WithLineStyleOpts(opts.LineStyle{Color: colour, Width: width}), charts.WithItemStyleOpts(opts.ItemStyle{Color: colour}))
	}
	add("attainment, %", att, "comp", 2.5, 0)
	add("attainment, 5th percentile, %", low, "comp2", 1, 0)
	add("attainment, 95th percentile, %", high, "comp2", 1, 0)
	add("TTFT p95, s", ttft, "net", 2.5, 1)
	c.Validate()
	out := exploreChart{title: "Latency of " + w.ID + " against load", height: 420, option: c.JSON()}
	if f, ok := loadFigure(w); ok {
		out.static = f.HTML()
	}
	return out, true
}

func hourChart(run *result.Run, w *result.Workload) (exploreChart, bool) {
	if len(w.Serving.Hours) < 2 {
		return exploreChart{}, false
	}
	c := charts.NewLine()
	c.SetGlobalOptions(base("hour", "requests/s", true)...)
	c.SetGlobalOptions(charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis"}))
	c.ExtendYAxis(opts.YAxis{Type: "value", Name: "%", Max: 100})
	var load, att []opts.LineData
	for _, h := range w.Serving.Hours {
		load = append(load, opts.LineData{Value: []any{h.Hour, h.RequestsPerSec}})
		att = append(att, opts.LineData{Value: []any{h.Hour, 100 * h.Attainment}})
	}
	for i, s := range [][]opts.LineData{load, att} {
		colour := exploreColour([]figure.Paint{"comp2", "fail"}[i])
		c.AddSeries([]string{"load, requests/s", "attainment, %"}[i], s, charts.WithLineChartOpts(opts.LineChart{Step: "middle", ShowSymbol: opts.Bool(false), YAxisIndex: i}),
			charts.WithLineStyleOpts(opts.LineStyle{Color: colour}), charts.WithItemStyleOpts(opts.ItemStyle{Color: colour}))
	}
	c.Validate()
	out := exploreChart{title: "Load of " + w.ID + " by hour", height: 360, option: c.JSON()}
	if f, ok := hoursFigure(run, w); ok {
		out.static = f.HTML()
	}
	return out, true
}

// gainChart compares what 10 % more and twice as much of each resource gain.
func gainChart(run *result.Run, w *result.Workload) (exploreChart, bool) {
	es := elasticities(run, w)
	if len(es) == 0 {
		return exploreChart{}, false
	}
	var names []string
	var some, twice []opts.BarData
	for i := len(es) - 1; i >= 0; i-- {
		names = append(names, es[i].Name)
		some = append(some, opts.BarData{Value: round4(100 * es[i].Gain.Value)})
		twice = append(twice, opts.BarData{Value: round4(100 * es[i].Double)})
	}
	c := charts.NewBar()
	c.SetGlobalOptions(base("% gained in "+metricName(w.Objective), "", false)...)
	c.SetGlobalOptions(charts.WithYAxisOpts(opts.YAxis{Type: "category", Data: names}))
	c.AddSeries(number.Short(es[0].Step, "ratio")+" more of each, %", some, charts.WithItemStyleOpts(opts.ItemStyle{Color: exploreColour("comp")}))
	c.AddSeries("twice as much of each, %", twice, charts.WithItemStyleOpts(opts.ItemStyle{Color: exploreColour("comp2")}))
	c.Validate()
	out := exploreChart{title: "What limits " + w.ID, height: 110 + 34*len(names), option: c.JSON(), note: "Re-simulated, one resource at a time."}
	if f, ok := limitsFigure(run, w); ok {
		out.static = f.HTML()
	}
	return out, true
}

func round4(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// fabricChart is the use of each level.
func fabricChart(run *result.Run) (exploreChart, bool) {
	if len(run.Fabric) == 0 {
		return exploreChart{}, false
	}
	var names []string
	var mean, p99, most []opts.BarData
	for _, l := range run.Fabric {
		names = append(names, l.Name)
		mean = append(mean, opts.BarData{Value: round4(100 * l.Mean)})
		p99 = append(p99, opts.BarData{Value: round4(100 * l.P99)})
		most = append(most, opts.BarData{Value: round4(100 * l.Max)})
	}
	c := charts.NewBar()
	c.SetGlobalOptions(base("% of capacity", "", false)...)
	c.SetGlobalOptions(charts.WithYAxisOpts(opts.YAxis{Type: "category", Data: names, Inverse: opts.Bool(true)}))
	c.AddSeries("mean, %", mean, charts.WithItemStyleOpts(opts.ItemStyle{Color: exploreColour("comp2")}))
	c.AddSeries("p99 over links, %", p99, charts.WithItemStyleOpts(opts.ItemStyle{Color: exploreColour("comp")}))
	c.AddSeries("busiest link, %", most, charts.WithItemStyleOpts(opts.ItemStyle{Color: exploreColour("net")}))
	c.Validate()
	return exploreChart{title: "The fabric by level", height: 110 + 62*len(names), option: c.JSON(), static: levelsFigure(run).HTML(),
		note: "Use of the links while the workloads run, both directions."}, true
}

// tierChart is the busiest link of every switch of a tier.
func tierChart(t *result.SwitchTier) (exploreChart, bool) {
	c := charts.NewScatter()
	c.SetGlobalOptions(base("switch", "% of the busiest link", true)...)
	n := 0
	index := 0
	add := func(name string, data []opts.ScatterData, p figure.Paint) {
		c.AddSeries(name, data, charts.WithItemStyleOpts(opts.ItemStyle{Color: exploreColour(p)}), charts.WithScatterChartOpts(opts.ScatterChart{SymbolSize: 5}))
	}
	var even, odd []opts.ScatterData
	for p, pod := range t.Pods {
		for s, u := range pod {
			if n < maxPoints {
				d := opts.ScatterData{Name: "pod " + strconv.Itoa(p) + ", switch " + strconv.Itoa(s), Value: []any{index, round4(100 * u)}}
				if p%2 == 0 {
					even = append(even, d)
				} else {
					odd = append(odd, d)
				}
				n++
			}
			index++
		}
	}
	if n == 0 {
		return exploreChart{}, false
	}
	if len(odd) == 0 {
		add("switches", even, "comp")
	} else {
		add("even pods", even, "comp")
		add("odd pods", odd, "net")
	}
	c.Validate()
	return exploreChart{title: upperFirst(t.Name) + ", switch by switch", height: 320, option: c.JSON(),
		note: number.Int(index) + " switches in " + number.Int(len(t.Pods)) + " pods."}, true
}
