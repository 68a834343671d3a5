package validate

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware"
)

// coral is a fixed time, one per operation, and one per MB of weights that do not fit the chip and come over
// its link (inference notes, section 8); detectors decode their boxes on the host.
func coral(row Row) (estimate, error) {
	n, err := networkOf(row.Text("model"), "")
	if err != nil {
		return estimate{}, err
	}
	spilled, boxes := math.Max(0, n.mparams-7), 0.0
	if n.family == "detection" {
		boxes = 1
	}
	e := estimate{roof: n.gflop / 4, sd: 0.52, group: "Coral", rung: "operations and spill, one set of rates"}
	sec := func(x []float64) float64 { return x[0] + x[1]*n.gflop + x[2]*spilled + x[3]*boxes }
	if isRate(row.Text("metric")) {
		e.by(coralForm, func(x []float64) float64 { return 1 / sec(x) })
		e.roof = 1e3 / e.roof
	} else {
		e.by(coralForm, func(x []float64) float64 { return 1e3 * sec(x) })
	}
	return e, nil
}

// widthOf is the bytes per weight of a decoder's precision with what its scales take.
func widthOf(precision string) (bytes float64, err error) {
	p := strings.ToLower(precision)
	switch {
	case hasAny(p, "int4", "q4", "w4", "4bit", "4-bit", "awq", "gptq"):
		return 0.5625, nil // groups of 32 share a scale of two bytes
	case hasAny(p, "int8", "q8", "w8", "8bit", "8-bit", "fp8"):
		return 1.0625, nil
	case hasAny(p, "fp16", "bf16", "f16", "half", "16bit", "16-bit"):
		return 2, nil
	}
	return 0, fmt.Errorf("precision %q is not known: int4, int8 or fp16 says how wide weights are", precision)
}

// jetson: decoders read their weights once beside a fixed number of clock cycles per token
// (inference notes, section 8); vision networks compute at a share of the chip's peak.
func (k *otherChips) jetson(row Row, c *Case) (estimate, error) {
	id, err := jetsonID(row.Text("chip"), c)
	if err != nil {
		return estimate{}, err
	}
	a, err := k.serving.catalogue.Accelerator(id)
	if err != nil {
		return estimate{}, err
	}
	d, err := k.serving.catalogue.Device(id, nil, nil)
	if err != nil {
		return estimate{}, err
	}
	e := estimate{group: "Jetson"}
	if strings.Contains(row.Text("metric"), "token") {
		params, err := k.params(row.Text("model"))
		if err != nil {
			return e, err
		}
		width, err := widthOf(row.Text("precision"))
		if err != nil {
			return e, err
		}
		weights, bandwidth, clock := params*width, d.MemBytesPerSec, d.ClockHz()
		if weights > a.Memory.V {
			return e, fmt.Errorf("%.3g GB of weights do not fit the %s of %s", weights/1e9, hardware.FormatValue(a.Memory), id)
		}
		e.by(jetsonDecodeForm, func(x []float64) float64 { return 1 / (x[0]/clock + x[1]*weights/bandwidth) })
		e.roof, e.sd, e.rung = bandwidth/weights, 0.26, "weights and a fixed time"
		if id != "nvidia-jetson-orin-nano-8" || width > 0.6 {
			e.sd = 0.35 // measured in four bits on one module
		}
		return e, nil
	}
	n, err := networkOf(row.Text("model"), "")
	if err != nil {
		return e, err
	}
	peak := math.Max(a.Peak[hardware.INT8].V, math.Max(a.Peak[hardware.BF16].V, a.Peak[hardware.FP16].V))
	if peak == 0 {
		return e, fmt.Errorf("the rates of %s are not known", id)
	}
	boxes := 0.0
	if n.family == "detection" {
		boxes = 1
	}
	read := n.mparams * 1e6 / (a.MemoryBandwidth.V * 2) // weights once per small batch
	e.by(jetsonVisionForm, func(x []float64) float64 { return 1 / (x[0] + n.gflop*1e9/(x[1]*peak) + x[2]*boxes + read) })
	e.roof, e.sd, e.rung = peak/(n.gflop*1e9), 0.40, "operations, one rate per chip"
	if id != "nvidia-jetson-xavier-nx-8" {
		e.sd = 0.55
	}
	return e, nil
}

// jetsonID is the module of a row; modes that name themselves only by their power are taken as stated.
func jetsonID(name string, c *Case) (string, error) {
	id, assumed := chipOf(name)
	if !strings.HasPrefix(id, "nvidia-jetson-") {
		return "", notInCatalogue(name)
	}
	if assumed != "" {
		c.Assumed = append(c.Assumed, assumed)
	}
	return id, nil
}
