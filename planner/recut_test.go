package planner

import (
	"strings"
	"testing"

	"aisim/scenarios"
)

// A training that computes all activations again although memory is left is told a faster
// cut; started so, it is told none.
func TestFasterCut(t *testing.T) {
	world := func(sets ...string) *scenarios.World {
		sc, err := scenarios.Load("gpt3-175b-1024-a100", sets)
		if err != nil {
			t.Fatal(err)
		}
		w, err := scenarios.Assemble(sc, scenarios.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w := world()
	ls, err := faster(w, 2)
	if err != nil || len(ls) != 1 {
		t.Fatalf("%d levers, %v", len(ls), err)
	}
	if !strings.Contains(ls[0].action, "selective recomputation") || !strings.Contains(ls[0].detail, "full recomputation") {
		t.Errorf("%q, %q", ls[0].action, ls[0].detail)
	}
	was, err := w.NewBench().Sample(0).Play(nil)
	if err != nil {
		t.Fatal(err)
	}
	is, err := ls[0].world.NewBench().Sample(0).Play(nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := was.Steps[0].Seconds, is.Steps[0].Seconds; b > a*(1-cutGain) {
		t.Errorf("steps of %g s instead of %g", b, a)
	}
	c := ls[0].world.Placed[0].Training
	if c == w.Placed[0].Training || w.Placed[0].Training.Parallel != world().Placed[0].Training.Parallel {
		t.Error("the world itself was cut")
	}
	if again, err := faster(ls[0].world, 1); err != nil || len(again) != 0 {
		t.Errorf("a faster cut than the fastest: %d levers, %v", len(again), err)
	}
}
