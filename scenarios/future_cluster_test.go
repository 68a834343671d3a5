package scenarios

import (
	"testing"

	"aisim/cluster"
)

// Every key of the recovery moves what it should in the campaign, in its direction.
func TestRecoveryKnobs(t *testing.T) {
	play := func(sets ...string) *cluster.TrainingOutcome {
		t.Helper()
		sets = append([]string{"cluster.nodes=128", "workload.pretrain.batch.global=256", "faults.components={gpu=60,software=20}", "faults.spares=3", "replicas=1", `storage.checkpoints.nodes=8`}, sets...)
		sc, err := Load("llama3-405b-16k-h100", sets)
		if err != nil {
			t.Fatal(err)
		}
		w, err := Assemble(sc, Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.NewBench().Sample(0).Play(nil)
		if err != nil {
			t.Fatal(err)
		}
		return f.Campaign[0]
	}
	loss := func(c cluster.Cause) func(*cluster.TrainingOutcome) float64 {
		return func(o *cluster.TrainingOutcome) float64 { return o.Losses[c] }
	}
	base := play()
	domain := `faults.domain=[{kind="rack",nodes=16,failures_per_1000_days=30}]`
	for _, c := range []struct {
		sets   []string
		more   bool
		figure func(*cluster.TrainingOutcome) float64
	}{
		{[]string{"faults.crews=1"}, true, loss(cluster.AwaitingRepair)},
		{[]string{`faults.policy="hot-spare"`}, false, loss(cluster.Restarting)},
		{[]string{`faults.policy="shrink"`}, false, loss(cluster.AwaitingRepair)},
		{[]string{`faults.policy="shrink"`}, true, loss(cluster.Shrunk)},
		{[]string{"faults.foreseen=0.6"}, false, loss(cluster.Rework)},
		{[]string{"faults.foreseen=0.6"}, true, func(o *cluster.TrainingOutcome) float64 { return float64(o.Drained) }},
		{[]string{domain}, true, loss(cluster.AwaitingRepair)},
		{[]string{domain}, true, func(o *cluster.TrainingOutcome) float64 { return float64(o.Failures[cluster.FaultDomain]) }},
	} {
		if got, was := c.figure(play(c.sets...)), c.figure(base); got == was || (got > was) != c.more {
			t.Errorf("%v: from %g to %g, want more: %v", c.sets, was, got, c.more)
		}
	}
	hot := []string{`faults.policy="hot-spare"`}
	if a, b := play(hot...), play(append(hot, "faults.hot_recovery=8 min")...); b.Losses[cluster.Restarting] <= a.Losses[cluster.Restarting] {
		t.Errorf("restarting for %g s on spares that are hot, %g s on slower ones", a.Losses[cluster.Restarting], b.Losses[cluster.Restarting])
	}
	if a, b := play(domain), play(`faults.domain=[{kind="rack",nodes=16,failures_per_1000_days=30,repair="2 d"}]`); b.Losses[cluster.AwaitingRepair] <= a.Losses[cluster.AwaitingRepair] {
		t.Errorf("waiting %g s for a rack's 4 hours, %g s for its two days", a.Losses[cluster.AwaitingRepair], b.Losses[cluster.AwaitingRepair])
	}
}
