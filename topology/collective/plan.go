package collective

import (
	"math"

	"aisim/topology"
)

// Plan is a prepared operation over groups that run at the same moment.
type Plan struct {
	op            Op
	ranks, groups int
	candidates    []pricedCandidate
	shape         *shape
}

type pricedCandidate struct {
	name   string
	index  int // in the shape
	base   float64
	low    bool // has a low-latency protocol
	phases []pricedPhase
}

type pricedPhase struct {
	secPerByte float64
	level      topology.LevelID
	fixed, low float64 // latency of the steps: large-message and low-latency protocol
	fill       float64 // c of c·√τ
	lowSlower  float64 // bandwidth time factor of the low-latency protocol
	bytes      [topology.NumLevels]float64
}

// barrierBytes is the payload that a barrier's all-reduce moves.
const barrierBytes = 8

// Ranks is the size of the largest group.
func (p *Plan) Ranks() int { return p.ranks }

// Time is the cost of one call with S = bytes (see Op): the cheapest of the prepared
// algorithms and protocols. It costs some tens of nanoseconds and allocates nothing.
func (p *Plan) Time(bytes float64) Cost {
	at := p.choose(&bytes)
	if at < 0 {
		return Cost{Algorithm: "none"}
	}
	c := &p.candidates[at]
	best := c.cost(bytes, false)
	if c.low {
		if low := c.cost(bytes, true); low.Sec < best.Sec {
			best = low
			best.Algorithm = lowNames[c.name]
		}
	}
	for k := range c.phases {
		for l, b := range c.phases[k].bytes {
			best.BytesByLevel[l] += b * bytes
		}
	}
	return best
}

// choose is the cheapest candidate for a size, −1 when there is nothing to do. It sets
// the size of a barrier.
func (p *Plan) choose(bytes *float64) int {
	if p.op == Barrier {
		*bytes = barrierBytes
	}
	if !(*bytes > 0) || p.ranks < 2 {
		return -1
	}
	best, at := math.Inf(1), -1
	for i := range p.candidates {
		c := &p.candidates[i]
		sec := c.cost(*bytes, false).Sec
		if c.low {
			sec = min(sec, c.cost(*bytes, true).Sec)
		}
		if sec < best {
			best, at = sec, i
		}
	}
	return at
}

// cost is that of one candidate under the large-message or the low-latency protocol.
func (c *pricedCandidate) cost(bytes float64, low bool) Cost {
	sec, latency, worst, level := c.base, c.base, -1.0, topology.LevelID(0)
	for k := range c.phases {
		ph := &c.phases[k]
		tau, fixed := bytes*ph.secPerByte, ph.fixed
		if low {
			tau *= ph.lowSlower
			fixed = ph.low
		} else {
			tau += ph.fill * math.Sqrt(tau)
		}
		sec += fixed + tau
		latency += fixed
		if tau > worst {
			worst, level = tau, ph.level
		}
	}
	return Cost{Sec: sec, LatencySec: latency, Algorithm: c.name, Level: level.Key()}
}

// lowNames are the algorithms under the low-latency protocol (NCCL's LL).
var lowNames = map[string]string{"ring": "ring/ll", "tree": "tree/ll", "direct": "direct/ll", "hierarchical": "hierarchical/ll", "torus": "torus/ll", "chain": "chain/ll"}

// BusBytesPerSec is the bus bandwidth of a cost as nccl-tests prints it.
func (p *Plan) BusBytesPerSec(bytes float64, c Cost) float64 {
	if c.Sec == 0 {
		return 0
	}
	return bytes * p.op.BusFactor(p.ranks) / c.Sec
}
