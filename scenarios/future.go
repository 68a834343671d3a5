package scenarios

import (
	"fmt"
	"math"
	"sort"

	"aisim/cluster"
	"aisim/hardware"
	"aisim/internal/result"
	"aisim/storage"
	"aisim/topology"
	"aisim/topology/collective"
	"aisim/topology/flow"
	"aisim/workloads/serving"
	"aisim/workloads/trace"
	"aisim/workloads/training"
)

// Change multiplies resources of a world: 1.1 is a tenth more of it, 2 twice as much.
// Keys are the stable resource keys of result.Elasticity; nil changes nothing.
type Change map[string]float64

// Of is the factor on one resource.
func (c Change) Of(resource string) float64 {
	if f, ok := c[resource]; ok {
		return f
	}
	return 1
}

// The resources that a Change can name.
const (
	Compute        = "compute"         // matrix rate of the accelerators
	HBM            = "hbm"             // their memory bandwidth
	Host           = "host"            // speed of launching and of host-side work
	ScaleUp        = "scaleup"         // bandwidth of the scale-up link
	NIC            = "nic"             // host to leaf
	Leaf           = "leaf"            // leaf to spine
	Spine          = "spine"           // spine to core
	Core           = "core"            // core to super-core
	StorageDrives  = "storage.drives"  // drives of every store
	StorageNetwork = "storage.network" // network ports of every store
	StorageCPU     = "storage.cpu"     // cores of every store
	MTBF           = "mtbf"            // time between failures
	Recovery       = "recovery"        // speed of detection and restart
	WANLink        = "wan"             // bandwidth of the sites' links
)

// stepResources are those that a training step or a serving engine depends on; a
// change of others leaves what was computed for them as it is.
var stepResources = []string{Compute, HBM, Host, ScaleUp, NIC, Leaf, Spine, Core}

// Bench is what one goroutine needs to sample futures of a World.
type Bench struct {
	w    *World
	comm *collective.Comm
	jobs []*training.Job // laid out once, by placed workload
}

// NewBench makes a bench; each goroutine needs its own.
func (w *World) NewBench() *Bench {
	comm := collective.New(w.Graph, w.links(hardware.NominalDraw), collective.Options{Model: w.Scenario.Cluster.Fabric.Model})
	return &Bench{w: w, comm: comm, jobs: make([]*training.Job, len(w.Placed))}
}

// Sample is one draw of everything uncertain: replica 0 is nominal. All futures played
// from it share the draw, the requests and the seeds of failures, so that their
// differences are those of the change alone (common random numbers).
type Sample struct {
	b        *Bench
	replica  int
	draw     hardware.Draw
	drawn    map[string]Drawn // looked up and collected by sorted name
	seed     uint64
	requests [][]trace.Request
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
		requests: make([][]trace.Request, len(b.w.Placed)), machines: map[string]*machine{}}
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
}

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
	Served   []*serving.Outcome         // by placed workload, nil for campaigns
	Moves    []Move
	jobs     []*training.Job
}

// Move is one kind of bulk transfer of a workload, for the report's storage paths.
type Move struct {
	Placed   int
	Store    int // index in Stores
	Use      string
	Op       storage.Op
	Transfer int
	Clients  []topology.NodeID
	Object   float64 // bytes of one object
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
	dev, err := hardware.NewDevice(w.Chip, w.Profile, s.draw)
	if err != nil {
		return nil, err
	}
	dev = dev.Scale(hardware.Scaling{Compute: c.Of(Compute), Memory: c.Of(HBM), Launch: c.Of(Host)})
	dev.ScaleUpBytesPerSec *= c.Of(ScaleUp)
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
	m := &machine{graph: g, device: dev, comm: s.b.comm.On(g, w.links(s.draw)), jobs: make([]*training.Job, len(w.Placed)), steps: make([]*training.Step, len(w.Placed)), services: make([]*serving.Prepared, len(w.Placed))}
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

// prepare computes the step of a campaign or the tables of a service.
func (s *Sample) prepare(i int, m *machine, c Change) error {
	w, p := s.b.w, &s.b.w.Placed[i]
	if p.Training != nil {
		tm := training.Machine{Device: m.device, Comm: m.comm, Graph: m.graph, Chips: p.Chips, NodesCount: p.NodeCount, ChipsPerNode: w.Server.AcceleratorCount, HostMemBytes: w.Server.RAM.V, HostSpeed: c.Of(Host), Draw: s.draw}
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
	sm := serving.Machine{Device: m.device, HostSpeed: c.Of(Host)}
	if tp := max(1, p.Serving.TP); tp > 1 && p.Arch.Generic == nil {
		plan, err := m.comm.Prepare(collective.AllReduce, [][]topology.NodeID{p.replicaChips(0)[:tp]}, collective.PlanOptions{})
		if err != nil {
			return err
		}
		sm.AllReduce = serving.AllReduceOn(plan)
	}
	var err error
	cfg := *p.Serving
	cfg.Engine = cfg.Engine.Drawn(s.draw)
	m.services[i], err = serving.Prepare(cfg, sm)
	return err
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
	inside := max(1, p.Serving.TP)*max(1, p.Serving.PP) <= f.World.Server.AcceleratorCount
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
		Campaign: make([]*cluster.TrainingOutcome, n), Fleet: make([]*cluster.ServiceOutcome, n), Served: make([]*serving.Outcome, n)}
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
		if !what.requests {
			continue
		}
		if err := f.serve(i); err != nil {
			return nil, w.Scenario.problemOf("workload."+w.Placed[i].ID, err)
		}
	}
	return f, nil
}

// Requests are those of a service in this sample.
func (s *Sample) Requests(i int) ([]trace.Request, error) {
	if s.requests[i] == nil {
		r, err := s.b.w.Placed[i].Requests.Requests(s.seed, s.replica)
		if err != nil {
			return nil, err
		}
		s.requests[i] = r
	}
	return s.requests[i], nil
}

// serve runs the requests of a service, which begin when all its replicas are up, on
// the replicas that the cluster left it.
func (f *Future) serve(i int) error {
	reqs, err := f.Sample.Requests(i)
	if err != nil {
		return err
	}
	fleet := f.Fleet[i]
	up := 0.0
	for _, r := range fleet.ReadySec {
		if !math.IsInf(r, 1) {
			up = math.Max(up, r)
		}
	}
	opt := serving.Options{Workers: 1}
	for _, o := range fleet.Outages {
		if o.EndSec > up {
			opt.Outages = append(opt.Outages, serving.Outage{Replica: o.Replica, Start: math.Max(0, o.StartSec-up), End: o.EndSec - up})
		}
	}
	f.Served[i], err = f.Service(i).Simulate(reqs, opt)
	return err
}

// Service is a placed service ready to be simulated, with the site links of this future.
func (f *Future) Service(i int) *serving.Prepared {
	prep := f.Services[i]
	if wan := f.Change.Of(WANLink); wan != 1 {
		again := *prep
		again.Config.Network.BytesPerSec *= wan
		return &again
	}
	return prep
}

func (sc *Scenario) problemOf(key string, err error) error {
	return Problems(sc.ProblemAt(key, "", "", "", err.Error()))
}

// faultDraw is how far the failure rate of a machine may lie from what the scenario
// says: the Llama 3 report counts 419 events (±5 % by count), published fleets differ
// by a factor of 7, and a planner's figure from a fleet of the same kind lies between.
var faultDraw = hardware.Value{V: 1, Kind: result.Assumed, RelSD: 0.15, Source: "between the count error of the Llama 3 report and the spread of published fleets"}

// recoveryDraw is the same for the time to find a failure and restart.
var recoveryDraw = hardware.Value{V: 1, Kind: result.Assumed, RelSD: 0.20, Source: "no published spread"}

// faults are the failures of the scenario in this sample.
func (f *Future) faults() cluster.Faults {
	sf := f.World.Scenario.Faults
	if sf == nil || sf.Components == nil {
		return cluster.Faults{}
	}
	rate := f.Sample.Draw("faults/rate", faultDraw) / f.Change.Of(MTBF) / 1000 / 86400
	slow := f.Sample.Draw("faults/recovery", recoveryDraw) / f.Change.Of(Recovery)
	out := cluster.Faults{DetectSec: sf.DetectionSec * slow, RestartSec: sf.RecoverySec * slow, RepairSec: sf.RepairSec, Spares: sf.Spares}
	c := sf.Components
	for cause, per := range map[cluster.FaultCause]float64{cluster.FaultGPU: c.GPU, cluster.FaultNIC: c.NIC, cluster.FaultSwitch: c.Switch, cluster.FaultHost: c.Host, cluster.FaultSoftware: c.Software} {
		out.PerNodeSec[cause] = per * rate
	}
	return out
}

// assemble makes the stores, the transfers and the cluster's world.
func (f *Future) assemble(timeline bool) error {
	w := f.World
	net := flow.FromGraph(f.Graph)
	f.Stores = make([]*storage.System, len(w.Scenario.Storage))
	for i := range f.Stores {
		st := &w.Scenario.Storage[i]
		sys, err := w.store(st, f.Sample.draw, f.Change)
		if err != nil {
			return w.Scenario.problemOf("storage."+st.ID, err)
		}
		var hosts []topology.NodeID
		switch st.Kind {
		case "ceph":
			hosts = f.Graph.NICs(storeGroup(st.ID))
		case "nvme":
			for h := range w.Scenario.Cluster.Nodes {
				hosts = append(hosts, f.Graph.HostChips(computeGroup, h)[0])
			}
		}
		if err := sys.Attach(net, f.Graph, hosts); err != nil {
			return w.Scenario.problemOf("storage."+st.ID, err)
		}
		f.Stores[i] = sys
	}
	var transfers []cluster.Transfer
	f.Cluster = &cluster.World{Timeline: timeline}
	faults := f.faults()
	for i := range w.Placed {
		var err error
		if w.Placed[i].Training != nil {
			err = f.addCampaign(i, faults, &transfers)
		} else {
			err = f.addService(i, faults, &transfers)
		}
		if err != nil {
			return err
		}
	}
	var err error
	f.Cluster.Phases, err = cluster.NewPhases(f.Graph, net, transfers)
	return err
}

// move adds one kind of transfer of a workload and returns its index.
func (f *Future) move(i int, store, use string, op storage.Op, clients []topology.NodeID, bytes, object, capEach float64, transfers *[]cluster.Transfer) (int, error) {
	w := f.World
	id := -1
	for k := range w.Scenario.Storage {
		if w.Scenario.Storage[k].ID == store {
			id = k
		}
	}
	demands, err := f.Stores[id].Demand(op, clients, object)
	if err != nil {
		return -1, w.Scenario.problemOf("storage."+store, err)
	}
	for k := range demands {
		if capEach > 0 && (demands[k].RateCapBytesPerSec == 0 || demands[k].RateCapBytesPerSec > capEach) {
			demands[k].RateCapBytesPerSec = capEach
		}
	}
	f.Moves = append(f.Moves, Move{Placed: i, Store: id, Use: use, Op: op, Transfer: len(*transfers), Clients: clients, Object: object})
	*transfers = append(*transfers, cluster.Transfer{Name: w.Placed[i].ID + "." + use, Demands: demands, Bytes: bytes})
	return len(*transfers) - 1, nil
}

// ports are the network ports that a workload reaches its stores through; local drives
// are reached from one chip of each node.
func (f *Future) ports(i int, store string) []topology.NodeID {
	w, p := f.World, &f.World.Placed[i]
	local := false
	for k := range w.Scenario.Storage {
		local = local || w.Scenario.Storage[k].ID == store && w.Scenario.Storage[k].Kind == "nvme"
	}
	var out []topology.NodeID
	for h := p.FirstNode; h < p.FirstNode+p.NodeCount; h++ {
		if local || w.NICs == 0 {
			out = append(out, f.Graph.HostChips(computeGroup, h)[0])
		} else {
			out = append(out, f.Graph.HostNICs(computeGroup, h)...)
		}
	}
	return out
}

// LinkBytes is what one step of a placed campaign puts on every link of the graph.
func (f *Future) LinkBytes(i int) ([]float64, error) { return f.jobs[i].LinkBytes(f.Steps[i]) }

// Layout is the configuration of a placed campaign with everything filled in.
func (s *Sample) Layout(i int) training.Config { return s.b.jobs[i].Config() }

func (f *Future) addCampaign(i int, faults cluster.Faults, transfers *[]cluster.Transfer) error {
	w, p, step := f.World, &f.World.Placed[i], f.Steps[i]
	t := cluster.Training{ID: p.ID, Nodes: p.NodeCount, StepSec: step.Seconds, MaxSteps: math.Inf(1), HorizonSec: math.Inf(1), StartSec: faults.RestartSec, Input: -1, Faults: faults}
	for _, r := range step.ByResource {
		if l, ok := topology.ParseLevel(r.Resource); ok && l != topology.ScaleUpLevel {
			t.ExposedSec[l] += r.Seconds
		}
	}
	switch {
	case p.Steps != nil:
		t.MaxSteps = *p.Steps
	case p.Tokens != nil:
		t.MaxSteps = math.Ceil(*p.Tokens / step.TokensPerStep)
	case p.DurationSec != nil:
		t.HorizonSec = *p.DurationSec
	}
	hostRate := f.Device.HostBytesPerSec
	if ck := p.Checkpoint; ck != nil {
		clients := f.ports(i, ck.To)
		shard := step.CheckpointBytes / float64(len(clients))
		if err := f.holds(i, ck.To, step.CheckpointBytes); err != nil {
			return err
		}
		write, err := f.move(i, ck.To, "checkpoint", storage.Write, clients, step.CheckpointBytes, shard, 0, transfers)
		if err != nil {
			return err
		}
		restore, err := f.move(i, ck.To, "restore", storage.Read, clients, step.CheckpointBytes, shard, 0, transfers)
		if err != nil {
			return err
		}
		t.Checkpoint = &cluster.Checkpoint{Write: write, Restore: restore, Async: ck.Mode == "async"}
		if !ck.Every.Auto {
			t.Checkpoint.EverySec = ck.Every.Sec
		}
		if t.Checkpoint.Async {
			if hostRate <= 0 {
				return Problems(w.Scenario.ProblemAt("workload."+p.ID+".checkpoint.mode", "", "sync", "", fmt.Sprintf("the catalogue does not know the host link of %s, over which an asynchronous checkpoint copies its state", w.Chip.ID)))
			}
			if need, have := step.CheckpointBytes/float64(p.NodeCount), w.Server.RAM.V; have > 0 && need > have {
				return Problems(w.Scenario.ProblemAt("workload."+p.ID+".checkpoint.mode", "", "sync", "more nodes, or cluster.override.host_memory", fmt.Sprintf("an asynchronous checkpoint keeps %.0f GB in the memory of each node, which has %.0f GB", need/1e9, have/1e9)))
			}
			t.Checkpoint.SnapshotSec = step.CheckpointBytes / float64(len(p.Chips)) / hostRate
		}
	}
	if d := p.Dataset; d != nil {
		perStep := step.InputBytes
		switch {
		case d.SampleBytes != nil:
			perStep = *d.SampleBytes * step.SamplesPerStep
		case d.TokenBytes != nil:
			perStep = *d.TokenBytes * step.TokensPerStep
		}
		if perStep > 0 {
			clients := f.ports(i, d.From)
			each := perStep / t.StepSec / float64(len(clients))
			in, err := f.move(i, d.From, "dataset", storage.Read, clients, 0, loaderReadBytes, each, transfers)
			if err != nil {
				return err
			}
			t.Input, t.InputBytesPerStep = in, perStep
		}
	}
	f.Cluster.Training = append(f.Cluster.Training, t)
	return nil
}

// loaderReadBytes is one read of an input loader: sharded record files are read ahead in
// pieces of a few MiB, whatever a step consumes.
const loaderReadBytes = 4 << 20

// keptCheckpoints is how many checkpoints a store must hold: the newest complete one
// and the one being written.
const keptCheckpoints = 2

func (f *Future) holds(i int, store string, bytes float64) error {
	for k := range f.World.Scenario.Storage {
		if f.World.Scenario.Storage[k].ID == store {
			if err := f.Stores[k].Holds(fmt.Sprintf("%d checkpoints of %s", keptCheckpoints, f.World.Placed[i].ID), keptCheckpoints*bytes); err != nil {
				return Problems(f.World.Scenario.ProblemAt("storage."+store, "", "", "more nodes or larger drives", err.Error()))
			}
		}
	}
	return nil
}

func (f *Future) addService(i int, faults cluster.Faults, transfers *[]cluster.Transfer) error {
	w, p := f.World, &f.World.Placed[i]
	per := float64(w.Server.AcceleratorCount) / float64(max(1, p.Serving.TP)*max(1, p.Serving.PP))
	s := cluster.Service{ID: p.ID, Nodes: p.NodeCount, Replicas: p.Serving.Replicas, ReplicasPerNode: per, HorizonSec: p.Requests.HorizonSec(), Load: -1, Reload: -1,
		Warm: p.Warm, InitSec: initSec(p.Arch.Params()), Faults: faults}
	if p.Arch.Generic != nil {
		s.InitSec = 0
	}
	if p.LoadFrom != "" {
		weights := p.Arch.WeightBytes(p.DType)
		clients := f.ports(i, p.LoadFrom)
		each := 0.0
		if f.Device.HostBytesPerSec > 0 {
			each = f.Device.HostBytesPerSec * float64(len(p.Chips)) / float64(len(clients))
		}
		if e := w.Scenario.Edge; e != nil {
			wan := e.WAN.BytesPerSec * f.Change.Of(WANLink) * float64(e.Sites) / float64(len(clients))
			if each == 0 || wan < each {
				each = wan
			}
		}
		object := math.Min(64<<20, weights)
		var err error
		if s.Load, err = f.move(i, p.LoadFrom, "model load", storage.Read, clients, weights*float64(s.Replicas), object, each, transfers); err != nil {
			return err
		}
		one := clients[:max(1, len(clients)/s.Replicas)]
		if s.Reload, err = f.move(i, p.LoadFrom, "model reload", storage.Read, one, weights, object, each, transfers); err != nil {
			return err
		}
		alone := 4 * weights * float64(s.Replicas) / math.Max(1, each*float64(len(clients)))
		s.HorizonSec += alone + s.InitSec
	}
	f.Cluster.Services = append(f.Cluster.Services, s)
	return nil
}

// initSec is the time from loaded weights to a replica that answers: graph capture and
// warm-up take 12 + 5 s for an 8 B model and 30 + 10 s for a 70 B one (operations facts
// llm_cold_cuda_graphs_*, llm_cold_warmup_*), a power law of the size between and beyond.
func initSec(params float64) float64 {
	exponent := math.Log(40.0/17) / math.Log(70.0/8)
	return 17 * math.Pow(params/8e9, exponent)
}
