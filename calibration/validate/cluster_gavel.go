package validate

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	jobrounds "aisim/cluster/rounds"
)

// Rules of Gavel's published sweeps: rounds of 360 s, jobs 4,000 to 4,999 measured,
// durations drawn on the V100.
const (
	gavelRoundSec = 360
	gavelFirst    = 4000
	gavelLast     = 5000
	// gavelRelSD: a thousand jobs with a coefficient of variation of two, against a thousand
	// others.
	gavelRelSD = 0.1
)

var (
	gavelKind = regexp.MustCompile(`(\d+)\s*x?\s*(?i:(v100|p100|k80))`)
	gavelRate = regexp.MustCompile(`(?i)([0-9.]+)\s*(?:jobs?)?\s*(?:/|per )\s*(?:h|hr|hour)\b`)
	gavelGap  = regexp.MustCompile(`(?i)lambda\s*=\s*([0-9.]+)`)
)

// isGavel says whether a row of job completion is about Gavel's generator: a machine of
// V100, P100 and K80.
func isGavel(row Row) bool { return gavelKind.MatchString(row.Text("nodes")) }

// gavel simulates Gavel's generator at the rate that the row names, in a column arrival_rate
// or jobs_per_hour or in the words of the trace ("5.6 jobs/h, multi-GPU").
func (k *clusters) gavel(row Row, c *Case) (Prediction, error) {
	load := jobrounds.GavelLoad{Reference: "v100", First: gavelFirst, Last: gavelLast}
	words := strings.ToLower(strings.Join([]string{row.Text("trace"), row.Text("policy"), row.Text("metric"), row.Text("nodes"), row.Text("seeds"), row.Text("source")}, " "))
	for _, column := range []string{"jobs_per_hour", "arrival_rate", "rate"} {
		v, ok, err := row.Number(column)
		if err != nil {
			return Prediction{}, err
		}
		if ok {
			load.PerHour = v
		}
	}
	if f := gavelRate.FindStringSubmatch(words); load.PerHour == 0 && f != nil {
		load.PerHour, _ = strconv.ParseFloat(f[1], 64)
	}
	if f := gavelGap.FindStringSubmatch(words); load.PerHour == 0 && f != nil {
		if v, err := strconv.ParseFloat(f[1], 64); err == nil && v > 0 {
			load.PerHour = 3600 / v
		}
	}
	if !(load.PerHour > 0) {
		return Prediction{}, fmt.Errorf("the arrival rate is not given: want a column jobs_per_hour, or \"N jobs/h\" among the words of the trace")
	}
	load.MultiGPU = strings.Contains(words, "multi")
	m := jobrounds.Mixed{RoundSec: gavelRoundSec}
	for _, f := range gavelKind.FindAllStringSubmatch(row.Text("nodes"), -1) {
		n, err := strconv.Atoi(f[1])
		if err != nil || n < 1 || n > 1<<16 {
			return Prediction{}, fmt.Errorf("nodes %q: want 1 to 65536 of each kind", row.Text("nodes"))
		}
		m.Kinds = append(m.Kinds, jobrounds.Kind{Name: strings.ToLower(f[2]), GPUs: n})
	}
	table, err := k.throughputs(row.Text("trace"))
	if err != nil {
		return Prediction{}, err
	}
	if !load.MultiGPU {
		c.Assumed = append(c.Assumed, "jobs of one GPU")
	}
	c.Assumed = append(c.Assumed, "jobs 4000 to 4999 are measured", "rounds of 360 s without overhead", "GPUs of one job stand together")
	var sec float64
	switch p := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(row.Text("policy"))); p {
	case "fifo", "firstinfirstout", "firstcome":
		sec, err = table.GavelFIFO(load, m, false, 1)
	case "fifoperf", "fifoaware", "gavelfifo":
		sec, err = table.GavelFIFO(load, m, true, 1)
	case "las", "leastattainedservice", "maxminfairness":
		sec, err = table.GavelLAS(load, m, 1)
	default:
		return Prediction{}, fmt.Errorf("policy %q on mixed GPUs is not modelled (fifo, fifo_perf and las are)", row.Text("policy"))
	}
	if err != nil {
		return Prediction{}, err
	}
	alone, err := table.GavelFIFO(jobrounds.GavelLoad{PerHour: 0.01, MultiGPU: load.MultiGPU, Reference: "v100", First: 0, Last: 1000}, m, true, 1)
	if err != nil {
		return Prediction{}, err
	}
	unit := 1.0
	if u := strings.ToLower(row.Text("unit")); strings.HasPrefix(u, "h") {
		unit = 3600
	}
	v := sec / unit
	return Prediction{Value: v, Low: v * math.Exp(-z90*gavelRelSD), High: v * math.Exp(z90*gavelRelSD), Roofline: alone / unit, Rung: "simulated rounds"}, nil
}

// throughputs are those that the trace names, or Gavel's table in the folder beside.
func (k *clusters) throughputs(trace string) (*jobrounds.Throughputs, error) {
	var tried []string
	path, _ := k.path(trace)
	for _, p := range []string{path, filepath.Join(path, "simulation_throughputs.json.gz"), filepath.Join(filepath.Dir(path), "simulation_throughputs.json.gz"), filepath.Join(k.folder, "../jobs/gavel-philly/simulation_throughputs.json.gz")} {
		if !strings.Contains(filepath.Base(p), ".json") {
			continue
		}
		if _, err := os.Stat(p); err != nil {
			tried = append(tried, p)
			continue
		}
		return jobrounds.ReadThroughputs(p)
	}
	return nil, fmt.Errorf("no table of measured throughputs at %s", strings.Join(tried, " or "))
}
