package cluster

import "aisim/sim"

// fail books a failure: what was at risk is work to be done again. Of one that is foreseen
// the job saves its state at once, and goes on without the node.
func (c *campaign) fail(r *run, self sim.Entity) {
	f := &c.t.Faults
	h := f.draw(&c.rng, c.t.FirstNode, c.t.Nodes)
	switch {
	case c.t.Checkpoint == nil:
	case h.cause == FaultTaken:
		if f.NoticeSec > 0 && c.saveSec <= f.NoticeSec {
			c.out.Drained++
			c.taken++
			c.plan(r, self)
			return
		}
	case h.cause.hardware() && h.cause != FaultDomain && f.Foreseen > 0 && c.rng.Float64() < f.Foreseen:
		c.out.Drained++
		c.drain++
		c.plan(r, self)
		return
	}
	c.out.Failures[h.cause]++
	c.stop(r)
	c.become(r, r.now, detecting)
	if n := len(c.out.Timeline); r.w.Timeline && n > 0 && c.out.Timeline[n-1].What == "failed" {
		c.out.Timeline[n-1].Note = h.cause.String()
	}
	l := &c.out.Losses
	l[Useful] -= c.riskSec
	l[Rework] += c.riskSec
	c.steps -= c.riskSteps
	c.riskSteps, c.riskSec = 0, 0
	c.hot = h.cause.hardware()
	c.breakOff(r.now)
	detect := f.DetectSec
	switch {
	case h.cause == FaultDomain:
		c.lose(r.now+detect, h.repairSec, min(h.n, c.t.Nodes-c.missing), true)
	case h.cause == FaultTaken:
		detect = 0 // the provider says so
		c.lose(r.now, f.AnotherSec, min(1, c.t.Nodes-c.missing), false)
	case h.cause.hardware():
		c.lose(r.now+detect, f.RepairSec, min(1, c.t.Nodes-c.missing), true)
	}
	r.after(self, detect, evDetected, c.genera)
}

// plan stops the job at a checkpoint that it takes at once.
func (c *campaign) plan(r *run, self sim.Entity) {
	c.planned = true
	if c.doing == running {
		c.settle(r.now)
		c.checkpoint(r, self)
	}
}

// lose books n nodes that one repair brings back.
func (c *campaign) lose(sec, repairSec float64, n int, crew bool) {
	if n > 0 {
		c.depot.broken(sec, repairSec, n, crew)
		c.missing += n
	}
}

// breakOff is a stop at which the nodes that are to be drained leave.
func (c *campaign) breakOff(now float64) {
	c.hot = c.hot || c.drain > 0
	for range min(c.drain, c.t.Nodes-c.missing) {
		c.lose(now, c.t.Faults.RepairSec, 1, true)
	}
	for range min(c.taken, c.t.Nodes-c.missing) {
		c.lose(now, c.t.Faults.AnotherSec, 1, false)
	}
	c.drain, c.taken, c.planned = 0, 0, false
}

// replace gives the stopped job the nodes that there are, and restarts it: on all, on
// those that are left, or when enough are back.
func (c *campaign) replace(r *run, self sim.Entity) {
	f := &c.t.Faults
	c.depot.collect(r.now)
	c.missing -= c.depot.take(c.missing)
	group := max(1, c.t.GroupNodes)
	replicas := c.t.Nodes / group
	lost := (c.missing + group - 1) / group
	if c.missing > 0 && (f.Policy != Shrink || lost >= replicas) {
		c.become(r, r.now, awaitingRepair)
		c.hot = false
		r.after(self, c.depot.back[c.missing-1]-r.now, evReplaced, c.genera)
		return
	}
	c.scale = 1
	if lost > 0 {
		c.scale = float64(replicas) / float64(replicas-lost)
		r.after(self, c.depot.back[0]-r.now, evRepaired, 0)
	}
	c.become(r, r.now, restarting)
	restart := f.RestartSec
	if f.Policy == HotSpare && c.hot {
		restart = f.HotSec
	}
	c.hot = false
	r.after(self, restart, evRestarted, c.genera)
}

// repaired is a node that has come back to a job that does without it: the job saves its
// state and takes it in.
func (c *campaign) repaired(r *run, self sim.Entity) {
	if c.doing == finished || c.missing == 0 {
		return
	}
	c.depot.collect(r.now)
	if c.depot.spares > 0 {
		c.plan(r, self)
	} else if len(c.depot.back) > 0 {
		r.after(self, c.depot.back[0]-r.now, evRepaired, 0)
	}
}
