package training

import (
	"fmt"
	"strings"

	"aisim/hardware"
	"aisim/internal/result"
	"aisim/workloads"
)

const gib = 1 << 30

// The classes of memory, in the order of reports.
const (
	memWeights = iota
	memGradients
	memOptimizer
	memActivations
	memBuffers
	memFragmentation
	numMem
)

var memNames = [numMem]string{"weights", "gradients", "optimizer", "activations", "buffers", "fragmentation"}

// footprint is the memory of one rank in bytes by class.
type footprint [numMem]float64

func (f *footprint) total() float64 {
	var s float64
	for _, b := range f {
		s += b
	}
	return s
}

func (f *footprint) parts() []result.MemoryPart {
	out := make([]result.MemoryPart, numMem)
	for i, b := range f {
		out[i] = result.MemoryPart{Name: memNames[i], GiB: b / gib}
	}
	return out
}

// stateBytes is what one parameter takes as weight, gradient and optimizer state.
// Mixed precision keeps a 16-bit weight (under 8-bit linear layers an 8-bit one and
// its transposed copy instead), and a 32-bit master weight with two moments.
func stateBytes(dt hardware.DType, fw *Framework) (weight, gradient, optimizer float64) {
	switch {
	case dt.Bytes() >= 4:
		return dt.Bytes(), dt.Bytes(), 2 * dt.Bytes()
	}
	return 2, fw.GradientBytes, 12
}

// checkpointBytesPerParam: 16-bit weights, 32-bit master weights and two moments are
// 14 B, which MLPerf Storage's checkpoint sizes confirm within 1 % (8.03e9 parameters:
// 104.7 GiB; 1.38e12: 17,993 GiB).
func checkpointBytesPerParam(dt hardware.DType) float64 {
	if dt.Bytes() >= 4 {
		return 3 * dt.Bytes()
	}
	return 14
}

// memory is the peak memory of each stage's ranks in bytes.
func (c *Config) memory(fw *Framework, chunks []chunk) []footprint {
	p, v := c.Parallel.PP, c.stageChunks()
	s := c.shape()
	wb, gb, ob := stateBytes(c.Precision, fw)
	data, expertData := s.shards, s.expertShards()
	trained := c.trainedShare()
	out := make([]footprint, p)
	for stage := range out {
		f := &out[stage]
		var n, largest perRank
		var working float64
		keeps := make([]kept, v)
		for ci := range v {
			ch := &chunks[ci*p+stage]
			n.addTimes(1, c.chunkParams(ch))
			var per, weights float64
			for i, count := range ch.layers {
				if count == 0 {
					continue
				}
				k := kindAt(i)
				if l := c.layerParams(k); l.total() > largest.total() {
					largest = l
				}
				per += float64(count) * c.activationBytes(&s, k, fw, c.Recompute)
				if c.Schedule.splits() {
					weights += float64(count) * c.weightBytes(&s, k)
				}
				if c.Recompute == RecomputeFull {
					working = max(working, c.activationBytes(&s, k, fw, RecomputeNone))
				}
			}
			if ch.head {
				per += 2 * s.tokens * s.h * s.actBytes / s.split
				working += s.tokens * float64(c.Arch.Vocab) / s.t * fw.LogitBytes
			}
			if ch.mtp { // a head's input and logits, both norms' inputs and the joint input of each depth
				per += 6 * float64(c.MTP) * s.tokens * s.h * s.actBytes / s.split
				working += float64(c.MTP) * s.tokens * float64(c.Arch.Vocab) / s.t * fw.LogitBytes
			}
			keeps[ci] = kept{per, weights}
		}
		shard := func(stage int) float64 { // bytes-weighted parameters after sharding from this ZeRO stage on
			if c.ZeRO < stage {
				return n.total()
			}
			return n.dense/data + n.expert/expertData
		}
		f[memWeights] = wb * shard(3)
		f[memGradients] = gb * shard(2) * trained
		if !c.OffloadOptimizer {
			f[memOptimizer] = ob * shard(1) * trained
		}
		if c.ZeRO >= 1 {
			f[memOptimizer] += trained * (fw.ShardedHeld*n.total() + fw.ShardedLocal*shard(1))
		}
		f[memActivations] = c.held(keeps, stage) + working
		f[memBuffers] = fw.ContextBytes + c.steadyBytes(fw)
		if c.ZeRO >= 2 && data > 1 {
			f[memBuffers] += 2 * fw.ReduceBytes * largest.total() // gradients on their way
		}
		if c.ZeRO == 3 && data > 1 {
			f[memBuffers] += 2 * s.actBytes * largest.total() // this layer's and the next one's weights
		}
		f[memFragmentation] = fw.Fragmentation * (f.total() - fw.ContextBytes)
	}
	return out
}

// steadyBytes is what stays allocated between steps beside states.
func (c *Config) steadyBytes(fw *Framework) float64 {
	b := fw.SteadyBytes
	if s := c.shape(); s.t > 1 {
		b += fw.GatherBuffers * s.tokens * s.h * s.actBytes
	}
	return b
}

// activationBytes is what one layer keeps of one micro-batch for its backward pass
// on one rank. Without fused attention and with a plain MLP of 4h it is
// s·b·h·(34 + 5as/h), and the forms of Korthikanti et al. (arXiv:2205.05198, table 2)
// under tensor and sequence parallelism. Inputs of 8-bit linear layers are kept as
// they were quantised.
func (c *Config) activationBytes(s *shape, k workloads.LayerKind, fw *Framework, mode Recompute) float64 {
	a, b := &c.Arch, s.actBytes
	if mode == RecomputeFull {
		return s.tokens * s.h * b / s.split
	}
	in := min(b, s.linear.Bytes()) // a linear layer's kept input
	residual := 2 * s.h * b        // inputs of two norms
	normed := 2 * s.h * in         // outputs of two norms
	if !a.GatedMLP && !fw.FusedAttention {
		residual += 2 * s.h // dropout masks
	}
	var attention float64
	if m := a.MLA; m != nil {
		heads := float64(a.Heads)
		attention = b * (float64(m.QLora+m.KVLora+m.QKRope)*s.t + heads*float64(m.QKNope+m.QKRope) + heads*float64(m.QKNope+m.VHead) + heads*float64(m.VHead))
	} else {
		attention = b * (s.q + 2*s.kv + s.q)
		if in < b {
			attention += in * s.q // the projection's input beside attention's own output
		}
	}
	if fw.FusedAttention {
		attention += 4 * float64(a.Heads) // softmax statistics
	} else if mode == RecomputeNone {
		attention += (2*b + 1) * float64(a.Heads) * s.seq // scores, their mask and product
	}
	f := c.mlpWidth(k)
	mlp, product := b*f*float64(a.MLPMatrices()-1), in*f
	if a.GatedMLP && fw.MLPKept > 0 {
		mlp += b * f * (fw.MLPKept - 3)
	}
	var routed float64
	if k.MoE {
		routed = float64(a.ExpertsActive) * s.h * (in + b) // tokens as dispatched and as returned
	}
	if fw.FusedAttention && mode == RecomputeSelective || mode == RecomputeMinimal {
		normed, product = 0, 0
	}
	if mode == RecomputeMLP {
		normed, mlp, product = 0, 0, 0
	}
	var gathered float64
	if s.split > 1 {
		gathered = fw.GatheredKept * s.h * b
	}
	return s.tokens * ((residual+normed+routed)/s.split + (attention+mlp+product)/s.t + gathered)
}

// classes turns footprints into the report's memory classes.
func (c *Config) classes(feet []footprint, usable float64) []result.MemoryClass {
	out := make([]result.MemoryClass, len(feet))
	for i := range feet {
		out[i] = result.MemoryClass{Name: c.stageName(i), Ranks: c.chips() / c.Parallel.PP,
			Parts: feet[i].parts(), UsableGiB: usable / gib, TotalGiB: feet[i].total() / gib}
	}
	return out
}

func (c *Config) stageName(i int) string {
	p := c.Parallel.PP
	switch {
	case p == 1:
		return "all ranks"
	case i == 0:
		return "stage 1, with embedding"
	case i == p-1:
		return fmt.Sprintf("stage %d, with head", p)
	}
	return fmt.Sprintf("stage %d", i+1)
}

// MemoryError says that a configuration does not fit its chips.
type MemoryError struct {
	Stage       string
	NeedBytes   float64
	UsableBytes float64
	Parts       []result.MemoryPart
	Changes     []Change // nearest configuration that fits, nil when none was found
	Nearest     *Config
}

// Change is one setting that would have to be another.
type Change struct{ Field, From, To string }

func (e *MemoryError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "training: does not fit: %s needs %.1f GiB of %.1f GiB, %.1f GiB too much (", e.Stage, e.NeedBytes/gib, e.UsableBytes/gib, (e.NeedBytes-e.UsableBytes)/gib)
	sep := ""
	for _, p := range e.Parts {
		if p.GiB >= 0.05 {
			fmt.Fprintf(&b, "%s%s %.1f", sep, p.Name, p.GiB)
			sep = ", "
		}
	}
	b.WriteString("); ")
	if e.Nearest == nil {
		b.WriteString("no setting of recompute, sequence_parallel, zero, micro-batch, tensor and pipeline that was tried fits: more chips or more memory are needed")
		return b.String()
	}
	b.WriteString("nearest that fits: ")
	for i, ch := range e.Changes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s = %s (was %s)", ch.Field, ch.To, ch.From)
	}
	return b.String()
}
