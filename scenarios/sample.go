package scenarios

import (
	"fmt"
	"math"
	"sort"
	"sync"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/internal/result"
	"aisim/topology"
	"aisim/topology/collective"
	"aisim/workloads/serving"
	"aisim/workloads/trace"
	"aisim/workloads/training"
)

// Bench is what one goroutine needs to sample futures of a World.
type Bench struct {
	w    *World
	comm *collective.Comm
	jobs []*training.Job // laid out once, by placed workload
}

// NewBench makes a bench; each goroutine needs its own.
func (w *World) NewBench() *Bench {
	model := w.Scenario.Cluster.Fabric.Model
	if model == "packet" {
		model = "flow" // what packets add is in the links
	}
	comm := collective.New(w.Graph, w.links(hardware.NominalDraw), collective.Options{Model: model})
	return &Bench{w: w, comm: comm, jobs: make([]*training.Job, len(w.Placed))}
}

// Sample is one draw of everything uncertain: replica 0 is nominal. All futures played
// from it share the draw, the requests and the seeds of failures, so that their
// differences are those of the change alone (common random numbers).
type Sample struct {
	gangs    sync.Mutex // held while steps of a queue's gangs are computed
	b        *Bench
	replica  int
	draw     hardware.Draw
	drawn    map[string]Drawn // looked up and collected by sorted name
	seed     uint64
	requests []*trace.Trace
	machines map[string]*machine // by factors of stepResources; looked up only
}

// Drawn is one uncertain input of a sample: what was drawn, relative to its nominal value.
type Drawn struct {
	Name  string
	Ratio float64
	Value hardware.Value
}

// Sample draws a replica.
func (b *Bench) Sample(replica int) *Sample {
	seed := b.w.Scenario.Seed
	s := &Sample{b: b, replica: replica, drawn: map[string]Drawn{}, seed: seed + uint64(replica)*0x9e3779b97f4a7c15,
		requests: make([]*trace.Trace, len(b.w.Placed)), machines: map[string]*machine{}}
	draw := hardware.NewDraw(seed, replica)
	s.draw = func(name string, v hardware.Value) float64 {
		x := draw(name, v)
		if v.RelSD > 0 && v.V != 0 {
			s.drawn[name] = Drawn{name, x / v.V, v}
		}
		return x
	}
	return s
}

// SampleAt is the nominal sample with some inputs moved: z standard deviations of their
// logarithm, by name. What is not named is nominal; seeds and requests are those of
// replica 0.
func (b *Bench) SampleAt(z map[string]float64) *Sample {
	s := b.Sample(0)
	at := make(map[string]float64, len(z)) // the caller may go on with its own
	for name, x := range z {
		at[name] = x
	}
	s.draw = func(name string, v hardware.Value) float64 {
		ratio := 1.0
		if v.RelSD > 0 && v.V != 0 {
			if x, ok := at[name]; ok {
				ratio = math.Exp(x * math.Sqrt(math.Log1p(v.RelSD*v.RelSD)))
			}
			s.drawn[name] = Drawn{name, ratio, v}
		}
		return v.V * ratio
	}
	return s
}

// Inputs are the uncertain inputs that the futures played so far have asked for, by name.
func (s *Sample) Inputs() []Drawn {
	out := make([]Drawn, 0, len(s.drawn))
	for _, d := range s.drawn {
		out = append(out, d)
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Name < out[b].Name })
	return out
}

// Draw picks the number for an uncertain value in this sample.
func (s *Sample) Draw(name string, v hardware.Value) float64 { return s.draw(name, v) }

// machine is the part of a future that depends on stepResources only.
type machine struct {
	graph    *topology.Graph
	device   *hardware.Device
	comm     *collective.Comm
	jobs     []*training.Job
	steps    []*training.Step
	services []*serving.Prepared
	prompts  []*hardware.Device // of pools that compute prompts, by placed workload
}

// machineFor builds, or finds, the machine under the factors of a change.
func (s *Sample) machineFor(c Change) (*machine, error) {
	w := s.b.w
	key := ""
	for _, r := range stepResources {
		key += fmt.Sprintf(" %g", c.Of(r))
	}
	if m := s.machines[key]; m != nil {
		return m, nil
	}
	nic := 1.0
	if w.NIC.Known() && w.NIC.V > 0 {
		nic = s.draw("server/"+w.Server.ID+"/nic", w.NIC) / w.NIC.V
	}
	dev, err := s.device(w.Chip, w.Profile, c)
	if err != nil {
		return nil, err
	}
	if cap := w.Scenario.Cluster.PowerCapWatts; cap != nil {
		dev = dev.Capped(*cap)
	}
	up := 1.0
	if w.Chip.ScaleUpBandwidth.V > 0 {
		up = dev.ScaleUpBytesPerSec / (w.Chip.ScaleUpBandwidth.V / 2)
	} else {
		up = c.Of(ScaleUp)
	}
	g, err := w.Graph.WithCapacity(map[string]float64{ScaleUp: up, NIC: nic * c.Of(NIC), Leaf: c.Of(Leaf), Spine: c.Of(Spine), Core: c.Of(Core)})
	if err != nil {
		return nil, err
	}
	m := &machine{graph: g, device: dev, comm: s.b.comm.On(g, w.links(s.draw)), jobs: make([]*training.Job, len(w.Placed)), steps: make([]*training.Step, len(w.Placed)), services: make([]*serving.Prepared, len(w.Placed)), prompts: make([]*hardware.Device, len(w.Placed))}
	var problems []*Problem
	for i := range w.Placed {
		if err := s.prepare(i, m, c); err != nil {
			problems = append(problems, w.asProblems("workload."+w.Placed[i].ID, err)...)
		}
	}
	if err := Problems(problems...); err != nil {
		return nil, err
	}
	s.machines[key] = m
	return m, nil
}

// device is a chip of this sample under the factors of a change.
func (s *Sample) device(chip *hardware.Accelerator, prof *profile.Profile, c Change) (*hardware.Device, error) {
	dev, err := hardware.NewDevice(chip, prof, s.draw)
	if err != nil {
		return nil, err
	}
	dev = dev.Scale(hardware.Scaling{Compute: c.Of(Compute), Memory: c.Of(HBM), Launch: c.Of(Host)})
	dev.ScaleUpBytesPerSec *= c.Of(ScaleUp)
	if s.b.w.Scenario.Cluster.Confidential {
		dev = dev.Confidential()
	}
	return dev, nil
}

// prepare computes the step of a campaign or the tables of a service.
func (s *Sample) prepare(i int, m *machine, c Change) error {
	p := &s.b.w.Placed[i]
	if p.Training != nil {
		tm := s.trainingMachine(i, m, c)
		var err error
		job := s.b.jobs[i]
		if job == nil {
			if job, err = training.Prepare(*p.Training, tm); err != nil {
				return err
			}
			s.b.jobs[i] = job
		} else if job, err = job.On(tm); err != nil {
			return err
		}
		m.jobs[i] = job
		m.steps[i], err = job.Step()
		return err
	}
	var err error
	dev := m.device
	if p.MIG != "" {
		dev = sliced(dev, s.b.w.Chip.ID, p.MIG)
	}
	m.services[i], err = s.tables(p.Serving, dev, m.comm, p.replicaChips(0), c)
	if err == nil && p.Prefill != nil {
		err = s.preparePool(i, m, c)
	}
	return err
}

// trainingMachine is what a placed training runs on.
func (s *Sample) trainingMachine(i int, m *machine, c Change) training.Machine {
	w, p := s.b.w, &s.b.w.Placed[i]
	return training.Machine{Device: m.device, Comm: m.comm, Graph: m.graph, Chips: p.Chips, NodesCount: p.NodeCount, ChipsPerNode: w.Server.AcceleratorCount,
		HostMemBytes: w.Server.RAM.V, HostMemBytesPerSec: w.hostMemoryBytesPerSec(), HostSpeed: c.Of(Host), Draw: s.draw}
}

// tables are the step times of a replica.
func (s *Sample) tables(config *serving.Config, dev *hardware.Device, comm *collective.Comm, chips []topology.NodeID, c Change) (*serving.Prepared, error) {
	sm := serving.Machine{Device: dev, HostSpeed: c.Of(Host)}
	if s.b.w.Scenario.Cluster.Confidential {
		sm.CrossingSec = hardware.BridgeCrossingSec
	}
	if tp := max(1, config.TP); tp > 1 && config.Arch.Generic == nil {
		plan, err := comm.Prepare(collective.AllReduce, [][]topology.NodeID{chips[:tp]}, collective.PlanOptions{})
		if err != nil {
			return nil, err
		}
		sm.AllReduce = serving.AllReduceOn(plan)
		if apart(comm.Graph(), chips[:tp]) {
			sm.AllReduce = serving.Whole(plan)
		}
	}
	if err := beyondScaleUp(&sm, config, comm, chips); err != nil {
		return nil, err
	}
	cfg := *config
	cfg.Engine = cfg.Engine.Drawn(s.draw)
	return serving.Prepare(cfg, sm)
}

// apart says whether chips stand neither in one scale-up domain nor in one server.
func apart(g *topology.Graph, chips []topology.NodeID) bool {
	first, last := chips[0], chips[len(chips)-1]
	_, a, _ := g.HostOf(first)
	_, b, _ := g.HostOf(last)
	return a != b && g.Domain(first) != g.Domain(last)
}

// beyondScaleUp lays what passes between the chips of a replica that is larger than a
// scale-up domain on the network: the rows of experts, and what pipeline stages hand on.
func beyondScaleUp(m *serving.Machine, c *serving.Config, comm *collective.Comm, chips []topology.NodeID) error {
	stage := c.ReplicaChips() / max(1, c.PP)
	if c.AttentionDP > 1 && apart(comm.Graph(), chips[:stage]) {
		plan, err := comm.Prepare(collective.AllToAll, [][]topology.NodeID{chips[:stage]}, collective.PlanOptions{})
		if err != nil {
			return err
		}
		m.Exchange = serving.Whole(plan)
	}
	if c.PP > 1 && apart(comm.Graph(), chips[:c.ReplicaChips()]) {
		plan, err := comm.Prepare(collective.SendRecv, [][]topology.NodeID{{chips[0], chips[stage]}}, collective.PlanOptions{})
		if err != nil {
			return err
		}
		const large = 1 << 24
		m.HopLatencySec = plan.Time(0).Sec
		m.HopBytesPerSec = large / (plan.Time(large).Sec - m.HopLatencySec)
	}
	return nil
}

// Requests are those of a service in this sample.
func (s *Sample) Requests(i int) ([]trace.Request, error) {
	if s.requests[i] == nil {
		t, err := s.b.w.Placed[i].Requests.Requests(s.seed, s.replica)
		if err != nil {
			return nil, err
		}
		if sd := s.b.w.demandSD; sd > 0 {
			load := s.draw("demand/"+s.b.w.Placed[i].ID, hardware.Value{V: 1, Kind: result.Assumed, RelSD: sd, Source: "goal.demand_uncertainty"})
			rescaled := *t
			if rescaled.Requests, err = trace.Rescale(t.Requests, load); err != nil {
				return nil, err
			}
			t = &rescaled
		}
		s.requests[i] = t
	}
	return s.requests[i].Requests, nil
}

// Layout is the configuration of a placed campaign with everything filled in.
func (s *Sample) Layout(i int) training.Config { return s.b.jobs[i].Config() }
