package ingest

// textFormats are asked in this order; the first one that knows a line reads on.
var textFormats []textFormat

// jsonFormats are asked in this order.
var jsonFormats []jsonFormat

func init() {
	textFormats = []textFormat{
		{"nccl-tests", startsNCCL, openNCCL},
		{"rccl-tests", startsRCCLCSV, openRCCLCSV},
		{"nvbandwidth", startsNVBandwidth, openNVBandwidth},
		{"perftest", startsPerftest, openPerftest},
		{"nvidia-smi", startsSMICSV, openSMICSV},
		{"nvidia-smi", startsSMIQuery, openSMIQuery},
		{"nvidia-smi", startsDmon, openDmon},
		{"nvidia-smi", startsSMILinks, openSMILinks},
		{"nvidia-smi", startsSMITopo, openSMITopo},
		{"dcgm-exporter", startsDCGM, openDCGM},
		{"dcgm-exporter", startsDCGMFields, openDCGMFields},
		{"dcgmi-dmon", startsDCGMDmon, openDCGMDmon},
		{"rocm-smi", startsROCmCSV, openROCmCSV},
		{"rocm-smi", startsROCmConcise, openROCmConcise},
		{"mlperf", startsMLLog, openMLLog},
		{"mlperf-inference", startsMLPerfSummary, openMLPerfSummary},
		{"stream", startsStream, openStream},
		{"babelstream", startsBabelStream, openBabelStream},
		{"gpu-stream", startsGPUStream, openGPUStream},
		{"gpu-burn", startsGPUBurn, openGPUBurn},
		{"hpl", startsHPL, openHPL},
		{"cublaslt-gemm", startsCublasLt, openCublasLt},
		{"gemm-table", startsGEMMCSV, openGEMMCSV},
		{"nsight-compute", startsNCU, openNCU},
		{"cuda-bandwidthtest", startsCUDABandwidth, openCUDABandwidth},
		{"hip-bus-bandwidth", startsHipBus, openHipBus},
		{"rocm-bandwidth-test", startsROCmBandwidth, openROCmBandwidth},
		{"gpu-copy", startsGPUCopy, openGPUCopy},
		{"gpcnet", startsGPCNet, openGPCNet},
		{"dist-inference", startsDistInference, openDistInference},
		{"rados-bench", startsRados, openRados},
		{"elbencho", startsElbencho, openElbencho},
		{"elbencho", startsElbenchoCSV, openElbenchoCSV},
		{"vllm-bench", startsVLLMText, openVLLMText},
		{"slurm-sacct", startsSacct, openSacct},
		{"slurm-sacct", startsSacctTable, openSacctTable},
		{"aiperf", startsGenAICSV, openGenAICSV},
		{"slurm-scontrol", startsScontrol, openScontrol},
		{"ibnetdiscover", startsIBDump, openIBDump},
		{"ibnetdiscover", startsIBPorts, openIBPorts},
		{"iblinkinfo", startsIBLinkInfo, openIBLinkInfo},
		{"perfquery", startsPerfquery, openPerfquery},
		{"ibswinfo", startsIBSwInfo, openIBSwInfo},
	}
	jsonFormats = []jsonFormat{
		{"aisim", func(s *shape) bool {
			return s.has("schema", "records") && (s.holds("body", "source") || !s.holds("kind"))
		}, readOwn},
		{"fio", func(s *shape) bool { return s.has("fio version") || s.has("jobs") && s.holds("jobname") }, readFio},
		{"nccl-tests", func(s *shape) bool { return s.has("nccl_version") || s.has("results") && s.holds("out_of_place") }, readNCCLJSON},
		{"rccl-tests", func(s *shape) bool { return s.has("size") && (s.has("busBw") || s.has("busbw")) }, readRCCLJSON},
		{"nvbandwidth", func(s *shape) bool { return s.has("nvbandwidth") }, readNVBandwidthJSON},
		{"perftest", func(s *shape) bool { return s.has("test_info") }, readPerftestJSON},
		{"rocm-smi", isROCmSMI, readROCmSMI},
		{"rados-bench", func(s *shape) bool { return s.has("concurrent_ios") || s.has("object_size", "op_size") }, readRadosJSON},
		{"kineto", func(s *shape) bool {
			return s.has("traceEvents") || s.has("schemaVersion", "deviceProperties") || s.array && s.has("ph", "ts") || s.has("schemaVersion", "distributedInfo")
		}, readKineto},
		{"pytorch-et", func(s *shape) bool { return s.has("nodes") && s.has("schema") || s.has("schema", "pid", "start_ts") }, readExecutionTrace},
		{"chakra", func(s *shape) bool {
			return !s.has("ctrl_deps", "inputs", "rf_id") && (s.has("ctrlDeps") || s.has("ctrl_deps") || s.has("dataDeps") || s.has("data_deps") || s.has("id", "name", "type", "attr") || s.has("globalMetadata"))
		}, readChakraJSON},
		{"mlperf-storage", func(s *shape) bool { return s.has("num_accelerators", "metric") }, readMLPerfStorage},
		{"slurm", isSlurm, readSlurm},
		{"guidellm", func(s *shape) bool { return s.has("benchmarks") && s.holds("metrics") }, readGuideLLM},
		{"vllm-bench", func(s *shape) bool {
			return s.has("request_throughput", "completed") || s.has("num_prompts", "request_rate") || s.has("total_input_tokens", "output_throughput")
		}, readVLLM},
		{"aiperf", func(s *shape) bool { return s.has("metadata", "metrics") && s.holds("request_start_ns") }, readAIPerfRequest},
		{"aiperf", func(s *shape) bool {
			return s.has("request_throughput") && s.holds("avg") || s.has("request_latency") && s.holds("avg") || s.has("time_to_first_token") && s.holds("avg")
		}, readAIPerf},
		{"elbencho", func(s *shape) bool {
			return s.has("ISO date") || s.has("operation", "entry type") || s.has("operation") && s.holds("MiB/s [last]")
		}, readElbenchoJSON},
		{"gemm", func(s *shape) bool { return (s.has("m", "n", "k") || s.has("M", "N", "K")) }, readGEMM},
	}
}
