package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// The builds of DPU boards (Vitis AI): what a kernel does per cycle, what share of that
// convolutions reach, and how much of the time besides convolutions on the smallest
// boards (host, weights, memory) remains there. Fitted on models measured on several
// boards; one set per build.
type dpuBuild struct {
	opsPerCycle float64
	efficiency  float64
	rest        float64 // of the time besides convolutions on ZCU boards
	card        bool    // kernels on a card work apart: its whole time shrinks with their number
	host        hostLimit
}

// hostLimit is what the processor of a board does to each frame beside the DPU: it scales
// pixels before, and classifies them or decodes boxes after. Frames are pipelined, so that
// the slower side sets the rate.
type hostLimit struct {
	secPerPixel     float64
	secPerPixelMask float64 // networks whose answer is a picture
	secBoxes        float64 // single-shot detectors
}

func (h hostLimit) sec(b boardRow) float64 {
	m := strings.ToLower(b.model)
	switch {
	case strings.Contains(m, "ssd"):
		return h.secBoxes
	case hasAny(m, "seg", "cityscapes", "unet", "fpn", "mt-", "multitask", "drunet", "salsa", "sa-gate"):
		return h.secPerPixelMask * b.pixels
	}
	return h.secPerPixel * b.pixels
}

func hasAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

var dpuBuilds = map[string]dpuBuild{
	"B": {opsPerCycle: 1, efficiency: 0.90, rest: 1}, // B4096 does 4096 operations per cycle: the name holds them
	// AI engines of VCK190 under its two A72: mobile networks of 224×224 stop at 5,000 a second.
	"AIE":           {opsPerCycle: 256, efficiency: 0.385, rest: 0.10, card: true, host: hostLimit{4e-9, 30e-9, 1.9e-3}},
	"DPUCAHX8H":     {opsPerCycle: 4096, efficiency: 0.80, rest: 0.15, card: true},
	"DPUCAHX8H-DWC": {opsPerCycle: 4096, efficiency: 0.80, rest: 0.20, card: true},
	"DPUCADF8H":     {opsPerCycle: 16384, efficiency: 0.70, rest: 0.15, card: true},
	"DPUCADX8G":     {opsPerCycle: 12288, efficiency: 0.55, rest: 0.15, card: true},
	// Not measured here: processing elements of 32 AI engines at 1.25 GHz whatever the clock of the
	// logic (AMD PG389, PG403), as efficient as the same engines are on VCK190.
	"DPUCVDX8H": {opsPerCycle: 32 * 256, efficiency: 0.385, rest: 0.10, card: true},
}

// boardRow is a DPU row, understood.
type boardRow struct {
	model, chip, build string
	ops, peak, sec     float64
	pixels             float64 // of the input
	engines            string  // the configuration of the build
}

var (
	dpuCores   = regexp.MustCompile(`(\d+) \* B(\d+) @ (\d+)\s*MHz`)
	dpuAIEs    = regexp.MustCompile(`(\d+) AIEs running at (\d+)\s*MHz`)
	dpuKernels = regexp.MustCompile(`(?i)(\d+) (DPUC[A-Z0-9-]+) kernels? running at (\d+)\s*MHz`)
	dpuPEs     = regexp.MustCompile(`(?i)(\d+)\s*PEs?\b`)
	dpuName    = regexp.MustCompile(`(?i)DPUC[A-Z0-9]+(?:-DWC)?`)
	inputSize  = regexp.MustCompile(`_(\d+)_(\d+)(?:_0\.\d+)?_[\d.]+[GM]\)`)
	dpuClock   = regexp.MustCompile(`DPU clock (\d+)`)
	modelOps   = regexp.MustCompile(`_([\d.]+)([GM])\)`)
	modelOps2  = regexp.MustCompile(`_([\d.]+)G_`)
)

func readBoard(row Row) (boardRow, error) {
	const engineHz = 1.25e9
	notes, model := row.Text("notes"), strings.ReplaceAll(row.Text("model"), `\`, "")
	b := boardRow{model: model, chip: row.Text("chip")}
	num := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
	switch {
	case modelOps.MatchString(model):
		m := modelOps.FindStringSubmatch(model)
		b.ops = num(m[1]) * map[string]float64{"G": 1e9, "M": 1e6}[m[2]]
	case modelOps2.MatchString(model):
		b.ops = num(modelOps2.FindStringSubmatch(model)[1]) * 1e9
	}
	if m := inputSize.FindStringSubmatch(model); m != nil {
		b.pixels = num(m[1]) * num(m[2])
	}
	if m := dpuCores.FindStringSubmatch(notes); m != nil {
		b.build, b.peak = "B", num(m[1])*num(m[2])*num(m[3])*1e6
	} else if m := dpuAIEs.FindStringSubmatch(notes); m != nil {
		b.build, b.peak = "AIE", num(m[1])*num(m[2])*1e6*dpuBuilds["AIE"].opsPerCycle
		if strings.Contains(strings.ToUpper(b.chip), "VCK5000") {
			b.build, b.engines = "DPUCVDX8H", m[1]+" AIE" // a card in a server: no small host
		}
	} else if m := dpuKernels.FindStringSubmatch(notes); m != nil {
		b.build = strings.ToUpper(m[2])
		d, known := dpuBuilds[b.build]
		if !known {
			return b, fmt.Errorf("the DPU build %s is not known", m[2])
		}
		clock := num(m[3])
		if c := dpuClock.FindStringSubmatch(notes); c != nil {
			clock = num(c[1])
		}
		hz := clock * 1e6
		if b.build == "DPUCVDX8H" {
			hz = engineHz // the clock named is that of the logic
		}
		b.engines = m[1] + " kernels"
		b.peak = num(m[1]) * hz * d.opsPerCycle
	} else if m := dpuPEs.FindStringSubmatch(notes); m != nil {
		b.build = strings.ToUpper(dpuName.FindString(notes))
		d, known := dpuBuilds[strings.TrimSuffix(b.build, "-DWC")]
		if !known {
			return b, fmt.Errorf("the DPU build %q is not known", b.build)
		}
		b.build, b.engines = strings.TrimSuffix(b.build, "-DWC"), m[1]+" PE"
		b.peak = num(m[1]) * d.opsPerCycle * engineHz
	} else {
		return b, fmt.Errorf("the notes do not give the DPU build")
	}
	return b, nil
}

// board is a DPU row: operations at the build's rate, and what a measured row of the
// same model on another board took besides.
func (k *otherChips) board(row Row) (estimate, error) {
	b, err := readBoard(row)
	if err != nil {
		return estimate{}, err
	}
	d := dpuBuilds[b.build]
	e := estimate{group: "FPGA"}
	if b.ops > 0 {
		e.roof = b.peak / b.ops
	}
	a, ok := k.anchor(b)
	switch {
	case ok && a.build == b.build && d.card:
		e.value, e.sd, e.rung = 1/(a.sec*a.peak/b.peak), 0.10, "the model on another board of the build"
	case ok && b.ops == 0:
		e.value, e.sd, e.rung = 1/(a.sec*d.rest/dpuBuilds[a.build].rest), 0.6, "the model on another board, operations not known"
	case ok:
		from := dpuBuilds[a.build]
		rest := math.Max(0, a.sec-a.ops/(a.peak*from.efficiency)) / from.rest
		sec := norm(b.ops/(b.peak*d.efficiency)+d.rest*rest, d.host.sec(b))
		e.value, e.sd, e.rung = 1/sec, 0.22, "the model on a board of another build"
		if a.build == b.build {
			e.sd = 0.07
		}
		if b.build == "AIE" || a.build == "AIE" || b.build == "DPUCVDX8H" {
			e.sd = 0.50
		}
	case b.ops == 0:
		return e, fmt.Errorf("the model's operations are not given, and no other board anchors it")
	default:
		sec := norm(b.ops/(b.peak*d.efficiency)+d.rest*b.ops*networkRest(b.model), d.host.sec(b))
		e.value, e.sd, e.rung, e.group = 1/sec, 0.7, "operations alone", "FPGA, not anchored"
	}
	return e, nil
}

// norm joins the two sides of a pipeline: near the slower of them.
func norm(a, b float64) float64 { return math.Cbrt(a*a*a + b*b*b) }

// networkRest is the time besides convolutions on ZCU boards per operation, in
// seconds, by what a network is for (medians of Vitis AI rows).
func networkRest(model string) float64 {
	m := strings.ToLower(model)
	for _, f := range []struct {
		words []string
		rest  float64
	}{{[]string{"mobilenet", "efficientnet", "depthwise", "squeeze", "dwc"}, 1.1e-12}, {[]string{"imagenet"}, 0.22e-12},
		{[]string{"pointpillars", "centerpoint", "salsanext", "pointpainting", "solo", "superpoint", "hfnet", "c2d2"}, 3e-12},
		{[]string{"seg", "unet", "cityscapes"}, 0.7e-12}, {[]string{"coco", "voc", "yolo", "ssd", "det"}, 0.5e-12}} {
		for _, w := range f.words {
			if strings.Contains(m, w) {
				return f.rest
			}
		}
	}
	return 0.45e-12
}

// anchor is the measured row of the same model on another board: of the same build
// first, then the build nearest to it.
func (k *otherChips) anchor(b boardRow) (boardRow, bool) {
	order := []string{b.build, "DPUCAHX8H", "DPUCAHX8H-DWC", "B", "DPUCADX8G", "DPUCADF8H", "DPUCVDX8H", "AIE"}
	switch b.build {
	case "DPUCAHX8H-DWC":
		order[2] = b.build
	case "AIE": // has units for depth-wise convolutions
		order[0], order[1], order[2] = "DPUCAHX8H-DWC", "DPUCAHX8H", "B"
	}
	for _, build := range order {
		for _, a := range k.anchors[b.model] {
			if a.build == build && (a.chip != b.chip || a.build != b.build || a.engines != b.engines) {
				return a, true
			}
		}
	}
	return boardRow{}, false
}
