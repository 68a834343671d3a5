package validate

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// maxPanels bounds the panels of a picture: the metrics with the most cases.
const maxPanels = 6

// panelSide is the side of one panel.
const panelSide = 2.6 * vg.Inch

// Colours of the picture: gate cases, info cases, lines.
var (
	gateColour = color.RGBA{R: 0x1f, G: 0x6b, B: 0xb2, A: 0xff}
	infoColour = color.RGBA{R: 0xc9, G: 0xa0, B: 0x60, A: 0xff}
	lineColour = color.Gray{Y: 0x80}
)

// Picture draws predicted against measured as SVG: one panel per metric, both axes
// logarithmic, with the line of equality and the band of ±25 %. An error where no case was
// predicted.
func (r *Report) Picture() ([]byte, error) {
	metrics := map[string][]*Case{}
	for i := range r.Cases {
		c := &r.Cases[i]
		if c.Status == Predicted && c.Measured != nil && c.Predicted != nil && *c.Measured > 0 && *c.Predicted > 0 {
			key := c.Metric
			if c.Unit != "" {
				key += ", " + c.Unit
			}
			metrics[key] = append(metrics[key], c)
		}
	}
	if len(metrics) == 0 {
		return nil, fmt.Errorf("validate: no case to draw was predicted")
	}
	names := make([]string, 0, len(metrics))
	for name := range metrics {
		names = append(names, name)
	}
	sort.Slice(names, func(a, b int) bool {
		if x, y := len(metrics[names[a]]), len(metrics[names[b]]); x != y {
			return x > y
		}
		return names[a] < names[b]
	})
	names = names[:min(len(names), maxPanels)]
	columns := min(len(names), 3)
	rows := (len(names) + columns - 1) / columns
	canvas := vgsvg.New(vg.Length(columns)*panelSide, vg.Length(rows)*panelSide)
	dc := draw.New(canvas)
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: vg.Points(6), PadY: vg.Points(6)}
	for i, name := range names {
		p, err := panel(name, metrics[name])
		if err != nil {
			return nil, err
		}
		p.Draw(tiles.At(dc, i%columns, i/columns))
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	return out.Bytes(), nil
}

// panel draws the cases of one metric.
func panel(name string, cases []*Case) (*plot.Plot, error) {
	p := plot.New()
	var abs []float64
	for _, c := range cases {
		if c.Error != nil {
			abs = append(abs, math.Abs(*c.Error))
		}
	}
	p.Title.Text = fmt.Sprintf("%s\n%d cases", name, len(cases))
	if m := quantile(abs, 0.5); m != nil {
		p.Title.Text += fmt.Sprintf(", median error %.1f %%", 100**m)
	}
	p.X.Label.Text, p.Y.Label.Text = "measured", "predicted"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
	for _, s := range []*vg.Length{&p.Title.TextStyle.Font.Size, &p.X.Label.TextStyle.Font.Size, &p.Y.Label.TextStyle.Font.Size, &p.X.Tick.Label.Font.Size, &p.Y.Tick.Label.Font.Size} {
		*s = vg.Points(8)
	}
	lo, hi := math.Inf(1), 0.0
	var gate, info plotter.XYs
	for _, c := range cases {
		at := plotter.XY{X: *c.Measured, Y: *c.Predicted}
		lo, hi = min(lo, at.X, at.Y), max(hi, at.X, at.Y)
		if c.Use == "gate" {
			gate = append(gate, at)
		} else {
			info = append(info, at)
		}
	}
	lo, hi = lo/1.3, hi*1.3
	for _, band := range []float64{0.8, 1, 1.25} {
		line, err := plotter.NewLine(plotter.XYs{{X: lo, Y: lo * band}, {X: hi, Y: hi * band}})
		if err != nil {
			return nil, fmt.Errorf("validate: %w", err)
		}
		line.Color, line.Width = lineColour, vg.Points(0.5)
		if band != 1 {
			line.Dashes = []vg.Length{vg.Points(2), vg.Points(2)}
		}
		p.Add(line)
	}
	for _, s := range []struct {
		at     plotter.XYs
		colour color.Color
	}{{info, infoColour}, {gate, gateColour}} {
		if len(s.at) == 0 {
			continue
		}
		dots, err := plotter.NewScatter(s.at)
		if err != nil {
			return nil, fmt.Errorf("validate: %w", err)
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: s.colour, Radius: vg.Points(1.3), Shape: draw.CircleGlyph{}}
		p.Add(dots)
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, lo, hi
	return p, nil
}

// decades marks powers of ten, and where an axis has fewer than two of them also twos and
// fives.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(lo, hi float64) []plot.Tick {
	steps := []float64{1}
	if math.Log10(hi/lo) < 2 {
		steps = []float64{1, 2, 5}
	}
	var out []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, s := range steps {
			if v := s * math.Pow(10, e); v >= lo && v <= hi {
				out = append(out, plot.Tick{Value: v, Label: fmt.Sprintf("%.4g", v)})
			}
		}
	}
	return out
}
