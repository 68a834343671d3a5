package fit

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aisim/calibration/ingest"
	"aisim/hardware"
	"aisim/hardware/profile"
)

// joined is the fit of the collectives inside one scale-up domain.
type joined struct {
	fabric       Fabric
	before, now  profile.LinkParams
	predict, was func(*sample) float64
}

// joinLinks fits the constants of the chip's own link on its collectives, from where they stand.
func joinLinks(chip *hardware.Accelerator, base *profile.Profile, samples []*sample) (*joined, error) {
	class := profile.LinkClass(chip.ScaleUpLink)
	link, ok := base.Links[class]
	if !ok || !chip.ScaleUpBandwidth.Known() {
		return nil, fmt.Errorf("%s: the catalogue names no scale-up link of %s with a rate", class, chip.ID)
	}
	j := &joined{before: link, fabric: Fabric{Class: class, Kind: "switch", BytesPerSec: chip.ScaleUpBandwidth.V / 2, InSwitch: link.InNetwork > 0}}
	train := used(samples)
	calls := make([]Call, len(train))
	for i, s := range train {
		calls[i] = callOf(s, j.fabric.InSwitch)
	}
	b, err := NewBench(j.fabric, calls)
	if err != nil {
		return nil, err
	}
	b.rates = true
	if j.now, err = b.Fit(link, 2); err != nil {
		return nil, err
	}
	if j.predict, err = predictCalls(chip, j.now, samples); err != nil {
		return nil, err
	}
	if j.was, err = predictCalls(chip, j.before, samples); err != nil {
		return nil, err
	}
	return j, nil
}

// constants are the link class with its residuals as its uncertainty: of messages of 1 MiB and
// more for rates, of smaller ones for the fixed parts. Without any the prior's stay.
func (j *joined) constants(samples []*sample, source string) profile.LinkParams {
	l := j.now
	l.Kind, l.Source = "measured", source
	large := slices.DeleteFunc(slices.Clone(samples), func(s *sample) bool { return s.dims[1].v < 1<<20 || s.out })
	small := slices.DeleteFunc(slices.Clone(samples), func(s *sample) bool { return s.dims[1].v >= 1<<20 || s.out })
	if len(large) > 0 {
		l.RelSD = math.Min(1, uncertainty(large, j.predict))
	}
	if len(small) > 0 {
		l.LatencySD = math.Min(1, uncertainty(small, j.predict))
	}
	for _, c := range Constants(&l, 1) {
		round(c.V)
	}
	round(&l.RelSD, &l.LatencySD)
	return l
}

// level is the rate that samples which all measure one thing agree on, by the median of those
// that were not held out, with the spread as its uncertainty. A rate of bytes per second over a
// line rate is a share of it; work is what one second's rate is counted in.
func level(samples []*sample, work func(*sample) float64, source string) (p profile.Param, predict func(*sample) float64) {
	var v []float64
	for _, s := range used(samples) {
		v = append(v, work(s)/s.sec)
	}
	if len(v) == 0 {
		return profile.Param{}, nil
	}
	m := median(v)
	predict = func(s *sample) float64 { return work(s) / m }
	own := 0.0
	for _, s := range samples {
		own = math.Max(own, s.sd)
	}
	p = profile.Param{V: m, RelSD: math.Min(1, math.Hypot(own, uncertainty(samples, predict))), Source: source}
	round(&p.RelSD)
	return p, predict
}

// fitHost fits fixed time and rate of one host operation over its sizes, each size with the same
// weight, held at a rate alone where all sizes are one.
func fitHost(samples []*sample, source string) (profile.HostOp, func(*sample) float64, error) {
	train := used(samples)
	if len(train) == 0 {
		return profile.HostOp{}, nil, fmt.Errorf("nothing that does not contradict itself")
	}
	fastest := 0.0
	least := math.Inf(1)
	for _, s := range train {
		fastest = math.Max(fastest, s.dims[0].v/s.sec)
		least = math.Min(least, s.sec)
	}
	unknowns := []unknown{{"bytes_per_sec", math.Log(fastest), 2}}
	sizes := map[float64]bool{}
	for _, s := range train {
		sizes[s.dims[0].v] = true
	}
	if len(sizes) > 1 {
		unknowns = append(unknowns, unknown{"fixed_sec", math.Log(least / 4), 3})
	}
	sec := func(x []float64, bytes float64) float64 {
		t := bytes / math.Exp(x[0])
		if len(x) > 1 {
			t += math.Exp(x[1])
		}
		return t
	}
	post := infer(unknowns, func(x []float64) []float64 {
		e := make([]float64, len(train))
		for i, s := range train {
			e[i] = math.Log(sec(x, s.dims[0].v) / s.sec)
		}
		return e
	})
	predict := func(s *sample) float64 { return sec(post.x, s.dims[0].v) }
	_, name, _ := strings.Cut(samples[0].group, " ")
	op := profile.HostOp{Name: name, BytesPerSec: profile.Param{V: math.Exp(post.x[0]), Source: source,
		RelSD: math.Min(2, math.Hypot(post.sd(0), uncertainty(samples, predict)))}}
	if len(post.x) > 1 {
		op.FixedSec = profile.Param{V: math.Max(1e-10, math.Exp(post.x[1])), RelSD: math.Min(2, post.sd(1)), Source: source}
	}
	if k, ok := train[0].body.(*ingest.Kernel); ok {
		for _, f := range k.More {
			if f.Name == "compression_ratio" && f.Value.Known {
				op.Ratio = profile.Param{V: f.Value.V, RelSD: 0.05, Source: source}
			}
		}
	}
	round(&op.BytesPerSec.V, &op.BytesPerSec.RelSD, &op.FixedSec.V, &op.FixedSec.RelSD, &op.Ratio.V)
	return op, predict, nil
}

// machine is the accelerator of a machine that probe measured and the catalogue does not hold: its
// peaks are the best rates among the records.
func machine(t Target, s *sorted, source string) (*hardware.Accelerator, *profile.Chip, error) {
	if s.facts == nil {
		return nil, nil, fmt.Errorf("hardware %q is not in the catalogue, and no record of aisim calibrate probe describes it", t.Hardware)
	}
	family := t.Family
	if family == "" {
		family = "cpu"
	}
	c := &profile.Chip{Name: s.facts.Name, Kind: "cpu", Family: family, Peak: map[string]profile.Param{}}
	for _, x := range s.kernels {
		if x.group == "memory" {
			if rate := x.dims[0].v / x.sec; rate > c.MemoryBytesPerSec.V {
				c.MemoryBytesPerSec = profile.Param{V: rate, Source: source + ", best " + x.what}
			}
			continue
		}
		dt := format(x).String()
		if rate := 2 * x.dims[0].v * x.dims[1].v * x.dims[2].v / x.sec; rate > c.Peak[dt].V {
			c.Peak[dt] = profile.Param{V: rate, Source: source + ", best GEMM " + x.what}
		}
	}
	if len(c.Peak) == 0 || !c.MemoryBytesPerSec.Known() {
		return nil, nil, fmt.Errorf("hardware %q is not in the catalogue: GEMM and memory records are needed to know what it can do", t.Hardware)
	}
	if s.facts.MemTotalBytes.V > 0 {
		c.MemoryBytes = profile.Param{V: s.facts.MemTotalBytes.V, Source: source}
	}
	return hardware.FromProfile(&profile.Profile{Hardware: t.Hardware, Chip: c, Source: source}), c, nil
}

// fewestCalls of an operator make a grid.
const fewestCalls = 5

// calls keeps the GEMMs that probe measured, by the way that they multiply, for grids of measured
// calls. Every one is predicted from the others of its kind: that is its held-out error, beside
// that of the fitted curve.
func (c *calibration) calls(curve func(*sample) float64) error {
	var p profile.Profile
	names, groups := byGroup(slices.DeleteFunc(slices.Clone(c.sorted.calls), func(s *sample) bool { return s.out }))
	at := map[*sample]int{}
	for _, g := range names {
		if len(groups[g]) < fewestCalls {
			delete(groups, g)
			continue
		}
		for i, s := range groups[g] {
			s.held = true
			at[s] = i
			sec := s.sec
			round(&sec)
			p.Calls = append(p.Calls, profile.Call{Op: g, Size: []float64{s.dims[0].v, s.dims[1].v, s.dims[2].v}, Sec: sec})
		}
	}
	grids, err := hardware.NewCalls(&p)
	if err != nil {
		return fmt.Errorf("fit: %w", err)
	}
	c.out.Profile.Calls = append(c.out.Profile.Calls, p.Calls...)
	for _, g := range names {
		c.report(groups[g], func(s *sample) float64 {
			e, _ := grids.At(g, at[s], s.dims[0].v, s.dims[1].v, s.dims[2].v)
			return e.Sec
		}, curve)
	}
	return nil
}

// hostCalls keeps the calls of a host operation that was measured at enough sizes, and gives the
// prediction of each from the others.
func (c *calibration) hostCalls(op profile.HostOp, samples []*sample) (predict func(*sample) float64, err error) {
	p := profile.Profile{Host: map[string]profile.HostOp{op.Name: op}}
	at := map[*sample]int{}
	for _, s := range samples {
		if !s.out {
			at[s] = len(p.Calls)
			p.Calls = append(p.Calls, profile.Call{Op: op.Name, Size: []float64{s.dims[0].v}, Sec: s.sec})
			round(&p.Calls[at[s]].Sec)
		}
	}
	if len(p.Calls) < fewestCalls {
		return nil, nil
	}
	grids, err := hardware.NewCalls(&p)
	if err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	for s := range at {
		s.held = true
	}
	c.out.Profile.Calls = append(c.out.Profile.Calls, p.Calls...)
	return func(s *sample) float64 {
		e, _ := grids.At(op.Name, at[s], s.dims[0].v)
		return e.Sec
	}, nil
}
