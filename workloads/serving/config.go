package serving

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aisim/hardware"
	"aisim/workloads"
	"aisim/workloads/trace"
)

// Request is one request in order of arrival.
type Request = trace.Request

// The routers.
const (
	RoundRobin       = "round-robin"
	LeastOutstanding = "least-outstanding"
	// PrefixAware sends a request where its longest known prefix went, if that is more than
	// half of the prompt and the replica has not many more in flight than the least loaded.
	PrefixAware = "prefix-aware"
	// KVAware takes the replica with the fewest tokens in flight, those counted that the
	// request would bring: its known prefix is free where it went.
	KVAware = "kv-aware"
	// AdapterAware sends a request to the least loaded of the replicas whose chips should hold
	// its adapter, unless that has many more in flight than the least loaded of all.
	AdapterAware = "adapter-aware"
	// SLOAware takes the replica where a request is expected to stay furthest within the limits
	// of its class.
	SLOAware = "slo-aware"
)

var routers = []string{RoundRobin, LeastOutstanding, PrefixAware, KVAware, AdapterAware, SLOAware}

// Config is what a service is asked to be. Zero values of MaxBatch,
// TokenBudget and MemoryFraction mean the engine's default.
type Config struct {
	Arch        workloads.Architecture
	Engine      EngineProfile
	Precision   hardware.DType // of weights and matrix work
	KVPrecision hardware.DType // of the cache
	WeightsOnly bool           // weights alone are in Precision: they are widened to 16 bits on the way to the units
	TP, PP      int            // tensor and pipeline parallel degrees of one replica
	// AttentionDP is the number of groups of TP chips in a replica that each run
	// attention for their own sequences, while the experts of a mixture are spread
	// over all of them; 0 and 1 mean one group.
	AttentionDP int
	// ExpertParallel is the number of shares of a replica's chips that hold whole experts
	// each; the chips of a share cut each expert. 0: all chips of attention groups, 1 without.
	ExpertParallel int
	Replicas       int
	Router         string // RoundRobin (also when empty) or LeastOutstanding
	StaleSec       float64

	MaxBatch       int     // sequences in one step
	TokenBudget    int     // tokens in one step
	MemoryFraction float64 // of device memory that the engine may use
	MaxContext     int     // tokens of prompt and output; 0: the model's
	Offline        bool    // answers are fetched whole: no token is streamed
	StreamInterval int     // tokens that are sent together; 0: what the engine's recipes do
	CacheBlocks    int     // of the key-value cache of a replica; 0: what memory leaves

	Prefix      PrefixCache
	Speculation Speculation
	Adapters    Adapters
	Limits      Admission
	// Autoscale makes Replicas the most that there can be.
	Autoscale Autoscale
	SLO       SLO
	Classes   []Class // kinds of requests; none: all are alike
	Network   Network
	Front     Front
	Batcher   Batcher // for Arch.Generic
	Handover  Handover
}

// ReplicaChips is the number of chips of one replica.
func (c *Config) ReplicaChips() int {
	return max(c.TP, 1) * max(c.PP, 1) * max(c.AttentionDP, 1)
}

// SLO is a goal: a share Attainment of requests has its first token within
// TTFTSec and further tokens at most TPOTSec apart in the mean. A zero limit is
// no limit. For generic models TTFTSec bounds the whole answer.
type SLO struct {
	TTFTSec    float64
	TPOTSec    float64
	Attainment float64 // 0..1; 0 means 0.95
}

func (s SLO) attainment() float64 {
	if s.Attainment == 0 {
		return 0.95
	}
	return s.Attainment
}

// Admission says when a request is turned away or given up. What is turned away or given up
// counts as missed and never as throughput.
type Admission struct {
	// MaxQueue is how many requests a replica may have in flight before more are turned
	// away at once; 0 means no limit.
	MaxQueue int
	// TimeoutSec is how long a client waits for its first token; then it gives up, whether
	// the request waits (it is dropped when its turn comes) or is computed (its work was
	// in vain). 0 means for ever.
	TimeoutSec float64
}

// Network lies between clients and replicas. Bandwidth 0 means that transfer
// takes no time. Sites > 1 spreads replicas and requests over as many sites,
// each with a link of its own.
type Network struct {
	LatencySec  float64 // one way
	BytesPerSec float64 // of one site's link, towards the replicas; answers use the other direction
	Sites       int
	TokenBytes  float64 // bytes that one prompt token takes on the link; 0 means 4
}

// Batcher is the dynamic batching of a generic model: a batch starts when Max
// samples wait, or when the oldest waited WindowSec and the device is free.
type Batcher struct {
	Max         int
	WindowSec   float64
	FixedSec    float64 // per inference call; negative: the engine's 0
	AnswerBytes float64
}

// Machine is what one replica runs on.
type Machine struct {
	Device *hardware.Device
	// AllReduce is the time in seconds of one all-reduce of the given bytes over
	// the TP chips of a replica, without its fixed latency; nil means the formula
	// of docs/models/serving.md on Device.ScaleUpBytesPerSec. Package collective
	// plans fit in: t = plan.Time(b) − plan.Time(0).
	AllReduce func(bytes float64) float64
	// HostSpeed multiplies the speed of everything on the host and of launches:
	// the constants of the engine profile are divided by it. 0 means 1.
	HostSpeed float64
	// CrossingSec is what each copy between host and device takes more than its bytes: the
	// bridge of confidential computing. A step has two, its input and its tokens.
	CrossingSec float64
	// Exchange is the time in seconds in which each chip of a replica sends the given bytes to
	// the others in equal parts, latency included; nil means the formula of
	// docs/models/serving.md on Device.ScaleUpBytesPerSec.
	Exchange func(bytes float64) float64
	// HopBytesPerSec and HopLatencySec are the link between pipeline stages; 0
	// bytes/s means the scale-up link, then the host link.
	HopBytesPerSec float64
	HopLatencySec  float64
}

// Outage takes a replica away from Start to End (seconds). What it had in
// flight is sent to the router again at Start.
type Outage struct {
	Replica    int
	Start, End float64
}

// Options are the circumstances of one run.
type Options struct {
	Workers   int       // goroutines; results do not depend on it
	ReadyAt   []float64 // when each replica has its model loaded; missing entries: 0
	Outages   []Outage
	EveryStep bool // an event per engine step instead of closed forms
	// Concurrency > 0 makes a closed loop: that many requests are in flight over
	// the whole service, and each that ends brings the next; arrival times of the
	// requests are not used.
	Concurrency int
	// ThinkSec is how long each client of a closed loop waits before its next request.
	ThinkSec float64
	// Hashes are the prefix hashes that requests point at, each for HashTokens tokens.
	Hashes     []int64
	HashTokens int
	// Digest asks for Outcome.Digest.
	Digest bool
}

func (c *Config) withDefaults() Config {
	d := *c
	e := &d.Engine
	d.TP, d.PP, d.Replicas, d.AttentionDP = max(d.TP, 1), max(d.PP, 1), max(d.Replicas, 1), max(d.AttentionDP, 1)
	if d.ExpertParallel == 0 {
		d.ExpertParallel = 1
		if d.AttentionDP > 1 {
			d.ExpertParallel = d.TP * d.AttentionDP
		}
	}
	if d.MaxBatch == 0 { // limits of an engine hold for each attention group
		d.MaxBatch = e.MaxBatch * d.AttentionDP
	}
	if d.TokenBudget == 0 {
		d.TokenBudget = e.TokenBudget * d.AttentionDP
	}
	if d.MemoryFraction == 0 {
		d.MemoryFraction = e.MemoryFraction
	}
	if d.Router == "" {
		d.Router = RoundRobin
	}
	d.Classes = sharedOut(c.Classes)
	d.Network.Sites = max(d.Network.Sites, 1)
	if d.Network.TokenBytes == 0 {
		d.Network.TokenBytes = 4
	}
	return d
}

// on is withDefaults on a machine: engines take smaller steps on smaller devices.
func (c *Config) on(d *hardware.Device) Config {
	out := c.withDefaults()
	const smallBytes = 70 << 30
	if small := out.Engine.SmallBudget * out.AttentionDP; c.TokenBudget == 0 && small > 0 && d != nil && (d.MemBytes < smallBytes || d.Peak[hardware.FP8] == 0) {
		out.TokenBudget = min(out.TokenBudget, max(small, out.MaxBatch))
	}
	return out
}

// Limits on what a configuration may ask for; beyond them it is a mistake.
const (
	maxReplicas = 1 << 20
	maxBatch    = 1 << 16
	maxBudget   = 1 << 20
	// maxAttentionDP bounds the attention groups of a replica.
	maxAttentionDP = 1024
)

// Validate says what is impossible about a configuration, defaults filled in.
func (c *Config) Validate() error {
	d := c.withDefaults()
	nonNegative := func(name string, v float64) error {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("serving: %s must not be negative, is %v", name, v)
		}
		return nil
	}
	for _, f := range []struct {
		name string
		v    float64
	}{{"slo ttft", d.SLO.TTFTSec}, {"slo tpot", d.SLO.TPOTSec}, {"network latency", d.Network.LatencySec},
		{"network bandwidth", d.Network.BytesPerSec}, {"batcher window", d.Batcher.WindowSec},
		{"router staleness", d.StaleSec}, {"timeout", d.Limits.TimeoutSec}, {"bytes per prompt token", d.Network.TokenBytes}, {"answer size", d.Batcher.AnswerBytes}} {
		if err := nonNegative(f.name, f.v); err != nil {
			return err
		}
	}
	switch {
	case c.TP < 0 || c.PP < 0 || c.Replicas < 0 || c.AttentionDP < 0 || c.MaxBatch < 0 || c.TokenBudget < 0 || c.MaxContext < 0 || c.CacheBlocks < 0 || c.CacheBlocks > 1e9 || c.Batcher.Max < 0 || c.Limits.MaxQueue < 0:
		return fmt.Errorf("serving: counts must not be negative (tensor %d, pipeline %d, replicas %d, max_batch %d, token_budget %d)", c.TP, c.PP, c.Replicas, c.MaxBatch, c.TokenBudget)
	case d.Replicas > maxReplicas:
		return fmt.Errorf("serving: %d replicas: at most %d", d.Replicas, maxReplicas)
	case !slices.Contains(routers, d.Router):
		return fmt.Errorf("serving: unknown router %q: expected one of %s", d.Router, strings.Join(routers, ", "))
	case d.Router == SLOAware && (d.Arch.Generic != nil || d.SLO.TTFTSec == 0 && d.SLO.TPOTSec == 0):
		return fmt.Errorf("serving: router %s needs a language model and an slo with a limit", d.Router)
	case !(d.SLO.attainment() > 0 && d.SLO.attainment() <= 1):
		return fmt.Errorf("serving: slo attainment %v: expected a ratio above 0 and at most 1", d.SLO.Attainment)
	case d.Network.Sites > d.Replicas:
		return fmt.Errorf("serving: %d sites for %d replicas: each site needs at least one", d.Network.Sites, d.Replicas)
	}
	if err := d.Prefix.validate(); err != nil {
		return err
	}
	if err := d.Autoscale.validate(d.Replicas); err != nil {
		return err
	}
	if err := validateClasses(c); err != nil {
		return err
	}
	if err := d.Arch.Validate(); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	if d.Arch.Generic != nil {
		if d.TP != 1 || d.PP != 1 || d.AttentionDP != 1 {
			return fmt.Errorf("serving: model %q is known by totals only and cannot be split: tensor and pipeline must be 1, are %d and %d", d.Arch.ID, d.TP, d.PP)
		}
		if err := d.Adapters.validate(&d); err != nil {
			return err
		}
		return d.Speculation.validate(&d)
	}
	switch {
	case d.Engine.ID == "":
		return fmt.Errorf("serving: no engine given: expected one of %v", EngineIDs())
	case d.MaxBatch > maxBatch:
		return fmt.Errorf("serving: max_batch %d: at most %d", d.MaxBatch, maxBatch)
	case d.TokenBudget > maxBudget:
		return fmt.Errorf("serving: token_budget %d: at most %d", d.TokenBudget, maxBudget)
	case d.TokenBudget < d.MaxBatch:
		return fmt.Errorf("serving: token_budget %d is below max_batch %d: every running sequence takes one token per step", d.TokenBudget, d.MaxBatch)
	case !(d.MemoryFraction > 0 && d.MemoryFraction <= 1) && !(d.MemoryFraction == 0 && d.Engine.MemoryRule == MemoryStatic):
		return fmt.Errorf("serving: memory_fraction %v: expected a ratio above 0 and at most 1", d.MemoryFraction)
	case d.AttentionDP > 1 && d.Arch.Experts == 0:
		return fmt.Errorf("serving: %d attention groups for %s, which has no experts to spread over them: ask for as many replicas", d.AttentionDP, d.Arch.ID)
	case d.ExpertParallel < 1 || d.TP*d.AttentionDP%d.ExpertParallel != 0:
		return fmt.Errorf("serving: experts over %d shares of %d chips: expected a divisor", d.ExpertParallel, d.TP*d.AttentionDP)
	case d.AttentionDP > maxAttentionDP:
		return fmt.Errorf("serving: %d attention groups: at most %d", d.AttentionDP, maxAttentionDP)
	case d.PP > d.Arch.Layers:
		return fmt.Errorf("serving: pipeline %d exceeds the %d layers of %s", d.PP, d.Arch.Layers, d.Arch.ID)
	case d.Arch.Heads%d.TP != 0:
		return fmt.Errorf("serving: tensor %d does not divide the %d heads of %s", d.TP, d.Arch.Heads, d.Arch.ID)
	}
	if err := d.Adapters.validate(&d); err != nil {
		return err
	}
	return d.Speculation.validate(&d)
}

// together is how many tokens are sent to a client at a time.
func (c *Config) together() int {
	switch {
	case c.StreamInterval > 0:
		return c.StreamInterval
	case c.Arch.Experts > 0:
		return c.Engine.MixtureStream
	}
	return c.Engine.StreamInterval
}

// messages is how many a decode step sends for each sequence.
func (c *Config) messages() float64 {
	if c.Offline {
		return 0
	}
	return c.Speculation.PerStep() / float64(c.together())
}
