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
// submission loses under the limits of the server scenario, and whether memory
// bandwidth shares the limit.
var mlperfWork = []struct {
	name            string
	perSec          float64
	server          float64
	memory          float64 // share of the time that memory bandwidth limits
	tensorOverLinks bool
}{
	{"bert-99.9", 7796, 0.83, 0, false}, {"bert-99", 9110, 0.81, 0, false},
	{"3d-unet", 6.5, 1, 0, false}, {"dlrm-v2-99.9", 46950, 0.95, 0.5, false}, {"dlrm-v2-99", 75500, 0.93, 0.5, false},
	{"gptj-99", 36, 1, 0.5, false}, {"llama2-70b-99", 2640, 0.966, 0.5, true}, {"mixtral-8x7b", 6602, 0.966, 0.5, true},
	{"resnet50", 88900, 0.89, 0, false}, {"retinanet", 1817, 0.95, 0, false}, {"stable-diffusion-xl", 2.07, 0.965, 0, false},
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
		id, _ := chipID(text)
		cpu := false
		if id == "" && strings.HasPrefix(text, "CPU") {
			cpu = true
			switch {
			case strings.Contains(text, "6980P"):
				id = "intel-xeon-6980p-gnr"
			case strings.Contains(text, "8480"), strings.Contains(text, "8592"):
				id = "intel-xeon-8480p-spr"
				if strings.Contains(text, "8592") {
					c.Assumed = append(c.Assumed, "Xeon 8592+ as 8480+ with the same units")
				}
			}
			if chips == 0 {
				chips = 2
				c.Assumed = append(c.Assumed, "two sockets")
			}
		}
		if id == "" {
			return estimate{}, fmt.Errorf("chip %q is not in the catalogue", text)
		}
		a, err := k.serving.catalogue.Accelerator(id)
		if err != nil {
			return estimate{}, err
		}
		ref, err := k.serving.catalogue.Accelerator("nvidia-h100-sxm")
		if err != nil {
			return estimate{}, err
		}
		rate := a.Peak[hardware.INT8].V
		if rate == 0 {
			rate = a.Peak[hardware.FP8].V
		}
		if rate == 0 {
			rate = a.Peak[hardware.BF16].V
		}
		if rate == 0 || a.MemoryBandwidth.V == 0 {
			return estimate{}, fmt.Errorf("the rates of %s are not known", id)
		}
		compute := rate / ref.Peak[hardware.INT8].V
		memory := a.MemoryBandwidth.V / ref.MemoryBandwidth.V
		capped := 1.0
		if a.TDP.Known() && a.Kind == "gpu" {
			// Watts per operation below those of the SXM part cost clock.
			capped = hardware.ClockShare(a.TDP.V / rate / (ref.TDP.V / ref.Peak[hardware.INT8].V))
		}
		factor := 1 / ((1-w.memory)/(compute*capped) + w.memory/memory)
		if w.tensorOverLinks && a.ScaleUpDomain.V <= 2 {
			factor *= 0.75 // tensor parallelism over the host link, or over a bridge of two
		}
		if cpu {
			factor *= 0.45
		}
		e := estimate{value: chips * w.perSec * factor, roof: chips * w.perSec * compute, sd: 0.12, group: "MLPerf", rung: "scaled from H100 SXM by rates and power"}
		if w.tensorOverLinks {
			e.sd = 0.18
		}
		if strings.Contains(notes, "Server") {
			e.value *= w.server
		} else if strings.Contains(notes, "Interactive") || strings.Contains(notes, "SingleStream") {
			return e, fmt.Errorf("only the Offline and Server scenarios are scaled")
		}
		if cpu {
			e.sd, e.group = 0.6, "Xeon"
		}
		return e, nil
	}
	return estimate{}, fmt.Errorf("MLPerf model %q has no reference", name)
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
	id, _ := chipID(row.Text("chip"))
	if id == "" {
		return estimate{}, fmt.Errorf("chip %q is not in the catalogue", row.Text("chip"))
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
	s.pools = []layout{{1, tp, 1, 1}}
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
	return estimate{value: a.value[column], roof: a.roof[column], sd: s.spread(column), group: "GPU service", rung: "step model"}, nil
}

// classic is a network at small batch: on GPUs a time for launches, and its operations at
// the rate that such batches reach; elsewhere the generic operator of the chip's family.
func (k *otherChips) classic(row Row, batch float64, c *Case) (estimate, error) {
	id, _ := chipID(row.Text("chip"))
	if id == "" {
		id = k.catalogued(row.Text("chip"))
	}
	if id == "" {
		return estimate{}, fmt.Errorf("chip %q is not in the catalogue", row.Text("chip"))
	}
	n, err := networkOf(row.Text("model"), row.Text("notes"))
	if err != nil {
		return estimate{}, err
	}
	a, err := k.serving.catalogue.Accelerator(id)
	if err != nil {
		return estimate{}, err
	}
	var sec, peak float64
	e := estimate{sd: 0.30, group: "GPU vision", rung: "operations and launches"}
	if a.Kind == "gpu" {
		peak = math.Max(a.Peak[hardware.BF16].V, a.Peak[hardware.FP16].V)
		if peak == 0 {
			return estimate{}, fmt.Errorf("the 16-bit rate of %s is not known", id)
		}
		// A small batch fills a small part of the units; kernels of attention are more and smaller.
		fixed := 1.4e-3
		if n.family == "detr" || n.family == "vit" {
			fixed = 2.3e-3
		}
		sec = fixed + batch*n.gflop*1e9/(0.265*peak)
		c.Assumed = append(c.Assumed, "16-bit arithmetic")
	} else {
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
		sec, peak = d.Generic(batch*n.gflop*1e9, n.mparams*1e6*dt.Bytes(), dt).Sec, d.Peak[dt]
		e.sd, e.group, e.rung = 0.6, a.Kind+" by family", "generic operator, "+d.Rung
		c.Assumed = append(c.Assumed, dt.String()+" arithmetic")
	}
	e.value, e.roof = batch/sec, peak/(n.gflop*1e9)
	if !isRate(row.Text("metric")) {
		e.value, e.roof = 1e3*sec, 1e3*batch/e.roof
	}
	return e, nil
}

// catalogued is the accelerator all parts of whose id occur in a name; of several the one
// with the longest id.
func (k *otherChips) catalogued(name string) string {
	name = strings.ToLower(name)
	best := ""
	for _, entry := range k.serving.catalogue.Entries(hardware.KindAccelerator) {
		all := true
		for _, part := range strings.Split(entry.ID, "-") {
			all = all && strings.Contains(name, part)
		}
		if all && len(entry.ID) > len(best) {
			best = entry.ID
		}
	}
	return best
}
