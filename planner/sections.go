package planner

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"aisim/cluster"
	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/storage"
	"aisim/workloads/serving"
)

func causeOf(c int) cluster.Cause { return cluster.Cause(c) }

// lossResource is the resource that a loss answers to.
var lossResource = [cluster.NumCauses]string{
	cluster.Rework: scenarios.MTBF, cluster.Detecting: scenarios.Recovery, cluster.Restarting: scenarios.Recovery,
	cluster.AwaitingRepair: scenarios.MTBF, cluster.Restoring: "storage", cluster.Checkpointing: "storage",
	cluster.InputStall: "storage", cluster.Contention: "storage", cluster.Shrunk: scenarios.MTBF, cluster.Starting: scenarios.Recovery, cluster.Finished: "idle",
}

// fabric is the use of each level while the workloads run.
func (e *evaluation) fabric(run *result.Run) {
	f := e.nominal
	if !hasCampaign(e.w) {
		return // what a service moves between chips is inside its step times, not on the graph
	}
	bytes := make([]float64, f.Graph.NumLinks()) // per second, by link
	for i := range e.w.Placed {
		if f.Steps[i] != nil {
			links, err := f.LinkBytes(i)
			if err != nil {
				continue // a machine whose collectives cannot be laid was refused when it was assembled
			}
			for l, b := range links {
				bytes[l] += b / f.Steps[i].Seconds
			}
		}
	}
	levels, tiers := f.Graph.Use(bytes, 1)
	for _, u := range levels {
		if u.Links == 0 {
			continue
		}
		run.Fabric = append(run.Fabric, result.FabricLevel{Name: u.Name, Links: u.Links, Gbps: u.TotalBytesPerSec / float64(max(1, u.Links-u.Failed)) * 8 / 1e9, CapacityTBs: u.TotalBytesPerSec / 1e12, Mean: u.Mean, P99: u.P99, Max: u.Max})
	}
	for _, t := range tiers {
		run.SwitchTiers = append(run.SwitchTiers, result.SwitchTier{Name: t.Name, Pods: t.Pods})
	}
}

// storagePaths are the ways of the bytes through the stores.
func (e *evaluation) storagePaths(run *result.Run) {
	f := e.nominal
	for _, m := range f.Moves {
		if m.Use == "model reload" {
			continue
		}
		p := &e.w.Placed[m.Placed]
		st := &e.w.Scenario.Storage[m.Store]
		stages, err := f.Stores[m.Store].Ceilings(m.Op, m.Clients, m.Object)
		if err != nil {
			continue // a path that cannot be drawn was refused when the world was assembled
		}
		rate, err := f.Cluster.Phases.Alone(m.Transfer)
		if err != nil {
			continue
		}
		t := f.Cluster.Phases.Transfer(m.Transfer)
		path := result.StoragePath{Store: st.ID, Workload: p.ID, Use: useName(m.Use), Bytes: t.Bytes, Reached: rate}
		if t.Bytes > 0 {
			path.Seconds = t.Bytes / rate
		}
		at := narrowest(stages)
		for k, s := range stages {
			path.Stages = append(path.Stages, result.StorageStage{Stage: s.Name, BytesPerSec: s.BytesPerSec, Narrowest: k == at})
		}
		if o := f.Campaign[m.Placed]; o != nil {
			l := losses(o)
			switch m.Use {
			case "checkpoint":
				path.GPUShare = l[cluster.Checkpointing]
			case "restore":
				path.GPUShare = l[cluster.Restoring]
			case "dataset":
				path.GPUShare = l[cluster.InputStall]
			}
		}
		run.Storage = append(run.Storage, path)
	}
}

// useName is what reports call a use of a store.
func useName(use string) string {
	switch use {
	case "checkpoint":
		return "checkpoint write"
	case "dataset":
		return "dataset read"
	}
	return use
}

// money is the ledger with its intervals, and the tree of energy.
func (e *evaluation) money(run *result.Run) {
	a := e.base[0].account
	l := a.ledger
	b := &a.bill
	run.Ledger = result.Ledger{Mode: b.Mode, Period: span(b.PeriodSec), NoPrices: a.reason, Lines: []result.LedgerLine{}, Units: []result.UnitCost{}, Carbon: []result.CarbonLine{}}
	over := func(get func(*account) float64) []float64 {
		var v []float64
		for _, p := range e.base {
			if p != nil {
				v = append(v, get(p.account))
			}
		}
		return v
	}
	if a.reason == "" {
		for k, ln := range l.Lines {
			n := number(over(func(x *account) float64 {
				if k < len(x.ledger.Lines) {
					return x.ledger.Lines[k].USD
				}
				return math.NaN()
			}), "USD", ln.Pedigree, "")
			run.Ledger.Lines = append(run.Ledger.Lines, result.LedgerLine{Item: ln.Item, Basis: ln.Basis, Kind: ln.Kind, CapexUSD: ln.CapexUSD, Life: ln.LifeYears, Rate: ln.Rate, Residual: ln.Residual,
				USD: ln.USD, Low: n.Low, High: n.High, Pedigree: ln.Pedigree, Source: ln.Source})
		}
		run.Ledger.TotalUSD = number(over(func(x *account) float64 { return x.ledger.TotalUSD }), "USD", result.Assumed, "")
		run.Ledger.Capital = number(over(func(x *account) float64 { return x.ledger.CapitalUSD }), "USD", result.Assumed, "")
		for k, u := range l.Units {
			n := number(over(func(x *account) float64 {
				if k < len(x.ledger.Units) {
					return x.ledger.Units[k].USD
				}
				return math.NaN()
			}), u.Unit, result.Assumed, "")
			run.Ledger.Units = append(run.Ledger.Units, result.UnitCost{Key: u.Key, Name: u.Name, Value: n})
		}
	}
	if b.CarbonGPerKWh > 0 {
		run.Ledger.Carbon = append(run.Ledger.Carbon, result.CarbonLine{Name: "Electricity", Basis: b.CarbonBasis, Value: number(over(func(x *account) float64 { return x.ledger.OperationalKg / 1000 }), "tCO2e", result.Datasheet, "")})
	}
	run.Ledger.Carbon = append(run.Ledger.Carbon, result.CarbonLine{Name: "Making the servers, share of the period", Basis: "embodied, NVIDIA HGX H100 baseboard and a Dell 2U host, by life", Value: number(over(func(x *account) float64 { return x.ledger.EmbodiedKg / 1000 }), "tCO2e", result.Assumed, "")})

	hours := b.PeriodSec / 3600
	node := func(name string, kind result.Kind, get func(*account) float64) result.EnergyNode {
		n := number(over(get), "W", result.Datasheet, "")
		return result.EnergyNode{Name: name, Kind: kind, MWMean: n.Value / 1e6, MWh: n.Value / 1e6 * hours, Low: n.Low / 1e6, High: n.High / 1e6}
	}
	it := node("IT load", result.KindIT, func(x *account) float64 { return x.ledger.ITWatts })
	for k, ld := range b.Loads {
		it.Children = append(it.Children, node(ld.Name, ld.Kind, func(x *account) float64 { return x.bill.Loads[k].MeanWatts }))
	}
	meter := node("At the meter", result.KindPower, func(x *account) float64 { return x.ledger.MeterWatts })
	meter.Children = []result.EnergyNode{it, node("Cooling, conversion losses, lighting", result.KindFacility, func(x *account) float64 { return x.ledger.FacilityWatts })}
	run.Energy = &meter
}

// span is a period in words.
func span(sec float64) string {
	switch d := sec / 86400; {
	case d >= 2:
		return fmt.Sprintf("%.3g days", d)
	case sec >= 7200:
		return fmt.Sprintf("%.3g hours", sec/3600)
	case sec >= 120:
		return fmt.Sprintf("%.3g minutes", sec/60)
	}
	return fmt.Sprintf("%.3g s", sec)
}

// weighLevers sorts the levers into what is worth its price and what is not.
func (e *evaluation) weighLevers(run *result.Run) {
	if run.Ledger.NoPrices != "" || len(e.w.Placed) == 0 {
		return
	}
	type row struct {
		result.Lever
		worth float64
	}
	var good []row
	var together *result.Lever
	for k := range e.levers {
		l := &e.levers[k]
		var gains, costs []float64
		worth := 0
		for i, p := range e.levered[k] {
			if p == nil || e.base[i] == nil {
				continue
			}
			key, before := unitCost(e.base[i], e.w)
			if key == "" {
				continue
			}
			_, after := unitCost(p, e.w)
			after *= l.totalWith(e.base[i].account, p.m.values[result.MetricLedgerTotal]) / p.m.values[result.MetricLedgerTotal]
			gains = append(gains, p.objective[0]/e.base[i].objective[0]-1)
			costs = append(costs, after/before-1)
			if after < before {
				worth++
			}
		}
		if len(gains) == 0 || math.IsNaN(gains[0]) {
			continue
		}
		n := number(append([]float64{mean(gains)}, gains...), "ratio", result.Derived, "re-simulated")
		c := number(append([]float64{mean(costs)}, costs...), "ratio", result.Assumed, "re-simulated")
		pays := float64(worth) / float64(len(gains))
		if l.doubt > 0 {
			widen(&n, l.doubt)
			widen(&c, l.doubt)
			pays = math.Erfc(c.Value/l.doubt/math.Sqrt2) / 2
		}
		out := result.Lever{Action: l.action, Detail: l.detail, ObjectiveGain: n, UnitCostChange: c, CapitalUSD: l.capital(e.base[0].account), PWorth: pays, Condition: l.condition, Together: l.together}
		switch {
		case l.together:
			if together == nil || out.UnitCostChange.Value < together.UnitCostChange.Value {
				together = &out
			}
		case out.PWorth <= 0.1 && out.CapitalUSD > 0:
			run.NotWorth = append(run.NotWorth, out)
		case n.Value > freeGain:
			good = append(good, row{out, n.Value / math.Max(1, out.CapitalUSD)})
		}
	}
	sort.SliceStable(good, func(a, b int) bool { return good[a].worth > good[b].worth })
	for k, g := range good {
		if k < 4 {
			run.Levers = append(run.Levers, g.Lever)
		}
	}
	if together != nil && len(good) > 1 {
		run.Levers = append(run.Levers, *together)
	}
	if len(run.NotWorth) > 3 {
		run.NotWorth = run.NotWorth[:3]
	}
}

// widen adds an error of a standard deviation sd that no replica draws to a 90 % interval.
func widen(n *result.Number, sd float64) {
	const z = 1.645
	n.Low, n.High = n.Value-math.Hypot(n.Value-n.Low, z*sd), n.Value+math.Hypot(n.High-n.Value, z*sd)
}

// bars are the three 100 % bars of the first page, of the first workload.
func (e *evaluation) bars(run *result.Run) {
	if len(run.Workloads) == 0 {
		return
	}
	wl := &run.Workloads[0]
	name := "each second of a step"
	if wl.Kind == "serving" {
		name = "each second of a request"
	}
	run.Where = append(run.Where, e.kindBar(name, wl.Step))
	owned := "each accelerator-hour bought"
	if run.Ledger.Mode == "rent" {
		owned = "each accelerator-hour rented"
	}
	bar := result.Bar{Name: owned}
	left := 1.0
	for _, l := range wl.Losses {
		left -= l.Share
	}
	what := "useful work"
	if wl.Kind == "serving" {
		what = "answering"
	}
	bar.Parts = append(bar.Parts, result.Share{Name: what, Kind: result.KindCompute, Share: math.Max(0, left)})
	for _, l := range wl.Losses {
		bar.Parts = append(bar.Parts, result.Share{Name: l.Cause, Kind: l.Kind, Share: l.Share, Hatch: l.Kind == result.KindWait})
	}
	run.Where = append(run.Where, bar)
	if run.Ledger.NoPrices == "" && run.Ledger.TotalUSD.Value > 0 {
		usd := result.Bar{Name: "each USD spent"}
		for _, ln := range run.Ledger.Lines {
			usd.Parts = append(usd.Parts, result.Share{Name: ln.Item, Kind: ln.Kind, Share: ln.USD / run.Ledger.TotalUSD.Value})
		}
		run.Where = append(run.Where, usd)
	}
}

var kindNames = []struct {
	kind result.Kind
	name string
}{{result.KindCompute, "matrix work and attention"}, {result.KindCompute2, "other kernels"}, {result.KindScaleUp, "scale-up link"}, {result.KindNetwork, "network"}, {result.KindStorage, "storage"}, {result.KindWait, "waiting and overhead"}}

func (e *evaluation) kindBar(name string, parts []result.StepPart) result.Bar {
	bar := result.Bar{Name: name}
	total := 0.0
	for _, p := range parts {
		total += p.Seconds
	}
	for _, k := range kindNames {
		sum := 0.0
		for _, p := range parts {
			if p.Kind == k.kind {
				sum += p.Seconds
			}
		}
		if sum > 0 {
			bar.Parts = append(bar.Parts, result.Share{Name: k.name, Kind: k.kind, Share: sum / total, Hatch: k.kind == result.KindWait})
		}
	}
	return bar
}

// evidence is what the run rests on: rungs, assumptions, warnings.
func (e *evaluation) evidence(run *result.Run) {
	f, w := e.nominal, e.w
	rungs := map[string]*result.RungShare{}
	var order []string
	for i := range w.Placed {
		if s := f.Steps[i]; s != nil {
			for _, r := range s.RungShares {
				if rungs[r.Rung] == nil {
					rungs[r.Rung] = &result.RungShare{Rung: r.Rung, Pedigree: r.Pedigree}
					order = append(order, r.Rung)
				}
				rungs[r.Rung].Share += r.Share / float64(len(w.Placed))
			}
			continue
		}
		name := f.Device.Rung
		if rungs[name] == nil {
			p := result.Derived
			if name == "datasheet roofline" {
				p = result.Datasheet
			}
			rungs[name] = &result.RungShare{Rung: name, Pedigree: p}
			order = append(order, name)
		}
		rungs[name].Share += 1 / float64(len(w.Placed))
	}
	for _, name := range order {
		run.Rungs = append(run.Rungs, *rungs[name])
	}
	seen := map[string]bool{}
	add := func(as ...result.Assumption) {
		for _, a := range as {
			if !seen[a.Name] && a.Name != "" {
				seen[a.Name] = true
				run.Assumptions = append(run.Assumptions, a)
			}
		}
	}
	if len(run.Workloads) > 0 {
		// First what carries the interval of the first workload's objective.
		wl := &run.Workloads[0]
		for k, d := range e.drivers(wl.ID + "." + wl.Objective) {
			if k < 8 {
				add(result.Assumption{Name: d.name, Value: d.text, Pedigree: d.kind, Source: d.src, Weight: d.share})
			}
		}
	}
	for _, ln := range run.Ledger.Lines {
		if ln.CapexUSD > 0 && ln.Source != "" {
			add(result.Assumption{Name: "price of " + strings.ToLower(ln.Item[:1]) + ln.Item[1:], Value: ln.Basis, Pedigree: ln.Pedigree, Source: ln.Source})
		}
	}
	for i := range w.Placed {
		if a := w.Placed[i].Arch; a.Assumed != "" {
			add(result.Assumption{Name: "attention of " + a.ID, Value: a.Assumed, Pedigree: result.Assumed, Source: "docs/models/serving.md"})
		}
		if s := f.Steps[i]; s != nil {
			add(s.Assumed...)
		}
	}
	add(f.Device.Assumptions...)
	add(w.Scenario.Assumptions()...)
	for i := range w.Placed {
		p := &w.Placed[i]
		if p.Requests == nil || p.Requests.Covered(1) >= f.Covered(i) {
			continue
		}
		add(result.Assumption{Name: p.ID + ": requests of futures beside the nominal one", Value: fmt.Sprintf("the first %.3g %% of them", 100*p.Requests.Covered(1)), Pedigree: result.Assumed,
			Source: "a steady load: what spreads from future to future shows in 200,000 requests; searches for loads in pairs of futures take 10,000"})
	}
	for _, st := range f.Stores {
		add(st.Assumptions()...)
	}
	if w.Scenario.Faults != nil {
		add(result.Assumption{Name: "spread of the failure rate", Value: "±15 % (one standard deviation)", Pedigree: result.Assumed, Source: "between the count error of the Llama 3 report and the spread of published fleets"},
			result.Assumption{Name: "spread of the recovery time", Value: "±20 % (one standard deviation)", Pedigree: result.Assumed, Source: "no published spread"})
	}
	warn := func(what, why, effect string) {
		run.Warnings = append(run.Warnings, result.Warning{What: what, Why: why, Effect: effect})
	}
	for _, st := range f.Stores {
		for _, s := range st.Warnings() {
			warn("Store "+st.ID()+": "+s, "what the pool can survive or serve differs from what its size suggests", "not simulated in this run")
		}
	}
	run.Warnings = append(run.Warnings, w.Warnings...)
	for i := range w.Placed {
		p := &w.Placed[i]
		if s := f.Steps[i]; s != nil {
			for _, m := range s.Memory {
				if m.TotalGiB > 0.95*m.UsableGiB {
					warn(fmt.Sprintf("%s of %s uses %.0f %% of the device memory", m.Name, p.ID, 100*m.TotalGiB/m.UsableGiB), "the allocator's peaks are predicted within some percent", "the run may fail with out of memory")
					break
				}
			}
		}
		if prep := f.Services[i]; prep != nil && prep.Model != nil {
			if c := &prep.Config; prep.Model.Arithmetic != c.Precision {
				warn(fmt.Sprintf("%s: weights are kept in %s and widened to %s", p.ID, c.Precision, prep.Model.Arithmetic), w.Chip.ID+" has no units for "+c.Precision.String(), "matrices are multiplied no faster than in the wider format")
			}
		}
		if o := f.Served[i]; o != nil {
			if o.Utilisation > 0.9 && o.Attainment < 0.9 && p.SLO != nil {
				warn(fmt.Sprintf("%s is overloaded: %.0f %% of the requests are within the service level", p.ID, 100*o.Attainment), "queues grow for as long as the load lasts, so latencies depend on its duration", "percentiles are those of this duration only")
			}
			if o.Lost > 0 {
				warn(fmt.Sprintf("%d of %d requests of %s were never answered", o.Lost, o.Requests, p.ID), lostWhy(o), "they count as missed")
			}
		}
	}
	if w.Scenario.Edge == nil && len(w.Graph.Levels()) > 1 && hasCampaign(w) && w.Scenario.Cluster.Fabric.Model != "packet" {
		warn("Congestion between the flows of one collective is solved as a fluid", "queues, credits and packet losses are not simulated at this rung", "small messages may take longer; large ones by a few percent")
	}
}

// narrowest is the stage of a storage path that is slowest.
func narrowest(stages []storage.Stage) int {
	best := -1
	for i, s := range stages {
		if best < 0 || s.BytesPerSec < stages[best].BytesPerSec {
			best = i
		}
	}
	return best
}

// lostWhy says why requests of a service were never answered, each cause with its number.
func lostWhy(o *serving.Outcome) string {
	var why []string
	if o.TooLong > 0 {
		limit := "its context"
		if o.MaxTokens == o.Memory.Tokens {
			limit = "the cache of a replica"
		}
		why = append(why, fmt.Sprintf("%d are longer than the %d tokens of prompt and output that %s holds (the longest has %d)", o.TooLong, o.MaxTokens, limit, o.Longest))
	}
	if o.Shed > 0 {
		why = append(why, fmt.Sprintf("%d were turned away by max_queue", o.Shed))
	}
	if o.TimedOut > 0 {
		why = append(why, fmt.Sprintf("%d were given up by their clients (timeout)", o.TimedOut))
	}
	if rest := o.Lost - o.TooLong - o.Shed - o.TimedOut; rest > 0 {
		why = append(why, fmt.Sprintf("%d found no replica that was up", rest))
	}
	return strings.Join(why, "; ")
}
