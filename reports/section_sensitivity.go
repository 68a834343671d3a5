package reports

import (
	"math"
	"sort"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// maxTornado is the most inputs that the tornado shows.
const maxTornado = 10

func sensitivitySection(run *result.Run) (section, bool) {
	s := section{id: "sensitivity", number: "8", name: "Sensitivity"}
	if len(run.Tornado) == 0 {
		return refused(run, nil, s, "sensitivity")
	}
	f, rows := tornadoFigure(run)
	s.body = f.HTML()
	s.question = "Which assumption could change the decision? Each is moved across its own 90 % range, the others held. " + upperFirst(costUnit(rows[0])) + "."
	top := rows[0]
	s.finding = upperFirst(clip(top.Input, 34)) + " moves the cost most, by " + number.Of(swing(top), unitOrUSD(top))
	if top.Base > 0 {
		s.finding = upperFirst(clip(top.Input, 34)) + " moves the cost most, by " + number.Percent(swing(top)/top.Base)
	}
	return s, true
}

func costUnit(r result.TornadoRow) string {
	return number.For(r.Base, r.Base, r.Base, unitOrUSD(r)).Unit
}

func unitOrUSD(r result.TornadoRow) string {
	if r.CostUnit == "" {
		return "USD"
	}
	return r.CostUnit
}

func swing(r result.TornadoRow) float64 { return math.Abs(r.AtHigh - r.AtLow) }

func tornadoFigure(run *result.Run) (figure.Figure, []result.TornadoRow) {
	rows := append([]result.TornadoRow(nil), run.Tornado...)
	sort.SliceStable(rows, func(i, j int) bool { return swing(rows[i]) > swing(rows[j]) })
	if len(rows) > maxTornado {
		rows = rows[:maxTornado]
	}
	lo, hi := rows[0].Base, rows[0].Base
	for _, r := range rows {
		lo = math.Min(lo, math.Min(r.AtLow, r.AtHigh))
		hi = math.Max(hi, math.Max(r.AtLow, r.AtHigh))
	}
	base := rows[0].Base
	format := number.For(base, base, base, unitOrUSD(rows[0]))
	pad := (hi - lo) * 0.04
	a := figure.Linear(lo-pad, hi+pad)
	f := figure.Figure{ID: "sensitivity", Title: "What moves the unit cost", LabelRem: 17, ValueRem: 6.4, PrintLabelRem: 15.5, PrintValueRem: 5.6}
	for _, r := range rows {
		input := number.ShortInterval(r.Low, r.High, r.Unit)
		from, to := math.Min(r.AtLow, r.AtHigh), math.Max(r.AtLow, r.AtHigh)
		value := (number.Format{Div: format.Div, Decimals: format.Decimals}).Interval(from, to)
		d := figure.Drawing{Height: 14, Label: r.Input + " from " + input + ": cost " + value}
		b := a.At(r.Base)
		if from < r.Base {
			d.Rect(a.At(from), 2, b-a.At(from), 10, "usd2")
		}
		if to > r.Base {
			x := math.Max(a.At(math.Max(from, r.Base)), b)
			d.Rect(x, 2, a.At(to)-x, 10, "usd")
		}
		d.Line(b, -3, b, 17, "ink", 1)
		f.Rows = append(f.Rows, figure.Row{Label: r.Input, LabelNote: input, Value: value, Draw: d})
	}
	dec := tickDecimals(a, format.Div)
	f.Rows = append(f.Rows, a.Draw(func(v float64) string { return number.Format{Div: format.Div, Decimals: dec}.With(v) }))
	f.Caption = "Light: cheaper than the base case of " + format.With(base) + ". Dark: dearer."
	return f, rows
}
