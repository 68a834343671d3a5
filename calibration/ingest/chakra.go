package ingest

import (
	"encoding/binary"
	"strconv"
	"strings"

	"aisim/workloads/trace/execution"
)

// Chakra's wire format is read by workloads/trace/execution; here its nodes become records.

var chakraTypes, chakraComms = execution.ChakraTypes, execution.ChakraOps

const maxMessage = execution.MaxMessage

func readChakra(f *feed, in *input) error {
	f.tool = "chakra"
	f.saw()
	for at := 0; f.err == nil; at++ {
		head := in.peek(binary.MaxVarintLen64)
		if len(head) == 0 {
			return nil
		}
		n, k := binary.Uvarint(head)
		if k <= 0 || n > maxMessage {
			f.wrong("message %d: expected a length of at most %d bytes: the file is damaged", at, maxMessage)
			return nil
		}
		in.i += k
		if in.need(int(n)) < int(n) {
			f.wrong("message %d has %d bytes, only %d are left: the file is cut", at, n, in.n-in.i)
			return nil
		}
		b := in.buf[in.i : in.i+int(n)]
		in.i += int(n)
		if at == 0 {
			chakraMeta(f, b)
			continue
		}
		node, ok := chakraNode(b)
		if !ok {
			f.wrong("message %d is no node of a Chakra trace: damaged protobuf", at)
			continue
		}
		node.emit(f)
	}
	return nil
}

func chakraMeta(f *feed, b []byte) {
	version, attrs := execution.DecodeMeta(b)
	if version != "" {
		f.version = version
	}
	e := &Event{Key: "global metadata"}
	for i := range attrs {
		e.More = append(e.More, chakraField(&attrs[i]))
	}
	f.emit(e)
}

type chakra struct {
	id         int64
	name       string
	typ        uint64
	deps       []int64
	start, dur Num // s
	in         [2]string
	attrs      []Field
}

func chakraNode(b []byte) (*chakra, bool) {
	var w execution.WireNode
	if !execution.DecodeNode(b, &w) {
		return nil, false
	}
	n := &chakra{id: int64(w.ID), name: string(w.Name), typ: w.Type, deps: w.Deps,
		start: Is(float64(w.StartUs) * 1e-6), dur: Is(float64(w.Duration) * 1e-6), in: [2]string{string(w.InShapes), string(w.InTypes)}}
	for i := range w.Attrs {
		n.attrs = append(n.attrs, chakraField(&w.Attrs[i]))
	}
	return n, true
}

func chakraField(a *execution.WireAttr) Field {
	f := Field{Name: string(a.Name), Text: string(a.Text)}
	switch {
	case a.Numeric:
		f.Value = Is(a.Number)
	case a.List > 0:
		f.Text = strconv.Itoa(a.List) + " bytes of a list"
	}
	if a.Bool {
		f.Unit = "bool"
	}
	return f
}

func (n *chakra) attr(name string) Num {
	for _, a := range n.attrs {
		if a.Name == name {
			if !a.Value.Known && a.Text != "" {
				v, _ := number([]byte(a.Text))
				return v
			}
			return a.Value
		}
	}
	return Num{}
}

// emit hands a node on: collectives as such, all else as kernels. Durations of 0 are
// nodes that were not measured.
func (n *chakra) emit(f *feed) {
	dur := n.dur
	if dur.V == 0 {
		dur = Num{}
	}
	start := n.start
	if start.V == 0 {
		start = Num{}
	}
	class := "type " + strconv.FormatUint(n.typ, 10)
	if n.typ < uint64(len(chakraTypes)) {
		class = chakraTypes[n.typ]
	}
	if n.typ == 7 || n.typ == 5 || n.typ == 6 {
		c := &Collective{Name: n.name, TimeSec: dur, StartSec: start, Bytes: n.attr("comm_size"), Ranks: n.attr("pg_size")}
		if t := n.attr("comm_type"); t.Known && t.V >= 0 && int(t.V) < len(chakraComms) {
			c.Op = chakraComms[int(t.V)]
		} else if n.typ != 7 {
			c.Op = "send_recv"
		} else {
			c.Op = opName(n.name)
		}
		for _, a := range n.attrs {
			if a.Name == "pg_name" {
				c.Group = a.Text
			}
		}
		f.emit(c)
		return
	}
	k := &Kernel{Name: n.name, Class: class, ID: Is(float64(n.id)), DurationSec: dur, StartSec: start, Deps: n.deps, Shapes: n.in[0], Types: n.in[1], More: n.attrs,
		Bytes: n.attr("tensor_size")}
	f.emit(k)
}

// readChakraJSON reads a message of the JSON that Chakra's jsonizer prints.
func readChakraJSON(f *feed, j *jsonReader) error {
	var t tree
	v, err := j.value(&t)
	if err != nil {
		return err
	}
	f.line = v.line()
	if !v.get("type").there() && !v.get("id").there() {
		if s := v.get("version").str(); s != "" {
			f.version = s
		}
		return nil
	}
	n := &chakra{name: v.get("name").str(), start: v.any("startTimeMicros", "start_time_micros").num().Times(1e-6), dur: v.any("durationMicros", "duration_micros").num().Times(1e-6)}
	n.id = int64(v.get("id").num().V)
	typ := strings.ToLower(v.get("type").str())
	for i, name := range []string{"invalid_node", "metadata_node", "mem_load_node", "mem_store_node", "comp_node", "comm_send_node", "comm_recv_node", "comm_coll_node"} {
		if typ == name || typ == strconv.Itoa(i) {
			n.typ = uint64(i)
		}
	}
	for _, key := range []string{"ctrlDeps", "ctrl_deps", "dataDeps", "data_deps"} {
		v.get(key).each(func(d ref) { n.deps = append(n.deps, int64(d.num().V)) })
	}
	io := v.get("inputs")
	n.in = [2]string{io.get("shapes").str(), io.get("types").str()}
	v.any("attr", "attrs").each(func(a ref) {
		fl := Field{Name: a.get("name").str()}
		a.each(func(c ref) {
			if key := string(c.key()); strings.HasSuffix(key, "Val") || strings.HasSuffix(key, "_val") {
				if fl.Value = c.num(); !fl.Value.Known {
					fl.Text = c.str()
				}
			}
		})
		n.attrs = append(n.attrs, fl)
	})
	n.emit(f)
	return nil
}
