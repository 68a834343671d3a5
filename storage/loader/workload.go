package loader

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Workload is one of MLPerf Storage v1.0, as DLIO's configuration files define it.
type Workload struct {
	Name           string
	RecordBytes    float64 // mean size of a sample
	RecordSDBytes  float64 // its standard deviation
	SamplesPerFile int
	Batch          int // samples per accelerator and step
	ReadThreads    int // of each accelerator's loader
	Prefetch       int // batches that the loader may be ahead
	Floor          float64
	stepSec        map[string]float64 // computation of a batch by accelerator
}

// Workloads are the three training workloads of MLPerf Storage v1.0. Sizes, batches, computation
// times, threads and floors are those of its rules; the loaders of
// PyTorch and of TensorFlow both keep two batches ready.
func Workloads() []Workload {
	return []Workload{
		{"unet3d", 146600628, 68341808, 1, 7, 4, 2, 0.90, map[string]float64{"a100": 0.636, "h100": 0.323}},
		{"resnet50", 114660.07, 0, 1251, 400, 8, 2, 0.90, map[string]float64{"a100": 0.435, "h100": 0.224}},
		{"cosmoflow", 2828486, 71311, 1, 1, 4, 2, 0.70, map[string]float64{"a100": 0.00551, "h100": 0.0035}},
	}
}

// Find is the workload of a name.
func Find(name string) (Workload, error) {
	var names []string
	for _, w := range Workloads() {
		if w.Name == strings.ToLower(name) {
			return w, nil
		}
		names = append(names, w.Name)
	}
	return Workload{}, fmt.Errorf("loader: no workload %q: want one of %s", name, strings.Join(names, ", "))
}

// StepSec is the computation of a batch on an accelerator, "a100" or "h100".
func (w Workload) StepSec(accelerator string) (float64, error) {
	if s := w.stepSec[strings.ToLower(accelerator)]; s > 0 {
		return s, nil
	}
	var names []string
	for a := range w.stepSec {
		names = append(names, a)
	}
	slices.Sort(names)
	return 0, fmt.Errorf("loader: the computation of %s on %q is not defined: want one of %s", w.Name, accelerator, strings.Join(names, ", "))
}

// System is a storage system as one workload sees it: a limit on samples, and the part of a
// step that a read leaves exposed however little the system has to do.
type System struct {
	SamplesPerSec float64 // +Inf: not met
	ExposedSec    float64
	BarrierSec    float64 // growth with the harmonic number of the accelerators
}

// Unsaturated is a system far from its limit. Steps of one sample (cosmoflow) expose a read and the wait for the
// slowest of n accelerators at the barrier, an exponential delay each (MLPerf Storage v1.0, fits
// 0.72–0.84 ms and 0.22–0.34 ms); the others hide reads behind computation but for
// a share of the step.
func Unsaturated(w Workload, stepSec float64) System {
	s := System{SamplesPerSec: math.Inf(1), ExposedSec: 0.025 * stepSec}
	if w.Batch == 1 {
		s.ExposedSec, s.BarrierSec = 0.78e-3, 0.28e-3
	}
	return s
}

// Utilisation is AU(n): computation over the time of a step of n accelerators. Past the knee
// n·batch/limit sets the time, and AU falls as 1/n.
func (s System) Utilisation(w Workload, stepSec, n float64) float64 {
	step := stepSec + s.ExposedSec + s.BarrierSec*(harmonic(n)-1)
	return stepSec / math.Max(step, n*float64(w.Batch)/s.SamplesPerSec)
}

// Supported is the largest number of accelerators whose utilisation meets the floor.
func (s System) Supported(w Workload, stepSec float64) int {
	if math.IsInf(s.SamplesPerSec, 1) || s.Utilisation(w, stepSec, 1) < w.Floor {
		return 0
	}
	low, high := 1, 2
	for s.Utilisation(w, stepSec, float64(high)) >= w.Floor && high < 1<<30 {
		low, high = high, 2*high
	}
	for low+1 < high {
		if mid := (low + high) / 2; s.Utilisation(w, stepSec, float64(mid)) >= w.Floor {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// Knee is the number of accelerators from which the limit binds.
func (s System) Knee(w Workload, stepSec float64) float64 {
	low, high := 0.0, 1e9
	for range 100 {
		mid := (low + high) / 2
		if mid*float64(w.Batch)/s.SamplesPerSec > stepSec+s.ExposedSec+s.BarrierSec*(harmonic(mid)-1) {
			high = mid
		} else {
			low = mid
		}
	}
	return low
}

// Calibrate reads a system off one measured point: n accelerators at a utilisation. The rate
// of the point is taken as the limit, because systems are filled until the floor binds; so at
// most half of the time that is exposed there can be latency and barrier. A point above what an unsaturated
// system reaches shortens the reads.
func Calibrate(w Workload, stepSec, n, utilisation float64) (System, error) {
	if !(n >= 1) || !(utilisation > 0 && utilisation <= 1) {
		return System{}, fmt.Errorf("loader: a point of %g accelerators at utilisation %g: want 1 or more, above 0 to 1", n, utilisation)
	}
	s := Unsaturated(w, stepSec)
	exposed := s.ExposedSec + s.BarrierSec*(harmonic(n)-1)
	if most := stepSec * (1/utilisation - 1) / 2; most < exposed {
		s.ExposedSec *= most / exposed
		s.BarrierSec *= most / exposed
	}
	s.SamplesPerSec = n * float64(w.Batch) / stepSec * utilisation
	return s, nil
}

// harmonic is the harmonic number of n, continued between whole numbers.
func harmonic(n float64) float64 {
	if n < 1 {
		return math.Max(n, 0)
	}
	if n > 64 {
		return math.Log(n) + 0.5772156649015329 + 1/(2*n) - 1/(12*n*n)
	}
	h := 0.0
	for i := 1.0; i <= n; i++ {
		h += 1 / i
	}
	whole := math.Floor(n)
	return h + (n-whole)/(whole+1)
}
