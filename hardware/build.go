package hardware

import (
	"fmt"
	"strings"

	"aisim/hardware/profile"
	"aisim/internal/result"
)

// driverMiB is what the driver keeps on GPUs of which no reading is known: the median of
// those of accelerator-memory.toml, 357 to 869 MiB.
const driverMiB = 530

// Device makes the operator model of a chip from its catalogue entry and a
// profile (nil: the embedded one for the chip), each uncertain value as draw
// picks it (nil: nominal).
func (c *Catalogue) Device(id string, prof *profile.Profile, draw Draw) (*Device, error) {
	a, err := c.Accelerator(id)
	if err != nil {
		return nil, err
	}
	return NewDevice(a, prof, draw)
}

// NewDevice is Catalogue.Device for a chip in hand, whose fields a scenario may
// have overridden.
func NewDevice(a *Accelerator, prof *profile.Profile, draw Draw) (*Device, error) {
	if draw == nil {
		draw = NominalDraw
	}
	if prof == nil {
		var err error
		if prof, err = profile.For(a.ID); err != nil {
			return nil, err
		}
	}
	bandwidth := a.MemoryBandwidth
	var taken []result.Assumption
	if !bandwidth.Known() && strings.HasPrefix(a.MemoryType, "on-chip") && a.HostBandwidth.Known() {
		// Weights beyond the on-chip memory come over the host link (Coral: 1.9 ms
		// per MB against 0.4 GB/s of USB; inference notes, section 8).
		bandwidth = a.HostBandwidth
		taken = append(taken, result.Assumption{Name: a.ID + " memory bandwidth", Value: FormatValue(bandwidth),
			Pedigree: result.Assumed, Source: "on-chip memory with host spill: the host link's rate"})
	}
	if !bandwidth.Known() {
		return nil, fmt.Errorf("accelerator %s: memory bandwidth is not known; state it to model this chip", a.ID)
	}
	chip := "accelerator/" + a.ID + "/"
	d := &Device{
		ID: a.ID, Kind: a.Kind, Clock: 1, Rung: prof.Rung, Profile: prof.ID, Eff: prof.Eff,
		MemBytesPerSec:     draw(chip+"mem_bw", bandwidth),
		OnChipBytes:        a.OnChip.V,
		OnChipBytesPerSec:  draw(chip+"onchip_bw", a.OnChipBandwidth),
		ScaleUpClass:       profile.LinkClass(a.ScaleUpLink),
		ScaleUpBytesPerSec: draw(chip+"scaleup_bw", a.ScaleUpBandwidth) / 2,
		ScaleUpDomain:      max(1, int(a.ScaleUpDomain.V)),
		HostBytesPerSec:    draw(chip+"host_bw", a.HostBandwidth),
	}
	for dt := range d.Peak {
		// One clock serves all formats: one draw moves them together.
		d.Peak[dt] = draw(chip+"peak", a.Peak[dt])
	}

	eff := prof.Eff
	param := func(key string, p profile.Param) float64 {
		return draw("profile/"+prof.ID+"/"+key, Value{V: p.V, Kind: result.Derived, RelSD: p.RelSD})
	}
	fraction := func(key string, p profile.Param) float64 { return min(1, param(key, p)) }
	d.inStep = fraction("in_step", eff.InStep)
	for dt := range d.gemm {
		// Uncertainty of the best rate is common to the formats of one chip.
		d.gemm[dt] = fraction("gemm", eff.Matmul(DType(dt).String())) * d.inStep
	}
	d.gemmInnerK = param("gemm_inner_k", eff.GEMMInnerK)
	d.gemmNorm = max(1, param("gemm_norm", eff.GEMMNorm))
	d.gemmWave = fraction("gemm_wave", eff.GEMMWave)
	d.gemmTile = param("gemm_tile", eff.GEMMTile)
	d.cores = eff.Cores.V
	d.memory = fraction("memory", eff.Memory)
	d.weights = fraction("weights", eff.Weights)
	d.kv = fraction("kv", eff.KV)
	d.attnFwd = fraction("attention_forward", eff.AttentionForward)
	d.attnBwd = fraction("attention_backward", eff.AttentionBackward)
	d.attnHalf = param("attention_half", eff.AttentionHalf)
	d.attnCausal = param("attention_causal_half", eff.AttentionCausalHalf)
	d.attnHead64 = param("attention_head64", eff.AttentionHead64)
	d.unfused = fraction("unfused", eff.Unfused)
	d.moe = fraction("moe", eff.MoE)
	d.moeHalf = param("moe_half", eff.MoEHalf)
	d.generic = fraction("generic", eff.Generic)
	d.LaunchSec = param("launch_sec", eff.LaunchSec)
	d.attnMemory = fraction("attention_memory", eff.AttentionMemory)
	d.attnLaunch = param("attention_launch_sec", eff.AttentionLaunchSec)
	d.blockSec = param("decode_block_sec", eff.DecodeBlockSec)
	d.mixedBlockSec = param("mixed_block_sec", eff.MixedBlockSec)
	d.powerExp = param("power_exponent", eff.PowerExponent)
	if eff.Host.Known() {
		d.HostBytesPerSec *= fraction("host", eff.Host)
	}

	d.MemBytes = a.Memory.V * eff.UsableMemory.V
	if a.Kind == "gpu" {
		d.ReservedBytes = driverMiB << 20
	}
	if !overridden(a.Memory) {
		if a.DeviceMemory.Known() {
			d.MemBytes = a.DeviceMemory.V
		}
		if a.ReservedMemory.Known() {
			d.ReservedBytes = a.ReservedMemory.V
		}
	}
	if a.TDP.Known() {
		d.MaxWatts = draw(chip+"tdp", a.TDP)
		d.LimitWatts = d.MaxWatts
		idle := a.Idle
		if !idle.Known() {
			idle = Value{V: a.TDP.V * eff.IdleShare.V, Unit: "W", Kind: result.Assumed, Source: eff.IdleShare.Source, RelSD: eff.IdleShare.RelSD}
			taken = append(taken, result.Assumption{Name: a.ID + " idle power", Value: FormatValue(idle), Pedigree: result.Assumed, Source: idle.Source})
		}
		d.IdleWatts = min(d.MaxWatts, draw(chip+"idle", idle))
	}
	if prof.Rung == profile.RungDatasheet {
		m := eff.Matmul("bf16")
		taken = append(taken, result.Assumption{Name: a.ID + " matrix efficiency", Value: fmt.Sprintf("%.3g of peak", m.V), Pedigree: result.Assumed, Source: m.Source})
	}
	if len(prof.Calls) > 0 {
		var err error
		if d.grids, err = measuredGrids(a, prof); err != nil {
			return nil, err
		}
		if ops := d.grids.operators(); ops != nil {
			taken = append(taken, d.grids.assumptions(a, prof)...)
			d.Rung = profile.RungGrid + " of " + strings.Join(ops, ", ") + "; " + prof.Rung + " of other operators"
		}
	}
	d.Assumptions = taken
	return d, nil
}

// overridden says whether a value came from a scenario and not from the
// catalogue.
func overridden(v Value) bool { return v.Source == OverrideSource }

// OverrideSource is the Source of values that a scenario puts in the place of a
// catalogue value.
const OverrideSource = "scenario override"
