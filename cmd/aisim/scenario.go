package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aisim/hardware/profile"
	"aisim/scenarios"
)

// inputs are the flags that change what a scenario says.
type inputs struct {
	sets     []string
	profiles []string
}

func (in *inputs) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&in.sets, "set", nil, "override a key with `KEY=VALUE`: cluster.nodes=64, workload.ID.batch.micro=2 (may be repeated)")
	cmd.Flags().StringArrayVar(&in.profiles, "profile", nil, "calibrated profile `FILE` for the chip that it names (may be repeated)")
	cmd.ValidArgsFunction = completeScenario
}

// completeScenario offers the built-in scenarios, and files.
func completeScenario(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, b := range scenarios.Builtins() {
		out = append(out, b.ID+"\t"+b.Title)
	}
	return out, cobra.ShellCompDirectiveDefault
}

// load reads a scenario: a file, a built-in one, or standard input.
func (p *program) load(name string, sets []string) (*scenarios.Scenario, error) {
	if name != "-" {
		return scenarios.Load(name, sets)
	}
	text, err := io.ReadAll(io.LimitReader(p.stdin, scenarios.MaxFileBytes+1))
	if err != nil {
		return nil, &fault{exitData, "the scenario cannot be read: " + err.Error(), "standard input", ""}
	}
	return scenarios.Parse("stdin", text, sets)
}

// options reads what the flags add to a scenario.
func (in *inputs) options() (scenarios.Options, error) {
	var opt scenarios.Options
	for _, path := range in.profiles {
		prof, err := readProfile(path)
		if err != nil {
			return opt, err
		}
		for i, other := range opt.Profiles {
			if other.Hardware == prof.Hardware {
				return opt, &fault{exitUsage, "two profiles for " + prof.Hardware, in.profiles[i] + " and " + path, "give one profile per chip or drive; aisim calibrate fit joins measurements"}
			}
		}
		opt.Profiles = append(opt.Profiles, prof)
	}
	return opt, nil
}

// world loads a scenario and assembles it.
func (p *program) world(name string, in inputs) (*scenarios.World, error) {
	w, err := p.assemble(name, in)
	if err != nil {
		return nil, err
	}
	return w, in.allUsed(w)
}

// assemble is world for one of several scenarios, which may leave profiles to the others.
func (p *program) assemble(name string, in inputs) (*scenarios.World, error) {
	opt, err := in.options()
	if err != nil {
		return nil, err
	}
	sc, err := p.load(name, in.sets)
	if err != nil {
		return nil, err
	}
	w, err := scenarios.Assemble(sc, opt)
	if err != nil {
		return nil, assemblyFault(err)
	}
	return w, nil
}

// allUsed refuses a profile that none of the worlds rests on: nothing the user gave is left out
// in silence.
func (in *inputs) allUsed(worlds ...*scenarios.World) error {
	for _, path := range in.profiles {
		prof, err := readProfile(path)
		if err != nil {
			return err
		}
		var chips []string
		used := slices.ContainsFunc(worlds, func(w *scenarios.World) bool {
			chips = append(chips, w.Chip.ID)
			return slices.ContainsFunc(w.Given, func(g *profile.Profile) bool { return g.SHA256() == prof.SHA256() })
		})
		if !used {
			slices.Sort(chips)
			return &fault{exitData, fmt.Sprintf("the profile is for %s, the scenario's chip is %s", prof.Hardware, strings.Join(slices.Compact(chips), ", ")), path,
				"leave it out; a profile moves a scenario by its chip, or by the drives of its stores"}
		}
	}
	return nil
}

func readProfile(path string) (*profile.Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &fault{exitData, "the profile cannot be opened: " + cause(err), path, "give the path of a .cal.toml file"}
	}
	defer f.Close()
	prof, err := profile.Load(f)
	if err != nil {
		return nil, &fault{exitData, "the profile is refused: " + err.Error(), path, "a profile has schema = \"" + profile.Schema + "\", id, hardware, source, date, rung, [eff] and [[link]]"}
	}
	return prof, nil
}

// assemblyFault tells a trace that cannot be read from a scenario that is wrong: the
// keys of a loaded scenario are sound, so that a problem at a trace is in its file.
func assemblyFault(err error) error {
	var invalid *scenarios.Invalid
	if !errors.As(err, &invalid) {
		return &fault{exitFailed, err.Error(), "assembling the scenario", ""}
	}
	for _, pr := range invalid.Problems {
		if !strings.HasPrefix(pr.Key, "workload.") || !strings.HasSuffix(pr.Key, ".trace") {
			return invalid
		}
	}
	first := invalid.Problems[0]
	return &fault{exitData, "the trace cannot be read: " + first.Message, first.Key, first.Hint}
}

// cause is the system's own word without the operation and the path.
func cause(err error) string {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}
