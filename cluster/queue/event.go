package queue

const (
	evEnd = iota
	evRepair
	evFail
	evWindow
	evTick
	evNode
)

// event sorts by time, then kind, then number.
type event struct {
	sec  float64
	kind int8
	pool int32
	id   int32
	run  int32
}

// Before implements sim.PriorityQueue.
func (a event) Before(b event) bool {
	switch {
	case a.sec != b.sec:
		return a.sec < b.sec
	case a.kind != b.kind:
		return a.kind < b.kind
	case a.pool != b.pool:
		return a.pool < b.pool
	}
	return a.id < b.id
}
