package execution

import (
	"fmt"
	"math"
)

// Ring is a ring of ASTRA-sim 2 with its analytical network: one chunk at a time.
type Ring struct {
	Ranks          int
	GBps           float64 // of the network, in 2^30 B/s as ASTRA-sim counts
	LatencyNs      float64 // per hop
	Splits         int     // preferred-dataset-splits
	LocalGBps      float64 // of memory in 1e9 B/s; 0: reductions take no time
	EndpointDelays float64 // ns per bundle of packets; ASTRA-sim fixes 10 on the local dimension
}

// RingDefault is ASTRA-sim's regression example: 8 NPUs, 50 GB/s, 500 ns.
var RingDefault = Ring{Ranks: 8, GBps: 50, LatencyNs: 500, Splits: 4, LocalGBps: 50, EndpointDelays: 10}

// AllReduceNs is ASTRA-sim's answer for an all-reduce of S bytes (its system layer's
// Ring, checked against its regression's 117,780 ns): k chunks one after the other, each
// 2(n-1) messages of m = S/(kn), and n-1 reductions that read two and write one m:
//
//	k·[2(n-1)·⌊a + m/B⌋ + e·(2(n-1)+1) + (n-1)·3·⌊m/M⌋]
func (r Ring) AllReduceNs(bytes float64) (float64, error) {
	if r.Ranks < 2 || r.Splits < 1 || !(r.GBps > 0) || !(r.LatencyNs >= 0) {
		return 0, fmt.Errorf("a ring needs 2 ranks, 1 split, a bandwidth and a latency, has %d, %d, %g GB/s and %g ns", r.Ranks, r.Splits, r.GBps, r.LatencyNs)
	}
	n, k := float64(r.Ranks), float64(r.Splits)
	m := math.Floor(bytes / (k * n))
	bw := r.GBps * (1 << 30) / 1e9 // B/ns
	reduce := 0.0
	if r.LocalGBps > 0 {
		reduce = 3 * math.Floor(m/r.LocalGBps)
	}
	return k * (2*(n-1)*math.Floor(r.LatencyNs+m/bw) + r.EndpointDelays*(2*(n-1)+1) + (n-1)*reduce), nil
}
