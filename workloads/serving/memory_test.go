package serving

import (
	"errors"
	"math"
	"strings"
	"testing"

	"aisim/hardware"
)

// TestMeasuredBlocks compares the cache size with block counts that vLLM 0.15.1
// printed on 80 GB H100s and, for the 24 GB card, vLLM's figure in the notes of
// LLMServingSim (41,408 tokens). Blocks are 16 tokens, memory utilisation 0.9; the encoder
// of Scout, its attention in 16 bits and its table of 10,485,760 rotations are in its card.
func TestMeasuredBlocks(t *testing.T) {
	for _, c := range []struct {
		model  string
		dt     hardware.DType
		tp     int
		blocks float64
		chip   string
	}{
		{"llama3.1-70b", hardware.BF16, 4, 30425, "nvidia-h100-sxm"},
		{"qwen2.5-7b", hardware.BF16, 1, 65352, "nvidia-h100-sxm"},
		{"mistral-nemo-12b", hardware.BF16, 1, 19251, "nvidia-h100-sxm"},
		{"mistral-nemo-12b", hardware.BF16, 2, 48009, "nvidia-h100-sxm"},
		{"yi-34b", hardware.BF16, 2, 20793, "nvidia-h100-sxm"},
		{"llama2-7b", hardware.BF16, 1, 7463, "nvidia-h100-sxm"},
		{"llama3.1-8b", hardware.BF16, 1, 2588, "nvidia-rtx-4090"},
		{"llama4-scout-17b-16e", hardware.FP8, 2, 8253, "nvidia-h100-sxm"},
	} {
		m, err := PlanMemory(Config{Arch: arch(t, c.model), Engine: engine(t, "vllm"), Precision: c.dt, KVPrecision: hardware.BF16, TP: c.tp}, Machine{Device: device(t, c.chip)})
		if err != nil {
			t.Fatal(err)
		}
		e := float64(m.Blocks)/c.blocks - 1
		t.Logf("%s TP%d: %d blocks, measured %.0f, error %+.1f %%", c.model, c.tp, m.Blocks, c.blocks, 100*e)
		if math.Abs(e) > 0.02 {
			t.Errorf("%s TP%d: %d blocks, measured %.0f", c.model, c.tp, m.Blocks, c.blocks)
		}
	}
}

// What a profiled step takes, in GiB, as vLLM 0.11 and 0.12 logged it on H100 with 1,024 seats
// and 8,192 tokens (llm-d config explorer), and of Gemma 3, which sees images, on B200 with 16,384
// (vllm-project/vllm pull request 21489): within a tenth.
func TestLoggedActivations(t *testing.T) {
	for _, c := range []struct {
		model string
		dt    hardware.DType
		tp    int
		gib   float64
	}{{"qwen3-0.6b", hardware.BF16, 1, 5.56}, {"qwen3-32b", hardware.BF16, 1, 5.64}, {"llama3.1-8b", hardware.BF16, 1, 4.76}, {"llama3.3-70b", hardware.FP8, 2, 4.84}, {"llama3.3-70b", hardware.FP8, 1, 4.84}, {"gemma3-4b", hardware.BF16, 1, 9.96}} {
		cfg := Config{Arch: arch(t, c.model), Engine: engine(t, "vllm"), Precision: c.dt, KVPrecision: hardware.BF16, TP: c.tp, MaxBatch: 1024, TokenBudget: 8192}
		if c.model == "gemma3-4b" {
			cfg.TokenBudget = 16384
		}
		cfg = cfg.withDefaults()
		if got := activations(&cfg) / (1 << 30); math.Abs(got/c.gib-1) > 0.1 {
			t.Errorf("%s TP%d: %.2f GiB, logged %.2f", c.model, c.tp, got, c.gib)
		}
	}
}

// SGLang printed 367,404 tokens of Qwen3-235B in 8 bits on four H100 with 0.93, which its constant
// was taken from, and vLLM of July 2025 with 1,024 seats 178,880 with 0.9 (vllm-project/vllm issue
// 21348), most of the difference being buffers of its sampler and experts.
func TestRulesOfEngines(t *testing.T) {
	m := Machine{Device: device(t, "nvidia-h100-sxm")}
	tokens := func(engineID string, fraction float64) float64 {
		mem, err := PlanMemory(Config{Arch: arch(t, "qwen3-235b-a22b"), Engine: engine(t, engineID), Precision: hardware.FP8, KVPrecision: hardware.BF16, TP: 4, MaxBatch: 1024, MemoryFraction: fraction}, m)
		if err != nil {
			t.Fatal(err)
		}
		if left := mem.Usable - mem.Weights - mem.Reserve - mem.Cache; math.Abs(left) > 1 {
			t.Errorf("%s: the parts differ from the usable memory by %g B", engineID, left)
		}
		return float64(mem.Tokens)
	}
	if got := tokens("sglang", 0.93); math.Abs(got/367404-1) > 0.03 {
		t.Errorf("sglang: %.0f tokens, printed 367,404", got)
	}
	if got := tokens("vllm", 0.9); math.Abs(got/178880-1) > 0.2 {
		t.Errorf("vllm: %.0f tokens, printed 178,880", got)
	}
	// TensorRT-LLM takes its share of what is left, so that half the share is half the cache.
	if half, whole := tokens("trtllm", 0.45), tokens("trtllm", 0.9); math.Abs(half/whole-0.5) > 1e-3 {
		t.Errorf("trtllm: %.0f tokens at 0.45, %.0f at 0.9", half, whole)
	}
	// With no fraction given SGLang leaves 512 + 1.5·8192 + 2·256 + 128 MiB of an H100.
	mem, err := PlanMemory(Config{Arch: arch(t, "llama3.1-8b"), Engine: engine(t, "sglang"), Precision: hardware.BF16, KVPrecision: hardware.BF16}, m)
	if err != nil || math.Abs(mem.Fraction-(1-13440.0/81559)) > 1e-6 {
		t.Errorf("sglang takes %.4f of an H100, err %v", mem.Fraction, err)
	}
}

func TestModelThatDoesNotFit(t *testing.T) {
	c := Config{Arch: arch(t, "llama3.1-70b"), Engine: engine(t, "vllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16, TP: 1}
	m := Machine{Device: device(t, "nvidia-h100-sxm")}
	_, err := Simulate(c, m, []Request{{Prompt: 1, Output: 1}}, Options{})
	var e *MemoryError
	if !errors.As(err, &e) || e.NearestTP != 2 || !strings.Contains(err.Error(), "tensor 2 fits") || !strings.Contains(err.Error(), "141.1 GB weights") {
		t.Errorf("got %v", err)
	}
	c.Arch = arch(t, "llama3.1-405b")
	c.TP = 8
	if _, err = Prepare(c, m); !errors.As(err, &e) || e.NearestTP != 0 || !strings.Contains(err.Error(), "no tensor degree up to the scale-up domain of 8") {
		t.Errorf("got %v", err)
	}
	c.Precision = hardware.FP8
	if _, err = Prepare(c, m); err != nil {
		t.Errorf("405B in fp8 on 8 H100: %v", err)
	}
}

func TestMoreMemoryMoreCache(t *testing.T) {
	m := Machine{Device: device(t, "nvidia-h100-sxm")}
	base := Config{Arch: arch(t, "llama3.1-8b"), Engine: engine(t, "vllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16, TP: 1}
	tokens := func(change func(*Config)) int {
		c := base
		change(&c)
		mem, err := PlanMemory(c, m)
		if err != nil {
			t.Fatal(err)
		}
		return mem.Tokens
	}
	was := tokens(func(*Config) {})
	links := func(bytes float64) int {
		return tokens(func(c *Config) { c.TP, c.Engine.MemoryLinks.Value = 2, bytes })
	}
	if one, two := links(0), links(1e9); two >= one {
		t.Errorf("libraries of several chips: %d tokens, without %d", two, one)
	}
	seen := func(c *Config) {
		c.Arch.Vision = &hardware.Vision{Layers: 34, Hidden: 1408, FFN: 5632, Patches: 9809, Tokens: 2466, Params: hardware.Value{V: 0.87e9}}
	}
	if now := tokens(seen); now >= was {
		t.Errorf("an encoder of images: %d tokens, without %d", now, was)
	}
	for name, more := range map[string]func(*Config){
		"memory fraction":    func(c *Config) { c.MemoryFraction = 0.95 },
		"cache precision":    func(c *Config) { c.KVPrecision = hardware.FP8 },
		"weight precision":   func(c *Config) { c.Precision = hardware.FP8 },
		"tensor parallelism": func(c *Config) { c.TP = 2 },
		"pipeline":           func(c *Config) { c.PP = 2 },
		"libraries":          func(c *Config) { c.Engine.MemoryReserve.Value = 0 },
		"seats":              func(c *Config) { c.MaxBatch = 64 },
		"sampler":            func(c *Config) { c.Engine.SamplerBytes.Value = 15 },
		"rotations":          func(c *Config) { c.Arch.MaxSeq = 0 },
		"token budget":       func(c *Config) { c.TokenBudget = 2048 },
	} {
		if now := tokens(more); now <= was {
			t.Errorf("%s: %d tokens, before %d", name, now, was)
		}
	}
}

// 4-bit checkpoints of DeepSeek V3 quantise the output projection of attention, too: 61 layers of 128 × 128 × 7,168
// weights at 4.5 bits and not 16, and prompts are computed sooner.
func TestOutputProjectionInFourBits(t *testing.T) {
	c := Config{Arch: arch(t, "deepseek-v3-671b"), Engine: engine(t, "trtllm"), Precision: hardware.FP4, KVPrecision: hardware.FP8, TP: 8}
	m := Machine{Device: device(t, "nvidia-b200-sxm")}
	four, err := NewStepModel(c, m)
	if err != nil {
		t.Fatal(err)
	}
	c.Arch.Output4 = false
	wide, err := NewStepModel(c, m)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := wide.Memory.Weights-four.Memory.Weights, 61*128*128*7168*(2-4.5/8)/8.0; math.Abs(got-want) > 1e-6*want {
		t.Errorf("weights differ by %v B on a chip, want %v", got, want)
	}
	if d := wide.PrefillSec(8000, 0) - four.PrefillSec(8000, 0); !(d > 5e-3) { // 14 TFLOP of each chip at three times the rate and more
		t.Errorf("a prompt of 8,000 tokens is %v s shorter", d)
	}
}
