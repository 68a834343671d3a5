package training

import (
	"errors"
	"math"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/topology"
	"aisim/topology/flow"
)

func ptr(x float64) *float64 { return &x }

// baseline is a configuration in which everything matters a little: 64 H100 on a
// fabric with an oversubscribed top, all parallelism in use.
func baseline(t testing.TB) (Config, cluster) {
	c := h100(16)
	c.radix, c.levels, c.over = 16, 2, []float64{3}
	c.nodes = 16
	return Config{Arch: model(t, "llama3-8b"), Parallel: Parallel{TP: 2, PP: 4, VP: 2, CP: 2}, Batch: Batch{Global: 128, Micro: 1, Seq: 8192},
		Precision: hardware.BF16, ZeRO: 1, Recompute: RecomputeSelective, SequenceParallel: true, Framework: "megatron-core"}, c
}

func seconds(t testing.TB, cfg Config, c cluster) float64 {
	t.Helper()
	return step(t, cfg, c.build(t)).Seconds
}

func step(t testing.TB, cfg Config, m Machine) *Step {
	t.Helper()
	s, err := Plan(cfg, m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Turning an input moves the step in the direction that physics says.
func TestSensitivity(t *testing.T) {
	cfg, c := baseline(t)
	base := step(t, cfg, c.build(t))
	for _, x := range []struct {
		name string
		turn func(*Config, *cluster)
		sign float64 // +1: longer per token, -1: shorter
	}{
		{"more layers", func(g *Config, _ *cluster) { g.Arch.Layers = 40 }, 1},
		{"wider", func(g *Config, _ *cluster) { g.Arch.FFN *= 2 }, 1},
		{"larger vocabulary", func(g *Config, _ *cluster) { g.Arch.Vocab *= 2 }, 1},
		{"plain MLP", func(g *Config, _ *cluster) { g.Arch.GatedMLP = false }, -1},
		{"more key heads", func(g *Config, _ *cluster) { g.Arch.KVHeads *= 2 }, 1},
		{"longer sequences", func(g *Config, _ *cluster) { g.Batch.Seq *= 2 }, 1},
		{"full recomputation", func(g *Config, _ *cluster) { g.Recompute = RecomputeFull }, 1},
		{"minimal recomputation", func(g *Config, _ *cluster) { g.Recompute = RecomputeMinimal }, 1},
		{"no recomputation", func(g *Config, _ *cluster) { g.Recompute = RecomputeNone }, -1},
		{"8-bit linear layers", func(g *Config, _ *cluster) { g.Precision = hardware.FP8 }, -1},
		{"larger global batch", func(g *Config, _ *cluster) { g.Batch.Global *= 4 }, -1}, // the bubble is shared by more
		{"no virtual stages", func(g *Config, _ *cluster) { g.Parallel.VP = 1 }, 1},
		{"no tensor overlap", func(g *Config, _ *cluster) { g.Overlap.TP = ptr(0) }, 1},
		{"full tensor overlap", func(g *Config, _ *cluster) { g.Overlap.TP = ptr(1) }, -1},
		{"no data overlap", func(g *Config, _ *cluster) { g.Overlap.DP = ptr(0) }, 1},
		{"full data overlap", func(g *Config, _ *cluster) { g.Overlap.DP = ptr(1) }, -1},
		{"no pipeline overlap", func(g *Config, _ *cluster) { g.Overlap.PP = ptr(0) }, 1},
		{"full pipeline overlap", func(g *Config, _ *cluster) { g.Overlap.PP = ptr(1) }, -1},
		{"stragglers", func(g *Config, _ *cluster) { g.Straggler = ptr(0.2) }, 1},
		{"no stragglers", func(g *Config, _ *cluster) { g.Straggler = ptr(0) }, -1},
		{"another framework", func(g *Config, _ *cluster) { g.Framework = "megatron-lm" }, 1},
		{"weights sharded too", func(g *Config, _ *cluster) { g.ZeRO = 3 }, 1},
		{"gradients scattered per micro-batch", func(g *Config, _ *cluster) { g.ZeRO = 2 }, 1},
		{"faster NICs", func(_ *Config, c *cluster) { c.nic *= 2 }, -1},
		{"faster scale-up", func(_ *Config, c *cluster) { c.scaleUp = 2 }, -1},
		{"no oversubscription", func(_ *Config, c *cluster) { c.over = []float64{1} }, -1},
		{"thinner top", func(_ *Config, c *cluster) { c.over = []float64{7} }, 1},
		{"an older chip", func(_ *Config, c *cluster) { c.chip = "nvidia-a100-sxm-80" }, 1},
		{"a newer chip", func(_ *Config, c *cluster) { c.chip = "nvidia-b200-sxm" }, -1},
	} {
		g, k := cfg, c
		x.turn(&g, &k)
		s := step(t, g, k.build(t))
		was, is := base.Seconds/base.TokensPerStep, s.Seconds/s.TokensPerStep
		if change := is/was - 1; change*x.sign < 1e-5 {
			t.Errorf("%s: time per token moves by %+.4f %%", x.name, 100*change)
		}
	}
}

// A failed cable slows or leaves alone; placement changes the answer.
func TestFabricMatters(t *testing.T) {
	cfg, c := baseline(t)
	cfg.Parallel = Parallel{TP: 2}
	cfg.Recompute = RecomputeFull
	cfg.Batch.Global = 64
	c.over = nil
	whole := seconds(t, cfg, c)
	c.failed = []string{"leaf-0:spine-0"}
	if broken := seconds(t, cfg, c); broken <= whole {
		t.Errorf("a failed uplink: %g s, whole %g s", broken, whole)
	}
	c.failed = nil
	m := c.build(t)
	s := step(t, cfg, m)
	// Ranks dealt out host by host in turn: tensor pairs no longer share a node.
	n := len(m.Chips)
	dealt := make([]topology.NodeID, n)
	for i := range dealt {
		dealt[i] = m.Chips[i%c.nodes*c.perNode+i/c.nodes]
	}
	scattered := m
	scattered.Chips = dealt
	if far := step(t, cfg, scattered); far.Seconds <= s.Seconds*1.02 {
		t.Errorf("tensor groups across nodes: %g s, inside nodes: %g s", far.Seconds, s.Seconds)
	}
	// Relabelled nodes (whole hosts in another order) give the same answer.
	swapped := m
	swapped.Chips = append(append([]topology.NodeID{}, m.Chips[n/2:]...), m.Chips[:n/2]...)
	if other := step(t, cfg, swapped); math.Abs(other.Seconds/s.Seconds-1) > 1e-9 {
		t.Errorf("hosts swapped: %g s, before %g s", other.Seconds, s.Seconds)
	}
	// Others' traffic on the NICs slows.
	busy := m
	for _, h := range []int{0, 1, 2, 3} {
		for _, nic := range m.Graph.HostNICs("compute", h) {
			for _, l := range m.Graph.Out(nic) {
				busy.Background = append(busy.Background, flow.Demand{Name: "other", Uses: []flow.Use{{Res: flow.ResourceID(l), Weight: 1}}})
			}
		}
	}
	if loaded := step(t, cfg, busy); loaded.Seconds <= s.Seconds {
		t.Errorf("background traffic: %g s, alone %g s", loaded.Seconds, s.Seconds)
	}
}

// More bandwidth, matrix rate or memory rate is never slower.
func TestMoreIsNeverSlower(t *testing.T) {
	cfg, c := baseline(t)
	m := c.build(t)
	base := step(t, cfg, m).Seconds
	for _, r := range []string{"compute", "hbm", "host", "scaleup", "nic", "leaf"} {
		last := base
		for _, k := range []float64{1.05, 1.5, 3, 10} {
			s := step(t, cfg, faster(t, m, r, k)).Seconds
			if s > last*(1+1e-9) {
				t.Errorf("%s ×%g: %g s, before %g s", r, k, s, last)
			}
			last = s
		}
	}
}

// Traps of other tools: one micro-batch on eight stages keeps seven stages of
// waiting; TP 16 over hosts with eight NICs costs something finite.
func TestTraps(t *testing.T) {
	c := h100(1)
	cfg := Config{Arch: model(t, "llama3.2-1b"), Parallel: Parallel{PP: 8}, Batch: Batch{Global: 1, Micro: 1, Seq: 2048}, Precision: hardware.BF16,
		Framework: "megatron-core", Straggler: ptr(0)}
	cfg.Arch.Vocab = 128 // no head to speak of: stages are even
	s := step(t, cfg, c.build(t))
	if s.Bubble < 6.5 || s.Bubble > 7.5 {
		t.Errorf("bubble of one micro-batch on eight stages is %.2f of the work, want about 7", s.Bubble)
	}
	wide := h100(2)
	cfg = Config{Arch: model(t, "llama3.1-70b"), Parallel: Parallel{TP: 16}, Batch: Batch{Global: 4, Micro: 1, Seq: 4096}, Precision: hardware.BF16, ZeRO: 1,
		Framework: "megatron-core", SequenceParallel: true, Recompute: RecomputeFull}
	over := step(t, cfg, wide.build(t))
	var tp float64
	for _, p := range over.Parts {
		if strings.Contains(p.Name, "tensor") {
			tp = p.Seconds
		}
	}
	if !(tp > 0) || math.IsInf(over.Seconds, 0) || tp < 0.2*over.Seconds {
		t.Errorf("tensor parallelism over two nodes: %g s of %g s", tp, over.Seconds)
	}
	// Odd group sizes and small sizes cost more than nothing and grow with both.
	cfg = Config{Arch: model(t, "gpt2-124m"), Parallel: Parallel{}, Batch: Batch{Micro: 1, Seq: 128}, Precision: hardware.BF16, Framework: "pytorch-fsdp", Overlap: Overlap{DP: ptr(0)}}
	last := 0.0
	for _, nodes := range []int{3, 6, 12, 24} {
		k := h100(nodes)
		k.perNode = 1
		cfg.Batch.Global = nodes
		st := step(t, cfg, k.build(t))
		var red float64
		for _, p := range st.Parts {
			if p.Name == partNames[partReduce].name {
				red = p.Seconds
			}
		}
		if red <= last {
			t.Errorf("%d ranks reduce in %g s, fewer in %g s", nodes, red, last)
		}
		last = red
	}
}

func TestConfigErrors(t *testing.T) {
	good, c := baseline(t)
	m := c.build(t)
	for want, turn := range map[string]func(*Config){
		"parallelism: tensor 8 × pipeline 64":             func(g *Config) { g.Parallel = Parallel{TP: 8, PP: 64} },
		"does not divide 128 chips":                       func(g *Config) { g.Parallel = Parallel{TP: 3} },
		"the machine has 128 chips":                       func(g *Config) { g.Parallel.DP = 4 },
		"batch.global: 100 is no multiple":                func(g *Config) { g.Batch.Global = 100 },
		"does not divide 32 attention heads":              func(g *Config) { g.Parallel = Parallel{TP: 64} },
		"parallelism.virtual: 2 chunks":                   func(g *Config) { g.Parallel = Parallel{VP: 2}; g.Batch.Global = 1024 },
		"chunks for 32 layers":                            func(g *Config) { g.Parallel = Parallel{PP: 16, VP: 4}; g.Batch.Global = 1024 },
		"parallelism.expert: 2 on a model without":        func(g *Config) { g.Parallel.EP = 2 },
		"recompute: must be":                              func(g *Config) { g.Recompute = "some" },
		"zero: must lie in 0..3":                          func(g *Config) { g.ZeRO = 4 },
		"overlap.data: must lie":                          func(g *Config) { g.Overlap.DP = ptr(1.5) },
		"straggler: must not":                             func(g *Config) { g.Straggler = ptr(-1) },
		"framework: unknown \"torch\"":                    func(g *Config) { g.Framework = "torch" },
		"precision: int8 training":                        func(g *Config) { g.Precision = hardware.INT8 },
		"precision: fp4 on nvidia-h100-sxm":               func(g *Config) { g.Precision = hardware.FP4 },
		"does not divide the sequence":                    func(g *Config) { g.Batch.Seq = 8191 },
		"batch.global: must be at least 1":                func(g *Config) { g.Batch.Global = 0 },
		"parallelism.tensor: must be at least 1":          func(g *Config) { g.Parallel.TP = -1 },
		"the interleaved schedule needs micro-batches":    func(g *Config) { g.Batch.Global = 8 * 6 },
		"kv_heads 5 must divide":                          func(g *Config) { g.Arch.KVHeads = 5 },
		"batch.sequence: must be at least 1":              func(g *Config) { g.Batch.Seq = 0 },
		"a model known by totals per sample can only":     func(g *Config) { g.Arch = model(t, "resnet-50") },
		"stage 3 gathers weights layer by layer":          func(g *Config) { g.Arch = model(t, "resnet-50"); g.Parallel = Parallel{}; g.ZeRO = 3 },
		"recompute: a model known by totals per sample":   func(g *Config) { g.Arch = model(t, "resnet-50"); g.Parallel = Parallel{} },
		"parallelism: tensor 2 × pipeline 4 × context 32": func(g *Config) { g.Parallel.CP = 32 },
	} {
		cfg := good
		turn(&cfg)
		_, err := Plan(cfg, m)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
		var ce *ConfigError
		if err != nil && !errors.As(err, &ce) {
			t.Errorf("%q is no ConfigError", want)
		}
	}
}

// The same input gives the same bits.
func TestDeterministic(t *testing.T) {
	cfg, c := baseline(t)
	a, b := step(t, cfg, c.build(t)), step(t, cfg, c.build(t))
	if a.Seconds != b.Seconds || len(a.Parts) != len(b.Parts) {
		t.Error("two runs differ")
	}
	for i := range a.Parts {
		if a.Parts[i] != b.Parts[i] {
			t.Errorf("%+v and %+v", a.Parts[i], b.Parts[i])
		}
	}
}

// Replicas with other draws differ; the same draw gives the same step.
func TestDraws(t *testing.T) {
	cfg, c := baseline(t)
	m := c.build(t)
	nominal := step(t, cfg, m).Seconds
	spread := func(replica int) float64 {
		drawn := m
		drawn.Draw = hardware.NewDraw(7, replica)
		return step(t, cfg, drawn).Seconds
	}
	var sum, sq float64
	const n = 60
	for i := range n {
		x := math.Log(spread(i) / nominal)
		sum += x
		sq += x * x
	}
	mean := sum / n
	if sd := math.Sqrt(sq/n - mean*mean); sd < 0.03 || sd > 0.12 || math.Abs(mean) > 0.04 {
		t.Errorf("draws scatter by %.3f around %+.3f in the logarithm", sd, mean)
	}
	if spread(3) != spread(3) {
		t.Error("one draw, two answers")
	}
}

// Moving a job to another machine is the same as preparing it there.
func TestOnEqualsPrepare(t *testing.T) {
	cfg, c := baseline(t)
	m := c.build(t)
	j, err := Prepare(cfg, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{"compute", "nic", "host", "draw"} {
		other := m
		if r == "draw" {
			other.Draw = hardware.NewDraw(3, 1)
		} else {
			other = faster(t, m, r, 1.3)
		}
		k, err := j.On(other)
		if err != nil {
			t.Fatal(err)
		}
		s, err := k.Step()
		if err != nil {
			t.Fatal(err)
		}
		if want := step(t, cfg, other).Seconds; s.Seconds != want {
			t.Errorf("%s: moved %g s, prepared %g s", r, s.Seconds, want)
		}
	}
}

// A job moved to a chip with too little memory is refused there too.
func TestOnRefuses(t *testing.T) {
	cfg, c := baseline(t)
	m := c.build(t)
	j, err := Prepare(cfg, m)
	if err != nil {
		t.Fatal(err)
	}
	small := *m.Device
	small.MemBytes = 10 * gib
	m.Device = &small
	var e *MemoryError
	if _, err := j.On(m); !errors.As(err, &e) {
		t.Errorf("want a MemoryError, got %v", err)
	}
}

// Models known by totals: more chips reduce the time, gradients cost something, and
// tables are spread.
func TestGeneric(t *testing.T) {
	cfg := Config{Arch: model(t, "resnet-50"), Batch: Batch{Global: 4096, Micro: 256}, Precision: hardware.BF16, Framework: "pytorch"}
	one := step(t, cfg, h100(1).build(t))
	two := step(t, cfg, h100(2).build(t))
	if two.Seconds >= one.Seconds || two.Seconds < one.Seconds/2.01 {
		t.Errorf("16 chips %g s, 8 chips %g s", two.Seconds, one.Seconds)
	}
	// MLPerf Training v3.0 on eight H100: 13.6 minutes for about 37 epochs of 1.28 M
	// images (from memory), near 7,300 images/s per chip.
	if rate := one.SamplesPerStep / one.Seconds / 8; rate < 5500 || rate > 9000 {
		t.Errorf("ResNet-50 on H100: %.0f images/s per chip", rate)
	}
	if one.InputBytes != 4096*110e3 {
		t.Errorf("input %g bytes", one.InputBytes)
	}
	sum := 0.0
	for _, p := range one.Parts {
		sum += p.Seconds
	}
	if sum != one.Seconds {
		t.Error("parts do not sum")
	}
	dlrm := Config{Arch: model(t, "dlrm-dcnv2"), Batch: Batch{Global: 65536, Micro: 8192}, Precision: hardware.BF16, Framework: "pytorch"}
	s := step(t, dlrm, h100(1).build(t))
	found := false
	for _, p := range s.Parts {
		found = found || p.Name == partNames[partExpert].name && p.Seconds > 0
	}
	if !found {
		t.Error("embedding rows do not travel")
	}
	bytes := cfg
	g := *cfg.Arch.Generic
	g.BytesPerSample *= 4
	bytes.Arch.Generic = &g
	if more := step(t, bytes, h100(1).build(t)); more.Seconds <= one.Seconds {
		t.Error("memory traffic does not matter")
	}
	var me *MemoryError
	huge := cfg
	huge.Batch = Batch{Global: 1 << 20, Micro: 1 << 17}
	if _, err := Plan(huge, h100(1).build(t)); !errors.As(err, &me) || me.Nearest == nil {
		t.Errorf("2^17 images at once: %v", err)
	}
}
