package sim

import (
	"slices"
	"testing"
)

type due struct{ at, seq int }

func (a due) Before(b due) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

// What goes in comes out in order, mixed with what is added on the way.
func TestPriorityQueueOrders(t *testing.T) {
	s := NewStream(1, "heap")
	var h PriorityQueue[due]
	var out []due
	for i := range 5000 {
		h.Push(due{int(s.Float64() * 300), i})
		if i%3 == 2 {
			first := slices.MinFunc(h, func(a, b due) int {
				if a.Before(b) {
					return -1
				}
				return 1
			})
			if got := h.Pop(); got != first {
				t.Fatalf("%v before %v", got, first)
			}
		}
	}
	for len(h) > 0 {
		out = append(out, h.Pop())
	}
	for i := 1; i < len(out); i++ {
		if !out[i-1].Before(out[i]) {
			t.Fatalf("%v before %v", out[i-1], out[i])
		}
	}
}
