package queue

const (
	evEnd = iota
	evRepair
	evFail
	evWindow
	evTick
	evNode
)

// event sorts by time, then kind, then number.
type event struct {
	sec  float64
	kind int8
	pool int32
	id   int32
	run  int32
}

func (a event) before(b event) bool {
	switch {
	case a.sec != b.sec:
		return a.sec < b.sec
	case a.kind != b.kind:
		return a.kind < b.kind
	case a.pool != b.pool:
		return a.pool < b.pool
	}
	return a.id < b.id
}

func (w *world) push(e event) {
	h := append(w.heap, e)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	w.heap = h
}

func (w *world) pop() event {
	h := w.heap
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[i]) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	w.heap = h
	return top
}
