package training

import (
	"math"

	"aisim/internal/result"
	"aisim/topology"
)

// cause numbers the resources that a time can be blamed on.
type cause int

const (
	byCompute cause                                 = iota // matrix rate
	byMemory                                               // memory bandwidth
	byHost                                                 // launching, host-side work
	byLatency                                              // fixed times of the network, which no bandwidth shortens
	byLevel                                                // first of the network levels: what relieving that level alone shortens
	byTied    = byLevel + cause(topology.NumLevels)        // by limiting level: what only several levels relieved together shorten
	numCauses = byTied + cause(topology.NumLevels)
)

var causeNames = [byLevel]struct {
	key, name string
	kind      result.Kind
}{
	{"compute", "matrix rate", result.KindCompute},
	{"hbm", "memory bandwidth", result.KindCompute2},
	{"host", "host and kernel launch", result.KindWait},
	{"latency", "network latency", result.KindWait},
}

// key is the stable resource key of a cause.
func (c cause) key() string {
	if c < byLevel {
		return causeNames[c].key
	}
	return topology.LevelID(c - byLevel).Key()
}

func (c cause) name() string {
	if c < byLevel {
		return causeNames[c].name
	}
	switch l := topology.LevelID(c - byLevel); l {
	case topology.ScaleUpLevel:
		return "scale-up link"
	case topology.NICLevel:
		return "host to leaf"
	case topology.LeafLevel:
		return "leaf to spine"
	case topology.SpineLevel:
		return "spine to core"
	default:
		return l.Key()
	}
}

func (c cause) kind() result.Kind {
	switch {
	case c < byLevel:
		return causeNames[c].kind
	case c == byLevel+cause(topology.ScaleUpLevel):
		return result.KindScaleUp
	}
	return result.KindNetwork
}

// took is a time in seconds with the share of each cause; by sums to sec.
type took struct {
	sec float64
	by  [numCauses]float64
}

// fixed is a time with one cause.
func fixed(sec float64, c cause) took {
	t := took{sec: sec}
	t.by[c] = sec
	return t
}

func (t *took) add(u *took) {
	t.sec += u.sec
	for i := range t.by {
		t.by[i] += u.by[i]
	}
}

// addTimes adds k times u.
func (t *took) addTimes(k float64, u *took) {
	t.sec += k * u.sec
	for i := range t.by {
		t.by[i] += k * u.by[i]
	}
}

func plus(a, b took) took {
	a.add(&b)
	return a
}

func times(k float64, a took) took {
	var t took
	t.addTimes(k, &a)
	return t
}

// quicker divides what one cause answers for by rate.
func quicker(a took, c cause, rate float64) took {
	gain := a.by[c] * (1 - 1/rate)
	a.by[c] -= gain
	a.sec -= gain
	return a
}

// longer is the maximum; the winner's causes.
func longer(a, b took) took {
	if b.sec > a.sec {
		return b
	}
	return a
}

// excess is what a takes beyond b, zero when it does not.
func excess(a, b took) took {
	if a.sec <= b.sec {
		return took{}
	}
	t := a
	t.addTimes(-1, &b)
	return t
}

// beside runs a and b at the same time on one chip: the longer, plus the part x of
// the shorter by which they slow each other.
func beside(a, b took, x float64) took {
	if a.sec < b.sec {
		a, b = b, a
	}
	a.addTimes(x, &b)
	return a
}

// valid says whether the time is a finite number that is not negative.
func (t *took) valid() bool { return t.sec >= 0 && !math.IsInf(t.sec, 0) && !math.IsNaN(t.sec) }
