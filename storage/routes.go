package storage

import (
	"cmp"
	"slices"
	"sync"

	"aisim/topology"
	"aisim/topology/flow"
)

// Routes keeps what clients put on the links of one wiring, so that systems which
// are built again and again on graphs that differ in capacities only (replicas,
// elasticities) route once. It is safe for concurrent use. The zero value is empty.
type Routes struct {
	mu     sync.Mutex
	graph  *topology.Graph // the first; others must have its wiring
	known  []routed
	misses int
}

// routed is the folded classes of one list of clients against one list of ports.
type routed struct {
	op             Op
	hosts, clients []topology.NodeID
	classes        []routedClass
}

// routedClass is the uses of links by one class, without protocol overhead.
type routedClass struct {
	count int
	uses  []flow.Use
}

// maxRouted bounds what a Routes keeps; beyond it nothing new is kept.
const maxRouted = 256

// ShareRoutes makes the system use and fill r, also after it is attached again.
func (s *System) ShareRoutes(r *Routes) { s.routes = r }

// classes are the folded classes of clients with their links, from r when it has them.
func (r *Routes) classes(p *place, op Op, clients []topology.NodeID) ([]routedClass, error) {
	if r == nil {
		return p.classes(op, clients)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.graph == nil {
		r.graph = p.graph
	}
	if !r.graph.SameWiring(p.graph) {
		return p.classes(op, clients)
	}
	for i := range r.known {
		e := &r.known[i]
		if e.op == op && slices.Equal(e.clients, clients) && slices.Equal(e.hosts, p.hosts) {
			return e.classes, nil
		}
	}
	c, err := p.classes(op, clients)
	if err != nil {
		return nil, err
	}
	r.misses++
	if len(r.known) < maxRouted {
		r.known = append(r.known, routed{op, slices.Clone(p.hosts), slices.Clone(clients), c})
	}
	return c, nil
}

func (p *place) classes(op Op, clients []topology.NodeID) ([]routedClass, error) {
	var out []routedClass
	for _, members := range fold(byLeaf(p.graph, clients)) {
		uses, err := p.reach(op, members)
		if err != nil {
			return nil, err
		}
		out = append(out, routedClass{len(members), uses})
	}
	return out, nil
}

// join merges two lists of uses in order of resource, the first times factor.
func join(a []flow.Use, factor float64, b []flow.Use) []flow.Use {
	out := make([]flow.Use, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Res < b[0].Res:
			out = append(out, flow.Use{Res: a[0].Res, Weight: a[0].Weight * factor})
			a = a[1:]
		case len(a) == 0 || b[0].Res < a[0].Res:
			out = append(out, b[0])
			b = b[1:]
		default:
			out = append(out, flow.Use{Res: a[0].Res, Weight: a[0].Weight*factor + b[0].Weight})
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// merge sorts uses by resource and adds those of the same one.
func merge(uses []flow.Use) []flow.Use {
	slices.SortStableFunc(uses, func(a, b flow.Use) int { return cmp.Compare(a.Res, b.Res) })
	out := uses[:0]
	for _, u := range uses {
		if k := len(out) - 1; k >= 0 && out[k].Res == u.Res {
			out[k].Weight += u.Weight
		} else {
			out = append(out, u)
		}
	}
	return out
}
