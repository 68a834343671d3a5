package serving

import "aisim/internal/result"

// phases sums the parts of latencies.
type phases struct {
	n                              int
	network, queue, fixed, stalled float64
	moved                          float64 // on the way between pools
	adapters                       float64 // for adapters to come or for a place for them in the batch
	handed, shown                  float64 // of that before the first token was seen, and all that time after it was computed
	held                           float64 // until as many tokens as are sent together were computed
	prefill, decode                split
}

func (s *phases) add(rec *record, b *bill, end *split, l *latencies) {
	s.n++
	s.network += l.network
	place, load := float64(rec.placeSec), float64(b.loadSec)
	s.queue += l.queue - place
	s.adapters += place + load
	s.fixed += l.fixed
	// What lies between without the replica working on it: preempted, moved, or lost with a replica.
	prefill, decode := minus(b.first, b.sched), minus(*end, b.first)
	s.stalled += l.prefill - prefill.sec + (rec.finish - rec.first - decode.sec) - float64(rec.moveSec) - load
	s.moved += float64(rec.moveSec)
	s.handed += min(float64(rec.moveSec), l.shown)
	s.shown += l.shown
	s.held += l.held
	s.prefill = s.prefill.plus(prefill)
	s.decode = s.decode.plus(decode)
}

func (s *phases) merge(o *phases) {
	s.n += o.n
	s.network += o.network
	s.queue += o.queue
	s.fixed += o.fixed
	s.stalled += o.stalled
	s.moved += o.moved
	s.adapters += o.adapters
	s.handed += o.handed
	s.shown += o.shown
	s.held += o.held
	s.prefill = s.prefill.plus(o.prefill)
	s.decode = s.decode.plus(o.decode)
}

func (s *phases) shares(o *Outcome) {
	f := 1 / float64(s.n)
	o.TTFTBy = resourceShares(s.prefill.times(f), s.fixed*f, (s.queue+s.shown-s.handed+s.held)*f, s.network*f)
	o.LatencyBy = resourceShares(s.prefill.plus(s.decode).times(f), s.fixed*f, (s.queue+s.stalled)*f, s.network*f)
	o.E2EParts = append(s.untilComputed(),
		part("decode: weights and cache", result.KindCompute2, s.decode.hbm*f),
		part("decode: matrix work", result.KindCompute, s.decode.compute*f),
		part("decode: scale-up link", result.KindScaleUp, s.decode.scaleup*f),
		part("decode: host and launches", result.KindWait, s.decode.host()*f),
		part("stalled", result.KindWait, s.stalled*f))
	if s.adapters > 0 {
		for _, by := range []*[]ResourceShare{&o.TTFTBy, &o.LatencyBy} {
			*by = append(*by, ResourceShare{Resource: "adapters", Name: "waiting for adapters", Kind: result.KindWait, Seconds: s.adapters * f})
			fillShares(*by)
		}
	}
	if s.moved > 0 {
		o.MoveSec = s.moved * f
		o.E2EParts = append(o.E2EParts, part("cache between pools", result.KindNetwork, s.moved*f))
		o.LatencyBy = append(o.LatencyBy, ResourceShare{Resource: "nic", Name: "cache between pools", Kind: result.KindNetwork, Seconds: s.moved * f})
		fillShares(o.LatencyBy)
	}
	if s.handed > 0 {
		o.TTFTBy = append(o.TTFTBy, ResourceShare{Resource: "nic", Name: "cache between pools", Kind: result.KindNetwork, Seconds: s.handed * f})
		fillShares(o.TTFTBy)
	}
}

func (s split) host() float64 { return s.sec - s.compute - s.hbm - s.scaleup }

func part(name string, kind result.Kind, sec float64) result.StepPart {
	return result.StepPart{Name: name, Kind: kind, Seconds: sec}
}

// firstToken is the parts of the mean time to first token; they add up to it.
func (s *phases) firstToken() []result.StepPart {
	out, f := s.untilComputed(), 1/float64(s.n)
	if s.shown > 0 {
		out = append(out, part("cache between pools", result.KindNetwork, s.handed*f), part("wait for a replica", result.KindWait, (s.shown-s.handed)*f))
	}
	if s.held > 0 {
		out = append(out, part("wait for tokens sent together", result.KindWait, s.held*f))
	}
	return out
}

// untilComputed is those until it was computed.
func (s *phases) untilComputed() []result.StepPart {
	f := 1 / float64(s.n)
	out := []result.StepPart{
		part("queue", result.KindWait, s.queue*f),
		part("prefill: matrix work", result.KindCompute, s.prefill.compute*f),
		part("prefill: weights and cache", result.KindCompute2, s.prefill.hbm*f),
		part("prefill: scale-up link", result.KindScaleUp, s.prefill.scaleup*f),
		part("prefill: host and launches", result.KindWait, s.prefill.host()*f),
		part("request handling", result.KindWait, s.fixed*f),
		part("network", result.KindNetwork, s.network*f),
	}
	if s.adapters > 0 {
		out = append(out, part("waiting for adapters", result.KindWait, s.adapters*f))
	}
	out[0].Waiting = true
	return out
}

// resourceShares divides a time by resource. fixed is host time outside the
// step loop, in seconds, as are queue and wan.
func resourceShares(s split, fixed, queue, wan float64) []ResourceShare {
	all := []ResourceShare{
		{Resource: resourceKeys[resCompute], Name: "matrix rate", Kind: result.KindCompute, Seconds: s.compute},
		{Resource: resourceKeys[resHBM], Name: "memory bandwidth", Kind: result.KindCompute2, Seconds: s.hbm},
		{Resource: resourceKeys[resScaleUp], Name: "scale-up bandwidth", Kind: result.KindScaleUp, Seconds: s.scaleup},
		{Resource: resourceKeys[resHost], Name: "host and launches", Kind: result.KindWait, Seconds: s.host() + fixed},
		{Resource: "queueing", Name: "queueing", Kind: result.KindWait, Seconds: queue},
		{Resource: "wan", Name: "network to the client", Kind: result.KindNetwork, Seconds: wan},
	}
	fillShares(all)
	return all
}

// fillShares makes the shares of seconds.
func fillShares(all []ResourceShare) {
	total := 0.0
	for _, r := range all {
		total += r.Seconds
	}
	for i := range all {
		if total > 0 {
			all[i].Share = all[i].Seconds / total
		}
	}
}
