package cluster

import "aisim/internal/result"

// Cause is why bought accelerator time did no useful work.
type Cause uint8

// The causes, in the order in which reports list them.
const (
	Useful         Cause = iota
	Rework               // work since the last committed checkpoint, done again
	Detecting            // from the failure to its discovery
	Restarting           // new processes, communicators, warm-up
	AwaitingRepair       // no spare node was left
	Restoring            // reading the checkpoint back
	Checkpointing        // stalled while a checkpoint was taken
	InputStall           // waiting for input bytes
	Contention           // steps slowed by bulk transfers on the same wires
	Shrunk               // steps taken by fewer replicas while nodes were missing
	Starting             // before the first step
	Finished             // after the last step, inside the period paid for
	NumCauses
)

var causes = [NumCauses]struct {
	name string
	kind result.Kind
}{
	{"useful work", result.KindCompute},
	{"work done again", result.KindFailure},
	{"detecting failures", result.KindFailure},
	{"restarting", result.KindFailure},
	{"waiting for repair", result.KindFailure},
	{"reading checkpoints back", result.KindStorage},
	{"taking checkpoints", result.KindStorage},
	{"waiting for input", result.KindStorage},
	{"steps slowed by storage traffic", result.KindNetwork},
	{"running on fewer nodes", result.KindFailure},
	{"starting", result.KindWait},
	{"idle after the end", result.KindWait},
}

// String is the cause in words.
func (c Cause) String() string { return causes[c].name }

// Kind is the colour of the cause.
func (c Cause) Kind() result.Kind { return causes[c].kind }

// Losses is seconds of the whole job by cause; they sum to the job's period.
type Losses [NumCauses]float64

// Total is the sum over all causes, useful work included.
func (l *Losses) Total() float64 {
	sum := 0.0
	for _, s := range l {
		sum += s
	}
	return sum
}

// Goodput is the useful share of the time.
func (l *Losses) Goodput() float64 {
	if t := l.Total(); t > 0 {
		return l[Useful] / t
	}
	return 0
}
