package queue

import (
	"cmp"
	"math"
	"slices"
)

// stop takes a running job off its GPUs and puts it back into the queue, at the place that
// its submission gives it. A job that saves loses nothing but the time of the checkpoint.
func (w *world) stop(j int32, save bool) {
	s := &w.st[j]
	w.vacate(j, w.savedWork(s, save))
	if save {
		s.debtSec += w.CheckpointSec
	}
	s.killed = false
	w.enqueue(j)
}

// savedWork of the present run, in seconds at speed 1.
func (w *world) savedWork(s *state, save bool) float64 {
	wall := math.Max(0, w.now-s.readySec)
	if save {
		return wall * s.rate
	}
	if w.CheckpointEverySec == 0 {
		return 0
	}
	every := w.CheckpointEverySec + w.CheckpointSec
	return math.Floor(wall/every) * every * s.rate
}

// makeRoom stops jobs of lower priority so that j fits: the lowest first, and among equals
// the one that started last.
func (w *world) makeRoom(pl *pool, j int32) bool {
	own, tier := w.trace.Jobs[j].Priority, w.tier(j)
	return w.evict(pl, j, func(r int32) bool {
		t := w.tier(r)
		return t < tier || t == tier && w.trace.Jobs[r].Priority < own
	})
}

// reclaim stops borrowers of the cohort so that a job within its tenant's own quota may
// start.
func (w *world) reclaim(pl *pool, j int32) bool {
	t := int(w.trace.Jobs[j].Tenant)
	if t >= len(w.Tenants) || !w.Tenants[t].Reclaim || w.tenants[t].held+int(w.st[j].gpus) > w.Tenants[t].Quota {
		return false
	}
	cohort := w.Tenants[t].Cohort
	return w.evict(pl, j, func(r int32) bool {
		o := int(w.trace.Jobs[r].Tenant)
		return o != t && o < len(w.Tenants) && w.Tenants[o].Cohort == cohort && w.tenants[o].held > w.Tenants[o].Quota
	})
}

// evict stops as many of the jobs that may be stopped as the gang needs, or none.
func (w *world) evict(pl *pool, j int32, may func(int32) bool) bool {
	var victims []int32
	for _, r := range pl.running {
		// What stands on closed nodes gives nothing back.
		closed := slices.ContainsFunc(w.st[r].grants, func(g grant) bool { return pl.nodes.down[g.node] })
		// Nor is one stopped that started this moment: rules that contradict each other (a
		// priority and a quota) would stop jobs in turn for ever.
		in := w.st[j].view == 0 || pl.nodes.within(int(w.st[j].view), w.st[r].gpus, w.st[r].grants) > 0
		if in && !closed && w.st[r].started < w.now && may(r) {
			victims = append(victims, r)
		}
	}
	slices.SortFunc(victims, func(a, b int32) int {
		x, y := &w.trace.Jobs[a], &w.trace.Jobs[b]
		return cmp.Or(cmp.Compare(x.Priority, y.Priority), cmp.Compare(w.st[b].started, w.st[a].started), cmp.Compare(b, a))
	})
	n, v := pl.nodes, int(w.st[j].view)
	x := &n.views[v]
	gpus := int(w.st[j].gpus)
	free := x.freeGPUs
	var after map[int32]int32 // free GPUs of nodes that victims would leave
	whole, rest := gpus, 0
	wholeFree, restFits := 0, true
	if !n.flat {
		after = map[int32]int32{}
		whole, rest = gpus/int(n.perNode), gpus%int(n.perNode)
		wholeFree = x.count[n.perNode]
		restFits = rest == 0
		for f := rest; f < int(n.perNode) && !restFits; f++ {
			restFits = x.count[f] > 0
		}
	}
	enough := func() bool {
		if free < gpus {
			return false
		}
		return n.flat || wholeFree > whole || wholeFree == whole && restFits
	}
	for k, r := range victims {
		free += int(n.within(v, w.st[r].gpus, w.st[r].grants))
		for _, g := range w.st[r].grants {
			if int(g.node) < x.lo || int(g.node) >= x.hi {
				continue
			}
			f, seen := after[g.node]
			if !seen {
				f = n.free[g.node]
			}
			f += g.gpus
			after[g.node] = f
			if f == n.perNode {
				wholeFree++
			} else if int(f) >= rest {
				restFits = true
			}
		}
		if !enough() {
			continue
		}
		for _, r := range victims[:k+1] {
			w.stop(r, w.SaveOnStop)
			w.out.Stops++
		}
		return true
	}
	return false
}

// lasClass is the class of attained service of a job.
func (w *world) lasClass(j int32) int {
	step := w.LASStepGPUSec
	if step == 0 {
		step = 3600
	}
	s := &w.st[j]
	had := s.heldSec
	if s.phase == running {
		had += (w.now - s.started) * float64(s.gpus)
	}
	return int(had / step)
}

// slice decides who has the GPUs for the next quantum: those that have had least.
func (w *world) slice(pl *pool) {
	all := append([]int32(nil), pl.running...)
	lane := &pl.lanes[0]
	for i := range lane.len() {
		all = append(all, lane.at(i))
	}
	if len(all) == 0 {
		return
	}
	class := make(map[int32]int, len(all))
	for _, j := range all {
		class[j] = w.lasClass(j)
	}
	slices.SortFunc(all, func(a, b int32) int { return cmp.Or(cmp.Compare(class[a], class[b]), cmp.Compare(a, b)) })
	free := pl.nodes.freeGPUs() + pl.held
	chosen := make([]int32, 0, len(all))
	for _, j := range all {
		if g := int(w.st[j].gpus); g <= free && (w.st[j].phase == running || w.admissible(j)) {
			free -= g
			chosen = append(chosen, j)
		} else if w.st[j].phase == running {
			w.stop(j, w.SaveOnStop)
			w.out.Stops++
		}
	}
	pl.broken = false
	for _, j := range chosen {
		if w.st[j].phase != queued {
			continue
		}
		if !pl.nodes.fits(0, int(w.st[j].gpus)) {
			pl.broken = true
			continue
		}
		for i := range lane.len() {
			if lane.at(i) == j {
				w.start(pl, 0, i)
				break
			}
		}
	}
	pl.ticking = true
	w.heap.Push(event{sec: w.now + w.QuantumSec, kind: evTick, pool: pl.number})
}
