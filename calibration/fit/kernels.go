package fit

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"aisim/calibration/ingest"
	"aisim/hardware"
	"aisim/hardware/profile"
)

// The constants of the operator models are inferred together: the best rate of each number
// format, the shape constants that all share, and the streaming rate.

// kernels is the fit of one chip's operators.
type kernels struct {
	chip     *hardware.Accelerator
	base     *profile.Profile // what was known before
	unknowns []unknown
	samples  []*sample
	post     posterior
}

// Widths of the priors: a machine may lie this far from its family in logarithms. Rates
// differ by power caps, clocks and library releases; the shape constants by tiles.
const (
	rateWidth  = 0.4
	shapeWidth = 0.5
)

// newKernels leaves out samples in formats that the chip has no units for and rates above the
// stated peak, which another unit made.
func newKernels(chip *hardware.Accelerator, base *profile.Profile, s *sorted) (*kernels, error) {
	k := &kernels{chip: chip, base: base}
	dev, err := hardware.NewDevice(chip, base, nil)
	if err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	have := map[string]bool{}
	for _, x := range s.kernels {
		what := x.source.Tool + ", " + string(x.body.Kind())
		if x.group == "memory" {
			m := x.body.(*ingest.Memory)
			if m.BytesPerSec.V > 1.15*dev.MemBytesPerSec && m.ArrayBytes.V < 4*dev.OnChipBytes {
				s.skip(what, "faster than the memory: it ran in the cache")
				continue
			}
			if m.BytesPerSec.V > 1.15*dev.MemBytesPerSec {
				s.skip(what, fmt.Sprintf("faster than the stated memory of %s: another chip", chip.ID))
				continue
			}
			have["memory"] = true
			k.samples = append(k.samples, x)
			continue
		}
		dt := format(x)
		flops := 2 * x.dims[0].v * x.dims[1].v * x.dims[2].v
		switch peak := dev.Peak[dt]; {
		case peak == 0:
			s.skip(what, fmt.Sprintf("%s has no stated rate in %s", chip.ID, dt))
			continue
		case flops/x.sec > 1.15*peak:
			s.skip(what, fmt.Sprintf("%s faster than the stated peak of %s: another unit or another chip made it", dt, chip.ID))
			continue
		}
		have["gemm."+dt.String()] = true
		have["shapes"] = have["shapes"] || strings.HasPrefix(x.group, "gemm ")
		have["sustained"] = have["sustained"] || strings.HasPrefix(x.group, "sustained ")
		k.samples = append(k.samples, x)
	}
	add := func(key string, width float64) {
		if p := base.Eff.Get(key); p.V > 0 {
			k.unknowns = append(k.unknowns, unknown{key, math.Log(p.V), width})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if strings.HasPrefix(key, "gemm.") {
			add(key, rateWidth)
		}
	}
	if have["shapes"] {
		add("weights", 0.3)
		for _, key := range []string{"launch_sec", "gemm_inner_k", "gemm_tile"} {
			add(key, shapeWidth)
		}
		add("gemm_wave", 0.3)
	}
	if have["sustained"] {
		add("in_step", math.Max(0.05, base.Eff.InStep.RelSD))
	}
	if have["memory"] {
		add("memory", rateWidth)
	}
	return k, nil
}

func format(s *sample) hardware.DType {
	_, name, _ := strings.Cut(s.group, " ")
	dt, _ := hardware.ParseDType(name) // the group was made of a known format
	return dt
}

// under is the chip under constants x: as a benchmark sees it, and in a long step.
func (k *kernels) under(eff profile.Efficiencies) (alone, inStep *hardware.Device) {
	p := *k.base
	p.Eff = eff
	dev, err := hardware.NewDevice(k.chip, &p, nil)
	if err != nil {
		panic("fit: invariant: a device that was made once is made again: " + err.Error())
	}
	return dev.Isolated(), dev
}

// eff is the efficiencies with the unknowns put in; out of range is held at the range's end.
func (k *kernels) eff(x []float64) profile.Efficiencies {
	e := k.base.Eff
	for i, u := range k.unknowns {
		p := e.Get(u.key)
		p.V, p.Source = math.Exp(x[i]), "fit"
		for range 40 { // a step beyond what the constant can mean is drawn back
			if e.Set(u.key, p) == nil {
				break
			}
			p.V = math.Exp((math.Log(p.V) + u.start) / 2)
		}
	}
	return e
}

func (k *kernels) predictor(eff profile.Efficiencies) func(*sample) float64 {
	alone, inStep := k.under(eff)
	return func(s *sample) float64 {
		if s.group == "memory" {
			return alone.Elementwise(s.dims[0].v).Sec
		}
		d := alone
		if strings.HasPrefix(s.group, "sustained ") {
			d = inStep
		}
		return d.GEMM(s.dims[0].v, s.dims[1].v, s.dims[2].v, format(s)).Sec
	}
}

// mostFitted bounds the samples of a search; more are taken evenly.
const mostFitted = 1200

func (k *kernels) fit() {
	train := used(k.samples)
	if len(train) > mostFitted {
		thin := make([]*sample, 0, mostFitted)
		for i := range mostFitted {
			thin = append(thin, train[i*len(train)/mostFitted])
		}
		train = thin
	}
	k.post = infer(k.unknowns, func(x []float64) []float64 {
		predict := k.predictor(k.eff(x))
		e := make([]float64, len(train))
		for i, s := range train {
			e[i] = math.Log(predict(s) / s.sec)
		}
		return e
	})
}

// constants are the fitted ones with what is left uncertain of them: of rates the residuals of
// shapes that were held out beside the posterior, of the others the posterior.
func (k *kernels) constants(source string) (profile.Efficiencies, error) {
	best := k.eff(k.post.x)
	predict := k.predictor(best)
	_, groups := byGroup(k.samples)
	var out profile.Efficiencies
	for i, u := range k.unknowns {
		p := profile.Param{V: best.Get(u.key).V, RelSD: k.post.sd(i), Source: source}
		group := "memory"
		if dt, ok := strings.CutPrefix(u.key, "gemm."); ok {
			group = "gemm " + dt
			if len(groups[group]) == 0 {
				group = "sustained " + dt
			}
		}
		if group != "memory" || u.key == "memory" {
			p.RelSD = math.Hypot(p.RelSD, uncertainty(groups[group], predict))
		}
		if (u.key == "launch_sec" || strings.HasPrefix(u.key, "gemm_")) && k.post.sd(i) > 0.9*u.sd {
			continue // the measurements say nothing of it
		}
		p.RelSD = math.Min(p.RelSD, 2)
		round(&p.V, &p.RelSD)
		if err := out.Set(u.key, p); err != nil {
			return out, fmt.Errorf("fit: %w", err)
		}
	}
	return out, nil
}

// Shapes whose measurement is weighed: the projections of transformers of three sizes, for a
// few tokens, a prompt and a training batch, and large squares.
var candidates = [][3]float64{
	{1, 4096, 4096}, {16, 4096, 4096}, {128, 4096, 4096}, {1024, 4096, 4096}, {8192, 4096, 4096},
	{16, 28672, 8192}, {1024, 28672, 8192}, {8192, 28672, 8192}, {8192, 8192, 28672}, {128, 512, 512}, {1024, 1024, 1024},
	{4096, 2048, 256}, {16384, 16384, 16384},
}

// asked are the formats that training and serving run in; others count where they were measured.
var asked = map[hardware.DType]bool{hardware.BF16: true, hardware.FP8: true, hardware.INT8: true, hardware.FP4: true}

// suggest ranks measurements by the share of the predictive variance over all candidate shapes
// and formats of a group that each would remove (A-optimal design), each after those before it.
func (k *kernels) suggest(count int) []profile.Suggested {
	type point struct {
		s *sample
		g *mat.VecDense
	}
	unknowns := slices.Clone(k.unknowns)
	have := map[string]bool{}
	for _, u := range unknowns {
		have[u.key] = true
	}
	// What was not measured at all is unknown as its profile says.
	for dt := range hardware.DType(hardware.NumDTypes) {
		if key := "gemm." + dt.String(); k.chip.Peak[dt].Known() && !have[key] && asked[dt] {
			unknowns = append(unknowns, unknown{key, math.Log(k.base.Eff.Get(key).V), math.Max(0.01, k.base.Eff.Get(key).RelSD)})
		}
	}
	for _, key := range []string{"memory", "weights", "launch_sec", "gemm_wave", "gemm_tile", "gemm_inner_k"} {
		if p := k.base.Eff.Get(key); !have[key] && p.V > 0 {
			unknowns = append(unknowns, unknown{key, math.Log(p.V), math.Max(0.01, p.RelSD)})
		}
	}
	n := len(unknowns)
	cov := mat.NewSymDense(n, nil)
	x := make([]float64, n)
	for i, u := range unknowns {
		x[i] = u.start
		cov.SetSym(i, i, u.sd*u.sd)
	}
	if k.post.cov != nil {
		copy(x, k.post.x)
		for i := range k.unknowns {
			for j := i; j < len(k.unknowns); j++ {
				cov.SetSym(i, j, k.post.cov.At(i, j))
			}
		}
	}
	all := kernels{chip: k.chip, base: k.base, unknowns: unknowns}
	var points []point
	add := func(group, what string, dims ...dim) {
		points = append(points, point{s: &sample{group: group, what: what, dims: dims}})
	}
	for dt := range hardware.DType(hardware.NumDTypes) {
		if k.chip.Peak[dt].Known() && (asked[dt] || have["gemm."+dt.String()]) {
			for _, c := range candidates {
				add("gemm "+dt.String(), fmt.Sprintf("m=%g n=%g k=%g", c[0], c[1], c[2]), dim{"m", c[0]}, dim{"n", c[1]}, dim{"k", c[2]})
			}
		}
	}
	add("memory", "STREAM triad", dim{"bytes", 3e9})
	jac := jacobian(x, func(x []float64) []float64 {
		predict := all.predictor(all.eff(x))
		out := make([]float64, len(points))
		for i, p := range points {
			out[i] = math.Log(predict(p.s))
		}
		return out
	})
	for i := range points {
		g := mat.NewVecDense(n, nil)
		for j := range n {
			g.SetVec(j, jac[j][i])
		}
		points[i].g = g
	}
	noise := 0.03
	if k.post.noise > 0 {
		noise = k.post.noise
	}
	total := func(cov *mat.SymDense) float64 {
		sum := 0.0
		for _, p := range points {
			sum += variance(cov, p.g)
		}
		return sum
	}
	start := total(cov)
	var out []profile.Suggested
	for range count {
		left, at := total(cov), -1
		best := left
		for i, p := range points {
			if p.s.held { // is asked for already
				continue
			}
			if t := total(after(cov, p.g, noise)); t < best {
				best, at = t, i
			}
		}
		if at < 0 || (left-best)/start < 0.01 {
			break
		}
		share := (left - best) / start
		round(&share)
		out = append(out, profile.Suggested{Group: points[at].s.group, What: points[at].s.what, Shrinks: share})
		points[at].s.held = true
		cov = after(cov, points[at].g, noise)
	}
	return out
}
