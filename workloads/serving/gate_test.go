package serving

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/sim"
)

// gateRow is a measured row that this first model can predict: aggregated
// serving, closed loop, tensor parallelism alone.
type gateRow struct {
	id, model, chip, engine string
	precision               hardware.DType
	tp, batch, isl, osl     int
	uniform                 bool // lengths uniform in 0.8…1 of the stated ones
	ttftMs, tpotMs          float64
}

func gateRows(t *testing.T) []gateRow {
	f, err := os.Open(sharedData(t, "validation/inference.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	col := map[string]int{}
	for i, name := range rows[0] {
		col[name] = i
	}
	models := []struct{ part, id string }{{"Llama-3.1-8B", "llama3.1-8b"}, {"Llama-3.1-70B", "llama3.1-70b"}, {"Qwen3-32B", "qwen3-32b"},
		{"gpt-oss-120b", "gpt-oss-120b"}, {"Qwen3-235B", "qwen3-235b-a22b"}, {"DeepSeek", "deepseek-v3-671b"}, {"Kimi", "kimi-k2-1t"}}
	chips := map[string]string{"h100_sxm": "nvidia-h100-sxm", "h200_sxm": "nvidia-h200-sxm", "b200_sxm": "nvidia-b200-sxm"}
	var out []gateRow
	seen := map[string]bool{}
	for _, r := range rows[1:] {
		at := func(name string) string { return r[col[name]] }
		num := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
		if at("use") != "gate" || at("mode") != "agg" || at("load_type") != "concurrency" || at("tpot_ms") == "" || at("ttft_ms") == "" {
			continue
		}
		g := gateRow{id: at("id"), chip: chips[at("hardware")], engine: at("engine"), ttftMs: num(at("ttft_ms")), tpotMs: num(at("tpot_ms"))}
		for _, m := range models {
			if strings.Contains(at("model"), m.part) {
				g.model = m.id
			}
		}
		pp, adp, moetp, ep := 1, 1, 1, 1
		for _, p := range strings.Fields(at("parallelism")) {
			for name, to := range map[string]*int{"tp": &g.tp, "pp": &pp, "adp": &adp, "moetp": &moetp, "ep": &ep} {
				if n, err := strconv.Atoi(strings.TrimPrefix(p, name)); err == nil && strings.HasPrefix(p, name) {
					*to = n
				}
			}
		}
		g.isl, g.osl, g.batch = int(num(at("isl"))), int(num(at("osl"))), int(num(at("load_value")))
		if s, ok := strings.CutPrefix(at("notes"), "batch_size="); ok {
			if n := int(num(strings.Fields(s)[0])); n > 0 {
				g.batch = min(g.batch, n)
			}
		}
		switch at("precision") {
		case "fp8", "fp8_block":
			g.precision = hardware.FP8
		case "nvfp4":
			g.precision = hardware.FP4
		default:
			g.precision = hardware.BF16
		}
		g.uniform = strings.Contains(at("ref"), "cfg") || strings.Contains(at("ref"), "2026_")
		key := fmt.Sprint(g.ttftMs, g.tpotMs)
		if g.model == "" || g.chip == "" || g.tp < 1 || pp != 1 || adp > 1 || g.batch < 1 || seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, g)
	}
	return out
}

// TestGateRows predicts the aggregated gate rows that carry TTFT and TPOT
// from profiles alone. The tolerances are those of a first-order model; repeated
// measurements of equal rows differ by 22 % (TPOT) and 30 % (TTFT) at p90.
func TestGateRows(t *testing.T) {
	rows := gateRows(t)
	groups := map[string][][2]float64{}
	refused := 0
	for _, g := range rows {
		e := engine(t, g.engine)
		kv := hardware.BF16
		if g.precision != hardware.BF16 {
			kv = hardware.FP8
		}
		c := Config{Arch: arch(t, g.model), Engine: e, Precision: g.precision, KVPrecision: kv, TP: g.tp, MaxBatch: max(e.MaxBatch, min(g.batch, 1024))}
		n := min(max(10*g.batch, 20), 2000)
		reqs := make([]Request, n)
		s := sim.NewStream(1, g.id)
		for i := range reqs {
			f := 1.0
			if g.uniform {
				f = s.Uniform(0.8, 1)
			}
			reqs[i] = Request{Prompt: int32(float64(g.isl) * f), Output: int32(max(1, float64(g.osl)*f))}
		}
		o, err := Simulate(c, Machine{Device: device(t, g.chip)}, reqs, Options{Concurrency: g.batch})
		if err != nil {
			refused++ // layouts over more chips than a scale-up domain, or without room
			continue
		}
		errs := [2]float64{1e3*o.TPOT.Mean/g.tpotMs - 1, 1e3*o.TTFT.Mean/g.ttftMs - 1}
		kind := "dense"
		if c.Arch.Experts > 0 {
			kind = "mixture"
		}
		for _, by := range []string{kind, "engine " + g.engine, "chip " + g.chip, "model " + g.model, "precision " + g.precision.String()} {
			groups[by] = append(groups[by], errs)
		}
		if testing.Verbose() && os.Getenv("SERVING_ROWS") != "" {
			t.Logf("%s %s %s %s %s tp%d b%d %d/%d: tpot %.1f vs %.1f (%+.0f%%) ttft %.0f vs %.0f (%+.0f%%)", g.id, g.model, g.chip, g.engine, g.precision, g.tp, g.batch, g.isl, g.osl,
				1e3*o.TPOT.Mean, g.tpotMs, 100*errs[0], 1e3*o.TTFT.Mean, g.ttftMs, 100*errs[1])
		}
	}
	for _, by := range sortedKeys(groups) {
		var tp, tt, st, sp []float64
		for _, e := range groups[by] {
			tp, tt = append(tp, math.Abs(e[0])), append(tt, math.Abs(e[1]))
			sp, st = append(sp, e[0]), append(st, e[1])
		}
		t.Logf("%-24s n %3d  TPOT median %4.1f %% p90 %4.1f %% bias %+5.1f %%   TTFT median %4.1f %% p90 %5.1f %% bias %+5.1f %%", by, len(tp),
			100*quantileOf(tp, .5), 100*quantileOf(tp, .9), 100*quantileOf(sp, .5), 100*quantileOf(tt, .5), 100*quantileOf(tt, .9), 100*quantileOf(st, .5))
		if (by == "dense" || by == "mixture") && (quantileOf(tp, .5) > 0.16 || quantileOf(tt, .5) > 0.45) {
			t.Errorf("%s: median errors %.1f %% (TPOT) and %.1f %% (TTFT)", by, 100*quantileOf(tp, .5), 100*quantileOf(tt, .5))
		}
	}
	t.Logf("%d rows, %d refused", len(rows), refused)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
