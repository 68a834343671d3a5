package scenarios

import (
	"fmt"

	"aisim/hardware"
	"aisim/internal/result"
	"aisim/topology"
	"aisim/workloads"
	"aisim/workloads/serving"
	"aisim/workloads/training"
)

// place gives a workload its nodes and turns its keys into a configuration of its room.
func (w *World) place(i int, nodes Nodes) (Placed, error) {
	wl := &w.Scenario.Workloads[i]
	p := Placed{Workload: wl, FirstNode: nodes.First, NodeCount: nodes.Count}
	for h := range nodes.Count {
		p.Chips = append(p.Chips, w.Graph.HostChips(computeGroup, nodes.First+h)...)
	}
	var err error
	if p.Arch, err = w.architecture(wl); err != nil {
		return p, Problems(w.Scenario.ProblemAt("workload."+wl.ID+".model", wl.Model, "", "", err.Error()))
	}
	if p.DType, err = hardware.ParseDType(wl.Precision); err != nil {
		return p, Problems(w.Scenario.ProblemAt("workload."+wl.ID+".precision", wl.Precision, "", "", err.Error()))
	}
	if wl.Kind == "training" {
		p.Training = w.trainingConfig(&p)
		return p, nil
	}
	if p.Serving, err = w.servingConfig(&p); err != nil {
		return p, err
	}
	if p.Prefill = w.pools[i]; p.Prefill != nil {
		if err := w.placePool(&p); err != nil {
			return p, err
		}
	}
	if p.Requests, err = newRequestSource(w.Scenario, &p); err != nil {
		return p, err
	}
	if err = w.placeAdapters(&p); err != nil {
		return p, err
	}
	if t := p.Requests.Recorded; t != nil {
		for _, x := range t.Rejected {
			w.Warnings = append(w.Warnings, result.Warning{What: fmt.Sprintf("%d requests of the trace of %s are left out", x.Count, wl.ID),
				Why: fmt.Sprintf("%s (first at %d)", x.Reason, x.First), Effect: "the load is lighter than the file"})
		}
	}
	return p, nil
}

// architecture is the model of a workload: a card, a shape of the user's, or totals.
func (w *World) architecture(wl *Workload) (workloads.Architecture, error) {
	switch {
	case wl.Architecture != nil:
		a := wl.Architecture
		arch := workloads.Architecture{ID: wl.ID, Name: "custom", Causal: true, Layers: a.Layers, Hidden: a.Hidden, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim,
			FFN: a.FFN, GatedMLP: a.GatedFFN, Vocab: a.Vocab, TiedEmbeddings: a.Tied, Source: "scenario"}
		if a.Experts > 0 {
			arch.Experts, arch.ExpertsActive, arch.SharedExperts, arch.ExpertFFN, arch.FFN = a.Experts, a.ExpertsActive, a.SharedExperts, a.FFN, 0
		}
		return arch, arch.Validate()
	case wl.Generic != nil:
		g := wl.Generic
		arch := workloads.Architecture{ID: wl.ID, Name: "generic", Source: "scenario", Generic: &workloads.Generic{
			Unit: "sample", FlopsPerSample: g.FlopsPerSample, BytesPerSample: g.BytesPerSample, ActivationBytes: g.BytesPerSample,
			SampleBytes: g.SampleBytes, Params: g.Params, BytesSource: "scenario"}}
		return arch, arch.Validate()
	}
	card, err := w.Catalogue.Model(wl.Model)
	if err != nil {
		return workloads.Architecture{}, err
	}
	return workloads.FromCard(card)
}

func (w *World) trainingConfig(p *Placed) *training.Config {
	wl := p.Workload
	c := &training.Config{
		Arch:      p.Arch,
		Parallel:  training.Parallel{TP: wl.Parallelism.Tensor, PP: wl.Parallelism.Pipeline, CP: wl.Parallelism.Context, EP: wl.Parallelism.Expert, VP: wl.Parallelism.Virtual},
		Batch:     training.Batch{Global: wl.Batch.Global, Micro: wl.Batch.Micro, Seq: wl.Batch.Sequence},
		Precision: p.DType, ZeRO: wl.ZeRO, Recompute: training.Recompute(wl.Recompute), Schedule: training.Schedule(wl.Schedule),
		MTP: wl.MTP, OffloadOptimizer: wl.OffloadOptimizer, SequenceParallel: wl.SequenceParallel,
		Overlap:   training.Overlap{TP: wl.Overlap.Tensor, DP: wl.Overlap.Data, PP: wl.Overlap.Pipeline},
		Framework: wl.Framework,
	}
	if wl.Parallelism.Data != nil {
		c.Parallel.DP = *wl.Parallelism.Data
	}
	if w.Scenario.IsSet("workload."+wl.ID+".straggler") || w.Scenario.IsSet("faults.straggler") {
		s := wl.Straggler
		c.Straggler = &s
	}
	return c
}

func (w *World) servingConfig(p *Placed) (*serving.Config, error) {
	wl := p.Workload
	key := "workload." + wl.ID
	c := &serving.Config{Arch: p.Arch, Precision: p.DType, TP: wl.Parallelism.Tensor, PP: wl.Parallelism.Pipeline,
		AttentionDP: wl.Parallelism.Attention, ExpertParallel: wl.Parallelism.Expert, Router: wl.Router, Adapters: w.adapters(wl)}
	if p.Arch.Generic == nil {
		var err error
		if c.Engine, err = serving.Engine(wl.Engine); err != nil {
			return nil, Problems(w.Scenario.ProblemAt(key+".engine", wl.Engine, "", "", err.Error()))
		}
		if c.KVPrecision, err = hardware.ParseDType(wl.KVPrecision); err != nil {
			return nil, Problems(w.Scenario.ProblemAt(key+".kv_precision", wl.KVPrecision, "", "", err.Error()))
		}
	}
	if wl.MaxBatch != nil {
		c.MaxBatch = *wl.MaxBatch
	}
	if wl.TokenBudget != nil {
		c.TokenBudget = *wl.TokenBudget
	}
	if wl.StreamInterval != nil {
		c.StreamInterval = *wl.StreamInterval
	}
	if wl.MemoryFraction != nil {
		c.MemoryFraction = *wl.MemoryFraction
	}
	if wl.CacheBlocks != nil {
		c.CacheBlocks = *wl.CacheBlocks
	}
	if s := wl.SLO; s != nil {
		c.SLO = serving.SLO{TTFTSec: s.TTFTSec, TPOTSec: s.TPOTSec, Attainment: s.Attainment}
	}
	if b := wl.Batcher; b != nil {
		c.Batcher = serving.Batcher{Max: b.Max, WindowSec: b.WindowSec}
	}
	if a := wl.Admission; a != nil {
		c.Limits = serving.Admission{MaxQueue: a.MaxQueue, TimeoutSec: a.TimeoutSec}
	}
	for _, k := range wl.Classes {
		class := serving.Class{ID: k.ID, Share: k.Share, Priority: k.Priority}
		if s := k.SLO; s != nil {
			class.SLO = serving.SLO{TTFTSec: s.TTFTSec, TPOTSec: s.TPOTSec, Attainment: s.Attainment}
		}
		c.Classes = append(c.Classes, class)
	}
	if len(c.Classes) > 0 {
		if err := c.Validate(); err != nil {
			return nil, Problems(w.Scenario.ProblemAt(key+".class", "", "", "", err.Error()))
		}
	}
	if s := wl.Speculative; s != nil {
		c.Speculation = serving.Speculation{Tokens: s.Tokens, Acceptance: s.Acceptance}
		if s.Draft != "mtp" {
			card, err := w.Catalogue.Model(s.Draft)
			if err == nil {
				c.Speculation.Draft, err = workloads.FromCard(card)
			}
			if err != nil {
				return nil, Problems(w.Scenario.ProblemAt(key+".speculative.draft", s.Draft, "a model, or mtp", "", err.Error()))
			}
		}
		if err := c.Validate(); err != nil {
			return nil, Problems(w.Scenario.ProblemAt(key+".speculative", "", "", "", err.Error()))
		}
	}
	if wl.PrefixCache != nil {
		if err := w.prefixTiers(wl, c); err != nil {
			return nil, err
		}
	}
	pool := w.ownPoolNodes(wl)
	if pool >= p.NodeCount {
		return nil, Problems(w.Scenario.ProblemAt(key+".prefill.nodes", fmt.Sprint(pool), fmt.Sprintf("0 to %d", p.NodeCount-1), "more nodes, or a server of its own for the pool",
			fmt.Sprintf("of the workload's nodes, %d, at least one must decode", p.NodeCount)))
	}
	usable := (p.NodeCount - pool) * w.Server.AcceleratorCount
	if e := w.Scenario.Edge; e != nil {
		if e.Sites > p.NodeCount {
			return nil, Problems(w.Scenario.ProblemAt("edge.sites", "", fmt.Sprintf("1..%d, the nodes of the workload", p.NodeCount), "", "more sites than nodes"))
		}
		c.Network = serving.Network{Sites: e.Sites}
		if e.Requests == "wan" {
			c.Network.LatencySec, c.Network.BytesPerSec = e.WAN.LatencySec, e.WAN.BytesPerSec
		}
		if p.Arch.Generic != nil {
			c.Network.TokenBytes = p.Arch.Generic.SampleBytes
		}
		if e.DevicesPerSite != nil {
			usable = min(usable, e.Sites**e.DevicesPerSite)
		}
	}
	each, err := w.instances(wl)
	if err != nil {
		return nil, err
	}
	p.each = each
	fit := usable / c.ReplicaChips() * each
	c.Replicas = fit
	if wl.Replicas != nil {
		c.Replicas = *wl.Replicas
	}
	if c.Replicas < 1 || c.Replicas > fit {
		return nil, Problems(w.Scenario.ProblemAt(key+".replicas", fmt.Sprint(c.Replicas), fmt.Sprintf("1..%d", fit), "more nodes or smaller replicas",
			fmt.Sprintf("%d accelerators hold %d replicas of %s", usable, fit, cutOf(c))))
	}
	c.Autoscale, err = w.scaling(wl.Autoscale, key, c.Replicas)
	return c, err
}

// scaling is the autoscaler of so many replicas.
func (w *World) scaling(a *Autoscale, key string, replicas int) (out serving.Autoscale, err error) {
	if a == nil {
		return out, nil
	}
	most := replicas
	if a.Max != nil {
		most = *a.Max
	}
	if most > replicas || a.Min > most {
		return out, Problems(w.Scenario.ProblemAt(key+".autoscale.max", fmt.Sprint(most), fmt.Sprintf("%d..%d", max(1, a.Min), replicas), "more nodes or replicas", "the autoscaler starts more replicas than the nodes hold, or fewer than its min"))
	}
	return serving.Autoscale{Min: a.Min, Max: most, Target: a.Target, IntervalSec: a.IntervalSec, DownAfterSec: a.DownAfterSec}, nil
}

// Latencies of a read from where cached blocks are kept (operations facts: a page from
// host memory over the bus, a flash read, a small object read).
const (
	hostTierSec  = 10e-6
	nvmeTierSec  = 100e-6
	storeTierSec = 1e-3
)

// prefixTiers turns the keys of a prefix cache into its tiers.
func (w *World) prefixTiers(wl *Workload, c *serving.Config) error {
	t := wl.PrefixCache
	key := "workload." + wl.ID + ".prefix_cache"
	c.Prefix.Enabled = true
	host := t.HostBytesPerSec
	if host == 0 {
		host = w.Chip.HostBandwidth.V * float64(c.ReplicaChips())
	}
	for _, x := range []struct {
		name              string
		bytes, rate, wait float64
	}{{"host", t.HostBytes, host, hostTierSec}, {"nvme", t.NVMeBytes, t.NVMeBytesPerSec, nvmeTierSec}, {"store", t.StoreBytes, t.StoreBytesPerSec, storeTierSec}} {
		if x.bytes == 0 {
			continue
		}
		if x.rate == 0 {
			return Problems(w.Scenario.ProblemAt(key+"."+x.name+"_bandwidth", "", "a rate", "", "the rate from "+x.name+" to the chips is needed with its size"))
		}
		c.Prefix.Tiers = append(c.Prefix.Tiers, serving.Tier{Name: x.name, Bytes: x.bytes, BytesPerSec: x.rate, LatencySec: x.wait, Shared: x.name == "store"})
	}
	return nil
}

// replicaChips are the chips of one replica of a service.
func (p *Placed) replicaChips(r int) []topology.NodeID {
	n := p.Serving.ReplicaChips()
	chips := p.Chips
	if p.Prefill != nil && p.Prefill.Own {
		chips = chips[len(p.Prefill.Chips):]
	}
	r /= max(1, p.each)
	return chips[r*n : (r+1)*n]
}
