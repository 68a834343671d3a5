package ingest

import (
	"fmt"
	"math"
	"strconv"
)

// Num is a number that may be unknown. The zero value is unknown, which is not 0.
type Num struct {
	V     float64
	Known bool
}

// Is is a known number; what is not finite is unknown.
func Is(v float64) Num {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Num{}
	}
	return Num{v, true}
}

// Times is the number in another unit, unknown if it was. Decimal fractions are
// divided by, because 1e6 is exact and 1e-6 is not.
func (n Num) Times(factor float64) Num {
	if !n.Known {
		return n
	}
	if factor < 1 && factor > 0 {
		if whole := math.Round(1 / factor); math.Abs(whole*factor-1) < 1e-12 {
			return Is(n.V / whole)
		}
	}
	return Is(n.V * factor)
}

// Or is the number, or another if it is unknown.
func (n Num) Or(other Num) Num {
	if n.Known {
		return n
	}
	return other
}

// IsZero leaves unknown numbers out of JSON.
func (n Num) IsZero() bool { return !n.Known }

// MarshalJSON writes the number, or null.
func (n Num) MarshalJSON() ([]byte, error) {
	return appendJSONNum(nil, n), nil
}

// UnmarshalJSON reads a number or null.
func (n *Num) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Num{}
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("ingest: %q is no number", b)
	}
	*n = Is(v)
	return nil
}

func (n Num) String() string {
	if !n.Known {
		return "unknown"
	}
	return strconv.FormatFloat(n.V, 'g', 6, 64)
}

// Kind says what a record is about.
type Kind string

// The kinds of records.
const (
	KindCollective Kind = "collective"       // *Collective
	KindLink       Kind = "link"             // *Link
	KindMemory     Kind = "memory bandwidth" // *Memory
	KindKernel     Kind = "kernel"           // *Kernel
	KindDevice     Kind = "device sample"    // *Device
	KindStorage    Kind = "storage"          // *Storage
	KindServing    Kind = "serving"          // *Serving
	KindRequest    Kind = "request"          // *Request
	KindJob        Kind = "job"              // *Job
	KindEvent      Kind = "event"            // *Event
	KindEdge       Kind = "topology"         // *Edge
	KindCounters   Kind = "counters"         // *Counters
)

// Source says where a record was read.
type Source struct {
	Tool    string `json:"tool"`
	Version string `json:"version,omitempty"`
	File    string `json:"file"`
	Line    int    `json:"line"` // 1 is the first; 0 in binary files
}

// Body is one of the typed structs, by pointer.
type Body interface{ Kind() Kind }

// Record is one measurement or fact.
type Record struct {
	Kind   Kind   `json:"kind"`
	Source Source `json:"source"`
	Body   Body   `json:"body"`
}

// Problem is something in a file that could not be read, or that contradicts.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Tool string `json:"tool,omitempty"`
	What string `json:"what"` // what was found and what was expected
}

func (p Problem) String() string {
	if p.Tool == "" {
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Tool, p.What)
}

// Sink takes what is read. An error of Record ends the reading.
type Sink interface {
	Record(Record) error
	Problem(Problem)
}

// Field is a value that has no place of its own in a record.
type Field struct {
	Name  string `json:"name"`
	Value Num    `json:"value,omitzero"`
	Unit  string `json:"unit,omitempty"` // as the tool writes it, "" is a bare number
	Text  string `json:"text,omitempty"` // where it is no number
}

// Percentile is one point of a distribution.
type Percentile struct {
	Percent float64 `json:"percent"`
	Value   float64 `json:"value"` // in the unit of the distribution
}

// Dist is a distribution in the unit that its field's name ends in.
type Dist struct {
	Mean        Num          `json:"mean,omitzero"`
	Median      Num          `json:"median,omitzero"`
	SD          Num          `json:"sd,omitzero"`
	Min         Num          `json:"min,omitzero"`
	Max         Num          `json:"max,omitzero"`
	Count       Num          `json:"count,omitzero"`
	Percentiles []Percentile `json:"percentiles,omitempty"`
}

// IsZero leaves a distribution of which nothing is known out of JSON.
func (d Dist) IsZero() bool {
	return !d.Mean.Known && !d.Median.Known && !d.SD.Known && !d.Min.Known && !d.Max.Known && len(d.Percentiles) == 0
}

// times is the distribution in another unit.
func (d Dist) times(f float64) Dist {
	for _, n := range []*Num{&d.Mean, &d.Median, &d.SD, &d.Min, &d.Max} {
		*n = n.Times(f)
	}
	for i := range d.Percentiles {
		d.Percentiles[i].Value = Is(d.Percentiles[i].Value).Times(f).V
	}
	return d
}

// add notes a percentile; the 50th is the median.
func (d *Dist) add(percent float64, v Num) {
	if !v.Known {
		return
	}
	if percent == 50 && !d.Median.Known {
		d.Median = v
	}
	for _, p := range d.Percentiles {
		if p.Percent == percent && p.Value == v.V { // printed twice
			return
		}
	}
	d.Percentiles = append(d.Percentiles, Percentile{percent, v.V})
}

// At is a percentile as the tool printed it; nothing is interpolated.
func (d Dist) At(percent float64) Num {
	for _, p := range d.Percentiles {
		if math.Abs(p.Percent-percent) < 1e-9 {
			return Is(p.Value)
		}
	}
	if percent == 50 {
		return d.Median
	}
	return Num{}
}
