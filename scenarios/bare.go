package scenarios

import (
	"aisim/hardware"
	"aisim/topology"
	"aisim/topology/collective"
	"aisim/workloads/training"
)

// Bare is a scenario's machine with nothing placed on it, nominal in all that is
// uncertain: for what comes from elsewhere, as traces do.
func Bare(sc *Scenario, opt Options) (training.Machine, error) {
	w, err := wired(sc, opt)
	if err != nil {
		return training.Machine{}, err
	}
	dev, err := hardware.NewDevice(w.Chip, w.Profile, hardware.NominalDraw)
	if err != nil {
		return training.Machine{}, err
	}
	var chips []topology.NodeID
	if w.Graph != nil {
		chips = w.Graph.Chips(computeGroup)
	}
	comm := collective.New(w.Graph, w.links(hardware.NominalDraw), collective.Options{})
	return training.Machine{Device: dev, Comm: comm, Graph: w.Graph, Chips: chips, NodesCount: sc.Cluster.Nodes,
		ChipsPerNode: w.Server.AcceleratorCount, HostMemBytes: w.Server.RAM.V, HostMemBytesPerSec: w.hostMemoryBytesPerSec()}, nil
}
