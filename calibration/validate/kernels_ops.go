package validate

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"aisim/hardware"
)

// fusedGeneration is the library that a fused attention is like: FlashAttention 2 or 3. assumed says
// what the row leaves open; spread is what other libraries differ by.
func fusedGeneration(kernel string, d *hardware.Device) (generation int, assumed string, spread float64) {
	n := strings.ToLower(kernel)
	hopper := strings.HasPrefix(d.ID, "nvidia-h") || strings.HasPrefix(d.ID, "nvidia-gh")
	switch {
	case hasAny(n, "flashattention-3", "flashattention 3", "flashattention3", "flash attention 3", "fa3"):
		return 3, "", 0.12
	case hasAny(n, "flashattention-2", "flashattention 2", "flashattention2", "flash attention 2", "flash2", "fa2"):
		return 2, "", 0.03
	case hasAny(n, "cudnn", "thunderkittens", "fmha") && hopper:
		return 3, "a kernel of Hopper's asynchronous units as FlashAttention-3", 0.20
	}
	return 2, "fused attention as FlashAttention-2", 0.20
}

func (k *kernels) attention(row Row, d *hardware.Device, c *Case, class string) (work, error) {
	shape := row.Text("shape")
	s := sizes(shape)
	seq, dim := s["seq"], s["head_dim"]
	if seq == 0 || dim == 0 {
		return work{}, fmt.Errorf("the row gives no shape (%q): seq and head_dim are needed", shape)
	}
	if dim > 1024 || seq > 1<<24 {
		return work{}, fmt.Errorf("shape %q is out of range", shape)
	}
	masked, told := causal(shape)
	if !told {
		c.Assumed = append(c.Assumed, "not causal")
	}
	tokens, hidden := 16384.0, 2048.0
	switch m := tokensText.FindStringSubmatch(shape); {
	case m != nil:
		tokens = decimal(m[1]) * 1024
	case s["batch"] > 0:
		tokens = s["batch"] * seq
	default:
		c.Assumed = append(c.Assumed, "16k tokens in all")
	}
	switch m := hiddenText.FindStringSubmatch(shape); {
	case m != nil:
		hidden = decimal(m[1])
	case s["heads"] > 0:
		hidden = s["heads"] * dim
	default:
		c.Assumed = append(c.Assumed, "hidden 2048")
	}
	a := hardware.TrainingAttention{Tokens: tokens, Seq: seq, Heads: hidden / dim, HeadDim: dim, Causal: masked}
	passes := 3.5 // forward, and backward with recomputation
	name := strings.ToLower(row.Text("kernel"))
	switch {
	case hasAny(name, "fwd+bwd", "fwd + bwd", "forward+backward", "forward + backward"):
		a.Forward, a.Backward = true, true
	case hasAny(name, "bwd", "backward"):
		a.Backward, passes = true, 2.5
	default:
		a.Forward, passes = true, 1
	}
	dt, _, _, err := operandType(row.Text("dtype"), d)
	if err != nil {
		return work{}, err
	}
	if dt != hardware.FP16 && dt != hardware.BF16 {
		return work{}, fmt.Errorf("attention in %s: rates are known for 16 bits", row.Text("dtype"))
	}
	if err := d.Supports(dt); err != nil {
		return work{}, err
	}
	flops := passes * 4 * tokens * seq * hidden
	if masked {
		flops /= 2
	}
	w := work{flops: flops, bytes: 4 * tokens * hidden * 2 * passes, rung: "attention curve of the library", class: class}
	generation := 0
	w.sd = 0.035
	if class != "unfused attention" {
		var assumed string
		if generation, assumed, w.sd = fusedGeneration(row.Text("kernel"), d); assumed != "" {
			c.Assumed = append(c.Assumed, assumed)
		}
	}
	if !hardware.AttentionMeasured(d.ID, generation) {
		w.sd = math.Max(w.sd, 0.25)
	}
	if w.predicted, err = d.AttentionSec(a, generation, dt); err != nil {
		// Other makers: the operator model of the family, forward and backward.
		shape := hardware.AttentionShape{Batch: tokens / seq, Heads: hidden / dim, KVHeads: hidden / dim, HeadDim: dim, Query: seq, Causal: masked, DType: dt, Unfused: generation == 0}
		if a.Forward {
			w.predicted += d.Attention(shape).Sec
		}
		if a.Backward {
			shape.Backward = true
			w.predicted += d.Attention(shape).Sec
		}
		w.sd, w.rung = 0.5, "operator model, "+d.Rung
	}
	w.roof = math.Max(flops/d.Peak[dt], w.bytes/d.MemBytesPerSec)
	return w, nil
}

// decode is attention of one new token per sequence over a cache, in one piece or in pages: pages of 16 tokens
// and more are read in whole lines of memory, so that they cost what one piece does.
func (k *kernels) decode(row Row, d *hardware.Device, c *Case) (work, error) {
	s := sizes(row.Text("shape"))
	for _, name := range []string{"batch", "heads", "seq", "head_dim"} {
		if s[name] == 0 {
			return work{}, fmt.Errorf("the row gives no %s (%q): batch, heads, kv_heads, seq and head_dim are needed", name, row.Text("shape"))
		}
	}
	kv := s["kv_heads"]
	if kv == 0 {
		kv = s["heads"]
		c.Assumed = append(c.Assumed, "as many key heads as query heads")
	}
	dt, bytes, _, err := operandType(row.Text("dtype"), d)
	if err != nil {
		return work{}, err
	}
	math16 := dt
	if dt == hardware.FP8 || dt == hardware.INT8 || dt == hardware.FP4 {
		if math16 = hardware.BF16; d.Peak[math16] == 0 {
			math16 = hardware.FP16
		}
	}
	if err := d.Supports(math16); err != nil {
		return work{}, err
	}
	cached := s["batch"] * s["seq"]
	w := work{flops: 4 * cached * s["heads"] * s["head_dim"], bytes: 2*cached*kv*s["head_dim"]*bytes + 4*s["batch"]*s["heads"]*s["head_dim"], class: "decode attention", sd: 0.28, rung: "operator model, " + d.Rung}
	w.predicted = d.Decode(hardware.DecodeShape{Batch: s["batch"], Heads: s["heads"], KVHeads: kv, HeadDim: s["head_dim"], KVTokens: cached, KVBytes: bytes, DType: math16}).Sec
	w.roof = math.Max(w.flops/d.Peak[math16], w.bytes/d.MemBytesPerSec)
	return w, nil
}

var convolutionText = regexp.MustCompile(`(?i)\b([nchwkrs]|stride|pad(?:ding)?)\s*[=:]\s*(\d+)`)

// convolution reads N, C, H, W, K (filters), R, S, stride and pad.
func (k *kernels) convolution(row Row, d *hardware.Device, c *Case) (work, error) {
	s := map[string]float64{"stride": 1}
	for _, m := range convolutionText.FindAllStringSubmatch(row.Text("shape"), -1) {
		s[strings.TrimSuffix(strings.ToLower(m[1]), "ding")] = decimal(m[2])
	}
	for _, name := range []string{"n", "c", "h", "w", "k", "r", "s"} {
		if s[name] == 0 {
			return work{}, fmt.Errorf("the row gives no %s (%q): N, C, H, W, K, R and S are needed", strings.ToUpper(name), row.Text("shape"))
		}
	}
	dt, _, _, err := operandType(row.Text("dtype"), d)
	if err != nil {
		return work{}, err
	}
	if err := d.Supports(dt); err != nil {
		return work{}, err
	}
	x := hardware.Convolution{Batch: s["n"], Channels: s["c"], Height: s["h"], Width: s["w"], Filters: s["k"], FilterHeight: s["r"], FilterWidth: s["s"], Stride: s["stride"], Pad: s["pad"], DType: dt}
	flops, bytes := x.Work()
	if flops <= 0 {
		return work{}, fmt.Errorf("shape %q has no output", row.Text("shape"))
	}
	c.Assumed = append(c.Assumed, "implicit matrix multiplication")
	return work{flops: flops, bytes: bytes, predicted: d.Convolution(x).Sec, roof: math.Max(flops/d.Peak[dt], bytes/d.MemBytesPerSec), sd: 0.6, rung: "implicit GEMM, " + d.Rung, class: "convolution"}, nil
}

// elementPasses is how often an element-wise kernel moves each value, by its name (Vidur's layers run
// normalisation at half the rate of a stream: counted as more passes); 0: not one.
func elementPasses(kernel string) float64 {
	for _, e := range []struct {
		words  []string
		passes float64
	}{{[]string{"norm"}, 5}, {[]string{"softmax"}, 5}, {[]string{"swiglu", "silu_and_mul", "geglu"}, 3}, {[]string{"rotary", "rope"}, 4}, {[]string{"gelu", "relu", "silu", "dropout", "transpose", "cast", "quant"}, 2},
		{[]string{"add", "residual"}, 3}, {[]string{"reduction", "reduce", "sum"}, 1}} {
		if hasAny(strings.ToLower(kernel), e.words...) {
			return e.passes
		}
	}
	return 0
}

// elements are kernels that move tokens × hidden values.
func (k *kernels) elements(row Row, d *hardware.Device, c *Case, class string) (work, error) {
	s := sizes(row.Text("shape"))
	tokens, width := s["tokens"], s["hidden"]
	if tokens == 0 {
		tokens = s["m"]
	}
	if width == 0 {
		width = s["n"]
	}
	if tokens == 0 || width == 0 {
		return work{}, fmt.Errorf("the row gives no shape (%q): tokens and hidden are needed", row.Text("shape"))
	}
	_, bytes, _, err := operandType(row.Text("dtype"), d)
	if err != nil {
		return work{}, err
	}
	w := work{class: class, sd: 0.35, rung: "operator model, " + d.Rung}
	if class == "embedding" {
		w.bytes, w.predicted = 2*tokens*width*bytes, d.Embedding(tokens, width, bytes).Sec
	} else {
		w.bytes = elementPasses(row.Text("kernel")) * tokens * width * bytes
		w.predicted = d.Elementwise(w.bytes).Sec
	}
	w.roof = w.bytes / d.MemBytesPerSec
	return w, nil
}
