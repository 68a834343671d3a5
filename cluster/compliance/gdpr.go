package compliance

import "slices"

// Limits of the GDPR.
const (
	erasureLimitSec = 30 * day // one month, Art. 12(3)
	noticeLimitSec  = 72 * hour
)

// residency: data of subjects in the EEA rest and are processed in the EEA, in a
// country with an adequacy decision, or under a declared transfer tool.
func residency(p *Plan, n *notes) {
	for i := range p.Datasets {
		d := &p.Datasets[i]
		if !personal(d) {
			continue
		}
		for _, s := range p.places(d) {
			n.subject()
			switch tool := p.Declared.TransferTool; {
			case inEEA(s.Country), hasAdequacy(s.Country), s.Country == "US" && s.Certified != nil && *s.Certified:
			case tool == "scc" || tool == "bcr":
				n.yes(d.ID, p.Declared.TransferAssessment, "compliance.transfer_assessment", "the transfer to "+s.ID+" ("+s.Country+") was assessed")
			case tool == "none":
				n.fail(d.ID, "it reaches %s in %s without an adequacy decision or a transfer tool: keep it in the EEA, or conclude standard clauses", s.ID, s.Country)
			default:
				n.ask(d.ID, "it reaches %s in %s: name the transfer tool (compliance.transfer_tool) or keep it in the EEA", s.ID, s.Country)
			}
		}
	}
}

// processor: every operator but the controller itself has a contract.
func processor(p *Plan, n *notes) {
	p.eachPlace(personal, func(s *Site) {
		n.subject()
		if s.Operator != "self" {
			n.yes(s.ID, s.DPA, "site."+s.ID+".dpa", s.Operator+" has signed a processing contract")
		}
	})
}

// purpose: jobs read data for a declared purpose, and copies hold no more than it needs.
func purpose(p *Plan, n *notes) {
	for i := range p.Datasets {
		d := &p.Datasets[i]
		if !personal(d) {
			continue
		}
		n.subject()
		if d.LawfulBasis == "" {
			n.ask(d.ID, "name the lawful basis of its processing (data.%s.lawful_basis)", d.ID)
		}
		n.yes(d.ID, d.Minimised, "data."+d.ID+".minimised", "copies leave out what the purposes do not need")
		for _, j := range p.Jobs {
			switch {
			case !slices.Contains(j.Uses, d.ID):
			case j.Purpose == "":
				n.ask(j.ID, "say for which purpose it reads %s (workload.%s.purpose)", d.ID, j.ID)
			case !slices.Contains(d.Purposes, j.Purpose):
				n.fail(j.ID, "it reads %s for %q, which is not among the declared purposes %q", d.ID, j.Purpose, d.Purposes)
			}
		}
	}
}

// storageLimitation: a retention is declared, backups do not outlive it, deletion is
// scheduled.
func storageLimitation(p *Plan, n *notes) {
	for i := range p.Datasets {
		d := &p.Datasets[i]
		if !personal(d) {
			continue
		}
		n.subject()
		if d.RetentionSec == nil {
			n.ask(d.ID, "say for how long it is kept (data.%s.retention)", d.ID)
		} else if d.BackupKeepSec != nil && *d.BackupKeepSec > *d.RetentionSec {
			n.fail(d.ID, "its backups are kept for %s, the data for %s", span(*d.BackupKeepSec), span(*d.RetentionSec))
		}
		if d.EraseEvery == nil {
			n.ask(d.ID, "say how often a deletion job runs (data.%s.erase_every)", d.ID)
		}
	}
}

// ErasureSec is the longest time from a request for erasure until no copy is left: the
// wait for the next batch, its scan, and the life of the backups unless throwing a key
// away reaches them.
func ErasureSec(d *Dataset) (float64, bool) {
	if d.EraseEvery == nil {
		return 0, false
	}
	t := *d.EraseEvery
	if d.SubjectKeys {
		return t, true
	}
	if d.EraseScanSec == nil || len(d.Copies) > 0 && d.BackupKeepSec == nil {
		return 0, false
	}
	t += *d.EraseScanSec
	if d.BackupKeepSec != nil {
		t += *d.BackupKeepSec
	}
	return t, true
}

// erasure: all copies are gone within a month, and models have a plan.
func erasure(p *Plan, n *notes) {
	for i := range p.Datasets {
		d := &p.Datasets[i]
		if !personal(d) {
			continue
		}
		n.subject()
		switch t, ok := ErasureSec(d); {
		case d.EraseEvery == nil:
			n.ask(d.ID, "say how often a deletion job runs (data.%s.erase_every)", d.ID)
		case !ok && d.EraseScanSec == nil:
			n.ask(d.ID, "say in which store it rests and how large it is (data.%s.store and size), so that the scan can be timed", d.ID)
		case !ok:
			n.ask(d.ID, "say for how long its backups are kept (data.%s.backup_retention)", d.ID)
		case t > erasureLimitSec:
			n.fail(d.ID, "an erasure takes up to %s to reach every copy, and %s is allowed: shorten backup_retention or erase_every, or keep a key per subject (subject_keys = true)", span(t), span(erasureLimitSec))
		}
		for _, j := range p.Jobs {
			if j.Training && slices.Contains(j.Uses, d.ID) {
				n.yes(j.ID, p.Declared.Unlearning, "compliance.unlearning_plan", "models that learnt from erased records have a plan for retraining or unlearning")
			}
		}
	}
}

// security: encryption, access control, tested restore, a stated availability.
func security(p *Plan, n *notes) {
	if !p.any(personal) {
		return
	}
	p.eachPlace(personal, func(s *Site) {
		n.subject()
		n.yes(s.ID, s.AtRest, "site."+s.ID+".encryption_at_rest", "data are encrypted at rest")
		inTransit(s, n)
	})
	d := &p.Declared
	n.yes("organisation", d.AccessControl, "compliance.access_control", "access follows roles")
	n.yes("organisation", d.RestoreTested, "compliance.restore_tested", "restoring was tested")
	if d.AvailabilityTarget == nil {
		n.ask("organisation", "state the availability target (compliance.availability_target)")
	}
}

func breach(p *Plan, n *notes) {
	if p.any(personal) {
		n.subject()
		n.atMost("organisation", p.Declared.BreachReportSec, noticeLimitSec, "compliance.breach_report", "the time from a breach to the authority's notice")
	}
}

// dpia: special categories, health data among them, need an impact assessment.
func dpia(p *Plan, n *notes) {
	for i := range p.Datasets {
		if d := &p.Datasets[i]; personal(d) && d.Class != ClassPersonal {
			n.subject()
			n.yes(d.ID, p.Declared.DPIA, "compliance.dpia", "an impact assessment was made")
		}
	}
}

// records: each job that touches personal data stands in the register.
func records(p *Plan, n *notes) {
	for _, j := range p.Jobs {
		if !slices.ContainsFunc(p.Datasets, func(d Dataset) bool { return personal(&d) && slices.Contains(j.Uses, d.ID) }) {
			continue
		}
		n.subject()
		switch {
		case slices.Contains(p.Declared.Register, j.ID):
		case len(p.Declared.Register) == 0:
			n.ask(j.ID, "list it in compliance.register when it stands in the processing register")
		default:
			n.fail(j.ID, "it is not among the processing register's entries %q", p.Declared.Register)
		}
	}
}

// inTransit: every path is encrypted, or stays within an isolated fabric. TLS ends
// where RDMA begins: plain InfiniBand and RoCE do not encrypt.
func inTransit(s *Site, n *notes) {
	isolated := s.IsolatedFabric != nil && *s.IsolatedFabric
	switch s.InTransit {
	case "":
		n.ask(s.ID, "say how data are encrypted on the wire (site.%s.encryption_in_transit)", s.ID)
	case "none":
		if !isolated {
			n.fail(s.ID, "data cross its wires unencrypted")
		}
	case "tls":
		if s.RDMA && !isolated {
			n.fail(s.ID, "TLS does not cover its RDMA fabric: take NICs with IPsec or MACsec, or declare the fabric isolated (site.%s.isolated_fabric)", s.ID)
		}
	}
}
