package compliance

// Limits of HIPAA.
const (
	identifiers        = 18 // of 164.514(b)(2)
	documentsKeptSec   = 6 * year
	individualLimitSec = 60 * day
)

func associates(p *Plan, n *notes) {
	p.eachPlace(protected, func(s *Site) {
		n.subject()
		if s.Operator != "self" {
			n.yes(s.ID, s.BAA, "site."+s.ID+".baa", s.Operator+" has signed a business associate agreement")
		}
	})
}

// accessControl: identities, emergency access, log-off; encryption is addressable, so
// that leaving it out must be declared and is reported.
func accessControl(p *Plan, n *notes) {
	if !p.any(protected) {
		return
	}
	n.subject()
	d := &p.Declared
	n.yes("organisation", d.UniqueUserID, "compliance.unique_user_id", "every user has an identity of their own")
	n.yes("organisation", d.EmergencyAccess, "compliance.emergency_access", "there is a procedure for emergency access")
	n.yes("organisation", d.AutomaticLogoff, "compliance.automatic_logoff", "sessions end by themselves")
	p.eachPlace(protected, func(s *Site) {
		n.subject()
		n.yes(s.ID, s.AtRest, "site."+s.ID+".encryption_at_rest", "data are encrypted at rest")
	})
}

// audit: every site with protected data writes an audit log, and the plan has room for it.
func audit(p *Plan, n *notes) {
	if !p.any(protected) {
		return
	}
	p.eachPlace(protected, func(s *Site) {
		n.subject()
		n.yes(s.ID, s.AuditLog, "site."+s.ID+".audit_log", "accesses are logged")
	})
	switch a := &p.Audit; {
	case a.Store == "":
		n.ask("audit log", "name the store that keeps it (compliance.audit_store)")
	case a.KeptBytes > a.RoomBytes:
		n.fail("audit log", "it grows to %.3g TB, and %s has room for %.3g TB", a.KeptBytes/1e12, a.Store, a.RoomBytes/1e12)
	}
}

func integrity(p *Plan, n *notes) {
	if p.any(protected) {
		n.subject()
		n.yes("organisation", p.Declared.Checksums, "compliance.checksums", "data and models carry checksums or signatures")
		n.yes("organisation", p.Declared.MFA, "compliance.mfa", "users prove who they are with more than one factor")
	}
}

func transmission(p *Plan, n *notes) {
	p.eachPlace(protected, func(s *Site) {
		n.subject()
		inTransit(s, n)
	})
}

// contingency: a backup, a copy at a second site, and the recovery point and time that
// the plan reaches within those promised.
func contingency(p *Plan, n *notes) {
	for i := range p.Datasets {
		d := &p.Datasets[i]
		if !protected(d) {
			continue
		}
		n.subject()
		second := false
		for _, c := range d.Copies {
			second = second || c != d.Site
		}
		if !second {
			n.fail(d.ID, "it has no copy at a second site (data.%s.copies)", d.ID)
		}
		objective(n, d.ID, "recovery point", "rpo", d.RPOSec, d.BackupEvery, "say how often it is backed up (data."+d.ID+".backup_every)")
		objective(n, d.ID, "recovery time", "rto", d.RTOSec, d.RestoreSec, "say in which store it rests, how large it is, and how fast the links between its sites are (data."+d.ID+".store and size, site.wan)")
	}
}

// objective holds what is reached against what is promised.
func objective(n *notes, id, what, key string, promised, reached *float64, ask string) {
	switch {
	case promised == nil:
		n.ask(id, "state the %s objective (data.%s.%s)", what, id, key)
	case reached == nil:
		n.ask(id, "%s", ask)
	case *reached > *promised:
		n.fail(id, "the %s is %s, and %s is promised", what, span(*reached), span(*promised))
	}
}

func documentation(p *Plan, n *notes) {
	if !p.any(protected) {
		return
	}
	n.subject()
	switch kept := p.Declared.DocumentsKeptSec; {
	case kept == nil:
		n.ask("organisation", "say for how long policies and records are kept (compliance.documents_kept)")
	case *kept < documentsKeptSec:
		n.fail("organisation", "policies and records are kept for %s, and %s is required", span(*kept), span(documentsKeptSec))
	}
}

func individualNotice(p *Plan, n *notes) {
	if p.any(protected) {
		n.subject()
		n.atMost("organisation", p.Declared.IndividualNoticeSec, individualLimitSec, "compliance.individual_notice", "the time from a breach to the notice of individuals")
	}
}

// deidentification: what is called de-identified is, by one of the two methods.
func deidentification(p *Plan, n *notes) {
	for i := range p.Datasets {
		d := &p.Datasets[i]
		if d.Deidentified == "" {
			continue
		}
		n.subject()
		switch {
		case d.Deidentified == "expert" && d.Determination == "":
			n.ask(d.ID, "name the expert's determination (data.%s.determination)", d.ID)
		case d.Deidentified == "safe-harbor" && d.Removed == nil:
			n.ask(d.ID, "say how many of the %d identifiers were removed (data.%s.identifiers_removed)", identifiers, d.ID)
		case d.Deidentified == "safe-harbor" && *d.Removed < identifiers:
			n.fail(d.ID, "%d of %d identifiers were removed: it is still protected health information", *d.Removed, identifiers)
		}
	}
}
