package storage

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

const fourMiB = 4 << 20

// Ports: N·B·η over the bytes that cross them, N = 20, B = 25 GB/s.
func TestNetworkBound(t *testing.T) {
	k := NominalConstants()
	const line = 20 * 25e9
	io := 6.0 * 4096 * 160 // whole stripes
	write := k.WriteEta.Value - k.WriteEtaFall.Value*math.Log(20.0/3)
	for _, c := range []struct {
		profile string
		op      Op
		bytes   float64 // per client byte, the busier direction
		eta     float64
	}{
		{"rep-3", Read, 1, k.ReadEta.Value},
		{"rep-3", Write, 3, write},
		{"rep-2", Write, 2, write},
		{"ec-6+2", Read, 1 + 5.0/6, k.ReadEta.Value},
		{"ec-6+2", Write, 1 + 7.0/6, write},
	} {
		spec := testSpec()
		spec.Profile = c.profile
		spec.Cores, spec.CoreFactor, spec.Drive = 1000, 10, spec.Drive.scaled(100)
		got := rate(t, alone(t, mustCeph(t, spec)), c.op, 64, io)
		near(t, c.profile+" "+c.op.String(), got, line*c.eta/c.bytes, 1e-9)
	}
}

// Cores: 20 nodes of 4, three copies of 4 MiB at 1.75 core-s/GB and copy: 80/(3·1.75) GB/s.
func TestCPUBound(t *testing.T) {
	spec := testSpec()
	spec.Cores = 4
	got := rate(t, alone(t, mustCeph(t, spec)), Write, 64, fourMiB)
	near(t, "three copies on 80 cores", got, 80/(3*1.75)*1e9, 1e-9)
	// 4 KiB reads: 7,500 per core and second.
	got = rate(t, alone(t, mustCeph(t, spec)), Read, 64, 4096)
	near(t, "4 KiB reads on 80 cores", got/4096, 80/133e-6, 1e-9)
	spec.CoreFactor = 1.5
	got = rate(t, alone(t, mustCeph(t, spec)), Read, 64, 4096)
	near(t, "faster cores", got/4096, 1.5*80/133e-6, 1e-9)
}

// Drives: 200 disks of 0.2 GB/s and 100 accesses a second write 4 MiB in
// 10 ms + 20.97 ms; three copies and the fullest disk set the rate.
func TestDriveBound(t *testing.T) {
	spec := testSpec()
	spec.Drive = Drive{ID: "disk", Rotating: true, Bytes: 20e12, ReadBytesPerSec: 0.2e9, WriteBytesPerSec: 0.2e9, ReadIOPS: 100, WriteIOPS: 100, ReadLatencySec: 8e-3, WriteLatencySec: 8e-3}
	s := mustCeph(t, spec)
	access := 0.01 + (fourMiB+13.6e3)/0.2e9
	want := 200 / (3 * access * s.Capacity().WorstShare) * fourMiB
	near(t, "disks", rate(t, alone(t, s), Write, 64, fourMiB), want, 1e-9)
	stages, err := s.Ceilings(Write, nodes(64), fourMiB)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := Narrowest(stages); n.Key != KeyDrives {
		t.Errorf("narrowest stage %+v, want the drives", n)
	}
}

// One change that cannot hurt never slows a pool down, whatever it is built of.
func TestMoreIsNeverSlower(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		spec := testSpec()
		spec.Profile = rapid.SampledFrom([]string{"rep-2", "rep-3", "ec-2+2", "ec-4+2", "ec-6+2"}).Draw(rt, "profile")
		spec.Nodes = rapid.IntRange(8, 120).Draw(rt, "nodes")
		spec.DrivesPerNode = rapid.IntRange(1, 24).Draw(rt, "drives")
		spec.NICBytesPerSec = rapid.Float64Range(1e9, 100e9).Draw(rt, "nic")
		spec.Cores = rapid.IntRange(2, 128).Draw(rt, "cores")
		spec.Drive.WriteBytesPerSec = rapid.Float64Range(0.1e9, 10e9).Draw(rt, "bandwidth")
		spec.PGs = 1 << rapid.IntRange(5, 14).Draw(rt, "pgs")
		op := Op(rapid.IntRange(0, 1).Draw(rt, "op"))
		size := float64(int(4096) << rapid.IntRange(0, 12).Draw(rt, "size"))
		before := rate(t, alone(t, mustCeph(t, spec)), op, 16, size)
		what := rapid.SampledFrom([]string{"nodes", "drives", "nic", "cores", "core", "bandwidth"}).Draw(rt, "more")
		switch what {
		case "nodes":
			spec.Nodes++
		case "drives":
			spec.DrivesPerNode++
		case "nic":
			spec.NICBytesPerSec *= 1.3
		case "cores":
			spec.Cores++
		case "core":
			spec.CoreFactor = 1.2
		case "bandwidth":
			spec.Drive = spec.Drive.scaled(1.1)
		}
		after := rate(t, alone(t, mustCeph(t, spec)), op, 16, size)
		if after < before*(1-1e-12) {
			rt.Errorf("more %s: %g → %g B/s", what, before, after)
		}
	})
}

// Every part that binds moves the answer, by as much as it is changed, and a
// part that does not bind leaves it.
func TestScaledMovesTheNarrowest(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*CephSpec)
		f      Scaling
	}{
		{"network", func(*CephSpec) {}, Scaling{Network: 1.1}},
		{"cpu", func(s *CephSpec) { s.Cores = 8 }, Scaling{CPU: 1.1}},
		{"drives", func(s *CephSpec) { s.Drive = s.Drive.scaled(0.05) }, Scaling{Drives: 1.1}},
	} {
		spec := testSpec()
		c.change(&spec)
		s := mustCeph(t, spec)
		base := rate(t, alone(t, s), Write, 64, fourMiB)
		more, err := s.Scaled(c.f)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name, rate(t, alone(t, more), Write, 64, fourMiB)/base, 1.1, 1e-9)
		other := Scaling{Drives: 1.1, Network: 1.1, CPU: 1.1}
		switch {
		case c.f.Drives > 0:
			other.Drives = 1
		case c.f.Network > 0:
			other.Network = 1
		case c.f.CPU > 0:
			other.CPU = 1
		}
		free, _ := s.Scaled(other)
		near(t, "all but "+c.name, rate(t, alone(t, free), Write, 64, fourMiB)/base, 1, 1e-9)
	}
	if _, err := mustCeph(t, testSpec()).Scaled(Scaling{CPU: -1}); err == nil {
		t.Error("a negative factor was accepted")
	}
}

func TestProtectionOrder(t *testing.T) {
	w := map[string]float64{}
	r := map[string]float64{}
	for _, p := range []string{"rep-2", "rep-3", "ec-6+2"} {
		spec := testSpec()
		spec.Profile = p
		s := alone(t, mustCeph(t, spec))
		w[p], r[p] = rate(t, s, Write, 64, fourMiB), rate(t, s, Read, 64, fourMiB)
	}
	if !(w["rep-3"] < w["rep-2"]) || !(w["rep-3"] < w["ec-6+2"]) || !(r["ec-6+2"] < r["rep-3"]) {
		t.Errorf("writes %v reads %v: want large writes rep-3 < rep-2 and < ec-6+2, large reads ec-6+2 < rep-3", w, r)
	}
	near(t, "rep-3 over rep-2 writes, bound by ports", w["rep-3"]/w["rep-2"], 2.0/3, 1e-9)
}

// Depth-1 latencies that the constants come from (ceph.io 2023) and their growth.
func TestLatency(t *testing.T) {
	spec := CephSpec{ID: "reef", Nodes: 10, DrivesPerNode: 6, Drive: pm983(), NICBytesPerSec: 12.5e9, Cores: 64, Profile: "rep-3"}
	s := mustCeph(t, spec)
	at := func(op Op, load float64) float64 {
		v, err := s.Latency(op, 4096, load)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	near(t, "4 KiB read", at(Read, 0), 0.13e-3, 0.03)
	near(t, "4 KiB write", at(Write, 0), 0.417e-3, 0.03)
	// M/D/1: the wait at 0.9 is nine times that at 0.5, s·ρ/(2(1−ρ)).
	near(t, "wait", (at(Read, 0.9)-at(Read, 0))/(at(Read, 0.5)-at(Read, 0)), 9, 1e-9)
	for _, bad := range []float64{-0.1, 1, math.NaN()} {
		if _, err := s.Latency(Read, 4096, bad); err == nil {
			t.Errorf("load %g was accepted", bad)
		}
	}
	spec.Profile = "rep-1"
	one, _ := mustCeph(t, spec).Latency(Write, 4096, 0)
	if one >= at(Write, 0) {
		t.Errorf("one copy %g s, three %g s", one, at(Write, 0))
	}
}

func pm983() Drive {
	return Drive{ID: "nvme3-pm983", Bytes: 3.84e12, ReadBytesPerSec: 3.2e9, WriteBytesPerSec: 2e9, ReadIOPS: 540e3, WriteIOPS: 50e3,
		ReadLatencySec: 77e-6, WriteLatencySec: 18e-6, ActiveWatts: 8.7, IdleWatts: 4}
}

func TestPowerAndDevices(t *testing.T) {
	spec := testSpec()
	spec.Server, spec.NodeMaxWatts = "storage-nvme-24", 600
	s := mustCeph(t, spec)
	near(t, "full", s.Watts(1), 20*600+200*14, 1e-12)
	near(t, "idle", s.Watts(0), 20*600*0.45+200*4, 1e-12)
	d := s.Devices()
	if len(d) != 2 || d[0] != (Device{"storage server", "storage-nvme-24", 20, false}) || d[1] != (Device{"drive", "test", 200, false}) {
		t.Errorf("devices %+v", d)
	}
	if len(s.Assumptions()) < 15 {
		t.Errorf("%d assumptions", len(s.Assumptions()))
	}
}

// Disks with their log on flash write a small block in DeferredAccess accesses, with the log on the
// disk in DeferredLog times as many.
func TestDeferredWrites(t *testing.T) {
	k := NominalConstants()
	spec := testSpec()
	spec.Drive = Drive{ID: "disk", Rotating: true, Bytes: 20e12, ReadBytesPerSec: 0.2e9, WriteBytesPerSec: 0.2e9, ReadIOPS: 100, WriteIOPS: 100, ReadLatencySec: 8e-3, WriteLatencySec: 8e-3}
	s := mustCeph(t, spec)
	access := (0.01 + (4096+13.6e3)/0.2e9) * k.DeferredAccess.Value
	want := 200 / (3 * access * s.Capacity().WorstShare) * 4096
	near(t, "log on the disk", rate(t, alone(t, s), Write, 64, 4096), want/k.DeferredLog.Value, 1e-9)
	spec.LogOnFlash = true
	near(t, "log on flash", rate(t, alone(t, mustCeph(t, spec)), Write, 64, 4096), want, 1e-9)
}
