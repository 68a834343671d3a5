package serving

// What a replica does differently where requests bring adapters.

// begin takes note of what arrived by now: loads and requests.
func (p *adapterPool) begin(r *replica) {
	p.begins()
	p.land(r.now)
	for r.qLen > 0 && r.queue[r.qHead].ready <= r.now {
		w := r.pop()
		p.park(*w, p.of(r.book.req(w.req)), r.levelOf(w.req))
	}
}

// levelOf is the level of priority of a request, 0 the highest.
func (r *replica) levelOf(req int32) int {
	if r.levels == nil {
		return 0
	}
	return r.levels.level(req)
}

// chooseByAdapter is where the request to admit next waits: an index of those that gave way, which
// go first among equals, or a node of a level. −1 and −1 when none may join.
func (r *replica) chooseByAdapter() (back int, node int32, level int) {
	p := r.adapters
	for level := range p.order {
		for i := len(r.back) - 1; i >= 0; i-- {
			if w := &r.back[i]; r.levelOf(w.req) == level && p.permits(p.of(r.book.req(w.req))) {
				return i, -1, level
			}
		}
		if k := p.first(level); k >= 0 {
			return -1, k, level
		}
	}
	return -1, -1, 0
}

// nextByAdapter is headWaiting among them.
func (r *replica) nextByAdapter() *waiting {
	p := r.adapters
	switch back, node, _ := r.chooseByAdapter(); {
	case back >= 0:
		return &r.back[back]
	case node >= 0:
		return &p.wait[node].w
	}
	if p.n > 0 || len(r.back) > 0 {
		r.awaits = true
		if !r.full() {
			for level := range p.order {
				p.pass(level, -1, r.now)
			}
		}
	}
	return nil
}

// takeByAdapter removes what nextByAdapter gave.
func (r *replica) takeByAdapter() {
	p := r.adapters
	back, node, level := r.chooseByAdapter()
	var w waiting
	missed := false
	if back >= 0 {
		w = r.back[back]
		r.back = append(r.back[:back], r.back[back+1:]...)
		p.one[p.of(r.book.req(w.req))].waiting--
	} else {
		p.pass(level, node, r.now)
		e := &p.wait[node]
		w, missed = e.w, e.missed
		if rec := r.book.record(w.req); e.passed && rec.first == 0 {
			rec.placeSec += float32(r.now - e.at)
		}
		p.drop(level, node)
	}
	if i := p.of(r.book.req(w.req)); i != p.own {
		p.asked++
		if !missed && (p.c.Beside || p.one[i].slot >= 0) {
			p.hits++
		}
	}
}

// work is the distinct adapters and the rows that use them of the step to come: of its decoding
// sequences, of its prompts, and of both.
func (p *adapterPool) work(decode bool, width int) (of [3][2]int) {
	of[1] = [2]int{p.prompts.distinct, p.prompts.rows}
	of[2] = of[1]
	if decode {
		of[0] = [2]int{p.decoding, p.rows * width}
		of[2] = [2]int{p.decoding + p.prompts.joined, of[0][1] + of[1][1]}
	}
	return of
}

// adapterSec is what the step to come takes more.
func (r *replica) adapterSec() float64 {
	p := r.adapters
	if p == nil {
		return 0
	}
	all := p.work(r.inStep > 0, r.rows())[2]
	return p.cost.step(all[0], all[1]).sec + p.loadSec
}

// noteLoads adds the loads that a step with prompts waits for to the bills of those prompts.
func (p *adapterPool) noteLoads(r *replica) {
	if p.loadSec == 0 || r.log == nil {
		return
	}
	for _, slot := range r.whole {
		r.book.bill(r.slots[slot].req).loadSec += float32(p.loadSec)
	}
	if r.part >= 0 {
		r.book.bill(r.slots[r.part].req).loadSec += float32(p.loadSec)
	}
}

// noteAdapters writes down what the steps that end now did for adapters.
func (r *replica) noteAdapters(steps int64) {
	p := r.adapters
	if p == nil || r.log == nil {
		return
	}
	w := p.work(r.inStep > 0, r.rows())
	if w[2][0] == 0 {
		return
	}
	e := r.log.add(adapterWork, r)
	e.steps, e.start, e.batch, e.stay = steps, p.loadSec, int32(w[0][0]), int32(w[0][1])
	e.prompts, e.tokens, e.whole = int32(w[1][0]), int32(w[1][1]), int32(w[2][0])
}

// adapters books it. Loads are left out of what things cost by resource: nothing is at work.
func (a *account) adapters(e *entry) {
	x := a.model.adapters
	all := x.step(int(e.whole), int(e.stay+e.tokens))
	a.cum = a.cum.plus(all.times(float64(e.steps)))
	if e.prompts > 0 { // see promptShare, which halves the rest
		a.prefillSec += (e.start + x.step(int(e.prompts), int(e.tokens)).sec - x.step(int(e.batch), int(e.stay)).sec) / 2
	}
}

// fetchAdapters starts loads once a step is under way, and lets it end when one has come.
func (r *replica) fetchAdapters() {
	p := r.adapters
	if !p.c.Beside {
		return
	}
	p.fetch(r.now)
	r.closed = false // an arrival begins a load, whether it can join or not
	if r.doing != decodes {
		return
	}
	if r.qLen > 0 && r.queue[r.qHead].ready < r.end {
		r.cut(r.queue[r.qHead].ready)
	}
	if at := p.next(); at < r.end {
		r.cut(at)
	}
}

// AdapterUse is what became of the adapters that requests brought.
type AdapterUse struct {
	Asked   int64   // admissions of requests with an adapter, those of repeated attempts too
	Hits    int64   // of them, with the adapter on the chips already
	Loads   int64   // onto the chips
	Fetched int64   // of them, from the store
	WaitSec float64 // mean over all requests: for loads, and for a place of the adapter in the batch
}

// HitRate is the share of requests with an adapter that found it on the chips.
func (u *AdapterUse) HitRate() float64 {
	if u.Asked == 0 {
		return 0
	}
	return float64(u.Hits) / float64(u.Asked)
}

func (f *fleet) adapterUse() *AdapterUse {
	u := &AdapterUse{}
	for i := range f.reps {
		p := f.reps[i].adapters
		u.Asked, u.Hits, u.Loads, u.Fetched = u.Asked+p.asked, u.Hits+p.hits, u.Loads+p.loads, u.Fetched+p.fetched
	}
	return u
}
