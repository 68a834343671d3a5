package validate

// inferenceLimits are what the model reaches, with room; the targets are tighter.
var inferenceLimits = []limit{
	{"kind", "aggregated dense, tpot_ms", 0.067, 0.24}, {"kind", "aggregated MoE, tpot_ms", 0.115, 0.29},
	{"kind", "aggregated dense, ttft_ms", 0.23, 0.72}, {"kind", "aggregated MoE, ttft_ms", 0.22, 0.59},
	{"kind", "disaggregated, tpot_ms", 0.08, 0.22}, {"kind", "disaggregated, ttft_ms", 0.22, 0.60},
	{"kind", "static batch, tpot_ms", 0.035, 0.09}, {"kind", "static batch, ttft_ms", 0.125, 0.25},
	{"kind", "open loop, tpot_ms", 0.045, 0.155}, {"kind", "open loop, ttft_ms", 0.105, 0.30},
	{"kind", "offline throughput, output_tok_s_per_gpu", 0.09, 0.25},
}
