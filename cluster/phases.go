package cluster

import (
	"fmt"
	"math"

	"aisim/topology"
	"aisim/topology/flow"
)

// Mix is the set of bulk transfers that move at the same moment, a bit each.
type Mix uint64

// MaxTransfers is the number of kinds of bulk transfer that one world can hold.
const MaxTransfers = 64

// Transfer is one kind of bulk movement of bytes that a workload can have under way:
// a checkpoint, a restore, the steady reading of input, the load of weights.
type Transfer struct {
	Name    string        // "pretrain.checkpoint"
	Demands []flow.Demand // a class of alike clients each; all clients move equal bytes
	Bytes   float64       // moved by one occurrence, all clients together; 0 for a steady stream
}

// clients is the number of flows of all classes.
func (t *Transfer) clients() float64 {
	n := 0.0
	for i := range t.Demands {
		n += float64(max(1, t.Demands[i].Count))
	}
	return n
}

// Phase is what every transfer reaches while one Mix is in motion.
type Phase struct {
	BytesPerSec []float64                   // by transfer, all its clients together; 0 outside the mix
	Use         [topology.NumLevels]float64 // mean share of each fabric level's capacity that bulk transfers take
}

// Phases solves and remembers the rates of every mix that occurs. It is not safe for
// concurrent use; each simulated future has its own.
type Phases struct {
	graph     *topology.Graph
	base      *flow.Net
	transfers []Transfer
	memo      map[Mix]*Phase // looked up by key only, never walked
}

// NewPhases makes the table for one set of transfers. base holds the fabric's links
// (under their own numbers) and the stores' capacities, and no flows.
func NewPhases(g *topology.Graph, base *flow.Net, transfers []Transfer) (*Phases, error) {
	if len(transfers) > MaxTransfers {
		return nil, fmt.Errorf("cluster: %d kinds of bulk transfer, at most %d can be told apart", len(transfers), MaxTransfers)
	}
	for _, t := range transfers {
		if len(t.Demands) == 0 {
			return nil, fmt.Errorf("cluster: transfer %q has no clients", t.Name)
		}
	}
	return &Phases{graph: g, base: base, transfers: transfers, memo: map[Mix]*Phase{}}, nil
}

// Transfer is the i-th kind.
func (p *Phases) Transfer(i int) *Transfer { return &p.transfers[i] }

// Alone is the rate of one transfer with nothing else in motion, in bytes per second.
func (p *Phases) Alone(i int) (float64, error) {
	ph, err := p.At(1 << i)
	if err != nil {
		return 0, err
	}
	return ph.BytesPerSec[i], nil
}

// At solves one mix, or remembers it. Since all clients of a transfer move equal bytes
// and the transfer is over when the last of them is done, its rate is that of its
// slowest class times the number of clients.
func (p *Phases) At(m Mix) (*Phase, error) {
	if ph := p.memo[m]; ph != nil {
		return ph, nil
	}
	ph := &Phase{BytesPerSec: make([]float64, len(p.transfers))}
	var ids []flow.FlowID
	var owner []int
	for i := range p.transfers {
		if m&(1<<i) == 0 {
			continue
		}
		for _, d := range p.transfers[i].Demands {
			d.Bytes = math.Inf(1)
			id, err := p.base.Add(d)
			if err != nil {
				return nil, fmt.Errorf("cluster: transfer %q: %w", p.transfers[i].Name, err)
			}
			ids, owner = append(ids, id), append(owner, i)
		}
		ph.BytesPerSec[i] = math.Inf(1)
	}
	for k, id := range ids {
		i := owner[k]
		ph.BytesPerSec[i] = min(ph.BytesPerSec[i], p.base.Rate(id)*p.transfers[i].clients())
	}
	var used, total [topology.NumLevels]float64
	for l := range p.graph.NumLinks() {
		id := topology.LinkID(l)
		capacity, level := p.graph.Capacity(id), p.graph.LevelOf(id)
		total[level] += capacity
		used[level] += p.base.Utilisation(flow.ResourceID(l)) * capacity
	}
	for l := range used {
		if total[l] > 0 {
			ph.Use[l] = used[l] / total[l]
		}
	}
	for _, id := range ids {
		p.base.Remove(id)
	}
	for i := range p.transfers {
		if m&(1<<i) != 0 && ph.BytesPerSec[i] <= 0 {
			return nil, fmt.Errorf("cluster: transfer %q gets no bandwidth at all: a store or a link on its way has no capacity", p.transfers[i].Name)
		}
	}
	p.memo[m] = ph
	return ph, nil
}

// stepSec is the time of a training step during a phase: replicas that are missing
// leave their work to the others (scale), the part that waits for a level of the fabric is
// stretched by the share that bulk transfers leave of it, and no step is shorter than
// the reading of its input.
func (t *Training) stepSec(ph *Phase, scale float64) (step, forInput float64) {
	step = t.StepSec * scale
	for l, sec := range t.ExposedSec {
		step += sec * (1/(1-min(ph.Use[l], 0.95)) - 1)
	}
	if t.Input >= 0 && t.InputBytesPerStep > 0 {
		if in := t.InputBytesPerStep / ph.BytesPerSec[t.Input]; in > step {
			return in, in - step
		}
	}
	return step, 0
}
