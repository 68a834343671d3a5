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
		Long: `Closed-loop measures this machine as probe does, fits a profile on that alone, predicts
work that the probe did not do, and prints predictions beside what the work took: a
training run of a small network with gonum that reads batches from disk and writes
checkpoints, and a pipeline that reads a text, compresses it, encrypts it and sends it over
a loopback connection.

Probe and work take turns, and repetitions that another process interrupts do not count:
both see the same machine, and both see it as if they were alone on it. A whole that the
machine never leaves undisturbed for so long is put together from its parts, and marked.`,
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
		for _, r := range rep.Refused {
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
	fmt.Fprintf(&b, "%s, %d threads. The profile is fitted on the probe alone:\n\n", rep.Host, rep.Threads)
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
	fmt.Fprintf(&b, "\nlargest error %.1f %%; probe and work took turns, interrupted repetitions do not count\n", 100*worst)
	return []byte(b.String())
}
