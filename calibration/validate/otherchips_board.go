package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// dpuBuild is a build of DPU boards (Vitis AI): what a kernel does per cycle. What share of that
// convolutions reach, and how much of the time besides convolutions on the smallest boards
// (host, weights, memory) remains there, are constants of dpuForm.
type dpuBuild struct {
	opsPerCycle float64
	card        bool   // kernels on a card work apart: its whole time shrinks with their number
	as          string // the build whose constants stand in for its own, which nobody measured here
}

var dpuBuilds = map[string]dpuBuild{
	"B":             {opsPerCycle: 1}, // B4096 does 4096 operations per cycle: the name holds them
	"AIE":           {opsPerCycle: 256, card: true},
	"DPUCAHX8H":     {opsPerCycle: 4096, card: true},
	"DPUCAHX8L":     {opsPerCycle: 4096, card: true, as: "DPUCAHX8H"},
	"DPUCAHX8H-DWC": {opsPerCycle: 4096, card: true},
	"DPUCADF8H":     {opsPerCycle: 16384, card: true},
	"DPUCADX8G":     {opsPerCycle: 12288, card: true},
	// Processing elements of 32 AI engines at 1.25 GHz whatever the clock of the logic (AMD PG389,
	// PG403), as efficient as the same engines are on VCK190, without its small host.
	"DPUCVDX8H": {opsPerCycle: 32 * 256, card: true, as: "AIE"},
}

// dpuAt is where the constants of a build stand in the form.
var dpuAt = func() map[string]int {
	at := map[string]int{}
	for i, k := range dpuForm.keys {
		at[k.key] = i
	}
	return at
}()

// constants are the efficiency and the rest of a build.
func (d dpuBuild) constants(build string, x []float64) (efficiency, rest float64) {
	if d.as != "" {
		build = d.as
	}
	rest = 1
	if i, ok := dpuAt[build+".rest"]; ok {
		rest = x[i]
	}
	return x[dpuAt[build+".efficiency"]], rest
}

// hostSec is what the processor of VCK190, two A72, does to each frame beside the engines: it scales
// pixels before, and classifies them or decodes boxes after. Frames are pipelined, so that
// the slower side sets the rate: mobile networks of 224×224 stop at 5,000 a second.
func hostSec(b boardRow, x []float64) float64 {
	if b.build != "AIE" {
		return 0
	}
	m := strings.ToLower(b.model)
	switch {
	case strings.Contains(m, "ssd"):
		return x[dpuAt["AIE.boxes_sec"]]
	case hasAny(m, "seg", "cityscapes", "unet", "fpn", "mt-", "multitask", "drunet", "salsa", "sa-gate"):
		return x[dpuAt["AIE.sec_per_pixel_mask"]] * b.pixels
	}
	return x[dpuAt["AIE.sec_per_pixel"]] * b.pixels
}

func hasAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// boardRow is a DPU row, understood.
type boardRow struct {
	model, build   string
	network        string // the model without the name that a table gives it
	board          string
	ops, peak, sec float64
	pixels         float64 // of the input
	engines        string  // the configuration of the build
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

var (
	inParentheses = regexp.MustCompile(`\(([^()]+)\)\s*$`)
	makerWords    = strings.NewReplacer("amd", "", "xilinx", "", "alveo", "", "versal", "", "zynq", "", "kria", "", "/", "", " ", "", "board", "")
)

// networkName is what stands in parentheses behind a model's name: the file of its weights.
func networkName(model string) string {
	if m := inParentheses.FindStringSubmatch(model); m != nil {
		model = m[1]
	}
	return strings.ToLower(strings.TrimSpace(model))
}

// boardName is a board without the words that some tables put before it, and without the
// number of its revision.
func boardName(chip string) string {
	name, _, _ := strings.Cut(strings.ToLower(chip), " (")
	return makerWords.Replace(name)
}

func readBoard(row Row) (boardRow, error) {
	return boardOf(row.Text("chip"), row.Text("model"), row.Text("notes"))
}

func boardOf(chip, model, notes string) (boardRow, error) {
	const engineHz = 1.25e9
	model = strings.ReplaceAll(model, `\`, "")
	b := boardRow{model: model, network: networkName(model), board: boardName(chip)}
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
		if strings.Contains(b.board, "vck5000") {
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
		return b, fmt.Errorf("the notes do not give the DPU build that ran (\"3 * B4096 @ 281MHz\", \"10 DPUCAHX8H kernels running at 275Mhz\", \"192 AIEs running at 1250 MHz\")")
	}
	return b, nil
}

// board is a DPU row: operations at the build's rate, and what a measured row of the
// same network on another board took besides.
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
	from := dpuBuilds[a.build]
	switch {
	case ok && a.build == b.build && d.card:
		e.value, e.sd, e.rung = 1/(a.sec*a.peak/b.peak), 0.11, "the model on another board of the build"
	case ok && b.ops == 0:
		e.by(dpuForm, func(x []float64) float64 {
			_, rest := d.constants(b.build, x)
			_, theirs := from.constants(a.build, x)
			return 1 / (a.sec * rest / theirs)
		})
		e.sd, e.rung = 0.8, "the model on another board, operations not known"
	case ok:
		e.by(dpuForm, func(x []float64) float64 {
			efficiency, rest := d.constants(b.build, x)
			theirs, remains := from.constants(a.build, x)
			besides := math.Max(0, a.sec-a.ops/(a.peak*theirs)) / remains
			return 1 / norm(b.ops/(b.peak*efficiency)+rest*besides, hostSec(b, x))
		})
		e.rung = "the model on a board of another build"
		e.sd, e.held = dpuSpread(a.build, b.build)
	case b.ops == 0:
		return e, fmt.Errorf("the model's operations are not given, and no other board anchors it")
	default:
		return aloneBoard(b), nil
	}
	return e, nil
}

// aloneBoard is a DPU row by its own operations, without any anchor.
func aloneBoard(b boardRow) estimate {
	d := dpuBuilds[b.build]
	e := estimate{group: "FPGA, not anchored", sd: 0.8, rung: "operations alone", roof: b.peak / b.ops}
	e.by(dpuForm, func(x []float64) float64 {
		efficiency, rest := d.constants(b.build, x)
		return 1 / norm(b.ops/(b.peak*efficiency)+rest*b.ops*networkRest(b.model), hostSec(b, x))
	})
	return e
}

// dpuSpread is how far a network's time carries from one build to another: to a board of the same
// cores, between builds that were measured, and to one that was not.
func dpuSpread(from, to string) (sd, unmeasured float64) {
	switch {
	case from == to:
		return 0.10, 0.12
	case to == "AIE" || from == "AIE":
		return 0.55, 0.7
	case dpuBuilds[to].as != "" || dpuBuilds[from].as != "":
		return 0.6, 0.6
	}
	return 0.22, 0.4
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

// anchor is the measured row of the same network on another board: of the same build first,
// then of the build nearest to it; of the table that is validated, then of those that are
// shipped.
func (k *otherChips) anchor(b boardRow) (boardRow, bool) {
	order := []string{b.build, "DPUCAHX8H", "DPUCAHX8H-DWC", "B", "DPUCADX8G", "DPUCADF8H", "DPUCVDX8H", "DPUCAHX8L", "AIE"}
	switch b.build {
	case "DPUCAHX8H-DWC":
		order[2] = b.build
	case "AIE", "DPUCVDX8H": // have units for depth-wise convolutions
		order[1], order[2] = "DPUCAHX8H-DWC", "DPUCAHX8H"
		if b.build == "AIE" {
			order[0] = "DPUCAHX8H-DWC"
		}
	}
	for _, build := range order {
		for _, rows := range [...][]boardRow{k.anchors[b.network], shippedBoards()[b.network]} {
			for _, a := range rows {
				if a.build == build && (a.board != b.board || a.build != b.build || a.engines != b.engines) {
					return a, true
				}
			}
		}
	}
	return boardRow{}, false
}
