package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/hardware"
	"aisim/workloads/serving"
)

// mlperfWork are samples or tokens per second and chip that tuned submissions reach on
// an H100 SXM offline (MLPerf Inference v4.1, medians over submitters), what a
// submission loses under the limits of the server scenario, and the bytes of a decoder's weights.
var mlperfWork = []struct {
	name    string
	perSec  float64
	server  float64
	weights float64
}{
	{"bert-99.9", 7796, 0.83, 0}, {"bert-99", 9110, 0.81, 0},
	{"3d-unet", 6.5, 1, 0}, {"dlrm-v2-99.9", 46950, 0.95, 0}, {"dlrm-v2-99", 75500, 0.93, 0},
	{"gptj-99", 36, 1, 0}, {"llama2-70b-99", 2640, 0.966, 70e9}, {"mixtral-8x7b", 6602, 0.966, 47e9},
	{"resnet50", 88900, 0.89, 0}, {"retinanet", 1817, 0.95, 0}, {"stable-diffusion-xl", 2.07, 0.965, 0},
}

var acceleratorsNote = regexp.MustCompile(`(\d+) accelerators`)

// mlperf scales tuned submissions from the H100 SXM by peak rate and bandwidth, less
// where the power limit per operation is tighter.
func (k *otherChips) mlperf(row Row, c *Case) (estimate, error) {
	name := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(row.Text("model"), "MLPerf ")))
	notes := row.Text("notes")
	for _, w := range mlperfWork {
		if !strings.HasPrefix(name, w.name) {
			continue
		}
		m := acceleratorsNote.FindStringSubmatch(notes)
		if m == nil {
			return estimate{}, fmt.Errorf("the number of accelerators is not given")
		}
		chips, _ := strconv.ParseFloat(m[1], 64)
		text := row.Text("chip")
		id, assumed := chipOf(text)
		if assumed != "" {
			c.Assumed = append(c.Assumed, assumed)
		}
		if id == "" {
			return estimate{}, notInCatalogue(text)
		}
		a, err := k.serving.catalogue.Accelerator(id)
		if err != nil {
			return estimate{}, err
		}
		ref, err := k.serving.catalogue.Accelerator("nvidia-h100-sxm")
		if err != nil {
			return estimate{}, err
		}
		cpu := a.Kind == "cpu"
		if cpu && chips == 0 {
			chips = 2
			c.Assumed = append(c.Assumed, "two sockets")
		}
		if chips == 0 {
			return estimate{}, fmt.Errorf("no accelerator, and the chip %q is no processor", text)
		}
		// 8 bits in whichever of the two formats is faster.
		rate := math.Max(a.Peak[hardware.INT8].V, a.Peak[hardware.FP8].V)
		if rate == 0 {
			rate = a.Peak[hardware.BF16].V
		}
		if rate == 0 || a.MemoryBandwidth.V == 0 {
			return estimate{}, fmt.Errorf("the rates of %s are not known", id)
		}
		compute := rate / ref.Peak[hardware.INT8].V
		memory := a.MemoryBandwidth.V / ref.MemoryBandwidth.V
		part := 1.0 // of the watts per operation of the SXM part: less costs clock
		if a.TDP.Known() && a.Kind == "gpu" {
			part = math.Min(1, a.TDP.V/rate/(ref.TDP.V/ref.Peak[hardware.INT8].V))
		}
		apart := w.weights > 0 && a.ScaleUpDomain.V <= 2 && a.Memory.V < 1.2*w.weights // tensor parallelism over the host link, or over a bridge of two
		if cpu {
			chips *= 0.45
		}
		if strings.Contains(notes, "Server") {
			chips *= w.server
		} else if strings.Contains(notes, "Interactive") || strings.Contains(notes, "SingleStream") {
			return estimate{}, fmt.Errorf("only the Offline and Server scenarios are scaled")
		}
		e := estimate{roof: chips * w.perSec * compute, group: "MLPerf", rung: "scaled from H100 SXM by rates and power"}
		at := func(x []float64) float64 {
			limited := 0.0
			if w.weights > 0 {
				limited = x[2]
			}
			factor := 1 / ((1-limited)/(compute*math.Pow(part, 1/x[0])) + limited/memory)
			if apart {
				factor *= x[1]
			}
			return chips * w.perSec * factor
		}
		if e.reference = a.ID == ref.ID; e.reference {
			e.value = at(mlperfForm.values())
		} else {
			e.by(mlperfForm, at)
		}
		e.sd = mlperfSpread(a, ref)
		if w.weights > 0 && !e.reference {
			e.sd *= 1.6 // over how many chips a decoder is spread is not said
		}
		if strings.Contains(notes, "Server") && !e.reference {
			e.sd *= 1.5 // what limits of latency cost depends on the batch that fits them
		}
		if cpu {
			e.group = "Xeon"
		}
		return e, nil
	}
	return estimate{}, fmt.Errorf("MLPerf model %q has no reference", name)
}

// mlperfSpread is how far a tuned submission carries from the reference chip: to its own kind, to
// parts of the same generation, to other generations of the maker, to other makers and to processors.
func mlperfSpread(a, ref *hardware.Accelerator) float64 {
	maker := func(id string) string { m, _, _ := strings.Cut(id, "-"); return m }
	switch {
	case a.ID == ref.ID:
		return 0.06
	case strings.HasPrefix(a.ID, "nvidia-h"), strings.HasPrefix(a.ID, "nvidia-gh"): // Hopper
		return 0.14
	case maker(a.ID) == maker(ref.ID):
		return 0.30
	}
	return 0.50
}

var (
	tpNote          = regexp.MustCompile(`TP(\d+)`)
	inputNote       = regexp.MustCompile(`input (\d+)`)
	outputNote      = regexp.MustCompile(`output (\d+)`)
	concurrencyNote = regexp.MustCompile(`concurrency (\d+)`)
)

// service is a row of a whole serving run on a GPU, predicted as validate inference does.
func (k *otherChips) service(row Row, batch float64, c *Case) (estimate, error) {
	notes := row.Text("notes")
	id, _ := chipOf(row.Text("chip"))
	if id == "" {
		return estimate{}, notInCatalogue(row.Text("chip"))
	}
	s := &service{chip: id, replicas: 1}
	var err error
	if s.arch, _, err = k.serving.architecture(row.Text("model")); err != nil {
		return estimate{}, err
	}
	if s.engine, err = serving.Engine("trtllm"); err != nil {
		return estimate{}, err
	}
	s.assume("engine TensorRT-LLM")
	if err := s.precisions(row.Text("precision")); err != nil {
		return estimate{}, err
	}
	tp := int(noted(tpNote, notes))
	isl, osl := noted(inputNote, notes), noted(outputNote, notes)
	if tp == 0 || isl == 0 || osl == 0 {
		return estimate{}, fmt.Errorf("layout or lengths are not given")
	}
	n := noted(concurrencyNote, notes)
	if n == 0 {
		n = batch
	}
	s.pools = []layout{{1, tp, 1, 1, 1}}
	s.load = load{shape: closedLoop, isl: isl, osl: osl, inFlight: n, inStep: true} // the measured first tokens are those of whole waves
	d, err := k.serving.device(id)
	if err != nil {
		return estimate{}, err
	}
	a, err := k.serving.answer(s, d)
	if err != nil {
		return estimate{}, err
	}
	column := map[string]string{"ttft_ms": "ttft_ms", "itl_ms": "tpot_ms", "tpot_ms": "tpot_ms", "tokens_per_s": "output_tok_s"}[row.Text("metric")]
	if column == "" {
		return estimate{}, fmt.Errorf("metric %q of a service is not known", row.Text("metric"))
	}
	c.Assumed = append(c.Assumed, s.assumed...)
	e := estimate{value: a.value[column], roof: a.roof[column], sd: s.spread(column), group: "GPU service", rung: "step model"}
	if column == "ttft_ms" {
		// What a request spends outside the engine is the server's: the profile's was measured on others.
		steps := a.value[column] - 1e3*s.engine.Request.Value
		e.by(servedForm, func(x []float64) float64 { return steps + 1e3*x[0] })
	}
	return e, nil
}

// classic is a network at small batch: on GPUs a time for launches, and its operations at
// the rate that such batches reach; elsewhere the generic operator of the chip's family.
func (k *otherChips) classic(row Row, batch float64, c *Case) (estimate, error) {
	id, _ := chipOf(row.Text("chip"))
	if id == "" {
		return estimate{}, notInCatalogue(row.Text("chip"))
	}
	n, err := networkOf(row.Text("model"), row.Text("notes"))
	if err != nil {
		return estimate{}, err
	}
	a, err := k.serving.catalogue.Accelerator(id)
	if err != nil {
		return estimate{}, err
	}
	e := estimate{sd: 0.30, group: "GPU vision", rung: "operations and launches"}
	if a.Kind == "gpu" {
		peak := math.Max(a.Peak[hardware.BF16].V, a.Peak[hardware.FP16].V)
		if peak == 0 {
			return estimate{}, fmt.Errorf("the 16-bit rate of %s is not known", id)
		}
		// A small batch fills a small part of the units; kernels of attention are more and smaller.
		launches := 0
		if n.family == "detr" || n.family == "vit" {
			launches = 1
		}
		c.Assumed = append(c.Assumed, "16-bit arithmetic")
		if id != "nvidia-l4" {
			e.sd = 0.55
		}
		rate := isRate(row.Text("metric"))
		e.by(gpuVisionForm, func(x []float64) float64 {
			sec := x[launches] + batch*n.gflop*1e9/(x[2]*peak)
			if rate {
				return batch / sec
			}
			return 1e3 * sec
		})
		e.roof = peak / (n.gflop * 1e9)
		if !rate {
			e.roof = 1e3 * batch / e.roof
		}
		return e, nil
	}
	d, err := k.serving.catalogue.Device(id, nil, nil)
	if err != nil {
		return estimate{}, err
	}
	dt := hardware.INT8
	for _, other := range []hardware.DType{hardware.FP8, hardware.BF16, hardware.FP16, hardware.FP32} {
		if d.Supports(dt) != nil {
			dt = other
		}
	}
	if err := d.Supports(dt); err != nil {
		return estimate{}, err
	}
	c.Assumed = append(c.Assumed, dt.String()+" arithmetic")
	sec := d.Generic(batch*n.gflop*1e9, n.mparams*1e6*dt.Bytes(), dt).Sec
	e = estimate{value: batch / sec, roof: d.Peak[dt] / (n.gflop * 1e9), sd: 0.8, group: a.Kind + " by family", rung: "generic operator, " + d.Rung}
	if !isRate(row.Text("metric")) {
		e.value, e.roof = 1e3*sec, 1e3*batch/e.roof
	}
	return e, nil
}
