package planner

import (
	"fmt"

	"aisim/economics"
	"aisim/scenarios"
	"aisim/topology"
)

// lever is one change that a planner can make: what it is, what it does to the
// resources, and what it costs to buy.
type lever struct {
	action, detail, condition string
	change                    scenarios.Change
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
			capital: capitalOf("Storage servers", "Drives"), lifeYears: storageLifeYears})
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
	if len(ls) > 1 {
		all := lever{action: "All together", detail: "simulated as one: gains overlap", change: scenarios.Change{}, lifeYears: networkLifeYears, together: true}
		for _, l := range ls {
			for k, v := range l.change {
				if v > all.change.Of(k) {
					all.change[k] = v
				}
			}
		}
		parts := ls
		all.capital = func(a *account) float64 {
			sum := 0.0
			for _, l := range parts {
				sum += l.capital(a)
			}
			return sum
		}
		ls = append(ls, all)
	}
	return ls
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
	years := base.bill.PeriodSec / (8766 * 3600)
	return total + years*(economics.Annuity(usd, base.bill.CostOfCapital, l.lifeYears, 0)+usd*base.bill.MaintenancePerYear)
}
