package training

import (
	"errors"
	"fmt"
	"strings"

	"aisim/hardware"
	"aisim/topology"
	"aisim/topology/collective"
	"aisim/topology/flow"
	"aisim/workloads"
)

// Parallel says how the work is split. Zero stands for 1, in DP for what follows
// from the number of chips.
type Parallel struct {
	TP int // tensor: every matrix is split over TP ranks
	PP int // pipeline stages
	DP int // data-parallel replicas
	CP int // context: a sequence is split over CP ranks
	EP int // expert: the experts of a layer are spread over EP ranks inside DP
	VP int // virtual stages: chunks of layers per pipeline rank
	// ET is expert-tensor: the ranks that split each expert's width, TP or 1; 0 means TP
	// where EP lies inside data × context, else 1, so that EP spans tensor ranks too.
	ET int
	// Shards is, under ZeRO-3, the ranks that weights are spread over; data ranks beyond
	// them hold copies (HSDP, slices of TPUs). 0: all.
	Shards int
}

// Batch is the work of one step in sequences (samples for generic models).
type Batch struct {
	Global int // of all replicas
	Micro  int // of one replica at a time; 0 means 1
	Seq    int // tokens per sequence
}

// Recompute says which activations are thrown away and computed again.
type Recompute string

// The recomputation modes. Selective repeats unfused attention, or, where attention
// is fused, the norms and the activation function. Minimal keeps the outputs of the
// matrices and repeats the rest (MaxText's remat policy of that name). MLP repeats the
// MLP and all element-wise work, and keeps or offloads what attention made.
const (
	RecomputeNone      Recompute = "none"
	RecomputeSelective Recompute = "selective"
	RecomputeMinimal   Recompute = "minimal"
	RecomputeMLP       Recompute = "mlp"
	RecomputeFull      Recompute = "full"
)

// Overlap is the share of each communication that can run beside computation,
// 0..1; nil takes the framework's.
type Overlap struct{ TP, DP, PP *float64 }

// Config is what is trained and how. Its model may be generic (Arch.Generic); then
// only data parallelism applies.
type Config struct {
	Arch             workloads.Architecture
	Parallel         Parallel
	Batch            Batch
	Precision        hardware.DType // of the linear layers; states stay in 16 or 32 bits
	ZeRO             int            // 0 nothing sharded over data, 1 optimizer, 2 and gradients, 3 and weights (FSDP)
	Recompute        Recompute      // "" means none
	Schedule         Schedule       // of the pipeline; "" means 1F1B, interleaved with virtual stages
	MTP              int            // depths of multi-token prediction beside the model's own head
	OffloadOptimizer bool           // optimizer states in host memory, updated by the host (ZeRO-Offload)
	SequenceParallel bool           // norms and residuals split over TP too
	BlockScaled      bool           // 8-bit and narrower values have a scale per block (MX, NV formats), not per tensor
	Adapter          int            // LoRA: rank of the adapters on every linear layer of a frozen model; 0: all is trained
	Overlap          Overlap
	Framework        string   // id of a framework profile
	Straggler        *float64 // slowest rank's extra time as a ratio; nil takes the framework's law
}

// Machine is what the step runs on.
type Machine struct {
	Device       *hardware.Device
	Comm         *collective.Comm
	Graph        *topology.Graph
	Chips        []topology.NodeID // in rank order
	NodesCount   int               // hosts; 0 follows from ChipsPerNode
	ChipsPerNode int
	DomainChips  int     // of one scale-up domain where it spans hosts; 0: ChipsPerNode
	HostMemBytes float64 // of one host: checkpoints are staged there by callers, optimizer states where offloaded
	// HostMemBytesPerSec is what a host's Adam streams at; 0: not known.
	HostMemBytesPerSec float64
	PeerSec            float64       // host time of a collective call per peer; 0 where the host keeps up
	HostSpeed          float64       // factor on the speed of host-side work, for elasticities; 0 means 1
	Background         []flow.Demand // steady transfers of others on the same fabric
	// Draw picks the framework's uncertain constants and the model's own error for one
	// replica; nil is nominal.
	Draw hardware.Draw
}

func (m *Machine) nodes() int {
	if m.NodesCount > 0 {
		return m.NodesCount
	}
	per := max(m.ChipsPerNode, 1)
	return (len(m.Chips) + per - 1) / per
}

// scaleUpChips is the number of chips that reach each other without the network.
func (m *Machine) scaleUpChips() int {
	return max(1, m.ChipsPerNode, m.DomainChips)
}

// ConfigError says what is impossible about a configuration: the field in the
// scenario's words, and why.
type ConfigError struct{ Field, Reason string }

func (e *ConfigError) Error() string { return fmt.Sprintf("training: %s: %s", e.Field, e.Reason) }

// resolve fills in defaults and checks a configuration against a number of chips.
// All faults are reported at once.
func (c Config) resolve(chips int) (Config, error) {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &ConfigError{field, fmt.Sprintf(format, args...)})
	}
	p := &c.Parallel
	for _, f := range []struct {
		name string
		v    *int
	}{{"tensor", &p.TP}, {"pipeline", &p.PP}, {"context", &p.CP}, {"expert", &p.EP}, {"virtual", &p.VP}} {
		if *f.v < 0 {
			bad("parallelism."+f.name, "must be at least 1, is %d", *f.v)
		}
		*f.v = max(*f.v, 1)
	}
	if c.Batch.Micro == 0 {
		c.Batch.Micro = 1
	}
	if c.Recompute == "" {
		c.Recompute = RecomputeNone
	}
	if c.Schedule == "" {
		c.Schedule = usualSchedule(p.VP)
	}
	if chips < 1 {
		bad("nodes", "the machine has no chips")
		return c, errors.Join(errs...)
	}
	model := p.TP * p.PP * p.CP
	switch {
	case p.DP < 0:
		bad("parallelism.data", "must be at least 1, is %d", p.DP)
	case model > chips:
		bad("parallelism", "tensor %d × pipeline %d × context %d = %d ranks on %d chips", p.TP, p.PP, p.CP, model, chips)
	case p.DP == 0 && chips%model != 0:
		bad("parallelism", "tensor %d × pipeline %d × context %d = %d does not divide %d chips", p.TP, p.PP, p.CP, model, chips)
	case p.DP == 0:
		p.DP = chips / model
	case model*p.DP != chips:
		bad("parallelism", "tensor %d × pipeline %d × context %d × data %d = %d, the machine has %d chips", p.TP, p.PP, p.CP, p.DP, model*p.DP, chips)
	}
	if len(errs) > 0 {
		return c, errors.Join(errs...)
	}
	c.spread()
	c.checkBatch(bad)
	c.checkModel(bad)
	c.checkOffload(bad)
	if c.MTP < 0 || c.MTP > maxMTP {
		bad("mtp", "must lie in 0..%d, is %d", maxMTP, c.MTP)
	}
	if c.ZeRO < 0 || c.ZeRO > 3 {
		bad("zero", "must lie in 0..3, is %d", c.ZeRO)
	}
	switch c.Recompute {
	case RecomputeNone, RecomputeSelective, RecomputeMinimal, RecomputeMLP, RecomputeFull:
	default:
		bad("recompute", "must be none, selective, minimal, mlp or full, is %q", string(c.Recompute))
	}
	for _, o := range []struct {
		name string
		v    *float64
	}{{"tensor", c.Overlap.TP}, {"data", c.Overlap.DP}, {"pipeline", c.Overlap.PP}} {
		if o.v != nil && !(*o.v >= 0 && *o.v <= 1) {
			bad("overlap."+o.name, "must lie in 0..1, is %g", *o.v)
		}
	}
	if c.Straggler != nil && !(*c.Straggler >= 0 && *c.Straggler < 100) {
		bad("straggler", "must not be negative, is %g", *c.Straggler)
	}
	return c, errors.Join(errs...)
}

// spread settles how experts and shards lie on the ranks.
func (c *Config) spread() {
	p := &c.Parallel
	if p.ET == 0 {
		p.ET = p.TP
		if p.EP > 1 && (p.DP*p.CP)%p.EP != 0 {
			p.ET = 1
		}
	}
	if p.Shards == 0 || c.ZeRO < 3 {
		p.Shards = p.DP * p.CP
	}
}

// copies is the number of groups that hold the weights under ZeRO-3.
func (p *Parallel) copies() int { return p.DP * p.CP / max(1, p.Shards) }

func (c *Config) checkBatch(bad func(field, format string, args ...any)) {
	b, p := c.Batch, c.Parallel
	switch {
	case b.Global < 1:
		bad("batch.global", "must be at least 1, is %d", b.Global)
	case b.Micro < 1:
		bad("batch.micro", "must be at least 1, is %d", b.Micro)
	case b.Global%(b.Micro*p.DP) != 0:
		bad("batch.global", "%d is no multiple of data %d × micro %d = %d", b.Global, p.DP, b.Micro, b.Micro*p.DP)
	default:
		if field, reason := c.Schedule.check(p.PP, p.VP, c.microBatches()); reason != "" {
			bad(field, "%s", reason)
		}
	}
	if !c.Schedule.splits() {
		return
	}
	if c.ZeRO > 1 {
		bad("schedule", "%s takes the backward pass in two parts: zero %d, which gathers or scatters once per backward pass, is not made for it; use zero 0 or 1", c.Schedule, c.ZeRO)
	}
	if c.Adapter > 0 {
		bad("schedule", "%s puts weight gradients off: with frozen weights (adapter %d) there are none", c.Schedule, c.Adapter)
	}
}

// stageChunks is the number of chunks of layers that a stage holds.
func (c *Config) stageChunks() int { return c.Schedule.chunks(c.Parallel.VP) }

func (c *Config) checkModel(bad func(field, format string, args ...any)) {
	a, p := &c.Arch, c.Parallel
	if err := a.Validate(); err != nil {
		bad("model", "%s", err)
		return
	}
	if a.Generic != nil {
		if p.TP*p.PP*p.CP*p.EP*p.VP > 1 {
			bad("parallelism", "a model known by totals per sample can only be split over data: its layers are not known")
		}
		if c.Recompute != RecomputeNone {
			bad("recompute", "a model known by totals per sample has no layers to compute again")
		}
		if c.MTP > 0 {
			bad("mtp", "a model known by totals per sample has no layers and no head to add")
		}
		if c.ZeRO > 2 {
			bad("zero", "stage 3 gathers weights layer by layer, and the layers of this model are not known")
		}
		return
	}
	if c.Precision == hardware.INT8 || c.Precision == hardware.FP4 {
		bad("precision", "%s training of transformers is not modelled: nothing measured supports it", c.Precision)
	}
	if c.Batch.Seq < 1 {
		bad("batch.sequence", "must be at least 1, is %d", c.Batch.Seq)
	} else if c.Batch.Seq%p.CP != 0 {
		bad("parallelism.context", "%d does not divide the sequence of %d tokens", p.CP, c.Batch.Seq)
	}
	if p.ET != 1 && p.ET != p.TP {
		bad("parallelism.expert_tensor", "must be 1 or tensor %d, is %d", p.TP, p.ET)
	}
	if p.Shards < 1 || (p.DP*p.CP)%p.Shards != 0 {
		bad("parallelism.shards", "%d does not divide data %d × context %d", p.Shards, p.DP, p.CP)
	}
	if c.Adapter < 0 || c.Adapter > a.Hidden {
		bad("adapter", "must lie in 0..%d, is %d", a.Hidden, c.Adapter)
	}
	if a.Heads%p.TP != 0 {
		bad("parallelism.tensor", "%d does not divide %d attention heads", p.TP, a.Heads)
	}
	if p.VP > 1 && p.PP == 1 {
		bad("parallelism.virtual", "%d chunks per rank need pipeline > 1", p.VP)
	}
	fw, _ := FrameworkByID(c.Framework)
	spare := fw != nil && fw.BalanceByCost && p.VP == 1 // empty stages are possible there
	if !spare && p.PP*p.VP > a.Layers+2 || p.PP*p.VP > a.Layers && p.PP == 1 {
		bad("parallelism.pipeline", "pipeline %d × virtual %d = %d chunks for %d layers, the embedding and the head", p.PP, p.VP, p.PP*p.VP, a.Layers)
	}
	if p.EP > 1 {
		switch {
		case a.Experts == 0:
			bad("parallelism.expert", "%d on a model without experts", p.EP)
		case a.Experts%p.EP != 0:
			bad("parallelism.expert", "%d does not divide %d experts", p.EP, a.Experts)
		case (p.TP/p.ET*p.DP*p.CP)%p.EP != 0:
			bad("parallelism.expert", "%d does not divide data %d × context %d, nor with tensor %d", p.EP, p.DP, p.CP, p.TP)
		}
	}
}

// microBatches is the number of micro-batches of one replica.
func (c *Config) microBatches() int { return c.Batch.Global / (c.Batch.Micro * c.Parallel.DP) }

// chips is the number of ranks.
func (c *Config) chips() int { return c.Parallel.TP * c.Parallel.PP * c.Parallel.CP * c.Parallel.DP }

// layoutString is "tensor 8 × pipeline 16 × data 128", ones left out.
func (p Parallel) layoutString() string {
	var s []string
	for _, f := range []struct {
		name string
		v    int
	}{{"tensor", p.TP}, {"context", p.CP}, {"pipeline", p.PP}, {"virtual", p.VP}, {"expert", p.EP}, {"data", p.DP}} {
		if f.v > 1 {
			s = append(s, fmt.Sprintf("%s %d", f.name, f.v))
		}
	}
	if s == nil {
		return "one rank"
	}
	return strings.Join(s, " × ")
}
