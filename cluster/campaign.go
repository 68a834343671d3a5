package cluster

import (
	"math"

	"aisim/internal/result"
	"aisim/sim"
)

// A campaign's timeline holds every failure and what follows it, and of the checkpoints
// so many that they can be told apart in a drawing: one per timelineShare of the period.
const (
	maxTimeline   = 20000
	timelineShare = 1.0 / 2000
)

// What a campaign is doing.
type activity uint8

const (
	starting activity = iota
	running
	snapshotting // stalled while the state is copied to host memory
	writing      // stalled while a synchronous checkpoint travels
	detecting
	restarting
	awaitingRepair
	restoring
	finished
)

var activityName = [...]string{"starting", "train", "checkpoint", "checkpoint", "failed", "restart", "failed", "restore", "idle"}

// campaign is the state of one Training while it runs.
type campaign struct {
	t        *Training
	out      *TrainingOutcome
	rng      sim.Stream
	doing    activity
	sinceSec float64 // when it began to do that
	genera   uint64  // events of an earlier activity are stale
	doneGen  uint64  // and so are earlier plans of the end

	stepSec, inputSec float64 // of the present phase
	steps             float64 // done and kept, or at risk
	riskSteps         float64 // of steps: not yet in a committed checkpoint
	riskSec           float64 // useful seconds of those
	snapSteps         float64 // at risk when the checkpoint under way was taken
	snapSec           float64
	inFlight          bool    // an asynchronous checkpoint travels
	due               bool    // a checkpoint is due while another still travels
	wroteSec          float64 // when the checkpoint under way began to travel
	writeSum, restSum float64
	restores          int
	depot             depot
	missing           int     // nodes that broke and are not replaced
	drain             int     // nodes that will break, and leave before
	taken             int     // the same, of instances that will be taken away
	saveSec           float64 // to have a checkpoint safe while nothing else moves
	planned           bool    // the job stops at the next checkpoint, to leave nodes or to take some in
	hot               bool    // the restart under way is onto hot spares
	scale             float64 // work of a replica, 1 while none is missing
	notedSec          float64 // when a checkpoint was last put on the timeline
}

// begin sets the campaign up; its first event is the end of the start-up.
func (c *campaign) begin(r *run, self sim.Entity) {
	f := &c.t.Faults
	c.depot, c.scale = newDepot(f), 1
	rate := f.Rate(c.t.FirstNode, c.t.Nodes)
	c.out.MTBFSec = math.Inf(1)
	if rate > 0 {
		c.out.MTBFSec = 1 / rate
	}
	if ck := c.t.Checkpoint; ck != nil {
		alone, err := r.w.Phases.Alone(ck.Write)
		if err != nil {
			r.err = err
			return
		}
		write := r.w.Phases.Transfer(ck.Write).Bytes / alone
		c.saveSec = write + ck.SnapshotSec
		c.out.IntervalSec = ck.EverySec
		if ck.EverySec == 0 {
			stall := write
			if ck.Async {
				stall = ck.SnapshotSec
			}
			c.out.IntervalSec = OptimalInterval(stall, 1/f.interrupts(c.t.FirstNode, c.t.Nodes), write)
		}
	}
	r.after(self, c.t.StartSec, evStarted, c.genera)
	if rate > 0 {
		r.after(self, c.rng.Exp(c.out.MTBFSec), evFailure, 0)
	}
	if !math.IsInf(c.t.HorizonSec, 1) {
		r.after(self, c.t.HorizonSec, evHorizon, 0)
	}
}

// settle books the time since the last event on what the campaign was doing.
func (c *campaign) settle(now float64) {
	dt := now - c.sinceSec
	if dt <= 0 {
		return
	}
	c.sinceSec = now
	l := &c.out.Losses
	switch c.doing {
	case starting:
		l[Starting] += dt
	case running:
		useful := dt * c.t.StepSec / c.stepSec
		input := dt * c.inputSec / c.stepSec
		shrunk := useful * (c.scale - 1)
		l[Useful] += useful
		l[InputStall] += input
		l[Shrunk] += shrunk
		l[Contention] += dt - useful - input - shrunk
		c.steps += dt / c.stepSec
		c.riskSteps += dt / c.stepSec
		c.riskSec += useful
	case snapshotting, writing:
		l[Checkpointing] += dt
	case detecting:
		l[Detecting] += dt
	case restarting:
		l[Restarting] += dt
	case awaitingRepair:
		l[AwaitingRepair] += dt
	case restoring:
		l[Restoring] += dt
	case finished:
		l[Finished] += dt
	}
}

// become changes what the campaign does and makes its pending events stale.
func (c *campaign) become(r *run, now float64, a activity) {
	c.settle(now)
	if r.w.Timeline {
		c.note(now, a)
	}
	c.doing = a
	c.genera++
}

// note adds what the campaign begins to do to its timeline.
func (c *campaign) note(now float64, a activity) {
	tl, name := c.out.Timeline, activityName[a]
	n := len(tl)
	if n == 0 {
		c.out.Timeline = append(tl, result.TimePoint{Start: now, End: now, What: name})
		return
	}
	last := &tl[n-1]
	last.End = now
	quiet := a == snapshotting || a == writing
	if quiet && (math.IsInf(c.t.HorizonSec, 1) || now-c.notedSec < timelineShare*c.t.HorizonSec) && now-c.notedSec < 3600 {
		return // goes on as training
	}
	if last.What == name && a != detecting || n >= maxTimeline {
		return
	}
	if quiet {
		c.notedSec = now
	}
	c.out.Timeline = append(tl, result.TimePoint{Start: now, End: now, What: name})
}

// run is the state of one simulated future.
type run struct {
	w        *World
	ctx      *sim.Context
	now      float64
	jobs     []campaign
	fleets   []fleet
	chores   []chore
	mix      Mix
	phase    *Phase
	left     []float64 // bytes that each transfer has still to move
	transGen uint64
	moved    float64 // time up to which left is right
	err      error
}

// setMix starts (on) or ends a transfer and re-plans all that depends on the rates.
func (r *run) setMix(transfer int, on bool) {
	r.advance()
	bit := Mix(1) << transfer
	if on {
		r.mix |= bit
		r.left[transfer] = r.w.Phases.Transfer(transfer).Bytes
	} else {
		r.mix &^= bit
	}
	r.replan()
}

// advance moves all transfers under way forward to now.
func (r *run) advance() {
	if dt := r.now - r.moved; dt > 0 && r.phase != nil {
		for i, v := range r.phase.BytesPerSec {
			if v > 0 {
				r.left[i] -= v * dt
			}
		}
	}
	r.moved = r.now
}

// replan solves the present mix, and schedules the end of each transfer and campaign anew.
func (r *run) replan() {
	ph, err := r.w.Phases.At(r.mix)
	if err != nil {
		r.err = err
		return
	}
	r.phase = ph
	r.transGen++
	for i := range r.left {
		if r.mix&(1<<i) != 0 && r.w.Phases.Transfer(i).Bytes > 0 {
			r.send(r.transferEntity(), max(0, r.left[i])/ph.BytesPerSec[i], evMoved, r.transGen, uint16(i))
		}
	}
	for j := range r.jobs {
		c := &r.jobs[j]
		if c.doing == running {
			c.settle(r.now)
			c.stepSec, c.inputSec = c.t.stepSec(ph, c.scale)
			c.planEnd(r, sim.Entity(j))
		}
	}
}

// planEnd schedules the end of the last step.
func (c *campaign) planEnd(r *run, self sim.Entity) {
	if left := c.t.MaxSteps - c.steps; !math.IsInf(left, 1) {
		c.doneGen++
		r.send(self, max(0, left)*c.stepSec, evDone, c.doneGen, 0)
	}
}

// goOn makes the campaign run steps from now.
func (c *campaign) goOn(r *run, self sim.Entity) {
	c.become(r, r.now, running)
	c.stepSec, c.inputSec = c.t.stepSec(r.phase, c.scale)
	if c.t.Input >= 0 {
		r.setMix(c.t.Input, true) // re-plans
	} else {
		c.planEnd(r, self)
	}
	switch {
	case c.t.Checkpoint == nil:
	case c.planned:
		r.after(self, 0, evCheckpoint, c.genera)
	case !math.IsInf(c.out.IntervalSec, 1):
		r.after(self, c.out.IntervalSec, evCheckpoint, c.genera)
	}
}

// stop ends whatever the campaign has in motion.
func (c *campaign) stop(r *run) {
	if c.t.Input >= 0 && r.mix&(1<<c.t.Input) != 0 {
		r.setMix(c.t.Input, false)
	}
	if ck := c.t.Checkpoint; ck != nil {
		for _, i := range [...]int{ck.Write, ck.Restore} {
			if r.mix&(1<<i) != 0 {
				r.setMix(i, false)
			}
		}
	}
	c.inFlight, c.due = false, false
}

// checkpoint begins one: an asynchronous one stalls for the snapshot, a synchronous one
// until the bytes are safe.
func (c *campaign) checkpoint(r *run, self sim.Entity) {
	ck := c.t.Checkpoint
	if c.inFlight {
		c.due = true
		return
	}
	if !ck.Async {
		c.pause(r, writing)
		c.snapSteps, c.snapSec, c.wroteSec = c.riskSteps, c.riskSec, r.now
		r.setMix(ck.Write, true)
		return
	}
	c.pause(r, snapshotting)
	r.after(self, ck.SnapshotSec, evSnapshot, c.genera)
}

// pause stops stepping and reading input.
func (c *campaign) pause(r *run, a activity) {
	c.become(r, r.now, a)
	if c.t.Input >= 0 {
		r.setMix(c.t.Input, false)
	}
}

// committed books a checkpoint that has reached storage.
func (c *campaign) committed(r *run, self sim.Entity) {
	c.settle(r.now)
	c.out.Checkpoints++
	c.writeSum += r.now - c.wroteSec
	c.riskSteps -= c.snapSteps
	c.riskSec -= c.snapSec
	c.inFlight = false
	if c.doing == writing && c.planned {
		c.breakOff(r.now)
		c.replace(r, self)
	} else if c.doing == writing {
		c.goOn(r, self)
	} else if c.due && c.doing == running {
		c.due = false
		c.checkpoint(r, self)
	}
}

// handle is one event of the campaign.
func (c *campaign) handle(r *run, self sim.Entity, kind sim.Kind, gen uint64) {
	switch kind {
	case evFailure:
		if c.doing != finished {
			c.fail(r, self)
			r.after(self, c.rng.Exp(c.out.MTBFSec), evFailure, 0)
		}
		return
	case evRepaired:
		c.repaired(r, self)
		return
	case evHorizon:
		c.finish(r, false)
		return
	case evDone:
		if gen == c.doneGen && c.doing == running {
			c.finish(r, true)
		}
		return
	}
	if gen != c.genera {
		return
	}
	switch kind {
	case evStarted:
		c.goOn(r, self)
	case evCheckpoint:
		c.checkpoint(r, self)
	case evSnapshot:
		c.snapSteps, c.snapSec, c.wroteSec, c.inFlight = c.riskSteps, c.riskSec, r.now, true
		if c.planned {
			c.become(r, r.now, writing)
		} else {
			c.goOn(r, self)
		}
		r.setMix(c.t.Checkpoint.Write, true)
	case evDetected, evReplaced:
		c.replace(r, self)
	case evRestarted:
		if ck := c.t.Checkpoint; ck != nil && c.out.Checkpoints > 0 {
			c.become(r, r.now, restoring)
			c.wroteSec = r.now
			r.setMix(ck.Restore, true)
			return
		}
		c.goOn(r, self)
	}
}

// finish ends the campaign: at the last step, or at the end of the period.
func (c *campaign) finish(r *run, done bool) {
	if c.doing == finished {
		c.settle(r.now)
		c.genera++
		c.out.EndSec = r.now
		if n := len(c.out.Timeline); n > 0 {
			c.out.Timeline[n-1].End = r.now
		}
		return
	}
	c.stop(r)
	c.become(r, r.now, finished)
	c.out.Finished = done
	c.out.EndSec = r.now
	c.out.Steps = c.steps
	if done {
		c.out.FinishSec = r.now
		c.out.Steps = c.t.MaxSteps
	}
	if n := c.out.Checkpoints; n > 0 {
		c.out.WriteSec = c.writeSum / float64(n)
	}
	if c.restores > 0 {
		c.out.RestoreSec = c.restSum / float64(c.restores)
	}
}

// restored books a checkpoint that was read back.
func (c *campaign) restored(r *run, self sim.Entity) {
	c.restores++
	c.restSum += r.now - c.wroteSec
	c.goOn(r, self)
}
