package fit

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"aisim/calibration/ingest"
	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/sim"
)

// made are records of GEMMs and STREAM on an H100 whose constants are known, with noise.
func made(t *testing.T, gemm, memory, noise float64) []ingest.Record {
	t.Helper()
	base, err := profile.For("nvidia-h100-sxm")
	if err != nil {
		t.Fatal(err)
	}
	set := func(key string, v float64) {
		if err := base.Eff.Set(key, profile.Param{V: v, RelSD: 0.01, Source: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	set("gemm.bf16", gemm)
	set("memory", memory)
	dev, err := hardware.Default().Device("nvidia-h100-sxm", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	dev = dev.Isolated()
	draw := sim.NewStream(1, "test/noise")
	var out []ingest.Record
	line := 0
	add := func(b ingest.Body) {
		line++
		out = append(out, ingest.Record{Kind: b.Kind(), Source: ingest.Source{Tool: "test", File: "made.txt", Line: line}, Body: b})
	}
	for _, m := range []float64{64, 512, 2048, 8192} {
		for _, n := range []float64{1024, 4096, 12288} {
			for _, k := range []float64{1024, 4096, 8192} {
				sec := dev.GEMM(m, n, k, hardware.BF16).Sec * math.Exp(draw.Normal(0, noise))
				add(&ingest.Kernel{Name: "gemm", Class: "gemm", DType: "bf16", M: ingest.Is(m), N: ingest.Is(n), K: ingest.Is(k), DurationSec: ingest.Is(sec), Device: "NVIDIA H100 80GB HBM3"})
			}
		}
	}
	for _, op := range []string{"copy", "scale", "add", "triad"} {
		bytes := 4e9 * arrays[op]
		add(&ingest.Memory{Op: op, ArrayBytes: ingest.Is(4e9), BytesPerSec: ingest.Is(bytes / dev.Elementwise(bytes).Sec * math.Exp(draw.Normal(0, noise)))})
	}
	return out
}

// What made the records is found in them: 1 % noise over 27 shapes leaves 1 % on the rate; the
// shape constants may trade against it, 3 % is allowed.
func TestConstantsAreFound(t *testing.T) {
	for _, want := range []float64{0.62, 0.88} {
		got, err := Calibrate(made(t, want, 0.81, 0.01), Target{Hardware: "nvidia-h100-sxm"})
		if err != nil {
			t.Fatal(err)
		}
		if g := got.Eff.Get("gemm.bf16"); math.Abs(g.V/want-1) > 0.03 || g.RelSD > 0.05 || g.RelSD < 0.005 {
			t.Errorf("gemm.bf16 = %+v, want %g", g, want)
		}
		if g := got.Eff.Get("memory"); math.Abs(g.V/0.81-1) > 0.02 {
			t.Errorf("memory = %+v, want 0.81", g)
		}
		for _, r := range got.Profile.Fit.Residuals {
			if r.HeldOut == 0 || r.HeldOutMedian > 0.03 || r.Group == "gemm bf16" && r.Before < r.Median {
				t.Errorf("%+v", r)
			}
		}
	}
}

// A tenth of the shapes three times too slow (a neighbour's job) moves the rate by no more than
// 3 %, and is counted.
func TestOutliersDoNotPull(t *testing.T) {
	records := made(t, 0.7, 0.85, 0.01)
	for i := 3; i < 36; i += 10 {
		k := records[i].Body.(*ingest.Kernel)
		k.DurationSec.V *= 3
	}
	got, err := Calibrate(records, Target{Hardware: "nvidia-h100-sxm"})
	if err != nil {
		t.Fatal(err)
	}
	if g := got.Eff.Get("gemm.bf16"); math.Abs(g.V/0.7-1) > 0.03 {
		t.Errorf("gemm.bf16 = %+v, want 0.7", g)
	}
	if r := got.Profile.Fit.Residuals[0]; r.Outliers < 4 {
		t.Errorf("%+v: four outliers were put in", r)
	}
}

// Noisier measurements leave a wider interval, and the suggestions name what was not measured.
func TestIntervalFollowsResiduals(t *testing.T) {
	quiet, err := Calibrate(made(t, 0.7, 0.85, 0.005), Target{Hardware: "nvidia-h100-sxm"})
	if err != nil {
		t.Fatal(err)
	}
	loud, err := Calibrate(made(t, 0.7, 0.85, 0.10), Target{Hardware: "nvidia-h100-sxm"})
	if err != nil {
		t.Fatal(err)
	}
	if q, l := quiet.Eff.Get("gemm.bf16").RelSD, loud.Eff.Get("gemm.bf16").RelSD; l < 3*q {
		t.Errorf("sd %g of quiet, %g of noisy measurements", q, l)
	}
	first := quiet.Profile.Fit.Measure[0]
	if strings.HasPrefix(first.Group, "gemm bf16") || first.Shrinks < 0.1 {
		t.Errorf("%+v: bf16 was measured, fp8 and others were not", first)
	}
}

// Two outcomes of one measurement are reported and neither is used.
func TestContradictionsAreNotAveraged(t *testing.T) {
	records := made(t, 0.7, 0.85, 0)
	again := *records[5].Body.(*ingest.Kernel)
	again.DurationSec.V *= 2
	records = append(records, ingest.Record{Kind: again.Kind(), Source: ingest.Source{Tool: "test", File: "again.txt", Line: 7}, Body: &again})
	got, err := Calibrate(records, Target{Hardware: "nvidia-h100-sxm"})
	if err != nil {
		t.Fatal(err)
	}
	c := got.Profile.Fit.Contradictions
	if len(c) != 1 || !strings.Contains(c[0], "again.txt:7") || !strings.Contains(c[0], "made.txt:6") {
		t.Fatalf("%q", c)
	}
	r := got.Profile.Fit.Residuals[0]
	if r.Fitted+r.HeldOut != 35 {
		t.Errorf("%d of 36 shapes used, one contradicts itself", r.Fitted+r.HeldOut)
	}
}

// What was measured on another chip is not fitted, and said.
func TestOtherChipsAreRefused(t *testing.T) {
	_, err := Calibrate(made(t, 0.7, 0.85, 0)[:36], Target{Hardware: "nvidia-a100-sxm-80"})
	if !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "measured on NVIDIA H100") {
		t.Error(err)
	}
}

// A written profile is read back with the same constants, and what it does not state is the
// chip's own.
func TestProfileIsWrittenAndRead(t *testing.T) {
	got, err := Calibrate(made(t, 0.7, 0.85, 0.01), Target{Hardware: "nvidia-h100-sxm"})
	if err != nil {
		t.Fatal(err)
	}
	p := got.Profile
	p.ID, p.Source, p.Date = "mine", "test", "2026-01-02"
	text, err := profile.Encode(p, got.Eff, got.Links)
	if err != nil {
		t.Fatal(err)
	}
	back, err := profile.Load(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	base, _ := profile.For("nvidia-h100-sxm")
	if back.Eff.Get("gemm.bf16") != got.Eff.Get("gemm.bf16") || back.Eff.Get("gemm.fp8") != base.Eff.Get("gemm.fp8") || back.Fit == nil || len(back.Fit.Residuals) != len(p.Fit.Residuals) {
		t.Errorf("%s", text)
	}
}

// Links are fitted from where they stand: a ring that is 15 % slower is found.
func TestLinksAreFitted(t *testing.T) {
	base, err := profile.For("nvidia-a100-sxm-80")
	if err != nil {
		t.Fatal(err)
	}
	slow := base.Links["nvlink3"].Scaled(0.85, 1)
	f := Fabric{Class: "nvlink3", Kind: "switch", BytesPerSec: 300e9}
	var calls []Call
	var records []ingest.Record
	for _, op := range []string{"all_reduce", "all_gather", "reduce_scatter", "all_to_all"} {
		for b := 1024.0; b <= 4<<30; b *= 4 {
			calls = append(calls, Call{Op: collectiveOps[op], Chips: 8, Bytes: b})
			records = append(records, ingest.Record{Source: ingest.Source{Tool: "nccl-tests", File: "n.txt", Line: len(calls)},
				Body: &ingest.Collective{Op: op, Bytes: ingest.Is(b), Ranks: ingest.Is(8), DType: "float", Device: "NVIDIA A100-SXM4-80GB"}})
		}
	}
	bench, err := NewBench(f, calls)
	if err != nil {
		t.Fatal(err)
	}
	sec, err := bench.Predict(slow, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		records[i].Body.(*ingest.Collective).TimeSec = ingest.Is(sec[i])
	}
	got, err := Calibrate(records, Target{Hardware: "nvidia-a100-sxm-80"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Links) != 1 || math.Abs(got.Links[0].Efficiency/slow.Efficiency-1) > 0.03 {
		t.Fatalf("ring %+v, want %g", got.Links, slow.Efficiency)
	}
	for _, r := range got.Profile.Fit.Residuals {
		if r.HeldOutMedian > 0.05 || r.Before < r.HeldOutMedian {
			t.Errorf("%+v", r)
		}
	}
}

// A drive's sequential rate, request rate and latency come from the jobs that measure each.
func TestDrivesAreFitted(t *testing.T) {
	rec := func(op, pattern string, block, depth, bw, iops, lat float64) ingest.Record {
		s := &ingest.Storage{Op: op, Pattern: pattern, BlockBytes: ingest.Is(block), QueueDepth: ingest.Is(depth)}
		if bw > 0 {
			s.BytesPerSec = ingest.Is(bw)
		}
		if iops > 0 {
			s.OpsPerSec = ingest.Is(iops)
		}
		if lat > 0 {
			s.LatencySec.Mean = ingest.Is(lat)
		}
		return ingest.Record{Source: ingest.Source{Tool: "fio", File: fmt.Sprint(op, pattern, depth)}, Body: s}
	}
	records := []ingest.Record{rec("read", "read", 1<<20, 32, 6e9, 0, 0), rec("write", "write", 1<<20, 32, 3.5e9, 0, 0),
		rec("read", "randread", 4096, 64, 0, 9e5, 0), rec("read", "randread", 4096, 1, 0, 0, 85e-6), rec("read", "randrw", 4096, 4, 0, 5e3, 0)}
	got, err := Calibrate(records, Target{Hardware: "nvme4-pm9a3"})
	if err != nil {
		t.Fatal(err)
	}
	d := got.Profile.Drives["nvme4-pm9a3"]
	if d.ReadBytesPerSec.V != 6e9 || d.WriteBytesPerSec.V != 3.5e9 || d.ReadIOPS.V != 9e5 || d.ReadLatencySec.V != 85e-6 || d.WriteIOPS.Known() {
		t.Errorf("%+v", d)
	}
	if u := got.Profile.Fit.Unused; len(u) != 1 || !strings.Contains(u[0].Reason, "mixed") {
		t.Errorf("%+v", u)
	}
}

// A measurement that went wrong is named, does not reject the profile, and new ones beyond what was
// fitted on are said to be.
func TestWhatIsFarOffIsNamed(t *testing.T) {
	gemm := func(m, tflops float64, line int) ingest.Record {
		return ingest.Record{Source: ingest.Source{Tool: "gemm", File: "g.json", Line: line}, Body: &ingest.Kernel{Name: "gemm", Class: "gemm", DType: "bf16",
			M: ingest.Is(m), N: ingest.Is(4096), K: ingest.Is(4096), FlopPerSec: ingest.Is(tflops * 1e12)}}
	}
	var records []ingest.Record
	for i, m := range []float64{1024, 2048, 3072, 4096, 6144, 8192, 12288} {
		rate := 650.0
		if i == 3 { // the one that is held out
			rate = 65
		}
		records = append(records, gemm(m, rate, i+1))
	}
	got, err := Calibrate(records, Target{Hardware: "nvidia-h100-sxm"})
	if err != nil {
		t.Fatal(err)
	}
	p := got.Profile
	if len(p.Fit.FarOff) != 1 || !strings.Contains(p.Fit.FarOff[0], "g.json:4") || !strings.Contains(p.Fit.FarOff[0], "slower") {
		t.Errorf("%q", p.Fit.FarOff)
	}
	p.ID, p.Source, p.Date = "mine", "test", "2026-01-02"
	text, err := profile.Encode(p, got.Eff, got.Links)
	if err != nil {
		t.Fatal(err)
	}
	back, err := profile.Load(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Inspect(back, 1, 365) {
		if f.Rejected {
			t.Errorf("%+v", f)
		}
	}
	seen := map[string]bool{}
	for _, m := range p.Fit.Measure {
		if seen[m.Group+m.What] {
			t.Errorf("asked for twice: %+v", m)
		}
		seen[m.Group+m.What] = true
	}
	found, err := Drift(back, []ingest.Record{gemm(1024, 640, 1), gemm(65536, 650, 2)}, Target{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(found, func(f Finding) bool {
		return f.What == "range of gemm bf16, m" && strings.Contains(f.Found, "1 of 2") && !f.Rejected
	}) {
		t.Errorf("%+v", found)
	}
}
