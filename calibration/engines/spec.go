package engines

// EngineSpec is what is fitted of an engine: constants with what they are drawn to, and
// what is possible. The engines share most priors, so that one with few rows leans on
// the others: launches and waits of the size that operator tables and profilers show,
// efficiencies relative to the operator model of the chip, so that 1 is the rate of its
// tables.
func EngineSpec(id string) []EngineConstant {
	switch id {
	case "vllm-eager": // builds of 2023 launched each kernel from Python, before second-generation attention kernels
		return []EngineConstant{
			{"eager_layer", 371e-6, 0.15, 150e-6, 700e-6},
			{"gemm16", 0.8, 0.3, 0.4, 1.1},
			{"prefill", 0.7, 0.5, 0.2, 1.2},
			{"mixed_step", 0.9e-3, 0.6, 50e-6, 40e-3},
			{"mixed_layer", 35e-6, 0.6, 2e-6, 400e-6},
			{"sequence", 200e-6, 0.6, 1e-6, 1e-3},
			{"stream", 0.98, 0.05, 0.7, 1.05},
			{"all_reduce", 6e-6, 0.7, 0.3e-6, 60e-6},
			{"link_efficiency", 0.4, 0.6, 0.05, 0.95},
		}
	case "vllm-v0":
		return []EngineConstant{
			{"layer", 22e-6, 0.35, 4e-6, 60e-6},
			{"step", 1e-3, 0.8, 10e-6, 8e-3},
			{"sequence", 9e-6, 0.4, 1e-6, 100e-6},
			{"mixed_step", 0.9e-3, 0.6, 50e-6, 20e-3},
			{"mixed_layer", 35e-6, 0.6, 2e-6, 400e-6},
			{"request", 12e-3, 0.5, 1e-3, 200e-3},
			{"all_reduce", 4e-6, 0.5, 0.3e-6, 20e-6},
			{"link_efficiency", 0.55, 0.15, 0.3, 0.95},
			{"gemm16", 0.95, 0.1, 0.5, 1.1},
			{"stream", 0.98, 0.05, 0.7, 1.05},
			{"prefill", 1, 0.2, 0.4, 1.4},
		}
	}
	// Mixtures run with the queue read, or the answers sent, every so many steps: 10 to 30
	// in recipes of SGLang (scheduler-recv-interval, stream-interval), none or 20 in those of
	// TensorRT-LLM.
	cadence := EngineConstant{"cadence", 3, 0.6, 0.1, 40}
	if id == "sglang" {
		cadence.Prior = 20
	}
	list := []EngineConstant{
		cadence,
		{"layer", 22e-6, 0.35, 4e-6, 60e-6},
		{"step", 0.4e-3, 0.8, 10e-6, 5e-3},
		{"sequence", 9e-6, 0.6, 1e-6, 150e-6},
		{"delivered", 50e-6, 0.5, 1e-6, 200e-6},
		{"hidden", 0.7, 0.3, 0.1, 1},
		{"mixed_step", 1e-3, 0.6, 50e-6, 20e-3},
		{"mixed_layer", 35e-6, 0.6, 2e-6, 400e-6},
		{"mixed_moe_layer", 200e-6, 0.6, 10e-6, 1.5e-3},
		{"request", 30e-3, 0.6, 3e-3, 200e-3},
		{"moe_request", 40e-3, 0.6, 3e-3, 300e-3},
		{"moe_layer", 25e-6, 0.35, 5e-6, 80e-6},
		{"mla_layer", 8e-6, 0.4, 1e-6, 40e-6},
		{"all_reduce", 3e-6, 0.5, 0.3e-6, 20e-6},
		{"link_efficiency", 0.55, 0.15, 0.3, 0.95},
		{"moe16", 0.35, 0.4, 0.04, 0.9},
		{"moe8", 0.22, 0.4, 0.04, 0.9},
		{"moe4", 0.18, 0.4, 0.02, 0.9},
		{"moe_tile", 12, 0.7, 1, 128},
		{"moe_weights", 0.8, 0.12, 0.4, 0.95},
		{"widened", 0.8, 0.25, 0.3, 1},
		{"gemm16", 0.95, 0.08, 0.5, 1.1},
		{"gemm8", 0.95, 0.12, 0.4, 1.2},
		{"gemm4", 0.85, 0.2, 0.3, 1.2},
		{"quant8", 2e-6, 0.6, 0.1e-6, 20e-6},
		{"quant4", 4e-6, 0.6, 0.1e-6, 20e-6},
		{"stream", 0.98, 0.05, 0.7, 1.05},
		{"prefill", 1, 0.15, 0.5, 1.4},
	}
	if id != "vllm" { // no measured pools
		list = append(list, EngineConstant{"handover", 20e-3, 0.8, 1e-3, 200e-3})
	}
	if id != "vllm" { // there another process sends, beside the step
		list = append(list, EngineConstant{"streamed", 20e-6, 0.8, 1e-6, 150e-6})
	}
	if id == "trtllm" {
		list = append(list, EngineConstant{"prefill8", 1.5, 0.15, 1, 2})
	}
	return list
}
