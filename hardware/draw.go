package hardware

import (
	"fmt"
	"math"

	"aisim/sim"
)

// Draw picks a number for a named value: its nominal one, or one from its
// uncertainty. Equal names give equal numbers within one Draw.
type Draw func(name string, v Value) float64

// NominalDraw returns every value as it stands.
func NominalDraw(_ string, v Value) float64 { return v.V }

// NewDraw returns the draw of one replica: each value times a lognormal factor
// with median 1 and the value's relative standard deviation. Each name has a
// stream of its own, so that a new value does not move the others, and a draw
// does not depend on the order in which values are asked for. Replica 0 is
// nominal, so that the first world of every run is the one that the tables
// describe.
func NewDraw(seed uint64, replica int) Draw {
	if replica == 0 {
		return NominalDraw
	}
	return func(name string, v Value) float64 {
		if v.RelSD == 0 || v.V == 0 {
			return v.V
		}
		s := sim.NewStream(seed, fmt.Sprintf("hardware/%s/replica-%d", name, replica))
		sigma := math.Sqrt(math.Log1p(v.RelSD * v.RelSD))
		return v.V * math.Exp(sigma*s.Normal(0, 1))
	}
}
