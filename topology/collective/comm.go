package collective

import (
	"fmt"
	"slices"
	"sync"

	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/flow"
)

// Links are the α–β constants of the two classes of links that a chip has.
type Links struct {
	ScaleUp profile.LinkParams // NVLink, ICI, …
	Network profile.LinkParams // InfiniBand, RoCE, EFA, …
}

// Ideal are links that reach their line rate and add no latency of their own.
func Ideal() Links {
	p := profile.LinkParams{Class: "ideal", Efficiency: 1, P2P: 1, AllToAll: 1}
	return Links{ScaleUp: p, Network: p}
}

// Options says how a Comm computes.
type Options struct {
	// Model is "analytic" (closed forms; the default) or "flow" (max–min fair). Without
	// background both are the largest load per capacity, which is exact (see the package
	// comment). Beside background transfers "flow" solves the fair rates and
	// "analytic" takes a bound: a transfer moves a byte for each byte of S, or its cap.
	Model string
	// Expand makes "flow" run every group to its end even where the closed form is exact.
	Expand bool
	// LockStep makes every step as long as the slowest edge, as when a rank waits for
	// its own send before the next one. Else the edges' latencies add up along the ring,
	// as with buffered sends.
	LockStep bool
}

// PlanOptions says how one operation is to be prepared.
type PlanOptions struct {
	Algorithm  string        // "" takes the fastest for the size, as a library would
	Background []flow.Demand // steady transfers that share the fabric; their bytes are ignored
}

// Comm prepares collectives on one graph. It is safe for concurrent use.
type Comm struct {
	g     *topology.Graph
	links Links
	opt   Options
	kept  *kept
}

// kept is what all Comms on one wiring share.
type kept struct {
	mu     sync.Mutex
	shapes map[uint64][]*shape
	load   *topology.Load
}

// New makes a Comm.
func New(g *topology.Graph, links Links, opt Options) *Comm {
	return &Comm{g: g, links: links, opt: opt, kept: &kept{shapes: map[uint64][]*shape{}}}
}

// On is the same Comm on a graph that differs in capacities only, or with other link
// constants. What was prepared is shared, so preparing again costs next to nothing. A
// graph with other wiring starts afresh.
func (c *Comm) On(g *topology.Graph, links Links) *Comm {
	out := *c
	out.links = links
	if !g.SameWiring(c.g) {
		out.kept = &kept{shapes: map[uint64][]*shape{}}
	}
	out.g = g
	return &out
}

// Graph is what the Comm stands on.
func (c *Comm) Graph() *topology.Graph { return c.g }

// Links are the constants that the Comm computes with.
func (c *Comm) Links() Links { return c.links }

// shape is all of a plan that does not depend on capacities and link constants.
type shape struct {
	op         Op
	algorithm  string
	groups     [][]topology.NodeID
	ranks      int // of the largest group
	candidates []candidate
	inNetwork  bool
	lockStep   bool
}

func hashGroups(op Op, algorithm string, groups [][]topology.NodeID) uint64 {
	h := uint64(14695981039346656037) ^ uint64(op)
	mix := func(v uint64) { h = (h ^ v) * 1099511628211 }
	for _, b := range []byte(algorithm) {
		mix(uint64(b))
	}
	for _, g := range groups {
		mix(uint64(len(g)) | 1<<40)
		for _, n := range g {
			mix(uint64(uint32(n)))
		}
	}
	return h
}

// Prepare lays an operation of all groups, which run at the same moment, on the graph.
// What does not depend on capacities is kept and reused when the same groups ask again.
func (c *Comm) Prepare(op Op, groups [][]topology.NodeID, opt PlanOptions) (*Plan, error) {
	if op >= numOps {
		return nil, fmt.Errorf("collective: unknown operation %d", op)
	}
	if c.opt.Model != "" && c.opt.Model != "analytic" && c.opt.Model != "flow" {
		return nil, fmt.Errorf("collective: model %q is not known (want analytic or flow)", c.opt.Model)
	}
	s, err := c.shapeOf(op, groups, opt.Algorithm)
	if err != nil {
		return nil, err
	}
	return c.price(s, opt)
}

// shapeOf finds or builds what does not depend on capacities.
func (c *Comm) shapeOf(op Op, groups [][]topology.NodeID, algorithm string) (*shape, error) {
	k := c.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	// Which algorithms fit depends on whether the switches reduce.
	key := hashGroups(op, algorithm, groups)
	inNetwork := c.links.ScaleUp.InNetwork > 0
	for _, have := range k.shapes[key] {
		if have.op == op && have.algorithm == algorithm && have.inNetwork == inNetwork && have.lockStep == c.opt.LockStep && slices.EqualFunc(have.groups, groups, slices.Equal) {
			return have, nil
		}
	}
	s, err := c.build(op, groups, algorithm)
	if err != nil {
		return nil, err
	}
	s.inNetwork, s.lockStep = inNetwork, c.opt.LockStep
	k.shapes[key] = append(k.shapes[key], s)
	return s, nil
}

// checkGroups refuses empty groups, repeated ranks and nodes that are not endpoints.
func (c *Comm) checkGroups(op Op, groups [][]topology.NodeID) (int, error) {
	if len(groups) == 0 {
		return 0, fmt.Errorf("collective: %s has no groups", op)
	}
	seen := make([]int32, c.g.NumNodes())
	ranks := 0
	for i, g := range groups {
		if len(g) == 0 {
			return 0, fmt.Errorf("collective: %s: group %d is empty", op, i)
		}
		ranks = max(ranks, len(g))
		for _, n := range g {
			if n < 0 || int(n) >= len(seen) || c.g.Kind(n) > topology.NIC {
				return 0, fmt.Errorf("collective: %s: group %d: node %d is neither a chip nor a NIC", op, i, n)
			}
			if seen[n] == int32(i+1) {
				return 0, fmt.Errorf("collective: %s: group %d has rank %s twice", op, i, c.g.Name(n))
			}
			seen[n] = int32(i + 1)
		}
	}
	return ranks, nil
}

// efficiency of a level for a kind of traffic: the fraction of the line rate.
func (c *Comm) efficiency(l topology.LevelID, t traffic) float64 {
	p := &c.links.Network
	if l == topology.ScaleUpLevel {
		p = &c.links.ScaleUp
	}
	e := p.Efficiency
	switch t {
	case pairTraffic:
		if p.P2P > 0 {
			e = p.P2P
		}
	case shuffleTraffic:
		if p.AllToAll > 0 {
			e = p.AllToAll
		}
	case switchTraffic:
		if l == topology.ScaleUpLevel {
			e = p.InNetwork
		}
	case switchTreeTraffic:
		if l == topology.ScaleUpLevel {
			e = nvlsTreeShare * p.InNetwork
		}
	}
	return e
}

// tie is what rounding may set two levels apart; of equal levels the lower is named.
const tie = 1e-9

// price turns a shape into a plan under the present capacities and constants.
func (c *Comm) price(s *shape, opt PlanOptions) (*Plan, error) {
	p := &Plan{op: s.op, ranks: s.ranks, groups: len(s.groups), shape: s}
	for i := range s.candidates {
		cand := &s.candidates[i]
		out := pricedCandidate{name: cand.name, index: i}
		usable := true
		for k := range cand.phases {
			ph := &cand.phases[k]
			priced := pricedPhase{bytes: ph.bytes}
			for l := range topology.NumLevels {
				if ph.perLevel[l] == 0 {
					continue
				}
				e := c.efficiency(l, ph.traffic)
				if !(e > 0) {
					if ph.traffic == switchTraffic || ph.traffic == switchTreeTraffic {
						usable = false // no in-network reduction in this profile
						break
					}
					return nil, fmt.Errorf("collective: the link constants of class %q have no efficiency, which %s over the %s level needs", c.class(l).Class, s.op, l.Key())
				}
				t := ph.perLevel[l] / (c.g.Scale(l) * e)
				if t > priced.secPerByte*(1+tie) {
					priced.level = l
				}
				priced.secPerByte = max(priced.secPerByte, t)
			}
			if len(opt.Background) > 0 || c.opt.Expand {
				run := c.simulate
				if c.opt.Model != "flow" {
					run = c.bound
				}
				sec, level, err := run(s, ph, opt.Background)
				if err != nil {
					return nil, err
				}
				priced.secPerByte = sec
				if sec > 0 {
					priced.level = level
				}
			}
			su, net := &c.links.ScaleUp, &c.links.Network
			priced.fixed = ph.wireSec + ph.extraSec + ph.scaleSteps*(su.StepSec+su.HopSec) + ph.netSteps*(net.StepSec+net.HopSec)
			priced.low = ph.wireSec + ph.extraSec + ph.scaleSteps*(su.LowStepSec+su.HopSec) + ph.netSteps*(net.LowStepSec+net.HopSec)
			priced.fill = c.class(priced.level).FillSqrtSec
			priced.lowSlower = 0
			if e := c.class(priced.level).LowEff; e > 0 && ph.traffic == ringTraffic {
				priced.lowSlower = 1 / e
			}
			if ph.scaleSteps > 0 || ph.perLevel[topology.ScaleUpLevel] > 0 {
				out.base = max(out.base, su.BaseSec)
			}
			if ph.netSteps > 0 || ph.perLevel[topology.NICLevel] > 0 {
				out.base = max(out.base, net.BaseSec)
			}
			out.phases = append(out.phases, priced)
		}
		if usable {
			out.low = len(out.phases) > 0 && !slices.ContainsFunc(out.phases, func(p pricedPhase) bool { return p.lowSlower == 0 })
			p.candidates = append(p.candidates, out)
		}
	}
	if len(p.candidates) == 0 {
		return nil, fmt.Errorf("collective: %s by %q needs in-network reduction, which link class %q does not have", s.op, s.algorithm, c.links.ScaleUp.Class)
	}
	return p, nil
}

func (c *Comm) class(l topology.LevelID) *profile.LinkParams {
	if l == topology.ScaleUpLevel {
		return &c.links.ScaleUp
	}
	return &c.links.Network
}
