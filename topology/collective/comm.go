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
	Algorithm string // "" takes what a library would for the size
	Protocol  string // "ll", "ll128" or "simple"; "" takes what a library would
	// Weights are how much of an all-to-all each rank of a group receives, relative to
	// the others, as an expert-parallel layer with unequal experts; nil is uniform. All
	// groups must have as many ranks as there are weights.
	Weights    []float64
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
	weights    []float64
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
	s, err := c.shapeOf(op, groups, opt.Algorithm, opt.Weights)
	if err != nil {
		return nil, err
	}
	return c.price(s, opt)
}

// shapeOf finds or builds what does not depend on capacities.
func (c *Comm) shapeOf(op Op, groups [][]topology.NodeID, algorithm string, weights []float64) (*shape, error) {
	k := c.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	// Which algorithms fit depends on whether the switches reduce.
	key := hashGroups(op, algorithm, groups)
	inNetwork := c.links.ScaleUp.InNetwork > 0
	for _, have := range k.shapes[key] {
		if have.op == op && have.algorithm == algorithm && have.inNetwork == inNetwork && have.lockStep == c.opt.LockStep && slices.Equal(have.weights, weights) && slices.EqualFunc(have.groups, groups, slices.Equal) {
			return have, nil
		}
	}
	s, err := c.build(op, groups, algorithm, weights)
	if err != nil {
		return nil, err
	}
	s.inNetwork, s.lockStep, s.weights = inNetwork, c.opt.LockStep, slices.Clone(weights)
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
