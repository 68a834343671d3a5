package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"aisim/internal/result"
	"aisim/reports"
)

func (p *program) explain() *cobra.Command {
	return &cobra.Command{Use: "explain RUN [WORKLOAD]", Short: "Say why a workload of a finished run is as fast as it is",
		Long: `Explain prints the critical path of a workload, the resource that bounds each part of
it, what more of each resource would gain, and what the prediction rests on. RUN is a
result.json or the folder that holds it; WORKLOAD may be left out when there is one.`,
		Example: `  aisim explain out
  aisim explain out/result.json pretrain`,
		Args: exactly("RUN", "[WORKLOAD]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := readRun(args[0])
			if err != nil {
				return err
			}
			workload := ""
			if len(args) > 1 {
				workload = args[1]
			}
			text, err := reports.Explain(run, workload)
			if err != nil {
				return usage(cmd.CommandPath(), "aisim explain RUN WORKLOAD", "%s", withoutRoom(err))
			}
			return p.print([]byte(text))
		}}
}

// readRun loads a result from its file or folder.
func readRun(path string) (*result.Run, error) {
	run, err := reports.ReadRun(path)
	if err != nil {
		if _, gone := os.Stat(path); errors.Is(gone, fs.ErrNotExist) {
			err = errors.New("there is no such file or folder")
		}
		return nil, &fault{exitData, "the run cannot be read: " + withoutRoom(err), path, "give a result.json, or the folder that aisim run -o wrote"}
	}
	return run, nil
}
