package ingest

import (
	"bytes"
	"strings"
)

// dcgm reads the Prometheus text of dcgm-exporter. One scrape lists each field for all
// GPUs in turn, so samples are gathered per device and handed on when a field comes
// again for the same device, or at the end. Blank values are huge numbers; the newest
// DCGM renamed many fields, both names are taken.
type dcgm struct {
	*feed
	order []*dcgmDevice
	by    map[string]*dcgmDevice
	last  *dcgmDevice
	key   []byte
}

type dcgmDevice struct {
	Device
	line int
	seen map[string]bool
}

func startsDCGM(line []byte) bool {
	return bytes.HasPrefix(line, []byte("DCGM_")) && bytes.IndexByte(line, '{') > 0 || bytes.HasPrefix(line, []byte("# HELP DCGM_")) || bytes.HasPrefix(line, []byte("# TYPE DCGM_"))
}

func openDCGM(f *feed) lineReader { return &dcgm{feed: f, by: map[string]*dcgmDevice{}} }

// dcgmFields are the fields with a place of their own: older name, then newer. The
// scale is from the exporter's unit (MHz, W, mJ, %, MiB, ratio, bytes/s).
var dcgmFields = map[string]struct {
	name  string
	scale float64
}{
	"DEV_SM_CLOCK": {"clocks.current.sm", 1e6}, "SM_CLOCK_MHZ": {"clocks.current.sm", 1e6}, "DEV_SM_CLOCK_MHZ": {"clocks.current.sm", 1e6},
	"DEV_MEM_CLOCK": {"clocks.current.memory", 1e6}, "DEV_MEM_CLOCK_MHZ": {"clocks.current.memory", 1e6},
	"DEV_MAX_SM_CLOCK": {"clocks.max.sm", 1e6}, "DEV_MAX_MEM_CLOCK": {"clocks.max.memory", 1e6},
	"DEV_GPU_TEMP": {"temperature.gpu", 1}, "DEV_MEMORY_TEMP": {"temperature.memory", 1}, "DEV_GPU_TEMP_CELSIUS": {"temperature.gpu", 1}, "DEV_MEMORY_TEMP_CELSIUS": {"temperature.memory", 1},
	"DEV_POWER_USAGE": {"power.draw", 1}, "DEV_BOARD_POWER_WATTS": {"power.draw", 1}, "DEV_POWER_USAGE_INSTANT": {"power.draw.instant", 1}, "DEV_BOARD_POWER_INSTANT_WATTS": {"power.draw.instant", 1},
	"DEV_POWER_MGMT_LIMIT": {"power.limit", 1}, "DEV_ENFORCED_POWER_LIMIT": {"enforced.power.limit", 1},
	"DEV_TOTAL_ENERGY_CONSUMPTION": {"energy", 1e-3}, "DEV_TOTAL_ENERGY_CONSUMPTION_MJ": {"energy", 1e-3}, "DEV_TOTAL_ENERGY_MILLIJOULES": {"energy", 1e-3}, "DEV_TOTAL_ENERGY_JOULES": {"energy", 1},
	"DEV_GPU_UTIL": {"utilization.gpu", 0.01}, "DEV_GPU_UTIL_RATIO": {"utilization.gpu", 1}, "DEV_MEM_COPY_UTIL": {"utilization.memory", 0.01}, "DEV_MEM_COPY_UTIL_RATIO": {"utilization.memory", 1},
	"DEV_FB_USED": {"memory.used", 1 << 20}, "DEV_FB_FREE": {"memory.free", 1 << 20}, "DEV_FB_TOTAL": {"memory.total", 1 << 20}, "DEV_FB_RESERVED": {"memory.reserved", 1 << 20},
	"DEV_FB_USED_BYTES": {"memory.used", 1}, "DEV_FB_FREE_BYTES": {"memory.free", 1}, "DEV_FB_TOTAL_BYTES": {"memory.total", 1}, "DEV_FB_RESERVED_BYTES": {"memory.reserved", 1},
	"DEV_XID_ERRORS": {"xid", 1}, "DEV_PCIE_REPLAY_COUNTER": {"pcie.replays", 1}, "DEV_ECC_DBE_VOL_TOTAL": {"ecc.errors.uncorrected.volatile.total", 1}, "DEV_FAN_SPEED": {"fan.speed", 0.01},
	"DEV_NVLINK_BANDWIDTH_TOTAL": {"nvlink.total", 1e6}, "DEV_PCIE_MAX_LINK_GEN": {"pcie.link.gen.max", 1}, "DEV_PCIE_LINK_GEN": {"pcie.link.gen.current", 1},
	"DEV_PCIE_MAX_LINK_WIDTH": {"pcie.link.width.max", 1}, "DEV_PCIE_LINK_WIDTH": {"pcie.link.width.current", 1},
	"PROF_GR_ENGINE_ACTIVE": {"engine.active", 1}, "PROF_GR_ENGINE_UTIL_RATIO": {"engine.active", 1},
	"PROF_SM_ACTIVE": {"sm.active", 1}, "PROF_SM_UTIL_RATIO": {"sm.active", 1}, "PROF_SM_OCCUPANCY": {"sm.occupancy", 1}, "PROF_SM_OCCUPANCY_RATIO": {"sm.occupancy", 1},
	"PROF_PIPE_TENSOR_ACTIVE": {"tensor.active", 1}, "PROF_PIPE_TENSOR_UTIL_RATIO": {"tensor.active", 1}, "PROF_TENSOR_UTIL_RATIO": {"tensor.active", 1},
	"PROF_DRAM_ACTIVE": {"dram.active", 1}, "PROF_DRAM_UTIL_RATIO": {"dram.active", 1},
}

func (d *dcgm) end() { d.flush() }

func (d *dcgm) flush() {
	for _, o := range d.order {
		s := o.Device
		d.emitAt(o.line, &s)
	}
	d.order, d.by, d.last = d.order[:0], map[string]*dcgmDevice{}, nil
}

func (d *dcgm) take(line []byte) bool {
	if len(line) == 0 || line[0] == '#' {
		return true
	}
	open := bytes.IndexByte(line, '{')
	if open < 0 || !bytes.HasPrefix(line, []byte("DCGM_")) {
		// other families of the same scrape
		return open > 0 && line[len(line)-1] >= '0' && line[len(line)-1] <= '9' || bytes.HasPrefix(line, []byte("go_")) || bytes.HasPrefix(line, []byte("process_"))
	}
	closing := bytes.LastIndexByte(line, '}')
	if closing < open {
		d.wrong("expected name{labels} value, found %q: the line is cut", clip(line))
		return true
	}
	rest := bytes.TrimLeft(line[closing+1:], " \t")
	when := []byte(nil)
	if i := bytes.IndexByte(rest, ' '); i > 0 {
		rest, when = rest[:i], rest[i+1:]
	}
	v, err := number(rest)
	if err != nil || len(rest) == 0 {
		d.wrong("%s: expected a number after the labels, found %q", line[:open], clip(rest))
		return true
	}
	name := line[:open]
	for _, p := range []string{"DCGM_FI_", "DCGM_EXP_", "DCGM_"} {
		if n, ok := bytes.CutPrefix(name, []byte(p)); ok {
			name = n
			break
		}
	}
	s := d.device(line[open+1:closing], name)
	if t, err := parseFloat(when); err == nil {
		s.TimeSec = Is(t / 1e3)
	}
	if isBlankDCGM(v.V) {
		return true
	}
	if place, ok := dcgmFields[string(name)]; ok && v.Known {
		at := deviceFields[place.name].at(&s.Device)
		if place.name == "power.limit" && at.Known {
			return true
		}
		*at = v.Times(place.scale)
	} else if v.Known {
		s.More = append(s.More, Field{Name: string(line[:open]), Value: v})
	}
	return true
}

// isBlankDCGM are DCGM's sentinels for blank, not found, not supported and not
// permitted, of 32 and of 64 bits and as doubles.
func isBlankDCGM(v float64) bool {
	return v >= 9223372036854775000 || v >= 2147483632 && v <= 2147483646 || v >= 140737488355328 && v <= 140737488355343
}

// device is the sample that the labels name.
func (d *dcgm) device(labels, name []byte) *dcgmDevice {
	get := func(key string) []byte {
		for rest := labels; ; {
			i := bytes.Index(rest, []byte(key+`="`))
			if i < 0 {
				return nil
			}
			if i > 0 && rest[i-1] != ',' && rest[i-1] != ' ' {
				rest = rest[i+1:]
				continue
			}
			rest = rest[i+len(key)+2:]
			if e := bytes.IndexByte(rest, '"'); e >= 0 {
				return rest[:e]
			}
			return nil
		}
	}
	d.key = append(append(append(append(append(d.key[:0], get("Hostname")...), 0), get("UUID")...), get("gpu")...), get("GPU_I_ID")...)
	s := d.by[string(d.key)]
	if s != nil && s.seen[string(name)] {
		d.flush() // the next scrape
		s = nil
	}
	if s == nil {
		s = &dcgmDevice{line: d.line, seen: map[string]bool{}}
		s.UUID, s.Name, s.Host, s.BusID = string(get("UUID")), string(get("modelName")), string(get("Hostname")), string(get("pci_bus_id"))
		s.Index, _ = number(get("gpu"))
		if v := get("DCGM_FI_DRIVER_VERSION"); v != nil {
			d.version = string(v)
		}
		for _, k := range []string{"GPU_I_ID", "GPU_I_PROFILE", "pod", "namespace", "container"} {
			if v := get(k); len(v) > 0 {
				s.More = append(s.More, Field{Name: k, Text: string(v)})
			}
		}
		d.by[string(d.key)] = s
		d.order = append(d.order, s)
	}
	s.seen[string(name)] = true
	return s
}

// dcgmList reads the exporter's list of fields to publish: name, type, help.
type dcgmList struct {
	*feed
	list *Counters
	at   int
}

func startsDCGMFields(line []byte) bool {
	t := bytes.TrimLeft(line, "# ")
	if !bytes.HasPrefix(t, []byte("DCGM_")) {
		return bytes.HasPrefix(line, []byte("# DCGM FIELD, Prometheus metric type"))
	}
	return bytes.Count(line, []byte{','}) >= 2 && (bytes.Contains(line, []byte("gauge")) || bytes.Contains(line, []byte("counter")) || bytes.Contains(line, []byte("label")))
}

func openDCGMFields(f *feed) lineReader {
	return &dcgmList{feed: f, list: &Counters{Object: "published fields"}, at: f.line}
}

func (d *dcgmList) end() {
	if len(d.list.Values) > 0 {
		d.emitAt(d.at, d.list)
	}
}

func (d *dcgmList) take(line []byte) bool {
	if len(line) == 0 || line[0] == '#' {
		return true
	}
	if !startsDCGMFields(line) || len(d.list.Values) > 4096 {
		return false
	}
	p := strings.SplitN(string(line), ",", 3)
	d.list.Values = append(d.list.Values, Field{Name: strings.TrimSpace(p[0]), Text: strings.TrimSpace(p[1]) + ": " + strings.TrimSpace(p[2])})
	return true
}
