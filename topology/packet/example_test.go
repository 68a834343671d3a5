package packet_test

import (
	"fmt"

	"aisim/topology"
	"aisim/topology/packet"
)

// Two hosts send to a third over one switch and share its link.
func Example() {
	g, err := topology.Build(topology.Spec{
		Hosts:    []topology.HostGroup{{Name: "host", Count: 3, NICs: 1, NICBytesPerSec: 50e9}},
		Topology: "single-switch", LinkLatencySec: 1e-6,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	nics := g.NICs("host")
	r, err := packet.Run(g, []packet.Flow{
		{Src: nics[0], Dst: nics[2], Bytes: 1 << 20},
		{Src: nics[1], Dst: nics[2], Bytes: 1 << 20},
	}, packet.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d packets, %d lost, last through after %.1f µs\n", r.Packets, r.Packets-r.Acks, r.FinishSec*1e6)
	// Output: 512 packets, 0 lost, last through after 44.5 µs
}
