package ingest

import (
	"regexp"
	"strings"
)

// rocm-smi --json: {cardN: {label: string}}. Labels are English, hold the unit, and
// change between releases, so they are found by pattern, in order.
var rocmLabels = []struct {
	label *regexp.Regexp
	name  string // of nvidia-smi
	scale float64
}{
	{regexp.MustCompile(`^(Average|Current Socket|Average Socket|Current) Graphics Package Power \(W\)$`), "power.draw.average", 1},
	{regexp.MustCompile(`^Max Graphics Package Power \(W\)$`), "enforced.power.limit", 1},
	{regexp.MustCompile(`^Temperature \(Sensor edge\) \(C\)$`), "temperature.gpu", 1},
	{regexp.MustCompile(`^Temperature \(Sensor junction\) \(C\)$`), "temperature.hotspot", 1},
	{regexp.MustCompile(`^Temperature \(Sensor memory\) \(C\)$`), "temperature.memory", 1},
	{regexp.MustCompile(`^GPU use \(%\)$`), "utilization.gpu", 0.01},
	{regexp.MustCompile(`^(GPU memory use \(%\)|GPU Memory Read/Write Activity \(%\))$`), "utilization.memory", 0.01},
	{regexp.MustCompile(`^VRAM Total Memory \(B\)$`), "memory.total", 1},
	{regexp.MustCompile(`^VRAM Total Used Memory \(B\)$`), "memory.used", 1},
	{regexp.MustCompile(`^sclk clock speed:?$`), "clocks.current.sm", 1e6},
	{regexp.MustCompile(`^mclk clock speed:?$`), "clocks.current.memory", 1e6},
	{regexp.MustCompile(`^Fan speed \(%\)$`), "fan.speed", 0.01},
	{regexp.MustCompile(`^PCIe Replay Count$`), "pcie.replays", 1},
}

var (
	rocmWatts = regexp.MustCompile(`Power \(W\)$`)
	rocmPair  = regexp.MustCompile(`^\(Topology\) (.+) between DRM devices (\d+) and (\d+)$`)
	rocmPCIe  = regexp.MustCompile(`([\d.]+)GT/s x(\d+)`)
	rocmLevel = regexp.MustCompile(`^\d+$`)
)

func isROCmSMI(s *shape) bool {
	for k := range s.top {
		if strings.HasPrefix(k, "card") && len(k) > 4 && isDigits([]byte(k[4:])) {
			return true
		}
	}
	return s.has("system") && s.holds("Driver version")
}

func readROCmSMI(f *feed, j *jsonReader) error {
	var t tree
	return j.object(func(key string) error {
		v, err := j.value(&t)
		if err != nil {
			return err
		}
		f.line = v.line()
		if num, ok := strings.CutPrefix(key, "card"); ok {
			d := &Device{}
			d.Index, _ = number([]byte(num))
			v.each(func(c ref) { f.line = c.line(); rocmPut(f, d, string(c.key()), c.raw()) })
			f.emit(d)
			return f.err
		}
		edges := map[string]*Edge{}
		v.each(func(c ref) { rocmSystem(f, c, edges) })
		return f.err
	})
}

func rocmPut(f *feed, d *Device, label string, b []byte) {
	for i := range rocmLabels {
		l := &rocmLabels[i]
		if !l.label.MatchString(label) {
			continue
		}
		v, unit, err := quantity(b)
		if err != nil {
			f.wrong("%s: expected a number, %v", label, err)
			return
		}
		if unit == "" {
			v = v.Times(l.scale)
		}
		*deviceFields[l.name].at(d) = v
		return
	}
	switch label {
	case "Unique ID":
		if !isUnknown(b) {
			d.UUID = string(b)
		}
	case "Card series", "Card Series":
		d.Name = string(b)
	case "PCI Bus":
		d.BusID = string(b)
	case "Performance Level":
		d.PState = string(b)
	default:
		if m := rocmPCIe.FindSubmatch(b); m != nil && strings.HasPrefix(label, "pcie clock level") {
			d.PCIeLanes, _ = number(m[2])
			gen := map[string]float64{"2.5": 1, "5.0": 2, "8.0": 3, "16.0": 4, "32.0": 5, "64.0": 6}[string(m[1])]
			if gen > 0 {
				d.PCIeGen = Is(gen)
			}
			return
		}
		if rocmLevel.MatchString(label) {
			label = "level " + label // of a list of clocks whose name got lost
		}
		if m, ok := fieldOf(label, b); ok {
			if rocmWatts.MatchString(label) {
				m.Unit = "W"
			}
			d.More = append(d.More, m)
		}
	}
}

// rocmSystem reads the pairs of devices; weight, hops and type come one after the
// other for all pairs.
func rocmSystem(f *feed, c ref, edges map[string]*Edge) {
	label := string(c.key())
	if label == "Driver version" {
		f.version = c.str()
		return
	}
	m := rocmPair.FindStringSubmatch(label)
	if m == nil {
		return
	}
	k := m[2] + " " + m[3]
	e := edges[k]
	if e == nil {
		if len(edges) > 1<<16 {
			return
		}
		e = &Edge{From: End{Type: "gpu", ID: "gpu" + m[2]}, To: End{Type: "gpu", ID: "gpu" + m[3]}}
		edges[k] = e
	}
	switch m[1] {
	case "Weight":
		e.Weight = f.of(c, label)
	case "Hops":
		e.Hops = f.of(c, label)
	case "Link type":
		e.Type = c.str()
		f.emitAt(c.line(), e)
	}
}
