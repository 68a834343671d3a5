package sim

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
)

// Model is what an author writes: one method that handles the events of a
// partition, in order, until Next reports false.
//
//	func (m *Queue) Handle(ctx *sim.Context) {
//		for ctx.Next() {
//			switch ev := ctx.Event(); ev.Kind {
//			…
//			}
//		}
//	}
//
// The engine calls Handle once per partition and window, so the loop over events is
// the model's own code and costs no indirect call. Partitions run at
// the same time: while Handle serves one, it may touch only the state of that
// partition's entities.
type Model interface {
	Handle(ctx *Context)
}

// Queue chooses how pending events are kept. Results do not depend on it.
type Queue uint8

// The queues.
const (
	// Auto is Ring where the model states a lookahead or a window, Heap otherwise.
	Auto Queue = iota
	// Ring is a calendar of windows: constant time per event at any number of
	// pending events.
	Ring
	// Heap is a binary heap: best below a few hundred pending events.
	Heap
)

// MaxPartitions is the largest number of partitions of one engine.
const MaxPartitions = 1 << 14

// Config says what an engine runs.
type Config struct {
	// Entities is the number of entities, 1 to MaxEntities.
	Entities int
	// Partitions is the number of parts that may run at the same time; 0 means 1.
	// It belongs to the model (a pod, a rack), not to the machine: 8 to 64 suit
	// any number of workers, and small ones stay in cache.
	Partitions int
	// PartitionOf places each entity; nil cuts the entities into equal blocks
	// in the order of their numbers. It is called once per entity.
	PartitionOf func(Entity) int
	// Lookahead is the smallest delay between entities of different
	// partitions: the latency of the shortest link that is cut. With more than
	// one partition it must be at least 2 ticks. It is also the width of the windows.
	Lookahead Duration
	// Window is the width of the ring's buckets for a model with one partition and
	// no lookahead: about the time in which 100 to 5,000 events happen. 0
	// leaves the choice of the queue to Auto.
	Window Duration
	// Queue is Auto, Ring or Heap.
	Queue Queue
	// Workers is the number of threads that handle events; 0 means as many as
	// the Go runtime uses. Results do not depend on it.
	Workers int
}

// Engine runs one model. It is not safe for concurrent use, except Interrupt.
type Engine struct {
	config      Config
	model       Model
	parts       []Context
	sequence    []uint64
	home        []uint16
	workers     []worker
	all         []uint16 // every partition, for windows that one worker runs
	owner       []uint16 // index of the worker of each partition
	now         Time
	stats       Stats
	err         error
	interrupted atomic.Bool
}

// Stats counts what the engine did. Only Events is the same for any number of
// workers.
type Stats struct {
	Events    uint64 // events handled
	Windows   uint64 // windows opened (0 where a single partition ran alone)
	Thin      uint64 // of these, windows run by one worker for want of work
	Rebalance uint64 // times that partitions changed workers
}

// ErrInterrupted is returned by Run after Interrupt.
var ErrInterrupted = errors.New("sim: interrupted")

// New returns an engine for a model, or an error that names the field of the
// configuration that cannot be.
func New(config Config, model Model) (*Engine, error) {
	c := &config
	if c.Partitions == 0 {
		c.Partitions = 1
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	switch {
	case model == nil:
		return nil, errors.New("sim: no model")
	case c.Entities < 1 || c.Entities > MaxEntities:
		return nil, fmt.Errorf("sim: entities = %d, must be 1 to %d", c.Entities, MaxEntities)
	case c.Partitions < 1 || c.Partitions > MaxPartitions:
		return nil, fmt.Errorf("sim: partitions = %d, must be 1 to %d", c.Partitions, MaxPartitions)
	case c.Partitions > c.Entities:
		return nil, fmt.Errorf("sim: partitions = %d, more than the %d entities", c.Partitions, c.Entities)
	case c.Lookahead < 0:
		return nil, fmt.Errorf("sim: lookahead = %v, must not be negative", c.Lookahead)
	case c.Partitions > 1 && c.Lookahead < 2:
		return nil, fmt.Errorf("sim: lookahead = %v, must be at least 2 ticks for %d partitions", c.Lookahead, c.Partitions)
	case c.Window < 0 || c.Window > 0 && c.Partitions > 1 && c.Window != c.Lookahead:
		return nil, fmt.Errorf("sim: window = %v, is the lookahead with several partitions", c.Window)
	case c.Workers < 1 || c.Workers > 1024:
		return nil, fmt.Errorf("sim: workers = %d, must be 1 to 1024", c.Workers)
	case c.Queue > Heap:
		return nil, fmt.Errorf("sim: queue = %d, is unknown", c.Queue)
	}
	width := max(c.Lookahead, c.Window)
	if c.Queue == Auto {
		c.Queue = Ring
		if width < 2 {
			c.Queue = Heap
		}
	}
	if width < 2 {
		if c.Queue == Ring {
			return nil, errors.New("sim: queue = ring needs a window or a lookahead of at least 2 ticks")
		}
		width = math.MaxInt64 // one window for all of time
	}
	c.Workers = min(c.Workers, c.Partitions)

	e := &Engine{
		config:   config,
		model:    model,
		parts:    make([]Context, c.Partitions),
		sequence: make([]uint64, c.Entities),
		home:     make([]uint16, c.Entities),
	}
	for i := range e.home {
		p := int(uint64(i) * uint64(c.Partitions) / uint64(c.Entities))
		if c.PartitionOf != nil {
			if p = c.PartitionOf(Entity(i)); p < 0 || p >= c.Partitions {
				return nil, fmt.Errorf("sim: entity %d is placed in partition %d of %d", i, p, c.Partitions)
			}
		}
		e.home[i] = uint16(p)
	}
	e.all = make([]uint16, c.Partitions)
	e.owner = make([]uint16, c.Partitions)
	for i := range e.all {
		e.all[i] = uint16(i)
	}
	e.workers = newWorkers(c.Workers)
	for i := range e.parts {
		p := &e.parts[i]
		*p = Context{
			batch: make([]Event, 1, 64), cur: -1, home: e.home, sequence: e.sequence,
			width: newDivisor(width), engine: e, next: noWindow, index: uint16(i), solo: c.Partitions == 1,
		}
		if c.Queue == Ring {
			p.ring = newRing()
		}
	}
	e.assign()
	return e, nil
}

// Schedule adds an event before the first Run or between two of them. Its
// source is the destination itself, so that the order of events does not depend on
// the order in which entities are set up.
func (e *Engine) Schedule(at Time, dst Entity, kind Kind, arg uint64) error {
	return e.ScheduleEvent(at, Normal, Event{Dst: dst, Kind: kind, Arg: arg})
}

// ScheduleEvent is Schedule with every field of the event.
func (e *Engine) ScheduleEvent(at Time, priority Priority, ev Event) error {
	switch {
	case int(ev.Dst) >= e.config.Entities:
		return fmt.Errorf("sim: event to entity %d of %d: %w", ev.Dst, e.config.Entities, ErrUnknown)
	case at < e.now:
		return fmt.Errorf("sim: event at %v, now %v: %w", at, e.now, ErrCausality)
	case priority > Last:
		return fmt.Errorf("sim: priority = %d, must be %d to %d", priority, First, Last)
	case e.sequence[ev.Dst] >= maxSequence:
		return fmt.Errorf("sim: entity %d: %w", ev.Dst, ErrExhausted)
	}
	ev.Time = at
	ev.key = makeKey(priority, ev.Dst, e.sequence[ev.Dst])
	e.sequence[ev.Dst]++
	e.parts[e.home[ev.Dst]].push(&ev)
	return nil
}

// Run handles all events before the time until, in order, and then sets the
// clock to it. It returns early, with the clock where it was, when no event is left
// before Never, when a model stops or fails, or after Interrupt.
//
// Run may be called again with a later time: two runs in a row give what one
// run gives.
func (e *Engine) Run(until Time) error {
	if e.err != nil {
		return e.err
	}
	if until < e.now {
		return fmt.Errorf("sim: run until %v, now %v: %w", until, e.now, ErrCausality)
	}
	for i := range e.parts {
		e.parts[i].begin(until)
	}
	switch {
	case len(e.parts) == 1:
		e.handle(&e.parts[0])
	case len(e.workers) == 1:
		e.workers[0].serial(e, until)
	default:
		e.runParallel(until)
	}
	return e.finish(until)
}

// finish collects what the partitions report, in the order of their index.
func (e *Engine) finish(until Time) error {
	stopped, due := false, false
	e.stats.Events = 0
	for i := range e.parts {
		p := &e.parts[i]
		e.stats.Events += p.handled
		stopped = stopped || p.stopped
		due = due || p.due()
		if e.err == nil {
			e.err = p.err
		}
	}
	if invariants {
		e.conserve()
	}
	switch {
	case e.err != nil:
		return e.err
	case stopped:
		e.now = e.latest()
		return nil
	case e.interrupted.Swap(false) && due:
		e.now = e.latest()
		return ErrInterrupted
	case until < Never:
		e.now = until
	default:
		e.now = e.latest()
	}
	return nil
}

// latest returns the time of the latest event that was handled.
func (e *Engine) latest() Time {
	t := e.now
	for i := range e.parts {
		t = max(t, e.parts[i].Now())
	}
	return t
}

// handle lets the model handle what is due in one partition.
func (e *Engine) handle(p *Context) {
	p.over = false
	e.model.Handle(p)
	if !p.over && !p.stopped {
		p.Fail(ErrUnread)
	}
}

// Now returns the time up to which the run has come.
func (e *Engine) Now() Time { return e.now }

// Stats returns what the engine has done so far.
func (e *Engine) Stats() Stats { return e.stats }

// Events returns the number of events handled by all runs so far.
func (e *Engine) Events() uint64 { return e.stats.Events }

// Pending returns the number of events that wait.
func (e *Engine) Pending() uint64 {
	n := -e.stats.Events
	for _, s := range e.sequence {
		n += s
	}
	return n
}

// Partitions returns the number of partitions.
func (e *Engine) Partitions() int { return len(e.parts) }

// Interrupt asks a run in progress to end soon. It may be called from another
// goroutine. The state stays whole, and a later Run goes on from there.
func (e *Engine) Interrupt() { e.interrupted.Store(true) }
