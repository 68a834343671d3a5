package scenarios

import (
	"fmt"
	"slices"

	"aisim/sim"
	"aisim/workloads/arrivals"
	"aisim/workloads/trace"
)

// RequestSource gives a service its requests: those of a trace, the same in every
// future, or a generator's, others for every seed.
type RequestSource struct {
	Recorded *trace.Trace // nil for a generator
	spec     arrivals.Spec
	talk     *arrivals.Talk
	servegen *arrivals.ServeGen
	name     string
	adapters *adapterDraw // nil: the trace names them, or there are none
	most     int          // requests of a future, 0 for all
}

// talkBlockTokens is what one name of a talk's blocks stands for at least: what is shared
// is found to so many tokens.
const talkBlockTokens = 64

// defaultServiceSec is simulated when a generator is given no duration.
const defaultServiceSec = 3600

func newRequestSource(sc *Scenario, p *Placed) (*RequestSource, error) {
	wl := p.Workload
	key := "workload." + wl.ID
	rs := &RequestSource{name: wl.ID}
	if wl.Trace != "" {
		t, err := trace.ReadFile(wl.Trace, trace.Format(wl.TraceFormat), trace.Limits{})
		if err != nil {
			return nil, Problems(sc.ProblemAt(key+".trace", wl.Trace, "", "an Azure LLM CSV, Mooncake JSON lines, a BurstGPT CSV or a log of requests; trace_format says which", err.Error()))
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
	a := wl.Arrivals
	if a == nil {
		return nil, Problems(sc.ProblemAt(key+".arrivals", "", "arrivals or trace", "", "a service needs requests"))
	}
	if wl.PrefixCache != nil && a.Talk == nil {
		return nil, Problems(sc.ProblemAt(key+".prefix_cache", "", "", "give arrivals.talk, or a trace in Mooncake's layout", "generated requests have no prefix hashes"))
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
	if k := a.Talk; k != nil {
		rs.talk = &arrivals.Talk{Turns: k.Turns, ThinkSec: k.ThinkSec, ThinkCV: k.ThinkCV, Shared: int(k.Shared), Context: p.Arch.MaxSeq}
		switch {
		case p.Arch.Generic != nil:
			return nil, Problems(sc.ProblemAt(key+".arrivals.talk", "", "", "leave it out", "a model known by totals per sample does not talk"))
		case a.Process == "servegen":
			return nil, Problems(sc.ProblemAt(key+".arrivals.talk", "", "", "leave it out", "what the clients of servegen ask again is not recorded"))
		}
		if err := rs.talk.Validate(); err != nil {
			return nil, Problems(sc.ProblemAt(key+".arrivals.talk", "", "", "", err.Error()))
		}
		if wl.PrefixCache != nil {
			block := max(1, p.Serving.Engine.BlockTokens)
			rs.talk.BlockTokens = (talkBlockTokens + block - 1) / block * block
		}
	}
	if a.Process == "servegen" {
		clients, err := arrivals.ReadServeGen(a.Clients)
		if err != nil {
			return nil, Problems(sc.ProblemAt(key+".arrivals.clients", a.Clients, "", "a folder of ServeGen's clients", err.Error()))
		}
		g := &arrivals.ServeGen{Clients: clients, BeginSec: a.BeginSec, DurationSec: rs.spec.DurationSec, RatePerSec: rs.spec.RatePerSec, Prompt: rs.spec.Prompt, Output: rs.spec.Output}
		if rs.servegen = g; a.Diurnal != 0 {
			return nil, Problems(sc.ProblemAt(key+".arrivals.diurnal", "", "", "leave it out", "the clients' records have hours of their own"))
		}
		if err := g.Validate(); err != nil {
			return nil, Problems(sc.ProblemAt(key+".arrivals", "", "", "", err.Error()))
		}
		rs.spec.RatePerSec = g.MeanRate()
		return rs, nil
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

// Requests are those of one future, in order of arrival, with the hashes of what they share and
// the adapters that they bring.
func (rs *RequestSource) Requests(seed uint64, replica int) (*trace.Trace, error) {
	t, err := rs.requests(seed, replica)
	if err != nil || rs.adapters == nil {
		return t, err
	}
	with := *t
	if rs.Recorded != nil {
		with.Requests = slices.Clone(t.Requests) // others read the trace
	}
	rs.adapters.draw(with.Requests, sim.NewStream(seed, fmt.Sprintf("adapters/%s/replica-%d", rs.name, replica)))
	return &with, nil
}

func (rs *RequestSource) requests(seed uint64, replica int) (*trace.Trace, error) {
	if t := rs.Recorded; t != nil {
		if n := rs.most; n > 0 && n < len(t.Requests) {
			return &trace.Trace{Requests: trace.Busiest(t.Requests, n), Hashes: t.Hashes, BlockTokens: t.BlockTokens}, nil
		}
		return t, nil
	}
	stream := sim.NewStream(seed, fmt.Sprintf("requests/%s/replica-%d", rs.name, replica))
	spec := rs.shortened(replica)
	if rs.talk != nil {
		return arrivals.GenerateTalks(spec, *rs.talk, stream)
	}
	var t trace.Trace
	var err error
	if rs.servegen != nil {
		g := *rs.servegen
		g.DurationSec = spec.DurationSec
		t.Requests, err = g.Generate(stream)
	} else {
		t.Requests, err = arrivals.Generate(spec, stream)
	}
	return &t, err
}

// othersMost bounds the requests of each future beside the nominal one: their spread shows in
// far fewer than a service of thousands of requests per second has in a minute.
const othersMost = 200_000

// limit is the most requests of a future, 0 for all. Beside the nominal future a steady load is
// cut short; one that changes with the hour is not.
func (rs *RequestSource) limit(replica int) int {
	steady := rs.Recorded == nil && rs.talk == nil && rs.servegen == nil && rs.spec.Diurnal.Amplitude == 0
	if replica > 0 && steady && (rs.most == 0 || rs.most > othersMost) {
		return othersMost
	}
	return rs.most
}

// shortened is the generator for as long as the requests that are wanted take: at the
// load of the peak, where it varies with the hour.
func (rs *RequestSource) shortened(replica int) arrivals.Spec {
	spec, most := rs.spec, rs.limit(replica)
	if most == 0 {
		return spec
	}
	rate := spec.MeanRate() * (1 + spec.Diurnal.Amplitude)
	if sec := float64(most) / rate; rate > 0 && sec < spec.DurationSec {
		spec.DurationSec, spec.RatePerSec, spec.Diurnal.Amplitude = sec, rate, 0
	}
	return spec
}

// Covered is the share of the duration of a service that its requests in this future stand for.
func (f *Future) Covered(i int) float64 { return f.World.Placed[i].Requests.Covered(f.Sample.replica) }

// Covered is the share of its duration that the requests of a future stand for.
func (rs *RequestSource) Covered(replica int) float64 {
	most := rs.limit(replica)
	switch {
	case most == 0:
		return 1
	case rs.Recorded != nil:
		return min(1, float64(most)/float64(len(rs.Recorded.Requests)))
	}
	short := rs.shortened(replica)
	return short.DurationSec * short.MeanRate() / (rs.spec.DurationSec * rs.spec.MeanRate())
}

// HorizonSec is the span that the requests cover.
func (rs *RequestSource) HorizonSec() float64 {
	if rs.Recorded != nil {
		return rs.Recorded.Duration()
	}
	return rs.spec.DurationSec
}
