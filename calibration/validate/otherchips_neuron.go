package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/hardware"
)

var noteValue = regexp.MustCompile(`([A-Za-z][A-Za-z. ]*)=([^;]+)`)

// noteValues reads "Key=value; Key=value".
func noteValues(notes string) map[string]string {
	out := map[string]string{}
	for _, m := range noteValue.FindAllStringSubmatch(notes, -1) {
		out[strings.ToLower(strings.TrimSpace(m[1]))] = strings.TrimSpace(m[2])
	}
	return out
}

// neuronChips are the cores per chip and how far the constants of Inferentia2 carry: Trainium1 has the
// same cores with the same memory.
var neuronChips = map[string]struct {
	cores  float64
	spread float64 // standard deviation of what carrying over adds
}{
	"aws-inferentia2": {2, 0}, "aws-trainium1": {2, 0.15}, "aws-trainium2": {8, 0.6}, "aws-trainium3": {8, 0.7}, "aws-inferentia1": {4, 0.7},
}

// neuron is a network or a decoder on AWS's chips: encoders and vision from measured rates of the
// two generations of cores, decoders from bytes and layers.
func (k *otherChips) neuron(row Row, batch float64, c *Case) (estimate, error) {
	id, _ := chipOf(row.Text("chip"))
	a, err := k.serving.catalogue.Accelerator(id)
	if err != nil {
		return estimate{}, err
	}
	v := noteValues(row.Text("notes"))
	if tp, _ := strconv.ParseFloat(v["tp degree"], 64); tp > 0 {
		return k.neuronDecoder(row, a, batch, tp, v)
	}
	n, err := networkOf(row.Text("model"), row.Text("precision")+" "+row.Text("notes"))
	if err != nil {
		return estimate{}, err
	}
	flops, peak := n.gflop*1e9, a.Peak[hardware.BF16].V
	e := estimate{sd: 0.27, rung: "operations and batch, one rate per chip and family", roof: peak / flops}
	cores := 2.0 // that work on calls at the same time
	var f *form
	var perSec func(x []float64) float64 // samples per second of all cores
	switch {
	case id != "aws-inferentia1" && (n.family == "encoder" || n.family == "vit" || n.family == "diffusion"):
		f, e.group = neuron2EncoderForm, "Inferentia encoder"
		perSec = func(x []float64) float64 {
			return peak * x[0] * math.Pow(math.Max(1, n.width/768), x[2]) / flops / (1 + x[1]/batch)
		}
		switch n.family {
		case "vit":
			cores = 4 // two batches in flight per core
		case "diffusion":
			perSec, cores = func(x []float64) float64 { return peak * x[3] / flops }, 1
		}
	case id != "aws-inferentia1":
		f, e.group, e.sd = neuron2VisionForm, "Inferentia vision", 0.40
		perSec, cores = func(x []float64) float64 { return 1 / (x[0] + flops/(peak*x[1])) }, 4
	case n.family == "encoder":
		f, e.group, e.sd = neuron1EncoderForm, "Inferentia1 encoder", 0.42
		cores = 4
		if s, _ := strconv.ParseFloat(v["num cores"], 64); s > 0 {
			cores = s
		}
		sec := func(x []float64) float64 { return n.gflop / 22.4 * (x[0] + x[1]*batch) }
		if strings.Contains(strings.ToLower(v["application type"]), "real") {
			perSec, cores = func(x []float64) float64 { return batch / sec(x) }, 1
		} else {
			parallel := cores
			perSec = func(x []float64) float64 { return parallel * batch / (x[2] * sec(x)) }
			cores *= 2 // two batches in flight per core
		}
	default:
		f, e.group, e.sd = neuron1VisionForm, "Inferentia1 vision", 0.42
		at := 0
		if strings.HasPrefix(strings.ToLower(row.Text("precision")), "fp32") {
			at = 1
		}
		perSec, cores = func(x []float64) float64 { return peak * x[at] / flops }, 8
	}
	e.sd = math.Hypot(e.sd, neuronChips[id].spread)
	if isRate(row.Text("metric")) {
		e.by(f, perSec)
		return e, nil
	}
	// A call's latency is for one of the cores that work in parallel: how many do is not said, so that
	// it is less certain than the rate.
	e.sd *= 1.5
	e.by(f, func(x []float64) float64 { return 1e3 * batch * cores / perSec(x) })
	e.roof = 1e3 * batch / e.roof
	return e, nil
}

// neuronDecoder: a token passes over the weights and its cache at the rate of the cores' memory, and
// waits in each layer; a prompt computes.
func (k *otherChips) neuronDecoder(row Row, chip *hardware.Accelerator, batch, tp float64, v map[string]string) (estimate, error) {
	a, _, err := k.serving.architecture(neuronModel(row.Text("model")))
	if err != nil {
		return estimate{}, err
	}
	isl, _ := strconv.ParseFloat(v["input length"], 64)
	osl, _ := strconv.ParseFloat(v["output length"], 64)
	if isl < 1 || osl < 1 {
		return estimate{}, fmt.Errorf("the lengths are not given")
	}
	width := 2.0
	if strings.Contains(v["weight storage data type"], "8") {
		width = 1
	}
	kind := neuronChips[chip.ID]
	bandwidth, peak := chip.MemoryBandwidth.V/kind.cores, chip.Peak[hardware.BF16].V/kind.cores
	layers := float64(a.Layers)
	weights := a.Params() * width / tp
	cache := 2 * float64(a.HeadDim) * math.Max(1, float64(a.KVHeads)/tp) * 2 * layers * batch * (isl + osl/2)
	tokens := isl * batch
	tpot := func(x []float64) float64 {
		return (x[0]*weights+x[1]*cache)/bandwidth + layers*(x[2]+x[3]*batch)
	}
	attention, linear := 4*float64(a.QWidth())*isl*isl/2*batch*layers/tp, 2*a.Params()*tokens/tp
	ttft := func(x []float64) float64 {
		return attention/(peak*x[0]) + linear/(peak*x[1]) + x[2]*layers + 2*layers*tokens*float64(a.Hidden)*2/x[3]
	}
	e := estimate{group: "Inferentia LLM decode", sd: 0.10, rung: "bytes and layers, one set of rates per chip"}
	switch metric := row.Text("metric"); {
	case strings.HasPrefix(metric, "tpot"):
		e.by(neuronDecodeForm, func(x []float64) float64 { return 1e3 * tpot(x) })
		e.roof = 1e3 * (weights + cache) / bandwidth
	case strings.HasPrefix(metric, "ttft"):
		e.by(neuronPrefillForm, func(x []float64) float64 { return 1e3 * ttft(x) })
		e.roof, e.sd, e.group = 1e3*linear/peak, 0.24, "Inferentia LLM prefill"
	case isRate(metric):
		first := ttft(neuronPrefillForm.values())
		e.by(neuronDecodeForm, func(x []float64) float64 { return batch * osl / (first + osl*tpot(x)) })
		e.roof = batch * bandwidth / (weights + cache)
	default:
		return e, fmt.Errorf("metric %q of a decoder is not known", metric)
	}
	e.sd = math.Hypot(e.sd, kind.spread)
	return e, nil
}

// neuronModel: CodeLlama has the shape of Llama 2.
func neuronModel(name string) string {
	return strings.NewReplacer("CodeLlama", "llama-2", "codellama", "llama-2").Replace(name)
}
