// Package number formats quantities for reports: three significant digits (two
// where the interval is wide), one scale for a value and its interval, printed
// columns that add up by largest remainder, and words where there is no number.
// It knows units, not physics: it divides by powers of ten and nothing else.
//
// Bytes of memory are binary (GiB), bytes on wires and disks decimal (GB, TB).
// The unit follows a narrow no-break space; the sign is U+2212; an interval has
// an en dash without spaces and the unit once.
package number
