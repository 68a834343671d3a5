package ingest

import (
	"bytes"
	"strings"
)

// cudaBandwidth reads the CUDA sample bandwidthTest, in shmoo and in quick mode.
type cudaBandwidth struct {
	*feed
	device, dir string
}

func startsCUDABandwidth(line []byte) bool {
	return bytes.HasPrefix(line, []byte("[CUDA Bandwidth Test]")) || bytes.HasPrefix(line, []byte("bandwidthTest-"))
}

func openCUDABandwidth(f *feed) lineReader { return &cudaBandwidth{feed: f} }

func (c *cudaBandwidth) end() {}

func (c *cudaBandwidth) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	switch {
	case text == "", text[0] == '.', strings.HasPrefix(text, "[CUDA"), strings.HasPrefix(text, "Running on"), strings.HasSuffix(text, "Mode"),
		strings.HasPrefix(text, "Result ="), strings.HasPrefix(text, "NOTE:"), strings.HasPrefix(text, "PINNED"), strings.HasPrefix(text, "Transfer Size"):
		return true
	case strings.HasPrefix(text, "Device "):
		_, name, _ := strings.Cut(text, ": ")
		c.device = name
		return true
	case strings.Contains(text, "to Device Bandwidth") || strings.Contains(text, "to Host Bandwidth"):
		c.dir = map[string]string{"Host to Device": "H2D", "Device to Host": "D2H", "Device to Device": "D2D"}[strings.SplitN(text, " Bandwidth", 2)[0]]
		return true
	case strings.HasPrefix(text, "bandwidthTest-"):
		c.row(text)
		return true
	}
	if w := strings.Fields(text); c.dir != "" && len(w) == 2 && isDigits([]byte(w[0])) { // quick mode: bytes, GB/s
		c.emit(copyLink("bandwidthTest", c.dir, c.device, c.num([]byte(w[0]), "size"), c.num([]byte(w[1]), "bandwidth").Times(1e9), Num{}))
		return true
	}
	return false
}

// row reads "bandwidthTest-D2H-Pinned, Bandwidth = 0.4 GB/s, Time = 0.00000 s, Size = …".
func (c *cudaBandwidth) row(text string) {
	parts := strings.Split(text, ", ")
	name := strings.Split(strings.TrimPrefix(parts[0], "bandwidthTest-"), "-")
	var rate, sec, size Num
	for _, p := range parts[1:] {
		k, v, ok := strings.Cut(p, " = ")
		if !ok {
			continue
		}
		n, unit, err := quantity([]byte(v))
		switch {
		case err != nil:
			c.wrong("%s: expected a quantity, %v", k, err)
			return
		case k == "Bandwidth" && unit == "B/s":
			rate = n
		case k == "Time" && unit == "s":
			sec = n
		case k == "Size" && unit == "B":
			size = n
		}
	}
	if !rate.Known || !size.Known {
		c.wrong("expected Bandwidth in GB/s and Size in bytes, found %q", clip([]byte(text)))
		return
	}
	l := copyLink("bandwidthTest", name[0], c.device, size, rate, sec)
	if len(name) > 1 {
		l.Under = strings.ToLower(name[1])
	}
	c.emit(l)
}

// copyLink is a copy between host and device; time 0.00000 is a rounded one.
func copyLink(op, dir, device string, size, rate, sec Num) *Link {
	l := &Link{Op: op + " " + dir, Device: device, Bytes: size, BytesPerSec: rate}
	if rate.Known && rate.V == 0 { // rounded away
		l.BytesPerSec = Num{}
	}
	if sec.Known && sec.V > 0 {
		l.LatencySec = sec
	}
	ends := map[byte]string{'H': "cpu", 'D': "gpu"}
	if len(dir) == 3 {
		l.From, l.To = ends[dir[0]], ends[dir[2]]
	}
	return l
}

// hipBus reads hipBusBandwidth: rates of all sizes, then times of the same sizes.
type hipBus struct {
	*feed
	device string
	words  [][]byte
}

func startsHipBus(line []byte) bool {
	return bytes.HasPrefix(line, []byte("Device:")) && bytes.Contains(line, []byte("MallocMode=")) ||
		bytes.Contains(line, []byte("atts")) && bytes.Contains(line, []byte("median"))
}

func openHipBus(f *feed) lineReader { return &hipBus{feed: f} }

func (h *hipBus) end() {}

func (h *hipBus) take(line []byte) bool {
	if bytes.HasPrefix(line, []byte("Device:")) {
		h.device, _, _ = strings.Cut(strings.TrimPrefix(string(line), "Device:"), " Mem=")
		return true
	}
	w := fields(line, h.words)
	h.words = w
	if len(w) == 0 || string(w[0]) == "test" || bytes.HasPrefix(line, []byte("Note:")) || bytes.HasPrefix(line, []byte("might occur")) {
		return true
	}
	if len(w) < 8 || len(w[0]) < 3 || w[0][1] != '2' && !bytes.Contains(w[0], []byte("2D_")) {
		return false
	}
	op := strings.TrimSuffix(strings.ReplaceAll(string(w[0]), "_Time", "_Time_"), "(*)")
	size := hipSize(string(w[1]))
	v := [5]Num{}
	for i := range v {
		v[i] = h.num(w[i+3], op)
	}
	d := Dist{Median: v[0], Mean: v[1], SD: v[2], Min: v[3], Max: v[4]}
	l := copyLink(op, op[:min(3, len(op))], h.device, size, Num{}, Num{})
	l.Op = op
	switch string(w[2]) {
	case "GB/sec":
		l.BytesPerSecDist = d.times(1e9)
		l.BytesPerSec = l.BytesPerSecDist.Median
		if l.BytesPerSec.V == 0 { // rounded away, not measured as nothing
			l.BytesPerSec, l.BytesPerSecDist = Num{}, Dist{}
		}
	case "ms":
		l.LatencyDistSec = d.times(1e-3)
		l.LatencySec = l.LatencyDistSec.Median
	default:
		h.wrong("unknown unit %q, expected GB/sec or ms", w[2])
		return true
	}
	h.emit(l)
	return true
}

// hipSize reads "+064By", "4kB" (1024 bytes), "1024kB".
func hipSize(s string) Num {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "+"), "y")
	return binarySize(s)
}

// gpuCopy reads SuperBench gpu_copy: a name and GB/s a line.
type gpuCopy struct{ *feed }

func startsGPUCopy(line []byte) bool {
	if line[0] != 'c' && line[0] != 'g' || !bytes.Contains(line, []byte("_by_")) {
		return false
	}
	w := bytes.Fields(line)
	return len(w) == 2 && (bytes.HasPrefix(w[0], []byte("cpu_")) || bytes.HasPrefix(w[0], []byte("gpu"))) && bytes.Contains(w[0], []byte("_by_"))
}

func openGPUCopy(f *feed) lineReader { return &gpuCopy{f} }

func (g *gpuCopy) end() {}

func (g *gpuCopy) take(line []byte) bool {
	if len(line) == 0 || !startsGPUCopy(line) {
		return len(line) == 0
	}
	w := bytes.Fields(line)
	name := string(w[0])
	l := &Link{Op: name, BytesPerSec: g.num(w[1], name).Times(1e9)}
	path, rest, _ := strings.Cut(name, "_by_")
	engine, numa, ok := strings.Cut(rest, "_under_")
	l.Engine = engine
	if ok {
		l.Under = numa
	}
	for _, verb := range []string{"_write", "_read"} {
		path = strings.TrimSuffix(path, verb)
	}
	if from, to, ok := strings.Cut(path, "_and_"); ok {
		l.From, l.To, l.Bidirectional = from, to, true
	} else {
		l.From, l.To, _ = strings.Cut(path, "_to_")
	}
	g.emit(l)
	return true
}

// rocmBandwidth reads rocm-bandwidth-test: matrices of GB/s between numbered devices,
// or rows of size and time for single copies.
type rocmBandwidth struct {
	*feed
	under string
	bidir bool
	cols  []string
	kind  map[string]string // device number to cpu or gpu
	name  map[string]string
	at    string
	words [][]byte
}

func startsROCmBandwidth(line []byte) bool {
	t := bytes.TrimSpace(line)
	return bytes.HasPrefix(t, []byte("RocmBandwidthTest Version")) || bytes.HasPrefix(t, []byte("Launch Command is:")) && bytes.Contains(t, []byte("rocm"))
}

func openROCmBandwidth(f *feed) lineReader {
	return &rocmBandwidth{feed: f, kind: map[string]string{}, name: map[string]string{}}
}

func (r *rocmBandwidth) end() {}

func (r *rocmBandwidth) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	low := strings.ToLower(text)
	w := strings.Fields(text)
	switch {
	case text == "":
		return true
	case strings.HasPrefix(text, "RocmBandwidthTest Version"):
		r.version = w[len(w)-1]
	case strings.HasPrefix(low, "device:") || strings.HasPrefix(low, "device index:") || strings.HasPrefix(low, "device  index:"):
		_, rest, _ := strings.Cut(text, ":")
		num, name, _ := strings.Cut(strings.TrimSpace(rest), ",")
		r.at = strings.TrimSpace(num)
		if name = strings.TrimSpace(name); name != "" {
			r.device(name)
		}
	case strings.HasPrefix(low, "device type:"):
		if strings.Contains(low, "cpu") {
			r.kind[r.at] = "cpu"
		} else {
			r.kind[r.at] = "gpu"
		}
	case strings.HasPrefix(low, "device name:"):
		_, name, _ := strings.Cut(text, ":")
		r.device(strings.TrimSpace(name))
	case strings.Contains(low, "directional") && strings.Contains(low, "gb/s"):
		r.bidir, r.under, r.cols = strings.HasPrefix(low, "bi"), text, nil
	case strings.Contains(low, "access") || strings.Contains(low, "numa distance"):
		r.under, r.cols = "", nil
	case len(w) > 1 && strings.HasPrefix(w[0], "D/D"):
		r.cols = w[1:]
	case len(w) > 1 && r.cols != nil && isDigits([]byte(w[0])) && r.under != "":
		if len(w) != len(r.cols)+1 {
			r.wrong("expected %d columns as in the header, found %d", len(r.cols)+1, len(w))
			return true
		}
		for i, c := range w[1:] {
			v := r.num([]byte(c), "bandwidth")
			if !v.Known || v.V == 0 { // the tool prints 0 or N/A where it did not copy
				continue
			}
			l := &Link{Op: "copy", From: r.end1(w[0]), To: r.end1(r.cols[i]), Bidirectional: r.bidir, BytesPerSec: v.Times(1e9), Device: r.name[r.cols[i]]}
			r.emit(l)
		}
	case strings.HasSuffix(text, "=") || strings.Contains(text, "Data Size") || strings.Contains(text, "Launch Command"):
	case len(w) == 6 && (strings.HasSuffix(w[1], "B")) && strings.HasPrefix(w[0], "") && isSizeRow(w):
		r.emit(&Link{Op: "copy", Bytes: binarySize(w[0]), LatencySec: r.num([]byte(w[2]), "time").Times(1e-6), BytesPerSec: r.num([]byte(w[3]), "bandwidth").Times(1e9), Under: r.under})
	case r.cols != nil && isDigits([]byte(w[0])), strings.HasPrefix(low, "device"), strings.HasPrefix(low, "allocator"), strings.Contains(text, ":"):
	default:
		return false
	}
	return true
}

func isSizeRow(w []string) bool { return isDigits([]byte(w[0])) }

func (r *rocmBandwidth) device(name string) {
	r.name[r.at] = name
	if r.kind[r.at] == "" {
		r.kind[r.at] = "gpu"
		for _, cpu := range []string{"EPYC", "Xeon", "CPU", "Ryzen", "Processor"} {
			if strings.Contains(name, cpu) {
				r.kind[r.at] = "cpu"
			}
		}
	}
}

func (r *rocmBandwidth) end1(num string) string {
	if k := r.kind[num]; k != "" {
		return k + num
	}
	return "device" + num
}

// gpcnet reads the congestion tests of GPCNeT: tables isolated and congested.
type gpcnet struct {
	*feed
	under  string
	title  bool
	values bool
}

func startsGPCNet(line []byte) bool {
	return bytes.HasPrefix(line, []byte("NetworkLoad Tests v")) || bytes.HasPrefix(line, []byte("NetworkTests v")) || bytes.HasPrefix(line, []byte("Network Tests v"))
}

func openGPCNet(f *feed) lineReader { return &gpcnet{feed: f} }

func (g *gpcnet) end() {}

func (g *gpcnet) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	switch {
	case startsGPCNet(line):
		g.version = text[strings.LastIndex(text, "v")+1:]
		return true
	case text == "", text[0] == '+':
		return true
	case text[0] != '|':
		return !g.title && g.under == ""
	}
	cells := strings.Split(strings.Trim(text, "|"), "|")
	for i := range cells {
		cells[i] = strings.Join(strings.Fields(cells[i]), " ")
	}
	switch {
	case len(cells) == 1:
		g.under, g.title = cells[0], true
	case cells[0] == "Name" || cells[0] == "":
		g.values = len(cells) == 8
	case len(cells) == 8:
		g.row(cells)
	case len(cells) == 3:
		for i, stat := range []string{"avg", "99 %"} {
			if v := g.num([]byte(strings.TrimSuffix(cells[i+1], "X")), "congestion impact"); v.Known {
				g.emit(&Event{Key: "congestion_impact_factor " + stat, Text: cells[0], Value: v})
			}
		}
	default:
		g.wrong("expected 8 columns (Name … Units), found %d", len(cells))
	}
	return true
}

func (g *gpcnet) row(cells []string) {
	l := &Link{Op: cells[0], Under: g.under}
	if i := strings.LastIndexByte(cells[0], '('); i > 0 {
		l.Op = strings.TrimSpace(cells[0][:i])
		l.Bytes = g.num([]byte(strings.TrimSuffix(strings.TrimSuffix(cells[0][i+1:], ")"), " B")), "size")
	}
	var v [6]Num
	for i := range v {
		v[i] = g.num([]byte(cells[i+1]), cells[0])
	}
	d := Dist{Min: v[0], Max: v[1], Mean: v[2]}
	d.add(99, v[4])
	d.add(99.9, v[5])
	switch cells[7] {
	case "usec":
		l.LatencyDistSec = d.times(1e-6)
		l.LatencySec = l.LatencyDistSec.Mean
	case "MiB/s/rank":
		l.BytesPerSecDist = d.times(1 << 20)
		l.BytesPerSec = l.BytesPerSecDist.Mean
	default:
		g.wrong("unknown unit %q, expected usec or MiB/s/rank", cells[7])
		return
	}
	g.emit(l)
}
