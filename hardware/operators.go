package hardware

import "math"

// An operator in a number format that the device has no units for costs +Inf;
// ask Supports first for the reason.

// GEMM is C[m,n] = A[m,k] B[k,n] with all three operands in one format (results
// of formats under 16 bits are written in 16 bits).
func (d *Device) GEMM(m, n, k float64, dt DType) Cost {
	return d.gemmCost(m, n, k, dt, dt.Bytes(), dt.Bytes(), 1).scaled(d.grids.ratio(m, n, k, dt))
}

// GEMMWeights is GEMM with the k×n operand streamed from memory at
// weightBytes per value, as in weight-only quantisation.
func (d *Device) GEMMWeights(m, n, k float64, dt DType, weightBytes float64) Cost {
	c := d.gemmCost(m, n, k, dt, dt.Bytes(), weightBytes, 1)
	if weightBytes == dt.Bytes() { // other widths are other kernels
		c = c.scaled(d.grids.ratio(m, n, k, dt))
	}
	return c
}

// GroupedGEMM is groups independent GEMMs of m rows each with their own
// weights, as the experts of a mixture run. Compute and memory overlap less
// than in one GEMM (p = 1.5, fitted on the fused-MoE table of H100). Routing and
// permutation are not part of it.
func (d *Device) GroupedGEMM(groups, m, n, k float64, dt DType, weightBytes float64) Cost {
	if groups <= 0 || m <= 0 {
		return Cost{}
	}
	rate := d.moe / (1 + d.moeHalf/m)
	flops := 2 * groups * m * n * k
	bytes := groups * (m*k*dt.Bytes() + k*n*weightBytes + m*n*math.Max(2, dt.Bytes()))
	return d.join(flops/(d.Peak[dt]*d.gemm[dt]*rate), bytes/(d.MemBytesPerSec*d.weights), 1.5)
}

func (d *Device) gemmCost(m, n, k float64, dt DType, actBytes, weightBytes, rate float64) Cost {
	if m <= 0 || n <= 0 || k <= 0 {
		return Cost{}
	}
	outBytes := math.Max(2, actBytes)
	bytes := m*k*actBytes + k*n*weightBytes + m*n*outBytes
	compute := 2 * m * n * k / (d.Peak[dt] * d.gemm[dt] * rate) * (1 + d.gemmInnerK/k) * d.waves(m, n, k)
	return d.join(compute, bytes/(d.MemBytesPerSec*d.weights), d.gemmNorm)
}

// tiles are the output tiles that libraries choose from.
var tiles = [...][2]float64{{256, 128}, {128, 256}, {128, 128}, {128, 64}, {64, 128}, {64, 64}, {32, 128}, {128, 32}, {32, 64}, {64, 32}, {16, 128}, {128, 16}, {16, 64}, {64, 16}}

// waves is the factor by which the best choice of tile and split of k slows a
// GEMM against tiles of 256×128 that fill all cores: near 1 for large shapes.
// Tiles are dealt to the cores in waves, of which a share gemmWave shows whole;
// smaller tiles run at bm*bn/(bm*bn + ct*(bm+bn)) (kernel notes, A1).
func (d *Device) waves(m, n, k float64) float64 {
	if d.Kind == "cpu" {
		return d.blocks(m, n)
	}
	ct := d.gemmTile
	full := 256 * 128 / (256*128 + ct*(256+128))
	best := math.Inf(1)
	for _, t := range tiles {
		area := t[0] * t[1]
		rate := area / (area + ct*(t[0]+t[1])) / full
		count := math.Ceil(m/t[0]) * math.Ceil(n/t[1])
		for split := 1.0; split <= 8 && (split == 1 || k/split >= 256); split *= 2 {
			w := count * split / d.cores
			shown := d.gemmWave*math.Ceil(w) + (1-d.gemmWave)*math.Max(w, 1)
			if f := shown * d.cores * area / (split * m * n * rate); f < best {
				best = f
			}
			if w >= 8 {
				break // splitting more only adds work
			}
		}
	}
	return math.Max(1, best)
}

func (d *Device) join(compute, memory, p float64) Cost {
	return d.joinAfter(d.LaunchSec, compute, memory, p)
}

func (d *Device) joinAfter(launch, compute, memory, p float64) Cost {
	c := Cost{ComputeSec: compute, MemorySec: memory, LaunchSec: launch}
	if math.IsInf(compute, 1) || math.IsNaN(compute) {
		c.ComputeSec, c.Sec = math.Inf(1), math.Inf(1)
		return c
	}
	c.Sec = launch + pnorm(compute, memory, p)
	return c
}

// AttentionShape is one attention operator over Batch sequences.
type AttentionShape struct {
	Batch          float64
	Heads, KVHeads float64 // on this chip
	HeadDim        float64 // of queries and keys
	VHeadDim       float64 // of values; 0: as HeadDim
	Query          float64 // new tokens per sequence
	Past           float64 // tokens per sequence already in the cache
	Causal         bool
	Backward       bool // the backward pass alone
	Unfused        bool // scores are written to memory; full squares are computed
	DType          DType
	KVBytes        float64 // bytes per cached value; 0: as DType
}

// Attention is the time of one attention operator, forward or backward.
func (d *Device) Attention(s AttentionShape) Cost {
	v := s.VHeadDim
	if v == 0 {
		v = s.HeadDim
	}
	kvBytes := s.KVBytes
	if kvBytes == 0 {
		kvBytes = s.DType.Bytes()
	}
	if s.Batch <= 0 || s.Query <= 0 || s.Heads <= 0 {
		return Cost{}
	}
	ctx := s.Past + s.Query
	pairs := s.Query * ctx
	if s.Causal && !s.Unfused {
		pairs = s.Query * (s.Past + math.Min(s.Query, s.Query/2+64)) // whole blocks of 128 on the diagonal
	}
	flops := 2 * s.Batch * s.Heads * pairs * (s.HeadDim + v)
	act := s.DType.Bytes()
	bytes := s.Batch * (s.Query*s.Heads*(s.HeadDim+v)*act + ctx*s.KVHeads*(s.HeadDim+v)*kvBytes)
	peak := d.Peak[attentionType(s.DType)]
	if s.Unfused {
		// Scores: written, masked, exponentiated, dropped out and read again; six
		// passes forward and seven backward at 2 bytes (training notes, section 1).
		passes := 6.0
		if s.Backward {
			flops *= 2
			passes = 7
		}
		bytes += 0.8 * 2 * s.Batch * s.Heads * s.Query * ctx * passes
		compute := flops / (peak * d.gemm[attentionType(s.DType)] * d.unfused)
		c := d.join(compute, bytes/(d.MemBytesPerSec*d.memory), 1)
		return c
	}
	rate, bandwidth := d.attnFwd, d.attnMemory
	if s.Backward {
		flops *= 2.5
		bytes *= 2.5
		rate, bandwidth = d.attnBwd, d.memory // dense tensors, no paged cache
	}
	// The half lengths were fitted from 512 up; below 256 the blocks' own work
	// (whole diagonal, idle cores) takes over.
	long := math.Max(ctx, 256)
	rate /= 1 + d.attnHalf/long
	if s.Causal {
		rate *= long / (long + d.attnCausal)
	}
	rate *= headFactor(s.HeadDim, d.attnHead64)
	// Blocks of 128 queries are dealt to the cores; few blocks leave cores idle.
	w := s.Batch * s.Heads * math.Ceil(s.Query/128) / d.cores
	rate *= math.Min(1, w)
	return d.joinAfter(d.attnLaunch, flops/(peak*rate), bytes/(d.MemBytesPerSec*bandwidth), 2)
}

// attentionType is the format that attention computes in: 8-bit and narrower
// checkpoints keep attention scores in 16 bits.
func attentionType(dt DType) DType {
	if dt > FP16 {
		return BF16
	}
	return dt
}

// headFactor is the rate at a head dimension relative to 128: linear between 64
// and 128, level above.
func headFactor(dim, at64 float64) float64 {
	switch {
	case dim >= 128:
		return 1
	case dim <= 64:
		return at64 * dim / 64
	}
	return at64 + (1-at64)*(dim-64)/64
}

// DecodeShape is attention of one new token per sequence over its cache.
type DecodeShape struct {
	Batch          float64 // sequences
	Heads, KVHeads float64 // on this chip
	HeadDim        float64
	KVTokens       float64 // cached tokens, summed over the sequences
	KVBytes        float64 // bytes per cached value
	DType          DType
}

// Decode is the time of decode attention: the cache streamed once (again in
// part for each further group of 16 query heads that share a key head), beside
// the blocks that the cores must start (kernel notes, A2).
func (d *Device) Decode(s DecodeShape) Cost {
	if s.Batch <= 0 || s.KVTokens <= 0 || s.KVHeads <= 0 {
		return Cost{}
	}
	groups := math.Ceil(s.Heads / s.KVHeads / 16)
	kv := s.KVTokens * s.KVHeads * s.HeadDim * 2 * s.KVBytes * (1 + 0.5*(groups-1))
	qo := s.Batch * s.Heads * s.HeadDim * 4
	blocks := s.Batch * s.KVHeads * groups
	splits := math.Max(1, math.Min(math.Floor(2*d.cores/blocks), math.Ceil(s.KVTokens/s.Batch/256)))
	blocks *= splits
	c := d.DecodeKV(kv+qo, 4*s.KVTokens*s.Heads*s.HeadDim, s.DType)
	// Too few blocks cannot draw the full bandwidth.
	c.MemorySec /= math.Min(1, blocks/d.cores)
	c.Sec = c.LaunchSec + pnorm(pnorm(c.ComputeSec, c.MemorySec, 3), blocks/d.cores*d.blockSec, 3)
	return c
}

// DecodeKV is decode attention from the bytes it reads and the FLOP it does;
// for caches of another form (latent attention, windows).
func (d *Device) DecodeKV(bytes, flops float64, dt DType) Cost {
	t := attentionType(dt)
	return d.joinAfter(d.attnLaunch, flops/(d.Peak[t]*0.5), bytes/(d.MemBytesPerSec*d.kv), 3)
}

// Elementwise is a memory-bound operator that moves bytes (reads plus writes).
func (d *Device) Elementwise(bytes float64) Cost {
	return d.join(0, bytes/d.streaming(bytes), 1)
}

// streaming is the rate of an operator that moves bytes once: of the on-chip memory where that
// was measured and holds them, else of memory.
func (d *Device) streaming(bytes float64) float64 {
	if d.OnChipBytesPerSec > 0 && bytes <= d.OnChipBytes {
		return d.OnChipBytesPerSec
	}
	return d.MemBytesPerSec * d.memory
}

// gatherShare is the part of stated bandwidth at which single rows of a table are
// gathered: Vidur's embedding rows reach .13 to .14 on A100 and .16 on H100.
const gatherShare = 0.145

// Embedding is the look-up of tokens rows of width values of bytes each.
func (d *Device) Embedding(tokens, width, bytes float64) Cost {
	if tokens <= 0 || width <= 0 {
		return Cost{}
	}
	return d.join(0, 2*tokens*width*bytes/(d.MemBytesPerSec*gatherShare), 1)
}

// Gating of a fused mixture: kernels that score, pick, count, align, permute and
// combine (fitted on the small calls of the fused-MoE table of H100), and the passes of
// the scores in 4 bytes.
const (
	gatingKernels = 16
	gatingPasses  = 6
)

// Gate is the routing of tokens to topk of a layer's experts.
func (d *Device) Gate(tokens, experts, topk float64) Cost {
	if tokens <= 0 || experts <= 0 {
		return Cost{}
	}
	return d.joinAfter(gatingKernels*d.LaunchSec, 0, 4*tokens*(gatingPasses*experts+topk)/(d.MemBytesPerSec*d.memory), 1)
}

// Optimizer is the update of parameters that moves bytes (reads plus writes).
func (d *Device) Optimizer(bytes float64) Cost {
	return d.join(0, bytes/d.streaming(bytes), 1)
}

// Generic is an operator, or a whole sample, known only by its FLOP and bytes:
// convolution networks, recommendation, CPU, FPGA and edge work.
func (d *Device) Generic(flops, bytes float64, dt DType) Cost {
	compute := 0.0
	if flops > 0 {
		compute = flops / (d.Peak[dt] * d.generic)
	}
	return d.join(compute, bytes/(d.MemBytesPerSec*d.memory), 2)
}

// Power is the draw in watts at a utilisation 0..1 of the device's busiest unit:
// idle + (max-idle)*util^e.
func (d *Device) Power(util float64) float64 {
	util = math.Min(1, math.Max(0, util))
	return d.IdleWatts + (d.MaxWatts-d.IdleWatts)*math.Pow(util, d.powerExp)
}

// MixedBlockSec is a core's time to start an empty block of an attention kernel that runs prompts
// and decoding sequences in one grid; 0 where the chip's kernels pack heads or are two.
func (d *Device) MixedBlockSec() float64 { return d.mixedBlockSec }

// Cores are the units that blocks of a kernel run on.
func (d *Device) Cores() float64 { return d.cores }
