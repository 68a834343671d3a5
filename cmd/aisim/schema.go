package main

import (
	"github.com/spf13/cobra"

	"aisim/scenarios"
)

func (p *program) schema() *cobra.Command {
	return &cobra.Command{Use: "schema", Short: "Print the JSON Schema of scenarios, for editors",
		Long: `Schema prints the JSON Schema (draft 2020-12) of scenario files. Editors with a TOML
language server complete and check scenarios with it.`,
		Example: `  aisim schema > aisim.schema.json`,
		Args:    exactly(),
		RunE:    func(*cobra.Command, []string) error { return p.print(scenarios.Schema()) }}
}
