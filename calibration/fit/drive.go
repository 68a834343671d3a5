package fit

import (
	"math"
	"slices"
	"strings"

	"aisim/calibration/ingest"
	"aisim/hardware"
	"aisim/hardware/profile"
)

func (c *calibration) drive(source string) {
	if len(c.sorted.drives) == 0 {
		return
	}
	d := profile.Drive{ID: c.target.Drive}
	sheet := c.driveSheet()
	names, groups := byGroup(c.sorted.drives)
	for _, op := range []string{"read", "write"} {
		c.oneAtATime(op, groups, &d, source)
	}
	for _, g := range names {
		if len(groups[g]) == 0 {
			continue
		}
		var to *profile.Param
		var before float64
		rate := true
		switch strings.TrimPrefix(g, "drive ") {
		case "read bandwidth":
			to, before = &d.ReadBytesPerSec, sheet.SeqRead.V
		case "write bandwidth":
			to, before = &d.WriteBytesPerSec, sheet.SeqWrite.V
		case "read iops":
			to, before = &d.ReadIOPS, sheet.RandRead.V
		case "write iops":
			to, before = &d.WriteIOPS, sheet.RandWrite.V
		case "read latency":
			to, before, rate = &d.ReadLatencySec, sheet.ReadLatency.V, false
		case "write latency":
			to, before, rate = &d.WriteLatencySec, sheet.WriteLatency.V, false
		}
		p, predict := level(groups[g], func(*sample) float64 { return 1 }, source)
		if !p.Known() {
			continue
		}
		if !rate { // kept as the time of one access
			p.V = 1 / p.V
		}
		round(&p.V)
		*to = p
		c.note(g, profile.Param{V: before, Source: sheet.Source}, p)
		was := func(s *sample) float64 {
			if before <= 0 {
				return s.sec
			}
			if rate {
				return 1 / before
			}
			return before
		}
		c.report(groups[g], predict, was)
	}
	for _, s := range c.sorted.drives {
		for _, f := range s.body.(*ingest.Storage).More {
			if f.Name == "capacity_bytes" && f.Value.V > 0 {
				d.CapacityBytes = profile.Param{V: f.Value.V, Source: source}
			}
		}
	}
	c.out.Profile.Drives[d.ID] = d
}

// oneAtATime fits latency and rate together on accesses of several sizes that were made one after the
// other, latency + bytes/rate, and takes them out of the groups. A rate at depth has latencies
// hidden in it and stays.
func (c *calibration) oneAtATime(op string, groups map[string][]*sample, d *profile.Drive, source string) {
	latency, bandwidth := "drive "+op+" latency", "drive "+op+" bandwidth"
	deep := func(s *sample) bool { return s.dims[1].v != 1 }
	if slices.ContainsFunc(groups[bandwidth], deep) {
		for _, s := range groups[bandwidth] {
			if !deep(s) {
				c.sorted.skip(bandwidth+" one access at a time", "the rate at depth, which is there too, is the drive's")
			}
		}
		groups[bandwidth] = slices.DeleteFunc(groups[bandwidth], func(s *sample) bool { return !deep(s) })
		return
	}
	if len(used(groups[latency])) == 0 || len(used(groups[bandwidth])) == 0 {
		return
	}
	all := slices.Concat(groups[latency], groups[bandwidth])
	own := 0.0
	for _, s := range all {
		own = math.Max(own, s.sd)
		if strings.HasSuffix(s.group, "bandwidth") { // was the time of a byte
			s.sec *= s.dims[0].v
		}
		s.group = "drive " + op
	}
	fit, predict, err := fitHost(all, source)
	if err != nil {
		return // reported as a contradiction
	}
	fit.FixedSec.RelSD, fit.BytesPerSec.RelSD = math.Hypot(own, fit.FixedSec.RelSD), math.Hypot(own, fit.BytesPerSec.RelSD)
	round(&fit.FixedSec.RelSD, &fit.BytesPerSec.RelSD)
	if op == "read" {
		d.ReadLatencySec, d.ReadBytesPerSec = fit.FixedSec, fit.BytesPerSec
	} else {
		d.WriteLatencySec, d.WriteBytesPerSec = fit.FixedSec, fit.BytesPerSec
	}
	sheet := c.driveSheet()
	was, rate := sheet.ReadLatency, sheet.SeqRead
	if op == "write" {
		was, rate = sheet.WriteLatency, sheet.SeqWrite
	}
	c.note(latency, profile.Param{V: was.V, Source: sheet.Source}, fit.FixedSec)
	c.note(bandwidth, profile.Param{V: rate.V, Source: sheet.Source}, fit.BytesPerSec)
	c.report(all, predict, func(s *sample) float64 {
		if was.V > 0 && rate.V > 0 {
			return was.V + s.dims[0].v/rate.V
		}
		return s.sec
	})
	delete(groups, latency)
	delete(groups, bandwidth)
}

func (c *calibration) driveSheet() *hardware.Drive {
	if d, err := hardware.Default().Drive(c.target.Drive); err == nil {
		return d
	}
	return &hardware.Drive{ID: c.target.Drive}
}
