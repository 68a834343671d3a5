//go:build invariants

package serving

import (
	"fmt"
	"math"
)

// checked says whether the counts of a replica are made anew before every step.
const checked = true

// check counts blocks, seats and tokens from the sequences themselves and
// compares them with what is kept step by step.
func (r *replica) check() {
	var used, reserved, seats, decoding int
	var kv float64
	phases := make([]int32, len(r.phases))
	for s := range r.slots {
		q := &r.slots[s]
		if q.req == noRequest {
			continue
		}
		seats++
		reserved += int(q.reserved)
		switch {
		case q.phase != noPhase:
			tokens := q.tokensNow(r.clock)
			used += r.blocksOf(tokens) - r.pinned(q)
			kv += float64(tokens)
			decoding++
			phases[q.phase]++
		case int32(s) == r.part:
			used += r.blocksOf(r.partDone) - r.pinned(q)
		default:
			panic(fmt.Sprintf("serving: invariant: request %d neither decodes nor is in prefill", q.req))
		}
	}
	if r.prefix != nil {
		for i := range r.prefix.cells {
			if r.prefix.cells[i].refs > 0 {
				used += r.prefix.blocks
			}
		}
	}
	if p := r.adapters; p != nil {
		p.check(r)
	}
	for _, e := range r.heap {
		if left := e.after(r.clock); left <= 0 {
			panic(fmt.Sprintf("serving: invariant: request %d should have ended %d steps ago", r.slots[e.slot()].req, -left))
		}
	}
	used += r.kept
	for k := range r.coming {
		used += r.coming[k].own
		reserved += r.coming[k].promise
	}
	for k := range r.landed {
		used += r.landed[k].own
		reserved += r.landed[k].promise
	}
	ok := used == r.used && used <= r.blocks && reserved == r.reserved && decoding == r.running && decoding == len(r.heap) &&
		seats+len(r.free) == len(r.slots) && math.Abs(kv-r.kvSum) <= 1e-6*kv
	for i := range phases {
		ok = ok && phases[i] == r.phases[i]
	}
	if !ok {
		panic(fmt.Sprintf("serving: invariant: counted %d blocks, %d promised, %d decoding, %d seats, %v tokens; kept %d, %d, %d, %d, %v",
			used, reserved, decoding, seats, kv, r.used, r.reserved, r.running, len(r.slots)-len(r.free), r.kvSum))
	}
}

// pinned is the blocks that a sequence shares.
func (r *replica) pinned(q *sequence) int {
	if r.prefix == nil {
		return 0
	}
	return int(q.pins) * r.prefix.blocks
}

// noneEnded holds that a replica that was advanced to before time at has ended nothing
// since its requests were last counted.
func (f *fleet) noneEnded(i int, at float64) {
	seats, k := f.seat(i)
	if l := seats.at(k); l != away && l != f.reps[i].outstand {
		panic(fmt.Sprintf("serving: invariant: replica %d ended %d requests before %v s", i, l-f.reps[i].outstand, at))
	}
}

// conserved holds that a load that was played through left nothing behind: no blocks,
// promises or seats in use, every token made once for every answer that was given, and
// Little's law: the integral of the requests at the replicas over time, counted as they come
// and go, is the sum of their times there.
func (f *fleet) conserved(t *tally) {
	var tokens int64
	area := f.heldSec
	for i := range f.reps {
		r := &f.reps[i]
		tokens += r.doneTokens
		area += r.leftSec - r.cameSec
		idle := r.used == 0 && r.reserved == 0 && r.kept == 0 && r.running == 0 && r.outstand == 0 && r.inFlight == 0 && len(r.coming) == 0 && len(r.landed) == 0
		if !idle || len(r.free) != len(r.slots) {
			panic(fmt.Sprintf("serving: invariant: replica %d ends with %d blocks, %d promised, %d kept, %d decoding, %d requests, %d tokens to do, %d of %d seats free",
				i, r.used, r.reserved, r.kept, r.running, r.outstand, r.inFlight, len(r.free), len(r.slots)))
		}
	}
	if t.goodOnly || t.retried > 0 || t.requests != t.completed+t.lost {
		return // work done again is counted again
	}
	if f.reps[0].batcher == nil && tokens != t.outputTokens {
		panic(fmt.Sprintf("serving: invariant: %d tokens made, %d given", tokens, t.outputTokens))
	}
	if t.lost == 0 && math.Abs(area-t.stays) > 1e-9*(1+t.end)*float64(t.requests) {
		panic(fmt.Sprintf("serving: invariant: %v requests × seconds at the replicas, %v by the times of %d requests", area, t.stays, t.requests))
	}
}

// check counts the adapters of a batch and of the slots from the sequences and the adapters themselves.
func (p *adapterPool) check(r *replica) {
	batch, decoding, rows := make([]int32, len(p.one)), make([]int32, len(p.one)), 0
	for s := range r.slots {
		if r.slots[s].req == noRequest {
			continue
		}
		i := p.of(r.book.req(r.slots[s].req))
		batch[i]++
		if r.slots[s].phase != noPhase && i != p.own {
			decoding[i]++
			rows++
		}
	}
	held, distinct, there, filled := 0, 0, 0, 0
	ok := true
	for i := range p.one {
		e := &p.one[i]
		if int32(i) == p.own {
			continue
		}
		ok = ok && e.batch == batch[i] && e.decoding == decoding[i] && (e.slot < 0 || p.slots[e.slot] == int32(i)) && (e.batch == 0 || e.slot >= 0 && e.there)
		for k, n := range map[*int]bool{&held: e.batch > 0, &distinct: e.decoding > 0, &there: e.there, &filled: e.slot >= 0} {
			if n {
				*k++
			}
		}
	}
	ok = ok && held == p.held && distinct == p.decoding && rows == p.rows && there == p.inHost && filled == p.held+p.loading+p.idle.count &&
		there == filled+p.hosted.count && held <= len(p.slots) && p.loading == len(p.flying)
	if !ok {
		panic(fmt.Sprintf("serving: invariant: counted %d adapters in the batch, %d decoding in %d rows, %d in slots, %d in the host's memory; kept %d, %d, %d, %d, %d",
			held, distinct, rows, filled, there, p.held, p.decoding, p.rows, p.held+p.loading+p.idle.count, p.inHost))
	}
}
