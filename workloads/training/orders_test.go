package training

import (
	"errors"
	"math"
	"strings"
	"testing"

	"aisim/hardware"
)

// split gives every class of a schedule the same times: forward f, backward in to the
// inputs and w to the weights; a pair takes as long as its two parts.
func split(s *schedule, f, in, w float64) []took {
	dur := make([]took, int(numPasses)*s.v*s.p)
	for i := range dur {
		sec := [numPasses]float64{f, in + w, in, w, 0, f + in + w}[i/(s.v*s.p)]
		dur[i] = fixed(sec, byCompute)
	}
	return dur
}

// The wait of each schedule is its closed form exactly, for uniform stages without
// exchanges: GPipe (p-1)(F+B), ZB-H1 (p-1)(F+B-W) for W up to F and B (Qi et al., ICLR 2024,
// table 1), DualPipe (p/2-1)(F&B+B-3W) with the paper's B that holds W, where the gradient of
// the inputs takes as long as a forward pass (arXiv:2412.19437, table 2).
func TestScheduleClosedForms(t *testing.T) {
	for _, c := range []struct {
		kind     Schedule
		p, m     int
		f, in, w float64
	}{
		{ScheduleGPipe, 2, 1, 1, 1, 1}, {ScheduleGPipe, 8, 32, 1, 1.3, 0.7},
		{ScheduleZBH1, 2, 2, 1, 1, 1}, {ScheduleZBH1, 4, 4, 1, 1.2, 0.8}, {ScheduleZBH1, 5, 9, 2, 2.4, 1.1}, {ScheduleZBH1, 16, 64, 1, 1, 0.9},
		{ScheduleDualPipe, 2, 4, 1, 1, 1}, {ScheduleDualPipe, 4, 8, 1, 1, 0.9}, {ScheduleDualPipe, 6, 26, 1, 1, 1}, {ScheduleDualPipe, 8, 20, 2, 2, 1}, {ScheduleDualPipe, 16, 48, 1, 1, 0.8},
	} {
		s, err := newSchedule(c.kind, c.p, 1, c.m)
		if err != nil {
			t.Fatal(err)
		}
		got := total(s.run(split(s, c.f, c.in, c.w), make([]took, c.p), 0.3)) - float64(c.m)*(c.f+c.in+c.w)
		stages, b := float64(c.p), c.in+c.w
		want := map[Schedule]float64{
			ScheduleGPipe:    (stages - 1) * (c.f + b),
			ScheduleZBH1:     (stages - 1) * (c.f + c.in - c.w),
			ScheduleDualPipe: (stages/2 - 1) * (c.f + b + b - 3*c.w),
		}[c.kind]
		if math.Abs(got-want) > 1e-9*stages {
			t.Errorf("%s p %d M %d F %g B %g W %g: waits %g, closed form %g", c.kind, c.p, c.m, c.f, c.in, c.w, got, want)
		}
	}
}

// Every schedule does all work once, in an order that can be run, and holds at its worst
// moment what memory counts.
func TestSchedulesAreWhole(t *testing.T) {
	for _, kind := range []Schedule{ScheduleGPipe, ScheduleZBH1, ScheduleDualPipe} {
		for _, c := range [][2]int{{2, 4}, {4, 8}, {4, 14}, {6, 12}, {8, 40}} {
			p, m := c[0], c[1]
			s, err := newSchedule(kind, p, 1, m)
			if err != nil {
				t.Fatal(err)
			}
			type at struct{ stage, chunk, micro int32 }
			var fore, back, weight = map[at]int{}, map[at]int{}, map[at]int{}
			held, put, most := make([]int, p), make([]int, p), make([]int, p)
			for i, op := range s.ops {
				if op.prev >= int32(i) || op.dep >= int32(i) {
					t.Fatalf("%s: an operation stands before what it needs", kind)
				}
				k := at{op.stage, op.chunk, op.micro}
				switch op.pass {
				case forward, pairedForward:
					fore[k]++
					held[op.stage]++
				case backward, paired:
					back[k]++
					weight[k]++
					held[op.stage]--
				case inputGrad:
					back[k]++
					held[op.stage]--
					put[op.stage]++
				case weightGrad:
					if back[k] != 1 {
						t.Fatalf("%s: weights before inputs", kind)
					}
					weight[k]++
					put[op.stage]--
				}
				if kind == ScheduleZBH1 && (held[op.stage]+put[op.stage] > p || put[op.stage] > int(op.stage)+1) || kind == ScheduleDualPipe && put[op.stage] > min(int(op.stage), p-1-int(op.stage))+1 {
					t.Fatalf("%s p %d M %d stage %d: %d held and %d put off", kind, p, m, op.stage, held[op.stage], put[op.stage])
				}
				most[op.stage] = max(most[op.stage], held[op.stage])
			}
			if len(fore) != p*m || len(back) != p*m || len(weight) != p*m || len(s.ops) != sum(s.counts) {
				t.Errorf("%s p %d M %d: %d forwards, %d backwards, %d weight gradients, %d operations counted of %d", kind, p, m, len(fore), len(back), len(weight), sum(s.counts), len(s.ops))
			}
			for st := range p {
				want := 0
				for ch := range s.v {
					want += kind.inFlight(p, s.v, m, st, ch)
				}
				if most[st] != want || held[st] != 0 {
					t.Errorf("%s p %d M %d stage %d: holds %d, memory counts %d, %d left", kind, p, m, st, most[st], want, held[st])
				}
			}
		}
	}
}

func sum(counts []int32) (n int) {
	for _, c := range counts {
		n += int(c)
	}
	return n
}

func pipelined(t *testing.T) (Config, Machine) {
	c := Config{Arch: model(t, "llama3.1-8b"), Parallel: Parallel{TP: 2, PP: 8}, Batch: Batch{Global: 32, Micro: 1, Seq: 8192},
		Precision: hardware.BF16, ZeRO: 1, Recompute: RecomputeSelective, SequenceParallel: true, Framework: "megatron-core", Straggler: ptr(0)}
	return c, h100(4).build(t)
}

// The schedule moves time and memory of a step in the direction of its closed forms.
func TestScheduleMovesTheStep(t *testing.T) {
	cfg, m := pipelined(t)
	steps := map[Schedule]*Step{}
	for _, k := range []Schedule{"", Schedule1F1B, ScheduleGPipe, ScheduleZBH1, ScheduleDualPipe} {
		cfg.Schedule = k
		steps[k] = step(t, cfg, m)
		var sum, parts float64
		for _, r := range steps[k].ByResource {
			sum += r.ElasticSeconds
		}
		for _, p := range steps[k].Parts {
			parts += p.Seconds
		}
		if math.Abs(sum/steps[k].Seconds-1) > 1e-9 || math.Abs(parts/steps[k].Seconds-1) > 1e-9 {
			t.Errorf("%s: causes sum to %g, parts to %g of %g s", k, sum, parts, steps[k].Seconds)
		}
		t.Logf("%-9s %.4f s, bubble %.3f, first stage %.1f GiB", k, steps[k].Seconds, steps[k].Bubble, steps[k].Memory[0].TotalGiB)
	}
	usual, zb, dual, gpipe := steps[Schedule1F1B], steps[ScheduleZBH1], steps[ScheduleDualPipe], steps[ScheduleGPipe]
	if usual.Seconds != steps[""].Seconds {
		t.Error("1f1b is not what runs by default")
	}
	if !(zb.Bubble < 0.7*usual.Bubble && dual.Bubble < zb.Bubble && gpipe.Seconds >= usual.Seconds) {
		t.Errorf("bubbles: 1f1b %.3f, gpipe %.3f, zb-h1 %.3f, dualpipe %.3f", usual.Bubble, gpipe.Bubble, zb.Bubble, dual.Bubble)
	}
	first := func(s *Step, part int) float64 { return s.Memory[0].Parts[part].GiB }
	if first(gpipe, memActivations) <= 1.9*first(usual, memActivations) {
		t.Error("activations: gpipe holds all micro-batches")
	}
	if z, u := zb.Memory[6].Parts[memActivations].GiB, usual.Memory[6].Parts[memActivations].GiB; !(z > 3*u) {
		t.Errorf("activations of the last stage but one: %g GiB under zb-h1, which puts weights of six off, %g under 1f1b", z, u)
	}
	if w := dual.Memory[3].Parts[memWeights].GiB; w != 2*usual.Memory[3].Parts[memWeights].GiB {
		t.Errorf("dualpipe holds %g GiB of weights in the middle", w)
	}
}

// What weight gradients need of one micro-batch is M_W of Qi et al. for their models: 32·s·b·h.
func TestWeightBytes(t *testing.T) {
	c := Config{Arch: model(t, "gpt3-175b"), Batch: Batch{Global: 8, Micro: 2, Seq: 2048}, Precision: hardware.BF16, Framework: "megatron-lm"}
	c, err := c.resolve(1)
	if err != nil {
		t.Fatal(err)
	}
	s := c.shape()
	if got, want := c.weightBytes(&s, c.Arch.Layer(0)), 32*2048*2*float64(c.Arch.Hidden); math.Abs(got/want-1) > 1e-12 {
		t.Errorf("%g bytes, M_W is %g", got, want)
	}
}

// A faster schedule does not help where memory is what lacks: GPipe is refused where 1F1B
// fits, and the nearest configuration that fits is 1F1B.
func TestGPipeRunsOutOfMemory(t *testing.T) {
	cfg, m := pipelined(t)
	cfg.Batch.Global = 1024
	step(t, cfg, m)
	cfg.Schedule = ScheduleGPipe
	_, err := Plan(cfg, m)
	var full *MemoryError
	if !errors.As(err, &full) {
		t.Fatalf("gpipe of 256 micro-batches: %v", err)
	}
	if len(full.Changes) != 1 || full.Changes[0] != (Change{"schedule", "gpipe", "1f1b"}) {
		t.Errorf("nearest that fits: %+v", full.Changes)
	}
}

// Schedules that do not exist are refused with what is in the way.
func TestSchedulesRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Schedule = "zb-v" }, "must be 1f1b, gpipe"},
		{func(c *Config) { c.Schedule, c.Parallel.PP = ScheduleGPipe, 1 }, "pipeline is 1"},
		{func(c *Config) { c.Schedule = ScheduleInterleaved }, "needs virtual > 1"},
		{func(c *Config) { c.Schedule, c.Parallel.VP = ScheduleZBH1, 2 }, "virtual 2 exists under interleaved only"},
		{func(c *Config) { c.Schedule, c.Batch.Global = ScheduleDualPipe, 16 }, "at least 2 × pipeline = 16"},
		{func(c *Config) { c.Schedule, c.ZeRO = ScheduleZBH1, 2 }, "use zero 0 or 1"},
		{func(c *Config) { c.Schedule, c.Adapter = ScheduleDualPipe, 16 }, "frozen weights"},
	} {
		cfg, m := pipelined(t)
		c.change(&cfg)
		if _, err := Plan(cfg, m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.want, err)
		}
	}
}

// DualPipe hides the experts' exchange behind the other direction.
func TestDualPipeHidesExperts(t *testing.T) {
	cfg, m := pipelined(t)
	cfg.Arch, cfg.Parallel = model(t, "mixtral-8x7b"), Parallel{TP: 2, PP: 4, EP: 4}
	cfg.Batch.Global, cfg.Batch.Seq, cfg.Recompute = 128, 4096, RecomputeFull
	exchange := func(k Schedule) float64 {
		cfg.Schedule = k
		for _, p := range step(t, cfg, m).Parts {
			if p.Name == partNames[partExpert].name {
				return p.Seconds
			}
		}
		return 0
	}
	if zb, dual := exchange(ScheduleZBH1), exchange(ScheduleDualPipe); !(zb > 0 && dual < 0.6*zb) {
		t.Errorf("experts' exchange stands still for %g s under zb-h1, %g s under dualpipe", zb, dual)
	}
}

// A search over schedules holds each where it exists and ranks the least bubble first.
func TestSearchOverSchedules(t *testing.T) {
	cfg, m := pipelined(t)
	f, err := Search(cfg, m, Space{Schedules: []Schedule{Schedule1F1B, ScheduleGPipe, ScheduleZBH1, ScheduleDualPipe}, MaxVirtual: 1, MaxContext: 1})
	if err != nil || len(f.Ranked) != 4 || f.Ranked[0].Config.Schedule != ScheduleDualPipe || f.Ranked[1].Config.Schedule != ScheduleZBH1 {
		t.Fatalf("%v: %+v", err, f)
	}
}
