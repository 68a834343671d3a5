package number

import (
	"math"
	"sort"
)

// maxColumnDecimals bounds the decimals that a small line can ask of its column.
const maxColumnDecimals = 2

// needed is how many printed units a line must have to be told from rounding.
const needed = 5

// Column is a list of addends printed so that they add up as printed.
type Column struct {
	Cells []string
	Total string
	Format
}

// NewColumn formats parts and their total in the scale of the total, with the
// decimals that the smallest part needs, rounded by largest remainder: the
// printed parts sum to the printed total. When parts and total differ by more
// than rounding can, both are rounded on their own and a reader sees the gap.
func NewColumn(parts []float64, total float64, unit string) Column {
	f := For(total, total, total, unit)
	for _, p := range parts {
		a := math.Abs(p) / f.Div
		for a > 0 && a < needed*math.Pow10(-f.Decimals) && f.Decimals < maxColumnDecimals {
			f.Decimals++
		}
	}
	return ColumnIn(parts, total, f)
}

// ColumnIn is NewColumn in a given format.
func ColumnIn(parts []float64, total float64, f Format) Column {
	c := Column{Format: f, Cells: make([]string, len(parts)), Total: f.Value(total)}
	units := Units(parts, total, f.Div*math.Pow10(-f.Decimals))
	for i, p := range parts {
		switch {
		case units == nil || !finite(p):
			c.Cells[i] = f.Value(p)
		case units[i] == 0 && p != 0:
			c.Cells[i] = f.Value(math.Copysign(f.Div*math.Pow10(-f.Decimals-1), p))
		default:
			c.Cells[i] = group(trimFixed(float64(units[i])*math.Pow10(-f.Decimals), f.Decimals))
		}
	}
	if units != nil {
		c.Total = group(trimFixed(math.Round(total/f.Div*math.Pow10(f.Decimals))*math.Pow10(-f.Decimals), f.Decimals))
	}
	return c
}

// Units rounds parts to whole multiples of step whose sum is the rounded total.
// It returns nil when the parts do not add up to the total to begin with.
func Units(parts []float64, total, step float64) []int64 {
	var sum float64
	for _, p := range parts {
		if !finite(p) {
			return nil
		}
		sum += p
	}
	if !finite(total) || step <= 0 || math.Abs(sum-total) > 0.5*step+1e-9*math.Abs(total) ||
		math.Abs(total/step) > 1e15 {
		return nil
	}
	return Apportion(parts, int64(math.Round(total/step)), step)
}

// Apportion rounds parts to whole multiples of step whose sum is goal, giving
// the units that plain rounding down leaves over to the largest remainders.
func Apportion(parts []float64, goal int64, step float64) []int64 {
	out := make([]int64, len(parts))
	n := int64(len(parts))
	if n == 0 {
		return out
	}
	type rest struct {
		i int
		r float64
	}
	rests := make([]rest, len(parts))
	var have int64
	for i, p := range parts {
		u := p / step
		if !finite(u) || math.Abs(u) > 1e15 {
			u = 0 // nothing that could be printed
		}
		fl := math.Floor(u + 1e-9)
		out[i] = int64(fl)
		have += out[i]
		rests[i] = rest{i, u - fl}
	}
	sort.SliceStable(rests, func(a, b int) bool { return rests[a].r > rests[b].r })
	each, left := (goal-have)/n, (goal-have)%n
	for k := range rests {
		out[rests[k].i] += each
	}
	for k := int64(0); k < left; k++ {
		out[rests[k].i]++
	}
	for k := int64(0); k < -left; k++ {
		out[rests[n-1-k].i]--
	}
	return out
}

// Percents prints shares in per cent with d decimals so that they add up to
// their sum (100 for a whole).
func Percents(parts []float64, d int) []string {
	var sum float64
	for _, p := range parts {
		sum += p
	}
	if math.Abs(sum-1) < 1e-3 {
		sum = 1
	}
	f := Format{Div: 0.01, Unit: "%", Decimals: d}
	c := ColumnIn(parts, sum, f)
	for i := range c.Cells {
		c.Cells[i] = join(c.Cells[i], "%")
	}
	return c.Cells
}
