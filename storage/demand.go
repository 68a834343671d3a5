package storage

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"aisim/topology"
	"aisim/topology/flow"
)

// maxPairs bounds the client–host pairs that are routed one by one per class
// under routing that picks single paths; beyond it an even sample stands for all.
const maxPairs = 4096

// Demand says what the clients' transfers take from the network that the
// system is attached to: one flow.Demand per class of alike clients, which are
// those on one leaf (of many leaves, those on neighbouring ones; for local drives, those with equally many clients per
// node). Count is the clients of the class, Bytes is left for the
// caller. A client is a chip, which sends through its NICs, or a NIC. Every
// client spreads its objects evenly over all hosts of the system, so each
// class uses its own ports, the links to the storage leaves, those among storage
// leaves that replication or reconstruction crosses, and the system's pools.
// The storage hosts' own ports are the pools "storage NICs in" and "out".
func (s *System) Demand(op Op, clients []topology.NodeID, objectBytes float64) ([]flow.Demand, error) {
	p := s.place
	if p == nil {
		return nil, fmt.Errorf("storage %q: not attached to a network", s.id)
	}
	if len(clients) == 0 {
		return nil, fmt.Errorf("storage %q: no clients", s.id)
	}
	if !positive(objectBytes) {
		return nil, fmt.Errorf("storage %q: objects of %g bytes: must be above 0", s.id, objectBytes)
	}
	if s.kind == NVMe {
		return s.localDemand(op, clients, objectBytes)
	}
	if p.graph == nil {
		d := s.poolUses(op, objectBytes)
		return []flow.Demand{s.class(op, objectBytes, d, len(clients), len(clients))}, nil
	}
	for _, c := range clients {
		if int(c) < 0 || int(c) >= p.graph.NumNodes() || !p.graph.HasNetwork(c) {
			return nil, fmt.Errorf("storage %q: client node %d has no way to the network", s.id, c)
		}
	}
	internal, overhead := s.m.wire(op, objectBytes)
	shared := s.poolUses(op, objectBytes) // behind all links
	if internal > 0 && len(p.leaves) > 1 {
		within, err := p.within()
		if err != nil {
			return nil, fmt.Errorf("storage %q: %w", s.id, err)
		}
		shared = join(within, internal*overhead, shared)
	}
	classes, err := s.routes.classes(p, op, clients)
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", s.id, err)
	}
	out := make([]flow.Demand, len(classes))
	for i, c := range classes {
		out[i] = s.class(op, objectBytes, join(c.uses, overhead, shared), c.count, len(clients))
	}
	return out, nil
}

// class is the demand of count alike clients of all.
func (s *System) class(op Op, objectBytes float64, uses []flow.Use, count, all int) flow.Demand {
	d := flow.Demand{Name: s.id + " " + op.String(), Uses: uses, Count: count}
	if limit := s.m.perClient(op, objectBytes, all).BytesPerSec; !math.IsInf(limit, 1) {
		d.RateCapBytesPerSec = limit
	}
	return d
}

// poolUses are the pools' weights as uses.
func (s *System) poolUses(op Op, objectBytes float64) []flow.Use {
	w := make([]float64, len(s.m.pools()))
	s.m.weights(op, objectBytes, w)
	var uses []flow.Use
	for i, v := range w {
		if v > 0 {
			uses = append(uses, flow.Use{Res: s.place.res[i], Weight: v})
		}
	}
	return uses
}

// localDemand groups clients by how many of them share a node.
func (s *System) localDemand(op Op, clients []topology.NodeID, objectBytes float64) ([]flow.Demand, error) {
	p := s.place
	perNode := make([]int, len(p.index))
	most := 0
	for _, c := range clients {
		key, err := p.keyOf(c)
		if err != nil {
			return nil, fmt.Errorf("storage %q: client: %w", s.id, err)
		}
		i, ok := p.index[key]
		if !ok {
			return nil, fmt.Errorf("storage %q: client node %d is not on a host with these drives", s.id, c)
		}
		perNode[i]++
		most = max(most, perNode[i])
	}
	pools := len(s.m.pools())
	w := make([]float64, pools)
	s.m.weights(op, objectBytes, w)
	var out []flow.Demand
	for each := 1; each <= most; each++ {
		nodes := 0
		for _, n := range perNode {
			if n == each {
				nodes++
			}
		}
		if nodes == 0 {
			continue
		}
		var uses []flow.Use
		for i, n := range perNode {
			for j := 0; n == each && j < pools; j++ {
				if w[j] > 0 {
					uses = append(uses, flow.Use{Res: p.res[i*pools+j], Weight: w[j] / float64(nodes)})
				}
			}
		}
		out = append(out, s.class(op, objectBytes, uses, nodes*each, len(clients)))
	}
	return out, nil
}

// byLeaf splits clients by the leaf of their first NIC, in order of first appearance.
func byLeaf(g *topology.Graph, clients []topology.NodeID) [][]topology.NodeID {
	at := make(map[int]int)
	var out [][]topology.NodeID
	for _, c := range clients {
		leaf := g.Leaf(c)
		i, ok := at[leaf]
		if !ok {
			i = len(out)
			at[leaf] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}

// maxClasses bounds the classes of one demand; see fold.
const maxClasses = 16

// fold joins neighbouring leaves with equally many clients when there are more
// than maxClasses leaves. A folded class moves at the pace of its slowest leaf,
// which is what sets the end of a phase.
func fold(leaves [][]topology.NodeID) [][]topology.NodeID {
	if len(leaves) <= maxClasses {
		return leaves
	}
	slices.SortStableFunc(leaves, func(a, b []topology.NodeID) int { return cmp.Compare(len(a), len(b)) })
	each := (len(leaves) + maxClasses - 1) / maxClasses
	var out [][]topology.NodeID
	joined := 0
	for i, l := range leaves {
		if i > 0 && joined < each && len(l) == len(leaves[i-1]) {
			out[len(out)-1] = append(out[len(out)-1], l...)
			joined++
			continue
		}
		out = append(out, l)
		joined = 1
	}
	return out
}

// reach is what one byte of every member takes from the links between them and
// the storage hosts, as uses of one flow of the class: a link that carries
// the share f of one member's bytes is used f/n per byte of each of n.
func (p *place) reach(op Op, members []topology.NodeID) ([]flow.Use, error) {
	g := p.graph
	if len(p.hosts) == 0 { // beyond the fabric: the clients' ports only
		var uses []flow.Use
		for _, c := range members {
			uses = p.ports(op, c, 1/float64(len(members)), uses)
		}
		return merge(uses), nil
	}
	p.emptyLoad()
	n := float64(len(members))
	add := func(client, port topology.NodeID, weight float64, salt int) error {
		src, dst := client, port
		if op == Read {
			src, dst = port, client
		}
		_, err := p.load.Add(src, dst, weight, uint64(salt))
		return err
	}
	if p.even {
		for _, c := range members {
			for _, l := range p.leaves {
				if err := add(c, l.port, l.share/n, 0); err != nil {
					return nil, err
				}
			}
		}
	} else {
		// Every member meets at least one host and every host one member.
		h := len(p.hosts)
		pairs := len(members) * h
		take := min(pairs, max(maxPairs, 2*len(members), 2*h))
		rounds := (take + len(members) - 1) / len(members)
		for i, c := range members {
			for r := range rounds {
				j := (i*rounds + r) % h
				if err := add(c, p.hosts[j], 1/n/float64(rounds), i*h+j); err != nil {
					return nil, err
				}
			}
		}
	}
	sum, err := p.load.Sum()
	if err != nil {
		return nil, err
	}
	uses := make([]flow.Use, 0, len(sum))
	for _, s := range sum {
		if s.Fraction > 0 && (g.LevelOf(s.Link) != topology.NICLevel || p.clientSide(op, s.Link)) {
			uses = append(uses, flow.Use{Res: flow.ResourceID(s.Link), Weight: s.Fraction})
		}
	}
	return uses, nil
}

// within is what one byte from a random storage host to another takes from the
// links among storage leaves. It does not change while the system stays attached.
func (p *place) within() ([]flow.Use, error) {
	if p.inside != nil {
		return p.inside, nil
	}
	p.emptyLoad()
	if p.even {
		for i, a := range p.leaves {
			for j, b := range p.leaves {
				if i != j {
					if _, err := p.load.Add(a.port, b.port, a.share*b.share, 0); err != nil {
						return nil, err
					}
				}
			}
		}
	} else {
		n := len(p.hosts)
		rounds := min(n, (maxPairs+n-1)/n)
		for i, a := range p.hosts {
			for r := range rounds {
				j := (i*rounds + r) % n
				if i == j {
					continue
				}
				if _, err := p.load.Add(a, p.hosts[j], 1/float64(n*rounds), uint64(i*n+j)); err != nil {
					return nil, err
				}
			}
		}
	}
	sum, err := p.load.Sum()
	if err != nil {
		return nil, err
	}
	p.inside = make([]flow.Use, 0, len(sum))
	for _, s := range sum {
		if s.Fraction > 0 && p.graph.LevelOf(s.Link) > topology.NICLevel {
			p.inside = append(p.inside, flow.Use{Res: flow.ResourceID(s.Link), Weight: s.Fraction})
		}
	}
	return p.inside, nil
}

func (p *place) emptyLoad() {
	if p.load == nil {
		p.load = p.graph.NewLoad()
	}
	p.load.Reset()
}

// ports are a client's own links away from its host, for stores beyond the fabric.
func (p *place) ports(op Op, client topology.NodeID, weight float64, uses []flow.Use) []flow.Use {
	g := p.graph
	nics := []topology.NodeID{client}
	if node := g.Node(client); node.Kind == topology.Chip {
		group := g.Spec().Hosts[p.groupOf(client)]
		all := g.HostNICs(node.Group, node.Host)
		lo, hi := node.Index*group.NICs/group.ChipsPerHost, (node.Index+1)*group.NICs/group.ChipsPerHost
		nics = slices.DeleteFunc(all[lo:max(hi, lo+1):max(hi, lo+1)], func(n topology.NodeID) bool { return !live(g, n) })
	}
	for _, nic := range nics {
		for _, up := range g.Out(nic) {
			if g.LevelOf(up) != topology.NICLevel || g.Kind(g.Link(up).To) != topology.Switch {
				continue
			}
			id := up
			if op == Read { // links come in pairs, the way back behind the way out
				id = up + 1
			}
			uses = append(uses, flow.Use{Res: flow.ResourceID(id), Weight: weight / float64(len(nics))})
		}
	}
	return uses
}

func (p *place) groupOf(n topology.NodeID) int {
	g, _, _ := p.graph.HostOf(n)
	return g
}

// clientSide says whether a port link is the client's own on its way.
func (p *place) clientSide(op Op, id topology.LinkID) bool {
	l := p.graph.Link(id)
	if op == Write {
		return p.graph.Kind(l.From) != topology.Switch
	}
	return p.graph.Kind(l.To) != topology.Switch
}
