package storage

import (
	"strings"
	"testing"

	"aisim/topology/flow"
)

func TestLocalDrives(t *testing.T) {
	g := fabric(t, 8, 1, nil)
	s, err := NewNVMe(NVMeSpec{ID: "scratch", Nodes: 8, DrivesPerNode: 4, Drive: testDrive()})
	if err != nil {
		t.Fatal(err)
	}
	chips := g.Chips("compute")
	net := flow.FromGraph(g)
	if err := s.Attach(net, g, chips); err != nil {
		t.Fatal(err)
	}
	// Four drives of 4 GB/s each write 160 GB in 10 s, on one node or on eight.
	one, err := s.WriteSeconds(chips[:1], 160e9, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := s.WriteSeconds(chips, 160e9, 1<<20)
	near(t, "one node", one, 10, 1e-3)
	near(t, "eight nodes", all, one, 1e-9)
	// A node with two clients takes twice as long; the others do not wait.
	twice, err := s.Run(Write, append(chips[:1:1], chips...), 160e9, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "two clients on one node", twice.Seconds, 20, 1e-3)
	near(t, "the others", twice.FirstSec, 10, 1e-3)
	d, _ := s.Demand(Write, chips, 1<<20)
	for _, u := range d[0].Uses {
		if int(u.Res) < g.NumLinks() {
			t.Error("local writes cross the fabric")
		}
	}
	host, _ := NewNVMe(NVMeSpec{ID: "scratch", Nodes: 8, DrivesPerNode: 4, Drive: testDrive(), HostBytesPerSec: 8e9})
	if err := host.Attach(flow.FromGraph(g), g, chips); err != nil {
		t.Fatal(err)
	}
	slow, _ := host.WriteSeconds(chips, 160e9, 1<<20)
	near(t, "through 8 GB/s of PCIe", slow, 20, 1e-3)
	half, err := s.Scaled(Scaling{Drives: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if err := half.Attach(flow.FromGraph(g), g, chips); err != nil {
		t.Fatal(err)
	}
	slow, _ = half.WriteSeconds(chips, 160e9, 1<<20)
	near(t, "drives of half the speed", slow, 20, 1e-3)
	if d := s.Devices(); d[0].Count != 32 || !d[0].Included {
		t.Errorf("devices %+v", d)
	}
}

func TestLocalRefusals(t *testing.T) {
	if _, err := NewNVMe(NVMeSpec{Nodes: 1, Drive: testDrive()}); err == nil {
		t.Error("no drives were accepted")
	}
	g := fabric(t, 8, 1, nil)
	s, err := NewNVMe(NVMeSpec{ID: "scratch", Nodes: 4, DrivesPerNode: 4, Drive: testDrive()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Attach(flow.FromGraph(g), g, g.Chips("compute")); err == nil || !strings.Contains(err.Error(), "4 nodes attached to 8 hosts") {
		t.Error(err)
	}
	if err := s.Attach(flow.FromGraph(g), g, g.Chips("compute")[:4]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Demand(Read, g.Chips("compute"), 1<<20); err == nil || !strings.Contains(err.Error(), "not on a host with these drives") {
		t.Error(err)
	}
}
