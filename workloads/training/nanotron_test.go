package training

import (
	"strings"
	"testing"

	"aisim/hardware"
	"aisim/workloads"
)

// TestMeasuredMemory judges "does it fit" and peak memory on the nanotron sweep
// (1.3 and 8.9 billion parameters, 8 to 256 H100), and prints its step times.
func TestMeasuredMemory(t *testing.T) {
	rows := readRows(t, "validation/nanotron-h100-sweep.csv")
	machines := map[int]Machine{}
	var hit, miss [2]float64 // by ran or not
	var peak, state, speed []float64
	refused := 0
	for _, r := range rows {
		n := r.count("chips")
		m, ok := machines[n]
		if !ok {
			c := h100(n / 8)
			c.network = "efa"
			m = c.build(t)
			machines[n] = m
		}
		a := workloads.Architecture{ID: r["model"], Causal: true, Layers: r.count("layers"), Hidden: r.count("hidden"), Heads: 32, KVHeads: 32,
			HeadDim: r.count("hidden") / 32, FFN: r.count("ffn"), GatedMLP: true, Vocab: r.count("vocab"), TiedEmbeddings: r.count("hidden") == 2048}
		cfg := Config{Arch: a, Parallel: Parallel{TP: r.count("tp"), PP: r.count("pp"), DP: r.count("dp")}, Batch: Batch{Global: r.count("global_batch_seqs"), Micro: r.count("micro_batch"), Seq: 4096},
			Precision: hardware.BF16, SequenceParallel: true, Framework: "nanotron"}
		if r["zero_or_fsdp"] == "ZeRO-1" {
			cfg.ZeRO = 1
		}
		real := m.Device.MemBytes
		d := *m.Device
		d.MemBytes = 1e15
		m.Device = &d
		j, err := Prepare(cfg, m)
		if err != nil {
			refused++
			continue
		}
		worst, alloc := 0.0, 0.0
		for _, k := range j.Memory() {
			worst = max(worst, k.TotalGiB)
			alloc = max(alloc, k.Parts[memWeights].GiB+k.Parts[memGradients].GiB+k.Parts[memOptimizer].GiB)
		}
		ran := 0
		if r["status"] == "success" {
			ran = 1
		}
		fits := worst*gib <= real
		if fits == (ran == 1) {
			hit[ran]++
		} else {
			miss[ran]++
		}
		if v := r.num("mem_reserved_gib"); v > 4 {
			peak = append(peak, (worst-j.framework.ContextBytes/gib)/v-1)
		}
		if v := r.num("mem_alloc_gib"); v > 4 {
			state = append(state, alloc/v-1)
		}
		if r["use"] == "gate" && ran == 1 && r.num("value") > 0 && !strings.Contains(r["notes"], "after_pp_fix=False") && r.num("allreduce_GBps") >= map[int]float64{16: 385, 32: 180, 64: 135, 128: 100, 256: 80}[n] {
			s, err := j.Step()
			if err != nil {
				t.Fatal(err)
			}
			speed = append(speed, s.Seconds/(s.TokensPerStep/r.num("value")/float64(n))-1)
		}
	}
	balanced := (hit[0]/(hit[0]+miss[0]) + hit[1]/(hit[1]+miss[1])) / 2
	t.Logf("fits or not: balanced accuracy %.3f (ran %g of %g right, out of memory %g of %g right), %d rows not mapped", balanced, hit[1], hit[1]+miss[1], hit[0], hit[0]+miss[0], refused)
	for _, g := range []struct {
		name string
		errs []float64
	}{{"states", state}, {"peak", peak}, {"step time, network at its usual speed", speed}} {
		if len(g.errs) == 0 {
			continue
		}
		med, p90, bias := spread(g.errs)
		t.Logf("%-10s n %4d median %5.1f %% p90 %5.1f %% bias %+5.1f %%", g.name, len(g.errs), 100*med, 100*p90, 100*bias)
	}
	if balanced < 0.9 {
		t.Errorf("balanced accuracy %.3f under 0.90", balanced)
	}
	if med, _, _ := spread(peak); med > 0.15 {
		t.Errorf("peak memory off by %.1f %% in the median", 100*med)
	}
}
