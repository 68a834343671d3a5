package topology

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func build(t testing.TB, s Spec) *Graph {
	t.Helper()
	g, err := Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// dgx is a cluster of 8-chip hosts with a NIC per chip.
func dgx(hosts, levels, radix int, over []float64) Spec {
	return Spec{
		Hosts: []HostGroup{{Name: "compute", Count: hosts, ChipsPerHost: 8, NICs: 8, NICBytesPerSec: 50e9,
			ScaleUp: ScaleUp{Kind: "switch", BytesPerSec: 450e9, LatencySec: 2e-7}}},
		Topology: "fat-tree", Levels: levels, Radix: radix, Oversubscription: over, LinkLatencySec: 1e-7, SwitchLatencySec: 2e-7,
	}
}

func level(t testing.TB, g *Graph, key string) Level {
	t.Helper()
	for _, l := range g.Levels() {
		if l.Key == key {
			return l
		}
	}
	t.Fatalf("no level %s", key)
	return Level{}
}

// A k-ary three-level tree has k³/4 hosts and 5k²/4 switches (Al-Fares et al. 2008).
func TestKaryCounts(t *testing.T) {
	for _, k := range []int{4, 8, 16} {
		n := k * k * k / 4
		g := build(t, Spec{Hosts: []HostGroup{{Name: "h", Count: n, NICs: 1, NICBytesPerSec: 1}}, Topology: "fat-tree", Levels: 3, Radix: k})
		if got, want := g.NumNodes(), n+5*k*k/4; got != want {
			t.Errorf("k=%d: %d nodes, want %d", k, got, want)
		}
		if got, want := g.NumLinks(), 3*2*n; got != want {
			t.Errorf("k=%d: %d links, want %d", k, got, want)
		}
		if w := g.Lint(); len(w) > 0 {
			t.Errorf("k=%d: lint: %v", k, w)
		}
	}
}

func TestFlagshipOversubscription(t *testing.T) {
	g := build(t, dgx(2048, 3, 64, []float64{1, 7}))
	leaf, spine := level(t, g, "leaf"), level(t, g, "spine")
	if leaf.TotalBytesPerSec < 16384*2*50e9 {
		t.Errorf("leaf uplinks %g are less than the hosts'", leaf.TotalBytesPerSec)
	}
	r := g.Oversubscription(1)
	if math.Abs(r-7) > 1e-9 {
		t.Errorf("spine oversubscription %g, want 7", r)
	}
	t.Logf("leaf links %d, spine links %d", leaf.Links, spine.Links)
}

func TestBuildRefusals(t *testing.T) {
	for want, change := range map[string]func(*Spec){
		"radix 1 cannot":               func(s *Spec) { s.Radix = 1 },
		"room for":                     func(s *Spec) { s.Levels, s.Radix = 2, 4 },
		"levels = 9 is outside 1..4":   func(s *Spec) { s.Levels = 9 },
		"oversubscription[0] = 0.5":    func(s *Spec) { s.Oversubscription = []float64{0.5} },
		"oversubscription has 3":       func(s *Spec) { s.Oversubscription = []float64{1, 1, 1} },
		"leaves no uplink":             func(s *Spec) { s.Oversubscription = []float64{1000} },
		"there is no spine-99":         func(s *Spec) { s.FailedLinks = []string{"leaf-0:spine-99"} },
		"there is no link between":     func(s *Spec) { s.FailedLinks = []string{"leaf-0:core-0"} },
		`"nonsense"`:                   func(s *Spec) { s.FailedLinks = []string{"nonsense"} },
		"NIC bandwidth of group":       func(s *Spec) { s.Hosts[0].NICBytesPerSec = 0 },
		"has 0 hosts":                  func(s *Spec) { s.Hosts[0].Count = 0 },
		`topology: "butterfly" is not`: func(s *Spec) { s.Topology = "butterfly" },
		`routing "magic"`:              func(s *Spec) { s.Routing = "magic" },
		"disconnected":                 func(s *Spec) { s.Hosts[0].NICs = 0 },
		"infinite":                     func(s *Spec) { s.Hosts[0].NICBytesPerSec = math.Inf(1) },
	} {
		s := dgx(64, 3, 16, nil)
		s.Hosts[0].Count = 64
		change(&s)
		_, err := Build(s)
		if want == "infinite" {
			want = "positive finite"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// checkPath holds that the shares conserve flow: what enters a node leaves it.
func checkPath(t interface{ Fatalf(string, ...any) }, g *Graph, src, dst NodeID, shares []Share) {
	net := map[NodeID]float64{}
	for _, s := range shares {
		l := g.Link(s.Link)
		if l.Failed {
			t.Fatalf("path uses a failed link %s:%s", g.Name(l.From), g.Name(l.To))
		}
		net[l.From] -= s.Fraction
		net[l.To] += s.Fraction
	}
	out, in := 0.0, 0.0
	for n, v := range net {
		switch k := g.Kind(n); {
		case k <= NIC && v < 0:
			out -= v
		case k <= NIC:
			in += v
		case math.Abs(v) > 1e-9:
			t.Fatalf("%s keeps %v of the flow from %s to %s", g.Name(n), v, g.Name(src), g.Name(dst))
		}
	}
	if math.Abs(out-1) > 1e-9 || math.Abs(in-1) > 1e-9 {
		t.Fatalf("from %s to %s: %v leaves, %v arrives", g.Name(src), g.Name(dst), out, in)
	}
}

func TestRoutesConserveFlow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := rapid.IntRange(1, 4).Draw(t, "levels")
		radix := rapid.IntRange(2, 6).Draw(t, "radix") * 2
		hosts := rapid.IntRange(2, 60).Draw(t, "hosts")
		s := Spec{
			Hosts:    []HostGroup{{Name: "h", Count: hosts, NICs: rapid.IntRange(1, 2).Draw(t, "nics"), NICBytesPerSec: 1}, {Name: "s", Count: 2, NICs: 1, NICBytesPerSec: 1}},
			Topology: rapid.SampledFrom([]string{"fat-tree", "rail-optimised"}).Draw(t, "kind"), Levels: levels, Radix: radix,
			Routing: rapid.SampledFrom([]string{"adaptive", "ecmp", "d-mod-k"}).Draw(t, "routing"), LinkLatencySec: 1,
		}
		for i := range levels - 1 {
			s.Oversubscription = append(s.Oversubscription, float64(rapid.IntRange(1, 3).Draw(t, "over")))
			_ = i
		}
		g, err := Build(s)
		if err != nil {
			t.Skip(err)
		}
		if levels > 1 && rapid.Bool().Draw(t, "fail") {
			for range rapid.IntRange(1, 3).Draw(t, "failures") {
				l := level2(g, rapid.IntRange(0, g.NumLinks()-1).Draw(t, "link"))
				if l != "" {
					s.FailedLinks = append(s.FailedLinks, l)
				}
			}
			if g, err = Build(s); err != nil {
				t.Fatal(err)
			}
		}
		nics := append(g.NICs("h"), g.NICs("s")...)
		a := nics[rapid.IntRange(0, len(nics)-1).Draw(t, "a")]
		b := nics[rapid.IntRange(0, len(nics)-1).Draw(t, "b")]
		if a == b {
			return
		}
		shares, lat, err := g.Route(a, b, 5, nil)
		if err != nil {
			if !strings.Contains(err.Error(), g.Name(a)) || !strings.Contains(err.Error(), g.Name(b)) {
				t.Fatalf("error does not name the pair: %v", err)
			}
			if len(s.FailedLinks) == 0 {
				t.Fatal(err)
			}
			return
		}
		checkPath(t, g, a, b, shares)
		if lat < 2 {
			t.Fatalf("latency %v of less than two cables", lat)
		}
		// The account agrees with the route.
		load := g.NewLoad()
		if _, err := load.Add(a, b, 1, 5); err != nil {
			t.Fatal(err)
		}
		sum, err := load.Sum()
		if err != nil {
			t.Fatal(err)
		}
		want := map[LinkID]float64{}
		for _, x := range shares {
			want[x.Link] += x.Fraction
		}
		for _, x := range sum {
			if math.Abs(want[x.Link]-x.Fraction) > 1e-12 {
				t.Fatalf("link %d: account %v, route %v", x.Link, x.Fraction, want[x.Link])
			}
			delete(want, x.Link)
		}
		if len(want) > 0 {
			t.Fatalf("the account misses %d links", len(want))
		}
	})
}

// level2 names a switch-to-switch link, or nothing for others.
func level2(g *Graph, id int) string {
	l := g.Link(LinkID(id))
	if l.Level < LeafLevel {
		return ""
	}
	return g.Name(l.From) + ":" + g.Name(l.To)
}

func TestNoRouteNamesThePair(t *testing.T) {
	s := dgx(8, 2, 16, nil)
	s.FailedLinks = []string{"compute-3"}
	g := build(t, s)
	_, _, err := g.Route(g.HostChips("compute", 3)[0], g.HostChips("compute", 4)[0], 0, nil)
	if err == nil || !strings.Contains(err.Error(), "compute-3.chip-0") {
		t.Errorf("error %v does not name the cut chip", err)
	}
	found := false
	for _, w := range g.Lint() {
		found = found || strings.Contains(w.Text, "compute-3")
	}
	if !found {
		t.Error("lint does not name the cut host")
	}
}

func TestTorusRoutes(t *testing.T) {
	g := build(t, Spec{Topology: "torus", Hosts: []HostGroup{{Name: "tpu", Count: 16, ChipsPerHost: 4,
		ScaleUp: ScaleUp{Kind: "torus", Dims: []int{4, 4, 4}, BytesPerSec: 600e9, LatencySec: 1e-6}}}})
	chips := g.Chips("tpu")
	if got := g.NumLinks(); got != 64*6 {
		t.Errorf("%d links, want %d", got, 64*6)
	}
	if got := g.Link(0).BytesPerSec; got != 100e9 {
		t.Errorf("link of %g B/s, want a sixth of the chip's 600 GB/s", got)
	}
	hops := func(a, b int) float64 {
		sh, lat, err := g.Route(chips[a], chips[b], 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkPath(t, g, chips[a], chips[b], sh)
		return math.Round(lat / 1e-6)
	}
	if h := hops(0, 3); h != 1 {
		t.Errorf("0→3 wraps in 1 hop, got %v", h)
	}
	if h := hops(0, 2); h != 2 {
		t.Errorf("0→2 takes 2 hops, got %v", h)
	}
	if h := hops(0, 2*16+2*4+2); h != 6 {
		t.Errorf("to the far corner 6 hops, got %v", h)
	}
}

func TestWithCapacity(t *testing.T) {
	g := build(t, dgx(16, 2, 32, nil))
	h, err := g.WithCapacity(map[string]float64{"leaf": 2})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := level(t, h, "leaf").BytesPerSec, 2*level(t, g, "leaf").BytesPerSec; got != want {
		t.Errorf("leaf %g, want %g", got, want)
	}
	if level(t, h, "nic") != level(t, g, "nic") {
		t.Error("another level moved")
	}
	if !h.SameWiring(g) {
		t.Error("wiring was copied")
	}
	for _, bad := range []map[string]float64{{"nonsense": 1}, {"leaf": 0}, {"leaf": math.NaN()}} {
		if _, err := g.WithCapacity(bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestRailOptimised(t *testing.T) {
	s := dgx(64, 2, 64, nil)
	s.Topology = "rail-optimised"
	g := build(t, s)
	for r := range 8 {
		a, b := g.HostChips("compute", 0)[r], g.HostChips("compute", 31)[r]
		if !g.SameLeaf(a, b) {
			t.Errorf("rail %d: hosts 0 and 31 of one unit are on leaves %d and %d", r, g.Leaf(a), g.Leaf(b))
		}
	}
	if g.SameLeaf(g.HostChips("compute", 0)[0], g.HostChips("compute", 0)[1]) {
		t.Error("two rails of a full unit share a leaf")
	}
}

func TestScaleOf128k(t *testing.T) {
	if testing.Short() {
		t.Skip("builds 128,000 endpoints")
	}
	start := time.Now()
	g := build(t, Spec{Hosts: []HostGroup{{Name: "h", Count: 128000, NICs: 1, NICBytesPerSec: 50e9}}, Topology: "fat-tree", Levels: 3, Radix: 80})
	nics := g.NICs("h")
	load := g.NewLoad()
	for i := range nics {
		if _, err := load.Add(nics[i], nics[(i*7919+1)%len(nics)], 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := load.Sum(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	} else {
		t.Logf("built %d links and laid 128,000 flows in %v", g.NumLinks(), d)
	}
}

func BenchmarkBuildFlagship(b *testing.B) {
	s := dgx(2048, 3, 64, []float64{1, 7})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadAdd(b *testing.B) {
	g := build(b, dgx(2048, 3, 64, []float64{1, 7}))
	chips := g.Chips("compute")
	load := g.NewLoad()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := load.Add(chips[i%len(chips)], chips[(i*7919+13)%len(chips)], 1, 0); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func TestWithFailures(t *testing.T) {
	g := build(t, dgx(64, 2, 32, nil))
	h, err := g.WithFailures([]string{"leaf-0:spine-0", "compute-1.nic-3:leaf-0"})
	if err != nil {
		t.Fatal(err)
	}
	s := dgx(64, 2, 32, nil)
	s.FailedLinks = []string{"leaf-0:spine-0", "compute-1.nic-3:leaf-0"}
	fresh := build(t, s)
	for id := range g.NumLinks() {
		if g.Link(LinkID(id)).Failed {
			t.Fatal("the intact graph was touched")
		}
		if h.Link(LinkID(id)) != fresh.Link(LinkID(id)) {
			t.Fatalf("link %d: %+v, built with the failure %+v", id, h.Link(LinkID(id)), fresh.Link(LinkID(id)))
		}
	}
	if _, err := g.WithFailures([]string{"leaf-0:spine-99"}); err == nil {
		t.Error("an unknown link was accepted")
	}
}

func FuzzFindLinks(f *testing.F) {
	g, err := Build(dgx(8, 2, 16, nil))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"leaf-0:spine-0", "spine-1", "compute-3.nic-0:leaf-1", "compute.scaleup-2", "leaf-0:spine-0#1", ":", "#", "leaf--1", "compute-3.chip-99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		links, err := g.FindLinks(s)
		if err == nil && len(links) == 0 {
			t.Errorf("%q: no links and no error", s)
		}
	})
}
