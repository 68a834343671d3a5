package serving

// seating says who took which seat, in order of time. An entry is stale once somebody else
// sits there, or nobody. One who came back to the same seat stands there twice: the newer counts.
type seating struct {
	slot, req int32
}

// full says whether no seat is left.
func (r *replica) full() bool { return len(r.free) == 0 && len(r.slots) == r.maxBatch }

// seat gives a request the newest slot of the batch. Slots are made when more sit than ever before.
func (r *replica) seat(w *waiting, promise int) int32 {
	slot := int32(len(r.slots))
	if n := len(r.free); n > 0 {
		slot, r.free = r.free[n-1], r.free[:n-1]
	} else {
		r.slots, r.since = append(r.slots, sequence{}), append(r.since, 0)
	}
	s := &r.slots[slot]
	s.req, s.kv0, s.d0, s.phase, s.reserved, s.pins, s.prompt, s.output = w.req, w.emitted, 0, noPhase, int32(promise), 0, w.prompt, w.output
	r.since[slot] = w.ready
	if p := r.adapters; p != nil {
		p.joins(p.of(r.book.req(w.req)), slot)
	}
	if n := len(r.seated); n == cap(r.seated) && n > 2*len(r.slots) {
		r.tidy()
	}
	r.seated = append(r.seated, seating{slot, w.req})
	return slot
}

// sits says whether the entry is not stale.
func (r *replica) sits(e seating) bool {
	return r.slots[e.slot].req == e.req
}

// tidy drops stale entries.
func (r *replica) tidy() {
	kept := r.seated[:0]
	for _, e := range r.seated {
		if r.sits(e) {
			kept = append(kept, e)
		}
	}
	r.seated = kept
}

// victim is the sequence that gives way when blocks run out: the newest, of the lowest
// priority where there are several.
func (r *replica) victim() int32 {
	n := len(r.seated)
	for !r.sits(r.seated[n-1]) {
		n--
	}
	r.seated = r.seated[:n]
	worst, lowest := r.seated[n-1].slot, -1
	if r.levels == nil {
		return worst
	}
	for k := n - 1; k >= 0; k-- {
		if e := r.seated[k]; r.sits(e) {
			if level := r.levels.level(r.slots[e.slot].req); level > lowest {
				worst, lowest = e.slot, level
			}
		}
	}
	return worst
}
