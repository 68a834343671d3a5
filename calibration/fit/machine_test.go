package fit

import (
	"bytes"
	"math"
	"testing"

	"aisim/calibration/ingest"
	"aisim/hardware"
	"aisim/hardware/profile"
)

// probed is what a probe of a machine gives that is 5 µs + 2e-10 s per product in GEMMs, 1e9 B/s in a
// host operation whose rate falls with size, and 100 µs + 1e9 B/s on its disk.
func probed() []ingest.Record {
	source := ingest.Source{Tool: ProbeTool, File: "probe"}
	out := []ingest.Record{{Kind: ingest.KindDevice, Source: source, Body: &ingest.Device{Name: "x", More: []ingest.Field{{Name: "threads", Value: ingest.Is(1)}}}}}
	add := func(b ingest.Body) { out = append(out, ingest.Record{Kind: b.Kind(), Source: source, Body: b}) }
	for _, s := range [][3]float64{{64, 128, 128}, {8, 128, 128}, {512, 128, 128}, {64, 8, 128}, {64, 512, 128}, {64, 128, 8}, {64, 128, 512}, {256, 256, 256}} {
		for name, share := range map[string]float64{"gemm nn": 1, "gemm nn rectified": 0.6} {
			sec := share * (5e-6 + 2e-10*s[0]*s[1]*s[2])
			add(&ingest.Kernel{Name: name, Class: "gemm", DType: "fp64", M: ingest.Is(s[0]), N: ingest.Is(s[1]), K: ingest.Is(s[2]), DurationSec: ingest.Is(sec)})
		}
	}
	for _, op := range []string{"copy", "triad"} {
		add(&ingest.Memory{Op: op, ArrayBytes: ingest.Is(16 << 20), BytesPerSec: ingest.Is(2e10)})
	}
	for b := 4096.0; b <= 1<<20; b *= 4 {
		add(&ingest.Kernel{Name: "zstd", Class: "host", Bytes: ingest.Is(b), DurationSec: ingest.Is(falling(b))})
	}
	disk := func(pattern string, block float64) {
		sec := 100e-6 + block/1e9
		add(&ingest.Storage{Op: "read", Pattern: pattern, BlockBytes: ingest.Is(block), QueueDepth: ingest.Is(1), BytesPerSec: ingest.Is(block / sec), OpsPerSec: ingest.Is(1 / sec)})
	}
	disk("randread", 4096)
	for _, block := range []float64{128 << 10, 256 << 10, 1 << 20} {
		disk("read", block)
	}
	return out
}

func falling(b float64) float64 { return 1e-5 + b/(1e9/(1+b/1e6)) }

// The profile of a probed machine, written and read back, predicts calls that were not measured:
// multiplications with zeros by their own grid, host operations between their sizes, accesses of a
// disk from latency and rate.
func TestProbedMachine(t *testing.T) {
	got, err := Calibrate(probed(), Target{Hardware: "mine", Drive: "disk"})
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
	calls, err := hardware.NewCalls(back)
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want, share float64) {
		if !(math.Abs(got/want-1) <= share) {
			t.Errorf("%s: %g, want %g", what, got, want)
		}
	}
	const m, n, k = 100, 128, 200
	dense, _ := calls.At("gemm nn fp64", -1, m, n, k)
	zeros, _ := calls.At("gemm nn rectified fp64", -1, m, n, k)
	near("GEMM", dense.Sec, 5e-6+2e-10*m*n*k, 0.05)
	near("GEMM with zeros", zeros.Sec/dense.Sec, 0.6, 0.03)
	between, _ := calls.At("zstd", -1, 500e3)
	near("zstd", between.Sec, falling(500e3), 0.06)
	d := back.Drives["disk"]
	near("latency", d.ReadLatencySec.V, 100e-6, 0.02)
	near("rate", d.ReadBytesPerSec.V, 1e9, 0.02)
	if _, ok := back.Host["zstd"]; !ok {
		t.Error("no rate of zstd")
	}
	// The same machine measured again has not drifted; one whose disk is half as fast has.
	for _, slower := range []float64{1, 2} {
		again := probed()
		for _, r := range again {
			if s, ok := r.Body.(*ingest.Storage); ok {
				s.BytesPerSec.V /= slower
				s.OpsPerSec.V /= slower
			}
		}
		found, err := Drift(back, again, Target{Drive: "disk"})
		if err != nil {
			t.Fatal(err)
		}
		rejected := 0
		for _, f := range found {
			if f.Rejected {
				rejected++
			}
		}
		if slower == 1 && rejected != 0 || slower == 2 && rejected != 2 {
			t.Errorf("disk slower by %g: %+v", slower, found)
		}
	}
}
