package compliance

// AuditRecordBytes is the size of one record of an audit log: assumed, a JSON line with
// time, identity, object, action and outcome.
const AuditRecordBytes = 700.0

// AuditBytes is what an audit log holds once its oldest records are deleted: accesses per
// second times the size of a record times how long it is kept.
func AuditBytes(accessesPerSec, keptSec float64) float64 {
	return accessesPerSec * AuditRecordBytes * keptSec
}
