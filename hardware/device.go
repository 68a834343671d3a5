package hardware

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware/profile"
	"aisim/internal/result"
)

// Device is one chip as the operator models see it: rates, capacities, power
// and efficiencies, all in SI units. It is a plain value once made: copying it
// and changing a copy is safe, methods only read.
type Device struct {
	ID, Kind string
	Rung     string // rung of the ladder that its efficiencies stand on
	Profile  string // id of the profile

	Peak               [NumDTypes]float64 // FLOP/s dense; 0: the chip has no such units
	MemBytes           float64            // real device bytes, before runtime reserves
	ReservedBytes      float64            // of them, what the driver keeps from processes
	MemBytesPerSec     float64            // as stated
	OnChipBytes        float64
	OnChipBytesPerSec  float64 // of operators whose bytes it holds; 0: as memory
	ScaleUpClass       string  // link class of profile.Links; empty: none
	ScaleUpBytesPerSec float64 // one way, per chip
	ScaleUpDomain      int     // chips that reach each other at that rate
	HostBytesPerSec    float64 // one way
	IdleWatts          float64
	MaxWatts           float64 // at full load: its limit, or a cap below it
	LimitWatts         float64 // as stated
	Clock              float64 // share of the clock that Peak is stated at: below 1 under a power cap
	LaunchSec          float64 // fixed device-side time of one kernel (attention has its own)

	Assumptions []result.Assumption // what was filled in where the catalogue is silent

	Eff profile.Efficiencies // as read; the fields below hold the drawn values

	gemm          [NumDTypes]float64 // matrix efficiency inside a step
	inStep        float64
	gemmInnerK    float64
	gemmNorm      float64
	gemmWave      float64
	gemmTile      float64
	cores         float64
	memory        float64
	weights       float64
	kv            float64
	attnFwd       float64
	attnBwd       float64
	attnHalf      float64
	attnCausal    float64
	attnHead64    float64
	unfused       float64
	attnMemory    float64
	attnLaunch    float64
	blockSec      float64
	mixedBlockSec float64
	moe           float64
	moeHalf       float64
	generic       float64
	powerExp      float64

	grids *operatorGrids // measured calls; nil: none
}

// Cost is the time of one operator on one device. Sec is at least each of its parts.
type Cost struct {
	Sec        float64
	ComputeSec float64 // at the operator's compute rate alone
	MemorySec  float64 // at the operator's memory rate alone
	LaunchSec  float64
}

// Scaling multiplies a device's rates for elasticities: Compute and Memory are
// factors on rates, Launch a factor on the speed of launching (2 halves the
// fixed time of a kernel). Zero stands for 1.
type Scaling struct{ Compute, Memory, Launch float64 }

// Scale returns a copy of the device with its rates multiplied.
func (d *Device) Scale(s Scaling) *Device {
	c := *d
	one := func(x float64) float64 {
		if x == 0 {
			return 1
		}
		return x
	}
	for i := range c.Peak {
		c.Peak[i] *= one(s.Compute)
	}
	c.MemBytesPerSec *= one(s.Memory)
	c.LaunchSec /= one(s.Launch)
	c.attnLaunch /= one(s.Launch)
	return &c
}

// Supports returns nil when the device has units for the number format, and
// otherwise an error that says what it has instead.
func (d *Device) Supports(dt DType) error {
	if int(dt) >= NumDTypes {
		return fmt.Errorf("unknown number format %s", dt)
	}
	if d.Peak[dt] > 0 {
		return nil
	}
	var have []string
	for i, p := range d.Peak {
		if p > 0 {
			have = append(have, fmt.Sprintf("%s %.4g T%sOP/s", DType(i), p/1e12, map[bool]string{true: "", false: "FL"}[DType(i) == INT8]))
		}
	}
	why := "the chip has no such units"
	if dt == BF16 && d.Peak[FP16] > 0 {
		why = "the chip has no bf16, use fp16"
	}
	if len(have) == 0 {
		return fmt.Errorf("%s on %s: no peak rate is published for this chip", dt, d.ID)
	}
	return fmt.Errorf("%s on %s: %s (it has %s)", dt, d.ID, why, strings.Join(have, ", "))
}

// Isolated returns the device as a micro-benchmark sees it: each kernel alone
// and repeated, without the loss that a long step adds (profile in_step).
func (d *Device) Isolated() *Device {
	c := *d
	for i := range c.gemm {
		c.gemm[i] /= c.inStep
	}
	c.inStep = 1
	return &c
}

// pnorm joins two times that overlap imperfectly: (a^p + b^p)^(1/p).
func pnorm(a, b, p float64) float64 {
	if a < b {
		a, b = b, a
	}
	if b <= 0 || a <= 0 {
		return a
	}
	return a * math.Pow(1+math.Pow(b/a, p), 1/p)
}
