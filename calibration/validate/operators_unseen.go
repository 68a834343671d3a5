package validate

import (
	"fmt"
	"math"
	"slices"

	"aisim/calibration/fit"
	"aisim/hardware"
	"aisim/hardware/profile"
)

// A chip that no fit saw: its datasheet, one best GEMM and one STREAM figure, and the
// constants that the operators of other chips gave.

// sustainedSec is the length of a call from which on its clocks are those of long work: the
// best GEMM of a table is taken among such. Short calls of H100 and B200 run 8 and 13 % above.
const sustainedSec = 10e-3

// carryOver gives every call the time that follows from other chips alone.
func carryOver(grids []*operatorGrid) error {
	for _, g := range grids {
		var others []*operatorGrid
		for _, o := range grids {
			if o.op == g.op && o.chip != g.chip && (o.format == g.format || g.op != "GEMM") {
				others = append(others, o)
			}
		}
		if len(others) == 0 {
			continue
		}
		switch g.op {
		case "GEMM of a layer": // the library's constants are the chip's own
			continue
		case "GEMM":
			if err := g.unseenGEMM(others); err != nil {
				return err
			}
			continue
		}
		var devices []*hardware.Device
		var chips []string
		for _, o := range others {
			if slices.Contains(chips, o.chip) {
				continue
			}
			d, err := borrowed(g.device, o.chip)
			if err != nil {
				return err
			}
			chips, devices = append(chips, o.chip), append(devices, d)
		}
		for i := range g.calls {
			mean := 0.0
			for _, d := range devices {
				mean += math.Log(g.calls[i].on(d)) / float64(len(devices))
			}
			g.calls[i].unseen = math.Exp(mean)
		}
	}
	return nil
}

// borrowed is a chip with the efficiencies of another one, but for its best GEMM and its
// STREAM fraction. Fixed times are clock cycles: 20,600, 19,900 and 16,900 of decode attention on
// A100, H100 and B200.
func borrowed(d *hardware.Device, from string) (*hardware.Device, error) {
	p, err := profile.For(from)
	if err != nil {
		return nil, err
	}
	p.Eff.GEMM, p.Eff.Memory, p.Eff.Cores = d.Eff.GEMM, d.Eff.Memory, d.Eff.Cores
	other, err := hardware.Default().Device(from, nil, nil)
	if err != nil {
		return nil, err
	}
	if mine, ok := d.Library(hardware.FP16); ok {
		if theirs, ok := other.Library(hardware.FP16); ok {
			for _, t := range []*profile.Param{&p.Eff.LaunchSec, &p.Eff.AttentionLaunchSec, &p.Eff.DecodeBlockSec} {
				t.V *= theirs.ClockHz / mine.ClockHz
			}
		}
	}
	out, err := hardware.Default().Device(d.ID, p, nil)
	if err != nil {
		return nil, err
	}
	return out.Isolated(), nil
}

// gemmFit is a chip's table as a fit or its test sees it.
type gemmFit struct {
	grid  *operatorGrid
	bytes float64
	best  float64
}

func newGEMMFit(g *operatorGrid) (f gemmFit, ok bool) {
	dt, err := hardware.ParseDType(g.format)
	if err != nil || dt.Bytes() != 2 { // narrower formats time a quantisation pass as well
		return f, false
	}
	f = gemmFit{grid: g, bytes: dt.Bytes()}
	for _, c := range g.calls {
		if c.sec >= sustainedSec {
			f.best = math.Max(f.best, 2*c.size[0]*c.size[1]*c.size[2]/c.sec)
		}
	}
	return f, f.best > 0
}

func (f *gemmFit) library(x []float64) hardware.LibraryGEMM {
	d := f.grid.device
	return hardware.SharedGEMM(x).Library(d, f.best, d.MemBytesPerSec*d.Eff.Memory.V)
}

func (f *gemmFit) sec(g *hardware.LibraryGEMM, c *operatorCall) float64 {
	return g.Sec(c.size[0], c.size[1], c.size[2], f.bytes, f.bytes)
}

// unseenGEMM fits the shared constants on a sample of the other chips' calls and predicts
// this chip's with them.
func (g *operatorGrid) unseenGEMM(others []*operatorGrid) error {
	mine, ok := newGEMMFit(g)
	if !ok {
		return nil
	}
	var set []gemmFit
	for _, o := range others {
		if f, ok := newGEMMFit(o); ok {
			set = append(set, f)
		}
	}
	if len(set) == 0 {
		return nil
	}
	const sample, spread, pull = 200, 0.02, 0.003
	loss := func(x []float64) float64 {
		sum, n := 0.0, 0.0
		for i := range set {
			calls, g := set[i].grid.calls, set[i].library(x)
			for k := 0; k < len(calls); k += max(1, len(calls)/sample) {
				e := math.Log(set[i].sec(&g, &calls[k]) / calls[k].sec)
				sum += math.Sqrt(e*e + spread*spread)
				n++
			}
		}
		sum /= n
		for i := range x {
			sum += pull * (x[i] - hardware.SharedStart[i]) * (x[i] - hardware.SharedStart[i])
		}
		return sum
	}
	x := hardware.SharedStart[:]
	for range 3 {
		x, _ = fit.Simplex(loss, x, 0.3, 120)
	}
	lib := mine.library(x)
	for i := range g.calls {
		g.calls[i].unseen = mine.sec(&lib, &g.calls[i])
		if !(g.calls[i].unseen > 0) {
			return fmt.Errorf("%s: the shared constants of other chips give %g s", g.chip, g.calls[i].unseen)
		}
	}
	return nil
}
