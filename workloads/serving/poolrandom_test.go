package serving

import (
	"math"
	"testing"

	"aisim/hardware"
	"aisim/sim"
	"aisim/workloads/arrivals"
)

// Pools of all kinds under random loads: whatever is combined, every request ends or is counted out,
// nothing is lost where nobody fails or gives up, and step by step the same comes out. With the
// invariants tag blocks, seats, tokens and requests × seconds are counted beside it.
func TestPoolsAtRandom(t *testing.T) {
	c := Config{Arch: arch(t, "llama3.1-8b"), Engine: engine(t, "vllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16, TP: 1, Router: LeastOutstanding}
	trt := engine(t, "trtllm")
	for seed := range uint64(60) {
		s := sim.NewStream(seed, "pools")
		n := func(k int) int { return int(s.Uniform(0, float64(k))) }
		c, d := c, c
		c.Replicas, d.Replicas = 1+n(3), 1+n(3)
		if n(3) == 0 {
			c.Engine, d.Engine = trt, trt
		}
		c.CacheBlocks, d.CacheBlocks = 8000/c.Engine.BlockTokens+n(4000)/c.Engine.BlockTokens, 8000/c.Engine.BlockTokens+n(4000)/c.Engine.BlockTokens
		d.TokenBudget = []int{0, 512, 2048}[n(3)]
		c.MaxBatch, d.MaxBatch = 1+n(30), 1+n(30)
		c.Handover = Handover{Early: n(3) == 0, Layers: n(2) == 0}
		if n(3) == 0 {
			k := []Class{{ID: "a", Share: 0.5, Priority: 1}, {ID: "b", Share: 0.5}}
			c.Classes, d.Classes = k, k
		}
		if n(4) == 0 {
			x := Speculation{Tokens: 2, Acceptance: 0.6}
			c.Speculation, d.Speculation = x, x
		}
		lossy := false
		if n(4) == 0 {
			lossy = true
			c.Limits.TimeoutSec, d.Limits.TimeoutSec = 2, 2
		}
		var opt Options
		scaled := n(4) == 0
		if scaled {
			a := Autoscale{Min: n(2), Target: 3, IntervalSec: 5, StartSec: 4, DownAfterSec: 10}
			c.Autoscale, d.Autoscale = a, a
			c.Autoscale.Max, d.Autoscale.Max = c.Replicas, d.Replicas
		}
		if n(3) == 0 {
			lossy = true
			for range 1 + n(4) {
				at := s.Uniform(0, 40)
				opt.Outages = append(opt.Outages, Outage{Replica: n(c.Replicas + d.Replicas), Start: at, End: at + s.Uniform(0, 20)})
			}
		}
		if !scaled && n(3) == 0 {
			opt.Concurrency = 1 + n(40)
		}
		reqs := poisson(t, 4, 40, arrivals.Lengths{Mean: 1200, CV: 0.8}, arrivals.Lengths{Mean: 120, CV: 1}, seed)
		for i := range reqs {
			reqs[i].Prompt, reqs[i].Output = min(reqs[i].Prompt, 5000), min(reqs[i].Output, 2000)
		}
		if n(3) == 0 {
			c.Prefix.Enabled, d.Prefix.Enabled = true, true
			opt.HashTokens = 512
			for i := range reqs {
				reqs[i].HashStart, reqs[i].HashCount = int32(len(opt.Hashes)), reqs[i].Prompt/512
				for k := range reqs[i].HashCount {
					opt.Hashes = append(opt.Hashes, int64(1+n(3)+int(k)*10))
				}
			}
		}
		p, err := Prepare(c, Machine{Device: device(t, "nvidia-h100-sxm")})
		if err != nil {
			t.Fatal(err)
		}
		q, err := Prepare(d, Machine{Device: device(t, "nvidia-h100-sxm")})
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.WithPrefill(q, portsOf(d.Replicas, c.Replicas, 10e9))
		if err != nil {
			t.Fatal(err)
		}
		run, err := all.Simulate(reqs, opt)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if run.Completed+run.Lost != len(reqs) || run.Lost > 0 && !lossy {
			t.Errorf("seed %d: %d served and %d lost of %d: %+v, budget %d, layers %v", seed, run.Completed, run.Lost, len(reqs), opt.Outages, d.TokenBudget, c.Handover.Layers)
		}
		opt.EveryStep = true
		steps, err := all.Simulate(reqs, opt)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if steps.Completed != run.Completed || math.Abs(steps.TTFT.Mean-run.TTFT.Mean) > 1e-6 || math.Abs(steps.E2E.Mean-run.E2E.Mean) > 1e-6 {
			t.Errorf("seed %d: step by step %d served, %v and %v s; in closed form %d, %v and %v", seed, steps.Completed, steps.TTFT.Mean, steps.E2E.Mean, run.Completed, run.TTFT.Mean, run.E2E.Mean)
		}
	}
}
