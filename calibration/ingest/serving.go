package ingest

import (
	"bytes"
	"strings"
)

// servingDist is the distribution that a metric's name in vLLM's spelling means.
func servingDist(s *Serving, metric string) *Dist {
	switch metric {
	case "ttft":
		return &s.TTFTSec
	case "tpot":
		return &s.TPOTSec
	case "itl":
		return &s.ITLSec
	case "e2el", "latency":
		return &s.E2ESec
	}
	return nil
}

// readVLLM reads the result file of `vllm bench serve`, and its requests if they were
// saved: lengths, times to first token and gaps stand in parallel arrays, in seconds.
func readVLLM(f *feed, j *jsonReader) error {
	var t tree
	s := &Serving{Engine: "vllm"}
	line0 := j.in.line
	columns := map[string][]Num{}
	var gaps []Dist
	var faults []string
	err := j.object(func(key string) error {
		switch key {
		case "input_lens", "output_lens", "ttfts", "latencies", "start_times", "queue_times", "tpots":
			if j.next() == '[' {
				return j.array(func() error {
					v, err := j.value(&t)
					if err == nil {
						columns[key] = append(columns[key], f.of(v, key))
					}
					return err
				})
			}
		case "itls":
			if j.next() == '[' {
				return j.array(func() error {
					if j.next() != '[' {
						gaps = append(gaps, Dist{})
						return j.skip()
					}
					d, err := gapsOf(f, j, &t)
					gaps = append(gaps, d)
					return err
				})
			}
		case "errors":
			if j.next() == '[' {
				return j.array(func() error {
					v, err := j.value(&t)
					faults = append(faults, clip(v.raw()))
					return err
				})
			}
		case "generated_texts":
			return j.skip()
		}
		v, err := j.value(&t)
		if err == nil {
			vllmKey(f, s, key, v)
		}
		return err
	})
	if err != nil {
		if s.RequestsPerSec.Known {
			f.emitAt(line0, s)
		}
		return err
	}
	if s.Completed.Known && s.DurationSec.Known && s.RequestsPerSec.Known && s.DurationSec.V > 0 {
		if want := s.Completed.V / s.DurationSec.V; want > 1.02*s.RequestsPerSec.V || want < 0.98*s.RequestsPerSec.V {
			f.wrongAt(line0, "contradiction: %g requests in %g s are %.4g/s, request_throughput is %.4g/s", s.Completed.V, s.DurationSec.V, want, s.RequestsPerSec.V)
		}
	}
	f.emitAt(line0, s)
	n := len(columns["input_lens"])
	for key, c := range columns {
		if len(c) != n && n > 0 && len(c) > 0 {
			f.wrongAt(line0, "%s has %d entries, input_lens %d: requests cannot be matched", key, len(c), n)
			return nil
		}
	}
	at := func(key string, i int) Num {
		if c := columns[key]; i < len(c) {
			return c[i]
		}
		return Num{}
	}
	for i := range n {
		r := &Request{PromptTokens: at("input_lens", i), OutputTokens: at("output_lens", i), TTFTSec: at("ttfts", i), E2ESec: at("latencies", i), StartSec: at("start_times", i),
			QueueSec: at("queue_times", i), TPOTSec: at("tpots", i)}
		if i < len(gaps) {
			r.ITLSec = gaps[i]
			if !r.E2ESec.Known && r.TTFTSec.Known && r.ITLSec.Mean.Known {
				r.E2ESec = Is(r.TTFTSec.V + r.ITLSec.Mean.V*r.ITLSec.Count.V)
			}
		}
		if i < len(faults) {
			r.Error = faults[i]
		}
		if r.Error != "" { // times of a failed request are 0, which it did not take
			r.TTFTSec, r.E2ESec, r.ITLSec = Num{}, Num{}, Dist{}
		}
		f.emitAt(line0, r)
		if f.err != nil {
			return errStop
		}
	}
	return nil
}

// gapsOf sums up the gaps between tokens of one request.
func gapsOf(f *feed, j *jsonReader, t *tree) (Dist, error) {
	var sum, least, most float64
	n := 0
	err := j.array(func() error {
		v, err := j.value(t)
		if x := f.of(v, "itls"); err == nil && x.Known {
			if n == 0 || x.V < least {
				least = x.V
			}
			if n == 0 || x.V > most {
				most = x.V
			}
			sum += x.V
			n++
		}
		return err
	})
	if n == 0 {
		return Dist{}, err
	}
	return Dist{Mean: Is(sum / float64(n)), Min: Is(least), Max: Is(most), Count: Is(float64(n))}, err
}

func vllmKey(f *feed, s *Serving, key string, v ref) {
	n := Num{}
	if key != "request_rate" && key != "date" && !v.isObject() && !v.isArray() && !strings.HasSuffix(key, "_id") {
		n = v.num()
	}
	switch key {
	case "endpoint_type", "backend":
		s.Engine = v.str()
	case "label":
		s.Label = v.str()
	case "model_id":
		s.Model = v.str()
	case "num_prompts":
		s.Requests = n
	case "completed":
		s.Completed = n
	case "failed":
		s.Failed = n
	case "request_rate":
		if s.OfferedPerSec = v.num(); !s.OfferedPerSec.Known && strings.EqualFold(string(v.raw()), "inf") || string(v.raw()) == "Infinity" {
			s.AllAtOnce = true
		}
	case "max_concurrency":
		s.Concurrency = n
	case "duration":
		s.DurationSec = n
	case "total_input_tokens":
		s.InputTokens = n
	case "total_output_tokens":
		s.OutputTokens = n
	case "request_throughput":
		s.RequestsPerSec = n
	case "request_goodput", "request_goodput:":
		s.GoodRequestsPerSec = n
	case "output_throughput":
		s.OutputTokensPerSec = n
	case "total_token_throughput":
		s.TotalTokensPerSec = n
	default:
		stat, rest, ok := strings.Cut(key, "_")
		metric, isTime := strings.CutSuffix(rest, "_ms")
		d := servingDist(s, metric)
		if ok && isTime && d != nil {
			ms := n.Times(1e-3)
			switch stat {
			case "mean":
				d.Mean = ms
			case "median":
				d.Median = ms
			case "std":
				d.SD = ms
			case "max":
				d.Max = ms
			case "min":
				d.Min = ms
			case "percentiles": // [[99, 12.3], …] of older versions
				v.each(func(p ref) { d.add(p.at(0).num().V, p.at(1).num().Times(1e-3)) })
			default:
				if p, err := parseFloat([]byte(strings.TrimPrefix(stat, "p"))); err == nil {
					d.add(p, ms)
				}
			}
			return
		}
		s.More = mlFields(s.More, key, v)
	}
	_ = f
}

// vllmText reads the block that `vllm bench serve` prints; SGLang's is alike.
type vllmText struct {
	*feed
	s     *Serving
	line0 int
}

func startsVLLMText(line []byte) bool {
	return bytes.Contains(line, []byte(" Serving Benchmark Result "))
}

func openVLLMText(f *feed) lineReader { return &vllmText{feed: f} }

func (x *vllmText) end() {
	if x.s != nil {
		x.emitAt(x.line0, x.s)
		x.s = nil
	}
}

var vllmLabels = map[string]string{"backend": "backend", "successful requests": "completed", "failed requests": "failed", "maximum request concurrency": "max_concurrency", "max request concurrency": "max_concurrency",
	"request rate configured (rps)": "request_rate", "traffic request rate": "request_rate", "benchmark duration (s)": "duration", "total input tokens": "total_input_tokens", "total generated tokens": "total_output_tokens",
	"request throughput (req/s)": "request_throughput", "request goodput (req/s)": "request_goodput", "output token throughput (tok/s)": "output_throughput", "total token throughput (tok/s)": "total_token_throughput"}

func (x *vllmText) take(line []byte) bool {
	if startsVLLMText(line) {
		x.end()
		x.s, x.line0 = &Serving{Engine: "vllm"}, x.line
		return true
	}
	text := strings.TrimSpace(string(line))
	if text == "" {
		return true
	}
	if x.s == nil {
		return false
	}
	if text[0] == '=' && strings.Trim(text, "=") == "" {
		x.end()
		return true
	}
	if text[0] == '-' {
		return true
	}
	key, value, ok := strings.Cut(text, ":")
	if !ok {
		return false
	}
	key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
	name := vllmLabels[key]
	if m, isTime := strings.CutSuffix(key, " (ms)"); isTime {
		m = strings.Replace(m, "end-to-end latency", "e2el", 1)
		m = strings.Replace(m, "e2e latency", "e2el", 1)
		if w := strings.Fields(m); len(w) == 2 {
			name = w[0] + "_" + w[1] + "_ms"
		}
	}
	if value == "not set" || value == "None" {
		return true
	}
	n, err := number([]byte(value))
	if err != nil && name != "backend" && name != "" {
		x.wrong("%s: expected a number, %v", key, err)
		return true
	}
	if name == "" {
		if f, ok := fieldOf(key, []byte(value)); ok {
			x.s.More = append(x.s.More, f)
		}
		return true
	}
	if name == "request_rate" && !n.Known {
		x.s.AllAtOnce = strings.HasPrefix(value, "inf")
		return true
	}
	t := tree{nodes: []node{{}, {kind: '"', length: int32(len(value))}}, text: []byte(value)}
	vllmKey(x.feed, x.s, name, ref{&t, 1})
	return true
}

// aiperfDist reads {unit, avg, p50, …} and the factor to base units.
func aiperfDist(v ref) Dist {
	d := Dist{Mean: v.get("avg").num(), SD: v.get("std").num(), Min: v.get("min").num(), Max: v.get("max").num(), Count: v.get("count").num()}
	v.each(func(c ref) {
		if k := string(c.key()); len(k) > 1 && k[0] == 'p' {
			if p, err := parseFloat([]byte(k[1:])); err == nil {
				d.add(p, c.num())
			}
		}
	})
	return d
}

// timeFactor is the unit of a time, 1e-3 where the file does not say: both tools
// write milliseconds.
func timeFactor(f *feed, v ref) float64 {
	switch u := v.get("unit").str(); strings.ToLower(u) {
	case "ns", "nanoseconds":
		return 1e-9
	case "us", "microseconds", "µs":
		return 1e-6
	case "ms", "milliseconds", "":
		return 1e-3
	case "s", "sec", "seconds":
		return 1
	default:
		f.wrongAt(v.line(), "unknown unit %q of a time, expected ms: milliseconds are taken", u)
	}
	return 1e-3
}

// readAIPerf reads the export of genai-perf and AIPerf: an object per metric.
func readAIPerf(f *feed, j *jsonReader) error {
	var t tree
	s := &Serving{}
	line0 := j.in.line
	err := j.object(func(key string) error {
		v, err := j.value(&t)
		if err != nil {
			return err
		}
		switch key {
		case "version", "aiperf_version":
			f.version = v.str()
		case "input_config":
			s.Model = firstText(v, "model", "model_names", "endpoint.model_names")
			s.More = mlFields(s.More, key, v)
		case "time_to_first_token":
			s.TTFTSec = aiperfDist(v).times(timeFactor(f, v))
		case "inter_token_latency":
			s.ITLSec = aiperfDist(v).times(timeFactor(f, v))
		case "request_latency":
			s.E2ESec = aiperfDist(v).times(timeFactor(f, v))
			s.Completed = s.Completed.Or(s.E2ESec.Count)
		case "input_sequence_length":
			s.PromptTokens = aiperfDist(v)
		case "output_sequence_length":
			s.ReplyTokens = aiperfDist(v)
		case "request_throughput":
			s.RequestsPerSec = f.of(v.get("avg"), key)
		case "output_token_throughput":
			s.OutputTokensPerSec = f.of(v.get("avg"), key)
		case "goodput", "request_goodput":
			s.GoodRequestsPerSec = f.of(v.get("avg"), key)
		case "request_count":
			s.Completed = f.of(v.get("avg"), key)
		case "benchmark_duration":
			s.DurationSec = f.of(v.get("avg"), key)
			if u := v.get("unit").str(); u != "" {
				s.DurationSec = s.DurationSec.Times(timeFactor(f, v))
			}
		default:
			if a := v.get("avg"); a.there() {
				if n := f.of(a, key); n.Known {
					s.More = append(s.More, Field{Name: key + " avg", Value: n, Unit: v.get("unit").str()})
				}
				for _, p := range []string{"p50", "p99"} {
					if n := v.get(p).num(); n.Known {
						s.More = append(s.More, Field{Name: key + " " + p, Value: n, Unit: v.get("unit").str()})
					}
				}
			} else if !v.isArray() && !v.isObject() {
				s.More = mlFields(s.More, key, v)
			}
		}
		return nil
	})
	f.emitAt(line0, s)
	return err
}

func firstText(v ref, paths ...string) string {
	for _, p := range paths {
		r := v.get(strings.Split(p, ".")...)
		if r.isArray() {
			r = r.at(0)
		}
		if s := r.str(); s != "" {
			return s
		}
	}
	return ""
}

// readAIPerfRequest reads a line of profile_export.jsonl.
func readAIPerfRequest(f *feed, j *jsonReader) error {
	var t tree
	v, err := j.value(&t)
	if err != nil {
		return err
	}
	f.line = v.line()
	m, meta := v.get("metrics"), v.get("metadata")
	sec := func(key string) Num {
		x := m.get(key)
		if !x.there() {
			return Num{}
		}
		return f.of(x.get("value"), key).Times(timeFactor(f, x))
	}
	r := &Request{ID: firstText(meta, "x_request_id", "request_num", "session_id"), StartSec: f.of(meta.get("request_start_ns"), "request_start_ns").Times(1e-9),
		TTFTSec: sec("time_to_first_token"), E2ESec: sec("request_latency"), PromptTokens: f.of(m.get("input_sequence_length", "value"), "input_sequence_length"),
		OutputTokens: f.of(m.any("output_sequence_length", "output_token_count").get("value"), "output_sequence_length")}
	if itl := sec("inter_token_latency"); itl.Known {
		r.ITLSec.Mean = itl
	}
	if e := v.get("error"); e.there() && !e.isNull() {
		r.Error = clip(e.compact(nil))
	}
	f.emit(r)
	return nil
}

// readGuideLLM reads benchmarks.json: each benchmark has its metrics by the fate of
// the requests. p001 is the 0.1 % percentile.
func readGuideLLM(f *feed, j *jsonReader) error {
	var t tree
	return j.object(func(key string) error {
		if key == "benchmarks" {
			return j.array(func() error {
				v, err := j.value(&t)
				if err == nil {
					guideBenchmark(f, v)
				}
				return err
			})
		}
		if key == "metadata" {
			v, err := j.value(&t)
			f.version = firstText(v, "guidellm_version", "version")
			return err
		}
		return j.skip()
	})
}

func guideBenchmark(f *feed, v ref) {
	m := v.get("metrics")
	for _, status := range []string{"successful", "incomplete", "errored", "total"} {
		dist := func(metric string, factor float64) Dist {
			r := m.get(metric, status)
			d := Dist{Mean: r.get("mean").num(), Median: r.get("median").num(), SD: r.get("std_dev").num(), Min: r.get("min").num(), Max: r.get("max").num(), Count: r.get("count").num()}
			r.get("percentiles").each(func(c ref) {
				if k := string(c.key()); len(k) > 2 && k[0] == 'p' {
					p, err := parseFloat([]byte(k[1:]))
					if err == nil {
						if len(k) == 4 { // p001, p999
							p /= 10
						}
						d.add(p, c.num())
					}
				}
			})
			return d.times(factor)
		}
		s := &Serving{Status: status, Label: firstText(v, "config.strategy.type_", "args.strategy.type_", "type_", "scheduler.strategy.type_"), Model: firstText(v, "config.model", "args.model", "worker.backend_model")}
		s.TTFTSec, s.TPOTSec = dist("time_to_first_token_ms", 1e-3), dist("time_per_output_token_ms", 1e-3)
		s.ITLSec, s.E2ESec = dist("inter_token_latency_ms", 1e-3), dist("request_latency", 1)
		s.PromptTokens, s.ReplyTokens = dist("prompt_token_count", 1), dist("output_token_count", 1)
		s.RequestsPerSec = dist("requests_per_second", 1).Mean
		s.Concurrency = dist("request_concurrency", 1).Mean
		s.OutputTokensPerSec, s.TotalTokensPerSec = dist("output_tokens_per_second", 1).Mean, dist("tokens_per_second", 1).Mean
		s.Completed = f.of(m.get("request_totals", status), "request_totals").Or(s.E2ESec.Count)
		s.DurationSec = f.of(v.any("duration"), "duration")
		if s.E2ESec.IsZero() && s.TTFTSec.IsZero() && !s.RequestsPerSec.Known {
			continue
		}
		if status != "successful" && s.Completed.V == 0 && s.E2ESec.Count.V == 0 {
			continue // no request had this fate
		}
		f.emitAt(v.line(), s)
	}
}
