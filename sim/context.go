package sim

import (
	"errors"
	"fmt"
)

// The faults of a model that end a run.
var (
	ErrCausality = errors.New("event sent into the past")
	ErrLookahead = errors.New("event crosses partitions sooner than the lookahead")
	ErrUnknown   = errors.New("no such entity")
	ErrExhausted = errors.New("an entity has sent all the events that it can number")
	ErrUnread    = errors.New("Handle returned before Next reported false")
)

// Context is a partition as its model sees it: the events to handle now, the
// clock, and the way to send more. It belongs to the engine; a model uses it
// inside Handle only.
type Context struct {
	// batch holds the events of the open window in order, from index 1 on;
	// batch[pos] is the event in hand. Events that were sent into the open
	// window wait in near and take the place of batch[pos] when they are due.
	batch []Event
	pos   int
	ready int // len(batch) while near is empty, else 0: Next may just step on
	near  eventHeap
	hole  bool // near[0] was taken and its place is free for the next push
	ring  *ring

	cur      int64 // the window last opened, -1 before the first
	limit    Time  // no event at or after this time is due yet
	home     []uint16
	sequence []uint64
	width    divisor

	engine  *Engine
	worker  *worker // the worker that runs this partition now
	handled uint64
	next    int64 // first window with an event, valid between windows
	load    uint64
	until   Time
	index   uint16
	solo    bool // the only partition: opens its windows itself
	over    bool // Next has reported false
	stopped bool
	err     error
	ordered Time     // invariants: the time of the event before the one in hand
	_       [64]byte // neighbours run on other workers
}

// Next moves to the next event and reports whether there is one. When it
// reports false, Handle must return.
func (c *Context) Next() bool {
	if invariants {
		return c.checkedNext()
	}
	if n := c.pos + 1; n < c.ready {
		c.pos = n
		return true
	}
	return c.slowNext()
}

// Event returns the event in hand. It stays valid until the next call of Next
// and must not be changed.
func (c *Context) Event() *Event { return &c.batch[c.pos] }

// Now returns the time of the event in hand.
func (c *Context) Now() Time { return c.batch[c.pos].Time }

// Until returns the time at which this run ends.
func (c *Context) Until() Time { return c.until }

// Partition returns the index of this partition, for results that are kept per
// partition and merged in order.
func (c *Context) Partition() int { return int(c.index) }

// Send sends an event from the entity in hand to dst, delay ticks from now.
// A delay to an entity of another partition must be at least the lookahead;
// within the partition any delay from 0 on will do. An event that breaks these
// rules or leaves the range of the clock ends the run with an error.
func (c *Context) Send(dst Entity, delay Duration, kind Kind, arg uint64) {
	cur := &c.batch[c.pos]
	e := Event{Time: cur.Time + delay, Dst: dst, Kind: kind, Arg: arg}
	src := cur.Dst
	seq := c.sequence[src]
	if e.Time < cur.Time || int(dst) >= len(c.home) || seq >= maxSequence {
		c.refuse(dst, delay)
		return
	}
	e.key = uint64(Normal)<<prioShift | uint64(src)<<sourceShift | seq
	c.sequence[src] = seq + 1
	c.place(&e, delay)
}

// SendEvent is Send with every field: priority among events of equal time,
// destination, kind, auxiliary word and argument. The event's time and key are
// set by the engine.
func (c *Context) SendEvent(delay Duration, priority Priority, e Event) {
	cur := &c.batch[c.pos]
	e.Time = cur.Time + delay
	src := cur.Dst
	seq := c.sequence[src]
	if e.Time < cur.Time || int(e.Dst) >= len(c.home) || seq >= maxSequence || priority > Last {
		c.refuse(e.Dst, delay)
		return
	}
	e.key = makeKey(priority, src, seq)
	c.sequence[src] = seq + 1
	c.place(&e, delay)
}

// Ticks converts seconds to ticks. A value that the clock cannot hold ends the
// run with an error.
func (c *Context) Ticks(sec float64) Duration {
	d, err := FromSeconds(sec)
	if err != nil {
		c.Fail(err)
	}
	return d
}

// Stop ends the run after the event in hand; other partitions finish their
// window. What is pending stays so, and a later Run goes on from there.
func (c *Context) Stop() {
	c.stopped = true
	c.stash()
}

// Fail ends the run with an error. Of several partitions that fail in one
// window, the one with the lowest index is reported.
func (c *Context) Fail(err error) {
	if c.err == nil {
		c.err = fmt.Errorf("sim: at %v in entity %d: %w", c.Now(), c.Event().Dst, err)
	}
	c.Stop()
}

func (c *Context) refuse(dst Entity, delay Duration) {
	switch {
	case delay < 0:
		c.Fail(fmt.Errorf("delay of %v: %w", delay, ErrCausality))
	case c.Now()+delay < c.Now():
		c.Fail(fmt.Errorf("delay of %v: %w", delay, ErrOverflow))
	case int(dst) >= len(c.home):
		c.Fail(fmt.Errorf("event to entity %d of %d: %w", dst, len(c.home), ErrUnknown))
	default:
		c.Fail(ErrExhausted)
	}
}

// place routes an event that was sent by this partition.
func (c *Context) place(e *Event, delay Duration) {
	if h := c.home[e.Dst]; h != c.index {
		c.cross(h, e, delay)
		return
	}
	if c.ring != nil {
		if w := c.width.window(e.Time); w > c.cur {
			if w>>wheelBits == c.ring.epoch {
				c.ring.put(&c.ring.inner, w, e)
				return
			}
			c.ring.push(w, e)
			return
		}
	}
	c.pushNear(e)
}

// cross hands an event to another partition: at once if the same worker runs it,
// through the outbox otherwise. Its window lies after the open one.
func (c *Context) cross(home uint16, e *Event, delay Duration) {
	if delay < c.engine.config.Lookahead {
		c.Fail(fmt.Errorf("delay of %v to partition %d, lookahead %v: %w", delay, home, c.engine.config.Lookahead, ErrLookahead))
		return
	}
	// The table of owners is read by all and hardly ever written; the other partition's
	// own fields are on cache lines that its worker writes all the time.
	owner, me := c.engine.owner[home], c.worker
	if int(owner) == me.index {
		c.engine.parts[home].push(e)
		return
	}
	me.post(int(owner), c.width.window(e.Time), e)
}

// push adds an event while the partition is not running.
func (c *Context) push(e *Event) {
	w := c.width.window(e.Time)
	c.next = min(c.next, w)
	if c.ring != nil && w > c.cur {
		c.ring.push(w, e)
		return
	}
	c.pushNear(e)
}

func (c *Context) pushNear(e *Event) {
	c.ready = 0
	if c.hole {
		c.hole = false
		c.near.replace(e)
		return
	}
	c.near.push(e)
}

// fill removes the event whose place is still free.
func (c *Context) fill() {
	if c.hole {
		c.hole = false
		c.near.pop()
	}
}

// slowNext merges the sorted batch with the heap of the open window, and opens the
// next window where the partition is alone.
func (c *Context) slowNext() bool {
	c.fill()
	for !c.stopped {
		n := c.pos + 1
		if len(c.near) == 0 {
			c.ready = len(c.batch)
		}
		if len(c.near) > 0 && c.near[0].Time < c.limit &&
			(n >= len(c.batch) || c.near[0].Before(&c.batch[n])) {
			if c.ring == nil && c.handled%1024 == 1023 && c.solo && c.engine.interrupted.Load() {
				break
			}
			c.batch[c.pos] = c.near[0]
			c.hole = true
			c.handled++
			return true
		}
		if n < len(c.batch) {
			c.pos = n
			return true
		}
		if !c.solo || !c.advance() {
			break
		}
	}
	c.over = true
	return false
}

// advance opens the next window of a partition that is alone.
func (c *Context) advance() bool {
	if c.ring == nil || c.engine.interrupted.Load() {
		return false
	}
	w := c.nextWindow()
	if w == noWindow || Time(w)*c.width.d >= c.until {
		return false
	}
	c.openWindow(w)
	if len(c.batch) == 1 && (len(c.near) == 0 || c.near[0].Time >= c.limit) {
		return false
	}
	return true
}

// nextWindow returns the first window that holds an event, noWindow if there is
// none or if what is left of the open window is not due in this run.
func (c *Context) nextWindow() int64 {
	w := noWindow
	if len(c.near) > 0 && c.near[0].Time < c.until {
		w = c.width.window(c.near[0].Time)
	}
	if c.ring != nil {
		w = min(w, c.ring.nextWindow(&c.width))
	}
	return w
}

// openWindow readies the events of window w that lie before until.
func (c *Context) openWindow(w int64) {
	c.settle()
	c.limit = min(c.width.end(w), c.until)
	if c.ring != nil && w > c.cur {
		c.cur = w
		c.ring.turn(w, &c.width)
		c.batch = c.ring.take(w, &c.width, c.batch)
		if c.limit < c.width.end(w) {
			c.cut()
		}
		c.handled += uint64(len(c.batch) - 1)
	}
}

// cut moves events at or after the limit from the batch to the heap.
func (c *Context) cut() {
	n := len(c.batch)
	for n > 1 && c.batch[n-1].Time >= c.limit {
		n--
	}
	for i := n; i < len(c.batch); i++ {
		c.near.push(&c.batch[i])
	}
	c.batch = c.batch[:n]
}

// stash returns the events of the batch that were not handled to the heap.
func (c *Context) stash() {
	c.fill()
	for i := c.pos + 1; i < len(c.batch); i++ {
		c.near.push(&c.batch[i])
		c.handled--
	}
	c.batch = c.batch[:c.pos+1]
	c.ready = 0
}

// settle leaves no batch behind but the event handled last, for the clock.
func (c *Context) settle() {
	c.batch[0] = c.batch[c.pos]
	c.batch = c.batch[:1]
	c.pos, c.ready = 0, 0
}

// begin readies the partition for a run.
func (c *Context) begin(until Time) {
	c.settle()
	c.until, c.stopped = until, false
	c.limit = until
	if c.ring != nil {
		c.limit = min(until, c.width.end(c.cur))
	}
	c.next = c.nextWindow()
	c.ordered = 0
}

// due reports whether an event may wait before until.
func (c *Context) due() bool {
	if len(c.near) > 0 && c.near[0].Time < c.until {
		return true
	}
	w := c.nextWindow()
	return w != noWindow && w > c.cur && Time(w)*c.width.d < c.until
}
