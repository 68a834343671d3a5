package sim

import "math"

// Tally accumulates count, mean, variance and extremes of a series of numbers
// in constant memory (Welford, Technometrics 4(3), 1962). The zero value is empty and
// ready for use.
//
// Floating-point sums depend on their order. A run stays deterministic because
// each tally belongs to one partition or entity, whose events come in a fixed
// order, and tallies are merged in the order of their index.
type Tally struct {
	count    int64
	mean, m2 float64
	min, max float64
}

// Add records one observation.
func (a *Tally) Add(x float64) {
	a.count++
	if a.count == 1 {
		*a = Tally{count: 1, mean: x, min: x, max: x}
		return
	}
	d := x - a.mean
	a.mean += d / float64(a.count)
	a.m2 += d * (x - a.mean)
	a.min = min(a.min, x)
	a.max = max(a.max, x)
}

// Merge adds all observations of b to a (Chan, Golub, LeVeque, 1979).
func (a *Tally) Merge(b Tally) {
	if b.count == 0 {
		return
	}
	if a.count == 0 {
		*a = b
		return
	}
	n := a.count + b.count
	d := b.mean - a.mean
	a.m2 += b.m2 + d*d*float64(a.count)*float64(b.count)/float64(n)
	a.mean += d * float64(b.count) / float64(n)
	a.count = n
	a.min = min(a.min, b.min)
	a.max = max(a.max, b.max)
}

// Count returns the number of observations.
func (a *Tally) Count() int64 { return a.count }

// Sum returns count times mean.
func (a *Tally) Sum() float64 { return a.mean * float64(a.count) }

// Mean returns the arithmetic mean, or NaN if nothing was observed.
func (a *Tally) Mean() float64 {
	if a.count == 0 {
		return math.NaN()
	}
	return a.mean
}

// Var returns the unbiased sample variance, or NaN below two observations.
func (a *Tally) Var() float64 {
	if a.count < 2 {
		return math.NaN()
	}
	return a.m2 / float64(a.count-1)
}

// SD returns the sample standard deviation, or NaN below two observations.
func (a *Tally) SD() float64 { return math.Sqrt(a.Var()) }

// Min returns the smallest observation, or NaN if nothing was observed.
func (a *Tally) Min() float64 {
	if a.count == 0 {
		return math.NaN()
	}
	return a.min
}

// Max returns the largest observation, or NaN if nothing was observed.
func (a *Tally) Max() float64 {
	if a.count == 0 {
		return math.NaN()
	}
	return a.max
}
