package provision

import (
	"math"
	"testing"

	"aisim/sim"
)

var chain = Chain{CapacitySec: 5, RequestSec: 2, BootSec: 90, DriverSec: 10, StartSec: 2, ImageBytes: 12e9, RegistryBytesPerSec: 2e9, NodeBytesPerSec: 0.5e9}

// Up to four nodes pull as fast as they unpack, beyond that the registry is shared.
func TestReadyTogether(t *testing.T) {
	for n, pull := range map[int]float64{1: 24, 4: 24, 8: 48, 100: 600} {
		if got := chain.ReadySec(n); math.Abs(got-109-pull) > 1e-9 {
			t.Errorf("%d nodes: ready after %g s, want %g", n, got, 109+pull)
		}
		for _, at := range chain.Ready(make([]float64, n)) {
			if math.Abs(at-109-pull) > 1e-6 {
				t.Fatalf("%d nodes: one is ready after %g s, want %g", n, at, 109+pull)
			}
		}
	}
	bare := Chain{BootSec: 3}
	if got := bare.Ready([]float64{1, 2}); got[0] != 4 || got[1] != 5 {
		t.Errorf("nodes without an image are ready at %v", got)
	}
}

// A second pull halves the rate of the first while both are under way, by hand: one alone
// for 6 s, then both at 1 GB/s, then the second alone.
func TestPullsShareTheRegistry(t *testing.T) {
	c := Chain{ImageBytes: 12e9, RegistryBytesPerSec: 1e9, NodeBytesPerSec: 1e9}
	got := c.Ready([]float64{0, 6})
	if math.Abs(got[0]-18) > 1e-9 || math.Abs(got[1]-24) > 1e-9 {
		t.Errorf("ready at %v, want 18 and 24 s", got)
	}
}

// Requests at random share the registry as M/D/1 with processor sharing: the mean time
// of a pull is S/(1−ρ) whatever its length's distribution.
func TestPullsAreProcessorSharing(t *testing.T) {
	const load = 0.6
	c := Chain{ImageBytes: 1e9, RegistryBytesPerSec: 1e9, NodeBytesPerSec: 1e9}
	asked := make([]float64, 200_000)
	rng, now := sim.NewStream(1, "pulls"), 0.0
	for i := range asked {
		now += rng.Exp(1 / load)
		asked[i] = now
	}
	sum := 0.0
	for i, at := range c.Ready(asked) {
		sum += at - asked[i]
	}
	if mean := sum / float64(len(asked)); math.Abs(mean*(1-load)-1) > 0.02 {
		t.Errorf("a pull takes %g s on average, want %g", mean, 1/(1-load))
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []Chain{{BootSec: -1}, {ImageBytes: 1}, {ImageBytes: 1, NodeBytesPerSec: 1}} {
		if c.Check() == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
