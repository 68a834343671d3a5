package cluster

import (
	"math"
	"sort"

	"aisim/sim"
)

// fleet is the state of one Service while it runs: replicas load, come up, fail,
// are repaired and load again. Reloads queue for the one reload transfer: a second
// replica that fails meanwhile loads after the first.
type fleet struct {
	s       *Service
	out     *ServiceOutcome
	rng     sim.Stream
	up      []bool
	downAt  []float64
	waiting []int // replicas that wait for their weights, in order
	loading int   // the replica whose weights travel, -1: none
}

func (f *fleet) begin(r *run, self sim.Entity) {
	f.out.ReadySec = make([]float64, f.s.Replicas)
	f.up = make([]bool, f.s.Replicas)
	f.downAt = make([]float64, f.s.Replicas)
	f.loading = -1
	for i := range f.out.ReadySec {
		f.out.ReadySec[i] = math.Inf(1)
	}
	switch {
	case f.s.Warm:
		f.allUp(r.now)
	case f.s.Load < 0:
		r.after(self, f.s.InitSec, evAllReady, 0)
	default:
		r.setMix(f.s.Load, true)
	}
	if rate := f.s.Faults.Rate(f.s.FirstNode, f.s.Nodes); rate > 0 {
		r.after(self, f.rng.Exp(1/rate), evFailure, 0)
	}
}

func (f *fleet) allUp(now float64) {
	for i := range f.up {
		if !f.up[i] {
			f.up[i] = true
			f.out.ReadySec[i] = now
		}
	}
}

// moved is the end of a transfer of the fleet.
func (f *fleet) moved(r *run, self sim.Entity, transfer int) {
	if transfer == f.s.Load && transfer != f.s.Reload || f.loading < 0 {
		f.out.LoadSec = r.now
		r.after(self, f.s.InitSec, evAllReady, 0)
		return
	}
	r.after(self, f.s.InitSec, evReady, uint64(f.loading))
	f.loading = -1
	f.loadNext(r)
}

func (f *fleet) loadNext(r *run) {
	if f.loading >= 0 || len(f.waiting) == 0 {
		return
	}
	f.loading, f.waiting = f.waiting[0], f.waiting[1:]
	r.setMix(f.s.Reload, true)
}

func (f *fleet) handle(r *run, self sim.Entity, kind sim.Kind, arg uint64) {
	switch kind {
	case evAllReady:
		f.allUp(r.now)
	case evReady:
		i := int(arg)
		f.up[i] = true
		f.out.Outages = append(f.out.Outages, Outage{Replica: i, StartSec: f.downAt[i], EndSec: r.now})
		if math.IsInf(f.out.ReadySec[i], 1) {
			f.out.ReadySec[i] = r.now
		}
	case evFailure:
		f.fail(r, self)
		r.after(self, f.rng.Exp(1/f.s.Faults.Rate(f.s.FirstNode, f.s.Nodes)), evFailure, 0)
	case evRestarted:
		i := int(arg)
		if f.s.Reload < 0 {
			r.after(self, f.s.InitSec, evReady, arg)
			return
		}
		f.waiting = append(f.waiting, i)
		f.loadNext(r)
	}
}

// fail takes down the replicas of one node, or of a domain. A software fault restarts in
// place; nodes that are broken are replaced by spares, or repaired first.
func (f *fleet) fail(r *run, self sim.Entity) {
	h := f.s.Faults.draw(&f.rng, f.s.FirstNode, f.s.Nodes)
	f.out.Failures++
	wait := f.s.Faults.DetectSec + f.s.Faults.RestartSec
	switch {
	case !h.cause.hardware() || f.s.Faults.Spares >= h.n:
	case h.cause == FaultDomain:
		wait += h.repairSec
	case h.cause == FaultTaken:
		wait += f.s.Faults.AnotherSec
	default:
		wait += f.s.Faults.RepairSec
	}
	if h.from < 0 {
		h.from = f.rng.Intn(f.s.Nodes)
	}
	first := int(float64(h.from) * f.s.ReplicasPerNode)
	last := max(first+1, int(float64(h.from+h.n)*f.s.ReplicasPerNode))
	if f.s.ReplicasPerNode < 1 { // a replica spans nodes: all that the nodes are part of
		last = int(float64(h.from+h.n-1)*f.s.ReplicasPerNode) + 1
	}
	for i := first; i < min(last, f.s.Replicas); i++ {
		if f.up[i] {
			f.up[i] = false
			f.downAt[i] = r.now
			r.after(self, wait, evRestarted, uint64(i))
		}
	}
}

// finish books outages that are still open at the horizon.
func (f *fleet) finish() {
	for i, up := range f.up {
		if !up && !math.IsInf(f.out.ReadySec[i], 1) {
			f.out.Outages = append(f.out.Outages, Outage{Replica: i, StartSec: f.downAt[i], EndSec: f.s.HorizonSec})
		}
	}
	sort.Slice(f.out.Outages, func(a, b int) bool {
		x, y := f.out.Outages[a], f.out.Outages[b]
		return x.StartSec < y.StartSec || x.StartSec == y.StartSec && x.Replica < y.Replica
	})
}
