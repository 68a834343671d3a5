package serving

import (
	"math"
	"slices"
)

// The rules by which engines size their caches; V is what the driver shows of the device, f the
// memory fraction, W the weights, N what libraries take, A the peak of a profiled step.
const (
	// MemoryTotal leaves f·V − W − N − A (vLLM, gpu_memory_utilization).
	MemoryTotal = "total"
	// MemoryStatic leaves f·(V − N) − W: activations live in the rest (SGLang, mem_fraction_static).
	MemoryStatic = "static"
	// MemoryFree leaves f·(V − W − N − A) (TensorRT-LLM, free_gpu_memory_fraction).
	MemoryFree = "free"
)

var memoryRules = []string{MemoryTotal, MemoryStatic, MemoryFree}

// staticFraction is SGLang's own choice where no fraction is given: what remains of the memory
// beside 512 MB, 1.5 MB for each token of a step, 2 MB for each sequence of the largest graph and
// 128 MB for each chip of the replica, and at least 10 GiB on devices beyond 60 (server_args.py of
// SGLang 0.5, in MiB).
func staticFraction(c *Config, deviceBytes float64) float64 {
	const mib = 1 << 20
	chips := float64(c.TP * c.PP)
	kept := 512 + 1.5*math.Max(2048, float64(c.TokenBudget)/float64(c.AttentionDP)) + 2*float64(c.MaxBatch)/float64(c.AttentionDP) + 128*chips
	if deviceBytes > 60*1024*mib {
		kept = math.Max(kept, 10*1024)
	}
	return math.Max(0, 1-kept*mib/deviceBytes)
}

// activations is the peak of the step by which an engine measures what it needs beside weights
// and cache, in bytes on one chip: a whole token budget through the layers, the sampler with
// every seat taken, and before them the encoder with as many of the largest images as fit the
// budget. What each part holds is in docs/models/serving.md.
func activations(c *Config) float64 {
	a, tp, adp := &c.Arch, float64(c.TP), float64(c.AttentionDP)
	tokens, seats := float64(c.TokenBudget)/adp, float64(c.MaxBatch)/adp
	h := float64(a.Hidden)
	held := 2 * 2 * tokens * h // the rows and their residual
	q, kv := float64(a.QWidth())/tp, float64(a.HeadDim)*math.Max(1, float64(a.KVHeads)/tp)
	first := held + 2*tokens*(q+2*kv)
	if c.Engine.MemoryRule == MemoryTotal {
		first += rotaryBytes(c) // the profiled run converts the table once more
	}
	mlp := held + 2*tokens*float64(a.MLPMatrices())*float64(a.FFN)/tp
	experts := 0.0
	if a.Experts > 0 {
		share := float64(c.ExpertParallel)
		width := float64(a.ExpertFFN) * share / (tp * adp)
		rows := float64(c.TokenBudget) * float64(a.ExpertsActive) / share
		experts = 2 * (rows*(math.Max(float64(a.MLPMatrices()-1)*width, h)+math.Max(width, h)) + tokens*h)
	}
	sampler := 2*tokens*h + experts + seats*float64(a.Vocab)*c.Engine.SamplerBytes.Value
	encoder, encoded := 0.0, 0.0
	if v := a.Vision; v != nil {
		images := math.Max(1, math.Floor(tokens/float64(v.Tokens)))
		matrices := 2.0
		if v.Gated {
			matrices = 3
		}
		wide := math.Max(6*float64(v.Hidden), matrices*float64(v.FFN)) / tp
		encoder = 2 * images * float64(v.Patches) * (2*float64(v.Hidden) + wide)
		encoded = 2 * images * float64(v.Tokens) * h
	}
	return encoded + slices.Max([]float64{encoder, first, mlp + experts, sampler})
}

// rotaryBytes is the table of rotations of a model, in 16 bits: a row for every position that
// the model was trained for, on every chip. Llama 4 Scout has 10,485,760 (2.7 GB).
func rotaryBytes(c *Config) float64 {
	a := &c.Arch
	if a.LearnedPositions > 0 || !a.Causal {
		return 0
	}
	width := a.HeadDim
	if a.MLA != nil {
		width = a.MLA.QKRope
	}
	return 2 * float64(a.MaxSeq) * float64(width)
}
