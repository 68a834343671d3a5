package serving

import (
	"math"

	"aisim/internal/result"
)

// hourly counts arrivals by hour.
type hourly struct{ all, good []int }

// maxHours bounds the table of hours: a century.
const maxHours = 24 * 366 * 100

func (h *hourly) add(at float64, good bool) {
	k := int(math.Min(at/3600, maxHours))
	for len(h.all) <= k {
		h.all = append(h.all, 0)
		h.good = append(h.good, 0)
	}
	h.all[k]++
	if good {
		h.good[k]++
	}
}

// points gives the rate of each hour; the last is as long as there were arrivals.
func (h *hourly) points(lastArrival float64) []result.HourPoint {
	out := make([]result.HourPoint, 0, len(h.all))
	for i, n := range h.all {
		long := min(3600, lastArrival-3600*float64(i))
		if long <= 0 {
			long = 3600
		}
		p := result.HourPoint{Hour: i, RequestsPerSec: float64(n) / long, Attainment: 1}
		if n > 0 {
			p.Attainment = float64(h.good[i]) / float64(n)
		}
		out = append(out, p)
	}
	return out
}
