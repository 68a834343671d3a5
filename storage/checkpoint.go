package storage

import (
	"fmt"
	"math"

	"aisim/topology"
	"aisim/topology/flow"
)

// Bytes that a checkpoint of mixed-precision training with Adam keeps per
// parameter: 2 of bf16 weights, 4 of the fp32 master copy, 8 of two moments.
// MLPerf Storage's Llama checkpoints follow the rule within 1 %.
const (
	checkpointWeightBytes = 2
	checkpointMasterBytes = 4
	checkpointMomentBytes = 8
)

// CheckpointBytes is the size of a whole training checkpoint of a model with
// the given parameters: 14 bytes for each.
func CheckpointBytes(params float64) float64 {
	return params * (checkpointWeightBytes + checkpointMasterBytes + checkpointMomentBytes)
}

// maxNodesFor bounds the search of NodesFor.
const maxNodesFor = 100_000

// NodesFor is the smallest number of nodes of this kind that moves bytes within
// the given time, alone and with clients and fabric that do not bind, and
// holds keepBytes. The string names what set it: the narrowest stage, the capacity or the
// placement. Every other field of the specification is taken as it stands.
func (c CephSpec) NodesFor(op Op, bytes, withinSec, keepBytes float64) (nodes int, why string, err error) {
	return c.nodesFor(op, bytes, withinSec, keepBytes, math.Min(bytes, math.Max(c.ObjectBytes, defaultObjectBytes)))
}

// rate is what the pool moves alone, with clients and fabric that do not bind, and what it has room for.
func (c CephSpec) rate(op Op, requestBytes float64) (bytesPerSec, freeBytes float64, err error) {
	narrow, free, err := c.narrowest(op, requestBytes)
	return narrow.BytesPerSec, free, err
}

func (c CephSpec) narrowest(op Op, requestBytes float64) (Stage, float64, error) {
	s, err := NewCeph(c)
	if err != nil {
		return Stage{}, 0, err
	}
	if err := s.Attach(flow.NewNet(nil), nil, nil); err != nil {
		return Stage{}, 0, err
	}
	stages, err := s.Ceilings(op, []topology.NodeID{0}, requestBytes)
	if err != nil {
		return Stage{}, 0, err
	}
	narrow, _ := Narrowest(stages)
	return narrow, s.Capacity().FreeBytes, nil
}

func (c CephSpec) nodesFor(op Op, bytes, withinSec, keepBytes, requestBytes float64) (nodes int, why string, err error) {
	if !positive(bytes) || !positive(withinSec) || !(keepBytes >= 0) {
		return 0, "", fmt.Errorf("storage %q: %g bytes within %g s, %g bytes kept: want above 0", c.ID, bytes, withinSec, keepBytes)
	}
	p, err := ParseProtection(c.Profile)
	if err != nil {
		return 0, "", fmt.Errorf("storage %q: %w", c.ID, err)
	}
	least := p.Width()
	if c.FailureDomain == DomainRack {
		per := c.NodesPerRack
		if per == 0 {
			per = defaultNodesPerRack
		}
		least = (p.Width()-1)*per + 1
	}
	enough := func(n int) (ok bool, why string, err error) {
		c.Nodes = n
		narrow, free, err := c.narrowest(op, requestBytes)
		if err != nil {
			return false, "", err
		}
		if free < keepBytes {
			return false, fmt.Sprintf("capacity: %d nodes hold %.3f of %.3f TB", n, free/1e12, keepBytes/1e12), nil
		}
		if narrow.BytesPerSec*withinSec < bytes {
			return false, fmt.Sprintf("%s: %d nodes move %.4g of %.4g GB/s", narrow.Name, n, narrow.BytesPerSec/1e9, bytes/withinSec/1e9), nil
		}
		return true, "", nil
	}
	ok, why, err := enough(least)
	if err != nil {
		return 0, "", err
	}
	if ok {
		return least, fmt.Sprintf("placement: %s in failure domain %s", p, domainName(c.FailureDomain)), nil
	}
	low, high := least, least
	for !ok {
		if high >= maxNodesFor {
			return 0, "", fmt.Errorf("storage %q: %d nodes are not enough: %s", c.ID, high, why)
		}
		low, high = high, min(2*high, maxNodesFor)
		var w string
		if ok, w, err = enough(high); err != nil {
			return 0, "", err
		}
		if !ok {
			why = w
		}
	}
	for low+1 < high {
		mid := (low + high) / 2
		ok, w, err := enough(mid)
		if err != nil {
			return 0, "", err
		}
		if ok {
			high = mid
		} else {
			low, why = mid, w
		}
	}
	return high, why, nil
}

func domainName(d string) string {
	if d == "" {
		return DomainHost
	}
	return d
}
