package execution

// The heaps of a replay: events by time, then rank, then node; ready nodes by their
// place in the trace. Written out, because millions of nodes go through them.

func (f finish) before(g finish) bool {
	if f.at != g.at {
		return f.at < g.at
	}
	if f.rank != g.rank {
		return f.rank < g.rank
	}
	return f.node < g.node
}

func (pl *player) push(f finish) {
	h := append(pl.events, f)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	pl.events = h
}

func (pl *player) pop() finish {
	h := pl.events
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[i]) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	pl.events = h
	return top
}

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
