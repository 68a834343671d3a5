package collective

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"aisim/hardware/profile"
	"aisim/topology"
)

// agreement is what a closed form may be off from every message moved on the flow
// fabric. Only rounding and the overlap of latency with neighbours' transfers differ.
const agreement = 0.01

func stepLinks() Links {
	p := profile.LinkParams{Class: "test", Efficiency: 0.9, P2P: 0.9, AllToAll: 0.9, StepSec: 1e-6}
	net := p
	net.HopSec = 2e-6
	return Links{ScaleUp: p, Network: net}
}

// Closed forms against expansions: 2 to 1,024 ranks, 1 KiB to 16 GiB. Chunked
// algorithms are compared with (k + d − 1)/k times the closed form's wire time and as
// many steps, for k chunks through d edges: the fill that the √ term stands for.
func TestExpandedAgrees(t *testing.T) {
	links := stepLinks()
	for _, x := range []struct {
		op        Op
		algorithm string
		ranks     []int
	}{
		{AllReduce, "ring", []int{2, 3, 6, 8, 12, 16, 24, 64, 100}},
		{AllGather, "ring", []int{2, 5, 8, 16, 96, 256, 1024}},
		{ReduceScatter, "ring", []int{7, 32}},
		{AllReduce, halvingDoubling, []int{2, 3, 6, 8, 12, 16, 24, 100, 256, 1000, 1024}},
		{ReduceScatter, halvingDoubling, []int{3, 8, 100, 1024}},
		{AllGather, halvingDoubling, []int{3, 8, 100, 1024}},
		{AllToAll, "direct", []int{2, 3, 16, 48}},
		{SendRecv, "direct", []int{2, 5, 1024}},
	} {
		for _, n := range x.ranks {
			for _, perHost := range []int{1, 8} {
				if perHost > 1 && (n%perHost != 0 || n > 128) {
					continue
				}
				g := cluster(t, max(2, n/perHost), func(s *topology.Spec) {
					s.Hosts[0].ChipsPerHost, s.Hosts[0].NICs = perHost, perHost
					s.Oversubscription = nil
					if perHost == 1 {
						s.Hosts[0].ScaleUp = topology.ScaleUp{Kind: "none"}
					}
				})
				ranks := g.Chips("compute")[:n]
				c := New(g, links, Options{LockStep: true})
				plan := prepare(t, c, x.op, [][]topology.NodeID{ranks}, x.algorithm)
				for _, bytes := range []float64{1 << 10, 1 << 20, 16 << 30} {
					if n >= 96 && bytes == 1<<20 || n == 1024 && x.algorithm == "ring" && bytes == 1<<10 {
						continue // a million messages each
					}
					programs, err := c.Expand(x.op, ranks, x.algorithm, bytes, 1)
					if err != nil {
						t.Fatal(err)
					}
					got, err := c.Run(programs)
					if err != nil {
						t.Fatal(err)
					}
					want := plan.Time(bytes).Sec
					tolerance := agreement
					if x.op == AllToAll { // √(n−1) steps show in a library, one in messages that all start at once
						want -= (sqrt(float64(n-1)) - 1) * (links.Network.StepSec + links.Network.HopSec)
						if perHost > 1 && n == perHost {
							want = plan.Time(bytes).Sec - (sqrt(float64(n-1))-1)*links.ScaleUp.StepSec
						}
						tolerance = 0.02
					}
					if math.Abs(got.Sec/want-1) > tolerance {
						t.Errorf("%s by %s, %d ranks, %d per host, %g B: %g s in messages, %g s in closed form (%+.1f %%)", x.op, x.algorithm, n, perHost, bytes, got.Sec, want, 100*(want/got.Sec-1))
					}
				}
			}
		}
	}
}

// Pipelined algorithms fill: k chunks through d edges take k + d − 1 of them.
func TestExpandedPipelines(t *testing.T) {
	for _, x := range []struct {
		op        Op
		algorithm string
		depth     func(n int) int
	}{
		{Broadcast, "chain", func(n int) int { return n - 1 }},
		{AllReduce, "tree", func(n int) int { return 2 * treeDepth(n) }},
	} {
		for _, n := range []int{2, 3, 8, 13, 64} {
			g := cluster(t, n, func(s *topology.Spec) {
				s.Hosts[0].ChipsPerHost, s.Hosts[0].NICs, s.Hosts[0].ScaleUp = 1, 1, topology.ScaleUp{Kind: "none"}
				s.Oversubscription, s.LinkLatencySec, s.SwitchLatencySec = nil, 0, 0
			})
			ranks := g.Chips("compute")[:n]
			c := New(g, Ideal(), Options{})
			closed := prepare(t, c, x.op, [][]topology.NodeID{ranks}, x.algorithm).Time(1 << 30).Sec
			const chunks = 256
			programs, err := c.Expand(x.op, ranks, x.algorithm, 1<<30, chunks)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Run(programs)
			if err != nil {
				t.Fatal(err)
			}
			most := closed * float64(chunks+x.depth(n)) / chunks * 1.01
			if got.Sec < closed*(1-1e-9) || got.Sec > most {
				t.Errorf("%s by %s, %d ranks: %g s in messages, between %g and %g s expected", x.op, x.algorithm, n, got.Sec, closed, most)
			}
		}
	}
}

// Programs that do not fit together end with an error that names both sides.
func TestUnmatched(t *testing.T) {
	g := cluster(t, 2, nil)
	chips := g.Chips("compute")
	c := New(g, Ideal(), Options{})
	two := func(a, b Call) []Program {
		return []Program{{chips[0], [][]Call{{a}}}, {chips[1], [][]Call{{b}}}}
	}
	for _, x := range []struct {
		programs []Program
		want     []string
	}{
		{two(Call{true, 1, 100, 0}, Call{true, 0, 100, 0}), []string{"process 0 waits for ever", "send of 100 bytes to 1 with tag 0", "process 1 waits in round 0", "send of 100 bytes to 0"}},
		{two(Call{true, 1, 100, 0}, Call{false, 0, 100, 7}), []string{"send of 100 bytes to 1 with tag 0", "receive of 100 bytes from 0 with tag 7"}},
		{two(Call{true, 1, 100, 0}, Call{false, 0, 200, 0}), []string{"receive of 200 bytes from 0", "send of 100 bytes to 1", "sizes differ"}},
		{[]Program{{chips[0], [][]Call{{{true, 1, 100, 0}}}}, {chips[1], nil}}, []string{"send of 100 bytes", "process 1 has ended its program"}},
		{two(Call{true, 5, 100, 0}, Call{false, 0, 100, 0}), []string{"no such peer"}},
	} {
		_, err := c.Run(x.programs)
		for _, w := range x.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("error %v, want one with %q", err, w)
			}
		}
	}
	if _, err := c.Expand(AllReduce, chips[:8], "nvls", 1e6, 1); err == nil {
		t.Error("a reduction in switches was expanded")
	}
	if _, err := c.Expand(AllReduce, []topology.NodeID{chips[0], chips[0]}, "ring", 1e6, 1); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a repeated rank: %v", err)
	}
}

// A skewed all-to-all is limited by the rank that receives most.
func TestSkewedAllToAll(t *testing.T) {
	g := cluster(t, 1, nil)
	ranks := g.Chips("compute")
	c := New(g, Ideal(), Options{})
	weights := []float64{4, 1, 1, 1, 1, 1, 1, 1}
	p, err := c.Prepare(AllToAll, [][]topology.NodeID{ranks}, PlanOptions{Weights: weights})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Time(1 << 30)
	close2(t, "skewed", got.Sec-got.LatencySec, 7*4.0/11*(1<<30)/450e9, 1e-9)
	even, err := c.Prepare(AllToAll, [][]topology.NodeID{ranks}, PlanOptions{Weights: []float64{1, 1, 1, 1, 1, 1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	close2(t, "even weights", even.Time(1<<30).Sec, prepare(t, c, AllToAll, [][]topology.NodeID{ranks}, "").Time(1<<30).Sec, 1e-6)
	for _, bad := range [][]float64{{1, 2}, {0, 0, 0, 0, 0, 0, 0, 0}, {-1, 1, 1, 1, 1, 1, 1, 1}, {math.NaN(), 1, 1, 1, 1, 1, 1, 1}} {
		if _, err := c.Prepare(AllToAll, [][]topology.NodeID{ranks}, PlanOptions{Weights: bad}); err == nil {
			t.Errorf("weights %v were taken", bad)
		}
	}
}

// In the network's switches every node sends its S once, however many nodes there are.
func TestSHARP(t *testing.T) {
	var last float64
	for _, hosts := range []int{2, 8, 32} {
		g := cluster(t, hosts, func(s *topology.Spec) { s.Oversubscription = nil })
		c := New(g, Ideal(), Options{})
		got := prepare(t, c, AllReduce, [][]topology.NodeID{g.Chips("compute")}, "sharp").Time(1 << 30)
		sec := got.Sec - got.LatencySec
		if last > 0 {
			close2(t, fmt.Sprintf("%d hosts", hosts), sec, last, 1e-9)
		}
		last = sec
	}
	close2(t, "egress", last, max(1.0/8/50e9, 2*7.0/8/450e9)*(1<<30), 1e-9)
}

// Protocols can be forced.
func TestForcedProtocol(t *testing.T) {
	g := cluster(t, 2, nil)
	l := stepLinks()
	for _, p := range []*profile.LinkParams{&l.ScaleUp, &l.Network} {
		p.LowStepSec, p.LowEff, p.MidStepSec, p.MidEff = 1e-7, 0.2, 5e-7, 0.8
	}
	c := New(g, l, Options{})
	for protocol, want := range map[string]string{"ll": "ring/ll", "ll128": "ring/ll128", "simple": "ring"} {
		p, err := c.Prepare(AllReduce, [][]topology.NodeID{g.Chips("compute")}, PlanOptions{Algorithm: "ring", Protocol: protocol})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Time(1e6).Algorithm; got != want {
			t.Errorf("%s gives %s", protocol, got)
		}
	}
	if _, err := c.Prepare(AllReduce, [][]topology.NodeID{g.Chips("compute")}, PlanOptions{Protocol: "morse"}); err == nil {
		t.Error("an unknown protocol was taken")
	}
}
