// Package sim is aisim's discrete-event engine. It knows time, chance, order and
// statistics, and nothing of machines.
//
// # Writing a model
//
// A model is a type with one method:
//
//	func (m *Model) Handle(ctx *sim.Context) {
//		for ctx.Next() {
//			switch ev := ctx.Event(); ev.Kind {
//			case arrive:
//				…
//				ctx.Send(dst, delay, leave, arg)
//			}
//		}
//	}
//
// The loop is the model's own, so an event costs no indirect call, no closure and no
// allocation. [Engine.Schedule] adds the first events and [Engine.Run] handles all
// events before a given time. The example of this package is a whole
// model in fewer than 60 lines, checked against theory.
//
// Entities are numbers from 0 to [Config].Entities−1. What an entity is lives in
// slices of the model, indexed by them. An [Event] carries a kind, a 64-bit
// argument and a 16-bit auxiliary word; more than that lives in a slice of the
// model, with its index in the argument. An event cannot be recalled: a model that
// may change its mind puts a generation number into the argument and ignores events of
// an older one.
//
// # Time
//
// [Time] counts ticks of 100 ps in an int64: 29.2 years. [FromSeconds], [Time.Add] and
// [Time.Mul] report overflow as an error; an event that would lie beyond the clock
// ends the run with [ErrOverflow]. [Context.Ticks] converts seconds inside a
// model. A link whose bytes take a broken number of ticks keeps the remainder
// itself, so that it does not drift.
//
// # Order
//
// Events are handled in the order (time, priority, source, sequence): source is the
// entity that sent the event and sequence the number of events that it had
// sent before. Among the events that wait, the first in this order is next. All
// of it is the model's doing, so the order, and every result, is the same for
// any number of workers, either queue, and any partitioning that the model allows.
// A result stays so if the model takes chance from a [Stream] per entity, keeps
// floating-point sums per entity or per partition, and merges them in the order of
// their index.
//
// # One partition or many
//
// A campaign, a scheduler or a router that sees everything is one partition: leave
// Partitions and Lookahead zero and send with any delay, 0 included. Handle is then
// called once per run, and jumping over a year costs as much as over a nanosecond. Where
// thousands of events wait at once, set Window to a span in which some
// hundreds happen; the queue then works in constant time.
//
// A fabric is many partitions: pods, racks, leaf groups. Set PartitionOf and let Lookahead be
// the latency of the shortest link between them. Partitions run in parallel within
// a window of that length, so while Handle serves one it may touch only the
// state of its entities; [Context.Partition] is the index for results kept per
// partition. Sending to another partition sooner than the lookahead ends the
// run with [ErrLookahead]. A model need not know how many workers run.
//
// # Faults
//
// [Context.Fail] ends a run with an error, [Context.Stop] without one, and
// [Engine.Interrupt] from outside; after the last two the run can go on. Under
// the build tag "invariants" the engine checks causality at every event and
// conservation (events sent = handled + pending) at every window run by one worker and at the end
// of every run.
//
// # Chance and statistics
//
// [NewStream] gives the stream of a name under a seed, [Stream.Child] and [Stream.Sub] those of
// parts of it. [Histogram] and [Tally] take durations and numbers, [Level] averages a
// quantity over time, [TimeSeries] and [Spans] record what figures draw, in
// bounded memory.
//
// The model of execution, its sources and measured speed are described in
// docs/models/engine.md.
package sim
