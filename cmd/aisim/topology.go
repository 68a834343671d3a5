package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aisim/scenarios"
	"aisim/topology"
)

func (p *program) topology() *cobra.Command {
	cmd := p.group("topology", "Describe, check and draw a scenario's fabric", `Topology shows the fabric that a scenario's keys make: hosts, switches, links and
oversubscription by level. A file that is no scenario is read as a fabric: aisim's text
format, or what ibnetdiscover printed.`, `  aisim topology describe llama3-405b-16k-h100
  aisim topology draw my-cluster.toml -o fabric.svg
  aisim topology lint ibnetdiscover.out`)
	cmd.AddCommand(p.topologyDescribe(), p.topologyLint(), p.topologyDraw())
	return cmd
}

// graph is the fabric of a scenario, whether its workloads fit the machine or not, or
// the one that a fabric file lists.
func (p *program) graph(name string, in inputs) (*topology.Graph, error) {
	if info, err := os.Stat(name); err == nil && !info.IsDir() && filepath.Ext(name) != ".toml" {
		return fabricFile(name)
	}
	opt, err := in.options()
	if err != nil {
		return nil, err
	}
	sc, err := p.load(name, in.sets)
	if err != nil {
		return nil, err
	}
	return scenarios.Wire(sc, opt)
}

// fabricFile builds the fabric of a file in aisim's text format or as ibnetdiscover prints it.
func fabricFile(name string) (*topology.Graph, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, &fault{exitData, "the fabric file cannot be read: " + cause(err), name, ""}
	}
	g, err := topology.Build(topology.Spec{Topology: "file", File: string(text)})
	if err != nil {
		return nil, &fault{exitData, err.Error(), name, "a scenario ends in .toml; a fabric file is aisim's text format or the output of ibnetdiscover"}
	}
	return g, nil
}

func (p *program) topologyDescribe() *cobra.Command {
	var in inputs
	cmd := &cobra.Command{Use: "describe SCENARIO|FILE", Short: "Print hosts, switches, links and oversubscription by level",
		Long: `Describe prints what the fabric is made of: hosts, switches and links of each level,
their rates, and how far each level is oversubscribed.`,
		Example: `  aisim topology describe llama3-405b-16k-h100
  aisim topology describe my-cluster.toml --set cluster.fabric.oversubscription=[1,7]`,
		Args: exactly("SCENARIO"),
		RunE: func(_ *cobra.Command, args []string) error {
			g, err := p.graph(args[0], in)
			if err != nil {
				return err
			}
			return p.print([]byte(g.Describe()))
		}}
	in.add(cmd)
	return cmd
}

// finding is one line of `aisim topology lint --format json`.
type finding struct {
	Severity string `json:"severity"`
	Element  string `json:"element"`
	Text     string `json:"text"`
}

func (p *program) topologyLint() *cobra.Command {
	var in inputs
	var format string
	cmd := &cobra.Command{Use: "lint SCENARIO|FILE", Short: "Look for what the fabric's owner may not have meant",
		Long: `Lint looks for unused switches, failed and parallel links, unequal tiers and hosts that
are cut off. The exit code is 3 when traffic cannot flow, and 0 when there are only
warnings and notes.`,
		Example: `  aisim topology lint llama3-405b-16k-h100
  aisim topology lint my-cluster.toml --format json`,
		Args: exactly("SCENARIO"),
		RunE: func(_ *cobra.Command, args []string) error {
			g, err := p.graph(args[0], in)
			if err != nil {
				return err
			}
			found, broken := []finding{}, 0
			var b strings.Builder
			for _, f := range g.Lint() {
				found = append(found, finding(f))
				fmt.Fprintf(&b, "%s: %s: %s\n", f.Severity, f.Element, f.Text)
				if f.Severity == "error" {
					broken++
				}
			}
			out := []byte(b.String())
			if len(found) == 0 {
				out = []byte("nothing found\n")
			}
			if format == "json" {
				out = asJSON(map[string]any{"schema": "aisim.topology.lint/v1", "findings": found})
			}
			if err := p.print(out); err != nil {
				return err
			}
			if broken > 0 {
				return &fault{exitScenario, count(broken, "error") + " in the fabric", args[0], "aisim topology draw shows where"}
			}
			return nil
		}}
	in.add(cmd)
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func (p *program) topologyDraw() *cobra.Command {
	var in inputs
	var out string
	cmd := &cobra.Command{Use: "draw SCENARIO|FILE", Short: "Draw the fabric as SVG",
		Long: `Draw prints the fabric as a standalone SVG, or writes it to the file of -o.`,
		Example: `  aisim topology draw llama3-405b-16k-h100 -o fabric.svg
  aisim topology draw my-cluster.toml > fabric.svg`,
		Args: exactly("SCENARIO"),
		RunE: func(_ *cobra.Command, args []string) error {
			g, err := p.graph(args[0], in)
			if err != nil {
				return err
			}
			svg := g.DrawSVG()
			if out == "" || out == "-" {
				return p.print(svg)
			}
			return writeWhole(out, svg)
		}}
	in.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to `FILE` instead of standard output")
	return cmd
}

// writeWhole puts data at path whole or not at all.
func writeWhole(path string, data []byte) error {
	fail := func(err error) error {
		return &fault{exitFailed, "the file cannot be written: " + cause(err), path, "name another with -o"}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".aisim-*")
	if err != nil {
		return fail(err)
	}
	_, err = f.Write(data)
	if e := f.Chmod(0o644); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fail(err)
	}
	return nil
}
