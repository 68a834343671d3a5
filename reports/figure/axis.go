package figure

import "math"

// Axis maps values to per cent of a drawing's width.
type Axis struct {
	Low, High float64
	Log       bool
	Ticks     []float64
}

// maxTicks bounds the ticks of an axis, whatever its range.
const maxTicks = 8

// held keeps a value within what can be drawn; one that is no number is zero.
func held(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return math.Min(1e100, math.Max(-1e100, v))
}

// Linear is an axis from low to at least high with 3 to 7 round ticks.
func Linear(low, high float64) Axis {
	low, high = held(low), held(high)
	if !(high > low) {
		high = low + math.Max(1, math.Abs(low)*1e-6)
	}
	step := roundStep((high - low) / 4)
	a := Axis{Low: low, High: high}
	from := math.Ceil(low/step - 1e-9)
	for i := range maxTicks {
		t := (from + float64(i)) * step
		if t > high+step*1e-6 {
			break
		}
		if math.Abs(t) < step*1e-9 {
			t = 0
		}
		a.Ticks = append(a.Ticks, t)
	}
	return a
}

// Log10 is a logarithmic axis from a round value at or below low to one at or
// above high, with a tick at decades, at most `most` of them.
func Log10(low, high float64, most int) Axis {
	low, high = held(low), held(high)
	if !(low > 1e-100) {
		low = 1e-9
	}
	if !(high > low) {
		high = low * 10
	}
	a := Axis{Low: roundDown(low), High: roundStep(high), Log: true}
	lo, hi := math.Ceil(math.Log10(a.Low)-1e-9), math.Floor(math.Log10(a.High)+1e-9)
	every := math.Max(1, math.Ceil((hi-lo+1)/float64(most)))
	for e := lo; e <= hi; e += every {
		a.Ticks = append(a.Ticks, math.Pow(10, e))
	}
	if len(a.Ticks) < 2 {
		a.Ticks = []float64{a.Low, a.High}
	}
	return a
}

// roundDown is the greatest of 1, 2, 5 times a power of ten at or below x.
func roundDown(x float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{5, 2} {
		if x >= m*p {
			return m * p
		}
	}
	return p
}

// At is the place of v in per cent, held within the drawing.
func (a Axis) At(v float64) float64 {
	var x float64
	if a.Log {
		if !(v > 0) {
			return 0
		}
		x = (math.Log(v) - math.Log(a.Low)) / (math.Log(a.High) - math.Log(a.Low))
	} else {
		x = (v - a.Low) / (a.High - a.Low)
	}
	if math.IsNaN(x) {
		return 0
	}
	return 100 * math.Min(1, math.Max(0, x))
}

// roundStep is the least of 1, 2, 2.5, 5 times a power of ten that reaches x.
func roundStep(x float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if x <= m*p*(1+1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// Draw is the axis as a row: ticks with their names.
func (a Axis) Draw(name func(float64) string) Row {
	d := Drawing{Height: 18}
	for i, t := range a.Ticks {
		x := a.At(t)
		d.Line(x, 0, x, 4, "faint", 1)
		anchor := Middle
		switch {
		case x < 4:
			anchor = Start
		case x > 96:
			anchor = End
		}
		d.Text(x, 15, 0, anchor, name(t))
		if i%2 == 1 && len(a.Ticks) > 4 {
			d.Wide()
		}
	}
	return Row{Axis: true, Draw: d}
}
