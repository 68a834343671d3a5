package validate

import (
	"bytes"
	"strings"
	"testing"
)

// Each case that was predicted is a dot, in the panel of its metric.
func TestPicture(t *testing.T) {
	one, two := 1.0, 2.0
	off := 1.0
	r := &Report{Cases: []Case{
		{Metric: "step_time_s", Unit: "s", Use: "gate", Status: Predicted, Measured: &one, Predicted: &two, Error: &off},
		{Metric: "step_time_s", Unit: "s", Use: "info", Status: Predicted, Measured: &two, Predicted: &one, Error: &off},
		{Metric: "tokens_per_s", Use: "gate", Status: Predicted, Measured: &one, Predicted: &one},
		{Metric: "mfu", Use: "gate", Status: Refused},
	}}
	svg, err := r.Picture()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := r.Picture()
	if !bytes.Equal(svg, again) {
		t.Error("the same cases give other bytes")
	}
	text := string(svg)
	for word, want := range map[string]bool{"step_time_s, s": true, "2 cases, median error 100.0 %": true, "tokens_per_s": true, "mfu": false} {
		if strings.Contains(text, word) != want {
			t.Errorf("%q in the picture: want %v", word, want)
		}
	}
	if dots := strings.Count(text, "Z\"") + strings.Count(text, "Z\" "); dots < 3 {
		t.Errorf("%d closed paths, want a dot for each of 3 cases", dots)
	}
	if _, err := (&Report{}).Picture(); err == nil {
		t.Error("a picture of nothing")
	}
}
