package place

import (
	"math"
	"slices"
)

// Draw is a source of chance: a sim.Stream.
type Draw interface{ Intn(n int) int }

// Placer places pods one after another.
type Placer struct {
	c       *Cluster
	policy  Policy
	draw    Draw
	typical typical
	frag    []float64 // of each node, for FGD

	classes []class
	log     []int32 // nodes in the order in which they changed
	stamp   []int32 // per node: the last refresh that saw it
	round   int32
}

// NewPlacer returns a placer over the cluster. The mix is what fragmentation is measured
// against (FGD); it may be nil for other policies.
func NewPlacer(c *Cluster, policy Policy, mix []Pod, draw Draw) *Placer {
	p := &Placer{c: c, policy: policy, draw: draw, stamp: make([]int32, len(c.Nodes))}
	p.typical = c.newTypical(mix)
	if policy == FGD {
		p.frag = make([]float64, len(c.Nodes))
		for n := range p.frag {
			p.refreshFragment(n)
		}
	}
	return p
}

func (p *Placer) refreshFragment(n int) {
	p.frag[n] = p.typical.fragment(p.c.free(n), p.c.left[n], p.c.cpu[n], p.c.model[n])
}

// Class returns the number of the pod's class.
func (p *Placer) Class(pod Pod) int {
	k := class{cpu: pod.CPUMilli, mem: pod.MemMiB, gpus: pod.GPUs, milli: int16(pod.GPUMilli), kind: -1}
	if k.gpus > 0 {
		k.mask = p.c.mask(pod.Models)
		k.kind = k.gpus
		if k.shared() {
			k.kind = 0
		}
	}
	at := slices.IndexFunc(p.classes, func(o class) bool {
		return o.cpu == k.cpu && o.mem == k.mem && o.gpus == k.gpus && o.milli == k.milli && o.mask == k.mask
	})
	if at >= 0 {
		return at
	}
	k.synced = -1
	p.classes = append(p.classes, k)
	return len(p.classes) - 1
}

// Place puts a pod of the class on the node that the policy chooses. ok is false where
// it fits nowhere.
func (p *Placer) Place(number int) (node int, gpus uint16, ok bool) {
	k := &p.classes[number]
	p.refresh(k)
	if p.policy == Random {
		node = p.pickRandom(k)
	} else {
		node = -1
		best := int16(infeasible)
		for n, s := range k.scores {
			if s > best {
				best, node = s, n
			}
		}
	}
	if node < 0 {
		return -1, 0, false
	}
	gpus = p.gpus(node, k)
	p.c.take(node, k, gpus, 1)
	p.changed(node)
	return node, gpus, true
}

// Release takes a pod off its node and GPUs.
func (p *Placer) Release(number, node int, gpus uint16) {
	p.c.take(node, &p.classes[number], gpus, -1)
	p.changed(node)
}

func (p *Placer) changed(node int) {
	p.log = append(p.log, int32(node))
	if p.policy == FGD {
		p.refreshFragment(node)
	}
}

// pickRandom is uniform over the feasible nodes.
func (p *Placer) pickRandom(k *class) int {
	feasible := 0
	for _, s := range k.scores {
		if s != infeasible {
			feasible++
		}
	}
	if feasible == 0 {
		return -1
	}
	at := p.draw.Intn(feasible)
	for n, s := range k.scores {
		if s != infeasible {
			if at == 0 {
				return n
			}
			at--
		}
	}
	panic("place: invariant: fewer feasible nodes than counted")
}

// refresh brings the scores of a class up to date.
func (p *Placer) refresh(k *class) {
	if k.synced < 0 || len(p.log)-k.synced > 4*len(p.c.Nodes) {
		if k.scores == nil {
			k.scores = make([]int16, len(p.c.Nodes))
		}
		for n := range k.scores {
			p.rescore(n, k)
		}
		k.synced = len(p.log)
		return
	}
	if p.round == math.MaxInt32 {
		clear(p.stamp)
		p.round = 0
	}
	p.round++
	for _, n := range p.log[k.synced:] {
		if p.stamp[n] != p.round {
			p.stamp[n] = p.round
			p.rescore(int(n), k)
		}
	}
	k.synced = len(p.log)
}

func (p *Placer) rescore(n int, k *class) {
	if p.c.fits(n, k) {
		k.scores[n] = p.score(n, k)
	} else {
		k.scores[n] = infeasible
	}
}
