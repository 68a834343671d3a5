package serving

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"aisim/hardware"
	"aisim/internal/measured"
)

// logged is one request of the measured run: vLLM 0.19.0, Llama 3.1 8B in bf16 on
// one RTX PRO 6000, 10 requests/s, max_num_seqs 128, 2,048 tokens per step
// (github.com/casys-kaist/LLMServingSim, MIT). Clocks are seconds.
type logged struct {
	Input      int32   `json:"input_toks"`
	Output     int32   `json:"output_toks"`
	Queued     float64 `json:"queued_ts"`
	FirstToken float64 `json:"first_token_ts"`
	LastToken  float64 `json:"last_token_ts"`
}

func readLog(t *testing.T) []logged {
	f, err := os.Open(measured.Path(t, "inference/llmservingsim/measured_RTXPRO6000_Llama-3.1-8B_vllm0.19_requests.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []logged
	for s := bufio.NewScanner(f); s.Scan(); {
		var l logged
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

// TestMeasuredRun replays a measured run as it happened, from the chip's
// catalogue entry and the engine's profile alone, nothing fitted to the run. The
// server is saturated (batch 128, utilisation 1), where a 2 % error of the step
// time becomes 5–6 % of the time to first token. Hence 10 % on what is close to the
// step time, and 25 % on the first token.
func TestMeasuredRun(t *testing.T) {
	log := readLog(t)
	var reqs []Request
	var ttft, tpot, e2e []float64
	t0 := log[0].Queued
	for _, l := range log {
		t0 = min(t0, l.Queued)
	}
	for _, l := range log {
		reqs = append(reqs, Request{ArriveSec: l.Queued - t0, Prompt: l.Input, Output: l.Output})
		ttft = append(ttft, l.FirstToken-l.Queued)
		tpot = append(tpot, (l.LastToken-l.FirstToken)/float64(l.Output-1))
		e2e = append(e2e, l.LastToken-l.Queued)
	}
	sortRequests(reqs)
	e := engine(t, "vllm")
	e.Request.Value = 0 // the log's clock starts and ends inside the engine
	c := Config{Arch: arch(t, "llama3.1-8b"), Engine: e, Precision: hardware.BF16, KVPrecision: hardware.BF16, TP: 1, MaxBatch: 128, TokenBudget: 2048}
	o, err := Simulate(c, Machine{Device: device(t, "nvidia-rtx-pro-6000-server")}, reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct {
		name           string
		got, want, tol float64
	}{
		{"TTFT mean", o.TTFT.Mean, mean(ttft), 0.25},
		{"TTFT p99", o.TTFT.P99, quantileOf(ttft, .99), 0.25},
		{"TPOT mean", o.TPOT.Mean, mean(tpot), 0.1},
		{"TPOT p99", o.TPOT.P99, quantileOf(tpot, .99), 0.13},
		{"E2E mean", o.E2E.Mean, mean(e2e), 0.13},
		{"E2E p99", o.E2E.P99, quantileOf(e2e, .99), 0.13},
	} {
		err := m.got/m.want - 1
		t.Logf("%-9s predicted %.4g s, measured %.4g s, error %+.1f %% (utilisation %.2f)", m.name, m.got, m.want, 100*err, o.Utilisation)
		if err > m.tol || err < -m.tol {
			t.Errorf("%s off by %+.1f %%, tolerance %.0f %%", m.name, 100*err, 100*m.tol)
		}
	}
}
