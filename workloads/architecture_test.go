package workloads

import (
	"math"
	"strings"
	"testing"

	"aisim/hardware"
)

func card(t *testing.T, id string) Architecture {
	t.Helper()
	m, err := hardware.Default().Model(id)
	if err != nil {
		t.Fatal(err)
	}
	a, err := FromCard(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Every card of the catalogue is either an architecture of the published size or
// refused with a reason.
func TestEveryCard(t *testing.T) {
	refused := map[string]string{}
	transformers, generics := 0, 0
	for _, e := range hardware.Default().Entries("model") {
		m, err := hardware.Default().Model(e.ID)
		if err != nil {
			t.Fatal(err)
		}
		a, err := FromCard(m)
		switch {
		case err != nil:
			refused[e.ID] = err.Error()
			t.Logf("refused: %v", err)
		case a.Generic != nil:
			generics++
		default:
			transformers++
			if off, ok := a.SizeError(); a.Assumed == "" && !ok || math.Abs(off) > SizeTolerance {
				t.Errorf("%s: size off by %+.1f %%", e.ID, 100*off)
			}
			// The card's own count: forward FLOP per token in matrices and head.
			if want := m.FlopsPerSample.V; want > 0 && a.Causal && a.Assumed == "" {
				if got := a.MatrixFlopsPerToken(); math.Abs(got/want-1) > 0.03 {
					t.Errorf("%s: %.4g FLOP per token, card says %.4g", e.ID, got, want)
				}
			}
		}
	}
	t.Logf("%d transformers, %d generic, %d refused", transformers, generics, len(refused))
	if transformers < 80 || generics < 15 {
		t.Errorf("only %d transformers and %d generic models are usable", transformers, generics)
	}
	for id, reason := range refused {
		if !strings.Contains(reason, id) || len(reason) < 40 {
			t.Errorf("%s refused without a reason: %q", id, reason)
		}
	}
}

func TestActiveParams(t *testing.T) {
	// Active sizes as the authors state them; embeddings included.
	for id, want := range map[string]float64{"deepseek-v3-671b": 37.551e9, "mixtral-8x7b": 12.88e9, "qwen3-235b-a22b": 22.19e9, "llama3.1-405b": 405.849e9} {
		a := card(t, id)
		if got := a.ActiveParams(); math.Abs(got/want-1) > 0.03 {
			t.Errorf("%s: %.4g active, want %.4g", id, got, want)
		}
	}
}

// 24·s·h²·(1 + s/(6h)) forward FLOP per layer for plain attention without a causal
// mask and an MLP of 4h (Narayanan et al., SC21); causal halves the score term.
func TestFlopsClosedForm(t *testing.T) {
	const h, s, layers, vocab = 4096, 2048, 7, 50000
	a := Architecture{ID: "x", Layers: layers, Hidden: h, Heads: 32, KVHeads: 32, HeadDim: h / 32, FFN: 4 * h, Vocab: vocab}
	want := layers*24*float64(h)*h*(1+float64(s)/(6*h)) + 2*float64(h)*vocab
	if got := a.FlopsPerToken(s); math.Abs(got/want-1) > 1e-12 {
		t.Errorf("full attention: %g, want %g", got, want)
	}
	a.Causal = true
	want = layers*24*float64(h)*h*(1+float64(s)/(12*h)) + 2*float64(h)*vocab
	if got := a.FlopsPerToken(s); math.Abs(got/want-1) > 1e-12 {
		t.Errorf("causal attention: %g, want %g", got, want)
	}
	if got := a.TrainingFlopsPerToken(s); math.Abs(got/(3*want)-1) > 1e-12 {
		t.Errorf("training: %g, want %g", got, 3*want)
	}
}

func TestKVBytes(t *testing.T) {
	a := card(t, "llama3.1-70b")
	if got, want := a.KVBytesPerToken(hardware.BF16), 2.0*80*8*128*2; got != want {
		t.Errorf("GQA: %g bytes per token, want %g", got, want)
	}
	d := card(t, "deepseek-v3-671b")
	if got, want := d.KVBytesPerToken(hardware.BF16), 61*(512.0+64)*2; got != want {
		t.Errorf("MLA: %g bytes per token, want %g", got, want)
	}
	g := card(t, "gemma3-27b")
	// 62 layers, every sixth global: 10 global, 52 with a window of 1024.
	per := 2.0 * 16 * 128 * 2
	if got, want := g.KVBytes(8192, hardware.BF16), per*(10*8192+52*1024); got != want {
		t.Errorf("windows: %g bytes, want %g", got, want)
	}
	if a.WeightBytes(hardware.FP8) != a.Params() {
		t.Error("one byte per weight in fp8")
	}
}

func TestWindowContext(t *testing.T) {
	a := Architecture{Causal: true, Window: 4}
	// Sequence of 10, window 4: contexts tend to 0..4, 4 ... : 4 - 16/20.
	if got := a.Context(10, true); math.Abs(got-3.2) > 1e-12 {
		t.Errorf("window: %g", got)
	}
	if got := a.Context(10, false); got != 5 {
		t.Errorf("causal: %g", got)
	}
}

// Each input of a shape moves parameters, operations or cache.
func TestArchitectureSensitivity(t *testing.T) {
	base := Architecture{ID: "b", Causal: true, Layers: 8, Hidden: 512, Heads: 8, KVHeads: 4, HeadDim: 64, FFN: 2048, GatedMLP: true, Vocab: 1000,
		Experts: 8, ExpertsActive: 2, SharedExperts: 1, ExpertFFN: 256, FirstDense: 1}
	sum := func(a Architecture) [4]float64 {
		return [4]float64{a.Params(), a.ActiveParams(), a.FlopsPerToken(1024), a.KVBytes(1024, hardware.BF16)}
	}
	ref := sum(base)
	for name, change := range map[string]func(*Architecture){
		"layers": func(a *Architecture) { a.Layers++ }, "hidden": func(a *Architecture) { a.Hidden *= 2 },
		"heads": func(a *Architecture) { a.Heads *= 2 }, "kv_heads": func(a *Architecture) { a.KVHeads *= 2 },
		"head_dim": func(a *Architecture) { a.HeadDim *= 2 }, "ffn": func(a *Architecture) { a.FFN *= 2 },
		"gated": func(a *Architecture) { a.GatedMLP = false }, "vocab": func(a *Architecture) { a.Vocab *= 2 },
		"tied": func(a *Architecture) { a.TiedEmbeddings = true }, "experts": func(a *Architecture) { a.Experts *= 2 },
		"active": func(a *Architecture) { a.ExpertsActive++ }, "shared": func(a *Architecture) { a.SharedExperts++ },
		"expert ffn": func(a *Architecture) { a.ExpertFFN *= 2 }, "first dense": func(a *Architecture) { a.FirstDense = 4 },
		"moe every": func(a *Architecture) { a.MoEEvery = 2 }, "window": func(a *Architecture) { a.Window = 128; a.GlobalEvery = 4 },
		"positions": func(a *Architecture) { a.LearnedPositions = 4096 },
		"mla":       func(a *Architecture) { a.MLA = &hardware.MLA{QLora: 64, KVLora: 64, QKNope: 32, QKRope: 16, VHead: 32} },
	} {
		a := base
		change(&a)
		if err := a.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if sum(a) == ref {
			t.Errorf("%s changes nothing", name)
		}
	}
}

func TestValidate(t *testing.T) {
	ok := Architecture{ID: "v", Layers: 1, Hidden: 8, Heads: 2, KVHeads: 1, HeadDim: 4, FFN: 8, Vocab: 9}
	if err := ok.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Architecture){
		"layers":         func(a *Architecture) { a.Layers = 0 },
		"kv_heads":       func(a *Architecture) { a.KVHeads = 3 },
		"ffn":            func(a *Architecture) { a.FFN = 0 },
		"experts_active": func(a *Architecture) { a.Experts, a.ExpertFFN = 4, 8; a.ExpertsActive = 5 },
		"width":          func(a *Architecture) { a.Experts, a.ExpertsActive = 4, 1 },
		"without":        func(a *Architecture) { a.SharedExperts = 1 },
		"flops":          func(a *Architecture) { a.Generic = &Generic{} },
	} {
		a := ok
		change(&a)
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %s, got %v", want, err)
		}
	}
}
