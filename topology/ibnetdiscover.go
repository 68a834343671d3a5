package topology

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// laneGbps is the data rate of one lane in Gb/s: the signalling rate less its line code
// (8b/10b up to QDR, 64b/66b from FDR10 on; NDR and XDR as their data rates are given).
var laneGbps = map[string]float64{
	"SDR": 2, "DDR": 4, "QDR": 8, "FDR10": 10, "FDR": 14.0625 * 64 / 66, "EDR": 25, "HDR": 50, "NDR": 100, "XDR": 200,
}

func laneRate(width, speed string) (bytesPerSec float64, ok bool) {
	lanes, err := strconv.Atoi(width)
	gbps, known := laneGbps[speed]
	if err != nil || !known || lanes < 1 || lanes > 12 {
		return 0, false
	}
	return float64(lanes) * gbps * 1e9 / 8, true
}

// ibPort is one port of one element as ibnetdiscover writes it.
type ibPort struct {
	guid string // with the element's kind before it
	port int
}

type ibLink struct {
	from, to    ibPort
	bytesPerSec float64
	line        int
}

// ibNode is one switch or channel adapter.
type ibNode struct {
	guid, name string
	isSwitch   bool
	ports      int
	line       int // of its own block or first row as the near end; 0 when only named as a peer
	named      int // line that names it first
}

// ibFabric gathers nodes and links in file order.
type ibFabric struct {
	nodes  []ibNode
	byGUID map[string]int
	links  []ibLink
	at     map[ibPort]int // index of the link that leaves a port
	found  []Finding
}

func newIBFabric() *ibFabric {
	return &ibFabric{byGUID: map[string]int{}, at: map[ibPort]int{}}
}

func (f *ibFabric) node(guid, name string, isSwitch bool, line int) *ibNode {
	i, ok := f.byGUID[guid]
	if !ok {
		i = len(f.nodes)
		f.byGUID[guid] = i
		f.nodes = append(f.nodes, ibNode{guid: guid, name: name, isSwitch: isSwitch, named: line})
	}
	if f.nodes[i].name == "" {
		f.nodes[i].name = name
	}
	return &f.nodes[i]
}

func (f *ibFabric) link(l ibLink) error {
	if k, taken := f.at[l.from]; taken {
		return &FileError{l.line, fmt.Sprintf("port %d of %s is listed a second time: it is on line %d already", l.from.port, f.nodes[f.byGUID[l.from.guid]].name, f.links[k].line), ""}
	}
	f.at[l.from] = len(f.links)
	f.links = append(f.links, l)
	if len(f.links) > maxFileItems {
		return &FileError{l.line, fmt.Sprintf("more than %d ports", maxFileItems), ""}
	}
	return nil
}

var (
	ibKey  = regexp.MustCompile(`^(vendid|devid|sysimgguid|switchguid|caguid|rtguid)=0x[0-9a-fA-F]+(\([0-9a-fA-F]+\))?$`)
	ibHead = regexp.MustCompile(`^(Switch|Ca|Rt)\s+(\d+)\s+"([SHR]-[0-9a-fA-F]+)"\s*#\s*"(.*)"(.*)$`)
	ibSw   = regexp.MustCompile(`^ (?:base|enhanced) port 0 lid \d+ lmc \d+$`)
	ibLine = regexp.MustCompile(`^\[(\d+)\](?:\[ext \d+\])?(?:\([0-9a-fA-F]+\))?\s+"([SHR]-[0-9a-fA-F]+)"\[(\d+)\](?:\[ext \d+\])?(?:\([0-9a-fA-F]+\))?\s*#\s*(?:lid \d+ lmc \d+ )?"(.*)" lid \d+ (\d+)x([A-Z]+\d*)(?: [a-z]=\d+)*$`)
	ibRow  = regexp.MustCompile(`^(CA|SW|RT)\s+\d+\s+(\d+)\s+0x([0-9a-fA-F]+)\s+(\d+)x\s+(\S+)\s+-\s+(CA|SW|RT)\s+\d+\s+(\d+)\s+0x([0-9a-fA-F]+)\s+\(\s*'(.*)' - '(.*)'\s*\)$`)
	ibOpen = regexp.MustCompile(`^(CA|SW|RT)\s+\d+\s+(\d+)\s+0x([0-9a-fA-F]+)\s+(\d+)x\s+(\S+)\s+'(.*)'$`)
)

// parseDiscover reads the full dump of ibnetdiscover: a block per switch and adapter,
// a line per cabled port.
func parseDiscover(text string) (*File, error) {
	f := newIBFabric()
	n := 0
	var block string // GUID of the block that port lines belong to
	for line := range strings.Lines(text) {
		n++
		s := strings.TrimSpace(line)
		switch {
		case s == "" || s[0] == '#':
			continue
		case s[0] == '[':
			if block == "" {
				return nil, &FileError{n, `a block's head (Switch 41 "S-…" # "name" …) before its ports`, s}
			}
			if err := f.portLine(n, block, s); err != nil {
				return nil, err
			}
		case strings.HasPrefix(s, "Switch") || strings.HasPrefix(s, "Ca") || strings.HasPrefix(s, "Rt"):
			m := ibHead.FindStringSubmatch(s)
			if m == nil || m[1] == "Switch" && !ibSw.MatchString(m[5]) || m[1] != "Switch" && strings.TrimSpace(m[5]) != "" {
				return nil, &FileError{n, `a block's head such as Switch 41 "S-0123" # "name" base port 0 lid 1 lmc 0, or Ca 1 "H-0123" # "name"`, s}
			}
			ports, err := strconv.Atoi(m[2])
			if err != nil || ports < 1 || ports > 4096 {
				return nil, &FileError{n, "1 to 4096 ports", s}
			}
			node := f.node(m[3], m[4], m[1] != "Ca", n)
			if node.line > 0 {
				return nil, &FileError{n, fmt.Sprintf("%s has a block already, on line %d", m[3], node.line), ""}
			}
			node.line, node.ports, node.name, block = n, ports, m[4], m[3]
		case ibKey.MatchString(s):
			block = ""
		default:
			return nil, &FileError{n, `a line of ibnetdiscover: vendid=0x…, a head (Switch 41 "S-…" # "name" …) or a port ([1] "H-…"[1](…) # "name" lid 1 4xHDR)`, s}
		}
	}
	for i := range f.nodes {
		x := &f.nodes[i]
		switch {
		case x.line > 0:
		case x.isSwitch:
			return nil, &FileError{n, fmt.Sprintf("the file ends without a block of switch %q (%s), which line %d names", x.name, x.guid, x.named), ""}
		default:
			f.found = append(f.found, Finding{"note", x.name, fmt.Sprintf("adapter %s is named on line %d and has no block of its own", x.guid, x.named)})
		}
	}
	return f.file("ibnetdiscover")
}

func (f *ibFabric) portLine(n int, block, s string) error {
	m := ibLine.FindStringSubmatch(s)
	if m == nil {
		return &FileError{n, `a port such as [1] "S-0123"[21] # "name" lid 226 4xHDR s=4 w=2 v=4 e=4`, s}
	}
	rate, ok := laneRate(m[5], m[6])
	if !ok {
		return &FileError{n, "a width and speed from 1xSDR to 12xXDR", m[5] + "x" + m[6]}
	}
	near := &f.nodes[f.byGUID[block]]
	a, errA := strconv.Atoi(m[1])
	b, errB := strconv.Atoi(m[3])
	if errA != nil || errB != nil || a < 1 || a > near.ports {
		return &FileError{n, fmt.Sprintf("a port of %s from 1 to %d", near.name, near.ports), s}
	}
	f.node(m[2], m[4], m[2][0] != 'H', n)
	return f.link(ibLink{ibPort{block, a}, ibPort{m[2], b}, rate, n})
}

// parseDiscoverPorts reads the output of ibnetdiscover -p: a row per port.
func parseDiscoverPorts(text string) (*File, error) {
	f := newIBFabric()
	n := 0
	for line := range strings.Lines(text) {
		n++
		s := strings.TrimSpace(line)
		if s == "" || s[0] == '#' {
			continue
		}
		if m := ibRow.FindStringSubmatch(s); m != nil {
			a, errA := strconv.Atoi(m[2])
			b, errB := strconv.Atoi(m[7])
			if errA != nil || errB != nil {
				return nil, &FileError{n, "port numbers", s}
			}
			near, far := m[1]+"-"+m[3], m[6]+"-"+m[8]
			f.own(near, m[9], m[1] != "CA", a, n)
			f.node(far, m[10], m[6] != "CA", n)
			rate, ok := laneRate(m[4], m[5])
			if !ok {
				if m[5] != "???" {
					return nil, &FileError{n, "a width and speed such as 4x EDR", m[4] + "x " + m[5]}
				}
				f.found = append(f.found, Finding{"warning", m[9], fmt.Sprintf("port %d of %s has a peer (%s) and no speed: it is left out", a, m[9], m[10])})
				continue
			}
			if err := f.link(ibLink{ibPort{near, a}, ibPort{far, b}, rate, n}); err != nil {
				return nil, err
			}
			continue
		}
		if m := ibOpen.FindStringSubmatch(s); m != nil {
			a, err := strconv.Atoi(m[2])
			if _, ok := laneRate(m[4], m[5]); err != nil || !ok && m[5] != "???" {
				return nil, &FileError{n, "a port number and a width and speed such as 4x EDR or 4x ???", s}
			}
			f.own(m[1]+"-"+m[3], m[6], m[1] != "CA", a, n)
			f.found = append(f.found, Finding{"note", m[6], fmt.Sprintf("port %d of %s has no peer (%sx %s)", a, m[6], m[4], m[5])})
			continue
		}
		return nil, &FileError{n, "a row of ibnetdiscover -p: SW lid port guid 4x EDR - CA lid port guid ( 'name' - 'name' ), or SW lid port guid 4x ??? 'name'", s}
	}
	return f.file("ibnetdiscover -p")
}

// own notes a row's near end.
func (f *ibFabric) own(guid, name string, isSwitch bool, port, line int) {
	x := f.node(guid, name, isSwitch, line)
	if x.line == 0 {
		x.line = line
	}
	x.ports = max(x.ports, port)
}

// file checks both ends of every cable against each other and names hosts and NICs.
func (f *ibFabric) file(format string) (*File, error) {
	out := &File{Format: format, Findings: f.found}
	end := make([]FileEnd, len(f.nodes)) // of port 1 for adapters
	names := map[string]int{}
	hosts := map[string]int{}
	skip := make([]bool, len(f.nodes))
	for i := range f.nodes {
		x := &f.nodes[i]
		if x.name == "" {
			x.name = x.guid
		}
		if x.isSwitch {
			name := x.name
			if names[name]++; names[name] > 1 {
				name += " " + x.guid // two boxes of one name
			}
			end[i] = FileEnd{Index: len(out.Switches)}
			ports := x.ports
			if format != "ibnetdiscover" {
				ports = 0 // rows list what is seen, not what there is
			}
			out.Switches = append(out.Switches, FileSwitch{name, ports, x.named})
			continue
		}
		if skip[i] = strings.Contains(x.name, "Aggregation Node"); skip[i] {
			out.Findings = append(out.Findings, Finding{"note", x.name, fmt.Sprintf("%s (%s) is a switch's own aggregation engine and no host", x.name, x.guid)})
			continue
		}
		host, _, _ := strings.Cut(x.name, " ")
		h, ok := hosts[host]
		if !ok {
			h = len(out.Hosts)
			hosts[host] = h
			out.Hosts = append(out.Hosts, FileHost{Name: host, Line: x.named})
		}
		end[i] = FileEnd{Host: true, Index: h}
	}
	type nic struct {
		host int
		name string
		port ibPort
	}
	var nics []nic
	seen := map[ibPort]bool{}
	adapter := func(p ibPort) {
		i := f.byGUID[p.guid]
		if f.nodes[i].isSwitch || skip[i] || seen[p] {
			return
		}
		seen[p] = true
		_, name, _ := strings.Cut(f.nodes[i].name, " ")
		if name = strings.TrimSpace(name); name == "" {
			name = "nic"
		}
		if p.port > 1 {
			name += fmt.Sprintf("/%d", p.port)
		}
		nics = append(nics, nic{end[i].Index, name, p})
	}
	for _, l := range f.links {
		adapter(l.from)
		adapter(l.to)
	}
	slices.SortStableFunc(nics, func(a, b nic) int {
		return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	nicOf := map[ibPort]int{}
	for _, x := range nics {
		h := &out.Hosts[x.host]
		nicOf[x.port] = len(h.NICs)
		name := x.name
		if slices.Contains(h.NICs, name) {
			name += fmt.Sprintf("-%d", len(h.NICs))
		}
		h.NICs = append(h.NICs, name)
	}
	for k, l := range f.links {
		a, b := f.byGUID[l.from.guid], f.byGUID[l.to.guid]
		rate := l.bytesPerSec
		if back, ok := f.at[l.to]; ok {
			o := f.links[back]
			if o.to != l.from {
				return nil, &FileError{max(l.line, o.line), fmt.Sprintf("port %d of %s is cabled to port %d of %s on line %d, but that port's own line %d names port %d of %s",
					l.from.port, f.nodes[a].name, l.to.port, f.nodes[b].name, l.line, o.line, o.to.port, f.nodes[f.byGUID[o.to.guid]].name), ""}
			}
			if back < k {
				continue // the other end has brought the cable
			}
			if o.bytesPerSec != rate {
				out.Findings = append(out.Findings, Finding{"warning", f.nodes[a].name, fmt.Sprintf("the cable of port %d of %s runs at another speed on line %d than on line %d: the lower counts", l.from.port, f.nodes[a].name, l.line, o.line)})
				rate = min(rate, o.bytesPerSec)
			}
		} else if f.nodes[b].line > 0 && !skip[b] {
			out.Findings = append(out.Findings, Finding{"warning", f.nodes[b].name, fmt.Sprintf("missing link: port %d of %s is named on line %d and not in the lines of %s itself", l.to.port, f.nodes[b].name, l.line, f.nodes[b].name)})
		}
		if skip[a] || skip[b] {
			continue
		}
		if a == b {
			out.Findings = append(out.Findings, Finding{"warning", f.nodes[a].name, fmt.Sprintf("port %d of %s is cabled to its own port %d: left out", l.from.port, f.nodes[a].name, l.to.port)})
			continue
		}
		if !f.nodes[a].isSwitch && !f.nodes[b].isSwitch {
			return nil, &FileError{l.line, "a cable with a switch at one end", f.nodes[a].name + " to " + f.nodes[b].name}
		}
		c := FileCable{A: end[a], B: end[b], BytesPerSec: rate, LatencySec: -1, Line: l.line}
		c.A.Port, c.B.Port = l.from.port, l.to.port
		c.A.NIC, c.B.NIC = nicOf[l.from], nicOf[l.to]
		out.Cables = append(out.Cables, c)
	}
	out.Hosts = slices.Clip(out.Hosts)
	return out.withoutBareHosts(), nil
}

// withoutBareHosts drops hosts that no cable reaches and says so.
func (f *File) withoutBareHosts() *File {
	to := make([]int, len(f.Hosts))
	kept := f.Hosts[:0:0]
	for i, h := range f.Hosts {
		to[i] = len(kept)
		if len(h.NICs) == 0 {
			f.Findings = append(f.Findings, Finding{"error", h.Name, fmt.Sprintf("host %s is disconnected: none of its adapters has a cable", h.Name)})
			continue
		}
		kept = append(kept, h)
	}
	f.Hosts = kept
	for i := range f.Cables {
		for _, e := range []*FileEnd{&f.Cables[i].A, &f.Cables[i].B} {
			if e.Host {
				e.Index = to[e.Index]
			}
		}
	}
	return f
}
