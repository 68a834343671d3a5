package scenarios

import (
	"math"
	"slices"

	"aisim/cluster/compliance"
	"aisim/storage"
)

// CompliancePlan is what the rules look at: what the scenario declares, with the restore
// and scan times of its stores and the size of its audit log as this future has them.
// Nil when no rules are asked for.
func (f *Future) CompliancePlan() (*compliance.Plan, error) {
	sc := f.World.Scenario
	r := sc.Compliance
	if r == nil {
		return nil, nil
	}
	p := &compliance.Plan{GDPR: slices.Contains(r.Regimes, "gdpr"), HIPAA: slices.Contains(r.Regimes, "hipaa"),
		Declared: compliance.Declarations{TransferTool: r.TransferTool, TransferAssessment: r.TransferAssessment, DPIA: r.DPIA, Register: r.Register,
			Unlearning: r.Unlearning, AccessControl: r.AccessControl, RestoreTested: r.RestoreTested, AvailabilityTarget: r.AvailabilityTarget,
			BreachReportSec: r.BreachReportSec, IndividualNoticeSec: r.IndividualNoticeSec, UniqueUserID: r.UniqueUserID, EmergencyAccess: r.EmergencyAccess,
			AutomaticLogoff: r.AutomaticLogoff, Checksums: r.Checksums, MFA: r.MFA, DocumentsKeptSec: r.DocumentsKeptSec}}
	for i := range sc.Sites {
		s := &sc.Sites[i]
		p.Sites = append(p.Sites, compliance.Site{ID: s.ID, Country: s.Country, Operator: s.Operator, Certified: s.Certified, DPA: s.DPA, BAA: s.BAA,
			AtRest: s.AtRest, InTransit: s.InTransit, IsolatedFabric: s.IsolatedFabric, AuditLog: s.AuditLog, RDMA: f.rdma(s.ID)})
	}
	for i := range sc.Data {
		d := &sc.Data[i]
		set := compliance.Dataset{ID: d.ID, Class: compliance.Class(d.Class), Subjects: d.Subjects, Purposes: d.Purposes, LawfulBasis: d.LawfulBasis,
			Minimised: d.Minimised, Site: d.Site, Copies: d.Copies, RetentionSec: d.RetentionSec, BackupEvery: d.BackupEverySec, BackupKeepSec: d.BackupKeepSec,
			EraseEvery: d.EraseEverySec, SubjectKeys: d.SubjectKeys, RPOSec: d.RPOSec, RTOSec: d.RTOSec, Deidentified: d.Deidentified, Removed: d.Removed,
			Determination: d.Determination}
		if d.Store != "" {
			var err error
			if set.EraseScanSec, err = f.wholeStore(d, storage.Read); err != nil {
				return nil, err
			}
			write, err := f.wholeStore(d, storage.Write)
			if err != nil {
				return nil, err
			}
			if link := sc.fastestCopy(d); link > 0 {
				sec := math.Max(*write, *d.SizeBytes/link)
				set.RestoreSec = &sec
			}
		}
		p.Datasets = append(p.Datasets, set)
	}
	for i := range sc.Workloads {
		w := &sc.Workloads[i]
		p.Jobs = append(p.Jobs, compliance.Job{ID: w.ID, Site: w.Site, Purpose: w.Purpose, Training: w.Kind == "training", Uses: w.Uses})
	}
	p.Audit = compliance.Audit{Store: r.AuditStore, KeptBytes: f.complianceAudit(r.AuditKeptSec), RoomBytes: math.Inf(1)}
	if s := sc.Security; s != nil && s.Audit != nil {
		p.Audit.Store, p.Audit.KeptBytes = f.AuditBytes(s.Audit.KeptSec)
	}
	for k := range sc.Storage {
		if sc.Storage[k].ID == p.Audit.Store && sc.Storage[k].Kind != "object" {
			p.Audit.RoomBytes = f.Stores[k].Capacity().FreeBytes
		}
	}
	return p, nil
}

// fastestCopy is the bandwidth at which a copy at another site comes back, in bytes per
// second: the narrower of the two sites' links, of the best copy; 0 when none is known.
func (sc *Scenario) fastestCopy(d *Data) float64 {
	link := map[string]float64{}
	for i := range sc.Sites {
		if s := &sc.Sites[i]; s.WANBytesPerSec != nil {
			link[s.ID] = *s.WANBytesPerSec
		}
	}
	best := 0.0
	for _, c := range d.Copies {
		if c != d.Site {
			best = math.Max(best, math.Min(link[c], link[d.Site]))
		}
	}
	return best
}

// complianceAudit is what the log that [compliance] asks for holds after so many seconds.
func (f *Future) complianceAudit(sec float64) float64 {
	return compliance.AuditBytes(f.accesses(), sec)
}

// rdma says whether a workload at the site moves data between servers over the compute
// fabric, which InfiniBand and RoCE do in plain text.
func (f *Future) rdma(site string) bool {
	for i := range f.World.Placed {
		p := &f.World.Placed[i]
		if p.Site != site || len(p.Uses) == 0 {
			continue
		}
		if p.Training != nil && p.NodeCount > 1 {
			return true
		}
		if s := p.Serving; s != nil && s.ReplicaChips() > f.World.Server.AcceleratorCount {
			return true
		}
	}
	return false
}

// wholeStore is the time to read or write a data set of a store from all nodes at once,
// in seconds.
func (f *Future) wholeStore(d *Data, op storage.Op) (*float64, error) {
	w := f.World
	for k := range w.Scenario.Storage {
		if w.Scenario.Storage[k].ID != d.Store {
			continue
		}
		if err := f.Stores[k].Holds("data "+d.ID, *d.SizeBytes); err != nil {
			return nil, w.Scenario.problemOf("data."+d.ID+".size", err)
		}
		clients := f.ports(0, d.Store)
		each := *d.SizeBytes / float64(len(clients))
		object := w.Scenario.Storage[k].ObjectBytes
		if object == 0 { // local drives are read and written in streams
			object = each
		}
		run := f.Stores[k].ReadSeconds
		if op == storage.Write {
			run = f.Stores[k].WriteSeconds
		}
		sec, err := run(clients, each, math.Min(each, object))
		if err != nil {
			return nil, w.Scenario.problemOf("data."+d.ID+".store", err)
		}
		return &sec, nil
	}
	panic("scenarios: invariant: a store that was checked is missing")
}

// accesses are the logged accesses per second: one per request of a service that uses
// labelled data, one per stored object that a campaign reads, and those declared.
func (f *Future) accesses() float64 {
	sum := f.World.Scenario.Compliance.AccessesPerSec
	for i := range f.World.Placed {
		p := &f.World.Placed[i]
		if len(p.Uses) == 0 {
			continue
		}
		if o := f.Served[i]; o != nil && o.EndSec > o.StartSec {
			sum += float64(o.Requests) / (o.EndSec - o.StartSec)
		}
		if s := f.Steps[i]; s != nil && p.Dataset != nil {
			sum += s.InputBytes / s.Seconds / f.objectBytes(p.Dataset.From)
		}
	}
	return sum
}
