package serving

import (
	"math"

	"aisim/hardware"
)

// attention fills in the time per pair of prompt tokens and per cached token read in decode,
// over the layers of a stage: those that see the whole context, and local ones. A layer of linear attention reads
// and writes a state for each sequence, whatever its length, in place of a window.
func (b *stepBuilder) attention(to *StepModel) {
	a, tp := &b.c.Arch, float64(b.c.TP)
	global, local := 0.0, 0.0
	for i := range a.Layers {
		if a.Layer(i).Local {
			local++
		} else {
			global++
		}
	}
	global, local = global/float64(b.c.PP), local/float64(b.c.PP)
	// One long chunk, so that fixed shares vanish; pairs = q²/2 with causal masks.
	const q = 4096
	s := hardware.AttentionShape{Batch: 1, Heads: float64(a.Heads) / tp, KVHeads: math.Max(1, float64(a.KVHeads)/tp),
		HeadDim: float64(a.HeadDim), Query: q, Causal: true, DType: b.dt, KVBytes: b.c.KVPrecision.Bytes()}
	if m := a.MLA; m != nil {
		s.HeadDim, s.VHeadDim, s.KVHeads = float64(m.QKNope+m.QKRope), float64(m.VHead), s.Heads
	}
	pair := attributed(b.d, b.fast, func(d *hardware.Device) hardware.Cost { return d.Attention(s) }).times(2.0 / (q * q))

	bytes := 2 * float64(a.HeadDim) * math.Max(1, float64(a.KVHeads)/tp) * b.c.KVPrecision.Bytes()
	flops := 4 * float64(a.Heads) / tp * float64(a.HeadDim)
	if m := a.MLA; m != nil {
		bytes = float64(m.KVLora+m.QKRope) * b.c.KVPrecision.Bytes()
		flops = 2 * float64(a.Heads) / tp * float64(2*m.KVLora+m.QKRope)
		if b.c.KVPrecision.Bytes() == 1 && b.d.Supports(hardware.FP4) == nil && b.d.Peak[hardware.FP8] > 0 {
			// Kernels of chips with 4-bit units multiply an 8-bit cache in 8 bits.
			flops *= b.d.Peak[hardware.BF16] / b.d.Peak[hardware.FP8]
		}
	}
	const tokens = 1 << 20
	adp := float64(b.c.AttentionDP)
	token := attributed(b.d, b.fast, func(d *hardware.Device) hardware.Cost {
		return d.DecodeKV(bytes*tokens, flops*tokens*float64(b.c.Speculation.width()), b.dt)
	}).times(1 / (tokens * adp))
	rate := b.c.Engine.Prefill.Value
	if b.c.KVPrecision.Bytes() == 1 && b.d.Peak[hardware.FP8] > 0 {
		rate *= b.c.Engine.Prefill8.Value
	}
	pair = pair.times(1 / adp / rate)
	to.kv = token.times(global)
	if a.Linear {
		to.prefill, to.seq = pair.times(global), token.times(float64(a.Window)*local)
		return
	}
	to.prefill, to.near = pair.times(global+local), token.times(local)
	to.local, to.window = local/(global+local), float64(a.Window)
}

// cached is the time of reading the cache by b sequences that hold kv tokens together. Local
// layers look back no more than the window; sequences are taken as equally long.
func (s *StepModel) cached(b int, kv float64) split {
	t := s.kv.times(kv)
	if s.local > 0 {
		t = t.plus(s.near.times(math.Min(kv, float64(b)*s.window)))
	}
	return t
}

// cachedRun is cached over f steps, the first with kv tokens, before which each sequence gained
// so many tokens in all, where growth holds.
func (s *StepModel) cachedRun(b int, kv, f, gained float64) split {
	read := f*kv + float64(b)*gained
	t := s.kv.times(read)
	switch full := float64(b) * s.window; {
	case s.local == 0:
	case kv >= full:
		t = t.plus(s.near.times(f * full))
	default:
		t = t.plus(s.near.times(read))
	}
	return t
}

// growth is by how much a step of b sequences that hold kv tokens is longer for each token that
// they gain, and for how many steps of one token each that holds.
func (s *StepModel) growth(b int, kv float64) (float64, int64) {
	below := float64(b)*s.window - kv
	if s.local == 0 || below <= 0 {
		return s.kv.sec * float64(b), math.MaxInt64
	}
	return (s.kv.sec + s.near.sec) * float64(b), int64(below/float64(b)) + 1
}

// pairs is the attention work of a step's prompts with local layers: t tokens whose causal work
// is pairs look back no more than the window in them.
func (s *StepModel) pairs(t int, pairs float64) float64 {
	if s.local == 0 {
		return pairs
	}
	return (1-s.local)*pairs + s.local*math.Min(pairs, float64(t)*s.window)
}
