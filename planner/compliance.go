package planner

import (
	"fmt"

	"aisim/cluster/compliance"
	"aisim/internal/result"
)

// compliance holds the nominal future against the rules that the scenario asks for.
func (e *evaluation) compliance(run *result.Run) error {
	plan, err := e.nominal.CompliancePlan()
	if plan == nil || err != nil {
		return err
	}
	out := &result.Compliance{AuditBytes: result.Number{Value: plan.Audit.KeptBytes, Low: plan.Audit.KeptBytes, High: plan.Audit.KeptBytes, Unit: "B",
		Pedigree: result.Assumed, NoInterval: "the size of a record is assumed"}}
	count := map[compliance.Status]int{}
	for _, v := range compliance.Check(plan) {
		count[v.Status]++
		r := result.ComplianceRule{Rule: v.Rule, Regime: v.Regime, Title: v.Title, Basis: v.Basis, Status: v.Status.String(), Checked: v.Checked}
		for _, f := range v.Findings {
			r.Findings = append(r.Findings, result.ComplianceFinding{Subject: f.Subject, Status: f.Status.String(), Why: f.Why})
		}
		out.Rules = append(out.Rules, r)
	}
	run.Compliance = out
	if n := count[compliance.Fail]; n > 0 {
		run.Banners = append(run.Banners, fmt.Sprintf("%d of %d rules of data protection fail: section 14 says which and why.", n, len(out.Rules)))
	}
	for key, status := range map[string]compliance.Status{result.MetricComplianceFailed: compliance.Fail, result.MetricComplianceUndeclared: compliance.NeedsDeclaration} {
		n := float64(count[status])
		run.Metrics[key] = result.Number{Value: n, Low: n, High: n, Unit: "rules", NoInterval: "a count of rules"}
	}
	return nil
}
