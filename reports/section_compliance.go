package reports

import (
	"strings"

	"aisim/internal/result"
	"aisim/reports/number"
)

// complianceSection is the plan held against the rules of data protection.
func complianceSection(run *result.Run) (section, bool) {
	s := section{id: "data-protection", number: "14", name: "Data protection",
		question: "May the data be where they are, and are they kept as they must be? What a rule needs and the plan does not say is to be declared. This is not legal advice."}
	c := run.Compliance
	if c == nil {
		return s, false
	}
	s.finding = upperFirst(complianceCount(c))
	p := &page{}
	var rows []tableRow
	for _, r := range c.Rules {
		rows = append(rows, cells(cell{text: r.Title, note: r.Basis}, txt(r.Status), txt(findings(r))))
	}
	p.table("", []column{{head: "Rule"}, {head: "status"}, {head: "what to change or declare", muted: true}}, rows)
	p.raw(`<p class="cap">The audit log holds `, esc(valueText(c.AuditBytes)), " when its oldest records are deleted.</p>")
	s.body = p.String()
	return s, true
}

// complianceCount says how many rules have which status, the worst first.
func complianceCount(c *result.Compliance) string {
	count := map[string]int{}
	for _, r := range c.Rules {
		count[r.Status]++
	}
	var words []string
	for _, w := range [][2]string{{"fail", "fail"}, {"needs declaration", "need a declaration"}, {"pass", "pass"}, {"not applicable", "do not apply"}} {
		if n := count[w[0]]; n > 0 {
			words = append(words, number.Int(n)+" "+w[1])
		}
	}
	return "of " + number.Int(len(c.Rules)) + " rules " + strings.Join(words, ", ")
}

// findings are the subjects of a rule that do not pass, as one text.
func findings(r result.ComplianceRule) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Subject+": "+f.Why)
	}
	return strings.Join(out, "; ")
}
