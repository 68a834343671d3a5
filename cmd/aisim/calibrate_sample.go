package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aisim/calibration/ingest"
	"aisim/calibration/sample"
	"aisim/internal/units"
)

// sampleFlags are those of `aisim calibrate sample`.
type sampleFlags struct {
	span, every     time.Duration
	sampler, replay string
	out, format     string
}

func (p *program) calibrateSample() *cobra.Command {
	var f sampleFlags
	cmd := &cobra.Command{Use: "sample", Short: "Watch the GPUs of this machine while a job runs",
		Long: `Sample records clocks, power, energy, utilisation, memory, PCIe and NVLink traffic and the
reasons for lower clocks of every GPU while your own job runs, and sums them up. It asks
nvidia-smi; builds with the tag nvml (and cgo) can ask NVML itself with --sampler nvml.
--replay sums up a recorded file of any tool that ingest knows.

With -o the records are kept for aisim calibrate fit: a minute of an idle machine gives its
idle power. Exit code 5 without a driver.`,
		Example: `  aisim calibrate sample --for 60s -o idle.json
  aisim calibrate sample --for 10m --every 100ms -o training.json
  aisim calibrate sample --replay nvidia-smi.csv`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.span <= 0:
				return usage(cmd.CommandPath(), "write it as 60s or 10m", "--for is %s", f.span)
			case f.every < time.Millisecond || f.every > f.span:
				return usage(cmd.CommandPath(), "give 1ms to the time of --for", "--every is %s", f.every)
			case f.sampler != "nvidia-smi" && f.sampler != "nvml":
				return usage(cmd.CommandPath(), "use nvidia-smi or nvml", "no sampler is called %q", f.sampler)
			}
			return p.sample(f)
		}}
	cmd.Flags().DurationVar(&f.span, "for", time.Minute, "sample for this `TIME`")
	cmd.Flags().DurationVar(&f.every, "every", 500*time.Millisecond, "one sample of each GPU per `TIME`")
	cmd.Flags().StringVar(&f.sampler, "sampler", "nvidia-smi", "`NAME` of the sampler: nvidia-smi, nvml")
	cmd.Flags().StringVar(&f.replay, "replay", "", "sum up a recorded `FILE` instead")
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "write the records to `FILE`")
	addFormat(cmd, &f.format, "text", "json")
	return cmd
}

// source is the sampler that the flags ask for.
func (f *sampleFlags) source() (sample.Sampler, error) {
	switch {
	case f.replay != "":
		return sample.Replay{File: f.replay, Open: func() (io.ReadCloser, error) { return os.Open(f.replay) }}, nil
	case f.sampler == "nvml":
		return sample.NVML(f.every, time.Now)
	}
	return sample.SMI{Every: f.every}, nil
}

// recordFile writes records as they come.
type recordFile struct {
	p *program
	w *bufio.Writer // nil: they are not kept
	n int
}

func (r *recordFile) Record(rec ingest.Record) error {
	if r.w == nil {
		return nil
	}
	line, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	sep := ",\n  "
	if r.n++; r.n == 1 {
		sep = "\n  "
	}
	_, _ = r.w.WriteString(sep)
	_, err = r.w.Write(line)
	return err
}

func (r *recordFile) Problem(problem ingest.Problem) { r.p.note("%s", problem) }

func (p *program) sample(f sampleFlags) error {
	ctx, done := p.interruptible()
	defer done()
	s, err := f.source()
	if err != nil {
		return &fault{exitData, err.Error(), "aisim calibrate sample", "--sampler nvidia-smi needs no library; --replay FILE needs no driver"}
	}
	out := &recordFile{p: p}
	if f.out != "" {
		file, err := os.OpenFile(f.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return &fault{exitUsage, "the file cannot be made: " + cause(err), f.out, "existing files are never overwritten; give another name"}
		}
		defer file.Close()
		out.w = bufio.NewWriter(file)
		fmt.Fprintf(out.w, "{\n \"schema\": %q,\n \"version\": %q,\n \"records\": [", ingest.Schema, p.build.Version)
	}
	timed, stop := context.WithTimeout(ctx, f.span)
	defer stop()
	watch := sample.NewWatch(out)
	err = s.Run(timed, watch)
	if out.w != nil {
		out.w.WriteString("\n ]\n}\n")
		if e := out.w.Flush(); e != nil && err == nil {
			return &fault{exitFailed, "the records cannot be written: " + e.Error(), f.out, ""}
		}
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		if out.n == 0 && f.out != "" {
			os.Remove(f.out) // nothing was sampled
		}
		if stopped := interruptOf(ctx); stopped != nil {
			return &fault{stopped.code, stopped.Error(), "aisim calibrate sample", ""}
		}
		fix := "run it on a machine with an NVIDIA driver, or sum up a recorded file with --replay"
		if f.replay != "" {
			fix = "docs/calibration.md lists what is read"
		}
		return &fault{exitData, err.Error(), "aisim calibrate sample", fix}
	}
	sum := watch.Summaries()
	if f.format == "json" {
		return p.print(asJSON(struct {
			Schema  string           `json:"schema"`
			Version string           `json:"version"`
			Sampler string           `json:"sampler"`
			Devices []sample.Summary `json:"devices"`
		}{"aisim.sample/v1", p.build.Version, s.Name(), sum}))
	}
	return p.print(sampleText(s.Name(), sum))
}

func sampleText(name string, sum []sample.Summary) []byte {
	show := func(n ingest.Num, d units.Dimension) string {
		if !n.Known {
			return "-"
		}
		return units.Format(n.V, d)
	}
	clock := func(n ingest.Num) string {
		if !n.Known {
			return "-"
		}
		return strconv.FormatFloat(n.V/1e6, 'f', 0, 64) + " MHz"
	}
	rows := [][]string{{"device", "name", "samples", "span", "power", "most", "limit", "energy", "clock", "least", "can", "busy", "memory", "PCIe rx", "tx", "NVLink", "below its clocks"}}
	for _, s := range sum {
		var why []string
		for _, reason := range slices.Sorted(maps.Keys(s.Throttled)) {
			why = append(why, fmt.Sprintf("%s %.0f %%", reason, 100*s.Throttled[reason]))
		}
		busy := "-"
		if s.Busy.Known {
			busy = fmt.Sprintf("%.0f %%", 100*s.Busy.V)
		}
		index := "-"
		if s.Index.Known {
			index = strconv.FormatFloat(s.Index.V, 'f', 0, 64)
		}
		rows = append(rows, []string{index, s.Name, strconv.Itoa(s.Samples), show(s.Sec, units.Time), show(s.Watts, units.Power), show(s.MaxWatts, units.Power), show(s.LimitWatts, units.Power),
			show(s.Joules, units.Energy), clock(s.SMClockHz), clock(s.MinClockHz), clock(s.MaxClockHz), busy, show(s.MemUsedBytes, units.Bytes),
			show(s.PCIeRx, units.BytesPerSec), show(s.PCIeTx, units.BytesPerSec), show(s.NVLink, units.BytesPerSec), strings.Join(why, ", ")})
	}
	return append([]byte("sampled by "+name+"\n"), asTable(rows)...)
}
