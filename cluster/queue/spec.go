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
	Factors        // weighted sum of age, fair share, size, partition and quality of service
)

var orderNames = []string{"fifo", "priority", "sjf", "fair-share", "drf", "las", "multifactor"}

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
	Partitions  []Partition
}

func (p Pool) gpus() int { return p.Nodes * p.GPUsPerNode }

// Partition is a range of a pool's nodes that jobs may be confined to: a Slurm partition, or
// the nodes of a Kubernetes label or taint. Ranges may overlap.
type Partition struct {
	Name         string
	First, Nodes int
	Tier         int     // larger goes first, and stops jobs of smaller tiers where Preempt is set
	MaxWallSec   float64 // 0 is no limit
	MaxGPUs      int     // of one job; 0 is all
}

// QOS is a quality of service: limits and a priority that tenants share (Slurm's QOS).
type QOS struct {
	Name             string
	Priority         float64 // over the largest, in order Factors
	GroupGPUs        int     // of all its tenants together (GrpTRES); 0 is no limit, as below
	MaxGPUsPerTenant int     // MaxTRESPerUser
	MaxJobsPerTenant int     // running at once (MaxJobsPerUser)
	MaxGPUsPerJob    int     // MaxTRESPerJob
	MaxWallSec       float64
}

// Weights of order Factors, as in Slurm's multifactor plugin: each factor is from 0 to 1.
type Weights struct {
	Age       float64 // time since submission over MaxAgeSec
	Fair      float64 // 2^(−use/share) of the tenant
	Size      float64 // GPUs over those of the pool
	Partition float64 // tier over the largest
	QOS       float64 // priority over the largest
	MaxAgeSec float64 // 0 is a week
	PeriodSec float64 // between two computations; 0 is five minutes
}

// Tenant shares the machine. Jobs name tenants by their position in Trace.Tenants.
type Tenant struct {
	Name          string
	Weight        float64 // of fair share; 0 is 1
	Quota         int     // GPUs that it may use of its own; 0 is no quota
	Borrow        int     // GPUs beyond its quota that it may use of its cohort; -1 is no limit
	Cohort        string  // tenants that lend each other idle quota
	Reclaim       bool    // may stop borrowers to get its quota back
	USDPerGPUHour float64
	Partition     int // 1 is the first of its pool; 0 leaves it to the job's queue
	QOS           int // 1 is the first; 0 is none
	// Elastic jobs may start on fewer GPUs, by halves, down to this share of what they ask
	// for, and grow when nobody waits; 0 is not elastic. Their speed goes with the share to
	// the power Scaling (0 is 1).
	Elastic, Scaling float64
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
	QOS      []QOS
	Weights  Weights
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
	Scale   *Scaler // nil: all nodes are there
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
	if err := s.checkScale(); err != nil {
		return err
	}
	for _, p := range s.Pools {
		for _, x := range p.Partitions {
			if x.First < 0 || x.Nodes < 1 || x.First+x.Nodes > p.Nodes || x.MaxGPUs < 0 || !(x.MaxWallSec >= 0) {
				return fmt.Errorf("queue: partition %s of nodes %d to %d: want nodes of pool %s, which has %d, and no negative limit", x.Name, x.First, x.First+x.Nodes-1, p.Name, p.Nodes)
			}
		}
		if len(p.Partitions) > 0 && (s.Backfill == Conservative || s.Order == LAS) {
			return fmt.Errorf("queue: partitions of one pool need no, EASY or any backfill: promises to every job, and slices, are for one set of nodes")
		}
		if len(p.Partitions) > maxPartitions {
			return fmt.Errorf("queue: %d partitions, at most %d", len(p.Partitions), maxPartitions)
		}
	}
	for _, q := range s.QOS {
		if q.Priority < 0 || q.GroupGPUs < 0 || q.MaxGPUsPerTenant < 0 || q.MaxJobsPerTenant < 0 || q.MaxGPUsPerJob < 0 || !(q.MaxWallSec >= 0) {
			return fmt.Errorf("queue: quality of service %s: limits cannot be negative", q.Name)
		}
	}
	if s.Order == Factors {
		if s.Backfill == Conservative {
			return fmt.Errorf("queue: conservative backfill promises start times, which an order that changes with time (%s) cannot keep", s.Order)
		}
		w := s.Weights
		if sum := w.Age + w.Fair + w.Size + w.Partition + w.QOS; !(sum > 0) || min(w.Age, w.Fair, w.Size, w.Partition, w.QOS, w.MaxAgeSec, w.PeriodSec) < 0 {
			return fmt.Errorf("queue: order %s needs weights, none of them negative and one above 0", s.Order)
		}
	}
	for _, t := range s.Tenants {
		if t.Partition < 0 || t.QOS < 0 || t.QOS > len(s.QOS) || t.Elastic < 0 || t.Elastic > 1 || t.Scaling < 0 {
			return fmt.Errorf("queue: tenant %s: quality of service %d of %d, elastic %v: want one that there is, and a share from 0 to 1", t.Name, t.QOS, len(s.QOS), t.Elastic)
		}
		for _, p := range s.Pools {
			if t.Partition > len(p.Partitions) {
				return fmt.Errorf("queue: tenant %s: partition %d of the %d of pool %s", t.Name, t.Partition, len(p.Partitions), p.Name)
			}
		}
		if t.Elastic > 0 && (s.Backfill == Conservative || s.Order == LAS) {
			return fmt.Errorf("queue: tenant %s: elastic jobs need no, EASY or any backfill: promises and slices are for fixed sizes", t.Name)
		}
		if t.Elastic > 0 && !s.SaveOnStop {
			return fmt.Errorf("queue: tenant %s: elastic jobs change their GPUs from a checkpoint: without saving on a stop they would begin anew", t.Name)
		}
		if t.Weight < 0 || t.Quota < 0 || t.Borrow < -1 || t.USDPerGPUHour < 0 {
			return fmt.Errorf("queue: tenant %s: weight, quota and price cannot be negative", t.Name)
		}
	}
	return nil
}

// maxPartitions bounds the views that a placement updates.
const maxPartitions = 62

// limit of what one job may ask for, and whose it is; 0 is none.
type limit struct {
	of      string
	gpus    int
	wallSec float64
}

// limits of a job that is confined to a partition (0 for none).
func (s *Spec) limits(j jobs.Job, part int) []limit {
	p := s.Pools[s.poolOf(j)]
	out := []limit{{"pool " + p.Name, p.gpus(), p.MaxWallSec}, {"pool " + p.Name, p.MaxGPUs, 0}}
	if part > 0 {
		x := p.Partitions[part-1]
		out = append(out, limit{"partition " + x.Name, x.Nodes * p.GPUsPerNode, x.MaxWallSec}, limit{"partition " + x.Name, x.MaxGPUs, 0})
	}
	if int(j.Tenant) >= len(s.Tenants) {
		return out
	}
	t := s.Tenants[j.Tenant]
	if t.Quota > 0 && t.Borrow >= 0 {
		out = append(out, limit{fmt.Sprintf("tenant %s, with a quota of %d of which it may borrow %d more,", t.Name, t.Quota, t.Borrow), t.Quota + t.Borrow, 0})
	}
	if t.QOS > 0 {
		q := s.QOS[t.QOS-1]
		of := "quality of service " + q.Name
		out = append(out, limit{of, q.MaxGPUsPerJob, q.MaxWallSec}, limit{of, q.MaxGPUsPerTenant, 0}, limit{of, q.GroupGPUs, 0})
	}
	return out
}

// impossible says why a job can never start.
func (s *Spec) impossible(j jobs.Job, part int) string {
	for _, l := range s.limits(j, part) {
		switch {
		case l.gpus > 0 && s.least(j) > l.gpus:
			return fmt.Sprintf("it asks for %d GPUs; %s gives at most %d to one job", j.GPUs, l.of, l.gpus)
		case l.wallSec > 0 && s.estimate(j) > l.wallSec:
			return fmt.Sprintf("it asks for %.0f s; %s gives at most %.0f s", s.estimate(j), l.of, l.wallSec)
		}
	}
	return ""
}

// Cut makes drawn jobs ask for what they may have: fewer GPUs, a shorter limit. It returns
// how many asked for more.
func (s *Spec) Cut(t *jobs.Trace) (cut int) {
	for i := range t.Jobs {
		j := &t.Jobs[i]
		was := *j
		for _, l := range s.limits(*j, s.partOf(*j, t.Queues)) {
			if l.gpus > 0 {
				j.GPUs = min(j.GPUs, int32(l.gpus))
			}
			if l.wallSec > 0 && s.estimate(*j) > l.wallSec {
				j.WallSec = l.wallSec
			}
		}
		if *j != was {
			cut++
		}
	}
	return cut
}

// least GPUs on which a job may start.
func (s *Spec) least(j jobs.Job) int {
	if int(j.Tenant) < len(s.Tenants) && s.Tenants[j.Tenant].Elastic > 0 {
		return max(1, int(math.Ceil(float64(j.GPUs)*s.Tenants[j.Tenant].Elastic)))
	}
	return int(j.GPUs)
}

// partOf is the partition that a job is confined to: its tenant's, else the one that its
// queue is named for, else 0 for all nodes.
func (s *Spec) partOf(j jobs.Job, queues []string) int {
	if int(j.Tenant) < len(s.Tenants) && s.Tenants[j.Tenant].Partition > 0 {
		return s.Tenants[j.Tenant].Partition
	}
	if int(j.Queue) < len(queues) {
		for i, x := range s.Pools[s.poolOf(j)].Partitions {
			if x.Name == queues[j.Queue] {
				return i + 1
			}
		}
	}
	return 0
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
