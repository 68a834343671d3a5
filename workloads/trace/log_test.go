package trace

import (
	"math"
	"strings"
	"testing"

	"aisim/internal/measured"
)

// The layouts say the same two requests: 100 prompt and 11 output tokens at 0 s with the
// first token after 0.5 s and the last after 1.5 s, and 200 and 1 at 2 s after 0.25 s.
func TestLogLayouts(t *testing.T) {
	for name, text := range map[string]string{
		"stamps": `{"request_id":"b","input_toks":200,"output_toks":1,"queued_ts":12,"first_token_ts":12.25,"last_token_ts":12.25}
{"request_id":"a","input_toks":100,"output_toks":11,"queued_ts":10,"first_token_ts":10.5,"last_token_ts":11.5}`,
		"spans in ms":      `[{"arrival_time":5,"prompt_tokens":100,"output_tokens":11,"ttft_ms":500,"e2e_ms":1500},{"arrival_time":7,"prompt_tokens":200,"output_tokens":1,"ttft_ms":250,"e2e_ms":250}]`,
		"vllm bench serve": `{"model_id":"m","request_rate":2,"input_lens":[100,200],"output_lens":[11,1],"ttfts":[0.5,0.25],"itls":[[0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1],[]],"start_times":[3,5],"errors":["",""]}`,
		"aiperf": `{"metadata":{"request_start_ns":4000000000},"metrics":{"input_sequence_length":{"value":100},"output_sequence_length":{"value":11},"time_to_first_token":{"value":500},"request_latency":{"value":1500}},"error":null}
{"metadata":{"request_start_ns":6000000000},"metrics":{"input_sequence_length":{"value":200},"output_sequence_length":{"value":1},"time_to_first_token":{"value":250},"request_latency":{"value":250}},"error":null}`,
		"guidellm": `{"benchmarks":[{"requests":{"successful":[{"request_start_time":1,"prompt_tokens":100,"output_tokens":11,"time_to_first_token_ms":500,"request_latency":1.5},{"request_start_time":3,"prompt_tokens":200,"output_tokens":1,"time_to_first_token_ms":250,"request_latency":0.25}]}}]}`,
		"csv":      "arrival_time,prompt_tokens,output_tokens,ttft_ms,e2e_ms\n5,100,11,500,1500\n7,200,1,250,250\n",
	} {
		l, err := ReadLog(strings.NewReader(text), name, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(l.Requests) != 2 || len(l.Rejected) > 0 {
			t.Errorf("%s: %+v", name, l)
			continue
		}
		a, b := l.Requests[0], l.Requests[1]
		near := func(x, y float64) bool { return math.Abs(x-y) < 1e-9 }
		if a.Prompt != 100 || a.Output != 11 || a.ArriveSec != 0 || !near(a.TTFTSec, 0.5) || !near(a.E2ESec, 1.5) || !near(a.TPOTSec, 0.1) ||
			b.Prompt != 200 || !near(b.ArriveSec, 2) || !near(b.TTFTSec, 0.25) || !math.IsNaN(b.TPOTSec) {
			t.Errorf("%s: %+v %+v", name, a, b)
		}
		if l.EngineClock != (name == "stamps") {
			t.Errorf("%s: clock of the engine: %v", name, l.EngineClock)
		}
	}
}

// Requests that cannot be used are counted with the first of them.
func TestLogRejections(t *testing.T) {
	row := `{"arrival_time":5,"prompt_tokens":100,"output_tokens":11,"ttft":0.5,"e2e":1.5}` + "\n"
	for _, c := range []struct{ line, reason string }{
		{`{"arrival_time":5,"prompt_tokens":100,"output_tokens":0}`, "no prompt or no output tokens"},
		{`{"prompt_tokens":100,"output_tokens":1}`, "no arrival time"},
		{`{"arrival_time":5,"output_tokens":1}`, "no token counts"},
		{`{"arrival_time":5,"prompt_tokens":1,"output_tokens":2,"error":"timeout"}`, "failed"},
		{`{"arrival_time":5,"prompt_tokens":1,"output_tokens":2,"error":{"code":500}}`, "failed"},
		{`{"arrival_time":5,"prompt_tokens":1,"output_tokens":2,"first_token_ts":4}`, "times that go backwards"},
		{`{"arrival_time":5,"prompt_tokens":1e9,"output_tokens":2}`, "more than 10000000 tokens"},
	} {
		l, err := ReadLog(strings.NewReader(row+c.line+"\n"+row), "f", Limits{})
		if err != nil || len(l.Requests) != 2 || len(l.Rejected) != 1 || l.Rejected[0] != (Rejection{c.reason, 1, 2}) {
			t.Errorf("%s: %v %+v", c.reason, err, l)
		}
	}
	for text, want := range map[string]string{
		"":                                "empty file",
		`{"a":1}`:                         "no list of requests",
		`{"requests":[{"x":1}]}`:          "does not say its max_concurrency or request_rate: expected one of queued_ts",
		`[{"arrival_time":1}]`:            "no request has its prompt and output tokens",
		row + `{"arrival_time":`:          "f:2: expected one JSON object per request",
		"a,b\n1,2,3\n":                    "the row cannot be read",
		"arrival_time,x\n1,2\n":           "prompt and output tokens",
		`[{"error":"x"},{"error":"y"}]`:   "no request has an arrival time",
		strings.Replace(row, "5", `"`, 1): "",
	} {
		if _, err := ReadLog(strings.NewReader(text), "f", Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want %q, got %v", text, want, err)
		}
	}
}

// A benchmark that keeps no times of arrival says its load in its settings; dates and ticks are told apart.
func TestLogLoads(t *testing.T) {
	bench := func(settings string) string {
		return `{` + settings + `,"input_lens":[100,200],"output_lens":[11,1],"ttfts":[0.5,0.25],"itls":[[0.1],[]]}`
	}
	for _, c := range []struct {
		text    string
		clients int
		rate    float64
	}{
		{bench(`"max_concurrency":16,"request_rate":Infinity`), 2, 0}, {bench(`"max_concurrency":1,"request_rate":"inf"`), 1, 0}, {bench(`"max_concurrency":null,"request_rate":"inf"`), 2, 0},
		{bench(`"max_concurrency":null,"request_rate":4.5`), 0, 4.5},
	} {
		l, err := ReadLog(strings.NewReader(c.text), "f", Limits{})
		if err != nil || l.Clients != c.clients || l.RequestsPerSec != c.rate || l.Requests[0].Prompt != 100 || l.Requests[1].ArriveSec != 0 {
			t.Errorf("%s: %+v %v", c.text, l, err)
		}
		if _, err := Read(strings.NewReader(c.text), "f", Requests, Limits{}); err == nil || !strings.Contains(err.Error(), "no request has an arrival time") {
			t.Errorf("%s is a load: %v", c.text, err)
		}
	}
	if _, err := ReadLog(strings.NewReader(bench(`"backend":"vllm"`)), "f", Limits{}); err == nil {
		t.Error("a log of no known load is read")
	}
	for _, two := range [][2]string{{`"2025-09-01T10:00:00Z"`, `"2025-09-01T10:00:01.5Z"`}, {`"2025-09-01 10:00:00.25"`, `"2025-09-01 10:00:01.75"`}, {"1756720800000", "1756720801500"}, {"1756720800000000000", "1756720801500000000"}, {"0", "1.5"}} {
		l, err := ReadLog(strings.NewReader(`[{"timestamp":`+two[1]+`,"prompt_tokens":1,"output_tokens":2},{"timestamp":`+two[0]+`,"prompt_tokens":3,"output_tokens":4}]`), "f", Limits{})
		if err != nil || l.Requests[0].Prompt != 3 || math.Abs(l.Requests[1].ArriveSec-1.5) > 1e-6 || len(l.Notes) != 1 {
			t.Errorf("%v: %+v %v", two, l, err)
		}
	}
	l, err := ReadLog(strings.NewReader(`{"benchmarks":[{"requests":{"successful":[{"start_time":1,"prompt_tokens":1,"output_tokens":2}],"errored":[{"start_time":2},{"start_time":3}],"incomplete":[{}]}},{}]}`), "f", Limits{})
	if err != nil || len(l.Rejected) != 2 || l.Rejected[0].Count != 2 || len(l.Notes) != 1 {
		t.Errorf("errors of guidellm: %+v %v", l, err)
	}
}

func TestMeasuredLog(t *testing.T) {
	l, err := ReadLogFile(measured.Path(t, "inference/llmservingsim/measured_RTXPRO6000_Llama-3.1-8B_vllm0.19_requests.jsonl"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Requests) != 300 || !l.EngineClock || l.Settings["max_num_seqs"] != "128" || l.Settings["vllm_version"] != "0.19.0" {
		t.Errorf("%d requests, %v", len(l.Requests), l.Settings)
	}
}

func FuzzLog(f *testing.F) {
	f.Add([]byte(`{"arrival_time":5,"prompt_tokens":100,"output_tokens":11,"ttft":0.5,"e2e":1.5}`))
	f.Add([]byte("arrival_time,prompt_tokens,output_tokens\n5,1,1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ReadLog(strings.NewReader(string(b)), "fuzz", Limits{Requests: 1000, Tokens: 1 << 20, LineBytes: 1 << 16})
		if err != nil {
			return
		}
		last := 0.0
		for _, r := range l.Requests {
			if !(r.ArriveSec >= last) || r.Prompt < 1 || r.Output < 1 {
				t.Fatalf("accepted %+v", r)
			}
			last = r.ArriveSec
		}
	})
}
