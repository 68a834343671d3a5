package reports

import (
	"aisim/internal/result"
	"aisim/reports/number"
)

// queuesSection shows who waited for the shared nodes, and what their GPUs did.
func queuesSection(run *result.Run) (section, bool) {
	s := section{id: "queues", number: "17", name: "Shared queues", question: "How long do jobs wait, by tenant and size, and what becomes of the GPU time?"}
	if len(run.Queues) == 0 {
		return s, false
	}
	p := &page{}
	for i := range run.Queues {
		q := &run.Queues[i]
		if i == 0 {
			s.finding = upperFirst(orElse(q.Name, q.ID)) + ": a job waits " + number.Of(q.All.WaitMeanSec, "s") + " on average"
		}
		p.raw("<h3>", esc(clip(orElse(q.Name, q.ID), longestTitle)), "</h3><p>", esc(queueWords(q)), "</p>")
		columns := []column{{head: "Jobs of"}, {head: "number", number: true}, {head: "GPU-hours", number: true}, {head: "mean wait", number: true}, {head: "95 % wait under", number: true}, {head: "in the promise", number: true}, {head: "charged", number: true}}
		var rows []tableRow
		for _, c := range append(append([]result.QueueClass{}, q.Tenants...), q.Classes...) {
			rows = append(rows, cells(txt(c.Name), txt(number.Int(c.Jobs)), txt(number.Of(c.GPUHours, "")), txt(number.Of(c.WaitMeanSec, "s")), txt(number.Of(c.WaitP95Sec, "s")), txt(number.Of(c.WithinSLO, "ratio")), txt(number.Of(c.CostUSD, "USD"))))
		}
		p.table("", columns, rows)
		rows = nil
		for _, u := range q.Use {
			rows = append(rows, cells(txt(u.What), txt(number.Of(u.Share, "ratio"))))
		}
		p.table("", []column{{head: "GPU time"}, {head: "share", number: true}}, rows)
	}
	s.body = p.String()
	return s, true
}

// queueWords says in a few sentences how a queue went.
func queueWords(q *result.Queue) string {
	w := number.Int(q.Jobs) + " jobs on " + number.Int(q.GPUs) + " GPUs of " + number.Int(q.Nodes) + " nodes over " + number.Of(q.SpanSec, "s") +
		", in order " + q.Order + " with backfill " + q.Backfill + ". The offered load is " + number.Of(q.Load, "ratio") + ", " + number.Of(q.Busy, "ratio") + " of the GPUs are held while jobs come in; a job waits " + number.Of(q.All.WaitMeanSec, "s") +
		" on average and 95 % of them " + atMost(q.All.WaitP95Sec) + "."
	if q.Stops+q.Failures > 0 {
		w += " Jobs were stopped for others " + number.Int(q.Stops) + " times and hit by failures " + number.Int(q.Failures) + " times."
	}
	if n := len(q.Speed); n == 4 && q.Speed[3] < 1 {
		w += " A job of several nodes runs at " + number.Of(q.Speed[2], "ratio") + " of its speed on two leaves of a pod and at " + number.Of(q.Speed[3], "ratio") + " beyond."
	}
	if q.Killed > 0 {
		w += " " + number.Int(q.Killed) + " jobs were ended at the limit that they asked for."
	}
	if q.Resizes > 0 {
		w += " Elastic jobs were given more GPUs " + number.Int(q.Resizes) + " times."
	}
	if q.Load >= 1 {
		w += " More is asked for than there is: the queue grows for as long as jobs come in, and the waits say how long the trace is."
	}
	return w
}

func atMost(sec float64) string {
	if sec == 0 {
		return "not at all"
	}
	return "less than " + number.Of(sec, "s")
}
