package serving

import "math"

// adapterPool is the adapters of one replica: which lie where, which the batch uses, and the
// requests that wait, by adapter. The model itself stands last, as an adapter that is always there.
//
// A request joins the batch when its adapter is in use there, or when fewer than Slots are; those
// behind it in order go ahead meanwhile, as in vLLM's and SGLang's schedulers. Slots and places in the
// host's memory that no sequence uses are given up the least recently used first.
type adapterPool struct {
	c    *Adapters
	cost *adapterCost
	own  int32 // number of the model itself

	one     []adapter
	slots   []int32 // adapter by slot, −1: empty
	held    int     // slots that the batch uses
	loading int     // slots that are being filled
	idle    lru     // in slots that nobody uses
	hosted  lru     // in the host's memory alone
	inHost  int     // in the host's memory, those in slots too

	ofSlot   []int32 // adapter by seat of the batch
	decoding int     // distinct adapters of decoding sequences
	rows     int     // of those sequences
	step     int64   // number of the step whose prompts are marked
	prompts  prompting
	loadSec  float64 // that the step to come waits for loads
	storeSec float64 // of a load from the store to the host's memory

	wait  []parked // nodes
	spare []int32  // free nodes
	order []ends   // by level, in order of arrival
	lists []ends   // by level and adapter
	after []int32  // by level: the first that no other went ahead of
	n     int
	seq   int64

	wanted []int32 // adapters whose loads wait for a slot (Beside), oldest first
	flying []flight
	linkAt float64 // when the link to the chips is free, and that to the store
	feedAt float64

	asked, hits, loads, fetched int64
}

// prompting counts the prompts of a step.
type prompting struct {
	rows, distinct int // of adapters
	joined         int // distinct adapters that no decoding sequence has
}

// adapter is one of them.
type adapter struct {
	prev, next int32 // in idle or hosted
	slot       int32 // −1: none
	batch      int32 // sequences in the batch
	decoding   int32 // of them
	marked     int64 // the last step with a prompt of it
	there      bool  // in the host's memory
	wanted     bool
	flying     bool  // its slot is being filled
	waiting    int32 // requests that wait for it, those that gave way too
	left       float64
}

// flight is a load under way.
type flight struct {
	adapter int32
	at      float64
}

// parked is a request that waits.
type parked struct {
	w          waiting
	adapter    int32
	prev, next int32 // in order
	behind     int32 // the next of its adapter
	seq        int64
	missed     bool // its adapter was not on the chips when it came (Beside)
	passed     bool // others went ahead, or could have, from at on
	at         float64
}

// ends of a list of nodes.
type ends struct{ head, tail int32 }

func newAdapterPool(c *Config, cost *adapterCost) *adapterPool {
	a := &c.Adapters
	p := &adapterPool{c: a, cost: cost, own: int32(a.Count), one: make([]adapter, a.Count+1), slots: make([]int32, a.Slots), ofSlot: make([]int32, c.MaxBatch)}
	if a.stored() {
		p.storeSec = a.StoreSec + cost.size/a.StoreBytesPerSec
	}
	levels := 1
	if l := newLevels(c.Classes); l != nil {
		levels = len(l.wait)
	}
	p.order, p.after, p.lists = make([]ends, levels), make([]int32, levels), make([]ends, levels*(a.Count+1))
	p.reset()
	return p
}

// reset is the state in which an engine starts: no adapter on the chips, the first ones in the
// host's memory, nothing waits.
func (p *adapterPool) reset() {
	p.idle, p.hosted = lru{head: -1, tail: -1}, lru{head: -1, tail: -1}
	p.held, p.loading, p.inHost, p.decoding, p.rows, p.n, p.loadSec = 0, 0, 0, 0, 0, 0, 0
	p.wait, p.spare, p.wanted, p.flying = p.wait[:0], p.spare[:0], p.wanted[:0], p.flying[:0]
	p.linkAt, p.feedAt = 0, 0
	for i := range p.slots {
		p.slots[i] = -1
	}
	for i := range p.one {
		p.one[i] = adapter{slot: -1, marked: -1}
	}
	host := p.c.Host
	if host == 0 {
		host = p.c.Count
	}
	for i := int32(host) - 1; i >= 0; i-- { // the first is the last to go
		p.one[i].there = true
		p.inHost++
		p.link(&p.hosted, i)
	}
	for i := range p.order {
		p.order[i], p.after[i] = ends{-1, -1}, -1
	}
	for i := range p.lists {
		p.lists[i] = ends{-1, -1}
	}
}

// of is the adapter of a request by the numbers of a pool.
func (p *adapterPool) of(q *Request) int32 {
	if q.Adapter == 0 {
		return p.own
	}
	return q.Adapter - 1
}

func (p *adapterPool) link(l *lru, i int32) { p.linkAfter(l, l.tail, i) }

// linkAfter puts an adapter behind another, −1: at the head.
func (p *adapterPool) linkAfter(l *lru, at, i int32) {
	e := &p.one[i]
	e.prev, e.next = at, l.head
	if at >= 0 {
		e.next = p.one[at].next
		p.one[at].next = i
	} else {
		l.head = i
	}
	if e.next >= 0 {
		p.one[e.next].prev = i
	} else {
		l.tail = i
	}
	l.count++
}

func (p *adapterPool) unlink(l *lru, i int32) {
	e := &p.one[i]
	if e.prev >= 0 {
		p.one[e.prev].next = e.next
	} else {
		l.head = e.next
	}
	if e.next >= 0 {
		p.one[e.next].prev = e.prev
	} else {
		l.tail = e.prev
	}
	l.count--
}

// permits says whether a request of an adapter may join the batch now.
func (p *adapterPool) permits(i int32) bool {
	if i == p.own || p.one[i].batch > 0 {
		return true
	}
	if p.c.Beside {
		return p.landed(i)
	}
	return p.held < len(p.slots)
}

// landed says whether an adapter is on the chips.
func (p *adapterPool) landed(i int32) bool { return p.one[i].slot >= 0 && !p.one[i].flying }

// spared is the adapter whose slot another takes: the least recently used of those that nobody uses
// and, where loads run beside the steps, nobody waits for. −1 when there is none.
func (p *adapterPool) spared() int32 {
	i := p.idle.head
	for p.c.Beside && i >= 0 && p.one[i].waiting > 0 {
		i = p.one[i].next
	}
	return i
}

// fill gives an adapter a slot and returns how long its bytes take from the store to the host's
// memory; those from there to the chips take cost.loadSec more.
func (p *adapterPool) fill(i int32) (fetchSec float64) {
	e := &p.one[i]
	slot := int32(-1)
	for k, other := range p.slots {
		if other < 0 {
			slot = int32(k)
			break
		}
	}
	if slot < 0 {
		out := p.spared()
		p.unlink(&p.idle, out)
		slot = p.one[out].slot
		p.one[out].slot = -1
		p.link(&p.hosted, out) // used after all that lie there
	}
	p.slots[slot], e.slot = i, slot
	p.loads++
	if e.there {
		p.unlink(&p.hosted, i)
		return 0
	}
	p.fetched++
	if p.inHost == p.c.Host {
		out := p.hosted.head
		p.unlink(&p.hosted, out)
		p.one[out].there = false
		p.inHost--
	}
	e.there = true
	p.inHost++
	return p.storeSec
}

// joins takes note that a sequence of an adapter joins the batch at a seat.
func (p *adapterPool) joins(i, seat int32) {
	p.ofSlot[seat] = i
	if i == p.own {
		return
	}
	e := &p.one[i]
	if e.batch++; e.batch > 1 {
		return
	}
	p.held++
	if e.slot >= 0 {
		p.unlink(&p.idle, i)
		return
	}
	p.loadSec += p.fill(i) + p.cost.loadSec
}

// leaves takes note that the sequence of a seat leaves the batch at time t.
func (p *adapterPool) leaves(seat int32, t float64) {
	i := p.ofSlot[seat]
	if i == p.own {
		return
	}
	if e := &p.one[i]; e.batch == 1 {
		p.held--
		e.batch, e.left = 0, t
		at := p.idle.tail
		for at > i && p.one[at].left == t { // of one moment, by number
			at = p.one[at].prev
		}
		p.linkAfter(&p.idle, at, i)
	} else {
		e.batch--
	}
}

// decodes counts the sequence of a seat among the decoding ones, n = 1, or out of them, −1.
func (p *adapterPool) decodes(seat, n int32) {
	i := p.ofSlot[seat]
	if i == p.own {
		return
	}
	e := &p.one[i]
	before := e.decoding
	e.decoding += n
	p.rows += int(n)
	if before == 0 {
		p.decoding++
	} else if e.decoding == 0 {
		p.decoding--
	}
}

// begins forgets the prompts of the last step.
func (p *adapterPool) begins() {
	p.step++
	p.prompts = prompting{}
	p.loadSec = 0
}

// prompt counts rows of a prompt in the step to come.
func (p *adapterPool) prompt(seat, rows int32) {
	i := p.ofSlot[seat]
	if i == p.own {
		return
	}
	p.prompts.rows += int(rows)
	if e := &p.one[i]; e.marked != p.step {
		e.marked = p.step
		p.prompts.distinct++
		if e.decoding == 0 {
			p.prompts.joined++
		}
	}
}

// park lets a request wait.
func (p *adapterPool) park(w waiting, i int32, level int) {
	k := int32(len(p.wait))
	if n := len(p.spare); n > 0 {
		k = p.spare[n-1]
		p.spare = p.spare[:n-1]
	} else {
		p.wait = append(p.wait, parked{})
	}
	all, own := &p.order[level], &p.lists[level*len(p.one)+int(i)]
	p.wait[k] = parked{w: w, adapter: i, prev: all.tail, next: -1, behind: -1, seq: p.seq}
	p.seq++
	if all.tail >= 0 {
		p.wait[all.tail].next = k
	} else {
		all.head = k
	}
	all.tail = k
	if own.tail >= 0 {
		p.wait[own.tail].behind = k
	} else {
		own.head = k
	}
	own.tail = k
	if p.after[level] < 0 {
		p.after[level] = k
	}
	p.n++
	p.one[i].waiting++
	if p.c.Beside && i != p.own && !p.landed(i) {
		p.wait[k].missed = true
		if e := &p.one[i]; e.slot < 0 && !e.wanted {
			e.wanted = true
			p.wanted = append(p.wanted, i)
		}
	}
}

// first is the first request of a level that may join the batch, −1 when none may.
func (p *adapterPool) first(level int) int32 {
	head := p.order[level].head
	if head < 0 || !p.c.Beside && p.held < len(p.slots) || p.permits(p.wait[head].adapter) {
		return head
	}
	lists := p.lists[level*len(p.one) : (level+1)*len(p.one)]
	best := lists[p.own].head
	for _, i := range p.slots {
		if i < 0 {
			continue
		}
		if k := lists[i].head; k >= 0 && (best < 0 || p.wait[k].seq < p.wait[best].seq) && p.permits(i) {
			best = k
		}
	}
	return best
}

// pass takes note at time t that those before node k, all when k is −1, are passed over.
func (p *adapterPool) pass(level int, k int32, t float64) {
	at := p.after[level]
	for at >= 0 && (k < 0 || p.wait[at].seq < p.wait[k].seq) {
		e := &p.wait[at]
		e.passed, e.at = true, t
		at = e.next
	}
	p.after[level] = at
}

// drop takes node k, the first of its adapter, out of its level.
func (p *adapterPool) drop(level int, k int32) {
	e := &p.wait[k]
	all, own := &p.order[level], &p.lists[level*len(p.one)+int(e.adapter)]
	if p.after[level] == k {
		p.after[level] = e.next
	}
	if e.prev >= 0 {
		p.wait[e.prev].next = e.next
	} else {
		all.head = e.next
	}
	if e.next >= 0 {
		p.wait[e.next].prev = e.prev
	} else {
		all.tail = e.prev
	}
	if own.head = e.behind; own.head < 0 {
		own.tail = -1
	}
	p.one[e.adapter].waiting--
	p.spare = append(p.spare, k)
	p.n--
}

// land ends the loads that have come by time t.
func (p *adapterPool) land(t float64) {
	n := 0
	for _, x := range p.flying {
		if x.at > t {
			p.flying[n] = x
			n++
			continue
		}
		p.loading--
		p.one[x.adapter].flying = false
		p.link(&p.idle, x.adapter)
	}
	p.flying = p.flying[:n]
}

// fetch starts at time t the loads for which there are slots.
func (p *adapterPool) fetch(t float64) {
	n := 0
	for _, i := range p.wanted {
		if p.held+p.loading+p.idle.count == len(p.slots) && p.spared() < 0 {
			p.wanted[n] = i
			n++
			continue
		}
		p.one[i].wanted = false
		at := t
		if sec := p.fill(i); sec > 0 {
			p.feedAt = math.Max(p.feedAt, at) + sec
			at = p.feedAt
		}
		p.linkAt = math.Max(p.linkAt, at) + p.cost.loadSec
		p.loading++
		p.one[i].flying = true
		p.flying = append(p.flying, flight{i, p.linkAt})
	}
	p.wanted = p.wanted[:n]
}

// next is when a load comes that is under way, +Inf for none.
func (p *adapterPool) next() float64 {
	t := math.Inf(1)
	for k := range p.flying {
		t = math.Min(t, p.flying[k].at)
	}
	return t
}
