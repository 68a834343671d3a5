package engines

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"aisim/calibration/validate"
	"aisim/workloads/serving"
)

// table is a sweep whose times per token are those that a profile predicts.
func table(t *testing.T, e serving.EngineProfile) string {
	t.Helper()
	var b strings.Builder
	row := func(tp, c int, tpot float64) {
		fmt.Fprintf(&b, "tp%d-c%d,gate,h100_sxm,Llama-3.1-8B,vllm,0.9,bf16,tp%d,1024,128,concurrency,%d,%g\n", tp, c, tp, c, tpot)
	}
	const header = "id,use,hardware,model,engine,engine_version,precision,parallelism,isl,osl,load_type,load_value,tpot_ms\n"
	var sweep [][2]int
	for _, tp := range []int{1, 2, 4, 8} {
		for c := 1; c <= 8; c += 2 {
			sweep = append(sweep, [2]int{tp, c})
		}
	}
	b.WriteString(header)
	for _, s := range sweep {
		row(s[0], s[1], 1)
	}
	runs, err := validate.ReadServingRuns(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	all := make([]int, len(runs.Runs))
	for i := range all {
		all[i] = i
	}
	errors := runs.Errors(e, all)
	b.Reset()
	b.WriteString(header)
	for i, s := range sweep {
		row(s[0], s[1], math.Exp(errors[i]))
	}
	return b.String()
}

// The fit explains what a profile with slower layers predicts, though constants that act alike
// share the blame; with all runs left out nothing pulls away from the priors.
func TestFitExplains(t *testing.T) {
	truth, err := serving.Engine("vllm")
	if err != nil {
		t.Fatal(err)
	}
	prior := 0.0
	for _, c := range EngineSpec("vllm") {
		if c.Name == "layer" {
			prior = c.Prior
		}
	}
	truth.Layer.Value = 2 * prior
	runs, err := validate.ReadServingRuns(strings.NewReader(table(t, truth)))
	if err != nil {
		t.Fatal(err)
	}
	f := Engines{Runs: runs}
	at, err := f.At("vllm")
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Fit("vllm")
	if err != nil {
		t.Fatal(err)
	}
	if after, before := meanAbs(r.Errors), meanAbs(at.Errors); after > 0.05 || after >= before {
		t.Errorf("mean error %.4f after the fit, %.4f before", after, before)
	}
	p, err := f.Without(r, func(*validate.ServingRun) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range EngineSpec("vllm") {
		if c.Name == "layer" && math.Abs(p.Layer.Value/c.Prior-1) > 1e-9 {
			t.Errorf("without runs layer is %g, its prior %g", p.Layer.Value, c.Prior)
		}
	}
}

func meanAbs(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += math.Abs(x)
	}
	return sum / float64(len(v))
}

func TestEnginesRefuse(t *testing.T) {
	if _, err := validate.ReadServingRuns(strings.NewReader("id,hardware,model,engine,isl,osl,load_type\n")); err == nil {
		t.Error("an empty table was read")
	}
}
