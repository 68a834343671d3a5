package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aisim/workloads/trace/execution"
)

// replayOptions are the flags of `aisim trace replay`.
type replayOptions struct {
	in                        inputs
	on, from, like, out, show string
	format                    string
	simai                     execution.SimAI
	overlap                   map[string]string
	ring                      execution.Ring
}

const (
	likeSimAI = "simai"
	likeAstra = "astra-sim"
)

func (p *program) traceReplay() *cobra.Command {
	o := replayOptions{simai: execution.SimAIDefault, ring: execution.RingDefault}
	cmd := &cobra.Command{Use: "replay FILE...", Short: "Play an execution trace on a machine",
		Long: `Replay plays the ranks of an execution on the machine of a scenario (--on), whose own
workloads are left out: collectives and messages take what its fabric says, compute what
its chip needs instead of the one that the trace was recorded on (--recorded-on; both
unknown: the recorded time). Without --on all keep their recorded times.

With --like the answer is that of another tool under its own assumptions, from flags
that stand for its configuration: simai (SimAI-Analytical, layers) or astra-sim (one
all-reduce at a time on its analytical ring).`,
		Example: `  aisim trace replay chakra.*.et --on llama3-405b-16k-h100 --recorded-on nvidia-a100-sxm-80
  aisim trace replay profile.json.gz -o timeline.json
  aisim trace replay workload_analytical.txt --like simai --nvlink 360 --nic 48.5`,
		Args: cobra.MinimumNArgs(1),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if o.like != "" && o.like != likeSimAI && o.like != likeAstra {
				return usage(cmd.CommandPath(), "use simai or astra-sim, or leave it out", "no tool is called %q", o.like)
			}
			if o.like != "" && o.on != "" {
				return usage(cmd.CommandPath(), "give one of them", "--like has a machine of its own, --on is given as well")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			kind, ok := isExecution(args[0])
			if !ok {
				return &fault{exitData, "the file is no execution trace", args[0], "a Chakra or PyTorch trace, or layers of ASTRA-sim or SimAI, are wanted"}
			}
			switch o.like {
			case likeSimAI:
				return p.replaySimAI(kind, args[0], &o)
			case likeAstra:
				return p.replayRing(kind, args, &o)
			}
			return p.replay(kind, args, &o)
		}}
	f := cmd.Flags()
	f.StringVar(&o.on, "on", "", "`SCENARIO` whose machine is played on")
	f.StringVar(&o.from, "recorded-on", "", "`CHIP` of the catalogue that the trace was recorded on")
	f.StringVarP(&o.out, "output", "o", "", "write a Chrome trace of the replay to `FILE`")
	f.StringVar(&o.show, "ranks", "0", "`LIST` of ranks for -o, as 0,8,16")
	f.StringVar(&o.like, "like", "", "answer as `TOOL` does: simai or astra-sim")
	f.Float64Var(&o.simai.NVLink, "nvlink", o.simai.NVLink, "SimAI: bus bandwidth inside a server in `GB/s` of 2^30 B")
	f.Float64Var(&o.simai.NIC, "nic", o.simai.NIC, "SimAI: bandwidth of a NIC in `GB/s` of 2^30 B")
	f.IntVar(&o.simai.NICs, "nics", o.simai.NICs, "SimAI: NICs `N` of a server")
	f.IntVar(&o.simai.GPUsPerServer, "gpus-per-server", o.simai.GPUsPerServer, "SimAI: GPUs `N` of a server")
	f.StringToStringVar(&o.overlap, "overlap", nil, "SimAI: hidden part of a group's communication, `GROUP=F` with TP, DP, EP, DP_EP")
	f.Float64Var(&o.ring.GBps, "bandwidth", o.ring.GBps, "ASTRA-sim: of the ring in `GB/s` of 2^30 B")
	f.Float64Var(&o.ring.LatencyNs, "latency", o.ring.LatencyNs, "ASTRA-sim: of a hop in `NS`")
	f.IntVar(&o.ring.Splits, "splits", o.ring.Splits, "ASTRA-sim: preferred-dataset-splits `K`")
	f.Float64Var(&o.ring.LocalGBps, "local-bandwidth", o.ring.LocalGBps, "ASTRA-sim: of local memory in `GB/s` of 1e9 B")
	f.IntVar(&o.ring.Ranks, "npus", o.ring.Ranks, "ASTRA-sim: ranks `N` of the ring")
	f.StringArrayVar(&o.in.sets, "set", nil, "override a key of the scenario with `KEY=VALUE` (may be repeated)")
	f.StringArrayVar(&o.in.profiles, "profile", nil, "calibrated profile `FILE` for the chip that it names (may be repeated)")
	addFormat(cmd, &o.format, "text", "json")
	return cmd
}

// replayJSON is what `trace replay --format json` prints. Compute, communication and
// host are those of the last rank to end.
type replayJSON struct {
	Schema    string             `json:"schema"`
	TotalUs   float64            `json:"total_us"`
	ComputeUs float64            `json:"compute_us"`
	CommUs    float64            `json:"communication_us"`
	ExposedUs float64            `json:"exposed_us"`
	HostUs    float64            `json:"host_us"`
	Ranks     int                `json:"ranks"`
	WorkUs    map[string]float64 `json:"work_us"`
	Calls     []replayCallJSON   `json:"communication"`
	Warnings  []string           `json:"warnings"`
}

type replayCallJSON struct {
	Op    string  `json:"op"`
	Calls int     `json:"calls"`
	Bytes float64 `json:"bytes"`
	Us    float64 `json:"us"`
}

func (p *program) replay(kind string, paths []string, o *replayOptions) error {
	t, err := readExecution(kind, paths)
	if err != nil {
		return err
	}
	var m execution.Machine
	if o.on != "" {
		if m, err = p.bare(o.on, o.in); err != nil {
			return err
		}
	}
	if o.from != "" {
		if m.From, err = chip(o.from, "--recorded-on"); err != nil {
			return err
		}
	}
	var record []int32
	if o.out != "" {
		for _, s := range strings.Split(o.show, ",") {
			n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
			if err != nil || !slices.ContainsFunc(t.Ranks, func(r execution.Rank) bool { return int64(r.Index) == n }) {
				return usage("aisim trace replay", "give numbers of ranks that the trace has", "--ranks: no rank is called %q", s)
			}
			record = append(record, int32(n))
		}
	}
	r, err := t.Replay(m, record...)
	if err != nil {
		return traceFault(err, paths[0])
	}
	if o.out != "" {
		if err := writeSpans(t, r, o.out); err != nil {
			return err
		}
	}
	out := replayJSON{Schema: "aisim.trace.replay/v1", TotalUs: us(r.TotalNs), Ranks: len(r.Ranks), WorkUs: map[string]float64{}, Calls: []replayCallJSON{}, Warnings: []string{}}
	last := slices.MaxFunc(r.Ranks, func(a, b execution.RankTime) int { return int(a.EndNs/1000 - b.EndNs/1000) })
	out.ComputeUs, out.CommUs, out.ExposedUs, out.HostUs = us(last.ComputeNs), us(last.CommNs), us(last.ExposedNs), us(last.HostNs)
	rows := [][]string{{"total", fmt.Sprintf("%.3f us", out.TotalUs)}, {"compute, last rank to end", fmt.Sprintf("%.3f us", out.ComputeUs)}, {"communication", fmt.Sprintf("%.3f us", out.CommUs)},
		{"  exposed", fmt.Sprintf("%.3f us", out.ExposedUs)}, {"host", fmt.Sprintf("%.3f us", out.HostUs)}}
	for i, ns := range r.WorkNs {
		if ns > 0 {
			out.WorkUs[execution.WorkName(i)] = us(ns)
			rows = append(rows, []string{"work of all ranks, " + execution.WorkName(i), fmt.Sprintf("%.0f us", us(ns))})
		}
	}
	for _, c := range r.Ops {
		out.Calls = append(out.Calls, replayCallJSON{c.Op, c.Calls, c.Bytes, us(c.Ns)})
		rows = append(rows, []string{c.Op, fmt.Sprintf("%d calls, %.4g MB, %.0f us", c.Calls, c.Bytes/1e6, us(c.Ns))})
	}
	for _, w := range append(t.Warnings, r.Warnings...) {
		out.Warnings = append(out.Warnings, w.String())
		rows = append(rows, []string{"settled", w.String()})
	}
	if o.format == "json" {
		return p.print(asJSON(out))
	}
	return p.print(asTable(rows))
}

func us(ns int64) float64 { return float64(ns) / 1e3 }

func writeSpans(t *execution.Trace, r *execution.Result, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return &fault{exitFailed, "the timeline cannot be written: " + cause(err), path, ""}
	}
	err = t.WriteChrome(f, r.Spans)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return &fault{exitFailed, "the timeline cannot be written: " + cause(err), path, ""}
	}
	return nil
}

// simaiJSON is SimAI's answer.
type simaiJSON struct {
	Schema    string             `json:"schema"`
	TotalUs   float64            `json:"total_us"`
	ComputeUs float64            `json:"compute_us"`
	ExposedUs float64            `json:"exposed_us"`
	BubbleUs  float64            `json:"bubble_us"`
	Groups    map[string]float64 `json:"exposed_by_group_us"`
	Warnings  []string           `json:"warnings"`
}

func (p *program) replaySimAI(kind, path string, o *replayOptions) error {
	if kind != execution.FormatLayers {
		return &fault{exitData, "SimAI reads layers, this is " + kind, path, "leave --like out to play it on a machine"}
	}
	s := o.simai
	if !(s.NVLink > 0) || !(s.NIC > 0) || s.NICs < 1 || s.GPUsPerServer < 1 {
		return usage("aisim trace replay", "give --nvlink, --nic, --nics and --gpus-per-server over 0", "SimAI's machine has no bandwidth")
	}
	s.Overlap = map[string]float64{}
	for g, v := range o.overlap {
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || !(x >= 0 && x <= 1) || !slices.Contains([]string{"TP", "DP", "EP", "DP_EP"}, g) {
			return usage("aisim trace replay", "as --overlap DP=0.5: groups TP, DP, EP, DP_EP, 0 to 1", "--overlap %s=%s", g, v)
		}
		s.Overlap[g] = x
	}
	l, err := execution.ReadLayers(path)
	if err != nil {
		return traceFault(err, path)
	}
	r, err := s.Run(l)
	if err != nil {
		return traceFault(err, path)
	}
	out := simaiJSON{"aisim.trace.simai/v1", r.TotalNs / 1e3, r.ComputeNs / 1e3, r.ExposedNs / 1e3, r.BubbleNs / 1e3, map[string]float64{}, []string{}}
	rows := [][]string{{"total", fmt.Sprintf("%.0f us", out.TotalUs)}, {"compute", fmt.Sprintf("%.0f us", out.ComputeUs)}, {"exposed communication", fmt.Sprintf("%.0f us", out.ExposedUs)}}
	for i, g := range r.Groups {
		out.Groups[g] = r.GroupNs[i] / 1e3
		rows = append(rows, []string{"  " + g, fmt.Sprintf("%.0f us", out.Groups[g])})
	}
	rows = append(rows, []string{"pipeline bubble", fmt.Sprintf("%.0f us", out.BubbleUs)}, []string{"assumptions", "SimAI-Analytical's"})
	for _, w := range r.Warnings {
		out.Warnings = append(out.Warnings, w.String())
		rows = append(rows, []string{"settled", w.String()})
	}
	if o.format == "json" {
		return p.print(asJSON(out))
	}
	return p.print(asTable(rows))
}

// replayRing adds up compute and all-reduces one after the other, as ASTRA-sim does on a
// trace whose nodes wait for each other.
func (p *program) replayRing(kind string, paths []string, o *replayOptions) error {
	t, err := readExecution(kind, paths)
	if err != nil {
		return err
	}
	var compute, comm float64
	r := &t.Ranks[0]
	for i := range r.Nodes {
		switch n := &r.Nodes[i]; {
		case n.Kind == execution.Compute:
			compute += float64(n.DurationNs)
		case n.Kind == execution.Collective && n.Priced && n.Op.String() == "all_reduce":
			ns, err := o.ring.AllReduceNs(n.Bytes)
			if err != nil {
				return usage("aisim trace replay", "give --npus, --bandwidth, --latency and --splits over 0", "%s", err)
			}
			comm += ns
		case n.Kind == execution.Collective || n.Kind == execution.Send || n.Kind == execution.Recv:
			return &fault{exitData, fmt.Sprintf("node %d %q: ASTRA-sim's closed form is known here for all-reduces alone", n.ID, r.NameOf(n)), paths[0], "leave --like out to play it on a machine"}
		}
	}
	out := struct {
		Schema    string  `json:"schema"`
		TotalNs   float64 `json:"total_ns"`
		ComputeNs float64 `json:"compute_ns"`
		CommNs    float64 `json:"communication_ns"`
	}{"aisim.trace.astra-sim/v1", compute + comm, compute, comm}
	if o.format == "json" {
		return p.print(asJSON(out))
	}
	return p.print(asTable([][]string{{"total", fmt.Sprintf("%.0f ns", out.TotalNs)}, {"compute", fmt.Sprintf("%.0f ns", compute)}, {"communication", fmt.Sprintf("%.0f ns", comm)}, {"assumptions", "ASTRA-sim 2's analytical ring, one chunk at a time"}}))
}
