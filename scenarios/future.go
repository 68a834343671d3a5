package scenarios

import (
	"math"

	"aisim/cluster"
	"aisim/hardware"
	"aisim/storage"
	"aisim/topology"
	"aisim/workloads"
	"aisim/workloads/serving"
	"aisim/workloads/training"
)

// Future is one world played out.
type Future struct {
	World    *World
	Sample   *Sample
	Change   Change
	Graph    *topology.Graph
	Device   *hardware.Device
	Stores   []*storage.System   // as in the scenario
	Steps    []*training.Step    // by placed workload, nil for services
	Services []*serving.Prepared // by placed workload, nil for campaigns
	Cluster  *cluster.World
	Outcome  *cluster.Outcome
	Campaign []*cluster.TrainingOutcome // by placed workload, nil for services
	Fleet    []*cluster.ServiceOutcome  // by placed workload, nil for campaigns
	Prompts  []*cluster.ServiceOutcome  // of pools that compute prompts, by placed workload
	Pools    []*hardware.Device         // their chips
	Served   []*serving.Outcome         // by placed workload, nil for campaigns
	Secured  []*Secured                 // by placed workload; nil for campaigns and without [security]
	Moves    []Move
	beside   [][]serving.Neighbour // who take turns with a service, by placed workload
	// adapterLoads are the transfers that load an adapter and adapterRates what they reach with
	// nothing else in motion, by placed workload.
	adapterLoads []int
	adapterRates []float64
	chores       []chore   // periodic work, as in Cluster.Periodic
	ciphers      []*cipher // of the stores, nil where their servers encrypt nothing
	jobs         []*training.Job
}

// Play plays one future: the machine under a change, its campaigns and services.
func (s *Sample) Play(c Change) (*Future, error) { return s.play(c, playing{requests: true}) }

// PlayCluster plays the campaigns and the life of the services' replicas and leaves the
// requests out: Served stays nil.
func (s *Sample) PlayCluster(c Change) (*Future, error) { return s.play(c, playing{}) }

// SameService says whether a service stands on the same step times and links as in
// another future of the same sample.
func (f *Future) SameService(g *Future, i int) bool {
	p := &f.World.Placed[i]
	inside := p.Prefill == nil && p.Serving.ReplicaChips() <= f.World.Server.AcceleratorCount
	if f.adapterRates[i] != g.adapterRates[i] {
		return false
	}
	for _, r := range append(stepResources, WANLink) {
		switch r {
		case NIC, Leaf, Spine, Core:
			if inside {
				continue // no byte of a replica leaves its server
			}
		}
		if f.Change.Of(r) != g.Change.Of(r) {
			return false
		}
	}
	return true
}

// PlayWithTimeline is Play with a record of what the campaigns did when.
func (s *Sample) PlayWithTimeline(c Change) (*Future, error) {
	return s.play(c, playing{requests: true, timeline: true})
}

// playing says what a play includes.
type playing struct{ requests, timeline bool }

func (s *Sample) play(c Change, what playing) (*Future, error) {
	w := s.b.w
	m, err := s.machineFor(c)
	if err != nil {
		return nil, err
	}
	n := len(w.Placed)
	f := &Future{World: w, Sample: s, Change: c, jobs: m.jobs, Graph: m.graph, Device: m.device, Steps: m.steps, Services: m.services,
		Campaign: make([]*cluster.TrainingOutcome, n), Fleet: make([]*cluster.ServiceOutcome, n), Served: make([]*serving.Outcome, n), Prompts: make([]*cluster.ServiceOutcome, n), Pools: m.prompts, adapterLoads: make([]int, n), adapterRates: make([]float64, n), beside: make([][]serving.Neighbour, n)}
	if err := f.secure(); err != nil {
		return nil, err
	}
	if err := f.assemble(what.timeline); err != nil {
		return nil, err
	}
	if f.Outcome, err = cluster.Run(f.Cluster, s.seed); err != nil {
		return nil, err
	}
	jobs, fleets := 0, 0
	for i := range w.Placed {
		if w.Placed[i].Training != nil {
			f.Campaign[i] = &f.Outcome.Training[jobs]
			jobs++
			continue
		}
		f.Fleet[i] = &f.Outcome.Services[fleets]
		fleets++
		if w.Placed[i].Prefill != nil {
			f.Prompts[i] = &f.Outcome.Services[fleets]
			fleets++
		}
	}
	for i := range w.Placed {
		if f.Services[i] == nil {
			continue
		}
		if f.beside[i], err = f.turns(i); err == nil && what.requests {
			err = f.serve(i)
		}
		if err != nil {
			return nil, w.Scenario.problemOf("workload."+w.Placed[i].ID, err)
		}
	}
	return f, nil
}

// serve runs the requests of a service, which begin when all its replicas are up, on
// the replicas that the cluster left it.
func (f *Future) serve(i int) error {
	reqs, err := f.Sample.Requests(i)
	if err != nil {
		return err
	}
	f.Served[i], err = f.Service(i).Simulate(reqs, f.circumstances(i))
	return err
}

// circumstances are what the cluster and the clients make of a service.
func (f *Future) circumstances(i int) serving.Options {
	fleets := []*cluster.ServiceOutcome{f.Fleet[i]}
	if f.Prompts[i] != nil {
		fleets = append(fleets, f.Prompts[i])
	}
	up := 0.0
	for _, fleet := range fleets {
		for _, r := range fleet.ReadySec {
			if !math.IsInf(r, 1) {
				up = math.Max(up, r)
			}
		}
	}
	opt := serving.Options{Workers: 1}
	if c := f.World.Placed[i].Clients; c != nil {
		opt.Concurrency, opt.ThinkSec = c.Count, c.ThinkSec
	}
	if f.World.Host(i) != i {
		opt.Outages = f.hostOutages(i, up)
		return opt
	}
	first := 0 // replicas of a pool follow those of the one before it
	for _, fleet := range fleets {
		for _, o := range fleet.Outages {
			if o.EndSec > up {
				opt.Outages = append(opt.Outages, serving.Outage{Replica: first + o.Replica, Start: math.Max(0, o.StartSec-up), End: o.EndSec - up})
			}
		}
		first += len(fleet.ReadySec)
	}
	return opt
}

// Service is a placed service ready to be simulated, with the site links of this future and the
// services that take turns with it.
func (f *Future) Service(i int) *serving.Prepared {
	prep := f.alone(i)
	prep.Neighbours, prep.Share, prep.Swap = f.beside[i], f.World.Placed[i].share(), f.swap(i)
	return prep
}

// alone is Service without those who share its chips.
func (f *Future) alone(i int) *serving.Prepared {
	prep := *f.Services[i]
	prep.Config.Network.BytesPerSec *= f.Change.Of(WANLink)
	p := &f.World.Placed[i]
	f.startUp(&prep.Config.Autoscale, p.Autoscale, f.Fleet[i], &p.Arch)
	if p.Prefill != nil {
		prompts := *prep.Prefill
		f.startUp(&prompts.Config.Autoscale, p.Workload.Prefill.Autoscale, f.Prompts[i], &p.Arch)
		prep.Prefill = &prompts
	}
	prep.Config.Front = f.Secured[i].front()
	if rate := f.adapterRates[i]; rate > 0 {
		prep.Config.Adapters.StoreBytesPerSec = rate
	}
	if t := f.Sample.requests[i]; t != nil {
		prep.Hashes, prep.HashTokens = t.Hashes, t.BlockTokens
	}
	return &prep
}

// startUp is what a new replica of an autoscaler passes before it answers: the chain of the first
// ones. All of them load at once there, so that its own load takes at most as long.
func (f *Future) startUp(to *serving.Autoscale, a *Autoscale, fleet *cluster.ServiceOutcome, arch *workloads.Architecture) {
	if a == nil {
		return
	}
	up := f.World.Scenario.Provision.chain()
	to.PullBytes, to.PullBytesPerSec, to.RegistryBytesPerSec = up.ImageBytes, up.NodeBytesPerSec, up.RegistryBytesPerSec
	to.StartSec = a.ProvisionSec + a.PullSec + up.FixedSec() + fleet.LoadSec
	if arch.Generic == nil {
		to.StartSec += initSec(arch.Params())
	}
}

func (sc *Scenario) problemOf(key string, err error) error {
	return Problems(sc.ProblemAt(key, "", "", "", err.Error()))
}

// LinkBytes is what one step of a placed campaign puts on every link of the graph.
func (f *Future) LinkBytes(i int) ([]float64, error) { return f.jobs[i].LinkBytes(f.Steps[i]) }
