package packet

import (
	"aisim/sim"
)

// The kinds of event. Entities 0 … E−1 are receiving ends, E … 2E−1 sending ends.
const (
	kindPacket sim.Kind = iota // a packet's first byte reaches a receiving end
	kindCredit                 // room for a sending end: lane<<32 | blocks
	kindStart                  // stream Arg starts at its sending end
	kindPump                   // a sending end may book more packets of its streams (InfiniBand)
	kindServe                  // a sending end is free (RoCE)
	kindPause                  // a lane of a sending end: lane<<1 | pause
)

const none = int32(-1)

// receiver is the receiving end of a link.
type receiver struct {
	hash      uint64 // of what arrived, in order
	backDelay sim.Duration
	node      int32 // that it belongs to
	row       int32 // of the routing table
	back      int32 // its sending end
	batch     int32 // blocks of room that are gathered before credits go back
	fullTicks uint32
	ackTicks  uint32
	ring      int16 // of a torus: dimension, -1 elsewhere
	_         [22]byte
}

// inLane is the buffer of one lane at a receiving end.
type inLane struct {
	freedAt sim.Time // InfiniBand: when the last of the freed room is free
	freed   int32    // and how much it is, in blocks
	used    int32    // RoCE: blocks in the buffer
	paused  bool     // RoCE: the sender has been told to pause
}

// outLane is one lane at a sending end and the packets that wait on it, first in, first
// out. They wait for credits (InfiniBand) or for the port (RoCE).
type outLane struct {
	credit     int32 // InfiniBand: blocks of room at the far end; RoCE: blocks that wait
	capacity   int32 // of the far end's buffer
	head, tail int32 // waiting packets
	since      sim.Time
	paused     bool // RoCE
}

// waiting is a packet that waits.
type waiting struct {
	arg   uint64
	at    sim.Time // it came
	ready sim.Time // it may leave
	in    int32    // inLane that it occupies, none at its source
	next  int32
}

// sender is the part of a stream that its source knows.
type sender struct {
	next    int32 // in the ring of its port
	seq     uint32
	packets uint32
	acked   uint32
	start   sim.Time
	done    sim.Time // last acknowledgement
}

// sink is the part of a stream that its destination knows.
type sink struct {
	got      uint32
	finish   sim.Time
	notified sim.Time // RoCE: last congestion notification
}

// source is the streams that start at a sending end, in a ring that is served in turn.
type source struct {
	last  int32    // served last, none if there are none
	wake  sim.Time // of the event that will serve it, sim.Never if none
	lanes uint16   // RoCE: lanes with packets that wait
	turn  uint8    // RoCE: lane served last
	relay bool     // RoCE: the last packet came from a lane's queue
}

// part is what a partition keeps for itself.
type part struct {
	pool []waiting
	free int32

	delay     histogram // ticks from arrival to departure, per hop
	occupancy histogram // blocks of buffer in use

	hops, data, acks   uint64
	stalls, stallTicks uint64
	pauses, pauseTicks uint64
	marks, notices     uint64
	booked, arrived    uint64 // invariants: packets put on links and taken off
	waitingNow         int64
	_                  [64]byte
}

// model is the state of all links and streams, in flat arrays without pointers.
type model struct {
	f      *fabric
	place  []uint16 // partition of each node
	r      *routes
	lanes  int32
	ends   sim.Entity // E
	roce   bool
	static bool
	spray  bool
	ecn    bool

	ports []port
	load  []sim.Time // per sending end: when what is booked or waits would have left
	outs  []outLane
	recv  []receiver
	ins   []inLane
	srcs  []source
	sent  []uint64 // bytes per sending end
	stall []sim.Duration

	aims      []aim
	lastBytes []uint32 // of the last packet of each stream, header included
	lane      []uint8
	senders   []sender
	sinks     []sink   // in the order of destinations, so that partitions share no cache line
	sinkAt    []int32  // per stream
	heirs     []int32  // streams that wait for another, by the one that they wait for
	heirAt    []int32  // first of each stream in heirs; nil if none waits
	packetsOf []uint32 // per stream, for those who must not look at senders
	awaits    []int32  // per stream: those that it still waits for
	pacers    []pacer
	limits    []limits // RoCE, per sending end
	parts     []part

	fullBytes, ackBytes   uint64
	fullBlocks, ackBlocks int32
	ringOf                []int16 // per sending end: torus dimension, -1 elsewhere
	wraps                 []bool
	grades                []sim.Duration // per node: queues below this count as none
	dcqcn                 DCQCN
}

// Handle moves packets.
func (m *model) Handle(ctx *sim.Context) {
	pa := &m.parts[ctx.Partition()]
	for ctx.Next() {
		ev := ctx.Event()
		switch ev.Kind {
		case kindPacket:
			m.arrive(ctx, pa, int32(ev.Dst), ev.Arg, ev.Time)
		case kindCredit:
			m.credit(ctx, pa, int32(ev.Dst-m.ends), ev.Arg, ev.Time)
		case kindStart:
			m.begin(ctx, pa, int32(ev.Dst-m.ends), int32(ev.Arg), ev.Time)
		case kindPump:
			o := int32(ev.Dst - m.ends)
			if m.srcs[o].wake == ev.Time {
				m.srcs[o].wake = sim.Never
				m.pump(ctx, pa, o, ev.Time)
			}
		case kindServe:
			o := int32(ev.Dst - m.ends)
			if m.srcs[o].wake == ev.Time {
				m.srcs[o].wake = sim.Never
				m.serve(ctx, pa, o, ev.Time)
			}
		case kindPause:
			m.pause(ctx, pa, int32(ev.Dst-m.ends), ev.Arg, ev.Time)
		}
	}
}

// arrive handles a packet at a receiving end: it is at its destination, or goes on.
func (m *model) arrive(ctx *sim.Context, pa *part, a int32, arg uint64, now sim.Time) {
	in := &m.recv[a]
	in.hash = (in.hash ^ uint64(now) ^ arg<<1) * 0x100000001b3
	pa.hops++
	if invariants {
		pa.arrived++
	}
	way := arg & flowMask * 2
	if arg&ackFlag != 0 {
		way++
	}
	aim := &m.aims[way]
	if aim.node == in.node {
		m.deliver(ctx, pa, a, arg, now)
		return
	}
	var o int32
	switch {
	case m.static:
		o = m.r.paths[m.r.start[way]+int32(arg>>hopShift&hopMask)]
		arg += hopOne
	case aim.at == in.node:
		o = aim.last
	default:
		set := &m.r.table[int(in.row)*m.r.cols+int(aim.target)]
		if o = set.first; set.n > 1 || o < 0 {
			o = m.choose(set, arg, in.node, now)
		}
	}
	from := a*m.lanes + int32(arg>>laneShift&laneMask)
	if m.wraps != nil {
		arg = m.relane(arg, in, o)
	}
	// A faster link must not run out of bytes: it ends no sooner than the slower one.
	ready := now
	if m.ports[o].fullTicks < in.fullTicks {
		ready += m.lag(arg, a, o)
	}
	if m.roce {
		m.enqueue(ctx, pa, o, from, arg, now, ready)
		return
	}
	m.forward(ctx, pa, o, from, arg, now, ready)
}

// lag is how much longer a packet takes on its last link than on its next.
func (m *model) lag(arg uint64, a, o int32) sim.Duration {
	p, bytes := m.recv[a].back, m.bytes(arg)
	was, _ := ticks(bytes, m.f.num[p], m.f.den[p])
	will, _ := ticks(bytes, m.f.num[o], m.f.den[o])
	return sim.Duration(was) + sim.Duration(arg>>63) - sim.Duration(will)
}

// choose picks one of several shortest ways. Spraying draws one from the packet's own
// number. Adaptive routing goes round them, separately for each target, so that what
// meets again on the way down comes evenly; it passes over those with queues longer than
// the grain, and takes the shortest if all have. Without a grain streams that meet at a
// switch fall into step: each keeps the link that it left idle, and they collide on the way
// down as static routes do.
func (m *model) choose(set *hopSet, arg uint64, node int32, now sim.Time) int32 {
	n := uint32(set.n)
	if m.spray {
		return m.r.member(*set, int(uint32(mix(arg&(1<<laneShift-1|ackFlag)^uint64(node)<<50)>>32)%n))
	}
	k := uint32(set.turn)
	if arg&ackFlag != 0 { // small ones would spoil the turn of the large
		k = uint32(mix(arg&(1<<laneShift-1)^uint64(node)<<50)>>32) % n
	}
	chosen, least := k, sim.Never
	idle := now + m.grades[node]
	for range n {
		t := m.load[m.r.member(*set, int(k))]
		if t <= idle {
			chosen = k
			break
		}
		if t < least {
			chosen, least = k, t
		}
		if k++; k == n {
			k = 0
		}
	}
	if arg&ackFlag == 0 {
		turn := chosen + 1
		if turn == n {
			turn = 0
		}
		set.turn = uint16(turn)
	}
	return m.r.member(*set, int(chosen))
}

// relane is the dateline: a packet that wraps round a dimension of a torus moves to
// the second lane, and to the first when it leaves the dimension.
func (m *model) relane(arg uint64, in *receiver, o int32) uint64 {
	if in.ring != m.ringOf[o] {
		arg &^= laneOne
	}
	if m.wraps[o] {
		arg |= laneOne
	}
	return arg
}

// bytes is the size of a packet on the wire.
func (m *model) bytes(arg uint64) uint64 {
	switch {
	case arg&ackFlag != 0:
		return m.ackBytes
	case arg&lastFlag != 0:
		return uint64(m.lastBytes[arg&flowMask])
	}
	return m.fullBytes
}

// blocks is its size in units of credit.
func (m *model) blocks(arg uint64) int32 {
	switch {
	case arg&ackFlag != 0:
		return m.ackBlocks
	case arg&lastFlag != 0:
		return int32((m.lastBytes[arg&flowMask] + blockBytes - 1) / blockBytes)
	}
	return m.fullBlocks
}

// book gives a packet its place on a link and sends it there. It returns when the packet
// starts and when its tail has left.
func (m *model) book(ctx *sim.Context, pa *part, o int32, arg uint64, at, ready, now sim.Time) (start, end sim.Time) {
	p := &m.ports[o]
	start = ready
	var rem, more uint64
	if p.free >= start {
		start, rem = p.free, p.rem
	}
	var whole uint32
	var bytes uint64
	switch {
	case arg&ackFlag != 0:
		whole, more, bytes = p.ackTicks, p.ackRem, m.ackBytes
	case arg&lastFlag != 0:
		bytes = uint64(m.lastBytes[arg&flowMask])
		whole, more = ticks(bytes, m.f.num[o], p.den)
	default:
		whole, more, bytes = p.fullTicks, p.fullRem, m.fullBytes
	}
	end = start + sim.Time(whole)
	arg &^= tickFlag
	if rem += more; rem >= p.den {
		rem -= p.den
		end++
		arg |= tickFlag
	}
	p.free, p.rem = end, rem
	if m.load[o] < end {
		m.load[o] = end
	}
	m.sent[o] += bytes
	pa.delay.add(uint64(start - at))
	if invariants {
		pa.booked++
	}
	ctx.Send(sim.Entity(p.peer), start-now+sim.Duration(p.latency), kindPacket, arg)
	return start, end
}

// wait puts a packet at the end of a lane's queue.
func (m *model) wait(pa *part, q *outLane, w waiting) {
	i := pa.free
	if i == none {
		i = int32(len(pa.pool))
		pa.pool = append(pa.pool, waiting{})
	} else {
		pa.free = pa.pool[i].next
	}
	w.next = none
	pa.pool[i] = w
	if q.head == none {
		q.head = i
	} else {
		pa.pool[q.tail].next = i
	}
	q.tail = i
	pa.waitingNow++
}

// unwait takes the first packet of a queue.
func (pa *part) unwait(q *outLane) waiting {
	i := q.head
	w := pa.pool[i]
	q.head = w.next
	pa.pool[i].next = pa.free
	pa.free = i
	pa.waitingNow--
	return w
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
