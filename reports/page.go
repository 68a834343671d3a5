package reports

import (
	"strconv"
	"strings"

	"aisim/internal/result"
	"aisim/reports/number"
)

// csp lets the page do nothing but show itself.
const csp = "default-src 'none'; style-src 'unsafe-inline'"

// longestTitle bounds a heading in characters, so that a name cannot push the
// first page off its sheet; the whole name stands in section 13.
const longestTitle = 90

// maxBanners is how many lines may stand under the title.
const maxBanners = 2

// hatchDef is the pattern that every hatched mark refers to.
const hatchDef = `<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern id="hw" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="var(--bg)"/><rect width="2" height="5" fill="var(--wait)"/></pattern></defs></svg>`

// section is one numbered part of the report.
type section struct {
	id, number, name string
	finding          string
	question         string
	body             string
}

// HTML is report.html: one static page with nothing that loads or moves.
func HTML(run *result.Run, extra Extra) []byte {
	run = forDisplay(run)
	p := &page{}
	title := clip(run.Scenario.Name, longestTitle)
	if title == "" {
		title = "aisim run"
	}
	p.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
		`<meta http-equiv="Content-Security-Policy" content="`, csp, `">`,
		`<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">`,
		"<title>", esc(title), " · aisim</title>\n<style>", style(), "</style></head>\n<body>", hatchDef, "\n<main>\n")

	var sections []section
	shared := sharedSections(run, extra)
	single := len(run.Workloads) == 1
	if single {
		w := &run.Workloads[0]
		sections = inOrder(append(workloadSections(run, w, "", extra), shared...))
	} else {
		sections = shared
	}

	p.raw("<header>")
	if !run.Complete {
		p.raw(`<div class="ban inc" role="note">`, esc(incomplete(run)), "</div>")
	}
	p.eyebrow(run, extra, single)
	p.raw("<h1>", esc(title), "</h1>")
	for i, b := range run.Banners {
		if i == maxBanners {
			break
		}
		p.raw(`<div class="ban" role="note">`, esc(b), "</div>")
	}
	p.raw("</header>\n")
	if single {
		w := &run.Workloads[0]
		p.verdict(Verdict(run, w))
		if fits(w) {
			p.firstPage(func(p *page) { p.summary(run, w) })
		} else if len(run.Levers) > 0 {
			p.firstPage(func(p *page) {
				p.levers("What would make it fit", "act", run.Levers, result.MetricStepTime, maxLevers, false)
			})
		}
	} else {
		p.firstPage(func(p *page) { p.clusterPage(run) })
	}
	p.contents(run, sections)
	p.foot(run)
	if !single {
		for i := range run.Workloads {
			w := &run.Workloads[i]
			own := inOrder(workloadSections(run, w, "w"+strconv.Itoa(i+1)+"-", extra))
			p.raw(`<div class="wl pb" id="w`, strconv.Itoa(i+1), `"><div class="eye"><span>workload `, esc(w.ID), "</span>")
			p.eyes(w.Eyebrow)
			p.raw(`</div><h2 class="of">`, esc(clip(workloadTitle(w), longestTitle)), "</h2>")
			p.verdict(Verdict(run, w))
			if fits(w) {
				p.summary(run, w)
			}
			p.raw("</div>\n")
			p.sections(own, true)
		}
	}
	p.sections(sections, true)
	p.raw("</main></body></html>\n")
	return []byte(p.String())
}

// firstPage writes what stands under the title, its headings one level up: on
// a workload's own page they stand under the workload's.
func (p *page) firstPage(write func(*page)) {
	var q page
	write(&q)
	p.raw(strings.NewReplacer("<h3>", `<h2 class="sub">`, "</h3>", "</h2>").Replace(q.String()))
}

func incomplete(run *result.Run) string {
	if run.Stopped == "" {
		return "Incomplete: the run was stopped before its end"
	}
	return "Incomplete: " + strings.TrimPrefix(run.Stopped, "Incomplete: ")
}

// workloadTitle is the title of a workload, or its kind and id.
func workloadTitle(w *result.Workload) string {
	if w.Title != "" {
		return w.Title
	}
	return w.ID
}

func (p *page) eyebrow(run *result.Run, extra Extra, single bool) {
	p.raw(`<div class="eye"><span>aisim run</span>`)
	if single {
		p.eyes(run.Workloads[0].Eyebrow)
	} else {
		p.eyes(run.Scenario.Machine)
		p.raw("<span>", esc(number.Int(len(run.Workloads))), " workloads</span>")
	}
	p.raw("</div>")
}

// eyes writes the parts of an eyebrow, which are set apart by " · ".
func (p *page) eyes(s string) {
	for _, part := range strings.Split(s, " · ") {
		if part = strings.TrimSpace(part); part != "" {
			p.raw("<span>", esc(clip(part, 80)), "</span>")
		}
	}
}

func (p *page) verdict(w words) {
	if len(w) > 0 {
		p.raw(`<p class="say">`, w.html(), "</p>\n")
	}
}

func (p *page) contents(run *result.Run, sections []section) {
	p.raw(`<nav aria-label="Contents">`)
	if len(run.Workloads) > 1 {
		for i := range run.Workloads {
			p.raw(`<a href="#w`, strconv.Itoa(i+1), `">`, esc(clip(run.Workloads[i].ID, 40)), "</a>")
		}
	}
	for _, s := range sections {
		p.raw(`<a href="#`, s.id, `">`, s.number, " ", esc(s.name), "</a>")
	}
	p.raw("</nav>\n")
}

// foot is the provenance line of the printed first page.
func (p *page) foot(run *result.Run) {
	parts := []string{"aisim " + run.Version + ", revision " + short(run.Revision),
		"scenario " + clip(run.Scenario.Source, 60) + " sha256 " + short(run.Scenario.SHA256)}
	for i, f := range run.Profiles {
		if i == 3 {
			break
		}
		parts = append(parts, "profile "+clip(f.Name, 40)+" "+short(f.SHA256))
	}
	parts = append(parts, "seed "+strconv.FormatUint(run.Seed, 10), number.Int(run.Replicas)+" replicas")
	p.raw(`<div class="foot">`, esc(strings.Join(parts, " · ")), "</div>\n")
}

// short is the head of a hash.
func short(h string) string {
	if h == "" {
		return "not stated"
	}
	return clip(h, 13)
}

// inOrder sorts sections by their numbers.
func inOrder(list []section) []section {
	out := make([]section, 0, len(list))
	for n := 1; n <= 18; n++ {
		for _, s := range list {
			if s.number == strconv.Itoa(n) {
				out = append(out, s)
			}
		}
	}
	return out
}

func (p *page) sections(list []section, breakFirst bool) {
	for i, s := range list {
		class := ""
		if i == 0 && breakFirst {
			class = ` class="pb"`
		}
		p.raw(`<section id="`, s.id, `"`, class, `><div class="sec"><aside><span class="n">`, s.number, " ", esc(s.name),
			"</span><h2>", esc(s.finding), "</h2>")
		if s.question != "" {
			p.raw("<p>", esc(s.question), "</p>")
		}
		p.raw("</aside><div>", s.body, "</div></div></section>\n")
	}
}

// refusals prints the reasons why a section has no data.
func refusals(run *result.Run, w *result.Workload, name string) (string, bool) {
	p := &page{}
	for _, r := range run.Refused {
		if r.Section != name || (w != nil && r.Workload != "" && r.Workload != w.ID) {
			continue
		}
		p.raw("<li><b>", esc(r.What), "</b>", esc(r.Measure), "</li>")
	}
	if p.Len() == 0 {
		return "", false
	}
	return `<ul class="warn">` + p.String() + "</ul>", true
}

// fits says whether every class of ranks fits in device memory.
func fits(w *result.Workload) bool {
	for _, m := range w.Memory {
		if m.TotalGiB > m.UsableGiB {
			return false
		}
	}
	return true
}
