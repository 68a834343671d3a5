package validate

// inferenceLimits are what the model reaches, with room; the targets are tighter.
var inferenceLimits = []limit{
	{"kind", "aggregated dense, tpot_ms", 0.09, 0.27}, {"kind", "aggregated MoE, tpot_ms", 0.12, 0.34},
	{"kind", "aggregated dense, ttft_ms", 0.29, 1.3}, {"kind", "aggregated MoE, ttft_ms", 0.27, 1.05},
	{"kind", "disaggregated, tpot_ms", 0.13, 0.33}, {"kind", "disaggregated, ttft_ms", 0.30, 2.6},
	{"kind", "static batch, tpot_ms", 0.06, 0.17}, {"kind", "static batch, ttft_ms", 0.22, 0.46},
	{"kind", "open loop, tpot_ms", 0.05, 0.15}, {"kind", "open loop, ttft_ms", 0.20, 0.45},
	{"kind", "offline throughput, output_tok_s_per_gpu", 0.10, 0.30},
}
