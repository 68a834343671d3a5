package reports

import (
	"sort"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// scatterPoint is one design in the plane of two metrics.
type scatterPoint struct {
	name   string
	x, y   result.Number
	chosen bool
	front  bool // joined by a line; where no point says so, those that none beats are
}

const scatterHeight = 260.0

// scatterFigure draws designs with crosses of 90 % and joins the efficient ones. Less of
// x is better; of y more is, unless lessY.
func scatterFigure(points []scatterPoint, xName, yName string, lessY bool) figure.Figure {
	lo, hi := points[0], points[0]
	for _, p := range points {
		lo.x.Value, hi.x.Value = min(lo.x.Value, p.x.Low), max(hi.x.Value, p.x.High)
		lo.y.Value, hi.y.Value = min(lo.y.Value, p.y.Low), max(hi.y.Value, p.y.High)
	}
	spare := func(a, b float64) (float64, float64) { d := (b - a) * 0.06; return a - d, b + d }
	ax, bx := spare(lo.x.Value, hi.x.Value)
	ay, by := spare(lo.y.Value, hi.y.Value)
	x, y := scatterAxis(lo.x.Value, hi.x.Value, ax, bx), scatterAxis(lo.y.Value, hi.y.Value, ay, by)
	at := func(v float64) float64 { return scatterHeight * (1 - y.At(v)/100) }
	d := figure.Drawing{Height: scatterHeight + 4, Label: yName + " against " + xName}
	for _, t := range y.Ticks {
		d.Line(0, at(t), 100, at(t), "hair", 1)
		d.Text(0, at(t)-3, 0, figure.Start, number.Of(t, points[0].y.Unit))
	}
	given := false
	for _, p := range points {
		given = given || p.front
	}
	front := make([]scatterPoint, 0, len(points))
	for _, p := range points {
		if given && p.front || !given && !beaten(p, points, lessY) {
			front = append(front, p)
		}
	}
	sort.SliceStable(front, func(a, b int) bool { return front[a].x.Value < front[b].x.Value })
	for i := 1; i < len(front); i++ {
		d.Line(x.At(front[i-1].x.Value), at(front[i-1].y.Value), x.At(front[i].x.Value), at(front[i].y.Value), "comp2", 1.5)
	}
	for _, p := range points {
		if hasInterval(p.x) {
			d.Line(x.At(p.x.Low), at(p.y.Value), x.At(p.x.High), at(p.y.Value), "faint", 1)
		}
		if hasInterval(p.y) {
			d.Line(x.At(p.x.Value), at(p.y.Low), x.At(p.x.Value), at(p.y.High), "faint", 1)
		}
		paint := figure.Paint("comp")
		if p.chosen {
			paint = "usd"
		}
		d.Dot(x.At(p.x.Value), at(p.y.Value), 4, paint)
		if p.name != "" {
			anchor, dx := figure.Start, 7.0
			if x.At(p.x.Value) > 80 {
				anchor, dx = figure.End, -7
			}
			d.Text(x.At(p.x.Value), at(p.y.Value)-5, dx, anchor, p.name)
			d.Strong()
		}
	}
	fx := number.For(hi.x.Value, hi.x.Value, hi.x.Value, points[0].x.Unit)
	if u := strings.Fields(fx.Unit); len(u) > 1 {
		fx.Unit = u[0] // the caption says the rest
	}
	axis := x.Draw(func(v float64) string { return fx.With(v) })
	return figure.Figure{NoValues: true, Rows: []figure.Row{{Draw: d}, {Draw: axis.Draw}}, Caption: "Right: " + xName + ". Up: " + yName + ". Designs that no other beats in both are joined."}
}

// wideRange is from which ratio of its ends an axis is logarithmic.
const wideRange = 30

func scatterAxis(lo, hi, from, to float64) figure.Axis {
	if lo > 0 && hi/lo > wideRange {
		return figure.Log10(lo, hi, 5)
	}
	return figure.Linear(from, to)
}

func beaten(p scatterPoint, points []scatterPoint, lessY bool) bool {
	sign := 1.0
	if lessY {
		sign = -1
	}
	for _, q := range points {
		if q.x.Value <= p.x.Value && sign*q.y.Value >= sign*p.y.Value && (q.x.Value < p.x.Value || sign*q.y.Value > sign*p.y.Value) {
			return true
		}
	}
	return false
}
