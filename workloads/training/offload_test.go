package training

import (
	"math"
	"strings"
	"testing"
)

func optimizerSec(s *Step) float64 {
	for _, p := range s.Parts {
		if p.Name == partNames[partOptimizer].name {
			return p.Seconds
		}
	}
	return 0
}

// The host's update is bytes over each chip's link, then Adam at the memory that eight chips
// share, and the chip keeps no states.
func TestOffloadedOptimizer(t *testing.T) {
	cfg, m := pipelined(t)
	cfg.Parallel, cfg.Overlap.DP = Parallel{TP: 4}, ptr(0)
	on := step(t, cfg, m)
	cfg.OffloadOptimizer = true
	m.HostMemBytes, m.HostMemBytesPerSec = 2e12, 400e9
	off := step(t, cfg, m)
	if on.Memory[0].Parts[memOptimizer].GiB <= 0 || off.Memory[0].Parts[memOptimizer].GiB >= on.Memory[0].Parts[memOptimizer].GiB/10 {
		t.Errorf("states on the chip: %g GiB, offloaded %g", on.Memory[0].Parts[memOptimizer].GiB, off.Memory[0].Parts[memOptimizer].GiB)
	}
	h := float64(cfg.Arch.Hidden) // norms are not split over tensor ranks
	norms := h * float64(2*cfg.Arch.Layers+1)
	local := ((cfg.Arch.Params()-norms)/4 + norms) / 8 // 32 chips: data 8
	want := 4*local/m.Device.HostBytesPerSec + 28*local*8/400e9
	if got := optimizerSec(off); math.Abs(got/want-1) > 1e-6 {
		t.Errorf("host update %g s, bytes over rates %g s", got, want)
	}
	m.HostSpeed = 2
	if got := optimizerSec(step(t, cfg, m)); math.Abs(got/want-0.5) > 1e-6 {
		t.Errorf("a host twice as fast takes %g s of %g", got, want)
	}
	for _, x := range []struct {
		turn func(*Config, *Machine)
		want string
	}{
		{func(_ *Config, m *Machine) { m.HostMemBytesPerSec = 0 }, "give cluster.override.host_memory_bandwidth"},
		{func(_ *Config, m *Machine) { m.HostMemBytes = 0 }, "give cluster.override.host_memory"},
		{func(_ *Config, m *Machine) { m.HostMemBytes = 14 * local * 8 * 0.99 }, "need 26 GiB of host memory"},
		{func(c *Config, _ *Machine) { c.ZeRO = 0 }, "use zero 1 or more"},
	} {
		c, n := cfg, m
		x.turn(&c, &n)
		if _, err := Plan(c, n); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: %v", x.want, err)
		}
	}
}

// Each depth of multi-token prediction adds a layer's, a product's and a head's work and
// states to the last stage, and nothing to the others.
func TestMultiTokenPrediction(t *testing.T) {
	cfg, m := pipelined(t)
	cfg.Parallel.TP = 1
	none := step(t, cfg, m)
	cfg.MTP = 1
	one := step(t, cfg, m)
	cfg.MTP = 2
	two := step(t, cfg, m)
	p := cfg.Parallel.PP - 1
	if one.PacingStage != p || !(one.Seconds > none.Seconds && two.Seconds > one.Seconds) {
		t.Errorf("steps of %g, %g and %g s, pace set by stage %d", none.Seconds, one.Seconds, two.Seconds, one.PacingStage)
	}
	if none.Memory[1].TotalGiB != two.Memory[1].TotalGiB || one.Memory[p].TotalGiB <= none.Memory[p].TotalGiB {
		t.Error("memory: the last stage alone holds the depths")
	}
	a := &cfg.Arch
	h := float64(a.Hidden)
	layer, _ := a.LayerParams(a.Layer(a.Layers - 1))
	depth := layer + 2*h*h + 3*h
	weights := func(s *Step) float64 { return s.Memory[p].Parts[memWeights].GiB * gib / 2 }
	if got := weights(two) - weights(one); math.Abs(got/depth-1) > 1e-6 {
		t.Errorf("the second depth holds %g parameters, not %g", got, depth)
	}
	if got := weights(one) - weights(none) - depth; math.Abs(got/a.EmbeddingParams()-1) > 1e-6 {
		t.Errorf("the first brings %g parameters of the embedding, not %g", got, a.EmbeddingParams())
	}
	if got := (two.CheckpointBytes - one.CheckpointBytes) / 14; math.Abs(got/depth-1) > 1e-6 {
		t.Errorf("a checkpoint grows by %g parameters, not %g", got, depth)
	}
	if one.ModelFlops != none.ModelFlops || one.HardwareFlops <= none.HardwareFlops {
		t.Error("depths are work of the hardware, not of the model")
	}
	cfg.MTP = 9
	if _, err := Plan(cfg, m); err == nil || !strings.Contains(err.Error(), "must lie in 0..8") {
		t.Error(err)
	}
}
