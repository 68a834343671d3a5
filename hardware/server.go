package hardware

import (
	"fmt"

	"aisim/internal/result"
)

// Server returns the node type with the id.
func (c *Catalogue) Server(id string) (*Server, error) {
	r, err := c.record(KindServer, id)
	if err != nil {
		return nil, err
	}
	return &Server{
		ID: r.id, Vendor: r.text["vendor"], Name: r.text["model"],
		AcceleratorID: r.text["accelerator_id"], AcceleratorCount: r.count("accel_count"),
		ScaleUp: r.text["scaleup"], ScaleUpSwitches: r.count("scaleup_switches"),
		ComputeNICs: r.count("nics_compute"), StorageNICs: r.count("nics_storage"), NIC: r.value("nic_gbps"),
		CPU: r.text["cpu"], CPUSockets: r.count("cpu_sockets"), Cores: r.count("cores"),
		RAM: r.value("ram_gib"), LocalNVMe: r.value("local_nvme_tb"),
		PowerMax: r.value("power_max_kw"), PowerTypical: r.value("power_typ_kw"),
		RackUnits: r.number["rack_units"], Cooling: r.text["cooling"], Price: r.value("price_usd"),
		Notes: r.note, Source: r.source, Date: r.date,
	}, nil
}

// The share of an 8-GPU server's price that is not its accelerators, per USD of
// accelerator: an HGX H100 server of 270,000 USD (estimate of the servers table)
// holds eight H100 of 33,600 USD (Epoch AI launch figure) = 268,800 USD, so a
// chip's typical price already carries the board and the host. The DGX A100
// 320GB (199,000 USD at launch) over eight A100 40GB of 15,000 USD gives 1.66,
// the DGX-1 (149,000) over eight V100 of 11,458 USD 1.63. The mean of the
// three is used with their spread as its uncertainty.
const (
	serverPerAccelerator   = 1.43
	serverPerAcceleratorSD = 0.25
)

// ServerPrice is what a server costs in USD: as listed, else by rule from its
// accelerators' typical price (marked assumed), else an error that says what is
// missing. Nothing is substituted without its mark.
func (c *Catalogue) ServerPrice(id string) (Value, error) {
	s, err := c.Server(id)
	if err != nil {
		return Value{}, err
	}
	if s.Price.Known() {
		return s.Price, nil
	}
	if twin, ok := priceTwins[id]; ok {
		t, err := c.Server(twin.id)
		if err != nil {
			return Value{}, err
		}
		v := t.Price
		v.Kind, v.RelSD, v.Note = result.Assumed, 0.15, twin.why
		v.Source = fmt.Sprintf("price of %s (%s)", twin.id, t.Price.Source)
		return v, nil
	}
	if s.AcceleratorID == "" || s.AcceleratorCount == 0 {
		return Value{}, fmt.Errorf("server %s: the catalogue has no price; set one in the scenario", id)
	}
	a, err := c.Accelerator(s.AcceleratorID)
	if err != nil {
		return Value{}, err
	}
	if !a.Price.Known() {
		return Value{}, fmt.Errorf("server %s: neither it nor its %s has a price in the catalogue; set one in the scenario", id, s.AcceleratorID)
	}
	return Value{
		V: a.Price.V * float64(s.AcceleratorCount) * serverPerAccelerator, Unit: "USD", Kind: result.Assumed, RelSD: serverPerAcceleratorSD,
		Source: fmt.Sprintf("rule: %d × typical price of %s × %.2f; accelerator price %s", s.AcceleratorCount, s.AcceleratorID, serverPerAccelerator, a.Price.Source),
		Date:   a.Price.Date, Note: "server price by rule, see docs/models/hardware.md",
	}, nil
}

// priceTwins are servers without a listed price beside which the same machine
// of another maker is listed.
var priceTwins = map[string]struct{ id, why string }{
	"dgx-h100":     {"hgx-h100-oem", "the same HGX H100 board from another maker; resellers quote 300-450 k USD for the DGX"},
	"dgx-h200":     {"hgx-h200-oem", "the same HGX H200 board from another maker"},
	"dgx-a100-640": {"dgx-a100-320", "the launch list price of the same machine with half the memory"},
	"hgx-b200-oem": {"dgx-b200", "the same HGX B200 board from another maker"},
}

// ServerWatts is the power of a server in watts: Max at its plug as the vendor
// states it, Host the part that is not its accelerators (CPUs, fans, NICs,
// scale-up switches, conversion losses) with everything at its limit.
type ServerWatts struct{ Max, Host Value }

// maxPerAccelerator is a server's stated maximum over the sum of its
// accelerators' limits: DGX H100 10.2 kW / 5.6 kW = 1.82, DGX A100 2.03,
// DGX B200 1.79, MI300X platform 1.75, Gaudi3 1.46, GB200 NVL72 1.39. The middle,
// used where a server states no power.
const (
	maxPerAccelerator   = 1.7
	maxPerAcceleratorSD = 0.15
)

// ServerPower is what a server draws: as listed, else by rule from its
// accelerators' limits (marked assumed), else an error that says what is missing.
func (c *Catalogue) ServerPower(id string) (ServerWatts, error) {
	s, err := c.Server(id)
	if err != nil {
		return ServerWatts{}, err
	}
	var chips Value
	if s.AcceleratorID != "" && s.AcceleratorCount > 0 {
		a, err := c.Accelerator(s.AcceleratorID)
		if err != nil {
			return ServerWatts{}, err
		}
		chips = a.TDP
		chips.V *= float64(s.AcceleratorCount)
	}
	w := ServerWatts{Max: s.PowerMax}
	switch {
	case w.Max.Known():
	case chips.Known():
		w.Max = Value{V: chips.V * maxPerAccelerator, Unit: "W", Kind: result.Assumed, RelSD: maxPerAcceleratorSD, Date: chips.Date,
			Source: fmt.Sprintf("rule: %d × limit of %s × %.1f; %s", s.AcceleratorCount, s.AcceleratorID, maxPerAccelerator, chips.Source),
			Note:   "server power by rule, see docs/models/hardware.md"}
	default:
		return ServerWatts{}, fmt.Errorf("server %s: neither it nor its %s states a power; set one in the scenario", id, s.AcceleratorID)
	}
	w.Host = w.Max
	if chips.Known() {
		w.Host.V = max(0, w.Max.V-chips.V)
		w.Host.Kind = derivedFrom(w.Max.Kind)
		w.Host.Note = "stated maximum less the accelerators' limits"
	}
	return w, nil
}
