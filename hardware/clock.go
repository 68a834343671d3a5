package hardware

import "math"

// clockPowerExponent is γ of P = idle + (limit − idle)·u^e·φ^γ: what a chip draws over its
// idle power at a share φ of its clock. Between 2 and 3, since the voltage follows the
// clock only in part; 1/0.42 from what the H100 PCIe (350 W) and NVL (400 W) lose against
// the SXM part (700 W) per operation in tuned MLPerf inference (docs/models/power.md).
const clockPowerExponent = 2.4

// minClock is the lowest share of the clock that the exponent is taken for: below, voltage
// has reached its floor and power falls with the clock alone.
const minClock = 0.4

// ClockShare is the share of its clock that a chip keeps on the part of the power that it
// would need: φ = part^(1/γ), at most 1.
func ClockShare(part float64) float64 {
	return math.Min(1, math.Pow(math.Max(0, part), 1/clockPowerExponent))
}

// CapRange are the least and the greatest power cap: the least that clocks can follow, and
// the chip's own limit; 0, 0 where that is not known.
func (d *Device) CapRange() (low, high float64) {
	return d.IdleWatts + (d.MaxWatts-d.IdleWatts)*math.Pow(minClock, clockPowerExponent), d.MaxWatts
}

// Capped is the device under a power cap, taken into CapRange: the clock at which full
// load draws just that sets its matrix rates and its fixed times; memory keeps its clock.
// Heat that is not carried off is a cap as well (docs/models/power.md).
func (d *Device) Capped(watts float64) *Device {
	low, high := d.CapRange()
	watts = math.Min(high, math.Max(low, watts))
	share := ClockShare((watts - d.IdleWatts) / (d.MaxWatts - d.IdleWatts))
	c := d.Scale(Scaling{Compute: share, Launch: share})
	c.blockSec /= share
	c.mixedBlockSec /= share
	c.MaxWatts, c.Clock = watts, share*d.Clock
	return c
}
