package planner

import (
	"math"
	"sort"

	"aisim/internal/result"
)

// level is the coverage of every interval.
const level = 0.90

// quantile is the q-quantile of values with straight lines between order statistics
// (type 7 of Hyndman and Fan, The American Statistician 50(4), 1996).
func quantile(sorted []float64, q float64) float64 {
	x := q * float64(len(sorted)-1)
	i := int(x)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}

// number makes a Number of the values of all replicas, the nominal one first. Replicas
// that have no value (NaN) are left out.
func number(values []float64, unit string, p result.Pedigree, rung string) result.Number {
	n := result.Number{Value: values[0], Low: values[0], High: values[0], Unit: unit, Pedigree: p, Rung: rung}
	var s []float64
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			s = append(s, v)
		}
	}
	if len(s) < minReplicas {
		n.NoInterval = "too few replicas"
		return n
	}
	sort.Float64s(s)
	n.Low, n.High, n.Level = quantile(s, (1-level)/2), quantile(s, (1+level)/2), level
	// The nominal value is one draw of the seeds and may lie outside.
	n.Low, n.High = math.Min(n.Low, n.Value), math.Max(n.High, n.Value)
	return n
}

// minReplicas is the least number of replicas that an interval is made of.
const minReplicas = 5
