package storage

import (
	"fmt"
	"math"

	"aisim/internal/result"
)

// Kind is the family of a storage system, as scenarios name it.
type Kind string

// The kinds.
const (
	Ceph    Kind = "ceph"
	Lustre  Kind = "lustre"
	Gluster Kind = "gluster"
	Object  Kind = "object"
	NVMe    Kind = "nvme"
)

// Op is what a client does.
type Op uint8

// The operations.
const (
	Read Op = iota
	Write
)

func (op Op) String() string {
	if op == Write {
		return "write"
	}
	return "read"
}

// Stable elasticity keys of a system's resources.
const (
	KeyDrives  = "storage.drives"
	KeyNetwork = "storage.network"
	KeyCPU     = "storage.cpu"
)

// System is one storage system: what it can hold and carry, and, once
// attached, where it sits on the network. It is not safe for concurrent use.
type System struct {
	id       string
	kind     Kind
	m        model
	warnings []string
	routes   *Routes // nil: route every time
	place    *place  // nil until attached
}

// pool is a resource that all hosts of a system share evenly.
type pool struct {
	name     string
	key      string  // elasticity key
	capacity float64 // resource units per second
}

// model is the physics of one kind. Slices are in the order of pools.
type model interface {
	pools() []pool
	// weights fills dst with resource units per client byte of operations on
	// objects of objectBytes.
	weights(op Op, objectBytes float64, dst []float64)
	// perClient is the rate that one of so many alike clients cannot exceed and what sets it,
	// +Inf when only its links bind.
	perClient(op Op, objectBytes float64, clients int) Stage
	// wire gives, per client byte, the bytes between storage hosts, and how many
	// units of a link one byte on it uses (protocol overhead).
	wire(op Op, objectBytes float64) (internal, overhead float64)
	// informative are stages that are part of a pool already, shown alone in Ceilings.
	informative(op Op, objectBytes float64) []Stage
	latency(op Op, bytes, load float64) float64
	capacity() Capacity
	watts(util float64) float64
	devices() []Device
	assumptions() []result.Assumption
	scaled(Scaling) model
}

// Capacity is what a system can hold, in client bytes but for RawBytes.
type Capacity struct {
	RawBytes      float64
	UsableBytes   float64 // until the first drive reaches the full ratio
	NearfullBytes float64 // until the first drive reaches the warning ratio
	FreeBytes     float64 // UsableBytes less what fill says is there already
	WorstShare    float64 // fullest drive over the mean
}

// Device is a line of the ledger: so many of a catalogue entry.
type Device struct {
	Role     string // storage server | metadata server | drive
	ID       string // catalogue id, empty when the scenario names none
	Count    int
	Included bool // already part of the compute server's price and power
}

// noLimit is a client that only its links bind.
var noLimit = Stage{BytesPerSec: math.Inf(1)}

// Stage is what one stage of the path could carry alone.
type Stage struct {
	Name        string
	Key         string // elasticity key of what it belongs to
	BytesPerSec float64
}

// Scaling multiplies the capacity of a system's parts; 0 leaves one as it is.
type Scaling struct{ Drives, Network, CPU float64 }

func factor(f float64) float64 {
	if f == 0 {
		return 1
	}
	return f
}

// ID is the scenario's name of the system.
func (s *System) ID() string { return s.id }

// Kind is the family of the system.
func (s *System) Kind() Kind { return s.kind }

// Capacity is what the system can hold.
func (s *System) Capacity() Capacity { return s.m.capacity() }

// UsableBytes are the client bytes that it holds until its fullest drive is full.
func (s *System) UsableBytes() float64 { return s.m.capacity().UsableBytes }

// Holds refuses bytes that do not fit beside what is there already, with the arithmetic.
func (s *System) Holds(what string, bytes float64) error {
	c := s.m.capacity()
	if bytes <= c.FreeBytes {
		return nil
	}
	if math.IsInf(c.RawBytes, 1) {
		return nil
	}
	return fmt.Errorf("storage %q: %s of %.3f TB does not fit: %.3f TB raw hold %.3f TB of client data (worst drive %.2f × mean) of which %.3f TB are free; short by %.3f TB",
		s.id, what, bytes/1e12, c.RawBytes/1e12, c.UsableBytes/1e12, c.WorstShare, c.FreeBytes/1e12, (bytes-c.FreeBytes)/1e12)
}

// Watts is the power of the whole system at utilisation 0..1 of its drives and CPUs.
func (s *System) Watts(util float64) float64 {
	return s.m.watts(math.Max(0, math.Min(1, util)))
}

// Devices are the machines and drives that the ledger counts.
func (s *System) Devices() []Device { return s.m.devices() }

// Warnings say what a planner should know about the system as specified.
func (s *System) Warnings() []string { return s.warnings }

// Assumptions are the constants and stand-ins that its numbers rest on.
func (s *System) Assumptions() []result.Assumption { return s.m.assumptions() }

// Latency is the time of one operation of the given bytes while the system's
// narrowest resource is busy for the share load (0 ≤ load < 1): unloaded path
// plus the M/D/1 wait s·ρ/(2(1−ρ)) at each serial queue.
func (s *System) Latency(op Op, bytes, load float64) (float64, error) {
	if !(load >= 0 && load < 1) {
		return 0, fmt.Errorf("storage %q: load %g: must be at least 0 and below 1", s.id, load)
	}
	if !(bytes > 0) || math.IsInf(bytes, 0) {
		return 0, fmt.Errorf("storage %q: operation of %g bytes: must be above 0", s.id, bytes)
	}
	return s.m.latency(op, bytes, load), nil
}

// Scaled is a copy with its parts multiplied, not attached to anything; the
// re-simulations behind elasticities use it.
func (s *System) Scaled(f Scaling) (*System, error) {
	for _, v := range [...]float64{f.Drives, f.Network, f.CPU} {
		if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("storage %q: scaling %+v: factors must be above 0", s.id, f)
		}
	}
	return &System{id: s.id, kind: s.kind, warnings: s.warnings, routes: s.routes, m: s.m.scaled(f)}, nil
}
