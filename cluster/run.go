package cluster

import (
	"fmt"
	"math"

	"aisim/sim"
)

// The kinds of events. Those that end something a campaign does carry the campaign's
// generation, those that depend on rates carry the generation of the mix; either is
// stale when the generation has moved on.
const (
	evBoot sim.Kind = iota
	evStarted
	evCheckpoint
	evSnapshot
	evDetected
	evReplaced
	evRestarted
	evFailure
	evRepaired
	evHorizon
	evDone
	evMoved
	evAllReady
	evReady
	evDue
)

// Run plays one future of the world: the same seed gives the same outcome.
func Run(w *World, seed uint64) (*Outcome, error) {
	out := &Outcome{Training: make([]TrainingOutcome, len(w.Training)), Services: make([]ServiceOutcome, len(w.Services)), Periodic: make([]PeriodicOutcome, len(w.Periodic))}
	r := &run{w: w, jobs: make([]campaign, len(w.Training)), fleets: make([]fleet, len(w.Services)), chores: make([]chore, len(w.Periodic))}
	if w.Phases != nil {
		r.left = make([]float64, len(w.Phases.transfers))
		r.mix = w.Steady
		ph, err := w.Phases.At(r.mix)
		if err != nil {
			return nil, err
		}
		r.phase = ph
	} else {
		r.phase = &Phase{}
	}
	for i := range w.Training {
		t := &w.Training[i]
		if math.IsInf(t.MaxSteps, 1) && math.IsInf(t.HorizonSec, 1) {
			return nil, fmt.Errorf("cluster: campaign %q has neither a last step nor a period", t.ID)
		}
		r.jobs[i] = campaign{t: t, out: &out.Training[i], rng: sim.NewStream(seed, "faults/"+t.ID)}
	}
	for i := range w.Services {
		s := &w.Services[i]
		r.fleets[i] = fleet{s: s, out: &out.Services[i], rng: sim.NewStream(seed, "faults/"+s.ID)}
	}
	for i := range w.Periodic {
		r.chores[i] = chore{p: &w.Periodic[i], out: &out.Periodic[i]}
	}
	eng, err := sim.New(sim.Config{Entities: int(r.transferEntity()) + 1, Workers: 1}, r)
	if err != nil {
		return nil, err
	}
	for e := range int(r.transferEntity()) {
		if err := eng.Schedule(0, sim.Entity(e), evBoot, 0); err != nil {
			return nil, err
		}
	}
	if err := eng.Run(sim.Never); err != nil {
		return nil, err
	}
	for i := range r.fleets {
		r.fleets[i].finish()
	}
	for i := range r.chores {
		r.chores[i].finish()
	}
	out.Events = eng.Events()
	for i := range r.jobs {
		if r.jobs[i].doing != finished {
			return nil, fmt.Errorf("cluster: campaign %q does not end within the clock's 29 years: %g of %g steps done", w.Training[i].ID, r.jobs[i].steps, w.Training[i].MaxSteps)
		}
	}
	return out, nil
}

// Handle is the model's event loop.
func (r *run) Handle(ctx *sim.Context) {
	r.ctx = ctx
	for ctx.Next() {
		ev := ctx.Event()
		r.now = ctx.Now().Seconds()
		e := int(ev.Dst)
		switch {
		case e < len(r.jobs):
			r.job(e, ev)
		case e < len(r.jobs)+len(r.fleets):
			f := &r.fleets[e-len(r.jobs)]
			if r.now <= f.s.HorizonSec {
				if ev.Kind == evBoot {
					f.begin(r, ev.Dst)
				} else {
					f.handle(r, ev.Dst, ev.Kind, ev.Arg)
				}
			}
		case ev.Dst < r.transferEntity():
			if c := &r.chores[e-len(r.jobs)-len(r.fleets)]; ev.Kind == evBoot {
				c.begin(r, ev.Dst)
			} else {
				c.startRun(r, ev.Dst)
			}
		case ev.Kind == evMoved && ev.Arg == r.transGen:
			r.arrived(int(ev.Aux))
		}
		if r.err != nil {
			ctx.Fail(r.err)
			return
		}
	}
}

func (r *run) job(e int, ev *sim.Event) {
	c := &r.jobs[e]
	if ev.Kind == evBoot {
		c.begin(r, ev.Dst)
		return
	}
	c.handle(r, ev.Dst, ev.Kind, ev.Arg)
}

// arrived ends a transfer and tells whose it was.
func (r *run) arrived(transfer int) {
	r.setMix(transfer, false)
	for j := range r.jobs {
		c := &r.jobs[j]
		if ck := c.t.Checkpoint; ck != nil {
			switch transfer {
			case ck.Write:
				c.committed(r, sim.Entity(j))
				return
			case ck.Restore:
				c.restored(r, sim.Entity(j))
				return
			}
		}
	}
	for k := range r.chores {
		if c := &r.chores[k]; c.at >= 0 && c.p.Transfers[c.at] == transfer {
			c.moved(r)
			return
		}
	}
	for k := range r.fleets {
		if f := &r.fleets[k]; transfer == f.s.Load || transfer == f.s.Reload {
			f.moved(r, sim.Entity(len(r.jobs)+k), transfer)
			return
		}
	}
}

// transferEntity is the entity that the ends of transfers happen to.
func (r *run) transferEntity() sim.Entity {
	return sim.Entity(len(r.jobs) + len(r.fleets) + len(r.chores))
}

// send schedules an event; one beyond the clock's range never happens.
func (r *run) send(dst sim.Entity, sec float64, kind sim.Kind, arg uint64, aux uint16) {
	const clockSec = 28 * 365.25 * 86400
	if !(r.now+sec < clockSec) {
		return
	}
	r.ctx.SendEvent(r.ctx.Ticks(sec), sim.Normal, sim.Event{Dst: dst, Kind: kind, Arg: arg, Aux: aux})
}

func (r *run) after(e sim.Entity, sec float64, k sim.Kind, gen uint64) { r.send(e, sec, k, gen, 0) }
