package execution

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Chakra .et is a stream of protobuf messages, each after its length as a varint: one
// GlobalMetadata, then Nodes (mlcommons/chakra, schema/protobuf/et_def.proto). Schema
// 1.0.1 has attributes in field 1 of GlobalMetadata, later ones a version string there.

// MaxMessage bounds one message of a Chakra file in bytes.
const MaxMessage = 64 << 20

// ChakraOps are the operations by comm_type; BROADCAST and those after it have no model
// of their own in ASTRA-sim.
var ChakraOps = [...]string{"all_reduce", "reduce", "all_gather", "gather", "scatter", "broadcast", "all_to_all", "reduce_scatter", "reduce_scatter", "barrier"}

// ChakraTypes are the kinds of nodes by their number.
var ChakraTypes = [...]string{"invalid", "metadata", "memory load", "memory store", "comp", "send", "recv", "collective"}

// WireNode is a node as it is written. Slices point into the message.
type WireNode struct {
	ID, Type          uint64
	Name              []byte
	Deps              []int64 // control first, then data
	StartUs, Duration uint64  // µs
	InShapes, InTypes []byte
	Attrs             []WireAttr
}

// WireAttr is an attribute. Any integer kind is accepted for any name, because writers
// differ.
type WireAttr struct {
	Name, Text []byte
	Number     float64
	Numeric    bool
	Bool       bool
	List       int // bytes of a list's value; 0: no list
}

// Attr is the attribute of a name.
func (n *WireNode) Attr(name string) (*WireAttr, bool) {
	for i := range n.Attrs {
		if string(n.Attrs[i].Name) == name {
			return &n.Attrs[i], true
		}
	}
	return nil, false
}

// DecodeNode reads a Node message into n, whose slices are used again.
func DecodeNode(b []byte, n *WireNode) bool {
	*n = WireNode{Deps: n.Deps[:0], Attrs: n.Attrs[:0]}
	for len(b) > 0 {
		num, typ, k := protowire.ConsumeTag(b)
		if k < 0 {
			return false
		}
		b = b[k:]
		switch typ {
		case protowire.VarintType:
			v, k := protowire.ConsumeVarint(b)
			if k < 0 {
				return false
			}
			b = b[k:]
			switch num {
			case 1:
				n.ID = v
			case 3:
				n.Type = v
			case 4, 5:
				n.Deps = append(n.Deps, int64(v))
			case 6:
				n.StartUs = v
			case 7:
				n.Duration = v
			}
		case protowire.BytesType:
			v, k := protowire.ConsumeBytes(b)
			if k < 0 {
				return false
			}
			b = b[k:]
			switch num {
			case 2:
				n.Name = v
			case 4, 5:
				for len(v) > 0 {
					d, k := protowire.ConsumeVarint(v)
					if k < 0 {
						return false
					}
					n.Deps = append(n.Deps, int64(d))
					v = v[k:]
				}
			case 8:
				n.InShapes, n.InTypes = decodeIO(v)
			case 10:
				if a, ok := DecodeAttr(v); ok {
					n.Attrs = append(n.Attrs, a)
				}
			}
		default:
			k := protowire.ConsumeFieldValue(num, typ, b)
			if k < 0 {
				return false
			}
			b = b[k:]
		}
	}
	return true
}

// decodeIO is IOInfo: values, shapes, types.
func decodeIO(b []byte) (shapes, types []byte) {
	for len(b) > 0 {
		num, typ, k := protowire.ConsumeTag(b)
		if k < 0 || typ != protowire.BytesType {
			return shapes, types
		}
		v, k2 := protowire.ConsumeBytes(b[k:])
		if k2 < 0 {
			return shapes, types
		}
		b = b[k+k2:]
		switch num {
		case 2:
			shapes = v
		case 3:
			types = v
		}
	}
	return shapes, types
}

// DecodeAttr reads an AttributeProto: the name and one of many kinds of value.
func DecodeAttr(b []byte) (WireAttr, bool) {
	a := WireAttr{}
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
			a.Numeric = true
			switch num {
			case 15, 17: // sint32, sint64
				a.Number = float64(protowire.DecodeZigZag(v))
			case 27:
				a.Number, a.Bool = float64(v), true
			case 11, 13: // uint32, uint64
				a.Number = float64(v)
			default:
				a.Number = float64(int64(v))
			}
		case protowire.Fixed32Type:
			v, k := protowire.ConsumeFixed32(b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
			a.Numeric, a.Number = true, float64(v)
			if num == 5 {
				a.Number = float64(math.Float32frombits(v))
			}
		case protowire.Fixed64Type:
			v, k := protowire.ConsumeFixed64(b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
			a.Numeric, a.Number = true, float64(v)
			if num == 3 {
				a.Number = math.Float64frombits(v)
			}
		case protowire.BytesType:
			v, k := protowire.ConsumeBytes(b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
			switch num {
			case 1:
				a.Name = v
			case 29:
				a.Text = v
			case 2, 31:
			default:
				a.List = len(v)
			}
		default:
			k := protowire.ConsumeFieldValue(num, typ, b)
			if k < 0 {
				return a, false
			}
			b = b[k:]
		}
	}
	return a, len(a.Name) > 0
}

// DecodeMeta reads a GlobalMetadata of either layout: its version, and its attributes.
func DecodeMeta(b []byte) (version string, attrs []WireAttr) {
	for len(b) > 0 {
		_, _, k := protowire.ConsumeTag(b)
		if k < 0 {
			return version, attrs
		}
		v, k2 := protowire.ConsumeBytes(b[k:])
		if k2 < 0 {
			return version, attrs
		}
		num, _, _ := protowire.ConsumeTag(b)
		b = b[k+k2:]
		if num == 1 && (len(v) == 0 || v[0] != 0x0a) {
			version = string(v)
			continue
		}
		if a, ok := DecodeAttr(v); ok {
			attrs = append(attrs, a)
			if s := string(a.Name); s == "schema" || s == "version" {
				version = string(a.Text)
			}
		}
	}
	return version, attrs
}

// IsChakra says whether a file begins with a GlobalMetadata and what looks like a node.
func IsChakra(head []byte) bool {
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
