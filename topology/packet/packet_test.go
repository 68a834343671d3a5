package packet

import (
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"aisim/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree is the k-ary three-level fat-tree with 400 Gb/s and 1 µs per link.
func tree(t testing.TB, k int, edit ...func(*topology.Spec)) *topology.Graph {
	t.Helper()
	s := topology.Spec{
		Hosts:    []topology.HostGroup{{Name: "host", Count: k * k * k / 4, NICs: 1, NICBytesPerSec: 50e9}},
		Topology: "fat-tree", Levels: 3, Radix: k, LinkLatencySec: 1e-6,
	}
	for _, e := range edit {
		e(&s)
	}
	g, err := topology.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// permutation sends from every NIC to another, each receives once.
func permutation(g *topology.Graph, bytes int64, seed uint64) []Flow {
	nics := g.NICs("host")
	n := len(nics)
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for i := n - 1; i > 0; i-- { // Sattolo: one cycle, so none sends to itself
		j := r.IntN(i)
		p[i], p[j] = p[j], p[i]
	}
	flows := make([]Flow, n)
	for i := range flows {
		flows[i] = Flow{Src: nics[i], Dst: nics[p[i]], Bytes: bytes}
	}
	return flows
}

func run(t testing.TB, g *topology.Graph, flows []Flow, o Options) *Result {
	t.Helper()
	r, err := Run(g, flows, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
