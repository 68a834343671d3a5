package serving

import "math"

// schedule starts the next step or run at r.now, by the rules of vLLM V1:
// running sequences first, then the prompt in progress, then new ones in order.
func (r *replica) schedule() {
	if checked {
		r.check()
	}
	switch {
	case r.adapters != nil:
		r.adapters.begin(r)
	case r.levels != nil:
		r.sortIn()
	}
	if len(r.landed) > 0 {
		r.joinLanded()
	}
	r.roused = false
	r.whole = r.whole[:0]
	r.tokens, r.pairs, r.pf = 0, 0, 0
	r.groups.clear()
	r.begun = r.begun[:0]
	r.awaits = false
	if r.prefix != nil {
		r.prefix.trim(r.blocks - r.used)
	}
	if r.eng.PrefillFirst {
		r.prefills(r.budget, r.blocks-r.used, true)
		if r.tokens > 0 {
			r.inStep = 0
			r.startMixed()
			return
		}
	}
	clean := true
	need := r.need(int64(r.rows()))
	for r.running > 0 && r.used+need > r.blocks {
		r.preempt(r.victim())
		need = r.need(int64(r.rows()))
		clean = false
	}
	r.closed = false
	if !r.eng.PrefillFirst {
		clean = r.prefills(r.budget-r.running*r.rows(), r.blocks-r.used-need, clean) && clean
		if r.tokens > 0 {
			r.inStep = r.running
			r.used += r.need(r.gain(1))
			r.startMixed()
			return
		}
	} else {
		r.closed = r.part >= 0 || r.shut() && r.blockedNow()
	}
	if r.running == 0 {
		r.doing = idle
		if !r.awaits && (len(r.back) > 0 || r.waits() > r.qLen || (r.qLen > 0 && r.queue[r.qHead].ready <= r.now)) {
			if r.kept > 0 || len(r.coming) > 0 {
				r.blocked = true
				return
			}
			// The prompt in progress gave way to itself; everything is free now.
			r.schedule()
		}
		return
	}
	r.startRun(clean)
}

// prefills fills the step with prompt tokens: the prompt in progress, then the
// queue when admit says so. free is the number of blocks left for it. It
// returns false when the prompt in progress gave way to running sequences.
func (r *replica) prefills(budget, free int, admit bool) bool {
	clean := true
	if r.part >= 0 && budget > 0 {
		chunk := min(r.partGoal-r.partDone, int32(budget))
		blocks := r.blocksOf(r.partDone+chunk) - r.blocksOf(r.partDone)
		if blocks > free {
			if !r.eng.PrefillFirst || r.running == 0 {
				r.preempt(r.part)
				admit, clean = false, false
			} else {
				admit = false // wait for decode to free blocks
			}
		} else {
			r.chunk(r.part, r.partDone, chunk)
			r.partDone += chunk
			r.used += blocks
			free -= blocks
			budget -= int(chunk)
			if r.partDone == r.partGoal {
				r.whole = append(r.whole, r.part)
				r.part = -1
			}
		}
	}
	for admit && budget > 0 && r.part < 0 {
		w := r.headWaiting()
		if w == nil {
			return clean
		}
		if r.timeout > 0 && w.emitted == 0 && w.pins == 0 && w.ticket == 0 && r.late(w.req) {
			r.take()
			continue
		}
		if w.ticket > 0 {
			taken, ok := r.pull(w, free)
			if !ok {
				r.closed = r.shut()
				return clean
			}
			free -= taken
			continue
		}
		goal := w.prompt + w.emitted
		var pins, hit int32 // blocks by hash and tokens that are cached
		idle := 0
		var q *Request // where prompts share
		if r.prefix != nil {
			q = r.book.req(w.req)
		}
		if q != nil && q.HashCount > 0 {
			if pins = w.pins; pins == 0 {
				var load float64
				pins, idle, load = r.prefix.find(q, goal)
				if load > 0 {
					if !r.load(w, pins, idle, load, free) {
						r.closed, r.awaits = r.shut(), true
						return clean
					}
					free -= idle * r.prefix.blocks
					continue
				}
			}
			hit = pins * r.prefix.tokens
			idle *= r.prefix.blocks
		}
		chunk := min(goal-hit, int32(budget))
		blocks := r.blocksOf(hit+chunk) - r.blocksOf(hit)
		ask := blocks
		if r.eng.ReservePrompt {
			ask = r.blocksOf(goal) - r.blocksOf(hit)
		}
		ask += idle
		promise := 0
		if r.eng.ReserveOutput > 0 {
			promise = r.blocksOf(w.prompt + int32(r.eng.ReserveOutput*float64(w.output)))
		}
		if r.full() || ask > free || r.reserved+promise > r.blocks {
			r.closed, r.awaits = r.shut(), r.isLoading
			return clean
		}
		pinned := w.pins > 0
		slot := r.admit(w, promise)
		if pins > 0 {
			if !pinned {
				r.prefix.pin(q, pins)
			}
			r.slots[slot].pins = pins
		}
		if r.prefix != nil {
			r.prefix.asked += int64(goal)
		}
		r.chunk(slot, hit, chunk)
		r.used += blocks + idle
		free -= blocks + idle
		budget -= int(chunk)
		if hit+chunk == goal {
			r.whole = append(r.whole, slot)
		} else {
			r.part, r.partDone, r.partGoal = slot, hit+chunk, goal
		}
	}
	if r.part < 0 && r.full() {
		r.closed = true
	}
	return clean
}

// load brings the prefix of the next request from lower tiers and takes the request out
// of the queue until it is there; false when the link is busy or its blocks do not fit.
func (r *replica) load(w *waiting, pins int32, idle int, sec float64, free int) bool {
	blocks := idle * r.prefix.blocks
	if r.isLoading || blocks > free {
		return false
	}
	sec += r.prefix.store.send(r.now, r.prefix.sent)
	r.loading = *w
	r.take()
	r.prefix.pin(r.book.req(r.loading.req), pins)
	r.used += blocks
	r.prefix.trim(r.blocks - r.used)
	r.loading.pins, r.loading.ready = pins, r.now+sec
	r.isLoading = true
	return true
}

// late says whether a waiting request's client has given up, and counts it if so.
func (r *replica) late(i int32) bool {
	rec := r.book.record(i)
	if rec.first > 0 || r.now <= rec.arrive+r.timeout {
		return false
	}
	rec.lost, rec.timedOut = true, true
	r.ends(i, tokensOf(r.book.req(i)))
	return true
}

// take removes the request that headWaiting gave.
func (r *replica) take() {
	switch n := len(r.back); {
	case r.isLoading && r.loading.ready <= r.now:
		r.isLoading = false
	case r.adapters != nil:
		r.takeByAdapter()
	case r.levels != nil:
		r.takeByPriority()
	case n > 0:
		r.back = r.back[:n-1]
	default:
		r.pop()
	}
}

// blockedNow says whether a request waits that could not be admitted, or no
// seat is left.
func (r *replica) blockedNow() bool {
	if r.full() {
		return true
	}
	return r.headWaiting() != nil
}

// headWaiting is the request to admit next, nil for none; it stands where it waits.
func (r *replica) headWaiting() *waiting {
	if r.isLoading && r.loading.ready <= r.now {
		return &r.loading
	}
	if r.adapters != nil {
		return r.nextByAdapter()
	}
	if r.levels != nil {
		return r.nextByPriority()
	}
	if n := len(r.back); n > 0 {
		return &r.back[n-1]
	}
	if r.qLen > 0 && r.queue[r.qHead].ready <= r.now {
		return &r.queue[r.qHead]
	}
	return nil
}

// admit moves the head of the queue into a slot at the tail of the batch.
func (r *replica) admit(w *waiting, promise int) int32 {
	if r.levels != nil || r.adapters != nil { // who is taken from among others leaves no place behind
		c := *w
		w = &c
	}
	r.take()
	r.reserved += promise
	slot, req := r.seat(w, promise), w.req
	if rec := r.book.record(req); rec.first == 0 {
		rec.sched = r.now
		r.mark(req, atStart)
	} else {
		r.mark(req, atEntering)
	}
	return slot
}

func (r *replica) chunk(slot, past, n int32) {
	pairs := float64(n) * (float64(past) + float64(n)/2)
	r.tokens += int(n)
	r.pairs += pairs
	r.pf++
	if r.adapters != nil {
		r.adapters.prompt(slot, n)
	}
	r.groups.add(n, pairs)
	if s := &r.slots[slot]; r.layers && s.output-s.kv0 > 1 {
		r.begun = append(r.begun, chunkOf{s.req, past, n})
	}
}

func (r *replica) startMixed() {
	r.doing = mixes
	r.start = r.now
	r.sampled = r.inStep + len(r.whole)
	kv := 0.0
	if r.inStep > 0 {
		kv = r.kvSum + float64(r.inStep*r.rows())
	}
	r.end = r.now + r.model.step(r.tokens, r.pairs, r.inStep, kv, r.sampled, r.pf) + r.adapterSec()
	if r.adapters != nil {
		r.adapters.noteLoads(r)
	}
	if r.groups.sum != nil {
		r.end += r.model.uneven(r.tokens, r.pairs, r.groups.most).sec
	}
	r.peak = max(r.peak, r.used)
}

// startRun begins decode steps until a sequence ends, the blocks run out or
// the next request arrives.
func (r *replica) startRun(clean bool) {
	r.doing = decodes
	r.start = r.now
	r.inStep = r.running
	b := r.running
	step := r.model.step(0, 0, b, r.kvSum+float64(b*r.rows()), b, 0)
	r.first = step + r.adapterSec()
	growth, holds := r.model.growth(b, r.kvSum+float64(b*r.rows()))
	r.growth = growth
	k := r.stepsFor(min(r.heap[0].after(r.clock), holds))
	k = r.runWithin(k, r.blocks-r.used)
	k = r.paced(k, step)
	// After a preemption the next step may admit again; with prompts waiting
	// for blocks the prefill-first order looks again after each step.
	if !clean || r.everyStep || r.contested || (r.eng.PrefillFirst && r.part >= 0) {
		k = 1
	}
	r.steps = max(k, 1)
	r.end = r.now + r.duration(r.steps)
	if !r.closed && r.qLen > 0 && r.queue[r.qHead].ready < r.end {
		r.cut(r.queue[r.qHead].ready)
	}
	if r.isLoading && r.loading.ready < r.end {
		r.cut(math.Max(r.loading.ready, r.now))
	}
}

// need is the number of blocks that the next k tokens of every decoding sequence take.
func (r *replica) need(k int64) int {
	bs := int64(len(r.phases))
	n := int(k/bs) * r.running
	p := int((bs - r.clock%bs) % bs) // phase that takes a block in the next step
	for range k % bs {
		n += int(r.phases[p])
		if p--; p < 0 {
			p = int(bs) - 1
		}
	}
	return n
}

// stepsWithin is the largest number k ≤ most of tokens for which need(k) ≤ free.
func (r *replica) stepsWithin(most int64, free int) int64 {
	bs := int64(len(r.phases))
	if r.running == 0 || int((most+bs-1)/bs)*r.running <= free {
		return most
	}
	k := int64(free/r.running) * bs
	left := free - int(k/bs)*r.running
	p := int((bs - r.clock%bs) % bs)
	for k < most && left >= int(r.phases[p]) {
		left -= int(r.phases[p])
		k++
		if p--; p < 0 {
			p = int(bs) - 1
		}
	}
	return min(k, most)
}

func (r *replica) blocksOf(tokens int32) int {
	return (int(tokens) + len(r.phases) - 1) / len(r.phases)
}

// paced is how many steps of up to most take as long as the first, step, because tokens leave more
// slowly than they come; most, where steps grow from the first on.
func (r *replica) paced(most int64, step float64) int64 {
	m, b := r.model, r.running
	if step > m.pace*float64(b) {
		return most
	}
	kv, rows := r.kvSum+float64(b*r.rows()), float64(b)
	low, high := int64(0), most // the step after low is paced, that after high is not or is not asked for
	for high-low > 1 {
		if mid := low + (high-low)/2; m.unpaced(0, 0, b, kv+float64(r.gain(mid))*rows, b, 0) <= step {
			low = mid
		} else {
			high = mid
		}
	}
	r.growth = 0
	return high
}
