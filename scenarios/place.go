package scenarios

import "fmt"

// Nodes is the run of nodes that one workload holds.
type Nodes struct{ First, Count int }

// Placement gives the nodes of every workload, in file order. A scenario that
// was loaded without problems always has one.
func (sc *Scenario) Placement() []Nodes {
	placed, _ := sc.place()
	return placed
}

// place gives every workload its nodes: those with a first node where they say,
// then those with a number of nodes in the first gap that holds them, then the
// one without in the largest gap that is left.
func (sc *Scenario) place() ([]Nodes, []*Problem) {
	total := sc.Cluster.Nodes
	placed := make([]Nodes, len(sc.Workloads))
	var problems []*Problem
	var taken []Nodes
	gaps := func() []Nodes {
		out := []Nodes{{0, total}}
		for _, t := range taken {
			var next []Nodes
			for _, g := range out {
				if t.First >= g.First+g.Count || t.First+t.Count <= g.First {
					next = append(next, g)
					continue
				}
				if t.First > g.First {
					next = append(next, Nodes{g.First, t.First - g.First})
				}
				if end := t.First + t.Count; end < g.First+g.Count {
					next = append(next, Nodes{end, g.First + g.Count - end})
				}
			}
			out = next
		}
		return out
	}
	free := func() (n int) {
		for _, g := range gaps() {
			n += g.Count
		}
		return n
	}
	for pass := 0; pass < 3; pass++ {
		for i := range sc.Workloads {
			w := &sc.Workloads[i]
			at := "workload." + w.ID
			switch {
			case w.With != "":
			case pass == 0 && w.FirstNode != nil:
				count := total - *w.FirstNode
				if w.Nodes != nil {
					count = *w.Nodes
				}
				n := Nodes{*w.FirstNode, count}
				if n.Count < 1 || n.First+n.Count > total {
					problems = append(problems, sc.ProblemAt(at+".first_node", "", fmt.Sprintf("0 to %d", max(0, total-max(count, 1))), "", fmt.Sprintf("%d nodes from there do not lie within the cluster's %d", max(count, 1), total)))
					continue
				}
				for j, t := range placed[:i] {
					if sc.Workloads[j].FirstNode != nil && t.Count > 0 && t.First < n.First+n.Count && n.First < t.First+t.Count {
						problems = append(problems, sc.ProblemAt(at+".first_node", "", "", "give first_node and nodes that do not overlap", fmt.Sprintf("nodes %d to %d are also held by %s", max(n.First, t.First), min(n.First+n.Count, t.First+t.Count)-1, sc.Workloads[j].ID)))
					}
				}
				placed[i], taken = n, append(taken, n)
			case pass == 1 && w.FirstNode == nil && w.Nodes != nil:
				found := false
				for _, g := range gaps() {
					if g.Count >= *w.Nodes {
						placed[i] = Nodes{g.First, *w.Nodes}
						taken, found = append(taken, placed[i]), true
						break
					}
				}
				if !found {
					problems = append(problems, sc.ProblemAt(at+".nodes", "", fmt.Sprintf("up to %d", free()), "raise cluster.nodes, or give the workloads fewer", fmt.Sprintf("the cluster has %d nodes, and %d of them are free", total, free())))
				}
			case pass == 2 && w.FirstNode == nil && w.Nodes == nil:
				var best Nodes
				for _, g := range gaps() {
					if g.Count > best.Count {
						best = g
					}
				}
				if best.Count == 0 {
					problems = append(problems, sc.ProblemAt(at, "", "", "give nodes = … to the workloads that share the cluster", fmt.Sprintf("no node is left of the cluster's %d", total)))
					continue
				}
				placed[i], taken = best, append(taken, best)
			}
		}
	}
	for i := range sc.Workloads {
		for j := range sc.Workloads {
			if with := sc.Workloads[i].With; with != "" && sc.Workloads[j].ID == with {
				placed[i] = placed[j]
			}
		}
	}
	return placed, problems
}
