package validate

import (
	"fmt"
	"math"

	"aisim/hardware"
	"aisim/topology/flow"
	"aisim/workloads/serving"
)

// disaggregated runs two pools in a closed loop.
func (s *service) disaggregated(k *inference, a *hardware.Accelerator, m serving.Machine) (*answer, error) {
	if s.load.shape != closedLoop {
		return nil, fmt.Errorf("disaggregated runs are predicted in a closed loop only")
	}
	pre, dec := s.config(s.pools[0]), s.config(s.pools[1])
	pre.MaxBatch = 0 // seats are said of those that decode
	pre.Replicas, dec.Replicas = s.pools[0].workers, s.pools[1].workers
	pre.Router, dec.Router = serving.LeastOutstanding, serving.LeastOutstanding
	per := int(math.Ceil(s.load.inFlight / float64(dec.Replicas)))
	if dec.MaxBatch == 0 {
		dec.MaxBatch = max(dec.Engine.MaxBatch*dec.AttentionDP, per)
	}
	if dec.Engine.TokenBudget*dec.AttentionDP < dec.MaxBatch {
		dec.TokenBudget = dec.MaxBatch
	}
	mp, md := m, m
	if err := s.acrossHosts(k, a, &mp, s.pools[0]); err != nil {
		return nil, err
	}
	if err := s.acrossHosts(k, a, &md, s.pools[1]); err != nil {
		return nil, err
	}
	prompts, err := s.prepare(pre, mp)
	if err != nil {
		return nil, err
	}
	answers, err := s.prepare(dec, md)
	if err != nil {
		return nil, err
	}
	p, err := answers.WithPrefill(prompts, s.ports())
	if err != nil {
		return nil, err
	}
	reqs, opt := s.requests()
	o, err := p.Simulate(reqs, opt)
	if err != nil {
		return nil, err
	}
	if o.Lost > 0 {
		return nil, fmt.Errorf("%d of %d requests exceed the context or the cache of %d tokens", o.Lost, o.Requests, o.Memory.Tokens)
	}
	gpus := float64(s.pools[0].workers*s.pools[0].chips() + s.pools[1].workers*s.pools[1].chips())
	out := &answer{busy: o.Prefill.Utilisation, value: s.measures(o, 1, gpus)}
	out.note = fmt.Sprintf("prefill pool %.0f %% busy, decode %.0f %%", 100*o.Prefill.Utilisation, 100*o.Utilisation)
	s.roofline(out, m.Device, s.pools[1], s.load.inFlight/float64(s.pools[1].workers))
	return out, nil
}

// portBytesPerSec is one 400 Gb/s port for each chip, as boards of eight chips and trays of
// four have them.
const portBytesPerSec = 50e9

// ports is a fabric on which nothing but the ports of the workers is narrow.
func (s *service) ports() *serving.Way {
	from, to := s.pools[0], s.pools[1]
	s.assume("caches move over %g GB/s for each chip", portBytesPerSec/1e9)
	w := &serving.Way{}
	for _, l := range s.pools {
		for range l.workers {
			w.Capacity = append(w.Capacity, portBytesPerSec*float64(l.chips()))
		}
	}
	for i := range from.workers {
		for j := range to.workers {
			w.Uses = append(w.Uses, []flow.Use{{Res: flow.ResourceID(i), Weight: 1}, {Res: flow.ResourceID(from.workers + j), Weight: 1}})
		}
	}
	w.LatencySec = make([]float64, len(w.Uses))
	return w
}
