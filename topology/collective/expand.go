package collective

import (
	"fmt"

	"aisim/topology"
)

// maxMessages bounds an expansion.
const maxMessages = 1 << 23

// Expand lists every message of an operation over one group by a named algorithm, for
// Run. Pipelined algorithms (tree, chain) move in the given number of chunks; others
// ignore it. Reductions in switches have no messages between ranks and are refused.
func (c *Comm) Expand(op Op, group []topology.NodeID, algorithm string, bytes float64, chunks int) ([]Program, error) {
	if _, err := c.checkGroups(op, [][]topology.NodeID{group}); err != nil {
		return nil, err
	}
	if !(bytes > 0) {
		return nil, fmt.Errorf("collective: %s of %g bytes", op, bytes)
	}
	chunks = max(1, chunks)
	g := place(c.g, group)
	n := len(group)
	reduce, gather := op == AllReduce || op == ReduceScatter || op == Barrier, op == AllReduce || op == AllGather || op == Barrier
	steps := 0
	for _, half := range []bool{reduce, gather} {
		if half {
			steps += n - 1
		}
	}
	var out []Program
	messages := 0.0
	switch {
	case algorithm == "ring" && steps > 0:
		messages = float64(steps) * float64(n) * float64(g.width)
	case algorithm == "direct" && (op == AllToAll || op == AllGather || op == ReduceScatter):
		messages = float64(n) * float64(n-1)
	case algorithm == halvingDoubling && steps > 0, algorithm == "direct" && op == SendRecv:
	case algorithm == "chain" && op == Broadcast, algorithm == "tree" && op == AllReduce && g.width == 1:
		messages = 2 * float64(n) * float64(chunks)
	default:
		return nil, fmt.Errorf("collective: %s by %q over these ranks has no expansion into messages", op, algorithm)
	}
	if messages > maxMessages {
		return nil, fmt.Errorf("collective: %s by %s over %d ranks is %.0f messages, more than %d", op, algorithm, n, messages, maxMessages)
	}
	switch algorithm {
	case "ring":
		su, _ := c.g.ScaleUpOf(group[0])
		for ch := range g.width {
			out = expandRing(out, g.ringOrder(ch, su.Kind, nil), steps, bytes/float64(n*g.width))
		}
	case halvingDoubling:
		out = processes(group)
		for _, round := range halvingRounds(n, reduce, gather) {
			calls := make([][]Call, n)
			for _, m := range round {
				calls[m.from] = append(calls[m.from], Call{true, m.to, m.fraction * bytes, 0})
				calls[m.to] = append(calls[m.to], Call{false, m.from, m.fraction * bytes, 0})
			}
			for i := range out {
				if len(calls[i]) > 0 {
					out[i].Rounds = append(out[i].Rounds, calls[i])
				}
			}
		}
	case "direct":
		out = processes(group)
		for i := range out {
			var calls []Call
			for j := range out {
				switch {
				case i == j:
				case op == SendRecv && j == i+1:
					calls = append(calls, Call{true, j, bytes, 0})
				case op == SendRecv && j == i-1:
					calls = append(calls, Call{false, j, bytes, 0})
				case op != SendRecv:
					calls = append(calls, Call{true, j, bytes / float64(n), 0}, Call{false, j, bytes / float64(n), 0})
				}
			}
			out[i].Rounds = [][]Call{calls}
		}
	case "chain":
		out = processes(group)
		each := bytes / float64(chunks)
		for i := range out {
			up, down := i-1, []int{i + 1}
			if i == n-1 {
				down = nil
			}
			out[i].Rounds = relay(up, down, each, chunks, 0)
		}
	case "tree":
		for tree := range 2 {
			out = expandTree(out, group, tree, bytes/2/float64(chunks), chunks)
		}
	}
	return out, nil
}

func processes(group []topology.NodeID) []Program {
	out := make([]Program, len(group))
	for i, r := range group {
		out[i].Rank = r
	}
	return out
}

func expandRing(out []Program, order []topology.NodeID, steps int, bytes float64) []Program {
	first, n := len(out), len(order)
	for i, r := range order {
		calls := []Call{{true, first + (i+1)%n, bytes, 0}, {false, first + (i-1+n)%n, bytes, 0}}
		rounds := make([][]Call, steps)
		for s := range rounds {
			rounds[s] = calls
		}
		out = append(out, Program{r, rounds})
	}
	return out
}

// relay receives each chunk from one process (−1: has them) and passes it on in the round after.
func relay(from int, to []int, each float64, chunks, tag int) [][]Call {
	var rounds [][]Call
	lag := 1
	if from < 0 {
		lag = 0
	}
	for k := range chunks + lag {
		var calls []Call
		if from >= 0 && k < chunks {
			calls = append(calls, Call{false, from, each, tag})
		}
		if k >= lag {
			for _, p := range to {
				calls = append(calls, Call{true, p, each, tag})
			}
		}
		rounds = append(rounds, calls)
	}
	return rounds
}

// expandTree adds one of the two trees: a process per rank that reduces upwards and one that
// passes the sum down; the root's does both, one chunk behind.
func expandTree(out []Program, group []topology.NodeID, tree int, each float64, chunks int) []Program {
	n, first := len(group), len(out)
	name := func(i int) int { // of place i of the tree among the ranks
		if tree == 0 {
			return i
		}
		return secondTree(i, n)
	}
	children := make([][]int, n)
	for i := 1; i < n; i++ {
		up := parent(i, n)
		children[up] = append(children[up], i)
	}
	up, down := func(i int) int { return first + i }, func(i int) int { return first + n + i }
	for i := range n {
		var rounds [][]Call
		for k := range chunks + 1 {
			var calls []Call
			for _, ch := range children[i] {
				if k < chunks {
					calls = append(calls, Call{false, up(ch), each, 0})
				}
				if i == 0 && k > 0 {
					calls = append(calls, Call{true, down(ch), each, 1})
				}
			}
			if leaf := len(children[i]) == 0; i > 0 && (leaf && k < chunks || !leaf && k > 0) {
				calls = append(calls, Call{true, up(parent(i, n)), each, 0})
			}
			rounds = append(rounds, calls)
		}
		out = append(out, Program{group[name(i)], rounds})
	}
	for i := range n {
		p := Program{Rank: group[name(i)]}
		if i > 0 {
			from := down(parent(i, n))
			if parent(i, n) == 0 {
				from = up(0)
			}
			var to []int
			for _, ch := range children[i] {
				to = append(to, down(ch))
			}
			p.Rounds = relay(from, to, each, chunks, 1)
		}
		out = append(out, p)
	}
	return out
}
