package loader

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aisim/sim"
)

func play(t testing.TB, c Config) *Result {
	t.Helper()
	r, err := Run(c)
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

func training(n int) Config {
	w, _ := Find("unet3d")
	step, _ := w.StepSec("h100")
	return Config{Workload: w, StepSec: step, Accelerators: n, Pipeline: Pipeline{Framework: PyTorch, Workers: 4}, Store: Store{BytesPerSec: 1e15, StreamBytes: 1e15}, EndSec: 60, Seed: 1}
}

// Where nothing binds AU is 1; behind a store of X samples per second n accelerators reach X/(n·ideal), the closed form
// of Utilisation.
func TestRunAgainstClosedForm(t *testing.T) {
	c := training(8)
	near(t, "free", play(t, c).Utilisation, 1, 1e-6)
	for _, framework := range []Framework{PyTorch, TFData} {
		for _, n := range []int{4, 16, 64} {
			c := training(n)
			c.Workload.RecordSDBytes, c.EndSec = 0, 300
			c.Pipeline.Framework = framework
			c.Store = Store{BytesPerSec: 50e9}
			ideal := float64(n*c.Workload.Batch) / c.StepSec
			want := math.Min(1, c.Store.BytesPerSec/c.Workload.RecordBytes/ideal)
			near(t, string(framework)+" behind the store", play(t, c).Utilisation, want, 0.03)
		}
	}
}

// Decoding alone: workers over the core time of a sample, no faster than cores allow.
func TestDecodeBound(t *testing.T) {
	for _, cores := range []float64{0, 2} {
		c := training(4)
		c.Pipeline.DecodeSec, c.Pipeline.Cores = 1, cores
		one := c.Pipeline.SamplesPerSec(&c.Workload, &c.Store)
		near(t, "rate of one loader", one, map[float64]float64{0: 4, 2: 2}[cores], 1e-6)
		c.EndSec = 400
		near(t, "samples per second", play(t, c).SamplesPerSec, 4*one, 0.03)
	}
}

// A worker of PyTorch that decodes slowly holds the batches behind its own; workers that share batches wait less.
func TestHeadOfLine(t *testing.T) {
	c := training(8)
	c.Pipeline.DecodeSec, c.Pipeline.DecodeSpread, c.Pipeline.Prefetch = 0.15, 3, 1
	c.EndSec = 200
	ordered := play(t, c)
	c.Pipeline.Framework, c.Pipeline.Prefetch = TFData, 4
	if shared := play(t, c); shared.Utilisation <= ordered.Utilisation {
		t.Errorf("shared batches %.4f, whole batches %.4f", shared.Utilisation, ordered.Utilisation)
	}
	c.Pipeline.Prefetch = 1
	if short := play(t, c); short.Utilisation >= 1 {
		t.Errorf("prefetch of one batch hides all: %.4f", short.Utilisation)
	}
}

// The barrier makes all wait for the slowest: utilisation falls with accelerators, though the store is idle.
func TestBarrier(t *testing.T) {
	w, _ := Find("cosmoflow")
	step, _ := w.StepSec("h100")
	c := Config{Workload: w, StepSec: step, Accelerators: 4, Pipeline: Pipeline{Framework: TFData, Workers: 1, Prefetch: 1}, Store: Store{BytesPerSec: 1e14, LatencySec: 3e-3}, EndSec: 5}
	few := play(t, c)
	c.Accelerators = 64
	many := play(t, c)
	c.NoBarrier = true
	free := play(t, c)
	if !(many.Utilisation < few.Utilisation && few.Utilisation < free.Utilisation) {
		t.Errorf("4: %.3f, 64: %.3f, 64 without barrier: %.3f", few.Utilisation, many.Utilisation, free.Utilisation)
	}
}

// A cache before the store takes its share of the reads.
func TestCacheInPath(t *testing.T) {
	c := training(32)
	c.Store.BytesPerSec = 20e9
	c.HitRatio, c.LocalBytes = 0.5, 100e9
	near(t, "half the reads", play(t, c).Utilisation, 2*20e9/c.Workload.RecordBytes/(32*7/c.StepSec), 0.05)
}

// HitRatio of LRU under new permutations against an LRU played sample by sample.
func TestHitRatio(t *testing.T) {
	const n = 2000
	draw := sim.NewStream(3, "epochs")
	for _, c := range []float64{0.2, 0.5, 0.9} {
		var recent []int // least recent first
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		hits := 0
		for epoch := range 4 {
			for i := n - 1; i > 0; i-- {
				j := draw.Intn(i + 1)
				order[i], order[j] = order[j], order[i]
			}
			for _, s := range order {
				if at := slices.Index(recent, s); at >= 0 {
					recent = slices.Delete(recent, at, at+1)
					if epoch > 0 {
						hits++
					}
				} else if len(recent) == int(c*n) {
					recent = slices.Delete(recent, 0, 1)
				}
				recent = append(recent, s)
			}
		}
		want, err := HitRatio(LRU, Shuffled, c, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(hits) / (3 * n); math.Abs(got-want) > 0.02 {
			t.Errorf("cache of %g: LRU hits %.3f, formula %.3f", c, got, want)
		}
	}
	for _, c := range []struct {
		p           Policy
		o           Order
		cache, want float64
		epoch       int
	}{{LRU, Sequential, 0.99, 0, 1}, {LRU, Sequential, 1, 1, 1}, {Pinned, Shuffled, 0.3, 0.3, 2}, {Pinned, Shuffled, 0.3, 0, 0}} {
		if got, err := HitRatio(c.p, c.o, c.cache, 1, c.epoch); err != nil || got != c.want {
			t.Errorf("%+v: %g, %v", c, got, err)
		}
	}
}

func TestRunRefusals(t *testing.T) {
	for word, turn := range map[string]func(*Config){
		"framework":    func(c *Config) { c.Pipeline.Framework = "keras" },
		"workers":      func(c *Config) { c.Pipeline.Workers = 0 },
		"accelerators": func(c *Config) { c.Accelerators = 0 },
		"steps":        func(c *Config) { c.StepSec = 0 },
		"store":        func(c *Config) { c.Store.BytesPerSec = 0 },
		"a cache":      func(c *Config) { c.HitRatio = 2 },
		"samples":      func(c *Config) { c.Workload.Batch = 0 },
	} {
		c := training(2)
		turn(&c)
		if _, err := Run(c); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// BenchmarkThousand is a minute of MLPerf Storage on 1,000 accelerators.
func BenchmarkThousand(b *testing.B) {
	for _, w := range Workloads() {
		b.Run(w.Name, func(b *testing.B) {
			step, _ := w.StepSec("h100")
			framework := TFData
			if w.Name == "unet3d" {
				framework = PyTorch
			}
			for b.Loop() {
				r := play(b, Config{Workload: w, StepSec: step, Accelerators: 1000, Pipeline: Pipeline{Framework: framework, Workers: w.ReadThreads}, Store: Store{BytesPerSec: 500e9, LatencySec: 1e-3, StreamBytes: 2e9}, EndSec: 60})
				b.ReportMetric(r.Utilisation, "AU")
				b.ReportMetric(float64(r.Events), "events")
			}
		})
	}
}
