package execution

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"aisim/topology/collective"
)

// chakraVersion is what is written: the version of the schema with a version string.
const chakraVersion = "0.0.4"

// chakraCommType is comm_type by operation.
var chakraCommType = map[collective.Op]uint64{collective.AllReduce: 0, collective.AllGather: 2, collective.Broadcast: 5, collective.AllToAll: 6, collective.ReduceScatter: 7, collective.Barrier: 9}

// writable is an attribute of a node that is written; text where it is no number.
type writable struct {
	name  string
	value uint64
	text  string
	kind  byte // 'u' uint64, 'b' bool, 's' string, 'i' int32
}

// written is a node's type and attributes in Chakra's terms. A collective that has no
// comm_type keeps its recorded time as a compute node of the device.
func (t *Trace) written(n *Node) (typ uint64, attrs []writable) {
	u := func(name string, v float64) {
		attrs = append(attrs, writable{name: name, value: uint64(max(v, 0)), kind: 'u'})
	}
	cpu := uint64(0)
	if n.Host {
		cpu = 1
	}
	attrs = append(attrs, writable{name: "is_cpu_op", value: cpu, kind: 'b'})
	if n.Stream >= 0 && !n.Host {
		u("stream", float64(n.Stream))
	} else if n.Stream >= 0 {
		u("tid", float64(n.Stream))
	}
	switch n.Kind {
	case Metadata:
		return 1, attrs
	case Load:
		return 2, attrs
	case Store:
		return 3, attrs
	case Send, Recv:
		u("comm_size", n.Bytes)
		peer := "comm_dst"
		if n.Kind == Recv {
			peer = "comm_src"
		}
		attrs = append(attrs, writable{name: peer, value: uint64(max(n.Peer, 0)), kind: 'i'}, writable{name: "comm_tag", value: uint64(max(n.Tag, 0)), kind: 'i'})
		return uint64(n.Kind-Send) + 5, attrs
	case Collective:
		bytes := n.Bytes
		if g := &t.Groups[n.Group]; n.Op == collective.AllGather && t.Format != FormatChakra && t.Format != FormatChakraJSON && g.Size > 1 {
			bytes /= float64(g.Size) // Chakra counts what a rank gives
		}
		if kind, ok := chakraCommType[n.Op]; ok && n.Priced {
			attrs = append(attrs, writable{name: "comm_type", value: kind, kind: 'u'})
			u("comm_size", bytes)
		}
		attrs = append(attrs, writable{name: "pg_name", text: t.Groups[n.Group].Name, kind: 's'})
		return 7, attrs
	}
	if n.Flops > 0 {
		u("num_ops", n.Flops)
	}
	if n.Bytes > 0 {
		u("tensor_size", n.Bytes)
	}
	return 4, attrs
}

// WriteChakra writes a rank as protobuf.
func (t *Trace) WriteChakra(w io.Writer, r *Rank) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var msg, attr, size []byte
	flush := func() error {
		size = binary.AppendUvarint(size[:0], uint64(len(msg)))
		if _, err := out.Write(size); err != nil {
			return err
		}
		_, err := out.Write(msg)
		return err
	}
	field := func(b []byte, num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
	}
	text := func(b []byte, num protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), s)
	}
	msg = text(nil, 1, chakraVersion)
	if err := flush(); err != nil {
		return err
	}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		typ, attrs := t.written(n)
		msg = field(msg[:0], 1, uint64(n.ID))
		msg = text(msg, 2, r.NameOf(n))
		msg = field(msg, 3, typ)
		for _, d := range r.deps(n) {
			msg = field(msg, 5, uint64(r.Nodes[d].ID))
		}
		msg = field(msg, 6, uint64(n.StartNs/1000))
		msg = field(msg, 7, uint64((n.LeadNs+n.DurationNs+500)/1000))
		for _, a := range attrs {
			attr = text(attr[:0], 1, a.name)
			switch a.kind {
			case 's':
				attr = text(attr, 29, a.text)
			case 'b':
				attr = field(attr, 27, a.value)
			case 'i':
				attr = field(attr, 7, a.value)
			default:
				attr = field(attr, 13, a.value)
			}
			msg = protowire.AppendBytes(protowire.AppendTag(msg, 10, protowire.BytesType), attr)
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return out.Flush()
}

// writtenNode is a node as Chakra's jsonizer prints it.
type writtenNode struct {
	ID       string           `json:"id"`
	Name     string           `json:"name"`
	Type     string           `json:"type"`
	DataDeps []string         `json:"dataDeps,omitempty"`
	Start    string           `json:"startTimeMicros,omitempty"`
	Duration string           `json:"durationMicros,omitempty"`
	Attr     []map[string]any `json:"attr,omitempty"`
}

// WriteChakraJSON writes a rank as JSON objects, one after the other.
func (t *Trace) WriteChakraJSON(w io.Writer, r *Rank) error {
	out := bufio.NewWriterSize(w, 1<<16)
	e := json.NewEncoder(out)
	if err := e.Encode(map[string]string{"version": chakraVersion}); err != nil {
		return err
	}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		typ, attrs := t.written(n)
		o := writtenNode{ID: strconv.FormatInt(n.ID, 10), Name: r.NameOf(n), Type: jsonTypes[typ], Start: strconv.FormatInt(n.StartNs/1000, 10), Duration: strconv.FormatInt((n.LeadNs+n.DurationNs+500)/1000, 10)}
		for _, d := range r.deps(n) {
			o.DataDeps = append(o.DataDeps, strconv.FormatInt(r.Nodes[d].ID, 10))
		}
		for _, a := range attrs {
			m := map[string]any{"name": a.name}
			switch a.kind {
			case 's':
				m["stringVal"] = a.text
			case 'b':
				m["boolVal"] = a.value != 0
			case 'i':
				m["int32Val"] = a.value
			default:
				m["uint64Val"] = strconv.FormatUint(a.value, 10)
			}
			o.Attr = append(o.Attr, m)
		}
		if err := e.Encode(o); err != nil {
			return err
		}
	}
	return out.Flush()
}

// chromeEvent is an event of a Chrome trace, which Perfetto reads.
type chromeEvent struct {
	Name string         `json:"name"`
	Ph   string         `json:"ph"`
	Cat  string         `json:"cat,omitempty"`
	Ts   float64        `json:"ts"`
	Dur  float64        `json:"dur,omitempty"`
	Pid  int32          `json:"pid"`
	Tid  int32          `json:"tid"`
	Args map[string]any `json:"args,omitempty"`
}

// WriteChrome writes spans, a process for each rank and a line for each thread and
// stream; times in microseconds.
func (t *Trace) WriteChrome(w io.Writer, spans []Span) error {
	out := bufio.NewWriterSize(w, 1<<16)
	index := t.index()
	if _, err := out.WriteString("[\n"); err != nil {
		return err
	}
	named := map[[2]int32]bool{}
	first := true
	emit := func(e chromeEvent) error {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if !first {
			b = append([]byte(",\n"), b...)
		}
		first = false
		_, err = out.Write(b)
		return err
	}
	for _, s := range spans {
		r := &t.Ranks[index[s.Rank]]
		n := &r.Nodes[s.Node]
		line, name := n.line()
		if !named[[2]int32{s.Rank, line}] {
			named[[2]int32{s.Rank, line}] = true
			if err := emit(chromeEvent{Name: "thread_name", Ph: "M", Pid: s.Rank, Tid: line, Args: map[string]any{"name": name}}); err != nil {
				return err
			}
		}
		e := chromeEvent{Name: r.NameOf(n), Ph: "X", Cat: n.Kind.String(), Ts: float64(s.StartNs) / 1e3, Dur: float64(s.EndNs-s.StartNs) / 1e3, Pid: s.Rank, Tid: line, Args: map[string]any{"node": n.ID}}
		if n.Kind == Collective && n.Priced {
			e.Args["op"], e.Args["bytes"], e.Args["group"] = n.Op.String(), n.Bytes, t.Groups[n.Group].Name
		}
		if err := emit(e); err != nil {
			return err
		}
	}
	if _, err := out.WriteString("\n]\n"); err != nil {
		return err
	}
	return out.Flush()
}

// line is where a node is drawn.
func (n *Node) line() (int32, string) {
	const perClass = 1 << 24
	c := n.class()
	if n.Stream >= 0 && c == classComm {
		c = classCompute
	}
	kind := [numClasses]string{"host thread", "stream", "communication"}[c]
	if n.Stream < 0 {
		if c == classCompute {
			kind = "compute"
		}
		return int32(c) * perClass, kind
	}
	return int32(c)*perClass + n.Stream + 1, fmt.Sprintf("%s %d", kind, n.Stream)
}

// Recorded are the spans of a rank as the trace has them.
func (r *Rank) Recorded() []Span {
	var out []Span
	for i := range r.Nodes {
		if n := &r.Nodes[i]; n.StartNs > 0 || n.DurationNs > 0 {
			out = append(out, Span{Rank: r.Index, Node: int32(i), StartNs: n.StartNs, EndNs: n.StartNs + n.DurationNs})
		}
	}
	return out
}
