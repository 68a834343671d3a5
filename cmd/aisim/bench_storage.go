package main

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"aisim/hardware"
	"aisim/sim"
	"aisim/storage"
	"aisim/storage/cephsim"
)

// storageResult is the JSON of `aisim bench storage`.
type storageResult struct {
	Benchmark         string  `json:"benchmark"`
	Nodes             int     `json:"nodes"`
	OSDs              int     `json:"osds"`
	Protection        string  `json:"protection"`
	Reads             float64 `json:"reads"`
	Bytes             float64 `json:"bytes"`
	Workers           int     `json:"workers"`
	Requests          int64   `json:"requests"`
	RequestsPerSecond float64 `json:"requests_per_second"` // of wall time
	Events            uint64  `json:"events"`
	WallSeconds       float64 `json:"wall_seconds"`  // with the build of the pool
	BuildSeconds      float64 `json:"build_seconds"` // of the pool alone
	PeakBytes         uint64  `json:"peak_bytes"`
	SimulatedSeconds  float64 `json:"simulated_seconds"`
	Hash              string  `json:"hash"`
	IOPS              float64 `json:"iops"` // simulated
	LastAnswerSeconds float64 `json:"last_answer_seconds"`
	ReadSecondsMean   float64 `json:"read_seconds_mean"`
	ReadSecondsP99    float64 `json:"read_seconds_p99"`
	WriteSecondsMean  float64 `json:"write_seconds_mean"`
	WriteSecondsP99   float64 `json:"write_seconds_p99"`
	Bottleneck        string  `json:"bottleneck"`
	Resent            int64   `json:"resent"`
	ObjectsRebuilt    int64   `json:"objects_rebuilt"`
	ObjectsToRebuild  int64   `json:"objects_to_rebuild"`
	Version           string  `json:"version"`
	Revision          string  `json:"revision"`
}

func (p *program) benchStorage() *cobra.Command {
	c := cephsim.Config{}
	var format, size, drive, scheduler, total string
	var gigabits float64
	lost := cephsim.Failure{}
	cmd := &cobra.Command{Use: "storage", Short: "Play a Ceph pool access by access",
		Long: `Storage plays clients against a Ceph pool on the engine: every request with its
messages, core time, drive accesses and commits, placed by CRUSH. The defaults are 630
OSDs on 63 nodes of 48 cores (EPYC 9454P) and two 100 GbE ports under a mix of 70 %
reads of 4 KiB, 1,024 in flight per host. Nothing is issued after the end; the wall
time counts the building of the pool.`,
		Example: `  aisim bench storage --workers 1
  aisim bench storage --protection ec-6+2 --reads 0 --bytes 4MiB --in-flight 32 --end 1
  aisim bench storage --reads 0 --bytes 4MiB --total 1TB --end 60 --fail-node 3`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := cmd.CommandPath()
			n, err := byteCount(size)
			if err != nil {
				return usage(at, "write 4KiB, or bytes as 4096", "--bytes is %q: %s", size, err)
			}
			if c.Workers < 0 {
				return usage(at, "give 1 or more, or 0 for all CPUs", "--workers is %d", c.Workers)
			}
			if c.Workers == 0 {
				c.Workers = runtime.GOMAXPROCS(0)
			}
			h, err := hardware.Default().Drive(drive)
			if err != nil {
				return usage(at, "see aisim catalog list --kind drive", "--drive: %s", withoutRoom(err))
			}
			if c.Spec.Drive, err = storage.NewDrive(h, nil); err != nil {
				return usage(at, "see aisim catalog list --kind drive", "--drive: %s", withoutRoom(err))
			}
			c.RequestBytes, c.Scheduler = n, cephsim.Scheduler(scheduler)
			if !(gigabits > 0) {
				return usage(at, "give a positive number", "--nic-gbps is %g", gigabits)
			}
			c.Spec.ID, c.Spec.NICBytesPerSec = "bench", gigabits/8*1e9
			if total != "" {
				all, err := byteCount(total)
				if err != nil {
					return usage(at, "write 1TB, or bytes as 1e12", "--total is %q: %s", total, err)
				}
				hosts := c.ClientHosts
				if hosts == 0 {
					hosts = c.Spec.Nodes
				}
				c.Requests = int64(math.Ceil(all / n / float64(hosts)))
			}
			if lost.Node >= 0 {
				c.Failure = &lost
			}
			out, err := p.playStorage(c)
			if err != nil {
				return usage(at, "", "%s", withoutRoom(err))
			}
			if format == "text" {
				return p.print(out.table())
			}
			return p.print(asJSON(out))
		}}
	f := cmd.Flags()
	f.IntVar(&c.Spec.Nodes, "nodes", 63, "`N` storage nodes")
	f.IntVar(&c.Spec.DrivesPerNode, "osds", 10, "`N` OSDs per node")
	f.IntVar(&c.Spec.Cores, "cores", 48, "`N` cores per node")
	f.Float64Var(&c.Spec.CoreFactor, "core-factor", 1.25, "`F`, speed of a core over that of an EPYC 7742")
	f.Float64Var(&gigabits, "nic-gbps", 200, "`G` gigabits per second of a node's ports, one way")
	f.StringVar(&drive, "drive", "nvme4-pm9a3", "`DRIVE` of the catalogue")
	f.StringVar(&c.Spec.Profile, "protection", "rep-3", "`PROFILE`: rep-N or ec-K+M")
	f.BoolVar(&c.FastEC, "fast-ec", false, "partial reads and writes touch only the shards that they need")
	f.IntVar(&c.ClientHosts, "clients", 0, "`N` client hosts, 0 for as many as nodes")
	f.IntVar(&c.InFlight, "in-flight", 1024, "`N` requests that each host keeps in flight")
	f.Float64Var(&c.ReadShare, "reads", 0.7, "`SHARE` of reads, 0 to 1")
	f.StringVar(&size, "bytes", "4KiB", "`SIZE` of a request")
	f.StringVar(&scheduler, "scheduler", "balanced", "`NAME`: balanced, high_client_ops, high_recovery_ops, each with quincy- before, or wpq")
	f.Float64Var(&c.Spec.Fill, "fill", 0, "`SHARE` of the usable bytes that is taken")
	f.Float64Var(&c.ScrubDays, "scrub-days", 0, "read every byte once in `D` days, 0 for no scrub")
	f.Float64Var(&c.Oversubscription, "oversubscription", 1, "`R` of the racks' uplinks")
	f.StringVar(&total, "total", "", "`SIZE` that all clients move together; without it they go on until the end")
	f.IntVar(&lost.Node, "fail-node", -1, "lose node `N`, −1 for none")
	f.Float64Var(&lost.AtSec, "fail-at", 0, "seconds `S` after the start at which it is lost")
	f.Float64Var(&lost.DetectSec, "detect", 23, "seconds `S` from the loss to the map that says so")
	f.Float64Var(&lost.PeeringSec, "peer", 1, "seconds `S` that groups then need to peer")
	f.Float64Var(&lost.OutSec, "out", 600, "seconds `S` from there until its data are rebuilt elsewhere")
	f.Float64Var(&c.EndSec, "end", 0.25, "length `T` of the run in seconds")
	f.Uint64Var(&c.Seed, "seed", 1, "`SEED` of the requests")
	f.IntVar(&c.Workers, "workers", 0, "`N` threads, 0 for all CPUs")
	addFormat(cmd, &format, "json", "text")
	return cmd
}

// playStorage builds the pool and plays it.
func (p *program) playStorage(c cephsim.Config) (*storageResult, error) {
	start := time.Now()
	pool, err := cephsim.New(c)
	if err != nil {
		return nil, err
	}
	built := time.Since(start)
	r, err := pool.Run()
	if err != nil {
		return nil, err
	}
	wall := time.Since(start).Seconds()
	zero := func(h *sim.Histogram, v float64) float64 {
		if h.Count() == 0 {
			return 0
		}
		return v
	}
	return &storageResult{
		Benchmark: "storage", Nodes: c.Spec.Nodes, OSDs: c.Spec.Nodes * c.Spec.DrivesPerNode, Protection: c.Spec.Profile, Reads: c.ReadShare, Bytes: c.RequestBytes,
		Workers: c.Workers, Requests: r.Requests, RequestsPerSecond: float64(r.Requests) / wall, Events: r.Events, WallSeconds: wall, BuildSeconds: built.Seconds(),
		PeakBytes: peakBytes(), SimulatedSeconds: r.SimulatedSec, Hash: fmt.Sprintf("%016x", r.Hash), IOPS: r.PerSec, LastAnswerSeconds: r.LastSec,
		ReadSecondsMean: zero(r.Read, r.Read.Mean()), ReadSecondsP99: zero(r.Read, r.Read.Percentile(99)),
		WriteSecondsMean: zero(r.Write, r.Write.Mean()), WriteSecondsP99: zero(r.Write, r.Write.Percentile(99)),
		Bottleneck: r.Bottleneck, Resent: r.Resent, ObjectsRebuilt: r.Rebuilt, ObjectsToRebuild: r.ToRebuild, Version: p.build.Version, Revision: p.build.Revision,
	}, nil
}

func (r *storageResult) table() []byte {
	return asTable([][]string{
		{"OSDs", fmt.Sprintf("%d on %d nodes, %s", r.OSDs, r.Nodes, r.Protection)},
		{"requests", fmt.Sprintf("%d, %.3g per second of wall time", r.Requests, r.RequestsPerSecond)},
		{"events", fmt.Sprint(r.Events)},
		{"wall time", fmt.Sprintf("%.3f s, %.3f s of them for the pool", r.WallSeconds, r.BuildSeconds)},
		{"memory", fmt.Sprintf("%.1f MiB", float64(r.PeakBytes)/(1<<20))},
		{"simulated time", fmt.Sprintf("%g s", r.SimulatedSeconds)},
		{"last answer", fmt.Sprintf("%.6g s", r.LastAnswerSeconds)},
		{"throughput", fmt.Sprintf("%.4g requests/s, %.4g GB/s", r.IOPS, r.IOPS*r.Bytes/1e9)},
		{"reads", fmt.Sprintf("mean %.4g ms, 99 %% %.4g ms", 1e3*r.ReadSecondsMean, 1e3*r.ReadSecondsP99)},
		{"writes", fmt.Sprintf("mean %.4g ms, 99 %% %.4g ms", 1e3*r.WriteSecondsMean, 1e3*r.WriteSecondsP99)},
		{"busiest", r.Bottleneck},
		{"resent", fmt.Sprint(r.Resent)},
		{"rebuilt", fmt.Sprintf("%d of %d objects", r.ObjectsRebuilt, r.ObjectsToRebuild)},
		{"hash", r.Hash},
	})
}
