package storage

import (
	"fmt"
	"math"

	"aisim/internal/result"
)

// NVMeSpec is the flash inside the compute nodes: each node reads and writes
// its own drives and no byte crosses the fabric.
type NVMeSpec struct {
	ID              string
	Nodes           int
	DrivesPerNode   int
	Drive           Drive
	HostBytesPerSec float64 // limit of the node's PCIe switch or CPU path, one way; 0 is none
	Fill            float64 // share of the capacity taken already
}

type nvme struct{ NVMeSpec }

// localFullRatio keeps space for the file system's own needs and for flash
// garbage collection (ext4's default reserve of 5 %).
const localFullRatio = 0.95

// NewNVMe checks the specification and builds the drives of the compute nodes.
func NewNVMe(spec NVMeSpec) (*System, error) {
	fail := func(format string, args ...any) (*System, error) {
		return nil, fmt.Errorf("storage %q: "+format, append([]any{spec.ID}, args...)...)
	}
	switch {
	case spec.Nodes < 1:
		return fail("nodes %d: at least 1", spec.Nodes)
	case spec.DrivesPerNode < 1 || spec.DrivesPerNode > 1000:
		return fail("drives per node %d: allowed 1 to 1000", spec.DrivesPerNode)
	case spec.HostBytesPerSec < 0 || math.IsNaN(spec.HostBytesPerSec):
		return fail("host path %g B/s: must be 0 (no limit) or more", spec.HostBytesPerSec)
	case !(spec.Fill >= 0 && spec.Fill <= 0.95):
		return fail("fill %g: allowed 0 to 0.95", spec.Fill)
	}
	if err := spec.Drive.check(); err != nil {
		return fail("%w", err)
	}
	return &System{id: spec.ID, kind: NVMe, m: &nvme{spec},
		warnings: []string{"local drives share their node's fate: a checkpoint here alone is lost with the node"}}, nil
}

// pools are those of one node.
func (n *nvme) pools() []pool {
	host := n.HostBytesPerSec
	if host == 0 {
		host = math.MaxFloat64
	}
	return []pool{
		{"node drives", KeyDrives, float64(n.DrivesPerNode)},
		{"node PCIe path", KeyCPU, host},
	}
}

// accessBytes is the largest request that the block layer hands to a drive.
const accessBytes = 1 << 20

func (n *nvme) weights(op Op, objectBytes float64, dst []float64) {
	io := objectBytes / math.Ceil(objectBytes/accessBytes)
	dst[0], dst[1] = n.Drive.accessSec(op, io)/io, 1
	if n.HostBytesPerSec == 0 {
		dst[1] = 0
	}
}

func (n *nvme) perClient(Op, float64, int) Stage    { return noLimit }
func (n *nvme) wire(Op, float64) (float64, float64) { return 0, 0 }
func (n *nvme) informative(Op, float64) []Stage     { return nil }

func (n *nvme) latency(op Op, bytes, load float64) float64 {
	io := bytes / math.Ceil(bytes/accessBytes)
	service := n.Drive.accessSec(op, io)
	return n.Drive.latencySec(op) + io/n.bandwidth(op) + service*load/(2*(1-load))
}

func (n *nvme) bandwidth(op Op) float64 {
	if op == Write {
		return n.Drive.WriteBytesPerSec
	}
	return n.Drive.ReadBytesPerSec
}

func (n *nvme) capacity() Capacity {
	raw := float64(n.Nodes) * float64(n.DrivesPerNode) * n.Drive.Bytes
	usable := raw * localFullRatio
	return Capacity{RawBytes: raw, UsableBytes: usable, NearfullBytes: raw * nearfullRatio, FreeBytes: usable * (1 - n.Fill), WorstShare: 1}
}

func (n *nvme) watts(util float64) float64 {
	return float64(n.Nodes) * float64(n.DrivesPerNode) * (n.Drive.IdleWatts + (n.Drive.ActiveWatts-n.Drive.IdleWatts)*util)
}

func (n *nvme) devices() []Device {
	return []Device{{Role: "drive", ID: n.Drive.ID, Count: n.Nodes * n.DrivesPerNode, Included: true}}
}

func (n *nvme) assumptions() []result.Assumption {
	var out []result.Assumption
	for _, a := range n.Drive.Assumed {
		out = append(out, result.Assumption{Name: "drive " + n.Drive.ID, Value: a, Pedigree: result.Assumed, Source: "storage/drive.go"})
	}
	return out
}

func (n *nvme) scaled(f Scaling) model {
	c := *n
	c.Drive = n.Drive.scaled(factor(f.Drives))
	c.HostBytesPerSec *= factor(f.CPU)
	return &c
}
