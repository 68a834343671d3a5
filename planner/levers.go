package planner

import (
	"context"
	"fmt"
	"sort"

	"aisim/economics"
	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/topology"
)

// lever is one change that a planner can make: what it is, what it does to the
// resources, and what it costs to buy.
type lever struct {
	action, detail, condition string
	change                    scenarios.Change
	world                     *scenarios.World         // that it makes; nil: the one there is
	doubt                     float64                  // standard deviation of its gain that no replica draws
	capital                   func(a *account) float64 // USD, of the base future's bill
	lifeYears                 float64
	together                  bool
}

// levers are the changes that make sense for a world.
func levers(w *scenarios.World) []lever {
	var ls []lever
	free := func(*account) float64 { return 0 }
	campaigns := false
	for _, p := range w.Placed {
		campaigns = campaigns || p.Training != nil
	}
	if f := w.Scenario.Faults; f != nil && campaigns && f.RecoverySec > 0 {
		ls = append(ls, lever{action: fmt.Sprintf("Find failures and restart in a third of the time (%.0f s in all)", (f.DetectionSec+f.RecoverySec)/3),
			detail: "warm spares, kept processes, communicators built ahead", condition: "engineering time is not counted", change: scenarios.Change{scenarios.Recovery: 3}, capital: free})
	}
	owned := w.Scenario.Economics.Mode == "buy" // nobody adds switches to a cloud
	stores := false
	for _, st := range w.Scenario.Storage {
		stores = stores || st.Kind != "object"
	}
	if stores && owned && campaigns {
		ls = append(ls, lever{action: "Twice the storage nodes", detail: "drives, ports and cores of every store", change: scenarios.Change{scenarios.StorageDrives: 2, scenarios.StorageNetwork: 2, scenarios.StorageCPU: 2},
			capital: capitalOf("Storage servers", "Metadata servers", "Drives"), lifeYears: storageLifeYears})
	}
	for i, o := range w.Scenario.Cluster.Fabric.Oversubscription {
		if o > 1 && owned && campaigns {
			l := topology.LeafLevel + topology.LevelID(i)
			ls = append(ls, lever{action: fmt.Sprintf("Full bandwidth from %s", levelName(w, l)), detail: fmt.Sprintf("oversubscription 1:%g removed", o), change: scenarios.Change{l.Key(): o},
				capital: levelCapital(w, l, o), lifeYears: networkLifeYears})
		}
	}
	if campaigns && owned && w.NIC.Known() && len(w.Graph.Levels()) > 1 {
		ls = append(ls, lever{action: fmt.Sprintf("NICs and switches of %.0f Gb/s", 2*w.NIC.V*8/1e9), detail: "every level of the fabric twice as fast; priced as the network once more",
			change: scenarios.Change{scenarios.NIC: 2, scenarios.Leaf: 2, scenarios.Spine: 2, scenarios.Core: 2}, capital: capitalOf("Switches", "Cables and optics"), lifeYears: networkLifeYears})
	}
	return ls
}

// together is a set of levers pulled at once: gains overlap, so that it is simulated as one.
func together(parts []*lever, of int) lever {
	out := lever{action: "All together", detail: "simulated as one: gains overlap", change: scenarios.Change{}, lifeYears: networkLifeYears, together: true}
	if len(parts) < of {
		out.action = fmt.Sprintf("The best set of them, %d of %d", len(parts), of)
		out.detail = ""
		for k, l := range parts {
			if k > 0 {
				out.detail += "; "
			}
			out.detail += l.action
		}
	}
	for _, l := range parts {
		for k, v := range l.change {
			if v > out.change.Of(k) {
				out.change[k] = v
			}
		}
		if l.world != nil {
			out.world, out.doubt = l.world, l.doubt
		}
	}
	out.capital = func(a *account) float64 {
		sum := 0.0
		for _, l := range parts {
			sum += l.capital(a)
		}
		return sum
	}
	return out
}

// costChange is the mean relative change of the unit cost that a lever brings, NaN where
// nothing is known.
func (e *evaluation) costChange(k int) float64 {
	sum, n := 0.0, 0.0
	for i, p := range e.levered[k] {
		if p == nil || e.base[i] == nil {
			continue
		}
		key, before := unitCost(e.base[i], e.w)
		if key == "" {
			continue
		}
		_, after := unitCost(p, e.w)
		after *= e.levers[k].totalWith(e.base[i].account, p.m.values[result.MetricLedgerTotal]) / p.m.values[result.MetricLedgerTotal]
		sum, n = sum+after/before-1, n+1
	}
	return sum / n
}

// benches are a goroutine's, by world.
type benches map[*scenarios.World]*scenarios.Bench

func (b benches) of(w *scenarios.World) *scenarios.Bench {
	if b[w] == nil {
		b[w] = w.NewBench()
	}
	return b[w]
}

// pull plays a lever in one replica.
func (e *evaluation) pull(k, i int, b benches) error {
	l, w := &e.levers[k], e.w
	if l.world != nil {
		w = l.world
	}
	f, err := b.of(w).Sample(i).Play(l.change)
	if err != nil {
		return err
	}
	e.levered[k][i], err = e.see(f, e.base[i], i < pairedCapacity && e.w.Placed[0].Serving != nil) // of others nobody asks
	return err
}

// sets plays the levers that are worth their price together: the best two, the best
// three, and so on, since the gains of what comes later shrink. Which set is best shows in
// the end.
func (e *evaluation) sets(ctx context.Context) error {
	var order []int
	for k := range e.levers {
		if d := e.costChange(k); d < 0 {
			order = append(order, k)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return e.costChange(order[a]) < e.costChange(order[b]) })
	single := len(e.levers)
	var parts []*lever
	for _, k := range order {
		l := e.levers[k]
		parts = append(parts, &l)
		if len(parts) > 1 {
			e.levers = append(e.levers, together(append([]*lever(nil), parts...), single))
			e.levered = append(e.levered, make([]*point, min(len(e.base), leverReplicas)))
		}
	}
	n := min(len(e.base), leverReplicas)
	jobs := (len(e.levers) - single) * n
	e.total.Add(int64(jobs))
	errs := make([]error, jobs)
	parallel(e.opt.Workers, jobs, func() func(int) {
		benches := benches{}
		return func(j int) {
			k, i := single+j/n, j%n
			if ctx.Err() != nil || e.base[i] == nil {
				return
			}
			errs[j] = e.pull(k, i, benches)
			e.tick(1)
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// levelName is "spine to core".
func levelName(w *scenarios.World, l topology.LevelID) string {
	for _, lv := range w.Graph.Levels() {
		if lv.ID == l {
			return lv.Name
		}
	}
	return l.Key()
}

// capitalOf sums the purchase price of the lines that begin with one of the names.
func capitalOf(items ...string) func(*account) float64 {
	return func(a *account) float64 {
		sum := 0.0
		for _, as := range a.bill.Assets {
			for _, it := range items {
				if len(as.Item) >= len(it) && as.Item[:len(it)] == it {
					sum += as.Count * as.Unit.USD
				}
			}
		}
		return sum
	}
}

// levelCapital is the price of the cables, and of the switches above them, that removing
// an oversubscription adds.
func levelCapital(w *scenarios.World, l topology.LevelID, over float64) func(*account) float64 {
	return func(a *account) float64 {
		cables := float64(w.Graph.Cables(l)) * (over - 1)
		_, counts := w.Graph.Switches()
		above := 0.0
		if len(counts) > 0 {
			above = float64(counts[len(counts)-1]) * (over - 1)
		}
		sum := 0.0
		for _, as := range a.bill.Assets {
			switch as.Item {
			case "Switches":
				sum += above * as.Unit.USD
			case "Cables and optics":
				sum += cables * as.Unit.USD
			}
		}
		return sum
	}
}

// totalWith is what the period costs with a lever's capital added.
func (l *lever) totalWith(base *account, total float64) float64 {
	usd := l.capital(base)
	if usd == 0 || l.lifeYears == 0 {
		return total
	}
	years := base.bill.PeriodSec / economics.SecPerYear
	return total + years*(economics.Annuity(usd, base.bill.CostOfCapital, l.lifeYears, 0)+usd*base.bill.MaintenancePerYear)
}
