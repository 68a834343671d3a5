package serving

import "math"

// A router that counts requests in flight asks when they end and nothing else. A
// replica that cannot end one before some time need not be looked at until then, whatever
// is sent to it. due orders replicas by such bounds.
type due struct {
	at   []float64 // by replica: no request of it ends earlier
	heap []int32
	pos  []int32
}

func newDue(n int) due {
	d := due{at: make([]float64, n), heap: make([]int32, n), pos: make([]int32, n)}
	for i := range n {
		d.at[i], d.heap[i], d.pos[i] = math.Inf(1), int32(i), int32(i)
	}
	return d
}

// first returns the replica that is due first, and when.
func (d *due) first() (int, float64) { return int(d.heap[0]), d.at[d.heap[0]] }

// set moves replica i to the time at.
func (d *due) set(i int, at float64) {
	was := d.at[i]
	d.at[i] = at
	k := int(d.pos[i])
	switch {
	case at < was:
		for k > 0 {
			p := (k - 1) / 2
			if !d.before(int32(i), d.heap[p]) {
				break
			}
			d.put(k, d.heap[p])
			k = p
		}
	case at > was:
		for {
			c := 2*k + 1
			if c >= len(d.heap) {
				break
			}
			if c+1 < len(d.heap) && d.before(d.heap[c+1], d.heap[c]) {
				c++
			}
			if !d.before(d.heap[c], int32(i)) {
				break
			}
			d.put(k, d.heap[c])
			k = c
		}
	}
	d.put(k, int32(i))
}

// before orders replicas by time and then by number.
func (d *due) before(a, b int32) bool {
	x, y := d.at[a], d.at[b]
	return x < y || x == y && a < b
}

func (d *due) put(k int, i int32) {
	d.heap[k] = i
	d.pos[i] = int32(k)
}

// bounds are lower bounds of step times: from rows on, the least time of the tables.
type bounds struct {
	rows []float64 // by decoding sequences: linear and head, at least
	any  float64   // of any step
	per  float64   // steps for a token; times are by token
}

// roundOff is taken off bounds so that rounding cannot put them after the event.
const roundOff = 1 - 1e-9

func (s *StepModel) lowerBounds() bounds {
	n := len(s.head)
	b := bounds{rows: make([]float64, n), per: 1 / float64(max(s.width, 1))}
	linear := math.Inf(1)
	for i := len(s.linear) - 1; i >= 1; i-- {
		linear = math.Min(linear, s.linear[i].sec)
		if i < n {
			b.rows[i] = linear
		}
	}
	head := math.Inf(1)
	for i := n - 1; i >= 1; i-- {
		head = math.Min(head, s.head[i].sec)
		b.rows[i] = (b.rows[i] + head) * roundOff * b.per
	}
	// A step without a row sampled (a chunk of a prompt) has no head.
	b.any = math.Max(0, linear*roundOff) * b.per
	return b
}

// endsNoEarlier is a time before which no request of the replica ends, whatever is sent
// to it from now on. It looks at no more than the sequences that join now.
func (r *replica) endsNoEarlier() float64 {
	if r.doing == idle && r.waits() == 0 && !r.isLoading {
		return math.Inf(1)
	}
	if r.batcher != nil || r.doing == idle {
		return r.nextTime()
	}
	low := r.low
	at := math.Inf(1)
	if len(r.heap) > 0 {
		left := r.heap[0].after(r.clock) // decode steps before the first of them ends
		switch {
		case r.doing == decodes:
			left -= r.gain(r.steps)
		case r.inStep > 0:
			left -= r.gain(1)
		}
		// While none of b sequences ends, steps have at least b rows, unless blocks
		// run out: in so many steps they cannot.
		sure := int64(max(0, r.blocks-r.used) / r.mostBlocks)
		b := r.running
		step := low.rows[b] + (r.model.cached(b, r.kvSum).sec+r.model.seq.sec*float64(b))*roundOff*low.per
		tight := max(0, min(left, sure))
		at = float64(tight)*step + float64(max(0, left-tight))*low.any
	}
	if r.doing == mixes {
		for _, slot := range r.whole {
			s := &r.slots[slot]
			at = math.Min(at, float64(s.output-s.kv0-1)*low.any)
		}
		if r.part >= 0 {
			at = math.Min(at, low.any)
		}
	}
	if len(r.back) > 0 || r.isLoading {
		at = math.Min(at, low.any)
	}
	if r.timeout > 0 { // requests may end by being given up when they are next looked at
		at = 0
	}
	if r.waits() > 0 {
		at = math.Min(at, float64(r.shortest)*low.any)
	}
	return r.end + at
}
