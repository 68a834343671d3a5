package ingest

import (
	"slices"
	"strconv"
	"strings"
)

// clockReasons are the bits of the mask of reasons for clocks below the highest, by nvidia-smi's
// names for them (nvml.h, nvmlClocksEventReason…).
var clockReasons = [...]string{"gpu_idle", "applications_clocks_setting", "sw_power_cap", "hw_slowdown", "sync_boost", "sw_thermal_slowdown",
	"hw_thermal_slowdown", "hw_power_brake_slowdown", "display_clocks_setting"}

// ClockReasons names the bits of a mask of reasons for lower clocks.
func ClockReasons(mask uint64) []string {
	var out []string
	for i, name := range clockReasons {
		if mask>>i&1 != 0 {
			out = append(out, name)
		}
	}
	return out
}

// deviceField is the place of a value in Device. Scale converts a bare number, as
// monitoring exporters print it; a printed unit goes before.
type deviceField struct {
	at    func(*Device) *Num
	scale float64
}

// deviceFields are the fields of `nvidia-smi --query-gpu`, in the newer spelling.
var deviceFields = map[string]deviceField{
	"index":                                 {func(d *Device) *Num { return &d.Index }, 1},
	"clocks.current.sm":                     {func(d *Device) *Num { return &d.SMClockHz }, 1e6},
	"clocks.sm":                             {func(d *Device) *Num { return &d.SMClockHz }, 1e6},
	"clocks.current.memory":                 {func(d *Device) *Num { return &d.MemClockHz }, 1e6},
	"clocks.mem":                            {func(d *Device) *Num { return &d.MemClockHz }, 1e6},
	"clocks.max.sm":                         {func(d *Device) *Num { return &d.MaxSMClockHz }, 1e6},
	"clocks.max.memory":                     {func(d *Device) *Num { return &d.MaxMemClockHz }, 1e6},
	"clocks.max.mem":                        {func(d *Device) *Num { return &d.MaxMemClockHz }, 1e6},
	"power.draw":                            {func(d *Device) *Num { return &d.PowerWatts }, 1},
	"power.draw.average":                    {func(d *Device) *Num { return &d.AvgPowerWatts }, 1},
	"power.draw.instant":                    {func(d *Device) *Num { return &d.InstantWatts }, 1},
	"enforced.power.limit":                  {func(d *Device) *Num { return &d.LimitWatts }, 1},
	"power.limit":                           {func(d *Device) *Num { return &d.LimitWatts }, 1},
	"power.max_limit":                       {func(d *Device) *Num { return &d.MaxLimitWatts }, 1},
	"temperature.gpu":                       {func(d *Device) *Num { return &d.Celsius }, 1},
	"temperature.memory":                    {func(d *Device) *Num { return &d.MemCelsius }, 1},
	"utilization.gpu":                       {func(d *Device) *Num { return &d.BusyRatio }, 0.01},
	"utilization.memory":                    {func(d *Device) *Num { return &d.MemBusyRatio }, 0.01},
	"memory.total":                          {func(d *Device) *Num { return &d.MemTotalBytes }, 1 << 20},
	"memory.used":                           {func(d *Device) *Num { return &d.MemUsedBytes }, 1 << 20},
	"memory.free":                           {func(d *Device) *Num { return &d.MemFreeBytes }, 1 << 20},
	"memory.reserved":                       {func(d *Device) *Num { return &d.MemReservedBytes }, 1 << 20},
	"pcie.link.gen.current":                 {func(d *Device) *Num { return &d.PCIeGen }, 1},
	"pcie.link.gen.max":                     {func(d *Device) *Num { return &d.PCIeMaxGen }, 1},
	"pcie.link.width.current":               {func(d *Device) *Num { return &d.PCIeLanes }, 1},
	"pcie.link.width.max":                   {func(d *Device) *Num { return &d.PCIeMaxLanes }, 1},
	"pcie.tx":                               {func(d *Device) *Num { return &d.PCIeTxBytesPerSec }, 1e3},
	"pcie.rx":                               {func(d *Device) *Num { return &d.PCIeRxBytesPerSec }, 1e3},
	"pcie.replays":                          {func(d *Device) *Num { return &d.PCIeReplays }, 1},
	"fan.speed":                             {func(d *Device) *Num { return &d.FanRatio }, 0.01},
	"ecc.errors.uncorrected.volatile.total": {func(d *Device) *Num { return &d.UncorrectedErrors }, 1},
	"energy":                                {func(d *Device) *Num { return &d.EnergyJoules }, 1},
	"xid":                                   {func(d *Device) *Num { return &d.Xid }, 1},
	"engine.active":                         {func(d *Device) *Num { return &d.EngineActiveRatio }, 1},
	"sm.active":                             {func(d *Device) *Num { return &d.SMActiveRatio }, 1},
	"sm.occupancy":                          {func(d *Device) *Num { return &d.SMOccupancyRatio }, 1},
	"tensor.active":                         {func(d *Device) *Num { return &d.TensorActiveRatio }, 1},
	"dram.active":                           {func(d *Device) *Num { return &d.DRAMActiveRatio }, 1},
	"nvlink.total":                          {func(d *Device) *Num { return &d.NVLinkBytesPerSec }, 1e6},
	"temperature.hotspot":                   {func(d *Device) *Num { return &d.HotspotCelsius }, 1},
}

// put stores a value under nvidia-smi's name for it; what has no place of its own goes
// to More. Bare numbers are in the unit that the field always has.
func (f *feed) put(d *Device, name, display string, b []byte) {
	switch name {
	case "timestamp":
		d.Time = string(b)
		return
	case "uuid", "gpu_uuid":
		d.UUID = string(b)
		return
	case "name", "gpu_name":
		d.Name = string(b)
		return
	case "pci.bus_id", "gpu_bus_id":
		d.BusID = string(b)
		return
	case "pstate":
		if !isUnknown(b) {
			d.PState = string(b)
		}
		return
	case "driver_version":
		f.version = string(b)
		return
	}
	if place, ok := deviceFields[name]; ok {
		v, unit, err := quantity(b)
		if err != nil {
			f.wrong("%s: expected a number, %v", display, err)
			return
		}
		if unit == "" {
			v = v.Times(place.scale)
		}
		at := place.at(d)
		if name == "power.limit" && at.Known { // the enforced limit counts
			if v.Known && v.V != at.V {
				d.More = append(d.More, Field{Name: display, Value: v, Unit: "W"})
			}
			return
		}
		*at = v
		return
	}
	if name == "clocks_event_reasons.active" {
		if mask, err := strconv.ParseUint(strings.TrimPrefix(string(b), "0x"), 16, 64); err == nil {
			for _, reason := range ClockReasons(mask) {
				if !slices.Contains(d.Throttle, reason) {
					d.Throttle = append(d.Throttle, reason)
				}
			}
		}
	}
	if reason, ok := throttleName(name); ok {
		if string(b) == "Active" && !slices.Contains(d.Throttle, reason) {
			d.Throttle = append(d.Throttle, reason)
		}
		if string(b) == "Not Active" { // its own column says more than the mask
			d.Throttle = slices.DeleteFunc(d.Throttle, func(r string) bool { return r == reason })
			if len(d.Throttle) == 0 {
				d.Throttle = nil
			}
		}
		if string(b) == "Active" || string(b) == "Not Active" {
			return
		}
	}
	if m, ok := fieldOf(display, b); ok {
		d.More = append(d.More, m)
	}
}

// throttleName is the reason in clocks_event_reasons.x, formerly
// clocks_throttle_reasons.x.
func throttleName(name string) (string, bool) {
	for _, p := range []string{"clocks_event_reasons.", "clocks_throttle_reasons."} {
		if r, ok := strings.CutPrefix(name, p); ok && r != "active" && r != "supported" {
			return r, true
		}
	}
	return "", false
}
