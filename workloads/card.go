package workloads

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"aisim/hardware"
)

// SizeTolerance is how far a size computed from a card may lie from the one
// that its authors publish before the card is refused.
const SizeTolerance = 0.03

// globalEvery is how often a layer of a family with sliding windows looks at
// the whole sequence. Sources: the families' published configurations (Gemma 2
// and GPT-OSS alternate, Gemma 3 has five local layers to one global, Llama 4
// three chunked to one global; Mistral 7B v0.1 has no global layer).
var globalEvery = map[string]int{"Gemma-2": 2, "Gemma-3": 6, "GPT-OSS": 2, "LLaMA-4": 4, "Mistral": 0}

// mlps8 are the families whose 8-bit checkpoints quantise MLPs alone (Llama 4: Maverick FP8 of
// Meta, Scout FP8-dynamic of Red Hat).
var mlps8 = map[string]bool{"LLaMA-4": true}

// output4 are the families whose 4-bit checkpoints quantise the output projection of attention, too
// (NVIDIA's DeepSeek-R1-FP4-v2 and DeepSeek-R1-0528-NVFP4-v2, by their cards, which recipes serve).
var output4 = map[string]bool{"DeepSeek-V3": true}

// learnedPositions is the length of the learned position table of families
// that have one.
var learnedPositions = map[string]bool{"GPT-2": true, "GPT-3": true, "Megatron-GPT": true, "OPT": true, "BERT": true, "MiniLM": true}

// hybridWindow is the cache of how many tokens a layer of linear attention reads and writes
// beside, in models where three of four layers keep a state: that of 64 heads of 128 × 128
// values in 16 bits, once each way, over the keys and values of one token (Qwen3-Next and
// Qwen3.5 configurations). Its matrices are nearly as large as those of the other layers.
const hybridWindow = 2048

var (
	moeEveryNote = regexp.MustCompile(`MoE every (\d+) layers`)
	denseNote    = regexp.MustCompile(`dense ffn=(\d+)`)
	windowNote   = regexp.MustCompile(`(?:sliding window|chunked attention) (\d+)`)
)

// FromCard makes an Architecture of a model card. The number of weights that
// the shape gives must agree with the published size within SizeTolerance
// unless some of its layers are modelled by others (Assumed says which); cards with layers
// that are not modelled at all are refused with what is missing.
func FromCard(m *hardware.Model) (Architecture, error) {
	a := Architecture{ID: m.ID, Name: m.ID, Source: m.Source, PublishedParams: m.Params.V}
	switch m.Kind {
	case "llm-dense", "llm-moe", "encoder":
	default:
		return genericCard(a, m)
	}
	hybrid := m.Attention == "GQA+linear"
	switch m.Attention {
	case "MHA", "GQA", "MQA", "MLA", "GQA+linear":
	default:
		return a, fmt.Errorf("model %q: attention %q is not modelled: only MHA, GQA, MQA, MLA and GQA+linear are, with or without sliding windows", m.ID, m.Attention)
	}
	a.Causal = m.Kind != "encoder"
	a.Layers, a.Hidden, a.Heads, a.KVHeads, a.HeadDim = m.Layers, m.Hidden, m.Heads, m.KVHeads, m.HeadDim
	a.FFN, a.Vocab, a.MaxSeq, a.TiedEmbeddings, a.GatedMLP = m.FFN, m.Vocab, m.MaxSeq, m.TiedEmbeddings, m.GatedFFN
	if m.Attention == "MLA" {
		if m.MLA == nil {
			return a, fmt.Errorf("model %q: latent attention without its widths (kv_lora, qk_nope, qk_rope, v_head)", m.ID)
		}
		a.MLA = m.MLA
	}
	if m.Experts > 0 {
		a.Experts, a.ExpertsActive, a.SharedExperts, a.ExpertFFN = m.Experts, m.ExpertsActive, m.SharedExperts, m.FFN
		a.FirstDense, a.FFN = m.FirstDenseLayers, m.DenseFFN
		if n := noteInt(moeEveryNote, m.Notes); n > 1 {
			a.MoEEvery = n
			if a.FFN == 0 {
				a.FFN = noteInt(denseNote, m.Notes)
			}
		}
	}
	a.Vision, a.MLPs8, a.Output4 = m.Vision, mlps8[m.Family], output4[m.Family]
	a.Window = m.Window
	if a.Window == 0 {
		a.Window = noteInt(windowNote, m.Notes)
	}
	if a.Window > 0 {
		every, known := globalEvery[m.Family]
		if !known {
			return a, fmt.Errorf("model %q: has sliding windows but its family %q is not in the table of local and global layers", m.ID, m.Family)
		}
		a.GlobalEvery = every
	}
	if hybrid {
		a.PublishedParams, a.GatedMLP, a.Window, a.GlobalEvery, a.Linear = 0, true, hybridWindow, 4, true
		a.Assumed = fmt.Sprintf("layers of linear attention as a window of %d tokens with projections of the other layers", hybridWindow)
	}
	if learnedPositions[m.Family] {
		a.LearnedPositions = m.MaxSeq
	}
	if err := a.Validate(); err != nil {
		return a, err
	}
	// The catalogue tells gated MLPs by the parameter count, without knowing of dense
	// layers between MoE layers; with them known, the same test decides again.
	if off, ok := a.SizeError(); ok && math.Abs(off) > SizeTolerance {
		other := a
		other.GatedMLP = !a.GatedMLP
		if off, _ := other.SizeError(); math.Abs(off) <= SizeTolerance {
			return other, nil
		}
		return a, fmt.Errorf("model %q: its shape gives %.4g parameters, %+.1f %% from the published %.4g (tolerance %g %%)",
			m.ID, a.Params(), 100*off, a.PublishedParams, 100*SizeTolerance)
	}
	return a, nil
}

// SizeError is computed over published size minus one; false when no size is
// published.
func (a *Architecture) SizeError() (float64, bool) {
	if a.PublishedParams <= 0 {
		return 0, false
	}
	return a.Params()/a.PublishedParams - 1, true
}

func noteInt(re *regexp.Regexp, s string) int {
	m := re.FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}
