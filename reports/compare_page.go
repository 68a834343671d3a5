package reports

import (
	"fmt"
	"strconv"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// WriteCompare writes a comparison into dir: result.json, report.html and a table.
func WriteCompare(dir string, c *result.Comparison, command string) (Written, error) {
	data, err := jsonFile(ResultFile, c)
	if err != nil {
		return Written{}, err
	}
	return writeStudy(dir, []file{data, {ReportFile, CompareHTML(c, command)}, csvFile(TablesDir+"/compare.csv", CompareCSV(c))})
}

// CompareHTML is the report of a comparison: a first page that decides, and the parts that
// the difference is made of.
func CompareHTML(c *result.Comparison, command string) []byte {
	title := compareTitle(c)
	p := sheet("aisim compare", title, []string{c.Designs[0].Scenario.Machine, fmt.Sprintf("paired: seed %d, the same draws of prices, efficiencies and failures in %s futures", c.Seed, number.Int(c.Replicas))})
	kind, text := "open", "? no clear preference"
	switch {
	case c.Decision.Preferred != "":
		kind, text = "", "✓ "+c.Decision.Preferred+" preferred, "+chance(c.Decision.Probability)
	case strings.HasPrefix(c.Decision.Text, "No difference"):
		text = "= no difference"
	}
	p.badge(kind, text, compareVerdict(c))
	p.compareTable(c)
	p.raw(`<div class="two">`)
	if len(c.Bridge) > 0 {
		p.bridges(c)
	} else {
		p.compareLedger(c)
	}
	p.raw("<div>")
	p.flips(c)
	p.raw("</div></div>\n")
	p.foot(&result.Run{Version: c.Version, Revision: c.Revision, Seed: c.Seed, Replicas: c.Replicas, Scenario: c.Designs[0].Scenario})
	if len(c.Designs) > 2 {
		p.scatter(c)
	}
	p.compareParts(c)
	if len(c.Changes) > 0 {
		cols := []column{{head: "key"}}
		for _, d := range c.Designs {
			cols = append(cols, column{head: d.Name})
		}
		var rows []tableRow
		for _, ch := range c.Changes {
			r := tableRow{cells: []cell{txt(ch.Key)}}
			for _, v := range orDefault(ch.Values) {
				r.cells = append(r.cells, txt(clip(v, 60)))
			}
			rows = append(rows, r)
		}
		var q page
		q.table("", cols, rows)
		p.plain("What differs", fmt.Sprintf("%s of the scenarios differ", plural(len(c.Changes), "key")), "What was changed?", q.String())
	}
	foot := "aisim " + c.Version
	for _, d := range c.Designs {
		foot += " · " + d.Name + " " + clip(d.Scenario.Source, 40) + " sha256 " + short(d.Scenario.SHA256)
	}
	if command != "" {
		foot += " · " + command
	}
	return p.close(foot)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number.Int(n) + " " + noun + "s"
}

// compareTitle names the designs, by what differs where their names do not.
func compareTitle(c *result.Comparison) string {
	if len(c.Designs) == 2 && c.Designs[0].Title != c.Designs[1].Title {
		return c.Designs[1].Title + " against " + c.Designs[0].Title
	}
	if len(c.Changes) > 0 && len(c.Changes) <= 2 {
		var what []string
		for _, ch := range c.Changes {
			what = append(what, ch.Key+" "+strings.Join(orDefault(ch.Values), " or "))
		}
		return c.Designs[0].Title + ": " + strings.Join(what, ", ")
	}
	return c.Designs[0].Title + ": " + plural(len(c.Designs), "design")
}

func compareVerdict(c *result.Comparison) words {
	var w words
	w.strong(strings.TrimSuffix(c.Decision.Text, ".") + ".")
	bridge, flips := spokenFor(c)
	if len(bridge) > 0 {
		most := bridge[0]
		for _, s := range bridge {
			if abs(s.Amount.Value) > abs(most.Amount.Value) {
				most = s
			}
		}
		w.say(" Most of it comes from the " + most.Cause + ": " + formatOf(most.Amount).Signed(most.Amount.Value) + ".")
	}
	if len(flips) > 0 {
		f := nearestFlip(flips)
		w.say(" The choice turns when the " + f.Input + " goes from " + number.Of(f.Now, f.Unit) + " to ")
		w.strong(number.Of(f.At, f.Unit))
		w.say(".")
	} else if c.Decision.Preferred != "" {
		w.say(" No price within five times its value turns the choice.")
	}
	for _, x := range c.Conditions {
		if x.Failed {
			w.strong(" ✗ " + x.Text + " holds for " + x.Design + ".")
		}
	}
	return w
}

// spokenFor are the causes and break-evens of the preferred design against A; where A is
// preferred, or none, those of all designs.
func spokenFor(c *result.Comparison) (bridge []result.BridgeStep, flips []result.Flip) {
	mine := func(design string) bool {
		return c.Decision.Preferred == "" || c.Decision.Preferred == "A" || design == c.Decision.Preferred
	}
	for _, s := range c.Bridge {
		if mine(s.Design) {
			bridge = append(bridge, s)
		}
	}
	for _, f := range c.Flips {
		if mine(f.Design) {
			flips = append(flips, f)
		}
	}
	return bridge, flips
}

func abs(x float64) float64 { return max(x, -x) }

func nearestFlip(list []result.Flip) result.Flip {
	best := list[0]
	for _, f := range list {
		if far(f) < far(best) {
			best = f
		}
	}
	return best
}

func far(f result.Flip) float64 { return max(f.At/f.Now, f.Now/f.At) }

func (p *page) compareTable(c *result.Comparison) {
	cols := []column{{head: "metric"}}
	for _, d := range c.Designs {
		cols = append(cols, column{head: d.Name, number: true})
	}
	two := len(c.Designs) == 2
	if two {
		cols = append(cols, column{head: "values and 90 % intervals", wide: true}, column{head: "B against A", number: true}, column{head: "90 % interval", number: true, wide: true}, column{head: "P(B better)", number: true, wide: true})
	}
	p.raw(`<div class="scroll"><table><thead><tr>`)
	for _, col := range cols {
		p.raw("<th", col.class(), ` scope="col">`, esc(col.head), "</th>")
	}
	p.raw("</tr></thead><tbody>")
	for i, r := range headRows(c) {
		if i == 12 {
			break
		}
		f := rowFormat(r)
		class := ""
		if r.Metric == c.Decision.Metric {
			class = ` class="best"`
		}
		p.raw("<tr", class, "><td>", esc(rowName(r.Metric)), "</td>")
		for k, n := range r.Values {
			p.raw(`<td class="n">`, esc(f.With(n.Value)))
			if k > 0 && !two {
				p.raw("<br><small>", esc(changeText(r.Differences[k-1])), "</small>")
			}
			p.raw("</td>")
		}
		if two {
			d := r.Differences[0]
			better := "–"
			if r.Better != 0 {
				better = number.Probability(d.PBetter)
			}
			p.raw(`<td class="strip ph">`, stripOf(r.Values, rowName(r.Metric)+": A "+f.With(r.Values[0].Value)+", B "+f.With(r.Values[1].Value)).HTML(),
				`</td><td class="n">`, esc(changeText(d)), `</td><td class="n ph">`, esc(relInterval(d)), `</td><td class="n ph">`, esc(better), "</td>")
		}
		p.raw("</tr>\n")
	}
	p.raw("</tbody></table></div>\n")
	if two {
		p.raw(`<p class="cap">A has the open dot. ≈: the interval of the paired difference holds zero.</p>`)
	}
}

// rowName is a metric for a reader, with the workload that it is of.
func rowName(key string) string {
	id, rest, _ := strings.Cut(key, ".")
	name := metricName(key)
	if _, known := names[rest]; !known && names[key] == "" {
		name = strings.NewReplacer("ttft_", "TTFT ", "tpot_", "time per token ", "_", " ").Replace(rest)
	}
	switch id {
	case "ledger", "facility":
		return upperFirst(name)
	}
	return upperFirst(name) + ", " + id
}

func (p *page) bridges(c *result.Comparison) {
	p.raw("<div>")
	var row *result.CompareRow
	for i := range c.Rows {
		if c.Rows[i].Metric == c.Decision.Metric {
			row = &c.Rows[i]
		}
	}
	bridge, _ := spokenFor(c)
	for k := 1; k < len(c.Designs) && row != nil; k++ {
		var steps []result.BridgeStep
		for _, s := range bridge {
			if s.Design == c.Designs[k].Name {
				steps = append(steps, s)
			}
		}
		if len(steps) == 0 || k > 3 {
			continue
		}
		p.raw("<h2 class=\"sub\">Why: ", esc(metricName(c.Decision.Metric)), ", from A to ", esc(c.Designs[k].Name), "</h2>")
		fig := bridgeFigure("A", c.Designs[k].Name, row.Values[0].Value, row.Values[k].Value, row.Unit, steps)
		fig.Caption = "Mean over all orders in which the causes can be changed: gains overlap, so that the order matters."
		p.raw(fig.HTML())
	}
	p.raw("</div>")
}

func (p *page) flips(c *result.Comparison) {
	p.raw(`<h2 class="sub">What would flip the choice</h2>`)
	_, flips := spokenFor(c)
	if len(flips) == 0 {
		p.raw(`<p class="cap">None in reach: no price within five times its value.</p>`)
		return
	}
	fig := figure.Figure{LabelRem: 12, ValueRem: 9, PrintLabelRem: 9.4, PrintValueRem: 7.6}
	for _, f := range flips {
		a := figure.Log10(f.Now/5, f.Now*5, 3)
		d := figure.Drawing{Height: 14, Label: f.Input + " now " + number.Of(f.Now, f.Unit) + ", flips at " + number.Of(f.At, f.Unit)}
		d.Line(0, 7, 100, 7, "rule", 1)
		d.Line(min(a.At(f.Now), a.At(f.At)), 7, max(a.At(f.Now), a.At(f.At)), 7, "usd2", 5)
		d.Dot(a.At(f.Now), 7, 3.6, "comp")
		d.Line(a.At(f.At), 0, a.At(f.At), 14, "fail", 1.6)
		fig.Rows = append(fig.Rows, figure.Row{Label: upperFirst(f.Input), LabelNote: f.Design, Value: number.Of(f.Now, f.Unit) + " → " + number.Of(f.At, f.Unit), Draw: d})
	}
	fig.Caption = "Dot: as given. Line: where the designs cost the same; the axis spans a fifth to five times, logarithmic."
	p.raw(fig.HTML())
}

func (p *page) compareLedger(c *result.Comparison) {
	p.raw("<div>")
	p.ledgerRows(c)
	p.raw("</div>")
}

// ledgerRows is the bills of all designs line by line, with columns that add up.
func (p *page) ledgerRows(c *result.Comparison) {
	if len(c.Ledger) == 0 {
		return
	}
	cols := []column{{head: "line"}}
	columns := make([]number.Column, len(c.Designs))
	for k, d := range c.Designs {
		usd, sum := make([]float64, len(c.Ledger)), 0.0
		for i, l := range c.Ledger {
			usd[i] = l.USD[k]
			sum += l.USD[k]
		}
		columns[k] = number.NewColumn(usd, sum, "USD")
		cols = append(cols, column{head: d.Name + ", " + columns[k].Unit, number: true})
	}
	var rows []tableRow
	for i, l := range c.Ledger {
		r := tableRow{cells: []cell{txt(l.Item)}}
		for k := range c.Designs {
			r.cells = append(r.cells, txt(columns[k].Cells[i]))
		}
		rows = append(rows, r)
	}
	sum := tableRow{total: true, cells: []cell{txt("Total of the period")}}
	for k := range c.Designs {
		sum.cells = append(sum.cells, txt(columns[k].Total))
	}
	p.table("", cols, append(rows, sum))
}

// compareParts are the sections below the first page: bills and parts of time.
func (p *page) compareParts(c *result.Comparison) {
	if len(c.Ledger) > 0 && len(c.Bridge) > 0 {
		var q page
		q.ledgerRows(c)
		p.plain("Bills", "What each design costs in its period, line by line", "Where does the money go?", q.String())
	}
	if len(c.Parts) == 0 {
		return
	}
	cols := []column{{head: "workload", wide: true}, {head: "part"}}
	for _, d := range c.Designs {
		cols = append(cols, column{head: d.Name + ", s", number: true})
	}
	var rows []tableRow
	for _, part := range c.Parts {
		r := tableRow{cells: []cell{txt(part.Workload), txt(part.Part)}}
		for _, s := range part.Seconds {
			r.cells = append(r.cells, txt(strconv.FormatFloat(s, 'g', 4, 64)))
		}
		rows = append(rows, r)
	}
	var q page
	q.table("", cols, rows)
	p.plain("Time", "Where a step, or the first token at p95, takes its time", "What makes one faster?", q.String())
}

// scatter sets the money against the first result that more is better of, with crosses of
// 90 %; designs that no other beats in both are joined.
func (p *page) scatter(c *result.Comparison) {
	var x, y *result.CompareRow
	for i := range c.Rows {
		r := &c.Rows[i]
		if r.Metric == result.MetricLedgerTotal {
			x = r
		}
		if y == nil && r.Better == 1 && !strings.HasSuffix(r.Metric, ".mfu") {
			y = r
		}
	}
	if x == nil || y == nil {
		return
	}
	points := make([]scatterPoint, len(c.Designs))
	for k := range c.Designs {
		points[k] = scatterPoint{name: c.Designs[k].Name, x: x.Values[k], y: y.Values[k]}
	}
	p.plain("Efficient designs", upperFirst(metricName(y.Metric))+" against "+metricName(x.Metric), "Which give most for the money?",
		scatterFigure(points, rowName(x.Metric), rowName(y.Metric), false).HTML())
}
