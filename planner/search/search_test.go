package search

import (
	"math"
	"testing"

	"aisim/sim"
)

// rugged is a space of 6 × 5 × 4 × 8 × 6 = 5,760 designs in the manner of capacity
// planning: cost grows with what is bought, a latency falls with it and explodes near
// saturation, some designs cannot be built. The coarse rung is off by a bias and noise.
func rugged(seed uint64, noise float64) (Problem, func(id int) Outcome, *int) {
	sizes := []int{6, 5, 4, 8, 6}
	s := sim.NewStream(seed, "rugged")
	weight := make([][]float64, len(sizes))
	for i, n := range sizes {
		for range n {
			weight[i] = append(weight[i], 0.5+s.Float64())
		}
	}
	truth := func(id int) Outcome {
		x := Places(id, sizes)
		speed, cost := 1.0, 0.0
		for i, k := range x {
			speed *= math.Pow(1+0.35*float64(k), 0.6) * math.Sqrt(weight[i][k])
			cost += (1 + float64(k)) * (0.7 + weight[i][k])
		}
		load := 4 / speed
		late := 0.05 / speed
		if load < 1 {
			late += 0.02 / (1 - load)
		} else {
			late += 10 * load
		}
		if x[0] == 0 && x[3] > 5 {
			return Outcome{}
		}
		return Outcome{Valid: true, Objective: cost, Limits: []float64{late / 0.04, cost / 40}}
	}
	fine := 0
	p := Problem{Sizes: sizes, Budget: Size(sizes) / 20, Screen: 20000, Seed: seed,
		Coarse: func(ids []int) []Outcome {
			out := make([]Outcome, len(ids))
			for k, id := range ids {
				r := sim.NewStream(uint64(id), "noise")
				out[k] = truth(id)
				out[k].Limits = append([]float64(nil), out[k].Limits...)
				out[k].Objective *= math.Exp(0.05 + noise/2*r.Normal(0, 1))
				for j := range out[k].Limits {
					out[k].Limits[j] *= math.Exp(-0.1 + noise*r.Normal(0, 1))
				}
			}
			return out
		},
		Fine: func(ids []int) []Outcome {
			fine += len(ids)
			out := make([]Outcome, len(ids))
			for k, id := range ids {
				out[k] = truth(id)
			}
			return out
		}}
	return p, truth, &fine
}

func best(truth func(int) Outcome, n int) int {
	at := -1
	for id := range n {
		if o := truth(id); o.Keeps() && (at < 0 || less(o.Objective, id, truth(at).Objective, at)) {
			at = id
		}
	}
	return at
}

// The true optimum of 5,760 designs, with at most 5 % of them looked at closely, in every
// one of 20 spaces.
func TestFindsTheOptimum(t *testing.T) {
	for seed := range uint64(20) {
		p, truth, fine := rugged(seed, 0.05)
		r := Run(p)
		n := Size(p.Sizes)
		want := best(truth, n)
		if want < 0 {
			t.Fatalf("seed %d: no design keeps the limits", seed)
		}
		if r.Best != want || *fine > n/20 {
			t.Errorf("seed %d: design %d with %d fine evaluations of %d, the optimum is %d", seed, r.Best, *fine, n, want)
		}
		t.Logf("seed %d: %d fine evaluations, settled %v", seed, *fine, r.Settled)
		if !r.Whole || len(r.Coarse) != n {
			t.Errorf("seed %d: %d of %d were screened", seed, len(r.Coarse), n)
		}
	}
}

// A space that is too large is sampled; the evolution comes close to the optimum.
func TestEvolvesWhereTheSpaceIsLarge(t *testing.T) {
	for seed := range uint64(5) {
		p, truth, _ := rugged(seed, 0.02)
		p.Screen, p.Budget = 1200, 120
		r := Run(p)
		want := truth(best(truth, Size(p.Sizes))).Objective
		if r.Best < 0 || truth(r.Best).Objective > 1.03*want {
			t.Errorf("seed %d: found %v, the optimum is %g", seed, r.Best, want)
		}
		if len(r.Coarse) > p.Screen || r.Whole {
			t.Errorf("seed %d: %d screened", seed, len(r.Coarse))
		}
		again := Run(p)
		if again.Best != r.Best || len(again.Order) != len(r.Order) {
			t.Error("the same seed searches otherwise")
		}
	}
}

func TestNothingKeepsTheLimits(t *testing.T) {
	p, _, _ := rugged(1, 0.05)
	fine := p.Fine
	p.Fine = func(ids []int) []Outcome {
		out := fine(ids)
		for k := range out {
			for j := range out[k].Limits {
				out[k].Limits[j] *= 50
			}
		}
		return out
	}
	if r := Run(p); r.Best != -1 {
		t.Errorf("found %d", r.Best)
	}
}
