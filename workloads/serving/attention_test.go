package serving

import (
	"math"
	"testing"

	"aisim/hardware"
)

// Local layers read what a sequence has, up to the window, and no more: runs of steps end where
// their batch grows past it, so that closed forms are the times step by step. Gemma 3 looks back
// 1,024 tokens, Mistral 7B 4,096 in every layer; with a draft sequences gain several at once.
func TestWindowsInRuns(t *testing.T) {
	for _, id := range []string{"gemma3-4b", "mistral-7b"} {
		for _, draft := range []int{0, 3} {
			c := Config{Arch: arch(t, id), Engine: engine(t, "vllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16, TP: 1}
			if draft > 0 {
				c.Speculation = Speculation{Tokens: draft, Acceptance: 0.7}
			}
			m := Machine{Device: device(t, "nvidia-h100-sxm")}
			var reqs []Request
			for i := range 60 {
				reqs = append(reqs, Request{ArriveSec: float64(i/10) * 1.7, Prompt: int32(c.Arch.Window - 700 + 13*i), Output: int32(200 + 17*i)})
			}
			var o [2]*Outcome
			for i, every := range []bool{false, true} {
				var err error
				if o[i], err = Simulate(c, m, reqs, Options{EveryStep: every}); err != nil {
					t.Fatal(err)
				}
			}
			if o[0].Steps != o[1].Steps || o[0].Events >= o[1].Events/2 {
				t.Errorf("%s: %d steps in %d events, step by step %d in %d", id, o[0].Steps, o[0].Events, o[1].Steps, o[1].Events)
			}
			if a, b := o[0].Replicas[0].BusySec, o[1].Replicas[0].BusySec; math.Abs(a/b-1) > 1e-9 {
				t.Errorf("%s: busy for %v s, step by step %v", id, a, b)
			}
			for _, q := range []float64{.1, .5, .9, 1} {
				if a, b := o[0].E2E.Quantile(q), o[1].E2E.Quantile(q); math.Abs(a-b) > 1e-6 {
					t.Errorf("%s: whole requests at %v: %v s, step by step %v", id, q, a, b)
				}
			}
		}
	}
}

// A step of local layers costs as one of global layers until the window is full, and then the
// same however long the contexts are.
func TestWindowsFill(t *testing.T) {
	c := Config{Arch: arch(t, "mistral-7b"), Engine: engine(t, "trtllm"), Precision: hardware.BF16, KVPrecision: hardware.BF16}
	m := Machine{Device: device(t, "nvidia-h100-sxm")}
	local, err := NewStepModel(c, m)
	if err != nil {
		t.Fatal(err)
	}
	c.Arch.Window = 0
	global, err := NewStepModel(c, m)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := local.DecodeStepSec(16, 16*4096), global.DecodeStepSec(16, 16*4096); math.Abs(a/b-1) > 1e-9 {
		t.Errorf("full windows: %g s, all global %g", a, b)
	}
	if a, b := local.DecodeStepSec(16, 16*4096), local.DecodeStepSec(16, 16*32768); a != b {
		t.Errorf("windows are full: %g s and %g s beyond", a, b)
	}
	short, long := global.DecodeStepSec(16, 16*4096), global.DecodeStepSec(16, 16*32768)
	if long <= short {
		t.Errorf("global layers: %g s and %g s beyond", short, long)
	}
}
