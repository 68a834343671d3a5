package cluster

import (
	"math"
	"testing"
)

// hardwareOnly is a campaign whose nodes break at the given rate per second in all, with
// nothing to detect, and whose checkpoints and restarts cost next to nothing.
func hardwareOnly(perSec, repairSec float64, spares int) Training {
	tr := simple()
	tr.Nodes, tr.HorizonSec = 100, 2000*day
	tr.Checkpoint.EverySec = 1000
	tr.Faults = Faults{RepairSec: repairSec, Spares: spares, RestartSec: 1}
	tr.Faults.PerNodeSec[FaultGPU] = perSec / float64(tr.Nodes)
	return tr
}

func share(t *testing.T, tr Training, cause Cause) float64 {
	t.Helper()
	sum := 0.0
	const n = 8
	w := world(t, tr, 1e6, 1e9)
	for seed := range uint64(n) {
		o := play(t, w, seed)
		sum += o.Losses[cause] / o.Losses.Total() / n
	}
	return sum
}

func near(t *testing.T, what string, got, want, rel float64) {
	t.Helper()
	if math.Abs(got/want-1) > rel {
		t.Errorf("%s: %.5g, want %.5g within %.2g", what, got, want, rel)
	}
}

// A crew for every repair: the broken nodes are those in service of M/G/∞, Poisson with
// mean λR, and the job waits while there are more than spares. 8 × 2,000 days are 32,000
// failures, correlated over two repairs.
func TestSparesRunOutAsInMGInfinity(t *testing.T) {
	const mean = 2.0
	for _, spares := range []int{1, 3} {
		p, term := 1.0, math.Exp(-mean)
		for k := 0; k <= spares; k++ {
			p -= term
			term *= mean / float64(k+1)
		}
		near(t, "share of time without a node", share(t, hardwareOnly(mean/day, day, spares), AwaitingRepair), p, 0.03)
	}
}

// One crew: the broken nodes are those of M/D/1, of which more than one are there for
// 1 − (1−ρ)e^ρ of the time.
func TestOneRepairCrewIsMD1(t *testing.T) {
	const rho = 0.5
	tr := hardwareOnly(rho/day, day, 1)
	tr.Faults.Crews = 1
	near(t, "share of time without a node", share(t, tr, AwaitingRepair), 1-(1-rho)*math.Exp(rho), 0.06)
	tr.Faults.Crews = 50
	near(t, "with crews for all", share(t, tr, AwaitingRepair), 1-math.Exp(-rho)*(1+rho), 0.06)
}

// Without spares a job that shrinks misses λR nodes of N on average, and their share of
// its work. Groups of nodes that only make a replica together are missed as a whole.
func TestShrinkLosesTheShareOfBrokenNodes(t *testing.T) {
	tr := hardwareOnly(3/day, day, 0)
	tr.Faults.Policy = Shrink
	near(t, "work of missing nodes", share(t, tr, Shrunk), 0.03, 0.03)
	if w := share(t, tr, AwaitingRepair); w != 0 {
		t.Errorf("a job that shrinks waits for %g of the time", w)
	}
	// Poisson with mean 3 in groups of 10: of 100 nodes 10 while any of the first ten is
	// missing, 20 beyond.
	p0, beyond := math.Exp(-3), 0.000292
	tr.GroupNodes = 10
	near(t, "work of missing groups", share(t, tr, Shrunk), 0.1*(1-p0)+0.1*beyond, 0.03)
}

// Failures that are seen coming cost the checkpoint and the restart, no work.
func TestForeseenFailuresLoseNoWork(t *testing.T) {
	tr := hardwareOnly(5/day, day, 50)
	tr.Faults.DetectSec, tr.Faults.RestartSec, tr.Faults.Foreseen = 600, 300, 1
	o := play(t, world(t, tr, 1e6, 1e9), 1)
	if o.FailureCount() != 0 || o.Losses[Rework] != 0 || o.Losses[Detecting] != 0 || o.Drained == 0 {
		t.Errorf("%d failures, %g s done again, %g s detecting, %d drained", o.FailureCount(), o.Losses[Rework], o.Losses[Detecting], o.Drained)
	}
	near(t, "nodes drained", float64(o.Drained), 5*2000, 0.03)
	near(t, "restarts", o.Losses[Restarting], 300*float64(o.Drained), 0.01)
	tr.Checkpoint.Async, tr.Checkpoint.SnapshotSec = true, 1
	if o = play(t, world(t, tr, 1e6, 1e9), 1); o.Losses[Rework] != 0 || o.Drained == 0 {
		t.Errorf("asynchronous checkpoints: %g s done again, %d drained", o.Losses[Rework], o.Drained)
	}
}

// Hot spares shorten the restart after a failure of hardware, and of nothing else.
func TestHotSparesRestartFaster(t *testing.T) {
	tr := simple()
	tr.Faults.Policy, tr.Faults.HotSec, tr.Faults.DetectSec = HotSpare, 60, 0
	tr.Faults.PerNodeSec[FaultSoftware] /= 4
	tr.HorizonSec = 540 * day
	o := play(t, world(t, tr, 1e6, 1e9), 1)
	hard, soft := float64(o.Failures[FaultGPU]), float64(o.Failures[FaultSoftware])
	near(t, "restarts", o.Losses[Restarting], 60*hard+600*soft, 0.03) // a few are cut short by the next failure
}

// A domain fails as often as its rate says, and takes its nodes together: spares for one
// node do not help.
func TestDomainsFailTogether(t *testing.T) {
	tr := hardwareOnly(0, day, 15)
	tr.FirstNode, tr.Nodes = 8, 96 // of domains of 16: seven, the first and the last by half
	tr.Faults.Domains = []Domain{{Nodes: 16, PerSec: 0.02 / day, RepairSec: day / 2}}
	if rate := tr.Faults.Rate(tr.FirstNode, tr.Nodes); math.Abs(rate*day-7*0.02) > 1e-12 {
		t.Errorf("%g failures a day of seven domains", rate*day)
	}
	w := world(t, tr, 1e6, 1e9)
	n, wait := 0, 0.0
	for seed := range uint64(40) {
		o := play(t, w, seed)
		n += o.Failures[FaultDomain]
		wait += o.Losses[AwaitingRepair] / o.Losses.Total() / 40
	}
	near(t, "failures", float64(n), 40*2000*0.14, 0.03)
	// Spares stand in for half a domain (two of seven), not for a whole one: the job waits
	// for the repair of five of seven failures, a little more where failures overlap.
	near(t, "waiting", wait, 5.0/7*0.14*0.5, 0.08)
	tr.Faults.Spares = 16
	if s := share(t, tr, AwaitingRepair); s > wait/3 {
		t.Errorf("spares for a domain: waiting %g of the time, %g without", s, wait)
	}
}

// A domain takes all replicas on its nodes from a service at once.
func TestServiceLosesADomain(t *testing.T) {
	w := world(t, simple(), 1e6, 1e9)
	w.Training = nil
	w.Services = []Service{{ID: "chat", Nodes: 32, Replicas: 64, ReplicasPerNode: 2, HorizonSec: 100 * day, Load: -1, Reload: -1, Warm: true,
		Faults: Faults{Domains: []Domain{{Nodes: 8, PerSec: 0.1 / day, RepairSec: 3600}}, DetectSec: 60}}}
	out, err := Run(w, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := out.Services[0]
	near(t, "failures", float64(s.Failures), 40, 0.4)
	if len(s.Outages) != 16*s.Failures || s.Outages[0].EndSec-s.Outages[0].StartSec != 3660 {
		t.Errorf("%d outages of %d failures, the first of %g s", len(s.Outages), s.Failures, s.Outages[0].EndSec-s.Outages[0].StartSec)
	}
}

// Instances that are taken away come again after a time: the job waits while any is
// missing, 1 − exp(−λA) of the time. With a warning long enough for a checkpoint no work
// is done again.
func TestTakenInstances(t *testing.T) {
	tr := hardwareOnly(0, day, 0)
	tr.Faults.PerNodeSec[FaultTaken] = 4 / day / 100
	tr.Faults.AnotherSec, tr.Faults.DetectSec, tr.Faults.Crews = 3600, 600, 1
	near(t, "waiting", share(t, tr, AwaitingRepair), 1-math.Exp(-4.0/24), 0.03)
	if s := share(t, tr, Detecting); s != 0 {
		t.Errorf("%g of the time to find out what the provider says", s)
	}
	o := play(t, world(t, tr, 1e9, 1e9), 1)
	if o.Losses[Rework] == 0 {
		t.Error("nothing is lost without a warning")
	}
	tr.Faults.NoticeSec = 0.5 // a checkpoint takes a second
	if p := play(t, world(t, tr, 1e9, 1e9), 1); p.Losses[Rework] != o.Losses[Rework] {
		t.Errorf("a warning too short for a checkpoint: %g s done again, %g without", p.Losses[Rework], o.Losses[Rework])
	}
	tr.Faults.NoticeSec = 2
	if p := play(t, world(t, tr, 1e9, 1e9), 1); p.Losses[Rework] != 0 || p.FailureCount() != 0 || p.Drained == 0 {
		t.Errorf("a warning: %g s done again, %d failures, %d drained", p.Losses[Rework], p.FailureCount(), p.Drained)
	}
}
