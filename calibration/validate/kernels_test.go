package validate

import (
	"strings"
	"testing"
)

// Issue 3/8 on the shared table of kernels.
func TestKernelsTable(t *testing.T) {
	r := sharedReport(t, "kernels", "kernels.csv")
	hold(t, r, []limit{{"op", "library GEMM", 0.055, 0.25}, {"op", "DeepGEMM", 0.03, 0.12}, {"op", "FlashAttention", 0.03, 0.08}, {"op", "STREAM", 0.03, 0.08},
		{"op", "unfused attention", 0.03, 0.08}, {"op", "best GEMM", 0.03, 0.06}})
	if s := r.Summary; *s.MedianAbsError > 0.05 || *s.P90AbsError > 0.25 || s.Predicted < s.Total {
		t.Errorf("all: median %.3f p90 %.3f, %d of %d", *s.MedianAbsError, *s.P90AbsError, s.Predicted, s.Total)
	}
	// A chip that no fit saw: ≤ 10 % and rank ≥ 0.97.
	for _, h := range r.HeldOut {
		if *h.HeldOut > 0.10 || *h.Rank < 0.97 {
			t.Errorf("%s of unseen chips: median %.3f, rank %.3f", h.Class, *h.HeldOut, *h.Rank)
		}
	}
	if len(r.HeldOut) < 5 {
		t.Errorf("%d classes held out, want 5", len(r.HeldOut))
	}
	twice(t, "kernels", "kernels.csv", r)
	document(t, "validation-kernels.md", r, "op", "class", "chip", "dtype")
}

const kernelHeader = "id,chip,kernel,shape,dtype,value,unit\n"

func TestKernelRefusals(t *testing.T) {
	for _, c := range []struct{ row, want string }{
		{"a,H100-SXM,gemm,best config,bf16,800,TFLOP/s", "no shape"},
		{"a,H100-SXM,gemm,M=1024 N=1024 K=1024,fp5,800,TFLOP/s", "number format"},
		{"a,V100,gemm,M=1024 N=1024 K=1024,fp8,800,TFLOP/s", "fp8"},
		{"a,Colossus,gemm,M=1024 N=1024 K=1024,bf16,800,TFLOP/s", "catalogue"},
		{"a,H100-SXM,sorting,n=10,bf16,800,TFLOP/s", "no model"},
		{"a,H100-SXM,gemm,M=1024 N=1024 K=1024,bf16,8,furlongs", "unit"},
		{"a,H100-SXM,gemm,M=1024 N=1024 K=1024,bf16,8,GB/s", ""},
	} {
		got := reportOf(t, "kernels", kernelHeader+c.row+"\n").Cases[0]
		if c.want == "" {
			if got.Status != Predicted {
				t.Errorf("%s: %s %s", c.row, got.Status, got.Reason)
			}
			continue
		}
		if got.Status != Refused || !strings.Contains(got.Reason, c.want) {
			t.Errorf("%s: %s %q, want %q", c.row, got.Status, got.Reason, c.want)
		}
	}
}

// A larger matrix takes longer, a better chip is faster, and no kernel beats the roofline.
func TestKernelSensitivity(t *testing.T) {
	ms := func(chip, shape, dtype string) (float64, float64) {
		c := reportOf(t, "kernels", kernelHeader+"a,"+chip+",gemm,"+shape+","+dtype+",1,ms\n").Cases[0]
		if c.Predicted == nil {
			t.Fatalf("%s %s: %s", chip, shape, c.Reason)
		}
		return *c.Predicted, *c.Roofline
	}
	last := 0.0
	for _, n := range []string{"256", "1024", "4096", "16384"} {
		shape := "M=" + n + " N=" + n + " K=" + n
		h, roof := ms("H100-SXM", shape, "bf16")
		a, _ := ms("A100-SXM", shape, "bf16")
		f, _ := ms("H100-SXM", shape, "fp8")
		if h <= last || h < roof || a <= h || (f >= h && n != "256") {
			t.Errorf("%s: H100 %g ms (fp8 %g, roofline %g), A100 %g ms, smaller %g ms", n, h, f, roof, a, last)
		}
		last = h
	}
}
