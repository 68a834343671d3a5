package flow

import (
	"fmt"
	"math"
	"slices"

	"aisim/topology"
)

const none = int32(-1)

// Net holds resources and the flows that use them, in flat arrays. Changes are cheap
// and lazy: the next question re-solves the connected component of resources and flows
// that they touched, no more. A Net belongs to one goroutine.
type Net struct {
	nowSec float64

	// Resources.
	names   []string // of resources added by name; links have none
	linkN   int
	cap     []float64
	head    []int32 // first entry of the resource's list of uses
	carried []float64
	left    []float64 // scratch of the solver: capacity not yet given away,
	wsum    []float64 // weight of flows not yet frozen,
	open    []int32   // and their number
	rMark   []int32
	rSlot   []int32 // scratch of Add

	// Flows, by FlowID.
	live    []bool
	count   []float64
	left0   []float64 // bytes left of each flow at since
	since   []float64
	rate    []float64
	rateCap []float64 // +Inf for none
	share   []float64
	level   []float64 // rate over share as last solved; +Inf before
	useAt   []int32
	useN    []int32
	heapAt  []int32 // position in the heap of completions, −1 outside
	finish  []float64
	fMark   []int32
	free    []FlowID
	nLive   int

	// Uses: entry u says that flow uFlow takes uW of uRes; entries of a flow lie side by
	// side, those of a resource are a doubly linked list.
	uRes, uFlow, uNext, uPrev []int32
	uW                        []float64
	freeUses                  [][]int32 // by length

	heap      []FlowID // of completions, by (finish, FlowID)
	dirtyRes  []int32
	dirtyFlow []FlowID
	dirtyCap  []capChange
	floor     float64 // least level of the flows that have left since the last solve
	stamp     int32
	rStamp    int32

	comp compScratch
	done []Completion
}

// NewNet makes a Net whose resources have the given capacities in units per second.
func NewNet(capacities []float64) *Net {
	n := &Net{linkN: len(capacities), floor: math.Inf(1)}
	n.cap = make([]float64, 0, len(capacities))
	n.head, n.open = make([]int32, 0, len(capacities)), make([]int32, 0, len(capacities))
	n.carried, n.left, n.wsum = make([]float64, 0, len(capacities)), make([]float64, 0, len(capacities)), make([]float64, 0, len(capacities))
	n.rMark, n.rSlot = make([]int32, 0, len(capacities)), make([]int32, 0, len(capacities))
	for _, c := range capacities {
		n.addResource(c)
	}
	return n
}

// FromGraph makes a Net whose first resources are the links of g under their own numbers.
func FromGraph(g *topology.Graph) *Net {
	caps := make([]float64, g.NumLinks())
	for i := range caps {
		caps[i] = g.Capacity(topology.LinkID(i))
	}
	return NewNet(caps)
}

func (n *Net) addResource(c float64) ResourceID {
	n.cap = append(n.cap, c)
	n.head = append(n.head, none)
	n.carried = append(n.carried, 0)
	n.left = append(n.left, 0)
	n.wsum = append(n.wsum, 0)
	n.open = append(n.open, 0)
	n.rMark = append(n.rMark, 0)
	n.rSlot = append(n.rSlot, none)
	return ResourceID(len(n.cap) - 1)
}

// AddResource adds anything that bounds flows: a drive, a CPU, a port. Capacity is in
// the resource's own units per second.
func (n *Net) AddResource(name string, capacity float64) (ResourceID, error) {
	if !(capacity >= 0) || math.IsInf(capacity, 0) {
		return 0, fmt.Errorf("flow: capacity %v of resource %q is not finite and ≥ 0", capacity, name)
	}
	n.names = append(n.names, name)
	return n.addResource(capacity), nil
}

// Resources counts the resources, Flows the live classes of flows.
func (n *Net) Resources() int { return len(n.cap) }

// Flows counts the live classes of flows.
func (n *Net) Flows() int { return n.nLive }

// ResourceName is the name given to AddResource, or "link N".
func (n *Net) ResourceName(r ResourceID) string {
	if int(r) < n.linkN {
		return fmt.Sprintf("link %d", r)
	}
	return n.names[int(r)-n.linkN]
}

// Now is the Net's time in seconds.
func (n *Net) Now() float64 { return n.nowSec }

// Capacity is the present capacity of a resource.
func (n *Net) Capacity(r ResourceID) float64 { return n.cap[r] }

// SetCapacity changes a capacity from now on: 0 fails a link, its old value repairs it.
func (n *Net) SetCapacity(r ResourceID, capacity float64) error {
	if int(r) >= len(n.cap) || r < 0 {
		return fmt.Errorf("flow: there is no resource %d: the net has %d", r, len(n.cap))
	}
	if !(capacity >= 0) || math.IsInf(capacity, 0) {
		return fmt.Errorf("flow: capacity %v of %s is not finite and ≥ 0", capacity, n.ResourceName(r))
	}
	if capacity != n.cap[r] {
		n.dirtyCap = append(n.dirtyCap, capChange{int32(r), min(capacity, n.cap[r])})
		n.cap[r] = capacity
		n.dirtyRes = append(n.dirtyRes, int32(r))
	}
	return nil
}

// Add starts a class of flows now. It is an error if a use names no resource, a weight
// is not finite and positive, or nothing bounds the flow.
func (n *Net) Add(d Demand) (FlowID, error) {
	for _, u := range d.Uses {
		if u.Res < 0 || int(u.Res) >= len(n.cap) {
			return 0, fmt.Errorf("flow: %q uses resource %d: the net has %d", d.Name, u.Res, len(n.cap))
		}
		if !(u.Weight >= 0) || math.IsInf(u.Weight, 0) {
			return 0, fmt.Errorf("flow: %q uses %s with weight %v, want finite and ≥ 0", d.Name, n.ResourceName(u.Res), u.Weight)
		}
	}
	if d.RateCapBytesPerSec < 0 || d.Share < 0 || math.IsNaN(d.RateCapBytesPerSec) || math.IsNaN(d.Share) || math.IsNaN(d.Bytes) || d.Bytes < 0 {
		return 0, fmt.Errorf("flow: %q has rate cap %v, share %v, bytes %v: want ≥ 0", d.Name, d.RateCapBytesPerSec, d.Share, d.Bytes)
	}
	f := n.newFlow()
	m := n.placeUses(f, d.Uses)
	if m == 0 && d.RateCapBytesPerSec == 0 {
		n.useN[f] = 0
		n.live[f] = false
		n.free = append(n.free, f)
		n.nLive--
		return 0, fmt.Errorf("flow: nothing bounds %q: it uses no resource and has no rate cap", d.Name)
	}
	n.count[f] = float64(d.count())
	n.left0[f] = d.bytes()
	n.since[f] = n.nowSec
	n.rate[f] = 0
	n.rateCap[f] = math.Inf(1)
	if d.RateCapBytesPerSec > 0 {
		n.rateCap[f] = d.RateCapBytesPerSec
	}
	n.share[f] = 1
	if d.Share > 0 {
		n.share[f] = d.Share
	}
	n.finish[f] = math.Inf(1)
	n.level[f] = math.Inf(1)
	n.dirtyFlow = append(n.dirtyFlow, f)
	return f, nil
}

func (n *Net) newFlow() FlowID {
	n.nLive++
	if k := len(n.free); k > 0 {
		f := n.free[k-1]
		n.free = n.free[:k-1]
		n.live[f] = true
		return f
	}
	n.live = append(n.live, true)
	n.count = append(n.count, 0)
	n.left0 = append(n.left0, 0)
	n.since = append(n.since, 0)
	n.rate = append(n.rate, 0)
	n.rateCap = append(n.rateCap, 0)
	n.share = append(n.share, 0)
	n.level = append(n.level, 0)
	n.useAt = append(n.useAt, 0)
	n.useN = append(n.useN, 0)
	n.heapAt = append(n.heapAt, none)
	n.finish = append(n.finish, 0)
	n.fMark = append(n.fMark, 0)
	return FlowID(len(n.live) - 1)
}

// placeUses stores a flow's uses with repeats merged and zero weights left out.
func (n *Net) placeUses(f FlowID, uses []Use) int {
	distinct := 0
	for _, u := range uses {
		if u.Weight > 0 && n.rSlot[u.Res] == none {
			n.rSlot[u.Res] = int32(distinct)
			distinct++
		}
	}
	at := n.takeUses(distinct)
	n.useAt[f], n.useN[f] = at, int32(distinct)
	clear(n.uW[at : at+int32(distinct)])
	for _, u := range uses {
		if u.Weight > 0 {
			e := at + n.rSlot[u.Res]
			n.uRes[e] = int32(u.Res)
			n.uW[e] += u.Weight
		}
	}
	for _, u := range uses {
		n.rSlot[u.Res] = none
	}
	for e := at; e < at+int32(distinct); e++ {
		r := n.uRes[e]
		n.uFlow[e] = int32(f)
		n.uPrev[e], n.uNext[e] = none, n.head[r]
		if h := n.head[r]; h != none {
			n.uPrev[h] = e
		}
		n.head[r] = e
	}
	return distinct
}

func (n *Net) takeUses(k int) int32 {
	if k < len(n.freeUses) {
		if l := n.freeUses[k]; len(l) > 0 {
			n.freeUses[k] = l[:len(l)-1]
			return l[len(l)-1]
		}
	}
	at := int32(len(n.uRes))
	for range k {
		n.uRes = append(n.uRes, 0)
		n.uFlow = append(n.uFlow, 0)
		n.uNext = append(n.uNext, none)
		n.uPrev = append(n.uPrev, none)
		n.uW = append(n.uW, 0)
	}
	return at
}

// Remove ends a class of flows before its time; an unknown id is ignored.
func (n *Net) Remove(f FlowID) {
	if int(f) >= len(n.live) || f < 0 || !n.live[f] {
		return
	}
	n.settle(f)
	n.drop(f)
}

// settle books the bytes moved up to now.
func (n *Net) settle(f FlowID) {
	moved := n.rate[f] * (n.nowSec - n.since[f])
	n.since[f] = n.nowSec
	if !(moved > 0) {
		return
	}
	moved = min(moved, n.left0[f])
	n.left0[f] -= moved
	at, c := n.useAt[f], n.count[f]
	for e := at; e < at+n.useN[f]; e++ {
		n.carried[n.uRes[e]] += moved * c * n.uW[e]
	}
}

func (n *Net) drop(f FlowID) {
	at, k := n.useAt[f], n.useN[f]
	for e := at; e < at+k; e++ {
		r := n.uRes[e]
		if p := n.uPrev[e]; p != none {
			n.uNext[p] = n.uNext[e]
		} else {
			n.head[r] = n.uNext[e]
		}
		if x := n.uNext[e]; x != none {
			n.uPrev[x] = n.uPrev[e]
		}
		if n.head[r] != none {
			n.dirtyRes = append(n.dirtyRes, r)
			n.floor = min(n.floor, n.level[f])
		}
	}
	for int(k) >= len(n.freeUses) {
		n.freeUses = append(n.freeUses, nil)
	}
	n.freeUses[k] = append(n.freeUses[k], at)
	if n.heapAt[f] != none {
		n.heapRemove(f)
	}
	n.live[f] = false
	n.nLive--
	n.free = append(n.free, f)
}

// Rate is the present rate of each flow of a class in bytes per second.
func (n *Net) Rate(f FlowID) float64 {
	n.solve()
	if int(f) >= len(n.live) || f < 0 || !n.live[f] {
		return 0
	}
	return n.rate[f]
}

// BytesLeft is what each flow of a class has still to move.
func (n *Net) BytesLeft(f FlowID) float64 {
	n.solve()
	return n.left0[f] - n.rate[f]*(n.nowSec-n.since[f])
}

// Used is what live flows take of a resource now, in its units per second.
func (n *Net) Used(r ResourceID) float64 {
	n.solve()
	sum := 0.0
	for e := n.head[r]; e != none; e = n.uNext[e] {
		f := n.uFlow[e]
		sum += n.rate[f] * n.count[f] * n.uW[e]
	}
	return sum
}

// Utilisation is Used over capacity, 0 for a resource that has failed.
func (n *Net) Utilisation(r ResourceID) float64 {
	if n.cap[r] == 0 {
		return 0
	}
	return n.Used(r) / n.cap[r]
}

// Carried is what a resource has carried since the start, in its units.
func (n *Net) Carried(r ResourceID) float64 {
	n.solve()
	sum := n.carried[r]
	for e := n.head[r]; e != none; e = n.uNext[e] {
		f := n.uFlow[e]
		sum += n.rate[f] * (n.nowSec - n.since[f]) * n.count[f] * n.uW[e]
	}
	return sum
}

// NextCompletion is the next class of flows to end and when, if rates stay as they are.
// ok is false when nothing that runs will ever end.
func (n *Net) NextCompletion() (sec float64, f FlowID, ok bool) {
	n.solve()
	if len(n.heap) == 0 || math.IsInf(n.finish[n.heap[0]], 1) {
		return math.Inf(1), -1, false
	}
	return n.finish[n.heap[0]], n.heap[0], true
}

// sameInstant joins completions that rounding alone sets apart.
const sameInstant = 1e-12

// Advance moves the clock to toSec, ends the flows that complete on the way, with rates
// re-solved after each, and lists them. Flows added at one instant are solved together:
// advancing to the present does nothing. With math.Inf(1) it runs until nothing more can
// end and leaves the clock there. The list is valid until the next call.
func (n *Net) Advance(toSec float64) []Completion {
	n.done = n.done[:0]
	if toSec <= n.nowSec {
		return n.done
	}
	for {
		sec, _, ok := n.NextCompletion()
		if !ok || sec > toSec {
			break
		}
		n.nowSec = max(n.nowSec, sec)
		edge := n.nowSec + sameInstant*max(n.nowSec, 1e-9)
		for len(n.heap) > 0 && n.finish[n.heap[0]] <= edge {
			f := n.heap[0]
			n.settle(f)
			n.done = append(n.done, Completion{f, n.nowSec})
			n.drop(f)
		}
	}
	if toSec > n.nowSec && !math.IsInf(toSec, 1) {
		n.nowSec = toSec
	}
	return n.done
}

// Reserve makes room for so many flows and uses at once, so that adding them does not
// copy what is there. It changes nothing else.
func (n *Net) Reserve(flows, uses int) {
	n.live = slices.Grow(n.live, flows)
	n.count = slices.Grow(n.count, flows)
	n.left0 = slices.Grow(n.left0, flows)
	n.since = slices.Grow(n.since, flows)
	n.rate = slices.Grow(n.rate, flows)
	n.rateCap = slices.Grow(n.rateCap, flows)
	n.share = slices.Grow(n.share, flows)
	n.level = slices.Grow(n.level, flows)
	n.useAt = slices.Grow(n.useAt, flows)
	n.useN = slices.Grow(n.useN, flows)
	n.heapAt = slices.Grow(n.heapAt, flows)
	n.finish = slices.Grow(n.finish, flows)
	n.fMark = slices.Grow(n.fMark, flows)
	n.heap = slices.Grow(n.heap, flows)
	n.uRes = slices.Grow(n.uRes, uses)
	n.uFlow = slices.Grow(n.uFlow, uses)
	n.uNext = slices.Grow(n.uNext, uses)
	n.uPrev = slices.Grow(n.uPrev, uses)
	n.uW = slices.Grow(n.uW, uses)
}
