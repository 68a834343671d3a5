package ingest

import (
	"bytes"
	"strings"
)

// smiCSV reads `nvidia-smi --query-… --format=csv`. The header carries units, the
// values repeat them unless nounits was asked for. Other queries than of GPUs
// (processes, retired pages) have the same form and become counters.
type smiCSV struct {
	*feed
	names, keys []string
	scale       []float64
	base        []string
	gpu         bool
}

// A capture of many commands says before each what it is.
func startsSMICSV(line []byte) bool {
	if bytes.HasPrefix(line, []byte("# $ nvidia-smi")) || bytes.HasPrefix(line, []byte("# idle ::")) || bytes.HasPrefix(line, []byte("# load ::")) {
		return true
	}
	return smiHeader(line)
}

func smiHeader(line []byte) bool {
	if bytes.IndexByte(line, ',') < 0 || len(line) > 0 && (line[0] == '#' || line[0] >= '0' && line[0] <= '9') {
		return false
	}
	if !bytes.Contains(line, []byte("utilization.gpu")) && !bytes.Contains(line, []byte("power.draw")) && !bytes.Contains(line, []byte("clocks.")) &&
		!bytes.Contains(line, []byte("memory.used")) && !bytes.Contains(line, []byte("gpu_uuid")) && !bytes.Contains(line, []byte("temperature.gpu")) {
		return false
	}
	return bytes.Contains(line, []byte(", ")) && !bytes.Contains(line, []byte("--query"))
}

func openSMICSV(f *feed) lineReader { return &smiCSV{feed: f} }

func (s *smiCSV) end() {}

func (s *smiCSV) take(line []byte) bool {
	if len(line) == 0 {
		s.names = nil
		return true
	}
	if line[0] == '#' {
		if bytes.HasPrefix(line, []byte("# idle ::")) || bytes.HasPrefix(line, []byte("# load ::")) {
			s.section = string(line[2:6])
			return true
		}
		return bytes.HasPrefix(line, []byte("####")) || bytes.HasPrefix(line, []byte("# $")) || bytes.HasPrefix(line, []byte("# capabilities"))
	}
	if smiHeader(line) {
		s.header(line)
		return true
	}
	if s.names == nil {
		if rest, ok := bytes.CutPrefix(line, []byte("DRIVER version")); ok {
			s.version = string(bytes.TrimLeft(rest, " :"))
			return true
		}
		return false
	}
	n := bytes.Count(line, []byte{','}) + 1
	if n < len(s.names) && (n < 2 || n < len(s.names)/2) {
		begun := n >= 2 || line[0] >= '0' && line[0] <= '9'
		if begun {
			s.wrong("expected %d values as in the header, found %d: the line is cut", len(s.names), n)
		}
		return begun
	}
	cells := splitBytes(line)
	if len(cells) != len(s.names) {
		s.wrong("expected %d values as in the header, found %d: a decimal comma (run with LC_ALL=C) or a cut line", len(s.names), len(cells))
		return true
	}
	if !s.gpu {
		s.other(cells)
		return true
	}
	d := &Device{Section: s.section}
	for i, c := range cells {
		if f, ok := s.plain(i, c); ok { // the usual: number, blank, the header's unit
			if place, known := deviceFields[s.keys[i]]; known && s.keys[i] != "power.limit" {
				if s.base[i] == "" {
					f *= place.scale
				} else {
					f *= s.scale[i]
				}
				*place.at(d) = Is(f)
				continue
			}
		}
		s.put(d, s.keys[i], s.names[i], c)
	}
	s.emit(d)
	return true
}

// plain reads a cell that is a number with no unit or the unit of its column.
func (s *smiCSV) plain(i int, c []byte) (float64, bool) {
	if sp := bytes.IndexByte(c, ' '); sp > 0 && s.base[i] != "" {
		c = c[:sp]
	}
	v, err := parseFloat(c)
	return v, err == nil
}

func splitBytes(line []byte) [][]byte {
	cells := make([][]byte, 0, bytes.Count(line, []byte{','})+1)
	for {
		i := bytes.IndexByte(line, ',')
		if i < 0 {
			return append(cells, bytes.TrimSpace(line))
		}
		cells = append(cells, bytes.TrimSpace(line[:i]))
		line = line[i+1:]
	}
}

func (s *smiCSV) header(line []byte) {
	s.names, s.keys, s.scale, s.base = nil, nil, nil, nil
	for _, h := range strings.Split(string(line), ",") {
		name, unit, _ := strings.Cut(strings.TrimSpace(h), " [")
		unit = strings.TrimSuffix(unit, "]")
		f, base, _ := unitFactor(unit)
		s.names = append(s.names, name)
		s.keys = append(s.keys, strings.Replace(name, "clocks_throttle_reasons", "clocks_event_reasons", 1))
		s.scale, s.base = append(s.scale, f), append(s.base, base)
	}
	s.gpu = !hasName(s.names, "pid") && !hasName(s.names, "retired_pages.address")
}

// other is a row about processes or pages.
func (s *smiCSV) other(cells [][]byte) {
	c := &Counters{Object: "process"}
	if hasName(s.names, "retired_pages.address") {
		c.Object = "retired pages"
	}
	for i, b := range cells {
		if f, ok := fieldOf(s.names[i], b); ok {
			if f.Unit == "" && f.Value.Known && s.base[i] != "" {
				f.Value, f.Unit = f.Value.Times(s.scale[i]), s.base[i]
			}
			c.Values = append(c.Values, f)
		}
	}
	s.emit(c)
}

// dmon reads `nvidia-smi dmon` (and passes over pmon's process rows, with their own
// header): two header lines of names and units, then rows.
type dmon struct {
	*feed
	names, units []string
	words        [][]byte
}

func startsDmon(line []byte) bool {
	if len(line) == 0 || line[0] != '#' {
		return false
	}
	w := dmonWords(line)
	return len(w) > 2 && (w[0] == "gpu" || (w[0] == "Time" || w[0] == "Date") && (w[1] == "gpu" || w[2] == "gpu"))
}

// dmonWords are the names or units of a header, of the table or of --format csv.
func dmonWords(line []byte) []string {
	return strings.Fields(strings.ReplaceAll(strings.TrimLeft(string(line), "# "), ",", " "))
}

func openDmon(f *feed) lineReader { return &dmon{feed: f} }

func (d *dmon) end() {}

var dmonFields = map[string]string{"gpu": "index", "pwr": "power.draw", "gtemp": "temperature.gpu", "mtemp": "temperature.memory", "sm": "utilization.gpu",
	"mem": "utilization.memory", "mclk": "clocks.current.memory", "pclk": "clocks.current.sm", "fb": "memory.used", "rxpci": "pcie.rx", "txpci": "pcie.tx"}

func (d *dmon) take(line []byte) bool {
	if startsDmon(line) {
		d.names = dmonWords(line)
		d.units = nil
		return true
	}
	if len(line) > 0 && line[0] == '#' && d.units == nil {
		if w := dmonWords(line); len(w) == len(d.names) && (w[0] == "Idx" || w[0] == "HH:MM:SS" || w[0] == "YYYYMMDD") {
			d.units = w
			return true
		}
		return false
	}
	if bytes.IndexByte(line, ',') >= 0 {
		line = bytes.ReplaceAll(line, []byte(","), []byte(" "))
	}
	w := fields(line, d.words)
	d.words = w
	if len(w) == 0 {
		return true
	}
	if w[0][0] < '0' || w[0][0] > '9' || d.units == nil {
		return false
	}
	process := hasName(d.names, "pid")
	if len(w) < len(d.names) {
		d.wrong("expected %d values as in the header, found %d: the line is cut", len(d.names), len(w))
		return true
	}
	if process {
		c := &Counters{Object: "process"}
		for i, n := range d.names {
			if f, ok := fieldOf(n, w[i]); ok {
				if k, base, known := unitFactor(d.units[i]); known && f.Value.Known {
					f.Value, f.Unit = f.Value.Times(k), base
				}
				c.Values = append(c.Values, f)
			}
		}
		d.emit(c)
		return true
	}
	s := &Device{Section: d.section}
	for i, n := range d.names {
		switch n {
		case "Time", "Date":
			s.Time = strings.TrimSpace(s.Time + " " + string(w[i]))
			continue
		}
		v := w[i]
		if _, _, known := unitFactor(d.units[i]); known && !isUnknown(v) {
			v = append(append([]byte(nil), v...), d.units[i]...)
			if n == "fb" || n == "bar1" { // "MB" is MiB in dmon
				v = append(bytes.TrimSuffix(v, []byte("MB")), "MiB"...)
			}
		}
		name, ok := dmonFields[n]
		if !ok {
			name = n
		}
		d.put(s, name, n, v)
	}
	d.emit(s)
	return true
}
