package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"aisim/sim/phold"
)

func (p *program) bench() *cobra.Command {
	cmd := p.group("bench", "Measure the simulation engine", `Bench runs the engine's own benchmarks and prints one JSON object each. The hash is
order-sensitive and the same for every number of workers.`, `  aisim bench phold --lps 65536 --end 50
  aisim bench ring --radix 16 --bytes 256MiB --model flow`)
	cmd.AddCommand(append(p.benchFabric(), p.benchJobs(), p.benchPhold(), p.benchStorage(), p.benchLoader(), p.benchServing())...)
	return cmd
}

// pholdResult is the JSON of `aisim bench phold`.
type pholdResult struct {
	Benchmark        string  `json:"benchmark"`
	LPs              int     `json:"lps"`
	EventsPerLP      int     `json:"events_per_lp"`
	End              float64 `json:"end"`
	Workers          int     `json:"workers"`
	Events           uint64  `json:"events"`
	WallSeconds      float64 `json:"wall_seconds"`
	EventsPerSecond  float64 `json:"events_per_second"`
	PeakBytes        uint64  `json:"peak_bytes"`
	SimulatedSeconds float64 `json:"simulated_seconds"`
	Hash             string  `json:"hash"` // 64 bits in hexadecimal: more than a JSON number keeps
	Version          string  `json:"version"`
	Revision         string  `json:"revision"`
}

func (p *program) benchPhold() *cobra.Command {
	var lps, each, workers int
	var end float64
	var format string
	cmd := &cobra.Command{Use: "phold", Short: "Run PHOLD, the benchmark of discrete-event engines",
		Long: `Phold runs PHOLD (Fujimoto, 1990): every event at a logical process makes one new
event, with probability 0.25 at a random process, else at the same one, after a delay
of 0.1 + Exp(0.9) units of time.`,
		Example: `  aisim bench phold --lps 65536 --events-per-lp 1 --end 50 --workers 2
  aisim bench phold --lps 1048576 --end 10 --format json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, fix := cmd.CommandPath(), "give a positive number"
			switch {
			case lps < 1:
				return usage(at, fix, "--lps is %d", lps)
			case each < 1:
				return usage(at, fix, "--events-per-lp is %d", each)
			case !(end > 0):
				return usage(at, fix, "--end is %g", end)
			case workers < 0:
				return usage(at, "give 1 or more, or 0 for all CPUs", "--workers is %d", workers)
			}
			if workers == 0 {
				workers = runtime.GOMAXPROCS(0)
			}
			r, err := phold.Run(phold.Config{LPs: lps, EventsPerLP: each, End: end, Workers: workers})
			if err != nil {
				return usage(at, "", "%s", withoutRoom(err))
			}
			out := pholdResult{"phold", lps, each, end, workers, r.Events, r.WallSeconds, float64(r.Events) / r.WallSeconds,
				r.PeakBytes, r.SimulatedSeconds, fmt.Sprintf("%016x", r.Hash), p.build.Version, p.build.Revision}
			if format == "text" {
				return p.print(asTable([][]string{
					{"events", fmt.Sprint(out.Events)},
					{"wall time", fmt.Sprintf("%.3f s", out.WallSeconds)},
					{"events per second", fmt.Sprintf("%.3g", out.EventsPerSecond)},
					{"memory", fmt.Sprintf("%.1f MiB", float64(out.PeakBytes)/(1<<20))},
					{"simulated time", fmt.Sprintf("%g", out.SimulatedSeconds)},
					{"hash", out.Hash},
				}))
			}
			return p.print(asJSON(out))
		}}
	cmd.Flags().IntVar(&lps, "lps", 65536, "`N` logical processes")
	cmd.Flags().IntVar(&each, "events-per-lp", 1, "`E` events that each process starts with")
	cmd.Flags().Float64Var(&end, "end", 50, "length `T` of the run in units of time")
	cmd.Flags().IntVar(&workers, "workers", 0, "`N` threads, 0 for all CPUs")
	addFormat(cmd, &format, "json", "text")
	return cmd
}
