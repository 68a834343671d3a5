package training

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"aisim/hardware"
	"aisim/internal/result"
)

//go:embed frameworks.toml
var frameworksText string

// Framework is what a training framework adds to the chip and the network.
type Framework struct {
	ID, Name, Version string
	Like              string // id of the profile that missing values are taken from
	ReleaseOf         string `toml:"release_of"` // id of the framework that this is an older release of
	Source            string

	FusedAttention bool `toml:"fused_attention"` // scores never reach memory
	Eager          bool // layers are launched operator by operator, as Python calls them
	// UnfusedOn are beginnings of ids of chips on which its tables were measured before it
	// had a fused kernel there.
	UnfusedOn     []string `toml:"unfused_on"`
	AttentionRate float64  `toml:"attention_rate"` // its attention kernel over the chip profile's; 0 means 1
	// AttentionRateOn overrides it for chips whose id starts with the key.
	AttentionRateOn map[string]float64 `toml:"attention_rate_on"`
	// AttentionBackward is the backward rate over AttentionRate's; 0 means 1.
	AttentionBackward float64 `toml:"attention_backward"`
	// NarrowRateOn is the 8-bit and narrower matrix rate of its library over the chip
	// profile's, by the beginning of the chip's id; 1 elsewhere.
	NarrowRateOn map[string]float64 `toml:"narrow_rate_on"`
	// GroupedRate is its expert products' matrix rate over the chip profile's; 0 means 1.
	GroupedRate float64 `toml:"grouped_rate"`
	// GroupedHalf is the inner width of an expert product at which it runs at half of
	// that: experts are narrow, and each tile begins and ends with its loads; 0: no such loss.
	GroupedHalf    float64 `toml:"grouped_half"`
	Elementwise    float64 // memory traffic of norms, activations and residuals over the ideal count
	TPExposed      float64 `toml:"tp_exposed"` // share of tensor-parallel exchange that stands still
	DPExposed      float64 `toml:"dp_exposed"` // least share of gradient exchange that stands still
	PPExposed      float64 `toml:"pp_exposed"` // share of stage-to-stage exchange that occupies the ranks
	EPExposed      float64 `toml:"ep_exposed"` // share of expert exchange that stands still
	EPDedupe       bool    `toml:"ep_dedupe"`  // a token goes once to each host that holds experts of it (DeepEP, HybridEP), not once per expert
	FSDPContention float64 `toml:"fsdp_contention"`
	SPBackward     float64 `toml:"sp_backward"`    // backward exchange under sequence parallelism over forward
	ReduceBytes    float64 `toml:"reduce_bytes"`   // per gradient on the wire
	GradientBytes  float64 `toml:"gradient_bytes"` // per gradient in memory
	ScatterGather  bool    `toml:"scatter_gather"` // stages exchange 1/TP of the activation

	// AccumulateBytes are moved per parameter of a rank and micro-batch to add its gradient
	// to the sum in 32 bits, where no product does that as it writes.
	AccumulateBytes float64 `toml:"accumulate_bytes"`

	HostLayerSec    float64 `toml:"host_layer_sec"`     // host time of one layer forward
	HostLayerTPSec  float64 `toml:"host_layer_tp_sec"`  // the same with tensor parallelism; 0: as without
	HostMoELayerSec float64 `toml:"host_moe_layer_sec"` // of one MoE layer forward
	HostBackward    float64 `toml:"host_backward"`      // backward over forward
	LayerOverhead   float64 `toml:"layer_overhead_sec"` // added per layer and micro-batch, forward and backward
	Stretch         float64 // factor on everything that is left unexplained; 0 means 1

	StragglerPerDoubling float64 `toml:"straggler_per_doubling"` // extra time per doubling of nodes

	BalanceByCost bool `toml:"balance_by_cost"` // stages get layers by their operations, the head counted

	LogitBytes    float64 `toml:"logit_bytes"`    // kept per logit
	LogitTraffic  float64 `toml:"logit_traffic"`  // B moved per logit by loss and its gradient, forward and backward
	MLPKept       float64 `toml:"mlp_kept"`       // values kept per unit of width of a gated MLP; 0 means 3: gate, up, product
	GatheredKept  float64 `toml:"gathered_kept"`  // gathered inputs of linear layers kept under sequence parallelism, in values per unit of hidden width
	ShardedHeld   float64 `toml:"sharded_held"`   // B per held parameter more once the optimizer is sharded
	ShardedLocal  float64 `toml:"sharded_local"`  // B per sharded parameter more
	SteadyBytes   float64 `toml:"steady_bytes"`   // allocated beside states between steps: tables, norms of gradients, workspaces
	GatherBuffers float64 `toml:"gather_buffers"` // whole activations of tensor exchanges allocated between steps, in values per unit of hidden width
	ContextBytes  float64 `toml:"context_bytes"`  // runtime, kernels and collective buffers
	Fragmentation float64 // allocator reserve over what is allocated

	// Chips are beginnings of ids of the chips on which it was fitted.
	Chips []string `toml:"chips"`

	// ResidualSD is the relative standard deviation of measured over predicted step
	// times of the rows that the profile was checked on (p90 of the error over 1.645),
	// ResidualMoESD the same for mixtures of experts.
	ResidualSD    float64 `toml:"residual_sd"`
	ResidualMoESD float64 `toml:"residual_moe_sd"`
}

// drawn is the profile with its uncertain constants as draw picks them, and the
// factor on chip time that stands for the model's own error. Standard deviations are
// the ranges that the constants took over fits with other parts left out.
func (f *Framework) drawn(draw hardware.Draw, moe bool) (*Framework, float64) {
	if draw == nil {
		return f, 1
	}
	d := *f
	pick := func(name string, v, sd float64) float64 {
		if v == 0 {
			return 0
		}
		return draw("framework/"+f.ID+"/"+name, hardware.Value{V: v, Kind: result.Derived, RelSD: sd, Source: f.Source})
	}
	d.Elementwise = pick("elementwise", f.Elementwise, 0.10)
	d.TPExposed = min(1, pick("tp_exposed", f.TPExposed, 0.15))
	d.DPExposed = min(1, pick("dp_exposed", f.DPExposed, 0.30))
	d.PPExposed = min(1, pick("pp_exposed", f.PPExposed, 0.30))
	d.EPExposed = min(1, pick("ep_exposed", f.EPExposed, 0.15))
	d.FSDPContention = min(1, pick("fsdp_contention", f.FSDPContention, 0.30))
	d.HostLayerSec = pick("host_layer_sec", f.HostLayerSec, 0.20)
	d.HostLayerTPSec = pick("host_layer_tp_sec", f.HostLayerTPSec, 0.20)
	d.HostMoELayerSec = pick("host_moe_layer_sec", f.HostMoELayerSec, 0.25)
	d.StragglerPerDoubling = pick("straggler_per_doubling", f.StragglerPerDoubling, 0.40)
	residual := pick("residual", 1, f.ResidualSD)
	if moe {
		residual = pick("residual_moe", 1, f.ResidualMoESD)
	}
	return &d, residual
}

var frameworks = sync.OnceValues(func() (map[string]*Framework, error) {
	var file struct {
		Framework []toml.Primitive
	}
	md, err := toml.Decode(frameworksText, &file)
	if err != nil {
		return nil, fmt.Errorf("training: frameworks.toml: %w", err)
	}
	out := make(map[string]*Framework, len(file.Framework))
	for _, p := range file.Framework {
		var head struct{ ID, Like string }
		if err := md.PrimitiveDecode(p, &head); err != nil {
			return nil, fmt.Errorf("training: frameworks.toml: %w", err)
		}
		f := new(Framework)
		if head.Like != "" {
			base := out[head.Like]
			if base == nil {
				return nil, fmt.Errorf("training: frameworks.toml: %s is like %q, which does not stand before it", head.ID, head.Like)
			}
			*f = *base
			f.ReleaseOf = ""
			// Decoding writes into what is there: lists and maps must not be the base's.
			f.Chips, f.UnfusedOn = slices.Clone(base.Chips), slices.Clone(base.UnfusedOn)
			f.AttentionRateOn, f.NarrowRateOn = maps.Clone(base.AttentionRateOn), maps.Clone(base.NarrowRateOn)
		}
		if err := md.PrimitiveDecode(p, f); err != nil {
			return nil, fmt.Errorf("training: frameworks.toml: %s: %w", head.ID, err)
		}
		f.AttentionRate, f.AttentionBackward, f.GroupedRate, f.Stretch = orOne(f.AttentionRate), orOne(f.AttentionBackward), orOne(f.GroupedRate), orOne(f.Stretch)
		out[f.ID] = f
	}
	if left := md.Undecoded(); len(left) > 0 {
		return nil, fmt.Errorf("training: frameworks.toml: unknown key %s", left[0])
	}
	return out, nil
})

// FittedOn says whether the profile was fitted to steps of a chip.
func (f *Framework) FittedOn(chip string) bool {
	return slices.ContainsFunc(f.Chips, func(prefix string) bool { return strings.HasPrefix(chip, prefix) })
}

// on is the profile on a chip.
func (f *Framework) on(chip string) *Framework {
	for _, prefix := range f.UnfusedOn {
		if strings.HasPrefix(chip, prefix) && f.FusedAttention {
			n := *f
			n.FusedAttention = false
			return &n
		}
	}
	return f
}

// attentionRate is the framework's attention rate on a chip; the longest prefix wins.
func (f *Framework) attentionRate(chip string) float64 {
	return onChip(f.AttentionRateOn, chip, f.AttentionRate)
}

// onChip is the value of the longest prefix of a chip's id, otherwise when none fits.
func onChip(on map[string]float64, chip string, otherwise float64) float64 {
	rate, best := otherwise, -1
	for prefix, r := range on {
		if strings.HasPrefix(chip, prefix) && len(prefix) > best {
			rate, best = r, len(prefix)
		}
	}
	return rate
}

func orOne(x float64) float64 {
	if x == 0 {
		return 1
	}
	return x
}

// FrameworkByID returns a framework profile; an unknown id is an error that lists
// the known ones.
func FrameworkByID(id string) (*Framework, error) {
	all, err := frameworks()
	if err != nil {
		return nil, err
	}
	if f := all[id]; f != nil {
		return f, nil
	}
	return nil, &ConfigError{"framework", fmt.Sprintf("unknown %q: one of %s", id, strings.Join(FrameworkIDs(), ", "))}
}

// FrameworkIDs lists the framework profiles of newest releases in alphabetical order.
func FrameworkIDs() []string {
	all, err := frameworks()
	if err != nil {
		return nil
	}
	ids := make([]string, 0, len(all))
	for id, f := range all {
		if f.ReleaseOf == "" {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	return ids
}

// Releases lists the profiles of older releases of a framework, oldest first: those
// whose id ends in the newest release that they hold for.
func Releases(of string) []string {
	all, err := frameworks()
	if err != nil {
		return nil
	}
	var ids []string
	for id, f := range all {
		if f.ReleaseOf == of {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	return ids
}
