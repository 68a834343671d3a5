package crush

import (
	"fmt"
	"math"
)

// Ceph's default ratios of an OSD's size at which it warns, refuses backfill
// and refuses writes (mon_osd_*_ratio).
const (
	NearfullRatio     = 0.85
	BackfillfullRatio = 0.90
	FullRatio         = 0.95
)

// Fill is the size of an OSD and what is on it already.
type Fill struct {
	Bytes, UsedBytes float64
}

// Fills takes CRUSH weights for sizes: by convention 1.0 is one TiB.
func (m *Map) Fills() []Fill {
	out := make([]Fill, m.devices)
	for i, w := range m.DeviceWeights() {
		out[i].Bytes = float64(w) / One * (1 << 40)
	}
	return out
}

// Capacity is how much client data fits before the first OSD is full.
type Capacity struct {
	FirstFull    int     // the OSD that fills first
	UsableBytes  float64 // client data that fits on top of what is there
	EvenBytes    float64 // what would fit if every OSD filled at the same pace
	WorstOverFit float64 // EvenBytes / UsableBytes: what unevenness costs
}

// CapacityOf works out when the first OSD reaches the ratio. stored counts placement
// groups (or inputs) per OSD among all groups; each group holds an equal share of the
// data, and each place of it 1/shards (1 for replicas, k for k+m). D bytes put
// D·stored/(groups·shards) on an OSD, so
//
//	usable = min over OSDs (size·ratio − used) · groups · shards / stored.
//
// EvenBytes shares the free bytes of the OSDs that hold any group evenly.
func CapacityOf(stored []int64, groups int64, shards int, fills []Fill, ratio float64) (*Capacity, error) {
	if groups < 1 || shards < 1 || !(ratio > 0 && ratio <= 1) {
		return nil, fmt.Errorf("crush: capacity of %d groups, %d shards at a full ratio of %g", groups, shards, ratio)
	}
	c := &Capacity{FirstFull: -1, UsableBytes: math.Inf(1)}
	free, places := 0.0, int64(0)
	for osd, n := range stored {
		if n == 0 {
			continue
		}
		if osd >= len(fills) || !(fills[osd].Bytes > 0) {
			return nil, fmt.Errorf("crush: osd.%d holds %d of %d placement groups and its size is not known", osd, n, groups)
		}
		room := max(0, fills[osd].Bytes*ratio-fills[osd].UsedBytes)
		free += room
		places += n
		if usable := room * float64(groups) * float64(shards) / float64(n); usable < c.UsableBytes {
			c.FirstFull, c.UsableBytes = osd, usable
		}
	}
	if places == 0 {
		return nil, fmt.Errorf("crush: no OSD holds any of %d placement groups", groups)
	}
	c.EvenBytes = free * float64(groups) * float64(shards) / float64(places)
	if c.UsableBytes > 0 {
		c.WorstOverFit = c.EvenBytes / c.UsableBytes
	}
	return c, nil
}
