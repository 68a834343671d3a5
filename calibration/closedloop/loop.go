package closedloop

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	Profile *fit.Result     `json:"-"`
	Rows    []Row           `json:"rows"`
	Probe   []probe.Outcome `json:"-"`
	Records []ingest.Record `json:"-"`
	Refused []string        `json:"refused"` // of the probe
}

// Run measures the host and the work in turns, fits a profile on the probe alone, predicts the
// work with it and compares. dir holds the files of both and is left as it was.
func Run(ctx context.Context, dir string, threads int, opt probe.Options, version string) (rep *Report, err error) {
	tasks, problems := probe.Host(threads, dir)
	defer probe.Close(tasks)
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
	if err := net.read(); err != nil {
		return nil, err
	}
	probes := len(tasks)
	work := []*probe.Task{
		{Name: readBatch, Single: true, Run: net.read},
		{Name: learnBatch, Run: func() error { net.decode(); net.learn(); return nil }},
		{Name: saveState, Single: true, Run: net.checkpoint},
		{Name: trainRun, Run: func() error { return trainAll(net) }},
		{Name: protect, Run: pipe.inMemory()},
		{Name: oneChunk, Single: true, Run: pipe.pass},
		{Name: allChunks, Run: func() error {
			for range textBytes / chunkBytes {
				if err := pipe.pass(); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	outcomes, err := probe.Measure(ctx, append(tasks[:probes:probes], work...), opt)
	if err != nil {
		return nil, err
	}
	facts := probe.Facts(threads)
	rep = &Report{Host: facts.Name, Threads: threads, Probe: outcomes[:probes], Refused: problems}
	for _, o := range rep.Probe {
		if o.Refused != "" {
			rep.Refused = append(rep.Refused, o.Name+": "+o.Refused)
		}
	}
	rep.Records = probe.Records(facts, rep.Probe, version)
	// From here on only the probe is known.
	if rep.Profile, err = fit.Calibrate(rep.Records, fit.Target{Hardware: "this-host", Drive: driveID}); err != nil {
		return rep, err
	}
	prof, err := written(rep.Profile)
	if err != nil {
		return rep, err
	}
	predicted, err := predictAll(prof)
	if err != nil {
		return rep, fmt.Errorf("the work cannot be predicted: %w", err)
	}
	at := map[string]probe.Outcome{}
	for _, o := range outcomes[probes:] {
		at[o.Name] = o
	}
	compose(at, trainRun, map[string]float64{readBatch: steps, learnBatch: steps, saveState: steps / every})
	compose(at, allChunks, map[string]float64{oneChunk: textBytes / chunkBytes})
	for _, w := range work {
		o := at[w.Name]
		row := Row{What: w.Name, Predicted: predicted[w.Name], Measured: o.Timing, Refused: o.Refused, Composed: o.Timing.Repeats == 0 && o.Refused == ""}
		if _, ok := predicted[w.Name]; !ok {
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

func trainAll(n *network) error {
	for s := range steps {
		if err := n.read(); err != nil {
			return err
		}
		n.decode()
		n.learn()
		if (s+1)%every == 0 {
			if err := n.checkpoint(); err != nil {
				return err
			}
		}
	}
	return nil
}
