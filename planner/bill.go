package planner

import (
	"fmt"
	"math"

	"aisim/economics"
	"aisim/hardware"
	"aisim/internal/result"
	"aisim/internal/units"
	"aisim/scenarios"
	"aisim/storage"
	"aisim/topology"
)

// account is the money, power and carbon of one future.
type account struct {
	bill   economics.Bill
	ledger *economics.Ledger
	shares []float64 // of the accelerators, by placed workload
	reason string    // why there is no money, empty when there is
}

// Facts that no catalogue row gives; each is on the page docs/models/economics.md.
const (
	storageLifeYears  = 5.0
	networkLifeYears  = 5.0
	usdPerTBFlash     = 110.0 // enterprise NVMe, planning assumption
	usdPerGbps        = 3.91  // the one priced switch of the catalogue: 200,000 USD for 51.2 Tb/s
	opticPairUSD      = 1500.0
	opticWattsPerPort = 8.5 // a 400G module (catalogue, osfp-400g-dr4)
	serverEmbodiedKg  = 2512.0
	storageEmbodiedKg = 1283.0
)

// newAccount makes the bill of a future.
func newAccount(f *scenarios.Future) (*account, error) {
	w := f.World
	a := &account{shares: make([]float64, len(w.Placed))}
	for i := range w.Placed {
		a.shares[i] = float64(len(w.Placed[i].Chips)) / float64(w.Chips())
	}
	e := &w.Scenario.Economics
	b := &a.bill
	b.Mode = e.Mode
	b.PeriodSec = period(f)
	b.CostOfCapital, b.MaintenancePerYear, b.StraightLine = e.CostOfCapital, e.Maintenance, e.Depreciation == "straight-line"
	b.PUE, b.Tariff = e.PUE, economics.Price{USD: e.USDPerKWh, Pedigree: result.Assumed, Source: "scenario"}
	b.Loads = loads(f)
	if err := a.carbon(f); err != nil {
		return nil, err
	}
	a.deliver(f)
	var err error
	if e.Mode == "rent" {
		err = a.rent(f)
	} else {
		err = a.buy(f)
	}
	if err != nil {
		// Without prices the rest still holds: power and carbon are worked out, money is not.
		a.reason = err.Error()
		b.Assets, b.Rentals = nil, nil
	}
	if a.ledger, err = economics.Compute(b); err != nil {
		return nil, err
	}
	return a, nil
}

// period is what the money is for: the longest workload.
func period(f *scenarios.Future) float64 {
	sec := 0.0
	for i := range f.World.Placed {
		sec = math.Max(sec, workloadSec(f, i))
	}
	return sec
}

// draw picks an uncertain value of this future's sample.
func draw(f *scenarios.Future, name string, v float64, kind result.Pedigree, sd float64) float64 {
	return f.Sample.Draw("economics/"+name, hardware.Value{V: v, Kind: kind, RelSD: sd})
}

// given is a scenario's own figure, without uncertainty.
func given(usd float64) economics.Price {
	return economics.Price{USD: usd, Pedigree: result.Assumed, Source: "scenario"}
}

// buy lists what is bought and run.
func (a *account) buy(f *scenarios.Future) error {
	w, b, e := f.World, &a.bill, &f.World.Scenario.Economics
	server, err := w.Catalogue.ServerPrice(w.Server.ID)
	if w.Server.Price.Known() {
		server, err = w.Server.Price, nil
	}
	if e.Prices.ServerUSD != nil {
		server, err = hardware.Value{V: *e.Prices.ServerUSD, Kind: result.Assumed, Source: "scenario", RelSD: 0.05}, nil
	}
	if err != nil {
		return err
	}
	nodes := float64(w.Scenario.Cluster.Nodes)
	b.Assets = append(b.Assets, economics.Asset{Item: "Servers", Kind: result.KindIT, Count: nodes, LifeYears: e.Years, Residual: e.Residual, IT: true,
		Unit: economics.Price{USD: f.Sample.Draw("economics/server", server), Pedigree: server.Kind, Source: server.Source}})
	a.network(f)
	a.stores(f)
	b.ColocationUSDPerKWMon = given(draw(f, "colocation", e.USDPerKWMonth, result.Assumed, 0.15))
	b.Tariff.USD = draw(f, "tariff", e.USDPerKWh, result.Assumed, 0.10)
	b.SoftwareUSDPerYear = given(e.SoftwareUSDPerYr)
	if s := e.Staff; s != nil {
		usd := s.Value
		if s.Dim == units.People {
			usd = s.Value * e.USDPerPersonYear
		}
		b.StaffUSDPerYear = given(usd)
	}
	return nil
}

// network lists switches and cables.
func (a *account) network(f *scenarios.Future) {
	w, b, e := f.World, &a.bill, &f.World.Scenario.Economics
	switches := switchCount(f)
	if switches > 0 && w.Scenario.Cluster.Fabric.Switch != "" {
		price := hardware.Value{Kind: result.Assumed, Source: "scenario", RelSD: 0.05}
		if e.Prices.SwitchUSD != nil {
			price.V = *e.Prices.SwitchUSD
		} else if sw, err := w.Catalogue.Interconnect(w.Scenario.Cluster.Fabric.Switch); err == nil && sw.Price.Known() {
			price = sw.Price
		} else if err == nil {
			price = hardware.Value{V: sw.Aggregate.V * 8 / 1e9 * usdPerGbps, Kind: result.Assumed, RelSD: 0.35, Source: "scaled by bandwidth from the catalogue's one priced switch (eth-64x800g-priced)"}
		}
		b.Assets = append(b.Assets, economics.Asset{Item: "Switches", Kind: result.KindIT2, Count: switches, LifeYears: networkLifeYears, Residual: e.Residual, IT: true,
			Unit: economics.Price{USD: f.Sample.Draw("economics/switch", price), Pedigree: price.Kind, Source: price.Source}})
	}
	cables := 0.0
	for _, l := range f.Graph.Levels() {
		if l.ID != topology.ScaleUpLevel {
			cables += float64(f.Graph.Cables(l.ID))
		}
	}
	if cables > 0 {
		price := hardware.Value{V: opticPairUSD, Kind: result.Assumed, RelSD: 0.25, Source: "two 400G DR4 modules of 700 USD and a 100 USD fibre (catalogue osfp-400g-dr4, mpo-fibre)"}
		if e.Prices.LinkUSD != nil {
			price = hardware.Value{V: *e.Prices.LinkUSD, Kind: result.Assumed, Source: "scenario", RelSD: 0.05}
		}
		b.Assets = append(b.Assets, economics.Asset{Item: "Cables and optics", Kind: result.KindIT2, Count: cables, LifeYears: networkLifeYears, Residual: 0, IT: true,
			Unit: economics.Price{USD: f.Sample.Draw("economics/link", price), Pedigree: price.Kind, Source: price.Source}})
	}
}

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

// stores lists storage servers and drives, and what is rented.
func (a *account) stores(f *scenarios.Future) {
	w, b, e := f.World, &a.bill, &f.World.Scenario.Economics
	for k, sys := range f.Stores {
		st := &w.Scenario.Storage[k]
		if st.Kind == "object" {
			if st.USDPerGBMonth > 0 {
				bytes := stored(f, k)
				b.Rentals = append(b.Rentals, economics.Rental{Item: "Object store " + st.ID, Kind: result.KindIT2, Count: bytes / 1e9, PerMonth: true, PerHour: given(st.USDPerGBMonth),
					Basis: fmt.Sprintf("%.4g TB kept at %.4g USD/GB-month", bytes/1e12, st.USDPerGBMonth)})
			}
			continue
		}
		for _, d := range sys.Devices() {
			if d.Included {
				continue
			}
			asset := economics.Asset{Kind: result.KindIT2, Count: float64(d.Count), LifeYears: storageLifeYears, Residual: e.Residual, IT: true}
			price := hardware.Value{Kind: result.Assumed, RelSD: 0.25}
			switch d.Role {
			case "drive":
				asset.Item = "Drives of " + st.ID
				drive, err := w.Catalogue.Drive(d.ID)
				if err != nil {
					continue
				}
				price.V, price.Source = drive.Capacity.V/1e12*usdPerTBFlash, "planning assumption of 110 USD/TB for enterprise flash: ask for a quote"
				if drive.PricePerTB.Known() {
					price = drive.PricePerTB
					price.V *= drive.Capacity.V / 1e12
				}
				if e.Prices.StorageNodeUSD != nil {
					continue // the node's price includes its drives
				}
			default:
				asset.Item = "Storage servers of " + st.ID
				if p, err := w.Catalogue.ServerPrice(d.ID); err == nil {
					price = p
				} else {
					price.V, price.Source = 15000, "planning assumption for a 2U storage server without drives: ask for a quote"
				}
				if e.Prices.StorageNodeUSD != nil {
					price = hardware.Value{V: *e.Prices.StorageNodeUSD, Kind: result.Assumed, Source: "scenario", RelSD: 0.05}
				}
			}
			asset.Unit = economics.Price{USD: f.Sample.Draw("economics/"+asset.Item, price), Pedigree: price.Kind, Source: price.Source}
			b.Assets = append(b.Assets, asset)
		}
	}
}

// stored is what the workloads keep in a store: two checkpoints and the data they read.
func stored(f *scenarios.Future, k int) float64 {
	id, bytes := f.World.Scenario.Storage[k].ID, 0.0
	for i := range f.World.Placed {
		p := &f.World.Placed[i]
		if p.Checkpoint != nil && p.Checkpoint.To == id {
			bytes += 2 * f.Steps[i].CheckpointBytes
		}
		if p.Dataset != nil && p.Dataset.From == id {
			bytes += f.Steps[i].InputBytes * f.Campaign[i].Steps
		}
		if p.LoadFrom == id {
			bytes += p.Arch.WeightBytes(p.DType)
		}
	}
	return bytes
}

// rent lists what is rented. Power is the provider's.
func (a *account) rent(f *scenarios.Future) error {
	w, b, e := f.World, &a.bill, &f.World.Scenario.Economics
	r := e.Rent
	inst, err := w.Catalogue.Instance(r.Instance)
	if err != nil {
		return err
	}
	price := map[string]hardware.Value{"on-demand": inst.OnDemand, "one-year": inst.OneYear, "three-year": inst.ThreeYear, "spot": inst.Spot}[r.Purchase]
	if r.USDPerHour != nil {
		price = hardware.Value{V: *r.USDPerHour, Kind: result.Assumed, Source: "scenario"}
	}
	if !price.Known() {
		return fmt.Errorf("the catalogue has no %s price of %s; set economics.rent.price", r.Purchase, r.Instance)
	}
	each := inst.AcceleratorCount
	if inst.PerChip {
		each = 1
	}
	if each == 0 {
		return fmt.Errorf("instance %s has no accelerators", r.Instance)
	}
	if inst.AcceleratorID != w.Chip.ID {
		return fmt.Errorf("instance %s has %s, the cluster's servers have %s", r.Instance, inst.AcceleratorID, w.Chip.ID)
	}
	n := math.Ceil(float64(w.Chips()) / float64(each))
	b.RentedPower = true
	b.Rentals = append(b.Rentals, economics.Rental{Item: "Instances", Kind: result.KindIT, Count: n,
		PerHour: economics.Price{USD: f.Sample.Draw("economics/instance", price), Pedigree: price.Kind, Source: price.Source},
		Basis:   fmt.Sprintf("%.0f × %s %s at %.4g USD/h", n, inst.Name, r.Purchase, price.V)})
	if r.StorageBytes > 0 {
		b.Rentals = append(b.Rentals, economics.Rental{Item: "Object storage", Kind: result.KindIT2, Count: r.StorageBytes / 1e9, PerMonth: true, PerHour: given(r.StorageUSDPerGBMonth),
			Basis: fmt.Sprintf("%.4g TB at %.4g USD/GB-month", r.StorageBytes/1e12, r.StorageUSDPerGBMonth)})
	}
	if r.EgressBytes > 0 {
		hours := b.PeriodSec / 3600
		b.Rentals = append(b.Rentals, economics.Rental{Item: "Egress", Kind: result.KindIT2, Count: r.EgressBytes / 1e9, PerHour: given(r.EgressUSDPerGB / hours),
			Basis: fmt.Sprintf("%.4g TB at %.4g USD/GB", r.EgressBytes/1e12, r.EgressUSDPerGB)})
	}
	a.stores(f)
	b.Assets = nil // a cloud's disks are not bought
	b.SoftwareUSDPerYear = given(e.SoftwareUSDPerYr)
	return nil
}

// loads are the electrical loads of a future, mean over its period and at their peak.
func loads(f *scenarios.Future) []economics.Load {
	w := f.World
	perServer := float64(w.Server.AcceleratorCount)
	chips := economics.Load{Name: "Accelerators", Kind: result.KindIT}
	hosts := economics.Load{Name: "Hosts: CPU, memory, NICs, fans", Kind: result.KindIT}
	rest := 0.0
	if w.Server.PowerMax.Known() {
		rest = math.Max(0, f.Sample.Draw("server/"+w.Server.ID+"/power", w.Server.PowerMax)-perServer*f.Device.MaxWatts)
	}
	nodes := float64(w.Scenario.Cluster.Nodes)
	chips.PeakWatts = nodes * perServer * f.Device.MaxWatts
	hosts.PeakWatts = nodes * rest
	used := 0.0
	for i := range w.Placed {
		n := float64(w.Placed[i].NodeCount)
		busy := busyShare(f, i)
		chips.MeanWatts += n * perServer * f.Device.Power(busy)
		hosts.MeanWatts += n * rest * derate(busy)
		used += n
	}
	chips.MeanWatts += (nodes - used) * perServer * f.Device.IdleWatts
	hosts.MeanWatts += (nodes - used) * rest * derate(0)
	out := []economics.Load{chips}
	if rest > 0 {
		out = append(out, hosts)
	}
	if l, ok := networkLoad(f); ok {
		out = append(out, l)
	}
	sto := economics.Load{Name: "Storage", Kind: result.KindStorage}
	for k, sys := range f.Stores {
		sto.MeanWatts += sys.Watts(storeBusy(f, k))
		sto.PeakWatts += sys.Watts(1)
	}
	if sto.PeakWatts > 0 {
		out = append(out, sto)
	}
	return out
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
	kg := draw(f, "embodied", serverEmbodiedKg, result.Assumed, 0.4) * float64(w.Server.AcceleratorCount) / 8
	b.Embodied = append(b.Embodied, economics.Embodied{Name: "Servers", KgEach: kg, Count: float64(w.Scenario.Cluster.Nodes), LifeYears: e.Years})
	for _, sys := range f.Stores {
		for _, d := range sys.Devices() {
			if d.Role != "drive" && !d.Included {
				b.Embodied = append(b.Embodied, economics.Embodied{Name: "Storage servers", KgEach: storageEmbodiedKg, Count: float64(d.Count), LifeYears: storageLifeYears})
			}
		}
	}
	return nil
}

// workloadSec is how long a workload was simulated.
func workloadSec(f *scenarios.Future, i int) float64 {
	if o := f.Campaign[i]; o != nil {
		return o.EndSec
	}
	return math.Max(f.World.Placed[i].Requests.HorizonSec(), f.Served[i].EndSec)
}

// deliver says what the money bought. A service that was simulated for a part of the
// period is taken to go on like that: an hour of chat beside a week of training.
func (a *account) deliver(f *scenarios.Future) {
	w, d := f.World, &a.bill.Delivered
	d.Accelerators = float64(w.Chips())
	for i := range w.Placed {
		p := &w.Placed[i]
		if s := f.Steps[i]; s != nil {
			o := f.Campaign[i]
			if p.Arch.Generic != nil {
				d.Samples += o.Steps * s.SamplesPerStep
			} else {
				d.Tokens += o.Steps * s.TokensPerStep
			}
			if o.Finished {
				d.Runs++
			}
			d.UsefulShare += a.shares[i] * o.Losses.Goodput() * o.EndSec / a.bill.PeriodSec
			continue
		}
		o := f.Served[i]
		times := a.bill.PeriodSec / workloadSec(f, i)
		d.Requests += times * float64(o.Completed)
		if p.Arch.Generic == nil {
			d.OutputTokens += times * float64(o.OutputTokens)
		}
		d.UsefulShare += a.shares[i] * o.Utilisation
	}
}

// meterWatts is the mean power at the meter of one workload's share of the machine.
func (a *account) meterWatts(i int) float64 { return a.ledger.MeterWatts * a.shares[i] }

// measure adds what the ledger says to a future's metrics.
func (a *account) measure(f *scenarios.Future, m *measures) {
	l := a.ledger
	m.put(result.MetricFacilityPower, "W", l.MeterWatts)
	m.put("facility.it_power", "W", l.ITWatts)
	m.put("facility.peak_it_power", "W", l.ITPeakWatts)
	m.put(result.MetricFacilityEnergy, "Wh", l.MeterKWh*1000)
	m.put(result.MetricFacilityCarbon, "tCO2e", (l.OperationalKg+l.EmbodiedKg)/1000)
	if a.reason != "" {
		return
	}
	m.put(result.MetricLedgerTotal, "USD", l.TotalUSD)
	m.put(result.MetricLedgerCapital, "USD", l.CapitalUSD)
	for _, u := range l.Units {
		m.put("ledger."+u.Key, u.Unit, u.USD)
	}
	for i := range f.World.Placed {
		p := &f.World.Placed[i]
		cost := l.TotalUSD * a.shares[i] * workloadSec(f, i) / a.bill.PeriodSec
		m.put(p.ID+"."+result.MetricCost, "USD", cost)
		if s := f.Steps[i]; s != nil && p.Arch.Generic == nil {
			m.put(p.ID+"."+result.MetricCostPerMTokens, "USD/M tokens", cost/(f.Campaign[i].Steps*s.TokensPerStep/1e6))
		} else if s == nil {
			o := f.Served[i]
			m.put(p.ID+"."+result.MetricCostPerMRequest, "USD/M requests", cost/(float64(o.Completed)/1e6))
			if p.Arch.Generic == nil {
				m.put(p.ID+"."+result.MetricCostPerMOutput, "USD/M tokens", cost/(float64(o.OutputTokens)/1e6))
			}
		}
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
