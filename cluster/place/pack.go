package place

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Chance is what an experiment draws from.
type Chance interface {
	Draw
	Shuffle(n int, swap func(i, j int))
	Perm(n int) []int
}

// Curve is how much of the cluster's GPUs is allocated as demand arrives.
type Curve struct {
	// AllocatedPct by demand: the mean, over the moments at which the demand submitted so
	// far rounds to that many per cent of the GPUs, of the share that is allocated.
	AllocatedPct []float64
	Placed       int
	Failed       int
	FragmentPct  float64 // of the cluster's GPUs, at the end
}

// Pack submits the pods in random order to an empty cluster, without end and without a
// second try: pods are added at random, or removed, until their GPUs come to ratio of
// the cluster's. The order of the nodes, which breaks ties, is drawn as well.
func Pack(nodes []Node, pods []Pod, policy Policy, ratio float64, chance Chance) (*Curve, error) {
	byName := slices.Clone(pods)
	slices.SortStableFunc(byName, func(a, b Pod) int { return strings.Compare(a.Name, b.Name) })
	submitted := slices.Clone(byName)
	chance.Shuffle(len(submitted), func(i, j int) { submitted[i], submitted[j] = submitted[j], submitted[i] })
	var capacity int64
	for _, n := range nodes {
		capacity += int64(n.GPUs) * Milli
	}
	submitted, err := tune(submitted, byName, ratio*float64(capacity), chance)
	if err != nil {
		return nil, err
	}
	sorted := slices.Clone(nodes)
	slices.SortStableFunc(sorted, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	ranked := make([]Node, len(sorted))
	for i, rank := range chance.Perm(len(sorted)) {
		ranked[rank] = sorted[i]
	}
	c, err := NewCluster(ranked)
	if err != nil {
		return nil, err
	}
	p := NewPlacer(c, policy, byName, chance)
	return p.curve(submitted, capacity, ratio), nil
}

// tune adds or removes pods at random until they ask for as many GPUs as wanted.
func tune(submitted, from []Pod, wanted float64, chance Chance) ([]Pod, error) {
	var asked int64
	for _, p := range submitted {
		if err := p.Check(); err != nil {
			return nil, fmt.Errorf("pod %s: %w", p.Name, err)
		}
		asked += int64(p.GPUs * p.GPUMilli)
	}
	if asked == 0 || wanted <= 0 {
		return nil, fmt.Errorf("place: the pods or the nodes have no GPU")
	}
	for float64(asked) > wanted {
		i := chance.Intn(len(submitted))
		asked -= int64(submitted[i].GPUs * submitted[i].GPUMilli)
		submitted = slices.Delete(submitted, i, i+1)
	}
	for float64(asked) < wanted {
		p := from[chance.Intn(len(from))]
		if float64(asked+int64(p.GPUMilli)) > wanted {
			break
		}
		asked += int64(p.GPUs * p.GPUMilli)
		submitted = append(submitted, p)
	}
	return submitted, nil
}

func (p *Placer) curve(pods []Pod, capacity int64, ratio float64) *Curve {
	levels := int(math.RoundToEven(100*ratio)) + 2
	sum, count := make([]float64, levels), make([]int, levels)
	out := &Curve{}
	var arrived, used int64
	for _, pod := range pods {
		ask := int64(pod.GPUs * pod.GPUMilli)
		arrived += ask
		if _, _, ok := p.Place(p.Class(pod)); ok {
			used += ask
			out.Placed++
		} else {
			out.Failed++
		}
		if at := int(math.RoundToEven(100 * float64(arrived) / float64(capacity))); at < levels {
			sum[at] += 100 * float64(used) / float64(capacity)
			count[at]++
		}
	}
	out.AllocatedPct = make([]float64, levels)
	for i := range sum {
		// A level that no moment rounds to takes those beside it.
		s, n := sum[i], count[i]
		if n == 0 {
			for _, j := range []int{i - 1, i + 1} {
				if j >= 0 && j < levels {
					s, n = s+sum[j], n+count[j]
				}
			}
		}
		out.AllocatedPct[i] = math.NaN()
		if n > 0 {
			out.AllocatedPct[i] = s / float64(n)
		}
	}
	out.FragmentPct = 100 * p.Fragment() / float64(capacity)
	return out
}
