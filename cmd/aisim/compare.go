package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aisim/internal/result"
	"aisim/planner"
	"aisim/reports"
	"aisim/scenarios"
)

// compareFlags are those of `aisim compare`.
type compareFlags struct {
	inputs
	with, failIf      []string
	out, format       string
	seed              uint64
	workers, replicas int
}

func (p *program) compare() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{Use: "compare A B...", Short: "Put designs side by side under the same seeds, prices and failures",
		Long: `Compare plays each design under the same draws of everything that they share and takes
the differences future by future, so that what is uncertain about both cancels. It says
which is cheaper per unit of what it delivers, how sure that is, where the difference
comes from, and what would turn the choice. A is what the others are compared with.

--with adds a design: A under overrides, several of them parted by a semicolon.
--fail-if ends with exit code 4 when a design is worse than allowed: METRIC>+5% bounds
the change against A, METRIC>+10 the difference, METRIC>500ms the amount. METRIC is a
key of the result or its end (ttft_p95), or cost, unit_cost, capital, power, carbon.`,
		Example: `  aisim compare ours.toml theirs.toml -o out
  aisim compare llama3-70b-serving --with cluster.server=dgx-h200
  aisim compare base.toml change.toml --fail-if 'cost>+5%' --fail-if 'chat.ttft_p99>500ms'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args)+len(f.with) < 2 || len(args) == 0 {
				return usage(cmd.CommandPath(), "name two scenarios, or one and --with KEY=VALUE", "there is nothing to compare with")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.workers < 0 || cmd.Flags().Changed("replicas") && f.replicas < 1 {
				return usage(cmd.CommandPath(), "give 1 or more", "--workers and --replicas are counts")
			}
			if cmd.Flags().Changed("seed") {
				f.sets = append(f.sets, "seed="+strconv.FormatUint(f.seed, 10))
			}
			return p.compareDesigns(args, f)
		}}
	f.add(cmd)
	cmd.ValidArgsFunction = nil
	cmd.Flags().StringArrayVar(&f.with, "with", nil, "compare with A under `KEY=VALUE;...` too (may be repeated)")
	cmd.Flags().StringArrayVar(&f.failIf, "fail-if", nil, "exit with 4 when `METRIC>LIMIT` holds for a design (may be repeated)")
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "write result, report and table into the folder `DIR`")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed `N` of all random draws (default: that of A)")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "`N` threads, 0 for all CPUs; changes how long it takes, never the result")
	cmd.Flags().IntVar(&f.replicas, "replicas", 0, "`N` futures that intervals are made of (default: that of A)")
	addFormat(cmd, &f.format, "text", "json", "csv")
	return cmd
}

// designs loads what is to be compared: every scenario under the seed of the first.
func (p *program) designs(args []string, f compareFlags) ([]*scenarios.World, error) {
	var worlds []*scenarios.World
	add := func(name string, sets []string) error {
		in := f.inputs
		in.sets = append(append([]string(nil), f.sets...), sets...)
		if len(worlds) > 0 { // the same futures for all
			in.sets = append(in.sets, "seed="+strconv.FormatUint(worlds[0].Scenario.Seed, 10))
		}
		w, err := p.assemble(name, in)
		if err != nil {
			return err
		}
		worlds = append(worlds, w)
		return nil
	}
	for _, name := range args {
		if err := add(name, nil); err != nil {
			return nil, err
		}
	}
	for _, with := range f.with {
		if err := add(args[0], splitSets(with)); err != nil {
			return nil, err
		}
	}
	return worlds, f.allUsed(worlds...)
}

// splitSets parts "a=1; b=2" into overrides.
func splitSets(with string) []string {
	var out []string
	for _, s := range strings.Split(with, ";") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (p *program) compareDesigns(args []string, f compareFlags) error {
	ctx, done := p.interruptible()
	defer done()
	worlds, err := p.designs(args, f)
	if err != nil {
		return err
	}
	if f.replicas == 0 {
		f.replicas = worlds[0].Scenario.Replicas
	}
	var dir *folder
	if f.out != "" {
		if dir, err = claim(f.out); err != nil {
			return err
		}
	}
	bar := newProgress(p.stderr)
	c, err := planner.Compare(ctx, worlds, planner.CompareOptions{Replicas: f.replicas, Workers: f.workers, Progress: bar.update, Version: p.build.Version, Revision: p.build.Revision})
	bar.end()
	if err != nil {
		dir.release()
		return notPlayed(err, interruptOf(ctx), shellLine(p.line()))
	}
	failed, err := planner.CheckConditions(c, f.failIf)
	if err != nil {
		dir.release()
		return usage("aisim compare --fail-if", "aisim compare --help says how it is written", "%s", err)
	}
	if dir != nil {
		written, err := reports.WriteCompare(dir.path, c, shellLine(p.line()))
		if err != nil {
			return &fault{exitFailed, "the comparison cannot be written: " + withoutRoom(err), dir.path, "make room, or name another folder with -o"}
		}
		p.told(dir.path, written)
	}
	out := []byte(reports.CompareText(c))
	switch f.format {
	case "json":
		out = asJSON(c)
	case "csv":
		out = asCSV(reports.CompareCSV(c))
	}
	if err := p.print(out); err != nil {
		return err
	}
	if failed {
		return goalMissed(c.Conditions)
	}
	return nil
}

// line is the command line as it was given.
func (p *program) line() []string { return append([]string{"aisim"}, p.args...) }

// goalMissed is the fault of a comparison that broke a condition.
func goalMissed(list []result.Condition) error {
	var what []string
	for _, c := range list {
		if c.Failed {
			what = append(what, fmt.Sprintf("%s: %s of %s is %.4g", c.Text, c.Metric, c.Design, c.Value))
		}
	}
	return &fault{exitGoal, strings.Join(what, "; "), "aisim compare --fail-if", ""}
}
