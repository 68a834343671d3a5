package hardware

import (
	"testing"
)

// A processor pads nothing: 96 rows cost no more than 128, a row more never makes it faster, and
// one block on four cores runs at a quarter.
func TestProcessorsDealBlocks(t *testing.T) {
	eff := func(m, n float64) float64 {
		d, err := Default().Device("intel-xeon-8480p-spr", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		d.cores = 4
		return 2 * m * n * 4096 / d.GEMM(m, n, 4096, FP32).ComputeSec
	}
	if a, b := eff(960, 960), eff(1024, 1024); a < 0.95*b {
		t.Errorf("960 runs at %.3g of the rate of 1024", a/b)
	}
	if a, b := eff(64, 64), eff(1024, 1024); a > 0.3*b || a < 0.2*b {
		t.Errorf("one block runs at %.3g of the rate of many on four cores", a/b)
	}
	d, err := Default().Device("intel-xeon-8480p-spr", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for m := 1.0; m < 300; m++ {
		if d.GEMM(m+1, 512, 512, FP32).Sec < d.GEMM(m, 512, 512, FP32).Sec {
			t.Errorf("%g rows take longer than %g", m, m+1)
		}
	}
}
