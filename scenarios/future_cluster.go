package scenarios

import (
	"fmt"
	"math"

	"aisim/cluster"
	"aisim/hardware"
	"aisim/internal/result"
	"aisim/storage"
	"aisim/topology"
	"aisim/topology/flow"
	"aisim/workloads/serving"
)

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
	out := cluster.Faults{DetectSec: sf.DetectionSec * slow, RestartSec: sf.RecoverySec * slow, RepairSec: sf.RepairSec, Spares: sf.Spares, HotSec: sf.HotRecoverySec * slow, Foreseen: sf.Foreseen}
	out.Policy = map[string]cluster.Policy{"hot-spare": cluster.HotSpare, "shrink": cluster.Shrink}[sf.Policy]
	if sf.Crews != nil {
		out.Crews = *sf.Crews
	}
	for _, d := range sf.Domains {
		out.Domains = append(out.Domains, cluster.Domain{Nodes: d.Nodes, PerSec: d.FailuresPer1000Day * rate, RepairSec: d.RepairSec})
	}
	c := sf.Components
	for cause, per := range map[cluster.FaultCause]float64{cluster.FaultGPU: c.GPU, cluster.FaultNIC: c.NIC, cluster.FaultSwitch: c.Switch, cluster.FaultHost: c.Host, cluster.FaultSoftware: c.Software} {
		out.PerNodeSec[cause] = per * rate
	}
	if e := &f.World.Scenario.Economics; e.Mode == "rent" && e.Rent != nil {
		out.PerNodeSec[cluster.FaultTaken] = e.Rent.InterruptionsPerSec / f.Change.Of(MTBF)
		out.NoticeSec = e.Rent.NoticeSec
		out.AnotherSec = f.World.Scenario.Provision.chain().ReadySec(1)
	}
	return out
}

// assemble makes the stores, the transfers and the cluster's world.
func (f *Future) assemble(timeline bool) error {
	w := f.World
	net := flow.FromGraph(f.Graph)
	f.Stores = make([]*storage.System, len(w.Scenario.Storage))
	f.ciphers = make([]*cipher, len(f.Stores))
	for i := range f.Stores {
		st := &w.Scenario.Storage[i]
		sys, err := w.store(st, f.Sample.draw, f.Change)
		if err != nil {
			return w.Scenario.problemOf("storage."+st.ID, err)
		}
		var hosts []topology.NodeID
		switch {
		case st.ownServers():
			hosts = f.Graph.NICs(storeGroup(st.ID))
		case st.Kind == "nvme":
			for h := range w.Scenario.Cluster.Nodes {
				hosts = append(hosts, f.Graph.HostChips(computeGroup, h)[0])
			}
		}
		if err := sys.Attach(net, f.Graph, hosts); err != nil {
			return w.Scenario.problemOf("storage."+st.ID, err)
		}
		f.Stores[i] = sys
		if f.ciphers[i], err = f.addCipher(net, st, sys); err != nil {
			return w.Scenario.problemOf("storage."+st.ID+".encryption", err)
		}
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
	err := f.addAudit(&transfers)
	if err != nil {
		return err
	}
	if err = f.addChores(&transfers); err != nil {
		return err
	}
	if f.Cluster.Phases, err = cluster.NewPhases(f.Graph, net, transfers); err != nil {
		return err
	}
	return f.rateAdapters()
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
	f.encrypt(id, op, demands, len(f.ports(i, store))/max(1, w.Placed[i].NodeCount), len(clients), object)
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
	p := &f.World.Placed[i]
	return f.portsOf(store, computeGroup, p.FirstNode, p.NodeCount, f.World.NICs)
}

// portsOf are those of some nodes of a group.
func (f *Future) portsOf(store, group string, first, count, nics int) []topology.NodeID {
	w := f.World
	local := false
	for k := range w.Scenario.Storage {
		local = local || w.Scenario.Storage[k].ID == store && w.Scenario.Storage[k].Kind == "nvme"
	}
	var out []topology.NodeID
	for h := first; h < first+count; h++ {
		if local || nics == 0 {
			out = append(out, f.Graph.HostChips(group, h)[0])
		} else {
			out = append(out, f.Graph.HostNICs(group, h)...)
		}
	}
	return out
}

// groupNodes is the nodes that one data-parallel replica spans.
func groupNodes(p *Placed, perNode int) int {
	cut := p.Parallelism.Tensor * p.Parallelism.Pipeline * p.Parallelism.Context
	return max(1, (cut+perNode-1)/perNode)
}

func (f *Future) addCampaign(i int, faults cluster.Faults, transfers *[]cluster.Transfer) error {
	w, p, step := f.World, &f.World.Placed[i], f.Steps[i]
	t := cluster.Training{ID: p.ID, FirstNode: p.FirstNode, Nodes: p.NodeCount, GroupNodes: groupNodes(p, w.Server.AcceleratorCount), StepSec: step.Seconds, MaxSteps: math.Inf(1), HorizonSec: math.Inf(1), StartSec: faults.RestartSec + w.Scenario.Provision.chain().ReadySec(p.NodeCount), Input: -1, Faults: faults}
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
	p := &f.World.Placed[i]
	own := serverPool{id: p.ID, config: p.Serving, nodes: p.NodeCount, perNode: f.World.Server.AcceleratorCount, device: f.Device}
	if p.LoadFrom != "" {
		own.ports = f.ports(i, p.LoadFrom)
	}
	if err := f.moveAdapter(i, transfers); err != nil {
		return err
	}
	if p.Prefill == nil {
		return f.addReplicas(i, own, faults, transfers)
	}
	prompts := f.promptPool(i, &own)
	if err := f.addReplicas(i, own, faults, transfers); err != nil {
		return err
	}
	return f.addReplicas(i, prompts, faults, transfers)
}

// serverPool is nodes that carry alike replicas of a service.
type serverPool struct {
	id             string
	config         *serving.Config
	nodes, perNode int
	device         *hardware.Device
	ports          []topology.NodeID // that its weights come through
}

// addReplicas adds the replicas of a service on one pool of nodes.
func (f *Future) addReplicas(i int, pool serverPool, faults cluster.Faults, transfers *[]cluster.Transfer) error {
	w, p, c := f.World, &f.World.Placed[i], pool.config
	per := float64(pool.perNode) / float64(c.ReplicaChips()) * float64(max(1, p.each))
	s := cluster.Service{ID: pool.id, FirstNode: p.FirstNode, Nodes: pool.nodes, Replicas: c.Replicas, ReplicasPerNode: per, HorizonSec: p.Requests.HorizonSec(), Load: -1, Reload: -1,
		Warm: p.Warm, InitSec: initSec(p.Arch.Params()), Faults: faults}
	if p.With != "" { // its nodes fail with their host
		s.Faults = cluster.Faults{}
	}
	if p.Arch.Generic != nil {
		s.InitSec = 0
	}
	if p.LoadFrom != "" {
		weights := p.Arch.WeightBytes(p.DType)
		clients := pool.ports
		each := 0.0
		if pool.device.HostBytesPerSec > 0 {
			each = pool.device.HostBytesPerSec * float64(pool.nodes*pool.perNode) / float64(len(clients))
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
