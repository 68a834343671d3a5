package collective

import (
	"errors"

	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/flow"
)

// Links are the α–β constants of the two classes of links that a chip has.
type Links struct {
	ScaleUp profile.LinkParams // NVLink, ICI, …
	Network profile.LinkParams // InfiniBand, RoCE, EFA, …
}

// Options says how a Comm computes.
type Options struct {
	// Model is "analytic" (largest load per capacity; the default) or "flow" (max–min
	// rates and completions of the groups, one by one).
	Model string
	// LockStep makes every step as long as the slowest edge, as when a rank waits for
	// its own send before the next one. Else the edges' latencies add up along the ring,
	// as with buffered sends.
	LockStep bool
}

// PlanOptions says how one operation is to be prepared.
type PlanOptions struct {
	Algorithm  string        // "" takes the fastest for the size, as a library would
	Background []flow.Demand // steady transfers that share the fabric
}

// Comm prepares collectives on one graph. It is not safe for concurrent use.
type Comm struct {
	g     *topology.Graph
	links Links
	opt   Options
}

// Plan is a prepared operation over groups that run at the same moment.
type Plan struct{}

// New makes a Comm.
func New(g *topology.Graph, links Links, opt Options) *Comm {
	return &Comm{g: g, links: links, opt: opt}
}

// Prepare lays an operation of all groups, which run at the same moment, on the graph.
// The plan is kept and given back when the same groups ask again.
func (c *Comm) Prepare(op Op, groups [][]topology.NodeID, opt PlanOptions) (*Plan, error) {
	return nil, errNotYet
}

// On is the same Comm on a graph that differs in capacities only, or with other link
// constants; plans are shared, so preparing again costs next to nothing.
func (c *Comm) On(g *topology.Graph, links Links) *Comm {
	return New(g, links, c.opt)
}

// Time is the cost of one call with S = bytes (see Op).
func (p *Plan) Time(bytes float64) Cost { return Cost{} }

var errNotYet = errors.New("collective: not built yet")
