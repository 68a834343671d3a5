package queue

import (
	"cmp"
	"math"
	"slices"
)

// The defaults of Slurm's multifactor plugin (slurm.conf: PriorityMaxAge 7-0,
// PriorityCalcPeriod 5).
const (
	defaultMaxAgeSec = 7 * 86400
	defaultPeriodSec = 300
)

// tier of the partition that a job is confined to.
func (w *world) tier(j int32) int {
	if v := w.st[j].view; v > 0 {
		return w.pools[w.st[j].pool].Partitions[v-1].Tier
	}
	return 0
}

// factors is a job's priority: Σ weight × factor, each factor from 0 to 1.
func (w *world) factors(pl *pool, j int32) float64 {
	x, job := w.Weights, &w.trace.Jobs[j]
	oldest := x.MaxAgeSec
	if oldest == 0 {
		oldest = defaultMaxAgeSec
	}
	p := x.Age*math.Min(1, (w.now-job.SubmitSec)/oldest) + x.Size*float64(job.GPUs)/float64(pl.gpus()) + x.Fair*w.fairFactor(int(job.Tenant))
	if x.Partition > 0 {
		most := 1
		for _, q := range pl.Partitions {
			most = max(most, q.Tier)
		}
		p += x.Partition * float64(w.tier(j)) / float64(most)
	}
	if t := int(job.Tenant); x.QOS > 0 && t < len(w.Tenants) && w.Tenants[t].QOS > 0 {
		most := 0.0
		for _, q := range w.QOS {
			most = math.Max(most, q.Priority)
		}
		if most > 0 {
			p += x.QOS * w.QOS[w.Tenants[t].QOS-1].Priority / most
		}
	}
	return p
}

// fairFactor is 2^(−use/share): 1 for who has used nothing, 1/2 for who has used as much of
// all use as is due to him.
func (w *world) fairFactor(t int) float64 {
	used, weights := 0.0, 0.0
	for i := range w.tenants {
		used += w.tenants[i].used
		weights += w.weight(i)
	}
	if used == 0 {
		return 1
	}
	return math.Exp2(-(w.tenants[t].used / used) / (w.weight(t) / weights))
}

func (w *world) weight(t int) float64 {
	if t < len(w.Tenants) && w.Tenants[t].Weight > 0 {
		return w.Tenants[t].Weight
	}
	return 1
}

// reorder computes the priorities of all that wait, once a period.
func (w *world) reorder(pl *pool) {
	period := w.Weights.PeriodSec
	if period == 0 {
		period = defaultPeriodSec
	}
	if w.now-pl.sorted < period {
		return
	}
	pl.sorted = w.now
	l := &pl.lanes[0]
	waiting := l.buf[l.head:]
	for _, j := range waiting {
		w.rank[j] = w.factors(pl, j)
	}
	slices.SortFunc(waiting, func(a, b int32) int {
		return cmp.Or(cmp.Compare(w.rank[b], w.rank[a]), cmp.Compare(a, b))
	})
}
