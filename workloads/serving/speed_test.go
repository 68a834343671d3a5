package serving

import (
	"runtime"
	"testing"
	"time"

	"aisim/hardware"
	"aisim/internal/measured"
	"aisim/sim"
	"aisim/workloads/arrivals"
	"aisim/workloads/trace"
)

// chat is the service of the built-in scenario: Llama 3.1 70B, TP 8 on H100.
func chat(t testing.TB, replicas int) (Config, Machine) {
	return Config{Arch: arch(t, "llama3.1-70b"), Engine: engine(t, "vllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16,
		TP: 8, Replicas: replicas, Router: LeastOutstanding, SLO: SLO{TTFTSec: 0.5, TPOTSec: 0.05}}, Machine{Device: device(t, "nvidia-h100-sxm")}
}

func azureConv(t testing.TB) []Request {
	tr, err := trace.ReadFile(measured.Path(t, "inference/azure-llm-2023/AzureLLMInferenceTrace_conv.csv"), trace.Azure, trace.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return tr.Requests
}

// convLike is a load like the conversation trace, for machines without it.
func convLike(t testing.TB, rate, seconds float64) []Request {
	reqs, err := arrivals.Generate(arrivals.Spec{Process: arrivals.AzureConv, RatePerSec: rate, DurationSec: seconds}, sim.NewStream(1, "speed"))
	if err != nil {
		t.Fatal(err)
	}
	return reqs
}

// TestSpeed asks for 200,000 requests per second of one core on the conversation
// trace at moderate load, outcome included; best of five, since other work
// may share the core.
func TestSpeed(t *testing.T) {
	if testing.Short() || raceEnabled || checked {
		t.Skip("speed is not measured in short mode or under the race detector")
	}
	reqs := azureConv(t)
	c, m := chat(t, 2)
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	best := 0.0
	for range 5 {
		start := time.Now()
		if _, err := p.Simulate(reqs, Options{}); err != nil {
			t.Fatal(err)
		}
		best = max(best, float64(len(reqs))/time.Since(start).Seconds())
	}
	t.Logf("%.0f requests/s", best)
	if best < 200_000 {
		t.Errorf("%.0f requests/s, want at least 200,000", best)
	}
}

// TestEventsDoNotAllocate: four times the requests, hardly more allocations.
// What is left is the doubling of queues and the chunks in flight at the peak.
func TestEventsDoNotAllocate(t *testing.T) {
	if checked {
		t.Skip("checking invariants allocates")
	}
	c, m := chat(t, 2)
	p, err := Prepare(c, m)
	if err != nil {
		t.Fatal(err)
	}
	reqs := convLike(t, 10, 2000)
	mallocs := func(n int) uint64 {
		var a, b runtime.MemStats
		runtime.ReadMemStats(&a)
		if _, err := p.Attainment(reqs[:n], Options{}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&b)
		return b.Mallocs - a.Mallocs
	}
	mallocs(len(reqs))
	few, many := mallocs(len(reqs)/4), mallocs(len(reqs))
	if many > few+40 {
		t.Errorf("%d requests made %d allocations, %d made %d", len(reqs)/4, few, len(reqs), many)
	}
}

func BenchmarkConversation(b *testing.B) {
	reqs := convLike(b, 5.53, 3500)
	for _, k := range []struct {
		name     string
		replicas int
		every    bool
	}{{"1 replica", 1, false}, {"2 replicas", 2, false}, {"8 replicas", 8, false}, {"64 replicas", 64, false}, {"1024 replicas", 1024, false}, {"2 replicas by step", 2, true}} {
		b.Run(k.name, func(b *testing.B) {
			c, m := chat(b, k.replicas)
			p, err := Prepare(c, m)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Simulate(reqs, Options{EveryStep: k.every}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(reqs)*b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	c, m := chat(b, 2)
	for b.Loop() {
		if _, err := Prepare(c, m); err != nil {
			b.Fatal(err)
		}
	}
}
