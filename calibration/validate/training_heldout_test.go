package validate

import (
	"bytes"
	"fmt"
	"testing"
)

func TestLeaveFamiliesOut(t *testing.T) {
	f, err := LeaveFamiliesOut(bytes.NewReader(sharedTable(t, "training.csv")), bytes.NewReader(sharedTable(t, "nanotron-h100-sweep.csv")))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range f {
		fmt.Printf("%-30s n %4d  fitted %.3f %.3f  held out %.3f %.3f bias %+.3f inside %.2f alone %v\n", h.Name, h.Rows, h.Median, h.P90, h.HeldMedian, h.HeldP90, h.HeldBias, h.HeldInside, h.Alone)
	}
}
