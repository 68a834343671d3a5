package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// MLPerf Storage v1.0 as DLIO defines it: the computation of a batch, its size, the
// bytes of a record, the least utilisation, and what share of the run the
// measured interval keeps. submitted is where submissions end: just above the floor,
// because they add accelerators until it binds.
var loaders = map[string]struct {
	batch, recordBytes, floor, submitted, kept float64
	stepSec                                    map[string]float64
}{
	"unet3d":    {7, 146600628, 0.90, 0.937, 0.985, map[string]float64{"a100": 0.636, "h100": 0.323}},
	"resnet50":  {400, 114660.07, 0.90, 0.93, 0.998, map[string]float64{"a100": 0.435, "h100": 0.224}},
	"cosmoflow": {1, 2828486, 0.70, 0.716, 0.997, map[string]float64{"a100": 0.00551, "h100": 0.0035}},
}

var loaderText = regexp.MustCompile(`(unet3d|resnet50|cosmoflow) (\w+) \((\d+) simulated accelerators\)`)

// Exposed time of a step of one sample before the system saturates: a read, and the
// wait for the slowest of n accelerators at the barrier (an exponential delay each).
const (
	exposedSec = 0.78e-3
	barrierSec = 0.28e-3
)

// loader predicts a submission: accelerators are given, and the system was filled until
// the utilisation met its floor unless so few take part that it could not be.
func (k *stores) loader(r *storeRow) (storeAnswer, error) {
	m := loaderText.FindStringSubmatch(r.work)
	if m == nil {
		return storeAnswer{}, fmt.Errorf("workload %q names no model and number of accelerators", r.Text("workload"))
	}
	l := loaders[m[1]]
	step := l.stepSec[m[2]]
	n, _ := strconv.ParseFloat(m[3], 64)
	if step == 0 || n < 1 {
		return storeAnswer{}, fmt.Errorf("the computation of %s on %s is not defined", m[1], m[2])
	}
	au := l.submitted
	if m[1] == "cosmoflow" {
		harmonic := 0.0
		for i := 1.0; i <= math.Min(n, 1e4); i++ {
			harmonic += 1 / i
		}
		au = math.Max(au, step/(step+exposedSec+barrierSec*(harmonic-1)))
	}
	r.assume("accelerators were added until utilisation met its floor of %.0f %%", 100*l.floor)
	samples := n * l.batch / step * au * l.kept
	most := n * l.batch / step
	a := storeAnswer{sd: 0.03, rung: "definition of the workload, utilisation at its floor", class: "MLPerf " + m[1], scale: Rate}
	if m[1] == "cosmoflow" {
		a.sd = 0.045
	}
	switch {
	case r.metric == "au":
		a.value, a.roof = 100*au, 100
	case strings.HasPrefix(r.metric, "samples"):
		a.value, a.roof = samples, most
	case r.metric == "throughput":
		unit := byteUnit(r.Text("unit"))
		if unit == 0 {
			return a, fmt.Errorf("unit %q of a throughput is not known", r.Text("unit"))
		}
		a.value, a.roof = samples*l.recordBytes/unit, most*l.recordBytes/unit
	default:
		return a, fmt.Errorf("metric %q of a loader is not known", r.metric)
	}
	return a, nil
}

func byteUnit(u string) float64 {
	return map[string]float64{"gb/s": 1e9, "gib/s": 1 << 30, "mb/s": 1e6, "mib/s": 1 << 20, "tb/s": 1e12, "tib/s": 1 << 40}[strings.ToLower(u)]
}
