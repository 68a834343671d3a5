package place

import (
	"math"
	"slices"
	"sort"
)

// typicalShare is the share of pods that the typical mix covers, most frequent classes
// first (FGD's experiments: 95 %).
const typicalShare = 0.95

// typical is the mix of pods that fragmentation is measured against, grouped by GPU
// request. Within a group the weights stand by CPU request.
type typical struct {
	groups  []typicalGroup
	cpuOnly float64 // weight of pods without GPU: no free GPU serves them
}

type typicalGroup struct {
	milli  int16
	gpus   int
	mask   uint64
	weight float64
	cpu    []int64   // ascending
	cum    []float64 // weight of the requests up to that of the same index
}

// newTypical counts classes of pods. Memory does not tell classes apart.
func (c *Cluster) newTypical(pods []Pod) typical {
	type key struct {
		cpu   int64
		milli int
		gpus  int
		mask  uint64
	}
	count := map[key]int{}
	for _, p := range pods {
		count[key{p.CPUMilli, p.GPUMilli, p.GPUs, c.mask(p.Models)}]++
	}
	keys := make([]key, 0, len(count))
	for k := range count {
		keys = append(keys, k)
	}
	// Most frequent first, and among equals the larger request, as the published
	// experiments order them.
	slices.SortFunc(keys, func(a, b key) int {
		switch {
		case count[a] != count[b]:
			return count[b] - count[a]
		case a.cpu != b.cpu:
			return int(b.cpu - a.cpu)
		case a.milli != b.milli:
			return b.milli - a.milli
		case a.gpus != b.gpus:
			return b.gpus - a.gpus
		case a.mask < b.mask:
			return 1
		case a.mask > b.mask:
			return -1
		}
		return 0
	})
	covered, last := 0, 0
	for last < len(keys) && float64(covered) < typicalShare*float64(len(pods)) {
		covered += count[keys[last]]
		last++
	}
	keys = keys[:last]
	sort.SliceStable(keys, func(i, j int) bool { return keys[i].cpu < keys[j].cpu })
	var t typical
	for _, k := range keys {
		w := float64(count[k]) / float64(covered)
		if k.gpus == 0 {
			t.cpuOnly += w
			continue
		}
		at := slices.IndexFunc(t.groups, func(g typicalGroup) bool {
			return int(g.milli) == k.milli && g.gpus == k.gpus && g.mask == k.mask
		})
		if at < 0 {
			at = len(t.groups)
			t.groups = append(t.groups, typicalGroup{milli: int16(k.milli), gpus: k.gpus, mask: k.mask})
		}
		g := &t.groups[at]
		g.weight += w
		g.cpu, g.cum = append(g.cpu, k.cpu), append(g.cum, g.weight)
	}
	return t
}

// fragment is the free GPU of a node, in thousandths, that a pod drawn from the typical
// mix could not use there: all of it where the pod does not fit, else that on GPUs with
// less than its share.
func (t *typical) fragment(free []int16, left int32, cpu int64, model uint64) float64 {
	total := float64(left)
	sum := t.cpuOnly * total
	for i := range t.groups {
		g := &t.groups[i]
		if g.mask != math.MaxUint64 && g.mask&model == 0 {
			sum += g.weight * total
			continue
		}
		fit, small := 0, int32(0)
		for _, f := range free {
			if f >= g.milli {
				fit++
			} else {
				small += int32(f)
			}
		}
		if fit < g.gpus {
			sum += g.weight * total
			continue
		}
		served := 0.0
		for j := len(g.cpu) - 1; j >= 0; j-- {
			if g.cpu[j] <= cpu {
				served = g.cum[j]
				break
			}
		}
		sum += served*float64(small) + (g.weight-served)*total
	}
	return sum
}

// Fragment is the sum over all nodes, in thousandths of a GPU, against the mix that the
// Placer was made with.
func (p *Placer) Fragment() float64 {
	var sum float64
	for n := range p.c.Nodes {
		sum += p.typical.fragment(p.c.free(n), p.c.left[n], p.c.cpu[n], p.c.model[n])
	}
	return sum
}

// fragScore is the score of the least growth of fragmentation, and for a share the GPU
// that gives it. The growth passes through a sigmoid, as published.
func (p *Placer) fragScore(n int, k *class) (best int16, gpu int) {
	c := p.c
	var free [maxGPUs]int16
	own := c.free(n)
	g := free[:copy(free[:], own)]
	before, model, cpu := p.frag[n], c.model[n], c.cpu[n]-k.cpu
	rate := func(left int32) int16 {
		after := p.typical.fragment(g, left, cpu, model)
		return int16(maxScore / (1 + math.Exp((after-before)/Milli)))
	}
	if !k.shared() {
		left := k.gpus
		for i, f := range g {
			if f == Milli && left > 0 {
				g[i], left = 0, left-1
			}
		}
		return rate(c.left[n] - int32(k.gpus)*int32(k.milli)), 0
	}
	gpu = -1
	for i, f := range own {
		if f < k.milli || slices.Contains(own[:i], f) {
			continue // an equal GPU before this one gives the same
		}
		g[i] = f - k.milli
		if s := rate(c.left[n] - int32(k.milli)); gpu < 0 || s > best {
			best, gpu = s, i
		}
		g[i] = f
	}
	return best, gpu
}
