package fit

import "aisim/hardware/profile"

// Prior is where the search for a class begins and what it is drawn to: the fits of the
// kernel, collective and storage notes, B1; steps of LL128 and Simple as NCCL's own
// constants have them for NVLink (hwLat of tuning.cc) and, for LL, the slope over ranks of the
// tables' smallest sizes.
func Prior(class string) profile.LinkParams {
	p := profile.LinkParams{
		Class: class, P2P: 0.88, Local: 1.8, AllToAllLocal: 5,
		LowStepSec: 0.9e-6, LowEff: 0.25, MidStepSec: 1.1e-6, MidEff: 0.8, StepSec: 3.4e-6,
		FillSqrtSec: 4e-3, FillMaxSec: 2e-4, InNetworkSec: 20e-6, InNetworkFillSqrtSec: 2.5e-3, InNetworkFillMaxSec: 1e-4,
		AllToAllStepSec: 1.8e-6, AllToAllFillSqrtSec: 3.5e-3,
		RelSD: 0.05, LatencySD: 0.2, Kind: "derived", Source: "prior",
	}
	switch class {
	case "nvlink3": // A100: t0 8.7 µs, ring 245 and all-to-all 225 of 300 GB/s
		p.BaseSec, p.Efficiency, p.AllToAll = 8.7e-6, 0.817, 0.75
	case "nvlink4": // H100: t0 4.7 µs, ring and all-to-all 354 of 450 GB/s; in-switch plateau 1.06 of the line rate
		p.BaseSec, p.Efficiency, p.AllToAll, p.InNetwork = 4.7e-6, 0.787, 0.787, 1.066
	case "nvlink5": // B200: t0 7.5 µs, ring 700 and all-to-all 639 of 900 GB/s; in-switch plateau .86
		p.BaseSec, p.Efficiency, p.AllToAll, p.InNetwork, p.P2P = 7.5e-6, 0.778, 0.71, 0.86, 0.86
	case "pcie": // V100: t0 7.4 µs, steps 2.8 µs, all-to-all 5 of 15.75 GB/s
		p.BaseSec, p.Efficiency, p.AllToAll, p.P2P = 7.4e-6, 0.5, 0.32, 0.3
		p.LowStepSec, p.LowEff, p.MidStepSec, p.StepSec = 2.4e-6, 0.4, 3e-6, 5.7e-6
	// Over EFA the flags of LL cost most of the rate: the tables' 8–64 KiB rows grow by 1 GB/s.
	case "efa1": // p4de: .86 of the line rate, 65 µs per hop
		p = network(p, 0.86, 65e-6, 90e-6, 150e-6, 20e-3, 8e-4)
	case "efa": // p5: .6–.9 of the line rate, 21 µs per hop
		p = network(p, 0.88, 22e-6, 45e-6, 80e-6, 12e-3, 4e-4)
	}
	return p
}

func network(p profile.LinkParams, efficiency, low, mid, hop, fill, most float64) profile.LinkParams {
	return profile.LinkParams{Class: p.Class, Efficiency: efficiency, P2P: 0.85, AllToAll: 0.6, BaseSec: 8e-6, LowEff: 0.005, MidEff: 0.5,
		LowHopSec: low, MidHopSec: mid, HopSec: hop, FillSqrtSec: fill, FillMaxSec: most, RelSD: 0.15, LatencySD: 0.2, Kind: p.Kind, Source: p.Source}
}

// FitAll fits a scale-up class from its prior: rates by slopes, the rest by simplex.
func (b *Bench) FitAll() (profile.LinkParams, error) {
	p := Prior(b.fabric.Class)
	if b.fabric.Hosts <= 1 {
		p = b.Slopes(p)
	}
	return b.Fit(p, rounds)
}

// rounds of the blocks; more change nothing that rounding to four figures leaves.
const rounds = 4

// Constants names the fitted constants of a class as links.toml has them.
func Constants(p *profile.LinkParams, hosts int) []struct {
	Key string
	V   *float64
} {
	type kv = struct {
		Key string
		V   *float64
	}
	if hosts > 1 {
		return []kv{{"low_hop_sec", &p.LowHopSec}, {"low_eff", &p.LowEff}, {"mid_hop_sec", &p.MidHopSec}, {"mid_eff", &p.MidEff},
			{"hop_sec", &p.HopSec}, {"fill_sqrt_sec", &p.FillSqrtSec}, {"fill_max_sec", &p.FillMaxSec}}
	}
	out := []kv{{"efficiency", &p.Efficiency}, {"local", &p.Local}, {"p2p", &p.P2P}, {"base_sec", &p.BaseSec}, {"low_step_sec", &p.LowStepSec},
		{"low_eff", &p.LowEff}, {"mid_step_sec", &p.MidStepSec}, {"mid_eff", &p.MidEff}, {"step_sec", &p.StepSec}, {"fill_sqrt_sec", &p.FillSqrtSec},
		{"fill_max_sec", &p.FillMaxSec}, {"all_to_all", &p.AllToAll}, {"all_to_all_local", &p.AllToAllLocal},
		{"all_to_all_step_sec", &p.AllToAllStepSec}, {"all_to_all_fill_sqrt_sec", &p.AllToAllFillSqrtSec}}
	if p.InNetwork > 0 {
		out = append(out, kv{"in_network", &p.InNetwork}, kv{"in_network_sec", &p.InNetworkSec},
			kv{"in_network_fill_sqrt_sec", &p.InNetworkFillSqrtSec}, kv{"in_network_fill_max_sec", &p.InNetworkFillMaxSec})
	}
	return out
}
