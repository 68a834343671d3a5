package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"aisim/internal/units"
	"aisim/topology/traffic"
)

// fabricResult is the JSON of `aisim bench permutation|incast|ring|alltoall`.
type fabricResult struct {
	Benchmark        string  `json:"benchmark"`
	Model            string  `json:"model"`
	Radix            int     `json:"radix"`
	Hosts            int     `json:"hosts"`
	Bytes            float64 `json:"bytes"`
	Workers          int     `json:"workers"`
	Messages         uint64  `json:"messages"`
	Events           uint64  `json:"events"`
	WallSeconds      float64 `json:"wall_seconds"`  // with the build of the fabric
	BuildSeconds     float64 `json:"build_seconds"` // of the fabric alone
	EventsPerSecond  float64 `json:"events_per_second"`
	PeakBytes        uint64  `json:"peak_bytes"`
	SimulatedSeconds float64 `json:"simulated_seconds"`
	Hash             string  `json:"hash"`
	Packets          uint64  `json:"packets"`
	FlowSecondsMin   float64 `json:"flow_seconds_min"`
	FlowSecondsMean  float64 `json:"flow_seconds_mean"`
	FlowSecondsMax   float64 `json:"flow_seconds_max"`
	Version          string  `json:"version"`
	Revision         string  `json:"revision"`
}

// fabricBenches are the patterns with what each says of itself.
var fabricBenches = []struct{ name, short, long, bytes string }{
	{"permutation", "Send from every host to one other, each receiving from one",
		"Permutation sends one message from every host along a random permutation without\nfixed points.", "2MiB"},
	{"incast", "Send from all hosts to one", "Incast sends one message from every other host to the first.", "2MiB"},
	{"ring", "Run a ring all-reduce message by message",
		"Ring runs a ring all-reduce of a vector of so many bytes over all hosts, expanded to\nits 2(n−1)·n messages.", "256MiB"},
	{"alltoall", "Send from every host to every other at once", "Alltoall sends one message for every ordered pair of hosts, all at once.", "1MiB"},
}

// benchFabric are the commands that measure the fabric.
func (p *program) benchFabric() []*cobra.Command {
	var out []*cobra.Command
	for _, b := range fabricBenches {
		out = append(out, p.benchPattern(b.name, b.short, b.long, b.bytes))
	}
	return out
}

func (p *program) benchPattern(name, short, long, bytes string) *cobra.Command {
	c := traffic.Config{Pattern: name}
	var format, size string
	cmd := &cobra.Command{Use: name, Short: short,
		Long: long + `

The fabric is a three-level fat-tree of switches with K ports: K³/4 hosts, 400 Gb/s
and 1 µs per link, as flows at max–min fair rates or packet by packet. The wall time
counts the building of the fabric.`,
		Example: `  aisim bench ` + name + ` --radix 8 --bytes ` + bytes + ` --model flow
  aisim bench ` + name + ` --radix 16 --model packet --workers 2 --format json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := cmd.CommandPath()
			n, err := byteCount(size)
			switch {
			case err != nil:
				return usage(at, "write 2MiB, or bytes as 2097152", "--bytes is %q: %s", size, err)
			case c.Radix < 2 || c.Radix%2 != 0 || c.Radix > 128:
				return usage(at, "give an even number from 2 to 128", "--radix is %d", c.Radix)
			case c.Model != "flow" && c.Model != "packet":
				return usage(at, "use flow or packet", "no model is called %q", c.Model)
			case c.Workers < 0:
				return usage(at, "give 1 or more, or 0 for all CPUs", "--workers is %d", c.Workers)
			}
			switch c.Routing {
			case "", "d-mod-k", "ecmp", "adaptive":
			default:
				return usage(at, "use d-mod-k, ecmp or adaptive", "no routing is called %q", c.Routing)
			}
			c.Bytes = n
			if c.Workers == 0 {
				c.Workers = runtime.GOMAXPROCS(0)
			}
			out, err := p.measure(c)
			if err != nil {
				return &fault{exitFailed, withoutRoom(err), at, "try a smaller radix"}
			}
			if format == "text" {
				return p.print(out.table())
			}
			return p.print(asJSON(out))
		}}
	f := cmd.Flags()
	f.IntVar(&c.Radix, "radix", 16, "`K` ports per switch: K³/4 hosts")
	f.StringVar(&size, "bytes", bytes, "`SIZE` of each message, of the whole vector for ring")
	f.StringVar(&c.Model, "model", "flow", "`MODEL` of the network: flow, packet")
	f.StringVar(&c.Routing, "routing", "", "`RULE`: d-mod-k (flow's default), ecmp or adaptive (packet's)")
	f.Uint64Var(&c.Seed, "seed", 1, "`SEED` of the permutation")
	f.IntVar(&c.Workers, "workers", 0, "`N` threads, 0 for all CPUs")
	addFormat(cmd, &format, "json", "text")
	return cmd
}

// byteCount reads 2097152, 64MiB or 1.5e9.
func byteCount(s string) (float64, error) {
	var n float64
	var rest string
	if k, _ := fmt.Sscanf(s, "%g%s", &n, &rest); k != 1 || rest != "" {
		var err error
		if n, err = units.Parse(s, units.Bytes); err != nil {
			return 0, fmt.Errorf("not a size")
		}
	}
	if !(n >= 1) || n > 1e18 {
		return 0, fmt.Errorf("outside 1 byte to 1 EB")
	}
	return n, nil
}

// measure builds the fabric and plays the pattern.
func (p *program) measure(c traffic.Config) (*fabricResult, error) {
	start := time.Now()
	s, err := traffic.New(c)
	if err != nil {
		return nil, err
	}
	built := time.Since(start)
	r, err := s.Run()
	if err != nil {
		return nil, err
	}
	wall := time.Since(start).Seconds()
	return &fabricResult{
		Benchmark: c.Pattern, Model: c.Model, Radix: c.Radix, Hosts: r.Hosts, Bytes: c.Bytes, Workers: c.Workers,
		Messages: r.Messages, Events: r.Events, WallSeconds: wall, BuildSeconds: built.Seconds(),
		EventsPerSecond: float64(r.Events) / wall, PeakBytes: peakBytes(), SimulatedSeconds: r.SimulatedSec,
		Hash: fmt.Sprintf("%016x", r.Hash), Packets: r.Packets,
		FlowSecondsMin: r.MinFlowSec, FlowSecondsMean: r.MeanFlowSec, FlowSecondsMax: r.MaxFlowSec,
		Version: p.build.Version, Revision: p.build.Revision,
	}, nil
}

func (r *fabricResult) table() []byte {
	return asTable([][]string{
		{"hosts", fmt.Sprint(r.Hosts)},
		{"messages", fmt.Sprint(r.Messages)},
		{"packets", fmt.Sprint(r.Packets)},
		{"events", fmt.Sprint(r.Events)},
		{"wall time", fmt.Sprintf("%.3f s, %.3f s of them for the fabric", r.WallSeconds, r.BuildSeconds)},
		{"memory", fmt.Sprintf("%.1f MiB", float64(r.PeakBytes)/(1<<20))},
		{"simulated time", fmt.Sprintf("%.9g s", r.SimulatedSeconds)},
		{"message time", fmt.Sprintf("%.6g s to %.6g s, mean %.6g s", r.FlowSecondsMin, r.FlowSecondsMax, r.FlowSecondsMean)},
		{"hash", r.Hash},
	})
}
