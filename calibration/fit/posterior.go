package fit

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// unknown is a constant to find, in logarithms: a normal prior around what was known before.
type unknown struct {
	key   string
	start float64 // natural logarithm of the prior's median
	sd    float64 // of the logarithm
}

// posterior is what the measurements leave of the unknowns.
type posterior struct {
	x     []float64 // logarithms
	cov   *mat.SymDense
	noise float64 // robust standard deviation of a logarithmic residual
}

// sd is the standard deviation of the logarithm of unknown i.
func (p *posterior) sd(i int) float64 { return math.Sqrt(math.Max(0, p.cov.At(i, i))) }

// cauchy is the scale, in standard deviations, at which a residual begins to lose weight:
// 95 % efficiency on normal residuals (Holland & Welsch, 1977).
const cauchy = 2.385

// leastNoise is the finest error that a model of an operator can claim.
const leastNoise = 0.01

// infer finds the maximum of the posterior of residuals e(x) = ln(predicted/measured),
//
//	Σ c²/2·ln(1 + (e/cs)²) + Σ ((x − x₀)/σ)²/2,
//
// by Levenberg–Marquardt steps with reweighting, s re-estimated from the median absolute
// residual, and takes the covariance from the curvature there.
func infer(unknowns []unknown, residuals func(x []float64) []float64) posterior {
	n := len(unknowns)
	x := make([]float64, n)
	for i, u := range unknowns {
		x[i] = u.start
	}
	p := posterior{x: x, noise: 0.05}
	e := residuals(x)
	for range 3 { // noise and constants in turn
		p.x, e = climb(unknowns, p.x, p.noise, residuals)
		p.noise = math.Max(leastNoise, spread(e))
	}
	if len(e) < 4 { // too few to tell the noise
		p.noise = math.Max(p.noise, 0.05)
	}
	p.cov = covariance(unknowns, p.x, p.noise, residuals)
	return p
}

// spread is the robust standard deviation of residuals about 0.
func spread(e []float64) float64 {
	if len(e) == 0 {
		return 0
	}
	a := make([]float64, len(e))
	for i, v := range e {
		a[i] = math.Abs(v)
	}
	slices.Sort(a)
	return 1.4826 * a[len(a)/2]
}

func climb(unknowns []unknown, x []float64, s float64, residuals func([]float64) []float64) ([]float64, []float64) {
	n := len(unknowns)
	value := func(x, e []float64) float64 {
		sum := 0.0
		for _, v := range e {
			u := v / (cauchy * s)
			sum += cauchy * cauchy / 2 * math.Log1p(u*u)
		}
		for i, u := range unknowns {
			d := (x[i] - u.start) / u.sd
			sum += d * d / 2
		}
		return sum
	}
	e := residuals(x)
	best, damp := value(x, e), 1e-3
	for range 40 {
		a, g := normal(unknowns, x, e, s, residuals)
		moved := false
		for range 8 {
			h := mat.NewSymDense(n, nil)
			h.CopySym(a)
			for i := range n {
				h.SetSym(i, i, a.At(i, i)*(1+damp))
			}
			var step mat.VecDense
			var chol mat.Cholesky
			if !chol.Factorize(h) || chol.SolveVecTo(&step, g) != nil {
				damp *= 10
				continue
			}
			y := slices.Clone(x)
			for i := range y {
				y[i] -= math.Max(-0.7, math.Min(0.7, step.AtVec(i))) // at most a factor of two at once
			}
			ey := residuals(y)
			if v := value(y, ey); v < best {
				moved = best-v > 1e-9*math.Max(1, best)
				x, e, best, damp = y, ey, v, math.Max(1e-7, damp/5)
				break
			}
			damp *= 10
		}
		if !moved {
			break
		}
	}
	return x, e
}

// normal is the weighted normal matrix and gradient at x.
func normal(unknowns []unknown, x, e []float64, s float64, residuals func([]float64) []float64) (*mat.SymDense, *mat.VecDense) {
	n := len(unknowns)
	jac := jacobian(x, residuals)
	a, g := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	for r, v := range e {
		u := v / (cauchy * s)
		w := 1 / (1 + u*u) / (s * s)
		for i := range n {
			g.SetVec(i, g.AtVec(i)+w*jac[i][r]*v)
			for k := i; k < n; k++ {
				a.SetSym(i, k, a.At(i, k)+w*jac[i][r]*jac[k][r])
			}
		}
	}
	for i, u := range unknowns {
		a.SetSym(i, i, a.At(i, i)+1/(u.sd*u.sd))
		g.SetVec(i, g.AtVec(i)+(x[i]-u.start)/(u.sd*u.sd))
	}
	return a, g
}

// jacobian is ∂e/∂x by central differences, a column per unknown. The step of 1 % is wide
// enough to look over the corners that whole waves of tiles put into a GEMM's time.
func jacobian(x []float64, residuals func([]float64) []float64) [][]float64 {
	const h = 0.01
	out := make([][]float64, len(x))
	for i := range x {
		y := slices.Clone(x)
		y[i] = x[i] + h
		up := residuals(y)
		y[i] = x[i] - h
		down := residuals(y)
		out[i] = make([]float64, len(up))
		for r := range up {
			out[i][r] = (up[r] - down[r]) / (2 * h)
		}
	}
	return out
}

func covariance(unknowns []unknown, x []float64, s float64, residuals func([]float64) []float64) *mat.SymDense {
	a, _ := normal(unknowns, x, residuals(x), s, residuals)
	n := len(unknowns)
	var chol mat.Cholesky
	cov := mat.NewSymDense(n, nil)
	if chol.Factorize(a) && chol.InverseTo(cov) == nil {
		return cov
	}
	for i, u := range unknowns { // the prior alone: never narrower than what is known
		cov.SetSym(i, i, u.sd*u.sd)
	}
	return cov
}

// after is the covariance once a measurement with gradient g and noise s is in.
func after(cov *mat.SymDense, g *mat.VecDense, s float64) *mat.SymDense {
	n := cov.SymmetricDim()
	var cg mat.VecDense
	cg.MulVec(cov, g)
	d := s*s + mat.Dot(g, &cg)
	out := mat.NewSymDense(n, nil)
	for i := range n {
		for k := i; k < n; k++ {
			out.SetSym(i, k, cov.At(i, k)-cg.AtVec(i)*cg.AtVec(k)/d)
		}
	}
	return out
}

// variance is gᵀ·cov·g.
func variance(cov *mat.SymDense, g *mat.VecDense) float64 {
	var cg mat.VecDense
	cg.MulVec(cov, g)
	return mat.Dot(g, &cg)
}
