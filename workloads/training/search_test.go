package training

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"aisim/hardware"
)

func flagshipMachine(t testing.TB) Machine {
	return cluster{chip: "nvidia-h100-sxm", nodes: 2048, perNode: 8, nic: 50e9, network: "ib", levels: 3, over: []float64{1, 7}}.build(t)
}

func flagshipSearch(t testing.TB) Config {
	return Config{Arch: model(t, "llama3.1-405b"), Batch: Batch{Global: 2048, Seq: 8192}, Precision: hardware.BF16, ZeRO: -1, Framework: "megatron-core"}
}

// The candidates of the flagship hold the split that was run, and all of them resolve.
func TestCandidatesAreLegal(t *testing.T) {
	c := flagshipSearch(t)
	all := Candidates(c, 16384, 8, Space{})
	ran := Parallel{TP: 8, PP: 16, DP: 128, VP: 4}
	if len(all) < 1000 || !slices.ContainsFunc(all, func(n Config) bool {
		p := n.Parallel
		return p.TP == ran.TP && p.PP == ran.PP && p.DP == ran.DP && p.VP == ran.VP && p.CP == 1 && n.Batch.Micro == 1 && n.Recompute == RecomputeSelective
	}) {
		t.Errorf("%d candidates; the split that was run is among them: no", len(all))
	}
	for i := range all {
		if _, err := all[i].resolve(16384); err != nil {
			t.Errorf("%s: %v", all[i].Parallel.layoutString(), err)
		}
	}
	c.Parallel.TP, c.ZeRO, c.Recompute = 4, 1, RecomputeFull
	for _, n := range Candidates(c, 16384, 8, Space{}) {
		if n.Parallel.TP != 4 || n.ZeRO != 1 || n.Recompute != RecomputeFull {
			t.Fatalf("what the caller fixed was varied: %s, zero %d, %s", n.Parallel.layoutString(), n.ZeRO, n.Recompute)
		}
	}
}

// A search ranks as Plan does, says why what does not fit is refused and where losers
// lose, and does not depend on the number of workers.
func TestSearch(t *testing.T) {
	m := h100(8).build(t)
	c := Config{Arch: model(t, "llama3.1-70b"), Batch: Batch{Global: 128, Seq: 8192}, Precision: hardware.BF16, ZeRO: -1, Framework: "megatron-core"}
	space := Space{MaxMicro: 2, MaxContext: 2, MaxVirtual: 2}
	f, err := Search(c, m, space)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Ranked) < 20 || len(f.Refused) == 0 {
		t.Fatalf("%d ranked, %d refused", len(f.Ranked), len(f.Refused))
	}
	last := 0.0
	for i, n := range f.Ranked {
		if n.Seconds < last || n.NeedBytes > m.Device.MemBytes || !(n.Exposed >= 0 && n.Exposed < 1) || (i > 0) != (n.Loses != "") {
			t.Errorf("place %d: %+v", i, n)
		}
		last = n.Seconds
	}
	for _, n := range f.Ranked[:3] {
		s, err := Plan(n.Config, m)
		if err != nil || s.Seconds != n.Seconds {
			t.Errorf("%s: ranked at %g s, planned at %v s: %v", n.Config.Parallel.layoutString(), n.Seconds, s, err)
		}
	}
	for _, n := range f.Refused {
		if !strings.HasPrefix(n.Refused, "memory: ") {
			t.Errorf("%s is refused for %q", n.Config.Parallel.layoutString(), n.Refused)
		}
	}
	space.Workers = 1
	one, err := Search(c, m, space)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(one.Ranked) != fmt.Sprint(f.Ranked) {
		t.Error("one worker and two differ")
	}
	space.Limit = 10
	if few, err := Search(c, m, space); err != nil || len(few.Ranked) != 10 || few.Skipped != len(f.Ranked)-10 || few.Ranked[0].Seconds > 1.10*f.Ranked[0].Seconds {
		t.Errorf("the most promising ten: best %v of %v s, %v", few.Ranked[0].Seconds, f.Ranked[0].Seconds, err)
	}
	c.Batch.Micro = 3
	if _, err := Search(c, m, space); err == nil || !strings.Contains(err.Error(), "no split of the model") {
		t.Errorf("a batch that nothing divides: %v", err)
	}
}

// BenchmarkSearch is the time of one candidate of 405B on 16,384 chips, on one core.
func BenchmarkSearch(b *testing.B) {
	m, c := flagshipMachine(b), flagshipSearch(b)
	const limit = 40
	for b.Loop() {
		f, err := Search(c, m, Space{Limit: limit, Workers: 1})
		if err != nil || len(f.Ranked) != limit {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*limit), "ms/candidate")
}
