package serving

import (
	"fmt"
	"math"

	"aisim/hardware"
)

// maxBlockTokens bounds the block size; schedulers count sequences per phase of
// a block in a small array.
const maxBlockTokens = 256

// Memory is how one chip of a replica spends its memory, in bytes.
type Memory struct {
	Total    float64 // device memory that processes see
	Fraction float64 // memory fraction that holds
	Usable   float64 // that the engine may use
	Weights  float64 // the encoder of images and the table of rotations with them
	Reserve  float64 // libraries, peak of activations
	Slots    float64 // of adapters
	Cache    float64 // what is left for the key-value cache

	TokenBytes float64 // cache of one token on one chip
	Tokens     int     // that the cache of a replica holds
	Blocks     int
}

// MemoryError says that a model does not fit and what would.
type MemoryError struct {
	Model, Chip string
	TP, PP      int
	Memory      Memory
	BlockTokens int // tokens of a block of the cache
	NearestTP   int // smallest degree at the same PP that fits, 0: none in the scale-up domain
	Domain      int
}

// Error gives the arithmetic and the nearest degree that fits.
func (e *MemoryError) Error() string {
	m := e.Memory
	slots := ""
	if m.Slots > 0 {
		slots = fmt.Sprintf(" − %.1f GB slots of adapters", m.Slots/1e9)
	}
	left := m.Usable - m.Weights - m.Slots - m.Reserve
	msg := fmt.Sprintf("serving: %s does not fit on %s with tensor %d, pipeline %d: %.1f GB usable per chip (%.3g of %.1f) − %.1f GB weights%s − %.1f GB libraries and activations ",
		e.Model, e.Chip, e.TP, e.PP, m.Usable/1e9, m.Usable/math.Max(1, m.Total), m.Total/1e9, m.Weights/1e9, slots, m.Reserve/1e9)
	if left > 0 {
		msg += fmt.Sprintf("leaves %.1f MB for the cache, a block of which takes %.3g", left/1e6, m.TokenBytes*float64(e.BlockTokens)/1e6)
	} else {
		msg += fmt.Sprintf("is %.1f GB too little before any cache, one token of which takes %.3g kB", -left/1e9, m.TokenBytes/1e3)
	}
	if e.NearestTP > 0 {
		return msg + fmt.Sprintf("; tensor %d fits", e.NearestTP)
	}
	return msg + fmt.Sprintf("; no tensor degree up to the scale-up domain of %d fits: use more pipeline stages, a narrower precision, fewer seats (max_batch) or a larger chip", e.Domain)
}

// memoryFor does the arithmetic for given degrees, fit or not.
func memoryFor(c *Config, chip *hardware.Device, tp, pp int) Memory {
	cut := *c
	cut.TP, cut.PP = tp, pp
	if cut.ExpertParallel > 1 && tp*cut.AttentionDP%cut.ExpertParallel != 0 {
		cut.ExpertParallel = 1
	}
	c = &cut
	e := &c.Engine
	m := Memory{Total: chip.MemBytes - chip.ReservedBytes}
	libraries := e.MemoryReserve.Value
	if tp*pp*max(c.AttentionDP, 1) > 1 {
		libraries += e.MemoryLinks.Value
	}
	m.Fraction = c.MemoryFraction
	if m.Fraction == 0 {
		m.Fraction = staticFraction(c, chip.MemBytes)
	}
	a := &c.Arch
	// Embedding and head stay in 16 bits in quantised checkpoints.
	tables := a.EmbeddingParams()
	if !a.TiedEmbeddings {
		tables += a.HeadParams()
	}
	body := a.Params() - tables
	stored := storedBytes(c.Precision)
	attention := 0.0
	if mlpsOnly(c) {
		wide := a.AttentionParams()
		if outputToo(c) {
			wide -= a.OutputParams()
		}
		attention = float64(a.Layers) * wide * (2 - stored)
	}
	m.Weights = (body*stored+attention+tables*math.Max(2, c.Precision.Bytes()))/float64(tp*pp) + rotaryBytes(c)
	if a.Vision != nil {
		m.Weights += a.Vision.Params.V * 2 / float64(tp)
	}
	adp := max(c.AttentionDP, 1)
	if adp > 1 {
		// Routed experts are spread over all groups; each group has the rest.
		routed := 0.0
		for i := range a.Layers {
			if a.Layer(i).MoE {
				routed += float64(a.Experts) * a.ExpertParams()
			}
		}
		m.Weights -= routed * stored / float64(tp*pp) * (1 - 1/float64(adp))
	}
	share := 1.0
	if a.MLA == nil {
		share = math.Max(1, float64(a.KVHeads)/float64(tp)) / float64(a.KVHeads)
	}
	m.TokenBytes = a.KVBytesPerToken(c.KVPrecision) * share / float64(pp)
	c.Speculation.draftMemory(c, &m, func(d *Config) Memory { return memoryFor(d, chip, tp, pp) })
	if c.Adapters.Count > 0 {
		_, chip := c.Adapters.Bytes(a, tp, pp)
		m.Slots = float64(c.Adapters.Slots) * chip
	}
	switch e.MemoryRule {
	case MemoryStatic:
		m.Usable = m.Fraction * (m.Total - libraries)
	case MemoryFree:
		m.Usable, m.Reserve = m.Total, libraries+activations(c)
		m.Reserve += (1 - m.Fraction) * math.Max(0, m.Usable-m.Weights-m.Slots-m.Reserve)
	default:
		m.Usable, m.Reserve = m.Fraction*m.Total, libraries+activations(c)
	}
	m.Cache = math.Max(0, m.Usable-m.Weights-m.Slots-m.Reserve)
	block := float64(c.Engine.BlockTokens)
	m.Blocks = int(math.Min(math.Floor(m.Cache/(m.TokenBytes*block))*float64(adp), 1e9))
	if c.CacheBlocks > 0 {
		m.Blocks = c.CacheBlocks
		m.Cache = float64(m.Blocks) / float64(adp) * m.TokenBytes * block
	}
	m.Tokens = m.Blocks * c.Engine.BlockTokens
	return m
}

// PlanMemory returns how a chip's memory is spent, or a *MemoryError.
func PlanMemory(c Config, m Machine) (Memory, error) {
	if err := c.Validate(); err != nil {
		return Memory{}, err
	}
	c = c.on(m.Device)
	if c.Arch.Generic != nil {
		return genericMemory(&c, m.Device)
	}
	mem := memoryFor(&c, m.Device, c.TP, c.PP)
	if mem.Blocks >= 1 && mem.Usable-mem.Weights-mem.Slots-mem.Reserve > 0 {
		return mem, nil
	}
	e := &MemoryError{Model: c.Arch.ID, Chip: m.Device.ID, TP: c.TP, PP: c.PP, Memory: mem, BlockTokens: c.Engine.BlockTokens, Domain: max(m.Device.ScaleUpDomain, 1)}
	for tp := 1; tp <= e.Domain; tp++ {
		if c.Arch.Heads%tp != 0 {
			continue
		}
		if n := memoryFor(&c, m.Device, tp, c.PP); n.Blocks >= 1 && n.Usable > n.Weights+n.Slots+n.Reserve {
			e.NearestTP = tp
			break
		}
	}
	return Memory{}, e
}

func genericMemory(c *Config, d *hardware.Device) (Memory, error) {
	g := c.Arch.Generic
	m := Memory{Total: d.MemBytes, Usable: d.MemBytes, Weights: g.Params * c.Precision.Bytes()}
	if m.Total > 0 && m.Weights > m.Total {
		return m, fmt.Errorf("serving: %s does not fit on %s: %.2f GB weights, %.2f GB memory", c.Arch.ID, d.ID, m.Weights/1e9, m.Total/1e9)
	}
	m.Cache = m.Total - m.Weights
	return m, nil
}
