package training

import (
	"fmt"
	"sync"
)

// pass is the kind of an operation of the pipeline.
type pass uint8

const (
	forward       pass = iota
	backward           // whole
	inputGrad          // backward to the inputs, for the stage before
	weightGrad         // backward to the weights, for the end of the step
	pairedForward      // waits for its input and runs as part of paired, which follows
	paired             // a forward of one chunk and a whole backward of the other, one beside the other
	numPasses
)

// back says whether an operation hands a gradient to the stage before.
func (d pass) back() bool { return d == backward || d == inputGrad || d == paired }

// stageOp is one micro-batch through one chunk of layers on one stage.
type stageOp struct {
	stage, micro, chunk int32
	pass                pass
	prev                int32 // the operation before it on the same stage, -1: none
	dep                 int32 // the operation whose result it needs, -1: none
	crosses             bool  // that result comes from another stage
}

// schedule is the order of work of a pipeline: every operation once, in an order
// in which all that it needs stands before it.
type schedule struct {
	kind    Schedule
	p, v, m int // v: chunks per stage
	ops     []stageOp
	last    []int32 // by stage: its last operation
	lastB   []int32 // by stage·v+chunk: the operation that completes its gradients
	counts  []int32 // operations by class
}

// warmup is the number of forward operations of a stage before its first backward:
// p-s-1 for 1F1B; 2(p-s-1) + (v-1)p for the interleaved schedule (Narayanan et al.,
// SC21, section 2.2, as in Megatron-LM), never more than there are.
func warmup(p, v, m, s int) int {
	n := p - s - 1
	if v > 1 {
		n = 2*(p-s-1) + (v-1)*p
	}
	return min(n, m*v)
}

// virtual is the k-th operation of a stage in one direction: micro-batches go in
// groups of p through one chunk after the other, backward from the last chunk.
func virtual(p, v, m, k int, dir pass) (micro, chunk int) {
	if v == 1 {
		return k, 0
	}
	group := k / (p * v)
	in := k % (p * v)
	size := min(p, m-group*p)
	chunk = in / size
	if dir == backward {
		chunk = v - 1 - chunk
	}
	return group*p + in%size, chunk
}

// position is where on a micro-batch's way a stage's chunk stands: under DualPipe the second
// chunk of every stage belongs to the pipeline in the other direction.
func (s *schedule) position(stage, chunk int) int {
	if s.kind == ScheduleDualPipe {
		if chunk == 1 {
			return s.p - 1 - stage
		}
		return stage
	}
	return chunk*s.p + stage
}

// newSchedule lists the work of p stages with v virtual ones and m micro-batches.
func newSchedule(kind Schedule, p, v, m int) (*schedule, error) {
	if _, reason := kind.check(p, v, m); reason != "" {
		return nil, fmt.Errorf("%s", reason)
	}
	v = kind.chunks(v)
	s := &schedule{kind: kind, p: p, v: v, m: m, last: make([]int32, p), lastB: make([]int32, p*v), counts: make([]int32, int(numPasses)*v*p)}
	ends := p * v // positions on the way of a micro-batch
	if kind == ScheduleDualPipe {
		ends = p
	}
	const none = int32(-1)
	index := make([]int32, 2*m*ends) // by direction, micro-batch, position
	for i := range index {
		index[i] = none
	}
	slot := func(back, micro, position int) int { return (back*m+micro)*ends + position }
	at := make([]func(int) turn, p)
	turns, total := make([]int, p), 0
	for stage := range p {
		at[stage], turns[stage] = kind.order(p, v, m, stage)
		total += turns[stage]
	}
	s.ops = make([]stageOp, 0, total)
	next := make([]int, p)
	prev := make([]int32, p)
	for i := range prev {
		prev[i] = none
	}
	for len(s.ops) < total {
		progress := false
		for stage := range p {
			for next[stage] < turns[stage] {
				st := at[stage](next[stage])
				here := s.position(stage, st.chunk)
				dep, crosses, first := none, true, false
				switch {
				case st.pass == weightGrad:
					crosses, first = false, true // its input gradient stands before it
				case st.pass.back() && here < ends-1:
					dep = index[slot(1, st.micro, here+1)]
				case st.pass.back():
					dep, crosses = index[slot(0, st.micro, here)], false
				case here > 0:
					dep = index[slot(0, st.micro, here-1)]
				default:
					crosses, first = false, true
				}
				if dep == none && !first {
					break
				}
				id := int32(len(s.ops))
				s.ops = append(s.ops, stageOp{stage: int32(stage), micro: int32(st.micro), chunk: int32(st.chunk),
					pass: st.pass, prev: prev[stage], dep: dep, crosses: crosses && p > 1})
				s.counts[s.class(&s.ops[id])]++
				switch st.pass {
				case forward:
					index[slot(0, st.micro, here)] = id
				case backward, inputGrad:
					index[slot(1, st.micro, here)] = id
				case paired:
					index[slot(1, st.micro, here)] = id
					fore := &s.ops[prev[stage]]
					index[slot(0, int(fore.micro), s.position(stage, int(fore.chunk)))] = id
				}
				if st.pass.back() || st.pass == weightGrad {
					s.lastB[stage*v+st.chunk] = id
				}
				prev[stage] = id
				next[stage]++
				progress = true
			}
		}
		if !progress {
			return nil, fmt.Errorf("%s pipeline of %d stages, %d chunks and %d micro-batches waits for itself", kind, p, v, m)
		}
	}
	copy(s.last, prev)
	return s, nil
}

// schedules keeps the schedules that were built last: a run plans the same one
// hundreds of times. They are never changed once built.
var schedules struct {
	sync.Mutex
	built map[scheduleKey]*schedule
}

const maxSchedules = 32

type scheduleKey struct {
	kind    Schedule
	p, v, m int
}

func scheduleFor(kind Schedule, p, v, m int) (*schedule, error) {
	key := scheduleKey{kind, p, v, m}
	schedules.Lock()
	defer schedules.Unlock()
	if s := schedules.built[key]; s != nil {
		return s, nil
	}
	s, err := newSchedule(kind, p, v, m)
	if err != nil {
		return nil, err
	}
	if len(schedules.built) >= maxSchedules || schedules.built == nil {
		schedules.built = make(map[scheduleKey]*schedule, maxSchedules)
	}
	schedules.built[key] = s
	return s, nil
}

// timing is a schedule with times on it.
type timing struct {
	*schedule
	dur      []took    // by class: (pass·v + chunk)·p + stage
	exchange []took    // one transfer between stage b and the next, by b
	occupied float64   // share of it that the receiving rank stands still for
	start    []float64 // by operation, of its exchange
	end      []float64
	viaDep   []bool // the operation waited for its input, not for its stage
}

func (s *schedule) class(op *stageOp) int {
	return (int(op.pass)*s.v+int(op.chunk))*s.p + int(op.stage)
}

// over is the boundary that an operation's input crosses.
func (s *schedule) over(op *stageOp) int {
	down := op.pass.back() // towards higher stages lies what it came from
	if s.kind == ScheduleDualPipe && op.chunk == 1 {
		down = !down
	}
	if down {
		return int(op.stage)
	}
	return (int(op.stage) + s.p - 1) % s.p
}

// run puts times on the schedule.
func (s *schedule) run(dur, exchange []took, occupied float64) *timing {
	t := &timing{schedule: s, dur: dur, exchange: exchange, occupied: occupied,
		start: make([]float64, len(s.ops)), end: make([]float64, len(s.ops)), viaDep: make([]bool, len(s.ops))}
	for i := range s.ops {
		op := &s.ops[i]
		var begin, work float64
		if op.prev >= 0 {
			begin = t.end[op.prev]
		}
		if op.dep >= 0 {
			ready := t.end[op.dep]
			if op.crosses {
				x := exchange[s.over(op)].sec
				ready += (1 - occupied) * x
				work = occupied * x
			}
			if ready > begin {
				begin, t.viaDep[i] = ready, true
			}
		}
		t.start[i] = begin
		t.end[i] = begin + work + dur[s.class(op)].sec
	}
	return t
}

// path is the time up to the end of an operation with its causes, along the
// critical path.
func (t *timing) path(i int32) took {
	counts := make([]float64, len(t.dur))
	crossed := make([]float64, t.p) // transfers by boundary
	for i >= 0 {
		op := &t.ops[i]
		counts[t.class(op)]++
		if op.crosses {
			crossed[t.over(op)] += t.occupied
		}
		if t.viaDep[i] {
			if op.crosses {
				crossed[t.over(op)] += 1 - t.occupied
			}
			i = op.dep
		} else {
			i = op.prev
		}
	}
	var sum took
	for c, n := range counts {
		if n > 0 {
			sum.addTimes(n, &t.dur[c])
		}
	}
	for b, n := range crossed {
		if n > 0 {
			sum.addTimes(n, &t.exchange[b])
		}
	}
	return sum
}
