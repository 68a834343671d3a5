package training

import (
	"math"
	"testing"

	"aisim/hardware"
)

// unfolded runs every rank of the machine on its own: each has its own clock, waits
// for its pipeline neighbours' ranks and starts each operation together with its
// tensor and context peers; gradients are reduced when the slowest peer is ready.
// slower multiplies the work of one rank.
func unfolded(j *Job, slowRank int, slower float64) float64 {
	p := j.cfg.Parallel.PP
	group := j.cfg.Parallel.TP * j.cfg.Parallel.CP // ranks that work in step
	per := j.cfg.chips() / p                       // ranks of a stage
	works := j.classWorks()
	x, _ := j.exchange()
	n := len(j.sched.ops)
	end := make([][]float64, per) // by place in the stage, operation
	for r := range end {
		end[r] = make([]float64, n)
	}
	for i := range j.sched.ops {
		op := &j.sched.ops[i]
		for g := 0; g < per; g += group {
			begin, work := 0.0, 0.0
			for r := g; r < g+group; r++ {
				b, w := 0.0, works[j.sched.class(op)].sec
				if r+int(op.stage)*per == slowRank {
					w *= slower
				}
				if op.prev >= 0 {
					b = end[r][op.prev]
				}
				if op.dep >= 0 {
					ready := end[r][op.dep]
					if op.crosses {
						t := x[j.sched.over(op)].sec
						ready += (1 - j.ppExposed) * t
						w += j.ppExposed * t
					}
					b = max(b, ready)
				}
				begin, work = max(begin, b), max(work, w)
			}
			for r := g; r < g+group; r++ {
				end[r][i] = begin + work
			}
		}
	}
	// Reduction, barrier, optimizer: as in the folded step, each with the slowest rank.
	barrier := 0.0
	tails := make([]stageTail, p)
	folded := j.sched.run(durations(works), x, j.ppExposed)
	for s := range p {
		late := 0.0
		for r := range per {
			late = max(late, end[r][j.sched.last[s]])
		}
		j.reduceTail(&tails[s], folded, s)
		barrier = max(barrier, late+tails[s].done-folded.end[j.sched.last[s]])
	}
	last := 0.0
	for s := range p {
		j.updateTail(&tails[s], works, s)
		last = max(last, barrier+tails[s].optimizer.sec+tails[s].exposedGather.sec)
	}
	straggler, unexplained := j.stretch()
	return last * (1 + straggler) * (1 + unexplained)
}

func durations(works []work) []took {
	d := make([]took, len(works))
	for i := range works {
		d[i] = works[i].took
	}
	return d
}

// Folding alike ranks changes nothing, to the nanosecond and far below.
func TestFoldedEqualsUnfolded(t *testing.T) {
	for _, c := range []struct {
		nodes int
		par   Parallel
		zero  int
		kind  Schedule
	}{{4, Parallel{TP: 4, PP: 4}, 1, ""}, {4, Parallel{TP: 2, PP: 4, VP: 2, CP: 2}, 1, ""}, {2, Parallel{TP: 8}, 0, ""}, {2, Parallel{}, 3, ""}, {32, Parallel{TP: 8, PP: 8, VP: 2}, 1, ""},
		{4, Parallel{TP: 4, PP: 4}, 1, ScheduleGPipe}, {4, Parallel{TP: 2, PP: 4}, 1, ScheduleZBH1}, {4, Parallel{TP: 4, PP: 4}, 0, ScheduleDualPipe}} {
		cfg := Config{Arch: model(t, "llama3.1-8b"), Parallel: c.par, Schedule: c.kind, Batch: Batch{Global: 128, Micro: 1, Seq: 4096},
			Precision: hardware.BF16, ZeRO: c.zero, SequenceParallel: c.par.TP > 1, Framework: "megatron-core", Recompute: RecomputeFull}
		j, err := Prepare(cfg, h100(c.nodes).build(t))
		if err != nil {
			t.Fatal(err)
		}
		s, err := j.Step()
		if err != nil {
			t.Fatal(err)
		}
		if got := unfolded(j, -1, 1); math.Abs(got-s.Seconds) > 1e-9*s.Seconds {
			t.Errorf("%+v %s: unfolded %.12g s, folded %.12g s", c.par, c.kind, got, s.Seconds)
		}
		if got := unfolded(j, 0, 1.2); got <= s.Seconds*1.01 {
			t.Errorf("%+v: a rank that is 20 %% slower changes nothing: %g, %g", c.par, got, s.Seconds)
		}
	}
}
