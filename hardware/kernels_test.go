package hardware

import (
	"encoding/csv"
	"math"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"

	"aisim/internal/measured"
)

// chips of the measured tables by their spelling there.
var chipNames = []struct{ prefix, id string }{
	{"A100-SXM", "nvidia-a100-sxm-80"}, {"A100-PCIe", "nvidia-a100-pcie-80"}, {"A100-40GB", "nvidia-a100-sxm-40"},
	{"H100-SXM", "nvidia-h100-sxm"}, {"H100-PCIe", "nvidia-h100-pcie"}, {"H800-SXM", "nvidia-h800-sxm"}, {"H200-SXM", "nvidia-h200-sxm"},
	{"GH200-SXM", "nvidia-gh200-96"}, {"B200-SXM", "nvidia-b200-sxm"}, {"Gaudi2", "intel-gaudi2"}, {"V100", "nvidia-v100-sxm2-16"},
}

func chipID(name string) string {
	for _, c := range chipNames {
		if strings.HasPrefix(name, c.prefix) {
			return c.id
		}
	}
	return ""
}

type kernelRow map[string]string

func readTable(t *testing.T, name string) []kernelRow {
	t.Helper()
	f, err := os.Open(measured.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]kernelRow, 0, len(records)-1)
	for _, rec := range records[1:] {
		row := kernelRow{}
		for i, c := range records[0] {
			row[c] = rec[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func (r kernelRow) number(column string) float64 {
	v, _ := strconv.ParseFloat(r[column], 64)
	return v
}

// errorsOf collects |predicted/measured - 1| on time.
type errorsOf []float64

func (e *errorsOf) add(predicted, measured float64) {
	*e = append(*e, math.Abs(predicted/measured-1))
}

func (e errorsOf) quantile(q float64) float64 {
	s := append([]float64(nil), e...)
	sort.Float64s(s)
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

var (
	mnk    = regexp.MustCompile(`MxNxK (\d+)x(\d+)x(\d+)`)
	mEqual = regexp.MustCompile(`M=(\d+) N=(\d+) K=(\d+)`)
)

// Large library GEMMs of the kernel table. Tolerance: 15 % in the median. The
// model is first order: one efficiency per chip and format, one tile form for
// all. A kernel grid with interpolation (issue 3/8) is what goes below that.
func TestLargeGEMMsAgainstKernelTable(t *testing.T) {
	all, best := errorsOf{}, errorsOf{}
	for _, row := range readTable(t, "validation/kernels.csv") {
		if !strings.HasPrefix(row["kernel"], "gemm (") || row["unit"] != "TFLOP/s" || row["use"] != "gate" {
			continue
		}
		shape := mnk.FindStringSubmatch(row["shape"])
		if shape == nil {
			shape = mEqual.FindStringSubmatch(row["shape"])
		}
		id := chipID(row["chip"])
		if shape == nil || id == "" {
			continue
		}
		var m, n, k float64
		for i, p := range []*float64{&m, &n, &k} {
			*p, _ = strconv.ParseFloat(shape[i+1], 64)
		}
		dt := BF16
		if strings.HasPrefix(row["dtype"], "fp8") {
			dt = FP8
		}
		measured := 2 * m * n * k / (row.number("value") * 1e12)
		if measured < 30e-6 {
			continue
		}
		predicted := device(t, id).Isolated().GEMM(m, n, k, dt).Sec
		all.add(predicted, measured)
		if strings.Contains(row["kernel"], "best shape") {
			best.add(predicted, measured)
		}
	}
	if len(all) < 15 {
		t.Fatalf("%d rows read, want at least 15", len(all))
	}
	t.Logf("large GEMMs: %d rows, median %.1f %%, p90 %.1f %%; best shapes: %d rows, median %.1f %%", len(all), 100*all.quantile(.5), 100*all.quantile(.9), len(best), 100*best.quantile(.5))
	if all.quantile(.5) > 0.15 || best.quantile(.5) > 0.10 {
		t.Errorf("median error %.3f over all, %.3f over best shapes", all.quantile(.5), best.quantile(.5))
	}
}

// Operator tables of A100, H100 and B200, rows over 100 µs. The tables are of
// short bursts, 10 to 18 % above sustained rates (kernel notes, A1), which the
// profile states; hence 15 % for GEMM, and 20 % for attention, whose block
// sizes the model does not know.
func TestOperatorTables(t *testing.T) {
	for _, chip := range []struct{ id, gemm, prefill, decode string }{
		{"nvidia-a100-sxm-80", "a100_sxm_vllm0.14.0_gemm.csv", "a100_sxm_vllm0.14.0_context_attention.csv", "a100_sxm_vllm0.14.0_generation_attention.csv"},
		{"nvidia-h100-sxm", "h100_sxm_vllm0.14.0_gemm.csv", "h100_sxm_vllm0.14.0_context_attention.csv", "h100_sxm_vllm0.14.0_generation_attention.csv"},
		{"nvidia-b200-sxm", "b200_sxm_vllm0.24.0_gemm_pow2m.csv", "b200_sxm_vllm0.24.0_context_attention_hd128.csv", "b200_sxm_vllm0.24.0_generation_attention_hd128.csv"},
	} {
		d := device(t, chip.id).Isolated()
		for _, table := range []struct {
			name, file string
			limit      float64
			predict    func(r kernelRow) (float64, bool)
		}{
			{"gemm", chip.gemm, 0.15, func(r kernelRow) (float64, bool) {
				return d.GEMM(r.number("m"), r.number("n"), r.number("k"), BF16).Sec, r["gemm_dtype"] == "bfloat16"
			}},
			{"prefill", chip.prefill, 0.20, func(r kernelRow) (float64, bool) {
				return d.Attention(AttentionShape{Batch: r.number("batch_size"), Heads: r.number("num_heads"), KVHeads: r.number("num_key_value_heads"), HeadDim: r.number("head_dim"),
					Query: r.number("isl"), Past: r.number("step"), Causal: true, DType: BF16, KVBytes: kvBytes(r)}).Sec, r["attn_dtype"] == "bfloat16"
			}},
			{"decode", chip.decode, 0.20, func(r kernelRow) (float64, bool) {
				return d.Decode(DecodeShape{Batch: r.number("batch_size"), Heads: r.number("num_heads"), KVHeads: r.number("num_key_value_heads"), HeadDim: r.number("head_dim"),
					KVTokens: r.number("batch_size") * (r.number("step") + 1), KVBytes: kvBytes(r), DType: BF16}).Sec, r["attn_dtype"] == "bfloat16"
			}},
		} {
			all, large := errorsOf{}, errorsOf{}
			for _, r := range readTable(t, "inference/aiconfigurator/"+table.file) {
				predicted, ok := table.predict(r)
				if !ok {
					continue
				}
				measured := r.number("latency_ms") * 1e-3
				all.add(predicted, measured)
				if measured > 100e-6 {
					large.add(predicted, measured)
				}
			}
			t.Logf("%s %s: %d rows, median %.1f %%, p90 %.1f %%; over 100 us: %d rows, median %.1f %%, p90 %.1f %%", chip.id, table.name,
				len(all), 100*all.quantile(.5), 100*all.quantile(.9), len(large), 100*large.quantile(.5), 100*large.quantile(.9))
			if large.quantile(.5) > table.limit {
				t.Errorf("%s %s: median error %.3f over 100 us, limit %.2f", chip.id, table.name, large.quantile(.5), table.limit)
			}
		}
	}
}

// Fused-MoE layers of H100, balanced routing: two grouped GEMMs and 40 us of
// routing (kernel notes: 40 to 90 us for the whole call). Tolerance 30 %: one
// library's Triton kernels, against a constant that also serves training.
func TestGroupedGEMMTable(t *testing.T) {
	d := device(t, "nvidia-h100-sxm").Isolated()
	for _, format := range []struct {
		name  string
		dt    DType
		limit float64
	}{{"bfloat16", BF16, 0.30}, {"fp8", FP8, 0.35}} {
		e := errorsOf{}
		for _, r := range readTable(t, "inference/aiconfigurator/h100_sxm_vllm0.14.0_moe.csv") {
			if r["moe_dtype"] != format.name || r["distribution"] != "balanced" {
				continue
			}
			experts, ep := r.number("num_experts"), r.number("moe_ep_size")
			tokens, topk := r.number("num_tokens"), r.number("topk")
			hidden, inner := r.number("hidden_size"), r.number("inter_size")/r.number("moe_tp_size")
			active := experts / ep * (1 - math.Pow(1-topk/experts, tokens))
			rows := tokens * topk / ep / active
			up := d.GroupedGEMM(active, rows, 2*inner, hidden, format.dt, format.dt.Bytes())
			down := d.GroupedGEMM(active, rows, hidden, inner, format.dt, format.dt.Bytes())
			e.add(up.Sec+down.Sec+40e-6, r.number("latency_ms")*1e-3)
		}
		t.Logf("fused MoE %s: %d rows, median %.1f %%, p90 %.1f %%", format.name, len(e), 100*e.quantile(.5), 100*e.quantile(.9))
		if e.quantile(.5) > format.limit {
			t.Errorf("%s: median error %.3f, limit %.2f", format.name, e.quantile(.5), format.limit)
		}
	}
}

func kvBytes(r kernelRow) float64 {
	if r["kv_cache_dtype"] == "fp8" {
		return 1
	}
	return 2
}

var faShape = regexp.MustCompile(`seq=(\d+)(k?) head_dim=(\d+) causal=(yes|no)`)

// FlashAttention-2 forward plus backward on A100 (notes, D: 16k tokens, hidden
// 2048, 3.5 forward flops, causal halved). H100 rows are of a library that does
// not use Hopper's units; the profile holds for those that do, so they are left
// out. Tolerance 15 %: form and constants come from these rows and the tables.
func TestFlashAttentionRows(t *testing.T) {
	e := errorsOf{}
	for _, row := range readTable(t, "validation/kernels.csv") {
		shape := faShape.FindStringSubmatch(row["shape"])
		if !strings.HasPrefix(row["kernel"], "FlashAttention-2") || shape == nil || !strings.HasPrefix(row["chip"], "A100") {
			continue
		}
		s, _ := strconv.ParseFloat(shape[1], 64)
		if shape[2] == "k" {
			s *= 1024
		}
		dim, _ := strconv.ParseFloat(shape[3], 64)
		a := AttentionShape{Batch: 16384 / s, Heads: 2048 / dim, KVHeads: 2048 / dim, HeadDim: dim, Query: s, Causal: shape[4] == "yes", DType: BF16}
		flops := 3.5 * 4 * a.Batch * a.Heads * s * s * dim
		if a.Causal {
			flops /= 2
		}
		d := device(t, "nvidia-a100-sxm-80")
		forward := d.Attention(a).Sec
		a.Backward = true
		e.add(forward+d.Attention(a).Sec, flops/(row.number("value")*1e12))
	}
	if len(e) < 20 {
		t.Fatalf("%d rows", len(e))
	}
	t.Logf("FlashAttention-2 on A100: %d rows, median %.1f %%, p90 %.1f %%", len(e), 100*e.quantile(.5), 100*e.quantile(.9))
	if e.quantile(.5) > 0.15 {
		t.Errorf("median error %.3f", e.quantile(.5))
	}
}

// STREAM triads: the memory fraction against measured bandwidths, 5 %.
func TestStreamRows(t *testing.T) {
	e := errorsOf{}
	for _, row := range readTable(t, "validation/kernels.csv") {
		if row["kernel"] != "hbm triad" || row["use"] != "gate" || chipID(row["chip"]) == "" {
			continue
		}
		bytes := 3 * 8 * 1e9
		e.add(device(t, chipID(row["chip"])).Elementwise(bytes).Sec, bytes/(row.number("value")*1e9))
	}
	if len(e) < 3 {
		t.Fatalf("%d rows", len(e))
	}
	if e.quantile(.5) > 0.05 {
		t.Errorf("median error %.3f", e.quantile(.5))
	}
}
