package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"aisim/workloads/trace"
)

func (p *program) trace() *cobra.Command {
	cmd := p.group("trace", "Look into request traces", `Trace reads the request traces that services are replayed from: Azure LLM CSV and
Mooncake JSONL, plain or compressed with gzip or Zstandard.`, `  aisim trace info requests.csv`)
	cmd.AddCommand(p.traceInfo())
	return cmd
}

func (p *program) traceInfo() *cobra.Command {
	var format, layout string
	cmd := &cobra.Command{Use: "info FILE", Short: "Print requests, rate and lengths of a trace",
		Long: `Info reads a trace to its end and prints what it holds. A trace that is damaged gives
the line at fault, and exit code 5.`,
		Example: `  aisim trace info requests.csv
  aisim trace info mooncake.jsonl.zst --format json`,
		Args: exactly("FILE"),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if layout != "" && layout != string(trace.Azure) && layout != string(trace.Mooncake) {
				return usage(cmd.CommandPath(), "use azure or mooncake, or leave it out", "no layout is called %q", layout)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := trace.ReadFile(args[0], trace.Format(layout), trace.Limits{})
			if err != nil {
				return &fault{exitData, "the trace cannot be read: " + cause(err), args[0], "an Azure LLM CSV or a Mooncake JSONL file is wanted"}
			}
			if format == "json" {
				return p.print(asJSON(traceJSON(t)))
			}
			return p.print(asTable(traceRows(t)))
		}}
	cmd.Flags().StringVar(&layout, "layout", "", "`NAME` of the layout, azure or mooncake (default: told from the first byte)")
	_ = cmd.RegisterFlagCompletionFunc("layout", cobra.FixedCompletions([]string{string(trace.Azure), string(trace.Mooncake)}, cobra.ShellCompDirectiveNoFileComp))
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func traceRows(t *trace.Trace) [][]string {
	s := t.Summarise()
	rows := [][]string{
		{"requests", fmt.Sprint(s.Requests)},
		{"duration", fmt.Sprintf("%.0f s", s.DurationSec)},
		{"rate", fmt.Sprintf("%.3g requests/s", s.RatePerSec)},
		{"coefficient of variation of the gaps", fmt.Sprintf("%.3g", s.GapCV)},
		{"prompt", fmt.Sprintf("%.0f tokens on average, %d at most, %d in all", s.PromptMean, s.PromptMax, s.PromptTokens)},
		{"output", fmt.Sprintf("%.0f tokens on average, %d at most, %d in all", s.OutputMean, s.OutputMax, s.OutTokens)},
	}
	if s.AllBlock > 0 {
		rows = append(rows, []string{"prefix blocks", fmt.Sprintf("%d of %d tokens, %d distinct", s.AllBlock, t.BlockTokens, s.DistinctBlocks)})
	}
	return rows
}

func traceJSON(t *trace.Trace) any {
	s := t.Summarise()
	return struct {
		Schema         string  `json:"schema"`
		Requests       int     `json:"requests"`
		DurationSec    float64 `json:"duration_s"`
		RatePerSec     float64 `json:"requests_per_s"`
		GapCV          float64 `json:"gap_cv"`
		PromptMean     float64 `json:"prompt_mean_tokens"`
		PromptMax      int32   `json:"prompt_max_tokens"`
		PromptTokens   int64   `json:"prompt_tokens"`
		OutputMean     float64 `json:"output_mean_tokens"`
		OutputMax      int32   `json:"output_max_tokens"`
		OutputTokens   int64   `json:"output_tokens"`
		BlockTokens    int     `json:"block_tokens,omitempty"`
		Blocks         int     `json:"prefix_blocks,omitempty"`
		DistinctBlocks int     `json:"prefix_blocks_distinct,omitempty"`
	}{"aisim.trace/v1", s.Requests, s.DurationSec, s.RatePerSec, s.GapCV, s.PromptMean, s.PromptMax, s.PromptTokens,
		s.OutputMean, s.OutputMax, s.OutTokens, t.BlockTokens, s.AllBlock, s.DistinctBlocks}
}
