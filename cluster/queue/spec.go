package queue

import (
	"fmt"
	"math"
	"strings"

	"aisim/workloads/jobs"
)

// Order of the queue.
type Order uint8

// The orders.
const (
	FIFO     Order = iota
	Priority       // larger priority first, then first come
	SJF            // shortest estimate first
	Fair           // tenant with the least decayed use per weight
	DRF            // tenant with the least present share per weight
	LAS            // least attained service, in slices of Quantum
)

var orderNames = []string{"fifo", "priority", "sjf", "fair-share", "drf", "las"}

// String is the order's name.
func (o Order) String() string { return orderNames[o] }

// Backfill behind a head that does not fit.
type Backfill uint8

// The rules.
const (
	NoBackfill   Backfill = iota // the head blocks
	EASY                         // one reservation, for the head
	Conservative                 // a reservation for every job
	Anything                     // whatever fits starts
)

var backfillNames = []string{"none", "easy", "conservative", "any"}

// String is the rule's name.
func (b Backfill) String() string { return backfillNames[b] }

// OrderNames and BackfillNames are the words that are accepted.
func OrderNames() []string { return append([]string(nil), orderNames...) }

// BackfillNames are the words that are accepted.
func BackfillNames() []string { return append([]string(nil), backfillNames...) }

// ParseOrder accepts the names.
func ParseOrder(s string) (Order, error) {
	for i, n := range orderNames {
		if n == s {
			return Order(i), nil
		}
	}
	return 0, fmt.Errorf("queue: no order %q (want one of %s)", s, strings.Join(orderNames, ", "))
}

// ParseBackfill accepts the names.
func ParseBackfill(s string) (Backfill, error) {
	for i, n := range backfillNames {
		if n == s {
			return Backfill(i), nil
		}
	}
	return 0, fmt.Errorf("queue: no backfill %q (want one of %s)", s, strings.Join(backfillNames, ", "))
}

// Pool is alike nodes with a queue.
type Pool struct {
	Name        string
	Nodes       int
	GPUsPerNode int
	LeafNodes   int     // nodes on one leaf switch or scale-up domain; 0 is all
	PodLeaves   int     // leaves in a pod; 0 is all
	MaxWallSec  float64 // longer requests are refused; 0 is no limit
	MaxGPUs     int     // of one job; 0 is all
}

func (p Pool) gpus() int { return p.Nodes * p.GPUsPerNode }

// Tenant shares the machine. Jobs name tenants by their position in Trace.Tenants.
type Tenant struct {
	Name          string
	Weight        float64 // of fair share; 0 is 1
	Quota         int     // GPUs that it may use of its own; 0 is no quota
	Borrow        int     // GPUs beyond its quota that it may use of its cohort; -1 is no limit
	Cohort        string  // tenants that lend each other idle quota
	Reclaim       bool    // may stop borrowers to get its quota back
	USDPerGPUHour float64
}

// Window keeps nodes of a pool free of jobs: maintenance, or a reservation for someone
// else.
type Window struct {
	Pool              int
	Nodes             int
	FromSec, UntilSec float64
}

// Faults of nodes.
type Faults struct {
	PerNodeDay float64 // failures of one node
	PerLeafDay float64 // failures that take a leaf's nodes together
	RepairSec  float64 // mean, exponential
}

// Spec is the machine and its rules.
type Spec struct {
	Pools    []Pool
	Tenants  []Tenant // may be shorter than the trace's: the rest have weight 1, no quota
	Order    Order
	Backfill Backfill
	Depth    int // jobs looked at behind the head; 0 is 500, and 100 under conservative backfill

	Estimate    float64 // estimate over true run time where a job gives no limit; 0 is 1
	KillAtLimit bool    // jobs end at the limit that they gave

	Preempt            bool    // higher priorities stop lower ones (Priority order)
	CheckpointEverySec float64 // work is lost back to the last; 0 is never saved
	CheckpointSec      float64 // time that one takes
	RestartSec         float64 // after a stop or a failure
	SaveOnStop         bool    // a job that is stopped writes a checkpoint first

	QuantumSec    float64 // between two decisions under LAS
	LASStepGPUSec float64 // attained service is compared in classes of this; 0 is one hour
	HalfLifeSec   float64 // of use under Fair; 0 is a week
	BindPerSec    float64 // nodes that the scheduler can start a second; 0 is at once

	Speed   [4]float64 // of a job in one node, one leaf, one pod, beyond; 0 is 1
	Windows []Window
	Faults  Faults
	Seed    uint64
}

// Check says what is wrong with the machine.
func (s *Spec) Check() error {
	if len(s.Pools) == 0 {
		return fmt.Errorf("queue: no pool of nodes")
	}
	for _, p := range s.Pools {
		if p.Nodes < 1 || p.GPUsPerNode < 1 || p.Nodes > 10_000_000/p.GPUsPerNode || p.LeafNodes < 0 || p.PodLeaves < 0 || p.MaxGPUs < 0 || !(p.MaxWallSec >= 0) {
			return fmt.Errorf("queue: pool %s of %d nodes with %d GPUs: want at least one of each, at most 10 million in all, and no negative limit", p.Name, p.Nodes, p.GPUsPerNode)
		}
	}
	for _, v := range []float64{s.Estimate, s.CheckpointEverySec, s.CheckpointSec, s.RestartSec, s.QuantumSec, s.LASStepGPUSec, s.HalfLifeSec, s.BindPerSec, s.Faults.PerNodeDay, s.Faults.PerLeafDay, s.Faults.RepairSec, s.Speed[0], s.Speed[1], s.Speed[2], s.Speed[3]} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("queue: times, rates and speeds cannot be negative (%v)", v)
		}
	}
	if s.Order == LAS && !(s.QuantumSec > 0) {
		return fmt.Errorf("queue: least attained service needs a quantum, the time between two decisions")
	}
	if s.Order == LAS && !s.SaveOnStop {
		return fmt.Errorf("queue: least attained service stops jobs every quantum: without saving on a stop they would do the same work for ever")
	}
	if s.Order == LAS && s.Backfill != NoBackfill {
		return fmt.Errorf("queue: least attained service has no backfill: every quantum starts whatever fits, in order")
	}
	if (s.Order == Fair || s.Order == DRF) && s.Backfill == Conservative {
		return fmt.Errorf("queue: conservative backfill promises start times, which an order that changes with use (%s) cannot keep", s.Order)
	}
	for _, w := range s.Windows {
		if w.Pool < 0 || w.Pool >= len(s.Pools) || w.Nodes < 1 || w.Nodes > s.Pools[w.Pool].Nodes || !(w.UntilSec > w.FromSec) || w.FromSec < 0 {
			return fmt.Errorf("queue: window of %d nodes from %v to %v s: want nodes of a pool and an end after the start", w.Nodes, w.FromSec, w.UntilSec)
		}
	}
	for _, t := range s.Tenants {
		if t.Weight < 0 || t.Quota < 0 || t.Borrow < -1 || t.USDPerGPUHour < 0 {
			return fmt.Errorf("queue: tenant %s: weight, quota and price cannot be negative", t.Name)
		}
	}
	return nil
}

// impossible says why a job can never start.
func (s *Spec) impossible(j jobs.Job) string {
	p := s.Pools[s.poolOf(j)]
	most := p.gpus()
	if p.MaxGPUs > 0 {
		most = min(most, p.MaxGPUs)
	}
	switch {
	case int(j.GPUs) > most:
		return fmt.Sprintf("it asks for %d GPUs; pool %s gives at most %d to one job", j.GPUs, p.Name, most)
	case p.MaxWallSec > 0 && s.estimate(j) > p.MaxWallSec:
		return fmt.Sprintf("it asks for %.0f s; pool %s gives at most %.0f s", s.estimate(j), p.Name, p.MaxWallSec)
	}
	if int(j.Tenant) < len(s.Tenants) {
		if t := s.Tenants[j.Tenant]; t.Quota > 0 && t.Borrow >= 0 && int(j.GPUs) > t.Quota+t.Borrow {
			return fmt.Sprintf("it asks for %d GPUs; tenant %s has a quota of %d and may borrow %d", j.GPUs, t.Name, t.Quota, t.Borrow)
		}
	}
	return ""
}

// poolOf is the pool that a job's queue names; jobs of queues beyond the pools use the
// first.
func (s *Spec) poolOf(j jobs.Job) int {
	if len(s.Pools) > 1 && int(j.Queue) < len(s.Pools) {
		return int(j.Queue)
	}
	return 0
}

// estimate of a job's run time that the scheduler believes.
func (s *Spec) estimate(j jobs.Job) float64 {
	if j.WallSec > 0 {
		return j.WallSec
	}
	if s.Estimate > 0 {
		return j.RunSec * s.Estimate
	}
	return j.RunSec
}

func (s *Spec) speed(level int) float64 {
	if s.Speed[level] > 0 {
		return s.Speed[level]
	}
	return 1
}
