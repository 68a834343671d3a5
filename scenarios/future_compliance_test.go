package scenarios

import (
	"strings"
	"testing"

	"aisim/cluster/compliance"
)

// The built-in plan keeps every rule, and what a user turns makes the rule that it
// concerns fail or ask.
func TestComplianceOfScenario(t *testing.T) {
	for _, c := range []struct{ set, rule, want string }{
		{"replicas=1", "", ""},
		{`site.dublin.wan="10 Gb/s"`, "contingency", "fail"},
		{`data.records-eu.erase_every="10 d"`, "erasure", "fail"},
		{`data.records-eu.copies=[]`, "contingency", "fail"},
		{`site.dublin.country="IN"`, "residency", "fail"},
		{"site.frankfurt.isolated_fabric=false", "transmission", "fail"},
		{"workload.ask.purpose=advertising", "purpose", "fail"},
		{`compliance.audit_store="records"`, "audit", "pass"},
		{`compliance.accesses="100000/s"`, "audit", "pass"},
	} {
		sets := []string{c.set, "workload.ask.duration=1 s"}
		if strings.HasPrefix(c.set, "compliance.accesses") {
			sets = append(sets, `compliance.audit_store="records"`) // six years of it do not fit there
			c.want = "fail"
		}
		p, err := playedFuture(t, "hospital-group", sets...).CompliancePlan()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range compliance.Check(p) {
			if c.rule == "" && v.Status != compliance.Pass {
				t.Errorf("%s: %v %v", v.Rule, v.Status, v.Findings)
			}
			if v.Rule == c.rule && v.Status.String() != c.want {
				t.Errorf("%s: %s is %v, want %s: %v", c.set, v.Rule, v.Status, c.want, v.Findings)
			}
		}
	}
}
