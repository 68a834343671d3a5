package hardware

import (
	"fmt"
	"strings"
	"sync"

	"aisim/hardware/profile"
	"aisim/internal/result"
)

// operatorGrids are the measured calls of a chip's operators that its profile holds: the first rung of the
// ladder inside a run. What a call is given is its curve times what the measurements around it are
// over theirs, each curve that of the chip as its catalogue entry has it and of kernels alone; so that a long step,
// a power cap or a drawn efficiency moves a measured operator as it moves others.
type operatorGrids struct {
	gemm  [NumDTypes]*Grid
	alone *Device  // nominal, isolated: what the grids' curves are of
	known sync.Map // [4]float64 of format, m, n, k → ratio: steps ask for few shapes many times
}

// fewestGridCalls of one format make a grid.
const fewestGridCalls = 12

// gridsByProfile keeps the grids of a profile's calls: devices are made anew for every draw.
var gridsByProfile sync.Map // *profile.Profile → *operatorGrids, nil where it holds no calls of operators

// measuredGrids are the grids of a profile; nil where it holds too few calls.
func measuredGrids(a *Accelerator, p *profile.Profile) (*operatorGrids, error) {
	if g, ok := gridsByProfile.Load(p); ok {
		return g.(*operatorGrids), nil
	}
	calls := map[DType][]profile.Call{}
	for _, c := range p.Calls {
		name, format, _ := strings.Cut(c.Op, " ")
		dt, err := ParseDType(format)
		if name == "gemm" && err == nil && len(c.Size) == 3 { // "gemm KIND FORMAT" are of the closed loop
			calls[dt] = append(calls[dt], c)
		}
	}
	var g *operatorGrids
	for dt := range DType(NumDTypes) {
		if len(calls[dt]) < fewestGridCalls {
			continue
		}
		if g == nil {
			stated := a
			if from, err := Default().Accelerator(a.ID); err == nil {
				stated = from
			}
			plain := *p
			plain.Calls = nil
			d, err := NewDevice(stated, &plain, nil)
			if err != nil {
				return nil, err
			}
			g = &operatorGrids{alone: d.Isolated()}
		}
		points := make([]GridPoint, len(calls[dt]))
		for i, c := range calls[dt] {
			points[i] = GridPoint{Size: c.Size, Sec: c.Sec, Curve: g.alone.GEMM(c.Size[0], c.Size[1], c.Size[2], dt).Sec}
		}
		var err error
		if g.gemm[dt], err = NewGrid(points, GEMMPrior[:]); err != nil {
			return nil, fmt.Errorf("profile %s, calls of gemm %s: %w", p.ID, dt, err)
		}
	}
	kept, _ := gridsByProfile.LoadOrStore(p, g)
	return kept.(*operatorGrids), nil
}

// GEMMPrior weighs the axes m, n and k of a grid: tiles and waves work on m and n (chosen on the tables of
// A100, H100 and B200; docs/models/kernels.md).
var GEMMPrior = [3]float64{3, 3, 1}

// ratio is the measured time of a multiplication over its curve's; 1 where none was measured.
func (g *operatorGrids) ratio(m, n, k float64, dt DType) float64 {
	if g == nil || g.gemm[dt] == nil || m <= 0 || n <= 0 || k <= 0 {
		return 1
	}
	key := [4]float64{float64(dt), m, n, k}
	if r, ok := g.known.Load(key); ok {
		return r.(float64)
	}
	curve := g.alone.GEMM(m, n, k, dt).Sec
	r := g.gemm[dt].At([]float64{m, n, k}, curve, -1).Sec / curve
	g.known.Store(key, r)
	return r
}

// operators are the kinds that stand on measured grids.
func (g *operatorGrids) operators() []string {
	var out []string
	if g == nil {
		return nil
	}
	for dt, grid := range g.gemm {
		if grid != nil {
			out = append(out, "GEMM "+DType(dt).String())
		}
	}
	return out
}

// assumptions say which operators stand on how many measured calls.
func (g *operatorGrids) assumptions(a *Accelerator, p *profile.Profile) []result.Assumption {
	var out []result.Assumption
	for dt, grid := range g.gemm {
		if grid != nil {
			out = append(out, result.Assumption{Name: fmt.Sprintf("%s GEMM %s", a.ID, DType(dt)), Value: fmt.Sprintf("measured grid of %d calls", grid.Len()), Pedigree: result.Measured, Source: p.Source})
		}
	}
	return out
}

// scaled is a cost times a ratio of measured to curve.
func (c Cost) scaled(r float64) Cost {
	if r != 1 {
		c.Sec *= r
		c.ComputeSec *= r
		c.MemorySec *= r
		c.LaunchSec *= r
	}
	return c
}
