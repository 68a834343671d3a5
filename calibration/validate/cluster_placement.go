package validate

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"aisim/cluster/place"
	"aisim/workloads/jobs"
)

// publishedRatio is how far the published experiments pile up demand.
const publishedRatio = 1.3

// packKey is an experiment that rows at several levels of demand share.
type packKey struct {
	trace, nodes, policy, seeds string
}

type packRun struct {
	policy place.Policy
	seeds  []int64
	ratio  float64
	nodes  []place.Node
	pods   []place.Pod
	curves []*place.Curve
	err    error
}

func packKeyOf(row Row) packKey {
	return packKey{row.Text("trace"), row.Text("nodes"), row.Text("policy"), row.Text("seeds")}
}

// studyPlacement replays every experiment that rows name.
func (k *clusters) studyPlacement(t *Table) {
	type task struct {
		run  *packRun
		seed int
	}
	var tasks []task
	read := map[string]*packRun{} // of one trace and nodes
	for _, row := range t.Rows {
		if strings.ToLower(row.Text("kind")) != "placement" || row.Text("use") == UseExclude {
			continue
		}
		key := packKeyOf(row)
		run := k.packs[key]
		if run == nil {
			run = k.newPack(key, read)
			k.packs[key] = run
			run.curves = make([]*place.Curve, len(run.seeds))
			for i := range run.seeds {
				tasks = append(tasks, task{run, i})
			}
		}
		if pct, ok, err := row.Number("demand_pct"); ok && err == nil {
			run.ratio = max(run.ratio, pct/100)
		}
	}
	errs := make([]error, len(tasks))
	parallel(len(tasks), func(i int) {
		x := tasks[i]
		if x.run.err != nil {
			return
		}
		x.run.curves[x.seed], errs[i] = place.Pack(x.run.nodes, x.run.pods, x.run.policy, x.run.ratio, fgdDraws(x.run.seeds[x.seed]))
	})
	for i, x := range tasks {
		if x.run.err == nil {
			x.run.err = errs[i]
		}
	}
	k.rankPolicies(t)
}

// parallel calls f for 0..n-1 on all cores.
func parallel(n int, f func(int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (k *clusters) newPack(key packKey, read map[string]*packRun) *packRun {
	run := &packRun{ratio: publishedRatio}
	if run.policy, run.err = place.ParsePolicy(key.policy); run.err != nil {
		return run
	}
	if run.seeds, run.err = parseSeeds(key.seeds); run.err != nil {
		return run
	}
	lists := read[key.trace+"\x00"+key.nodes]
	if lists == nil {
		lists = &packRun{}
		podPath, _ := k.path(key.trace)
		nodePath, remark := k.path(key.nodes)
		if lists.pods, lists.err = jobs.ReadPods(podPath); lists.err == nil {
			lists.nodes, lists.err = jobs.ReadNodes(nodePath)
		}
		if strings.Contains(remark, "GPU nodes only") {
			lists.nodes = slices.DeleteFunc(lists.nodes, func(n place.Node) bool { return n.GPUs == 0 })
		}
		read[key.trace+"\x00"+key.nodes] = lists
	}
	run.nodes, run.pods, run.err = lists.nodes, lists.pods, lists.err
	return run
}

// maxSeeds bounds the runs of one experiment.
const maxSeeds = 100

// parseSeeds reads "42..51", "42" or "42 43 44"; nothing, or "10 seeds", is the published
// ten.
func parseSeeds(s string) ([]int64, error) {
	if f := seedCount.FindStringSubmatch(s); f != nil && f[1] == "10" {
		s = ""
	}
	if s == "" {
		s = "42..51"
	}
	if a, b, ok := strings.Cut(s, ".."); ok {
		first, err1 := strconv.ParseInt(strings.TrimSpace(a), 10, 64)
		last, err2 := strconv.ParseInt(strings.TrimSpace(b), 10, 64)
		if err1 != nil || err2 != nil || last < first || last-first >= maxSeeds {
			return nil, fmt.Errorf("seeds %q: want first..last, at most %d", s, maxSeeds)
		}
		var out []int64
		for v := first; v <= last; v++ {
			out = append(out, v)
		}
		return out, nil
	}
	var out []int64
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil || len(out) == maxSeeds {
			return nil, fmt.Errorf("seeds %q: want first..last or at most %d numbers", s, maxSeeds)
		}
		out = append(out, v)
	}
	return out, nil
}

// at is the mean over the seeds at a level of demand, and its standard error.
func (r *packRun) at(demandPct float64) (mean, se float64, err error) {
	if r.err != nil {
		return 0, 0, r.err
	}
	level := int(math.Round(demandPct))
	if math.Abs(demandPct-float64(level)) > 1e-9 || level < 0 {
		return 0, 0, fmt.Errorf("demand_pct %v: want a whole number of per cent, 0 or more", demandPct)
	}
	var sum, sq float64
	for _, c := range r.curves {
		if level >= len(c.AllocatedPct) || math.IsNaN(c.AllocatedPct[level]) {
			return 0, 0, fmt.Errorf("demand never stands at %d %%", level)
		}
		sum += c.AllocatedPct[level]
		sq += c.AllocatedPct[level] * c.AllocatedPct[level]
	}
	n := float64(len(r.curves))
	mean = sum / n
	if n > 1 {
		se = math.Sqrt(max(0, sq/n-mean*mean) / (n - 1))
	}
	return mean, se, nil
}

// rankPolicies orders the policies of each workload and demand, as measured and as
// predicted.
func (k *clusters) rankPolicies(t *Table) {
	type entry struct {
		policy              string
		measured, predicted float64
	}
	groups := map[string][]entry{}
	for _, row := range t.Rows {
		if strings.ToLower(row.Text("kind")) != "placement" {
			continue
		}
		run := k.packs[packKeyOf(row)]
		v, ok, err := row.Number("value")
		pct, ok2, err2 := row.Number("demand_pct")
		if run == nil || !ok || !ok2 || err != nil || err2 != nil {
			continue
		}
		if mean, _, err := run.at(pct); err == nil {
			g := rankKey(row, "")
			groups[g] = append(groups[g], entry{row.Text("policy"), v, mean})
		}
	}
	for g, list := range groups {
		slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(b.measured, a.measured) })
		for i, e := range list {
			k.ranks[g+"\x00measured\x00"+e.policy] = i + 1
		}
		slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(b.predicted, a.predicted) })
		for i, e := range list {
			k.ranks[g+"\x00predicted\x00"+e.policy] = i + 1
		}
	}
}

func rankKey(row Row, of string) string {
	g := row.Text("trace") + "\x00" + row.Text("nodes") + "\x00" + row.Text("demand_pct")
	if of != "" {
		g += "\x00" + of + "\x00" + row.Text("policy")
	}
	return g
}

func (k *clusters) placement(row Row, c *Case) (Prediction, error) {
	if m := flatWord(row.Text("metric")); !strings.Contains(m, "alloc") || strings.Contains(m, "cpu") || strings.Contains(m, "mem") {
		return Prediction{}, fmt.Errorf("metric %q of a placement: want gpu_allocation_pct", row.Text("metric"))
	}
	scale := 1.0
	if u := strings.ToLower(row.Text("unit")); u == "ratio" || u == "fraction" || u == "1" {
		scale = 0.01
	}
	pct, ok, err := row.Number("demand_pct")
	if err != nil {
		return Prediction{}, err
	}
	if !ok {
		return Prediction{}, fmt.Errorf("demand_pct is empty: at which demand was the allocation measured?")
	}
	run := k.packs[packKeyOf(row)]
	mean, se, err := run.at(pct)
	if err != nil {
		return Prediction{}, err
	}
	if row.Text("seeds") == "" {
		c.Assumed = append(c.Assumed, "seeds 42..51")
	}
	c.Assumed = append(c.Assumed, fmt.Sprintf("demand piles up to %.0f %% of the GPUs; a pod that fits nowhere is lost", 100*run.ratio))
	c.In("demand", row.Text("demand_pct"))
	mean, se = mean*scale, se*scale
	c.Note = fmt.Sprintf("%+.2f points; rank %d among the policies, measured %d", (mean-*c.Measured)/scale, k.ranks[rankKey(row, "predicted")], k.ranks[rankKey(row, "measured")])
	// Two means over as many seeds each differ by √2 standard errors.
	half := z90 * math.Sqrt2 * se
	return Prediction{Value: mean, Low: mean - half, High: mean + half, Roofline: min(pct, 100) * scale, Rung: "replayed placement"}, nil
}
