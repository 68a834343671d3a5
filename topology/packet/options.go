package packet

import (
	"fmt"

	"aisim/sim"
	"aisim/topology"
)

// Flow is one message: bytes from a chip or NIC to another. Its packets are cut at
// Options.PayloadBytes.
type Flow struct {
	Src, Dst topology.NodeID
	Bytes    int64
	StartSec float64
	Lane     int // virtual lane (InfiniBand) or priority (RoCE), below Options.Lanes
	// After lists flows, by index, that must have arrived at Src before this one starts; it
	// then starts at once, but not before StartSec. Chunks of collectives wait so. Their
	// destination must be Src, and both must use one NIC.
	After []int32
}

// Options says how the fabric transports and routes. The zero value is InfiniBand with
// the routing of the graph, one lane and the default sizes in brackets.
type Options struct {
	// Transport is "infiniband" or "roce" ["infiniband"].
	Transport string
	// Routing is "adaptive" (per packet, the least queued of the shortest paths), "spray" (per
	// packet, by hash), "ecmp" (per flow, by hash) or "d-mod-k" (by destination); "" takes the
	// graph's.
	Routing string
	// Lanes is the number of virtual lanes or priorities, 1 to 15 [1].
	Lanes int
	// Dateline moves a packet that wraps round a torus to the next lane, which breaks
	// the cycles of a ring; it takes one lane more per dimension.
	Dateline bool

	PayloadBytes int // of a packet [4,096]
	HeaderBytes  int // of a packet, and of an acknowledgement [54]
	AckBytes     int // of an acknowledgement beyond the header [4, the AETH]

	// BufferBytes is the input buffer per link and lane [InfiniBand: twice what a round trip
	// of the link holds, at least 16 packets; RoCE: PauseBytes and the headroom].
	BufferBytes int64
	// CreditBytes is how much room is gathered before credits go back [an eighth of the
	// buffer].
	CreditBytes int64

	// GrainBytes is the queue that adaptive routing holds for none, as switches compare
	// grades and not bytes [8 packets].
	GrainBytes int64

	// RoCE. Sizes that are zero follow the rate r of the port.
	PauseBytes  int64 // input bytes at which the sender is paused [16 µs × r]
	ResumeBytes int64 // input bytes at which it goes on [PauseBytes − 2 µs × r]
	MarkMin     int64 // output bytes at which marking starts [8 µs × r]
	MarkMax     int64 // output bytes from which all packets are marked [32 µs × r]
	MarkMaxProb float64
	NoECN       bool // no marks, so senders stay at line rate
	DCQCN       DCQCN

	Workers    int       // threads; 0 means all
	Queue      sim.Queue // of the engine
	Partitions int       // at most this many parts [chosen from the graph]; results do not depend on it
	// LimitSec ends the run with an error if flows are not through by then [no limit].
	LimitSec float64
}

const (
	maxLanes     = 15
	blockBytes   = 64 // unit of credits (InfiniBand Architecture Specification vol. 1, §7.9.4.4)
	minRate      = 1e5
	maxPayload   = 1 << 16
	grainPackets = 8
	pumpBurst    = 4 // packets that a sender books ahead of its port
	maxFlows     = 1 << flowBits
	maxPackets   = 1 << seqBits
	maxPathHops  = 1<<hopBits - 1
)

func (o Options) withDefaults(g *topology.Graph) (Options, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&o.Lanes, 1)
	def(&o.PayloadBytes, 4096)
	def(&o.HeaderBytes, 54)
	def(&o.AckBytes, 4)
	if o.Transport == "" {
		o.Transport = "infiniband"
	}
	if o.Routing == "" {
		if o.Routing = g.Spec().Routing; o.Routing == "" {
			o.Routing = "adaptive"
		}
	}
	if o.MarkMaxProb == 0 {
		o.MarkMaxProb = 0.2
	}
	o.DCQCN = o.DCQCN.withDefaults()
	switch {
	case o.Transport != "infiniband" && o.Transport != "roce":
		return o, fmt.Errorf("packet: transport %q is not known (want infiniband or roce)", o.Transport)
	case o.Routing != "adaptive" && o.Routing != "spray" && o.Routing != "ecmp" && o.Routing != "d-mod-k":
		return o, fmt.Errorf("packet: routing %q is not known (want adaptive, spray, ecmp or d-mod-k)", o.Routing)
	case o.Lanes < 1 || o.Lanes > maxLanes:
		return o, fmt.Errorf("packet: lanes = %d, must be 1 to %d", o.Lanes, maxLanes)
	case o.PayloadBytes < 1 || o.PayloadBytes > maxPayload:
		return o, fmt.Errorf("packet: payload of %d bytes, must be 1 to %d", o.PayloadBytes, maxPayload)
	case o.HeaderBytes < 1 || o.HeaderBytes > 4096 || o.AckBytes < 0 || o.AckBytes > 4096:
		return o, fmt.Errorf("packet: header of %d and acknowledgement of %d bytes, must be 1 to 4096 and 0 to 4096", o.HeaderBytes, o.AckBytes)
	case o.BufferBytes < 0 || o.BufferBytes > 1<<36 || o.CreditBytes < 0:
		return o, fmt.Errorf("packet: buffer of %d and credits of %d bytes, must be 0 to 64 GiB", o.BufferBytes, o.CreditBytes)
	case o.GrainBytes < 0 || o.GrainBytes > 1<<30:
		return o, fmt.Errorf("packet: grain of %d bytes, must be 0 to 1 GiB", o.GrainBytes)
	case o.PauseBytes < 0 || o.ResumeBytes < 0 || o.PauseBytes > 0 && o.ResumeBytes >= o.PauseBytes:
		return o, fmt.Errorf("packet: pause at %d and resume at %d bytes, resume must be the smaller", o.PauseBytes, o.ResumeBytes)
	case o.MarkMin < 0 || o.MarkMax < 0 || o.MarkMax > 0 && o.MarkMax <= o.MarkMin:
		return o, fmt.Errorf("packet: marking between %d and %d bytes, the second must be the larger", o.MarkMin, o.MarkMax)
	case !(o.MarkMaxProb >= 0 && o.MarkMaxProb <= 1):
		return o, fmt.Errorf("packet: marking probability %g, must be 0 to 1", o.MarkMaxProb)
	case o.Partitions < 0 || o.Partitions > sim.MaxPartitions:
		return o, fmt.Errorf("packet: partitions = %d, must be 0 to %d", o.Partitions, sim.MaxPartitions)
	case !(o.LimitSec >= 0):
		return o, fmt.Errorf("packet: limit of %g s, must not be negative", o.LimitSec)
	}
	return o, o.DCQCN.check()
}
