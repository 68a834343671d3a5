package queue

import (
	"math"
	"testing"

	"aisim/cluster/provision"
	"aisim/sim"
	"aisim/workloads/jobs"
)

// sparse is jobs of two nodes for an hour each, one at a time: a day apart and a bit at random.
func sparse(n int) *jobs.Trace {
	t := &jobs.Trace{Name: "sparse", Tenants: []string{"all"}}
	rng, at := sim.NewStream(1, "sparse"), 0.0
	for range n {
		t.Jobs = append(t.Jobs, jobs.Job{SubmitSec: at, RunSec: 3600, GPUs: 16})
		at += 86400 + 3600*rng.Float64()
	}
	return t
}

func scaled(s Scaler, nodes int) *Spec {
	return &Spec{Pools: []Pool{{Name: "rented", Nodes: nodes, GPUsPerNode: 8}}, Backfill: EASY, Scale: &s}
}

var boots = provision.Chain{BootSec: 90, ImageBytes: 12e9, NodeBytesPerSec: 1e8, RegistryBytesPerSec: 1e8}

// Each job waits for its two nodes, which share the registry: 90 + 240 s; a scaler that looks
// every S adds S/2 on average. What is rented is the waits, the runs and the idle ends.
func TestScalerRentsAndGivesBack(t *testing.T) {
	const n = 400
	o, err := Run(scaled(Scaler{Chain: boots}, 10), sparse(n), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(o.WaitMeanSec-330) > 1e-6 || o.NodeStarts != 2*n {
		t.Errorf("at once: a wait of %g s, want 330; %d nodes rented", o.WaitMeanSec, o.NodeStarts)
	}
	if rented, want := o.Use.Capacity-o.Use.Off, float64(n)*16*(330+3600); math.Abs(rented/want-1) > 1e-6 {
		t.Errorf("%g GPU-seconds rented, want %g", rented, want)
	}
	if !o.Use.conserved() {
		t.Errorf("%+v", o.Use)
	}
	o, err = Run(scaled(Scaler{Chain: boots, ScanSec: 600, IdleSec: 1200}, 10), sparse(n), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(o.WaitMeanSec-630) > 30 { // ± 600/√12/√400 three times
		t.Errorf("every ten minutes: a wait of %g s, want 630", o.WaitMeanSec)
	}
	// Nodes are given back at the first look after 20 minutes; the last job's are not.
	if idle, want := o.Use.Idle, float64(n-1)*16*(1200+300); math.Abs(idle/want-1) > 0.05 {
		t.Errorf("%g GPU-seconds idle, want %g", idle, want)
	}
	// Two nodes that stay wait for nobody.
	if o, err = Run(scaled(Scaler{Min: 2, Chain: boots}, 10), sparse(n), Options{}); err != nil || o.WaitMeanSec != 0 || o.NodeStarts != 0 {
		t.Errorf("nodes that stay: %g s, %d rented, %v", o.WaitMeanSec, o.NodeStarts, err)
	}
	// Nodes that are kept for two days are still there for the next job.
	if o, err = Run(scaled(Scaler{Chain: boots, IdleSec: 2 * 86400}, 10), sparse(n), Options{}); err != nil || o.NodeStarts != 2 {
		t.Errorf("nodes that are kept: %d rented, %v", o.NodeStarts, err)
	}
}

func TestScalerUnderLoad(t *testing.T) {
	g := jobs.Generator{Kind: "philly", PerHour: 60, Jobs: 3000, Scale: 1, MaxGPUs: 64}
	trace, err := g.Generate(1)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Run(&Spec{Pools: []Pool{{Name: "all", Nodes: 64, GPUsPerNode: 8}}, Backfill: EASY}, trace, Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := Run(scaled(Scaler{Chain: boots, ScanSec: 10, IdleSec: 600}, 64), trace, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Jobs != 3000 || !o.Use.conserved() || o.WaitMeanSec <= all.WaitMeanSec || o.Use.Off <= 0 {
		t.Errorf("%d jobs, waits of %g s scaled and %g s on all nodes, %g GPU-s off", o.Jobs, o.WaitMeanSec, all.WaitMeanSec, o.Use.Off)
	}
	if a := math.Abs(o.Use.Useful/all.Use.Useful - 1); a > 1e-9 {
		t.Errorf("useful work differs by %g", a)
	}
	for _, bad := range []*Spec{
		{Pools: []Pool{{Nodes: 1, GPUsPerNode: 8}}, Scale: &Scaler{Min: 2}},
		{Pools: []Pool{{Nodes: 4, GPUsPerNode: 8}}, Backfill: Conservative, Scale: &Scaler{}},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v was taken", bad.Scale)
		}
	}
}
