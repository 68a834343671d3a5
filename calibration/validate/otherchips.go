package validate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

func init() { Register("other-chips", newOtherChips) }

// otherChips predicts inference on chips without kernel tables: FPGA, ASIC, edge, CPU,
// and GPUs on classic models.
type otherChips struct {
	serving   *inference
	anchors   map[string][]boardRow // DPU rows of the table by network
	estimates map[string]estimate   // of predicted rows, by id and metric
}

func newOtherChips() (Kind, error) {
	k, err := newInference()
	if err != nil {
		return nil, err
	}
	return &otherChips{serving: k.(*inference), anchors: map[string][]boardRow{}, estimates: map[string]estimate{}}, nil
}

func (k *otherChips) Name() string { return "other-chips" }
func (k *otherChips) Columns() []string {
	return []string{"chip", "model", "batch", "metric", "value", "unit"}
}

// estimate is a prediction in the row's unit.
type estimate struct {
	value, roof float64
	sd          float64
	held        float64 // standard deviation where the row's chip or network was not in the fit; 0: as sd
	rung        string
	group       string
	form        *form                     // whose constants it rests on; nil: none that a fit gives
	at          func(x []float64) float64 // the value under constants of the form
	reference   bool                      // what others are scaled from was read off this row
}

// by sets the value from a form's shipped constants.
func (e *estimate) by(f *form, at func(x []float64) float64) {
	e.form, e.at, e.value = f, at, at(f.values())
}

func (k *otherChips) study(t *Table) {
	for _, row := range t.Rows {
		if row.Text("use") == UseExclude {
			continue
		}
		b, err := readBoard(row)
		v, ok, verr := row.Number("value")
		if err != nil || verr != nil || !ok || v <= 0 || !isRate(row.Text("metric")) {
			continue
		}
		b.sec = 1 / v
		k.anchors[b.network] = append(k.anchors[b.network], b)
	}
}

func isRate(metric string) bool {
	return strings.Contains(metric, "throughput") || strings.Contains(metric, "per_s") || strings.Contains(metric, "fps")
}

// Predict implements Kind.
func (k *otherChips) Predict(row Row, c Case) []Case {
	out, e, c := k.predicted(row, c)
	if e.value > 0 {
		k.estimates[c.ID+"/"+c.Metric] = e
	}
	return out
}

// predicted is Predict with the estimate and the case by itself.
func (k *otherChips) predicted(row Row, c Case) ([]Case, estimate, Case) {
	chip, metric := row.Text("chip"), row.Text("metric")
	c.In("chip", chip)
	c.In("metric", metric)
	c.In("source", family(row.Text("id")))
	v, ok, err := row.Number("value")
	if err == nil && ok && v <= 0 {
		err = fmt.Errorf("line %d: value is %g, want a positive number", row.Line, v)
	}
	if err != nil {
		return []Case{c.Fail(err)}, estimate{}, c
	}
	if !ok {
		return []Case{c.Refuse("the row has no measured value")}, estimate{}, c
	}
	scale := Time
	if isRate(metric) {
		scale = Rate
	} else if !strings.Contains(metric, "_ms") && !strings.Contains(metric, "latency") {
		return []Case{c.Refuse(fmt.Sprintf("metric %q is not known", metric))}, estimate{}, c
	}
	if scale == Time && row.Text("unit") != "ms" {
		return []Case{c.Refuse(fmt.Sprintf("unit %q of a latency is not known: expected ms", row.Text("unit")))}, estimate{}, c
	}
	c.Measure(metric, row.Text("unit"), scale, v)
	e, err := k.estimate(row, &c)
	if err != nil {
		return []Case{c.Refuse(err.Error())}, e, c
	}
	c.In("family", e.group)
	c.In("family and metric", e.group+", "+metric)
	c.In("rung", e.rung)
	low, high := e.value*math.Exp(-z90*e.sd), e.value*math.Exp(z90*e.sd)
	c.Predict(Prediction{Value: e.value, Low: low, High: high, Roofline: e.roof, Rung: e.rung})
	return []Case{c}, e, c
}

func (k *otherChips) estimate(row Row, c *Case) (estimate, error) {
	n := strings.ToLower(row.Text("chip"))
	notes := strings.ToLower(row.Text("notes"))
	batch, given, err := row.Number("batch")
	if err != nil {
		return estimate{}, err
	}
	if !given {
		batch = 1
	}
	switch {
	case isBoard(row):
		return k.board(row)
	case hasAny(n, "inferentia", "trainium", "inf1", "inf2", "trn1", "trn2"):
		return k.neuron(row, batch, c)
	case strings.Contains(n, "coral") || strings.Contains(n, "edge tpu"):
		return coral(row)
	case strings.Contains(n, "jetson") || strings.Contains(n, "orin") || strings.Contains(n, "xavier"):
		return k.jetson(row, c)
	case strings.HasPrefix(strings.ToLower(row.Text("model")), "mlperf"):
		return k.mlperf(row, c)
	case strings.Contains(notes, "concurrency"):
		return k.service(row, batch, c)
	}
	return k.classic(row, batch, c)
}

// isBoard says whether a row is of a DPU: its notes give the build, or the board has nothing else.
func isBoard(row Row) bool {
	if _, err := readBoard(row); err == nil {
		return true
	}
	return hasAny(strings.ToLower(row.Text("notes")), "dpu", "aies running") || hasAny(boardName(row.Text("chip")), "zcu", "kv260", "vek280", "vck190")
}

var sizeText = regexp.MustCompile(`(?i)\b(\d+(?:\.\d+)?)B\b`)

// params is the number of parameters of a model card, else what the model's name says.
func (k *otherChips) params(model string) (float64, error) {
	if a, _, err := k.serving.architecture(model); err == nil && a.Params() > 0 {
		return a.Params(), nil
	}
	billions, err := modelSize(model)
	return billions * 1e9, err
}

// modelSize reads the size in billions from a model's name.
func modelSize(name string) (float64, error) {
	m := sizeText.FindStringSubmatch(name)
	if m == nil {
		return 0, fmt.Errorf("model %q: its size is not known", name)
	}
	v, _ := strconv.ParseFloat(m[1], 64)
	return v, nil
}
