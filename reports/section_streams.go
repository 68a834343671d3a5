package reports

import (
	"aisim/internal/result"
	"aisim/reports/number"
)

// streamsSection shows the streaming jobs: how far they lag, how many workers they take.
func streamsSection(run *result.Run) (section, bool) {
	s := section{id: "streams", number: "20", name: "Streams", question: "How far does each stream lag behind what comes in, and how many workers does it take?"}
	if len(run.Streams) == 0 {
		return s, false
	}
	s.finding = upperFirst(run.Streams[0].ID) + " lags " + number.Of(run.Streams[0].LagP99Sec, "s") + " behind at p99"
	p := &page{}
	var rows []tableRow
	for i := range run.Streams {
		x := &run.Streams[i]
		p.raw("<p><b>", esc(orElse(x.Name, x.ID)), "</b> ", esc(streamWords(x)), "</p>")
		rows = append(rows, cells(txt(x.ID), txt(number.Of(x.Workers, "")), txt(number.Int(x.Peak)), txt(number.Of(x.Backlog, "")), txt(number.Of(x.LagMeanSec, "s")), txt(number.Of(x.LagP99Sec, "s"))))
	}
	p.table("", []column{{head: "Stream"}, {head: "workers", number: true}, {head: "at most", number: true}, {head: "largest backlog", number: true}, {head: "mean lag", number: true}, {head: "p99", number: true}}, rows)
	s.body = p.String()
	return s, true
}

// streamWords says how a stream does in two or three sentences.
func streamWords(x *result.Stream) string {
	w := number.Of(x.PerSec, "elements/s") + " take " + number.Of(x.Workers, "") + " workers on average and " + number.Int(x.Peak) + " at most, of which " + number.Int(x.Starts) +
		" are started later. The backlog reaches " + number.Of(x.Backlog, "elements") + "; elements are done " + number.Of(x.LagMeanSec, "s") + " after they come on average and " +
		number.Of(x.LagP99Sec, "s") + " at p99"
	if x.LagSLO > 0 {
		w += ", " + number.Percent(x.Within) + " of them within " + number.Of(x.LagSLO, "s")
	}
	w += "."
	if x.Priced {
		w += " The workers cost " + number.Of(x.USDPerHour, "USD") + " an hour."
	}
	return w
}
