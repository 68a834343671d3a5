package queue

import (
	"math"
	"strings"
	"testing"

	"aisim/workloads/jobs"
)

// of gives a job to a tenant and to a queue.
func of(j jobs.Job, tenant, queue int32) jobs.Job {
	j.Tenant, j.Queue = tenant, queue
	return j
}

func playIn(t *testing.T, s Spec, queues []string, list ...jobs.Job) *Outcome {
	t.Helper()
	o, err := Run(&s, &jobs.Trace{Name: "by hand", Queues: queues, Jobs: list}, Options{KeepTimes: true})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Four nodes of one GPU; partition a is the first three, b the last two: the third is in both.
func overlapping() []Pool {
	return []Pool{{Name: "all", Nodes: 4, GPUsPerNode: 1, Partitions: []Partition{{Name: "a", Nodes: 3}, {Name: "b", First: 2, Nodes: 2}}}}
}

func TestPartitionsOverlapByHand(t *testing.T) {
	// The first takes all of a. The second wants both nodes of b and waits for the one that
	// they share. The third may use the other until then; the fourth finds a full and b's
	// node is not its.
	list := []jobs.Job{of(job(0, 10, 10, 3), 0, 0), of(job(1, 10, 10, 2), 0, 1), of(job(2, 5, 5, 1), 0, 1), of(job(3, 20, 20, 1), 0, 0)}
	queues := []string{"a", "b"}
	starts(t, "easy", playIn(t, Spec{Pools: overlapping(), Backfill: EASY}, queues, list...), 0, 10, 2, 10)
	// Without backfill the third waits for the second; the head of b does not hold up a.
	starts(t, "none", playIn(t, Spec{Pools: overlapping()}, queues, list...), 0, 10, 20, 10)
}

func TestReservationHoldsAcrossPartitions(t *testing.T) {
	// a is taken until 10. The second wants both nodes of b, of which one is a's until 4. A
	// job of b that would run on the other node until 23 waits; one of a that would take the
	// shared node when it is free, at 4, finds the second there.
	list := []jobs.Job{of(job(0, 10, 10, 2), 0, 0), of(job(0, 4, 4, 1), 0, 0), of(job(1, 10, 10, 2), 0, 1), of(job(3, 20, 20, 1), 0, 1), of(job(3, 20, 20, 1), 0, 0)}
	starts(t, "easy", playIn(t, Spec{Pools: overlapping(), Backfill: EASY}, []string{"a", "b"}, list...), 0, 0, 4, 14, 10)
}

func TestTiersStopLowerOnes(t *testing.T) {
	pools := []Pool{{Name: "all", Nodes: 2, GPUsPerNode: 1, Partitions: []Partition{{Name: "batch", Nodes: 2}, {Name: "urgent", Nodes: 2, Tier: 1}}}}
	s := Spec{Pools: pools, Preempt: true, SaveOnStop: true}
	o := playIn(t, s, []string{"batch", "urgent"}, of(job(0, 10, 0, 2), 0, 0), of(job(5, 10, 0, 2), 0, 1))
	starts(t, "tiers", o, 0, 5)
	if o.EndsSec[0] != 20 || o.Stops != 1 {
		t.Errorf("the lower ends at %v after %d stops, want 20 after 1", o.EndsSec[0], o.Stops)
	}
}

func TestTenantsAreKeptToTheirNodes(t *testing.T) {
	// Tenant 0 tolerates only the first two of three nodes: its third job waits beside a free
	// node, on which tenant 1 starts.
	pools := []Pool{{Name: "all", Nodes: 3, GPUsPerNode: 1, Partitions: []Partition{{Name: "cpu-bound", Nodes: 2}}}}
	s := Spec{Pools: pools, Tenants: []Tenant{{Name: "a", Partition: 1}, {Name: "b"}}, Backfill: EASY}
	starts(t, "affinity", play(t, s, job(0, 10, 0, 1), job(0, 10, 0, 1), job(0, 10, 0, 1), of(job(1, 5, 0, 1), 1, 0)), 0, 0, 10, 1)
}

func TestQualityOfServiceByHand(t *testing.T) {
	two := []Tenant{{Name: "a", QOS: 1}, {Name: "b", QOS: 1}, {Name: "c"}}
	// Four GPUs for a and b together, of eight: b waits for a, c does not.
	list := []jobs.Job{of(job(0, 10, 0, 3), 0, 0), of(job(1, 10, 0, 2), 1, 0), of(job(2, 10, 0, 4), 2, 0)}
	s := Spec{Pools: flat(8), Tenants: two, QOS: []QOS{{Name: "low", GroupGPUs: 4}}}
	starts(t, "GrpTRES", play(t, s, list...), 0, 10, 2)
	// Three for each: both start; a's fourth GPU waits.
	s.QOS = []QOS{{Name: "low", MaxGPUsPerTenant: 3}}
	starts(t, "MaxTRESPerUser", play(t, s, append(list[:2:2], of(job(2, 1, 0, 1), 0, 0))...), 0, 1, 10)
	// One job at a time.
	s.QOS = []QOS{{Name: "low", MaxJobsPerTenant: 1}}
	starts(t, "MaxJobsPerUser", play(t, s, of(job(0, 10, 0, 1), 0, 0), of(job(0, 10, 0, 1), 0, 0), of(job(0, 10, 0, 1), 1, 0)), 0, 10, 0)
	for want, q := range map[string]QOS{
		"quality of service x gives at most 2 to one job": {Name: "x", MaxGPUsPerJob: 2},
		"quality of service x gives at most 5 s":          {Name: "x", MaxWallSec: 5},
		"quality of service x gives at most 1 to one job": {Name: "x", GroupGPUs: 1},
		"quality of service x: limits cannot be negative": {Name: "x", GroupGPUs: -1},
	} {
		s.QOS = []QOS{q}
		if _, err := Run(&s, &jobs.Trace{Jobs: list}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestFactorsByHand(t *testing.T) {
	// Four GPUs are busy until 100. Then A is 99 s old and asks for one, B is 49 s old and asks
	// for all: 0.99 + 0.25 < 0.49 + 1, and with twice the weight of age 1.98 + 0.25 > 0.98 + 1.
	list := []jobs.Job{job(0, 100, 0, 4), job(1, 10, 0, 1), job(51, 10, 0, 4)}
	s := Spec{Pools: flat(4), Order: Factors, Weights: Weights{Age: 1, Size: 1, MaxAgeSec: 100, PeriodSec: 1}}
	starts(t, "size", play(t, s, list...), 0, 110, 100)
	s.Weights.Age = 2
	starts(t, "age", play(t, s, list...), 0, 100, 110)
	// Tenant 0 has had all: tenant 1 goes first, though it came later; with 0.9 for the
	// quality of service of tenant 0 it does not: 2^(−1/0.5) + 0.9 > 1.
	list = []jobs.Job{job(0, 100, 0, 4), job(1, 10, 0, 4), of(job(51, 10, 0, 4), 1, 0)}
	s.Weights = Weights{Fair: 1, PeriodSec: 1}
	starts(t, "fair", play(t, s, list...), 0, 110, 100)
	s.Weights.QOS, s.QOS, s.Tenants = 0.9, []QOS{{Name: "high", Priority: 10}}, []Tenant{{QOS: 1}, {}}
	starts(t, "qos", play(t, s, list...), 0, 100, 110)
	// A tier counts as its part of the largest.
	s = Spec{Pools: []Pool{{Name: "all", Nodes: 4, GPUsPerNode: 1, Partitions: []Partition{{Name: "a", Nodes: 4, Tier: 1}, {Name: "b", Nodes: 4, Tier: 2}}}}, Order: Factors, Weights: Weights{Partition: 1, Age: 0.1}}
	starts(t, "tier", playIn(t, s, []string{"a", "b"}, of(job(0, 100, 0, 4), 0, 0), of(job(1, 10, 0, 4), 0, 0), of(job(51, 10, 0, 4), 0, 1)), 0, 110, 100)
}

func TestElasticByHand(t *testing.T) {
	// Four GPUs, of which another holds two until 10. The elastic job starts at 1 on two, at
	// half its speed, and has 15.5 of its 20 s left at 10; it writes a checkpoint of 1 s, starts
	// again in 2 s on all four and ends at 28.5.
	s := Spec{Pools: flat(4), Tenants: []Tenant{{Name: "fixed"}, {Name: "elastic", Elastic: 0.25}}, SaveOnStop: true, CheckpointSec: 1, RestartSec: 2}
	o := play(t, s, job(0, 10, 0, 2), of(job(1, 20, 0, 4), 1, 0))
	starts(t, "elastic", o, 0, 1)
	if o.EndsSec[1] != 28.5 || o.Resizes != 1 || o.Use.Restart != 8 || o.Use.Checkpoint != 4 {
		t.Errorf("ends at %v after %d resizes, %+v; want 28.5 after 1", o.EndsSec[1], o.Resizes, o.Use)
	}
	// With the root of the share as speed it has 20 − 9·0.7071 left and ends at 26.64.
	s.Tenants[1].Scaling = 0.5
	o = play(t, s, job(0, 10, 0, 2), of(job(1, 20, 0, 4), 1, 0))
	if want := 13 + 20 - 9*math.Sqrt(0.5); math.Abs(o.EndsSec[1]-want) > 1e-9 {
		t.Errorf("ends at %v, want %v", o.EndsSec[1], want)
	}
	// A restart that costs more than it saves is not made; one that must not be below half
	// waits.
	s.Tenants[1].Scaling, s.RestartSec = 1, 100
	if o = play(t, s, job(0, 10, 0, 2), of(job(1, 20, 0, 4), 1, 0)); o.EndsSec[1] != 41 || o.Resizes != 0 {
		t.Errorf("ends at %v after %d resizes, want 41 on two GPUs", o.EndsSec[1], o.Resizes)
	}
	s.Tenants[1].Elastic = 0.75
	starts(t, "not below three", play(t, s, job(0, 10, 0, 2), of(job(1, 20, 0, 4), 1, 0)), 0, 10)
}

func TestSchedulerBindsSoManyASecond(t *testing.T) {
	// One node every two seconds: the jobs of one node begin their 10 s at 2 and 4, the gang of
	// two at 8.
	o := play(t, Spec{Pools: flat(5), BindPerSec: 0.5}, job(0, 10, 0, 1), job(0, 10, 0, 1), job(0, 10, 0, 2))
	if o.EndsSec[0] != 12 || o.EndsSec[1] != 14 || o.EndsSec[2] != 18 {
		t.Errorf("ends %v, want 12, 14 and 18", o.EndsSec)
	}
}

func TestRulesThatContradict(t *testing.T) {
	part := []Pool{{Name: "all", Nodes: 2, GPUsPerNode: 1, Partitions: []Partition{{Name: "a", Nodes: 3}}}}
	fine := []Pool{{Name: "all", Nodes: 2, GPUsPerNode: 1, Partitions: []Partition{{Name: "a", Nodes: 1, MaxWallSec: 5}}}}
	for want, s := range map[string]Spec{
		"which has 2":                     {Pools: part},
		"promises to every job":           {Pools: fine, Backfill: Conservative},
		"needs weights":                   {Pools: flat(2), Order: Factors},
		"changes with time":               {Pools: flat(2), Order: Factors, Backfill: Conservative, Weights: Weights{Age: 1}},
		"without saving":                  {Pools: flat(2), Tenants: []Tenant{{Elastic: 0.5}}},
		"fixed sizes":                     {Pools: flat(2), Tenants: []Tenant{{Elastic: 0.5}}, Backfill: Conservative, SaveOnStop: true},
		"quality of service 1 of 0":       {Pools: flat(2), Tenants: []Tenant{{QOS: 1}}},
		"partition 2 of the 1":            {Pools: fine, Tenants: []Tenant{{Partition: 2}}},
		"partition a gives at most 5 s":   {Pools: fine, Tenants: []Tenant{{Partition: 1}}},
		"partition a gives at most 1 to ": {Pools: []Pool{{Name: "all", Nodes: 2, GPUsPerNode: 1, Partitions: []Partition{{Name: "a", Nodes: 1}}}}, Tenants: []Tenant{{Partition: 1}}},
	} {
		_, err := Run(&s, &jobs.Trace{Name: "t", Jobs: []jobs.Job{job(0, 10, 0, 2)}}, Options{})
		if strings.Contains(want, "5 s") {
			_, err = Run(&s, &jobs.Trace{Name: "t", Jobs: []jobs.Job{job(0, 10, 0, 1)}}, Options{})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
