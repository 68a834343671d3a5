package number

import (
	"math"
	"strconv"
	"strings"
)

// Characters of the house: the minus sign, the narrow no-break space that
// stands before a unit, and the dash of an interval.
const (
	Minus = "\u2212"
	Gap   = "\u202f"
	Dash  = "\u2013"
)

// Words that stand where a number would.
const (
	NoData = "no data"
	NA     = "n/a"
)

// wideShare is the half-width of an interval, as a share of the value, above
// which the third digit says nothing.
const wideShare = 0.30

// Format is one scale, unit and number of decimals, shared by a value and its
// interval so that a reader compares like with like.
type Format struct {
	Div      float64 // base value of one shown unit
	Unit     string  // shown after the digits, "" for none
	Decimals int
}

// For chooses the format of value, given in unit, with the interval low–high
// (pass value twice more when there is none).
func For(value, low, high float64, unit string) Format {
	div, shown := scale(value, unit)
	f := Format{Div: div, Unit: shown}
	half := math.Max(value-low, high-value)
	f.Decimals = decimals(value/div, half/div)
	if shown == "%" && f.Decimals > 2 {
		f.Decimals = 2
	}
	return f
}

// Step is For with the seconds kept as seconds, as step times always are.
func Step(value, low, high float64) Format {
	half := math.Max(value-low, high-value)
	return Format{Div: 1, Unit: "s", Decimals: decimals(value, half)}
}

// decimals gives three significant digits, two when half is wide.
func decimals(v, half float64) int {
	a := math.Abs(v)
	if a == 0 || !finite(a) {
		return 0
	}
	digits := 3
	if finite(half) && half > wideShare*a {
		digits = 2
	}
	d := digits - 1 - int(math.Floor(math.Log10(a)))
	// 9.996 rounds to 10.0 and so gains a digit before the point.
	if d > 0 && math.Round(a*math.Pow10(d)) >= math.Pow10(digits) {
		d--
	}
	return min(max(d, 0), 4)
}

// Value is v without its unit. What is not zero but would print as zero reads
// "< 0.01".
func (f Format) Value(v float64) string {
	if !finite(v) || f.Div == 0 {
		return NoData
	}
	x := v / f.Div
	if v != 0 && math.Abs(x) < 0.5*math.Pow10(-f.Decimals) {
		least := strconv.FormatFloat(math.Pow10(-f.Decimals), 'f', f.Decimals, 64)
		if v < 0 {
			return "> " + Minus + least
		}
		return "< " + least
	}
	return Fixed(x, f.Decimals)
}

// With is v and the unit.
func (f Format) With(v float64) string { return join(f.Value(v), f.Unit) }

// Signed is v with its sign and the unit.
func (f Format) Signed(v float64) string {
	s := f.Value(v)
	if v > 0 && finite(v) && !strings.HasPrefix(s, "<") && !isZero(s) {
		s = "+" + s
	}
	return join(s, f.Unit)
}

// Interval is low–high with the unit once.
func (f Format) Interval(low, high float64) string {
	if !finite(low) || !finite(high) {
		return NoData
	}
	if low < 0 || high < 0 {
		sign := Format{Div: f.Div, Decimals: f.Decimals}
		return join(sign.Signed(low)+" to "+sign.Signed(high), f.Unit)
	}
	return join(f.Value(low)+Dash+f.Value(high), f.Unit)
}

// Of formats one value on its own.
func Of(v float64, unit string) string { return For(v, v, v, unit).With(v) }

// Fixed prints x with d decimals, commas and a true minus.
func Fixed(x float64, d int) string {
	if !finite(x) {
		return NoData
	}
	if d == 0 && math.Abs(x) >= 10_000 { // three digits tell as much; the rest is noise
		p := math.Pow10(int(math.Floor(math.Log10(math.Abs(x)))) - 2)
		x = math.Round(x/p) * p
	}
	return group(strconv.FormatFloat(x, 'f', d, 64))
}

// Int prints an exactly known count in full.
func Int(n int) string { return group(strconv.Itoa(n)) }

// group sets commas and the sign in the decimal text s.
func group(s string) string {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	whole, frac, hasFrac := strings.Cut(s, ".")
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	if hasFrac {
		b.WriteByte('.')
		b.WriteString(frac)
	}
	out := b.String()
	if neg && !isZero(out) {
		out = Minus + out
	}
	return out
}

func isZero(s string) bool { return strings.Trim(s, "0.,"+Minus) == "" }

func join(s, unit string) string {
	if unit == "" || s == NoData {
		return s
	}
	return s + Gap + unit
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Percent is a share of 0..1 as text.
func Percent(share float64) string { return Of(share, "ratio") }

// Change is a relative change with its sign, one decimal below 10 %, none from 10 % up.
func Change(share float64) string {
	d := 1
	if math.Abs(share) >= 0.0995 {
		d = 0
	}
	return Format{Div: 0.01, Unit: "%", Decimals: d}.Signed(share)
}

// ChangeFine is Change with one decimal always, for columns of alike rows. A
// change below a twentieth of a per cent reads 0.0 %, which is an answer.
func ChangeFine(share float64) string {
	if !finite(share) {
		return NoData
	}
	if math.Abs(share) < 0.0005 {
		return "0.0" + Gap + "%"
	}
	return Format{Div: 0.01, Unit: "%", Decimals: 1}.Signed(share)
}

// Probability has two decimals and never claims certainty.
func Probability(p float64) string {
	switch {
	case !finite(p):
		return NoData
	case p > 0.99:
		return "> 0.99"
	case p < 0.01:
		return "< 0.01"
	}
	return Fixed(p, 2)
}

// trimFixed is strconv's fixed notation without the rounding of Fixed.
func trimFixed(x float64, d int) string { return strconv.FormatFloat(x, 'f', d, 64) }

// Short is Of without idle zeros, for what was given rather than computed: "9 %", "400 Gb/s".
func Short(v float64, unit string) string {
	f := For(v, v, v, unit)
	return join(trimIdle(f.Value(v)), f.Unit)
}

// ShortInterval is an interval of given values without idle zeros.
func ShortInterval(low, high float64, unit string) string {
	f := For(high, high, high, unit)
	if low < 0 || high < 0 {
		return f.Interval(low, high)
	}
	if g := For(low, low, low, unit); g.Div == f.Div {
		f.Decimals = max(f.Decimals, g.Decimals)
	}
	return join(trimIdle(f.Value(low))+Dash+trimIdle(f.Value(high)), f.Unit)
}

func trimIdle(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Use is a share as utilisations are read: whole per cents, one decimal below 10 %.
func Use(share float64) string {
	d := 0
	if math.Abs(share) < 0.0995 {
		d = 1
	}
	f := Format{Div: 0.01, Unit: "%", Decimals: d}
	return join(trimIdle(f.Value(share)), f.Unit)
}
