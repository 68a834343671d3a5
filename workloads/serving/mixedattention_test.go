package serving

import (
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"aisim/hardware"
	"aisim/internal/measured"
)

// TestMixedTables compares attention of one layer of Llama 3.1 8B beside prompts, made of the
// measured times of prompts and of decoding sequences alone, with measured mixed batches (vLLM
// 0.19 on RTX PRO 6000, LLMServingSim). The constants were read off the table of one chip; that
// of two is unseen. Sums are a quarter below in the median, and two thirds beside 128 sequences.
func TestMixedTables(t *testing.T) {
	for _, c := range []struct {
		tp                int
		median, sum, busy float64
	}{{1, 0.12, 0.24, 0.16}, {2, 0.14, 0.24, 0.13}} {
		f, err := os.Open(measured.Path(t, "inference/llmservingsim/RTXPRO6000_Llama-3.1-8B_bf16_tp"+strconv.Itoa(c.tp)+"_attention.csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		type batch struct{ chunk, past, n, kv float64 }
		took := map[batch]float64{}
		for _, r := range rows[1:] {
			var v [5]float64
			for i := range v {
				if v[i], err = strconv.ParseFloat(r[i], 64); err != nil {
					t.Fatal(err)
				}
			}
			took[batch{v[0], v[1], v[2], v[3]}] = v[4]
		}
		cfg := Config{Arch: arch(t, "llama3.1-8b"), Engine: engine(t, "vllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16, TP: c.tp}
		d := device(t, "nvidia-rtx-pro-6000-server")
		s, err := NewStepModel(cfg, Machine{Device: d, AllReduce: func(float64) float64 { return 0 }})
		if err != nil {
			t.Fatal(err)
		}
		const launch = 8.5 // µs, of a call with next to nothing in it
		var model, sums, busy []float64
		for b, mixed := range took {
			prompt, ok := took[batch{b.chunk, b.past, 0, 0}]
			alone, also := took[batch{0, 0, b.n, b.kv}]
			if b.chunk == 0 || b.n == 0 || !ok || !also {
				continue
			}
			factor, blocks := s.one.beside(int(b.chunk), 1, int(b.n), b.n*b.kv)
			e := (prompt+alone*(1+factor)+1e6*blocks/32-launch)/mixed - 1
			model, sums = append(model, math.Abs(e)), append(sums, math.Abs((prompt+alone-launch)/mixed-1))
			if b.n == 128 {
				busy = append(busy, math.Abs(e))
			}
		}
		if len(model) < 18000 {
			t.Fatalf("%d mixed batches", len(model))
		}
		for _, x := range []struct {
			name  string
			of    []float64
			limit float64
		}{{"model", model, c.median}, {"model beside 128 sequences", busy, c.busy}} {
			slices.Sort(x.of)
			m := x.of[len(x.of)/2]
			t.Logf("TP%d: %s off by %.1f %% in the median", c.tp, x.name, 100*m)
			if m > x.limit {
				t.Errorf("TP%d: %s off by %.1f %% in the median, at most %.0f", c.tp, x.name, 100*m, 100*x.limit)
			}
		}
		slices.Sort(sums)
		if m := sums[len(sums)/2]; m < c.sum {
			t.Errorf("TP%d: plain sums are off by %.1f %% in the median: the table has changed", c.tp, 100*m)
		}
	}
}

// Kernels that are two, pack heads or are of latent attention add up; beside prompts a cache
// costs more on other chips, and more so the more sequences and the longer the chunk.
func TestAttentionTogether(t *testing.T) {
	model := func(chip, engineID, id string, tp int) *StepModel {
		dt := hardware.BF16
		s, err := NewStepModel(Config{Arch: arch(t, id), Engine: engine(t, engineID), Precision: dt, KVPrecision: dt, TP: tp}, Machine{Device: device(t, chip)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range [][2]string{{"nvidia-h100-sxm", "vllm"}, {"nvidia-b200-sxm", "vllm"}, {"nvidia-a100-sxm-80", "trtllm"}, {"nvidia-a100-sxm-80", "sglang"}} {
		s := model(c[0], c[1], "llama3.1-8b", 1)
		if s.one != nil || s.mixedExtra(512, 1, 64, 64e3).sec != 0 {
			t.Errorf("%s on %s runs prompts and decoding sequences in one grid", c[1], c[0])
		}
	}
	s := model("nvidia-a100-sxm-80", "vllm", "llama3.1-8b", 1)
	plain := s.kv.sec * 64e3
	if f := s.mixedExtra(64, 1, 64, 64e3).sec / plain; math.Abs(f-(unpacked-1)) > 0.7 || f < unpacked-1 {
		t.Errorf("64 sequences beside a short prompt cost %.2f more", f)
	}
	short, long := s.mixedExtra(128, 1, 64, 64e3).sec, s.mixedExtra(2048, 1, 64, 64e3).sec
	if want := 64 * 32 * 15 * 32 * 0.72e-6 / 108; math.Abs(long-short-want) > 1e-9 {
		t.Errorf("15 empty blocks more for each sequence and head cost %.6f s, want %.6f", long-short, want)
	}
	few, many := s.mixedExtra(128, 1, 16, 64e3).sec, s.mixedExtra(128, 1, 256, 64e3).sec
	if many <= few {
		t.Errorf("the cache of 256 sequences beside a prompt costs %g s more, that of 16 %g", many, few)
	}
}

// A prompt's local layers look back a window: five of six layers of Gemma 3 see 1,024 tokens.
func TestLocalLayersOfPrompts(t *testing.T) {
	c := Config{Arch: arch(t, "gemma3-27b"), Engine: engine(t, "trtllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16}
	m := Machine{Device: device(t, "nvidia-h100-sxm")}
	local, err := NewStepModel(c, m)
	if err != nil {
		t.Fatal(err)
	}
	c.Arch.Window = 0
	global, err := NewStepModel(c, m)
	if err != nil {
		t.Fatal(err)
	}
	work := func(s *StepModel, tokens int) float64 {
		return s.prefill.sec * s.pairs(tokens, float64(tokens)*float64(tokens)/2)
	}
	if a, b := work(local, 1024), work(global, 1024); math.Abs(a/b-1) > 1e-9 {
		t.Errorf("within the window: %g s, all global %g", a, b)
	}
	// 8,192 tokens: 10 of 62 layers see 33.6 million pairs, 52 see 8.4 million.
	n := 8192.0
	want := (10*n*n/2 + 52*n*1024) / (62 * n * n / 2)
	if got := work(local, 8192) / work(global, 8192); math.Abs(got/want-1) > 1e-9 {
		t.Errorf("a long prompt costs %.4f of all global layers, want %.4f", got, want)
	}
}
