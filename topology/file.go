package topology

import (
	"bufio"
	"fmt"
	"math"
	"strconv"
	"strings"

	"aisim/internal/units"
)

// File is a fabric as a file lists it: switches, hosts with their NICs, and cables.
type File struct {
	Format   string // "aisim", "ibnetdiscover" or "ibnetdiscover -p"
	Switches []FileSwitch
	Hosts    []FileHost
	Cables   []FileCable
	Findings []Finding // what the file itself says is odd: ports without a peer, cables seen from one end
}

// FileSwitch is one switch; Ports is 0 where the file does not say.
type FileSwitch struct {
	Name  string
	Ports int
	Line  int
}

// FileHost is one host with the names of its NICs.
type FileHost struct {
	Name string
	NICs []string
	Line int
}

// FileCable joins two ends, at least one of them a switch. A latency of −1 takes the Spec's.
type FileCable struct {
	A, B        FileEnd
	BytesPerSec float64
	LatencySec  float64
	Line        int
}

// FileEnd is a switch, or a NIC of a host.
type FileEnd struct {
	Host  bool
	Index int // of the switch or host in the File
	NIC   int
	Port  int // 0 where the file does not say
}

// FileError is a line of a fabric file that cannot be read and what was expected there.
type FileError struct {
	Line int
	Want string
	Got  string
}

// Error gives the line, what it holds and what was expected.
func (e *FileError) Error() string {
	if e.Got == "" {
		return fmt.Sprintf("topology: line %d: %s", e.Line, e.Want)
	}
	got := e.Got
	if len(got) > 100 {
		got = got[:100] + "…"
	}
	return fmt.Sprintf("topology: line %d: want %s, found %q", e.Line, e.Want, got)
}

// Limits of a fabric file.
const (
	maxFileBytes = 512 << 20
	maxFileItems = 1 << 21
)

// ParseFile reads a fabric file: aisim's own format, or the output of ibnetdiscover with
// or without -p, told apart by their first line that is not a comment.
//
// aisim's format has one statement a line and comments after #:
//
//	rate 400Gb/s              of the cables below
//	latency 500ns             of the cables below
//	switch NAME [PORTS]
//	host NAME [NICS]          NICS is 1 unless said
//	cable A B [xN] [RATE] [LATENCY]
//
// The ends of a cable are switches, hosts (their next free NIC) or NICs (HOST.nic-0).
func ParseFile(text string) (*File, error) {
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("topology: a fabric file of %d bytes is over %d", len(text), maxFileBytes)
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		n++
		s := strings.TrimSpace(lines.Text())
		if s == "" || s[0] == '#' {
			continue
		}
		word, _, _ := strings.Cut(s, " ")
		switch {
		case strings.HasPrefix(s, "vendid=") || strings.HasPrefix(s, "devid=") || strings.HasPrefix(s, "sysimgguid=") || strings.HasPrefix(s, "switchguid=") || strings.HasPrefix(s, "caguid="):
			return parseDiscover(text)
		case word == "CA" || word == "SW" || word == "RT":
			return parseDiscoverPorts(text)
		case word == "rate" || word == "latency" || word == "switch" || word == "host" || word == "cable":
			return parseOwn(text)
		}
		return nil, &FileError{n, "a statement (rate, latency, switch, host or cable), or the output of ibnetdiscover: a block that begins with vendid=, or with -p a row that begins with CA or SW", s}
	}
	if err := lines.Err(); err != nil {
		return nil, &FileError{n + 1, "a line of less than 1 MiB", err.Error()}
	}
	return nil, &FileError{max(n, 1), "the file is empty: want statements (switch, host, cable) or the output of ibnetdiscover", ""}
}

// ownParser reads aisim's format.
type ownParser struct {
	file    *File
	line    int
	rate    float64
	latency float64
	byName  map[string]FileEnd
	ports   []int           // taken, per switch
	cabled  map[FileEnd]int // line of a NIC's cable
	next    map[int]int     // next NIC of a host
}

func parseOwn(text string) (*File, error) {
	p := ownParser{file: &File{Format: "aisim"}, latency: -1, byName: map[string]FileEnd{}, cabled: map[FileEnd]int{}, next: map[int]int{}}
	for line := range strings.Lines(text) {
		p.line++
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if err := p.statement(f); err != nil {
			return nil, err
		}
	}
	for i, h := range p.file.Hosts {
		for k := range h.NICs {
			if _, ok := p.cabled[FileEnd{Host: true, Index: i, NIC: k}]; !ok {
				return nil, &FileError{h.Line, fmt.Sprintf("host %s is disconnected: its %s has no cable", h.Name, h.NICs[k]), ""}
			}
		}
	}
	return p.file, nil
}

func (p *ownParser) fail(want string, got []string) error {
	return &FileError{p.line, want, strings.Join(got, " ")}
}

func (p *ownParser) statement(f []string) error {
	switch f[0] {
	case "rate", "latency":
		if len(f) != 2 {
			return p.fail(f[0]+" VALUE, as in rate 400Gb/s or latency 500ns", f)
		}
		if f[0] == "rate" {
			return p.readRate(f[1], &p.rate)
		}
		return p.readLatency(f[1], &p.latency)
	case "switch", "host":
		return p.element(f)
	case "cable":
		return p.cable(f)
	}
	return p.fail("rate, latency, switch, host or cable", f)
}

func (p *ownParser) readRate(s string, to *float64) error {
	v, err := units.Parse(s, units.BytesPerSec)
	if err != nil || !(v > 0) || math.IsInf(v, 0) {
		return p.fail("a positive and finite rate such as 400Gb/s", []string{s})
	}
	*to = v
	return nil
}

func (p *ownParser) readLatency(s string, to *float64) error {
	v, err := units.Parse(s, units.Time)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return p.fail("a finite latency such as 500ns", []string{s})
	}
	*to = v
	return nil
}

func (p *ownParser) element(f []string) error {
	want := "switch NAME [PORTS]"
	if f[0] == "host" {
		want = "host NAME [NICS]"
	}
	count := 0
	if len(f) == 3 {
		var err error
		if count, err = strconv.Atoi(f[2]); err != nil || count < 1 || count > 4096 {
			return p.fail(want+" with a number from 1 to 4096", f)
		}
	}
	if len(f) < 2 || len(f) > 3 {
		return p.fail(want, f)
	}
	name := f[1]
	if strings.ContainsAny(name, ":.") {
		return p.fail("a name without : and .", f)
	}
	if _, taken := p.byName[name]; taken {
		return p.fail("a new name ("+name+" is taken)", f)
	}
	if f[0] == "switch" {
		p.byName[name] = FileEnd{Index: len(p.file.Switches)}
		p.file.Switches = append(p.file.Switches, FileSwitch{name, count, p.line})
		p.ports = append(p.ports, 0)
		return nil
	}
	h := FileHost{Name: name, Line: p.line}
	for i := range max(count, 1) {
		h.NICs = append(h.NICs, fmt.Sprintf("nic-%d", i))
	}
	p.byName[name] = FileEnd{Host: true, Index: len(p.file.Hosts), NIC: -1}
	p.file.Hosts = append(p.file.Hosts, h)
	if len(p.file.Hosts)+len(p.file.Switches) > maxFileItems {
		return p.fail(fmt.Sprintf("at most %d elements", maxFileItems), nil)
	}
	return nil
}

func (p *ownParser) cable(f []string) error {
	if len(f) < 3 {
		return p.fail("cable A B [xN] [RATE] [LATENCY]", f)
	}
	c := FileCable{BytesPerSec: p.rate, LatencySec: p.latency, Line: p.line}
	n := 1
	for _, w := range f[3:] {
		var err error
		switch {
		case w[0] == 'x':
			if n, err = strconv.Atoi(w[1:]); err != nil || n < 1 || n > 4096 {
				return p.fail("a number of parallel cables from x1 to x4096", []string{w})
			}
		case strings.Contains(w, "/s"):
			err = p.readRate(w, &c.BytesPerSec)
		default:
			err = p.readLatency(w, &c.LatencySec)
		}
		if err != nil {
			return err
		}
	}
	if c.BytesPerSec == 0 {
		return p.fail("a rate in this cable, or a rate statement above it", f)
	}
	for range n {
		var err error
		if c.A, err = p.end(f[1]); err != nil {
			return err
		}
		if c.B, err = p.end(f[2]); err != nil {
			return err
		}
		if c.A.Host && c.B.Host || c.A == c.B {
			return p.fail("a cable between two switches, or a host and a switch", f)
		}
		p.file.Cables = append(p.file.Cables, c)
		if len(p.file.Cables) > maxFileItems {
			return p.fail(fmt.Sprintf("at most %d cables", maxFileItems), nil)
		}
	}
	return nil
}

// end resolves one end of a cable and takes its port.
func (p *ownParser) end(name string) (FileEnd, error) {
	host, nic, dotted := strings.Cut(name, ".")
	e, ok := p.byName[host]
	if !ok || dotted && !e.Host {
		return e, p.fail("a switch, a host or a NIC (HOST.nic-0) that a line above names", []string{name})
	}
	if !e.Host {
		s := &p.file.Switches[e.Index]
		if p.ports[e.Index]++; s.Ports > 0 && p.ports[e.Index] > s.Ports {
			return e, &FileError{p.line, fmt.Sprintf("switch %s has %d ports and this is cable %d", s.Name, s.Ports, p.ports[e.Index]), ""}
		}
		return e, nil
	}
	h := &p.file.Hosts[e.Index]
	e.NIC = p.next[e.Index]
	if dotted {
		kind, i, ok := cutNumber(nic)
		if !ok || kind != "nic" {
			return e, p.fail("a NIC such as "+host+".nic-0", []string{name})
		}
		e.NIC = i
	} else {
		for ; p.cabled[e] > 0; e.NIC++ {
		}
		p.next[e.Index] = e.NIC
	}
	if e.NIC >= len(h.NICs) {
		return e, &FileError{p.line, fmt.Sprintf("host %s has %d NICs and this cable wants nic-%d", host, len(h.NICs), e.NIC), ""}
	}
	if at := p.cabled[e]; at > 0 {
		return e, &FileError{p.line, fmt.Sprintf("%s.nic-%d has a cable already, on line %d", host, e.NIC, at), ""}
	}
	p.cabled[e] = p.line
	return e, nil
}
