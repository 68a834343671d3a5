package serving

// The running sequences form a binary heap by the decode step of their end.

// endStep is a decoding sequence: the decode step of its last token, of which 32 bits are enough
// since steps are compared with others that are near, and then its slot.
type endStep uint64

func newEndStep(step int64, slot int32) endStep {
	return endStep(uint32(step))<<32 | endStep(uint32(slot))
}

func (e endStep) slot() int32 { return int32(uint32(e)) }

// after is how many steps it ends after a step.
func (e endStep) after(step int64) int64 { return int64(int32(uint32(e>>32) - uint32(step))) }

// before says whether it ends before another.
func (e endStep) before(o endStep) bool { return int32(uint32(e>>32)-uint32(o>>32)) < 0 }

func (r *replica) push(f endStep) {
	h := append(r.heap, f)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !f.before(h[p]) {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = f
	r.heap = h
}

func (r *replica) popTop() { r.removeAt(0) }

func (r *replica) removeAt(i int) {
	h := r.heap
	n := len(h) - 1
	f := h[n]
	h = h[:n]
	r.heap = h
	if i == n {
		return
	}
	for i > 0 && f.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	for {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(f) {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = f
}
