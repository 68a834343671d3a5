package validate

import (
	"bytes"
	"testing"
)

// TPUs alone, which are quick: each generation is predicted from the other two within
// 12 % in the median, and a fit that may not see a family does worse on it than one that did
// on the whole.
func TestFamiliesLeftOut(t *testing.T) {
	var few bytes.Buffer
	for i, line := range bytes.SplitAfter(sharedTable(t, "training.csv"), []byte("\n")) {
		if i == 0 || bytes.HasPrefix(line, []byte("mtv")) {
			few.Write(line)
		}
	}
	list, err := LeaveFamiliesOut(&few)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 {
		t.Fatalf("%d families of TPUs", len(list))
	}
	var with, without float64
	for _, h := range list {
		if h.Out > 0.12 || h.Alone || h.Rows < 6 || h.Inside < 0.8 {
			t.Errorf("%+v", h)
		}
		with, without = with+h.P90, without+h.OutP90
	}
	if without == with {
		t.Error("leaving families out changes nothing")
	}
}
