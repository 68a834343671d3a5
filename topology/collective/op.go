package collective

import (
	"fmt"

	"aisim/topology"
)

// Op is a collective operation. S, the bytes of a call, is per rank as nccl-tests
// counts it: the buffer of all-reduce, broadcast and send/recv; the gathered buffer
// of all-gather; the buffer before reduce-scatter; the whole send buffer of all-to-all.
type Op uint8

// The operations.
const (
	AllReduce Op = iota
	AllGather
	ReduceScatter
	AllToAll
	Broadcast
	SendRecv // rank i of the group sends S to rank i+1; the last sends nothing
	Barrier
	Copy // as SendRecv, but by copy engines or RDMA writes, without a handshake
	numOps
)

var opNames = [numOps]string{"all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "sendrecv", "barrier", "copy"}

// String is the name that nccl-tests and the validation tables use.
func (o Op) String() string {
	if o >= numOps {
		return "unknown"
	}
	return opNames[o]
}

// ParseOp is the inverse of Op.String.
func ParseOp(name string) (Op, error) {
	for o, s := range opNames {
		if s == name {
			return Op(o), nil
		}
	}
	return 0, fmt.Errorf("collective: unknown operation %q (want one of %v)", name, opNames)
}

// BusFactor is w/S: the bytes that a rank must send at least, per byte of S, over n
// ranks; busbw = algbw · factor (nccl-tests PERFORMANCE.md).
func (o Op) BusFactor(n int) float64 {
	f := float64(n-1) / float64(n)
	switch o {
	case AllReduce:
		return 2 * f
	case AllGather, ReduceScatter, AllToAll:
		return f
	}
	return 1
}

// Cost is what one call of a prepared plan costs.
type Cost struct {
	Sec        float64 // from the first rank's start to the last rank's end
	LatencySec float64 // the part that does not depend on bandwidth
	Algorithm  string  // "ring", "ring/ll", "nvls", …
	Level      string  // key of the level that limits the bandwidth: scaleup, nic, leaf, spine, core
	// BytesByLevel is what all groups together put on the links of each level; a byte
	// counts once on every link that it crosses.
	BytesByLevel [topology.NumLevels]float64
}
