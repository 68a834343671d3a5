package training

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/workloads"
)

// sharedData finds the folder of measured rows beside the project.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("shared data absent: no go.mod above the test")
		}
		dir = up
	}
	path := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared data absent: %s", name)
	}
	return path
}

type row map[string]string

func (r row) num(key string) float64 {
	v, err := strconv.ParseFloat(strings.Fields(r[key] + " 0")[0], 64)
	if err != nil {
		return 0
	}
	return v
}

func (r row) count(key string) int { return int(r.num(key)) }

func readRows(t testing.TB, name string) []row {
	f, err := os.Open(sharedData(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]row, 0, len(all)-1)
	for _, rec := range all[1:] {
		r := row{}
		for i, v := range rec {
			r[all[0][i]] = v
		}
		rows = append(rows, r)
	}
	return rows
}

// family is the part of a row's id before its number.
func (r row) family() string { return r["id"][:strings.LastIndex(r["id"], "-")] }

// mapped turns a measured row into a configuration, a machine and the measured
// seconds of a step; the error says why it cannot.
func mapped(t testing.TB, r row) (Config, cluster, func(*Step) float64, error) {
	fam := r.family()
	fail := func(why string) (Config, cluster, func(*Step) float64, error) {
		return Config{}, cluster{}, nil, errors.New(why)
	}
	a := workloads.Architecture{ID: r["model"], Causal: true, Layers: r.count("layers"), Hidden: r.count("hidden"), Heads: r.count("heads"),
		KVHeads: r.count("kv_heads"), FFN: r.count("ffn"), Vocab: r.count("vocab"), TiedEmbeddings: true}
	if a.KVHeads == 0 {
		a.KVHeads = a.Heads
	}
	if a.Heads > 0 {
		a.HeadDim = a.Hidden / a.Heads
	}
	cfg := Config{Parallel: Parallel{TP: r.count("tp"), PP: r.count("pp"), CP: r.count("cp"), VP: r.count("vp"), EP: r.count("ep")},
		Batch: Batch{Global: r.count("global_batch_seqs"), Micro: r.count("micro_batch"), Seq: r.count("seq_len")}, Precision: hardware.BF16}
	if strings.Contains(strings.ToLower(r["precision"]), "fp8") {
		cfg.Precision = hardware.FP8
	}
	switch rec := r["recompute"]; {
	case rec == "full":
		cfg.Recompute = RecomputeFull
	case rec == "minimal":
		cfg.Recompute = RecomputeMinimal
	case strings.HasPrefix(rec, "selective"):
		cfg.Recompute, cfg.SequenceParallel = RecomputeSelective, true
	case rec == "" || rec == "none":
	default:
		return fail("recompute " + rec)
	}
	chips := r.count("chips")
	var c cluster
	switch r["chip"] {
	case "A100-SXM-80GB", "A100-SXM-40GB":
		c = a100(0)
		if r["chip"] == "A100-SXM-40GB" {
			c.chip = "nvidia-a100-sxm-40"
		}
	case "H100-SXM-80GB":
		c = h100(0)
	case "B200-SXM":
		c = h100(0)
		c.chip = "nvidia-b200-sxm"
	case "GB200":
		c = h100(0)
		c.chip, c.perNode, c.domain = "nvidia-gb200", 4, 64
	case "TPU v4", "TPU v5p", "TPU v5e":
		c = cluster{chip: "google-tpu-" + strings.ToLower(r["chip"][4:]), perNode: 4, network: "ethernet"}
		c.torus = torusDims(r["chip"], chips)
		if c.torus == nil {
			return fail("torus shape")
		}
	default:
		return fail("chip " + r["chip"])
	}
	c.perNode = min(c.perNode, chips)
	c.nodes = chips / c.perNode
	if c.domain > chips {
		c.domain = chips
	}
	if c.domain > 0 && chips%c.domain != 0 {
		c.domain = c.perNode
	}
	cfg.Framework = "megatron-core"
	seconds := func(s *Step) float64 {
		v := r.num("value")
		switch r["metric"] {
		case "step_time_s":
			return v
		case "tokens_per_s":
			return s.TokensPerStep / v
		case "tokens_per_s_per_chip":
			return s.TokensPerStep / v / float64(chips)
		case "model_tflops_per_chip":
			return s.FullFlops / (v * 1e12 * float64(chips))
		}
		return math.NaN()
	}
	switch fam {
	case "sc21", "korth5":
		cfg.Framework, cfg.ZeRO = "megatron-lm", 0
		if fam == "sc21" {
			seconds = func(s *Step) float64 {
				tokens := float64(cfg.Batch.Global * cfg.Batch.Seq)
				l, h, q, f := float64(a.Layers), float64(a.Hidden), float64(a.QWidth()), float64(a.FFN)
				per := 4*(l*(8*h*q+4*h*f)+4*float64(cfg.Batch.Seq)*q*l) + 6*h*float64(a.Vocab)
				return tokens * per / (r.num("value") * 1e12 * float64(chips))
			}
		}
	case "bigsci":
		cfg.Framework, cfg.ZeRO = "megatron-deepspeed", 1
		c.nic, c.network = 4*12.5e9/8, "other"
		if a.Layers == 0 {
			h := float64(a.Hidden)
			a.Layers = int(math.Round((r.num("params_b")*1e9 - float64(a.Vocab)*h) / (12 * h * h)))
		}
	case "mpt":
		cfg.Framework, cfg.ZeRO = "llm-foundry", 3
		if strings.Contains(r["inter_node_net"], "1600") {
			c.network = "roce"
		}
	case "mbridge", "mlmex", "nemolong", "mlpstep":
		cfg.Framework, cfg.ZeRO = "nemo", 1
		id := map[string]string{"Llama-3.1-8B": "llama3.1-8b", "Llama-3.1-70B": "llama3.1-70b", "Llama-3.1-405B": "llama3.1-405b",
			"Qwen3-30B-A3B": "qwen3-30b-a3b", "DeepSeek-V3-671B": "deepseek-v3-671b", "Qwen3-235B-A22B": "qwen3-235b-a22b", "GPT-OSS-120B": "gpt-oss-120b",
			"Llama-2-7B": "llama2-7b", "GPT3-175B": "gpt3-175b"}[r["model"]]
		if id == "" {
			return fail("model " + r["model"])
		}
		a = model(t, id)
		if fam == "mlpstep" {
			if r["model"] != "GPT3-175B" {
				return fail("LoRA")
			}
			a.Vocab, a.LearnedPositions = 51200, 2048
			if cfg.Parallel.VP == 0 && cfg.Parallel.PP > 1 {
				cfg.Parallel.VP = 6
			}
			cfg.SequenceParallel = true
		}
		if fam == "mbridge" {
			cfg.Framework = "megatron-bridge"
		}
		if strings.HasPrefix(r["zero_or_fsdp"], "FSDP") {
			cfg.ZeRO = 3
		}
		cfg.SequenceParallel = cfg.Parallel.TP > 1
	case "mtv4", "mtv5e", "mtv5p":
		cfg.Framework, cfg.ZeRO, cfg.SequenceParallel = "maxtext", 3, true
		a.HeadDim, a.TiedEmbeddings = 128, false
		if fam == "mtv4" {
			a.HeadDim = 256
		}
		a.GatedMLP = fam != "mtv4"
		if !strings.HasPrefix(r["inter_node_net"], "1 slice") {
			return fail("several slices")
		}
		cfg.Batch.Micro = cfg.Batch.Global / (chips / max(1, cfg.Parallel.TP))
	default:
		return fail("family")
	}
	cfg.Arch = a
	if cfg.Batch.Micro == 0 {
		cfg.Batch.Micro = 1
	}
	return cfg, c, seconds, nil
}

func torusDims(chip string, chips int) []int {
	if chip == "TPU v5e" {
		return map[int][]int{256: {16, 16}}[chips]
	}
	return map[int][]int{64: {4, 4, 4}, 128: {4, 4, 8}, 256: {4, 8, 8}, 512: {8, 8, 8}, 1024: {8, 8, 16}, 384: {4, 8, 12}, 768: {8, 8, 12}}[chips]
}

// TestMeasuredSteps prints predicted against measured step times by family and
// holds the first-order target: median error at most 12 % over what is mapped.
func TestMeasuredSteps(t *testing.T) {
	rows := readRows(t, "validation/training.csv")
	type result struct{ errs []float64 }
	groups := map[string]*result{}
	var all []float64
	skipped := map[string]int{}
	machines := map[string]Machine{}
	tooBig, fits := 0, 0
	for _, r := range rows {
		if r["use"] != "gate" {
			continue
		}
		cfg, c, seconds, err := mapped(t, r)
		if err != nil {
			skipped[r.family()+": "+err.Error()]++
			continue
		}
		key := fmt.Sprint(c)
		m, ok := machines[key]
		if !ok {
			if m, err = c.machine(); err != nil {
				skipped[r.family()+": machine: "+err.Error()]++
				continue
			}
			machines[key] = m
		}
		// A row that ran did fit; time is judged apart from memory.
		device := *m.Device
		device.MemBytes = 1e15
		real := m.Device.MemBytes
		m.Device = &device
		s, err := Plan(cfg, m)
		if err != nil {
			skipped[r.family()+": "+err.Error()]++
			continue
		}
		worst := 0.0
		for _, k := range s.Memory {
			worst = max(worst, k.TotalGiB)
		}
		if worst*gib > real {
			tooBig++
			t.Logf("%-12s memory %.1f GiB of %.1f: refused though it ran (%s)", r["id"], worst, real/gib, r["model"])
		} else {
			fits++
		}
		e := s.Seconds/seconds(s) - 1
		name := r.family()
		if name == "mbridge" {
			kind := " dense "
			if cfg.Arch.Experts > 0 {
				kind = " MoE "
			}
			name += kind + r["chip"]
		}
		if groups[name] == nil {
			groups[name] = &result{}
		}
		groups[name].errs = append(groups[name].errs, e)
		all = append(all, e)
		t.Logf("%-12s %-18s %5s chips tp%s pp%s vp%s cp%s ep%s mb%s %-10s %8.3f s predicted %8.3f s measured %+6.1f %% mem %.0f", r["id"], r["model"], r["chips"],
			r["tp"], r["pp"], r["vp"], r["cp"], r["ep"], r["micro_batch"], r["zero_or_fsdp"], s.Seconds, seconds(s), 100*e, worst)
	}
	names := make([]string, 0, len(groups))
	for n := range groups {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		med, p90, bias := spread(groups[n].errs)
		t.Logf("%-28s n %3d median %5.1f %% p90 %5.1f %% bias %+5.1f %%", n, len(groups[n].errs), 100*med, 100*p90, 100*bias)
	}
	med, p90, bias := spread(all)
	t.Logf("%-28s n %3d median %5.1f %% p90 %5.1f %% bias %+5.1f %%; memory: %d of %d refused though they ran", "all", len(all), 100*med, 100*p90, 100*bias, tooBig, tooBig+fits)
	why := make([]string, 0, len(skipped))
	for w := range skipped {
		why = append(why, w)
	}
	sort.Strings(why)
	for _, w := range why {
		t.Logf("not mapped: %3d × %s", skipped[w], w)
	}
	if med > 0.12 {
		t.Errorf("median error %.1f %% over 12 %%", 100*med)
	}
}

func spread(errs []float64) (median, p90, bias float64) {
	abs := make([]float64, len(errs))
	signed := append([]float64(nil), errs...)
	for i, e := range errs {
		abs[i] = math.Abs(e)
	}
	sort.Float64s(abs)
	sort.Float64s(signed)
	at := func(v []float64, q float64) float64 { return v[min(len(v)-1, int(q*float64(len(v))))] }
	return at(abs, 0.5), at(abs, 0.9), at(signed, 0.5)
}
