package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aisim/calibration/ingest"
)

const ncclTable = `# nThread 1 nGpus 2 minBytes 8 maxBytes 134217728 step: 2(factor) warmup iters: 1 iters: 20 validation: 1 graph: 0
#  Rank  0 Group  0 Pid  11 on    nodeA device  0 [0x18] NVIDIA H100
#  Rank  1 Group  0 Pid  11 on    nodeA device  1 [0x19] NVIDIA H100
#       size         count      type   redop    root     time   algbw   busbw  #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)
     1048576        262144     float     sum      -1    50.00   20.97   20.97     N/A
     2097152        524288     float     sum      -1    50,00   20,97   20,97     N/A
`

func TestIngestPrintsRecords(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "a.txt"), filepath.Join(dir, "b.txt")
	for f, text := range map[string]string{good: "./build/all_reduce_perf -g 2\n" + ncclTable, bad: "hello\n"} {
		if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, errs := aisim(t, 0, "calibrate", "ingest", good, bad)
	for _, want := range []string{"op=all_reduce", "size=1 MiB", "time=50.0 us", "nccl-tests, 1 records"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "wrong=") {
		t.Error("N/A became a number")
	}
	for _, want := range []string{"a.txt:8: nccl-tests: out-of-place time: expected a number", "LC_ALL=C", bad + ": skipped"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not in:\n%s", want, errs)
		}
	}
	out, _ = aisim(t, 0, "calibrate", "ingest", "--format", "json", good, bad)
	var got struct {
		Schema  string
		Records []struct {
			Kind   string
			Source struct{ Tool, File string }
			Body   map[string]any
		}
		Files    []struct{ Recognised bool }
		Problems []struct{ Line int }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if got.Schema != ingest.Schema || len(got.Records) != 1 || len(got.Files) != 2 || got.Files[1].Recognised || len(got.Problems) != 1 || got.Problems[0].Line != 8 {
		t.Fatalf("%+v", got)
	}
	if b := got.Records[0].Body; b["time_s"] != 50e-6 || b["bus_bytes_per_s"] != 20.97e9 || b["ranks"] != 2.0 {
		t.Errorf("%v", b)
	}
}

func TestIngestOfNothingKnown(t *testing.T) {
	f := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(f, []byte("{\"a\": 1}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, errs := aisim(t, exitData, "calibrate", "ingest", f, filepath.Join(t.TempDir(), "absent")); !strings.Contains(errs, "skipped") || !strings.Contains(errs, "cannot be read") {
		t.Error(errs)
	}
	aisim(t, exitUsage, "calibrate", "ingest")
}

func TestIngestReadsStandardInput(t *testing.T) {
	p, out, _ := call(ncclTable, "calibrate", "ingest", "-")
	if code := p.execute(); code != 0 || !strings.Contains(out.String(), "standard input:6") {
		t.Fatal(code, out)
	}
}
