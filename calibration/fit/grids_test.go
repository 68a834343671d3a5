package fit

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"aisim/calibration/ingest"
	"aisim/hardware"
	"aisim/hardware/profile"
)

type recordList []ingest.Record

func (l *recordList) Record(r ingest.Record) error { *l = append(*l, r); return nil }
func (l *recordList) Problem(ingest.Problem)       {}

// A table of multiplications becomes a grid in the profile, which a run's device stands on.
func TestTableBecomesGrid(t *testing.T) {
	plain, err := hardware.Default().Device("nvidia-h100-sxm", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	alone := plain.Isolated()
	odd := func(m, n, k float64) float64 { // a library whose kernels for m of 1,024 and more are 30 % slower
		sec := alone.GEMM(m, n, k, hardware.BF16).Sec
		if m >= 1024 {
			sec *= 1.3
		}
		return sec
	}
	var b strings.Builder
	b.WriteString("gemm_dtype,m,n,k,latency_ms\n")
	for m := 16.0; m <= 16384; m *= 2 {
		for n := 1024.0; n <= 8192; n *= 2 {
			for _, k := range []float64{1024, 4096} {
				fmt.Fprintf(&b, "bfloat16,%g,%g,%g,%g\n", m, n, k, 1e3*odd(m, n, k))
			}
		}
	}
	fmt.Fprintf(&b, "fp8_block,1024,1024,1024,9\n")
	var records recordList
	if _, err := ingest.Read("gemm.csv", strings.NewReader(b.String()), &records); err != nil {
		t.Fatal(err)
	}
	r, err := Calibrate(records, Target{Hardware: "nvidia-h100-sxm"})
	if err != nil {
		t.Fatal(err)
	}
	r.Profile.ID, r.Profile.Source, r.Profile.Date = "mine", "test", "2026-11-23"
	text, err := profile.Encode(r.Profile, r.Eff, r.Links)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Load(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Calls) != 88 {
		t.Errorf("%d calls in the profile, want 88", len(p.Calls))
	}
	d, err := hardware.Default().Device("nvidia-h100-sxm", p, nil)
	if err != nil {
		t.Fatal(err)
	}
	d = d.Isolated()
	for _, s := range [][3]float64{{64, 2048, 4096}, {4096, 4096, 4096}, {16384, 8192, 1024}, {3000, 3000, 2000}} {
		if e := d.GEMM(s[0], s[1], s[2], hardware.BF16).Sec/odd(s[0], s[1], s[2]) - 1; math.Abs(e) > 0.08 {
			t.Errorf("%v: %+.3f off the table", s, e)
		}
	}
	said := false
	for _, x := range p.Fit.Residuals {
		said = said || x.Group == "gemm bf16, measured grid" && x.HeldOut == 88 && x.HeldOutMedian < x.Before
	}
	if !said {
		t.Errorf("residuals %+v", p.Fit.Residuals)
	}
}
