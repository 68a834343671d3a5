package collective

import (
	"fmt"

	"aisim/topology"
	"aisim/topology/flow"
)

// traffic is the kind of transfer, for the efficiency that it reaches.
type traffic uint8

const (
	ringTraffic       traffic = iota
	pairTraffic               // point to point
	shuffleTraffic            // all-to-all
	switchTraffic             // reduced in the scale-up switch
	switchTreeTraffic         // the same, fed by a tree between domains
	copyTraffic               // by copy engine or RDMA write
)

// phase is one part of an algorithm: all groups do it at once, then the next.
type phase struct {
	traffic    traffic
	scaleSteps float64 // steps over scale-up edges on the longest chain, of the slowest group
	netSteps   float64
	wireSec    float64 // latency of cables and switches along it
	// fixedTimes and netFixedTimes multiply the fixed time of a reduction in the
	// scale-up and in the network switches.
	fixedTimes, netFixedTimes float64
	// ownPerCapacity is a rank's own part per byte of S over its nominal scale-up rate.
	ownPerCapacity float64
	perLevel       [topology.NumLevels]float64       // max over links of bytes per nominal capacity, per byte of S
	bytes          [topology.NumLevels]float64       // on all links, per byte of S
	lay            func(b *builder, g *placed) error // puts one group on the builder
	uses           [][]flow.Use                      // per group, beside background; made when asked
	contests       []*contest                        // with the backgrounds seen so far
}

type candidate struct {
	name    string
	names   [numProtocols]string // with the protocol
	caution float64              // see variant; 0: none
	phases  []phase
}

// placed is a group of ranks sorted into scale-up domains in order of appearance.
type placed struct {
	ranks   []topology.NodeID
	domains [][]topology.NodeID
	width   int // ranks of the largest domain
	even    bool
}

func place(g *topology.Graph, ranks []topology.NodeID) placed {
	p := placed{ranks: ranks}
	index := map[int32]int{}
	for _, n := range ranks {
		d := g.Domain(n)
		i, ok := index[d]
		if !ok {
			i = len(p.domains)
			index[d] = i
			p.domains = append(p.domains, nil)
		}
		p.domains[i] = append(p.domains[i], n)
	}
	p.even = true
	for _, d := range p.domains {
		p.width = max(p.width, len(d))
		p.even = p.even && len(d) == len(p.domains[0])
	}
	return p
}

// builder collects the edges of one phase.
type builder struct {
	g        *topology.Graph
	load     *topology.Load
	lockStep bool

	// chain: the edges of one channel of the present group
	scale, net int
	wire       float64
	maxWire    float64
	ph         *phase
	order      []topology.NodeID // scratch
}

// edge sends bytes (per byte of S) from one rank to another and, when it is on the
// counted chain, returns with its latency added.
func (b *builder) edge(from, to topology.NodeID, bytes float64, counted bool) error {
	lat, err := b.load.Add(from, to, bytes, 0)
	if err != nil {
		return err
	}
	if counted {
		if d := b.g.Domain(from); d >= 0 && d == b.g.Domain(to) {
			b.scale++
		} else {
			b.net++
		}
		b.wire += lat
		b.maxWire = max(b.maxWire, lat)
	}
	return nil
}

// chain books the counted edges as `steps` steps of a cycle (or path) of `edges` edges
// and begins a new count.
func (b *builder) chain(steps, edges float64) {
	var scale, net, wire float64
	if b.lockStep {
		wire = steps * b.maxWire
		if b.net > 0 {
			net = steps
		} else {
			scale = steps
		}
	} else if edges > 0 {
		k := steps / edges
		scale, net, wire = k*float64(b.scale), k*float64(b.net), k*b.wire
	}
	b.ph.scaleSteps = max(b.ph.scaleSteps, scale)
	b.ph.netSteps = max(b.ph.netSteps, net)
	b.ph.wireSec = max(b.ph.wireSec, wire)
	b.scale, b.net, b.wire, b.maxWire = 0, 0, 0, 0
}

// build lays every algorithm that fits on the graph.
func (c *Comm) build(op Op, groups [][]topology.NodeID, algorithm string, weights []float64) (*shape, error) {
	ranks, err := c.checkGroups(op, groups)
	if err != nil {
		return nil, err
	}
	s := &shape{op: op, algorithm: algorithm, ranks: ranks}
	all := make([]placed, len(groups))
	for i, g := range groups {
		s.groups = append(s.groups, append([]topology.NodeID(nil), g...))
		all[i] = place(c.g, s.groups[i])
	}
	if ranks == 1 {
		s.candidates = []candidate{{name: "none"}}
		return s, nil
	}
	s.candidates, err = c.algorithms(op, all, algorithm, weights)
	if err != nil {
		return nil, err
	}
	if c.kept.load == nil {
		c.kept.load = c.g.NewLoad()
	}
	load := c.kept.load
	for i := range s.candidates {
		for k := range s.candidates[i].phases {
			ph := &s.candidates[i].phases[k]
			b := &builder{g: c.g, load: load, lockStep: c.opt.LockStep, ph: ph}
			load.Reset()
			for gi := range all {
				if len(all[gi].ranks) < 2 {
					continue
				}
				if err := ph.lay(b, &all[gi]); err != nil {
					load.Reset()
					return nil, fmt.Errorf("collective: %s by %s, group %d: %w", op, s.candidates[i].name, gi, err)
				}
			}
			sum, err := load.Sum()
			if err != nil {
				return nil, fmt.Errorf("collective: %s: %w", op, err)
			}
			for _, x := range sum {
				l := c.g.LevelOf(x.Link)
				ph.bytes[l] += x.Fraction
				ph.perLevel[l] = max(ph.perLevel[l], x.Fraction/(c.g.Capacity(x.Link)/c.g.Scale(l)))
			}
		}
	}
	return s, nil
}
