package ingest

import (
	"math"
	"strings"
	"testing"
)

type gemmRecords struct {
	records  []Record
	problems []Problem
}

func (k *gemmRecords) Record(r Record) error { k.records = append(k.records, r); return nil }
func (k *gemmRecords) Problem(p Problem)     { k.problems = append(k.problems, p) }

// Tables of multiplications: time or rate, units of the header, cut and foreign lines.
func TestGEMMTable(t *testing.T) {
	var got gemmRecords
	text := "collected on a node\nkernel_source,gemm_dtype,m,n,k,latency_ms\nlib,bfloat16,8192,4096,1024,0.12\nlib,fp8,1,2\n\nM, N, K, dtype, tflops\n1024,2048,512,fp16,100\n1024,two,512,fp16,100\n"
	if _, err := Read("gemm.csv", strings.NewReader(text), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.records) < 2 {
		t.Fatalf("%d records: %+v", len(got.records), got.problems)
	}
	a, b := got.records[0].Body.(*Kernel), got.records[1].Body.(*Kernel)
	if a.M.V != 8192 || a.N.V != 4096 || a.K.V != 1024 || a.DType != "bfloat16" || math.Abs(a.DurationSec.V-0.12e-3) > 1e-12 || got.records[0].Source.Line != 3 {
		t.Errorf("%+v from line %d", a, got.records[0].Source.Line)
	}
	if b.K.V != 512 || b.DType != "fp16" || b.FlopPerSec.V != 100e12 || b.DurationSec.Known {
		t.Errorf("%+v", b)
	}
	said := ""
	for _, p := range got.problems {
		said += p.What + "; "
	}
	if !strings.Contains(said, "expected 6 values") || !strings.Contains(said, "n") {
		t.Errorf("problems %q", said)
	}
}
