package queue

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aisim/sim"
	"aisim/workloads/jobs"
)

// job of the hand-worked schedules: submitted, run time, limit, GPUs.
func job(submit, run, wall float64, gpus int32) jobs.Job {
	return jobs.Job{SubmitSec: submit, RunSec: run, WallSec: wall, GPUs: gpus}
}

func flat(gpus int) []Pool { return []Pool{{Name: "all", Nodes: gpus, GPUsPerNode: 1}} }

func play(t *testing.T, s Spec, list ...jobs.Job) *Outcome {
	t.Helper()
	o, err := Run(&s, &jobs.Trace{Name: "by hand", Jobs: list}, Options{KeepTimes: true})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func starts(t *testing.T, what string, o *Outcome, want ...float64) {
	t.Helper()
	if !slices.Equal(o.StartSec, want) {
		t.Errorf("%s: starts %v, want %v", what, o.StartSec, want)
	}
}

// Four GPUs. A takes 3 for 10 s. B wants 4. C wants 1 for 10 s, D 1 for 20 s, E 1 for 5 s.
func five() []jobs.Job {
	return []jobs.Job{job(0, 10, 10, 3), job(1, 10, 10, 4), job(2, 8, 8, 1), job(3, 20, 20, 1), job(4, 5, 5, 1)}
}

func TestFirstComeByHand(t *testing.T) {
	// B waits for A, the rest for B.
	starts(t, "fifo", play(t, Spec{Pools: flat(4)}, five()...), 0, 10, 20, 20, 20)
}

func TestEASYByHand(t *testing.T) {
	// The head B is promised 10. C ends at 10 and starts at once; D would end at 23 and none
	// is spare at 10, so it waits for the end of B at 20; E waits as well, for C holds the
	// GPU until 10, and B all until 20.
	starts(t, "easy", play(t, Spec{Pools: flat(4), Backfill: EASY}, five()...), 0, 10, 2, 20, 20)
}

func TestEASYUsesSpareGPUs(t *testing.T) {
	// The head wants 3 of 4 at 10: one is spare then, so a long job of one GPU may start,
	// and a second may not.
	o := play(t, Spec{Pools: flat(4), Backfill: EASY}, job(0, 10, 10, 2), job(1, 10, 10, 3), job(2, 100, 100, 1), job(3, 100, 100, 1))
	starts(t, "easy, spare", o, 0, 10, 2, 20)
}

func TestEASYEarlyEndsHelpTheHead(t *testing.T) {
	// A ends at 4 though it had until 10: B starts then.
	o := play(t, Spec{Pools: flat(4), Backfill: EASY}, job(0, 4, 10, 4), job(1, 10, 10, 4))
	starts(t, "easy, early end", o, 0, 4)
}

func TestConservativeByHand(t *testing.T) {
	// Four GPUs. A: 2 for 10. B: 4 for 10, promised 10. C: 2 for 20, promised 20. D: 2 for 10
	// ends at 12 by its limit, beyond B's start: not now, and not beside C before 20; at 20
	// C and D fit beside each other. Under EASY nothing differs; with D of 8 s it starts at
	// once under both.
	list := []jobs.Job{job(0, 10, 10, 2), job(1, 10, 10, 4), job(2, 20, 20, 2), job(3, 10, 10, 2)}
	starts(t, "conservative", play(t, Spec{Pools: flat(4), Backfill: Conservative}, list...), 0, 10, 20, 20)
	list[3] = job(2, 8, 8, 2)
	starts(t, "conservative, short", play(t, Spec{Pools: flat(4), Backfill: Conservative}, list...), 0, 10, 20, 2)
}

func TestConservativeProtectsTheSecond(t *testing.T) {
	// Ten GPUs. A: 6 for 10. B wants 8 for 10: promised 10. C wants 10 for 10: promised 20.
	// D: 2 for 30. EASY starts D at once, for two are spare at 10, and C is delayed to 33;
	// conservative holds D back until 30.
	list := []jobs.Job{job(0, 10, 10, 6), job(1, 10, 10, 8), job(2, 10, 10, 10), job(3, 30, 30, 2)}
	starts(t, "easy", play(t, Spec{Pools: flat(10), Backfill: EASY}, list...), 0, 10, 33, 3)
	starts(t, "conservative", play(t, Spec{Pools: flat(10), Backfill: Conservative}, list...), 0, 10, 20, 30)
}

func TestConservativeCompresses(t *testing.T) {
	// A ends at 2 instead of 10: B's promise moves from 10 to 2, and C's from 20 to 12.
	o := play(t, Spec{Pools: flat(4), Backfill: Conservative}, job(0, 2, 10, 4), job(1, 10, 10, 4), job(1, 10, 10, 4))
	starts(t, "conservative, early end", o, 0, 2, 12)
}

func TestShortestFirst(t *testing.T) {
	o := play(t, Spec{Pools: flat(1), Order: SJF}, job(0, 10, 0, 1), job(1, 9, 0, 1), job(2, 3, 0, 1))
	starts(t, "sjf", o, 0, 13, 10)
}

func TestPriorityStopsTheLower(t *testing.T) {
	// Without saving, the 5 s of the first are lost and it runs its 10 s again after a restart
	// of 2 s: from 15 to 27.
	low, high := job(0, 10, 0, 2), job(5, 10, 0, 2)
	high.Priority = 1
	o := play(t, Spec{Pools: flat(2), Order: Priority, Preempt: true, RestartSec: 2}, low, high)
	starts(t, "priority", o, 0, 5)
	if o.EndsSec[0] != 27 || o.EndsSec[1] != 15 || o.Stops != 1 || o.Use.Lost != 10 || o.Use.Restart != 4 || o.Use.Useful != 40 {
		t.Errorf("ends %v, %d stops, %+v", o.EndsSec, o.Stops, o.Use)
	}
	// With a checkpoint of 1 s on stopping, 5 s are left: 15 + 1 + 2 + 5.
	o = play(t, Spec{Pools: flat(2), Order: Priority, Preempt: true, RestartSec: 2, SaveOnStop: true, CheckpointSec: 1}, low, high)
	if o.EndsSec[0] != 23 || o.Use.Lost != 0 || o.Use.Checkpoint != 2 {
		t.Errorf("saved: ends %v, %+v", o.EndsSec, o.Use)
	}
	// Checkpoints every 2 s of work that take 0.5 s: at 5 s two of them are written, 4 s are
	// kept; the rest of 6 s takes 7.5 s after the restart.
	o = play(t, Spec{Pools: flat(2), Order: Priority, Preempt: true, RestartSec: 2, CheckpointEverySec: 2, CheckpointSec: 0.5}, low, high)
	if end := 5 + 12.5 + 2 + 7.5; math.Abs(o.EndsSec[0]-end) > 1e-9 {
		t.Errorf("periodic: ends %v, want %v", o.EndsSec[0], end)
	}
}

func TestFairShareTurns(t *testing.T) {
	// One GPU. Tenant 0 brings four jobs at once, tenant 1 two a little later: they take turns
	// from then on.
	var list []jobs.Job
	for range 4 {
		list = append(list, job(0, 10, 0, 1))
	}
	for range 2 {
		j := job(1, 10, 0, 1)
		j.Tenant = 1
		list = append(list, j)
	}
	o := play(t, Spec{Pools: flat(1), Order: Fair}, list...)
	// 0: first job; at 10 tenant 1 has used nothing; at 20 both have used 10, the decay makes
	// the earlier use the smaller: tenant 0.
	starts(t, "fair", o, 0, 20, 40, 50, 10, 30)
}

func TestDominantShare(t *testing.T) {
	// Four GPUs, jobs of one: tenant 0 holds all four at 0. Those that end at 10 and 11 go to
	// tenant 1, who holds less; at 12 and 13 tenant 0 holds one and tenant 1 two.
	var list []jobs.Job
	for i := range 6 {
		list = append(list, job(0, 10+float64(i), 0, 1))
	}
	for range 4 {
		j := job(1, 100, 0, 1)
		j.Tenant = 1
		list = append(list, j)
	}
	o := play(t, Spec{Pools: flat(4), Order: DRF}, list...)
	starts(t, "drf", o, 0, 0, 0, 0, 12, 13, 10, 11, 26, 28)
}

func TestQuotaAndCohort(t *testing.T) {
	// Eight GPUs, two tenants with a quota of 4 each in one cohort. The first borrows all
	// eight; when the second comes it gets its quota back.
	tenants := []Tenant{{Name: "a", Quota: 4, Borrow: -1, Cohort: "c"}, {Name: "b", Quota: 4, Borrow: -1, Cohort: "c", Reclaim: true}}
	b := job(5, 10, 0, 4)
	b.Tenant = 1
	o := play(t, Spec{Pools: flat(8), Tenants: tenants, SaveOnStop: true}, job(0, 20, 0, 4), job(1, 20, 0, 4), b)
	starts(t, "reclaim", o, 0, 1, 5)
	if o.Stops != 1 || o.EndsSec[1] != 15+16 {
		t.Errorf("%d stops, ends %v", o.Stops, o.EndsSec)
	}
	tenants[0].Borrow = 0
	o = play(t, Spec{Pools: flat(8), Tenants: tenants}, job(0, 20, 0, 4), job(1, 20, 0, 4), b)
	starts(t, "no borrowing", o, 0, 20, 5)
}

func TestLeastAttained(t *testing.T) {
	// One GPU, quantum 10, classes of 10 GPU-seconds: two jobs of 20 s take turns.
	o := play(t, Spec{Pools: flat(1), Order: LAS, QuantumSec: 10, LASStepGPUSec: 10, SaveOnStop: true}, job(0, 20, 0, 1), job(1, 20, 0, 1))
	starts(t, "las", o, 0, 10)
	if o.EndsSec[0] != 30 || o.EndsSec[1] != 40 {
		t.Errorf("ends %v, want 30 and 40", o.EndsSec)
	}
}

func TestGangsNeedShape(t *testing.T) {
	// Two nodes of four. 3 + 3 leave two GPUs that no job of two can use together in one
	// node: it waits, and the two GPUs are fragments.
	pools := []Pool{{Name: "p", Nodes: 2, GPUsPerNode: 4}}
	o := play(t, Spec{Pools: pools}, job(0, 10, 0, 3), job(0, 10, 0, 3), job(0, 10, 0, 2))
	starts(t, "shape", o, 0, 0, 10)
	if o.Use.Fragmented != 20 {
		t.Errorf("%+v", o.Use)
	}
}

func TestSpreadSlows(t *testing.T) {
	// Leaves of two nodes. A pair of nodes stays in a leaf; three nodes do not, and run at
	// half speed.
	pools := []Pool{{Name: "p", Nodes: 4, GPUsPerNode: 2, LeafNodes: 2}}
	s := Spec{Pools: pools, Speed: [4]float64{1, 1, 0.5, 0.5}}
	if o := play(t, s, job(0, 10, 0, 4)); o.EndSec != 10 {
		t.Errorf("one leaf ends at %v", o.EndSec)
	}
	if o := play(t, s, job(0, 10, 0, 6)); o.EndSec != 20 {
		t.Errorf("two leaves end at %v", o.EndSec)
	}
}

func TestWindowsAreKeptFree(t *testing.T) {
	// Both nodes are reserved from 100 to 200: a job of 50 s starts before, one of 150 s
	// after.
	s := Spec{Pools: flat(2), Backfill: EASY, Windows: []Window{{Nodes: 2, FromSec: 100, UntilSec: 200}}}
	starts(t, "window", play(t, s, job(0, 50, 50, 1), job(0, 150, 150, 1)), 0, 200)
}

func TestLimits(t *testing.T) {
	s := Spec{Pools: flat(2), KillAtLimit: true}
	if o := play(t, s, job(0, 50, 20, 1)); o.EndSec != 20 || o.Killed != 1 {
		t.Errorf("ends at %v, %d killed", o.EndSec, o.Killed)
	}
	for _, x := range []struct {
		s    Spec
		j    jobs.Job
		want string
	}{
		{Spec{Pools: flat(2)}, job(0, 1, 0, 3), "asks for 3 GPUs"},
		{Spec{Pools: []Pool{{Name: "p", Nodes: 1, GPUsPerNode: 1, MaxWallSec: 10}}}, job(0, 20, 0, 1), "at most 10 s"},
		{Spec{Pools: flat(8), Tenants: []Tenant{{Name: "t", Quota: 2}}}, job(0, 20, 0, 4), "quota of 2"},
		{Spec{Pools: flat(8), Tenants: []Tenant{{Name: "t", Quota: 2, Borrow: -1}}}, job(0, 20, 0, 4), "can never start"},
		{Spec{}, job(0, 20, 0, 4), "no pool"},
		{Spec{Pools: flat(8), Order: LAS}, job(0, 20, 0, 4), "quantum"},
		{Spec{Pools: flat(8), Order: LAS, QuantumSec: 60}, job(0, 20, 0, 4), "without saving"},
	} {
		_, err := Run(&x.s, &jobs.Trace{Name: "bad", Jobs: []jobs.Job{x.j}}, Options{})
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, want %s", err, x.want)
		}
	}
}

func TestMMk(t *testing.T) {
	// One-GPU jobs of exponential length on k GPUs at load 0.8: Erlang C. 300,000 jobs give a
	// standard error of about 2 %.
	const k, load, n = 8, 0.8, 300_000
	s := sim.NewStream(1, "mmk")
	tr := &jobs.Trace{Name: "M/M/8"}
	at := 0.0
	for range n {
		at += s.Exp(1 / (k * load))
		tr.Jobs = append(tr.Jobs, job(at, s.Exp(1), 0, 1))
	}
	o, err := Run(&Spec{Pools: flat(k)}, tr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	term, sum := 1.0, 0.0
	for i := range k {
		sum += term
		term *= k * load / float64(i+1)
	}
	last := term / (1 - load)
	want := last / (sum + last) / (k * (1 - load))
	if math.Abs(o.WaitMeanSec/want-1) > 0.06 {
		t.Errorf("wait %.4f s, Erlang C %.4f s", o.WaitMeanSec, want)
	}
	// Little's law holds exactly over the whole run.
	if l := o.WaitMeanSec * n / o.EndSec; math.Abs(o.MeanQueue/l-1) > 1e-3 {
		t.Errorf("queue %v, rate times wait %v", o.MeanQueue, l)
	}
	if math.Abs(o.Utilisation-load) > 0.02 {
		t.Errorf("utilisation %v", o.Utilisation)
	}
}

// Whatever the rules: all jobs end, no GPU is used twice, GPU-seconds are conserved, and
// two runs are one.
func TestAnyRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := Spec{
			Pools:      []Pool{{Name: "a", Nodes: rapid.IntRange(2, 6).Draw(rt, "nodes"), GPUsPerNode: rapid.IntRange(1, 4).Draw(rt, "gpus"), LeafNodes: 2}},
			Order:      Order(rapid.IntRange(0, len(orderNames)-1).Draw(rt, "order")),
			Preempt:    rapid.Bool().Draw(rt, "preempt"),
			SaveOnStop: rapid.Bool().Draw(rt, "save"),
			RestartSec: 3, CheckpointSec: 1, CheckpointEverySec: float64(rapid.IntRange(0, 1).Draw(rt, "every")) * 20,
			BindPerSec: float64(rapid.IntRange(0, 2).Draw(rt, "bind")), Speed: [4]float64{1, 0.9, 0.8, 0.7},
			Estimate: rapid.SampledFrom([]float64{0, 0.5, 2}).Draw(rt, "estimate"), QuantumSec: 30, LASStepGPUSec: 60,
			Tenants: []Tenant{{Quota: 3, Borrow: -1, Cohort: "c"}, {Quota: 3, Borrow: -1, Cohort: "c", Reclaim: true}},
			Seed:    1,
			Weights: Weights{Age: 1, Fair: 1, Size: 0.5, Partition: 0.2, QOS: 0.3, MaxAgeSec: 500, PeriodSec: 20},
			QOS:     []QOS{{Name: "q", Priority: 1, GroupGPUs: 4, MaxGPUsPerTenant: 4, MaxJobsPerTenant: 2}},
		}
		if rapid.Bool().Draw(rt, "faults") {
			s.Faults = Faults{PerNodeDay: 50, PerLeafDay: 10, RepairSec: 100}
		}
		if rapid.Bool().Draw(rt, "window") {
			s.Windows = []Window{{Nodes: 1, FromSec: 50, UntilSec: 400}, {Nodes: s.Pools[0].Nodes, FromSec: 500, UntilSec: 600}}
		}
		if s.Order == LAS {
			s.SaveOnStop = true
		} else {
			s.Backfill = Backfill(rapid.IntRange(0, 3).Draw(rt, "backfill"))
		}
		if s.Backfill == Conservative && (s.Order == Fair || s.Order == DRF || s.Order == Factors) {
			s.Backfill = EASY
		}
		if s.Order != LAS && s.Backfill != Conservative {
			if rapid.Bool().Draw(rt, "partitions") {
				n := s.Pools[0].Nodes
				s.Pools[0].Partitions = []Partition{{Name: "low", Nodes: n}, {Name: "high", First: n / 3, Nodes: n - n/3, Tier: 1}}
				s.Tenants[1].Partition = 2
			}
			if s.SaveOnStop && rapid.Bool().Draw(rt, "elastic") {
				s.Tenants[0].Elastic, s.Tenants[0].Scaling = 0.3, 0.8
			}
		}
		if rapid.Bool().Draw(rt, "qos") {
			s.Tenants[0].QOS = 1
		}
		tr := &jobs.Trace{Name: "random"}
		at := 0.0
		most := min(3, s.Pools[0].gpus())
		for range rapid.IntRange(1, 40).Draw(rt, "jobs") {
			if n := len(s.Pools[0].Partitions); n > 0 {
				p := s.Pools[0].Partitions[n-1]
				most = min(most, p.Nodes*s.Pools[0].GPUsPerNode)
			}
			at += float64(rapid.IntRange(0, 60).Draw(rt, "gap"))
			j := job(at, float64(rapid.IntRange(1, 200).Draw(rt, "run")), 0, int32(rapid.IntRange(1, most).Draw(rt, "g")))
			j.Tenant, j.Priority = int32(rapid.IntRange(0, 2).Draw(rt, "tenant")), int32(rapid.IntRange(0, 2).Draw(rt, "priority"))
			tr.Jobs = append(tr.Jobs, j)
		}
		a, err := Run(&s, tr, Options{})
		if err != nil {
			rt.Fatal(err)
		}
		if a.Jobs != len(tr.Jobs) || !a.Use.conserved() {
			rt.Fatalf("%d of %d jobs, %+v", a.Jobs, len(tr.Jobs), a.Use)
		}
		b, err := Run(&s, tr, Options{})
		if err != nil || a.Hash != b.Hash || fmt.Sprint(a.Use) != fmt.Sprint(b.Use) {
			rt.Fatalf("two runs differ: %v", err)
		}
	})
}
