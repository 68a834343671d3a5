package packet

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"aisim/sim"
	"aisim/topology"
)

// FlowResult is what became of one flow, in seconds of the simulation.
type FlowResult struct {
	StartSec  float64
	FinishSec float64 // its last byte is at the destination
	AckedSec  float64 // its last acknowledgement is at the source
	Packets   uint64
}

// Sec is the flow's completion time.
func (r FlowResult) Sec() float64 { return r.FinishSec - r.StartSec }

// Result is what a run measured. All of it depends on the model alone, not on workers,
// queue or partitions, except Engine.
type Result struct {
	Flows                   []FlowResult // in the order given
	MinSec, MeanSec, MaxSec float64      // completion times
	FinishSec               float64      // of the last flow
	SimulatedSec            float64      // until nothing was left to do

	Packets uint64 // with data, each counted once
	Acks    uint64
	Hops    uint64 // arrivals at the end of a link, of both
	Events  uint64

	QueueDelaySec  Percentiles // per hop, from a packet's arrival to its departure
	OccupancyBytes Percentiles // of input buffers, as each packet claims its room: InfiniBand's count includes packets and credits under way

	CreditStalls uint64  // packets that found no credits
	StallSec     float64 // link-seconds without credits for a packet that waits (InfiniBand)
	Pauses       uint64  // PFC pause frames
	PauseSec     float64 // lane-seconds paused
	Marks        uint64  // packets marked by ECN
	Notices      uint64  // congestion notifications that reached for a sender

	LinkBytes    []float64 // per LinkID
	LinkStallSec []float64 // per LinkID, without credits or paused

	Hash   uint64 // of all arrivals, in order per link
	Engine sim.Stats
}

// ErrDeadlock is wrapped by the error of a run in which packets wait for each other
// for ever.
var ErrDeadlock = errors.New("deadlock")

// Run carries flows over a graph and returns when all are through. Errors name the flow,
// link or option at fault; a deadlock names the links that wait for each other.
func Run(g *topology.Graph, flows []Flow, options Options) (*Result, error) {
	m, e, err := build(g, flows, options)
	if err != nil {
		return nil, err
	}
	return m.run(e)
}

// network is a model with what it takes to run it and to report.
type network struct {
	*model
	flows   []Flow
	streams []stream
	options Options
	until   sim.Time
}

func build(g *topology.Graph, flows []Flow, options Options) (*network, *sim.Engine, error) {
	o, err := options.withDefaults(g)
	if err != nil {
		return nil, nil, err
	}
	f, err := newFabric(g)
	if err != nil {
		return nil, nil, err
	}
	streams, err := split(f, g, flows, o)
	if err != nil {
		return nil, nil, err
	}
	r, err := newRoutes(f, streams, o)
	if err != nil {
		return nil, nil, err
	}
	place, parts, lookahead := f.parts(o.Partitions)
	n := len(f.link)
	lanes := o.Lanes
	if o.Dateline {
		if lanes *= 2; lanes > maxLanes+1 {
			return nil, nil, fmt.Errorf("packet: %d lanes with a dateline, must be at most %d", o.Lanes, (maxLanes+1)/2)
		}
	}
	m := &model{
		f: f, place: place, r: r, lanes: int32(lanes), ends: sim.Entity(n),
		roce: o.Transport == "roce", static: r.static, spray: o.Routing == "spray",
		ports: make([]port, n), load: make([]sim.Time, n), outs: make([]outLane, n*lanes),
		recv: make([]receiver, n), ins: make([]inLane, n*lanes), srcs: make([]source, n),
		sent: make([]uint64, n), stall: make([]sim.Duration, n),
		aims: r.aims, lastBytes: make([]uint32, len(streams)), lane: make([]uint8, len(streams)),
		senders: make([]sender, len(streams)), sinks: make([]sink, len(streams)),
		parts:     make([]part, parts),
		fullBytes: uint64(o.PayloadBytes + o.HeaderBytes), ackBytes: uint64(o.HeaderBytes + o.AckBytes),
		dcqcn: o.DCQCN,
	}
	m.ecn = m.roce && !o.NoECN
	m.dcqcn.markProb = o.MarkMaxProb
	m.fullBlocks = int32((m.fullBytes + blockBytes - 1) / blockBytes)
	m.ackBlocks = int32((m.ackBytes + blockBytes - 1) / blockBytes)
	for i := range m.parts {
		m.parts[i].free = none
	}
	if o.Dateline {
		m.dateline()
	}
	if m.roce {
		m.pacers = make([]pacer, len(streams))
		m.limits = make([]limits, n)
	}
	for p := range n {
		if err := m.initLink(int32(p), o); err != nil {
			return nil, nil, err
		}
	}
	m.setGrades(o)
	e, err := sim.New(sim.Config{
		Entities: max(2*n, 1), Partitions: parts, Lookahead: lookahead, Queue: o.Queue, Workers: o.Workers,
		Window: window(parts, o.Queue),
		PartitionOf: func(x sim.Entity) int {
			switch {
			case n == 0:
				return 0
			case int(x) < n:
				return int(place[f.to[f.back[x]]])
			}
			return int(place[f.from[int(x)-n]])
		},
	}, m)
	if err != nil {
		return nil, nil, fmt.Errorf("packet: %w", err)
	}
	net := &network{model: m, flows: flows, streams: streams, options: o, until: sim.Never}
	if o.LimitSec > 0 {
		if net.until, err = sim.FromSeconds(o.LimitSec); err != nil {
			return nil, nil, fmt.Errorf("packet: limit: %w", err)
		}
	}
	if err := m.wills(flows, streams, o); err != nil {
		return nil, nil, err
	}
	byDst := make([]int32, len(streams))
	for i := range byDst {
		byDst[i] = int32(i)
	}
	slices.SortStableFunc(byDst, func(a, b int32) int { return cmp.Compare(streams[a].dst, streams[b].dst) })
	m.sinkAt = make([]int32, len(streams))
	for k, i := range byDst {
		m.sinkAt[i] = int32(k)
	}
	for i, s := range streams {
		payload := int64(o.PayloadBytes)
		count := (s.bytes + payload - 1) / payload
		m.lastBytes[i] = uint32(s.bytes-(count-1)*payload) + uint32(o.HeaderBytes)
		m.lane[i] = s.lane
		if m.wraps != nil {
			if m.lane[i] *= 2; m.wraps[r.first[2*i]] {
				m.lane[i]++
			}
		}
		at, err := sim.FromSeconds(flows[s.flow].StartSec)
		if err == nil && at < 0 {
			err = errors.New("must not be negative")
		}
		if err != nil {
			return nil, nil, fmt.Errorf("packet: flow %d: start at %g s: %w", s.flow, flows[s.flow].StartSec, err)
		}
		m.senders[i] = sender{packets: uint32(count), start: at}
		m.sinks[m.sinkAt[i]] = sink{notified: -m.dcqcn.notice}
		if m.awaits != nil && m.awaits[i] > 0 {
			continue
		}
		if err := e.Schedule(at, m.ends+sim.Entity(r.first[2*i]), kindStart, uint64(i)); err != nil {
			return nil, nil, fmt.Errorf("packet: flow %d: %w", s.flow, err)
		}
	}
	return net, e, nil
}

// setGrades turns the grain of adaptive routing into time per row of the table: on the
// slowest link of the node, so that a node's links are compared alike.
func (m *model) setGrades(o Options) {
	grain := uint64(o.GrainBytes)
	if grain == 0 {
		grain = grainPackets * m.fullBytes
	}
	m.grades = make([]sim.Duration, len(m.f.out)-1)
	for v := range m.grades {
		for p := m.f.out[v]; p < m.f.out[v+1]; p++ {
			whole, _ := ticks(grain, m.f.num[p], m.f.den[p])
			m.grades[v] = max(m.grades[v], sim.Duration(whole))
		}
	}
}

// wills records which streams wait for which.
func (m *model) wills(flows []Flow, streams []stream, o Options) error {
	any := false
	for i := range flows {
		any = any || len(flows[i].After) > 0
	}
	if !any {
		return nil
	}
	of := make([]int32, len(flows)) // 1 + the only stream of each flow, -1 for several
	for i, s := range streams {
		if of[s.flow] != 0 {
			of[s.flow] = -1
			continue
		}
		of[s.flow] = int32(i) + 1
	}
	m.heirAt = make([]int32, len(streams)+1)
	m.awaits = make([]int32, len(streams))
	m.packetsOf = make([]uint32, len(streams))
	for i, s := range streams {
		m.packetsOf[i] = uint32((s.bytes + int64(o.PayloadBytes) - 1) / int64(o.PayloadBytes))
	}
	for i := range flows {
		for _, w := range flows[i].After {
			switch {
			case w < 0 || int(w) >= len(flows) || int(w) == i:
				return fmt.Errorf("packet: flow %d waits for flow %d, want another of 0 to %d", i, w, len(flows)-1)
			case of[i] < 1 || of[w] < 1:
				return fmt.Errorf("packet: flow %d waits for flow %d: both must use one NIC", i, w)
			case streams[of[i]-1].src != streams[of[w]-1].dst:
				return fmt.Errorf("packet: flow %d starts at %s and waits for flow %d, which goes to %s",
					i, m.f.g.Name(flows[i].Src), w, m.f.g.Name(flows[w].Dst))
			}
			m.heirAt[of[w]]++
			m.awaits[of[i]-1]++
		}
	}
	for i := range streams {
		m.heirAt[i+1] += m.heirAt[i]
	}
	m.heirs = make([]int32, m.heirAt[len(streams)])
	next := slices.Clone(m.heirAt)
	for i := range flows {
		for _, w := range flows[i].After {
			m.heirs[next[of[w]-1]] = of[i] - 1
			next[of[w]-1]++
		}
	}
	return nil
}

// window suits the ring of a fabric in one part: the serialisation of some packets.
func window(parts int, q sim.Queue) sim.Duration {
	if parts > 1 || q == sim.Heap {
		return 0
	}
	return 200 * sim.Nanosecond
}

// initLink sets up both ends of a link.
func (m *model) initLink(p int32, o Options) error {
	f := m.f
	num, den, rate := f.num[p], f.den[p], f.rate[p]
	t := port{den: den, latency: uint32(f.delay[p]), peer: uint32(f.peer[p])}
	t.fullTicks, t.fullRem = ticks(m.fullBytes, num, den)
	t.ackTicks, t.ackRem = ticks(m.ackBytes, num, den)
	m.ports[p] = t
	m.srcs[p] = source{last: none, wake: sim.Never}
	in := &m.recv[f.peer[p]]
	*in = receiver{
		node: int32(f.to[p]), back: p, backDelay: f.delay[p], row: none,
		fullTicks: t.fullTicks, ackTicks: t.ackTicks, ring: -1,
	}
	if m.ringOf != nil {
		in.ring = m.ringOf[p]
	}
	if m.r.row != nil {
		in.row = m.r.row[f.to[p]]
	}
	trip := 2*rate*f.delay[p].Seconds() + 2*float64(m.fullBytes)
	blocks := func(bytes float64) int32 { return int32(math.Min(math.Ceil(bytes/blockBytes), 1<<30)) }
	buffer := blocks(float64(o.BufferBytes))
	if m.roce {
		l := &m.limits[p]
		us := rate / 1e6
		pick := func(given int64, def float64) int32 {
			if given > 0 {
				def = float64(given)
			}
			return blocks(def)
		}
		// What is still under way when a pause takes hold, and one packet that has begun.
		head := blocks(trip+float64(m.fullBytes)) + 4*m.fullBlocks
		l.markMin, l.markMax = pick(o.MarkMin, 8*us), pick(o.MarkMax, 32*us)
		l.pause = max(pick(o.PauseBytes, 16*us), 2*m.fullBlocks)
		l.resume = blocks(float64(o.ResumeBytes))
		if o.ResumeBytes == 0 {
			l.resume = max(l.pause-max(blocks(2*us), m.fullBlocks), 0)
		}
		if l.buffer = buffer; buffer == 0 {
			l.buffer = l.pause + head
		}
		if l.buffer < l.pause+head {
			return fmt.Errorf("packet: link %s: a buffer of %d bytes leaves no headroom above the pause threshold of %d: a round trip takes %d more",
				f.name(p), int64(l.buffer)*blockBytes, int64(l.pause)*blockBytes, int64(head)*blockBytes)
		}
		if l.markMax <= l.markMin || l.resume >= l.pause {
			return fmt.Errorf("packet: link %s: thresholds cross: mark %d to %d, resume %d, pause %d (units of %d bytes)",
				f.name(p), l.markMin, l.markMax, l.resume, l.pause, blockBytes)
		}
		for k := range m.lanes {
			m.outs[p*m.lanes+k] = outLane{head: none, tail: none}
		}
		return nil
	}
	if buffer == 0 {
		buffer = max(blocks(2*trip), 16*m.fullBlocks)
	}
	if buffer < m.fullBlocks {
		return fmt.Errorf("packet: link %s: a buffer of %d bytes does not hold a packet of %d", f.name(p), int64(buffer)*blockBytes, m.fullBytes)
	}
	in.batch = buffer / 8
	if o.CreditBytes > 0 {
		in.batch = blocks(float64(o.CreditBytes))
	}
	// What is held back must leave room for a packet, or both sides would wait.
	in.batch = max(min(in.batch, buffer-m.fullBlocks+1), 1)
	for k := range m.lanes {
		m.outs[p*m.lanes+k] = outLane{head: none, tail: none, credit: buffer, capacity: buffer}
	}
	return nil
}

// run runs a model until nothing is left to do, and reports.
func (n *network) run(e *sim.Engine) (*Result, error) {
	if err := e.Run(n.until); err != nil {
		return nil, fmt.Errorf("packet: %w", err)
	}
	if invariants {
		n.check(e.Pending() == 0)
	}
	late := -1
	for i := range n.streams {
		if n.sinks[n.sinkAt[i]].got < n.senders[i].packets || n.senders[i].acked < n.senders[i].packets {
			late = i
			break
		}
	}
	if late >= 0 {
		s := n.streams[late]
		if e.Pending() == 0 {
			return nil, n.deadlock()
		}
		return nil, fmt.Errorf("packet: flow %d from %s to %s has %d of %d packets through at the limit of %g s",
			s.flow, n.f.g.Name(s.src), n.f.g.Name(s.dst), n.sinks[n.sinkAt[late]].got, n.senders[late].packets, n.options.LimitSec)
	}
	return n.report(e), nil
}

func (n *network) report(e *sim.Engine) *Result {
	r := &Result{
		Flows: make([]FlowResult, len(n.flows)), SimulatedSec: e.Now().Seconds(), Events: e.Events(), Engine: e.Stats(),
		LinkBytes: make([]float64, n.f.g.NumLinks()), LinkStallSec: make([]float64, n.f.g.NumLinks()),
	}
	last := make([]sim.Time, len(n.flows))
	acked := make([]sim.Time, len(n.flows))
	starts := make([]sim.Time, len(n.flows))
	for i, s := range n.streams {
		starts[s.flow] = n.senders[i].start
		last[s.flow] = max(last[s.flow], n.sinks[n.sinkAt[i]].finish)
		acked[s.flow] = max(acked[s.flow], n.senders[i].done)
		r.Flows[s.flow].Packets += uint64(n.senders[i].packets)
	}
	var sum, least, most sim.Time
	least = sim.Never
	for i := range r.Flows {
		d := last[i] - starts[i]
		r.Flows[i].StartSec, r.Flows[i].FinishSec, r.Flows[i].AckedSec = starts[i].Seconds(), last[i].Seconds(), acked[i].Seconds()
		sum += d
		least, most = min(least, d), max(most, d)
		r.FinishSec = max(r.FinishSec, last[i].Seconds())
	}
	if len(r.Flows) > 0 {
		r.MinSec, r.MaxSec, r.MeanSec = least.Seconds(), most.Seconds(), sum.Seconds()/float64(len(r.Flows))
	}
	var delay, occupancy histogram
	var stalled, paused sim.Duration
	for i := range n.parts {
		p := &n.parts[i]
		r.Packets += p.data
		r.Acks += p.acks
		r.Hops += p.hops
		r.CreditStalls += p.stalls
		stalled += sim.Duration(p.stallTicks)
		r.Pauses += p.pauses
		paused += sim.Duration(p.pauseTicks)
		r.Marks += p.marks
		r.Notices += p.notices
		delay.merge(&p.delay)
		occupancy.merge(&p.occupancy)
	}
	r.StallSec, r.PauseSec = stalled.Seconds(), paused.Seconds()
	r.QueueDelaySec = delay.percentiles(1 / sim.TicksPerSecond)
	r.OccupancyBytes = occupancy.percentiles(blockBytes)
	for p, id := range n.f.link {
		r.LinkBytes[id] = float64(n.sent[p])
		r.LinkStallSec[id] = n.stall[p].Seconds()
		r.Hash = mix(r.Hash ^ n.recv[n.f.peer[p]].hash)
	}
	return r
}
