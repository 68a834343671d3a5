package sim

import "math/bits"

// divisor divides non-negative times by a constant through one multiplication
// (Granlund and Montgomery: Division by invariant integers using
// multiplication, PLDI 1994). For dividends below 2^63 and l = ⌈log2 d⌉ the factor
// ⌊2^(63+l)/d⌋+1 fits in 64 bits and the quotient is exact.
type divisor struct {
	factor uint64
	shift  uint8
	d      Duration
}

// newDivisor expects d >= 2.
func newDivisor(d Duration) divisor {
	l := bits.Len64(uint64(d) - 1)
	// 2^(63+l) / d with 2^(l-1) < d <= 2^l, so the high word is below d.
	factor, _ := bits.Div64(1<<(l-1), 0, uint64(d))
	return divisor{factor: factor + 1, shift: uint8(l - 1), d: d}
}

func (v *divisor) window(t Time) int64 {
	hi, _ := bits.Mul64(uint64(t), v.factor)
	return int64(hi >> (v.shift & 63))
}

// end returns the end of window w, at most Never.
func (v *divisor) end(w int64) Time {
	if w >= int64(Never/v.d) {
		return Never
	}
	return Time(w+1) * v.d
}
