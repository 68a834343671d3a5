package collective

import "fmt"

// maxPairs bounds algorithms that look at every pair of ranks of a group.
const maxPairs = 4 << 20

// algorithms lists those that fit an operation and all groups; a name asks for one.
func (c *Comm) algorithms(op Op, groups []placed, name string, weights []float64) ([]candidate, error) {
	one, wide, even, big := true, 1, true, 0
	kind := ""
	for i := range groups {
		g := &groups[i]
		one = one && len(g.domains) == 1
		wide = max(wide, g.width)
		even = even && g.even
		big = max(big, len(g.ranks))
		if g.width > 1 {
			su, _ := c.g.ScaleUpOf(g.domains[0][0])
			kind = su.Kind
		}
	}
	net := c.links.ScaleUp.InNetwork > 0 && kind == "switch"
	pairs := big*big <= maxPairs
	if err := checkWeights(op, groups, weights, pairs); err != nil {
		return nil, err
	}
	var out []candidate
	add := func(ok bool, name string, phases ...phase) {
		if !ok {
			return
		}
		cand := candidate{name: name, phases: phases}
		for proto, suffix := range protocolSuffix {
			cand.names[proto] = name + suffix
		}
		if name == "tree" && !one && !net {
			cand.caution = treeCaution
		}
		out = append(out, cand)
	}
	ph := func(t traffic, lay func(*builder, *placed) error) phase { return phase{traffic: t, lay: lay} }
	torus := func(reduce, gather bool) []phase { return torusPhases(c.g, groups, reduce, gather) }
	isTorus := (kind == "torus" || kind == "ring") && one && boxes(c.g, groups)
	switch op {
	case AllReduce, Barrier:
		add(true, "ring", ph(ringTraffic, layRing(2)))
		add(!one || wide > chainChips && kind == "switch", "tree", ph(ringTraffic, layTree))
		if even && !one && wide > 1 {
			scatter, gather := c.inside(kind, groups, true), c.inside(kind, groups, false)
			phases := append(scatter, ph(ringTraffic, layRails(2, false)))
			add(name == "hierarchical" || kind != "switch", "hierarchical", append(phases, gather...)...)
		}
		add(one && kind == "mesh", "direct", ph(ringTraffic, layDirect), ph(ringTraffic, layDirect))
		add(isTorus, "torus", torus(true, true)...)
		add(name == halvingDoubling, halvingDoubling, halvingPhases(big, true, true)...)
		if net && wide > 2 {
			p := ph(switchTraffic, layNVLS)
			p.fixedTimes = reductionDepth(wide)
			add(one, "nvls", p)
			p.traffic, p.lay = switchTreeTraffic, layNVLSTree
			add(!one && even, "nvls-tree", p)
		}
		if !one && even && (name == "sharp" || c.links.Network.InNetwork > 0) {
			p := ph(ringTraffic, laySHARP(net && wide > 2))
			p.netFixedTimes = 1
			if net && wide > 2 {
				p.traffic, p.fixedTimes = switchTreeTraffic, reductionDepth(wide)
			}
			add(true, "sharp", p)
		}
	case AllGather, ReduceScatter:
		add(true, "ring", ph(ringTraffic, layRing(1)))
		if even && !one && wide > 1 {
			in := c.inside(kind, groups, op == ReduceScatter)
			rails := ph(ringTraffic, layRails(1, op == AllGather))
			if op == AllGather {
				in = append([]phase{rails}, in...)
			} else {
				in = append(in, rails)
			}
			add(name == "hierarchical" || kind != "switch", "hierarchical", in...)
		}
		add(one && kind == "mesh" || name == "direct" && pairs, "direct", ph(ringTraffic, layDirect))
		add(isTorus, "torus", torus(op == ReduceScatter, op == AllGather)...)
		add(name == halvingDoubling, halvingDoubling, halvingPhases(big, op == ReduceScatter, op == AllGather)...)
	case AllToAll:
		if weights != nil {
			add(true, "direct", ph(shuffleTraffic, laySkewed(weights)))
			break
		}
		add(true, "direct", ph(shuffleTraffic, layAllToAll))
		add(!one && wide > 1 && even && pairs, "pxn", ph(shuffleTraffic, layPXN))
	case Broadcast:
		add(true, "chain", ph(ringTraffic, layChain))
	case SendRecv:
		add(true, "direct", ph(pairTraffic, laySendRecv))
	case Copy:
		add(true, "direct", ph(copyTraffic, laySendRecv))
	}
	if name == "" {
		return out, nil
	}
	var names []string
	for i := range out {
		if out[i].name == name {
			return out[i : i+1], nil
		}
		names = append(names, out[i].name)
	}
	return nil, fmt.Errorf("collective: algorithm %q does not fit %s over these groups (want one of %v)", name, op, names)
}

// treeCaution is what a library multiplies its estimate of a large message's tree over
// nodes with before it compares it with a ring. NCCL derates its tree bandwidth by
// 0.5–0.95 depending on the size (tuning.cc, treeCorrectionFactor); one figure stands for
// that table here. Of two A100 systems with equal nominal NICs in the validation table one
// took the tree and one the ring; this sides with the ring. Where the scale-up switches
// reduce, libraries put trees between nodes anyway.
const treeCaution = 1.4

// checkWeights refuses weights that no skewed all-to-all can follow.
func checkWeights(op Op, groups []placed, weights []float64, pairs bool) error {
	if weights == nil {
		return nil
	}
	if op != AllToAll {
		return fmt.Errorf("collective: %s takes no weights, only %s does", op, AllToAll)
	}
	if !pairs {
		return fmt.Errorf("collective: a skewed %s looks at every pair, at most %d", op, maxPairs)
	}
	sum := 0.0
	for i, w := range weights {
		if !(w >= 0) || w > 1e300 {
			return fmt.Errorf("collective: weight %d is %g, want 0 or more", i, w)
		}
		sum += w
	}
	if !(sum > 0) {
		return fmt.Errorf("collective: all %d weights are zero", len(weights))
	}
	for i := range groups {
		if n := len(groups[i].ranks); n != len(weights) {
			return fmt.Errorf("collective: group %d has %d ranks, but there are %d weights", i, n, len(weights))
		}
	}
	return nil
}
