package reports

import (
	"strconv"

	"aisim/internal/result"
	"aisim/reports/number"
)

// edgeSection compares answering at the sites with answering in a region, and says how models
// reach the fleet.
func edgeSection(run *result.Run) (section, bool) {
	s := section{id: "edge", number: "16", name: "Edge", question: "Should requests be answered at the sites or in a region, and how do models reach the fleet?"}
	if len(run.Offloads)+len(run.Updates) == 0 {
		return s, false
	}
	p := &page{}
	for i := range run.Offloads {
		o := &run.Offloads[i]
		if s.finding == "" {
			s.finding = "Site or region"
		}
		p.raw("<h3>", esc(o.Workload), "</h3><p>", esc(offloadWords(o)), "</p>")
		var rows []tableRow
		for k, l := range o.Local {
			there, kept := "links full", number.NoData
			if k < len(o.Remote) {
				there, kept = number.Of(o.Remote[k].TTFTP95, "s"), number.Percent(o.Remote[k].Attainment.Value)
			}
			rows = append(rows, cells(txt(number.Of(l.RequestsPerSec, "req/s")), txt(number.Of(l.TTFTP95, "s")), txt(number.Percent(l.Attainment.Value)), txt(there), txt(kept)))
		}
		p.table("", []column{{head: "Load of all sites"}, {head: "p95 at the sites", number: true}, {head: "in time", number: true}, {head: "p95 in the region", number: true}, {head: "in time", number: true}}, rows)
	}
	for i := range run.Updates {
		if s.finding == "" {
			s.finding = "A model reaches all sites in " + number.Of(run.Updates[i].RolloutSec, "s")
		}
		p.raw("<p>", esc(run.Updates[i].Workload+": "+updateWords(&run.Updates[i])), "</p>")
	}
	s.body = p.String()
	return s, true
}

// offloadWords says which place answers sooner, and from which load on the other does.
func offloadWords(o *result.Offload) string {
	sooner := func(k int) string {
		if k >= len(o.Remote) || o.Local[k].TTFTP95 <= o.Remote[k].TTFTP95 {
			return "the sites"
		}
		return "the region"
	}
	asked := 0
	for k := range o.Local {
		if o.Local[k].Asked {
			asked = k
		}
	}
	w := "At the load asked for, " + sooner(asked) + " answer sooner at p95 (" + number.Of(o.Local[asked].TTFTP95, "s") + " there"
	if sooner(asked) == "the region" {
		w = "At the load asked for, the region answers sooner at p95 (the sites take " + number.Of(o.Local[asked].TTFTP95, "s")
	}
	if asked < len(o.Remote) {
		w += ", " + number.Of(o.Remote[asked].TTFTP95, "s") + " in the region"
	}
	w += ")."
	for k := 1; k < len(o.Local); k++ {
		if sooner(k) != sooner(k-1) {
			w += " Between " + number.Of(o.Local[k-1].RequestsPerSec, "req/s") + " and " + number.Of(o.Local[k].RequestsPerSec, "req/s") + " it turns to " + sooner(k) + "."
		}
	}
	return w + " The sites' links are full at " + number.Of(o.LinkFull, "req/s") + "."
}

// updateWords says how a model reaches the fleet and what comes back.
func updateWords(u *result.FleetUpdate) string {
	w := "A model of " + number.Of(u.ModelBytes, "B") + " reaches all sites in " + number.Of(u.RolloutSec, "s") + " and is " + number.Of(u.StalenessSec, "s") + " old on average."
	if u.SampleBytesPerDay > 0 {
		w += " Samples for retraining come to " + number.Of(u.SampleBytesPerDay, "B") + " a day, " + number.Percent(u.LinkShare) + " of each link, for " + number.Of(u.EgressUSDPerYear, "USD") +
			" a year; a site buffers " + number.Of(u.BufferBytes, "B") + " through a mean outage, of which it has " + strconv.FormatFloat(u.OutagesPerYear, 'f', 0, 64) + " a year, and has sent it " + number.Of(u.CatchUpSec, "s") + " later."
	}
	return w
}
