package execution

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aisim/hardware"
)

// hostNode is an operator of PyTorch's execution trace. Schema 1.0 has input_shapes
// beside inputs, 1.1 has them inside.
type hostNode struct {
	Name   string
	ID     int64
	Parent *int64
	Ctrl   *int64 `json:"ctrl_deps"`
	Inputs json.RawMessage
	Shapes []json.RawMessage `json:"input_shapes"`
	Types  []string          `json:"input_types"`
	Out    json.RawMessage   `json:"outputs"`
	OutS   []json.RawMessage `json:"output_shapes"`
	OutT   []string          `json:"output_types"`
	Attrs  []struct {
		Name  string
		Value json.RawMessage
	}
}

type hostIO struct {
	Shapes []json.RawMessage
	Types  []string
}

// hostOperators reads PyTorch's execution trace: operators without times, in the order of
// their calls. Those that call no other operator become nodes one after the other, with
// their operations and bytes counted from shapes and types.
func (p *part) hostOperators(r *bufio.Reader) error {
	d := json.NewDecoder(r)
	var nodes []hostNode
	parents := map[int64]bool{}
	err := object(d, nil, func(key string) error {
		switch key {
		case "schema":
			return d.Decode(&p.groups.Version)
		case "nodes":
			return array(d, func() error {
				if len(nodes) >= maxNodes {
					return fmt.Errorf("more than %d nodes", maxNodes)
				}
				var n hostNode
				if err := d.Decode(&n); err != nil {
					return err
				}
				n.settle()
				if n.Parent != nil && strings.HasPrefix(n.Name, "aten::") {
					parents[*n.Parent] = true
				}
				nodes = append(nodes, n)
				return nil
			})
		}
		var skip json.RawMessage
		return d.Decode(&skip)
	})
	if err != nil {
		return err
	}
	k := newNodeReader(p)
	last := int64(-1)
	for i := range nodes {
		h := &nodes[i]
		n, ok := h.node(k, parents[h.ID])
		if !ok {
			continue
		}
		if last >= 0 {
			n.First, n.Len = int32(len(k.raw)), 1
			k.raw = append(k.raw, last)
		}
		if _, twice := k.ids[n.ID]; twice {
			return fmt.Errorf("node %d %q: its id occurs twice", n.ID, h.Name)
		}
		k.ids[n.ID] = int32(len(p.rank.Nodes))
		p.rank.Nodes = append(p.rank.Nodes, n)
		last = n.ID
	}
	if len(p.rank.Nodes) == 0 {
		return errors.New("no operator with work for a device in it")
	}
	return k.finish()
}

// settle takes shapes and types from where the schema has them.
func (h *hostNode) settle() {
	if h.Parent == nil {
		h.Parent = h.Ctrl
	}
	var io hostIO
	if len(h.Inputs) > 0 && h.Inputs[0] == '{' && json.Unmarshal(h.Inputs, &io) == nil {
		h.Shapes, h.Types = io.Shapes, io.Types
	}
	io = hostIO{}
	if len(h.Out) > 0 && h.Out[0] == '{' && json.Unmarshal(h.Out, &io) == nil {
		h.OutS, h.OutT = io.Shapes, io.Types
	}
}

// views are operators that launch nothing: they make or describe tensors.
var views = map[string]bool{"empty": true, "empty_like": true, "empty_strided": true, "view": true, "reshape": true, "_reshape_alias": true, "as_strided": true, "t": true,
	"transpose": true, "permute": true, "detach": true, "detach_": true, "expand": true, "expand_as": true, "squeeze": true, "unsqueeze": true, "slice": true, "select": true,
	"narrow": true, "unbind": true, "split": true, "chunk": true, "alias": true, "_unsafe_view": true, "resize_": true, "set_": true, "lift_fresh": true, "unfold": true,
	"result_type": true, "_local_scalar_dense": true, "item": true, "is_nonzero": true, "view_as": true, "flatten": true, "numpy_T": true, "movedim": true, "diagonal": true}

// node is an operator with work for a device, or a collective.
func (h *hostNode) node(k *nodeReader, calls bool) (Node, bool) {
	n := Node{ID: h.ID, Name: k.names.of([]byte(h.Name)), Stream: 0, Peer: -1, Kind: Compute, Work: WorkCounted}
	if strings.HasPrefix(h.Name, "record_param_comms") || strings.HasPrefix(h.Name, "nccl:") {
		return n, h.collective(k, &n)
	}
	op, ok := strings.CutPrefix(h.Name, "aten::")
	if !ok || calls || views[op] {
		return n, false
	}
	in, out := tensors(h.Shapes, h.Types), tensors(h.OutS, h.OutT)
	n.DType = hardware.FP32
	for i, t := range append(in, out...) {
		n.Bytes += t.elements() * t.width
		if i == 0 {
			n.DType = t.dtype
		}
	}
	n.Flops = operations(op, in, out)
	if n.Bytes == 0 {
		k.p.warnings.add("an operator without tensors: left out", k.p.rank.Name, h.ID, h.Name)
		return n, false
	}
	return n, true
}

func (h *hostNode) collective(k *nodeReader, n *Node) bool {
	text := map[string]string{}
	for _, a := range h.Attrs {
		text[a.Name] = strings.Trim(string(a.Value), `"`)
	}
	op, known := OpOf(text["collective_name"])
	width := DTypeBytes[strings.ToLower(text["dtype"])]
	size := max(float64(integer(json.RawMessage(text["in_msg_nelems"]))), float64(integer(json.RawMessage(text["out_msg_nelems"]))))
	n.Kind, n.Work = Collective, WorkHost
	n.Group = k.p.groups.group(text["pg_name"], int(integer(json.RawMessage(text["pg_size"]))), nil)
	n.Priced, n.Op, n.Bytes = known && width > 0 && size > 0, op, width*size
	if !n.Priced {
		k.p.warnings.add("a collective without operation, dtype or size: left out", k.p.rank.Name, h.ID, h.Name)
	}
	return n.Priced
}

// tensor is a shape with its type.
type tensor struct {
	dims  []float64
	width float64
	dtype hardware.DType
}

func (t *tensor) elements() float64 {
	n := 1.0
	for _, d := range t.dims {
		n *= d
	}
	return n
}

var torchTypes = map[string]hardware.DType{"float": hardware.FP32, "double": hardware.FP64, "c10::half": hardware.FP16, "half": hardware.FP16, "c10::bfloat16": hardware.BF16, "bfloat16": hardware.BF16}

func tensors(shapes []json.RawMessage, types []string) []tensor {
	var out []tensor
	for i, raw := range shapes {
		if i >= len(types) || !strings.HasPrefix(types[i], "Tensor(") {
			continue
		}
		name := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(types[i], "Tensor("), ")"))
		t := tensor{width: DTypeBytes[strings.TrimPrefix(name, "c10::")], dtype: hardware.FP32}
		if d, ok := torchTypes[name]; ok {
			t.dtype = d
		}
		if t.width == 0 || json.Unmarshal(raw, &t.dims) != nil {
			continue
		}
		out = append(out, t)
	}
	return out
}

// operations are those of matrix work; element-wise operators are held up by memory.
func operations(op string, in, out []tensor) float64 {
	switch {
	case op == "mm" || op == "bmm" || op == "_scaled_mm", op == "addmm" || op == "baddbmm" || op == "addbmm":
		if strings.HasPrefix(op, "add") || strings.HasPrefix(op, "badd") {
			if len(in) < 3 {
				return 0
			}
			in = in[1:]
		}
		if len(in) < 2 || len(in[0].dims) < 2 || len(in[1].dims) < 2 {
			return 0
		}
		return 2 * in[0].elements() * in[1].dims[len(in[1].dims)-1]
	case strings.Contains(op, "convolution"):
		if len(in) < 2 || len(out) < 1 || len(in[1].dims) < 3 {
			return 0
		}
		flops := 2 * out[0].elements() * in[1].elements() / max(1, in[1].dims[0])
		if strings.Contains(op, "backward") && len(in) > 2 {
			return 4 * in[0].elements() * in[2].elements() / max(1, in[2].dims[0]) // gradients of input and weight
		}
		return flops
	case strings.Contains(op, "scaled_dot_product") || strings.Contains(op, "flash_attention"):
		if len(in) < 2 || len(in[0].dims) != 4 || len(in[1].dims) != 4 {
			return 0
		}
		f := 4 * in[0].elements() * in[1].dims[2]
		if strings.Contains(op, "backward") {
			f *= 2.5
		}
		return f
	}
	return 0
}
