package hardware

import (
	"fmt"
	"math"
	"slices"
)

// GridPoint is one measured call of an operator.
type GridPoint struct {
	Size  []float64 // sizes that the operator was called with, all positive
	Sec   float64
	Curve float64 // seconds that the fitted curve (or a roofline) gives for the same call
}

// Grid is the first rung of the predictor ladder: measured calls of one operator on one
// chip, interpolated in utilisation space. What is interpolated is y = ln(measured/curve)
// over the logarithms of the sizes, by ordinary kriging with the covariance of a sheet,
// exp(-Σ aᵢ|Δ log2 sizeᵢ|/L), whose realisations are as rough as kernels are: along one
// axis it is linear interpolation, on a full grid it takes in the diagonals. The weight aᵢ
// of an axis is the root of its variogram, the step of y per octave, over the mean of all
// axes; so that an axis along which kernels change often counts as longer.
//
// Single calls that went wrong (a third of the shared tables of H100 has such cells) are
// found among the neighbours by their own leave-one-out residual, which the inverse of
// the covariance holds, and get a noise of their own. Nothing is decided when the grid
// is built that uses times of single points, except the weights of the axes.
//
// Far from all points the weights of the neighbours even out: the answer is the curve,
// moved by their mean, and its spread theirs.
type Grid struct {
	axes   int
	prior  []float64
	weight []float64
	at     []float64 // points × axes, weighted logarithms
	y      []float64
}

const (
	gridNeighbours = 32
	gridLength     = 8    // octaves over which an axis of mean roughness forgets
	gridNoise      = 0.01 // of the variance: what repeated calls differ by
	gridDoubt      = 0.03 // noise of a call that is as far off as its neighbours make believable, per square
	gridTail       = 1.35 // of the spread, so that 90 % intervals hold 90 %: the residuals have longer tails than a normal's
)

// NewGrid makes the interpolator. Prior holds a factor on the weight of each axis (nil: 1).
func NewGrid(points []GridPoint, prior []float64) (*Grid, error) {
	if len(points) < 2 {
		return nil, fmt.Errorf("a measured grid needs two points or more, this has %d", len(points))
	}
	g := &Grid{axes: len(points[0].Size), y: make([]float64, len(points))}
	g.prior = slices.Repeat([]float64{1}, g.axes)
	copy(g.prior, prior)
	g.at = make([]float64, len(points)*g.axes)
	for i, p := range points {
		if len(p.Size) != g.axes {
			return nil, fmt.Errorf("point %d has %d sizes, the first %d", i, len(p.Size), g.axes)
		}
		if r := p.Sec / p.Curve; !(p.Sec > 0 && p.Curve > 0 && r > 0) || math.IsInf(r, 0) {
			return nil, fmt.Errorf("point %d: measured %g s beside %g s of the curve, want positive numbers", i, p.Sec, p.Curve)
		}
		for a, s := range p.Size {
			if !(s > 0) || math.IsInf(s, 1) {
				return nil, fmt.Errorf("point %d: size %g, want a positive number", i, s)
			}
			g.at[i*g.axes+a] = math.Log2(s)
		}
		g.y[i] = math.Log(p.Sec / p.Curve)
	}
	g.weight = g.roughness()
	for i := range g.at {
		g.at[i] *= g.weight[i%g.axes]
	}
	return g, nil
}

// Len is the number of points.
func (g *Grid) Len() int { return len(g.y) }

// roughness is the weight of each axis: the upper quartile of the steps between neighbours
// on a line of the grid, per root of an octave, over the geometric mean of the axes.
func (g *Grid) roughness() []float64 {
	weight, mean, stepped := make([]float64, g.axes), 0.0, 0.0
	order := make([]int, len(g.y))
	for a := range weight {
		for i := range order {
			order[i] = i
		}
		row := func(i int) []float64 { return g.at[i*g.axes : (i+1)*g.axes] }
		slices.SortFunc(order, func(i, j int) int {
			p, q := row(i), row(j)
			for b := range p {
				if b != a && p[b] != q[b] {
					return sign(p[b] - q[b])
				}
			}
			if p[a] != q[a] {
				return sign(p[a] - q[a])
			}
			return i - j
		})
		var steps []float64
		for k := 1; k < len(order); k++ {
			p, q := row(order[k-1]), row(order[k])
			same := p[a] != q[a]
			for b := range p {
				same = same && (b == a || p[b] == q[b])
			}
			if same {
				d := g.y[order[k]] - g.y[order[k-1]]
				steps = append(steps, math.Abs(d)/math.Sqrt(q[a]-p[a]))
			}
		}
		if len(steps) > 0 {
			slices.Sort(steps)
			weight[a] = math.Max(1e-9, steps[len(steps)*3/4])
			mean += math.Log(weight[a])
			stepped++
		}
	}
	for a := range weight {
		if weight[a] > 0 {
			weight[a] /= math.Exp(mean / stepped)
		} else {
			weight[a] = 1 // a single value, or none on one line: as an axis of mean roughness
		}
		weight[a] *= g.prior[a]
	}
	return weight
}

func sign(x float64) int {
	if x < 0 {
		return -1
	}
	return 1
}

// GridEstimate is what a grid says of a call.
type GridEstimate struct {
	Sec   float64
	RelSD float64 // relative standard deviation; ±1.645 of it hold 90 %
	// Known is the share of the spread of neighbours that their measurements explain: 1 at
	// a measured point, 0 where only the curve is left.
	Known float64
}

// At is the time of a call of the given sizes, for which the curve says curveSec. Without
// is the index of a point to leave out, or -1.
func (g *Grid) At(size []float64, curveSec float64, without int) GridEstimate {
	q := make([]float64, g.axes)
	for a := range q {
		q[a] = g.weight[a] * math.Log2(size[a])
	}
	near := g.nearest(q, without)
	if len(near) == 0 {
		return GridEstimate{Sec: curveSec, RelSD: math.Inf(1)}
	}
	y, sd, known := g.krige(q, near)
	return GridEstimate{Sec: curveSec * math.Exp(y), RelSD: sd, Known: known}
}

// nearest are the neighbours of a place, nearest first, ties by index.
func (g *Grid) nearest(q []float64, without int) []int {
	type candidate struct {
		d float64
		i int
	}
	var near [gridNeighbours]candidate
	n, worst := 0, math.Inf(1)
	for i := range g.y {
		d := 0.0
		for a, v := range g.at[i*g.axes : (i+1)*g.axes] {
			d += math.Abs(v - q[a])
		}
		if i == without || n == len(near) && d >= worst {
			continue
		}
		if n < len(near) {
			n++
		}
		j := n - 1
		for ; j > 0 && near[j-1].d > d; j-- {
			near[j] = near[j-1]
		}
		near[j] = candidate{d, i}
		worst = near[n-1].d
	}
	out := make([]int, n)
	for j := range out {
		out[j] = near[j].i
	}
	return out
}

// krige is the estimate of y at q from its neighbours: first with the same noise for
// all, then with more for those that the others contradict.
func (g *Grid) krige(q []float64, near []int) (y, sd, known float64) {
	n := len(near)
	k, kq, ones, v := make([]float64, n*n), make([]float64, n), slices.Repeat([]float64{1}, n), make([]float64, n)
	for i, p := range near {
		at := g.at[p*g.axes : (p+1)*g.axes]
		kq[i] = sheet(at, q)
		for j := 0; j <= i; j++ {
			k[i*n+j] = sheet(at, g.at[near[j]*g.axes:(near[j]+1)*g.axes])
		}
		v[i] = g.y[p]
	}
	noise := slices.Repeat([]float64{gridNoise}, n)
	for pass := 0; ; pass++ {
		l := cholesky(k, noise)
		wq, w1 := l.solve(kq), l.solve(ones)
		mean, total, sum := 0.0, 0.0, 0.0
		for i := range v {
			mean += w1[i] * v[i]
			total += w1[i]
			sum += wq[i]
		}
		mean /= total
		centred := make([]float64, n)
		y = mean
		variance := 1.0
		for i := range v {
			centred[i] = v[i] - mean
			y += wq[i] * centred[i]
			variance -= wq[i] * kq[i]
		}
		variance += (1 - sum) * (1 - sum) / total
		// Residuals of leaving each neighbour out, over their standard deviations.
		z := l.solve(centred)
		for i, d := range l.inverseDiagonal() {
			z[i] = math.Abs(z[i]) / math.Sqrt(d)
		}
		sorted := slices.Clone(z)
		slices.Sort(sorted)
		middle := math.Max(1e-9, sorted[n/2])
		if pass == 1 {
			scale := middle / 0.6745 // the median of |z| of a normal
			return y, gridTail * scale * math.Sqrt(math.Max(0, variance)+gridNoise), math.Max(0, 1-variance)
		}
		for i := range noise {
			far := z[i] / (1.5 * middle)
			noise[i] = gridNoise + gridDoubt*math.Max(0, far*far-1)
		}
	}
}

func sheet(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		d += math.Abs(a[i] - b[i])
	}
	return math.Exp(-d / gridLength)
}

// triangle is the lower Cholesky factor of a covariance, row by row.
type triangle struct {
	n int
	l []float64
}

// cholesky factors the lower half of k (n×n) with noise on its diagonal, which keeps it
// positive definite.
func cholesky(k, noise []float64) triangle {
	n := len(noise)
	t := triangle{n, make([]float64, n*n)}
	for i := range n {
		for j := 0; j <= i; j++ {
			s := k[i*n+j]
			ri, rj := t.l[i*n:i*n+j], t.l[j*n:j*n+j]
			for x := range ri {
				s -= ri[x] * rj[x]
			}
			if i == j {
				t.l[i*n+i] = math.Sqrt(s + noise[i])
			} else {
				t.l[i*n+j] = s / t.l[j*n+j]
			}
		}
	}
	return t
}

// solve is x of K x = b.
func (t triangle) solve(b []float64) []float64 {
	x := slices.Clone(b)
	for i := range x {
		for j := range i {
			x[i] -= t.l[i*t.n+j] * x[j]
		}
		x[i] /= t.l[i*t.n+i]
	}
	for i := t.n - 1; i >= 0; i-- {
		for j := i + 1; j < t.n; j++ {
			x[i] -= t.l[j*t.n+i] * x[j]
		}
		x[i] /= t.l[i*t.n+i]
	}
	return x
}

// inverseDiagonal is the diagonal of K⁻¹: the squares of the columns of L⁻¹, summed.
func (t triangle) inverseDiagonal() []float64 {
	d := make([]float64, t.n)
	x := make([]float64, t.n)
	for c := range d {
		for i := c; i < t.n; i++ {
			s := 0.0
			if i == c {
				s = 1
			}
			for j := c; j < i; j++ {
				s -= t.l[i*t.n+j] * x[j]
			}
			x[i] = s / t.l[i*t.n+i]
			d[c] += x[i] * x[i]
		}
	}
	return d
}
