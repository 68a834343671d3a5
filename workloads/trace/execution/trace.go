package execution

import (
	"fmt"
	"slices"
	"strings"

	"aisim/hardware"
	"aisim/topology/collective"
)

// Kind is what a node does.
type Kind uint8

// The kinds of nodes.
const (
	Unknown Kind = iota
	Metadata
	Load  // of remote memory
	Store // to remote memory
	Compute
	Send
	Recv
	Collective
	numKinds
)

var kindNames = [numKinds]string{"unknown", "metadata", "memory load", "memory store", "compute", "send", "receive", "collective"}

// String is the name of the kind in reports.
func (k Kind) String() string { return kindNames[k] }

// Work says by which rate of a chip a compute node's time scales.
type Work uint8

// The kinds of work.
const (
	WorkHost    Work = iota // on the host: no chip's rate
	WorkMatrix              // matrix products, convolutions, attention
	WorkMemory              // all other kernels
	WorkCopy                // between host and device
	WorkCounted             // known by operations and bytes
	numWorks
)

var workNames = [numWorks]string{"host", "matrix", "memory", "copy", "counted"}

// Node is one step of a rank.
type Node struct {
	ID         int64
	Name       int32 // in Rank.Names
	Group      int32 // in Trace.Groups, of communication
	Stream     int32 // slot that it holds: a device's stream or a host's thread; -1: the usual one
	Peer, Tag  int32 // of messages
	First, Len int32 // its dependencies in Rank.Deps
	Kind       Kind
	Work       Work
	Op         collective.Op
	Priced     bool // the collective's size and operation are known
	Host       bool
	DType      hardware.DType // of counted work
	Bytes      float64        // of a message or a collective (nccl-tests' convention), else memory traffic
	Flops      float64
	DurationNs int64
	LeadNs     int64 // a wait before it that the trace does not explain; kept as it is
	StartNs    int64 // as recorded; 0 where it was not
}

// Rank is the trace of one rank.
type Rank struct {
	Name  string // of the file
	Index int32  // its number among the ranks
	Names []string
	Nodes []Node
	Deps  []int32 // places in Nodes
}

// NameOf is a node's name.
func (r *Rank) NameOf(n *Node) string { return r.Names[n.Name] }

func (r *Rank) deps(n *Node) []int32 { return r.Deps[n.First : n.First+n.Len] }

// Group is the ranks of a communicator.
type Group struct {
	Name  string
	Size  int     // 0: all ranks
	Ranks []int32 // nil: not said
}

// Trace is what the ranks of one job executed.
type Trace struct {
	Format   string // "chakra", "chakra-json", "kineto", "pytorch-et"
	Version  string // of the format, as the file states it
	Device   string // chip that the trace names
	Ranks    []Rank
	Groups   []Group
	World    int // ranks of the job, where the trace says so
	Timed    bool
	Warnings []Warning
}

// Warning is something about a trace that its reader had to settle.
type Warning struct {
	What  string
	Count int
	Rank  string // of the first node
	Node  int64
	Name  string
}

// String is one line.
func (w Warning) String() string {
	at := fmt.Sprintf("node %d %q of %s", w.Node, w.Name, w.Rank)
	if w.Count > 1 {
		return fmt.Sprintf("%s: %d nodes, first %s", w.What, w.Count, at)
	}
	return w.What + ": " + at
}

// warnings gathers warnings of one kind under their first node.
type warnings struct {
	list []Warning
	at   map[string]int
}

func (w *warnings) add(what, rank string, node int64, name string) {
	if w.at == nil {
		w.at = map[string]int{}
	}
	i, ok := w.at[what]
	if !ok {
		i = len(w.list)
		w.at[what] = i
		w.list = append(w.list, Warning{What: what, Rank: rank, Node: node, Name: name})
	}
	w.list[i].Count++
}

// merge joins warnings of ranks in their order.
func (t *Trace) merge(all ...[]Warning) {
	at := map[string]int{}
	for i, w := range t.Warnings {
		at[w.What] = i
	}
	for _, list := range all {
		for _, w := range list {
			if i, ok := at[w.What]; ok {
				t.Warnings[i].Count += w.Count
				continue
			}
			at[w.What] = len(t.Warnings)
			t.Warnings = append(t.Warnings, w)
		}
	}
}

// group is the place of a communicator in Groups.
func (t *Trace) group(name string, size int, ranks []int32) int32 {
	for i := range t.Groups {
		if g := &t.Groups[i]; g.Name == name {
			if g.Size == 0 {
				g.Size = size
			}
			if g.Ranks == nil {
				g.Ranks = ranks
			}
			return int32(i)
		}
	}
	t.Groups = append(t.Groups, Group{name, size, ranks})
	return int32(len(t.Groups) - 1)
}

// Error is a fault in a trace with its place.
type Error struct {
	File string
	Msg  string
	Err  error
}

// Error returns "file: message".
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.File, e.Msg, e.Err)
	}
	return e.File + ": " + e.Msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// MatrixKernel says whether a kernel's or an operator's name tells of matrix work.
func MatrixKernel(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(matrixWords, func(w string) bool { return strings.Contains(name, w) })
}

// matrixWords occur in the names of kernels that keep matrix units busy: cuBLAS,
// CUTLASS, cuDNN, rocBLAS/Tensile, attention, Triton's products.
var matrixWords = []string{"gemm", "gemv", "cutlass", "conv", "wgrad", "dgrad", "flash", "fmha", "attention", "cijk_", "matmul", "xmma", "nvjet", "sm80_", "sm90_", "sm100_", "implicit_con", "winograd"}
