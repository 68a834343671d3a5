package collective

import (
	"container/heap"
	"fmt"
	"math"

	"aisim/topology"
	"aisim/topology/flow"
)

// Call is one half of a message, as a rank of a program states it.
type Call struct {
	Send  bool // else a receive
	Peer  int  // the other process
	Bytes float64
	Tag   int
}

func (c Call) String() string {
	if c.Send {
		return fmt.Sprintf("send of %g bytes to %d with tag %d", c.Bytes, c.Peer, c.Tag)
	}
	return fmt.Sprintf("receive of %g bytes from %d with tag %d", c.Bytes, c.Peer, c.Tag)
}

// Program is what one process does: rounds of calls that are posted together; a round
// ends when all of its calls have.
type Program struct {
	Rank   topology.NodeID
	Rounds [][]Call
}

// Traffic is what a run of programs came to.
type Traffic struct {
	Sec      float64
	Messages int
}

// message is a matched pair of calls.
type message struct {
	from, to int32
	bytes    float64
}

// starting is a message whose latency is running.
type starting struct {
	sec float64
	seq int
	msg message
}

type startQueue []starting

func (q startQueue) Len() int { return len(q) }
func (q startQueue) Less(i, j int) bool {
	return q[i].sec < q[j].sec || q[i].sec == q[j].sec && q[i].seq < q[j].seq
}
func (q startQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *startQueue) Push(x any)   { *q = append(*q, x.(starting)) }
func (q *startQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// posted is a call that waits for its counterpart.
type postKey struct {
	from, to, tag int
	send          bool
}

type pathKey struct{ from, to topology.NodeID }

type path struct {
	uses    []flow.Use
	wireSec float64
	level   topology.LevelID
}

// run is the state of one run of programs.
type run struct {
	c        *Comm
	programs []Program
	round    []int
	open     []int // calls of the present round that have not ended
	posts    map[postKey][]Call
	paths    map[pathKey]*path
	net      *flow.Net
	flows    map[flow.FlowID]message
	queue    startQueue
	seq      int
	out      Traffic
}

// Run moves every message of the programs over the flow fabric. A message starts when
// both of its ends have called, waits for the latency of its path and one step of the
// Simple protocol, and then moves at its max–min rate. Calls match in order per sender,
// receiver and tag. Programs that cannot go on end with an error that names the call
// that waits and what its peer does instead; one whose ends disagree about the size
// names both.
func (c *Comm) Run(programs []Program) (Traffic, error) {
	r := &run{c: c, programs: programs, round: make([]int, len(programs)), open: make([]int, len(programs)),
		posts: map[postKey][]Call{}, paths: map[pathKey]*path{}, flows: map[flow.FlowID]message{}}
	caps := make([]float64, c.g.NumLinks())
	for id := range caps {
		l := topology.LinkID(id)
		caps[id] = c.g.Capacity(l) * c.efficiency(c.g.LevelOf(l), ringTraffic)
	}
	r.net = flow.NewNet(caps)
	for p := range programs {
		if n := programs[p].Rank; n < 0 || int(n) >= c.g.NumNodes() || c.g.Kind(n) > topology.NIC {
			return r.out, fmt.Errorf("collective: process %d: node %d is neither a chip nor a NIC", p, n)
		}
		r.round[p] = -1
	}
	for p := range programs {
		if err := r.next(p); err != nil {
			return r.out, err
		}
	}
	for {
		at := math.Inf(1)
		if len(r.queue) > 0 {
			at = r.queue[0].sec
		}
		done, _, ok := r.net.NextCompletion()
		switch {
		case len(r.queue) > 0 && (!ok || at < done):
			r.net.Advance(at)
			for len(r.queue) > 0 && r.queue[0].sec <= at {
				if err := r.start(heap.Pop(&r.queue).(starting).msg); err != nil {
					return r.out, err
				}
			}
		case ok:
			for _, d := range append([]flow.Completion(nil), r.net.Advance(done)...) {
				m := r.flows[d.Flow]
				delete(r.flows, d.Flow)
				if err := r.end(m, d.Sec); err != nil {
					return r.out, err
				}
			}
		default:
			return r.out, r.stuck()
		}
	}
}

// next begins the following round of a process, if there is one.
func (r *run) next(p int) error {
	for {
		r.round[p]++
		if r.round[p] >= len(r.programs[p].Rounds) {
			return nil
		}
		calls := r.programs[p].Rounds[r.round[p]]
		if len(calls) == 0 {
			continue
		}
		r.open[p] = len(calls)
		for _, call := range calls {
			if err := r.post(p, call); err != nil {
				return err
			}
		}
		return nil
	}
}

// post matches a call with its counterpart, or lets it wait.
func (r *run) post(p int, call Call) error {
	if call.Peer < 0 || call.Peer >= len(r.programs) || call.Peer == p {
		return fmt.Errorf("collective: process %d: %s: there is no such peer among %d", p, call, len(r.programs))
	}
	if !(call.Bytes > 0) || math.IsInf(call.Bytes, 1) {
		return fmt.Errorf("collective: process %d: %s: the size must be positive and finite", p, call)
	}
	from, to := p, call.Peer
	if !call.Send {
		from, to = to, from
	}
	other := postKey{from, to, call.Tag, !call.Send}
	waiting := r.posts[other]
	if len(waiting) == 0 {
		mine := postKey{from, to, call.Tag, call.Send}
		r.posts[mine] = append(r.posts[mine], call)
		return nil
	}
	if len(waiting) == 1 {
		delete(r.posts, other)
	} else {
		r.posts[other] = waiting[1:]
	}
	if waiting[0].Bytes != call.Bytes {
		return fmt.Errorf("collective: process %d: %s meets process %d: %s: the sizes differ", p, call, call.Peer, waiting[0])
	}
	way, err := r.path(from, to)
	if err != nil {
		return err
	}
	l := r.c.class(way.level)
	r.out.Messages++
	r.seq++
	heap.Push(&r.queue, starting{r.net.Now() + way.wireSec + l.StepSec + l.HopSec, r.seq, message{int32(from), int32(to), call.Bytes}})
	return nil
}

func (r *run) path(from, to int) (*path, error) {
	k := pathKey{r.programs[from].Rank, r.programs[to].Rank}
	if way := r.paths[k]; way != nil {
		return way, nil
	}
	way := &path{level: topology.NICLevel}
	if d := r.c.g.Domain(k.from); d >= 0 && d == r.c.g.Domain(k.to) {
		way.level = topology.ScaleUpLevel
	}
	if k.from != k.to {
		shares, lat, err := r.c.g.Route(k.from, k.to, 0, nil)
		if err != nil {
			return nil, err
		}
		way.wireSec = lat
		for _, s := range shares {
			way.uses = append(way.uses, flow.Use{Res: flow.ResourceID(s.Link), Weight: s.Fraction})
		}
	}
	r.paths[k] = way
	return way, nil
}

// start puts a message on the fabric.
func (r *run) start(m message) error {
	way, err := r.path(int(m.from), int(m.to))
	if err != nil {
		return err
	}
	if len(way.uses) == 0 {
		return r.end(m, r.net.Now())
	}
	id, err := r.net.Add(flow.Demand{Uses: way.uses, Bytes: m.bytes})
	if err != nil {
		return fmt.Errorf("collective: message from process %d to %d: %w", m.from, m.to, err)
	}
	r.flows[id] = m
	return nil
}

// end closes both halves of a message.
func (r *run) end(m message, sec float64) error {
	r.out.Sec = max(r.out.Sec, sec)
	for _, p := range []int32{m.from, m.to} {
		r.open[p]--
		if r.open[p] == 0 {
			if err := r.next(int(p)); err != nil {
				return err
			}
		}
	}
	return nil
}

// stuck is nil when every program has ended, else it names a call that waits for ever.
func (r *run) stuck() error {
	for p := range r.programs {
		if r.round[p] >= len(r.programs[p].Rounds) {
			continue
		}
		for _, call := range r.programs[p].Rounds[r.round[p]] {
			from, to := p, call.Peer
			if !call.Send {
				from, to = to, from
			}
			if len(r.posts[postKey{from, to, call.Tag, call.Send}]) == 0 {
				continue
			}
			return fmt.Errorf("collective: process %d waits for ever in round %d in its %s: process %d %s", p, r.round[p], call, call.Peer, r.instead(call.Peer))
		}
	}
	return nil
}

// instead says what a process does at the end of all events.
func (r *run) instead(p int) string {
	if r.round[p] >= len(r.programs[p].Rounds) {
		return "has ended its program"
	}
	for _, call := range r.programs[p].Rounds[r.round[p]] {
		from, to := p, call.Peer
		if !call.Send {
			from, to = to, from
		}
		if len(r.posts[postKey{from, to, call.Tag, call.Send}]) > 0 {
			return fmt.Sprintf("waits in round %d in its %s", r.round[p], call)
		}
	}
	return fmt.Sprintf("is in round %d", r.round[p])
}
