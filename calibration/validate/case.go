package validate

import "math"

// Status is what became of a case.
type Status string

// The statuses.
const (
	Predicted Status = "predicted"
	Refused   Status = "refused" // no model supports it, or the row does not say enough
	Failed    Status = "error"   // the row cannot be read, or the model failed on it
)

// Uses of a row.
const (
	UseGate    = "gate"    // counts in the summary
	UseInfo    = "info"    // predicted and shown
	UseExclude = "exclude" // skipped
)

// Scale says how a metric turns into an error.
type Scale uint8

// The scales.
const (
	Time  Scale = iota // predicted/measured − 1
	Rate               // of time: measured/predicted − 1
	Size               // predicted/measured − 1, in groups of its own
	YesNo              // right or wrong
)

// Case is one measured metric beside its prediction.
type Case struct {
	ID        string   `json:"id"`
	Use       string   `json:"use"`
	Status    Status   `json:"status"`
	Reason    string   `json:"reason,omitempty"`
	Metric    string   `json:"metric,omitempty"`
	Unit      string   `json:"unit,omitempty"`
	Measured  *float64 `json:"measured,omitempty"`
	Predicted *float64 `json:"predicted,omitempty"`
	Low       *float64 `json:"low,omitempty"` // 90 % interval
	High      *float64 `json:"high,omitempty"`
	Error     *float64 `json:"error,omitempty"`
	Correct   *bool    `json:"correct,omitempty"`
	Rung      string   `json:"rung,omitempty"`
	Assumed   []string `json:"assumed,omitempty"`
	Note      string   `json:"note,omitempty"`
	// Roofline is the prediction of line rates alone, RooflineError its error.
	Roofline      *float64 `json:"roofline,omitempty"`
	RooflineError *float64 `json:"roofline_error,omitempty"`

	scale Scale
	keys  []groupKey
}

type groupKey struct{ by, key string }

// In puts the case into a group as well.
func (c *Case) In(by, key string) {
	if key != "" {
		c.keys = append(c.keys, groupKey{by, key})
	}
}

// NewCase is a case that has not been predicted.
func NewCase(id, use string) Case {
	if use == "" {
		use = UseGate
	}
	return Case{ID: id, Use: use, Status: Refused}
}

// Refuse sets the reason why there is no prediction.
func (c Case) Refuse(reason string) Case {
	c.Status, c.Reason = Refused, reason
	return c
}

// Fail sets what went wrong.
func (c Case) Fail(err error) Case {
	c.Status, c.Reason = Failed, err.Error()
	return c
}

// Prediction is a value in the metric's unit with its 90 % interval, and what a plain
// roofline says (0: nothing).
type Prediction struct {
	Value, Low, High float64
	Roofline         float64
	Rung             string
}

// Measure sets the metric.
func (c *Case) Measure(metric, unit string, scale Scale, measured float64) {
	c.Metric, c.Unit, c.scale, c.Measured = metric, unit, scale, &measured
}

// Predict sets the prediction and its errors.
func (c *Case) Predict(p Prediction) {
	c.Status, c.Rung = Predicted, p.Rung
	c.Predicted, c.Low, c.High = &p.Value, &p.Low, &p.High
	if c.Measured != nil {
		c.Error = errorOf(c.scale, p.Value, *c.Measured)
	}
	if p.Roofline > 0 {
		c.Roofline = &p.Roofline
		if c.Measured != nil {
			c.RooflineError = errorOf(c.scale, p.Roofline, *c.Measured)
		}
	}
}

func errorOf(s Scale, predicted, measured float64) *float64 {
	if s == Rate {
		predicted, measured = measured, predicted
	}
	e := predicted/measured - 1
	if math.IsNaN(e) || math.IsInf(e, 0) {
		return nil
	}
	return &e
}
