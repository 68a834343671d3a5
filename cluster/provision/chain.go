package provision

import (
	"fmt"
	"math"
)

// Chain is how a node comes up.
type Chain struct {
	CapacitySec float64 // mean wait until the provider has an instance
	RequestSec  float64
	BootSec     float64
	DriverSec   float64
	StartSec    float64 // of the container, once its image is there

	ImageBytes          float64
	RegistryBytesPerSec float64 // to all nodes together
	NodeBytesPerSec     float64 // that one node takes: its ports, or its unpacking
}

// Check says what is wrong.
func (c Chain) Check() error {
	for _, v := range []float64{c.CapacitySec, c.RequestSec, c.BootSec, c.DriverSec, c.StartSec, c.ImageBytes} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("provision: times and bytes cannot be negative (%v)", v)
		}
	}
	if c.ImageBytes > 0 && !(c.RegistryBytesPerSec > 0 && c.NodeBytesPerSec > 0) {
		return fmt.Errorf("provision: an image of %g bytes comes at no rate", c.ImageBytes)
	}
	return nil
}

// FixedSec is the chain without the image.
func (c Chain) FixedSec() float64 {
	return c.CapacitySec + c.RequestSec + c.BootSec + c.DriverSec + c.StartSec
}

// PullSec is the time in which n nodes that begin together have the image.
func (c Chain) PullSec(n int) float64 {
	if c.ImageBytes == 0 {
		return 0
	}
	return c.ImageBytes / math.Min(c.NodeBytesPerSec, c.RegistryBytesPerSec/float64(max(1, n)))
}

// ReadySec is the time from the request for n nodes to all of them being ready.
func (c Chain) ReadySec(n int) float64 { return c.FixedSec() + c.PullSec(n) }

// Ready is when each of the nodes is ready that are asked for at the given times, in
// ascending order. All pulls under way at a moment have the same rate, so that they end in
// the order in which they began: one is over when the work done for each, the integral of
// that rate, has grown by the image.
func (c Chain) Ready(asked []float64) []float64 {
	out := make([]float64, len(asked))
	before := c.FixedSec() - c.StartSec
	begun, ended := 0, 0
	now, work := 0.0, 0.0
	need := make([]float64, len(asked)) // work at which each pull is over
	for ended < len(asked) {
		active := begun - ended
		next, rate := math.Inf(1), 0.0
		if begun < len(asked) {
			next = asked[begun] + before
		}
		if active > 0 {
			rate = math.Min(c.NodeBytesPerSec, c.RegistryBytesPerSec/float64(active))
		}
		if active > 0 {
			if end := now + (need[ended]-work)/rate; end <= next {
				work, now = need[ended], end
				out[ended] = now + c.StartSec
				ended++
				continue
			}
		}
		if active > 0 {
			work += rate * (next - now)
		}
		now = next
		if c.ImageBytes == 0 {
			out[begun] = now + c.StartSec
			begun++
			ended++
			continue
		}
		need[begun] = work + c.ImageBytes
		begun++
	}
	return out
}
