package hardware

// Interconnect returns the link, switch, NIC, cable or optical module with the id.
func (c *Catalogue) Interconnect(id string) (*Interconnect, error) {
	r, err := c.record(KindInterconnect, id)
	if err != nil {
		return nil, err
	}
	return &Interconnect{
		ID: r.id, Class: r.text["class"], Standard: r.text["standard"], Vendor: r.text["vendor"], Ports: r.count("ports"),
		PortBandwidth: r.value("port_GBps_per_direction").Or(r.value("port_gbps_per_direction")),
		Aggregate:     r.value("aggregate_tbps_per_direction"), HopLatency: r.value("hop_latency_ns"),
		PowerTypical: r.value("power_typ_w"), PowerMax: r.value("power_max_w"), Reach: r.value("reach_m"), Price: r.value("price_usd"),
		Notes: r.note, Source: r.source, Date: r.date,
	}, nil
}

// Drive returns the storage device or cloud volume class with the id. Cloud
// classes state their price per TB and month, devices per TB bought.
func (c *Catalogue) Drive(id string) (*Drive, error) {
	r, err := c.record(KindDrive, id)
	if err != nil {
		return nil, err
	}
	d := &Drive{
		ID: r.id, Kind: r.text["class"], Interface: r.text["interface"], Vendor: r.text["vendor"], Model: r.text["model"],
		Capacity: r.value("capacity_tb"), SeqRead: r.value("seq_read_GBps"), SeqWrite: r.value("seq_write_GBps"),
		RandRead: r.value("rand_read_kiops"), RandWrite: r.value("rand_write_kiops"),
		ReadLatency: r.value("read_latency_us"), WriteLatency: r.value("write_latency_us"), DWPD: r.value("dwpd"),
		PowerActive: r.value("power_active_w"), PowerIdle: r.value("power_idle_w"), PricePerTB: r.value("price_usd_per_tb"),
		Notes: r.note, Source: r.source, Date: r.date,
	}
	if d.Kind == "cloud" && d.PricePerTB.Known() {
		d.PricePerTB.Unit = "USD/TB-month"
	}
	return d, nil
}

// Instance returns the rented machine with the id.
func (c *Catalogue) Instance(id string) (*Instance, error) {
	r, err := c.record(KindInstance, id)
	if err != nil {
		return nil, err
	}
	return &Instance{
		ID: r.id, Provider: r.text["provider"], Name: r.text["instance"],
		AcceleratorID: r.text["accelerator_id"], AcceleratorCount: r.count("accel_count"), VCPUs: r.count("vcpus"),
		PerChip: r.text["price_basis"] == "chip",
		RAM:     r.value("ram_gib"), Network: r.value("network_gbps"), Fabric: r.text["fabric"], LocalNVMe: r.value("local_nvme_tb"),
		OnDemand: r.value("on_demand_usd_h"), OneYear: r.value("one_year_usd_h"), ThreeYear: r.value("three_year_usd_h"), Spot: r.value("spot_usd_h"),
		Region: r.text["region"], PriceDate: r.text["price_date"],
		Notes: r.note, Source: r.source,
	}, nil
}
