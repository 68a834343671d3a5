package planner

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/workloads/serving"
)

// compose makes the run of what was played.
func (e *evaluation) compose(stopped error) *result.Run {
	w, sc, f := e.w, e.w.Scenario, e.nominal
	done := 0
	for _, p := range e.base {
		if p != nil {
			done++
		}
	}
	run := &result.Run{
		Schema: result.Schema, Version: e.opt.Version, Revision: e.opt.Revision, Complete: stopped == nil,
		Scenario: result.ScenarioRef{Name: sc.Name, Description: sc.Description, Source: sc.Source(), SHA256: sc.SHA256(), Overrides: sc.Overrides(), Machine: machineWords(w)},
		Profiles: profiles(w), Catalogue: result.FileRef{Name: "embedded catalogue", SHA256: w.Catalogue.SHA256()},
		Seed: sc.Seed, Replicas: done, Metrics: map[string]result.Number{}, Assumptions: []result.Assumption{}, Warnings: []result.Warning{},
		Workloads: []result.Workload{}, Bottlenecks: []result.Bottleneck{}, Elasticities: []result.Elasticity{}, Fabric: []result.FabricLevel{},
	}
	if stopped != nil {
		run.Stopped = fmt.Sprintf("stopped after %d of %d replicas", done, e.opt.Replicas)
	}
	if f.Device.Rung == "datasheet roofline" {
		run.Banners = append(run.Banners, fmt.Sprintf("No measurements of %s: its efficiencies are those of its family.", w.Chip.ID))
	}
	for _, key := range e.base[0].m.keys {
		n := number(e.metric(key), e.base[0].m.units[key], e.pedigree(key), "")
		n.PedigreeShares = byKind(e.drivers(key))
		n.Pedigree = heaviest(n.PedigreeShares, n.Pedigree)
		run.Metrics[key] = n
	}
	for i := range w.Placed {
		run.Workloads = append(run.Workloads, e.workload(i, run))
		run.Bottlenecks = append(run.Bottlenecks, e.bottlenecks(i)...)
		run.Elasticities = append(run.Elasticities, e.elasticities(i)...)
	}
	e.fabric(run)
	e.storagePaths(run)
	if err := e.compliance(run); err != nil {
		run.Warnings = append(run.Warnings, result.Warning{What: "The rules of data protection were not checked.", Why: err.Error(), Effect: "No statement on them is made."})
	}
	if err := e.edge(run); err != nil {
		run.Warnings = append(run.Warnings, result.Warning{What: "Offloading was not played.", Why: err.Error(), Effect: "Nothing is said of it."})
	}
	e.money(run)
	if err := e.functions(run); err != nil {
		run.Warnings = append(run.Warnings, result.Warning{What: "The functions were not played.", Why: err.Error(), Effect: "Nothing is said of them."})
	}
	if err := e.streams(run); err != nil {
		run.Warnings = append(run.Warnings, result.Warning{What: "The streams were not played.", Why: err.Error(), Effect: "Nothing is said of them."})
	}
	if err := e.queues(run); err != nil {
		run.Warnings = append(run.Warnings, result.Warning{What: "The queues of jobs were not played.", Why: err.Error(), Effect: "Nothing is said of them."})
	}
	if err := e.pipelines(run); err != nil {
		run.Warnings = append(run.Warnings, result.Warning{What: "The pipelines were not played.", Why: err.Error(), Effect: "Nothing is said of them."})
	}
	e.weighLevers(run)
	for _, s := range e.swings {
		if finite(s.AtLow) && finite(s.AtHigh) && finite(s.Base) {
			run.Tornado = append(run.Tornado, s.TornadoRow)
		}
	}
	e.bars(run)
	e.evidence(run)
	withoutUndefined(run.Metrics)
	for i := range run.Workloads {
		withoutUndefined(run.Workloads[i].Metrics)
	}
	return run
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// withoutUndefined takes away metrics that a run does not have: what a million tokens cost when
// none was made, the rate of saturation where nothing is served.
func withoutUndefined(m map[string]result.Number) {
	for key, n := range m {
		if !finite(n.Value) || !finite(n.Low) || !finite(n.High) {
			delete(m, key)
		}
	}
}

// profiles names the profile of the chip and those that the user gave for other parts.
func profiles(w *scenarios.World) []result.FileRef {
	out := []result.FileRef{{Name: w.Profile.ID, SHA256: w.Profile.SHA256()}}
	for _, p := range w.Given {
		if p != w.Profile {
			out = append(out, result.FileRef{Name: p.ID, SHA256: p.SHA256()})
		}
	}
	for i := range w.Placed {
		if p := w.Placed[i].Prefill; p != nil && !slices.ContainsFunc(out, func(r result.FileRef) bool { return r.Name == p.Profile.ID }) {
			out = append(out, result.FileRef{Name: p.Profile.ID, SHA256: p.Profile.SHA256()})
		}
	}
	return out
}

// metric is one metric over all replicas that were played; NaN where one has none.
func (e *evaluation) metric(key string) []float64 {
	var out []float64
	for _, p := range e.base {
		if p == nil {
			continue
		}
		if v, ok := p.m.values[key]; ok {
			out = append(out, v)
		} else if len(out) > 0 {
			out = append(out, math.NaN())
		} else {
			out = append(out, 0)
		}
	}
	return out
}

// pedigree is the kind that carries most of a metric's interval: times rest on the
// profile of the chip, goodput on the failure rate, money on prices.
func (e *evaluation) pedigree(key string) result.Pedigree {
	rung := result.Derived
	if e.nominal.Device.Rung == "datasheet roofline" {
		rung = result.Datasheet
	}
	name := key[strings.LastIndexByte(key, '.')+1:]
	switch {
	case strings.HasPrefix(key, "facility."), name == result.MetricPower:
		return result.Datasheet
	case strings.HasPrefix(key, "ledger."), strings.HasPrefix(name, "usd_"), name == result.MetricCost, name == result.MetricGoodput, name == result.MetricFailures:
		return result.Assumed
	}
	return rung
}

// machineWords is "16,384 H100 …" for the sentence and "Machine" of the scenario.
func machineWords(w *scenarios.World) string {
	f := &w.Scenario.Cluster.Fabric
	net := f.Topology
	switch f.Topology {
	case "fat-tree":
		names, _ := w.Graph.Switches()
		net = fmt.Sprintf("a %d-level fat-tree", len(names))
	case "torus":
		net = "a torus of " + strings.ReplaceAll(strings.Trim(fmt.Sprint(f.Dims), "[]"), " ", " × ")
	case "rail-optimised":
		net = "a rail-optimised fat-tree"
	case "rail-only":
		net = "separate rails"
	case "dragonfly+":
		net = "a dragonfly+"
	case "file":
		net = "a fabric from a file"
	case "single-switch":
		net = "one switch"
	}
	if e := w.Scenario.Edge; e != nil {
		net = fmt.Sprintf("%d sites", e.Sites)
		return fmt.Sprintf("%s %s at %s", thousands(w.Chips()), chipName(w.Chip.ID), net)
	}
	machine := fmt.Sprintf("%s %s", thousands(w.Scenario.Cluster.Nodes*w.Server.AcceleratorCount), chipName(w.Chip.ID))
	for i := range w.Placed {
		if p := w.Placed[i].Prefill; p != nil && !p.Own {
			machine += fmt.Sprintf(" and %s %s", thousands(len(p.Chips)), chipName(p.Chip.ID))
		}
	}
	return machine + " on " + net
}

// chipName is an accelerator in short: H100 of nvidia-h100-sxm.
func chipName(id string) string {
	if i := strings.IndexByte(id, '-'); i > 0 {
		id = id[i+1:]
	}
	id = strings.ToUpper(id)
	for _, cut := range []string{"-SXM", "-80", "-40", "-PCIE"} {
		id = strings.TrimSuffix(id, cut)
	}
	return id
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// workload is what one workload's pages show.
func (e *evaluation) workload(i int, run *result.Run) result.Workload {
	p := &e.w.Placed[i]
	out := result.Workload{ID: p.ID, Kind: p.Kind, Title: p.Name, Metrics: map[string]result.Number{}}
	if len(e.w.Placed) == 1 {
		out.Title = e.w.Scenario.Name
	}
	prefix := p.ID + "."
	for key, n := range run.Metrics { // a copy by key; order does not matter
		if strings.HasPrefix(key, prefix) {
			out.Metrics[strings.TrimPrefix(key, prefix)] = n
		}
	}
	if p.Training != nil {
		e.campaign(i, &out)
	} else {
		e.service(i, &out)
	}
	return out
}

func (e *evaluation) campaign(i int, out *result.Workload) {
	p, s, o := &e.w.Placed[i], e.nominal.Steps[i], e.nominal.Campaign[i]
	cfg := e.nominal.Sample.Layout(i)
	par := []string{}
	for _, d := range []struct {
		name string
		n    int
	}{{"TP", cfg.Parallel.TP}, {"CP", cfg.Parallel.CP}, {"PP", cfg.Parallel.PP}, {"VP", cfg.Parallel.VP}, {"EP", cfg.Parallel.EP}, {"DP", cfg.Parallel.DP}} {
		if d.n > 1 {
			par = append(par, fmt.Sprintf("%s %d", d.name, d.n))
		}
	}
	batch := fmt.Sprintf("batch %s × %s", thousands(p.Batch.Global), thousands(p.Batch.Sequence))
	if p.Arch.Generic != nil {
		batch = "batch " + thousands(p.Batch.Global)
	}
	out.Eyebrow = strings.Join([]string{p.Arch.ID, p.Framework, p.Precision, strings.Join(par, " × "), batch}, " · ")
	out.Objective = result.MetricTokensPerSec
	out.Step, out.Stages, out.Memory, out.Timeline = s.Parts, s.Stages, s.Memory, o.Timeline
	chips := float64(len(p.Chips))
	for c, share := range e.base[0].losses[i] {
		if c == 0 {
			continue // useful work
		}
		var v []float64
		for _, b := range e.base {
			if b != nil {
				v = append(v, b.losses[i][c])
			}
		}
		n := number(v, "ratio", result.Assumed, "")
		if n.High <= 0 {
			continue
		}
		cause := causeOf(c)
		out.Losses = append(out.Losses, result.Loss{Cause: cause.String(), Kind: cause.Kind(), Share: share, Low: n.Low, High: n.High, GPUHours: share * o.EndSec / 3600 * chips})
	}
	sort.SliceStable(out.Losses, func(a, b int) bool { return out.Losses[a].Share > out.Losses[b].Share })
}

func (e *evaluation) service(i int, out *result.Workload) {
	p, o := &e.w.Placed[i], e.nominal.Served[i]
	prep := e.nominal.Services[i]
	out.Requests, out.Placement = o.Requests, e.w.Where(i)
	out.Objective = result.MetricLatencyP95
	words := []string{p.Arch.ID, prep.Config.Engine.ID, p.Precision}
	if prep.Config.ReplicaChips() > 1 {
		words = append(words, cutOf(&prep.Config))
	}
	words = append(words, fmt.Sprintf("%d replicas, %s", prep.Config.Replicas, prep.Config.Router))
	if d := prep.Prefill; d != nil {
		words = append(words, fmt.Sprintf("prompts on %d × %s of %s", d.Config.Replicas, cutOf(&d.Config), p.Prefill.Chip.ID))
	}
	if out.Placement != "" {
		words = append(words, out.Placement)
	}
	if p.Trace != "" {
		words = append(words, "recorded requests")
	} else {
		words = append(words, p.Arrivals.Process+" arrivals")
	}
	out.Eyebrow = strings.Join(nonEmpty(words), " · ")
	out.Serving = o.Serving(prep.Config.SLO)
	if p.SLO != nil {
		out.Objective = result.MetricCapacity
		out.Serving.Load = e.curves[i]
	}
	out.Step = o.E2EParts
	out.Memory = []result.MemoryClass{memoryClass("each accelerator", prep)}
	if d := prep.Prefill; d != nil {
		out.Memory[0].Name = "each accelerator that decodes"
		out.Memory = append(out.Memory, memoryClass("each accelerator that computes prompts", d))
	}
	// What the bought accelerators did: answering, or waiting for requests.
	idle := 1 - utilisation(e.nominal, i)
	hours := (o.EndSec - o.StartSec) / 3600 * float64(p.Accelerators())
	cause := "waiting for requests"
	if len(e.nominal.Service(i).Neighbours) > 0 {
		cause = "waiting for requests, or for its turn"
	}
	out.Losses = []result.Loss{{Cause: cause, Kind: result.KindWait, Share: idle, Low: idle, High: idle, GPUHours: idle * hours}}
	for _, out2 := range []struct {
		start, end float64
		what       string
	}{{0, e.nominal.Fleet[i].LoadSec, "load"}} {
		if out2.end > 0 {
			out.Timeline = append(out.Timeline, result.TimePoint{Start: out2.start, End: out2.end, What: out2.what})
		}
	}
	for _, g := range e.nominal.Fleet[i].Outages {
		out.Timeline = append(out.Timeline, result.TimePoint{Start: g.StartSec, End: g.EndSec, What: "failed", Note: fmt.Sprintf("replica %d", g.Replica)})
	}
	if prompts := e.nominal.Prompts[i]; prompts != nil {
		for _, g := range prompts.Outages {
			out.Timeline = append(out.Timeline, result.TimePoint{Start: g.StartSec, End: g.EndSec, What: "failed", Note: fmt.Sprintf("prompt worker %d", g.Replica)})
		}
	}
}

// cutOf is how a replica is cut, as headings print it.
func cutOf(c *serving.Config) string {
	text := fmt.Sprintf("TP %d × PP %d", c.TP, c.PP)
	if c.AttentionDP > 1 {
		text += fmt.Sprintf(" × attention %d", c.AttentionDP)
	}
	if c.Arch.Experts > 0 && c.ExpertParallel > 1 {
		text += fmt.Sprintf(", EP %d", c.ExpertParallel)
	}
	return text
}

// memoryClass is how the chips of a pool of replicas spend their memory.
func memoryClass(name string, prep *serving.Prepared) result.MemoryClass {
	mem := prep.Memory
	gib := func(b float64) float64 { return b / (1 << 30) }
	class := result.MemoryClass{Name: name, Ranks: prep.Chips(), UsableGiB: gib(mem.Usable)}
	for _, part := range []result.MemoryPart{{Name: "weights", GiB: gib(mem.Weights)}, {Name: "kv cache", GiB: gib(mem.Cache)}, {Name: "buffers", GiB: gib(mem.Reserve)}} {
		if part.GiB > 0 {
			class.Parts = append(class.Parts, part)
			class.TotalGiB += part.GiB
		}
	}
	return class
}

func nonEmpty(words []string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// elasticities are the paired gains of one workload, largest first.
func (e *evaluation) elasticities(i int) []result.Elasticity {
	p := &e.w.Placed[i]
	metric := result.MetricTokensPerSec
	if p.Serving != nil {
		metric = result.MetricLatencyP95
		if p.SLO != nil {
			metric = result.MetricCapacity
		}
	}
	var out []result.Elasticity
	for r, res := range e.resources {
		var v []float64
		for _, g := range e.changed[r] {
			if g != nil && !math.IsNaN(g[i]) {
				v = append(v, g[i])
			}
		}
		if len(v) == 0 || e.doubled[r] == nil {
			continue
		}
		n := number(append([]float64{mean(v)}, v...), "ratio", result.Derived, "re-simulated")
		el := result.Elasticity{Workload: p.ID, Resource: res.key, Name: res.name, Metric: metric, Step: elasticityStep, Gain: n, Double: e.doubled[r][i]}
		el.Free = math.Abs(n.Value) < freeGain && math.Abs(el.Double) < freeDouble
		out = append(out, el)
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].Gain.Value > out[b].Gain.Value })
	return out
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// bottlenecks blame the time on resources: for a campaign the whole period, step parts
// by their elastic share and losses by cause; for a service the mean request.
func (e *evaluation) bottlenecks(i int) []result.Bottleneck {
	p, f := &e.w.Placed[i], e.nominal
	var out []result.Bottleneck
	if s := f.Steps[i]; s != nil {
		l := e.base[0].losses[i]
		stepping := l[0] + l[1] + l[8] // useful, again, slowed
		for _, r := range s.ByResource {
			if r.ElasticSeconds <= 0 {
				continue
			}
			share := r.ElasticSeconds / s.Seconds
			out = append(out, result.Bottleneck{Workload: p.ID, Resource: r.Resource, Name: r.Name, Kind: r.Kind, Share: share * stepping, Seconds: r.ElasticSeconds})
		}
		for c, share := range l {
			if c == 0 || c == 1 || c == 8 || share <= 0 {
				continue
			}
			cause := causeOf(c)
			out = append(out, result.Bottleneck{Workload: p.ID, Resource: lossResource[c], Name: cause.String(), Kind: cause.Kind(), Share: share, Seconds: share / stepping * s.Seconds})
		}
	} else {
		for _, r := range f.Served[i].LatencyBy {
			if r.Seconds > 0 {
				out = append(out, result.Bottleneck{Workload: p.ID, Resource: r.Resource, Name: r.Name, Kind: r.Kind, Share: r.Share, Seconds: r.Seconds})
			}
		}
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].Share > out[b].Share })
	return out
}
