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

// solve brings the rates of all dirty components up to date.
func (n *Net) solve() {
	if len(n.dirtyRes) == 0 && len(n.dirtyFlow) == 0 {
		return
	}
	n.stamp++
	for _, r := range n.dirtyRes {
		if n.rMark[r] != n.stamp {
			n.solveFrom(r, -1)
		}
	}
	for _, f := range n.dirtyFlow {
		if n.live[f] && n.fMark[f] != n.stamp && !n.solveAlone(f) {
			n.solveFrom(none, f)
		}
	}
	n.dirtyRes = n.dirtyRes[:0]
	n.dirtyFlow = n.dirtyFlow[:0]
}

// solveAlone rates a flow that shares no resource with another, as most of the messages
// of a ring are: what is tightest holds it. ok is false when it does share one.
func (n *Net) solveAlone(f FlowID) (ok bool) {
	perWeight := math.Inf(1)
	for e := n.useAt[f]; e < n.useAt[f]+n.useN[f]; e++ {
		if n.uNext[e] != none || n.uPrev[e] != none {
			return false
		}
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

// solveFrom gathers the component of a resource or flow and fills it.
func (n *Net) solveFrom(r int32, f FlowID) {
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
				if f := n.uFlow[e]; n.fMark[f] != n.stamp {
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
		w, open := 0.0, int32(0)
		for e := n.head[r]; e != none; e = n.uNext[e] {
			f := n.uFlow[e]
			w += n.count[f] * n.share[f] * n.uW[e]
			open++
		}
		n.left[r], n.wsum[r], n.open[r] = n.cap[r], w, open
		if open > 0 {
			c.heap = append(c.heap, r)
			c.key = append(c.key, n.cap[r]/w)
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
			if f := n.uFlow[e]; c.slot[f] >= 0 {
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
