package main

import (
	"errors"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"aisim/internal/result"
	"aisim/reports"
	"aisim/scenarios"
)

// runFlags are those of `aisim run`.
type runFlags struct {
	inputs
	out      string
	format   string
	seed     uint64
	seeded   bool
	workers  int
	replicas int
}

func (p *program) run() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{Use: "run SCENARIO", Short: "Simulate a scenario and say what limits it and what it costs",
		Long: `Run simulates a scenario and prints the verdict, the key figures, what limits the
workloads and where the money goes. With -o it also writes a folder: report.html for
the decision, explore.html for engineers, figures/ for slides, tables/*.csv,
result.json with everything, and run.json with time, memory and host.

The same scenario, seed and version give the same result on any number of workers.
SIGINT or SIGTERM ends a run early: what is done is written, marked incomplete.`,
		Example: `  aisim run llama3-405b-16k-h100 -o out
  aisim run my-cluster.toml --set cluster.nodes=512 --seed 7
  aisim run llama3-70b-serving --set workload.chat.trace=requests.csv --format json
  aisim run - --replicas 5 < my-cluster.toml`,
		Args: exactly("SCENARIO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.seeded = cmd.Flags().Changed("seed")
			if cmd.Flags().Changed("replicas") && f.replicas < 1 {
				return usage(cmd.CommandPath(), "give 1 or more, or leave it out for the scenario's", "--replicas is %d", f.replicas)
			}
			if f.workers < 0 {
				return usage(cmd.CommandPath(), "give 1 or more, or 0 for all CPUs", "--workers is %d", f.workers)
			}
			if cmd.Flags().Changed("output") && f.out == "" {
				return usage(cmd.CommandPath(), "name a folder", "-o is empty")
			}
			return p.simulate(args[0], f)
		}}
	f.add(cmd)
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "write result, report, figures and tables into the folder `DIR`")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed `N` of all random draws (default: the scenario's)")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "`N` threads, 0 for all CPUs; changes how long it takes, never the result")
	cmd.Flags().IntVar(&f.replicas, "replicas", 0, "`N` futures that intervals are made of (default: the scenario's)")
	addFormat(cmd, &f.format, "text", "json", "csv")
	return cmd
}

// again is the command that gives the same result anywhere: without what only says
// where it goes and how fast.
func (f *runFlags) again(scenario string) []string {
	words := []string{"aisim", "run", scenario}
	for _, s := range f.sets {
		words = append(words, "--set", s)
	}
	for _, s := range f.profiles {
		words = append(words, "--profile", s)
	}
	if f.seeded {
		words = append(words, "--seed", strconv.FormatUint(f.seed, 10))
	}
	if f.replicas > 0 {
		words = append(words, "--replicas", strconv.Itoa(f.replicas))
	}
	return words
}

// simulate is the whole of `aisim run`.
func (p *program) simulate(scenario string, f runFlags) error {
	start := time.Now()
	ctx, done := p.interruptible()
	defer done()
	command := f.again(scenario)
	in := f.inputs
	if f.seeded {
		in.sets = append(in.sets[:len(in.sets):len(in.sets)], "seed="+strconv.FormatUint(f.seed, 10))
	}
	p.scene = shellLine(command)
	w, err := p.world(scenario, in)
	if err != nil {
		return err
	}
	if !f.seeded {
		p.scene += " --seed " + strconv.FormatUint(w.Scenario.Seed, 10)
	}
	var dir *folder
	if f.out != "" {
		if dir, err = claim(f.out); err != nil {
			return err
		}
	}
	run, err := p.play(ctx, w, f)
	stopped := interruptOf(ctx)
	if run == nil {
		dir.release()
		return notPlayed(err, stopped, p.scene)
	}
	if err != nil && stopped == nil {
		dir.release()
		return notPlayed(err, nil, p.scene)
	}
	var kept error
	if dir != nil {
		kept = p.keep(dir.path, run, reports.RunInfo{Command: command, Started: start.UTC().Format(time.RFC3339), Workers: f.threads()}, start)
	}
	out, err := render(run, f.format)
	if err == nil {
		err = p.print(out)
	}
	switch {
	case kept != nil:
		return kept
	case err != nil:
		return err
	case stopped != nil:
		return &fault{stopped.code, stopped.Error() + ": " + run.Stopped, p.scene, "the result is marked incomplete; run it again for the whole"}
	}
	return nil
}

func (f *runFlags) threads() int {
	if f.workers > 0 {
		return f.workers
	}
	return runtime.GOMAXPROCS(0)
}

// notPlayed is the error of a run that gave nothing.
func notPlayed(err error, stopped *interrupted, scene string) error {
	var invalid *scenarios.Invalid
	switch {
	case stopped != nil:
		return &fault{stopped.code, stopped.Error() + " before the first future was played: there is no result", scene, ""}
	case errors.As(err, &invalid): // some draw of the uncertain inputs makes it impossible
		return invalid
	case err == nil:
		err = errors.New("the run gave no result")
	}
	return &fault{exitFailed, "the run failed: " + err.Error(), scene, ""}
}

// render is the result in one of the formats of stdout.
func render(run *result.Run, format string) ([]byte, error) {
	switch format {
	case "json":
		data, err := reports.Encode(run)
		if err != nil {
			return nil, &fault{exitFailed, withoutRoom(err), reports.ResultFile, "a number of the result is not finite; report this with the scenario"}
		}
		return data, nil
	case "csv":
		return reports.CSV(run), nil
	}
	return []byte(reports.Text(run)), nil
}
