package serving

import (
	"slices"

	"aisim/sim"
)

// What a step costs by resource, and when it brings tokens to clients, changes nothing in what
// happens next. Replicas write their steps down, and accounts are made of them behind the
// simulation: on another core where there is one.

type entryKind uint8

const (
	ranSteps    entryKind = iota // a run of decode steps
	mixedStep                    // a step with prompts
	batchStep                    // a batch of samples
	lostWork                     // a replica went away, start seconds after its last step
	tookOver                     // a sequence joined that had a token at start
	adapterWork                  // of the steps of the next entry
	wentOn                       // a sequence that had given way at start had its next token at end
)

// entry is one of them.
type entry struct {
	start, end  float64
	first       float64 // a run's first step; of a mixed step, the work of attention in pairs of tokens
	growth      float64 // by which each further step of a run is longer for each token gained
	kv          float64 // cached tokens of decoding sequences
	steps       int64   // of the run; of a mixed step, prompt tokens of the attention group that has most
	decoded     int64   // before it; of a mixed step, twice the pairs of that group
	replica     int32
	batch       int32 // decoding sequences in it
	tokens      int32 // of prompts; samples of a batch
	prompts     int32
	sampled     int32
	whole       int32
	stay, joins int32 // sequences that have a token at its end and go on
	kind        entryKind
}

// bill is what is kept of the cost of one request.
type bill struct {
	sched split // the replica's counters when its prompt began
	first split // and at its first token; both as if earlier attempts had been here
	// loadSec is how long steps with its prompt waited for adapters.
	loadSec float32
	moved   bool // sched and first hold what it took, before and after its first token, on a replica that it has left
}

type moment uint8

const (
	atStart moment = iota
	atFirst
	atEnd
	atLeaving  // a replica after the first token
	atEntering // another one
)

// mark says that a request was at such a moment after so many entries.
type mark struct {
	chunk   *chunk
	after   int32
	replica int32
	of      int16 // request of the chunk
	moment  moment
}

// ledger is what some replicas wrote down since it was last posted.
type ledger struct {
	entries []entry
	marks   []mark
	kinds   []int32 // of runs and mixed steps, where there are classes (kinds.go)
}

// add makes room for one more entry; the caller fills it in place, since a copy of what has
// just been written waits until all that was written before it is out of the core.
func (l *ledger) add(kind entryKind, of *replica) *entry {
	n := len(l.entries)
	if n == cap(l.entries) {
		l.entries = slices.Grow(l.entries, 1)
	}
	l.entries = l.entries[:n+1]
	e := &l.entries[n]
	e.kind, e.replica, e.start, e.end = kind, of.number, of.start, of.now
	return e
}

// postAt is how many entries are worth handing on.
const postAt = 1024

func (r *replica) mark(i int32, m moment) {
	if l := r.log; l != nil {
		n := len(l.marks)
		if n == cap(l.marks) {
			l.marks = slices.Grow(l.marks, 1)
		}
		l.marks = l.marks[:n+1]
		k := &l.marks[n]
		k.chunk, k.of, k.after, k.replica, k.moment = r.book.chunk(i), int16(i&(chunkSize-1)), int32(len(l.entries)), r.number, m
	}
}

// account is what the work of one replica cost.
type account struct {
	model      *StepModel
	batcher    *batchModel
	gaps       gaps
	kinds      []gaps  // by class
	cum        split   // busy seconds by resource
	prefillSec float64 // of the busy seconds, those that prompts cause
}

// post books a ledger in the order in which it was written.
func post(of []account, l *ledger) {
	k, kinds := 0, l.kinds
	for i := 0; ; i++ {
		for ; k < len(l.marks) && int(l.marks[k].after) == i; k++ {
			m := &l.marks[k]
			if m.moment == atEnd {
				m.chunk.totals[m.of] = of[m.replica].cum
			} else {
				m.chunk.bills[m.of].note(m.moment, of[m.replica].cum)
			}
		}
		if i == len(l.entries) {
			break
		}
		e := &l.entries[i]
		a := &of[e.replica]
		a.post(e)
		kinds = a.postKinds(e, kinds)
	}
	clear(l.marks)
	l.entries, l.marks, l.kinds = l.entries[:0], l.marks[:0], l.kinds[:0]
}

func (b *bill) note(m moment, cum split) {
	switch m {
	case atStart:
		b.sched = cum
	case atFirst:
		b.first = cum
	case atLeaving:
		if !b.moved {
			b.sched, b.first = minus(b.first, b.sched), minus(cum, b.first)
			b.moved = true
		}
	case atEntering:
		if b.moved {
			b.moved = false
			b.first = minus(cum, b.first)
			b.sched = minus(b.first, b.sched)
		}
	}
}

func (a *account) post(e *entry) {
	switch e.kind {
	case ranSteps:
		m, b, f := a.model, int(e.batch), float64(e.steps)
		gained := m.gained(e.decoded, e.steps)
		cost := m.decode(b).times(f)
		cost = cost.plus(m.cachedRun(b, e.kv+float64(b*m.rows()), f, gained))
		a.cum = a.cum.plus(cost).plus(m.paced(f, b, cost))
		a.gaps.run(m, e, b)
		a.gaps.joined(e.end, int(e.stay))
	case mixedStep:
		a.mixed(e)
	case batchStep:
		a.cum = a.cum.plus(a.batcher.sample[e.tokens])
	case lostWork: // it took the device's time and came to nothing
		a.cum = a.cum.plus(hostTime(e.start))
		a.gaps.last = a.gaps.last[:0]
	case adapterWork:
		a.adapters(e)
	case tookOver:
		a.gaps.joined(e.start, 1)
	case wentOn:
		if a.gaps.h != nil {
			a.gaps.h.Record(e.end - e.start)
		}
	}
}

func (a *account) mixed(e *entry) {
	m, b := a.model, int(e.batch)
	more := (m.rows() - 1) * b
	cost := m.linear[int(e.tokens)+b+more].plus(m.head[int(e.sampled)+more]).plus(m.seq.times(float64(b + int(e.prompts)))).plus(m.prefill.times(m.pairs(int(e.tokens), e.first))).plus(m.mixed).plus(m.uneven(int(e.tokens), e.first, most{int32(e.steps), float64(e.decoded) / 2}))
	if b > 0 {
		if m.passes != nil {
			cost = cost.plus(m.passes[b])
		}
		cost = cost.plus(m.cached(b, e.kv+float64(b*m.rows()))).plus(m.mixedExtra(int(e.tokens), int(e.prompts), b, e.kv+float64(b*m.rows())))
	}
	a.cum = a.cum.plus(cost).plus(m.paced(1, b, cost))
	a.prefillSec += m.promptShare(e)
	if b > 0 {
		a.gaps.decode(e.end, b)
		a.gaps.joined(e.end, int(e.stay))
	}
	a.gaps.joined(e.end, int(e.joins))
}

// paced is what steps whose work costs so much take more because tokens leave more slowly.
func (s *StepModel) paced(steps float64, batch int, cost split) split {
	return hostTime(max(0, s.pace*steps*float64(batch)-cost.sec))
}

// promptShare is the part of a mixed step's seconds that its prompts cause: they and the
// decoding sequences each bear what they would take alone, and share alike in what is saved
// by taking one step (the Shapley value of two).
func (s *StepModel) promptShare(e *entry) float64 {
	sec := e.end - e.start
	if e.batch == 0 {
		return sec
	}
	prompts := s.step(int(e.tokens), e.first, 0, 0, int(e.whole), int(e.prompts))
	decode := s.step(0, 0, int(e.batch), e.kv+float64(int(e.batch)*s.rows()), int(e.batch), 0)
	return min(sec, max(0, (sec+prompts-decode)/2))
}

// openAccounts gives every replica an account and a ledger to write in, one for each
// goroutine that replicas may run on.
func (f *fleet) openAccounts(gapsWanted bool) {
	f.accounts = make([]account, len(f.reps))
	f.logs = make([]*ledger, f.workers())
	for k := range f.logs {
		f.logs[k] = &ledger{}
	}
	var h *sim.Histogram
	var kinds []gaps
	if gapsWanted {
		h = sim.NewHistogram()
		for range f.c.Classes {
			kinds = append(kinds, gaps{h: sim.NewHistogram()})
		}
	}
	for i := range f.reps {
		r := &f.reps[i]
		r.log, r.number = f.logs[i%len(f.logs)], int32(i)
		f.accounts[i] = account{model: r.model, batcher: r.batcher, gaps: gaps{h: h}, kinds: slices.Clone(kinds)}
		if len(kinds) > 0 {
			r.kinds = &kindCounts{f.c.Classes, make([]int32, len(kinds))}
		}
	}
}
