package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aisim/workloads/trace"
	"aisim/workloads/trace/execution"
)

func (p *program) trace() *cobra.Command {
	cmd := p.group("trace", "Look into, convert and replay traces", `Trace reads two sorts of traces, plain or compressed with gzip or Zstandard. Requests that
services are replayed from: Azure LLM CSV, Mooncake JSONL, BurstGPT CSV and logs of
engines. Executions of ranks: MLCommons Chakra (protobuf and JSON), PyTorch profiles
(Kineto) and execution traces, and the text layers of ASTRA-sim 1.0 and SimAI.`, `  aisim trace info requests.csv
  aisim trace info chakra.*.et
  aisim trace replay profile.json.gz --on llama3-405b-16k-h100`)
	cmd.AddCommand(p.traceInfo(), p.traceConvert(), p.traceReplay())
	return cmd
}

// isExecution says whether a file is an execution trace, and in which format.
func isExecution(path string) (string, bool) {
	format, err := execution.Detect(path)
	return format, err == nil && format != ""
}

func (p *program) traceInfo() *cobra.Command {
	var format, layout string
	cmd := &cobra.Command{Use: "info FILE...", Short: "Print what a trace holds",
		Long: `Info reads a trace to its end and prints what it holds: requests, rate and lengths, or
nodes, compute, collectives and what its reader had to settle. Several files are the
ranks of one execution. A trace that is damaged gives the place at fault, and exit code 5.`,
		Example: `  aisim trace info requests.csv
  aisim trace info mooncake.jsonl.zst --format json
  aisim trace info chakra.0.et chakra.1.et`,
		Args: cobra.MinimumNArgs(1),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if layout != "" && !slices.Contains(trace.Formats(), layout) {
				return usage(cmd.CommandPath(), "use "+strings.Join(trace.Formats(), ", ")+", or leave it out", "no layout is called %q", layout)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if kind, ok := isExecution(args[0]); ok && layout == "" {
				return p.executionInfo(kind, args, format)
			}
			if len(args) > 1 {
				return &fault{exitData, "several files are the ranks of one execution trace, and this is none", args[0], "give request traces one at a time"}
			}
			t, err := readRequests(args[0], layout)
			if err != nil {
				return err
			}
			if format == "json" {
				return p.print(asJSON(traceJSON(t)))
			}
			return p.print(asTable(traceRows(t)))
		}}
	cmd.Flags().StringVar(&layout, "layout", "", "`NAME` of the layout of requests: azure, mooncake, burstgpt or requests (default: told from the beginning)")
	_ = cmd.RegisterFlagCompletionFunc("layout", cobra.FixedCompletions(trace.Formats(), cobra.ShellCompDirectiveNoFileComp))
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func readRequests(path, layout string) (*trace.Trace, error) {
	t, err := trace.ReadFile(path, trace.Format(layout), trace.Limits{})
	if err != nil {
		return nil, &fault{exitData, "the trace cannot be read: " + cause(err), path, "an Azure LLM or BurstGPT CSV, a Mooncake JSONL file, a log of requests, a Chakra or PyTorch trace, or layers of ASTRA-sim or SimAI are wanted"}
	}
	return t, nil
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
	for _, x := range t.Rejected {
		rows = append(rows, []string{"left out", fmt.Sprintf("%d: %s (first at %d)", x.Count, x.Reason, x.First)})
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
		Rejected       int     `json:"rejected_requests,omitempty"`
	}{"aisim.trace/v1", s.Requests, s.DurationSec, s.RatePerSec, s.GapCV, s.PromptMean, s.PromptMax, s.PromptTokens,
		s.OutputMean, s.OutputMax, s.OutTokens, t.BlockTokens, s.AllBlock, s.DistinctBlocks, t.RejectedCount()}
}
