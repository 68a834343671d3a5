package sim

// PriorityQueue is a binary heap of values that say which of two comes first. Equal ones leave it in
// an order that follows from what went in alone.
type PriorityQueue[T interface{ Before(T) bool }] []T

// Push adds a value.
func (h *PriorityQueue[T]) Push(x T) {
	v := append(*h, x)
	for i := len(v) - 1; i > 0; {
		up := (i - 1) / 2
		if !v[i].Before(v[up]) {
			break
		}
		v[i], v[up] = v[up], v[i]
		i = up
	}
	*h = v
}

// Pop removes the first value of a queue that is not empty.
func (h *PriorityQueue[T]) Pop() T {
	v := *h
	top, last := v[0], len(v)-1
	v[0] = v[last]
	v = v[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && v[c+1].Before(v[c]) {
			c++
		}
		if !v[c].Before(v[i]) {
			break
		}
		v[i], v[c] = v[c], v[i]
		i = c
	}
	*h = v
	return top
}
