package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"aisim/calibration/fit"
	"aisim/internal/units"
)

func (p *program) calibrateCheck() *cobra.Command {
	var format, nic string
	var days float64
	var target fit.Target
	cmd := &cobra.Command{Use: "check PROFILE [NEW]", Short: "Say whether a profile still describes its machine",
		Long: `Check reads a profile and looks at its age, at how well it met what was held out, and
at how far its constants lie from those that aisim ships. NEW is a file or folder of new
measurements: they are predicted with the profile, and a group whose median error lies
outside of the profile's own uncertainty has drifted. Exit code 5 if the profile is
rejected.`,
		Example: `  aisim calibrate check our-h100.cal.toml
  aisim calibrate check our-h100.cal.toml this-week/`,
		Args: exactly("PROFILE", "[NEW]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(days > 0) {
				return usage(cmd.CommandPath(), "give days, 365", "--max-age is %g", days)
			}
			if nic != "" {
				rate, err := units.Parse(nic, units.BytesPerSec)
				if err != nil {
					return usage(cmd.CommandPath(), `write it as "400 Gb/s"`, "--nic: %v", err)
				}
				target.NICBytesPerSec = rate
			}
			return p.checkProfile(args, days, target, format)
		}}
	cmd.Flags().Float64Var(&days, "max-age", 365, "reject a profile older than `DAYS`")
	cmd.Flags().StringVar(&target.Drive, "drive", "", "`ID` of the drive that new storage records were made on")
	cmd.Flags().StringVar(&nic, "nic", "", "line `RATE` of the NIC that new perftest records were made on, \"400 Gb/s\"")
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func (p *program) checkProfile(args []string, days float64, target fit.Target, format string) error {
	prof, err := readProfile(args[0])
	if err != nil {
		return err
	}
	day, err := time.Parse(time.DateOnly, prof.Date)
	if err != nil {
		return &fault{exitData, fmt.Sprintf("the profile's date %q is no day", prof.Date), args[0], "write it as 2026-10-01"}
	}
	age := time.Now().UTC().Sub(day).Hours() / 24
	findings := fit.Inspect(prof, float64(int(age)), days)
	if len(args) > 1 {
		records, _, err := p.measurements(args[1])
		if err != nil {
			return err
		}
		drift, err := fit.Drift(prof, records, target)
		if err != nil {
			return &fault{exitData, "the new measurements cannot be compared: " + err.Error(), args[1], "docs/calibration.md says what each constant is fitted on"}
		}
		findings = append(findings, drift...)
	}
	rejected := 0
	for _, f := range findings {
		if f.Rejected {
			rejected++
		}
	}
	if format == "json" {
		err = p.print(asJSON(struct {
			Schema   string        `json:"schema"`
			Profile  string        `json:"profile"`
			ID       string        `json:"id"`
			SHA256   string        `json:"sha256"`
			Rejected bool          `json:"rejected"`
			Findings []fit.Finding `json:"findings"`
		}{"aisim.check/v1", args[0], prof.ID, prof.SHA256(), rejected > 0, findings}))
	} else {
		rows := [][]string{{"what", "found", "allowed", ""}}
		for _, f := range findings {
			rows = append(rows, []string{f.What, f.Found, f.Allowed, map[bool]string{true: "REJECTED"}[f.Rejected]})
		}
		err = p.print(asTable(rows))
	}
	if err != nil {
		return err
	}
	if rejected > 0 {
		return &fault{exitData, fmt.Sprintf("the profile is rejected on %d of %d points", rejected, len(findings)), args[0], "measure again: aisim calibrate fit DIR --hardware " + prof.Hardware + " -o NEW.cal.toml"}
	}
	return nil
}
