package reports

import (
	"aisim/internal/result"
	"aisim/reports/number"
)

// functionsSection shows the serverless functions: cold starts, instances, cost.
func functionsSection(run *result.Run) (section, bool) {
	s := section{id: "functions", number: "18", name: "Functions", question: "How many requests start cold, how many instances does that keep, and from which load is a reserved machine cheaper?"}
	if len(run.Functions) == 0 {
		return s, false
	}
	s.finding = number.Percent(run.Functions[0].ColdShare) + " of the requests of " + run.Functions[0].ID + " start cold"
	p := &page{}
	var rows []tableRow
	for i := range run.Functions {
		f := &run.Functions[i]
		p.raw("<p><b>", esc(orElse(f.Name, f.ID)), "</b> ", esc(functionWords(f)), "</p>")
		rows = append(rows, cells(txt(f.ID), txt(number.Percent(f.ColdShare)), txt(number.Of(f.Instances, "")), txt(number.Int(f.Peak)), txt(number.Of(f.ResponseP50, "s")), txt(number.Of(f.ResponseP99, "s"))))
	}
	p.table("", []column{{head: "Function"}, {head: "cold", number: true}, {head: "instances", number: true}, {head: "at most", number: true}, {head: "p50", number: true}, {head: "p99", number: true}}, rows)
	s.body = p.String()
	return s, true
}

// functionWords says how a function does in two or three sentences.
func functionWords(f *result.Function) string {
	w := number.Percent(f.ColdShare) + " of " + number.Int(f.Requests) + " requests start an instance and take " + number.Of(f.ColdSec, "s") + " longer; " +
		number.Of(f.Instances, "") + " instances stand on average, " + number.Of(f.Busy, "") + " of them at work. Answers take " +
		number.Of(f.ResponseP50, "s") + " at p50 and " + number.Of(f.ResponseP99, "s") + " at p99."
	if f.Priced {
		w += " It costs " + number.Of(f.USDPerHour, "USD") + " an hour."
	}
	switch {
	case f.Never:
		w += " The reserved machine costs more even when it is full."
	case f.Reserved:
		w += " The reserved machine costs less from " + number.Of(f.BreakEven, "req/s") + " on."
	}
	return w
}
