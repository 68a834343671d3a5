package search

import "aisim/sim"

// population is the number of designs of a generation.
const population = 128

// evolve screens as many designs as the problem allows, generation by generation.
func (r *Result) evolve(p Problem, s sim.Stream) {
	random := func() []int {
		places := make([]int, len(p.Sizes))
		for i, n := range p.Sizes {
			places[i] = s.Intn(n)
		}
		return places
	}
	var parents []int
	for len(r.Screened) < p.Screen {
		var ids []int
		fresh := map[int]bool{}
		for tries := 0; len(ids) < min(population, p.Screen-len(r.Screened)) && tries < 50*population; tries++ {
			child := random()
			if len(parents) > 1 && s.Float64() > 0.15 { // the rest keeps looking elsewhere
				child = r.child(p, parents, &s)
			}
			id := ID(child, p.Sizes)
			if _, seen := r.Coarse[id]; !seen && !fresh[id] {
				fresh[id] = true
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			return // nothing new is found: the neighbourhood is exhausted
		}
		r.screen(p, ids)
		parents = r.fittest(append(parents, ids...))
	}
}

// child crosses the winners of two tournaments and moves one place with even chance.
func (r *Result) child(p Problem, parents []int, s *sim.Stream) []int {
	win := func() []int {
		a, b := parents[s.Intn(len(parents))], parents[s.Intn(len(parents))]
		if r.fitter(b, a) {
			a = b
		}
		return Places(a, p.Sizes)
	}
	a, b := win(), win()
	for i := range a {
		if s.Float64() < 0.5 {
			a[i] = b[i]
		}
	}
	if s.Float64() < 0.5 {
		i := s.Intn(len(a))
		if step := s.Intn(3) - 1; p.Sizes[i] > 4 && step != 0 { // a neighbour in long ranges
			a[i] = min(max(a[i]+step, 0), p.Sizes[i]-1)
		} else {
			a[i] = s.Intn(p.Sizes[i])
		}
	}
	return a
}

// fitter are Deb's rules: what keeps its limits beats what does not, then the objective,
// or the excess, decides.
func (r *Result) fitter(a, b int) bool {
	x, y := r.Coarse[a], r.Coarse[b]
	switch {
	case x.Valid != y.Valid:
		return x.Valid
	case x.Keeps() != y.Keeps():
		return x.Keeps()
	case x.Keeps():
		return less(x.Objective, a, y.Objective, b)
	}
	return less(x.worst(), a, y.worst(), b)
}

// fittest keeps the best of a list, in order.
func (r *Result) fittest(ids []int) []int {
	for i := 1; i < len(ids); i++ { // insertion: the first part is in order already
		for j := i; j > 0 && r.fitter(ids[j], ids[j-1]); j-- {
			ids[j], ids[j-1] = ids[j-1], ids[j]
		}
	}
	return append([]int(nil), ids[:min(len(ids), population)]...)
}
