package reports

import (
	"aisim/internal/result"
	"aisim/reports/number"
)

// pipelinesSection shows what runs on the host processors: how long, how often, what bounds it.
func pipelinesSection(run *result.Run) (section, bool) {
	s := section{id: "pipelines", number: "15", name: "Pipelines", question: "How long does a run of each pipeline take, what bounds its stages, and how old is what the model has learnt?"}
	if len(run.Pipelines) == 0 {
		return s, false
	}
	p := &page{}
	for i := range run.Pipelines {
		q := &run.Pipelines[i]
		if i == 0 {
			s.finding = upperFirst(orElse(q.Name, q.ID)) + " takes " + number.Of(q.RunSec, "s")
		}
		p.raw("<h3>", esc(clip(orElse(q.Name, q.ID), longestTitle)), "</h3><p>", esc(pipelineWords(q)), "</p>")
		var rows []tableRow
		for _, st := range q.Stages {
			tasks := "one job"
			if st.Tasks > 0 {
				tasks = number.Int(st.Tasks)
			}
			rows = append(rows, cells(txt(st.ID), txt(st.Bound), txt(number.Of(st.Start, "s")), txt(number.Of(st.End-st.Start, "s")), txt(tasks)))
		}
		p.table("", []column{{head: "Stage"}, {head: "bound by"}, {head: "starts at", number: true}, {head: "takes", number: true}, {head: "tasks", number: true}}, rows)
	}
	s.body = p.String()
	return s, true
}

// pipelineWords says in two sentences how a pipeline runs.
func pipelineWords(q *result.Pipeline) string {
	w := "A run takes " + number.Of(q.RunSec, "s") + " and " + number.Int(int(q.CoreHours+0.5)) + " core-hours on " + number.Int(q.Nodes) + " nodes, for " + number.Of(q.CostUSD, "USD") +
		", and starts every " + number.Of(q.IntervalSec, "s") + ". The serving model has learnt nothing of the last " + number.Of(q.StalenessSec, "s") + " on average"
	if q.CanarySec > 0 {
		w += ", " + number.Of(q.CanarySec, "s") + " of it for the canary"
	}
	w += "."
	if q.OptimalSec > 0 {
		w += " Runs and staleness would cost least together every " + number.Of(q.OptimalSec, "s") + "."
	}
	return w
}
