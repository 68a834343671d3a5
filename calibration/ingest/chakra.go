package ingest

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Chakra .et is a stream of protobuf messages, each after its length as a varint: one
// GlobalMetadata, then Nodes (mlcommons/chakra, schema/protobuf/et_def.proto). Schema
// 1.0.1 has attributes in field 1 of GlobalMetadata, later ones a version string.

// maxMessage bounds one message.
const maxMessage = 64 << 20

// isChakra says whether a file begins with a GlobalMetadata. The bytes are binary and
// the second message must look like a node.
func isChakra(head []byte) bool {
	n, k := binary.Uvarint(head)
	if k <= 0 || n == 0 || n > 1<<16 || head[0] == '{' || len(head) < k+int(n)+4 {
		return false
	}
	meta := head[k : k+int(n)]
	if meta[0] != 0x0a && meta[0] != 0x12 {
		return false
	}
	for rest := meta; len(rest) > 0; {
		num, typ, k := protowire.ConsumeTag(rest)
		if k < 0 || num > 2 || typ != protowire.BytesType {
			return false
		}
		_, k2 := protowire.ConsumeBytes(rest[k:])
		if k2 < 0 {
			return false
		}
		rest = rest[k+k2:]
	}
	_, k2 := binary.Uvarint(head[k+int(n):])
	if k2 <= 0 || k+int(n)+k2 >= len(head) {
		return false
	}
	tag := head[k+int(n)+k2]
	return tag == 0x08 || tag == 0x12
}

var chakraTypes = [...]string{"invalid", "metadata", "memory load", "memory store", "comp", "send", "recv", "collective"}

var chakraComms = [...]string{"all_reduce", "reduce", "all_gather", "gather", "scatter", "broadcast", "all_to_all", "reduce_scatter", "reduce_scatter", "barrier"}

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
	e := &Event{Key: "global metadata"}
	for len(b) > 0 {
		num, _, k := protowire.ConsumeTag(b)
		if k < 0 {
			return
		}
		v, k2 := protowire.ConsumeBytes(b[k:])
		if k2 < 0 {
			return
		}
		b = b[k+k2:]
		if num == 1 && (len(v) == 0 || v[0] != 0x0a) {
			f.version = string(v)
			continue
		}
		if a, ok := chakraAttr(v); ok {
			e.More = append(e.More, a)
			if a.Name == "schema" || a.Name == "version" {
				f.version = a.Text
			}
		}
	}
	f.emit(e)
}

type chakra struct {
	id         int64
	name       string
	typ        uint64
	deps       []int64
	start, dur Num // s
	in, out    [2]string
	attrs      []Field
}

func chakraNode(b []byte) (*chakra, bool) {
	n := &chakra{}
	for len(b) > 0 {
		num, typ, k := protowire.ConsumeTag(b)
		if k < 0 {
			return nil, false
		}
		b = b[k:]
		switch typ {
		case protowire.VarintType:
			v, k := protowire.ConsumeVarint(b)
			if k < 0 {
				return nil, false
			}
			b = b[k:]
			switch num {
			case 1:
				n.id = int64(v)
			case 3:
				n.typ = v
			case 4, 5:
				n.deps = append(n.deps, int64(v))
			case 6:
				n.start = Is(float64(v) * 1e-6)
			case 7:
				n.dur = Is(float64(v) * 1e-6)
			}
		case protowire.BytesType:
			v, k := protowire.ConsumeBytes(b)
			if k < 0 {
				return nil, false
			}
			b = b[k:]
			switch num {
			case 2:
				n.name = string(v)
			case 4, 5:
				for len(v) > 0 {
					d, k := protowire.ConsumeVarint(v)
					if k < 0 {
						return nil, false
					}
					n.deps = append(n.deps, int64(d))
					v = v[k:]
				}
			case 8:
				n.in = chakraIO(v)
			case 9:
				n.out = chakraIO(v)
			case 10:
				if a, ok := chakraAttr(v); ok {
					n.attrs = append(n.attrs, a)
				}
			}
		default:
			k := protowire.ConsumeFieldValue(num, typ, b)
			if k < 0 {
				return nil, false
			}
			b = b[k:]
		}
	}
	return n, true
}

// chakraIO is IOInfo: values, shapes, types.
func chakraIO(b []byte) (io [2]string) {
	for len(b) > 0 {
		num, typ, k := protowire.ConsumeTag(b)
		if k < 0 || typ != protowire.BytesType {
			return io
		}
		v, k2 := protowire.ConsumeBytes(b[k:])
		if k2 < 0 {
			return io
		}
		b = b[k+k2:]
		if num == 2 || num == 3 {
			io[num-2] = string(v)
		}
	}
	return io
}

// chakraAttr is AttributeProto: the name and one of many kinds of value.
func chakraAttr(b []byte) (Field, bool) {
	a := Field{}
	for len(b) > 0 {
		num, typ, k := protowire.ConsumeTag(b)
		if k < 0 {
			return a, false
		}
		b = b[k:]
		switch typ {
		case protowire.VarintType:
			v, k := protowire.ConsumeVarint(b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
			switch num {
			case 15, 17: // sint32, sint64
				a.Value = Is(float64(protowire.DecodeZigZag(v)))
			case 27:
				a.Value, a.Unit = Is(float64(v)), "bool"
			case 11, 13: // uint32, uint64
				a.Value = Is(float64(v))
			default:
				a.Value = Is(float64(int64(v)))
			}
		case protowire.Fixed32Type:
			v, k := protowire.ConsumeFixed32(b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
			if num == 5 {
				a.Value = Is(float64(math.Float32frombits(v)))
			} else {
				a.Value = Is(float64(v))
			}
		case protowire.Fixed64Type:
			v, k := protowire.ConsumeFixed64(b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
			if num == 3 {
				a.Value = Is(math.Float64frombits(v))
			} else {
				a.Value = Is(float64(v))
			}
		case protowire.BytesType:
			v, k := protowire.ConsumeBytes(b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
			switch num {
			case 1:
				a.Name = string(v)
			case 29:
				a.Text = string(v)
			case 2, 31:
			default:
				a.Text = strconv.Itoa(len(v)) + " bytes of a list"
			}
		default:
			k := protowire.ConsumeFieldValue(num, typ, b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
		}
	}
	return a, a.Name != ""
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
