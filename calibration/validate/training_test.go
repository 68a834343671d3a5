package validate

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"aisim/internal/measured"
)

func init() {
	if flag.Lookup("rewrite") == nil {
		flag.Bool("rewrite", false, "write generated parts of the documents again")
	}
}

func sharedTable(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(measured.Path(t, "validation/"+name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func trainingReport(t testing.TB, table []byte) *Report {
	t.Helper()
	r, err := Evaluate("training", bytes.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Report) group(by, key string) *Group {
	for i := range r.Groups {
		if r.Groups[i].By == by && r.Groups[i].Key == key {
			return &r.Groups[i]
		}
	}
	return nil
}

// families are the rows that have limits of their own, as fractions of the step time:
// the median and the 90th percentile of the absolute error.
var families = []struct {
	name        string
	table       string
	by          []string // keys of "class" or "family"
	median, p90 float64
}{
	{"llm-foundry, 8 to 64 GPUs", "training.csv", []string{"family:mpt"}, 0.04, 0.10},
	{"BigScience (Megatron-DeepSpeed)", "training.csv", []string{"family:bigsci"}, 0.03, 0.075},
	{"Megatron SC21", "training.csv", []string{"family:sc21"}, 0.045, 0.08},
	{"Megatron, Korthikanti et al.", "training.csv", []string{"family:korth5"}, 0.03, 0.05},
	{"Megatron-Bridge, dense", "training.csv", []string{"class:dense on H100-SXM-80GB, megatron-bridge", "class:dense on GB200, megatron-bridge", "class:dense on B200-SXM, megatron-bridge"}, 0.045, 0.12},
	{"Megatron-Bridge, mixtures of experts", "training.csv", []string{"class:mixture of experts on H100-SXM-80GB, megatron-bridge", "class:mixture of experts on GB200, megatron-bridge", "class:mixture of experts on B200-SXM, megatron-bridge"}, 0.10, 0.25},
	{"NeMo long context", "training.csv", []string{"family:nemolong"}, 0.03, 0.06},
	{"MLPerf step times", "training.csv", []string{"family:mlpstep"}, 0.03, 0.08},
	{"MaxText on TPU v4", "training.csv", []string{"family:mtv4"}, 0.06, 0.14},
	{"MaxText on TPU v5e", "training.csv", []string{"family:mtv5e"}, 0.06, 0.14},
	{"MaxText on TPU v5p", "training.csv", []string{"family:mtv5p"}, 0.06, 0.14},
	{"nanotron sweep, 8 to 256 H100", "nanotron-h100-sweep.csv", []string{"family:nano"}, 0.08, 0.25},
}

// belongs says whether a case lies in one of the keys; a class matches all releases.
func belongs(c *Case, keys []string) bool {
	for _, k := range c.keys {
		for _, want := range keys {
			by, key, _ := strings.Cut(want, ":")
			if k.by == by && (k.key == key || by == "class" && strings.HasPrefix(k.key, key)) {
				return true
			}
		}
	}
	return false
}

func gateTimes(r *Report, keys []string) []Case {
	var out []Case
	for _, c := range r.Cases {
		if c.Use == UseGate && c.scale != Size && c.scale != YesNo && (keys == nil || belongs(&c, keys)) {
			out = append(out, c)
		}
	}
	return out
}

// TestTrainingTables holds the errors that issue 4/8 asks for, and writes the table of
// docs/models/training.md with -rewrite.
func TestTrainingTables(t *testing.T) {
	reports := map[string]*Report{}
	for _, name := range []string{"training.csv", "nanotron-h100-sweep.csv"} {
		reports[name] = trainingReport(t, sharedTable(t, name))
	}
	var page, after strings.Builder
	page.WriteString("| rows | n | median | p90 | bias | inside 90 % | roofline |\n|---|---|---|---|---|---|---|\n")
	line := func(name string, f Figures) {
		fmt.Fprintf(&page, "| %s | %d | %s | %s | %s | %s | %s |\n", name, f.Predicted, percent(f.MedianAbsError), percent(f.P90AbsError), percent(f.Bias), percent(f.InsideInterval), percent(f.RooflineMedian))
	}
	all := reports["training.csv"].Summary
	line("all gate rows of training.csv", all)
	if *all.MedianAbsError > 0.04 || *all.P90AbsError > 0.12 {
		t.Errorf("all gate rows: median %s, p90 %s over 4 and 12 %%", percent(all.MedianAbsError), percent(all.P90AbsError))
	}
	for name, r := range reports {
		if cover := float64(r.Summary.Predicted) / float64(r.Summary.Total); cover < 0.98 {
			t.Errorf("%s: only %.1f %% of gate rows are predicted", name, 100*cover)
		}
		if in := *r.Summary.InsideInterval; in < 0.85 || in > 0.97 {
			t.Errorf("%s: %.1f %% of gate rows lie in the 90 %% interval", name, 100*in)
		}
	}
	for _, g := range families {
		cases := gateTimes(reports[g.table], g.by)
		if len(cases) == 0 {
			t.Errorf("%s: no rows", g.name)
			continue
		}
		f := figures(cases)
		line(g.name, f)
		if *f.MedianAbsError > g.median || *f.P90AbsError > g.p90 {
			t.Errorf("%s: median %s, p90 %s over %.1f and %.1f %%", g.name, percent(f.MedianAbsError), percent(f.P90AbsError), 100*g.median, 100*g.p90)
		}
	}
	for _, g := range []struct {
		name, table string
		by          []string
		least       float64
	}{{"BigScience", "training.csv", []string{"family:bigsci"}, 0.88}, {"nanotron", "nanotron-h100-sweep.csv", []string{"family:nano"}, 0.97}} {
		cases := gateTimes(reports[g.table], g.by)
		rank := *rankCorrelation(cases)
		fmt.Fprintf(&after, "\nRank correlation of %s's %d rows by their own metric: %.3f.\n", g.name, len(cases), rank)
		if rank < g.least {
			t.Errorf("%s: rank correlation %.3f under %.2f", g.name, rank, g.least)
		}
	}
	sweep := reports["nanotron-h100-sweep.csv"]
	for _, m := range []struct {
		metric, name string
		median       float64
	}{{"mem_alloc_gib", "nanotron, steady memory", 0.015}, {"mem_reserved_gib", "nanotron, peak memory", 0.08}} {
		g := sweep.group("metric", m.metric)
		if g == nil {
			t.Fatalf("no group of %s", m.metric)
		}
		line(m.name, g.Figures)
		if *g.MedianAbsError > m.median {
			t.Errorf("%s: median %s over %.1f %%", m.name, percent(g.MedianAbsError), 100*m.median)
		}
	}
	fits := sweep.group("metric", "fits_in_memory")
	fmt.Fprintf(&page, "\nnanotron, fits in memory or not: balanced accuracy %s of %d rows.\n", percent(fits.BalancedAccuracy), fits.Predicted)
	if *fits.BalancedAccuracy < 0.97 {
		t.Errorf("fits in memory: balanced accuracy %s under 97 %%", percent(fits.BalancedAccuracy))
	}
	page.WriteString(after.String())
	rewriteTable(t, filepath.Join(measured.Root(t), "docs", "models", "training.md"), page.String())
}

const (
	tableBegin = "<!-- table: go test ./calibration/validate -run TrainingTables -rewrite -->\n"
	tableEnd   = "<!-- end of table -->\n"
)

// rewriteTable puts text between the marks of a page where -rewrite is given.
func rewriteTable(t *testing.T, path, text string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), tableBegin)
	_, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("%s has no marks of the table", path)
	}
	if f := flag.Lookup("rewrite"); f.Value.String() != "true" {
		t.Log("\n" + text)
		return
	}
	if err := os.WriteFile(path, []byte(before+tableBegin+text+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The report does not depend on the number of workers.
func TestTrainingOrder(t *testing.T) {
	table := sharedTable(t, "training.csv")
	head := bytes.Join(bytes.SplitAfter(table, []byte("\n"))[:60], nil)
	text := func(workers int) string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
		b, err := json.Marshal(trainingReport(t, head))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if text(1) != text(4) {
		t.Error("one worker and four differ")
	}
}

const trainingHeader = "id,use,chip,chips,chips_per_node,inter_node_net,model,params_b,layers,hidden,heads,kv_heads,ffn,vocab,seq_len,global_batch_seqs,micro_batch,tp,pp,vp,cp,ep,dp,zero_or_fsdp,recompute,precision,framework,metric,value,notes\n"

// trainingRow is a row of a dense model on 64 H100 with some columns changed.
func trainingRow(change map[string]string) []byte {
	base := map[string]string{"id": "x-1", "chip": "H100-SXM-80GB", "chips": "64", "chips_per_node": "8", "inter_node_net": "8x NDR IB 400 Gb/s per node", "model": "some-7b", "layers": "32", "hidden": "4096", "heads": "32", "kv_heads": "32",
		"ffn": "16384", "vocab": "50304", "seq_len": "4096", "global_batch_seqs": "512", "micro_batch": "1", "tp": "2", "pp": "2", "vp": "1", "cp": "1", "dp": "16", "zero_or_fsdp": "distributed optimizer", "recompute": "none", "precision": "bf16", "framework": "Megatron-Core", "metric": "step_time_s", "value": "10"}
	for k, v := range change {
		base[k] = v
	}
	var b strings.Builder
	b.WriteString(trainingHeader)
	for i, c := range strings.Split(strings.TrimSpace(trainingHeader), ",") {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + base[c] + `"`)
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

func oneCase(t *testing.T, change map[string]string) Case {
	t.Helper()
	r := trainingReport(t, trainingRow(change))
	if len(r.Cases) != 1 {
		t.Fatalf("%d cases for one row", len(r.Cases))
	}
	return r.Cases[0]
}

// Every column that should matter moves the prediction the right way.
func TestTrainingColumns(t *testing.T) {
	base := oneCase(t, nil)
	if base.Status != Predicted {
		t.Fatalf("the base row: %s: %s", base.Status, base.Reason)
	}
	for name, c := range map[string]struct {
		change map[string]string
		sign   int // of the change of the step time; 0: any change
	}{
		"chip":              {map[string]string{"chip": "A100-SXM-80GB"}, +1},
		"network":           {map[string]string{"inter_node_net": "1x Ethernet 25 Gb/s per node"}, +1},
		"layers":            {map[string]string{"layers": "64"}, +1},
		"hidden":            {map[string]string{"hidden": "5120", "ffn": "20480", "heads": "40", "kv_heads": "40"}, +1},
		"ffn":               {map[string]string{"ffn": "11008"}, 0},
		"vocab":             {map[string]string{"vocab": "200000"}, +1},
		"seq_len":           {map[string]string{"seq_len": "8192"}, +1},
		"global_batch_seqs": {map[string]string{"global_batch_seqs": "1024"}, +1},
		"micro_batch":       {map[string]string{"micro_batch": "2"}, 0},
		"tp":                {map[string]string{"tp": "8", "dp": "4"}, 0},
		"pp":                {map[string]string{"pp": "8", "dp": "4"}, +1},
		"vp":                {map[string]string{"vp": "4"}, 0},
		"cp":                {map[string]string{"cp": "2", "dp": "8"}, 0},
		"zero_or_fsdp":      {map[string]string{"zero_or_fsdp": "FSDP"}, +1},
		"recompute":         {map[string]string{"recompute": "full"}, +1},
		"precision":         {map[string]string{"precision": "fp8"}, -1},
		"framework":         {map[string]string{"framework": "nanotron"}, 0},
		"adapters":          {map[string]string{"notes": "LoRA"}, -1},
		"chips":             {map[string]string{"chips": "128", "dp": "32"}, -1},
	} {
		got := oneCase(t, c.change)
		if got.Status != Predicted {
			t.Errorf("%s: %s: %s", name, got.Status, got.Reason)
			continue
		}
		ratio := *got.Predicted / *base.Predicted
		if math.Abs(ratio-1) < 1e-6 || c.sign > 0 && ratio < 1 || c.sign < 0 && ratio > 1 {
			t.Errorf("%s: step time changes by %+.2f %%, want sign %+d", name, 100*(ratio-1), c.sign)
		}
	}
}

// A rate is inverted before it is compared, a share of the peak too.
func TestTrainingErrors(t *testing.T) {
	step := oneCase(t, nil)
	rate := 512 * 4096 / *step.Predicted
	for metric, value := range map[string]float64{"step_time_s": *step.Predicted / 1.25, "step_time_ms": *step.Predicted * 800, "tokens_per_s": rate * 1.25, "tokens_per_s_per_chip": rate * 1.25 / 64, "sequences_per_s": 512 / *step.Predicted * 1.25} {
		c := oneCase(t, map[string]string{"metric": metric, "value": fmt.Sprint(value)})
		if c.Error == nil || math.Abs(*c.Error-0.25) > 1e-9 {
			t.Errorf("%s: error %v, want 0.25", metric, c.Error)
		}
	}
	if c := oneCase(t, nil); !(*c.Low < *c.Predicted && *c.Predicted < *c.High && *c.Roofline < *c.Predicted) {
		t.Errorf("interval %g..%g and roofline %g about %g", *c.Low, *c.High, *c.Roofline, *c.Predicted)
	}
}

// What a row lacks is said; what was filled in is listed.
func TestTrainingRefusals(t *testing.T) {
	for want, change := range map[string]map[string]string{
		"how many chips":         {"chips": ""},
		"global_batch_seqs":      {"global_batch_seqs": ""},
		"seq_len":                {"seq_len": ""},
		"not in the catalogue":   {"chip": "Abacus 3"},
		"hidden or heads":        {"hidden": "", "model": "nobody knows"},
		"no profile":             {"framework": "homemade"},
		"precision":              {"precision": "posit16"},
		"recompute":              {"recompute": "sometimes"},
		"does not divide":        {"seq_len": "4095", "cp": "2", "dp": "8"},
		"want a number":          {"layers": "many"},
		"not one that a step":    {"metric": "joy"},
		"experts":                {"ffn": "768 expert", "model": "unknown-moe"},
		"time to train needs":    {"metric": "time_to_train_min"},
		"no measured step suppo": {"model": "DLRM-DCNv2"},
	} {
		c := oneCase(t, change)
		if c.Status == Predicted || !strings.Contains(c.Reason, want) {
			t.Errorf("want a refusal about %q, got %s: %s", want, c.Status, c.Reason)
		}
	}
	c := oneCase(t, map[string]string{"tp": "", "pp": "", "dp": "", "micro_batch": "", "recompute": "", "zero_or_fsdp": "", "inter_node_net": ""})
	if c.Status != Predicted {
		t.Fatalf("%s: %s", c.Status, c.Reason)
	}
	said := strings.Join(c.Assumed, "; ")
	for _, want := range []string{"tp ", "micro-batch", "recompute none", "ZeRO", "Gb/s per chip", "head_dim"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not among what was assumed: %s", want, said)
		}
	}
}

// A sweep's row gives a case for each of its metrics, and memory does not enter the medians.
func TestTrainingSweepRow(t *testing.T) {
	header := strings.TrimSpace(trainingHeader) + ",status,mem_alloc_gib,mem_reserved_gib\n"
	row := strings.TrimSpace(strings.SplitN(string(trainingRow(map[string]string{"framework": "nanotron"})), "\n", 2)[1])
	r := trainingReport(t, []byte(header+row+",success,20,30\n"))
	var metrics []string
	for _, c := range r.Cases {
		metrics = append(metrics, c.Metric)
	}
	if got := strings.Join(metrics, " "); got != "step_time_s fits_in_memory mem_alloc_gib mem_reserved_gib" {
		t.Errorf("metrics: %s", got)
	}
	if r.Summary.Total != 1 {
		t.Errorf("%d cases in the summary, want the time alone", r.Summary.Total)
	}
	for _, c := range r.Cases {
		if c.Metric == "fits_in_memory" && (c.Correct == nil || c.Error != nil) {
			t.Error("a yes/no metric carries correct, not error")
		}
	}
}

func TestTorusDims(t *testing.T) {
	for _, c := range []struct {
		id    string
		chips int
		want  string
	}{{"google-tpu-v4", 64, "[4 4 4]"}, {"google-tpu-v5p", 512, "[8 8 8]"}, {"google-tpu-v5e", 256, "[16 16]"}, {"google-tpu-v4", 192, "[12 4 4]"}, {"google-tpu-v5p", 8, "[2 2 2]"}, {"google-tpu-v6e", 16, "[4 4]"}} {
		if dims, _ := torusDims(c.id, c.chips); fmt.Sprint(dims) != c.want {
			t.Errorf("%s × %d: %v, want %s", c.id, c.chips, dims, c.want)
		}
	}
}
