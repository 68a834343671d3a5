package cephsim

import (
	"math"
	"strings"
	"testing"

	"aisim/storage"
)

// flash is a drive of the PM9A3's class.
func flash() storage.Drive {
	return storage.Drive{ID: "flash", Bytes: 7.68e12, ReadBytesPerSec: 6.7e9, WriteBytesPerSec: 4e9, ReadIOPS: 1e6, WriteIOPS: 180e3, ReadLatencySec: 80e-6, WriteLatencySec: 18e-6}
}

func spec(nodes, osds int, profile string) storage.CephSpec {
	return storage.CephSpec{ID: "pool", Nodes: nodes, DrivesPerNode: osds, Drive: flash(), NICBytesPerSec: 25e9, Cores: 48, CoreFactor: 1.25, Profile: profile}
}

func run(t testing.TB, c Config) *Result {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Run()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got/want-1) <= tolerance) {
		t.Errorf("%s: got %.6g, want %.6g within %g %%", what, got, want, 100*tolerance)
	}
}

// One request in flight on an idle pool takes what the analytic rung says: the same path of round
// trips, software, drive and commit.
func TestDepthOne(t *testing.T) {
	for _, profile := range []string{"rep-3", "ec-4+2"} {
		s := spec(8, 2, profile)
		system, err := storage.NewCeph(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			op    storage.Op
			share float64
			bytes float64
		}{{storage.Read, 1, 4096}, {storage.Write, 0, 4096}} {
			if profile != "rep-3" && c.op == storage.Write {
				continue // the analytic rung counts software once for a read-modify-write
			}
			want, err := system.Latency(c.op, c.bytes, 0)
			if err != nil {
				t.Fatal(err)
			}
			r := run(t, Config{Spec: s, ClientHosts: 1, InFlight: 1, ReadShare: c.share, RequestBytes: c.bytes, EndSec: 0.5})
			h := r.Read
			if c.op == storage.Write {
				h = r.Write
			}
			near(t, profile+" "+c.op.String(), h.Mean(), want, 0.03)
		}
	}
}

// A node of one core and one OSD under Poisson arrivals is M/G/1: the wait is
// λ·E[S²]/(2(1−ρ)) (Pollaczek–Khinchine), with reads and writes as the two services.
func TestPollaczekKhinchine(t *testing.T) {
	s := spec(1, 1, "rep-1")
	s.Cores, s.CoreFactor = 1, 1
	s.Drive.ReadIOPS, s.Drive.WriteIOPS = 1e9, 1e9
	s.Drive.ReadBytesPerSec, s.Drive.WriteBytesPerSec = 1e15, 1e15
	for _, share := range []float64{1, 0.5} {
		base := Config{Spec: s, ClientHosts: 1, ReadShare: share, RequestBytes: 4096, EndSec: 60}
		p, err := New(func() Config { c := base; c.ArrivalsPerSec = 1; return c }())
		if err != nil {
			t.Fatal(err)
		}
		sr, sw := p.works[workRead].core.Seconds(), p.works[workWrite].core.Seconds()
		mean, square := share*sr+(1-share)*sw, share*sr*sr+(1-share)*sw*sw
		for _, rho := range []float64{0.3, 0.8} {
			c := base
			c.ArrivalsPerSec = rho / mean
			loaded := run(t, c)
			c.ArrivalsPerSec = 1e-3 / mean
			c.EndSec = 400
			idle := run(t, c)
			want := rho / mean * square / (2 * (1 - rho))
			near(t, "wait of a read", loaded.Read.Mean()-idle.Read.Mean(), want, 0.06)
		}
	}
}

// A closed loop of one OSD with one core: min(N/(S+Z), 1/S), exact for deterministic service
// away from the knee.
func TestClosedLoop(t *testing.T) {
	s := spec(1, 1, "rep-1")
	s.Cores, s.CoreFactor = 1, 1
	p, err := New(Config{Spec: s, ClientHosts: 1, InFlight: 1, ReadShare: 1})
	if err != nil {
		t.Fatal(err)
	}
	service := p.works[workRead].core.Seconds()
	alone := run(t, Config{Spec: s, ClientHosts: 1, InFlight: 1, ReadShare: 1, EndSec: 1})
	near(t, "one in flight", alone.PerSec, 1/alone.Read.Mean(), 0.002)
	for _, n := range []int{8, 64} {
		r := run(t, Config{Spec: s, ClientHosts: 1, InFlight: n, ReadShare: 1, EndSec: 1})
		near(t, "saturated", r.PerSec, 1/service, 0.01)
		near(t, "Little's law", r.PerSec*r.Read.Mean(), float64(n), 0.01)
	}
}

// At saturation the pool gives what the analytic rung says, less what the busiest node has
// above its share: groups fall unevenly, and a closed loop waits for the slowest.
func TestSaturationAgreesWithAnalytic(t *testing.T) {
	for _, c := range []struct {
		profile string
		share   float64
		bytes   float64
	}{{"rep-3", 1, 4096}, {"rep-3", 0, 4096}, {"ec-4+2", 1, 4096}, {"ec-4+2", 0, 4096}, {"rep-3", 1, 4 << 20}, {"rep-3", 0, 4 << 20}, {"ec-4+2", 0, 4 << 20}} {
		s := spec(12, 4, c.profile)
		s.PGs = 1 << 16
		in, end := 512, 0.06
		switch {
		case c.bytes > 1<<20:
			in, end = 48, 1
		case c.profile != "rep-3":
			in = 128
		}
		r := run(t, Config{Spec: s, InFlight: in, ReadShare: c.share, RequestBytes: c.bytes, EndSec: end, ClientNIC: 100e9, SpeedIOPS: 80e3})
		op := storage.Read
		if c.share == 0 {
			op = storage.Write
		}
		want := analytic(t, s, op, c.bytes)
		t.Logf("%s %v of %g: %.4g of %.4g per second, %s", c.profile, op, c.bytes, r.PerSec, want, r.Bottleneck)
		if r.PerSec > 1.03*want || r.PerSec < 0.85*want {
			t.Errorf("%s %v of %g B: %.4g per second, analytic %.4g", c.profile, op, c.bytes, r.PerSec, want)
		}
	}
}

// Any number of workers gives the same answers in the same order.
func TestWorkersDoNotMatter(t *testing.T) {
	for _, profile := range []string{"rep-3", "ec-4+2"} {
		var want *Result
		for _, workers := range []int{1, 2, 4} {
			s := spec(20, 3, profile)
			s.NodesPerRack, s.Fill = 4, 1e-4
			r := run(t, Config{Spec: s, Seed: 7, InFlight: 32, ReadShare: 0.7, EndSec: 0.03, Workers: workers, Oversubscription: 2, ScrubDays: 1e-4,
				Failure: &Failure{AtSec: 0.004, Node: 3, DetectSec: 0.003, PeeringSec: 0.001, OutSec: 0.002}})
			if want == nil {
				want = r
				if r.Resent == 0 || r.Rebuilt == 0 || r.ScrubbedBytes == 0 {
					t.Fatalf("%s: resent %d, rebuilt %d of %d, scrubbed %d", profile, r.Resent, r.Rebuilt, r.ToRebuild, r.ScrubbedBytes)
				}
			} else if r.Hash != want.Hash || r.Events != want.Events || r.Requests != want.Requests || r.Rebuilt != want.Rebuilt {
				t.Errorf("%s, %d workers: %x %d, want %x %d", profile, workers, r.Hash, r.Events, want.Hash, want.Events)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	base := Config{Spec: spec(8, 2, "rep-3"), InFlight: 8}
	for word, turn := range map[string]func(*Config){
		"open loop":        func(c *Config) { c.InFlight = 0 },
		"share of reads":   func(c *Config) { c.ReadShare = 2 },
		"scheduler":        func(c *Config) { c.Scheduler = "fifo" },
		"gateways":         func(c *Config) { c.Spec.Gateway = true },
		"oversubscription": func(c *Config) { c.Oversubscription = 0.5 },
		"failure of node":  func(c *Config) { c.Failure = &Failure{Node: 99} },
		"failure of OSD":   func(c *Config) { c.Failure = &Failure{OSDs: []int{77}} },
		"requests of":      func(c *Config) { c.RequestBytes = 1 << 30 },
		"need 3 hosts":     func(c *Config) { c.Spec.Nodes = 2 },
	} {
		c := base
		turn(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// BenchmarkSaturated is the pool of 630 OSDs of `aisim bench storage`.
func BenchmarkSaturated(b *testing.B) {
	for _, c := range []struct {
		name    string
		profile string
		share   float64
	}{{"read", "rep-3", 1}, {"mix", "rep-3", 0.7}, {"write", "rep-3", 0}} {
		b.Run(c.name, func(b *testing.B) {
			requests := int64(0)
			for b.Loop() {
				b.StopTimer()
				p, err := New(Config{Spec: spec(63, 10, c.profile), InFlight: 1024, ReadShare: c.share, EndSec: 0.1, Workers: 1})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				r, err := p.Run()
				if err != nil {
					b.Fatal(err)
				}
				requests += r.Requests
			}
			b.ReportMetric(float64(requests)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
