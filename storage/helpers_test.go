package storage

import (
	"testing"

	"aisim/topology"
	"aisim/topology/flow"
)

// testDrive is a Gen4 NVMe drive with round figures.
func testDrive() Drive {
	return Drive{ID: "test", Bytes: 8e12, ReadBytesPerSec: 6e9, WriteBytesPerSec: 4e9, ReadIOPS: 1e6, WriteIOPS: 200e3,
		ReadLatencySec: 80e-6, WriteLatencySec: 18e-6, IdleWatts: 4, ActiveWatts: 14}
}

// testSpec is 20 nodes of 10 drives, 2 × 100 Gb/s and many cores: large I/O is
// bound by the ports.
func testSpec() CephSpec {
	return CephSpec{ID: "pool", Nodes: 20, DrivesPerNode: 10, Drive: testDrive(), NICBytesPerSec: 25e9, Cores: 96, Profile: "rep-3"}
}

func mustCeph(t testing.TB, spec CephSpec) *System {
	t.Helper()
	s, err := NewCeph(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// alone attaches a system to a network of its own without a fabric.
func alone(t testing.TB, s *System) *System {
	t.Helper()
	if err := s.Attach(flow.NewNet(nil), nil, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// rate is the steady rate of n clients together, worked out by max–min.
func rate(t testing.TB, s *System, op Op, n int, objectBytes float64) float64 {
	t.Helper()
	demands, err := s.Demand(op, nodes(n), objectBytes)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	var ids []flow.FlowID
	for _, d := range demands {
		id, err := s.place.net.Add(d)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for i, id := range ids {
		sum += s.place.net.Rate(id) * float64(demands[i].Count)
	}
	for _, id := range ids {
		s.place.net.Remove(id)
	}
	return sum
}

func nodes(n int) []topology.NodeID {
	out := make([]topology.NodeID, n)
	for i := range out {
		out[i] = topology.NodeID(i)
	}
	return out
}

// fabric is compute hosts of one chip and one 50 GB/s port and storage hosts of
// two 12.5 GB/s ports on a two-level fat-tree.
func fabric(t testing.TB, compute, storageHosts int, change func(*topology.Spec)) *topology.Graph {
	t.Helper()
	spec := topology.Spec{
		Hosts: []topology.HostGroup{
			{Name: "compute", Count: compute, ChipsPerHost: 1, NICs: 1, NICBytesPerSec: 50e9},
			{Name: "pool", Count: storageHosts, NICs: 2, NICBytesPerSec: 12.5e9},
		},
		Topology: "fat-tree", Levels: 2, Radix: 32, SwitchBytesPerSec: 50e9,
		LinkLatencySec: 1e-7, SwitchLatencySec: 3e-7, Routing: "adaptive",
	}
	if change != nil {
		change(&spec)
	}
	g, err := topology.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// onFabric attaches a system to the group "pool" of g.
func onFabric(t testing.TB, s *System, g *topology.Graph) (*System, *flow.Net) {
	t.Helper()
	net := flow.FromGraph(g)
	if err := s.Attach(net, g, g.NICs("pool")); err != nil {
		t.Fatal(err)
	}
	return s, net
}

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(got >= want*(1-tolerance) && got <= want*(1+tolerance)) {
		t.Errorf("%s: got %.6g, want %.6g within %g %%", what, got, want, 100*tolerance)
	}
}
