package rounds

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// One GPU of each of two kinds. A is twice as fast on the first, B on the second: each gets
// its own.
func TestFairSharesToEachItsFastest(t *testing.T) {
	x := fairShares([]party{{count: 1, gpus: 1, worth: []float64{2, 1}}, {count: 1, gpus: 1, worth: []float64{1, 2}}}, []int{1, 1})
	near(t, "A on the first", x[0][0], 1, 1e-3)
	near(t, "B on the second", x[1][1], 1, 1e-3)
}

// Neither can use the second kind, and A is worth four times as much on the first:
// 4a = 1 − a.
func TestFairSharesBalanceWorth(t *testing.T) {
	x := fairShares([]party{{count: 1, gpus: 1, worth: []float64{4, 0}}, {count: 1, gpus: 1, worth: []float64{1, 0}}}, []int{1, 1})
	near(t, "A", x[0][0], 0.2, 1e-3)
	near(t, "B", x[1][0], 0.8, 1e-3)
}

// Six GPUs, three jobs of one GPU and two of four, by GPU time: the small ones have all of
// theirs, 1, so 4x ≥ 1, and 3 + 2·4x ≤ 6.
func TestFairSharesOfGangs(t *testing.T) {
	x := fairShares([]party{{count: 3, gpus: 1, worth: []float64{1}}, {count: 2, gpus: 4, worth: []float64{4}}}, []int{6})
	near(t, "one GPU", x[0][0], 1, 1e-3)
	if x[1][0] < 0.25 || x[1][0] > 0.375+1e-6 {
		t.Errorf("four GPUs have %v of the time, want 1/4 to 3/8", x[1][0])
	}
}

// Two jobs with 10 rounds left on one GPU; in isolation on half of it each would take 20 in
// all. The first has waited 5 rounds: (5 + 10/a)/(20+5) = (10/(1−a))/20.
func TestFinishTimeFairness(t *testing.T) {
	one := party{count: 1, gpus: 1, worth: []float64{0.1}, left: 1, since: 5, isolated: 25}
	two := party{count: 1, gpus: 1, worth: []float64{0.1}, left: 1, isolated: 20}
	x := fairShares([]party{one, two}, []int{1})
	a, b := x[0][0], x[1][0]
	near(t, "all of the GPU", a+b, 1, 1e-3)
	near(t, "ratios", (5+10/a)/25, 10/b/20, 2e-3)
}

// Whatever the jobs: within the bounds; on one kind the least worth is the closed form's.
func TestFairSharesAreOptimal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, k := rapid.IntRange(1, 6).Draw(rt, "parties"), rapid.IntRange(1, 3).Draw(rt, "kinds")
		var parties []party
		for range n {
			p := party{count: float64(rapid.IntRange(1, 9).Draw(rt, "count")), gpus: float64(rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(rt, "gpus"))}
			for range k {
				p.worth = append(p.worth, rapid.Float64Range(0.1, 10).Draw(rt, "worth"))
			}
			parties = append(parties, p)
		}
		var gpus []int
		for range k {
			gpus = append(gpus, rapid.IntRange(1, 40).Draw(rt, "GPUs"))
		}
		x := fairShares(parties, gpus)
		least := math.Inf(1)
		given := make([]float64, k)
		for i, p := range parties {
			u, sum := 0.0, 0.0
			for t := range gpus {
				if x[i][t] < 0 {
					rt.Fatalf("share %v", x[i][t])
				}
				u, sum = u+x[i][t]*p.worth[t], sum+x[i][t]
				given[t] += p.count * p.gpus * x[i][t]
			}
			if sum > 1+1e-9 {
				rt.Fatalf("party %d has %v of its time", i, sum)
			}
			least = math.Min(least, u)
		}
		for t := range gpus {
			if given[t] > float64(gpus[t])+1e-9 {
				rt.Fatalf("kind %d: %v of %d GPUs", t, given[t], gpus[t])
			}
		}
		if k > 1 {
			return
		}
		// One kind: the least worth is y where Σ count·gpus·min(y/worth) = GPUs, and no job
		// can have more than its worth.
		need, y := 0.0, math.Inf(1)
		for _, p := range parties {
			need += p.count * p.gpus / p.worth[0]
			y = math.Min(y, p.worth[0])
		}
		if y = math.Min(y, float64(gpus[0])/need); math.Abs(least/y-1) > 1e-3 {
			rt.Fatalf("least %v, want %v", least, y)
		}
	})
}
