// Command chips writes what aisim ships of measured chips, from the measured data: the
// networks of DPU boards and the constants of the forms of other chips.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"aisim/calibration/validate"
)

func main() {
	data := flag.String("data", "../shared/data", "folder of the measured data")
	flag.Parse()
	if err := run(*data); err != nil {
		fmt.Fprintln(os.Stderr, "chips:", err)
		os.Exit(1)
	}
}

func run(data string) error {
	text, err := os.ReadFile(filepath.Join(data, "validation", "other-chips.csv"))
	if err != nil {
		return err
	}
	boards, err := validate.Boards(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if err := os.WriteFile("calibration/validate/boards.csv", boards, 0o644); err != nil {
		return err
	}
	constants, err := validate.FitForms(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return os.WriteFile("calibration/validate/forms.toml", constants, 0o644)
}
