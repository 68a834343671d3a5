package serving

import (
	"math"
	"testing"

	"aisim/hardware"
	"aisim/topology/flow"
	"aisim/workloads/arrivals"
)

// splitService is Llama 3.1 70B, prompts on workers of four H100 and answers on replicas of two H200;
// every worker and every replica has one port of the given rate.
func splitService(t testing.TB, workers, replicas int, port, latency float64, more func(prefill, decode *Config)) *Prepared {
	t.Helper()
	c := Config{Arch: arch(t, "llama3.1-70b"), Engine: engine(t, "vllm"), Precision: hardware.FP8, KVPrecision: hardware.FP8, TP: 2, Replicas: replicas, Router: LeastOutstanding}
	d := c
	d.TP, d.Replicas = 4, workers
	if more != nil {
		more(&d, &c)
	}
	p, err := Prepare(c, Machine{Device: device(t, "nvidia-h200-sxm")})
	if err != nil {
		t.Fatal(err)
	}
	q, err := Prepare(d, Machine{Device: device(t, "nvidia-h100-sxm")})
	if err != nil {
		t.Fatal(err)
	}
	var way *Way
	if port > 0 {
		way = portsOf(workers, replicas, port)
		for k := range way.LatencySec {
			way.LatencySec[k] = latency
		}
	}
	s, err := p.WithPrefill(q, way)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// portsOf is a fabric of ports of one rate.
func portsOf(workers, replicas int, port float64) *Way {
	way := &Way{LatencySec: make([]float64, workers*replicas)}
	for range workers + replicas {
		way.Capacity = append(way.Capacity, port)
	}
	for i := range workers {
		for j := range replicas {
			way.Uses = append(way.Uses, []flow.Use{{Res: flow.ResourceID(i), Weight: 1}, {Res: flow.ResourceID(workers + j), Weight: 1}})
		}
	}
	return way
}

// One request alone: its prompt on one pool, the way of the request and of its cache over the port,
// its answer on the other. Clients see the first token when it joins, or when it was computed.
func TestSplitOneRequest(t *testing.T) {
	const prompt, output, port, latency = 3000, 6, 20e9, 2e-3
	for _, early := range []bool{false, true} {
		p := splitService(t, 2, 3, port, latency, func(_, decode *Config) { decode.Handover.Early = early })
		o, err := p.Simulate([]Request{{ArriveSec: 7, Prompt: prompt, Output: output}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := p.Prefill.Model
		first := m.step(prompt, prompt*prompt/2.0, 0, 0, 1, 1) + p.Model.RequestSec
		move := prompt*p.Config.Arch.KVBytesPerToken(hardware.FP8)/port + latency
		wait := p.Config.Engine.Handover.Value + move
		rest := 0.0
		for k := range output - 1 {
			rest += p.Model.DecodeStepSec(1, float64(prompt+k+1))
		}
		seen, gap := first+wait, 0.0
		if early {
			seen, gap = first, wait
		}
		for _, x := range []struct {
			what      string
			got, want float64
		}{{"first token", o.TTFT.Mean, seen}, {"whole request", o.E2E.Mean, first + wait + rest}, {"time per token", o.TPOT.Mean, (gap + rest) / (output - 1)},
			{"cache on its way", o.MoveSec, move}, {"longest gap", o.ITL.Max, max(gap+p.Model.DecodeStepSec(1, prompt+1), p.Model.DecodeStepSec(1, prompt+output-1))},
			{"parts of the first token", firstSum(o), seen}, {"parts of the request", partsSum(o), first + wait + rest}} {
			if math.Abs(x.got-x.want) > 5e-6*x.want { // gaps of a run are recorded by their mean over 0.05 %
				t.Errorf("early %v, %s: %v s, want %v", early, x.what, x.got, x.want)
			}
		}
	}
}

func firstSum(o *Outcome) (sum float64) {
	for _, p := range o.TTFTParts[0].Parts {
		sum += p.Seconds
	}
	return sum
}

// The scheduler of a replica looks at its queue every so many steps: what comes from another pool is seen
// as late as what comes from outside, unless clients have the first token before.
func TestSplitCadence(t *testing.T) {
	reqs := poisson(t, 12, 60, arrivals.Lengths{Mean: 500, CV: 0.5}, arrivals.Lengths{Mean: 400, CV: 0.5}, 4)
	run := func(cadence float64, early bool) *Outcome {
		c := Config{Arch: arch(t, "mixtral-8x7b"), Engine: engine(t, "sglang"), Precision: hardware.FP8, KVPrecision: hardware.FP8, TP: 4, Replicas: 1}
		c.Engine.Cadence.Value, c.Handover.Early = cadence, early
		p, err := Prepare(c, Machine{Device: device(t, "nvidia-h100-sxm")})
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.WithPrefill(p, nil)
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	none, every := run(0, false), run(20, false)
	u := &every.Replicas[0]
	want := 20 * u.BusySec / float64(u.Steps) * min(1, u.MeanBatch/cadenceBatch)
	if got := every.TTFT.Mean - none.TTFT.Mean; math.Abs(got-want) > 1e-9 {
		t.Errorf("looking every 20 steps puts the first token off by %v s, want %v", got, want)
	}
	if a, b := run(20, true), run(0, true); a.TTFT.Mean != b.TTFT.Mean {
		t.Errorf("a first token that a worker sends: %v s, %v", a.TTFT.Mean, b.TTFT.Mean)
	}
}

// Prompts of a step that are fewer than the attention groups leave the others waiting: one alone
// takes what its own group takes, as many as groups take what the step model says of even rows.
func TestUnevenGroups(t *testing.T) {
	c := Config{Arch: arch(t, "deepseek-v3-671b"), Engine: engine(t, "sglang"), Precision: hardware.FP8, KVPrecision: hardware.FP8, TP: 1, AttentionDP: 8}
	p, err := Prepare(c, Machine{Device: device(t, "nvidia-h200-sxm")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.WithPrefill(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	const prompt = 2000
	run := func(n int) float64 {
		reqs := make([]Request, n)
		for i := range reqs {
			reqs[i] = Request{Prompt: prompt, Output: 1}
		}
		o, err := s.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if sum := o.BusyBy[0].Seconds + o.BusyBy[1].Seconds + o.BusyBy[2].Seconds + o.BusyBy[3].Seconds; math.Abs(sum-o.Prefill.BusySec) > 1e-9 {
			t.Errorf("%d prompts: shares of busy seconds make %v of %v", n, sum, o.Prefill.BusySec)
		}
		return o.Prefill.BusySec
	}
	m, pairs := p.Model, prompt*prompt/2.0
	if got, want := run(8), m.step(8*prompt, 8*pairs, 0, 0, 8, 8); math.Abs(got-want) > 1e-9 {
		t.Errorf("eight prompts on eight groups: %v s, want %v", got, want)
	}
	one := m.step(prompt, pairs, 0, 0, 1, 1) + minus(m.group[8*prompt], m.group[prompt]).sec + m.prefill.sec*7*pairs
	if got := run(1); math.Abs(got-one) > 1e-9 {
		t.Errorf("one prompt on eight groups: %v s, want %v", got, one)
	}
	if got, want := run(9), m.step(9*prompt, 9*pairs, 0, 0, 9, 9); got < want*1.1 {
		t.Errorf("nine prompts on eight groups: %v s, no more than %v of even ones", got, want)
	}
}

// Two caches that leave one worker together share its port; each of two workers has its own.
func TestSplitLinksAreShared(t *testing.T) {
	const prompt, port = 4000, 1e9 // so slow that steps do not count
	a := arch(t, "llama3.1-70b")
	move := prompt * a.KVBytesPerToken(hardware.FP8) / port
	two := []Request{{Prompt: prompt, Output: 2}, {Prompt: prompt, Output: 2}}
	for _, x := range []struct {
		workers, replicas int
		want              float64
	}{{1, 2, 2 * move}, {2, 1, 2 * move}, {2, 2, move}} {
		o, err := splitService(t, x.workers, x.replicas, port, 0, nil).Simulate(two, Options{})
		if err != nil {
			t.Fatal(err)
		}
		// The two prompts of one worker are computed in one step or in two, 0.2 s apart.
		if math.Abs(o.MoveSec-x.want) > 0.25*move {
			t.Errorf("%d workers, %d replicas: caches take %v s, want %v", x.workers, x.replicas, o.MoveSec, x.want)
		}
	}
}

// A worker that computes one prompt at a time is an M/D/1 queue: its mean wait is ρs/2(1−ρ).
func TestSplitPrefillIsMD1(t *testing.T) {
	const prompt, rho = 2000, 0.7
	p := splitService(t, 1, 4, 0, 0, func(prefill, _ *Config) { prefill.MaxBatch, prefill.TokenBudget = 1, 2000 })
	s := p.Prefill.Model.step(prompt, prompt*prompt/2.0, 0, 0, 1, 1)
	o, err := p.Simulate(poisson(t, rho/s, 40000*s/rho, fixed(prompt), fixed(3), 5), Options{})
	if err != nil {
		t.Fatal(err)
	}
	// 40,000 services: the standard error of the mean wait is 1.5 % at this load.
	if want := rho * s / 2 / (1 - rho); math.Abs(o.Queue.Mean-want) > 0.05*want {
		t.Errorf("prompts wait %v s, M/D/1 says %v", o.Queue.Mean, want)
	}
	if math.Abs(o.Prefill.Utilisation-rho) > 0.02 {
		t.Errorf("the worker is busy %v of the time, want %v", o.Prefill.Utilisation, rho)
	}
}

// Step by step, in closed form and on any number of workers the same comes out, with caches
// that are short, replicas that fail, and links that hold up.
func TestSplitModesAgree(t *testing.T) {
	reqs := poisson(t, 8, 60, arrivals.Lengths{Mean: 3000, CV: 1}, arrivals.Lengths{Mean: 200, CV: 1}, 9)
	tight := func(prefill, decode *Config) { prefill.MemoryFraction, decode.MemoryFraction = 0.31, 0.34 }
	for name, opt := range map[string]Options{
		"plain": {}, "closed loop": {Concurrency: 40, ThinkSec: 0.5},
		"failures": {Outages: []Outage{{Replica: 0, Start: 5, End: 20}, {Replica: 2, Start: 12, End: 30}, {Replica: 3, Start: 12.5, End: 13}, {Replica: 1, Start: 15, End: 40}}},
	} {
		p := splitService(t, 2, 2, 4e9, 1e-4, tight)
		var want *Outcome
		for _, x := range []struct {
			workers int
			steps   bool
		}{{1, false}, {2, false}, {1, true}} {
			opt.Workers, opt.EveryStep, opt.Digest = x.workers, x.steps, !x.steps
			o, err := p.Simulate(reqs, opt)
			if err != nil {
				t.Fatal(err)
			}
			if o.Completed+o.Lost != len(reqs) || o.Lost > 0 && name != "failures" {
				t.Errorf("%s: %d of %d served, %d lost", name, o.Completed, len(reqs), o.Lost)
			}
			if want == nil {
				want = o
				continue
			}
			if !x.steps && o.Digest != want.Digest {
				t.Errorf("%s: %d workers give another outcome", name, x.workers)
			}
			for _, d := range [][2]float64{{o.TTFT.P50, want.TTFT.P50}, {o.TTFT.P99, want.TTFT.P99}, {o.E2E.P50, want.E2E.P50}, {o.E2E.P99, want.E2E.P99}, {o.MoveSec, want.MoveSec}} {
				if math.Abs(d[0]-d[1]) > 1e-6 {
					t.Errorf("%s, every step %v: %v s, want %v", name, x.steps, d[0], d[1])
				}
			}
		}
		if sum := partsSum(want); math.Abs(sum-want.E2E.Mean) > 1e-6*want.E2E.Mean {
			t.Errorf("%s: parts of the whole request add to %v s of %v", name, sum, want.E2E.Mean)
		}
	}
}

func partsSum(o *Outcome) (sum float64) {
	for _, p := range o.E2EParts {
		sum += p.Seconds
	}
	return sum
}

// What a pool has more of moves what it should: workers the first token, replicas the time per
// token, links the way of the caches.
func TestSplitSensitivity(t *testing.T) {
	reqs := poisson(t, 10, 120, arrivals.Lengths{Mean: 3000, CV: 0.8}, arrivals.Lengths{Mean: 200, CV: 0.8}, 4)
	run := func(workers, replicas int, port float64) *Outcome {
		o, err := splitService(t, workers, replicas, port, 0, nil).Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	base := run(3, 3, 10e9)
	if o := run(5, 3, 10e9); !(o.TTFT.P95 < base.TTFT.P95) {
		t.Errorf("five prompt workers: first token p95 %v s, three %v", o.TTFT.P95, base.TTFT.P95)
	}
	if o := run(3, 5, 10e9); !(o.TPOT.P50 < base.TPOT.P50) {
		t.Errorf("five replicas: time per token %v s, three %v", o.TPOT.P50, base.TPOT.P50)
	}
	if o := run(3, 3, 40e9); !(o.MoveSec < base.MoveSec/3) {
		t.Errorf("four times the ports: caches take %v s, %v before", o.MoveSec, base.MoveSec)
	}
}

// A prompt that follows another takes only what is new over the fabric.
func TestSplitPrefixesStay(t *testing.T) {
	const port = 1e9
	hashes := []int64{1, 2, 3, 4, 5, 6, 7, 8}
	reqs := []Request{{Prompt: 4096 + 1, Output: 2, HashCount: 8}, {ArriveSec: 60, Prompt: 4096 + 1, Output: 2, HashCount: 8}}
	p := splitService(t, 1, 1, port, 0, func(prefill, decode *Config) { prefill.Prefix.Enabled, decode.Prefix.Enabled = true, true })
	o, err := p.Simulate(reqs, Options{Hashes: hashes, HashTokens: 512})
	if err != nil {
		t.Fatal(err)
	}
	token := p.Config.Arch.KVBytesPerToken(hardware.FP8) / port
	if want := (4097*token + token) / 2; math.Abs(o.MoveSec-want) > 1e-6*want {
		t.Errorf("caches take %v s, want %v: the second brings one token", o.MoveSec, want)
	}
}
