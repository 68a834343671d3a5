package collective

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/flow"
)

func kary(t testing.TB, k int) *topology.Graph {
	t.Helper()
	g, err := topology.Build(topology.Spec{
		Hosts:    []topology.HostGroup{{Name: "host", Count: k * k * k / 4, NICs: 1, NICBytesPerSec: 50e9}},
		Topology: "fat-tree", Levels: 3, Radix: k, LinkLatencySec: 1e-6, Routing: "d-mod-k",
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func cluster(t testing.TB, hosts int, change func(*topology.Spec)) *topology.Graph {
	t.Helper()
	s := topology.Spec{
		Hosts: []topology.HostGroup{{Name: "compute", Count: hosts, ChipsPerHost: 8, NICs: 8, NICBytesPerSec: 50e9,
			ScaleUp: topology.ScaleUp{Kind: "switch", BytesPerSec: 450e9, LatencySec: 2e-7}}},
		Topology: "fat-tree", Levels: 3, Radix: 64, Oversubscription: []float64{1, 7}, LinkLatencySec: 1e-7, SwitchLatencySec: 2e-7,
	}
	if change != nil {
		change(&s)
	}
	g, err := topology.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func prepare(t testing.TB, c *Comm, op Op, groups [][]topology.NodeID, algorithm string) *Plan {
	t.Helper()
	p, err := c.Prepare(op, groups, PlanOptions{Algorithm: algorithm})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// strided makes n/size groups of ranks that lie n/size apart: data-parallel groups.
func strided(chips []topology.NodeID, size int) [][]topology.NodeID {
	n := len(chips) / size
	out := make([][]topology.NodeID, n)
	for i := range out {
		for k := range size {
			out[i] = append(out[i], chips[k*n+i])
		}
	}
	return out
}

func close2(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got/want-1) <= tolerance) {
		t.Errorf("%s = %.9g, want %.9g (±%g)", what, got, want, tolerance)
	}
}

// SimGrid 3.32 (CM02, d-mod-k, 400 Gb/s and 1 µs per link): ring all-reduce of 256 MiB,
// step by step with a wait for the own send.
func TestSimGridRing(t *testing.T) {
	for k, want := range map[int]float64{8: 12.177532e-3, 16: 23.002932e-3} {
		g := kary(t, k)
		c := New(g, Ideal(), Options{LockStep: true})
		got := prepare(t, c, AllReduce, [][]topology.NodeID{g.NICs("host")}, "ring").Time(256 << 20)
		close2(t, fmt.Sprintf("k=%d ring", k), got.Sec, want, 1e-3)
		t.Logf("k=%d: %.9f s, SimGrid %.9f s", k, got.Sec, want)
	}
}

// SimGrid's all-to-all of 1 MiB per pair on 128 hosts: S = 128 MiB per rank.
func TestSimGridAllToAll(t *testing.T) {
	g := kary(t, 8)
	got := prepare(t, New(g, Ideal(), Options{}), AllToAll, [][]topology.NodeID{g.NICs("host")}, "").Time(128 << 20)
	close2(t, "all-to-all", got.Sec, 2.665383e-3, 2e-3) // latency is counted once, at the longest path
}

// Closed forms on one switch domain with ideal links.
func TestClosedForms(t *testing.T) {
	g := cluster(t, 2, nil)
	c := New(g, Ideal(), Options{})
	one := [][]topology.NodeID{g.HostChips("compute", 0)}
	const s, b = 1 << 30, 450e9
	for _, x := range []struct {
		op   Op
		want float64
	}{
		{AllReduce, 2 * 7.0 / 8 * s / b}, {AllGather, 7.0 / 8 * s / b}, {ReduceScatter, 7.0 / 8 * s / b},
		{AllToAll, 7.0 / 8 * s / b}, {Broadcast, s / b}, {SendRecv, s / b},
	} {
		p := prepare(t, c, x.op, one, "")
		got := p.Time(s)
		close2(t, x.op.String(), got.Sec-got.LatencySec, x.want, 1e-9)
		if got.Level != "scaleup" {
			t.Errorf("%s is limited by %s", x.op, got.Level)
		}
	}
	// A ring over two hosts moves 2·15/16·S through 8 NICs, and (8−1)/8 of it over NVLink.
	both := [][]topology.NodeID{g.Chips("compute")}
	got := prepare(t, c, AllReduce, both, "ring").Time(s)
	close2(t, "two hosts", got.Sec-got.LatencySec, 2*15.0/16*s/(8*50e9), 1e-9)
	if got.Level != "nic" {
		t.Errorf("two hosts are limited by %s", got.Level)
	}
	// Hierarchical: reduce-scatter and gather inside, S/8 over each rail.
	got = prepare(t, c, AllReduce, both, "hierarchical").Time(s)
	close2(t, "hierarchical", got.Sec-got.LatencySec, 2*7.0/8*s/b+s/8/50e9, 1e-9)
	// All-to-all: 8 of 16 parts leave each rank's host.
	got = prepare(t, c, AllToAll, both, "").Time(s)
	close2(t, "all-to-all, two hosts", got.Sec-got.LatencySec, 0.5*s/50e9, 1e-9)
}

// The torus algorithm keeps all six links of a chip busy: S·2(n−1)/n over the chip's
// whole bandwidth for cubes.
func TestTorus(t *testing.T) {
	g, err := topology.Build(topology.Spec{Topology: "torus", Hosts: []topology.HostGroup{{Name: "tpu", Count: 16, ChipsPerHost: 4,
		ScaleUp: topology.ScaleUp{Kind: "torus", Dims: []int{4, 4, 4}, BytesPerSec: 600e9, LatencySec: 1e-6}}}})
	if err != nil {
		t.Fatal(err)
	}
	c := New(g, Ideal(), Options{})
	got := prepare(t, c, AllReduce, [][]topology.NodeID{g.Chips("tpu")}, "torus").Time(1 << 30)
	close2(t, "torus", got.Sec-got.LatencySec, 2*63.0/64*(1<<30)/600e9, 1e-9)
	if auto := prepare(t, c, AllReduce, [][]topology.NodeID{g.Chips("tpu")}, "").Time(1 << 30); auto.Algorithm != "torus" {
		t.Errorf("automatic choice is %s", auto.Algorithm)
	}
	line := prepare(t, c, AllReduce, [][]topology.NodeID{g.Chips("tpu")[:4]}, "torus").Time(1 << 30)
	close2(t, "a wrapped line of four", line.Sec-line.LatencySec, 2*3.0/4*(1<<30)/200e9, 1e-9)
	half := prepare(t, c, AllReduce, [][]topology.NodeID{g.Chips("tpu")[:2]}, "torus").Time(1 << 30)
	if half.Sec < (1<<30)/200e9 {
		t.Errorf("two neighbours take %g s, faster than their two links", half.Sec)
	}
}

func TestMeshUsesAllLinks(t *testing.T) {
	g := cluster(t, 1, func(s *topology.Spec) { s.Hosts[0].ScaleUp.Kind = "mesh" })
	got := prepare(t, New(g, Ideal(), Options{}), AllReduce, [][]topology.NodeID{g.Chips("compute")}, "").Time(1 << 30)
	close2(t, "mesh", got.Sec-got.LatencySec, 2*7.0/8*(1<<30)/450e9, 1e-9)
	if got.Algorithm != "direct" {
		t.Errorf("algorithm %s", got.Algorithm)
	}
}

// Every knob moves the answer: placement, oversubscription, a failed link, rails, routing.
func TestKnobsMove(t *testing.T) {
	const s = 1 << 30
	groupsOf := func(g *topology.Graph) [][]topology.NodeID { return strided(g.Chips("compute"), 32) }
	base := cluster(t, 512, nil)
	dp := func(g *topology.Graph) Cost {
		return prepare(t, New(g, Ideal(), Options{}), AllReduce, groupsOf(g), "ring").Time(s)
	}
	b := dp(base)
	shuffle := func(g *topology.Graph) Cost {
		return prepare(t, New(g, Ideal(), Options{}), AllToAll, groupsOf(g), "direct").Time(s)
	}
	narrow := shuffle(base)
	if free := shuffle(cluster(t, 512, func(s *topology.Spec) { s.Oversubscription = nil })); !(free.Sec < narrow.Sec) {
		t.Errorf("full bisection %g s is not faster than 1:7 %g s", free.Sec, narrow.Sec)
	}
	if narrow.Level != "spine" {
		t.Errorf("1:7 at the core is limited by %s", narrow.Level)
	}
	// The same ranks, scattered: neighbours of the ring now sit in other pods.
	scattered := groupsOf(base)
	for i := range scattered {
		g := scattered[i]
		for k := range g {
			if j := (k * 13) % len(g); j > k {
				g[k], g[j] = g[j], g[k]
			}
		}
	}
	if got := prepare(t, New(base, Ideal(), Options{}), AllReduce, scattered, "ring").Time(s); !(got.Sec > b.Sec) {
		t.Errorf("scattered ranks %g s are not slower than ordered ones %g s", got.Sec, b.Sec)
	}
	// One cable of a leaf fails under full bisection, where the leaf was the limit.
	full := func(failed ...string) Cost {
		return dp(cluster(t, 512, func(s *topology.Spec) { s.Oversubscription, s.FailedLinks = nil, failed }))
	}
	whole, broken := full(), full("leaf-0:spine-0")
	if !(broken.Sec > whole.Sec) {
		t.Errorf("with a failed link %g s, without %g s", broken.Sec, whole.Sec)
	}
	// ECMP collides where adaptive spreads.
	if hashed := dp(cluster(t, 512, func(s *topology.Spec) { s.Oversubscription, s.Routing = nil, "ecmp" })); !(hashed.Sec > whole.Sec) {
		t.Errorf("ecmp %g s is not slower than adaptive %g s", hashed.Sec, whole.Sec)
	}
	// On rails, a data-parallel ring of neighbouring hosts stays below one leaf.
	rails := cluster(t, 512, func(s *topology.Spec) { s.Topology = "rail-optimised" })
	near := func(g *topology.Graph) Cost {
		return prepare(t, New(g, Ideal(), Options{}), AllReduce, strided(g.Chips("compute")[:256], 32), "ring").Time(s)
	}
	onRails, onTree := near(rails), near(base)
	if onRails.BytesByLevel[topology.LeafLevel] != 0 || onTree.BytesByLevel[topology.LeafLevel] == 0 {
		t.Errorf("bytes above the leaf: %g on rails, %g on a plain tree", onRails.BytesByLevel[topology.LeafLevel], onTree.BytesByLevel[topology.LeafLevel])
	}
	// Latency of cables.
	slow := dp(cluster(t, 512, func(s *topology.Spec) { s.LinkLatencySec = 1e-5 }))
	if !(slow.LatencySec > b.LatencySec) {
		t.Error("longer cables add no latency")
	}
}

// Folded blocks and the largest-load rule give what max–min of every group alone gives.
func TestFoldedEqualsUnfolded(t *testing.T) {
	for _, change := range []func(*topology.Spec){
		nil,
		func(s *topology.Spec) { s.Routing = "ecmp" },
		func(s *topology.Spec) { s.FailedLinks = []string{"leaf-1:spine-3", "spine-2:core-1"} },
	} {
		g := cluster(t, 512, change)
		for _, x := range []struct {
			op        Op
			algorithm string
		}{{AllReduce, "ring"}, {AllReduce, "tree"}, {AllGather, "ring"}, {AllToAll, "direct"}} {
			groups := strided(g.Chips("compute")[:2048], 16)
			fold := prepare(t, New(g, Ideal(), Options{}), x.op, groups, x.algorithm).Time(1 << 28)
			flows := prepare(t, New(g, Ideal(), Options{Model: "flow", Expand: true}), x.op, groups, x.algorithm).Time(1 << 28)
			close2(t, fmt.Sprintf("%s by %s", x.op, x.algorithm), fold.Sec, flows.Sec, 1e-9)
			if fold.Level != flows.Level {
				t.Errorf("limited by %s folded, %s unfolded", fold.Level, flows.Level)
			}
		}
	}
}

// An all-to-all over many ranks in O(ranks) equals the pairs one by one.
func TestUniformFold(t *testing.T) {
	for _, topo := range []string{"fat-tree", "rail-optimised"} {
		g := cluster(t, 512, func(s *topology.Spec) { s.Topology = topo })
		nodes := g.Chips("compute")[100:300]
		a, b := g.NewLoad(), g.NewLoad()
		if _, err := a.AddUniform(nodes, 1); err != nil {
			t.Fatal(err)
		}
		for i, x := range nodes {
			for j, y := range nodes {
				if i != j {
					if _, err := b.Add(x, y, 1, 0); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		x, _ := a.Sum()
		y, _ := b.Sum()
		want := map[topology.LinkID]float64{}
		for _, s := range y {
			want[s.Link] = s.Fraction
		}
		for _, s := range x {
			if math.Abs(want[s.Link]-s.Fraction) > 1e-6 {
				t.Fatalf("%s: link %d: %v folded, %v by pairs", topo, s.Link, s.Fraction, want[s.Link])
			}
			delete(want, s.Link)
		}
		if len(want) > 0 {
			t.Errorf("%s: %d links missing", topo, len(want))
		}
	}
}

func TestBackground(t *testing.T) {
	g := cluster(t, 16, nil)
	group := [][]topology.NodeID{g.Chips("compute")}
	c := New(g, Ideal(), Options{})
	free := prepare(t, c, AllReduce, group, "ring").Time(1 << 30)
	var uses []flow.Use
	chips := g.Chips("compute")
	shares, _, err := g.Route(chips[0], chips[127], 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shares {
		uses = append(uses, flow.Use{Res: flow.ResourceID(s.Link), Weight: s.Fraction})
	}
	// The ring puts 2·127/128/8 = 0.248 bytes on every NIC per byte of S, the transfer 1:
	// they share chip 0's NIC as 1 : 1 in rate, so S takes 1.248 instead of 0.248.
	beside := []flow.Demand{{Name: "checkpoint", Uses: uses}}
	f := 2 * 127.0 / 128 / 8
	for _, model := range []string{"analytic", "flow"} {
		c := New(g, Ideal(), Options{Model: model})
		p, err := c.Prepare(AllReduce, group, PlanOptions{Algorithm: "ring", Background: beside})
		if err != nil {
			t.Fatal(err)
		}
		busy := p.Time(1 << 30)
		close2(t, model, (busy.Sec-busy.LatencySec)/(free.Sec-free.LatencySec), (1+f)/f, 1e-9)
		if busy.Level != "nic" {
			t.Errorf("%s: limited by %s", model, busy.Level)
		}
		// A cap leaves the rest to the ring: 10 of 50 GB/s.
		beside[0].RateCapBytesPerSec = 10e9
		p, err = c.Prepare(AllReduce, group, PlanOptions{Algorithm: "ring", Background: beside})
		if err != nil {
			t.Fatal(err)
		}
		capped := p.Time(1 << 30)
		close2(t, model+" capped", (capped.Sec-capped.LatencySec)/(free.Sec-free.LatencySec), 50.0/40, 1e-9)
		beside[0].RateCapBytesPerSec = 0
	}
	// Two transfers that meet elsewhere first: the bound takes them at the ring's rate,
	// fair sharing knows that they are slower.
	slow := append(append([]flow.Use(nil), uses...), flow.Use{Res: uses[1].Res, Weight: 30})
	two := []flow.Demand{{Uses: slow}}
	var sec [2]float64
	for i, model := range []string{"analytic", "flow"} {
		p, err := New(g, Ideal(), Options{Model: model}).Prepare(AllReduce, group, PlanOptions{Algorithm: "ring", Background: two})
		if err != nil {
			t.Fatal(err)
		}
		sec[i] = p.Time(1 << 30).Sec
	}
	if sec[1] > sec[0]*(1+1e-9) {
		t.Errorf("fair sharing %g s is over the bound %g s", sec[1], sec[0])
	}
}

func TestScaledCapacity(t *testing.T) {
	g := cluster(t, 512, nil)
	c := New(g, Ideal(), Options{})
	groups := strided(g.Chips("compute"), 32)
	before := prepare(t, c, AllToAll, groups, "").Time(1 << 30)
	h, err := g.WithCapacity(map[string]float64{"spine": 2})
	if err != nil {
		t.Fatal(err)
	}
	after := prepare(t, c.On(h, c.Links()), AllToAll, groups, "").Time(1 << 30)
	if !(after.Sec < before.Sec) {
		t.Errorf("twice the limiting level: %g s, before %g s", after.Sec, before.Sec)
	}
	fresh := prepare(t, New(h, Ideal(), Options{}), AllToAll, groups, "").Time(1 << 30)
	close2(t, "shared against fresh", after.Sec, fresh.Sec, 1e-12)
	h, err = g.WithCapacity(map[string]float64{"scaleup": 2})
	if err != nil {
		t.Fatal(err)
	}
	same := prepare(t, c.On(h, c.Links()), AllToAll, groups, "").Time(1 << 30)
	close2(t, "a free resource", same.Sec, before.Sec, 1e-12)
}

// Time grows with bytes and with ranks, for any count, powers of two or not.
func TestMonotone(t *testing.T) {
	g := cluster(t, 16, nil)
	links := Links{
		ScaleUp: profile.LinkParams{Efficiency: 0.8, BaseSec: 5e-6, StepSec: 1e-6, LowStepSec: 1.5e-6, LowEff: 0.3, FillSqrtSec: 3e-3, InNetwork: 1},
		Network: profile.LinkParams{Efficiency: 0.9, BaseSec: 5e-6, StepSec: 1e-6, LowStepSec: 2e-6, LowEff: 0.3, HopSec: 1e-5, FillSqrtSec: 3e-3},
	}
	for _, op := range []Op{AllReduce, AllGather, ReduceScatter, AllToAll, Broadcast, SendRecv} {
		lastN := 0.0
		for _, n := range []int{2, 3, 5, 6, 8, 12, 16, 24, 31, 64, 128} {
			p := prepare(t, New(g, links, Options{}), op, [][]topology.NodeID{g.Chips("compute")[:n]}, "")
			last := 0.0
			for bytes := 8.0; bytes < 1e11; bytes *= 3 {
				c := p.Time(bytes)
				if !(c.Sec > last) {
					t.Errorf("%s over %d: %g B take %g s, less than fewer bytes", op, n, bytes, c.Sec)
				}
				last = c.Sec
			}
			if n > 8 && n%8 == 0 && op != SendRecv && op != AllToAll && op != Broadcast {
				if last < lastN*(1-1e-9) {
					t.Errorf("%s over %d ranks is faster than over fewer", op, n)
				}
				lastN = last
			}
		}
	}
	barrier := prepare(t, New(g, links, Options{}), Barrier, [][]topology.NodeID{g.Chips("compute")}, "")
	if s := barrier.Time(0).Sec; !(s > 10e-6 && s < 1e-3) {
		t.Errorf("a barrier of 128 takes %g s", s)
	}
}

func TestRefusals(t *testing.T) {
	g := cluster(t, 4, nil)
	c := New(g, Ideal(), Options{})
	chips := g.Chips("compute")
	for want, f := range map[string]func() error{
		"twice": func() error {
			_, err := c.Prepare(AllReduce, [][]topology.NodeID{{chips[0], chips[1], chips[0]}}, PlanOptions{})
			return err
		},
		"is empty":  func() error { _, err := c.Prepare(AllReduce, [][]topology.NodeID{{}}, PlanOptions{}); return err },
		"no groups": func() error { _, err := c.Prepare(AllReduce, nil, PlanOptions{}); return err },
		"neither a chip": func() error {
			_, err := c.Prepare(AllReduce, [][]topology.NodeID{{chips[0], topology.NodeID(g.NumNodes() - 1)}}, PlanOptions{})
			return err
		},
		"does not fit": func() error {
			_, err := c.Prepare(AllReduce, [][]topology.NodeID{chips}, PlanOptions{Algorithm: "magic"})
			return err
		},
		"no efficiency": func() error {
			_, err := New(g, Links{}, Options{}).Prepare(AllReduce, [][]topology.NodeID{chips}, PlanOptions{})
			return err
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	p, err := c.Prepare(AllReduce, [][]topology.NodeID{{chips[0]}}, PlanOptions{})
	if err != nil || p.Time(1e9).Sec != 0 {
		t.Errorf("one rank alone: %v, %v", p, err)
	}
}

func flagship(b testing.TB) (*topology.Graph, [][]topology.NodeID) {
	g := cluster(b, 2048, nil)
	return g, strided(g.Chips("compute"), 128)
}

func BenchmarkPrepareFlagship(b *testing.B) {
	g, groups := flagship(b)
	b.ReportAllocs()
	for b.Loop() {
		prepare(b, New(g, Ideal(), Options{}), AllReduce, groups, "")
	}
}

func BenchmarkPrepareAgainFlagship(b *testing.B) {
	g, groups := flagship(b)
	c := New(g, Ideal(), Options{})
	prepare(b, c, AllReduce, groups, "")
	b.ReportAllocs()
	for b.Loop() {
		h, err := g.WithCapacity(map[string]float64{"spine": 1.1})
		if err != nil {
			b.Fatal(err)
		}
		prepare(b, c.On(h, c.Links()), AllReduce, groups, "")
	}
}

func BenchmarkTime(b *testing.B) {
	g := cluster(b, 16, nil)
	p := prepare(b, New(g, Ideal(), Options{}), AllReduce, [][]topology.NodeID{g.Chips("compute")}, "")
	b.ReportAllocs()
	for b.Loop() {
		p.Time(1 << 26)
	}
}

// More of any level is never slower, whatever the operation, placement and routing.
func TestMoreIsNeverSlower(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := cluster(t, 5, func(s *topology.Spec) {
			s.Radix = 16
			s.Levels = 2
			s.Oversubscription = []float64{float64(rapid.IntRange(1, 3).Draw(rt, "over"))}
			s.Topology = rapid.SampledFrom([]string{"fat-tree", "rail-optimised"}).Draw(rt, "topology")
			s.Routing = rapid.SampledFrom([]string{"adaptive", "ecmp", "d-mod-k"}).Draw(rt, "routing")
		})
		ranks := rapid.Permutation(g.Chips("compute")).Draw(rt, "placement")[:rapid.IntRange(2, 40).Draw(rt, "ranks")]
		op := Op(rapid.IntRange(0, int(numOps)-1).Draw(rt, "op"))
		model := rapid.SampledFrom([]string{"analytic", "flow"}).Draw(rt, "model")
		c := New(g, Ideal(), Options{Model: model, Expand: model == "flow"})
		before := prepare(t, c, op, [][]topology.NodeID{ranks}, "").Time(1 << 24)
		for _, l := range g.Levels() {
			h, err := g.WithCapacity(map[string]float64{l.Key: 2})
			if err != nil {
				rt.Fatal(err)
			}
			after := prepare(t, c.On(h, c.Links()), op, [][]topology.NodeID{ranks}, "").Time(1 << 24)
			// A library that turns from one algorithm to another may lose by it.
			if after.Sec > before.Sec*(1+1e-12) && (after.Algorithm == before.Algorithm || after.Sec > before.Sec*treeCaution) {
				rt.Fatalf("%s: twice the %s level: %g s, before %g s", op, l.Key, after.Sec, before.Sec)
			}
		}
		// Levels can tie, so that one alone gains nothing; all together halve the time on the wire.
		h, err := g.WithCapacity(map[string]float64{"scaleup": 2, "nic": 2, "leaf": 2})
		if err != nil {
			rt.Fatal(err)
		}
		after := prepare(t, c.On(h, c.Links()), op, [][]topology.NodeID{ranks}, "").Time(1 << 24)
		if op != AllReduce && op != Barrier && op != AllToAll && after.Algorithm == before.Algorithm {
			close2(t, op.String()+" on twice of everything", after.Sec-after.LatencySec, (before.Sec-before.LatencySec)/2, 1e-9)
		}
	})
}

// What a plan puts on each link adds up to what it says per level.
func TestLinkBytes(t *testing.T) {
	g := cluster(t, 512, nil)
	c := New(g, Ideal(), Options{})
	p := prepare(t, c, AllReduce, strided(g.Chips("compute"), 32), "")
	cost := p.Time(1 << 30)
	perLink, err := c.LinkBytes(p, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	var sum [topology.NumLevels]float64
	for id, b := range perLink {
		sum[g.LevelOf(topology.LinkID(id))] += b
	}
	for l, b := range sum {
		if b > 0 || cost.BytesByLevel[l] > 0 {
			close2(t, topology.LevelID(l).Key(), b, cost.BytesByLevel[l], 1e-9)
		}
	}
	levels, tiers := g.Use(perLink, cost.Sec)
	for _, u := range levels {
		if u.Key == cost.Level && (u.Max < 0.9 || u.Max > 1+1e-9) {
			t.Errorf("the limiting level %s is at %g", u.Key, u.Max)
		}
		if u.Max > 1+1e-9 || u.Mean > u.Max*(1+1e-9) {
			t.Errorf("%s: mean %g, max %g", u.Key, u.Mean, u.Max)
		}
	}
	if len(tiers) != 3 {
		t.Errorf("%d tiers", len(tiers))
	}
}

// Replicas price plans side by side on Comms that share what was prepared.
func TestConcurrent(t *testing.T) {
	g := cluster(t, 16, nil)
	c := New(g, Ideal(), Options{Model: "flow"})
	groups := strided(g.Chips("compute"), 16)
	want := prepare(t, c, AllReduce, groups, "").Time(1 << 28)
	beside := []flow.Demand{{Uses: []flow.Use{{Res: 300, Weight: 1}}, RateCapBytesPerSec: 1e9}}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			mine := c.On(g, c.Links())
			p, err := mine.Prepare(AllReduce, groups, PlanOptions{})
			if err != nil || p.Time(1<<28) != want {
				t.Errorf("beside others: %v, %v", p, err)
			}
			if _, err := mine.Prepare(AllGather, groups, PlanOptions{Background: beside}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
