package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"aisim/internal/result"
	"aisim/planner"
	"aisim/reports"
	"aisim/scenarios"
)

// planFlags are those of `aisim plan`.
type planFlags struct {
	inputs
	out, format           string
	seed                  uint64
	workers, fine, screen int
}

func (p *program) plan() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{Use: "plan SCENARIO", Short: "Find the design that meets a goal best, and say why not the others",
		Long: `Plan searches the space of a scenario's [goal] for the design with the best objective
that keeps all constraints. Designs that a bound rules out are put aside, the rest is
screened on a cheap rung, and what could be the best is looked at closely. The answer
is the choice, the front of reasonable designs, what came next and why it lost, what
the constraints cost, and how likely the choice keeps them over everything uncertain.

Exit code 4 when no design keeps the constraints: the answer then says which cannot be
met, by how much, and the smallest relaxation that gives a plan.`,
		Example: `  aisim plan serving-plan -o out
  aisim plan training-plan --set 'goal.constraints=["pretrain.finish <= 30 d"]'`,
		Args: exactly("SCENARIO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.workers < 0 || f.fine < 0 || f.screen < 0 {
				return usage(cmd.CommandPath(), "give 1 or more, or 0 for the default", "--workers, --fine and --screen are counts")
			}
			if cmd.Flags().Changed("seed") {
				f.sets = append(f.sets, "seed="+strconv.FormatUint(f.seed, 10))
			}
			return p.planGoal(args[0], f)
		}}
	f.add(cmd)
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "write result, report and table into the folder `DIR`")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed `N` of all random draws (default: the scenario's)")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "`N` threads, 0 for all CPUs; changes how long it takes, never the plan")
	cmd.Flags().IntVar(&f.fine, "fine", 0, "look at `N` designs closely at most (default: one in twenty, 40 to 240)")
	cmd.Flags().IntVar(&f.screen, "screen", 0, "screen `N` designs at most; larger spaces are sampled (default 20,000)")
	addFormat(cmd, &f.format, "text", "json", "csv")
	return cmd
}

func (p *program) planGoal(scenario string, f planFlags) error {
	ctx, done := p.interruptible()
	defer done()
	opt, err := f.options()
	if err != nil {
		return err
	}
	sc, err := p.load(scenario, f.sets)
	if err != nil {
		return err
	}
	var dir *folder
	if f.out != "" {
		if dir, err = claim(f.out); err != nil {
			return err
		}
	}
	bar := newProgress(p.stderr)
	plan, err := planner.Plan(ctx, sc, planner.PlanOptions{Workers: f.workers, Profiles: opt.Profiles, Fine: f.fine, Screen: f.screen, Progress: bar.update, Version: p.build.Version, Revision: p.build.Revision})
	bar.end()
	if err != nil {
		dir.release()
		var invalid *scenarios.Invalid
		if errors.As(err, &invalid) {
			return invalid
		}
		return notPlayed(err, interruptOf(ctx), shellLine(p.line()))
	}
	if dir != nil {
		written, err := reports.WritePlan(dir.path, plan, shellLine(p.line()))
		if err != nil {
			return &fault{exitFailed, "the plan cannot be written: " + withoutRoom(err), dir.path, "make room, or name another folder with -o"}
		}
		p.told(dir.path, written)
	}
	out := []byte(reports.PlanText(plan))
	switch f.format {
	case "json":
		out = asJSON(plan)
	case "csv":
		out = asCSV(reports.PlanCSV(plan))
	}
	if err := p.print(out); err != nil {
		return err
	}
	return planMissed(plan)
}

// planMissed is the fault of a goal that no design meets.
func planMissed(plan *result.Plan) error {
	for i := range plan.Steps {
		if s := &plan.Steps[i]; s.Infeasible != nil {
			what := s.Infeasible.Text
			if len(plan.Steps) > 1 {
				what = s.Name + ": " + what
			}
			return &fault{exitGoal, what, "goal.constraints", "relax what the text says, or widen the space of [[goal.variable]]"}
		}
	}
	return nil
}
