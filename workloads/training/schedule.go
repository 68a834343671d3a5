package training

import (
	"fmt"
	"sync"
)

// pass is the direction of an operation of the pipeline.
type pass uint8

const (
	forward pass = iota
	backward
)

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
	p, v, m int
	ops     []stageOp
	last    []int32 // by stage: its last operation
	lastB   []int32 // by stage·v+chunk: backward of the last micro-batch
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

// newSchedule builds the 1F1B (v = 1) or interleaved (v > 1) schedule of p stages
// and m micro-batches.
func newSchedule(p, v, m int) (*schedule, error) {
	if v > 1 && m%p != 0 {
		return nil, fmt.Errorf("interleaved schedule: %d micro-batches are no multiple of %d stages", m, p)
	}
	type step struct {
		micro, chunk int
		pass         pass
	}
	total := m * v
	s := &schedule{p: p, v: v, m: m, ops: make([]stageOp, 0, 2*total*p), last: make([]int32, p), lastB: make([]int32, p*v)}
	// The k-th operation of each stage's list, without storing the list.
	at := func(stage, k int) step {
		w := warmup(p, v, m, stage)
		dir, n := forward, k
		if k >= w {
			k -= w
			switch steady := total - w; {
			case k < 2*steady && k%2 == 0:
				n = w + k/2
			case k < 2*steady:
				dir, n = backward, k/2
			default:
				dir, n = backward, k-steady
			}
		}
		micro, chunk := virtual(p, v, m, n, dir)
		return step{micro, chunk, dir}
	}
	const none = int32(-1)
	index := make([]int32, 2*m*v*p) // by direction, micro-batch, global chunk
	for i := range index {
		index[i] = none
	}
	slot := func(dir pass, micro, global int) int { return (int(dir)*m+micro)*v*p + global }
	next := make([]int, p)
	prev := make([]int32, p)
	for i := range prev {
		prev[i] = none
	}
	for len(s.ops) < 2*total*p {
		progress := false
		for stage := range p {
			for next[stage] < 2*total {
				st := at(stage, next[stage])
				global := st.chunk*p + stage
				dep, crosses := none, true
				switch {
				case st.pass == forward && global > 0:
					dep = index[slot(forward, st.micro, global-1)]
				case st.pass == backward && global < v*p-1:
					dep = index[slot(backward, st.micro, global+1)]
				case st.pass == backward:
					dep, crosses = index[slot(forward, st.micro, global)], false
				default:
					crosses = false
				}
				if dep == none && !(st.pass == forward && global == 0) {
					break
				}
				id := int32(len(s.ops))
				s.ops = append(s.ops, stageOp{stage: int32(stage), micro: int32(st.micro), chunk: int32(st.chunk),
					pass: st.pass, prev: prev[stage], dep: dep, crosses: crosses && p > 1})
				index[slot(st.pass, st.micro, global)] = id
				prev[stage] = id
				next[stage]++
				progress = true
			}
		}
		if !progress {
			return nil, fmt.Errorf("pipeline of %d stages, %d chunks and %d micro-batches waits for itself", p, v, m)
		}
	}
	copy(s.last, prev)
	for stage := range p {
		for c := range v {
			last := none
			for micro := range m {
				last = max(last, index[slot(backward, micro, c*p+stage)])
			}
			s.lastB[stage*v+c] = last
		}
	}
	return s, nil
}

// schedules keeps the schedules that were built last: a run plans the same one
// hundreds of times. They are never changed once built.
var schedules struct {
	sync.Mutex
	built map[[3]int]*schedule
}

const maxSchedules = 32

func scheduleFor(p, v, m int) (*schedule, error) {
	key := [3]int{p, v, m}
	schedules.Lock()
	defer schedules.Unlock()
	if s := schedules.built[key]; s != nil {
		return s, nil
	}
	s, err := newSchedule(p, v, m)
	if err != nil {
		return nil, err
	}
	if len(schedules.built) >= maxSchedules || schedules.built == nil {
		schedules.built = make(map[[3]int]*schedule, maxSchedules)
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
	if op.pass == backward {
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

// inFlight is the number of micro-batches that chunk c of stage s holds activations
// of when the most are held: after its warm-up and one more forward.
func inFlight(p, v, m, s, c int) int {
	held := min(warmup(p, v, m, s)+1, m*v)
	if v == 1 {
		return held
	}
	n := 0
	full := held / (p * v) // groups that went through all chunks
	n = full * p
	rest := held - full*p*v
	return n + min(max(rest-c*p, 0), p)
}
