package scenarios

import (
	"fmt"
	"slices"

	"aisim/cluster"
	"aisim/cluster/pipeline"
	"aisim/storage"
	"aisim/topology"
	"aisim/workloads/jobs"
)

// chore is periodic work of the scenario, and where its outcome is.
type chore struct {
	pipeline, data string // whose, by id
	ops            []storage.Op
	bytes          []float64
}

// period is the time between two starts of a pipeline, 0 where drift starts it.
func (p *Pipeline) period() float64 {
	switch {
	case p.EverySec != nil:
		return *p.EverySec
	case p.DataBytes != nil:
		return *p.DataBytes / *p.IngestRate
	}
	return 0
}

// addChores puts beside the workloads what moves bytes again and again: pipelines that
// share the machine, and the scans of data sets for records to erase.
func (f *Future) addChores(transfers *[]cluster.Transfer) error {
	sc := f.World.Scenario
	add := func(c chore, everySec float64, moves ...cluster.Transfer) {
		var ids []int
		for _, t := range moves {
			ids = append(ids, len(*transfers))
			*transfers = append(*transfers, t)
			c.bytes = append(c.bytes, t.Bytes)
		}
		f.chores = append(f.chores, c)
		f.Cluster.Periodic = append(f.Cluster.Periodic, cluster.Periodic{ID: c.pipeline + c.data, Transfers: ids, EverySec: everySec})
	}
	for i := range sc.Pipelines {
		p := &sc.Pipelines[i]
		if !p.Shares {
			continue
		}
		nodes := min(sc.Cluster.Nodes, maxPipelineNodes)
		if p.Nodes != nil {
			nodes = *p.Nodes
		}
		pool, err := f.pool(p, nodes)
		if err != nil {
			return sc.problemOf("pipeline."+p.ID, err)
		}
		var read, write, coreSec float64
		for _, s := range p.Stages {
			read, write = read+s.ReadBytes, write+s.WriteBytes
			if s.RatePerCore != nil {
				coreSec += s.ReadBytes / *s.RatePerCore
			}
		}
		c, moves := chore{pipeline: p.ID}, []cluster.Transfer(nil)
		for _, m := range []struct {
			op    storage.Op
			bytes float64
		}{{storage.Read, read}, {storage.Write, write}} {
			if m.bytes == 0 {
				continue
			}
			clients := f.firstPorts(p.Store, nodes)
			most := 0.0 // cores read no faster than they work
			if m.op == storage.Read && coreSec > 0 {
				most = float64(pool.Cores) * read / coreSec / float64(len(clients))
			}
			t, err := f.bulk(p.Store, p.ID+" "+m.op.String(), m.op, clients, m.bytes, most)
			if err != nil {
				return err
			}
			c.ops, moves = append(c.ops, m.op), append(moves, t)
		}
		if len(moves) > 0 {
			add(c, p.period(), moves...)
		}
	}
	for i := range sc.Data {
		d := &sc.Data[i]
		if d.Store == "" || d.EraseEverySec == nil || d.SizeBytes == nil || d.SubjectKeys {
			continue
		}
		t, err := f.bulk(d.Store, d.ID+" erasure scan", storage.Read, f.ports(0, d.Store), *d.SizeBytes, 0)
		if err != nil {
			return err
		}
		add(chore{data: d.ID, ops: []storage.Op{storage.Read}}, *d.EraseEverySec, t)
	}
	return nil
}

// firstPorts are the ports of the first nodes towards a store.
func (f *Future) firstPorts(store string, nodes int) []topology.NodeID {
	var out []topology.NodeID
	for h := range nodes {
		out = append(out, f.hostPorts(h, f.storeKind(store) == "nvme")...)
	}
	return out
}

func (f *Future) storeKind(id string) string {
	for k := range f.World.Scenario.Storage {
		if f.World.Scenario.Storage[k].ID == id {
			return f.World.Scenario.Storage[k].Kind
		}
	}
	return ""
}

// bulk is a transfer of bytes between clients and a store that belongs to no workload.
func (f *Future) bulk(store, name string, op storage.Op, clients []topology.NodeID, bytes, mostEach float64) (cluster.Transfer, error) {
	k := slices.IndexFunc(f.World.Scenario.Storage, func(s Storage) bool { return s.ID == store })
	demands, err := f.Stores[k].Demand(op, clients, f.objectBytes(store))
	if err != nil {
		return cluster.Transfer{}, f.World.Scenario.problemOf("storage."+store, err)
	}
	f.encrypt(k, op, demands, 1, len(clients), f.objectBytes(store))
	for i := range demands {
		if d := &demands[i]; mostEach > 0 && (d.RateCapBytesPerSec == 0 || d.RateCapBytesPerSec > mostEach) {
			d.RateCapBytesPerSec = mostEach
		}
	}
	return cluster.Transfer{Name: name, Demands: demands, Bytes: bytes}, nil
}

// share slows a pool's reading and writing as much as its transfers were slowed beside
// the workloads.
func (f *Future) share(p *Pipeline, pool *pipeline.Pool) error {
	for i, c := range f.chores {
		o := f.Outcome.Periodic[i]
		if c.pipeline != p.ID || o.Runs == 0 {
			continue
		}
		for k, id := range f.Cluster.Periodic[i].Transfers {
			alone, err := f.Cluster.Phases.Alone(id)
			if err != nil {
				return err
			}
			slow := c.bytes[k] / alone / o.MovedSec[k]
			if c.ops[k] == storage.Read {
				pool.ReadBytesPerSec *= slow
			} else {
				pool.WriteBytesPerSec *= slow
			}
		}
	}
	return nil
}

// ErasureScan is a data set that is read again and again for records to erase.
type ErasureScan struct {
	Data            string
	EverySec, Bytes float64
	Runs            int
	MeanSec         float64 // of a scan beside everything else
}

// ErasureScans are those of the scenario that ended within the period.
func (f *Future) ErasureScans() []ErasureScan {
	var out []ErasureScan
	for i, c := range f.chores {
		if o := f.Outcome.Periodic[i]; c.data != "" && o.Runs > 0 {
			out = append(out, ErasureScan{Data: c.data, EverySec: f.Cluster.Periodic[i].EverySec, Bytes: c.bytes[0], Runs: o.Runs, MeanSec: o.MovedSec[0]})
		}
	}
	return out
}

// queuedStages is the mean time from submission to end of the stages of a pipeline that are
// jobs of queues.
func (f *Future) queuedStages(p *Pipeline) (map[string]float64, error) {
	out := map[string]float64{} // looked up by key only
	for i := range f.World.Scenario.Queues {
		q := &f.World.Scenario.Queues[i]
		if !slices.ContainsFunc(p.Stages, func(s PipelineStage) bool { return s.Queue == q.ID }) {
			continue
		}
		played, err := f.queue(q, f.Sample.seed)
		if err != nil {
			return nil, err
		}
		for _, s := range played.Stages {
			if s.Pipeline == p.ID && s.Jobs == 0 {
				return nil, fmt.Errorf("no run starts while jobs come into queue %s: start the pipeline more often", q.ID)
			}
			if s.Pipeline == p.ID {
				out[s.Stage] = s.MeanSec
			}
		}
	}
	return out, nil
}

// QueuedStage is what a queue made of a stage of a pipeline.
type QueuedStage struct {
	Pipeline, Stage string
	Jobs            int
	MeanSec         float64 // from submission to end
}

// submit adds the stages of pipelines that are jobs of the queue to its trace, and returns
// which jobs they are.
func (sc *Scenario) submit(q *Queue, t *jobs.Trace) ([]QueuedStage, [][]int, error) {
	var stages []QueuedStage
	var owner []int // of the added jobs, by position
	added := t.Jobs[:len(t.Jobs):len(t.Jobs)]
	last := t.Jobs[len(t.Jobs)-1].SubmitSec
	for i := range sc.Pipelines {
		p := &sc.Pipelines[i]
		for _, s := range p.Stages {
			if s.Queue != q.ID {
				continue
			}
			every := p.period()
			if last/every > maxQueueJobs {
				return nil, nil, fmt.Errorf("pipeline %s submits %.0f jobs: want at most %d", p.ID, last/every, maxQueueJobs)
			}
			tenant := slices.Index(t.Tenants, p.ID)
			if tenant < 0 {
				tenant = len(t.Tenants)
				t.Tenants = append(t.Tenants, p.ID)
			}
			for at := every; at <= last; at += every {
				added = append(added, jobs.Job{SubmitSec: at, RunSec: *s.Seconds, GPUs: int32(*s.GPUs), Tenant: int32(tenant)})
				owner = append(owner, len(stages))
			}
			stages = append(stages, QueuedStage{Pipeline: p.ID, Stage: s.ID})
		}
	}
	if len(stages) == 0 {
		return nil, nil, nil
	}
	order := make([]int, len(added))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := added[a].SubmitSec, added[b].SubmitSec; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	first := len(t.Jobs)
	t.Jobs = make([]jobs.Job, len(added))
	at := make([][]int, len(stages))
	for i, k := range order {
		t.Jobs[i] = added[k]
		if k >= first {
			at[owner[k-first]] = append(at[owner[k-first]], i)
		}
	}
	return stages, at, nil
}
