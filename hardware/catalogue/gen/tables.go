package main

// table says how one CSV file becomes one TOML file.
type table struct {
	csv  string   // file under data/catalogue
	kind string   // kind of its entries and stem of the TOML file
	text []string // columns that are words
	// units of the numeric columns, in the order of the CSV; "" is a count.
	units [][2]string
	date  string // column with the date of the row's facts
	price string // column with the date of the row's prices
}

var tables = []table{
	{csv: "accelerators.csv", kind: "accelerator", date: "year", price: "price_year",
		text: []string{"vendor", "kind", "memory_type", "scaleup_link", "host_link"},
		units: [][2]string{
			{"year", ""}, {"process_nm", "nm"},
			{"fp64_tflops", "TFLOP/s"}, {"fp32_tflops", "TFLOP/s"}, {"tf32_tflops", "TFLOP/s"},
			{"bf16_dense_tflops", "TFLOP/s"}, {"fp8_dense_tflops", "TFLOP/s"}, {"int8_dense_tops", "TOP/s"}, {"fp4_dense_tflops", "TFLOP/s"},
			{"memory_gib", "GiB"}, {"mem_bw_GBps", "GB/s"}, {"onchip_mib", "MiB"},
			{"scaleup_bw_GBps_per_chip_bidirectional", "GB/s"}, {"scaleup_domain", ""}, {"host_bw_GBps", "GB/s"},
			{"tdp_w", "W"}, {"idle_w", "W"}, {"typical_price_usd", "USD"}}},
	{csv: "interconnects.csv", kind: "interconnect", price: "price_year",
		text: []string{"class", "standard", "vendor"},
		units: [][2]string{
			{"ports", ""}, {"port_gbps_per_direction", "Gb/s"}, {"port_GBps_per_direction", "GB/s"},
			{"aggregate_tbps_per_direction", "Tb/s"}, {"hop_latency_ns", "ns"},
			{"power_typ_w", "W"}, {"power_max_w", "W"}, {"reach_m", "m"}, {"price_usd", "USD"}}},
	{csv: "servers.csv", kind: "server", price: "price_year",
		text: []string{"vendor", "model", "accelerator_id", "scaleup", "cpu", "cooling"},
		units: [][2]string{
			{"accel_count", ""}, {"scaleup_switches", ""}, {"nics_compute", ""}, {"nic_gbps", "Gb/s"}, {"nics_storage", ""},
			{"cpu_sockets", ""}, {"cores", ""}, {"ram_gib", "GiB"}, {"local_nvme_tb", "TB"},
			{"power_max_kw", "kW"}, {"power_typ_kw", "kW"}, {"rack_units", ""}, {"price_usd", "USD"}}},
	{csv: "storage_devices.csv", kind: "drive", price: "price_year",
		text: []string{"kind", "interface", "vendor", "model"},
		units: [][2]string{
			{"capacity_tb", "TB"}, {"seq_read_GBps", "GB/s"}, {"seq_write_GBps", "GB/s"},
			{"rand_read_kiops", "k/s"}, {"rand_write_kiops", "k/s"}, {"read_latency_us", "us"}, {"write_latency_us", "us"},
			{"dwpd", "1/day"}, {"power_active_w", "W"}, {"power_idle_w", "W"}, {"price_usd_per_tb", "USD/TB"}}},
	{csv: "cloud_instances.csv", kind: "instance", date: "price_date", price: "price_date",
		text: []string{"provider", "instance", "accelerator_id", "fabric", "region", "price_date"},
		units: [][2]string{
			{"accel_count", ""}, {"vcpus", ""}, {"ram_gib", "GiB"}, {"network_gbps", "Gb/s"}, {"local_nvme_tb", "TB"},
			{"on_demand_usd_h", "USD/h"}, {"one_year_usd_h", "USD/h"}, {"three_year_usd_h", "USD/h"}, {"spot_usd_h", "USD/h"}}},
	{csv: "models.csv", kind: "model",
		text: []string{"family", "kind", "attention", "tied_embeddings"},
		units: [][2]string{
			{"params_b", "G"}, {"active_params_b", "G"}, {"layers", ""}, {"hidden", ""}, {"heads", ""}, {"kv_heads", ""},
			{"head_dim", ""}, {"ffn", ""}, {"vocab", ""}, {"max_seq", ""}, {"experts", ""}, {"experts_active", ""},
			{"shared_experts", ""}, {"flops_per_sample", "FLOP"}}},
	{csv: "power_carbon.csv", kind: "power", date: "year",
		text:  []string{"scope", "name", "region", "metric", "unit"},
		units: [][2]string{{"value", "*"}}}, // the row's own unit
	{csv: "operations-facts.csv", kind: "fact",
		text:  []string{"unit", "context"},
		units: [][2]string{{"value", "*"}}},
}
