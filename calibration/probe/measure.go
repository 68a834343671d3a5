package probe

import (
	"context"
	"fmt"
	"math"
	"slices"

	"aisim/calibration/ingest"
)

// Task is one thing to measure.
type Task struct {
	Name string
	// Run does it once.
	Run func() error
	// Body is the record of it; nil for a task that is only timed.
	Body func(Timing) ingest.Body
	// Single keeps a repetition to one operation: it waits for a device, and every wait is one more
	// chance to be held up. Times of devices scatter by nature: what must be known is their median.
	Single bool
	// Before and After are run around each operation of a Single task and are not timed; nil for
	// nothing. Compute keeps the processor busy for so many seconds, as programs do between two uses
	// of a device: one that rests is slower to answer.
	Before func(compute func(sec float64))
	After  func()
	// Close releases what it holds; nil for nothing.
	Close func()
}

// Timing is what repetitions of a task took.
type Timing struct {
	Sec     float64 // median of one operation
	MinSec  float64
	MaxSec  float64
	Spread  float64 // robust standard deviation of a repetition over the median
	Repeats int     // that counted
	Tried   int     // in all: the others were interrupted
}

// Outcome is a task measured, or refused.
type Outcome struct {
	Name    string
	Timing  Timing
	Refused string // why; empty where it was measured
	Body    ingest.Body
}

// Options of a measurement; zero values give the defaults.
type Options struct {
	Clock     func() float64 // seconds, monotonic
	Rounds    int            // repetitions that count, 9
	WarmUp    int            // turns that do not count, 1
	MaxSpread float64        // above it a task is refused, 0.15
	MinSec    float64        // of one repetition, 0.002: below the time that a scheduler gives one thread
	BudgetSec float64        // for all that scatters or is interrupted, 90
	// Compute uses the processor for so many seconds; nil computes by the clock.
	Compute func(sec float64)
	// Interrupts counts how often the system took a processor from this process; nil for a
	// system that does not tell.
	Interrupts func() int64
	Progress   func(done, total int)
}

func (o Options) filled() Options {
	if o.Rounds == 0 {
		o.Rounds = 9
	}
	if o.WarmUp == 0 {
		o.WarmUp = 1
	}
	for _, v := range []struct {
		to *float64
		by float64
	}{{&o.MaxSpread, 0.15}, {&o.MinSec, 0.002}, {&o.BudgetSec, 90}} {
		if *v.to == 0 {
			*v.to = v.by
		}
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	if o.Interrupts == nil {
		o.Interrupts = func() int64 { return 0 }
	}
	if o.Compute == nil {
		o.Compute = computing(o.Clock)
	}
	return o
}

// pace computes before each operation of a Single task.
func pace(sec float64) func(func(float64)) {
	return func(compute func(float64)) { compute(sec) }
}

// computing streams through more memory than a core's caches hold until the time is over.
func computing(clock func() float64) func(sec float64) {
	var from, to []float64
	return func(sec float64) {
		if sec <= 0 {
			return
		}
		if from == nil {
			from, to = numbers64(workingSet/8), make([]float64, workingSet/8)
		}
		for start := clock(); clock()-start < sec; {
			copy(to, from)
		}
	}
}

// A turn of a task is so many repetitions: the first ones of a turn, and the first while of a task
// of single operations, find caches and devices as other tasks left them and are not timed, so that
// the others find them as a running program does. (Reads of a disk that rested for 0.3 s settle with
// the fourth, 2 ms apart.) A device has spells of seconds in which it is slower: fewer repetitions
// of a turn spread over more of them.
const (
	turnUntimed     = 2
	turnUntimedSec  = 20e-3
	turnTimed       = 5
	turnTimedSingle = 3
)

// repeat is one repetition: so many operations, or, of a Single task, one after what comes before it.
func (s *series) repeat(t *Task, opt Options) (sec float64, interrupted bool, err error) {
	if t.Single && t.Before != nil {
		t.Before(opt.Compute)
	}
	if t.Single && t.After != nil {
		defer t.After()
	}
	before, from := opt.Interrupts(), opt.Clock()
	for range s.inner {
		if err := t.Run(); err != nil {
			return 0, false, err
		}
	}
	return (opt.Clock() - from) / float64(s.inner), opt.Interrupts() != before, nil
}

// fill sets as many operations as fill a repetition, from what one takes.
func (s *series) fill(t *Task, sec float64, opt Options) {
	if sec*float64(s.inner) < opt.MinSec && !t.Single {
		s.inner = min(1<<20, int(math.Ceil(opt.MinSec/math.Max(sec, 1e-9))))
	}
}

// turn runs the task for a turn, or until it has failed.
func (s *series) turn(t *Task, warm bool, opt Options) error {
	from, most := opt.Clock(), turnTimed
	if t.Single {
		most = turnTimedSingle
	}
	for untimed, timed := 0, 0; timed < most; {
		sec, interrupted, err := s.repeat(t, opt)
		switch {
		case err != nil:
			return err
		case untimed < turnUntimed || t.Single && opt.Clock()-from < turnUntimedSec:
			untimed++
			s.fill(t, sec, opt)
			continue
		case warm:
			s.fill(t, sec, opt)
		case interrupted:
			s.loud = append(s.loud, sec)
		default:
			s.quiet = append(s.quiet, sec)
		}
		timed++
	}
	return nil
}

// series are the repetitions of one task.
type series struct {
	inner       int       // operations of one repetition
	quiet, loud []float64 // seconds of one operation, undisturbed and interrupted
}

// judged is what counts: undisturbed repetitions, all of them where the machine left too few.
func (s *series) judged(rounds int) Timing {
	t := timing(s.quiet)
	if len(s.quiet) < (rounds+1)/2 {
		t = timing(slices.Concat(s.quiet, s.loud))
	}
	t.Tried = len(s.quiet) + len(s.loud)
	return t
}

// enough says that more repetitions are not needed.
func (s *series) enough(t *Task, opt Options) bool {
	return len(s.quiet) >= opt.Rounds && timing(s.quiet).known(t, opt.MaxSpread, 1.0/3)
}

// known says that repetitions do not scatter, or, of a device, that their median is known to a
// share of what they may: the standard error of a median is 1.25 σ/√n.
func (m Timing) known(t *Task, most, share float64) bool {
	return m.Spread <= most || t.Single && m.MedianSD() <= most*share
}

// MedianSD is the relative standard error of the median.
func (m Timing) MedianSD() float64 {
	return 1.2533 * m.Spread / math.Sqrt(math.Max(1, float64(m.Repeats)))
}

// Measure runs all tasks in turns until each has enough undisturbed repetitions or the budget is
// spent. The error is the context's; a task that fails is refused.
func Measure(ctx context.Context, tasks []*Task, opt Options) ([]Outcome, error) {
	opt = opt.filled()
	out := make([]Outcome, len(tasks))
	all := make([]series, len(tasks))
	for i, t := range tasks {
		out[i].Name = t.Name
		all[i].inner = 1
	}
	start := opt.Clock()
	done, total := 0, len(tasks)*opt.Rounds
	for round := 0; ; round++ {
		live := false
		for i, t := range tasks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s := &all[i]
			if out[i].Refused != "" || s.enough(t, opt) {
				continue
			}
			live = true
			had := min(len(s.quiet), opt.Rounds)
			if err := s.turn(t, round < opt.WarmUp, opt); err != nil {
				out[i].Refused = err.Error()
				continue
			}
			done += min(len(s.quiet), opt.Rounds) - had
			opt.Progress(done, total)
		}
		if !live || round >= opt.WarmUp+(opt.Rounds+turnTimedSingle-1)/turnTimedSingle && opt.Clock()-start > opt.BudgetSec {
			break
		}
	}
	for i, t := range tasks {
		if out[i].Refused == "" {
			out[i] = all[i].outcome(t, opt)
		}
	}
	return out, nil
}

// Judge is the outcome of repetitions that the caller timed: undisturbed ones, and interrupted
// ones, which count only where too few were left undisturbed.
func Judge(t *Task, quiet, loud []float64, opt Options) Outcome {
	s := series{inner: 1, quiet: quiet, loud: loud}
	return s.outcome(t, opt.filled())
}

func (s *series) outcome(t *Task, opt Options) Outcome {
	m := s.judged(opt.Rounds)
	o := Outcome{Name: t.Name, Timing: m}
	if !m.known(t, opt.MaxSpread, 2.0/3) || t.Single && len(s.quiet) < opt.Rounds {
		o.Refused = fmt.Sprintf("its %d repetitions scatter by %.0f %% (allowed %.0f %%), %d of %d were interrupted: measure when the machine is not busy",
			m.Repeats, 100*m.Spread, 100*opt.MaxSpread, len(s.loud), m.Tried)
		return o
	}
	if t.Body != nil {
		o.Body = t.Body(m)
	}
	return o
}

// timing is the summary of repetitions.
func timing(sec []float64) Timing {
	if len(sec) == 0 {
		return Timing{}
	}
	a := slices.Clone(sec)
	slices.Sort(a)
	m := Timing{Sec: middle(a), MinSec: a[0], MaxSec: a[len(a)-1], Repeats: len(a)}
	d := make([]float64, len(a))
	for i, v := range a {
		d[i] = math.Abs(v - m.Sec)
	}
	slices.Sort(d)
	if m.Sec > 0 {
		m.Spread = 1.4826 * middle(d) / m.Sec
	}
	return m
}

func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// dist is a timing as a record has it.
func (m Timing) dist() ingest.Dist {
	return ingest.Dist{Median: ingest.Is(m.Sec), SD: ingest.Is(m.Spread * m.Sec), Min: ingest.Is(m.MinSec), Max: ingest.Is(m.MaxSec), Count: ingest.Is(float64(m.Repeats))}
}

// more are the fields of a timing that a record has no place for.
func (m Timing) more() []ingest.Field {
	return []ingest.Field{{Name: "repeats", Value: ingest.Is(float64(m.Repeats))}, {Name: "spread", Value: ingest.Is(m.Spread)}}
}
