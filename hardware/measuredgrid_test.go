package hardware

import (
	"math"
	"strings"
	"testing"

	"aisim/hardware/profile"
)

// slower is the H100's profile with calls of 16-bit multiplications that take factor times what its curve says.
func slower(t *testing.T, factor float64) (*Accelerator, *profile.Profile) {
	t.Helper()
	a, err := Default().Accelerator("nvidia-h100-sxm")
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.For(a.ID)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := NewDevice(a, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	alone := plain.Isolated()
	for m := 64.0; m <= 8192; m *= 4 {
		for n := 512.0; n <= 8192; n *= 4 {
			for _, k := range []float64{1024, 8192} {
				p.Calls = append(p.Calls, profile.Call{Op: "gemm bf16", Size: []float64{m, n, k}, Sec: factor * alone.GEMM(m, n, k, BF16).Sec})
			}
		}
	}
	return a, p
}

// Measured calls set the time of the operator and format that they are of, at and between their sizes, and of
// no other; the device says so.
func TestDeviceOnMeasuredGrid(t *testing.T) {
	a, p := slower(t, 1.5)
	d, err := NewDevice(a, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Default().Device(a.ID, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range [][3]float64{{64, 512, 1024}, {1024, 8192, 8192}, {500, 3000, 4096}, {16384, 16384, 16384}} {
		if r := d.GEMM(s[0], s[1], s[2], BF16).Sec / plain.GEMM(s[0], s[1], s[2], BF16).Sec; math.Abs(r-1.5) > 1e-6 {
			t.Errorf("%v: %g times the curve, want 1.5", s, r)
		}
		if d.GEMM(s[0], s[1], s[2], FP8) != plain.GEMM(s[0], s[1], s[2], FP8) || d.GEMMWeights(s[0], s[1], s[2], BF16, 0.5) != plain.GEMMWeights(s[0], s[1], s[2], BF16, 0.5) {
			t.Errorf("%v: calls of 16 bits moved another kernel", s)
		}
		if d.GEMMWeights(s[0], s[1], s[2], BF16, 2) != d.GEMM(s[0], s[1], s[2], BF16) {
			t.Errorf("%v: weights of the format's own width are another call", s)
		}
	}
	if d.Elementwise(1e9) != plain.Elementwise(1e9) {
		t.Error("calls of multiplications moved a stream")
	}
	if !strings.Contains(d.Rung, "measured grid of GEMM bf16") || !strings.Contains(d.Rung, profile.RungFitted) {
		t.Errorf("rung %q", d.Rung)
	}
	said := false
	for _, x := range d.Assumptions {
		said = said || strings.Contains(x.Value, "measured grid of 24 calls")
	}
	if !said {
		t.Errorf("the result does not name its calls: %+v", d.Assumptions)
	}
}

// A measured operator moves with the chip as others do: with its rates, and with a draw of its efficiency.
func TestMeasuredGridMoves(t *testing.T) {
	a, p := slower(t, 1.2)
	d, err := NewDevice(a, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d *Device) float64 { return d.GEMM(8192, 8192, 8192, BF16).Sec }
	if fast := d.Scale(Scaling{Compute: 2}); !(at(fast) < 0.6*at(d)) {
		t.Errorf("twice the rate: %g s, before %g", at(fast), at(d))
	}
	if capped := d.Capped(500); !(at(capped) > 1.1*at(d)) {
		t.Errorf("at 500 W: %g s, before %g", at(capped), at(d))
	}
	drawn, err := NewDevice(a, p, NewDraw(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	bare := *p
	bare.Calls = nil
	curve, err := NewDevice(a, &bare, NewDraw(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	if r := at(drawn) / at(curve); math.Abs(r-1.2) > 1e-6 {
		t.Errorf("a draw: %g times the curve, want 1.2", r)
	}
	// A handful of calls is no grid.
	few := *p
	few.Calls = p.Calls[:fewestGridCalls-1]
	if d, err := NewDevice(a, &few, nil); err != nil || strings.Contains(d.Rung, "grid") {
		t.Errorf("%d calls: %v %v", len(few.Calls), d.Rung, err)
	}
}
