package serving

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naiveAdapters are the adapters of the naive scheduler: lists, searched anew each time.
type naiveAdapters struct {
	c        Adapters
	cost     *adapterCost
	resident []int // landed or loading
	host     []int
	landAt   map[int]float64 // of those that load
	used     map[int]float64 // when the last sequence left
	landed   map[int]float64 // when it came, where none left since
	wanted   []int
	seen     int // requests that have arrived
	link     float64
	feed     float64
	loadSec  float64
	loads    int
	hits     int
	missed   map[int]bool
	passed   map[int]bool
}

func (n *naive) adapter(req int) int { return int(n.reqs[req].Adapter) }

// running says how many sequences of the batch have an adapter, and how many adapters it has.
func (n *naive) inBatch(a int) (of, distinct int) {
	seen := map[int]bool{}
	for _, s := range n.running {
		if k := n.adapter(s.req); k > 0 {
			seen[k] = true
			if k == a {
				of++
			}
		}
	}
	return of, len(seen)
}

func (n *naive) permits(req int) bool {
	l := n.lora
	if l == nil {
		return true
	}
	a := n.adapter(req)
	of, distinct := n.inBatch(a)
	if a == 0 || of > 0 {
		return true
	}
	if l.c.Beside {
		_, loading := l.landAt[a]
		return slices.Contains(l.resident, a) && !loading
	}
	return distinct < l.c.Slots
}

// fillSlot gives an adapter a slot.
func (n *naive) fillSlot(a int) (fetch float64) {
	l := n.lora
	if len(l.resident) == l.c.Slots {
		out := n.spared()
		l.resident = slices.DeleteFunc(l.resident, func(k int) bool { return k == out })
	}
	l.resident = append(l.resident, a)
	l.loads++
	if slices.Contains(l.host, a) {
		return 0
	}
	if len(l.host) == l.c.Host {
		oldest := -1
		for _, k := range l.host {
			if !slices.Contains(l.resident, k) && (oldest < 0 || n.before(k, oldest)) {
				oldest = k
			}
		}
		l.host = slices.DeleteFunc(l.host, func(k int) bool { return k == oldest })
	}
	l.host = append(l.host, a)
	return l.c.StoreSec
}

// before orders adapters by their last use, those never used by number from the last.
func (n *naive) before(a, b int) bool {
	u := func(k int) float64 {
		if t, ok := n.lora.used[k]; ok {
			return t
		}
		return -float64(k)
	}
	return u(a) < u(b) || u(a) == u(b) && a < b
}

// spared is the idle adapter in a slot to go next, −1 for none.
func (n *naive) spared() int {
	l, out := n.lora, -1
	for _, k := range l.resident {
		of, _ := n.inBatch(k)
		if _, loading := l.landAt[k]; of > 0 || loading || l.c.Beside && n.waitsFor(k) {
			continue
		}
		if out < 0 || n.before(k, out) {
			out = k
		}
	}
	return out
}

func (n *naive) waitsFor(a int) bool {
	for _, s := range n.back {
		if n.adapter(s.req) == a {
			return true
		}
	}
	for _, q := range n.queue {
		if q < n.lora.seen && n.adapter(q) == a {
			return true
		}
	}
	return false
}

// arrive lands loads and notes what has arrived by now.
func (n *naive) arrive() {
	l := n.lora
	if l == nil {
		return
	}
	l.loadSec = 0
	for _, a := range slices.Clone(l.resident) {
		if at, ok := l.landAt[a]; ok && at <= n.now {
			delete(l.landAt, a)
			l.used[a] = at
		}
	}
	for ; l.seen < len(n.reqs) && n.reqs[l.seen].ArriveSec <= n.now; l.seen++ {
		a := n.adapter(l.seen)
		_, loading := l.landAt[a]
		if there := slices.Contains(l.resident, a); l.c.Beside && a > 0 && (!there || loading) {
			l.missed[l.seen] = true
			if !there && !slices.Contains(l.wanted, a) {
				l.wanted = append(l.wanted, a)
			}
		}
	}
}

// admits takes note that a request joins the batch.
func (n *naive) admits(req int) {
	l, a := n.lora, n.adapter(req)
	if l == nil || a == 0 {
		return
	}
	if slices.Contains(l.resident, a) {
		if !l.missed[req] {
			l.hits++
		}
		delete(l.missed, req) // when it gave way and joins again
		return
	}
	l.loadSec += n.fillSlot(a)
	l.loadSec += l.cost.loadSec
}

// leaves takes note of a sequence that left.
func (n *naive) leaves(req int) {
	if l, a := n.lora, n.adapter(req); l != nil && a > 0 {
		if of, _ := n.inBatch(a); of == 0 {
			l.used[a] = n.now
		}
	}
}

// fetches starts loads.
func (n *naive) fetches() {
	l := n.lora
	if l == nil || !l.c.Beside {
		return
	}
	var still []int
	for _, a := range l.wanted {
		if len(l.resident) == l.c.Slots && n.spared() < 0 {
			still = append(still, a)
			continue
		}
		at := n.now
		if sec := n.fillSlot(a); sec > 0 {
			l.feed = math.Max(l.feed, at) + sec
			at = l.feed
		}
		l.link = math.Max(l.link, at) + l.cost.loadSec
		l.landAt[a] = l.link
	}
	l.wanted = still
}

// wakes is when an idle engine has to look again at the earliest.
func (n *naive) wakes() float64 {
	t := math.Inf(1)
	for _, q := range n.queue {
		if at := n.reqs[q].ArriveSec; at > n.now {
			t = at
			break
		}
	}
	if n.lora != nil {
		for _, at := range n.lora.landAt { // the least of them, whatever the order
			t = math.Min(t, at)
		}
	}
	return t
}

// adapterSec is what a step takes more.
func (n *naive) adapterSec(stepping, prompts []*naiveSeq, tokens []int) float64 {
	if n.lora == nil {
		return 0
	}
	seen, rows := map[int]bool{}, 0
	for _, s := range stepping {
		if a := n.adapter(s.req); a > 0 {
			seen[a] = true
			rows++
		}
	}
	for i, s := range prompts {
		if a := n.adapter(s.req); a > 0 {
			seen[a] = true
			rows += tokens[i]
		}
	}
	return n.lora.cost.step(len(seen), rows).sec + n.lora.loadSec
}

// toyAdapters puts adapters on a toy service.
func toyAdapters(p *Prepared, a Adapters) *Prepared {
	a.StoreBytesPerSec, a.StoreSec = 1e9, 0.03
	p.Config.Adapters = a
	p.Model.adapters = &adapterCost{kernels: 1e-3, distinct: 2e-4, row: 3e-6, compute: 1e-6, rows: 1, loadSec: 4e-3}
	return p
}

// TestAdaptersAgainstNaive compares every first and last token, loads and hits with the naive
// scheduler: random engines, slots and host memories, loads in the step and beside it, caches
// small enough to preempt. 1 ns, as in TestAgainstNaive.
func TestAdaptersAgainstNaive(t *testing.T) {
	preempted, loads, fetched, hits, waits := 0, int64(0), int64(0), int64(0), 0.0
	rapid.Check(t, func(r *rapid.T) {
		e := EngineProfile{ID: "toy", BlockTokens: rapid.SampledFrom([]int{1, 4, 16}).Draw(r, "block"),
			PrefillFirst: rapid.Bool().Draw(r, "prefill first"), ReservePrompt: rapid.Bool().Draw(r, "reserve prompt")}
		seats := rapid.IntRange(1, 12).Draw(r, "seats")
		budget := rapid.IntRange(seats, 64).Draw(r, "budget")
		blocks := (rapid.IntRange(60, 400).Draw(r, "tokens") + e.BlockTokens - 1) / e.BlockTokens
		a := Adapters{Count: rapid.IntRange(1, 12).Draw(r, "adapters"), Beside: rapid.Bool().Draw(r, "beside")}
		a.Slots = rapid.IntRange(1, a.Count).Draw(r, "slots")
		a.Host = rapid.IntRange(a.Slots, a.Count).Draw(r, "host")
		n := rapid.IntRange(1, 40).Draw(r, "requests")
		var reqs []Request
		at := 0.0
		for range n {
			at += rapid.SampledFrom([]float64{0, 1e-3, 4.9e-3, 0.03, 0.7}).Draw(r, "gap") * rapid.Float64Range(0.5, 1).Draw(r, "of")
			reqs = append(reqs, Request{ArriveSec: at, Prompt: int32(rapid.IntRange(1, 40).Draw(r, "prompt")), Output: int32(rapid.IntRange(1, 19).Draw(r, "output")),
				Adapter: int32(rapid.IntRange(0, a.Count).Draw(r, "adapter"))})
		}
		p := toyAdapters(toyService(e, 1, seats, budget, blocks), a)
		ref := &naive{m: p.Model, e: e, seats: seats, budget: budget, blocks: blocks, reqs: reqs,
			first: make([]float64, n), finish: make([]float64, n), preempt: make([]int, n),
			lora: &naiveAdapters{c: p.Config.Adapters, cost: p.Model.adapters, landAt: map[int]float64{}, used: map[int]float64{}, missed: map[int]bool{}}}
		for k := 1; k <= a.Host; k++ {
			ref.lora.host = append(ref.lora.host, k)
		}
		ref.play(r)
		for _, every := range []bool{false, true} {
			f := runFleet(r, p, reqs, Options{EveryStep: every})
			for i := range reqs {
				rec := &f.rec[i]
				if math.Abs(rec.first-ref.first[i]) > 1e-9 || math.Abs(rec.finish-ref.finish[i]) > 1e-9 || int(rec.preempted) != ref.preempt[i] {
					r.Fatalf("every step %v, request %d: first %.9f finish %.9f preempted %d, naive %.9f %.9f %d", every, i,
						rec.first, rec.finish, rec.preempted, ref.first[i], ref.finish[i], ref.preempt[i])
				}
				preempted += ref.preempt[i]
				waits += float64(rec.placeSec)
			}
			u := f.adapterUse()
			if u.Loads != int64(ref.lora.loads) || u.Hits != int64(ref.lora.hits) {
				r.Fatalf("every step %v: %d loads and %d hits, naive %d and %d", every, u.Loads, u.Hits, ref.lora.loads, ref.lora.hits)
			}
			loads, fetched, hits = loads+u.Loads, fetched+u.Fetched, hits+u.Hits
			checkEmpty(r, f)
		}
	})
	t.Logf("%d preemptions, %d loads, %d from the store, %d hits, %.1f s of waiting compared", preempted, loads, fetched, hits, waits)
	if preempted == 0 || fetched == 0 || hits == 0 || waits == 0 {
		t.Error("the comparison misses preemptions, loads from the store, hits or waiting")
	}
}
