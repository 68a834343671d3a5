package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/hardware"
	"aisim/hardware/profile"
)

func init() { Register("kernels", newKernels) }

// kernels predicts single operators on single chips.
type kernels struct {
	catalogue *hardware.Catalogue
	links     map[string]profile.LinkParams
	devices   map[string]*hardware.Device
}

func newKernels() (Kind, error) {
	links, err := profile.Links()
	if err != nil {
		return nil, err
	}
	return &kernels{catalogue: hardware.Default(), links: links, devices: map[string]*hardware.Device{}}, nil
}

func (k *kernels) Name() string { return "kernels" }
func (k *kernels) Columns() []string {
	return []string{"chip", "kernel", "shape", "dtype", "value", "unit"}
}

var (
	gemmCross  = regexp.MustCompile(`(?i)(?:MxNxK\s*)?\b(\d+)\s*x\s*(\d+)\s*x\s*(\d+)`)
	gemmEqual  = regexp.MustCompile(`(?i)M=(\d+)\s+N=(\d+)\s+K=(\d+)`)
	groupsText = regexp.MustCompile(`(?i)(?:groups?|batch)=(\d+)`)
	seqText    = regexp.MustCompile(`(?i)seq(?:len)?=(\d+)(k?)`)
	dimText    = regexp.MustCompile(`(?i)head_?dim=(\d+)`)
	causalText = regexp.MustCompile(`(?i)causal=(yes|no|true|false|1|0)`)
	tokensText = regexp.MustCompile(`(?i)(\d+)k tokens`)
	hiddenText = regexp.MustCompile(`(?i)hidden (?:dim(?:ension)? )?(\d+)`)
)

// work is what a row's operator moves and computes.
type work struct {
	flops, bytes float64
	predicted    float64 // seconds
	roof         float64 // seconds
	sd           float64
	rung         string
	class        string
}

// Predict implements Kind.
func (k *kernels) Predict(row Row, c Case) []Case {
	c.In("op", opClass(row.Text("kernel")))
	c.In("chip", row.Text("chip"))
	c.In("source", row.Text("source"))
	c.In("dtype", row.Text("dtype"))
	c.In("family", family(row.Text("id")))
	v, ok, err := row.Number("value")
	if err == nil && ok && v <= 0 {
		err = fmt.Errorf("line %d: value is %g, want a positive number", row.Line, v)
	}
	if err != nil {
		return []Case{c.Fail(err)}
	}
	unit := row.Text("unit")
	metric, scale := "time", Time
	switch strings.ToLower(unit) {
	case "ms", "us", "s":
	case "tflop/s", "tflops", "gflop/s", "top/s", "tops":
		metric, scale = "compute_rate", Rate
	case "gb/s", "tb/s":
		metric, scale = "bandwidth", Rate
	default:
		return []Case{c.Refuse(fmt.Sprintf("unit %q is not known: expected a time, TFLOP/s or GB/s", unit))}
	}
	if !ok {
		return []Case{c.Refuse("the row has no measured value")}
	}
	c.Measure(metric, unit, scale, v)
	id, assumed := chipOf(row.Text("chip"))
	if id == "" {
		return []Case{c.Refuse(notInCatalogue(row.Text("chip")).Error())}
	}
	if assumed != "" {
		c.Assumed = append(c.Assumed, assumed)
	}
	d, err := k.device(id)
	if err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	w, err := k.work(row, d, &c)
	if err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	c.In("class", w.class)
	in := func(sec float64) float64 {
		switch strings.ToLower(unit) {
		case "ms":
			return sec * 1e3
		case "us":
			return sec * 1e6
		case "s":
			return sec
		case "gflop/s":
			return w.flops / sec / 1e9
		case "gb/s":
			return w.bytes / sec / 1e9
		case "tb/s":
			return w.bytes / sec / 1e12
		}
		return w.flops / sec / 1e12
	}
	low, high := in(w.predicted*math.Exp(-z90*w.sd)), in(w.predicted*math.Exp(z90*w.sd))
	if scale == Rate {
		low, high = high, low
	}
	value := in(w.predicted)
	if math.IsNaN(value) || math.IsInf(value, 0) || value <= 0 {
		return []Case{c.Refuse(fmt.Sprintf("%s cannot be given in %s", row.Text("kernel"), unit))}
	}
	c.Predict(Prediction{Value: value, Low: low, High: high, Roofline: in(w.roof), Rung: w.rung})
	return []Case{c}
}

func (k *kernels) device(id string) (*hardware.Device, error) {
	if d := k.devices[id]; d != nil {
		return d, nil
	}
	d, err := k.catalogue.Device(id, nil, nil)
	if err == nil {
		d = d.Isolated()
		k.devices[id] = d
	}
	return d, err
}

// opClass groups kernels as targets do.
func opClass(kernel string) string {
	n := strings.ToLower(kernel)
	switch {
	case strings.Contains(n, "deepgemm"):
		return "DeepGEMM"
	case strings.Contains(n, "best shape"):
		return "best GEMM"
	case strings.Contains(n, "gemm") || strings.Contains(n, "matmul"):
		return "library GEMM"
	case strings.Contains(n, "flash"):
		return "FlashAttention"
	case strings.Contains(n, "attention"):
		return "unfused attention"
	case strings.HasPrefix(n, "hbm") || strings.Contains(n, "stream"):
		return "STREAM"
	case strings.Contains(n, "copy"):
		return "host copy"
	}
	return "other"
}

func (k *kernels) work(row Row, d *hardware.Device, c *Case) (work, error) {
	kernel := row.Text("kernel")
	switch class := opClass(kernel); class {
	case "DeepGEMM", "best GEMM", "library GEMM":
		return k.gemm(row, d, c, class)
	case "FlashAttention", "unfused attention":
		return k.attention(row, d, c, class)
	case "STREAM":
		return k.stream(kernel, d)
	case "host copy":
		return k.copy(kernel, d)
	}
	return work{}, fmt.Errorf("no model of kernel %q", kernel)
}

// operandType reads a matrix format: how wide operands are and which units work.
func operandType(text string, d *hardware.Device) (dt hardware.DType, bytes, out float64, err error) {
	t := strings.ToLower(text)
	switch {
	case strings.HasPrefix(t, "fp32 mul") || strings.Contains(t, "fp16") && strings.Contains(t, "fp32 mul"):
		return hardware.FP32, 2, 4, nil // 16-bit operands on the 32-bit units
	case strings.HasPrefix(t, "fp8"):
		return hardware.FP8, 1, 2, nil
	case strings.HasPrefix(t, "nvfp4"), strings.HasPrefix(t, "fp4"), strings.HasPrefix(t, "mxfp4"):
		return hardware.FP4, 0.5, 2, nil
	case strings.HasPrefix(t, "int8"):
		return hardware.INT8, 1, 4, nil
	case strings.HasPrefix(t, "bf16"), strings.HasPrefix(t, "bfloat16"):
		return hardware.BF16, 2, 2, nil
	case strings.HasPrefix(t, "fp16"), strings.HasPrefix(t, "half"):
		if d.Peak[hardware.FP16] == 0 {
			return hardware.BF16, 2, 2, nil
		}
		return hardware.FP16, 2, 2, nil
	case strings.HasPrefix(t, "tf32"):
		return hardware.TF32, 4, 4, nil
	case strings.HasPrefix(t, "fp32"), strings.HasPrefix(t, "float32"):
		return hardware.FP32, 4, 4, nil
	case strings.HasPrefix(t, "fp64"), strings.HasPrefix(t, "double"):
		return hardware.FP64, 8, 8, nil
	}
	return 0, 0, 0, fmt.Errorf("number format %q is not known", text)
}

// gemmShape reads m, n and k.
func gemmShape(shape string) (s [3]float64, err error) {
	m := gemmEqual.FindStringSubmatch(shape)
	if m == nil {
		m = gemmCross.FindStringSubmatch(shape)
	}
	if m == nil {
		return s, fmt.Errorf("the row gives no shape (%q): only a class of rates could be checked", shape)
	}
	for i := range s {
		s[i], _ = strconv.ParseFloat(m[i+1], 64)
		if s[i] < 1 || s[i] > 1<<31 {
			return s, fmt.Errorf("shape %q: %s is out of range", shape, m[i+1])
		}
	}
	return s, nil
}

func (k *kernels) gemm(row Row, d *hardware.Device, c *Case, class string) (work, error) {
	shape := row.Text("shape")
	s, err := gemmShape(shape)
	if err != nil {
		return work{}, err
	}
	dt, in, out, err := operandType(row.Text("dtype"), d)
	if err != nil {
		return work{}, err
	}
	if err := d.Supports(dt); err != nil {
		return work{}, err
	}
	if !strings.Contains(strings.ToLower(shape), "opa") && class == "library GEMM" {
		c.Assumed = append(c.Assumed, "neither operand transposed")
	}
	groups := 1.0
	if g := groupsText.FindStringSubmatch(shape); g != nil {
		groups, _ = strconv.ParseFloat(g[1], 64)
	}
	w := work{flops: 2 * groups * s[0] * s[1] * s[2], bytes: groups * ((s[0]*s[2]+s[1]*s[2])*in + s[0]*s[1]*out), class: gemmClass(s)}
	w.roof = math.Max(w.flops/d.Peak[dt], w.bytes/d.MemBytesPerSec)
	lib, ok := d.Library(dt)
	switch {
	case class == "best GEMM":
		// A search over shapes found it: the best rate itself, at sustained clocks.
		best := d.GEMM(s[0], s[1], s[2], dt)
		w.predicted, w.sd, w.rung = math.Max(w.flops/d.BestGEMM(dt), best.MemorySec), 0.06, "best GEMM of the chip, "+d.Rung
	case ok:
		if class == "DeepGEMM" {
			lib = d.BlockScaled()
		}
		w.predicted, w.sd, w.rung = lib.Sec(s[0]*groups, s[1], s[2], in, out), gemmSpread(s), "library tiles"
		if groups > 1 {
			w.predicted += (groups - 1) * s[1] * s[2] * in / lib.BytesPerSec
		}
	default:
		w.predicted, w.sd, w.rung = groups*d.GEMM(s[0], s[1], s[2], dt).Sec, 0.25, "operator model, "+d.Rung
	}
	return w, nil
}

// gemmClass tells shapes apart that libraries run differently.
func gemmClass(s [3]float64) string {
	switch {
	case s[2] >= 100000:
		return "very long k"
	case math.Min(s[0], s[1]) <= 48:
		return "skinny GEMM"
	}
	return "wide GEMM"
}

// gemmSpread: skinny shapes depend on which kernels a library has (15–60 %), wide ones
// are within 3–7 % (kernel notes, section A1).
func gemmSpread(s [3]float64) float64 {
	switch gemmClass(s) {
	case "very long k":
		return 0.4
	case "skinny GEMM":
		return 0.16
	}
	return 0.09
}

func (k *kernels) attention(row Row, d *hardware.Device, c *Case, class string) (work, error) {
	shape := row.Text("shape")
	sq, dm := seqText.FindStringSubmatch(shape), dimText.FindStringSubmatch(shape)
	if sq == nil || dm == nil {
		return work{}, fmt.Errorf("the row gives no shape (%q)", shape)
	}
	seq, _ := strconv.ParseFloat(sq[1], 64)
	if sq[2] != "" {
		seq *= 1024
	}
	dim, _ := strconv.ParseFloat(dm[1], 64)
	if seq < 1 || dim < 1 || dim > 1024 || seq > 1<<24 {
		return work{}, fmt.Errorf("shape %q is out of range", shape)
	}
	causal := false
	if m := causalText.FindStringSubmatch(shape); m != nil {
		causal = m[1] == "yes" || m[1] == "true" || m[1] == "1"
	} else {
		c.Assumed = append(c.Assumed, "not causal")
	}
	tokens, hidden := 16384.0, 2048.0
	if m := tokensText.FindStringSubmatch(shape); m != nil {
		tokens, _ = strconv.ParseFloat(m[1], 64)
		tokens *= 1024
	} else {
		c.Assumed = append(c.Assumed, "16k tokens in all")
	}
	if m := hiddenText.FindStringSubmatch(shape); m != nil {
		hidden, _ = strconv.ParseFloat(m[1], 64)
	} else {
		c.Assumed = append(c.Assumed, "hidden 2048")
	}
	a := hardware.TrainingAttention{Tokens: tokens, Seq: seq, Heads: hidden / dim, HeadDim: dim, Causal: causal}
	passes := 3.5 // forward, and backward with recomputation
	name := strings.ToLower(row.Text("kernel"))
	switch {
	case strings.Contains(name, "fwd+bwd"):
		a.Forward, a.Backward = true, true
	case strings.Contains(name, "bwd"):
		a.Backward, passes = true, 2.5
	default:
		a.Forward, passes = true, 1
	}
	generation := 2
	switch {
	case class == "unfused attention":
		generation = 0
	case strings.Contains(name, "flashattention-3"), strings.Contains(name, "flashattention 3"):
		generation = 3
	case !strings.Contains(name, "2"):
		return work{}, fmt.Errorf("no measured rates of %q", row.Text("kernel"))
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
	if causal {
		flops /= 2
	}
	sec, err := d.AttentionSec(a, generation, dt)
	if err != nil {
		return work{}, err
	}
	w := work{flops: flops, bytes: 4 * tokens * hidden * 2 * passes, predicted: sec, sd: 0.05, rung: "attention curve of the library", class: class}
	if generation == 0 {
		w.sd = 0.06
	}
	w.roof = math.Max(flops/d.Peak[dt], w.bytes/d.MemBytesPerSec)
	return w, nil
}

// streamShare are STREAM kernels as fractions of stated bandwidth, medians over A100,
// H100, A40 and V100, relative to triad (kernel notes, section A3).
var streamShare = []struct {
	word  string
	share float64
}{{"init", 1.095}, {"read", 1.06}, {"triad", 1}, {"scale", 0.988}, {"copy", 0.988}, {"add", 1}, {"3pt", 0.982}, {"5pt", 0.98}, {"dot", 1.06}}

func (k *kernels) stream(kernel string, d *hardware.Device) (work, error) {
	n := strings.ToLower(kernel)
	for _, s := range streamShare {
		if strings.Contains(n, s.word) {
			const bytes = 1e9
			triad := bytes / d.Elementwise(bytes*1e3).MemorySec * 1e3
			rate := math.Min(triad*s.share, 0.985*d.MemBytesPerSec)
			return work{bytes: bytes, predicted: bytes / rate, roof: bytes / d.MemBytesPerSec, sd: 0.035, rung: "memory fraction, " + d.Rung, class: s.word}, nil
		}
	}
	return work{}, fmt.Errorf("no model of memory kernel %q", kernel)
}

func (k *kernels) copy(kernel string, d *hardware.Device) (work, error) {
	if d.HostBytesPerSec == 0 {
		return work{}, fmt.Errorf("the host link of %s is not known", d.ID)
	}
	l := k.links["pcie"]
	const bytes = 1e9
	rate := d.HostBytesPerSec * l.CopyEfficiency()
	return work{bytes: bytes, predicted: bytes / rate, roof: bytes / d.HostBytesPerSec, sd: 0.04, rung: "link efficiency, " + l.Kind, class: "host copy"}, nil
}
