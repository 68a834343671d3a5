// Command gen fits the constants of engine profiles on a table of serving runs
// (-fit writes them into the profiles), or prints what the present ones are worth on
// runs of models, chips and engines that are left out.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"

	"aisim/calibration/engines"
	"aisim/calibration/validate"
	"aisim/workloads/serving"
)

func main() {
	table := flag.String("table", "../shared/data/validation/inference.csv", "table of serving runs")
	dir := flag.String("profiles", "workloads/serving/engines", "folder of the profiles that -fit writes")
	write := flag.Bool("fit", false, "fit the constants and write them into the profiles")
	only := flag.String("engine", "", "this engine alone")
	flag.Parse()
	if err := run(*table, *dir, *only, *write); err != nil {
		fmt.Fprintln(os.Stderr, "engines:", err)
		os.Exit(1)
	}
}

func run(table, dir, only string, write bool) error {
	f, err := os.Open(table)
	if err != nil {
		return err
	}
	defer f.Close()
	runs, err := validate.ReadServingRuns(f)
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	fits := engines.Engines{Runs: runs}
	var results []*engines.EngineResult
	for _, id := range runs.Engines() {
		if only != "" && id != only {
			continue
		}
		at := fits.At
		if write {
			at = fits.Fit
		}
		r, err := at(id)
		if err != nil {
			return err
		}
		if write {
			if err := rewrite(filepath.Join(dir, id+".toml"), r.Profile); err != nil {
				return err
			}
		}
		results = append(results, r)
	}
	s := sheet{runs: runs, errors: map[string]map[key][]float64{}}
	for _, r := range results {
		s.add("fitted", r.Runs, r.Errors)
		if err := s.leaveOut(&fits, r, "model", func(q *validate.ServingRun) string { return q.Model }); err != nil {
			return err
		}
		if err := s.leaveOut(&fits, r, "chip", func(q *validate.ServingRun) string { return q.Chip }); err != nil {
			return err
		}
		p, err := engines.Unseen(r, results)
		if err != nil {
			return err
		}
		s.add("engine", r.Runs, runs.Errors(p, r.Runs))
	}
	s.print()
	return nil
}

// key is a group of accuracy targets.
type key struct{ kind, metric string }

// sheet collects errors by what was left out.
type sheet struct {
	runs   *validate.ServingRuns
	errors map[string]map[key][]float64
}

func (s *sheet) add(how string, runs []int, errors []float64) {
	if s.errors[how] == nil {
		s.errors[how] = map[key][]float64{}
	}
	at := 0
	for _, i := range runs {
		r := &s.runs.Runs[i]
		for _, c := range r.Cases {
			metric := c.Metric
			if metric == "output_tok_s_per_gpu" {
				metric = "output_tok_s"
			}
			if !math.IsNaN(errors[at]) {
				k := key{r.Kind, metric}
				s.errors[how][k] = append(s.errors[how][k], errors[at])
			}
			at++
		}
	}
}

// leaveOut predicts the runs of each family with constants fitted on the others.
func (s *sheet) leaveOut(fits *engines.Engines, r *engines.EngineResult, how string, of func(*validate.ServingRun) string) error {
	var families []string
	for _, i := range r.Runs {
		if k := of(&s.runs.Runs[i]); !slices.Contains(families, k) {
			families = append(families, k)
		}
	}
	for _, k := range families {
		p, err := fits.Without(r, func(q *validate.ServingRun) bool { return of(q) == k })
		if err != nil {
			return err
		}
		var out []int
		for _, i := range r.Runs {
			if of(&s.runs.Runs[i]) == k {
				out = append(out, i)
			}
		}
		s.add(how, out, s.runs.Errors(p, out))
	}
	return nil
}

func (s *sheet) print() {
	var keys []key
	for k := range s.errors["fitted"] {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i].kind < keys[j].kind || keys[i].kind == keys[j].kind && keys[i].metric < keys[j].metric
	})
	fmt.Printf("%-36s %5s %18s %18s %18s %18s\n", "median / p90 of absolute errors", "cases", "fitted", "model left out", "chip left out", "engine left out")
	for _, k := range keys {
		fmt.Printf("%-36s %5d", k.kind+", "+k.metric, len(s.errors["fitted"][k]))
		for _, how := range []string{"fitted", "model", "chip", "engine"} {
			v := make([]float64, 0, len(s.errors[how][k]))
			for _, e := range s.errors[how][k] {
				v = append(v, math.Abs(math.Expm1(e)))
			}
			sort.Float64s(v)
			fmt.Printf(" %8.1f /%6.1f %%", 100*v[len(v)/2], 100*v[min(len(v)*9/10, len(v)-1)])
		}
		fmt.Println()
	}
}

// rewrite puts the constants into a profile's file and leaves everything else.
func rewrite(path string, p serving.EngineProfile) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fitted := map[string]bool{}
	for _, c := range engines.EngineSpec(p.ID) {
		fitted[p.ID+"."+c.Name] = true
	}
	for _, c := range p.Constants() {
		if !fitted[c.Name] {
			continue
		}
		line := regexp.MustCompile(`(?m)^(` + c.Name[len(p.ID)+1:] + `\s*= \{ value = )[^,]+(,.*source = ")[^"]*(".*)$`)
		if !line.Match(text) {
			return fmt.Errorf("%s: no line of %s", path, c.Name)
		}
		text = line.ReplaceAll(text, []byte(fmt.Sprintf("${1}%.3g${2}make engines${3}", c.Value)))
	}
	return os.WriteFile(path, text, 0o644)
}
