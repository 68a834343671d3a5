package serving

import (
	"math"
	"testing"

	"aisim/hardware"
	"aisim/workloads/arrivals"
	"aisim/workloads/trace"
)

// poolsOf is Llama 3.1 70B on workers of four H100.
func poolsOf(t testing.TB, prefill, decode int, link float64) *Disaggregated {
	t.Helper()
	c := Config{Arch: arch(t, "llama3.1-70b"), Engine: engine(t, "vllm"), Precision: hardware.FP8, KVPrecision: hardware.FP8, TP: 4}
	p, err := Prepare(c, Machine{Device: device(t, "nvidia-h100-sxm")})
	if err != nil {
		t.Fatal(err)
	}
	return &Disaggregated{Prefill: p, Decode: p, PrefillWorkers: prefill, DecodeWorkers: decode, LinkBytesPerSec: link}
}

// One request alone: its prompt's step, its cache over the link, its decode steps.
func TestPoolsOfOneRequest(t *testing.T) {
	const prompt, output, link = 3000, 5, 50e9
	d := poolsOf(t, 1, 1, link)
	o, err := d.Replay([]Request{{ArriveSec: 7, Prompt: prompt, Output: output}})
	if err != nil {
		t.Fatal(err)
	}
	m := d.Prefill.Model
	first := m.step(prompt, prompt*prompt/2.0, 0, 0, 1, 1)
	move := prompt * d.Prefill.Config.Arch.KVBytesPerToken(hardware.FP8) / link
	rest := 0.0
	for k := range output - 1 {
		rest += m.DecodeStepSec(1, float64(prompt+k+1))
	}
	if got, want := o.TTFT.Mean, first+m.RequestSec; math.Abs(got-want) > 1e-9 {
		t.Errorf("first token after %v s, want %v", got, want)
	}
	if got, want := o.E2E.Mean, first+m.RequestSec+move+rest; math.Abs(got-want) > 1e-9 {
		t.Errorf("whole request in %v s, want %v of which %v on the link", got, want, move)
	}
}

// Caches of one worker leave one after the other: twice the bytes wait twice as long, and a
// link slower than the prompts come holds everything up.
func TestLinksOfPools(t *testing.T) {
	reqs := poisson(t, 4, 60, arrivals.Lengths{Mean: 2000, CV: 0.5}, arrivals.Lengths{Mean: 100, CV: 0.5}, 3)
	last := 0.0
	for _, link := range []float64{0, 50e9, 5e9, 0.5e9} {
		o, err := poolsOf(t, 2, 2, link).Replay(reqs)
		if err != nil {
			t.Fatal(err)
		}
		if o.E2E.Count != len(reqs) || o.E2E.Mean < last {
			t.Errorf("link of %v B/s: %d requests of %v s in the mean, after %v", link, o.E2E.Count, o.E2E.Mean, last)
		}
		last = o.E2E.Mean
	}
	if last < 5 {
		t.Errorf("requests over a link that cannot carry the caches took %v s", last)
	}
}

// TestPoolsAgainstReplicas compares eight workers
// of four H100, all alike or split, under the lengths of the conversation trace with long
// prompts. Splitting must bring steadier tokens, since no prompt comes between.
func TestPoolsAgainstReplicas(t *testing.T) {
	const workers = 8
	for _, rate := range []float64{6, 12, 18} {
		reqs := poisson(t, rate, 400, arrivals.Lengths{Mean: 4000, CV: 0.8}, arrivals.Lengths{Mean: 250, CV: 0.8}, 11)
		c := poolsOf(t, 1, 1, 0).Prefill.Config
		c.Replicas, c.Router = workers, LeastOutstanding
		p, err := Prepare(c, Machine{Device: device(t, "nvidia-h100-sxm")})
		if err != nil {
			t.Fatal(err)
		}
		a, err := p.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%2.0f/s  %d alike            ttft p50 %.3f p99 %.3f  tpot p50 %.4f p99 %.4f", trace.Rate(reqs), workers, a.TTFT.P50, a.TTFT.P99, a.TPOT.P50, a.TPOT.P99)
		for prefill := 2; prefill <= 6; prefill++ {
			d, err := poolsOf(t, prefill, workers-prefill, 4*50e9).Replay(reqs)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%2.0f/s  %d prefill, %d decode ttft p50 %.3f p99 %.3f  tpot p50 %.4f p99 %.4f  busy %.2f %.2f", trace.Rate(reqs), prefill, workers-prefill, d.TTFT.P50, d.TTFT.P99, d.TPOT.P50, d.TPOT.P99, d.PrefillBusy, d.DecodeBusy)
			if prefill == workers/2 && !(d.TPOT.P99 < a.TPOT.P99) {
				t.Errorf("%v/s: tpot p99 %v split, %v alike", rate, d.TPOT.P99, a.TPOT.P99)
			}
		}
	}
}
