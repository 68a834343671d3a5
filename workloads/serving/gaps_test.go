package serving

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"aisim/workloads/arrivals"
)

// Gaps between tokens are as many as tokens after first ones and sum to the time between
// first and last ones, whatever the engine, with runs in closed form or step by step;
// percentiles of both agree to the histogram's 0.2 %.
func TestGapsAddUp(t *testing.T) {
	for _, first := range []bool{false, true} {
		for _, blocks := range []int{5000, 130} {
			e := toyEngine
			e.PrefillFirst, e.ReservePrompt = first, false
			p := toyService(e, 2, 32, 512, blocks)
			reqs := poisson(t, 40, 60, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 60, CV: 1}, 3)
			var p99 [2]float64
			for i, every := range []bool{false, true} {
				o, err := p.Simulate(reqs, Options{EveryStep: every})
				if err != nil {
					t.Fatal(err)
				}
				want := 0.0
				for _, x := range slices.Concat(o.E2E.runs...) {
					want += x
				}
				for _, x := range slices.Concat(o.TTFT.runs...) {
					want -= x
				}
				if n := int(o.OutputTokens) - o.Completed; o.ITL.Count != n {
					t.Errorf("prefill first %v, %d blocks: %d gaps, %d tokens after first ones", first, blocks, o.ITL.Count, n)
				}
				if sum := o.ITL.Mean * float64(o.ITL.Count); math.Abs(sum/want-1) > 1e-6 {
					t.Errorf("prefill first %v, %d blocks, %d gave way: gaps sum to %.6g s, tokens took %.6g s", first, blocks, o.Preempted, sum, want)
				}
				p99[i] = o.ITL.P99
				if blocks == 130 && o.Preempted == 0 {
					t.Error("no request gave way: the comparison misses it")
				}
			}
			if math.Abs(p99[0]/p99[1]-1) > 0.002 {
				t.Errorf("prefill first %v: p99 of the gaps %.6g s coalesced, %.6g s step by step", first, p99[0], p99[1])
			}
		}
	}
}

// A step that verifies is one delivery: with all of four tokens accepted five come at once.
func TestGapsOfSpeculation(t *testing.T) {
	c, m := speculating(t, 4, 1)
	o, err := Simulate(c, m, []Request{{Prompt: 64, Output: 601}}, Options{Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	if o.ITL.Count != 120 || math.Abs(o.ITL.Mean/(5*o.TPOT.Mean)-1) > 0.001 {
		t.Errorf("%d gaps of %.5g s in the mean for 600 tokens of %.5g s", o.ITL.Count, o.ITL.Mean, o.TPOT.Mean)
	}
}

// Any number of goroutines counts the same gaps, and the same classes.
func TestGapsOnAnyWorkers(t *testing.T) {
	reqs := poisson(t, 200, 30, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 60, CV: 1}, 3)
	var want *Outcome
	for _, workers := range []int{1, 2, 3, 8} {
		o, err := classed(toyService(toyEngine, 5, 32, 512, 5000), threeClasses).Simulate(reqs, Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = o
			continue
		}
		a, b := o.ITL, want.ITL
		a.counted, b.counted = nil, nil
		if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(o.Classes, want.Classes) || o.PrefillShare != want.PrefillShare {
			t.Errorf("%d goroutines: gaps %+v, one counts %+v", workers, a, b)
		}
	}
}

// With one seat no step does both, and the share of prefill is the share of its steps.
func TestPrefillShare(t *testing.T) {
	p := toyService(toyEngine, 1, 1, 100, 1000)
	o, err := p.Simulate(poisson(t, 5, 100, fixed(50), fixed(3), 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	prompt := p.Model.step(50, 50*25, 0, 0, 1, 1)
	decode := p.Model.step(0, 0, 1, 51, 1, 0) + p.Model.step(0, 0, 1, 52, 1, 0)
	if want := prompt / (prompt + decode); math.Abs(o.PrefillShare-want) > 1e-9 {
		t.Errorf("prefill has %.6f of the time, %.6f by its steps", o.PrefillShare, want)
	}
	last := 0.0 // longer prompts have more of it, in mixed steps too
	for _, n := range []float64{20, 100, 400} {
		p := toyService(toyEngine, 1, 32, 512, 5000)
		o, err := p.Simulate(poisson(t, 20, 60, fixed(n), fixed(30), 1), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if o.PrefillShare <= last || o.PrefillShare >= 1 {
			t.Errorf("prompts of %v tokens have %.4f of the time, shorter ones %.4f", n, o.PrefillShare, last)
		}
		last = o.PrefillShare
	}
}
