package validate

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/internal/measured"
)

// What library.toml says of its own errors holds for its constants, on the rows of kernels.csv.
func TestLibrarySources(t *testing.T) {
	f, err := os.Open(measured.Path(t, "validation/kernels.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	specs := newLibrarySpecs()
	if err := readLibraryRows(specs, f, nil); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, s := range specs {
		if s.burst {
			continue
		}
		for _, shipped := range hardware.LibraryFits() {
			if shipped.Chips[0] != s.fit.Chips[0] || shipped.Tables != s.fit.Tables || shipped.Blocks != s.fit.Blocks || strings.Join(shipped.Formats, ",") != strings.Join(s.fit.Formats, ",") {
				continue
			}
			seen++
			d, err := hardware.Default().Device(s.chip, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			d = d.Isolated()
			g := shipped.Of(d, s.dt, d.BestGEMM(s.dt))
			var off []float64
			for _, r := range s.rows {
				off = append(off, math.Abs(g.Batched(r.shape.count, r.shape.m, r.shape.n, r.shape.k, r.inByte, r.outB)/r.sec-1))
			}
			if want := fmt.Sprintf("%d rows of %s in %s, median %.1f %%", len(off), s.chip, s.dt, 100**middle(off)); !strings.HasPrefix(shipped.Source, want) {
				t.Errorf("%s in %s: %q, the rows say %q", s.chip, s.dt, shipped.Source, want)
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d fits on rows of kernels.csv, want 4", seen)
	}
}

// A fit on a table that the model itself made gives the model's times back.
func TestLibraryFitRecovers(t *testing.T) {
	d, err := hardware.Default().Device("nvidia-v100-sxm2-16", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	d = d.Isolated()
	want := hardware.SharedLibrary(d, hardware.FP16, 100e12, 780e9)
	want.LaunchSec, want.Wave, want.Hot = 8e-6, 0.8, 0
	s := &librarySpec{fit: hardware.LibraryFit{Chips: []string{"nvidia-v100"}}, chip: d.ID, dt: hardware.FP16}
	for _, m := range []float64{16, 128, 700, 2560} {
		for _, n := range []float64{128, 1760, 4096} {
			for _, k := range []float64{512, 2048} {
				s.rows = append(s.rows, libraryRow{matrices{1, m, n, k}, 2, 2, want.Sec(m, n, k, 2, 2)})
			}
		}
	}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	g := s.fit.Of(d, hardware.FP16, 0)
	for _, q := range [][3]float64{{64, 1024, 1024}, {1500, 1500, 1500}, {2048, 3000, 700}} {
		if e := g.Sec(q[0], q[1], q[2], 2, 2)/want.Sec(q[0], q[1], q[2], 2, 2) - 1; math.Abs(e) > 0.08 {
			t.Errorf("%v: %+.3f", q, e)
		}
	}
	s.rows = s.rows[:5]
	if err := s.run(); err == nil || !strings.Contains(err.Error(), "twelve") {
		t.Errorf("five rows: %v", err)
	}
}
