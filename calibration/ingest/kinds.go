package ingest

// Collective is one size of one collective operation. Bytes follow the nccl-tests
// convention: the size that the tool prints, from which algorithm bandwidth is
// computed; bus bandwidth is algorithm bandwidth times 2(n-1)/n for all_reduce,
// (n-1)/n for all_gather, reduce_scatter and all_to_all, 1 else.
type Collective struct {
	Op             string `json:"op"` // all_reduce, all_gather, …; "" if the file does not tell
	Bytes          Num    `json:"size_bytes,omitzero"`
	Elements       Num    `json:"elements,omitzero"`
	DType          string `json:"dtype,omitempty"`
	RedOp          string `json:"redop,omitempty"`
	Root           Num    `json:"root,omitzero"` // unknown where the operation has none
	Ranks          Num    `json:"ranks,omitzero"`
	Nodes          Num    `json:"nodes,omitzero"`
	Placement      string `json:"placement,omitempty"` // out-of-place, in-place
	TimeSec        Num    `json:"time_s,omitzero"`
	AlgBytesPerSec Num    `json:"alg_bytes_per_s,omitzero"`
	BusBytesPerSec Num    `json:"bus_bytes_per_s,omitzero"`
	Wrong          Num    `json:"wrong,omitzero"` // results that failed the check
	TimesSec       Dist   `json:"times_s,omitzero"`
	Device         string `json:"device,omitempty"`
	Group          string `json:"group,omitempty"`
	InBytes        Num    `json:"in_bytes,omitzero"` // of traces: per rank
	OutBytes       Num    `json:"out_bytes,omitzero"`
	StartSec       Num    `json:"start_s,omitzero"` // since the trace's base
	Name           string `json:"name,omitempty"`   // of the kernel or node in a trace
	Rank           Num    `json:"rank,omitzero"`
}

// Link is a transfer between two places: over PCIe, NVLink, xGMI or a network.
type Link struct {
	Op              string `json:"op"` // as the tool calls it
	From            string `json:"from,omitempty"`
	To              string `json:"to,omitempty"`
	Bidirectional   bool   `json:"bidirectional,omitempty"`
	Engine          string `json:"engine,omitempty"` // ce, sm, dma, …
	Device          string `json:"device,omitempty"`
	Transport       string `json:"transport,omitempty"`
	Bytes           Num    `json:"size_bytes,omitzero"`
	Iterations      Num    `json:"iterations,omitzero"`
	QueuePairs      Num    `json:"queue_pairs,omitzero"`
	MTUBytes        Num    `json:"mtu_bytes,omitzero"`
	BytesPerSec     Num    `json:"bytes_per_s,omitzero"`
	PeakBytesPerSec Num    `json:"peak_bytes_per_s,omitzero"`
	BytesPerSecDist Dist   `json:"dist_bytes_per_s,omitzero"`
	MessagesPerSec  Num    `json:"messages_per_s,omitzero"`
	LatencySec      Num    `json:"latency_s,omitzero"`
	LatencyDistSec  Dist   `json:"latency_dist_s,omitzero"`
	Status          string `json:"status,omitempty"` // where the tool did not measure: Waived, …
	Under           string `json:"under,omitempty"`  // conditions: congestion, NUMA node
}

// Memory is a bandwidth of a device's own memory, as STREAM measures it.
type Memory struct {
	Op              string `json:"op"` // copy, scale, add, triad
	Device          string `json:"device,omitempty"`
	DType           string `json:"dtype,omitempty"`
	ArrayBytes      Num    `json:"array_bytes,omitzero"`
	Threads         Num    `json:"threads,omitzero"`
	BlockThreads    Num    `json:"block_threads,omitzero"`
	BytesPerSec     Num    `json:"bytes_per_s,omitzero"`
	PeakBytesPerSec Num    `json:"peak_bytes_per_s,omitzero"` // theoretical, as the tool prints it
	AvgSec          Num    `json:"avg_s,omitzero"`
	MinSec          Num    `json:"min_s,omitzero"`
	MaxSec          Num    `json:"max_s,omitzero"`
}

// Kernel is a piece of computing: a GEMM of known shape, a kernel or operator of a
// trace, a whole benchmark of arithmetic.
type Kernel struct {
	Name        string  `json:"name"`
	Class       string  `json:"class,omitempty"` // gemm, kernel, memcpy, memset, operator, runtime, annotation, burn, linpack, comp, memory
	Device      string  `json:"device,omitempty"`
	M           Num     `json:"m,omitzero"`
	N           Num     `json:"n,omitzero"`
	K           Num     `json:"k,omitzero"`
	Batch       Num     `json:"batch,omitzero"`
	DType       string  `json:"dtype,omitempty"`
	DurationSec Num     `json:"duration_s,omitzero"`
	StartSec    Num     `json:"start_s,omitzero"` // since the trace's base
	FlopPerSec  Num     `json:"flop_per_s,omitzero"`
	Bytes       Num     `json:"size_bytes,omitzero"`
	BytesPerSec Num     `json:"bytes_per_s,omitzero"`
	Stream      Num     `json:"stream,omitzero"`
	Correlation Num     `json:"correlation,omitzero"`
	Grid        []int   `json:"grid,omitempty"`
	Block       []int   `json:"block,omitempty"`
	Shapes      string  `json:"shapes,omitempty"` // of the inputs, as the trace writes them
	Types       string  `json:"types,omitempty"`
	Errors      Num     `json:"errors,omitzero"`
	Celsius     Num     `json:"temperature_celsius,omitzero"`
	ID          Num     `json:"id,omitzero"`
	Deps        []int64 `json:"deps,omitempty"` // data and control dependencies by ID
	Rank        Num     `json:"rank,omitzero"`
	More        []Field `json:"more,omitempty"`
}

// Device is one look at an accelerator (or, by name, at another part with sensors).
type Device struct {
	Time              string   `json:"time,omitempty"`    // as printed: local, without zone
	TimeSec           Num      `json:"unix_s,omitzero"`   // where the tool prints an instant
	Section           string   `json:"section,omitempty"` // idle, load, … where the file says
	Index             Num      `json:"index,omitzero"`
	UUID              string   `json:"uuid,omitempty"`
	BusID             string   `json:"bus_id,omitempty"`
	Name              string   `json:"name,omitempty"`
	Host              string   `json:"host,omitempty"`
	PState            string   `json:"pstate,omitempty"`
	SMClockHz         Num      `json:"sm_clock_hz,omitzero"`
	MemClockHz        Num      `json:"mem_clock_hz,omitzero"`
	MaxSMClockHz      Num      `json:"max_sm_clock_hz,omitzero"`
	MaxMemClockHz     Num      `json:"max_mem_clock_hz,omitzero"`
	PowerWatts        Num      `json:"power_watts,omitzero"`
	AvgPowerWatts     Num      `json:"avg_power_watts,omitzero"`
	InstantWatts      Num      `json:"instant_power_watts,omitzero"`
	LimitWatts        Num      `json:"power_limit_watts,omitzero"`
	MaxLimitWatts     Num      `json:"max_power_limit_watts,omitzero"`
	EnergyJoules      Num      `json:"energy_joules,omitzero"` // counter
	Celsius           Num      `json:"temperature_celsius,omitzero"`
	MemCelsius        Num      `json:"mem_temperature_celsius,omitzero"`
	HotspotCelsius    Num      `json:"hotspot_temperature_celsius,omitzero"`
	BusyRatio         Num      `json:"busy_ratio,omitzero"` // share of time with a kernel, not occupancy
	MemBusyRatio      Num      `json:"mem_busy_ratio,omitzero"`
	EngineActiveRatio Num      `json:"engine_active_ratio,omitzero"`
	SMActiveRatio     Num      `json:"sm_active_ratio,omitzero"`
	SMOccupancyRatio  Num      `json:"sm_occupancy_ratio,omitzero"`
	TensorActiveRatio Num      `json:"tensor_active_ratio,omitzero"`
	DRAMActiveRatio   Num      `json:"dram_active_ratio,omitzero"`
	MemTotalBytes     Num      `json:"mem_total_bytes,omitzero"`
	MemUsedBytes      Num      `json:"mem_used_bytes,omitzero"`
	MemFreeBytes      Num      `json:"mem_free_bytes,omitzero"`
	MemReservedBytes  Num      `json:"mem_reserved_bytes,omitzero"`
	PCIeGen           Num      `json:"pcie_gen,omitzero"`
	PCIeLanes         Num      `json:"pcie_lanes,omitzero"`
	PCIeMaxGen        Num      `json:"pcie_max_gen,omitzero"`
	PCIeMaxLanes      Num      `json:"pcie_max_lanes,omitzero"`
	PCIeTxBytesPerSec Num      `json:"pcie_tx_bytes_per_s,omitzero"`
	PCIeRxBytesPerSec Num      `json:"pcie_rx_bytes_per_s,omitzero"`
	NVLinkBytesPerSec Num      `json:"nvlink_bytes_per_s,omitzero"`
	PCIeReplays       Num      `json:"pcie_replays,omitzero"`
	Xid               Num      `json:"xid,omitzero"`
	UncorrectedErrors Num      `json:"ecc_uncorrected_errors,omitzero"` // since the driver was loaded
	FanRatio          Num      `json:"fan_ratio,omitzero"`
	Throttle          []string `json:"throttle,omitempty"` // reasons that are active
	More              []Field  `json:"more,omitempty"`     // all else that is known
}

// Storage is one direction of one storage benchmark.
type Storage struct {
	Job             string  `json:"job,omitempty"`
	Op              string  `json:"op"` // read, write, trim, stat, train, …
	Pattern         string  `json:"pattern,omitempty"`
	Engine          string  `json:"engine,omitempty"`
	Target          string  `json:"target,omitempty"`
	BlockBytes      Num     `json:"block_bytes,omitzero"`
	QueueDepth      Num     `json:"queue_depth,omitzero"`
	Workers         Num     `json:"workers,omitzero"`
	Hosts           Num     `json:"hosts,omitzero"`
	Bytes           Num     `json:"total_bytes,omitzero"`
	Ops             Num     `json:"total_ops,omitzero"`
	RuntimeSec      Num     `json:"runtime_s,omitzero"`
	BytesPerSec     Num     `json:"bytes_per_s,omitzero"`
	BytesPerSecDist Dist    `json:"dist_bytes_per_s,omitzero"`
	OpsPerSec       Num     `json:"ops_per_s,omitzero"`
	OpsPerSecDist   Dist    `json:"dist_ops_per_s,omitzero"`
	LatencySec      Dist    `json:"latency_s,omitzero"`
	SubmitSec       Dist    `json:"submit_latency_s,omitzero"`
	CompleteSec     Dist    `json:"complete_latency_s,omitzero"`
	FirstDoneSec    Num     `json:"first_done_s,omitzero"` // the first worker; the gap to the runtime shows stragglers
	Errors          Num     `json:"errors,omitzero"`
	UserRatio       Num     `json:"cpu_user_ratio,omitzero"`
	SystemRatio     Num     `json:"cpu_system_ratio,omitzero"`
	More            []Field `json:"more,omitempty"`
}

// Serving is the summary of a serving benchmark.
type Serving struct {
	Label              string  `json:"label,omitempty"`
	Engine             string  `json:"engine,omitempty"`
	Model              string  `json:"model,omitempty"`
	Scenario           string  `json:"scenario,omitempty"` // Offline, Server, …
	Status             string  `json:"status,omitempty"`   // of which requests, where the tool splits them
	Requests           Num     `json:"requests,omitzero"`
	Completed          Num     `json:"completed,omitzero"`
	Failed             Num     `json:"failed,omitzero"`
	OfferedPerSec      Num     `json:"offered_requests_per_s,omitzero"` // unknown if all at once
	AllAtOnce          bool    `json:"all_at_once,omitempty"`
	Concurrency        Num     `json:"concurrency,omitzero"`
	DurationSec        Num     `json:"duration_s,omitzero"`
	InputTokens        Num     `json:"input_tokens,omitzero"`
	OutputTokens       Num     `json:"output_tokens,omitzero"`
	RequestsPerSec     Num     `json:"requests_per_s,omitzero"`
	GoodRequestsPerSec Num     `json:"good_requests_per_s,omitzero"`
	OutputTokensPerSec Num     `json:"output_tokens_per_s,omitzero"`
	TotalTokensPerSec  Num     `json:"total_tokens_per_s,omitzero"`
	PromptTokens       Dist    `json:"prompt_length_tokens,omitzero"`
	ReplyTokens        Dist    `json:"reply_length_tokens,omitzero"`
	TTFTSec            Dist    `json:"ttft_s,omitzero"`
	TPOTSec            Dist    `json:"tpot_s,omitzero"`
	ITLSec             Dist    `json:"itl_s,omitzero"`
	E2ESec             Dist    `json:"e2e_s,omitzero"`
	More               []Field `json:"more,omitempty"`
}

// Request is one request of a serving benchmark.
type Request struct {
	ID           string  `json:"id,omitempty"`
	StartSec     Num     `json:"start_s,omitzero"` // on the benchmark's own clock
	PromptTokens Num     `json:"prompt_tokens,omitzero"`
	OutputTokens Num     `json:"output_tokens,omitzero"`
	TTFTSec      Num     `json:"ttft_s,omitzero"`
	TPOTSec      Num     `json:"tpot_s,omitzero"`
	E2ESec       Num     `json:"e2e_s,omitzero"`
	QueueSec     Num     `json:"queue_s,omitzero"`
	ITLSec       Dist    `json:"itl_s,omitzero"`
	Error        string  `json:"error,omitempty"`
	More         []Field `json:"more,omitempty"`
}

// Job is a job or a step of a batch scheduler. Times are as printed: seconds since
// 1970 where the tool prints an instant, else local time in Local fields.
type Job struct {
	ID          string  `json:"id"`
	Step        string  `json:"step,omitempty"` // batch, extern, 0, …
	ArrayTask   string  `json:"array_task,omitempty"`
	Name        string  `json:"name,omitempty"`
	User        string  `json:"user,omitempty"`
	Account     string  `json:"account,omitempty"`
	Partition   string  `json:"partition,omitempty"`
	QOS         string  `json:"qos,omitempty"`
	State       string  `json:"state"`
	CancelledBy string  `json:"cancelled_by,omitempty"`
	Reason      string  `json:"reason,omitempty"`
	ExitCode    string  `json:"exit_code,omitempty"`
	SubmitLocal string  `json:"submit_local,omitempty"`
	StartLocal  string  `json:"start_local,omitempty"`
	EndLocal    string  `json:"end_local,omitempty"`
	SubmitSec   Num     `json:"submit_unix_s,omitzero"`
	StartSec    Num     `json:"start_unix_s,omitzero"`
	EndSec      Num     `json:"end_unix_s,omitzero"`
	ElapsedSec  Num     `json:"elapsed_s,omitzero"`
	LimitSec    Num     `json:"limit_s,omitzero"` // unknown if unlimited
	CPUSec      Num     `json:"cpu_s,omitzero"`   // used
	Nodes       Num     `json:"nodes,omitzero"`
	CPUs        Num     `json:"cpus,omitzero"`
	GPUs        Num     `json:"gpus,omitzero"`
	GPUType     string  `json:"gpu_type,omitempty"`
	MemBytes    Num     `json:"mem_bytes,omitzero"` // allocated, or asked for
	MaxRSSBytes Num     `json:"max_rss_bytes,omitzero"`
	NodeList    string  `json:"node_list,omitempty"`
	Restarts    Num     `json:"restarts,omitzero"`
	ReqTRES     string  `json:"requested,omitempty"`
	AllocTRES   string  `json:"allocated,omitempty"`
	More        []Field `json:"more,omitempty"`
}

// Event is a line of a log: a key with a value at a time.
type Event struct {
	TimeSec   Num     `json:"unix_s,omitzero"`
	Type      string  `json:"type,omitempty"` // INTERVAL_START, INTERVAL_END, POINT_IN_TIME, …
	Namespace string  `json:"namespace,omitempty"`
	Key       string  `json:"key"`
	Value     Num     `json:"value,omitzero"`
	Unit      string  `json:"unit,omitempty"`
	Text      string  `json:"text,omitempty"` // of a value that is no number
	More      []Field `json:"more,omitempty"` // fields of a composite value, and metadata
}

// End is one end of an edge.
type End struct {
	Type string `json:"type,omitempty"` // switch, adapter, router, gpu, cpu, node
	ID   string `json:"id,omitempty"`   // GUID or name
	Name string `json:"name,omitempty"`
	Port Num    `json:"port,omitzero"`
	LID  Num    `json:"lid,omitzero"`
}

// Edge is a node of a topology, or a link between two of them.
type Edge struct {
	From              End     `json:"from"`
	To                End     `json:"to,omitzero"` // nothing: a node, or a port without a link
	Type              string  `json:"type,omitempty"`
	State             string  `json:"state,omitempty"`
	Lanes             Num     `json:"lanes,omitzero"`
	Speed             string  `json:"speed,omitempty"`                 // SDR … NDR as printed
	LaneBitsPerSec    Num     `json:"lane_signal_bits_per_s,omitzero"` // on the wire
	BytesPerSec       Num     `json:"data_bytes_per_s,omitzero"`       // one way, after coding
	Hops              Num     `json:"hops,omitzero"`
	Weight            Num     `json:"weight,omitzero"`
	CPUs              Num     `json:"cpus,omitzero"`
	AllocatedCPUs     Num     `json:"allocated_cpus,omitzero"`
	MemBytes          Num     `json:"mem_bytes,omitzero"`
	AllocatedMemBytes Num     `json:"allocated_mem_bytes,omitzero"`
	FreeMemBytes      Num     `json:"free_mem_bytes,omitzero"`
	Gres              string  `json:"gres,omitempty"`
	GresUsed          string  `json:"gres_used,omitempty"`
	More              []Field `json:"more,omitempty"`
}

// Counters are the counters of one object: a port, a scheduler, a table of fields.
type Counters struct {
	Object  string  `json:"object"`
	Port    Num     `json:"port,omitzero"`
	LID     Num     `json:"lid,omitzero"`
	TxBytes Num     `json:"tx_bytes,omitzero"`
	RxBytes Num     `json:"rx_bytes,omitzero"`
	Values  []Field `json:"values,omitempty"`
}

// Kind names the kind.
func (*Collective) Kind() Kind { return KindCollective }

// Kind names the kind.
func (*Link) Kind() Kind { return KindLink }

// Kind names the kind.
func (*Memory) Kind() Kind { return KindMemory }

// Kind names the kind.
func (*Kernel) Kind() Kind { return KindKernel }

// Kind names the kind.
func (*Device) Kind() Kind { return KindDevice }

// Kind names the kind.
func (*Storage) Kind() Kind { return KindStorage }

// Kind names the kind.
func (*Serving) Kind() Kind { return KindServing }

// Kind names the kind.
func (*Request) Kind() Kind { return KindRequest }

// Kind names the kind.
func (*Job) Kind() Kind { return KindJob }

// Kind names the kind.
func (*Event) Kind() Kind { return KindEvent }

// Kind names the kind.
func (*Edge) Kind() Kind { return KindEdge }

// Kind names the kind.
func (*Counters) Kind() Kind { return KindCounters }
