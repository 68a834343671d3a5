package queue

import (
	"cmp"
	"math"
	"slices"
)

// schedule starts what may start now.
func (w *world) schedule(pl *pool) {
	pl.broken = false
	switch {
	case w.Order == LAS:
		return // decided at the quantum
	case pl.waiting == 0:
		if pl.shrunk > 0 {
			w.grow(pl)
		}
		return
	case w.Backfill == Conservative:
		w.conservative(pl)
		return
	}
	if w.Order == Factors {
		w.reorder(pl)
	}
	for w.pass(pl) {
	}
	if pl.waiting == 0 && pl.shrunk > 0 {
		w.grow(pl)
	}
}

// blockade is the reservation of the first job of a view that does not fit.
type blockade struct {
	on     bool
	shadow float64 // when it can start at the latest, by the estimates
	extra  int     // GPUs of the view that are free then beside it
}

// pass goes through the queue once; true means that the order has changed and the queue is
// to be gone through again.
func (w *world) pass(pl *pool) (again bool) {
	depth := w.Depth
	if depth == 0 {
		depth = 500
	}
	blocked, looked := make([]blockade, len(pl.nodes.views)), 0
	if len(blocked) == 1 {
		blocked = w.one[:]
		blocked[0] = blockade{}
	}
	for _, l := range w.laneOrder(pl) {
		lane := &pl.lanes[l]
		for i := 0; i < lane.len(); {
			if pl.nodes.freeGPUs() == 0 && blocked[0].on {
				return false
			}
			j := lane.at(i)
			s := &w.st[j]
			head := &blocked[s.view]
			fits := w.fit(pl, j)
			if !fits && !w.admissible(j) {
				if w.reclaim(pl, j) {
					w.startNow(pl, l, j)
					return true
				}
				if looked++; looked > depth {
					return false
				}
				i++
				continue
			}
			free := fits && w.respects(pl, j, blocked)
			switch {
			case free:
				w.start(pl, l, i)
				if len(pl.lanes) > 1 && !head.on {
					return true
				}
				continue
			case !head.on && !fits:
				if w.Preempt && w.clearOfWindows(pl, j) && w.makeRoom(pl, j) {
					w.startNow(pl, l, j)
					return true
				}
				head.on = true
				pl.broken = pl.broken || int(s.gpus) <= pl.nodes.views[s.view].freeGPUs
				if w.Backfill == NoBackfill && len(blocked) == 1 {
					return false
				}
				head.shadow, head.extra = w.shadow(pl, s.view, int(s.gpus))
			}
			if looked++; looked > depth {
				return false
			}
			i++
		}
	}
	return false
}

// respects says whether a job that fits may start before the heads that do not: it ends
// before each of those whose nodes it may use, or takes what is spare. What it takes of the
// spare is booked.
func (w *world) respects(pl *pool, j int32, blocked []blockade) bool {
	s := &w.st[j]
	if blocked[s.view].on && w.Backfill == NoBackfill {
		return false
	}
	if w.Backfill == Anything || w.Backfill == NoBackfill {
		return true
	}
	own, ends := &pl.nodes.views[s.view], 0.0
	for pay := range 2 {
		for v := range blocked {
			x := &pl.nodes.views[v]
			if !blocked[v].on || x.lo >= own.hi || own.lo >= x.hi {
				continue
			}
			if ends == 0 {
				ends = w.expectedEnd(j)
			}
			switch late := ends > blocked[v].shadow; {
			case late && int(s.gpus) > blocked[v].extra:
				return false
			case late && pay == 1:
				blocked[v].extra -= int(s.gpus)
			}
		}
	}
	return true
}

// startNow starts a job for which others were stopped, wherever it stands by now.
func (w *world) startNow(pl *pool, l int, j int32) {
	for i := range pl.lanes[l].len() {
		if pl.lanes[l].at(i) == j {
			w.start(pl, l, i)
			return
		}
	}
	panic("queue: invariant: the job that others were stopped for does not wait")
}

// laneOrder is the lanes with jobs, tenants with the least share first.
func (w *world) laneOrder(pl *pool) []int {
	if len(pl.lanes) == 1 {
		return []int{0}
	}
	var order []int
	share := make([]float64, len(pl.lanes))
	for t := range pl.lanes {
		if pl.lanes[t].len() == 0 {
			continue
		}
		order = append(order, t)
		share[t] = w.share(t)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(share[a], share[b]) })
	return order
}

// share of a tenant per weight: decayed use or GPUs that it holds now.
func (w *world) share(t int) float64 {
	if w.Order == Fair {
		return w.tenants[t].used / w.weight(t)
	}
	return float64(w.tenants[t].held) / w.weight(t)
}

func (w *world) expectedEnd(j int32) float64 {
	job, s := &w.trace.Jobs[j], &w.st[j]
	end := w.now + s.debtSec + w.estimate(*job)*s.left/job.RunSec/w.scaling(j, s.gpus)
	if s.firstSec >= 0 {
		end += w.RestartSec
	}
	return end
}

// shadow is when the head can start at the latest by the estimates, and how many GPUs will
// be free then beside it.
func (w *world) shadow(pl *pool, v uint8, gpus int) (sec float64, extra int) {
	x := &pl.nodes.views[v]
	free := x.freeGPUs
	if free >= gpus {
		// It fits by count and not by shape: the next end may make room.
		if s, f, ok := x.ends.when(1); ok {
			return math.Max(s, w.now), free + f - gpus
		}
		return math.Inf(1), 0
	}
	s, f, ok := x.ends.when(gpus - free)
	if !ok {
		return math.Inf(1), 0 // nodes are down: nobody knows until when
	}
	return math.Max(s, w.now), free + f - gpus
}

// admissible holds a job against the quota of its tenant and the idle quota of its cohort.
func (w *world) admissible(j int32) bool {
	t := int(w.trace.Jobs[j].Tenant)
	if t >= len(w.Tenants) || !w.withinQOS(t, int(w.st[j].gpus)) {
		return t >= len(w.Tenants)
	}
	if w.Tenants[t].Quota == 0 {
		return true
	}
	x := &w.Tenants[t]
	want := w.tenants[t].held + int(w.st[j].gpus)
	if want <= x.Quota {
		// Its own quota may have been lent.
		return x.Cohort == "" || w.cohortHeld(x.Cohort)+int(w.st[j].gpus) <= w.cohortQuota(x.Cohort)
	}
	if x.Borrow >= 0 && want > x.Quota+x.Borrow || x.Cohort == "" {
		return false
	}
	return w.cohortHeld(x.Cohort)+int(w.st[j].gpus) <= w.cohortQuota(x.Cohort)
}

// withinQOS holds a job against the limits of its tenant's quality of service.
func (w *world) withinQOS(t, gpus int) bool {
	n := w.Tenants[t].QOS
	if n == 0 {
		return true
	}
	q, x := &w.QOS[n-1], &w.tenants[t]
	return (q.GroupGPUs == 0 || w.qosHeld[n-1]+gpus <= q.GroupGPUs) &&
		(q.MaxGPUsPerTenant == 0 || x.held+gpus <= q.MaxGPUsPerTenant) &&
		(q.MaxJobsPerTenant == 0 || x.jobs < q.MaxJobsPerTenant)
}

func (w *world) cohortHeld(name string) (sum int) {
	for t := range w.Tenants {
		if w.Tenants[t].Cohort == name {
			sum += w.tenants[t].held
		}
	}
	return sum
}

func (w *world) cohortQuota(name string) (sum int) {
	for t := range w.Tenants {
		if w.Tenants[t].Cohort == name {
			sum += w.Tenants[t].Quota
		}
	}
	return sum
}

// clearOfWindows says whether the job leaves the windows their GPUs: those that hold
// beyond the window's start, this job and the window must fit beside each other.
func (w *world) clearOfWindows(pl *pool, j int32) bool {
	for _, x := range w.Windows {
		if x.Pool != int(pl.number) || w.now >= x.FromSec || w.expectedEnd(j) <= x.FromSec {
			continue
		}
		over := int(w.st[j].gpus) + x.Nodes*pl.GPUsPerNode
		for _, r := range pl.running {
			if w.st[r].expected > x.FromSec {
				over += int(w.st[r].gpus)
			}
		}
		if over > pl.gpus() {
			return false
		}
	}
	return true
}

// conservative keeps a promise for every job: in order, each moves to the earliest hole
// that all other promises leave, never later than it was promised.
func (w *world) conservative(pl *pool) {
	pl.prof.forget(w.now)
	lane := &pl.lanes[0]
	depth := w.Depth
	if depth == 0 {
		depth = 100
	}
	// A job that has outrun its estimate holds its GPUs for at least the next moment.
	for _, r := range pl.running {
		if s := &w.st[r]; s.expected <= w.now {
			pl.nodes.views[0].ends.remove(end{s.expected, r, s.gpus})
			was := s.expected
			s.expected = w.now + math.Max(60, w.now-s.started)
			pl.nodes.views[0].ends.add(end{s.expected, r, s.gpus})
			pl.prof.use(math.Max(was, w.now), s.expected, int(s.gpus))
		}
	}
	for i := 0; i < lane.len() && i < depth; {
		j := lane.at(i)
		s := &w.st[j]
		length := w.expectedEnd(j) - w.now
		was := s.promised
		if !math.IsInf(was, 1) {
			pl.prof.use(s.promised, s.promised+length, -int(s.gpus))
		}
		at := w.now
		if w.admissible(j) {
			at = pl.prof.earliest(w.now, length, int(s.gpus))
		} else {
			s.promised = math.Inf(1)
			i++
			continue
		}
		if at <= w.now && pl.nodes.fits(0, int(s.gpus)) && w.clearOfWindows(pl, j) {
			s.promised = math.Inf(1)
			w.start(pl, 0, i)
			pl.prof.use(w.now, s.expected, int(s.gpus))
			continue
		}
		if at <= w.now {
			// By count it could start and by shape it cannot: after the next end.
			pl.broken = true
			if e, _, ok := pl.nodes.views[0].ends.when(1); ok {
				at = pl.prof.earliest(math.Max(e, w.now+1), length, int(s.gpus))
			}
		}
		s.promised = at
		if !math.IsInf(at, 1) {
			pl.prof.use(at, at+length, int(s.gpus))
			if at > w.now && at != was {
				w.heap.Push(event{sec: at, kind: evWindow, pool: pl.number, id: -1})
			}
		}
		i++
	}
}
