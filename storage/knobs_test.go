package storage

import (
	"testing"

	"aisim/hardware"
)

// fingerprint is everything that a pool answers.
func fingerprint(t *testing.T, spec CephSpec) [10]float64 {
	s := alone(t, mustCeph(t, spec))
	lat := func(op Op) float64 {
		v, err := s.Latency(op, 64<<10, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return [10]float64{
		rate(t, s, Read, 8, 32<<20), rate(t, s, Write, 8, 32<<20), rate(t, s, Read, 8, 4096), rate(t, s, Write, 8, 4096),
		s.UsableBytes(), s.Capacity().FreeBytes, s.Watts(0.5), lat(Read), lat(Write), float64(len(s.Warnings())),
	}
}

// Every field that should matter does: a knob that does nothing is a fault.
func TestEveryKnobMoves(t *testing.T) {
	base := testSpec()
	base.NodeMaxWatts, base.Profile, base.Cores = 600, "ec-6+2", 24
	was := fingerprint(t, base)
	for name, turn := range map[string]func(*CephSpec){
		"nodes":         func(s *CephSpec) { s.Nodes++ },
		"drives":        func(s *CephSpec) { s.DrivesPerNode++ },
		"drive size":    func(s *CephSpec) { s.Drive.Bytes *= 2 },
		"drive read":    func(s *CephSpec) { s.Drive.ReadBytesPerSec /= 2 },
		"drive write":   func(s *CephSpec) { s.Drive.WriteBytesPerSec /= 2 },
		"drive iops":    func(s *CephSpec) { s.Drive.WriteIOPS /= 50 },
		"drive latency": func(s *CephSpec) { s.Drive.ReadLatencySec *= 2 },
		"drive power":   func(s *CephSpec) { s.Drive.ActiveWatts *= 2 },
		"nic":           func(s *CephSpec) { s.NICBytesPerSec *= 2 },
		"cores":         func(s *CephSpec) { s.Cores *= 2 },
		"core factor":   func(s *CephSpec) { s.CoreFactor = 2 },
		"profile":       func(s *CephSpec) { s.Profile = "ec-4+2" },
		"pgs":           func(s *CephSpec) { s.PGs = 4096 },
		"balancer":      func(s *CephSpec) { s.BalancerOff = true },
		"object":        func(s *CephSpec) { s.ObjectBytes = 1 << 20 },
		"stripe unit":   func(s *CephSpec) { s.StripeUnitBytes = 64 << 10 },
		"full ratio":    func(s *CephSpec) { s.FullRatio = 0.8 },
		"fill":          func(s *CephSpec) { s.Fill = 0.5 },
		"log on flash":  func(s *CephSpec) { s.Drive.Rotating, s.Drive.WriteIOPS, s.LogOnFlash = true, 200, true },
		"gateway":       func(s *CephSpec) { s.Gateway = true },
		"colocated":     func(s *CephSpec) { s.Colocated = true },
		"power":         func(s *CephSpec) { s.NodeMaxWatts = 700 },
		"idle power":    func(s *CephSpec) { s.NodeIdleWatts = 100 },
	} {
		spec := base
		turn(&spec)
		if fingerprint(t, spec) == was {
			t.Errorf("%s moves nothing", name)
		}
	}
	spec := base
	spec.FailureDomain = DomainRack
	if _, err := NewCeph(spec); err == nil {
		t.Error("8 shards in 2 racks were accepted")
	}
	spec.NodesPerRack = 2
	if _, err := NewCeph(spec); err != nil {
		t.Error(err)
	}
}

// Every constant is drawn under its own name and moves an answer of some pool.
func TestEveryConstantMoves(t *testing.T) {
	nominal := NominalConstants()
	var names []string
	for _, p := range nominal.all() {
		names = append(names, p.Name)
		if p.Source == "" || p.Unit == "" || !(p.RelSD > 0) || p.Kind == "" {
			t.Errorf("constant %q lacks source, unit, kind or uncertainty", p.Name)
		}
	}
	bases := []CephSpec{testSpec(), testSpec(), testSpec(), testSpec(), testSpec()}
	bases[1].Profile, bases[1].Cores = "ec-6+2", 4
	bases[2].Gateway, bases[2].Cores = true, 4
	bases[3].Colocated = true
	bases[4].Cores, bases[4].DrivesPerNode, bases[4].Drive = 1000, 1, bases[4].Drive.scaled(0.05)
	bases = append(bases, bases[4], testSpec(), testSpec())
	bases[7].Gateway, bases[7].Cores = true, 500
	bases = append(bases, bases[7], testSpec())
	bases[8].Colocated = true
	bases[9].Drive.Rotating, bases[9].Drive.WriteIOPS = true, 200
	bases[5].Drive = testDrive().scaled(100)
	bases[6].Cores, bases[6].DrivesPerNode = 1000, 100
	for _, name := range names {
		if name == "wire_eta" {
			continue // of links; see TestClientBound
		}
		k := nominal.Draw(func(n string, v hardware.Value) float64 {
			if n == name {
				return v.V * 0.9
			}
			return v.V
		})
		moved := false
		for _, b := range bases {
			was := fingerprint(t, b)
			b.Constants = &k
			moved = moved || fingerprint(t, b) != was
		}
		if !moved {
			t.Errorf("%s moves nothing", name)
		}
	}
}
