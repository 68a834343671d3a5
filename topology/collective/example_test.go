package collective_test

import (
	"fmt"

	"aisim/topology"
	"aisim/topology/collective"
)

// Four hosts of eight chips on one leaf, a ring all-reduce over all of them, and the same
// with half of the NIC bandwidth.
func Example() {
	g, err := topology.Build(topology.Spec{
		Hosts: []topology.HostGroup{{Name: "compute", Count: 4, ChipsPerHost: 8, NICs: 8, NICBytesPerSec: 50e9,
			ScaleUp: topology.ScaleUp{Kind: "switch", BytesPerSec: 450e9}}},
		Topology: "fat-tree", Radix: 64,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	comm := collective.New(g, collective.Ideal(), collective.Options{})
	all := [][]topology.NodeID{g.Chips("compute")}
	plan, err := comm.Prepare(collective.AllReduce, all, collective.PlanOptions{Algorithm: "ring"})
	if err != nil {
		fmt.Println(err)
		return
	}
	cost := plan.Time(1e9)
	fmt.Printf("%.3f ms, limited by %s, bus %.0f GB/s\n", cost.Sec*1e3, cost.Level, plan.BusBytesPerSec(1e9, cost)/1e9)

	slow, err := g.WithCapacity(map[string]float64{"nic": 0.5})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err = comm.On(slow, comm.Links()).Prepare(collective.AllReduce, all, collective.PlanOptions{Algorithm: "ring"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f ms\n", plan.Time(1e9).Sec*1e3)
	// Output:
	// 4.844 ms, limited by nic, bus 400 GB/s
	// 9.688 ms
}
