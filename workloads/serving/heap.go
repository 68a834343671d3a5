package serving

// The running sequences form a binary heap by the decode step of their end.

func (r *replica) push(f finishing) {
	h := append(r.heap, f)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if h[p].step <= f.step {
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
	for i > 0 && h[(i-1)/2].step > f.step {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	for {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && h[c+1].step < h[c].step {
			c++
		}
		if f.step <= h[c].step {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = f
}
