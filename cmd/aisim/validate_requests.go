package main

import (
	"aisim/calibration/validate"
	"aisim/workloads/trace"

	"github.com/spf13/cobra"
)

func (p *program) validateRequests() *cobra.Command {
	var set validate.Service
	var profilePath, format string
	cmd := &cobra.Command{Use: "requests LOG", Short: "Replay a request log as it happened",
		Long: `Requests replays the arrivals and lengths of a request log through the serving model
and compares time to first token, time per output token and whole time, in the mean
and at percentiles, with those in the log.

A log has one request per line of JSON (vLLM, AIPerf and the like), is the JSON of
vllm bench serve --save-detailed or of guidellm, or a CSV with a header. It needs an
arrival time (or max_concurrency or request_rate of the whole benchmark), prompt and
output tokens, and a latency for each request. What it was
measured on is given by flags, else read from the log, from meta.json beside
requests.jsonl, or from the file's name; what none of them says is refused, but for
the limits of the engine, whose defaults are listed as assumed.`,
		Example: `  aisim validate requests log.jsonl --hardware h100 --model llama3.1-8b --engine vllm
  aisim validate requests requests.jsonl --max-num-seqs 128 --format json`,
		Args: exactly("LOG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := trace.ReadLogFile(args[0], trace.Limits{})
			if err != nil {
				return &fault{exitData, "the log cannot be read: " + cause(err), args[0], "aisim validate requests --help says what a log looks like"}
			}
			if profilePath != "" {
				if set.Profile, err = readProfile(profilePath); err != nil {
					return err
				}
			}
			r, err := validate.Requests(log, set)
			if err != nil {
				return &fault{exitData, withoutRoom(err), args[0], "aisim validate requests --help lists the flags"}
			}
			if format == "json" {
				return p.print(asJSON(r))
			}
			return p.print(r.Text())
		}}
	f := cmd.Flags()
	f.StringVar(&set.Chip, "hardware", "", "`CHIP` that the service ran on, by catalogue id or usual name")
	f.StringVar(&set.Model, "model", "", "`MODEL`, by catalogue id or usual name")
	f.StringVar(&set.Engine, "engine", "", "`ENGINE`: vllm, sglang or trtllm")
	f.StringVar(&set.EngineVersion, "engine-version", "", "`VERSION` of the engine")
	f.StringVar(&set.Precision, "precision", "", "`FORMAT` of the weights: bf16, fp8, fp4")
	f.StringVar(&set.KVPrecision, "kv-precision", "", "`FORMAT` of the cache: bf16, fp8")
	f.IntVar(&set.Tensor, "tensor", 0, "`N` chips of tensor parallelism")
	f.IntVar(&set.Pipeline, "pipeline", 0, "`N` pipeline stages")
	f.IntVar(&set.Replicas, "replicas", 0, "`N` replicas behind a router")
	f.StringVar(&set.Router, "router", "", "`RULE` of the router: round-robin, least-outstanding (default)")
	f.IntVar(&set.MaxSeqs, "max-num-seqs", 0, "`N` sequences that run at once in a replica")
	f.IntVar(&set.TokenBudget, "max-num-batched-tokens", 0, "`N` tokens that one step may take")
	f.IntVar(&set.MaxContext, "max-model-len", 0, "`N` tokens of the longest context")
	f.Float64Var(&set.MemoryFraction, "gpu-memory-utilization", 0, "`SHARE` of device memory that the engine may use")
	f.StringVar(&profilePath, "profile", "", "calibrated profile `FILE` of the chip")
	addFormat(cmd, &format, "text", "json")
	return cmd
}
