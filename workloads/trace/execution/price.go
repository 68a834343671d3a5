package execution

import (
	"fmt"
	"math"

	"aisim/hardware"
	"aisim/topology"
	"aisim/topology/collective"
)

// pricer times nodes on a machine.
type pricer struct {
	t        *Trace
	m        *Machine
	scale    [numWorks]float64 // recorded time times this
	groups   [][]topology.NodeID
	plans    map[planKey]*collective.Plan
	pairs    map[[2]int32]*collective.Plan
	tally    map[collective.Op]*OpTime
	warnings warnings
}

type planKey struct {
	group int32
	op    collective.Op
}

func newPricer(t *Trace, m *Machine) pricer {
	p := pricer{t: t, m: m, plans: map[planKey]*collective.Plan{}, pairs: map[[2]int32]*collective.Plan{}, tally: map[collective.Op]*OpTime{}, groups: make([][]topology.NodeID, len(t.Groups))}
	p.scale = Retime(m.From, m.Device)
	if m.Host > 0 {
		p.scale[WorkHost] = 1 / m.Host
	}
	return p
}

// Retime are the factors on recorded times of each kind of work from one chip to
// another: the inverse ratio of what the chips' models reach in 16-bit matrix
// products, in streaming memory, and on the link to the host. A chip that is nil
// changes nothing.
func Retime(from, to *hardware.Device) [numWorks]float64 {
	s := [numWorks]float64{1, 1, 1, 1, 1}
	if from == nil || to == nil {
		return s
	}
	const bytes = 1 << 30
	stream := func(d *hardware.Device) float64 { return d.Elementwise(bytes).Sec - d.Elementwise(0).Sec }
	s[WorkMemory] = stream(to) / stream(from)
	s[WorkMatrix] = from.BestGEMM(matrixFormat(from)) / to.BestGEMM(matrixFormat(to))
	if from.HostBytesPerSec > 0 && to.HostBytesPerSec > 0 {
		s[WorkCopy] = from.HostBytesPerSec / to.HostBytesPerSec
	}
	s[WorkCounted] = max(s[WorkMemory], s[WorkMatrix])
	return s
}

func matrixFormat(d *hardware.Device) hardware.DType {
	for _, t := range []hardware.DType{hardware.BF16, hardware.FP16} {
		if d.Peak[t] > 0 {
			return t
		}
	}
	return hardware.FP32
}

// compute is the time of a node that does not communicate, or keeps its recorded time.
func (p *pricer) compute(n *Node) int64 {
	switch {
	case n.Kind == Compute && n.Work == WorkCounted && p.m.Device != nil:
		return nanosec(p.counted(n))
	case n.Kind == Compute:
		return int64(math.Round(float64(n.DurationNs) * p.scale[n.Work]))
	}
	return n.DurationNs
}

// counted asks the chip's model for a node known by operations and bytes.
func (p *pricer) counted(n *Node) float64 {
	d := p.m.Device
	if n.Flops == 0 {
		return d.Elementwise(n.Bytes).Sec
	}
	dt := n.DType
	if d.Peak[dt] == 0 {
		dt = matrixFormat(d)
	}
	return d.Generic(n.Flops, n.Bytes, dt).Sec
}

func nanosec(sec float64) int64 { return int64(math.Round(sec * 1e9)) }

// chip is where a rank runs.
func (p *pricer) chip(rank int32) (topology.NodeID, error) {
	if int(rank) >= len(p.m.Chips) || rank < 0 {
		return 0, fmt.Errorf("rank %d takes part, and the machine has %d chips", rank, len(p.m.Chips))
	}
	return p.m.Chips[rank], nil
}

// group is the chips of a communicator: the ranks that the trace lists, else the first
// of its size, else all ranks.
func (p *pricer) group(g int32) ([]topology.NodeID, error) {
	if p.groups[g] != nil {
		return p.groups[g], nil
	}
	of := &p.t.Groups[g]
	ranks := of.Ranks
	if ranks == nil {
		size := of.Size
		if size == 0 {
			size = max(p.t.World, len(p.t.Ranks))
			if size == 1 {
				size = len(p.m.Chips)
			}
			p.warnings.add(fmt.Sprintf("group %q: the trace does not list its ranks: taken as all %d", of.Name, size), p.t.Ranks[0].Name, 0, of.Name)
		} else if size > 1 && len(p.t.Ranks) != size {
			p.warnings.add(fmt.Sprintf("group %q: the trace does not list its ranks: taken as the first %d", of.Name, size), p.t.Ranks[0].Name, 0, of.Name)
		}
		for r := range size {
			ranks = append(ranks, int32(r))
		}
	}
	chips := make([]topology.NodeID, 0, len(ranks))
	for _, r := range ranks {
		c, err := p.chip(r)
		if err != nil {
			return nil, fmt.Errorf("group %q: %w", of.Name, err)
		}
		chips = append(chips, c)
	}
	p.groups[g] = chips
	return chips, nil
}

// barrierBytes is what a barrier's all-reduce carries.
const barrierBytes = 8

// collective is the time of a call once all ranks are there.
func (p *pricer) collective(n *Node, bytes float64) (int64, error) {
	if p.m.Comm == nil {
		if n.DurationNs == 0 {
			return 0, fmt.Errorf("node %d: a collective without recorded time, and no machine is given", n.ID)
		}
		return n.DurationNs, nil
	}
	key := planKey{n.Group, n.Op}
	plan := p.plans[key]
	if plan == nil {
		chips, err := p.group(n.Group)
		if err != nil {
			return 0, err
		}
		if len(chips) < 2 {
			return 0, nil
		}
		if plan, err = p.m.Comm.Prepare(n.Op, [][]topology.NodeID{chips}, collective.PlanOptions{}); err != nil {
			return 0, fmt.Errorf("node %d: %w", n.ID, err)
		}
		p.plans[key] = plan
	}
	switch {
	case n.Op == collective.Barrier:
		bytes = barrierBytes
	case n.Op == collective.AllGather && (p.t.Format == FormatChakra || p.t.Format == FormatChakraJSON):
		bytes *= float64(len(p.groups[n.Group])) // Chakra counts what a rank gives
	}
	return nanosec(plan.Time(bytes).Sec), nil
}

// message is the time from a send to its arrival.
func (p *pricer) message(rank int32, n *Node) (int64, error) {
	if p.m.Comm == nil || n.Peer < 0 {
		return n.DurationNs, nil
	}
	from, to := p.t.Ranks[rank].Index, n.Peer
	if n.Kind == Recv {
		from, to = to, from
	}
	if from == to {
		return 0, nil
	}
	plan := p.pairs[[2]int32{from, to}]
	if plan == nil {
		a, err := p.chip(from)
		if err != nil {
			return 0, fmt.Errorf("node %d: %w", n.ID, err)
		}
		b, err := p.chip(to)
		if err != nil {
			return 0, fmt.Errorf("node %d: %w", n.ID, err)
		}
		if plan, err = p.m.Comm.Prepare(collective.SendRecv, [][]topology.NodeID{{a, b}}, collective.PlanOptions{}); err != nil {
			return 0, fmt.Errorf("node %d: %w", n.ID, err)
		}
		p.pairs[[2]int32{from, to}] = plan
	}
	ns := nanosec(plan.Time(n.Bytes).Sec)
	if n.Kind == Send {
		p.count(collective.SendRecv, n.Bytes, ns)
	}
	return ns, nil
}

func (p *pricer) count(op collective.Op, bytes float64, ns int64) {
	o := p.tally[op]
	if o == nil {
		o = &OpTime{Op: op.String()}
		p.tally[op] = o
	}
	o.Calls++
	o.Bytes += bytes
	o.Ns += ns
}

// ops are the operations that were called, in the order of their numbers.
func (p *pricer) ops() []OpTime {
	var out []OpTime
	for op := collective.AllReduce; op <= collective.Copy; op++ {
		if o := p.tally[op]; o != nil {
			out = append(out, *o)
		}
	}
	return out
}
