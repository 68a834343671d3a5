package storage

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aisim/topology"
	"aisim/topology/flow"
)

// A pool that is bound by its ports gives the same on a wide fabric as without one.
func TestFabricThatDoesNotBind(t *testing.T) {
	spec := testSpec()
	g := fabric(t, 64, spec.Nodes, nil)
	s, _ := onFabric(t, mustCeph(t, spec), g)
	p, err := s.Run(Write, g.Chips("compute"), 100e9, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	lone := alone(t, mustCeph(t, spec))
	q, err := lone.Run(Write, nodes(64), 100e9, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "seconds on the fabric", p.Seconds, q.Seconds, 1e-9)
	near(t, "by hand: 64 × 100 GB over 20·25·0.5603/3 GB/s", p.Seconds, 6400/(20*25*0.5603/3), 1e-3)
	stages, err := s.Ceilings(Write, g.Chips("compute"), fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := Narrowest(stages)
	near(t, "narrowest stage against the rate reached", n.BytesPerSec, p.BytesPerSec, 1e-3)
	var names []string
	for _, s := range stages {
		names = append(names, s.Name)
	}
	want := []string{"client links", "leaf to spine", "storage NICs in", "storage NICs out", "storage CPU", "drives"}
	if !slices.Equal(names, want) {
		t.Errorf("stages %q, want %q", names, want)
	}
}

// Few clients are bound by their own ports: 4 × 50 GB/s · 0.96.
func TestClientBound(t *testing.T) {
	spec := testSpec()
	spec.Nodes = 40
	g := fabric(t, 4, spec.Nodes, nil)
	s, _ := onFabric(t, mustCeph(t, spec), g)
	p, err := s.Run(Read, g.Chips("compute"), 1e12, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rate", p.BytesPerSec, 4*50e9*0.96, 1e-3)
	stages, _ := s.Ceilings(Read, g.Chips("compute"), fourMiB)
	if n, _ := Narrowest(stages); n.Name != "client links" || n.Key != "nic" {
		t.Errorf("narrowest %+v", n)
	}
}

// Oversubscribed leaves bind, under every routing; a failed uplink costs its
// share of one leaf. Radix 32 at 1:15 is 30 ports down and 2 up.
func TestOversubscribedFabricBinds(t *testing.T) {
	for _, routing := range []string{"adaptive", "ecmp", "d-mod-k"} {
		spec := testSpec()
		spec.Nodes = 45 // three leaves of their own
		change := func(s *topology.Spec) { s.Routing, s.Oversubscription = routing, []float64{15} }
		g := fabric(t, 60, spec.Nodes, change)
		s, _ := onFabric(t, mustCeph(t, spec), g)
		clients := g.Chips("compute")
		stages, err := s.Ceilings(Read, clients, fourMiB)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := Narrowest(stages)
		if n.Key != "leaf" {
			t.Errorf("%s: narrowest %+v, want leaf links", routing, n)
		}
		full := 2 * 2 * 50e9 * 0.96 // two compute leaves of two uplinks
		p, err := s.Run(Read, clients, 1e12, fourMiB)
		if err != nil {
			t.Fatal(err)
		}
		if routing == "adaptive" {
			near(t, "rate through four uplinks", p.BytesPerSec, full, 1e-3)
		} else if p.BytesPerSec > full*1.001 || p.BytesPerSec < full*0.4 {
			t.Errorf("%s: %g B/s, want somewhat under %g", routing, p.BytesPerSec, full)
		}
		failed := fabric(t, 60, spec.Nodes, func(s *topology.Spec) { change(s); s.FailedLinks = []string{"leaf-0:spine-0#1"} })
		f, _ := onFabric(t, mustCeph(t, spec), failed)
		q, err := f.Run(Read, clients, 1e12, fourMiB)
		if err != nil {
			t.Fatal(err)
		}
		if q.Seconds < p.Seconds*1.3 {
			t.Errorf("%s: a failed uplink of two: %g s, before %g s", routing, q.Seconds, p.Seconds)
		}
	}
}

// Replication crosses the links among storage leaves: three copies leave the
// storage leaves twice per byte, less what stays on a leaf.
func TestReplicationUsesTheFabric(t *testing.T) {
	spec := testSpec()
	spec.Nodes = 48 // 96 ports on leaves of 16
	g := fabric(t, 16, spec.Nodes, nil)
	s, net := onFabric(t, mustCeph(t, spec), g)
	demands, err := s.Demand(Write, g.Chips("compute"), fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	if len(demands) != 1 || demands[0].Count != 16 {
		t.Fatalf("%d classes", len(demands))
	}
	var up, down float64
	for _, u := range demands[0].Uses {
		id := topology.LinkID(u.Res)
		if int(u.Res) < g.NumLinks() && g.LevelOf(id) == topology.LeafLevel {
			if g.Node(g.Link(id).From).Tier == 1 {
				up += u.Weight
			} else {
				down += u.Weight
			}
		}
	}
	// From the client's leaf 1, from a storage leaf 2·(1 − 1/6), all over 0.96.
	want := (1 + 2*(1-1.0/6)) / 0.96
	near(t, "leaf uplink bytes per byte", up, want, 1e-9)
	near(t, "leaf downlink bytes per byte", down, want, 1e-9)
	if _, err := net.Add(demands[0]); err != nil {
		t.Fatal(err)
	}
}

// Two classes of clients contend: readers and writers of one pool share its
// drives and cores, and a transfer on a client's port takes from it alone.
func TestContention(t *testing.T) {
	spec := testSpec()
	spec.Drive = spec.Drive.scaled(0.02) // drives bind
	g := fabric(t, 32, spec.Nodes, nil)
	s, net := onFabric(t, mustCeph(t, spec), g)
	chips := g.Chips("compute")
	quiet, err := s.WriteSeconds(chips[:16], 1e9, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	readers, err := s.Demand(Read, chips[16:], fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	busy, err := s.WriteSeconds(chips[:16], 1e9, fourMiB, readers...)
	if err != nil {
		t.Fatal(err)
	}
	if busy < quiet*1.1 {
		t.Errorf("writes alone %g s, beside readers %g s: the drives are shared", quiet, busy)
	}
	// The same readers as live flows of the network count the same.
	for _, d := range readers {
		if _, err := net.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	live, err := s.WriteSeconds(chips[:16], 1e9, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "live readers", live, busy, 1e-9)
	if net.Flows() != len(readers) {
		t.Errorf("%d flows left on the network, want the %d readers", net.Flows(), len(readers))
	}
	again, _ := s.WriteSeconds(chips[:16], 1e9, fourMiB)
	if again != live {
		t.Errorf("the same question twice: %g, %g", live, again)
	}
}

// By hand: two pools' worth of equal clients on one port-bound pool halve each other.
func TestEqualClientsShareEqually(t *testing.T) {
	s := alone(t, mustCeph(t, testSpec()))
	one, _ := s.WriteSeconds(nodes(64), 10e9, fourMiB)
	two, _ := s.WriteSeconds(nodes(128), 10e9, fourMiB)
	near(t, "twice the clients", two/one, 2, 1e-3)
	other, err := s.Demand(Write, nodes(64), fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	shared, _ := s.WriteSeconds(nodes(64), 10e9, fourMiB, other...)
	near(t, "beside as many others", shared/one, 2, 1e-3)
}

// The order in which clients are named does not change what they get.
func TestRelabelledClients(t *testing.T) {
	spec := testSpec()
	g := fabric(t, 48, spec.Nodes, nil)
	s, _ := onFabric(t, mustCeph(t, spec), g)
	a, err := s.WriteSeconds(g.Chips("compute"), 1e9, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	c := g.Chips("compute")
	slices.Reverse(c)
	b, _ := s.WriteSeconds(c, 1e9, fourMiB)
	near(t, "reversed", b, a, 1e-9)
}

// Shared routes give the same bits, also on a sibling graph and from several
// goroutines, and are routed once.
func TestSharedRoutes(t *testing.T) {
	g := fabric(t, 48, 20, func(s *topology.Spec) { s.Routing = "ecmp" })
	more, err := g.WithCapacity(map[string]float64{"leaf": 1.5})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(g *topology.Graph, r *Routes, profile string, op Op) []flow.Demand {
		spec := testSpec()
		spec.Profile = profile
		s := mustCeph(t, spec)
		s.ShareRoutes(r)
		onFabric(t, s, g)
		d, err := s.Demand(op, g.Chips("compute"), fourMiB)
		if err != nil {
			t.Error(err)
		}
		return d
	}
	var r Routes
	done := make(chan bool)
	for i := range 4 {
		go func() {
			defer func() { done <- true }()
			for _, op := range []Op{Read, Write} {
				for _, p := range []string{"rep-3", "ec-6+2"} {
					if got, want := ask([]*topology.Graph{g, more}[i%2], &r, p, op), ask(g, nil, p, op); !reflect.DeepEqual(got, want) {
						t.Errorf("%s %s: shared routes differ", p, op)
					}
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
	if r.misses != 2 {
		t.Errorf("routed %d times, want once for reads and once for writes", r.misses)
	}
	other := fabric(t, 32, 20, nil)
	if got, want := ask(other, &r, "rep-3", Read), ask(other, nil, "rep-3", Read); !reflect.DeepEqual(got, want) {
		t.Error("another wiring took the first one's routes")
	}
}

func TestDemandRefusals(t *testing.T) {
	s := mustCeph(t, testSpec())
	check := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	_, err := s.Demand(Read, nodes(1), 1)
	check(err, "not attached")
	g := fabric(t, 4, 20, nil)
	check(s.Attach(flow.FromGraph(g), g, nil), "no hosts")
	check(s.Attach(nil, g, nil), "no network")
	check(s.Attach(flow.FromGraph(g), g, []topology.NodeID{1 << 20}), "no network port")
	alone(t, s)
	_, err = s.Demand(Read, nil, 1)
	check(err, "no clients")
	_, err = s.Demand(Read, nodes(1), math.NaN())
	check(err, "objects of NaN")
	_, err = s.WriteSeconds(nodes(1), 0, fourMiB)
	check(err, "0 bytes per client")
	onFabric(t, s, g)
	_, err = s.Demand(Read, []topology.NodeID{1 << 20}, fourMiB)
	check(err, "no way to the network")
	var cut []string
	for h := range 20 {
		for n := range 2 {
			cut = append(cut, fmt.Sprintf("pool-%d.nic-%d", h, n))
		}
	}
	dead := fabric(t, 4, 20, func(s *topology.Spec) { s.FailedLinks = cut })
	check(s.Attach(flow.FromGraph(dead), dead, dead.NICs("pool")), "cut off")
	half := fabric(t, 64, 20, func(s *topology.Spec) { s.FailedLinks = cut[:20] })
	p, err := onRun(t, half, testSpec())
	if err != nil {
		t.Fatal(err)
	}
	whole, err := onRun(t, fabric(t, 64, 20, nil), testSpec())
	if err != nil {
		t.Fatal(err)
	}
	near(t, "half of the ports", p.Seconds/whole.Seconds, 2, 1e-3)
}

func onRun(t *testing.T, g *topology.Graph, spec CephSpec) (Phase, error) {
	s, _ := onFabric(t, mustCeph(t, spec), g)
	return s.Run(Write, g.Chips("compute"), 10e9, fourMiB)
}

// flagship is 2,048 hosts of eight chips and ports and 68 storage hosts on three levels.
func flagship(t testing.TB) (*topology.Graph, *System) {
	g, err := topology.Build(topology.Spec{
		Hosts: []topology.HostGroup{
			{Name: "compute", Count: 2048, ChipsPerHost: 8, NICs: 8, NICBytesPerSec: 50e9, ScaleUp: topology.ScaleUp{DomainChips: 8, BytesPerSec: 450e9, Kind: "switch"}},
			{Name: "pool", Count: 68, NICs: 2, NICBytesPerSec: 25e9},
		},
		Topology: "fat-tree", Levels: 3, Radix: 64, SwitchBytesPerSec: 50e9, Oversubscription: []float64{1, 7}, Routing: "adaptive",
	})
	if err != nil {
		t.Fatal(err)
	}
	spec := testSpec()
	spec.Nodes, spec.Profile, spec.NICBytesPerSec = 68, "ec-6+2", 50e9
	return g, mustCeph(t, spec)
}

// firstChips is one chip of every host.
func firstChips(g *topology.Graph) []topology.NodeID {
	var out []topology.NodeID
	for h := range g.HostCount("compute") {
		out = append(out, g.HostChips("compute", h)[0])
	}
	return out
}

func TestFlagshipCheckpoint(t *testing.T) {
	g, s := flagship(t)
	onFabric(t, s, g)
	clients := firstChips(g)
	demands, err := s.Demand(Write, clients, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	uses := 0
	for _, d := range demands {
		uses += len(d.Uses)
	}
	t.Logf("%d clients: %d classes, %d uses", len(clients), len(demands), uses)
	if len(demands) > maxClasses || uses > 60_000 {
		t.Errorf("%d classes with %d uses: too many to solve in milliseconds", len(demands), uses)
	}
	p, err := s.Run(Write, clients, 5.67e12/2048, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("405B checkpoint of 5.67 TB: %.2f s at %.2f TB/s", p.Seconds, p.BytesPerSec/1e12)
	stages, err := s.Ceilings(Write, clients, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := Narrowest(stages)
	if p.BytesPerSec > n.BytesPerSec*1.0001 {
		t.Errorf("%g B/s above the narrowest stage %+v", p.BytesPerSec, n)
	}
	for _, st := range stages {
		t.Logf("  %-20s %8.3f TB/s", st.Name, st.BytesPerSec/1e12)
	}
}

// Folding leaves into classes does not change when a phase ends.
func TestFoldedEqualsUnfolded(t *testing.T) {
	spec := testSpec()
	spec.Nodes = 45
	g := fabric(t, 15*40, spec.Nodes, func(s *topology.Spec) { s.Oversubscription = []float64{15} })
	s, net := onFabric(t, mustCeph(t, spec), g)
	clients := g.Chips("compute")
	p, err := s.Run(Read, clients, 1e9, fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	demands, _ := s.Demand(Read, clients, fourMiB)
	if len(demands) > maxClasses {
		t.Fatalf("%d classes", len(demands))
	}
	var slowest float64
	var ids []flow.FlowID
	for _, d := range mustUnfold(t, s, clients) {
		id, err := net.Add(d)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		if r := net.Rate(id); slowest == 0 || r < slowest {
			slowest = r
		}
	}
	near(t, "rate of the slowest client", p.BytesPerSec/float64(len(clients)), slowest, 1e-3)
}

func mustUnfold(t *testing.T, s *System, clients []topology.NodeID) []flow.Demand {
	var out []flow.Demand
	for _, members := range byLeaf(s.place.graph, clients) {
		d, err := s.Demand(Read, members, fourMiB)
		if err != nil || len(d) != 1 {
			t.Fatal(len(d), err)
		}
		out = append(out, d...)
	}
	return out
}

// Solving again after a change of capacity allocates nothing.
func TestSteadySolveDoesNotAllocate(t *testing.T) {
	g, s := flagship(t)
	_, net := onFabric(t, s, g)
	demands, err := s.Demand(Write, firstChips(g), fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	var id flow.FlowID
	for _, d := range demands {
		if id, err = net.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	r := s.place.res[poolIn]
	c := net.Capacity(r)
	net.Rate(id)
	if n := testing.AllocsPerRun(3, func() {
		c *= 0.99
		if err := net.SetCapacity(r, c); err != nil {
			t.Fatal(err)
		}
		net.Rate(id)
	}); n != 0 {
		t.Errorf("%g allocations per solve", n)
	}
}

func BenchmarkFlagshipDemand(b *testing.B) {
	g, s := flagship(b)
	onFabric(b, s, g)
	clients := firstChips(g)
	for b.Loop() {
		if _, err := s.Demand(Write, clients, fourMiB); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFlagshipRun(b *testing.B) {
	g, s := flagship(b)
	onFabric(b, s, g)
	clients := firstChips(g)
	for b.Loop() {
		if _, err := s.Run(Write, clients, 1e9, fourMiB); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFlagshipSolve(b *testing.B) {
	g, s := flagship(b)
	_, net := onFabric(b, s, g)
	demands, err := s.Demand(Write, firstChips(g), fourMiB)
	if err != nil {
		b.Fatal(err)
	}
	var id flow.FlowID
	for _, d := range demands {
		if id, err = net.Add(d); err != nil {
			b.Fatal(err)
		}
	}
	r := s.place.res[poolIn]
	c := net.Capacity(r)
	for i := 0; b.Loop(); i++ {
		_ = net.SetCapacity(r, c*(1-0.1*float64(i%2)))
		net.Rate(id)
	}
}

func BenchmarkFlagshipAllChips(b *testing.B) {
	g, s := flagship(b)
	s.ShareRoutes(new(Routes))
	clients := g.Chips("compute")
	for b.Loop() {
		onFabric(b, s, g)
		if _, err := s.Run(Write, clients, 1e9, fourMiB); err != nil {
			b.Fatal(err)
		}
	}
}
