package traffic

import (
	"fmt"
	"math"

	"aisim/topology/packet"
)

// packetOptions are the packets of the benchmarks: a payload of 4,096 bytes, headers of
// an InfiniBand packet over a routed fabric, an acknowledgement for each.
func (s *Start) packetOptions() packet.Options {
	return packet.Options{Transport: "infiniband", Routing: s.Routing, PayloadBytes: 4096, HeaderBytes: 54, Workers: s.Workers}
}

// runPackets plays the pattern packet by packet.
func (s *Start) runPackets() (*Result, error) {
	if s.Pattern == "ring" {
		return s.ringPackets()
	}
	flows, err := s.flows()
	if err != nil {
		return nil, err
	}
	t := newTally(len(s.Hosts))
	if err := s.playPackets(&t, flows, 0, 0); err != nil {
		return nil, err
	}
	return t.result(), nil
}

// ringPackets runs the ring step by step: package packet knows no messages that wait for
// others, so a step starts when the last message of the one before has arrived.
func (s *Start) ringPackets() (*Result, error) {
	n := len(s.Hosts)
	chunk := math.Floor(s.Bytes / float64(n))
	if !(chunk >= 1) {
		return nil, fmt.Errorf("traffic: %g bytes cannot be cut into %d chunks of at least one byte", s.Bytes, n)
	}
	flows := make([]Flow, n)
	for i := range flows {
		flows[i] = Flow{Src: s.Hosts[i], Dst: s.Hosts[(i+1)%n], Bytes: chunk}
	}
	t := newTally(n)
	for step := range 2 * (n - 1) {
		if err := s.playPackets(&t, flows, uint64(step*n), t.SimulatedSec); err != nil {
			return nil, fmt.Errorf("step %d: %w", step, err)
		}
	}
	t.FirstSec = t.SimulatedSec
	return t.result(), nil
}

// playPackets runs messages that start at second start and books them in their order.
func (s *Start) playPackets(t *tally, flows []Flow, first uint64, start float64) error {
	list := make([]packet.Flow, len(flows))
	for i, f := range flows {
		list[i] = packet.Flow{Src: f.Src, Dst: f.Dst, Bytes: int64(f.Bytes), StartSec: f.StartSec}
	}
	r, err := packet.Run(s.Graph, list, s.packetOptions())
	if err != nil {
		return err
	}
	for i, f := range r.Flows {
		t.done(first+uint64(i), start+f.StartSec, start+f.FinishSec)
	}
	t.Events += r.Events
	t.Packets += r.Packets
	t.Hash = (t.Hash ^ r.Hash) * 0x100000001b3
	return nil
}
