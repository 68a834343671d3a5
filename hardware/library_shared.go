package hardware

import (
	_ "embed"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
)

// SharedGEMM are the constants of the library model that generations have in common, as
// logarithms over (the wave's share: as a logit beside) rough values of theirs: a chip that
// no table was measured on gets them with its own datasheet, one best GEMM and one STREAM
// figure. Fixed times are clock cycles: launches of 4,800, 4,600 and 4,000 cycles on A100, H100
// and B200.
type SharedGEMM [9]float64

// wattsPerFlops is the power limit of the H100 SXM over its peak rate: chips of fewer watts lose clock in long
// work, as the root that a power cap shows (clock.go).
const wattsPerFlops = 700 / 989e12

// maxTile is the largest tile in units of 256×128: from Blackwell on a pair of multiprocessors shares one.
func (d *Device) maxTile() float64 {
	if strings.HasPrefix(d.ID, "nvidia-b") || strings.HasPrefix(d.ID, "nvidia-gb") {
		return 2
	}
	return 1
}

// hopper says whether a chip is of NVIDIA's Hopper or a later datacentre generation.
func (d *Device) hopper() bool {
	return slices.ContainsFunc([]string{"nvidia-h", "nvidia-gh", "nvidia-b", "nvidia-gb"}, func(p string) bool { return strings.HasPrefix(d.ID, p) })
}

// multicast is by how much fewer bytes of the cache tiles draw where neighbouring multiprocessors are
// handed the same operand at once: from Hopper on (clusters of two; .96 and 1.04 of H100 and B200 over the .59 of A100).
func (d *Device) multicast() float64 {
	if d.hopper() {
		return 1.75
	}
	return 1
}

// BulkCopies is what skinny multiplications and decode attention reach of a stream's rate, over what they reach
// with copies that engines make in bulk (from Hopper on): threads that copy for themselves keep fewer
// bytes in flight, .90 on V100 and .92 on T4.
func (d *Device) BulkCopies() float64 {
	if d.hopper() {
		return 1
	}
	return 0.9
}

// ExponentialShare is the time that the exponentials of attention take on a multiprocessor's special units, 16 a
// clock on all generations, over that of its matrix units at head dimension 128: rates of matrices
// doubled with each generation, those of exponentials did not.
func (d *Device) ExponentialShare() float64 {
	sms, clock := d.geometry()
	const flopsPerScore, scoresPerClock = 4 * 128, 16
	return d.Peak[attentionType(FP16)] / (sms * clock) / flopsPerScore / scoresPerClock
}

// delivery is how hard it is to feed a multiprocessor's matrix units, over those of V100: their rate per
// clock, less what a generation's operand paths take off. Warps copied operands into registers up to
// Ampere; Hopper's units read them from shared memory for four warps at once, Blackwell's from a pair's.
func (d *Device) delivery(cycles float64) float64 {
	perClock := math.Max(1, d.Peak[FP16]/cycles/1024)
	switch {
	case strings.HasPrefix(d.ID, "nvidia-h"), strings.HasPrefix(d.ID, "nvidia-gh"):
		return perClock / 4
	case strings.HasPrefix(d.ID, "nvidia-b"), strings.HasPrefix(d.ID, "nvidia-gb"):
		return perClock / 8
	}
	return perClock
}

// SharedStart is where a fit of them begins and what it is drawn to.
var SharedStart = SharedGEMM{5: 0.4}

//go:embed library_shared.toml
var sharedTOML string

// SharedKeys are the names of the shared constants in library_shared.toml.
var SharedKeys = [len(SharedGEMM{})]string{"sustained", "bandwidth", "launch", "prologue", "tile", "wave", "norm", "cache", "reduction"}

// sharedFitted is the fit on the bf16 tables of A100, H100 and B200 together, written by make chips
// (validate operators fits without each in turn).
var sharedFitted = sync.OnceValue(func() SharedGEMM {
	read := map[string]float64{}
	if _, err := toml.Decode(sharedTOML, &read); err != nil {
		panic("hardware: invariant: library_shared.toml: " + err.Error())
	}
	var s SharedGEMM
	for i, key := range SharedKeys {
		v, ok := read[key]
		if !ok {
			panic("hardware: invariant: library_shared.toml lacks " + key)
		}
		s[i] = v
	}
	return s
})

// SharedLibrary is the library model of a chip of which nothing but its datasheet, its best
// rate and its streaming rate is known.
func SharedLibrary(d *Device, dt DType, bestFlops, bytesPerSec float64) LibraryGEMM {
	return sharedFitted().Library(d, dt, bestFlops, bytesPerSec)
}

// Library is the model of a chip of which the best rate and the streaming rate are known.
func (s SharedGEMM) Library(d *Device, dt DType, bestFlops, bytesPerSec float64) LibraryGEMM {
	sms, clock := d.geometry()
	g := LibraryGEMM{
		PeakFlops: bestFlops, BytesPerSec: bytesPerSec * d.BulkCopies() * math.Exp(s[1]), CacheBytes: d.OnChipBytes, SMs: sms, ClockHz: clock,
		LaunchSec: 4500 / clock * math.Exp(s[2]), PrologueSec: 650 / clock * math.Exp(s[3]), Tile: 11 * d.delivery(sms*clock) * math.Exp(s[4]),
		Wave: 1 / (1 + math.Exp(-s[5])), Norm: 1 + 3*math.Exp(s[6]), L2: 0.55 * d.multicast() * math.Exp(s[7]), ReduceSec: 2.5e-6 * math.Exp(s[8]), Hot: 0.04,
	}
	if p := math.Max(d.Peak[BF16], d.Peak[FP16]); p > 0 && d.LimitWatts > 0 && d.Peak[dt] >= p {
		limited := d.Peak[dt] * 0.8 * math.Exp(s[0]) * math.Pow(d.LimitWatts/(p*wattsPerFlops), 1/clockPowerExponent)
		g.PeakFlops = math.Pow(math.Pow(g.PeakFlops, -12)+math.Pow(limited, -12), -1.0/12)
	}
	g.MaxTile = d.maxTile()
	return g
}

// multiprocessors of chips and their boost clocks, by datasheet; of H100, B200 and V100 the clock that the
// operator tables ran at.
var multiprocessors = []struct {
	prefix string
	sms    float64
	clock  float64 // Hz, boost
}{
	{"nvidia-l40", 142, 2.52e9}, {"nvidia-l4", 58, 2.04e9}, {"nvidia-l20", 92, 2.52e9}, {"nvidia-rtx-4090d", 114, 2.52e9}, {"nvidia-rtx-4090", 128, 2.52e9}, {"nvidia-rtx-6000-ada", 142, 2.50e9},
	{"nvidia-rtx-5090", 170, 2.41e9}, {"nvidia-rtx-pro-6000", 188, 2.60e9}, {"nvidia-a10g", 80, 1.71e9}, {"nvidia-a100", 108, 1.41e9}, {"nvidia-a10", 72, 1.70e9},
	{"nvidia-v100", 80, 1.53e9}, {"nvidia-t4", 40, 1.59e9}, {"nvidia-a800", 108, 1.41e9}, {"nvidia-h100-pcie", 114, 1.755e9}, {"nvidia-h200", 132, 1.83e9}, {"nvidia-h20", 78, 1.98e9}, {"nvidia-h", 132, 1.83e9}, {"nvidia-gh", 132, 1.98e9},
	{"nvidia-gb", 148, 1.9e9}, {"nvidia-b", 148, 1.9e9},
	{"nvidia-p100-pcie", 56, 1.30e9}, {"nvidia-p100", 56, 1.48e9}, {"nvidia-p40", 30, 1.53e9}, {"nvidia-p4", 20, 1.06e9}, {"nvidia-titan-xp", 30, 1.58e9}, {"nvidia-titan-x", 28, 1.53e9}, {"nvidia-gtx-1080ti", 28, 1.58e9}, {"nvidia-m40", 24, 1.11e9},
	{"nvidia-rtx-3090", 82, 1.70e9}, {"nvidia-rtx-2080ti", 68, 1.55e9}, {"nvidia-a2", 10, 1.77e9},
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
	return d.cores, 1.8e9
}
