package validate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	jobrounds "aisim/cluster/rounds"
)

// How rows word a run of Gavel: "36 V100 + 36 P100 + 36 K80", "v100:36|p100:36|k80:36",
// "36:36:36"; "5.6 jobs/h", "lambda=642.9", "rate 5.6"; "jobs 4000-5000".
var (
	gavelCount  = regexp.MustCompile(`(?i)(\d+)\s*(?:x|×)?\s*(?:nvidia\s*)?(v100|p100|k80)`)
	gavelNamed  = regexp.MustCompile(`(?i)(v100|p100|k80)s?\s*[:=]\s*(\d+)`)
	gavelTriple = regexp.MustCompile(`(\d+):(\d+):(\d+)`)
	gavelRate   = regexp.MustCompile(`(?i)([0-9.]+)\s*(?:jobs?)?\s*(?:/|per |an )\s*(?:h|hr|hrs|hour)\b`)
	gavelWord   = regexp.MustCompile(`(?i)(?:rate|load)\s*(?:of|=|:)?\s*([0-9.]+)`)
	gavelGap    = regexp.MustCompile(`(?i)(?:lambda|lam|interarrival|λ)\s*(?:of|=|:)?\s*([0-9.]+)`)
	seedCount   = regexp.MustCompile(`(?i)^(\d+)\s*(?:random\s*)?seeds?$`)
	gavelWindow = regexp.MustCompile(`(?i)jobs?\s*(\d{2,})\s*(?:-|–|to|\.\.)\s*(\d{2,})`)
)

// leastGapSec tells a mean time between jobs in seconds from a rate per hour, both of which
// are written lambda.
const leastGapSec = 60

func flatWord(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// gavelWords are the row's texts, in which what has no column of its own is looked for.
func gavelWords(row Row) string {
	var list []string
	for _, c := range []string{"trace", "policy", "metric", "nodes", "cluster", "workload", "scenario", "notes", "id", "source"} {
		list = append(list, row.Text(c))
	}
	return strings.ToLower(strings.Join(list, " | "))
}

// isGavel says whether a row of job completion is about several kinds of GPU.
func isGavel(row Row) bool {
	switch strings.ToLower(row.Text("kind")) {
	case "placement", "serverless":
		return false
	}
	return len(gavelKinds(row.Text("nodes"))) > 1 || strings.Contains(gavelWords(row), "gavel")
}

// gavelKinds reads the machine; none where the text names no kinds.
func gavelKinds(s string) []jobrounds.Kind {
	var out []jobrounds.Kind
	add := func(name, count string) {
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 || n > 1<<16 {
			return
		}
		name = strings.ToLower(name)
		if i := slices.IndexFunc(out, func(k jobrounds.Kind) bool { return k.Name == name }); i >= 0 {
			return
		}
		out = append(out, jobrounds.Kind{Name: name, GPUs: n})
	}
	for _, f := range gavelNamed.FindAllStringSubmatch(s, -1) {
		add(f[1], f[2])
	}
	if len(out) == 0 {
		for _, f := range gavelCount.FindAllStringSubmatch(s, -1) {
			add(f[2], f[1])
		}
	}
	if f := gavelTriple.FindStringSubmatch(s); len(out) == 0 && f != nil {
		for i, name := range []string{"v100", "p100", "k80"} {
			add(name, f[i+1])
		}
	}
	return out
}

// gavelRow is the run that a row names.
func gavelRow(row Row) *gavelRun {
	r := &gavelRun{gavelKey: gavelKey{trace: row.Text("trace"), first: gavelFirst, last: gavelLast}, machine: jobrounds.Mixed{RoundSec: gavelRoundSec, ResetSec: gavelResetSec}}
	words := gavelWords(row)
	if r.policy, r.err = jobrounds.ParseGavelPolicy(row.Text("policy")); r.err != nil {
		return r
	}
	if r.machine.Kinds = gavelKinds(row.Text("nodes")); len(r.machine.Kinds) == 0 {
		r.machine.Kinds = gavelKinds(words)
	}
	if len(r.machine.Kinds) == 0 {
		r.machine.Kinds = []jobrounds.Kind{{Name: "v100", GPUs: 36}, {Name: "p100", GPUs: 36}, {Name: "k80", GPUs: 36}}
		r.assumed = append(r.assumed, "36 V100, 36 P100 and 36 K80")
	}
	r.kinds = fmt.Sprint(r.machine.Kinds)
	if r.seeds = row.Text("seeds"); r.seeds == "" {
		r.seeds = "0..2"
		r.assumed = append(r.assumed, "seeds 0..2")
	}
	if f := seedCount.FindStringSubmatch(r.seeds); f != nil {
		if n, err := strconv.Atoi(f[1]); err == nil && n > 0 {
			r.assumed = append(r.assumed, "the seeds are those from 0 on")
			r.seeds = fmt.Sprintf("0..%d", n-1)
		}
	}
	if r.seedList, r.err = parseSeeds(r.seeds); r.err != nil {
		return r
	}
	for _, s := range r.seedList {
		if s < 0 || s >= 1<<31 {
			r.err = fmt.Errorf("seeds %q: want 0 to %d", r.seeds, 1<<31-1)
			return r
		}
	}
	if strings.HasSuffix(strings.TrimSuffix(r.trace, ".gz"), ".trace") {
		r.assumed = append(r.assumed, "rounds of 360 s without overhead")
		return r
	}
	if f := gavelWindow.FindStringSubmatch(words); f != nil {
		r.first, _ = strconv.Atoi(f[1])
		r.last, _ = strconv.Atoi(f[2])
	}
	if r.perHour, r.err = gavelPerHour(row, words, &r.assumed); r.err != nil {
		return r
	}
	var said bool
	if r.multi, said = gavelMulti(row, words); !said {
		r.assumed = append(r.assumed, "jobs of one GPU")
	}
	r.assumed = append(r.assumed, fmt.Sprintf("jobs %d to %d are measured", r.first, r.last-1), "rounds of 360 s without overhead, allocations at least 1,920 s apart")
	return r
}

// gavelMulti says whether jobs of several GPUs are asked for, and whether the row says so:
// in a column, in what names the run, else anywhere.
func gavelMulti(row Row, words string) (multi, said bool) {
	if v := strings.ToLower(row.Text("multi_gpu")); v != "" {
		return !slices.Contains([]string{"0", "no", "false", "single"}, v), true
	}
	named := strings.ToLower(strings.Join([]string{row.Text("trace"), row.Text("policy"), row.Text("metric"), row.Text("id")}, " | "))
	for _, s := range []string{named, words} {
		multi, single := strings.Contains(s, "multi"), strings.Contains(s, "single") || strings.Contains(s, "1-gpu")
		if multi != single {
			return multi, true
		}
	}
	return false, false
}

// gavelPerHour is the arrival rate, from a column, else from the words.
func gavelPerHour(row Row, words string, assumed *[]string) (float64, error) {
	hourly := func(name string, v float64) (float64, error) {
		if v <= 0 {
			return 0, fmt.Errorf("%s %v: want more than 0", name, v)
		}
		if (strings.Contains(name, "lam") || strings.Contains(name, "interarrival")) && v >= leastGapSec {
			return 3600 / v, nil
		}
		return v, nil
	}
	var columns []string
	for c := range row.index {
		columns = append(columns, c)
	}
	slices.Sort(columns)
	for _, c := range columns {
		flat := flatWord(c)
		for _, w := range []string{"rate", "perh", "jobsh", "lambda", "interarrival"} {
			if !strings.Contains(flat, w) {
				continue
			}
			v, ok, err := row.Number(c)
			if err != nil {
				return 0, err
			}
			if ok {
				return hourly(flat, v)
			}
		}
	}
	for _, x := range []struct {
		name string
		re   *regexp.Regexp
	}{{"rate", gavelRate}, {"lambda", gavelGap}, {"rate", gavelWord}} {
		if f := x.re.FindStringSubmatch(words); f != nil {
			if v, err := strconv.ParseFloat(strings.TrimSuffix(f[1], "."), 64); err == nil {
				return hourly(x.name, v)
			}
		}
	}
	const most = 30 // jobs an hour that 108 GPUs are ever asked for
	if v, ok, err := row.Number("demand_pct"); err == nil && ok && v > 0 && v <= most {
		*assumed = append(*assumed, "demand_pct is jobs an hour")
		return v, nil
	}
	return 0, fmt.Errorf("the arrival rate is not given: want a column jobs_per_hour, or \"N jobs/h\" among the words of the trace")
}

// gavelUnit is the row's unit of time in seconds.
func gavelUnit(row Row) (float64, error) {
	metric := flatWord(row.Text("metric"))
	if !strings.Contains(metric, "jct") && !strings.Contains(metric, "completion") && !strings.Contains(metric, "makespan") {
		return 0, fmt.Errorf("metric %q on mixed GPUs: want the mean completion time (mean_jct_h) or, of a trace, its makespan", row.Text("metric"))
	}
	if strings.Contains(metric, "makespan") && !strings.HasSuffix(strings.TrimSuffix(row.Text("trace"), ".gz"), ".trace") {
		return 0, fmt.Errorf("metric %q: arrivals without end have no makespan", row.Text("metric"))
	}
	return unitOfTime(row.Text("unit"), metric)
}

// unitOfTime is a unit in seconds; without one the metric's name may end in it.
func unitOfTime(unit, metric string) (float64, error) {
	u := strings.ToLower(unit)
	switch {
	case strings.HasPrefix(u, "h"), u == "" && (strings.Contains(metric, "hour") || strings.HasSuffix(metric, "h")):
		return 3600, nil
	case strings.HasPrefix(u, "min"), u == "" && strings.HasSuffix(metric, "min"):
		return 60, nil
	case strings.HasPrefix(u, "d"):
		return 86400, nil
	case strings.HasPrefix(u, "s"), u == "":
		return 1, nil
	}
	return 0, fmt.Errorf("unit %q: want s, min, h or d", unit)
}
