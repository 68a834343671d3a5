package fit

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"aisim/calibration/ingest"
	"aisim/hardware"
	"aisim/hardware/profile"
)

// Result is a profile made of measurements.
type Result struct {
	Profile *profile.Profile // as it is written, with Profile.Fit
	Eff     profile.Efficiencies
	Links   []profile.LinkParams
	Fitted  []Constant // in order of their keys
}

// Constant is a fitted constant beside what was there before.
type Constant struct {
	Key    string
	Before profile.Param
	After  profile.Param
}

// ErrNothing says that no record speaks of a constant of the target.
var ErrNothing = errors.New("no record speaks of a constant")

// Calibrate fits every constant of the target that the records speak of. The profile lacks id,
// date and inputs, which the caller knows.
func Calibrate(records []ingest.Record, t Target) (*Result, error) {
	c := new(calibration)
	chip, err := hardware.Default().Accelerator(t.Hardware)
	known := err == nil
	_, isDrive := hardware.Default().Drive(t.Hardware)
	if !known {
		chip = nil
		if isDrive == nil && t.Drive == "" {
			t.Drive = t.Hardware
		}
	}
	c.target, c.sorted = t, sortRecords(records, t, chip)
	c.contradictions()
	switch {
	case known:
		if c.base, err = profile.For(t.Hardware); err != nil {
			return nil, err
		}
		c.chip = chip
	case isDrive == nil:
	default:
		if c.chip, c.own, err = machine(t, c.sorted, "measured by "+ProbeTool); err != nil {
			return nil, err
		}
		c.cache()
		if c.base, err = profile.ForFamily(c.own.Family, t.Hardware); err != nil {
			return nil, err
		}
		c.ofProbe()
	}
	return c.fit()
}

type calibration struct {
	target      Target
	sorted      *sorted
	chip        *hardware.Accelerator
	own         *profile.Chip
	base        *profile.Profile
	stated      profile.Efficiencies // of a machine that probe measured: facts, not fits
	contradicts []string
	out         Result
	info        profile.Calibration
}

func (c *calibration) contradictions() {
	s := c.sorted
	for _, group := range [][]*sample{s.kernels, s.calls, s.cache, s.links, s.collectives, s.drives, s.host} {
		c.contradicts = append(c.contradicts, contradictions(group)...)
		hold(group)
	}
}

// cache is the rate inside the caches of a machine that probe measured.
func (c *calibration) cache() {
	bytes := func(s *sample) float64 { return s.dims[0].v }
	p, predict := level(c.sorted.cache, bytes, "measured by "+ProbeTool)
	if !p.Known() {
		return
	}
	round(&p.V)
	most := 0.0
	for _, s := range c.sorted.cache {
		most = math.Max(most, bytes(s))
	}
	c.own.CacheBytesPerSec, c.own.CacheBytes = p, profile.Param{V: most, Source: "the largest that was measured in the caches"}
	c.chip = hardware.FromProfile(&profile.Profile{Hardware: c.target.Hardware, Chip: c.own, Source: "measured by " + ProbeTool})
	c.report(c.sorted.cache, predict, predict)
}

// ofProbe takes over what is known of a machine that probe measured besides rates.
func (c *calibration) ofProbe() {
	set := func(key string, p profile.Param) {
		if c.base.Eff.Set(key, p) == nil {
			_ = c.stated.Set(key, p) // the same key and range
		}
	}
	// Probe cycles through operands that do not fit in the cache together, as a step does.
	set("in_step", profile.Param{V: 1, RelSD: 0.03, Source: "probe measures each operator with operands that others displaced"})
	for _, f := range c.sorted.facts.More {
		if f.Name == "threads" && f.Value.V >= 1 {
			set("cores", profile.Param{V: f.Value.V, Source: "threads of the probe"})
		}
	}
	for dt := range c.own.Peak { // peaks are the best rates seen
		set("gemm."+dt, profile.Param{V: 0.95, RelSD: 0.1, Source: "the peak is the best rate seen"})
	}
	set("memory", profile.Param{V: 0.95, RelSD: 0.1, Source: "the bandwidth is the best rate seen"})
	set("weights", profile.Param{V: 0.9, RelSD: 0.2, Source: "as memory"})
}

func (c *calibration) fit() (*Result, error) {
	c.out.Profile = &profile.Profile{Schema: profile.Schema, Hardware: c.target.Hardware, Rung: profile.RungFitted, Chip: c.own, Fit: &c.info,
		Drives: map[string]profile.Drive{}, Host: map[string]profile.HostOp{}}
	c.out.Eff = c.stated
	const source = "fitted by aisim calibrate fit"
	if c.chip != nil {
		if err := c.operators(source); err != nil {
			return nil, err
		}
		c.hostCopy(source)
		c.idle(source)
		if err := c.linksOf(source); err != nil {
			return nil, err
		}
	}
	c.drive(source)
	if err := c.hostOps(source); err != nil {
		return nil, err
	}
	if len(c.info.Residuals) == 0 && len(c.out.Fitted) == 0 {
		return nil, nothing(c.target.Hardware, c.sorted, c.contradicts)
	}
	c.info.Contradictions = c.contradicts
	c.info.Unused = c.sorted.notUsed()
	slices.SortStableFunc(c.info.Measure, func(a, b profile.Suggested) int {
		if a.Shrinks != b.Shrinks {
			if a.Shrinks > b.Shrinks {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Group+a.What, b.Group+b.What)
	})
	if c.own == nil && c.chip != nil && len(c.out.Eff.GEMM) == 0 && c.base.Rung == profile.RungDatasheet {
		c.out.Profile.Rung = profile.RungDatasheet // links alone do not make the chip a measured one
	}
	return &c.out, nil
}

// nothing is the error of records that speak of no constant, with the reason for each kind.
func nothing(hardware string, s *sorted, contradicts []string) error {
	why := ""
	for _, u := range s.notUsed() {
		why += fmt.Sprintf("\n  %d of %s: %s", u.Records, u.What, u.Reason)
	}
	for _, x := range contradicts {
		why += "\n  contradiction: " + x
	}
	return fmt.Errorf("%w of %s%s", ErrNothing, hardware, why)
}

func (c *calibration) report(samples []*sample, now, before func(*sample) float64) {
	names, groups := byGroup(samples)
	for _, g := range names {
		live := slices.DeleteFunc(slices.Clone(groups[g]), func(s *sample) bool { return s.out })
		if len(live) == 0 {
			continue
		}
		c.info.Residuals = append(c.info.Residuals, residuals(g, live, now, before))
		c.info.Ranges = append(c.info.Ranges, ranges(g, live)...)
		if c.own == nil || !strings.HasPrefix(g, "gemm ") { // a processor's curve knows one kind of GEMM, its grid holds extremes
			c.info.FarOff = append(c.info.FarOff, farOff(g, live, now)...)
		}
	}
}

func (c *calibration) note(key string, before, after profile.Param) {
	c.out.Fitted = append(c.out.Fitted, Constant{key, before, after})
}

func (c *calibration) operators(source string) error {
	k, err := newKernels(c.chip, c.base, c.sorted)
	if err != nil {
		return err
	}
	if len(used(k.samples)) > 0 {
		k.fit()
		eff, err := k.constants(source)
		if err != nil {
			return err
		}
		for _, p := range eff.Params() {
			if p.Param.Known() {
				c.note("eff."+p.Key, c.base.Eff.Get(p.Key), p.Param)
				if err := c.out.Eff.Set(p.Key, p.Param); err != nil {
					return fmt.Errorf("fit: %w", err)
				}
			}
		}
		curve := k.predictor(k.eff(k.post.x))
		c.report(k.samples, curve, k.predictor(c.base.Eff))
		if c.own != nil {
			if err := c.calls(curve); err != nil {
				return err
			}
		} else if err := c.grids(k, k.eff(k.post.x)); err != nil {
			return fmt.Errorf("fit: %w", err)
		}
	}
	c.info.Measure = append(c.info.Measure, k.suggest(5)...)
	return nil
}

// hostCopy is the share of the host link's stated rate that copies reach.
func (c *calibration) hostCopy(source string) {
	_, groups := byGroup(c.sorted.links)
	copies := groups["host copy"]
	line := c.chip.HostBandwidth.V
	if len(used(copies)) == 0 || line <= 0 {
		return
	}
	p, predict := level(copies, func(s *sample) float64 { return s.dims[0].v / line }, source)
	round(&p.V)
	if c.out.Eff.Set("host", p) != nil {
		for range copies {
			c.sorted.skip("host copies", fmt.Sprintf("%.3g of the stated rate of %s: another machine's link", p.V, c.chip.HostLink))
		}
		return
	}
	c.note("eff.host", c.base.Eff.Host, p)
	c.report(copies, predict, func(s *sample) float64 { return s.dims[0].v / line })
}

// idle is the power of a device on which nothing ran.
func (c *calibration) idle(source string) {
	var watts []float64
	for _, d := range c.sorted.device {
		w := d.InstantWatts.Or(d.PowerWatts).Or(d.AvgPowerWatts)
		if d.BusyRatio.Known && d.BusyRatio.V == 0 && d.Section != "load" && w.V > 0 && d.MemUsedBytes.V < 1<<30 {
			watts = append(watts, w.V)
		}
	}
	rest := len(c.sorted.device) - len(watts)
	if tdp := c.chip.TDP.V; len(watts) > 0 && tdp > 0 {
		p := profile.Param{V: median(watts) / tdp, RelSD: 0.05, Source: source + ": idle samples"}
		round(&p.V)
		if c.out.Eff.Set("idle_share", p) == nil {
			c.note("eff.idle_share", c.base.Eff.IdleShare, p)
		}
	}
	for range rest {
		c.sorted.skip("device samples", "under load or with memory in use: clocks and power of a job, which no constant is fitted on")
	}
}

func (c *calibration) linksOf(source string) error {
	class := profile.LinkClass(c.chip.ScaleUpLink)
	changed := map[string]profile.LinkParams{}
	if len(used(c.sorted.collectives)) > 0 {
		j, err := joinLinks(c.chip, c.base, c.sorted.collectives)
		if err != nil {
			for range c.sorted.collectives {
				c.sorted.skip("collectives", err.Error())
			}
		} else {
			l := j.constants(c.sorted.collectives, source)
			changed[class] = l
			was := Constants(&j.before, 1)
			for i, k := range Constants(&l, 1) {
				if i < len(was) && *k.V != *was[i].V {
					c.note("link."+class+"."+k.Key, profile.Param{V: *was[i].V, Source: j.before.Source}, profile.Param{V: *k.V, RelSD: sdOf(k.Key, l), Source: source})
				}
			}
			c.report(c.sorted.collectives, j.predict, j.was)
		}
	} else if link, ok := c.base.Links[class]; ok && c.chip.ScaleUpBandwidth.Known() {
		c.suggestLink(class, link)
	}
	names, groups := byGroup(c.sorted.links)
	for _, g := range names {
		cl, ok := strings.CutPrefix(g, "copy ")
		if !ok {
			continue
		}
		line := c.chip.ScaleUpBandwidth.V / 2
		if cl != class {
			line = c.target.NICBytesPerSec
		}
		link, have := c.base.Links[cl]
		if l, ok := changed[cl]; ok {
			link = l
		}
		if !have || line <= 0 || len(used(groups[g])) == 0 {
			continue
		}
		p, predict := level(groups[g], func(s *sample) float64 { return s.dims[0].v / line }, source)
		round(&p.V)
		if p.V > 1.2 || p.V < 0.01 {
			for range groups[g] {
				c.sorted.skip("copies over "+cl, fmt.Sprintf("%.3g of the stated line rate: another link than the catalogue's", p.V))
			}
			continue
		}
		c.note("link."+cl+".copy", profile.Param{V: link.CopyEfficiency(), Source: link.Source}, p)
		before := link.CopyEfficiency()
		link.Copy = p.V
		if _, collectives := changed[cl]; !collectives {
			link.Kind = "measured"
			link.Source = source + " (copy); " + link.Source
		}
		changed[cl] = link
		c.report(groups[g], predict, func(s *sample) float64 { return s.dims[0].v / (line * before) })
	}
	for _, cl := range slices.Sorted(maps.Keys(changed)) {
		c.out.Links = append(c.out.Links, changed[cl])
	}
	return nil
}

// sdOf is the uncertainty of a link's constant: times of the fixed parts, the rest of rates.
func sdOf(key string, l profile.LinkParams) float64 {
	if strings.HasSuffix(key, "_sec") && !strings.Contains(key, "fill") {
		return l.LatencySD
	}
	return l.RelSD
}

// suggestLink asks for collectives where none was measured: what a run at the plateau and one at
// the floor would leave of the variance of large and of small messages.
func (c *calibration) suggestLink(class string, l profile.LinkParams) {
	const noise = 0.02
	for _, x := range []struct {
		what string
		sd   float64
	}{{"all_reduce_perf -b 256M -e 8G -f 2 -g " + fmt.Sprint(int(math.Max(2, c.chip.ScaleUpDomain.V))), l.RelSD}, {"all_reduce_perf -b 8 -e 1M -f 2", l.LatencySD}} {
		share := x.sd * x.sd / (x.sd*x.sd + noise*noise)
		round(&share)
		c.info.Measure = append(c.info.Measure, profile.Suggested{Group: "link " + class, What: x.what, Shrinks: share})
	}
}

func (c *calibration) hostOps(source string) error {
	names, groups := byGroup(c.sorted.host)
	for _, g := range names {
		op, predict, err := fitHost(groups[g], source)
		if err != nil {
			continue // the contradiction is reported
		}
		c.out.Profile.Host[op.Name] = op
		c.note("host."+op.Name+".bytes_per_sec", profile.Param{}, op.BytesPerSec)
		was := predict
		if between, err := c.hostCalls(op, groups[g]); err != nil {
			return err
		} else if between != nil {
			predict = between
		}
		c.report(groups[g], predict, was)
	}
	return nil
}
