package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// named lists the single constants with their keys and allowed ranges, in the
// order of the struct. It is the one place that knows them all.
func (e *Efficiencies) named() []namedParam {
	return []namedParam{
		{"in_step", &e.InStep, 0.1, 1.2},
		{"gemm_inner_k", &e.GEMMInnerK, 0.1, 1e5},
		{"gemm_norm", &e.GEMMNorm, 1, 20},
		{"gemm_wave", &e.GEMMWave, 0.001, 1},
		{"gemm_tile", &e.GEMMTile, 0.001, 1000},
		{"cores", &e.Cores, 1, 1e6},
		{"memory", &e.Memory, 0.01, 1.2},
		{"weights", &e.Weights, 0.01, 1.2},
		{"kv", &e.KV, 0.01, 1.2},
		{"attention_forward", &e.AttentionForward, 0.01, 1.2},
		{"attention_backward", &e.AttentionBackward, 0.01, 1.2},
		{"attention_half", &e.AttentionHalf, 0.1, 1e5},
		{"attention_causal_half", &e.AttentionCausalHalf, 0.1, 1e5},
		{"attention_memory", &e.AttentionMemory, 0.01, 1.2},
		{"attention_head64", &e.AttentionHead64, 0.05, 1.5},
		{"unfused", &e.Unfused, 0.01, 1.2},
		{"moe", &e.MoE, 0.01, 1.2},
		{"moe_half", &e.MoEHalf, 0.1, 1e5},
		{"generic", &e.Generic, 0.001, 1.2},
		{"launch_sec", &e.LaunchSec, 1e-9, 1},
		{"attention_launch_sec", &e.AttentionLaunchSec, 1e-9, 1},
		{"decode_block_sec", &e.DecodeBlockSec, 1e-9, 1},
		{"mixed_block_sec", &e.MixedBlockSec, 0, 1},
		{"power_exponent", &e.PowerExponent, 0.05, 5},
		{"idle_share", &e.IdleShare, 0.001, 1},
		{"host", &e.Host, 0.01, 1.2},
		{"usable_memory", &e.UsableMemory, 0.1, 1.1},
	}
}

type namedParam struct {
	key    string
	param  *Param
	lo, hi float64
}

// merge returns e with what over states put in its place.
func (e Efficiencies) merge(over Efficiencies) Efficiencies {
	out := e
	to, from := out.named(), over.named()
	for i := range to {
		if from[i].param.Known() {
			*to[i].param = *from[i].param
		}
	}
	if len(over.GEMM) > 0 {
		out.GEMM = maps.Clone(over.GEMM)
		if _, ok := out.GEMM["any"]; !ok {
			if any, ok := e.GEMM["any"]; ok {
				out.GEMM["any"] = any
			}
		}
	}
	return out
}

// check refuses constants outside of what can be meant, and such without source.
func (e Efficiencies) check() error {
	if err := checkNamed("eff", e.named()); err != nil {
		return err
	}
	for _, dt := range slices.Sorted(maps.Keys(e.GEMM)) {
		if !formats[dt] {
			return fmt.Errorf("eff.gemm.%s: unknown number format", dt)
		}
		p := e.GEMM[dt]
		if err := (namedParam{"gemm." + dt, &p, 0.01, 1.2}).check("eff"); err != nil {
			return err
		}
	}
	return nil
}

// Matmul is the GEMM efficiency of a number format: its own, else that of the
// other 16-bit format, else the family's figure for any format.
func (e Efficiencies) Matmul(dtype string) Param {
	if p, ok := e.GEMM[dtype]; ok {
		return p
	}
	if dtype == "fp16" {
		if p, ok := e.GEMM["bf16"]; ok {
			return p
		}
	}
	return e.GEMM["any"]
}

// Params lists all constants by key, GEMM formats first, for display and draws.
func (e Efficiencies) Params() []NamedParam {
	var out []NamedParam
	for _, dt := range slices.Sorted(maps.Keys(e.GEMM)) {
		out = append(out, NamedParam{"gemm." + dt, e.GEMM[dt]})
	}
	for _, n := range e.named() {
		out = append(out, NamedParam{n.key, *n.param})
	}
	return out
}

// NamedParam is a constant with its key.
type NamedParam struct {
	Key   string
	Param Param
}

// stated says whether any constant is known.
func (e Efficiencies) stated() bool {
	return slices.ContainsFunc(e.Params(), func(n NamedParam) bool { return n.Param.Known() })
}

// Set puts a constant in the place of the one with the key, "gemm.bf16" for formats. A key
// that does not exist, and a value out of range, are errors.
func (e *Efficiencies) Set(key string, p Param) error {
	if dt, ok := strings.CutPrefix(key, "gemm."); ok && formats[dt] {
		if err := (namedParam{key, &p, 0.01, 1.2}).check("eff"); err != nil {
			return err
		}
		e.GEMM = maps.Clone(e.GEMM)
		if e.GEMM == nil {
			e.GEMM = map[string]Param{}
		}
		e.GEMM[dt] = p
		return nil
	}
	for _, n := range e.named() {
		if n.key == key {
			at := n.param
			n.param = &p
			if err := n.check("eff"); err != nil {
				return err
			}
			*at = p
			return nil
		}
	}
	return fmt.Errorf("eff.%s: no such constant", key)
}

// Get is the constant with the key; a format without its own gives the one that stands in.
func (e *Efficiencies) Get(key string) Param {
	if dt, ok := strings.CutPrefix(key, "gemm."); ok && formats[dt] {
		return e.Matmul(dt)
	}
	for _, n := range e.named() {
		if n.key == key {
			return *n.param
		}
	}
	return Param{}
}
