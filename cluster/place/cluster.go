package place

import (
	"fmt"
	"math"

	"aisim/workloads/jobs"
)

// Milli is one whole GPU.
const Milli = 1000

// maxGPUs bounds the GPUs of a node: a placement is a mask of 16 bits.
const maxGPUs = 16

// Node is what a node has; Pod is what a pod asks for.
type (
	Node = jobs.Node
	Pod  = jobs.Pod
)

// Cluster is the free part of every node. Nodes stand in the order in which ties are
// broken.
type Cluster struct {
	Nodes []Node

	cpu, mem []int64
	gpu      []int16 // free thousandths, stride per node
	left     []int32 // their sum
	model    []uint64
	models   map[string]int
	stride   int
	kinds    []int32 // pods by kind of GPU request, for clustering
}

// kindsPerNode are the kinds of GPU request that clustering tells apart: a share of one
// GPU, then 1 to 16 whole GPUs.
const kindsPerNode = maxGPUs + 1

// NewCluster returns the nodes, empty.
func NewCluster(nodes []Node) (*Cluster, error) {
	c := &Cluster{Nodes: nodes, models: map[string]int{}}
	for _, n := range nodes {
		if n.GPUs < 0 || n.GPUs > maxGPUs || n.CPUMilli < 0 || n.MemMiB < 0 {
			return nil, fmt.Errorf("place: node %s: %d GPUs, %d mCPU, %d MiB: want 0 to %d GPUs and nothing negative", n.Name, n.GPUs, n.CPUMilli, n.MemMiB, maxGPUs)
		}
		c.stride = max(c.stride, n.GPUs)
		if _, ok := c.models[n.Model]; !ok && n.Model != "" {
			if len(c.models) == 64 {
				return nil, fmt.Errorf("place: more than 64 models of GPU")
			}
			c.models[n.Model] = len(c.models)
		}
	}
	if len(nodes) > math.MaxInt32 {
		return nil, fmt.Errorf("place: %d nodes", len(nodes))
	}
	c.cpu, c.mem = make([]int64, len(nodes)), make([]int64, len(nodes))
	c.gpu, c.left = make([]int16, len(nodes)*c.stride), make([]int32, len(nodes))
	c.model, c.kinds = make([]uint64, len(nodes)), make([]int32, len(nodes)*kindsPerNode)
	for i, n := range nodes {
		c.cpu[i], c.mem[i], c.left[i] = n.CPUMilli, n.MemMiB, int32(n.GPUs*Milli)
		for g := range n.GPUs {
			c.gpu[i*c.stride+g] = Milli
		}
		if n.Model != "" {
			c.model[i] = 1 << c.models[n.Model]
		}
	}
	return c, nil
}

// free are the free thousandths of the GPUs of a node.
func (c *Cluster) free(n int) []int16 { return c.gpu[n*c.stride : n*c.stride+c.Nodes[n].GPUs] }

// GPUMilli is the cluster's GPUs in thousandths.
func (c *Cluster) GPUMilli() int64 {
	var sum int64
	for _, n := range c.Nodes {
		sum += int64(n.GPUs) * Milli
	}
	return sum
}

// mask of the models that a pod accepts, all bits where any will do.
func (c *Cluster) mask(models []string) uint64 {
	if len(models) == 0 {
		return math.MaxUint64
	}
	var m uint64
	for _, name := range models {
		if k, ok := c.models[name]; ok {
			m |= 1 << k
		}
	}
	return m
}

// class is a set of alike pods.
type class struct {
	cpu, mem int64
	gpus     int
	milli    int16
	mask     uint64
	kind     int // of GPU request; -1 for none

	scores []int16 // by node; infeasible where the pod does not fit
	synced int     // how much of the log of changes the scores have seen
}

const infeasible = -1

func (k *class) shared() bool { return k.gpus == 1 && k.milli < Milli }

// fits says whether node n can take a pod of the class now.
func (c *Cluster) fits(n int, k *class) bool {
	if c.cpu[n] < k.cpu || c.mem[n] < k.mem {
		return false
	}
	if k.gpus == 0 {
		return true
	}
	if k.mask != math.MaxUint64 && c.model[n]&k.mask == 0 || c.left[n] < int32(k.gpus)*int32(k.milli) {
		return false
	}
	count := 0
	for _, f := range c.free(n) {
		if f >= k.milli {
			if count++; count == k.gpus {
				return true
			}
		}
	}
	return false
}

// take puts a pod of the class on the GPUs of the mask.
func (c *Cluster) take(n int, k *class, gpus uint16, sign int) {
	c.cpu[n] -= int64(sign) * k.cpu
	c.mem[n] -= int64(sign) * k.mem
	if k.gpus == 0 {
		return
	}
	f := c.free(n)
	for g := range f {
		if gpus>>g&1 != 0 {
			f[g] -= int16(sign) * k.milli
			if f[g] < 0 || f[g] > Milli {
				panic("place: invariant: a GPU holds more than itself or less than nothing")
			}
			c.left[n] -= int32(sign) * int32(k.milli)
		}
	}
	c.kinds[n*kindsPerNode+k.kind] += int32(sign)
}
