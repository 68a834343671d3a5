package serving

import (
	"math"
	"testing"

	"aisim/sim"
	"aisim/workloads/arrivals"
)

// Turns follow the answers: with nothing else to do each begins its time to think after the
// answer before it, and finds history and answer in the cache.
func TestTalkOfThreeTurns(t *testing.T) {
	const block = 4
	e := EngineProfile{ID: "toy", BlockTokens: block}
	hashes := make([]int64, 100)
	for i := range hashes {
		hashes[i] = int64(i)
	}
	reqs := []Request{
		{ArriveSec: 1, Prompt: 20, Output: 9, HashCount: 29 / block},
		{ArriveSec: 3, Prompt: 40, Output: 5, HashCount: 45 / block, Back: 1, ThinkSec: 2},
		{ArriveSec: 6, Prompt: 50, Output: 5, HashCount: 55 / block, Back: 1, ThinkSec: 3},
	}
	p := toyService(e, 1, 4, 64, 1000)
	for _, cached := range []bool{false, true} {
		p.Config.Prefix.Enabled = cached
		p.Config.Arch.Layers, p.Config.Arch.KVHeads = 1, 1
		o, err := p.Simulate(reqs, Options{Hashes: hashes, HashTokens: block})
		if err != nil {
			t.Fatal(err)
		}
		m, at, first := p.Model, 0.0, 0.0
		for i, q := range reqs {
			switch {
			case i == 0:
				at = q.ArriveSec
			default:
				at += float64(q.ThinkSec)
			}
			past := 0.0
			if cached && i > 0 { // all blocks of history and answer but its last token, which was never computed
				past = math.Floor(float64(reqs[i-1].Prompt+reqs[i-1].Output-1)/block) * block
			}
			n := float64(q.Prompt) - past
			sec := m.step(int(n), n*(past+n/2), 0, 0, 1, 1)
			first += sec
			at += sec
			for k := range q.Output - 1 {
				at += m.DecodeStepSec(1, float64(q.Prompt+k+1))
			}
		}
		if got := o.EndSec; math.Abs(got-at) > 1e-9 {
			t.Errorf("cached %v: the last answer ends at %v s, want %v", cached, got, at)
		}
		if got := o.TTFT.Mean * 3; math.Abs(got-first-3*m.RequestSec) > 1e-9 {
			t.Errorf("cached %v: first tokens take %v s together, want %v", cached, got, first)
		}
	}
}

// The law of interactive systems over talks: clients that hold one talk after the other, with
// times to think between turns and between talks, are N = X·(R + Z), where X is the rate of
// turns, R their time and Z the mean time to think; and L = λW for talks that begin by themselves.
func TestTalksFollowLittle(t *testing.T) {
	p := toyService(EngineProfile{ID: "toy", BlockTokens: 4}, 2, 64, 256, 100000)
	spec := arrivals.Spec{RatePerSec: 20, DurationSec: 6000, Prompt: fixed(20), Output: fixed(5)}
	const think, turns, clients, pause = 4.0, 5.0, 100, 8.0
	load, err := arrivals.GenerateTalks(spec, arrivals.Talk{Turns: turns, ThinkSec: think, ThinkCV: 1}, sim.NewStream(3, "talks"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := p.Simulate(load.Requests, Options{Concurrency: clients, ThinkSec: pause})
	if err != nil {
		t.Fatal(err)
	}
	z := think*(turns-1)/turns + pause/turns
	// 120,000 turns; the end, when fewer clients are left, lasts about 100 s of 4,800.
	if n := o.RequestsPerSec * (o.E2E.Mean + z); math.Abs(n-clients) > 0.03*clients {
		t.Errorf("X(R + Z) = %v, want %d clients", n, clients)
	}
	o, err = p.Simulate(load.Requests, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o.Completed != len(load.Requests) || math.Abs(o.RequestsPerSec-20) > 1 {
		t.Errorf("%d of %d turns answered, %v a second", o.Completed, len(load.Requests), o.RequestsPerSec)
	}
}

// A talk whose answer never comes breaks off: its other turns are no requests.
func TestTalkBreaksOff(t *testing.T) {
	p := toyService(EngineProfile{ID: "toy", BlockTokens: 4}, 1, 4, 64, 20) // 80 tokens at most
	reqs := []Request{{Prompt: 30, Output: 5}, {Prompt: 78, Output: 5, Back: 1}, {Prompt: 30, Output: 5, Back: 1}, {ArriveSec: 9, Prompt: 30, Output: 5, Back: 1}}
	reqs[3].Back = 5 // its talk began before the load
	for _, clients := range []int{0, 1} {
		o, err := p.Simulate(reqs, Options{Concurrency: clients})
		if err != nil {
			t.Fatal(err)
		}
		if o.Requests != 3 || o.Completed != 2 || o.Lost != 1 || o.Unsent != 1 {
			t.Errorf("%d clients: %d requests, %d answered, %d lost, %d unsent", clients, o.Requests, o.Completed, o.Lost, o.Unsent)
		}
	}
	reqs[2].Back = 2
	if _, err := p.Simulate(reqs, Options{}); err == nil {
		t.Error("two turns wait for one answer")
	}
}
