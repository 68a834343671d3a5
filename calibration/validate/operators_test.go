package validate

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"aisim/internal/measured"
	"aisim/sim"
)

// Issue 3/8: leave one out ≤ 2.5 % in the median and ≤ 12 % at p90, from one row in
// ten ≤ 5 and 18 %; here on the tables of A100, all others by make validation.
func TestOperatorTables(t *testing.T) {
	var tables []OperatorTable
	for _, name := range []string{"a100_sxm_vllm0.14.0_gemm.csv", "a100_sxm_vllm0.14.0_generation_attention.csv", "a100_sxm_vllm0.14.0_context_attention.csv"} {
		text, err := os.ReadFile(measured.Path(t, "inference/aiconfigurator/"+name))
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, OperatorTable{name, bytes.NewReader(text)})
	}
	r, skipped, err := Operators(tables)
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	hold(t, r, []limit{{"leave one out", "GEMM", 0.025, 0.12}, {"leave one out", "attention prefill", 0.025, 0.12}, {"leave one out", "attention decode", 0.025, 0.12},
		{"one row in ten known", "GEMM", 0.052, 0.18}, {"one row in ten known", "attention prefill", 0.05, 0.18}, {"one row in ten known", "attention decode", 0.05, 0.18}})
	if in := *r.Summary.InsideInterval; in < 0.85 || in > 0.95 {
		t.Errorf("90 %% intervals hold %.3f", in)
	}
}

// gemmTable is a user's own file: 40 calls at 700 TFLOP/s and 3 µs, each times scale.
func gemmTable(scale func(i int) float64) string {
	var b strings.Builder
	b.WriteString("gemm_dtype,m,n,k,latency_ms\n")
	i := 0
	for m := 64; m <= 8192; m *= 2 {
		for n := 512; n <= 8192; n *= 2 {
			fmt.Fprintf(&b, "bfloat16,%d,%d,4096,%g\n", m, n, scale(i)*(0.003+float64(m*n)*4096*2/700e9))
			i++
		}
	}
	return b.String()
}

func TestOperatorsOfOneUser(t *testing.T) {
	turns := sim.NewStream(1, "turns")
	for _, c := range []struct {
		name  string
		scale func(int) float64
		want  string // the group
		below float64
	}{
		{"h100_sxm_mine.csv", func(int) float64 { return 1 }, "GEMM", 0.08},
		{"h100_sxm_mine.csv", func(int) float64 { return 1 + 1.2*math.Round(turns.Float64()) }, "GEMM, two kernels that take turns", 9},
	} {
		r, _, err := Operators([]OperatorTable{{c.name, strings.NewReader(gemmTable(c.scale))}})
		if err != nil {
			t.Fatal(err)
		}
		if g := r.Groups[0]; g.By != "leave one out" || g.Key != c.want || *g.MedianAbsError > c.below {
			t.Errorf("%+v, want %s under %g", g, c.want, c.below)
		}
		if len(r.Cases) != 40 {
			t.Errorf("%d cases of 40 calls", len(r.Cases))
		}
	}
}

// A chip unseen by the fit is predicted by the others' constants: what its own table says,
// but for the best of its long calls, does not matter.
func TestUnseenChip(t *testing.T) {
	group := func(slow float64) Group {
		const long = "bfloat16,65536,65536,4096,125\n" // 281 TFLOP/s
		r, _, err := Operators([]OperatorTable{{"a100_sxm.csv", strings.NewReader(gemmTable(func(int) float64 { return 2.5 }) + long)},
			{"h100_sxm.csv", strings.NewReader(gemmTable(func(i int) float64 { return 1 + (slow-1)*float64(i%2) }) + "bfloat16,65536,65536,4096,50\n")}})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range r.Groups {
			if g.By == heldBack[3]+", by chip" && strings.HasPrefix(g.Key, "nvidia-h100") {
				return g
			}
		}
		t.Fatal("no unseen chip")
		return Group{}
	}
	even, uneven := group(1), group(1.5)
	if even.Rank == nil || *even.Rank < 0.9 {
		t.Errorf("rank %v", even.Rank)
	}
	if *uneven.Bias >= *even.Bias {
		t.Errorf("calls that got slower, bias from %.3f to %.3f: the chip's own calls entered its prediction", *even.Bias, *uneven.Bias)
	}
}

func TestOperatorRefusals(t *testing.T) {
	head := "gemm_dtype,m,n,k,latency_ms\n"
	for _, c := range []struct{ name, text, want string }{
		{"h100.csv", "a,b\n1,2\n", "not a table of operators"},
		{"mine.csv", head + "bfloat16,1,2,3,4\n", "no chip"},
		{"h100.csv", head, "no rows"},
		{"h100.csv", head + "bfloat16,1,two,3,4\n", "line 2: n is"},
		{"h100.csv", head + "bfloat16,1,2,3,0\n", "positive"},
		{"h100.csv", head + "bfloat16,0,2,3,1\n", "size"},
		{"h100.csv", head + "fp5,1,2,3,1\n", "number format"},
		{"v100.csv", head + "fp8,1,2,3,1\n", "fp8"},
	} {
		_, skipped, err := Operators([]OperatorTable{{c.name, strings.NewReader(c.text)}})
		if err == nil || len(skipped) != 1 || !strings.Contains(skipped[0].Error(), c.want) {
			t.Errorf("%s %q: %v %v, want %q", c.name, c.text, err, skipped, c.want)
		}
	}
}
