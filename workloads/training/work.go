package training

import (
	"aisim/hardware"
	"aisim/internal/result"
	"aisim/topology"
	"aisim/workloads"
)

// part numbers the parts of a step in the order in which they are reported.
type part int

const (
	partForwardMatrix part = iota
	partForwardAttention
	partBackwardMatrix
	partBackwardAttention
	partRecompute
	partElementwise
	partHead
	partTensor
	partContext
	partExpert
	partGather
	partPipeline
	partHost
	partUnexplained
	partBubble
	partReduce
	partOptimizer
	partParameters
	partStraggler
	numParts
)

var partNames = [numParts]struct {
	name string
	kind result.Kind
}{
	{"matrix work, forward", result.KindCompute},
	{"attention, forward", result.KindCompute},
	{"matrix work, backward", result.KindCompute},
	{"attention, backward", result.KindCompute},
	{"recomputation", result.KindCompute},
	{"norms, activations, casts", result.KindCompute2},
	{"embedding, logits and loss", result.KindCompute2},
	{"tensor-parallel exchange", result.KindScaleUp},
	{"context-parallel exchange", result.KindNetwork},
	{"expert dispatch and combine", result.KindNetwork},
	{"weight gathers and gradient scatters", result.KindNetwork},
	{"exchange between stages", result.KindNetwork},
	{"waiting for the host", result.KindWait},
	{"framework overhead not explained", result.KindWait},
	{"pipeline bubble", result.KindWait},
	{"gradient reduction", result.KindNetwork},
	{"optimizer", result.KindCompute2},
	{"parameter gather", result.KindNetwork},
	{"stragglers", result.KindWait},
}

// levelBytes is traffic by network level.
type levelBytes [topology.NumLevels]float64

func (b *levelBytes) addTimes(k float64, o *levelBytes) {
	for i := range b {
		b[i] += k * o[i]
	}
}

// work is a stretch of one rank's time: by cause, by part, what ran hidden beside
// it, and what it and its peers put on the network.
type work struct {
	took
	part   [numParts]float64
	hidden [numParts]float64
	bytes  levelBytes
	// Of a backward pass that is split: what goes to the weights. Of any pass: the experts'
	// exchange, whether it stands still or not.
	weights, expert took
}

func (w *work) do(p part, t took) {
	w.took.add(&t)
	w.part[p] += t.sec
}

func (w *work) addTimes(k float64, o *work) {
	w.took.addTimes(k, &o.took)
	w.weights.addTimes(k, &o.weights)
	w.expert.addTimes(k, &o.expert)
	for i := range w.part {
		w.part[i] += k * o.part[i]
		w.hidden[i] += k * o.hidden[i]
	}
	w.bytes.addTimes(k, &o.bytes)
}

// probe is the relative change of a rate by which derivatives are taken.
const probe = 1e-3

// chip is a device with its slightly faster copies, from which the causes of an
// operator's time are read whatever the device's model of it is.
type chip struct {
	base, compute, memory *hardware.Device
	residual              float64 // factor on every time
	grouped, groupedHalf  float64 // rate of grouped products over the device's, inner width at half of it
}

func newChip(d *hardware.Device, residual, grouped, groupedHalf float64) chip {
	return chip{d, d.Scale(hardware.Scaling{Compute: 1 + probe}), d.Scale(hardware.Scaling{Memory: 1 + probe}), residual, grouped, groupedHalf}
}

// narrowed is the device with its rates of 8-bit and narrower formats multiplied.
func narrowed(d *hardware.Device, rate float64) *hardware.Device {
	if rate == 1 {
		return d
	}
	n := *d
	for _, dt := range []hardware.DType{hardware.FP8, hardware.FP4} {
		n.Peak[dt] *= rate
	}
	return &n
}

// op times an operator and its causes; k repeats it.
func (c *chip) op(k float64, f func(*hardware.Device) hardware.Cost) took {
	t := f(c.base)
	if t.Sec <= 0 || k == 0 {
		return took{}
	}
	const gain = 1 - 1/(1+probe)
	byC := max(0, t.Sec-f(c.compute).Sec) / gain
	byM := max(0, t.Sec-f(c.memory).Sec) / gain
	launch := min(t.LaunchSec, t.Sec)
	if s := byC + byM; s > 0 {
		scale := (t.Sec - launch) / s
		byC, byM = byC*scale, byM*scale
	} else {
		launch = t.Sec
	}
	k *= c.residual
	var o took
	o.sec = k * t.Sec
	o.by[byCompute], o.by[byMemory] = k*byC, k*byM
	o.by[byHost] = o.sec - o.by[byCompute] - o.by[byMemory]
	return o
}

// gemm is one matrix product of a layer's forward pass: rows are tokens.
type gemm struct {
	groups  float64 // 0: one dense product; else a grouped one
	m, n, k float64
}

// gemm is the time of a product forward or backward (input and weight gradients).
// With frozen weights there is no weight gradient.
func (c *chip) gemm(g gemm, dt hardware.DType, back, frozen bool) took {
	var t took
	switch {
	case g.groups > 0 && back:
		t = quicker(c.groupedGEMM(g, dt), byCompute, c.narrow(g.n))
	case g.groups > 0:
		t = quicker(c.groupedGEMM(g, dt), byCompute, c.narrow(g.k))
	case back:
		t = c.op(1, func(d *hardware.Device) hardware.Cost { return d.GEMM(g.m, g.k, g.n, dt) })
	default:
		t = c.op(1, func(d *hardware.Device) hardware.Cost { return d.GEMM(g.m, g.n, g.k, dt) })
	}
	if !back || frozen {
		return t
	}
	return plus(t, c.weightGEMM(g, dt))
}

// weightGEMM is the weight gradient's part of a product's backward pass.
func (c *chip) weightGEMM(g gemm, dt hardware.DType) took {
	if g.groups > 0 {
		return quicker(c.groupedGEMM(g, dt), byCompute, c.narrow(g.m))
	}
	return c.op(1, func(d *hardware.Device) hardware.Cost { return d.GEMM(g.n, g.k, g.m, dt) })
}

func (c *chip) groupedGEMM(g gemm, dt hardware.DType) took {
	return c.op(1, func(d *hardware.Device) hardware.Cost { return d.GroupedGEMM(g.groups, g.m, g.n, g.k, dt, dt.Bytes()) })
}

// narrow is the rate of a grouped product of inner width k over the device's.
func (c *chip) narrow(k float64) float64 { return c.grouped / (1 + c.groupedHalf/k) }

func (c *chip) elementwise(bytes float64) took {
	return c.op(1, func(d *hardware.Device) hardware.Cost { return d.Elementwise(bytes) })
}

// shape holds the sizes that every operator of a rank is made of.
type shape struct {
	t, cp, ep     float64
	et            float64 // ranks that split an expert's width
	data          float64 // ranks that share dense weights
	shards        float64 // ranks that they are spread over under ZeRO
	tokens        float64 // of one micro-batch on this rank
	micro, seq    float64
	h, q, kv      float64
	actBytes      float64 // of one activation value
	split         float64 // by how much norms and residuals are split: TP under sequence parallelism
	linear, exact hardware.DType
}

func (c *Config) shape() shape {
	s := shape{et: float64(c.Parallel.ET), data: float64(c.Parallel.DP * c.Parallel.CP), shards: float64(c.Parallel.Shards), t: float64(c.Parallel.TP), cp: float64(c.Parallel.CP), ep: float64(c.Parallel.EP),
		micro: float64(c.Batch.Micro), seq: float64(c.Batch.Seq), h: float64(c.Arch.Hidden),
		q: float64(c.Arch.QWidth()), kv: float64(max(c.Arch.KVHeads, c.Parallel.TP) * c.Arch.HeadDim),
		actBytes: max(2, c.Precision.Bytes()), split: 1, linear: c.Precision, exact: c.Precision}
	s.tokens = s.micro * s.seq / s.cp
	if c.SequenceParallel {
		s.split = s.t
	}
	if c.Precision.Bytes() < 2 {
		s.exact = hardware.BF16
	}
	return s
}

// expertShards is the ranks that hold the same experts.
func (s *shape) expertShards() float64 { return s.shards * s.t / (s.ep * s.et) }

// gemms lists the matrix products of one layer forward.
func (c *Config) gemms(s *shape, k workloads.LayerKind) []gemm {
	a, t, T := &c.Arch, s.t, s.tokens
	list := make([]gemm, 0, 10)
	if m := a.MLA; m != nil {
		heads := float64(a.Heads) / t
		qk := float64(m.QKNope + m.QKRope)
		if m.QLora > 0 {
			list = append(list, gemm{m: T, n: float64(m.QLora), k: s.h}, gemm{m: T, n: heads * qk, k: float64(m.QLora)})
		} else {
			list = append(list, gemm{m: T, n: heads * qk, k: s.h})
		}
		list = append(list, gemm{m: T, n: float64(m.KVLora + m.QKRope), k: s.h},
			gemm{m: T, n: heads * float64(m.QKNope+m.VHead), k: float64(m.KVLora)},
			gemm{m: T, n: s.h, k: heads * float64(m.VHead)})
	} else {
		list = append(list, gemm{m: T, n: (s.q + 2*s.kv) / t, k: s.h}, gemm{m: T, n: s.h, k: s.q / t})
	}
	up := float64(a.MLPMatrices() - 1)
	if !k.MoE {
		f := float64(a.FFN)
		return append(list, gemm{m: T, n: up * f / t, k: s.h}, gemm{m: T, n: s.h, k: f / t})
	}
	f, experts := float64(a.ExpertFFN), float64(a.Experts)
	list = append(list, gemm{m: T / s.split, n: experts, k: s.h})
	rows := T / (t / s.et) * float64(a.ExpertsActive) * s.ep / experts // balanced routing
	list = append(list, gemm{experts / s.ep, rows, up * f / s.et, s.h}, gemm{experts / s.ep, rows, s.h, f / s.et})
	if sh := float64(a.SharedExperts); sh > 0 {
		list = append(list, gemm{m: T, n: up * sh * f / t, k: s.h}, gemm{m: T, n: s.h, k: sh * f / t})
	}
	return list
}

// attention is one layer's attention operator on one rank. Context ranks share a
// causal sequence evenly (the zigzag split), so each does 1/cp of the pairs.
func (c *Config) attention(s *shape, k workloads.LayerKind, fused, back bool) hardware.AttentionShape {
	a := &c.Arch
	query := s.seq / s.cp
	o := hardware.AttentionShape{Batch: s.micro, Heads: float64(a.Heads) / s.t, KVHeads: s.kv / float64(a.HeadDim) / s.t,
		HeadDim: float64(a.HeadDim), Query: query, Causal: a.Causal, Backward: back, Unfused: !fused, DType: s.exact}
	if m := a.MLA; m != nil {
		o.HeadDim, o.VHeadDim, o.KVHeads = float64(m.QKNope+m.QKRope), float64(m.VHead), o.Heads
	}
	switch {
	case k.Local:
		// The mean context of a window, without a mask to skip.
		o.Causal = false
		o.Past = a.Context(s.seq, true) - query
	case a.Causal && fused:
		o.Past = (s.seq - query) / 2
	default:
		o.Past = s.seq - query
	}
	return o
}

// normTraffic and mlpTraffic are the bytes that one layer's norms, residuals and
// activations move in a forward pass, before the framework's factor.
func (c *Config) traffic(s *shape, k workloads.LayerKind) float64 {
	a := &c.Arch
	perMLP := 4.0
	if a.GatedMLP {
		perMLP = 6
	}
	f, extra := float64(a.FFN), 0.0
	if k.MoE {
		active := float64(a.ExpertsActive)
		f = float64(a.ExpertFFN) * (active + float64(a.SharedExperts))
		extra = 4 * active * s.h / s.split // permute and restore: read and write each
	}
	return s.actBytes * s.tokens * (12*s.h/s.split + extra + perMLP*f/s.t + 3*(s.q+2*s.kv)/s.t)
}

// castTraffic is the bytes moved to quantise a layer's inputs to 8 bits or fewer.
func (c *Config) castTraffic(s *shape, k workloads.LayerKind) float64 {
	if s.linear.Bytes() >= 2 {
		return 0
	}
	f := float64(c.Arch.FFN)
	if k.MoE {
		f = float64(c.Arch.ExpertFFN * (c.Arch.ExpertsActive + c.Arch.SharedExperts))
	}
	bytes := 3 * s.tokens * (2*s.h + 2*f/s.t)
	if c.BlockScaled {
		// Blocks run along the inner dimension, so the transposed copy for the weight
		// gradient is quantised anew from 16 bits instead of being turned: 2 read, 1
		// written, and scales.
		bytes *= 2
	}
	return bytes
}

// adapterTraffic is the bytes that LoRA adapters move in a forward pass: each linear
// layer's input is read once more and its output read and written once more. Their
// products of rank width are small beside that.
func (c *Config) adapterTraffic(s *shape, k workloads.LayerKind) float64 {
	if c.Adapter == 0 {
		return 0
	}
	var values float64
	for _, g := range c.gemms(s, k) {
		values += max(1, g.groups) * g.m * (g.k + 2*g.n + 2*float64(c.Adapter))
	}
	return s.actBytes * values
}

// trainedShare is the share of a rank's parameters that are trained.
func (c *Config) trainedShare() float64 {
	if c.Adapter == 0 {
		return 1
	}
	// r(m+n) of each m×n matrix, m and n near the hidden width.
	return min(1, 2*float64(c.Adapter)/float64(c.Arch.Hidden))
}
