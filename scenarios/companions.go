package scenarios

import (
	"fmt"
	"strings"

	"aisim/workloads/serving"
)

// Several services may stand on the same nodes: with names the service whose nodes they are. Companions
// without a share take chips of their own, those with one take turns at the host's.

// companions checks what the keys with and share say of one another.
func (c *checker) companions() {
	byID := map[string]*Workload{} // looked up only
	for i := range c.sc.Workloads {
		byID[c.sc.Workloads[i].ID] = &c.sc.Workloads[i]
	}
	shared := map[string]bool{}
	for i := range c.sc.Workloads {
		w := &c.sc.Workloads[i]
		at := "workload." + w.ID
		if w.Swap != nil && (w.With == "" || w.Share == nil) {
			c.bad(at+".swap", "", "give with and share", "changes nothing: the workload shares no other's accelerators")
		}
		if w.With == "" {
			continue
		}
		host := byID[w.With]
		switch {
		case host == nil || host == w || host.Kind != "serving":
			c.bad(at+".with", "the id of another serving workload", "", "there is no such service")
			continue
		case host.With != "":
			c.bad(at+".with", host.With, "", "%s stands on the nodes of %s itself", host.ID, host.With)
		case c.sc.Edge != nil:
			c.bad(at+".with", "", "leave out [edge] or with", "several services on the nodes of a site are not modelled")
		}
		for _, k := range []string{"nodes", "first_node"} {
			if c.sc.IsSet(at + "." + k) {
				c.bad(at+"."+k, "", "remove it", "the nodes are those of %s", w.With)
			}
		}
		for _, x := range []*Workload{w, host} {
			switch {
			case x.Prefill != nil && (x.Prefill.Nodes == nil || *x.Prefill.Nodes > 0):
				c.bad("workload."+x.ID+".prefill", "", "leave out prefill or with", "a pool for prompts beside several services on the same nodes is not modelled")
			case x.Autoscale != nil && w.Share != nil:
				c.bad("workload."+x.ID+".autoscale", "", "leave out autoscale or share", "autoscaling on shared chips is not modelled")
			}
		}
		if w.Share != nil {
			shared[w.With] = true
			if !speaksTokens(w) || !speaksTokens(host) {
				c.bad(at+".share", "", "give each chips of its own: leave out share", "sharing chips is modelled for language models")
			}
		}
	}
	for i := range c.sc.Workloads {
		if w := &c.sc.Workloads[i]; w.Share != nil && w.With == "" && !shared[w.ID] {
			c.bad("workload."+w.ID+".share", "", "remove it, or let another workload stand with it", "changes nothing: no workload shares its chips")
		}
	}
}

// share is a service's part of the time of chips that it shares.
func (w *Workload) share() float64 {
	if w.Share == nil {
		return 1
	}
	return *w.Share
}

// onChips says whether the service takes turns at the chips of another's.
func (w *Workload) onChips() bool { return w.With != "" && w.Share != nil }

// Host is the number of the placed workload whose nodes placed workload i stands on: its own, unless it
// stands with another.
func (w *World) Host(i int) int {
	for j := range w.Placed {
		if w.Placed[i].With != "" && w.Placed[j].ID == w.Placed[i].With {
			return j
		}
	}
	return i
}

// Guests are the placed workloads on the nodes of workload i, that one first.
func (w *World) Guests(i int) []int {
	out := []int{i}
	for j := range w.Placed {
		if j != i && w.Host(j) == i {
			out = append(out, j)
		}
	}
	return out
}

// settle gives the chips of nodes on which several services stand to their replicas, and refuses what
// does not fit.
func (w *World) settle() error {
	var problems []*Problem
	for i := range w.Placed {
		w.Placed[i].Bear = float64(w.Placed[i].Accelerators())
	}
	for i := range w.Placed {
		if guests := w.Guests(i); w.Host(i) == i && len(guests) > 1 {
			if err := w.settleNodes(&w.Placed[i], guests); err != nil {
				problems = append(problems, w.asProblems("workload."+w.Placed[i].ID, err)...)
			}
		}
	}
	return Problems(problems...)
}

func (w *World) settleNodes(host *Placed, guests []int) error {
	per, total := w.Server.AcceleratorCount, host.NodeCount*w.Server.AcceleratorCount
	all := host.Chips
	taken := make([]bool, total)
	var owners []string
	// seat finds chips for a replica of n: within a node, or on whole ones.
	seat := func(n int) []int {
		need, room := n, per
		if n > per {
			room = (n + per - 1) / per * per
		}
		for first := 0; first+room <= total; first += per {
			var free []int
			for k := first; k < first+room; k++ {
				if !taken[k] {
					free = append(free, k)
				}
			}
			if len(free) >= need && (n <= per || len(free) == room) {
				return free[:need]
			}
		}
		return nil
	}
	for _, i := range guests {
		p := &w.Placed[i]
		if p.onChips() {
			continue
		}
		n := p.Serving.ReplicaChips()
		p.Chips = nil
		got := 0
		for ; got < p.Serving.Replicas; got++ {
			if got%p.each > 0 { // the next instance of the same GPU
				p.at = append(p.at, p.at[got-1])
				continue
			}
			at := seat(n)
			if at == nil {
				break
			}
			for _, k := range at {
				taken[k] = true
				p.Chips = append(p.Chips, all[k])
				p.at = append(p.at, k)
			}
		}
		if given := p.Replicas != nil; given && got < p.Serving.Replicas || got == 0 {
			asks := fmt.Sprintf("%d", p.Serving.Replicas)
			if !given {
				asks = "at least 1"
			}
			return Problems(w.Scenario.ProblemAt("workload."+p.ID+".replicas", "", "", "fewer replicas, smaller ones, or more nodes for "+host.ID+"; a service whose replicas are not given takes all that is left",
				fmt.Sprintf("%d accelerators on %d nodes of %d: %s; %s asks for %s of %s, and there is room for %d", total, host.NodeCount, per, orNobody(owners), p.ID, asks, cutOf(p.Serving), got)))
		}
		p.Serving.Replicas = got
		owners = append(owners, fmt.Sprintf("%s takes %d × %s", p.ID, got, cutOf(p.Serving)))
		p.Bear = float64(len(p.Chips))
		var err error
		if p.Serving.Autoscale, err = w.scaling(p.Autoscale, "workload."+p.ID, got); err != nil {
			return err
		}
	}
	return w.settleShares(host, guests)
}

func orNobody(owners []string) string {
	if len(owners) == 0 {
		return "nobody has any yet"
	}
	return strings.Join(owners, ", ")
}

// settleShares puts services on the chips of the host's replicas.
func (w *World) settleShares(host *Placed, guests []int) error {
	fraction := func(p *Placed) float64 {
		if p.Serving.MemoryFraction > 0 {
			return p.Serving.MemoryFraction
		}
		return p.Serving.Engine.MemoryFraction
	}
	sum, words := fraction(host), []string{fmt.Sprintf("%s %.2g", host.ID, fraction(host))}
	n := host.Serving.ReplicaChips()
	times := make([]float64, host.Serving.Replicas) // of shares, by replica
	for r := range times {
		times[r] = host.share()
	}
	var sharers []*Placed
	for _, i := range guests {
		p := &w.Placed[i]
		if !p.onChips() {
			continue
		}
		key := "workload." + p.ID
		if p.Replicas == nil {
			p.Serving.Replicas = host.Serving.Replicas
		}
		switch {
		case p.Serving.ReplicaChips() != n:
			return Problems(w.Scenario.ProblemAt(key+".parallelism", cutOf(p.Serving), cutOf(host.Serving), "leave out share to give it chips of its own", fmt.Sprintf("its replicas are not cut over as many chips as those of %s, whose chips they share", host.ID)))
		case p.Serving.Replicas > host.Serving.Replicas:
			return Problems(w.Scenario.ProblemAt(key+".replicas", fmt.Sprint(p.Serving.Replicas), fmt.Sprintf("1 to %d", host.Serving.Replicas), "", fmt.Sprintf("each stands on the chips of one of %s", host.ID)))
		}
		sum += fraction(p)
		words = append(words, fmt.Sprintf("%s %.2g", p.ID, fraction(p)))
		p.Chips, p.at = host.Chips[:p.Serving.Replicas*n], host.at[:p.Serving.Replicas*n]
		for r := range p.Serving.Replicas {
			times[r] += p.share()
		}
		sharers = append(sharers, p)
	}
	if len(sharers) == 0 {
		return nil
	}
	for _, p := range sharers[1:] {
		if (p.Swap == nil) != (sharers[0].Swap == nil) || p.Swap != nil && *p.Swap != *sharers[0].Swap {
			return Problems(w.Scenario.ProblemAt("workload."+p.ID+".swap", "", "", "give all the same, or none", fmt.Sprintf("%s on the same accelerators of %s is swapped otherwise", sharers[0].ID, host.ID)))
		}
	}
	if sharers[0].Swap != nil {
		w.settleCost(host, sharers, times)
		return w.settleSwap(host, sharers)
	}
	if sum > 1+1e-9 {
		return Problems(w.Scenario.ProblemAt("workload."+sharers[0].ID+".memory_fraction", "", "", "give each a memory_fraction: an engine's default is for a chip of its own",
			fmt.Sprintf("engines on the same chips ask for %s of their memory, %.3g together", strings.Join(words, " + "), sum)))
	}
	w.settleCost(host, sharers, times)
	return nil
}

// settleCost divides the cost of shared accelerators by shares.
func (w *World) settleCost(host *Placed, sharers []*Placed, times []float64) {
	n := host.Serving.ReplicaChips()
	for _, p := range append(sharers, host) {
		p.Bear = 0
		for r := range p.Serving.Replicas {
			p.Bear += float64(n) * p.share() / times[r]
		}
	}
}

// settleSwap sees to it that the host's memory holds the weights of all who are swapped.
func (w *World) settleSwap(host *Placed, sharers []*Placed) error {
	perNode := max(1, w.Server.AcceleratorCount/host.Serving.ReplicaChips())
	need, words := 0.0, []string(nil)
	for _, p := range append([]*Placed{host}, sharers...) {
		bytes := p.Arch.WeightBytes(p.DType) * float64(min(perNode, p.Serving.Replicas))
		need += bytes
		words = append(words, fmt.Sprintf("%s %.0f GB", p.ID, bytes/1e9))
	}
	if ram := w.Server.RAM.V; ram > 0 && need > ram {
		return Problems(w.Scenario.ProblemAt("workload."+sharers[0].ID+".swap", "", "", "fewer services, or cluster.override.host_memory", fmt.Sprintf("the weights that a node's memory keeps are %s, %.0f GB, and it has %.0f GB", strings.Join(words, " + "), need/1e9, ram/1e9)))
	}
	return nil
}

// swap is how service i comes onto its accelerators where they are held in turns whole: its weights
// over their host links.
func (f *Future) swap(i int) (out serving.Swap) {
	w := f.World
	for _, j := range w.Guests(w.Host(i)) {
		if q := &w.Placed[j]; q.Swap != nil && (i == j || w.sharesChips(i, j)) {
			out.PatienceSec = *q.Swap
			out.Sec = f.Services[i].Memory.Weights / f.Device.HostBytesPerSec
		}
	}
	return out
}

// Where says which chips of its nodes a service's replicas stand on, empty for a workload that has
// its nodes to itself.
func (w *World) Where(i int) string {
	p := &w.Placed[i]
	if p.at == nil {
		return ""
	}
	per := w.Server.AcceleratorCount
	var nodes []string
	for k := 0; k < len(p.at); {
		first, node := p.at[k], p.at[k]/per
		last := first
		for k++; k < len(p.at) && p.at[k] <= last+1 && p.at[k]/per == node; k++ {
			last = p.at[k]
		}
		text := fmt.Sprintf("%d", first%per)
		if last > first {
			text += fmt.Sprintf("–%d", last%per)
		}
		nodes = append(nodes, fmt.Sprintf("%s of node %d", text, p.FirstNode+node))
	}
	cut := cutOf(p.Serving)
	if p.MIG != "" {
		cut = p.MIG
	}
	out := fmt.Sprintf("%d × %s on accelerators %s", p.Serving.Replicas, cut, strings.Join(nodes, ", "))
	var with []string
	for _, j := range w.Guests(w.Host(i)) {
		if q := &w.Placed[j]; j != i && w.sharesChips(i, j) {
			with = append(with, q.ID)
		}
	}
	if len(with) > 0 {
		out += ", in turns with " + strings.Join(with, ", ")
	}
	return out
}

// sharesChips says whether two placed services take turns at chips.
func (w *World) sharesChips(i, j int) bool {
	h := w.Host(i)
	on := func(k int) bool { return k == h || w.Placed[k].onChips() }
	return i != j && w.Host(j) == h && on(i) && on(j) && (w.Placed[i].onChips() || w.Placed[j].onChips())
}

// turns are the services that take turns with service i, with their loads.
func (f *Future) turns(i int) (out []serving.Neighbour, err error) {
	w := f.World
	for _, j := range w.Guests(w.Host(i)) {
		if !w.sharesChips(i, j) {
			continue
		}
		n := serving.Neighbour{Service: f.alone(j), Share: w.Placed[j].share(), Before: j < i, Options: f.circumstances(j), SwapSec: f.swap(j).Sec}
		if n.Requests, err = f.Sample.Requests(j); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// hostOutages are the failures of the nodes of service i as its replicas see them: nodes fail once,
// whoever stands on them, and what failed is up again when the host's replica is.
func (f *Future) hostOutages(i int, up float64) (out []serving.Outage) {
	w := f.World
	h := w.Host(i)
	host, p := &w.Placed[h], &w.Placed[i]
	per := w.Server.AcceleratorCount
	m, n := host.Serving.ReplicaChips(), p.Serving.ReplicaChips()
	for _, o := range f.Fleet[h].Outages {
		if o.EndSec <= up {
			continue
		}
		nodes := map[int]bool{} // looked up only
		for _, k := range host.at[o.Replica*m : (o.Replica+1)*m] {
			nodes[k/per] = true
		}
		for r := range p.Serving.Replicas {
			hit := false
			for _, k := range p.at[r*n : (r+1)*n] {
				hit = hit || nodes[k/per]
			}
			if hit {
				out = append(out, serving.Outage{Replica: r, Start: max(0, o.StartSec-up), End: o.EndSec - up})
			}
		}
	}
	return out
}
