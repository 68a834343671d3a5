package scenarios

import (
	"math"

	"aisim/cluster"
	"aisim/storage"
	"aisim/workloads/trace"
)

// secure works out what the services' requests make of identity and key services.
func (f *Future) secure() error {
	sc := f.World.Scenario
	f.Secured = make([]*Secured, len(f.World.Placed))
	if sc.Security == nil {
		return nil
	}
	for i := range f.World.Placed {
		if f.World.Placed[i].Serving == nil {
			continue
		}
		reqs, err := f.Sample.Requests(i)
		if err != nil {
			return err
		}
		if f.Secured[i], err = sc.Security.secured(trace.Rate(reqs)); err != nil {
			return sc.problemOf("security", err)
		}
	}
	return nil
}

// logged is the accesses per second of one workload: requests that come, objects that
// training reads.
func (f *Future) logged(i int) (float64, error) {
	p := &f.World.Placed[i]
	if p.Serving != nil {
		reqs, err := f.Sample.Requests(i)
		return trace.Rate(reqs), err
	}
	if s := f.Steps[i]; s != nil && p.Dataset != nil {
		return s.InputBytes / s.Seconds / f.objectBytes(p.Dataset.From), nil
	}
	return 0, nil
}

// objectBytes is the size of a store's objects; file systems and drives count as if theirs
// were as large as those of the other stores.
func (f *Future) objectBytes(store string) float64 {
	for k := range f.World.Scenario.Storage {
		if st := &f.World.Scenario.Storage[k]; st.ID == store && st.ObjectBytes > 0 {
			return st.ObjectBytes
		}
	}
	return 4 << 20
}

// addAudit puts the writing of the audit log beside everything else, from the nodes of each
// workload, in objects of the store.
func (f *Future) addAudit(transfers *[]cluster.Transfer) error {
	s := f.World.Scenario.Security
	if s == nil || s.Audit == nil {
		return nil
	}
	for i := range f.World.Placed {
		rate, err := f.logged(i)
		if err != nil {
			return err
		}
		if rate == 0 {
			continue
		}
		clients := f.ports(i, s.Audit.Store)
		each := rate * s.Audit.RecordBytes / float64(len(clients))
		id, err := f.move(i, s.Audit.Store, "audit log", storage.Write, clients, 0, f.objectBytes(s.Audit.Store), each, transfers)
		if err != nil {
			return err
		}
		f.Cluster.Steady |= 1 << id
	}
	return nil
}

// audited is what the audit log of [security] grows by in a second.
func (f *Future) audited() float64 {
	sum := 0.0
	for i := range f.World.Placed {
		if rate, err := f.logged(i); err == nil { // an error has ended the play
			sum += rate
		}
	}
	return sum * f.World.Scenario.Security.Audit.RecordBytes
}

// AuditBytes is what the audit log grows by in so many seconds, and the store that keeps it.
func (f *Future) AuditBytes(sec float64) (store string, bytes float64) {
	sc := f.World.Scenario
	if s := sc.Security; s != nil && s.Audit != nil {
		return s.Audit.Store, f.audited() * math.Min(sec, s.Audit.KeptSec)
	}
	if r := sc.Compliance; r != nil {
		return r.AuditStore, f.complianceAudit(math.Min(sec, r.AuditKeptSec))
	}
	return "", 0
}
