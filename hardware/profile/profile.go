package profile

// Schema is the version of the profile format that this package reads.
const Schema = "aisim.profile/v1"

// The rungs of the predictor ladder that a profile can stand for.
const (
	RungGrid      = "measured grid"      // calls of an operator on this chip, interpolated
	RungFitted    = "fitted efficiency"  // efficiencies fitted on measurements of this chip
	RungDatasheet = "datasheet roofline" // stated rates times efficiencies of the chip's family
)

// Param is one constant of a performance model: its value in SI units (or a
// ratio), the relative standard deviation of what is not known about it, and
// where it comes from.
type Param struct {
	V      float64 `toml:"v"`
	RelSD  float64 `toml:"sd"`
	Source string  `toml:"source"`
}

// Known says whether the profile states the constant.
func (p Param) Known() bool { return p.V != 0 }

// Efficiencies are the fractions of stated rates that each class of operators
// reaches on a chip, and the shape constants of the operator models. Rates are
// those of long, sustained runs unless a source says burst.
type Efficiencies struct {
	// GEMM is the best sustained matrix rate as a fraction of the dense peak, by
	// data type ("bf16", "fp8", …).
	GEMM map[string]Param `toml:"gemm"`
	// InStep is the rate of a GEMM inside a long step relative to the same GEMM
	// repeated alone: clocks under load, a cold cache, neighbours.
	InStep Param `toml:"in_step"`
	// GEMMInnerK is the inner dimension at which a GEMM runs at half its best
	// rate: the prologue and epilogue of each tile.
	GEMMInnerK Param `toml:"gemm_inner_k"`
	// GEMMNorm is the exponent p that joins compute and memory time,
	// (tc^p + tm^p)^(1/p).
	GEMMNorm Param `toml:"gemm_norm"`
	// GEMMWave is the share of wave quantisation that shows: 1 charges whole
	// waves of tiles, 0 fractional ones.
	GEMMWave Param `toml:"gemm_wave"`
	// GEMMTile is ct in the rate of a bm×bn tile, bm*bn/(bm*bn + ct*(bm+bn)).
	GEMMTile Param `toml:"gemm_tile"`
	// Cores is the number of independent compute units that tiles are dealt to.
	Cores Param `toml:"cores"`
	// Memory is the streaming fraction of stated memory bandwidth.
	Memory Param `toml:"memory"`
	// Weights is the fraction of stated bandwidth at which weights are streamed
	// through a skinny GEMM.
	Weights Param `toml:"weights"`
	// KV is the fraction of stated bandwidth at which decode attention reads its cache.
	KV Param `toml:"kv"`
	// AttentionForward and AttentionBackward are the best fused-attention rates
	// at head dimension 128 as fractions of the dense 16-bit peak, causal flops
	// halved.
	AttentionForward  Param `toml:"attention_forward"`
	AttentionBackward Param `toml:"attention_backward"`
	// AttentionHalf is the sequence length c in 1/(1+c/s), AttentionCausalHalf
	// the b in s/(s+b) for causal masks.
	AttentionHalf       Param `toml:"attention_half"`
	AttentionCausalHalf Param `toml:"attention_causal_half"`
	// AttentionMemory is the fraction of stated bandwidth at which prefill
	// attention moves queries, outputs and keys.
	AttentionMemory Param `toml:"attention_memory"`
	// AttentionHead64 is the rate at head dimension 64 relative to 128.
	AttentionHead64 Param `toml:"attention_head64"`
	// Unfused is the matrix rate of unfused attention relative to GEMM.
	Unfused Param `toml:"unfused"`
	// MoE is the rate of grouped expert GEMMs relative to dense ones, MoEHalf the
	// rows per expert at which they run at half of it.
	MoE     Param `toml:"moe"`
	MoEHalf Param `toml:"moe_half"`
	// Generic is the fraction of dense peak of convolution and other operators.
	Generic Param `toml:"generic"`
	// LaunchSec is the fixed device-side time of one kernel in seconds.
	LaunchSec Param `toml:"launch_sec"`
	// AttentionLaunchSec is the fixed device-side time of one attention call in
	// seconds: cache write, split and reduction kernels.
	AttentionLaunchSec Param `toml:"attention_launch_sec"`
	// DecodeBlockSec is the time of one decode-attention block on one core besides
	// its bytes, in seconds.
	DecodeBlockSec Param `toml:"decode_block_sec"`
	// MixedBlockSec is a core's time to start an empty block of attention kernels that run prompts
	// and decoding sequences in one grid without packing heads; 0: the chip's kernels pack.
	MixedBlockSec Param `toml:"mixed_block_sec"`
	// PowerExponent shapes power between idle and maximum: idle + (max-idle)*util^e.
	PowerExponent Param `toml:"power_exponent"`
	// IdleShare is idle power as a fraction of maximum where no reading exists.
	IdleShare Param `toml:"idle_share"`
	// Host is the fraction of the stated rate of the host link that copies reach.
	Host Param `toml:"host"`
	// UsableMemory is the fraction of the labelled memory that the device shows.
	UsableMemory Param `toml:"usable_memory"`
}

// Profile is what is known of how one chip performs.
type Profile struct {
	Schema   string
	ID       string // the profile's id: family or chip
	Hardware string // accelerator id that it was made for
	Family   string
	Rung     string // RungFitted or RungDatasheet
	Source   string
	Date     string
	Eff      Efficiencies
	Links    map[string]LinkParams // by link class
	Chip     *Chip                 // of hardware that the catalogue does not hold; nil else
	Drives   map[string]Drive      // measured, by catalogue id
	Host     map[string]HostOp     // measured, by name
	Calls    []Call                // measured, of single operators
	Fit      *Calibration          // what it was made of; nil for embedded ones
	sha      string
}

// SHA256 is the hexadecimal digest of the text that the profile was read from.
func (p *Profile) SHA256() string { return p.sha }
