package validate

import (
	"errors"
	"math"

	"aisim/hardware"
	"aisim/workloads/training"
)

const gib = 1 << 30

// play runs the model on a row. A row that ran did fit: time is judged apart from
// memory, so the machine's memory is taken as endless and what is kept is compared
// with the real one.
func (k *trainings) play(r *run) (*outcome, error) {
	m, err := k.machines.build(&r.machine, r.chips)
	if err != nil {
		return nil, err
	}
	usable := m.Device.MemBytes
	endless := *m.Device
	endless.MemBytes = math.MaxFloat64
	m.Device = &endless
	var job *training.Job
	if r.free {
		job, err = r.place(m, usable)
		if err != nil && r.row.Text("recompute") == "" && r.cfg.Arch.Generic == nil {
			r.cfg.Recompute = training.RecomputeFull
			if job, err = r.place(m, usable); err == nil {
				r.assume("recompute full: nothing fits without")
			}
		}
	} else {
		job, err = training.Prepare(r.cfg, m)
	}
	if err != nil {
		return nil, explain(err)
	}
	r.cfg = job.Config()
	step, err := job.Step()
	if err != nil {
		return nil, err
	}
	o := &outcome{job: job, step: step, usable: usable / gib, peak: m.Device.Peak[r.cfg.Precision], peak16: m.Device.Peak[hardware.BF16]}
	if o.peak16 == 0 {
		o.peak16 = o.peak
	}
	o.footprint(job, r.profile)
	o.residual(r, m.Device)
	o.rung = rungOf(step)
	return o, nil
}

// explain turns a configuration's faults into a refusal.
func explain(err error) error {
	var bad *training.ConfigError
	if errors.As(err, &bad) {
		return refusal{err}
	}
	return err
}

func (o *outcome) footprint(j *training.Job, fw *training.Framework) {
	for _, class := range j.Memory() {
		o.memory.total = max(o.memory.total, class.TotalGiB)
		var states float64
		for _, p := range class.Parts {
			switch p.Name {
			case "weights", "gradients", "optimizer":
				states += p.GiB
			}
		}
		o.memory.states = max(o.memory.states, states+j.SteadyBytes()/gib)
	}
	o.memory.reserved = j.Memory()[0].TotalGiB - fw.ContextBytes/gib
}

// residual is the spread of predicted over measured times that the prediction must be
// expected to have: the profile's own, widened where the chip's efficiencies or the
// layout were never held against measurements.
func (o *outcome) residual(r *run, d *hardware.Device) {
	sd := r.profile.ResidualSD
	if r.cfg.Arch.Experts > 0 {
		sd = r.profile.ResidualMoESD
	}
	variance := sd * sd
	if d.Rung == "datasheet roofline" {
		variance += 0.12 * 0.12
	}
	if r.free {
		variance += 0.08 * 0.08
	}
	if !r.profile.FittedOn(d.ID) {
		variance += unseenVariance(false)
	}
	o.sd = math.Sqrt(variance)
}

// unseenVariance is that of the logarithm of predicted over measured times where a
// framework is met on a chip that it was not fitted on, or was itself never fitted: from the
// families left out of the fit (VALIDATION.md).
func unseenVariance(framework bool) float64 {
	if framework {
		return 0.20 * 0.20
	}
	return 0.07 * 0.07
}

func rungOf(s *training.Step) string {
	rung, most := "", 0.0
	for _, r := range s.RungShares {
		if r.Share > most {
			rung, most = r.Rung, r.Share
		}
	}
	return rung
}

// place searches the layout of a row that does not say how its model was split: of all
// that fit the fastest, as whoever publishes a figure will have done.
func (r *run) place(m training.Machine, usable float64) (*training.Job, error) {
	var best *training.Job
	var bestCfg training.Config
	bestSec := math.Inf(1)
	var last error
	heads, layers := r.cfg.Arch.Heads, r.cfg.Arch.Layers
	widest := max(r.machine.perHost, 1)
	for tp := 1; tp <= widest; tp *= 2 {
		for pp := 1; pp <= layers && pp*tp <= r.chips; pp *= 2 {
			for cp := 1; cp*pp*tp <= r.chips && cp <= 16; cp *= 2 {
				dp := r.chips / (tp * pp * cp)
				if heads%tp != 0 || layers%pp != 0 || dp*tp*pp*cp != r.chips || r.cfg.Batch.Global%dp != 0 {
					continue
				}
				for micro := 1; micro <= r.cfg.Batch.Global/dp && micro <= 8; micro *= 2 {
					if r.cfg.Batch.Micro > 0 && micro != r.cfg.Batch.Micro {
						continue
					}
					c := *r
					c.assumed = nil
					c.cfg.Parallel = training.Parallel{TP: tp, PP: pp, CP: cp, DP: dp, Shards: r.cfg.Parallel.Shards}
					c.cfg.Batch.Micro = micro
					if r.profile.ID == "maxtext" && micro != r.cfg.Batch.Global/dp {
						continue
					}
					c.sequenceParallel()
					job, err := training.Prepare(c.cfg, m)
					if err != nil {
						last = err
						continue
					}
					var need float64
					for _, class := range job.Memory() {
						need = max(need, class.TotalGiB)
					}
					if need*gib > usable {
						continue
					}
					step, err := job.Step()
					if err != nil {
						last = err
						continue
					}
					if step.Seconds < bestSec {
						best, bestSec, bestCfg = job, step.Seconds, c.cfg
					}
				}
			}
		}
	}
	if best == nil {
		if last != nil {
			return nil, last
		}
		return nil, refuse("the row has no tp and pp, and no way of splitting the model over %d chips that was tried fits", r.chips)
	}
	p := bestCfg.Parallel
	r.cfg = bestCfg
	r.assume("tp %d, pp %d, cp %d, dp %d, micro-batch %d: the fastest split that fits", p.TP, p.PP, p.CP, p.DP, bestCfg.Batch.Micro)
	return best, nil
}
