package compliance

import "testing"

func yes() *bool                 { v := true; return &v }
func no() *bool                  { v := false; return &v }
func seconds(v float64) *float64 { return &v }

// sound is a plan that passes every rule: health records of subjects in the EEA and in
// the US, a de-identified extract, one training job.
func sound() *Plan {
	site := func(id, country string) Site {
		return Site{ID: id, Country: country, Operator: "vendor", DPA: yes(), BAA: yes(), AtRest: yes(), InTransit: "ipsec", AuditLog: yes(), RDMA: true}
	}
	removed := identifiers
	return &Plan{
		GDPR: true, HIPAA: true,
		Sites: []Site{site("fra", "DE"), site("dub", "IE")},
		Datasets: []Dataset{
			{ID: "records", Class: ClassPHI, Subjects: []string{"EEA", "US"}, Purposes: []string{"diagnosis"}, LawfulBasis: "consent", Minimised: yes(),
				Site: "fra", Copies: []string{"dub"}, RetentionSec: seconds(10 * year), BackupEvery: seconds(day), BackupKeepSec: seconds(14 * day),
				EraseEvery: seconds(7 * day), EraseScanSec: seconds(3 * hour), RPOSec: seconds(day), RTOSec: seconds(8 * hour), RestoreSec: seconds(5 * hour)},
			{ID: "extract", Class: ClassPHI, Subjects: []string{"US"}, Site: "fra", Deidentified: "safe-harbor", Removed: &removed},
		},
		Jobs: []Job{{ID: "train", Site: "fra", Purpose: "diagnosis", Training: true, Uses: []string{"records"}}},
		Declared: Declarations{DPIA: yes(), Register: []string{"train"}, Unlearning: yes(), AccessControl: yes(), RestoreTested: yes(),
			AvailabilityTarget: seconds(0.999), BreachReportSec: seconds(24 * hour), IndividualNoticeSec: seconds(30 * day), UniqueUserID: yes(), EmergencyAccess: yes(),
			AutomaticLogoff: yes(), Checksums: yes(), MFA: yes(), DocumentsKeptSec: seconds(6 * year)},
		Audit: Audit{Store: "logs", KeptBytes: 1e12, RoomBytes: 2e12},
	}
}

func status(t *testing.T, p *Plan, rule string) Verdict {
	t.Helper()
	for _, v := range Check(p) {
		if v.Rule == rule {
			return v
		}
	}
	t.Fatalf("no rule %q", rule)
	return Verdict{}
}

func TestSoundPlanPassesEveryRule(t *testing.T) {
	verdicts := Check(sound())
	if len(verdicts) != 18 {
		t.Errorf("%d rules, want the 18 of the page", len(verdicts))
	}
	for _, v := range verdicts {
		if v.Status != Pass {
			t.Errorf("%s: %v %v", v.Rule, v.Status, v.Findings)
		}
	}
}

// Each rule fails on what contradicts it, asks for what is left unsaid, and no other
// status will do.
func TestEveryRule(t *testing.T) {
	for _, c := range []struct {
		rule       string
		fails, ask func(*Plan)
	}{
		{"residency",
			func(p *Plan) { p.Sites[1].Country = "US"; p.Declared.TransferTool = "none" },
			func(p *Plan) { p.Sites[1].Country = "US" }},
		{"processor",
			func(p *Plan) { p.Sites[0].DPA = no() },
			func(p *Plan) { p.Sites[0].DPA = nil }},
		{"purpose",
			func(p *Plan) { p.Jobs[0].Purpose = "advertising" },
			func(p *Plan) { p.Jobs[0].Purpose = "" }},
		{"storage-limitation",
			func(p *Plan) { p.Datasets[0].RetentionSec = seconds(7 * day) },
			func(p *Plan) { p.Datasets[0].RetentionSec = nil }},
		{"erasure",
			func(p *Plan) { p.Datasets[0].BackupKeepSec = seconds(24 * day) },
			func(p *Plan) { p.Datasets[0].EraseScanSec = nil }},
		{"security",
			func(p *Plan) { p.Sites[0].InTransit = "tls" },
			func(p *Plan) { p.Sites[0].AtRest = nil }},
		{"breach",
			func(p *Plan) { p.Declared.BreachReportSec = seconds(73 * hour) },
			func(p *Plan) { p.Declared.BreachReportSec = nil }},
		{"dpia",
			func(p *Plan) { p.Declared.DPIA = no() },
			func(p *Plan) { p.Declared.DPIA = nil }},
		{"records",
			func(p *Plan) { p.Declared.Register = []string{"other"} },
			func(p *Plan) { p.Declared.Register = nil }},
		{"baa",
			func(p *Plan) { p.Sites[1].BAA = no() },
			func(p *Plan) { p.Sites[1].BAA = nil }},
		{"access-control",
			func(p *Plan) { p.Declared.AutomaticLogoff = no() },
			func(p *Plan) { p.Declared.UniqueUserID = nil }},
		{"audit",
			func(p *Plan) { p.Audit.KeptBytes = 3e12 },
			func(p *Plan) { p.Audit.Store = "" }},
		{"integrity",
			func(p *Plan) { p.Declared.MFA = no() },
			func(p *Plan) { p.Declared.Checksums = nil }},
		{"transmission",
			func(p *Plan) { p.Sites[1].InTransit = "none" },
			func(p *Plan) { p.Sites[1].InTransit = "" }},
		{"contingency",
			func(p *Plan) { p.Datasets[0].RestoreSec = seconds(9 * hour) },
			func(p *Plan) { p.Datasets[0].RPOSec = nil }},
		{"documentation",
			func(p *Plan) { p.Declared.DocumentsKeptSec = seconds(5 * year) },
			func(p *Plan) { p.Declared.DocumentsKeptSec = nil }},
		{"individual-notice",
			func(p *Plan) { p.Declared.IndividualNoticeSec = seconds(61 * day) },
			func(p *Plan) { p.Declared.IndividualNoticeSec = nil }},
		{"de-identification",
			func(p *Plan) { v := 17; p.Datasets[1].Removed = &v },
			func(p *Plan) { p.Datasets[1].Removed = nil }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for want, change := range map[Status]func(*Plan){Fail: c.fails, NeedsDeclaration: c.ask} {
				p := sound()
				change(p)
				if v := status(t, p, c.rule); v.Status != want {
					t.Errorf("%v, want %v: %v", v.Status, want, v.Findings)
				}
			}
		})
	}
}

func TestTransfers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Plan)
		want   Status
	}{
		{"adequacy", func(p *Plan) { p.Sites[1].Country = "JP" }, Pass},
		{"certified in the US", func(p *Plan) { p.Sites[1].Country, p.Sites[1].Certified = "US", yes() }, Pass},
		{"standard clauses with an assessment", func(p *Plan) {
			p.Sites[1].Country, p.Declared.TransferTool, p.Declared.TransferAssessment = "IN", "scc", yes()
		}, Pass},
		{"standard clauses without an assessment", func(p *Plan) { p.Sites[1].Country, p.Declared.TransferTool = "IN", "scc" }, NeedsDeclaration},
		{"a job abroad counts", func(p *Plan) {
			p.Sites = append(p.Sites, Site{ID: "abroad", Country: "IN"})
			p.Jobs[0].Site, p.Declared.TransferTool = "abroad", "none"
		}, Fail},
		{"only US subjects", func(p *Plan) { p.Datasets[0].Subjects = []string{"US"} }, NotApplicable},
	} {
		p := sound()
		c.change(p)
		if v := status(t, p, "residency"); v.Status != c.want {
			t.Errorf("%s: %v, want %v: %v", c.name, v.Status, c.want, v.Findings)
		}
	}
}

// De-identified data leave HIPAA and stay under the GDPR; a fabric declared isolated
// compensates for the lack of encryption; keys per subject reach the backups at once.
func TestCompensatingControls(t *testing.T) {
	p := sound()
	removed := identifiers
	p.Datasets[0].Deidentified, p.Datasets[0].Removed = "safe-harbor", &removed
	if s := status(t, p, "baa").Status; s != NotApplicable {
		t.Errorf("business associates of de-identified data: %v", s)
	}
	if s := status(t, p, "residency").Status; s != Pass {
		t.Errorf("residency of de-identified data: %v", s)
	}
	p = sound()
	p.Sites[0].InTransit, p.Sites[0].IsolatedFabric = "tls", yes()
	if s := status(t, p, "transmission").Status; s != Pass {
		t.Errorf("isolated fabric: %v", s)
	}
	p = sound()
	p.Datasets[0].BackupKeepSec, p.Datasets[0].SubjectKeys = seconds(400*day), true
	if s := status(t, p, "erasure").Status; s != Pass {
		t.Errorf("keys per subject: %v", s)
	}
	p = sound()
	p.HIPAA = false
	if got := len(Check(p)); got != 9 {
		t.Errorf("%d rules without HIPAA, want 9", got)
	}
}

func TestBurden(t *testing.T) {
	if got, want := AuditBytes(1000, 6*year), 1000*700*6*year; got != want {
		t.Errorf("audit log of %g bytes, want %g", got, want)
	}
}
