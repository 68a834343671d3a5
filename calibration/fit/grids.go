package fit

import (
	"math"
	"slices"
	"strings"

	"aisim/hardware"
	"aisim/hardware/profile"
)

// Limits of the grids that a profile carries: fewer shapes leave the curve, more do not narrow what lies
// between them.
const (
	fewestShapes = 12
	mostShapes   = 4000
)

// grids keeps the measured multiplications of a chip, by number format, for the first rung of the ladder in a
// run: hardware.NewDevice interpolates between them. Each is predicted from the others: that is the held-out error
// of its format and what is left uncertain of its rate.
func (c *calibration) grids(k *kernels, eff profile.Efficiencies) error {
	alone, _ := k.under(eff)
	names, groups := byGroup(k.samples)
	for _, g := range names {
		format, ok := strings.CutPrefix(g, "gemm ")
		if !ok {
			continue
		}
		dt, err := hardware.ParseDType(format)
		if err != nil {
			continue
		}
		shapes := byShape(groups[g])
		if len(shapes) < fewestShapes {
			continue
		}
		if len(shapes) > mostShapes {
			thin := make([]profile.Call, mostShapes)
			for i := range thin {
				thin[i] = shapes[i*len(shapes)/mostShapes]
			}
			shapes = thin
		}
		points := make([]hardware.GridPoint, len(shapes))
		for i := range shapes {
			shapes[i].Op = g
			size := shapes[i].Size
			points[i] = hardware.GridPoint{Size: size, Sec: shapes[i].Sec, Curve: alone.GEMM(size[0], size[1], size[2], dt).Sec}
		}
		grid, err := hardware.NewGrid(points, hardware.GEMMPrior[:])
		if err != nil {
			return err
		}
		var off, signed []float64
		for i, p := range points {
			e := grid.At(p.Size, p.Curve, i).Sec/p.Sec - 1
			off, signed = append(off, math.Abs(e)), append(signed, e)
		}
		slices.Sort(off)
		p90 := off[len(off)*9/10]
		c.info.Residuals = append(c.info.Residuals, profile.Residual{Group: g + ", measured grid", HeldOut: len(off), HeldOutMedian: median(off), HeldOutP90: p90,
			Bias: median(signed), Before: median(curveErrors(points))})
		c.out.Profile.Calls = append(c.out.Profile.Calls, shapes...)
		// ±1.645 standard deviations hold 90 %.
		p := c.out.Eff.Matmul(format)
		p.RelSD = math.Min(p.RelSD, p90/1.645)
		round(&p.RelSD)
		if p.Known() {
			if err := c.out.Eff.Set("gemm."+format, p); err != nil {
				return err
			}
			for i := range c.out.Fitted {
				if c.out.Fitted[i].Key == "eff.gemm."+format {
					c.out.Fitted[i].After = p
				}
			}
		}
	}
	return nil
}

func curveErrors(points []hardware.GridPoint) []float64 {
	out := make([]float64, len(points))
	for i, p := range points {
		out[i] = math.Abs(p.Curve/p.Sec - 1)
	}
	return out
}

// byShape are the calls of a format, each shape once with the median of its times, in order of their
// sizes.
func byShape(samples []*sample) []profile.Call {
	type shape [3]float64
	times := map[shape][]float64{}
	var order []shape
	for _, s := range samples {
		if s.out {
			continue
		}
		key := shape{s.dims[0].v, s.dims[1].v, s.dims[2].v}
		if times[key] == nil {
			order = append(order, key)
		}
		times[key] = append(times[key], s.sec)
	}
	slices.SortFunc(order, func(a, b shape) int { return slices.Compare(a[:], b[:]) })
	out := make([]profile.Call, len(order))
	for i, key := range order {
		sec := median(times[key])
		round(&sec)
		out[i] = profile.Call{Size: []float64{key[0], key[1], key[2]}, Sec: sec}
	}
	return out
}
