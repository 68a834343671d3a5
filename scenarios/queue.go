package scenarios

// Queue is batch jobs that share nodes.
type Queue struct {
	ID                 string           `toml:"id"`
	Name               string           `toml:"name"`
	Nodes              *int             `toml:"nodes"` // nil: those that no workload takes
	LeafNodes          *int             `toml:"leaf_nodes"`
	PodLeaves          *int             `toml:"pod_leaves"`
	Speed              []float64        `toml:"speed"`
	JobsLike           string           `toml:"jobs_like"`
	Neighbours         float64          `toml:"neighbours"`
	MIG                string           `toml:"mig"`
	Order              string           `toml:"order"`
	Backfill           string           `toml:"backfill"`
	Depth              *int             `toml:"depth"`
	Preempt            bool             `toml:"preempt"`
	SaveOnStop         bool             `toml:"save_on_stop"`
	KillAtLimit        bool             `toml:"kill_at_limit"`
	MaxWallSec         *float64         `toml:"max_wall"`
	MaxGPUs            *int             `toml:"max_gpus"`
	QuantumSec         float64          `toml:"quantum"`
	HalfLifeSec        float64          `toml:"half_life"`
	CheckpointEverySec *float64         `toml:"checkpoint_every"`
	CheckpointSec      float64          `toml:"checkpoint_time"`
	RestartSec         float64          `toml:"restart"`
	Estimate           float64          `toml:"estimate"`
	BindPerSec         *float64         `toml:"bind_rate"`
	WaitSLOSec         *float64         `toml:"wait_slo"`
	KernelShare        float64          `toml:"utilisation"`
	Trace              string           `toml:"trace"`
	Generator          *JobGenerator    `toml:"generator"`
	Tenants            []QueueTenant    `toml:"tenant"`
	Windows            []QueueWindow    `toml:"window"`
	Partitions         []QueuePartition `toml:"partition"`
	QOS                []QueueQOS       `toml:"qos"`
	Weights            *QueueWeights    `toml:"weights"`
	Autoscale          *NodeScaler      `toml:"autoscale"` // nil: all nodes are there
}

// JobGenerator draws the jobs of a queue.
type JobGenerator struct {
	Kind        string   `toml:"kind"`
	Load        *float64 `toml:"load"`
	RatePerSec  *float64 `toml:"rate"`
	DurationSec float64  `toml:"duration"`
	MeanRunSec  float64  `toml:"mean_run"`
	Scale       int      `toml:"scale"`
	WallFactor  *float64 `toml:"wall_factor"`
}

// QueueTenant is one who shares a queue.
type QueueTenant struct {
	ID        string   `toml:"id"`
	Share     float64  `toml:"share"`
	Priority  int      `toml:"priority"`
	Weight    float64  `toml:"weight"`
	Quota     int      `toml:"quota"`
	Borrow    int      `toml:"borrow"`
	Cohort    string   `toml:"cohort"`
	Reclaim   bool     `toml:"reclaim"`
	PriceUSD  *float64 `toml:"price"`
	Partition string   `toml:"partition"`
	QOS       string   `toml:"qos"`
	Elastic   float64  `toml:"elastic"`
	Scaling   float64  `toml:"scaling"`
}

// QueuePartition is a range of a queue's nodes.
type QueuePartition struct {
	ID         string   `toml:"id"`
	First      int      `toml:"first"`
	Nodes      *int     `toml:"nodes"` // nil: all from the first on
	Tier       int      `toml:"tier"`
	MaxWallSec *float64 `toml:"max_wall"`
	MaxGPUs    *int     `toml:"max_gpus"`
}

// QueueQOS is limits that tenants of a queue share.
type QueueQOS struct {
	ID         string   `toml:"id"`
	Priority   float64  `toml:"priority"`
	GroupGPUs  int      `toml:"group_gpus"`
	TenantGPUs int      `toml:"tenant_gpus"`
	TenantJobs int      `toml:"tenant_jobs"`
	JobGPUs    int      `toml:"job_gpus"`
	MaxWallSec *float64 `toml:"max_wall"`
}

// QueueWeights are those of order multifactor.
type QueueWeights struct {
	Age       float64 `toml:"age"`
	FairShare float64 `toml:"fair_share"`
	Size      float64 `toml:"size"`
	Partition float64 `toml:"partition"`
	QOS       float64 `toml:"qos"`
	MaxAgeSec float64 `toml:"max_age"`
	PeriodSec float64 `toml:"period"`
}

// QueueWindow keeps nodes free.
type QueueWindow struct {
	Nodes    int     `toml:"nodes"`
	FromSec  float64 `toml:"from"`
	UntilSec float64 `toml:"until"`
}
