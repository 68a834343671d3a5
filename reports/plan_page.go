package reports

import (
	"fmt"
	"slices"
	"strings"

	"aisim/internal/result"
	"aisim/reports/figure"
	"aisim/reports/number"
)

// WritePlan writes a plan into dir: result.json, report.html and a table.
func WritePlan(dir string, p *result.Plan, command string) (Written, error) {
	data, err := jsonFile(ResultFile, p)
	if err != nil {
		return Written{}, err
	}
	return writeStudy(dir, []file{data, {ReportFile, PlanHTML(p, command)}, csvFile(TablesDir+"/plan.csv", PlanCSV(p))})
}

// PlanHTML is the report of a plan: the choice and its limits on the first page, then the
// front, what lost and why, and the stages of growth.
func PlanHTML(p *result.Plan, command string) []byte {
	s := &p.Steps[0]
	q := sheet("aisim plan", p.Scenario.Name, []string{goalText(p), number.Int(s.Effort.Designs) + " designs"})
	if s.Choice == nil {
		var w words
		w.strong("Infeasible: " + s.Infeasible.Text + ".")
		q.badge("no", "✗ no plan", w)
	} else {
		badge, kind := planBadge(s)
		q.badge(kind, badge, planVerdict(p, s))
	}
	d := s.Choice
	if d == nil {
		d = s.Infeasible.Design
	}
	if d != nil {
		q.planDesign(p, s, d)
		q.raw(`<div class="two"><div>`)
		if len(s.Front) > 0 && p.Goal.Trade != "" {
			q.raw(`<h2 class="sub">The front: `, esc(metricName(p.Goal.Objective)), " against ", esc(metricName(p.Goal.Trade)), "</h2>")
			q.raw(planFront(p, s).HTML())
		}
		q.raw("</div><div>")
		q.planBinding(p, s)
		q.raw("</div></div>\n")
	}
	q.planSteps(p)
	q.foot(&result.Run{Version: p.Version, Revision: p.Revision, Seed: p.Seed, Scenario: p.Scenario, Replicas: robustReplicas(s)})
	if len(s.RunnersUp) > 0 {
		var t page
		t.designTable(p, s.RunnersUp, true)
		q.plain("Not chosen", "What came next, and why it lost", "Why not the other thing?", t.String())
	}
	if len(s.Front) > 0 {
		var t page
		t.designTable(p, s.Front, false)
		q.plain("Front", fmt.Sprintf("%s that no other beats in both", plural(len(s.Front), "design")), "What else would be reasonable?", t.String())
	}
	var e page
	e.raw(`<p class="cap">`, esc(effortText(&s.Effort)), " ", esc("Decided by the "+p.FineRung+"; screened by the "+p.CoarseRung+"."), "</p>")
	if len(s.Effort.Reasons) > 0 {
		e.raw(`<ul class="warn">`)
		for _, r := range s.Effort.Reasons {
			e.raw("<li>", esc(clip(r, 240)), "</li>")
		}
		e.raw("</ul>")
	}
	q.plain("Search", "How the space was searched", "Could a better design be missed?", e.String())
	foot := "aisim " + p.Version + " · scenario " + clip(p.Scenario.Source, 40) + " sha256 " + short(p.Scenario.SHA256) + fmt.Sprintf(" · seed %d", p.Seed)
	if command != "" {
		foot += " · " + command
	}
	return q.close(foot)
}

func robustReplicas(s *result.PlanStep) int {
	if s.Robust == nil {
		return 0
	}
	return s.Robust.Replicas
}

// planBadge is the verdict of the report's specification: by the probability of the goal.
func planBadge(s *result.PlanStep) (text, kind string) {
	if s.Robust == nil {
		return "✓ goal met", ""
	}
	switch p := s.Robust.All.Value; {
	case p >= 0.95:
		return "✓ goal met, " + chance(p), ""
	case p >= 0.75:
		return "✓ goal likely met, " + chance(p), ""
	case p >= 0.25:
		return "? goal open, " + chance(p), "open"
	default:
		return "✗ goal likely missed, " + chance(p), "no"
	}
}

// planDesign is the row of key figures: the objective and every limit.
func (q *page) planDesign(p *result.Plan, s *result.PlanStep, d *result.PlanDesign) {
	cols := []column{{head: "metric"}, {head: "value", number: true}, {head: "90 % interval", number: true, wide: true}, {head: "limit", number: true}, {head: "P(kept)", number: true}}
	rows := []tableRow{totalCells(txt(rowName(p.Goal.Objective)), txt(valueText(d.Objective)), txt(intervalText(d.Objective)), txt("best"), txt("–"))}
	for j, c := range p.Goal.Constraints {
		kept := "–"
		if s.Robust != nil {
			kept = number.Probability(s.Robust.Each[j])
		}
		rows = append(rows, cells(txt(rowName(c.Metric)), txt(valueText(d.Values[j])), txt(intervalText(d.Values[j])), txt(limitWord(c)), txt(kept)))
	}
	q.table("", cols, rows)
	q.raw("<dl>")
	for i, l := range d.Labels {
		q.raw("<dt>", esc(p.Goal.Variables[i].Title), "</dt><dd>", esc(l), "</dd>")
	}
	q.raw("</dl>\n")
}

func planFront(p *result.Plan, s *result.PlanStep) figure.Figure {
	var points []scatterPoint
	same := func(a, b []string) bool { return strings.Join(a, "\x00") == strings.Join(b, "\x00") }
	// The objective lies to the right when less of it is better, and up when more is.
	add := func(d *result.PlanDesign, front bool) {
		if d.Trade == nil {
			return
		}
		pt := scatterPoint{x: d.Objective, y: *d.Trade, front: front}
		if s.Choice != nil && same(d.Set, s.Choice.Set) {
			pt.chosen, pt.name = true, "choice"
		}
		points = append(points, pt)
	}
	for i := range s.Front {
		add(&s.Front[i], true)
	}
	for i := range s.RunnersUp {
		add(&s.RunnersUp[i], false)
	}
	return scatterFigure(points, rowName(p.Goal.Objective), rowName(p.Goal.Trade), lesser(p.Goal.Trade))
}

func (q *page) planBinding(p *result.Plan, s *result.PlanStep) {
	if s.Infeasible != nil {
		q.raw(`<h2 class="sub">What would make a plan</h2>`)
		var rows []tableRow
		for _, u := range s.Infeasible.Relaxation {
			rows = append(rows, cells(txt(u.Constraint), txt(number.Of(u.Reached, u.Unit)), txt(number.ChangeFine(u.Reached/u.Limit-1))))
		}
		q.table("", []column{{head: "limit"}, {head: "relaxed to", number: true}, {head: "change", number: true}}, rows)
		return
	}
	q.raw(`<h2 class="sub">What the limits cost</h2>`)
	if len(s.Binding) == 0 {
		q.raw(`<p class="cap">No limit keeps a better design out.</p>`)
		return
	}
	var rows []tableRow
	for _, x := range s.Binding {
		rows = append(rows, cells(noted(x.Constraint, strings.Join(x.Labels, ", ")), txt(number.Of(x.RelaxTo, x.Unit)), txt(number.Of(x.Gain, p.Goal.Unit))))
	}
	q.table("", []column{{head: "limit"}, {head: "relaxed to", number: true}, {head: "gains", number: true}}, rows)
	q.raw(`<p class="cap">Each limit relaxed by itself, just so far that a better design comes in: the price of keeping it.</p>`)
}

func (q *page) designTable(p *result.Plan, list []result.PlanDesign, why bool) {
	var cols []column
	for _, v := range p.Goal.Variables {
		cols = append(cols, column{head: v.Title})
	}
	cols = append(cols, column{head: rowName(p.Goal.Objective), number: true})
	trade := p.Goal.Trade != "" && !slices.ContainsFunc(p.Goal.Constraints, func(c result.PlanConstraint) bool { return c.Metric == p.Goal.Trade })
	if trade {
		cols = append(cols, column{head: rowName(p.Goal.Trade), number: true})
	}
	for _, c := range p.Goal.Constraints {
		cols = append(cols, column{head: rowName(c.Metric), number: true, wide: true})
	}
	if why {
		cols = append(cols, column{head: "why not"})
	}
	var rows []tableRow
	for i := range list {
		d := &list[i]
		var r tableRow
		for _, l := range d.Labels {
			r.cells = append(r.cells, txt(clip(l, 40)))
		}
		r.cells = append(r.cells, txt(valueText(d.Objective)))
		if trade {
			text := "–"
			if d.Trade != nil {
				text = valueText(*d.Trade)
			}
			r.cells = append(r.cells, txt(text))
		}
		for _, v := range d.Values {
			r.cells = append(r.cells, txt(valueText(v)))
		}
		if why {
			r.cells = append(r.cells, txt(d.Reason))
		}
		rows = append(rows, r)
	}
	q.table("", cols, rows)
}

// planSteps is the growth, stage by stage.
func (q *page) planSteps(p *result.Plan) {
	if len(p.Steps) < 2 {
		return
	}
	cols := []column{{head: "stage"}}
	for _, v := range p.Goal.Variables {
		cols = append(cols, column{head: v.Title})
	}
	cols = append(cols, column{head: rowName(p.Goal.Objective), number: true}, column{head: "P(goal)", number: true})
	var rows []tableRow
	for i := range p.Steps {
		s := &p.Steps[i]
		r := tableRow{cells: []cell{noted(s.Name, strings.Join(s.Set, ", "))}}
		if s.Choice == nil {
			for range p.Goal.Variables {
				r.cells = append(r.cells, txt("–"))
			}
			r.cells = append(r.cells, txt("no plan"), txt("0"))
		} else {
			for _, l := range s.Choice.Labels {
				r.cells = append(r.cells, txt(l))
			}
			r.cells = append(r.cells, txt(valueText(s.Choice.Objective)), txt(number.Probability(s.Robust.All.Value)))
		}
		rows = append(rows, r)
	}
	q.raw(`<h2 class="sub">Growth</h2>`)
	q.table("", cols, rows)
}
