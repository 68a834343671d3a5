package scenarios

import (
	"fmt"
	"math"

	"aisim/cluster/pipeline"
	"aisim/sim"
	"aisim/storage"
	"aisim/topology"
	"aisim/topology/traffic"
)

// Costs of the engines: assumed. Spark on Kubernetes with images cached starts in 10 to
// 30 s, hands a task out in 5 to 10 ms and at most some 3,000 a second; a Beam runner
// brings up virtual machines in 1 to 3 min.
var pipelineEngines = map[string]pipeline.Engine{
	"spark": {StartSec: 15, TaskSec: 0.005, TasksPerSec: 3000},
	"beam":  {StartSec: 120, TaskSec: 0.005, TasksPerSec: 3000},
}

// maxPipelineNodes bounds the nodes of a pool: the messages of a shuffle grow with their
// square.
const maxPipelineNodes = 64

// PlayedPipeline is one pipeline as a future has it. Times are in seconds.
type PlayedPipeline struct {
	*Pipeline
	pipeline.Outcome
	Pool        pipeline.Pool
	IntervalSec float64 // between starts
	CanarySec   float64
	Staleness   float64 // mean age of what the serving model has learnt
	TrainNodes  float64 // node-seconds of the training stages
	PoolNodes   int
}

// Pipelines plays one run of each pipeline of the scenario, on the cluster's nodes and
// stores as this future has them, without the other workloads' traffic.
func (f *Future) Pipelines() ([]PlayedPipeline, error) {
	sc := f.World.Scenario
	var out []PlayedPipeline
	for i := range sc.Pipelines {
		p := &sc.Pipelines[i]
		played, err := f.pipeline(p)
		if err != nil {
			return nil, sc.problemOf("pipeline."+p.ID, err)
		}
		out = append(out, played)
	}
	return out, nil
}

func (f *Future) pipeline(p *Pipeline) (PlayedPipeline, error) {
	out := PlayedPipeline{Pipeline: p, PoolNodes: min(f.World.Scenario.Cluster.Nodes, maxPipelineNodes)}
	if p.Nodes != nil {
		out.PoolNodes = *p.Nodes
	}
	var err error
	if out.Pool, err = f.pool(p, out.PoolNodes); err != nil {
		return out, err
	}
	if err = f.share(p, &out.Pool); err != nil {
		return out, err
	}
	waits, err := f.queuedStages(p)
	if err != nil {
		return out, err
	}
	stages := p.stages(func(id string) float64 {
		for i := range f.World.Placed {
			if f.World.Placed[i].ID == id {
				sec := f.Campaign[i].EndSec
				out.TrainNodes += sec * float64(f.World.Placed[i].NodeCount)
				return sec
			}
		}
		panic("scenarios: invariant: a workload that was checked is missing")
	})
	for i := range stages {
		if w, ok := waits[p.Stages[i].ID]; ok {
			stages[i].Seconds = w
		}
	}
	e := pipelineEngines[p.Engine]
	e.Sigma, e.Speculation = p.Straggler, p.Speculation
	stream := sim.NewStream(f.Sample.seed, "pipeline/"+p.ID)
	out.Outcome = pipeline.Run(stages, e, out.Pool, &stream)

	requests := f.requestsPerSec(p.Serves)
	if (p.Drift != nil || p.Canary != nil) && requests == 0 {
		return out, fmt.Errorf("%s answers no requests, which the drift test and the canary need", p.Serves)
	}
	if out.IntervalSec = p.period(); out.IntervalSec == 0 {
		out.IntervalSec = pipeline.DriftInterval(p.Drift.Samples, p.Drift.PerDay/day, requests, p.Drift.Share)
	}
	if c := p.Canary; c != nil {
		out.CanarySec = pipeline.CanarySec(c.Shares, c.HoldSec, pipeline.CanarySamples(c.Errors, c.Finds), requests)
	}
	if out.Seconds > out.IntervalSec {
		return out, fmt.Errorf("a run takes %.3g h and starts every %.3g h: runs pile up; give it more nodes or start it less often", out.Seconds/hour, out.IntervalSec/hour)
	}
	out.Staleness = pipeline.MeanStaleness(out.IntervalSec, out.Seconds+out.CanarySec)
	return out, nil
}

// pool is what the executors on the first nodes have: cores, what the store delivers to
// them all, and what they exchange all to all.
func (f *Future) pool(p *Pipeline, nodes int) (pipeline.Pool, error) {
	w := f.World
	cores := w.Server.Cores
	if p.Cores != nil {
		cores = *p.Cores
	}
	if cores == 0 {
		return pipeline.Pool{}, fmt.Errorf("the catalogue does not know the cores of %s: give cores", w.Server.ID)
	}
	out := pipeline.Pool{Cores: cores * nodes, ReadBytesPerSec: math.Inf(1), WriteBytesPerSec: math.Inf(1), ShuffleBytesPerSec: math.Inf(1)}
	for k := range w.Scenario.Storage {
		st := &w.Scenario.Storage[k]
		if st.ID != p.Store {
			continue
		}
		var clients []topology.NodeID
		for h := range nodes {
			clients = append(clients, f.hostPorts(h, st.Kind == "nvme")...)
		}
		object := st.ObjectBytes
		if object == 0 {
			object = p.PartitionBytes
		}
		const long = 1e12 // so much of each client that the first operation's latency does not count
		for _, d := range []struct {
			op   storage.Op
			rate *float64
		}{{storage.Read, &out.ReadBytesPerSec}, {storage.Write, &out.WriteBytesPerSec}} {
			phase, err := f.Stores[k].Run(d.op, clients, long, object)
			if err != nil {
				return out, err
			}
			*d.rate = phase.BytesPerSec
		}
	}
	if nodes > 1 {
		// Every port of a node sends to its like on every other node.
		var flows []traffic.Flow
		ports := f.hostPorts(0, false)
		const each = 1e9
		for k := range ports {
			var ends []topology.NodeID
			for h := range nodes {
				ends = append(ends, f.hostPorts(h, false)[k])
			}
			flows = append(flows, traffic.AllToAll(ends, each)...)
		}
		r, err := traffic.Run(f.Graph, flows, traffic.EqualShares, 1)
		if err != nil {
			return out, err
		}
		// Of n nodes each keeps 1/n of what it shuffles, so that n² messages' worth moves.
		out.ShuffleBytesPerSec = float64(len(ports)*nodes*nodes) * each / r.SimulatedSec
	}
	return out, nil
}

// hostPorts are the network ports of a node, or its first chip where it has none or the
// drives are its own.
func (f *Future) hostPorts(h int, local bool) []topology.NodeID {
	if local || f.World.NICs == 0 {
		return f.Graph.HostChips(computeGroup, h)[:1]
	}
	return f.Graph.HostNICs(computeGroup, h)
}

// requestsPerSec is the mean rate of a service's requests, 0 for none.
func (f *Future) requestsPerSec(id string) float64 {
	for i := range f.World.Placed {
		if o := f.Served[i]; f.World.Placed[i].ID == id && o != nil && o.EndSec > o.StartSec {
			return float64(o.Requests) / (o.EndSec - o.StartSec)
		}
	}
	return 0
}
