package ingest

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// nvbandwidth reads the text of nvbandwidth: a matrix of row and column devices under
// a line that says direction and unit, then the sum.
type nvbandwidth struct {
	*feed
	test, about string
	devices     int
	device      string
	cols        []string
	sum         float64
	in          bool // a matrix
	words       [][]byte
}

func startsNVBandwidth(line []byte) bool {
	return bytes.HasPrefix(line, []byte("nvbandwidth Version")) || bytes.HasPrefix(line, []byte("memcpy ")) && bytes.Contains(line, []byte("(row)"))
}

func openNVBandwidth(f *feed) lineReader { return &nvbandwidth{feed: f} }

func (n *nvbandwidth) end() {}

func (n *nvbandwidth) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	switch {
	case text == "":
		n.in = false
		return true
	case strings.HasPrefix(text, "nvbandwidth Version"):
		n.version = strings.TrimSpace(strings.TrimPrefix(text, "nvbandwidth Version:"))
	case strings.HasPrefix(text, "Running "):
		n.test = strings.TrimSuffix(strings.TrimPrefix(text, "Running "), ".")
		n.in = false
	case strings.Contains(text, "(row)") && strings.Contains(text, "(column)"), strings.HasSuffix(text, "(GB/s)"), strings.HasSuffix(text, "(ns)"):
		n.about, n.cols, n.sum = text, nil, 0
		n.in = true
	case strings.HasPrefix(text, "Device "):
		n.devices++
		if name, _, ok := strings.Cut(text[min(len(text), strings.IndexByte(text, ':')+2):], " ("); ok && n.device == "" {
			n.device = name
		}
	case strings.HasPrefix(text, "Process ") && strings.Contains(text, ": device "): // of several nodes
		n.devices++
		_, rest, _ := strings.Cut(text, ": device ")
		if _, rest, ok := strings.Cut(rest, ": "); ok && n.device == "" {
			n.device, _, _ = strings.Cut(rest, " (")
		}
	case strings.HasPrefix(text, "SUM "):
		w := strings.Fields(text)
		if len(w) == 3 {
			if s := n.num([]byte(w[2]), "SUM"); s.Known && math.Abs(s.V-n.sum) > 0.02+0.001*math.Abs(s.V) {
				n.wrong("contradiction: SUM %s is %g, the cells add up to %.2f", w[1], s.V, n.sum)
			}
		}
		n.in = false
	case strings.HasPrefix(text, "Waived") || strings.HasPrefix(text, "ERROR:"):
		if strings.HasPrefix(text, "ERROR:") {
			n.wrong("the test reports: %s", clip(line))
		}
	case strings.Contains(text, "Version") && strings.Contains(text, ":"), strings.HasPrefix(text, "Built from"),
		strings.HasPrefix(text, "MIN "), strings.HasPrefix(text, "MAX "), strings.HasPrefix(text, "AVG "), strings.HasPrefix(text, "NOTE:"):
	case n.in:
		return n.row(line)
	default:
		return false
	}
	return true
}

func (n *nvbandwidth) row(line []byte) bool {
	w := fields(line, n.words)
	n.words = w
	if !isDigits(w[0]) {
		return false
	}
	if n.cols == nil {
		for _, c := range w {
			if !isDigits(c) {
				n.wrong("expected the numbers of the columns, found %q", clip(line))
				return true
			}
			n.cols = append(n.cols, string(c))
		}
		return true
	}
	if len(w) != len(n.cols)+1 {
		n.wrong("expected %d columns as in the header, found %d", len(n.cols)+1, len(w))
		return true
	}
	if d, _ := strconv.Atoi(n.cols[len(n.cols)-1]); n.devices > 0 && d >= n.devices && strings.Contains(n.about, "GPU(column)") && string(w[0]) == "0" {
		n.wrong("contradiction: the matrix has a column for GPU %d, the header lists %d devices: an edited file?", d, n.devices)
	}
	for i, col := range n.cols {
		v := n.num(w[i+1], n.test)
		if !v.Known {
			continue
		}
		n.sum += v.V
		n.emit(nvLink(n.test, n.about, n.device, string(w[0]), col, v))
	}
	return true
}

// nvLink is a cell of a matrix. The description says direction, engine and unit:
// "memcpy CE CPU(row) <- GPU(column) bandwidth (GB/s)"; latencies have the same shape.
func nvLink(test, about, device, row, col string, v Num) *Link {
	l := &Link{Op: test, Device: device}
	w := strings.Fields(about)
	ends := [2]string{}
	arrow := ""
	for _, x := range w {
		switch {
		case x == "CE" || x == "SM":
			l.Engine = strings.ToLower(x)
		case strings.HasSuffix(x, "(row)"):
			ends[0] = strings.ToLower(strings.TrimSuffix(x, "(row)")) + row
		case strings.HasSuffix(x, "(column)"):
			ends[1] = strings.ToLower(strings.TrimSuffix(x, "(column)")) + col
		case x == "->" || x == "<-" || x == "<->":
			arrow = x
		}
	}
	if ends[0] == "" && ends[1] == "" {
		ends = [2]string{row, col}
	}
	l.From, l.To = ends[0], ends[1]
	if arrow == "<-" {
		l.From, l.To = l.To, l.From
	}
	l.Bidirectional = arrow == "<->" || strings.Contains(test, "bidirectional")
	if strings.Contains(about, "(ns)") || strings.Contains(about, "latency") {
		l.LatencySec = v.Times(1e-9)
	} else {
		l.BytesPerSec = v.Times(1e9)
	}
	return l
}

// readNVBandwidthJSON reads nvbandwidth -j. The cells are strings; min, max, average
// and sum are what the tool makes of them, and its sum takes N/A as 0.
func readNVBandwidthJSON(f *feed, j *jsonReader) error {
	var t tree
	device := ""
	return j.object(func(key string) error {
		if key != "nvbandwidth" {
			return j.skip()
		}
		return j.object(func(key string) error {
			if key == "testcases" {
				return j.array(func() error {
					v, err := j.value(&t)
					if err == nil {
						nvCase(f, v, device)
					}
					return err
				})
			}
			v, err := j.value(&t)
			switch key {
			case "version", "git_version":
				if s := v.str(); s != "" {
					f.version = s
				}
			case "GPU Device info", "GPU Device list":
				device = strings.TrimSpace(v.at(0).str())
				if device == "" {
					device = v.str()
				}
				if i := strings.Index(device, ": "); i > 0 && isDigits([]byte(device[:i])) { // 0: NAME: (bus)
					device = device[i+2:]
				}
				if i := strings.LastIndex(device, "("); i > 0 {
					device = strings.TrimRight(device[:i], ": ")
				}
			case "error", "warning":
				if s := v.str(); s != "" {
					f.wrongAt(v.line(), "the test reports: %s", s)
				}
			}
			return err
		})
	})
}

func nvCase(f *feed, v ref, device string) {
	name, about := v.get("name").str(), v.get("bandwidth_description").str()
	f.line = v.line()
	if s := v.get("status").str(); s != "" && s != "Passed" && v.get("bandwidth_matrix").len() == 0 {
		f.emit(&Link{Op: name, Status: s, Device: device})
		return
	}
	sum, cells, unknown := 0.0, 0, false
	row := 0
	v.get("bandwidth_matrix").each(func(r ref) {
		col := 0
		r.each(func(c ref) {
			n := f.of(c, name)
			if n.Known {
				sum += n.V
				cells++
				f.emitAt(c.line(), nvLink(name, about, device, fmt.Sprint(row), fmt.Sprint(col), n))
			} else {
				unknown = true
			}
			col++
		})
		row++
	})
	if want := f.of(v.get("sum"), "sum"); want.Known && cells > 0 && !unknown && math.Abs(want.V-sum) > 0.001*math.Abs(sum)+0.01*float64(cells) {
		f.wrongAt(v.get("sum").line(), "contradiction: sum of %s is %g, the cells add up to %g", name, want.V, sum)
	}
}
