package scenarios

import (
	"fmt"
	"math"

	"aisim/hardware"
	"aisim/hardware/profile"
	"aisim/topology"
	"aisim/topology/flow"
	"aisim/workloads/serving"
)

// PromptPool is the workers that compute the prompts of a service.
type PromptPool struct {
	Server  *hardware.Server
	Chip    *hardware.Accelerator
	Profile *profile.Profile
	Own     bool // its nodes are the first of the workload's own, else nodes of another server
	Nodes   int
	Chips   []topology.NodeID
	Config  *serving.Config

	group string
	first int // node of the group
	ways  *ways
}

// Accelerators is how many a workload holds, those of a pool on other servers too.
func (p *Placed) Accelerators() int {
	if p.Prefill != nil && !p.Prefill.Own {
		return len(p.Chips) + len(p.Prefill.Chips)
	}
	return len(p.Chips)
}

// resolvePools looks up the servers of the pools.
func (w *World) resolvePools(opt Options) error {
	sc := w.Scenario
	w.pools = make([]*PromptPool, len(sc.Workloads))
	var problems []*Problem
	for i := range sc.Workloads {
		wl := &sc.Workloads[i]
		if wl.Prefill == nil || wl.Prefill.Nodes != nil && *wl.Prefill.Nodes == 0 {
			continue
		}
		p, err := w.resolvePool(wl, opt)
		if err != nil {
			problems = append(problems, w.asProblems("workload."+wl.ID+".prefill", err)...)
			continue
		}
		w.pools[i] = p
	}
	return Problems(problems...)
}

func (w *World) resolvePool(wl *Workload, opt Options) (*PromptPool, error) {
	sc, pre, key := w.Scenario, wl.Prefill, "workload."+wl.ID+".prefill"
	p := &PromptPool{Server: w.Server, Chip: w.Chip, Profile: w.Profile, Own: true, group: computeGroup}
	switch f := sc.Cluster.Fabric.Topology; {
	case sc.Edge != nil && sc.Edge.Offload != nil:
		return nil, Problems(sc.ProblemAt(key, "", "", "leave out edge.offload or prefill", "the region that edge.offload compares with has no separate pools"))
	case sc.Edge != nil && pre.Server != "" && pre.Server != sc.Cluster.Server:
		return nil, Problems(sc.ProblemAt(key+".server", pre.Server, sc.Cluster.Server, "", "the sites of [edge] have servers of one kind"))
	case pre.Server != "" && pre.Server != sc.Cluster.Server && (f == "torus" || f == "file"):
		return nil, Problems(sc.ProblemAt(key+".server", pre.Server, sc.Cluster.Server, "", "other servers do not join a fabric of the kind "+f))
	}
	if pre.Server != "" && pre.Server != sc.Cluster.Server {
		var err error
		p.Own, p.group = false, "prefill-"+wl.ID
		if p.Server, err = w.Catalogue.Server(pre.Server); err != nil {
			return nil, Problems(sc.ProblemAt(key+".server", pre.Server, "", "aisim catalog list --kind server", err.Error()))
		}
		if p.Server.AcceleratorID == "" || p.Server.AcceleratorCount == 0 {
			return nil, Problems(sc.ProblemAt(key+".server", pre.Server, "a server with accelerators", "", "the server has none"))
		}
		if p.Chip, err = w.Catalogue.Accelerator(p.Server.AcceleratorID); err != nil {
			return nil, Problems(sc.ProblemAt(key+".server", pre.Server, "", "", err.Error()))
		}
		if p.Profile, err = w.profileOf(p.Chip.ID, opt); err != nil {
			return nil, Problems(sc.ProblemAt(key+".server", pre.Server, "", "give one with --profile", err.Error()))
		}
	} else if pre.PriceUSD != nil {
		return nil, Problems(sc.ProblemAt(key+".price", "", "", "economics.prices.server has the price of the cluster's servers", "the pool stands on nodes of the cluster"))
	}
	cut := wl.prefillCut()
	each := float64(cut.ReplicaChips()) / float64(p.Server.AcceleratorCount)
	switch {
	case pre.Nodes != nil:
		p.Nodes = *pre.Nodes
	case pre.Replicas != nil:
		p.Nodes = int(math.Ceil(each * float64(*pre.Replicas)))
	default:
		return nil, Problems(sc.ProblemAt(key+".nodes", "", "a count", "give nodes or replicas", "the size of the pool is needed"))
	}
	return p, nil
}

// profileOf is the user's profile of a chip, or the embedded one.
func (w *World) profileOf(chip string, opt Options) (*profile.Profile, error) {
	for _, p := range opt.Profiles {
		if p.Hardware == chip {
			w.Given = append(w.Given, p)
			return p, nil
		}
	}
	return profile.For(chip)
}

// prefillCut is how a worker that computes prompts is cut.
func (wl *Workload) prefillCut() serving.Config {
	own, pre := &wl.Parallelism, wl.Prefill
	or := func(n *int, otherwise int) int {
		if n != nil {
			return *n
		}
		return max(1, otherwise)
	}
	return serving.Config{TP: or(pre.Tensor, own.Tensor), PP: or(pre.Pipeline, own.Pipeline), AttentionDP: or(pre.Attention, own.Attention), ExpertParallel: or(pre.Expert, own.Expert)}
}

// cutOf says in words how a replica is cut.
func cutOf(c *serving.Config) string {
	text := fmt.Sprintf("tensor %d × pipeline %d", max(1, c.TP), max(1, c.PP))
	if c.AttentionDP > 1 {
		text += fmt.Sprintf(" × attention %d", c.AttentionDP)
	}
	return text
}

// ownPoolNodes is how many of a workload's nodes compute prompts only.
func (w *World) ownPoolNodes(wl *Workload) int {
	for i := range w.Scenario.Workloads {
		if &w.Scenario.Workloads[i] == wl && w.pools[i] != nil && w.pools[i].Own {
			return w.pools[i].Nodes
		}
	}
	return 0
}

// placePool gives the pool of a service its chips and its configuration.
func (w *World) placePool(p *Placed) error {
	pool, wl, key := p.Prefill, p.Workload, "workload."+p.ID+".prefill"
	if p.Arch.Generic != nil {
		return Problems(w.Scenario.ProblemAt(key, "", "", "leave it out", "a model known by totals per sample has no prompts"))
	}
	if pool.Own {
		pool.first = p.FirstNode
	}
	for h := range pool.Nodes {
		pool.Chips = append(pool.Chips, w.Graph.HostChips(pool.group, pool.first+h)...)
	}
	c := *p.Serving
	c.CacheBlocks = 0 // said of replicas that decode
	cut := wl.prefillCut()
	c.TP, c.PP, c.AttentionDP, c.ExpertParallel = cut.TP, cut.PP, cut.AttentionDP, cut.ExpertParallel
	ranks := c.ReplicaChips()
	if pre := wl.Prefill; pre.MaxBatch != nil {
		c.MaxBatch = *pre.MaxBatch
	}
	if n := wl.Prefill.TokenBudget; n != nil {
		c.TokenBudget = *n
	}
	if x := wl.Prefill.MemoryFraction; x != nil {
		c.MemoryFraction = *x
	}
	fit := len(pool.Chips) / ranks
	if c.Replicas = fit; wl.Prefill.Replicas != nil {
		c.Replicas = *wl.Prefill.Replicas
	}
	if c.Replicas < 1 || c.Replicas > fit {
		return Problems(w.Scenario.ProblemAt(key+".replicas", fmt.Sprint(c.Replicas), fmt.Sprintf("1 to %d", fit), "more nodes or smaller workers",
			fmt.Sprintf("%d accelerators hold %d workers of %s", len(pool.Chips), fit, cutOf(&c))))
	}
	var err error
	if c.Autoscale, err = w.scaling(wl.Prefill.Autoscale, key, c.Replicas); err != nil {
		return err
	}
	p.Serving.Handover = serving.Handover{Early: wl.Prefill.FirstToken == "worker", Layers: wl.Prefill.Transfer == "layer"}
	if err := c.Validate(); err != nil {
		return Problems(w.Scenario.ProblemAt(key, "", "", "", err.Error()))
	}
	if p.Serving.Prefix.Enabled { // tiers are the workers': they look prompts up
		p.Serving.Prefix.Tiers = nil
	}
	pool.Config = &c
	pool.ways, err = w.waysBetween(p)
	return err
}

// ways are the routes between the workers of a pool and the replicas that decode, with
// links that no transfer can tell apart made one.
type ways struct {
	uses    [][]flow.Use
	latency []float64
	members []wayLink
	n       int // resources
}

// wayLink is a link of the graph and the resource that it belongs to.
type wayLink struct {
	link   topology.LinkID
	to     flow.ResourceID
	weight float64 // of its first use: capacities are divided by it
}

// maxPairs bounds the routes that are laid.
const maxPairs = 1 << 16

// waysBetween lays the routes of all pairs. The ranks of a worker and of a replica share
// the cache alike: each part goes from the chip that made it to the one that needs it.
func (w *World) waysBetween(p *Placed) (*ways, error) {
	from, to := p.Prefill.Config, p.Serving
	a, b := from.ReplicaChips(), to.ReplicaChips()
	pairs := from.Replicas * to.Replicas
	if pairs > maxPairs {
		return nil, Problems(w.Scenario.ProblemAt("workload."+p.ID+".prefill", "", fmt.Sprintf("up to %d pairs of workers and replicas", maxPairs), "larger replicas, or services side by side", fmt.Sprintf("%d workers and %d replicas make %d pairs", from.Replicas, to.Replicas, pairs)))
	}
	out := &ways{}
	load := w.Graph.NewLoad()
	demands := make([]flow.Demand, 0, pairs)
	parts := max(a, b)
	for i := range from.Replicas {
		for j := range to.Replicas {
			load.Reset()
			src, dst := p.Prefill.Chips[i*a:(i+1)*a], p.replicaChips(j)
			latency := 0.0
			for k := range parts {
				l, err := load.Add(src[k*a/parts], dst[k*b/parts], 1/float64(parts), uint64(k))
				if err != nil {
					return nil, Problems(w.Scenario.ProblemAt("workload."+p.ID+".prefill", "", "", "", err.Error()))
				}
				latency = math.Max(latency, l)
			}
			shares, err := load.Sum()
			if err != nil {
				return nil, err
			}
			d := flow.Demand{}
			for _, s := range shares {
				d.Uses = append(d.Uses, flow.Use{Res: flow.ResourceID(s.Link), Weight: s.Fraction})
			}
			demands = append(demands, d)
			out.latency = append(out.latency, latency)
		}
	}
	caps := make([]float64, w.Graph.NumLinks())
	for i := range caps {
		caps[i] = 1
	}
	folded, less, number := flow.Fold(caps, demands)
	out.n = len(folded)
	seen := make([]bool, len(caps))
	for k := range demands {
		out.uses = append(out.uses, less[k].Uses)
		for _, u := range demands[k].Uses {
			if !seen[u.Res] && u.Weight > 0 {
				seen[u.Res] = true
				out.members = append(out.members, wayLink{topology.LinkID(u.Res), number[u.Res], u.Weight})
			}
		}
	}
	return out, nil
}

// on is the way over a graph whose links reach what their class does of a copy between
// memories (RDMA).
func (x *ways) on(g *topology.Graph, up, net profile.LinkParams) *serving.Way {
	out := &serving.Way{Capacity: make([]float64, x.n), Uses: x.uses, LatencySec: make([]float64, len(x.latency))}
	for i := range out.Capacity {
		out.Capacity[i] = math.Inf(1)
	}
	for _, m := range x.members {
		reach := reached(net)
		if g.LevelOf(m.link) == topology.ScaleUpLevel {
			reach = reached(up)
		}
		out.Capacity[m.to] = math.Min(out.Capacity[m.to], g.Capacity(m.link)*reach/m.weight)
	}
	for i, sec := range x.latency {
		out.LatencySec[i] = sec + net.BaseSec + net.StepSec
	}
	return out
}

func reached(p profile.LinkParams) float64 {
	switch {
	case p.Copy > 0:
		return p.Copy
	case p.P2P > 0:
		return p.P2P
	}
	return 1
}

// preparePool makes the tables of the workers that compute the prompts of service i, and
// joins them with its replicas.
func (s *Sample) preparePool(i int, m *machine, c Change) error {
	w, p := s.b.w, &s.b.w.Placed[i]
	pool := p.Prefill
	dev, comm := m.device, m.comm
	links := w.linksOf(pool.Chip, pool.Profile, s.draw)
	if !pool.Own {
		var err error
		if dev, err = s.device(pool.Chip, pool.Profile, c); err != nil {
			return err
		}
		comm = m.comm.On(m.graph, links)
	}
	m.prompts[i] = dev
	prompts, err := s.tables(pool.Config, dev, comm, pool.Chips, c)
	if err != nil {
		return Problems(w.Scenario.ProblemAt("workload."+p.ID+".prefill", "", "", "", err.Error()))
	}
	m.services[i], err = m.services[i].WithPrefill(prompts, pool.ways.on(m.graph, links.ScaleUp, links.Network))
	return err
}

// promptPool is the nodes of the pool that computes the prompts of service i; those that
// are the service's own are taken off its nodes.
func (f *Future) promptPool(i int, own *serverPool) serverPool {
	p := &f.World.Placed[i]
	pool := p.Prefill
	out := serverPool{id: p.ID + ".prefill", config: pool.Config, nodes: pool.Nodes, perNode: pool.Server.AcceleratorCount, device: f.Pools[i]}
	if p.LoadFrom != "" {
		out.ports = f.portsOf(p.LoadFrom, pool.group, pool.first, pool.Nodes, pool.Server.ComputeNICs)
		if pool.Own {
			own.ports = f.portsOf(p.LoadFrom, computeGroup, p.FirstNode+pool.Nodes, p.NodeCount-pool.Nodes, f.World.NICs)
		}
	}
	if pool.Own {
		own.nodes -= pool.Nodes
	}
	return out
}
