package validate

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	jobrounds "aisim/cluster/rounds"
)

// Rules of Gavel's published sweeps: rounds of 360 s, allocations at least 1,920 s apart,
// jobs 4,000 to 4,999 measured, durations drawn on the V100, one GPU a server.
const (
	gavelRoundSec  = 360
	gavelResetSec  = 1920
	gavelFirst     = 4000
	gavelLast      = 5000
	gavelReference = "v100"
	// gavelRelSD of a mean completion time below the knee: a thousand jobs of three seeds with
	// a coefficient of variation of two, were they drawn anew. Replayed draws differ less, by
	// how ties and equal optima fall out; near the knee the seeds themselves spread more.
	gavelRelSD = 0.035
)

// gavelKey is a run of Gavel's generator, or of a trace, that rows share.
type gavelKey struct {
	trace, kinds string
	policy       jobrounds.GavelPolicy
	perHour      float64
	multi        bool
	first, last  int
	seeds        string
}

type gavelRun struct {
	gavelKey
	machine  jobrounds.Mixed
	seedList []int64
	assumed  []string
	err      error
	results  []*jobrounds.MixedResult // by seed
	alone    float64                  // mean of the durations on the fastest kind
}

// studyGavel plays every run that rows name, once per seed.
func (k *clusters) studyGavel(t *Table) {
	type task struct {
		run  *gavelRun
		seed int
	}
	var tasks []task
	for _, row := range t.Rows {
		if !isGavel(row) || row.Text("use") == UseExclude {
			continue
		}
		run := gavelRow(row)
		if run.err != nil || k.mixed[run.gavelKey] != nil {
			continue
		}
		k.mixed[run.gavelKey] = run
		run.results = make([]*jobrounds.MixedResult, len(run.seedList))
		for i := range run.seedList {
			tasks = append(tasks, task{run, i})
		}
	}
	tables := map[string]*jobrounds.Throughputs{}
	for _, x := range tasks {
		if x.seed > 0 {
			continue
		}
		table, ok := tables[x.run.trace]
		if !ok {
			table, x.run.err = k.throughputs(x.run.trace)
			tables[x.run.trace] = table
		}
		if table == nil && x.run.err == nil {
			_, x.run.err = k.throughputs(x.run.trace)
		}
	}
	// The slowest first, so that both cores end together.
	slices.SortStableFunc(tasks, func(a, b task) int { return int(b.run.policy) - int(a.run.policy) })
	errs := make([]error, len(tasks))
	parallel(len(tasks), func(i int) {
		r := tasks[i].run
		if r.err != nil {
			return
		}
		r.results[tasks[i].seed], errs[i] = k.playGavel(tables[r.trace], r, uint32(r.seedList[tasks[i].seed]))
	})
	for i, x := range tasks {
		if x.run.err == nil {
			x.run.err = errs[i]
		}
	}
}

func (k *clusters) playGavel(table *jobrounds.Throughputs, r *gavelRun, seed uint32) (*jobrounds.MixedResult, error) {
	if path, ok := k.gavelTrace(r.trace); ok {
		return table.GavelTrace(path, gavelReference, r.machine, r.policy, seed)
	}
	load := jobrounds.GavelLoad{PerHour: r.perHour, MultiGPU: r.multi, Reference: gavelReference, First: r.first, Last: r.last}
	return table.Gavel(load, r.machine, r.policy, seed)
}

// gavelTrace says whether the row names a file of jobs.
func (k *clusters) gavelTrace(cell string) (string, bool) {
	path, _ := k.path(cell)
	name := strings.TrimSuffix(path, ".gz")
	return path, strings.HasSuffix(name, ".trace")
}

// gavel predicts a row about a machine of several kinds of GPU.
func (k *clusters) gavel(row Row, c *Case) (Prediction, error) {
	asked := gavelRow(row)
	if asked.err != nil {
		return Prediction{}, asked.err
	}
	run := k.mixed[asked.gavelKey]
	if run == nil {
		return Prediction{}, fmt.Errorf("the row was not simulated")
	}
	if run.err != nil {
		return Prediction{}, run.err
	}
	c.Assumed = append(c.Assumed, asked.assumed...)
	unit, err := gavelUnit(row)
	if err != nil {
		return Prediction{}, err
	}
	n := float64(len(run.results))
	makespan := strings.Contains(flatWord(row.Text("metric")), "makespan")
	var sum, sq, alone float64
	for _, r := range run.results {
		v := r.MeanSec
		if makespan {
			v = r.EndSec
		}
		sum, sq, alone = sum+v, sq+v*v, alone+r.AloneSec
	}
	mean := sum / n
	rel := gavelRelSD
	if n > 1 {
		rel = math.Hypot(rel, math.Sqrt(max(0, sq/n-mean*mean)/(n-1))/mean)
	}
	v := mean / unit
	p := Prediction{Value: v, Low: v * math.Exp(-z90*rel), High: v * math.Exp(z90*rel), Roofline: alone / n / unit, Rung: "simulated rounds"}
	if makespan {
		p.Roofline = 0
	}
	return p, nil
}

// throughputs are those that the trace names, or Gavel's table in the folder beside.
func (k *clusters) throughputs(trace string) (*jobrounds.Throughputs, error) {
	const name = "simulation_throughputs.json"
	path, _ := k.path(trace)
	var tried []string
	for _, dir := range []string{path, filepath.Dir(path), filepath.Join(k.folder, "../jobs/gavel-philly")} {
		for _, file := range []string{name, name + ".gz"} {
			tried = append(tried, filepath.Join(dir, file))
		}
	}
	if strings.Contains(filepath.Base(path), ".json") {
		tried = append([]string{path}, tried...)
	}
	for _, p := range tried {
		if _, err := os.Stat(p); err == nil {
			return jobrounds.ReadThroughputs(p)
		}
	}
	return nil, fmt.Errorf("no table of measured throughputs at %s", strings.Join(tried, " or "))
}
