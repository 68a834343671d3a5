package planner

import (
	"fmt"
	"math"

	"aisim/economics"
	"aisim/hardware"
	"aisim/internal/result"
	"aisim/internal/units"
	"aisim/scenarios"
	"aisim/topology"
)

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
	if u := e.Burst; u != nil {
		nodes -= float64(u.Nodes)
		b.Rentals = append(b.Rentals, economics.Rental{Item: "Rented nodes", Kind: result.KindIT, Count: float64(u.Nodes) * u.Hours, PerHour: given(u.USDPerHour),
			Basis: fmt.Sprintf("%d nodes for %.3g %% of the time at %.4g USD/h", u.Nodes, 100*u.Hours, u.USDPerHour)})
	}
	b.Assets = append(b.Assets, economics.Asset{Item: "Servers", Kind: result.KindIT, Count: nodes, LifeYears: e.Years, Residual: e.Residual, IT: true,
		Unit: economics.Price{USD: f.Sample.Draw("economics/server", server), Pedigree: server.Kind, Source: server.Source}})
	for i := range w.Placed {
		if p := w.Placed[i].Prefill; p != nil && !p.Own {
			price, err := w.Catalogue.ServerPrice(p.Server.ID)
			if usd := w.Placed[i].Workload.Prefill.PriceUSD; usd != nil {
				price, err = hardware.Value{V: *usd, Kind: result.Assumed, Source: "scenario", RelSD: 0.05}, nil
			}
			if err != nil {
				return err
			}
			b.Assets = append(b.Assets, economics.Asset{Item: "Servers of " + w.Placed[i].ID + ".prefill", Kind: result.KindIT, Count: float64(p.Nodes), LifeYears: e.Years, Residual: e.Residual, IT: true,
				Unit: economics.Price{USD: f.Sample.Draw("economics/server/"+p.Server.ID, price), Pedigree: price.Kind, Source: price.Source}})
		}
	}
	a.network(f)
	a.stores(f)
	b.ColocationUSDPerKWMon = given(draw(f, "colocation", e.USDPerKWMonth, result.Assumed, 0.15))
	b.Tariff.USD = draw(f, "tariff", e.USDPerKWh, result.Assumed, 0.10)
	b.Demand, b.WaterLPerKWh, b.Water = given(e.DemandUSDPerKWMon), e.WaterLPerKWh, given(e.WaterUSDPerM3)
	b.Spares, b.Hall, b.HallYears = e.Spares, given(e.HallUSDPerWatt), e.HallYears
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

// keyService adds the calls to a key service.
func (a *account) keyService(f *scenarios.Future) {
	usd, calls := 0.0, 0.0
	for _, s := range f.Secured {
		if s != nil {
			usd, calls = usd+s.KeysUSDPerH, calls+s.Keys.CallsPerSec
		}
	}
	if usd > 0 {
		a.bill.Rentals = append(a.bill.Rentals, economics.Rental{Item: "Key service", Kind: result.KindIT2, Count: 1, PerHour: given(usd), Basis: fmt.Sprintf("%.4g calls/s", calls)})
	}
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
				if d.Role == "metadata server" {
					asset.Item = "Metadata servers of " + st.ID
				}
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
	if store, grown := f.AuditBytes(period(f)); store == id {
		bytes += grown
	}
	return bytes
}

// rent lists what is rented. Power is the provider's.
func (a *account) rent(f *scenarios.Future) error {
	w, b, e := f.World, &a.bill, &f.World.Scenario.Economics
	r := e.Rent
	for i := range w.Placed {
		if p := w.Placed[i].Prefill; p != nil && !p.Own {
			return fmt.Errorf("economics.rent prices instances of one kind, and %s has prompts on %s: give economics.mode = \"buy\"", w.Placed[i].ID, p.Server.ID)
		}
	}
	inst, err := w.Catalogue.Instance(r.Instance)
	if err != nil {
		return err
	}
	priced := func(purchase string, given *float64) (hardware.Value, error) {
		price := inst.Price(purchase)
		if given != nil {
			price = hardware.Value{V: *given, Kind: result.Assumed, Source: "scenario"}
		}
		if !price.Known() {
			return price, fmt.Errorf("the catalogue has no %s price of %s; set economics.rent.price", purchase, r.Instance)
		}
		return price, nil
	}
	price, err := priced(r.Purchase, r.USDPerHour)
	if err != nil {
		return err
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
	// A commitment is paid whether it is used or not, and pays off above the share of the
	// time in which it costs what the others cost.
	for _, k := range r.Commitments {
		term, err := priced(k.Purchase, k.USDPerHour)
		if err != nil {
			return err
		}
		n -= float64(k.Instances)
		b.Rentals = append(b.Rentals, economics.Rental{Item: "Committed instances", Kind: result.KindIT, Count: float64(k.Instances),
			PerHour: economics.Price{USD: f.Sample.Draw("economics/instance "+k.Purchase, term), Pedigree: term.Kind, Source: term.Source},
			Basis:   fmt.Sprintf("%d × %s %s at %.4g USD/h, paid in full: less than %s above %.3g %% of use", k.Instances, inst.Name, k.Purchase, term.V, r.Purchase, 100*economics.BreakEvenUse(term.V, price.V))})
	}
	if r.Purchase == "on-demand" || r.Purchase == "spot" {
		n *= r.Used // a commitment is paid whether it is used or not
	}
	if n > 0 {
		b.Rentals = append(b.Rentals, economics.Rental{Item: "Instances", Kind: result.KindIT, Count: n,
			PerHour: economics.Price{USD: f.Sample.Draw("economics/instance", price), Pedigree: price.Kind, Source: price.Source},
			Basis:   fmt.Sprintf("%.4g × %s %s at %.4g USD/h", n, inst.Name, r.Purchase, price.V)})
	}
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
