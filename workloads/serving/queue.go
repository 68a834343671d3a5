package serving

// waiting is an entry of a replica's queue.
type waiting struct {
	ready   float64
	req     int32
	emitted int32 // tokens that it had before it was preempted
	pins    int32 // prefix blocks that were loaded for it
	ticket  int32 // number of its cache in another pool, from 1; 0: none
	prompt  int32 // of its request, which is out of the cache by its turn
	output  int32
}

// enqueue hands a request to the replica at time ready; times must not decrease.
func (r *replica) enqueue(req int32, ready float64, ticket int32) {
	if r.qLen == len(r.queue) {
		grown := make([]waiting, max(16, 2*len(r.queue)))
		for i := range r.qLen {
			grown[i] = r.queue[(r.qHead+i)&(len(r.queue)-1)]
		}
		r.queue, r.qHead = grown, 0
	}
	q := r.book.req(req)
	w := &r.queue[(r.qHead+r.qLen)&(len(r.queue)-1)]
	w.ready, w.req, w.prompt, w.output, w.ticket, w.emitted, w.pins = ready, req, q.Prompt, q.Output, ticket, 0, 0
	if r.waits() == 0 || w.output < r.shortest {
		r.shortest = w.output
	}
	r.qLen++
	r.outstand++
	r.inFlight += tokensOf(q)
	if checked {
		r.cameSec += w.ready
	}
	switch {
	case r.doing == decodes && r.qLen == 1 && !r.closed && w.ready < r.end:
		r.cut(w.ready)
	case r.doing == holds:
		r.end = r.batchStart()
	}
}

func (r *replica) pop() *waiting {
	w := &r.queue[r.qHead]
	r.qHead = (r.qHead + 1) & (len(r.queue) - 1)
	r.qLen--
	return w
}
