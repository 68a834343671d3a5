package validate

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"aisim/hardware"
	"aisim/sim"
	"aisim/workloads/serving"
)

func init() { Register("inference", newInference) }

// inference predicts serving runs: latencies and rates of a service under load.
type inference struct {
	catalogue *hardware.Catalogue
	devices   map[string]*hardware.Device
	sweeps    map[string]*sweep // of disaggregated services
	nets      *collectives      // of layouts over several hosts
}

func newInference() (Kind, error) {
	return &inference{catalogue: hardware.Default(), devices: map[string]*hardware.Device{}}, nil
}

func (k *inference) Name() string { return "inference" }
func (k *inference) Columns() []string {
	return []string{"hardware", "model", "engine", "isl", "osl", "load_type"}
}

// latencyMetrics are the measured columns and what they mean.
var latencyMetrics = []struct {
	column, unit string
	scale        Scale
}{
	{"ttft_ms", "ms", Time}, {"ttft_p90_ms", "ms", Time}, {"ttft_p99_ms", "ms", Time},
	{"tpot_ms", "ms", Time}, {"tpot_p99_ms", "ms", Time}, {"e2e_mean_ms", "ms", Time}, {"e2e_p99_ms", "ms", Time},
	{"output_tok_s", "tokens/s", Rate}, {"output_tok_s_per_gpu", "tokens/s", Rate}, {"req_s", "requests/s", Rate},
}

// answer is what a prediction says of each metric, in the columns' units, and what a
// roofline of the same chips does.
type answer struct {
	value, roof map[string]float64
	busy        float64 // utilisation of the busiest pool
	note        string
}

// Predict implements Kind.
func (k *inference) Predict(row Row, c Case) []Case {
	for _, col := range []string{"hardware", "engine", "model", "source", "precision", "mode"} {
		by := col
		if col == "hardware" {
			by = "chip"
		}
		c.In(by, row.Text(col))
	}
	var cases []Case
	for _, m := range latencyMetrics {
		v, ok, err := row.Number(m.column)
		if err == nil && ok && v <= 0 {
			err = fmt.Errorf("line %d: %s is %g, want a positive number", row.Line, m.column, v)
		}
		if err != nil {
			return []Case{c.Fail(err)}
		}
		if ok {
			one := c
			one.keys = append([]groupKey(nil), c.keys...)
			one.Measure(m.column, m.unit, m.scale, v)
			one.In("metric", m.column)
			cases = append(cases, one)
		}
	}
	if len(cases) == 0 {
		return []Case{c.Refuse("the row has no measured metric")}
	}
	refuse := func(reason string) []Case {
		for i := range cases {
			cases[i] = cases[i].Refuse(reason)
		}
		return cases
	}
	s, err := k.readService(row)
	if err != nil {
		return refuse(err.Error())
	}
	d, err := k.device(s.chip)
	if err != nil {
		return refuse(err.Error())
	}
	a, err := k.answer(s, d)
	for i := range cases { // assumptions of the run among them
		cases[i].Assumed = s.assumed
		cases[i].In("kind", s.kind+", "+cases[i].Metric)
		cases[i].In("chip and metric", row.Text("hardware")+", "+cases[i].Metric)
		cases[i].In("engine and metric", s.engine.ID+", "+cases[i].Metric)
		cases[i].In("model and metric", s.arch.ID+", "+cases[i].Metric)
	}
	if err != nil {
		return refuse(err.Error())
	}
	short := endedEarly(row, s)
	for i := range cases {
		p := &cases[i]
		if strings.HasPrefix(p.Metric, "e2e_mean") && short != "" {
			*p = p.Refuse(short)
			continue
		}
		v, ok := a.value[p.Metric]
		if !ok || !(v > 0) || math.IsInf(v, 0) {
			*p = p.Refuse("the metric is not defined for this load")
			continue
		}
		p.In("utilisation, "+p.Metric, a.band())
		p.Note = a.note
		sd := s.spread(p.Metric)
		p.Predict(Prediction{Value: v, Low: v * math.Exp(-z90*sd), High: v * math.Exp(z90*sd), Roofline: a.roof[p.Metric], Rung: s.rung(d)})
	}
	return cases
}

// endedEarly says whether the row itself shows that answers were shorter than osl: its
// end-to-end time is below its first token and the rest at its time per token.
func endedEarly(row Row, s *service) string {
	first, ok1, _ := row.Number("ttft_ms")
	each, ok2, _ := row.Number("tpot_ms")
	whole, ok3, _ := row.Number("e2e_mean_ms")
	if !ok1 || !ok2 || !ok3 || each <= 0 || s.load.spread() {
		return ""
	}
	want := first + (s.load.osl-1)*each
	if whole >= 0.8*want {
		return ""
	}
	return fmt.Sprintf("answers ended after about %.0f of %.0f tokens: the row's first token and time per token make %.0f ms, and it measured %.0f", 1+math.Max(0, whole-first)/each, s.load.osl, want, whole)
}

// band is the class of utilisation that errors are stated for.
func (a *answer) band() string {
	switch {
	case a.busy < 0.5:
		return "below 50 %"
	case a.busy < 0.9:
		return "50 to 90 %"
	}
	return "above 90 %"
}

func (k *inference) device(id string) (*hardware.Device, error) {
	if d := k.devices[id]; d != nil {
		return d, nil
	}
	d, err := k.catalogue.Device(id, nil, nil)
	if err == nil {
		k.devices[id] = d
	}
	return d, err
}

// hostSpeed is the speed of a chip's usual host relative to that of an H100: CPUs of
// 2020 beside A100s launch kernels at 29.7/44.5 of the rate (inference notes, section 4).
func hostSpeed(a *hardware.Accelerator) float64 {
	if a.Kind == "gpu" && a.Year > 0 && a.Year <= 2021 {
		return 29.7 / 44.5
	}
	return 1
}

// config is the service of one pool.
func (s *service) config(l layout) serving.Config {
	c := serving.Config{Arch: s.arch, Engine: s.engine, Precision: s.weights, KVPrecision: s.cache, WeightsOnly: s.stored, TP: l.tp, PP: l.pp, AttentionDP: l.adp, ExpertParallel: l.ep,
		MaxBatch: s.limits.maxSeqs, TokenBudget: s.limits.budget, MemoryFraction: s.limits.fraction, StreamInterval: s.limits.stream}
	c.Engine.Async = c.Engine.Async && !s.waits
	return c
}

const maxSequences = 2048 // of one attention group, where a row says nothing

// answer runs the service.
func (k *inference) answer(s *service, d *hardware.Device) (*answer, error) {
	a, err := k.catalogue.Accelerator(s.chip)
	if err != nil {
		return nil, err
	}
	m := serving.Machine{Device: widened(d, s), HostSpeed: hostSpeed(a)}
	if len(s.pools) == 2 {
		return s.disaggregated(k, a, m)
	}
	l := s.pools[0]
	if err := s.acrossHosts(k, a, &m, l); err != nil {
		return nil, err
	}
	c := s.config(l)
	switch s.load.shape {
	case staticBatch:
		return s.static(c, m)
	case offline:
		c.Offline = true
		if c.MaxBatch == 0 {
			c.MaxBatch = maxSequences * l.adp
		}
	case closedLoop:
		per := math.Ceil(s.load.inFlight / float64(s.replicas))
		if c.MaxBatch == 0 {
			c.MaxBatch = max(c.Engine.MaxBatch*l.adp, int(math.Min(per, maxSequences*float64(l.adp))))
		}
	case openLoop:
	}
	if budget := max(c.TokenBudget, c.Engine.TokenBudget*l.adp); c.MaxBatch > budget {
		c.TokenBudget = c.MaxBatch
	}
	p, err := s.prepare(c, m)
	if err != nil {
		return nil, err
	}
	reqs, opt := s.requests()
	o, err := p.Simulate(reqs, opt)
	if err != nil {
		return nil, err
	}
	if o.Lost > 0 {
		return nil, fmt.Errorf("%d of %d requests exceed the context or the cache of %d tokens", o.Lost, o.Requests, o.Memory.Tokens)
	}
	gpus := float64(l.chips())
	replicas := float64(s.replicas)
	if s.load.shape == openLoop {
		replicas = 1
	}
	out := &answer{busy: o.Utilisation, value: s.measures(o, replicas, gpus*replicas)}
	out.note = fmt.Sprintf("batch %.0f, cache %.0f %% full", o.MeanBatch, 100*o.CacheMean)
	out.busy = math.Max(o.CachePeak, o.MeanBatch/float64(p.Config.MaxBatch))
	s.roofline(out, d, l, o.MeanBatch)
	return out, nil
}

// measures are the metrics of one replica, of so many, on so many chips.
func (s *service) measures(o *serving.Outcome, replicas, chips float64) map[string]float64 {
	return map[string]float64{
		"ttft_ms": 1e3 * s.first.of(&o.TTFT), "ttft_p90_ms": 1e3 * o.TTFT.P90, "ttft_p99_ms": 1e3 * o.TTFT.P99,
		"tpot_ms": 1e3 * s.each.of(&o.TPOT), "tpot_p99_ms": 1e3 * o.TPOT.P99, "e2e_mean_ms": 1e3 * o.E2E.Mean, "e2e_p99_ms": 1e3 * o.E2E.P99,
		"output_tok_s": o.OutputPerSec * replicas, "output_tok_s_per_gpu": o.OutputPerSec * replicas / chips, "req_s": o.RequestsPerSec * replicas,
	}
}

// fullMemory is the largest share of a chip's memory that recipes give an engine.
const fullMemory = 0.95

// prepare is the service; a model that does not fit into the engine's usual share of the
// memory, but ran, was given a larger one.
func (s *service) prepare(c serving.Config, m serving.Machine) (*serving.Prepared, error) {
	p, err := serving.Prepare(c, m)
	var full *serving.MemoryError
	if errors.As(err, &full) && s.limits.fraction == 0 && full.Memory.Fraction < fullMemory {
		c.MemoryFraction = fullMemory
		if p, second := serving.Prepare(c, m); second == nil {
			s.assume("memory fraction %g: the model does not fit into %.3g", fullMemory, full.Memory.Fraction)
			return p, nil
		}
	}
	return p, err
}

// bridged is the largest scale-up domain that a bridge between cards makes; beyond it the
// cards of a server meet over the host link.
const bridged = 4

// widened is the device with a scale-up domain that holds the row's layout: a run
// that was measured had the links.
func widened(d *hardware.Device, s *service) *hardware.Device {
	most := 1
	for _, l := range s.pools {
		most = max(most, l.tp)
	}
	if most <= d.ScaleUpDomain || d.ScaleUpDomain > bridged {
		return d
	}
	c := *d
	c.ScaleUpDomain, c.ScaleUpBytesPerSec = most, 0
	s.assume("%d chips over the host link", most)
	return &c
}

// outputDrift is the half width by which outputs of equal lengths differ in a closed
// loop. Simulated to the token, requests that were computed in one step end in one step,
// and their successors arrive together for ever; measured loops drift apart. A tenth,
// against none, takes the first token of fixed-length rows from 33 to 23 % of error
// (dense) and 27 to 22 % (mixtures); 3 to 20 % differ little.
const outputDrift = 0.1

// requests makes the load of one replica.
func (s *service) requests() ([]serving.Request, serving.Options) {
	l := &s.load
	stream := sim.NewStream(1, "validate")
	length := func(mean, span float64, spread bool, drift float64) int32 {
		v := mean
		switch {
		case span > 0:
			v = mean * stream.Uniform(1-span, 1+span)
		case l.uniform:
			v = mean * stream.Uniform(0.8, 1)
		case spread:
			v = stream.Exp(mean)
		case drift > 0 && l.shape == closedLoop && !l.inStep:
			v = mean * stream.Uniform(1-drift, 1+drift)
		}
		return int32(math.Max(1, math.Round(v)))
	}
	var opt serving.Options
	var n int
	switch l.shape {
	case offline:
		n = int(math.Ceil(l.inFlight / float64(s.replicas)))
		opt.Concurrency = n
	case openLoop:
		n = max(1, l.requests)
	default:
		opt.Concurrency = max(1, int(math.Ceil(l.inFlight/float64(s.replicas))))
		n = max(l.requests/s.replicas, min(max(10*opt.Concurrency, 20), max(2000, 2*opt.Concurrency)))
		if len(s.pools) == 2 { // sa-bench of srt-slurm, which measures such systems, sends ten for each
			n = max(l.requests, 10*opt.Concurrency, 20)
		}
	}
	reqs := make([]serving.Request, n)
	at := 0.0
	for i := range reqs {
		if l.shape == openLoop {
			gap := float64(s.replicas) / l.rate
			switch {
			case l.gapCV == 1:
				gap = stream.Exp(gap)
			case l.gapCV > 0:
				shape := 1 / (l.gapCV * l.gapCV)
				gap = stream.Gamma(shape, gap/shape)
			}
			at += gap
		}
		reqs[i] = serving.Request{ArriveSec: at, Prompt: length(l.isl, l.islSpan, l.spread(), 0), Output: length(l.osl, l.oslSpan, l.spread(), outputDrift)}
	}
	return reqs, opt
}

// static is a batch that starts together: one prefill of all prompts, then decode steps.
func (s *service) static(c serving.Config, m serving.Machine) (*answer, error) {
	batch := int(s.load.inFlight)
	tokens := batch * int(s.load.isl)
	if tokens > 1<<20 {
		return nil, fmt.Errorf("a static batch of %d prompt tokens: at most %d", tokens, 1<<20)
	}
	c.MaxBatch = max(c.Engine.MaxBatch, batch)
	c.TokenBudget = max(c.Engine.TokenBudget, tokens, c.MaxBatch)
	p, err := serving.Prepare(c, m)
	if err != nil {
		return nil, err
	}
	if need := batch * int(s.load.isl+s.load.osl); need > p.Memory.Tokens {
		return nil, fmt.Errorf("the batch takes %d tokens of cache; %d fit", need, p.Memory.Tokens)
	}
	first := p.Model.BatchPrefillSec(batch, int(s.load.isl))
	step := p.Model.DecodeStepSec(batch, float64(batch)*(s.load.isl+s.load.osl/2))
	out := &answer{busy: 1, value: map[string]float64{
		"ttft_ms": 1e3 * first, "tpot_ms": 1e3 * step, "e2e_mean_ms": 1e3 * (first + (s.load.osl-1)*step),
		"output_tok_s": float64(batch) * s.load.osl / (first + (s.load.osl-1)*step),
	}}
	out.value["output_tok_s_per_gpu"] = out.value["output_tok_s"] / float64(s.pools[0].chips())
	s.roofline(out, m.Device, s.pools[0], float64(batch))
	return out, nil
}

// roofline is what peak rates alone say: a decode step reads the weights that a token
// uses and the caches once at stated bandwidth or computes at peak; a prompt computes
// at peak.
func (s *service) roofline(a *answer, d *hardware.Device, l layout, batch float64) {
	arch := &s.arch
	chips := float64(l.chips())
	peak := d.Peak[s.weights]
	if peak == 0 {
		peak = math.Max(d.Peak[hardware.FP8], d.Peak[hardware.BF16])
		if s.weights != hardware.FP8 {
			peak = d.Peak[hardware.BF16]
		}
	}
	batch = math.Max(batch, 1)
	weights := arch.ActiveParams()
	if arch.Experts > 0 {
		total := arch.Params()
		hit := -math.Expm1(batch * math.Log1p(-math.Min(float64(arch.ExpertsActive)/float64(arch.Experts), 1-1e-12)))
		weights = math.Min(total, weights+(total-weights)*hit)
	}
	kv := arch.KVBytes(s.load.isl+s.load.osl/2, s.cache) * batch
	step := math.Max((weights*s.weights.Bytes()+kv)/(d.MemBytesPerSec*chips), 2*arch.ActiveParams()*batch/(peak*chips))
	first := arch.FlopsPerToken(s.load.isl) * s.load.isl / (peak * chips)
	if s.load.shape == staticBatch {
		first *= batch
	}
	e2e := first + (s.load.osl-1)*step
	perGPU := batch * s.load.osl / (first*batch + s.load.osl*step) / chips
	a.roof = map[string]float64{
		"ttft_ms": 1e3 * first, "ttft_p90_ms": 1e3 * first, "ttft_p99_ms": 1e3 * first, "tpot_ms": 1e3 * step, "tpot_p99_ms": 1e3 * step,
		"e2e_mean_ms": 1e3 * e2e, "e2e_p99_ms": 1e3 * e2e, "output_tok_s": perGPU * chips * float64(max(s.replicas, 1)), "output_tok_s_per_gpu": perGPU,
		"req_s": perGPU * chips * float64(max(s.replicas, 1)) / s.load.osl,
	}
}

// rung says whose constants a prediction stands on.
func (s *service) rung(d *hardware.Device) string {
	if s.unfitted != "" {
		return fmt.Sprintf("step model of %s for %s, %s", s.engine.ID, s.unfitted, d.Rung)
	}
	return "step model of " + s.engine.ID + ", " + d.Rung
}

// spread is the relative standard deviation of a prediction, so that nine in ten
// measurements lie inside where a model or a chip was left out of the fit (`make validation`):
// repeats of equal rows alone differ by 22 % (TPOT) and 30 % (first token) at p90.
func (s *service) spread(metric string) float64 {
	first := strings.HasPrefix(metric, "ttft")
	return s.ownSpread(first) * s.strange(first)
}

// strange is the factor by which a prediction is less sure where no serving run stands behind it: on
// engines without a profile by what leaving a whole engine out of the fit costs at p90 (TPOT of mixtures 36
// for 28 %, first tokens 197 for 56 %), on chips that are not NVIDIA's by as much as the former (assumed).
func (s *service) strange(first bool) float64 {
	factor := 1.0
	if !strings.HasPrefix(s.chip, "nvidia-") {
		factor = 1.3
	}
	switch {
	case s.unfitted == "":
		return factor
	case first:
		return 2 * factor
	}
	return 1.3 * factor
}

func (s *service) ownSpread(first bool) float64 {
	switch {
	case s.load.shape == staticBatch && first, s.load.shape == openLoop && first:
		return 0.19
	case s.load.shape == staticBatch:
		return 0.07
	case s.load.shape == openLoop:
		return 0.11
	case len(s.pools) == 2 && first:
		return 0.60
	case first:
		return 0.46
	case len(s.pools) == 2:
		return 0.20
	case s.arch.Experts > 0:
		return 0.19
	}
	return 0.15
}
