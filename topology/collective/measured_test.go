package collective

import (
	"testing"

	"aisim/hardware/profile"
	"aisim/topology"
)

// The embedded constants reproduce plateaus that are not among the tables they were
// fitted on: NCCL on DGX H100 (480 GB/s with and 370 without in-switch reduction,
// NVIDIA/nccl-tests issue 212) and on MI300X (312.9 GB/s on eight chips, 47.7 on two,
// stas00/ml-engineering network/README.md).
func TestPlateaus(t *testing.T) {
	links, err := profile.Links()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, kind, class, algorithm string
		chips                        int
		rate, bus, tolerance         float64
	}{
		{"H100 NVLS", "switch", "nvlink4", "", 8, 450e9, 480e9, 0.02},
		{"H100 ring", "switch", "nvlink4", "ring", 8, 450e9, 370e9, 0.05},
		{"MI300X", "mesh", "xgmi", "", 8, 448e9, 312.9e9, 0.05},
		{"MI300X pair", "mesh", "xgmi", "", 2, 64e9, 47.7e9, 0.10},
	} {
		g, err := topology.Build(topology.Spec{Topology: "single-switch", Hosts: []topology.HostGroup{{Name: "n", Count: 1, ChipsPerHost: x.chips, NICs: 1, NICBytesPerSec: 50e9,
			ScaleUp: topology.ScaleUp{Kind: x.kind, BytesPerSec: x.rate}}}})
		if err != nil {
			t.Fatal(err)
		}
		p := prepare(t, New(g, Links{ScaleUp: links[x.class], Network: links["ib"]}, Options{}), AllReduce, [][]topology.NodeID{g.Chips("n")}, x.algorithm)
		close2(t, x.name, p.BusBytesPerSec(16<<30, p.Time(16<<30)), x.bus, x.tolerance)
	}
}

// BenchmarkTimeMeasured is Plan.Time with all protocols and fills of the embedded constants.
func BenchmarkTimeMeasured(b *testing.B) {
	links, err := profile.Links()
	if err != nil {
		b.Fatal(err)
	}
	g := cluster(b, 16, nil)
	p := prepare(b, New(g, Links{ScaleUp: links["nvlink4"], Network: links["ib"]}, Options{}), AllReduce, [][]topology.NodeID{g.Chips("compute")}, "")
	b.ReportAllocs()
	for b.Loop() {
		p.Time(1 << 26)
	}
}
