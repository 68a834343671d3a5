package validate

import (
	"strings"
	"testing"
)

// A row of several metrics names them; what is said of all of them is said once.
func TestTextOfRows(t *testing.T) {
	r := reportOf(t, "inference", inferenceHeader+
		"a,h100_sxm,1,Llama-3.1-8B,vllm,0.11,fp8,tp1,agg,,1024,128,concurrency,4,100,10,,,\n"+
		"b,abacus,1,Llama-3.1-8B,vllm,0.11,fp8,tp1,agg,,1024,128,concurrency,4,100,10,,,\n")
	text := string(r.Text())
	for _, want := range []string{"a ttft_ms ", "a tpot_ms ", "b   "} {
		if strings.Count(text, "\n"+want) != 1 {
			t.Errorf("%q %d times in\n%s", want, strings.Count(text, "\n"+want), text)
		}
	}
	if n := strings.Count(text, "assumed: "); n != 1 {
		t.Errorf("assumptions of one row are said %d times", n)
	}
}
