package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"aisim/hardware"
	"aisim/reports"
	"aisim/scenarios"
)

// health is the JSON of `aisim doctor`.
type health struct {
	Schema          string            `json:"schema"`
	Build           build             `json:"build"`
	CPUs            int               `json:"cpus"`
	Threads         int               `json:"threads"` // that the Go runtime uses
	MemoryBytes     uint64            `json:"memory_bytes,omitempty"`
	AvailableBytes  uint64            `json:"memory_available_bytes,omitempty"`
	ChartingLibrary string            `json:"charting_library,omitempty"` // version; empty: not embedded
	Catalogue       string            `json:"catalogue_sha256"`
	Entries         int               `json:"catalogue_entries"`
	Scenarios       int               `json:"builtin_scenarios"`
	Tools           map[string]string `json:"tools"` // path by name; empty: not found
}

// tools are the programs beside aisim that something is made with.
var tools = []struct{ name, use string }{
	{"chromium", "the test that looks at reports"},
	{"nvidia-smi", "measuring this machine's GPUs"},
	{"npm", "make assets, which fetches the charting library"},
}

func (p *program) doctor() *cobra.Command {
	var format string
	cmd := &cobra.Command{Use: "doctor", Short: "Say what this build and this machine can do",
		Long: `Doctor prints the build, the machine, the catalogue's hash, whether the charting library
of explore.html is embedded, and which helpful programs were found. Nothing that is
absent keeps aisim from running.`,
		Example: `  aisim doctor
  aisim doctor --format json`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			h := p.examine()
			if format == "json" {
				return p.print(asJSON(h))
			}
			return p.print(asTable(h.rows()))
		}}
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func (p *program) examine() health {
	c := hardware.Default()
	h := health{Schema: "aisim.doctor/v1", Build: p.build, CPUs: runtime.NumCPU(), Threads: runtime.GOMAXPROCS(0),
		MemoryBytes: procBytes("/proc/meminfo", "MemTotal"), AvailableBytes: procBytes("/proc/meminfo", "MemAvailable"),
		Catalogue: c.SHA256(), Entries: len(c.Entries("")), Scenarios: len(scenarios.Builtins()), Tools: map[string]string{}}
	if reports.HasLibrary() {
		h.ChartingLibrary = reports.LibraryVersion
	}
	for _, t := range tools {
		path, err := exec.LookPath(t.name)
		if err != nil {
			path = ""
		}
		h.Tools[t.name] = path
	}
	return h
}

func (h *health) rows() [][]string {
	memory := "unknown"
	if h.MemoryBytes > 0 {
		memory = fmt.Sprintf("%.1f GiB, %.1f GiB available", float64(h.MemoryBytes)/(1<<30), float64(h.AvailableBytes)/(1<<30))
	}
	charts := "not embedded: explore.html is left out (make assets fetches it, then build again)"
	if h.ChartingLibrary != "" {
		charts = "ECharts " + h.ChartingLibrary + " embedded"
	}
	rows := [][]string{
		{"version", h.Build.Version + ", revision " + h.Build.Revision},
		{"go", strings.TrimPrefix(h.Build.Go, "go") + ", " + h.Build.Platform},
		{"cpus", fmt.Sprintf("%d, %d threads in use", h.CPUs, h.Threads)},
		{"memory", memory},
		{"catalogue", fmt.Sprintf("%d entries, sha256 %s", h.Entries, h.Catalogue)},
		{"scenarios", fmt.Sprintf("%d built in", h.Scenarios)},
		{"charts", charts},
	}
	for _, t := range tools {
		at := h.Tools[t.name]
		if at == "" {
			at = "not found; needed for " + t.use
		}
		rows = append(rows, []string{t.name, at})
	}
	return rows
}
