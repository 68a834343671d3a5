package reports

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// WriteSweep writes the tables and pages of a sweep. The same sweep gives the same bytes.
func WriteSweep(dir string, s *result.Sweep, csv, parquet []byte) (Written, error) {
	data, err := jsonFile(ResultFile, s)
	if err != nil {
		return Written{}, err
	}
	return writeStudy(dir, []file{data, {"sweep.csv", csv}, {"sweep.parquet", parquet}, {ReportFile, SweepHTML(s)}, {ExploreFile, SweepExplore(s)}})
}

// sweepView is what a sweep's pages look at: what it costs, and what it does.
type sweepView struct {
	cost, does string // metric keys; empty where there is none
	ok         []int  // points that could be built
}

// view picks the metrics that a reader decides by.
func view(s *result.Sweep) sweepView {
	v := sweepView{}
	for i, p := range s.Points {
		if p.Status == "ok" {
			v.ok = append(v.ok, i)
		}
	}
	pick := func(tails ...string) string {
		for _, tail := range tails {
			for _, m := range s.Metrics {
				if m.Key == tail || strings.HasSuffix(m.Key, "."+tail) {
					return m.Key
				}
			}
		}
		return ""
	}
	v.cost = pick(result.MetricCostPerMOutput, result.MetricCostPerMTokens, result.MetricCostPerMRequest, result.MetricLedgerTotal)
	v.does = pick(result.MetricCapacity, result.MetricTTFTP95, result.MetricTokensPerSec, result.MetricLatencyP95, result.MetricStepTime)
	return v
}

// value is a metric of a point, NaN where it has none.
func value(s *result.Sweep, i int, key string) float64 {
	if n, ok := s.Points[i].Values[key]; ok {
		return n.Value
	}
	return math.NaN()
}

func unitOf(s *result.Sweep, key string) string {
	for _, m := range s.Metrics {
		if m.Key == key {
			return m.Unit
		}
	}
	return ""
}

// ranked are the points that have the metric, best first.
func ranked(s *result.Sweep, v sweepView, key string) []int {
	var out []int
	for _, i := range v.ok {
		if !math.IsNaN(value(s, i, key)) {
			out = append(out, i)
		}
	}
	sign := 1.0
	if !lesser(key) && !strings.HasPrefix(key, "ledger.") && !strings.HasPrefix(key, "facility.") {
		sign = -1
	}
	sort.SliceStable(out, func(a, b int) bool { return sign*value(s, out[a], key) < sign*value(s, out[b], key) })
	return out
}

// SweepText is a sweep for a terminal.
func SweepText(s *result.Sweep) string {
	v := view(s)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d points over %s, %d futures each; %d cannot be built\n", clip(s.Name, longestTitle), len(s.Points), strings.Join(titles(s), ", "), s.Replicas, len(s.Points)-len(v.ok))
	for _, r := range reasons(s) {
		fmt.Fprintf(&b, "  %s\n", r)
	}
	for _, key := range []string{v.cost, v.does} {
		if key == "" {
			continue
		}
		fmt.Fprintf(&b, "\nBest by %s\n", key)
		for k, i := range ranked(s, v, key) {
			if k == 5 {
				break
			}
			fmt.Fprintf(&b, "  %6d  %s  %s\n", i, pad(valueText(s.Points[i].Values[key]), 24), strings.Join(labelled(s, i), ", "))
		}
	}
	return ascii(b.String())
}

func titles(s *result.Sweep) []string {
	out := make([]string, len(s.Variables))
	for i, v := range s.Variables {
		out[i] = v.Title
	}
	return out
}

func labelled(s *result.Sweep, i int) []string {
	out := make([]string, len(s.Variables))
	for k, v := range s.Variables {
		out[k] = v.Title + " " + s.Points[i].Labels[k]
	}
	return out
}

// reasons counts why points cannot be built, the commonest first.
func reasons(s *result.Sweep) []string {
	count := map[string]int{}
	var order []string
	for _, p := range s.Points {
		if p.Status != "ok" {
			if count[p.Reason] == 0 {
				order = append(order, p.Reason)
			}
			count[p.Reason]++
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return count[order[a]] > count[order[b]] })
	var out []string
	for k, r := range order {
		if k == 5 {
			out = append(out, fmt.Sprintf("and %d reasons more", len(order)-k))
			break
		}
		out = append(out, fmt.Sprintf("%d: %s", count[r], clip(r, 160)))
	}
	return out
}

// SweepHTML is the report of a sweep.
func SweepHTML(s *result.Sweep) []byte {
	v := view(s)
	p := sheet("aisim sweep", s.Name, []string{plural(len(s.Points), "point"), strings.Join(titles(s), " × "), fmt.Sprintf("%d futures each, seed %d", s.Replicas, s.Seed)})
	var say words
	best := ranked(s, v, v.cost)
	if len(best) > 0 {
		i := best[0]
		say.strong(upperFirst(strings.Join(labelled(s, i), ", ")) + " costs least: " + valueText(s.Points[i].Values[v.cost]) + ".")
		worst := best[len(best)-1]
		say.say(fmt.Sprintf(" The dearest point costs %s as much.", number.Of(value(s, worst, v.cost)/value(s, i, v.cost), "")+"×"))
	}
	if does := ranked(s, v, v.does); len(does) > 0 {
		i := does[0]
		say.say(" Best " + metricName(v.does) + ": " + valueText(s.Points[i].Values[v.does]) + " with " + strings.Join(labelled(s, i), ", ") + ".")
	}
	p.badge("", fmt.Sprintf("%d of %d points can be built", len(v.ok), len(s.Points)), say)
	if len(best) > 0 && v.does != "" {
		p.raw(`<div class="two"><div><h2 class="sub">Cost against result</h2>`)
		p.raw(scatterFigure(sweepScatter(s, v), rowName(v.cost), rowName(v.does), lesser(v.does)).HTML(), "</div><div>")
		p.effects(s, v)
		p.raw("</div></div>\n")
	}
	p.sweepTable(s, v, best)
	p.foot(&result.Run{Version: s.Version, Revision: s.Revision, Seed: s.Seed, Replicas: s.Replicas, Scenario: result.ScenarioRef{Source: s.Scenario.Name, SHA256: s.Scenario.SHA256}})
	if list := reasons(s); len(list) > 0 {
		var q page
		q.raw(`<ul class="warn">`)
		for _, r := range list {
			q.raw("<li>", esc(r), "</li>")
		}
		q.raw("</ul>")
		p.plain("Not built", fmt.Sprintf("%d points cannot be built", len(s.Points)-len(v.ok)), "What is in the way?", q.String())
	}
	return p.close("aisim " + s.Version + " · scenario sha256 " + short(s.Scenario.SHA256) + " · catalogue " + short(s.Catalogue.SHA256) + " · every number in sweep.csv and sweep.parquet")
}

// maxScatter bounds the dots of a static scatter; explore.html has them all.
const maxScatter = 600

func sweepScatter(s *result.Sweep, v sweepView) []scatterPoint {
	var all []scatterPoint
	for _, i := range v.ok {
		x, okX := s.Points[i].Values[v.cost]
		y, okY := s.Points[i].Values[v.does]
		if okX && okY {
			x.Low, x.High, y.Low, y.High = x.Value, x.Value, y.Value, y.Value // crosses would hide the dots
			all = append(all, scatterPoint{x: x, y: y})
		}
	}
	for i := range all {
		all[i].front = !beaten(all[i], all, lesser(v.does))
	}
	if len(all) <= maxScatter {
		return all
	}
	var out []scatterPoint
	for i, p := range all {
		if p.front || i%((len(all)+maxScatter-1)/maxScatter) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// effects shows for every variable the mean cost at each place, on one scale.
func (p *page) effects(s *result.Sweep, v sweepView) {
	p.raw(`<h2 class="sub">Mean `, esc(metricName(v.cost)), " by place</h2>")
	most := 0.0
	type row struct {
		label string
		mean  float64
	}
	var groups [][]row
	for k, va := range s.Variables {
		var rows []row
		for _, place := range va.Places {
			sum, n := 0.0, 0
			for _, i := range v.ok {
				if x := value(s, i, v.cost); s.Points[i].Labels[k] == place && !math.IsNaN(x) {
					sum, n = sum+x, n+1
				}
			}
			if n > 0 {
				rows = append(rows, row{place, sum / float64(n)})
				most = max(most, sum/float64(n))
			}
		}
		groups = append(groups, rows)
	}
	f := number.For(most, most, most, unitOf(s, v.cost))
	a := figure.Linear(0, most)
	fig := figure.Figure{LabelRem: 11, ValueRem: 8, PrintLabelRem: 9, PrintValueRem: 6.6}
	for k, rows := range groups {
		step := max(1, (len(rows)+5)/6)
		for i := 0; i < len(rows); i += step {
			r := rows[i]
			d := figure.Drawing{Height: 12, Label: s.Variables[k].Title + " " + r.label + ": " + f.With(r.mean)}
			d.Rect(0, 1, a.At(r.mean), 10, "usd")
			label := r.label
			if i == 0 {
				label = s.Variables[k].Title + ": " + r.label
			}
			fig.Rows = append(fig.Rows, figure.Row{Label: clip(label, 44), Value: f.With(r.mean), Draw: d})
		}
	}
	fig.Caption = "Over all points that can be built; what cannot be built at a place is not in its mean."
	p.raw(fig.HTML())
}

func (p *page) sweepTable(s *result.Sweep, v sweepView, best []int) {
	cols := []column{{head: "point"}}
	for _, t := range titles(s) {
		cols = append(cols, column{head: t})
	}
	keys := []string{}
	for _, k := range []string{v.cost, v.does, result.MetricLedgerTotal, result.MetricFacilityPower} {
		if k != "" && (len(keys) == 0 || !contains(keys, k)) && unitOf(s, k) != "" {
			keys = append(keys, k)
			cols = append(cols, column{head: rowName(k), number: true})
		}
	}
	var rows []tableRow
	for n, i := range best {
		if n == 10 {
			break
		}
		r := tableRow{cells: []cell{txt(number.Int(i))}}
		for _, l := range s.Points[i].Labels {
			r.cells = append(r.cells, txt(clip(l, 40)))
		}
		for _, k := range keys {
			r.cells = append(r.cells, txt(valueText(s.Points[i].Values[k])))
		}
		rows = append(rows, r)
	}
	if len(rows) > 0 {
		p.raw(`<h2 class="sub">The cheapest points</h2>`)
		p.table("", cols, rows)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
