package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"aisim/internal/result"
)

func (p *program) check() *cobra.Command {
	var in inputs
	cmd := &cobra.Command{Use: "check SCENARIO", Short: "Say whether a scenario can be run, with every problem found",
		Long: `Check reads a scenario, resolves it against the catalogue, wires the machine, places
the workloads and plays one future. Problems go to stderr, each with its place, the
value, what is allowed and a hint; the exit code is then 3.`,
		Example: `  aisim check my-cluster.toml
  aisim check llama3-405b-16k-h100 --set cluster.nodes=1024`,
		Args: exactly("SCENARIO"),
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := p.world(args[0], in)
			if err != nil {
				return err
			}
			sc := w.Scenario
			var b strings.Builder
			fmt.Fprintf(&b, "OK: %s\n  %s\n", sc.Name, w.Machine())
			for i := range w.Placed {
				pl := &w.Placed[i]
				fmt.Fprintf(&b, "  %s: %s of %s on %s\n", pl.ID, pl.Kind, pl.Arch.Name, count(pl.NodeCount, "node"))
			}
			for i := range sc.Storage {
				fmt.Fprintf(&b, "  %s: %s storage\n", sc.Storage[i].ID, sc.Storage[i].Kind)
			}
			fmt.Fprintf(&b, "  seed %d, %s, %s by default\n", sc.Seed, count(sc.Replicas, "replica"), count(len(sc.Assumptions()), "assumption"))
			p.warn(w.Warnings)
			return p.print([]byte(b.String()))
		}}
	in.add(cmd)
	return cmd
}

// warn puts warnings on stderr.
func (p *program) warn(warnings []result.Warning) {
	for _, w := range warnings {
		p.note("warning: %s", strings.TrimSpace(strings.Join([]string{w.What, w.Why, w.Effect}, " ")))
	}
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
