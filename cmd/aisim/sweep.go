package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aisim/planner/parquet"
	"aisim/planner/sweep"
	"aisim/reports"
	"aisim/scenarios"
)

func (p *program) sweep() *cobra.Command {
	cmd := p.group("sweep", "Play a whole space of designs, here or on a cluster", `Sweep plays every point of a scenario's [sweep]. A sweep is a folder: plan makes it,
run plays what has no result yet, submit hands it to Slurm or Kubernetes, status says
how far it is, merge makes the tables. Any number of workers and machines may run at
once and be killed at any moment: nothing is lost or counted twice, and the merged
tables are the same bytes.`,
		`  aisim sweep plan serving-sweep -o sweep
  aisim sweep run sweep
  aisim sweep submit sweep --slurm --dry-run`)
	cmd.AddCommand(p.sweepPlan(), p.sweepRun(), p.sweepSubmit(), p.sweepStatus(), p.sweepMerge())
	return cmd
}

func (p *program) sweepBuild() sweep.Build {
	return sweep.Build{Version: p.build.Version, Revision: p.build.Revision}
}

// sweepFault is what a sweep's errors are to the user.
func sweepFault(err error, dir string) error {
	var f *sweep.FolderError
	var n *sweep.Incomplete
	var i *scenarios.Invalid
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return &fault{exitData, f.What, f.Path, f.Fix}
	case errors.As(err, &n):
		return &fault{exitFailed, n.Error(), dir, "aisim sweep run " + shellLine([]string{dir}) + " plays what is missing"}
	case errors.As(err, &i):
		return i
	}
	return &fault{exitFailed, "the sweep failed: " + err.Error(), dir, ""}
}

func (p *program) sweepPlan() *cobra.Command {
	var in inputs
	var out string
	cmd := &cobra.Command{Use: "plan SCENARIO", Short: "Write the points of a scenario's [sweep] into a new folder",
		Long: `Plan writes a folder with the points, the scenario and everything that it reads, so
that the folder can be moved to where the points are played. Nothing in it is changed
later. Where the same sweep stands already it stays, with its results; anything else
that is there stays too, and is an error.`,
		Example: `  aisim sweep plan serving-sweep -o sweep
  aisim sweep plan my.toml --set sweep.replicas=9 -o sweep`,
		Args: exactly("SCENARIO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage(cmd.CommandPath(), "name a folder that does not exist", "-o is missing")
			}
			sc, err := p.load(args[0], in.sets)
			if err != nil {
				return err
			}
			profiles := map[string][]byte{}
			for _, path := range in.profiles {
				if _, err := readProfile(path); err != nil {
					return err
				}
				if profiles[path], err = os.ReadFile(path); err != nil {
					return &fault{exitData, cause(err), path, ""}
				}
			}
			f, err := sweep.Plan(out, sc, profiles, p.sweepBuild())
			if err != nil {
				return sweepFault(err, out)
			}
			return p.print([]byte(fmt.Sprintf("%s: %d points of %s, %d futures each\n", out, len(f.Points), f.Manifest.Name, f.Manifest.Replicas)))
		}}
	in.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the new folder `DIR`")
	return cmd
}

func (p *program) sweepRun() *cobra.Command {
	var workers, index, chunk int
	cmd := &cobra.Command{Use: "run DIR", Short: "Play the points of a sweep that have no result yet",
		Long: `Run plays all points that have no result, on all CPUs, and merges when the last one is
done. With --index or --chunk it plays one task's share only: points INDEX × CHUNK to
(INDEX + 1) × CHUNK − 1; the index is SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX where
it is not given.`,
		Example: `  aisim sweep run sweep
  aisim sweep run sweep --index 3 --chunk 10 --workers 1`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			task := cmd.Flags().Changed("index") || cmd.Flags().Changed("chunk")
			if cmd.Flags().Changed("chunk") && !cmd.Flags().Changed("index") {
				text := os.Getenv("SLURM_ARRAY_TASK_ID")
				if text == "" {
					text = os.Getenv("JOB_COMPLETION_INDEX")
				}
				var err error
				if index, err = strconv.Atoi(text); err != nil {
					return usage(cmd.CommandPath(), "give --index, or run it as an array task", "--chunk needs an index, and neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is a number")
				}
			}
			if index < 0 || chunk < 1 || workers < 0 {
				return usage(cmd.CommandPath(), "", "--index is 0 or more, --chunk 1 or more, --workers 0 or more")
			}
			opt := sweep.RunOptions{Workers: (&runFlags{workers: workers}).threads()}
			if task {
				opt.First, opt.Last = index*chunk, (index+1)*chunk
			}
			return p.sweepPlay(args[0], opt)
		}}
	cmd.Flags().IntVar(&workers, "workers", 0, "`N` points at once, 0 for all CPUs")
	cmd.Flags().IntVar(&index, "index", 0, "play the share of task `N` only")
	cmd.Flags().IntVar(&chunk, "chunk", 1, "`K` points per task")
	return cmd
}

func (p *program) sweepPlay(dir string, opt sweep.RunOptions) error {
	f, err := sweep.Open(dir)
	if err == nil {
		err = f.Belongs(p.sweepBuild())
	}
	if err != nil {
		return sweepFault(err, dir)
	}
	if opt.First >= len(f.Points) {
		return usage("aisim sweep run", fmt.Sprintf("the sweep has %d points", len(f.Points)), "task begins at point %d", opt.First)
	}
	ctx, done := p.interruptible()
	defer done()
	bar := newProgress(p.stderr)
	opt.Progress = bar.update
	err = f.Run(ctx, opt)
	bar.end()
	if why := interruptOf(ctx); why != nil {
		return &fault{why.code, why.Error() + ": what is done is kept", dir, "run it again for the rest"}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return sweepFault(err, dir)
	}
	if opt.Last > 0 {
		return p.print([]byte(fmt.Sprintf("%s: points %d to %d are done\n", dir, opt.First, min(opt.Last, len(f.Points))-1)))
	}
	return p.merge(f)
}

func (p *program) sweepStatus() *cobra.Command {
	var format string
	cmd := &cobra.Command{Use: "status DIR", Short: "Say how far a sweep is",
		Long:    `Status reads the folder and checks every result in it; nothing is changed.`,
		Example: `  aisim sweep status sweep --format json`,
		Args:    exactly("DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := sweep.Open(args[0])
			if err != nil {
				return sweepFault(err, args[0])
			}
			s, _, err := f.Scan()
			if err != nil {
				return sweepFault(err, args[0])
			}
			if format == "json" {
				return p.print(asJSON(s))
			}
			text := fmt.Sprintf("%s: %d of %d points done, %d of them cannot be built\n", args[0], s.Done, s.Points, s.Refused)
			if len(s.Missing) > 0 {
				text += "missing: " + ranges(s.Missing) + "\n"
			}
			return p.print([]byte(text))
		}}
	addFormat(cmd, &format, "text", "json")
	return cmd
}

// ranges is a rising list of numbers as "0-3, 7".
func ranges(list []int) string {
	var out []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		if j > i {
			out = append(out, fmt.Sprintf("%d-%d", list[i], list[j]))
		} else {
			out = append(out, strconv.Itoa(list[i]))
		}
		if i = j + 1; len(out) == 12 && i < len(list) {
			out = append(out, "…")
			break
		}
	}
	return strings.Join(out, ", ")
}

func (p *program) sweepMerge() *cobra.Command {
	return &cobra.Command{Use: "merge DIR", Short: "Make the tables and the report of a sweep from its results",
		Long: `Merge reads all results in the order of the points and writes merged/: sweep.csv,
sweep.parquet, result.json, report.html and explore.html. The same sweep gives the same
bytes wherever its points were played.`,
		Example: `  aisim sweep merge sweep`,
		Args:    exactly("DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := sweep.Open(args[0])
			if err != nil {
				return sweepFault(err, args[0])
			}
			return p.merge(f)
		}}
}

// merge writes the tables of a finished sweep.
func (p *program) merge(f *sweep.Folder) error {
	s, err := f.Merge()
	if err != nil {
		return sweepFault(err, f.Path)
	}
	cols := sweep.Columns(s)
	table, err := parquet.Encode(cols)
	if err != nil {
		return &fault{exitFailed, err.Error(), f.Path, ""}
	}
	var written reports.Written
	dir, err := f.Publish(func(stage string) (names []string, err error) {
		written, err = reports.WriteSweep(stage, s, asCSV(sweep.Rows(cols)), table)
		return written.Files, err
	})
	if err != nil {
		return &fault{exitFailed, "the tables cannot be written: " + withoutRoom(err), dir, ""}
	}
	p.told(dir, written)
	return p.print([]byte(reports.SweepText(s)))
}
