package storage

import (
	"fmt"
	"math"

	"aisim/topology"
	"aisim/topology/flow"
)

// Phase is one collective read or write: all clients start together and it
// ends with the slowest.
type Phase struct {
	Op          Op
	Bytes       float64 // of all clients
	Seconds     float64 // until the slowest client is done
	BytesPerSec float64 // Bytes over Seconds
	FirstSec    float64 // when the fastest client is done
}

// WriteSeconds is how long the clients take to write bytesEach, as objects of
// objectBytes, beside what runs on the network and beside others, which
// are taken as steady for that time.
func (s *System) WriteSeconds(clients []topology.NodeID, bytesEach, objectBytes float64, others ...flow.Demand) (float64, error) {
	p, err := s.Run(Write, clients, bytesEach, objectBytes, others...)
	return p.Seconds, err
}

// ReadSeconds is WriteSeconds for reads.
func (s *System) ReadSeconds(clients []topology.NodeID, bytesEach, objectBytes float64, others ...flow.Demand) (float64, error) {
	p, err := s.Run(Read, clients, bytesEach, objectBytes, others...)
	return p.Seconds, err
}

// Run works the phase out on the attached network as it is now: rates are
// max–min fair among the clients, everything that runs and others; when a class of
// clients is done, the rest share what it leaves. The first operation's unloaded
// latency comes first. The network is left as it was found.
func (s *System) Run(op Op, clients []topology.NodeID, bytesEach, objectBytes float64, others ...flow.Demand) (Phase, error) {
	if !positive(bytesEach) {
		return Phase{}, fmt.Errorf("storage %q: %s of %g bytes per client: must be above 0", s.id, op, bytesEach)
	}
	if !positive(objectBytes) {
		return Phase{}, fmt.Errorf("storage %q: objects of %g bytes: must be above 0", s.id, objectBytes)
	}
	objectBytes = math.Min(objectBytes, bytesEach)
	demands, err := s.Demand(op, clients, objectBytes)
	if err != nil {
		return Phase{}, err
	}
	net := s.place.net
	var added []flow.FlowID
	defer func() {
		for _, f := range added {
			net.Remove(f)
		}
	}()
	add := func(d flow.Demand) (flow.FlowID, error) {
		d.Bytes = 0 // steady: this phase keeps its own account
		id, err := net.Add(d)
		if err != nil {
			return 0, fmt.Errorf("storage %q: %w", s.id, err)
		}
		added = append(added, id)
		return id, nil
	}
	for _, d := range others {
		if _, err := add(d); err != nil {
			return Phase{}, err
		}
	}
	running := make([]flow.FlowID, len(demands))
	left := make([]float64, len(demands))
	for i, d := range demands {
		if running[i], err = add(d); err != nil {
			return Phase{}, err
		}
		left[i] = bytesEach
	}
	out := Phase{Op: op, Bytes: bytesEach * float64(len(clients))}
	out.Seconds, err = s.Latency(op, objectBytes, 0)
	if err != nil {
		return Phase{}, err
	}
	for open := len(demands); open > 0; {
		step := math.Inf(1)
		for i := range left {
			if left[i] > 0 {
				step = math.Min(step, left[i]/net.Rate(running[i]))
			}
		}
		if math.IsInf(step, 1) || math.IsNaN(step) {
			return Phase{}, fmt.Errorf("storage %q: %s by %d clients stalls: nothing is left of the narrowest resource", s.id, op, len(clients))
		}
		out.Seconds += step
		rates := make([]float64, len(left))
		for i := range left {
			if left[i] > 0 {
				rates[i] = net.Rate(running[i])
			}
		}
		for i := range left {
			if left[i] <= 0 {
				continue
			}
			left[i] -= rates[i] * step
			if left[i] <= 1e-9*bytesEach {
				left[i] = 0
				net.Remove(running[i])
				open--
			}
		}
		if out.FirstSec == 0 {
			out.FirstSec = out.Seconds
		}
	}
	out.BytesPerSec = out.Bytes / out.Seconds
	return out, nil
}
