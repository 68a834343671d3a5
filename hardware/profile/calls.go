package profile

import (
	"fmt"
	"math"
)

// Call is one measured call of an operator: the first rung of the ladder interpolates between
// them.
type Call struct {
	Op   string    `toml:"op"`   // "gemm nn fp64": the operator, its variant and its number format
	Size []float64 `toml:"size"` // of a GEMM m, n and k
	Sec  float64   `toml:"sec"`
}

func checkCalls(calls []Call) error {
	for i, c := range calls {
		if c.Op == "" || len(c.Size) == 0 {
			return fmt.Errorf("call %d: give op and size", i+1)
		}
		if !(c.Sec > 0) || math.IsInf(c.Sec, 0) {
			return fmt.Errorf("call %d, %s: sec = %g: must be above 0", i+1, c.Op, c.Sec)
		}
		for _, s := range c.Size {
			if !(s > 0) || math.IsInf(s, 0) {
				return fmt.Errorf("call %d, %s: size = %g: must be above 0", i+1, c.Op, s)
			}
		}
	}
	return nil
}
