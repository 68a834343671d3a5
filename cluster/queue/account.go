package queue

import "math"

// advance integrates what holds until now.
func (w *world) advance(sec float64) {
	dt := sec - w.now
	if dt <= 0 {
		return
	}
	w.queueS += dt * float64(w.in)
	u := &w.out.Use
	last := w.trace.Jobs[len(w.trace.Jobs)-1].SubmitSec
	for _, pl := range w.pools {
		w.heldS += float64(pl.held) * math.Max(0, math.Min(sec, last)-w.now)
		free := float64(pl.nodes.freeGPUs())
		if pl.broken {
			u.Fragmented += dt * free
		} else {
			u.Idle += dt * free
		}
		u.Reserved += dt * float64(pl.kept)
		u.Down += dt * float64(pl.lost)
		if s := pl.scale; s != nil {
			u.Off += dt * float64(s.off)
			u.Booting += dt * float64(s.booting)
		}
	}
	if w.Order == Fair || w.Order == Factors {
		half := w.HalfLifeSec
		if half == 0 {
			half = 7 * 86400
		}
		keep := math.Exp2(-dt / half)
		for t := range w.tenants {
			x := &w.tenants[t]
			x.used = x.used*keep + float64(x.held)*(1-keep)*half/math.Ln2
		}
	}
	w.now = sec
}

// vacate ends a run: the GPUs are free, and what they did is accounted. saved is the work
// in seconds at speed 1 that need not be done again.
func (w *world) vacate(j int32, saved float64) {
	s := &w.st[j]
	pl := w.pools[s.pool]
	g := float64(s.gpus)
	u := &w.out.Use
	s.heldSec += (w.now - s.started) * g
	work := math.Max(0, w.now-s.readySec)
	paid := math.Min(s.debtSec, w.now-s.started)
	u.Checkpoint += paid * g
	u.Restart += (w.now - s.started - work - paid) * g
	s.debtSec -= paid
	net := work
	if w.CheckpointEverySec > 0 {
		net = work * w.CheckpointEverySec / (w.CheckpointEverySec + w.CheckpointSec)
	}
	u.Checkpoint += (work - net) * g
	kept := net
	if done := work * s.rate; done > 0 {
		kept = net * math.Min(1, saved/done)
	}
	u.Useful += kept * g
	u.Lost += (net - kept) * g
	s.left = math.Max(0, s.left-saved)

	for v := range pl.nodes.views {
		if in := pl.nodes.within(v, s.gpus, s.grants); in > 0 {
			pl.nodes.views[v].ends.remove(end{s.expected, j, in})
		}
	}
	pl.nodes.release(int(s.gpus), s.grants)
	if s.grants != nil {
		for _, x := range s.grants {
			switch {
			case !pl.nodes.down[x.node]:
				if w.Scale != nil && pl.nodes.free[x.node] == pl.nodes.perNode {
					w.emptied(pl, int(x.node))
				}
			case pl.closed != nil && pl.closed[x.node]:
				pl.kept += int(x.gpus)
			default:
				pl.lost += int(x.gpus)
			}
		}
		w.spare = append(w.spare, s.grants)
		s.grants = nil
	}
	last := len(pl.running) - 1
	moved := pl.running[last]
	pl.running[s.slot] = moved
	w.st[moved].slot = s.slot
	pl.running = pl.running[:last]
	pl.held -= int(s.gpus)
	if s.gpus < w.trace.Jobs[j].GPUs {
		pl.shrunk--
	}
	w.hold(w.trace.Jobs[j].Tenant, int(s.gpus), -1)
	if w.Backfill == Conservative && s.expected > w.now {
		pl.prof.use(w.now, s.expected, -int(s.gpus))
	}
	s.run++
	pl.touched = true
}

func (w *world) finish(j int32) {
	s, job := &w.st[j], &w.trace.Jobs[j]
	w.vacate(j, s.left)
	s.phase = ended
	w.left--
	if s.killed {
		w.out.Killed++
	}
	w.out.EndSec = w.now
	w.note(uint64(j)|1<<40, w.now)
	jct := w.now - job.SubmitSec
	for _, x := range []*Stats{&w.out.Stats, &w.out.Classes[sizeClass(job.GPUs)], &w.out.Tenants[job.Tenant]} {
		x.add(s.waitSec, jct, job.RunSec, s.heldSec, w.opt.WaitSLOSec)
	}
	if len(w.out.Queues) > 0 {
		w.out.Queues[job.Queue].add(s.waitSec, jct, job.RunSec, s.heldSec, w.opt.WaitSLOSec)
	}
	if w.opt.KeepTimes {
		w.out.StartSec[j], w.out.EndsSec[j] = s.firstSec, w.now
	}
}

// note adds a start or an end to the hash (FNV-1a over words).
func (w *world) note(id uint64, sec float64) {
	const prime = 1099511628211
	w.hash = (w.hash ^ id) * prime
	w.hash = (w.hash ^ math.Float64bits(sec)) * prime
}

func (w *world) close(total int) {
	o := w.out
	o.Stats.close()
	for _, list := range [][]Stats{o.Classes, o.Tenants, o.Queues} {
		for i := range list {
			list[i].close()
		}
	}
	for t := range o.Tenants {
		if t < len(w.Tenants) {
			o.Tenants[t].USD = o.Tenants[t].GPUSec / 3600 * w.Tenants[t].USDPerGPUHour
			o.USD += o.Tenants[t].USD
		}
	}
	o.Use.Capacity = float64(total) * w.now
	if o.Use.Capacity > 0 {
		u := o.Use
		o.Utilisation = (u.Useful + u.Lost + u.Checkpoint + u.Restart) / u.Capacity
		o.Goodput = u.Useful / u.Capacity
		if last := w.trace.Jobs[len(w.trace.Jobs)-1].SubmitSec; last > 0 {
			o.Busy = w.heldS / (float64(total) * last)
		}
		o.MeanQueue = w.queueS / w.now
	}
	if invariants && !o.Use.conserved() {
		panic("queue: invariant: GPU-seconds are not conserved")
	}
	o.Hash = w.hash
}
