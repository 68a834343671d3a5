package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"aisim/workloads/serving/benchmark"
)

// servingResult is the JSON of `aisim bench serving`.
type servingResult struct {
	Benchmark         string  `json:"benchmark"`
	Replicas          int     `json:"replicas"`
	Workers           int     `json:"workers"`
	Mode              string  `json:"mode"`
	Requests          int     `json:"requests"`
	RequestsPerSecond float64 `json:"requests_per_second"` // simulated per second of wall time
	Events            int64   `json:"events"`
	Steps             int64   `json:"steps"` // engine steps that the events stand for
	WallSeconds       float64 `json:"wall_seconds"`
	SaturationSeconds float64 `json:"saturation_seconds"` // wall time of finding the saturation, besides
	PeakBytes         uint64  `json:"peak_bytes"`
	SimulatedSeconds  float64 `json:"simulated_seconds"`
	Hash              string  `json:"hash"`
	Saturation        float64 `json:"saturation_requests_per_s"` // of one replica, simulated
	Offered           float64 `json:"offered_requests_per_s"`    // over all replicas
	TTFTP50           float64 `json:"ttft_p50_s"`
	TTFTP99           float64 `json:"ttft_p99_s"`
	TPOTP50           float64 `json:"tpot_p50_s"`
	TPOTP99           float64 `json:"tpot_p99_s"`
	Version           string  `json:"version"`
	Revision          string  `json:"revision"`
}

func (p *program) benchServing() *cobra.Command {
	var c benchmark.Config
	var mode, format string
	cmd := &cobra.Command{Use: "serving", Short: "Serve 200,000 requests on replicas of Llama 3.1 70B",
		Long: `Serving simulates replicas of Llama 3.1 70B, each on eight H100, behind a router that
takes the least outstanding replica as it was 1 ms ago. Requests have the lengths of
the Azure conversation trace of 2023 and arrive as a Poisson process at 80 % of the
rate at which the replicas saturate. Coalesced mode plays a run of alike decode steps
as one event; step mode plays each step.`,
		Example: `  aisim bench serving --replicas 1
  aisim bench serving --replicas 64 --workers 2 --mode step --format json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := cmd.CommandPath()
			switch {
			case c.Replicas < 1 || c.Replicas > 1<<17:
				return usage(at, "give 1 to 131072", "--replicas is %d", c.Replicas)
			case c.Requests < 1 || c.Requests > 1<<28:
				return usage(at, "give 1 to 268435456", "--requests is %d", c.Requests)
			case c.Workers < 0:
				return usage(at, "give 1 or more, or 0 for all CPUs", "--workers is %d", c.Workers)
			case mode != "coalesced" && mode != "step":
				return usage(at, "use coalesced or step", "no mode is called %q", mode)
			}
			if c.Workers == 0 {
				c.Workers = runtime.GOMAXPROCS(0)
			}
			c.EveryStep = mode == "step"
			r, err := benchmark.Run(c)
			if err != nil {
				return &fault{exitFailed, withoutRoom(err), at, ""}
			}
			o := r.Outcome
			out := servingResult{"serving", c.Replicas, c.Workers, mode, o.Requests, float64(o.Requests) / r.WallSec, o.Events, o.Steps,
				r.WallSec, r.SaturationSec, peakBytes(), o.EndSec, fmt.Sprintf("%016x", o.Digest), r.PerReplica, o.OfferedPerSec,
				o.TTFT.P50, o.TTFT.P99, o.TPOT.P50, o.TPOT.P99, p.build.Version, p.build.Revision}
			if format == "text" {
				return p.print(out.table())
			}
			return p.print(asJSON(out))
		}}
	f := cmd.Flags()
	f.IntVar(&c.Replicas, "replicas", 1, "`N` replicas of eight chips")
	f.IntVar(&c.Requests, "requests", benchmark.Requests, "`N` requests in all")
	f.IntVar(&c.Workers, "workers", 0, "`N` threads, 0 for all CPUs")
	f.StringVar(&mode, "mode", "coalesced", "`MODE`: coalesced (an event per run of alike steps) or step (one per engine step)")
	addFormat(cmd, &format, "json", "text")
	return cmd
}

func (r *servingResult) table() []byte {
	return asTable([][]string{
		{"requests", fmt.Sprint(r.Requests)},
		{"requests per second of wall time", fmt.Sprintf("%.3g", r.RequestsPerSecond)},
		{"events", fmt.Sprintf("%d for %d engine steps", r.Events, r.Steps)},
		{"wall time", fmt.Sprintf("%.3f s, %.3f s besides to find the saturation", r.WallSeconds, r.SaturationSeconds)},
		{"memory", fmt.Sprintf("%.1f MiB", float64(r.PeakBytes)/(1<<20))},
		{"simulated time", fmt.Sprintf("%.3g s at %.4g of %.4g requests/s", r.SimulatedSeconds, r.Offered, r.Saturation*float64(r.Replicas))},
		{"time to first token", fmt.Sprintf("%.3g s p50, %.3g s p99", r.TTFTP50, r.TTFTP99)},
		{"time per output token", fmt.Sprintf("%.3g s p50, %.3g s p99", r.TPOTP50, r.TPOTP99)},
		{"hash", r.Hash},
	})
}
