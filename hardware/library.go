package hardware

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
)

// LibraryGEMM is a matrix multiplication as libraries run it alone and repeatedly: the
// form that benchmarks measure (kernel notes, section A1). The library picks the tile
// and the split of k that are fastest:
//
//	tiles T = ⌈m/bm⌉⌈n/bn⌉s over w = T/SMs waves, of which a share Wave shows whole
//	compute = waves·(2·bm·bn·ks/(P/SMs·e) + Prologue), e = f(bm,bn)/f(256,128), f = bm·bn/(bm·bn + Tile·(bm+bn))
//	memory  = bytes/BW, faster where a repeated shape stays in the cache, slower where few tiles draw on it
//	cache   = T·(bm+bn)·ks·bytes/(L2·SMs·clock·64 B)
//	t = Launch + (computeᵖ + memoryᵖ + cacheᵖ)^(1/p) + a reduction where k was split
type LibraryGEMM struct {
	PeakFlops   float64 // best measured rate of the format
	BytesPerSec float64 // streaming rate of device memory
	CacheBytes  float64
	SMs         float64
	ClockHz     float64
	LaunchSec   float64
	PrologueSec float64 // per wave
	Tile        float64
	Wave        float64
	Norm        float64
	L2          float64 // share of 64 B per clock and multiprocessor
	ReduceSec   float64
	Hot         float64 // further share of memory rate for shapes that stay in the cache
	MaxTile     float64 // area of the largest tile in units of 256×128; 2: a pair of multiprocessors shares one
	Epilogue    float64 // share of the time of writing results that no computing hides
}

// libraryTiles are those of the vendor's library; each also stands for its transpose.
var libraryTiles = [...][2]float64{{256, 128}, {192, 128}, {128, 128}, {128, 64}, {64, 64}, {64, 32}, {128, 32}, {128, 16}, {64, 16}}

var librarySplits = [...]float64{1, 2, 3, 4, 6, 8, 16}

// Sec is the time of C[m,n] = A[m,k]·B[k,n] with operands of inBytes and results of
// outBytes per value.
func (g *LibraryGEMM) Sec(m, n, k, inBytes, outBytes float64) float64 {
	return g.Batched(1, m, n, k, inBytes, outBytes)
}

// Batched is the time of count multiplications of one shape in one call, each with operands of its
// own: batched (cublasGemmStridedBatched) and grouped ones with rows dealt evenly. Their tiles fill the
// same waves.
func (g *LibraryGEMM) Batched(count, m, n, k, inBytes, outBytes float64) float64 {
	if m <= 0 || n <= 0 || k <= 0 || count <= 0 {
		return 0
	}
	rate := func(bm, bn float64) float64 { return bm * bn / (bm*bn + g.Tile*(bm+bn)) }
	full := rate(256, 128)
	bytes := count * ((m*k+k*n)*inBytes + m*n*outBytes)
	bandwidth := g.BytesPerSec
	if g.Hot > 0 && g.CacheBytes > 0 {
		bandwidth *= 1 + g.Hot/(1+math.Pow(bytes/(0.7*g.CacheBytes), 3))
	}
	perSM := g.PeakFlops / g.SMs
	best := math.Inf(1)
	try := func(bm, bn float64) {
		for _, s := range librarySplits {
			if s > 1 && k/s < 128 {
				break
			}
			tiles := count * math.Ceil(m/bm) * math.Ceil(n/bn) * s
			ks := math.Ceil(k/s/64) * 64
			w := tiles / g.SMs
			waves := g.Wave*math.Ceil(w) + (1-g.Wave)*math.Max(w, 1)
			compute := waves * (2*bm*bn*ks/(perSM*rate(bm, bn)/full) + g.PrologueSec)
			draw := math.Min(1, 2.5*math.Min(tiles, g.SMs)/g.SMs)
			memory := bytes / (bandwidth * draw)
			if s > 1 {
				memory += s * count * m * n * 8 / bandwidth
			}
			cache := tiles * (bm + bn) * ks * inBytes / (g.L2 * g.SMs * g.ClockHz * 64)
			if math.Max(compute, math.Max(memory, cache)) >= best {
				continue // the norm is no less than its largest part
			}
			t := norm3(compute, memory, cache, g.Norm)
			if s > 1 {
				t += g.ReduceSec
			}
			best = math.Min(best, t)
		}
	}
	for _, t := range libraryTiles {
		try(t[0], t[1])
		if t[0] != t[1] {
			try(t[1], t[0])
		}
	}
	if g.MaxTile >= 2 {
		try(256, 256)
	}
	return g.LaunchSec + best + g.Epilogue*count*m*n*outBytes/bandwidth
}

func norm3(a, b, c, p float64) float64 {
	top := math.Max(a, math.Max(b, c))
	if top <= 0 {
		return 0
	}
	return top * math.Pow(math.Pow(a/top, p)+math.Pow(b/top, p)+math.Pow(c/top, p), 1/p)
}

// LibraryFit are the constants of the library model of some chips, as measured tables of
// multiplications gave them (library.toml, written by make chips). Rates are shares of the chip's dense peak
// and of its stated bandwidth.
type LibraryFit struct {
	Chips     []string `toml:"chips"`   // prefixes of ids
	Tables    string   `toml:"tables"`  // prefix of the chips whose rows gave them
	Formats   []string `toml:"formats"` // none: all
	Blocks    bool     `toml:"blocks"`  // 8 bits scaled by blocks (DeepGEMM)
	Source    string   `toml:"source"`
	Peak      float64  `toml:"peak"` // 0: the best GEMM of the chip's profile
	Bandwidth float64  `toml:"bandwidth"`
	Launch    float64  `toml:"launch_sec"`
	Prologue  float64  `toml:"prologue_sec"`
	Tile      float64  `toml:"tile"`
	Wave      float64  `toml:"wave"`
	Norm      float64  `toml:"norm"`
	Cache     float64  `toml:"cache"`
	Reduce    float64  `toml:"reduce_sec"`
	Hot       float64  `toml:"hot"`
	Epilogue  float64  `toml:"epilogue"`
}

//go:embed library.toml
var libraryTOML string

// libraries are the fits in the order of the file: the first that holds for a chip and a format is taken.
var libraries = sync.OnceValue(func() []LibraryFit {
	var file struct{ Library []LibraryFit }
	if _, err := toml.Decode(libraryTOML, &file); err != nil {
		panic("hardware: invariant: library.toml: " + err.Error())
	}
	return file.Library
})

// LibraryFits are the shipped fits.
func LibraryFits() []LibraryFit { return slices.Clone(libraries()) }

// LibraryConstant is a constant of a fit under its key in library.toml.
type LibraryConstant struct {
	Key string
	V   *float64
}

// Constants are the fit's, 0 where it has none.
func (c *LibraryFit) Constants() []LibraryConstant {
	return []LibraryConstant{{"peak", &c.Peak}, {"bandwidth", &c.Bandwidth}, {"launch_sec", &c.Launch}, {"prologue_sec", &c.Prologue}, {"tile", &c.Tile}, {"wave", &c.Wave},
		{"norm", &c.Norm}, {"cache", &c.Cache}, {"reduce_sec", &c.Reduce}, {"hot", &c.Hot}, {"epilogue", &c.Epilogue}}
}

// Of is the model of a chip under the constants; bestFlops counts where they state no peak.
func (c *LibraryFit) Of(d *Device, dt DType, bestFlops float64) LibraryGEMM {
	sms, clock := d.geometry()
	g := LibraryGEMM{PeakFlops: d.Peak[dt] * c.Peak, BytesPerSec: d.MemBytesPerSec * c.Bandwidth, CacheBytes: d.OnChipBytes, SMs: sms, ClockHz: clock, LaunchSec: c.Launch,
		PrologueSec: c.Prologue, Tile: c.Tile, Wave: c.Wave, Norm: c.Norm, L2: c.Cache, ReduceSec: c.Reduce, Hot: c.Hot, Epilogue: c.Epilogue, MaxTile: d.maxTile()}
	if c.Peak == 0 {
		g.PeakFlops = bestFlops
	}
	return g
}

// holds says whether the constants are those of a chip and a format.
func (c *LibraryFit) holds(id string, dt DType, blocks bool) bool {
	return c.Blocks == blocks && (len(c.Formats) == 0 || slices.Contains(c.Formats, dt.String())) &&
		slices.ContainsFunc(c.Chips, func(p string) bool { return strings.HasPrefix(id, p) })
}

// Origin says whose measurements a model of a chip's library stands on.
type Origin uint8

// The origins, best first.
const (
	OriginChip       Origin = iota // a table of the chip itself
	OriginGeneration               // of another chip of its generation, or of the one nearest to it
	OriginShared                   // what generations have in common, with the chip's own rates
	OriginNone                     // nothing: the operator model of the device has to do
)

// String implements fmt.Stringer.
func (o Origin) String() string {
	return [...]string{"library tiles", "library tiles of the generation", "library tiles that generations share", "operator model"}[o]
}

// Library is the library model of a chip for a number format: constants of its
// generation where a table was measured, those that generations share otherwise.
func (d *Device) Library(dt DType) (LibraryGEMM, Origin) { return d.library(dt, false) }

// BlockScaled is the library of 8-bit matrices scaled by blocks of 128 whose scales are
// at hand (DeepGEMM, fitted on H800): its blocks start slowly, since each scales its sums on
// the vector units, and it writes results after computing, not beside it.
func (d *Device) BlockScaled() (LibraryGEMM, Origin) { return d.library(FP8, true) }

func (d *Device) library(dt DType, blocks bool) (LibraryGEMM, Origin) {
	for _, c := range libraries() {
		if !c.holds(d.ID, dt, blocks) {
			continue
		}
		from := OriginGeneration
		if strings.HasPrefix(d.ID, c.Tables) {
			from = OriginChip
		}
		return c.Of(d, dt, d.BestGEMM(dt)), from
	}
	if !strings.HasPrefix(d.ID, "nvidia-") {
		return LibraryGEMM{}, OriginNone
	}
	return sharedFitted().Library(d, dt, d.BestGEMM(dt), d.MemBytesPerSec*d.memory), OriginShared
}

// BestGEMM is the best rate that a library reaches at sustained clocks, in FLOP/s.
func (d *Device) BestGEMM(dt DType) float64 { return d.Peak[dt] * d.gemm[dt] / d.inStep }

// TrainingAttention is attention of Tokens/Seq sequences, as benchmarks of kernels run it.
type TrainingAttention struct {
	Tokens, Seq       float64
	Heads, HeadDim    float64
	Causal            bool
	Forward, Backward bool
}

// attentionRates are asymptotes of forward and backward together at head dimensions 64
// and 128, as fractions of dense 16-bit peak, with the half lengths of the curve
// (kernel notes, section A2: FlashAttention-2 and PyTorch on A100 and H100).
var attentionRates = []struct {
	prefix     string
	generation int
	d64, d128  float64
	half       float64
	causalHalf float64
}{
	{"nvidia-h", 2, 296. / 989, 338. / 989, 170, 285},
	{"nvidia-gh", 2, 296. / 989, 338. / 989, 170, 285},
	{"nvidia-b", 2, 296. / 2250, 338. / 2250, 170, 285},
	{"nvidia-gb", 2, 296. / 2500, 338. / 2500, 170, 285},
	{"nvidia-h", 3, 0.42, 0.55, 170, 285},
	{"nvidia-gh", 3, 0.42, 0.55, 170, 285},
	{"nvidia-", 2, 176. / 312, 203. / 312, 165, 285},
	{"nvidia-", 0, 47. / 312, 88. / 312, 180, 0},
}

// AttentionMeasured says whether rates of a library's generation were measured on chips of this one's.
func AttentionMeasured(id string, generation int) bool {
	measured := [][]string{0: {"nvidia-a100"}, 1: nil, 2: {"nvidia-a100", "nvidia-a800", "nvidia-h100-sxm", "nvidia-h800", "nvidia-h200-sxm", "nvidia-gh200"}, 3: {"nvidia-h100-sxm", "nvidia-h800", "nvidia-h200-sxm", "nvidia-gh200"}}
	if generation < 0 || generation >= len(measured) {
		return false
	}
	return slices.ContainsFunc(measured[generation], func(p string) bool { return strings.HasPrefix(id, p) })
}

// AttentionSec is the time of a training attention by a library's generation: 0 is
// unfused PyTorch, which computes the full square and masks it.
func (d *Device) AttentionSec(a TrainingAttention, generation int, dt DType) (float64, error) {
	for _, r := range attentionRates {
		if r.generation != generation || len(d.ID) < len(r.prefix) || d.ID[:len(r.prefix)] != r.prefix {
			continue
		}
		top := r.d64 + (r.d128-r.d64)*math.Min(1, math.Max(0, (a.HeadDim-64)/64))
		half := r.half
		if generation == 0 {
			half *= 1 + 0.6*math.Min(1, math.Max(0, (a.HeadDim-64)/64))
		}
		flops := 0.0
		pairs := 4 * a.Tokens * a.Seq * a.Heads * a.HeadDim
		if a.Forward {
			flops += pairs
		}
		if a.Backward {
			flops += 2.5 * pairs
		}
		rate := d.Peak[dt] * top / (1 + half/a.Seq)
		switch {
		case a.Causal && generation == 0:
			rate *= 0.40
			flops /= 2
		case a.Causal:
			rate *= a.Seq / (a.Seq + r.causalHalf)
			flops /= 2
		}
		return flops / rate, nil
	}
	return 0, fmt.Errorf("no measured attention rates of generation %d near %s", generation, d.ID)
}
