package serving

import (
	"math"
	"strings"
	"testing"

	"aisim/sim"
	"aisim/workloads/arrivals"
)

// beside puts services on the same chips.
func beside(p *Prepared, share float64, ns ...Neighbour) *Prepared {
	q := *p
	q.Share, q.Neighbours = share, ns
	return &q
}

// Two services that both always want the chips get their time by their shares, whatever the length
// of their steps: within a step of one of them per turn, here 1 %.
func TestSaturatedNeighboursGetTheirShares(t *testing.T) {
	short := toyService(toyEngine, 2, 8, 128, 5000)
	long := toyService(toyEngine, 2, 64, 2048, 5000)
	fill := func(n int) []Request {
		reqs := make([]Request, n)
		for i := range reqs {
			reqs[i] = Request{Prompt: 100, Output: 50}
		}
		return reqs
	}
	for _, share := range []float64{0.5, 0.8, 0.25} {
		f := runFleet(t, beside(short, share, Neighbour{Service: long, Requests: fill(20000), Share: 1 - share}), fill(400), Options{})
		for i := range f.reps {
			c := f.reps[i].chip
			a, b := c.members[0].r.busySec, c.members[1].r.busySec
			if got := a / (a + b); math.Abs(got-share) > 0.01 {
				t.Errorf("share %v: replica %d had %.4f of the time", share, i, got)
			}
			if span := f.latest(); a+b > span+1e-9 || a+b < 0.999*span {
				t.Errorf("share %v: steps of both take %v s of %v s", share, a+b, span)
			}
		}
	}
}

// A neighbour without load changes nothing, to the bit; one with load makes everything later and
// takes no token away.
func TestIdleNeighbour(t *testing.T) {
	p := toyService(toyEngine, 2, 16, 512, 5000)
	p.Config.Router = LeastOutstanding
	reqs := poisson(t, 30, 60, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 60, CV: 1}, 3)
	alone := runFleet(t, p, reqs, Options{})
	idle := runFleet(t, beside(p, 1, Neighbour{Service: p, Requests: []Request{{ArriveSec: 1e6, Prompt: 1, Output: 1}}, Share: 1}), reqs, Options{})
	busy := runFleet(t, beside(p, 1, Neighbour{Service: p, Requests: poisson(t, 30, 60, fixed(100), fixed(60), 4), Share: 1}), reqs, Options{})
	later := 0.0
	for i := range reqs {
		// Alone the router looks at a moment's load only when it has to, so that sums may be added in another order.
		if x, y := &alone.rec[i], &idle.rec[i]; math.Abs(x.first-y.first) > 1e-9 || math.Abs(x.finish-y.finish) > 1e-9 {
			t.Fatalf("request %d: %+v alone, %+v beside nobody", i, x, y)
		}
		later += busy.rec[i].finish - alone.rec[i].finish
	}
	if later <= 0 || busy.reps[0].doneTokens+busy.reps[1].doneTokens != alone.reps[0].doneTokens+alone.reps[1].doneTokens {
		t.Errorf("beside a busy neighbour answers come %v s later", later)
	}
}

// Runs in closed form and single steps take the same turns, with priorities, adapters, preemption
// and outages; and each of two services sees the same, whichever asks.
func TestNeighboursStepByStep(t *testing.T) {
	e := toyEngine
	e.ReservePrompt = false
	a := toyAdapters(classed(toyService(e, 2, 16, 512, 140), threeClasses), Adapters{Count: 12, Slots: 4, Host: 6, Beside: true})
	b := toyService(e, 3, 8, 256, 5000)
	first := poisson(t, 12, 60, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 60, CV: 1}, 3)
	zipfAdapters(first, 12, 1, 2)
	second := poisson(t, 20, 60, arrivals.Lengths{Mean: 60, CV: 1}, arrivals.Lengths{Mean: 40, CV: 1}, 5)
	down := []Outage{{Replica: 1, Start: 10, End: 12}}
	var runs, other [2]played
	for i, every := range []bool{false, true} {
		opt := Options{EveryStep: every, Outages: down}
		runs[i] = runFleet(t, beside(a, 2, Neighbour{Service: b, Requests: second, Options: Options{Outages: down}, Share: 1}), first, opt)
		other[i] = runFleet(t, beside(b, 1, Neighbour{Service: a, Requests: first, Options: Options{Outages: down}, Share: 2, Before: true}), second, opt)
	}
	for _, pair := range [][2]played{runs, other} {
		for i := range pair[0].rec {
			if x, y := &pair[0].rec[i], &pair[1].rec[i]; math.Abs(x.first-y.first) > 1e-9 || math.Abs(x.finish-y.finish) > 1e-9 {
				t.Fatalf("request %d: %+v by runs, %+v by steps", i, x, y)
			}
		}
		checkEmpty(t, pair[0])
	}
	// Both loads end before the later of them does, so that each sees all that the other did up to there.
	end := math.Min(runs[0].latest(), other[0].latest())
	for k := range runs[0].reps {
		x, y := runs[0].reps[k].chip.members[0].r, other[0].reps[k].chip.members[0].r
		if runs[0].latest() == end && math.Abs(x.busySec-y.busySec) > 1e-6 {
			t.Errorf("replica %d of the first works %v s in its own run, %v s in its neighbour's", k, x.busySec, y.busySec)
		}
	}
}

// Two services of one step per request share a chip as M/D/1 with the load of both: the order of
// equal steps does not change the mean wait (Kleinrock's conservation law). 200,000 requests, 3 %.
func TestNeighboursAsOneQueue(t *testing.T) {
	p := toyService(toyEngine, 1, 1, 100, 5000)
	sec := p.Model.step(10, 50, 0, 0, 1, 1)
	rate := 0.4 / sec
	one, two := poisson(t, rate, 100_000/rate, fixed(10), fixed(1), 1), poisson(t, rate, 100_000/rate, fixed(10), fixed(1), 2)
	o, err := beside(p, 1, Neighbour{Service: p, Requests: two, Share: 1}).Simulate(one, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := 0.8 * sec / 2 / (1 - 0.8); math.Abs(o.Queue.Mean/want-1) > 0.03 {
		t.Errorf("the mean wait is %.6g s, that of M/D/1 with both loads %.6g s", o.Queue.Mean, want)
	}
}

// Services that hold the chips whole in turns: one that comes to an idle chip of another waits for
// its own weights, whoever finds its weights there does not; a busy one gives way when others have
// waited long enough, and what it had under way is computed again.
func TestSwap(t *testing.T) {
	const sec, patience = 2.0, 5.0
	p := toyService(toyEngine, 1, 16, 512, 5000)
	one := func(at float64) Request { return Request{ArriveSec: at, Prompt: 100, Output: 10} }
	swapped := func(p *Prepared, patience float64, ns ...Neighbour) *Prepared {
		q := beside(p, 1, ns...)
		q.Swap = Swap{Sec: sec, PatienceSec: patience}
		return q
	}
	alone := runFleet(t, p, []Request{one(1)}, Options{}).rec[0]
	first, whole := alone.first-alone.ready, alone.finish-alone.ready
	other := Neighbour{Service: p, Requests: []Request{one(10), one(14), one(40)}, Share: 1, SwapSec: sec}
	f := runFleet(t, swapped(p, patience, other), []Request{one(1), one(20), one(30), one(40.001)}, Options{})
	for i, want := range []float64{first, sec + first, first, whole + 2*sec + first - 0.001} {
		// The first finds its weights there, the second those of the other, who was asked at 10 and 14 s; the
		// last comes just after the other, whose weights come, who answers and gives way.
		if got := f.rec[i].first - f.rec[i].ready; math.Abs(got-want) > 1e-9 {
			t.Errorf("request %d has its first token after %v s, want %v", i, got, want)
		}
	}
	// A long answer is interrupted once the other has waited, and goes on after it.
	long := Request{ArriveSec: 0, Prompt: 100, Output: 5000}
	f = runFleet(t, swapped(p, patience, Neighbour{Service: p, Requests: []Request{one(3)}, Share: 1, SwapSec: sec}), []Request{long}, Options{})
	undisturbed := runFleet(t, p, []Request{long}, Options{}).rec[0]
	tokens := int32(0) // that it had when it gave way: the last step began before 3 + patience
	for at := undisturbed.first; at < 3+patience; tokens++ {
		at += p.Model.DecodeStepSec(1, float64(100+tokens+1))
	}
	again := 0.0 // its prompt and its tokens, in chunks
	for past, all := 0, 100+int(tokens); past < all; past += 512 {
		n := min(512, all-past)
		again += p.Model.step(n, float64(n)*(float64(past)+float64(n)/2), 0, 0, 1, 1)
	}
	cost := f.rec[0].finish - undisturbed.finish
	if want := 2*sec + whole + again - p.Model.DecodeStepSec(1, float64(101+tokens)); f.rec[0].preempted != 1 || math.Abs(cost-want) > 0.001*want {
		t.Errorf("interrupted %d times, the long answer comes %v s later, want about %v", f.rec[0].preempted, cost, want)
	}
	// More patience is fewer swaps, and runs and single steps agree.
	reqs, theirs := poisson(t, 15, 120, fixed(100), fixed(60), 3), poisson(t, 15, 120, fixed(100), fixed(60), 4)
	var gave [2]int32
	for k, wait := range []float64{4, 40} {
		var runs [2]played
		for i, every := range []bool{false, true} {
			runs[i] = runFleet(t, swapped(p, wait, Neighbour{Service: p, Requests: theirs, Share: 1, SwapSec: sec}), reqs, Options{EveryStep: every})
			checkEmpty(t, runs[i])
		}
		for i := range reqs {
			x, y := &runs[0].rec[i], &runs[1].rec[i]
			if math.Abs(x.first-y.first) > 1e-9 || math.Abs(x.finish-y.finish) > 1e-9 {
				t.Fatalf("patience %v s, request %d: %+v by runs, %+v by steps", wait, i, x, y)
			}
			gave[k] += x.preempted
		}
	}
	if gave[0] <= gave[1] {
		t.Errorf("with patience of 4 s %d give way, of 40 s %d", gave[0], gave[1])
	}
}

func TestSharingRefusals(t *testing.T) {
	p := toyService(toyEngine, 1, 4, 64, 500)
	wide := toyService(toyEngine, 1, 4, 64, 500)
	wide.Config.TP = 2
	p.Config.AttentionDP, wide.Config.AttentionDP = 1, 1
	reqs := []Request{{Prompt: 1, Output: 1}}
	scaled := *p
	scaled.Config.Autoscale = Autoscale{Max: 1, Target: 1, IntervalSec: 1}
	for want, q := range map[string]*Prepared{
		"must be alike": beside(p, 1, Neighbour{Service: wide, Requests: reqs, Share: 1}),
		"a share of 0":  beside(p, 0, Neighbour{Service: p, Requests: reqs, Share: 1}),
		"autoscaling":   beside(p, 1, Neighbour{Service: &scaled, Requests: reqs, Share: 1}),
	} {
		if _, err := q.Simulate(reqs, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q, got %v", want, err)
		}
	}
}

func BenchmarkNeighbours(b *testing.B) {
	p := toyService(toyEngine, 4, 64, 512, 50000)
	spec := arrivals.Spec{Process: "poisson", RatePerSec: 60, DurationSec: 100, Prompt: arrivals.Lengths{Mean: 200, CV: 1}, Output: arrivals.Lengths{Mean: 100, CV: 1}}
	reqs, err := arrivals.Generate(spec, sim.NewStream(1, "neighbours"))
	if err != nil {
		b.Fatal(err)
	}
	q := beside(p, 1, Neighbour{Service: p, Requests: reqs, Share: 1})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.Attainment(reqs, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(2*len(reqs)*b.N)/b.Elapsed().Seconds(), "requests/s")
}
