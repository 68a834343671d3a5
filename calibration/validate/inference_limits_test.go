package validate

// inferenceLimits are what the model reaches, with room; the targets are tighter.
var inferenceLimits = []limit{
	{"kind", "aggregated dense, tpot_ms", 0.06, 0.20}, {"kind", "aggregated MoE, tpot_ms", 0.10, 0.31},
	{"kind", "aggregated dense, ttft_ms", 0.23, 0.67}, {"kind", "aggregated MoE, ttft_ms", 0.215, 0.57},
	{"kind", "disaggregated, tpot_ms", 0.08, 0.22}, {"kind", "disaggregated, ttft_ms", 0.21, 0.60},
	{"kind", "static batch, tpot_ms", 0.04, 0.09}, {"kind", "static batch, ttft_ms", 0.11, 0.29},
	{"kind", "open loop, tpot_ms", 0.056, 0.15}, {"kind", "open loop, ttft_ms", 0.095, 0.29},
	{"kind", "offline throughput, output_tok_s_per_gpu", 0.08, 0.25},
}
