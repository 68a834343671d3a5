package execution

// Before orders the events of a replay by time, then rank, then node.
func (f finish) Before(g finish) bool {
	if f.at != g.at {
		return f.at < g.at
	}
	if f.rank != g.rank {
		return f.rank < g.rank
	}
	return f.node < g.node
}

// pushPlace and popPlace keep ready nodes in a heap by their place in the trace.
func pushPlace(h []int32, v int32) []int32 {
	h = append(h, v)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[i] >= h[up] {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	return h
}

func popPlace(h []int32) (int32, []int32) {
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && h[c+1] < h[c] {
			c++
		}
		if h[c] >= h[i] {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	return top, h
}
