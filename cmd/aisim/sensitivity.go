package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"aisim/internal/result"
	"aisim/planner"
)

func (p *program) sensitivity() *cobra.Command {
	var in inputs
	var opt planner.MorrisOptions
	var format string
	cmd := &cobra.Command{Use: "sensitivity SCENARIO", Short: "Screen all uncertain inputs for those that move a metric",
		Long: `Sensitivity moves every uncertain input across its own 90 % range, one after the other
along random paths (Morris's screening), and ranks them by what the metric does. A large
spread beside the effect tells that an input works together with others. What moves the
metric most is what to measure, or to ask a quote for, first.`,
		Example: `  aisim sensitivity llama3-70b-serving
  aisim sensitivity my.toml --metric pretrain.finish --trajectories 20`,
		Args: exactly("SCENARIO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opt.Trajectories < 1 || opt.Workers < 0 {
				return usage(cmd.CommandPath(), "", "--trajectories is 1 or more, --workers 0 or more")
			}
			w, err := p.world(args[0], in)
			if err != nil {
				return err
			}
			ctx, done := p.interruptible()
			defer done()
			bar := newProgress(p.stderr)
			opt.Progress = bar.update
			rows, err := planner.Morris(ctx, w, opt)
			bar.end()
			if err != nil {
				return notPlayed(err, interruptOf(ctx), shellLine(p.line()))
			}
			return p.print(morrisTable(rows, format))
		}}
	in.add(cmd)
	cmd.Flags().StringVar(&opt.Metric, "metric", "", "`KEY` of the metric (default: the cost of a unit of what is delivered)")
	cmd.Flags().IntVar(&opt.Trajectories, "trajectories", 8, "`N` paths; each plays every input once")
	cmd.Flags().IntVar(&opt.Workers, "workers", 0, "`N` threads, 0 for all CPUs; changes how long it takes, never the result")
	addFormat(cmd, &format, "text", "json", "csv")
	return cmd
}

func morrisTable(rows []result.MorrisRow, format string) []byte {
	if format == "json" {
		return asJSON(struct {
			Schema string             `json:"schema"`
			Inputs []result.MorrisRow `json:"inputs"`
		}{"aisim.sensitivity/v1", rows})
	}
	table := [][]string{{"input", "metric", "effect", "mean", "spread", "pedigree", "source"}}
	g := func(v float64) string {
		if format == "csv" {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
		return strconv.FormatFloat(100*v, 'f', 2, 64) + " %"
	}
	for i, r := range rows {
		if format == "text" && (i == 20 || r.MeanAbs == 0) {
			break
		}
		table = append(table, []string{r.Input, r.Metric, g(r.MeanAbs), g(r.Mean), g(r.Spread), string(r.Pedigree), r.Source})
	}
	if format == "csv" {
		return asCSV(table)
	}
	return asTable(table)
}
