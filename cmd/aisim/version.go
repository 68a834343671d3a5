package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) version() *cobra.Command {
	format := "text"
	cmd := &cobra.Command{Use: "version", Short: "Print version and revision",
		Long: `Version prints the version, the revision of the source (with -dirty when it had
changes) and the Go release that built it.`,
		Example: `  aisim version
  aisim version -o json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch format {
			case "text":
				return p.print([]byte(fmt.Sprintf("aisim %s, revision %s, %s, %s\n", p.build.Version, p.build.Revision, p.build.Go, p.build.Platform)))
			case "json":
				return p.print(asJSON(p.build))
			}
			return usage(cmd.CommandPath(), "use text or json", "no format is called %q", format)
		}}
	cmd.Flags().StringVarP(&format, "output", "o", "text", "`FORMAT` of the result: text, json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
