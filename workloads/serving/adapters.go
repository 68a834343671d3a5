package serving

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aisim/hardware"
	"aisim/workloads"
)

// Adapters are low-rank adapters (LoRA) beside the weights of a service's model: of each
// matrix W of k × n that they touch, x·W + (x·A)·B with A of k × Rank and B of Rank × n. The zero
// value means none. Slots of them lie in the chips' memory, Host in the host's, the rest in a store.
type Adapters struct {
	Count   int
	Rank    int
	Modules []string // of AdapterModules; none: all of them
	// Slots is how many lie in the chips' memory, which is also how many distinct ones a batch may
	// have, as max_loras of vLLM and max_loras_per_batch of SGLang.
	Slots int
	Host  int // that the memory of a replica's host holds, those of the slots among them; 0: all
	// StoreBytesPerSec and StoreSec are the rate and the fixed time of a load from the store to the
	// host's memory; needed where Host is less than Count.
	StoreBytesPerSec, StoreSec float64
	// Beside says that loads run beside the steps, and a request waits for its adapter; else the step
	// that admits the request waits for the load and all in it with it.
	Beside bool
}

// AdapterModules are the matrices of a layer that adapters may touch.
var AdapterModules = []string{"q", "k", "v", "o", "gate", "up", "down"}

// maxAdapters bounds the adapters of a service, maxAdapterRank their rank.
const (
	maxAdapters    = 1 << 20
	maxAdapterRank = 4096
)

func (a *Adapters) validate(c *Config) error {
	if a.Count == 0 {
		if c.Router == AdapterAware {
			return fmt.Errorf("serving: router %s for a service without adapters", AdapterAware)
		}
		return nil
	}
	arch := &c.Arch
	switch {
	case a.Count < 0 || a.Count > maxAdapters:
		return fmt.Errorf("serving: %d adapters: expected 1 to %d", a.Count, maxAdapters)
	case a.Rank < 1 || a.Rank > maxAdapterRank:
		return fmt.Errorf("serving: adapters of rank %d: expected 1 to %d", a.Rank, maxAdapterRank)
	case a.Slots < 1 || a.Slots > a.Count:
		return fmt.Errorf("serving: %d adapters in the chips' memory: expected 1 to %d, all there are", a.Slots, a.Count)
	case a.Host != 0 && (a.Host < a.Slots || a.Host > a.Count):
		return fmt.Errorf("serving: %d adapters in the host's memory: expected %d, those of the slots, to %d, all there are", a.Host, a.Slots, a.Count)
	case a.stored() && !(a.StoreBytesPerSec > 0) || !(a.StoreSec >= 0) || math.IsInf(a.StoreSec, 0):
		return fmt.Errorf("serving: %d of %d adapters lie in a store of %v B/s after %v s: expected a rate above 0 and a time from 0", a.Count-a.Host, a.Count, a.StoreBytesPerSec, a.StoreSec)
	case arch.Generic != nil:
		return fmt.Errorf("serving: %s is known by totals only: it takes no adapters", arch.ID)
	case arch.MLA != nil:
		return fmt.Errorf("serving: adapters on the latent attention of %s are not modelled", arch.ID)
	case len(c.Prefix.Tiers) > 0:
		return fmt.Errorf("serving: adapters beside lower tiers of a prefix cache are not modelled")
	case c.AttentionDP > 1:
		return fmt.Errorf("serving: adapters beside %d attention groups are not modelled", c.AttentionDP)
	}
	for _, m := range a.Modules {
		if !slices.Contains(AdapterModules, m) {
			return fmt.Errorf("serving: adapters on %q: expected some of %s", m, strings.Join(AdapterModules, ", "))
		}
		if m == "gate" && !arch.GatedMLP {
			return fmt.Errorf("serving: adapters on the gate of %s, whose MLP has none", arch.ID)
		}
	}
	if arch.Experts > 0 && (a.touches("gate") || a.touches("up") || a.touches("down")) {
		return fmt.Errorf("serving: adapters on the experts of %s are not modelled: give modules among q, k, v, o", arch.ID)
	}
	return nil
}

// stored says whether some lie in neither memory.
func (a *Adapters) stored() bool { return a.Host > 0 && a.Host < a.Count }

func (a *Adapters) touches(module string) bool {
	return len(a.Modules) == 0 || slices.Contains(a.Modules, module)
}

// matrix is one that adapters touch, k × n, of which a chip holds k/cutK × n/cutN.
type matrix struct{ k, n, cutK, cutN float64 }

// pairs are the products x·A·B of one layer on a chip. Matrices with one input share a kernel
// for A and one for B, as engines merge them. Matrices cut by columns need all of A and their columns of B,
// those cut by rows their rows of A and all of B.
func (a *Adapters) pairs(arch *workloads.Architecture, tp float64) (out [][]matrix) {
	h, q, kv, f := float64(arch.Hidden), float64(arch.QWidth()), float64(arch.KVWidth()), float64(arch.FFN)
	kvCut := math.Min(tp, float64(arch.KVHeads))
	groups := [][]struct {
		module string
		m      matrix
	}{
		{{"q", matrix{h, q, 1, tp}}, {"k", matrix{h, kv, 1, kvCut}}, {"v", matrix{h, kv, 1, kvCut}}},
		{{"o", matrix{q, h, tp, 1}}},
		{{"gate", matrix{h, f, 1, tp}}, {"up", matrix{h, f, 1, tp}}},
		{{"down", matrix{f, h, tp, 1}}},
	}
	for _, g := range groups {
		var ms []matrix
		for _, x := range g {
			if a.touches(x.module) && (x.module != "gate" || arch.GatedMLP) {
				ms = append(ms, x.m)
			}
		}
		if len(ms) > 0 {
			out = append(out, ms)
		}
	}
	return out
}

// adapterBytes is a value of an adapter: engines keep them in 16 bits.
const adapterBytes = 2

// Bytes is the size of one adapter, whole and on one chip of a replica.
func (a *Adapters) Bytes(arch *workloads.Architecture, tp, pp int) (whole, chip float64) {
	for _, g := range a.pairs(arch, float64(tp)) {
		for _, m := range g {
			whole += m.k + m.n
			chip += m.k/m.cutK + m.n/m.cutN
		}
	}
	per := adapterBytes * float64(a.Rank) * float64(arch.Layers)
	return whole * per, chip * per / float64(pp)
}

// adapterCost is what a step pays for adapters: kernels that do little, the weights of the
// distinct ones, and the rows that use them.
type adapterCost struct {
	kernels  float64 // seconds
	distinct float64 // seconds of memory, each
	row      float64 // the same, each
	compute  float64 // seconds of matrix units, each row
	rows     float64 // micro-batches that the rows are cut into
	loadSec  float64 // host memory to the chips
	size     float64 // bytes of one
}

// The products are narrow: matrix units work on at least this many columns.
const narrowestTile = 16

// adapterWork makes the constants. A pair of kernels reads its rows once, hands over Rank values
// of 4 bytes a row and matrix, and adds to the outputs.
func (b *stepBuilder) adapterWork() *adapterCost {
	a, arch := &b.c.Adapters, &b.c.Arch
	if a.Count == 0 {
		return nil
	}
	layers, rank := float64(arch.Layers), float64(a.Rank)
	perByte := b.moved(1<<30).sec / (1 << 30)
	const big = 4096
	dt := hardware.BF16
	if b.d.Supports(dt) != nil {
		dt = b.dt
	}
	gemm := b.wide.GEMMWeights(big, big, big, dt, 2)
	perFlop := (gemm.Sec - gemm.LaunchSec) / (2 * big * big * big)
	x := &adapterCost{rows: float64(b.c.PP)}
	_, chip := a.Bytes(arch, b.c.TP, 1)
	x.distinct = chip * perByte
	tensors := 0.0
	for _, g := range a.pairs(arch, float64(b.c.TP)) {
		x.kernels += 2 * layers * launchH100 * b.launch
		bytes, flops := adapterBytes*g[0].k/g[0].cutK, 0.0
		for _, m := range g {
			tensors += 2
			bytes += 2*4*rank + 2*adapterBytes*m.n/m.cutN
			flops += 2 * math.Max(rank, narrowestTile) * (m.k/m.cutK + m.n/m.cutN)
		}
		x.row += layers * bytes * perByte
		x.compute += layers * flops * perFlop
	}
	var each float64
	x.size, each = a.Bytes(arch, b.c.TP, b.c.PP)
	// One copy for each tensor, none shorter than the chip's smallest kernel.
	x.loadSec = tensors * layers / float64(b.c.PP) * launchH100 * b.launch
	if rate := b.d.HostBytesPerSec; rate > 0 {
		x.loadSec += each / rate
	}
	return x
}

// step is the time that a step takes more in which so many distinct adapters serve so many rows.
func (x *adapterCost) step(distinct, rows int) split {
	if distinct == 0 {
		return split{}
	}
	n := float64(rows) / x.rows
	memory, compute := x.distinct*float64(distinct)+x.row*n, x.compute*n
	t := math.Hypot(memory, compute)
	return split{sec: x.kernels + t, compute: compute * compute / t, hbm: memory * memory / t}
}
