package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aisim/cluster/queue"
	"aisim/workloads/jobs"
)

// jobsResult is the JSON of `aisim bench jobs`.
type jobsResult struct {
	Benchmark        string  `json:"benchmark"`
	Trace            string  `json:"trace"`
	Jobs             int     `json:"jobs"`
	Nodes            int     `json:"nodes"`
	GPUsPerNode      int     `json:"gpus_per_node"`
	Order            string  `json:"order"`
	Backfill         string  `json:"backfill"`
	Workers          int     `json:"workers"`
	Events           int     `json:"events"`
	WallSeconds      float64 `json:"wall_seconds"`
	ReadSeconds      float64 `json:"read_seconds"`
	PeakBytes        uint64  `json:"peak_bytes"`
	SimulatedSeconds float64 `json:"simulated_seconds"`
	OfferedLoad      float64 `json:"offered_load"`
	Utilisation      float64 `json:"utilisation"`
	WaitMeanSeconds  float64 `json:"wait_mean_seconds"`
	MaxQueue         int     `json:"max_queue"`
	Hash             string  `json:"hash"`
	Version          string  `json:"version"`
	Revision         string  `json:"revision"`
}

func (p *program) benchJobs() *cobra.Command {
	var file, kind, order, backfill, format string
	var n, nodes, each, workers int
	var load float64
	cmd := &cobra.Command{Use: "jobs", Short: "Run a queue of batch jobs on a cluster",
		Long: `Jobs plays a trace of batch jobs (SWF, sacct, Philly, CSV), or generated ones at a
given offered load, through a queue and prints how long that took. Decisions are taken
in one order: the hash does not depend on the number of workers.`,
		Example: `  aisim bench jobs --jobs 1000000 --nodes 10000 --backfill easy
  aisim bench jobs --trace philly.csv.gz --nodes 313 --gpus-per-node 8 --order fair-share`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := cmd.CommandPath()
			s := queue.Spec{Pools: []queue.Pool{{Name: "all", Nodes: nodes, GPUsPerNode: each}}}
			var err error
			if s.Order, err = queue.ParseOrder(order); err == nil {
				s.Backfill, err = queue.ParseBackfill(backfill)
			}
			if s.Order == queue.LAS {
				s.QuantumSec, s.SaveOnStop = 360, true
			}
			if err == nil {
				err = s.Check()
			}
			if err != nil {
				return usage(at, "see "+at+" --help", "%s", withoutRoom(err))
			}
			if n < 1 || !(load > 0) || load >= 1 || workers < 0 {
				return usage(at, "give --jobs of at least 1, --load between 0 and 1, --workers of 0 or more", "%d jobs at load %v on %d workers", n, load, workers)
			}
			if workers == 0 {
				workers = runtime.GOMAXPROCS(0)
			}
			begin := time.Now()
			trace, err := benchTrace(file, kind, n, load, nodes*each)
			if err != nil {
				return &fault{exitData, "the trace cannot be used: " + strings.TrimPrefix(cause(err), "jobs: "), file, ""}
			}
			read := time.Since(begin).Seconds()
			begin = time.Now()
			o, err := queue.Run(&s, trace, queue.Options{})
			if err != nil {
				return &fault{exitData, withoutRoom(err), file, "give a machine that holds every job"}
			}
			out := jobsResult{"jobs", trace.Name, len(trace.Jobs), nodes, each, s.Order.String(), s.Backfill.String(), workers, o.Events,
				time.Since(begin).Seconds(), read, peakBytes(), o.EndSec, o.Load, o.Utilisation, o.WaitMeanSec, o.MaxQueue,
				fmt.Sprintf("%016x", o.Hash), p.build.Version, p.build.Revision}
			if format == "text" {
				return p.print(asTable([][]string{
					{"jobs", fmt.Sprint(out.Jobs)},
					{"events", fmt.Sprint(out.Events)},
					{"wall time", fmt.Sprintf("%.3f s, and %.3f s to read or draw the jobs", out.WallSeconds, out.ReadSeconds)},
					{"memory", fmt.Sprintf("%.1f MiB", float64(out.PeakBytes)/(1<<20))},
					{"simulated time", fmt.Sprintf("%.4g days", out.SimulatedSeconds/86400)},
					{"offered load", fmt.Sprintf("%.3f", out.OfferedLoad)},
					{"utilisation", fmt.Sprintf("%.3f", out.Utilisation)},
					{"mean wait", fmt.Sprintf("%.4g s", out.WaitMeanSeconds)},
					{"longest queue", fmt.Sprint(out.MaxQueue)},
					{"hash", out.Hash},
				}))
			}
			return p.print(asJSON(out))
		}}
	f := cmd.Flags()
	f.StringVar(&file, "trace", "", "`FILE` of jobs (default: generated)")
	f.StringVar(&kind, "generator", "parallel", "`KIND` of generated jobs: "+strings.Join(jobs.GeneratorKinds(), ", "))
	f.IntVar(&n, "jobs", 1_000_000, "`N` jobs to generate")
	f.IntVar(&nodes, "nodes", 10_000, "`N` nodes")
	f.IntVar(&each, "gpus-per-node", 1, "`N` GPUs, or processors, in a node")
	f.Float64Var(&load, "load", 0.9, "offered load `X` of generated jobs")
	f.StringVar(&order, "order", "fifo", "`ORDER` of the queue: "+strings.Join(queue.OrderNames(), ", "))
	f.StringVar(&backfill, "backfill", "easy", "`RULE` behind a head that does not fit: "+strings.Join(queue.BackfillNames(), ", "))
	f.IntVar(&workers, "workers", 0, "`N` threads, 0 for all CPUs")
	addFormat(cmd, &format, "json", "text")
	return cmd
}

// benchTrace reads the file, or generates jobs at a load.
func benchTrace(file, kind string, n int, load float64, gpus int) (*jobs.Trace, error) {
	if file != "" {
		return jobs.ReadFile(file, jobs.Limits{})
	}
	g := jobs.Generator{Kind: kind, PerHour: 1, Jobs: n, MeanRunSec: 3600, WallFactor: 3}
	each, err := g.MeanGPUSec(1)
	if err != nil {
		return nil, err
	}
	g.PerHour = load * float64(gpus) * 3600 / each
	return g.Generate(1)
}
