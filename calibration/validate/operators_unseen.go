package validate

import (
	"fmt"
	"math"
	"slices"
	"strings"

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
	for _, t := range []*profile.Param{&p.Eff.LaunchSec, &p.Eff.AttentionLaunchSec, &p.Eff.DecodeBlockSec} {
		t.V *= other.ClockHz() / d.ClockHz()
	}
	// Copies in bulk keep more bytes in flight; exponentials do not speed up with matrices, and two fifths of their
	// time show (.64, .59 and .55 of A100, H100 and B200).
	bulk := d.BulkCopies() / other.BulkCopies()
	p.Eff.KV.V = math.Min(1, p.Eff.KV.V*bulk)
	p.Eff.AttentionMemory.V = math.Min(1, p.Eff.AttentionMemory.V*bulk)
	const shown = 0.4
	p.Eff.AttentionForward.V = 1 / math.Max(1, 1/p.Eff.AttentionForward.V+shown*(d.ExponentialShare()-other.ExponentialShare()))
	out, err := hardware.Default().Device(d.ID, p, nil)
	if err != nil {
		return nil, err
	}
	return out.Isolated(), nil
}

// gemmFit is a chip's table as a fit or its test sees it.
type gemmFit struct {
	grid  *operatorGrid
	dt    hardware.DType
	bytes float64
	best  float64
}

func newGEMMFit(g *operatorGrid) (f gemmFit, ok bool) {
	dt, err := hardware.ParseDType(g.format)
	if err != nil || dt.Bytes() != 2 { // narrower formats time a quantisation pass as well
		return f, false
	}
	f = gemmFit{grid: g, dt: dt, bytes: dt.Bytes()}
	for _, c := range g.calls {
		if c.sec >= sustainedSec {
			f.best = math.Max(f.best, 2*c.size[0]*c.size[1]*c.size[2]/c.sec)
		}
	}
	return f, f.best > 0
}

func (f *gemmFit) library(x []float64) hardware.LibraryGEMM {
	d := f.grid.device
	return hardware.SharedGEMM(x).Library(d, f.dt, f.best, d.MemBytesPerSec*d.Eff.Memory.V)
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
	x := fitShared(set)
	lib := mine.library(x)
	for i := range g.calls {
		g.calls[i].unseen = mine.sec(&lib, &g.calls[i])
		if !(g.calls[i].unseen > 0) {
			return fmt.Errorf("%s: the shared constants of other chips give %g s", g.chip, g.calls[i].unseen)
		}
	}
	return nil
}

// fitShared are the shared constants that a sample of the calls of some chips gives.
func fitShared(set []gemmFit) []float64 {
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
	return x
}

// FitLibrary fits the shared constants on all tables of 16-bit multiplications and writes
// hardware/library_shared.toml.
func FitLibrary(tables []OperatorTable) ([]byte, error) {
	var set []gemmFit
	var from []string
	for _, t := range tables {
		grids, err := readOperators(t)
		if err != nil {
			continue // other operators, other tables
		}
		for _, g := range grids {
			if f, ok := newGEMMFit(g); ok && g.op == "GEMM" {
				set, from = append(set, f), append(from, t.Name)
			}
		}
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("no table of 16-bit multiplications among %d files", len(tables))
	}
	x := fitShared(set)
	var b strings.Builder
	fmt.Fprintf(&b, "# Constants of hardware.SharedGEMM, fitted by make chips on %s.\n", strings.Join(from, ", "))
	for i, key := range hardware.SharedKeys {
		fmt.Fprintf(&b, "%s = %.3f\n", key, x[i])
	}
	return []byte(b.String()), nil
}
