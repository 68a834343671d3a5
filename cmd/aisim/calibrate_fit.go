package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aisim/calibration/fit"
	"aisim/calibration/ingest"
	"aisim/hardware/profile"
	"aisim/internal/units"
)

// fitFlags are those of `aisim calibrate fit`.
type fitFlags struct {
	target fit.Target
	nic    string
	out    string
	date   string
	format string
}

func (p *program) calibrateFit() *cobra.Command {
	var f fitFlags
	cmd := &cobra.Command{Use: "fit DIR...", Short: "Make a profile of a machine from what was measured on it",
		Long: `Fit reads every file below each DIR as ingest does and fits the constants that the records
speak of: efficiencies of GEMMs and memory, the start of a kernel, idle power, the
copies to the host, the rates and latencies of the chip's own links, drives, and host
operations. Outliers lose their weight, a part of each group is held out and predicted,
and measurements that contradict each other are reported and not used.

The profile states its constants with their uncertainty, the residuals, the error on
what was held out, the inputs by SHA-256, and which measurements would narrow the
interval most. What was not measured keeps the constants that aisim ships. An existing
file is never overwritten. Exit code 5 if no record speaks of a constant.`,
		Example: `  aisim calibrate fit measured/ --hardware nvidia-h100-sxm -o our-h100.cal.toml
  aisim calibrate fit fio/ --hardware nvme4-pm9a3 -o our-drives.cal.toml
  aisim run llama3-405b-16k-h100 --profile our-h100.cal.toml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly("DIR")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.target.Hardware == "" {
				return usage(cmd.CommandPath(), "name the chip or drive: aisim catalog list --kind accelerator", "--hardware is missing")
			}
			if f.out == "" {
				return usage(cmd.CommandPath(), "name the file: -o our-"+f.target.Hardware+".cal.toml", "-o is missing")
			}
			if f.nic != "" {
				rate, err := units.Parse(f.nic, units.BytesPerSec)
				if err != nil {
					return usage(cmd.CommandPath(), `write it as "400 Gb/s"`, "--nic: %v", err)
				}
				f.target.NICBytesPerSec = rate
			}
			if f.date == "" {
				f.date = time.Now().UTC().Format(time.DateOnly)
			} else if _, err := time.Parse(time.DateOnly, f.date); err != nil {
				return usage(cmd.CommandPath(), "write it as 2026-10-01", "--date %q is no day", f.date)
			}
			return p.fit(args, f)
		}}
	cmd.Flags().StringVar(&f.target.Hardware, "hardware", "", "`ID` of the chip or drive in the catalogue, or a name for a machine that probe measured")
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "write the profile to `FILE`, NAME.cal.toml")
	cmd.Flags().StringVar(&f.target.Drive, "drive", "", "`ID` of the drive that storage records were made on")
	cmd.Flags().StringVar(&f.nic, "nic", "", "line `RATE` of the NIC that perftest ran on, \"400 Gb/s\"")
	cmd.Flags().StringVar(&f.date, "date", "", "`DAY` of the measurements, 2026-10-01 (default: today)")
	addFormat(cmd, &f.format, "text", "json")
	return cmd
}

// collector keeps the records of a fit.
type collector struct {
	p        *program
	records  []ingest.Record
	problems int
}

// mostRecords bounds what a fit holds in memory, about 1 GB.
const mostRecords = 2_000_000

func (c *collector) Record(r ingest.Record) error {
	if len(c.records) >= mostRecords {
		return fmt.Errorf("more than %d records: fit a part of them", mostRecords)
	}
	c.records = append(c.records, r)
	return nil
}

func (c *collector) Problem(problem ingest.Problem) {
	c.problems++
	c.p.note("%s", problem)
}

// measurements reads every file below the folders, or a file, in order of their names.
func (p *program) measurements(dirs ...string) ([]ingest.Record, []profile.Input, error) {
	type measured struct{ dir, path string }
	var files []measured
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".cal.toml") {
				files = append(files, measured{dir, path})
			}
			return err
		})
		if err != nil {
			return nil, nil, &fault{exitData, "the measurements cannot be read: " + cause(err), dir, "give a folder with the output of measuring tools"}
		}
	}
	c := &collector{p: p}
	var inputs []profile.Input
	for _, m := range files {
		path := m.path
		before := len(c.records)
		input, known, err := p.measurement(path, c)
		if err != nil {
			return nil, nil, err
		}
		if !known {
			p.note("%s: skipped: not the output of a tool that is known", path)
			continue
		}
		if name, err := filepath.Rel(m.dir, path); err == nil && name != "." {
			if len(dirs) > 1 { // two folders may hold files of one name
				name = filepath.Join(filepath.Base(m.dir), name)
			}
			input.File = filepath.ToSlash(name)
		}
		for i := range c.records[before:] {
			r := &c.records[before+i]
			r.Source.File = strings.Replace(r.Source.File, path, input.File, 1)
		}
		inputs = append(inputs, input)
	}
	if len(inputs) == 0 {
		return nil, nil, &fault{exitData, "no file was recognised", strings.Join(dirs, " "), "docs/calibration.md lists the tools and how to run them"}
	}
	return c.records, inputs, nil
}

func (p *program) measurement(path string, c *collector) (profile.Input, bool, error) {
	in := profile.Input{File: filepath.Base(path)}
	f, err := os.Open(path)
	if err != nil {
		return in, false, &fault{exitData, "a measurement cannot be read: " + cause(err), path, ""}
	}
	defer f.Close()
	sum := sha256.New()
	r, err := ingest.Read(path, io.TeeReader(f, sum), c)
	if err == nil {
		_, err = io.Copy(sum, f) // what no reader asked for belongs to the file too
	}
	if err != nil {
		return in, false, &fault{exitData, "a measurement cannot be read: " + cause(err), path, ""}
	}
	var tools []string
	for _, t := range r.Tools {
		tools = append(tools, strings.TrimSpace(t.Tool+" "+t.Version))
	}
	in.SHA256, in.Tools, in.Records = hex.EncodeToString(sum.Sum(nil)), strings.Join(tools, ", "), r.Records
	return in, r.Recognised, nil
}

func (p *program) fit(dirs []string, f fitFlags) error {
	if _, err := os.Lstat(f.out); err == nil {
		return &fault{exitUsage, "the profile exists and is not overwritten", f.out, "give another name; results point at profiles by their SHA-256"}
	}
	records, inputs, err := p.measurements(dirs...)
	if err != nil {
		return err
	}
	r, err := fit.Calibrate(records, f.target)
	if err != nil {
		fix := "docs/calibration.md says what each constant is fitted on"
		if !errors.Is(err, fit.ErrNothing) {
			fix = "aisim catalog list --kind accelerator, or --kind drive"
		}
		return &fault{exitData, "nothing can be fitted: " + strings.TrimPrefix(err.Error(), "fit: "), strings.Join(dirs, " "), fix}
	}
	prof := r.Profile
	prof.ID = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(f.out), ".toml"), ".cal")
	prof.Date = f.date
	prof.Source = fmt.Sprintf("aisim calibrate fit, %d records of %d files", len(records), len(inputs))
	prof.Fit.Tool = "aisim " + p.build.Version + ", revision " + p.build.Revision
	prof.Fit.Inputs = inputs
	text, err := profile.Encode(prof, r.Eff, r.Links)
	if err != nil {
		return &fault{exitFailed, "the profile cannot be written: " + err.Error(), f.out, "report this with the measurements"}
	}
	head := "# Written by `aisim calibrate fit`. Constants that are not here are those that aisim ships for the hardware.\n"
	if err := create(f.out, append([]byte(head), text...)); err != nil {
		return err
	}
	if _, err := readProfile(f.out); err != nil { // what was written must be read
		return err
	}
	for _, c := range prof.Fit.Contradictions {
		p.note("contradiction: %s", c)
	}
	if f.format == "json" {
		return p.print(asJSON(fitJSON(prof, r, f.out)))
	}
	return p.print(fitText(prof, r, f.out))
}

// create writes a file that must not be there yet.
func create(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return &fault{exitUsage, "the file cannot be made: " + cause(err), path, "existing files are never overwritten; give another name"}
	}
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return &fault{exitFailed, "the file cannot be written: " + cause(err), path, ""}
	}
	return nil
}

func fitText(prof *profile.Profile, r *fit.Result, path string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s for %s, %s, %s\n\n", path, prof.ID, prof.Hardware, prof.Rung, prof.Source)
	rows := [][]string{{"constant", "shipped", "fitted", "sd"}}
	for _, c := range r.Fitted {
		before := "-"
		if c.Before.Known() {
			before = strconv.FormatFloat(c.Before.V, 'g', 4, 64)
		}
		rows = append(rows, []string{c.Key, before, strconv.FormatFloat(c.After.V, 'g', 4, 64), percent(c.After.RelSD)})
	}
	b.Write(asTable(rows))
	b.WriteString("\n")
	b.Write(asTable(residualRows(prof.Fit)))
	for _, c := range prof.Fit.Contradictions {
		fmt.Fprintf(&b, "\ncontradiction: %s", c)
	}
	if len(prof.Fit.Contradictions) > 0 {
		b.WriteString("\n")
	}
	if len(prof.Fit.FarOff) > 0 {
		b.WriteString("\nfar off, counted little: measure again\n")
		for _, w := range prof.Fit.FarOff {
			fmt.Fprintf(&b, "  %s\n", w)
		}
	}
	if len(prof.Fit.Unused) > 0 {
		b.WriteString("\nnot used\n")
		for _, u := range prof.Fit.Unused {
			fmt.Fprintf(&b, "  %d of %s: %s\n", u.Records, u.What, u.Reason)
		}
	}
	if len(prof.Fit.Measure) > 0 {
		b.WriteString("\nwould narrow the interval most, each after those before it\n")
		for _, m := range prof.Fit.Measure {
			fmt.Fprintf(&b, "  %s, %s: %s of the variance\n", m.Group, m.What, percent(m.Shrinks))
		}
	}
	return []byte(b.String())
}

// residualRows are the errors of a profile as a table.
func residualRows(c *profile.Calibration) [][]string {
	rows := [][]string{{"group", "fitted", "median", "p90", "held out", "median", "p90", "bias", "shipped median", "outliers"}}
	for _, x := range c.Residuals {
		held := []string{"0", "-", "-"}
		if x.HeldOut > 0 {
			held = []string{strconv.Itoa(x.HeldOut), percent(x.HeldOutMedian), percent(x.HeldOutP90)}
		}
		fitted := []string{"0", "-", "-"}
		if x.Fitted > 0 {
			fitted = []string{strconv.Itoa(x.Fitted), percent(x.Median), percent(x.P90)}
		}
		rows = append(rows, slices.Concat([]string{x.Group}, fitted, held,
			[]string{percent(x.Bias), percent(x.Before), strconv.Itoa(x.Outliers)}))
	}
	return rows
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }

// fitJSON is the report of a fit; the profile has the same and stays.
func fitJSON(prof *profile.Profile, r *fit.Result, path string) any {
	type constant struct {
		Key     string  `json:"key"`
		Shipped float64 `json:"shipped,omitempty"`
		Fitted  float64 `json:"fitted"`
		RelSD   float64 `json:"relative_sd"`
	}
	type residual struct {
		Group         string  `json:"group"`
		Fitted        int     `json:"fitted"`
		HeldOut       int     `json:"held_out"`
		Median        float64 `json:"median_abs_error"`
		P90           float64 `json:"p90_abs_error"`
		HeldOutMedian float64 `json:"held_out_median_abs_error"`
		HeldOutP90    float64 `json:"held_out_p90_abs_error"`
		Bias          float64 `json:"bias"`
		Shipped       float64 `json:"shipped_median_abs_error"`
		Outliers      int     `json:"outliers"`
	}
	type measure struct {
		Group   string  `json:"group"`
		What    string  `json:"what"`
		Shrinks float64 `json:"variance_share"`
	}
	type unused struct {
		What    string `json:"what"`
		Records int    `json:"records"`
		Reason  string `json:"reason"`
	}
	out := struct {
		Schema         string     `json:"schema"`
		Profile        string     `json:"profile"`
		ID             string     `json:"id"`
		Hardware       string     `json:"hardware"`
		Rung           string     `json:"rung"`
		Constants      []constant `json:"constants"`
		Residuals      []residual `json:"residuals"`
		Contradictions []string   `json:"contradictions"`
		FarOff         []string   `json:"far_off"`
		Unused         []unused   `json:"unused"`
		Measure        []measure  `json:"measure"`
	}{Schema: "aisim.fit/v1", Profile: path, ID: prof.ID, Hardware: prof.Hardware, Rung: prof.Rung, Contradictions: append([]string{}, prof.Fit.Contradictions...), FarOff: append([]string{}, prof.Fit.FarOff...),
		Constants: []constant{}, Residuals: []residual{}, Unused: []unused{}, Measure: []measure{}}
	for _, c := range r.Fitted {
		out.Constants = append(out.Constants, constant{c.Key, c.Before.V, c.After.V, c.After.RelSD})
	}
	for _, x := range prof.Fit.Residuals {
		out.Residuals = append(out.Residuals, residual{x.Group, x.Fitted, x.HeldOut, x.Median, x.P90, x.HeldOutMedian, x.HeldOutP90, x.Bias, x.Before, x.Outliers})
	}
	for _, u := range prof.Fit.Unused {
		out.Unused = append(out.Unused, unused{u.What, u.Records, u.Reason})
	}
	for _, m := range prof.Fit.Measure {
		out.Measure = append(out.Measure, measure{m.Group, m.What, m.Shrinks})
	}
	return out
}
