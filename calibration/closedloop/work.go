package closedloop

import (
	"context"
	"runtime"

	"aisim/calibration/probe"
)

// laps times the parts of work while the work runs.
type laps struct {
	opt         probe.Options
	quiet, loud map[string][]float64
}

// lap times f under a name; one during which the system took a processor away is loud.
func (l *laps) lap(name string, f func() error) error {
	before, from := l.opt.Interrupts(), l.opt.Clock()
	err := f()
	sec := l.opt.Clock() - from
	if l.opt.Interrupts() == before {
		l.quiet[name] = append(l.quiet[name], sec)
	} else {
		l.loud[name] = append(l.loud[name], sec)
	}
	return err
}

// alone runs f without timing it.
func alone(_ string, f func() error) error { return f() }

// job is a whole that is repeated, and its parts.
type job struct {
	name  string
	parts []*probe.Task
	procs int // threads that Go may use
	run   func(lap func(string, func() error) error) error
}

// jobs are the work: each is repeated by itself, as a program that does nothing else.
func jobs(net *network, pipe *chunks, threads, cores int) []job {
	return []job{
		{name: trainRun, procs: threads, run: net.train,
			parts: []*probe.Task{{Name: readBatch, Single: true}, {Name: learnBatch}, {Name: saveState, Single: true}}},
		{name: allChunks, procs: threads, run: pipe.pass, parts: []*probe.Task{{Name: protect}, {Name: oneChunk, Single: true}}},
		{name: overlapped, procs: cores, run: func(func(string, func() error) error) error { return pipe.overlap() }},
	}
}

// measure repeats the job until enough repetitions were undisturbed or its share of the budget
// is spent. The first repetition is not timed.
func (j job) measure(ctx context.Context, opt probe.Options) ([]probe.Outcome, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(j.procs))
	if err := j.run(alone); err != nil {
		return nil, err
	}
	if j.procs > 1 { // its own threads displace one another
		opt.Interrupts = func() int64 { return 0 }
	}
	l := &laps{opt, map[string][]float64{}, map[string][]float64{}}
	from := opt.Clock()
	for n := 0; len(l.quiet[j.name]) < opt.Rounds && (n < opt.Rounds || opt.Clock()-from < opt.BudgetSec/4); n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := l.lap(j.name, func() error { return j.run(l.lap) }); err != nil {
			return nil, err
		}
	}
	var out []probe.Outcome
	for _, t := range append(j.parts, &probe.Task{Name: j.name}) {
		out = append(out, probe.Judge(t, l.quiet[t.Name], l.loud[t.Name], opt))
	}
	return out, nil
}
