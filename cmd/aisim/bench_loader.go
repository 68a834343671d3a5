package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"aisim/internal/units"
	"aisim/storage/loader"
)

// loaderResult is the JSON of `aisim bench loader`.
type loaderResult struct {
	Benchmark        string  `json:"benchmark"`
	Workload         string  `json:"workload"`
	Accelerator      string  `json:"accelerator"`
	Accelerators     int     `json:"accelerators"`
	Framework        string  `json:"framework"`
	Workers          int     `json:"workers"`
	Events           uint64  `json:"events"`
	WallSeconds      float64 `json:"wall_seconds"`
	PeakBytes        uint64  `json:"peak_bytes"`
	SimulatedSeconds float64 `json:"simulated_seconds"`
	Hash             string  `json:"hash"`
	AU               float64 `json:"au"` // percent
	SamplesPerSecond float64 `json:"samples_per_second"`
	BytesPerSecond   float64 `json:"bytes_per_second"` // from the store
	StoreBusy        float64 `json:"store_busy"`
	WaitSeconds      float64 `json:"wait_seconds_mean"` // of a step, for data
	Knee             float64 `json:"knee"`              // accelerators from which the store binds, by the closed form
	Supported        int     `json:"supported"`         // that meet the floor of the workload, likewise
	Version          string  `json:"version"`
	Revision         string  `json:"revision"`
}

func (p *program) benchLoader() *cobra.Command {
	c := loader.Config{}
	var format, workload, accelerator, framework, rate, stream string
	cmd := &cobra.Command{Use: "loader", Short: "Play MLPerf Storage step by step",
		Long: `Loader plays a workload of MLPerf Storage as DLIO defines it: every accelerator has a
loader of its own that reads samples from one store, and all meet at a barrier after
each step. Beside the utilisation stand the knee of AU(n) and the accelerators that meet
the floor by the closed form of docs/models/loaders.md.`,
		Example: `  aisim bench loader --workload unet3d --accelerators 1000 --store "500 GB/s"
  aisim bench loader --workload cosmoflow --accelerator a100 --latency 0.002`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := cmd.CommandPath()
			w, err := loader.Find(workload)
			if err != nil {
				return usage(at, "use unet3d, resnet50 or cosmoflow", "%s", withoutRoom(err))
			}
			if c.StepSec, err = w.StepSec(accelerator); err != nil {
				return usage(at, "use a100 or h100", "%s", withoutRoom(err))
			}
			for _, q := range []struct {
				flag, text string
				to         *float64
			}{{"--store", rate, &c.Store.BytesPerSec}, {"--stream", stream, &c.Store.StreamBytes}} {
				if *q.to, err = units.Parse(q.text, units.BytesPerSec); err != nil {
					return usage(at, `write "500 GB/s"`, "%s is %q: %s", q.flag, q.text, err)
				}
			}
			if c.Workers < 0 {
				return usage(at, "give 1 or more, or 0 for all CPUs", "--workers is %d", c.Workers)
			}
			if c.Workers == 0 {
				c.Workers = runtime.GOMAXPROCS(0)
			}
			c.Workload, c.Pipeline.Framework = w, loader.Framework(framework)
			if framework == "" {
				c.Pipeline.Framework = loader.TFData
				if w.Name == "unet3d" { // as the rules of MLPerf Storage have it
					c.Pipeline.Framework = loader.PyTorch
				}
			}
			if c.Pipeline.Workers == 0 {
				c.Pipeline.Workers = w.ReadThreads
			}
			start := time.Now()
			r, err := loader.Run(c)
			if err != nil {
				return usage(at, "", "%s", withoutRoom(err))
			}
			s := loader.Unsaturated(w, c.StepSec)
			s.SamplesPerSec = c.Store.BytesPerSec / w.RecordBytes
			out := loaderResult{
				Benchmark: "loader", Workload: w.Name, Accelerator: accelerator, Accelerators: c.Accelerators, Framework: string(c.Pipeline.Framework), Workers: c.Workers,
				Events: r.Events, WallSeconds: time.Since(start).Seconds(), PeakBytes: peakBytes(), SimulatedSeconds: r.SimulatedSec, Hash: fmt.Sprintf("%016x", r.Hash),
				AU: 100 * r.Utilisation, SamplesPerSecond: r.SamplesPerSec, BytesPerSecond: r.BytesPerSec, StoreBusy: r.StoreBusy, WaitSeconds: r.WaitSec,
				Knee: s.Knee(w, c.StepSec), Supported: s.Supported(w, c.StepSec), Version: p.build.Version, Revision: p.build.Revision,
			}
			if format == "text" {
				return p.print(out.table())
			}
			return p.print(asJSON(out))
		}}
	f := cmd.Flags()
	f.StringVar(&workload, "workload", "unet3d", "`NAME`: unet3d, resnet50 or cosmoflow")
	f.StringVar(&accelerator, "accelerator", "h100", "`NAME`: a100 or h100")
	f.IntVar(&c.Accelerators, "accelerators", 1000, "`N` accelerators")
	f.StringVar(&framework, "framework", "", "`NAME`: pytorch, tf.data, dali or ffcv; without it the workload's own")
	f.IntVar(&c.Pipeline.Workers, "read-workers", 0, "`N` workers of each loader, 0 for the workload's own")
	f.IntVar(&c.Pipeline.Prefetch, "prefetch", 0, "batches `N` ahead, of pytorch for each worker; 0 for the framework's own")
	f.Float64Var(&c.Pipeline.DecodeSec, "decode", 0, "core time `S` of a sample in seconds")
	f.Float64Var(&c.Pipeline.DecodeSpread, "decode-spread", 0, "its coefficient of variation `V`")
	f.Float64Var(&c.Pipeline.Cores, "cores", 0, "`N` cores for each accelerator's loader, 0 for as many as workers")
	f.StringVar(&rate, "store", "500 GB/s", "`RATE` of the store to all accelerators together")
	f.StringVar(&stream, "stream", "2 GB/s", "`RATE` of one read")
	f.Float64Var(&c.Store.LatencySec, "latency", 0.001, "mean time `S` to the first byte in seconds")
	f.BoolVar(&c.NoBarrier, "no-barrier", false, "accelerators do not wait for each other")
	f.Float64Var(&c.EndSec, "end", 60, "length `T` of the run in seconds")
	f.Uint64Var(&c.Seed, "seed", 1, "`SEED` of sizes and latencies")
	f.IntVar(&c.Workers, "workers", 0, "`N` threads, 0 for all CPUs")
	addFormat(cmd, &format, "json", "text")
	return cmd
}

func (r *loaderResult) table() []byte {
	return asTable([][]string{
		{"accelerators", fmt.Sprintf("%d × %s, %s with %s", r.Accelerators, r.Accelerator, r.Workload, r.Framework)},
		{"utilisation", fmt.Sprintf("%.2f %%", r.AU)},
		{"samples", fmt.Sprintf("%.6g per second", r.SamplesPerSecond)},
		{"from the store", fmt.Sprintf("%.4g GB/s, busy %.1f %%", r.BytesPerSecond/1e9, 100*r.StoreBusy)},
		{"wait for data", fmt.Sprintf("%.4g ms in a step", 1e3*r.WaitSeconds)},
		{"knee", fmt.Sprintf("%.1f accelerators, %d meet the floor", r.Knee, r.Supported)},
		{"events", fmt.Sprint(r.Events)},
		{"wall time", fmt.Sprintf("%.3f s", r.WallSeconds)},
		{"memory", fmt.Sprintf("%.1f MiB", float64(r.PeakBytes)/(1<<20))},
		{"simulated time", fmt.Sprintf("%g s", r.SimulatedSeconds)},
		{"hash", r.Hash},
	})
}
