package hardware

import "aisim/internal/result"

// Value is one catalogue number in SI base units with its pedigree. The zero
// Value means that the number is not known.
type Value struct {
	V      float64         // in Unit
	Unit   string          // SI base: B, B/s, FLOP/s, s, W, m, USD, …; empty for counts and ratios
	Kind   result.Pedigree // what it rests on; empty when the number is not known
	Source string          // where it was read; keeps "from memory" and "ASSUMPTION" where they apply
	Date   string          // year or day that it holds for, as the source prints it
	Note   string          // what else the row says of it
	RelSD  float64         // relative standard deviation, by the rule of docs/models/hardware.md
}

// Known says whether the catalogue holds the number.
func (v Value) Known() bool { return v.Kind != "" }

// Or returns v when it is known and other when it is not.
func (v Value) Or(other Value) Value {
	if v.Known() {
		return v
	}
	return other
}
