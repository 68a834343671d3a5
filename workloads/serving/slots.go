package serving

// How sequences take and leave the slots of a replica.

// share makes the whole blocks of a sequence's first tokens known to others.
func (r *replica) share(s *sequence, tokens int32) {
	q := r.book.req(s.req)
	if q.HashCount == 0 {
		return
	}
	held, spare := r.prefix.register(q, s.pins, tokens)
	s.pins = held
	r.used -= spare * r.prefix.blocks
}

// decodes counts a sequence among the decoding ones, until the step that brings its last token.
func (r *replica) decodes(slot int32, last int64) {
	s := &r.slots[slot]
	bs := int64(len(r.phases))
	s.phase = int32(((int64(s.kv0)-r.clock)%bs + bs) % bs)
	r.phases[s.phase]++
	r.running++
	r.kinds.add(s.req, 1)
	if r.adapters != nil {
		r.adapters.decodes(slot, 1)
	}
	r.kvSum += float64(s.kv0)
	r.push(newEndStep(last, slot))
}

// leave ends the sequences whose last token is out.
func (r *replica) leave() {
	for len(r.heap) > 0 {
		left := r.heap[0].after(r.clock)
		if left > 0 {
			break
		}
		slot := r.heap[0].slot()
		r.doneTokens += left // verified beyond its end
		r.popTop()
		r.undecode(slot)
		r.finishOne(slot)
	}
}

// undecode takes a sequence out of the counts of decoding ones.
func (r *replica) undecode(slot int32) {
	s := &r.slots[slot]
	r.phases[s.phase]--
	r.running--
	r.kinds.add(s.req, -1)
	if r.adapters != nil {
		r.adapters.decodes(slot, -1)
	}
	s.phase = noPhase
	s.kv0 = s.tokensNow(r.clock)
	s.d0 = int32(r.clock)
	r.kvSum -= float64(s.kv0)
	if r.running == 0 {
		r.kvSum = 0
	}
}

// finishOne ends a request at r.now.
func (r *replica) finishOne(slot int32) {
	s := &r.slots[slot]
	r.book.ends(s.req, r.now)
	r.mark(s.req, atEnd)
	if r.answers && r.prefix != nil {
		r.share(s, s.kv0)
	}
	r.ends(s.req, s.tokens())
	r.release(slot, r.blocksOf(s.kv0))
}

// ends counts a request out.
func (r *replica) ends(i int32, tokens int64) {
	r.outstand--
	r.inFlight -= tokens
	if checked {
		r.leftSec += r.now
	}
	if r.tells {
		r.ended = append(r.ended, i)
	}
}

// giveUp ends a request whose client has left.
func (r *replica) giveUp(slot int32) {
	s := &r.slots[slot]
	rec := r.book.record(s.req)
	rec.first, rec.lost, rec.timedOut = 0, true, true
	if r.layers {
		r.vain = append(r.vain, s.req)
	}
	r.ends(s.req, s.tokens())
	r.release(slot, r.blocksOf(s.kv0))
}

// release frees a slot and its blocks.
func (r *replica) release(slot int32, blocks int) {
	s := &r.slots[slot]
	r.used -= blocks
	if s.pins > 0 { // shared blocks stay until nobody holds them, and then as long as there is room
		r.used += (int(s.pins) - r.prefix.unpin(r.book.req(s.req), s.pins)) * r.prefix.blocks
		s.pins = 0
	}
	s.req = noRequest
	r.reserved -= int(s.reserved)
	r.free = append(r.free, slot)
	if r.adapters != nil {
		r.adapters.leaves(slot, r.now)
	}
}

// preempt sends a sequence back to the front of the queue; what it cached is lost.
func (r *replica) preempt(slot int32) {
	s := &r.slots[slot]
	rec := r.book.record(s.req)
	rec.preempted++
	r.preempts++
	if p := r.adapters; p != nil {
		p.one[p.ofSlot[slot]].waiting++
	}
	if s.phase != noPhase {
		i := 0
		for r.heap[i].slot() != slot {
			i++
		}
		emitted := s.output - int32(r.heap[i].after(r.clock))
		r.removeAt(i)
		r.undecode(slot)
		r.back = append(r.back, waiting{ready: r.now, req: s.req, emitted: emitted, prompt: s.prompt, output: s.output})
		r.release(slot, r.blocksOf(s.kv0))
		return
	}
	// Its client has waited for the next token since it gave way first.
	r.back = append(r.back, waiting{ready: r.since[slot], req: s.req, emitted: s.kv0, prompt: s.prompt, output: s.output})
	r.release(slot, r.blocksOf(r.partDone))
	r.part = -1
}
