package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"aisim/calibration/ingest"
	"aisim/calibration/probe"
	"aisim/internal/units"
)

// probeFlags are those of `aisim calibrate probe`.
type probeFlags struct {
	out, disk, format string
	rounds, threads   int
	spread, budget    float64
	tools             bool
}

func (p *program) calibrateProbe() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{Use: "probe", Short: "Measure this machine",
		Long: `Probe measures the machine that it runs on: GEMMs (gonum, fp64 and fp32), memory, AES-GCM,
SHA-256, zstd, a loopback connection and a disk, and runs nvbandwidth, the nccl-tests,
ib_write_bw, rocm-bandwidth-test and fio where they are on PATH. All tasks take turns, the
first repetitions are discarded, and what scatters is refused and not averaged.

The folder DIR then holds what aisim calibrate fit reads. Exit code 5 if nothing could be
measured.`,
		Example: `  aisim calibrate probe -o measured
  aisim calibrate fit measured --hardware this-host --drive this-disk -o this-host.cal.toml`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.rounds < 3:
				return usage(cmd.CommandPath(), "give 3 or more", "--rounds is %d", f.rounds)
			case f.threads < 1 || f.threads > runtime.NumCPU():
				return usage(cmd.CommandPath(), "give 1 to "+strconv.Itoa(runtime.NumCPU()), "--threads is %d", f.threads)
			case !(f.spread > 0 && f.spread <= 1):
				return usage(cmd.CommandPath(), "give 0.05 to 0.3", "--max-spread is %g", f.spread)
			}
			return p.probe(f)
		}}
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "write the records into the folder `DIR`")
	cmd.Flags().StringVar(&f.disk, "disk", ".", "measure the disk of the folder `DIR` with a file that is removed afterwards; \"\" for no disk")
	cmd.Flags().IntVar(&f.rounds, "rounds", 9, "`N` repetitions that count")
	cmd.Flags().Float64Var(&f.budget, "budget", 90, "`SECONDS` for repetitions that scatter or are interrupted")
	cmd.Flags().IntVar(&f.threads, "threads", runtime.NumCPU(), "`N` threads of GEMMs and memory")
	cmd.Flags().Float64Var(&f.spread, "max-spread", 0.15, "refuse what scatters by more than this `SHARE` of its median")
	cmd.Flags().BoolVar(&f.tools, "tools", true, "run measuring tools that are on PATH")
	addFormat(cmd, &f.format, "text", "json")
	return cmd
}

// stopwatch is the clock of measurements: seconds since it was made, monotonic.
func stopwatch() func() float64 {
	start := time.Now()
	return func() float64 { return time.Since(start).Seconds() }
}

// ingestFile is the JSON of records.
type ingestFile struct {
	Schema   string           `json:"schema"`
	Version  string           `json:"version"`
	Records  []ingest.Record  `json:"records"`
	Problems []ingest.Problem `json:"problems"`
}

func (p *program) probe(f probeFlags) error {
	ctx, done := p.interruptible()
	defer done()
	if f.out != "" {
		if err := os.MkdirAll(f.out, 0o755); err != nil {
			return &fault{exitUsage, "the folder cannot be made: " + cause(err), f.out, "name another"}
		}
		if _, err := os.Lstat(filepath.Join(f.out, "probe.json")); err == nil {
			return &fault{exitUsage, "the folder holds a probe, which is not overwritten", f.out, "name another"}
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(f.threads)) // BLAS takes as many as the process has
	tasks, problems := probe.Host(f.threads, f.disk)
	defer probe.Close(tasks)
	bar := newProgress(p.stderr)
	outcomes, err := probe.Measure(ctx, tasks, probe.Options{Clock: stopwatch(), Interrupts: probe.Interrupts, Rounds: f.rounds, BudgetSec: f.budget, MaxSpread: f.spread, Progress: bar.update})
	bar.end()
	if err != nil {
		if stopped := interruptOf(ctx); stopped != nil {
			return &fault{stopped.code, stopped.Error() + ": nothing was kept", "aisim calibrate probe", ""}
		}
		return &fault{exitFailed, "the probe failed: " + err.Error(), "aisim calibrate probe", ""}
	}
	file := ingestFile{Schema: ingest.Schema, Version: p.build.Version, Records: probe.Records(probe.Facts(f.threads), outcomes, p.build.Version), Problems: []ingest.Problem{}}
	measured := len(file.Records) - 1
	for _, w := range problems {
		file.Problems = append(file.Problems, ingest.Problem{File: "probe", Tool: probe.ToolName, What: w})
	}
	for _, o := range outcomes {
		if o.Refused != "" {
			file.Problems = append(file.Problems, ingest.Problem{File: "probe", Tool: probe.ToolName, What: o.Name + " is refused: " + o.Refused})
		}
	}
	for _, w := range file.Problems {
		p.note("%s", w.What)
	}
	if f.out != "" {
		data, err := json.MarshalIndent(file, "", " ")
		if err != nil {
			return &fault{exitFailed, "the records cannot be written: " + err.Error(), f.out, ""}
		}
		if err := create(filepath.Join(f.out, "probe.json"), append(data, '\n')); err != nil {
			return err
		}
	}
	var tools []ingest.Record
	if f.tools {
		tools = p.runTools(ctx, f)
	}
	if f.format == "json" {
		file.Records = append(file.Records, tools...)
		err = p.print(asJSON(file))
	} else {
		err = p.print(probeText(outcomes, tools))
	}
	if err != nil {
		return err
	}
	if measured+len(tools) == 0 {
		return &fault{exitData, "nothing could be measured", "aisim calibrate probe", "the lines above say why; a quiet machine scatters less"}
	}
	return nil
}

// runTools runs the tools that are installed, keeps what they printed and reads it.
func (p *program) runTools(ctx context.Context, f probeFlags) []ingest.Record {
	const fioSeconds = 10
	c := &collector{p: p}
	for _, t := range probe.Tools(probe.GPUs(ctx), f.disk, fioSeconds) {
		if t.Installed() == "" || t.Name == "fio" && f.disk == "" {
			continue
		}
		p.note("running %s", t.Installed())
		out, err := t.Measure(ctx)
		if err != nil {
			p.note("%v", err)
			continue
		}
		if f.out != "" {
			if err := create(filepath.Join(f.out, t.Output), out); err != nil {
				p.note("%v", err)
			}
		}
		if _, err := ingest.Read(t.Output, bytes.NewReader(out), c); err != nil {
			p.note("%s: %v", t.Name, err)
		}
	}
	return c.records
}

func probeText(outcomes []probe.Outcome, tools []ingest.Record) []byte {
	rows := [][]string{{"measured", "median", "spread", "repetitions", ""}}
	for _, o := range outcomes {
		row := []string{o.Name, "-", "-", strconv.Itoa(o.Timing.Repeats), ""}
		switch {
		case o.Refused != "":
			row[4] = "refused"
		default:
			row[1], row[2], row[4] = units.Format(o.Timing.Sec, units.Time), percent(o.Timing.Spread), rateOf(o.Body)
		}
		rows = append(rows, row)
	}
	out := asTable(rows)
	for _, r := range tools {
		out = append(out, (r.Text() + "\n")...)
	}
	return out
}

// rateOf is what a record says of speed.
func rateOf(b ingest.Body) string {
	switch x := b.(type) {
	case *ingest.Kernel:
		if x.FlopPerSec.Known {
			return units.Format(x.FlopPerSec.V, units.FlopsPerSec)
		}
		return units.Format(x.BytesPerSec.V, units.BytesPerSec)
	case *ingest.Memory:
		return units.Format(x.BytesPerSec.V, units.BytesPerSec)
	case *ingest.Link:
		return units.Format(x.BytesPerSec.V, units.BytesPerSec)
	case *ingest.Storage:
		if x.BlockBytes.V < 64<<10 {
			return fmt.Sprintf("%.4g/s", x.OpsPerSec.V)
		}
		return units.Format(x.BytesPerSec.V, units.BytesPerSec)
	}
	return ""
}
