package reports

import (
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// Caps of the first page.
const (
	maxLimits   = 9
	maxLevers   = 4
	maxNotWorth = 3
	maxBars     = 3
)

// summary is the rest of a workload's first page under the verdict.
func (p *page) summary(run *result.Run, w *result.Workload) {
	p.keys(keyFigures(run, w), uncalibrated(run))
	if w.Kind == "serving" && w.Serving != nil {
		p.servingPage(run, w)
	}
	single := len(run.Workloads) == 1
	left := &page{}
	if f, ok := limitsFigure(run, w); ok {
		left.raw("<h3>What limits it: ", esc(gainTitle(run, w)), "</h3>", f.HTML())
	}
	right, below := &page{}, &page{}
	if single && len(run.Levers) > 0 {
		right.levers("What to change", "act", run.Levers, objective(run), maxLevers, true)
		if len(run.NotWorth) > 0 {
			below.levers("What not to buy", "act no", run.NotWorth, objective(run), maxNotWorth, false)
		}
	} else if f, ok := boundFigure(run, w); ok {
		right.raw("<h3>What bounds the time on the critical path</h3>", f.HTML())
	}
	if left.Len()+right.Len() > 0 {
		p.raw(`<div class="two sum">`)
		for _, side := range []*page{left, right, below} {
			if side.Len() > 0 {
				p.raw("<div>", side.String(), "</div>")
			}
		}
		p.raw("</div>\n")
	}
	if single {
		p.where(run)
	}
}

// gainTitle says what the elasticities are gains of.
func gainTitle(run *result.Run, w *result.Workload) string {
	list := elasticities(run, w)
	step := 0.10
	if len(list) > 0 {
		step = list[0].Step
	}
	verb := " gained from "
	if lesser(w.Objective) {
		verb = " saved by "
	}
	return metricName(w.Objective) + verb + number.Format{Div: 0.01, Unit: "%"}.With(step) + " more of each"
}

// limitsFigure is the row chart of elasticities, largest first, zeros kept.
func limitsFigure(run *result.Run, w *result.Workload) (figure.Figure, bool) {
	list := elasticities(run, w)
	if len(list) == 0 {
		return figure.Figure{}, false
	}
	all := list
	if len(list) > maxLimits {
		list = list[:maxLimits]
	}
	low, high := 0.0, 0.001
	for _, e := range list {
		low = math.Min(low, math.Min(e.Gain.Value, lowOf(e.Gain)))
		high = math.Max(high, math.Max(e.Gain.Value, highOf(e.Gain)))
	}
	a := figure.Linear(low, high)
	f := figure.Figure{ID: "limits-" + w.ID, Title: "What limits it: " + gainTitle(run, w),
		LabelRem: 12, ValueRem: 3.8, PrintLabelRem: 9.8, PrintValueRem: 3.2}
	for _, e := range list {
		value := number.ChangeFine(e.Gain.Value)
		d := figure.Drawing{Height: 14, Label: e.Name + ": " + value + ", 90 % interval " + intervalText(e.Gain)}
		x0, x := a.At(0), a.At(e.Gain.Value)
		d.Rect(math.Min(x0, x), 2, math.Max(math.Abs(x-x0), 0.35), 10, figure.Paint(resourceKind(e.Resource)))
		whisker(&d, a, e.Gain, 7)
		f.Rows = append(f.Rows, figure.Row{Label: e.Name, Value: value, Draw: d})
	}
	f.Rows = append(f.Rows, a.Draw(func(v float64) string {
		return number.Format{Div: 0.01, Unit: "%", Decimals: tickDecimals(a, 0.01)}.With(v)
	}))
	f.Caption = limitsCaption(all)
	return f, true
}

// whisker draws a 90 % interval over a bar.
func whisker(d *figure.Drawing, a figure.Axis, n result.Number, y float64) {
	if hasInterval(n) {
		d.Line(a.At(n.Low), y, a.At(n.High), y, "ink", 1.5)
	}
}

func lowOf(n result.Number) float64 {
	if hasInterval(n) {
		return n.Low
	}
	return n.Value
}

func highOf(n result.Number) float64 {
	if hasInterval(n) {
		return n.High
	}
	return n.Value
}

// tickDecimals is how many decimals the ticks of an axis need in units of div.
func tickDecimals(a figure.Axis, div float64) int {
	for d := 0; d < 4; d++ {
		ok := true
		for _, t := range a.Ticks {
			x := t / div * math.Pow10(d)
			if math.Abs(x-math.Round(x)) > 1e-6 {
				ok = false
			}
		}
		if ok {
			return d
		}
	}
	return 4
}

// limitsCaption says which resource limits, by the rule that its interval must
// not overlap the next one's, and what is free.
func limitsCaption(list []result.Elasticity) string {
	var b strings.Builder
	b.WriteString("One change at a time, re-simulated with the same random draws; whiskers are 90 % intervals.")
	switch {
	case list[0].Gain.Value <= freeShare:
		b.WriteString(" None of them limits this design.")
	case len(list) == 1 || lowOf(list[0].Gain) > highOf(list[1].Gain):
		b.WriteString(" " + upperFirst(list[0].Name) + " limits this design.")
	default:
		b.WriteString(" " + upperFirst(list[0].Name) + " and " + lowerFirst(list[1].Name) + " limit it together.")
	}
	var free []string
	for _, e := range list {
		if e.Free {
			free = append(free, lowerFirst(e.Name))
		}
	}
	if len(free) > 0 {
		b.WriteString(" Do not spend on " + listed(free) + " for this: more gains nothing.")
	}
	return b.String()
}

// listed joins names as a sentence does.
func listed(s []string) string {
	switch len(s) {
	case 0:
		return ""
	case 1:
		return s[0]
	}
	return strings.Join(s[:len(s)-1], ", ") + " or " + s[len(s)-1]
}

// boundFigure is the share of the critical path by the resource that bounds it.
func boundFigure(run *result.Run, w *result.Workload) (figure.Figure, bool) {
	f := figure.Figure{ID: "bound-" + w.ID, Title: "What bounds the time on the critical path",
		LabelRem: 12, ValueRem: 4.2, PrintLabelRem: 9.8, PrintValueRem: 3.4}
	var list []result.Bottleneck
	var top float64
	for _, b := range run.Bottlenecks {
		if b.Workload == w.ID && finite(b.Share) {
			list = append(list, b)
			top = math.Max(top, b.Share)
		}
	}
	if len(list) == 0 {
		return f, false
	}
	if len(list) > maxLimits {
		list = list[:maxLimits]
	}
	a := figure.Linear(0, math.Max(top, 0.001))
	for _, b := range list {
		v := number.Format{Div: 0.01, Unit: "%", Decimals: 1}.With(b.Share)
		d := figure.Drawing{Height: 14, Label: b.Name + ": " + v + " of the critical path"}
		d.Rect(0, 2, math.Max(a.At(b.Share), 0.35), 10, paintOf(b.Kind, b.Kind == result.KindWait))
		f.Rows = append(f.Rows, figure.Row{Label: b.Name, Value: v, Draw: d})
	}
	f.Rows = append(f.Rows, a.Draw(func(v float64) string {
		return number.Format{Div: 0.01, Unit: "%", Decimals: tickDecimals(a, 0.01)}.With(v)
	}))
	f.Caption = "Each second of the critical path counts for the one resource that bounds it. A large share is not yet a gain: what more of it buys is beside."
	return f, true
}

// paintOf is a kind's colour, hatched where it waits.
func paintOf(k result.Kind, hatch bool) figure.Paint {
	if hatch {
		return figure.Hatch
	}
	if _, ok := kindNames[k]; !ok {
		return "wait"
	}
	return figure.Paint(k)
}

// levers writes a ranked list of changes.
func (p *page) levers(title, class string, list []result.Lever, key string, most int, together bool) {
	p.raw("<h3>", title, `</h3><ol class="`, class, `">`)
	n := 0
	for _, l := range list {
		if l.Together || n == most {
			continue
		}
		n++
		p.lever(l, key, "")
	}
	for _, l := range list {
		if l.Together && together {
			p.lever(l, key, ` class="all"`)
		}
	}
	p.raw("</ol>\n")
}

func (p *page) lever(l result.Lever, key, class string) {
	detail := []string{upperFirst(capital(l.CapitalUSD)) + "."}
	if l.Detail != "" {
		detail = append(detail, upperFirst(sentence(l.Detail)))
	}
	if l.Condition != "" {
		detail = append(detail, sentence(upperFirst(l.Condition)))
	}
	p.raw("<li", class, "><div><b>", esc(l.Action), "</b><small>", esc(strings.Join(detail, " ")), `</small></div><div class="g">`,
		esc(number.ChangeFine(l.ObjectiveGain.Value)+" "+gainNoun(key)), "<small>")
	if finite(l.UnitCostChange.Value) {
		p.raw(esc(number.ChangeFine(l.UnitCostChange.Value) + " unit cost"))
	}
	p.raw("</small></div></li>\n")
}

// where draws the three 100 % bars from step to goodput to cost.
func (p *page) where(run *result.Run) {
	f, ok := whereFigure(run)
	if ok {
		p.raw(`<div class="where"><h3>Where it goes</h3>`, f.HTML(), "</div>\n")
	}
}

func whereFigure(run *result.Run) (figure.Figure, bool) {
	f := figure.Figure{ID: "where", Title: "Where it goes", LabelRem: 10.2, PrintLabelRem: 8.6, NoValues: true}
	for i, bar := range run.Where {
		if i == maxBars {
			break
		}
		shares := make([]float64, len(bar.Parts))
		for j, s := range bar.Parts {
			shares[j] = s.Share
		}
		text := number.Percents(shares, 0)
		d := figure.Drawing{Height: 16}
		var legend []figure.Key
		var said []string
		x := 0.0
		for j, s := range bar.Parts {
			paint := paintOf(s.Kind, s.Hatch)
			if s.Kind == "" && strings.HasPrefix(strings.ToLower(s.Name), "useful") {
				paint = "ink"
			}
			d.Rect(x, 0, math.Max(s.Share*100-0.15, 0), 16, paint)
			x += s.Share * 100
			legend = append(legend, figure.Key{Name: s.Name + " " + text[j], Paint: paint})
			said = append(said, s.Name+" "+text[j])
		}
		d.Label = bar.Name + ": " + strings.Join(said, ", ")
		f.Rows = append(f.Rows, figure.Row{Label: bar.Name, Draw: d, Legend: legend})
	}
	return f, len(f.Rows) > 0
}

// clusterPage is the first page of a run with several workloads.
func (p *page) clusterPage(run *result.Run) {
	p.verdict(clusterVerdict(run))
	list := plantFigures(run, nil)
	cost := keyFigure{name: "Cost of the period", number: run.Ledger.TotalUSD, context: run.Ledger.Period}
	if cost.number.Unit == "" {
		cost.number.Unit = "USD"
	}
	switch {
	case run.Ledger.NoPrices != "":
		cost.none, cost.context = "no prices given", ""
	case len(run.Ledger.Lines) == 0 || !finite(cost.number.Value):
		cost.none = number.NoData
	}
	energy := keyFigure{name: "Energy at the meter"}
	if _, n, ok := first(run, nil, result.MetricFacilityEnergy); ok {
		energy.number = n
	} else if run.Energy != nil {
		energy.number = result.Number{Value: run.Energy.MWh, Low: run.Energy.MWh, High: run.Energy.MWh, Unit: "MWh", NoInterval: "that of power holds"}
		if n, ok := metric(run, nil, result.MetricFacilityPower); ok {
			energy.number.Pedigree, energy.number.PedigreeShares = n.Pedigree, n.PedigreeShares
		}
	} else {
		energy.none = number.NoData
	}
	p.keys(append([]keyFigure{cost}, append(list, energy)...), uncalibrated(run))
	p.raw(`<div class="where"><h3>What each workload gets</h3>`)
	var rows []tableRow
	for i := range run.Workloads {
		w := &run.Workloads[i]
		what, res := "", number.NoData
		key, n, ok := first(run, w, result.MetricCapacity, result.MetricTokens, result.MetricSamples, result.MetricSteps, result.MetricOffered)
		if ok {
			what, res = metricName(key), valueText(n)
			if strings.Contains(res, what) {
				what = ""
			}
		}
		useful := number.NA
		if _, n, ok := first(run, w, result.MetricGoodput, result.MetricAttainment); ok {
			useful = valueText(n)
			if w.Kind == "serving" {
				useful += " within SLO"
			} else {
				useful += " goodput"
			}
		}
		money := number.NoData
		if run.Ledger.NoPrices != "" {
			money = "no prices given"
		} else if n, ok := metric(run, w, result.MetricCost); ok {
			money = valueText(n)
		}
		limit := number.NoData
		if es := elasticities(run, w); len(es) > 0 {
			limit = es[0].Name + " " + number.ChangeFine(es[0].Gain.Value)
		}
		rows = append(rows, cells(noted(clip(w.ID, 60), w.Kind), noted(res, what), txt(useful), txt(money), txt(limit)))
	}
	p.table("", []column{{head: "Workload"}, {head: "result", number: true}, {head: "useful share", number: true}, {head: "cost", number: true},
		{head: "most gained from 10 % more of", number: true, wide: true}}, rows)
	p.raw("</div>\n")
	p.where(run)
}

func clusterVerdict(run *result.Run) words {
	var v words
	if !run.Complete {
		v.say("The run was stopped, so there is no verdict; the figures below are of the part that was simulated.")
		return v
	}
	m := machineOf(run)
	v.say("The " + m + " " + verb(m, "carry") + " ")
	if strings.HasSuffix(v.String(), "carrys ") {
		v[0].text = strings.TrimSuffix(v[0].text, "carrys ") + "carries "
	}
	v.strong(number.Int(len(run.Workloads)) + " workloads")
	if run.Ledger.Period != "" {
		v.say(" over " + run.Ledger.Period)
	}
	switch {
	case run.Ledger.NoPrices != "":
		v.say("; no prices are given")
	case len(run.Ledger.Lines) > 0 && finite(run.Ledger.TotalUSD.Value):
		n := run.Ledger.TotalUSD
		if n.Unit == "" {
			n.Unit = "USD"
		}
		v.say(" for ")
		v.strong(valueText(n))
	}
	v.say(". No goal is set.")
	for i := range run.Workloads {
		w := &run.Workloads[i]
		es := elasticities(run, w)
		if len(es) == 0 || es[0].Gain.Value <= freeShare {
			continue
		}
		before := len(v)
		v.say(" " + upperFirst(clip(w.ID, 40)) + " gains ")
		v.strong(number.ChangeFine(es[0].Gain.Value) + " " + gainNoun(es[0].Metric))
		v.say(" from " + number.Format{Div: 0.01, Unit: "%"}.With(es[0].Step) + " more " + lowerFirst(es[0].Name) + ".")
		if v.count() > longestVerdict {
			v = v[:before]
			break
		}
	}
	return v
}
