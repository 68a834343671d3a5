package sim

// checkedNext is Next under the invariants tag: time never runs backwards,
// no event is handled past its window, and each in its own partition.
func (c *Context) checkedNext() bool {
	if n := c.pos + 1; n < c.ready {
		c.pos = n
	} else if !c.slowNext() {
		return false
	}
	switch ev := c.Event(); {
	case ev.Time < c.ordered:
		panic("sim: invariant: causality: an event is earlier than the one before")
	case ev.Time >= c.limit:
		panic("sim: invariant: causality: an event lies beyond the open window")
	case c.home[ev.Dst] != c.index:
		panic("sim: invariant: an event is in a partition that is not its own")
	default:
		c.ordered = ev.Time
	}
	return true
}

// conserve checks that every event sent was handled or waits. In a run that
// failed the event at fault is lost.
func (e *Engine) conserve() {
	var sent, kept uint64
	for _, s := range e.sequence {
		sent += s
	}
	for i := range e.parts {
		p := &e.parts[i]
		if p.err != nil {
			return
		}
		kept += p.handled + uint64(len(p.near))
		if p.hole {
			kept--
		}
		if p.ring != nil {
			kept += uint64(p.ring.held())
		}
	}
	for i := range e.workers {
		for _, side := range e.workers[i].out {
			for _, box := range side {
				kept += uint64(len(box))
			}
		}
	}
	if sent != kept {
		panic("sim: invariant: conservation: events sent differ from events handled and pending")
	}
}
