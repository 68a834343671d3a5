package training

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// even gives every class the same time: forward f, backward b per chunk.
func even(p, v int, f, b float64) []took {
	dur := make([]took, 2*v*p)
	for i := range dur {
		dur[i] = fixed(f, byCompute)
		if i >= v*p {
			dur[i] = fixed(b, byCompute)
		}
	}
	return dur
}

func total(t *timing) float64 {
	end := 0.0
	for _, e := range t.end {
		end = max(end, e)
	}
	return end
}

// The bubble of 1F1B is (p-1)/M of the work, interleaving divides it by v
// (Narayanan et al., SC21, section 2.2).
func TestBubbleClosedForms(t *testing.T) {
	for _, c := range []struct{ p, v, m int }{{1, 1, 1}, {1, 1, 7}, {2, 1, 3}, {4, 1, 8}, {8, 1, 1}, {8, 1, 64}, {4, 2, 8}, {4, 4, 8}, {8, 3, 8}, {16, 8, 16}, {3, 5, 9}} {
		s, err := newSchedule(usualSchedule(c.v), c.p, c.v, c.m)
		if err != nil {
			t.Fatal(err)
		}
		const f, b = 1.0, 2.0
		got := total(s.run(even(c.p, c.v, f/float64(c.v), b/float64(c.v)), make([]took, c.p), 0.3))
		want := (float64(c.m) + float64(c.p-1)/float64(c.v)) * (f + b)
		if math.Abs(got-want) > 1e-9*want {
			t.Errorf("p %d v %d M %d: %g, want %g", c.p, c.v, c.m, got, want)
		}
	}
}

// One micro-batch through eight stages takes seven stages more than its own work.
func TestOneMicroBatch(t *testing.T) {
	s, err := newSchedule(usualSchedule(1), 8, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := total(s.run(even(8, 1, 1, 2), make([]took, 8), 0)); got != 3*(1+7) {
		t.Errorf("%g, want 24", got)
	}
}

// A transfer between stages is paid on the way in and on the way back.
func TestExchangeOnThePath(t *testing.T) {
	s, err := newSchedule(usualSchedule(1), 4, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]took, 4)
	for i := range x {
		x[i] = fixed(0.5, byLevel)
	}
	for _, occupied := range []float64{0, 0.3, 1} {
		r := s.run(even(4, 1, 1, 2), x, occupied)
		if got, want := total(r), 12+6*0.5; math.Abs(got-want) > 1e-12 {
			t.Errorf("occupied %g: %g, want %g", occupied, got, want)
		}
		path := r.path(r.last[0])
		if math.Abs(path.by[byLevel]-3) > 1e-12 || math.Abs(path.sec-15) > 1e-12 {
			t.Errorf("path %+v", path)
		}
	}
}

func TestScheduleProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.IntRange(1, 9).Draw(t, "p")
		v := 1
		if p > 1 {
			v = rapid.IntRange(1, 4).Draw(t, "v")
		}
		m := rapid.IntRange(1, 12).Draw(t, "m")
		if v > 1 {
			m = p * rapid.IntRange(1, 3).Draw(t, "groups")
		}
		s, err := newSchedule(usualSchedule(v), p, v, m)
		if err != nil {
			t.Fatal(err)
		}
		dur := make([]took, 2*v*p)
		for i := range dur {
			dur[i] = fixed(rapid.Float64Range(0.1, 3).Draw(t, "dur"), byCompute)
		}
		x := make([]took, p)
		for i := range x {
			x[i] = fixed(rapid.Float64Range(0, 1).Draw(t, "x"), byLevel)
		}
		r := s.run(dur, x, rapid.Float64Range(0, 1).Draw(t, "occupied"))
		seen := map[stageOp]bool{}
		busy := make([]float64, p)
		held := make([]int, p*v)
		most := make([]int, p*v)
		for i := range s.ops {
			op := s.ops[i]
			if op.prev >= int32(i) || op.dep >= int32(i) {
				t.Fatal("an operation stands before what it needs")
			}
			if op.prev >= 0 && r.start[i] < r.end[op.prev]-1e-12 || op.dep >= 0 && r.start[i] < r.end[op.dep]-1e-12 {
				t.Fatal("an operation starts before what it needs has ended")
			}
			key := op
			key.prev, key.dep = 0, 0
			if seen[key] {
				t.Fatal("an operation twice")
			}
			seen[key] = true
			busy[op.stage] += dur[s.class(&op)].sec
			at := int(op.stage)*v + int(op.chunk)
			if op.pass == forward {
				held[at]++
				most[at] = max(most[at], held[at])
			} else {
				held[at]--
			}
		}
		if len(seen) != 2*p*v*m {
			t.Fatalf("%d operations, want %d", len(seen), 2*p*v*m)
		}
		for st := range p {
			if total(r) < busy[st]-1e-9 {
				t.Fatal("faster than one stage's work")
			}
			if path := r.path(r.last[st]); math.Abs(path.sec-r.end[r.last[st]]) > 1e-9 {
				t.Fatalf("critical path %g, end %g", path.sec, r.end[r.last[st]])
			}
			// What memory assumes to be held must be what the schedule holds, counted in chunks.
			sum, want := 0, 0
			for c := range v {
				sum += usualSchedule(v).inFlight(p, v, m, st, c)
				want += most[st*v+c]
			}
			if v == 1 && sum != want {
				t.Fatalf("stage %d holds %d micro-batches, memory counts %d", st, want, sum)
			}
			if v > 1 && sum > want {
				t.Fatalf("stage %d: memory counts %d chunks, at most %d were ever held", st, sum, want)
			}
		}
	})
}

// The number of chunk activations held at once, summed over chunks, is exactly what
// memory counts.
func TestInFlightInterleaved(t *testing.T) {
	for _, c := range []struct{ p, v, m int }{{2, 2, 4}, {4, 2, 8}, {4, 3, 4}, {8, 5, 16}, {16, 8, 16}} {
		s, err := newSchedule(usualSchedule(c.v), c.p, c.v, c.m)
		if err != nil {
			t.Fatal(err)
		}
		held := make([]int, c.p)
		most := make([]int, c.p)
		for _, op := range s.ops {
			if op.pass == forward {
				held[op.stage]++
			} else {
				held[op.stage]--
			}
			most[op.stage] = max(most[op.stage], held[op.stage])
		}
		for st := range c.p {
			sum := 0
			for ch := range c.v {
				sum += usualSchedule(c.v).inFlight(c.p, c.v, c.m, st, ch)
			}
			if sum != most[st] {
				t.Errorf("p %d v %d M %d stage %d: %d held, memory counts %d", c.p, c.v, c.m, st, most[st], sum)
			}
		}
	}
}

func TestChunkSizes(t *testing.T) {
	for _, c := range []struct {
		layers, p, v int
		first, last  int
	}{{126, 16, 8, 0, 0}, {126, 16, 1, 7, 7}, {96, 8, 6, 2, 2}, {61, 4, 4, 3, 3}, {7, 1, 1, 7, 7}} {
		sizes := chunkSizes(c.layers, c.p, c.v)
		sum := 0
		for _, n := range sizes {
			sum += n
		}
		if sum != c.layers || sizes[0] != c.first || sizes[len(sizes)-1] != c.last {
			t.Errorf("%d layers on %d × %d: %v", c.layers, c.p, c.v, sizes)
		}
	}
}

func TestInterleavedNeedsWholeGroups(t *testing.T) {
	if _, err := newSchedule(usualSchedule(2), 4, 2, 6); err == nil {
		t.Error("six micro-batches on four interleaved stages")
	}
}
