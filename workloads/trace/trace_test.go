package trace

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"aisim/internal/measured"

	"github.com/klauspost/compress/zstd"
)

// The counts, spans and means are those that the traces' own pages and a count
// with awk give.
func TestPublishedTraces(t *testing.T) {
	for _, c := range []struct {
		file           string
		format         Format
		requests       int
		prompt, output float64
		seconds        float64
	}{
		{"azure-llm-2023/AzureLLMInferenceTrace_conv.csv", Azure, 19366, 1154.6974, 211.1259, 3501.7219},
		{"azure-llm-2023/AzureLLMInferenceTrace_code.csv", Azure, 8819, 2047.8483, 27.8825, 3435.9481},
		{"mooncake-fast25/conversation_trace.jsonl", Mooncake, 12031, 12035, 343, 3600},
	} {
		p := measured.Path(t, "inference/"+c.file)
		for _, f := range []Format{c.format, ""} {
			tr, err := ReadFile(p, f, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			s := tr.Summarise()
			if s.Requests != c.requests {
				t.Errorf("%s: %d requests, want %d", c.file, s.Requests, c.requests)
			}
			tol := 1e-6
			if c.format == Mooncake {
				tol = 0.02 // published as rounded means of about an hour
			}
			for _, v := range [][2]float64{{s.PromptMean, c.prompt}, {s.OutputMean, c.output}, {s.DurationSec, c.seconds}} {
				if d := v[0]/v[1] - 1; d > tol || d < -tol {
					t.Errorf("%s: %v, want %v", c.file, v[0], v[1])
				}
			}
			if c.format == Mooncake && (tr.BlockTokens != 512 || s.AllBlock == 0 || s.DistinctBlocks >= s.AllBlock) {
				t.Errorf("%s: blocks of %d tokens, %d distinct of %d: expected reuse", c.file, tr.BlockTokens, s.DistinctBlocks, s.AllBlock)
			}
		}
	}
}

const azureGood = azureHeader + "\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"

func TestAzureLayouts(t *testing.T) {
	for name, text := range map[string]string{
		"2023":          azureGood,
		"2023, CRLF":    strings.ReplaceAll(azureGood, "\n", "\r\n"),
		"no last line":  strings.TrimSuffix(azureGood, "\n"),
		"blank lines":   azureGood + "\n\n",
		"byte order":    "\ufeff" + azureGood,
		"2024":          azureHeader + "\n2024-05-10 00:00:00.000000+00:00,374,44\n2024-05-10 00:00:04.314579+00:00,396,109\n",
		"another zone":  azureHeader + "\n2024-05-10 00:00:00+00:00,374,44\n2024-05-10 02:00:04.314579+02:00,396,109\n",
		"over midnight": azureHeader + "\n2024-02-29 23:59:58,374,44\n2024-03-01 00:00:02.314579Z,396,109\n",
	} {
		tr, err := ReadAzure(strings.NewReader(text), "a.csv", Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := tr.Duration() - 4.314579; len(tr.Requests) != 2 || d > 1e-9 || d < -1e-9 || tr.Requests[1].Prompt != 396 || tr.Requests[1].Output != 109 {
			t.Errorf("%s: %+v", name, tr.Requests)
		}
	}
}

func TestCompressed(t *testing.T) {
	var gz, zs bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = io.WriteString(w, azureGood)
	_ = w.Close()
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(z, azureGood)
	_ = z.Close()
	for _, b := range []*bytes.Buffer{&gz, &zs} {
		whole := b.Bytes()
		tr, err := Read(bytes.NewReader(whole), "a", "", Limits{})
		if err != nil || len(tr.Requests) != 2 {
			t.Fatalf("%v %v", tr, err)
		}
		_, err = Read(bytes.NewReader(whole[:len(whole)-6]), "cut.gz", "", Limits{})
		var e *Error
		if !errors.As(err, &e) || e.File != "cut.gz" || e.Line < 1 {
			t.Errorf("a cut file gave %v", err)
		}
	}
}

// Each bad input gives its message with file and line; nothing panics.
func TestBadInput(t *testing.T) {
	row := "2023-11-16 18:15:46.6805900,374,44\n"
	m := `{"timestamp": 1, "input_length": 10, "output_length": 5, "hash_ids": [1]}` + "\n"
	for _, c := range []struct{ format, text, want string }{
		{"azure", "", "f:1: empty file, expected the header"},
		{"azure", azureHeader + "\n", "f:2: only a header: no requests"},
		{"azure", "a,b,c\n" + row, "f:1: header \"a,b,c\", expected TIMESTAMP"},
		{"azure", azureHeader + "\n" + row + "2023-11-16 18:15:47.1,39", "f:3: \"2023-11-16 18:15:47.1,39\": expected three fields"},
		{"azure", azureHeader + "\n" + row + "2023-11-16 18:15:47.1,39,", "f:3: generated tokens \"\": expected a whole number, found nothing"},
		{"azure", azureHeader + "\n" + row + "2023-11-16 18:15:47.1,3,4,5\n", "f:3: \"2023-11-16 18:15:47.1,3,4,5\": expected three fields"},
		{"azure", azureHeader + "\n" + row + "2023-11-16 18:15:45.0,374,44\n", "f:3: time \"2023-11-16 18:15:45.0\" is before"},
		{"azure", azureHeader + "\n2023-11-16 18:15:45.0,-374,44\n", "f:2: context tokens \"-374\": negative"},
		{"azure", azureHeader + "\n2023-11-16 18:15:45.0,374,0\n", "f:2: generated tokens \"0\": zero"},
		{"azure", azureHeader + "\n2023-11-16 18:15:45.0,99999999999999999999,4\n", "f:2: context tokens \"99999999999999999999\": more than the limit of 10000000"},
		{"azure", azureHeader + "\n2023-11-16 18:15:45.0,3.5,4\n", "f:2: context tokens \"3.5\": expected a whole number"},
		{"azure", azureHeader + "\n2023-13-16 18:15:45.0,3,4\n", "f:2: time \"2023-13-16 18:15:45.0\": expected"},
		{"azure", azureHeader + "\n2023-02-29 18:15:45,3,4\n", "f:2: time \"2023-02-29 18:15:45\": expected"},
		{"azure", azureHeader + "\nyesterday,3,4\n", "f:2: time \"yesterday\": expected"},
		{"azure", azureHeader + "\n" + strings.Repeat("9", 5<<20), "f:2: line is longer than 4194304 bytes"},
		{"azure", azureHeader + "\n" + row + row + row + row, "f:5: more than 3 requests"},
		{"mooncake", "", "f:1: expected one JSON object per line: no requests"},
		{"mooncake", m + `{"timestamp": 2, "input_le`, "f:2: expected one JSON object with timestamp"},
		{"mooncake", m + `{"timestamp": 0, "input_length": 10, "output_length": 5}`, "f:2: timestamp 0 is before"},
		{"mooncake", `{"timestamp": 0, "input_length": 10}`, "f:1: expected the fields"},
		{"mooncake", `{"timestamp": 0, "input_length": -10, "output_length": 5}`, "f:1: input_length -10: expected 1 to"},
		{"mooncake", `{"timestamp": 0, "input_length": 10, "output_length": 0}`, "f:1: output_length 0: expected 1 to"},
		{"mooncake", `{"timestamp": -1, "input_length": 10, "output_length": 5}`, "f:1: timestamp -1: expected milliseconds"},
		{"mooncake", `{"timestamp": 0, "input_length": 10, "output_length": 5, "hash_ids": [1,2]}`, "f:1: 2 hash_ids for 10 tokens: expected at most 1"},
		{"mooncake", "[1,2,3]", "f:1: expected one JSON object"},
		{"mooncake", m + m + m + m, "f:4: more than 3 requests"},
		{"weird", m, "unknown format \"weird\""},
	} {
		lim := Limits{}
		if strings.Contains(c.want, "more than 3 requests") {
			lim.Requests = 3
		}
		tr, err := Read(strings.NewReader(c.text), "f", Format(c.format), lim)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q\n got %v", c.want, err)
		}
		if tr != nil {
			t.Errorf("%s: a trace beside an error", c.want)
		}
	}
	if _, err := ReadFile("no/such/file", "", Limits{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := ReadAzure(strings.NewReader(""), "f", Limits{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
}

// endless is a line without end: the reader must stop at its limit.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '7'
	}
	return len(b), nil
}

func TestEndlessLineStops(t *testing.T) {
	r := io.MultiReader(strings.NewReader(azureHeader+"\n"), endless{})
	if _, err := ReadAzure(r, "f", Limits{}); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Error(err)
	}
}

const burstGood = burstHeader + "\n5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,API log\n118,GPT-4,417,276,693,Conversation log\n"

func TestBurstGPT(t *testing.T) {
	for _, f := range []Format{BurstGPT, ""} {
		tr, err := Read(strings.NewReader(burstGood), "b", f, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if len(tr.Requests) != 2 || tr.Requests[1] != (Request{ArriveSec: 113, Prompt: 417, Output: 276}) ||
			len(tr.Rejected) != 1 || tr.Rejected[0] != (Rejection{"no prompt or no output tokens", 1, 3}) {
			t.Errorf("%+v", tr)
		}
	}
	for text, want := range map[string]string{
		"Timestamp,Model\n1,x\n":                   "header",
		burstHeader + "\n5,m,1,2\n":                "expected 6 fields",
		burstHeader + "\nx,m,1,2,3,l\n":            "timestamp",
		burstHeader + "\n5,m,1,2,3,l\n4,m,1,2,3,l": "is before",
		burstHeader + "\n5,m,-1,2,3,l\n":           "request tokens",
		burstHeader + "\n5,m,1,0,3,l\n":            "no request with response tokens",
	} {
		if _, err := Read(strings.NewReader(text), "b", BurstGPT, Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want %q, got %v", text, want, err)
		}
	}
}

// A log of requests is a load as well.
func TestLogAsTrace(t *testing.T) {
	tr, err := ReadFile(measured.Path(t, "inference/llmservingsim/measured_RTXPRO6000_Llama-3.1-8B_vllm0.19_requests.jsonl"), "", Limits{})
	if err != nil || len(tr.Requests) != 300 {
		t.Fatalf("%v", err)
	}
}

func TestRescale(t *testing.T) {
	reqs := []Request{{ArriveSec: 0, Prompt: 1, Output: 1}, {ArriveSec: 1, Prompt: 1, Output: 1}, {ArriveSec: 4, Prompt: 1, Output: 1}}
	fast, err := Rescale(reqs, 2)
	if err != nil || Rate(fast) != 2*Rate(reqs) || reqs[2].ArriveSec != 4 || fast[2].ArriveSec != 2 {
		t.Errorf("%v %v", fast, err)
	}
	for _, f := range []float64{0, -1} {
		if _, err := Rescale(reqs, f); err == nil {
			t.Errorf("factor %v was taken", f)
		}
	}
}

func FuzzAzure(f *testing.F) {
	f.Add([]byte(azureGood))
	f.Add([]byte(azureHeader + "\n2024-05-10 00:00:00.000000+00:00,374,44\n"))
	f.Fuzz(func(t *testing.T, b []byte) { checkFuzzed(t, b, Azure) })
}

func FuzzMooncake(f *testing.F) {
	f.Add([]byte(`{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}`))
	f.Fuzz(func(t *testing.T, b []byte) { checkFuzzed(t, b, Mooncake) })
}

// checkFuzzed holds that what a reader accepts is in order and in range.
func checkFuzzed(t *testing.T, b []byte, format Format) {
	tr, err := Read(bytes.NewReader(b), "fuzz", format, Limits{Requests: 1000, Tokens: 1 << 20, LineBytes: 1 << 16, Hashes: 1 << 16})
	if err != nil {
		return
	}
	last := 0.0
	for _, r := range tr.Requests {
		if r.ArriveSec < last || r.Prompt < 1 || r.Output < 1 || int(r.HashStart+r.HashCount) > len(tr.Hashes) {
			t.Fatalf("accepted %+v", r)
		}
		last = r.ArriveSec
	}
	if len(tr.Requests) == 0 {
		t.Fatal("accepted a trace without requests")
	}
}
