package rounds

import "math"

// party is a set of alike jobs that share the machine, as the fair policies see them.
type party struct {
	count float64   // jobs
	gpus  float64   // of each
	worth []float64 // of all the time on each kind

	// Finish-time fairness: what is left, in the units of worth, the time since the job came,
	// and the time that it would take in all on its fair part of the machine alone.
	left, since, isolated float64
}

// finish says that the parties are compared by finish time, not by worth.
func (p *party) finish() bool { return p.isolated > 0 }

// slack of the party's constraint c(u, y) > 0, where u is what its share of time is worth
// and y what is to be optimised, with its derivatives by u, by y, and by both.
func (p *party) slack(u, y float64) (c, cu, cy, cuy float64) {
	if !p.finish() {
		return u - y, 1, -1, 0
	}
	// since + left/u ≤ y·isolated, as a product.
	v := y*p.isolated - p.since
	if v <= 0 {
		return v, 0, 0, 0
	}
	return u*v - p.left, v, u * p.isolated, p.isolated
}

// fairShares is the fraction of time that each party's jobs get on each kind so that the
// least worth is largest (max–min fairness over measured speeds, Narayanan et al., Gavel,
// OSDI 2020), or so that the largest ratio of finish time to that in isolation is smallest
// (Mahajan et al., Themis, NSDI 2020). Nobody gets more than all of its time, no kind is
// given more often than there are GPUs.
//
// Many allocations may be optimal. This is the one in the middle, to which interior-point
// methods go and which treats alike jobs alike: a barrier for each bound is followed with
// Newton steps, and jobs meet only in the optimum and in each kind's bound, so a step costs
// one small system.
func fairShares(parties []party, gpus []int) [][]float64 {
	f := newFairness(parties, gpus)
	bounds := 0.0
	for i := range parties {
		bounds += parties[i].count * float64(len(gpus)+2)
	}
	for pull := bounds; ; pull *= 20 {
		f.centre(pull)
		if bounds/pull < fairGap*math.Max(1e-3, math.Abs(f.y)) {
			return f.x
		}
	}
}

const (
	fairGap     = 1e-6 // of the optimum, where the search ends
	newtonSteps = 40
	newtonGap   = 1e-4 // fall of the barrier problem that a step still promises
	leastStep   = 1e-6
)

type fairness struct {
	parties []party
	n       []float64
	x       [][]float64
	y       float64
	sign    float64 // +1 where y is to be large
	// Of a Newton step, by party: the inverse of its block, the gradient, the coupling with y.
	inv, grad, cross, step [][]float64
}

func newFairness(parties []party, gpus []int) *fairness {
	k := len(gpus)
	f := &fairness{parties: parties, sign: 1}
	asked := 0.0
	for i := range parties {
		asked += parties[i].count * parties[i].gpus
	}
	least := math.Inf(1)
	for _, g := range gpus {
		f.n = append(f.n, float64(g))
		least = math.Min(least, float64(g))
	}
	start := math.Min(0.9/float64(k), 0.9*least/asked)
	low, high := math.Inf(1), 0.0
	for i := range parties {
		p := &parties[i]
		x := make([]float64, k)
		u := 0.0
		for t := range x {
			x[t] = start
			u += start * p.worth[t]
		}
		f.x = append(f.x, x)
		f.inv, f.grad = append(f.inv, make([]float64, k*k)), append(f.grad, make([]float64, k))
		f.cross, f.step = append(f.cross, make([]float64, k)), append(f.step, make([]float64, k))
		low = math.Min(low, u)
		if p.finish() {
			f.sign = -1
			high = math.Max(high, (p.since+p.left/u)/p.isolated)
		}
	}
	if f.y = low / 2; f.sign < 0 {
		f.y = 2 * high
	}
	return f
}

// value of the barrier problem at a step along the present direction; +Inf beyond a bound.
func (f *fairness) value(pull, along, dy float64) float64 {
	y := f.y + along*dy
	v := -pull * f.sign * y
	free := append([]float64(nil), f.n...)
	for i := range f.parties {
		p := &f.parties[i]
		u, rest, logs := 0.0, 1.0, 0.0
		for t := range f.x[i] {
			x := f.x[i][t] + along*f.step[i][t]
			if x <= 0 {
				return math.Inf(1)
			}
			u += x * p.worth[t]
			rest -= x
			logs += math.Log(x)
			free[t] -= p.count * p.gpus * x
		}
		c, _, _, _ := p.slack(u, y)
		if rest <= 0 || c <= 0 || p.finish() && y*p.isolated <= p.since {
			return math.Inf(1)
		}
		v -= p.count * (logs + math.Log(rest) + math.Log(c))
	}
	for _, r := range free {
		if r <= 0 {
			return math.Inf(1)
		}
		v -= math.Log(r)
	}
	return v
}

// centre goes to the minimum of the barrier problem.
func (f *fairness) centre(pull float64) {
	for i := range f.step {
		clear(f.step[i])
	}
	now := f.value(pull, 0, 0)
	for range newtonSteps {
		dy, fall := f.newton(pull)
		if fall < newtonGap {
			return
		}
		along := 1.0
		for ; along > leastStep; along /= 2 {
			if v := f.value(pull, along, dy); v <= now-0.1*along*fall {
				now = v
				break
			}
		}
		if along <= leastStep {
			return
		}
		f.y += along * dy
		for i := range f.x {
			for t := range f.x[i] {
				f.x[i][t] += along * f.step[i][t]
			}
		}
	}
}

// newton fills in the direction and returns that of y, and how fast the value falls.
func (f *fairness) newton(pull float64) (dy, fall float64) {
	k := len(f.n)
	free := append([]float64(nil), f.n...)
	for i := range f.parties {
		for t, x := range f.x[i] {
			free[t] -= f.parties[i].count * f.parties[i].gpus * x
		}
	}
	gradY, hessY := -pull*f.sign, 0.0
	for i := range f.parties {
		p, x, inv := &f.parties[i], f.x[i], f.inv[i]
		u, rest := 0.0, 1.0
		for t := range x {
			u += x[t] * p.worth[t]
			rest -= x[t]
		}
		c, cu, cy, cuy := p.slack(u, f.y)
		for t := range x {
			f.grad[i][t] = p.count * (-1/x[t] + 1/rest - cu/c*p.worth[t] + p.gpus/free[t])
			f.cross[i][t] = p.count * p.worth[t] * (cu*cy/(c*c) - cuy/c)
		}
		gradY -= p.count * cy / c
		hessY += p.count * cy * cy / (c * c)
		// The block is diag(1/x²) and two matrices of rank one, from the bound on the time and
		// from the party's worth: inverted by Sherman and Morrison's formula.
		clear(inv)
		for t := range x {
			inv[t*k+t] = x[t] * x[t] / p.count
		}
		ones := make([]float64, k)
		for t := range ones {
			ones[t] = 1
		}
		rankOne(inv, ones, p.count/(rest*rest))
		rankOne(inv, p.worth, p.count*cu*cu/(c*c))
	}
	// Unknown beside dy: z, the change of what is given of each kind. Each party's step is
	// −inv (grad + cross·dy + count·gpus·z/free²).
	m := make([]float64, (k+1)*(k+2))
	at := func(r, c int) *float64 { return &m[r*(k+2)+c] }
	for t := range k {
		*at(t, t) = 1
	}
	*at(k, k) = hessY
	*at(k, k+1) = -gradY
	for i := range f.parties {
		p, inv := &f.parties[i], f.inv[i]
		cg := p.count * p.gpus
		for a := range k {
			for b := range k {
				v := inv[a*k+b]
				*at(a, b) += cg * cg * v / (free[b] * free[b])
				*at(a, k) += cg * v * f.cross[i][b]
				*at(a, k+1) -= cg * v * f.grad[i][b]
				*at(k, b) -= f.cross[i][a] * v * cg / (free[b] * free[b])
				*at(k, k) -= f.cross[i][a] * v * f.cross[i][b]
				*at(k, k+1) += f.cross[i][a] * v * f.grad[i][b]
			}
		}
	}
	solution := eliminate(m, k+1)
	dy = solution[k]
	fall = -gradY * dy
	for i := range f.parties {
		p, inv := &f.parties[i], f.inv[i]
		for a := range k {
			s := 0.0
			for b := range k {
				s -= inv[a*k+b] * (f.grad[i][b] + f.cross[i][b]*dy + p.count*p.gpus*solution[b]/(free[b]*free[b]))
			}
			f.step[i][a] = s
			fall -= f.grad[i][a] * s
		}
	}
	return dy, fall
}

// rankOne turns the inverse of A into that of A + w·v·vᵀ.
func rankOne(inv, v []float64, w float64) {
	k := len(v)
	av := make([]float64, k)
	vav := 0.0
	for a := range k {
		for b := range k {
			av[a] += inv[a*k+b] * v[b]
		}
		vav += v[a] * av[a]
	}
	s := w / (1 + w*vav)
	for a := range k {
		for b := range k {
			inv[a*k+b] -= s * av[a] * av[b]
		}
	}
}

// eliminate solves n equations whose right-hand sides stand in the last column.
func eliminate(m []float64, n int) []float64 {
	w := n + 1
	for c := range n {
		best := c
		for r := c + 1; r < n; r++ {
			if math.Abs(m[r*w+c]) > math.Abs(m[best*w+c]) {
				best = r
			}
		}
		for j := range w {
			m[c*w+j], m[best*w+j] = m[best*w+j], m[c*w+j]
		}
		for r := range n {
			if r == c || m[r*w+c] == 0 {
				continue
			}
			q := m[r*w+c] / m[c*w+c]
			for j := c; j < w; j++ {
				m[r*w+j] -= q * m[c*w+j]
			}
		}
	}
	out := make([]float64, n)
	for r := range n {
		out[r] = m[r*w+n] / m[r*w+r]
	}
	return out
}
