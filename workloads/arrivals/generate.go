package arrivals

import (
	"fmt"
	"math"
	"strings"

	"aisim/sim"
	"aisim/workloads/trace"
)

// The processes.
const (
	Poisson   = "poisson"
	Gamma     = "gamma"
	AzureConv = "azure-conv"
)

// Processes lists the names of processes.
func Processes() []string { return []string{Poisson, Gamma, AzureConv} }

// Spec is a load to generate: RatePerSec requests per second in the mean over
// DurationSec. CV is the coefficient of variation of the gaps of a Gamma
// process (1 is Poisson). AzureConv takes its rate and lengths from the trace
// when they are not given.
type Spec struct {
	Process        string
	RatePerSec     float64
	CV             float64
	Diurnal        Diurnal
	Prompt, Output Lengths
	DurationSec    float64
	MaxRequests    int // error beyond it; 0 means 10 million
}

// Diurnal modulates the rate with the time of day: rate·(1 + Amplitude·cos(2π(t
// − PeakSec)/PeriodSec)). Period 0 means a day; the load starts at midnight.
type Diurnal struct {
	Amplitude float64 // 0 … 1, peak over mean less one
	PeakSec   float64
	PeriodSec float64
}

// secondsPerDay is the default period.
const secondsPerDay = 86400

const defaultMaxRequests = 10_000_000

func (s *Spec) withDefaults() Spec {
	d := *s
	if d.Process == "" {
		d.Process = Poisson
	}
	if d.Process == AzureConv && d.RatePerSec == 0 {
		d.RatePerSec = ConvRatePerSec
	}
	if d.Diurnal.PeriodSec == 0 {
		d.Diurnal.PeriodSec = secondsPerDay
	}
	if d.MaxRequests == 0 {
		d.MaxRequests = defaultMaxRequests
	}
	return d
}

// Validate says what is impossible about a load.
func (s *Spec) Validate() error {
	d := s.withDefaults()
	switch {
	case d.Process != Poisson && d.Process != Gamma && d.Process != AzureConv:
		return fmt.Errorf("arrivals: unknown process %q: expected one of %s", s.Process, strings.Join(Processes(), ", "))
	case !(d.RatePerSec > 0) || math.IsInf(d.RatePerSec, 0):
		return fmt.Errorf("arrivals: rate %v requests/s: must be positive", d.RatePerSec)
	case !(d.DurationSec > 0) || math.IsInf(d.DurationSec, 0):
		return fmt.Errorf("arrivals: duration %v s: must be positive", d.DurationSec)
	case d.Process == Gamma && !(d.CV > 0 && d.CV <= 100):
		return fmt.Errorf("arrivals: cv %v of a gamma process: expected a ratio above 0 and at most 100", d.CV)
	case d.Process != Gamma && d.CV != 0 && d.CV != 1:
		return fmt.Errorf("arrivals: cv %v: only a gamma process has one, %s does not", d.CV, d.Process)
	case !(d.Diurnal.Amplitude >= 0 && d.Diurnal.Amplitude <= 1):
		return fmt.Errorf("arrivals: diurnal amplitude %v: expected a ratio from 0 to 1", d.Diurnal.Amplitude)
	case !(d.Diurnal.PeriodSec > 0) || math.IsInf(d.Diurnal.PeriodSec, 0) || math.IsNaN(d.Diurnal.PeakSec) || math.IsInf(d.Diurnal.PeakSec, 0):
		return fmt.Errorf("arrivals: diurnal period %v s with peak at %v s: expected a positive period", d.Diurnal.PeriodSec, d.Diurnal.PeakSec)
	case d.RatePerSec*d.DurationSec > float64(d.MaxRequests):
		return fmt.Errorf("arrivals: about %.3g requests: at most %d", d.RatePerSec*d.DurationSec, d.MaxRequests)
	case d.Process == AzureConv && d.DurationSec > maxModulatedSec:
		return fmt.Errorf("arrivals: %s over %.3g s: at most %.3g s", AzureConv, d.DurationSec, maxModulatedSec)
	}
	for _, l := range []struct {
		name string
		l    *Lengths
	}{{"prompt", &d.Prompt}, {"output", &d.Output}} {
		if d.Process == AzureConv && l.l.empty() {
			continue
		}
		if err := l.l.Validate(); err != nil {
			return fmt.Errorf("arrivals: %s: %w", l.name, err)
		}
	}
	return nil
}

func (l *Lengths) empty() bool {
	return l.Mean == 0 && l.P50 == 0 && l.P95 == 0 && len(l.Quantiles) == 0 && len(l.At) == 0
}

// Generate draws the requests of a load in order of arrival. The stream gives
// one child for arrivals and one for lengths.
func Generate(spec Spec, s sim.Stream) ([]trace.Request, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	d := spec.withDefaults()
	gaps := s.Child("arrivals")
	size := s.Child("lengths")
	reqs := make([]trace.Request, 0, int(d.RatePerSec*d.DurationSec*1.1)+16)
	clock := newClock(&d, s.Child("modulation"))
	shape := 1.0
	if d.Process == Gamma {
		shape = 1 / (d.CV * d.CV)
	}
	op := 0.0
	first := true
	for {
		gap := 0.0
		switch {
		case d.Process == Gamma && first:
			// The first gap of a stationary process is a uniform part of a gap
			// chosen by its length: a Gamma draw of shape k+1.
			gap = gaps.Float64() * gaps.Gamma(shape+1, 1/shape)
		case d.Process == Gamma:
			gap = gaps.Gamma(shape, 1/shape)
		default:
			gap = gaps.Exp(1)
		}
		first = false
		op += gap
		t, ok := clock.at(op)
		if !ok {
			break
		}
		if len(reqs) >= d.MaxRequests {
			return nil, fmt.Errorf("arrivals: more than %d requests", d.MaxRequests)
		}
		q := trace.Request{ArriveSec: t}
		if d.Process == AzureConv {
			q.Prompt, q.Output = ConvLengths(&size)
		}
		if !d.Prompt.empty() {
			q.Prompt = d.Prompt.Draw(&size)
		}
		if !d.Output.empty() {
			q.Output = d.Output.Draw(&size)
		}
		reqs = append(reqs, q)
	}
	if len(reqs) == 0 {
		return nil, fmt.Errorf("arrivals: no request arrived in %g s at %g requests/s: lengthen the duration", d.DurationSec, d.RatePerSec)
	}
	return reqs, nil
}

// clock carries operational time to seconds: the time at which the integral of
// the rate reaches it.
type clock struct {
	d       *Spec
	t       float64 // seconds reached
	area    float64 // integral of the rate up to t
	mod     *modulation
	level   float64 // of the modulation in the current cell
	cellEnd float64
	norm    float64
}

func newClock(d *Spec, s sim.Stream) *clock {
	c := &clock{d: d, norm: 1, level: 1, cellEnd: d.DurationSec}
	if d.Process == AzureConv {
		// The first pass finds the mean, so that the rate asked for is the mean of
		// the load; the second repeats the same draws.
		pass := newModulation(s)
		sum, n := 0.0, int(math.Ceil(d.DurationSec/cellSec))
		for range n {
			sum += pass.next()
		}
		c.norm = float64(n) / sum
		again := newModulation(s)
		c.mod = &again
		c.level, c.cellEnd = c.mod.next()*c.norm, cellSec
	}
	return c
}

// integral of the diurnal rate from 0 to t, per unit of modulation.
func (c *clock) integral(t float64) float64 {
	w := 2 * math.Pi / c.d.Diurnal.PeriodSec
	a := c.d.Diurnal.Amplitude
	if a == 0 {
		return c.d.RatePerSec * t
	}
	p := c.d.Diurnal.PeakSec
	return c.d.RatePerSec * (t + a/w*(math.Sin(w*(t-p))+math.Sin(w*p)))
}

// at returns the time of operational time op, or false beyond the duration.
func (c *clock) at(op float64) (float64, bool) {
	for {
		end := math.Min(c.cellEnd, c.d.DurationSec)
		base := c.integral(c.t)
		cell := c.level * (c.integral(end) - base)
		if c.area+cell >= op {
			t := c.solve(base+(op-c.area)/c.level, end)
			c.t, c.area = t, op
			return t, true
		}
		c.area += cell
		c.t = end
		if end >= c.d.DurationSec {
			return 0, false
		}
		c.level = c.mod.next() * c.norm
		c.cellEnd += cellSec
	}
}

// solve finds t in [c.t, end] with integral(t) = x: Newton's method, and halving
// where it would leave the bracket.
func (c *clock) solve(x, end float64) float64 {
	if c.d.Diurnal.Amplitude == 0 {
		return math.Min(math.Max(x/c.d.RatePerSec, c.t), end)
	}
	w := 2 * math.Pi / c.d.Diurnal.PeriodSec
	low, high := c.t, end
	t := low
	for range 100 {
		f := c.integral(t) - x
		if f >= 0 {
			high = t
		} else {
			low = t
		}
		rate := c.d.RatePerSec * (1 + c.d.Diurnal.Amplitude*math.Cos(w*(t-c.d.Diurnal.PeakSec)))
		next := t - f/rate
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-t) <= 1e-9 {
			return next
		}
		t = next
	}
	return t
}

// MeanRate is the rate in requests per second, of the process where none is given.
func (s *Spec) MeanRate() float64 { return s.withDefaults().RatePerSec }
