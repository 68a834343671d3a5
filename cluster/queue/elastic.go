package queue

import "math"

// scaling is a job's speed on so many GPUs over that on all that it asks for.
func (w *world) scaling(j, gpus int32) float64 {
	job := &w.trace.Jobs[j]
	if gpus == job.GPUs {
		return 1
	}
	power := w.Tenants[job.Tenant].Scaling
	if power == 0 {
		power = 1
	}
	return math.Pow(float64(gpus)/float64(job.GPUs), power)
}

// fit sets the GPUs on which a waiting job may start now: all that it asks for, or where it
// is elastic a half, a quarter and so on.
func (w *world) fit(pl *pool, j int32) bool {
	s, full := &w.st[j], w.trace.Jobs[j].GPUs
	least := int32(w.least(w.trace.Jobs[j]))
	for g := full; g >= least; g = max(least, (g+1)/2) {
		s.gpus = g
		if w.admissible(j) && pl.nodes.fits(int(s.view), int(g)) && w.clearOfWindows(pl, j) {
			return true
		}
		if g == least {
			break
		}
	}
	s.gpus = full
	return false
}

// grow gives elastic jobs that started on fewer GPUs all that they ask for, when nobody waits
// and it saves more time than stopping and starting takes.
func (w *world) grow(pl *pool) {
	for i := 0; i < len(pl.running); i++ {
		j := pl.running[i]
		s, full := &w.st[j], w.trace.Jobs[j].GPUs
		if s.gpus == full || s.started == w.now || w.now < s.readySec {
			continue
		}
		left := s.left - w.savedWork(s, true)
		saved := left/s.rate - left/(s.rate/w.scaling(j, s.gpus))
		if saved <= w.RestartSec+w.CheckpointSec || !pl.nodes.fitsInstead(int(s.view), s.gpus, s.grants, full) || !w.mayHold(j, full) {
			continue
		}
		w.stop(j, true)
		w.out.Resizes++
		w.startNow(pl, w.laneOf(pl, j), j)
		i = -1 // the running jobs stand in another order now
	}
}

// mayHold says whether a running job's quota and quality of service let it have so many GPUs
// instead of those that it has.
func (w *world) mayHold(j, gpus int32) bool {
	s, tenant := &w.st[j], w.trace.Jobs[j].Tenant
	was := s.gpus
	w.hold(tenant, int(was), -1)
	s.gpus = gpus
	ok := w.admissible(j)
	s.gpus = was
	w.hold(tenant, int(was), 1)
	return ok
}
