package validate

import (
	"fmt"
	"math"
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
	has := func(words ...string) bool { return hasAny(n, words...) }
	switch {
	case has("deepgemm"):
		return "DeepGEMM"
	case has("best shape", "mamf"):
		return "best GEMM"
	case has("gemm", "matmul", "bmm"):
		return "library GEMM"
	case has("mla") && has("decode"), has("flashmla"):
		return "latent decode"
	case has("decode", "decoding", "paged", "generation attention"):
		return "decode attention"
	case has("pytorch", "unfused", "eager", "naive", "vanilla") && has("attention"):
		return "unfused attention"
	case has("flash", "attention", "sdpa", "xformers", "fa2", "fa3", "fmha"):
		return "FlashAttention"
	case has("conv"):
		return "convolution"
	case has("host", "h2d", "d2h", "htod", "dtoh"):
		return "host copy"
	case has("hbm", "stream", "memcpy", "device to device", "device-to-device", "d2d", "copy"):
		return "STREAM"
	case has("embedding"):
		return "embedding"
	case elementPasses(n) > 0:
		return "element-wise"
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
	case "decode attention":
		return k.decode(row, d, c)
	case "convolution":
		return k.convolution(row, d, c)
	case "element-wise", "embedding":
		return k.elements(row, d, c, class)
	case "STREAM":
		return k.stream(kernel, d)
	case "host copy":
		return k.copy(kernel, d)
	}
	return work{}, fmt.Errorf("no model of kernel %q", kernel)
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
	w := work{flops: 2 * s.count * s.m * s.n * s.k, bytes: s.count * ((s.m*s.k+s.n*s.k)*in + s.m*s.n*out), class: gemmClass(s)}
	w.roof = math.Max(w.flops/d.Peak[dt], w.bytes/d.MemBytesPerSec)
	lib, from := d.Library(dt)
	switch {
	case class == "best GEMM":
		// A search over shapes found it: the best rate itself, at sustained clocks.
		best := d.GEMM(s.m, s.n, s.k, dt)
		stated := d.Eff.Matmul(dt.String())
		w.predicted, w.sd, w.rung = math.Max(w.flops/d.BestGEMM(dt), best.MemorySec), math.Max(0.06, stated.RelSD), "best GEMM of the chip, "+d.Rung
	case from == hardware.OriginNone:
		w.predicted, w.sd, w.rung = s.count*d.GEMM(s.m, s.n, s.k, dt).Sec, 0.35, "operator model, "+d.Rung
		if d.Rung == profile.RungDatasheet {
			w.sd = 0.5
		}
	default:
		w.rung, w.sd = from.String(), gemmSpread(s)
		if class == "DeepGEMM" {
			lib, from = d.BlockScaled()
			w.rung = from.String() + ", 8 bits by blocks"
		}
		w.predicted = lib.Batched(s.count, s.m, s.n, s.k, in, out)
		if from != hardware.OriginChip && !(class == "DeepGEMM" && from == hardware.OriginGeneration) { // H100 and H800 are one die
			w.sd = unseenSpread(s)
		}
	}
	return w, nil
}

// gemmClass tells shapes apart that libraries run differently.
func gemmClass(s matrices) string {
	switch {
	case s.k >= 100000:
		return "very long k"
	case s.count == 1 && math.Min(s.m, s.n) <= 48:
		return "skinny GEMM"
	}
	return "wide GEMM"
}

// gemmSpread: skinny shapes depend on which kernels a library has (15–60 %), wide ones
// are within 3–7 % (kernel notes, section A1).
func gemmSpread(s matrices) float64 {
	switch gemmClass(s) {
	case "very long k":
		return 0.4
	case "skinny GEMM":
		return 0.18
	}
	return 0.09
}

// unseenSpread is gemmSpread on a chip whose library no table shows: what the rows of V100 and H800 are off
// by under the constants of other chips.
func unseenSpread(s matrices) float64 {
	switch gemmClass(s) {
	case "very long k":
		return 0.7
	case "skinny GEMM":
		return 0.30
	}
	return 0.18
}

// streamShare are STREAM kernels as fractions of stated bandwidth, medians over A100,
// H100, A40 and V100, relative to triad (kernel notes, section A3).
var streamShare = []struct {
	word  string
	share float64
}{{"init", 1.095}, {"read", 1.06}, {"triad", 1}, {"scale", 0.988}, {"copy", 0.988}, {"cpy", 0.988}, {"device to device", 0.988}, {"d2d", 0.988}, {"add", 1}, {"3pt", 0.982}, {"5pt", 0.98}, {"dot", 1.06}}

func (k *kernels) stream(kernel string, d *hardware.Device) (work, error) {
	n := strings.ToLower(kernel)
	for _, s := range streamShare {
		if strings.Contains(n, s.word) {
			const bytes = 1e9
			triad := bytes / d.Elementwise(bytes*1e3).MemorySec * 1e3
			rate := math.Min(triad*s.share, 0.985*d.MemBytesPerSec)
			sd := math.Hypot(0.028, d.Eff.Memory.RelSD)
			return work{bytes: bytes, predicted: bytes / rate, roof: bytes / d.MemBytesPerSec, sd: sd, rung: "memory fraction, " + d.Rung, class: s.word}, nil
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
