package hardware

import (
	"fmt"
	"math"

	"aisim/hardware/profile"
	"aisim/internal/result"
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

// DrawLinks returns the link classes with their rates and their fixed times
// each moved by one draw per class.
func DrawLinks(links map[string]profile.LinkParams, draw Draw) map[string]profile.LinkParams {
	out := make(map[string]profile.LinkParams, len(links))
	for class, l := range links {
		factor := func(what string, sd float64) float64 {
			return draw("link/"+class+"/"+what, Value{V: 1, Kind: result.Pedigree(l.Kind), Source: l.Source, RelSD: sd})
		}
		// A class that is slow is slow in all its uses; no more than the line rate,
		// except where switches reduce.
		rate, latency := factor("rate", l.RelSD), factor("latency", l.LatencySD)
		out[class] = l.Scaled(rate, latency)
	}
	return out
}
