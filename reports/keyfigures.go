package reports

import (
	"math"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// keyFigure is one cell of the row of key figures.
type keyFigure struct {
	name    string
	number  result.Number
	step    bool   // seconds stay seconds
	none    string // what stands in place of a value: "no data", "no prices given", "n/a"
	context string
	limit   float64 // goal or limit, in the number's unit
	limited bool
}

// keyFigures are the six (or four) numbers of a workload's first page.
func keyFigures(run *result.Run, w *result.Workload) []keyFigure {
	if w.Kind == "serving" {
		return servingFigures(run, w)
	}
	return trainingFigures(run, w)
}

// key looks a metric up; an absent one is a cell that says so.
func key(run *result.Run, w *result.Workload, name string, keys ...string) keyFigure {
	_, n, ok := first(run, w, keys...)
	k := keyFigure{name: name, number: n}
	if !ok {
		k.none = number.NoData
	}
	return k
}

func trainingFigures(run *result.Run, w *result.Workload) []keyFigure {
	amount := key(run, w, "Trained", result.MetricTokens, result.MetricSamples, result.MetricSteps)
	if what, _, ok := first(run, w, result.MetricTokens, result.MetricSamples, result.MetricSteps); ok {
		amount.name = upperFirst(metricName(what))
		if d, ok := metric(run, w, result.MetricDuration); ok {
			amount.name += " in " + spanText(d)
		}
	}
	if r, ok := metric(run, w, result.MetricTokensPerSec); ok {
		amount.context = valueText(r)
	} else if s, ok := metric(run, w, result.MetricSteps); ok {
		amount.context = number.Int(int(s.Value)) + number.Gap + "steps"
	}

	step := key(run, w, "Step time", result.MetricStepTime)
	step.step = true
	var about []string
	if f, ok := metric(run, w, result.MetricModelFlopsPerGPU); ok {
		about = append(about, valueText(f))
	}
	if m, ok := metric(run, w, result.MetricMFU); ok {
		about = append(about, "MFU "+number.Percent(m.Value))
	}
	step.context = strings.Join(about, ", ")

	good := key(run, w, "Goodput", result.MetricGoodput)
	if h, ok := metric(run, w, result.MetricGPUHours); ok {
		good.context = "of " + number.Of(h.Value, "GPU-h")
	}
	list := []keyFigure{amount, step, good, costFigure(run, w, result.MetricCostPerMTokens)}
	return append(list, plantFigures(run, w)...)
}

func servingFigures(run *result.Run, w *result.Workload) []keyFigure {
	capacity := key(run, w, "Capacity within SLO", result.MetricCapacity)
	if o, ok := metric(run, w, result.MetricOffered); ok {
		capacity.context = "asked for " + valueText(o)
		capacity.limit, capacity.limited = o.Value, capacity.none == ""
		if capacity.none != "" {
			capacity = key(run, w, "Load served", result.MetricOffered)
			capacity.context = number.Int(w.Requests) + number.Gap + "requests"
		}
	}
	ttft := key(run, w, "TTFT p95", result.MetricTTFTP95)
	tpot := key(run, w, "Time per token p95", result.MetricTPOTP95)
	if w.Serving != nil {
		for _, r := range w.Serving.Latency {
			if r.Class != "" {
				continue
			}
			switch latencyKind(r.Name) {
			case "ttft":
				ttft = withLimit(ttft, r)
			case "tpot":
				tpot = withLimit(tpot, r)
			}
		}
	}
	att := key(run, w, "SLO attainment", result.MetricAttainment)
	att.context = "of " + number.Int(w.Requests) + number.Gap + "requests"
	list := []keyFigure{capacity, ttft, tpot, att}
	cost := key(run, w, "Cost", result.MetricCostPerMOutput, result.MetricCostPerMTokens, result.MetricCostPerMRequest)
	if what, n, ok := first(run, w, result.MetricCostPerMOutput, result.MetricCostPerMTokens, result.MetricCostPerMRequest); ok {
		n.Unit = "USD"
		cost.number = n
		cost.context = strings.TrimPrefix(metricName(what), "USD ")
	}
	if run.Ledger.NoPrices != "" {
		cost.none = "no prices given"
		cost.context = ""
	}
	plant := plantFigures(run, w)
	return append(list, cost, plant[len(plant)-1])
}

// latencyKind tells the latency rows apart by their names.
func latencyKind(name string) string {
	n := strings.ToLower(name)
	switch {
	case strings.Contains(n, "first token"), strings.Contains(n, "ttft"):
		return "ttft"
	case strings.Contains(n, "per output token"), strings.Contains(n, "per token"), strings.Contains(n, "tpot"):
		return "tpot"
	}
	return "request"
}

func withLimit(k keyFigure, r result.LatencyRow) keyFigure {
	if k.none != "" && r.P95 > 0 { // the row has it even where the metrics do not
		k.none = ""
		k.number = result.Number{Value: r.P95, Low: r.P95, High: r.P95, Unit: "s", NoInterval: "one simulation"}
	}
	var about []string
	if r.Limit > 0 {
		k.limit, k.limited = r.Limit/unitSeconds(k.number.Unit), true
		about = append(about, "limit "+limitText(r.Limit))
	}
	if r.P99 > 0 {
		about = append(about, "p99 "+number.Of(r.P99, "s"))
	}
	k.context = strings.Join(about, ", ")
	return k
}

// limitText prints a limit as it was most likely written: without idle zeros.
func limitText(sec float64) string {
	f := number.For(sec, sec, sec, "s")
	s := f.Value(sec)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s + number.Gap + f.Unit
}

func unitSeconds(unit string) float64 {
	switch unit {
	case "ms":
		return 1e-3
	case "us", "µs":
		return 1e-6
	}
	return 1
}

func costFigure(run *result.Run, w *result.Workload, unitKey string) keyFigure {
	k := keyFigure{name: "Cost of the run"}
	if run.Ledger.NoPrices != "" {
		k.none = "no prices given"
		return k
	}
	n, ok := costOf(run, w)
	if !ok {
		k.none = number.NoData
		return k
	}
	k.number = n
	if _, u, ok := first(run, w, unitKey, result.MetricCostPerMTokens, result.MetricCostPerMRequest); ok {
		k.context = valueText(u)
	}
	return k
}

// plantFigures are capital and power, of the workload or of the whole machine.
func plantFigures(run *result.Run, w *result.Workload) []keyFigure {
	var list []keyFigure
	c := keyFigure{name: "Capital"}
	switch {
	case run.Ledger.NoPrices != "":
		c.none = "no prices given"
	case run.Ledger.Mode == "rent":
		c.none, c.context = number.NA, "rented"
	default:
		_, n, ok := first(run, nil, result.MetricLedgerCapital)
		if !ok && run.Ledger.Capital.Value > 0 {
			n, ok = run.Ledger.Capital, true
		}
		if n.Unit == "" {
			n.Unit = "USD"
		}
		c.number = n
		if !ok || !finite(n.Value) {
			c.none = number.NoData
		}
		c.context = capitalSplit(run)
	}
	p := keyFigure{name: "Power"}
	_, n, ok := first(run, w, result.MetricPower)
	if !ok {
		_, n, ok = first(run, nil, result.MetricFacilityPower)
	}
	if !ok && run.Energy != nil {
		e := run.Energy
		n, ok = result.Number{Value: e.MWMean * 1e6, Low: e.Low * 1e6, High: e.High * 1e6, Unit: "W"}, true
		if e.Low == 0 && e.High == 0 {
			n.NoInterval = "not drawn"
		}
	}
	p.number = n
	if !ok {
		p.none = number.NoData
	}
	var about []string
	if run.Energy != nil && run.Energy.MWh > 0 {
		about = append(about, number.Of(run.Energy.MWh*1e6, "Wh"))
	}
	if len(run.Ledger.Carbon) > 0 {
		about = append(about, valueText(carbonUnit(run.Ledger.Carbon[0].Value)))
	}
	p.context = strings.Join(about, ", ")
	if w != nil && len(run.Workloads) > 1 {
		if _, ok := metric(run, w, result.MetricPower); !ok {
			return nil
		}
		p.context = ""
		return []keyFigure{p}
	}
	return append(list, c, p)
}

func carbonUnit(n result.Number) result.Number {
	if n.Unit == "" {
		n.Unit = "tCO2e"
	}
	return n
}

// capitalSplit says how much of the capital is machines and how much building.
func capitalSplit(run *result.Run) string {
	var it, facility float64
	for _, l := range run.Ledger.Lines {
		if l.Kind == result.KindFacility {
			facility += l.CapexUSD
		} else {
			it += l.CapexUSD
		}
	}
	switch {
	case it > 0 && facility > 0:
		return number.Of(it, "") + " IT, " + number.Of(facility, "") + " facility"
	case it > 0:
		return "all of it IT"
	}
	return ""
}

// keys writes the row of key figures and the legend of marks.
func (p *page) keys(list []keyFigure, uncalibrated bool) {
	class := "keys"
	switch len(list) {
	case 4:
		class += " k4"
	case 5:
		class += " k5"
	}
	p.raw(`<div class="`, class, `">`)
	for _, k := range list {
		p.raw(`<div class="key"><div class="k"><span>`, esc(k.name), "</span>")
		if k.none == "" {
			p.raw(mark(pedigreeOf(k.number)))
		}
		p.raw("</div>")
		if k.none != "" {
			p.raw(`<div class="v non">`, esc(k.none), "</div>")
			if k.context != "" {
				p.raw("<div>", esc(k.context), "</div>")
			}
			p.raw("</div>")
			continue
		}
		f := k.format()
		p.raw(`<div class="v">`, esc(f.Value(k.number.Value)), " <small>", esc(f.Unit), "</small></div><div>")
		if hasInterval(k.number) {
			p.raw(esc(f.Interval(k.number.Low, k.number.High)))
		} else {
			p.raw(esc(intervalText(k.number)))
		}
		p.raw("</div>", k.strip(uncalibrated).HTML())
		p.raw("<div>", esc(k.context), "</div></div>")
	}
	p.raw("</div>\n<div class=\"leg marks\">")
	for _, k := range pedigreeOrder {
		p.raw("<span>", mark(k), pedigreeNames[k], "</span>")
	}
	p.raw("<span>mark of the kind that carries most of the interval; intervals are 90&#8239;%</span></div>\n")
}

func (k keyFigure) format() number.Format {
	if k.step {
		lo, hi := k.number.Low, k.number.High
		if !hasInterval(k.number) {
			lo, hi = k.number.Value, k.number.Value
		}
		return number.Step(k.number.Value, lo, hi)
	}
	return formatOf(k.number)
}

// stripPad is the free part on either side of an interval, of its width.
const stripPad = 0.6

// strip draws the interval as a line with its value as a dot and the limit as a
// red tick, each on a scale of its own.
func (k keyFigure) strip(hatched bool) figure.Drawing {
	d := figure.Drawing{Height: 14}
	n := k.number
	lo, hi := n.Low, n.High
	if !hasInterval(n) {
		lo, hi = n.Value, n.Value
	}
	f := k.format()
	d.Label = k.name + " " + f.With(n.Value) + ", " + intervalText(n)
	from, to := math.Min(lo, n.Value), math.Max(hi, n.Value)
	if k.limited {
		d.Label += ", limit " + f.With(k.limit)
		from, to = math.Min(from, k.limit), math.Max(to, k.limit)
	}
	span := to - from
	if span <= 0 {
		span = math.Max(math.Abs(n.Value)*0.1, 1e-12)
	}
	a := figure.Axis{Low: from - span*stripPad, High: to + span*stripPad}
	d.Line(0, 7, 100, 7, "rule", 1)
	if hasInterval(n) {
		paint := figure.Paint("comp2")
		if hatched {
			paint = figure.Hatch
		}
		d.Rect(a.At(lo), 4.5, a.At(hi)-a.At(lo), 5, paint)
	}
	if k.limited {
		x := a.At(k.limit)
		d.Line(x, 0, x, 14, "fail", 1.6)
	}
	d.Dot(a.At(n.Value), 7, 4, "ink")
	return d
}

// uncalibrated says that a banner withholds trust in the chip's numbers.
func uncalibrated(run *result.Run) bool {
	for _, b := range run.Banners {
		if strings.HasPrefix(b, "No measurements of") {
			return true
		}
	}
	return false
}
