// Command chips writes what aisim ships of measured chips, from the measured data: the
// networks of DPU boards, the constants of the forms of other chips, those of matrix libraries by chip, and
// those that generations share.
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
	if err := os.WriteFile("calibration/validate/forms.toml", constants, 0o644); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(data, "inference", "aiconfigurator", "*_gemm*.csv"))
	if err != nil {
		return err
	}
	texts := make([][]byte, len(names)) // sorted by name
	for i, name := range names {
		if texts[i], err = os.ReadFile(name); err != nil {
			return err
		}
	}
	tables := func() (out []validate.OperatorTable) {
		for i, name := range names {
			out = append(out, validate.OperatorTable{Name: filepath.Base(name), Text: bytes.NewReader(texts[i])})
		}
		return out
	}
	library, err := validate.FitLibrary(tables())
	if err != nil {
		return err
	}
	if err := os.WriteFile("hardware/library_shared.toml", library, 0o644); err != nil {
		return err
	}
	kernels, err := os.ReadFile(filepath.Join(data, "validation", "kernels.csv"))
	if err != nil {
		return err
	}
	libraries, err := validate.FitLibraries(bytes.NewReader(kernels), tables())
	if err != nil {
		return err
	}
	return os.WriteFile("hardware/library.toml", libraries, 0o644)
}
