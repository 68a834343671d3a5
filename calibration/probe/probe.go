package probe

import (
	"fmt"
	"slices"

	"aisim/calibration/ingest"
)

// ToolName is the tool of the records that this package makes.
const ToolName = "aisim-probe"

// Host are the tasks that measure this machine with this program's own kernels. Problems are
// what cannot be measured here, and why.
func Host(threads int, dir string) (tasks []*Task, problems []string) {
	tasks = slices.Concat(gemmTasks(), memoryTasks(threads, arrayBytes), memoryTasks(threads, cachedBytes))
	add := func(what string, more []*Task, err error) {
		tasks = append(tasks, more...)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s is not measured: %v", what, err))
		}
	}
	host, err := hostTasks()
	add("host operations", host, err)
	tcp, err := tcpTasks()
	add("the loopback connection", tcp, err)
	if dir != "" {
		disk, err := diskTasks(dir)
		add("the disk", disk, err)
	}
	return tasks, problems
}

// Close releases what tasks hold.
func Close(tasks []*Task) {
	for _, t := range tasks {
		if t.Close != nil {
			t.Close()
		}
	}
}

// Records are the facts of the host and the outcomes that were not refused.
func Records(facts *ingest.Device, outcomes []Outcome, version string) []ingest.Record {
	source := ingest.Source{Tool: ToolName, Version: version, File: "probe"}
	out := []ingest.Record{{Kind: ingest.KindDevice, Source: source, Body: facts}}
	for i, o := range outcomes {
		if o.Body != nil {
			s := source
			s.Line = i + 1
			out = append(out, ingest.Record{Kind: o.Body.Kind(), Source: s, Body: o.Body})
		}
	}
	return out
}
