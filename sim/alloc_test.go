package sim

import (
	"runtime"
	"testing"
)

// relay keeps a constant number of events alive: one in, one out.
type relay struct {
	streams []Stream
	least   Duration
	mean    float64
	remote  float64
}

func (m *relay) Handle(ctx *Context) {
	for ctx.Next() {
		dst := ctx.Event().Dst
		s := &m.streams[dst]
		if s.Bernoulli(m.remote) {
			dst = Entity(s.Intn(len(m.streams)))
		}
		ctx.Send(dst, m.least+Duration(s.Exp(m.mean)), 0, 0)
	}
}

// newRelay has a mean delay of 10 µs, of which 1 µs is lookahead.
func newRelay(config Config, perEntity int) *Engine {
	m := &relay{streams: make([]Stream, config.Entities), least: Microsecond, mean: float64(9 * Microsecond), remote: 0.25}
	if config.Lookahead == 0 {
		m.least = 0 // and so some events land in the window that is open
	}
	e, err := New(config, m)
	if err != nil {
		panic(err)
	}
	root := NewStream(1, "relay")
	for i := range m.streams {
		m.streams[i] = root.Sub(uint64(i))
		for range perEntity {
			if err := e.Schedule(Time(m.streams[i].Exp(m.mean)), Entity(i), 0, 0); err != nil {
				panic(err)
			}
		}
	}
	return e
}

// The engine allocates nothing per event: after a warm-up, runs of about
// 100,000 events each allocate nothing at all.
func TestNoAllocationPerEvent(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the race detector allocates by itself")
	}
	for name, config := range map[string]Config{
		"heap": {Entities: 1000}, "calendar": {Entities: 1000, Window: Microsecond},
		"one partition": {Entities: 1000, Lookahead: Microsecond},
		"partitions":    {Entities: 1000, Lookahead: Microsecond, Partitions: 8, Workers: 1},
		"heaps":         {Entities: 1000, Lookahead: Microsecond, Partitions: 8, Workers: 1, Queue: Heap},
	} {
		e := newRelay(config, 1)
		until := 10 * Millisecond
		if err := e.Run(until); err != nil {
			t.Fatal(err)
		}
		allocations := testing.AllocsPerRun(5, func() {
			until += Millisecond
			if err := e.Run(until); err != nil {
				t.Fatal(err)
			}
		})
		if allocations != 0 {
			t.Errorf("%s: %g allocations per 100,000 events", name, allocations)
		}
	}
}

// With several workers a run allocates its goroutines and nothing else.
func TestNoAllocationPerEventInParallel(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the race detector allocates by itself")
	}
	e := newRelay(Config{Entities: 4096, Lookahead: Microsecond, Partitions: 8, Workers: 2}, 1)
	if err := e.Run(5 * Millisecond); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	events := e.Events()
	runtime.ReadMemStats(&before)
	if err := e.Run(8 * Millisecond); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	// The outboxes may still grow once or twice; 50 covers that and the runtime.
	if n := after.Mallocs - before.Mallocs; n > 50 {
		t.Errorf("%d allocations in %d events", n, e.Events()-events)
	}
}

func BenchmarkEvent(b *testing.B) {
	for _, c := range []struct {
		name   string
		config Config
	}{
		{"heap/pending=1", Config{Entities: 1}},
		{"heap/pending=100", Config{Entities: 100}},
		{"heap/pending=10000", Config{Entities: 10000}},
		{"ring/pending=100", Config{Entities: 100, Window: 10 * Microsecond}},
		{"ring/pending=10000", Config{Entities: 10000, Window: Microsecond}},
		{"ring/pending=100000", Config{Entities: 100000, Window: 100 * Nanosecond}},
		{"partitions=8/workers=1", Config{Entities: 65536, Lookahead: Microsecond, Partitions: 8, Workers: 1}},
		{"partitions=8/workers=2", Config{Entities: 65536, Lookahead: Microsecond, Partitions: 8, Workers: 2}},
		{"thin/workers=2", Config{Entities: 256, Lookahead: Microsecond, Partitions: 8, Workers: 2}},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := newRelay(c.config, 1)
			// A mean delay of 10 µs makes Entities/10 events per µs.
			perMicrosecond := float64(c.config.Entities) / 10
			until := 20 * Microsecond
			if err := e.Run(until); err != nil {
				b.Fatal(err)
			}
			before := e.Events()
			b.ReportAllocs()
			b.ResetTimer()
			until += Duration(float64(b.N)/perMicrosecond*float64(Microsecond)) + 1
			if err := e.Run(until); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(e.Events()-before, 1)), "ns/event")
		})
	}
}
