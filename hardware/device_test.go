package hardware

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aisim/hardware/profile"
	"aisim/internal/result"
)

func device(t testing.TB, id string) *Device {
	t.Helper()
	d, err := Default().Device(id, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every chip of the catalogue has a family, and a model unless a stated figure
// is missing.
func TestEveryChipHasADevice(t *testing.T) {
	without := map[string]bool{"intel-movidius-ncs2": true, "sambanova-sn30": true, "sambanova-sn40l": true} // no memory bandwidth
	for _, e := range Default().Entries(KindAccelerator) {
		d, err := Default().Device(e.ID, nil, nil)
		if without[e.ID] {
			if err == nil || !strings.Contains(err.Error(), "bandwidth") {
				t.Errorf("%s: %v, want a refusal that names the bandwidth", e.ID, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", e.ID, err)
			continue
		}
		if d.MemBytesPerSec <= 0 || d.LaunchSec <= 0 || d.IdleWatts > d.MaxWatts || d.Rung == "" || d.ScaleUpDomain < 1 {
			t.Errorf("%s: %+v", e.ID, d)
		}
		for dt := range d.Peak {
			if d.Peak[dt] > 0 && (d.gemm[dt] <= 0 || d.gemm[dt] > 1) {
				t.Errorf("%s %s: matrix efficiency %g", e.ID, DType(dt), d.gemm[dt])
			}
		}
		if d.Rung == profile.RungDatasheet && len(d.Assumptions) == 0 {
			t.Errorf("%s: a datasheet roofline must say so", e.ID)
		}
	}
}

func TestRealDeviceBytes(t *testing.T) {
	for id, want := range map[string]float64{
		"nvidia-h100-sxm": 81559 << 20, "nvidia-h200-sxm": 143771 << 20, "nvidia-b200-sxm": 183359 << 20, "nvidia-gb200": 198.67e9,
		"nvidia-a100-sxm-80": 80 << 30, "nvidia-gb300": 284208 << 20,
		// Error correction is kept in the memory itself: a sixteenth is gone.
		"nvidia-l40s": 46068 << 20, "nvidia-a10g": 23028 << 20, "nvidia-l4": 23034 << 20, "nvidia-t4": 15360 << 20,
	} {
		if got := device(t, id).MemBytes; math.Abs(got/want-1) > 1e-3 {
			t.Errorf("%s: %g B, want %g", id, got, want)
		}
	}
	// What CUDA and PyTorch report, in GiB.
	for id, want := range map[string]float64{"nvidia-h100-sxm": 79.18, "nvidia-h200-sxm": 139.80, "nvidia-l40s": 44.39, "nvidia-a10g": 22.06, "nvidia-b200-sxm": 178.35, "nvidia-rtx-4090": 23.64} {
		if d := device(t, id); math.Abs((d.MemBytes-d.ReservedBytes)/(1<<30)-want) > 0.01 {
			t.Errorf("%s: processes see %.2f GiB, want %.2f", id, (d.MemBytes-d.ReservedBytes)/(1<<30), want)
		}
	}
	a, err := Default().Accelerator("nvidia-h100-sxm")
	if err != nil {
		t.Fatal(err)
	}
	a.Memory = Value{V: 40e9, Unit: "B", Kind: result.Assumed, Source: OverrideSource}
	if d, err := NewDevice(a, nil, nil); err != nil || d.MemBytes != 40e9 {
		t.Errorf("an overridden memory is not used: %v %v", d.MemBytes, err)
	}
}

func TestUnsupportedFormatsAreRefused(t *testing.T) {
	for _, test := range []struct {
		chip string
		dt   DType
		want string
	}{
		{"nvidia-a100-sxm-80", FP8, "no such units"},
		{"nvidia-v100-sxm2-32", BF16, "use fp16"},
		{"nvidia-p100-sxm2-16", BF16, "use fp16"},
		{"nvidia-t4", BF16, "use fp16"},
		{"nvidia-h100-sxm", FP4, "no such units"},
		{"google-edge-tpu", BF16, "int8 4"},
		{"xilinx-vu9p", INT8, "no peak rate"},
	} {
		d := device(t, test.chip)
		err := d.Supports(test.dt)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.chip) {
			t.Errorf("%s on %s: %v, want %q", test.dt, test.chip, err, test.want)
		}
		if c := d.GEMM(128, 128, 128, test.dt); !math.IsInf(c.Sec, 1) {
			t.Errorf("%s on %s costs %g s, want +Inf", test.dt, test.chip, c.Sec)
		}
	}
	if err := device(t, "nvidia-v100-sxm2-32").Supports(FP16); err != nil {
		t.Error(err)
	}
	if err := device(t, "nvidia-h100-sxm").Supports(DType(200)); err == nil {
		t.Error("format 200 accepted")
	}
}

func TestParseDType(t *testing.T) {
	for s, want := range map[string]DType{"BF16": BF16, "fp16": FP16, "float32": FP32, "fp8_block": FP8, "nvfp4": FP4, "int8": INT8, "tf32": TF32} {
		if got, err := ParseDType(s); err != nil || got != want {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
	if _, err := ParseDType("fp12"); err == nil || !strings.Contains(err.Error(), "bf16") {
		t.Errorf("fp12: %v", err)
	}
	for i := range NumDTypes {
		if got, err := ParseDType(DType(i).String()); err != nil || got != DType(i) {
			t.Errorf("%s does not read back", DType(i))
		}
	}
}

// operators are all operators of a device at one drawn shape.
func operators(d *Device, m, n, k, s float64) map[string]Cost {
	attention := AttentionShape{Batch: 2, Heads: 16, KVHeads: 4, HeadDim: 128, Query: s, Causal: true, DType: BF16}
	backward, unfused, prefix := attention, attention, attention
	backward.Backward = true
	unfused.Unfused = true
	prefix.Past = m
	return map[string]Cost{
		"gemm":      d.GEMM(m, n, k, BF16),
		"weights":   d.GEMMWeights(m, n, k, BF16, 1),
		"grouped":   d.GroupedGEMM(8, m, n, k, BF16, 2),
		"attention": d.Attention(attention),
		"backward":  d.Attention(backward),
		"unfused":   d.Attention(unfused),
		"prefix":    d.Attention(prefix),
		"decode":    d.Decode(DecodeShape{Batch: 8, Heads: 16, KVHeads: 4, HeadDim: 128, KVTokens: 8 * s, KVBytes: 2, DType: BF16}),
		"element":   d.Elementwise(m * n),
		"optimizer": d.Optimizer(m * n),
		"generic":   d.Generic(m*n*k, m*n, BF16),
	}
}

// Sensitivity: a faster part is never slower, a slower part never faster, and
// each knob moves at least one operator.
func TestScaleNeverSlower(t *testing.T) {
	chips := []string{"nvidia-h100-sxm", "nvidia-a100-sxm-80", "google-tpu-v5p", "amd-mi300x", "intel-xeon-6980p-gnr"}
	devices := make([]*Device, len(chips))
	for i, id := range chips {
		devices[i] = device(t, id)
	}
	rapid.Check(t, func(rt *rapid.T) {
		d := devices[rapid.IntRange(0, len(devices)-1).Draw(rt, "chip")]
		size := rapid.Float64Range(1, 32768)
		m, n, k, s := math.Ceil(size.Draw(rt, "m")), math.Ceil(size.Draw(rt, "n")), math.Ceil(size.Draw(rt, "k")), math.Ceil(size.Draw(rt, "s"))
		gain := rapid.Float64Range(1, 4)
		faster := d.Scale(Scaling{Compute: gain.Draw(rt, "compute"), Memory: gain.Draw(rt, "memory"), Launch: gain.Draw(rt, "launch")})
		base, fast := operators(d, m, n, k, s), operators(faster, m, n, k, s)
		for name, c := range base {
			f := fast[name]
			if f.Sec > c.Sec*(1+1e-12) {
				rt.Fatalf("%s on %s: %g s with faster parts, %g s without", name, d.ID, f.Sec, c.Sec)
			}
			if !(c.Sec > 0) || math.IsInf(c.Sec, 0) || c.Sec < c.LaunchSec || c.Sec < c.MemorySec*(1-1e-12) || c.Sec < c.ComputeSec*(1-1e-12) {
				rt.Fatalf("%s on %s: %+v", name, d.ID, c)
			}
		}
	})
}

func TestEachKnobMoves(t *testing.T) {
	d := device(t, "nvidia-h100-sxm")
	big := func(d *Device) float64 { return d.GEMM(8192, 8192, 8192, BF16).Sec }
	wide := func(d *Device) float64 { return d.Elementwise(1e9).Sec }
	small := func(d *Device) float64 { return d.GEMM(16, 16, 16, BF16).Sec }
	for name, test := range map[string]struct {
		scale Scaling
		cost  func(*Device) float64
		gain  float64 // least ratio of times when the part is doubled
	}{
		"compute": {Scaling{Compute: 2}, big, 1.9},
		"memory":  {Scaling{Memory: 2}, wide, 1.9},
		"launch":  {Scaling{Launch: 2}, small, 1.5},
	} {
		if got := test.cost(d) / test.cost(d.Scale(test.scale)); got < test.gain {
			t.Errorf("doubling %s gains %.3f, want %.2f", name, got, test.gain)
		}
	}
	if d.Scale(Scaling{}).GEMM(100, 100, 100, BF16) != d.GEMM(100, 100, 100, BF16) {
		t.Error("an empty scaling changed the device")
	}
	if h := d.Isolated(); !(big(h) < big(d)) || h.Isolated().gemm != h.gemm {
		t.Error("a kernel alone must be faster than in a step, once")
	}
}

// Shapes: more work takes more time, and the known shape effects have their sign.
func TestShapeEffects(t *testing.T) {
	d := device(t, "nvidia-h100-sxm")
	rate := func(m, n, k float64) float64 { return 2 * m * n * k / d.GEMM(m, n, k, BF16).Sec }
	if !(rate(8192, 8192, 8192) > rate(8192, 8192, 64)) {
		t.Error("a short inner dimension must be less efficient")
	}
	if !(rate(8192, 8192, 8192) > 1.5*rate(256, 256, 8192)) {
		t.Error("few tiles must leave cores idle")
	}
	if !(d.GEMMWeights(8, 8192, 8192, BF16, 0.5).Sec < 0.5*d.GEMM(8, 8192, 8192, BF16).Sec) {
		t.Error("4-bit weights must speed a skinny GEMM")
	}
	causal := AttentionShape{Batch: 1, Heads: 32, KVHeads: 8, HeadDim: 128, Query: 8192, Causal: true, DType: BF16}
	full, back, d64, unfused := causal, causal, causal, causal
	full.Causal, back.Backward, d64.HeadDim, unfused.Unfused = false, true, 64, true
	c := d.Attention(causal).Sec
	if f := d.Attention(full).Sec; f < 1.7*c || f > 2.1*c {
		t.Errorf("full mask over causal: %.2f, want about 2", f/c)
	}
	if b := d.Attention(back).Sec; b < 2.5*c || b > 4.5*c {
		t.Errorf("backward over forward: %.2f, want 2.5 to 4.5", b/c)
	}
	if h := d.Attention(d64).Sec; h < 0.5*c {
		t.Error("head dimension 64 must be less efficient than 128")
	}
	if u := d.Attention(unfused).Sec; u < 3*c {
		t.Errorf("unfused over fused: %.2f, want over 3", u/c)
	}
	decode := DecodeShape{Batch: 32, Heads: 32, KVHeads: 8, HeadDim: 128, KVTokens: 32 * 4096, KVBytes: 2, DType: BF16}
	fp8 := decode
	fp8.KVBytes = 1
	if r := d.Decode(decode).Sec / d.Decode(fp8).Sec; r < 1.5 {
		t.Errorf("halving the bytes of the cache gains %.2f", r)
	}
	if r := d.GroupedGEMM(8, 4096, 4096, 4096, BF16, 2).Sec / d.GEMM(8*4096, 4096, 4096, BF16).Sec; r < 1.5 {
		t.Errorf("grouped experts over one dense GEMM: %.2f, want slower", r)
	}
	if (d.GEMM(0, 5, 5, BF16) != Cost{}) || (d.Decode(DecodeShape{}) != Cost{}) || (d.Attention(AttentionShape{}) != Cost{}) || (d.GroupedGEMM(0, 1, 1, 1, BF16, 2) != Cost{}) {
		t.Error("no work must cost nothing")
	}
}

func TestPower(t *testing.T) {
	d := device(t, "nvidia-h200-sxm")
	if d.Power(0) != 80 || d.Power(1) != 700 || d.Power(-1) != 80 || d.Power(7) != 700 {
		t.Errorf("H200 draws %g idle and %g at most, want 80 and 700", d.Power(0), d.Power(1))
	}
	for u := 0.1; u <= 1; u += 0.1 {
		if d.Power(u) <= d.Power(u-0.1) {
			t.Errorf("power falls at utilisation %.1f", u)
		}
	}
}

func TestDraw(t *testing.T) {
	v := Value{V: 100, Kind: result.Datasheet, RelSD: 0.10}
	draw := NewDraw(7, 3)
	if draw("a", v) != draw("a", v) || draw("a", v) == draw("b", v) || draw("a", v) == NewDraw(7, 4)("a", v) || draw("a", v) == NewDraw(8, 3)("a", v) {
		t.Error("a draw must depend on seed, replica and name alone")
	}
	if NewDraw(7, 0)("a", v) != 100 || draw("a", Value{V: 5}) != 5 {
		t.Error("replica 0 and exact values are nominal")
	}
	// 4,000 draws: median 100 within 1 %, sd of the logarithm 0.0998 within 5 %
	// (four standard errors of each).
	var logs, squares float64
	below := 0
	const n = 4000
	for i := range n {
		x := math.Log(NewDraw(1, i+1)("x", v) / 100)
		logs += x
		squares += x * x
		if x < 0 {
			below++
		}
	}
	if sd := math.Sqrt(squares/n - logs/n*logs/n); math.Abs(sd/0.0998-1) > 0.05 || math.Abs(logs/n) > 0.0065 || math.Abs(float64(below)/n-0.5) > 0.035 {
		t.Errorf("lognormal: mean %g, sd %g, %d of %d below the median", logs/n, sd, below, n)
	}
	one, err := Default().Device("nvidia-h100-sxm", nil, NewDraw(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	nominal := device(t, "nvidia-h100-sxm")
	if one.Peak[BF16] == nominal.Peak[BF16] || one.MemBytesPerSec == nominal.MemBytesPerSec || one.gemm[BF16] == nominal.gemm[BF16] {
		t.Error("a draw did not reach the device")
	}
	if math.Abs(one.Peak[FP8]/one.Peak[BF16]-nominal.Peak[FP8]/nominal.Peak[BF16]) > 1e-9 {
		t.Error("one clock: the formats of a chip must move together")
	}
	if one.MemBytes != nominal.MemBytes {
		t.Error("memory size is counted, not drawn")
	}
}

func TestDrawLinks(t *testing.T) {
	links, err := profile.Links()
	if err != nil {
		t.Fatal(err)
	}
	same := DrawLinks(links, NominalDraw)
	drawn := DrawLinks(links, NewDraw(3, 2))
	for class, l := range links {
		d := drawn[class]
		if same[class] != l {
			t.Errorf("%s: the nominal draw changed it", class)
		}
		if d.BaseSec == l.BaseSec || d.Efficiency == l.Efficiency || d.Efficiency > 1 {
			t.Errorf("%s: %g of %g, %g s of %g", class, d.Efficiency, l.Efficiency, d.BaseSec, l.BaseSec)
		}
		if math.Abs(d.StepSec/l.StepSec-d.BaseSec/l.BaseSec) > 1e-9 {
			t.Errorf("%s: fixed times must move together", class)
		}
	}
}

func BenchmarkGEMM(b *testing.B) {
	d := device(b, "nvidia-h100-sxm")
	b.ReportAllocs()
	for b.Loop() {
		d.GEMM(8192, 6656, 16384, BF16)
	}
}

func BenchmarkDecode(b *testing.B) {
	d := device(b, "nvidia-h100-sxm")
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(DecodeShape{Batch: 64, Heads: 8, KVHeads: 1, HeadDim: 128, KVTokens: 64 * 1500, KVBytes: 2, DType: BF16})
	}
}
