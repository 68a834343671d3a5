package planner

import (
	"fmt"
	"math"

	"aisim/economics"
	"aisim/hardware"
	"aisim/internal/result"
	"aisim/scenarios"
	"aisim/topology"
)

// switchCount is the number of switches of the fabric; edge sites have one each.
func switchCount(f *scenarios.Future) float64 {
	if e := f.World.Scenario.Edge; e != nil {
		return float64(e.Sites)
	}
	n := 0.0
	_, counts := f.Graph.Switches()
	for _, c := range counts {
		n += float64(c)
	}
	return n
}

// loads are the electrical loads of a future, mean over its period and at their peak, and
// the mean watts of each workload's own servers.
func loads(f *scenarios.Future) (all []economics.Load, own []float64, err error) {
	w := f.World
	perServer := float64(w.Server.AcceleratorCount)
	chips := economics.Load{Name: "Accelerators", Kind: result.KindIT}
	hosts := economics.Load{Name: "Hosts: CPU, memory, NICs, fans", Kind: result.KindIT}
	rest := hostWatts(f, w.Server, f.Device)
	used := 0.0
	add := func(nodes, perServer, rest, busy float64, dev *hardware.Device) float64 {
		c, h := nodes*perServer*dev.Power(busy), nodes*rest*derate(busy)
		chips.MeanWatts += c
		hosts.MeanWatts += h
		return c + h
	}
	own = make([]float64, len(w.Placed))
	nodes := float64(w.Scenario.Cluster.Nodes)
	chips.PeakWatts = nodes * perServer * f.Device.MaxWatts
	hosts.PeakWatts = nodes * rest
	for i := range w.Placed {
		if w.Host(i) != i {
			continue // with its host
		}
		n := float64(w.Placed[i].NodeCount)
		used += n
		if guests := w.Guests(i); len(guests) > 1 {
			busy, parts := guestsBusy(f, guests)
			watts := add(n, perServer, rest, busy/(n*perServer), f.Device)
			for k, j := range guests {
				own[j] = watts * parts[k]
			}
			continue
		}
		if p := w.Placed[i].Prefill; p != nil {
			dev, m := f.Pools[i], float64(p.Nodes)
			each, host := float64(p.Server.AcceleratorCount), hostWatts(f, p.Server, dev)
			own[i] += add(m, each, host, f.Served[i].Prefill.Utilisation, dev)
			if p.Own {
				n -= m
			} else {
				chips.PeakWatts += m * each * dev.MaxWatts
				hosts.PeakWatts += m * host
			}
		}
		own[i] += add(n, perServer, rest, busyShare(f, i), f.Device)
	}
	holds, err := f.QueueHolds()
	if err != nil {
		return nil, nil, err
	}
	for _, h := range holds {
		n := float64(h.Nodes) * h.Held
		used += n
		add(n, perServer, rest, h.KernelShare, f.Device)
	}
	chips.MeanWatts += (nodes - used) * perServer * f.Device.IdleWatts
	hosts.MeanWatts += (nodes - used) * rest * derate(0)
	all = []economics.Load{chips}
	if hosts.PeakWatts > 0 {
		all = append(all, hosts)
	}
	if l, ok := networkLoad(f); ok {
		all = append(all, l)
	}
	sto := economics.Load{Name: "Storage", Kind: result.KindStorage}
	for k, sys := range f.Stores {
		sto.MeanWatts += sys.Watts(storeBusy(f, k))
		sto.PeakWatts += sys.Watts(1)
	}
	if sto.PeakWatts > 0 {
		all = append(all, sto)
	}
	return all, own, nil
}

// guestsBusy is how many accelerators services on the same nodes keep busy in the mean, and the
// part of each: of the work, or of the accelerators where none works.
func guestsBusy(f *scenarios.Future, guests []int) (busy float64, parts []float64) {
	bear := 0.0
	for _, i := range guests {
		p := &f.World.Placed[i]
		parts = append(parts, busyShare(f, i)*float64(p.Accelerators()))
		busy += parts[len(parts)-1]
		bear += p.Bear
	}
	for k, i := range guests {
		if busy > 0 {
			parts[k] /= busy
		} else {
			parts[k] = f.World.Placed[i].Bear / bear
		}
	}
	return busy, parts
}

// hostWatts is what a server draws besides its accelerators, at most.
func hostWatts(f *scenarios.Future, server *hardware.Server, dev *hardware.Device) float64 {
	if !server.PowerMax.Known() {
		return 0
	}
	return math.Max(0, f.Sample.Draw("server/"+server.ID+"/power", server.PowerMax)-float64(server.AcceleratorCount)*dev.LimitWatts)
}

// derate is the share of its nameplate that the rest of a server draws at a load:
// 0.20 at a tenth to 0.95 at full load, nearly straight (GreenSKU's SPEC table).
func derate(load float64) float64 { return 0.12 + 0.83*load }

// busyShare is the share of the period in which the accelerators of a workload run kernels.
func busyShare(f *scenarios.Future, i int) float64 {
	if s := f.Steps[i]; s != nil {
		waiting := 0.0
		for _, p := range s.Parts {
			if p.Kind == result.KindWait || p.Waiting {
				waiting += p.Seconds
			}
		}
		o := f.Campaign[i]
		working := 0.0
		for _, c := range []int{0, 1} { // useful work and work done again
			working += o.Losses[c]
		}
		return (1 - waiting/s.Seconds) * working / o.EndSec
	}
	return f.Served[i].Utilisation
}

func networkLoad(f *scenarios.Future) (economics.Load, bool) {
	w := f.World
	l := economics.Load{Name: "Network: switches and optics", Kind: result.KindNetwork}
	id := w.Scenario.Cluster.Fabric.Switch
	if id == "" {
		return l, false
	}
	sw, err := w.Catalogue.Interconnect(id)
	if err != nil {
		return l, false
	}
	typical, most := sw.PowerTypical, sw.PowerMax
	typical, most = typical.Or(most), most.Or(typical)
	n, ports := switchCount(f), 0.0
	for _, lv := range f.Graph.Levels() {
		if lv.ID != topology.ScaleUpLevel {
			ports += 2 * float64(f.Graph.Cables(lv.ID))
		}
	}
	watts := n * f.Sample.Draw("switch/"+id+"/power", typical)
	l.MeanWatts = watts + ports*opticWattsPerPort
	l.PeakWatts = math.Max(n*most.V, watts) + ports*opticWattsPerPort
	return l, l.PeakWatts > 0
}

// storeBusy is the share of the period in which a store moves bytes for a workload.
func storeBusy(f *scenarios.Future, k int) float64 {
	busy, sec := 0.0, period(f)
	for _, m := range f.Moves {
		if m.Store != k {
			continue
		}
		if o := f.Campaign[m.Placed]; o != nil {
			switch m.Use {
			case "checkpoint":
				busy += float64(o.Checkpoints) * o.WriteSec
			case "restore":
				busy += float64(o.FailureCount()) * o.RestoreSec
			}
		}
	}
	return math.Min(1, busy/sec)
}

// carbon fills in the grid and what was emitted to make the machine.
func (a *account) carbon(f *scenarios.Future) error {
	w, b, e := f.World, &a.bill, &f.World.Scenario.Economics
	switch {
	case e.GramsPerKWhByHour != nil:
		b.CarbonBasis = "location-based, by hour as given"
	case e.GramsPerKWh != nil:
		b.CarbonGPerKWh, b.CarbonBasis = *e.GramsPerKWh, "location-based, as given"
	case e.Region != "":
		g, err := w.Catalogue.Grid(e.Region)
		if err != nil {
			return err
		}
		b.CarbonGPerKWh = f.Sample.Draw("economics/grid", g)
		b.CarbonBasis = fmt.Sprintf("location-based, %s at %.0f g/kWh", e.Region, g.V)
	}
	kg := draw(f, "embodied", serverEmbodiedKg, result.Assumed, 0.4) / 8
	b.Embodied = append(b.Embodied, economics.Embodied{Name: "Servers", KgEach: kg * float64(w.Server.AcceleratorCount), Count: float64(w.Scenario.Cluster.Nodes), LifeYears: e.Years})
	for i := range w.Placed {
		if p := w.Placed[i].Prefill; p != nil && !p.Own {
			b.Embodied = append(b.Embodied, economics.Embodied{Name: "Servers of " + w.Placed[i].ID + ".prefill", KgEach: kg * float64(p.Server.AcceleratorCount), Count: float64(p.Nodes), LifeYears: e.Years})
		}
	}
	for _, sys := range f.Stores {
		for _, d := range sys.Devices() {
			if d.Role != "drive" && !d.Included {
				b.Embodied = append(b.Embodied, economics.Embodied{Name: "Storage servers", KgEach: storageEmbodiedKg, Count: float64(d.Count), LifeYears: storageLifeYears})
			}
		}
	}
	return nil
}

// meterWatts is the mean power at the meter of one workload: of its own servers, and its
// share of the network and the stores.
func (a *account) meterWatts(i int) float64 {
	it := a.own[i]
	for _, l := range a.bill.Loads {
		if l.Kind != result.KindIT {
			it += l.MeanWatts * a.shares[i]
		}
	}
	return it * a.ledger.PUE
}
