package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aisim/hardware"
	"aisim/scenarios"
	"aisim/workloads/trace/execution"
)

// readExecution reads ranks, or layers as the trace that they make.
func readExecution(kind string, paths []string) (*execution.Trace, error) {
	if kind != execution.FormatLayers {
		t, err := execution.Read(paths...)
		return t, traceFault(err, paths[0])
	}
	l, err := execution.ReadLayers(paths[0])
	if err != nil {
		return nil, traceFault(err, paths[0])
	}
	return l.Trace(), nil
}

func traceFault(err error, path string) error {
	if err == nil {
		return nil
	}
	return &fault{exitData, "the trace cannot be used: " + err.Error(), path, "aisim trace info lists what its reader had to settle"}
}

// executionJSON is what `trace info --format json` prints of an execution.
type executionJSON struct {
	Schema     string              `json:"schema"`
	Format     string              `json:"format"`
	Version    string              `json:"version,omitempty"`
	Device     string              `json:"device,omitempty"`
	Ranks      int                 `json:"ranks"`
	World      int                 `json:"world,omitempty"`
	Nodes      int                 `json:"nodes"`
	Edges      int                 `json:"dependencies"`
	Kinds      map[string]int      `json:"nodes_by_kind"`
	ComputeUs  float64             `json:"compute_us"`
	DeviceUs   float64             `json:"device_us"`
	HostUs     float64             `json:"host_us"`
	LeadUs     float64             `json:"unexplained_wait_us"`
	Calls      []executionCallJSON `json:"communication,omitempty"`
	Groups     []string            `json:"groups,omitempty"`
	Warnings   []string            `json:"warnings"`
	Replayable string              `json:"replay"` // "yes", or why not
}

type executionCallJSON struct {
	Op    string  `json:"op"`
	Calls int     `json:"calls"`
	Bytes float64 `json:"bytes"`
	Us    float64 `json:"recorded_us"`
}

func (p *program) executionInfo(kind string, paths []string, format string) error {
	t, err := readExecution(kind, paths)
	if err != nil {
		return err
	}
	o := describeExecution(t)
	if format == "json" {
		return p.print(asJSON(o))
	}
	rows := [][]string{{"format", strings.TrimSpace(o.Format + " " + o.Version)}, {"ranks", fmt.Sprint(o.Ranks)}}
	if o.World > 0 {
		rows = append(rows, []string{"ranks of the job", fmt.Sprint(o.World)})
	}
	if o.Device != "" {
		rows = append(rows, []string{"recorded on", o.Device})
	}
	rows = append(rows, []string{"nodes", fmt.Sprintf("%d, %d dependencies", o.Nodes, o.Edges)})
	kinds := make([]string, 0, len(o.Kinds))
	for k := range o.Kinds {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		rows = append(rows, []string{"  " + k, fmt.Sprint(o.Kinds[k])})
	}
	rows = append(rows, []string{"compute", fmt.Sprintf("%.0f us", o.ComputeUs)}, []string{"device, communication included", fmt.Sprintf("%.0f us", o.DeviceUs)}, []string{"host", fmt.Sprintf("%.0f us", o.HostUs)})
	if o.LeadUs > 0 {
		rows = append(rows, []string{"waits that nothing in the trace explains", fmt.Sprintf("%.0f us", o.LeadUs)})
	}
	for _, c := range o.Calls {
		rows = append(rows, []string{c.Op, fmt.Sprintf("%d calls, %.4g MB, %.0f us", c.Calls, c.Bytes/1e6, c.Us)})
	}
	for _, w := range o.Warnings {
		rows = append(rows, []string{"settled", w})
	}
	rows = append(rows, []string{"replay", o.Replayable})
	return p.print(asTable(rows))
}

func describeExecution(t *execution.Trace) executionJSON {
	o := executionJSON{Schema: "aisim.trace.execution/v1", Format: t.Format, Version: t.Version, Device: t.Device, Ranks: len(t.Ranks), World: t.World, Kinds: map[string]int{}, Warnings: []string{}, Replayable: "yes"}
	calls := map[string]*executionCallJSON{}
	for i := range t.Ranks {
		r := &t.Ranks[i]
		o.Nodes += len(r.Nodes)
		o.Edges += len(r.Deps)
		for k := range r.Nodes {
			n := &r.Nodes[k]
			us := float64(n.DurationNs) / 1e3
			o.Kinds[n.Kind.String()]++
			o.LeadUs += float64(n.LeadNs) / 1e3
			switch {
			case n.Kind == execution.Collective || n.Kind == execution.Send || n.Kind == execution.Recv:
				name := n.Kind.String()
				if n.Kind == execution.Collective && n.Priced {
					name = n.Op.String()
				}
				c := calls[name]
				if c == nil {
					c = &executionCallJSON{Op: name}
					calls[name] = c
				}
				c.Calls++
				c.Bytes += n.Bytes
				c.Us += us
				o.DeviceUs += us
			case n.Host:
				o.HostUs += us
			case n.Kind == execution.Compute:
				o.ComputeUs += us
				o.DeviceUs += us
			}
		}
	}
	for _, c := range calls {
		o.Calls = append(o.Calls, *c)
	}
	slices.SortFunc(o.Calls, func(a, b executionCallJSON) int { return strings.Compare(a.Op, b.Op) })
	for _, g := range t.Groups {
		o.Groups = append(o.Groups, g.Name)
	}
	for _, w := range t.Warnings {
		o.Warnings = append(o.Warnings, w.String())
	}
	if err := t.Check(); err != nil {
		o.Replayable = "no: " + err.Error()
	} else if !t.Timed {
		o.Replayable = "with --on: the trace has no times of its own"
	}
	return o
}

func (p *program) traceConvert() *cobra.Command {
	var to, out string
	targets := []string{execution.FormatChakra, execution.FormatChakraJSON, "chrome", "azure", "mooncake"}
	cmd := &cobra.Command{Use: "convert FILE...", Short: "Write a trace in another format",
		Long: `Convert writes an execution as Chakra (protobuf, schema 0.0.4), as Chakra's JSON, or as
a Chrome trace for Perfetto, one file per rank; requests as Azure CSV or Mooncake JSONL.
Layers of ASTRA-sim and SimAI keep their nanoseconds.`,
		Example: `  aisim trace convert workload.txt --to chakra -o workload.et
  aisim trace convert chakra.0.et chakra.1.et --to chrome -o timeline
  aisim trace convert requests.csv --to mooncake -o requests.jsonl`,
		Args: cobra.MinimumNArgs(1),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(targets, to) {
				return usage(cmd.CommandPath(), "use one of "+strings.Join(targets, ", "), "no format to write is called %q", to)
			}
			if out == "" {
				return usage(cmd.CommandPath(), "add -o FILE; several ranks go to FILE.0, FILE.1 …", "no output is given")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			kind, ok := isExecution(args[0])
			if requests := to == "azure" || to == "mooncake"; requests == ok {
				return &fault{exitUsage, fmt.Sprintf("%s cannot be written from this kind of trace", to), args[0], "executions go to chakra, chakra-json or chrome; requests to azure or mooncake"}
			}
			if !ok {
				return p.convertRequests(args[0], to, out)
			}
			t, err := readExecution(kind, args)
			if err != nil {
				return err
			}
			for _, w := range t.Warnings {
				p.note("settled: %s", w)
			}
			return p.writeRanks(t, to, out)
		}}
	cmd.Flags().StringVar(&to, "to", "", "`FORMAT` to write: "+strings.Join(targets, ", "))
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; with several ranks the beginning of their names")
	_ = cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(targets, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// rankFile is where a rank is written: its number goes before the extension.
func rankFile(out string, rank int32, ranks int) string {
	if ranks == 1 {
		return out
	}
	ext := filepath.Ext(out)
	return strings.TrimSuffix(out, ext) + "." + strconv.Itoa(int(rank)) + ext
}

func (p *program) writeRanks(t *execution.Trace, to, out string) error {
	for i := range t.Ranks {
		r := &t.Ranks[i]
		path := rankFile(out, r.Index, len(t.Ranks))
		f, err := os.Create(path)
		if err != nil {
			return &fault{exitFailed, "the trace cannot be written: " + cause(err), path, ""}
		}
		switch to {
		case execution.FormatChakra:
			err = t.WriteChakra(f, r)
		case execution.FormatChakraJSON:
			err = t.WriteChakraJSON(f, r)
		default:
			err = t.WriteChrome(f, r.Recorded())
		}
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			return &fault{exitFailed, "the trace cannot be written: " + cause(err), path, ""}
		}
	}
	return nil
}

// chip is a device of the catalogue.
func chip(id, flag string) (*hardware.Device, error) {
	d, err := hardware.Default().Device(id, nil, nil)
	if err != nil {
		return nil, &fault{exitUsage, err.Error(), flag, "aisim catalog list --kind accelerator"}
	}
	return d, nil
}

// bare is a scenario's machine for a trace.
func (p *program) bare(name string, in inputs) (execution.Machine, error) {
	var m execution.Machine
	opt, err := in.options()
	if err != nil {
		return m, err
	}
	sc, err := p.load(name, in.sets)
	if err != nil {
		return m, err
	}
	b, err := scenarios.Bare(sc, opt)
	if err != nil {
		return m, assemblyFault(err)
	}
	m.Device, m.Comm, m.Chips = b.Device, b.Comm, b.Chips
	return m, nil
}

func (p *program) convertRequests(path, to, out string) error {
	t, err := readRequests(path, "")
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return &fault{exitFailed, "the trace cannot be written: " + cause(err), out, ""}
	}
	if to == "azure" {
		err = t.WriteAzure(f)
	} else {
		err = t.WriteMooncake(f)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return &fault{exitFailed, "the trace cannot be written: " + cause(err), out, ""}
	}
	return nil
}
