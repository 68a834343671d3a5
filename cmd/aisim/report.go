package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aisim/reports"
)

func (p *program) report() *cobra.Command {
	var out string
	cmd := &cobra.Command{Use: "report RUN", Short: "Draw the pages, figures and tables of a finished run again",
		Long: `Report reads a result.json, or the folder that holds it, and writes report.html,
explore.html, figures/ and tables/ beside it, or with -o a whole new folder. The
names of the files are printed.`,
		Example: `  aisim report out
  aisim report out/result.json -o for-the-board`,
		Args: exactly("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := readRun(args[0])
			if err != nil {
				return err
			}
			home := args[0]
			if info, err := os.Stat(home); err == nil && !info.IsDir() {
				home = filepath.Dir(home)
			}
			extra := reports.Extra{Command: commandOf(home)}
			dir := out
			if dir == "" {
				dir, extra.Skip = home, []string{reports.ResultFile}
			}
			written, err := reports.WriteDir(dir, run, extra)
			if err != nil {
				return &fault{exitFailed, "the report cannot be written: " + withoutRoom(err), dir, "name a folder with -o"}
			}
			for _, n := range written.Notes {
				p.note("%s", n)
			}
			var b strings.Builder
			for _, f := range written.Files {
				b.WriteString(filepath.Join(dir, filepath.FromSlash(f)) + "\n")
			}
			return p.print([]byte(b.String()))
		}}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write into the folder `DIR` instead of the run's own")
	return cmd
}
