package training

import (
	"errors"
	"math"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/workloads"
)

// s·b·h·(34 + 5as/h) and its forms under tensor and sequence parallelism
// (Korthikanti et al., arXiv:2205.05198, table 2).
func TestActivationClosedForms(t *testing.T) {
	const h, a, s, b, tp = 4096, 32, 2048, 4, 8
	fw, err := FrameworkByID("megatron-lm")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Arch: workloads.Architecture{Layers: 1, Hidden: h, Heads: a, KVHeads: a, HeadDim: h / a, FFN: 4 * h, Vocab: 100, Causal: true},
		Batch: Batch{Micro: b, Seq: s}, Precision: hardware.BF16}
	sbh := float64(s * b * h)
	score := 5 * float64(a) * s / h
	for _, c := range []struct {
		tp   int
		sp   bool
		mode Recompute
		want float64
	}{
		{1, false, RecomputeNone, sbh * (34 + score)},
		{tp, false, RecomputeNone, sbh * (10 + 24.0/tp + score/tp)},
		{tp, true, RecomputeNone, sbh * (34 + score) / tp},
		{tp, true, RecomputeSelective, sbh * 34 / tp},
		{tp, false, RecomputeFull, sbh * 2},
		{tp, true, RecomputeFull, sbh * 2 / tp},
	} {
		cfg.Parallel = Parallel{TP: c.tp, PP: 1, CP: 1, EP: 1, VP: 1, DP: 1}
		cfg.SequenceParallel = c.sp
		sh := cfg.shape()
		if got := cfg.activationBytes(&sh, workloads.LayerKind{}, fw, c.mode); math.Abs(got/c.want-1) > 1e-12 {
			t.Errorf("tp %d sp %v %s: %g bytes, want %g", c.tp, c.sp, c.mode, got, c.want)
		}
	}
}

// 18 bytes per parameter without sharding (2 weights, 4 gradients, 12 optimizer),
// 6 + 12/d with a distributed optimizer, as Megatron's own estimator counts.
func TestStateBytes(t *testing.T) {
	fw, err := FrameworkByID("megatron-core")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Arch: model(t, "gpt3-13b"), Batch: Batch{Global: 64, Micro: 1, Seq: 2048}, Precision: hardware.BF16, Recompute: RecomputeFull}
	cfg, err = cfg.resolve(16)
	if err != nil {
		t.Fatal(err)
	}
	n := cfg.Arch.Params()
	for zero, want := range []float64{18, 6 + 12.0/16, 2 + 16.0/16, 18.0 / 16} {
		cfg.ZeRO = zero
		f := cfg.memory(fw, cfg.chunks())[0]
		got := (f[memWeights] + f[memGradients] + f[memOptimizer]) / n
		if math.Abs(got/want-1) > 1e-9 {
			t.Errorf("zero %d: %g bytes per parameter, want %g", zero, got, want)
		}
	}
}

// All stages together hold every parameter once (a tied head twice).
func TestParametersArePlacedOnce(t *testing.T) {
	for _, id := range []string{"llama3.1-8b", "deepseek-v3-671b", "mixtral-8x7b", "gpt2-1.5b", "llama4-maverick-17b-128e"} {
		a := model(t, id)
		ep := 1
		if a.Experts > 0 {
			ep = 8
		}
		cfg := Config{Arch: a, Parallel: Parallel{TP: 1, PP: 4, EP: ep, DP: 8}, Batch: Batch{Global: 64, Micro: 1, Seq: 128}}
		cfg, err := cfg.resolve(32)
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for i := range cfg.chunks() {
			ch := cfg.chunks()[i]
			n := cfg.chunkParams(&ch)
			sum += n.dense + n.expert*float64(ep)
		}
		want := a.Params()
		if a.TiedEmbeddings {
			want += a.HeadParams()
		}
		if math.Abs(sum/want-1) > 1e-9 {
			t.Errorf("%s: stages hold %g parameters, the model has %g", id, sum, want)
		}
	}
}

func TestCheckpointBytes(t *testing.T) {
	// MLPerf Storage: 8.03e9 parameters are 104.7 GiB, 1.38e12 are 17,993 GiB.
	for n, want := range map[float64]float64{8.03e9: 104.7, 1.38e12: 17993} {
		if got := n * checkpointBytesPerParam(hardware.BF16) / gib; math.Abs(got/want-1) > 0.01 {
			t.Errorf("%g parameters: %g GiB, want %g", n, got, want)
		}
	}
}

// A configuration that does not fit is refused with what it lacks and a neighbour
// that does fit.
func TestRefusal(t *testing.T) {
	cfg := Config{Arch: model(t, "llama3.1-70b"), Parallel: Parallel{TP: 4, PP: 2}, Batch: Batch{Global: 64, Micro: 2, Seq: 8192}, Precision: hardware.BF16, Framework: "megatron-core"}
	m := h100(8).build(t)
	_, err := Plan(cfg, m)
	var e *MemoryError
	if !errors.As(err, &e) {
		t.Fatalf("want a MemoryError, got %v", err)
	}
	t.Log(err)
	for _, want := range []string{"stage", "GiB too much", "optimizer", "nearest that fits"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("message lacks %q: %s", want, err)
		}
	}
	if e.Nearest == nil {
		t.Fatal("no neighbour")
	}
	if _, err := Plan(*e.Nearest, m); err != nil {
		t.Errorf("the neighbour does not fit: %v", err)
	}
	none := cfg
	none.Arch = model(t, "megatron-1t")
	none.Parallel = Parallel{TP: 8, PP: 8}
	if _, err := Plan(none, h100(8).build(t)); !errors.As(err, &e) || e.Nearest != nil || !strings.Contains(err.Error(), "more chips or more memory") {
		t.Errorf("a trillion parameters on 64 chips: %v", err)
	}
}

// What takes memory takes more of it.
func TestMemorySensitivity(t *testing.T) {
	cfg, c := baseline(t)
	need := func(g Config) float64 {
		d := c.build(t)
		device := *d.Device
		device.MemBytes = 1e15
		d.Device = &device
		j, err := Prepare(g, d)
		if err != nil {
			t.Fatal(err)
		}
		most := 0.0
		for _, k := range j.Memory() {
			sum := 0.0
			for _, p := range k.Parts {
				sum += p.GiB
			}
			if math.Abs(sum-k.TotalGiB) > 1e-9 {
				t.Errorf("%s: parts sum to %g of %g GiB", k.Name, sum, k.TotalGiB)
			}
			most = max(most, k.TotalGiB)
		}
		return most
	}
	base := need(cfg)
	for _, x := range []struct {
		name string
		turn func(*Config)
		sign float64
	}{
		{"larger micro-batch", func(g *Config) { g.Batch.Micro = 2 }, 1},
		{"longer sequences", func(g *Config) { g.Batch.Seq *= 2 }, 1},
		{"no recomputation", func(g *Config) { g.Recompute = RecomputeNone }, 1},
		{"full recomputation", func(g *Config) { g.Recompute = RecomputeFull }, -1},
		{"no sequence parallelism", func(g *Config) { g.SequenceParallel = false }, 1},
		{"no sharding", func(g *Config) { g.ZeRO = 0 }, 1},
		{"everything sharded", func(g *Config) { g.ZeRO = 3 }, -1},
		{"more tensor ranks", func(g *Config) { g.Parallel.TP = 4 }, -1},
		{"more context ranks", func(g *Config) { g.Parallel.CP = 4 }, -1},
		{"no virtual stages", func(g *Config) { g.Parallel.VP = 1 }, -1},
		{"wider", func(g *Config) { g.Arch.FFN *= 2 }, 1},
		{"a framework with unfused attention", func(g *Config) { g.Framework = "megatron-lm"; g.Recompute = RecomputeNone }, 1},
	} {
		g := cfg
		x.turn(&g)
		if got := need(g); (got-base)*x.sign <= 0 {
			t.Errorf("%s: %.2f GiB, before %.2f GiB", x.name, got, base)
		}
	}
	plain := cfg
	plain.Recompute = RecomputeNone
	quantised := plain
	quantised.Precision = hardware.FP8
	if need(quantised) >= need(plain) {
		t.Error("inputs kept in 8 bits take no less")
	}
}
