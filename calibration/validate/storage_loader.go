package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"aisim/storage/loader"
)

// Submissions end just above the floor of the utilisation, because they add accelerators
// until it binds; kept is the share of a run that the measured interval keeps (the first step is left out).
var submissions = map[string]struct{ submitted, kept float64 }{
	"unet3d": {0.937, 0.985}, "resnet50": {0.93, 0.998}, "cosmoflow": {0.716, 0.997},
}

var loaderText = regexp.MustCompile(`(unet3d|resnet50|cosmoflow) (\w+)(?: \((\d+) simulated accelerators\))?`)

// submission is a point of a system that was measured.
type submission struct {
	system, workload, accelerator, hosts string
	n, utilisation                       float64
}

// study collects the measured points of every system.
func (k *stores) study(t *Table) {
	for _, row := range t.Rows {
		m := loaderText.FindStringSubmatch(strings.ToLower(row.Text("workload")))
		v, ok, err := row.Number("value")
		if m == nil || m[3] == "" || !ok || err != nil || row.Text("metric") != "au" || row.Text("use") == UseExclude {
			continue
		}
		n, _ := strconv.ParseFloat(m[3], 64)
		k.points = append(k.points, submission{row.Text("system"), m[1], m[2], row.Text("clients"), n, v / 100})
	}
}

// calibrated is the system as its own measured point of the same workload and hosts
// shows it; a point of the same accelerator is preferred, then the largest.
func (k *stores) calibrated(s submission, w loader.Workload) (loader.System, submission, error) {
	best, found := submission{}, false
	for _, p := range k.points {
		if p.system != s.system || p.workload != s.workload || p.hosts != s.hosts || p == s || !(p.utilisation > 0 && p.utilisation <= 1) {
			continue
		}
		same, was := p.accelerator == s.accelerator, best.accelerator == s.accelerator
		if !found || same && !was || same == was && p.n > best.n {
			best, found = p, true
		}
	}
	if !found {
		return loader.System{}, best, fmt.Errorf("no measured utilisation of %s by %s of %q is in the table: add a row of metric au", s.workload, s.hosts, s.system)
	}
	step, err := w.StepSec(best.accelerator)
	if err != nil {
		return loader.System{}, best, err
	}
	system, err := loader.Calibrate(w, step, best.n, best.utilisation)
	return system, best, err
}

// loader predicts a submission: accelerators are given, and the system was filled until
// the utilisation met its floor unless so few take part that it could not be. How many a
// system supports, and its utilisation away from the floor, follow from a point of its own.
func (k *stores) loader(r *storeRow) (storeAnswer, error) {
	a := storeAnswer{scale: Rate}
	m := loaderText.FindStringSubmatch(r.work)
	if m == nil {
		return a, fmt.Errorf("workload %q names no model and accelerator", r.Text("workload"))
	}
	w, err := loader.Find(m[1])
	if err != nil {
		return a, err
	}
	step, err := w.StepSec(m[2])
	if err != nil {
		return a, err
	}
	a.class, a.sd = "MLPerf "+w.Name, 0.03
	if w.Batch == 1 {
		a.sd = 0.045
	}
	n, _ := strconv.ParseFloat(m[3], 64)
	at := submission{r.system, w.Name, m[2], r.Text("clients"), n, 0}
	if r.metric == "accelerators" || strings.HasPrefix(r.metric, "accelerators_") || r.metric == "knee" {
		s, from, err := k.calibrated(at, w)
		if err != nil {
			return a, err
		}
		r.assume("the limit of %.0f %s accelerators at %.1f %%", from.n, from.accelerator, 100*from.utilisation)
		a.class, a.sd, a.rung, a.scale = "accelerators supported", 0.08, "the system's own point", Rate
		a.value = float64(s.Supported(w, step))
		if r.metric == "knee" {
			a.value = s.Knee(w, step)
		}
		a.roof = math.Floor(s.SamplesPerSec * step / float64(w.Batch))
		return a, nil
	}
	if n < 1 {
		return a, fmt.Errorf("workload %q names no number of accelerators", r.Text("workload"))
	}
	// Submissions end at the floor, unless the barrier binds before.
	au := submissions[w.Name].submitted
	if w.Batch == 1 || n <= 2 { // one or two are fewer than fill any system: the next would break the floor
		au = math.Max(au, loader.Unsaturated(w, step).Utilisation(w, step, n))
	}
	r.assume("accelerators were added until utilisation met its floor of %.0f %%", 100*w.Floor)
	most := n * float64(w.Batch) / step
	samples := most * au * submissions[w.Name].kept
	a.rung = "definition of the workload, utilisation at its floor"
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
		a.value, a.roof = samples*w.RecordBytes/unit, most*w.RecordBytes/unit
	default:
		return a, fmt.Errorf("metric %q of a loader is not known", r.metric)
	}
	return a, nil
}

func byteUnit(u string) float64 {
	return map[string]float64{"gb/s": 1e9, "gib/s": 1 << 30, "mb/s": 1e6, "mib/s": 1 << 20, "tb/s": 1e12, "tib/s": 1 << 40}[strings.ToLower(u)]
}
