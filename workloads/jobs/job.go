package jobs

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Job is one batch job as it was submitted.
type Job struct {
	SubmitSec float64 // since the first submission
	RunSec    float64 // at the speed of the trace's machine
	WallSec   float64 // requested limit; 0 where none was given
	GPUs      int32   // devices, or nodes where the trace counts nodes
	Tenant    int32   // of Trace.Tenants
	Queue     int32   // of Trace.Queues
	Priority  int32   // larger is more urgent
}

// Trace is jobs in order of submission.
type Trace struct {
	Name    string
	Unit    string // what Job.GPUs counts: "gpu", "node" or "processor"
	Jobs    []Job
	Tenants []string
	Queues  []string
	Skipped int // lines of jobs that never ran
}

// Limits bound what a reader takes.
type Limits struct {
	Jobs      int     // default 20 million
	LineBytes int     // default 1 MiB
	SpanSec   float64 // default 100 years
	GPUs      int32   // per job; default 1 million
}

func (l Limits) orDefault() Limits {
	if l.Jobs == 0 {
		l.Jobs = 20_000_000
	}
	if l.LineBytes == 0 {
		l.LineBytes = 1 << 20
	}
	if l.SpanSec == 0 {
		l.SpanSec = 100 * 365.25 * 86400
	}
	if l.GPUs == 0 {
		l.GPUs = 1_000_000
	}
	return l
}

// ErrEmpty is wrapped by errors about inputs without any job.
var ErrEmpty = errors.New("no jobs")

// Error is about one line of an input.
type Error struct {
	File string
	Line int
	Msg  string
	Hint string
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// intern numbers names in order of appearance.
type intern struct {
	names []string
	index map[string]int32
}

func (x *intern) of(name string) int32 {
	if x.index == nil {
		x.index = map[string]int32{}
	}
	if i, ok := x.index[name]; ok {
		return i
	}
	i := int32(len(x.names))
	x.names = append(x.names, name)
	x.index[name] = i
	return i
}

// sorted puts the jobs in order of submission, ties in order of the file, and starts the
// clock at the first.
func (t *Trace) sorted() {
	if !slices.IsSortedFunc(t.Jobs, bySubmit) {
		slices.SortStableFunc(t.Jobs, bySubmit)
	}
	if len(t.Jobs) == 0 {
		return
	}
	first := t.Jobs[0].SubmitSec
	for i := range t.Jobs {
		t.Jobs[i].SubmitSec -= first
	}
}

func bySubmit(a, b Job) int {
	switch {
	case a.SubmitSec < b.SubmitSec:
		return -1
	case a.SubmitSec > b.SubmitSec:
		return 1
	}
	return 0
}

// Summary of a trace.
type Summary struct {
	Jobs       int
	SpanSec    float64 // from the first to the last submission
	GPUSeconds float64
	MaxGPUs    int32
	OneGPU     float64 // share of jobs that ask for one
	RunMeanSec float64
	RunP50Sec  float64
	RunP90Sec  float64
}

// Summarise counts.
func (t *Trace) Summarise() Summary {
	s := Summary{Jobs: len(t.Jobs)}
	run := make([]float64, len(t.Jobs))
	one := 0
	for i, j := range t.Jobs {
		s.GPUSeconds += j.RunSec * float64(j.GPUs)
		s.MaxGPUs = max(s.MaxGPUs, j.GPUs)
		s.RunMeanSec += j.RunSec
		if j.GPUs == 1 {
			one++
		}
		run[i] = j.RunSec
	}
	if len(run) == 0 {
		return s
	}
	slices.Sort(run)
	s.SpanSec = t.Jobs[len(t.Jobs)-1].SubmitSec
	s.RunMeanSec /= float64(len(run))
	s.OneGPU = float64(one) / float64(len(run))
	s.RunP50Sec, s.RunP90Sec = run[len(run)/2], run[int(0.9*float64(len(run)-1))]
	return s
}

// Load is the offered load on so many GPUs: GPU-seconds asked for over those that there
// are between the first and the last submission. Above 1 a queue grows for as long as the
// trace goes on.
func (s Summary) Load(gpus int) float64 {
	if s.SpanSec <= 0 || gpus <= 0 {
		return math.Inf(1)
	}
	return s.GPUSeconds / (float64(gpus) * s.SpanSec)
}
