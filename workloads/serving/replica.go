package serving

import "math"

// record is what is kept of one request. Its end is written elsewhere (book.ends), since the
// record has left the core's cache by then; differences are taken when it is counted.
type record struct {
	arrive, ready        float64 // at the service, and at the replica
	sched, first, finish float64 // on the replica; first is 0 until it happens, finish until it is counted
	replica              int32
	preempted            int32
	retried              int32
	lost                 bool    // refused: it can never fit, or nobody was there to serve it
	shed, timedOut       bool    // lost: turned away, or its client gave up
	unsent               bool    // lost: the answer that it waited for never came
	moveSec              float32 // that its cache was on the way between pools
	placeSec             float32 // that it waited because its adapter was not there or had no place in the batch
	shownSec             float32 // from its first token until a client saw it, where another pool hands it on
	next                 int32   // letter in the same box
}

// sequence is a request in the batch of a replica: two of them in a cache line.
type sequence struct {
	req      int32 // noRequest: the seat is free
	kv0      int32 // cached tokens at decode step d0
	d0       int32 // the last 32 bits of it
	phase    int32 // (cached tokens − decode steps) modulo block size, fixed while it decodes; −1 while it does not
	reserved int32 // blocks
	pins     int32 // cached prefix blocks that it holds, by hash
	prompt   int32
	output   int32
}

const (
	noRequest = -1 // of a free seat
	noPhase   = -1
)

// tokensNow is what a decoding sequence has in the cache.
func (s *sequence) tokensNow(clock int64) int32 { return s.kv0 + (int32(clock) - s.d0) }

type activity uint8

const (
	idle    activity = iota
	decodes          // a run of decode steps, in closed form
	mixes            // one step with prefill
	holds            // a batcher waits for more samples
	swaps            // its weights come to the chips
)

// replica is one engine. All its work is in plain slices; no event allocates.
type replica struct {
	model *StepModel
	eng   *EngineProfile
	book  *book

	maxBatch, budget int
	chips            int
	timeout          float64 // for the first token, after arrival; 0: none
	everyStep        bool
	low              *bounds
	mostBlocks       int   // that one step can take
	shortest         int32 // outputs that wait have at least so many tokens
	batcher          *batchModel

	now     float64 // end of the last step
	doing   activity
	start   float64 // of what it does now
	end     float64
	steps   int64   // decode steps in the run
	first   float64 // seconds of the run's first step
	growth  float64 // seconds by which each following step is longer
	closed  bool    // arrivals cannot join before a sequence leaves
	tokens  int     // of prefill in the mixed step
	pairs   float64 // attention work of the mixed step
	sampled int     // rows sampled in the mixed step, one for each decoding sequence
	pf      int     // sequences in prefill in the mixed step
	groups  groups  // what each attention group has of its prompts
	inStep  int     // decoding sequences in the step

	queue       []waiting // ring
	qHead, qLen int
	back        []waiting // preempted, the last goes first
	levels      *levels   // nil: one priority

	slots    []sequence // seats that were taken so far
	free     []int32    // those of them that are free again
	seated   []seating
	since    []float64 // by seat: when its sequence was ready to join, or gave way
	running  int       // decoding sequences
	heap     []endStep
	phases   []int32 // decoding sequences by phase
	clock    int64   // tokens that a sequence which decoded all the time has gained: decode steps done
	decoded  int64   // decode steps done
	kvSum    float64 // cached tokens of decoding sequences
	used     int     // blocks
	reserved int     // blocks promised
	blocks   int     // in all
	part     int32   // slot whose prompt is computed in part, −1: none
	partDone int32   // tokens
	partGoal int32
	whole    []int32 // slots whose prompt is complete after this step
	batch    []int32 // requests in the batcher's batch

	prefix  *prefixes // nil: prompts do not share
	loading waiting   // a request whose prefix comes from a lower tier, if isLoading
	// isLoading: one at a time, on one link; its blocks are held. awaits: the next
	// request needs the link too.
	isLoading, awaits bool

	adapters *adapterPool // nil: none

	chip       *chip // that it shares with other services, nil: its own
	seatOnChip int
	denied     bool // another has the chip
	contested  bool // another wants it

	prompts bool       // it computes prompts and hands them over
	layers  bool       // layer by layer
	takes   bool       // it decodes what others computed
	begun   []chunkOf  // of the step, for the pools to collect
	vain    []int32    // requests computed in vain
	answers bool       // its prefix cache keeps answers, too
	early   bool       // clients have first tokens from the workers that compute prompts
	handed  []handover // for the pools to collect
	pulls   []pulled
	coming  []coming // blocks are set aside, the cache is on its way
	landed  []coming // the cache is there, a seat is not
	kept    int      // blocks of prompts that were handed over and not taken
	keptSec float64  // and their integral, up to keptAt
	keptAt  float64
	// blocked: idle, because blocks are held by caches that come or go; roused: to look again.
	blocked, roused bool

	log        *ledger // nil: nobody asks what its work costs
	kinds      *kindCounts
	number     int32
	busySec    float64
	kvIntegral float64 // blocks × seconds
	seqSeconds float64 // sequences in steps × seconds
	peak       int     // blocks
	outstand   int32   // requests sent here and not finished
	inFlight   int64   // their tokens
	cameSec    float64 // sums of when requests came and left, under the invariants tag
	leftSec    float64
	tells      bool    // somebody asks which requests end
	ended      []int32 // since the caller last looked
	steps0     int64   // engine steps in all
	events     int64
	preempts   int
	doneTokens int64 // tokens emitted, those of repeated attempts included
}

func newReplica(m *StepModel, bm *batchModel, c *Config, b *book, low *bounds, everyStep bool) replica {
	r := replica{model: m, eng: &c.Engine, book: b, batcher: bm, low: low, everyStep: everyStep, part: -1}
	r.chips = c.ReplicaChips()
	r.timeout, r.levels = c.Limits.TimeoutSec, newLevels(c.Classes)
	if bm != nil {
		r.batch = make([]int32, 0, bm.max)
		return r
	}
	r.maxBatch, r.budget, r.blocks = c.MaxBatch, c.TokenBudget, m.Memory.Blocks
	r.phases = make([]int32, c.Engine.BlockTokens)
	some := min(r.maxBatch, 64) // seats at first
	r.slots, r.since, r.heap = make([]sequence, 0, some), make([]float64, 0, some), make([]endStep, 0, some)
	r.free, r.seated = make([]int32, 0, some), make([]seating, 0, 4*some)
	r.mostBlocks = r.blocksOf(int32(r.budget)) + r.maxBatch*(1+r.blocksOf(int32(m.width))) + 1
	return r
}

// nextTime is when the replica's next event ends, +Inf when it has none.
func (r *replica) nextTime() float64 {
	if r.doing != idle {
		return r.end
	}
	if r.denied {
		return math.Inf(1)
	}
	if r.roused {
		return r.now
	}
	t := math.Inf(1)
	if r.isLoading {
		t = r.loading.ready
	}
	if r.adapters != nil {
		t = math.Min(t, r.adapters.next())
	}
	if r.qLen > 0 && !r.blocked && (!r.awaits || r.levels != nil || r.adapters != nil) {
		t = math.Min(t, r.queue[r.qHead].ready)
	}
	return math.Max(r.now, t)
}

// advance processes all events up to and including time until.
func (r *replica) advance(until float64) {
	for {
		t := r.nextTime()
		if t > until || math.IsInf(t, 1) {
			return
		}
		r.event(t)
	}
}

// event processes the event at time t = nextTime().
func (r *replica) event(t float64) {
	r.events++
	r.now = t
	if r.doing != idle {
		r.complete()
	}
	if r.batcher != nil {
		r.scheduleBatch()
		return
	}
	if r.chip != nil {
		r.chip.turn(r, t)
		return
	}
	r.begin()
}

// begin starts what comes next at r.now.
func (r *replica) begin() {
	r.schedule()
	if r.adapters != nil {
		r.fetchAdapters()
	}
}

// duration is the time of the first k steps of the run.
func (r *replica) duration(k int64) float64 {
	f := float64(k)
	return f*r.first + r.growth*r.gained(k)
}

// cut ends the run at the first step boundary at or after time at.
func (r *replica) cut(at float64) {
	x := at - r.start
	var k int64 = 1
	if x > r.first && r.model.width > 1 {
		k = r.stepsIn(x)
	} else if x > r.first {
		b := r.first - r.growth/2
		k = int64(math.Ceil(2 * x / (b + math.Sqrt(b*b+2*r.growth*x))))
		k = max(k, 1)
		for k > 1 && r.duration(k-1) >= x {
			k--
		}
		for r.duration(k) < x {
			k++
		}
	}
	if k < r.steps {
		r.steps = k
		r.end = r.start + r.duration(k)
	}
}

// complete books the step or run that ends at r.now.
func (r *replica) complete() {
	sec := r.end - r.start
	if r.doing != holds && r.doing != swaps {
		r.busySec += sec
	}
	if r.batcher != nil {
		r.completeBatch()
		r.doing = idle
		return
	}
	switch r.doing {
	case mixes:
		r.completeMixed(sec)
	case decodes:
		k, b := r.steps, r.inStep
		r.noteAdapters(k)
		at := -1
		if l := r.log; l != nil {
			at = len(l.entries)
			e := l.add(ranSteps, r)
			e.first, e.growth, e.kv, e.steps, e.decoded, e.batch = r.first, r.growth, r.kvSum, k, r.decoded, int32(b)
		}
		r.noteKinds(true)
		n := r.gain(k)
		blocks := r.need(n)
		r.kvIntegral += sec * (float64(r.used) + float64(blocks)/2)
		r.seqSeconds += sec * float64(b)
		r.used += blocks
		if r.prefix != nil { // before anybody leaves: the steps of the run took the room
			r.prefix.trim(r.blocks - r.used)
		}
		r.peak = max(r.peak, r.used)
		r.clock += n
		r.decoded += k
		r.kvSum += float64(n) * float64(b)
		r.steps0 += k
		r.doneTokens += n * int64(b)
		r.leave()
		r.noteKinds(true)
		if at >= 0 {
			r.log.entries[at].stay = int32(r.running)
		}
	case holds, idle, swaps:
	}
	r.doing = idle
}

func (r *replica) completeMixed(sec float64) {
	b, at := r.inStep, -1
	r.noteAdapters(1)
	if l := r.log; l != nil {
		at = len(l.entries)
		e := l.add(mixedStep, r)
		e.first, e.kv, e.batch, e.tokens = r.pairs, r.kvSum, int32(b), int32(r.tokens)
		e.prompts, e.sampled, e.whole = int32(r.pf), int32(r.sampled), int32(len(r.whole))
		e.steps, e.decoded = int64(r.groups.most.tokens), int64(2*r.groups.most.pairs)
	}
	r.noteKinds(b > 0)
	if b > 0 {
		n := r.gain(1)
		r.clock += n
		r.decoded++
		r.kvSum += float64(n) * float64(b)
		r.doneTokens += n * int64(b)
	}
	r.kvIntegral += sec * float64(r.used)
	r.seqSeconds += sec * float64(b+r.pf)
	r.steps0++
	r.leave()
	r.noteKinds(true)
	stay := r.running
	for _, slot := range r.whole {
		r.join(slot)
	}
	r.noteKinds(true)
	if at >= 0 {
		e := &r.log.entries[at]
		e.stay, e.joins = int32(stay), int32(r.running-stay)
	}
}

// join makes a sequence whose prompt is complete a decoding one: its next
// token is out now.
func (r *replica) join(slot int32) {
	s := &r.slots[slot]
	rec := r.book.record(s.req)
	emitted := s.kv0 // tokens out before this one
	if emitted > 0 && r.log != nil {
		e := r.log.add(wentOn, r)
		e.start, e.batch = r.since[slot], int32(r.kinds.of(s.req))
	}
	if rec.first == 0 {
		rec.first = r.now
		r.mark(s.req, atFirst)
	}
	if r.timeout > 0 && emitted == 0 && r.now > rec.arrive+r.timeout { // computed in vain
		s.kv0 = s.prompt
		r.giveUp(slot)
		return
	}
	r.doneTokens++
	left := s.output - emitted - 1
	if r.prefix != nil {
		r.share(s, s.prompt)
	}
	s.kv0, s.d0 = s.prompt+emitted, int32(r.clock)
	if left <= 0 {
		r.finishOne(slot)
		return
	}
	if r.prompts {
		r.hand(slot)
		return
	}
	r.decodes(slot, r.clock+int64(left))
}

func minus(a, b split) split {
	return split{a.sec - b.sec, a.compute - b.compute, a.hbm - b.hbm, a.scaleup - b.scaleup}
}

func (s *sequence) tokens() int64 { return int64(s.prompt) + int64(s.output) }

func tokensOf(q *Request) int64 { return int64(q.Prompt) + int64(q.Output) }
