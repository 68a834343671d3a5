package serving

import (
	"testing"

	"pgregory.net/rapid"
)

// TestLeastLoaded holds the router's choice against a walk over all replicas.
func TestLeastLoaded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "replicas")
		l := newLoads(n)
		load := make([]int32, n)
		for i := range load {
			load[i] = away
		}
		turn := 0
		for range rapid.IntRange(1, 300).Draw(t, "changes") {
			i := rapid.IntRange(0, n-1).Draw(t, "replica")
			load[i] = int32(rapid.IntRange(0, 5).Draw(t, "load"))
			if rapid.IntRange(0, 9).Draw(t, "down") == 0 {
				load[i] = away
			}
			l.set(i, load[i])
			want := -1
			for k := range n {
				j := (turn + k) % n
				if load[j] != away && (want < 0 || load[j] < load[want]) {
					want = j
				}
			}
			if got := l.leastLoaded(); got != want {
				t.Fatalf("chose %d, want %d of %v from %d", got, want, load, turn)
			}
			if want >= 0 {
				turn = (want + 1) % n
			}
			for k := range n {
				if j := (turn + k) % n; load[j] != away {
					turn = (j + 1) % n
					if got := l.inTurn(); got != j {
						t.Fatalf("took %d in turn, want %d", got, j)
					}
					break
				}
			}
		}
	})
}
