package fit

import (
	"math"
	"slices"
)

// Simplex minimises f from x by the method of Nelder & Mead (1965) with at most `evals`
// evaluations, from a first simplex with edges of length size.
func Simplex(f func([]float64) float64, x []float64, size float64, evals int) ([]float64, float64) {
	n := len(x)
	type vertex struct {
		x []float64
		f float64
	}
	spent := 0
	at := func(x []float64) vertex { spent++; return vertex{x, f(x)} }
	v := []vertex{at(slices.Clone(x))}
	for i := range n {
		y := slices.Clone(x)
		y[i] += size
		v = append(v, at(y))
	}
	order := func() { slices.SortStableFunc(v, func(a, b vertex) int { return compare(a.f, b.f) }) }
	order()
	for spent < evals && v[n].f-v[0].f > 1e-9 {
		centre := make([]float64, n)
		for _, p := range v[:n] {
			for i := range centre {
				centre[i] += p.x[i] / float64(n)
			}
		}
		along := func(k float64) vertex {
			y := make([]float64, n)
			for i := range y {
				y[i] = centre[i] + k*(v[n].x[i]-centre[i])
			}
			return at(y)
		}
		switch r := along(-1); {
		case r.f < v[0].f:
			if e := along(-2); e.f < r.f {
				r = e
			}
			v[n] = r
		case r.f < v[n-1].f:
			v[n] = r
		default:
			k := 0.5
			if r.f < v[n].f {
				k = -0.5
			}
			if c := along(k); c.f < min(r.f, v[n].f) {
				v[n] = c
				break
			}
			for j := 1; j <= n; j++ {
				y := make([]float64, n)
				for i := range y {
					y[i] = v[0].x[i] + 0.5*(v[j].x[i]-v[0].x[i])
				}
				v[j] = at(y)
			}
		}
		order()
	}
	return v[0].x, v[0].f
}

func compare(a, b float64) int {
	switch {
	case a < b || math.IsNaN(b) && !math.IsNaN(a):
		return -1
	case a > b:
		return 1
	}
	return 0
}
