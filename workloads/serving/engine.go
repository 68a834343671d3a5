package serving

import (
	"embed"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
)

// Constant is one constant of an engine profile with what it rests on.
type Constant struct {
	Value  float64 `toml:"value"`
	Unit   string  `toml:"unit"`
	RelSD  float64 `toml:"rel_sd"`
	Source string  `toml:"source"`
}

// EngineProfile is an inference engine as data: the rules of its scheduler and
// what it spends besides the work of the operators.
type EngineProfile struct {
	ID      string `toml:"id"`
	Version string `toml:"version"` // what it was fitted to
	Source  string `toml:"source"`

	PrefillFirst   bool    `toml:"prefill_first"`   // steps are prefill or decode, prefill goes first
	ReserveOutput  float64 `toml:"reserve_output"`  // share of the output reserved at admission
	ReservePrompt  bool    `toml:"reserve_prompt"`  // whole prompt must fit at admission, not only its first chunk
	SwitchReduce   bool    `toml:"switch_reduce"`   // large all-reduces are added up in the switches where they can
	OneAttention   bool    `toml:"one_attention"`   // prompts and decoding sequences of a step attend in one kernel
	Async          bool    `toml:"async"`           // the next step is planned while the chip works on the last
	HoldsFirst     bool    `toml:"holds_first"`     // tokens sent together hold the first one back, too
	StreamInterval int     `toml:"stream_interval"` // tokens that are sent together
	MixtureStream  int     `toml:"mixture_stream"`  // the same in recipes of mixtures
	BlockTokens    int     `toml:"block_tokens"`
	TokenBudget    int     `toml:"token_budget"`
	SmallBudget    int     `toml:"token_budget_small"` // in place of TokenBudget on devices below 70 GiB or without 8-bit units; 0: the same
	MaxBatch       int     `toml:"max_batch"`
	MemoryFraction float64 `toml:"memory_fraction"` // 0 with the static rule: the engine's own choice by device
	MemoryRule     string  `toml:"memory_rule"`     // MemoryTotal, MemoryStatic or MemoryFree

	MemoryReserve  Constant `toml:"memory_reserve"`  // bytes per chip that libraries take outside the engine's pools
	MemoryLinks    Constant `toml:"memory_links"`    // more of them where chips work together
	SamplerBytes   Constant `toml:"sampler_bytes"`   // bytes at the sampler's peak for each seat and entry of the vocabulary
	Layer          Constant `toml:"layer"`           // seconds per layer and step
	Step           Constant `toml:"step"`            // host seconds per step
	Sequence       Constant `toml:"sequence"`        // host seconds per sequence and step
	Streamed       Constant `toml:"streamed"`        // host seconds in the step for each message to a client that reads along
	Delivered      Constant `toml:"delivered"`       // seconds per such token in the processes behind the engine: no step is shorter than theirs
	Hidden         Constant `toml:"hidden"`          // share of step and sequence that planning ahead takes out of the way, where it does
	MixedStep      Constant `toml:"mixed_step"`      // extra seconds of a step with prefill
	MixedLayer     Constant `toml:"mixed_layer"`     // extra seconds per dense layer of such a step
	MixedMoELayer  Constant `toml:"mixed_moe_layer"` // the same per mixture layer
	Request        Constant `toml:"request"`         // seconds per request outside the step loop
	MoELayer       Constant `toml:"moe_layer"`       // seconds per mixture layer and step
	MLALayer       Constant `toml:"mla_layer"`       // seconds per latent-attention layer and step
	AllReduce      Constant `toml:"all_reduce"`      // latency of one all-reduce, times 1 + 0.1 TP
	LinkEfficiency Constant `toml:"link_efficiency"` // of the one-way scale-up rate
	Imbalance      Constant `toml:"imbalance"`       // expert rows of the busiest chip over the mean
	MoE16          Constant `toml:"moe16"`           // share of the 16-bit peak that expert kernels reach on full tiles
	MoE8           Constant `toml:"moe8"`            // the same of the 8-bit peak
	MoE4           Constant `toml:"moe4"`            // the same of the 4-bit peak
	MoETile        Constant `toml:"moe_tile"`        // rows by which each expert visited is padded, in the mean
	MoEWeights     Constant `toml:"moe_weights"`     // share of memory bandwidth at which expert weights stream
	Widened        Constant `toml:"widened"`         // what is left of that rate where expert weights are widened on the way to the units
	EagerLayer     Constant `toml:"eager_layer"`     // host seconds per layer that launches beside the chip's work; 0: steps run from graphs
	GEMM16         Constant `toml:"gemm16"`          // factor on the 16-bit matrix rate of the operator model
	GEMM8          Constant `toml:"gemm8"`           // the same of the 8-bit rate, quantising of activations included
	GEMM4          Constant `toml:"gemm4"`           // the same of the 4-bit rate
	Quant8         Constant `toml:"quant8"`          // seconds per matrix product whose activations are quantised to 8 bits on the way
	Quant4         Constant `toml:"quant4"`          // the same to 4 bits
	Stream         Constant `toml:"stream"`          // factor on the chip's rate of streaming dense weights
	MoERequest     Constant `toml:"moe_request"`     // Request, for mixtures
	Cadence        Constant `toml:"cadence"`         // steps of a busy engine that a request waits before it is seen, in the mean, in recipes of mixtures
	Prefill        Constant `toml:"prefill"`         // factor on the chip's rate of prefill attention
	Handover       Constant `toml:"handover"`        // seconds by which a request computed in one pool comes to the next, its cache apart
	Prefill8       Constant `toml:"prefill8"`        // a further one where the cache is in 8 bits and so is the chip's arithmetic
}

// shown is the share of the host's time per step and sequence that the chip waits for.
func (e *EngineProfile) shown() float64 {
	if e.Async {
		return 1 - min(1, e.Hidden.Value)
	}
	return 1
}

// constants lists the drawn constants in a fixed order.
func (e *EngineProfile) constants() []*Constant {
	return []*Constant{&e.MemoryReserve, &e.MemoryLinks, &e.SamplerBytes, &e.Layer, &e.Step, &e.Sequence, &e.Streamed, &e.Delivered, &e.Hidden, &e.MixedStep, &e.MixedLayer, &e.MixedMoELayer,
		&e.Request, &e.MoELayer, &e.MLALayer, &e.AllReduce, &e.LinkEfficiency, &e.Imbalance, &e.MoE16, &e.MoE8, &e.MoE4, &e.MoETile, &e.MoEWeights, &e.Widened, &e.EagerLayer, &e.GEMM16, &e.GEMM8, &e.GEMM4, &e.Quant8, &e.Quant4, &e.Stream, &e.MoERequest, &e.Cadence, &e.Prefill, &e.Prefill8, &e.Handover}
}

var constantNames = []string{"memory_reserve", "memory_links", "sampler_bytes", "layer", "step", "sequence", "streamed", "delivered", "hidden", "mixed_step", "mixed_layer", "mixed_moe_layer",
	"request", "moe_layer", "mla_layer", "all_reduce", "link_efficiency", "imbalance", "moe16", "moe8", "moe4", "moe_tile", "moe_weights", "widened", "eager_layer", "gemm16", "gemm8", "gemm4", "quant8", "quant4", "stream", "moe_request", "cadence", "prefill", "prefill8", "handover"}

// Draw returns a copy whose constants went through draw, called once per
// constant in a fixed order with a stable name such as "vllm.layer", the nominal
// value and its relative standard deviation.
func (e EngineProfile) Draw(draw func(name string, value, relSD float64) float64) EngineProfile {
	if draw == nil {
		return e
	}
	for i, c := range e.constants() {
		c.Value = draw(e.ID+"."+constantNames[i], c.Value, c.RelSD)
	}
	return e
}

// ConstantEntry is a constant with its name, for lists of assumptions.
type ConstantEntry struct {
	Name string
	Constant
}

// Constants returns all constants with their names in a fixed order.
func (e EngineProfile) Constants() []ConstantEntry {
	out := make([]ConstantEntry, 0, len(constantNames))
	for i, c := range e.constants() {
		out = append(out, ConstantEntry{Name: e.ID + "." + constantNames[i], Constant: *c})
	}
	return out
}

//go:embed engines/*.toml
var engineFiles embed.FS

var engineIDs = []string{"sglang", "trtllm", "vllm", "vllm-eager", "vllm-v0"}

// EngineIDs lists the built-in profiles in alphabetical order.
func EngineIDs() []string { return append([]string(nil), engineIDs...) }

// Engine returns a built-in profile.
func Engine(id string) (EngineProfile, error) {
	i := sort.SearchStrings(engineIDs, id)
	if i == len(engineIDs) || engineIDs[i] != id {
		return EngineProfile{}, fmt.Errorf("unknown engine %q: expected one of %s", id, strings.Join(engineIDs, ", "))
	}
	text, err := engineFiles.ReadFile("engines/" + id + ".toml")
	if err != nil {
		return EngineProfile{}, fmt.Errorf("engine %s: %w", id, err)
	}
	return ParseEngine(string(text))
}

// ParseEngine reads an engine profile and checks it.
func ParseEngine(text string) (EngineProfile, error) {
	var e EngineProfile
	md, err := toml.Decode(text, &e)
	if err != nil {
		return EngineProfile{}, fmt.Errorf("engine profile: %w", err)
	}
	if un := md.Undecoded(); len(un) > 0 {
		return EngineProfile{}, fmt.Errorf("engine profile %q: unknown key %s", e.ID, un[0])
	}
	bad := func(format string, args ...any) (EngineProfile, error) {
		return EngineProfile{}, fmt.Errorf("engine profile %q: %s", e.ID, fmt.Sprintf(format, args...))
	}
	switch {
	case e.ID == "":
		return bad("id is missing")
	case e.BlockTokens < 1 || e.BlockTokens > maxBlockTokens:
		return bad("block_tokens %d: expected 1 to %d", e.BlockTokens, maxBlockTokens)
	case e.StreamInterval < 1 || e.MixtureStream < 1:
		return bad("stream_interval %d and mixture_stream %d: expected at least 1 token", e.StreamInterval, e.MixtureStream)
	case e.MaxBatch < 1 || e.TokenBudget < e.MaxBatch:
		return bad("max_batch %d and token_budget %d: expected 1 ≤ max_batch ≤ token_budget", e.MaxBatch, e.TokenBudget)
	case e.SmallBudget < 0 || e.SmallBudget > e.TokenBudget:
		return bad("token_budget_small %d: expected 0 to token_budget %d", e.SmallBudget, e.TokenBudget)
	case !slices.Contains(memoryRules, e.MemoryRule):
		return bad("memory_rule %q: expected one of %s", e.MemoryRule, strings.Join(memoryRules, ", "))
	case !(e.MemoryFraction > 0 && e.MemoryFraction <= 1) && !(e.MemoryFraction == 0 && e.MemoryRule == MemoryStatic):
		return bad("memory_fraction %v: expected a ratio above 0 and at most 1", e.MemoryFraction)
	case !(e.ReserveOutput >= 0 && e.ReserveOutput <= 1):
		return bad("reserve_output %v: expected a ratio from 0 to 1", e.ReserveOutput)
	}
	for i, c := range e.constants() {
		if !md.IsDefined(constantNames[i], "value") || c.Source == "" {
			return bad("%s needs a value and a source", constantNames[i])
		}
		if !(c.Value >= 0) || !(c.RelSD >= 0) {
			return bad("%s %v ± %v: must not be negative", constantNames[i], c.Value, c.RelSD)
		}
	}
	if e.Hidden.Value > 1 {
		return bad("hidden %v: expected a ratio from 0 to 1", e.Hidden.Value)
	}
	if e.GEMM16.Value == 0 || e.GEMM8.Value == 0 || e.GEMM4.Value == 0 || e.Stream.Value == 0 || e.Prefill.Value == 0 || e.Prefill8.Value == 0 || e.LinkEfficiency.Value == 0 || e.MoE16.Value == 0 || e.MoE8.Value == 0 || e.MoE4.Value == 0 || e.MoEWeights.Value == 0 || e.Widened.Value == 0 {
		return bad("efficiencies must be positive")
	}
	return e, nil
}
