package ingest

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	"aisim/internal/measured"
)

// Every record of the collection of real outputs, printed as JSON and read again, is the same.
func TestOwnFormIsReadBack(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(measured.Path(t, "calibration"), "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var first kept
	for _, f := range files {
		if filepath.Base(f) == "feeder_tests_trace.tar.gz" { // 185,542 dependencies: its nodes alone say no more
			continue
		}
		if _, err := File(f, &first); err != nil {
			t.Fatal(err)
		}
	}
	if len(first.records) < 1000 {
		t.Fatalf("%d records", len(first.records))
	}
	for i, r := range first.records {
		if plain, err := json.Marshal(r); err != nil || !bytes.Equal(plain, r.AppendJSON(nil)) {
			t.Fatalf("record %d: encoding/json writes\n%s, AppendJSON\n%s", i, plain, r.AppendJSON(nil))
		}
	}
	text, err := json.Marshal(struct {
		Schema  string   `json:"schema"`
		Records []Record `json:"records"`
	}{Schema, first.records})
	if err != nil {
		t.Fatal(err)
	}
	var second kept
	if r, err := Read("again.json", bytes.NewReader(text), &second); err != nil || !r.Recognised {
		t.Fatal(r, err)
	}
	for _, p := range second.problems {
		t.Error(p)
	}
	if len(second.records) != len(first.records) {
		t.Fatalf("%d records became %d", len(first.records), len(second.records))
	}
	for i, r := range first.records {
		if !reflect.DeepEqual(r, second.records[i]) {
			a, _ := json.Marshal(r)
			b, _ := json.Marshal(second.records[i])
			if !bytes.Equal(a, b) { // empty and absent lists are one in JSON
				t.Fatalf("record %d:\n%s\n%s", i, a, b)
			}
		}
	}
}

func TestOwnFormIsChecked(t *testing.T) {
	for text, problems := range map[string]int{
		`{"schema":"aisim.ingest/v9","records":[]}`:                                                                1,
		`{"schema":"aisim.ingest/v1","records":[{"kind":"mood","source":{"tool":"x"},"body":{}}]}`:                 1,
		`{"schema":"aisim.ingest/v1","records":[{"kind":"link","source":{"tool":"x"},"body":{"size_bytes":"a"}}]}`: 1,
		`{"schema":"aisim.ingest/v1","records":[{"kind":"link","source":{},"body":{}}]}`:                           1,
	} {
		var k kept
		if _, err := Read("x", bytes.NewReader([]byte(text)), &k); err != nil || len(k.problems) != problems || len(k.records) != 0 {
			t.Errorf("%s: %v, %v", text, k.problems, err)
		}
	}
}
