package main

import (
	"bytes"
	"fmt"
)

// model is one benchmark of the models above the engine: what it runs, what it counts, and the
// promise of its issue.
type model struct {
	name, unit string
	args       []string
	rate       bool    // units per second count; else the wall time
	bound      float64 // at least so many units per second, or at most so many seconds
}

// models are run on one worker and on two.
var models = []model{
	{"service, 1 replica, coalesced", "requests", []string{"serving", "--replicas", "1", "--mode", "coalesced"}, true, 100_000},
	{"service, 1 replica, step by step", "requests", []string{"serving", "--replicas", "1", "--mode", "step"}, true, 20_000},
	{"service, 64 replicas, coalesced", "requests", []string{"serving", "--replicas", "64", "--mode", "coalesced"}, true, 100_000},
	{"service, 1,000 replicas, coalesced", "requests", []string{"serving", "--replicas", "1000", "--mode", "coalesced"}, true, 100_000},
	{"Ceph, 630 OSDs at saturation", "I/O", []string{"storage"}, true, 1e6},
	{"MLPerf Storage unet3d, 1,000 H100, 60 s", "", []string{"loader", "--workload", "unet3d"}, false, 10},
	{"one million batch jobs on 10,000 nodes", "", []string{"jobs", "--jobs", "1000000", "--nodes", "10000"}, false, 60},
}

// table of the models, best of several runs of each.
func (l *lab) models(doc *bytes.Buffer) error {
	doc.WriteString("## Models\n\n| case | one worker | two workers | speed-up | same bytes | peak memory | promise | kept |\n|---|---|---|---|---|---|---|---|\n")
	for _, m := range models {
		var wall [2]span
		var got [2]result
		for range l.runs {
			for w := range wall {
				r, err := l.aisim(append(append([]string{}, m.args...), "--workers", fmt.Sprint(w+1))...)
				if err != nil {
					return err
				}
				wall[w].add(r.WallSeconds)
				got[w] = r
			}
		}
		show := func(w int) string {
			if m.rate {
				return fmt.Sprintf("%.3g M %s/s", got[w].Requests/wall[w].best/1e6, m.unit)
			}
			return wall[w].String()
		}
		promise, kept := fmt.Sprintf("at most %s", seconds(m.bound)), wall[0].best <= m.bound
		if m.rate {
			promise, kept = fmt.Sprintf("at least %.3g M/s on one", m.bound/1e6), got[0].Requests/wall[0].best >= m.bound
		}
		fmt.Fprintf(doc, "| %s | %s | %s | %.2f× | %s | %.0f MiB | %s | %s |\n", m.name, show(0), show(1), wall[0].best/wall[1].best,
			map[bool]string{true: "yes", false: "**no**"}[got[0].Hash == got[1].Hash], float64(max(got[0].PeakBytes, got[1].PeakBytes))/(1<<20), promise, map[bool]string{true: "yes", false: "**no**"}[kept])
	}
	doc.WriteString("\nServices are Llama 3.1 70B on 8 H100 each, lengths of the Azure conversation trace, 80 % of saturation, 200,000 requests in all. The events of a service are cheaper than handing them to another core; its second worker draws and counts requests.\n\n")
	return nil
}
