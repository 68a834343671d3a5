package scenarios

import (
	"fmt"

	"aisim/sim"
	"aisim/workloads/arrivals"
	"aisim/workloads/trace"
)

// RequestSource gives a service its requests: those of a trace, the same in every
// future, or a generator's, others for every seed.
type RequestSource struct {
	Recorded *trace.Trace // nil for a generator
	spec     arrivals.Spec
	name     string
	most     int // requests of a future, 0 for all
}

// defaultServiceSec is simulated when a generator is given no duration.
const defaultServiceSec = 3600

func newRequestSource(sc *Scenario, p *Placed) (*RequestSource, error) {
	wl := p.Workload
	key := "workload." + wl.ID
	rs := &RequestSource{name: wl.ID}
	if wl.Trace != "" {
		t, err := trace.ReadFile(wl.Trace, trace.Format(wl.TraceFormat), trace.Limits{})
		if err != nil {
			return nil, Problems(sc.ProblemAt(key+".trace", wl.Trace, "", "an Azure LLM CSV or a Mooncake JSONL file", err.Error()))
		}
		if wl.DurationSec != nil {
			n := 0
			for n < len(t.Requests) && t.Requests[n].ArriveSec <= *wl.DurationSec {
				n++
			}
			t.Requests = t.Requests[:n]
		}
		if len(t.Requests) == 0 {
			return nil, Problems(sc.ProblemAt(key+".duration", "", "", "", "no request of the trace arrives within the duration"))
		}
		if wl.Rescale != 0 && wl.Rescale != 1 {
			if t.Requests, err = trace.Rescale(t.Requests, wl.Rescale); err != nil {
				return nil, Problems(sc.ProblemAt(key+".rescale", "", "", "", err.Error()))
			}
		}
		if wl.PrefixCache != nil && len(t.Hashes) == 0 {
			return nil, Problems(sc.ProblemAt(key+".prefix_cache", "", "", "a trace in Mooncake's layout has them", "the trace has no prefix hashes"))
		}
		rs.Recorded = t
		return rs, nil
	}
	if wl.PrefixCache != nil {
		return nil, Problems(sc.ProblemAt(key+".prefix_cache", "", "", "give a trace in Mooncake's layout", "generated requests have no prefix hashes"))
	}
	a := wl.Arrivals
	if a == nil {
		return nil, Problems(sc.ProblemAt(key+".arrivals", "", "arrivals or trace", "", "a service needs requests"))
	}
	rs.spec = arrivals.Spec{Process: a.Process, Diurnal: arrivals.Diurnal{Amplitude: a.Diurnal, PeakSec: 14 * 3600}, DurationSec: defaultServiceSec}
	if wl.DurationSec != nil {
		rs.spec.DurationSec = *wl.DurationSec
	}
	if a.RequestsPerSec != nil {
		rs.spec.RatePerSec = *a.RequestsPerSec
	}
	if a.CV != nil {
		rs.spec.CV = *a.CV
	}
	if a.Prompt != nil {
		rs.spec.Prompt = lengths(a.Prompt)
	}
	if a.Output != nil {
		rs.spec.Output = lengths(a.Output)
	}
	if p.Arch.Generic != nil { // a request is one sample unless the scenario says otherwise
		one := arrivals.Lengths{Mean: 1}
		if a.Prompt == nil {
			rs.spec.Prompt = one
		}
		if a.Output == nil {
			rs.spec.Output = one
		}
	}
	if err := rs.spec.Validate(); err != nil {
		return nil, Problems(sc.ProblemAt(key+".arrivals", "", "", "", err.Error()))
	}
	return rs, nil
}

func lengths(l *Lengths) arrivals.Lengths {
	var out arrivals.Lengths
	for _, f := range []struct{ to, from *float64 }{{&out.Mean, l.Mean}, {&out.CV, l.CV}, {&out.P50, l.P50}, {&out.P95, l.P95}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return out
}

// Requests are those of one future, in order of arrival.
func (rs *RequestSource) Requests(seed uint64, replica int) ([]trace.Request, error) {
	if rs.Recorded != nil {
		if n := rs.most; n > 0 && n < len(rs.Recorded.Requests) {
			return trace.Busiest(rs.Recorded.Requests, n), nil
		}
		return rs.Recorded.Requests, nil
	}
	return arrivals.Generate(rs.shortened(), sim.NewStream(seed, fmt.Sprintf("requests/%s/replica-%d", rs.name, replica)))
}

// shortened is the generator for as long as the requests that are wanted take: at the
// load of the peak, where it varies with the hour.
func (rs *RequestSource) shortened() arrivals.Spec {
	spec := rs.spec
	if rs.most == 0 {
		return spec
	}
	rate := spec.MeanRate() * (1 + spec.Diurnal.Amplitude)
	if sec := float64(rs.most) / rate; rate > 0 && sec < spec.DurationSec {
		spec.DurationSec, spec.RatePerSec, spec.Diurnal.Amplitude = sec, rate, 0
	}
	return spec
}

// Covered is the share of its duration that the requests of a future stand for.
func (rs *RequestSource) Covered() float64 {
	switch {
	case rs.most == 0:
		return 1
	case rs.Recorded != nil:
		return min(1, float64(rs.most)/float64(len(rs.Recorded.Requests)))
	}
	short := rs.shortened()
	return short.DurationSec * short.MeanRate() / (rs.spec.DurationSec * rs.spec.MeanRate())
}

// HorizonSec is the span that the requests cover.
func (rs *RequestSource) HorizonSec() float64 {
	if rs.Recorded != nil {
		return rs.Recorded.Duration()
	}
	return rs.spec.DurationSec
}
