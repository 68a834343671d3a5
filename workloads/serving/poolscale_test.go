package serving

import (
	"math"
	"testing"

	"aisim/hardware"
	"aisim/workloads/arrivals"
)

// From nothing, a request waits for a worker to start, then for its prompt, then for a replica to
// start, then for its cache.
func TestPoolsStartFromNothing(t *testing.T) {
	const prompt, port, startWorker, startReplica = 3000, 20e9, 40.0, 70.0
	p := splitService(t, 2, 2, port, 0, func(prefill, decode *Config) {
		prefill.Autoscale = Autoscale{Max: 2, Target: 4, IntervalSec: 15, StartSec: startWorker, DownAfterSec: 60}
		decode.Autoscale = Autoscale{Max: 2, Target: 40, IntervalSec: 15, StartSec: startReplica, DownAfterSec: 60}
	})
	o, err := p.Simulate([]Request{{ArriveSec: 7, Prompt: prompt, Output: 3}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := p.Prefill.Model
	move := prompt * p.Config.Arch.KVBytesPerToken(hardware.FP8) / port
	want := startWorker + m.step(prompt, prompt*prompt/2.0, 0, 0, 1, 1) + startReplica + p.Config.Engine.Handover.Value + move + p.Model.RequestSec
	if math.Abs(o.TTFT.Mean-want) > 1e-6*want {
		t.Errorf("first token after %v s, want %v", o.TTFT.Mean, want)
	}
	if o.Scaling == nil || o.Prefill.Scaling == nil || o.Scaling.Starts != 1 || o.Prefill.Scaling.Starts != 1 {
		t.Errorf("replicas %+v, workers %+v: expected a start of each", o.Scaling, o.Prefill.Scaling)
	}
}

// Each pool follows its own requests in flight: long prompts with short answers bring workers, short
// prompts with long answers bring replicas. Step by step and on any number of workers the same
// comes out, and replicas that fail are replaced.
func TestPoolsScaleOnTheirOwn(t *testing.T) {
	run := func(prompt, output float64, opt Options) *Outcome {
		p := splitService(t, 6, 6, 50e9, 0, func(prefill, decode *Config) {
			prefill.Autoscale = Autoscale{Min: 1, Max: 6, Target: 2, IntervalSec: 10, StartSec: 20, DownAfterSec: 60}
			decode.Autoscale = Autoscale{Min: 1, Max: 6, Target: 20, IntervalSec: 10, StartSec: 20, DownAfterSec: 60}
		})
		rate := 4.0
		o, err := p.Simulate(poisson(t, rate, 400, arrivals.Lengths{Mean: prompt, CV: 0.3}, arrivals.Lengths{Mean: output, CV: 0.3}, 2), opt)
		if err != nil {
			t.Fatal(err)
		}
		if o.Completed != o.Requests {
			t.Errorf("%d of %d served", o.Completed, o.Requests)
		}
		return o
	}
	long, chat := run(12000, 20, Options{Digest: true}), run(500, 900, Options{Digest: true})
	if !(long.Prefill.Scaling.Peak > chat.Prefill.Scaling.Peak && long.Scaling.Peak < chat.Scaling.Peak) {
		t.Errorf("long prompts: %d workers, %d replicas at most; long answers: %d and %d", long.Prefill.Scaling.Peak, long.Scaling.Peak, chat.Prefill.Scaling.Peak, chat.Scaling.Peak)
	}
	if o := run(12000, 20, Options{Digest: true, Workers: 2}); o.Digest != long.Digest {
		t.Error("two workers give another outcome")
	}
	step := run(12000, 20, Options{EveryStep: true})
	if math.Abs(step.TTFT.P99-long.TTFT.P99) > 1e-6 || step.Prefill.Scaling.ReplicaSeconds-long.Prefill.Scaling.ReplicaSeconds > 1e-6 {
		t.Errorf("step by step: p99 %v s, %v worker-seconds; in closed form %v and %v", step.TTFT.P99, step.Prefill.Scaling.ReplicaSeconds, long.TTFT.P99, long.Prefill.Scaling.ReplicaSeconds)
	}
	if o := run(500, 900, Options{Outages: []Outage{{Replica: 0, Start: 50, End: 300}, {Replica: 6, Start: 80, End: 300}}}); o.Scaling.Replaced != 1 || o.Prefill.Scaling.Replaced != 1 {
		t.Errorf("a replica and a worker failed: %d and %d were replaced", o.Scaling.Replaced, o.Prefill.Scaling.Replaced)
	}
}

// Drafts beside pools: workers compute the draft's prompt, too, and replicas verify its tokens.
func TestPoolsDraft(t *testing.T) {
	draft := func(prefill, decode *Config) {
		s := Speculation{Draft: arch(t, "llama3.1-8b"), Tokens: 3, Acceptance: 0.8}
		prefill.Speculation, decode.Speculation = s, s
	}
	reqs := poisson(t, 3, 120, arrivals.Lengths{Mean: 3000, CV: 0.5}, arrivals.Lengths{Mean: 300, CV: 0.5}, 4)
	run := func(more func(prefill, decode *Config), opt Options) *Outcome {
		o, err := splitService(t, 2, 2, 50e9, 0, more).Simulate(reqs, opt)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	plain, fast, step := run(nil, Options{}), run(draft, Options{}), run(draft, Options{EveryStep: true})
	if !(fast.TPOT.P50 < 0.8*plain.TPOT.P50 && fast.Prefill.BusySec > plain.Prefill.BusySec && fast.Completed == len(reqs)) {
		t.Errorf("with a draft %v s per token, workers busy %v s; without %v and %v", fast.TPOT.P50, fast.Prefill.BusySec, plain.TPOT.P50, plain.Prefill.BusySec)
	}
	if math.Abs(step.E2E.P99-fast.E2E.P99) > 1e-6 {
		t.Errorf("step by step p99 %v s, in closed form %v", step.E2E.P99, fast.E2E.P99)
	}
}

// Classes beside pools: where prompts wait, those of higher priority go first, at the workers and at
// the replicas.
func TestPoolsPriorities(t *testing.T) {
	reqs := poisson(t, 14, 120, arrivals.Lengths{Mean: 4000, CV: 0.5}, arrivals.Lengths{Mean: 100, CV: 0.5}, 4)
	run := func(high, low int) *Outcome {
		p := splitService(t, 2, 2, 50e9, 0, func(prefill, decode *Config) {
			k := []Class{{ID: "people", Share: 0.3, Priority: high}, {ID: "batch", Share: 0.7, Priority: low}}
			prefill.Classes, decode.Classes = k, k
		})
		o, err := p.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	alike, first := run(0, 0), run(1, 0)
	if !(first.Classes[0].TTFT.P50 < 0.5*alike.Classes[0].TTFT.P50 && first.Classes[1].TTFT.P50 > alike.Classes[1].TTFT.P50) {
		t.Errorf("people go first: p50 %v s, batch %v s; alike %v and %v", first.Classes[0].TTFT.P50, first.Classes[1].TTFT.P50, alike.Classes[0].TTFT.P50, alike.Classes[1].TTFT.P50)
	}
}

// Admission beside pools: a queue limit turns prompts away, a timeout drops them, and neither counts as served.
func TestPoolsAdmission(t *testing.T) {
	reqs := poisson(t, 12, 60, arrivals.Lengths{Mean: 6000, CV: 0.5}, arrivals.Lengths{Mean: 50, CV: 0.5}, 4)
	for _, x := range []struct {
		l    Admission
		lost func(o *Outcome) int
	}{{Admission{MaxQueue: 3}, func(o *Outcome) int { return o.Shed }}, {Admission{TimeoutSec: 2}, func(o *Outcome) int { return o.TimedOut }}} {
		p := splitService(t, 2, 2, 50e9, 0, func(prefill, decode *Config) { prefill.Limits, decode.Limits = x.l, x.l })
		o, err := p.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := x.lost(o); n == 0 || n != o.Lost || o.Completed+n != len(reqs) {
			t.Errorf("%+v: %d lost, %d of them by it, %d of %d served", x.l, o.Lost, n, o.Completed, len(reqs))
		}
	}
}

// At two sites each request stays at its own: their replicas share nothing, so that a site whose
// replica is away waits for it while the other goes on.
func TestPoolsOfSites(t *testing.T) {
	two := func(prefill, decode *Config) { prefill.Network.Sites, decode.Network.Sites = 2, 2 }
	reqs := poisson(t, 3, 60, arrivals.Lengths{Mean: 2000, CV: 0.5}, arrivals.Lengths{Mean: 100, CV: 0.5}, 4)
	o, err := splitService(t, 4, 2, 50e9, 0, two).Simulate(reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := [2]int{}
	for i := range reqs {
		at[siteOf(i, 2)]++
	}
	if o.Replicas[0].Requests != at[0] || o.Replicas[1].Requests != at[1] || o.Completed != len(reqs) {
		t.Errorf("replicas served %d and %d, their sites sent %d and %d", o.Replicas[0].Requests, o.Replicas[1].Requests, at[0], at[1])
	}
	away, err := splitService(t, 4, 2, 50e9, 0, two).Simulate(reqs, Options{Outages: []Outage{{Replica: 0, Start: 0, End: 300}}})
	if err != nil {
		t.Fatal(err)
	}
	if !(away.TTFT.P90 > 200 && away.TTFT.P10 < 2 && away.Completed == len(reqs)) {
		t.Errorf("one of two sites waits 300 s for its replica: first token p10 %v, p90 %v s, %d served", away.TTFT.P10, away.TTFT.P90, away.Completed)
	}
}
