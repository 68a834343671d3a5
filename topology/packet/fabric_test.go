package packet

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aisim/sim"
	"aisim/topology"
	"aisim/topology/flow"
)

// One hash and one result for every number of workers, queue and partitioning.
func TestResultsDoNotDependOnExecution(t *testing.T) {
	g := tree(t, 8)
	bytes := int64(200_000)
	if testing.Short() {
		bytes = 30_000
	}
	for _, o := range []Options{
		{}, {Routing: "d-mod-k"}, {Routing: "ecmp", Lanes: 2}, {Transport: "roce"}, {Transport: "roce", Routing: "spray"},
	} {
		flows := permutation(g, bytes, 3)
		for i := range flows {
			flows[i].Lane = i % max(o.Lanes, 1)
			flows[i].StartSec = float64(i%7) * 1e-7
			flows = append(flows, Flow{Src: flows[i].Src, Dst: flows[0].Dst, Bytes: 9000})
		}
		flows = clean(flows)
		var want *Result
		for _, parts := range []int{1, 3, 8} {
			for _, queue := range []sim.Queue{sim.Ring, sim.Heap} {
				for _, workers := range []int{1, 2, 4} {
					o.Partitions, o.Queue, o.Workers = parts, queue, workers
					got := run(t, g, flows, o)
					got.Engine = sim.Stats{}
					if want == nil {
						want = got
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("%s %s: %d parts, queue %d, %d workers (-want +got):\n%s", o.Transport, o.Routing, parts, queue, workers, diff)
					}
				}
			}
		}
	}
}

func clean(flows []Flow) (out []Flow) {
	for _, f := range flows {
		if f.Src != f.Dst {
			out = append(out, f)
		}
	}
	return out
}

// Any flows over any tree: all bytes arrive, every link is accounted for. With the tag
// "invariants" packets and credits are checked as well.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := topology.Spec{
			Hosts: []topology.HostGroup{{Name: "host", Count: rapid.IntRange(2, 24).Draw(rt, "hosts"), NICs: 1,
				NICBytesPerSec: rapid.SampledFrom([]float64{12.5e9, 50e9, 200e9}).Draw(rt, "rate")}},
			Topology: "fat-tree", Radix: rapid.SampledFrom([]int{4, 6, 8}).Draw(rt, "radix"), LinkLatencySec: 300e-9,
		}
		g, err := topology.Build(s)
		if err != nil {
			rt.Skip()
		}
		o := Options{
			Transport: rapid.SampledFrom([]string{"infiniband", "roce"}).Draw(rt, "transport"),
			Routing:   rapid.SampledFrom([]string{"adaptive", "spray", "ecmp", "d-mod-k"}).Draw(rt, "routing"),
			Lanes:     rapid.IntRange(1, 3).Draw(rt, "lanes"), Workers: 1,
		}
		if o.Transport == "infiniband" {
			o.BufferBytes = int64(rapid.IntRange(4160, 60000).Draw(rt, "buffer"))
			o.CreditBytes = int64(rapid.IntRange(0, 60000).Draw(rt, "credits"))
		} else {
			o.PauseBytes = int64(rapid.IntRange(10000, 200000).Draw(rt, "pause"))
			o.NoECN = rapid.Bool().Draw(rt, "no ecn")
		}
		nics := g.NICs("host")
		var flows []Flow
		for range rapid.IntRange(1, 30).Draw(rt, "flows") {
			flows = append(flows, Flow{
				Src: nics[rapid.IntRange(0, len(nics)-1).Draw(rt, "src")], Dst: nics[rapid.IntRange(0, len(nics)-1).Draw(rt, "dst")],
				Bytes: int64(rapid.IntRange(1, 300_000).Draw(rt, "bytes")), Lane: rapid.IntRange(0, o.Lanes-1).Draw(rt, "lane"),
				StartSec: float64(rapid.IntRange(0, 20).Draw(rt, "start")) * 1e-6,
			})
		}
		flows = clean(flows)
		r, err := Run(g, flows, o)
		if err != nil {
			rt.Fatal(err)
		}
		var packets, wire, sent, came float64
		for i, f := range flows {
			n := float64((f.Bytes + 4095) / 4096)
			packets += n
			wire += float64(f.Bytes) + n*(54+58)
			least := float64(f.Bytes)/s.Hosts[0].NICBytesPerSec + 600e-9
			if d := r.Flows[i].Sec(); d < least || r.Flows[i].AckedSec < r.Flows[i].FinishSec {
				rt.Fatalf("flow %d took %g s, less than %g", i, d, least)
			}
		}
		for id, b := range r.LinkBytes {
			switch l := g.Link(topology.LinkID(id)); {
			case g.Kind(l.From) == topology.NIC:
				sent += b
			case g.Kind(l.To) == topology.NIC:
				came += b
			}
		}
		if float64(r.Packets) != packets || r.Acks != r.Packets || sent != wire || came != wire {
			rt.Fatalf("%d packets, %d acknowledgements, %g bytes sent and %g come, want %g packets and %g bytes", r.Packets, r.Acks, sent, came, packets, wire)
		}
	})
}

// n senders share a receiver evenly where their paths are alike, and keep it busy.
func TestIncastIsFair(t *testing.T) {
	g, err := topology.Build(topology.Spec{
		Hosts:    []topology.HostGroup{{Name: "host", Count: 33, NICs: 1, NICBytesPerSec: 50e9}},
		Topology: "single-switch", LinkLatencySec: 1e-6,
	})
	if err != nil {
		t.Fatal(err)
	}
	nics := g.NICs("host")
	for _, o := range []Options{{}, {Transport: "roce", NoECN: true}, {Transport: "roce"}} {
		var flows []Flow
		const bytes = 4 << 20
		for i := 1; i <= 32; i++ {
			flows = append(flows, Flow{Src: nics[i], Dst: nics[0], Bytes: bytes})
		}
		r := run(t, g, flows, o)
		var sum, squares float64
		for _, f := range r.Flows {
			rate := bytes / f.Sec()
			sum += rate
			squares += rate * rate
		}
		if jain := sum * sum / (32 * squares); jain < 0.99 {
			t.Errorf("%+v: Jain's index %g", o, jain)
		}
		want := 32*wireTicks(bytes, 50e9).Seconds() + 2e-6
		slack := 1.001
		if o.Transport == "roce" && !o.NoECN {
			slack = 1.6 // DCQCN cuts to half at first and recovers over milliseconds
		}
		if r.FinishSec < want-1e-9 || r.FinishSec > want*slack {
			t.Errorf("%+v: the last of 32 is through after %g s, want %g", o, r.FinishSec, want)
		}
		switch {
		case o.Transport == "" && (r.CreditStalls == 0 || r.Pauses != 0):
			t.Errorf("InfiniBand: %d stalls, %d pauses", r.CreditStalls, r.Pauses)
		case o.NoECN && (r.Pauses == 0 || r.PauseSec == 0 || r.Marks != 0):
			t.Errorf("PFC: %d pauses of %g s, %d marks", r.Pauses, r.PauseSec, r.Marks)
		case o.Transport == "roce" && !o.NoECN && (r.Marks == 0 || r.Notices == 0):
			t.Errorf("DCQCN: %d marks, %d notices", r.Marks, r.Notices)
		}
	}
}

// DCQCN takes pauses away from PFC and keeps queues shorter; more room to mark in
// makes queues longer.
func TestRateControlSparesPauses(t *testing.T) {
	g := tree(t, 4)
	nics := g.NICs("host")
	var flows []Flow
	for i := 1; i < 16; i++ {
		flows = append(flows, Flow{Src: nics[i], Dst: nics[0], Bytes: 8 << 20})
	}
	pfc := run(t, g, flows, Options{Transport: "roce", NoECN: true})
	both := run(t, g, flows, Options{Transport: "roce"})
	late := run(t, g, flows, Options{Transport: "roce", MarkMin: 700_000, MarkMax: 3_000_000})
	if both.PauseSec > pfc.PauseSec/2 {
		t.Errorf("paused %g s with DCQCN, %g s without", both.PauseSec, pfc.PauseSec)
	}
	if both.QueueDelaySec.Mean >= pfc.QueueDelaySec.Mean {
		t.Errorf("mean queue delay %g s with DCQCN, %g s without", both.QueueDelaySec.Mean, pfc.QueueDelaySec.Mean)
	}
	if late.Marks >= both.Marks {
		t.Errorf("%d marks with high thresholds, %d with low ones", late.Marks, both.Marks)
	}
}

// The flow fabric is the packet fabric's limit for long flows. Headers taken off, the two
// agree within 5 %: acknowledgements are 1.4 % of them, the way of the last packet 6 µs.
func TestAgreesWithFlowFabric(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the flows must be long")
	}
	const bytes = 16 << 20
	g := tree(t, 8)
	nics := g.NICs("host")
	incast := func(n, every int) (flows []Flow) {
		for i := 1; i <= n; i++ {
			flows = append(flows, Flow{Src: nics[i*every], Dst: nics[0], Bytes: bytes / int64(n)})
		}
		return flows
	}
	var shift []Flow
	for i := range nics {
		shift = append(shift, Flow{Src: nics[i], Dst: nics[(i+37)%len(nics)], Bytes: bytes})
	}
	for _, x := range []struct {
		name    string
		flows   []Flow
		routing string
		tol     float64
	}{
		{"permutation", permutation(g, bytes, 1), "adaptive", 0.05},
		{"permutation", permutation(g, bytes, 1), "spray", 0.12}, // by chance, and chance piles up
		{"shift", shift, "d-mod-k", 0.05},
		{"neighbours", incast(3, 1), "d-mod-k", 0.05},
		{"incast", incast(15, 8), "d-mod-k", 0.05},
	} {
		graph := tree(t, 8, func(s *topology.Spec) {
			if s.Routing = x.routing; x.routing == "spray" {
				s.Routing = "adaptive"
			}
		})
		net := flow.FromGraph(graph)
		for i, f := range x.flows {
			shares, _, err := graph.Route(f.Src, f.Dst, uint64(i), nil)
			if err != nil {
				t.Fatal(err)
			}
			var uses []flow.Use
			for _, s := range shares {
				uses = append(uses, flow.Use{Res: flow.ResourceID(s.Link), Weight: s.Fraction})
			}
			if _, err := net.Add(flow.Demand{Uses: uses, Bytes: float64(f.Bytes) / 4096 * 4150}); err != nil {
				t.Fatal(err)
			}
		}
		var mean, last float64
		done := net.Advance(math.Inf(1))
		for _, c := range done {
			mean += c.Sec / float64(len(done))
			last = max(last, c.Sec)
		}
		r := run(t, graph, x.flows, Options{Routing: x.routing})
		if e := r.MeanSec/mean - 1; math.Abs(e) > x.tol {
			t.Errorf("%s, %s: mean %g s, flow fabric %g s (%+.1f %%)", x.name, x.routing, r.MeanSec, mean, e*100)
		}
		if e := r.MaxSec/last - 1; math.Abs(e) > x.tol {
			t.Errorf("%s, %s: last %g s, flow fabric %g s (%+.1f %%)", x.name, x.routing, r.MaxSec, last, e*100)
		}
		t.Logf("%s, %s: mean %.2f µs (flow fabric %.2f), max %.2f (%.2f)", x.name, x.routing, r.MeanSec*1e6, mean*1e6, r.MaxSec*1e6, last*1e6)
	}
}

// A ring whose flows all go two or more links round deadlocks on one lane: the error names
// the cycle. A dateline breaks it. (Dally and Seitz, IEEE ToC C-36(5), 1987.)
func TestDeadlockIsNamed(t *testing.T) {
	g, err := topology.Build(topology.Spec{
		Hosts: []topology.HostGroup{{Name: "chip", Count: 8, ChipsPerHost: 1,
			ScaleUp: topology.ScaleUp{Kind: "torus", Dims: []int{8}, DomainChips: 8, BytesPerSec: 100e9, LatencySec: 1e-6}}},
		Topology: "single-switch", Routing: "d-mod-k",
	})
	if err != nil {
		t.Fatal(err)
	}
	chips := g.Chips("chip")
	var flows []Flow
	for i := range chips {
		flows = append(flows, Flow{Src: chips[i], Dst: chips[(i+3)%8], Bytes: 1 << 20})
	}
	o := Options{BufferBytes: 4 * 4160}
	_, err = Run(g, flows, o)
	if !errors.Is(err, ErrDeadlock) || strings.Count(err.Error(), "→") != 8 || !strings.Contains(err.Error(), "chip-0.chip-0 → chip-1.chip-0") {
		t.Fatalf("got %v, want a deadlock of the eight links of the ring", err)
	}
	o.Dateline = true
	if _, err := Run(g, flows, o); err != nil {
		t.Errorf("with a dateline: %v", err)
	}
	o.Dateline = false
	o.Transport, o.BufferBytes, o.PauseBytes, o.ResumeBytes, o.NoECN = "roce", 0, 20_000, 10_000, true
	if _, err := Run(g, flows, o); !errors.Is(err, ErrDeadlock) {
		t.Errorf("PFC: got %v, want a deadlock", err)
	}
}

// Congestion spreads: a flow that shares no full link is held up by one that does, because
// they share buffers. A lane of its own frees it.
func TestVictimsOfHeadOfLineBlocking(t *testing.T) {
	g, err := topology.Build(topology.Spec{
		Hosts:    []topology.HostGroup{{Name: "host", Count: 16, NICs: 1, NICBytesPerSec: 50e9}},
		Topology: "fat-tree", Levels: 2, Radix: 8, LinkLatencySec: 1e-6, Routing: "d-mod-k",
	})
	if err != nil {
		t.Fatal(err)
	}
	nics := g.NICs("host")
	scene := func(lane int) []Flow {
		// The first leaf sends to host 8 and, over the same uplink, to host 12 (d-mod-k).
		flows := []Flow{{Src: nics[0], Dst: nics[12], Bytes: 1 << 20, Lane: lane}}
		for _, i := range []int{1, 2, 3, 4, 5, 6, 7} {
			flows = append(flows, Flow{Src: nics[i], Dst: nics[8], Bytes: 4 << 20})
		}
		return flows
	}
	for _, transport := range []string{"infiniband", "roce"} {
		o := Options{Transport: transport, Lanes: 2, NoECN: true}
		alone := run(t, g, scene(0)[:1], o).Flows[0].Sec()
		held := run(t, g, scene(0), o)
		free := run(t, g, scene(1), o)
		if held.Flows[0].Sec() < 2*alone {
			t.Errorf("%s: the victim takes %g s, %g alone: congestion does not spread", transport, held.Flows[0].Sec(), alone)
		}
		if free.Flows[0].Sec() > held.Flows[0].Sec()*0.9 {
			t.Errorf("%s: the victim takes %g s on its own lane, %g on a shared one", transport, free.Flows[0].Sec(), held.Flows[0].Sec())
		}
		stall := 0.0
		for _, s := range held.LinkStallSec {
			stall += s
		}
		if stall == 0 {
			t.Errorf("%s: no link was held up", transport)
		}
	}
}

// The grain of adaptive routing matters: with one of a single packet streams fall into step.
func TestGrainOfAdaptiveRouting(t *testing.T) {
	g := tree(t, 8)
	flows := permutation(g, 1<<20, 1)
	fine := run(t, g, flows, Options{Routing: "adaptive", GrainBytes: 1}).MeanSec
	coarse := run(t, g, flows, Options{Routing: "adaptive"}).MeanSec
	static := run(t, g, flows, Options{Routing: "ecmp"}).MeanSec
	if !(coarse < 0.95*fine && fine < static) {
		t.Errorf("mean flow time: %g s with the default grain, %g with none, %g on static paths", coarse, fine, static)
	}
}

// The size of packets matters: headers take their share, and acknowledgements theirs on
// the way back.
func TestPacketSizes(t *testing.T) {
	g := tree(t, 4)
	nics := g.NICs("host")
	both := []Flow{{Src: nics[0], Dst: nics[15], Bytes: 4 << 20}, {Src: nics[15], Dst: nics[0], Bytes: 4 << 20}}
	sec := func(o Options) float64 {
		o.Routing = "d-mod-k"
		return run(t, g, both, o).MaxSec
	}
	base := sec(Options{})
	small := sec(Options{PayloadBytes: 1024})
	want := func(payload, header, ack float64) float64 {
		return (4 << 20) / payload * (payload + header + ack) / 50e9
	}
	if got := base - 6e-6; math.Abs(got/want(4096, 54, 58)-1) > 0.005 {
		t.Errorf("both ways: %g s, want %g", got, want(4096, 54, 58))
	}
	if got := small - 6e-6; math.Abs(got/want(1024, 54, 58)-1) > 0.005 {
		t.Errorf("packets of 1 KiB: %g s, want %g", got, want(1024, 54, 58))
	}
	if got := sec(Options{HeaderBytes: 100, AckBytes: 100}) - 6e-6; math.Abs(got/want(4096, 100, 200)-1) > 0.005 {
		t.Errorf("long headers: %g s, want %g", got, want(4096, 100, 200))
	}
}

// Flows that wait for others: a ring passes chunks on; each step takes its closed form. A
// circle of waits is named.
func TestFlowsWaitForOthers(t *testing.T) {
	g := tree(t, 4)
	nics := g.NICs("host")
	const n, steps, bytes = 16, 30, 65536
	var flows []Flow
	for s := range steps {
		for i := range n {
			f := Flow{Src: nics[i], Dst: nics[(i+1)%n], Bytes: bytes}
			if s > 0 {
				f.After = []int32{int32((s-1)*n + (i+n-1)%n)}
			}
			flows = append(flows, f)
		}
	}
	var first *Result
	for _, workers := range []int{1, 2} {
		for _, transport := range []string{"infiniband", "roce"} {
			r := run(t, g, flows, Options{Transport: transport, Workers: workers, Routing: "d-mod-k"})
			// A chunk on its way round waits for 2, 4 or 6 links per step.
			ser := wireTicks(bytes, 50e9).Seconds()
			least, most := steps*(ser+2e-6), steps*(ser*1.03+6e-6)
			if r.FinishSec < least || r.FinishSec > most {
				t.Errorf("%s: %d steps take %g s, want %g to %g", transport, steps, r.FinishSec, least, most)
			}
			for i, f := range flows {
				if len(f.After) > 0 && r.Flows[i].StartSec != r.Flows[f.After[0]].FinishSec {
					t.Fatalf("flow %d starts at %g s, what it waits for ends at %g", i, r.Flows[i].StartSec, r.Flows[f.After[0]].FinishSec)
				}
			}
			if transport == "infiniband" {
				if first == nil {
					first = r
				} else if first.Hash != r.Hash {
					t.Errorf("hash %x with one worker, %x with two", first.Hash, r.Hash)
				}
			}
		}
	}
	circle := []Flow{{Src: nics[0], Dst: nics[1], Bytes: 1, After: []int32{1}}, {Src: nics[1], Dst: nics[0], Bytes: 1, After: []int32{0}}}
	if _, err := Run(g, circle, Options{}); !errors.Is(err, ErrDeadlock) || !strings.Contains(err.Error(), "flow 0") {
		t.Errorf("got %v, want flows that wait for each other", err)
	}
	circle[0].After[0], circle[1].Dst = 1, nics[2]
	if _, err := Run(g, circle, Options{}); err == nil || !strings.Contains(err.Error(), "host-2") {
		t.Errorf("got %v, want an error about where flow 1 goes", err)
	}
}

// A torus in two dimensions, with and without a choice of ways.
func TestTorusOfChips(t *testing.T) {
	g, err := topology.Build(topology.Spec{
		Hosts: []topology.HostGroup{{Name: "chip", Count: 16, ChipsPerHost: 1,
			ScaleUp: topology.ScaleUp{Kind: "torus", Dims: []int{4, 4}, DomainChips: 16, BytesPerSec: 200e9, LatencySec: 1e-6}}},
		Topology: "single-switch", Routing: "d-mod-k",
	})
	if err != nil {
		t.Fatal(err)
	}
	chips := g.Chips("chip")
	var flows []Flow
	for i := range chips {
		flows = append(flows, Flow{Src: chips[i], Dst: chips[(i+1)%4+i/4*4], Bytes: 1 << 20}, Flow{Src: chips[i], Dst: chips[(i+4)%16], Bytes: 1 << 20})
	}
	for _, routing := range []string{"adaptive", "d-mod-k"} {
		r := run(t, g, flows, Options{Routing: routing, Dateline: true})
		// Neighbours: one hop, every link carries one flow and the other's acknowledgements.
		if want := wireTicks(1<<20, 50e9).Seconds() + 1e-6; math.Abs(r.MeanSec/want-1) > 0.03 {
			t.Errorf("%s: %g s, want %g", routing, r.MeanSec, want)
		}
	}
}

func TestFailedLinksAreAvoided(t *testing.T) {
	for _, routing := range []string{"adaptive", "spray", "ecmp", "d-mod-k"} {
		g := tree(t, 4, func(s *topology.Spec) {
			s.FailedLinks = []string{"leaf-0:spine-0", "spine-3:core-2"}
		})
		r := run(t, g, permutation(g, 100_000, 1), Options{Routing: routing})
		for id, b := range r.LinkBytes {
			if g.Link(topology.LinkID(id)).Failed && b > 0 {
				t.Errorf("%s: %g bytes over a failed link", routing, b)
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	g := tree(t, 4)
	n := g.NICs("host")
	ok := []Flow{{Src: n[0], Dst: n[1], Bytes: 1}}
	for _, x := range []struct {
		want  string
		flows []Flow
		o     Options
	}{
		{"transport", ok, Options{Transport: "tcp"}},
		{"routing", ok, Options{Routing: "random"}},
		{"lanes", ok, Options{Lanes: 16}},
		{"flow 0: lane", []Flow{{Src: n[0], Dst: n[1], Bytes: 1, Lane: 1}}, Options{}},
		{"itself", []Flow{{Src: n[0], Dst: n[0], Bytes: 1}}, Options{}},
		{"0 bytes", []Flow{{Src: n[0], Dst: n[1]}}, Options{}},
		{"node", []Flow{{Src: -1, Dst: n[1], Bytes: 1}}, Options{}},
		{"leaf-0", []Flow{{Src: g.Link(g.Out(n[0])[0]).To, Dst: n[1], Bytes: 1}}, Options{}},
		{"start", []Flow{{Src: n[0], Dst: n[1], Bytes: 1, StartSec: math.NaN()}}, Options{}},
		{"start", []Flow{{Src: n[0], Dst: n[1], Bytes: 1, StartSec: -1}}, Options{}},
		{"packets", []Flow{{Src: n[0], Dst: n[1], Bytes: 1 << 40}}, Options{}},
		{"does not hold a packet", ok, Options{BufferBytes: 100}},
		{"headroom", ok, Options{Transport: "roce", PauseBytes: 100_000, BufferBytes: 110_000}},
		{"resume", ok, Options{Transport: "roce", PauseBytes: 10_000, ResumeBytes: 20_000}},
		{"marking", ok, Options{Transport: "roce", MarkMin: 10_000, MarkMax: 1_000}},
		{"DCQCN.Gain", ok, Options{DCQCN: DCQCN{Gain: 2}}},
		{"limit", []Flow{{Src: n[0], Dst: n[1], Bytes: 1 << 20}}, Options{LimitSec: 1e-6}},
		{"payload", ok, Options{PayloadBytes: -1}},
	} {
		if _, err := Run(g, x.flows, x.o); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("got %v, want an error about %q", err, x.want)
		}
	}
	cut := tree(t, 4, func(s *topology.Spec) { s.FailedLinks = []string{"host-1.nic-0:leaf-0"} })
	for _, routing := range []string{"adaptive", "d-mod-k"} {
		if _, err := Run(cut, ok, Options{Routing: routing}); err == nil || !strings.Contains(err.Error(), "host-1") {
			t.Errorf("%s: got %v, want no path to host-1", routing, err)
		}
	}
	if r := run(t, g, nil, Options{}); len(r.Flows) != 0 || r.Events != 0 {
		t.Errorf("no flows: %+v", r)
	}
}

// A run allocates nothing per event once its queues have grown.
func TestNoAllocationPerEvent(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the race detector allocates by itself")
	}
	for _, transport := range []string{"infiniband", "roce"} {
		g := tree(t, 8)
		net, e, err := build(g, permutation(g, 8<<20, 1), Options{Transport: transport, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		_ = net
		until := 100 * sim.Microsecond
		if err := e.Run(until); err != nil {
			t.Fatal(err)
		}
		before := e.Events()
		n := testing.AllocsPerRun(3, func() {
			until += 10 * sim.Microsecond
			if err := e.Run(until); err != nil {
				t.Fatal(err)
			}
		})
		// Queues may still grow once or twice as the flows end.
		if events := (e.Events() - before) / 4; n > 5 || events < 30_000 {
			t.Errorf("%s: %g allocations in %d events", transport, n, events)
		}
	}
}
