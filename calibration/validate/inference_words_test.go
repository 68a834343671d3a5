package validate

import (
	"strings"
	"testing"

	"aisim/hardware"
)

// Degrees in the spellings of engines' flags, tables and papers, on eight chips.
func TestLayoutSpellings(t *testing.T) {
	k, err := newInference()
	if err != nil {
		t.Fatal(err)
	}
	dense, _, err := k.(*inference).architecture("Llama-3.1-70B")
	if err != nil {
		t.Fatal(err)
	}
	moe, _, err := k.(*inference).architecture("DeepSeek-R1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		texts    string
		moe      bool
		want     layout
		replicas int
	}{
		{"TP8|tp=8|tp 8|TP-8|--tp 8|tensor_parallel=8|8-way TP|1xTP8|TP8 (single node)|tp8 ep|TP8, EP|attn_tp8", false, layout{1, 8, 1, 1, 1}, 1},
		{"2xTP4|2x TP4|TP4 x2|tp4|tp4dp2|TP4 DP2|dp2 tp4", false, layout{1, 4, 1, 1, 1}, 2},
		{"tp4pp2|PP2TP4|TP4xPP2|TP4,PP2|tp4 pp2", false, layout{1, 4, 2, 1, 1}, 1},
		{"none|single GPU|dp8|TP1|8xTP1", false, layout{1, 1, 1, 1, 1}, 8},
		{"DEP8|dp8ep8|DP=8, EP=8|ADP8|dp-attention 8|tp8 dp8|TP8/DP8|tp8_dp8_ep8|--tp 8 --dp 8 --enable-dp-attention", true, layout{1, 1, 1, 8, 8}, 1},
		{"TEP8|TP8EP8|TP8+EP8|tp8_ep8|EP8", true, layout{1, 8, 1, 1, 8}, 1},
	} {
		for _, text := range strings.Split(c.texts, "|") {
			s := &service{arch: dense}
			if c.moe {
				s.arch = moe
			}
			if err := s.layouts(text, "agg", 8); err != nil {
				t.Errorf("%s: %v", text, err)
			} else if s.pools[0] != c.want || s.replicas != c.replicas {
				t.Errorf("%s: %+v × %d, want %+v × %d", text, s.pools[0], s.replicas, c.want, c.replicas)
			}
		}
	}
	for text, want := range map[string]string{"cp2 tp4": "context", "8 GPUs": "not understood", "": "not described", "3xTP4": "3", "tp4 tp2": "twice", "tp8 dp8": "whole replicas"} {
		s := &service{arch: dense}
		if err := s.layouts(text, "agg", 8); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"P:1x(tp4) D:2x(tp4)", "P: 1xTP4 D: 2xTP4", "prefill: 1xTP4, decode: 2xTP4"} {
		s := &service{arch: dense}
		if err := s.layouts(text, "disagg", 12); err != nil || len(s.pools) != 2 || s.pools[0] != (layout{1, 4, 1, 1, 1}) || s.pools[1] != (layout{2, 4, 1, 1, 1}) {
			t.Errorf("%s: %+v %v", text, s.pools, err)
		}
	}
}

func TestEngineSpellings(t *testing.T) {
	for _, c := range []struct{ name, version, id, known string }{
		{"vLLM 0.11.0", "", "vllm", "0.11.0"}, {"vllm", "v0.11.0", "vllm", "0.11.0"}, {"vLLM 0.9.0, PyTorch 2.7.0", "", "vllm", "0.9.0"}, {"vllm", "0.6.3.post1", "vllm-v0", "0.6.3.post1"},
		{"vLLM", "0.2.7", "vllm-eager", "0.2.7"}, {"ROCm vLLM 0.10.1", "", "vllm", "0.10.1"}, {"Dynamo + vLLM", "0.9.2", "vllm", "0.9.2"}, {"llm-d", "0.2", "vllm-eager", "0.2"},
		{"SGLang v0.4.9", "", "sglang", "0.4.9"}, {"sglang", "v0.5.1.post1", "sglang", "0.5.1.post1"}, {"tensorrt_llm", "1.2.0rc6.post2", "trtllm", "1.2.0rc6.post2"}, {"TensorRT LLM", "1.1", "trtllm", "1.1"}, {"triton + tensorrtllm_backend", "", "trtllm", ""},
		{"vllm", "nightly-5b8c30d6", "vllm", "nightly-5b8c30d6"}, {"LMDeploy", "0.6", "vllm", "0.6"}, {"text-generation-inference", "3.0", "vllm", "3.0"},
	} {
		if c.name == "llm-d" { // its own version says nothing of vLLM's
			c.id, c.known = "vllm", ""
		}
		e, assumed, err := readEngine(c.name, c.version, "")
		if err != nil || e.id != c.id || e.version != c.known {
			t.Errorf("%s %s: %+v %v, want %s %s", c.name, c.version, e, err, c.id, c.known)
		}
		if (e.unfitted != "") != (c.name == "LMDeploy" || c.name == "text-generation-inference") || e.unfitted != "" && !strings.Contains(assumed, "no profile was fitted to "+c.name) {
			t.Errorf("%s: unfitted %q, assumed %q", c.name, e.unfitted, assumed)
		}
	}
	for _, name := range []string{"", "llama.cpp", "Orca", "PyTorch 2.8.0, aiter 0.1.4"} {
		if _, _, err := readEngine(name, "", ""); err == nil {
			t.Errorf("%q has a profile", name)
		}
	}
}

func TestPrecisionSpellings(t *testing.T) {
	for _, c := range []struct {
		texts          string
		weights, cache hardware.DType
		alone          bool
	}{
		{"bf16|FP16|float16|half|auto", hardware.BF16, hardware.BF16, false},
		{"fp8|FP8 (W8A8)|fp8_e4m3|MXFP8|FP8-dynamic|fp8, kv fp8|FP8+FP8KV", hardware.FP8, hardware.FP8, false},
		{"fp8, kv bf16|fp8 (kv bf16)|fp8_block|FP8 block", hardware.FP8, hardware.BF16, false},
		{"bf16, kv fp8|bf16+fp8kv|fp16 (kv int8)|bf16 weights fp8 kv", hardware.BF16, hardware.FP8, false},
		{"nvfp4|MXFP4|W4A4|w4afp8", hardware.FP4, hardware.FP8, false},
		{"awq|GPTQ-Int4|W4A16|int4|bnb-4bit", hardware.FP4, hardware.BF16, true},
		{"W8A16|gptq-int8", hardware.INT8, hardware.BF16, true},
		{"int8|SmoothQuant", hardware.INT8, hardware.BF16, false},
	} {
		for _, text := range strings.Split(c.texts, "|") {
			s := &service{}
			if err := s.precisions(text); err != nil || s.weights != c.weights || s.cache != c.cache || s.stored != c.alone {
				t.Errorf("%s: weights %s, cache %s, alone %v, %v", text, s.weights, s.cache, s.stored, err)
			}
		}
	}
	for _, text := range []string{"fp7", "fp8 kv", "mixed", "int3"} {
		if err := (&service{}).precisions(text); err == nil {
			t.Errorf("%s is understood", text)
		}
	}
}

// Weights that are widened on the way save memory and bandwidth, and no arithmetic.
func TestWeightsAlone(t *testing.T) {
	value := func(precision string) (first, each float64) {
		r := reportOf(t, "inference", inferenceHeader+"a,b200_sxm,1,Qwen3-32B,vllm,0.11,"+precision+",tp1,agg,,4096,128,concurrency,1,100,10,,,\n")
		return *r.Cases[0].Predicted, *r.Cases[1].Predicted
	}
	wideFirst, wide := value("bf16")
	first, each := value("awq")
	nativeFirst, _ := value("nvfp4")
	if !(each < 0.6*wide && first > 0.9*wideFirst && nativeFirst < 0.7*first) {
		t.Errorf("first token %.4g and %.4g ms per token; in 16 bits %.4g and %.4g, computed in 4 bits %.4g", first, each, wideFirst, wide, nativeFirst)
	}
}

func TestLoadSpellings(t *testing.T) {
	for texts, want := range map[string]loadKind{
		"concurrency|max_concurrency|closed loop|concurrent users|VUs": concurrencyLoad, "batch|batch size": batchLoad, "static batch": fixedBatch, "single stream": singleStream,
		"saturated offline|max throughput|inf|num_prompts|request_rate=inf": offlineLoad, "poisson|poisson rps|qps|request rate|req/s|open loop": poissonLoad, "gamma cv=2": gammaLoad, "constant rate": steadyLoad, "trace|sweep|": unknownLoad,
	} {
		for _, text := range strings.Split(texts, "|") {
			if got := loadKindOf(strings.ToLower(text)); got != want {
				t.Errorf("%q: %d, want %d", text, got, want)
			}
		}
	}
	for _, c := range []struct {
		text         string
		tokens, span float64
		mean         bool
	}{{"1024", 1024, 0, false}, {"1k", 1024, 0, false}, {"8K", 8192, 0, false}, {"1,024", 1024, 0, false}, {"~1000", 1000, 0, false}, {"mean 220", 220, 0, true}, {"avg 220.5", 220.5, 0, true}, {"1000-3000", 2000, 0.5, false}} {
		n, span, mean, err := (&service{}).length("isl", c.text)
		if err != nil || n != c.tokens || span != c.span || mean != c.mean {
			t.Errorf("%s: %g ± %g, mean %v, %v", c.text, n, span, mean, err)
		}
	}
	for _, text := range []string{"", "ShareGPT", "median 500", "0", "300-200"} {
		if _, _, _, err := (&service{}).length("isl", text); err == nil {
			t.Errorf("%q is a length", text)
		}
	}
}

// Names that contain those of other models and chips are not taken for them.
func TestNoSilentSubstitution(t *testing.T) {
	for name, want := range map[string]string{
		"google/gemma-3n-E4B": "", "mistralai/Mistral-Large-3-675B": "", "zai-org/GLM-4.7-Flash": "", "meta-llama/Llama-3.2-11B-Vision": "", "nvidia/Llama-3_1-Nemotron-Ultra-253B-v1": "", "Qwen/Qwen3.5-27B": "", "Qwen/Qwen3-VL-235B-A22B": "", "internlm/internlm-20b": "",
		"microsoft/Phi-4-mini-instruct": "phi-4-mini-3.8b", "bigscience/bloom-7b1": "bloom-7.1b", "bigscience/bloom": "bloom-176b", "tiiuae/falcon-7b": "falcon-7b", "facebook/opt-125m": "opt-125m", "Qwen/Qwen2-7B-Instruct": "qwen2.5-7b", "llama3_1-405b": "llama3.1-405b",
		"meta-llama/Meta-Llama-3-8B-Instruct": "llama3.1-8b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": "qwen2.5-7b", "deepseek_r1": "deepseek-v3-671b", "moonshotai/Kimi-K2-Thinking": "kimi-k2-1t", "Qwen/Qwen3-Coder-30B-A3B": "qwen3-30b-a3b",
	} {
		if got := modelID(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"H20-3e": "nvidia-h20-141", "h20_sxm": "nvidia-h20", "RTX 4090D": "nvidia-rtx-4090d", "L20": "nvidia-l20", "Inferentia2": "aws-inferentia2", "v6e-8": "google-tpu-v6e", "Ascend 910B": "huawei-ascend-910b", "NVIDIA H100-SXM, 80GB": "nvidia-h100-sxm", "gb200": "nvidia-gb200"} {
		if got, _, err := servingChip(name); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", name, got, want, err)
		}
	}
	for _, name := range []string{"", "abacus", "MI325X (x16), MI300X (x8)"} {
		if got, _, err := servingChip(name); err == nil {
			t.Errorf("%s is %s", name, got)
		}
	}
}

// Percentiles are compared with percentiles, and layouts over hosts meet over a network.
func TestStatisticAndHosts(t *testing.T) {
	header := strings.Replace(inferenceHeader, "ttft_ms", "ttft_stat,ttft_ms", 1)
	first := func(stat, chip, layout string) float64 {
		r := reportOf(t, "inference", header+"a,"+chip+",16,Llama-3.1-405B,vllm,0.11,fp8,"+layout+",agg,,1024,128,concurrency,64,"+stat+",100,10,,,\n")
		if r.Cases[0].Predicted == nil {
			t.Fatal(r.Cases[0].Reason)
		}
		return *r.Cases[0].Predicted
	}
	mean, median, p99 := first("mean", "h100_sxm", "tp8"), first("median", "h100_sxm", "tp8"), first("p99", "h100_sxm", "tp8")
	if !(median < mean && mean < p99) || first("median of 5 reps", "h100_sxm", "tp8") != mean {
		t.Errorf("first token %.4g in the mean, median %.4g, p99 %.4g", mean, median, p99)
	}
	if inRack, hosts := first("mean", "gb200", "tp16"), first("mean", "b200_sxm", "tp16"); hosts < 1.03*inRack {
		t.Errorf("over sixteen chips of two hosts %.4g ms, of one rack %.4g", hosts, inRack)
	}
}
