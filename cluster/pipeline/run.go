package pipeline

import (
	"container/heap"
	"math"

	"aisim/sim"
)

// Span is when a stage ran and what bound it.
type Span struct {
	ID         string
	Tasks      int
	Start, End float64 // seconds from the run's start
	Bound      Bound
	CoreSec    float64
}

// Outcome is one run of a pipeline.
type Outcome struct {
	Seconds float64
	CoreSec float64
	Spans   []Span // as the stages were given
}

// Run plays one run. The stream draws the stragglers. Stages must have been ordered once
// (see Order); their cycles are a programmer's fault here.
func Run(stages []Stage, e Engine, p Pool, stream *sim.Stream) Outcome {
	order, err := Order(stages)
	if err != nil {
		panic("pipeline: invariant: " + err.Error())
	}
	r := &running{stages: stages, engine: e, pool: p, spans: make([]Span, len(stages)), left: make([]int, len(stages)), waits: make([]int, len(stages)), next: make([][]int, len(stages))}
	at := map[string]int{}
	for i, s := range stages {
		at[s.ID] = i
		r.spans[i] = Span{ID: s.ID, Start: math.Inf(1)}
	}
	for i, s := range stages {
		r.waits[i] = len(s.After)
		for _, name := range s.After {
			r.next[at[name]] = append(r.next[at[name]], i)
		}
	}
	r.free = p.Cores
	for _, i := range order {
		if r.waits[i] == 0 {
			heap.Push(&r.events, event{e.StartSec + stages[i].StartSec, r.sequence(), i, begin})
		}
	}
	for r.events.Len() > 0 {
		ev := heap.Pop(&r.events).(event)
		r.now = ev.at
		switch ev.kind {
		case begin:
			r.begin(ev.stage)
		case finish:
			r.free++
			r.taskDone(ev.stage)
		case whole:
			r.done(ev.stage)
		}
		r.dispatch(stream)
	}
	out := Outcome{Seconds: r.now, Spans: r.spans}
	for _, s := range r.spans {
		out.CoreSec += s.CoreSec
	}
	return out
}

type eventKind int

const (
	begin  eventKind = iota // a stage's first task may start
	finish                  // a task ended
	whole                   // a fixed stage ended
)

type event struct {
	at    float64
	seq   int
	stage int
	kind  eventKind
}

// events is a heap by time, then by the order in which they were made.
type events []event

func (h events) Len() int { return len(h) }
func (h events) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(event)) }
func (h *events) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

type running struct {
	stages []Stage
	engine Engine
	pool   Pool
	spans  []Span
	next   [][]int // stages that wait for one
	waits  []int   // stages that one waits for
	left   []int   // tasks that have not ended
	ready  []ready // stages with tasks to hand out, first come first served
	events events
	seq    int
	now    float64
	free   int
	handed float64 // when the driver may hand out the next task
}

// ready is a stage whose tasks are being handed out.
type ready struct {
	stage, tasks int
	sec          float64
}

func (r *running) sequence() int { r.seq++; return r.seq }

func (r *running) begin(i int) {
	s := &r.stages[i]
	r.spans[i].Start = r.now
	if s.Seconds > 0 {
		r.spans[i].Bound = BoundFixed
		heap.Push(&r.events, event{r.now + s.Seconds, r.sequence(), i, whole})
		return
	}
	sec, bound := s.task(r.engine, r.pool)
	n := s.tasks()
	r.spans[i].Tasks, r.spans[i].Bound, r.left[i] = n, bound, n
	r.ready = append(r.ready, ready{i, n, sec})
}

// dispatch hands tasks to free cores.
func (r *running) dispatch(stream *sim.Stream) {
	for r.free > 0 && len(r.ready) > 0 {
		head := &r.ready[0]
		start := math.Max(r.now, r.handed)
		if r.engine.TasksPerSec > 0 {
			r.handed = start + 1/r.engine.TasksPerSec
		}
		sec := r.engine.TaskSec + head.sec*r.engine.straggle(stream)
		r.spans[head.stage].CoreSec += sec
		heap.Push(&r.events, event{start + sec, r.sequence(), head.stage, finish})
		r.free--
		if head.tasks--; head.tasks == 0 {
			r.ready = r.ready[1:]
		}
	}
}

// straggle is by how much a task takes longer than the median.
func (e Engine) straggle(stream *sim.Stream) float64 {
	if e.Sigma == 0 {
		return 1
	}
	x := stream.LogNormal(0, e.Sigma)
	if e.Speculation && x > speculateAfter {
		x = math.Min(x, speculateAfter+stream.LogNormal(0, e.Sigma))
	}
	return x
}

func (r *running) taskDone(i int) {
	if r.left[i]--; r.left[i] == 0 {
		r.done(i)
	}
}

func (r *running) done(i int) {
	r.spans[i].End = r.now
	for _, j := range r.next[i] {
		if r.waits[j]--; r.waits[j] == 0 {
			heap.Push(&r.events, event{r.now + r.stages[j].StartSec, r.sequence(), j, begin})
		}
	}
}
