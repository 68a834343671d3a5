package hardware

import (
	"aisim/hardware/profile"
	"aisim/internal/result"
)

// FromProfile is the chip that a profile holds itself because the catalogue does not: its
// peaks are the best rates seen, so that its efficiencies are fractions of what was measured.
// It is nil where the profile names a chip of the catalogue.
func FromProfile(p *profile.Profile) *Accelerator {
	c := p.Chip
	if c == nil {
		return nil
	}
	a := &Accelerator{ID: p.Hardware, Kind: c.Kind, Memory: valueOf(c.MemoryBytes, "B"), MemoryBandwidth: valueOf(c.MemoryBytesPerSec, "B/s"),
		OnChip: valueOf(c.CacheBytes, "B"), OnChipBandwidth: valueOf(c.CacheBytesPerSec, "B/s"), Notes: c.Name, Source: p.Source, Date: p.Date}
	for dt := range a.Peak {
		a.Peak[dt] = valueOf(c.Peak[DType(dt).String()], "FLOP/s")
	}
	return a
}

// Measured puts what a profile measured of the drive in the place of its sheet's figures.
func (d *Drive) Measured(p *profile.Profile) {
	m, ok := p.Drives[d.ID]
	if !ok {
		return
	}
	for _, f := range []struct {
		to   *Value
		from profile.Param
		unit string
	}{
		{&d.SeqRead, m.ReadBytesPerSec, "B/s"}, {&d.SeqWrite, m.WriteBytesPerSec, "B/s"},
		{&d.RandRead, m.ReadIOPS, "1/s"}, {&d.RandWrite, m.WriteIOPS, "1/s"},
		{&d.ReadLatency, m.ReadLatencySec, "s"}, {&d.WriteLatency, m.WriteLatencySec, "s"}, {&d.Capacity, m.CapacityBytes, "B"},
	} {
		if f.from.Known() {
			*f.to = valueOf(f.from, f.unit)
			f.to.Date = p.Date
		}
	}
}

func valueOf(p profile.Param, unit string) Value {
	if !p.Known() {
		return Value{}
	}
	return Value{V: p.V, Unit: unit, Kind: result.Measured, Source: p.Source, RelSD: p.RelSD}
}
