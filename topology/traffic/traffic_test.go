package traffic

import (
	"testing"
	"time"
)

func TestQuick(t *testing.T) {
	for _, k := range []int{8, 16} {
		g, err := Kary(k, "d-mod-k")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		r, err := Ring(g, g.NICs("host"), 256<<20, LatencyShares, 1)
		t.Logf("%+v %v %v", r, err, time.Since(start))
	}
}
