package training

import (
	"math"
	"testing"
	"time"

	"aisim/hardware"
	"aisim/topology"
	"aisim/topology/collective"
)

// On ideal links, one NIC per rank and no latency, reductions and gathers take
// their ring terms: 2(n-1)/n·S/B and half of it.
func TestRingTerms(t *testing.T) {
	const n, rate = 6, 10e9
	g, err := topology.Build(topology.Spec{Hosts: []topology.HostGroup{{Name: "compute", Count: n, ChipsPerHost: 1, NICs: 1, NICBytesPerSec: rate,
		ScaleUp: topology.ScaleUp{Kind: "none"}}}, Topology: "single-switch"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := hardware.Default().Device("nvidia-h100-sxm", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := Machine{Device: d, Comm: collective.New(g, collective.Ideal(), collective.Options{}), Graph: g, Chips: g.Chips("compute"), NodesCount: n, ChipsPerNode: 1}
	cfg := Config{Arch: model(t, "gpt2-1.5b"), Batch: Batch{Global: n, Micro: 1, Seq: 256}, Precision: hardware.BF16, Framework: "megatron-core",
		Overlap: Overlap{DP: ptr(0)}, Straggler: ptr(0)}
	params := cfg.Arch.Params()
	seconds := func(s *Step, p part) float64 {
		for _, x := range s.Parts {
			if x.Name == partNames[p].name {
				return x.Seconds
			}
		}
		return 0
	}
	f := float64(n-1) / n
	s := step(t, cfg, m)
	if got, want := seconds(s, partReduce), 2*f*params*4/rate; math.Abs(got/want-1) > 1e-6 {
		t.Errorf("all-reduce of fp32 gradients: %g s, ring term %g s", got, want)
	}
	if got, want := s.LevelBytes[topology.NICLevel], 2*n*2*f*params*4; math.Abs(got/want-1) > 1e-6 {
		t.Errorf("%g bytes on NIC links, want %g: each byte out of one and into another", got, want)
	}
	cfg.ZeRO = 1
	s = step(t, cfg, m)
	if got, want := seconds(s, partReduce), f*params*4/rate; math.Abs(got/want-1) > 1e-6 {
		t.Errorf("reduce-scatter: %g s, ring term %g s", got, want)
	}
	if got, want := seconds(s, partParameters), f*params*2/rate; math.Abs(got/want-1) > 1e-6 {
		t.Errorf("gather of 16-bit weights: %g s, ring term %g s", got, want)
	}
	// Everything that can hide does: only what the chip does not cover is left.
	cfg.Overlap.DP = ptr(1)
	cfg.ZeRO = 0
	if hidden := step(t, cfg, m); hidden.Seconds >= s.Seconds && seconds(hidden, partReduce) >= 2*f*params*4/rate {
		t.Error("overlap hides nothing")
	}
}

// Generic models run on every kind of chip that states a rate.
func TestGenericDevices(t *testing.T) {
	for _, x := range []struct {
		chip string
		dt   hardware.DType
	}{{"amd-epyc-9654-genoa", hardware.FP32}, {"amd-alveo-u250", hardware.INT8}, {"intel-gaudi2", hardware.BF16}, {"google-tpu-v5p", hardware.BF16}, {"aws-trainium2", hardware.BF16}} {
		c := cluster{chip: x.chip, nodes: 4, perNode: 1, nic: 12.5e9, network: "roce"}
		cfg := Config{Arch: model(t, "resnet-50"), Batch: Batch{Global: 64, Micro: 16}, Precision: x.dt, Framework: "pytorch"}
		m, err := c.machine()
		if err != nil {
			t.Errorf("%s: %v", x.chip, err)
			continue
		}
		s, err := Plan(cfg, m)
		if err != nil {
			t.Errorf("%s: %v", x.chip, err)
			continue
		}
		t.Logf("%-24s %8.1f images/s per chip", x.chip, s.SamplesPerStep/s.Seconds/4)
		if !(s.Seconds > 0) || s.MFU <= 0 || s.MFU > 1 {
			t.Errorf("%s: %g s, utilisation %g", x.chip, s.Seconds, s.MFU)
		}
	}
}

// A run plans the flagship some 500 times: one plan must stay under 20 ms.
func TestFlagshipIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("times the host")
	}
	cfg, m := flagship(t)
	step(t, cfg, m)
	best := time.Hour
	for range 5 {
		begin := time.Now()
		step(t, cfg, m)
		best = min(best, time.Since(begin))
	}
	t.Logf("best of five: %v", best)
	if best > 20*time.Millisecond {
		t.Errorf("one plan takes %v", best)
	}
}

// Llama 3.1 405B on 16,384 H100: the paper states about 400 TFLOP/s per GPU in
// bf16 at 8,192 tokens (arXiv:2407.21783, table 4); the model must come within 12 %.
func TestFlagshipPublished(t *testing.T) {
	cfg, m := flagship(t)
	s := step(t, cfg, m)
	show(t, s)
	if got := s.FullFlops / s.Seconds / 16384; math.Abs(got/400e12-1) > 0.12 {
		t.Errorf("%.0f TFLOP/s per GPU, the paper states 400", got/1e12)
	}
}
