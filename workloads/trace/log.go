package trace

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Logged is one request as a service answered it, in seconds. What the log does not say
// is NaN.
type Logged struct {
	Request
	TTFTSec float64 // arrival to first token
	TPOTSec float64 // mean time of each further token
	E2ESec  float64 // arrival to last token
}

// Log is a request log: what was asked and what was measured.
type Log struct {
	Name     string
	Requests []Logged // in order of arrival, from 0 s
	// EngineClock: times start when the engine queued the request, so that what a
	// request costs outside the engine's steps is not in them.
	EngineClock bool
	// Clients or RequestsPerSec are the load where requests have no times of arrival and the log
	// says it in its settings; requests are then in the order in which they were sent.
	Clients        int
	RequestsPerSec float64
	Notes          []string          // what was done with the log that its reader should know
	Settings       map[string]string // what the log says of itself: model, engine, concurrency, …
	Adapters       []string          // low-rank adapters that requests name, in order of first mention
	Rejected       []Rejection       // requests that were left out, by reason
}

// Rejection counts requests that were left out for one reason.
type Rejection struct {
	Reason string
	Count  int
	First  int // line, or number of the entry, of the first
}

// rejected counts one more request left out, at the given line or entry.
func rejected(list []Rejection, reason string, at int) []Rejection {
	for i := range list {
		if list[i].Reason == reason {
			list[i].Count++
			return list
		}
	}
	return append(list, Rejection{reason, 1, at})
}

// Names under which logs have the quantities, in the order in which they are looked for,
// with the factor to seconds. Nested keys are joined by dots.
type named struct {
	key    string
	factor float64
}

var (
	arriveKeys = []named{{"queued_ts", 1}, {"arrival_time", 1}, {"arrival_ts", 1}, {"arrived_at", 1}, {"start_time", 1}, {"request_start_time", 1}, {"metadata.request_start_ns", 1e-9},
		{"request_start_ns", 1e-9}, {"scheduler_metrics.start_time", 1}, {"info.timings.request_start", 1}, {"timestamp_ms", 1e-3}, {"timestamp_ns", 1e-9}, {"timestamp", 1}}
	firstKeys   = []named{{"first_token_ts", 1}, {"first_token_time", 1}, {"first_iteration", 1}, {"info.timings.first_iteration", 1}, {"info.output_token_times.0", 1}}
	lastKeys    = []named{{"last_token_ts", 1}, {"finished_time", 1}, {"finished_at", 1}, {"end_time", 1}, {"last_token_time", 1}, {"metadata.request_end_ns", 1e-9}, {"request_end_time", 1}}
	ttftKeys    = []named{{"ttft", 1}, {"ttft_s", 1}, {"ttft_ms", 1e-3}, {"time_to_first_token_ms", 1e-3}, {"metrics.time_to_first_token.value", 1e-3}, {"time_to_first_token", 1}, {"time_to_first_token_s", 1}}
	e2eKeys     = []named{{"e2e", 1}, {"e2e_s", 1}, {"e2e_ms", 1e-3}, {"e2el", 1}, {"latency", 1}, {"latency_s", 1}, {"latency_ms", 1e-3}, {"request_latency", 1}, {"request_latency_ms", 1e-3}, {"metrics.request_latency.value", 1e-3}, {"end_to_end_latency_s", 1}}
	tpotKeys    = []named{{"tpot", 1}, {"tpot_s", 1}, {"tpot_ms", 1e-3}, {"time_per_output_token_ms", 1e-3}, {"inter_token_latency_ms", 1e-3}, {"metrics.inter_token_latency.value", 1e-3}, {"itl_mean", 1}, {"inter_token_latency_s", 1}}
	promptKeys  = []named{{"input_toks", 1}, {"prompt_tokens", 1}, {"input_tokens", 1}, {"input_length", 1}, {"input_len", 1}, {"prompt_len", 1}, {"num_prompt_tokens", 1}, {"context_tokens", 1}, {"metrics.input_sequence_length.value", 1}, {"prompt_stats.tokens", 1}, {"prompt_token_count", 1}, {"info.input_tokens", 1}, {"number_input_tokens", 1}}
	outputKeys  = []named{{"output_toks", 1}, {"output_tokens", 1}, {"output_length", 1}, {"output_len", 1}, {"completion_tokens", 1}, {"generated_tokens", 1}, {"num_output_tokens", 1}, {"metrics.output_sequence_length.value", 1}, {"metrics.output_token_count.value", 1}, {"output_token_count", 1}, {"info.output_tokens", 1}, {"number_output_tokens", 1}}
	adapterKeys = []string{"lora", "lora_name", "lora_id", "lora_path", "adapter", "adapter_name", "adapter_id"}
	errorKeys   = []string{"error", "errors", "error_message", "status_error"}
)

// columnNames are the arrays of a `vllm bench serve` result that belong to requests.
var columnNames = map[string]string{"input_lens": "input_len", "output_lens": "output_len", "ttfts": "ttft", "start_times": "start_time", "latencies": "latency", "errors": "error", "itls": "itls", "tpots": "tpot"}

// listNames are the arrays of request objects of other results, as paths.
var listNames = []string{"requests.successful", "requests.completed", "requests", "results", "records", "data"}

// entry is one request with its keys.
type entry struct {
	at    int
	value map[string]any
}

// ReadLogFile reads a request log: JSON lines (vLLM, AIPerf and the like, one request
// each), the JSON of `vllm bench serve --save-detailed` or guidellm, or a CSV with a header.
// Settings in a file beside it, meta.json for requests.jsonl, are taken with it.
func ReadLogFile(path string, lim Limits) (*Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	defer f.Close()
	l, err := ReadLog(f, path, lim)
	if err != nil {
		return nil, err
	}
	if i := strings.LastIndex(path, "requests"); i >= 0 {
		if text, err := os.ReadFile(path[:i] + "meta.json"); err == nil {
			var meta map[string]any
			if err := json.Unmarshal(text, &meta); err != nil {
				return nil, &Error{File: path[:i] + "meta.json", Line: 1, Msg: "expected a JSON object", Err: err}
			}
			l.settings(meta)
		}
	}
	return l, nil
}

// ReadLog reads a request log; name is used in messages.
func ReadLog(r io.Reader, name string, lim Limits) (*Log, error) {
	z, done, err := Decompressed(r)
	if err != nil {
		return nil, &Error{File: name, Line: 1, Msg: "compressed input cannot be read", Err: err}
	}
	defer done()
	text, err := io.ReadAll(io.LimitReader(z, maxLogBytes+1))
	if err != nil {
		return nil, &Error{File: name, Line: 1, Msg: "cannot be read (truncated or damaged?)", Err: err}
	}
	if len(text) > maxLogBytes {
		return nil, &Error{File: name, Line: 1, Msg: fmt.Sprintf("larger than %d bytes", maxLogBytes)}
	}
	l := &Log{Name: name, Settings: map[string]string{}}
	entries, err := l.entries(text, lim.orDefault())
	if err != nil {
		return nil, err
	}
	return l, l.fill(entries, lim.orDefault())
}

// maxLogBytes bounds a log, which is read whole.
const maxLogBytes = 1 << 30

// entries finds the requests of a log in any of its layouts.
func (l *Log) entries(text []byte, lim Limits) ([]entry, error) {
	body := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	fail := func(line int, msg string, err error) ([]entry, error) {
		return nil, &Error{File: l.Name, Line: line, Msg: msg, Err: err}
	}
	if len(body) == 0 {
		return fail(1, "empty file", ErrEmpty)
	}
	if body[0] != '{' && body[0] != '[' {
		return l.csvEntries(body, lim)
	}
	body = plainJSON(body)
	var whole any
	if json.Unmarshal(body, &whole) == nil {
		switch v := whole.(type) {
		case []any:
			return objects(v), nil
		case map[string]any:
			if list := l.document(v); list != nil {
				return list, nil
			}
			if _, ok := pick(flat("", v, map[string]any{}), promptKeys); !ok {
				return fail(1, "no list of requests in the document: expected input_lens and ttfts (vllm bench serve --save-detailed), requests, results or records", nil)
			}
			return []entry{{1, v}}, nil
		}
	}
	var out []entry
	lines := newLines(l.Name, bytes.NewReader(body), lim.LineBytes)
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			return fail(lines.no, "expected one JSON object per request (truncated?)", err)
		}
		if len(out) >= lim.Requests {
			return fail(lines.no, fmt.Sprintf("more than %d requests", lim.Requests), nil)
		}
		out = append(out, entry{lines.no, v})
	}
}

func objects(list []any) []entry {
	var out []entry
	for i, x := range list {
		if m, ok := x.(map[string]any); ok {
			out = append(out, entry{i + 1, m})
		}
	}
	return out
}

// document finds the requests in one JSON object, and keeps what it says besides.
func (l *Log) document(v map[string]any) []entry {
	l.settings(v)
	if lens, ok := v["input_lens"].([]any); ok {
		out := make([]entry, len(lens))
		for i := range out {
			out[i] = entry{i + 1, map[string]any{}}
			for column, key := range columnNames {
				if list, ok := v[column].([]any); ok && i < len(list) {
					out[i].value[key] = list[i]
				}
			}
		}
		return out
	}
	if _, ok := v["experiments"].([]any); ok { // genai-perf
		return []entry{{1, map[string]any{"genai-perf": true}}}
	}
	if runs, ok := v["benchmarks"].([]any); ok && len(runs) > 0 { // guidellm: the first benchmark
		if len(runs) > 1 {
			l.Notes = append(l.Notes, fmt.Sprintf("the first of %d benchmarks in the file", len(runs)))
		}
		if m, ok := runs[0].(map[string]any); ok {
			v = m
			l.settings(v)
		}
	}
	list := func(path string) []entry {
		var at any = v
		for _, key := range strings.Split(path, ".") {
			m, _ := at.(map[string]any)
			at = m[key]
		}
		found, _ := at.([]any)
		return objects(found)
	}
	for _, path := range listNames {
		if out := list(path); len(out) > 0 {
			for _, other := range []string{"requests.errored", "requests.incomplete"} {
				if n := len(list(other)); n > 0 {
					l.Rejected = append(l.Rejected, Rejection{strings.TrimPrefix(other, "requests."), n, 1})
				}
			}
			return out
		}
	}
	return nil
}

func (l *Log) csvEntries(body []byte, lim Limits) ([]entry, error) {
	r := csv.NewReader(bytes.NewReader(body))
	r.ReuseRecord, r.TrimLeadingSpace = true, true
	head, err := r.Read()
	if err != nil {
		return nil, &Error{File: l.Name, Line: 1, Msg: "expected a CSV header or JSON", Err: err}
	}
	names := make([]string, len(head))
	for i, h := range head {
		names[i] = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(h), " ", "_"))
	}
	var out []entry
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			line := 1
			if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
				line = bad.Line
			}
			return nil, &Error{File: l.Name, Line: line, Msg: "the row cannot be read", Err: err}
		}
		line, _ := r.FieldPos(0)
		if len(out) >= lim.Requests {
			return nil, &Error{File: l.Name, Line: line, Msg: fmt.Sprintf("more than %d requests", lim.Requests)}
		}
		v := map[string]any{}
		for i, x := range row {
			if x = strings.TrimSpace(x); x != "" {
				v[names[i]] = x
			}
		}
		out = append(out, entry{line, v})
	}
}

// settings keeps the scalars of an object under their own keys; outer ones come before
// those of the objects inside.
func (l *Log) settings(v map[string]any) {
	keys := slices.Sorted(maps.Keys(v))
	for _, key := range keys {
		if m, ok := v[key].(map[string]any); ok {
			l.settings(m)
		}
	}
	for _, key := range keys {
		switch x := v[key].(type) {
		case string:
			l.Settings[key] = x
		case float64:
			l.Settings[key] = strconv.FormatFloat(x, 'g', -1, 64)
		case bool:
			l.Settings[key] = strconv.FormatBool(x)
		}
	}
}

func flat(prefix string, v map[string]any, to map[string]any) map[string]any {
	for key, x := range v {
		if m, ok := x.(map[string]any); ok {
			flat(prefix+key+".", m, to)
			continue
		}
		if list, ok := x.([]any); ok && len(list) > 0 && key == "output_token_times" { // inference-perf
			to[prefix+key+".0"] = list[0]
		}
		to[prefix+key] = x
	}
	return to
}

// pick returns the first of the named quantities that is there, in seconds (or as it is).
func pick(v map[string]any, keys []named) (float64, bool) {
	for _, k := range keys {
		switch x := v[k.key].(type) {
		case float64:
			return x * k.factor, true
		case string:
			if f, err := strconv.ParseFloat(x, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
				return f * k.factor, true
			}
		}
	}
	return math.NaN(), false
}

// fill turns entries into requests; those that cannot be are counted.
func (l *Log) fill(entries []entry, lim Limits) error {
	if len(entries) == 0 {
		return &Error{File: l.Name, Line: 1, Msg: "no request found", Err: ErrEmpty}
	}
	if _, ok := entries[0].value["genai-perf"]; ok {
		return &Error{File: l.Name, Line: 1, Msg: "genai-perf's export has no prompt lengths: expected AIPerf's profile_export.jsonl, or a CSV of arrival_time, prompt_tokens, output_tokens and ttft_ms"}
	}
	missing := func(what string, keys []named) error {
		return &Error{File: l.Name, Line: entries[0].at, Msg: fmt.Sprintf("no request has %s: expected one of %s, …", what, join(keys))}
	}
	untimed := l.untimed(entries)
	last, late := math.Inf(-1), 0
	var arrived, sized bool
	numbers := map[string]int32{} // of adapters, looked up only
	reject := func(reason string, at int) { l.Rejected = rejected(l.Rejected, reason, at) }
	for _, e := range entries {
		v := flat("", e.value, map[string]any{})
		arrive, ok := instant(v, arriveKeys)
		if untimed {
			arrive, ok = 0, true
		}
		arrived = arrived || ok
		prompt, ok1 := pick(v, promptKeys)
		output, ok2 := pick(v, outputKeys)
		sized = sized || ok1 && ok2
		switch {
		case failed(e.value):
			reject("failed", e.at)
			continue
		case !ok:
			reject("no arrival time", e.at)
			continue
		case !ok1 || !ok2:
			reject("no token counts", e.at)
			continue
		case prompt < 1 || output < 1:
			reject("no prompt or no output tokens", e.at)
			continue
		case prompt > float64(lim.Tokens) || output > float64(lim.Tokens):
			reject(fmt.Sprintf("more than %d tokens", lim.Tokens), e.at)
			continue
		}
		_, l.EngineClock = v["queued_ts"]
		q := Logged{Request: Request{ArriveSec: arrive, Prompt: int32(math.Round(prompt)), Output: int32(math.Round(output))}}
		q.TTFTSec, _ = pick(v, ttftKeys)
		if first, ok := instant(v, firstKeys); ok && !untimed {
			q.TTFTSec = first - arrive
		}
		q.E2ESec, _ = pick(v, e2eKeys)
		if end, ok := instant(v, lastKeys); ok && !untimed {
			q.E2ESec = end - arrive
		}
		if gaps, ok := v["itls"].([]any); ok && !math.IsNaN(q.TTFTSec) && math.IsNaN(q.E2ESec) {
			q.E2ESec = q.TTFTSec
			for _, g := range gaps {
				x, _ := g.(float64)
				q.E2ESec += x
			}
		}
		q.TPOTSec, _ = pick(v, tpotKeys)
		if span := q.E2ESec - q.TTFTSec; !math.IsNaN(span) {
			q.TPOTSec = math.NaN()
			if output > 1 {
				q.TPOTSec = span / (output - 1)
			}
		}
		if q.TTFTSec < 0 || q.E2ESec < 0 || q.TPOTSec < 0 {
			reject("times that go backwards", e.at)
			continue
		}
		if name := adapterName(v); name != "" {
			k, ok := numbers[name]
			if !ok {
				l.Adapters = append(l.Adapters, name)
				k = int32(len(l.Adapters))
				numbers[name] = k
			}
			q.Adapter = k
		}
		if arrive < last {
			late++
		}
		last = arrive
		l.Requests = append(l.Requests, q)
	}
	if late > 0 {
		l.Notes = append(l.Notes, fmt.Sprintf("%d requests stand behind later ones and were put in order of arrival", late))
	}
	switch {
	case !arrived:
		return missing("an arrival time, and the log does not say its max_concurrency or request_rate", arriveKeys)
	case !sized:
		return missing("its prompt and output tokens", promptKeys)
	case len(l.Requests) == 0:
		return &Error{File: l.Name, Line: entries[0].at, Msg: fmt.Sprintf("all %d requests were rejected: %s", len(entries), l.Rejected[0].Reason), Err: ErrEmpty}
	}
	slices.SortStableFunc(l.Requests, func(a, b Logged) int { return cmp.Compare(a.ArriveSec, b.ArriveSec) })
	start := l.Requests[0].ArriveSec
	for i := range l.Requests {
		l.Requests[i].ArriveSec -= start
	}
	return nil
}

// adapterName is the adapter that a request names, empty for the model itself.
func adapterName(v map[string]any) string {
	for _, key := range adapterKeys {
		switch x := v[key].(type) {
		case string:
			if x != "" {
				return x
			}
		case float64:
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
	}
	return ""
}

func failed(v map[string]any) bool {
	for _, key := range errorKeys {
		switch x := v[key].(type) {
		case string:
			if x != "" {
				return true
			}
		case bool:
			if x {
				return true
			}
		case map[string]any:
			return len(x) > 0
		}
	}
	ok, has := v["success"].(bool)
	return has && !ok
}

// Trace is the load of the log, without what was measured.
func (l *Log) Trace() *Trace {
	t := &Trace{Name: l.Name, Adapters: l.Adapters, Rejected: l.Rejected, Requests: make([]Request, len(l.Requests))}
	for i := range l.Requests {
		t.Requests[i] = l.Requests[i].Request
	}
	return t
}
