package serving

import "math"

// together is what attention of prompts and of decoding sequences takes more in one kernel than
// each alone, where an engine has one kernel for both and it is of the second generation:
//
//   - Alone, decoding sequences have the query heads of a key head in one block and cut long
//     caches between blocks. Beside prompts every query head is a block of its own, whole.
//   - Blocks are laid out for the longest chunk: of each other sequence all but the first tile
//     of queries are empty, and are started to find that out.
//   - Heads that share keys read them at the same time while all sequences of a group fit on the
//     cores at once, and else from memory as often as the cores take turns, unless the last
//     cache holds the keys of one head.
//
// FlashAttention-3 packs heads and cuts caches in mixed batches too, and TensorRT-LLM's and
// FlashInfer's kernels are two: for them it is nil. docs/models/serving.md has the measured tables.
type together struct {
	blockSec  float64 // a core's time to start an empty block, all layers, by core and group
	heads     float64 // query heads on a chip
	group     float64 // query heads that share keys
	cores     float64
	cache     float64 // bytes of the last cache
	headBytes float64 // keys and values of one token of one head
	groups    float64 // of attention
}

const (
	// unpacked is the decoding part's time beside prompts, over that alone, while nothing is read
	// twice: 1.33 to 1.42 in tables of 32 and 64 sequences of 256 to 2,048 tokens (RTX PRO 6000,
	// vLLM 0.19).
	unpacked = 1.37
	// tileRows are the queries of a block.
	tileRows = 128
)

// mixedAttention is nil where the engine or the chip's kernels keep the two apart.
func (b *stepBuilder) mixedAttention() *together {
	a := &b.c.Arch
	sec := b.d.MixedBlockSec()
	if !b.c.Engine.OneAttention || sec == 0 || a.MLA != nil || b.c.Speculation.Tokens > 0 {
		return nil
	}
	tp, adp := float64(b.c.TP), float64(b.c.AttentionDP)
	return &together{blockSec: sec * float64(a.Layers) / float64(b.c.PP), heads: float64(a.Heads) / tp,
		group: float64(a.Heads) / tp / math.Max(1, float64(a.KVHeads)/tp), cores: b.d.Cores(), cache: b.d.OnChipBytes,
		headBytes: 2 * float64(a.HeadDim) * b.c.KVPrecision.Bytes(), groups: adp}
}

// beside is the factor on the decoding part less one, and the seconds of empty blocks, of a step
// with p prompts of t tokens together beside n sequences that hold kv tokens.
func (m *together) beside(t, p, n int, kv float64) (factor, blocksSec float64) {
	if m == nil || t == 0 || n == 0 {
		return 0, 0
	}
	own := float64(n) / m.groups
	turns := math.Max(1, math.Ceil(m.group*own/m.cores))
	held := 1.0
	if keys := kv / m.groups * m.headBytes; m.cache < 2*keys {
		held = m.cache / (2 * keys)
	}
	empty := math.Ceil(float64(t)/float64(max(p, 1))/tileRows) - 1
	return math.Max(unpacked, 1+(turns-1)*(1-held)) - 1, own * m.heads * empty * m.blockSec / m.cores
}

// mixedExtra is beside for a step of the model.
func (s *StepModel) mixedExtra(t, p, n int, kv float64) split {
	f, sec := s.one.beside(t, p, n, kv)
	if f == 0 {
		return split{}
	}
	return s.cached(n, kv).times(f).plus(hostTime(sec))
}
