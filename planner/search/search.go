package search

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat"

	"aisim/sim"
)

// Outcome is what a rung says about one design.
type Outcome struct {
	Valid     bool      // the design can be built and has all values
	Objective float64   // to be minimised
	Limits    []float64 // value over limit of every constraint: at most 1 is kept
}

// Problem is a space with its rungs.
type Problem struct {
	Sizes  []int                     // places per variable
	Coarse func(ids []int) []Outcome // of several designs, which may be played in parallel
	Fine   func(ids []int) []Outcome
	Budget int // fine evaluations
	Screen int // coarse evaluations; a space that is larger is sampled
	Seed   uint64
}

// Result is how a search ended.
type Result struct {
	Best     int // id, -1 where no design keeps all limits
	Coarse   map[int]Outcome
	Fine     map[int]Outcome
	Order    []int // ids in the order in which the fine rung saw them
	Screened []int // ids in the order of the coarse rung
	Whole    bool  // every design of the space was screened
	Settled  bool  // nothing that was screened could still be better
}

// Size is the number of designs of a space.
func Size(sizes []int) int {
	n := 1
	for _, s := range sizes {
		if n > math.MaxInt/max(1, s) {
			return math.MaxInt
		}
		n *= s
	}
	return n
}

// Places are those of a design: the last variable moves fastest.
func Places(id int, sizes []int) []int {
	out := make([]int, len(sizes))
	for i := len(sizes) - 1; i >= 0; i-- {
		out[i] = id % sizes[i]
		id /= sizes[i]
	}
	return out
}

// ID is the design with the places.
func ID(places, sizes []int) int {
	id := 0
	for i, s := range sizes {
		id = id*s + places[i]
	}
	return id
}

// Keeps says whether all limits are kept.
func (o Outcome) Keeps() bool { return o.Valid && o.worst() <= 1 }

// worst is the largest value over limit.
func (o Outcome) worst() float64 {
	w := math.Inf(-1)
	for _, l := range o.Limits {
		w = math.Max(w, l)
	}
	return w
}

// batch is how many designs the fine rung sees between two looks at what it said.
const batch = 4

// Run searches.
func Run(p Problem) Result {
	r := Result{Best: -1, Coarse: map[int]Outcome{}, Fine: map[int]Outcome{}}
	if n := Size(p.Sizes); n <= p.Screen {
		r.Whole = true
		ids := make([]int, n)
		for i := range ids {
			ids[i] = i
		}
		r.screen(p, ids)
	} else {
		r.evolve(p, sim.NewStream(p.Seed, "search/evolution"))
	}
	stream := sim.NewStream(p.Seed, "search/fine")
	for len(r.Order) < p.Budget {
		next := r.next(p, &stream)
		if len(next) == 0 {
			r.Settled = true
			break
		}
		if most := p.Budget - len(r.Order); len(next) > most {
			next = next[:most]
		}
		for k, o := range p.Fine(next) {
			r.Fine[next[k]] = o
			if best, ok := r.Fine[r.Best]; o.Keeps() && (!ok || less(o.Objective, next[k], best.Objective, r.Best)) {
				r.Best = next[k]
			}
		}
		r.Order = append(r.Order, next...)
	}
	return r
}

// less breaks ties of the objective by the id, so that the best is one.
func less(a float64, idA int, b float64, idB int) bool { return a < b || a == b && idA < idB }

func (r *Result) screen(p Problem, ids []int) {
	for k, o := range p.Coarse(ids) {
		r.Coarse[ids[k]] = o
	}
	r.Screened = append(r.Screened, ids...)
}

// spread is the range in which the ratio of a fine to a coarse value is expected, as
// logarithms, and how ratios lie in it.
type spread struct{ low, mid, high, sd float64 }

// firstSpread holds until ratios are known: a factor of 1.6 to either side.
var firstSpread = spread{-0.47, 0, 0.47, 0.2}

// nearLimit is how far, as a logarithm, a coarse value may lie from its limit for its
// ratio to count: far from it the answer is plain, and queues that overflow have ratios
// that say nothing of those that do not.
const nearLimit = 0.9

// hopeless is the chance of the most promising design below which the search ends.
const hopeless = 1e-4

// fewRatios is the number of ratios from which their own range is used.
const fewRatios = 6

// spreads are the ranges of the ratios of the objective and of every limit.
func (r *Result) spreads(limits int) []spread {
	ratios := make([][]float64, limits+1)
	for _, id := range r.Order {
		f, c := r.Fine[id], r.Coarse[id]
		if !f.Valid || !c.Valid {
			continue
		}
		if x := math.Log(f.Objective / c.Objective); !math.IsNaN(x) && !math.IsInf(x, 0) {
			ratios[0] = append(ratios[0], x)
		}
		for j := range c.Limits {
			if math.Abs(math.Log(c.Limits[j])) > nearLimit && math.Abs(math.Log(f.Limits[j])) > nearLimit {
				continue
			}
			if x := math.Log(f.Limits[j] / c.Limits[j]); !math.IsNaN(x) && !math.IsInf(x, 0) {
				ratios[j+1] = append(ratios[j+1], x)
			}
		}
	}
	out := make([]spread, limits+1)
	for j, x := range ratios {
		if len(x) < fewRatios {
			out[j] = firstSpread
			if len(x) > 0 {
				sort.Float64s(x)
				out[j].mid = x[len(x)/2]
				out[j].low, out[j].high = math.Min(out[j].low, x[0]), math.Max(out[j].high, x[len(x)-1])
			}
			continue
		}
		sort.Float64s(x)
		// The next ratio is beyond the range of n with a chance of 2/(n+1); half a range
		// more on either side makes that small.
		room := 0.5*(x[len(x)-1]-x[0]) + 1e-9
		mean, sd := stat.MeanStdDev(x, nil)
		out[j] = spread{x[0] - room, mean, x[len(x)-1] + room, sd*1.2 + 1e-6}
	}
	return out
}

// next are the designs that the fine rung should see: of those that could still be the
// best, the ones that are most likely so.
func (r *Result) next(p Problem, stream *sim.Stream) []int {
	limits := 0
	for _, id := range r.Screened {
		limits = max(limits, len(r.Coarse[id].Limits))
	}
	s := r.spreads(limits)
	best, found := r.Fine[r.Best]
	type candidate struct {
		id        int
		chance    float64 // of keeping the limits and being better than the best known
		objective float64 // expected
	}
	var list []candidate
	for _, id := range r.Screened {
		c := r.Coarse[id]
		if _, seen := r.Fine[id]; seen || !c.Valid {
			continue
		}
		if found && scaled(c.Objective, s[0].low, s[0].high) >= best.Objective {
			continue
		}
		chance, possible := 1.0, true
		for j, v := range c.Limits {
			if v <= 0 {
				continue
			}
			possible = possible && v*math.Exp(s[j+1].low) <= 1
			chance *= normal((-math.Log(v) - s[j+1].mid) / s[j+1].sd)
		}
		if !possible {
			continue
		}
		if found {
			x := (math.Log(best.Objective/c.Objective) - s[0].mid) / s[0].sd
			if c.Objective < 0 {
				x = -x
			}
			chance *= normal(x)
		}
		list = append(list, candidate{id, chance, scaled(c.Objective, s[0].mid, s[0].mid)})
	}
	sort.SliceStable(list, func(a, b int) bool {
		x, y := list[a], list[b]
		if !found { // a design that keeps its limits is wanted first, the better ones before
			if likely := x.chance >= 0.5; likely != (y.chance >= 0.5) {
				return likely
			} else if !likely && x.chance != y.chance {
				return x.chance > y.chance
			}
		} else if x.chance != y.chance {
			return x.chance > y.chance
		}
		return less(x.objective, x.id, y.objective, y.id)
	})
	if found && len(list) > 0 && list[0].chance < hopeless {
		return nil
	}
	var out []int
	for k := 0; k < len(list) && k < batch; k++ {
		out = append(out, list[k].id)
	}
	// One of the first batches is taken anywhere, so that ratios are not those of one corner.
	if len(r.Order) < 3*batch && len(list) > 2*batch {
		out[len(out)-1] = list[batch+stream.Intn(len(list)-batch)].id
	}
	return out
}

// normal is the distribution function of the standard normal.
func normal(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// scaled is an objective under a ratio: the smaller end for positive ones, and for
// negative ones (a maximum sought) the end that makes it the smallest.
func scaled(v, low, high float64) float64 {
	if v < 0 {
		return v * math.Exp(high)
	}
	return v * math.Exp(low)
}
