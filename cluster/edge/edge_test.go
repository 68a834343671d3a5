package edge

import (
	"math"
	"testing"

	"aisim/sim"
)

// The wait on the link against Lindley's recursion for Poisson arrivals.
func TestLinkAgainstSimulation(t *testing.T) {
	const bytes, link = 110e3, 125e6
	for _, rho := range []float64{0.3, 0.5, 0.8} {
		rate := rho * link / bytes
		s := sim.NewStream(1, "link")
		const n = 2_000_000
		now, free, sum := 0.0, 0.0, 0.0
		for range n {
			now += s.Exp(1 / rate)
			free = math.Max(now, free) + bytes/link
			sum += free - now
		}
		want := sum / n
		if got := LinkSec(bytes, link, rate); math.Abs(got/want-1) > 0.02 {
			t.Errorf("at %g of the link: %g s, simulated %g s", rho, got, want)
		}
	}
	if !math.IsInf(LinkSec(1, 1, 1), 1) {
		t.Error("a full link has a finite wait")
	}
}

func TestOutage(t *testing.T) {
	per, buffer, catch := Outage(0.999, 3600, 10e6, 50e6)
	if math.Abs(per-8.76) > 0.01 || buffer != 36e9 || catch != 900 {
		t.Errorf("%g a year, %g B, %g s", per, buffer, catch)
	}
}

func TestRollout(t *testing.T) {
	// One of 100 sites, then 10, then all; 1 GB over 1 MB/s, the source sends 20 MB/s.
	got := RolloutSec([]float64{0.01, 0.1, 1}, 3600, 1e9, 100, 1e6, 20e6)
	want := 3*3600 + 1000.0 + 1000 + 1e9/(20e6/90)
	if math.Abs(got-want) > 1e-6 {
		t.Errorf("%g s, want %g", got, want)
	}
	if more := RolloutSec([]float64{0.01, 0.1, 1}, 3600, 1e9, 1000, 1e6, 20e6); more <= got {
		t.Errorf("ten times the sites: %g s after %g", more, got)
	}
}
