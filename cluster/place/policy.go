package place

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Policy chooses the node and the GPU.
type Policy uint8

// The policies.
const (
	Random Policy = iota
	FirstFit
	BestFit
	WorstFit
	DotProduct
	Clustering
	Packing
	FGD
)

var policyNames = []string{"random", "first-fit", "best-fit", "worst-fit", "dot-product", "clustering", "packing", "fgd"}

// String is the policy's name.
func (p Policy) String() string { return policyNames[p] }

// PolicyNames are the names of the policies.
func PolicyNames() []string { return slices.Clone(policyNames) }

// ParsePolicy accepts the names, and those of the published experiments of FGD
// ("03-GpuClustering").
func ParsePolicy(s string) (Policy, error) {
	word := strings.ToLower(s)
	if i := strings.IndexByte(word, '-'); i > 0 && strings.Trim(word[:i], "0123456789") == "" {
		word = word[i+1:]
	}
	flat := strings.NewReplacer("-", "", "_", "", " ", "", "gpu", "", "score", "").Replace(word)
	for i, name := range policyNames {
		if flat == strings.ReplaceAll(name, "-", "") {
			return Policy(i), nil
		}
	}
	switch flat {
	case "dotprod":
		return DotProduct, nil
	case "cluster":
		return Clustering, nil
	case "pack":
		return Packing, nil
	}
	return 0, fmt.Errorf("place: no policy %q (want one of %s)", s, strings.Join(policyNames, ", "))
}

// The largest node of the scale on which best fit and dot product measure: 128 cores and
// 8 GPUs, as in the simulator of FGD.
const (
	maxCPUMilli = 128000.0
	maxGPUMilli = 8000.0
	maxScore    = 100
)

// score of a node on which the pod fits.
func (p *Placer) score(n int, k *class) int16 {
	c := p.c
	switch p.policy {
	case BestFit, WorstFit:
		s := (float64(c.cpu[n])-float64(k.cpu))/maxCPUMilli*0.5 +
			(float64(c.left[n])-float64(k.gpus)*float64(k.milli))/maxGPUMilli*0.5
		if p.policy == WorstFit {
			return clampScore(s * maxScore)
		}
		return clampScore((1 - s) * maxScore)
	case DotProduct:
		dot := float64(c.cpu[n])/maxCPUMilli*(float64(k.cpu)/maxCPUMilli) +
			float64(c.left[n])/maxGPUMilli*(float64(k.gpus)*float64(k.milli)/maxGPUMilli)
		return clampScore(maxScore * (1 - dot/2))
	case Clustering:
		return c.clusteringScore(n, k)
	case Packing:
		return c.packingScore(n, k)
	case FGD:
		s, _ := p.fragScore(n, k)
		return s
	}
	return 0
}

// clampScore truncates; nodes larger than the scale end at 0.
func clampScore(s float64) int16 { return int16(math.Max(0, math.Min(maxScore, s))) }

// clusteringScore has four bands: the same kind alone, the same kind among others, an
// idle node, other kinds; within a band the fuller node wins.
func (c *Cluster) clusteringScore(n int, k *class) int16 {
	if k.gpus == 0 {
		return 0
	}
	kinds, own := 0, c.kinds[n*kindsPerNode+k.kind] > 0
	for _, v := range c.kinds[n*kindsPerNode : (n+1)*kindsPerNode] {
		if v > 0 {
			kinds++
		}
	}
	full := maxScore / 4 * (maxGPUMilli - int64(c.left[n])) / maxGPUMilli
	switch {
	case own && kinds == 1:
		full += maxScore * 3 / 4
	case own:
		full += maxScore * 2 / 4
	case kinds == 0:
		full += maxScore / 4
	}
	return int16(max(0, full))
}

// packingScore prefers shared GPUs, the tighter the better, then few idle GPUs of a used
// node, then small idle nodes.
func (c *Cluster) packingScore(n int, k *class) int16 {
	if k.gpus == 0 {
		return 0
	}
	free := c.free(n)
	idle := 0
	for _, f := range free {
		if f == Milli {
			idle++
		}
	}
	if idle == len(free) {
		return int16(max(maxScore/3-idle, idle))
	}
	// The fullest GPUs that fit are used first.
	var used uint16
	fresh, room := 0, 0
	for range k.gpus {
		best := -1
		for g, f := range free {
			if used>>g&1 == 0 && f >= k.milli && (best < 0 || f < free[best]) {
				best = g
			}
		}
		used |= 1 << best
		if free[best] == Milli {
			fresh++
		}
		room += int(free[best]) * 100 / Milli
	}
	if fresh > 0 {
		return int16(max(maxScore/2-fresh, maxScore/3))
	}
	return int16(max(maxScore-room/10, maxScore/2))
}

// gpus chooses among the GPUs of the node: idle ones in order for whole requests; for
// shares at random, by fragmentation, or the fullest that fits.
func (p *Placer) gpus(n int, k *class) uint16 {
	if k.gpus == 0 {
		return 0
	}
	free := p.c.free(n)
	if !k.shared() {
		var mask uint16
		left := k.gpus
		for g, f := range free {
			if f == Milli && left > 0 {
				mask, left = mask|1<<g, left-1
			}
		}
		return mask
	}
	pick := -1
	switch p.policy {
	case Random:
		seen := 0
		for g, f := range free {
			if f >= k.milli {
				if seen++; p.draw.Intn(seen) == 0 {
					pick = g
				}
			}
		}
	case FGD:
		_, pick = p.fragScore(n, k)
	case WorstFit:
		for g, f := range free {
			if f >= k.milli && (pick < 0 || f > free[pick]) {
				pick = g
			}
		}
	default:
		for g, f := range free {
			if f >= k.milli && (pick < 0 || f < free[pick]) {
				pick = g
			}
		}
	}
	return 1 << pick
}
