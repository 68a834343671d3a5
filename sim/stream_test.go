package sim

import (
	"math"
	"math/bits"
	"slices"
	"testing"
)

const draws = 200_000

// kolmogorov returns the largest distance between the empirical distribution
// of the sample and cdf, times √n. Under the hypothesis it exceeds 1.95 with
// probability 0.001 (Kolmogorov 1933); seeds are fixed, so a pass stays a pass.
func kolmogorov(sample []float64, cdf func(float64) float64) float64 {
	slices.Sort(sample)
	worst, n := 0.0, float64(len(sample))
	for i, x := range sample {
		f := cdf(x)
		worst = max(worst, f-float64(i)/n, float64(i+1)/n-f)
	}
	return worst * math.Sqrt(n)
}

func phi(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

func TestDistributionsAgainstClosedForms(t *testing.T) {
	for name, c := range map[string]struct {
		draw     func(*Stream) float64
		cdf      func(float64) float64
		mean, sd float64
	}{
		"uniform":  {func(s *Stream) float64 { return s.Float64() }, func(x float64) float64 { return x }, 0.5, math.Sqrt(1.0 / 12)},
		"interval": {func(s *Stream) float64 { return s.Uniform(-2, 4) }, func(x float64) float64 { return (x + 2) / 6 }, 1, math.Sqrt(3)},
		"exp":      {func(s *Stream) float64 { return s.Exp(3) }, func(x float64) float64 { return -math.Expm1(-x / 3) }, 3, 3},
		"normal":   {func(s *Stream) float64 { return s.Normal(5, 2) }, func(x float64) float64 { return phi((x - 5) / 2) }, 5, 2},
		"lognormal": {func(s *Stream) float64 { return s.LogNormal(1, 0.5) }, func(x float64) float64 { return phi((math.Log(x) - 1) / 0.5) },
			math.Exp(1.125), math.Exp(1.125) * math.Sqrt(math.Expm1(0.25))},
		"weibull": {func(s *Stream) float64 { return s.Weibull(0.7, 2) }, func(x float64) float64 { return -math.Expm1(-math.Pow(x/2, 0.7)) },
			2 * math.Gamma(1+1/0.7), 2 * math.Sqrt(math.Gamma(1+2/0.7)-math.Pow(math.Gamma(1+1/0.7), 2))},
		// Gamma of shape k: k=1 is exponential, k=2 and k=1/2 have closed forms.
		"gamma 1": {func(s *Stream) float64 { return s.Gamma(1, 3) }, func(x float64) float64 { return -math.Expm1(-x / 3) }, 3, 3},
		"gamma 2": {func(s *Stream) float64 { return s.Gamma(2, 3) }, func(x float64) float64 { return 1 - (1+x/3)*math.Exp(-x/3) }, 6, 3 * math.Sqrt2},
		"gamma ½": {func(s *Stream) float64 { return s.Gamma(0.5, 3) }, func(x float64) float64 { return math.Erf(math.Sqrt(x / 3)) }, 1.5, 3 * math.Sqrt(0.5)},
	} {
		s := NewStream(11, name)
		var tally Tally
		sample := make([]float64, draws)
		for i := range sample {
			sample[i] = c.draw(&s)
			tally.Add(sample[i])
		}
		if d := kolmogorov(sample, c.cdf); d > 1.95 {
			t.Errorf("%s: Kolmogorov distance %.2f/√n", name, d)
		}
		// Five standard errors of the mean; the variance of heavy tails settles
		// slowly, hence 5 %.
		if e := math.Abs(tally.Mean()-c.mean) / (c.sd / math.Sqrt(draws)); e > 5 {
			t.Errorf("%s: mean %g, want %g (%.1f standard errors)", name, tally.Mean(), c.mean, e)
		}
		if e := math.Abs(tally.SD()/c.sd - 1); e > 0.05 {
			t.Errorf("%s: standard deviation %g, want %g", name, tally.SD(), c.sd)
		}
	}
}

func TestLogNormalMean(t *testing.T) {
	s := NewStream(1, "mean")
	var tally Tally
	for range draws {
		tally.Add(s.LogNormalMean(40, 0.15))
	}
	if math.Abs(tally.Mean()/40-1) > 5*0.15/math.Sqrt(draws) || math.Abs(tally.SD()/6-1) > 0.02 {
		t.Errorf("mean %g, standard deviation %g, want 40 and 6", tally.Mean(), tally.SD())
	}
}

func TestIntnAndBernoulli(t *testing.T) {
	s := NewStream(3, "dice")
	for _, n := range []int{1, 2, 3, 10, 1000} {
		counts := make([]float64, n)
		for range draws {
			counts[s.Intn(n)]++
		}
		chi, mean := 0.0, float64(draws)/float64(n)
		for _, c := range counts {
			chi += (c - mean) * (c - mean) / mean
		}
		// χ² has mean n-1 and variance 2(n-1).
		if limit := float64(n-1) + 5*math.Sqrt(2*float64(n)); chi > limit {
			t.Errorf("Intn(%d): χ² = %.1f > %.1f", n, chi, limit)
		}
	}
	hits := 0.0
	for range draws {
		if s.Bernoulli(0.3) {
			hits++
		}
	}
	if e := math.Abs(hits/draws-0.3) / math.Sqrt(0.3*0.7/draws); e > 5 {
		t.Errorf("Bernoulli(0.3): %g", hits/draws)
	}
	if n := s.Intn(math.MaxInt); n < 0 {
		t.Errorf("Intn(MaxInt) = %d", n)
	}
}

// Streams depend on seed and name alone; children on the identity of their
// parent and not on its draws.
func TestStreamsAreNamed(t *testing.T) {
	a, b := NewStream(1, "gpu-3"), NewStream(1, "gpu-3")
	want := a.Child("hbm")
	for range 10 {
		if a.Uint64() != b.Uint64() {
			t.Fatal("two streams of one name differ")
		}
	}
	if a.Child("hbm") != want || a.Sub(7) != b.Sub(7) {
		t.Error("a child depends on the draws of its parent")
	}
	seen := map[uint64]string{}
	add := func(name string, s Stream) {
		x := s.Uint64()
		if other, dup := seen[x]; dup {
			t.Errorf("%s and %s start alike", name, other)
		}
		seen[x] = name
	}
	for _, name := range []string{"", "a", "b", "ab", "a/b", "\x00"} {
		for seed := range uint64(3) {
			s := NewStream(seed, name)
			add(name, s)
			add(name+" child", s.Child("a"))
			add(name+" empty child", s.Child(""))
			for i := range uint64(100) {
				add(name+" sub", s.Sub(i))
			}
		}
	}
}

// Draws of neighbouring streams are not correlated, bit by bit.
func TestStreamsAreIndependent(t *testing.T) {
	root := NewStream(5, "root")
	var differing Tally
	for i := range uint64(2000) {
		a, b := root.Sub(i), root.Sub(i+1)
		for range 20 {
			differing.Add(float64(bits.OnesCount64(a.Uint64() ^ b.Uint64())))
		}
	}
	// 64 fair bits: mean 32, variance 16.
	if e := math.Abs(differing.Mean()-32) / (4 / math.Sqrt(float64(differing.Count()))); e > 4 || math.Abs(differing.Var()/16-1) > 0.05 {
		t.Errorf("bits that differ: mean %g, variance %g", differing.Mean(), differing.Var())
	}
}

// The first draws are part of the contract: results of old seeds stay.
func TestStreamValuesAreFixed(t *testing.T) {
	s := NewStream(1, "name")
	if got, want := [2]uint64{s.Uint64(), s.Uint64()}, [2]uint64{0x4d764ae01a910ce3, 0x698d1dfc0edc15d8}; got != want {
		t.Errorf("draws %#x, want %#x", got, want)
	}
}
