package serving

import (
	"math"
	"testing"

	"aisim/hardware"
	"aisim/workloads/arrivals"
)

// A cache that leaves layer by layer is there max(T + S/L, T/L + S) after its prompt began, of T
// seconds over L layers and S seconds on the port; one of several chunks, when the port is narrow,
// S after the first layer of the first. What is left after the prompt counts as its way.
func TestLayersLeaveWhileOthersAreMade(t *testing.T) {
	const prompt, output = 3000, 4
	for _, x := range []struct {
		port   float64
		budget int
	}{{500e9, 0}, {20e9, 0}, {2e9, 0}, {0.5e9, 0}, {0.5e9, 1024}, {500e9, 1024}} {
		p := splitService(t, 1, 1, x.port, 0, func(prefill, decode *Config) {
			prefill.TokenBudget, decode.Handover.Layers, decode.Engine.Handover.Value = x.budget, true, 0
		})
		o, err := p.Simulate([]Request{{ArriveSec: 3, Prompt: prompt, Output: output}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, layers := p.Prefill.Model, float64(p.Config.Arch.Layers)
		whole := prompt * p.Config.Arch.KVBytesPerToken(hardware.FP8) / x.port
		sec, first, last := 0.0, 0.0, 0.0 // of all steps, of the first and of the last
		tail := 0.0
		for past := 0; past < prompt; {
			n := min(prompt-past, p.Prefill.Config.TokenBudget)
			sampled := 0
			if past+n == prompt {
				sampled = 1
			}
			last = m.step(n, float64(n)*(float64(past)+float64(n)/2), 0, 0, sampled, 1)
			if sec += last; past == 0 {
				first = last
			}
			tail = whole * float64(n) / prompt / layers
			past += n
		}
		want := math.Max(sec+tail, first/layers+whole) + m.RequestSec
		if math.Abs(o.TTFT.Mean-want) > 1e-7 {
			t.Errorf("port of %v B/s, budget %d: first token after %v s, want %v (computed in %v, on the port %v)", x.port, x.budget, o.TTFT.Mean, want, sec, whole)
		}
		if left := want - m.RequestSec - sec; math.Abs(o.MoveSec-left) > 1e-6 {
			t.Errorf("port of %v B/s: %v s on the way after the prompt, want %v", x.port, o.MoveSec, left)
		}
	}
}

// Layers never arrive later than whole caches, step by step and on any number of workers the
// same comes out, and failures, timeouts and short caches lose nothing.
func TestLayersAgree(t *testing.T) {
	reqs := poisson(t, 8, 60, arrivals.Lengths{Mean: 3000, CV: 1}, arrivals.Lengths{Mean: 200, CV: 1}, 9)
	for name, opt := range map[string]Options{
		"plain": {}, "closed loop": {Concurrency: 40, ThinkSec: 0.5},
		"failures": {Outages: []Outage{{Replica: 0, Start: 5, End: 20}, {Replica: 2, Start: 12, End: 30}, {Replica: 3, Start: 12.5, End: 13}, {Replica: 1, Start: 15, End: 40}}},
		"timeouts": {},
	} {
		service := func(layers bool) *Prepared {
			return splitService(t, 2, 2, 4e9, 1e-4, func(prefill, decode *Config) {
				prefill.MemoryFraction, decode.MemoryFraction, prefill.TokenBudget, decode.Handover.Layers = 0.31, 0.34, 2048, layers
				if name == "timeouts" {
					prefill.Limits.TimeoutSec, decode.Limits.TimeoutSec = 0.4, 0.4
				}
			})
		}
		whole, err := service(false).Simulate(reqs, opt)
		if err != nil {
			t.Fatal(err)
		}
		p := service(true)
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
			if o.Completed+o.Lost != len(reqs) || o.Lost > 0 && name != "failures" && name != "timeouts" {
				t.Errorf("%s: %d of %d served, %d lost", name, o.Completed, len(reqs), o.Lost)
			}
			if want == nil {
				want = o
				continue
			}
			if !x.steps && o.Digest != want.Digest {
				t.Errorf("%s: %d workers give another outcome", name, x.workers)
			}
			for _, d := range [][2]float64{{o.TTFT.P50, want.TTFT.P50}, {o.TTFT.P99, want.TTFT.P99}, {o.E2E.P99, want.E2E.P99}, {o.MoveSec, want.MoveSec}} {
				if math.Abs(d[0]-d[1]) > 1e-6 {
					t.Errorf("%s, every step %v: %v s, want %v", name, x.steps, d[0], d[1])
				}
			}
		}
		if name == "plain" && !(want.MoveSec < whole.MoveSec && want.TTFT.Mean < whole.TTFT.Mean) {
			t.Errorf("layers are %v s on their way after the prompt, first token %v s; whole caches %v and %v", want.MoveSec, want.TTFT.Mean, whole.MoveSec, whole.TTFT.Mean)
		}
		if sum := partsSum(want); math.Abs(sum-want.E2E.Mean) > 1e-6*want.E2E.Mean {
			t.Errorf("%s: parts of the whole request add to %v s of %v", name, sum, want.E2E.Mean)
		}
	}
}
