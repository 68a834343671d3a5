package scenarios

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"aisim/cluster/queue"
	"aisim/sim"
	"aisim/workloads/jobs"
)

// PlayedQueue is one queue as a future has it.
type PlayedQueue struct {
	*Queue
	*queue.Outcome
	PoolNodes int
	PoolGPUs  int
	PerNode   int           // GPUs, or instances of GPUs
	Spread    []float64     // speed by spread: as given, or as it follows from jobs_like
	Stages    []QueuedStage // of pipelines that run here
}

// Queues plays the jobs of each queue, drawn under the given seed.
func (f *Future) Queues(seed uint64) ([]PlayedQueue, error) {
	sc := f.World.Scenario
	var out []PlayedQueue
	for i := range sc.Queues {
		q := &sc.Queues[i]
		played, err := f.queue(q, seed)
		if err != nil {
			return nil, sc.problemOf("queue."+q.ID, err)
		}
		out = append(out, played)
	}
	return out, nil
}

// QueueHold is how a queue holds its nodes while jobs come in.
type QueueHold struct {
	*Queue
	Nodes int
	Held  float64 // share of their accelerators, 0..1
}

// queueHolds are those of a world, worked out once: no draw of the machine changes them.
type queueHolds struct {
	once sync.Once
	list []QueueHold
	err  error
}

// QueueHolds are how the queues hold their nodes under the scenario's seed.
func (f *Future) QueueHolds() ([]QueueHold, error) {
	h := f.World.holds
	h.once.Do(func() {
		var played []PlayedQueue
		played, h.err = f.Queues(f.World.Scenario.Seed)
		for _, p := range played {
			h.list = append(h.list, QueueHold{Queue: p.Queue, Nodes: p.PoolNodes, Held: p.Busy})
		}
	})
	return h.list, h.err
}

// maxQueueJobs bounds the jobs that a generator draws.
const maxQueueJobs = 5_000_000

func (f *Future) queue(q *Queue, seed uint64) (PlayedQueue, error) {
	sc := f.World.Scenario
	free := sc.Cluster.Nodes
	for i := range f.World.Placed {
		if f.World.Host(i) == i {
			free -= f.World.Placed[i].NodeCount
		}
	}
	out := PlayedQueue{Queue: q, PoolNodes: free, PerNode: f.World.Server.AcceleratorCount}
	if q.Nodes != nil {
		out.PoolNodes = *q.Nodes
	}
	if out.PoolNodes < 1 || out.PoolNodes > free {
		return out, fmt.Errorf("%d nodes for the queue, and the workloads leave %d of %d: give the workloads fewer (workload.nodes)", out.PoolNodes, free, sc.Cluster.Nodes)
	}
	if out.PerNode < 1 {
		return out, errors.New("the servers have no accelerators")
	}
	if q.MIG != "" {
		each, err := migInstances(f.World.Chip.ID, q.MIG)
		if err != nil {
			return out, err
		}
		out.PerNode *= each
	}
	out.PoolGPUs = out.PoolNodes * out.PerNode
	trace, err := q.jobs(out.PoolGPUs, seed)
	if err != nil {
		return out, err
	}
	stages, at, err := sc.submit(q, trace)
	if err != nil {
		return out, err
	}
	spec := q.spec(trace, out.PoolNodes, out.PerNode)
	spec.Seed = seed
	if q.JobsLike != "" {
		if spec.Speed, err = f.queueSpeeds(q, trace, out.PerNode); err != nil {
			return out, err
		}
	}
	out.Spread = spec.Speed[:]
	if q.Generator != nil {
		spec.Cut(trace)
	}
	if sc.Faults != nil && sc.Faults.NodeFailuresPer1000NodeDays != nil {
		spec.Faults = queue.Faults{PerNodeDay: *sc.Faults.NodeFailuresPer1000NodeDays / 1000, RepairSec: sc.Faults.RepairSec}
		for _, d := range sc.Faults.Domains {
			if q.LeafNodes != nil && d.Nodes == *q.LeafNodes {
				spec.Faults.PerLeafDay += d.FailuresPer1000Day / 1000
			}
		}
	}
	spec.Scale = sc.nodeScaler(q)
	opt := queue.Options{KeepTimes: len(stages) > 0}
	if q.WaitSLOSec != nil {
		opt.WaitSLOSec = *q.WaitSLOSec
	}
	if out.Outcome, err = queue.Run(spec, trace, opt); err != nil {
		return out, err
	}
	for k := range stages {
		for _, j := range at[k] {
			stages[k].MeanSec += (out.Outcome.EndsSec[j] - trace.Jobs[j].SubmitSec) / float64(len(at[k]))
		}
		stages[k].Jobs = len(at[k])
	}
	out.Stages = stages
	return out, err
}

// jobs of the queue: the trace, or drawn ones dealt out among the tenants by their shares.
func (q *Queue) jobs(gpus int, seed uint64) (*jobs.Trace, error) {
	if q.Trace != "" {
		t, err := jobs.ReadFile(q.Trace, jobs.Limits{})
		if err == nil && t.Unit == "step" {
			err = fmt.Errorf("%s counts steps: a queue needs run times", q.Trace)
		}
		return t, err
	}
	g := jobs.Generator{Kind: q.Generator.Kind, PerHour: 1, Jobs: 1, MeanRunSec: q.Generator.MeanRunSec, Scale: int32(q.Generator.Scale), MaxGPUs: int32(gpus)}
	if q.Generator.WallFactor != nil {
		g.WallFactor = *q.Generator.WallFactor
	}
	each, err := g.MeanGPUSec(seed)
	if err != nil {
		return nil, err
	}
	if q.Generator.Load != nil {
		g.PerHour = *q.Generator.Load * float64(gpus) * 3600 / each
	} else {
		g.PerHour = *q.Generator.RatePerSec * 3600
		if load := g.PerHour * each / 3600 / float64(gpus); load >= 1 {
			return nil, fmt.Errorf("the queue never drains: at %.4g jobs an hour an offered load of %.2f is asked of %d GPUs", g.PerHour, load, gpus)
		}
	}
	n := math.Round(g.PerHour * q.Generator.DurationSec / 3600)
	if n < 1 || n > maxQueueJobs {
		return nil, fmt.Errorf("%.0f jobs arrive in %.4g days: want 1 to %d", n, q.Generator.DurationSec/day, maxQueueJobs)
	}
	g.Jobs = int(n)
	t, err := g.Generate(seed)
	if err != nil || len(q.Tenants) == 0 {
		return t, err
	}
	sum := 0.0
	t.Tenants = nil
	for _, x := range q.Tenants {
		sum += x.Share
		t.Tenants = append(t.Tenants, x.ID)
	}
	deal := sim.NewStream(seed, "queue tenants "+q.ID)
	for i := range t.Jobs {
		u := deal.Float64() * sum
		k := 0
		for k < len(q.Tenants)-1 && u > q.Tenants[k].Share {
			u -= q.Tenants[k].Share
			k++
		}
		t.Jobs[i].Tenant, t.Jobs[i].Priority = int32(k), int32(q.Tenants[k].Priority)
	}
	return t, nil
}

// spec is the queue's rules. Tenants stand in the order of the trace's; those of the
// scenario give rules to the ones of the same name.
func (q *Queue) spec(t *jobs.Trace, nodes, perNode int) *queue.Spec {
	s := &queue.Spec{
		Pools:   []queue.Pool{{Name: q.ID, Nodes: nodes, GPUsPerNode: perNode}},
		Preempt: q.Preempt, SaveOnStop: q.SaveOnStop, QuantumSec: q.QuantumSec, HalfLifeSec: q.HalfLifeSec,
		CheckpointSec: q.CheckpointSec, RestartSec: q.RestartSec, Estimate: q.Estimate,
	}
	q.rules(s, nodes)
	s.Order = queue.Order(slices.Index(queue.OrderNames(), q.Order))
	if s.Order != queue.LAS {
		s.Backfill = queue.Backfill(slices.Index(queue.BackfillNames(), q.Backfill))
	}
	copy(s.Speed[:], q.Speed)
	for _, x := range []struct {
		to   *int
		from *int
	}{{&s.Pools[0].LeafNodes, q.LeafNodes}, {&s.Pools[0].PodLeaves, q.PodLeaves}, {&s.Depth, q.Depth}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	if q.CheckpointEverySec != nil {
		s.CheckpointEverySec = *q.CheckpointEverySec
	}
	if q.BindPerSec != nil {
		s.BindPerSec = *q.BindPerSec
	}
	for _, w := range q.Windows {
		s.Windows = append(s.Windows, queue.Window{Nodes: w.Nodes, FromSec: w.FromSec, UntilSec: w.UntilSec})
	}
	s.Tenants = make([]queue.Tenant, len(t.Tenants))
	for i, name := range t.Tenants {
		s.Tenants[i].Name = name
		at := slices.IndexFunc(q.Tenants, func(x QueueTenant) bool { return x.ID == name })
		if at < 0 {
			continue
		}
		x := q.Tenants[at]
		s.Tenants[i] = queue.Tenant{Name: name, Weight: x.Weight, Quota: x.Quota, Borrow: x.Borrow, Cohort: x.Cohort, Reclaim: x.Reclaim, Elastic: x.Elastic, Scaling: x.Scaling,
			Partition: 1 + slices.IndexFunc(q.Partitions, func(p QueuePartition) bool { return p.ID == x.Partition }),
			QOS:       1 + slices.IndexFunc(q.QOS, func(o QueueQOS) bool { return o.ID == x.QOS })}
		if x.PriceUSD != nil {
			s.Tenants[i].USDPerGPUHour = *x.PriceUSD
		}
	}
	if q.Trace != "" {
		for i := range t.Jobs {
			if at := slices.IndexFunc(q.Tenants, func(x QueueTenant) bool { return x.ID == t.Tenants[t.Jobs[i].Tenant] }); at >= 0 {
				t.Jobs[i].Priority = int32(q.Tenants[at].Priority)
			}
		}
	}
	return s
}

// rules fills in limits, partitions, qualities of service and weights.
func (q *Queue) rules(s *queue.Spec, nodes int) {
	or := func(v *float64) float64 {
		if v == nil {
			return 0
		}
		return *v
	}
	orCount := func(v *int) int {
		if v == nil {
			return 0
		}
		return *v
	}
	s.KillAtLimit = q.KillAtLimit
	p := &s.Pools[0]
	p.MaxWallSec, p.MaxGPUs = or(q.MaxWallSec), orCount(q.MaxGPUs)
	for i := range q.Partitions {
		x := &q.Partitions[i]
		n := nodes - x.First
		if x.Nodes != nil {
			n = *x.Nodes
		}
		p.Partitions = append(p.Partitions, queue.Partition{Name: x.ID, First: x.First, Nodes: n, Tier: x.Tier, MaxWallSec: or(x.MaxWallSec), MaxGPUs: orCount(x.MaxGPUs)})
	}
	for _, x := range q.QOS {
		s.QOS = append(s.QOS, queue.QOS{Name: x.ID, Priority: x.Priority, GroupGPUs: x.GroupGPUs, MaxGPUsPerTenant: x.TenantGPUs, MaxJobsPerTenant: x.TenantJobs, MaxGPUsPerJob: x.JobGPUs, MaxWallSec: or(x.MaxWallSec)})
	}
	if w := q.Weights; w != nil {
		s.Weights = queue.Weights{Age: w.Age, Fair: w.FairShare, Size: w.Size, Partition: w.Partition, QOS: w.QOS, MaxAgeSec: w.MaxAgeSec, PeriodSec: w.PeriodSec}
	}
}
