package arrivals

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"aisim/internal/measured"
	"aisim/sim"
	"aisim/workloads/trace"
)

func generate(t testing.TB, s Spec, seed uint64) []trace.Request {
	t.Helper()
	reqs, err := Generate(s, sim.NewStream(seed, "test"))
	if err != nil {
		t.Fatal(err)
	}
	return reqs
}

func gapCV(reqs []trace.Request) float64 {
	tr := trace.Trace{Requests: reqs}
	return tr.Summarise().GapCV
}

// dispersion is the variance of counts in windows of w seconds over their mean.
func dispersion(reqs []trace.Request, w float64) float64 {
	n := int(reqs[len(reqs)-1].ArriveSec / w)
	c := make([]float64, n)
	for _, r := range reqs {
		if k := int(r.ArriveSec / w); k < n {
			c[k]++
		}
	}
	var sum, sq float64
	for _, x := range c {
		sum += x
		sq += x * x
	}
	m := sum / float64(n)
	return (sq/float64(n) - m*m) / m
}

func fixed(n float64) Lengths { return Lengths{Mean: n} }

func within(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got/want-1) > tol {
		t.Errorf("%s = %.5g, want %.5g within %.1f %%", what, got, want, 100*tol)
	}
}

// Standard errors: 100,000 gaps give the mean within 0.3 % and the cv within 1 %
// (one sd); the tolerances are four of them.
func TestRatesAndBurstiness(t *testing.T) {
	base := Spec{RatePerSec: 20, DurationSec: 5000, Prompt: fixed(10), Output: fixed(5)}
	for _, c := range []struct {
		process string
		cv      float64
	}{{Poisson, 0}, {Gamma, 0.5}, {Gamma, 1}, {Gamma, 3}} {
		s := base
		s.Process, s.CV = c.process, c.cv
		reqs := generate(t, s, 7)
		want := c.cv
		if want == 0 {
			want = 1
		}
		within(t, c.process+" rate", trace.Rate(reqs), 20, 0.013*max(1, want))
		within(t, c.process+" cv", gapCV(reqs), want, 0.04)
	}
}

func TestDiurnalMovesTheLoad(t *testing.T) {
	for _, process := range []string{Poisson, AzureConv} {
		s := Spec{Process: process, RatePerSec: 5, DurationSec: 86400, Diurnal: Diurnal{Amplitude: 0.8, PeakSec: 15 * 3600}, Prompt: fixed(1), Output: fixed(1)}
		reqs := generate(t, s, 3)
		at := func(hour float64) float64 {
			low := sort.Search(len(reqs), func(i int) bool { return reqs[i].ArriveSec >= (hour-1)*3600 })
			high := sort.Search(len(reqs), func(i int) bool { return reqs[i].ArriveSec >= (hour+1)*3600 })
			return float64(high-low) / 7200
		}
		tol := 0.05
		if process == AzureConv {
			tol = 0.3 // the rate wanders by a quarter over minutes
		}
		within(t, process+" rate at the peak", at(15), 5*(1+0.8*0.989), tol)
		if trough := at(3); trough > 2 {
			t.Errorf("%s: rate in the trough %v, want about 1", process, trough)
		}
		within(t, process+" mean rate", float64(len(reqs))/86400, 5, 0.04)
	}
}

func TestLengths(t *testing.T) {
	s := sim.NewStream(1, "lengths")
	draw := func(l Lengths) []float64 {
		if err := l.Validate(); err != nil {
			t.Fatal(err)
		}
		v := make([]float64, 100_000)
		for i := range v {
			v[i] = float64(l.Draw(&s))
		}
		slices.Sort(v)
		return v
	}
	mean := func(v []float64) float64 {
		m := 0.0
		for _, x := range v {
			m += x
		}
		return m / float64(len(v))
	}
	l := Lengths{Mean: 1000, CV: 0.8}
	v := draw(l)
	within(t, "lognormal mean", mean(v), 1000, 0.012)
	l = Lengths{P50: 500, P95: 3000}
	v = draw(l)
	within(t, "median", v[50_000], 500, 0.02)
	within(t, "p95", v[95_000], 3000, 0.03)
	within(t, "mean of percentiles", mean(v), l.MeanTokens(), 0.03)
	l = Lengths{At: []float64{0, 0.5, 1}, Quantiles: []float64{100, 200, 1000}}
	v = draw(l)
	within(t, "quantile mean", mean(v), l.MeanTokens(), 0.01)
	if v = draw(Lengths{Mean: 77}); v[0] != 77 || v[len(v)-1] != 77 {
		t.Error("a mean without cv must be a fixed length")
	}
	if v = draw(Lengths{Mean: 100, CV: 3, Min: 50, Max: 200}); v[0] != 50 || v[len(v)-1] != 200 {
		t.Errorf("bounds not kept: %v to %v", v[0], v[len(v)-1])
	}
}

func TestBadSpecs(t *testing.T) {
	ok := Spec{RatePerSec: 1, DurationSec: 10, Prompt: fixed(1), Output: fixed(1)}
	for want, change := range map[string]func(*Spec){
		"unknown process":   func(s *Spec) { s.Process = "weird" },
		"rate":              func(s *Spec) { s.RatePerSec = -1 },
		"duration":          func(s *Spec) { s.DurationSec = math.Inf(1) },
		"cv":                func(s *Spec) { s.Process = Gamma },
		"only a gamma":      func(s *Spec) { s.CV = 2 },
		"amplitude":         func(s *Spec) { s.Diurnal.Amplitude = 2 },
		"at most":           func(s *Spec) { s.RatePerSec = 1e12 },
		"prompt":            func(s *Spec) { s.Prompt = Lengths{} },
		"output":            func(s *Spec) { s.Output = Lengths{P50: 10, P95: 5} },
		"must not fall":     func(s *Spec) { s.Output = Lengths{At: []float64{0, 1}, Quantiles: []float64{2, 1}} },
		"no request":        func(s *Spec) { s.RatePerSec = 1e-9 },
		"either mean":       func(s *Spec) { s.Output = Lengths{Mean: 10, P50: 5, P95: 9} },
		"must not be negat": func(s *Spec) { s.Output = Lengths{Mean: math.NaN()} },
	} {
		s := ok
		change(&s)
		if _, err := Generate(s, sim.NewStream(1, "x")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestSameSeedSameLoad(t *testing.T) {
	s := Spec{Process: AzureConv, DurationSec: 600}
	a, b := generate(t, s, 5), generate(t, s, 5)
	if !slices.Equal(a, b) {
		t.Error("two runs with one seed differ")
	}
	if c := generate(t, s, 6); slices.Equal(a, c) {
		t.Error("two seeds gave one load")
	}
	// Lengths of one's own must leave the arrivals as they were.
	s.Output = fixed(100)
	c := generate(t, s, 5)
	if len(a) != len(c) || a[10].ArriveSec != c[10].ArriveSec {
		t.Error("changing the lengths changed the arrivals")
	}
}

func conversation(t *testing.T) *trace.Trace {
	t.Helper()
	tr, err := trace.ReadFile(measured.Path(t, "inference/azure-llm-2023/AzureLLMInferenceTrace_conv.csv"), trace.Azure, trace.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestConvFit measures the fitted generator against the trace: lengths at means
// and percentiles, and burstiness at several time scales. Lengths are drawn 20
// times as often as the trace has rows, so that what is measured is the fit.
// Dispersion is the mean over 40 hours of load; the trace is one hour, whose own
// figure at 60 s and beyond rests on 58 windows or fewer, hence 35 %.
func TestConvFit(t *testing.T) {
	tr := conversation(t)
	var p, o, gp, go_ []float64
	for _, r := range tr.Requests {
		p, o = append(p, float64(r.Prompt)), append(o, float64(r.Output))
	}
	s := sim.NewStream(11, "conv")
	var cross, gcross float64
	for range 20 * len(p) {
		a, b := ConvLengths(&s)
		gp, go_ = append(gp, float64(a)), append(go_, float64(b))
		gcross += float64(a) * float64(b)
	}
	for i := range p {
		cross += p[i] * o[i]
	}
	mean := func(v []float64) float64 {
		m := 0.0
		for _, x := range v {
			m += x
		}
		return m / float64(len(v))
	}
	report := func(what string, got, want, tol float64) {
		t.Logf("%-24s generator %9.4g trace %9.4g error %+.2f %%", what, got, want, 100*(got/want-1))
		within(t, what, got, want, tol)
	}
	report("prompt mean", mean(gp), mean(p), 0.01)
	report("output mean", mean(go_), mean(o), 0.01)
	report("mean of the product", gcross/float64(len(gp)), cross/float64(len(p)), 0.03)
	for _, v := range [][]float64{p, o, gp, go_} {
		slices.Sort(v)
	}
	at := func(v []float64, q float64) float64 { return v[int(q*float64(len(v)-1))] }
	for _, q := range []float64{.05, .1, .25, .5, .75, .9, .95, .99} {
		name := "p" + strings.TrimSuffix(strings.TrimPrefix(trim(q), "0."), "0")
		report("prompt "+name, at(gp, q), at(p, q), 0.03)
		tol := 0.03
		if q == .5 || q == .75 {
			tol = 0.05
		}
		report("output "+name, at(go_, q), at(o, q), tol)
	}
	windows := []float64{0.1, 1, 5, 10, 60, 300}
	sum := make([]float64, len(windows))
	var cv float64
	const hours = 40
	for h := range hours {
		reqs := generate(t, Spec{Process: AzureConv, DurationSec: 3501.7, Prompt: fixed(1), Output: fixed(1)}, uint64(h))
		cv += gapCV(reqs) / hours
		for i, w := range windows {
			sum[i] += dispersion(reqs, w) / hours
		}
	}
	report("cv of gaps", cv, gapCV(tr.Requests), 0.05)
	for i, w := range windows {
		tol := 0.12
		if w >= 60 {
			tol = 0.35
		}
		report("dispersion at "+trim(w)+" s", sum[i], dispersion(tr.Requests, w), tol)
	}
}

func trim(x float64) string {
	s := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(x, 'f', 2, 64), "0"), ".")
	return s
}
