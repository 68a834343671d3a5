package validate

import (
	"math"
	"strings"
	"testing"
)

// Three layouts at one concurrency: the order and the choice, by hand.
func TestRankChoices(t *testing.T) {
	rho, share := rankChoices([]choice{{measured: 10, predicted: 3}, {measured: 8, predicted: 4}, {measured: 1, predicted: 1}})
	if math.Abs(rho-0.5) > 1e-12 || share != 0.8 {
		t.Errorf("rank %g and share %g, want 0.5 and 0.8", rho, share)
	}
}

func TestRankingGroups(t *testing.T) {
	row := func(layout, c string) string {
		return layout + c + ",h100_sxm,,Llama-3.1-70B,vllm,,fp8," + layout + ",agg,,1024,1024,concurrency," + c + ",100,10,,,\n"
	}
	r := reportOf(t, "inference", inferenceHeader+row("tp2", "8")+row("tp4", "8")+row("tp8", "8")+row("tp8", "16"))
	if len(r.Rankings) != 2 || r.Rankings[0].Groups != 1 || r.Rankings[0].Cases != 3 || r.Rankings[1].Cases != 4 || r.Rankings[0].Spearman == nil {
		t.Errorf("%+v", r.Rankings)
	}
	if !strings.Contains(string(r.Text()), "layouts at equal concurrency") {
		t.Error("the text has no ranking")
	}
}

func TestEndedEarly(t *testing.T) {
	header := strings.Replace(inferenceHeader, "output_tok_s", "output_tok_s,e2e_mean_ms", 1)
	row := func(e2e string) Case {
		r := reportOf(t, "inference", header+"a,a100-80gb,,llama2-70b,vLLM,,fp16,TP8,agg,static batch,512,1024,batch,1,100,45,,"+e2e+",2023-era,\n")
		return r.Cases[len(r.Cases)-1]
	}
	if c := row("46000"); c.Status != Predicted {
		t.Errorf("a whole answer: %s %s", c.Status, c.Reason)
	}
	if c := row("29300"); c.Status != Refused || !strings.Contains(c.Reason, "ended after about 650 of 1024 tokens") {
		t.Errorf("a short answer: %s %s", c.Status, c.Reason)
	}
}

// Fixed lengths drift apart in closed loops, but for SGLang before 0.5.5.
func TestStaysInStep(t *testing.T) {
	for version, want := range map[string]bool{"0.5.1.post1": true, "0.4.9": true, "0.5.5": false, "0.5.9": false, "1.0.0": false, "": false, "nightly-dev": false} {
		if got := staysInStep(version); got != want {
			t.Errorf("%s: %v", version, got)
		}
	}
}

// A layout that reaches beyond the bridge between two cards runs over the host link.
func TestBeyondTheBridge(t *testing.T) {
	row := func(tp string) Case {
		r := reportOf(t, "inference", inferenceHeader+"a,RTX A6000,,Qwen3-8B,vllm,,bf16,"+tp+",agg,,1024,1024,concurrency,4,100,10,,,\n")
		return r.Cases[len(r.Cases)-1]
	}
	two, four := row("tp2"), row("tp4")
	if two.Status != Predicted || four.Status != Predicted || len(four.Assumed) != len(two.Assumed)+1 {
		t.Fatalf("tp2 %s %q, tp4 %s %q", two.Status, two.Reason, four.Status, four.Reason)
	}
	if !(*four.Predicted > *two.Predicted/2) {
		t.Errorf("four cards take %g ms, two %g", *four.Predicted, *two.Predicted)
	}
}
