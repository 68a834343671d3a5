package execution

import (
	"fmt"
	"slices"
	"strings"
)

// Check looks for what would make a replay wait for ever: cycles of dependencies,
// messages without their other half, collectives that not all ranks of a group take part
// in equally often. The error names the nodes.
func (t *Trace) Check() error {
	for i := range t.Ranks {
		if err := t.Ranks[i].acyclic(); err != nil {
			return err
		}
	}
	if err := t.matched(); err != nil {
		return err
	}
	return t.together()
}

// acyclic looks for a cycle.
func (r *Rank) acyclic() error {
	waiting, done := r.drain()
	if done == len(r.Nodes) {
		return nil
	}
	return &Error{File: r.Name, Msg: "dependencies go round in a circle: " + r.cycle(waiting)}
}

// drain takes away nodes that wait for nothing until all that are left wait for each
// other, or for those that do.
func (r *Rank) drain() (waiting []int32, done int) {
	waiting = make([]int32, len(r.Nodes))
	next, first := r.followers()
	var ready []int32
	for i := range r.Nodes {
		waiting[i] = r.Nodes[i].Len
		if waiting[i] == 0 {
			ready = append(ready, int32(i))
		}
	}
	for len(ready) > 0 {
		n := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		done++
		for _, f := range next[first[n]:first[n+1]] {
			if waiting[f]--; waiting[f] == 0 {
				ready = append(ready, f)
			}
		}
	}
	return waiting, done
}

// straighten drops, of nodes in cycles, the dependencies on what was recorded to begin
// after them. Traces that the converter of PyTorch's traces linked also lose those on what
// stands behind them: it makes circles of operators that synchronise, or that it cut in
// several. Other cycles stay for Check to refuse.
func (r *Rank) straighten(linked bool, w *warnings) {
	waiting, done := r.drain()
	if done == len(r.Nodes) {
		return
	}
	deps := make([]int32, 0, len(r.Deps))
	for i := range r.Nodes {
		n := &r.Nodes[i]
		old := r.deps(n)
		n.First = int32(len(deps))
		for _, d := range old {
			later := r.Nodes[d].StartNs > n.StartNs || linked && r.Nodes[d].StartNs == n.StartNs && int(d) > i
			if waiting[i] > 0 && waiting[d] > 0 && later {
				w.add("is in a circle of dependencies and waits for what begins after it: the dependency is dropped", r.Name, n.ID, r.NameOf(n))
				continue
			}
			deps = append(deps, d)
		}
		n.Len = int32(len(deps)) - n.First
	}
	r.Deps = deps
}

// followers are the nodes that wait for each node: those of n stand at
// next[first[n]:first[n+1]].
func (r *Rank) followers() (next, first []int32) {
	first = make([]int32, len(r.Nodes)+1)
	for _, d := range r.Deps {
		first[d+1]++
	}
	for i := range r.Nodes {
		first[i+1] += first[i]
	}
	next = make([]int32, len(r.Deps))
	at := slices.Clone(first)
	for i := range r.Nodes {
		for _, d := range r.deps(&r.Nodes[i]) {
			next[at[d]] = int32(i)
			at[d]++
		}
	}
	return next, first
}

// cycle walks from a node that waits to one that it waits for until it meets one again.
func (r *Rank) cycle(waiting []int32) string {
	at := int32(slices.IndexFunc(waiting, func(w int32) bool { return w > 0 }))
	seen := map[int32]int{}
	var walk []int32
	for {
		if from, again := seen[at]; again {
			walk = append(walk[from:], at)
			break
		}
		seen[at] = len(walk)
		walk = append(walk, at)
		for _, d := range r.deps(&r.Nodes[at]) {
			if waiting[d] > 0 {
				at = d
				break
			}
		}
	}
	const shown = 6
	var b strings.Builder
	for i, n := range walk {
		if i > 0 {
			b.WriteString(" waits for ")
		}
		if i == shown && len(walk) > shown+1 {
			fmt.Fprintf(&b, "… (%d nodes) …", len(walk)-1)
			break
		}
		fmt.Fprintf(&b, "node %d %q", r.Nodes[n].ID, r.NameOf(&r.Nodes[n]))
	}
	return b.String()
}

// route is what a message is matched by.
type route struct{ from, to, tag int32 }

// matched checks that each message has its other half among the ranks of the trace.
func (t *Trace) matched() error {
	if len(t.Ranks) == 1 {
		return nil // its peers are taken as ready: see Replay
	}
	index := t.index()
	open := map[route][2]int{}
	first := map[route]string{}
	for i := range t.Ranks {
		r := &t.Ranks[i]
		for k := range r.Nodes {
			n := &r.Nodes[k]
			if n.Kind != Send && n.Kind != Recv {
				continue
			}
			if _, ok := index[n.Peer]; !ok {
				return &Error{File: r.Name, Msg: fmt.Sprintf("node %d %q: its other half is on rank %d, which the trace does not have", n.ID, r.NameOf(n), n.Peer)}
			}
			at := n.route(r.Index)
			c := open[at]
			c[n.Kind-Send]++
			open[at] = c
			if first[at] == "" {
				first[at] = fmt.Sprintf("node %d %q of %s", n.ID, r.NameOf(n), r.Name)
			}
		}
	}
	var odd []route
	for at, c := range open {
		if c[0] != c[1] {
			odd = append(odd, at)
		}
	}
	if len(odd) == 0 {
		return nil
	}
	slices.SortFunc(odd, func(a, b route) int {
		if c := int(a.from) - int(b.from); c != 0 {
			return c
		}
		if c := int(a.to) - int(b.to); c != 0 {
			return c
		}
		return int(a.tag) - int(b.tag)
	})
	at := odd[0]
	c := open[at]
	return &Error{File: t.Ranks[index[at.from]].Name, Msg: fmt.Sprintf("%d messages from rank %d to rank %d with tag %d are sent and %d received (first: %s); %d routes in all do not match",
		c[0], at.from, at.to, at.tag, c[1], first[at], len(odd))}
}

func (n *Node) route(rank int32) route {
	if n.Kind == Send {
		return route{rank, n.Peer, n.Tag}
	}
	return route{n.Peer, rank, n.Tag}
}

// index is the place of each rank in Ranks.
func (t *Trace) index() map[int32]int {
	m := make(map[int32]int, len(t.Ranks))
	for i := range t.Ranks {
		m[t.Ranks[i].Index] = i
	}
	return m
}

// census is how often each rank calls priced collectives of each group.
func (t *Trace) census() [][]int {
	counts := make([][]int, len(t.Groups))
	for g := range counts {
		counts[g] = make([]int, len(t.Ranks))
	}
	for i := range t.Ranks {
		for k := range t.Ranks[i].Nodes {
			if n := &t.Ranks[i].Nodes[k]; n.Kind == Collective && n.Priced {
				counts[n.Group][i]++
			}
		}
	}
	return counts
}

// members are the places in Ranks of those of a group's ranks that the trace has: the
// ranks that it lists, else all that call it.
func (t *Trace) members(group int, counts []int, index map[int32]int) []int {
	g := &t.Groups[group]
	var out []int
	if g.Ranks == nil {
		for i, n := range counts {
			if n > 0 {
				out = append(out, i)
			}
		}
		return out
	}
	for _, r := range g.Ranks {
		if i, ok := index[r]; ok {
			out = append(out, i)
		}
	}
	return out
}

// together checks that all ranks of a group call it equally often.
func (t *Trace) together() error {
	index := t.index()
	for g, counts := range t.census() {
		first := -1
		for _, i := range t.members(g, counts, index) {
			switch {
			case first < 0:
				first = i
			case counts[i] != counts[first]:
				return &Error{File: t.Ranks[i].Name, Msg: fmt.Sprintf("group %q: %d collectives, on %s %d: they would wait for each other for ever", t.Groups[g].Name, counts[i], t.Ranks[first].Name, counts[first])}
			}
		}
	}
	return nil
}
