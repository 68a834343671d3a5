package fit

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"aisim/calibration/ingest"
	"aisim/hardware"
	"aisim/hardware/profile"
)

// Finding is one thing that a check looked at.
type Finding struct {
	What     string `json:"what"`
	Found    string `json:"found"`
	Allowed  string `json:"allowed"`
	Rejected bool   `json:"rejected"`
}

// Limits of a check. A driver, a firmware or a library of another year can move every constant;
// a fit that misses what it held out by a quarter describes another machine than it read.
const (
	worstHeldOut = 0.25 // median
	fewHeldOut   = 3    // below which the fitted ones count
	farFactor    = 3    // from the constant that aisim ships
	leastDrift   = 0.05 // of a group's median, below which nothing is told from noise
)

// Inspect looks at a profile by itself: its age in days, how far its constants lie from those
// shipped, and how it met what it held out.
func Inspect(p *profile.Profile, ageDays, mostDays float64) []Finding {
	out := []Finding{{What: "age", Found: fmt.Sprintf("%.0f days, of %s", ageDays, p.Date), Allowed: fmt.Sprintf("0 to %.0f days", mostDays),
		Rejected: !(ageDays >= 0 && ageDays <= mostDays)}}
	if p.Fit == nil {
		return append(out, Finding{What: "residuals", Found: "none: the profile was not written by aisim calibrate fit", Allowed: "stated"})
	}
	for _, r := range p.Fit.Residuals {
		held, found := r.HeldOutMedian, fmt.Sprintf("median %.1f %% of %d held out, %d fitted", 100*r.HeldOutMedian, r.HeldOut, r.Fitted)
		if r.HeldOut < fewHeldOut && r.Fitted > 0 { // one that went wrong is not the machine
			held, found = r.Median, fmt.Sprintf("median %.1f %% of %d fitted, %.1f %% of %d held out", 100*r.Median, r.Fitted, 100*r.HeldOutMedian, r.HeldOut)
		}
		out = append(out, Finding{What: "residuals of " + r.Group, Found: found, Allowed: fmt.Sprintf("to %.0f %%", 100*worstHeldOut), Rejected: held > worstHeldOut})
	}
	if p.Chip != nil {
		return out
	}
	shipped, err := profile.For(p.Hardware)
	if err != nil {
		return out
	}
	for _, c := range p.Eff.Params() {
		was := shipped.Eff.Get(c.Key)
		if c.Param.V <= 0 || was.V <= 0 || c.Param == was {
			continue
		}
		f := math.Max(c.Param.V/was.V, was.V/c.Param.V)
		allowed := math.Max(farFactor, 1+6*was.RelSD)
		if strings.HasSuffix(c.Key, "_sec") || strings.HasPrefix(c.Key, "gemm_") {
			allowed = math.Max(allowed, 10) // fixed times and shapes differ by library and host
		}
		out = append(out, Finding{What: "eff." + c.Key, Found: fmt.Sprintf("%.4g, shipped %.4g", c.Param.V, was.V), Allowed: fmt.Sprintf("within a factor of %.3g", allowed), Rejected: f > allowed})
	}
	return out
}

// Drift predicts new records with a profile: a group whose median error is more than three
// standard deviations of its constants (and 5 %) has drifted.
func Drift(p *profile.Profile, records []ingest.Record, t Target) ([]Finding, error) {
	chip, err := hardware.Default().Accelerator(p.Hardware)
	if err != nil {
		chip = hardware.FromProfile(p)
	}
	t.Hardware = p.Hardware
	if t.Drive == "" && len(p.Drives) == 1 {
		t.Drive = slices.Collect(maps.Keys(p.Drives))[0]
	}
	s := sortRecords(records, t, chip)
	var out []Finding
	judge := func(samples []*sample, predict func(*sample) float64, sd func(group string) float64) {
		names, groups := byGroup(samples)
		for _, g := range names {
			e := errorsOf(groups[g], predict, func(*sample) bool { return true })
			if len(e) == 0 {
				continue
			}
			own := 0.0 // standard error of the new measurements themselves
			for _, x := range groups[g] {
				own = math.Max(own, x.sd/math.Sqrt(float64(len(e))))
			}
			bias, limit := median(e), math.Max(leastDrift, 3*math.Hypot(sd(g), own))
			out = append(out, Finding{What: "drift of " + g, Found: fmt.Sprintf("%+.1f %% of predicted time, median of %d new", -100*bias/(1+bias), len(e)),
				Allowed: fmt.Sprintf("±%.1f %%", 100*limit), Rejected: math.Abs(math.Log1p(bias)) > limit})
		}
	}
	if chip != nil {
		k, err := newKernels(chip, p, s)
		if err != nil {
			return nil, err
		}
		judge(k.samples, k.predictor(p.Eff), func(g string) float64 {
			if g == "memory" {
				return p.Eff.Memory.RelSD
			}
			_, dt, _ := strings.Cut(g, " ")
			return p.Eff.Matmul(dt).RelSD
		})
		if len(s.collectives) > 0 {
			class := profile.LinkClass(chip.ScaleUpLink)
			link := p.Links[class]
			predict, err := predictCalls(chip, link, s.collectives)
			if err != nil {
				return nil, err
			}
			judge(s.collectives, predict, func(string) float64 { return math.Max(link.RelSD, link.LatencySD) })
		}
		judge(s.links, func(x *sample) float64 {
			if x.group == "host copy" {
				share := p.Eff.Host.V
				if share == 0 {
					share = 1
				}
				return x.dims[0].v / (chip.HostBandwidth.V * share)
			}
			class := strings.TrimPrefix(x.group, "copy ")
			line := t.NICBytesPerSec
			if class == profile.LinkClass(chip.ScaleUpLink) {
				line = chip.ScaleUpBandwidth.V / 2
			}
			return x.dims[0].v / (line * p.Links[class].CopyEfficiency())
		}, func(g string) float64 {
			if g == "host copy" {
				return p.Eff.Host.RelSD
			}
			return p.Links[strings.TrimPrefix(g, "copy ")].RelSD
		})
	}
	drive := p.Drives[t.Drive]
	constant := func(g string) profile.Param {
		return map[string]profile.Param{"drive read bandwidth": drive.ReadBytesPerSec, "drive write bandwidth": drive.WriteBytesPerSec, "drive read iops": drive.ReadIOPS,
			"drive write iops": drive.WriteIOPS, "drive read latency": drive.ReadLatencySec, "drive write latency": drive.WriteLatencySec}[g]
	}
	known := slices.DeleteFunc(s.drives, func(x *sample) bool { return !constant(x.group).Known() })
	judge(known, func(x *sample) float64 {
		v := constant(x.group).V
		switch {
		case strings.HasSuffix(x.group, "latency"):
			return v
		case strings.HasSuffix(x.group, "bandwidth") && x.dims[1].v == 1: // one access at a time waits for each
			return 1/v + constant(strings.Replace(x.group, "bandwidth", "latency", 1)).V/x.dims[0].v
		}
		return 1 / v
	}, func(g string) float64 { return constant(g).RelSD })
	host := func(g string) profile.HostOp { return p.Host[strings.TrimPrefix(g, "host ")] }
	ops := slices.DeleteFunc(s.host, func(x *sample) bool { return host(x.group).Name == "" })
	judge(ops, func(x *sample) float64 { return host(x.group).Sec(x.dims[0].v) }, func(g string) float64 { return host(g).BytesPerSec.RelSD })
	if len(out) == 0 {
		return nil, nothing(p.Hardware, s, nil)
	}
	out = append(out, outside(p, slices.Concat(s.kernels, s.links, s.collectives, s.drives, s.host))...)
	for _, u := range s.notUsed() {
		out = append(out, Finding{What: "not compared", Found: fmt.Sprintf("%d of %s", u.Records, u.What), Allowed: u.Reason})
	}
	return out, nil
}

// outside counts the new measurements that lie beyond what the profile was fitted on: there it
// extrapolates, and a drift may be that.
func outside(p *profile.Profile, samples []*sample) []Finding {
	if p.Fit == nil {
		return nil
	}
	names, groups := byGroup(samples)
	var out []Finding
	for _, g := range names {
		for _, r := range p.Fit.Ranges {
			if r.Group != g {
				continue
			}
			count, lo, hi := 0, math.Inf(1), math.Inf(-1)
			for _, s := range groups[g] {
				for _, d := range s.dims {
					if d.name == r.What && (d.v < r.Low || d.v > r.High) {
						count, lo, hi = count+1, math.Min(lo, d.v), math.Max(hi, d.v)
					}
				}
			}
			if count > 0 {
				out = append(out, Finding{What: "range of " + g + ", " + r.What, Found: fmt.Sprintf("%d of %d new are outside, %.6g to %.6g", count, len(groups[g]), lo, hi),
					Allowed: fmt.Sprintf("fitted on %.6g to %.6g: beyond, the profile extrapolates", r.Low, r.High)})
			}
		}
	}
	return out
}

// predictCalls are the times of collectives under a link class.
func predictCalls(chip *hardware.Accelerator, link profile.LinkParams, samples []*sample) (func(*sample) float64, error) {
	f := Fabric{Class: link.Class, Kind: "switch", BytesPerSec: chip.ScaleUpBandwidth.V / 2, InSwitch: link.InNetwork > 0}
	calls := make([]Call, len(samples))
	for i, s := range samples {
		calls[i] = callOf(s, f.InSwitch)
	}
	b, err := NewBench(f, calls)
	if err != nil {
		return nil, err
	}
	sec, err := b.Predict(link, nil)
	if err != nil {
		return nil, err
	}
	at := map[*sample]float64{}
	for i, s := range samples {
		at[s] = sec[i]
	}
	return func(s *sample) float64 { return at[s] }, nil
}

// callOf is a sample as the bench of links takes it; integers cannot be reduced in a switch.
func callOf(s *sample, inSwitch bool) Call {
	c := s.body.(*ingest.Collective)
	return Call{Op: collectiveOps[c.Op], Chips: int(c.Ranks.V), Bytes: c.Bytes.V, Sec: s.sec, InSwitch: inSwitch && !strings.Contains(c.DType, "int"), Source: s.source.File}
}
