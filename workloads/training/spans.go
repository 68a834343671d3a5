package training

import (
	"cmp"
	"slices"

	"aisim/internal/result"
)

// The most stages and spans that a step carries for drawing. Beyond them the first,
// the last and the most idle stages are kept, and of each stage the beginning and the
// end of the step.
const (
	maxStages = 16
	maxSpans  = 12000
)

// spans draws the schedule, with times multiplied by stretch.
func (j *Job) spans(t *timing, stretch float64, tails []stageTail, barrier float64) []result.Stage {
	p := t.p
	keep := j.drawn(t)
	edge := maxSpans / len(keep) / 4 // operations drawn at each end, two spans each
	position := make([]int, p)
	ops := make([]int, p)
	for i := range t.ops {
		ops[t.ops[i].stage]++
	}
	index := make([]int, p)
	for i := range index {
		index[i] = -1
	}
	out := make([]result.Stage, len(keep))
	for i, s := range keep {
		index[s] = i
		out[i] = result.Stage{Name: j.cfg.stageName(s), Twins: j.cfg.chips() / p}
	}
	for i := range t.ops {
		op := &t.ops[i]
		at := index[op.stage]
		if at < 0 {
			continue
		}
		st := &out[at]
		st.BusySec += (t.end[i] - t.start[i]) * stretch
		position[op.stage]++
		if n := position[op.stage]; n > edge && n <= ops[op.stage]-edge {
			if st.OmittedTo == 0 {
				st.OmittedFrom = t.start[i] * stretch
			}
			st.OmittedTo = t.end[i] * stretch
			continue
		}
		begin := t.start[i]
		add := func(end float64, what string) {
			if end > begin {
				st.Spans = append(st.Spans, result.Span{Start: begin * stretch, End: end * stretch, What: what, Micro: int(op.micro), Chunk: int(op.chunk)})
			}
			begin = end
		}
		if op.crosses {
			add(begin+t.occupied*t.exchange[t.over(op)].sec, "exchange")
		}
		add(t.end[i], passNames[op.pass])
	}
	for i, s := range keep {
		tail := &tails[s]
		last := t.end[t.last[s]]
		add := func(from, to float64, what string) {
			if to > from {
				out[i].Spans = append(out[i].Spans, result.Span{Start: from * stretch, End: to * stretch, What: what})
				out[i].BusySec += (to - from) * stretch
			}
		}
		add(last, tail.done, "exchange")
		add(barrier, barrier+tail.optimizer.sec, "optimizer")
		add(barrier+tail.optimizer.sec, barrier+tail.optimizer.sec+tail.exposedGather.sec, "exchange")
	}
	return out
}

// passNames are what a drawing says of an operation.
var passNames = [numPasses]string{"forward", "backward", "backward", "backward", "forward", "backward"}

// drawn picks the stages to draw: all, or the first, the last and the most idle.
func (j *Job) drawn(t *timing) []int {
	keep := make([]int, t.p)
	busy := make([]float64, t.p)
	for s := range keep {
		keep[s] = s
	}
	if t.p <= maxStages {
		return keep
	}
	for i := range t.ops {
		busy[t.ops[i].stage] += t.end[i] - t.start[i]
	}
	edge := func(s int) bool { return s == 0 || s == t.p-1 }
	slices.SortStableFunc(keep, func(a, b int) int {
		if edge(a) != edge(b) {
			if edge(a) {
				return -1
			}
			return 1
		}
		return cmp.Compare(busy[a], busy[b])
	})
	keep = keep[:maxStages]
	slices.Sort(keep)
	return keep
}
