package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aisim/calibration/closedloop"
	"aisim/calibration/probe"
	"aisim/internal/units"
)

func (p *program) calibrateLoop() *cobra.Command {
	var dir, format string
	var threads, rounds int
	var budget float64
	cmd := &cobra.Command{Use: "closed-loop", Short: "Probe this machine, predict real work on it, and do the work",
		Long: `Closed-loop measures this machine as probe does, fits a profile on that alone and predicts
work that has not run yet. Then it does the work and prints both: a training run of a small
network with gonum that reads batches from disk and writes checkpoints, and a pipeline that
reads a text, compresses it, encrypts it and sends it over a loopback connection, with one
thread and with one for each stage.

Repetitions that another process interrupts do not count. A whole that the machine never
leaves undisturbed for so long is put together from its parts, and marked. After the work
some tasks of the probe run once more: what the machine itself changed by is printed too.`,
		Example: `  aisim calibrate closed-loop
  aisim calibrate closed-loop --threads 1 --format json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rounds < 3 {
				return usage(cmd.CommandPath(), "give 3 or more", "--rounds is %d", rounds)
			}
			if threads < 1 || threads > runtime.NumCPU() {
				return usage(cmd.CommandPath(), "give 1 to "+strconv.Itoa(runtime.NumCPU()), "--threads is %d", threads)
			}
			return p.closedLoop(dir, threads, probe.Options{Clock: stopwatch(), Interrupts: probe.Interrupts, Rounds: rounds, BudgetSec: budget}, format)
		}}
	cmd.Flags().StringVar(&dir, "disk", ".", "read and write in the folder `DIR`; what is written is removed afterwards")
	cmd.Flags().IntVar(&threads, "threads", max(1, runtime.NumCPU()/2), "`N` threads of the work and of the probe")
	cmd.Flags().IntVar(&rounds, "rounds", 15, "`N` repetitions that count")
	cmd.Flags().Float64Var(&budget, "budget", 120, "`SECONDS` for repetitions that scatter or are interrupted")
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func (p *program) closedLoop(dir string, threads int, opt probe.Options, format string) error {
	ctx, done := p.interruptible()
	defer done()
	tmp, err := os.MkdirTemp(dir, "aisim-loop-")
	if err != nil {
		return &fault{exitUsage, "no folder can be made: " + cause(err), dir, "name a folder that can be written with --disk"}
	}
	defer os.RemoveAll(tmp)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	rep, err := closedloop.Run(ctx, tmp, threads, opt, p.build.Version)
	if rep != nil {
		const most = 5
		for i, r := range rep.Refused {
			if i == most {
				p.note("not measured: %d more; --format json names them", len(rep.Refused)-most)
				break
			}
			p.note("not measured: %s", r)
		}
	}
	if err != nil {
		if stopped := interruptOf(ctx); stopped != nil {
			return &fault{stopped.code, stopped.Error() + ": nothing was kept", "aisim calibrate closed-loop", ""}
		}
		return &fault{exitData, err.Error(), "aisim calibrate closed-loop", "a quiet machine, or a larger --budget, leaves more undisturbed repetitions"}
	}
	if format == "json" {
		return p.print(asJSON(struct {
			Schema string `json:"schema"`
			*closedloop.Report
		}{"aisim.closed-loop/v1", rep}))
	}
	return p.print(loopText(rep))
}

func loopText(rep *closedloop.Report) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d of %d processors; threads that wanted one in the minute before: %.1f. The profile is fitted on the probe alone:\n\n", rep.Host, rep.Threads, rep.Cores, rep.Load[0])
	b.Write(asTable(residualRows(rep.Profile.Profile.Fit)))
	b.WriteString("\n")
	rows := [][]string{{"work", "predicted", "90 % interval", "measured", "spread", "repetitions", "error", ""}}
	worst := 0.0
	for _, r := range rep.Rows {
		row := []string{r.What, units.Format(r.Predicted.Sec, units.Time), units.Format(r.Predicted.Low, units.Time) + " to " + units.Format(r.Predicted.High, units.Time),
			"-", "-", fmt.Sprintf("%d of %d", r.Measured.Repeats, r.Measured.Tried), "-", ""}
		switch {
		case r.Predicted.Sec == 0:
			row[1], row[2], row[7] = "-", "-", r.Refused
		case r.Refused != "":
			row[7] = r.Refused
		default:
			worst = math.Max(worst, math.Abs(r.Error))
			row[3], row[4], row[6] = units.Format(r.Measured.Sec, units.Time), percent(r.Measured.Spread), fmt.Sprintf("%+.1f %%", 100*r.Error)
			if r.Composed {
				row[4], row[5], row[7] = "-", "-", "of its parts' medians: interrupted whenever it ran whole"
			}
		}
		rows = append(rows, row)
	}
	b.Write(asTable(rows))
	fmt.Fprintf(&b, "\nlargest error %.1f %%; predicted before the work ran; interrupted repetitions do not count\n", 100*worst)
	var moved []string
	for _, a := range rep.Again {
		moved = append(moved, fmt.Sprintf("%s %+.1f %%", a.What, 100*a.Change))
	}
	if len(moved) > 0 {
		fmt.Fprintf(&b, "the machine itself, measured again after the work: %s of the time; threads that wanted a processor: %.1f\n", strings.Join(moved, ", "), rep.Load[1])
	}
	return []byte(b.String())
}
