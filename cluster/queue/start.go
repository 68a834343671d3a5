package queue

import "math"

// start takes the i-th job of a lane out of the queue and places it.
func (w *world) start(pl *pool, l, i int) {
	j := pl.lanes[l].at(i)
	pl.lanes[l].remove(i)
	pl.waiting--
	w.in--
	w.begin(pl, j)
}

func (w *world) begin(pl *pool, j int32) {
	s, job := &w.st[j], &w.trace.Jobs[j]
	var g []grant
	if n := len(w.spare); n > 0 {
		g, w.spare = w.spare[n-1][:0], w.spare[:n-1]
	}
	var level int
	s.grants, level = pl.nodes.take(int(s.view), int(s.gpus), g)
	s.phase, s.started = running, w.now
	s.waitSec += w.now - s.queuedAt
	ready := w.now + s.debtSec
	if s.firstSec < 0 {
		s.firstSec = w.now
	} else {
		ready += w.RestartSec
	}
	if w.BindPerSec > 0 {
		bound := len(s.grants)
		if pl.nodes.flat {
			bound = int(s.gpus)
		}
		w.bindSec = math.Max(w.bindSec, w.now) + float64(bound)/w.BindPerSec
		ready = math.Max(ready, w.bindSec)
	}
	s.readySec = ready
	s.rate = w.speed(level) * w.scaling(j, s.gpus)
	if w.CheckpointEverySec > 0 {
		s.rate *= w.CheckpointEverySec / (w.CheckpointEverySec + w.CheckpointSec)
	}
	s.endSec = ready + s.left/s.rate
	s.killed = false
	if w.KillAtLimit && job.WallSec > 0 && s.endSec > w.now+job.WallSec {
		s.endSec, s.killed = w.now+job.WallSec, true
	}
	s.expected = ready + w.estimate(*job)*s.left/job.RunSec/s.rate
	s.slot = int32(len(pl.running))
	pl.running = append(pl.running, j)
	for v := range pl.nodes.views {
		if in := pl.nodes.within(v, s.gpus, s.grants); in > 0 {
			pl.nodes.views[v].ends.add(end{s.expected, j, in})
		}
	}
	pl.held += int(s.gpus)
	if s.gpus < job.GPUs {
		pl.shrunk++
	}
	w.hold(job.Tenant, int(s.gpus), 1)
	w.heap.Push(event{sec: s.endSec, kind: evEnd, pool: pl.number, id: j, run: s.run})
	w.note(uint64(j), w.now)
}

// hold counts GPUs and a job in (+1) or out (-1) of what a tenant holds.
func (w *world) hold(tenant int32, gpus, sign int) {
	t := &w.tenants[tenant]
	t.held += sign * gpus
	t.jobs += sign
	if int(tenant) < len(w.Tenants) && w.Tenants[tenant].QOS > 0 {
		w.qosHeld[w.Tenants[tenant].QOS-1] += sign * gpus
	}
}
