package packet

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkPermutation is the headline: 2 MiB per host over 1,024 hosts.
func BenchmarkPermutation(b *testing.B) {
	for _, transport := range []string{"infiniband", "roce"} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/k=16/workers=%d", transport, workers), func(b *testing.B) {
				g := tree(b, 16)
				flows := permutation(g, 2<<20, 1)
				best, events := time.Hour, uint64(0)
				for b.Loop() {
					start := time.Now()
					r := run(b, g, flows, Options{Transport: transport, Workers: workers})
					best = min(best, time.Since(start))
					events = r.Events
				}
				b.ReportMetric(best.Seconds(), "best-s")
				b.ReportMetric(float64(best.Nanoseconds())/float64(events)*float64(workers), "ns-core/event")
				b.ReportMetric(float64(events), "events")
			})
		}
	}
}
