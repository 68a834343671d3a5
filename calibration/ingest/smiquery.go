package ingest

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// smiNames lead from the places of a value in `nvidia-smi -q` and in its XML, of all
// versions, to the name of the same value in --query-gpu.
var smiNames = map[string]string{
	"product_name": "name", "uuid": "uuid", "gpu_uuid": "uuid", "performance_state": "pstate", "fan_speed": "fan.speed", "minor_number": "minor_number",
	"clocks/sm_clock": "clocks.current.sm", "clocks/mem_clock": "clocks.current.memory", "clocks/sm": "clocks.current.sm", "clocks/memory": "clocks.current.memory",
	"max_clocks/sm_clock": "clocks.max.sm", "max_clocks/mem_clock": "clocks.max.memory", "max_clocks/sm": "clocks.max.sm", "max_clocks/memory": "clocks.max.memory",
	"power_readings/power_draw": "power.draw", "gpu_power_readings/power_draw": "power.draw",
	"gpu_power_readings/average_power_draw": "power.draw.average", "gpu_power_readings/instant_power_draw": "power.draw.instant",
	"power_readings/enforced_power_limit": "enforced.power.limit", "gpu_power_readings/current_power_limit": "enforced.power.limit",
	"power_readings/power_limit": "power.limit", "power_readings/max_power_limit": "power.max_limit", "gpu_power_readings/max_power_limit": "power.max_limit",
	"temperature/gpu_temp": "temperature.gpu", "temperature/memory_temp": "temperature.memory",
	"temperature/gpu_current_temp": "temperature.gpu", "temperature/memory_current_temp": "temperature.memory",
	"utilization/gpu_util": "utilization.gpu", "utilization/memory_util": "utilization.memory", "utilization/gpu": "utilization.gpu", "utilization/memory": "utilization.memory",
	"fb_memory_usage/total": "memory.total", "fb_memory_usage/used": "memory.used", "fb_memory_usage/free": "memory.free", "fb_memory_usage/reserved": "memory.reserved",
	"pci/pci_gpu_link_info/pcie_gen/current_link_gen": "pcie.link.gen.current", "pci/pci_gpu_link_info/pcie_gen/max_link_gen": "pcie.link.gen.max",
	"pci/pci_gpu_link_info/link_widths/current_link_width": "pcie.link.width.current", "pci/pci_gpu_link_info/link_widths/max_link_width": "pcie.link.width.max",
	"pci/gpu_link_info/pcie_generation/current": "pcie.link.gen.current", "pci/gpu_link_info/pcie_generation/max": "pcie.link.gen.max",
	"pci/gpu_link_info/link_width/current": "pcie.link.width.current", "pci/gpu_link_info/link_width/max": "pcie.link.width.max",
	"pci/tx_util": "pcie.tx", "pci/rx_util": "pcie.rx", "pci/tx_throughput": "pcie.tx", "pci/rx_throughput": "pcie.rx",
	"pci/replay_counter": "pcie.replays", "pci/replays_since_reset": "pcie.replays", "pci/pci_bus_id": "pci.bus_id", "pci/bus_id": "pci.bus_id",
}

// smiPut stores what stands at a path of -q or of the XML.
func (f *feed) smiPut(d *Device, path string, b []byte) {
	if name, ok := smiNames[path]; ok {
		f.put(d, name, path, b)
		return
	}
	group, leaf, _ := strings.Cut(path, "/")
	if group == "clocks_event_reasons" || group == "clocks_throttle_reasons" {
		leaf = leaf[strings.LastIndexByte(leaf, '/')+1:]
		leaf = strings.TrimPrefix(strings.TrimPrefix(leaf, "clocks_event_reason_"), "clocks_throttle_reason_")
		if leaf == "idle" {
			leaf = "gpu_idle"
		}
		f.put(d, "clocks_event_reasons."+leaf, path, b)
		return
	}
	if (group == "ecc_errors" && strings.Contains(path, "volatile") && strings.Contains(path, "uncorrectable")) || path == "ecc_errors/volatile/double_bit/total" {
		if v, err := number(b); err == nil && v.Known {
			d.UncorrectedErrors = Is(d.UncorrectedErrors.V + v.V)
		}
	}
	switch group {
	case "supported_clocks", "processes", "accounted_processes", "accounting_mode_buffer_size":
		return
	}
	if m, ok := fieldOf(path, b); ok {
		d.More = append(d.More, m)
	}
}

// smiQuery reads `nvidia-smi -q`: labels and values, nested by indentation.
type smiQuery struct {
	*feed
	time   string
	device *Device
	line0  int
	path   []string
	indent []int
}

func startsSMIQuery(line []byte) bool {
	return len(line) > 0 && line[0] == '=' && bytes.Contains(line, []byte("==NVSMI LOG=="))
}

func openSMIQuery(f *feed) lineReader { return &smiQuery{feed: f} }

func (q *smiQuery) end() { q.done() }

func (q *smiQuery) done() {
	if q.device != nil {
		q.emitAt(q.line0, q.device)
		q.device = nil
	}
}

func (q *smiQuery) take(line []byte) bool {
	if len(bytes.TrimSpace(line)) == 0 || startsSMIQuery(line) {
		return true
	}
	if line[0] == '#' {
		return false
	}
	label, value, ok := strings.Cut(string(line), " : ")
	if !ok {
		label = strings.TrimSuffix(strings.TrimRight(string(line), " "), " :")
	}
	indent := len(label) - len(strings.TrimLeft(label, " "))
	label, value = strings.TrimSpace(label), strings.TrimSpace(value)
	if indent == 0 {
		switch {
		case label == "Timestamp":
			q.time = value
		case label == "Driver Version":
			q.version = value
		case strings.HasPrefix(label, "GPU "):
			q.done()
			q.line0 = q.feed.line
			q.device = &Device{Time: q.time, Section: q.section, BusID: strings.TrimPrefix(label, "GPU ")}
			q.path, q.indent = nil, nil
		case !ok:
			q.done()
			return false
		}
		return true
	}
	if q.device == nil {
		return ok
	}
	for len(q.indent) > 0 && q.indent[len(q.indent)-1] >= indent {
		q.indent, q.path = q.indent[:len(q.indent)-1], q.path[:len(q.path)-1]
	}
	key := strings.ReplaceAll(strings.ToLower(label), " ", "_")
	if !ok {
		q.indent, q.path = append(q.indent, indent), append(q.path, key)
		return true
	}
	// a label with a value may have children too ("HW Slowdown : Not Active")
	full := strings.Join(append(q.path, key), "/")
	q.smiPut(q.device, full, []byte(value))
	return true
}

func isSMILog(head []byte) bool {
	return bytes.Contains(head, []byte("<nvidia_smi_log")) || bytes.Contains(head, []byte("nvsmi_device_v"))
}

// readSMILog reads one <nvidia_smi_log> element and stops behind it.
func readSMILog(f *feed, in *input) {
	start := in.line
	src := &countedReader{in: in}
	dec := xml.NewDecoder(src)
	dec.Strict = false
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var path []string
	var text []byte
	var d *Device
	dtd, when := "", ""
	cuda := ""
	var parts []*Counters // instances and processes of the GPU, handed on behind it
	f.saw()
	for {
		tok, err := dec.Token()
		if err != nil {
			f.line = start + src.lines
			if err != io.EOF || len(path) > 0 || d != nil {
				f.wrong("the XML ends early or is damaged, expected </nvidia_smi_log>: %v", err)
				if d != nil {
					f.withParts(d, parts)
				}
			}
			return
		}
		switch t := tok.(type) {
		case xml.Directive:
			if i := bytes.Index(t, []byte("nvsmi_device_")); i >= 0 {
				dtd = strings.TrimSuffix(strings.Trim(string(t[i:]), `">`), ".dtd")
			}
		case xml.StartElement:
			path = append(path, t.Name.Local)
			text = text[:0]
			if len(path) > maxDepth {
				f.line = start + src.lines
				f.wrong("the XML is nested more than %d deep", maxDepth)
				return
			}
			if len(path) == 2 && t.Name.Local == "gpu" {
				l, _ := dec.InputPos()
				f.line = start + l - 1
				d = &Device{Time: when}
				for _, a := range t.Attr {
					if a.Name.Local == "id" {
						d.BusID = a.Value
					}
				}
				if dtd != "" {
					d.More = append(d.More, Field{Name: "dtd", Text: dtd})
				}
				if cuda != "" {
					d.More = append(d.More, Field{Name: "cuda_version", Text: cuda})
				}
			}
			if object := smiParts[t.Name.Local]; object != "" && d != nil && len(parts) < 1<<16 {
				parts = append(parts, &Counters{Object: object, Values: []Field{{Name: "gpu", Text: d.BusID}}})
			}
		case xml.CharData:
			if len(text)+len(t) < maxLine {
				text = append(text, t...)
			}
		case xml.EndElement:
			b := bytes.TrimSpace(text)
			switch {
			case len(path) == 2 && t.Name.Local == "timestamp":
				when = string(b)
			case len(path) == 2 && t.Name.Local == "driver_version":
				f.version = string(b)
			case len(path) == 2 && t.Name.Local == "cuda_version":
				cuda = string(b)
			case len(path) == 2 && t.Name.Local == "gpu":
				f.withParts(d, parts)
				d, parts = nil, nil
			case d != nil && len(path) > 4 && smiParts[path[3]] != "" && len(parts) > 0:
				if v, ok := fieldOf(strings.Join(path[4:], "/"), b); ok {
					c := parts[len(parts)-1]
					c.Values = append(c.Values, v)
				}
			case d != nil && len(b) > 0:
				f.smiPut(d, strings.Join(path[2:], "/"), b)
			}
			text = text[:0]
			if len(path) > 0 {
				path = path[:len(path)-1]
			}
			if len(path) == 0 {
				return
			}
		}
	}
}

// smiParts are the elements that a GPU may have many of.
var smiParts = map[string]string{"mig_device": "mig device", "process_info": "process"}

// withParts hands on a GPU, and its instances and processes.
func (f *feed) withParts(d *Device, parts []*Counters) {
	instances := 0
	for _, c := range parts {
		if c.Object == smiParts["mig_device"] {
			instances++
		}
	}
	if instances > 0 {
		d.More = append(d.More, Field{Name: "mig_devices", Value: Is(float64(instances))})
	}
	f.emit(d)
	for _, c := range parts {
		f.emit(c)
	}
}

// countedReader reads an input byte by byte, so that nothing behind the document is
// taken, and counts lines.
type countedReader struct {
	in    *input
	lines int
}

func (c *countedReader) ReadByte() (byte, error) {
	if c.in.i == c.in.n && c.in.need(1) == 0 {
		return 0, io.EOF
	}
	b := c.in.buf[c.in.i]
	c.in.i++
	if b == '\n' {
		c.in.line++
		c.lines++
	}
	return b, nil
}

func (c *countedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := c.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// smiLinks reads `nvidia-smi -L` and `nvidia-smi nvlink -s`. The list alone gives no
// records, but names the GPUs for what follows: gpu-burn begins with it.
type smiLinks struct {
	*feed
	gpu, name string
}

func startsSMILinks(line []byte) bool {
	return bytes.HasPrefix(line, []byte("GPU ")) && bytes.Contains(line, []byte("(UUID: GPU-"))
}

func openSMILinks(f *feed) lineReader { return &smiLinks{feed: f} }

func (s *smiLinks) end() {}

func (s *smiLinks) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	switch {
	case text == "":
		return true
	case startsSMILinks(line):
		num, rest, _ := strings.Cut(strings.TrimPrefix(text, "GPU "), ":")
		s.name, _, _ = strings.Cut(strings.TrimSpace(rest), " (")
		s.gpu = "gpu" + num
		if num == "0" {
			s.gpus = nil
		}
		if len(s.gpus) < 4096 {
			s.gpus = append(s.gpus, s.name)
		}
		return true
	case strings.HasPrefix(text, "Link ") && s.gpu != "":
		num, rest, _ := strings.Cut(strings.TrimPrefix(text, "Link "), ":")
		e := &Edge{From: End{Type: "gpu", ID: s.gpu, Name: s.name, Port: s.num([]byte(num), "Link")}, Type: "NVLink"}
		v, unit, err := quantity([]byte(rest))
		switch {
		case err == nil && unit == "B/s":
			e.BytesPerSec = v
			e.State = "active"
		default:
			e.State = strings.Trim(strings.TrimSpace(rest), "<>")
		}
		s.emit(e)
		return true
	}
	return false
}

// smiTopo reads the matrix of `nvidia-smi topo -m`.
type smiTopo struct {
	*feed
	cols []string
}

func startsSMITopo(line []byte) bool {
	t := bytes.TrimSpace(line)
	return bytes.HasPrefix(t, []byte("GPU0")) && bytes.Contains(t, []byte("CPU Affinity"))
}

func openSMITopo(f *feed) lineReader { return &smiTopo{feed: f} }

func (s *smiTopo) end() {}

func (s *smiTopo) take(line []byte) bool {
	cells := strings.Split(string(line), "\t")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	switch {
	case startsSMITopo(line):
		s.cols = cells
		for len(s.cols) > 0 && s.cols[0] == "" {
			s.cols = s.cols[1:]
		}
		return true
	case len(line) == 0:
		s.cols = nil
		return true
	case s.cols == nil || len(cells) < 2 || !strings.HasPrefix(cells[0], "GPU") && !strings.HasPrefix(cells[0], "NIC") && !strings.HasPrefix(cells[0], "mlx"):
		return false
	}
	n := &Edge{From: End{Type: "gpu", ID: strings.ToLower(cells[0])}}
	if !strings.HasPrefix(cells[0], "GPU") {
		n.From.Type = "adapter"
	}
	var edges []*Edge
	for i, c := range cells[1:] {
		if i >= len(s.cols) || c == "" {
			continue
		}
		col := s.cols[i]
		if strings.HasPrefix(col, "GPU") && col != "GPU NUMA ID" || strings.HasPrefix(col, "NIC") || strings.HasPrefix(col, "mlx") {
			if c != "X" {
				e := &Edge{From: n.From, To: End{Type: "gpu", ID: strings.ToLower(col)}, Type: c}
				if !strings.HasPrefix(col, "GPU") {
					e.To.Type = "adapter"
				}
				if k, ok := strings.CutPrefix(c, "NV"); ok {
					e.Lanes, _ = number([]byte(k))
				}
				edges = append(edges, e)
			}
		} else if c != "N/A" {
			n.More = append(n.More, Field{Name: col, Text: c})
		}
	}
	s.emit(n)
	for _, e := range edges {
		s.emit(e)
	}
	return true
}
