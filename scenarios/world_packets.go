package scenarios

import (
	"fmt"
	"math"

	"aisim/internal/result"
	"aisim/topology"
	"aisim/topology/packet"
	"aisim/topology/traffic"
)

// The packet rung plays one step of the machine's ring collectives packet by packet:
// every port of every server sends packetBytes to the same port of the next server of its
// workload, all at once.
const (
	packetBytes   = 2 << 20
	packetMaxNICs = 4096 // half a GiB of packets a second of wall time beyond
)

// comparePackets measures how much longer the ring step takes as packets than as flows,
// beyond what headers and acknowledgements cost a message alone, which the link
// constants already hold. The network's bandwidth is divided by it in every future:
// the packet rung hands one number down to the collectives.
func (w *World) comparePackets() error {
	if w.Scenario.Cluster.Fabric.Model != "packet" {
		return nil
	}
	refuse := func(format string, args ...any) error {
		return Problems(w.Scenario.ProblemAt("cluster.fabric.model", "", "analytic | flow", "", fmt.Sprintf(format, args...)))
	}
	if n := w.Scenario.Cluster.Nodes * w.NICs; n > packetMaxNICs {
		return refuse("%d network ports are more than the %d that the packet rung plays", n, packetMaxNICs)
	}
	if w.NICs == 0 {
		return refuse("the servers have no network ports")
	}
	var flows []packet.Flow
	for i := range w.Placed {
		p := &w.Placed[i]
		if p.Training == nil || p.NodeCount < 2 {
			continue
		}
		for h := range p.NodeCount {
			from := w.Graph.HostNICs(computeGroup, p.FirstNode+h)
			to := w.Graph.HostNICs(computeGroup, p.FirstNode+(h+1)%p.NodeCount)
			for k := range from {
				flows = append(flows, packet.Flow{Src: from[k], Dst: to[k], Bytes: packetBytes})
			}
		}
	}
	if len(flows) == 0 {
		return refuse("no campaign spans two servers, so no collective crosses the network")
	}
	all, err := packetsOverFlows(w.Graph, flows, w.networkClass)
	if err != nil {
		return refuse("%s", err)
	}
	alone, err := packetsOverFlows(w.Graph, flows[:1], w.networkClass)
	if err != nil {
		return refuse("%s", err)
	}
	w.stretch = math.Max(1, all/alone)
	w.Warnings = append(w.Warnings, result.Warning{
		What:   fmt.Sprintf("Packets make the ring step of the network %.1f %% longer than flows", 100*(w.stretch-1)),
		Why:    fmt.Sprintf("queues and flow control of %d messages of 2 MiB at once, beyond the headers of one alone", len(flows)),
		Effect: "taken off the network's bandwidth in every result",
	})
	return nil
}

// packetsOverFlows is the time of the slowest message as packets over its time as flows.
func packetsOverFlows(g *topology.Graph, flows []packet.Flow, class string) (float64, error) {
	opt := packet.Options{Transport: "roce"}
	if class == "ib" || class == "slingshot" {
		opt.Transport = "infiniband"
	}
	p, err := packet.Run(g, flows, opt)
	if err != nil {
		return 0, err
	}
	fluid := make([]traffic.Flow, len(flows))
	for i, f := range flows {
		fluid[i] = traffic.Flow{Src: f.Src, Dst: f.Dst, Bytes: float64(f.Bytes)}
	}
	r, err := traffic.Run(g, fluid, traffic.EqualShares, 1)
	if err != nil {
		return 0, err
	}
	return p.MaxSec / r.MaxFlowSec, nil
}
