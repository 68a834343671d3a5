package crush

import (
	"math/big"
	"math/bits"
	"sync"
)

// lnDistance is 2^48 − L(u) for u in 0..65535, where L is the fixed-point
// logarithm of straw2 with 44 fractional bits, about 2^44·log2(u+1).
//
// L is not the exact logarithm: it goes through two tables of 48 fractional
// bits, the second of which does not follow its own definition
// (shiftedLow, irregularLow). Placement depends on the shipped values.
var lnDistance = sync.OnceValue(func() *[1 << 16]uint64 {
	recip, high, low := lnTables()
	var d [1 << 16]uint64
	for u := range d {
		d[u] = 1<<48 - lnFixed(uint32(u), recip, high, low)
	}
	return &d
})

// lnFixed is L(u): normalise u+1 to 2^15..2^16, look up the logarithm of its
// upper byte, multiply by the reciprocal of that, look up the rest.
func lnFixed(u uint32, recip, high *[129]uint64, low *[256]uint64) uint64 {
	x, exponent := uint64(u)+1, uint64(15)
	if x&0x18000 == 0 {
		shift := 16 - bits.Len64(x)
		x <<= shift
		exponent -= uint64(shift)
	}
	k := x>>8 - 128
	rest := (x * recip[k]) >> 48 & 255
	return exponent<<44 + (high[k]+low[rest])>>4
}

// lnTables derives the tables: recip[k] = ⌈2^48/(1+k/128)⌉, high[k] =
// ⌊2^48·log2(1+k/128)⌋, low[k] = ⌊2^48·log2(1+k/2^15)⌋ with the deviations below.
func lnTables() (recip, high *[129]uint64, low *[256]uint64) {
	recip, high, low = new([129]uint64), new([129]uint64), new([256]uint64)
	for k := range uint64(129) {
		recip[k] = (1<<55 + 127 + k) / (128 + k)
		high[k] = log2Floor(128+k, 7)
	}
	high[128] = 0xffff00000000 // instead of 2^48
	for k := range uint64(256) {
		low[k] = log2Floor(1<<15+k, 15) + shiftedLow
	}
	for _, k := range exactLow {
		low[k] -= shiftedLow
	}
	for k, v := range irregularLow {
		low[k] = v
	}
	return recip, high, low
}

// The second table of Ceph's logarithm (src/crush/crush_ln_table.h, quoted as
// data) lies shiftedLow above its definition, but for the entries of exactLow, which
// keep it, and those of irregularLow, which follow no rule.
const shiftedLow = 0x147700000

var exactLow = []uint8{0, 1, 203, 216, 222, 233, 237, 238, 239, 243, 244, 245, 246, 248, 249, 250, 251, 252, 253, 254, 255}

var irregularLow = map[uint8]uint64{
	56: 0xa2b07f3458, 127: 0x16df6ca19bd, 134: 0x182b07f3458, 181: 0x209c06e6212,
	184: 0x212b07f3458, 188: 0x21d6a73a78f, 193: 0x22c23679b4e, 198: 0x23a2c3b0ea4,
	199: 0x23d13ee805b, 200: 0x24035e9221f, 207: 0x25492644d65, 210: 0x25d13ee805b,
	212: 0x26296453882, 225: 0x287bdbf5255, 227: 0x28d13ee805b, 228: 0x29035e9221f,
	229: 0x29296453882, 231: 0x29902a37aab, 235: 0x2a4c7605d61, 236: 0x2a7bdbf5255,
	240: 0x2b296453882, 241: 0x2b5d022d80f, 247: 0x2c61a5e8f4c,
}

// log2Floor is ⌊2^48·log2(n/2^shift)⌋ for 2^shift ≤ n ≤ 2^(shift+1), bit by
// bit: the logarithm of a square is twice as large, and its integer part is the next bit. 192
// fractional bits outlast the 48 doublings of the rounding error.
func log2Floor(n uint64, shift uint) uint64 {
	const precision = 192
	if n == 2<<shift {
		return 1 << 48
	}
	x := new(big.Int).Lsh(new(big.Int).SetUint64(n), precision-shift)
	var out uint64
	for range 48 {
		x.Rsh(x.Mul(x, x), precision)
		out <<= 1
		if x.BitLen() > precision+1 {
			out |= 1
			x.Rsh(x, 1)
		}
	}
	return out
}
