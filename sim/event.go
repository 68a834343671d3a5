package sim

// Entity names one thing that events happen to: a port, a replica, a job. A
// model numbers its entities from 0 to Config.Entities-1.
type Entity uint32

// Kind tells a model which of its events this is.
type Kind uint16

// Priority orders events of equal time: smaller first.
type Priority uint8

// Priorities run from First to Last; Send uses Normal.
const (
	First  Priority = 0
	Normal Priority = 8
	Last   Priority = 15
)

// The parts of an event's key, from the most significant bit: 4 bits of
// priority, 26 of source, 34 of sequence.
const (
	sequenceBits = 34
	sourceBits   = 26
	sourceShift  = sequenceBits
	prioShift    = sequenceBits + sourceBits

	// MaxEntities is the largest number of entities of one engine.
	MaxEntities = 1 << sourceBits
	// maxSequence is the number of events that one entity may send.
	maxSequence = 1 << sequenceBits
)

// Event is one thing that happens at one time to one entity. It holds no
// pointers, so that queues of millions cost the garbage collector nothing; a
// payload larger than Arg lives in a slice of the model, with its index in Arg.
//
// Events are totally ordered by (time, priority, source, sequence): the entity
// that sent the event and how many events that entity had sent before. All four
// are facts of the model, so the order is the same on any number of workers.
type Event struct {
	Time Time
	key  uint64
	Arg  uint64
	Dst  Entity
	Kind Kind
	Aux  uint16
}

// Source returns the entity that sent the event.
func (e *Event) Source() Entity { return Entity(e.key >> sourceShift & (MaxEntities - 1)) }

// Sequence returns how many events the source had sent before this one.
func (e *Event) Sequence() uint64 { return e.key & (maxSequence - 1) }

// Priority returns the rank of the event among events of equal time.
func (e *Event) Priority() Priority { return Priority(e.key >> prioShift) }

// Before reports whether e comes before f in the total order.
func (e *Event) Before(f *Event) bool {
	return e.Time < f.Time || (e.Time == f.Time && e.key < f.key)
}

func makeKey(p Priority, src Entity, seq uint64) uint64 {
	return uint64(p)<<prioShift | uint64(src)<<sourceShift | seq
}
