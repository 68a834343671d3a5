package serving

import (
	"math"
	"testing"

	"aisim/workloads/arrivals"
)

func scaling(t *testing.T, a Autoscale, reqs []Request) *Outcome {
	t.Helper()
	p := toyService(toyEngine, 20, 64, 512, 5000)
	p.Config.Router, p.Config.Autoscale = LeastOutstanding, a
	if err := a.validate(20); err != nil {
		t.Fatal(err)
	}
	o, err := p.Simulate(reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Completed != o.Requests || o.Scaling == nil {
		t.Fatalf("%d of %d requests completed, %+v", o.Completed, o.Requests, o.Scaling)
	}
	return o
}

// From nothing, a request waits for the whole start-up chain; the next, after the replica
// has gone again, waits as long; one beside it does not.
func TestScaleToZero(t *testing.T) {
	a := Autoscale{Max: 1, Target: 10, IntervalSec: 1, StartSec: 40, DownAfterSec: 30}
	reqs := []Request{{ArriveSec: 5, Prompt: 50, Output: 1}, {ArriveSec: 60, Prompt: 50, Output: 1}, {ArriveSec: 500, Prompt: 50, Output: 1}}
	o := scaling(t, a, reqs)
	p := toyService(toyEngine, 1, 64, 512, 5000)
	warm := p.Model.step(50, 50*25, 0, 0, 1, 1) + p.Model.RequestSec
	if math.Abs(o.TTFT.Max-40-warm) > 1e-9 || math.Abs(o.TTFT.Min-warm) > 1e-9 || o.Scaling.Starts != 2 || o.Scaling.Peak != 1 {
		t.Errorf("first tokens after %v to %v s, %+v; want %v, and 40 s more from nothing", o.TTFT.Min, o.TTFT.Max, *o.Scaling, warm)
	}
	// It is there from the start to 30 s after the last tick that saw work, the one at 45 s
	// (the second request came and went between two): 5 to 75 s, and 500 s to the end.
	if s := o.Scaling.ReplicaSeconds; math.Abs(s-(75-5)-(o.EndSec-500)) > 2*a.IntervalSec {
		t.Errorf("%v replica-seconds, want about %v", s, 75-5+o.EndSec-500)
	}
}

// Under a steady load the number settles where the target says: requests in flight (by
// Little's law, rate times stay) over the target, kept at its most for DownAfterSec.
func TestScalingFollowsLoad(t *testing.T) {
	reqs := poisson(t, 60, 2000, arrivals.Lengths{Mean: 200, CV: 1}, arrivals.Lengths{Mean: 30, CV: 1}, 3)
	last := math.Inf(1)
	var ttft float64
	for _, target := range []float64{4, 8, 16} {
		o := scaling(t, Autoscale{Min: 1, Max: 20, Target: target, IntervalSec: 5, StartSec: 20, DownAfterSec: 20}, reqs)
		mean := o.Scaling.ReplicaSeconds / (o.EndSec - o.StartSec)
		want := float64(o.Completed) / (o.EndSec - o.StartSec) * (o.E2E.Mean) / target
		if !(mean > want && mean < 2.5*want+1) {
			t.Errorf("target %v: %.2f replicas in the mean, requests in flight over the target are %.2f", target, mean, want)
		}
		if !(mean < last) || !(o.TTFT.Mean > ttft) {
			t.Errorf("target %v: %.2f replicas after %.2f, first tokens %v after %v: expected fewer and later", target, mean, last, o.TTFT.Mean, ttft)
		}
		last, ttft = mean, o.TTFT.Mean
	}
	slow := scaling(t, Autoscale{Min: 1, Max: 20, Target: 8, IntervalSec: 5, StartSec: 200, DownAfterSec: 20}, reqs)
	fast := scaling(t, Autoscale{Min: 1, Max: 20, Target: 8, IntervalSec: 5, StartSec: 2, DownAfterSec: 20}, reqs)
	if !(slow.TTFT.P99 > fast.TTFT.P99) {
		t.Errorf("ttft p99 %v with a start of 200 s, %v with 2 s", slow.TTFT.P99, fast.TTFT.P99)
	}
}

// Replicas that start together share what the registry sends; one alone is bound by what it
// takes in.
func TestAutoscalePullsShareTheRegistry(t *testing.T) {
	a := Autoscale{Min: 1, Max: 8, Target: 4, IntervalSec: 1, StartSec: 10, PullBytes: 12e9, PullBytesPerSec: 1e9, RegistryBytesPerSec: 2e9}
	if err := a.validate(8); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]float64{1: 22, 2: 22, 4: 34, 8: 58} {
		if got := a.startSec(n); got != want {
			t.Errorf("%d replicas that start together answer after %g s, want %g", n, got, want)
		}
	}
	a.RegistryBytesPerSec = 0
	if a.validate(8) == nil {
		t.Error("a registry that sends nothing was taken")
	}
}
