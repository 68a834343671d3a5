package closedloop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"aisim/calibration/fit"
	"aisim/calibration/ingest"
	"aisim/calibration/probe"
)

// Row is one thing predicted and measured.
type Row struct {
	What       string       `json:"what"`
	Predicted  Prediction   `json:"predicted"`
	Measured   probe.Timing `json:"measured"`
	Composed   bool         `json:"composed,omitempty"` // of the medians of its parts
	Refused    string       `json:"refused,omitempty"`
	Error      float64      `json:"error"` // predicted/measured − 1
	InInterval bool         `json:"in_interval"`
}

// Report is the loop closed once.
type Report struct {
	Host    string          `json:"host"`
	Threads int             `json:"threads"`
	Cores   int             `json:"cores"`
	Load    [2]float64      `json:"load"` // threads that wanted a processor in the minute before, and in the last of it
	Profile *fit.Result     `json:"-"`
	Rows    []Row           `json:"rows"`
	Probe   []probe.Outcome `json:"-"`
	Records []ingest.Record `json:"-"`
	Refused []string        `json:"refused"` // of the probe
	Again   []Again         `json:"again"`
}

// Again is a task of the probe that was measured a second time after the work: what the machine
// itself changed by meanwhile.
type Again struct {
	What   string  `json:"what"`
	Change float64 `json:"change"` // of its time
}

// Run measures the host, fits a profile on that alone and predicts the work; then it does the work
// and compares. dir holds the files of both and is left as it was.
func Run(ctx context.Context, dir string, threads int, opt probe.Options, version string) (rep *Report, err error) {
	facts := probe.Facts(threads)
	rep = &Report{Host: facts.Name, Threads: threads, Cores: runtime.NumCPU()}
	rep.Load[0], _ = probe.Load()
	tasks, problems := probe.Host(threads, dir)
	defer probe.Close(tasks)
	if rep.Probe, err = probe.Measure(ctx, tasks, opt); err != nil {
		return nil, err
	}
	rep.Refused = problems
	for _, o := range rep.Probe {
		if o.Refused != "" {
			rep.Refused = append(rep.Refused, o.Name+": "+o.Refused)
		}
	}
	rep.Records = probe.Records(facts, rep.Probe, version)
	if rep.Profile, err = fit.Calibrate(rep.Records, fit.Target{Hardware: "this-host", Drive: driveID}); err != nil {
		return rep, err
	}
	prof, err := written(rep.Profile)
	if err != nil {
		return rep, err
	}
	predicted, err := predictAll(prof, rep.Cores)
	if err != nil {
		return rep, fmt.Errorf("the work cannot be predicted: %w", err)
	}
	// The work has not run before this line.
	at, err := work(ctx, dir, threads, rep.Cores, opt)
	if err != nil {
		return rep, err
	}
	rep.Load[1], _ = probe.Load()
	if rep.Again, err = again(ctx, tasks, rep.Probe, opt); err != nil {
		return rep, err
	}
	compose(at, trainRun, map[string]float64{readBatch: steps, learnBatch: steps, saveState: steps / every})
	compose(at, allChunks, map[string]float64{oneChunk: textBytes / chunkBytes})
	for _, name := range []string{readBatch, learnBatch, saveState, trainRun, protect, oneChunk, allChunks, overlapped} {
		o := at[name]
		row := Row{What: name, Predicted: predicted[name], Measured: o.Timing, Refused: o.Refused, Composed: o.Timing.Repeats == 0 && o.Refused == ""}
		if _, ok := predicted[name]; !ok {
			row.Refused = "not predicted: the probe could not measure what it stands on"
		}
		if row.Refused == "" && o.Timing.Sec > 0 {
			row.Error = row.Predicted.Sec/o.Timing.Sec - 1
			row.InInterval = o.Timing.Sec >= row.Predicted.Low && o.Timing.Sec <= row.Predicted.High
		}
		rep.Rows = append(rep.Rows, row)
	}
	return rep, nil
}

// work does all jobs.
func work(ctx context.Context, dir string, threads, cores int, opt probe.Options) (at map[string]probe.Outcome, err error) {
	net, err := newNetwork(dir, threads)
	if err != nil {
		return nil, fmt.Errorf("the training run cannot be prepared: %w", err)
	}
	defer func() { err = errors.Join(err, net.close()) }()
	pipe, err := newChunks(dir)
	if err != nil {
		return nil, fmt.Errorf("the pipeline cannot be prepared: %w", err)
	}
	defer func() { err = errors.Join(err, pipe.close()) }()
	at = map[string]probe.Outcome{}
	for _, j := range jobs(net, pipe, threads, cores) {
		outcomes, err := j.measure(ctx, opt)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", j.name, err)
		}
		for _, o := range outcomes {
			at[o.Name] = o
		}
	}
	return at, nil
}

// again measures the first task of every kind of record a second time.
func again(ctx context.Context, tasks []*probe.Task, first []probe.Outcome, opt probe.Options) ([]Again, error) {
	var some []*probe.Task
	var was []float64
	seen := map[ingest.Kind]bool{}
	for i, o := range first {
		if o.Body != nil && !seen[o.Body.Kind()] {
			seen[o.Body.Kind()] = true
			some, was = append(some, tasks[i]), append(was, o.Timing.Sec)
		}
	}
	opt.BudgetSec /= 10
	outcomes, err := probe.Measure(ctx, some, opt)
	if err != nil {
		return nil, err
	}
	var out []Again
	for i, o := range outcomes {
		if o.Refused == "" {
			out = append(out, Again{o.Name, o.Timing.Sec/was[i] - 1})
		}
	}
	return out, nil
}

// compose puts the sum of the medians of its parts in the place of a whole that the machine never
// left undisturbed for so long.
func compose(at map[string]probe.Outcome, whole string, parts map[string]float64) {
	o := at[whole]
	if o.Refused == "" {
		return
	}
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if at[name].Refused != "" {
			return
		}
		sum += parts[name] * at[name].Timing.Sec
	}
	o.Refused, o.Timing = "", probe.Timing{Sec: sum}
	at[whole] = o
}
