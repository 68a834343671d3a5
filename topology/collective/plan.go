package collective

import (
	"math"

	"aisim/topology"
)

// Protocol is how a library moves the data of one collective.
type Protocol uint8

// The protocols, by NCCL's names: LL sends a flag with every 4 bytes, LL128 one with
// every 120, Simple synchronises once per chunk.
const (
	Simple Protocol = iota
	LL128
	LL
	numProtocols
)

// Plan is a prepared operation over groups that run at the same moment.
type Plan struct {
	op            Op
	ranks, groups int
	candidates    []pricedCandidate
	variants      []variant
	shape         *shape
}

// pricedCandidate is an algorithm under the present capacities and constants.
type pricedCandidate struct {
	name      string
	index     int // in the shape
	level     topology.LevelID
	bytes     [topology.NumLevels]float64 // on all links, per byte of S
	protocols [numProtocols]int           // index of the variant, −1 for none
}

// fill is x·m/(x+m) with x = root·√S; m is infinite where nothing bounds it.
type fill struct{ root, most float64 }

// variant is an algorithm under one protocol: fixed + S·perByte + fills.
type variant struct {
	name      string // "ring", "ring/ll", …
	candidate int
	fixed     float64
	perByte   float64
	caution   float64 // what the library multiplies its estimate with when it chooses
	fills     []fill
}

func (v *variant) sec(bytes, root float64) float64 {
	t := v.fixed + bytes*v.perByte
	for _, f := range v.fills {
		x := f.root * root
		t += x / (1 + x/f.most)
	}
	return t
}

// barrierBytes is the payload that a barrier's all-reduce moves.
const barrierBytes = 8

// Ranks is the size of the largest group.
func (p *Plan) Ranks() int { return p.ranks }

// Time is the cost of one call with S = bytes (see Op): the algorithm and protocol
// that the library chooses for the size. It costs some tens of nanoseconds and
// allocates nothing.
func (p *Plan) Time(bytes float64) Cost {
	at, sec := p.choose(&bytes)
	if at < 0 {
		return Cost{Algorithm: "none"}
	}
	v := &p.variants[at]
	c := &p.candidates[v.candidate]
	out := Cost{Sec: sec, LatencySec: v.fixed, Algorithm: v.name, Level: c.level.Key()}
	for l := range c.bytes {
		out.BytesByLevel[l] = c.bytes[l] * bytes
	}
	return out
}

// choose is the variant that the library takes for a size, −1 when there is nothing to
// do, and its time. It sets the size of a barrier.
func (p *Plan) choose(bytes *float64) (int, float64) {
	if p.op == Barrier {
		*bytes = barrierBytes
	}
	if !(*bytes > 0) || p.ranks < 2 {
		return -1, 0
	}
	root := math.Sqrt(*bytes)
	best, sec, at := math.Inf(1), 0.0, -1
	for i := range p.variants {
		v := &p.variants[i]
		t := v.sec(*bytes, root)
		if t*v.caution < best {
			best, sec, at = t*v.caution, t, i
		}
	}
	return at, sec
}

// Each calls f with every algorithm and protocol that the plan may choose from and its
// time for S = bytes.
func (p *Plan) Each(bytes float64, f func(algorithm string, sec float64)) {
	root := math.Sqrt(bytes)
	for i := range p.variants {
		f(p.variants[i].name, p.variants[i].sec(bytes, root))
	}
}

// protocolSuffix follows the algorithm's name in Cost.Algorithm.
var protocolSuffix = [numProtocols]string{"", "/ll128", "/ll"}

// BusBytesPerSec is the bus bandwidth of a cost as nccl-tests prints it.
func (p *Plan) BusBytesPerSec(bytes float64, c Cost) float64 {
	if c.Sec == 0 {
		return 0
	}
	return bytes * p.op.BusFactor(p.ranks) / c.Sec
}
