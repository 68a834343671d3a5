package execution

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"aisim/hardware"
	"aisim/topology/collective"
)

// nodeReader turns Chakra nodes into Nodes.
type nodeReader struct {
	p     *part
	names names
	ids   map[int64]int32
	raw   []int64 // dependencies by id, as Rank.Deps
	// linked says that the trace was converted from PyTorch's.
	linked bool
}

func newNodeReader(p *part) *nodeReader {
	return &nodeReader{p: p, names: names{r: &p.rank}, ids: map[int64]int32{}}
}

// chakra reads a protobuf file.
func (p *part) chakra(r *bufio.Reader) error {
	k := newNodeReader(p)
	var w WireNode
	var buf []byte
	for at := 0; ; at++ {
		n, err := binary.ReadUvarint(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || n > MaxMessage {
			return fmt.Errorf("message %d: expected a length of at most %d bytes: the file is damaged", at, MaxMessage)
		}
		if uint64(cap(buf)) < n {
			buf = make([]byte, n+n/2)
		}
		buf = buf[:n]
		if got, err := io.ReadFull(r, buf); err != nil {
			return fmt.Errorf("message %d has %d bytes, only %d are left: the file is cut", at, n, got)
		}
		if at == 0 {
			p.groups.Version, _ = DecodeMeta(buf)
			continue
		}
		if !DecodeNode(buf, &w) {
			return fmt.Errorf("message %d is no node of a Chakra trace: damaged protobuf", at)
		}
		if err := k.add(&w); err != nil {
			return err
		}
	}
	return k.finish()
}

// jsonNode is a node as Chakra's jsonizer prints it, by either spelling.
type jsonNode struct {
	ID        json.RawMessage // a number, or a string for 64 bits
	Name      string
	Type      json.RawMessage
	Version   string
	CtrlDeps  []json.RawMessage `json:"ctrlDeps"`
	CtrlDeps2 []json.RawMessage `json:"ctrl_deps"`
	DataDeps  []json.RawMessage `json:"dataDeps"`
	DataDeps2 []json.RawMessage `json:"data_deps"`
	Start     json.RawMessage   `json:"startTimeMicros"`
	Start2    json.RawMessage   `json:"start_time_micros"`
	Duration  json.RawMessage   `json:"durationMicros"`
	Duration2 json.RawMessage   `json:"duration_micros"`
	Attr      []map[string]json.RawMessage
	Attrs     []map[string]json.RawMessage
	Attribute []map[string]json.RawMessage
}

func integer(raw ...json.RawMessage) uint64 {
	for _, r := range raw {
		if s := strings.Trim(string(r), `"`); s != "" {
			if v, err := strconv.ParseInt(s, 10, 64); err == nil {
				return uint64(v)
			}
			if f, err := strconv.ParseFloat(s, 64); err == nil && f > 0 {
				return uint64(f)
			}
		}
	}
	return 0
}

var jsonTypes = [...]string{"INVALID_NODE", "METADATA_NODE", "MEM_LOAD_NODE", "MEM_STORE_NODE", "COMP_NODE", "COMM_SEND_NODE", "COMM_RECV_NODE", "COMM_COLL_NODE"}

// chakraJSON reads messages as JSON objects, one after the other.
func (p *part) chakraJSON(r *bufio.Reader) error {
	k := newNodeReader(p)
	d := json.NewDecoder(r)
	for at := 0; ; at++ {
		var j jsonNode
		err := d.Decode(&j)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("object %d: %w", at, err)
		}
		if at == 0 && j.Type == nil && j.ID == nil {
			p.groups.Version = j.Version
			continue
		}
		w := WireNode{ID: integer(j.ID), Name: []byte(j.Name), StartUs: integer(j.Start, j.Start2), Duration: integer(j.Duration, j.Duration2)}
		typ := strings.Trim(string(j.Type), `"`)
		w.Type = integer(j.Type)
		for i, name := range jsonTypes {
			if strings.EqualFold(typ, name) {
				w.Type = uint64(i)
			}
		}
		for _, list := range [][]json.RawMessage{j.CtrlDeps, j.CtrlDeps2, j.DataDeps, j.DataDeps2} {
			for _, d := range list {
				w.Deps = append(w.Deps, int64(integer(d)))
			}
		}
		for _, list := range [][]map[string]json.RawMessage{j.Attr, j.Attrs, j.Attribute} {
			for _, a := range list {
				w.Attrs = append(w.Attrs, jsonAttr(a))
			}
		}
		if err := k.add(&w); err != nil {
			return err
		}
	}
	return k.finish()
}

func jsonAttr(m map[string]json.RawMessage) WireAttr {
	var a WireAttr
	for key, raw := range m { // one of the keys is the name, one the value: their order does not matter
		var text string
		quoted := json.Unmarshal(raw, &text) == nil
		switch {
		case key == "name":
			a.Name = []byte(text)
		case !strings.HasSuffix(key, "Val") && !strings.HasSuffix(key, "_val"):
		case strings.HasPrefix(key, "bool"):
			a.Numeric, a.Bool = true, true
			if bytes.Equal(raw, []byte("true")) {
				a.Number = 1
			}
		case quoted && strings.HasPrefix(key, "string"):
			a.Text = []byte(text)
		default:
			if v, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64); err == nil {
				a.Numeric, a.Number = true, v
			} else {
				a.List = len(raw)
			}
		}
	}
	return a
}

// add takes one node.
func (k *nodeReader) add(w *WireNode) error {
	r := &k.p.rank
	if len(r.Nodes) >= maxNodes {
		return fmt.Errorf("more than %d nodes", maxNodes)
	}
	n := Node{ID: int64(w.ID), Name: k.names.of(w.Name), Stream: -1, Peer: -1, DType: hardware.BF16, StartNs: int64(w.StartUs) * 1000, DurationNs: int64(w.Duration) * 1000,
		First: int32(len(k.raw)), Len: int32(len(w.Deps))}
	k.raw = append(k.raw, w.Deps...)
	if _, twice := k.ids[n.ID]; twice {
		return fmt.Errorf("node %d %q: its id occurs twice", n.ID, w.Name)
	}
	warn := func(what string) { k.p.warnings.add(what, r.Name, n.ID, string(w.Name)) }
	if w.Duration > 0 {
		k.p.groups.Timed = true
	}
	number := func(name string) (float64, bool) {
		a, ok := w.Attr(name)
		if !ok {
			return 0, false
		}
		if !a.Numeric && len(a.Text) > 0 {
			v, err := strconv.ParseFloat(string(a.Text), 64)
			return v, err == nil
		}
		return a.Number, a.Numeric
	}
	if _, ok := w.Attr("rf_id"); ok {
		k.linked = true
	}
	host, stated := number("is_cpu_op")
	n.Host = stated && host != 0
	if s, ok := number("stream"); ok && !n.Host && s >= 0 && s < 1<<20 {
		n.Stream = int32(s)
	}
	if s, ok := number("tid"); ok && n.Host && s >= 0 {
		n.Stream = int32(int64(s) & 0xffffff)
	}
	n.Flops, _ = number("num_ops")
	n.Bytes, _ = number("tensor_size")
	switch w.Type {
	case 1:
		n.Kind = Metadata
	case 2:
		n.Kind = Load
	case 3:
		n.Kind = Store
	case 4:
		n.Kind = Compute
		k.work(&n, string(w.Name), stated, warn)
	case 5, 6:
		n.Kind = Send + Kind(w.Type-5)
		k.message(&n, number, warn)
	case 7:
		n.Kind = Collective
		k.collective(&n, w, number, warn)
	default:
		warn(fmt.Sprintf("kind %d is not known: the node keeps its recorded time", w.Type))
	}
	k.ids[n.ID] = int32(len(r.Nodes))
	r.Nodes = append(r.Nodes, n)
	return nil
}

func (k *nodeReader) work(n *Node, name string, stated bool, warn func(string)) {
	if !stated && n.Flops == 0 {
		warn("is_cpu_op is not said: taken as work of the device")
	}
	switch {
	case n.Host:
		n.Work = WorkHost
	case n.Flops > 0:
		n.Work = WorkCounted
		if n.Bytes == 0 {
			warn("num_ops without tensor_size: counted as compute alone")
		}
	case strings.HasPrefix(strings.ToLower(name), "memcpy htod"), strings.HasPrefix(strings.ToLower(name), "memcpy dtoh"):
		n.Work = WorkCopy
	case MatrixKernel(name):
		n.Work = WorkMatrix
	default:
		n.Work = WorkMemory
	}
	if n.DurationNs == 0 && n.Flops == 0 && !n.Host {
		warn("work of the device without duration_micros or num_ops: it takes no time")
	}
}

func (k *nodeReader) message(n *Node, number func(string) (float64, bool), warn func(string)) {
	size, ok := number("comm_size")
	if !ok {
		warn("a message without comm_size: it carries no bytes")
	}
	n.Bytes, n.Priced = size, ok
	peer := "comm_dst"
	if n.Kind == Recv {
		peer = "comm_src"
	}
	if v, ok := number(peer); ok && v >= 0 && v < maxRanks {
		n.Peer = int32(v)
	} else {
		warn("a message without " + peer + ": it has no other half")
	}
	tag, ok := number("comm_tag")
	if !ok {
		warn("a message without comm_tag: taken as 0")
	}
	n.Tag = int32(int64(tag))
}

// collectiveOps are the operations that the fabric's model knows, by comm_type; the
// rooted ones move the bytes of a broadcast.
var collectiveOps = [len(ChakraOps)]collective.Op{collective.AllReduce, collective.Broadcast, collective.AllGather, collective.AllGather,
	collective.Broadcast, collective.Broadcast, collective.AllToAll, collective.ReduceScatter, collective.ReduceScatter, collective.Barrier}

func (k *nodeReader) collective(n *Node, w *WireNode, number func(string) (float64, bool), warn func(string)) {
	var name string
	if a, ok := w.Attr("pg_name"); ok {
		if name = string(a.Text); name == "" && a.Numeric {
			name = strconv.FormatInt(int64(a.Number), 10)
		}
	}
	size, _ := number("pg_size")
	n.Group = k.p.groups.group(name, int(size), nil)
	kind, typed := number("comm_type")
	bytes, sized := number("comm_size")
	if typed && (kind < 0 || int(kind) >= len(collectiveOps)) {
		warn(fmt.Sprintf("comm_type %g is not known: the node keeps its recorded time", kind))
		typed = false
	} else if !typed {
		warn("a collective without comm_type: it keeps its recorded time")
	}
	if !sized {
		warn("a collective without comm_size: it keeps its recorded time")
	}
	if n.Priced = typed && sized; n.Priced {
		n.Op, n.Bytes = collectiveOps[int(kind)], bytes
	}
}

// finish looks the dependencies up.
func (k *nodeReader) finish() error {
	r := &k.p.rank
	if len(r.Nodes) == 0 {
		return errors.New("no node in it")
	}
	if len(k.raw) > 1<<31-1 {
		return errors.New("more than 2^31 dependencies")
	}
	r.Deps = make([]int32, 0, len(k.raw))
	for i := range r.Nodes {
		n := &r.Nodes[i]
		from := k.raw[n.First : n.First+n.Len]
		n.First = int32(len(r.Deps))
		for _, id := range from {
			at, ok := k.ids[id]
			if !ok {
				k.p.warnings.add("depends on a node that is not in the trace: the dependency is dropped", r.Name, n.ID, r.NameOf(n))
				continue
			}
			if int(at) == i {
				k.p.warnings.add("waits for itself: the dependency is dropped", r.Name, n.ID, r.NameOf(n))
				continue
			}
			r.Deps = append(r.Deps, at)
		}
		n.Len = int32(len(r.Deps)) - n.First
	}
	r.straighten(k.linked, &k.p.warnings)
	return nil
}
