package traffic

import (
	"fmt"

	"aisim/topology"
)

// The fabric's links, as in the reference drivers.
const (
	LinkBytesPerSec = 50e9 // 400 Gb/s
	LinkLatencySec  = 1e-6
)

const hostGroup = "host"

// Kary builds the k-ary three-level fat-tree: k³/4 hosts with one NIC each, full
// bisection. Routing is as in topology.Spec.
func Kary(radix int, routing string) (*topology.Graph, error) {
	if radix < 2 || radix%2 != 0 || radix > 128 {
		return nil, fmt.Errorf("traffic: radix %d cannot make a k-ary fat-tree: want an even number from 2 to 128", radix)
	}
	return topology.Build(topology.Spec{
		Hosts: []topology.HostGroup{{
			Name: hostGroup, Count: radix * radix * radix / 4, NICs: 1, NICBytesPerSec: LinkBytesPerSec,
		}},
		Topology: "fat-tree", Levels: 3, Radix: radix, Routing: routing, LinkLatencySec: LinkLatencySec,
	})
}
