package flow

import (
	"cmp"
	"math"
	"slices"
)

// Fold merges resources that the demands cannot tell apart: those that the same demands
// use with proportional weights. Only the tightest of them can bind, so rates and completion
// times are exactly those of the unfolded problem as long as only these demands run. It
// returns the capacities and demands of the smaller problem and, per old resource, its
// new number, or −1 where the resource is unused or can never bind before its representative.
//
// A storage class that spreads over ten thousand links of a fat-tree folds to some tens.
func Fold(caps []float64, demands []Demand) ([]float64, []Demand, []ResourceID) {
	type entry struct {
		res    ResourceID
		demand int32
		weight float64
	}
	var all []entry
	for i, d := range demands {
		for _, u := range d.Uses {
			if u.Weight > 0 {
				all = append(all, entry{u.Res, int32(i), u.Weight})
			}
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		if o := cmp.Compare(a.res, b.res); o != 0 {
			return o
		}
		if o := cmp.Compare(a.demand, b.demand); o != 0 {
			return o
		}
		return cmp.Compare(a.weight, b.weight)
	})
	// Merge repeats, then scale each resource so that its first weight is 1.
	merged := all[:0]
	for _, e := range all {
		if k := len(merged) - 1; k >= 0 && merged[k].res == e.res && merged[k].demand == e.demand {
			merged[k].weight += e.weight
			continue
		}
		merged = append(merged, e)
	}
	to := make([]ResourceID, len(caps))
	for i := range to {
		to[i] = -1
	}
	var outCaps []float64
	var columns [][]entry // of each new resource, weights scaled
	bySignature := map[uint64][]int{}
	for s := 0; s < len(merged); {
		e := s + 1
		for e < len(merged) && merged[e].res == merged[s].res {
			e++
		}
		col := merged[s:e]
		first := col[0].weight
		h := uint64(14695981039346656037)
		for i := range col {
			col[i].weight /= first
			// Equal up to rounding must hash alike: take 40 bits of the weight.
			h = (h ^ uint64(col[i].demand)) * 1099511628211
			h = (h ^ math.Float64bits(col[i].weight+col[i].weight*1e-13)>>12) * 1099511628211
		}
		res, c := col[0].res, caps[col[0].res]/first
		found := -1
		for _, k := range bySignature[h] {
			if slices.EqualFunc(columns[k], col, func(a, b entry) bool {
				return a.demand == b.demand && math.Abs(a.weight-b.weight) <= 1e-12*b.weight
			}) {
				found = k
				break
			}
		}
		if found < 0 {
			found = len(columns)
			columns = append(columns, col)
			outCaps = append(outCaps, c)
			bySignature[h] = append(bySignature[h], found)
			to[res] = ResourceID(found)
		} else {
			outCaps[found] = min(outCaps[found], c)
			to[res] = ResourceID(found)
		}
		s = e
	}
	out := make([]Demand, len(demands))
	for i, d := range demands {
		out[i] = d
		out[i].Uses = nil
	}
	for k, col := range columns {
		for _, e := range col {
			out[e.demand].Uses = append(out[e.demand].Uses, Use{ResourceID(k), e.weight})
		}
	}
	return outCaps, out, to
}
