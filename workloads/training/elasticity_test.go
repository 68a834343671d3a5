package training

import (
	"math"
	"testing"

	"aisim/hardware"
	"aisim/topology"
)

// faster returns the machine with one resource multiplied.
func faster(t testing.TB, m Machine, resource string, k float64) Machine {
	t.Helper()
	switch resource {
	case "compute":
		m.Device = m.Device.Scale(hardware.Scaling{Compute: k})
	case "hbm":
		m.Device = m.Device.Scale(hardware.Scaling{Memory: k})
	case "host":
		m.Device = m.Device.Scale(hardware.Scaling{Launch: k})
		m.HostSpeed = k
	default:
		g, err := m.Graph.WithCapacity(map[string]float64{resource: k})
		if err != nil {
			t.Fatal(err)
		}
		m.Graph, m.Comm = g, m.Comm.On(g, m.Comm.Links())
	}
	return m
}

type example struct {
	name    string
	cfg     Config
	machine Machine
}

func examples(t testing.TB) []example {
	flag, big := flagship(t)
	thin := h100(16)
	thin.radix, thin.levels, thin.over = 8, 3, []float64{1, 3}
	llama8 := model(t, "llama3.1-8b")
	return []example{
		{"flagship", flag, big},
		{"fsdp", Config{Arch: llama8, Batch: Batch{Global: 128, Micro: 1, Seq: 8192}, Precision: hardware.BF16, ZeRO: 3,
			Recompute: RecomputeFull, Framework: "pytorch-fsdp"}, h100(4).build(t)},
		{"data parallel, thin network", Config{Arch: llama8, Parallel: Parallel{TP: 4}, Batch: Batch{Global: 64, Micro: 1, Seq: 2048}, Precision: hardware.BF16, ZeRO: 1,
			Recompute: RecomputeFull, Framework: "megatron-core"}, thin.build(t)},
		{"pipeline", Config{Arch: model(t, "megatron-145b"), Parallel: Parallel{TP: 8, PP: 8, VP: 2}, Batch: Batch{Global: 64, Micro: 2, Seq: 2048}, Precision: hardware.BF16, ZeRO: 1,
			Recompute: RecomputeFull, Framework: "megatron-lm"}, a100(16).build(t)},
		{"experts over two nodes", Config{Arch: model(t, "qwen3-30b-a3b"), Parallel: Parallel{EP: 16}, Batch: Batch{Global: 256, Micro: 1, Seq: 4096}, Precision: hardware.BF16, ZeRO: 1,
			Framework: "megatron-bridge"}, h100(2).build(t)},
		{"experts on one node, bound by the host", Config{Arch: model(t, "qwen3-30b-a3b"), Parallel: Parallel{EP: 8}, Batch: Batch{Global: 64, Micro: 1, Seq: 1024}, Precision: hardware.BF16, ZeRO: 1,
			Framework: "megatron-bridge"}, h100(1).build(t)},
		{"long context", Config{Arch: model(t, "llama2-7b"), Parallel: Parallel{TP: 4, CP: 8}, Batch: Batch{Global: 64, Micro: 1, Seq: 65536}, Precision: hardware.FP8, ZeRO: 1,
			SequenceParallel: true, Framework: "nemo"}, h100(32).build(t)},
		{"experts, dualpipe", Config{Arch: model(t, "mixtral-8x7b"), Parallel: Parallel{PP: 4, EP: 8}, Batch: Batch{Global: 128, Micro: 1, Seq: 4096}, Precision: hardware.BF16, ZeRO: 1,
			Schedule: ScheduleDualPipe, Recompute: RecomputeFull, Framework: "megatron-bridge"}, h100(4).build(t)},
		{"zb-h1, optimizer offloaded", Config{Arch: llama8, Parallel: Parallel{TP: 2, PP: 4}, Batch: Batch{Global: 64, Micro: 1, Seq: 8192}, Precision: hardware.BF16, ZeRO: 1,
			Schedule: ScheduleZBH1, MTP: 1, OffloadOptimizer: true, SequenceParallel: true, Recompute: RecomputeSelective, Framework: "megatron-core"}, withHost(h100(4).build(t))},
	}
}

// withHost is a machine with hosts that can keep optimizer states.
func withHost(m Machine) Machine {
	m.HostMemBytes, m.HostMemBytesPerSec = 2e12, 400e9
	return m
}

// What ByResource says of a resource is what re-simulating with more of it gives.
// The tolerance is a twentieth of the stated gain plus 0.05 % of the step: maxima
// (host against chip, overlap windows) and changes of algorithm bend the answer.
func TestElasticitiesHold(t *testing.T) {
	const k = 1.1
	for _, e := range examples(t) {
		base, err := Plan(e.cfg, e.machine)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		shares := map[string]float64{}
		var seconds, elastic float64
		for _, r := range base.ByResource {
			shares[r.Resource] = r.ElasticSeconds
			seconds += r.Seconds
			elastic += r.ElasticSeconds
		}
		if math.Abs(seconds-base.Seconds) > 1e-9*base.Seconds || math.Abs(elastic-base.Seconds) > 1e-9*base.Seconds {
			t.Errorf("%s: shares sum to %g and %g of %g s", e.name, seconds, elastic, base.Seconds)
		}
		resources := []string{"compute", "hbm", "host"}
		for _, l := range e.machine.Graph.Levels() {
			resources = append(resources, l.Key)
		}
		for _, r := range resources {
			s, err := Plan(e.cfg, faster(t, e.machine, r, k))
			if err != nil {
				t.Fatalf("%s, %s: %v", e.name, r, err)
			}
			got := base.Seconds - s.Seconds
			want := shares[r] * (1 - 1/k)
			t.Logf("%-28s %-8s share %6.2f %%, gain of 10 %% more: stated %6.3f %% simulated %6.3f %%", e.name, r, 100*shares[r]/base.Seconds, 100*want/base.Seconds, 100*got/base.Seconds)
			if math.Abs(got-want) > want/20+0.0005*base.Seconds {
				t.Errorf("%s: %s ×1.1 gains %.3f %%, stated %.3f %%", e.name, r, 100*got/base.Seconds, 100*want/base.Seconds)
			}
			if shares[r] == 0 {
				s, err := Plan(e.cfg, faster(t, e.machine, r, 2))
				if err != nil {
					t.Fatal(err)
				}
				if d := math.Abs(s.Seconds/base.Seconds - 1); d > 0.01 {
					t.Errorf("%s: %s is free but doubling it moves the step by %.2f %%", e.name, r, 100*d)
				}
			}
		}
		// All levels of the network together gain what they gain alone and what they
		// bind together.
		scale, want := map[string]float64{}, shares["fabric"]
		for _, l := range e.machine.Graph.Levels() {
			scale[l.Key] = k
			want += shares[l.Key]
		}
		g, err := e.machine.Graph.WithCapacity(scale)
		if err != nil {
			t.Fatal(err)
		}
		m := e.machine
		m.Graph, m.Comm = g, m.Comm.On(g, m.Comm.Links())
		s, err := Plan(e.cfg, m)
		if err != nil {
			t.Fatal(err)
		}
		got := base.Seconds - s.Seconds
		want *= 1 - 1/k
		t.Logf("%-28s %-8s gain of 10 %% more: stated %6.3f %% simulated %6.3f %%", e.name, "network", 100*want/base.Seconds, 100*got/base.Seconds)
		if math.Abs(got-want) > want/10+0.001*base.Seconds {
			t.Errorf("%s: the whole network ×1.1 gains %.3f %%, stated %.3f %%", e.name, 100*got/base.Seconds, 100*want/base.Seconds)
		}
	}
}

// Parts sum to the step exactly, causes sum to times, and nothing is negative.
func TestPartsSum(t *testing.T) {
	for _, e := range examples(t) {
		s, err := Plan(e.cfg, e.machine)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, p := range s.Parts {
			if p.Seconds < 0 || p.HiddenSeconds < -1e-12 {
				t.Errorf("%s: %+v", e.name, p)
			}
			sum += p.Seconds
		}
		if sum != s.Seconds {
			t.Errorf("%s: parts sum to %.17g, step is %.17g", e.name, sum, s.Seconds)
		}
		for _, st := range s.Stages {
			at, drawn := 0.0, 0.0
			for _, sp := range st.Spans {
				if sp.Start < at-1e-9 || sp.End < sp.Start || sp.End > s.Seconds*(1+1e-9) {
					t.Fatalf("%s, %s: span %+v after %g of %g s", e.name, st.Name, sp, at, s.Seconds)
				}
				at = sp.End
				drawn += sp.End - sp.Start
			}
			// Where nothing is left out of the drawing, it holds all of the work.
			if st.OmittedTo == 0 && math.Abs(drawn-st.BusySec) > 1e-9*s.Seconds || drawn > st.BusySec*(1+1e-9) || st.BusySec > s.Seconds*(1+1e-9) {
				t.Errorf("%s, %s: %g s drawn, busy for %g of %g s", e.name, st.Name, drawn, st.BusySec, s.Seconds)
			}
		}
		if s.LevelBytes[topology.ScaleUpLevel]+s.LevelBytes[topology.NICLevel] <= 0 {
			t.Errorf("%s: no bytes on the network", e.name)
		}
	}
}

// A step of many micro-batches is drawn at its ends only; its work counts in full.
func TestLongStepsAreBusy(t *testing.T) {
	e := examples(t)[0]
	for _, x := range examples(t) {
		if x.cfg.Parallel.PP > 1 {
			e = x
			break
		}
	}
	e.cfg.Batch.Global *= 64
	s, err := Plan(e.cfg, e.machine)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range s.Stages {
		if st.OmittedTo <= st.OmittedFrom || st.BusySec < 0.8*s.Seconds || st.BusySec > s.Seconds*(1+1e-9) {
			t.Errorf("%s, %s: busy for %g of %g s, %g to %g s left out", e.name, st.Name, st.BusySec, s.Seconds, st.OmittedFrom, st.OmittedTo)
		}
	}
}
