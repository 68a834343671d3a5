package storage

import (
	"strings"
	"testing"

	"aisim/topology"
	"aisim/topology/flow"
)

func mustObject(t testing.TB, spec ObjectSpec) *System {
	t.Helper()
	s, err := NewObject(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestObjectStoreLimits(t *testing.T) {
	spec := ObjectSpec{ID: "s3", BytesPerSec: 100e9, LatencySec: 0.1, Streams: 10, Prefixes: 1}
	const part = 64 << 20
	// Ten streams of 90 MB/s that wait 0.1 s before each 64 MiB part.
	each := 10 * part / (0.1 + part/90e6)
	few := alone(t, mustObject(t, spec))
	near(t, "bound by streams", rate(t, few, Read, 3, part), 3*each, 1e-9)
	near(t, "bound by the store", rate(t, few, Read, 1000, part), 100e9, 1e-9)
	// 5,500 GET of 100 kB per second and prefix, 3,500 PUT.
	near(t, "GET limit", rate(t, few, Read, 1000, 1e5), 5500e5, 1e-9)
	near(t, "PUT limit", rate(t, few, Write, 1000, 1e5), 3500e5, 1e-9)
	spec.Prefixes = 7
	near(t, "seven prefixes", rate(t, alone(t, mustObject(t, spec)), Read, 100000, 1e5), 7*5500e5, 1e-9)
	spec.PerClientBytesPerSec = 50e6
	near(t, "bound per client", rate(t, alone(t, mustObject(t, spec)), Read, 3, part), 3*50e6, 1e-9)
	stages, err := few.Ceilings(Read, nodes(3), part)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := Narrowest(stages); n.Name != "client request limit" {
		t.Errorf("narrowest %+v", n)
	}
	p, err := few.Run(Read, nodes(3), 1e9, part)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := few.Latency(Read, part, 0)
	near(t, "seconds", p.Seconds, first+1e9/each, 1e-3)
}

// A store beyond the fabric meets its clients at their ports.
func TestObjectStoreBeyondTheFabric(t *testing.T) {
	g := fabric(t, 4, 1, nil)
	for _, op := range []Op{Read, Write} {
		s := mustObject(t, ObjectSpec{ID: "s3", BytesPerSec: 1e15, LatencySec: 0.05, Streams: 1 << 20})
		net := flow.FromGraph(g)
		if err := s.Attach(net, g, nil); err != nil {
			t.Fatal(err)
		}
		d, err := s.Demand(op, g.Chips("compute")[:1], 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		id, err := net.Add(d[0])
		if err != nil {
			t.Fatal(err)
		}
		near(t, op.String(), net.Rate(id), 50e9*0.96, 1e-9)
		l := g.Link(topology.LinkID(d[0].Uses[0].Res))
		if from := g.Kind(l.From) == topology.Switch; from != (op == Read) {
			t.Errorf("%s uses the link from %s to %s", op, g.Name(l.From), g.Name(l.To))
		}
	}
}

func TestObjectRefusals(t *testing.T) {
	for _, c := range []struct {
		spec ObjectSpec
		want string
	}{
		{ObjectSpec{}, "bandwidth 0"},
		{ObjectSpec{BytesPerSec: 1, LatencySec: -1}, "latency -1"},
		{ObjectSpec{BytesPerSec: 1, Streams: -1}, "-1 streams"},
		{ObjectSpec{BytesPerSec: 1, PerClientBytesPerSec: -1}, "per_client -1"},
		{ObjectSpec{BytesPerSec: 1, Fill: 2}, "fill 2"},
	} {
		if _, err := NewObject(c.spec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.spec, err, c.want)
		}
	}
	s := mustObject(t, ObjectSpec{ID: "s3", BytesPerSec: 1e9, Bytes: 1e12, Fill: 0.5})
	if s.Holds("dataset", 0.4e12) != nil || s.Holds("dataset", 0.6e12) == nil {
		t.Error("half of 1 TB is free")
	}
	if mustObject(t, ObjectSpec{ID: "s3", BytesPerSec: 1e9}).Holds("dataset", 1e18) != nil {
		t.Error("a store without a bought capacity is unlimited")
	}
}
