package cluster

import "aisim/internal/result"

// Outcome is what happened in one simulated future.
type Outcome struct {
	Training []TrainingOutcome
	Services []ServiceOutcome
	Periodic []PeriodicOutcome
	Events   uint64
}

// TrainingOutcome is what became of one campaign. Losses sum to EndSec.
type TrainingOutcome struct {
	EndSec      float64 // of the period paid for, or of the last step when there is no period
	Finished    bool    // all steps were taken
	FinishSec   float64 // when the last step ended, if Finished
	Steps       float64 // kept
	Losses      Losses
	Failures    [NumFaultCauses]int
	Drained     int     // nodes that left before they failed
	MTBFSec     float64 // expected, from the rates
	Checkpoints int
	IntervalSec float64 // of running time between checkpoints; 0: none
	WriteSec    float64 // mean time until a checkpoint was safe
	RestoreSec  float64 // mean time to read one back; 0: never happened
	Timeline    []result.TimePoint
}

// FailureCount is the number of failures of all causes.
func (o *TrainingOutcome) FailureCount() int {
	n := 0
	for _, f := range o.Failures {
		n += f
	}
	return n
}

// ServiceOutcome is when the replicas of a service were there.
type ServiceOutcome struct {
	ReadySec []float64 // by replica: the first time it was ready; above the horizon: never
	Outages  []Outage  // in order of start, within the horizon
	LoadSec  float64   // from the start until the weights of all replicas were loaded
	Failures int
}
