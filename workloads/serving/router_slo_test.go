package serving

import (
	"testing"

	"aisim/sim"
)

// Where a few long prompts stand among short ones, requests in flight say little of the wait for a first
// token: a router that knows the prompts it sent keeps more requests within their limit.
func TestSLORouter(t *testing.T) {
	c, m := chat(t, 8)
	c.SLO = SLO{TTFTSec: 0.6, TPOTSec: 0.1}
	stream, at := sim.NewStream(5, "slo"), 0.0
	reqs := make([]Request, 3000)
	for i := range reqs {
		at += stream.Exp(1 / 50.0)
		reqs[i] = Request{ArriveSec: at, Prompt: 300, Output: 40}
		if stream.Uniform(0, 1) < 0.15 {
			reqs[i].Prompt = 7000
		}
	}
	run := func(router string, opt Options) *Outcome {
		c.Router = router
		opt.Digest = true
		o, err := Simulate(c, m, reqs, opt)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	load, slo := run(LeastOutstanding, Options{}), run(SLOAware, Options{})
	t.Logf("%.3f of requests within their limits by load, %.3f by limits; p99 of first tokens %.3g and %.3g s", load.Attainment, slo.Attainment, load.TTFT.P99, slo.TTFT.P99)
	if !(slo.Attainment > load.Attainment+0.01) {
		t.Errorf("%.3f of requests within their limits by load, %.3f by limits", load.Attainment, slo.Attainment)
	}
	if a, b := run(SLOAware, Options{EveryStep: true}), run(SLOAware, Options{Workers: 4}); a.Attainment != slo.Attainment || b.Digest != slo.Digest {
		t.Error("steps one by one or four workers tell another story")
	}
	c.SLO = SLO{}
	c.Router = SLOAware
	if _, err := Simulate(c, m, reqs[:1], Options{}); err == nil {
		t.Error("a router for limits without a limit")
	}
}
