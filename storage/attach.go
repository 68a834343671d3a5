package storage

import (
	"fmt"

	"aisim/topology"
	"aisim/topology/flow"
)

// place is where a system sits on one network.
type place struct {
	net   *flow.Net
	graph *topology.Graph // nil: the fabric is not looked at

	hosts  []topology.NodeID // ports of the storage hosts that reach the network
	leaves []leafShare       // the same by leaf, in order of first appearance
	index  map[hostKey]int   // compute node of local drives → which
	even   bool              // routing spreads over all shortest paths
	load   *topology.Load    // scratch, made when routes are looked for
	inside []flow.Use        // see within

	res []flow.ResourceID // of the model's pools; for local drives node after node
}

// leafShare is one leaf with storage ports: one port stands for all of them.
type leafShare struct {
	port  topology.NodeID
	share float64
}

type hostKey struct{ group, host int }

// Attach registers the system's ports, cores and drives as resources of net and
// notes which nodes of g they are: for a Ceph pool, Lustre, Gluster or an object store's front
// ends the NICs of the storage hosts, for local drives one node (chip or
// NIC) of every compute host. A nil graph leaves the fabric out; an object
// store without hosts lies beyond the fabric and meets its clients at their
// ports. Ports whose links have failed carry nothing. A system is attached to
// one network at a time; attaching again moves it.
func (s *System) Attach(net *flow.Net, g *topology.Graph, hosts []topology.NodeID) error {
	if net == nil {
		return fmt.Errorf("storage %q: attach to no network", s.id)
	}
	if g != nil && net.Resources() < g.NumLinks() {
		return fmt.Errorf("storage %q: a network of %d resources cannot carry the %d links of the graph; make it with flow.FromGraph", s.id, net.Resources(), g.NumLinks())
	}
	p := &place{net: net, graph: g}
	if s.kind == NVMe {
		return s.attachLocal(p, hosts)
	}
	alive := 1.0
	if g != nil {
		routing := g.Spec().Routing
		p.even = routing == "" || routing == "adaptive"
		if len(hosts) == 0 && s.kind != Object {
			return fmt.Errorf("storage %q: no hosts on the fabric; give the NICs of its host group", s.id)
		}
		at := make(map[int]int)
		for _, h := range hosts {
			if int(h) < 0 || int(h) >= g.NumNodes() || !g.HasNetwork(h) {
				return fmt.Errorf("storage %q: node %d of the graph is no network port", s.id, h)
			}
			if !live(g, h) {
				continue
			}
			p.hosts = append(p.hosts, h)
			leaf := g.Leaf(h)
			i, ok := at[leaf]
			if !ok {
				i = len(p.leaves)
				at[leaf] = i
				p.leaves = append(p.leaves, leafShare{port: h})
			}
			p.leaves[i].share++
		}
		if len(hosts) > 0 {
			if len(p.hosts) == 0 {
				return fmt.Errorf("storage %q: all %d of its ports are cut off by failed links", s.id, len(hosts))
			}
			alive = float64(len(p.hosts)) / float64(len(hosts))
		}
		for i := range p.leaves {
			p.leaves[i].share /= float64(len(p.hosts))
		}
	}
	for _, r := range s.m.pools() {
		capacity := r.capacity
		if r.key == KeyNetwork && s.kind != Object {
			capacity *= alive
		}
		if err := p.add(s.id+" "+r.name, capacity); err != nil {
			return err
		}
	}
	s.place = p
	return nil
}

func (s *System) attachLocal(p *place, hosts []topology.NodeID) error {
	n := s.m.(*nvme)
	p.index = make(map[hostKey]int, len(hosts))
	for _, h := range hosts {
		key, err := p.keyOf(h)
		if err != nil {
			return fmt.Errorf("storage %q: %w", s.id, err)
		}
		if _, ok := p.index[key]; !ok {
			p.index[key] = len(p.index)
		}
	}
	if len(p.index) != n.Nodes {
		return fmt.Errorf("storage %q: drives of %d nodes attached to %d hosts", s.id, n.Nodes, len(p.index))
	}
	pools := n.pools()
	for i := range n.Nodes {
		for _, r := range pools {
			if err := p.add(fmt.Sprintf("%s %s %d", s.id, r.name, i), r.capacity); err != nil {
				return err
			}
		}
	}
	s.place = p
	return nil
}

func (p *place) add(name string, capacity float64) error {
	r, err := p.net.AddResource(name, capacity)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	p.res = append(p.res, r)
	return nil
}

// keyOf names the host of a node; without a graph a node is its own host.
func (p *place) keyOf(n topology.NodeID) (hostKey, error) {
	if p.graph == nil {
		return hostKey{0, int(n)}, nil
	}
	if int(n) < 0 || int(n) >= p.graph.NumNodes() {
		return hostKey{}, fmt.Errorf("node %d is not in the graph of %d nodes", n, p.graph.NumNodes())
	}
	g, h, ok := p.graph.HostOf(n)
	if !ok {
		return hostKey{}, fmt.Errorf("node %s is no host", p.graph.Name(n))
	}
	return hostKey{g, h}, nil
}

// live says whether a port has a link out that carries anything.
func live(g *topology.Graph, n topology.NodeID) bool {
	for _, l := range g.Out(n) {
		if g.LevelOf(l) == topology.NICLevel && g.Capacity(l) > 0 {
			return true
		}
	}
	return g.Kind(n) == topology.Chip
}
