package reports

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// File is one file to write.
type File struct {
	Name string
	Data []byte
}

// Size of a slide's figure: half a page, drawn at 144 dots per inch.
const (
	slideWidth = 9 * vg.Inch
	slideDPI   = 144
	reportWide = 960.0 // px of the report's own drawings
)

// Slides are the files under figures/: plain plots of the main findings as SVG
// and PNG for people's own slides, and under the name report-* the report's own
// drawings in both themes.
func Slides(run *result.Run) ([]File, error) {
	run = forDisplay(run)
	var out []File
	for i := range run.Workloads {
		w := &run.Workloads[i]
		tail := ""
		if len(run.Workloads) > 1 {
			tail = "-" + strconv.Itoa(i+1) // ids may hold what file names may not
		}
		for _, s := range workloadSlides(run, w) {
			files, err := s.files(tail)
			if err != nil {
				return nil, err
			}
			out = append(out, files...)
		}
		for _, f := range reportFigures(run, w) {
			out = append(out, reportFiles(f.name+tail, f.fig)...)
		}
	}
	for _, s := range []slide{costSlide(run)} {
		files, err := s.files("")
		if err != nil {
			return nil, err
		}
		out = append(out, files...)
	}
	if f, ok := whereFigure(run); ok && len(run.Workloads) == 1 {
		out = append(out, reportFiles("where", f)...)
	}
	if len(run.Fabric) > 0 {
		out = append(out, reportFiles("fabric", levelsFigure(run))...)
	}
	return out, nil
}

type namedFigure struct {
	name string
	fig  figure.Figure
}

// reportFigures are the report's own drawings of one workload.
func reportFigures(run *result.Run, w *result.Workload) []namedFigure {
	var out []namedFigure
	add := func(name string, f figure.Figure, ok bool) {
		if ok {
			out = append(out, namedFigure{name, f})
		}
	}
	if !fits(w) {
		return []namedFigure{{"memory", memoryFigure(w)}}
	}
	if f, ok := limitsFigure(run, w); ok {
		add("limits", f, true)
	}
	if len(w.Step) > 0 {
		f, _ := stepFigure(run, w)
		add("step", f, true)
	}
	if len(w.Stages) > 0 {
		f, _, ok := pipelineFigure(w, Extra{})
		add("pipeline", f, ok)
	}
	if len(w.Memory) > 0 {
		add("memory", memoryFigure(w), true)
	}
	if len(w.Losses) > 0 {
		f, _ := goodputFigure(run, w)
		add("goodput", f, true)
	}
	if w.Serving != nil {
		f, ok := loadFigure(w)
		add("load", f, ok)
		f, ok = latencyFigure(w)
		add("latency", f, ok)
		f, ok = ttftFigure(w)
		add("ttft", f, ok)
	}
	return out
}

func reportFiles(name string, f figure.Figure) []File {
	return []File{
		{"report-" + name + "-light.svg", []byte(f.SVG(reportWide, figure.Light))},
		{"report-" + name + "-dark.svg", []byte(f.SVG(reportWide, figure.Dark))},
	}
}

// slide is a plot of horizontal bars, one a row.
type slide struct {
	name, title, unit string
	rows              []slideRow
	log               bool
	tick              func(float64) string
	from              float64 // where the axis starts
}

type slideRow struct {
	label, value string
	lo, hi       float64
	paint        figure.Paint
	whisker      [2]float64 // drawn when the second is above the first
	dots         []float64
}

func workloadSlides(run *result.Run, w *result.Workload) []slide {
	var out []slide
	if !fits(w) {
		return nil
	}
	if len(w.Step) > 0 {
		s := slide{name: "step", title: "Where a " + spanOf(w) + " goes", unit: "seconds from its start"}
		x := 0.0
		_, whole := largestPart(w.Step)
		f := number.Step(whole, whole, whole)
		f.Decimals = max(f.Decimals, 2)
		for _, p := range mergeParts(w.Step) {
			s.rows = append(s.rows, slideRow{label: p.Name, value: f.With(p.Seconds), lo: x, hi: x + p.Seconds, paint: solid(paintOf(p.Kind, false))})
			x += p.Seconds
		}
		total := slideRow{label: "Whole", value: number.Step(x, x, x).With(x), lo: 0, hi: x, paint: "ink"}
		if n, ok := metric(run, w, result.MetricStepTime); ok && hasInterval(n) {
			total.whisker = [2]float64{n.Low, n.High}
		}
		s.rows = append(s.rows, total)
		out = append(out, s)
	}
	if len(w.Losses) > 0 {
		s := slide{name: "goodput", title: "What eats the bought time", unit: "per cent of accelerator time"}
		x := 1.0
		for _, l := range mergeLosses(w.Losses) {
			s.rows = append(s.rows, slideRow{label: l.Cause, value: number.Minus + number.Percent(l.Share), lo: 100 * (x - l.Share), hi: 100 * x, paint: solid(lossPaint(l.Kind))})
			x -= l.Share
		}
		s.rows = append(s.rows, slideRow{label: "Useful", value: number.Percent(x), lo: 0, hi: 100 * x, paint: "ink"})
		if x > 0.5 {
			s.from = math.Floor(x*20-0.5) * 5
		}
		out = append(out, s)
	}
	if es := elasticities(run, w); len(es) > 0 {
		s := slide{name: "elasticities", title: "What limits it: " + gainTitle(run, w), unit: "per cent"}
		for i, e := range es {
			if i == maxLimits {
				break
			}
			r := slideRow{label: e.Name, value: number.ChangeFine(e.Gain.Value), lo: math.Min(0, 100*e.Gain.Value), hi: math.Max(0, 100*e.Gain.Value), paint: solid(figure.Paint(resourceKind(e.Resource)))}
			if hasInterval(e.Gain) {
				r.whisker = [2]float64{100 * e.Gain.Low, 100 * e.Gain.High}
			}
			s.rows = append(s.rows, r)
		}
		out = append(out, s)
	}
	if w.Serving != nil && len(w.Serving.Latency) > 0 {
		s := slide{name: "latency", title: "Latency, p10 to p95, with p50, p95 and p99", unit: "logarithmic", log: true,
			tick: func(v float64) string { return number.Short(v, "s") }}
		for _, r := range w.Serving.Latency {
			if r.P50 <= 0 || r.P95 < r.P50 {
				continue
			}
			lo := r.P10
			if lo <= 0 || lo > r.P50 {
				lo = r.P50
			}
			s.rows = append(s.rows, slideRow{label: latencyLabel(r.Name), value: number.Of(r.P50, "s") + " · " + number.Of(r.P95, "s") + " · " + number.Of(r.P99, "s"), lo: lo, hi: r.P95, paint: "comp2", dots: []float64{r.P50, r.P95, math.Max(r.P99, r.P95)}})
		}
		if len(s.rows) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func costSlide(run *result.Run) slide {
	s := slide{name: "cost", title: "What it costs"}
	if run.Ledger.NoPrices != "" || len(run.Ledger.Lines) == 0 {
		return s
	}
	if run.Ledger.Period != "" {
		s.title = "Cost of " + run.Ledger.Period
	}
	var sum float64
	for _, l := range run.Ledger.Lines {
		sum += l.USD
	}
	f := number.For(sum, sum, sum, "USD")
	s.unit = f.Unit
	x := 0.0
	for _, l := range run.Ledger.Lines {
		head, _, _ := strings.Cut(l.Item, ":")
		s.rows = append(s.rows, slideRow{label: head, value: number.Of(l.USD, "USD"), lo: x / f.Div, hi: (x + l.USD) / f.Div, paint: solid(paintOf(l.Kind, false))})
		x += l.USD
	}
	s.rows = append(s.rows, slideRow{label: "Total", value: f.With(sum), hi: sum / f.Div, paint: "ink"})
	return s
}

// solid has a colour for every paint: plots here have no hatch.
func solid(p figure.Paint) figure.Paint {
	if p == figure.Hatch {
		return "wait"
	}
	return p
}

// files draws the slide as SVG and PNG. A slide without rows is no file.
func (s slide) files(tail string) ([]File, error) {
	rows := s.rows[:0:0]
	for _, r := range s.rows {
		if drawable(r.lo) && drawable(r.hi) && drawable(r.whisker[0]) && drawable(r.whisker[1]) {
			rows = append(rows, r)
		}
	}
	if s.rows = rows; len(rows) == 0 {
		return nil, nil
	}
	var out []File
	height := vg.Length(1.1*float64(vg.Inch)) + vg.Length(len(s.rows))*0.34*vg.Inch
	svg := vgsvg.New(slideWidth, height)
	s.plot().Draw(margins(draw.New(svg)))
	var b bytes.Buffer
	if _, err := svg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("reports: draw %s: %w", s.name, err)
	}
	out = append(out, File{s.name + tail + ".svg", append([]byte(nil), b.Bytes()...)})
	img := vgimg.NewWith(vgimg.UseWH(slideWidth, height), vgimg.UseDPI(slideDPI), vgimg.UseBackgroundColor(color.White))
	s.plot().Draw(margins(draw.New(img)))
	b.Reset()
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("reports: draw %s: %w", s.name, err)
	}
	return append(out, File{s.name + tail + ".png", b.Bytes()}), nil
}

// drawable keeps what no axis could show out of a plot.
func drawable(v float64) bool { return finite(v) && math.Abs(v) < 1e30 }

func margins(c draw.Canvas) draw.Canvas {
	return draw.Crop(c, vg.Points(12), -vg.Points(12), vg.Points(10), -vg.Points(10))
}

// plot sets the slide up in the colours of the light theme.
func (s slide) plot() *plot.Plot {
	p := plot.New()
	ink, mut := rgb("ink"), rgb("mut")
	p.BackgroundColor = color.White
	p.Title.Text = spaced(clip(s.title, 90))
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text = spaced(s.unit)
	style := func(t *text.Style, size vg.Length, c color.Color) {
		t.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
		t.Color = c
	}
	style(&p.Title.TextStyle, vg.Points(14), ink)
	p.Title.TextStyle.XAlign = draw.XCenter
	style(&p.X.Label.TextStyle, vg.Points(10), mut)
	style(&p.X.Tick.Label, vg.Points(10), mut)
	style(&p.Y.Tick.Label, vg.Points(11), ink)
	p.X.LineStyle.Color, p.X.Tick.LineStyle.Color = rgb("faint"), rgb("faint")
	p.Y.LineStyle.Width = 0
	p.Y.Tick.LineStyle.Width = 0
	n := len(s.rows)
	ticks := make([]plot.Tick, n)
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, r := range s.rows {
		ticks[i] = plot.Tick{Value: float64(n - 1 - i), Label: spaced(clip(r.label, 44))}
		lo, hi = math.Min(lo, r.lo), math.Max(hi, r.hi)
		if r.whisker[1] > r.whisker[0] {
			lo, hi = math.Min(lo, r.whisker[0]), math.Max(hi, r.whisker[1])
		}
		for _, d := range r.dots {
			hi = math.Max(hi, d)
		}
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Min, p.Y.Max = -0.6, float64(n)-0.4
	if s.log {
		a := figure.Log10(lo, hi*4, 5)
		p.X.Scale = plot.LogScale{}
		p.X.Min, p.X.Max = a.Low, a.High
		p.X.Tick.Marker = ticksOf(a, s.tick)
	} else {
		low := math.Min(s.from, lo)
		if s.from > 0 {
			low = s.from
		}
		a := figure.Linear(low, hi+(hi-low)*0.14) // room for the last value
		p.X.Min, p.X.Max = a.Low, a.High
		p.X.Tick.Marker = ticksOf(a, func(v float64) string { return number.Fixed(v, tickDecimals(a, 1)) })
	}
	p.Add(slideBars{s})
	return p
}

func ticksOf(a figure.Axis, name func(float64) string) plot.ConstantTicks {
	var out plot.ConstantTicks
	for _, t := range a.Ticks {
		out = append(out, plot.Tick{Value: t, Label: spaced(name(t))})
	}
	return out
}

// spaced trades the narrow space, which the plot's font lacks, for a plain one.
func spaced(s string) string { return strings.ReplaceAll(s, number.Gap, " ") }

func rgb(token string) color.RGBA {
	v, err := strconv.ParseUint(strings.TrimPrefix(figure.Light.Hex(token), "#"), 16, 32)
	if err != nil {
		return color.RGBA{A: 255}
	}
	return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
}

// slideBars draws the rows of a slide.
type slideBars struct{ slide }

// Plot implements plot.Plotter.
func (s slideBars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := func(v float64) vg.Length { return x(math.Min(math.Max(v, p.X.Min), p.X.Max)) }
	label := draw.TextStyle{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(10)}, Color: rgb("ink"),
		XAlign: draw.XLeft, YAlign: draw.YCenter, Handler: p.Title.TextStyle.Handler}
	half := vg.Points(7)
	for i, r := range s.rows {
		mid := y(float64(len(s.rows) - 1 - i))
		l, h := at(r.lo), at(r.hi)
		if h-l < vg.Points(0.8) {
			h = l + vg.Points(0.8)
		}
		c.FillPolygon(rgb(string(r.paint)), []vg.Point{{X: l, Y: mid - half}, {X: h, Y: mid - half}, {X: h, Y: mid + half}, {X: l, Y: mid + half}})
		right := h
		if r.whisker[1] > r.whisker[0] {
			ws := draw.LineStyle{Color: rgb("faint"), Width: vg.Points(1.6)}
			c.StrokeLine2(ws, at(r.whisker[0]), mid, at(r.whisker[1]), mid)
			right = max(right, at(r.whisker[1]))
		}
		for j, d := range r.dots {
			g := draw.GlyphStyle{Color: rgb([]string{"ink", "comp", "mut"}[j%3]), Radius: vg.Points(4 - float64(j)*0.7), Shape: draw.CircleGlyph{}}
			c.DrawGlyph(g, vg.Point{X: at(d), Y: mid})
			right = max(right, at(d)+vg.Points(3))
		}
		c.FillText(label, vg.Point{X: right + vg.Points(5), Y: mid}, spaced(r.value))
	}
}
