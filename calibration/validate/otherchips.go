package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/hardware"
)

func init() { Register("other-chips", newOtherChips) }

// otherChips predicts inference on chips without kernel tables: FPGA, ASIC, edge, CPU,
// and GPUs on classic models.
type otherChips struct {
	serving *inference
	anchors map[string][]boardRow // DPU rows of the table by model
}

func newOtherChips() (Kind, error) {
	k, err := newInference()
	if err != nil {
		return nil, err
	}
	return &otherChips{serving: k.(*inference), anchors: map[string][]boardRow{}}, nil
}

func (k *otherChips) Name() string { return "other-chips" }
func (k *otherChips) Columns() []string {
	return []string{"chip", "model", "batch", "metric", "value", "unit"}
}

// crossValidated: constants of a family were read from rows of its own; what they are worth
// elsewhere shows when a board, or a network where the family is one chip, is left out.
func (k *otherChips) crossValidated() (group string, columns []string) {
	return "family and metric", []string{"chip", "model"}
}

// estimate is a prediction in the row's unit.
type estimate struct {
	value, roof float64
	sd          float64
	rung        string
	group       string
}

func (k *otherChips) study(t *Table) {
	for _, row := range t.Rows {
		if row.Text("use") == UseExclude {
			continue
		}
		b, err := readBoard(row)
		v, ok, verr := row.Number("value")
		if err != nil || verr != nil || !ok || v <= 0 || !isRate(row.Text("metric")) {
			continue
		}
		b.sec = 1 / v
		k.anchors[b.model] = append(k.anchors[b.model], b)
	}
}

func isRate(metric string) bool {
	return strings.Contains(metric, "throughput") || strings.Contains(metric, "per_s") || strings.Contains(metric, "fps")
}

// Predict implements Kind.
func (k *otherChips) Predict(row Row, c Case) []Case {
	chip, metric := row.Text("chip"), row.Text("metric")
	c.In("chip", chip)
	c.In("metric", metric)
	c.In("source", family(row.Text("id")))
	v, ok, err := row.Number("value")
	if err == nil && ok && v <= 0 {
		err = fmt.Errorf("line %d: value is %g, want a positive number", row.Line, v)
	}
	if err != nil {
		return []Case{c.Fail(err)}
	}
	if !ok {
		return []Case{c.Refuse("the row has no measured value")}
	}
	scale := Time
	if isRate(metric) {
		scale = Rate
	} else if !strings.Contains(metric, "_ms") && !strings.Contains(metric, "latency") {
		return []Case{c.Refuse(fmt.Sprintf("metric %q is not known", metric))}
	}
	if scale == Time && row.Text("unit") != "ms" {
		return []Case{c.Refuse(fmt.Sprintf("unit %q of a latency is not known: expected ms", row.Text("unit")))}
	}
	c.Measure(metric, row.Text("unit"), scale, v)
	e, err := k.estimate(row, &c)
	if err != nil {
		return []Case{c.Refuse(err.Error())}
	}
	c.In("family", e.group)
	c.In("family and metric", e.group+", "+metric)
	c.In("rung", e.rung)
	low, high := e.value*math.Exp(-z90*e.sd), e.value*math.Exp(z90*e.sd)
	c.Predict(Prediction{Value: e.value, Low: low, High: high, Roofline: e.roof, Rung: e.rung})
	return []Case{c}
}

func (k *otherChips) estimate(row Row, c *Case) (estimate, error) {
	n := strings.ToLower(row.Text("chip"))
	notes := strings.ToLower(row.Text("notes"))
	batch, given, err := row.Number("batch")
	if err != nil {
		return estimate{}, err
	}
	if !given {
		batch = 1
	}
	switch {
	case strings.Contains(notes, "dpu") || strings.Contains(notes, "aies running"):
		return k.board(row)
	case strings.Contains(n, "inferentia"):
		return k.neuron(row, batch, c)
	case strings.Contains(n, "coral") || strings.Contains(n, "edge tpu"):
		return coral(row)
	case strings.Contains(n, "jetson") || strings.Contains(n, "orin") || strings.Contains(n, "xavier"):
		return k.jetson(row, c)
	case strings.HasPrefix(strings.ToLower(row.Text("model")), "mlperf"):
		return k.mlperf(row, c)
	case strings.Contains(notes, "concurrency"):
		return k.service(row, batch, c)
	}
	return k.classic(row, batch, c)
}

// neuron constants: fitted on tensor-parallel decoders of AWS's published benchmarks.
const (
	neuronCoreBytesPerSec = 410e9    // half a chip
	neuronWeights         = 1.43     // passes of the weights at that rate per token
	neuronCache           = 2.7      // of the cache
	neuronLayerSec        = 0.155e-3 // per layer and token
	neuronSequenceSec     = 6.6e-6   // per layer, token and sequence
	neuronPrefillAttn     = 2.8e12   // FLOP/s and core in causal attention
	neuronPrefillLinear   = 77e12    // FLOP/s and core in matrices
	neuronPrefillLayerSec = 0.6e-3
	neuronAllReduce       = 18.7e9 // B/s
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

func (k *otherChips) neuron(row Row, batch float64, c *Case) (estimate, error) {
	v := noteValues(row.Text("notes"))
	second := strings.Contains(row.Text("chip"), "2")
	if tp, _ := strconv.ParseFloat(v["tp degree"], 64); tp > 0 {
		return k.neuronDecoder(row, batch, tp, v)
	}
	n, err := networkOf(row.Text("model"), row.Text("precision")+" "+row.Text("notes"))
	if err != nil {
		return estimate{}, err
	}
	e := estimate{group: "Inferentia encoder", sd: 0.22, rung: "operations and batch, one rate per chip and family"}
	metric := row.Text("metric")
	var perSec float64 // samples per second of all cores
	cores := 2.0
	if second {
		e.roof = 190e12 / (n.gflop * 1e9)
		switch n.family {
		case "encoder", "vit":
			if n.family == "vit" {
				cores = 4 // two batches in flight per core
			}
			rate := 59e12
			if n.width > 768 {
				rate *= math.Pow(n.width/768, 0.7)
			}
			perSec = rate / (n.gflop * 1e9) / (1 + 0.3/batch)
		case "diffusion":
			perSec, cores = 44e12/(n.gflop*1e9), 1
		default:
			perSec, e.group = 1/(0.09e-3+n.gflop*1e9/68e12), "Inferentia vision"
			cores = 4
		}
	} else {
		e.group = strings.Replace(e.group, "Inferentia", "Inferentia1", 1)
		realTime := strings.Contains(strings.ToLower(v["application type"]), "real")
		cores = 4
		if s, _ := strconv.ParseFloat(v["num cores"], 64); s > 0 {
			cores = s
		}
		e.roof, e.sd = 64e12/(n.gflop*1e9), 0.35
		if n.family == "encoder" {
			sec := n.gflop / 22.4 * (6.6e-3 + 1.3e-3*batch)
			if realTime {
				perSec, cores = batch/sec, 1
			} else {
				perSec = cores * batch / (1.65 * sec)
				cores *= 2 // two batches in flight per core
			}
		} else {
			rate := 18e12
			if strings.HasPrefix(strings.ToLower(row.Text("precision")), "fp32") {
				rate = 7.6e12
			}
			perSec, cores = rate/(n.gflop*1e9), 8
		}
	}
	if isRate(metric) {
		e.value = perSec
		return e, nil
	}
	// A call's latency is for one of the cores that work in parallel.
	e.value, e.roof = 1e3*batch*cores/perSec, 1e3*batch/e.roof
	return e, nil
}

func (k *otherChips) neuronDecoder(row Row, batch, tp float64, v map[string]string) (estimate, error) {
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
	layers := float64(a.Layers)
	weights := a.Params() * width / tp
	cache := 2 * float64(a.HeadDim) * math.Max(1, float64(a.KVHeads)/tp) * 2 * layers * batch * (isl + osl/2)
	tpot := (neuronWeights*weights+neuronCache*cache)/neuronCoreBytesPerSec + layers*(neuronLayerSec+neuronSequenceSec*batch)
	tokens := isl * batch
	ttft := 4*float64(a.QWidth())*isl*isl/2*batch*layers/tp/neuronPrefillAttn + 2*a.Params()*tokens/tp/neuronPrefillLinear +
		neuronPrefillLayerSec*layers + 2*layers*tokens*float64(a.Hidden)*2/neuronAllReduce
	roofTPOT := (weights + cache) / neuronCoreBytesPerSec
	roofTTFT := 2 * a.Params() * tokens / (95e12 * tp)
	e := estimate{group: "Inferentia LLM decode", sd: 0.10, rung: "bytes and layers, one set of rates per chip"}
	switch metric := row.Text("metric"); {
	case strings.HasPrefix(metric, "tpot"):
		e.value, e.roof = 1e3*tpot, 1e3*roofTPOT
	case strings.HasPrefix(metric, "ttft"):
		e.value, e.roof, e.sd, e.group = 1e3*ttft, 1e3*roofTTFT, 0.24, "Inferentia LLM prefill"
	case isRate(metric):
		e.value, e.roof = batch*osl/(ttft+osl*tpot), batch/roofTPOT
	default:
		return e, fmt.Errorf("metric %q of a decoder is not known", metric)
	}
	return e, nil
}

// neuronModel: CodeLlama has the shape of Llama 2.
func neuronModel(name string) string {
	return strings.NewReplacer("CodeLlama", "llama-2", "codellama", "llama-2").Replace(name)
}

// coral is 1.9 ms, 0.71 ms per GFLOP, and 1.9 ms per MB of weights that do not fit the
// chip and come over USB (inference notes, section 8); detectors decode their boxes on the
// host, 4 ms for single-shot ones.
func coral(row Row) (estimate, error) {
	n, err := networkOf(row.Text("model"), "")
	if err != nil {
		return estimate{}, err
	}
	ms := 1.9 + 0.71*n.gflop + 1.9*math.Max(0, n.mparams-7)
	if n.family == "detection" {
		ms += 4
	}
	e := estimate{value: ms, roof: n.gflop / 4, sd: 0.45, group: "Coral", rung: "operations and spill, one set of rates"}
	if isRate(row.Text("metric")) {
		e.value, e.roof = 1e3/e.value, 1e3/e.roof
	}
	return e, nil
}

// jetson: four-bit decoders read their weights once beside a fixed time per token
// (inference notes, section 8); vision networks compute at a rate of the chip.
func (k *otherChips) jetson(row Row, c *Case) (estimate, error) {
	id, err := jetsonID(row.Text("chip"))
	if err != nil {
		return estimate{}, err
	}
	a, err := k.serving.catalogue.Accelerator(id)
	if err != nil {
		return estimate{}, err
	}
	e := estimate{group: "Jetson"}
	if strings.Contains(row.Text("metric"), "token") {
		params, err := k.params(row.Text("model"))
		if err != nil {
			return e, err
		}
		const width = 0.5625 // groups of 32 share a scale of two bytes
		if !strings.Contains(strings.ToLower(row.Text("precision")), "int4") {
			return e, fmt.Errorf("precision %q: decoders in four bits are measured", row.Text("precision"))
		}
		weights := params * width
		sec := 11e-3 + 0.94*weights/a.MemoryBandwidth.V
		e.value, e.roof, e.sd, e.rung = 1/sec, a.MemoryBandwidth.V/weights, 0.22, "weights and a fixed time"
		return e, nil
	}
	n, err := networkOf(row.Text("model"), "")
	if err != nil {
		return e, err
	}
	peak := math.Max(a.Peak[hardware.INT8].V, math.Max(a.Peak[hardware.BF16].V, a.Peak[hardware.FP16].V))
	if peak == 0 || a.MemoryBandwidth.V == 0 {
		return e, fmt.Errorf("the rates of %s are not known", id)
	}
	sec := 0.25e-3 + n.gflop*1e9/(0.38*peak)
	if n.family == "detection" {
		sec += 0.6e-3
	}
	sec += n.mparams * 1e6 / (a.MemoryBandwidth.V * 2) // weights once per small batch
	e.value, e.roof, e.sd, e.rung = 1/sec, peak/(n.gflop*1e9), 0.40, "operations, one rate per chip"
	return e, nil
}

func jetsonID(name string) (string, error) {
	n := strings.ToLower(name)
	for _, r := range []struct{ words, id string }{{"agx thor", "nvidia-jetson-agx-thor-t5000"}, {"agx orin", "nvidia-jetson-agx-orin-64"}, {"orin nx", "nvidia-jetson-orin-nx-16"}, {"orin nano super", "nvidia-jetson-orin-nano-super"},
		{"orin nano", "nvidia-jetson-orin-nano-8"}, {"xavier nx", "nvidia-jetson-xavier-nx-8"}, {"agx xavier", "nvidia-jetson-agx-xavier-32"}, {"tx2", "nvidia-jetson-tx2"}, {"jetson nano", "nvidia-jetson-nano"}} {
		if strings.Contains(n, r.words) {
			return r.id, nil
		}
	}
	return "", fmt.Errorf("chip %q is not in the catalogue", name)
}

var sizeText = regexp.MustCompile(`(?i)\b(\d+(?:\.\d+)?)B\b`)

// params is the number of parameters of a model card, else what the model's name says.
func (k *otherChips) params(model string) (float64, error) {
	if a, _, err := k.serving.architecture(model); err == nil && a.Params() > 0 {
		return a.Params(), nil
	}
	billions, err := modelSize(model)
	return billions * 1e9, err
}

// modelSize reads the size in billions from a model's name.
func modelSize(name string) (float64, error) {
	m := sizeText.FindStringSubmatch(name)
	if m == nil {
		return 0, fmt.Errorf("model %q: its size is not known", name)
	}
	v, _ := strconv.ParseFloat(m[1], 64)
	return v, nil
}
