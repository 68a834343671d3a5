package serving

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aisim/workloads/arrivals"
)

var threeClasses = []Class{{ID: "batch", Share: 5, Priority: -1}, {ID: "chat", Share: 3, Priority: 2}, {ID: "agents", Share: 2, Priority: 1}}

func classed(p *Prepared, classes []Class) *Prepared {
	p.Config.Classes = sharedOut(classes)
	return p
}

// TestCobham holds the mean waits of classes on one seat with varied prompts against Cobham
// 1954: W_i = λE[S²]/2 / ((1 − σ_{i−1})(1 − σ_i)), σ_i the utilisation by class i and those
// that go before it. 300,000 requests at ρ = 0.8 give waits within 3 % (one sd of the lowest
// class), 6 % are allowed.
func TestCobham(t *testing.T) {
	p := classed(toyService(toyEngine, 1, 1, 2000, 1000), threeClasses)
	service := func(q *Request) float64 {
		n := int(q.Prompt)
		return p.Model.step(n, float64(n*n)/2, 0, 0, 1, 1)
	}
	lengths := arrivals.Lengths{Mean: 50, CV: 1.5, Max: 2000}
	probe := poisson(t, 1, 100_000, lengths, fixed(1), 2)
	mean := 0.0
	for i := range probe {
		mean += service(&probe[i]) / float64(len(probe))
	}
	rate := 0.8 / mean
	reqs := poisson(t, rate, 300_000/rate, lengths, fixed(1), 2)
	var load [3]float64
	square := 0.0
	span := reqs[len(reqs)-1].ArriveSec
	for i := range reqs {
		s := service(&reqs[i])
		load[classOf(p.Config.Classes, i)] += s / span
		square += s * s / span
	}
	o, err := p.Simulate(reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := 0.0
	for _, k := range []int{1, 2, 0} {
		want := square / 2 / ((1 - before) * (1 - before - load[k]))
		before += load[k]
		got := o.Classes[k].Queue.Mean
		t.Logf("%s: mean wait %.5g s, Cobham %.5g s", o.Classes[k].ID, got, want)
		if math.Abs(got/want-1) > 0.06 {
			t.Errorf("%s: mean wait %.5g s, Cobham says %.5g s", o.Classes[k].ID, got, want)
		}
		if share := float64(o.Classes[k].Requests) / float64(o.Requests); math.Abs(share-p.Config.Classes[k].Share) > 0.005 {
			t.Errorf("%s has %.4f of the requests, its share is %.4f", o.Classes[k].ID, share, p.Config.Classes[k].Share)
		}
	}
}

// Classes of one priority are served as if there were none; runs and single steps agree where
// priorities differ, also where blocks run out; the lowest gives way first, and every
// request is counted in one class.
func TestClassesInTheStepLoop(t *testing.T) {
	for _, first := range []bool{false, true} {
		for _, blocks := range []int{5000, 130} {
			e := toyEngine
			e.PrefillFirst, e.ReservePrompt = first, false
			reqs := poisson(t, 75, 60, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 60, CV: 1}, 3)
			run := func(classes []Class, every bool) (played, *Outcome) {
				p := toyService(e, 2, 16, 512, blocks)
				p.Config.Router = LeastOutstanding
				if classes != nil {
					classed(p, classes)
				}
				o, err := p.Simulate(reqs, Options{EveryStep: every})
				if err != nil {
					t.Fatal(err)
				}
				return runFleet(t, p, reqs, Options{EveryStep: every}), o
			}
			same := func(what string, a, b played) {
				for i := range reqs {
					if x, y := &a.rec[i], &b.rec[i]; math.Abs(x.first-y.first) > 1e-9 || math.Abs(x.finish-y.finish) > 1e-9 || x.preempted != y.preempted {
						t.Fatalf("%s, prefill first %v, %d blocks, request %d: %v and %v, %v and %v", what, first, blocks, i, x.first, x.finish, y.first, y.finish)
					}
				}
			}
			equal := slices.Clone(threeClasses)
			for i := range equal {
				equal[i].Priority = 7
			}
			plain, _ := run(nil, false)
			alike, _ := run(equal, false)
			same("one priority", plain, alike)
			runs, o := run(threeClasses, false)
			steps, _ := run(threeClasses, true)
			same("priorities", runs, steps)
			n, good := 0, 0
			for _, k := range o.Classes {
				n, good = n+k.Requests, good+k.Attained
			}
			if n != o.Requests || good != o.Attained {
				t.Errorf("classes have %d requests and %d good ones, all are %d and %d", n, good, o.Requests, o.Attained)
			}
			if w := o.Classes; !(w[1].Queue.Mean < w[2].Queue.Mean && w[2].Queue.Mean < w[0].Queue.Mean) {
				t.Errorf("prefill first %v, %d blocks: waits %v, %v, %v of priorities 2, 1, -1", first, blocks, w[1].Queue.Mean, w[2].Queue.Mean, w[0].Queue.Mean)
			}
			if blocks == 130 {
				var gave, all [3]float64
				for i := range reqs {
					k := classOf(sharedOut(threeClasses), i)
					gave[k] += float64(runs.rec[i].preempted)
					all[k]++
				}
				if gave[0] == 0 || gave[1]/all[1] >= gave[0]/all[0] {
					t.Errorf("prefill first %v: the highest priority gave way %v times of %v, the lowest %v of %v", first, gave[1], all[1], gave[0], all[0])
				}
			}
		}
	}
}

// A class is held against its own goal, and a capacity is one at which each class reaches its own.
func TestGoalsByClass(t *testing.T) {
	classes := []Class{{ID: "strict", Share: 1, Priority: 1, SLO: SLO{TTFTSec: 0.05}}, {ID: "loose", Share: 1, SLO: SLO{TTFTSec: 5, Attainment: 0.9}}}
	p := classed(toyService(toyEngine, 1, 16, 512, 5000), classes)
	p.Config.SLO = SLO{TTFTSec: 0.5}
	reqs := poisson(t, 20, 60, arrivals.Lengths{Mean: 100, CV: 1}, arrivals.Lengths{Mean: 60, CV: 1}, 3)
	o, err := p.Simulate(reqs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for k, limit := range []float64{0.05, 5} {
		within := 0
		for _, x := range slices.Concat(o.Classes[k].TTFT.runs...) {
			if x <= limit {
				within++
			}
		}
		if within != o.Classes[k].Attained {
			t.Errorf("%s: %d attained, %d within %v s", o.Classes[k].ID, o.Classes[k].Attained, within, limit)
		}
	}
	a, err := p.Attainment(reqs, Options{})
	if err != nil || a != o.Attainment {
		t.Errorf("attainment %v (%v) alone, %v in the outcome", a, err, o.Attainment)
	}
	both, err := p.Capacity(reqs, Options{}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.Config.Classes = sharedOut([]Class{{ID: "all", Share: 1, SLO: SLO{TTFTSec: 5, Attainment: 0.9}}})
	loose, err := p.Capacity(reqs, Options{}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if both.RequestsPerSec >= loose.RequestsPerSec {
		t.Errorf("capacity %v with a strict class, %v without", both.RequestsPerSec, loose.RequestsPerSec)
	}
}

func TestClassRefusals(t *testing.T) {
	for _, x := range []struct {
		classes []Class
		want    string
	}{
		{[]Class{{Share: 1}}, "has no id"},
		{[]Class{{ID: "a"}}, "share of 0"},
		{[]Class{{ID: "a", Share: 1}, {ID: "a", Share: 1}}, "two classes have the id a"},
		{[]Class{{ID: "a", Share: 1, SLO: SLO{TTFTSec: -1}}}, "impossible slo"},
		{make([]Class, 65), "has no id"},
	} {
		c, _ := chat(t, 1)
		c.Classes = x.classes
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("expected %q, got %v", x.want, err)
		}
	}
}
