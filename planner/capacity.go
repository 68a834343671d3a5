package planner

import (
	"math"
	"slices"

	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/workloads/serving"
	"aisim/workloads/trace"
)

// searched are the metrics of a service that only a search with many simulations finds.
var searched = []struct{ key, unit string }{{result.MetricCapacity, "requests/s"}, {result.MetricHeadroom, "ratio"}, {result.MetricSaturation, "requests/s"}}

// A capacity is searched with the busiest stretch of the requests: ten seconds of them,
// but at least leastWindow and at most mostWindow, so that queues have time to grow and
// a search of a dozen simulations stays cheap.
const (
	windowSec   = 10.0
	leastWindow = 4000
	mostWindow  = 40000
	// pairedWindow bounds it where capacities are only compared with one another, as those of a
	// change and of none.
	pairedWindow = 10000
)

func window(reqs []trace.Request, most int) []trace.Request {
	n := int(trace.Rate(reqs) * windowSec)
	return trace.Busiest(reqs, min(max(n, leastWindow), most))
}

// capacityOf is the highest offered rate, in requests per second, at which a service
// keeps its objective. A guess (a rate; 0: none) saves simulations.
//
// Attainment near the limit is a noisy, steep function of the rate: one burst more or
// less decides. The crossing is first found by bisection, then read off the
// least-squares line through fitPoints loads within ±fitWidth of it, so that a change
// of a few percent of a resource shows and does not drown in that noise.
func capacityOf(p *serving.Prepared, reqs []trace.Request, guess float64) (float64, error) {
	base := trace.Rate(reqs)
	goal := p.Config.SLO.Attainment
	if goal == 0 {
		goal = 0.95
	}
	eval := func(factor float64) (float64, error) {
		r, err := trace.Rescale(reqs, factor)
		if err != nil {
			return 0, err
		}
		return p.Attainment(r, serving.Options{Workers: 1})
	}
	x, grow := 1.0, 2.0
	if guess > 0 {
		x, grow = guess/base, 1.06
	}
	low, high := 0.0, math.Inf(1) // factors that keep and miss the goal
	for range 20 {
		a, err := eval(x)
		if err != nil {
			return 0, err
		}
		if a >= goal {
			low = x
		} else {
			high = x
		}
		switch {
		case math.IsInf(high, 1):
			x = low * grow
		case low == 0:
			x = high / grow
		case high/low > 1.02:
			x = math.Sqrt(low * high)
		default:
			at, err := crossing(eval, math.Sqrt(low*high), goal)
			return at * base, err
		}
		if guess > 0 && (math.IsInf(high, 1) || low == 0) {
			grow = math.Min(2, grow*grow)
		}
	}
	if math.IsInf(high, 1) {
		return low * base, nil
	}
	return 0, nil // not even the smallest load keeps the objective
}

const (
	fitPoints = 24
	fitWidth  = 0.06
)

// crossing is where the least-squares line of attainment against the logarithm of the
// load meets the goal, kept within the loads that were tried.
func crossing(eval func(float64) (float64, error), near, goal float64) (float64, error) {
	var n, sx, sy, sxx, sxy float64
	lo, hi := math.Log(near*(1-fitWidth)), math.Log(near*(1+fitWidth))
	for k := range fitPoints {
		x := lo + (hi-lo)*float64(k)/(fitPoints-1)
		y, err := eval(math.Exp(x))
		if err != nil {
			return 0, err
		}
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	if !(slope < 0) {
		return near, nil
	}
	x := (goal - (sy-slope*sx)/n) / slope
	return math.Exp(math.Min(hi, math.Max(lo, x))), nil
}

// capacity is the capacity of the i-th service of a future, found with at most so many requests.
func capacity(f *scenarios.Future, i int, guess float64, most int) (float64, error) {
	reqs, err := f.Sample.Requests(i)
	if err != nil {
		return 0, err
	}
	return capacityOf(f.Service(i), window(reqs, most), guess)
}

// saturation is the rate at which the replicas of the i-th service complete requests while
// all of them always have work, whatever the limits say: between the first and the last
// quarter of a load that is there from the start.
func saturation(f *scenarios.Future, i int) (float64, error) {
	all, err := f.Sample.Requests(i)
	if err != nil {
		return 0, err
	}
	p := f.Service(i)
	p.Config.Limits, p.Config.Autoscale = serving.Admission{}, serving.Autoscale{}
	reqs := append([]trace.Request(nil), window(all, mostWindow)...)
	for k := range reqs {
		reqs[k].ArriveSec, reqs[k].Back = 0, 0
	}
	done, err := p.Completions(reqs, optionsOne())
	if err != nil {
		return 0, err
	}
	done = slices.DeleteFunc(done, func(sec float64) bool { return sec == 0 })
	if len(done) < 4 {
		return math.NaN(), nil
	}
	slices.Sort(done)
	low, high := len(done)/4, 3*len(done)/4
	return float64(high-low) / (done[high] - done[low]), nil
}

// rebase makes the window offer, at factor 1, the mean rate of all requests.
func rebase(window, all []trace.Request) []trace.Request {
	out, err := trace.Rescale(window, trace.Rate(all)/trace.Rate(window))
	if err != nil {
		return window
	}
	return out
}

func optionsOne() serving.Options { return serving.Options{Workers: 1} }
