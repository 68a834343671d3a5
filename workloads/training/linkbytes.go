package training

import "aisim/topology"

// LinkBytes spreads what one step puts on the network over its links, by
// topology.LinkID: each collective is laid on the links as it was priced, with the bytes
// of a step, and the links of every level are then scaled to the step's LevelBytes, so
// that the two agree. It costs as much as preparing the job.
func (j *Job) LinkBytes(s *Step) ([]float64, error) {
	comm := j.machine.Comm
	out := make([]float64, j.machine.Graph.NumLinks())
	if comm == nil {
		return out, nil
	}
	add := func(p *priced, bytes float64) error {
		if p == nil || bytes <= 0 {
			return nil
		}
		return comm.AddLinkBytes(p.base, bytes, out)
	}
	if g := j.cfg.Arch.Generic; g != nil {
		for _, p := range j.plans {
			if err := add(p, g.Params*j.framework.ReduceBytes); err != nil {
				return nil, err
			}
		}
		return j.toLevels(out, s), nil
	}
	// Bytes of one call as each plan sees it: gradients and weights of a mean stage,
	// activations for the rest. Only their proportions matter.
	stages := float64(j.cfg.Parallel.PP)
	var mean perRank
	for st := range j.cfg.Parallel.PP {
		mean.addTimes(1/stages, j.stageParams(st))
	}
	size := j.shape.tokens * j.shape.h * j.shape.actBytes
	calls := float64(j.cfg.microBatches()*j.cfg.Arch.Layers) / stages
	for id, p := range j.plans {
		bytes := size * calls
		switch planID(id) {
		case planDataReduce, planDataScatter, planMirror:
			bytes = mean.dense * j.framework.ReduceBytes
		case planDataGather:
			bytes = mean.dense * j.shape.actBytes
		case planExpertDataReduce, planExpertDataScatter:
			bytes = mean.expert * j.framework.ReduceBytes
		case planExpertDataGather:
			bytes = mean.expert * j.shape.actBytes
		}
		if err := add(p, bytes); err != nil {
			return nil, err
		}
	}
	if j.framework.ScatterGather || j.cfg.SequenceParallel {
		size /= j.shape.t
	}
	for _, p := range j.boundaries {
		if err := add(p, 2*size*float64(j.cfg.microBatches()*j.sched.v)); err != nil {
			return nil, err
		}
	}
	return j.toLevels(out, s), nil
}

// toLevels scales the links of every level to what the step puts on it.
func (j *Job) toLevels(links []float64, s *Step) []float64 {
	var sum [topology.NumLevels]float64
	g := j.machine.Graph
	for id, b := range links {
		sum[g.LevelOf(topology.LinkID(id))] += b
	}
	for id := range links {
		if l := g.LevelOf(topology.LinkID(id)); sum[l] > 0 {
			links[id] *= s.LevelBytes[l] / sum[l]
		}
	}
	return links
}
