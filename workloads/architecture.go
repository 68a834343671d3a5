package workloads

import (
	"fmt"
	"math"

	"aisim/hardware"
)

// Architecture is a model's shape. Exactly one of two forms holds: a transformer
// (Layers > 0) or a Generic model (Generic not nil).
type Architecture struct {
	ID, Name string
	Causal   bool // decoder: a token attends to those before it

	Layers, Hidden         int
	Heads, KVHeads         int
	HeadDim                int
	FFN                    int // width of the dense MLP
	GatedMLP               bool
	Vocab, MaxSeq          int
	TiedEmbeddings         bool
	LearnedPositions       int // rows of a learned position table, 0: rotary, ALiBi or none
	Experts, ExpertsActive int // routed experts per MoE layer and those that a token visits; 0: dense model
	SharedExperts          int // experts that every token visits
	ExpertFFN              int // width of one expert
	FirstDense             int // MoE models: layers before the first MoE layer
	MoEEvery               int // MoE models: every n-th layer after FirstDense is MoE; 0 means 1
	MLA                    *hardware.MLA
	Window                 int              // tokens that a local layer looks back, 0: all layers are global
	GlobalEvery            int              // with Window: every n-th layer is global; 0: none is
	Linear                 bool             // local layers keep a state as large as the cache of a window instead
	Vision                 *hardware.Vision // encoder of images, nil: none
	MLPs8                  bool             // checkpoints in 8 bits keep the projections of attention in 16
	Output4                bool             // checkpoints in 4 bits quantise attention's output projection beside the MLPs

	PublishedParams float64 // the size that the authors state, 0 when unknown
	Generic         *Generic
	Source          string
	Assumed         string // what is modelled by something else, "" where nothing is
}

// Generic is a model of which only totals per sample are known.
type Generic struct {
	Unit                string  // what one sample is: image, query, row …
	FlopsPerSample      float64 // forward FLOP
	BytesPerSample      float64 // forward memory traffic besides the parameters, B
	ActivationBytes     float64 // kept for the backward pass, B per sample
	SampleBytes         float64 // read from storage, B per sample
	Params              float64
	TouchedParams       float64 // parameters that one sample reads (embedding tables: far fewer), 0: all
	BytesSource         string  // what BytesPerSample rests on
	BytesSourceAssumed  bool
	TrainingOverForward float64 // training work over forward work; 0 means 3
}

// TrainingRatio is training work over forward work: a forward pass and the
// gradients for inputs and weights, each as large.
func (g *Generic) TrainingRatio() float64 {
	if g.TrainingOverForward > 0 {
		return g.TrainingOverForward
	}
	return 3
}

// LayerKind tells layers apart that cost differently.
type LayerKind struct {
	MoE   bool
	Local bool // sliding-window attention
}

// Layer returns the kind of layer i, counted from 0.
func (a *Architecture) Layer(i int) LayerKind {
	var k LayerKind
	if a.Experts > 0 && i >= a.FirstDense {
		every := max(a.MoEEvery, 1)
		k.MoE = (i-a.FirstDense)%every == every-1
	}
	if a.Window > 0 {
		k.Local = a.GlobalEvery == 0 || i%a.GlobalEvery != a.GlobalEvery-1
	}
	return k
}

// QWidth is the width of all query heads together.
func (a *Architecture) QWidth() int { return a.Heads * a.HeadDim }

// KVWidth is the width of all key heads together; values are as wide.
func (a *Architecture) KVWidth() int { return a.KVHeads * a.HeadDim }

// MLPMatrices is the number of weight matrices of one MLP.
func (a *Architecture) MLPMatrices() int {
	if a.GatedMLP {
		return 3
	}
	return 2
}

// AttentionParams is the number of weights of one attention block.
func (a *Architecture) AttentionParams() float64 {
	h, heads := float64(a.Hidden), float64(a.Heads)
	if m := a.MLA; m != nil {
		qk := float64(m.QKNope + m.QKRope)
		q := h * heads * qk
		if m.QLora > 0 {
			q = float64(m.QLora) * (h + heads*qk)
		}
		kv := h*float64(m.KVLora+m.QKRope) + float64(m.KVLora)*heads*float64(m.QKNope+m.VHead)
		return q + kv + a.OutputParams()
	}
	q, kv := float64(a.QWidth()), float64(a.KVWidth())
	return h*(q+2*kv) + a.OutputParams()
}

// OutputParams is the number of weights of the output projection of attention in one layer.
func (a *Architecture) OutputParams() float64 {
	if m := a.MLA; m != nil {
		return float64(a.Heads*m.VHead) * float64(a.Hidden)
	}
	return float64(a.QWidth()) * float64(a.Hidden)
}

// ExpertParams is the number of weights of one routed or shared expert.
func (a *Architecture) ExpertParams() float64 {
	return float64(a.MLPMatrices()) * float64(a.Hidden) * float64(a.ExpertFFN)
}

// MLPParams is the number of weights of one dense MLP.
func (a *Architecture) MLPParams() float64 {
	return float64(a.MLPMatrices()) * float64(a.Hidden) * float64(a.FFN)
}

// LayerParams is the number of weights of one layer of a kind: all of them, and
// those that one token uses.
func (a *Architecture) LayerParams(k LayerKind) (total, active float64) {
	h := float64(a.Hidden)
	shared := a.AttentionParams() + 2*h
	if !k.MoE {
		n := shared + a.MLPParams()
		return n, n
	}
	e := a.ExpertParams()
	shared += float64(a.SharedExperts)*e + h*float64(a.Experts)
	return shared + float64(a.Experts)*e, shared + float64(a.ExpertsActive)*e
}

// EmbeddingParams is the size of the token and position tables.
func (a *Architecture) EmbeddingParams() float64 {
	return float64(a.Vocab+a.LearnedPositions) * float64(a.Hidden)
}

// HeadParams is the size of the output projection.
func (a *Architecture) HeadParams() float64 { return float64(a.Vocab) * float64(a.Hidden) }

// Params is the number of weights, a tied head counted once.
func (a *Architecture) Params() float64 {
	total, _ := a.params()
	return total
}

// ActiveParams is the number of weights that one token uses, tables included.
func (a *Architecture) ActiveParams() float64 {
	_, active := a.params()
	return active
}

func (a *Architecture) params() (total, active float64) {
	if g := a.Generic; g != nil {
		touched := g.TouchedParams
		if touched == 0 {
			touched = g.Params
		}
		return g.Params, touched
	}
	for i := range a.Layers {
		t, n := a.LayerParams(a.Layer(i))
		total += t
		active += n
	}
	rest := a.EmbeddingParams() + float64(a.Hidden)
	if !a.TiedEmbeddings {
		rest += a.HeadParams()
	}
	return total + rest, active + rest
}

// Context is the mean number of keys that a query of a sequence of seq tokens
// meets in a layer of a kind.
func (a *Architecture) Context(seq float64, local bool) float64 {
	if !a.Causal {
		if local {
			return math.Min(seq, float64(a.Window))
		}
		return seq
	}
	w := float64(a.Window)
	if local && w < seq {
		return w - w*w/(2*seq)
	}
	return seq / 2
}

// ScoreFlopsPerKey is the forward FLOP of one token against one key in one
// layer: score and weighted value of every head.
func (a *Architecture) ScoreFlopsPerKey() float64 {
	if m := a.MLA; m != nil {
		return 2 * float64(a.Heads) * float64(m.QKNope+m.QKRope+m.VHead)
	}
	return 4 * float64(a.QWidth())
}

// MatrixFlopsPerToken is the forward FLOP of one token in weight matrices:
// two per weight that it uses, the head included, tables and norms left out.
func (a *Architecture) MatrixFlopsPerToken() float64 {
	if a.Generic != nil {
		return a.Generic.FlopsPerSample
	}
	var n float64
	for i := range a.Layers {
		_, active := a.LayerParams(a.Layer(i))
		n += active - 2*float64(a.Hidden)
	}
	return 2 * (n + a.HeadParams())
}

// FlopsPerToken is the forward FLOP of one token in a sequence of seq tokens,
// with causal attention counted once per pair that is computed. For a Generic
// model it is the FLOP of one sample.
func (a *Architecture) FlopsPerToken(seq float64) float64 {
	f := a.MatrixFlopsPerToken()
	if a.Generic != nil {
		return f
	}
	per := a.ScoreFlopsPerKey()
	for i := range a.Layers {
		f += per * a.Context(seq, a.Layer(i).Local)
	}
	return f
}

// BackwardFlopsPerToken is the FLOP of the gradients of one token: twice the
// forward work, once for inputs and once for weights.
func (a *Architecture) BackwardFlopsPerToken(seq float64) float64 {
	return 2 * a.FlopsPerToken(seq)
}

// TrainingFlopsPerToken is forward and backward FLOP of one token, without
// recomputation.
func (a *Architecture) TrainingFlopsPerToken(seq float64) float64 {
	if a.Generic != nil {
		return a.Generic.TrainingRatio() * a.Generic.FlopsPerSample
	}
	return a.FlopsPerToken(seq) + a.BackwardFlopsPerToken(seq)
}

// KVValuesPerTokenLayer is the number of values that one token leaves in the
// cache of one layer: keys and values of the key heads, or the compressed
// vector and the rotary key of latent attention.
func (a *Architecture) KVValuesPerTokenLayer() float64 {
	if m := a.MLA; m != nil {
		return float64(m.KVLora + m.QKRope)
	}
	return 2 * float64(a.KVWidth())
}

// KVBytesPerToken is the cache of one token over all layers in a number format.
// Sliding-window layers are counted as global; see KVBytes for their limit.
func (a *Architecture) KVBytesPerToken(dt hardware.DType) float64 {
	return float64(a.Layers) * a.KVValuesPerTokenLayer() * dt.Bytes()
}

// KVBytes is the cache of a sequence of context tokens: local layers keep no
// more than their window.
func (a *Architecture) KVBytes(context float64, dt hardware.DType) float64 {
	per := a.KVValuesPerTokenLayer() * dt.Bytes()
	var b float64
	for i := range a.Layers {
		n := context
		if a.Layer(i).Local {
			n = math.Min(n, float64(a.Window))
		}
		b += n * per
	}
	return b
}

// WeightBytes is the size of the weights in a number format.
func (a *Architecture) WeightBytes(dt hardware.DType) float64 { return a.Params() * dt.Bytes() }

// Validate says what is impossible about a shape.
func (a *Architecture) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("model %q: %s", a.ID, fmt.Sprintf(format, args...))
	}
	if g := a.Generic; g != nil {
		switch {
		case !(g.FlopsPerSample > 0) || math.IsInf(g.FlopsPerSample, 0):
			return bad("flops_per_sample must be positive, is %g", g.FlopsPerSample)
		case !(g.BytesPerSample >= 0) || !(g.Params >= 0) || !(g.SampleBytes >= 0) || !(g.ActivationBytes >= 0):
			return bad("bytes and parameters must not be negative")
		case g.TouchedParams > g.Params:
			return bad("one sample cannot touch %g of %g parameters", g.TouchedParams, g.Params)
		}
		return nil
	}
	for _, f := range []struct {
		name string
		v    int
	}{{"layers", a.Layers}, {"hidden", a.Hidden}, {"heads", a.Heads}, {"kv_heads", a.KVHeads}, {"head_dim", a.HeadDim}, {"vocab", a.Vocab}} {
		if f.v < 1 {
			return bad("%s must be at least 1, is %d", f.name, f.v)
		}
	}
	dense := a.Experts == 0 || a.FirstDense > 0 || a.MoEEvery > 1
	switch {
	case a.KVHeads > a.Heads || a.Heads%a.KVHeads != 0:
		return bad("kv_heads %d must divide heads %d", a.KVHeads, a.Heads)
	case dense && a.FFN < 1:
		return bad("ffn must be at least 1, is %d", a.FFN)
	case a.Experts < 0 || a.SharedExperts < 0 || a.FirstDense < 0:
		return bad("expert counts must not be negative")
	case a.Experts > 0 && (a.ExpertsActive < 1 || a.ExpertsActive > a.Experts):
		return bad("experts_active must lie in 1..%d, is %d", a.Experts, a.ExpertsActive)
	case a.Experts > 0 && a.ExpertFFN < 1:
		return bad("the width of an expert must be at least 1, is %d", a.ExpertFFN)
	case a.Experts == 0 && (a.ExpertsActive > 0 || a.SharedExperts > 0):
		return bad("experts_active or shared_experts without experts")
	case a.Window < 0 || a.GlobalEvery < 0 || a.LearnedPositions < 0:
		return bad("windows and position tables must not be negative")
	}
	return nil
}
