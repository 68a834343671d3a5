package execution

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"aisim/topology/collective"
)

// Layers is a text workload of ASTRA-sim 1.0 or of SimAI/AICB: layers in the order of
// the forward pass, each with its compute and communication forward, for the gradient of
// its input and for that of its weights. SimAI unrolls micro-batches.
type Layers struct {
	Kind  string         // first word: MICRO, DATA, HYBRID_…
	Sizes map[string]int // of the head: model_parallel_NPU_group, ep, pp, vpp, ga, all_gpus
	PP    float64        // bytes of pp_comm
	List  []Layer
}

// Layer is one line.
type Layer struct {
	Name   string
	Passes [3]LayerPass // forward, input gradient, weight gradient
}

// LayerPass is compute, then one collective.
type LayerPass struct {
	ComputeNs int64
	Comm      string // as written: NONE, ALLREDUCE, ALLTOALL_EP …
	Bytes     float64
}

// PassNames are the passes of a layer.
var PassNames = [3]string{"forward", "input gradient", "weight gradient"}

// maxLayers bounds a file.
const maxLayers = 1 << 20

// ReadLayers reads a text workload. Compute is in nanoseconds, sizes are in bytes.
func ReadLayers(path string) (*Layers, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{File: path, Msg: "cannot be read", Err: errors.Unwrap(err)}
	}
	defer f.Close()
	var out *Layers
	err = members(f, path, func(_ string, r *bufio.Reader) error {
		if out == nil {
			out, err = parseLayers(r)
		}
		return err
	})
	if err != nil {
		return nil, &Error{File: path, Msg: "cannot be read", Err: err}
	}
	return out, nil
}

func parseLayers(r io.Reader) (*Layers, error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<16), 1<<20)
	line, no := "", 0
	next := func() bool {
		for s.Scan() {
			no++
			if line = strings.TrimSpace(s.Text()); line != "" {
				return true
			}
		}
		return false
	}
	if !next() {
		return nil, errors.New("the file is empty")
	}
	l := &Layers{Sizes: map[string]int{}}
	words := strings.Fields(line)
	l.Kind = words[0]
	for i := 1; i < len(words); i++ {
		key, ok := strings.CutSuffix(words[i], ":")
		if !ok && words[i] != "pp_comm" {
			continue
		}
		if i+1 == len(words) {
			return nil, fmt.Errorf("line %d: %s has no value", no, words[i])
		}
		i++
		v, err := strconv.ParseFloat(words[i], 64)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("line %d: %s is %q, want a number of 0 or more", no, key, words[i])
		}
		if key == "pp_comm" {
			l.PP = v
		} else if v < 1<<31 {
			l.Sizes[key] = int(v)
		}
	}
	if !next() {
		return nil, fmt.Errorf("line %d: the number of layers is missing", no)
	}
	n, err := strconv.Atoi(strings.Fields(line)[0])
	if err != nil || n < 1 || n > maxLayers {
		return nil, fmt.Errorf("line %d: the number of layers is %q, want 1 to %d", no, line, maxLayers)
	}
	for len(l.List) < n {
		if !next() {
			return nil, fmt.Errorf("line %d: %d layers are announced, %d are there", no, n, len(l.List))
		}
		layer, err := parseLayer(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", no, err)
		}
		l.List = append(l.List, layer)
	}
	if next() {
		return nil, fmt.Errorf("line %d: %d layers are announced, and there are more", no, n)
	}
	return l, s.Err()
}

func parseLayer(f []string) (Layer, error) {
	const columns = 12
	if len(f) < columns-1 { // the update time may be left out
		return Layer{}, fmt.Errorf("a layer has %d columns, want %d: name, dependency, and compute, communication and bytes of three passes, update", len(f), columns)
	}
	out := Layer{Name: f[0]}
	for i := range out.Passes {
		p := &out.Passes[i]
		at := 2 + 3*i
		ns, err := strconv.ParseInt(f[at], 10, 64)
		if err != nil || ns < 0 {
			return out, fmt.Errorf("layer %q: compute of the %s pass is %q, want nanoseconds", out.Name, PassNames[i], f[at])
		}
		p.ComputeNs, p.Comm = ns, strings.ToUpper(f[at+1])
		if _, _, err := p.op(); err != nil {
			return out, fmt.Errorf("layer %q: %w", out.Name, err)
		}
		if p.Bytes, err = strconv.ParseFloat(f[at+2], 64); err != nil || p.Bytes < 0 {
			return out, fmt.Errorf("layer %q: bytes of the %s pass are %q", out.Name, PassNames[i], f[at+2])
		}
	}
	return out, nil
}

// suffixes of a collective's word name its group, longest first.
var suffixes = []string{"_DP_EP", "_EP", "_DP", "_TP"}

// op is the operation and the suffix of its group; false for none.
func (p *LayerPass) op() (collective.Op, string, error) {
	word, suffix := p.Comm, ""
	for _, s := range suffixes {
		if w, ok := strings.CutSuffix(word, s); ok {
			word, suffix = w, s
			break
		}
	}
	switch word {
	case "NONE":
		return 0, "", nil
	case "ALLREDUCE":
		return collective.AllReduce, suffix, nil
	case "ALLGATHER":
		return collective.AllGather, suffix, nil
	case "REDUCESCATTER":
		return collective.ReduceScatter, suffix, nil
	case "ALLTOALL":
		return collective.AllToAll, suffix, nil
	}
	return 0, "", fmt.Errorf("communication %q is not known: NONE, ALLREDUCE, ALLGATHER, REDUCESCATTER, ALLTOALL, with _EP or _DP_EP behind", p.Comm)
}

// ComputeNs is the compute of all layers and passes.
func (l *Layers) ComputeNs() int64 {
	var ns int64
	for i := range l.List {
		for _, p := range l.List[i].Passes {
			ns += p.ComputeNs
		}
	}
	return ns
}

// Trace lays the layers out for a replay: forward through all, then back, each layer's
// collective after its compute on the communication slot, weight gradients' beside what
// follows. All ranks are alike; one is made, which stands for the groups of the head.
func (l *Layers) Trace() *Trace {
	t := &Trace{Format: FormatLayers, World: l.Sizes["all_gpus"], Timed: true, Ranks: []Rank{{Name: l.Kind}}}
	r := &t.Ranks[0]
	put := func(layer *Layer, pass int, after int32) (compute, comm int32) {
		p := &layer.Passes[pass]
		add := func(n Node) int32 {
			at := int32(len(r.Nodes))
			n.ID, n.Name, n.Stream, n.Peer = int64(at), int32(len(r.Names)), -1, -1
			n.First, n.Len = int32(len(r.Deps)), 0
			if after >= 0 {
				r.Deps = append(r.Deps, after)
				n.Len = 1
			}
			r.Nodes = append(r.Nodes, n)
			r.Names = append(r.Names, layer.Name+" "+PassNames[pass])
			return at
		}
		compute = add(Node{Kind: Compute, Work: WorkMatrix, DurationNs: p.ComputeNs})
		comm = compute
		if p.Comm != "NONE" && p.Bytes > 0 {
			op, suffix, _ := p.op()
			after = compute
			comm = add(Node{Kind: Collective, Priced: true, Op: op, Bytes: p.Bytes, Group: l.commGroup(t, suffix, pass)})
		}
		return compute, comm
	}
	at := int32(-1)
	for i := range l.List {
		_, at = put(&l.List[i], 0, at)
	}
	for i := len(l.List) - 1; i >= 0; i-- {
		var c int32
		c, _ = put(&l.List[i], 2, at)
		_, at = put(&l.List[i], 1, c)
	}
	return t
}

// commGroup is the communicator of a collective: TP for unsuffixed forward and input
// gradients, DP for weight gradients, as SimAI reads them; in ASTRA-sim's DATA and
// MICRO workloads all ranks.
func (l *Layers) commGroup(t *Trace, suffix string, pass int) int32 {
	tp, ep := max(1, l.Sizes["model_parallel_NPU_group"]), max(1, l.Sizes["ep"])
	all := l.Sizes["all_gpus"]
	if all == 0 || !strings.HasPrefix(l.Kind, "HYBRID") {
		return t.group("all", 0, nil)
	}
	dp := max(1, all/(tp*max(1, l.Sizes["pp"])))
	stride := func(name string, count, step int) int32 {
		ranks := make([]int32, count)
		for i := range ranks {
			ranks[i] = int32(i * step)
		}
		return t.group(name, count, ranks)
	}
	switch {
	case suffix == "_DP_EP":
		return stride("data of experts", max(1, dp/ep), tp*ep)
	case suffix == "_EP":
		return stride("expert", ep, tp)
	case pass == 2 || suffix == "_DP":
		return stride("data", dp, tp)
	}
	return stride("tensor", tp, 1)
}
