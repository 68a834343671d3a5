package reports

import (
	"fmt"
	"math"

	"aisim/internal/result"
)

// The fixtures are invented: their numbers are near those of real machines so
// that pages look as they will, but nothing computed them.

func num90(v, lo, hi float64, unit string, k result.Pedigree) result.Number {
	return result.Number{Value: v, Low: lo, High: hi, Level: 0.9, Unit: unit, Pedigree: k}
}

// trainingRun is a pre-training campaign with every section's data.
func trainingRun() *result.Run {
	w := result.Workload{
		ID: "pretrain", Kind: "training", Title: "Invented pre-training",
		Eyebrow: "Example 400B · Megatron-Core, bf16 · TP 8 × PP 16 × DP 128 · batch 2,048 × 8,192 tokens", Objective: result.MetricTokensPerSec,
		Metrics: map[string]result.Number{
			result.MetricTokens:           num90(1.031e13, 9.82e12, 1.071e13, "tokens", result.Derived),
			result.MetricSteps:            {Value: 614_532, Low: 614_532, High: 614_532, Unit: "steps"},
			result.MetricDuration:         {Value: 54 * 86400, Low: 54 * 86400, High: 54 * 86400, Unit: "s", NoInterval: "given"},
			result.MetricStepTime:         num90(6.53, 6.24, 6.97, "s", result.Measured),
			result.MetricGoodput:          num90(0.8621, 0.826, 0.885, "ratio", result.Derived),
			result.MetricMFU:              num90(0.402, 0.38, 0.42, "ratio", result.Measured),
			result.MetricModelFlopsPerGPU: num90(398e12, 370e12, 415e12, "FLOP/s", result.Measured),
			result.MetricTokensPerSec:     num90(2.21e6, 2.1e6, 2.3e6, "tokens/s", result.Derived),
			result.MetricFailures:         num90(419, 380, 460, "", result.Measured),
			result.MetricGPUHours:         {Value: 21_233_664, Low: 21_233_664, High: 21_233_664, Unit: "GPU-h"},
			result.MetricCheckpointEvery:  {Value: 450, Low: 450, High: 450, Unit: "s"},
			result.MetricCost:             num90(40.9e6, 36.6e6, 46.9e6, "USD", result.Assumed),
			result.MetricCostPerMTokens:   num90(3.96, 3.52, 4.63, "USD/M tokens", result.Assumed),
		},
		Step: []result.StepPart{
			{Name: "Matrix multiplication", Kind: result.KindCompute, Seconds: 3.384},
			{Name: "Attention", Kind: result.KindCompute, Seconds: 0.230},
			{Name: "Norms, activations, loss", Kind: result.KindCompute2, Seconds: 0.341},
			{Name: "Tensor-parallel collectives", Kind: result.KindScaleUp, Seconds: 0.831, HiddenSeconds: 0.2},
			{Name: "Pipeline transfers", Kind: result.KindNetwork, Seconds: 0.109},
			{Name: "Gradient exchange, exposed", Kind: result.KindNetwork, Seconds: 0.362, HiddenSeconds: 1.31},
			{Name: "Pipeline bubble", Kind: result.KindWait, Seconds: 0.561, Waiting: true},
			{Name: "Uneven stages: embedding, loss head", Kind: result.KindWait, Seconds: 0.282, Waiting: true},
			{Name: "Slowest of 16,384 ranks", Kind: result.KindWait, Seconds: 0.299, Waiting: true},
			{Name: "Optimizer", Kind: result.KindCompute2, Seconds: 0.090},
			{Name: "Launch gaps on the host", Kind: result.KindWait, Seconds: 0.035, Waiting: true},
			{Name: "Data loading", Kind: result.KindStorage, Seconds: 0.004},
			{Name: "Barrier", Kind: result.KindWait, Seconds: 0.002, Waiting: true},
		},
		Stages: pipelineStages(16, 16, 8, 6.1),
		Memory: []result.MemoryClass{memoryClass("Stage 0 embedding", 1024, 60.8), memoryClass("Stages 1–14", 14336, 54.3), memoryClass("Stage 15 loss head", 1024, 48.8)},
		Losses: []result.Loss{
			{Cause: "Recovery after failures", Kind: result.KindFailure, Share: 0.0810, Low: 0.06, High: 0.1, GPUHours: 1.72e6},
			{Cause: "Work repeated since the last checkpoint", Kind: result.KindFailure, Share: 0.0203, GPUHours: 0.43e6},
			{Cause: "Checkpoint stalls", Kind: result.KindStorage, Share: 0.0183, GPUHours: 0.39e6},
			{Cause: "Planned stops", Kind: result.KindCompute2, Share: 0.0121, GPUHours: 0.26e6},
			{Cause: "Slow nodes until drained", Kind: result.KindWait, Share: 0.0060, GPUHours: 0.13e6},
			{Cause: "Input stalls", Kind: result.KindStorage, Share: 0.0002, GPUHours: 0.004e6},
			{Cause: "Rounding", Kind: result.KindWait, Share: 0.00003},
		},
	}
	for i := range 40 {
		t := float64(i) * 1.35 * 86400
		w.Timeline = append(w.Timeline, result.TimePoint{Start: t, End: t + 1.2*86400, What: "train"},
			result.TimePoint{Start: t + 1.2*86400, End: t + 1.25*86400, What: "failed", Note: "GPU"},
			result.TimePoint{Start: t + 1.25*86400, End: t + 1.35*86400, What: "restart"})
	}
	run := &result.Run{
		Schema: result.Schema, Version: "0.0.0-test", Revision: "0123456789abcdef", Complete: true,
		Scenario: result.ScenarioRef{Name: "Pre-training on 16,384 H100 for 54 days", Source: "llama3-405b-16k-h100", SHA256: "5f1cabcdef0123456789",
			Machine: "16,384 H100 on a 3-level fat-tree", Overrides: []string{"workload.pretrain.duration=54 d"}},
		Profiles:  []result.FileRef{{Name: "h100-sxm-megatron", SHA256: "9ab2cdef01"}},
		Catalogue: result.FileRef{Name: "catalogue", SHA256: "77c0aa"},
		Seed:      1, Replicas: 33,
		Workloads: []result.Workload{w},
		Fabric: []result.FabricLevel{
			{Name: "spine to core", Links: 2560, Gbps: 400, CapacityTBs: 256, Mean: 0.31, P99: 0.64, Max: 0.78},
			{Name: "leaf to spine", Links: 16384, Gbps: 400, CapacityTBs: 1638, Mean: 0.06, P99: 0.22, Max: 0.41},
			{Name: "host to leaf", Links: 16384, Gbps: 400, CapacityTBs: 1638, Mean: 0.07, P99: 0.24, Max: 0.29},
			{Name: "chip to scale-up switch", Links: 16384, Gbps: 3600, CapacityTBs: 14746, Mean: 0.19, P99: 0.58, Max: 0.61},
		},
		SwitchTiers: []result.SwitchTier{switchTier("cores", 1, 40, 0.6), switchTier("spines", 10, 32, 0.15), switchTier("leaves", 32, 32, 0.12)},
		Elasticities: []result.Elasticity{
			elastic("pretrain", "compute", "Matrix throughput of the GPU", 0.051, 0.047, 0.054, 0.42),
			elastic("pretrain", "scaleup", "NVLink bandwidth", 0.012, 0.010, 0.016, 0.07),
			elastic("pretrain", "mtbf", "Time between failures", 0.0102, 0.008, 0.014, 0.06),
			elastic("pretrain", "recovery", "Time to recover", 0.0088, 0.007, 0.010, 0.05),
			elastic("pretrain", "hbm", "HBM bandwidth", 0.006, 0.004, 0.008, 0.03),
			elastic("pretrain", "nic", "NIC and leaf bandwidth", 0.0046, 0.003, 0.007, 0.02),
			elastic("pretrain", "storage.drives", "Checkpoint storage bandwidth", 0.0017, 0.001, 0.003, 0.01),
			elastic("pretrain", "spine", "Core-layer bandwidth", 0.001, 0, 0.002, 0.004),
			elastic("pretrain", "storage.network", "Input storage bandwidth", 0, 0, 0, 0),
			elastic("pretrain", "host", "Host speed", 0, 0, 0, 0),
		},
		Bottlenecks: []result.Bottleneck{
			{Workload: "pretrain", Resource: "compute", Name: "Matrix throughput", Kind: result.KindCompute, Share: 0.553, Seconds: 3.61},
			{Workload: "pretrain", Resource: "bubble", Name: "Pipeline bubble and imbalance", Kind: result.KindWait, Share: 0.18, Seconds: 1.18},
			{Workload: "pretrain", Resource: "scaleup", Name: "NVLink", Kind: result.KindScaleUp, Share: 0.127, Seconds: 0.83},
			{Workload: "pretrain", Resource: "nic", Name: "NIC and leaf", Kind: result.KindNetwork, Share: 0.072, Seconds: 0.47},
			{Workload: "pretrain", Resource: "hbm", Name: "HBM bandwidth", Kind: result.KindCompute2, Share: 0.066, Seconds: 0.43},
			{Workload: "pretrain", Resource: "storage.drives", Name: "Storage", Kind: result.KindStorage, Share: 0.002, Seconds: 0.01},
		},
		Where: []result.Bar{
			{Name: "each second of a step", Parts: []result.Share{{Name: "matrix, attention", Kind: result.KindCompute, Share: 0.5534}, {Name: "other kernels", Kind: result.KindCompute2, Share: 0.066},
				{Name: "NVLink", Kind: result.KindScaleUp, Share: 0.1273}, {Name: "network", Kind: result.KindNetwork, Share: 0.0722}, {Name: "waiting", Kind: result.KindWait, Share: 0.1811, Hatch: true}}},
			{Name: "each GPU-hour bought", Parts: []result.Share{{Name: "useful", Share: 0.8621}, {Name: "failures", Kind: result.KindFailure, Share: 0.1013},
				{Name: "checkpoints, input", Kind: result.KindStorage, Share: 0.0185}, {Name: "planned stops, slow nodes", Kind: result.KindWait, Share: 0.0181, Hatch: true}}},
			{Name: "each USD spent", Parts: []result.Share{{Name: "servers", Kind: result.KindIT, Share: 0.574}, {Name: "network, storage, installation", Kind: result.KindIT2, Share: 0.124},
				{Name: "facility", Kind: result.KindFacility, Share: 0.111}, {Name: "electricity", Kind: result.KindPower, Share: 0.06}, {Name: "maintenance, staff", Kind: result.KindWait, Share: 0.131, Hatch: true}}},
		},
		Storage: []result.StoragePath{{Store: "ceph", Workload: "pretrain", Use: "checkpoint write", Bytes: 5.68e12, Seconds: 9.2, Reached: 0.62e12, GPUShare: 0.0183,
			Stages: []result.StorageStage{{Stage: "GPU to host, PCIe 5", BytesPerSec: 860e12}, {Stage: "Client NICs", BytesPerSec: 102e12}, {Stage: "Storage NICs, 68 × 2 × 200 Gb/s", BytesPerSec: 3.4e12},
				{Stage: "Erasure code 6+2 and OSD processors", BytesPerSec: 0.62e12, Narrowest: true}, {Stage: "Drives, 680 NVMe", BytesPerSec: 2.05e12}}},
			{Store: "ceph", Workload: "pretrain", Use: "dataset read", Bytes: 41e12, Seconds: 54 * 86400, Reached: 8.8e6, GPUShare: 0.0002,
				Stages: []result.StorageStage{{Stage: "Client NICs", BytesPerSec: 102e12}, {Stage: "Drives, 680 NVMe", BytesPerSec: 4.1e12, Narrowest: true}}}},
		Ledger: trainingLedger(), Energy: energyTree(),
		Tornado: []result.TornadoRow{
			{Input: "Depreciation of servers", Unit: "years", Low: 3, High: 6, AtLow: 4.83, AtHigh: 3.24, Base: 3.96, CostUnit: "USD/M tokens", Pedigree: result.Assumed},
			{Input: "Price of a DGX H100", Unit: "USD", Low: 220_000, High: 330_000, AtLow: 3.50, AtHigh: 4.46, Base: 3.96, CostUnit: "USD/M tokens", Pedigree: result.Datasheet},
			{Input: "Failures per 1000 node-days", Unit: "", Low: 2.3, High: 6.5, AtLow: 3.74, AtHigh: 4.37, Base: 3.96, CostUnit: "USD/M tokens", Pedigree: result.Measured},
			{Input: "Electricity", Unit: "USD/kWh", Low: 0.05, High: 0.12, AtLow: 3.85, AtHigh: 4.05, Base: 3.96, CostUnit: "USD/M tokens", Pedigree: result.Datasheet},
			{Input: "PUE", Unit: "", Low: 1.12, High: 1.4, AtLow: 3.93, AtHigh: 3.99, Base: 3.96, CostUnit: "USD/M tokens", Pedigree: result.Assumed},
		},
		Rungs: []result.RungShare{{Rung: "measured grid, interpolated", Pedigree: result.Measured, Share: 0.58}, {Rung: "fitted curve, same step", Pedigree: result.Derived, Share: 0.27}, {Rung: "datasheet roofline", Pedigree: result.Datasheet, Share: 0.09}, {Rung: "assumed", Pedigree: result.Assumed, Share: 0.06}},
		Warnings: []result.Warning{{What: "Stage times extrapolate by 4 % in one shape", Why: "GEMM n = 13,312 lies outside the measured grid", Effect: "the step's interval is widened by 1 point"},
			{What: "Silent data corruption is not modelled", Why: "no public rate per part is known", Effect: "goodput is below 0.2 points too high"}},
		Metrics: map[string]result.Number{
			result.MetricLedgerCapital: num90(921e6, 842e6, 1015e6, "USD", result.Datasheet),
			result.MetricFacilityPower: num90(23.42e6, 22.1e6, 24.9e6, "W", result.Derived),
		},
	}
	for i := range 24 {
		run.Assumptions = append(run.Assumptions, result.Assumption{Name: fmt.Sprintf("Assumption %d", i+1), Value: fmt.Sprintf("%d USD", 100+i), Pedigree: result.Pedigree([]string{"measured", "derived", "datasheet", "assumed"}[i%4]),
			Source: "A public table, see https://example.org/table/" + fmt.Sprint(i), Weight: 0.3 / float64(i+1)})
	}
	return run
}

func elastic(w, res, name string, gain, lo, hi, double float64) result.Elasticity {
	n := result.Number{Value: gain, Low: lo, High: hi, Level: 0.9, Unit: "ratio"}
	if lo == hi {
		n.NoInterval = "the same in every replica"
	}
	return result.Elasticity{Workload: w, Resource: res, Name: name, Metric: result.MetricTokensPerSec, Step: 0.1, Gain: n, Free: math.Abs(gain) < 0.0005, Double: double}
}

func memoryClass(name string, ranks int, total float64) result.MemoryClass {
	rest := total - 6.3 - 12.6 - 0.4 - 7
	return result.MemoryClass{Name: name, Ranks: ranks, UsableGiB: 79.6, TotalGiB: total, Parts: []result.MemoryPart{
		{Name: "weights", GiB: 6.3}, {Name: "gradients", GiB: 12.6}, {Name: "optimizer, sharded", GiB: 0.4}, {Name: "activations", GiB: rest}, {Name: "buffers", GiB: 4}, {Name: "fragmentation", GiB: 3}}}
}

// pipelineStages is a plain 1F1B schedule of m micro-batches over p stages.
func pipelineStages(p, m, chunks int, length float64) []result.Stage {
	f := length / (float64(m*chunks)*3 + 3*float64(p))
	stages := make([]result.Stage, p)
	for s := range p {
		st := result.Stage{Name: fmt.Sprintf("stage %d", s), Twins: 1024}
		t := float64(s) * f
		for i := range m * chunks {
			st.Spans = append(st.Spans, result.Span{Start: t, End: t + f, What: "forward", Micro: i % m, Chunk: i / m})
			t += f
		}
		t = f*float64(p+m*chunks) + float64(p-1-s)*2*f
		for i := range m * chunks {
			st.Spans = append(st.Spans, result.Span{Start: t, End: t + 2*f, What: "backward", Micro: i % m, Chunk: i / m})
			t += 2 * f
		}
		st.Spans = append(st.Spans, result.Span{Start: length, End: length + 0.36, What: "exchange"}, result.Span{Start: length + 0.36, End: length + 0.45, What: "optimizer"})
		stages[s] = st
	}
	return stages
}

func switchTier(name string, pods, each int, level float64) result.SwitchTier {
	t := result.SwitchTier{Name: name}
	for p := range pods {
		var pod []float64
		for s := range each {
			pod = append(pod, math.Min(1, level*(0.7+0.6*math.Abs(math.Sin(float64(p*7+s*3))))))
		}
		t.Pods = append(t.Pods, pod)
	}
	if name == "spines" {
		t.Pods[4][0], t.Pods[4][1] = 0.74, 0.71
	}
	return t
}

func trainingLedger() result.Ledger {
	line := func(item, basis string, k result.Kind, capex, life, usd, lo, hi float64, p result.Pedigree) result.LedgerLine {
		return result.LedgerLine{Item: item, Basis: basis, Kind: k, CapexUSD: capex, Life: life, Rate: 0.09, Residual: 0.1, USD: usd, Low: lo, High: hi, Pedigree: p}
	}
	l := result.Ledger{Mode: "buy", Period: "54 days", Lines: []result.LedgerLine{
		line("Servers: 2,048 × DGX H100", "270 k USD each", result.KindIT, 553e6, 4, 23.456e6, 21e6, 26.6e6, result.Datasheet),
		line("Network: 872 switches, 70,656 optics", "", result.KindIT2, 97.6e6, 4, 4.142e6, 3.5e6, 4.9e6, result.Assumed),
		line("Storage: 68 nodes, 680 NVMe", "", result.KindIT2, 3.7e6, 4, 0.157e6, 0.13e6, 0.19e6, result.Datasheet),
		line("Facility: 22.5 MW critical load", "", result.KindFacility, 248e6, 15, 4.551e6, 3.4e6, 6.2e6, result.Assumed),
		line("Electricity: 30.4 GWh", "0.08 USD/kWh", result.KindPower, 0, 0, 2.429e6, 2.3e6, 2.6e6, result.Derived),
		line("Maintenance", "4 % of IT a year", result.KindWait, 0, 0, 3.978e6, 3e6, 5e6, result.Assumed),
		line("Operations staff, support", "9.4 M USD a year", result.KindFacility, 0, 0, 2.187e6, 1.8e6, 2.7e6, result.Assumed),
	}}
	var sum float64
	for _, x := range l.Lines {
		sum += x.USD
	}
	l.TotalUSD = num90(sum, 36.6e6, 46.9e6, "USD", result.Assumed)
	l.Capital = num90(921e6, 842e6, 1015e6, "USD", result.Datasheet)
	l.Units = []result.UnitCost{{Key: "usd_per_m_tokens", Name: "per million tokens trained", Value: num90(3.96, 3.52, 4.63, "USD/M tokens", result.Assumed)},
		{Key: "usd_per_gpu_hour_owned", Name: "per GPU-hour owned", Value: num90(1.93, 1.72, 2.21, "USD/GPU-hour", result.Assumed)},
		{Key: "usd_per_gpu_hour_useful", Name: "per useful GPU-hour", Value: num90(2.23, 1.97, 2.61, "USD/GPU-hour", result.Assumed)}}
	l.Carbon = []result.CarbonLine{{Name: "operation", Basis: "location-based, direct", Value: num90(11_200, 10_100, 12_500, "tCO2e", result.Datasheet)},
		{Name: "embodied", Basis: "54 days of 4 years, life-cycle", Value: num90(310, 200, 500, "tCO2e", result.Assumed)}}
	return l
}

func energyTree() *result.EnergyNode {
	const hours = 54 * 24
	leaf := func(name string, mw float64) result.EnergyNode {
		return result.EnergyNode{Name: name, MWMean: mw, MWh: mw * hours}
	}
	sum := func(name string, list ...result.EnergyNode) result.EnergyNode {
		n := result.EnergyNode{Name: name, Children: list}
		for _, c := range list {
			n.MWMean += c.MWMean
			n.MWh += c.MWh
		}
		return n
	}
	meter := sum("At the meter", sum("IT load", leaf("GPU servers", 17.204), leaf("Network", 1.2161), leaf("Storage", 0.0702), leaf("Management, host services", 0.2494)), leaf("Cooling, losses, lighting", 4.684))
	return &meter
}

func withLevers(run *result.Run) *result.Run {
	run.Levers = []result.Lever{
		{Action: "Recover in 5 min instead of 15: 24 spare nodes and in-memory checkpoints", ObjectiveGain: num90(0.063, 0.05, 0.07, "ratio", ""), UnitCostChange: num90(-0.052, -0.06, -0.04, "ratio", ""), CapitalUSD: 6.5e6, PWorth: 0.99},
		{Action: "Global batch 3,072 in place of 2,048", ObjectiveGain: num90(0.05, 0.04, 0.06, "ratio", ""), UnitCostChange: num90(-0.048, -0.05, -0.04, "ratio", ""), Condition: "Loss curve to be checked by the model team"},
		{Action: "All together", ObjectiveGain: num90(0.146, 0.12, 0.16, "ratio", ""), UnitCostChange: num90(-0.118, -0.13, -0.1, "ratio", ""), CapitalUSD: 10.2e6, Together: true, Detail: "Simulated as one design"},
	}
	run.NotWorth = []result.Lever{{Action: "Full-bisection core", ObjectiveGain: num90(0.004, 0, 0.01, "ratio", ""), UnitCostChange: num90(0.038, 0.03, 0.05, "ratio", ""), CapitalUSD: 41e6, PWorth: 0.02}}
	return run
}

func servingWorkload() result.Workload {
	w := result.Workload{ID: "chat", Kind: "serving", Title: "Invented chat service", Eyebrow: "Example 70B, fp8 · vLLM profile 0.9 · 16 replicas × TP 4 · 1,120 in, 236 out", Requests: 412_318, Objective: result.MetricCapacity,
		Metrics: map[string]result.Number{
			result.MetricCapacity:       num90(238, 214, 256, "requests/s", result.Derived),
			result.MetricOffered:        {Value: 210, Low: 210, High: 210, Unit: "requests/s", NoInterval: "given"},
			result.MetricTTFTP95:        num90(0.71, 0.58, 0.93, "s", result.Derived),
			result.MetricTPOTP95:        num90(0.0384, 0.0359, 0.0421, "s", result.Measured),
			result.MetricAttainment:     num90(0.986, 0.969, 0.994, "ratio", result.Derived),
			result.MetricCostPerMOutput: num90(1.38, 1.21, 1.62, "USD/M output tokens", result.Datasheet),
			result.MetricCost:           num90(186e3, 170e3, 205e3, "USD", result.Datasheet),
			result.MetricPower:          num90(121e3, 113e3, 130e3, "W", result.Derived),
		},
		Memory: []result.MemoryClass{{Name: "GPU of a replica", Ranks: 64, UsableGiB: 79.6, TotalGiB: 75, Parts: []result.MemoryPart{{Name: "weights", GiB: 16.4}, {Name: "KV cache used, p95", GiB: 41.8}, {Name: "KV cache free", GiB: 10.6}, {Name: "workspace, graphs", GiB: 6.2}}}},
		Serving: &result.Serving{
			Latency:   []result.LatencyRow{{Name: "first token", P10: 0.21, P50: 0.39, P95: 0.71, P99: 1.34, Limit: 1, At: "p95"}, {Name: "time per output token", P10: 0.024, P50: 0.029, P95: 0.0384, P99: 0.047, Limit: 0.05, At: "p95"}, {Name: "whole request", P10: 2.6, P50: 7.4, P95: 15.8, P99: 23.9}},
			TTFTParts: []result.PartsAt{ttft("p50", 0.09, 0.02, 0.22, 0.04, 0.02), ttft("p95", 0.35, 0.02, 0.26, 0.05, 0.03), ttft("p99", 0.94, 0.02, 0.30, 0.05, 0.03)}},
	}
	for i := range 21 {
		x := 100 + 10*float64(i)
		a := func(mid float64) float64 { return 1 / (1 + math.Exp((x-mid)/7)) }
		w.Serving.Load = append(w.Serving.Load, result.LoadPoint{RequestsPerSec: x, Attainment: num90(a(258), a(240), a(275), "ratio", result.Derived), TTFTP95: 0.4 + math.Exp((x-250)/15), Asked: x == 210})
	}
	for h := range 24 {
		r := 120 + 90*math.Sin(math.Pi*(float64(h)-4)/20)
		at := 0.995
		if h == 14 || h == 15 {
			at = 0.941
		}
		w.Serving.Hours = append(w.Serving.Hours, result.HourPoint{Hour: h, RequestsPerSec: math.Max(40, r), Attainment: at})
	}
	for _, l := range w.Serving.Latency {
		c := result.CDF{Name: l.Name, Unit: "s"}
		for i := 1; i < 100; i++ {
			c.Value = append(c.Value, l.P50*math.Exp(0.4*math.Log(float64(i)/(100-float64(i)))))
			c.Percent = append(c.Percent, float64(i))
		}
		w.Serving.Cumulative = append(w.Serving.Cumulative, c)
	}
	return w
}

func ttft(p string, q, route, pre, tp, host float64) result.PartsAt {
	return result.PartsAt{Percentile: p, Parts: []result.StepPart{{Name: "queueing", Kind: result.KindWait, Seconds: q, Waiting: true}, {Name: "routing, tokenizer", Kind: result.KindWait, Seconds: route},
		{Name: "prefill compute", Kind: result.KindCompute, Seconds: pre}, {Name: "tensor-parallel collectives", Kind: result.KindScaleUp, Seconds: tp}, {Name: "host overhead", Kind: result.KindCompute2, Seconds: host}}}
}

func servingElasticities() []result.Elasticity {
	list := []result.Elasticity{elastic("chat", "compute", "Matrix throughput", 0.046, 0.04, 0.05, 0.3), elastic("chat", "memory", "KV cache capacity", 0.029, 0.02, 0.043, 0.2), elastic("chat", "hbm", "HBM bandwidth", 0.024, 0.02, 0.03, 0.15),
		elastic("chat", "scaleup", "NVLink bandwidth", 0.009, 0.007, 0.011, 0.05), elastic("chat", "host", "Host and scheduler time", 0.008, 0.006, 0.01, 0.04), elastic("chat", "nic", "Scale-out network", 0, 0, 0, 0)}
	for i := range list {
		list[i].Metric = result.MetricCapacity
	}
	return list
}

func servingRun() *result.Run {
	run := trainingRun()
	run.Workloads = []result.Workload{servingWorkload()}
	run.Scenario.Name = "Chat serving on 64 H100 at 210 requests a second"
	run.Scenario.Machine = "64 H100 on 8 nodes"
	run.Elasticities = servingElasticities()
	run.Bottlenecks = []result.Bottleneck{{Workload: "chat", Resource: "queue", Name: "Waiting for a slot", Kind: result.KindWait, Share: 0.49, Seconds: 0.35}, {Workload: "chat", Resource: "compute", Name: "Prefill compute", Kind: result.KindCompute, Share: 0.37, Seconds: 0.26}}
	run.Tornado = nil
	run.Storage = []result.StoragePath{{Store: "weights", Workload: "chat", Use: "model load", Bytes: 70e9, Seconds: 41, Reached: 1.7e9, Stages: []result.StorageStage{{Stage: "Object store, per client", BytesPerSec: 1.7e9, Narrowest: true}, {Stage: "Host NIC", BytesPerSec: 50e9}}}}
	run.Where = nil
	return run
}

func mixedRun() *result.Run {
	run := trainingRun()
	chat := servingWorkload()
	run.Workloads = append(run.Workloads, chat)
	run.Elasticities = append(run.Elasticities, servingElasticities()...)
	run.Scenario.Name = "Training and serving on one fabric"
	return run
}
