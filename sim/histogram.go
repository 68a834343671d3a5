package sim

import (
	"math"
	"math/bits"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Histogram counts durations with a relative resolution of 0.1 % (three
// significant digits) from 1 ns to the range of the clock, in memory that grows
// with the largest value only. Everything inside is an integer, so the order of
// records and merges cannot change a result by a single bit.
//
// The zero value is empty and ready for use.
type Histogram struct {
	counts       *hdr.Histogram
	highestNs    int64 // largest value that counts can hold
	minNs, maxNs int64
	sumHi, sumLo uint64 // sum of all values in ns, 128 bits
	rejected     int64
}

const (
	histogramDigits  = 3
	histogramStartNs = 1e9 // the first allocation covers 1 s
	nsPerSec         = 1e9
)

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram { return &Histogram{} }

// Record counts one duration, in seconds. A value that is NaN, negative or
// beyond 29.2 years is not counted; Rejected tells how many there were.
func (h *Histogram) Record(sec float64) { h.RecordN(sec, 1) }

// RecordN counts n equal durations, in seconds.
func (h *Histogram) RecordN(sec float64, n int64) {
	ns := math.RoundToEven(sec * nsPerSec)
	if !(ns >= 0 && ns <= float64(Never/Nanosecond)) {
		h.rejected += max(n, 0)
		return
	}
	h.recordNs(int64(ns), n)
}

// RecordTime counts one duration of the simulation clock.
func (h *Histogram) RecordTime(d Duration) {
	if d < 0 {
		h.rejected++
		return
	}
	h.recordNs(int64((d+Nanosecond/2)/Nanosecond), 1)
}

func (h *Histogram) recordNs(ns, n int64) {
	if n <= 0 {
		return
	}
	h.cover(ns)
	if h.Count() == 0 {
		h.minNs, h.maxNs = ns, ns
	}
	if h.counts.RecordValues(ns, n) != nil {
		h.rejected += n
		return
	}
	h.minNs, h.maxNs = min(h.minNs, ns), max(h.maxNs, ns)
	hi, lo := bits.Mul64(uint64(ns), uint64(n))
	h.addSum(hi, lo)
}

func (h *Histogram) addSum(hi, lo uint64) {
	var carry uint64
	h.sumLo, carry = bits.Add64(h.sumLo, lo, 0)
	h.sumHi, _ = bits.Add64(h.sumHi, hi, carry)
}

// cover makes room for values up to ns. Histograms that differ only in their
// highest value share the boundaries of their cells, so growing is exact.
func (h *Histogram) cover(ns int64) {
	if h.counts != nil && ns <= h.highestNs {
		return
	}
	highest := max(h.highestNs, histogramStartNs)
	for highest < ns {
		if highest > math.MaxInt64/16 {
			highest = math.MaxInt64
			break
		}
		highest *= 16
	}
	wider := hdr.New(1, highest, histogramDigits)
	if h.counts != nil {
		wider.Merge(h.counts)
	}
	h.counts, h.highestNs = wider, highest
}

// Merge adds all of from to h. It is exact and does not depend on the order.
func (h *Histogram) Merge(from *Histogram) {
	h.rejected += from.rejected
	if from.Count() == 0 {
		return
	}
	h.cover(from.highestNs)
	if h.Count() == 0 {
		h.minNs, h.maxNs = from.minNs, from.maxNs
	}
	h.minNs, h.maxNs = min(h.minNs, from.minNs), max(h.maxNs, from.maxNs)
	h.counts.Merge(from.counts)
	h.addSum(from.sumHi, from.sumLo)
}

// Count returns the number of durations recorded.
func (h *Histogram) Count() int64 {
	if h.counts == nil {
		return 0
	}
	return h.counts.TotalCount()
}

// Rejected returns the number of values that could not be counted.
func (h *Histogram) Rejected() int64 { return h.rejected }

// Mean returns the exact mean of the recorded nanoseconds, in seconds, or NaN if
// nothing was recorded.
func (h *Histogram) Mean() float64 {
	n := h.Count()
	if n == 0 {
		return math.NaN()
	}
	return (float64(h.sumHi)*0x1p64 + float64(h.sumLo)) / float64(n) / nsPerSec
}

// SD returns the standard deviation in seconds, from the midpoints of the
// cells, or NaN if nothing was recorded.
func (h *Histogram) SD() float64 {
	if h.Count() == 0 {
		return math.NaN()
	}
	return h.counts.StdDev() / nsPerSec
}

// Min returns the smallest recorded value in seconds, or NaN.
func (h *Histogram) Min() float64 {
	if h.Count() == 0 {
		return math.NaN()
	}
	return float64(h.minNs) / nsPerSec
}

// Max returns the largest recorded value in seconds, or NaN.
func (h *Histogram) Max() float64 {
	if h.Count() == 0 {
		return math.NaN()
	}
	return float64(h.maxNs) / nsPerSec
}

// Percentile returns the smallest value in seconds that at least p percent (0 to
// 100) of the recorded values do not exceed, or NaN if nothing was recorded. It is within
// 0.1 % of an observed value and never beyond Min and Max.
func (h *Histogram) Percentile(p float64) float64 {
	if h.Count() == 0 {
		return math.NaN()
	}
	// The nearest rank, handed on as the percentage that names it exactly.
	n := float64(h.Count())
	rank := min(max(math.Ceil(p/100*n-1e-9), 1), n)
	ns := h.counts.ValueAtPercentile(100 * rank / n)
	return float64(min(max(ns, h.minNs), h.maxNs)) / nsPerSec
}

// FractionAtMost returns the fraction of recorded values that do not exceed
// sec, to the resolution of the cells: the attainment of a limit. It returns
// NaN if nothing was recorded.
func (h *Histogram) FractionAtMost(sec float64) float64 {
	if h.Count() == 0 || math.IsNaN(sec) {
		return math.NaN()
	}
	ns := math.Floor(sec * nsPerSec)
	var below int64
	for _, c := range h.Cells() {
		if math.Round(c.LowSec*nsPerSec) > ns {
			break
		}
		below += c.Count
	}
	return float64(below) / float64(h.Count())
}

// Cell is one non-empty cell of a histogram.
type Cell struct {
	LowSec, HighSec float64
	Count           int64
}

// Cells returns the non-empty cells in increasing order.
func (h *Histogram) Cells() []Cell {
	if h.counts == nil {
		return nil
	}
	var cells []Cell
	for _, b := range h.counts.Distribution() {
		if b.Count > 0 {
			cells = append(cells, Cell{float64(b.From) / nsPerSec, float64(b.To) / nsPerSec, b.Count})
		}
	}
	return cells
}
