package hardware

import (
	"math"
	"strings"
)

// SharedGEMM are the constants of the library model that generations have in common, as
// logarithms over (the wave's share: as a logit beside) rough values of theirs: a chip that
// no table was measured on gets them with its own datasheet, one best GEMM and one STREAM
// figure. Fixed times are clock cycles: launches of 4,800, 4,600 and 4,000 cycles on A100, H100
// and B200.
type SharedGEMM [9]float64

// SharedStart is where a fit of them begins and what it is drawn to.
var SharedStart = SharedGEMM{5: 0.4}

// sharedFitted is the fit on the bf16 tables of A100, H100 and B200 together (validate
// operators fits without each in turn: median 9.9 % on the one left out).
var sharedFitted = SharedGEMM{-0.09, -0.09, 0.02, -0.07, 1.10, 0.37, -0.17, 0.50, -0.02}

// SharedLibrary is the library model of a chip of which nothing but its datasheet, its best
// rate and its streaming rate is known.
func SharedLibrary(d *Device, bestFlops, bytesPerSec float64) LibraryGEMM {
	return sharedFitted.Library(d, bestFlops, bytesPerSec)
}

// Library is the model of a chip of which the best rate and the streaming rate are known.
func (s SharedGEMM) Library(d *Device, bestFlops, bytesPerSec float64) LibraryGEMM {
	sms, clock := d.geometry()
	g := LibraryGEMM{
		PeakFlops: bestFlops * math.Exp(s[0]), BytesPerSec: bytesPerSec * math.Exp(s[1]), CacheBytes: d.OnChipBytes, SMs: sms, ClockHz: clock,
		LaunchSec: 4500 / clock * math.Exp(s[2]), PrologueSec: 650 / clock * math.Exp(s[3]), Tile: 12 * math.Exp(s[4]),
		Wave: 1 / (1 + math.Exp(-s[5])), Norm: 1 + 3*math.Exp(s[6]), L2: 0.9 * math.Exp(s[7]), ReduceSec: 2.5e-6 * math.Exp(s[8]), Hot: 0.04,
	}
	if strings.HasPrefix(d.ID, "nvidia-b") || strings.HasPrefix(d.ID, "nvidia-gb") {
		g.MaxTile = 2 // a pair of multiprocessors shares a tile
	}
	return g
}

// multiprocessors of chips whose generation has no table, by datasheet.
var multiprocessors = []struct {
	prefix string
	sms    float64
	clock  float64 // Hz, boost
}{
	{"nvidia-l40", 142, 2.52e9}, {"nvidia-l4", 58, 2.04e9}, {"nvidia-rtx-4090", 128, 2.52e9}, {"nvidia-rtx-6000-ada", 142, 2.50e9},
	{"nvidia-rtx-5090", 170, 2.41e9}, {"nvidia-rtx-pro-6000", 188, 2.60e9}, {"nvidia-a10g", 80, 1.71e9}, {"nvidia-a100", 108, 1.41e9}, {"nvidia-a10", 72, 1.70e9},
	{"nvidia-jetson-nano", 1, 0.92e9}, {"nvidia-jetson-tx2", 2, 1.12e9}, {"nvidia-jetson-xavier-nx", 6, 1.10e9}, {"nvidia-jetson-agx-xavier", 8, 1.377e9}, {"nvidia-jetson-orin-nano-super", 8, 1.02e9},
	{"nvidia-jetson-orin-nano", 8, 0.625e9}, {"nvidia-jetson-orin-nx", 8, 0.918e9}, {"nvidia-jetson-agx-orin", 16, 1.30e9}, {"nvidia-jetson-agx-thor", 20, 1.575e9},
	{"nvidia-a30", 56, 1.44e9}, {"nvidia-a40", 84, 1.74e9}, {"nvidia-rtx-a6000", 84, 1.80e9},
}

// ClockHz is the clock of the chip's multiprocessors by datasheet.
func (d *Device) ClockHz() float64 {
	_, clock := d.geometry()
	return clock
}

// geometry is the number of multiprocessors and their clock.
func (d *Device) geometry() (sms, clockHz float64) {
	for _, c := range multiprocessors {
		if strings.HasPrefix(d.ID, c.prefix) {
			return c.sms, c.clock
		}
	}
	for _, c := range libraries {
		if strings.HasPrefix(d.ID, c.prefix) {
			return c.sms, c.clock
		}
	}
	return d.cores, 1.8e9
}
