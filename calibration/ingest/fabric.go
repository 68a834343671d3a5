package ingest

import (
	"bytes"
	"regexp"
	"strings"
)

// ibSpeeds are the signalling rate of a lane in bits/s and the share that carries data:
// 8b/10b to QDR, 64b/66b to EDR, and from HDR on PAM4 with FEC, where the data rates
// are the nominal 50, 100 and 200 Gb/s a lane.
var ibSpeeds = map[string]struct{ lane, data float64 }{
	"SDR": {2.5e9, 2e9}, "DDR": {5e9, 4e9}, "QDR": {10e9, 8e9}, "FDR10": {10.3125e9, 10e9}, "FDR": {14.0625e9, 14.0625e9 * 64 / 66}, "EDR": {25.78125e9, 25e9},
	"HDR": {53.125e9, 50e9}, "NDR": {106.25e9, 100e9}, "XDR": {212.5e9, 200e9},
}

// ibLink fills in width and speed, "4x" and "HDR".
func ibLink(e *Edge, width, speed string) {
	w := strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(width, "x"), "X"))
	e.Lanes, _ = number([]byte(w))
	e.Speed = speed
	if s, ok := ibSpeeds[speed]; ok {
		e.LaneBitsPerSec = Is(s.lane)
		if e.Lanes.Known {
			e.BytesPerSec = Is(e.Lanes.V * s.data / 8)
		}
	}
}

var ibTypes = map[string]string{"SW": "switch", "CA": "adapter", "RT": "router", "S": "switch", "H": "adapter", "R": "router", "Switch": "switch", "Ca": "adapter", "Rt": "router"}

// ibDump reads the full output of ibnetdiscover: a block per node, a line per port.
type ibDump struct {
	*feed
	node  End
	ports int
}

var (
	ibNode = regexp.MustCompile(`^(Switch|Ca|Rt)\s+(\d+)\s+"([SHR])-([0-9a-fA-F]+)"\s*#\s*"([^"]*)"(?:.*\blid (\d+))?`)
	ibPort = regexp.MustCompile(`^\[(\d+)\](?:\[ext \d+\])?(?:\(([0-9a-fA-F]+)\))?\s+"([SHR])-([0-9a-fA-F]+)"\[(\d+)\](?:\[ext \d+\])?(?:\(([0-9a-fA-F]+)\))?\s*#(?:\s*lid (\d+) lmc \d+)?\s*"([^"]*)"\s*lid (\d+)\s+(\d+)x(\w+)`)
)

func startsIBDump(line []byte) bool {
	return bytes.HasPrefix(line, []byte("vendid=0x")) || (bytes.HasPrefix(line, []byte("Switch")) || bytes.HasPrefix(line, []byte("Ca"))) && bytes.Contains(line, []byte("\"\t")) && ibNode.Match(line)
}

func openIBDump(f *feed) lineReader { return &ibDump{feed: f} }

var ibExternal = regexp.MustCompile(`[\[(]ext \d+[\])]`)

func (d *ibDump) end() {}

func (d *ibDump) take(line []byte) bool {
	if len(line) == 0 || line[0] == '#' {
		return true
	}
	switch line[0] {
	case 'v', 'd', 's', 'c', 'r':
		return bytes.Contains(line, []byte("=0x"))
	case 'S', 'C', 'R':
		m := ibNode.FindSubmatch(line)
		if m == nil {
			d.wrong("expected a node as in Switch 41 \"S-guid\" # \"name\" … lid N, found %q", clip(line))
			return bytes.HasPrefix(line, []byte("Switch")) || bytes.HasPrefix(line, []byte("Ca"))
		}
		d.node = End{Type: ibTypes[string(m[1])], ID: "0x" + strings.ToLower(string(m[4])), Name: string(m[5])}
		if len(m[6]) > 0 {
			d.node.LID = d.num(m[6], "lid")
		}
		e := &Edge{From: d.node, Type: "node"}
		e.More = []Field{{Name: "ports", Value: d.num(m[2], "ports")}}
		d.emit(e)
		return true
	case '[':
		if bytes.Contains(line, []byte("[ext ")) || bytes.Contains(line, []byte("(ext ")) { // the number on the front panel
			line = ibExternal.ReplaceAll(line, nil)
		}
		if e := d.plainPort(line); e != nil {
			d.emit(e)
			return true
		}
		m := ibPort.FindSubmatch(line)
		if m == nil {
			d.wrong("expected a port as in [1] \"S-guid\"[2] # \"name\" lid N 4xHDR, found %q", clip(line))
			return true
		}
		if d.node.ID == "" {
			d.wrong("a port before any node: the file is cut at its beginning")
			return true
		}
		e := &Edge{From: d.node, Type: "InfiniBand", State: "active", To: End{Type: ibTypes[string(m[3])], ID: "0x" + strings.ToLower(string(m[4])), Name: string(m[8]), Port: d.num(m[5], "port"), LID: d.num(m[9], "lid")}}
		e.From.Port = d.num(m[1], "port")
		if len(m[7]) > 0 {
			e.From.LID = d.num(m[7], "lid")
		}
		ibLink(e, string(m[10]), string(m[11]))
		d.emit(e)
		return true
	}
	return false
}

// plainPort reads the usual form of a port without the regular expression, which is
// ten times slower; nil is another form.
func (d *ibDump) plainPort(line []byte) *Edge {
	cut := func(sep string) []byte {
		i := bytes.Index(line, []byte(sep))
		if i < 0 {
			line = nil
			return nil
		}
		part := line[:i]
		line = line[i+len(sep):]
		return part
	}
	line = line[1:]
	port := cut("]")
	blank := cut(`"`)
	kind := cut("-")
	guid := cut(`"[`)
	far := cut("]")
	skipped := cut(`"`) // (portguid), blanks, #, and for adapters the own lid
	name := cut(`" lid `)
	lid := cut(" ")
	width := cut("x")
	if line == nil || d.node.ID == "" || len(bytes.TrimSpace(blank)) > 0 || len(kind) != 1 || !isDigits(port) || !isDigits(far) || !isDigits(lid) || !isDigits(width) || bytes.Contains(skipped, []byte("lid")) || bytes.Contains(skipped, []byte("ext")) {
		return nil
	}
	speed := line
	if i := bytes.IndexByte(speed, ' '); i >= 0 {
		speed = speed[:i]
	}
	e := &Edge{From: d.node, Type: "InfiniBand", State: "active", To: End{Type: ibTypes[string(kind)], ID: "0x" + strings.ToLower(string(guid)), Name: string(name), Port: d.num(far, "port"), LID: d.num(lid, "lid")}}
	e.From.Port = d.num(port, "port")
	ibLink(e, string(width), string(speed))
	return e
}

// ibPorts reads `ibnetdiscover -p`: one row per port.
type ibPorts struct{ *feed }

var ibRow = regexp.MustCompile(`^(SW|CA|RT)\s+(\d+)\s+(\d+)\s+0x([0-9a-fA-F]+)\s+(\d+)x\s+(\S+)(?:\s+-\s+(SW|CA|RT)\s+(\d+)\s+(\d+)\s+0x([0-9a-fA-F]+)\s+\(\s*'([^']*)'\s*-\s*'([^']*)'\s*\)|\s+'([^']*)')`)

func startsIBPorts(line []byte) bool {
	return len(line) > 20 && (line[0] == 'S' && line[1] == 'W' || line[0] == 'C' && line[1] == 'A' || line[0] == 'R' && line[1] == 'T') && line[2] == ' ' && ibRow.Match(line)
}

func openIBPorts(f *feed) lineReader { return &ibPorts{f} }

func (p *ibPorts) end() {}

func (p *ibPorts) take(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	m := ibRow.FindSubmatch(line)
	if m == nil {
		if len(line) > 3 && line[2] == ' ' && (line[0] == 'S' || line[0] == 'C' || line[0] == 'R') && bytes.Contains(line, []byte("0x")) {
			p.wrong("expected SW lid port guid 4x EDR - CA lid port guid ( 'a' - 'b' ), found %q", clip(line))
			return true
		}
		return false
	}
	e := &Edge{Type: "InfiniBand", From: End{Type: ibTypes[string(m[1])], LID: p.num(m[2], "lid"), Port: p.num(m[3], "port"), ID: "0x" + strings.ToLower(string(m[4])), Name: string(m[11])}}
	if len(m[7]) == 0 {
		e.From.Name, e.State = string(m[13]), "down"
	} else {
		e.State = "active"
		e.To = End{Type: ibTypes[string(m[7])], LID: p.num(m[8], "lid"), Port: p.num(m[9], "port"), ID: "0x" + strings.ToLower(string(m[10])), Name: string(m[12])}
	}
	if speed := string(m[6]); speed != "???" {
		ibLink(e, string(m[5]), speed)
	} else {
		e.Lanes = p.num(m[5], "width")
	}
	p.emit(e)
	return true
}

// ibLinkInfo reads iblinkinfo. The rate that it prints is of one lane.
type ibLinkInfo struct {
	*feed
	node string
	typ  string
}

var ibInfo = regexp.MustCompile(`^(?:0x([0-9a-fA-F]+)\s+"([^"]*)"\s+)?\s*(\d+)\s+(\d+)\[[ \d]*\]\s*==\(\s*([^)]*)\)==>\s*(?:0x([0-9a-fA-F]+)\s+)?(\d*)\s*(\d*)\[[ \d]*\]\s*"([^"]*)"`)

func startsIBLinkInfo(line []byte) bool {
	return bytes.Contains(line, []byte("]")) && bytes.Contains(line, []byte("==(")) && bytes.Contains(line, []byte(")==>")) || bytes.HasPrefix(line, []byte("Switch: 0x"))
}

func openIBLinkInfo(f *feed) lineReader { return &ibLinkInfo{feed: f} }

func (i *ibLinkInfo) end() {}

func (i *ibLinkInfo) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	switch {
	case text == "":
		return true
	case strings.HasPrefix(text, "Switch:") || strings.HasPrefix(text, "CA:") || strings.HasPrefix(text, "Switch 0x") || strings.HasPrefix(text, "RT:"):
		i.typ, i.node, _ = strings.Cut(strings.TrimSuffix(text, ":"), " ")
		i.typ = map[string]string{"Switch:": "switch", "Switch": "switch", "CA:": "adapter", "RT:": "router"}[i.typ]
		return true
	case !strings.Contains(text, "==("):
		return false
	}
	m := ibInfo.FindStringSubmatch(text)
	if m == nil {
		i.wrong("expected lid port[ ] ==( 4X 53.125 Gbps Active/ LinkUp)==> lid port[ ] \"name\", found %q", clip(line))
		return true
	}
	e := &Edge{Type: "InfiniBand", From: End{Type: i.typ, LID: i.num([]byte(m[3]), "lid"), Port: i.num([]byte(m[4]), "port")}}
	if id, name, ok := strings.Cut(i.node, " "); ok {
		e.From.ID, e.From.Name = id, strings.Trim(strings.TrimSuffix(name, ":"), " \"")
	}
	if m[1] != "" {
		e.From.ID, e.From.Name = "0x"+strings.ToLower(m[1]), m[2]
	}
	w := strings.Fields(m[5])
	state := m[5]
	if len(w) >= 3 && strings.HasSuffix(strings.ToUpper(w[0]), "X") && w[2] == "Gbps" {
		e.Lanes = i.num([]byte(strings.TrimRight(w[0], "xX")), "width")
		if rate := i.num([]byte(w[1]), "rate of a lane"); rate.Known {
			e.LaneBitsPerSec = rate.Times(1e9)
			for name, s := range ibSpeeds {
				if d := s.lane - rate.V*1e9; d < 1e6 && d > -1e6 {
					e.Speed = name
					e.BytesPerSec = Is(e.Lanes.V * s.data / 8)
				}
			}
		}
		state = strings.Join(w[3:], " ")
	}
	e.State = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(state), " ", ""))
	if m[7] != "" {
		e.To = End{ID: m[6], LID: i.num([]byte(m[7]), "lid"), Port: i.num([]byte(m[8]), "port"), Name: m[9]}
		if m[6] != "" {
			e.To.ID = "0x" + strings.ToLower(m[6])
		}
	}
	i.emit(e)
	return true
}

// perfquery reads port counters; XmitData and RcvData count words of 4 bytes.
type perfquery struct {
	*feed
	c     *Counters
	line0 int
}

func startsPerfquery(line []byte) bool {
	return bytes.HasPrefix(line, []byte("# Port ")) && bytes.Contains(line, []byte("counters:"))
}

func openPerfquery(f *feed) lineReader { return &perfquery{feed: f} }

func (p *perfquery) end() {
	if p.c != nil {
		p.emitAt(p.line0, p.c)
		p.c = nil
	}
}

func (p *perfquery) take(line []byte) bool {
	if startsPerfquery(line) {
		p.end()
		p.c, p.line0 = &Counters{Object: "InfiniBand port"}, p.line
		w := strings.Fields(string(line))
		for i, x := range w[:len(w)-1] {
			switch strings.ToLower(x) {
			case "lid":
				p.c.LID = p.num([]byte(w[i+1]), "lid")
			case "port":
				if isDigits([]byte(w[i+1])) {
					p.c.Port = p.num([]byte(w[i+1]), "port")
				}
			}
		}
		return true
	}
	if len(line) == 0 {
		return true
	}
	name, value, ok := strings.Cut(string(line), ":")
	value = strings.TrimLeft(value, ".")
	if !ok || p.c == nil || !strings.Contains(string(line), "..") {
		return false
	}
	if strings.HasPrefix(value, "0x") || name == "PortSelect" {
		return true
	}
	v := p.num([]byte(value), name)
	switch name {
	case "PortXmitData", "XmtData", "XmitData":
		p.c.TxBytes = v.Times(4)
	case "PortRcvData", "RcvData":
		p.c.RxBytes = v.Times(4)
	default:
		if v.Known {
			p.c.Values = append(p.c.Values, Field{Name: name, Value: v})
		}
	}
	return true
}

// ibSwInfo reads ibswinfo: the inventory of a switch.
type ibSwInfo struct {
	*feed
	d     *Device
	group string
	line0 int
	watts float64
	psus  int
	title string
}

func startsIBSwInfo(line []byte) bool { return bytes.HasPrefix(line, []byte("part number        |")) }

func openIBSwInfo(f *feed) lineReader { return &ibSwInfo{feed: f, d: &Device{}, line0: f.line} }

func (s *ibSwInfo) end() {
	if s.psus > 0 {
		s.d.PowerWatts = Is(s.watts)
	}
	s.emitAt(s.line0, s.d)
}

func (s *ibSwInfo) take(line []byte) bool {
	text := strings.TrimSpace(string(line))
	if text == "" || text[0] == '-' || text[0] == '=' {
		return true
	}
	key, value, ok := strings.Cut(text, "|")
	if !ok {
		return false
	}
	indented := line[0] == ' '
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !indented {
		s.group, _, _ = strings.Cut(key, " ")
	}
	switch {
	case key == "product name":
		s.d.Name = value
	case key == "GUID":
		s.d.UUID = value
	case key == "firmware version":
		s.version = value
	case key == "temperature (C)":
		s.d.Celsius = s.num([]byte(value), key)
	case key == "power (W)":
		if v := s.num([]byte(value), key); v.Known {
			s.watts += v.V
			s.psus++
			s.d.More = append(s.d.More, Field{Name: s.group + " power", Value: v, Unit: "W"})
		}
	default:
		if indented {
			key = s.group + " " + key
		}
		if f, ok := fieldOf(key, []byte(value)); ok {
			if i := strings.IndexByte(key, '('); i > 0 && f.Value.Known {
				f.Name, f.Unit = strings.TrimSpace(key[:i]), strings.Trim(key[i:], "()")
			}
			s.d.More = append(s.d.More, f)
		}
	}
	return true
}
