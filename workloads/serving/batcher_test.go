package serving

import (
	"math"
	"testing"

	"aisim/hardware"
	"aisim/workloads/arrivals"
)

func vision(t testing.TB) (Config, Machine) {
	return Config{Arch: arch(t, "resnet-50"), Precision: hardware.INT8, Replicas: 4, Batcher: Batcher{Max: 8, WindowSec: 2e-3, AnswerBytes: 4000},
		Network: Network{LatencySec: 5e-3, BytesPerSec: 125e6, Sites: 2}, SLO: SLO{TTFTSec: 0.05}, Router: LeastOutstanding}, Machine{Device: device(t, "amd-alveo-u250")}
}

// TestBatcherTimes follows single samples by hand: link, window, service, link.
func TestBatcherTimes(t *testing.T) {
	c, m := vision(t)
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	// Both go to site 0 or 1 in turn; site 0 gets numbers 0 and 2.
	reqs := []Request{{ArriveSec: 0, Prompt: 1, Output: 1}, {ArriveSec: 0, Prompt: 1, Output: 1}, {ArriveSec: 1, Prompt: 1, Output: 1}}
	o, err := p.Simulate(reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := c.Arch.Generic
	link := g.SampleBytes/125e6 + 5e-3
	want := link + 2e-3 + p.batch.sample[1].sec + 5e-3 + 4000/125e6
	if math.Abs(o.TTFT.Mean-want) > 1e-12 || o.TTFT.Max-o.TTFT.Min > 1e-12 {
		t.Errorf("one sample takes %v to %v s, by hand %v", o.TTFT.Min, o.TTFT.Max, want)
	}
	// A full batch does not wait for the window.
	c.Network = Network{}
	c.Replicas = 1
	if p, err = Prepare(c, m); err != nil {
		t.Fatal(err)
	}
	reqs = make([]Request, 8)
	for i := range reqs {
		reqs[i] = Request{Prompt: 1, Output: 1}
	}
	if o, err = p.Simulate(reqs, Options{}); err != nil {
		t.Fatal(err)
	}
	if want = p.batch.sample[8].sec; math.Abs(o.TTFT.Max-want) > 1e-12 {
		t.Errorf("a full batch takes %v s, its service time is %v", o.TTFT.Max, want)
	}
	if o.TPOT.Count != 0 || o.Completed != 8 || o.Attainment != 1 {
		t.Errorf("%+v", o)
	}
}

func TestBatcherKnobs(t *testing.T) {
	reqs := poisson(t, 800, 20, fixed(1), fixed(1), 3)
	run := func(change func(*Config, *Machine)) *Outcome {
		t.Helper()
		c, m := vision(t)
		change(&c, &m)
		o, err := Simulate(c, m, reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if o.Completed != len(reqs) {
			t.Fatalf("%d of %d completed", o.Completed, len(reqs))
		}
		return o
	}
	base := run(func(*Config, *Machine) {})
	t.Logf("mean %.4f s p99 %.4f s, batch %.2f, utilisation %.2f", base.TTFT.Mean, base.TTFT.P99, base.MeanBatch, base.Utilisation)
	for _, k := range []struct {
		name   string
		sign   float64
		change func(*Config, *Machine)
	}{
		{"compute", -1, func(_ *Config, m *Machine) { m.Device = scaled(m.Device, 2, 1) }},
		{"window", +1, func(c *Config, _ *Machine) { c.Batcher.WindowSec = 8e-3 }},
		{"answer", +1, func(c *Config, _ *Machine) { c.Batcher.AnswerBytes = 1e6 }},
		{"fixed time", +1, func(c *Config, _ *Machine) { c.Batcher.FixedSec = 2e-3 }},
		{"host speed", +1, func(c *Config, m *Machine) { c.Batcher.FixedSec, m.HostSpeed = 2e-3, 0.5 }},
		{"link", +1, func(c *Config, _ *Machine) { c.Network.BytesPerSec = 60e6 }},
		{"link latency", +1, func(c *Config, _ *Machine) { c.Network.LatencySec = 20e-3 }},
		{"replicas", -1, func(c *Config, _ *Machine) { c.Replicas = 8 }},
		{"router", 0, func(c *Config, _ *Machine) { c.Router = RoundRobin }},
	} {
		o := run(k.change)
		moved := o.TTFT.Mean - base.TTFT.Mean
		if !(k.sign*moved > 1e-6 || (k.sign == 0 && math.Abs(moved) > 1e-6)) {
			t.Errorf("%s: mean latency from %v to %v s", k.name, base.TTFT.Mean, o.TTFT.Mean)
		}
	}
	small := run(func(c *Config, _ *Machine) { c.Batcher.Max = 1 })
	if math.Abs(small.MeanBatch-1) > 1e-9 || base.MeanBatch <= 1 {
		t.Errorf("mean batch %v with max 8, %v with max 1", base.MeanBatch, small.MeanBatch)
	}
}

// TestBatcherSurvivesOutage sends the samples of a dead device to another.
func TestBatcherSurvivesOutage(t *testing.T) {
	c, m := vision(t)
	c.Network.Sites = 1
	reqs := poisson(t, 500, 10, fixed(1), arrivals.Lengths{Mean: 1}, 4)
	o, err := Simulate(c, m, reqs, Options{Outages: []Outage{{0, 2, 5}, {1, 3, 9}}})
	if err != nil {
		t.Fatal(err)
	}
	if o.Completed != len(reqs) || o.Retried == 0 {
		t.Errorf("%d of %d completed, %d retried", o.Completed, len(reqs), o.Retried)
	}
}
