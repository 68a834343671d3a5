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

// A replica that fails is replaced at once where there is room, and by its own place once its node is
// back where there is none; what it had begun begins again.
func TestScalingReplacesFailed(t *testing.T) {
	warm := func(p *Prepared) float64 { return p.Model.step(50, 50*25, 0, 0, 1, 1) + p.Model.RequestSec }
	reqs := []Request{{ArriveSec: 5, Prompt: 50, Output: 1}, {ArriveSec: 15, Prompt: 50, Output: 1}}
	for _, x := range []struct {
		most int
		up   float64 // when one answers again
	}{{1, 100 + 40}, {2, 10 + 40}} {
		p := toyService(toyEngine, x.most, 64, 512, 5000)
		p.Config.Router, p.Config.Autoscale = LeastOutstanding, Autoscale{Min: 1, Max: x.most, Target: 10, IntervalSec: 1, StartSec: 40, DownAfterSec: 30}
		o, err := p.Simulate(reqs, Options{Outages: []Outage{{Replica: 0, Start: 10, End: 100}}})
		if err != nil {
			t.Fatal(err)
		}
		if want := x.up - 15 + warm(p); math.Abs(o.TTFT.Max-want) > 1e-9 || o.Scaling.Replaced != 1 || o.Scaling.Starts != 1 || o.Completed != 2 {
			t.Errorf("of %d places: first token after %v s, want %v; %+v", x.most, o.TTFT.Max, want, *o.Scaling)
		}
	}
	// In flight when it fails, with another one beside it: begun again there.
	p := toyService(toyEngine, 2, 64, 512, 5000)
	p.Config.Router, p.Config.Autoscale = LeastOutstanding, Autoscale{Min: 2, Max: 2, Target: 10, IntervalSec: 1, StartSec: 40, DownAfterSec: 30}
	o, err := p.Simulate([]Request{{ArriveSec: 5, Prompt: 50, Output: 100}, {ArriveSec: 5, Prompt: 50, Output: 1}}, Options{Outages: []Outage{{Replica: 0, Start: 5.05, End: 6}}})
	if err != nil {
		t.Fatal(err)
	}
	if o.Retried != 1 || o.Completed != 2 || o.Replicas[1].Requests != 2 {
		t.Errorf("%d begun again, %d answered, %d by the other", o.Retried, o.Completed, o.Replicas[1].Requests)
	}
	// All places gone for good: what waits is lost, and the run ends.
	o, err = p.Simulate(reqs, Options{Outages: []Outage{{0, 1, math.Inf(1)}, {1, 2, math.Inf(1)}}})
	if err != nil {
		t.Fatal(err)
	}
	if o.Lost != 2 || o.Scaling.Replaced != 2 {
		t.Errorf("%d lost, %+v", o.Lost, *o.Scaling)
	}
}

// More failures never make first tokens earlier, whatever the workers.
func TestScalingUnderFailures(t *testing.T) {
	reqs := poisson(t, 40, 600, arrivals.Lengths{Mean: 200, CV: 1}, arrivals.Lengths{Mean: 30, CV: 1}, 3)
	last := 0.0
	for _, every := range []float64{math.Inf(1), 100, 10} {
		var outages []Outage
		for at := every; at < 600; at += every {
			outages = append(outages, Outage{Replica: int(at/every) % 8, Start: at, End: at + 60})
		}
		p := toyService(toyEngine, 8, 64, 512, 5000)
		p.Config.Router, p.Config.Autoscale = LeastOutstanding, Autoscale{Min: 1, Max: 8, Target: 8, IntervalSec: 5, StartSec: 20, DownAfterSec: 20}
		var want *Outcome
		for _, workers := range []int{1, 2} {
			o, err := p.Simulate(reqs, Options{Outages: outages, Workers: workers, Digest: true})
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = o
			} else if o.Digest != want.Digest {
				t.Error("two workers give another outcome")
			}
		}
		if want.Completed != len(reqs) || !(want.TTFT.P99 >= last) {
			t.Errorf("a failure every %v s: %d of %d answered, first token p99 %v s, %v with fewer", every, want.Completed, len(reqs), want.TTFT.P99, last)
		}
		last = want.TTFT.P99
	}
}
