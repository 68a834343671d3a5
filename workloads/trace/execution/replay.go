package execution

import (
	"fmt"
	"math"
	"strings"

	"aisim/hardware"
	"aisim/sim"
	"aisim/topology"
	"aisim/topology/collective"
)

// Machine is what a trace is played on.
type Machine struct {
	Device *hardware.Device  // chip to time compute for; nil: as recorded
	From   *hardware.Device  // chip that the trace was recorded on; nil: as Device
	Comm   *collective.Comm  // fabric; nil: communication keeps its recorded time
	Chips  []topology.NodeID // by rank
	Host   float64           // speed of the host over the recorded one; 0: 1
}

// Span is a stretch of a rank's time that a node took.
type Span struct {
	Rank, Node     int32
	StartNs, EndNs int64
}

// RankTime is how a rank's time went, in nanoseconds.
type RankTime struct {
	EndNs     int64
	ComputeNs int64 // some stream of the device computed
	CommNs    int64 // it communicated, waiting for others included
	ExposedNs int64 // it communicated and computed nothing
	HostNs    int64 // some thread of the host worked
}

// OpTime is what the calls of an operation took together, waiting left out.
type OpTime struct {
	Op    string
	Calls int
	Bytes float64
	Ns    int64
}

// Result is a replay.
type Result struct {
	TotalNs  int64
	Ranks    []RankTime
	Ops      []OpTime
	WorkNs   [numWorks]int64 // compute of all ranks by kind of work
	Spans    []Span          // of the ranks asked for
	Warnings []Warning
}

// WorkName is the name of a kind of work in Result.WorkNs.
func WorkName(i int) string { return workNames[i] }

// class is what a slot is for.
type class uint8

const (
	classHost class = iota
	classCompute
	classComm
	numClasses
)

// slot is a thread or stream of a rank: at most one node at a time.
type slot struct {
	class class
	busy  bool
	ready []int32 // heap of places of nodes
}

// rankState is a rank in the middle of a replay.
type rankState struct {
	r       *Rank
	waiting []int32
	next    []int32
	first   []int32
	slots   []slot
	at      []uint16 // slot of each node
	begun   []int64  // where spans are kept
	calls   []int32  // priced collectives begun, by group
	active  [numClasses]int32
	changed int64
	time    RankTime
	done    int
}

// finish is a node that ends.
type finish struct {
	at   int64
	rank int32
	node int32
}

// meeting is a collective that waits for its ranks.
type meeting struct {
	from  []finish // who waits, since when
	bytes float64
}

// half is a message whose other half is not there yet.
type half struct {
	rank, node int32
	at         int64 // arrival of what was sent, or when the receiver was ready
}

type player struct {
	t        *Trace
	m        *Machine
	ranks    []rankState
	events   sim.PriorityQueue[finish]
	members  []int       // ranks of the trace in each group
	meetings [][]meeting // by group
	sent     map[route][]half
	awaited  map[route][]half
	pricer   pricer
	result   *Result
	record   map[int32]bool
	now      int64
	err      error
}

// Replay plays a trace. record are the numbers of ranks whose spans are kept.
func (t *Trace) Replay(m Machine, record ...int32) (*Result, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	pl := &player{t: t, m: &m, result: &Result{}, record: map[int32]bool{}, sent: map[route][]half{}, awaited: map[route][]half{}, pricer: newPricer(t, &m)}
	for _, r := range record {
		pl.record[r] = true
	}
	index := t.index()
	for g, counts := range t.census() {
		pl.members = append(pl.members, len(t.members(g, counts, index)))
	}
	pl.meetings = make([][]meeting, len(t.Groups))
	pl.ranks = make([]rankState, len(t.Ranks))
	for i := range pl.ranks {
		if err := pl.ranks[i].begin(&t.Ranks[i], len(t.Groups)); err != nil {
			return nil, err
		}
		if pl.record[t.Ranks[i].Index] {
			pl.ranks[i].begun = make([]int64, len(t.Ranks[i].Nodes))
		}
	}
	for i := range pl.ranks {
		s := &pl.ranks[i]
		for k := range s.r.Nodes {
			if s.waiting[k] == 0 {
				pl.wake(int32(i), int32(k))
			}
		}
	}
	for i := range pl.ranks {
		pl.dispatch(int32(i))
	}
	for len(pl.events) > 0 && pl.err == nil {
		f := pl.events.Pop()
		pl.now = f.at
		pl.end(f)
	}
	if pl.err != nil {
		return nil, pl.err
	}
	return pl.sum()
}

func (s *rankState) begin(r *Rank, groups int) error {
	s.r = r
	s.next, s.first = r.followers()
	s.waiting = make([]int32, len(r.Nodes))
	s.at = make([]uint16, len(r.Nodes))
	s.calls = make([]int32, groups)
	type key struct {
		class  class
		stream int32
	}
	slots := map[key]uint16{}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		s.waiting[i] = n.Len
		k := key{n.class(), n.Stream}
		if n.Stream >= 0 && k.class == classComm {
			k.class = classCompute // a stream of the device holds both
		}
		at, ok := slots[k]
		if !ok {
			if len(slots) >= math.MaxUint16 {
				return &Error{File: r.Name, Msg: fmt.Sprintf("more than %d threads and streams", math.MaxUint16)}
			}
			at = uint16(len(slots))
			slots[k] = at
			s.slots = append(s.slots, slot{class: k.class})
		}
		s.at[i] = at
	}
	return nil
}

func (n *Node) class() class {
	switch {
	case n.Kind == Collective || n.Kind == Send || n.Kind == Recv:
		return classComm
	case n.Host || n.Kind == Metadata || n.Kind == Unknown:
		return classHost
	}
	return classCompute
}

// wake puts a node that waits for nothing more into the queue of its slot; a receive
// begins at once, because it holds none.
func (pl *player) wake(rank, node int32) {
	s := &pl.ranks[rank]
	n := &s.r.Nodes[node]
	if n.Kind == Recv {
		pl.receive(rank, node)
		return
	}
	sl := &s.slots[s.at[node]]
	sl.ready = pushPlace(sl.ready, node)
}

// dispatch starts what can start on a rank's free slots.
func (pl *player) dispatch(rank int32) {
	s := &pl.ranks[rank]
	for i := range s.slots {
		sl := &s.slots[i]
		if sl.busy || len(sl.ready) == 0 {
			continue
		}
		var node int32
		node, sl.ready = popPlace(sl.ready)
		sl.busy = true
		pl.start(rank, node)
	}
}

// start begins a node that holds its slot.
func (pl *player) start(rank, node int32) {
	s := &pl.ranks[rank]
	n := &s.r.Nodes[node]
	pl.turn(s, n.class(), +1)
	if s.begun != nil {
		s.begun[node] = pl.now + n.LeadNs
	}
	switch {
	case n.Kind == Collective && n.Priced:
		pl.meet(rank, node)
	case n.Kind == Send:
		sec, err := pl.pricer.message(rank, n)
		pl.fail(err)
		arrive := pl.now + sec
		pl.events.Push(finish{arrive, rank, node})
		at := n.route(s.r.Index)
		if w := pl.awaited[at]; len(w) > 0 {
			pl.awaited[at] = w[1:]
			pl.events.Push(finish{max(arrive, w[0].at), w[0].rank, w[0].node})
		} else {
			pl.sent[at] = append(pl.sent[at], half{at: arrive})
		}
	default:
		ns := pl.pricer.compute(n)
		pl.events.Push(finish{pl.now + n.LeadNs + ns, rank, node})
		if n.Kind == Compute {
			pl.result.WorkNs[n.Work] += ns
		}
	}
}

func (pl *player) receive(rank, node int32) {
	s := &pl.ranks[rank]
	n := &s.r.Nodes[node]
	pl.turn(s, classComm, +1)
	if s.begun != nil {
		s.begun[node] = pl.now
	}
	at := n.route(s.r.Index)
	if len(pl.ranks) == 1 {
		sec, err := pl.pricer.message(rank, n)
		pl.fail(err)
		pl.events.Push(finish{pl.now + sec, rank, node})
		return
	}
	if m := pl.sent[at]; len(m) > 0 {
		pl.sent[at] = m[1:]
		pl.events.Push(finish{max(pl.now, m[0].at), rank, node})
		return
	}
	pl.awaited[at] = append(pl.awaited[at], half{rank, node, pl.now})
}

// meet brings a rank to its next collective of a group.
func (pl *player) meet(rank, node int32) {
	s := &pl.ranks[rank]
	n := &s.r.Nodes[node]
	k := int(s.calls[n.Group])
	s.calls[n.Group]++
	for k >= len(pl.meetings[n.Group]) {
		pl.meetings[n.Group] = append(pl.meetings[n.Group], meeting{})
	}
	m := &pl.meetings[n.Group][k]
	m.from = append(m.from, finish{pl.now, rank, node})
	m.bytes = max(m.bytes, n.Bytes)
	if first := &pl.ranks[m.from[0].rank].r.Nodes[m.from[0].node]; first.Op != n.Op {
		pl.fail(&Error{File: s.r.Name, Msg: fmt.Sprintf("node %d %q: calls %s of group %q where %s calls %s", n.ID, s.r.NameOf(n), n.Op, pl.t.Groups[n.Group].Name, pl.ranks[m.from[0].rank].r.Name, first.Op)})
		return
	}
	if len(m.from) < pl.members[n.Group] {
		return
	}
	ns, err := pl.pricer.collective(n, m.bytes)
	pl.fail(err)
	pl.pricer.count(n.Op, m.bytes, ns)
	for _, f := range m.from {
		pl.events.Push(finish{pl.now + ns, f.rank, f.node})
	}
	m.from = nil
}

func (pl *player) fail(err error) {
	if err != nil && pl.err == nil {
		pl.err = err
	}
}

// turn accounts for a rank's time up to now and counts what is active.
func (pl *player) turn(s *rankState, c class, by int32) {
	dt := pl.now - s.changed
	s.changed = pl.now
	if s.active[classCompute] > 0 {
		s.time.ComputeNs += dt
	}
	if s.active[classHost] > 0 {
		s.time.HostNs += dt
	}
	if s.active[classComm] > 0 {
		s.time.CommNs += dt
		if s.active[classCompute] == 0 {
			s.time.ExposedNs += dt
		}
	}
	s.active[c] += by
}

// end finishes a node and wakes what waited for it.
func (pl *player) end(f finish) {
	s := &pl.ranks[f.rank]
	n := &s.r.Nodes[f.node]
	pl.turn(s, n.class(), -1)
	s.done++
	s.time.EndNs = f.at
	if n.Kind != Recv {
		s.slots[s.at[f.node]].busy = false
	}
	if s.begun != nil {
		pl.result.Spans = append(pl.result.Spans, Span{Rank: s.r.Index, Node: f.node, StartNs: s.begun[f.node], EndNs: f.at})
	}
	for _, k := range s.next[s.first[f.node]:s.first[f.node+1]] {
		if s.waiting[k]--; s.waiting[k] == 0 {
			pl.wake(f.rank, k)
		}
	}
	pl.dispatch(f.rank)
}

// sum checks that all was played, and adds up.
func (pl *player) sum() (*Result, error) {
	var stuck []string
	for i := range pl.ranks {
		s := &pl.ranks[i]
		if s.done < len(s.r.Nodes) {
			stuck = append(stuck, fmt.Sprintf("%s after %d of %d nodes", s.r.Name, s.done, len(s.r.Nodes)))
		}
		pl.result.TotalNs = max(pl.result.TotalNs, s.time.EndNs)
		pl.result.Ranks = append(pl.result.Ranks, s.time)
	}
	if stuck != nil {
		const shown = 3
		return nil, &Error{File: pl.t.Ranks[0].Name, Msg: fmt.Sprintf("%d ranks wait for ever: %s", len(stuck), strings.Join(stuck[:min(shown, len(stuck))], "; "))}
	}
	pl.result.Ops = pl.pricer.ops()
	pl.result.Warnings = pl.pricer.warnings.list
	return pl.result, nil
}
