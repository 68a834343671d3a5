package flow_test

import (
	"math"
	"slices"
	"testing"

	"aisim/topology"
	"aisim/topology/flow"
)

// kary is the fabric of the reference driver: one host per port, 400 Gb/s and 1 µs per link.
func kary(t testing.TB, k int, routing string) *topology.Graph {
	t.Helper()
	g, err := topology.Build(topology.Spec{
		Hosts:    []topology.HostGroup{{Name: "host", Count: k * k * k / 4, NICs: 1, NICBytesPerSec: 50e9}},
		Topology: "fat-tree", Levels: 3, Radix: k, LinkLatencySec: 1e-6, Routing: routing,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type transfer struct{ src, dst int }

// run starts every transfer after its path's latency, as SimGrid's CM02 does, and
// returns the first and last completion.
func run(t testing.TB, g *topology.Graph, list []transfer, bytes float64) (first, last float64) {
	t.Helper()
	nics := g.NICs("host")
	n := flow.FromGraph(g)
	type start struct {
		sec  float64
		uses []flow.Use
	}
	starts := make([]start, len(list))
	var buf []topology.Share
	for i, x := range list {
		shares, lat, err := g.Route(nics[x.src], nics[x.dst], 0, buf[:0])
		if err != nil {
			t.Fatal(err)
		}
		buf = shares
		s := start{sec: lat}
		for _, sh := range shares {
			s.uses = append(s.uses, flow.Use{Res: flow.ResourceID(sh.Link), Weight: sh.Fraction})
		}
		starts[i] = s
	}
	slices.SortStableFunc(starts, func(a, b start) int {
		if a.sec < b.sec {
			return -1
		}
		if a.sec > b.sec {
			return 1
		}
		return 0
	})
	first = math.Inf(1)
	note := func(done []flow.Completion) {
		for _, d := range done {
			first, last = min(first, d.Sec), max(last, d.Sec)
		}
	}
	for _, s := range starts {
		note(n.Advance(s.sec))
		if _, err := n.Add(flow.Demand{Uses: s.uses, Bytes: bytes}); err != nil {
			t.Fatal(err)
		}
	}
	note(n.Advance(math.Inf(1)))
	if n.Flows() > 0 {
		t.Fatalf("%d flows never ended", n.Flows())
	}
	return first, last
}

// permutation is a random one without fixed points: SplitMix64 from seed 1,
// Fisher–Yates, drawn again while an element stays in place.
func permutation(n int) []transfer {
	state := uint64(1)
	next := func() uint64 {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb
		return z ^ (z >> 31)
	}
	d := make([]int, n)
	for {
		for i := range d {
			d[i] = i
		}
		for i := n - 1; i > 0; i-- {
			j := int(next() % uint64(i+1))
			d[i], d[j] = d[j], d[i]
		}
		fixed := false
		for i := range d {
			fixed = fixed || d[i] == i
		}
		if !fixed {
			break
		}
	}
	out := make([]transfer, n)
	for i := range out {
		out[i] = transfer{i, d[i]}
	}
	return out
}

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	t.Logf("%s: %.9f s, SimGrid %.9f s", what, got, want)
	if math.Abs(got/want-1) > tolerance {
		t.Errorf("%s = %.9f s, SimGrid 3.32 gives %.9f s", what, got, want)
	}
}

// Figures of SimGrid 3.32 (CM02, no TCP factors, d-mod-k): permutations of 64 MiB per
// host, all-to-all of 1 MiB per pair. The tolerance is 0.1 %.
func TestSimGridPermutation(t *testing.T) {
	for _, c := range []struct {
		k           int
		first, last float64
	}{{8, 1.344177e-3, 5.374709e-3}, {16, 0, 6.716886e-3}} {
		g := kary(t, c.k, "d-mod-k")
		first, last := run(t, g, permutation(c.k*c.k*c.k/4), 64<<20)
		within(t, "permutation", last, c.last, 1e-3)
		if c.first > 0 {
			within(t, "first", first, c.first, 1e-3)
		}
	}
}

func TestSimGridAllToAll(t *testing.T) {
	if testing.Short() {
		t.Skip("16,256 flows at once")
	}
	g := kary(t, 8, "d-mod-k")
	var list []transfer
	for s := 1; s < 128; s++ {
		for i := range 128 {
			list = append(list, transfer{i, (i + s) % 128})
		}
	}
	_, last := run(t, g, list, 1<<20)
	within(t, "all-to-all", last, 2.665383e-3, 1e-3)
}

func BenchmarkPermutation(b *testing.B) {
	for _, k := range []int{16, 32} {
		b.Run(map[int]string{16: "k=16", 32: "k=32"}[k], func(b *testing.B) {
			list := permutation(k * k * k / 4)
			b.ReportAllocs()
			for b.Loop() {
				run(b, kary(b, k, "d-mod-k"), list, 64<<20)
			}
		})
	}
}

func BenchmarkAllToAll(b *testing.B) {
	g := kary(b, 8, "d-mod-k")
	var list []transfer
	for s := 1; s < 128; s++ {
		for i := range 128 {
			list = append(list, transfer{i, (i + s) % 128})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		run(b, g, list, 1<<20)
	}
}
