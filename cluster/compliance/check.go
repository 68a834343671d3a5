package compliance

import (
	"fmt"
	"slices"
)

// rule is one predicate with its article.
type rule struct {
	id, title, basis, regime string
	check                    func(*Plan, *notes)
}

// rules in the order in which reports list them.
var rules = []rule{
	{"residency", "Data stay where they may be", "GDPR Ch. V, Art. 44-49", "GDPR", residency},
	{"processor", "Contract with every processor", "GDPR Art. 28", "GDPR", processor},
	{"purpose", "Purpose limitation and minimisation", "GDPR Art. 5(1)(b,c)", "GDPR", purpose},
	{"storage-limitation", "Kept no longer than needed", "GDPR Art. 5(1)(e)", "GDPR", storageLimitation},
	{"erasure", "Erasure within a month", "GDPR Art. 17, Art. 12(3)", "GDPR", erasure},
	{"security", "Security of processing", "GDPR Art. 32", "GDPR", security},
	{"breach", "Breach notice to the authority within 72 h", "GDPR Art. 33", "GDPR", breach},
	{"dpia", "Impact assessment", "GDPR Art. 35", "GDPR", dpia},
	{"records", "Records of processing", "GDPR Art. 30", "GDPR", records},
	{"baa", "Business associate agreements", "45 CFR 164.308(b), 164.504(e)", "HIPAA", associates},
	{"access-control", "Access control", "45 CFR 164.312(a)", "HIPAA", accessControl},
	{"audit", "Audit controls", "45 CFR 164.312(b)", "HIPAA", audit},
	{"integrity", "Integrity and authentication", "45 CFR 164.312(c),(d)", "HIPAA", integrity},
	{"transmission", "Transmission security", "45 CFR 164.312(e)", "HIPAA", transmission},
	{"contingency", "Backup, second site, recovery in time", "45 CFR 164.308(a)(7)", "HIPAA", contingency},
	{"documentation", "Documents kept for 6 years", "45 CFR 164.316(b)(2)", "HIPAA", documentation},
	{"individual-notice", "Breach notice to individuals within 60 days", "45 CFR 164.404", "HIPAA", individualNotice},
	{"de-identification", "De-identification", "45 CFR 164.514(b)", "HIPAA", deidentification},
}

// Check applies the rules of the plan's regimes, in a fixed order. A rule with no
// subject is not applicable.
func Check(p *Plan) []Verdict {
	var out []Verdict
	for _, r := range rules {
		if r.regime == "GDPR" && !p.GDPR || r.regime == "HIPAA" && !p.HIPAA {
			continue
		}
		n := &notes{}
		r.check(p, n)
		v := Verdict{Rule: r.id, Title: r.title, Basis: r.basis, Regime: r.regime, Checked: n.subjects, Findings: n.list}
		if n.subjects > 0 {
			v.Status = Pass
		}
		for _, f := range n.list {
			v.Status = max(v.Status, f.Status)
		}
		out = append(out, v)
	}
	return out
}

// notes collects what one rule finds.
type notes struct {
	subjects int
	list     []Finding
}

// subject counts one thing that the rule looks at.
func (n *notes) subject() { n.subjects++ }

func (n *notes) fail(subject, format string, args ...any) {
	n.list = append(n.list, Finding{subject, Fail, fmt.Sprintf(format, args...)})
}

func (n *notes) ask(subject, format string, args ...any) {
	n.list = append(n.list, Finding{subject, NeedsDeclaration, fmt.Sprintf(format, args...)})
}

// yes notes a fact that must hold: nil asks for key, false fails.
func (n *notes) yes(subject string, v *bool, key, what string) {
	switch {
	case v == nil:
		n.ask(subject, "say whether %s (%s)", what, key)
	case !*v:
		n.fail(subject, "it is declared not to be so that %s (%s = false)", what, key)
	}
}

// atMost notes a duration that must not exceed a limit: nil asks for key.
func (n *notes) atMost(subject string, v *float64, limit float64, key, what string) {
	switch {
	case v == nil:
		n.ask(subject, "say %s (%s)", what, key)
	case *v > limit:
		n.fail(subject, "%s is %s, and %s is allowed", what, span(*v), span(limit))
	}
}

const (
	hour = 3600.0
	day  = 24 * hour
	year = 365 * day
)

// span is a duration in the largest unit that gives at least one.
func span(sec float64) string {
	switch {
	case sec >= 2*year:
		return fmt.Sprintf("%.3g years", sec/year)
	case sec >= 2*day:
		return fmt.Sprintf("%.3g days", sec/day)
	case sec >= hour:
		return fmt.Sprintf("%.3g h", sec/hour)
	}
	return fmt.Sprintf("%.3g s", sec)
}

// site by id; nil when the plan has none of that name.
func (p *Plan) site(id string) *Site {
	for i := range p.Sites {
		if p.Sites[i].ID == id {
			return &p.Sites[i]
		}
	}
	return nil
}

// places are the sites that hold or process a data set, each once, in a fixed order.
func (p *Plan) places(d *Dataset) []*Site {
	ids := append([]string{d.Site}, d.Copies...)
	for _, j := range p.Jobs {
		if slices.Contains(j.Uses, d.ID) {
			ids = append(ids, j.Site)
		}
	}
	var out []*Site
	for _, id := range ids {
		if s := p.site(id); s != nil && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// eachPlace calls f for every site that holds or processes any of the data sets that
// keep says, each once.
func (p *Plan) eachPlace(keep func(*Dataset) bool, f func(*Site)) {
	var seen []*Site
	for i := range p.Datasets {
		if !keep(&p.Datasets[i]) {
			continue
		}
		for _, s := range p.places(&p.Datasets[i]) {
			if !slices.Contains(seen, s) {
				seen = append(seen, s)
				f(s)
			}
		}
	}
}

// personal says whether the GDPR protects the data: de-identification under HIPAA is
// not anonymisation under the GDPR, so that it changes nothing here.
func personal(d *Dataset) bool {
	return d.Class != ClassNone && slices.Contains(d.Subjects, "EEA")
}

// protected says whether HIPAA protects the data.
func protected(d *Dataset) bool {
	return d.Class == ClassPHI && !(d.Deidentified == "safe-harbor" && d.Removed != nil && *d.Removed == identifiers) &&
		!(d.Deidentified == "expert" && d.Determination != "")
}

// any says whether a data set of the kind is in the plan.
func (p *Plan) any(keep func(*Dataset) bool) bool {
	return slices.ContainsFunc(p.Datasets, func(d Dataset) bool { return keep(&d) })
}
