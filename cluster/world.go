package cluster

import "aisim/topology"

// World is everything that shares one machine in one simulated future. Transfers are
// named by their index in the table that Phases was made of; -1 means none.
type World struct {
	Phases   *Phases
	Training []Training
	Services []Service
	Periodic []Periodic
	Steady   Mix  // transfers that move all the time
	Timeline bool // record what happened for the timeline; the nominal run does, replicas do not
}

// Training is one campaign.
type Training struct {
	ID         string
	FirstNode  int
	Nodes      int
	GroupNodes int                         // that hold one data-parallel replica: what a job that shrinks gives up at a time; 0 is 1
	StepSec    float64                     // of one step while nothing else moves
	ExposedSec [topology.NumLevels]float64 // of a step, spent waiting for each level of the fabric
	MaxSteps   float64                     // +Inf: until HorizonSec
	HorizonSec float64                     // the period that is paid for; +Inf: until MaxSteps
	StartSec   float64                     // from the start of the period to the first step

	Input             int // steady stream, or -1
	InputBytesPerStep float64

	Checkpoint *Checkpoint // nil: none is taken
	Faults     Faults
}

// Checkpoint says how a campaign saves its state.
type Checkpoint struct {
	Write, Restore int     // transfers
	EverySec       float64 // of running time; 0: Daly's optimum
	Async          bool    // steps go on while the bytes travel
	SnapshotSec    float64 // stall in which an asynchronous checkpoint copies its state to host memory
}

// FaultCause is what broke.
type FaultCause uint8

// The causes of failures.
const (
	FaultGPU FaultCause = iota
	FaultNIC
	FaultSwitch
	FaultHost
	FaultSoftware
	FaultTaken  // an instance that its provider takes back
	FaultDomain // a leaf, a rack or a supply that takes its nodes together
	NumFaultCauses
)

var faultNames = [NumFaultCauses]string{"accelerator", "NIC", "switch or cable", "host", "software", "instance taken away", "failure domain"}

// String is the cause in words.
func (f FaultCause) String() string { return faultNames[f] }

// hardware says whether a failure takes the node out until it is repaired.
func (f FaultCause) hardware() bool { return f != FaultSoftware }

// Service is a fleet of alike replicas.
type Service struct {
	ID              string
	FirstNode       int
	Nodes           int
	Replicas        int
	ReplicasPerNode float64 // below 1 when a replica spans nodes
	HorizonSec      float64
	Load            int     // transfer that brings the weights of every replica at once, or -1
	Reload          int     // the same for a single replica, or -1
	InitSec         float64 // from loaded to ready: graph capture, warm-up
	Warm            bool    // replicas are ready at the start
	Faults          Faults
}

// Outage is a replica that was not there from StartSec to EndSec.
type Outage struct {
	Replica          int
	StartSec, EndSec float64
}
