package cephsim

import "math"

// Classes of an OSD's queue.
const (
	clients = iota
	recovery
	bestEffort
	numClasses
)

// share is one class of an mClock profile: reservation and limit as parts of the OSD's
// speed (limit 0: none) and weight.
type share struct{ reservation, weight, limit float64 }

// least stands for "min" in the profiles: no reservation of its own.
const least = 0

// profiles are those of Ceph's documentation: Reef and later, and Quincy before them.
var profiles = map[Scheduler]*[numClasses]share{
	Balanced:       {{0.5, 1, 0}, {0.5, 1, 0}, {least, 1, 0.9}},
	HighClient:     {{0.6, 2, 0}, {0.4, 1, 0}, {least, 1, 0.7}},
	HighRecovery:   {{0.3, 1, 0}, {0.7, 2, 0}, {least, 1, 0}},
	QuincyBalanced: {{0.4, 1, 1}, {0.4, 1, 1.5}, {0.2, 1, 0.5}},
	QuincyClient:   {{0.5, 2, 0}, {0.25, 1, 1}, {0.25, 1, 0.3}},
	QuincyRecovery: {{0.3, 1, 0.8}, {0.6, 2, 2}, {0.1, 1, 0.4}},
}

// priorities are wpq's: osd_client_op_priority, osd_recovery_op_priority, osd_scrub_priority.
var priorities = [numClasses]float64{63, 3, 5}

// item is an operation that waits.
type item struct {
	arg  uint64 // as the event carried it, or the primary's entry
	work uint8
}

// ring is a queue of items that grows.
type ring struct {
	items      []item
	head, size int
}

func (r *ring) push(it item) {
	if r.size == len(r.items) {
		grown := make([]item, max(16, 2*len(r.items)))
		n := copy(grown, r.items[r.head:])
		copy(grown[n:], r.items[:r.head])
		r.items, r.head = grown, 0
	}
	r.items[(r.head+r.size)&(len(r.items)-1)] = it
	r.size++
}

func (r *ring) pop() item {
	it := r.items[r.head]
	r.head = (r.head + 1) & (len(r.items) - 1)
	r.size--
	return it
}

// queue is what waits at one OSD, with the tags of each class in seconds (of virtual work for weights).
type queue struct {
	rings   [numClasses]ring
	waiting int
	reserve [numClasses]float64 // when the next is due by its reservation
	limit   [numClasses]float64 // when the next may be served at all
	virtual [numClasses]float64 // work over weight that it has had
}

// discipline holds what the queues of all OSDs share.
type discipline struct {
	mclock bool
	// Seconds per byte of cost.
	reserve, limit, weight [numClasses]float64
	perItem                float64 // cost of the smallest item in bytes
}

func newDiscipline(c *Config) discipline {
	d := discipline{mclock: c.Scheduler != WeightedPriority, perItem: c.SpeedBytes / c.SpeedIOPS}
	for i := range numClasses {
		if !d.mclock {
			d.weight[i] = 1 / priorities[i]
			continue
		}
		s := profiles[c.Scheduler][i]
		d.weight[i] = 1 / s.weight
		d.reserve[i] = math.Inf(1)
		if s.reservation > 0 {
			d.reserve[i] = 1 / (s.reservation * c.SpeedBytes)
		}
		if s.limit > 0 {
			d.limit[i] = 1 / (s.limit * c.SpeedBytes)
		}
	}
	return d
}

// cost is an item's bytes, at least those that a random access is worth.
func (d *discipline) cost(bytes float64) float64 { return math.Max(bytes, d.perItem) }

// push adds an item; a class that was idle takes up its tags at the present.
func (q *queue) push(class int, it item, now float64) {
	if q.rings[class].size == 0 {
		q.reserve[class] = math.Max(q.reserve[class], now)
		q.limit[class] = math.Max(q.limit[class], now)
		if q.waiting > 0 {
			low := math.Inf(1)
			for i := range numClasses {
				if q.rings[i].size > 0 {
					low = math.Min(low, q.virtual[i])
				}
			}
			q.virtual[class] = math.Max(q.virtual[class], low)
		}
	}
	q.rings[class].push(it)
	q.waiting++
}

// pick is the class to serve now. If all that wait must not be served yet, class is −1 and
// wake the time when one may.
func (d *discipline) pick(q *queue, now float64) (class int, reserved bool, wake float64) {
	class = -1
	if d.mclock {
		for i := range numClasses {
			if q.rings[i].size > 0 && q.reserve[i] <= now && (class < 0 || q.reserve[i] < q.reserve[class]) && !math.IsInf(d.reserve[i], 1) {
				class = i
			}
		}
		if class >= 0 {
			return class, true, 0
		}
	}
	wake = math.Inf(1)
	for i := range numClasses {
		switch {
		case q.rings[i].size == 0:
		case q.limit[i] > now:
			wake = math.Min(wake, q.limit[i])
			if !math.IsInf(d.reserve[i], 1) {
				wake = math.Min(wake, q.reserve[i])
			}
		case class < 0 || q.virtual[i] < q.virtual[class]:
			class = i
		}
	}
	return class, false, wake
}

// take serves the picked class and moves its tags. An item that weight pays for does not use
// up its class's reservation (mClock, section 3).
func (d *discipline) take(q *queue, class int, reserved bool, cost float64) item {
	if reserved {
		q.reserve[class] += cost * d.reserve[class]
	}
	if d.limit[class] > 0 {
		q.limit[class] += cost * d.limit[class]
	}
	q.virtual[class] += cost * d.weight[class]
	q.waiting--
	return q.rings[class].pop()
}
