package loader

import (
	"math"
	"strings"
	"testing"
)

// Demand of one accelerator that never waits, as the rules of MLPerf Storage give it (MiB/s).
func TestIdealDemand(t *testing.T) {
	for _, c := range []struct {
		workload, accelerator string
		mib                   float64
	}{{"unet3d", "h100", 3030}, {"unet3d", "a100", 1539}, {"resnet50", "h100", 195}, {"resnet50", "a100", 100.5}, {"cosmoflow", "h100", 771}, {"cosmoflow", "a100", 490}} {
		w, err := Find(c.workload)
		if err != nil {
			t.Fatal(err)
		}
		step, err := w.StepSec(c.accelerator)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(w.Batch) / step * w.RecordBytes / (1 << 20); math.Abs(got/c.mib-1) > 0.005 {
			t.Errorf("%s on %s: %.1f MiB/s, want %g", c.workload, c.accelerator, got, c.mib)
		}
	}
}

// AU is flat up to the knee and falls as 1/n after it; a calibrated system returns its point, and twice the limit
// supports twice the accelerators.
func TestKnee(t *testing.T) {
	w, _ := Find("unet3d")
	step, _ := w.StepSec("h100")
	s, err := Calibrate(w, step, 16, 0.91)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Utilisation(w, step, 16); math.Abs(got-0.91) > 1e-12 {
		t.Errorf("the calibrated point reads %g", got)
	}
	if n := s.Supported(w, step); n != 16 {
		t.Errorf("%d accelerators supported, want 16: the 17th has %.3f", n, s.Utilisation(w, step, 17))
	}
	knee := s.Knee(w, step)
	if a, b := s.Utilisation(w, step, knee*0.5), s.Utilisation(w, step, knee*0.999); math.Abs(a-b) > 1e-12 {
		t.Errorf("before the knee %g and %g", a, b)
	}
	if a, b := s.Utilisation(w, step, 2*knee), s.Utilisation(w, step, 4*knee); math.Abs(a/b-2) > 1e-12 {
		t.Errorf("after the knee %g and %g", a, b)
	}
	s.SamplesPerSec *= 2
	if n := s.Supported(w, step); n < 32 || n > 33 {
		t.Errorf("twice the limit supports %d", n)
	}
}

func TestRefusals(t *testing.T) {
	w, _ := Find("resnet50")
	for _, err := range []error{second(Find("bert")), second(w.StepSec("tpu")), second(Calibrate(w, 1, 0, 0.9)), second(Calibrate(w, 1, 4, 1.2))} {
		if err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("error %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
