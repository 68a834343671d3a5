package profile

import (
	"fmt"
	"math"
)

// LinkParams are the α–β constants of one class of links. A ring of n ranks on
// S bytes takes
//
//	t = BaseSec + steps*(StepSec+HopSec) + fill(w/b) + w/b + S/n/(rate*Local)
//
// with w = S*2(n-1)/n for all-reduce, b = rate*Efficiency, and all times in seconds.
// fill(τ) = x*m/(x+m), x = FillSqrtSec*sqrt(τ), m = FillMaxSec: a pipeline fills with
// chunks whose best size grows with the square root of the message until the library's
// buffers end it (kernel, collective and storage notes, B1; the bound is fitted here).
//
// The low-latency protocols (LL, LL128) have steps, hops and a fraction of the ring
// rate of their own; LL has no fill and LL128 half of it.
type LinkParams struct {
	Class       string  `toml:"class"`
	Efficiency  float64 `toml:"efficiency"`    // ring bus bandwidth per one-way line rate
	P2P         float64 `toml:"p2p"`           // send/recv per one-way line rate
	Copy        float64 `toml:"copy"`          // copy-engine and RDMA writes per one-way line rate; 0: as P2P
	AllToAll    float64 `toml:"all_to_all"`    // all-to-all per one-way line rate
	InNetwork   float64 `toml:"in_network"`    // bus bandwidth with in-switch reduction over 8 chips per line rate; 0: none
	Local       float64 `toml:"local"`         // rate at which a rank handles its own part, per one-way line rate; 0: free
	BaseSec     float64 `toml:"base_sec"`      // start of one collective
	StepSec     float64 `toml:"step_sec"`      // per step, large messages (Simple protocol)
	MidStepSec  float64 `toml:"mid_step_sec"`  // per step, LL128 protocol
	MidEff      float64 `toml:"mid_eff"`       // fraction of the ring rate that LL128 reaches; 0: no such protocol
	LowStepSec  float64 `toml:"low_step_sec"`  // per step, small messages (LL protocol)
	LowEff      float64 `toml:"low_eff"`       // fraction of the ring rate that LL reaches
	HopSec      float64 `toml:"hop_sec"`       // per crossing of the link (inter-node hop, torus hop)
	MidHopSec   float64 `toml:"mid_hop_sec"`   // the same under LL128; 0: as HopSec
	LowHopSec   float64 `toml:"low_hop_sec"`   // the same under LL; 0: as HopSec
	FillSqrtSec float64 `toml:"fill_sqrt_sec"` // chunk fill c in c*sqrt(w/b), in sqrt(seconds)
	FillMaxSec  float64 `toml:"fill_max_sec"`  // what the fill tends to at large sizes; 0: no bound

	// InNetworkSec is the fixed time of an in-switch reduction over 8 chips,
	// InNetworkFillSqrtSec and InNetworkFillMaxSec its chunk fill; 0: as FillSqrtSec and FillMaxSec.
	InNetworkSec         float64 `toml:"in_network_sec"`
	InNetworkFillSqrtSec float64 `toml:"in_network_fill_sqrt_sec"`
	InNetworkFillMaxSec  float64 `toml:"in_network_fill_max_sec"`
	// AllToAllLocal is Local of an all-to-all; 0: free.
	AllToAllLocal float64 `toml:"all_to_all_local"`
	// AllToAllStepSec is what sqrt(n-1) is multiplied with, AllToAllFillSqrtSec the
	// chunk fill; 0: as StepSec and FillSqrtSec.
	AllToAllStepSec     float64 `toml:"all_to_all_step_sec"`
	AllToAllFillSqrtSec float64 `toml:"all_to_all_fill_sqrt_sec"`

	RelSD     float64 `toml:"sd"`         // relative sd of a transfer time at large sizes
	LatencySD float64 `toml:"latency_sd"` // relative sd of the fixed parts
	Kind      string  `toml:"kind"`       // measured | derived | datasheet | assumed
	Source    string  `toml:"source"`
}

// CopyEfficiency is the fraction of the line rate that copy engines and RDMA writes reach.
func (l LinkParams) CopyEfficiency() float64 {
	if l.Copy > 0 {
		return l.Copy
	}
	return l.P2P
}

// Scaled is the class with every rate and every fixed time multiplied; rates end at the
// line rate except where switches reduce.
func (l LinkParams) Scaled(rate, latency float64) LinkParams {
	for _, r := range []*float64{&l.Efficiency, &l.P2P, &l.Copy, &l.AllToAll} {
		*r = min(1, *r*rate)
	}
	l.InNetwork *= rate
	l.Local *= rate
	l.AllToAllLocal *= rate
	for _, s := range []*float64{&l.BaseSec, &l.StepSec, &l.MidStepSec, &l.LowStepSec, &l.HopSec, &l.MidHopSec, &l.LowHopSec, &l.InNetworkSec, &l.AllToAllStepSec} {
		*s *= latency
	}
	return l
}

func (l LinkParams) check() error {
	if l.Class == "" || l.Source == "" {
		return fmt.Errorf("class and source must be given")
	}
	switch l.Kind {
	case "measured", "derived", "datasheet", "assumed":
	default:
		return fmt.Errorf("kind %q: one of measured, derived, datasheet, assumed", l.Kind)
	}
	for _, x := range []struct {
		name   string
		v      float64
		lo, hi float64
	}{
		{"efficiency", l.Efficiency, 0.01, 1.2}, {"p2p", l.P2P, 0.01, 1.2}, {"all_to_all", l.AllToAll, 0.01, 1.2},
		{"copy", l.Copy, 0, 1.2}, {"in_network", l.InNetwork, 0, 1.5}, {"local", l.Local, 0, 100}, {"all_to_all_local", l.AllToAllLocal, 0, 100},
		{"base_sec", l.BaseSec, 0, 1}, {"step_sec", l.StepSec, 0, 1}, {"mid_step_sec", l.MidStepSec, 0, 1},
		{"mid_eff", l.MidEff, 0, 1}, {"low_step_sec", l.LowStepSec, 0, 1}, {"low_eff", l.LowEff, 0.001, 1},
		{"hop_sec", l.HopSec, 0, 1}, {"mid_hop_sec", l.MidHopSec, 0, 1}, {"low_hop_sec", l.LowHopSec, 0, 1},
		{"fill_sqrt_sec", l.FillSqrtSec, 0, 1}, {"fill_max_sec", l.FillMaxSec, 0, 1},
		{"in_network_sec", l.InNetworkSec, 0, 1}, {"in_network_fill_sqrt_sec", l.InNetworkFillSqrtSec, 0, 1},
		{"in_network_fill_max_sec", l.InNetworkFillMaxSec, 0, 1},
		{"all_to_all_step_sec", l.AllToAllStepSec, 0, 1}, {"all_to_all_fill_sqrt_sec", l.AllToAllFillSqrtSec, 0, 1},
		{"sd", l.RelSD, 0, 1}, {"latency_sd", l.LatencySD, 0, 1},
	} {
		if !(x.v >= x.lo && x.v <= x.hi) || math.IsNaN(x.v) {
			return fmt.Errorf("%s = %g: want %g to %g", x.name, x.v, x.lo, x.hi)
		}
	}
	return nil
}
