package queue

import (
	"fmt"
	"math"

	"aisim/sim"
	"aisim/workloads/jobs"
)

// Options of a run.
type Options struct {
	KeepTimes  bool    // fill StartSec and EndsSec
	WaitSLOSec float64 // limit on the wait that WithinSLO counts against; 0 is none
}

type phase uint8

const (
	absent phase = iota
	queued
	running
	ended
)

// state of a job.
type state struct {
	left     float64 // seconds of work at speed 1 that are not saved
	queuedAt float64 // when it last entered the queue
	waitSec  float64
	firstSec float64 // first start
	started  float64 // of this run
	debtSec  float64 // of checkpoints written when it was stopped, paid at the next start
	readySec float64 // when work begins after binding and restarting
	endSec   float64 // real
	expected float64 // by its estimate
	promised float64 // start under conservative backfill
	rate     float64 // seconds of work a second
	heldSec  float64 // GPU-seconds of former runs
	gpus     int32
	run      int32
	pool     int32
	slot     int32 // in the pool's running jobs
	view     uint8 // of the pool's nodes
	phase    phase
	killed   bool
	grants   []grant
}

// pool is the state of a Pool.
type pool struct {
	Pool
	number  int32
	nodes   *nodes
	lanes   []lane // one, or one per tenant
	waiting int
	running []int32
	prof    profile // conservative
	ticking bool
	touched bool
	broken  bool    // a job that would fit by count does not fit
	held    int     // GPUs of running jobs
	kept    int     // GPUs kept by windows
	lost    int     // GPUs of nodes that are down
	closed  []bool  // nodes that windows keep; nil without windows
	shrunk  int     // running jobs on fewer GPUs than they ask for
	sorted  float64 // when the order was last computed (Factors)
	faults  sim.Stream
	scale   *scaling // nil without a Scaler
}

type tenantState struct {
	held int
	jobs int     // that run
	used float64 // decayed GPU-seconds
}

type world struct {
	*Spec
	opt     Options
	trace   *jobs.Trace
	st      []state
	pools   []*pool
	tenants []tenantState
	rank    []float64 // by job, in order Factors
	qosHeld []int
	heap    sim.PriorityQueue[event]
	spare   [][]grant
	closed  [][]int32 // nodes of windows
	now     float64
	bindSec float64 // when the scheduler has bound what it was given
	left    int
	in      int // jobs waiting
	out     *Outcome
	queueS  float64
	one     [1]blockade
	hash    uint64
	heldS   float64 // GPU-seconds held while jobs are submitted
}

// Run plays the trace to the end of its last job. Errors name the first job that can never
// start.
func Run(spec *Spec, trace *jobs.Trace, opt Options) (*Outcome, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	total := 0
	for _, p := range spec.Pools {
		total += p.gpus()
	}
	w := &world{Spec: spec, opt: opt, trace: trace, st: make([]state, len(trace.Jobs)), left: len(trace.Jobs), hash: 14695981039346656037,
		out: &Outcome{Stats: newStats("all"), Load: trace.Summarise().Load(total)}}
	most := 0
	for i := range trace.Jobs {
		j := &trace.Jobs[i]
		part := spec.partOf(*j, trace.Queues)
		if why := spec.impossible(*j, part); why != "" {
			return nil, fmt.Errorf("queue: job %d of %s can never start: %s", i+1, trace.Name, why)
		}
		w.st[i] = state{left: j.RunSec, firstSec: -1, gpus: j.GPUs, pool: int32(spec.poolOf(*j)), view: uint8(part), promised: math.Inf(1)}
		most = max(most, int(j.Tenant))
	}
	w.tenants = make([]tenantState, max(most+1, len(spec.Tenants)))
	w.qosHeld = make([]int, len(spec.QOS))
	if spec.Order == Factors {
		w.rank = make([]float64, len(w.st))
	}
	w.closed = make([][]int32, len(spec.Windows))
	w.setup()
	if err := w.loop(); err != nil {
		return nil, err
	}
	w.close(total)
	return w.out, nil
}

func (w *world) setup() {
	for _, name := range sizeNames {
		w.out.Classes = append(w.out.Classes, newStats(name))
	}
	for t := range w.tenants {
		w.out.Tenants = append(w.out.Tenants, newStats(w.tenantName(t)))
	}
	for _, q := range w.trace.Queues {
		w.out.Queues = append(w.out.Queues, newStats(q))
	}
	if w.opt.KeepTimes {
		w.out.StartSec, w.out.EndsSec = make([]float64, len(w.st)), make([]float64, len(w.st))
	}
	root := sim.NewStream(w.Seed, "queue")
	faulty := w.Faults.PerNodeDay > 0 || w.Faults.PerLeafDay > 0
	uniform := w.speed(0) == w.speed(1) && w.speed(1) == w.speed(2) && w.speed(2) == w.speed(3)
	for i, p := range w.Pools {
		pl := &pool{Pool: p, number: int32(i), nodes: newNodes(p, p.GPUsPerNode == 1 && uniform && !faulty && w.Scale == nil && len(w.Windows) == 0 && len(p.Partitions) == 0)}
		if len(w.Windows) > 0 {
			pl.closed = make([]bool, p.Nodes)
		}
		pl.lanes = make([]lane, 1)
		if w.Order == Fair || w.Order == DRF {
			pl.lanes = make([]lane, len(w.tenants))
		}
		pl.prof = profile{sec: []float64{0}, free: []int{p.gpus()}}
		pl.faults = root.Child("faults " + p.Name)
		w.pools = append(w.pools, pl)
		if w.Scale != nil {
			w.setScaling(pl)
		}
		w.nextFault(pl, false)
		w.nextFault(pl, true)
	}
	for i, x := range w.Windows {
		w.heap.Push(event{sec: x.FromSec, kind: evWindow, pool: int32(x.Pool), id: int32(i), run: 0})
	}
}

func (w *world) tenantName(t int) string {
	switch {
	case t < len(w.Tenants) && w.Tenants[t].Name != "":
		return w.Tenants[t].Name
	case t < len(w.trace.Tenants) && w.trace.Tenants[t] != "":
		return w.trace.Tenants[t]
	}
	return fmt.Sprintf("tenant %d", t)
}

// loop takes arrivals and events in order and schedules after each moment.
func (w *world) loop() error {
	next := 0
	for w.left > 0 {
		sec := math.Inf(1)
		if next < len(w.trace.Jobs) {
			sec = w.trace.Jobs[next].SubmitSec
		}
		if len(w.heap) > 0 {
			sec = math.Min(sec, w.heap[0].sec)
		}
		if math.IsInf(sec, 1) {
			return w.stuck()
		}
		w.advance(sec)
		for len(w.heap) > 0 && w.heap[0].sec <= sec {
			w.out.Events++
			w.handle(w.heap.Pop())
		}
		for next < len(w.trace.Jobs) && w.trace.Jobs[next].SubmitSec <= sec {
			w.out.Events++
			w.enqueue(int32(next))
			next++
		}
		for _, pl := range w.pools {
			if pl.touched {
				pl.touched = false
				w.schedule(pl)
				if w.Scale != nil {
					w.scaleUp(pl)
				}
			}
			if invariants {
				w.check(pl)
			}
		}
		if w.out.Events > maxEvents(len(w.st)) {
			return fmt.Errorf("queue: %d events and still %d jobs of %d after %.3g s: work is lost as fast as it is done (offered load %.2f, %d stops, %d failures); save more often",
				w.out.Events, w.left, len(w.st), w.now, w.out.Load, w.out.Stops, w.out.Failures)
		}
		if next == len(w.trace.Jobs) && w.in > 0 && w.out.Events&0xfff == 0 && w.idle() {
			return w.stuck()
		}
	}
	return nil
}

// maxEvents bounds a run: a job takes a handful, one in a hundred stops or failures would
// still leave room.
func maxEvents(jobs int) int { return 5_000_000 + 1000*jobs }

// idle says that nothing runs and nothing is down or kept: what waits now waits for ever.
func (w *world) idle() bool {
	for _, pl := range w.pools {
		if len(pl.running) > 0 || pl.lost > 0 || pl.kept > 0 || w.Scale != nil && (pl.scale.starting > 0 || pl.scale.scanning) {
			return false
		}
	}
	return true
}

func (w *world) stuck() error {
	for _, pl := range w.pools {
		for l := range pl.lanes {
			if pl.lanes[l].len() > 0 {
				j := pl.lanes[l].at(0)
				return fmt.Errorf("queue: %d jobs can never start (offered load %.2f): job %d asks for %d GPUs of pool %s, of which %d are free, and its tenant %s holds %d",
					w.in, w.out.Load, j+1, w.st[j].gpus, pl.Name, pl.nodes.freeGPUs(), w.tenantName(int(w.trace.Jobs[j].Tenant)), w.tenants[w.trace.Jobs[j].Tenant].held)
			}
		}
	}
	return fmt.Errorf("queue: invariant: %d jobs are left and none waits", w.left)
}

func (w *world) handle(e event) {
	pl := w.pools[e.pool]
	switch e.kind {
	case evEnd:
		if s := &w.st[e.id]; s.phase == running && s.run == e.run {
			w.finish(e.id)
		}
	case evRepair:
		pl.nodes.repair(int(e.id))
		pl.lost -= int(pl.nodes.free[e.id])
		pl.touched = true
	case evFail:
		w.fault(pl, e.id == 1)
		w.nextFault(pl, e.id == 1)
	case evWindow:
		w.window(pl, int(e.id), e.run)
	case evNode:
		w.node(pl, int(e.id), e.run)
	case evTick:
		pl.ticking = false
		w.slice(pl)
	}
}

// before orders the queue of a pool.
func (w *world) before(a, b int32) bool {
	x, y := &w.trace.Jobs[a], &w.trace.Jobs[b]
	if ta, tb := w.tier(a), w.tier(b); ta != tb && w.Order != Factors {
		return ta > tb
	}
	switch w.Order {
	case Factors:
		if w.rank[a] != w.rank[b] {
			return w.rank[a] > w.rank[b]
		}
	case Priority:
		if x.Priority != y.Priority {
			return x.Priority > y.Priority
		}
	case SJF:
		if ex, ey := w.estimate(*x), w.estimate(*y); ex != ey {
			return ex < ey
		}
	case LAS:
		if cx, cy := w.lasClass(a), w.lasClass(b); cx != cy {
			return cx < cy
		}
	}
	return a < b
}

func (w *world) laneOf(pl *pool, j int32) int {
	if len(pl.lanes) > 1 {
		return int(w.trace.Jobs[j].Tenant)
	}
	return 0
}

func (w *world) enqueue(j int32) {
	s := &w.st[j]
	pl := w.pools[s.pool]
	l := w.laneOf(pl, j)
	s.gpus = w.trace.Jobs[j].GPUs
	if w.Order == Factors {
		w.rank[j] = w.factors(pl, j)
	}
	pl.lanes[l].insert(j, w.before)
	s.phase, s.queuedAt = queued, w.now
	s.promised = math.Inf(1)
	pl.waiting++
	w.in++
	w.out.MaxQueue = max(w.out.MaxQueue, w.in)
	pl.touched = true
	if w.Order == LAS && !pl.ticking {
		pl.ticking = true
		w.heap.Push(event{sec: math.Ceil(w.now/w.QuantumSec) * w.QuantumSec, kind: evTick, pool: pl.number})
	}
}
