package packet

import (
	"fmt"
	"strings"

	"aisim/topology"
)

// deadlock explains a run that ended with packets undelivered: a buffer's packets wait
// for links whose far buffers are full of packets that wait, round a cycle.
//
// Lane l waits for lane k if a packet that waits at k sits in the buffer at l's
// far end.
func (n *network) deadlock() error {
	m := n.model
	waits := make([][]int32, len(m.outs))
	held := 0
	for i := range m.outs {
		p := int32(i) / m.lanes
		pool := m.poolOf(p)
		for w := m.outs[i].head; w != none; w = pool[w].next {
			held++
			if in := pool[w].in; in != none {
				up := m.recv[in/m.lanes].back*m.lanes + in%m.lanes
				if k := len(waits[up]); k == 0 || waits[up][k-1] != int32(i) {
					waits[up] = append(waits[up], int32(i))
				}
			}
		}
	}
	left := 0
	for i := range n.streams {
		left += int(n.senders[i].packets - n.sinks[n.sinkAt[i]].got)
	}
	cycle := findCycle(waits)
	if len(cycle) == 0 && held == 0 {
		for i := range n.streams {
			if m.awaits != nil && m.awaits[i] > 0 {
				return fmt.Errorf("packet: %w: flow %d from %s never starts: %d of the flows that it waits for never arrive",
					ErrDeadlock, n.streams[i].flow, m.f.g.Name(n.streams[i].src), m.awaits[i])
			}
		}
	}
	if len(cycle) == 0 {
		return fmt.Errorf("packet: %d packets are undelivered and nothing moves, without a cycle of links: %w", left, ErrDeadlock)
	}
	names := make([]string, 0, len(cycle))
	for _, i := range cycle {
		name := m.f.name(i / m.lanes)
		if m.lanes > 1 {
			name += fmt.Sprintf(" (lane %d)", i%m.lanes)
		}
		names = append(names, name)
	}
	return fmt.Errorf("packet: %w: %d packets are undelivered, %d of them in full buffers that wait for each other in a cycle of %d links: %s",
		ErrDeadlock, left, held, len(cycle), strings.Join(names, "; "))
}

// poolOf is the pool of waiting packets of a sending end's partition.
func (m *model) poolOf(p int32) []waiting { return m.parts[m.place[m.f.from[p]]].pool }

// findCycle returns a cycle of a graph, in order, or nil.
func findCycle(next [][]int32) []int32 {
	const open, closed = 1, 2
	state := make([]uint8, len(next))
	at := make([]int, len(next)) // edges already followed
	var path []int32
	for s := range next {
		if state[s] != 0 {
			continue
		}
		path = append(path[:0], int32(s))
		state[s] = open
		for len(path) > 0 {
			v := path[len(path)-1]
			if at[v] == len(next[v]) {
				state[v] = closed
				path = path[:len(path)-1]
				continue
			}
			w := next[v][at[v]]
			at[v]++
			switch state[w] {
			case 0:
				state[w] = open
				path = append(path, w)
			case open:
				for i := range path {
					if path[i] == w {
						return append([]int32(nil), path[i:]...)
					}
				}
			}
		}
	}
	return nil
}

// dateline finds the links of tori and, of these, the ones that wrap round.
func (m *model) dateline() {
	f := m.f
	m.ringOf = make([]int16, len(f.link))
	m.wraps = make([]bool, len(f.link))
	var a, b []int
	for p := range f.link {
		m.ringOf[p] = -1
		if f.g.LevelOf(f.link[p]) != topology.ScaleUpLevel {
			continue
		}
		a, b = f.g.Coordinate(f.from[p], a), f.g.Coordinate(f.to[p], b)
		if len(a) == 0 || len(a) != len(b) {
			continue
		}
		for d := range a {
			if a[d] != b[d] {
				m.ringOf[p] = int16(d)
				m.wraps[p] = a[d]-b[d] > 1 || b[d]-a[d] > 1
			}
		}
	}
}
