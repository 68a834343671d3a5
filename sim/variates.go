package sim

import "math"

// Every variate below takes exactly one draw from its stream, whatever its
// parameters, and all but Gamma are monotone in that draw. Two runs that differ in
// a parameter therefore keep common random numbers: their difference is the
// effect of the parameter and not of the dice.

// Uniform returns a uniform number between low and high.
func (s *Stream) Uniform(low, high float64) float64 {
	return low + (high-low)*s.Float64()
}

// Bernoulli returns true with probability p.
func (s *Stream) Bernoulli(p float64) bool { return s.Float64() < p }

// Exp returns an exponential variate of the given mean, by inversion: −mean·ln u.
func (s *Stream) Exp(mean float64) float64 { return -mean * math.Log(s.Float64()) }

// Normal returns a normal variate of the given mean and standard deviation, by
// inversion: mean − sd·√2·erfc⁻¹(2u).
func (s *Stream) Normal(mean, sd float64) float64 {
	return mean - sd*math.Sqrt2*math.Erfcinv(2*s.Float64())
}

// LogNormal returns exp(X) for X normal with mean mu and standard deviation
// sigma: its median is exp(mu), its mean exp(mu+sigma²/2).
func (s *Stream) LogNormal(mu, sigma float64) float64 {
	return math.Exp(s.Normal(mu, sigma))
}

// LogNormalMean returns a lognormal variate of the given mean and relative
// standard deviation (standard deviation divided by mean).
func (s *Stream) LogNormalMean(mean, relSD float64) float64 {
	variance := math.Log1p(relSD * relSD)
	return mean * s.LogNormal(-variance/2, math.Sqrt(variance))
}

// Weibull returns a Weibull variate by inversion: scale·(−ln u)^(1/shape). Its
// mean is scale·Γ(1+1/shape); a shape below 1 models infant mortality.
func (s *Stream) Weibull(shape, scale float64) float64 {
	return scale * math.Pow(-math.Log(s.Float64()), 1/shape)
}

// Gamma returns a gamma variate of the given shape and scale (mean
// shape·scale), after Marsaglia and Tsang: A simple method for generating gamma
// variables, ACM TOMS 26(3), 2000. The rejection loop runs on a stream of its
// own that one draw starts.
func (s *Stream) Gamma(shape, scale float64) float64 {
	r := streamOf(s.Uint64())
	boost := 1.0
	if shape < 1 { // Γ(a) = Γ(a+1)·U^(1/a)
		boost = math.Pow(r.Float64(), 1/shape)
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.Normal(0, 1)
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(r.Float64()) < x*x/2+d*(1-v+math.Log(v)) {
			return scale * boost * d * v
		}
	}
}
