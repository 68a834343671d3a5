package reports

import (
	"sort"
	"strconv"

	"aisim/internal/result"
	"aisim/reports/number"
)

// Caps of the list of assumptions.
const (
	topAssumptions = 8
	maxAssumptions = 200
)

func assumptionSection(run *result.Run) (section, bool) {
	s := section{id: "assumptions", number: "11", name: "Assumptions"}
	if len(run.Assumptions) == 0 {
		return s, false
	}
	list := append([]result.Assumption(nil), run.Assumptions...)
	weighted := false
	for _, a := range list {
		weighted = weighted || a.Weight > 0
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Weight > list[j].Weight })
	s.finding = number.Int(len(list)) + " inputs were taken as given"
	if len(list) == 1 {
		s.finding = "1 input was taken as given"
	}
	top := list[:min(len(list), topAssumptions)]
	rest := list[len(top):]
	switch {
	case len(rest) == 0:
		s.question = "What was taken as given?"
	case weighted:
		s.question = "What was taken as given? The " + number.Int(len(top)) + " that carry most of the uncertainty; the rest below."
	default:
		s.question = "What was taken as given? The first " + number.Int(len(top)) + "; the rest below."
	}
	p := &page{}
	p.assumptionTable(top, weighted)
	switch {
	case len(rest) == 0:
	case len(list) <= maxAssumptions:
		p.raw("<details><summary>", number.Int(len(rest)), " more</summary>")
		p.assumptionTable(rest, weighted)
		p.raw("</details>")
	default:
		p.raw(`<p class="cap">`, number.Int(len(rest)), " more stand in <code>result.json</code>.</p>")
	}
	s.body = p.String()
	return s, true
}

func (p *page) assumptionTable(list []result.Assumption, weighted bool) {
	cols := []column{{head: "Assumption"}, {head: "value"}, {head: "source", wide: true, muted: true}}
	if weighted {
		cols = append(cols, column{head: "share of variance", number: true, wide: true})
	}
	var rows []tableRow
	for _, a := range list {
		c := []cell{{text: a.Name, mark: a.Pedigree, hasMark: true}, txt(a.Value), txt(a.Source)}
		if weighted {
			w := number.NoData
			if a.Weight > 0 {
				w = number.Percent(a.Weight)
			}
			c = append(c, txt(w))
		}
		rows = append(rows, cells(c...))
	}
	p.table("", cols, rows)
}

func warningSection(run *result.Run) section {
	s := section{id: "warnings", number: "12", name: "Warnings", question: "What should I know before I rely on this?"}
	p := &page{}
	for _, b := range bannersBeyond(run) {
		p.raw("<li><b>", esc(b), "</b></li>")
	}
	for _, w := range run.Warnings {
		p.raw("<li><b>", esc(w.What), "</b>", esc(upperFirst(sentence(w.Why))))
		if w.Effect != "" {
			p.raw(" ", esc(upperFirst(sentence(w.Effect))))
		}
		p.raw("</li>\n")
	}
	n := len(run.Warnings) + len(bannersBeyond(run))
	switch n {
	case 0:
		s.finding = "No warnings"
		s.body = `<p class="cap" style="margin-top:0">Nothing was extrapolated, replaced or left out that the run knows of.</p>`
		return s
	case 1:
		s.finding = "1 thing to know"
	default:
		s.finding = number.Int(n) + " things to know"
	}
	s.body = `<ol class="warn">` + p.String() + "</ol>"
	return s
}

// bannersBeyond are the banners that found no room under the title.
func bannersBeyond(run *result.Run) []string {
	if len(run.Banners) <= maxBanners {
		return nil
	}
	return run.Banners[maxBanners:]
}

func reproduceSection(run *result.Run, extra Extra) section {
	s := section{id: "reproduce", number: "13", name: "Reproduce", finding: "Same inputs, same bytes: seed " + strconv.FormatUint(run.Seed, 10),
		question: "Can I get this again? The time and memory that the run took stand in run.json."}
	p := &page{}
	p.raw("<dl>")
	put := func(k, v string) {
		if v != "" {
			p.raw("<dt>", esc(k), "</dt><dd>", esc(v), "</dd>")
		}
	}
	put("aisim", run.Version+", revision "+run.Revision)
	put("scenario", run.Scenario.Name)
	put("description", run.Scenario.Description)
	put("source", run.Scenario.Source+", sha256 "+run.Scenario.SHA256)
	for _, o := range run.Scenario.Overrides {
		put("override", o)
	}
	for _, f := range run.Profiles {
		put("profile", f.Name+", sha256 "+f.SHA256)
	}
	if run.Catalogue.Name != "" || run.Catalogue.SHA256 != "" {
		put("catalogue", run.Catalogue.Name+", sha256 "+run.Catalogue.SHA256)
	}
	put("seed, replicas", strconv.FormatUint(run.Seed, 10)+", "+number.Int(run.Replicas))
	for _, r := range run.Rungs {
		put("predicted by", r.Rung+": "+number.Percent(r.Share)+" of the time, "+pedigreeWord(r.Pedigree))
	}
	p.raw("</dl>")
	if extra.Command != "" {
		p.raw(`<code class="cmd">`, esc(clean(extra.Command)), "</code>")
	}
	s.body = p.String()
	return s
}

func pedigreeWord(k result.Pedigree) string {
	if n, ok := pedigreeNames[k]; ok {
		return n
	}
	return "pedigree not stated"
}
