package scenarios

import (
	"math"

	"aisim/cluster/provision"
	"aisim/internal/units"
)

// Provision is how a node comes up.
type Provision struct {
	CapacitySec         float64 `toml:"capacity_wait"`
	RequestSec          float64 `toml:"request"`
	BootSec             float64 `toml:"boot"`
	DriverSec           float64 `toml:"driver"`
	ImageBytes          float64 `toml:"image"`
	RegistryBytesPerSec float64 `toml:"registry"`
	UnpackBytesPerSec   float64 `toml:"unpack"`
	StartSec            float64 `toml:"start"`

	portBytesPerSec float64 // of the node, all ports
}

var provisionKeys = []Key{
	{Path: "provision", Doc: "How a node comes up: before the first step of training, for replicas that an autoscaler starts, for nodes that a queue rents, and in place of an instance that was taken away. Without this table nodes are there."},
	{Path: "provision.capacity_wait", Doc: "Mean wait until the provider has an instance.", Dim: units.Time, Range: within(0, 30*day), Default: `"0 s"`, Why: "capacity is there"},
	{Path: "provision.request", Doc: "From the call to an instance that boots.", Dim: units.Time, Range: within(0, day), Default: `"2 s"`, Why: "assumed"},
	{Path: "provision.boot", Doc: "Boot, until the node has joined.", Dim: units.Time, Range: within(0, day), Default: `"90 s"`, Why: "GPU nodes of clouds take 80 to 120 s (docs/models/clouds.md)"},
	{Path: "provision.driver", Doc: "Driver and toolkit, where the machine's image lacks them.", Dim: units.Time, Range: within(0, day), Default: `"0 s"`, Why: "in the machine's image"},
	{Path: "provision.image", Doc: "Container image that a node pulls.", Dim: units.Bytes, Range: within(0, 1e13), Default: `"12 GB"`, Why: "an image with CUDA and a serving engine (docs/models/clouds.md)"},
	{Path: "provision.registry", Doc: "What the registry sends to all nodes together.", Dim: units.BytesPerSec, Range: above(0, 1e13), Default: `"10 Gb/s"`, Why: "assumed: one registry without mirrors"},
	{Path: "provision.unpack", Doc: "Rate at which a node takes the image in and unpacks it; its ports bound it, too.", Dim: units.BytesPerSec, Range: above(0, 1e12), Default: `"50 MB/s"`, Why: "12 GB take 2 to 8 min (docs/models/clouds.md)"},
	{Path: "provision.start", Doc: "Start of the container once its image is there.", Dim: units.Time, Range: within(0, day), Default: `"1.94 s"`, Why: "median of pods with their image on the node (Kubernetes, 2015)"},
}

// chain is the same in the terms of its model; without a table nothing takes time.
func (p *Provision) chain() provision.Chain {
	if p == nil {
		return provision.Chain{}
	}
	each := p.UnpackBytesPerSec
	if p.portBytesPerSec > 0 {
		each = math.Min(each, p.portBytesPerSec)
	}
	return provision.Chain{CapacitySec: p.CapacitySec, RequestSec: p.RequestSec, BootSec: p.BootSec, DriverSec: p.DriverSec, StartSec: p.StartSec,
		ImageBytes: p.ImageBytes, RegistryBytesPerSec: p.RegistryBytesPerSec, NodeBytesPerSec: each}
}

// provision checks that something comes up, and takes the node's ports.
func (c *checker) provision() {
	p := c.sc.Provision
	if p == nil {
		return
	}
	if c.server != nil && c.server.ComputeNICs > 0 {
		p.portBytesPerSec = float64(c.server.ComputeNICs) * c.server.NIC.V
	}
	e := &c.sc.Economics
	used := e.Mode == "rent" && e.Rent != nil && e.Rent.InterruptionsPerSec > 0
	for i := range c.sc.Workloads {
		w := &c.sc.Workloads[i]
		used = used || w.Kind == "training" || w.Autoscale != nil
		if a := w.Autoscale; a != nil && (a.ProvisionSec > 0 || a.PullSec > 0) {
			c.bad("workload."+w.ID+".autoscale", "", "give either", "says how long a node takes, and so does [provision]")
		}
	}
	for i := range c.sc.Queues {
		used = used || c.sc.Queues[i].Autoscale != nil
	}
	if !used {
		c.bad("provision", "", "leave it out", "changes nothing: no training, no autoscaler, no queue that rents nodes, no instances that are taken away")
	}
}
