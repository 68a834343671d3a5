package validate

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/sim"
	"aisim/workloads/serving"
	"aisim/workloads/trace"
)

// Service says what a request log was measured on. What is empty or 0 is taken from the
// log, the file beside it or the name of the file; what none of them says is refused,
// but for limits of the engine, whose defaults are assumed and listed.
type Service struct {
	Chip, Model, Engine, EngineVersion string
	Precision, KVPrecision             string
	Tensor, Pipeline, Replicas         int
	MaxSeqs, TokenBudget, MaxContext   int
	MemoryFraction                     float64
	Router                             string
	Profile                            *profile.Profile // of the chip, nil: the embedded one
}

// keys of a log's settings under which each is found.
var serviceKeys = map[string][]string{
	"chip": {"hardware", "gpu", "gpu_name", "accelerator", "device"}, "model": {"model", "model_id", "model_name"},
	"engine": {"engine", "backend"}, "version": {"vllm_version", "sglang_version", "engine_version", "version"},
	"precision": {"dtype", "quantization", "precision"}, "kv": {"kv_cache_dtype"},
	"tensor": {"tensor_parallel_size", "tp_size", "tp"}, "pipeline": {"pipeline_parallel_size", "pp_size", "pp"}, "replicas": {"data_parallel_size", "replicas"},
	"seqs": {"max_num_seqs", "max_running_requests", "max_batch_size"}, "budget": {"max_num_batched_tokens", "chunked_prefill_size", "max_num_tokens"},
	"context": {"max_model_len", "context_length"}, "fraction": {"gpu_memory_utilization", "mem_fraction_static"},
}

// Requests replays a request log as it happened and holds the latencies that the model
// gives against those that were measured: means and percentiles over all requests.
func Requests(log *trace.Log, set Service) (*Report, error) {
	s, c, m, err := set.service(log)
	if err != nil {
		return nil, err
	}
	p, err := serving.Prepare(c, m)
	if err != nil {
		return nil, err
	}
	reqs, opt := replayed(log)
	switch {
	case log.Clients > 0:
		s.assume("%d clients that each send their next request with an answer, in the order of the log: it has no arrival times", log.Clients)
	case log.RequestsPerSec > 0:
		s.assume("Poisson arrivals at %g/s: the log has no arrival times", log.RequestsPerSec)
	}
	s.assumed = append(s.assumed, log.Notes...)
	o, err := p.Simulate(reqs, opt)
	if err != nil {
		return nil, err
	}
	if o.Lost > 0 {
		s.assume("%d of %d requests exceed the context or the cache of %d tokens and were not served", o.Lost, o.Requests, o.Memory.Tokens)
	}
	if o.Completed == 0 {
		return nil, fmt.Errorf("none of the %d requests fits the context or the cache of %d tokens", o.Requests, o.Memory.Tokens)
	}
	r := &Report{Schema: Schema, Kind: "requests", Cases: []Case{}}
	for _, x := range log.Rejected {
		s.assume("%d requests left out: %s (first at %d)", x.Count, x.Reason, x.First)
		r.Skipped += x.Count
	}
	roof := &answer{}
	s.roofline(roof, m.Device, s.pools[0], o.MeanBatch)
	band := (&answer{busy: math.Max(o.CachePeak, o.MeanBatch/float64(p.Config.MaxBatch))}).band()
	note := fmt.Sprintf("utilisation %.2f, batch %.0f of %d, cache %.0f %% full at most", o.Utilisation, o.MeanBatch, p.Config.MaxBatch, 100*o.CachePeak)
	add := func(name, unit string, scale Scale, measured, predicted, roofline float64) {
		k := NewCase(name, UseGate)
		k.Measure(name, unit, scale, measured)
		k.Assumed, k.Note = s.assumed, note
		k.In("metric", strings.SplitN(name, "_", 2)[0])
		k.In("chip", s.chip)
		k.In("model", s.arch.ID)
		k.In("engine", s.engine.ID)
		k.In("utilisation", band)
		sd := s.spread(name)
		k.Predict(Prediction{Value: predicted, Low: predicted * math.Exp(-z90*sd), High: predicted * math.Exp(z90*sd), Roofline: roofline,
			Rung: "replay with the step model of " + s.engine.ID + ", " + m.Device.Rung})
		r.Cases = append(r.Cases, k)
	}
	for _, l := range []struct {
		name string
		of   func(*trace.Logged) float64
		d    *serving.Distribution
	}{{"ttft", func(q *trace.Logged) float64 { return q.TTFTSec }, &o.TTFT},
		{"tpot", func(q *trace.Logged) float64 { return q.TPOTSec }, &o.TPOT},
		{"e2e", func(q *trace.Logged) float64 { return q.E2ESec }, &o.E2E}} {
		var v []float64
		for i := range log.Requests {
			if x := l.of(&log.Requests[i]); !math.IsNaN(x) {
				v = append(v, x)
			}
		}
		if len(v) == 0 {
			r.Cases = append(r.Cases, NewCase(l.name, UseGate).Refuse("the log does not have it"))
			continue
		}
		slices.Sort(v)
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		key := l.name + "_ms"
		if l.name == "e2e" {
			key = "e2e_mean_ms"
		}
		line := roof.roof[key]
		add(l.name+"_mean_ms", "ms", Time, 1e3*sum/float64(len(v)), 1e3*l.d.Mean, line)
		for _, q := range []int{50, 90, 95, 99} {
			at := float64(q) / 100
			add(fmt.Sprintf("%s_p%d_ms", l.name, q), "ms", Time, 1e3*quantileOf(v, at), 1e3*l.d.Quantile(at), line)
		}
	}
	if tokens, span := throughput(log); span > 0 && log.Clients == 0 && log.RequestsPerSec == 0 {
		add("output_tok_s", "tokens/s", Rate, tokens/span, float64(o.OutputTokens)/o.EndSec, roof.roof["output_tok_s"])
	}
	r.summarise()
	return r, nil
}

// replayed is the load of a log.
func replayed(log *trace.Log) ([]serving.Request, serving.Options) {
	reqs, opt := log.Trace().Requests, serving.Options{Workers: 1, Concurrency: log.Clients}
	if log.RequestsPerSec > 0 {
		stream, at := sim.NewStream(1, "replay"), 0.0
		for i := range reqs {
			reqs[i].ArriveSec = at
			at += stream.Exp(1 / log.RequestsPerSec)
		}
	}
	return reqs, opt
}

// throughput is the tokens of a log over the time from its first request to its last
// answer; 0 s when it does not say when answers ended.
func throughput(log *trace.Log) (tokens, span float64) {
	for i := range log.Requests {
		q := &log.Requests[i]
		if math.IsNaN(q.E2ESec) {
			return 0, 0
		}
		tokens += float64(q.Output)
		span = math.Max(span, q.ArriveSec+q.E2ESec)
	}
	return tokens, span
}

// quantileOf has straight lines between order statistics.
func quantileOf(sorted []float64, p float64) float64 {
	x := p * float64(len(sorted)-1)
	i := int(x)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}

// service puts together what the caller, the log and its name say.
func (set *Service) service(log *trace.Log) (*service, serving.Config, serving.Machine, error) {
	s := &service{replicas: 1, kind: "request log"}
	var c serving.Config
	var m serving.Machine
	fail := func(format string, args ...any) (*service, serving.Config, serving.Machine, error) {
		return nil, c, m, fmt.Errorf(format, args...)
	}
	said := func(given, key string) string {
		if given != "" {
			return given
		}
		for _, k := range serviceKeys[key] {
			if v := log.Settings[k]; v != "" && v != "null" {
				return v
			}
		}
		return ""
	}
	base := strings.ToLower(filepath.Base(log.Name))
	inf := &inference{catalogue: hardware.Default(), devices: map[string]*hardware.Device{}}

	chip := said(set.Chip, "chip")
	if s.chip, _ = chipID(strings.NewReplacer("_", " ", "-", " ").Replace(chip)); s.chip == "" || set.Chip != "" {
		if _, err := inf.catalogue.Accelerator(chip); err == nil {
			s.chip = chip
		}
	}
	if s.chip == "" && chip != "" {
		return fail("chip %q is not in the catalogue: give one of `aisim catalog list --kind accelerator` with --hardware", chip)
	}
	if s.chip == "" {
		if s.chip, _ = chipID(strings.ReplaceAll(base, "_", " ")); s.chip == "" {
			return fail("the log does not say which chip it was measured on: give it with --hardware")
		}
		s.assume("chip %s (from the file's name)", s.chip)
	}
	model := said(set.Model, "model")
	if model == "" {
		if modelID(base) == "" {
			return fail("the log does not say which model it was: give it with --model")
		}
		model = base
		s.assume("model %s (from the file's name)", modelID(base))
	}
	var assumed string
	var err error
	if s.arch, assumed, err = inf.architecture(model); err != nil {
		return fail("%w: give one of `aisim catalog list --kind model` with --model", err)
	}
	if assumed != "" {
		s.assume("%s", assumed)
	}
	engine, version := said(set.Engine, "engine"), said(set.EngineVersion, "version")
	if engine == "" {
		for _, k := range []string{"vllm", "sglang", "trtllm"} {
			if log.Settings[k+"_version"] != "" {
				engine = k
			} else if engine == "" && strings.Contains(base, k) {
				engine = k
				s.assume("engine %s (from the file's name)", k)
			}
		}
	}
	if engine == "" {
		return fail("the log does not say which engine it was: give it with --engine")
	}
	if !strings.Contains(engine, "vllm") || !versionNumber.MatchString(version) {
		if m := inName.FindStringSubmatch(base); version == "" && m != nil && strings.Contains(engine, m[1]) {
			version = m[2]
		}
	}
	named, assumed, err := readEngine(engine, version, "")
	if err != nil {
		return fail("%w: give it with --engine", err)
	}
	if assumed != "" {
		s.assume("%s", assumed)
	}
	if s.engine, err = serving.Engine(named.id); err != nil {
		return fail("%w", err)
	}
	s.waits = named.id == "vllm" && plansAfter(named.version)
	if log.EngineClock {
		s.engine.Request.Value, s.engine.MoERequest.Value = 0, 0 // the clock starts and ends inside the engine
	}
	precision := said(set.Precision, "precision")
	if precision == "auto" {
		precision = ""
	}
	if err := s.precisions(precision); err != nil {
		return fail("%w: give bf16, fp8 or fp4 with --precision", err)
	}
	if kv := said(set.KVPrecision, "kv"); kv != "" && kv != "auto" {
		if s.cache, err = hardware.ParseDType(strings.SplitN(kv, "_", 2)[0]); err != nil {
			return fail("format of the cache: %w", err)
		}
	}
	number := func(given int, key string, otherwise int, what string) int {
		if given > 0 {
			return given
		}
		if v, err := strconv.ParseFloat(said("", key), 64); err == nil && v > 0 {
			return int(v)
		}
		if what != "" {
			s.assume("%s", what)
		}
		return otherwise
	}
	l := layout{workers: 1, tp: number(set.Tensor, "tensor", 1, "one chip per replica"), pp: number(set.Pipeline, "pipeline", 1, ""), adp: 1, ep: 1}
	s.pools, s.replicas = []layout{l}, number(set.Replicas, "replicas", 1, "")
	s.limits.maxSeqs = number(set.MaxSeqs, "seqs", 0, fmt.Sprintf("max_num_seqs %d (the engine profile's; queues depend on it)", s.engine.MaxBatch))
	s.limits.budget = number(set.TokenBudget, "budget", 0, fmt.Sprintf("max_num_batched_tokens %d (the engine profile's)", s.engine.TokenBudget))
	s.limits.fraction = set.MemoryFraction
	if v, err := strconv.ParseFloat(said("", "fraction"), 64); s.limits.fraction == 0 && err == nil {
		s.limits.fraction = v
	}
	c = s.config(l)
	c.Replicas, c.Router, c.MaxContext = s.replicas, set.Router, number(set.MaxContext, "context", 0, "")
	if c.Router == "" {
		c.Router = serving.LeastOutstanding
	}
	if budget := max(c.TokenBudget, c.Engine.TokenBudget); c.MaxBatch > budget {
		c.TokenBudget = c.MaxBatch
	}
	d, err := inf.catalogue.Device(s.chip, set.Profile, nil)
	if err != nil {
		return fail("%w", err)
	}
	a, err := inf.catalogue.Accelerator(s.chip)
	if err != nil {
		return fail("%w", err)
	}
	m = serving.Machine{Device: widened(d, s), HostSpeed: hostSpeed(a)}
	for i := range log.Requests {
		q := &log.Requests[i]
		s.load.isl += float64(q.Prompt) / float64(len(log.Requests))
		s.load.osl += float64(q.Output) / float64(len(log.Requests))
	}
	return s, c, m, nil
}

// inName is an engine with its version in a file's name.
var inName = regexp.MustCompile(`(vllm|sglang|trtllm)[-_ ]?v?(\d+\.\d+)`)
