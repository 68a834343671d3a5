package training

import "aisim/workloads"

// kept is what a chunk keeps of one micro-batch: until its backward pass, and from there
// until its weight gradients are done.
type kept struct{ activations, weights float64 }

// held is what a stage's chunks keep when they keep the most.
func (c *Config) held(chunks []kept, stage int) float64 {
	p, m := c.Parallel.PP, c.microBatches()
	var most float64
	for i := range chunks {
		most += float64(c.Schedule.inFlight(p, len(chunks), m, stage, i)) * chunks[i].activations
	}
	switch c.Schedule {
	case ScheduleZBH1:
		// Stage s has s put off when it is full, and turns one more before it does the first.
		k := chunks[0]
		off := min(p, m) - min(p-stage, m)
		return most + float64(off)*k.weights + max(0, k.weights-k.activations)
	case ScheduleDualPipe:
		half, edge := p/2, min(stage, p-1-stage)
		near, far := chunks[0], chunks[1]
		if stage >= half {
			near, far = far, near
		}
		if edge < half-1 { // the first backward passes are split, and come two forwards short of full
			most += max(0, far.weights-far.activations-near.activations)
		}
		end := float64(half-edge-1)*near.activations + float64(edge+1)*max(near.weights, far.weights)
		return max(most, end)
	}
	return most
}

// weightBytes is what a layer's weight gradients of one micro-batch need on one rank: the
// inputs of its products and the gradients of their outputs. With a plain MLP of 4h that is
// 32·s·b·h, M_W of Qi et al. (ICLR 2024). Recomputation makes inputs before the backward
// pass, so they are kept under it too. Products of 8 bits keep both as they were quantised. The
// head's are used at once.
func (c *Config) weightBytes(s *shape, k workloads.LayerKind) float64 {
	a, in := &c.Arch, min(s.actBytes, s.linear.Bytes())
	var gradients float64
	for _, g := range c.gemms(s, k) {
		gradients += max(1, g.groups) * g.m * g.n
	}
	whole, inputs := 2*s.h/s.split, s.q/s.t
	if m := a.MLA; m != nil {
		whole += float64(m.QLora + m.KVLora)
		inputs = float64(a.Heads*m.VHead) / s.t
	}
	if k.MoE {
		whole += float64(a.ExpertsActive) * s.h / s.split
	}
	return in * (gradients + s.tokens*(whole+inputs+c.mlpWidth(k)/s.t))
}
