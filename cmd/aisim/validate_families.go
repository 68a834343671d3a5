package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"aisim/calibration/validate"
)

func (p *program) validateFamilies() *cobra.Command {
	var format string
	cmd := &cobra.Command{Use: "families CASES.csv...", Short: "Predict families of training steps without them",
		Long: `Families fits the constants of training frameworks anew without one family of rows at a
time, on all others of the tables, and predicts that family: what a user of a machine
or a framework that nobody measured gets. It takes a minute.`,
		Example: "  aisim validate families training.csv nanotron-h100-sweep.csv",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			tables := make([]io.Reader, len(args))
			for i, path := range args {
				f, err := os.Open(path)
				if err != nil {
					return &fault{exitData, "the table cannot be read: " + cause(err), path, ""}
				}
				defer f.Close()
				tables[i] = f
			}
			list, err := validate.LeaveFamiliesOut(tables...)
			if err != nil {
				return &fault{exitData, err.Error(), args[0], "aisim validate training --help says what a table looks like"}
			}
			if format == "json" {
				return p.print(asJSON(map[string]any{"schema": "aisim.validate.families/v1", "families": list}))
			}
			return p.print(validate.FamiliesText(list))
		}}
	addFormat(cmd, &format, "text", "json")
	return cmd
}
