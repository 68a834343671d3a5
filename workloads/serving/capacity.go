package serving

import (
	"fmt"
	"math"

	"aisim/internal/result"
	"aisim/workloads/trace"
)

// Capacity is the highest load that a service carries within its SLO.
type Capacity struct {
	RequestsPerSec float64 // offered; 0 when the SLO cannot be met at any load tried
	OutputPerSec   float64 // tokens at that load
	AtLeast        bool    // the bound was reached without missing the SLO
	Why            string  // when it is 0: what stands in the way
	Evaluations    int
	Points         []result.LoadPoint // every load tried, from low to high
}

// The search looks at rates from 1/1024 to 1024 times the load given.
const (
	capacitySpan       = 1024.0
	defaultEvaluations = 14
)

// Capacity finds the highest rate within the SLO by bisection over the load's
// arrivals run faster or slower; relTol is the relative width at which it stops
// (0 means 2 %), evaluations the most simulations it may make (0 means 14).
// A trace of n requests run k times faster lasts 1/k as long: rates are those
// of a burst of that length when the trace is short.
func (p *Prepared) Capacity(reqs []Request, opt Options, relTol float64, evaluations int) (*Capacity, error) {
	if p.Config.SLO.TTFTSec == 0 && p.Config.SLO.TPOTSec == 0 {
		return nil, fmt.Errorf("serving: capacity within an slo needs a limit on ttft or tpot")
	}
	if relTol <= 0 {
		relTol = 0.02
	}
	if evaluations <= 0 {
		evaluations = defaultEvaluations
	}
	goal := p.Config.SLO.attainment()
	out := &Capacity{}
	best := 0.0
	try := func(factor float64) (bool, error) {
		pt, o, err := p.loadPoint(reqs, opt, factor)
		if err != nil {
			return false, err
		}
		out.Evaluations++
		out.insert(pt)
		ok := o.meets(goal)
		if ok && factor > best {
			best = factor
			out.RequestsPerSec, out.OutputPerSec = o.OfferedPerSec, o.OutputPerSec
		}
		if !ok && best == 0 {
			out.Why = fmt.Sprintf("at %.3g requests/s %.1f %% are within the slo, asked are %.1f %%: ttft p95 is %.3g s, tpot p95 %.3g s",
				o.OfferedPerSec, 100*o.Attainment, 100*goal, o.TTFT.P95, o.TPOT.P95)
		}
		return ok, nil
	}
	low, high := 0.0, 0.0
	ok, err := try(1)
	if err != nil {
		return nil, err
	}
	if ok {
		low = 1
		for f := 2.0; high == 0 && f <= capacitySpan && out.Evaluations < evaluations; f *= 2 {
			if ok, err = try(f); err != nil {
				return nil, err
			} else if ok {
				low = f
			} else {
				high = f
			}
		}
	} else {
		high = 1
		for f := 0.5; low == 0 && f >= 1/capacitySpan && out.Evaluations < evaluations; f /= 2 {
			if ok, err = try(f); err != nil {
				return nil, err
			} else if ok {
				low = f
			} else {
				high = f
			}
		}
	}
	if low == 0 {
		return out, nil
	}
	out.Why = ""
	out.AtLeast = high == 0
	for high > 0 && high/low-1 > relTol && out.Evaluations < evaluations {
		mid := math.Sqrt(low * high)
		if ok, err = try(mid); err != nil {
			return nil, err
		} else if ok {
			low = mid
		} else {
			high = mid
		}
	}
	return out, nil
}

func (c *Capacity) insert(pt result.LoadPoint) {
	i := len(c.Points)
	for i > 0 && c.Points[i-1].RequestsPerSec > pt.RequestsPerSec {
		i--
	}
	c.Points = append(c.Points, result.LoadPoint{})
	copy(c.Points[i+1:], c.Points[i:])
	c.Points[i] = pt
}

// LoadCurve is attainment and p95 of the first token at multiples of the load.
func (p *Prepared) LoadCurve(reqs []Request, opt Options, factors []float64) ([]result.LoadPoint, error) {
	out := make([]result.LoadPoint, 0, len(factors))
	for _, f := range factors {
		pt, _, err := p.loadPoint(reqs, opt, f)
		if err != nil {
			return nil, err
		}
		out = append(out, pt)
	}
	return out, nil
}

func (p *Prepared) loadPoint(reqs []Request, opt Options, factor float64) (result.LoadPoint, *Outcome, error) {
	scaled, err := trace.Rescale(reqs, factor)
	if err != nil {
		return result.LoadPoint{}, nil, err
	}
	opt.ReadyAt, opt.Outages = nil, nil // the load of a service that stands
	o, err := p.Simulate(scaled, opt)
	if err != nil {
		return result.LoadPoint{}, nil, err
	}
	a := result.Number{Value: o.Attainment, Low: o.Attainment, High: o.Attainment, Unit: "1", NoInterval: "one simulation of one load"}
	return result.LoadPoint{RequestsPerSec: o.OfferedPerSec, Attainment: a, TTFTP95: o.TTFT.P95, Asked: factor == 1}, o, nil
}
