package serving

import (
	"fmt"
	"math"

	"aisim/hardware"
	"aisim/hardware/profile"
)

// The resources that time is attributed to. Their keys are those of elasticities.
const (
	resCompute = iota // matrix rate of the chip
	resHBM            // memory bandwidth of the chip
	resScaleUp        // bandwidth between chips of a replica
	resHost           // launches, host work and latency of collectives
	numRes
)

var resourceKeys = [numRes]string{"compute", "hbm", "scaleup", "host"}

// split is a time with its shares by resource, all in seconds; host is what is
// left, sec − compute − hbm − scaleup.
type split struct{ sec, compute, hbm, scaleup float64 }

func (s split) plus(o split) split {
	return split{s.sec + o.sec, s.compute + o.compute, s.hbm + o.hbm, s.scaleup + o.scaleup}
}

func (s split) times(f float64) split {
	return split{s.sec * f, s.compute * f, s.hbm * f, s.scaleup * f}
}

func hostTime(sec float64) split { return split{sec: sec} }

// StepModel gives the time of an engine step. Its tables are made once; asking
// it costs two look-ups and a few multiplications.
type StepModel struct {
	Arithmetic hardware.DType // in which matrices are multiplied: the weights' format, or the next wider one that the chip has
	linear     []split        // by rows
	head       []split        // by rows sampled
	prefill    split          // per unit of attention work A (pairs of tokens)
	kv         split          // per cached token read by a decoding sequence, in layers that see all
	near       split          // the same in layers that look back window tokens
	seq        split          // host, per sequence
	mixed      split          // host, extra of a step with prefill
	pace       float64        // no step is shorter than this per decoding sequence: its tokens leave no faster
	group      []split        // by rows: what of linear an attention group does alone
	groups     int
	one        *together
	local      float64 // share of the layers of prefill that look back window tokens
	window     float64

	// Of speculative decoding (speculation.go); width 0 and 1: none.
	width   int     // rows of a decoding sequence
	perStep float64 // tokens that it gains by a step
	passes  []split // by sequences: the draft's passes after the first

	adapters *adapterCost // nil: none

	RequestSec  float64 // per request outside the step loop
	HandoverSec float64 // of a request between pools, its cache apart
	Memory      Memory
}

// probe is the factor by which rates are changed to find the shares of a time:
// small enough for a derivative, large enough for float64.
const probe = 1.0 / 1024

// attributed returns the time of an operator without its launch, divided by the
// elasticities −∂ln t/∂ln rate to compute and memory. The launch is left out
// because the engine's constant per layer was fitted with it inside.
func attributed(d, fast *hardware.Device, op func(*hardware.Device) hardware.Cost) split {
	c := op(d)
	t := c.Sec - c.LaunchSec
	if !(t > 0) || math.IsInf(t, 0) {
		return split{sec: max(t, 0)}
	}
	f := op(fast)
	share := (t/(f.Sec-f.LaunchSec) - 1) / probe
	share = min(1, max(0, share))
	return split{sec: t, compute: t * share, hbm: t * (1 - share)}
}

// NewStepModel tabulates the step time of one replica. A *MemoryError is
// returned when the model does not fit, and an error when the chip has no units
// for the precision or tensor parallelism leaves the scale-up domain.
func NewStepModel(c Config, m Machine) (*StepModel, error) {
	if m.Device == nil {
		return nil, fmt.Errorf("serving: no device given")
	}
	mem, err := PlanMemory(c, m)
	if err != nil {
		return nil, err
	}
	c = c.on(m.Device)
	if c.Arch.Generic != nil {
		return nil, fmt.Errorf("serving: %s is known by totals only: it has no engine steps", c.Arch.ID)
	}
	compute, err := computeType(m.Device, c.Precision)
	if c.WeightsOnly && err == nil && compute.Bytes() < 2 {
		compute, err = hardware.BF16, m.Device.Supports(hardware.BF16)
	}
	if err != nil {
		return nil, err
	}
	if compute.Bytes() < 2 {
		if err := m.Device.Supports(hardware.BF16); err != nil {
			return nil, fmt.Errorf("serving: attention of %s runs in 16 bits beside %s weights: %w", c.Arch.ID, c.Precision, err)
		}
	}
	if c.TP > 1 && m.AllReduce == nil {
		if m.Device.ScaleUpDomain > 0 && c.TP > m.Device.ScaleUpDomain {
			return nil, fmt.Errorf("serving: tensor %d exceeds the scale-up domain of %d chips of %s: at most %d", c.TP, m.Device.ScaleUpDomain, m.Device.ID, m.Device.ScaleUpDomain)
		}
		if !(m.Device.ScaleUpBytesPerSec > 0) && !(m.Device.HostBytesPerSec > 0) {
			return nil, fmt.Errorf("serving: tensor %d on %s: no scale-up link and no host link is known", c.TP, m.Device.ID)
		}
	}
	host := m.HostSpeed
	if host == 0 {
		host = 1
	}
	if !(host > 0) || math.IsInf(host, 0) {
		return nil, fmt.Errorf("serving: host speed %v: expected a positive factor", m.HostSpeed)
	}
	b := &stepBuilder{c: &c, m: &m, d: m.Device, fast: m.Device.Scale(hardware.Scaling{Compute: 1 + probe}), dt: compute, host: host, launch: m.Device.LaunchSec / launchH100 / host}
	if c.TP*c.AttentionDP > 1 {
		links, err := profile.Links()
		if err != nil {
			return nil, fmt.Errorf("serving: %w", err)
		}
		class := m.Device.ScaleUpClass
		if !(m.Device.ScaleUpBytesPerSec > 0) {
			class = "pcie"
		}
		b.linkSec = links[class].BaseSec
	}
	b.gd = kernels(m.Device, &c.Engine, compute)
	b.gfast = b.gd.Scale(hardware.Scaling{Compute: 1 + probe})
	b.wide = kernels(m.Device, &c.Engine, hardware.BF16)
	b.wideFast = b.wide.Scale(hardware.Scaling{Compute: 1 + probe})
	s := &StepModel{Arithmetic: compute, Memory: mem, RequestSec: c.Engine.Request.Value / host, HandoverSec: c.Engine.Handover.Value / host}
	if c.Arch.Experts > 0 {
		s.RequestSec = c.Engine.MoERequest.Value / host
	}
	floor := c.Engine.EagerLayer.Value * float64(c.Arch.Layers) / host
	s.linear = tabulate(c.TokenBudget+1, func(rows float64) split { return besides(b.layers(rows), floor) })
	if c.AttentionDP > 1 {
		s.groups = c.AttentionDP
		s.group = tabulate(c.TokenBudget+1, func(rows float64) split { return b.groupOnly(rows) })
	}
	s.head = tabulate(c.MaxBatch*c.Speculation.width()+1, func(rows float64) split { return b.sampler(rows) })
	b.attention(s)
	s.one = b.mixedAttention()
	sequence, messages := c.Engine.shown()*c.Engine.Sequence.Value, c.messages()
	s.seq = hostTime((sequence + c.Engine.Streamed.Value*messages) / host / float64(c.AttentionDP)).plus(s.seq)
	s.pace = c.Engine.Delivered.Value * messages / host / float64(c.AttentionDP)
	dense, moe := b.countLayers()
	s.mixed = hostTime((c.Engine.MixedStep.Value + dense*c.Engine.MixedLayer.Value + moe*c.Engine.MixedMoELayer.Value) / host)
	if c.Speculation.Tokens > 0 {
		draft, err := NewStepModel(c.Speculation.draftConfig(&c), m)
		if err != nil {
			return nil, fmt.Errorf("draft of %s: %w", c.Arch.ID, err)
		}
		s.speculate(&c.Speculation, draft)
	}
	if s.adapters = b.adapterWork(); s.adapters != nil && !(m.Device.HostBytesPerSec > 0) {
		return nil, fmt.Errorf("serving: adapters on %s: its host link is not known, over which they load", m.Device.ID)
	}
	last := s.linear[len(s.linear)-1].sec
	if math.IsInf(last, 0) || math.IsNaN(last) || !(s.kv.sec+s.near.sec > 0) || math.IsInf(s.kv.sec+s.near.sec, 0) {
		return nil, fmt.Errorf("serving: %s on %s in %s: the step time is not finite: the chip's rates are not known", c.Arch.ID, m.Device.ID, c.Precision)
	}
	return s, nil
}

// computeType is the format that matrix units work in: that of the weights, or
// 16 bits for narrower weights on chips without such units (weight-only
// quantisation, as engines do it).
func computeType(d *hardware.Device, dt hardware.DType) (hardware.DType, error) {
	err := d.Supports(dt)
	if err == nil {
		return dt, nil
	}
	if dt.Bytes() < 2 {
		alternatives := []hardware.DType{hardware.FP8, hardware.BF16, hardware.FP16}
		if dt.Bytes() < 1 {
			alternatives = alternatives[1:] // 4-bit weights are widened to 16 bits
		}
		for _, alt := range alternatives {
			if d.Supports(alt) == nil {
				return alt, nil
			}
		}
	}
	return dt, fmt.Errorf("serving: %w", err)
}

// besides is the time of a chip that works beside a host which needs floor
// seconds to launch the same step: the longer of both, rounded where they meet
// (p-norm 8; inference notes, section 4: a sum is wrong).
func besides(gpu split, floor float64) split {
	if floor <= 0 || gpu.sec <= 0 {
		return gpu
	}
	const p = 8
	hi, lo := math.Max(gpu.sec, floor), math.Min(gpu.sec, floor)
	t := hi * math.Pow(1+math.Pow(lo/hi, p), 1.0/p)
	share := math.Pow(gpu.sec/t, p-1) // derivative of t by the chip's time
	out := gpu.times(share)
	out.sec = t
	return out
}

// launchH100 is the smallest time of a kernel of an H100 (hardware/profile), which engines'
// constants per layer are stated for: what they stand for is kernels that do little.
const launchH100 = 2.5e-6

type stepBuilder struct {
	c              *Config
	m              *Machine
	d, fast        *hardware.Device
	gd, gfast      *hardware.Device // for matrices
	wide, wideFast *hardware.Device // for matrices in 16 bits
	dt             hardware.DType
	host           float64
	launch         float64 // time of the chip's smallest kernels against an H100's
	linkSec        float64 // latency of an all-reduce over two chips
	alone          bool    // without what attention groups do together
}

func (b *stepBuilder) countLayers() (dense, moe float64) {
	for i := range b.c.Arch.Layers {
		if b.c.Arch.Layer(i).MoE {
			moe++
		} else {
			dense++
		}
	}
	return dense, moe
}

// gemm is rows × k times k × n with the weights in the model's precision.
func (b *stepBuilder) gemm(rows, n, k float64) split {
	w := storedBytes(b.c.Precision)
	t := attributed(b.gd, b.gfast, func(d *hardware.Device) hardware.Cost { return d.GEMMWeights(rows, n, k, b.dt, w) })
	return t.plus(hostTime(ofType(b.dt, 0, b.c.Engine.Quant8.Value, b.c.Engine.Quant4.Value) * b.launch))
}

// project is gemm for the projections of attention, which stay in 16 bits where a
// checkpoint quantises the MLPs alone.
func (b *stepBuilder) project(rows, n, k float64) split {
	if !mlpsOnly(b.c) || b.d.Supports(hardware.BF16) != nil {
		return b.gemm(rows, n, k)
	}
	return attributed(b.wide, b.wideFast, func(d *hardware.Device) hardware.Cost { return d.GEMMWeights(rows, n, k, hardware.BF16, 2) })
}

// output is the output projection of attention.
func (b *stepBuilder) output(rows, n, k float64) split {
	if outputToo(b.c) {
		return b.gemm(rows, n, k)
	}
	return b.project(rows, n, k)
}

// outputToo says whether a checkpoint that quantises MLPs quantises that projection beside them.
func outputToo(c *Config) bool { return c.Arch.Output4 && c.Precision.Bytes() < 1 }

// mlpsOnly says whether only the MLPs are quantised: 4-bit mixtures (GPT-OSS, NVFP4
// checkpoints of DeepSeek; inference notes, section 3e) and families that keep it so in 8 bits.
func mlpsOnly(c *Config) bool {
	return c.Precision.Bytes() < 1 && c.Arch.Experts > 0 || c.Precision.Bytes() == 1 && c.Arch.MLPs8
}

// storedBytes is what a weight takes in memory: 4-bit formats carry a scale of 8 bits
// for each block of 16.
func storedBytes(dt hardware.DType) float64 {
	if dt.Bytes() < 1 {
		return dt.Bytes() + 1.0/16
	}
	return dt.Bytes()
}

// kernels is the device as the engine's matrix kernels see it: slower where
// activations are quantised on the way.
func kernels(d *hardware.Device, e *EngineProfile, dt hardware.DType) *hardware.Device {
	return d.Scale(hardware.Scaling{Memory: e.Stream.Value, Compute: ofType(dt, e.GEMM16.Value, e.GEMM8.Value, e.GEMM4.Value)})
}

// layers is the time of all layers for rows rows, without attention over the
// cache. With pipeline stages a step is one round in which each of PP
// micro-batches of rows/PP passes all stages, so that every sequence advances
// by one token.
func (b *stepBuilder) layers(rows float64) split {
	a, tp, pp := &b.c.Arch, float64(b.c.TP), float64(b.c.PP)
	all := rows / pp
	n := all
	if adp := float64(b.c.AttentionDP); adp > 1 {
		n = math.Max(math.Min(1, all), all/adp) // of one attention group
	}
	h := float64(a.Hidden)
	dense, moe := b.countLayers()

	var attn split
	if mla := a.MLA; mla != nil {
		heads, qk := float64(a.Heads)/tp, float64(mla.QKNope+mla.QKRope)
		if mla.QLora > 0 {
			attn = attn.plus(b.project(n, float64(mla.QLora), h)).plus(b.project(n, heads*qk, float64(mla.QLora)))
		} else {
			attn = attn.plus(b.project(n, heads*qk, h))
		}
		attn = attn.plus(b.project(n, float64(mla.KVLora+mla.QKRope), h))
		attn = attn.plus(b.project(n, heads*float64(mla.QKNope+mla.VHead), float64(mla.KVLora)))
		attn = attn.plus(b.output(n, h, heads*float64(mla.VHead)))
		attn = attn.plus(hostTime(b.c.Engine.MLALayer.Value * b.launch))
	} else {
		q := float64(a.QWidth()) / tp
		kv := float64(a.HeadDim) * math.Max(1, float64(a.KVHeads)/tp)
		attn = b.project(n, q+2*kv, h).plus(b.output(n, h, q))
	}
	matrices := float64(a.MLPMatrices())
	mlp := func(width float64) split {
		return b.gemm(n, (matrices-1)*width/tp, h).plus(b.gemm(n, h, width/tp)).plus(b.gate(n, width/tp))
	}
	per := hostTime(b.c.Engine.Layer.Value * b.launch).plus(b.allReduces(n * h * 2)).plus(b.elementwise(n))
	total := per.plus(attn).times(dense + moe)
	if dense > 0 {
		total = total.plus(mlp(float64(a.FFN)).times(dense))
	}
	if moe > 0 {
		var m split
		if !b.alone {
			fixed := b.c.Engine.MoELayer.Value * b.launch
			if b.dt == b.c.Precision && b.dt.Bytes() < 1 {
				fixed *= fused
			}
			m = b.experts(all).plus(hostTime(fixed)).plus(b.exchanges(n))
		}
		if a.SharedExperts > 0 {
			m = m.plus(mlp(float64(a.SharedExperts * a.ExpertFFN)))
		}
		total = total.plus(m.times(moe))
	}
	if pp > 1 {
		total = total.plus(b.hop(n * h * 2).times(pp))
	}
	return total.plus(hostTime(b.c.Engine.shown()*b.c.Engine.Step.Value/b.host + 2*b.m.CrossingSec))
}

// groupOnly is the part of the layers that each attention group does for its own
// rows: projections, dense and shared MLPs, its all-reduces.
func (b *stepBuilder) groupOnly(rows float64) split {
	own := *b
	own.alone = true
	return own.layers(rows)
}

// experts is one mixture layer whose experts are spread over the TP chips: the
// weights of the experts that at least one of n rows visits are read,
// E(1 − (1 − k/E)^n) of them. Grouped kernels over few rows per expert are far
// from both limits; their efficiencies are the engine's, fitted on whole steps.
func (b *stepBuilder) experts(n float64) split {
	a, e := &b.c.Arch, &b.c.Engine
	experts, k, tp := float64(a.Experts), float64(a.ExpertsActive), float64(b.c.TP*b.c.AttentionDP)
	active := experts * -math.Expm1(n*math.Log1p(-math.Min(k/experts, 1-1e-12)))
	weights := float64(a.MLPMatrices()) * float64(a.Hidden) * float64(a.ExpertFFN)
	ep := float64(b.c.ExpertParallel)
	uneven := 1.0
	if ep > 1 {
		uneven = 1 + math.Max(0, e.Imbalance.Value-1)*busiest(ep, experts)
	}
	width := float64(a.ExpertFFN) * ep / tp // of an expert on one chip
	flops := 2 * weights / tp * (n*k*uneven + active*e.MoETile.Value)
	compute := flops / (b.d.Peak[b.dt] * ofType(b.dt, e.MoE16.Value, e.MoE8.Value, e.MoE4.Value) * width / (width + narrow))
	stream := e.MoEWeights.Value
	if b.dt != b.c.Precision {
		stream *= e.Widened.Value
	}
	memory := active / tp * weights * storedBytes(b.c.Precision) / (b.d.MemBytesPerSec * stream)
	// (a² + b²)^½ divides into a²/t and b²/t, its derivatives times a and b.
	t := math.Hypot(compute, memory)
	if t == 0 {
		return split{}
	}
	return split{sec: t, compute: compute * compute / t, hbm: memory * memory / t}
}

// busiest is how much the busiest of some shares of experts stands out, relative to the busiest of 8
// shares of 256, for which the engine's constant is stated: a share's rows vary as one over the root of
// its experts, and the largest of n such is some √(2 ln n) deviations above the mean.
func busiest(shares, experts float64) float64 {
	return math.Sqrt(shares / 8 * math.Log(shares) / math.Log(8) * 256 / experts)
}

// fused is what is left of the fixed time of a mixture layer where routing, permutation
// and both matrices run in one kernel, as engines do on chips with 4-bit units (GPT-OSS and
// DeepSeek at small batches on B200 against H200).
const fused = 0.45

// narrow is the width of an expert on one chip at which its kernels reach half of their rate
// (fused-MoE table of H100, 8-bit blocks: 196, 301, 407, 465 and 510 TFLOP/s at 128, 256, 512,
// 1,024 and 2,048).
const narrow = 180

// ofType picks by the width of a format.
func ofType(dt hardware.DType, wide, eight, four float64) float64 {
	switch {
	case dt.Bytes() < 1:
		return four
	case dt.Bytes() < 2:
		return eight
	}
	return wide
}

// elementwise is what rows of a layer move through memory outside matrices and
// attention, in 16 bits: norms with their residual read two and write two rows twice a
// layer; rotation (and norms of heads) reads and writes queries and keys.
func (b *stepBuilder) elementwise(rows float64) split {
	a := &b.c.Arch
	heads := 2 * float64(a.QWidth()+a.KVWidth()) / float64(b.c.TP)
	return b.moved(2 * rows * (8*float64(a.Hidden) + heads))
}

// gate reads the widths of an MLP that were computed and writes the one that goes on.
func (b *stepBuilder) gate(rows, width float64) split {
	return b.moved(2 * rows * float64(b.c.Arch.MLPMatrices()) * width)
}

func (b *stepBuilder) moved(bytes float64) split {
	return attributed(b.d, b.fast, func(d *hardware.Device) hardware.Cost { return d.Elementwise(bytes) })
}

// sampler is the language-model head over the rows sampled, in 16 bits.
func (b *stepBuilder) sampler(rows float64) split {
	a := &b.c.Arch
	n := rows / float64(b.c.PP*b.c.AttentionDP)
	dt := b.dt
	if dt.Bytes() < 2 && b.d.Supports(hardware.BF16) == nil {
		dt = hardware.BF16
	}
	w := math.Max(2, b.c.Precision.Bytes())
	return attributed(b.d, b.fast, func(d *hardware.Device) hardware.Cost {
		return d.GEMMWeights(n, float64(a.Vocab)/float64(b.c.TP), float64(a.Hidden), dt, w)
	})
}

// tabulate evaluates f at whole numbers 0 … n−1: every one up to 64, beyond
// that at steps of about 3 % with straight lines between.
func tabulate(n int, f func(float64) split) []split {
	t := make([]split, n)
	at := 0
	for i := 1; i < n; {
		t[i] = f(float64(i))
		for k := at + 1; k < i; k++ {
			w := float64(k-at) / float64(i-at)
			t[k] = t[at].times(1 - w).plus(t[i].times(w))
		}
		at = i
		if i == n-1 {
			break
		}
		i = min(i+max(1, i/32), n-1)
		if i <= 64 {
			i = at + 1
		}
	}
	return t
}
