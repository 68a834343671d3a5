// Package benchmark is the benchmark of the serving simulator: Llama 3.1 70B with
// tensor parallelism 8 on H100, requests with the lengths of the Azure conversation
// trace of 2023, Poisson arrivals at 80 % of saturation, and a least-outstanding
// router that sees replicas as they were 1 ms ago.
package benchmark

import (
	"fmt"
	"slices"
	"time"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/sim"
	"aisim/workloads"
	"aisim/workloads/arrivals"
	"aisim/workloads/serving"
	"aisim/workloads/trace"
)

// What the benchmark fixes.
const (
	Requests   = 200_000
	StaleSec   = 1e-3
	Load       = 0.8 // of saturation
	modelID    = "llama3.1-70b"
	chipID     = "nvidia-h100-sxm"
	engineID   = "vllm"
	tensor     = 8
	seed       = 1
	saturating = 4096 // requests that find the saturation of one replica
)

// Config says how to run it.
type Config struct {
	Replicas  int
	Workers   int
	EveryStep bool // an event per engine step, not per run of alike steps
	Requests  int  // 0 means Requests
	Seed      uint64
}

// Result is what came of it. WallSec is the time of the simulation: drawing the
// requests, serving them and counting what happened.
type Result struct {
	Outcome       *serving.Outcome
	WallSec       float64
	SaturationSec float64 // wall time of finding the saturation
	PerReplica    float64 // requests per second at which one replica saturates
}

// Run plays the benchmark.
func Run(c Config) (*Result, error) {
	switch {
	case c.Replicas < 1 || c.Workers < 1 || c.Requests < 0:
		return nil, fmt.Errorf("benchmark: %d replicas, %d workers and %d requests: expected at least one of each", c.Replicas, c.Workers, c.Requests)
	case c.Requests == 0:
		c.Requests = Requests
	}
	if c.Seed == 0 {
		c.Seed = seed
	}
	start := time.Now()
	one, err := service(1)
	if err != nil {
		return nil, err
	}
	rate, err := saturation(one)
	if err != nil {
		return nil, err
	}
	found := time.Now()
	p, err := service(c.Replicas)
	if err != nil {
		return nil, err
	}
	load := newSource(c.Requests, Load*rate*float64(c.Replicas), c.Seed)
	o, err := p.Stream(load, serving.Options{Workers: c.Workers, EveryStep: c.EveryStep, Digest: true})
	if err != nil {
		return nil, err
	}
	return &Result{Outcome: o, WallSec: time.Since(found).Seconds(), SaturationSec: found.Sub(start).Seconds(), PerReplica: rate}, nil
}

// service is the model on its machine.
func service(replicas int) (*serving.Prepared, error) {
	cat := hardware.Default()
	card, err := cat.Model(modelID)
	if err != nil {
		return nil, err
	}
	arch, err := workloads.FromCard(card)
	if err != nil {
		return nil, err
	}
	prof, err := profile.For(chipID)
	if err != nil {
		return nil, err
	}
	dev, err := cat.Device(chipID, prof, nil)
	if err != nil {
		return nil, err
	}
	e, err := serving.Engine(engineID)
	if err != nil {
		return nil, err
	}
	return serving.Prepare(serving.Config{Arch: arch, Engine: e, Precision: hardware.BF16, KVPrecision: hardware.BF16, TP: tensor,
		Replicas: replicas, Router: serving.LeastOutstanding, StaleSec: StaleSec}, serving.Machine{Device: dev})
}

// saturation is the rate at which one replica that always has work completes
// requests, between the first and the last quarter of them.
func saturation(p *serving.Prepared) (float64, error) {
	reqs := make([]trace.Request, saturating)
	if _, err := newSource(saturating, 1, seed).Fill(reqs); err != nil {
		return 0, err
	}
	done, err := p.Completions(reqs, serving.Options{Concurrency: 2 * p.Config.MaxBatch})
	if err != nil {
		return 0, err
	}
	slices.Sort(done)
	low, high := len(done)/4, 3*len(done)/4
	return float64(high-low) / (done[high] - done[low]), nil
}

// source draws requests as they are asked for.
type source struct {
	gaps, size sim.Stream
	left       int
	at, gapSec float64
}

func newSource(n int, rate float64, seed uint64) *source {
	return &source{gaps: sim.NewStream(seed, "arrivals"), size: sim.NewStream(seed, "lengths"), left: n, gapSec: 1 / rate}
}

// Fill draws the next requests.
func (s *source) Fill(to []trace.Request) (int, error) {
	n := min(len(to), s.left)
	s.left -= n
	for i := range to[:n] {
		s.at += s.gaps.Exp(s.gapSec)
		q := &to[i]
		q.ArriveSec, q.HashStart, q.HashCount = s.at, 0, 0
		q.Prompt, q.Output = arrivals.ConvLengths(&s.size)
	}
	return n, nil
}
