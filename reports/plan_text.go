package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aisim/internal/result"
	"aisim/reports/number"
)

// PlanText is a plan for a terminal.
func PlanText(p *result.Plan) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", clip(p.Scenario.Name, longestTitle))
	line("%s", goalText(p))
	for i := range p.Steps {
		s := &p.Steps[i]
		if len(p.Steps) > 1 {
			line("\n== %s%s", s.Name, under(s.Set))
		}
		line("")
		if s.Choice == nil {
			wrapped(&b, "Infeasible: "+s.Infeasible.Text+".", "")
			if s.Infeasible.Design != nil {
				textDesign(&b, p, s.Infeasible.Design)
			}
		} else {
			wrapped(&b, planVerdict(p, s).String(), "")
			line("")
			textDesign(&b, p, s.Choice)
			textPlanTables(&b, p, s)
		}
		line("")
		wrapped(&b, effortText(&s.Effort), "")
		for _, r := range s.Effort.Reasons {
			wrapped(&b, clip(r, 200), "  cannot be built, ")
		}
	}
	line("\nDecided by the %s; screened by the %s. Seed %d.", p.FineRung, p.CoarseRung, p.Seed)
	return ascii(b.String())
}

func under(set []string) string {
	if len(set) == 0 {
		return ""
	}
	return ": " + strings.Join(set, ", ")
}

func goalText(p *result.Plan) string {
	verb := "Minimise "
	if p.Goal.Maximise {
		verb = "Maximise "
	}
	s := verb + p.Goal.Objective
	for i, c := range p.Goal.Constraints {
		s += []string{" under ", ", "}[min(i, 1)] + c.Text
	}
	return s
}

// planVerdict is the plan in a sentence or two.
func planVerdict(p *result.Plan, s *result.PlanStep) words {
	var w words
	w.strong(upperFirst(strings.Join(planLabels(p, s.Choice), ", ")) + ": " + metricName(p.Goal.Objective) + " " + valueText(s.Choice.Objective) + ".")
	if s.Robust != nil && len(p.Goal.Constraints) > 0 {
		w.say(" It keeps all limits with ")
		w.strong(chance(s.Robust.All.Value))
		w.say(fmt.Sprintf(" (%s over %d futures).", number.Format{Div: 1, Decimals: 2}.Interval(s.Robust.All.Low, s.Robust.All.High), s.Robust.Replicas))
		least := 0
		for j, x := range s.Robust.Each {
			if x < s.Robust.Each[least] {
				least = j
			}
		}
		if s.Robust.Each[least] < 0.95 {
			w.say(" The limit most at risk is " + p.Goal.Constraints[least].Text + ", kept with " + chance(s.Robust.Each[least]) + ".")
		}
	}
	if len(s.Binding) > 0 {
		x := s.Binding[0]
		w.say(" What binds is " + x.Constraint + ": at " + number.Of(x.RelaxTo, x.Unit) + " instead, " + metricName(p.Goal.Objective) + " would be " + number.Of(x.Gain, p.Goal.Unit) + " better.")
	} else if len(p.Goal.Constraints) > 0 {
		w.say(" No limit keeps a better design out.")
	}
	return w
}

// shortLabels are a design's labels for a table: numbers with the end of their key.
func shortLabels(p *result.Plan, labels []string) []string {
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = l
		if c := strings.TrimLeft(l, "-"); c != "" && c[0] >= '0' && c[0] <= '9' || l == "true" || l == "false" {
			out[i] = shortTitle(p.Goal.Variables, i) + " " + l
		}
	}
	return out
}

// shortTitle is the end of a variable's key that no other's ends with: "nodes", or "prefill.nodes" beside "cluster.nodes".
func shortTitle(all []result.SweepVariable, i int) string {
	title := all[i].Title
	for from := strings.LastIndexByte(title, '.'); from >= 0; from = strings.LastIndexByte(title[:from], '.') {
		end := title[from:]
		if !slices.ContainsFunc(all, func(v result.SweepVariable) bool { return v.Title != title && strings.HasSuffix("."+v.Title, end) }) {
			return end[1:]
		}
	}
	return title
}

func planLabels(p *result.Plan, d *result.PlanDesign) []string {
	out := make([]string, len(d.Labels))
	for i, l := range d.Labels {
		out[i] = p.Goal.Variables[i].Title + " " + l
	}
	return out
}

func textDesign(b *strings.Builder, p *result.Plan, d *result.PlanDesign) {
	row := func(name string, n result.Number, note string) {
		fmt.Fprintf(b, "  %s %s %s %s\n", pad(name, 40), pad(valueText(n), 22), pad(intervalText(n), 24), note)
	}
	row(p.Goal.Objective, d.Objective, "")
	for j, c := range p.Goal.Constraints {
		row(c.Metric, d.Values[j], limitWord(c))
	}
}

func limitWord(c result.PlanConstraint) string {
	if c.AtMost {
		return "at most " + number.Of(c.Limit, c.Unit)
	}
	return "at least " + number.Of(c.Limit, c.Unit)
}

func textPlanTables(b *strings.Builder, p *result.Plan, s *result.PlanStep) {
	list := func(title string, designs []result.PlanDesign) {
		if len(designs) == 0 {
			return
		}
		fmt.Fprintf(b, "\n%s\n", title)
		for i := range designs {
			d := &designs[i]
			trade := ""
			if d.Trade != nil {
				trade = valueText(*d.Trade)
			}
			fmt.Fprintf(b, "  %s %s %s", pad(valueText(d.Objective), 24), pad(trade, 20), strings.Join(shortLabels(p, d.Labels), ", "))
			if d.Reason != "" {
				fmt.Fprintf(b, "\n      %s", d.Reason)
			}
			b.WriteByte('\n')
		}
	}
	if p.Goal.Trade != "" {
		list("Front: "+p.Goal.Objective+" against "+p.Goal.Trade, s.Front)
	}
	list("Not chosen", s.RunnersUp)
	if len(s.Binding) > 0 {
		b.WriteString("\nWhat the limits cost\n")
		for _, x := range s.Binding {
			fmt.Fprintf(b, "  %s  relaxed to %s gains %s (%s %s per %s): %s\n", x.Constraint, number.Of(x.RelaxTo, x.Unit), number.Of(x.Gain, p.Goal.Unit),
				strconv.FormatFloat(x.Shadow, 'g', 3, 64), p.Goal.Unit, x.Unit, strings.Join(shortLabels(p, x.Labels), ", "))
		}
	}
}

func effortText(e *result.PlanEffort) string {
	s := fmt.Sprintf("%s designs: %s pruned by bounds, %s screened, %s cannot be built, %s looked at closely", number.Int(e.Designs), number.Int(e.Pruned), number.Int(e.Screened), number.Int(e.Impossible), number.Int(e.Fine))
	if !e.Whole {
		s += "; the space was sampled, not screened whole"
	}
	if e.Settled {
		return s + ". Nothing that was screened could still be better."
	}
	return s + ". The closer looks were used up before all doubt was: --fine allows more."
}

// PlanCSV is every design of a plan that was looked at closely enough to be listed.
func PlanCSV(p *result.Plan) [][]string {
	head := []string{"step", "role"}
	for _, v := range p.Goal.Variables {
		head = append(head, v.Title)
	}
	head = append(head, p.Goal.Objective, p.Goal.Objective+"_low", p.Goal.Objective+"_high")
	for _, c := range p.Goal.Constraints {
		head = append(head, c.Metric)
	}
	rows := [][]string{append(head, "reason")}
	g := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for i := range p.Steps {
		s := &p.Steps[i]
		add := func(role string, d *result.PlanDesign) {
			row := append([]string{s.Name, role}, d.Labels...)
			row = append(row, g(d.Objective.Value), g(d.Objective.Low), g(d.Objective.High))
			for _, v := range d.Values {
				row = append(row, g(v.Value))
			}
			rows = append(rows, append(row, d.Reason))
		}
		if s.Choice != nil {
			add("choice", s.Choice)
		} else if s.Infeasible.Design != nil {
			add("nearest", s.Infeasible.Design)
		}
		for k := range s.Front {
			add("front", &s.Front[k])
		}
		for k := range s.RunnersUp {
			add("runner-up", &s.RunnersUp[k])
		}
	}
	return rows
}
