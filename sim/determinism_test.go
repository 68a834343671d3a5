package sim

import (
	"fmt"
	"testing"
)

// gossip is a model made to catch faults of order. Entities come in groups of
// four. Events go to oneself, at once or soon, to the group, at once, and to
// others, after the lookahead; many have equal times; priorities vary. Each entity folds
// what it sees into a hash that depends on the order.
type gossip struct {
	engine      *Engine
	hashes      []uint64
	seen        []uint64
	streams     []Stream
	stopEvery   uint64
	interruptAt Time
}

const gossipLookahead = 500

func newGossip(config Config, perEntity int) *gossip {
	g := &gossip{
		hashes: make([]uint64, config.Entities), seen: make([]uint64, config.Entities),
		streams: make([]Stream, config.Entities), interruptAt: -1,
	}
	root := NewStream(7, "gossip")
	var err error
	if g.engine, err = New(config, g); err != nil {
		panic(err)
	}
	for i := range g.streams {
		g.streams[i] = root.Sub(uint64(i))
		for k := range perEntity {
			if err := g.engine.Schedule(Time(k*100), Entity(i), 0, uint64(k)); err != nil {
				panic(err)
			}
		}
	}
	return g
}

func (g *gossip) run(until Time) (uint64, error) {
	err := g.engine.Run(until)
	return g.hash(), err
}

func (g *gossip) hash() uint64 {
	h := uint64(0)
	for _, x := range g.hashes {
		h = mix64(h ^ x)
	}
	return h
}

func (g *gossip) Handle(ctx *Context) {
	for ctx.Next() {
		ev := ctx.Event()
		me := ev.Dst
		s := &g.streams[me]
		g.hashes[me] = mix64(g.hashes[me] ^ uint64(ev.Time)<<20 ^ uint64(ev.Source())<<4 ^ uint64(ev.Priority()) ^ ev.Sequence()<<40)
		g.seen[me]++
		if g.stopEvery > 0 && g.seen[me]%g.stopEvery == 0 {
			ctx.Stop()
		}
		if ev.Kind == 1 {
			continue // an echo, which makes nothing new
		}
		round := Duration(s.Intn(20)) * 10 // few different times
		switch s.Intn(8) {
		case 0: // at once, to the group
			ctx.Send(me&^3|Entity(s.Intn(4)), 0, 1, 0)
			ctx.Send(me, 10+round, 0, 0)
		case 1, 2: // soon, to oneself
			ctx.SendEvent(1+round/10, Priority(s.Intn(16)), Event{Dst: me})
		case 3: // late: beyond the inner wheel, now and then beyond the outer
			switch n := s.Intn(200); {
			case n == 0:
				ctx.Send(me, gossipLookahead*2_000_000, 0, 0)
			case n < 5:
				ctx.Send(me, gossipLookahead*1500, 0, 0)
			default:
				ctx.Send(me, gossipLookahead/2+round, 0, 0)
			}
			ctx.Send(me&^3, round, 1, 0)
		default: // to anyone
			ctx.SendEvent(gossipLookahead+round, Priority(s.Intn(3)), Event{Dst: Entity(s.Intn(len(g.hashes)))})
		}
		if ev.Time >= g.interruptAt && g.interruptAt >= 0 {
			g.engine.Interrupt()
		}
	}
}

// One result for every queue, number of workers and partitioning.
func TestResultsDoNotDependOnExecution(t *testing.T) {
	const entities = 256
	until := Time(1_000_000)
	if testing.Short() {
		until /= 10 // for the race detector
	}
	want, err := newGossip(Config{Entities: entities, Queue: Heap}, 4).run(until)
	if err != nil {
		t.Fatal(err)
	}
	scattered := func(n int) func(Entity) int {
		return func(e Entity) int { return int(mix64(uint64(e/4)) % uint64(n)) }
	}
	for _, config := range []Config{
		{Window: 2}, {Window: 77}, {Window: 100_000_000}, {Lookahead: gossipLookahead},
		{Partitions: 2}, {Partitions: 8}, {Partitions: 64}, {Partitions: 3, PartitionOf: scattered(3)},
		{Partitions: 32, PartitionOf: scattered(32), Lookahead: 100},
	} {
		config.Entities = entities
		if config.Partitions > 1 && config.Lookahead == 0 {
			config.Lookahead = gossipLookahead
		}
		for _, config.Queue = range []Queue{Ring, Heap} {
			for _, config.Workers = range []int{1, 2, 4} {
				if config.Partitions <= 1 && config.Workers > 1 {
					continue
				}
				name := fmt.Sprintf("queue=%d/workers=%d/partitions=%d/window=%d", config.Queue, config.Workers, config.Partitions, max(config.Window, config.Lookahead))
				got, err := newGossip(config, 4).run(until)
				if err != nil || got != want {
					t.Errorf("%s: hash %x, want %x (%v)", name, got, want, err)
				}
			}
		}
	}
}

// Thin windows are run by one worker, uneven loads are spread anew, and
// neither shows in the result.
func TestThinAndUnevenWindows(t *testing.T) {
	thin := Config{Entities: 16, Partitions: 4, Lookahead: gossipLookahead, Workers: 2}
	g := newGossip(thin, 1)
	got, err := g.run(5_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if s := g.engine.Stats(); s.Thin == 0 {
		t.Errorf("no thin window among %d", s.Windows)
	}
	thin.Workers = 1
	if want, _ := newGossip(thin, 1).run(5_000_000); got != want {
		t.Errorf("thin: hash %x, want %x", got, want)
	}

	// Partition 0 has three quarters of the entities.
	if testing.Short() {
		return
	}
	uneven := Config{Entities: 4096, Partitions: 8, Lookahead: gossipLookahead, Workers: 2,
		PartitionOf: func(e Entity) int { return max(int(e/128)-24, 0) }}
	g = newGossip(uneven, 1)
	got, err = g.run(1_200 * gossipLookahead)
	if err != nil {
		t.Fatal(err)
	}
	if s := g.engine.Stats(); s.Rebalance == 0 {
		t.Errorf("never spread anew in %d windows", s.Windows)
	}
	uneven.Workers = 1
	if want, _ := newGossip(uneven, 1).run(1_200 * gossipLookahead); got != want {
		t.Errorf("uneven: hash %x, want %x", got, want)
	}
}
