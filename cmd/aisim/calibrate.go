package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"

	"github.com/spf13/cobra"

	"aisim/calibration/ingest"
)

func (p *program) calibrate() *cobra.Command {
	cmd := p.group("calibrate", "Make predictions stand on measurements of real machines", `Calibrate reads what the usual tools measure on real machines, and makes profiles of
them that aisim run takes with --profile.`, `  aisim calibrate ingest all_reduce.txt fio.json
  aisim calibrate fit measured/ --hardware nvidia-h100-sxm -o our-h100.cal.toml
  aisim calibrate check our-h100.cal.toml`)
	cmd.AddCommand(p.calibrateIngest(), p.calibrateFit(), p.calibrateCheck(), p.calibrateProbe(), p.calibrateLoop(), p.calibrateSample())
	return cmd
}

func (p *program) calibrateIngest() *cobra.Command {
	var format string
	cmd := &cobra.Command{Use: "ingest FILE...", Short: "Print what measuring tools wrote as typed records",
		Long: `Ingest tells the tool from the content of each file and prints typed records in SI
units with tool, version, file and line. It reads the output of nccl-tests, rccl-tests,
nvbandwidth, perftest, nvidia-smi, dcgm-exporter, rocm-smi, fio, rados bench, elbencho,
MLPerf, STREAM, gpu-burn, Kineto, Chakra, vLLM, AIPerf, guidellm, Slurm and the
InfiniBand tools, and more; plain, in tar archives, or compressed with gzip or Zstandard.
A FILE - is standard input.

What cannot be read, and measurements that contradict each other, are reported with file
and line. Files of unknown tools are named and skipped; exit code 5 if none is known.`,
		Example: `  aisim calibrate ingest all_reduce.txt nvidia-smi.csv
  aisim calibrate ingest --format json results/* > records.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd.CommandPath(), cmd.CommandPath()+" --help says what it takes", "FILE is missing")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return p.ingest(args, format) }}
	addFormat(cmd, &format, "text", "json")
	return cmd
}

// ingestPrinter writes records as they come, so that memory does not grow with them. A second
// goroutine formats and writes, in their order.
type ingestPrinter struct {
	p        *program
	w        *bufio.Writer
	json     bool
	problems []ingest.Problem
	more     int // problems that are not kept for the JSON

	batch   []ingest.Record
	to      chan []ingest.Record
	back    chan []ingest.Record // emptied ones, to be filled again
	done    chan struct{}
	failed  atomic.Pointer[error]
	written bool
}

const (
	maxIngestProblems = 10000
	recordsAtOnce     = 256
)

func newIngestPrinter(p *program, w io.Writer, asJSON bool) *ingestPrinter {
	i := &ingestPrinter{p: p, w: bufio.NewWriterSize(w, 4096), json: asJSON, to: make(chan []ingest.Record, 4), back: make(chan []ingest.Record, 8), done: make(chan struct{})}
	go i.write()
	return i
}

// write formats the batches until the last one.
func (i *ingestPrinter) write() {
	defer close(i.done)
	line := make([]byte, 0, 1<<16)
	for batch := range i.to {
		line = line[:0]
		for _, r := range batch {
			switch {
			case !i.json:
				line = append(r.AppendText(line), '\n')
			case i.written:
				line = r.AppendJSON(append(line, ",\n  "...))
			default:
				line = r.AppendJSON(append(line, "\n  "...))
			}
			i.written = true
		}
		if _, err := i.w.Write(line); err != nil { // longer than its buffer: nothing is copied
			i.failed.CompareAndSwap(nil, &err)
		}
		clear(batch)
		select {
		case i.back <- batch[:0]:
		default:
		}
	}
}

// close waits until all is written.
func (i *ingestPrinter) close() {
	i.to <- i.batch
	close(i.to)
	<-i.done
}

func (i *ingestPrinter) Record(r ingest.Record) error {
	if i.batch = append(i.batch, r); len(i.batch) < recordsAtOnce {
		return nil
	}
	i.to <- i.batch
	select {
	case i.batch = <-i.back:
	default:
		i.batch = make([]ingest.Record, 0, recordsAtOnce)
	}
	if err := i.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (i *ingestPrinter) Problem(problem ingest.Problem) {
	i.p.note("%s", problem)
	if len(i.problems) < maxIngestProblems {
		i.problems = append(i.problems, problem)
	} else {
		i.more++
	}
}

// ingest reads the files one after the other.
func (p *program) ingest(files []string, format string) error {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // records live for a moment: most of the heap is of the past
	out := newIngestPrinter(p, p.stdout, format == "json")
	sink := ingest.NewContradictions(out)
	if out.json {
		fmt.Fprintf(out.w, "{\n \"schema\": %q,\n \"version\": %q,\n \"records\": [", ingest.Schema, p.build.Version)
	}
	known := 0
	reports := make([]ingest.Report, 0, len(files))
	for _, name := range files {
		var r ingest.Report
		var err error
		if name == "-" {
			r, err = ingest.Read("standard input", io.Reader(p.stdin), sink)
		} else {
			r, err = ingest.File(name, sink)
		}
		if err != nil {
			r.File = name
			p.note("%s: cannot be read: %s", name, cause(err))
		} else if !r.Recognised {
			p.note("%s: skipped: not the output of a tool that is known", name)
		}
		if r.Recognised {
			known++
		}
		reports = append(reports, r)
	}
	out.close()
	if out.json {
		files, _ := json.MarshalIndent(reports, " ", " ")
		problems, _ := json.MarshalIndent(append([]ingest.Problem{}, out.problems...), " ", " ")
		fmt.Fprintf(out.w, "\n ],\n \"files\": %s,\n \"problems\": %s,\n \"problems_not_listed\": %d\n}\n", files, problems, out.more)
	} else {
		for _, r := range reports {
			for _, t := range r.Tools {
				if t.Version != "" {
					t.Version = " " + t.Version
				}
				fmt.Fprintf(out.w, "%s: %s%s, %d records\n", r.File, t.Tool, t.Version, t.Records)
			}
		}
	}
	if err := out.w.Flush(); err != nil {
		return &fault{exitFailed, "the result cannot be written: " + err.Error(), "standard output", ""}
	}
	if sink.Full {
		p.note("too many different measurements: not all were compared for contradictions")
	}
	if known == 0 {
		return &fault{exitData, "no file was recognised", "aisim calibrate ingest", "docs/calibration.md lists the tools and how to run them"}
	}
	return nil
}
