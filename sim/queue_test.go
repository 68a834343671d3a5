package sim

import (
	"cmp"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// scripted is a model whose events make up to two others, with delays that were
// drawn beforehand; it writes down what it sees.
type scripted struct {
	delays []Duration
	seen   []Event
}

func (m *scripted) Handle(ctx *Context) {
	for ctx.Next() {
		ev := ctx.Event()
		m.seen = append(m.seen, *ev)
		for k := range ev.Arg % 3 {
			i := (uint64(ev.Time) + ev.Arg + k) % uint64(len(m.delays))
			ctx.SendEvent(m.delays[i], Priority(i%16), Event{Dst: Entity(i % 5), Arg: ev.Arg/3 + k})
		}
	}
}

// reference does the same with a slice that is searched for its first event.
func (m *scripted) reference(first []Event, until Time) []Event {
	var pending, seen []Event
	var sequence [5]uint64
	add := func(t Time, p Priority, src Entity, e Event) {
		e.Time, e.key = t, makeKey(p, src, sequence[src])
		sequence[src]++
		pending = append(pending, e)
	}
	for _, e := range first {
		add(e.Time, Normal, e.Dst, e)
	}
	for len(pending) > 0 {
		at := 0
		for i := range pending {
			if pending[i].Before(&pending[at]) {
				at = i
			}
		}
		ev := pending[at]
		if ev.Time >= until {
			break
		}
		pending = slices.Delete(pending, at, at+1)
		seen = append(seen, ev)
		for k := range ev.Arg % 3 {
			i := (uint64(ev.Time) + ev.Arg + k) % uint64(len(m.delays))
			add(ev.Time+m.delays[i], Priority(i%16), ev.Dst, Event{Dst: Entity(i % 5), Arg: ev.Arg/3 + k})
		}
	}
	return seen
}

// drawDelay draws spans from ticks to years, with many equal ones.
func drawDelay(t *rapid.T) Duration {
	scale := rapid.SampledFrom([]Duration{1, 10, Microsecond, Second, Day, 150 * Day}).Draw(t, "scale")
	return scale * Duration(rapid.IntRange(0, 20).Draw(t, "delay"))
}

func TestQueuesAgainstSortedReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &scripted{delays: rapid.SliceOfN(rapid.Custom(drawDelay), 1, 30).Draw(t, "delays")}
		until := 20 * 365 * Day
		var first []Event
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			first = append(first, Event{Time: drawDelay(t), Dst: Entity(rapid.IntRange(0, 4).Draw(t, "dst")),
				Arg: rapid.Uint64Range(0, 80).Draw(t, "arg")})
		}
		want := m.reference(first, until)
		window := rapid.SampledFrom([]Duration{0, 2, 3, 1000, 12345, Microsecond, Second + 7, 100 * Day}).Draw(t, "window")
		e, err := New(Config{Entities: 5, Window: window}, m)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range first {
			if err := e.Schedule(ev.Time, ev.Dst, 0, ev.Arg); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Run(until); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.seen, want) {
			t.Fatalf("window %d: %d events in another order than the %d of the reference", window, len(m.seen), len(want))
		}
	})
}

// A bucket comes out sorted, whatever the spread of its times.
func TestTakeSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := newDivisor(rapid.SampledFrom([]Duration{2, 3, 64, 1000, Microsecond + 1, Day}).Draw(t, "width"))
		w := rapid.Int64Range(0, wheelSize-1).Draw(t, "window")
		spread := rapid.Int64Range(1, int64(width.d)).Draw(t, "spread")
		n := rapid.IntRange(0, 700).Draw(t, "events")
		s := NewStream(rapid.Uint64().Draw(t, "seed"), "times")
		r := newRing()
		r.turn(w, &width)
		var want []Event
		for i := range n {
			e := Event{Time: Time(w)*width.d + Time(s.Intn(int(spread))), key: uint64(s.Intn(1000))<<20 | uint64(i)}
			want = append(want, e)
			r.push(w, &e)
		}
		slices.SortFunc(want, func(a, b Event) int {
			return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.key, b.key))
		})
		if r.held() != n {
			t.Fatalf("the ring holds %d of %d events", r.held(), n)
		}
		got := r.take(w, &width, make([]Event, 1))
		if !slices.Equal(got[1:], want) || r.held() != 0 {
			t.Fatalf("%d events came out in another order, %d stayed", n, r.held())
		}
	})
}

func TestDivisorIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(rapid.Int64Range(2, int64(Never)).Draw(t, "divisor"))
		v := newDivisor(d)
		n := rapid.Int64Range(0, int64(Never)).Draw(t, "time")
		near := n/int64(d)*int64(d) - 1 // the last tick of a window
		for _, x := range []int64{n, max(near, 0), max(near, 0) + 1, int64(Never)} {
			if got, want := v.window(Time(x)), x/int64(d); got != want {
				t.Fatalf("%d / %d = %d, want %d", x, d, got, want)
			}
		}
		end := new(big.Int).Mul(big.NewInt(v.window(Time(n))+1), big.NewInt(int64(d)))
		if want := big.NewInt(int64(Never)); end.Cmp(want) > 0 {
			end = want
		}
		if got := v.end(v.window(Time(n))); big.NewInt(int64(got)).Cmp(end) != 0 {
			t.Fatalf("window of %d ends at %d, want %v", n, got, end)
		}
	})
}

func TestTimeArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		check := func(name string, want *big.Int, got Time, err error) {
			if want.IsInt64() != (err == nil) || err == nil && want.Int64() != int64(got) {
				t.Fatalf("%s of %d and %d: %d, %v, want %v", name, a, b, got, err, want)
			}
		}
		sum, err := Time(a).Add(Time(b))
		check("sum", new(big.Int).Add(big.NewInt(a), big.NewInt(b)), sum, err)
		product, err := Time(a).Mul(b)
		check("product", new(big.Int).Mul(big.NewInt(a), big.NewInt(b)), product, err)
		// A float64 holds 53 bits.
		if small := Time(a >> 12); true {
			back, err := FromSeconds(small.Seconds())
			if diff := back - small; err != nil || diff < -1 || diff > 1 {
				t.Fatalf("%d ticks to seconds and back: %d, %v", small, back, err)
			}
		}
	})
}

func TestFromSecondsLimits(t *testing.T) {
	for sec, ok := range map[float64]bool{
		0: true, 1: true, -1: true, 29 * 365.25 * 86400: true, 922337203.6: true, 922337203.7: false, -1e300: false, 1e10: false,
	} {
		if _, err := FromSeconds(sec); (err == nil) != ok {
			t.Errorf("%g s: %v", sec, err)
		}
	}
	for want, d := range map[string]Time{"1.5ns": 15, "2µs": 2 * Microsecond, "never": Never, "400d": 400 * Day, "1h0m0s": Hour} {
		if d.String() != want {
			t.Errorf("%d prints %s, want %s", int64(d), d, want)
		}
	}
}
