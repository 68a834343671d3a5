package storage

import (
	"math"
	"strings"
	"testing"

	"aisim/sim"
)

func TestPGCount(t *testing.T) {
	for _, c := range []struct{ osds, width, want int }{
		{60, 3, 2048},   // 2,000
		{680, 8, 8192},  // 8,500
		{630, 3, 16384}, // 21,000 lies nearer to 16,384 than to 32,768
		{1, 10, 8},
	} {
		if got := PGCount(c.osds, c.width); got != c.want {
			t.Errorf("%d OSDs of width %d: %d placement groups, want %d", c.osds, c.width, got, c.want)
		}
	}
}

// Blom's formula against a fair draw: 1,000 OSDs with 100 placement groups each.
func TestWorstShareAgainstDraws(t *testing.T) {
	const osds, each, tries = 1000, 100, 40
	s := sim.NewStream(1, "storage.placement")
	var sum float64
	for range tries {
		var count [osds]int
		worst := 0
		for range osds * each {
			i := s.Intn(osds)
			count[i]++
			worst = max(worst, count[i])
		}
		sum += float64(worst) / each
	}
	// The binomial's right tail is a little longer than the normal's: 2 % at 100 per OSD.
	near(t, "worst share", WorstShare(each, osds), sum/tries, 0.02)
	near(t, "worst share, published +33 %", WorstShare(each, osds), 1.33, 0.01)
	near(t, "balanced", BalancedShare(each, osds), 1.05, 1e-12)
}

func TestWorstShareEdges(t *testing.T) {
	if WorstShare(100, 1) != 1 || WorstShare(0, 10) != 1 || BalancedShare(100, 1) != 1 {
		t.Error("one OSD or no placement groups: the share must be 1")
	}
	if a, b := BalancedShare(4, 2), WorstShare(4, 2); a != b || math.IsNaN(a) {
		t.Errorf("two OSDs: %g balanced, %g not; five groups of deviation are out of reach", a, b)
	}
}

func TestRefusesImpossiblePlacement(t *testing.T) {
	spec := testSpec()
	for _, c := range []struct {
		name   string
		change func(*CephSpec)
		want   []string
	}{
		{"hosts", func(s *CephSpec) { s.Nodes, s.Profile = 7, "ec-6+2" }, []string{`"pool"`, "6 + 2 = 8 shards need 8 hosts", "7 < 8"}},
		{"racks", func(s *CephSpec) { s.Nodes, s.Profile, s.FailureDomain = 68, "ec-6+2", "rack" }, []string{"ceil(68/16) = 5", "5 < 8", "113 or more hosts"}},
		{"domain", func(s *CephSpec) { s.FailureDomain = "room" }, []string{`"room"`, "host, rack"}},
		{"profile", func(s *CephSpec) { s.Profile = "raid-6" }, []string{`"raid-6"`, "rep-N", "ec-K+M"}},
		{"nodes", func(s *CephSpec) { s.Nodes = 0 }, []string{"nodes 0"}},
		{"drives", func(s *CephSpec) { s.DrivesPerNode = -1 }, []string{"drives per node -1"}},
		{"nic", func(s *CephSpec) { s.NICBytesPerSec = math.NaN() }, []string{"NIC rate"}},
		{"cores", func(s *CephSpec) { s.Cores = 0 }, []string{"cores 0"}},
		{"fill", func(s *CephSpec) { s.Fill = 0.96 }, []string{"fill 0.96", "0 to 0.95"}},
		{"full", func(s *CephSpec) { s.FullRatio = 1.5 }, []string{"full ratio 1.5"}},
		{"object", func(s *CephSpec) { s.ObjectBytes = 100 }, []string{"object size 100"}},
		{"stripe", func(s *CephSpec) { s.StripeUnitBytes = 5000 }, []string{"stripe unit 5000", "multiple of 4096"}},
		{"drive", func(s *CephSpec) { s.Drive.WriteBytesPerSec = 0 }, []string{`drive "test"`, "bandwidth"}},
		{"power", func(s *CephSpec) { s.NodeMaxWatts, s.NodeIdleWatts = 100, 200 }, []string{"idle 200 W"}},
	} {
		s := spec
		c.change(&s)
		_, err := NewCeph(s)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", c.name, err, w)
			}
		}
	}
}

func TestCapacity(t *testing.T) {
	spec := testSpec()
	rep := mustCeph(t, spec).Capacity()
	spec.Profile = "ec-6+2"
	ec := mustCeph(t, spec).Capacity()
	spec.BalancerOff = true
	uneven := mustCeph(t, spec).Capacity()
	if rep.RawBytes != 200*8e12 {
		t.Errorf("raw %g", rep.RawBytes)
	}
	near(t, "three copies", rep.UsableBytes, 200*8e12/3*0.95/rep.WorstShare, 1e-12)
	near(t, "6+2 against three copies", ec.UsableBytes*ec.WorstShare/(rep.UsableBytes*rep.WorstShare), 0.75*3, 1e-12)
	if uneven.UsableBytes >= ec.UsableBytes {
		t.Errorf("without the balancer %g ≥ %g", uneven.UsableBytes, ec.UsableBytes)
	}
	spec.Fill = 0.9
	s := mustCeph(t, spec)
	if err := s.Holds("checkpoint", s.UsableBytes()*0.2); err == nil || !strings.Contains(err.Error(), "short by") {
		t.Errorf("0.2 of a pool that is 0.9 full: %v", err)
	}
	if err := s.Holds("checkpoint", s.UsableBytes()*0.09); err != nil {
		t.Error(err)
	}
}
