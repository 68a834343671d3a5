package benchmark

import (
	"math"
	"testing"

	"aisim/workloads/serving"
)

func play(t testing.TB, c Config) *serving.Outcome {
	t.Helper()
	r, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	return r.Outcome
}

// TestWorkersDoNotMatter holds that the answer is the same to the bit on any number of
// workers, in both modes and for fleets of any size.
func TestWorkersDoNotMatter(t *testing.T) {
	for _, n := range []int{1, 3, 64, 500} {
		for _, every := range []bool{false, true} {
			one := play(t, Config{Replicas: n, Workers: 1, EveryStep: every, Requests: 30_000})
			for _, w := range []int{2, 5} {
				o := play(t, Config{Replicas: n, Workers: w, EveryStep: every, Requests: 30_000})
				if o.Digest != one.Digest || o.Events != one.Events || o.TTFT.P99 != one.TTFT.P99 || o.E2E.Mean != one.E2E.Mean {
					t.Errorf("%d replicas, every step %v: %d workers gave %x in %d events, one %x in %d", n, every, w, o.Digest, o.Events, one.Digest, one.Events)
				}
			}
		}
	}
}

// TestCoalescingIsExact holds the percentiles of runs played as one event against those of
// every step played: within a microsecond, what is left being rounding.
func TestCoalescingIsExact(t *testing.T) {
	for _, n := range []int{1, 16} {
		runs, steps := play(t, Config{Replicas: n, Workers: 2, Requests: 50_000}), play(t, Config{Replicas: n, Workers: 2, EveryStep: true, Requests: 50_000})
		if runs.Steps != steps.Steps || runs.Events >= steps.Events {
			t.Errorf("%d replicas: %d steps in %d events, by step %d in %d", n, runs.Steps, runs.Events, steps.Steps, steps.Events)
		}
		for _, d := range []struct {
			name string
			a, b *serving.Distribution
		}{{"ttft", &runs.TTFT, &steps.TTFT}, {"tpot", &runs.TPOT, &steps.TPOT}, {"e2e", &runs.E2E, &steps.E2E}, {"queue", &runs.Queue, &steps.Queue}} {
			for p := 0.0; p <= 1; p += 1.0 / 64 {
				if a, b := d.a.Quantile(p), d.b.Quantile(p); math.Abs(a-b) > 1e-6 {
					t.Errorf("%d replicas: %s at %.3f is %v s coalesced, %v s by step", n, d.name, p, a, b)
				}
			}
		}
	}
}

// TestLoadIsWhatItSays: 80 % of saturation, and a replica less than busy.
func TestLoadIsWhatItSays(t *testing.T) {
	r, err := Run(Config{Replicas: 8, Workers: 1, Requests: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Outcome.OfferedPerSec / (8 * r.PerReplica); math.Abs(got-Load) > 0.01 { // 1/√n of the gaps is 0.3 %
		t.Errorf("load is %.3f of saturation, want %v", got, Load)
	}
	if u := r.Outcome.Utilisation; !(u > Load-0.1 && u < 1) {
		t.Errorf("utilisation %.3f", u)
	}
}

func BenchmarkServing(b *testing.B) {
	for b.Loop() {
		play(b, Config{Replicas: 64, Workers: 1})
	}
}
