package phold

import (
	"fmt"
	"testing"
)

// BenchmarkPHOLD is the engine's headline: 65,536 LPs with 1 and with 16 events each.
func BenchmarkPHOLD(b *testing.B) {
	for _, perLP := range []int{1, 16} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("events=%d/workers=%d", perLP, workers), func(b *testing.B) {
				var events, seconds float64
				for b.Loop() {
					r, err := Run(Config{EventsPerLP: perLP, End: 50 / float64(perLP), Workers: workers})
					if err != nil {
						b.Fatal(err)
					}
					events += float64(r.Events)
					seconds += r.WallSeconds
				}
				b.ReportMetric(seconds/events*1e9, "ns/event")
				b.ReportMetric(events/seconds/1e6, "Mevents/s")
			})
		}
	}
}
