package tandem

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func run(t testing.TB, stages []Stage, items, buffer int) Flow {
	f, err := Run(stages, items, buffer)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// One thread: items times the sum. A thread per stage: the first item's way, then the slowest
// stage for each further one. Both to rounding.
func TestClosedForms(t *testing.T) {
	one := []Stage{{"read", 1, 0}, {"pack", 5, 0}, {"send", 2, 0}}
	if got := run(t, one, 10, 1).Sec; math.Abs(got-80) > 1e-9 {
		t.Errorf("one thread: %g, want 80", got)
	}
	each := []Stage{{"read", 1, 0}, {"pack", 5, 1}, {"send", 2, 2}}
	if got := run(t, each, 10, 1).Sec; math.Abs(got-(8+9*5)) > 1e-9 {
		t.Errorf("a thread each: %g, want 53", got)
	}
	// Two threads: read beside the other two, which take 7 for each item.
	if got := run(t, []Stage{{"read", 1, 0}, {"pack", 5, 1}, {"send", 2, 1}}, 10, 2).Sec; math.Abs(got-(1+70)) > 1e-9 {
		t.Errorf("two threads: %g, want 71", got)
	}
}

// Never faster than the slowest thread nor slower than one thread; a faster stage, a larger
// buffer and more threads never make it slower.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "stages")
		items := rapid.IntRange(1, 40).Draw(t, "items")
		buffer := rapid.IntRange(1, 4).Draw(t, "buffer")
		stages, serial := make([]Stage, n), make([]Stage, n)
		sum, slowest := 0.0, 0.0
		for i := range stages {
			sec := rapid.Float64Range(0, 10).Draw(t, "sec")
			stages[i], serial[i] = Stage{Sec: sec, Thread: i}, Stage{Sec: sec}
			sum, slowest = sum+sec, math.Max(slowest, sec)
		}
		got, one := run2(t, stages, items, buffer), run2(t, serial, items, buffer)
		const eps = 1e-9
		if got.Sec > one.Sec+eps || got.Sec < slowest*float64(items)-eps || got.Sec < sum-eps || math.Abs(one.Sec-sum*float64(items)) > 1e-6 {
			t.Fatalf("%v: %g, one thread %g", stages, got.Sec, one.Sec)
		}
		if wider := run2(t, stages, items, buffer+1); wider.Sec > got.Sec+eps {
			t.Fatalf("a larger buffer: %g after %g", wider.Sec, got.Sec)
		}
		k := rapid.IntRange(0, n-1).Draw(t, "faster")
		stages[k].Sec /= 2
		if faster := run2(t, stages, items, buffer); faster.Sec > got.Sec+eps {
			t.Fatalf("a faster stage: %g after %g", faster.Sec, got.Sec)
		}
	})
}

func run2(t *rapid.T, stages []Stage, items, buffer int) Flow {
	f, err := Run(stages, items, buffer)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRefusals(t *testing.T) {
	for _, s := range [][]Stage{nil, {{"a", -1, 0}}, {{"a", math.NaN(), 0}}, {{"a", 1, 7}}} {
		if _, err := Run(s, 1, 1); err == nil {
			t.Errorf("%v accepted", s)
		}
	}
}
