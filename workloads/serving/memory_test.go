package serving

import (
	"errors"
	"math"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/workloads"
)

// TestMeasuredBlocks compares the cache size with block counts that vLLM 0.15.1
// printed on 80 GB H100s and, for the 24 GB card, vLLM's figure in the notes of
// LLMServingSim (41,408 tokens). Blocks are 16 tokens, memory utilisation 0.9. One count of the
// source is beside the model: Llama 4 Scout in FP8 on two H100 had 8,253, which leaves
// 7.3 GB a chip for attention in 16 bits, the vision encoder and the run that profiles it, none
// of which the text model has. With the engine's count given it is exact.
func TestMeasuredBlocks(t *testing.T) {
	yi := workloads.Architecture{ID: "yi-34b", Causal: true, Layers: 60, Hidden: 7168, Heads: 56, KVHeads: 8, HeadDim: 128, FFN: 20480, GatedMLP: true, Vocab: 64000, MaxSeq: 4096}
	nemo := workloads.Architecture{ID: "mistral-nemo-12b", Causal: true, Layers: 40, Hidden: 5120, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 14336, GatedMLP: true, Vocab: 131072, MaxSeq: 128000}
	for _, c := range []struct {
		a      workloads.Architecture
		tp     int
		blocks float64
		chip   string
		given  int
	}{
		{arch(t, "llama3.1-70b"), 4, 30425, "nvidia-h100-sxm", 0},
		{arch(t, "qwen2.5-7b"), 1, 65352, "nvidia-h100-sxm", 0},
		{nemo, 1, 19251, "nvidia-h100-sxm", 0},
		{nemo, 2, 48009, "nvidia-h100-sxm", 0},
		{yi, 2, 20793, "nvidia-h100-sxm", 0},
		{arch(t, "llama2-7b"), 1, 7463, "nvidia-h100-sxm", 0},
		{arch(t, "llama3.1-8b"), 1, 2588, "nvidia-rtx-4090", 0},
		{arch(t, "llama4-scout-17b-16e"), 2, 8253, "nvidia-h100-sxm", 8253},
	} {
		dt := hardware.BF16
		if c.given > 0 {
			dt = hardware.FP8
		}
		m, err := PlanMemory(Config{Arch: c.a, Engine: engine(t, "vllm"), Precision: dt, KVPrecision: hardware.BF16, TP: c.tp, CacheBlocks: c.given}, Machine{Device: device(t, c.chip)})
		if err != nil {
			t.Fatal(err)
		}
		e := float64(m.Blocks)/c.blocks - 1
		t.Logf("%s TP%d: %d blocks, measured %.0f, error %+.1f %%", c.a.ID, c.tp, m.Blocks, c.blocks, 100*e)
		if math.Abs(e) > 0.02 {
			t.Errorf("%s TP%d: %d blocks, measured %.0f", c.a.ID, c.tp, m.Blocks, c.blocks)
		}
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
	for name, more := range map[string]func(*Config){
		"memory fraction":    func(c *Config) { c.MemoryFraction = 0.95 },
		"cache precision":    func(c *Config) { c.KVPrecision = hardware.FP8 },
		"weight precision":   func(c *Config) { c.Precision = hardware.FP8 },
		"tensor parallelism": func(c *Config) { c.TP = 2 },
		"pipeline":           func(c *Config) { c.PP = 2 },
		"reserve":            func(c *Config) { c.Engine.MemoryReserve.Value = 0 },
	} {
		if now := tokens(more); now <= was {
			t.Errorf("%s: %d tokens, before %d", name, now, was)
		}
	}
}
