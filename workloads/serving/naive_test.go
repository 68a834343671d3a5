package serving

import (
	"math"
	"slices"
	"testing"

	"aisim/hardware"
	"aisim/workloads"

	"pgregory.net/rapid"
)

// naive is the scheduler of one replica written without any of the shortcuts of
// replica: one step after the other, every count made anew from lists.
type naive struct {
	m       *StepModel
	e       EngineProfile
	seats   int
	budget  int
	blocks  int
	reqs    []Request
	queue   []int
	back    []naiveSeq
	running []*naiveSeq
	now     float64
	first   []float64
	finish  []float64
	preempt []int
	steps   int
	lora    *naiveAdapters // nil: none (adapters_naive_test.go)
	prompts []*naiveSeq    // with a chunk in this step, and its tokens
	chunks  []int
}

type naiveSeq struct {
	req, emitted, kv, goal, reserved int
	decoding                         bool
}

func (n *naive) of(tokens int) int { return (tokens + n.e.BlockTokens - 1) / n.e.BlockTokens }

func (n *naive) used() (u, reserved int) {
	for _, s := range n.running {
		u += n.of(s.kv)
		reserved += s.reserved
	}
	return u, reserved
}

func (n *naive) need() (k int) {
	for _, s := range n.running {
		if s.decoding && s.kv%n.e.BlockTokens == 0 {
			k++
		}
	}
	return k
}

func (n *naive) decoding() (k int, kv float64) {
	for _, s := range n.running {
		if s.decoding {
			k++
			kv += float64(s.kv)
		}
	}
	return k, kv
}

func (n *naive) drop(s *naiveSeq) {
	n.running = slices.DeleteFunc(n.running, func(o *naiveSeq) bool { return o == s })
}

func (n *naive) evict(s *naiveSeq) {
	n.drop(s)
	n.leaves(s.req)
	n.preempt[s.req]++
	n.back = append(n.back, naiveSeq{req: s.req, emitted: s.emitted})
}

func (n *naive) part() *naiveSeq {
	for _, s := range n.running {
		if !s.decoding {
			return s
		}
	}
	return nil
}

// fill schedules prompts and returns their tokens, pairs, sequences and those completed.
func (n *naive) fill(budget, withheld int, admit bool) (tokens int, pairs float64, seqs int, whole []*naiveSeq) {
	take := func(s *naiveSeq, chunk int) {
		pairs += float64(chunk) * (float64(s.kv) + float64(chunk)/2)
		s.kv += chunk
		n.prompts, n.chunks = append(n.prompts, s), append(n.chunks, chunk)
		tokens += chunk
		budget -= chunk
		seqs++
		if s.kv == s.goal {
			whole = append(whole, s)
		}
	}
	free := func() int { u, _ := n.used(); return n.blocks - u - withheld }
	if p := n.part(); p != nil && budget > 0 {
		chunk := min(p.goal-p.kv, budget)
		if n.of(p.kv+chunk)-n.of(p.kv) > free() {
			admit = false
			if d, _ := n.decoding(); !n.e.PrefillFirst || d == 0 {
				n.evict(p)
			}
		} else {
			take(p, chunk)
			if p.kv < p.goal {
				return
			}
		}
	}
	for admit && budget > 0 {
		var s naiveSeq
		gave, waits := len(n.back)-1, 0
		for gave >= 0 && !n.permits(n.back[gave].req) {
			gave--
		}
		for gave < 0 && waits < len(n.queue) && n.reqs[n.queue[waits]].ArriveSec <= n.now && !n.permits(n.queue[waits]) {
			waits++
		}
		if gave >= 0 {
			s = n.back[gave]
		} else if waits < len(n.queue) && n.reqs[n.queue[waits]].ArriveSec <= n.now {
			s = naiveSeq{req: n.queue[waits]}
		} else {
			return
		}
		s.goal = int(n.reqs[s.req].Prompt) + s.emitted
		chunk := min(s.goal, budget)
		ask := n.of(chunk)
		if n.e.ReservePrompt {
			ask = n.of(s.goal)
		}
		if n.e.ReserveOutput > 0 {
			s.reserved = n.of(int(n.reqs[s.req].Prompt) + int(n.e.ReserveOutput*float64(n.reqs[s.req].Output)))
		}
		_, reserved := n.used()
		if len(n.running) == n.seats || ask > free() || reserved+s.reserved > n.blocks {
			return
		}
		if gave >= 0 {
			n.back = slices.Delete(n.back, gave, gave+1)
		} else {
			n.queue = slices.Delete(n.queue, waits, waits+1)
		}
		n.admits(s.req)
		added := &s
		n.running = append(n.running, added)
		take(added, chunk)
		if added.kv < added.goal {
			return
		}
	}
	return
}

func (n *naive) step() {
	n.steps++
	n.arrive()
	n.prompts, n.chunks = n.prompts[:0], n.chunks[:0]
	tokens, pairs, seqs, whole := 0, 0.0, 0, []*naiveSeq(nil)
	decode := true
	if n.e.PrefillFirst {
		tokens, pairs, seqs, whole = n.fill(n.budget, 0, true)
		decode = tokens == 0
	}
	var b int
	var kv float64
	if decode {
		clean := true
		for {
			u, _ := n.used()
			if d, _ := n.decoding(); d == 0 || u+n.need() <= n.blocks {
				break
			}
			n.evict(n.running[len(n.running)-1])
			clean = false
		}
		if !n.e.PrefillFirst {
			d, _ := n.decoding()
			tokens, pairs, seqs, whole = n.fill(n.budget-d, n.need(), clean)
		}
	}
	var stepping []*naiveSeq
	if decode {
		for _, s := range n.running {
			if s.decoding {
				stepping = append(stepping, s)
			}
		}
		b, kv = n.decoding()
		kv += float64(b)
	}
	if b == 0 && tokens == 0 {
		n.fetches()
		switch stuck := n.lora != nil && len(n.lora.landAt) > 0; {
		case stuck || len(n.back) == 0 && (len(n.queue) == 0 || n.reqs[n.queue[0]].ArriveSec > n.now):
			n.now = n.wakes()
		}
		return
	}
	sec := n.adapterSec(stepping, n.prompts, n.chunks)
	n.fetches()
	n.now += n.m.step(tokens, pairs, b, kv, b+len(whole), seqs) + sec
	emit := func(s *naiveSeq) {
		s.emitted++
		if n.first[s.req] == 0 {
			n.first[s.req] = n.now
		}
		if s.emitted == int(n.reqs[s.req].Output) {
			n.finish[s.req] = n.now
			n.drop(s)
			n.leaves(s.req)
		}
	}
	for _, s := range stepping {
		s.kv++
		emit(s)
	}
	for _, s := range whole {
		s.decoding = true
		emit(s)
	}
}

// play serves all requests.
func (n *naive) play(t fataler) {
	for i := range n.reqs {
		n.queue = append(n.queue, i)
	}
	for len(n.queue)+len(n.back)+len(n.running) > 0 {
		n.step()
		if n.steps > 100_000 {
			t.Fatal("naive scheduler does not come to an end")
		}
	}
}

// toyModel is a step model of simple slopes, so that small caches and batches
// can be tried without a device behind them.
func toyModel(seats, budget, blocks, block int) *StepModel {
	m := &StepModel{Memory: Memory{Blocks: blocks, Tokens: blocks * block}}
	for i := range budget + 1 {
		m.linear = append(m.linear, split{sec: 5e-3 + 20e-6*float64(i), compute: 20e-6 * float64(i), hbm: 4e-3})
	}
	for i := range seats + 1 {
		m.head = append(m.head, split{sec: 1e-4 + 1e-6*float64(i), hbm: 1e-4})
	}
	m.prefill = split{sec: 3e-9, compute: 3e-9}
	m.kv = split{sec: 7e-8, hbm: 7e-8}
	m.seq = hostTime(8e-6)
	m.mixed = hostTime(1e-3)
	return m
}

// toyService prepares a service on a toy model.
func toyService(e EngineProfile, replicas, seats, budget, blocks int) *Prepared {
	c := Config{Engine: e, Replicas: replicas, Router: RoundRobin, MaxBatch: seats, TokenBudget: budget, TP: 1, PP: 1,
		Precision: hardware.BF16, KVPrecision: hardware.BF16, MemoryFraction: 0.9, Network: Network{Sites: 1, TokenBytes: 4},
		Arch: workloads.Architecture{ID: "toy"}}
	m := toyModel(seats, budget, blocks, e.BlockTokens)
	return &Prepared{Config: c, Model: m, Memory: m.Memory}
}

// TestAgainstNaive compares every first and last token with the naive scheduler,
// for random engines, caches small enough to preempt, and bursts. The tolerance,
// 1 ns, is what sums in another order may differ by.
func TestAgainstNaive(t *testing.T) {
	preempted, steps := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		e := EngineProfile{ID: "toy", BlockTokens: rapid.SampledFrom([]int{1, 2, 4, 16}).Draw(r, "block"),
			PrefillFirst: rapid.Bool().Draw(r, "prefill first"), ReservePrompt: rapid.Bool().Draw(r, "reserve prompt"),
			ReserveOutput: rapid.SampledFrom([]float64{0, 0, 0.3, 1}).Draw(r, "reserve output")}
		seats := rapid.IntRange(1, 12).Draw(r, "seats")
		budget := rapid.IntRange(seats, 64).Draw(r, "budget")
		blocks := (rapid.IntRange(60, 400).Draw(r, "tokens") + e.BlockTokens - 1) / e.BlockTokens
		n := rapid.IntRange(1, 40).Draw(r, "requests")
		var reqs []Request
		at := 0.0
		for range n {
			at += rapid.SampledFrom([]float64{0, 1e-3, 4.9e-3, 0.03, 0.7}).Draw(r, "gap") * rapid.Float64Range(0.5, 1).Draw(r, "of")
			q := Request{ArriveSec: at, Prompt: int32(rapid.IntRange(1, 40).Draw(r, "prompt")), Output: int32(rapid.IntRange(1, 19).Draw(r, "output"))}
			reqs = append(reqs, q)
		}
		p := toyService(e, 1, seats, budget, blocks)
		p.Model.pace = rapid.SampledFrom([]float64{0, 0.7e-3, 0.9e-3, 3e-3}).Draw(r, "pace")
		ref := &naive{m: p.Model, e: e, seats: seats, budget: budget, blocks: blocks, reqs: reqs,
			first: make([]float64, n), finish: make([]float64, n), preempt: make([]int, n)}
		ref.play(r)
		steps += ref.steps
		for _, every := range []bool{false, true} {
			f := runFleet(r, p, reqs, Options{EveryStep: every})
			for i := range reqs {
				rec := &f.rec[i]
				if math.Abs(rec.first-ref.first[i]) > 1e-9 || math.Abs(rec.finish-ref.finish[i]) > 1e-9 || int(rec.preempted) != ref.preempt[i] {
					r.Fatalf("every step %v, request %d: first %.9f finish %.9f preempted %d, naive %.9f %.9f %d", every, i,
						rec.first, rec.finish, rec.preempted, ref.first[i], ref.finish[i], ref.preempt[i])
				}
				preempted += ref.preempt[i]
			}
			checkEmpty(r, f)
		}
	})
	t.Logf("%d naive steps, %d preemptions compared", steps, preempted)
	if preempted == 0 {
		t.Error("no case preempted: the comparison misses it")
	}
}

type fataler interface {
	Fatalf(string, ...any)
	Fatal(...any)
	Helper()
}

// played is a fleet after a run with its requests and what became of them.
type played struct {
	*fleet
	reqs []Request
	rec  []record
}

// runFleet is Simulate that hands out the records.
func runFleet(t fataler, p *Prepared, reqs []Request, opt Options) played {
	t.Helper()
	count := p.newTally(&opt)
	count.kept = []record{}
	f, err := p.run(&recorded{reqs}, opt, count)
	if err != nil {
		t.Fatal(err)
	}
	return played{f, reqs, count.kept}
}

// checkEmpty holds that nothing is left in a fleet after a run: blocks, seats,
// promises and counts are all returned.
func checkEmpty(t fataler, f played) {
	t.Helper()
	for i := range f.reps {
		r := &f.reps[i]
		if r.used != 0 || r.reserved != 0 || r.running != 0 || r.kvSum != 0 || len(r.heap) != 0 ||
			len(r.free) != len(r.slots) || r.qLen != 0 || len(r.back) != 0 || r.outstand != 0 || r.part >= 0 || r.peak > r.blocks {
			t.Fatalf("replica %d is not empty: %d blocks, %d reserved, %d running, %v tokens, peak %d of %d", i, r.used, r.reserved, r.running, r.kvSum, r.peak, r.blocks)
		}
		for p, n := range r.phases {
			if n != 0 {
				t.Fatalf("replica %d: %d sequences in phase %d", i, n, p)
			}
		}
	}
}
