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
	for _, h := range r.HeldOut {
		if h.Inside == nil || *h.Inside < 0.85 {
			t.Errorf("%s of unseen chips: 90 %% intervals hold %v", h.Class, h.Inside)
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
		{"a,H100-SXM,paged attention decode,batch=8 heads=32 head_dim=128,bf16,1,ms", "no seq"},
		{"a,H100-SXM,conv fwd,N=8 C=64 H=56 W=56 K=64,fp16,1,ms", "no R"},
		{"a,H100-SXM,rmsnorm,seq=4096,bf16,1,ms", "tokens and hidden"},
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

// The same shape in the spellings of other tables is the same call; so are formats.
func TestKernelSpellings(t *testing.T) {
	value := func(kernel, shape, dtype string) float64 {
		c := reportOf(t, "kernels", kernelHeader+"a,H100-SXM,"+kernel+",\""+shape+"\","+dtype+",1,ms\n").Cases[0]
		if c.Predicted == nil {
			t.Errorf("%s, %s, %s: %s", kernel, shape, dtype, c.Reason)
			return 0
		}
		return *c.Predicted
	}
	want := value("gemm", "M=4096 N=8192 K=1024", "bf16")
	for _, shape := range []string{"m=4096, n=8192, k=1024", "M:4096 N:8192 K:1024", "4096x8192x1024", "4096 × 8192 × 1024", "(4096, 8192, 1024)", "MxNxK 4096x8192x1024", "MxKxN 4096x1024x8192", "m4096n8192k1024", "N=8192 K=1024 M=4096", "groups=1 m_per_group=4096 n=8192 k=1024"} {
		if got := value("gemm", shape, "bf16"); got != want {
			t.Errorf("%s: %g ms, want %g", shape, got, want)
		}
	}
	for _, dtype := range []string{"BF16", "bfloat16", "torch.bfloat16", "bf16 in fp32 acc", "fp16", "float16", "half", "16-bit"} {
		if got := value("gemm", "M=4096 N=8192 K=1024", dtype); got != want {
			t.Errorf("%s: %g ms, want %g", dtype, got, want)
		}
	}
	if a, b := value("gemm", "M=64 N=64 K=512 batch=100", "bf16"), value("bmm", "b=100 M=64 N=64 K=512", "bf16"); a != b || a <= value("gemm", "M=64 N=64 K=512", "bf16") {
		t.Errorf("batches: %g and %g ms", a, b)
	}
	if a, b := value("FlashAttention-2 fwd", "seq=2k head_dim=128 causal=yes", "bf16"), value("FA2 fwd", "seqlen: 2048 headdim 128 causal", "bf16"); a != b {
		t.Errorf("attention: %g and %g ms", a, b)
	}
	// Fused attention of any name is no unfused one.
	if fused, unfused := value("cuDNN attention fwd", "seq=4096 head_dim=128", "bf16"), value("PyTorch attention fwd", "seq=4096 head_dim=128", "bf16"); fused >= unfused {
		t.Errorf("fused %g ms, unfused %g", fused, unfused)
	}
	if short, long := value("paged attention decode", "batch=32 heads=32 kv_heads=8 seq=1024 head_dim=128", "bf16"), value("flash decoding", "batch=32 heads=32 kv_heads=8 seq=8192 head_dim=128", "bf16"); short >= long {
		t.Errorf("decode of 1,024: %g ms, of 8,192: %g", short, long)
	}
	if copied, hosted := value("device to device copy", "large", "bytes"), value("host-to-device copy", "large", "bytes"); copied >= hosted {
		t.Errorf("a copy on the chip %g ms, from the host %g", copied, hosted)
	}
	if conv := value("conv2d fwd", "N=32 C=64 H=56 W=56 K=64 R=3 S=3 stride=1 pad=1", "fp16"); !(conv > 0) {
		t.Error("no time of a convolution")
	}
}
