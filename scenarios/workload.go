package scenarios

// Workload is one thing that the machine is asked to do. Kind decides which
// fields count; keys of the other kind are refused when the file is read.
type Workload struct {
	ID        string `toml:"id"`
	Kind      string `toml:"kind"` // training | serving
	Name      string `toml:"name"`
	Nodes     *int   `toml:"nodes"`      // nil: all nodes that no other workload takes
	FirstNode *int   `toml:"first_node"` // nil: the first node that is free, in file order

	With  string   `toml:"with"`  // service on whose nodes this one stands; empty: nodes of its own
	MIG   string   `toml:"mig"`   // profile of the instances that its replicas run on; empty: whole accelerators
	Swap  *float64 `toml:"swap"`  // seconds after which a busy service makes way on shared chips; nil: all are in their memory
	Share *float64 `toml:"share"` // of the time of shared chips; nil with With: chips of its own

	Model        string        `toml:"model"`        // catalogue id; empty when one of the next two is given
	Architecture *Architecture `toml:"architecture"` // a transformer that the catalogue lacks
	Generic      *Generic      `toml:"generic"`      // anything that is so many FLOPs and bytes per sample
	Precision    string        `toml:"precision"`
	Parallelism  Parallelism   `toml:"parallelism"`
	DurationSec  *float64      `toml:"duration"`

	Site    string   `toml:"site"`    // of [[site]]; for the rules of [compliance]
	Purpose string   `toml:"purpose"` // why it reads the data
	Uses    []string `toml:"uses"`    // ids of [[data]]

	// kind = "training"
	Framework        string      `toml:"framework"`
	Batch            Batch       `toml:"batch"`
	ZeRO             int         `toml:"zero"`
	Recompute        string      `toml:"recompute"`
	Schedule         string      `toml:"schedule"`
	MTP              int         `toml:"mtp"`
	OffloadOptimizer bool        `toml:"offload_optimizer"`
	Overlap          Overlap     `toml:"overlap"`
	SequenceParallel bool        `toml:"sequence_parallel"`
	Tokens           *float64    `toml:"tokens"`
	Steps            *float64    `toml:"steps"`
	Checkpoint       *Checkpoint `toml:"checkpoint"` // nil: none is written
	Dataset          *Dataset    `toml:"dataset"`    // nil: input costs nothing
	Straggler        float64     `toml:"straggler"`  // the slowest rank is so much slower; see StragglerSet

	// kind = "serving"
	Engine         string    `toml:"engine"`
	KVPrecision    string    `toml:"kv_precision"`
	Replicas       *int      `toml:"replicas"` // nil: as many as the nodes hold
	Router         string    `toml:"router"`
	Arrivals       *Arrivals `toml:"arrivals"`
	Trace          string    `toml:"trace"` // resolved path; empty when Arrivals is given
	TraceFormat    string    `toml:"trace_format"`
	Rescale        float64   `toml:"rescale"` // the trace's request rate is multiplied by this
	MaxBatch       *int      `toml:"max_batch"`
	TokenBudget    *int      `toml:"token_budget"`
	StreamInterval *int      `toml:"stream_interval"`
	MemoryFraction *float64  `toml:"memory_fraction"`
	CacheBlocks    *int      `toml:"cache_blocks"`
	SLO            *SLO      `toml:"slo"`
	LoadFrom       string    `toml:"load_from"`
	Warm           bool      `toml:"warm"`
	Batcher        *Batcher  `toml:"batcher"`

	Clients     *Clients     `toml:"clients"`
	PrefixCache *PrefixCache `toml:"prefix_cache"`
	Admission   *Admission   `toml:"admission"`
	Autoscale   *Autoscale   `toml:"autoscale"`
	Speculative *Speculative `toml:"speculative"`
	Prefill     *Prefill     `toml:"prefill"`
	LoRA        *LoRA        `toml:"lora"`
	Classes     []Class      `toml:"class"`
}

// StragglerSet says whether the workload's Straggler was given, here or in
// [faults]; if not, the framework profile's law holds.
func (sc *Scenario) StragglerSet(w *Workload) bool {
	return sc.IsSet("workload."+w.ID+".straggler") || sc.IsSet("faults.straggler")
}

// Architecture is the shape of a transformer.
type Architecture struct {
	Layers        int  `toml:"layers"`
	Hidden        int  `toml:"hidden"`
	Heads         int  `toml:"heads"`
	KVHeads       int  `toml:"kv_heads"`
	HeadDim       int  `toml:"head_dim"`
	FFN           int  `toml:"ffn"` // width per expert when there are experts
	GatedFFN      bool `toml:"gated_ffn"`
	Vocab         int  `toml:"vocab"`
	Experts       int  `toml:"experts"`
	ExpertsActive int  `toml:"experts_active"`
	SharedExperts int  `toml:"shared_experts"`
	Tied          bool `toml:"tied_embeddings"`
}

// Generic is a model known only by what it does per sample.
type Generic struct {
	FlopsPerSample float64 `toml:"flops_per_sample"` // forward
	BytesPerSample float64 `toml:"bytes_per_sample"` // device memory traffic, forward
	Params         float64 `toml:"params"`
	SampleBytes    float64 `toml:"sample_bytes"` // one input as stored
}

// Parallelism says over how many accelerators each dimension of the work is
// cut. Data follows from the rest; when given it is checked.
type Parallelism struct {
	Tensor    int  `toml:"tensor"`
	Pipeline  int  `toml:"pipeline"`
	Attention int  `toml:"attention"`
	Context   int  `toml:"context"`
	Expert    int  `toml:"expert"`
	Virtual   int  `toml:"virtual"`
	Data      *int `toml:"data"`
}

// Batch is the batch of one optimizer step, in sequences (or samples).
type Batch struct {
	Global   int `toml:"global"`
	Micro    int `toml:"micro"`
	Sequence int `toml:"sequence"` // tokens; 0 for a generic model
}

// Overlap is the share of each kind of communication that hides behind work;
// nil leaves it to the framework's profile.
type Overlap struct {
	Tensor   *float64 `toml:"tensor"`
	Data     *float64 `toml:"data"`
	Pipeline *float64 `toml:"pipeline"`
}

// Checkpoint says where and how often the state is saved.
type Checkpoint struct {
	To    string   `toml:"to"` // storage id
	Every Interval `toml:"every"`
	Mode  string   `toml:"mode"` // sync | async
}

// Dataset says where the input is read from and how big it is.
type Dataset struct {
	From        string   `toml:"from"` // storage id
	SampleBytes *float64 `toml:"sample_size"`
	TokenBytes  *float64 `toml:"token_size"`
}

// Arrivals is a generator of requests.
type Arrivals struct {
	Process        string   `toml:"process"` // poisson | gamma | azure-conv | servegen
	RequestsPerSec *float64 `toml:"rate"`    // nil: the fitted rate of the process
	CV             *float64 `toml:"cv"`
	Diurnal        float64  `toml:"diurnal"`
	Prompt         *Lengths `toml:"prompt"` // nil: the fitted lengths of the process
	Output         *Lengths `toml:"output"`
	Clients        string   `toml:"clients"` // folder of servegen
	BeginSec       float64  `toml:"begin"`
	Talk           *Talk    `toml:"talk"` // nil: requests know nothing of one another
}

// Talk makes turns of talks of requests.
type Talk struct {
	Turns    float64 `toml:"turns"`
	ThinkSec float64 `toml:"think"`
	ThinkCV  float64 `toml:"think_cv"`
	Shared   float64 `toml:"shared"` // tokens
}

// Lengths is a distribution of token counts: Mean with CV, or P50 with P95.
type Lengths struct {
	Mean *float64 `toml:"mean"`
	CV   *float64 `toml:"cv"`
	P50  *float64 `toml:"p50"`
	P95  *float64 `toml:"p95"`
}

// SLO is what the service promises.
type SLO struct {
	TTFTSec    float64 `toml:"ttft"`
	TPOTSec    float64 `toml:"tpot"`       // 0: no limit
	Percentile float64 `toml:"percentile"` // 0..100, for both limits
	Attainment float64 `toml:"attainment"` // share of requests that must meet both
}

// Speculative is decoding with a draft.
type Speculative struct {
	Draft      string  `toml:"draft"` // catalogue id, or mtp
	Tokens     int     `toml:"tokens"`
	Acceptance float64 `toml:"acceptance"`
}

// LoRA is adapters beside the weights of a service's model.
type LoRA struct {
	Adapters *int      `toml:"adapters"` // nil: those that the trace names
	Rank     int       `toml:"rank"`
	Modules  []string  `toml:"modules"`
	MaxLoRAs int       `toml:"max_loras"`
	Host     *int      `toml:"host"`
	From     string    `toml:"from"`
	OpenSec  float64   `toml:"open"`
	Loading  string    `toml:"loading"` // in-step | beside; empty: the engine's
	Zipf     float64   `toml:"zipf"`
	Shares   []float64 `toml:"shares"`
	Base     float64   `toml:"base"`
}

// Prefill is a pool of workers that compute the prompts of a service.
type Prefill struct {
	Nodes          *int     `toml:"nodes"`
	Replicas       *int     `toml:"replicas"`
	Server         string   `toml:"server"`
	PriceUSD       *float64 `toml:"price"`
	Tensor         *int     `toml:"tensor"`
	Pipeline       *int     `toml:"pipeline"`
	Attention      *int     `toml:"attention"`
	Expert         *int     `toml:"expert"`
	MaxBatch       *int     `toml:"max_batch"`
	TokenBudget    *int     `toml:"token_budget"`
	MemoryFraction *float64 `toml:"memory_fraction"`
	FirstToken     string   `toml:"first_token"`
	Transfer       string   `toml:"transfer"`

	Autoscale *Autoscale `toml:"autoscale"`
}

// Class is part of the requests of a service.
type Class struct {
	ID       string    `toml:"id"`
	Share    float64   `toml:"share"`
	Priority int       `toml:"priority"`
	SLO      *ClassSLO `toml:"slo"` // nil: the workload's
}

// ClassSLO is what a service promises to a class.
type ClassSLO struct {
	TTFTSec    float64 `toml:"ttft"`
	TPOTSec    float64 `toml:"tpot"` // 0: no limit
	Attainment float64 `toml:"attainment"`
}

// Clients send one request after the other.
type Clients struct {
	Count    int     `toml:"count"`
	ThinkSec float64 `toml:"think"`
}

// PrefixCache is where cached blocks of prompts are kept below the chips' memory.
type PrefixCache struct {
	HostBytes        float64 `toml:"host"`
	HostBytesPerSec  float64 `toml:"host_bandwidth"`
	NVMeBytes        float64 `toml:"nvme"`
	NVMeBytesPerSec  float64 `toml:"nvme_bandwidth"`
	StoreBytes       float64 `toml:"store"`
	StoreBytesPerSec float64 `toml:"store_bandwidth"`
}

// Admission says when requests are turned away or given up.
type Admission struct {
	MaxQueue   int     `toml:"max_queue"`
	TimeoutSec float64 `toml:"timeout"`
}

// Autoscale lets the number of replicas follow the load.
type Autoscale struct {
	Min          int     `toml:"min"`
	Max          *int    `toml:"max"`
	Target       float64 `toml:"target"`
	IntervalSec  float64 `toml:"interval"`
	DownAfterSec float64 `toml:"down_after"`
	ProvisionSec float64 `toml:"provision"`
	PullSec      float64 `toml:"pull"`
}

// Batcher is the dynamic batcher in front of a generic model.
type Batcher struct {
	Max       int     `toml:"max"`
	WindowSec float64 `toml:"window"`
}
