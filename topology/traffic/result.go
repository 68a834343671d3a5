package traffic

import "math"

// Result is what a pattern did. It depends on the fabric and the pattern alone, never
// on the number of workers.
type Result struct {
	Hosts        int
	Messages     uint64
	Events       uint64 // starts and completions of messages; packet events with packets
	Packets      uint64 // 0 in the flow model
	SimulatedSec float64
	Hash         uint64 // of every completion's message and time, in order
	// Time of a message from its start to the arrival of its last byte.
	MinFlowSec, MeanFlowSec, MaxFlowSec float64
	// FirstSec is when the first message (of a ring: the first rank) was done.
	FirstSec float64
}

// tally adds up completions in their order.
type tally struct {
	Result
	sum float64
}

func newTally(hosts int) tally {
	return tally{Result: Result{Hosts: hosts, Hash: 0xcbf29ce484222325, MinFlowSec: math.Inf(1), FirstSec: math.Inf(1)}}
}

// done books the completion of a message that started at start.
func (t *tally) done(message uint64, start, end float64) {
	sec := end - start
	t.Messages++
	t.sum += sec
	t.MinFlowSec = min(t.MinFlowSec, sec)
	t.MaxFlowSec = max(t.MaxFlowSec, sec)
	t.FirstSec = min(t.FirstSec, end)
	t.SimulatedSec = max(t.SimulatedSec, end)
	t.Hash = (t.Hash ^ message) * 0x100000001b3
	t.Hash = (t.Hash ^ math.Float64bits(end)) * 0x100000001b3
	t.Hash ^= t.Hash >> 29
}

func (t *tally) result() *Result {
	r := t.Result
	if r.Messages == 0 {
		r.MinFlowSec, r.FirstSec = 0, 0
		return &r
	}
	r.MeanFlowSec = t.sum / float64(r.Messages)
	return &r
}
