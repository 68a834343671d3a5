package cephsim

import (
	"strings"
	"testing"

	"aisim/sim"
	"aisim/storage"
)

// More of a resource is never slower: the same requests, one part enlarged.
func TestMoreIsNeverSlower(t *testing.T) {
	draw := sim.NewStream(1, "metamorphic")
	for range 10 {
		s := spec(4+draw.Intn(5), 1+draw.Intn(3), []string{"rep-3", "rep-2", "ec-2+1"}[draw.Intn(3)])
		s.Cores = 2 + draw.Intn(15)
		s.NICBytesPerSec = 2e9 + 23e9*draw.Float64()
		s.Drive.WriteIOPS = 5e3 + 175e3*draw.Float64()
		c := Config{Spec: s, InFlight: 16 + draw.Intn(48), ReadShare: draw.Float64(), RequestBytes: []float64{4096, 65536}[draw.Intn(2)], EndSec: 0.02, ClientNIC: 25e9, SpeedIOPS: 80e3, Workers: 1}
		was := run(t, c)
		for _, m := range []struct {
			name string
			turn func(*Config)
		}{
			{"cores", func(c *Config) { c.Spec.Cores *= 2 }},
			{"ports", func(c *Config) { c.Spec.NICBytesPerSec *= 2; c.ClientNIC *= 2 }},
			{"drives", func(c *Config) {
				c.Spec.Drive.WriteIOPS *= 2
				c.Spec.Drive.WriteBytesPerSec *= 2
				c.Spec.Drive.ReadBytesPerSec *= 2
			}},
			{"nodes", func(c *Config) { c.Spec.Nodes *= 2; c.ClientHosts = s.Nodes }},
		} {
			more := c
			m.turn(&more)
			// 2 %: other groups, and another order of the same random numbers.
			if now := run(t, more); float64(now.Requests) < 0.98*float64(was.Requests) {
				t.Errorf("%+v: more %s: %d requests, before %d", c, m.name, now.Requests, was.Requests)
			}
		}
	}
}

// A node that fails stalls the requests of its groups until they have peered; then all go on, and what it held is rebuilt.
func TestFailure(t *testing.T) {
	for _, profile := range []string{"rep-3", "ec-4+2"} {
		s := spec(10, 2, profile)
		s.Fill = 1e-4
		c := Config{Spec: s, InFlight: 16, ReadShare: 0.5, EndSec: 1.2, Failure: &Failure{AtSec: 0.1, Node: 4, DetectSec: 0.3, PeeringSec: 0.1, OutSec: 0.1}}
		r := run(t, c)
		if max(r.Read.Max(), r.Write.Max()) < 0.35 || r.Resent == 0 || r.Stuck != 0 {
			t.Errorf("%s: slowest request %.3f s, %d resent, %d stuck: want some that wait from the loss until peering", profile, max(r.Read.Max(), r.Write.Max()), r.Resent, r.Stuck)
		}
		if r.Rebuilt != r.ToRebuild || r.Rebuilt == 0 {
			t.Errorf("%s: %d of %d objects rebuilt", profile, r.Rebuilt, r.ToRebuild)
		}
		// What two OSDs held, by the fill.
		held := 2 * s.Drive.Bytes * 0.95 * s.Fill
		near(t, profile+": bytes rebuilt", float64(r.RebuiltBytes), held, 0.25)
		c.Scheduler = HighRecovery
		if fast := run(t, c); fast.RebuildSec > r.RebuildSec*1.02 {
			t.Errorf("%s: rebuilt in %.3f s under high_recovery_ops, %.3f s balanced", profile, fast.RebuildSec, r.RebuildSec)
		}
	}
	// Two copies of three: with min_size 2 a second failure stops the groups that had both.
	s := spec(4, 1, "rep-3")
	r := run(t, Config{Spec: s, InFlight: 4, ReadShare: 0, EndSec: 0.2, Failure: &Failure{AtSec: 0.01, OSDs: []int{0, 1}, DetectSec: 0.01, PeeringSec: 0.01, OutSec: 1}})
	if r.Stuck == 0 {
		t.Error("no group of two lost copies stopped")
	}
}

// A pool that is full refuses new data; one that is not does not.
func TestFull(t *testing.T) {
	s := spec(4, 1, "rep-3")
	s.Drive.Bytes, s.Fill = 1<<30, 0.9
	c := Config{Spec: s, InFlight: 4, RequestBytes: 4 << 20, NewBytes: true, EndSec: 1}
	r := run(t, c)
	if r.Refused == 0 || r.FullOSDs == 0 || r.NearfullOSDs < r.FullOSDs {
		t.Errorf("refused %d, full %d, nearly full %d", r.Refused, r.FullOSDs, r.NearfullOSDs)
	}
	c.NewBytes = false
	if r := run(t, c); r.Refused != 0 {
		t.Errorf("overwrites: %d refused", r.Refused)
	}
}

// Disks acknowledge small writes from a log on flash until the throttle holds them: the long rate is the disk's.
func TestDeferred(t *testing.T) {
	s := spec(3, 1, "rep-3")
	s.Drive = storage.Drive{ID: "disk", Rotating: true, Bytes: 20e12, ReadBytesPerSec: 0.2e9, WriteBytesPerSec: 0.2e9, ReadIOPS: 100, WriteIOPS: 200, ReadLatencySec: 8e-3, WriteLatencySec: 8e-3}
	s.LogOnFlash = true
	one := run(t, Config{Spec: s, ClientHosts: 1, InFlight: 1, EndSec: 1})
	if one.Write.Mean() > 1e-3 {
		t.Errorf("a write alone takes %.3g s: it waits for the disk", one.Write.Mean())
	}
	c := Config{Spec: s, ClientHosts: 1, InFlight: 64, RequestBytes: 32768, EndSec: 200}
	r := run(t, c)
	// 128 MiB may be owed by each disk: 4,096 writes of 32 KiB.
	near(t, "long run", float64(r.Requests)-4096, analytic(t, s, storage.Write, 32768)*c.EndSec, 0.05)
}

// Fast erasure coding reads one shard where the classic path reads k, and writes fewer.
func TestFastEC(t *testing.T) {
	s := spec(8, 1, "ec-6+2")
	s.StripeUnitBytes = 16384
	for _, share := range []float64{0, 1} {
		c := Config{Spec: s, InFlight: 64, ReadShare: share, EndSec: 0.1, SpeedIOPS: 80e3}
		classic := run(t, c)
		c.FastEC = true
		if fast := run(t, c); float64(fast.Requests) < 1.4*float64(classic.Requests) {
			t.Errorf("share of reads %g: fast %d, classic %d requests", share, fast.Requests, classic.Requests)
		}
	}
}

// Every knob of a run moves its answer.
func TestKnobs(t *testing.T) {
	s := spec(6, 2, "rep-3")
	s.NodesPerRack, s.Fill = 2, 0.1
	base := Config{Spec: s, InFlight: 16, ReadShare: 0.5, RequestBytes: 65536, EndSec: 0.02}
	was := run(t, base)
	for name, turn := range map[string]func(*Config){
		"seed":             func(c *Config) { c.Seed = 9 },
		"hosts":            func(c *Config) { c.ClientHosts = 3 },
		"client port":      func(c *Config) { c.ClientNIC = 1e9 },
		"in flight":        func(c *Config) { c.InFlight = 32 },
		"pause":            func(c *Config) { c.ThinkSec = 1e-3 },
		"reads":            func(c *Config) { c.ReadShare = 1 },
		"bytes":            func(c *Config) { c.RequestBytes = 4096 },
		"oversubscription": func(c *Config) { c.Oversubscription = 8 },
		"scrub":            func(c *Config) { c.ScrubDays = 1e-4 },
		"requests":         func(c *Config) { c.Requests = 40 },
		"open loop":        func(c *Config) { c.InFlight, c.ArrivalsPerSec = 0, 1e4 },
	} {
		c := base
		turn(&c)
		if r := run(t, c); r.Hash == was.Hash {
			t.Errorf("%s moves nothing", name)
		}
	}
}

// An open loop that asks for more than the pool gives ends with a reason.
func TestOpenLoopBeyondCapacity(t *testing.T) {
	s := spec(3, 1, "rep-3")
	s.Cores = 1
	p, err := New(Config{Spec: s, ClientHosts: 1, ArrivalsPerSec: 2e7, ReadShare: 1, EndSec: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.Run(); err == nil || !strings.Contains(err.Error(), "open loop") {
		t.Error(err)
	}
}

// So many requests and no more: the last answer comes when the pool has served them.
func TestFiniteRun(t *testing.T) {
	s := spec(6, 2, "rep-3")
	c := Config{Spec: s, InFlight: 16, RequestBytes: 4 << 20, Requests: 200, EndSec: 10}
	r := run(t, c)
	if r.Requests != 1200 || r.InFlight != 0 {
		t.Fatalf("%d requests answered, %d in flight", r.Requests, r.InFlight)
	}
	near(t, "seconds", r.LastSec, 1200/analytic(t, s, storage.Write, 4<<20), 0.25)
	c.Failure = &Failure{AtSec: r.LastSec / 2, Node: 1, DetectSec: 1, PeeringSec: 0.5, OutSec: 100}
	if lost := run(t, c); lost.Requests != 1200 || lost.LastSec < c.Failure.AtSec+1.5 {
		t.Errorf("with a node lost: %d requests, the last at %.3f s", lost.Requests, lost.LastSec)
	}
}
