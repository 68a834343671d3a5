package traffic

import (
	"fmt"
	"math"
	"slices"

	"aisim/topology"
	"aisim/topology/flow"
)

// Ring plays a ring all-reduce of so many bytes, message by message, by the flow model.
// Ranks are the hosts in their order.
func Ring(g *topology.Graph, hosts []topology.NodeID, bytes float64, fair Fairness, workers int) (*Result, error) {
	n := len(hosts)
	if n < 2 {
		return nil, fmt.Errorf("traffic: a ring of %d ranks has no messages", n)
	}
	chunk := math.Floor(bytes / float64(n))
	if !(chunk >= 1) || math.IsInf(bytes, 0) {
		return nil, fmt.Errorf("traffic: %g bytes cannot be cut into %d chunks of at least one byte", bytes, n)
	}
	flows := make([]Flow, n)
	for i := range flows {
		flows[i] = Flow{Src: hosts[i], Dst: hosts[(i+1)%n], Bytes: chunk}
	}
	p, err := layPaths(g, flows, workers)
	if err != nil {
		return nil, err
	}
	r := ring{
		n: n, steps: int32(2 * (n - 1)), net: flow.FromGraph(g), paths: p, fair: fair, chunk: chunk, tally: newTally(n),
		step: make([]int32, n), waits: make([]int8, n), start: make([]float64, n), message: make([]int32, n), finish: make([]float64, n),
	}
	r.net.Reserve(n, len(p.uses))
	return r.run()
}

// ring is the state of all ranks. Rank i sends to rank i+1; its message of a step is
// waiting for nobody, for itself or for its right neighbour to enter that step.
type ring struct {
	n     int
	steps int32
	net   *flow.Net
	paths paths
	fair  Fairness
	chunk float64
	lanes []lane
	tally

	step    []int32   // that the rank is in
	waits   []int8    // messages of this step, own and left neighbour's, still to arrive
	start   []float64 // of the rank's message in flight
	message []int32   // rank by FlowID
	finish  []float64 // of each rank
	laneOf  []int32   // of each rank's path
}

// lane is a queue of messages on paths of one latency: what starts later enters the
// network later, so a FIFO is a priority queue.
type lane struct {
	latencySec float64
	enter      []float64 // a circle of n
	rank       []int32
	head, size int
}

func (l *lane) push(rank int32, enter float64) {
	at := l.head + l.size
	if at >= len(l.rank) {
		at -= len(l.rank)
	}
	l.enter[at], l.rank[at] = enter, rank
	l.size++
}

// makeLanes sorts the ranks' paths into lanes by their latency.
func (r *ring) makeLanes() {
	kinds := slices.Clone(r.paths.latencySec)
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	r.laneOf = make([]int32, r.n)
	size := make([]int, len(kinds))
	for i, lat := range r.paths.latencySec {
		k, _ := slices.BinarySearch(kinds, lat)
		r.laneOf[i] = int32(k)
		size[k]++
	}
	r.lanes = make([]lane, len(kinds))
	for k := range r.lanes {
		r.lanes[k] = lane{latencySec: kinds[k], enter: make([]float64, size[k]), rank: make([]int32, size[k])}
	}
}

func (r *ring) run() (*Result, error) {
	r.makeLanes()
	for i := range r.n {
		r.waits[i] = 2
	}
	for i := range r.n {
		r.send(int32(i), 0)
	}
	for {
		next, at := -1, math.Inf(1)
		for k := range r.lanes {
			if l := &r.lanes[k]; l.size > 0 && l.enter[l.head] < at {
				next, at = k, l.enter[l.head]
			}
		}
		if sec, _, ok := r.net.NextCompletion(); ok && sec <= at {
			for _, c := range r.net.Advance(sec) {
				r.arrived(r.message[c.Flow], c.Sec)
			}
			continue
		}
		if next < 0 {
			break
		}
		r.net.Advance(at)
		// Everything that enters at this instant is solved at once.
		for k := range r.lanes {
			l := &r.lanes[k]
			for l.size > 0 && l.enter[l.head] <= at {
				if err := r.enter(l.rank[l.head]); err != nil {
					return nil, err
				}
				if l.head++; l.head == len(l.rank) {
					l.head = 0
				}
				l.size--
			}
		}
	}
	if r.net.Flows() > 0 || r.Messages != uint64(r.n)*uint64(r.steps) {
		return nil, fmt.Errorf("traffic: the ring stops after %d of %d messages: a path has no capacity", r.Messages, uint64(r.n)*uint64(r.steps))
	}
	r.FirstSec = slices.Min(r.finish)
	return r.result(), nil
}

// send starts rank i's message of its step: its latency runs.
func (r *ring) send(i int32, now float64) {
	r.start[i] = now
	l := &r.lanes[r.laneOf[i]]
	l.push(i, now+l.latencySec)
}

func (r *ring) enter(i int32) error {
	id, err := r.net.Add(flow.Demand{Uses: r.paths.of(i), Bytes: r.chunk, Share: r.fair.share(r.paths.latencySec[i])})
	if err != nil {
		return fmt.Errorf("traffic: message of rank %d: %w", i, err)
	}
	r.message[id] = i
	r.Events++
	return nil
}

// arrived ends rank i's message: rank i has sent it and rank i+1 has it.
func (r *ring) arrived(i int32, now float64) {
	r.Events++
	r.done(uint64(r.step[i])*uint64(r.n)+uint64(i), r.start[i], now)
	right := i + 1
	if int(right) == r.n {
		right = 0
	}
	r.settle(i, now)
	r.settle(right, now)
}

// settle counts down what rank i's step waits for. A rank that enters a step lets its
// own message go if the right neighbour is there too, and the left neighbour's likewise.
func (r *ring) settle(i int32, now float64) {
	if r.waits[i]--; r.waits[i] > 0 {
		return
	}
	r.waits[i] = 2
	r.step[i]++
	if r.step[i] == r.steps {
		r.finish[i] = now
		return
	}
	left, right := i-1, i+1
	if left < 0 {
		left = int32(r.n) - 1
	}
	if int(right) == r.n {
		right = 0
	}
	if r.step[right] == r.step[i] {
		r.send(i, now)
	}
	if r.step[left] == r.step[i] {
		r.send(left, now)
	}
}
