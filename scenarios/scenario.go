package scenarios

import "aisim/internal/units"

// Scenario is what the user said, with defaults filled in and every number in
// SI base units (seconds, bytes, bytes per second, watts, USD). Pointer fields
// are nil when neither the file nor a default gives a value: the world then
// takes the value from the catalogue or the device profile.
type Scenario struct {
	Version     int        `toml:"version"`
	Name        string     `toml:"name"`
	Description string     `toml:"description"`
	Seed        uint64     `toml:"seed"`
	Replicas    int        `toml:"replicas"`
	Include     []string   `toml:"include"`
	Cluster     Cluster    `toml:"cluster"`
	Storage     []Storage  `toml:"storage"`
	Workloads   []Workload `toml:"workload"`
	Faults      *Faults    `toml:"faults"` // nil: nothing fails
	Security    *Security  `toml:"security"`
	Provision   *Provision `toml:"provision"` // nil: nodes are there
	Edge        *Edge      `toml:"edge"`      // nil: one site
	Economics   Economics  `toml:"economics"`
	Goal        *Goal      `toml:"goal"`
	Sweep       *Sweep     `toml:"sweep"`

	Sites      []Site      `toml:"site"`       // where data may be, for the rules
	Data       []Data      `toml:"data"`       // what the rules protect
	Compliance *Compliance `toml:"compliance"` // nil: no rules are checked

	Pipelines []Pipeline `toml:"pipeline"`
	Queues    []Queue    `toml:"queue"`
	Functions []Function `toml:"function"`
	Streams   []Stream   `toml:"stream"`

	source *source // where each value came from; see origin.go
}

// Cluster is the machine: alike servers on one fabric.
type Cluster struct {
	Server   string   `toml:"server"` // catalogue id
	Nodes    int      `toml:"nodes"`
	Override Override `toml:"override"`

	Confidential  bool     `toml:"confidential"` // accelerators behind the bridge of confidential computing
	PowerCapWatts *float64 `toml:"power_cap"`    // of each accelerator
	Fabric        Fabric   `toml:"fabric"`
}

// Override replaces catalogue values of the server and its accelerators; nil
// keeps the catalogue's. ScaleUpBytesPerSec is one way per accelerator.
type Override struct {
	PeakBF16FlopsPerSec *float64 `toml:"peak_bf16"`
	PeakFP8FlopsPerSec  *float64 `toml:"peak_fp8"`
	MemoryBytes         *float64 `toml:"memory"`
	MemoryBytesPerSec   *float64 `toml:"memory_bandwidth"`
	ScaleUpBytesPerSec  *float64 `toml:"scaleup_bandwidth"`
	ScaleUpDomain       *int     `toml:"scaleup_domain"`
	NICs                *int     `toml:"nics"`
	NICBytesPerSec      *float64 `toml:"nic"`
	PowerWatts          *float64 `toml:"power"`
	PriceUSD            *float64 `toml:"price"`
	HostMemoryBytes     *float64 `toml:"host_memory"`
	HostMemBytesPerSec  *float64 `toml:"host_memory_bandwidth"`
}

// Fabric is the scale-out network. Levels is 0 when the fewest that hold the
// nodes are wanted. Oversubscription holds Levels-1 entries, leaf uplinks first,
// or none for full bandwidth.
type Fabric struct {
	Topology         string    `toml:"topology"` // fat-tree | rail-optimised | rail-only | dragonfly+ | single-switch | torus | file
	File             string    `toml:"file"`     // resolved path of a fabric file
	Levels           int       `toml:"levels"`
	Switch           string    `toml:"switch"` // catalogue id; empty for a torus
	Radix            *int      `toml:"radix"`
	Oversubscription []float64 `toml:"oversubscription"`
	Routing          string    `toml:"routing"` // ecmp | d-mod-k | adaptive
	Model            string    `toml:"model"`   // analytic | flow
	LinkLatencySec   *float64  `toml:"link_latency"`
	SwitchLatencySec *float64  `toml:"switch_latency"`
	Dims             []int     `toml:"dims"`
	FailedLinks      []string  `toml:"failed_links"` // "leaf-3:spine-2"
}

// Storage is one store on the fabric. Which fields count depends on Kind; keys
// of another kind are refused when the file is read.
type Storage struct {
	ID          string      `toml:"id"`
	Kind        string      `toml:"kind"` // ceph | lustre | gluster | object | nvme
	Nodes       int         `toml:"nodes"`
	Server      string      `toml:"server"`
	Drives      *Drives     `toml:"drives"`
	Pool        *Pool       `toml:"pool"`
	NICs        *StoreNIC   `toml:"nics"` // nil: the server's own
	Cores       *int        `toml:"cores"`
	ObjectBytes float64     `toml:"object_size"`
	Encryption  *Encryption `toml:"encryption"` // nil: nothing is encrypted
	Fill        float64     `toml:"fill"`       // share of the usable capacity already taken

	// kind = "lustre" or "gluster"
	Stripe    *Stripe   `toml:"stripe"`    // lustre
	Metadata  *Metadata `toml:"metadata"`  // lustre
	FileBytes float64   `toml:"file_size"` // 0: one file per operation

	// kind = "object"; per_client of lustre and gluster, too
	BytesPerSec          *float64 `toml:"bandwidth"`
	PerClientBytesPerSec *float64 `toml:"per_client"`
	LatencySec           float64  `toml:"latency"`
	USDPerGBMonth        float64  `toml:"price"`
}

// Drives are the drives of each storage node (or compute node for nvme).
type Drives struct {
	Type    string `toml:"type"` // catalogue id
	PerNode int    `toml:"per_node"`
}

// Stripe is how Lustre spreads a file over its targets.
type Stripe struct {
	Count int     `toml:"count"`
	Bytes float64 `toml:"size"`
}

// Metadata are the metadata servers of Lustre.
type Metadata struct {
	Servers     int      `toml:"servers"`
	FilesPerSec *float64 `toml:"rate"` // each; nil: the model's
}

// Pool says how a Ceph pool keeps its objects, Gluster its files and Lustre its drives.
type Pool struct {
	Profile       string `toml:"profile"`        // "rep-3", "ec-6+2"; of lustre "raid6-8+2"
	FailureDomain string `toml:"failure_domain"` // host | rack
}

// StoreNIC are the network ports of each storage node.
type StoreNIC struct {
	Count       int     `toml:"count"`
	BytesPerSec float64 `toml:"speed"`
}

// Domain is nodes that fail together.
type Domain struct {
	Kind               string  `toml:"kind"`
	Nodes              int     `toml:"nodes"`
	FailuresPer1000Day float64 `toml:"failures_per_1000_days"`
	RepairSec          float64 `toml:"repair"`
}

// Faults is what breaks and how long it takes to go on. Components always holds
// the rates in use: given, or the total split by the published shares.
type Faults struct {
	NodeFailuresPer1000NodeDays *float64    `toml:"node_failures_per_1000_node_days"`
	Components                  *Components `toml:"components"`
	DetectionSec                float64     `toml:"detection"`
	RecoverySec                 float64     `toml:"recovery"` // restart of the job, without reading the checkpoint
	RepairSec                   float64     `toml:"repair"`
	Spares                      int         `toml:"spares"`
	Crews                       *int        `toml:"crews"` // nil: no repair waits for another
	Policy                      string      `toml:"policy"`
	HotRecoverySec              float64     `toml:"hot_recovery"`
	Foreseen                    float64     `toml:"foreseen"`
	Domains                     []Domain    `toml:"domain"`
	Straggler                   float64     `toml:"straggler"`
}

// Components are failure rates by cause, each per 1000 node-days.
type Components struct {
	GPU      float64 `toml:"gpu"`
	NIC      float64 `toml:"nic"`
	Switch   float64 `toml:"switch"`
	Host     float64 `toml:"host"`
	Software float64 `toml:"software"`
}

// Total is the sum over the causes, per 1000 node-days.
func (c Components) Total() float64 { return c.GPU + c.NIC + c.Switch + c.Host + c.Software }

// Edge spreads the cluster's nodes evenly over sites behind WAN links.
type Edge struct {
	Sites          int  `toml:"sites"`
	DevicesPerSite *int `toml:"devices_per_site"` // accelerators in use at each site; nil: all
	WAN            WAN  `toml:"wan"`

	Requests string   `toml:"requests"` // wan | site: where they come from
	Offload  *Offload `toml:"offload"`
	Update   *Update  `toml:"update"`
}

// Offload is a region that could answer in the sites' stead.
type Offload struct {
	Server       string  `toml:"server"`
	Nodes        int     `toml:"nodes"`
	RoundTripSec float64 `toml:"round_trip"` // beyond the sites' links
}

// Update is how models reach the sites and samples come back.
type Update struct {
	EverySec          float64   `toml:"every"`
	Stages            []float64 `toml:"stages"`
	HoldSec           float64   `toml:"hold"`
	SourceBytesPerSec *float64  `toml:"source"`
	SampleShare       float64   `toml:"samples"`
	EgressUSDPerGB    float64   `toml:"egress_price"`
}

// WAN is the link of each site to the rest of the world.
type WAN struct {
	BytesPerSec  float64 `toml:"bandwidth"`
	LatencySec   float64 `toml:"latency"` // one way
	Availability float64 `toml:"availability"`
	OutageSec    float64 `toml:"outage"`
}

// Interval is a duration or the word "auto".
type Interval struct {
	Auto bool
	Sec  float64
}

// Quantity is a number that may be given in more than one dimension.
type Quantity struct {
	Value float64
	Dim   units.Dimension
}
