package training

import "aisim/topology"

// layout puts ranks on chips. Rank = tp + TP·(cp + CP·(dp + DP·pp)), Megatron's order
// "tp-cp-ep-dp-pp": tensor neighbours are neighbours in the machine, stages are far
// apart. Expert groups are EP neighbours in the joint context-data index.
type layout struct {
	p     Parallel
	chips []topology.NodeID
}

func (l *layout) rank(tp, cp, dp, pp int) topology.NodeID {
	p := &l.p
	return l.chips[tp+p.TP*(cp+p.CP*(dp+p.DP*pp))]
}

// replica is the rank at place j of the joint context-data index, context fastest.
func (l *layout) replica(tp, j, pp int) topology.NodeID {
	return l.chips[tp+l.p.TP*(j+l.p.CP*l.p.DP*pp)]
}

// collect makes count groups of size ranks.
func collect(count, size int, at func(group, member int) topology.NodeID) [][]topology.NodeID {
	if size < 2 {
		return nil
	}
	flat := make([]topology.NodeID, count*size)
	groups := make([][]topology.NodeID, count)
	for g := range groups {
		groups[g] = flat[g*size : (g+1)*size : (g+1)*size]
		for m := range groups[g] {
			groups[g][m] = at(g, m)
		}
	}
	return groups
}

// tensor groups: ranks that split every matrix.
func (l *layout) tensor() [][]topology.NodeID {
	t := l.p.TP
	return collect(len(l.chips)/t, t, func(g, m int) topology.NodeID { return l.chips[g*t+m] })
}

// context groups: ranks that split a sequence.
func (l *layout) context() [][]topology.NodeID {
	p := &l.p
	return collect(p.TP*p.DP*p.PP, p.CP, func(g, m int) topology.NodeID {
		return l.rank(g%p.TP, m, g/p.TP%p.DP, g/(p.TP*p.DP))
	})
}

// data groups: ranks that hold the same dense weights, context ranks among them.
func (l *layout) data() [][]topology.NodeID {
	return l.shards(l.p.CP * l.p.DP)
}

// shards are the data groups cut into runs of size neighbours.
func (l *layout) shards(size int) [][]topology.NodeID {
	p := &l.p
	runs := p.CP * p.DP / size
	return collect(p.TP*runs*p.PP, size, func(g, m int) topology.NodeID {
		return l.replica(g%p.TP, g/p.TP%runs*size+m, g/(p.TP*runs))
	})
}

// copies groups: the ranks that hold the same shard.
func (l *layout) copies(size int) [][]topology.NodeID {
	p := &l.p
	return collect(p.TP*size*p.PP, p.CP*p.DP/size, func(g, m int) topology.NodeID {
		return l.replica(g%p.TP, m*size+g/p.TP%size, g/(p.TP*size))
	})
}

// expert groups: ranks that together hold all experts of a layer.
func (l *layout) expert() [][]topology.NodeID {
	p := &l.p
	if p.ET < p.TP {
		// Tensor ranks hold other experts: groups are neighbours in the stage.
		return collect(len(l.chips)/p.EP, p.EP, func(g, m int) topology.NodeID { return l.chips[g*p.EP+m] })
	}
	per := p.CP * p.DP / p.EP
	return collect(p.TP*per*p.PP, p.EP, func(g, m int) topology.NodeID {
		return l.replica(g%p.TP, g/p.TP%per*p.EP+m, g/(p.TP*per))
	})
}

// expertData groups: ranks that hold the same experts.
func (l *layout) expertData() [][]topology.NodeID {
	p := &l.p
	if p.ET < p.TP {
		stage := len(l.chips) / p.PP
		return collect(p.EP*p.PP, stage/p.EP, func(g, m int) topology.NodeID {
			return l.chips[g/p.EP*stage+m*p.EP+g%p.EP]
		})
	}
	per := p.CP * p.DP / p.EP
	return collect(p.TP*p.EP*p.PP, per, func(g, m int) topology.NodeID {
		return l.replica(g%p.TP, m*p.EP+g/p.TP%p.EP, g/(p.TP*p.EP))
	})
}

// boundary groups: each rank of stage b with its successor on the next stage, the
// first after the last.
func (l *layout) boundary(b int) [][]topology.NodeID {
	per := len(l.chips) / l.p.PP
	return collect(per, 2, func(g, m int) topology.NodeID {
		return l.chips[(g+(b+m)*per)%len(l.chips)]
	})
}

// tied groups: first and last stage, which share the embedding's gradient.
func (l *layout) tied() [][]topology.NodeID {
	p := &l.p
	if p.PP == 1 {
		return nil
	}
	per := len(l.chips) / p.PP
	return collect(per, 2, func(g, m int) topology.NodeID {
		return l.chips[g+m*(p.PP-1)*per]
	})
}

// mirrors groups: the ranks that hold the same two stages under DualPipe.
func (l *layout) mirrors() [][]topology.NodeID {
	per := len(l.chips) / l.p.PP
	return collect(len(l.chips)/2, 2, func(g, m int) topology.NodeID {
		stage := g / per
		if m == 1 {
			stage = l.p.PP - 1 - stage
		}
		return l.chips[stage*per+g%per]
	})
}
