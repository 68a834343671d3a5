package serving

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/sim"
)

// Each impossible configuration gives its message; nothing panics.
func TestBadConfigs(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, k := range []struct {
		want   string
		change func(*Config, *Machine)
	}{
		{"counts must not be negative", func(c *Config, _ *Machine) { c.TP = -1 }},
		{"counts must not be negative", func(c *Config, _ *Machine) { c.MaxBatch = -1 }},
		{"replicas: at most", func(c *Config, _ *Machine) { c.Replicas = 1 << 30 }},
		{"unknown router \"best\": expected one of round-robin, least-outstanding, prefix-aware, kv-aware", func(c *Config, _ *Machine) { c.Router = "best" }},
		{"slo attainment 95", func(c *Config, _ *Machine) { c.SLO.Attainment = 95 }},
		{"slo ttft must not be negative", func(c *Config, _ *Machine) { c.SLO.TTFTSec = nan }},
		{"network latency must not be negative", func(c *Config, _ *Machine) { c.Network.LatencySec = inf }},
		{"3 sites for 2 replicas", func(c *Config, _ *Machine) { c.Network.Sites = 3 }},
		{"no engine given", func(c *Config, _ *Machine) { c.Engine = EngineProfile{} }},
		{"max_batch 1000000", func(c *Config, _ *Machine) { c.MaxBatch = 1_000_000 }},
		{"token_budget 100 is below max_batch 256", func(c *Config, _ *Machine) { c.TokenBudget = 100 }},
		{"token_budget 100000000", func(c *Config, _ *Machine) { c.TokenBudget = 100_000_000 }},
		{"memory_fraction 1.5", func(c *Config, _ *Machine) { c.MemoryFraction = 1.5 }},
		{"pipeline 100 exceeds the 80 layers", func(c *Config, _ *Machine) { c.PP = 100 }},
		{"tensor 7 does not divide the 64 heads", func(c *Config, _ *Machine) { c.TP = 7 }},
		{"tensor 16 exceeds the scale-up domain of 8", func(c *Config, _ *Machine) { c.TP = 16 }},
		{"layers must be at least 1", func(c *Config, _ *Machine) { c.Arch.Layers = 0 }},
		{"host speed -1", func(_ *Config, m *Machine) { m.HostSpeed = -1 }},
		{"no device", func(_ *Config, m *Machine) { m.Device = nil }},
		{"fp64", func(c *Config, m *Machine) {
			d := *m.Device
			d.Peak[hardware.FP64] = 0
			c.Precision, m.Device = hardware.FP64, &d
		}},
	} {
		c, m := chat(t, 2)
		k.change(&c, &m)
		_, err := Prepare(c, m)
		if err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("want %q, got %v", k.want, err)
		}
	}
}

func TestBadLoads(t *testing.T) {
	c, m := chat(t, 2)
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	good := []Request{{ArriveSec: 1, Prompt: 1, Output: 1}, {ArriveSec: 2, Prompt: 1, Output: 1}}
	for _, k := range []struct {
		want string
		reqs []Request
		opt  Options
	}{
		{"no requests", nil, Options{}},
		{"request 1 arrives at 1 s", []Request{good[1], good[0]}, Options{}},
		{"request 0 arrives at -1 s", []Request{{ArriveSec: -1, Prompt: 1, Output: 1}}, Options{}},
		{"request 0 arrives at NaN s", []Request{{ArriveSec: math.NaN(), Prompt: 1, Output: 1}}, Options{}},
		{"0 prompt and 1 output tokens", []Request{{Output: 1}}, Options{}},
		{"1 prompt and -5 output tokens", []Request{{Prompt: 1, Output: -5}}, Options{}},
		{"3 ready times for 2 replicas", good, Options{ReadyAt: []float64{0, 0, 0}}},
		{"is ready at NaN s", good, Options{ReadyAt: []float64{math.NaN()}}},
		{"outage of replica 2", good, Options{Outages: []Outage{{2, 0, 1}}}},
		{"outage of replica 0 from 5 to 1 s", good, Options{Outages: []Outage{{0, 5, 1}}}},
		{"concurrency -1", good, Options{Concurrency: -1}},
	} {
		if _, err := p.Simulate(k.reqs, k.opt); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("want %q, got %v", k.want, err)
		}
	}
}

// TestEveryChipAnswersOrSaysWhy prepares a vision service and a language model
// on every chip of the catalogue: a time that is finite, or an error in words.
func TestEveryChipAnswersOrSaysWhy(t *testing.T) {
	served, refused := map[string]int{}, map[string]int{}
	for _, e := range hardware.Default().Entries("accelerator") {
		prof, err := profile.For(e.ID)
		if err != nil {
			t.Fatal(err)
		}
		d, err := hardware.Default().Device(e.ID, prof, nil)
		if err != nil {
			continue // the catalogue itself says what is missing
		}
		for _, model := range []string{"resnet-50", "llama3.1-8b"} {
			var errs []string
			ok := false
			for _, dt := range []hardware.DType{hardware.INT8, hardware.BF16, hardware.FP16, hardware.FP32} {
				c := Config{Arch: arch(t, model), Engine: engine(t, "vllm"), Precision: dt, KVPrecision: dt, TP: 1}
				o, err := Simulate(c, Machine{Device: d}, []Request{{Prompt: 100, Output: 10}}, Options{})
				if err != nil {
					errs = append(errs, err.Error())
					continue
				}
				ok = true
				if !(o.E2E.Mean > 0) || math.IsInf(o.E2E.Mean, 0) || o.Completed+o.Lost != 1 {
					t.Errorf("%s on %s in %s: %v s", model, e.ID, dt, o.E2E.Mean)
				}
			}
			if ok {
				served[model]++
				continue
			}
			refused[model]++
			for _, s := range errs {
				if strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || len(s) < 20 {
					t.Errorf("%s on %s: %q says nothing", model, e.ID, s)
				}
			}
			if testing.Verbose() {
				t.Logf("%s on %s: %s", model, e.ID, errs[0])
			}
		}
	}
	t.Logf("served %v, refused %v", served, refused)
	if served["resnet-50"] < 60 || served["llama3.1-8b"] < 30 {
		t.Errorf("served %v, refused %v", served, refused)
	}
}

// Percentiles of many runs are those of all values sorted, on the line between two of them.
func TestRunsOfLatencies(t *testing.T) {
	s := sim.NewStream(1, "runs")
	for _, n := range []int{1, 2, 9, 64, 1000} {
		var v []float64
		var runs [][]float64
		for len(v) < n {
			run := make([]float64, 1+min(len(runs), n-len(v)-1))
			for i := range run {
				run[i] = s.Normal(1, 1) // some below 0
				if i > 0 && i%5 == 0 {
					run[i] = run[i-1]
				}
			}
			slices.Sort(run)
			v, runs = append(v, run...), append(runs, run)
		}
		slices.Sort(v)
		d := runsDistribution(runs, 0, 0)
		for _, p := range []float64{0, 0.1, 0.5, 0.95, 0.999, 1} {
			if got, want := d.Quantile(p), quantile(v, p); got != want {
				t.Errorf("%d values in %d runs: quantile %v is %v, want %v", n, len(runs), p, got, want)
			}
		}
	}
}

// The format of the arithmetic is that of the weights where the chip has it, else a wider one; weights
// alone are widened always.
func TestArithmetic(t *testing.T) {
	for _, c := range []struct {
		chip    string
		weights hardware.DType
		alone   bool
		want    hardware.DType
	}{
		{"nvidia-h100-sxm", hardware.FP8, false, hardware.FP8}, {"nvidia-a100-sxm-80", hardware.FP8, false, hardware.BF16}, {"nvidia-a100-sxm-80", hardware.INT8, false, hardware.INT8},
		{"nvidia-h100-sxm", hardware.FP4, false, hardware.BF16}, {"nvidia-b200-sxm", hardware.FP4, false, hardware.FP4}, {"nvidia-b200-sxm", hardware.FP4, true, hardware.BF16},
	} {
		cfg := Config{Arch: arch(t, "llama3.1-8b"), Engine: engine(t, "vllm"), Precision: c.weights, KVPrecision: hardware.BF16, WeightsOnly: c.alone}
		p, err := Prepare(cfg, Machine{Device: device(t, c.chip)})
		if err != nil || p.Model.Arithmetic != c.want {
			t.Errorf("%s on %s, weights alone %v: %v %v, want %s", c.weights, c.chip, c.alone, p, err, c.want)
		}
	}
}

// vLLM takes steps of 2,048 tokens on devices below 70 GiB and on A100, 8,192 on others; what is
// asked for, and as many as there are seats, it takes everywhere.
func TestSmallDevicesTakeSmallerSteps(t *testing.T) {
	budget := func(chip, id string, change func(*Config)) int {
		c := Config{Arch: arch(t, "llama3.1-8b"), Engine: engine(t, id), Precision: hardware.BF16, KVPrecision: hardware.BF16}
		change(&c)
		p, err := Prepare(c, Machine{Device: device(t, chip)})
		if err != nil {
			t.Fatal(err)
		}
		return p.Config.TokenBudget
	}
	none := func(*Config) {}
	for _, x := range []struct {
		chip, engine string
		change       func(*Config)
		want         int
	}{
		{"nvidia-h100-sxm", "vllm", none, 8192}, {"nvidia-a100-sxm-80", "vllm", none, 2048}, {"nvidia-l40s", "vllm", none, 2048}, {"nvidia-rtx-pro-6000-server", "vllm", none, 8192},
		{"nvidia-l40s", "trtllm", none, 8192}, {"nvidia-l40s", "vllm", func(c *Config) { c.TokenBudget = 4096 }, 4096}, {"nvidia-a100-sxm-80", "vllm", func(c *Config) { c.MaxBatch = 3000 }, 3000},
	} {
		if got := budget(x.chip, x.engine, x.change); got != x.want {
			t.Errorf("%s on %s: steps of %d tokens, want %d", x.engine, x.chip, got, x.want)
		}
	}
}
