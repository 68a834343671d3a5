package ingest

import (
	"bytes"
	"math"
	"strings"
)

// nccl reads the table of nccl-tests and rccl-tests. There are at least three
// layouts: the old one without group and root and with "error" for "#wrong", the
// common one, and the one with columns for every iteration (-I). So columns are
// found by the header's names. A blank redop (the old all-to-all) leaves a row one
// word short.
type nccl struct {
	*feed
	op      string // from a command line or "Collective test starting"
	named   bool   // the operation was named since the last table
	ranks   map[string]bool
	hosts   map[string]bool // of the ranks
	device  string
	mixed   bool
	before  []string    // columns ahead of the two groups
	groups  [2][]string // columns of each group
	units   [2][]float64
	scale   map[string]float64
	place   [2]string
	words   [][]byte
	waiting []ncclRow // rows read before the operation was known
	told    bool
	rows    int
	rcclish bool
	slab    []Collective
}

type ncclRow struct {
	line int
	pair [2]*Collective
	n    int
}

func startsNCCL(line []byte) bool {
	i := bytes.IndexByte(line[:min(len(line), 16)], '#')
	if i < 0 {
		return len(line) < 2000 && bytes.Contains(line, []byte("_perf")) && ncclOp(line) != "" && bytes.Contains(line, []byte(" -"))
	}
	if !ncclHash(line[:i]) {
		return false
	}
	line = line[i:]
	return bytes.HasPrefix(line, []byte("# nThread ")) || bytes.HasPrefix(line, []byte("# Using devices")) || (bytes.HasPrefix(line, []byte("# nccl-tests")) || bytes.HasPrefix(line, []byte("# rccl-tests"))) && bytes.Contains(line, []byte("ersion")) ||
		bytes.HasPrefix(line, []byte("# Collective test starting")) || bytes.Contains(line, []byte("algbw")) && bytes.Contains(line, []byte("busbw"))
}

var ncclOps = []struct{ word, op string }{
	{"all_reduce", "all_reduce"}, {"allreduce", "all_reduce"}, {"reduce_scatter", "reduce_scatter"}, {"reducescatter", "reduce_scatter"},
	{"all_gather", "all_gather"}, {"allgather", "all_gather"}, {"all_to_allv", "all_to_all_v"}, {"alltoallv", "all_to_all_v"}, {"all_to_all", "all_to_all"}, {"alltoall", "all_to_all"},
	{"broadcast", "broadcast"}, {"sendrecv", "send_recv"}, {"send_recv", "send_recv"}, {"hypercube", "hypercube"},
	{"gather", "gather"}, {"scatter", "scatter"}, {"reduce", "reduce"}, {"barrier", "barrier"},
	{"send", "send_recv"}, {"recv", "send_recv"},
}

// opName is the operation that a word names in any tool's spelling.
func opName(s string) string {
	s = strings.ToLower(s)
	for _, o := range ncclOps {
		if strings.Contains(s, o.word) {
			return o.op
		}
	}
	return ""
}

// ncclOp is the operation of the program that a line names.
func ncclOp(line []byte) string {
	i := bytes.Index(line, []byte("_perf"))
	if i < 0 {
		return ""
	}
	start := i
	for start > 0 && (line[start-1] >= 'a' && line[start-1] <= 'z' || line[start-1] == '_') {
		start--
	}
	return opName(string(line[start:i]))
}

func openNCCL(f *feed) lineReader {
	return &nccl{feed: f, ranks: map[string]bool{}, hosts: map[string]bool{}, scale: map[string]float64{}}
}

func (n *nccl) end() {
	if n.rows > 0 || len(n.waiting) > 0 {
		n.flush(true)
	}
}

func (n *nccl) take(line []byte) bool {
	if i := bytes.IndexByte(line[:min(len(line), 16)], '#'); i >= 0 && ncclHash(line[:i]) {
		n.header(line[i:])
		return true
	}
	if n.before == nil {
		if op := ncclOp(line); op != "" {
			n.op, n.named = op, true
			return true
		}
		return len(line) == 0
	}
	w := fields(line, n.words)
	n.words = w
	if len(w) > 1 && len(w[0]) > 1 && w[0][len(w[0])-1] == ':' && isDigits(w[0][:len(w[0])-1]) { // srun --label
		w = w[1:]
	}
	if len(w) < 2 || !isDigits(w[0]) || !isDigits(w[1]) {
		if op := ncclOp(line); op != "" && startsNCCL(line) { // the command of the next table
			n.flush(n.rows > 0)
			n.op, n.named, n.before, n.rows = op, true, nil, 0
			return true
		}
		return len(line) == 0
	}
	n.row(w)
	return true
}

// ncclHash says whether what stands before a # is nothing or a label.
func ncclHash(b []byte) bool {
	b = bytes.TrimSpace(b)
	return len(b) == 0 || b[len(b)-1] == ':' && isDigits(b[:len(b)-1])
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

func (n *nccl) header(line []byte) {
	text := string(line)
	w := strings.Fields(strings.TrimLeft(text, "#"))
	switch {
	case len(w) == 0:
	case w[0] == "nThread":
		n.flush(n.rows > 0)
		n.ranks, n.hosts, n.before, n.rows, n.told, n.device, n.mixed = map[string]bool{}, map[string]bool{}, nil, 0, false, "", false
		if !n.named { // a table of its own, of another operation
			n.op = ""
		}
		n.named = false
	case w[0] == "nccl-tests" || w[0] == "rccl-tests" || w[0] == "rccl-tests:":
		n.tool = strings.TrimSuffix(w[0], ":")
		for i, x := range w[:len(w)-1] {
			if strings.EqualFold(strings.TrimSuffix(x, ":"), "version") {
				n.version = w[i+1]
			}
		}
	case strings.Contains(text, "Collective test starting"):
		n.flush(n.rows > 0)
		n.op, n.named, n.before, n.rows = opName(w[len(w)-1]), true, nil, 0
		if op := ncclOp(line); op != "" {
			n.op = op
		}
	case w[0] == "Rank" && len(w) > 1:
		n.ranks[w[1]] = true
		for i := 2; i+2 < len(w); i++ {
			if w[i] == "on" && w[i+2] == "device" {
				n.hosts[w[i+1]] = true
			}
		}
		if i := strings.Index(text, "] "); i > 0 {
			name := strings.TrimSpace(text[strings.LastIndex(text, "] ")+2:])
			if n.device != "" && n.device != name && !n.mixed {
				n.mixed = true
				n.wrong("the ranks run on different devices, %s and %s: the records name the first", n.device, name)
			}
			if n.device == "" {
				n.device = name
			}
		}
	case strings.Contains(text, "out-of-place") || w[0] == "in-place":
		n.place = [2]string{"out-of-place", "in-place"}
		if strings.Index(text, "in-place") >= 0 && !strings.Contains(text, "out-of-place") {
			n.place = [2]string{"in-place", ""}
		}
	case strings.Contains(text, "busbw"):
		n.columns(w)
	case strings.HasPrefix(w[0], "(B)"):
		n.unitLine(w)
	case strings.HasPrefix(text, "# Out of bounds values") && len(w) > 5:
		if w[5] != "0" {
			n.wrong("nccl-tests found wrong results: %s values out of bounds", w[5])
		}
	}
}

// columns reads the names of the header: what stands before the first "time" holds
// for both groups, each "time" begins a group.
func (n *nccl) columns(w []string) {
	n.flush(n.rows > 0)
	n.before, n.groups, n.units = nil, [2][]string{}, [2][]float64{}
	g := -1
	for _, name := range w {
		if name == "time" || name == "cputime" {
			g++
		}
		switch {
		case g < 0:
			n.before = append(n.before, name)
		case g < 2:
			n.groups[g] = append(n.groups[g], name)
			n.units[g] = append(n.units[g], ncclUnit(name))
		}
	}
	if n.place[0] == "" {
		n.place = [2]string{"out-of-place", "in-place"}
	}
	n.rows = 0
}

func ncclUnit(name string) float64 {
	switch name {
	case "algbw", "busbw":
		return 1e9
	case "error", "#wrong", "N/A":
		return 1
	case "cv":
		return 0.01
	}
	return 1e-6
}

// unitLine checks the line of units under the names.
func (n *nccl) unitLine(w []string) {
	for _, u := range w {
		switch u {
		case "(B)", "(elements)", "(us)", "(GB/s)", "(%)":
		default:
			n.wrong("unknown unit %q in the header, expected (us) and (GB/s)", u)
		}
	}
}

func (n *nccl) row(w [][]byte) {
	want := len(n.before) + len(n.groups[0]) + len(n.groups[1])
	blank := false
	switch {
	case len(w) == want:
	case len(w) == want-1 && n.redopBlank(w):
		blank = true
	default:
		n.wrong("expected %d columns as in the header (%s %s …), found %d: the line is cut or mixed with another", want, strings.Join(n.before, " "), strings.Join(n.groups[0], " "), len(w))
		return
	}
	base := Collective{Op: n.op, Device: n.device}
	if len(n.ranks) > 0 {
		base.Ranks = Is(float64(len(n.ranks)))
	}
	if len(n.hosts) > 0 {
		base.Nodes = Is(float64(len(n.hosts)))
	}
	i := 0
	for _, name := range n.before {
		if name == "redop" && blank {
			continue
		}
		b := w[i]
		i++
		switch name {
		case "size":
			base.Bytes = n.num(b, name)
		case "count":
			base.Elements = n.num(b, name)
		case "type":
			base.DType = intern(b)
		case "redop":
			if string(b) != "none" {
				base.RedOp = intern(b)
			}
		case "root":
			if string(b) != "-1" {
				base.Root = n.num(b, name)
			}
		}
	}
	row := ncclRow{line: n.line}
	for g := range n.groups {
		if len(n.groups[g]) == 0 {
			continue
		}
		if len(n.slab) == 0 { // sixteen at once: most of what a row costs is its memory
			n.slab = make([]Collective, 16)
		}
		c := &n.slab[0]
		n.slab = n.slab[1:]
		*c = base
		c.Placement = n.place[g]
		for k, name := range n.groups[g] {
			b := w[i]
			i++
			v, err := number(b)
			if err != nil {
				n.wrong("%s %s: expected a number, %v", n.place[g], name, err)
				return
			}
			n.set(c, name, v.Times(n.units[g][k]))
		}
		if c.AlgBytesPerSec.V == 0 { // 0.00 GB/s is rounded away, not measured as nothing
			c.AlgBytesPerSec = Num{}
		}
		if c.BusBytesPerSec.V == 0 {
			c.BusBytesPerSec = Num{}
		}
		if c.TimeSec.Known && c.TimeSec.V <= 0 {
			n.wrong("%s time is %g µs, expected more than 0", n.place[g], c.TimeSec.V*1e6)
			return
		}
		n.consistent(c)
		row.pair[row.n] = c
		row.n++
	}
	n.rows++
	if n.op != "" && len(n.waiting) == 0 {
		n.put(row)
		return
	}
	n.waiting = append(n.waiting, row)
	if n.op == "" {
		n.guess(row.pair[0])
	}
	if n.op != "" || len(n.waiting) >= 256 {
		n.flush(false)
	}
}

// redopBlank says that a row has no reduction where the header has one: a number stands in its place.
func (n *nccl) redopBlank(w [][]byte) bool {
	for i, name := range n.before {
		if name == "redop" && i < len(w) {
			_, err := parseFloat(w[i])
			return err == nil
		}
	}
	return false
}

func hasName(names []string, want string) bool {
	for _, n := range names {
		if n == want {
			return true
		}
	}
	return false
}

func (n *nccl) set(c *Collective, name string, v Num) {
	switch name {
	case "time", "cputime":
		c.TimeSec = v
	case "algbw":
		c.AlgBytesPerSec = v
	case "busbw":
		c.BusBytesPerSec = v
	case "error", "#wrong":
		c.Wrong = v
		if name == "error" && v.Known && v.V < 1 && v.V != 0 { // a relative error, not a count
			c.Wrong = Num{}
		}
	case "min":
		c.TimesSec.Min = v
	case "max":
		c.TimesSec.Max = v
	case "avg":
		c.TimesSec.Mean = v
	case "stdev", "std":
		c.TimesSec.SD = v
	case "p50", "p95", "p99", "p90":
		if v.Known {
			p, _ := parseFloat([]byte(name[1:]))
			c.TimesSec.add(p, v)
		}
	case "cv":
		if c.TimesSec.Mean.Known && v.Known {
			c.TimesSec.SD = Is(c.TimesSec.Mean.V * v.V)
		} else if c.TimeSec.Known && v.Known {
			c.TimesSec.SD = Is(c.TimeSec.V * v.V)
		}
	}
}

// consistent compares the printed bandwidth with size over time. Both are rounded:
// times to four digits, bandwidths to 0.01 GB/s.
func (n *nccl) consistent(c *Collective) {
	if !c.Bytes.Known || !c.TimeSec.Known || !c.AlgBytesPerSec.Known || c.Bytes.V == 0 {
		return
	}
	rate := c.Bytes.V / c.TimeSec.V
	if d := math.Abs(rate - c.AlgBytesPerSec.V); d > 0.011e9+0.02*rate {
		n.wrong("contradiction: %g bytes in %g µs are %.2f GB/s, the row says algbw %.2f GB/s", c.Bytes.V, c.TimeSec.V*1e6, rate/1e9, c.AlgBytesPerSec.V/1e9)
	}
}

// guess tells the operation from the ratio of bus to algorithm bandwidth and from
// the columns, since the table does not name it.
func (n *nccl) guess(c *Collective) {
	if c == nil || !c.AlgBytesPerSec.Known || c.AlgBytesPerSec.V < 1e9 || !c.Ranks.Known {
		return
	}
	r, p := c.BusBytesPerSec.V/c.AlgBytesPerSec.V, c.Ranks.V
	near := func(want float64) bool { return math.Abs(r-want) < 0.02*want }
	redop := c.RedOp != ""
	switch {
	case p < 3: // the factors coincide
	case redop && near(2*(p-1)/p):
		n.op = "all_reduce"
	case redop && near((p-1)/p) && !c.Root.Known:
		n.op = "reduce_scatter"
	case redop && near(1) && c.Root.Known:
		n.op = "reduce"
	case !redop && near(1) && c.Root.Known:
		n.op = "broadcast"
	case !redop && near(1):
		n.op = "send_recv"
	case !redop && near((p-1)/p) && !c.Root.Known:
		// all-to-all has a (blank) redop column in the old layout, where all-gather has
		// none; later its in-place results are not checked
		if hasName(n.before, "redop") && !hasName(n.before, "root") {
			n.op = "all_to_all"
		} else if !hasName(n.before, "redop") {
			n.op = "all_gather"
		}
	}
}

func (n *nccl) flush(last bool) {
	if len(n.waiting) > 0 && n.op == "" && !n.told {
		n.told = true
		n.wrongAt(n.waiting[0].line, "the table does not tell which collective it measures: keep the command line (all_reduce_perf …) in the file")
	}
	for _, r := range n.waiting {
		n.put(r)
	}
	n.waiting = n.waiting[:0]
	if last {
		n.op = ""
	}
}

func (n *nccl) put(r ncclRow) {
	for _, c := range r.pair[:r.n] {
		c.Op = n.op
		n.emitAt(r.line, c)
	}
}

// interned are words that stand in every row.
var interned = map[string]string{}

func init() {
	for _, w := range []string{"float", "half", "double", "bfloat16", "int8", "uint8", "int32", "uint32", "int64", "uint64", "fp8_e4m3", "fp8_e5m2", "f8e4m3", "f8e5m2",
		"sum", "prod", "max", "min", "avg", "mulsum"} {
		interned[w] = w
	}
}

func intern(b []byte) string {
	if s, ok := interned[string(b)]; ok {
		return s
	}
	return string(b)
}
