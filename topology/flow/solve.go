package flow

import (
	"cmp"
	"math"
	"slices"
)

// compScratch is the component under work.
type compScratch struct {
	res   []int32
	flows []FlowID
	heap  []int32   // resources by key
	key   []float64 // of heap entries, same positions
	caps  []FlowID  // flows with a rate cap, by cap over share
	fresh []float64 // new rates, by position in flows
	slot  []int32   // by FlowID: position in flows; −1 − position once frozen
}

// capChange is a resource whose capacity changed, with the lesser of both.
type capChange struct {
	res int32
	cap float64
}

// solve brings the rates of all dirty components up to date, from the level down to
// which nothing changes (see floorOfChanges) upwards.
func (n *Net) solve() {
	if len(n.dirtyRes) == 0 && len(n.dirtyFlow) == 0 {
		n.floor = math.Inf(1)
		n.dirtyCap = n.dirtyCap[:0]
		return
	}
	// Levels that rounding alone sets apart are one.
	floor := n.floorOfChanges() * (1 - 1e-9)
	n.stamp++
	for _, f := range n.dirtyFlow {
		if n.live[f] && n.fMark[f] != n.stamp && !n.solveAlone(f) {
			n.solveFrom(none, f, floor)
		}
	}
	for _, r := range n.dirtyRes {
		if n.rMark[r] != n.stamp {
			n.solveFrom(r, -1, floor)
		}
	}
	n.dirtyRes = n.dirtyRes[:0]
	n.dirtyFlow = n.dirtyFlow[:0]
	n.dirtyCap = n.dirtyCap[:0]
	n.floor = math.Inf(1)
}

// floorOfChanges is a level below which progressive filling goes as it went before the
// pending changes, so that flows below it keep their rates and stand aside.
//
// A flow that leaves was frozen at level λ by the first of its resources to fill, so
// every resource that it crossed filled at λ or later, and what happened before did
// not depend on it. A flow that comes takes part in the filling of its resources, and
// none of them can fill before capacity over the weight of all its flows; the same holds for
// a resource of another capacity, with the lesser of both.
func (n *Net) floorOfChanges() float64 {
	floor := n.floor
	n.stamp++
	for _, f := range n.dirtyFlow {
		if !n.live[f] {
			continue
		}
		for e := n.useAt[f]; e < n.useAt[f]+n.useN[f]; e++ {
			r := n.uRes[e]
			if n.rMark[r] == n.stamp {
				continue
			}
			n.rMark[r] = n.stamp
			if n.uNext[e] != none || n.uPrev[e] != none { // alone it changes nothing for others
				floor = min(floor, n.cap[r]/n.weight(r))
			}
		}
	}
	for _, c := range n.dirtyCap {
		if n.head[c.res] != none {
			floor = min(floor, c.cap/n.weight(c.res))
		}
	}
	return floor
}

// weight is what the flows of a resource would take of it per unit of level.
func (n *Net) weight(r int32) float64 {
	w := 0.0
	for e := n.head[r]; e != none; e = n.uNext[e] {
		f := n.uFlow[e]
		w += n.count[f] * n.share[f] * n.uW[e]
	}
	return w
}

// solveAlone rates a flow that shares no resource with another, as most of the messages
// of a ring are: what is tightest holds it. ok is false when it does share one.
func (n *Net) solveAlone(f FlowID) (ok bool) {
	perWeight := math.Inf(1)
	for e := n.useAt[f]; e < n.useAt[f]+n.useN[f]; e++ {
		if n.uNext[e] != none || n.uPrev[e] != none {
			return false
		}
	}
	for e := n.useAt[f]; e < n.useAt[f]+n.useN[f]; e++ {
		n.rMark[n.uRes[e]] = n.stamp
		// The same operations as fill, so that the rate is the same to the last bit.
		perWeight = min(perWeight, n.cap[n.uRes[e]]/(n.count[f]*n.share[f]*n.uW[e]))
	}
	n.fMark[f] = n.stamp
	rate := perWeight * n.share[f]
	if n.rateCap[f]/n.share[f] <= perWeight {
		rate = n.rateCap[f]
	}
	n.setRate(f, rate)
	return true
}

// solveFrom gathers what a resource or flow is joined to by flows at or above the floor,
// and fills it.
func (n *Net) solveFrom(r int32, f FlowID, floor float64) {
	c := &n.comp
	c.res, c.flows = c.res[:0], c.flows[:0]
	if r != none {
		n.rMark[r] = n.stamp
		c.res = append(c.res, r)
	} else {
		n.fMark[f] = n.stamp
		c.flows = append(c.flows, f)
	}
	for len(c.slot) < len(n.live) {
		c.slot = append(c.slot, 0)
	}
	doneRes, doneFlow := 0, 0
	for doneRes < len(c.res) || doneFlow < len(c.flows) {
		for ; doneFlow < len(c.flows); doneFlow++ {
			f := c.flows[doneFlow]
			for e := n.useAt[f]; e < n.useAt[f]+n.useN[f]; e++ {
				if r := n.uRes[e]; n.rMark[r] != n.stamp {
					n.rMark[r] = n.stamp
					c.res = append(c.res, r)
				}
			}
		}
		for ; doneRes < len(c.res); doneRes++ {
			for e := n.head[c.res[doneRes]]; e != none; e = n.uNext[e] {
				if f := n.uFlow[e]; n.fMark[f] != n.stamp && n.level[f] >= floor {
					n.fMark[f] = n.stamp
					c.flows = append(c.flows, FlowID(f))
				}
			}
		}
	}
	n.fill()
}

// fill is progressive filling over the component: the level λ rises until a resource
// is full or a flow meets its cap.
func (n *Net) fill() {
	c := &n.comp
	c.heap, c.key, c.caps, c.fresh = c.heap[:0], c.key[:0], c.caps[:0], c.fresh[:0]
	for i, f := range c.flows {
		c.slot[f] = int32(i)
		c.fresh = append(c.fresh, 0)
		if !math.IsInf(n.rateCap[f], 1) {
			c.caps = append(c.caps, f)
		}
	}
	for _, r := range c.res {
		w, open, below := 0.0, int32(0), 0.0
		for e := n.head[r]; e != none; e = n.uNext[e] {
			f := n.uFlow[e]
			if n.fMark[f] != n.stamp {
				below += n.count[f] * n.uW[e] * n.rate[f]
				continue
			}
			w += n.count[f] * n.share[f] * n.uW[e]
			open++
		}
		left := max(0, n.cap[r]-below)
		n.left[r], n.wsum[r], n.open[r] = left, w, open
		if open > 0 {
			c.heap = append(c.heap, r)
			c.key = append(c.key, left/w)
		}
	}
	for i := len(c.heap)/2 - 1; i >= 0; i-- {
		c.sift(i)
	}
	if len(c.caps) > 1 {
		slices.SortFunc(c.caps, func(a, b FlowID) int {
			if o := cmp.Compare(n.rateCap[a]/n.share[a], n.rateCap[b]/n.share[b]); o != 0 {
				return o
			}
			return cmp.Compare(a, b)
		})
	}
	level, nextCap := 0.0, 0
	for {
		for nextCap < len(c.caps) && c.slot[c.caps[nextCap]] < 0 {
			nextCap++
		}
		// The lazy heap: keys only grow while λ rises, so a stale top is put back.
		for len(c.heap) > 0 {
			r := c.heap[0]
			if n.open[r] == 0 {
				c.pop()
				continue
			}
			key := max(level, n.left[r]/n.wsum[r])
			if key > c.key[0] {
				c.key[0] = key
				c.sift(0)
				continue
			}
			break
		}
		if nextCap < len(c.caps) {
			f := c.caps[nextCap]
			if at := n.rateCap[f] / n.share[f]; len(c.heap) == 0 || at <= c.key[0] {
				level = max(level, at)
				n.freeze(f, n.rateCap[f])
				continue
			}
		}
		if len(c.heap) == 0 {
			break
		}
		level = c.key[0]
		r := c.heap[0]
		c.pop()
		for e := n.head[r]; e != none; e = n.uNext[e] {
			if f := n.uFlow[e]; n.fMark[f] == n.stamp && c.slot[f] >= 0 {
				n.freeze(FlowID(f), level*n.share[f])
			}
		}
	}
	for i, f := range c.flows {
		n.setRate(f, c.fresh[i])
	}
}

func (n *Net) freeze(f FlowID, rate float64) {
	c := &n.comp
	c.fresh[c.slot[f]] = rate
	c.slot[f] = -1 - c.slot[f]
	count, share := n.count[f], n.share[f]
	for e := n.useAt[f]; e < n.useAt[f]+n.useN[f]; e++ {
		r, w := n.uRes[e], count*n.uW[e]
		n.left[r] = max(0, n.left[r]-w*rate)
		n.wsum[r] -= w * share
		n.open[r]--
	}
}

func (c *compScratch) sift(i int) {
	r, k := c.heap[i], c.key[i]
	for {
		child := 2*i + 1
		if child >= len(c.heap) {
			break
		}
		if child+1 < len(c.heap) && c.before(child+1, child) {
			child++
		}
		if k < c.key[child] || k == c.key[child] && r < c.heap[child] {
			break
		}
		c.heap[i], c.key[i] = c.heap[child], c.key[child]
		i = child
	}
	c.heap[i], c.key[i] = r, k
}

func (c *compScratch) before(a, b int) bool {
	return c.key[a] < c.key[b] || c.key[a] == c.key[b] && c.heap[a] < c.heap[b]
}

func (c *compScratch) pop() {
	last := len(c.heap) - 1
	c.heap[0], c.key[0] = c.heap[last], c.key[last]
	c.heap, c.key = c.heap[:last], c.key[:last]
	if last > 0 {
		c.sift(0)
	}
}

// setRate books what moved at the old rate and re-dates the completion.
func (n *Net) setRate(f FlowID, rate float64) {
	n.level[f] = rate / n.share[f]
	if rate == n.rate[f] && n.heapAt[f] != none {
		return
	}
	n.settle(f)
	n.rate[f] = rate
	at := math.Inf(1)
	switch {
	case math.IsInf(n.left0[f], 1):
	case n.left0[f] == 0 || math.IsInf(rate, 1):
		at = n.nowSec
	case rate > 0:
		at = n.nowSec + n.left0[f]/rate
	}
	n.heapPut(f, at)
}

func (n *Net) heapLess(a, b FlowID) bool {
	return n.finish[a] < n.finish[b] || n.finish[a] == n.finish[b] && a < b
}

func (n *Net) heapPut(f FlowID, at float64) {
	n.finish[f] = at
	if n.heapAt[f] == none {
		n.heapAt[f] = int32(len(n.heap))
		n.heap = append(n.heap, f)
	}
	n.heapFix(int(n.heapAt[f]))
}

func (n *Net) heapFix(i int) {
	h := n.heap
	f := h[i]
	for i > 0 {
		p := (i - 1) / 2
		if !n.heapLess(f, h[p]) {
			break
		}
		h[i] = h[p]
		n.heapAt[h[i]] = int32(i)
		i = p
	}
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && n.heapLess(h[c+1], h[c]) {
			c++
		}
		if !n.heapLess(h[c], f) {
			break
		}
		h[i] = h[c]
		n.heapAt[h[i]] = int32(i)
		i = c
	}
	h[i] = f
	n.heapAt[f] = int32(i)
}

func (n *Net) heapRemove(f FlowID) {
	i := int(n.heapAt[f])
	last := len(n.heap) - 1
	moved := n.heap[last]
	n.heap = n.heap[:last]
	n.heapAt[f] = none
	if i != last {
		n.heap[i] = moved
		n.heapAt[moved] = int32(i)
		n.heapFix(i)
	}
}
