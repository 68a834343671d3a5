package ingest

import (
	"fmt"
	"hash/maphash"
	"math"
)

// Contradictions hands records on and compares those that measure the same thing with
// the same tool: same operation, size, type, ranks and device. Where two differ by
// more than the tolerance, both are handed on and the pair is reported; nothing is
// averaged. Records of traces and logs are samples, which may differ.
//
// Memory is bounded: after a million different measurements new ones are not compared.
type Contradictions struct {
	Sink
	Tolerance float64 // relative, 0 means a quarter
	seed      maphash.Seed
	seen      map[uint64]earlier
	buf       []byte
	Full      bool // not everything was compared
}

type earlier struct {
	value float64
	file  string
	line  int
}

const maxCompared = 1 << 20

// NewContradictions compares what goes to the sink.
func NewContradictions(to Sink) *Contradictions {
	return &Contradictions{Sink: to, Tolerance: 0.25, seed: maphash.MakeSeed(), seen: map[uint64]earlier{}}
}

// Record compares a record and hands it on.
func (c *Contradictions) Record(r Record) error {
	if key, value, what := c.identity(r); value > 0 {
		if old, ok := c.seen[key]; !ok {
			if len(c.seen) < maxCompared {
				c.seen[key] = earlier{value, r.Source.File, r.Source.Line}
			} else {
				c.Full = true
			}
		} else if d := math.Abs(value-old.value) / math.Min(value, old.value); d > c.Tolerance {
			c.Problem(Problem{File: r.Source.File, Line: r.Source.Line, Tool: r.Source.Tool,
				What: fmt.Sprintf("contradiction: %s is %.4g here and %.4g in %s:%d, %.0f %% apart; both are kept, measure again", what, value, old.value, old.file, old.line, 100*d)})
		}
	}
	return c.Sink.Record(r)
}

// identity is what a record measures and how much it found; 0 is not compared.
func (c *Contradictions) identity(r Record) (key uint64, value float64, what string) {
	b := c.buf[:0]
	word := func(s string) { b = append(append(b, s...), 0) }
	num := func(n Num) {
		u := uint64(1)
		if n.Known {
			u = math.Float64bits(n.V)
		}
		for range 8 {
			b = append(b, byte(u))
			u >>= 8
		}
	}
	word(r.Source.Tool)
	word(string(r.Kind))
	switch x := r.Body.(type) {
	case *Collective:
		if x.StartSec.Known || x.Name != "" || x.Bytes.V == 0 || r.Source.Tool == "chakra" {
			return 0, 0, ""
		}
		for _, s := range []string{x.Op, x.DType, x.RedOp, x.Placement, x.Device, x.Group} {
			word(s)
		}
		for _, n := range []Num{x.Bytes, x.Elements, x.Ranks, x.Nodes, x.Root} {
			num(n)
		}
		value, what = x.TimeSec.V, "time in s"
	case *Link:
		for _, s := range []string{x.Op, x.From, x.To, x.Engine, x.Device, x.Transport, x.Under} {
			word(s)
		}
		if x.Bidirectional {
			word("both ways")
		}
		num(x.Bytes)
		num(x.QueuePairs)
		if x.BytesPerSec.Known {
			word("rate")
			value, what = x.BytesPerSec.V, "rate in B/s"
		} else {
			value, what = x.LatencySec.V, "latency in s"
		}
	case *Memory:
		for _, s := range []string{x.Op, x.Device, x.DType} {
			word(s)
		}
		for _, n := range []Num{x.ArrayBytes, x.Threads, x.BlockThreads} {
			num(n)
		}
		value, what = x.BytesPerSec.V, "rate in B/s"
	case *Kernel:
		if x.Class != "gemm" {
			return 0, 0, ""
		}
		word(x.Name)
		word(x.Device)
		word(x.DType)
		for _, n := range []Num{x.M, x.N, x.K, x.Batch} {
			num(n)
		}
		value, what = x.FlopPerSec.V, "rate in FLOP/s"
		if value == 0 {
			word("time")
			value, what = x.DurationSec.V, "time in s"
		}
	default:
		return 0, 0, ""
	}
	c.buf = b
	return maphash.Bytes(c.seed, b), value, what
}
