package validate

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"aisim/calibration/fit"
	"aisim/hardware"
)

// The fit of the library model's constants, chip by chip, on what was measured of each.

// libraryRow is a measured multiplication.
type libraryRow struct {
	shape        matrices
	inByte, outB float64
	sec          float64
}

// librarySpec is one fit of library.toml: whose rows it takes and for which chips it holds.
type librarySpec struct {
	fit   hardware.LibraryFit
	chip  string
	dt    hardware.DType
	burst bool // the table was measured at burst clocks: the peak is the profile's, its own factor is dropped
	rows  []libraryRow
}

// newLibrarySpecs are the fits in the order of the file.
func newLibrarySpecs() []*librarySpec {
	return []*librarySpec{
		{fit: hardware.LibraryFit{Chips: []string{"nvidia-v100"}, Tables: "nvidia-v100", Formats: []string{"fp32"}}, chip: "nvidia-v100-sxm2-16", dt: hardware.FP32},
		{fit: hardware.LibraryFit{Chips: []string{"nvidia-v100"}, Tables: "nvidia-v100"}, chip: "nvidia-v100-sxm2-16", dt: hardware.FP16},
		{fit: hardware.LibraryFit{Chips: []string{"nvidia-t4"}, Tables: "nvidia-t4", Formats: []string{"int8"}}, chip: "nvidia-t4", dt: hardware.INT8},
		{fit: hardware.LibraryFit{Chips: []string{"nvidia-a"}, Tables: "nvidia-a100-sxm"}, chip: "nvidia-a100-sxm-80", dt: hardware.BF16, burst: true},
		{fit: hardware.LibraryFit{Chips: []string{"nvidia-h", "nvidia-gh"}, Tables: "nvidia-h100-sxm"}, chip: "nvidia-h100-sxm", dt: hardware.BF16, burst: true},
		{fit: hardware.LibraryFit{Chips: []string{"nvidia-b", "nvidia-gb"}, Tables: "nvidia-b200"}, chip: "nvidia-b200-sxm", dt: hardware.BF16, burst: true},
		{fit: hardware.LibraryFit{Chips: []string{"nvidia-h", "nvidia-gh", "nvidia-b", "nvidia-gb"}, Tables: "nvidia-h800", Blocks: true}, chip: "nvidia-h800-sxm", dt: hardware.FP8},
	}
}

// FitLibraries fits the constants of every chip's library, on the rows of a table of kernels and on tables of
// multiplications, and writes hardware/library.toml.
func FitLibraries(kernelTable io.Reader, tables []OperatorTable) ([]byte, error) {
	specs := newLibrarySpecs()
	if err := readLibraryRows(specs, kernelTable, tables); err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	failed := make([]error, len(specs))
	for i, s := range specs {
		wg.Go(func() { failed[i] = s.run() })
	}
	wg.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	// Pascal and Maxwell as V100's 32-bit units, which have the same multiprocessors but for their number and clock; 8
	// bits as T4's, on the same instruction.
	older := []string{"nvidia-p", "nvidia-titan-x", "nvidia-gtx-10", "nvidia-m40"}
	words, plain := specs[2].fit, specs[0].fit
	words.Chips, words.Peak, words.Source = older, plain.Peak, "as T4, whose 8-bit multiplications run on the same instruction (dp4a)"
	plain.Chips, plain.Formats, plain.Source = older, nil, "as V100's 32-bit units"
	var b strings.Builder
	b.WriteString("# Constants of hardware.LibraryGEMM by chip, written by make chips: fitted in logarithms from those that\n# generations share, every row with the same weight. Rates are shares of the dense peak and of the stated bandwidth.\n")
	for _, f := range []hardware.LibraryFit{specs[0].fit, specs[1].fit, specs[2].fit, words, plain, specs[3].fit, specs[4].fit, specs[5].fit, specs[6].fit} {
		writeLibrary(&b, f)
	}
	return []byte(b.String()), nil
}

func writeLibrary(b *strings.Builder, f hardware.LibraryFit) {
	list := func(v []string) string { return `["` + strings.Join(v, `", "`) + `"]` }
	fmt.Fprintf(b, "\n[[library]]\nchips = %s\ntables = %q\n", list(f.Chips), f.Tables)
	if len(f.Formats) > 0 {
		fmt.Fprintf(b, "formats = %s\n", list(f.Formats))
	}
	if f.Blocks {
		b.WriteString("blocks = true\n")
	}
	fmt.Fprintf(b, "source = %q\n", f.Source)
	for _, c := range f.Constants() {
		if *c.V != 0 {
			fmt.Fprintf(b, "%s = %.4g\n", c.Key, *c.V)
		}
	}
}

func readLibraryRows(specs []*librarySpec, kernelTable io.Reader, tables []OperatorTable) error {
	k, err := newKernels()
	if err != nil {
		return err
	}
	t, err := ReadTable(kernelTable, k.Columns()...)
	if err != nil {
		return err
	}
	for _, row := range t.Rows {
		class := opClass(row.Text("kernel"))
		id, _ := chipOf(row.Text("chip"))
		v, ok, err := row.Number("value")
		if err != nil || !ok || row.Text("use") == UseExclude || class != "library GEMM" && class != "DeepGEMM" {
			continue
		}
		d, err := k.(*kernels).device(id)
		if err != nil {
			continue
		}
		shape, err := gemmShape(row.Text("shape"))
		if err != nil {
			continue
		}
		dt, in, out, err := operandType(row.Text("dtype"), d)
		if err != nil {
			continue
		}
		sec := v * 1e-3
		if strings.Contains(strings.ToLower(row.Text("unit")), "flop") {
			sec = 2 * shape.count * shape.m * shape.n * shape.k / (v * 1e12)
		}
		for _, s := range specs {
			if s.chip == id && s.dt == dt && s.fit.Blocks == (class == "DeepGEMM") {
				s.rows = append(s.rows, libraryRow{shape, in, out, sec})
			}
		}
	}
	for _, table := range tables {
		grids, err := readOperators(table)
		if err != nil {
			return fmt.Errorf("%s: %w", table.Name, err)
		}
		for _, g := range grids {
			for _, s := range specs {
				if s.burst && g.chip == s.chip && g.op == "GEMM" && g.format == s.dt.String() || s.burst && g.chip == s.chip && g.op == "GEMM" && g.format == "bfloat16" {
					const sample = 400
					for i := 0; i < len(g.calls); i += max(1, len(g.calls)/sample) {
						c := g.calls[i]
						s.rows = append(s.rows, libraryRow{matrices{1, c.size[0], c.size[1], c.size[2]}, s.dt.Bytes(), s.dt.Bytes(), c.sec})
					}
				}
			}
		}
	}
	return nil
}

// run fits the constants: logarithms over those that generations share (the wave's share as a logit).
func (s *librarySpec) run() error {
	if len(s.rows) < 12 {
		return fmt.Errorf("library of %s in %s: %d rows, twelve are needed", s.chip, s.dt, len(s.rows))
	}
	d, err := hardware.Default().Device(s.chip, nil, nil)
	if err != nil {
		return err
	}
	d = d.Isolated()
	best := d.Eff.Matmul(s.dt.String()).V
	start := hardware.SharedLibrary(d, s.dt, best*d.Peak[s.dt], d.MemBytesPerSec*d.Eff.Memory.V)
	constants := func(x []float64) hardware.LibraryFit {
		f := s.fit
		f.Peak, f.Bandwidth = best*math.Exp(x[0]), d.Eff.Memory.V*math.Exp(x[1])
		f.Launch, f.Prologue, f.Tile = start.LaunchSec*math.Exp(x[2]), start.PrologueSec*math.Exp(x[3]), start.Tile*math.Exp(x[4])
		f.Wave, f.Norm, f.Cache = 1/(1+math.Exp(-x[5])), 1+3*math.Exp(x[6]), 0.6*math.Exp(x[7])
		f.Reduce, f.Hot = start.ReduceSec*math.Exp(x[8]), 0.1*math.Exp(x[9])
		if s.fit.Blocks {
			f.Epilogue = 0.5 * math.Exp(x[10])
		}
		return f
	}
	const spread, pull = 0.02, 0.001
	loss := func(x []float64) float64 {
		f := constants(x)
		g := f.Of(d, s.dt, 0)
		sum := 0.0
		for _, r := range s.rows {
			e := math.Log(g.Batched(r.shape.count, r.shape.m, r.shape.n, r.shape.k, r.inByte, r.outB) / r.sec)
			sum += math.Sqrt(e*e + spread*spread)
		}
		sum /= float64(len(s.rows))
		for i := range x {
			sum += pull * x[i] * x[i]
		}
		if math.IsNaN(sum) {
			return math.Inf(1)
		}
		return sum
	}
	// The loss has several valleys, by how whole waves show and how much the cache limits: each is looked into,
	// the deepest is walked down.
	var x []float64
	least := math.Inf(1)
	for _, wave := range []float64{0, 2.5, -2.5} {
		for _, cache := range []float64{0, -1.2} {
			y := make([]float64, 10)
			if s.fit.Blocks {
				y = make([]float64, 11)
			}
			y[5], y[7] = wave, cache
			y, l := fit.Simplex(loss, y, 0.4, 300)
			if l < least {
				x, least = y, l
			}
		}
	}
	for _, size := range []float64{0.4, 0.3, -0.3, 0.2, 0.1} {
		x, _ = fit.Simplex(loss, x, size, 400)
	}
	s.fit = constants(x)
	g := s.fit.Of(d, s.dt, 0)
	var off []float64
	for _, r := range s.rows {
		off = append(off, math.Abs(g.Batched(r.shape.count, r.shape.m, r.shape.n, r.shape.k, r.inByte, r.outB)/r.sec-1))
	}
	s.fit.Source = fmt.Sprintf("%d rows of %s in %s, median %.1f %%, p90 %.1f %%", len(off), s.chip, s.dt, 100**middle(off), 100**quantile(off, 0.9))
	if s.burst {
		s.fit.Peak = 0 // clocks of a short table; profiles state sustained ones
	}
	return nil
}
