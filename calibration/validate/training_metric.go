package validate

import (
	"strings"

	"aisim/workloads/training"
)

// measuredCase is a case with what it takes to predict it.
type measuredCase struct {
	Case
	meter meter
}

// meter turns an outcome into a metric's value.
type meter struct {
	name  string
	unit  string
	scale Scale
	// rate is the metric as a rate of time: work of one step over seconds.
	rate func(r *run, o *outcome) float64
	// size is the metric as a size.
	size func(o *outcome) float64
	per  float64 // unit over SI, of times
}

const percentOf = 100

// meters are the metrics of a step by their name in tables.
var meters = map[string]meter{
	"step_time_s":            {unit: "s", scale: Time, per: 1},
	"step_time_ms":           {unit: "ms", scale: Time, per: 1e-3},
	"iteration_time_s":       {unit: "s", scale: Time, per: 1},
	"tokens_per_s":           {unit: "tokens/s", scale: Rate, rate: tokens},
	"tokens_per_s_per_chip":  {unit: "tokens/s/chip", scale: Rate, rate: perChip(tokens)},
	"samples_per_s":          {unit: "samples/s", scale: Rate, rate: samples},
	"samples_per_s_logged":   {unit: "samples/s", scale: Rate, rate: samples},
	"samples_per_s_per_chip": {unit: "samples/s/chip", scale: Rate, rate: perChip(samples)},
	"sequences_per_s":        {unit: "sequences/s", scale: Rate, rate: samples},
	"seqs_per_s":             {unit: "sequences/s", scale: Rate, rate: samples},
	"images_per_s":           {unit: "images/s", scale: Rate, rate: samples},
	"images_per_s_per_chip":  {unit: "images/s/chip", scale: Rate, rate: perChip(samples)},
	"steps_per_s":            {unit: "steps/s", scale: Rate, rate: func(*run, *outcome) float64 { return 1 }},
	"model_tflops_per_chip":  {unit: "TFLOP/s/chip", scale: Rate, rate: perChip(tera(modelFlops))},
	"hw_tflops_per_chip":     {unit: "TFLOP/s/chip", scale: Rate, rate: perChip(tera(hardwareFlops))},
	"mfu_pct":                {unit: "%", scale: Rate, rate: utilisation(modelFlops, percentOf)},
	"hfu_pct":                {unit: "%", scale: Rate, rate: utilisation(hardwareFlops, percentOf)},
	"mfu":                    {unit: "1", scale: Rate, rate: utilisation(modelFlops, 1)},
	"hfu":                    {unit: "1", scale: Rate, rate: utilisation(hardwareFlops, 1)},
	"peak_memory_gib":        {unit: "GiB", scale: Size, size: func(o *outcome) float64 { return o.memory.total }},
	"mem_alloc_gib":          {unit: "GiB", scale: Size, size: func(o *outcome) float64 { return o.memory.states }},
	"mem_reserved_gib":       {unit: "GiB", scale: Size, size: func(o *outcome) float64 { return o.memory.reserved }},
	"fits_in_memory":         {unit: "yes/no", scale: YesNo},
	"oom":                    {unit: "yes/no", scale: YesNo},
}

func tokens(_ *run, o *outcome) float64  { return o.step.TokensPerStep }
func samples(_ *run, o *outcome) float64 { return o.step.SamplesPerStep }

type meterRate = func(r *run, o *outcome) float64

func perChip(f meterRate) meterRate {
	return func(r *run, o *outcome) float64 { return f(r, o) / float64(r.chips) }
}

func tera(f meterRate) meterRate {
	return func(r *run, o *outcome) float64 { return f(r, o) / 1e12 }
}

// utilisation is work over what all chips could do at their dense 16-bit peak.
func utilisation(f meterRate, unit float64) meterRate {
	return func(r *run, o *outcome) float64 { return unit * f(r, o) / (o.peak16 * float64(r.chips)) }
}

// halved says whether a row counts causal attention once per pair that is computed.
func halved(row Row) bool {
	n := strings.ToLower(row.Text("notes"))
	if strings.Contains(n, "not halved") || strings.Contains(n, "no causal halving") {
		return false
	}
	return strings.Contains(n, "causal halv") || strings.Contains(n, "attention halved") || strings.Contains(n, "causal attention halved")
}

// modelFlops is forward and backward work of a step under the row's convention: whole
// squares of attention scores (PaLM's) unless it says that it halves them.
func modelFlops(r *run, o *outcome) float64 {
	if halved(r.row) || r.cfg.Arch.Generic != nil {
		return o.step.ModelFlops
	}
	return o.step.FullFlops
}

// hardwareFlops adds what is computed again: with full recomputation a forward pass of
// the layers, without the head; selective repeats the scores.
func hardwareFlops(r *run, o *outcome) float64 {
	a := &r.cfg.Arch
	f := modelFlops(r, o)
	if a.Generic != nil {
		return f
	}
	seq := float64(r.cfg.Batch.Seq)
	matrix := a.MatrixFlopsPerToken()
	scores := a.FlopsPerToken(seq) - matrix
	if a.Causal && !halved(r.row) {
		scores *= 2
	}
	switch r.cfg.Recompute {
	case training.RecomputeFull:
		f += o.step.TokensPerStep * (matrix - 2*a.HeadParams() + scores)
	case training.RecomputeSelective:
		f += o.step.TokensPerStep * scores
	}
	return f
}

// measuredCases is a case per measured metric of the row: that of its metric column, and
// the memory columns of sweeps.
func measuredCases(row Row, start Case) ([]measuredCase, error) {
	var out []measuredCase
	add := func(name string, value float64) {
		m, ok := meters[name]
		if !ok {
			return
		}
		m.name = name
		c := start
		c.keys = append([]groupKey(nil), start.keys...)
		c.Measure(name, m.unit, m.scale, value)
		c.In("metric", name)
		out = append(out, measuredCase{c, m})
	}
	value, ok, err := row.Number("value")
	if err != nil {
		return nil, err
	}
	name := row.Text("metric")
	if m := meters[name]; ok && (value > 0 || m.scale == YesNo) {
		add(name, value)
	}
	status := strings.ToLower(row.Text("status"))
	if status == "success" && meters[name].scale != YesNo {
		add("fits_in_memory", 1)
	}
	for _, column := range []string{"mem_alloc_gib", "mem_reserved_gib", "peak_memory_gib"} {
		v, ok, err := row.Number(column)
		if err != nil {
			return nil, err
		}
		if ok && v > 0 && column != name {
			add(column, v)
		}
	}
	return out, nil
}

// timed says whether the case needs a step's time.
func (m *meter) timed() bool { return m.scale == Time || m.scale == Rate }

// predict fills the prediction in.
func (c *measuredCase) predict(r *run, o *outcome) {
	m := &c.meter
	switch {
	case m.scale == YesNo:
		fits := 0.0
		if o.memory.total <= o.usable {
			fits = 1
		}
		value := fits
		if m.name == "oom" {
			value = 1 - fits
		}
		right := (value != 0) == (*c.Measured != 0)
		c.Predict(Prediction{Value: value, Low: value, High: value, Rung: "memory model"})
		c.Error, c.Low, c.High, c.Correct = nil, nil, nil, &right
		return
	case m.scale == Size:
		v := m.size(o)
		low, high := memoryInterval(m.name, v)
		c.Predict(Prediction{Value: v, Low: low, High: high, Rung: "memory model"})
		return
	case m.rate == nil:
		low, high := o.interval(o.step.Seconds)
		c.Predict(Prediction{Value: o.step.Seconds / m.per, Low: low / m.per, High: high / m.per, Roofline: o.rooflineSec(r.chips) / m.per, Rung: o.rung})
		return
	}
	work := m.rate(r, o)
	low, high := o.interval(o.step.Seconds)
	c.Predict(Prediction{Value: work / o.step.Seconds, Low: work / high, High: work / low, Roofline: work / o.rooflineSec(r.chips), Rung: o.rung})
}

// memorySD are the standard deviations of the logarithm of predicted over measured
// memory on the rows that the memory model was checked on.
var memorySD = map[string]float64{"mem_alloc_gib": 0.09, "mem_reserved_gib": 0.18, "peak_memory_gib": 0.18}

func memoryInterval(metric string, v float64) (low, high float64) {
	o := outcome{sd: memorySD[metric]}
	return o.interval(v)
}
