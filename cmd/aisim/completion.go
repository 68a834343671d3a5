package main

import (
	"bytes"
	"strings"

	"github.com/spf13/cobra"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func (p *program) completion() *cobra.Command {
	return &cobra.Command{Use: "completion SHELL", Short: "Print the completion script of a shell",
		Long: `Completion prints a script that completes aisim's commands, flags, scenarios and
catalogue entries in bash, zsh, fish or powershell.`,
		Example: `  source <(aisim completion bash)
  aisim completion zsh > "${fpath[1]}/_aisim"`,
		Args:      exactly("SHELL"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			var b bytes.Buffer
			var err error
			root := cmd.Root()
			switch args[0] {
			case "bash":
				err = root.GenBashCompletionV2(&b, true)
			case "zsh":
				err = root.GenZshCompletion(&b)
			case "fish":
				err = root.GenFishCompletion(&b, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(&b)
			default:
				return usage(cmd.CommandPath(), "use one of "+strings.Join(shells, ", "), "no completion for %q", args[0])
			}
			if err != nil {
				return &fault{exitFailed, err.Error(), cmd.CommandPath(), ""}
			}
			return p.print(b.Bytes())
		}}
}
