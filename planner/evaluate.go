package planner

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/topology"
)

// Options say how an evaluation is carried out. The result does not depend on Workers.
type Options struct {
	Replicas int                   // 0: the scenario's
	Workers  int                   // 0: as many as the Go runtime uses
	Progress func(done, total int) // may be nil; called from several goroutines
	Version  string
	Revision string
}

// How many replicas a change is paired with, and by how much a resource is changed.
const (
	pairedReplicas  = 9
	pairedCapacity  = 5 // a service's capacity is a search of its own
	elasticityStep  = 0.10
	freeGain        = 0.0005
	freeDouble      = 0.01
	leverReplicas   = 7
	doubledResource = 2.0
)

// resource is one thing that an elasticity changes.
type resource struct{ key, name string }

// resources are those of a world, in the order of reports.
func resources(w *scenarios.World) []resource {
	rs := []resource{
		{scenarios.Compute, "Matrix rate of the accelerators"},
		{scenarios.HBM, "Memory bandwidth"},
		{scenarios.Host, "Host and launch speed"},
	}
	if w.Server.AcceleratorCount > 1 || w.Scenario.Cluster.Fabric.Topology == "torus" {
		rs = append(rs, resource{scenarios.ScaleUp, "Scale-up link bandwidth"})
	}
	for _, l := range w.Graph.Levels() {
		switch l.ID {
		case topology.NICLevel:
			rs = append(rs, resource{scenarios.NIC, "NIC and leaf port bandwidth"})
		case topology.LeafLevel:
			rs = append(rs, resource{scenarios.Leaf, "Leaf to spine bandwidth"})
		case topology.SpineLevel:
			rs = append(rs, resource{scenarios.Spine, "Spine to core bandwidth"})
		case topology.CoreLevel:
			rs = append(rs, resource{scenarios.Core, "Core bandwidth"})
		}
	}
	if len(w.Scenario.Storage) > 0 {
		rs = append(rs, resource{scenarios.StorageDrives, "Storage drives"}, resource{scenarios.StorageNetwork, "Storage network ports"}, resource{scenarios.StorageCPU, "Storage CPU"})
	}
	if w.Scenario.Faults != nil {
		rs = append(rs, resource{scenarios.MTBF, "Time between failures"}, resource{scenarios.Recovery, "Speed of recovery"})
	}
	if w.Scenario.Edge != nil && w.Scenario.Edge.Requests == "wan" {
		rs = append(rs, resource{scenarios.WANLink, "Site links"})
	}
	return rs
}

// point is what is kept of one future.
type point struct {
	m         *measures
	account   *account
	objective []float64 // by placed workload
	guess     []float64 // where searches for the capacity of a service begin, the same for all that is compared
	paired    []float64 // capacities for comparison with those of changes, NaN where not asked for yet
	losses    [][]float64
}

// evaluation is the state of Evaluate. Every slot is written by one goroutine, so that
// the result does not depend on which finished first.
type evaluation struct {
	w         *scenarios.World
	opt       Options
	resources []resource
	levers    []lever

	base    []*point             // by replica
	inputs  [][]scenarios.Drawn  // by replica
	changed [][][]float64        // objective by resource, replica, workload; nil where not played
	doubled [][]float64          // objective by resource, workload
	levered [][]*point           // by lever, replica
	swings  []swing              // of the unit cost
	nominal *scenarios.Future    // replica 0, with its timeline
	curves  [][]result.LoadPoint // by placed workload
	total   atomic.Int64
	done    atomic.Int64
}

// Evaluate plays the replicas of a world and all changes around it, and returns the
// typed numbers of the run. The same world gives the same run on any number of workers.
//
// When the context ends early the run holds what was done, with Complete false, beside
// the context's error; it is nil when not even the nominal future was played.
func Evaluate(ctx context.Context, w *scenarios.World, opt Options) (*result.Run, error) {
	if opt.Replicas == 0 {
		opt.Replicas = w.Scenario.Replicas
	}
	if opt.Workers == 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	if opt.Replicas < 1 {
		return nil, fmt.Errorf("planner: %d replicas, need at least 1", opt.Replicas)
	}
	e := &evaluation{w: w, opt: opt, resources: resources(w)}
	e.levers = levers(w)
	cut, err := faster(w, opt.Workers)
	if err != nil {
		return nil, err
	}
	e.levers = append(cut, e.levers...)
	n := opt.Replicas
	e.base = make([]*point, n)
	e.inputs = make([][]scenarios.Drawn, n)
	e.changed = grid(len(e.resources), min(n, pairedReplicas))
	e.doubled = make([][]float64, len(e.resources))
	e.levered = make([][]*point, len(e.levers))
	for i := range e.levered {
		e.levered[i] = make([]*point, min(n, leverReplicas))
	}
	e.total.Store(int64(n + len(e.resources)*(min(n, pairedReplicas)+1) + len(e.levers)*min(n, leverReplicas)))

	var next atomic.Int64
	var mu sync.Mutex
	var first error
	var fault string
	at := n
	var wg sync.WaitGroup
	for range min(opt.Workers, n) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { // a fault of the program ends the caller, not the process
				if v := recover(); v != nil {
					mu.Lock()
					fault = fmt.Sprintf("%v\n%s", v, debug.Stack())
					mu.Unlock()
				}
			}()
			benches := benches{}
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return
				}
				if err := e.replica(ctx, benches, i); err != nil {
					mu.Lock()
					if i < at { // the first by replica, not by time
						first, at = err, i
					}
					mu.Unlock()
					return
				}
			}
		}()
	}
	wg.Wait()
	if fault != "" {
		panic(fault)
	}
	if first != nil && ctx.Err() == nil {
		return nil, first
	}
	if e.nominal == nil || e.base[0] == nil {
		return nil, ctx.Err()
	}
	if ctx.Err() == nil {
		if err := e.sets(ctx); err != nil {
			return nil, err
		}
	}
	return e.compose(ctx.Err()), ctx.Err()
}

func grid(a, b int) [][][]float64 {
	g := make([][][]float64, a)
	for i := range g {
		g[i] = make([][]float64, b)
	}
	return g
}

func (e *evaluation) tick(n int) {
	d := e.done.Add(int64(n))
	if e.opt.Progress != nil {
		e.opt.Progress(int(d), int(e.total.Load()))
	}
}

// replica plays one draw: the base future, and the changes that are paired with it.
func (e *evaluation) replica(ctx context.Context, benches benches, i int) error {
	s := benches.of(e.w).Sample(i)
	play := s.Play
	if i == 0 {
		play = s.PlayWithTimeline
	}
	f, err := play(nil)
	if err != nil {
		return err
	}
	base, err := e.see(f, nil, i < pairedCapacity)
	if err != nil {
		return err
	}
	if i == 0 {
		e.nominal = f
		if err := e.loadCurves(f, base); err != nil {
			return err
		}
	}
	e.base[i], e.inputs[i] = base, s.Inputs()
	e.tick(1)
	if i < pairedReplicas {
		for r := range e.resources {
			if ctx.Err() != nil {
				return nil
			}
			if e.changed[r][i], err = e.gains(s, f, base, scenarios.Change{e.resources[r].key: 1 + elasticityStep}, i < pairedCapacity, pairedWindow); err != nil {
				return err
			}
			e.tick(1)
		}
	}
	if i < leverReplicas {
		for k := range e.levers {
			if ctx.Err() != nil {
				return nil
			}
			if err := e.pull(k, i, benches); err != nil {
				return err
			}
			e.tick(1)
		}
	}
	if i > 0 {
		return nil
	}
	for r := range e.resources {
		if ctx.Err() != nil {
			return nil
		}
		if e.doubled[r], err = e.gains(s, f, base, scenarios.Change{e.resources[r].key: doubledResource}, true, mostWindow); err != nil {
			return err
		}
		e.tick(1)
	}
	e.swings, err = e.tornado(s, f, base)
	return err
}

// see reads a future. With a point of the same sample the capacities of services are
// searched from there; without and not asked for they are left out.
func (e *evaluation) see(f *scenarios.Future, near *point, capacities bool) (*point, error) {
	acc, err := newAccount(f)
	if err != nil {
		return nil, err
	}
	p := &point{account: acc, m: measure(f, acc), objective: make([]float64, len(e.w.Placed)), guess: make([]float64, len(e.w.Placed)), paired: make([]float64, len(e.w.Placed)), losses: make([][]float64, len(e.w.Placed))}
	for i := range e.w.Placed {
		p.objective[i], p.paired[i] = objective(f, i), math.NaN()
		if o := f.Campaign[i]; o != nil {
			l := losses(o)
			p.losses[i] = l[:]
		} else if p.objective[i], err = e.serviceObjective(f, i, p, near, capacities, mostWindow); err != nil {
			return nil, err
		}
		if o := f.Served[i]; o != nil && e.w.Placed[i].SLO != nil && !math.IsNaN(p.objective[i]) {
			id := e.w.Placed[i].ID + "."
			p.m.put(id+result.MetricCapacity, "requests/s", p.objective[i])
			p.m.put(id+result.MetricHeadroom, "ratio", p.objective[i]/o.OfferedPerSec-1)
			if near == nil {
				rate, err := saturation(f, i)
				if err != nil {
					return nil, err
				}
				p.m.put(id+result.MetricSaturation, "requests/s", rate)
			}
		}
	}
	return p, nil
}

// serviceObjective is the load within the service level, or, without one, the inverse
// of the mean time of a request. A search begins where that of the point it is compared
// with began, so that a change of nothing gives no difference.
func (e *evaluation) serviceObjective(f *scenarios.Future, i int, p, near *point, capacities bool, most int) (float64, error) {
	if e.w.Placed[i].SLO == nil {
		return 1 / f.Served[i].E2E.Mean, nil
	}
	if !capacities {
		return math.NaN(), nil
	}
	if near != nil && near.guess[i] > 0 {
		p.guess[i] = near.guess[i]
	} else {
		var err error
		if p.guess[i], err = capacity(f, i, 0, pairedWindow); err != nil {
			return 0, err
		}
	}
	return capacity(f, i, p.guess[i], most)
}

// compared is what a change's objective is set against that was found with pairedWindow requests.
func (p *point) compared(f *scenarios.Future, i int) (float64, error) {
	if f.World.Placed[i].SLO == nil || math.IsNaN(p.objective[i]) {
		return p.objective[i], nil
	}
	if !math.IsNaN(p.paired[i]) {
		return p.paired[i], nil
	}
	reqs, err := f.Sample.Requests(i)
	if err != nil {
		return 0, err
	}
	p.paired[i] = p.objective[i]
	if len(window(reqs, mostWindow)) > pairedWindow {
		p.paired[i], err = capacity(f, i, p.guess[i], pairedWindow)
	}
	return p.paired[i], err
}

// gains plays a change and returns the relative gain of every workload's objective over
// a point of the same sample; NaN where the objective is not known.
func (e *evaluation) gains(s *scenarios.Sample, f *scenarios.Future, base *point, c scenarios.Change, capacities bool, most int) ([]float64, error) {
	play := s.PlayCluster // a service within an objective is judged by its capacity
	for i := range e.w.Placed {
		if e.w.Placed[i].Serving != nil && e.w.Placed[i].SLO == nil {
			play = s.Play
		}
	}
	cf, err := play(c)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(e.w.Placed))
	for i := range e.w.Placed {
		v := objective(cf, i)
		if e.w.Placed[i].Serving != nil {
			if e.w.Placed[i].SLO != nil && cf.SameService(f, i) {
				continue // nothing that a standing service knows of has changed
			}
			if v, err = e.serviceObjective(cf, i, &point{guess: make([]float64, len(e.w.Placed))}, base, capacities, most); err != nil {
				return nil, err
			}
		}
		was, err := base.objective[i], error(nil)
		if most == pairedWindow && e.w.Placed[i].Serving != nil {
			if was, err = base.compared(f, i); err != nil {
				return nil, err
			}
		}
		out[i] = gained(v, was)
	}
	return out, nil
}

// gained is v over what it was, less one. A service whose limits no rate held has no capacity to
// compare with: one that is gained counts as all of it.
func gained(v, was float64) float64 {
	switch {
	case was != 0:
		return v/was - 1
	case v == 0:
		return 0
	}
	return math.Copysign(1, v)
}

// loadCurves simulates each service at multiples of the load asked for.
func (e *evaluation) loadCurves(f *scenarios.Future, base *point) error {
	e.curves = make([][]result.LoadPoint, len(e.w.Placed))
	for i := range e.w.Placed {
		if e.w.Placed[i].SLO == nil {
			continue
		}
		reqs, err := f.Sample.Requests(i)
		if err != nil {
			return err
		}
		factors := []float64{0.25, 0.5, 0.75, 1, 1.25, 1.5, 2}
		if c := base.objective[i] / f.Served[i].OfferedPerSec; c > 1 && !math.IsInf(c, 0) {
			factors = []float64{0.25 * c, 0.5 * c, 0.7 * c, 0.85 * c, 0.95 * c, c, 1.05 * c, 1.15 * c, 1.3 * c}
		}
		if e.curves[i], err = f.Service(i).LoadCurve(rebase(window(reqs, mostWindow), reqs), optionsOne(), factors); err != nil {
			return err
		}
	}
	return nil
}
