package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aisim/calibration/validate"
)

func (p *program) validateOperators() *cobra.Command {
	var format string
	cmd := &cobra.Command{Use: "operators FILE|DIR...", Short: "Hold the rungs of the kernel predictor against measured operators",
		Long: `Predict each call of tables of measured operators (GEMM, attention, mixtures of experts,
the operators of a layer, as the collectors of aiconfigurator and Vidur write them) in
three ways: from the other calls of its table, from one call in ten, from the fitted
curve alone. Folders are searched for *.csv; other files are named and skipped. The chip
is read from a column chip or system, else from the file's name.`,
		Example: "  aisim validate operators h100_sxm_gemm.csv\n  aisim validate operators tables/ --format json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &fault{exitUsage, "want FILE|DIR..., a table of measured operators", "aisim validate operators", "name a CSV file or a folder of them"}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := operatorFiles(args)
			if err != nil {
				return err
			}
			tables := make([]validate.OperatorTable, len(files))
			for i, name := range files {
				text, err := p.data(name)
				if err != nil {
					return err
				}
				tables[i] = validate.OperatorTable{Name: name, Text: bytes.NewReader(text)}
			}
			r, skipped, err := validate.Operators(tables)
			for _, e := range skipped {
				p.note("skipped %v", e)
			}
			if err != nil {
				return &fault{exitData, err.Error(), strings.Join(args, " "), "aisim validate operators --help says what a table looks like"}
			}
			if format == "json" {
				return p.print(asJSON(r))
			}
			return p.print(r.Summarised())
		}}
	addFormat(cmd, &format, "text", "json")
	return cmd
}

// operatorFiles are the files named and the tables in the folders named.
func operatorFiles(args []string) ([]string, error) {
	var files []string
	for _, a := range args {
		info, err := os.Stat(a)
		if err != nil {
			return nil, &fault{exitData, "the table cannot be read: " + err.Error(), a, ""}
		}
		if !info.IsDir() {
			files = append(files, a)
			continue
		}
		in, err := filepath.Glob(filepath.Join(a, "*.csv")) // sorted
		if err != nil || len(in) == 0 {
			return nil, &fault{exitData, "no *.csv in the folder", a, ""}
		}
		files = append(files, in...)
	}
	return files, nil
}
