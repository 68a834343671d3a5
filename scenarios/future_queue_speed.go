package scenarios

import (
	"fmt"
	"math"
	"slices"

	"aisim/topology"
	"aisim/topology/flow"
	"aisim/workloads/jobs"
	"aisim/workloads/training"
)

// queueSpeeds are how fast the queue's jobs run in one node, one leaf, one pod and beyond,
// when they train as a workload of the scenario does: its step on a gang of the queue's mean
// size, in one leaf over that on nodes of two leaves, and of two pods.
//
// Others are on the fabric, too. The rest of each leaf is taken to hold jobs alike, of which
// a share is spread as well; what these put on the links above the leaves on average is
// taken from what the gang may use (max–min fair).
func (f *Future) queueSpeeds(q *Queue, t *jobs.Trace, perNode int) (speed [4]float64, err error) {
	f.Sample.gangs.Lock()
	defer f.Sample.gangs.Unlock()
	i := slices.IndexFunc(f.World.Placed, func(p Placed) bool { return p.ID == q.JobsLike })
	p := &f.World.Placed[i]
	c := p.Training.Parallel
	n := max(2, meanGang(t, perNode), (max(1, c.TP)*max(1, c.PP)*max(1, c.CP)+perNode-1)/perNode)
	n += n % 2
	leaf := *q.LeafNodes
	if n > leaf {
		n = leaf - leaf%2
	}
	if n < 2 {
		return speed, fmt.Errorf("leaves of %d nodes hold no gang of two: jobs_like has nothing to compare", leaf)
	}
	speed = [4]float64{1, 1, 1, 1}
	one, _, err := f.gangStep(i, nodesFrom(n, 0), nil)
	if err != nil {
		return speed, err
	}
	far := []int{leaf, leaf}
	if q.PodLeaves != nil {
		far[1] = leaf * *q.PodLeaves
	}
	for k, other := range far {
		if other+n/2 > f.World.Scenario.Cluster.Nodes {
			speed[2+k] = speed[1+k] // there is no second one
			continue
		}
		nodes := nodesFrom(n/2, 0, other)
		alone, job, err := f.gangStep(i, nodes, nil)
		if err != nil {
			return speed, err
		}
		others, err := f.neighbours(job, alone, q.Neighbours*float64(leaf-n/2)/float64(n/2))
		if err != nil {
			return speed, err
		}
		busy, _, err := f.gangStep(i, nodes, others)
		if err != nil {
			return speed, err
		}
		speed[2+k] = math.Min(1, one.Seconds/busy.Seconds)
	}
	return speed, nil
}

// nodesFrom are n nodes from each of the first ones on.
func nodesFrom(n int, firsts ...int) (out []int) {
	for _, first := range firsts {
		for k := range n {
			out = append(out, first+k)
		}
	}
	return out
}

// meanGang is the mean number of nodes of jobs of several, each as often as it holds GPU
// time.
func meanGang(t *jobs.Trace, perNode int) int {
	sum, weight := 0.0, 0.0
	for i := range t.Jobs {
		j := &t.Jobs[i]
		if nodes := (int(j.GPUs) + perNode - 1) / perNode; nodes > 1 {
			w := j.RunSec * float64(j.GPUs)
			sum, weight = sum+w*float64(nodes), weight+w
		}
	}
	if weight == 0 {
		return 0
	}
	return int(math.Round(sum / weight))
}

// gangStep is a step of the workload's training on the given nodes, with as many samples for
// each of its replicas.
func (f *Future) gangStep(i int, nodes []int, others []flow.Demand) (*training.Step, *training.Job, error) {
	p := &f.World.Placed[i]
	m, err := f.Sample.machineFor(f.Change)
	if err != nil {
		return nil, nil, err
	}
	tm := f.Sample.trainingMachine(i, m, f.Change)
	tm.Chips, tm.NodesCount, tm.Background = nil, len(nodes), others
	for _, n := range nodes {
		tm.Chips = append(tm.Chips, m.graph.HostChips(computeGroup, n)...)
	}
	cfg := f.Sample.Layout(i)
	replicas := cfg.Parallel.DP
	each := len(tm.Chips) / max(1, len(p.Chips)/max(1, replicas))
	if cfg.Parallel.DP = each; each < 1 {
		return nil, nil, fmt.Errorf("%d nodes hold no replica of workload %s, which takes %d chips", len(nodes), p.ID, len(p.Chips)/max(1, replicas))
	}
	cfg.Batch.Global = cfg.Batch.Global / max(1, replicas) * each
	job, err := training.Prepare(cfg, tm)
	if err != nil {
		return nil, nil, err
	}
	step, err := job.Step()
	return step, job, err
}

// neighbours is the steady load of alike jobs on the links above the leaves that the gang
// uses: so many times its own, on average over a step.
func (f *Future) neighbours(job *training.Job, step *training.Step, times float64) ([]flow.Demand, error) {
	bytes, err := job.LinkBytes(step)
	if err != nil || times <= 0 {
		return nil, err
	}
	var out []flow.Demand
	for l, b := range bytes {
		if level := f.Graph.LevelOf(topology.LinkID(l)); b > 0 && level >= topology.LeafLevel {
			out = append(out, flow.Demand{Name: "neighbours", Uses: []flow.Use{{Res: flow.ResourceID(l), Weight: 1}}, RateCapBytesPerSec: times * b / step.Seconds})
		}
	}
	return out, nil
}
