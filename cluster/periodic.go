package cluster

import "aisim/sim"

// Periodic is work beside the campaigns and services that moves bytes again and again: a
// run of a pipeline, a scan for records to erase. Its transfers follow each other. A run
// that is due while the last still moves begins when that ends.
type Periodic struct {
	ID        string
	Transfers []int
	EverySec  float64
}

// PeriodicOutcome is what became of one.
type PeriodicOutcome struct {
	Runs     int       // that ended
	Late     int       // that began later than they were due
	MovedSec []float64 // mean time of each transfer
}

// chore is the state of a Periodic while it runs.
type chore struct {
	p       *Periodic
	out     *PeriodicOutcome
	at      int // transfer under way, -1 none
	sinceAt float64
	due     int // runs that wait
}

func (c *chore) begin(r *run, self sim.Entity) {
	c.at = -1
	c.out.MovedSec = make([]float64, len(c.p.Transfers))
	r.after(self, c.p.EverySec, evDue, 0)
}

// startRun is the next run becoming due.
func (c *chore) startRun(r *run, self sim.Entity) {
	if r.over() {
		return
	}
	r.after(self, c.p.EverySec, evDue, 0)
	if c.at >= 0 {
		c.due++
		c.out.Late++
		return
	}
	c.step(r, 0)
}

func (c *chore) step(r *run, k int) {
	c.at, c.sinceAt = k, r.now
	r.setMix(c.p.Transfers[k], true)
}

// moved is the end of the transfer under way.
func (c *chore) moved(r *run) {
	c.out.MovedSec[c.at] += r.now - c.sinceAt
	switch {
	case c.at+1 < len(c.p.Transfers):
		c.step(r, c.at+1)
		return
	case c.due > 0 && !r.over():
		c.due--
		c.out.Runs++
		c.step(r, 0)
		return
	}
	c.out.Runs++
	c.at = -1
}

// finish turns sums into means.
func (c *chore) finish() {
	for i := range c.out.MovedSec {
		c.out.MovedSec[i] /= float64(max(1, c.out.Runs))
	}
}

// over says whether all campaigns have ended and all services' time has passed.
func (r *run) over() bool {
	for i := range r.jobs {
		if r.jobs[i].doing != finished {
			return false
		}
	}
	for i := range r.fleets {
		if r.now <= r.fleets[i].s.HorizonSec {
			return false
		}
	}
	return true
}
