package flow

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func must(t testing.TB, n *Net, d Demand) FlowID {
	t.Helper()
	f, err := n.Add(d)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12*math.Max(1, math.Abs(want)) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

// The three-link line of Bertsekas & Gallager §6.5: one long flow and one per link.
func TestParkingLot(t *testing.T) {
	n := NewNet([]float64{1, 2, 1})
	long := must(t, n, Demand{Uses: []Use{{0, 1}, {1, 1}, {2, 1}}})
	a := must(t, n, Demand{Uses: []Use{{0, 1}}})
	b := must(t, n, Demand{Uses: []Use{{1, 1}}})
	c := must(t, n, Demand{Uses: []Use{{2, 1}}, Count: 3})
	near(t, "long", n.Rate(long), 0.25)
	near(t, "a", n.Rate(a), 0.75)
	near(t, "b", n.Rate(b), 1.75)
	near(t, "c", n.Rate(c), 0.25)
	near(t, "utilisation", n.Utilisation(1), 1)
}

func TestWeightsCapsShares(t *testing.T) {
	n := NewNet([]float64{12})
	// Two units per byte and a share of 2: 2·(2λ) + 1·λ + cap 2 = 12 → λ = 2.
	a := must(t, n, Demand{Uses: []Use{{0, 2}}, Share: 2})
	b := must(t, n, Demand{Uses: []Use{{0, 1}}})
	c := must(t, n, Demand{Uses: []Use{{0, 1}}, RateCapBytesPerSec: 1, Count: 2})
	near(t, "a", n.Rate(a), 4)
	near(t, "b", n.Rate(b), 2)
	near(t, "c", n.Rate(c), 1)
}

// Two flows of 10 and 4 bytes on a unit link: at 8 s the short one ends, at 14 s the
// long one. The link fails between 10 s and 13 s, which moves the end to 17 s.
func TestCompletionsAndFailure(t *testing.T) {
	n := NewNet([]float64{1})
	long := must(t, n, Demand{Uses: []Use{{0, 1}}, Bytes: 10})
	short := must(t, n, Demand{Uses: []Use{{0, 1}}, Bytes: 4})
	done := n.Advance(10)
	if len(done) != 1 || done[0].Flow != short {
		t.Fatalf("done = %v, want flow %d", done, short)
	}
	near(t, "short ends", done[0].Sec, 8)
	near(t, "left", n.BytesLeft(long), 4)
	if err := n.SetCapacity(0, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := n.NextCompletion(); ok {
		t.Error("a flow over a dead link has a completion")
	}
	n.Advance(13)
	if err := n.SetCapacity(0, 1); err != nil {
		t.Fatal(err)
	}
	done = n.Advance(math.Inf(1))
	if len(done) != 1 {
		t.Fatal("the long flow did not end")
	}
	near(t, "long ends", done[0].Sec, 17)
	near(t, "carried", n.Carried(0), 14)
	if n.Flows() != 0 {
		t.Errorf("%d flows left", n.Flows())
	}
}

func TestRefusals(t *testing.T) {
	n := NewNet([]float64{1})
	for _, d := range []Demand{
		{Uses: []Use{{7, 1}}},
		{Uses: []Use{{0, -1}}},
		{Uses: []Use{{0, math.NaN()}}},
		{},
		{Uses: []Use{{0, 1}}, RateCapBytesPerSec: -1},
	} {
		if _, err := n.Add(d); err == nil {
			t.Errorf("%+v was accepted", d)
		}
	}
	if n.Flows() != 0 {
		t.Errorf("refused demands left %d flows", n.Flows())
	}
	if err := n.SetCapacity(0, math.Inf(1)); err == nil {
		t.Error("an infinite capacity was accepted")
	}
}

type world struct {
	caps    []float64
	demands []Demand
}

func drawWorld(t *rapid.T) world {
	var w world
	m := rapid.IntRange(1, 8).Draw(t, "resources")
	for range m {
		w.caps = append(w.caps, float64(rapid.IntRange(1, 100).Draw(t, "cap")))
	}
	for range rapid.IntRange(1, 20).Draw(t, "flows") {
		d := Demand{Count: rapid.IntRange(1, 5).Draw(t, "count"), Share: float64(rapid.IntRange(1, 4).Draw(t, "share")), Bytes: float64(rapid.IntRange(1, 1000).Draw(t, "bytes"))}
		for range rapid.IntRange(1, 4).Draw(t, "uses") {
			d.Uses = append(d.Uses, Use{ResourceID(rapid.IntRange(0, m-1).Draw(t, "res")), float64(rapid.IntRange(1, 8).Draw(t, "w")) / 4})
		}
		if rapid.Bool().Draw(t, "capped") {
			d.RateCapBytesPerSec = float64(rapid.IntRange(1, 40).Draw(t, "ratecap")) / 4
		}
		w.demands = append(w.demands, d)
	}
	return w
}

func (w world) net(t *rapid.T) (*Net, []FlowID) {
	n := NewNet(w.caps)
	var ids []FlowID
	for _, d := range w.demands {
		f, err := n.Add(d)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, f)
	}
	return n, ids
}

// certify holds the max–min certificate: no resource is over capacity, and every flow is
// at its cap or crosses a full resource on which no flow has a larger level λ = rate/share.
func certify(t *rapid.T, n *Net, w world, ids []FlowID) {
	const eps = 1e-9
	for r := range w.caps {
		if u := n.Used(ResourceID(r)); u > n.Capacity(ResourceID(r))*(1+eps) {
			t.Fatalf("resource %d carries %v of %v", r, u, n.Capacity(ResourceID(r)))
		}
	}
	top := make([]float64, len(w.caps))
	for i, d := range w.demands {
		for _, u := range d.Uses {
			top[u.Res] = math.Max(top[u.Res], n.Rate(ids[i])/d.Share)
		}
	}
	for i, d := range w.demands {
		rate := n.Rate(ids[i])
		if d.RateCapBytesPerSec > 0 && rate >= d.RateCapBytesPerSec*(1-eps) {
			if rate > d.RateCapBytesPerSec*(1+eps) {
				t.Fatalf("flow %d: rate %v over its cap %v", i, rate, d.RateCapBytesPerSec)
			}
			continue
		}
		found := false
		for _, u := range d.Uses {
			if n.Used(u.Res) >= n.Capacity(u.Res)*(1-eps) && rate/d.Share >= top[u.Res]*(1-eps) {
				found = true
			}
		}
		if !found {
			t.Fatalf("flow %d at %v has no bottleneck", i, rate)
		}
	}
}

func TestMaxMinCertificate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		n, ids := w.net(t)
		certify(t, n, w, ids)
	})
}

func TestMoreCapacityNeverLowersTheMinimum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		n, ids := w.net(t)
		least := func() float64 {
			m := math.Inf(1)
			for i, f := range ids {
				m = math.Min(m, n.Rate(f)/w.demands[i].Share)
			}
			return m
		}
		before := least()
		r := ResourceID(rapid.IntRange(0, len(w.caps)-1).Draw(t, "grow"))
		if err := n.SetCapacity(r, n.Capacity(r)*2); err != nil {
			t.Fatal(err)
		}
		if after := least(); after < before*(1-1e-9) {
			t.Fatalf("minimum fell from %v to %v", before, after)
		}
	})
}

// A Net that lived through removals and changes gives the rates of a fresh one.
func TestIncrementalEqualsFresh(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		n, ids := w.net(t)
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			i := rapid.IntRange(0, len(ids)-1).Draw(t, "which")
			if rapid.Bool().Draw(t, "remove") {
				n.Remove(ids[i])
				n.Rate(0)
				f, err := n.Add(w.demands[i])
				if err != nil {
					t.Fatal(err)
				}
				ids[i] = f
			} else {
				r := rapid.IntRange(0, len(w.caps)-1).Draw(t, "res")
				w.caps[r] = float64(rapid.IntRange(0, 100).Draw(t, "newcap"))
				if err := n.SetCapacity(ResourceID(r), w.caps[r]); err != nil {
					t.Fatal(err)
				}
			}
			n.Rate(0)
		}
		fresh, freshIDs := w.net(t)
		for i := range ids {
			a, b := n.Rate(ids[i]), fresh.Rate(freshIDs[i])
			if math.Abs(a-b) > 1e-9*math.Max(1, b) {
				t.Fatalf("flow %d: %v incrementally, %v afresh", i, a, b)
			}
		}
	})
}

// All bytes arrive: what resources carried is what the flows had, and folding alike
// resources changes no completion.
func TestConservationAndFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		n, ids := w.net(t)
		ends := make([]float64, len(ids))
		for _, c := range append([]Completion(nil), n.Advance(math.Inf(1))...) {
			for i, f := range ids {
				if f == c.Flow {
					ends[i] = c.Sec
				}
			}
		}
		want := make([]float64, len(w.caps))
		for _, d := range w.demands {
			for _, u := range d.Uses {
				want[u.Res] += d.Bytes * float64(d.Count) * u.Weight
			}
		}
		for r := range want {
			if got := n.Carried(ResourceID(r)); math.Abs(got-want[r]) > 1e-6*math.Max(1, want[r]) {
				t.Fatalf("resource %d carried %v of %v", r, got, want[r])
			}
		}
		caps, demands, _ := Fold(w.caps, w.demands)
		if len(caps) > len(w.caps) {
			t.Fatalf("folding made %d resources of %d", len(caps), len(w.caps))
		}
		folded := world{caps, demands}
		m, mids := folded.net(t)
		for _, c := range m.Advance(math.Inf(1)) {
			for i, f := range mids {
				if f == c.Flow && math.Abs(ends[i]-c.Sec) > 1e-9*math.Max(1, c.Sec) {
					t.Fatalf("flow %d ends at %v, folded at %v", i, ends[i], c.Sec)
				}
			}
		}
	})
}

func TestNoAllocationPerEvent(t *testing.T) {
	n := NewNet(make([]float64, 64))
	for r := range 64 {
		if err := n.SetCapacity(ResourceID(r), 1); err != nil {
			t.Fatal(err)
		}
	}
	uses := make([]Use, 4)
	k := 0
	add := func() {
		for i := range uses {
			uses[i] = Use{ResourceID((k*7 + i*5) % 64), 1}
		}
		k++
		if _, err := n.Add(Demand{Uses: uses, Bytes: 1}); err != nil {
			t.Fatal(err)
		}
	}
	step := func() {
		add()
		sec, _, _ := n.NextCompletion()
		n.Advance(sec)
	}
	for range 100 {
		add()
	}
	for range 3000 {
		step()
	}
	if a := testing.AllocsPerRun(1000, step); a != 0 {
		t.Errorf("%v allocations per event", a)
	}
}

func BenchmarkEvent(b *testing.B) {
	const m = 512
	caps := make([]float64, m)
	for i := range caps {
		caps[i] = 1
	}
	n := NewNet(caps)
	uses := make([]Use, 6)
	k := 0
	add := func() {
		for i := range uses {
			uses[i] = Use{ResourceID((k*7 + i*61) % m), 1}
		}
		k++
		if _, err := n.Add(Demand{Uses: uses, Bytes: 1}); err != nil {
			b.Fatal(err)
		}
	}
	for range 512 {
		add()
	}
	b.ReportAllocs()
	for b.Loop() {
		add()
		sec, _, _ := n.NextCompletion()
		n.Advance(sec)
	}
}

// Whatever comes, goes and changes between two looks, the rates are those of a fresh Net
// with what is there: flows below the level of the changes may stand aside.
func TestChangesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		n := NewNet(w.caps)
		ids := make([]FlowID, len(w.demands))
		live := make([]bool, len(w.demands))
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			i := rapid.IntRange(0, len(ids)-1).Draw(t, "which")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				r := rapid.IntRange(0, len(w.caps)-1).Draw(t, "res")
				w.caps[r] = float64(rapid.IntRange(0, 100).Draw(t, "newcap"))
				if err := n.SetCapacity(ResourceID(r), w.caps[r]); err != nil {
					t.Fatal(err)
				}
			case 1, 2:
				if live[i] {
					n.Remove(ids[i])
				} else {
					f, err := n.Add(w.demands[i])
					if err != nil {
						t.Fatal(err)
					}
					ids[i] = f
				}
				live[i] = !live[i]
			case 3:
				fresh := NewNet(w.caps)
				for i, d := range w.demands {
					if !live[i] {
						continue
					}
					if _, err := fresh.Add(d); err != nil {
						t.Fatal(err)
					}
				}
				at := FlowID(0)
				for i := range w.demands {
					if !live[i] {
						continue
					}
					if a, b := n.Rate(ids[i]), fresh.Rate(at); math.Abs(a-b) > 1e-9*math.Max(1, b) {
						t.Fatalf("flow %d: %v after the changes, %v afresh", i, a, b)
					}
					at++
				}
			}
		}
	})
}
