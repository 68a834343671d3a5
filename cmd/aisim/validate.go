package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aisim/calibration/validate"
)

func (p *program) validate() *cobra.Command {
	cmd := p.group("validate", "Hold the models against measurements", `Validate predicts every row of a table of measurements and prints the errors beside
those of a plain roofline. Tables are CSV files with the columns of the file of the same
name that the project was checked on; columns that are not known are ignored.`, `  aisim validate collectives my-nccl-tests.csv
  aisim validate collectives my-nccl-tests.csv --format json`)
	for _, name := range validate.Names() {
		cmd.AddCommand(p.validateKind(name))
	}
	cmd.AddCommand(p.validateOperators(), p.validateRequests(), p.validateFamilies())
	return cmd
}

func (p *program) validateKind(name string) *cobra.Command {
	var format, picture string
	cmd := &cobra.Command{Use: name + " CASES.csv", Short: "Predict a table of " + name,
		Long: `Predict every row of the table. A row that cannot be predicted is refused with the
reason, and every default that was filled in is listed beside the row. The exit code
is 0 whenever the table could be read.`,
		Example: "  aisim validate " + name + " cases.csv --format json",
		Args:    exactly("CASES.csv"),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return &fault{exitData, "the table cannot be read: " + err.Error(), args[0], ""}
			}
			defer f.Close()
			r, err := validate.EvaluateIn(filepath.Dir(args[0]), name, f)
			if err != nil {
				what := strings.TrimPrefix(err.Error(), "validate "+name+": ")
				return &fault{exitData, what, args[0], fmt.Sprintf("aisim validate %s --help says what a table looks like", name)}
			}
			if picture != "" {
				svg, err := r.Picture()
				if err == nil {
					err = os.WriteFile(picture, svg, 0o644)
				}
				if err != nil {
					return &fault{exitFailed, "the picture cannot be written: " + strings.TrimPrefix(err.Error(), "validate: "), picture, ""}
				}
			}
			if format == "json" {
				return p.print(asJSON(r))
			}
			return p.print(r.Text())
		}}
	cmd.Flags().StringVar(&picture, "picture", "", "draw predicted against measured into this SVG file")
	addFormat(cmd, &format, "text", "json")
	return cmd
}
