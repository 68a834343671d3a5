package packet

import (
	"fmt"
	"math"

	"aisim/sim"
)

// limits are the thresholds of a link: of the output queue at its sending end and of the
// buffer at its receiving end, in blocks.
type limits struct {
	markMin, markMax int32
	pause, resume    int32
	buffer           int32
}

// enqueue puts a packet into the queue of its lane, or sends it at once where nothing
// is in its way. It fills the buffer of the input that it came from.
func (m *model) enqueue(ctx *sim.Context, pa *part, o, from int32, arg uint64, at, ready sim.Time) {
	now := ctx.Now()
	blocks := m.blocks(arg)
	lane := int32(arg >> laneShift & laneMask)
	if from != none {
		m.fill(ctx, pa, from, blocks, now)
	}
	q := &m.outs[o*m.lanes+lane]
	if m.ecn && arg&ackFlag == 0 && m.marked(o, q.credit, arg) {
		arg |= markFlag
		pa.marks++
	}
	s := &m.srcs[o]
	if s.lanes == 0 && s.last == none && !q.paused && ready <= now && m.ports[o].free <= now && s.wake > now {
		m.book(ctx, pa, o, arg, at, now, now)
		if from != none {
			m.drain(ctx, from, blocks, now)
		}
		return
	}
	m.wait(pa, q, waiting{arg: arg, at: at, ready: ready, in: from})
	q.credit += blocks
	s.lanes |= 1 << lane
	m.load[o] = max(m.load[o], now) + m.span(o, arg)
	if !q.paused {
		m.wakeAt(ctx, o, max(m.ports[o].free, min(ready, max(m.ports[o].free, now)), now), now, kindServe)
	}
}

// marked draws whether a packet that finds a queue is marked: not below the first
// threshold, always above the second, with a probability that grows linearly between
// (the RED curve of the ECN switches of DCQCN). The chance comes from the packet itself.
func (m *model) marked(o, queued int32, arg uint64) bool {
	l := &m.limits[o]
	switch {
	case queued <= l.markMin:
		return false
	case queued >= l.markMax:
		return true
	}
	p := m.dcqcn.markProb * float64(queued-l.markMin) / float64(l.markMax-l.markMin)
	u := mix(arg&(1<<laneShift-1) ^ uint64(o)<<32*0x9e3779b97f4a7c15)
	return float64(u>>11) < p*(1<<53)
}

// fill takes room in an input buffer and pauses its sender above the threshold.
func (m *model) fill(ctx *sim.Context, pa *part, from, blocks int32, now sim.Time) {
	l := &m.ins[from]
	l.used += blocks
	pa.occupancy.add(uint64(l.used))
	in := &m.recv[from/m.lanes]
	t := &m.limits[in.back]
	if l.used > t.buffer {
		ctx.Fail(fmt.Errorf("packet: %s lost a packet: %d bytes in a buffer of %d: the headroom above PauseBytes is too small",
			m.f.name(in.back), int64(l.used)*blockBytes, int64(t.buffer)*blockBytes))
		return
	}
	if l.used > t.pause && !l.paused {
		l.paused = true
		pa.pauses++
		ctx.Send(m.ends+sim.Entity(in.back), in.backDelay, kindPause, uint64(from%m.lanes)<<1|1)
	}
}

// drain gives room back and lets the sender go on below the threshold.
func (m *model) drain(ctx *sim.Context, from, blocks int32, now sim.Time) {
	l := &m.ins[from]
	l.used -= blocks
	if invariants && l.used < 0 {
		panic("packet: invariant: a buffer holds less than nothing")
	}
	in := &m.recv[from/m.lanes]
	if l.paused && l.used <= m.limits[in.back].resume {
		l.paused = false
		ctx.Send(m.ends+sim.Entity(in.back), in.backDelay, kindPause, uint64(from%m.lanes)<<1)
	}
}

// pause stops a lane of a sending end, or lets it go on. A packet under way is not
// cut short.
func (m *model) pause(ctx *sim.Context, pa *part, o int32, arg uint64, now sim.Time) {
	q := &m.outs[o*m.lanes+int32(arg>>1)]
	q.paused = arg&1 != 0
	if q.paused {
		q.since = now
		return
	}
	pa.pauseTicks += uint64(now - q.since)
	m.stall[o] += now - q.since
	if s := &m.srcs[o]; s.lanes != 0 || s.last != none {
		m.wakeAt(ctx, o, max(now, m.ports[o].free), now, kindServe)
	}
}

// serve sends one packet from a port that is free: of the lanes in turn, or of the streams
// that start here.
func (m *model) serve(ctx *sim.Context, pa *part, o int32, now sim.Time) {
	s := &m.srcs[o]
	if free := m.ports[o].free; free > now {
		m.wakeAt(ctx, o, free, now, kindServe)
		return
	}
	again := sim.Never // when a packet is next ready
	sent := false
	turn := int32(s.turn)
	// What waits and what starts here take turns.
	if s.relay && s.last != none {
		if sent, again = m.emit(ctx, pa, o, s, now); sent {
			s.relay = false
			m.wakeAt(ctx, o, m.ports[o].free, now, kindServe)
			return
		}
	}
	for k := int32(1); k <= m.lanes && s.lanes != 0; k++ {
		lane := turn + k
		if lane >= m.lanes {
			lane -= m.lanes
		}
		q := &m.outs[o*m.lanes+lane]
		if q.head == none || q.paused {
			continue
		}
		if r := pa.pool[q.head].ready; r > now {
			again = min(again, r)
			continue
		}
		w := pa.unwait(q)
		blocks := m.blocks(w.arg)
		q.credit -= blocks
		if q.head == none {
			s.lanes &^= 1 << lane
		}
		s.turn = uint8(lane)
		m.book(ctx, pa, o, w.arg, w.at, now, now)
		if w.in != none {
			m.drain(ctx, w.in, blocks, now)
		}
		sent = true
		s.relay = true
		break
	}
	if !sent && s.last != none {
		var at sim.Time
		if sent, at = m.emit(ctx, pa, o, s, now); !sent {
			again = min(again, at)
		}
	}
	if sent {
		again = sim.Never
		if m.pending(o, s) {
			again = m.ports[o].free
		}
	}
	if again < sim.Never {
		m.wakeAt(ctx, o, max(again, now), now, kindServe)
	}
}

// pending reports whether a port has anything that it may send.
func (m *model) pending(o int32, s *source) bool {
	if s.last != none {
		return true
	}
	if s.lanes != 0 {
		for k := range m.lanes {
			if q := &m.outs[o*m.lanes+k]; q.head != none && !q.paused {
				return true
			}
		}
	}
	return false
}

// emit sends a packet of the next stream, in turn, whose rate allows it. Without one it
// returns when the first is due.
func (m *model) emit(ctx *sim.Context, pa *part, o int32, s *source, now sim.Time) (bool, sim.Time) {
	due := sim.Never
	prev := s.last
	for {
		f := m.senders[prev].next
		if !m.outs[o*m.lanes+int32(m.lane[f])].paused {
			if at := m.pacers[f].due; at <= now {
				arg := m.packet(f)
				m.book(ctx, pa, o, arg, now, now, now)
				pa.data++
				m.pacers[f].sent(&m.dcqcn, m.f.rate[o], float64(m.bytes(arg)), now)
				m.advance(s, f, prev)
				return true, 0
			} else if at < due {
				due = at
			}
		}
		if f == s.last {
			return false, due
		}
		prev = f
	}
}

// pacer is the reaction point of a stream: its rate as a fraction of the link's.
type pacer struct {
	due            sim.Time // of its next packet
	rate, target   float64  // fractions of the line rate; 1 and 1 without congestion
	alpha          float64
	alphaAt        sim.Time // next decay of alpha
	riseAt         sim.Time // next step of the timer
	bytes          float64  // since the last step of the byte counter
	timers, counts int32    // steps since the last cut
	slow           bool
}

// DCQCN is the parameters of the senders' rate control. Zero values are replaced by
// those in brackets, of the paper (Zhu et al., SIGCOMM 2015, table 14 and §5) where it gives one.
type DCQCN struct {
	Gain          float64 // g, weight of a notification [1/256]
	NoticeSec     float64 // least time between notifications of a stream [50 µs]
	AlphaSec      float64 // alpha decays when this long without one [55 µs]
	TimerSec      float64 // of an increase [55 µs]
	CounterBytes  float64 // or after so many bytes [10 MB]
	FastSteps     int     // halvings towards the old rate before it is raised [5]
	AdditiveShare float64 // additive increase as a share of the line rate [0.001, 40 Mb/s of 40 Gb/s]
	HyperShare    float64 // hyper increase [0.01]
	MinShare      float64 // least rate as a share of the line rate [0.001]
	notice        sim.Duration
	alpha, timer  sim.Duration
	markProb      float64
}

func (d DCQCN) withDefaults() DCQCN {
	def := func(v *float64, x float64) {
		if *v == 0 {
			*v = x
		}
	}
	def(&d.Gain, 1.0/256)
	def(&d.NoticeSec, 50e-6)
	def(&d.AlphaSec, 55e-6)
	def(&d.TimerSec, 55e-6)
	def(&d.CounterBytes, 10e6)
	if d.FastSteps == 0 {
		d.FastSteps = 5
	}
	def(&d.AdditiveShare, 0.001)
	def(&d.HyperShare, 0.01)
	def(&d.MinShare, 0.001)
	return d
}

func (d *DCQCN) check() error {
	for _, v := range []struct {
		name string
		v    float64
		max  float64
	}{
		{"Gain", d.Gain, 1}, {"NoticeSec", d.NoticeSec, 1}, {"AlphaSec", d.AlphaSec, 1}, {"TimerSec", d.TimerSec, 1},
		{"CounterBytes", d.CounterBytes, 1e15}, {"FastSteps", float64(d.FastSteps), 1000},
		{"AdditiveShare", d.AdditiveShare, 1}, {"HyperShare", d.HyperShare, 1}, {"MinShare", d.MinShare, 1},
	} {
		if !(v.v > 0 && v.v <= v.max) {
			return fmt.Errorf("packet: DCQCN.%s = %g, must be above 0 and at most %g", v.name, v.v, v.max)
		}
	}
	if d.AlphaSec < 1e-8 || d.TimerSec < 1e-8 {
		return fmt.Errorf("packet: DCQCN timers of %g and %g s, must be at least 10 ns", d.AlphaSec, d.TimerSec)
	}
	d.notice = sim.Duration(math.Round(d.NoticeSec * sim.TicksPerSecond))
	d.alpha = sim.Duration(math.Round(d.AlphaSec * sim.TicksPerSecond))
	d.timer = sim.Duration(math.Round(d.TimerSec * sim.TicksPerSecond))
	return nil
}

func (p *pacer) start(now sim.Time) { *p = pacer{due: now, rate: 1, target: 1, alpha: 1} }

// notify cuts the rate: target ← rate, rate ← rate·(1 − α/2), α ← (1 − g)·α + g.
func (p *pacer) notify(d *DCQCN, now sim.Time) {
	if p.slow {
		p.catchUp(d, now)
	} else {
		p.alpha, p.slow = 1, true
	}
	p.target = p.rate
	p.rate = max(p.rate*(1-p.alpha/2), d.MinShare)
	p.alpha = (1-d.Gain)*p.alpha + d.Gain
	p.alphaAt, p.riseAt = now+d.alpha, now+d.timer
	p.bytes, p.timers, p.counts = 0, 0, 0
}

// catchUp plays the timers that have run out. Only the stream's own packets see the
// rate, so it suffices to look when one is sent.
func (p *pacer) catchUp(d *DCQCN, now sim.Time) {
	for p.alphaAt <= now {
		p.alpha *= 1 - d.Gain
		p.alphaAt += d.alpha
	}
	for p.riseAt <= now {
		p.timers++
		p.riseAt += d.timer
		p.rise(d)
	}
}

// rise is one step up: halfway back to the target first, then with a target that
// grows by the additive and, when timer and counter both are through, the hyper increase.
func (p *pacer) rise(d *DCQCN) {
	switch fast := int32(d.FastSteps); {
	case min(p.timers, p.counts) > fast:
		p.target += d.HyperShare * float64(min(p.timers, p.counts)-fast)
	case max(p.timers, p.counts) > fast:
		p.target += d.AdditiveShare
	}
	p.target = min(p.target, 1)
	p.rate = (p.rate + p.target) / 2
	if p.target == 1 && p.rate > 0.9999 {
		p.rate, p.slow = 1, false
	}
}

// sent accounts for a packet and sets when the next one is due.
func (p *pacer) sent(d *DCQCN, bytesPerSec, bytes float64, now sim.Time) {
	if !p.slow {
		p.due = now
		return
	}
	p.catchUp(d, now)
	if p.bytes += bytes; p.bytes >= d.CounterBytes {
		p.bytes -= d.CounterBytes
		p.counts++
		p.rise(d)
	}
	p.due = now + sim.Duration(bytes/(bytesPerSec*p.rate)*sim.TicksPerSecond)
}
