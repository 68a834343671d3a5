package hardware

// Draw picks a number for a named value: its nominal one, or one from its
// uncertainty. Equal names give equal numbers within one Draw.
type Draw func(name string, v Value) float64

// NominalDraw returns every value as it stands.
func NominalDraw(_ string, v Value) float64 { return v.V }
