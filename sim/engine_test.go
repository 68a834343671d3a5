package sim

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"
)

// run builds an engine, schedules the events and runs it.
func run(t *testing.T, config Config, model Model, until Time, first ...Event) (*Engine, error) {
	t.Helper()
	e, err := New(config, model)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range first {
		if err := e.ScheduleEvent(ev.Time, Normal, ev); err != nil {
			t.Fatal(err)
		}
	}
	return e, e.Run(until)
}

// handlerFunc lets a test write its model as a function per event.
type handlerFunc func(ctx *Context, ev *Event)

func (f handlerFunc) Handle(ctx *Context) {
	for ctx.Next() {
		f(ctx, ctx.Event())
	}
}

func TestTiesGoByPrioritySourceSequence(t *testing.T) {
	for _, queue := range []Queue{Heap, Ring} {
		var got []string
		m := handlerFunc(func(ctx *Context, ev *Event) {
			if ev.Kind == 0 {
				ctx.SendEvent(100, Last, Event{Dst: 9, Kind: 1})
				ctx.Send(9, 100, 1, 0)
				ctx.Send(9, 100, 1, 0)
				ctx.SendEvent(100, First, Event{Dst: 9, Kind: 1, Aux: 7, Arg: 8})
				return
			}
			got = append(got, fmt.Sprint(ev.Priority(), ev.Source(), ev.Sequence(), ev.Aux, ev.Arg))
		})
		_, err := run(t, Config{Entities: 10, Window: 64, Queue: queue}, m, Never,
			Event{Time: 5, Dst: 3}, Event{Time: 5, Dst: 2})
		if err != nil {
			t.Fatal(err)
		}
		want := "[0 2 4 7 8 0 3 4 7 8 8 2 2 0 0 8 2 3 0 0 8 3 2 0 0 8 3 3 0 0 15 2 1 0 0 15 3 1 0 0]"
		if fmt.Sprint(got) != want {
			t.Errorf("queue %d: order %v, want %v", queue, got, want)
		}
	}
}

func TestFaultsOfModels(t *testing.T) {
	two := Config{Entities: 2, Partitions: 2, Lookahead: 10, Workers: 2}
	for name, c := range map[string]struct {
		config Config
		send   func(ctx *Context)
		want   error
	}{
		"past":      {Config{Entities: 1}, func(c *Context) { c.Send(0, -1, 0, 0) }, ErrCausality},
		"overflow":  {Config{Entities: 1}, func(c *Context) { c.Send(0, Never, 0, 0) }, ErrOverflow},
		"seconds":   {Config{Entities: 1}, func(c *Context) { c.Ticks(1e10) }, ErrOverflow},
		"nan":       {Config{Entities: 1}, func(c *Context) { c.Ticks(math.NaN()) }, ErrOverflow},
		"unknown":   {Config{Entities: 1}, func(c *Context) { c.Send(1, 1, 0, 0) }, ErrUnknown},
		"lookahead": {two, func(c *Context) { c.Send(1-c.Event().Dst, 9, 0, 0) }, ErrLookahead},
		"own":       {two, func(c *Context) { c.Fail(errors.ErrUnsupported) }, errors.ErrUnsupported},
	} {
		e, err := run(t, c.config, handlerFunc(func(ctx *Context, _ *Event) { c.send(ctx) }), Second, Event{Time: 1, Dst: 0})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if again := e.Run(2 * Second); !errors.Is(again, c.want) {
			t.Errorf("%s: a failed engine ran again: %v", name, again)
		}
	}
	_, err := run(t, Config{Entities: 1}, lazy{}, Second, Event{})
	if !errors.Is(err, ErrUnread) {
		t.Errorf("a model that returns early: %v, want %v", err, ErrUnread)
	}
}

type lazy struct{}

func (lazy) Handle(*Context) {}

func TestImpossibleConfigurations(t *testing.T) {
	m := handlerFunc(func(*Context, *Event) {})
	for _, c := range []Config{
		{}, {Entities: -1}, {Entities: MaxEntities + 1}, {Entities: 1, Partitions: 2, Lookahead: 5},
		{Entities: 9, Partitions: -1}, {Entities: 9, Partitions: 2}, {Entities: 9, Partitions: 2, Lookahead: 1},
		{Entities: 9, Lookahead: -1}, {Entities: 9, Window: -1}, {Entities: 9, Workers: -1}, {Entities: 9, Queue: 7},
		{Entities: 9, Queue: Ring}, {Entities: 9, Partitions: 2, Lookahead: 5, PartitionOf: func(Entity) int { return 2 }},
	} {
		if _, err := New(c, m); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
	if _, err := New(Config{Entities: 1}, nil); err == nil {
		t.Error("no model: no error")
	}
	e, _ := New(Config{Entities: 1}, m)
	if err := e.Run(100); err != nil || e.Now() != 100 {
		t.Errorf("a run without events ends at %v, %v", e.Now(), err)
	}
	if err := e.Schedule(99, 0, 0, 0); !errors.Is(err, ErrCausality) {
		t.Errorf("event in the past: %v", err)
	}
	if err := e.Schedule(100, 1, 0, 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("event to nobody: %v", err)
	}
	if err := e.Run(99); !errors.Is(err, ErrCausality) {
		t.Errorf("run into the past: %v", err)
	}
}

// Jumping over years costs a few instructions, whatever the width of the windows.
func TestYearsOfEmptyWindows(t *testing.T) {
	for _, config := range []Config{
		{Entities: 8}, {Entities: 8, Lookahead: Microsecond},
		{Entities: 8, Partitions: 8, Lookahead: Nanosecond, Workers: 2},
	} {
		start := time.Now()
		days := 0
		m := handlerFunc(func(ctx *Context, ev *Event) {
			if ev.Dst == 0 {
				days++
			}
			ctx.Send((ev.Dst+1)%8, 3*Hour, 0, 0)
		})
		_, err := run(t, config, m, 28*365*Day, Event{})
		if err != nil || days != 28*365 {
			t.Errorf("%+v: %d days, %v", config, days, err)
		}
		// 81,760 events; 2 s leave room for the race detector on a busy machine.
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%+v: 28 years of 8 events a day took %v", config, took)
		}
	}
}

// Runs in pieces, stops and interruptions change nothing.
func TestPiecesGiveTheWhole(t *testing.T) {
	for _, config := range []Config{
		{Entities: 64, Queue: Heap}, {Entities: 64, Window: 1000},
		{Entities: 64, Partitions: 8, Lookahead: 500, Workers: 1},
		{Entities: 64, Partitions: 8, Lookahead: 500, Workers: 3},
	} {
		whole, err := newGossip(config, 1).run(200_000)
		if err != nil {
			t.Fatal(err)
		}
		g := newGossip(config, 1)
		for until := Time(0); until < 200_000; {
			until = min(until+777, 200_000)
			if _, err := g.run(until); err != nil {
				t.Fatal(err)
			}
		}
		if got := g.hash(); got != whole {
			t.Errorf("%+v: in pieces %x, whole %x", config, got, whole)
		}

		g = newGossip(config, 1)
		g.stopEvery = 50
		stops := 0
		for g.engine.Now() < 200_000 {
			if _, err := g.run(200_000); err != nil {
				t.Fatal(err)
			}
			stops++
		}
		if got := g.hash(); got != whole || stops < 10 {
			t.Errorf("%+v: with %d stops %x, whole %x", config, stops, got, whole)
		}

		g = newGossip(config, 1)
		g.interruptAt = 100_000
		if _, err := g.run(200_000); !errors.Is(err, ErrInterrupted) {
			t.Errorf("%+v: interrupted: %v", config, err)
		}
		if now := g.engine.Now(); now >= 200_000 {
			t.Errorf("%+v: interrupted at %v", config, now)
		}
		g.interruptAt = -1
		if got, err := g.run(200_000); err != nil || got != whole {
			t.Errorf("%+v: after an interruption %x, whole %x, %v", config, got, whole, err)
		}
	}
}

func TestConservation(t *testing.T) {
	for _, workers := range []int{1, 2} {
		g := newGossip(Config{Entities: 64, Partitions: 8, Lookahead: 500, Workers: workers}, 3)
		if _, err := g.run(123_456); err != nil {
			t.Fatal(err)
		}
		g.engine.conserve() // panics on a breach
		var handled uint64
		for i := range g.seen {
			handled += g.seen[i]
		}
		if handled != g.engine.Events() || g.engine.Pending() == 0 {
			t.Errorf("%d events counted, %d by the model, %d pending", g.engine.Events(), handled, g.engine.Pending())
		}
	}
}
