package serving

import (
	"testing"
	"time"

	"aisim/hardware"
	"aisim/workloads/trace"
)

// chat is the service of the built-in scenario: Llama 3.1 70B, TP 8 on H100.
func chat(t testing.TB, replicas int) (Config, Machine) {
	return Config{Arch: arch(t, "llama3.1-70b"), Engine: engine(t, "vllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16,
		TP: 8, Replicas: replicas, Router: LeastOutstanding, SLO: SLO{TTFTSec: 0.5, TPOTSec: 0.05}}, Machine{Device: device(t, "nvidia-h100-sxm")}
}

func azureConv(t testing.TB) []Request {
	tr, err := trace.ReadFile(sharedData(t, "inference/azure-llm-2023/AzureLLMInferenceTrace_conv.csv"), trace.Azure, trace.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return tr.Requests
}

func TestShowChat(t *testing.T) {
	reqs := azureConv(t)
	for _, n := range []int{1, 2, 8} {
		c, m := chat(t, n)
		t0 := time.Now()
		p, err := Prepare(c, m)
		if err != nil {
			t.Fatal(err)
		}
		t1 := time.Now()
		o, err := p.Simulate(reqs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		d := time.Since(t1)
		t.Logf("replicas %d: prepare %v, run %v (%.0f req/s) events %d steps %d", n, t1.Sub(t0), d, float64(len(reqs))/d.Seconds(), o.Events, o.Steps)
		t.Logf("ttft p50 %.3f p95 %.3f p99 %.3f tpot p50 %.4f p95 %.4f util %.3f batch %.1f kv %.3f peak %.3f att %.4f lost %d pre %d", o.TTFT.P50, o.TTFT.P95, o.TTFT.P99, o.TPOT.P50, o.TPOT.P95, o.Utilisation, o.MeanBatch, o.CacheMean, o.CachePeak, o.Attainment, o.Lost, o.Preempted)
		t.Logf("tokens %d blocks %d weights %.1f", p.Memory.Tokens, p.Memory.Blocks, p.Memory.Weights/1e9)
		for _, s := range o.BusyBy {
			t.Logf("  %s %.3f", s.Resource, s.Share)
		}
	}
}
