package queue

import "math"

// check holds a pool's GPUs together: those free, held, kept by windows and down are all.
func (w *world) check(pl *pool) {
	sum := pl.nodes.freeGPUs() + pl.held + pl.kept + pl.lost
	if pl.scale != nil {
		sum += pl.scale.off + pl.scale.booting
	}
	if sum != pl.gpus() {
		panic("queue: invariant: GPUs free, held, kept and down are not those of the pool")
	}
	if pl.nodes.views[0].ends.size != len(pl.running) {
		panic("queue: invariant: expected ends are not those of the running jobs")
	}
}

// conserved says whether the parts of the GPUs' use add up to the capacity, to rounding.
func (u Use) conserved() bool {
	sum := u.Useful + u.Lost + u.Checkpoint + u.Restart + u.Fragmented + u.Idle + u.Reserved + u.Down + u.Booting + u.Off
	return math.Abs(sum-u.Capacity) <= 1e-9*math.Max(1, u.Capacity)
}
