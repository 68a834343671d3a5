package serving

import (
	"math"
	"slices"
)

// radixFrom is the length from which sorting by digits beats comparing.
const radixFrom = 2048

// sortSeconds sorts v upwards. Long slices of values that are not negative are sorted by
// their bits, 11 at a time from the lowest: such floats have the order of their bits.
func sortSeconds(v []float64) {
	if len(v) < radixFrom {
		slices.Sort(v)
		return
	}
	const digit = 11
	const passes = (64 + digit - 1) / digit
	var count [passes][1 << digit]int32
	for _, x := range v {
		b := math.Float64bits(x)
		if b>>63 != 0 || len(v) > math.MaxInt32 {
			slices.Sort(v)
			return
		}
		for p := range passes {
			count[p][b>>(p*digit)&(1<<digit-1)]++
		}
	}
	from, to := v, make([]float64, len(v))
	for p := range passes {
		c := &count[p]
		if int(c[math.Float64bits(v[0])>>(p*digit)&(1<<digit-1)]) == len(v) {
			continue // all values share this digit
		}
		at := int32(0)
		for d := range c {
			c[d], at = at, at+c[d]
		}
		for _, x := range from {
			d := math.Float64bits(x) >> (p * digit) & (1<<digit - 1)
			to[c[d]] = x
			c[d]++
		}
		from, to = to, from
	}
	if &from[0] != &v[0] {
		copy(v, from)
	}
}
