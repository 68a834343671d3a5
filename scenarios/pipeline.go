package scenarios

// Pipeline is a graph of stages on the cluster's host processors, started by a trigger.
type Pipeline struct {
	ID             string          `toml:"id"`
	Name           string          `toml:"name"`
	Engine         string          `toml:"engine"` // spark | beam
	Nodes          *int            `toml:"nodes"`  // nil: all
	Cores          *int            `toml:"cores"`  // per node; nil: the server's
	Store          string          `toml:"store"`
	PartitionBytes float64         `toml:"partition"`
	Straggler      float64         `toml:"straggler"`
	Speculation    bool            `toml:"speculation"`
	EverySec       *float64        `toml:"every"`
	DataBytes      *float64        `toml:"data_trigger"`
	IngestRate     *float64        `toml:"ingest"`
	Drift          *Drift          `toml:"drift"`
	Canary         *Canary         `toml:"canary"`
	Serves         string          `toml:"serves"` // workload id
	DecayPerDay    *float64        `toml:"decay"`
	USDPerDay      *float64        `toml:"value"`
	Shares         bool            `toml:"shares"` // moves its bytes beside the workloads
	Stages         []PipelineStage `toml:"stage"`
}

// PipelineStage is one step of a pipeline.
type PipelineStage struct {
	ID           string   `toml:"id"`
	After        []string `toml:"after"`
	ReadBytes    float64  `toml:"read"`
	ShuffleBytes float64  `toml:"shuffle"`
	WriteBytes   float64  `toml:"write"`
	RatePerCore  *float64 `toml:"rate"`
	StartSec     float64  `toml:"start"`
	Seconds      *float64 `toml:"time"`
	Trains       string   `toml:"trains"` // workload id
	Queue        string   `toml:"queue"`  // queue id
	GPUs         *int     `toml:"gpus"`
}

// Drift starts a run when the input's distribution has moved.
type Drift struct {
	PerDay  float64 `toml:"per_day"`
	Samples float64 `toml:"samples"`
	Share   float64 `toml:"share"`
}

// Canary is how a new model takes over the traffic.
type Canary struct {
	Shares  []float64 `toml:"shares"`
	HoldSec float64   `toml:"hold"`
	Errors  float64   `toml:"errors"`
	Finds   float64   `toml:"finds"`
}
