package planner

import (
	"fmt"
	"math"
	"sort"

	"aisim/internal/result"
)

// driver is one uncertain input with its share of a metric's variance over the replicas.
type driver struct {
	name  string
	share float64
	kind  result.Pedigree
	text  string
	src   string
}

// leastForVariance is the least number of drawn replicas that shares are read from.
const leastForVariance = 16

// drivers are the inputs that carry a metric's interval: the squared correlation of each
// input's logarithm with the metric, less what chance alone gives (1/(n−1)), scaled to
// sum to 1 where inputs explain anything. Inputs are drawn independently, so for effects
// that are near linear in the logarithms this is the first-order Sobol index. Seeds of
// failures and requests are what is left. They come largest first.
func (e *evaluation) drivers(key string) []driver {
	var y []float64
	var at []int
	for i, p := range e.base {
		if i == 0 || p == nil { // replica 0 is nominal
			continue
		}
		if v, ok := p.m.values[key]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
			y, at = append(y, v), append(at, i)
		}
	}
	if len(y) < leastForVariance {
		return nil
	}
	chance := 1 / float64(len(y)-1)
	var out []driver
	sum := 0.0
	for k, d := range e.inputs[at[0]] {
		x := make([]float64, len(at))
		for r, i := range at {
			if k >= len(e.inputs[i]) || e.inputs[i][k].Name != d.Name {
				return nil // replicas asked for different inputs
			}
			x[r] = math.Log(e.inputs[i][k].Ratio)
		}
		c := correlation(x, y)
		// With 32 draws an input without effect passes six times chance once in a hundred.
		if s := c*c - chance; s > 5*chance {
			out = append(out, driver{d.Name, s, d.Value.Kind, fmt.Sprintf("±%.2g %% (one standard deviation)", 100*d.Value.RelSD), d.Value.Source})
			sum += s
		}
	}
	for k := range out {
		out[k].share /= math.Max(sum, 1)
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].share > out[b].share })
	return out
}

func correlation(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var sxx, syy, sxy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		sxx, syy, sxy = sxx+dx*dx, syy+dy*dy, sxy+dx*dy
	}
	if sxx == 0 || syy == 0 {
		return 0
	}
	return sxy / math.Sqrt(sxx*syy)
}

// leastExplained is the share of a metric's variance that inputs must explain before its
// mark is read from them: below it seeds decide, and a chance correlation would.
const leastExplained = 0.4

// byKind sums drivers by what they rest on; nil when they explain too little.
func byKind(ds []driver) map[result.Pedigree]float64 {
	out, sum := map[result.Pedigree]float64{}, 0.0
	for _, d := range ds {
		out[d.kind] += d.share
		sum += d.share
	}
	if sum < leastExplained {
		return nil
	}
	return out
}

// heaviest is the kind with the largest share; ties go to the better known.
func heaviest(shares map[result.Pedigree]float64, otherwise result.Pedigree) result.Pedigree {
	best, at := 0.0, otherwise
	for _, k := range []result.Pedigree{result.Measured, result.Derived, result.Datasheet, result.Assumed} {
		if shares[k] > best {
			best, at = shares[k], k
		}
	}
	return at
}
