package validate

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware"
	"aisim/workloads/training"
)

func init() { Register("training", newTraining) }

// trainings predicts tables of training steps. The sort of table is told from its
// columns: one measured value a row (training, MLPerf), or a sweep that carries memory
// and the network's own benchmark beside it (nanotron).
type trainings struct {
	catalogue *hardware.Catalogue
	models    *modelNames
	machines  *machineShop
}

func newTraining() (Kind, error) {
	c := hardware.Default()
	shop, err := newMachineShop(c)
	if err != nil {
		return nil, err
	}
	return &trainings{catalogue: c, models: newModelNames(c), machines: shop}, nil
}

// Concurrent implements Concurrent: rows share graphs and tables that nothing changes.
func (k *trainings) Concurrent() {}

func (k *trainings) Name() string      { return "training" }
func (k *trainings) Columns() []string { return []string{"chip", "chips", "metric", "value"} }

// run is a row, understood: what was trained on what.
type run struct {
	row     Row
	cfg     training.Config
	machine machineSpec
	profile *training.Framework
	chips   int
	free    bool // the row does not say how the model was split
	model   string
	mlperf  bool
	assumed []string
}

func (r *run) assume(format string, args ...any) {
	r.assumed = append(r.assumed, fmt.Sprintf(format, args...))
}

// refusal says what a row lacks.
type refusal struct{ error }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// Predict implements Kind.
func (k *trainings) Predict(row Row, start Case) []Case {
	cases, err := measuredCases(row, start)
	if err != nil {
		return []Case{start.Fail(err)}
	}
	if reason := unpredictable(row); reason != "" && len(cases) == 0 {
		return []Case{start.Refuse(reason)}
	}
	if len(cases) == 0 {
		return []Case{start.Refuse(fmt.Sprintf("metric %q is not one that a step has: want step_time_s, tokens_per_s, samples_per_s, model_tflops_per_chip, mfu_pct, peak_memory_gib, fits_in_memory or their kin", row.Text("metric")))}
	}
	for i := range cases {
		c := &cases[i]
		if !c.meter.timed() {
			continue // sizes and yes/no answers have groups of their own
		}
		for _, by := range []string{"source", "chip", "model", "framework"} {
			c.In(by, row.Text(by))
		}
		c.In("family", family(row.Text("id")))
	}
	all := func(f func(Case) Case) []Case {
		for i := range cases {
			cases[i].Case = f(cases[i].Case)
		}
		return plain(cases)
	}
	r, err := k.read(row)
	if err != nil {
		return all(failed(err))
	}
	for i := range cases {
		c := &cases[i]
		if !c.meter.timed() {
			c.In("memory", c.Metric+", "+r.profile.ID+", "+row.Text("chip"))
			continue
		}
		c.In("profile", r.profile.ID)
		c.In("kind", r.kind())
		c.In("scale", chipsClass(r.chips))
		c.In("class", r.kind()+" on "+row.Text("chip")+", "+r.profile.ID)
	}
	o, err := k.play(r)
	if err != nil {
		return all(func(c Case) Case {
			c.Assumed = append(c.Assumed, r.assumed...)
			return failed(err)(c)
		})
	}
	for i := range cases {
		c := &cases[i]
		c.Assumed = append(c.Assumed, r.assumed...)
		c.predict(r, o)
	}
	return plain(cases)
}

func failed(err error) func(Case) Case {
	return func(c Case) Case {
		if _, ok := err.(refusal); ok {
			return c.Refuse(err.Error())
		}
		return c.Refuse(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

func plain(cases []measuredCase) []Case {
	out := make([]Case, len(cases))
	for i := range cases {
		out[i] = cases[i].Case
	}
	return out
}

// kind sorts models by what limits them.
func (r *run) kind() string {
	switch a := &r.cfg.Arch; {
	case a.Generic != nil:
		return "known by totals"
	case r.cfg.Adapter > 0:
		return "adapters"
	case a.Experts > 0:
		return "mixture of experts"
	}
	return "dense"
}

func chipsClass(n int) string {
	switch {
	case n <= 8:
		return "up to 8 chips"
	case n <= 64:
		return "9 to 64 chips"
	case n <= 512:
		return "65 to 512 chips"
	}
	return "more than 512 chips"
}

// outcome is a played row.
type outcome struct {
	job     *training.Job
	step    *training.Step // nil where only memory was asked for
	memory  footprint
	usable  float64 // GiB
	peak    float64 // FLOP/s of the chip in the row's format
	peak16  float64
	sd      float64 // of the logarithm of predicted over measured times
	rung    string
	samples float64
}

// footprint is the worst rank's memory in GiB.
type footprint struct {
	states, reserved, total float64
}

// rooflineSec is the step's arithmetic at the chip's stated peak, nothing else.
func (o *outcome) rooflineSec(chips int) float64 {
	return o.step.HardwareFlops / (o.peak * float64(chips))
}

// interval is the 90 % interval of a time from the profile's residuals.
func (o *outcome) interval(sec float64) (low, high float64) {
	f := math.Exp(z90 * o.sd)
	return sec / f, sec * f
}
