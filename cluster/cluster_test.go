package cluster

import (
	"math"
	"reflect"
	"testing"

	"aisim/topology"
	"aisim/topology/flow"
)

const day = 86400.0

// world is a campaign on n nodes whose checkpoints travel at a given rate through one
// drive, and nothing else: small enough for closed forms.
func world(t testing.TB, training Training, bytes, rate float64) *World {
	t.Helper()
	g, err := topology.Build(topology.Spec{
		Hosts:    []topology.HostGroup{{Name: "compute", Count: 2, ChipsPerHost: 1, NICs: 1, NICBytesPerSec: 50e9}},
		Topology: "single-switch",
	})
	if err != nil {
		t.Fatal(err)
	}
	net := flow.FromGraph(g)
	drive, err := net.AddResource("drive", rate)
	if err != nil {
		t.Fatal(err)
	}
	one := []flow.Demand{{Name: "client", Uses: []flow.Use{{Res: drive, Weight: 1}}, Count: 1}}
	ph, err := NewPhases(g, net, []Transfer{
		{Name: "checkpoint", Demands: one, Bytes: bytes}, {Name: "restore", Demands: one, Bytes: bytes},
		{Name: "input", Demands: one}, {Name: "load", Demands: one, Bytes: bytes}, {Name: "reload", Demands: one, Bytes: bytes / 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &World{Phases: ph, Training: []Training{training}}
}

func simple() Training {
	return Training{
		ID: "job", Nodes: 2048, StepSec: 6.5, MaxSteps: math.Inf(1), HorizonSec: 54 * day, Input: -1,
		Checkpoint: &Checkpoint{Write: 0, Restore: 1, EverySec: 900},
		Faults:     faults(3.8),
	}
}

// faults are perNode failures per 1,000 node-days, half of them software.
func faults(perNode float64) Faults {
	f := Faults{DetectSec: 60, RestartSec: 600, RepairSec: 2 * day, Spares: 1000}
	f.PerNodeSec[FaultGPU] = perNode / 2 / 1000 / day
	f.PerNodeSec[FaultSoftware] = perNode / 2 / 1000 / day
	return f
}

func play(t testing.TB, w *World, seed uint64) *TrainingOutcome {
	t.Helper()
	out, err := Run(w, seed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range out.Training {
		o := &out.Training[i]
		if d := math.Abs(o.Losses.Total() - o.EndSec); d > 1e-6*o.EndSec {
			t.Errorf("losses sum to %g s, the period is %g s", o.Losses.Total(), o.EndSec)
		}
		if d := math.Abs(o.Steps*w.Training[i].StepSec - o.Losses[Useful]); d > 1e-6*o.EndSec {
			t.Errorf("%g steps of %g s are not the %g useful seconds", o.Steps, w.Training[i].StepSec, o.Losses[Useful])
		}
	}
	return &out.Training[0]
}

func TestNoFaultsNoCheckpoints(t *testing.T) {
	tr := simple()
	tr.Checkpoint, tr.Faults, tr.MaxSteps = nil, Faults{}, 1000
	o := play(t, world(t, tr, 1, 1), 1)
	if !o.Finished || math.Abs(o.FinishSec-6500) > 1e-6 {
		t.Errorf("1,000 steps of 6.5 s finish at %g s", o.FinishSec)
	}
	if g := o.Losses[Useful]; math.Abs(g-6500) > 1e-6 {
		t.Errorf("useful %g s", g)
	}
}

// The mean over many futures of the wall time of a fixed piece of work lies at Daly's
// expectation. Its restart includes detection and the restore; a failure of a restart
// starts the restart again, as in his model. 400 futures of about 85 failures leave a
// standard error near 0.1 %; the bound is 1 %.
func TestDalyExpectedWall(t *testing.T) {
	tr := simple()
	tr.HorizonSec = math.Inf(1)
	const write, restore = 40.0, 40.0
	tr.Checkpoint.EverySec = 900
	tr.MaxSteps = 10 * day / tr.StepSec
	sum := 0.0
	const n = 400
	w := world(t, tr, 40e9, 1e9)
	for seed := range uint64(n) {
		sum += play(t, w, seed).FinishSec
	}
	mtbf := 1 / tr.Faults.Rate(0, tr.Nodes)
	want := ExpectedWall(10*day, 900, write, 660+restore, mtbf)
	if rel := sum/n/want - 1; math.Abs(rel) > 0.01 {
		t.Errorf("mean wall time %g s, Daly expects %g s (%+.2f %%)", sum/n, want, 100*rel)
	}
}

func TestFailuresArePoisson(t *testing.T) {
	sum, sq := 0.0, 0.0
	const n = 300
	w := world(t, simple(), 40e9, 1e9)
	for seed := range uint64(n) {
		f := float64(play(t, w, seed).FailureCount())
		sum += f
		sq += f * f
	}
	mean := sum / n
	want := simple().Faults.Rate(0, 2048) * 54 * day // 420: the Llama 3 report counts 419
	if math.Abs(mean-want) > 4*math.Sqrt(want/n) {
		t.Errorf("mean failures %g, want %g", mean, want)
	}
	if v := (sq/n - mean*mean) / want; v < 0.75 || v > 1.3 {
		t.Errorf("variance over mean %g, a Poisson process has 1", v)
	}
}

// An optimal interval beats shorter and longer ones, and the automatic one is it.
func TestAutoIntervalIsBest(t *testing.T) {
	goodput := func(every float64) (float64, float64) {
		tr := simple()
		tr.Checkpoint.EverySec = every
		w := world(t, tr, 40e9, 1e9)
		sum, interval := 0.0, 0.0
		for seed := range uint64(40) {
			o := play(t, w, seed)
			sum += o.Losses.Goodput()
			interval = o.IntervalSec
		}
		return sum / 40, interval
	}
	auto, interval := goodput(0)
	mtbf := 1 / simple().Faults.Rate(0, 2048)
	if want := math.Sqrt(2*40*mtbf) - 40; math.Abs(interval-want) > 1 {
		t.Errorf("interval %g s, Daly %g s", interval, want)
	}
	for _, f := range []float64{0.25, 4} {
		if other, _ := goodput(interval * f); other >= auto {
			t.Errorf("goodput %g at %g × the optimal interval, %g at it", other, f, auto)
		}
	}
}

// Every input of a campaign moves its goodput in the right direction.
func TestCampaignSensitivity(t *testing.T) {
	mean := func(turn func(*Training), rate float64) float64 {
		tr := simple()
		if turn != nil {
			turn(&tr)
		}
		w := world(t, tr, 40e9, rate)
		g := 0.0
		for seed := range uint64(30) {
			g += play(t, w, seed).Losses.Goodput()
		}
		return g / 30
	}
	base := mean(nil, 1e9)
	for name, c := range map[string]struct {
		turn func(*Training)
		rate float64
		sign float64
	}{
		"failure rate": {func(tr *Training) { tr.Faults = faults(7.6) }, 1e9, -1},
		"detection":    {func(tr *Training) { tr.Faults.DetectSec = 600 }, 1e9, -1},
		"restart":      {func(tr *Training) { tr.Faults.RestartSec = 1800 }, 1e9, -1},
		"spares":       {func(tr *Training) { tr.Faults.Spares = 0 }, 1e9, -1},
		"storage":      {nil, 0.25e9, -1},
		"async":        {func(tr *Training) { tr.Checkpoint.Async, tr.Checkpoint.SnapshotSec = true, 5 }, 1e9, 1},
		"nodes":        {func(tr *Training) { tr.Nodes = 4096 }, 1e9, -1},
		"start":        {func(tr *Training) { tr.StartSec = day }, 1e9, -1},
	} {
		if g := mean(c.turn, c.rate); (g-base)*c.sign <= 0 {
			t.Errorf("%s: goodput went from %g to %g", name, base, g)
		}
	}
	// More repair time costs only where spares run out.
	few := func(repair float64) float64 {
		return mean(func(tr *Training) { tr.Faults.Spares, tr.Faults.RepairSec = 2, repair }, 1e9)
	}
	if a, b := few(day/2), few(3*day); b >= a {
		t.Errorf("goodput %g with half a day of repair, %g with three days", a, b)
	}
}

// Input that the store cannot deliver in time makes the step as long as its reading.
func TestInputBound(t *testing.T) {
	tr := simple()
	tr.Checkpoint, tr.Faults = nil, Faults{}
	tr.Input, tr.InputBytesPerStep = 2, 13e9 // 13 s at 1 GB/s against a step of 6.5 s
	o := play(t, world(t, tr, 1, 1e9), 1)
	if g := o.Losses.Goodput(); math.Abs(g-0.5) > 1e-9 {
		t.Errorf("goodput %g, want a half", g)
	}
	if s := o.Losses[InputStall] / o.EndSec; math.Abs(s-0.5) > 1e-9 {
		t.Errorf("input stalls %g of the time, want a half", s)
	}
}

// A checkpoint and a service that loads from the same drive slow each other down.
func TestTransfersContend(t *testing.T) {
	tr := simple()
	tr.Faults, tr.HorizonSec = Faults{}, 2000
	alone := play(t, world(t, tr, 100e9, 1e9), 1)
	w := world(t, tr, 100e9, 1e9)
	// 1.05 TB at 1 GB/s would end at 1,050 s; the first checkpoint is due at 900 s.
	w.Phases.transfers[3].Bytes = 1050e9
	w.Services = []Service{{ID: "chat", Nodes: 1, Replicas: 2, ReplicasPerNode: 2, HorizonSec: 2000, Load: 3, Reload: 4, InitSec: 10}}
	both, err := Run(w, 1)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := alone.WriteSec, both.Training[0].WriteSec; math.Abs(a-100) > 1e-6 || math.Abs(b-200) > 1e-6 {
		t.Errorf("checkpoint alone %g s, want 100; beside a load %g s, want 200", a, b)
	}
	// The load runs alone to 900 s with 150 GB left, at half the rate while the
	// checkpoint takes 200 s for its 100 GB, and alone for the last 50 GB.
	if l := both.Services[0].LoadSec; math.Abs(l-1150) > 1e-6 {
		t.Errorf("load takes %g s, want 1150", l)
	}
	for _, r := range both.Services[0].ReadySec {
		if math.Abs(r-1160) > 1e-6 {
			t.Errorf("replica ready at %g s, want 1160", r)
		}
	}
}

func TestServiceOutages(t *testing.T) {
	w := world(t, Training{}, 100e9, 1e9)
	w.Training = nil
	w.Services = []Service{{ID: "chat", Nodes: 8, Replicas: 16, ReplicasPerNode: 2, HorizonSec: 100 * day, Load: 3, Reload: 4, InitSec: 30, Faults: faults(10)}}
	out, err := Run(w, 3)
	if err != nil {
		t.Fatal(err)
	}
	s := &out.Services[0]
	if s.Failures == 0 || len(s.Outages) < s.Failures {
		t.Fatalf("%d failures, %d outages; each takes two replicas down", s.Failures, len(s.Outages))
	}
	for _, o := range s.Outages {
		// Detection 60 s, restart 600 s, reload of 25 GB (two queue), capture 30 s.
		if d := o.EndSec - o.StartSec; o.EndSec < 100*day && (d < 715-1e-6 || d > 760) {
			t.Errorf("outage of %g s", d)
		}
	}
}

func TestSameSeedSameFuture(t *testing.T) {
	tr := simple()
	tr.Checkpoint.Async, tr.Checkpoint.SnapshotSec = true, 5
	a, b := *play(t, world(t, tr, 40e9, 1e9), 7), *play(t, world(t, tr, 40e9, 1e9), 7)
	if !reflect.DeepEqual(a, b) {
		t.Error("two runs of one seed differ")
	}
	if c := *play(t, world(t, tr, 40e9, 1e9), 8); reflect.DeepEqual(a.Losses, c.Losses) {
		t.Error("two seeds give the same losses")
	}
}

func BenchmarkCampaign54Days(b *testing.B) {
	w := world(b, simple(), 40e9, 1e9)
	for i := 0; b.Loop(); i++ {
		if _, err := Run(w, uint64(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// A run that reads 4 GB every hour over the drive that checkpoints of 40 GB take, at 1 GB/s:
// alone it takes 4 s; beside a checkpoint, which half of them meet, 8 s.
func TestPeriodicWorkSharesTheDrive(t *testing.T) {
	tr := simple()
	tr.Faults, tr.HorizonSec = Faults{}, 10*day
	tr.Checkpoint = nil
	w := world(t, tr, 4e9, 1e9)
	w.Periodic = []Periodic{{ID: "scan", Transfers: []int{3}, EverySec: 3600}}
	out, err := Run(w, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p := out.Periodic[0]; p.Runs != 239 || math.Abs(p.MovedSec[0]-4) > 1e-6 || p.Late != 0 {
		t.Errorf("alone: %+v", p)
	}
	// A checkpoint that is always under way: every 1 s, for 4 s each.
	tr.Checkpoint = &Checkpoint{Write: 0, Restore: 1, EverySec: 1}
	w = world(t, tr, 4e9, 1e9)
	w.Periodic = []Periodic{{ID: "scan", Transfers: []int{3}, EverySec: 3600}}
	if out, err = Run(w, 1); err != nil {
		t.Fatal(err)
	}
	if p := out.Periodic[0]; p.MovedSec[0] < 6.5 || p.MovedSec[0] > 8 {
		t.Errorf("beside checkpoints: %+v", p)
	}
	base, err := Run(&World{Phases: w.Phases, Training: w.Training}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := base.Training[0].WriteSec, out.Training[0].WriteSec; b <= a {
		t.Errorf("a checkpoint takes %g s alone and %g s beside scans", a, b)
	}
	// More than the drive carries: runs wait for each other and nothing runs for ever.
	w.Periodic[0].EverySec = 3
	if out, err = Run(w, 1); err != nil || out.Periodic[0].Late == 0 {
		t.Errorf("scans that never end in time: %+v, %v", out.Periodic, err)
	}
}
