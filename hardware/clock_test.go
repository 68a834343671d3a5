package hardware

import (
	"math"
	"testing"
)

// clockOf is the clock that a device computes at, as a share of another's.
func clockOf(c, d *Device) float64 {
	return d.GEMM(8192, 8192, 8192, BF16).ComputeSec / c.GEMM(8192, 8192, 8192, BF16).ComputeSec
}

// At a cap the chip draws the cap at full load, its clock is that of the power law, and a
// matrix multiplication slows by as much while a stream does not.
func TestCap(t *testing.T) {
	d := device(t, "nvidia-h100-sxm")
	last := 0.0
	for _, watts := range []float64{300, 400, 500, 600, 700} {
		c := d.Capped(watts)
		if c.Power(1) != watts || c.Power(0) != d.IdleWatts {
			t.Errorf("%g W: draws %g W at full load, %g W idle", watts, c.Power(1), c.Power(0))
		}
		share := clockOf(c, d)
		if back := d.IdleWatts + (d.MaxWatts-d.IdleWatts)*math.Pow(share, clockPowerExponent); math.Abs(back-watts) > 1e-6 {
			t.Errorf("%g W: the clock share %.3f draws %g W", watts, share, back)
		}
		if share <= last {
			t.Errorf("%g W: clock share %.3f after %.3f", watts, share, last)
		}
		last = share
		if a, b := c.Elementwise(1e9).MemorySec, d.Elementwise(1e9).MemorySec; a != b {
			t.Errorf("%g W: memory time %g s, without a cap %g", watts, a, b)
		}
	}
	if math.Abs(last-1) > 1e-12 {
		t.Errorf("at its own limit the clock share is %g", last)
	}
	low, high := d.CapRange()
	if high != 700 || low < 100 || low > 200 {
		t.Errorf("caps from %g to %g W", low, high)
	}
	if c := d.Capped(low); math.Abs(clockOf(c, d)-minClock) > 1e-9 {
		t.Errorf("at the least cap the clock share is %g", clockOf(c, d))
	}
}
