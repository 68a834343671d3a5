package traffic

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func play(t testing.TB, c Config) *Result {
	t.Helper()
	if c.Seed == 0 {
		c.Seed = 1
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const mib = 1 << 20

// SimGrid 3.32 with CM02 and no TCP factors on the same fabric, d-mod-k: when the first
// message (of a ring: the first rank) and the last were done, and the mean, in
// seconds. The tolerance is the last printed digit; the promise is 0.1 %.
func TestSimGrid(t *testing.T) {
	for _, c := range []struct {
		Config
		first, mean, last float64
		messages          uint64
	}{
		{Config{Pattern: "permutation", Radix: 8, Bytes: 64 * mib}, 1.344177e-3, 2.840013e-3, 5.374709e-3, 128},
		{Config{Pattern: "permutation", Radix: 16, Bytes: 64 * mib}, 1.344177e-3, 2.990519e-3, 6.716886e-3, 1024},
		{Config{Pattern: "permutation", Radix: 32, Bytes: 64 * mib}, 1.344177e-3, 3.105108e-3, 8.059064e-3, 8192},
		{Config{Pattern: "alltoall", Radix: 8, Bytes: mib}, 0.936495e-3, 2.549781e-3, 2.665383e-3, 16256},
		{Config{Pattern: "ring", Radix: 8, Bytes: 256 * mib}, 12.151532e-3, 0, 12.177532e-3, 32512},
		{Config{Pattern: "ring", Radix: 16, Bytes: 256 * mib}, 22.884932e-3, 0, 23.002932e-3, 2095104},
	} {
		if testing.Short() && c.Radix > 8 {
			continue
		}
		c.Model = "flow"
		t.Run(fmt.Sprintf("%s/k=%d", c.Pattern, c.Radix), func(t *testing.T) {
			r := play(t, c.Config)
			near := func(what string, got, want float64) {
				if want > 0 && math.Abs(got-want) > 1e-9 {
					t.Errorf("%s %.9f s, SimGrid %.9f s", what, got, want)
				}
			}
			near("first", r.FirstSec, c.first)
			near("mean", r.MeanFlowSec, c.mean)
			near("last", r.SimulatedSec, c.last)
			if r.Messages != c.messages || r.Events != 2*c.messages {
				t.Errorf("%d messages and %d events, want %d and twice as many", r.Messages, r.Events, c.messages)
			}
		})
	}
}

// What theory gives: a NIC that receives everything is the bound, and shares fairly.
func TestClosedForms(t *testing.T) {
	const k, n, bytes = 4, 16, 3 * mib
	r := play(t, Config{Pattern: "incast", Model: "flow", Radix: k, Bytes: bytes})
	// The receiver is busy from the first byte of its neighbour on.
	if want := (n-1)*bytes/LinkBytesPerSec + 2*LinkLatencySec; math.Abs(r.SimulatedSec-want) > 1e-12 {
		t.Errorf("incast ends after %g s, want %g", r.SimulatedSec, want)
	}
	// All shares are equal but for the latency of the start.
	if r.MaxFlowSec-r.MinFlowSec > (n-1)*4*LinkLatencySec {
		t.Errorf("messages of an incast take %g to %g s", r.MinFlowSec, r.MaxFlowSec)
	}
	// Two ranks of a ring exchange two halves, twice, under one leaf.
	s, err := New(Config{Pattern: "ring", Model: "flow", Radix: k})
	if err != nil {
		t.Fatal(err)
	}
	two, err := Ring(s.Graph, s.Hosts[:2], bytes, EqualShares, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * (bytes/2/LinkBytesPerSec + 2*LinkLatencySec); math.Abs(two.SimulatedSec-want) > 1e-12 || two.Messages != 4 {
		t.Errorf("a ring of two: %d messages, %g s, want 4 and %g", two.Messages, two.SimulatedSec, want)
	}
	// A ring of n ranks takes 2(n−1) times its slowest message.
	r = play(t, Config{Pattern: "ring", Model: "flow", Radix: k, Bytes: bytes})
	if want := 2 * (n - 1) * (math.Floor(bytes/n)/LinkBytesPerSec + 6*LinkLatencySec); math.Abs(r.SimulatedSec/want-1) > 1e-9 {
		t.Errorf("a ring of %d: %g s, want %g", n, r.SimulatedSec, want)
	}
}

// A permutation sends and receives once everywhere and never to itself; another seed is
// another permutation.
func TestPermutation(t *testing.T) {
	s, err := New(Config{Pattern: "permutation", Model: "flow", Radix: 8})
	if err != nil {
		t.Fatal(err)
	}
	to := map[int32]bool{}
	a, b := Permutation(s.Hosts, 1, 1), Permutation(s.Hosts, 1, 2)
	differ := 0
	for i, f := range a {
		if f.Src == f.Dst || to[int32(f.Dst)] || f.Src != s.Hosts[i] {
			t.Fatalf("message %d: %+v", i, f)
		}
		to[int32(f.Dst)] = true
		if f != b[i] {
			differ++
		}
	}
	if differ < len(a)/2 {
		t.Errorf("two seeds differ in %d of %d messages", differ, len(a))
	}
}

// Every pattern × {1, 2, 4 workers}: one hash, one result, on flows and on packets.
func TestDeterminism(t *testing.T) {
	for _, model := range Models {
		for _, pattern := range Patterns {
			for _, routing := range []string{"d-mod-k", "adaptive", "ecmp"} {
				c := Config{Pattern: pattern, Model: model, Routing: routing, Radix: 4, Bytes: 64 << 10}
				if pattern == "alltoall" && model == "flow" && routing != "ecmp" {
					c.Radix = 8 // enough messages that workers do share them
				}
				var first *Result
				for _, w := range []int{1, 2, 4} {
					c.Workers = w
					r := play(t, c)
					if first == nil {
						first = r
					}
					if *r != *first {
						t.Errorf("%s %s %s: %d workers give %+v, one gives %+v", model, pattern, routing, w, *r, *first)
					}
				}
				if first.Events < first.Messages || first.SimulatedSec <= 0 {
					t.Errorf("%s %s: %+v", model, pattern, *first)
				}
			}
		}
	}
}

// Each input moves the answer the right way.
func TestSensitivity(t *testing.T) {
	base := Config{Pattern: "permutation", Model: "flow", Radix: 8, Bytes: mib}
	r := play(t, base)
	more := base
	more.Bytes *= 2
	if x := play(t, more); !(x.MeanFlowSec > 1.5*r.MeanFlowSec) {
		t.Errorf("twice the bytes: %g s, before %g s", x.MeanFlowSec, r.MeanFlowSec)
	}
	spread := base
	spread.Routing = "adaptive"
	if x := play(t, spread); !(x.SimulatedSec < r.SimulatedSec/2) {
		t.Errorf("adaptive routing: %g s, d-mod-k %g s", x.SimulatedSec, r.SimulatedSec)
	}
	other := base
	other.Seed = 2
	if x := play(t, other); x.Hash == r.Hash {
		t.Error("another seed gives the same hash")
	}
}

// Where flows run at the fabric's rate alone, packets take as long but for their headers.
func TestPacketsAgreeWithFlows(t *testing.T) {
	flows := play(t, Config{Pattern: "permutation", Model: "flow", Routing: "adaptive", Radix: 4, Bytes: 4 * mib})
	packets := play(t, Config{Pattern: "permutation", Model: "packet", Radix: 4, Bytes: 4 * mib})
	header := (4096.0 + 54) / 4096
	if ratio := packets.MeanFlowSec / (flows.MeanFlowSec * header); ratio < 0.99 || ratio > 1.08 {
		t.Errorf("packets take %g s, flows %g s with headers", packets.MeanFlowSec, flows.MeanFlowSec*header)
	}
	if want := uint64(16 * 4 * mib / 4096); packets.Packets != want {
		t.Errorf("%d packets, want %d", packets.Packets, want)
	}
}

func TestRefusals(t *testing.T) {
	for want, c := range map[string]Config{
		"radix 7 cannot":            {Pattern: "ring", Model: "flow", Radix: 7, Bytes: 1},
		`pattern "star"`:            {Pattern: "star", Model: "flow", Radix: 4, Bytes: 1},
		`model "oracle"`:            {Pattern: "ring", Model: "oracle", Radix: 4, Bytes: 1},
		"16 chunks":                 {Pattern: "ring", Model: "flow", Radix: 4, Bytes: 15},
		"message 0: 0 bytes":        {Pattern: "incast", Model: "flow", Radix: 4},
		"more than 16777216":        {Pattern: "alltoall", Model: "flow", Radix: 32, Bytes: 1},
		`routing "magic" is not`:    {Pattern: "ring", Model: "flow", Radix: 4, Bytes: 99, Routing: "magic"},
		"bytes from second 0 on: w": {Pattern: "permutation", Model: "flow", Radix: 4, Bytes: math.Inf(1)},
	} {
		s, err := New(c)
		if err == nil {
			_, err = s.Run()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	// A path that has failed for good is an error that names the pair, not a hang.
	s, err := New(Config{Pattern: "ring", Model: "flow", Radix: 4, Bytes: mib})
	if err != nil {
		t.Fatal(err)
	}
	cut, err := s.Graph.WithFailures([]string{"host-3"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Ring(cut, s.Hosts, mib, EqualShares, 1); err == nil || !strings.Contains(err.Error(), "host-3") {
		t.Errorf("a ring over a host without links: %v", err)
	}
}

func BenchmarkRing(b *testing.B) {
	messages := uint64(0)
	for b.Loop() {
		messages += play(b, Config{Pattern: "ring", Model: "flow", Radix: 8, Bytes: 256 * mib}).Messages
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(messages), "ns/message")
}

func BenchmarkAllToAll(b *testing.B) {
	for b.Loop() {
		play(b, Config{Pattern: "alltoall", Model: "flow", Radix: 8, Bytes: mib})
	}
}

func BenchmarkPermutation(b *testing.B) {
	for _, k := range []int{16, 32, 80} {
		b.Run(fmt.Sprintf("k=%d", k), func(b *testing.B) {
			for b.Loop() {
				play(b, Config{Pattern: "permutation", Model: "flow", Radix: k, Bytes: 64 * mib})
			}
		})
	}
}
