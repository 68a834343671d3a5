package sim

// eventHeap is a binary heap of events by value. Two children per node beat four in
// Go at every size but the largest, where they differ by a tenth.
type eventHeap []Event

func (h *eventHeap) push(e *Event) {
	a := append(*h, *e)
	*h = a
	i := len(a) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !e.Before(&a[parent]) {
			break
		}
		a[i] = a[parent]
		i = parent
	}
	a[i] = *e
}

func (h *eventHeap) pop() {
	a := *h
	n := len(a) - 1
	last := a[n]
	*h = a[:n]
	if n > 0 {
		h.replace(&last)
	}
}

// replace puts e in the place of the first event.
func (h *eventHeap) replace(e *Event) {
	a := *h
	i := 0
	for {
		child := 2*i + 1
		if child >= len(a) {
			break
		}
		if child+1 < len(a) && a[child+1].Before(&a[child]) {
			child++
		}
		if !a[child].Before(e) {
			break
		}
		a[i] = a[child]
		i = child
	}
	a[i] = *e
}
