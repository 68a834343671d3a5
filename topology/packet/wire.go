package packet

import (
	"math"
	"math/bits"

	"aisim/sim"
)

// The argument of a packet's event, from the lowest bit: flow, number within the flow,
// lane, hops done, and flags.
const (
	flowBits = 26
	seqBits  = 24
	laneBits = 4
	hopBits  = 6

	seqShift  = flowBits
	laneShift = seqShift + seqBits
	hopShift  = laneShift + laneBits

	flowMask = 1<<flowBits - 1
	seqMask  = 1<<seqBits - 1
	laneMask = 1<<laneBits - 1
	hopMask  = 1<<hopBits - 1

	hopOne   = uint64(1) << hopShift
	laneOne  = uint64(1) << laneShift
	ackFlag  = uint64(1) << 60
	lastFlag = uint64(1) << 61 // the last packet of its flow, which may be short
	markFlag = uint64(1) << 62 // congestion experienced; on an acknowledgement: notify
	tickFlag = uint64(1) << 63 // its serialisation takes one tick more than the floor
)

// port is the sending end of a link: the state that every departure changes, in one
// cache line.
type port struct {
	free sim.Time // when the last packet booked will have left
	rem  uint64   // and the fraction of a tick beyond, in 1/den
	den  uint64   // a byte takes num/den ticks

	fullRem, ackRem     uint64 // ticks of a full packet and of an acknowledgement: whole
	fullTicks, ackTicks uint32 // and fraction
	latency             uint32 // ticks
	peer                uint32 // receiving end
}

// ratio is the time of a byte in ticks, as a fraction: exact for rates of whole bytes
// per second and good to 2^-53 otherwise.
func ratio(bytesPerSec float64) (num, den uint64) {
	scale := 1.0
	if bytesPerSec != math.Trunc(bytesPerSec) {
		for scale < 1024 && bytesPerSec*scale < 1<<50 {
			scale *= 2
		}
	}
	num, den = uint64(sim.TicksPerSecond)*uint64(scale), uint64(math.Round(bytesPerSec*scale))
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	return num / a, den / a
}

// ticks is the time of some bytes: whole ticks and the rest in 1/den.
func ticks(bytes, num, den uint64) (whole uint32, rem uint64) {
	hi, lo := bits.Mul64(bytes, num)
	q, r := bits.Div64(hi, lo, den)
	return uint32(q), r
}
